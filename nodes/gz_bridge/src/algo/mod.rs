//! What needs neither node nor network.

pub mod bridge;
pub mod service;
