//! `peregrine container`: a component container, whose nodes come and go while it runs.
//!
//! Each component is an application of its own on threads of its own, with a session of its own: what one does cannot
//! delay another, and unloading it leaves nothing behind. Components meet as processes do.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;

use peregrine_core::{
    App, ComponentManager, Components, Mode, NodeFactory, NodeSpec, ParamMap, ParamValue, Registry, Stop,
    StopReason, names,
};

use crate::args::Container;
use crate::compose::{Composition, registry};
use crate::error::{Error, Result};
use crate::ros_args::RosArgs;
use crate::way::Way;

pub fn run(args: &Container, ros: &[String]) -> Result {
    let mut ros = RosArgs::parse(ros)?;
    ros.name = args.name.clone().or(ros.name);
    ros.namespace = args.namespace.clone().or(ros.namespace);
    let way = Way::open(ros.enclave.as_deref()).ok_or_else(|| Error::Argument {
        what: "container",
        value: "without a link".into(),
        why:
            "a container is of use only to other processes, and they cannot be reached; see the warning above"
                .into(),
    })?;
    let name = ros.name.clone().unwrap_or_else(|| "ComponentManager".to_owned());
    let full_name = format!("{}/{name}", ros.namespace.as_deref().unwrap_or("/").trim_end_matches('/'));
    let threads = threads(ros.params_of(&full_name)?)?;
    let loaded = Arc::new(Loaded { enclave: ros.enclave.clone(), threads, nodes: Mutex::default() });
    let mode = Mode::Realtime { threads: 1, factor: 1.0, use_sim_time: false };
    let mut composition = Composition::with_way(mode, Vec::new(), Some(way))?;
    let app: &mut App = &mut composition.app;
    app.extend::<Box<dyn Components>>(Arc::new(Box::new(Lent(loaded.clone()))));
    let spec = NodeSpec { name: ros.name, namespace: ros.namespace, ..NodeSpec::new("ComponentManager") };
    app.add(NodeFactory::of::<ComponentManager>(), spec)?;
    let outcome = composition.run();
    let lent = Lent(loaded);
    for id in lent.list().into_iter().map(|(id, _)| id) {
        if let Err(reason) = lent.unload(id) {
            tracing::warn!("{reason}");
        }
    }
    outcome.map(drop)
}

/// A component that runs.
struct Component {
    name: String,
    stop: Stop,
    thread: JoinHandle<Result>,
}

#[derive(Default)]
struct Nodes {
    last: u64,
    running: BTreeMap<u64, Component>,
}

/// The components of this container.
struct Loaded {
    enclave: Option<String>,
    /// Threads that a component may use inside of a callback.
    threads: usize,
    nodes: Mutex<Nodes>,
}

impl Loaded {
    fn nodes(&self) -> MutexGuard<'_, Nodes> {
        let mut nodes = self.nodes.lock().unwrap_or_else(PoisonError::into_inner);
        // Those that ended by themselves are components no more.
        nodes.running.retain(|_, component| !component.thread.is_finished());
        nodes
    }

    fn start(&self, plugin: &str, mut spec: NodeSpec) -> Result<(u64, String)> {
        let registry = registry();
        let factory = find(&registry, plugin)?;
        spec.kind = factory.kind.to_owned();
        let name = names::full_node_name(
            spec.namespace.as_deref().unwrap_or("/"),
            spec.name.as_deref().unwrap_or(factory.kind),
        )?;
        let use_sim_time = spec.params.remove("use_sim_time") == Some(ParamValue::Bool(true));
        let mut nodes = self.nodes();
        if nodes.running.values().any(|component| component.name == name) {
            return Err(peregrine_core::Error::DuplicateNode { name }.into());
        }
        let mode = Mode::Realtime { threads: self.threads, factor: 1.0, use_sim_time };
        let composition = Composition::with_way(mode, vec![spec], Way::open(self.enclave.as_deref()))?;
        let stop = composition.app.stop_handle();
        let thread = std::thread::Builder::new()
            .name("component".into())
            .spawn(move || {
                let outcome = composition.run_unwatched().map(drop);
                if let Err(error) = &outcome {
                    tracing::error!("a component ended: {error}");
                }
                outcome
            })
            .map_err(Error::file("start a thread for", &name))?;
        nodes.last += 1;
        let id = nodes.last;
        nodes.running.insert(id, Component { name: name.clone(), stop, thread });
        Ok((id, name))
    }
}

