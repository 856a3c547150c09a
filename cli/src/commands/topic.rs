//! `peregrine topic list|echo|pub|hz|bw|delay|info`.

mod delay;
mod info;
mod publish;
mod qos;
mod rate;
mod source;
mod spread;

use std::io::Write as _;
use std::time::Duration;

use peregrine_core::did_you_mean;
use peregrine_msgs::registry;
use peregrine_zenoh::{Inspector, Link, LinkOptions, TopicEntry};

use crate::args::Topic;
use crate::error::{Error, Result};

const PATIENCE: Duration = Duration::from_millis(1500);

pub fn run(command: &Topic) -> Result {
    match command {
        Topic::List { json } => with_inspector(|inspector| list(inspector, *json)),
        Topic::Echo { topic, count, timeout, compact } => with_inspector(|inspector| {
            let timeout = Duration::from_secs_f64(timeout.clamp(0.0, 1e6));
            echo(inspector, topic, *count, timeout, *compact)
        }),
        Topic::Pub(args) => publish::run(args),
        Topic::Hz(watch) => rate::hz(watch),
        Topic::Bw(watch) => rate::bw(watch),
        Topic::Delay(watch) => delay::run(watch),
        Topic::Info { topic, json } => info::run(topic, *json),
    }
}

/// Looks at the topics of whoever is there. The short-lived tools never become the meeting point themselves.
fn with_inspector(look: impl FnOnce(&Inspector) -> Result) -> Result {
    let options = LinkOptions::from_env(false)?;
    let link = Link::open(&options)?.ok_or(Error::NobodyThere { port: options.port })?;
    let outcome = look(&Inspector::new(link.clone()));
    link.close();
    outcome
}

/// With its leading slash.
fn full_name(topic: &str) -> String {
    format!("/{}", topic.trim_start_matches('/'))
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
    let wanted = full_name(topic);
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
