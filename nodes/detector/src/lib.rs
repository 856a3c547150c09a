//! The detector node
