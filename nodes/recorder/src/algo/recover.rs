//! Completing a file whose recorder was killed.

use std::path::Path;

use mcap::{MessageStream, read::Options};

use super::bag::{Bag, BagOptions, BagSummary, Topic};
use crate::error::{RecorderError, Result};

/// Copies every whole message of the MCAP file `from` into a new bag `to`, index and metadata included.
///
/// A file that breaks off is read up to the break; that is not an error as long as anything could be read.
///
/// # Errors
/// [`RecorderError::Recover`] if `from` cannot be read or is no MCAP file; as [`Bag::create`] and [`Bag::write`].
pub fn recover(from: &Path, to: &Path) -> Result<BagSummary> {
    let failed = |reason: String| RecorderError::Recover { path: from.to_owned(), reason };
    let bytes = std::fs::read(from).map_err(|error| failed(error.to_string()))?;
    if !bytes.starts_with(mcap::MAGIC) {
        return Err(failed("it does not begin as an MCAP file does".to_owned()));
    }
    let messages = MessageStream::new_with_options(&bytes, Options::IgnoreEndMagic.into());
    let messages = messages.map_err(|error| failed(error.to_string()))?;
    let mut bag = Bag::create(to, BagOptions::default())?;
    for message in messages {
        // The break: everything before it is saved.
        let Ok(message) = message else { break };
        let Some(schema) = &message.channel.schema else { continue };
        let qos =
            message.channel.metadata.get("offered_qos_profiles").map(String::as_str).unwrap_or_default();
        let topic = bag.topic(&Topic {
            name: message.channel.topic.clone(),
            type_name: schema.name.clone(),
            type_hash: message.channel.metadata.get("topic_type_hash").cloned().unwrap_or_default(),
            definition: String::from_utf8_lossy(&schema.data).into_owned(),
            reliable: !qos.contains("reliability: 2"),
            transient_local: qos.contains("durability: 1"),
        })?;
        let time = |ns: u64| i64::try_from(ns).unwrap_or(i64::MAX);
        bag.write(topic, time(message.log_time), time(message.publish_time), &message.data)?;
    }
    bag.finish()
}
