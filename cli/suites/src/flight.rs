//! One flight, in closed loop: photons, 29 ms of camera, the planner, the link, the vehicle, and what it came near to.

use std::collections::VecDeque;

use peregrine_avoidance::algo::config::Config;
use peregrine_avoidance::algo::depth::DepthImage;
use peregrine_avoidance::algo::geometry::{Pose, Vec3};
use peregrine_avoidance::algo::planner::{Command, Planner};
use peregrine_avoidance::algo::state::{State, Status};

use crate::camera::{Camera, Stereo};
use crate::rng::Random;
use crate::scanner::Laser;
use crate::sighting::Sightings;
use crate::vehicle::{STEP, STEP_NS, Truth, Vehicle};
use crate::world::World;

/// Steps from one image to the next (30 Hz).
const FRAME_STEPS: u64 = 8;
/// Radius of the body with its propellers, metres.
pub const BODY: f64 = 0.25;
/// The watchdog runs at 20 Hz.
const WATCHDOG_STEPS: u64 = 12;

/// How one flies and what is simulated.
#[derive(Debug, Clone, PartialEq)]
pub struct Setup {
    /// The planner's settings.
    pub config: Config,
    /// From photon to the arrival of the image, seconds.
    pub camera_latency: f64,
    /// From the arrival of the image until the command acts on the vehicle, seconds: planner's p99 and the link.
    pub command_latency: f64,
    /// Mismatch of the vehicle, share of each number.
    pub mismatch: f64,
    /// Rays per row of the depth camera: 160, or 640 for every pixel.
    pub rays: usize,
    /// Range of the camera, metres.
    pub far: f64,
    /// What the camera does to the truth.
    pub stereo: Stereo,
    /// A laser scanner beside the camera, in the middle of the body; the planner's settings must name it too.
    pub laser: Option<Laser>,
    /// Keep the track.
    pub record: bool,
}

/// One moment of a flight.
#[derive(Debug, Clone, Copy)]
pub struct Moment {
    /// Seconds.
    pub time: f64,
    /// Where it was, metres.
    pub position: Vec3,
    /// How fast, m/s.
    pub speed: f64,
    /// What was commanded, m/s, odom.
    pub commanded: Vec3,
    /// What the planner was doing, and why.
    pub status: Status,
    /// Heading, radians.
    pub yaw: f64,
    /// Metres from the body's surface to the nearest thing.
    pub clearance: f64,
}

/// What came of a flight.
#[derive(Debug, Clone)]
pub struct Outcome {
    /// Seed of world, vehicle and noise.
    pub seed: u64,
    /// At the goal, nothing touched.
    pub success: bool,
    /// Something was touched.
    pub collided: bool,
    /// Seconds in the air.
    pub seconds: f64,
    /// Metres flown.
    pub length: f64,
    /// Least distance of the body's surface to anything, metres.
    pub clearance: f64,
    /// STUCK was reported.
    pub stuck: bool,
    /// What the planner did last.
    pub last: State,
    /// Where it ended.
    pub position: Vec3,
    /// Frames planned.
    pub cycles: u64,
    /// How often it tried to get over or under something.
    pub rises: u32,
    /// The way, if it was asked for.
    pub track: Vec<Moment>,
}

/// Flies one task. `None` when the settings are not valid.
#[must_use]
pub fn fly(world: &World, setup: &Setup, seed: u64) -> Option<Outcome> {
    fly_with(world, setup, seed, |planner, now, stamp, image, _| planner.on_depth(now, stamp, image))
}

