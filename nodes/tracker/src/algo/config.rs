//! The tracker's settings.

use super::camera::Pose;
use crate::error::TrackerError;

/// Settings of [`super::tracker::Tracker`].
#[derive(Debug, Clone, PartialEq)]
pub struct Config {
    /// From this score on a detection is sure, 0 to 1.
    pub high_score: f64,
    /// From this score on a detection may carry on a track, 0 to 1.
    pub low_score: f64,
    /// From this score on a detection may begin a track, 0 to 1.
    pub new_score: f64,
    /// Boxes are grown by this share on each side before their overlap is taken, 0 to 2.
    pub box_growth: f64,
    /// Pictures in which a thing must have been seen before it counts.
    pub confirm_hits: u32,
    /// A detection of this score speaks neither for a thing nor against it, 0 to 1.
    pub even_score: f64,
    /// A thing has a place in odom from this much evidence on, nats: see [`super::evidence`].
    pub evidence: f64,
    /// A track that was not seen for so long ends, seconds.
    pub lost_after: f64,
    /// A track that was not seen is still published for so long, seconds.
    pub coast: f64,
    /// A depth image belongs to a picture when no farther from it in time, seconds.
    pub depth_window: f64,
    /// Deviation of depth per squared metre, 1/m.
    pub depth_error: f64,
    /// A step backwards in time of more than this is a new beginning, less is a late picture, seconds.
    pub reset_after: f64,
    /// Detections taken from one picture at the most: the best ones.
    pub max_detections: usize,
    /// Tracks at the most.
    pub max_tracks: usize,
    /// The colour camera in base_link.
    pub camera: Pose,
    /// The depth camera in base_link.
    pub depth_camera: Pose,
}

impl Config {
    /// Checks what one number alone cannot tell.
    ///
    /// # Errors
    /// PG-1402 when two settings contradict each other.
    pub fn check(&self) -> Result<(), TrackerError> {
        let pairs = [
            ("low_score", self.low_score, "high_score", self.high_score),
            ("high_score", self.high_score, "new_score", self.new_score),
            ("coast_s", self.coast, "lost_after_s", self.lost_after),
        ];
        for (low_name, low, high_name, high) in pairs {
            if low > high {
                return Err(TrackerError::ParametersContradict { low_name, low, high_name, high });
            }
        }
        Ok(())
    }
}
