//! The solver and what is in it.

use std::fmt;

use nalgebra::{Isometry3, Matrix3, Vector3};
use rapier3d_f64::dynamics::{
    CCDSolver, CoefficientCombineRule, FrictionModel, IntegrationParameters, LockedAxes, MassProperties,
    RigidBody, RigidBodyBuilder, RigidBodyHandle, SpringCoefficients,
};
use rapier3d_f64::geometry::{
    ColliderBuilder, ColliderHandle, Group, InteractionGroups, InteractionTestMode, SolverFlags,
};
use rapier3d_f64::math::Matrix;
use rapier3d_f64::pipeline::{
    ActiveHooks, CollisionPipeline, PairFilterContext, PhysicsHooks, PhysicsPipeline, PhysicsWorld,
};
use serde::{Deserialize, Serialize};

use super::form::{Grip, Part, back, isometry, pose, vector};
use super::hold::Hold;
use super::matter::Matter;
use crate::physics::STEP_S;

/// A body.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct BodyId(RigidBodyHandle);

/// The vehicle among the bodies.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct CraftId(RigidBodyHandle, ColliderHandle);

/// What a body does by itself.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Role {
    /// It stands.
    Fixed,
    /// It goes where it is told and pushes what is in its way.
    Pusher,
    /// It falls, rolls and is pushed.
    Free(Matter, Habits),
}

/// How a free body moves.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Habits {
    /// Whether gravity acts on it.
    pub gravity: bool,
    /// Linear and angular damping, 1/s.
    pub decay: [f64; 2],
    /// Bodies of one kin do not collide; 0 is none.
    pub kin: u32,
}

impl Default for Habits {
    fn default() -> Self {
        Self { gravity: true, decay: [0.0; 2], kin: 0 }
    }
}

/// What bodies did to the vehicle in one step.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Jolt {
    /// How far it was moved beside its own way, metres.
    pub shift: Vector3<f64>,
    /// By how much its velocity changed, m/s.
    pub kick: Vector3<f64>,
    /// What it touches.
    pub met: BodyId,
}

/// Who meets whom: what stands or is driven meets free bodies alone, the vehicle too.
const STANDING: Group = Group::GROUP_1;
const FREE: Group = Group::GROUP_2;
const CRAFT: Group = Group::GROUP_3;

/// The vehicle's surface, as that of its contacts with things that stand.
const SKIN: Grip = Grip { friction: 0.4, restitution: 0.2 };

/// A body slower than this for half a second sleeps until something wakes it, m/s at its farthest point.
const STILL: f64 = 2e-3;

/// A pusher that is told to be farther than this from where it was has not gone there, metres in one step.
const LEAP: f64 = 0.5;

/// Bodies.
#[derive(Serialize, Deserialize)]
pub struct Space {
    world: PhysicsWorld,
}

impl Space {
    /// Nothing, in gravity (m/s2, world).
    pub fn new(gravity: &Vector3<f64>) -> Self {
        let world = PhysicsWorld {
            gravity: vector(gravity),
            integration_parameters: parameters(),
            ..PhysicsWorld::default()
        };
        Self { world }
    }

    /// Adds a body. Says too which of its parts cannot be touched: flat meshes that move, for one.
    pub fn add(&mut self, at: &Isometry3<f64>, role: Role, parts: &[Part]) -> (BodyId, Vec<usize>) {
        let builder = match role {
            Role::Fixed => RigidBodyBuilder::fixed(),
            Role::Pusher => RigidBodyBuilder::kinematic_position_based(),
            Role::Free(matter, habits) => RigidBodyBuilder::dynamic()
                .additional_mass_properties(masses(&matter))
                .gravity_scale(if habits.gravity { 1.0 } else { 0.0 })
                .user_data(u128::from(habits.kin))
                .linear_damping(habits.decay[0])
                .angular_damping(habits.decay[1]),
        };
        let mut body: RigidBody = builder.pose(pose(at)).build();
        let free = matches!(role, Role::Free(..));
        let hooks = match role {
            Role::Free(_, Habits { kin: 1.., .. }) => ActiveHooks::FILTER_CONTACT_PAIRS,
            _ => ActiveHooks::empty(),
        };
        if free {
            body.activation_mut().normalized_linear_threshold = STILL;
        }
        let handle = self.world.insert_body(body);
        let mut untouchable = Vec::new();
        for (i, part) in parts.iter().enumerate() {
            let Some((shape, local)) = part.form.shape(free) else {
                untouchable.push(i);
                continue;
            };
            let groups = if free { groups(FREE, STANDING | FREE | CRAFT) } else { groups(STANDING, FREE) };
            let collider = collider(ColliderBuilder::new(shape), &part.grip, groups)
                .active_hooks(hooks)
                .position(pose(&(part.place * local)));
            self.world.insert_collider(collider, Some(handle));
        }
        (BodyId(handle), untouchable)
    }

