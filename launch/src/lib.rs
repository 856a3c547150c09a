//! ROS 2 launch files without ROS: XML and YAML become one plan, and a supervisor keeps the plan's processes alive.
//!
//! Three nouns, in the order in which they appear:
//!
//! 1. A [`LaunchFile`] is what was written: a tree of actions, checked against the vocabulary of `ros2 launch`. A tag
//!    or an attribute that is not in it is an error with line, column and the nearest known name, never ignored.
//!
//!    ```
//!    let file = peregrine_launch::parse_xml(r#"<launch><arg name="speed" default="4.0"/></launch>"#)?;
//!    assert_eq!(file.arguments()[0].name, "speed");
//!    # Ok::<(), peregrine_launch::LaunchError>(())
//!    ```
//!
//! 2. A [`LaunchPlan`] is what it means for given arguments: every node with its package, name, namespace, remaps and
//!    typed parameters. Making one is a pure function of the files, the arguments and the environment handed in.
//!
//!    ```
//!    use peregrine_launch::{LaunchOptions, Share, plan_text};
//!    let text = r#"<launch>
//!      <arg name="speed" default="4.0"/>
//!      <node pkg="peregrine" exec="avoidance"><param name="cruise_mps" value="$(var speed)"/></node>
//!    </launch>"#;
//!    let share = Share::embedded();
//!    let options = LaunchOptions::new(&share).argument("speed", "2.5");
//!    let plan = plan_text("my.launch.xml", text, &options)?;
//!    assert_eq!(plan.nodes[0].params, [("cruise_mps".to_owned(), serde_json::json!(2.5))]);
//!    # Ok::<(), peregrine_launch::LaunchError>(())
//!    ```
//!
//! 3. The [`supervisor`] runs a plan's processes: one per node or per container, restarted as the file asks, stopped
//!    with SIGINT, then SIGTERM, then SIGKILL, and reaped.
//!
//! The launch files and parameter files that Peregrine ships are embedded ([`Share::embedded`]), so that the demo works
//! from any directory.

mod error;
mod evaluate;
mod expression;
mod front;
mod nearest;
mod params_file;
mod plan;
mod reserved;
mod scalar;
mod share;
pub mod supervisor;
mod template;
mod vocabulary;

pub use error::{At, LaunchError, Result};
pub use evaluate::{LaunchOptions, parse_value, plan_file, plan_text};
pub use front::{Argument, LaunchFile, parse_text, parse_xml, parse_yaml};
pub use params_file::{ParamsEntry, ParamsFile, parse_message, parse_params_file};
pub use plan::{LaunchPlan, NodeKind, Output, PlannedContainer, PlannedNode, ProcessOptions, Unit};
pub use reserved::{RESERVED_PARAMETERS, Reserved};
pub use share::{DEMO_XML, DEMO_YAML, Packages, ROBOT_XML, Share};
