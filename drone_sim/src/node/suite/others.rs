//! The sensors of models beside the vehicle (a camera at a ceiling, a lidar at a roadside), with the topics and frames that Gazebo
//! gives them.

use super::seat::Seat;
use super::{Home, Wanted, called};
use crate::gz::world_name;
use crate::scenario::World;
use crate::sdf::audit;
use crate::sdf::names::{sensor_frame, sensor_topic};

/// All that are simulated, in file order. Which those are the loader has said: [`audit::is_served_beside`].
pub(super) fn sensors(world: &World) -> Vec<Wanted<'_>> {
    let mut all = Vec::new();
    let Some(sdf) = &world.sdf else { return all };
    let name = world_name(world);
    let craft = world.craft.as_deref().map(|craft| craft.name.as_str());
    for top in sdf.models.iter().filter(|m| Some(m.name.as_str()) != craft) {
        top.visit_links(&mut |model, _, link| {
            for spec in link.sensors.iter().filter(|spec| audit::is_served_beside(spec, top)) {
                let place = link.pose * spec.pose;
                let (seat, mount) =
                    match world.seat(model, &link.name).and_then(|o| Some((o, world.thing(o)?))) {
                        Some((object, thing)) => (Seat::Thing(object), thing.pose.inverse() * place),
                        None => (Seat::World, place),
                    };
                all.push(Wanted {
                    spec,
                    topic: sensor_topic(&name, model, &link.name, spec),
                    home: Home { seat, mount },
                    frame: sensor_frame(model, &link.name, spec),
                    image_frame: sensor_frame(model, &link.name, spec),
                    called: called(model, &link.name, spec),
                    id: 0,
                });
            }
        });
    }
    all
}
