//! One flight: camera at 30 Hz, commands delayed and lagged, attitude that follows the thrust, clearance on the way.

use super::camera::Camera;
use super::random::Random;
use super::world::World;
use peregrine_avoidance::algo::config::Config;
use peregrine_avoidance::algo::depth::DepthImage;
use peregrine_avoidance::algo::geometry::{Pose, Quat, Vec3};
use peregrine_avoidance::algo::guard::Odometry;
use peregrine_avoidance::algo::planner::{Command, Planner};
use peregrine_avoidance::algo::state::State;
use std::collections::VecDeque;

/// The true vehicle.
#[derive(Clone, Copy, Debug)]
pub struct Truth {
    /// Lag of the velocity loop, s.
    pub lag: f64,
    /// Lag of the attitude, s: acceleration follows its wish through this.
    pub tilt_lag: f64,
    /// Lag of the turn rate, s.
    pub yaw_lag: f64,
    /// m/s^2.
    pub acceleration: f64,
    /// From the image's stamp to the command's effect, s.
    pub delay: f64,
    pub noise: f64,
}

impl Truth {
    pub const NOMINAL: Self =
        Self { lag: 0.25, tilt_lag: 0.05, yaw_lag: 0.1, acceleration: 6.0, delay: 0.07, noise: 0.0 };

    /// Every number off by up to a quarter, the delay at its worst, noisy stereo.
    pub fn mismatched(seed: u64) -> Self {
        let mut rng = Random(seed ^ 0xABCD);
        Self {
            lag: 0.25 * rng.between(0.75, 1.25),
            tilt_lag: 0.05 * rng.between(0.75, 1.25),
            yaw_lag: 0.1 * rng.between(0.5, 1.5),
            acceleration: 6.0 * rng.between(0.75, 1.25),
            delay: rng.between(0.05, 0.1),
            noise: 0.002,
        }
    }
}

#[derive(Clone, Debug)]
pub struct Outcome {
    pub reached: bool,
    pub collided: bool,
    /// Smallest distance of the body's surface to anything, m.
    pub clearance: f64,
    pub seconds: f64,
    pub length: f64,
    pub last_state: State,
    pub position: Vec3,
    pub was_stuck: bool,
    pub cycle_ns: Vec<u64>,
    pub track: Vec<(f64, Vec3, Vec3, State)>,
}

impl Outcome {
    pub fn mean_speed(&self) -> f64 {
        self.length / self.seconds
    }
}

/// A flight that can be stepped and tampered with.
pub struct Flight {
    pub world: World,
    pub truth: Truth,
    pub planner: Planner,
    pub camera: Camera,
    pub position: Vec3,
    pub velocity: Vec3,
    pub acceleration: Vec3,
    pub yaw: f64,
    pub yaw_rate: f64,
    pub time: f64,
    /// Commands on their way: when they act, velocity in the heading frame, turn rate.
    pub pending: VecDeque<(f64, Vec3, f64)>,
    pub acting: (Vec3, f64),
    pub outcome: Outcome,
    /// The world as odometry sees it: what jumps when odometry does.
    pub frame: Pose,
    rng: Random,
}

pub const FRAME: f64 = 1.0 / 30.0;
pub const BODY: f64 = 0.25;

impl Flight {
    pub fn new(world: World, truth: Truth, config: Config, start: Vec3, yaw: f64, seed: u64) -> Self {
        let mut camera = Camera::new(320, 240, 87.0);
        camera.noise = truth.noise;
        let mut planner = Planner::new(config).unwrap();
        planner.set_intrinsics(camera.k);
        Self {
            world,
            truth,
            planner,
            camera,
            position: start,
            velocity: Vec3::ZERO,
            acceleration: Vec3::ZERO,
            yaw,
            yaw_rate: 0.0,
            time: 0.0,
            pending: VecDeque::new(),
            acting: (Vec3::ZERO, 0.0),
            rng: Random(seed),
            frame: Pose { position: Vec3::ZERO, rotation: Quat::IDENTITY },
            outcome: Outcome {
                reached: false,
                collided: false,
                clearance: f64::INFINITY,
                seconds: 0.0,
                length: 0.0,
                last_state: State::Braking,
                position: start,
                was_stuck: false,
                cycle_ns: Vec::new(),
                track: Vec::new(),
            },
        }
    }

