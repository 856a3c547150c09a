//! Quality of service, under the names that ROS 2 uses.

use std::time::Duration;

/// How messages of one topic are kept and delivered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Qos {
    /// Best effort, volatile, keep last 5: the `SensorDataQoS` of rclcpp.
    Sensor,
    /// Reliable, volatile, keep last 10: the default of rclcpp.
    Reliable,
    /// Reliable, transient local, keep last 1: a late joiner still gets the last message.
    Latched,
    /// Reliable, volatile, keep last n.
    KeepLast(usize),
    /// Reliable, transient local, keep last n: a late joiner still gets the last n messages.
    LatchedLast(usize),
}

impl Qos {
    /// Messages kept for a slow reader before the oldest is dropped.
    pub fn depth(self) -> usize {
        match self {
            Self::Sensor => 5,
            Self::Reliable => 10,
            Self::Latched => 1,
            Self::KeepLast(n) | Self::LatchedLast(n) => n.max(1),
        }
    }

    /// True when delivery is reliable.
    pub fn is_reliable(self) -> bool {
        !matches!(self, Self::Sensor)
    }

    /// True when a late joiner gets the last messages (transient local).
    pub fn is_latched(self) -> bool {
        matches!(self, Self::Latched | Self::LatchedLast(_))
    }
}

/// What a reader of frames wants when it is slower than the camera.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum FramePolicy {
    /// Only the newest frame.
    Latest,
    /// The newest k frames, oldest first.
    KeepLast(usize),
    /// Every frame: the publisher waits for this reader, at most this long per frame.
    Lossless(Duration),
}
