//! What an SDF file means, with every pose resolved.
//!
//! Units are SI; frames are ENU (world) and FLU (models). Poses of [`Link`]s, [`Visual`]s, [`Collision`]s and
//! [`Light`]s are in the frame of the outermost thing that was loaded: the world, or, for a file that holds only a
//! model, the frame that the model stands in.

mod actor;
mod environment;
mod geometry;
mod joint;
mod light;
mod material;
mod plugin;

use nalgebra::{Isometry3, Matrix3, Vector3};

use crate::sensors::spec::{Earth, SensorSpec};

pub use actor::{Actor, Trajectory, Waypoint};
pub use environment::{Atmosphere, Fog, FogKind, Physics, Scene};
pub use geometry::{Geometry, Mesh, MeshKind, Surface};
pub use joint::{Joint, JointAxis, JointKind};
pub use light::{Attenuation, Light, LightKind, SpotCone};
pub use material::Material;
pub use plugin::{
    Battery, DiffDrive, Known, LiftDrag, Maker, MotorModel, OdometryPublisher, Plugin, PluginNode,
    PosePublisher, Rotor, VelocityControl,
};

/// A world: its models, lights and physics.
#[derive(Debug, Clone, PartialEq)]
pub struct SdfWorld {
    /// Its name.
    pub name: String,
    /// Acceleration of gravity, m/s2, world frame.
    pub gravity: Vector3<f64>,
    /// Physics step and its relation to wall time.
    pub physics: Physics,
    /// Ambient light and background.
    pub scene: Scene,
    /// Steady wind, m/s, world frame.
    pub wind: Vector3<f64>,
    /// Where on Earth the origin lies, and the magnetic field there.
    pub earth: Earth,
    /// Whether the file says where on Earth it lies.
    pub has_earth: bool,
    /// The air.
    pub atmosphere: Atmosphere,
    /// Lights of the world itself.
    pub lights: Vec<Light>,
    /// Top-level models in file order.
    pub models: Vec<SdfModel>,
    /// Frames of the world itself: name and pose.
    pub frames: Vec<(String, Isometry3<f64>)>,
    /// Joints of the world itself.
    pub joints: Vec<Joint>,
    /// People and things that move along a script.
    pub actors: Vec<Actor>,
    /// Plugins of the world.
    pub plugins: Vec<Plugin>,
}

/// A model with its nested models.
#[derive(Debug, Clone, PartialEq)]
pub struct SdfModel {
    /// Its name, without the names of its parents.
    pub name: String,
    /// Whether it never moves. Inherited by nested models.
    pub is_static: bool,
    /// Its frame `__model__`.
    pub pose: Isometry3<f64>,
    /// Its links in file order.
    pub links: Vec<Link>,
    /// Its joints in file order.
    pub joints: Vec<Joint>,
    /// Explicit frames: name and pose.
    pub frames: Vec<(String, Isometry3<f64>)>,
    /// Models inside it.
    pub models: Vec<SdfModel>,
    /// Plugins of the model, those of its include too.
    pub plugins: Vec<Plugin>,
    /// Whether wind acts on its links.
    pub enable_wind: bool,
    /// `canonical_link`, or the first link; empty for a model without links of its own.
    pub canonical_link: String,
}

impl SdfModel {
    /// Whether a rotor plugin stands in the model, or in a model inside.
    pub fn is_multicopter(&self) -> bool {
        self.plugins.iter().any(|p| matches!(p.known, Some(Known::MulticopterMotorModel(_))))
            || self.models.iter().any(Self::is_multicopter)
    }

    /// Calls `visit` for every link of this model and the models inside, with the scoped name of its model.
    pub fn visit_links<'a>(&'a self, visit: &mut dyn FnMut(&str, &'a SdfModel, &'a Link)) {
        fn go<'a>(m: &'a SdfModel, scope: &str, visit: &mut dyn FnMut(&str, &'a SdfModel, &'a Link)) {
            m.links.iter().for_each(|l| visit(scope, m, l));
            for inner in &m.models {
                go(inner, &format!("{scope}::{}", inner.name), visit);
            }
        }
        go(self, &self.name, visit);
    }
}

/// A rigid body.
#[derive(Debug, Clone, PartialEq)]
pub struct Link {
    /// Its name.
    pub name: String,
    /// Its frame.
    pub pose: Isometry3<f64>,
    /// Mass properties.
    pub inertial: Inertial,
    /// What is seen.
    pub visuals: Vec<Visual>,
    /// What is touched.
    pub collisions: Vec<Collision>,
    /// Lights it carries.
    pub lights: Vec<Light>,
    /// Whether gravity acts on it.
    pub gravity: bool,
    /// Whether wind acts on it.
    pub enable_wind: bool,
    /// Whether it moves only when told to.
    pub kinematic: bool,
    /// What it senses; their poses are in the link's frame.
    pub sensors: Vec<SensorSpec>,
    /// Plugins of the sensors of this link: name of the sensor and plugin.
    pub sensor_plugins: Vec<(String, Plugin)>,
    /// Linear and angular damping, 1/s.
    pub velocity_decay: [f64; 2],
}

/// `<inertial>`.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Inertial {
    /// Mass, kg.
    pub mass: f64,
    /// Frame of the moments, at the centre of mass.
    pub pose: Isometry3<f64>,
    /// Moments of inertia about `pose`, kg m2.
    pub inertia: Matrix3<f64>,
}

impl Default for Inertial {
    fn default() -> Self {
        Self { mass: 1.0, pose: Isometry3::identity(), inertia: Matrix3::identity() }
    }
}

/// What is seen of a link.
#[derive(Debug, Clone, PartialEq)]
pub struct Visual {
    /// Its name.
    pub name: String,
    /// Frame of the shape.
    pub pose: Isometry3<f64>,
    /// The shape.
    pub geometry: Geometry,
    /// Its surface; `None` takes what a mesh brings along, or Gazebo's grey.
    pub material: Option<Material>,
    /// Opacity is one minus this, 0 to 1.
    pub transparency: f32,
    /// Whether it throws a shadow.
    pub cast_shadows: bool,
    /// What a lidar's intensity shows.
    pub laser_retro: f64,
    /// Label for segmentation and bounding boxes, from the Label plugin.
    pub label: Option<u32>,
}

/// What is touched of a link.
#[derive(Debug, Clone, PartialEq)]
pub struct Collision {
    /// Its name.
    pub name: String,
    /// Frame of the shape.
    pub pose: Isometry3<f64>,
    /// The shape.
    pub geometry: Geometry,
    /// Friction and bounce.
    pub surface: Surface,
    /// Density for `<inertial auto="true">`, kg/m3.
    pub density: Option<f64>,
    /// What a lidar gets back from it.
    pub laser_retro: f64,
}
