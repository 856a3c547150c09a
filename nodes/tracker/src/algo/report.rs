//! What a track comes to for those who read it.

use nalgebra::{Matrix3, Point3, Vector3};

use super::classes::{Classes, Label};
use super::rect::Rect;
use super::track::{Life, Track};

/// A thing in odom.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Thing {
    /// The track's number.
    pub id: u32,
    /// What it is.
    pub label: Label,
    /// Score of its last detection, 0 to 1.
    pub score: f64,
    /// Centre, metres.
    pub centre: Point3<f64>,
    /// Covariance of the centre, m2.
    pub covariance: Matrix3<f64>,
    /// Velocity, m/s.
    pub velocity: Vector3<f64>,
    /// Deviation of the velocity per axis, m/s.
    pub velocity_deviation: Vector3<f64>,
    /// Size along odom's axes with the class margin on every side, metres: never less than was measured.
    pub size: Vector3<f64>,
    /// Seconds since it was seen.
    pub age: f64,
}

/// A thing in the picture.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Seen {
    /// The track's number.
    pub id: u32,
    /// What it is.
    pub label: Label,
    /// Score of its last detection, 0 to 1.
    pub score: f64,
    /// Its box, in tangents of the colour camera.
    pub rect: Rect,
}

/// The thing in odom, for a confirmed track with a depth and enough evidence that was seen less than `coast` seconds before
/// `stamp`.
#[must_use]
pub fn thing(track: &Track, classes: &Classes, stamp: i64, coast: f64) -> Option<Thing> {
    let age = track.age(stamp);
    let space = track.space.as_ref()?;
    let told = track.life == Life::Confirmed || (track.life == Life::Lost && age <= coast);
    (told && track.evidence.is_enough()).then(|| {
        let label = track.label();
        let room = 2.0 * classes.margin(label);
        let [across, up] = track.extent;
        Thing {
            id: track.id,
            label,
            score: track.score,
            centre: space.position(),
            covariance: space.position_covariance(),
            velocity: space.velocity(),
            velocity_deviation: space.velocity_deviation(),
            size: Vector3::new(across + room, across + room, up + room),
            age,
        }
    })
}

/// The thing in the picture, for a confirmed track that this picture shows.
#[must_use]
pub fn seen(track: &Track) -> Option<Seen> {
    (track.life == Life::Confirmed).then(|| Seen {
        id: track.id,
        label: track.label(),
        score: track.score,
        rect: track.image.rect(),
    })
}
