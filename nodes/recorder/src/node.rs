//! Wires the topics to the bag.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
    sync::Arc,
};

use peregrine::{AnyMessage, OrNode, prelude::*};

use crate::seal::read_recipients;
use crate::{Bag, BagOptions, BagThread, Full, Outcome, Selection, Topic};

/// Nanoseconds in a second.
const SECOND: f64 = 1e9;

/// What the recorder can be told; `params.yaml` has the same list.
#[derive(Params, Debug)]
pub struct Config {
    /// The bag: a directory, which must not exist yet. Relative to the working directory.
    #[param(default = "bag")]
    pub path: String,
    /// Topics to record; empty for all. `*` stands for a part of a name, `**` for any, a namespace for all below it.
    #[param(default = Vec::<String>::new())]
    pub topics: Vec<String>,
    /// Topics to leave out, in the same manner.
    #[param(default = Vec::<String>::new())]
    pub exclude: Vec<String>,
    /// Record images and point clouds too: most of the bytes.
    #[param(default = true)]
    pub images: bool,
    /// When the disk cannot keep up: auto (wait in lockstep, else drop), wait or drop.
    #[param(default = "auto")]
    pub when_full: String,
    /// Memory for what waits for the disk, MiB.
    #[param(default = 64, range = 1..=16384)]
    pub queue_mib: usize,
    /// Begin a new file at this size, MiB; 0 for never.
    #[param(default = 0, range = 0..=1048576)]
    pub split_mib: usize,
    /// Begin a new file after so much recorded time, s; 0 for never.
    #[param(default = 0.0, range = 0.0..=86400.0)]
    pub split_seconds: f64,
    /// Bring everything to the disk after so much recorded time, s: at most this is lost when the recorder is killed.
    #[param(default = 1.0, range = 0.01..=60.0)]
    pub flush_seconds: f64,
    /// Wait each time until the disk has it, so that no more is lost when the power is cut. Not in lockstep.
    #[param(default = true)]
    pub sync: bool,
    /// Who can read the bag (age format): age1... keys, or files with one a line; empty for everybody.
    #[param(default = Vec::<String>::new())]
    pub recipients: Vec<String>,
}

/// The node.
#[derive(Debug)]
pub struct RecorderNode {
    path: PathBuf,
    selection: Selection,
    /// `None` once the disk has failed or the bag is complete.
    bag: Option<BagThread>,
    /// Every topic seen; `None` for those that are left out.
    topics: BTreeMap<String, Option<Arc<Topic>>>,
    scratch: Vec<u8>,
}

impl Node for RecorderNode {
    const NAME: &'static str = "recorder";
    type Params = Config;

    fn configure(setup: &mut Setup<Self>, config: Config) -> Result<Self> {
        let selection = Selection::new(&config.topics, &config.exclude, config.images).or_node()?;
        let full = match config.when_full.as_str() {
            "wait" => Full::Wait,
            "drop" => Full::Drop,
            "auto" if setup.is_lockstep() => Full::Wait,
            "auto" => Full::Drop,
            _ => return Err(crate::RecorderError::WhenFull { value: config.when_full }).or_node(),
        };
        let options = BagOptions {
            split_bytes: (config.split_mib as u64) << 20,
            split_ns: (config.split_seconds * SECOND) as u64,
            flush_ns: (config.flush_seconds * SECOND) as u64,
            recipients: read_recipients(&config.recipients).or_node()?,
            sync: config.sync && !setup.is_lockstep(),
            ..BagOptions::default()
        };
        let path = PathBuf::from(&config.path);
        let open = {
            let path = path.clone();
            move || Bag::create(&path, options)
        };
        let bag = BagThread::start(open, config.queue_mib << 20, full).or_node()?;
        setup.subscribe_all(Self::on_any)?;
        Ok(Self { path, selection, bag: Some(bag), topics: BTreeMap::new(), scratch: Vec::new() })
    }

    fn shutdown(&mut self, ctx: &Context) -> Result {
        let Some(bag) = self.bag.take() else { return Ok(()) };
        let dropped = bag.dropped();
        let summary = bag.finish().or_node()?;
        tracing::info!(
            node = ctx.node_name(),
            path = %summary.path.display(),
            messages = summary.messages,
            bytes = summary.bytes,
            dropped,
            "recorded"
        );
        let seen: Vec<String> = self.topics.keys().cloned().collect();
        for pattern in self.selection.unmatched(&seen) {
            tracing::warn!(
                node = ctx.node_name(),
                "nothing was published on '{pattern}', which 'topics' asks for"
            );
        }
        if dropped > 0 {
            tracing::warn!(
                node = ctx.node_name(),
                "{dropped} messages were dropped because the disk could not keep up; \
                 raise queue_mib, set images: false, or set when_full: wait"
            );
        }
        Ok(())
    }
}

impl RecorderNode {
    fn on_any(&mut self, ctx: &Context, message: &AnyMessage<'_>) -> Result {
        let Some(bag) = &self.bag else { return Ok(()) };
        if !self.topics.contains_key(message.topic()) {
            let taken = self.selection.takes(message.topic(), message.type_name());
            let topic = taken.then(|| Arc::new(describe(ctx, message)));
            self.topics.insert(message.topic().to_owned(), topic);
        }
        let Some(Some(topic)) = self.topics.get(message.topic()) else { return Ok(()) };
        let (arrived, published) = (ctx.now().0, message.time().0);
        match message.with_cdr(&mut self.scratch, |cdr| bag.push(topic, arrived, published, cdr)) {
            Ok(Outcome::Queued) => {}
            Ok(Outcome::Dropped(count)) => {
                // Once per power of two: early enough to be seen, rarely enough to be read.
                if count.is_power_of_two() {
                    tracing::warn!(
                        node = ctx.node_name(),
                        "the disk cannot keep up: {count} messages dropped so far"
                    );
                }
            }
            Err(error) => {
                self.bag = None;
                ctx.fail(error);
            }
        }
        Ok(())
    }

    /// The bag's directory.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }
}

fn describe(ctx: &Context, message: &AnyMessage<'_>) -> Topic {
    let qos = ctx.topics().get(message.topic()).map(|topic| topic.qos());
    Topic {
        name: message.topic().to_owned(),
        type_name: message.type_name().to_owned(),
        type_hash: message.type_hash().to_owned(),
        definition: message.definition().to_owned(),
        reliable: qos.is_none_or(|qos| qos.is_reliable()),
        transient_local: qos.is_some_and(|qos| qos.is_latched()),
    }
}

export_node!(RecorderNode);
