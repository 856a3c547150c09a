//! The simulator's values as ROS 2 messages.

use nalgebra::{Isometry3, UnitQuaternion, Vector3};
use peregrine::Time;
use peregrine_msgs::geometry_msgs::{
    Point, Pose, PoseStamped, PoseWithCovariance, Quaternion, Transform, TransformStamped, Twist,
    TwistWithCovariance, Vector3 as Vector3Msg,
};
use peregrine_msgs::nav_msgs::Odometry as OdometryMsg;
use peregrine_msgs::sensor_msgs::{CameraInfo, Imu as ImuMsg};
use peregrine_msgs::std_msgs::Header;
use peregrine_msgs::vision_msgs::{
    BoundingBox2D, BoundingBox3D, Detection2D, Detection2DArray, Detection3D, Detection3DArray,
    ObjectHypothesis, ObjectHypothesisWithPose, Point2D, Pose2D,
};
use peregrine_render::Camera;

use crate::scenario::World;
use crate::sensors::{ImuNoise, ImuReading, Odometry, SeenBox, TruthBox, TurnedBox};

pub(super) fn header(at: Time, frame: &str) -> Header {
    Header { stamp: at.to_msg(), frame_id: frame.to_string() }
}

pub(super) fn point(v: &Vector3<f64>) -> Point {
    Point { x: v.x, y: v.y, z: v.z }
}

fn vector(v: &Vector3<f64>) -> Vector3Msg {
    Vector3Msg { x: v.x, y: v.y, z: v.z }
}

fn quaternion(q: &UnitQuaternion<f64>) -> Quaternion {
    Quaternion { x: q.i, y: q.j, z: q.k, w: q.w }
}

pub(super) fn pose(p: &Isometry3<f64>) -> Pose {
    Pose { position: point(&p.translation.vector), orientation: quaternion(&p.rotation) }
}

pub(super) fn transform(at: Time, parent: &str, child: &str, pose: &Isometry3<f64>) -> TransformStamped {
    TransformStamped {
        header: header(at, parent),
        child_frame_id: child.to_string(),
        transform: Transform {
            translation: vector(&pose.translation.vector),
            rotation: quaternion(&pose.rotation),
        },
    }
}

pub(super) fn odometry(at: Time, truth: &Odometry) -> OdometryMsg {
    OdometryMsg {
        header: header(at, "odom"),
        child_frame_id: "base_link".to_string(),
        pose: PoseWithCovariance { pose: pose(&truth.pose), ..Default::default() },
        twist: TwistWithCovariance {
            twist: Twist { linear: vector(&truth.velocity), angular: vector(&truth.rates) },
            ..Default::default()
        },
    }
}

pub(super) fn imu(at: Time, reading: &ImuReading, noise: &ImuNoise) -> ImuMsg {
    let diagonal = |v: f64| [v, 0.0, 0.0, 0.0, v, 0.0, 0.0, 0.0, v];
    ImuMsg {
        header: header(at, "base_link"),
        orientation: quaternion(&reading.attitude),
        angular_velocity: vector(&reading.rates),
        angular_velocity_covariance: diagonal(noise.gyroscope * noise.gyroscope),
        linear_acceleration: vector(&reading.specific_force),
        linear_acceleration_covariance: diagonal(noise.accelerometer * noise.accelerometer),
        ..Default::default()
    }
}

/// A camera as REP-104 and Gazebo fill it; `d` is k1, k2, p1, p2, k3.
pub(super) fn camera_info(at: Time, frame: &str, camera: &Camera, d: [f64; 5]) -> CameraInfo {
    let (fx, fy, cx, cy) = (camera.fx, camera.fy, camera.cx, camera.cy);
    CameraInfo {
        header: header(at, frame),
        height: camera.height,
        width: camera.width,
        distortion_model: "plumb_bob".to_string(),
        d: d.to_vec(),
        k: [fx, 0.0, cx, 0.0, fy, cy, 0.0, 0.0, 1.0],
        r: [1.0, 0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0, 1.0],
        p: [fx, 0.0, cx, 0.0, 0.0, fy, cy, 0.0, 0.0, 0.0, 1.0, 0.0],
        ..Default::default()
    }
}

/// The true boxes: class by COCO name, score the visible fraction, id the object id, pose in the optical frame.
pub(super) fn boxes(at: Time, frame: &str, found: &[TruthBox]) -> Detection2DArray {
    let detections = found.iter().map(|b| {
        let [left, top, width, height] = b.seen;
        let position = Point2D { x: left + width / 2.0, y: top + height / 2.0 };
        let hypothesis = ObjectHypothesis { class_id: b.label.clone(), score: b.visible_fraction };
        let place = Pose {
            position: point(&b.position.coords),
            orientation: quaternion(&UnitQuaternion::identity()),
        };
        Detection2D {
            header: header(at, frame),
            results: vec![ObjectHypothesisWithPose {
                hypothesis,
                pose: PoseWithCovariance { pose: place, ..Default::default() },
            }],
            bbox: BoundingBox2D { center: Pose2D { position, theta: 0.0 }, size_x: width, size_y: height },
            id: b.object.to_string(),
        }
    });
    Detection2DArray { header: header(at, frame), detections: detections.collect() }
}

/// What a bounding-box camera sees: classes are labels, as numbers in text, scores are 1.
pub(super) fn labelled_boxes(at: Time, frame: &str, seen: &[SeenBox]) -> Detection2DArray {
    let detections = seen.iter().map(|b| {
        let [left, top, width, height] = b.area;
        let position = Point2D { x: left + width / 2.0, y: top + height / 2.0 };
        let hypothesis = ObjectHypothesis { class_id: b.label.to_string(), score: 1.0 };
        Detection2D {
            header: header(at, frame),
            results: vec![ObjectHypothesisWithPose { hypothesis, ..Default::default() }],
            bbox: BoundingBox2D { center: Pose2D { position, theta: 0.0 }, size_x: width, size_y: height },
            id: String::new(),
        }
    });
    Detection2DArray { header: header(at, frame), detections: detections.collect() }
}

/// The same in 3D: pose in the frame of [`TurnedBox`].
pub(super) fn turned_boxes(at: Time, frame: &str, seen: &[TurnedBox]) -> Detection3DArray {
    let detections = seen.iter().map(|b| {
        let hypothesis = ObjectHypothesis { class_id: b.label.to_string(), score: 1.0 };
        let place = PoseWithCovariance { pose: pose(&b.pose), ..Default::default() };
        Detection3D {
            header: header(at, frame),
            results: vec![ObjectHypothesisWithPose { hypothesis, pose: place }],
            bbox: BoundingBox3D { center: pose(&b.pose), size: vector(&Vector3::from(b.size)) },
            id: String::new(),
        }
    });
    Detection3DArray { header: header(at, frame), detections: detections.collect() }
}

pub(super) fn goal(at: Time, world: &World) -> PoseStamped {
    let pose =
        Pose { position: point(&world.goal.coords), orientation: quaternion(&UnitQuaternion::identity()) };
    PoseStamped { header: header(at, "odom"), pose }
}
