//! `peregrine run NODE`: one stock node in a process of its own.

use std::fs;

use peregrine_core::{NodeSpec, ParamValue};
use peregrine_launch::parse_params_file;

use crate::args::Run;
use crate::compose::{Composition, registry};
use crate::error::{Error, Result};
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
    spec.remaps = ros.remaps;
    let mut use_sim_time = args.use_sim_time;
    for file in &ros.params_files {
        let text = fs::read_to_string(file).map_err(Error::file("read", file))?;
        let shown = file.display().to_string();
        let parsed = parse_params_file(&shown, &text)?;
        let mut matched = false;
        for entry in parsed.entries.iter().filter(|e| e.matches(&full_name)) {
            matched = true;
            for (key, value) in &entry.params {
                let typed = ParamValue::from_json(value).ok_or_else(|| Error::Argument {
                    what: "parameter",
                    value: format!("{key}: {value}"),
                    why: "ROS has no parameter of that type".into(),
                })?;
                spec.params.insert(key.clone(), typed);
            }
        }
        if !matched {
            tracing::warn!("PG-1310: no entry of '{shown}' matches '{full_name}'; name the node or use /**");
        }
    }
    spec.params.extend(ros.params);
    if let Some(ParamValue::Bool(yes)) = spec.params.remove("use_sim_time") {
        use_sim_time = yes;
    }
    let mode = args.timing.mode(false, use_sim_time)?;
    let way = if args.isolated { None } else { Way::open(ros.enclave.as_deref()) };
    let report = Composition::with_way(mode, vec![spec], way)?.run()?;
    for node in report.nodes.iter().filter(|n| n.errors > 0) {
        tracing::warn!(node = %node.name, "{} errors; the last: {}", node.errors, node.last_error.as_deref().unwrap_or(""));
    }
    Ok(())
}
