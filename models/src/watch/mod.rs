//! A model watched in the field: whether it still sees the world it was measured in, and whether the machine keeps up.
//!
//! Pure parts: whoever runs the model hands in what it saw and the time; nothing here reads a clock. Only the
//! [`Machine`] has a thread of its own, because a sensor may take its time.

mod drift;
mod ladder;
mod look;
mod machine;
mod power;
mod recent;
mod tegrastats;
mod thermal;

pub use drift::{Drift, Histogram, Level, Watch, psi};
pub use ladder::{Change, Ladder, LadderOptions, Load, MOST_WAITS, Rung};
pub use look::{Look, look};
pub use machine::{Machine, MachineOptions, MachineState, memory_mb};
pub use power::{PowerMeter, Rail, total};
pub use recent::Recent;
pub use tegrastats::{Tegrastats, tegrastats};
pub use thermal::{Zone, hottest, zones};
