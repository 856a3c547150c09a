//! The sensors that the vehicle of an SDF file brings along, with the topics and frames that Gazebo gives them.

use nalgebra::Isometry3;

use super::Wanted;
use crate::gz::world_name;
use crate::scenario::World;
use crate::sdf::names::{sensor_frame, sensor_topic};
use crate::sensors::SensorSpec;

/// One sensor of the vehicle.
pub(super) struct Mounted<'a> {
    spec: &'a SensorSpec,
    topic: String,
    mount: Isometry3<f64>,
    frame: String,
}

impl Mounted<'_> {
    /// As the suite takes it in. Gazebo's images carry the sensor's own frame, x forward, not an optical one.
    pub fn wanted(&self) -> Wanted<'_> {
        Wanted {
            spec: self.spec,
            topic: self.topic.clone(),
            mount: self.mount,
            frame: self.frame.clone(),
            image_frame: self.frame.clone(),
            id: 0,
        }
    }
}

/// All sensors of the vehicle, in file order; none without a vehicle.
pub(super) fn sensors(world: &World) -> Vec<Mounted<'_>> {
    let mut all = Vec::new();
    let Some(craft) = &world.craft else { return all };
    let (name, base) = (world_name(world), craft.pose.inverse());
    craft.visit_links(&mut |model, _, link| {
        for spec in &link.sensors {
            all.push(Mounted {
                spec,
                topic: sensor_topic(&name, model, &link.name, spec),
                mount: base * link.pose * spec.pose,
                frame: sensor_frame(model, &link.name, spec),
            });
        }
    });
    all
}
