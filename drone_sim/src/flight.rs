//! One flight: a vehicle in a world, with its command, its contacts and its end.
//!
//! Invariant: what happens depends on the world, the commands and the simulated times at which they came, never on how
//! often or in what portions [`Flight::advance`] is called.

use std::sync::Arc;

use nalgebra::{Isometry3, Point3, UnitQuaternion, Vector3};

use crate::checkpoint::{Stateful, Tape};
use crate::contact::{Clearance, Contacts, clearance};
use crate::error::{Result, SimError};
use crate::physics::{
    Battery, BatterySpec, Command, Gear, Ground, Quadrotor, STEP_NS, STEP_S, Sample, Vehicle, Wind, WindSpec,
};
use crate::rng::Stream;
use crate::scenario::{ACTOR_STEP_NS, Passer, World};
use crate::solids::Solids;

/// A command older than this is void, nanoseconds of simulated time.
pub const COMMAND_LIFETIME_NS: i64 = 500_000_000;

/// The axes of a velocity command.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Axes {
    /// x forward and y left in the horizontal plane, z up.
    Heading,
    /// World ENU.
    World,
}

/// How a flight ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// The goal was reached.
    Reached,
    /// It touched something and was to stop then.
    Collided,
    /// Time was up.
    TimedOut,
}

impl Outcome {
    /// The word for messages.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Reached => "reached",
            Self::Collided => "collided",
            Self::TimedOut => "time_limit",
        }
    }
}

/// When a flight ends.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Rules {
    /// Radius of the vehicle's sphere, metres.
    pub body_radius: f64,
    /// Distance to the goal that counts as reached, metres.
    pub goal_radius: f64,
    /// Simulated time after which it ends, nanoseconds.
    pub time_limit_ns: i64,
    /// Whether the first contact ends it.
    pub stop_on_collision: bool,
    /// Whether coming to the goal ends it.
    pub goal_ends: bool,
}

impl Default for Rules {
    fn default() -> Self {
        Self {
            body_radius: 0.25,
            goal_radius: 1.5,
            time_limit_ns: 120_000_000_000,
            stop_on_collision: false,
            goal_ends: true,
        }
    }
}

/// A flight in progress.
#[derive(Debug, Clone)]
pub struct Flight {
    world: Arc<World>,
    quad: Quadrotor,
    contacts: Contacts,
    rules: Rules,
    order: Option<(Command, Axes, i64)>,
    /// Where it hovers while there is no valid command.
    hold: Option<Point3<f64>>,
    least_clearance: f64,
    path_length: f64,
    outcome: Option<Outcome>,
    /// Where distances were measured last, and those to the nearest thing and to the ground.
    measured: Option<(Vector3<f64>, [f64; 2])>,
    wind: Option<Wind>,
    battery: Battery,
    /// Whether a flight controller outside commands the rotors.
    steered: bool,
    /// The free body that the last step touched.
    met: Option<u32>,
    /// What the contacts of the last step gave the vehicle, m/s2, world.
    borne: Vector3<f64>,
}

/// Nothing nearer than this was touched lately: contacts need no look.
const WATCHFUL: f64 = 0.1;
/// How far the feet of a vehicle that stands end below its sphere, metres: who lands softly touches nothing with the sphere.
const LEGS: f64 = 0.03;

impl Flight {
    /// A vehicle that hovers at the world's start.
    ///
    /// # Errors
    /// PG-1021 if the vehicle cannot hover in this world's gravity.
    pub fn new(world: Arc<World>, vehicle: Vehicle, rules: Rules) -> Result<Self> {
        let start = centre_at_start(&world, &vehicle);
        let quad = Quadrotor::hovering(vehicle, start, world.start_yaw, world.gravity)?;
        let hold = Some(start);
        let least_clearance = clearance(&world.solids, &start, rules.body_radius).distance;
        let (contacts, order, outcome) = (Contacts::default(), None, None);
        Ok(Self {
            world,
            quad,
            contacts,
            rules,
            order,
            hold,
            least_clearance,
            path_length: 0.0,
            outcome,
            measured: None,
            wind: None,
            battery: Battery::new(BatterySpec::default()),
            steered: false,
            met: None,
            borne: Vector3::zeros(),
        })
    }

