//! The pure part: no runtime, no wall clock, no allocation once warm. Vectors are `[x, y, z]`, metres or m/s, in odom
//! (ENU) unless said otherwise; instants are nanoseconds.

pub mod battery;
pub mod command;
pub mod filter;
pub mod ingest;
pub mod motion;
pub mod sensors;
pub mod shell;
pub mod vector;
