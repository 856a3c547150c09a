//! What a world looks like.

use super::core::{Color, Header};
use super::geometry::{AxisAlignedBox, Pose, Vector2d, Vector3d};
use super::shapes::{HeightmapGeom, Polyline};

/// `Scene`.
#[derive(Clone, PartialEq, prost::Message)]
pub struct Scene {
    #[prost(message, optional, tag = "1")]
    pub header: Option<Header>,
    #[prost(string, tag = "2")]
    pub name: String,
    #[prost(message, optional, tag = "3")]
    pub ambient: Option<Color>,
    #[prost(message, optional, tag = "4")]
    pub background: Option<Color>,
    #[prost(bool, tag = "6")]
    pub shadows: bool,
    #[prost(bool, tag = "8")]
    pub grid: bool,
    #[prost(message, repeated, tag = "9")]
    pub model: Vec<Model>,
    #[prost(message, repeated, tag = "10")]
    pub light: Vec<Light>,
    #[prost(message, repeated, tag = "11")]
    pub joint: Vec<Joint>,
    #[prost(bool, tag = "12")]
    pub origin_visual: bool,
}

/// `Model`.
#[derive(Clone, PartialEq, prost::Message)]
pub struct Model {
    #[prost(message, optional, tag = "1")]
    pub header: Option<Header>,
    #[prost(string, tag = "2")]
    pub name: String,
    #[prost(uint32, tag = "3")]
    pub id: u32,
    #[prost(bool, tag = "4")]
    pub is_static: bool,
    #[prost(message, optional, tag = "5")]
    pub pose: Option<Pose>,
    #[prost(message, repeated, tag = "6")]
    pub joint: Vec<Joint>,
    #[prost(message, repeated, tag = "7")]
    pub link: Vec<Link>,
    #[prost(bool, tag = "8")]
    pub deleted: bool,
    #[prost(message, repeated, tag = "9")]
    pub visual: Vec<Visual>,
    #[prost(message, optional, tag = "10")]
    pub scale: Option<Vector3d>,
    #[prost(bool, tag = "11")]
    pub self_collide: bool,
    #[prost(message, repeated, tag = "12")]
    pub model: Vec<Model>,
    #[prost(message, optional, tag = "13")]
    pub bounding_box: Option<AxisAlignedBox>,
}

/// `Link`.
#[derive(Clone, PartialEq, prost::Message)]
pub struct Link {
    #[prost(message, optional, tag = "1")]
    pub header: Option<Header>,
    #[prost(uint32, tag = "2")]
    pub id: u32,
    #[prost(string, tag = "3")]
    pub name: String,
    #[prost(bool, tag = "4")]
    pub self_collide: bool,
    #[prost(bool, tag = "5")]
    pub gravity: bool,
    #[prost(bool, tag = "6")]
    pub kinematic: bool,
    #[prost(bool, tag = "7")]
    pub enabled: bool,
    #[prost(message, optional, tag = "9")]
    pub inertial: Option<Inertial>,
    #[prost(message, optional, tag = "10")]
    pub pose: Option<Pose>,
    #[prost(message, repeated, tag = "11")]
    pub visual: Vec<Visual>,
    #[prost(message, repeated, tag = "12")]
    pub collision: Vec<Collision>,
    #[prost(bool, tag = "15")]
    pub canonical: bool,
    #[prost(message, repeated, tag = "17")]
    pub light: Vec<Light>,
}

