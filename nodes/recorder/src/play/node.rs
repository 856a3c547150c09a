//! Wires a bag to the topics: a timer looks what is due.

use std::path::{Path, PathBuf};

use peregrine::TypeInfo;
use peregrine::prelude::*;
use peregrine::time::monotonic_ns;
use peregrine_msgs::{Message, rosgraph_msgs::Clock, sensor_msgs::Image};

use super::outlet::{Outlet, Refused};
use super::pace::Pace;
use super::reader::{BagReader, BagTopic, Record};
use crate::seal::read_identities;
use crate::{RecorderError, Selection};

/// How often the node looks what is due.
const LOOK: Duration = Duration::from_millis(1);
/// Messages that one look publishes at most, so that parameters can still be set at any rate.
const MOST_AT_ONCE: usize = 256;
/// From the last message to the end of the application: what was published is delivered by then.
const LINGER_NS: i64 = 500_000_000;
/// Nanoseconds in a second.
const SECOND: f64 = 1e9;

/// What the player can be told; `params.yaml` has the same list.
#[derive(Params, Debug, Clone)]
pub struct PlayerConfig {
    /// The bag: its directory, or an MCAP file. Relative to the working directory.
    #[param(default = "bag")]
    pub path: String,
    /// Times as fast as it was recorded.
    #[param(default = 1.0, range = 0.001..=1000.0, live)]
    pub rate: f64,
    /// Stand still; a player that is paused from the start waits until this is set to false.
    #[param(default = false, live)]
    pub paused: bool,
    /// Begin again at the end.
    #[param(default = false, name = "loop", live)]
    pub looping: bool,
    /// Begin so far into the bag, s.
    #[param(default = 0.0, range = 0.0..=1e9)]
    pub start_offset: f64,
    /// Wait so long before the first message, s: readers need their time to find the publishers.
    #[param(default = 0.0, range = 0.0..=3600.0)]
    pub delay: f64,
    /// Topics to play; empty for all. `*` stands for a part of a name, `**` for any, a namespace for all below it.
    #[param(default = Vec::<String>::new())]
    pub topics: Vec<String>,
    /// Topics to leave out, in the same manner.
    #[param(default = Vec::<String>::new())]
    pub exclude: Vec<String>,
    /// Publish the bag's time on /clock so often, Hz; 0 for not at all.
    #[param(default = 0.0, range = 0.0..=1000.0)]
    pub clock_hz: f64,
    /// What a sealed bag is opened with: a file of identities, as age-keygen writes it.
    #[param(default = "")]
    pub identity: String,
    /// At the end: shutdown (stop the whole application) or idle.
    #[param(default = "shutdown")]
    pub at_end: String,
}

/// Publishes what a bag holds, at the pace of its recording.
pub struct PlayerNode {
    config: PlayerConfig,
    bag: BagReader,
    /// Where each of the bag's topics goes; `None` for those that are left out.
    outlets: Vec<Option<Outlet>>,
    /// The first time that is played, nanoseconds of the bag.
    start_ns: u64,
    pace: Pace,
    /// The message that waits for its time, whose CDR is in `cdr`.
    waiting: Option<Record>,
    cdr: Vec<u8>,
    clock: Option<(Publisher<Clock>, i64)>,
    next_clock: i64,
    played: u64,
    refused: u64,
    ended: Option<i64>,
}

impl Node for PlayerNode {
    const NAME: &'static str = "player";
    type Params = PlayerConfig;

