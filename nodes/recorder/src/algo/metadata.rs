//! `metadata.yaml`: what `ros2 bag` reads first.
//!
//! Version 5, which Humble and everything newer read. Source: rosbag2_storage `BagMetadata` and its YAML conversion.

use std::fmt::Write;

use super::bag::{BagSummary, Topic};

/// One MCAP file of a bag.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct FileSpan {
    pub name: String,
    /// Nanoseconds; `None` when it holds no message.
    pub span: Option<(u64, u64)>,
    pub messages: u64,
}

/// The offered QoS of a topic as rosbag2 writes it: a YAML list in a string. Durations are the "infinite" of rmw.
pub(crate) fn qos(topic: &Topic) -> String {
    const INFINITE: &str = "\n    sec: 9223372036\n    nsec: 854775807";
    let reliability = if topic.reliable { 1 } else { 2 };
    let durability = if topic.transient_local { 1 } else { 2 };
    format!(
        "- history: 1\n  depth: 10\n  reliability: {reliability}\n  durability: {durability}\n  deadline:{INFINITE}\n  \
         lifespan:{INFINITE}\n  liveliness: 1\n  liveliness_lease_duration:{INFINITE}\n  \
         avoid_ros_namespace_conventions: false"
    )
}

/// The text of `metadata.yaml`. `topics` come with the number of their messages.
pub(crate) fn text(summary: &BagSummary, files: &[FileSpan], topics: &[(Topic, u64)]) -> String {
    let (start, end) = (summary.start_ns.unwrap_or(0), summary.end_ns.unwrap_or(0));
    let mut text = format!(
        "rosbag2_bagfile_information:\n  version: 5\n  storage_identifier: mcap\n  duration:\n    nanoseconds: {}\n  \
         starting_time:\n    nanoseconds_since_epoch: {start}\n  message_count: {}\n",
        end - start,
        summary.messages
    );
    text.push_str(if topics.is_empty() {
        "  topics_with_message_count: []\n"
    } else {
        "  topics_with_message_count:\n"
    });
    for (topic, count) in topics {
        let _ = write!(
            text,
            "    - topic_metadata:\n        name: {}\n        type: {}\n        serialization_format: cdr\n        \
             offered_qos_profiles: {}\n      message_count: {count}\n",
            quoted(&topic.name),
            quoted(&topic.type_name),
            quoted(&qos(topic)),
        );
    }
    text.push_str("  compression_format: \"\"\n  compression_mode: \"\"\n  relative_file_paths:\n");
    for file in files {
        let _ = writeln!(text, "    - {}", quoted(&file.name));
    }
    text.push_str("  files:\n");
    for file in files {
        let (start, end) = file.span.unwrap_or((0, 0));
        let _ = write!(
            text,
            "    - path: {}\n      starting_time:\n        nanoseconds_since_epoch: {start}\n      duration:\n        \
             nanoseconds: {}\n      message_count: {}\n",
            quoted(&file.name),
            end - start,
            file.messages
        );
    }
    text
}

/// A double-quoted YAML scalar.
fn quoted(text: &str) -> String {
    let mut quoted = String::with_capacity(text.len() + 2);
    quoted.push('"');
    for c in text.chars() {
        match c {
            '"' => quoted.push_str("\\\""),
            '\\' => quoted.push_str("\\\\"),
            '\n' => quoted.push_str("\\n"),
            c if c.is_control() => drop(write!(quoted, "\\u{:04x}", u32::from(c))),
            c => quoted.push(c),
        }
    }
    quoted.push('"');
    quoted
}