/// `Visual`.
#[derive(Clone, PartialEq, prost::Message)]
pub struct Visual {
    #[prost(message, optional, tag = "1")]
    pub header: Option<Header>,
    #[prost(string, tag = "2")]
    pub name: String,
    #[prost(uint32, tag = "3")]
    pub id: u32,
    #[prost(string, tag = "4")]
    pub parent_name: String,
    #[prost(uint32, tag = "5")]
    pub parent_id: u32,
    #[prost(bool, tag = "6")]
    pub cast_shadows: bool,
    #[prost(double, tag = "7")]
    pub transparency: f64,
    #[prost(double, tag = "8")]
    pub laser_retro: f64,
    #[prost(message, optional, tag = "9")]
    pub pose: Option<Pose>,
    #[prost(message, optional, tag = "10")]
    pub geometry: Option<Geometry>,
    #[prost(message, optional, tag = "11")]
    pub material: Option<Material>,
    #[prost(bool, tag = "12")]
    pub visible: bool,
    #[prost(bool, tag = "13")]
    pub delete_me: bool,
    #[prost(bool, tag = "14")]
    pub is_static: bool,
    #[prost(message, optional, tag = "16")]
    pub scale: Option<Vector3d>,
    #[prost(enumeration = "visual::Type", tag = "18")]
    pub r#type: i32,
}

/// What `Visual` holds.
pub mod visual {
    /// `Visual.Meta`.
    #[derive(Clone, PartialEq, prost::Message)]
    pub struct Meta {
        #[prost(int32, tag = "1")]
        pub layer: i32,
    }

    /// `Visual.Type`.
    #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, prost::Enumeration)]
    #[repr(i32)]
    pub enum Type {
        Entity = 0,
        Model = 1,
        Link = 2,
        Visual = 3,
        Collision = 4,
        Sensor = 5,
        Gui = 6,
        Physics = 7,
    }
}

/// `Collision`.
#[derive(Clone, PartialEq, prost::Message)]
pub struct Collision {
    #[prost(message, optional, tag = "1")]
    pub header: Option<Header>,
    #[prost(uint32, tag = "2")]
    pub id: u32,
    #[prost(string, tag = "3")]
    pub name: String,
    #[prost(double, tag = "4")]
    pub laser_retro: f64,
    #[prost(double, tag = "5")]
    pub max_contacts: f64,
    #[prost(message, optional, tag = "6")]
    pub pose: Option<Pose>,
    #[prost(message, optional, tag = "7")]
    pub geometry: Option<Geometry>,
    #[prost(message, repeated, tag = "9")]
    pub visual: Vec<Visual>,
}

/// `Geometry`.
#[derive(Clone, PartialEq, prost::Message)]
pub struct Geometry {
    #[prost(message, optional, tag = "1")]
    pub header: Option<Header>,
    #[prost(enumeration = "geometry::Type", tag = "2")]
    pub r#type: i32,
    #[prost(message, optional, tag = "3")]
    pub r#box: Option<BoxGeom>,
    #[prost(message, optional, tag = "4")]
    pub cylinder: Option<CylinderGeom>,
    #[prost(message, optional, tag = "5")]
    pub plane: Option<PlaneGeom>,
    #[prost(message, optional, tag = "6")]
    pub sphere: Option<SphereGeom>,
    #[prost(message, optional, tag = "8")]
    pub heightmap: Option<HeightmapGeom>,
    #[prost(message, optional, tag = "9")]
    pub mesh: Option<MeshGeom>,
    #[prost(message, optional, tag = "10")]
    pub cone: Option<ConeGeom>,
    #[prost(message, repeated, tag = "11")]
    pub points: Vec<Vector3d>,
    #[prost(message, repeated, tag = "12")]
    pub polyline: Vec<Polyline>,
    #[prost(message, optional, tag = "13")]
    pub capsule: Option<CapsuleGeom>,
    #[prost(message, optional, tag = "14")]
    pub ellipsoid: Option<EllipsoidGeom>,
}

/// What `Geometry` holds.
pub mod geometry {
    /// `Geometry.Type`.
    #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, prost::Enumeration)]
    #[repr(i32)]
    pub enum Type {
        Box = 0,
        Cylinder = 1,
        Sphere = 2,
        Plane = 3,
        Image = 4,
        Heightmap = 5,
        Mesh = 6,
        TriangleFan = 7,
        LineStrip = 8,
        Polyline = 9,
        Cone = 10,
        Empty = 11,
        Arrow = 12,
        Axis = 13,
        Capsule = 14,
        Ellipsoid = 15,
    }
}

