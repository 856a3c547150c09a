//! The pure part: no runtime, no wall clock, no allocation per cycle once warm.
//!
//! Frames: `odom` is ENU (x east, y north, z up), the body is FLU (x forward, y left, z up), a camera is optical
//! (x right, y down, z forward), after REP-103 and REP-105. Units: metres, seconds, radians; instants are
//! nanoseconds in an `i64`.

mod around;
pub mod candidates;
pub mod certificate;
pub mod config;
pub mod crossing;
pub mod depth;
mod field;
pub mod geometry;
pub mod guard;
pub mod guidance;
pub mod ladder;
mod limits;
pub mod margins;
pub mod memory;
pub mod movers;
mod over;
pub mod panorama;
pub mod planner;
pub mod plant;
pub mod recovery;
pub mod ring;
pub mod rise;
pub mod search;
pub mod search3;
mod show;
pub mod speed;
pub mod state;
pub mod trail;
pub mod view;
pub mod voxels;
pub mod way;
