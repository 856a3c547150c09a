//! The topic log's hash: every publication in the order of the lockstep, images included, wall-clock stamps excluded.
//!
//! Each publication adds: time (i64 LE, ns), length of the topic name (u32 LE), the name, length of the CDR bytes
//! (u64 LE), the CDR bytes.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use peregrine_frame::{Policy, Reader};
use sha2::{Digest, Sha256};

use crate::context::Publication;
use crate::error::Result;
use crate::graph::Graph;

pub(super) struct TopicLog {
    hash: Sha256,
    readers: BTreeMap<String, Vec<Reader>>,
    scratch: Vec<u8>,
}

impl TopicLog {
    pub fn new(graph: &Graph) -> Result<Self> {
        let mut readers = BTreeMap::new();
        for topic in graph.topics().values().filter(|t| t.carries_frames()) {
            let own: Vec<Reader> =
                topic.buses().iter().map(|bus| bus.reader(Policy::KeepLast(4))).collect::<Result<_, _>>()?;
            readers.insert(topic.name().to_owned(), own);
        }
        Ok(Self { hash: Sha256::new(), readers, scratch: Vec::new() })
    }

    pub fn add(&mut self, publication: &Publication) -> Result {
        match publication {
            Publication::Message(envelope) => {
                self.scratch.clear();
                envelope.message.write_cdr(&mut self.scratch);
                record(&mut self.hash, envelope.time.0, envelope.topic.name(), &self.scratch);
            }
            Publication::Frame { topic, bus, time } => {
                let reader = self.readers.get_mut(topic.name()).and_then(|r| r.get_mut(*bus));
                if let Some(frame) = reader.map(Reader::take).transpose()?.flatten() {
                    record(&mut self.hash, time.0, topic.name(), frame.cdr());
                }
            }
        }
        Ok(())
    }

    pub fn finish(self) -> String {
        self.hash.finalize().iter().fold(String::with_capacity(64), |mut text, byte| {
            let _ = write!(text, "{byte:02x}");
            text
        })
    }
}

fn record(hash: &mut Sha256, time: i64, topic: &str, cdr: &[u8]) {
    hash.update(time.to_le_bytes());
    hash.update((topic.len() as u32).to_le_bytes());
    hash.update(topic);
    hash.update((cdr.len() as u64).to_le_bytes());
    hash.update(cdr);
}
