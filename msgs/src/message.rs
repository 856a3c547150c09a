//! What every generated type can do.

use std::fmt::Debug;

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::CdrError;
use crate::cdr::{Reader, Writer};

/// A ROS 2 message. Implemented by generated code.
pub trait Message:
    Clone + Default + PartialEq + Debug + Send + Sync + Serialize + DeserializeOwned + 'static
{
    /// `sensor_msgs/msg/Image`
    const TYPE_NAME: &'static str;
    /// `sensor_msgs::msg::dds_::Image_`, the name in DDS and in the keys of rmw_zenoh.
    const DDS_NAME: &'static str;
    /// `RIHS01_` and 64 hex digits: REP-2011. Peers whose hashes differ do not talk to each other.
    const TYPE_HASH: &'static str;
    /// The definition and those it needs, as MCAP's schema encoding `ros2msg` wants them.
    const DEFINITION: &'static str;
    /// The canonical description that is hashed: `type_description_interfaces/msg/TypeDescription` as JSON.
    const DESCRIPTION: &'static str;
    /// The fewest bytes a value can take in CDR, header and padding left out. At least 1.
    const LEAST_SIZE: usize;

    /// Appends the fields. [`cdr::to_vec`](crate::cdr::to_vec) also writes the header.
    fn encode(&self, w: &mut Writer<'_>);

    /// Takes the fields. [`cdr::from_slice`](crate::cdr::from_slice) also reads the header.
    ///
    /// # Errors
    /// [`CdrError`] PG-0303 to PG-0306.
    fn decode(r: &mut Reader<'_>) -> Result<Self, CdrError>;

    /// Checks the bounds that the definition sets and Rust's types do not. Encoding does not check: a peer would
    /// refuse the message.
    ///
    /// # Errors
    /// PG-0304.
    fn check(&self) -> Result<(), CdrError> {
        Ok(())
    }
}

/// A ROS 2 service: its two messages and the names of the pair. Implemented by generated code.
pub trait Service: Send + Sync + 'static {
    /// What the client sends.
    type Request: Message;
    /// What the server answers.
    type Response: Message;
    /// `std_srvs/srv/SetBool`
    const TYPE_NAME: &'static str;
    /// `std_srvs::srv::dds_::SetBool_`, the name in the keys of rmw_zenoh.
    const DDS_NAME: &'static str;
    /// `RIHS01_` and 64 hex digits, of the pair.
    const TYPE_HASH: &'static str;
}
