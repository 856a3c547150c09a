//! The node with `renderer: gpu` beside the same flight with `renderer: cpu`: the same frames at the same times, and pictures
//! within the tolerance that the renderer states (docs/simulation.md, "Who draws").
//!
//! A graphics processor, or lavapipe in its place, is needed; without one it says SKIP.

#![allow(clippy::unwrap_used, clippy::expect_used)]

use std::sync::{Arc, Mutex};

use peregrine::prelude::*;
use peregrine::{App, Mode, NodeFactory, NodeSpec, ParamValue};
use peregrine_msgs::geometry_msgs::TwistStamped;
use peregrine_msgs::nav_msgs::Odometry;
use peregrine_render::{RenderError, Renderer};
use peregrine_sim::node::DroneSim;

/// Every frame of a topic with its stamp.
type Frames = Vec<(i64, Vec<u8>)>;

#[derive(Default)]
struct Album {
    colour: Frames,
    depth: Frames,
    labels: Frames,
}

/// Flies ahead and turns, and keeps what the cameras see.
struct Keeper {
    album: Arc<Mutex<Album>>,
    command: Publisher<TwistStamped>,
}

#[derive(Params)]
struct NoParams {}

impl Node for Keeper {
    const NAME: &'static str = "keeper";
    type Params = NoParams;

    fn configure(setup: &mut Setup<Self>, _: NoParams) -> Result<Self> {
        let album = setup.extension::<Mutex<Album>>().unwrap_or_default();
        setup.subscribe_frames("sim/camera/image", FramePolicy::KeepLast(2), |n, _, f| {
            n.album.lock().unwrap().colour.push((f.stamp().0, f.bytes().to_vec()));
            Ok(())
        })?;
        setup.subscribe_frames("sim/depth/image", FramePolicy::KeepLast(2), |n, _, f| {
            n.album.lock().unwrap().depth.push((f.stamp().0, f.bytes().to_vec()));
            Ok(())
        })?;
        setup.subscribe_frames("segmentation/labels_map", FramePolicy::KeepLast(2), |n, _, f| {
            n.album.lock().unwrap().labels.push((f.stamp().0, f.bytes().to_vec()));
            Ok(())
        })?;
        setup.subscribe("odom", Qos::Sensor, |n, ctx, m: &Odometry| {
            let mut ahead = TwistStamped { header: m.header.clone(), ..Default::default() };
            ahead.header.frame_id = "base_link".into();
            (ahead.twist.linear.x, ahead.twist.angular.z) = (4.0, 1.0);
            n.command.send(ctx, ahead)
        })?;
        Ok(Self { album, command: setup.publish("cmd_vel", Qos::Reliable)? })
    }
}

fn fly(renderer: &str) -> Album {
    let album = Arc::new(Mutex::new(Album::default()));
    let mut app = App::new(Mode::Lockstep { threads: 1 });
    app.extend(Arc::clone(&album));
    let mut spec = NodeSpec::new("drone_sim");
    for (key, value) in [
        ("renderer", renderer),
        ("world", "forest"),
        ("seed", "3"),
        ("time_limit", "0.5"),
        ("camera.width", "320"),
        ("camera.height", "240"),
        // A graphics processor does not smooth edges.
        ("camera.antialias", "false"),
        ("depth.width", "160"),
        ("depth.height", "120"),
        ("sensors", "segmentation"),
    ] {
        spec = spec.with_param(key, ParamValue::from_text(value));
    }
    app.add(NodeFactory::of::<DroneSim>(), spec).unwrap();
    app.add(NodeFactory::of::<Keeper>(), NodeSpec::new("keeper")).unwrap();
    let report = app.run().unwrap();
    for node in &report.nodes {
        assert_eq!((node.errors, &node.last_error), (0, &None), "{}", node.name);
    }
    std::mem::take(&mut *album.lock().unwrap())
}

fn metres(bytes: &[u8]) -> impl Iterator<Item = f32> + '_ {
    bytes.chunks_exact(4).map(|b| f32::from_ne_bytes([b[0], b[1], b[2], b[3]]))
}

#[test]
fn a_flight_drawn_by_the_graphics_processor_looks_like_one_drawn_by_the_cpu() {
    match Renderer::on_gpu() {
        Ok(_) => {}
        Err(error @ RenderError::NoGpu { .. }) => {
            println!(
                "SKIP a_flight_drawn_by_the_graphics_processor_looks_like_one_drawn_by_the_cpu: {error}"
            );
            return;
        }
        Err(error) => panic!("{error}"),
    }
    let (cpu, gpu) = (fly("cpu"), fly("gpu"));
    let stamps = |frames: &Frames| frames.iter().map(|f| f.0).collect::<Vec<_>>();
    let counts = [6, 16, 6];
    for ((a, b), count) in [(&cpu.colour, &gpu.colour), (&cpu.depth, &gpu.depth), (&cpu.labels, &gpu.labels)]
        .into_iter()
        .zip(counts)
    {
        assert_eq!((stamps(a), a.len()), (stamps(b), count));
        assert_ne!(a[0].1, a[count - 1].1, "it flies");
    }
    for (k, (a, b)) in cpu.colour.iter().zip(&gpu.colour).enumerate() {
        let off: u64 = a.1.iter().zip(&b.1).map(|(a, b)| u64::from(a.abs_diff(*b))).sum();
        let far = a.1.iter().zip(&b.1).filter(|(a, b)| a.abs_diff(**b) > 24).count();
        let (mean, far) = (off as f64 / a.1.len() as f64, far as f64 / a.1.len() as f64);
        println!("colour {k}: off by {mean:.3} of 255 in the mean, {:.3} % by more than 24", far * 100.0);
        assert!(mean < 1.0 && far < 0.01, "frame {k}: {mean} {far}");
        assert!(a.1.iter().any(|v| *v != a.1[0]), "a picture, not a blank");
    }
    for (k, (a, b)) in cpu.depth.iter().zip(&gpu.depth).enumerate() {
        let pairs = metres(&a.1).zip(metres(&b.1));
        let off = pairs.filter(|(a, b)| a != b && (a - b).abs() > 2e-5 * a.abs()).count();
        let share = off as f64 / (a.1.len() / 4) as f64;
        println!("depth {k}: {:.3} % of the pixels off by more than 2e-5 of the distance", share * 100.0);
        assert!(share < 0.005, "frame {k}: {share}");
    }
    for (k, (a, b)) in cpu.labels.iter().zip(&gpu.labels).enumerate() {
        let share = a.1.iter().zip(&b.1).filter(|(a, b)| a != b).count() as f64 / a.1.len() as f64;
        assert!(share < 0.005, "labels {k}: {share}");
    }
}