/// As [`fly`], with the planner's call in the caller's hands: to measure it, or to tamper with what it is given. The last
/// argument is the true pose of the body at the image's stamp.
#[must_use]
pub fn fly_with(
    world: &World,
    setup: &Setup,
    seed: u64,
    mut plan: impl FnMut(&mut Planner, i64, i64, &DepthImage<'_>, &Pose) -> Command,
) -> Option<Outcome> {
    let mut camera = Camera::new(setup.rays, setup.far as f32)?;
    let mut planner = Planner::new(setup.config.clone()).ok()?;
    planner.set_intrinsics(camera.intrinsics);
    planner.set_goal(world.goal);
    let truth = if setup.mismatch > 0.0 { Truth::mismatched(seed, setup.mismatch) } else { Truth::NOMINAL };
    let mut vehicle = Vehicle::new(truth, world.start, world.yaw, seed);
    let mut rng = Random::new(seed, 0xCA3E);
    let mut latency = Random::new(seed, 0x1A7E);
    let share = setup.mismatch;
    let mut noisy = setup.stereo;
    noisy.noise *= rng.between(1.0 - share, 1.0 + share) as f32;
    let mut sightings = Sightings::new(seed);
    let steps = |seconds: f64| (seconds / STEP).round() as u64;
    let (mut beams, mut turned) = (Random::new(seed, 0x5CA7), VecDeque::new());
    let turn = setup.laser.map_or(u64::MAX, |l| steps(1.0 / l.rate).max(1));
    let (mut reach, mut contact) = (Vec::new(), Vec::new());
    let mut reach_at = world.start;
    let sight = setup.far * 1.5 + 3.0;
    world.near(world.start, sight, &mut reach);
    // Images under way: when they arrive, when they were taken, their bytes.
    let mut image_at: Option<(u64, i64)> = None;
    let mut seen_from = vehicle.pose();
    let mut pending: VecDeque<(u64, Vec3, f64)> = VecDeque::new();
    let mut out = Outcome {
        seed,
        success: false,
        collided: false,
        seconds: 0.0,
        length: 0.0,
        clearance: f64::INFINITY,
        stuck: false,
        last: State::Braking,
        position: world.start,
        cycles: 0,
        rises: 0,
        track: Vec::new(),
    };
    let limit = steps(world.timeout);
    for step in 0..limit {
        let (now, time) = (step as i64 * STEP_NS, step as f64 * STEP);
        planner.on_odometry(now, Some(vehicle.odometry(now)));
        if step.is_multiple_of(FRAME_STEPS) && image_at.is_none() {
            if (vehicle.position - reach_at).norm_xy() > 2.0 {
                world.near(vehicle.position, sight, &mut reach);
                reach_at = vehicle.position;
            }
            world.near(vehicle.position, 4.0, &mut contact);
            seen_from = vehicle.pose();
            let pose = seen_from.then(&planner.config().camera_in_body);
            camera.shoot(world, &reach, time, &pose, &noisy, &mut rng);
            image_at = Some((step + steps(setup.camera_latency).min(FRAME_STEPS - 1), now));
            sightings.look(world, &vehicle, now, setup.far);
        }
        if let Some(laser) = &setup.laser {
            if step.is_multiple_of(turn) {
                let mut ranges = Vec::with_capacity(laser.rays);
                laser.scan(world, &reach, time, &vehicle.pose(), &mut beams, &mut ranges);
                turned.push_back((step + steps(laser.latency), now, ranges));
            }
            while turned.front().is_some_and(|(at, _, _)| *at <= step)
                && let Some((_, stamp, ranges)) = turned.pop_front()
            {
                planner.on_scan(now, stamp, laser.fan(), laser.limits, &ranges);
            }
        }
        if let Some((arrival, stamp)) = image_at
            && arrival <= step
        {
            image_at = None;
            if let Some(tracks) = sightings.take(now) {
                planner.on_tracks(tracks.stamp, tracks.list.iter().copied());
            }
            let k = camera.intrinsics;
            let image = DepthImage::new(k.width, k.height, k.width * 4, "32FC1", &camera.bytes).ok()?;
            let command = plan(&mut planner, now, stamp, &image, &seen_from);
            let late = setup.command_latency * latency.between(1.0 - share, 1.0 + share);
            pending.push_back((step + steps(late).max(1), command.velocity_heading, command.yaw_rate));
            out.cycles += 1;
            out.last = command.status.state;
            out.stuck |= out.last == State::Stuck;
            if setup.record {
                out.track.push(Moment {
                    time,
                    position: vehicle.position,
                    speed: vehicle.velocity.norm(),
                    commanded: command.velocity,
                    status: command.status,
                    yaw: vehicle.yaw,
                    clearance: world.clearance(vehicle.position, time, &contact) - BODY,
                });
            }
        }
        if step.is_multiple_of(WATCHDOG_STEPS)
            && let Some(stop) = planner.on_watchdog(now)
        {
            pending.push_back((step + 1, stop.velocity_heading, stop.yaw_rate));
        }
        while pending.front().is_some_and(|(at, _, _)| *at <= step) {
            if let Some((_, velocity, rate)) = pending.pop_front() {
                vehicle.acting = (velocity, rate);
            }
        }
        out.length += vehicle.step();
        let gap = world.clearance(vehicle.position, time + STEP, &contact) - BODY;
        out.clearance = out.clearance.min(gap);
        out.seconds = time + STEP;
        out.position = vehicle.position;
        if gap <= 0.0 {
            out.collided = true;
            break;
        }
        if (vehicle.position - world.goal).norm_xy() <= world.tolerance {
            out.success = true;
            break;
        }
    }
    out.rises = planner.rises();
    Some(out)
}

impl Outcome {
    /// Of all places and commands of a flight that was recorded, bit for bit (FNV-1a): equal for flights that were flown alike.
    #[must_use]
    pub fn digest(&self) -> u64 {
        let words = |m: &Moment| {
            let (p, c) = (m.position, m.commanded);
            [p.x, p.y, p.z, c.x, c.y, c.z, m.yaw].map(f64::to_bits)
        };
        self.track
            .iter()
            .flat_map(words)
            .fold(0xcbf2_9ce4_8422_2325_u64, |hash, word| (hash ^ word).wrapping_mul(0x0100_0000_01b3))
    }
}
