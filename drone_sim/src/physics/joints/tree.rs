//! The tree of links and its equations of motion.

use nalgebra::{Isometry3, Matrix3, Matrix6, Translation3, UnitQuaternion, Vector3, Vector6};

use crate::checkpoint::{Stateful, Tape};

/// Natural frequency and damping share of a joint that is pressed against its limit; rad/s.
const STOP: (f64, f64) = (400.0, 0.7);
/// Dissipation is bounded so that a step of the integrator does not overshoot, 1/s.
const FASTEST: f64 = 1000.0;
/// Speed at which friction is whole, rad/s or m/s.
const CREEP: f64 = 1e-3;

/// How a joint lets its link move; directions in the joint's frame.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Freedom {
    /// Not at all.
    Fixed,
    /// About a direction.
    Turn(Vector3<f64>),
    /// Along a direction.
    Slide(Vector3<f64>),
}

/// What acts in a joint; radians and newton metres, or metres and newtons.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Law {
    /// Lowest position.
    pub lower: f64,
    /// Highest position.
    pub upper: f64,
    /// Per speed.
    pub damping: f64,
    /// Coulomb.
    pub friction: f64,
    /// Per distance from `reference`.
    pub stiffness: f64,
    /// Where the spring rests.
    pub reference: f64,
}

impl Default for Law {
    fn default() -> Self {
        let (lower, upper) = (f64::NEG_INFINITY, f64::INFINITY);
        Self { lower, upper, damping: 0.0, friction: 0.0, stiffness: 0.0, reference: 0.0 }
    }
}

/// A link with the joint that it hangs by.
#[derive(Debug, Clone, PartialEq)]
pub struct Body {
    /// Index of the link it hangs on; `None` for the base.
    pub parent: Option<usize>,
    /// The joint's frame in the parent's (or the base's), metres.
    pub place: Isometry3<f64>,
    /// The link's frame in the joint's, at position 0.
    pub link: Isometry3<f64>,
    /// How it moves.
    pub freedom: Freedom,
    /// What acts in the joint.
    pub law: Law,
    /// Mass, kg.
    pub mass: f64,
    /// Centre of mass in the link, metres.
    pub centre: Vector3<f64>,
    /// Moments about the centre along the link's axes, kg m2.
    pub inertia: Matrix3<f64>,
}

impl Body {
    /// The direction of motion in the link's frame: turning, then shifting of its origin.
    fn direction(&self) -> Vector6<f64> {
        let turn = self.link.rotation.inverse();
        match self.freedom {
            Freedom::Fixed => Vector6::zeros(),
            Freedom::Turn(axis) => {
                let (axis, pivot) = (turn * axis, self.link.inverse().translation.vector);
                stack(&axis, &pivot.cross(&axis))
            }
            Freedom::Slide(axis) => stack(&Vector3::zeros(), &(turn * axis)),
        }
    }

    /// Moments, mass and their coupling about the link's origin.
    fn spatial(&self) -> Matrix6<f64> {
        let (m, c) = (self.mass, self.centre.cross_matrix());
        let mut out = Matrix6::zeros();
        out.fixed_view_mut::<3, 3>(0, 0).copy_from(&(self.inertia + c * c.transpose() * m));
        out.fixed_view_mut::<3, 3>(0, 3).copy_from(&(c * m));
        out.fixed_view_mut::<3, 3>(3, 0).copy_from(&(c.transpose() * m));
        out.fixed_view_mut::<3, 3>(3, 3).copy_from(&(Matrix3::identity() * m));
        out
    }

    /// The link's frame in its parent's.
    fn pose(&self, position: f64) -> Isometry3<f64> {
        let moved = match self.freedom {
            Freedom::Fixed => Isometry3::identity(),
            Freedom::Turn(axis) => {
                Isometry3::from_parts(Translation3::identity(), UnitQuaternion::new(axis * position))
            }
            Freedom::Slide(axis) => Translation3::from(axis * position).into(),
        };
        self.place * moved * self.link
    }
}

/// What one link needs for one evaluation.
#[derive(Debug, Clone, PartialEq)]
struct Scratch {
    /// Motions of the parent as motions of the link.
    carry: Matrix6<f64>,
    velocity: Vector6<f64>,
    bias: Vector6<f64>,
    inertia: Matrix6<f64>,
    force: Vector6<f64>,
    pull: Vector6<f64>,
    resist: f64,
    drive: f64,
    acceleration: Vector6<f64>,
}

impl Scratch {
    fn new() -> Self {
        Self {
            carry: Matrix6::identity(),
            velocity: Vector6::zeros(),
            bias: Vector6::zeros(),
            inertia: Matrix6::zeros(),
            force: Vector6::zeros(),
            pull: Vector6::zeros(),
            resist: 0.0,
            drive: 0.0,
            acceleration: Vector6::zeros(),
        }
    }
}