    /// Adds the vehicle: a ball that turns as it likes. It is where [`Space::meet`] says.
    pub fn add_craft(&mut self, mass: f64, radius: f64) -> CraftId {
        let body = RigidBodyBuilder::dynamic()
            .additional_mass_properties(masses(&Matter::ball(mass, radius)))
            .locked_axes(LockedAxes::ROTATION_LOCKED)
            .gravity_scale(0.0)
            .can_sleep(false);
        let handle = self.world.insert_body(body);
        let ball = collider(ColliderBuilder::ball(radius), &SKIN, groups(CRAFT, FREE));
        CraftId(handle, self.world.insert_collider(ball, Some(handle)))
    }

    /// Hangs one body on another: in joint coordinates, so that it does not come apart and friction holds however long the lever is.
    /// What closes a loop is held by impulses.
    pub fn join(&mut self, parent: BodyId, child: BodyId, hold: &Hold) {
        match self.world.insert_multibody_joint(parent.0, child.0, hold.joint()) {
            Some(handle) => {
                if let Some((body, link)) = self.world.multibody_joints.get_mut(handle) {
                    hold.act(body, link);
                }
            }
            None => drop(self.world.insert_impulse_joint(parent.0, child.0, hold.closing())),
        }
    }

    /// Takes a body away.
    pub fn remove(&mut self, id: BodyId) {
        self.world.remove_body(id.0);
    }

    /// Where it is.
    pub fn pose(&self, id: BodyId) -> Isometry3<f64> {
        self.world.bodies.get(id.0).map_or_else(Isometry3::identity, |b| isometry(b.position()))
    }

    /// Velocity of its centre of mass (m/s) and its rates (rad/s), in the world.
    pub fn velocity(&self, id: BodyId) -> [Vector3<f64>; 2] {
        let body = self.world.bodies.get(id.0);
        body.map_or([Vector3::zeros(); 2], |b| [back(b.linvel()), back(b.angvel())])
    }

    /// Sets it in motion: velocity of its centre of mass (m/s), rates (rad/s), in the world. What hangs on it by joints goes along; of
    /// a body that hangs on another nothing is changed.
    pub fn launch(&mut self, id: BodyId, velocity: &Vector3<f64>, rates: &Vector3<f64>) {
        if let Some(body) = self.world.bodies.get_mut(id.0) {
            body.set_linvel(vector(velocity), true);
            body.set_angvel(vector(rates), true);
        }
        // Joint coordinates have velocities of their own, of which the base has the first six.
        let joints = &mut self.world.multibody_joints;
        let body = joints.rigid_body_link(id.0).map(|link| link.multibody);
        if let Some(body) = body.and_then(|body| joints.get_multibody_mut(body))
            && body.root().rigid_body_handle() == id.0
        {
            let told = velocity.iter().chain(rates);
            body.generalized_velocity_mut().iter_mut().zip(told).for_each(|(to, from)| *to = *from);
        }
    }

    /// Whether it may move: a body that rests sleeps.
    pub fn is_awake(&self, id: BodyId) -> bool {
        self.world.bodies.get(id.0).is_some_and(|b| b.is_dynamic() && b.is_enabled() && !b.is_sleeping())
    }

    /// Puts it there; what lay on it or beside it wakes.
    pub fn place(&mut self, id: BodyId, at: &Isometry3<f64>) {
        let touched = self.neighbours(id);
        if let Some(body) = self.world.bodies.get_mut(id.0) {
            body.set_enabled(true);
            body.set_position(pose(at), true);
            if body.is_kinematic() {
                body.set_next_kinematic_position(pose(at));
            }
        }
        touched.into_iter().for_each(|handle| self.world.wake_up(handle, true));
    }

    /// Tells a pusher where it is at the end of the next step. Says whether it moves.
    pub fn push(&mut self, id: BodyId, to: &Isometry3<f64>) -> bool {
        let Some(body) = self.world.bodies.get(id.0) else { return false };
        let (here, to) = (*body.position(), pose(to));
        if here == to {
            return false;
        }
        if (here.translation - to.translation).length() > LEAP {
            self.place(id, &isometry(&to));
        } else if let Some(body) = self.world.bodies.get_mut(id.0) {
            body.set_next_kinematic_position(to);
        }
        true
    }

    /// Takes it out of the play for good; it stays where it is.
    pub fn retire(&mut self, id: BodyId) {
        if let Some(body) = self.world.bodies.get_mut(id.0) {
            body.set_enabled(false);
        }
    }

    /// Whether it is out of the play: retired, or because its state stopped being finite.
    pub fn is_retired(&self, id: BodyId) -> bool {
        self.world.bodies.get(id.0).is_none_or(|b| !b.is_enabled())
    }

    /// Tells where the vehicle is at the begin of the next step, and how fast it goes through it.
    pub fn meet(&mut self, craft: CraftId, at: &Vector3<f64>, velocity: &Vector3<f64>) {
        if let Some(body) = self.world.bodies.get_mut(craft.0) {
            body.set_translation(vector(at), true);
            body.set_linvel(vector(velocity), true);
        }
    }

    /// Lets [`STEP_S`] pass.
    pub fn step(&mut self) {
        self.world.step_with_events(&Strangers, &());
    }

