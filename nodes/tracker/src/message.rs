//! Tracks as messages.

use peregrine_msgs::geometry_msgs::{Point, Pose, PoseWithCovariance, Quaternion, Vector3};
use peregrine_msgs::std_msgs::Header;
use peregrine_msgs::tracks::TrackVelocity;
use peregrine_msgs::vision_msgs::{
    BoundingBox2D, BoundingBox3D, Detection2D, Detection3D, ObjectHypothesis, ObjectHypothesisWithPose,
    Point2D, Pose2D,
};

use crate::algo::camera::Intrinsics;
use crate::algo::classes::Classes;
use crate::algo::report::{Seen, Thing};

/// A thing in odom; the box has odom's axes.
#[must_use]
pub fn detection3d(header: &Header, thing: &Thing, classes: &Classes) -> Detection3D {
    let centre = Pose {
        position: Point { x: thing.centre.x, y: thing.centre.y, z: thing.centre.z },
        orientation: Quaternion { x: 0.0, y: 0.0, z: 0.0, w: 1.0 },
    };
    let mut covariance = [0.0; 36];
    for row in 0..3 {
        for column in 0..3 {
            covariance[row * 6 + column] = thing.covariance[(row, column)];
        }
    }
    let hypothesis = ObjectHypothesis { class_id: classes.name(thing.label).into(), score: thing.score };
    let pose = PoseWithCovariance { pose: centre.clone(), covariance };
    Detection3D {
        header: header.clone(),
        results: vec![ObjectHypothesisWithPose { hypothesis, pose }],
        bbox: BoundingBox3D {
            center: centre,
            size: Vector3 { x: thing.size.x, y: thing.size.y, z: thing.size.z },
        },
        id: thing.id.to_string(),
    }
}

/// Its velocity.
#[must_use]
pub fn velocity(thing: &Thing) -> TrackVelocity {
    TrackVelocity {
        id: thing.id,
        position: thing.centre.coords.cast::<f32>().into(),
        velocity: thing.velocity.cast::<f32>().into(),
        sigma: thing.velocity_deviation.cast::<f32>().into(),
        age: thing.age as f32,
    }
}

/// A thing in the picture, pixels.
#[must_use]
pub fn detection2d(header: &Header, seen: &Seen, camera: &Intrinsics, classes: &Classes) -> Detection2D {
    let rect = camera.to_pixels(&seen.rect);
    let hypothesis = ObjectHypothesis { class_id: classes.name(seen.label).into(), score: seen.score };
    Detection2D {
        header: header.clone(),
        results: vec![ObjectHypothesisWithPose { hypothesis, ..Default::default() }],
        bbox: BoundingBox2D {
            center: Pose2D { position: Point2D { x: rect.x, y: rect.y }, theta: 0.0 },
            size_x: rect.w,
            size_y: rect.h,
        },
        id: seen.id.to_string(),
    }
}
