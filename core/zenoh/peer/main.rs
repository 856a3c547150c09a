//! The other process of `tests/gates.rs`: it reads `/image` and `/cloud`, in slots of the folder given and over Zenoh, and
//! says who sent which. `zenoh-peer PORT FOLDER`; it ends with its standard input.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test may panic")]

extern crate peregrine_core as peregrine;

use std::sync::Arc;

use peregrine::prelude::*;
use peregrine::{App, FrameHost, Mode, NodeFactory, NodeSpec, StopReason};
use peregrine_msgs::sensor_msgs::PointCloud2;
use peregrine_zenoh::{Link, LinkOptions, carry};

struct Viewer;

impl Node for Viewer {
    const NAME: &'static str = "viewer";
    type Params = ();
    fn configure(setup: &mut Setup<Self>, (): ()) -> Result<Self> {
        setup.subscribe(
            "/cloud",
            Qos::KeepLast(1000),
            |_: &mut Self, _: &Context, cloud: &PointCloud2| {
                println!("cloud {} {} {}", cloud.header.frame_id, cloud.header.stamp.sec, cloud.data.len());
                Ok(())
            },
        )?;
        setup.subscribe_frames(
            "/image",
            FramePolicy::KeepLast(4),
            |_: &mut Self, _: &Context, frame: &Frame| {
                println!("image {} {} {}", frame.frame_id(), frame.stamp_ns(), frame.bytes().len());
                Ok(())
            },
        )?;
        Ok(Self)
    }
}

fn main() {
    let args: Vec<String> = std::env::args().collect();
    let options = LinkOptions::new(args[1].parse().unwrap(), false);
    let link = Arc::new(Link::open(&options).unwrap().expect("the test listens"));
    let mut app = App::new(Mode::Realtime { threads: 1, factor: 1.0, use_sim_time: false });
    app.share_frames(FrameHost::at(&args[2], 0).unwrap());
    app.add(NodeFactory::of::<Viewer>(), NodeSpec::new("viewer")).unwrap();
    carry(&mut app, &link).unwrap();
    let stop = app.stop_handle();
    std::thread::spawn(move || {
        let _ = std::io::copy(&mut std::io::stdin(), &mut std::io::sink());
        stop.ask(StopReason::Asked("its input ended".into()));
    });
    app.run().unwrap();
    link.close();
}
