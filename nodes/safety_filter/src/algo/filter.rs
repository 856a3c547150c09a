//! From a wished velocity to one that still stops in time.
//!
//! With deceleration `a`, reaction time `tau` and room `s`, the fastest speed that stops is
//! `b(s) = min(-a tau + sqrt(a^2 tau^2 + 2 a s), s / 2 tau)`. Two limits use it, for each seen point `p` at `r` from the vehicle:
//!
//! * *Barrier*, near by: the speed toward the point obeys `v . r/|r| <= b(|r| - R)`. This is the control barrier
//!   condition for `h = |r| - R - v_r tau - v_r^2 / 2a >= 0` (Ames et al., ECC 2019), met by projection, so that a command
//!   along a wall keeps its part along the wall.
//! * *Tube*, far ahead: the way to a stop is a tube of radius `R` (less 3 cm) along the velocity; a point inside of it at `x` along
//!   and `y` beside leaves `s = x - sqrt(R^2 - y^2)`, and the speed is scaled to `b(s)`.
//!
//! The fence and the age of the inputs limit in the same way. The speed that leaves is never greater than the one that came.

use super::shell::Shell;
use super::vector::{V, along, dot, finite, norm, scaled};

/// What the vehicle can do, and what it must keep to.
#[derive(Debug, Clone, PartialEq)]
pub struct Limits {
    /// Radius of body and margin, metres.
    pub radius: f64,
    /// Deceleration that is sure, m/s2.
    pub deceleration: f64,
    /// From a command to its effect, with what the velocity loop lags, seconds.
    pub reaction: f64,
    /// Points nearer than this to the body's surface push back whatever the direction, metres.
    pub near: f64,
    /// Never faster, m/s.
    pub max_speed: f64,
    /// Where no sensor has looked: never faster, m/s.
    pub blind_speed: f64,
    /// Lower and upper corner of the fence, odom, metres.
    pub fence: (V, V),
    /// An input younger than this is fresh, seconds.
    pub fresh: f64,
    /// An input older than this stops the vehicle, seconds.
    pub stale: f64,
}

/// What took speed away.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
#[non_exhaustive]
pub enum Cause {
    /// The command holds a number that is not finite.
    NotFinite,
    /// The command is too old: nobody steers.
    CommandOld,
    /// No sensor, or one that is too old.
    SensorsOld,
    /// No odometry, or it is too old.
    OdometryOld,
    /// The battery is nearly empty.
    BatteryCritical,
    /// A surface in the way.
    Obstacle,
    /// The edge of the fence.
    Fence,
    /// Nobody looked that way.
    Blind,
    /// Inputs that are no longer fresh.
    Age,
    /// The battery is low.
    BatteryLow,
    /// Faster than allowed at all.
    TopSpeed,
}

/// The tube is thinner than the ball by this, so that a vehicle at a wall can slide along it, metres.
const TUBE_SLACK: f64 = 0.03;

/// The body's width is asked to be looked at where the vehicle would stop, but not nearer than this, metres: what is as near
/// as that fills more than a camera sees.
const WIDE_AHEAD: f64 = 1.0;

/// Passing something by needs this much more room for each m/s: the way is not held exactly, s.
const PASSING: f64 = 0.05;

/// How many causes there are.
pub const CAUSES: usize = 11;

impl Cause {
    /// All of them, worst first.
    pub const ALL: [Self; CAUSES] = [
        Self::NotFinite,
        Self::CommandOld,
        Self::SensorsOld,
        Self::OdometryOld,
        Self::BatteryCritical,
        Self::Obstacle,
        Self::Fence,
        Self::Blind,
        Self::Age,
        Self::BatteryLow,
        Self::TopSpeed,
    ];

    /// Name for topics and logs.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::NotFinite => "command_not_finite",
            Self::CommandOld => "command_old",
            Self::SensorsOld => "sensors_old",
            Self::OdometryOld => "odometry_old",
            Self::BatteryCritical => "battery_critical",
            Self::Obstacle => "obstacle",
            Self::Fence => "fence",
            Self::Blind => "blind",
            Self::Age => "input_age",
            Self::BatteryLow => "battery_low",
            Self::TopSpeed => "top_speed",
        }
    }

    /// True when an input is missing or too old, so that nobody steers or nobody sees: a state that the filter does not
    /// answer for ever.
    #[must_use]
    pub const fn is_silence(self) -> bool {
        matches!(self, Self::NotFinite | Self::CommandOld | Self::SensorsOld | Self::OdometryOld)
    }

    /// What an operator should know.
    #[must_use]
    pub const fn reason(self) -> &'static str {
        match self {
            Self::NotFinite => "the command holds a number that is not finite: stopped",
            Self::CommandOld => "no fresh command: stopped",
            Self::SensorsOld => "no fresh range sensor: stopped",
            Self::OdometryOld => "no fresh odometry: stopped",
            Self::BatteryCritical => "battery critical: stopped; land",
            Self::Obstacle => "a surface lies within the stopping distance",
            Self::Fence => "the fence lies within the stopping distance",
            Self::Blind => "no sensor has looked in this direction",
            Self::Age => "inputs are late: the speed is reduced",
            Self::BatteryLow => "battery low: the speed is reduced",
            Self::TopSpeed => "faster than allowed",
        }
    }
}

