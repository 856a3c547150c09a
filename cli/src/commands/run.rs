//! `peregrine run NODE`: one stock node in a process of its own.

use peregrine_core::{NodeSpec, ParamValue};

use crate::args::Run;
use crate::compose::{Composition, registry};
use crate::error::Result;
use crate::ros_args::RosArgs;
use crate::way::Way;

pub fn run(args: &Run, ros: &[String]) -> Result {
    let mut ros = RosArgs::parse(ros)?;
    ros.name = args.name.clone().or(ros.name);
    ros.namespace = args.namespace.clone().or(ros.namespace);
    args.remaps.iter().try_for_each(|text| ros.remap(text))?;
    args.values.iter().try_for_each(|text| ros.param(text))?;
    ros.params_files.extend(args.params.iter().cloned());

    let factory = registry().find(&args.node)?;
    let name = ros.name.clone().unwrap_or_else(|| factory.kind.to_owned());
    let namespace = ros.namespace.clone().unwrap_or_else(|| "/".to_owned());
    let full_name = format!("{}/{name}", namespace.trim_end_matches('/'));

    let mut spec = NodeSpec {
        kind: factory.kind.to_owned(),
        name: Some(name),
        namespace: Some(namespace),
        ..NodeSpec::default()
    };
    let mut use_sim_time = args.use_sim_time;
    spec.params = ros.params_of(&full_name)?;
    if let Some(ParamValue::Bool(yes)) = spec.params.remove("use_sim_time") {
        use_sim_time = yes;
    }
    spec.remaps = ros.remaps;
    let mode = args.timing.mode(false, use_sim_time)?;
    let way = if args.isolated { None } else { Way::open(ros.enclave.as_deref()) };
    let report = Composition::with_way(mode, vec![spec], way)?.run()?;
    for node in report.nodes.iter().filter(|n| n.errors > 0) {
        tracing::warn!(node = %node.name, "{} errors; the last: {}", node.errors, node.last_error.as_deref().unwrap_or(""));
    }
    Ok(())
}
