//! The sensors that the vehicle of an SDF file brings along, with the topics and frames that Gazebo gives them.

use super::seat::Seat;
use super::{Home, Wanted, called};
use crate::gz::world_name;
use crate::scenario::World;
use crate::sdf::names::{sensor_frame, sensor_topic};

/// All sensors of the vehicle, in file order; none without a vehicle. Gazebo's images carry the sensor's own frame, x forward, not an
/// optical one.
pub(super) fn sensors(world: &World) -> Vec<Wanted<'_>> {
    let mut all = Vec::new();
    let Some(craft) = &world.craft else { return all };
    let (name, base) = (world_name(world), craft.pose.inverse());
    craft.visit_links(&mut |model, _, link| {
        for spec in &link.sensors {
            all.push(Wanted {
                spec,
                topic: sensor_topic(&name, model, &link.name, spec),
                home: Home { seat: Seat::Vehicle, mount: base * link.pose * spec.pose },
                frame: sensor_frame(model, &link.name, spec),
                image_frame: sensor_frame(model, &link.name, spec),
                called: called(model, &link.name, spec),
                id: 0,
            });
        }
    });
    all
}
