//! The words of a service that is carried.

use crate::error::{BridgeError, Result};

/// Services that ros_gz_bridge carries.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// `ros_gz_interfaces/srv/ControlWorld`: WorldControl, Boolean.
    ControlWorld,
    /// `ros_gz_interfaces/srv/SpawnEntity`: EntityFactory, Boolean.
    SpawnEntity,
    /// `ros_gz_interfaces/srv/DeleteEntity`: Entity, Boolean.
    DeleteEntity,
    /// `ros_gz_interfaces/srv/SetEntityPose`: Pose, Boolean.
    SetEntityPose,
}

/// All of them, by the names of their types.
const KINDS: [(&str, Kind); 4] = [
    ("ControlWorld", Kind::ControlWorld),
    ("SpawnEntity", Kind::SpawnEntity),
    ("DeleteEntity", Kind::DeleteEntity),
    ("SetEntityPose", Kind::SetEntityPose),
];

/// One service that ROS nodes ask and Gazebo answers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ServiceBridge {
    /// Gazebo's name of it: `/world/W/control`.
    pub gz_name: String,
    /// ROS's name of it.
    pub ros_name: String,
    /// Which.
    pub kind: Kind,
}

impl ServiceBridge {
    /// Reads `NAME@PACKAGE/srv/TYPE`, as `parameter_bridge` takes it, with or without Gazebo's types after it (`@REQUEST@RESPONSE`, which
    /// follow from ROS's); `None` if it is no service.
    ///
    /// # Errors
    /// PG-1801 for an empty name, PG-1806 for another service.
    pub fn parse(text: &str) -> Option<Result<Self>> {
        let (names, types) = text.trim().split_once('@')?;
        let ros = types.split('@').next().unwrap_or(types).trim();
        let name = ros.split_once("/srv/").map(|(package, name)| (package, name.trim()))?;
        let known =
            KINDS.iter().find(|(known, _)| *known == name.1).filter(|_| name.0 == "ros_gz_interfaces");
        let Some((_, kind)) = known else {
            return Some(Err(BridgeError::Service { ros: ros.to_string() }));
        };
        let (gz_name, ros_name) = names.split_once(':').unwrap_or((names, names));
        if gz_name.is_empty() || ros_name.is_empty() {
            return Some(Err(BridgeError::Syntax {
                text: text.to_string(),
                reason: "a name or type is empty",
            }));
        }
        Some(Ok(Self { gz_name: gz_name.to_string(), ros_name: ros_name.to_string(), kind: *kind }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_words_are_those_of_parameter_bridge() {
        let read = |text: &str| ServiceBridge::parse(text).map(|s| s.map_err(|e| e.to_string()));
        let control = read("/world/w/control@ros_gz_interfaces/srv/ControlWorld").unwrap().unwrap();
        assert_eq!((control.gz_name.as_str(), control.kind), ("/world/w/control", Kind::ControlWorld));
        assert_eq!(control.gz_name, control.ros_name);
        let long =
            "/world/w/create:/spawn@ros_gz_interfaces/srv/SpawnEntity@gz.msgs.EntityFactory@gz.msgs.Boolean";
        let spawn = read(long).unwrap().unwrap();
        assert_eq!((spawn.ros_name.as_str(), spawn.kind), ("/spawn", Kind::SpawnEntity));
        for (text, code) in
            [("/a@std_srvs/srv/Trigger", "PG-1806"), (":/b@ros_gz_interfaces/srv/ControlWorld", "PG-1801")]
        {
            assert!(read(text).unwrap().unwrap_err().starts_with(code), "{text}");
        }
        assert!(read("/clock@rosgraph_msgs/msg/Clock[gz.msgs.Clock").is_none());
    }
}
