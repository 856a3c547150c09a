//! The words of a ROS 2 launch file: which tags there are, which attributes each takes and what may stand inside.
//!
//! Both front ends read this one table, so XML and YAML cannot drift apart, and a word that is not in it is an error.
//! Names are compared with `-` and `_` taken as equal, since `ros2 launch` itself uses both
//! (`push-ros-namespace`, `launch-prefix`, `ros_args`).
//! Source: the `parse` methods of `launch` 3.x and `launch_ros` 0.26 (Jazzy) and their front end documentation.

use crate::{
    error::{At, LaunchError, Result},
    nearest::hint,
};

/// One tag.
#[derive(Debug)]
pub(crate) struct Tag {
    pub name: &'static str,
    pub required: &'static [&'static str],
    pub optional: &'static [&'static str],
    pub children: Children,
}

/// What may stand inside a tag.
#[derive(Debug)]
pub(crate) enum Children {
    /// Any action, in order.
    Actions,
    /// Only these.
    Only(&'static [&'static Tag]),
}

const NONE: Children = Children::Only(&[]);
const CONDITIONS: [&str; 2] = ["if", "unless"];

macro_rules! tags {
    ($($id:ident = $name:literal, [$($required:literal)*], [$($optional:literal)*], $children:expr;)*) => {
        $(pub(crate) static $id: Tag = Tag {
            name: $name, required: &[$($required),*], optional: &[$($optional),*], children: $children,
        };)*
    };
}

tags! {
    LAUNCH = "launch", [], ["version"], Children::Actions;
    ARG = "arg", ["name"], ["default" "description"], Children::Only(&[&CHOICE]);
    CHOICE = "choice", ["value"], [], NONE;
    LET = "let", ["name" "value"], [], NONE;
    INCLUDE = "include", ["file"], [], Children::Only(&[&INCLUDE_ARG, &LET]);
    INCLUDE_ARG = "arg", ["name" "value"], [], NONE;
    GROUP = "group", [], ["scoped" "forwarding"], Children::Actions;
    PUSH_NAMESPACE = "push_ros_namespace", ["namespace"], [], NONE;
    SET_REMAP = "set_remap", ["from" "to"], [], NONE;
    SET_PARAMETER = "set_parameter", ["name" "value"], [], NONE;
    SET_PARAMETERS_FILE = "set_parameters_from_file", ["filename"], [], NONE;
    SET_USE_SIM_TIME = "set_use_sim_time", ["value"], [], NONE;
    SET_ENV = "set_env", ["name" "value"], [], NONE;
    UNSET_ENV = "unset_env", ["name"], [], NONE;
    LOG = "log", ["message"], ["level"], NONE;
    NODE = "node", ["pkg" "exec"],
        ["name" "namespace" "args" "ros_args" "exec_name" "output" "respawn" "respawn_delay" "respawn_max_retries"
         "launch-prefix" "cwd" "on_exit" "sigterm_timeout" "sigkill_timeout"],
        Children::Only(&[&PARAM, &REMAP, &ENV]);
    NODE_CONTAINER = "node_container", ["pkg" "exec" "name"],
        ["namespace" "args" "ros_args" "exec_name" "output" "respawn" "respawn_delay" "respawn_max_retries"
         "launch-prefix" "cwd" "on_exit" "sigterm_timeout" "sigkill_timeout"],
        Children::Only(&[&PARAM, &REMAP, &ENV, &COMPOSABLE_NODE]);
    LOAD_COMPOSABLE_NODE = "load_composable_node", ["target"], [], Children::Only(&[&COMPOSABLE_NODE]);
    COMPOSABLE_NODE = "composable_node", ["pkg" "plugin"], ["name" "namespace"],
        Children::Only(&[&PARAM, &REMAP, &EXTRA_ARG]);
    EXECUTABLE = "executable", ["cmd"],
        ["name" "cwd" "output" "respawn" "respawn_delay" "respawn_max_retries" "launch-prefix" "on_exit"
         "sigterm_timeout" "sigkill_timeout"],
        Children::Only(&[&ENV]);
    PARAM = "param", [], ["name" "value" "type" "value-sep" "from" "allow_substs"], Children::Only(&[&PARAM]);
    REMAP = "remap", ["from" "to"], [], NONE;
    ENV = "env", ["name" "value"], [], NONE;
    EXTRA_ARG = "extra_arg", ["name" "value"], [], NONE;
}