    /// A vehicle that stands at the world's start, or under it on the next thing below, with its rotors at rest: for a flight
    /// controller outside, which commands its rotors. Commands of velocities are not obeyed.
    ///
    /// # Errors
    /// PG-1021 if the vehicle cannot hover in this world's gravity.
    pub fn standing(world: Arc<World>, vehicle: Vehicle, rules: Rules) -> Result<Self> {
        let gear = Gear::under(&vehicle, rules.body_radius + LEGS);
        let mut start = centre_at_start(&world, &vehicle);
        let ground = ground_under(&world.solids, &start);
        // Where no ground is it falls, as it would.
        let height = gear.standing_height(vehicle.mass * world.gravity.norm());
        start.z = ground.map_or(start.z, |ground| ground + height);
        let (yaw, gravity) = (world.start_yaw, world.gravity);
        let mut flight = Self::new(world, vehicle.clone(), rules)?;
        flight.quad = Quadrotor::standing(vehicle, start, yaw, gravity, gear)?;
        flight.quad.look_down(|foot, centre| under_foot(&flight.world.solids, foot, centre));
        flight.least_clearance = clearance(&flight.world.solids, &start, flight.rules.body_radius).distance;
        (flight.steered, flight.hold) = (true, Some(start));
        Ok(flight)
    }

    /// Whether a flight controller outside commands the rotors for good.
    pub fn is_steered(&self) -> bool {
        self.quad.gear().is_some()
    }

    /// The same flight in wind; `stream` chooses its gusts.
    #[must_use]
    pub fn in_wind(mut self, spec: WindSpec, stream: Stream) -> Self {
        self.wind = (spec != WindSpec::default()).then(|| Wind::new(spec, stream));
        self.quad.wind = spec.mean;
        self
    }

    /// The same flight on this battery, of whose capacity that share is left (0 to 1).
    #[must_use]
    pub fn on_battery(mut self, spec: BatterySpec, charge: f64) -> Self {
        self.battery = Battery::new(spec).charged(charge);
        self
    }

    /// Keeps the accelerations that the controller asks for below these (m/s2): the smaller of x and y in the horizontal plane, z.
    pub fn limit_acceleration(&mut self, most: &Vector3<f64>) {
        self.quad.controller_mut().limit_acceleration(most);
    }

    /// Takes a command that came at `now` (nanoseconds). False if it is not obeyed: a number of it is not finite, or a flight
    /// controller outside flies.
    pub fn command(&mut self, command: Command, axes: Axes, now: i64) -> bool {
        let numbers = [command.velocity.x, command.velocity.y, command.velocity.z, command.yaw_rate];
        let obeyed = numbers.iter().all(|x| x.is_finite()) && !self.is_steered();
        if obeyed {
            self.order = Some((command, axes, now));
            if self.steered {
                self.steered = false;
                self.quad.release_rotors();
            }
        }
        obeyed
    }

    /// Stops the rotors for good.
    pub fn cut_motors(&mut self) {
        self.quad.set_rotor_command(&[]);
    }

    /// Rotor speeds (rad/s), in the order of the vehicle's rotors, of a flight controller outside, in place of velocity commands,
    /// until the next of those. Rotors without a speed stop.
    pub fn command_rotors(&mut self, speeds: &[f64]) {
        self.steered = true;
        self.quad.set_rotor_command(speeds);
    }

    /// Lets time pass until `to` (nanoseconds), or until the flight ends.
    ///
    /// # Errors
    /// PG-1023 if the state stops being finite.
    pub fn advance(&mut self, to: i64) -> Result<()> {
        while self.outcome.is_none() && self.quad.time_ns() + STEP_NS <= to {
            let now = self.quad.time_ns();
            if self.world.is_moving() && now % ACTOR_STEP_NS == 0 {
                Arc::make_mut(&mut self.world).move_all(now as f64 * 1e-9)?;
                self.measured = None;
            }
            self.step()?;
        }
        if self.world.unseen {
            Arc::make_mut(&mut self.world).show()?;
        }
        Ok(())
    }

