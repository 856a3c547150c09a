//! The node in an application: recordings, the pattern, and another topic, in lockstep.
#![allow(clippy::unwrap_used, reason = "helpers of tests are tests")]

use std::path::Path;
use std::sync::{Arc, Mutex};

use peregrine::prelude::*;
use peregrine::{App, Mode, NodeFactory, NodeSpec, ParamValue, RunReport};
use peregrine_camera::Camera;
use peregrine_camera::algo::read_counter;
use peregrine_msgs::sensor_msgs::CameraInfo;

/// Stamp, width, height, encoding, address of the pixels, and the pixels.
type Picture = (i64, u32, u32, &'static str, usize, Vec<u8>);

/// What reached the other side.
#[derive(Default)]
struct Seen {
    frames: Vec<Picture>,
    infos: Vec<CameraInfo>,
    sent: Vec<usize>,
}

struct Viewer(Arc<Mutex<Seen>>);

impl Node for Viewer {
    const NAME: &'static str = "viewer";
    type Params = ();
    fn configure(setup: &mut Setup<Self>, (): ()) -> Result<Self> {
        setup.subscribe_frames(
            "image_raw",
            FramePolicy::KeepLast(4),
            |viewer: &mut Self, _: &Context, frame: &Frame| {
                let address = frame.bytes().as_ptr() as usize;
                viewer.0.lock().unwrap().frames.push((
                    frame.stamp().0,
                    frame.width(),
                    frame.height(),
                    frame.encoding().as_str(),
                    address,
                    frame.bytes().to_vec(),
                ));
                assert_eq!(frame.frame_id(), "camera_optical");
                Ok(())
            },
        )?;
        setup.subscribe(
            "camera_info",
            Qos::Reliable,
            |viewer: &mut Self, _: &Context, info: &CameraInfo| {
                viewer.0.lock().unwrap().infos.push(info.clone());
                Ok(())
            },
        )?;
        Ok(Self(setup.extension().unwrap()))
    }
}

/// A simulator that renders ten grey frames.
struct World {
    step: u8,
    images: FramePublisher,
    infos: Publisher<CameraInfo>,
    seen: Arc<Mutex<Seen>>,
}

impl Node for World {
    const NAME: &'static str = "world";
    type Params = ();
    fn configure(setup: &mut Setup<Self>, (): ()) -> Result<Self> {
        setup.drive_clock(Self::step)?;
        let images = setup.publish_frames("sim/image", FrameSlots { slots: 6, bytes: 8 })?;
        Ok(Self {
            step: 0,
            images,
            infos: setup.publish("sim/info", Qos::Sensor)?,
            seen: setup.extension().unwrap(),
        })
    }
}

impl World {
    fn step(&mut self, ctx: &Context) -> Result<Advance> {
        self.step += 1;
        if self.step > 10 {
            return Ok(Advance::Finished);
        }
        let spec = ImageSpec::packed(4, 2, Encoding::Mono8, "camera_optical");
        let mut loan = self.images.loan(&spec)?.unwrap();
        loan.bytes_mut().fill(self.step);
        loan.set_stamp(i64::from(self.step));
        self.seen.lock().unwrap().sent.push(loan.bytes().as_ptr() as usize);
        self.images.send(ctx, loan)?;
        self.infos.send(ctx, CameraInfo { width: 4, height: 2, ..Default::default() })?;
        Ok(Advance::To(Time(i64::from(self.step) * 50_000_000)))
    }
}

fn text(value: impl Into<String>) -> ParamValue {
    ParamValue::String(value.into())
}

fn run(params: &[(&str, ParamValue)], world: bool) -> (Result<RunReport>, Arc<Mutex<Seen>>) {
    let seen = Arc::new(Mutex::new(Seen::default()));
    let mut app = App::new(Mode::Lockstep { threads: 1 });
    app.log_topics(true).extend(seen.clone());
    let spec =
        params.iter().fold(NodeSpec::new("camera"), |spec, (key, value)| spec.with_param(key, value.clone()));
    let spec = spec.with_remap("image_in", "sim/image").with_remap("camera_info_in", "sim/info");
    if world {
        app.add(NodeFactory::of::<World>(), NodeSpec::new("world")).unwrap();
    }
    let started = app.add(NodeFactory::of::<Camera>(), spec).map(|_| ());
    if let Err(error) = started {
        return (Err(error), seen);
    }
    app.add(NodeFactory::of::<Viewer>(), NodeSpec::new("viewer")).unwrap();
    (app.run(), seen)
}

fn refusal(params: &[(&str, ParamValue)]) -> String {
    run(params, false).0.err().unwrap().to_string()
}

fn y4m(path: &Path, frames: u8) {
    let mut bytes = b"YUV4MPEG2 W4 H2 F10:1 Cmono\n".to_vec();
    for frame in 0..frames {
        bytes.extend_from_slice(b"FRAME\n");
        bytes.extend_from_slice(&[frame; 8]);
    }
    std::fs::write(path, bytes).unwrap();
}

#[test]
fn a_video_is_played_at_its_own_rate_and_ends() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("a.y4m");
    y4m(&path, 5);
    let (report, seen) = run(&[("source", text("video")), ("path", text(path.to_str().unwrap()))], false);
    report.unwrap();
    let seen = seen.lock().unwrap();
    let stamps: Vec<i64> = seen.frames.iter().map(|frame| frame.0).collect();
    assert_eq!(stamps, [1, 2, 3, 4, 5].map(|tick| tick * 100_000_000));
    for (at, (_, width, height, encoding, _, bytes)) in seen.frames.iter().enumerate() {
        assert_eq!((*width, *height, *encoding, bytes), (4, 2, "mono8", &vec![at as u8; 8]));
    }
    // Uncalibrated, as ROS says it: the size, and K all zero.
    assert_eq!(seen.infos.len(), 5);
    let info = &seen.infos[2];
    assert_eq!((info.width, info.height, info.k, info.header.stamp.nanosec), (4, 2, [0.0; 9], 300_000_000));
}

