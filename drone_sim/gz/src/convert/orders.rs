//! Requests of ros_gz_bridge's services.

use peregrine_msgs::ros_gz_interfaces as ros;

use super::Convert;
use super::frames::from;
use crate::msgs::core::Entity;
use crate::msgs::geometry::Pose;
use crate::msgs::world::{self as gz, entity_factory::From as Source};

impl Convert<gz::WorldReset> for ros::WorldReset {
    fn to_gz(&self) -> gz::WorldReset {
        let (all, time_only, model_only) = (self.all, self.time_only, self.model_only);
        gz::WorldReset { header: None, all, time_only, model_only }
    }
    fn from_gz(gz: &gz::WorldReset) -> Self {
        Self { all: gz.all, time_only: gz.time_only, model_only: gz.model_only }
    }
}

impl Convert<gz::WorldControl> for ros::WorldControl {
    /// A time of zero is no time to run to: ROS's message always has one.
    fn to_gz(&self) -> gz::WorldControl {
        let until = &self.run_to_sim_time;
        let until = (until.sec != 0 || until.nanosec != 0).then(|| until.to_gz());
        gz::WorldControl {
            header: None,
            pause: self.pause,
            step: self.step,
            multi_step: self.multi_step,
            reset: Some(self.reset.to_gz()),
            seed: self.seed,
            run_to_sim_time: until,
        }
    }
    fn from_gz(gz: &gz::WorldControl) -> Self {
        Self {
            pause: gz.pause,
            step: gz.step,
            multi_step: gz.multi_step,
            reset: from(gz.reset.as_ref()),
            seed: gz.seed,
            run_to_sim_time: from(gz.run_to_sim_time.as_ref()),
        }
    }
}

impl Convert<gz::EntityFactory> for ros::EntityFactory {
    /// The first of text, file and model to copy that is given counts.
    fn to_gz(&self) -> gz::EntityFactory {
        let given = |text: &String| (!text.is_empty()).then(|| text.clone());
        let from = given(&self.sdf).map(Source::Sdf);
        let from = from.or_else(|| given(&self.sdf_filename).map(Source::SdfFilename));
        let from = from.or_else(|| given(&self.clone_name).map(Source::CloneName));
        gz::EntityFactory {
            from,
            pose: Some(self.pose.to_gz()),
            name: self.name.clone(),
            allow_renaming: self.allow_renaming,
            relative_to: self.relative_to.clone(),
            ..gz::EntityFactory::default()
        }
    }
    fn from_gz(gz: &gz::EntityFactory) -> Self {
        let text = |wish: fn(&Source) -> Option<&String>| {
            gz.from.as_ref().and_then(wish).cloned().unwrap_or_default()
        };
        Self {
            name: gz.name.clone(),
            allow_renaming: gz.allow_renaming,
            sdf: text(|s| if let Source::Sdf(text) = s { Some(text) } else { None }),
            sdf_filename: text(|s| if let Source::SdfFilename(text) = s { Some(text) } else { None }),
            clone_name: text(|s| if let Source::CloneName(text) = s { Some(text) } else { None }),
            pose: from(gz.pose.as_ref()),
            relative_to: gz.relative_to.clone(),
        }
    }
}

/// What is to be deleted, and where something is to be put.
pub fn placed(entity: &ros::Entity, pose: &peregrine_msgs::geometry_msgs::Pose) -> Pose {
    let id = u32::try_from(entity.id).unwrap_or(0);
    Pose { id, name: entity.name.clone(), ..Convert::<Pose>::to_gz(pose) }
}

/// An entity as `remove` takes it: a model, where the request does not say what it is.
pub fn to_delete(entity: &ros::Entity) -> Entity {
    let model = i32::from(ros::Entity::MODEL);
    let gz: Entity = entity.to_gz();
    Entity { r#type: if entity.r#type == ros::Entity::NONE { model } else { gz.r#type }, ..gz }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn orders_keep_what_they_say() {
        let order = ros::WorldControl { pause: true, multi_step: 5, ..Default::default() };
        let gz = order.to_gz();
        assert_eq!((gz.pause, gz.multi_step, gz.run_to_sim_time.is_none()), (true, 5, true));
        assert_eq!(ros::WorldControl::from_gz(&gz), order);
        let spawn =
            ros::EntityFactory { name: "box".into(), sdf_filename: "box.sdf".into(), ..Default::default() };
        let gz = spawn.to_gz();
        assert_eq!(gz.from, Some(Source::SdfFilename("box.sdf".into())));
        assert_eq!((gz.relative_to.as_str(), ros::EntityFactory::from_gz(&gz)), ("world", spawn));
        let entity = ros::Entity { id: 7, name: "box".into(), ..Default::default() };
        assert_eq!(to_delete(&entity).r#type, 2);
        assert_eq!(
            (placed(&entity, &Default::default()).id, placed(&entity, &Default::default()).name.as_str()),
            (7, "box")
        );
    }
}