    fn step(&mut self) -> Result<()> {
        let command = self.wanted();
        self.quad.set_command(command);
        let before = self.quad.state().position;
        self.borne = Vector3::zeros();
        if let Some(wind) = &mut self.wind {
            let (at, velocity) = (Point3::from(before), self.quad.state().velocity);
            self.quad.wind = wind.at(self.quad.time_ns() / STEP_NS, &at, &velocity);
        }
        let solids = &self.world.solids;
        self.quad.look_down(|foot, centre| under_foot(solids, foot, centre));
        self.quad.step();
        if !self.world.mechanisms.is_empty() {
            let gravity = self.world.gravity;
            let mechanisms = &mut Arc::make_mut(&mut self.world).mechanisms;
            mechanisms.iter_mut().for_each(|m| m.step(&gravity, STEP_S));
        }
        if self.world.loose.is_some() {
            self.jostle(before);
        }
        self.battery.step(self.quad.vehicle(), &self.quad.state().rotors, STEP_S);
        let now = self.quad.time_ns();
        if !self.quad.state().is_finite() {
            return Err(SimError::Diverged { seconds: now as f64 * 1e-9 });
        }
        self.touch();
        let here = Point3::from(self.quad.state().position);
        self.path_length += (here.coords - before).norm();
        self.outcome = if self.rules.stop_on_collision && self.contacts.episodes() > 0 {
            Some(Outcome::Collided)
        } else if self.rules.goal_ends && (here - self.world.goal).norm() <= self.rules.goal_radius {
            Some(Outcome::Reached)
        } else if now >= self.rules.time_limit_ns {
            Some(Outcome::TimedOut)
        } else {
            None
        };
        Ok(())
    }

    /// Lets the free bodies go on, and vehicle and bodies feel each other. `before` is where the vehicle was.
    fn jostle(&mut self, before: Vector3<f64>) {
        let mut state = *self.quad.state();
        let (mass, radius) = (self.quad.vehicle().mass, self.rules.body_radius);
        let passer = Passer { position: before, velocity: state.velocity, mass, radius };
        let seconds = self.quad.time_ns() as f64 * 1e-9;
        let stir = Arc::make_mut(&mut self.world).stir(&passer, seconds);
        if stir.moved {
            self.measured = None;
        }
        self.met = None;
        if let Some((shift, kick, object)) = stir.jolt {
            state.position += shift;
            state.velocity += kick;
            self.borne += kick / STEP_S;
            self.quad.set_state(state);
            (self.met, self.measured) = (Some(object), None);
        }
    }

    /// Contacts and the least clearance. Distance changes by no more than the way flown, so both need a look only when
    /// the last distance, less the way since, could matter.
    fn touch(&mut self) {
        let here = self.quad.state().position;
        if let Some((there, [thing, ground])) = self.measured {
            let way = (here - there).norm();
            if thing.min(ground) - way > WATCHFUL && thing - way >= self.least_clearance {
                return;
            }
        }
        let radius = self.rules.body_radius;
        let (world, met) = (&self.world, self.met);
        let free = |object| world.is_free(object);
        let after = self.contacts.resolve_among(&world.solids, radius, self.quad.state(), free, met);
        if let Some(after) = after {
            self.borne += (after.velocity - self.quad.state().velocity) / STEP_S;
            self.quad.set_state(after);
        }
        let here = Point3::from(self.quad.state().position);
        let gap = clearance(&self.world.solids, &here, radius).distance;
        self.least_clearance = self.least_clearance.min(gap);
        let ground =
            self.world.solids.nearest_plane(&here).map_or(f64::INFINITY, |h| h.near.distance - radius);
        self.measured = Some((here.coords, [gap, ground]));
    }

