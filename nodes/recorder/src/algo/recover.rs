//! Completing a file whose recorder was killed.

use std::io::Read;
use std::path::Path;

use mcap::McapError;
use mcap::sans_io::linear_reader::LinearReaderOptions;
use mcap::sans_io::{MessageReadEvent, MessageReader};

use super::bag::{Bag, BagOptions, BagSummary, Topic};
use crate::error::{RecorderError, Result};

/// A record or chunk that claims to be longer is damage.
const LONGEST: usize = 1 << 30;

/// Copies every whole message of the MCAP file `from` into a new bag `to`, index and metadata included.
///
/// A file that breaks off is read up to the break, or to the first chunk that is not what its checksum says; that is not an error as
/// long as it is a recording. Only a chunk of it is in memory.
///
/// # Errors
/// [`RecorderError::Recover`] if `from` cannot be read, is no MCAP file or has compressed chunks; as [`Bag::create`] and [`Bag::write`].
pub fn recover(from: &Path, to: &Path) -> Result<BagSummary> {
    let failed = |reason: String| RecorderError::Recover { path: from.to_owned(), reason };
    let unread = |error: std::io::Error| failed(error.to_string());
    let mut file = std::fs::File::open(from).map_err(unread)?;
    let mut magic = [0; mcap::MAGIC.len()];
    if file.read_exact(&mut magic).is_err() || magic != *mcap::MAGIC {
        return Err(failed("it does not begin as an MCAP file does".to_owned()));
    }
    let options = LinearReaderOptions::default()
        .with_skip_start_magic(true)
        .with_skip_end_magic(true)
        .with_prevalidate_chunk_crcs(true)
        .with_record_length_limit(LONGEST);
    let mut reader = MessageReader::new_with_options(options);
    let mut bag = Bag::create(to, BagOptions::default())?;
    while let Some(event) = reader.next_event() {
        let message = match event {
            Ok(MessageReadEvent::Message(message)) => message,
            Ok(MessageReadEvent::ReadRequest(wanted)) => {
                let read = file.read(reader.insert(wanted)).map_err(unread)?;
                reader.notify_read(read);
                continue;
            }
            Err(McapError::UnsupportedCompression(name)) => {
                return Err(failed(format!(
                    "its chunks are compressed ({name}); the command `mcap recover` can do it"
                )));
            }
            // The break: everything before it is saved.
            Err(_) => break,
        };
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