    pub fn now(&self) -> i64 {
        (self.time * 1e9).round() as i64
    }

    /// Body FLU in the world: the body's z axis lies along the thrust.
    pub fn body(&self) -> Pose {
        let thrust = self.acceleration + Vec3::new(0.0, 0.0, 9.81);
        let (sin, cos) = self.yaw.sin_cos();
        let (fwd, left) = (cos * thrust.x + sin * thrust.y, cos * thrust.y - sin * thrust.x);
        let pitch = fwd.atan2(thrust.z);
        let roll = (-left).atan2(fwd.hypot(thrust.z));
        Pose { position: self.position, rotation: Quat::from_rpy(roll, pitch, self.yaw) }
    }

    pub fn odometry(&self) -> Odometry {
        let velocity = self.frame.rotation.rotate(self.velocity);
        Odometry { stamp: self.now(), pose: self.frame.then(&self.body()), velocity }
    }

    pub fn render(&mut self) {
        let pose = self.body().then(&self.planner.config().camera_in_body);
        self.camera.render(&self.world, &pose, &mut self.rng);
    }

    /// Image and odometry of now, through the planner.
    pub fn think(&mut self) -> Command {
        self.render();
        let odometry = self.odometry();
        self.planner.on_odometry(self.now(), Some(odometry));
        self.think_with_depth(self.now())
    }

    /// The image that lies in the camera, as if taken at `stamp`.
    pub fn think_with_depth(&mut self, stamp: i64) -> Command {
        let k = self.camera.k;
        let image = DepthImage::new(k.width, k.height, k.width * 4, "32FC1", &self.camera.bytes).unwrap();
        let before = std::time::Instant::now();
        let command = self.planner.on_depth((self.time * 1e9).round() as i64, stamp, &image);
        self.outcome.cycle_ns.push(before.elapsed().as_nanos() as u64);
        command
    }

    pub fn obey(&mut self, command: &Command) {
        self.pending.push_back((self.time + self.truth.delay, command.velocity_heading, command.yaw_rate));
        let state = command.status.state;
        self.outcome.last_state = state;
        self.outcome.was_stuck |= state == State::Stuck;
        self.outcome.track.push((self.time, self.position, command.velocity, state));
    }

    /// Moves the vehicle on by `seconds`, in steps of 2 ms.
    pub fn fly(&mut self, seconds: f64) {
        const STEP: f64 = 0.002;
        for _ in 0..(seconds / STEP).round() as usize {
            while self.pending.front().is_some_and(|(at, _, _)| *at <= self.time) {
                if let Some((_, velocity, rate)) = self.pending.pop_front() {
                    self.acting = (velocity, rate);
                }
            }
            let wanted = Quat::from_rpy(0.0, 0.0, self.yaw).rotate(self.acting.0);
            let wish = ((wanted - self.velocity) * (1.0 / self.truth.lag)).limited(self.truth.acceleration);
            self.acceleration += (wish - self.acceleration) * (STEP / self.truth.tilt_lag);
            let next = self.velocity + self.acceleration * STEP;
            let step = (self.velocity + next) * (0.5 * STEP);
            self.velocity = next;
            self.position += step;
            self.yaw_rate += (self.acting.1 - self.yaw_rate) * (STEP / self.truth.yaw_lag);
            self.yaw += self.yaw_rate * STEP;
            self.time += STEP;
            self.outcome.length += step.norm();
            let p = self.position;
            let gap = self.world.clearance([p.x, p.y, p.z]) - BODY;
            self.outcome.clearance = self.outcome.clearance.min(gap);
            self.outcome.collided |= gap <= 0.0;
        }
        self.outcome.seconds = self.time;
        self.outcome.position = self.position;
    }

    /// Frame after frame, until the goal is reached, something is hit, or the time is up.
    pub fn run(&mut self, goal: Vec3, limit: f64) -> &Outcome {
        self.planner.set_goal(goal);
        let mut frame = (self.time / FRAME).round() as u64;
        while self.time < limit && !self.outcome.collided {
            let command = self.think();
            self.obey(&command);
            if command.status.state == State::GoalReached {
                self.outcome.reached = true;
                break;
            }
            frame += 1;
            self.fly(frame as f64 * FRAME - self.time);
        }
        &self.outcome
    }
}
