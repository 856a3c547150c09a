//! SDF 1.4 to 1.12: text in, a world with every pose resolved out.
//!
//! The way of a file: [`xml`] reads text into a tree that knows its lines, as leniently as Gazebo does; [`parse`]
//! walks that tree into [`types`], pulling in `<include>`s through [`uri`]; [`frames`] resolves `relative_to`,
//! `attached_to` and placement frames; [`report`] lists what was seen and not used, by name and count, so that
//! nothing is ignored in silence.
//!
//! ```
//! use peregrine_sim::sdf::Loader;
//! let text = r#"<sdf version="1.9"><world name="w">
//!   <model name="post"><static>true</static><pose degrees="true">1 2 0.5 0 0 90</pose>
//!     <link name="l"><collision name="c"><geometry><cylinder><radius>0.3</radius><length>1</length></cylinder>
//!     </geometry></collision></link></model></world></sdf>"#;
//! let loaded = Loader::new().load_str(text, "inline")?;
//! let world = loaded.world.ok_or("no world")?;
//! assert_eq!(world.models[0].links[0].collisions[0].pose.translation.z, 0.5);
//! assert!(loaded.report.is_complete());
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

pub(crate) mod audit;
mod environment;
pub mod frames;
mod geometry;
mod include;
mod inertial;
mod joint;
mod link;
mod load;
mod material;
pub mod mesh;
pub mod names;
mod parse;
mod plugin;
pub mod report;
mod sensor;
pub mod types;
pub mod uri;
mod value;
pub mod xml;

pub use load::{Limits, Loaded, Loader, MeshPolicy, fuzz};
pub use report::Report;
