//! `peregrine sim run`: a world by itself.

use peregrine_core::{NodeSpec, ParamValue};

use crate::args::SimRun;
use crate::compose::Composition;
use crate::error::{Error, Result};
use crate::ros_args::RosArgs;

/// The longest run that `drone_sim` takes, a day of simulated time.
const LONGEST: f64 = 86_400.0;

pub(super) fn fly(args: &SimRun) -> Result {
    // The node's own names for what the command says.
    let mut ros = RosArgs::parse(&[])?;
    args.values.iter().try_for_each(|text| ros.param(text))?;
    let mut spec = NodeSpec::new("drone_sim");
    let duration = args.duration.unwrap_or(LONGEST);
    if !(duration > 0.0 && duration <= LONGEST) {
        return Err(Error::Argument {
            what: "duration",
            value: duration.to_string(),
            why: format!("write simulated seconds, above 0, at most {LONGEST}"),
        });
    }
    // A world is watched, not won: its goal ends nothing.
    for (name, value) in [
        ("world", ParamValue::String(args.world.clone())),
        ("time_limit", ParamValue::Double(duration)),
        ("goal_distance", ParamValue::Double(2000.0)),
        ("goal_ends", ParamValue::Bool(false)),
        ("gz", ParamValue::Bool(args.gz)),
        ("paused", ParamValue::Bool(args.paused)),
    ] {
        spec.params.insert(name.to_owned(), value);
    }
    if let Some(kind) = &args.autopilot {
        spec.params.insert("autopilot.kind".to_owned(), ParamValue::String(kind.clone()));
    }
    spec.params.extend(ros.params);
    let mode = args.timing.mode(false, false)?;
    let report = Composition::new(mode, vec![spec], args.isolated)?.run()?;
    for node in report.nodes.iter().filter(|n| n.errors > 0) {
        tracing::warn!(node = %node.name, "{} errors; the last: {}", node.errors, node.last_error.as_deref().unwrap_or(""));
    }
    Ok(())
}
