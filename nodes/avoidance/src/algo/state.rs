//! What the planner is doing, why, and what it saw: the status that leaves with every command.

/// What ranges come from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sensor {
    /// Depth camera.
    Depth = 0,
    /// Laser scanner of one plane.
    Scan = 1,
    /// Lidar of many planes.
    Points = 2,
}

/// All kinds.
pub const SENSORS: [Sensor; 3] = [Sensor::Depth, Sensor::Scan, Sensor::Points];

/// Why inputs do not deserve trust.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Stale {
    /// No depth image has come yet.
    NoDepth,
    /// No usable camera_info has come yet.
    NoIntrinsics,
    /// No odometry has come yet.
    NoOdometry,
    /// The newest depth image is older than allowed.
    DepthOld,
    /// The newest odometry is older than allowed.
    OdometryOld,
    /// Odometry holds NaN, infinity, or a quaternion that is no rotation.
    OdometryNotFinite,
    /// Position moved further than its own velocity explains.
    OdometryJump,
    /// Odometry is stamped in the future: its clock and ours differ.
    OdometryAhead,
    /// Looks of this sensor are stamped in the future.
    SightAhead(Sensor),
    /// The command took longer to make than the time in which it should act.
    DeadlineMissed,
    /// Time went backwards.
    ClockBackwards,
    /// The same pixels came again and again while the vehicle moved.
    DepthFrozen,
    /// Next to no pixel of the depth image is valid: a covered or blinded camera.
    DepthInvalid,
    /// No odometry is close enough in time to the depth image.
    NoPoseForDepth,
    /// No look of this lidar has come yet.
    NoLidar(Sensor),
    /// The newest look of this lidar is older than allowed.
    LidarOld(Sensor),
    /// The same ranges came again and again while the vehicle moved.
    LidarFrozen(Sensor),
    /// Next to nothing of the look is valid: a covered lidar.
    LidarInvalid(Sensor),
}

impl Stale {
    /// One sentence part for operators.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::NoDepth => "no depth image yet",
            Self::NoIntrinsics => "no depth camera_info yet",
            Self::NoOdometry => "no odometry yet",
            Self::DepthOld => "depth image too old",
            Self::OdometryOld => "odometry too old",
            Self::OdometryNotFinite => "odometry is not finite",
            Self::OdometryJump => "odometry jumped, or came back after a gap",
            Self::OdometryAhead => "odometry is stamped in the future (clocks not synchronised?)",
            Self::SightAhead(Sensor::Depth) => {
                "depth image is stamped in the future (clocks not synchronised?)"
            }
            Self::SightAhead(Sensor::Scan) => {
                "laser scan is stamped in the future (clocks not synchronised?)"
            }
            Self::SightAhead(Sensor::Points) => {
                "lidar points are stamped in the future (clocks not synchronised?)"
            }
            Self::DeadlineMissed => "planning missed its deadline",
            Self::ClockBackwards => "clock went backwards",
            Self::DepthFrozen => "depth image frozen",
            Self::DepthInvalid => "depth image has no valid pixels (camera covered?)",
            Self::NoPoseForDepth => "no odometry at the time of the depth image",
            Self::NoLidar(Sensor::Scan) => "no laser scan yet",
            Self::NoLidar(_) => "no lidar points yet",
            Self::LidarOld(Sensor::Scan) => "laser scan too old",
            Self::LidarOld(_) => "lidar points too old",
            Self::LidarFrozen(Sensor::Scan) => "laser scan frozen",
            Self::LidarFrozen(_) => "lidar points frozen",
            Self::LidarInvalid(Sensor::Scan) => "laser scan has no valid ranges (scanner covered?)",
            Self::LidarInvalid(_) => "lidar points are next to none (lidar covered?)",
        }
    }
}

/// Why the vehicle hovers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum HoverCause {
    /// No goal was given yet.
    NoGoal,
    /// Turning on the spot toward where it will fly.
    Turning,
    /// Nothing certified yet; about to look around.
    Blocked,
    /// Rising to the floor of the geofence, inside the space assumed free at the start.
    Climbing,
    /// The stop is done; waiting until it is at rest.
    Settling,
}

