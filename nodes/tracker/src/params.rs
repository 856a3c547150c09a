//! The node's parameters, and the tracker's settings made of them.

use peregrine::Params;

use crate::algo::camera::mount;
use crate::algo::classes::Classes;
use crate::algo::config::Config;
use crate::error::TrackerError;

/// Parameters of the tracker node. Metres, seconds, radians; odom is ENU, the body FLU.
#[derive(Params, Debug, Clone)]
pub struct TrackerParams {
    /// From this score on a detection is sure, 0 to 1.
    #[param(default = 0.5, range = 0.0..=1.0, live)]
    pub high_score: f64,
    /// From this score on a detection may carry on a track that was seen in the last picture, 0 to 1.
    #[param(default = 0.1, range = 0.0..=1.0, live)]
    pub low_score: f64,
    /// From this score on a detection may begin a track, 0 to 1.
    #[param(default = 0.5, range = 0.0..=1.0, live)]
    pub new_score: f64,
    /// Boxes are grown by this share of their side at each end before their overlap is taken, 0 to 2.
    #[param(default = 0.2, range = 0.0..=2.0, live)]
    pub box_growth: f64,
    /// Pictures in which a thing must have been seen before it counts, 1 to 20.
    #[param(default = 2, range = 1..=20, live)]
    pub confirm_hits: u32,
    /// A detection of this score speaks neither for a thing nor against it, 0 to 1. Weaker ones, misses, and sizes that nothing
    /// of its kind has take away from its evidence.
    #[param(default = 0.6, range = 0.0..=1.0, live)]
    pub even_score: f64,
    /// A thing is told in odom from this much evidence on, nats (log of odds), 0 to 6; 0 tells every thing that was confirmed.
    #[param(default = 2.0, range = 0.0..=6.0, live)]
    pub evidence: f64,
    /// A track that was not seen for so long ends, seconds, 0 to 60.
    #[param(default = 2.0, range = 0.0..=60.0, live)]
    pub lost_after_s: f64,
    /// A track that was not seen is still published in odom for so long, seconds, 0 to 60.
    #[param(default = 0.5, range = 0.0..=60.0, live)]
    pub coast_s: f64,
    /// A depth image belongs to a picture when no farther from it in time, seconds, 0 to 1.
    #[param(default = 0.05, range = 0.0..=1.0, live)]
    pub depth_window_s: f64,
    /// Deviation of a surface's depth per squared metre of range, 1/m, 0 to 0.1.
    #[param(default = 0.002, range = 0.0..=0.1, live)]
    pub depth_error_per_m: f64,
    /// A clock set back by more than this ends all tracks; a picture late by less is left out. Seconds, 0 to 60.
    #[param(default = 1.0, range = 0.0..=60.0, live)]
    pub reset_after_s: f64,
    /// Detections taken from one picture at the most, the best ones, 1 to 2000.
    #[param(default = 300, range = 1..=2000)]
    pub max_detections: usize,
    /// Tracks at the most, 1 to 2000.
    #[param(default = 400, range = 1..=2000)]
    pub max_tracks: usize,
    /// Where the colour camera sits in base_link: x, y, z in metres, roll, pitch, yaw in radians; it looks along its x.
    #[param(default = [0.12, 0.0, 0.03, 0.0, 0.0, 0.0])]
    pub camera_pose: Vec<f64>,
    /// Where the depth camera sits in base_link, likewise.
    #[param(default = [0.12, 0.0, 0.03, 0.0, 0.0, 0.0])]
    pub depth_camera_pose: Vec<f64>,
    /// Room kept around a thing on every side: name=metres, where a name is a label or a kind (person, vehicle, aerial,
    /// wire, other). The wider of both counts. Margins only ever add.
    #[param(default = ["person=0.4", "vehicle=0.3", "aerial=0.6", "wire=1.0"], live)]
    pub class_margins: Vec<String>,
}

impl TrackerParams {
    /// The tracker's settings.
    ///
    /// # Errors
    /// PG-1401 to PG-1403 for what a range alone does not refuse.
    pub fn config(&self) -> Result<Config, TrackerError> {
        let config = Config {
            high_score: self.high_score,
            low_score: self.low_score,
            new_score: self.new_score,
            box_growth: self.box_growth,
            confirm_hits: self.confirm_hits,
            even_score: self.even_score,
            evidence: self.evidence,
            lost_after: self.lost_after_s,
            coast: self.coast_s,
            depth_window: self.depth_window_s,
            depth_error: self.depth_error_per_m,
            reset_after: self.reset_after_s,
            max_detections: self.max_detections,
            max_tracks: self.max_tracks,
            camera: mount("camera_pose", &self.camera_pose)?,
            depth_camera: mount("depth_camera_pose", &self.depth_camera_pose)?,
        };
        config.check()?;
        Ok(config)
    }

    /// Labels with their margins.
    ///
    /// # Errors
    /// PG-1404 for an entry that is not `name=metres`.
    pub fn classes(&self) -> Result<Classes, TrackerError> {
        Classes::new(&self.class_margins)
    }
}