/// What the container's node is lent.
struct Lent(Arc<Loaded>);

impl Components for Lent {
    fn load(&self, plugin: &str, spec: NodeSpec) -> std::result::Result<(u64, String), String> {
        self.0.start(plugin, spec).map_err(|error| error.to_string())
    }

    fn unload(&self, id: u64) -> std::result::Result<(), String> {
        let component = self.0.nodes().running.remove(&id);
        let component = component.ok_or_else(|| format!("PG-1311: no node has the number {id}"))?;
        component.stop.ask(StopReason::Asked("unloaded".into()));
        match component.thread.join() {
            Ok(outcome) => outcome.map_err(|error| error.to_string()),
            Err(_) => Err(format!("PG-1312: '{}' panicked while it ended", component.name)),
        }
    }

    fn list(&self) -> Vec<(u64, String)> {
        self.0.nodes().running.iter().map(|(id, component)| (*id, component.name.clone())).collect()
    }
}

/// What a container's own parameters say. use_sim_time is each component's own affair.
fn threads(params: ParamMap) -> Result<usize> {
    let mut threads = std::thread::available_parallelism().map_or(1, usize::from);
    for (name, value) in params {
        match (name.as_str(), &value) {
            ("threads", ParamValue::Integer(count @ 1..=256)) => {
                threads = usize::try_from(*count).unwrap_or(1)
            }
            ("threads", _) => {
                let why = "give an integer, 1 to 256".into();
                return Err(Error::Argument { what: "threads", value: value.to_string(), why });
            }
            ("use_sim_time", _) => {}
            _ => {
                let why =
                    "a container takes threads and use_sim_time; set a node's parameters on the node".into();
                return Err(Error::Argument { what: "parameter", value: name, why });
            }
        }
    }
    Ok(threads)
}

/// The kind that a plugin's name means: `detector`, `peregrine::Detector`, `peregrine::detector::DetectorNode`.
fn find(registry: &Registry, plugin: &str) -> Result<NodeFactory> {
    let last = plugin.rsplit("::").next().unwrap_or(plugin);
    let mut snake = String::new();
    for (at, c) in last.char_indices() {
        if c.is_ascii_uppercase() && at > 0 {
            snake.push('_');
        }
        snake.push(c.to_ascii_lowercase());
    }
    let short = snake.strip_suffix("_node").unwrap_or(&snake);
    Ok([last, &snake, short]
        .into_iter()
        .find_map(|kind| registry.find(kind).ok())
        .map_or_else(|| registry.find(last), Ok)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_container_says_which_parameters_it_has() {
        let one = |name: &str, value| threads(ParamMap::from([(name.to_owned(), value)]));
        assert_eq!(one("threads", ParamValue::Integer(3)).unwrap(), 3);
        assert!(one("use_sim_time", ParamValue::Bool(true)).is_ok());
        for (name, value) in [("threads", ParamValue::Integer(0)), ("thread", ParamValue::Integer(1))] {
            assert!(one(name, value).unwrap_err().to_string().contains("PG-1301"), "{name}");
        }
    }

    #[test]
    fn plugins_are_found_under_the_names_that_launch_files_use() {
        let registry = registry();
        for plugin in ["detector", "peregrine::Detector", "peregrine::detector::DetectorNode", "DroneSim"] {
            assert!(find(&registry, plugin).is_ok(), "{plugin}");
        }
        let error = find(&registry, "peregrine::Detectr").unwrap_err().to_string();
        assert!(error.contains("PG-0205"), "{error}");
    }
}