/// Every tag that may stand where an action is expected.
static ACTIONS: [&Tag; 17] = [
    &ARG,
    &LET,
    &INCLUDE,
    &GROUP,
    &PUSH_NAMESPACE,
    &SET_REMAP,
    &SET_PARAMETER,
    &SET_PARAMETERS_FILE,
    &SET_USE_SIM_TIME,
    &SET_ENV,
    &UNSET_ENV,
    &LOG,
    &NODE,
    &NODE_CONTAINER,
    &LOAD_COMPOSABLE_NODE,
    &EXECUTABLE,
    &COMPOSABLE_NODE,
];

/// Tags of ros2 launch that have no meaning here yet: saying so is kinder than "unknown".
const UNSUPPORTED_TAGS: [(&str, &str); 12] = [
    ("lifecycle_node", "use node"),
    ("append_env", "use set_env with $(env NAME)"),
    ("timer", "start the process unconditionally"),
    ("ros_timer", "start the process unconditionally"),
    ("shutdown", "use on_exit=\"shutdown\" on the node that matters"),
    ("reset", "use a scoped group"),
    ("set_ros_log_dir", "use output=\"screen\""),
    ("for", "write the actions out"),
    ("for_each", "write the actions out"),
    ("log_info", "use log with level=\"INFO\""),
    ("log_warning", "use log with level=\"WARN\""),
    ("log_error", "use log with level=\"ERROR\""),
];

const UNSUPPORTED_ATTRIBUTES: [(&str, &str); 6] = [
    ("machine", "start the launch file on that machine"),
    ("emulate_tty", "leave it out: output is passed on line by line"),
    ("shell", "write sh -c '...' in cmd"),
    ("log_cmd", "leave it out"),
    ("keep", "leave it out: a group hands everything on unless forwarding=\"false\""),
    ("clear_params", "ROS 1 only: leave it out"),
];

fn same(left: &str, right: &str) -> bool {
    left.len() == right.len()
        && left
            .bytes()
            .zip(right.bytes())
            .all(|(l, r)| l == r || matches!((l, r), (b'-', b'_') | (b'_', b'-')))
}

impl Tag {
    fn child_tags(&self) -> &'static [&'static Tag] {
        match self.children {
            // The last entry is only there so that its misplacement can be explained.
            Children::Actions => &ACTIONS[..ACTIONS.len() - 1],
            Children::Only(tags) => tags,
        }
    }

    pub(crate) fn holds_actions(&self) -> bool {
        matches!(self.children, Children::Actions)
    }

    /// Whether `name` is one of the tags that may stand inside this one.
    pub(crate) fn has_child(&self, name: &str) -> bool {
        self.child_tags().iter().any(|tag| same(tag.name, name))
    }

    /// The tag called `name` inside this one.
    pub(crate) fn child(&self, name: &str, at: &At) -> Result<&'static Tag> {
        if let Some(tag) = self.child_tags().iter().find(|tag| same(tag.name, name)) {
            return Ok(tag);
        }
        if let Some((_, remedy)) = UNSUPPORTED_TAGS.iter().find(|(tag, _)| same(tag, name)) {
            let (what, remedy) = (format!("<{name}>"), (*remedy).to_owned());
            return Err(LaunchError::Unsupported { at: at.clone(), what, remedy });
        }
        let known: Vec<&str> = self.child_tags().iter().map(|tag| tag.name).collect();
        let hint = match ACTIONS.iter().find(|tag| same(tag.name, name)) {
            Some(tag) if same(tag.name, COMPOSABLE_NODE.name) => {
                "; it belongs into a node_container or load_composable_node".to_owned()
            }
            _ => hint(name, &known),
        };
        Err(LaunchError::UnknownTag { at: at.clone(), parent: self.name.into(), tag: name.into(), hint })
    }

    /// The canonical name of the attribute written as `name`.
    pub(crate) fn attribute(&self, name: &str, at: &At) -> Result<&'static str> {
        let conditions: &'static [&'static str] = &CONDITIONS;
        let conditional = !std::ptr::eq(self, &LAUNCH);
        let all = self.required.iter().chain(self.optional);
        let known: Vec<&'static str> =
            all.chain(if conditional { conditions } else { &[] }).copied().collect();
        if let Some(found) = known.iter().find(|attribute| same(attribute, name)) {
            return Ok(found);
        }
        if let Some((_, remedy)) = UNSUPPORTED_ATTRIBUTES.iter().find(|(attribute, _)| same(attribute, name))
        {
            let (what, remedy) = (format!("the attribute '{name}' of <{}>", self.name), (*remedy).to_owned());
            return Err(LaunchError::Unsupported { at: at.clone(), what, remedy });
        }
        let (tag, attribute) = (self.name.to_owned(), name.to_owned());
        Err(LaunchError::UnknownAttribute { at: at.clone(), tag, attribute, hint: hint(name, &known) })
    }
}
