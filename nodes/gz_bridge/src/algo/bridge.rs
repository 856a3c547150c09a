//! The words of a bridge.

use peregrine_gz::convert::{TABLE, find};

use crate::error::{BridgeError, Result};

/// Which way messages go.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Way {
    /// Gazebo to ROS.
    ToRos,
    /// ROS to Gazebo.
    ToGz,
    /// Both.
    Both,
}

/// One topic that is carried.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Bridge {
    /// Gazebo's name of the topic.
    pub gz_name: String,
    /// ROS's name of it.
    pub ros_name: String,
    /// `sensor_msgs/msg/Image`.
    pub ros_type: String,
    /// `Image`, without its package.
    pub gz_type: String,
    /// Which way.
    pub way: Way,
}

impl Bridge {
    /// Reads `NAME@ROS_TYPE[GZ_TYPE`, as `parameter_bridge` takes it; `GZ_NAME:ROS_NAME` may stand for `NAME`.
    ///
    /// # Errors
    /// PG-1801 for another form, PG-1802 for types that do not go together.
    pub fn parse(text: &str) -> Result<Self> {
        let fail = |reason| Err(BridgeError::Syntax { text: text.to_string(), reason });
        let Some((names, types)) = text.trim().split_once('@') else {
            return fail("no @ stands after the name");
        };
        let Some(at) = types.find(['[', ']', '@']) else {
            return fail("none of [ ] @ stands between the types");
        };
        let (ros, gz) = (types[..at].trim(), types[at + 1..].trim());
        let way = match &types[at..=at] {
            "[" => Way::ToRos,
            "]" => Way::ToGz,
            _ => Way::Both,
        };
        let (gz_name, ros_name) = names.split_once(':').unwrap_or((names, names));
        if gz_name.is_empty() || ros_name.is_empty() || ros.is_empty() || gz.is_empty() {
            return fail("a name or type is empty");
        }
        // `sensor_msgs/Image` is what older files say.
        let ros_type = match ros.split('/').collect::<Vec<_>>()[..] {
            [package, name] => format!("{package}/msg/{name}"),
            _ => ros.to_string(),
        };
        let gz_type = peregrine_gz::bare_type(gz).to_string();
        if find(&ros_type, &gz_type).is_none() {
            let fits: Vec<&str> = TABLE.iter().filter(|p| p.ros == ros_type).map(|p| p.gz).collect();
            let hint = if fits.is_empty() {
                format!("{ros_type} is not in the table (`peregrine_gz::convert::TABLE`).")
            } else {
                format!("With {ros_type} goes gz.msgs.{}.", fits.join(" or gz.msgs."))
            };
            return Err(BridgeError::Types { ros: ros_type, gz: gz.to_string(), hint });
        }
        Ok(Self { gz_name: gz_name.to_string(), ros_name: ros_name.to_string(), ros_type, gz_type, way })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_words_are_those_of_parameter_bridge() {
        let b = Bridge::parse("/clock@rosgraph_msgs/msg/Clock[gz.msgs.Clock").unwrap();
        assert_eq!((b.gz_name.as_str(), b.ros_name.as_str(), b.way), ("/clock", "/clock", Way::ToRos));
        let b = Bridge::parse("/model/x3/cmd_vel:cmd_vel@geometry_msgs/Twist]ignition.msgs.Twist").unwrap();
        assert_eq!(
            (b.ros_name.as_str(), b.ros_type.as_str(), b.way),
            ("cmd_vel", "geometry_msgs/msg/Twist", Way::ToGz)
        );
        let b = Bridge::parse("/a@std_msgs/msg/String@gz.msgs.StringMsg").unwrap();
        assert_eq!((b.gz_type.as_str(), b.way), ("StringMsg", Way::Both));
    }

    /// The files that come along name topics and types that exist.
    #[test]
    fn our_own_files_are_well_written() {
        let files =
            [include_str!("../../params.yaml"), include_str!("../../../../launch/params/gz_x500.yaml")];
        let lines = files.iter().flat_map(|f| f.lines()).filter_map(|l| l.strip_prefix("      - "));
        let bridges: Vec<Bridge> = lines.map(|l| Bridge::parse(l).unwrap()).collect();
        assert_eq!(bridges.len(), 9);
        assert_eq!(bridges.iter().filter(|b| b.way == Way::ToGz).count(), 1);
    }

    #[test]
    fn what_is_wrong_is_said() {
        for (text, part) in [
            ("/clock", "no @"),
            ("/clock@rosgraph_msgs/msg/Clock", "none of"),
            ("@a[b", "empty"),
            ("/a@sensor_msgs/msg/Image[gz.msgs.Clock", "gz.msgs.Image"),
            ("/a@my_msgs/msg/Own[gz.msgs.Clock", "not in the table"),
        ] {
            let error = Bridge::parse(text).unwrap_err().to_string();
            assert!(error.starts_with("PG-180") && error.contains(part), "{text}: {error}");
        }
    }
}