/// Links on a base that stands still, with the state of their joints. Nothing allocates once it is made.
#[derive(Debug, Clone, PartialEq)]
pub struct Tree {
    bodies: Vec<Body>,
    directions: Vec<Vector6<f64>>,
    inertias: Vec<Matrix6<f64>>,
    position: Vec<f64>,
    speed: Vec<f64>,
    scratch: Vec<Scratch>,
    /// Slopes and the state between, for RK4.
    stages: [Vec<f64>; 4],
}

impl Tree {
    /// Of links, each after the one it hangs on; at rest at position 0. `None` if one hangs on a later one, or has no mass.
    pub fn new(bodies: Vec<Body>) -> Option<Self> {
        let orderly = bodies.iter().enumerate().all(|(i, b)| b.parent.is_none_or(|p| p < i));
        if !orderly || bodies.iter().any(|b| b.mass.is_nan() || b.mass <= 0.0) {
            return None;
        }
        let n = bodies.len();
        Some(Self {
            directions: bodies.iter().map(Body::direction).collect(),
            inertias: bodies.iter().map(Body::spatial).collect(),
            position: vec![0.0; n],
            speed: vec![0.0; n],
            scratch: vec![Scratch::new(); n],
            stages: std::array::from_fn(|_| vec![0.0; 2 * n]),
            bodies,
        })
    }

    /// The links.
    pub fn bodies(&self) -> &[Body] {
        &self.bodies
    }

    /// Positions of the joints, rad or m, link by link; 0 for fixed ones.
    pub fn positions(&self) -> &[f64] {
        &self.position
    }

    /// Speeds of the joints, rad/s or m/s.
    pub fn speeds(&self) -> &[f64] {
        &self.speed
    }

    /// Puts a joint somewhere.
    pub fn set(&mut self, joint: usize, position: f64, speed: f64) {
        (self.position[joint], self.speed[joint]) = (position, speed);
    }

    /// Frame of each link in the base's, in order.
    pub fn poses(&self) -> Vec<Isometry3<f64>> {
        let mut out: Vec<Isometry3<f64>> = Vec::with_capacity(self.bodies.len());
        for (body, q) in self.bodies.iter().zip(&self.position) {
            let here = body.pose(*q);
            out.push(body.parent.map_or(here, |p| out[p] * here));
        }
        out
    }

    /// Whether every number of its state is finite.
    pub fn is_finite(&self) -> bool {
        self.position.iter().chain(&self.speed).all(|x| x.is_finite())
    }

    /// Kinetic and potential energy in gravity (m/s2, base frame), joules; springs left out.
    pub fn energy(&mut self, gravity: &Vector3<f64>) -> f64 {
        let (q, v) = (self.position.clone(), self.speed.clone());
        self.forth(&q, &v, gravity);
        let poses = self.poses();
        let each = self.bodies.iter().zip(&self.scratch).zip(&self.inertias).zip(&poses);
        each.map(|(((body, s), inertia), pose)| {
            let height = -(pose * nalgebra::Point3::from(body.centre)).coords.dot(gravity);
            0.5 * s.velocity.dot(&(inertia * s.velocity)) + body.mass * height
        })
        .sum()
    }

    /// One step of `dt` seconds in gravity (m/s2, base frame).
    pub fn step(&mut self, gravity: &Vector3<f64>, dt: f64) {
        let n = self.bodies.len();
        let mut stages = std::mem::take(&mut self.stages);
        let (mut q, mut v) = (std::mem::take(&mut self.position), std::mem::take(&mut self.speed));
        let [sum, slope, at, _] = &mut stages;
        sum.fill(0.0);
        slope.fill(0.0);
        for (before, weight) in [(0.0, 1.0), (0.5, 2.0), (0.5, 2.0), (1.0, 1.0)] {
            for i in 0..n {
                at[i] = q[i] + before * dt * slope[i];
                at[n + i] = v[i] + before * dt * slope[n + i];
            }
            let (here, speed) = at.split_at(n);
            self.forth(here, speed, gravity);
            self.back(here, speed);
            for i in 0..n {
                slope[i] = speed[i];
                slope[n + i] = self.accelerate(i, gravity);
                sum[i] += weight * slope[i];
                sum[n + i] += weight * slope[n + i];
            }
        }
        for i in 0..n {
            q[i] += dt / 6.0 * sum[i];
            v[i] += dt / 6.0 * sum[n + i];
        }
        (self.stages, self.position, self.speed) = (stages, q, v);
    }