    /// What the vehicle shall do now: the last command if it is fresh, else stay where it came to rest.
    fn wanted(&mut self) -> Command {
        let state = self.quad.state();
        let to_heading = UnitQuaternion::from_euler_angles(0.0, 0.0, -state.yaw());
        let fresh = self.order.filter(|(.., at)| self.quad.time_ns() - at <= COMMAND_LIFETIME_NS);
        if let Some((mut command, axes, _)) = fresh {
            self.hold = None;
            if axes == Axes::World {
                command.velocity = to_heading * command.velocity;
                command.steady = true;
            }
            return command;
        }
        // The place to hold is chosen once the vehicle has nearly stopped, so that it does not fly back.
        if self.hold.is_none() && state.velocity.norm() < 0.3 {
            self.hold = Some(Point3::from(state.position));
        }
        let Some(hold) = self.hold else { return Command::default() };
        let back = (hold.coords - state.position) * 1.0;
        let back = if back.norm() > 1.0 { back.normalize() } else { back };
        // The controller holds height by itself.
        let velocity = to_heading * Vector3::new(back.x, back.y, 0.0);
        Command { velocity, ..Command::default() }
    }

    /// The vehicle, by its frame, at `at` (nanoseconds), which must lie within one step of the last [`Flight::advance`]. What its
    /// sphere was pushed with in that step counts as a force that lasted as long.
    pub fn sample(&self, at: i64) -> Sample {
        let mut sample = self.quad.sample((at - self.quad.time_ns()).clamp(0, STEP_NS));
        if self.borne != Vector3::zeros() {
            sample.specific_force += sample.state.rotation().inverse() * self.borne;
        }
        sample
    }

    /// Distance to the nearest thing, from the vehicle's surface.
    pub fn clearance(&self) -> Clearance {
        let here = Point3::from(self.quad.state().position);
        clearance(&self.world.solids, &here, self.rules.body_radius)
    }

    /// Time of the last step, nanoseconds.
    pub fn time_ns(&self) -> i64 {
        self.quad.time_ns()
    }

    /// Smallest clearance so far, metres.
    pub fn least_clearance(&self) -> f64 {
        self.least_clearance
    }

    /// Length of the way so far, metres.
    pub fn path_length(&self) -> f64 {
        self.path_length
    }

    /// The battery.
    pub fn battery(&self) -> &Battery {
        &self.battery
    }

    /// Contacts so far.
    pub fn contacts(&self) -> &Contacts {
        &self.contacts
    }

    /// Tells a model that drives on wheels what to do: m/s forward, rad/s about up. False if there is none of that name.
    pub fn command_drive(&mut self, model: &str, forward: f64, turn: f64) -> bool {
        if !self.world.mechanisms.iter().any(|m| m.model == model && m.drive.is_some()) {
            return false;
        }
        let mechanisms = &mut Arc::make_mut(&mut self.world).mechanisms;
        let drives = mechanisms.iter_mut().filter(|m| m.model == model).filter_map(|m| m.drive.as_mut());
        drives.for_each(|drive| drive.command(forward, turn));
        true
    }

    /// Changes the world between two steps.
    pub fn edit_world<T>(&mut self, edit: impl FnOnce(&mut World) -> T) -> T {
        self.measured = None;
        edit(Arc::make_mut(&mut self.world))
    }

    /// Puts the vehicle's frame there, standing still; its command is forgotten with the height and the heading that it held, and there
    /// it stays until the next command.
    pub fn place(&mut self, pose: &Isometry3<f64>) {
        let mut state = *self.quad.state();
        state.position = (pose * Point3::from(self.quad.vehicle().centre)).coords;
        state.attitude = pose.rotation.into_inner();
        state.velocity = Vector3::zeros();
        state.rates = Vector3::zeros();
        self.borne = Vector3::zeros();
        self.quad.set_state(state);
        self.quad.controller_mut().forget();
        self.measured = None;
        (self.order, self.hold) = (None, Some(Point3::from(state.position)));
    }

    /// How it ended, once it has.
    pub fn outcome(&self) -> Option<Outcome> {
        self.outcome
    }

