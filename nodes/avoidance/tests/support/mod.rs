//! A world of cylinders and boxes on a plane, an analytic depth camera, and a vehicle that tilts to accelerate: just
//! enough to fly the planner in closed loop without the simulator, and deliberately not the planner's own model.

#![allow(dead_code, missing_docs, clippy::unwrap_used, reason = "shared by tests that each use a part of it")]

pub mod camera;
pub mod flight;
pub mod random;
pub mod world;
