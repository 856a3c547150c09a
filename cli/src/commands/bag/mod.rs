//! `peregrine bag play|info|recover`.

pub mod args;

use std::path::Path;

use peregrine_core::{Mode, NodeSpec, ParamMap, ParamValue};
use peregrine_recorder::{play::BagReader, recover};
use serde_json::json;

use self::args::{Bag, BagPlay};
use crate::compose::Composition;
use crate::error::Result;
use crate::ros_args::{RosArgs, assignment};
use crate::way::Way;

pub fn run(command: &Bag, ros: &[String]) -> Result {
    match command {
        Bag::Play(args) => play(args, ros),
        Bag::Info { bag, json } => info(bag, *json),
        Bag::Recover { from, to } => {
            let summary = recover(from, to)?;
            println!("recovered {} messages into {}", summary.messages, to.display());
            Ok(())
        }
    }
}

/// The node `player`, called as rosbag2 calls its own.
fn play(args: &BagPlay, ros: &[String]) -> Result {
    let ros = RosArgs::parse(ros)?;
    let name = ros.name.clone().unwrap_or_else(|| "rosbag2_player".to_owned());
    let mut params = ParamMap::new();
    let mut set = |name: &str, value| params.insert(name.to_owned(), value);
    set("path", ParamValue::String(args.bag.display().to_string()));
    set("rate", ParamValue::Double(args.rate));
    set("loop", ParamValue::Bool(args.looping));
    set("start_offset", ParamValue::Double(args.start_offset));
    set("delay", ParamValue::Double(args.delay));
    set("topics", ParamValue::StringArray(args.topics.clone()));
    set("exclude", ParamValue::StringArray(args.exclude_topics.clone()));
    set("clock_hz", ParamValue::Double(args.clock.unwrap_or(0.0)));
    set("paused", ParamValue::Bool(args.start_paused));
    params.extend(ros.params.clone());
    let mut remaps = args.remap.iter().map(|text| assignment(text)).collect::<Result<Vec<_>>>()?;
    remaps.extend(ros.remaps.clone());
    let spec = NodeSpec {
        kind: "player".to_owned(),
        name: Some(name),
        namespace: ros.namespace.clone(),
        remaps,
        params,
    };
    let mode = Mode::Realtime { threads: 1, factor: 1.0, use_sim_time: false };
    Composition::with_way(mode, vec![spec], Way::open(ros.enclave.as_deref()))?.run()?;
    Ok(())
}

fn info(path: &Path, as_json: bool) -> Result {
    let bag = BagReader::open(path)?;
    let (first, last) = bag.span().unwrap_or_default();
    let seconds = last.saturating_sub(first) as f64 / 1e9;
    if as_json {
        let topics = bag.topics().iter().map(|topic| {
            json!({
                "name": topic.name, "type": topic.type_name, "messages": topic.messages,
                "reliable": topic.qos.is_reliable(), "latched": topic.qos.is_latched(),
            })
        });
        let topics: Vec<_> = topics.collect();
        let summary = json!({
            "messages": bag.messages(), "start_ns": first, "end_ns": last, "duration_s": seconds, "topics": topics,
        });
        println!("{summary:#}");
        return Ok(());
    }
    println!("{} messages in {seconds:.3} s, from {first} ns", bag.messages());
    let width = bag.topics().iter().map(|topic| topic.name.len()).max().unwrap_or(0);
    for topic in bag.topics() {
        let reliable = if topic.qos.is_reliable() { "reliable" } else { "best effort" };
        let latched = if topic.qos.is_latched() { ", latched" } else { "" };
        println!("{:width$}  {:>8}  [{}]  {reliable}{latched}", topic.name, topic.messages, topic.type_name);
    }
    Ok(())
}
