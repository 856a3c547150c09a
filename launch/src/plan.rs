//! The plan: what a launch file means for given arguments. Plain data, printable as JSON.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::{
    error::{At, Result},
    reserved::Reserved,
};

/// Everything that a launch file starts, in the file's order.
#[derive(Clone, Debug, PartialEq, Default, Serialize, Deserialize)]
pub struct LaunchPlan {
    /// Every node and every other program; those inside a container name it.
    pub nodes: Vec<PlannedNode>,
    /// Processes that hold several nodes.
    pub containers: Vec<PlannedContainer>,
    /// What `<log>` says: level in capitals, and text.
    pub messages: Vec<(String, String)>,
    /// What is suspicious but does not stop the launch, each one sentence: a parameter file's entry that matches no
    /// node, two nodes of one name.
    pub warnings: Vec<String>,
    /// The value of every launch argument and variable at the end.
    pub variables: Vec<(String, String)>,
}

/// What kind of thing a planned node is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum NodeKind {
    /// `<node>`: a program of its own that is a node.
    Executable {
        /// The package.
        package: String,
        /// The program inside the package.
        executable: String,
    },
    /// `<composable_node>`: a node inside a container.
    Component {
        /// The package.
        package: String,
        /// The registered kind; a C++ style prefix (`peregrine::`) is allowed.
        plugin: String,
    },
    /// `<executable>`: a program that knows nothing of ROS.
    Command {
        /// The program.
        program: String,
        /// Its arguments.
        args: Vec<String>,
    },
}

/// Where a process's lines go.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default, Serialize, Deserialize)]
pub enum Output {
    /// To the terminal.
    #[default]
    Screen,
    /// To the log file; errors also to the terminal.
    Log,
    /// To both.
    Both,
}

/// How a process is started and what happens when it ends.
#[derive(Clone, Debug, PartialEq, Default, Serialize, Deserialize)]
pub struct ProcessOptions {
    /// What its lines are marked with, if not its name (`exec_name`).
    pub label: Option<String>,
    /// Changes to the environment; `None` removes the variable.
    pub env: Vec<(String, Option<String>)>,
    /// The working directory, if not the launcher's.
    pub cwd: Option<String>,
    /// Words before the program: `["gdb", "--args"]`.
    pub prefix: Vec<String>,
    /// Start again when it ends.
    pub respawn: bool,
    /// Seconds to wait before that, finite and not negative.
    pub respawn_delay: f64,
    /// Restarts before giving up; `None` for no limit.
    pub respawn_max_retries: Option<u32>,
    /// End everything when this ends.
    pub on_exit_shutdown: bool,
    /// Seconds from SIGINT to SIGTERM; `None` for the supervisor's default.
    pub sigterm_timeout: Option<f64>,
    /// Seconds from SIGTERM to SIGKILL; `None` for the supervisor's default.
    pub sigkill_timeout: Option<f64>,
    /// Where its lines go.
    pub output: Output,
}

/// A node to start.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PlannedNode {
    /// What it is.
    pub kind: NodeKind,
    /// Its name; `None` leaves it to the program.
    pub name: Option<String>,
    /// Its namespace, absolute: `/` or `/front`.
    pub namespace: String,
    /// Remaps from, to; the first that fits wins.
    pub remaps: Vec<(String, String)>,
    /// Dotted names and values typed as ROS types them; those of parameter files are resolved and included. No name
    /// comes twice.
    pub params: Vec<(String, Value)>,
    /// The parameter files that were read for it.
    pub params_files: Vec<String>,
    /// Words for its command line, `args` then `ros_args`.
    pub args: Vec<String>,
    /// `extra_arg` of a composable node, for example `use_intra_process_comms`.
    pub extra_args: Vec<(String, Value)>,
    /// Environment, restarts and output of its process; of no meaning inside a container.
    pub process: ProcessOptions,
    /// The full name of its container.
    pub container: Option<String>,
    /// Where the file says so.
    pub at: At,
}

/// A process that holds composable nodes.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PlannedContainer {
    /// The package of its program.
    pub package: String,
    /// Its program.
    pub executable: String,
    /// Its name.
    pub name: String,
    /// Its namespace, absolute.
    pub namespace: String,
    /// Remaps of the container node itself.
    pub remaps: Vec<(String, String)>,
    /// Parameters of the container node itself.
    pub params: Vec<(String, Value)>,
    /// The parameter files that were read for it.
    pub params_files: Vec<String>,
    /// Words for its command line.
    pub args: Vec<String>,
    /// Environment, restarts and output of the process.
    pub process: ProcessOptions,
    /// Where the file says so.
    pub at: At,
}