/// `BoxGeom`.
#[derive(Clone, PartialEq, prost::Message)]
pub struct BoxGeom {
    #[prost(message, optional, tag = "1")]
    pub header: Option<Header>,
    #[prost(message, optional, tag = "2")]
    pub size: Option<Vector3d>,
}

/// `CylinderGeom`.
#[derive(Clone, PartialEq, prost::Message)]
pub struct CylinderGeom {
    #[prost(message, optional, tag = "1")]
    pub header: Option<Header>,
    #[prost(double, tag = "2")]
    pub radius: f64,
    #[prost(double, tag = "3")]
    pub length: f64,
}

/// `SphereGeom`.
#[derive(Clone, PartialEq, prost::Message)]
pub struct SphereGeom {
    #[prost(message, optional, tag = "1")]
    pub header: Option<Header>,
    #[prost(double, tag = "2")]
    pub radius: f64,
}

/// `PlaneGeom`.
#[derive(Clone, PartialEq, prost::Message)]
pub struct PlaneGeom {
    #[prost(message, optional, tag = "1")]
    pub header: Option<Header>,
    #[prost(message, optional, tag = "2")]
    pub normal: Option<Vector3d>,
    #[prost(message, optional, tag = "3")]
    pub size: Option<Vector2d>,
    #[prost(double, tag = "4")]
    pub d: f64,
}

/// `CapsuleGeom`.
#[derive(Clone, PartialEq, prost::Message)]
pub struct CapsuleGeom {
    #[prost(message, optional, tag = "1")]
    pub header: Option<Header>,
    #[prost(double, tag = "2")]
    pub radius: f64,
    #[prost(double, tag = "3")]
    pub length: f64,
}

/// `EllipsoidGeom`.
#[derive(Clone, PartialEq, prost::Message)]
pub struct EllipsoidGeom {
    #[prost(message, optional, tag = "1")]
    pub header: Option<Header>,
    #[prost(message, optional, tag = "2")]
    pub radii: Option<Vector3d>,
}

/// `ConeGeom`.
#[derive(Clone, PartialEq, prost::Message)]
pub struct ConeGeom {
    #[prost(message, optional, tag = "1")]
    pub header: Option<Header>,
    #[prost(double, tag = "2")]
    pub radius: f64,
    #[prost(double, tag = "3")]
    pub length: f64,
}

/// `MeshGeom`.
#[derive(Clone, PartialEq, prost::Message)]
pub struct MeshGeom {
    #[prost(message, optional, tag = "1")]
    pub header: Option<Header>,
    #[prost(string, tag = "2")]
    pub filename: String,
    #[prost(message, optional, tag = "3")]
    pub scale: Option<Vector3d>,
    #[prost(string, tag = "4")]
    pub submesh: String,
    #[prost(bool, tag = "5")]
    pub center_submesh: bool,
}

/// `Material`.
#[derive(Clone, PartialEq, prost::Message)]
pub struct Material {
    #[prost(message, optional, tag = "1")]
    pub header: Option<Header>,
    #[prost(message, optional, tag = "2")]
    pub script: Option<material::Script>,
    #[prost(enumeration = "material::ShaderType", tag = "3")]
    pub shader_type: i32,
    #[prost(string, tag = "4")]
    pub normal_map: String,
    #[prost(message, optional, tag = "5")]
    pub ambient: Option<Color>,
    #[prost(message, optional, tag = "6")]
    pub diffuse: Option<Color>,
    #[prost(message, optional, tag = "7")]
    pub specular: Option<Color>,
    #[prost(message, optional, tag = "8")]
    pub emissive: Option<Color>,
    #[prost(bool, tag = "9")]
    pub lighting: bool,
    #[prost(message, optional, tag = "10")]
    pub pbr: Option<material::Pbr>,
    #[prost(double, tag = "11")]
    pub render_order: f64,
    #[prost(bool, tag = "12")]
    pub double_sided: bool,
}

