//! Types by name, for tools that meet a type only at run time: `topic echo`, bags, bridges.

use serde_json::Value;

use crate::{CdrError, Message, cdr};

/// One message type, without its Rust type.
#[derive(Debug, Clone, Copy)]
pub struct TypeSupport {
    /// `sensor_msgs/msg/Image`
    pub type_name: &'static str,
    /// `sensor_msgs::msg::dds_::Image_`
    pub dds_name: &'static str,
    /// `RIHS01_...`
    pub type_hash: &'static str,
    /// The definition and those it needs, as MCAP's `ros2msg` wants them.
    pub definition: &'static str,
    /// CDR (with its header) to JSON, keyed by ROS field names. Any bytes are safe to hand in.
    pub to_json: fn(&[u8]) -> Result<Value, CdrError>,
    /// JSON to CDR with its header. Fields left out take their defaults; unknown ones are an error (PG-0308).
    pub from_json: fn(&Value) -> Result<Vec<u8>, CdrError>,
}

impl TypeSupport {
    pub(crate) const fn of<M: Message>() -> Self {
        Self {
            type_name: M::TYPE_NAME,
            dds_name: M::DDS_NAME,
            type_hash: M::TYPE_HASH,
            definition: M::DEFINITION,
            to_json: to_json::<M>,
            from_json: from_json::<M>,
        }
    }
}

/// The type called `type_name`, such as `sensor_msgs/msg/Image`.
#[must_use]
pub fn find(type_name: &str) -> Option<&'static TypeSupport> {
    let types = all();
    types.binary_search_by(|t| t.type_name.cmp(type_name)).ok().and_then(|index| types.get(index))
}

/// All types, in name order.
#[must_use]
pub fn all() -> &'static [TypeSupport] {
    crate::TYPES
}

fn to_json<M: Message>(bytes: &[u8]) -> Result<Value, CdrError> {
    serde_json::to_value(cdr::from_slice::<M>(bytes)?)
        .map_err(|e| CdrError::Json { type_name: M::TYPE_NAME, cause: e.to_string() })
}

fn from_json<M: Message>(value: &Value) -> Result<Vec<u8>, CdrError> {
    let message = <M as serde::Deserialize>::deserialize(value)
        .map_err(|e| CdrError::Json { type_name: M::TYPE_NAME, cause: e.to_string() })?;
    message.check()?;
    Ok(cdr::to_vec(&message))
}