/// Ages and states that the filter is told, seconds; `None`: never heard.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Ages {
    /// Of the command.
    pub command: Option<f64>,
    /// Of the newest range sensor.
    pub sensors: Option<f64>,
    /// Of odometry.
    pub odometry: Option<f64>,
    /// Speed allowed by the battery, m/s; infinite when there is nothing to say, 0 when critical.
    pub battery_speed: f64,
    /// The sensor sees nothing but what is nearer than the body's own surface: covered, or touching.
    pub blocked: bool,
}

/// What leaves.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Verdict {
    /// Velocity, odom, m/s.
    pub velocity: V,
    /// What took most of the speed away; `None` when the command passed unchanged.
    pub cause: Option<Cause>,
    /// Metres from the body's grown surface to the nearest seen point.
    pub nearest: f64,
    /// Metres needed to stop from the command that leaves.
    pub stop: f64,
}

/// The filter. Pure: the same questions give the same answers.
#[derive(Debug, Clone, PartialEq)]
pub struct Filter {
    /// What it keeps to.
    pub limits: Limits,
}

impl Filter {
    /// b(s): the fastest speed (m/s) that stops within `room` metres, and at most `s / 2 tau`.
    #[must_use]
    pub fn braking_speed(&self, room: f64) -> f64 {
        let (a, t) = (self.limits.deceleration, self.limits.reaction);
        // Near the end the square root is steeper than a loop with this reaction can follow without overshoot.
        let calm = room / (2.0 * t).max(1e-3);
        if room <= 0.0 { 0.0 } else { ((a * a * t * t + 2.0 * a * room).sqrt() - a * t).min(calm) }
    }

    /// Metres to stop from `speed`.
    #[must_use]
    pub fn stopping_distance(&self, speed: f64) -> f64 {
        speed * self.limits.reaction + speed * speed / (2.0 * self.limits.deceleration)
    }

    /// Judges `wanted` (odom, m/s) of a vehicle at `at` (odom) at `now` (ns).
    #[must_use]
    pub fn judge(&self, wanted: V, at: V, shell: &Shell, ages: &Ages, now: i64) -> Verdict {
        let l = &self.limits;
        let stop =
            |cause| Verdict { velocity: [0.0; 3], cause: Some(cause), nearest: f64::INFINITY, stop: 0.0 };
        let old = |age: Option<f64>| age.is_none_or(|a| a.is_nan() || a > l.stale);
        let hard = [
            (!finite(wanted), Cause::NotFinite),
            (old(ages.command), Cause::CommandOld),
            (old(ages.odometry) || !finite(at), Cause::OdometryOld),
            (old(ages.sensors), Cause::SensorsOld),
            (ages.battery_speed <= 0.0, Cause::BatteryCritical),
            (ages.blocked, Cause::Obstacle),
        ];
        if let Some((_, cause)) = hard.iter().find(|(bad, _)| *bad) {
            return stop(*cause);
        }
        let mut state = Narrowing { velocity: wanted, taken: 0.0, cause: None };
        state.cap(l.max_speed, Cause::TopSpeed);
        state.cap(ages.battery_speed, Cause::BatteryLow);
        let oldest = [ages.command, ages.sensors, ages.odometry].into_iter().flatten().fold(0.0, f64::max);
        if oldest > l.fresh {
            let left = ((l.stale - oldest) / (l.stale - l.fresh).max(1e-6)).clamp(0.0, 1.0);
            state.cap(l.max_speed * left, Cause::Age);
        }
        let speed = norm(state.velocity);
        let half = (l.radius / self.stopping_distance(speed).max(WIDE_AHEAD)).atan();
        if speed > l.blind_speed && !shell.looked(state.velocity, half, now) {
            state.cap(l.blind_speed, Cause::Blind);
        }
        self.fence(at, &mut state);
        let nearest = self.barrier(at, shell, now, &mut state);
        self.tube(at, shell, now, &mut state);
        // A rounding error must not make it faster than what came.
        let (out, came) = (norm(state.velocity), norm(wanted));
        if out > came {
            state.velocity = scaled(state.velocity, came / out);
        }
        let stop = self.stopping_distance(norm(state.velocity));
        Verdict { velocity: state.velocity, cause: state.cause, nearest, stop }
    }