    fn configure(setup: &mut Setup<Self>, config: PlayerConfig) -> Result<Self> {
        if !matches!(config.at_end.as_str(), "shutdown" | "idle") {
            let (name, value, expected) = ("at_end", config.at_end, "shutdown or idle");
            return Err(RecorderError::Player { name, value, expected }).or_node();
        }
        let identities = match config.identity.as_str() {
            "" => Vec::new(),
            file => read_identities(Path::new(file)).or_node()?,
        };
        let mut bag = BagReader::open_with(Path::new(&config.path), identities).or_node()?;
        let selection = Selection::new(&config.topics, &config.exclude, true).or_node()?;
        let names: Vec<String> = bag.topics().iter().map(|topic| topic.name.clone()).collect();
        for pattern in selection.unmatched(&names) {
            tracing::warn!(node = setup.name(), "the bag has no topic '{pattern}', which 'topics' asks for");
        }
        let start_ns = start(&bag, &config).or_node()?;
        let wanted: Vec<Option<TypeInfo>> =
            bag.topics().iter().map(|topic| wanted(topic, &selection, setup.name())).collect();
        let outlets = open(setup, &mut bag, &wanted)?;
        if outlets.iter().all(Option::is_none) {
            let reason = "every topic is left out; the warnings above say why".to_owned();
            return Err(RecorderError::NothingToPlay { path: PathBuf::from(&config.path), reason }).or_node();
        }
        bag.rewind(start_ns);
        let clock = if config.clock_hz > 0.0 {
            let publisher = setup.publish("/clock", Qos::Reliable)?;
            Some((publisher, (SECOND / config.clock_hz) as i64))
        } else {
            None
        };
        setup.timer(LOOK, Self::on_look)?;
        let pace = Pace::new(config.rate, (config.delay * SECOND) as i64, config.paused);
        Ok(Self {
            config,
            bag,
            outlets,
            start_ns,
            pace,
            waiting: None,
            cdr: Vec::new(),
            clock,
            next_clock: i64::MIN,
            played: 0,
            refused: 0,
            ended: None,
        })
    }

    fn reconfigure(&mut self, _: &Context, config: PlayerConfig) -> Result {
        self.pace.set(config.rate, config.paused);
        self.config = config;
        Ok(())
    }
}

/// Where playing begins.
fn start(bag: &BagReader, config: &PlayerConfig) -> crate::Result<u64> {
    let nothing = |reason: String| RecorderError::NothingToPlay { path: bag.path().to_owned(), reason };
    let (first, last) = bag.span().ok_or_else(|| nothing("it holds no message".to_owned()))?;
    let start = first.saturating_add((config.start_offset * SECOND) as u64);
    if start > last {
        let seconds = (last - first) as f64 / SECOND;
        return Err(nothing(format!(
            "start_offset is {} s, but it spans {seconds:.3} s",
            config.start_offset
        )));
    }
    Ok(start)
}

/// The type of a topic that is to be played; says why one is left out that the user may expect.
fn wanted(topic: &BagTopic, selection: &Selection, node: &str) -> Option<TypeInfo> {
    if !selection.takes(&topic.name, &topic.type_name) {
        return None;
    }
    let found = TypeInfo::find(&topic.type_name);
    let reason = if topic.encoding != "cdr" {
        format!("its messages are encoded as '{}', not as cdr", topic.encoding)
    } else if topic.type_name.is_empty() {
        "the bag has no schema for it, so its type is not known".to_owned()
    } else {
        match found {
            None => format!("its type {} is not compiled in", topic.type_name),
            Some(info) if topic.type_hash.starts_with("RIHS") && topic.type_hash != info.hash => {
                format!(
                    "its type {} was recorded with another definition than the one compiled in",
                    info.name
                )
            }
            Some(info) => return Some(info),
        }
    };
    tracing::warn!(node, "PG-0816: the topic '{}' of the bag is left out: {reason}", topic.name);
    None
}

