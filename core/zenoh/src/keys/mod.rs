//! Keys, liveliness tokens, QoS and attachments in the form of `rmw_zenoh`, as captured from three implementations.
//!
//! Data and services: `<domain>/<name>/<dds type>/<hash>`. Node token:
//! `@ros2_lv/<domain>/<zid>/<node id>/<node id>/NN/<enclave>/<namespace>/<node>`; endpoint token:
//! `@ros2_lv/<domain>/<zid>/<node id>/<entity id>/<MP|MS|SS|SC>/<enclave>/<namespace>/<node>/<name>/<type>/<hash>/<qos>`,
//! with "/" written "%". What zenoh-bridge-ros2dds writes instead: [`BridgeToken`].

mod attachment;
mod bridged;
mod qos;
mod ros2dds;
mod token;

pub use attachment::{Attachment, gid};
pub use bridged::{BRIDGED_NODES, BridgedNode};
pub use qos::WireQos;
pub use ros2dds::{BridgeToken, ROS2DDS_BRIDGES, ROS2DDS_TOKENS, Route, ros2dds_key};
pub use token::{Endpoint, Kind, NodeName, Token};

/// Root of all liveliness tokens.
pub const ROOT: &str = "@ros2_lv";

/// `sensor_msgs/msg/Image` as DDS names it: `sensor_msgs::msg::dds_::Image_`.
pub fn dds_name(type_name: &str) -> String {
    let mut parts: Vec<&str> = type_name.split('/').collect();
    let last = parts.pop().unwrap_or_default();
    format!("{}::dds_::{last}_", parts.join("::"))
}

/// `sensor_msgs::msg::dds_::Image_` as ROS names it. The text itself when it is not in that form.
pub fn ros_name(dds: &str) -> String {
    match dds.split_once("::dds_::") {
        Some((package, name)) => {
            format!("{}/{}", package.replace("::", "/"), name.strip_suffix('_').unwrap_or(name))
        }
        None => dds.to_owned(),
    }
}

/// The key that carries a topic's messages or a service's calls.
pub fn data_key(domain: u32, name: &str, type_name: &str, hash: &str) -> String {
    format!("{domain}/{}/{}/{hash}", name.trim_matches('/'), dds_name(type_name))
}

fn mangle(name: &str) -> String {
    if name.is_empty() || name == "/" { "%".into() } else { name.replace('/', "%") }
}

fn demangle(name: &str) -> String {
    name.replace('%', "/")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_those_captured_from_rmw_zenoh() {
        assert_eq!(
            data_key(0, "/camera/image_raw", "sensor_msgs/msg/Image", "RIHS01_ab"),
            "0/camera/image_raw/sensor_msgs::msg::dds_::Image_/RIHS01_ab"
        );
        assert_eq!(
            data_key(3, "/add", "example_interfaces/srv/AddTwoInts", "RIHS01_cd"),
            "3/add/example_interfaces::srv::dds_::AddTwoInts_/RIHS01_cd"
        );
        assert_eq!(ros_name("sensor_msgs::msg::dds_::Image_"), "sensor_msgs/msg/Image");
    }
}