    fn fence(&self, at: V, state: &mut Narrowing) {
        let (low, high) = self.limits.fence;
        let mut v = state.velocity;
        for axis in 0..3 {
            let up = self.braking_speed(high[axis] - at[axis]);
            let down = self.braking_speed(at[axis] - low[axis]);
            v[axis] = v[axis].clamp(-down, up);
        }
        state.set(v, Cause::Fence);
    }

    fn barrier(&self, at: V, shell: &Shell, now: i64, state: &mut Narrowing) -> f64 {
        /// The nearest point first: it says which way the surface faces, so that the part along it is kept. The worst first
        /// would, with a command straight at a wall, lean on points beside and take that part away too.
        const ROUNDS: usize = 6;
        let l = &self.limits;
        let mut nearest = f64::INFINITY;
        let mut v = state.velocity;
        for _ in 0..ROUNDS {
            let mut first = (f64::INFINITY, 0.0, [0.0; 3]);
            let (square, speed) = (dot(v, v), norm(v));
            for point in shell.points(now) {
                let r = along(point, -1.0, at);
                let range = norm(r);
                let room = range - l.radius;
                nearest = nearest.min(room);
                if room > l.near || range < 1e-6 || range >= first.0 || self.passes_by(r, v, square, speed) {
                    continue;
                }
                let excess = dot(v, r) / range - self.braking_speed(room);
                if excess > 1e-6 {
                    first = (range, excess, r);
                }
            }
            if first.0.is_infinite() {
                break;
            }
            v = along(v, -first.1 / first.0, first.2);
        }
        state.set(v, Cause::Obstacle);
        nearest
    }

    /// True when the straight way along `v` (of squared length `square`) leaves the point at `r` beside it, by the ball's
    /// radius and more the faster `speed` is. To such a point no speed along the way is too fast; the barrier, which looks at
    /// points only, would brake a slide along a wall to a crawl.
    fn passes_by(&self, r: V, v: V, square: f64, speed: f64) -> bool {
        let x = dot(r, v);
        let clear = self.limits.radius - TUBE_SLACK + PASSING * speed;
        square > 1e-12 && (dot(r, r) - x * x / square) >= clear * clear
    }

    /// Scales the speed until the tube to the stop holds no point. Done last: it is exact, and only shortens.
    fn tube(&self, at: V, shell: &Shell, now: i64, state: &mut Narrowing) {
        let speed = norm(state.velocity);
        if speed < 1e-6 {
            return;
        }
        let direction = scaled(state.velocity, 1.0 / speed);
        let l = &self.limits;
        let tube = (l.radius - TUBE_SLACK).max(0.0);
        let mut allowed = speed;
        for point in shell.points(now) {
            let r = along(point, -1.0, at);
            let x = dot(r, direction);
            if x <= 0.0 {
                continue;
            }
            let beside = dot(r, r) - x * x;
            let square = tube * tube - beside;
            if square > 0.0 {
                allowed = allowed.min(self.braking_speed(x - square.sqrt()));
            }
        }
        // Points that the barrier's rounds left: the cone is scaled until all hold.
        for point in shell.points(now) {
            let r = along(point, -1.0, at);
            let range = norm(r).max(1e-6);
            let (toward, room) = (dot(r, direction) / range, range - l.radius);
            let passes = self.passes_by(r, direction, 1.0, speed);
            if toward > 1e-6 && room <= l.near && !passes {
                allowed = allowed.min(self.braking_speed(room) / toward);
            }
        }
        state.cap(allowed, Cause::Obstacle);
    }
}

/// A velocity that only gets smaller, and who made it so.
struct Narrowing {
    velocity: V,
    taken: f64,
    cause: Option<Cause>,
}

impl Narrowing {
    fn set(&mut self, velocity: V, cause: Cause) {
        let change = norm(along(self.velocity, -1.0, velocity));
        if change > 1e-6 {
            if change > self.taken {
                (self.taken, self.cause) = (change, Some(cause));
            }
            self.velocity = velocity;
        }
    }

    fn cap(&mut self, limit: f64, cause: Cause) {
        let speed = norm(self.velocity);
        if speed > limit {
            self.set(scaled(self.velocity, limit.max(0.0) / speed), cause);
        }
    }
}

#[cfg(test)]
#[path = "filter_tests.rs"]
mod tests;