    /// Where it takes place.
    pub fn world(&self) -> &Arc<World> {
        &self.world
    }

    /// When it ends, and how large the vehicle is.
    pub fn rules(&self) -> &Rules {
        &self.rules
    }

    /// The vehicle.
    pub fn quad(&self) -> &Quadrotor {
        &self.quad
    }
}

/// Where the centre of mass of a vehicle is whose frame stands at the world's start.
fn centre_at_start(world: &World, vehicle: &Vehicle) -> Point3<f64> {
    world.start + UnitQuaternion::from_euler_angles(0.0, 0.0, world.start_yaw) * vehicle.centre
}

/// What bears a foot of a vehicle whose centre of mass is `centre`. Triangles, of which meshes and heightmaps are made, have no
/// inside that would tell how deep a foot has sunk: it has where one lies between it and the centre of mass, and their free side is
/// the one towards that.
fn under_foot(solids: &Solids, foot: &Point3<f64>, centre: &Point3<f64>) -> Option<Ground> {
    let hits = [solids.nearest(foot), solids.nearest_plane(foot), solids.face_between(centre, foot)];
    let near = hits.into_iter().flatten().map(|hit| hit.near);
    let near = near.min_by(|a, b| a.distance.total_cmp(&b.distance))?;
    Some(Ground { point: foot.coords - near.normal * near.distance, normal: near.normal })
}

/// Height of the highest thing under a point, metres; `None` if there is none.
fn ground_under(solids: &Solids, p: &Point3<f64>) -> Option<f64> {
    let depth = solids.all().iter().map(|solid| {
        let (o, d) = (solid.pose.inverse() * p, solid.pose.rotation.inverse() * -Vector3::z());
        solid.shape.ray(&[o.x, o.y, o.z], &[d.x, d.y, d.z])
    });
    let depth = depth.fold(f64::INFINITY, f64::min);
    if depth.is_finite() {
        return Some(p.z - depth);
    }
    // A start inside or under the ground, as files have it whose models sink in a little.
    solids.nearest_plane(p).filter(|hit| hit.near.distance <= 0.0).map(|hit| p.z - hit.near.distance)
}

impl Stateful for Flight {
    fn go_over(&mut self, tape: &mut Tape<'_>) {
        self.quad.go_over(tape);
        self.contacts.go_over(tape);
        let blank = || (Command::default(), Axes::Heading, 0);
        tape.option(&mut self.order, blank, |tape, (command, axes, at)| {
            command.go_over(tape);
            *axes =
                if tape.tag(u8::from(*axes == Axes::World), 2) == 1 { Axes::World } else { Axes::Heading };
            tape.i64(at, 0..=i64::MAX / 2);
        });
        tape.option(&mut self.hold, Point3::origin, |tape, hold| tape.vector(&mut hold.coords));
        tape.f64(&mut self.least_clearance);
        tape.f64(&mut self.path_length);
        let outcomes = [None, Some(Outcome::Reached), Some(Outcome::Collided), Some(Outcome::TimedOut)];
        let number = outcomes.iter().position(|o| *o == self.outcome).unwrap_or(0);
        self.outcome = outcomes[usize::from(tape.tag(number as u8, 4))];
        tape.option(
            &mut self.measured,
            || (Vector3::zeros(), [0.0; 2]),
            |tape, (at, distances)| {
                tape.vector(at);
                distances.iter_mut().for_each(|d| tape.f64(d));
            },
        );
        let windy = self.wind.is_some();
        if (tape.tag(u8::from(windy), 2) == 1) != windy {
            tape.blame("it was made in other wind");
        }
        if let Some(wind) = &mut self.wind {
            wind.go_over(tape);
        }
        self.battery.go_over(tape);
        tape.bool(&mut self.steered);
        tape.option(&mut self.met, || 0, |tape, met| tape.u32(met));
        tape.vector(&mut self.borne);
        if self.world.is_moving() || self.world.loose.is_some() {
            Arc::make_mut(&mut self.world).go_over(tape);
        }
    }
}

#[cfg(test)]
mod tests;
