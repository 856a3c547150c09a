//! `peregrine topic pub`: a message by hand, from a node that other nodes see as they see any other.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use peregrine_core::prelude::*;
use peregrine_core::{AnyPublisher, Mode, NodeFactory, NodeSpec, TypeInfo, did_you_mean};
use peregrine_launch::parse_message;
use peregrine_msgs::registry::{self, TypeSupport};
use peregrine_zenoh::LinkOptions;
use serde_json::{Value, json};

use super::full_name;
use crate::args::Publish;
use crate::compose::Composition;
use crate::error::{Error, Result};
use crate::way::Way;

/// How often `--once` looks for a reader.
const LOOK: Duration = Duration::from_millis(50);
/// How long a message that was sent once has to leave this process, in looks.
const LEAVE: u64 = 10;

/// What is published, and what came of it.
struct Job {
    topic: String,
    support: &'static TypeSupport,
    info: TypeInfo,
    message: Value,
    qos: Qos,
    pace: Pace,
    /// `--once` ended without a reader.
    unread: AtomicBool,
}

/// When it is published.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Pace {
    /// Every so often.
    Every(Duration),
    /// Once, when somebody reads it; given up after so many looks.
    Once { looks: u64 },
    /// Once, and there for whoever comes.
    Held,
}

struct Hand {
    job: Arc<Job>,
    publisher: AnyPublisher,
    ticks: u64,
    sent_at: Option<u64>,
}

impl Node for Hand {
    const NAME: &'static str = "topic_pub";
    type Params = ();

    fn configure(setup: &mut Setup<Self>, (): ()) -> peregrine_core::Result<Self> {
        let job: Arc<Job> = setup
            .extension()
            .ok_or_else(|| peregrine_core::Error::node(std::io::Error::other("nothing to publish")))?;
        let publisher = setup.publish_any(&job.topic, job.info, job.qos)?;
        let period = if let Pace::Every(period) = job.pace { period } else { LOOK };
        setup.timer(period, Self::on_tick)?;
        Ok(Self { job, publisher, ticks: 0, sent_at: None })
    }
}

impl Hand {
    fn on_tick(&mut self, ctx: &Context) -> peregrine_core::Result {
        let tick = self.ticks;
        self.ticks += 1;
        match (self.job.pace, self.sent_at) {
            (Pace::Every(_), _) | (Pace::Held, None) => self.send(ctx, tick)?,
            (Pace::Held, Some(_)) => {}
            (Pace::Once { looks }, None) => {
                if self.publisher.topic().remote_readers() > 0 {
                    self.send(ctx, tick)?;
                } else if tick >= looks {
                    self.job.unread.store(true, Ordering::Relaxed);
                    ctx.shutdown("nobody reads it");
                }
            }
            (Pace::Once { .. }, Some(at)) => {
                if tick >= at + LEAVE {
                    ctx.shutdown("published");
                }
            }
        }
        Ok(())
    }

    fn send(&mut self, ctx: &Context, tick: u64) -> peregrine_core::Result {
        let now = ctx.now().to_msg();
        let message = stamped(&self.job.message, &json!({ "sec": now.sec, "nanosec": now.nanosec }));
        let cdr = (self.job.support.from_json)(&message).map_err(peregrine_core::Error::node)?;
        self.publisher.send_cdr(ctx, &cdr)?;
        if self.sent_at.is_none() {
            let read = self.publisher.topic().remote_readers() > 0;
            let read = if read { "somebody reads it" } else { "nobody reads it yet" };
            println!("published on {} [{}]: {read}", self.job.topic, self.job.support.type_name);
        }
        self.sent_at = Some(tick);
        Ok(())
    }
}

/// The message with the time in the place of every `stamp: now`, and a whole header in that of `header: auto`.
fn stamped(message: &Value, now: &Value) -> Value {
    match message {
        Value::Array(items) => items.iter().map(|item| stamped(item, now)).collect(),
        Value::Object(fields) => {
            let field = |(name, value): (&String, &Value)| {
                let value = match (name.as_str(), value.as_str()) {
                    ("stamp", Some("now")) => now.clone(),
                    ("header", Some("auto")) => json!({ "stamp": now }),
                    _ => stamped(value, now),
                };
                (name.clone(), value)
            };
            Value::Object(fields.iter().map(field).collect())
        }
        other => other.clone(),
    }
}

/// The type called so; ROS 1's and the short way of writing it (`std_msgs/String`) are understood too.
fn support(name: &str) -> Result<&'static TypeSupport> {
    let full = match name.split_once('/') {
        Some((package, short)) if !short.contains('/') => format!("{package}/msg/{short}"),
        _ => name.to_owned(),
    };
    registry::find(&full).ok_or_else(|| Error::Argument {
        what: "type",
        value: name.to_owned(),
        why: format!(
            "no such type is compiled in{}; it is written like geometry_msgs/msg/PoseStamped",
            did_you_mean(&full, registry::all().iter().map(|known| known.type_name))
        ),
    })
}