#[test]
fn the_pattern_repeats_bit_for_bit() {
    let params = [("frames", ParamValue::Integer(20)), ("rate_hz", ParamValue::Double(25.0))];
    let (first, seen) = run(&params, false);
    let (second, _) = run(&params, false);
    let (first, second) = (first.unwrap(), second.unwrap());
    assert!(first.topic_log_sha256.is_some() && first.topic_log_sha256 == second.topic_log_sha256);
    let counters: Vec<_> =
        seen.lock().unwrap().frames.iter().map(|frame| read_counter(&frame.5, 640, 1920).unwrap()).collect();
    assert_eq!(counters, (0..20).collect::<Vec<u32>>());
}

#[test]
fn a_topic_is_passed_on_without_a_copy() {
    let (report, seen) = run(&[("source", text("topic"))], true);
    report.unwrap();
    let seen = seen.lock().unwrap();
    assert_eq!(seen.frames.len(), 10);
    let addresses: Vec<usize> = seen.frames.iter().map(|frame| frame.4).collect();
    assert_eq!(addresses, seen.sent, "the viewer reads the very bytes that the simulator wrote");
    assert!(
        seen.frames
            .iter()
            .enumerate()
            .all(|(at, frame)| frame.0 == at as i64 + 1 && frame.5[0] as i64 == frame.0)
    );
    assert_eq!(seen.infos.len(), 10);
}

#[test]
fn a_bad_frame_stops_the_application_unless_skipped() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("a.y4m");
    y4m(&path, 3);
    let mut bytes = std::fs::read(&path).unwrap();
    bytes.truncate(bytes.len() - 1);
    std::fs::write(&path, bytes).unwrap();
    let params = [("source", text("auto")), ("path", text(path.to_str().unwrap()))];
    let message = run(&params, false).0.err().unwrap().to_string();
    assert!(message.contains("PG-0503") && message.contains("a.y4m"), "{message}");
    let [source, path] = params;
    let (report, seen) = run(&[source, path, ("skip_bad", ParamValue::Bool(true))], false);
    report.unwrap();
    assert_eq!(seen.lock().unwrap().frames.len(), 2);
}

#[test]
fn wrong_parameters_are_named() {
    assert!(refusal(&[("source", text("webcam"))]).contains("PG-0512"));
    assert!(refusal(&[("source", text("video"))]).contains("`path`"));
    assert!(refusal(&[("source", text("auto")), ("path", text("/nowhere"))]).contains("PG-0501"));
    assert!(refusal(&[("at_end", text("explode"))]).contains("`at_end`"));
    assert!(refusal(&[("camera_info_url", text("/nowhere.yaml"))]).contains("PG-0501"));
    #[cfg(not(feature = "v4l"))]
    assert!(refusal(&[("source", text("v4l")), ("path", text("/dev/video0"))]).contains("feature `v4l`"));
    #[cfg(feature = "v4l")]
    assert!(refusal(&[("source", text("v4l")), ("path", text("/dev/no_such_camera"))]).contains("PG-0513"));
    let small = [("slot_bytes", ParamValue::Integer(100)), ("frames", ParamValue::Integer(1))];
    assert!(refusal(&small).contains("PG-0509"));
}

#[test]
fn a_calibration_of_another_size_is_refused() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("c.yaml");
    let write = |width: u32| {
        std::fs::write(
            &path,
            format!(
                "image_width: {width}\nimage_height: 480\ncamera_matrix: {{rows: 3, cols: 3, data: [400, 0, 320, 0, 400, \
                 240, 0, 0, 1]}}\ndistortion_coefficients: {{rows: 1, cols: 5, data: [0, 0, 0, 0, 0]}}\n"
            ),
        )
        .unwrap();
    };
    let params = [("camera_info_url", text(path.to_str().unwrap())), ("frames", ParamValue::Integer(2))];
    write(1280);
    let message = refusal(&params);
    assert!(message.contains("PG-0514") && message.contains("1280 x 480"), "{message}");
    write(640);
    let (report, seen) = run(&params, false);
    report.unwrap();
    assert_eq!(seen.lock().unwrap().infos[0].k[0], 400.0);
}
