//! `/rosout`: what the process logs, as every ROS 2 node publishes it.
//!
//! The log of the process is one; a record that names its node goes out under that node's name. Records wait in a queue of
//! bounded length: logging never waits for the network.

use std::sync::OnceLock;
use std::time::Duration;

use crossbeam::queue::ArrayQueue;
use peregrine_msgs::rcl_interfaces::Log;

use crate::context::Context;
use crate::error::Result;
use crate::node::{Node, Setup};
use crate::publisher::Publisher;
use crate::qos::Qos;
use crate::time::Clock;

/// Records that wait at the most; ROS 2 keeps as many for late joiners.
pub(super) const DEPTH: usize = 1000;
/// How often the queue is emptied.
const PERIOD: Duration = Duration::from_millis(50);

/// One line of the log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogRecord {
    /// How grave it is.
    pub level: tracing::Level,
    /// Full name of the node it is about, if it says so.
    pub node: Option<String>,
    /// The text.
    pub text: String,
    /// Source file.
    pub file: String,
    /// Module.
    pub module: String,
    /// Line in the file.
    pub line: u32,
}

static QUEUE: OnceLock<ArrayQueue<Log>> = OnceLock::new();

/// Queues a record for `/rosout`, for the layer of `tracing` that the program installs. Dropped, as are the oldest when the
/// queue is full, while no application of this process publishes `/rosout`.
pub fn record_log(record: LogRecord) {
    let Some(queue) = QUEUE.get() else { return };
    let level = match record.level {
        tracing::Level::ERROR => Log::ERROR,
        tracing::Level::WARN => Log::WARN,
        tracing::Level::INFO => Log::INFO,
        _ => Log::DEBUG,
    };
    // A logger is called as its node, with dots for slashes.
    let name = record.node.as_deref().unwrap_or("peregrine").trim_matches('/').replace('/', ".");
    let log = Log {
        stamp: Clock::System.now().to_msg(),
        level,
        name,
        msg: record.text,
        file: record.file,
        function: record.module,
        line: record.line,
    };
    let _ = queue.force_push(log);
}

/// Publishes the process's log on `/rosout`: reliable, transient local, depth 1000.
pub struct Rosout {
    publisher: Publisher<Log>,
}

impl Node for Rosout {
    const NAME: &'static str = "_rosout";
    type Params = ();

    fn configure(setup: &mut Setup<Self>, (): ()) -> Result<Self> {
        let _ = QUEUE.set(ArrayQueue::new(DEPTH));
        setup.timer(PERIOD, Self::drain)?;
        Ok(Self { publisher: setup.publish("/rosout", Qos::LatchedLast(DEPTH))? })
    }

    fn shutdown(&mut self, ctx: &Context) -> Result {
        self.drain(ctx)
    }
}

impl Rosout {
    fn drain(&mut self, ctx: &Context) -> Result {
        let Some(queue) = QUEUE.get() else { return Ok(()) };
        // What is logged meanwhile waits for the next tick: a publication that logs must not run for ever.
        for _ in 0..queue.len() {
            let Some(log) = queue.pop() else { break };
            self.publisher.send(ctx, log)?;
        }
        Ok(())
    }
}
