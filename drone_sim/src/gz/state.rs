//! A world as Gazebo's serialised entities and components: what `/world/W/state` carries.
//!
//! Each entity of the scene has the components by which clients know it: what it is (World, Model, Link, Visual, Light), Name, Pose,
//! ParentEntity, and of its looks Geometry, Material, CastShadows; of the world Gravity. Components of Gazebo's own systems (of its physics
//! engine, its plugins, its recorded SDF) are not there.
//!
//! A component is text as its C++ type streams it, or a message of gz-msgs; its type is a number made of its name.

use std::collections::BTreeMap;

use nalgebra::{Quaternion, UnitQuaternion, Vector3};
use peregrine_gz::Flavour;
use peregrine_gz::msgs::Wire;
use peregrine_gz::msgs::geometry::Pose;
use peregrine_gz::msgs::scene::{Link, Model, Scene, Visual};
use peregrine_gz::msgs::serialized::{
    SerializedComponent, SerializedEntityMap, SerializedStateMap, component_type,
};

/// The world's own entity.
const WORLD: u64 = 1;

/// Components of one entity after the other.
struct Writer {
    prefix: &'static str,
    entities: BTreeMap<u64, SerializedEntityMap>,
}

impl Writer {
    fn new(flavour: Flavour) -> Self {
        let prefix = match flavour {
            Flavour::Ignition => "ign_gazebo_components",
            Flavour::Gz => "gz_sim_components",
        };
        Self { prefix, entities: BTreeMap::new() }
    }

