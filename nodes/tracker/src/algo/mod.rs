//! The tracker without the runtime: pure functions and structs.

pub mod assignment;
pub mod camera;
pub mod classes;
pub mod config;
pub mod depth;
pub mod evidence;
pub mod found;
pub mod history;
pub mod image_filter;
pub mod rect;
pub mod report;
pub mod space_filter;
pub mod track;
pub mod tracker;