    /// What the last step did to the vehicle, which was met at `at` with `velocity`; `None` if it touched nothing.
    pub fn jolt(&self, craft: CraftId, at: &Vector3<f64>, velocity: &Vector3<f64>) -> Option<Jolt> {
        let pairs = self.world.narrow_phase.contact_pairs_with(craft.1);
        let touched = pairs.filter(|p| p.has_any_active_contact() && p.total_impulse_magnitude() > 0.0);
        let others = touched.map(|p| if p.collider1 == craft.1 { p.collider2 } else { p.collider1 });
        // The lowest of several: their order in the graph means nothing.
        let met = others
            .filter_map(|c| self.world.colliders.get(c)?.parent())
            .min_by_key(|h| h.into_raw_parts())?;
        let body = self.world.bodies.get(craft.0)?;
        let shift = back(body.translation()) - (at + velocity * STEP_S);
        let kick = back(body.linvel()) - velocity;
        let finite = shift.iter().chain(&kick).all(|x| x.is_finite());
        finite.then_some(Jolt { shift, kick, met: BodyId(met) })
    }

    /// Bodies that touch it.
    fn neighbours(&self, id: BodyId) -> Vec<RigidBodyHandle> {
        let Some(body) = self.world.bodies.get(id.0) else { return Vec::new() };
        let pairs = body.colliders().iter().flat_map(|c| {
            let pairs = self.world.narrow_phase.contact_pairs_with(*c);
            pairs.map(move |p| if p.collider1 == *c { p.collider2 } else { p.collider1 })
        });
        pairs.filter_map(|c| self.world.colliders.get(c)?.parent()).collect()
    }
}

/// Lets those collide that are not of one kin.
struct Strangers;

impl PhysicsHooks for Strangers {
    fn filter_contact_pair(&self, pair: &PairFilterContext<'_>) -> Option<SolverFlags> {
        let kin =
            |body: Option<RigidBodyHandle>| body.and_then(|b| pair.bodies.get(b)).map_or(0, |b| b.user_data);
        let (a, b) = (kin(pair.rigid_body1), kin(pair.rigid_body2));
        (a != b || a == 0).then_some(SolverFlags::COMPUTE_RIGID_IMPULSES)
    }
}

impl Clone for Space {
    fn clone(&self) -> Self {
        let w = &self.world;
        // Pipelines are work space alone.
        let world = PhysicsWorld {
            gravity: w.gravity,
            integration_parameters: w.integration_parameters,
            physics_pipeline: PhysicsPipeline::new(),
            collision_pipeline: CollisionPipeline::new(),
            islands: w.islands.clone(),
            broad_phase: w.broad_phase.clone(),
            narrow_phase: w.narrow_phase.clone(),
            bodies: w.bodies.clone(),
            colliders: w.colliders.clone(),
            impulse_joints: w.impulse_joints.clone(),
            multibody_joints: w.multibody_joints.clone(),
            soft_bodies: w.soft_bodies.clone(),
            ccd_solver: CCDSolver::new(),
        };
        Self { world }
    }
}

impl fmt::Debug for Space {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Space({} bodies, {} parts)", self.world.bodies.len(), self.world.colliders.len())
    }
}

fn groups(of: Group, with: Group) -> InteractionGroups {
    InteractionGroups::new(of, with, InteractionTestMode::And)
}

fn collider(builder: ColliderBuilder, grip: &Grip, groups: InteractionGroups) -> ColliderBuilder {
    // A coefficient without bound says "it never slips"; a thousand does that too.
    builder
        .density(0.0)
        .friction(grip.friction.clamp(0.0, 1e3))
        .restitution(grip.restitution.clamp(0.0, 1.0))
        .friction_combine_rule(CoefficientCombineRule::Min)
        .restitution_combine_rule(CoefficientCombineRule::Multiply)
        .collision_groups(groups)
}

fn masses(matter: &Matter) -> MassProperties {
    let m: &Matrix3<f64> = &matter.inertia;
    let column = |k: usize| vector(&m.column(k).into_owned());
    let inertia = Matrix::from_cols(column(0), column(1), column(2));
    MassProperties::with_inertia_matrix(vector(&matter.centre), matter.mass, inertia)
}

/// What suits steps of 1 ms and SI units: rapier's defaults are for 60 Hz. With these a body sinks in by 3 um under its own weight
/// on what stands, and the lowest of ten boxes by a quarter of a millimetre. Coulomb's law at each point (the other model of
/// friction) would stop a sliding box after 1.16 times its way.
fn parameters() -> IntegrationParameters {
    IntegrationParameters {
        dt: STEP_S,
        min_ccd_dt: STEP_S / 100.0,
        contact_softness: SpringCoefficients { natural_frequency: 300.0, damping_ratio: 2.0 },
        static_contact_softness: SpringCoefficients { natural_frequency: 600.0, damping_ratio: 2.0 },
        normalized_allowed_linear_error: 5e-4,
        normalized_prediction_distance: 2e-3,
        normalized_contact_recycle_distance: 1e-3,
        friction_model: FrictionModel::Simplified,
        warmstart_joints: true,
        ..IntegrationParameters::default()
    }
}
