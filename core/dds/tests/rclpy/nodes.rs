//! Nodes that count what they send and hear.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use peregrine::prelude::*;
use peregrine::service::CallError;
use peregrine::tf::{TfBroadcaster, Transform};
use peregrine::{Client, LogRecord, record_log};
use peregrine_msgs::builtin_interfaces;
use peregrine_msgs::geometry_msgs::TwistStamped;
use peregrine_msgs::rcl_interfaces::{ListParameters, ListParametersRequest, ListParametersResponse};
use peregrine_msgs::sensor_msgs::{CameraInfo, Image};
use peregrine_msgs::std_msgs::{Header, String as Text};
use peregrine_msgs::vision_msgs::{Detection2D, Detection2DArray, ObjectHypothesisWithPose};

use crate::{PERIOD, SIZE};

/// Fast DDS notices a datagram that was lost when the next heartbeat comes, 3 s later: what was published meanwhile must be
/// kept.
const KEPT: usize = 120;

/// What was heard: numbers by topic, in their order.
#[derive(Default)]
pub struct Heard {
    numbers: Mutex<BTreeMap<&'static str, Vec<u32>>>,
    pub answers: Mutex<Vec<Result<Vec<String>, CallError>>>,
    /// How many readers elsewhere a topic had that a neighbour reads too: at its most, and at last.
    pub readers: Mutex<(usize, usize)>,
}

impl Heard {
    pub fn of(&self, topic: &str) -> Vec<u32> {
        self.numbers.lock().unwrap().get(topic).cloned().unwrap_or_default()
    }
    fn note(&self, topic: &'static str, number: u32) {
        self.numbers.lock().unwrap().entry(topic).or_default().push(number);
    }
}

#[derive(Params)]
pub struct TalkerParams {
    /// A value that may be set while the node runs.
    #[param(default = 1.0, range = 0.0..=10.0, live)]
    gain: f64,
    /// One that may not.
    #[param(default = "fixed")]
    label: String,
}

/// Publishes one message of each type at 30 Hz, numbered in its stamp.
pub struct Talker {
    number: u32,
    image: Publisher<Image>,
    info: Publisher<CameraInfo>,
    twist: Publisher<TwistStamped>,
    detections: Publisher<Detection2DArray>,
    tf: TfBroadcaster,
    latched: Publisher<Text>,
    heard: Arc<Heard>,
}

fn header(number: u32) -> Header {
    let stamp = builtin_interfaces::Time { sec: 7, nanosec: number };
    Header { stamp, frame_id: "camera_optical".into() }
}

impl Node for Talker {
    const NAME: &'static str = "talker";
    type Params = TalkerParams;

    fn configure(setup: &mut Setup<Self>, params: TalkerParams) -> Result<Self> {
        assert!(params.gain >= 0.0 && !params.label.is_empty());
        setup.timer(PERIOD, Self::tick)?;
        let kept = Qos::KeepLast(KEPT);
        Ok(Self {
            number: 0,
            image: setup.publish("/out/image", kept)?,
            info: setup.publish("/out/info", kept)?,
            twist: setup.publish("/out/twist", kept)?,
            detections: setup.publish("/out/detections", kept)?,
            tf: TfBroadcaster::new(setup)?,
            latched: setup.publish("/out/latched", Qos::Latched)?,
            heard: setup.extension().unwrap(),
        })
    }

    fn activate(&mut self, ctx: &Context) -> Result {
        self.latched.send(ctx, Text { data: "said once".into() })
    }

    fn reconfigure(&mut self, _: &Context, params: TalkerParams) -> Result {
        assert!(params.gain >= 0.0);
        Ok(())
    }
}

impl Talker {
    fn tick(&mut self, ctx: &Context) -> Result {
        self.number += 1;
        let number = self.number;
        let readers = self.twist.topic().remote_readers();
        let (most, _) = *self.heard.readers.lock().unwrap();
        *self.heard.readers.lock().unwrap() = (most.max(readers), readers);
        if self.image.topic().remote_readers() > 0 {
            let (width, height) = SIZE;
            let mut data = vec![0; (width * height * 3) as usize];
            data[..4].copy_from_slice(&number.to_le_bytes());
            let step = width * 3;
            let image = Image {
                header: header(number),
                width,
                height,
                step,
                encoding: "rgb8".into(),
                data,
                ..Image::default()
            };
            self.image.send(ctx, image)?;
        }
        self.info.send(
            ctx,
            CameraInfo { header: header(number), width: SIZE.0, d: vec![0.5; 5], ..CameraInfo::default() },
        )?;
        let mut twist = TwistStamped { header: header(number), ..TwistStamped::default() };
        twist.twist.linear.x = f64::from(number);
        self.twist.send(ctx, twist)?;
        let mut thing =
            Detection2D { header: header(number), id: number.to_string(), ..Detection2D::default() };
        thing.bbox.size_x = f64::from(number);
        let mut hypothesis = ObjectHypothesisWithPose::default();
        hypothesis.hypothesis.class_id = "person".into();
        hypothesis.hypothesis.score = 0.75;
        thing.results.push(hypothesis);
        self.detections.send(ctx, Detection2DArray { header: header(number), detections: vec![thing] })?;
        self.tf.send(ctx, "odom", "base_link", ctx.now(), &Transform::identity())?;
        if number.is_multiple_of(30) {
            record_log(LogRecord {
                level: tracing::Level::INFO,
                node: Some("/talker".into()),
                text: "thirty more".into(),
                file: String::new(),
                module: String::new(),
                line: 0,
            });
        }
        Ok(())
    }
}

