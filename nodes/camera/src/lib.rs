//! The camera node
