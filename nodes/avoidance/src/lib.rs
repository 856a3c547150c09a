//! The avoidance node