    /// Velocities, and the forces that they alone call for.
    fn forth(&mut self, q: &[f64], v: &[f64], _gravity: &Vector3<f64>) {
        for i in 0..self.bodies.len() {
            let body = &self.bodies[i];
            let carry = carry(&body.pose(q[i]));
            let own = self.directions[i] * v[i];
            let velocity = body.parent.map_or(own, |p| carry * self.scratch[p].velocity + own);
            let momentum = self.inertias[i] * velocity;
            let s = &mut self.scratch[i];
            s.carry = carry;
            s.velocity = velocity;
            s.bias = cross_motion(&velocity, &own);
            s.inertia = self.inertias[i];
            s.force = cross_force(&velocity, &momentum);
        }
    }

    /// From the tips to the base: what each link and all that hangs on it resist and call for.
    fn back(&mut self, q: &[f64], v: &[f64]) {
        for i in (0..self.bodies.len()).rev() {
            let (body, along) = (&self.bodies[i], &self.directions[i]);
            let s = &mut self.scratch[i];
            let (mut inertia, mut force) = (s.inertia, s.force + s.inertia * s.bias);
            if body.freedom != Freedom::Fixed {
                s.pull = s.inertia * along;
                s.resist = along.dot(&s.pull).max(1e-12);
                s.drive = effort(&body.law, q[i], v[i], s.resist) - along.dot(&s.force);
                inertia -= s.pull * s.pull.transpose() / s.resist;
                force = s.force + inertia * s.bias + s.pull * (s.drive / s.resist);
            }
            let carry = s.carry;
            if let Some(parent) = body.parent {
                let to = &mut self.scratch[parent];
                to.inertia += carry.transpose() * inertia * carry;
                to.force += carry.transpose() * force;
            }
        }
    }

    /// The acceleration of joint `i`, those before it being known.
    fn accelerate(&mut self, i: usize, gravity: &Vector3<f64>) -> f64 {
        // A base that accelerates upwards is gravity.
        let base = stack(&Vector3::zeros(), &-gravity);
        let below = self.bodies[i].parent.map_or(base, |p| self.scratch[p].acceleration);
        let s = &mut self.scratch[i];
        let carried = s.carry * below + s.bias;
        if self.bodies[i].freedom == Freedom::Fixed {
            s.acceleration = carried;
            return 0.0;
        }
        let own = (s.drive - s.pull.dot(&carried)) / s.resist;
        s.acceleration = carried + self.directions[i] * own;
        own
    }
}

/// What acts in a joint whose link resists with `resist` (kg m2 or kg).
fn effort(law: &Law, q: f64, v: f64, resist: f64) -> f64 {
    let most = FASTEST * resist;
    let dissipation = law.damping + law.friction / v.abs().max(CREEP);
    let mut out = -dissipation.min(most) * v - law.stiffness * (q - law.reference);
    let beyond = if q < law.lower { law.lower - q } else { law.upper.min(q) - q };
    if beyond != 0.0 {
        let (frequency, damping) = STOP;
        let push = resist * (frequency * frequency * beyond - 2.0 * damping * frequency * v);
        // A stop pushes; it does not hold.
        out += if beyond > 0.0 { push.max(0.0) } else { push.min(0.0) };
    }
    out
}

fn stack(a: &Vector3<f64>, b: &Vector3<f64>) -> Vector6<f64> {
    Vector6::new(a.x, a.y, a.z, b.x, b.y, b.z)
}

fn halves(v: &Vector6<f64>) -> (Vector3<f64>, Vector3<f64>) {
    (v.fixed_rows::<3>(0).into(), v.fixed_rows::<3>(3).into())
}

/// Motions of the parent as motions of a link at `pose` in it.
fn carry(pose: &Isometry3<f64>) -> Matrix6<f64> {
    let turn = pose.rotation.inverse().to_rotation_matrix().into_inner();
    let mut out = Matrix6::zeros();
    out.fixed_view_mut::<3, 3>(0, 0).copy_from(&turn);
    out.fixed_view_mut::<3, 3>(3, 3).copy_from(&turn);
    out.fixed_view_mut::<3, 3>(3, 0).copy_from(&(-turn * pose.translation.vector.cross_matrix()));
    out
}

fn cross_motion(v: &Vector6<f64>, m: &Vector6<f64>) -> Vector6<f64> {
    let ((w, u), (a, b)) = (halves(v), halves(m));
    stack(&w.cross(&a), &(w.cross(&b) + u.cross(&a)))
}

fn cross_force(v: &Vector6<f64>, f: &Vector6<f64>) -> Vector6<f64> {
    let ((w, u), (n, p)) = (halves(v), halves(f));
    stack(&(w.cross(&n) + u.cross(&p)), &w.cross(&p))
}

impl Stateful for Tree {
    fn go_over(&mut self, tape: &mut Tape<'_>) {
        self.position.iter_mut().chain(&mut self.speed).for_each(|x| tape.f64(x));
        if !self.is_finite() {
            tape.blame("a joint's state is not finite");
        }
    }
}
