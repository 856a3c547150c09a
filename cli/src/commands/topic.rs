//! `peregrine topic list|echo|hz`.

use std::io::Write as _;
use std::time::{Duration, Instant};

use peregrine_core::did_you_mean;
use peregrine_msgs::registry;
use peregrine_zenoh::{Inspector, Link, LinkOptions, TopicEntry};

use crate::args::Topic;
use crate::error::{Error, Result};

const PATIENCE: Duration = Duration::from_millis(1500);

pub fn run(command: &Topic) -> Result {
    let options = LinkOptions::from_env(false)?;
    let link = Link::open(&options)?.ok_or(Error::NobodyThere { port: options.port })?;
    let inspector = Inspector::new(link.clone());
    let outcome = match command {
        Topic::List { json } => list(&inspector, *json),
        Topic::Echo { topic, count, timeout, compact } => {
            echo(&inspector, topic, *count, Duration::from_secs_f64(timeout.clamp(0.0, 1e6)), *compact)
        }
        Topic::Hz { topic, duration, json } => {
            hz(&inspector, topic, Duration::from_secs_f64(duration.clamp(0.1, 1e6)), *json)
        }
    };
    link.close();
    outcome
}

fn list(inspector: &Inspector, json: bool) -> Result {
    let topics = inspector.topics(PATIENCE)?;
    if json {
        let all: Vec<_> = topics
            .iter()
            .map(|t| {
                serde_json::json!({"name": t.name, "type": t.type_name, "hash": t.hash,
                    "publishers": t.publishers, "subscriptions": t.subscriptions})
            })
            .collect();
        println!("{}", serde_json::Value::Array(all));
        return Ok(());
    }
    let width = topics.iter().map(|t| t.name.len()).max().unwrap_or(0);
    for topic in &topics {
        println!(
            "{:width$}  [{}]  {} -> {}",
            topic.name,
            topic.type_name,
            names(&topic.publishers),
            names(&topic.subscriptions)
        );
    }
    Ok(())
}

fn names(nodes: &[String]) -> String {
    if nodes.is_empty() { "nobody".into() } else { nodes.join(", ") }
}

/// The topic of that name, which a program may just be about to announce.
fn find(inspector: &Inspector, topic: &str) -> Result<TopicEntry> {
    let wanted = format!("/{}", topic.trim_start_matches('/'));
    let topics = inspector.topics(PATIENCE)?;
    let hint = did_you_mean(&wanted, topics.iter().map(|t| t.name.as_str()));
    topics.into_iter().find(|t| t.name == wanted).ok_or(Error::NoTopic { topic: wanted, hint })
}

fn echo(
    inspector: &Inspector,
    topic: &str,
    count: Option<usize>,
    timeout: Duration,
    compact: bool,
) -> Result {
    let entry = find(inspector, topic)?;
    let support = registry::find(&entry.type_name).ok_or_else(|| Error::UnknownType {
        topic: entry.name.clone(),
        type_name: entry.type_name.clone(),
    })?;
    let stream = inspector.stream(&entry)?;
    let mut out = std::io::stdout().lock();
    for _ in 0..count.unwrap_or(usize::MAX) {
        let Some(update) = stream.next(timeout) else {
            return Err(Error::Argument {
                what: "topic",
                value: entry.name,
                why: format!("nothing came for {:.1} s; is its publisher running?", timeout.as_secs_f64()),
            });
        };
        let mut value = (support.to_json)(&update.payload)?;
        shorten(&mut value);
        let text = if compact { value.to_string() } else { format!("{value:#}\n---") };
        // The reader of a pipe may have enough.
        if writeln!(out, "{text}").is_err() {
            break;
        }
    }
    Ok(())
}

/// Pixels are not for reading: long arrays of numbers keep their beginning and their length.
fn shorten(value: &mut serde_json::Value) {
    const LONGEST: usize = 64;
    match value {
        serde_json::Value::Array(items) if items.len() > LONGEST && items.iter().all(|i| i.is_number()) => {
            let total = items.len();
            items.truncate(8);
            items.push(serde_json::Value::String(format!("... {total} in all")));
        }
        serde_json::Value::Array(items) => items.iter_mut().for_each(shorten),
        serde_json::Value::Object(map) => map.values_mut().for_each(shorten),
        _ => {}
    }
}

fn hz(inspector: &Inspector, topic: &str, duration: Duration, json: bool) -> Result {
    let entry = find(inspector, topic)?;
    let stream = inspector.stream(&entry)?;
    let mut arrivals = Vec::new();
    let mut bytes = 0;
    let mut stamps = Vec::new();
    let end = Instant::now() + duration;
    while let Some(left) = end.checked_duration_since(Instant::now()) {
        if let Some(update) = stream.next(left) {
            arrivals.push(Instant::now());
            bytes += update.payload.len();
            stamps.extend(update.stamp_ns);
        }
    }
    let rate = |count: usize, seconds: f64| {
        if seconds > 0.0 { count.saturating_sub(1) as f64 / seconds } else { 0.0 }
    };
    let span = |first: Option<f64>, last: Option<f64>| last.unwrap_or(0.0) - first.unwrap_or(0.0);
    let wall: Vec<f64> = arrivals.iter().map(|a| a.duration_since(arrivals[0]).as_secs_f64()).collect();
    let node: Vec<f64> = stamps.iter().map(|s| *s as f64 * 1e-9).collect();
    let wall_hz = rate(wall.len(), span(wall.first().copied(), wall.last().copied()));
    let node_hz = rate(node.len(), span(node.first().copied(), node.last().copied()));
    if json {
        println!(
            "{}",
            serde_json::json!({"topic": entry.name, "messages": wall.len(), "hz": wall_hz, "hz_node_clock": node_hz,
                "bytes_per_second": bytes as f64 / duration.as_secs_f64()})
        );
    } else {
        println!(
            "{}: {wall_hz:.1} Hz by the wall, {node_hz:.1} Hz by the node clock ({} messages, {:.1} kB/s)",
            entry.name,
            wall.len(),
            bytes as f64 / 1e3 / duration.as_secs_f64()
        );
    }
    Ok(())
}
