//! The true vehicle, which the planner does not know: lags in series, limits, wind, drag, and odometry that drifts.

use peregrine_avoidance::algo::geometry::{Pose, Quat, Vec3};
use peregrine_avoidance::algo::guard::Odometry;

use crate::rng::Random;

/// Time constant of the integral of the velocity loop, seconds.
const INTEGRAL: f64 = 2.5;
/// Length of a step, ns: 240 Hz, so that eight steps make one frame at 30 Hz.
pub const STEP_NS: i64 = 4_166_667;
/// The same in seconds.
pub const STEP: f64 = 1.0 / 240.0;

/// What is true of one vehicle.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Truth {
    /// Lag of the velocity loop, seconds.
    pub lag: f64,
    /// Lag from wished to real tilt, seconds.
    pub tilt_lag: f64,
    /// Lag of the turn rate, seconds.
    pub yaw_lag: f64,
    /// Largest acceleration, m/s2.
    pub acceleration: f64,
    /// Drag, 1/s.
    pub drag: f64,
    /// Acceleration by wind, m/s2.
    pub wind: Vec3,
    /// Drift of odometry, m per square root of a second.
    pub drift: f64,
}

impl Truth {
    /// What the parameters of the node are derived from.
    pub const NOMINAL: Self = Self {
        lag: 0.22,
        tilt_lag: 0.05,
        yaw_lag: 0.1,
        acceleration: 8.0,
        drag: 0.0,
        wind: Vec3::ZERO,
        drift: 0.0,
    };

    /// Every number off by up to `share` (0.25 for +-25 %), each flight anew.
    #[must_use]
    pub fn mismatched(seed: u64, share: f64) -> Self {
        let mut rng = Random::new(seed, 0x71A7);
        let mut off = |value: f64| value * rng.between(1.0 - share, 1.0 + share);
        let n = Self::NOMINAL;
        let (lag, tilt_lag, yaw_lag) = (off(n.lag), off(n.tilt_lag), off(n.yaw_lag));
        let acceleration = off(n.acceleration);
        let angle = rng.between(0.0, std::f64::consts::TAU);
        let wind = rng.between(0.0, 1.6 * share);
        Self {
            lag,
            tilt_lag,
            yaw_lag,
            acceleration,
            drag: rng.between(0.0, 0.4 * share),
            wind: Vec3::new(wind * angle.cos(), wind * angle.sin(), 0.0),
            drift: 0.04 * share,
        }
    }
}

/// A vehicle in flight.
#[derive(Debug, Clone)]
pub struct Vehicle {
    truth: Truth,
    /// World, metres.
    pub position: Vec3,
    /// World, m/s.
    pub velocity: Vec3,
    /// Radians.
    pub yaw: f64,
    acceleration: Vec3,
    yaw_rate: f64,
    integral: Vec3,
    /// What odometry is off by, metres.
    drifted: Vec3,
    /// The command that acts: heading frame, m/s, and rad/s.
    pub acting: (Vec3, f64),
    rng: Random,
}

impl Vehicle {
    /// At rest.
    #[must_use]
    pub fn new(truth: Truth, position: Vec3, yaw: f64, seed: u64) -> Self {
        Self {
            truth,
            position,
            velocity: Vec3::ZERO,
            yaw,
            acceleration: Vec3::ZERO,
            yaw_rate: 0.0,
            integral: Vec3::ZERO,
            drifted: Vec3::ZERO,
            acting: (Vec3::ZERO, 0.0),
            rng: Random::new(seed, 0x0D0),
        }
    }

    /// One step of [`STEP`]; the metres flown.
    pub fn step(&mut self) -> f64 {
        let t = &self.truth;
        let wanted = Quat::from_rpy(0.0, 0.0, self.yaw).rotate(self.acting.0);
        let error = wanted - self.velocity;
        // As autopilots do: a slow integral takes out what wind and drag would leave.
        self.integral = (self.integral + error * (STEP / (t.lag * INTEGRAL))).limited(1.5);
        let wish = (error * (1.0 / t.lag) + self.integral).limited(t.acceleration);
        self.acceleration += (wish - self.acceleration) * (STEP / t.tilt_lag);
        let drag = Vec3::new(self.velocity.x, self.velocity.y, 0.0) * t.drag;
        let next = self.velocity + (self.acceleration + t.wind - drag) * STEP;
        let way = (self.velocity + next) * (0.5 * STEP);
        self.velocity = next;
        self.position += way;
        self.yaw_rate += (self.acting.1 - self.yaw_rate) * (STEP / t.yaw_lag);
        self.yaw += self.yaw_rate * STEP;
        if t.drift > 0.0 {
            let by = t.drift * STEP.sqrt();
            let mut draw = || by * f64::from(self.rng.gauss());
            self.drifted += Vec3::new(draw(), draw(), 0.3 * draw());
        }
        way.norm()
    }

    fn attitude(&self) -> Quat {
        let thrust = self.acceleration + Vec3::new(0.0, 0.0, 9.81);
        let (sin, cos) = self.yaw.sin_cos();
        let (forward, left) = (cos * thrust.x + sin * thrust.y, cos * thrust.y - sin * thrust.x);
        Quat::from_rpy((-left).atan2(forward.hypot(thrust.z)), forward.atan2(thrust.z), self.yaw)
    }

    /// Body (FLU) in the world: its z axis lies along the thrust.
    #[must_use]
    pub fn pose(&self) -> Pose {
        Pose { position: self.position, rotation: self.attitude() }
    }

    /// What odometry says at `stamp`: drifted, and with noise on the velocity.
    pub fn odometry(&mut self, stamp: i64) -> Odometry {
        let noise = if self.truth.drift > 0.0 { 0.02 } else { 0.0 };
        let mut draw = || noise * f64::from(self.rng.gauss());
        let jitter = Vec3::new(draw(), draw(), draw());
        let pose = Pose { position: self.position + self.drifted, rotation: self.attitude() };
        Odometry { stamp, pose, velocity: self.velocity + jitter }
    }
}
