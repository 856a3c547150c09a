//! A launch file and its arguments into a plan.
//!
//! Invariant: evaluation is a pure function of the files read through [`Packages`], the arguments and the environment
//! in [`LaunchOptions`]. It reads no process state, so a plan can be tested, printed and compared.
//!
//! Scoping follows ros2 launch: a `<group>` keeps variables, namespaces, remaps, parameters and environment to itself
//! unless `scoped="false"`; an `<include>` does not, what it sets stays set. Wrap it in a group to keep it apart.

mod actions;
mod nodes;
mod params;
mod substitute;

pub use params::parse_value;

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use crate::{
    error::{At, LaunchError, Result},
    front::{Element, LaunchFile, parse_text},
    nearest::hint,
    params_file::ParamsFile,
    plan::LaunchPlan,
    share::Packages,
};

/// Includes may nest this deep.
const MAX_INCLUDES: usize = 24;
/// Actions evaluated in one plan, those of included files too.
const MAX_ACTIONS: usize = 20_000;
/// Bytes of one substituted text.
const MAX_TEXT: usize = 64 * 1024;

/// What a launch file is evaluated with.
#[derive(Clone)]
pub struct LaunchOptions<'a> {
    /// Launch arguments, `name:=value`; the last of a name wins.
    pub arguments: Vec<(String, String)>,
    /// The environment that `$(env NAME)` reads; empty unless set.
    pub environment: BTreeMap<String, String>,
    /// Finds packages and reads files.
    pub packages: &'a dyn Packages,
}

impl<'a> LaunchOptions<'a> {
    /// No arguments, an empty environment.
    #[must_use]
    pub fn new(packages: &'a dyn Packages) -> Self {
        Self { arguments: Vec::new(), environment: BTreeMap::new(), packages }
    }

    /// Adds a launch argument.
    #[must_use]
    pub fn argument(mut self, name: &str, value: &str) -> Self {
        self.arguments.push((name.to_owned(), value.to_owned()));
        self
    }

    /// Lets `$(env NAME)` see the environment of this process.
    #[must_use]
    pub fn with_process_environment(mut self) -> Self {
        let texts = std::env::vars_os()
            .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)));
        self.environment.extend(texts);
        self
    }
}

/// Reads and evaluates the launch file at `path` (a file, or [`crate::DEMO_XML`]).
///
/// # Errors
/// Anything in [`LaunchError`] up to PG-1119.
pub fn plan_file(path: &str, options: &LaunchOptions<'_>) -> Result<LaunchPlan> {
    let text = options.packages.read(path).map_err(|error| LaunchError::Unreadable {
        at: At::start(path),
        path: path.to_owned(),
        reason: error.to_string(),
    })?;
    plan_text(path, &text, options)
}

/// Evaluates `text` as if it were read from `path`, which gives `$(dirname)` and the format.
///
/// # Errors
/// As [`plan_file`].
pub fn plan_text(path: &str, text: &str, options: &LaunchOptions<'_>) -> Result<LaunchPlan> {
    let file = parse_text(path, text)?;
    let mut evaluator = Evaluator::new(options);
    evaluator.scope.variables.extend(options.arguments.iter().cloned());
    evaluator.file(&file, path)?;
    evaluator.check_arguments(path)?;
    Ok(evaluator.finish())
}

/// A global parameter: what `set_parameter` and `set_parameters_from_file` add to every later node.
#[derive(Clone)]
enum GlobalParam {
    Value(String, Value),
    File(String, ParamsFile),
}

/// What a group keeps to itself.
#[derive(Clone, Default)]
struct Scope {
    variables: BTreeMap<String, String>,
    namespace: String,
    remaps: Vec<(String, String)>,
    params: Vec<GlobalParam>,
    environment: BTreeMap<String, Option<String>>,
}

struct Evaluator<'a> {
    options: &'a LaunchOptions<'a>,
    scope: Scope,
    /// The files being evaluated, the innermost last.
    files: Vec<String>,
    declared: BTreeSet<String>,
    /// Every parameter file's entry that was looked at: whether it matched a node, and where it stands.
    entries: BTreeMap<(String, String), (bool, At)>,
    anonymous: BTreeMap<String, String>,
    actions: usize,
    plan: LaunchPlan,
}

impl<'a> Evaluator<'a> {
    fn new(options: &'a LaunchOptions<'a>) -> Self {
        Self {
            options,
            scope: Scope { namespace: "/".to_owned(), ..Scope::default() },
            files: Vec::new(),
            declared: BTreeSet::new(),
            entries: BTreeMap::new(),
            anonymous: BTreeMap::new(),
            actions: 0,
            plan: LaunchPlan::default(),
        }
    }

    fn file(&mut self, file: &LaunchFile, path: &str) -> Result<()> {
        self.files.push(path.to_owned());
        self.children(&file.root)?;
        self.files.pop();
        Ok(())
    }

    fn children(&mut self, element: &Element) -> Result<()> {
        for child in &element.children {
            self.actions += 1;
            if self.actions > MAX_ACTIONS {
                return Err(LaunchError::Limit {
                    at: child.at.clone(),
                    what: "the number of actions",
                    limit: MAX_ACTIONS,
                });
            }
            if self.applies(child)? {
                self.action(child)?;
            }
        }
        Ok(())
    }

    /// Arguments given on the command line that no evaluated file declares.
    fn check_arguments(&self, path: &str) -> Result<()> {
        let known: Vec<&str> = self.declared.iter().map(String::as_str).collect();
        match self.options.arguments.iter().find(|(name, _)| !self.declared.contains(name)) {
            None => Ok(()),
            Some((name, _)) => Err(LaunchError::UnknownArgument {
                file: path.to_owned(),
                name: name.clone(),
                hint: hint(name, &known),
            }),
        }
    }

    fn finish(mut self) -> LaunchPlan {
        let names: Vec<String> = self.node_names();
        let known: Vec<&str> = names.iter().map(String::as_str).collect();
        for ((_, pattern), (used, at)) in &self.entries {
            if !used {
                let hint = hint(pattern, &known);
                self.plan
                    .warnings
                    .push(format!("{at}: the entry '{pattern}' matches no node of this launch{hint}"));
            }
        }
        let mut seen = BTreeSet::new();
        for name in &names {
            if !seen.insert(name) {
                self.plan.warnings.push(format!(
                    "two nodes are called '{name}'; give one of them another name or namespace"
                ));
            }
        }
        self.plan.variables = self.scope.variables.into_iter().collect();
        self.plan
    }

    fn node_names(&self) -> Vec<String> {
        let nodes = self.plan.nodes.iter().filter(|node| !node.package().is_empty());
        let containers = self.plan.containers.iter().map(|container| container.full_name());
        nodes.map(|node| node.full_name()).chain(containers).collect()
    }
}
