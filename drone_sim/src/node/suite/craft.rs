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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scenario::from_sdf;
    use crate::sdf::Loader;

    /// Gazebo's contact system takes the topic from inside of `<contact>`.
    #[test]
    fn a_contact_sensor_speaks_on_the_topic_inside_of_contact() {
        let sensor = |name: &str, topic: &str| {
            format!(
                "<sensor name='{name}' type='contact'><contact><collision>c</collision>{topic}</contact></sensor>"
            )
        };
        let text = format!(
            "<sdf version='1.9'><world name='w'><model name='q'><link name='l'>{}{}{}</link>
             <plugin filename='gz-sim-multicopter-motor-model-system' name='gz::sim::systems::MulticopterMotorModel'/>
             </model></world></sdf>",
            sensor("a", "<topic>/bumper</topic>"),
            sensor("b", "<topic>__default_topic__</topic>"),
            sensor("c", "")
        );
        let loaded = Loader::without_files().load_str(&text, "t").unwrap();
        let world = from_sdf(loaded, "w", 60.0, 2.0).unwrap();
        let topics: Vec<String> = sensors(&world).into_iter().map(|wanted| wanted.topic).collect();
        let own = |name: &str| format!("/world/w/model/q/link/l/sensor/{name}/contact");
        assert_eq!(topics, ["/bumper".to_string(), own("b"), own("c")]);
        let called = &sensors(&world)[0].called;
        assert_eq!((called.name.as_str(), called.frame.as_str()), ("q::l::a", "q::l::a"));
    }
}