/// Opens the outlets. Topics of images are read up to their first picture, which says what it takes to publish them.
fn open(
    setup: &mut Setup<PlayerNode>,
    bag: &mut BagReader,
    wanted: &[Option<TypeInfo>],
) -> Result<Vec<Option<Outlet>>> {
    let mut firsts: Vec<Option<Vec<u8>>> = vec![None; wanted.len()];
    let pictures =
        wanted.iter().zip(bag.topics()).filter(|(info, topic)| is_image(**info) && topic.messages > 0);
    let mut missing = pictures.count();
    let mut cdr = Vec::new();
    while missing > 0 {
        let Some(record) = bag.next(&mut cdr).or_node()? else { break };
        if is_image(wanted[record.topic]) && firsts[record.topic].is_none() {
            firsts[record.topic] = Some(cdr.clone());
            missing -= 1;
        }
    }
    let topics = bag.topics().to_vec();
    let opened = topics.iter().zip(wanted).zip(&firsts).map(|((topic, info), first)| {
        info.map(|info| Outlet::open(setup, topic, info, first.as_deref().unwrap_or_default())).transpose()
    });
    opened.collect()
}

fn is_image(info: Option<TypeInfo>) -> bool {
    info.is_some_and(|info| info.name == Image::TYPE_NAME)
}

impl PlayerNode {
    fn on_look(&mut self, ctx: &Context) -> Result {
        let now = if ctx.is_lockstep() { ctx.now().0 } else { monotonic_ns() };
        if let Some(ended) = self.ended {
            return self.after_the_end(ctx, now, ended);
        }
        let due = self.start_ns.saturating_add(self.pace.look(now));
        for _ in 0..MOST_AT_ONCE {
            let record = match self.waiting.take() {
                Some(record) => record,
                None => match self.bag.next(&mut self.cdr) {
                    Ok(Some(record)) => record,
                    Ok(None) => return self.end(ctx, now),
                    Err(error) => {
                        self.ended = Some(now);
                        ctx.fail(&error);
                        return Ok(());
                    }
                },
            };
            if record.log_ns > due || !self.pace.is_moving() {
                self.waiting = Some(record);
                break;
            }
            self.put(ctx, &record);
        }
        self.tick(ctx, now, due)
    }

    fn put(&mut self, ctx: &Context, record: &Record) {
        let Some(outlet) = &mut self.outlets[record.topic] else { return };
        let reason = match outlet.put(ctx, &self.cdr) {
            Ok(()) => {
                self.played += 1;
                return;
            }
            Err(Refused::Message(reason)) => reason,
            Err(Refused::NoSlot) => "its readers hold every slot".to_owned(),
        };
        self.refused += 1;
        // Once per power of two: early enough to be seen, rarely enough to be read.
        if self.refused.is_power_of_two() {
            let topic = &self.bag.topics()[record.topic].name;
            tracing::warn!(
                node = ctx.node_name(),
                "PG-0817: {} messages of the bag could not be published so far; the latest on '{topic}': {reason}",
                self.refused
            );
        }
    }

    /// Publishes the bag's time, `due`, when it is its turn.
    fn tick(&mut self, ctx: &Context, now: i64, due: u64) -> Result {
        let Some((clock, period)) = &self.clock else { return Ok(()) };
        if now < self.next_clock {
            return Ok(());
        }
        self.next_clock = now.saturating_add(*period);
        let time = Time(i64::try_from(due).unwrap_or(i64::MAX));
        clock.send(ctx, Clock { clock: time.to_msg() })
    }

    fn end(&mut self, ctx: &Context, now: i64) -> Result {
        if self.config.looping {
            self.bag.rewind(self.start_ns);
            self.pace.restart();
            return Ok(());
        }
        tracing::info!(
            node = ctx.node_name(),
            "{} messages of '{}' played, {} refused",
            self.played,
            self.bag.path().display(),
            self.refused
        );
        self.ended = Some(now);
        Ok(())
    }

    fn after_the_end(&mut self, ctx: &Context, now: i64, ended: i64) -> Result {
        if self.config.looping && self.config.at_end == "idle" {
            self.ended = None;
            return self.end(ctx, now);
        }
        if self.config.at_end == "shutdown" && now.saturating_sub(ended) >= LINGER_NS && !ctx.is_stopping() {
            ctx.shutdown(format!("'{}' was played to its end", self.bag.path().display()));
        }
        Ok(())
    }
}

export_node!(PlayerNode);
