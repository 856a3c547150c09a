//! Types by name, for tools that meet a type only at run time: `topic echo`, bags, bridges.

use serde_json::Value;

use crate::{CdrError, Message, Service, cdr};

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
    /// The canonical description that is hashed, as JSON.
    pub description: &'static str,
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
            description: M::DESCRIPTION,
            to_json: to_json::<M>,
            from_json: from_json::<M>,
        }
    }
}

/// One service, without its Rust type.
#[derive(Debug, Clone, Copy)]
pub struct ServiceSupport {
    /// `std_srvs/srv/SetBool`
    pub type_name: &'static str,
    /// `std_srvs::srv::dds_::SetBool_`
    pub dds_name: &'static str,
    /// `RIHS01_...` of the pair.
    pub type_hash: &'static str,
    /// What the client sends.
    pub request: TypeSupport,
    /// What the server answers.
    pub response: TypeSupport,
}

impl ServiceSupport {
    pub(crate) const fn of<S: Service>() -> Self {
        Self {
            type_name: S::TYPE_NAME,
            dds_name: S::DDS_NAME,
            type_hash: S::TYPE_HASH,
            request: TypeSupport::of::<S::Request>(),
            response: TypeSupport::of::<S::Response>(),
        }
    }
}

/// The service called `type_name`, such as `std_srvs/srv/SetBool`.
#[must_use]
pub fn find_service(type_name: &str) -> Option<&'static ServiceSupport> {
    let services = all_services();
    services.binary_search_by(|s| s.type_name.cmp(type_name)).ok().and_then(|index| services.get(index))
}

/// All services, in name order.
#[must_use]
pub fn all_services() -> &'static [ServiceSupport] {
    crate::SERVICES
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

/// What is to be done with a Rust type that is known by its name alone: see [`visit`].
pub trait Visitor {
    /// What comes of it.
    type Output;
    /// Called with the type of that name.
    fn visit<M: Message>(self) -> Self::Output;
}

/// Calls `visitor` with the Rust type called `type_name`; `None` if there is none.
///
/// ```
/// use peregrine_msgs::{Message, registry::{Visitor, visit}};
/// struct SizeOf;
/// impl Visitor for SizeOf {
///     type Output = usize;
///     fn visit<M: Message>(self) -> usize {
///         size_of::<M>()
///     }
/// }
/// assert_eq!(visit("std_msgs/msg/UInt32", SizeOf), Some(4));
/// assert_eq!(visit("std_msgs/msg/Nothing", SizeOf), None);
/// ```
pub fn visit<V: Visitor>(type_name: &str, visitor: V) -> Option<V::Output> {
    crate::visit(type_name, visitor)
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