fn job(args: &Publish) -> Result<Job> {
    let wrong = |what, value: String, why: String| Error::Argument { what, value, why };
    let support = support(&args.type_name)?;
    let info = TypeInfo::find(support.type_name).ok_or_else(|| Error::UnknownType {
        topic: args.topic.clone(),
        type_name: support.type_name.to_owned(),
    })?;
    let message = parse_message(&args.message).map_err(|why| wrong("message", args.message.clone(), why))?;
    // What is wrong with it is said before anything is published.
    let zero = json!({ "sec": 0, "nanosec": 0 });
    (support.from_json)(&stamped(&message, &zero))
        .map_err(|error| wrong("message", args.message.clone(), error.to_string()))?;
    let rate = args.rate.unwrap_or(1.0);
    if !(0.001..=1000.0).contains(&rate) {
        return Err(wrong("--rate", rate.to_string(), "give 0.001 to 1000 Hz".into()));
    }
    if !(0.0..=86_400.0).contains(&args.wait) {
        return Err(wrong("--wait", args.wait.to_string(), "give 0 to 86400 s".into()));
    }
    let pace = match (args.once, args.latched && args.rate.is_none()) {
        (true, _) => Pace::Once { looks: (args.wait / LOOK.as_secs_f64()) as u64 },
        (false, true) => Pace::Held,
        (false, false) => Pace::Every(Duration::from_secs_f64(1.0 / rate)),
    };
    let qos = if args.latched { Qos::Latched } else { Qos::Reliable };
    Ok(Job {
        topic: full_name(&args.topic),
        support,
        info,
        message,
        qos,
        pace,
        unread: AtomicBool::new(false),
    })
}

/// The way to the readers. `--once` waits for somebody to be there, and no longer than it waits for a reader in all.
fn way(pace: Pace) -> Result<(Option<Way>, Pace)> {
    let Pace::Once { mut looks } = pace else { return Ok((Way::open(None), pace)) };
    loop {
        if let Some(way) = Way::join() {
            return Ok((Some(way), Pace::Once { looks }));
        }
        if looks == 0 {
            return Err(Error::NobodyThere { port: LinkOptions::from_env(false)?.port });
        }
        looks -= 1;
        std::thread::sleep(LOOK);
    }
}

pub(super) fn run(args: &Publish) -> Result {
    let job = job(args)?;
    let mode = Mode::Realtime { threads: 1, factor: 1.0, use_sim_time: args.use_sim_time };
    let (way, pace) = way(job.pace)?;
    let job = Arc::new(Job { pace, ..job });
    let mut composition = Composition::with_way(mode, Vec::new(), way)?;
    composition.app.extend(job.clone());
    // Several of them may be at work.
    let name = format!("topic_pub_{}", std::process::id());
    composition.app.add(NodeFactory::of::<Hand>(), NodeSpec::new(Hand::NAME).with_name(&name))?;
    composition.run()?;
    if job.unread.load(Ordering::Relaxed) {
        return Err(Error::Argument {
            what: "topic",
            value: job.topic.clone(),
            why: format!(
                "nobody reads it as {} for {:.1} s; `peregrine topic list` shows topics and their types",
                job.support.type_name, args.wait
            ),
        });
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn args(type_name: &str, message: &str) -> Publish {
        Publish {
            topic: "goal".into(),
            type_name: type_name.into(),
            message: message.into(),
            once: false,
            rate: None,
            latched: false,
            wait: 10.0,
            use_sim_time: false,
        }
    }

    #[test]
    fn a_message_is_read_and_checked_before_it_leaves() {
        let goal = "{header: {frame_id: odom, stamp: now}, pose: {position: {x: 20, z: 2.0}}}";
        let job = job(&args("geometry_msgs/PoseStamped", goal)).unwrap();
        assert_eq!((job.topic.as_str(), job.qos), ("/goal", Qos::Reliable));
        let now = json!({ "sec": 3, "nanosec": 4 });
        let sent = (job.support.from_json)(&stamped(&job.message, &now)).unwrap();
        let read = (job.support.to_json)(&sent).unwrap();
        assert_eq!(read["header"], json!({ "stamp": now, "frame_id": "odom" }));
        assert_eq!(read["pose"]["position"], json!({ "x": 20.0, "y": 0.0, "z": 2.0 }));
        for (type_name, message, says) in [
            ("geometry_msgs/msg/PoseStampd", "{}", "did you mean 'geometry_msgs/msg/PoseStamped'"),
            ("std_msgs/msg/String", "{dta: x}", "dta"),
            ("std_msgs/msg/UInt8", "{data: 300}", "UInt8"),
            ("std_msgs/msg/String", "{data: [", "malformed"),
            ("std_msgs/msg/String", "data", "mapping"),
        ] {
            let said = super::job(&args(type_name, message)).err().unwrap().to_string();
            assert!(said.starts_with("PG-1301") && said.contains(says), "{said}");
        }
    }

    #[test]
    fn the_pace_follows_the_switches() {
        let pace = |change: &dyn Fn(&mut Publish)| {
            let mut args = args("std_msgs/msg/Empty", "{}");
            change(&mut args);
            super::job(&args).unwrap().pace
        };
        assert_eq!(pace(&|_| {}), Pace::Every(Duration::from_secs(1)));
        assert_eq!(pace(&|a| a.rate = Some(50.0)), Pace::Every(Duration::from_millis(20)));
        assert_eq!(pace(&|a| a.once = true), Pace::Once { looks: 200 });
        assert_eq!(pace(&|a| a.latched = true), Pace::Held);
        assert_eq!(
            pace(&|a| (a.latched, a.rate) = (true, Some(2.0))),
            Pace::Every(Duration::from_millis(500))
        );
        assert!(super::job(&Publish { rate: Some(0.0), ..args("std_msgs/msg/Empty", "{}") }).is_err());
    }
}
