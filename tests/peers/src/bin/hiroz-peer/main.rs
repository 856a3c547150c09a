//! A ROS 2 node of hiroz, for the tests and the benchmark: it does what lines of JSON on its standard input say, and says in
//! lines of JSON what came of it.
//!
//! ```text
//! hiroz-peer [--endpoint tcp/127.0.0.1:7447] [--domain 0] [--name hiroz_peer] [--namespace /] [--shm BYTES] MODE
//!   (no MODE)                               commands on standard input, see script.rs
//!   image-sub TOPIC [best-effort]           prints when each image came: {"sent":ns,"came":ns,"bytes":n}
//!   image-pub TOPIC WIDTH HEIGHT HZ COUNT [best-effort] [loan]
//!                                           publishes rgb8 images; `loan` writes the pixels into shared memory first
//! ```
//! The first 8 bytes of the pixels are CLOCK_MONOTONIC in ns, little endian. `--shm` gives hiroz a pool of that size.

mod bench;
mod messages;
mod script;

use hiroz::context::{ZContext, ZContextBuilder};
use hiroz::qos::{QosDurability, QosHistory, QosProfile, QosReliability};
use hiroz::{Builder, Result};

/// What the command line says.
pub struct Options {
    endpoint: String,
    domain: usize,
    name: String,
    namespace: String,
    shm: usize,
    rest: Vec<String>,
}

impl Options {
    fn from_args() -> Result<Self> {
        let mut options = Self {
            endpoint: "tcp/127.0.0.1:7447".into(),
            domain: 0,
            name: "hiroz_peer".into(),
            namespace: "/".into(),
            shm: 0,
            rest: Vec::new(),
        };
        let mut args = std::env::args().skip(1);
        while let Some(arg) = args.next() {
            let mut value = || args.next().ok_or_else(|| format!("{arg} wants a value"));
            match arg.as_str() {
                "--endpoint" => options.endpoint = value()?,
                "--domain" => options.domain = value()?.parse()?,
                "--name" => options.name = value()?,
                "--namespace" => options.namespace = value()?,
                "--shm" => options.shm = value()?.parse()?,
                flag if flag.starts_with("--") => return Err(format!("no option {flag}").into()),
                _ => options.rest.push(arg),
            }
        }
        Ok(options)
    }

    /// A context that finds peers through the endpoint alone.
    fn context(&self) -> Result<ZContext> {
        let mut builder = ZContextBuilder::default()
            .with_domain_id(self.domain)
            .with_mode("peer")
            .with_connect_endpoints([self.endpoint.as_str()])
            .with_listen_endpoints(["tcp/127.0.0.1:0"])
            .disable_multicast_scouting();
        if self.shm > 0 {
            builder = builder.with_shm_pool_size(self.shm)?;
        }
        builder.build()
    }
}

/// Reliable or not, latched or not, as ROS 2 means it.
pub fn qos(best_effort: bool, latched: bool, depth: usize) -> QosProfile {
    QosProfile {
        reliability: if best_effort { QosReliability::BestEffort } else { QosReliability::Reliable },
        durability: if latched { QosDurability::TransientLocal } else { QosDurability::Volatile },
        history: QosHistory::from_depth(depth),
        ..QosProfile::default()
    }
}

fn main() -> Result<()> {
    let options = Options::from_args()?;
    // hiroz spawns tasks of its own.
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
    let _inside = runtime.enter();
    let context = options.context()?;
    let node = context.create_node(&options.name).with_namespace(&options.namespace).build()?;
    let rest: Vec<&str> = options.rest.iter().map(String::as_str).collect();
    match rest[..] {
        [] => script::run(&runtime, &context, node),
        ["image-sub", topic, ref how @ ..] => bench::subscribe(&node, topic, how),
        ["image-pub", topic, width, height, hz, count, ref how @ ..] => {
            let images = bench::Images {
                width: width.parse()?,
                height: height.parse()?,
                hz: hz.parse()?,
                count: count.parse()?,
            };
            bench::publish(&node, topic, &images, how, options.shm)
        }
        _ => Err(format!("cannot read {rest:?}").into()),
    }
}