/// What `Material` holds.
pub mod material {
    /// `Material.ShaderType`.
    #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, prost::Enumeration)]
    #[repr(i32)]
    pub enum ShaderType {
        Vertex = 0,
        Pixel = 1,
        NormalMapObjectSpace = 2,
        NormalMapTangentSpace = 3,
    }

    /// `Material.Script`.
    #[derive(Clone, PartialEq, prost::Message)]
    pub struct Script {
        #[prost(string, repeated, tag = "1")]
        pub uri: Vec<String>,
        #[prost(string, tag = "2")]
        pub name: String,
    }

    /// `Material.PBR`.
    #[derive(Clone, PartialEq, prost::Message)]
    pub struct Pbr {
        #[prost(enumeration = "pbr::WorkflowType", tag = "1")]
        pub r#type: i32,
        #[prost(string, tag = "2")]
        pub albedo_map: String,
        #[prost(string, tag = "3")]
        pub normal_map: String,
        #[prost(double, tag = "4")]
        pub metalness: f64,
        #[prost(string, tag = "5")]
        pub metalness_map: String,
        #[prost(double, tag = "6")]
        pub roughness: f64,
        #[prost(string, tag = "7")]
        pub roughness_map: String,
        #[prost(double, tag = "8")]
        pub glossiness: f64,
        #[prost(string, tag = "9")]
        pub glossiness_map: String,
        #[prost(string, tag = "10")]
        pub specular_map: String,
        #[prost(string, tag = "11")]
        pub environment_map: String,
        #[prost(string, tag = "12")]
        pub ambient_occlusion_map: String,
        #[prost(string, tag = "13")]
        pub emissive_map: String,
        #[prost(string, tag = "14")]
        pub light_map: String,
        #[prost(uint32, tag = "15")]
        pub light_map_texcoord_set: u32,
    }

    /// What `Material.PBR` holds.
    pub mod pbr {
        /// `Material.PBR.WorkflowType`.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, prost::Enumeration)]
        #[repr(i32)]
        pub enum WorkflowType {
            None = 0,
            Metal = 1,
            Specular = 2,
        }
    }
}

/// `Light`.
#[derive(Clone, PartialEq, prost::Message)]
pub struct Light {
    #[prost(message, optional, tag = "1")]
    pub header: Option<Header>,
    #[prost(string, tag = "2")]
    pub name: String,
    #[prost(enumeration = "light::LightType", tag = "3")]
    pub r#type: i32,
    #[prost(message, optional, tag = "4")]
    pub pose: Option<Pose>,
    #[prost(message, optional, tag = "5")]
    pub diffuse: Option<Color>,
    #[prost(message, optional, tag = "6")]
    pub specular: Option<Color>,
    #[prost(float, tag = "7")]
    pub attenuation_constant: f32,
    #[prost(float, tag = "8")]
    pub attenuation_linear: f32,
    #[prost(float, tag = "9")]
    pub attenuation_quadratic: f32,
    #[prost(message, optional, tag = "10")]
    pub direction: Option<Vector3d>,
    #[prost(float, tag = "11")]
    pub range: f32,
    #[prost(bool, tag = "12")]
    pub cast_shadows: bool,
    #[prost(float, tag = "13")]
    pub spot_inner_angle: f32,
    #[prost(float, tag = "14")]
    pub spot_outer_angle: f32,
    #[prost(float, tag = "15")]
    pub spot_falloff: f32,
    #[prost(uint32, tag = "16")]
    pub id: u32,
    #[prost(uint32, tag = "17")]
    pub parent_id: u32,
    #[prost(float, tag = "18")]
    pub intensity: f32,
}

/// What `Light` holds.
pub mod light {
    /// `Light.LightType`.
    #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, prost::Enumeration)]
    #[repr(i32)]
    pub enum LightType {
        Point = 0,
        Spot = 1,
        Directional = 2,
    }
}

