//! The other process of the tests: an application with one node that reads `/image` or `/cloud` of the host in the folder
//! given, and says what it sees. `core-peer FOLDER COUNT [clouds best_effort|reliable]`.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test may panic")]

extern crate peregrine_core as peregrine;

use peregrine::prelude::*;
use peregrine::{App, FrameHost, Mode, NodeFactory, NodeSpec, ParamValue};
use peregrine_msgs::sensor_msgs::PointCloud2;

#[derive(Params)]
struct Config {
    /// Frames to see. Unitless, from 1.
    #[param(default = 10, range = 1..=100_000)]
    count: i64,
}

struct Viewer {
    left: i64,
}

impl Node for Viewer {
    const NAME: &'static str = "viewer";
    type Params = Config;
    fn configure(setup: &mut Setup<Self>, config: Config) -> Result<Self> {
        setup.subscribe_frames("image", FramePolicy::KeepLast(4), Self::on_frame)?;
        Ok(Self { left: config.count })
    }
}

impl Viewer {
    fn on_frame(&mut self, ctx: &Context, frame: &Frame) -> Result {
        let expected = u8::try_from(frame.stamp_ns() & 0xff).unwrap();
        let whole = frame.bytes().iter().all(|b| *b == expected);
        let at = frame.bytes().as_ptr() as usize;
        println!("frame {} whole {whole} in {}", frame.sequence(), mapping_of(at));
        self.left -= 1;
        if self.left == 0 {
            ctx.shutdown("saw enough");
        }
        Ok(())
    }
}

/// Reads clouds, whose stamp counts them and whose bytes are all that number.
struct Scanner {
    left: i64,
}

impl Node for Scanner {
    const NAME: &'static str = "scanner";
    type Params = Config;
    fn configure(setup: &mut Setup<Self>, config: Config) -> Result<Self> {
        setup.subscribe("cloud", Qos::KeepLast(100), Self::on_cloud)?;
        Ok(Self { left: config.count })
    }
}

/// The same, best effort.
struct Glancer(Scanner);

impl Node for Glancer {
    const NAME: &'static str = "glancer";
    type Params = Config;
    fn configure(setup: &mut Setup<Self>, config: Config) -> Result<Self> {
        setup.subscribe("cloud", Qos::Sensor, |node: &mut Self, ctx: &Context, cloud: &PointCloud2| {
            node.0.on_cloud(ctx, cloud)
        })?;
        Ok(Self(Scanner { left: config.count }))
    }
}

impl Scanner {
    fn on_cloud(&mut self, ctx: &Context, cloud: &PointCloud2) -> Result {
        let number = cloud.header.stamp.sec;
        let expected = u8::try_from(number & 0xff).unwrap();
        let whole = cloud.data.iter().all(|b| *b == expected);
        println!("cloud {number} of {} whole {whole}", cloud.data.len());
        self.left -= 1;
        if self.left == 0 {
            ctx.shutdown("saw enough");
        }
        Ok(())
    }
}

/// Permissions and name of the mapping that an address lies in.
fn mapping_of(at: usize) -> String {
    let maps = std::fs::read_to_string("/proc/self/maps").unwrap();
    let hex = |text: &str| usize::from_str_radix(text, 16).unwrap();
    maps.lines()
        .map(|line| line.split_ascii_whitespace().collect::<Vec<_>>())
        .find(|f| f[0].split_once('-').is_some_and(|(from, to)| (hex(from)..hex(to)).contains(&at)))
        .map_or_else(String::new, |f| format!("{} {}", f[1], f.get(5).unwrap_or(&"")))
}

fn main() {
    let args: Vec<String> = std::env::args().collect();
    let mut app = App::new(Mode::Realtime { threads: 1, factor: 1.0, use_sim_time: false });
    app.share_frames(FrameHost::at(&args[1], 0).unwrap());
    let count = ParamValue::Integer(args[2].parse().unwrap());
    let node = match args.get(4).map(String::as_str) {
        None => NodeFactory::of::<Viewer>(),
        Some("reliable") => NodeFactory::of::<Scanner>(),
        Some(_) => NodeFactory::of::<Glancer>(),
    };
    println!("ready");
    app.add(node, NodeSpec::new(node.kind).with_param("count", count)).unwrap();
    let report = app.run().unwrap();
    let topic = &report.topics[0];
    println!("done: published {} dropped {}", topic.published, topic.dropped);
}
