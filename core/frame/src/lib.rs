//! The frame bus: pre-allocated slots, lock-free publish and pin