/// `Inertial`.
#[derive(Clone, PartialEq, prost::Message)]
pub struct Inertial {
    #[prost(message, optional, tag = "1")]
    pub header: Option<Header>,
    #[prost(double, tag = "2")]
    pub mass: f64,
    #[prost(message, optional, tag = "3")]
    pub pose: Option<Pose>,
    #[prost(double, tag = "4")]
    pub ixx: f64,
    #[prost(double, tag = "5")]
    pub ixy: f64,
    #[prost(double, tag = "6")]
    pub ixz: f64,
    #[prost(double, tag = "7")]
    pub iyy: f64,
    #[prost(double, tag = "8")]
    pub iyz: f64,
    #[prost(double, tag = "9")]
    pub izz: f64,
}

/// `Joint`.
#[derive(Clone, PartialEq, prost::Message)]
pub struct Joint {
    #[prost(message, optional, tag = "1")]
    pub header: Option<Header>,
    #[prost(string, tag = "2")]
    pub name: String,
    #[prost(uint32, tag = "3")]
    pub id: u32,
    #[prost(enumeration = "joint::Type", tag = "4")]
    pub r#type: i32,
    #[prost(string, tag = "5")]
    pub parent: String,
    #[prost(uint32, tag = "6")]
    pub parent_id: u32,
    #[prost(string, tag = "7")]
    pub child: String,
    #[prost(uint32, tag = "8")]
    pub child_id: u32,
    #[prost(message, optional, tag = "9")]
    pub pose: Option<Pose>,
    #[prost(message, optional, tag = "10")]
    pub axis1: Option<Axis>,
    #[prost(message, optional, tag = "11")]
    pub axis2: Option<Axis>,
    #[prost(double, tag = "12")]
    pub cfm: f64,
    #[prost(double, tag = "13")]
    pub bounce: f64,
    #[prost(double, tag = "14")]
    pub fudge_factor: f64,
    #[prost(double, tag = "15")]
    pub limit_cfm: f64,
    #[prost(double, tag = "16")]
    pub limit_erp: f64,
    #[prost(double, tag = "17")]
    pub suspension_cfm: f64,
    #[prost(double, tag = "18")]
    pub suspension_erp: f64,
}

/// What `Joint` holds.
pub mod joint {
    /// `Joint.Gearbox`.
    #[derive(Clone, PartialEq, prost::Message)]
    pub struct Gearbox {
        #[prost(string, tag = "1")]
        pub gearbox_reference_body: String,
        #[prost(double, tag = "2")]
        pub gearbox_ratio: f64,
    }

    /// `Joint.Screw`.
    #[derive(Clone, PartialEq, prost::Message)]
    pub struct Screw {
        #[prost(double, tag = "1")]
        pub thread_pitch: f64,
    }

    /// `Joint.Type`.
    #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, prost::Enumeration)]
    #[repr(i32)]
    pub enum Type {
        Revolute = 0,
        Revolute2 = 1,
        Prismatic = 2,
        Universal = 3,
        Ball = 4,
        Screw = 5,
        Gearbox = 6,
        Fixed = 7,
    }
}

/// `Axis`.
#[derive(Clone, PartialEq, prost::Message)]
pub struct Axis {
    #[prost(message, optional, tag = "1")]
    pub header: Option<Header>,
    #[prost(message, optional, tag = "2")]
    pub xyz: Option<Vector3d>,
    #[prost(double, tag = "3")]
    pub limit_lower: f64,
    #[prost(double, tag = "4")]
    pub limit_upper: f64,
    #[prost(double, tag = "5")]
    pub limit_effort: f64,
    #[prost(double, tag = "6")]
    pub limit_velocity: f64,
    #[prost(double, tag = "7")]
    pub damping: f64,
    #[prost(double, tag = "8")]
    pub friction: f64,
    #[prost(double, tag = "10")]
    pub position: f64,
    #[prost(double, tag = "11")]
    pub velocity: f64,
    #[prost(double, tag = "12")]
    pub force: f64,
    #[prost(double, tag = "13")]
    pub acceleration: f64,
    #[prost(string, tag = "14")]
    pub xyz_expressed_in: String,
}