impl PlannedNode {
    /// The kind's name in the registry of nodes: the executable, or the plugin without its prefix.
    #[must_use]
    pub fn kind_name(&self) -> &str {
        match &self.kind {
            NodeKind::Executable { executable, .. } => executable,
            NodeKind::Component { plugin, .. } => plugin.rsplit("::").next().unwrap_or(plugin),
            NodeKind::Command { program, .. } => program.rsplit('/').next().unwrap_or(program),
        }
    }

    /// The package it comes from; empty for a plain program.
    #[must_use]
    pub fn package(&self) -> &str {
        match &self.kind {
            NodeKind::Executable { package, .. } | NodeKind::Component { package, .. } => package,
            NodeKind::Command { .. } => "",
        }
    }

    /// Namespace and name; without a name, the kind's name stands in.
    #[must_use]
    pub fn full_name(&self) -> String {
        join(&self.namespace, self.name.as_deref().unwrap_or_else(|| self.kind_name()))
    }

    /// The reserved parameters (`peregrine.*`) among its parameters.
    ///
    /// # Errors
    /// [`crate::LaunchError::ReservedParameter`]; a plan made by this crate has none that fail.
    pub fn reserved(&self) -> Result<Reserved> {
        Reserved::of(&self.full_name(), &self.params)
    }

    /// Its arguments, and what it should be called and told, as every ROS 2 program takes it: `--ros-args -r
    /// __node:=NAME -r __ns:=/NS -r FROM:=TO -p NAME:=VALUE`. A plain program gets only its arguments.
    #[must_use]
    pub fn command_line(&self) -> Vec<String> {
        if let NodeKind::Command { args, .. } = &self.kind {
            return args.clone();
        }
        command_line(&self.args, self.name.as_deref(), &self.namespace, &self.remaps, &self.params)
    }
}

impl PlannedContainer {
    /// Namespace and name.
    #[must_use]
    pub fn full_name(&self) -> String {
        join(&self.namespace, &self.name)
    }

    /// As [`PlannedNode::command_line`].
    #[must_use]
    pub fn command_line(&self) -> Vec<String> {
        command_line(&self.args, Some(&self.name), &self.namespace, &self.remaps, &self.params)
    }
}

fn command_line(
    args: &[String],
    name: Option<&str>,
    namespace: &str,
    remaps: &[(String, String)],
    params: &[(String, Value)],
) -> Vec<String> {
    let mut words = args.to_vec();
    words.push("--ros-args".to_owned());
    let mut pair = |flag: &str, text: String| words.extend([flag.to_owned(), text]);
    if let Some(name) = name {
        pair("-r", format!("__node:={name}"));
    }
    pair("-r", format!("__ns:={namespace}"));
    for (from, to) in remaps {
        pair("-r", format!("{from}:={to}"));
    }
    for (name, value) in params {
        // JSON is YAML: text stays quoted, so "1" does not become a number on the other side.
        pair("-p", format!("{name}:={value}"));
    }
    words
}

/// `name` inside `namespace`; an absolute name stays as it is.
pub(crate) fn join(namespace: &str, name: &str) -> String {
    if name.starts_with('/') {
        return name.to_owned();
    }
    format!("{}/{}", namespace.trim_end_matches('/'), name)
}

/// One process of a plan.
#[derive(Clone, Debug, PartialEq)]
pub struct Unit<'a> {
    /// What its lines are marked with.
    pub name: String,
    /// The container, if it is one.
    pub container: Option<&'a PlannedContainer>,
    /// The nodes it holds: exactly one if it is no container.
    pub nodes: Vec<&'a PlannedNode>,
    /// How to start it.
    pub process: &'a ProcessOptions,
}

impl LaunchPlan {
    /// The processes of the plan: one per container and one per node outside of any.
    #[must_use]
    pub fn units(&self) -> Vec<Unit<'_>> {
        let containers = self.containers.iter().map(|container| {
            let full_name = container.full_name();
            let inside = |node: &&PlannedNode| node.container.as_deref() == Some(&full_name);
            Unit {
                name: container.process.label.clone().unwrap_or_else(|| container.name.clone()),
                container: Some(container),
                nodes: self.nodes.iter().filter(inside).collect(),
                process: &container.process,
            }
        });
        let alone = self.nodes.iter().filter(|node| node.container.is_none());
        let alone = alone.map(|node| Unit {
            name: node
                .process
                .label
                .clone()
                .unwrap_or_else(|| node.full_name().trim_start_matches('/').to_owned()),
            container: None,
            nodes: vec![node],
            process: &node.process,
        });
        containers.chain(alone).collect()
    }
}
