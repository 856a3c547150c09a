//! Ready-made things to put into a scene, several of which a network trained on COCO recognises when rendered.
//!
//! A prop stands on the origin of its frame (z up, ground at z = 0) and faces +x. It brings its label (the COCO name
//! where there is one) and primitives for collision.

mod ball;
mod car;
mod ground;
mod person;
mod sign;
mod street;
mod tree;

pub use ball::{ball, soccer_ball};
pub use car::car;
pub use ground::{grass, gravel};
pub use person::person;
pub use sign::stop_sign;
pub use street::{bench, fire_hydrant, potted_plant, traffic_light, umbrella};
pub use tree::{bush, pine, rock, tree};

use crate::error::Result;
use crate::mesh::Mesh;
use crate::raycast::Shape;
use crate::scene::{Instance, InstanceId, Material, MaterialId, MeshId, Scene};
use crate::texture::Texture;
use nalgebra::{Isometry3, Vector3};

/// One mesh of a prop with its surface.
#[derive(Clone, Debug)]
pub struct Part {
    /// Shape in the prop's frame.
    pub mesh: Mesh,
    /// Surface; its `texture` and `detail` are filled in from the two fields below when the prop is added.
    pub material: Material,
    /// Base colour texture.
    pub texture: Option<Texture>,
    /// Second texture, see [`Material::detail`].
    pub detail: Option<Texture>,
    /// Simpler meshes and the growing distances in metres beyond which they are drawn instead.
    pub coarse: Vec<(Mesh, f64)>,
    /// Counts as the labelled object: the post of a sign does not, as annotators box the plate alone.
    pub labelled: bool,
}

impl Part {
    pub(crate) fn new(mesh: Mesh, material: Material) -> Self {
        Self { mesh, material, texture: None, detail: None, coarse: Vec::new(), labelled: true }
    }

    pub(crate) fn textured(mesh: Mesh, material: Material, texture: Texture) -> Self {
        Self { texture: Some(texture), ..Self::new(mesh, material) }
    }

    pub(crate) fn or_beyond(self, metres: f64, mesh: Mesh) -> Self {
        let mut part = self;
        part.coarse.push((mesh, metres));
        part
    }

    pub(crate) fn unlabelled(self) -> Self {
        Self { labelled: false, ..self }
    }
}

/// A thing made of parts.
#[derive(Clone, Debug)]
pub struct Prop {
    /// Name for humans.
    pub name: &'static str,
    /// Name of the COCO class it should be recognised as, or empty.
    pub label: &'static str,
    /// What it is made of.
    pub parts: Vec<Part>,
    /// Primitives that hold it, in its frame: for contact checks and distances. They may stick out of the visible
    /// surface by a few centimetres, never the other way for solid parts.
    pub colliders: Vec<(Isometry3<f64>, Shape)>,
}

/// A prop that a scene knows; place it as often as needed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PropId {
    parts: Vec<(MeshId, MaterialId, bool)>,
}

/// A placed prop.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PlacedProp {
    /// One instance per part, all with the same pose.
    pub instances: Vec<InstanceId>,
}

impl Scene {
    /// Takes in a prop's meshes, textures and materials. Errors: PG-0910 for materials out of range.
    pub fn add_prop(&mut self, prop: &Prop) -> Result<PropId> {
        let mut parts = Vec::with_capacity(prop.parts.len());
        for part in &prop.parts {
            let mut material = part.material;
            material.texture = part.texture.clone().map(|t| self.add_texture(t)).or(material.texture);
            material.detail = part.detail.clone().map(|t| self.add_texture(t)).or(material.detail);
            let mesh = self.add_mesh(part.mesh.clone());
            let mut finer = mesh;
            for (coarse, beyond) in &part.coarse {
                let coarse = self.add_mesh(coarse.clone());
                self.set_coarse(finer, coarse, *beyond)?;
                finer = coarse;
            }
            parts.push((mesh, self.add_material(material)?, part.labelled));
        }
        Ok(PropId { parts })
    }

    /// Places a prop at `pose` (its ground point, world ENU), scaled evenly. Parts that do not count as the labelled
    /// object ([`Part::labelled`]) get object id 0. Errors: PG-0902, PG-0904, PG-0910.
    pub fn place(
        &mut self,
        prop: &PropId,
        pose: Isometry3<f64>,
        scale: f64,
        object: u32,
        class: u16,
    ) -> Result<PlacedProp> {
        let mut instances = Vec::with_capacity(prop.parts.len());
        for &(mesh, material, labelled) in &prop.parts {
            let instance = Instance::new(mesh, material, pose).scaled(Vector3::repeat(scale));
            instances.push(self.add_instance(instance.labelled(if labelled { object } else { 0 }, class))?);
        }
        Ok(PlacedProp { instances })
    }

    /// Moves all parts of a placed prop. Errors: PG-0902, PG-0904.
    pub fn move_prop(&mut self, placed: &PlacedProp, pose: Isometry3<f64>) -> Result {
        placed.instances.iter().try_for_each(|&i| self.set_pose(i, pose))
    }
}

/// A pose that only moves.
pub(crate) fn at(x: f64, y: f64, z: f64) -> Isometry3<f64> {
    Isometry3::translation(x, y, z)
}

/// A pose from position and roll, pitch, yaw in radians.
pub(crate) fn posed(p: [f64; 3], rpy: [f64; 3]) -> Isometry3<f64> {
    let rotation = nalgebra::UnitQuaternion::from_euler_angles(rpy[0], rpy[1], rpy[2]);
    Isometry3::from_parts(nalgebra::Translation3::new(p[0], p[1], p[2]), rotation)
}

/// Linear light from an sRGB hex colour.
pub(crate) fn hex(rgb: u32) -> [f32; 3] {
    [16, 8, 0].map(|s| crate::maths::srgb_to_linear(f64::from((rgb >> s) & 255) / 255.0) as f32)
}

/// Names of the 80 COCO classes that props carry, with their index in the usual list of 80.
pub fn coco_index(label: &str) -> Option<u16> {
    let known = [
        ("person", 0),
        ("car", 2),
        ("traffic light", 9),
        ("fire hydrant", 10),
        ("stop sign", 11),
        ("bench", 13),
        ("umbrella", 25),
        ("sports ball", 32),
        ("potted plant", 58),
    ];
    known.iter().find(|k| k.0 == label).map(|k| k.1)
}
