//! The recorder node