/// What the planner is doing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum State {
    /// Flying straight for the goal at the wanted speed.
    Cruise,
    /// Flying, but around something or slower than wanted.
    Avoiding,
    /// Nothing certified: stopping along the braking tail certified before.
    Braking,
    /// At rest, for the given cause.
    Hover(HoverCause),
    /// At rest and turning to look for a way.
    Scanning,
    /// Looked everywhere, found no way; still looking from time to time.
    Stuck,
    /// Within the goal's tolerance, at rest there.
    GoalReached,
    /// Stopping because an input cannot be trusted.
    InputStale(Stale),
}

impl State {
    /// Name for topics and logs.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Cruise => "CRUISE",
            Self::Avoiding => "AVOIDING",
            Self::Braking => "BRAKING",
            Self::Hover(_) => "HOVER",
            Self::Scanning => "SCANNING",
            Self::Stuck => "STUCK",
            Self::GoalReached => "GOAL_REACHED",
            Self::InputStale(_) => "INPUT_STALE",
        }
    }

    /// The reason in words; empty when the state says it all.
    #[must_use]
    pub const fn reason(self) -> &'static str {
        match self {
            Self::Cruise | Self::GoalReached => "",
            Self::Avoiding => "flying around an obstacle or limited by what is seen",
            Self::Braking => "no candidate is certified",
            Self::Hover(HoverCause::NoGoal) => "no goal yet",
            Self::Hover(HoverCause::Turning) => "turning toward the next leg",
            Self::Hover(HoverCause::Blocked) => "no candidate is certified",
            Self::Hover(HoverCause::Climbing) => "rising to the floor of the geofence",
            Self::Hover(HoverCause::Settling) => "coming to rest",
            Self::Scanning => "looking around for a way",
            Self::Stuck => "no certified way in any direction",
            Self::InputStale(stale) => stale.as_str(),
        }
    }
}

/// What leaves with every command.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Status {
    /// What the planner is doing.
    pub state: State,
    /// Age of the newest depth image, seconds; NaN before the first.
    pub depth_age_s: f64,
    /// Age of the newest odometry, seconds; NaN before the first.
    pub odometry_age_s: f64,
    /// Age of the newest laser scan, seconds; NaN before the first, or when none is used.
    pub scan_age_s: f64,
    /// Age of the newest lidar points, seconds; NaN before the first, or when none are used.
    pub points_age_s: f64,
    /// Age of the newest tracks, seconds; NaN before the first. Old tracks only lose what they closed.
    pub tracks_age_s: f64,
    /// Age of the newest detections, seconds; NaN before the first. Old detections only lose their extra margins.
    pub detections_age_s: f64,
    /// Range to the nearest thing in the current views, metres from the sensor; infinite when nothing is in range.
    pub nearest_range_m: f64,
    /// Length of the certified path of the current command, from here to rest, metres; 0 when stopping.
    pub certified_stop_m: f64,
    /// Fraction of the depth image's cells that were valid, 0 to 1.
    pub valid_fraction: f64,
    /// Candidates whose certificate was tried in this cycle.
    pub candidates_tried: u32,
    /// Speed limit that applied along the guidance direction, m/s.
    pub speed_cap_mps: f64,
}

impl Default for Status {
    fn default() -> Self {
        Self {
            state: State::InputStale(Stale::NoDepth),
            depth_age_s: f64::NAN,
            odometry_age_s: f64::NAN,
            scan_age_s: f64::NAN,
            points_age_s: f64::NAN,
            tracks_age_s: f64::NAN,
            detections_age_s: f64::NAN,
            nearest_range_m: f64::INFINITY,
            certified_stop_m: 0.0,
            valid_fraction: 0.0,
            candidates_tried: 0,
            speed_cap_mps: 0.0,
        }
    }
}