    fn put(&mut self, entity: u64, component: &str, bytes: impl Into<Vec<u8>>) {
        let r#type = component_type(&format!("{}.{component}", self.prefix));
        let made = SerializedComponent { r#type, component: bytes.into(), remove: false };
        let to = self.entities.entry(entity).or_default();
        to.id = entity;
        // Gazebo's key of the map is the same number, signed.
        to.components.insert(r#type as i64, made);
    }

    fn named(&mut self, entity: u64, kind: &str, name: &str, pose: Option<&Pose>, parent: u64) {
        self.put(entity, kind, "");
        self.put(entity, "Name", name);
        self.put(entity, "Pose", text(pose));
        self.put(entity, "ParentEntity", parent.to_string());
    }

    fn model(&mut self, model: &Model, pose: Option<&Pose>, parent: u64, poses: &[Pose]) {
        let id = u64::from(model.id);
        self.named(id, "Model", &model.name, pose, parent);
        self.put(id, "Static", if model.is_static { "1" } else { "0" });
        for (n, link) in model.link.iter().enumerate() {
            self.link(link, id, poses);
            if n == 0 {
                self.put(u64::from(link.id), "CanonicalLink", "");
            }
        }
        model.model.iter().for_each(|inner| self.model(inner, inner.pose.as_ref(), id, poses));
    }

    fn link(&mut self, link: &Link, parent: u64, poses: &[Pose]) {
        let id = u64::from(link.id);
        let now = poses.iter().find(|p| p.id == link.id).or(link.pose.as_ref());
        self.named(id, "Link", &link.name, now, parent);
        link.visual.iter().for_each(|visual| self.visual(visual, id));
    }

    fn visual(&mut self, visual: &Visual, parent: u64) {
        let id = u64::from(visual.id);
        self.named(id, "Visual", &visual.name, visual.pose.as_ref(), parent);
        self.put(id, "CastShadows", if visual.cast_shadows { "1" } else { "0" });
        self.put(id, "Transparency", visual.transparency.to_string());
        if let Some(geometry) = &visual.geometry {
            self.put(id, "Geometry", geometry.encode_to_vec());
        }
        if let Some(material) = &visual.material {
            self.put(id, "Material", material.encode_to_vec());
        }
    }
}

/// All of a world; `poses` are where its models stand now.
pub(super) fn full(
    scene: &Scene,
    poses: &[Pose],
    gravity: &Vector3<f64>,
    flavour: Flavour,
) -> SerializedStateMap {
    let mut writer = Writer::new(flavour);
    writer.put(WORLD, "World", "");
    writer.put(WORLD, "Name", scene.name.as_str());
    writer.put(WORLD, "Gravity", format!("{} {} {}", gravity.x, gravity.y, gravity.z));
    for model in &scene.model {
        let now = poses.iter().find(|p| p.id == model.id).or(model.pose.as_ref());
        writer.model(model, now, WORLD, poses);
    }
    for light in &scene.light {
        writer.named(u64::from(light.id), "Light", &light.name, light.pose.as_ref(), WORLD);
        // The component Light holds the light itself.
        writer.put(u64::from(light.id), "Light", light.encode_to_vec());
    }
    SerializedStateMap { header: None, entities: writer.entities, has_one_time_component_changes: true }
}

/// Where models stand now, alone.
pub(super) fn moved(poses: &[Pose], flavour: Flavour) -> SerializedStateMap {
    let mut writer = Writer::new(flavour);
    poses.iter().for_each(|p| writer.put(u64::from(p.id), "Pose", text(Some(p))));
    SerializedStateMap { header: None, entities: writer.entities, has_one_time_component_changes: false }
}

/// `x y z roll pitch yaw`, as gz::math::Pose3d streams itself.
fn text(pose: Option<&Pose>) -> String {
    let p = pose.and_then(|p| p.position.clone()).unwrap_or_default();
    let q = pose.and_then(|p| p.orientation.clone());
    let turn = q.map_or_else(UnitQuaternion::identity, |q| {
        UnitQuaternion::new_normalize(Quaternion::new(q.w, q.x, q.y, q.z))
    });
    let (roll, pitch, yaw) = turn.euler_angles();
    // Adding zero makes -0 plain.
    let numbers = [p.x, p.y, p.z, roll, pitch, yaw].map(|x| (x + 0.0).to_string());
    numbers.join(" ")
}

#[cfg(test)]
mod tests {
    use peregrine_gz::msgs::geometry::Vector3d;

    use super::*;

    fn at(id: u32, name: &str, x: f64) -> Pose {
        let position = Some(Vector3d { header: None, x, y: 0.5, z: -1.0 });
        Pose { id, name: name.into(), position, ..Pose::default() }
    }

    fn read(state: &SerializedStateMap, entity: u64, component: &str) -> Option<String> {
        let r#type = component_type(&format!("gz_sim_components.{component}"));
        let found = state.entities.get(&entity)?.components.get(&(r#type as i64))?;
        assert_eq!(found.r#type, r#type);
        Some(String::from_utf8(found.component.clone()).unwrap())
    }

    #[test]
    fn entities_hang_together_by_number() {
        let visual = Visual { id: 12, name: "v".into(), cast_shadows: true, ..Visual::default() };
        let link = Link { id: 11, name: "link".into(), visual: vec![visual], ..Link::default() };
        let model = Model { id: 2, name: "x3".into(), link: vec![link], ..Model::default() };
        let scene = Scene { name: "field".into(), model: vec![model], ..Scene::default() };
        let state = full(&scene, &[at(2, "x3", 3.0)], &Vector3::new(0.0, 0.0, -9.8), Flavour::Gz);
        assert_eq!(read(&state, 1, "Name").as_deref(), Some("field"));
        assert_eq!(read(&state, 1, "Gravity").as_deref(), Some("0 0 -9.8"));
        assert_eq!(read(&state, 2, "Pose").as_deref(), Some("3 0.5 -1 0 0 0"));
        let parents: Vec<_> = [2, 11, 12].map(|e| read(&state, e, "ParentEntity").unwrap()).to_vec();
        assert_eq!(parents, ["1", "2", "11"]);
        assert!(read(&state, 11, "CanonicalLink").is_some() && read(&state, 12, "Visual").is_some());
        let moved = moved(&[at(2, "x3", 4.0)], Flavour::Gz);
        assert_eq!((moved.entities.len(), moved.entities[&2].components.len()), (1, 1));
        assert!(!moved.has_one_time_component_changes);
    }

    /// FNV-1a's own test vectors.
    #[test]
    fn types_are_numbered_by_their_names() {
        assert_eq!(component_type(""), 0xcbf2_9ce4_8422_2325);
        assert_eq!(component_type("a"), 0xaf63_dc4c_8601_ec8c);
        assert_eq!(component_type("foobar"), 0x8594_4171_f739_67e8);
    }
}
