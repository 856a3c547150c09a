//! What can go wrong between processes, over DDS.

use thiserror::Error;

/// The result of everything in this crate.
pub type Result<T = (), E = Error> = std::result::Result<T, E>;

/// An error of the DDS transport.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum Error {
    /// ROS 2 refused something.
    #[error(
        "PG-2101: ROS 2 could not {what} '{name}': {reason} (rcl code {code}); see RMW_IMPLEMENTATION and the log above"
    )]
    Rcl {
        /// What was tried.
        what: &'static str,
        /// With which name.
        name: String,
        /// What `rcl` says.
        reason: String,
        /// Its return code.
        code: i32,
    },
    /// A name with a zero byte in it.
    #[error("PG-2102: '{name}' holds a zero byte and is no name for ROS 2; rename it")]
    Name {
        /// The name.
        name: String,
    },
    /// The package of a type is not installed.
    #[error(
        "PG-2103: ROS 2 here does not know {type_name}: {reason}; install the package (`apt-get install \
         ros-$ROS_DISTRO-{package}`, where _ is written -) and source its setup file"
    )]
    UnknownType {
        /// `sensor_msgs/msg/Image`.
        type_name: String,
        /// `sensor_msgs`.
        package: String,
        /// Why it was not found.
        reason: String,
    },
    /// The installed definition of a type is another one.
    #[error(
        "PG-2104: {type_name} of the installed ROS 2 has the hash {installed}, ours has {ours}: the definitions differ, and \
         what is on the topic would be misread; use a distribution that docs/ros2.md names"
    )]
    OtherDefinition {
        /// `sensor_msgs/msg/Image`.
        type_name: String,
        /// `RIHS01_...` of the library.
        installed: String,
        /// `RIHS01_...` of ours.
        ours: String,
    },
    /// The system refuses a thread.
    #[error("PG-2105: the thread '{name}' could not be started: {source}; check the limit of threads")]
    Thread {
        /// Its name.
        name: &'static str,
        /// What the system says.
        source: std::io::Error,
    },
    /// The application has no link.
    #[error("PG-2106: the DDS transport has no link; give the application one with App::extend")]
    NoLink,
}
