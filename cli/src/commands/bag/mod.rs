//! `peregrine bag play|info|recover`.

pub mod args;

use std::path::Path;

use peregrine_core::{Mode, NodeSpec, ParamMap, ParamValue};
use peregrine_recorder::seal::{Identity, open_bag, read_identities};
use peregrine_recorder::{play::BagReader, recover};
use serde_json::json;

use self::args::{Bag, BagDecrypt, BagPlay};
use crate::compose::Composition;
use crate::error::{Error, Result};
use crate::ros_args::{RosArgs, assignment};
use crate::way::Way;

pub fn run(command: &Bag, ros: &[String]) -> Result {
    match command {
        Bag::Play(args) => play(args, ros),
        Bag::Info { bag, json, identity } => info(bag, *json, identity.as_deref()),
        Bag::Decrypt(args) => decrypt(args),
        Bag::Keygen { file } => keygen(file),
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
    if let Some(file) = &args.identity {
        set("identity", ParamValue::String(file.display().to_string()));
    }
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

fn identities(file: Option<&Path>) -> Result<Vec<Identity>> {
    Ok(file.map(read_identities).transpose()?.unwrap_or_default())
}

fn decrypt(args: &BagDecrypt) -> Result {
    let opened = open_bag(&args.from, &args.to, &identities(Some(&args.identity))?)?;
    println!(
        "opened {} files, {:.1} MB, into {}",
        opened.files.len(),
        opened.bytes as f64 / 1e6,
        args.to.display()
    );
    for file in &opened.cut {
        println!(
            "{} breaks off: `peregrine bag recover {} NEW` completes it",
            file.display(),
            file.display()
        );
    }
    Ok(())
}

/// For nobody else to read; an existing file stays.
fn keygen(file: &Path) -> Result {
    use std::io::Write as _;
    let identity = Identity::generate()?;
    let mut options = std::fs::OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let text = format!("# public key: {}\n{}\n", identity.recipient(), identity.secret());
    let written = options.open(file).and_then(|mut open| open.write_all(text.as_bytes()));
    written.map_err(Error::file("write", file))?;
    println!("{}", identity.recipient());
    Ok(())
}

fn info(path: &Path, as_json: bool, identity: Option<&Path>) -> Result {
    let bag = BagReader::open_with(path, identities(identity)?)?;
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