/// Notes the numbers of all that comes, from the peer on `/in/...`, and of one topic of its own process.
pub struct Listener(Arc<Heard>);

impl Node for Listener {
    const NAME: &'static str = "listener";
    type Params = ();

    fn configure(setup: &mut Setup<Self>, (): ()) -> Result<Self> {
        let kept = Qos::KeepLast(KEPT);
        setup.subscribe("/in/image", kept, |node: &mut Self, _: &Context, m: &Image| {
            let whole = m.data.len() == (SIZE.0 * SIZE.1 * 3) as usize
                && m.step == SIZE.0 * 3
                && m.encoding == "rgb8";
            let inside = u32::from_le_bytes([m.data[0], m.data[1], m.data[2], m.data[3]]);
            node.note("image", m.header.stamp.nanosec, whole && inside == m.header.stamp.nanosec)
        })?;
        setup.subscribe("/in/info", kept, |node: &mut Self, _: &Context, m: &CameraInfo| {
            node.note("info", m.header.stamp.nanosec, m.k[0] == 500.0 && m.d == [0.25; 5])
        })?;
        setup.subscribe("/in/twist", kept, |node: &mut Self, _: &Context, m: &TwistStamped| {
            node.note("twist", m.header.stamp.nanosec, m.twist.linear.x == f64::from(m.header.stamp.nanosec))
        })?;
        setup.subscribe("/in/detections", kept, |node: &mut Self, _: &Context, m: &Detection2DArray| {
            let number = m.header.stamp.nanosec;
            let good = m.detections.len() == 1
                && m.detections[0].id == number.to_string()
                && m.detections[0].results[0].hypothesis.class_id == "car";
            node.note("detections", number, good)
        })?;
        setup.subscribe_frames(
            "/in/frames",
            FramePolicy::KeepLast(4),
            |node: &mut Self, _: &Context, frame: &Frame| {
                let number = u32::try_from(frame.stamp_ns() % 1_000_000_000).unwrap();
                node.note(
                    "frames",
                    number,
                    frame.width() == SIZE.0 && frame.bytes().len() == (SIZE.0 * SIZE.1 * 3) as usize,
                )
            },
        )?;
        // Its publisher is a neighbour, and rclpy reads it too: it must come once.
        setup.subscribe("/out/twist", kept, |node: &mut Self, _: &Context, m: &TwistStamped| {
            node.note("own twist", m.header.stamp.nanosec, true)
        })?;
        // Two nodes' worth of QoS on one topic: the strict and the lenient reader bring each message once.
        setup.subscribe("/in/mixed", Qos::Sensor, |_: &mut Self, _: &Context, _: &TwistStamped| Ok(()))?;
        setup.subscribe("/in/mixed", kept, |node: &mut Self, _: &Context, m: &TwistStamped| {
            node.note("mixed", m.header.stamp.nanosec, true)
        })?;
        setup.subscribe("/in/latched", Qos::Latched, |node: &mut Self, _: &Context, m: &TwistStamped| {
            node.note("latched", m.header.stamp.nanosec, true)
        })?;
        Ok(Self(setup.extension().unwrap()))
    }
}

impl Listener {
    fn note(&mut self, topic: &'static str, number: u32, good: bool) -> Result {
        assert!(good, "{topic} {number} is not what was sent");
        self.0.note(topic, number);
        Ok(())
    }
}

/// Calls the peer's own service until it answers.
pub struct Asker {
    client: Client<ListParameters>,
    heard: Arc<Heard>,
    asked: bool,
}

impl Node for Asker {
    const NAME: &'static str = "asker";
    type Params = ();

    fn configure(setup: &mut Setup<Self>, (): ()) -> Result<Self> {
        setup.timer(Duration::from_millis(200), |node: &mut Self, ctx: &Context| {
            // One call, before the peer is there: the transport keeps it.
            if !std::mem::replace(&mut node.asked, true) {
                node.client.call(ctx, ListParametersRequest::default());
            }
            Ok(())
        })?;
        let client = setup.client("/peer/list_parameters", Self::on_answer)?;
        Ok(Self { client, heard: setup.extension().unwrap(), asked: false })
    }
}

impl Asker {
    fn on_answer(
        &mut self,
        _: &Context,
        _: i64,
        answer: Result<&ListParametersResponse, &CallError>,
    ) -> Result {
        let names = answer.map(|response| response.result.names.clone()).map_err(Clone::clone);
        self.heard.answers.lock().unwrap().push(names);
        Ok(())
    }
}
