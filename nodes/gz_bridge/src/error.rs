//! What can be wrong with a bridge.

/// The result of this crate's functions.
pub type Result<T, E = BridgeError> = std::result::Result<T, E>;

/// Faults, with a code `PG-18xx` at the front.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum BridgeError {
    /// A bridge is not written as it should be.
    #[error(
        "PG-1801 bridge \"{text}\": {reason}. Write NAME@ROS_TYPE[GZ_TYPE (Gazebo to ROS), ] (ROS to Gazebo) or @ (both)."
    )]
    Syntax {
        /// As written.
        text: String,
        /// What is missing.
        reason: &'static str,
    },
    /// The two types do not go together.
    #[error("PG-1802 {ros} and {gz} are not converted into each other. {hint}")]
    Types {
        /// ROS type.
        ros: String,
        /// Gazebo type.
        gz: String,
        /// What goes with the ROS type.
        hint: String,
    },
    /// A service that is not carried.
    #[error(
        "PG-1806 the service {ros} is not carried. Those of ros_gz_interfaces/srv are: ControlWorld, SpawnEntity, DeleteEntity, \
         SetEntityPose."
    )]
    Service {
        /// ROS type.
        ros: String,
    },
    /// The transport refuses.
    #[error("PG-1803 no way to Gazebo: {0}")]
    Gz(#[from] peregrine_gz::GzError),
    /// An address that is none.
    #[error(
        "PG-1804 parameter ip is \"{value}\", which is no IPv4 address. Write one of this machine, such as 127.0.0.1."
    )]
    Address {
        /// As given.
        value: String,
    },
    /// A name for types that does not exist.
    #[error("PG-1805 parameter messages is \"{value}\". Use gz (Garden and later) or ignition (Fortress).")]
    Messages {
        /// As given.
        value: String,
    },
}
