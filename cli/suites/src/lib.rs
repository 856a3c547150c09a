//! Thousands of short flights of the avoidance planner through worlds of others and of our own making.
//!
//! Deliberately not the planner's own model of anything: an exact ray caster with stereo errors looks at the world, a vehicle
//! with lags in series, wind, drag and drifting odometry flies in it, and images and commands come late. Every flight is a
//! pure function of (suite, seed, speed); `jobs` and the machine do not matter.

pub mod camera;
pub mod error;
pub mod file;
pub mod flight;
pub mod replay;
pub mod rng;
pub mod run;
pub mod scanner;
pub mod sighting;
pub mod stats;
pub mod suite;
pub mod vehicle;
pub mod world;
pub mod worlds;
