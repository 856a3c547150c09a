//! Bodies against what mechanics says of them in closed form.

use nalgebra::{Isometry3, Matrix3, Unit, UnitQuaternion, Vector3};

use super::*;
use crate::physics::STEP_S;
use crate::physics::joints::{Freedom, Law};
use crate::shape::Shape;

const G: f64 = 9.8;

fn space() -> Space {
    Space::new(&Vector3::new(0.0, 0.0, -G))
}

fn at(x: f64, y: f64, z: f64) -> Isometry3<f64> {
    Isometry3::translation(x, y, z)
}

fn part(shape: Shape, friction: f64, restitution: f64) -> Part {
    Part { place: Isometry3::identity(), form: Form::Shape(shape), grip: Grip { friction, restitution } }
}

fn cube(size: f64) -> Shape {
    Shape::Box { size: Vector3::repeat(size) }
}

/// An endless plane, sloping down towards x by an angle.
fn ground(space: &mut Space, slope: f64, friction: f64, restitution: f64) {
    let normal = Unit::new_normalize(Vector3::new(slope.sin(), 0.0, slope.cos()));
    let plane = part(Shape::Plane { normal, size: [1.0; 2] }, friction, restitution);
    space.add(&Isometry3::identity(), Role::Fixed, &[plane]);
}

/// Of even density, by the box around it for boxes and as a ball else.
fn matter(shape: &Shape, mass: f64) -> Matter {
    let half = shape.half_extents().unwrap();
    match shape {
        Shape::Box { size } => {
            let q = size.component_mul(size) * (mass / 12.0);
            let inertia = Matrix3::from_diagonal(&Vector3::new(q.y + q.z, q.x + q.z, q.x + q.y));
            Matter { mass, centre: Vector3::zeros(), inertia }
        }
        _ => Matter::ball(mass, half.max()),
    }
}

fn drop_in(space: &mut Space, pose: Isometry3<f64>, shape: Shape, mass: f64, grip: (f64, f64)) -> BodyId {
    let role = Role::Free(matter(&shape, mass), Habits::default());
    space.add(&pose, role, &[part(shape, grip.0, grip.1)]).0
}

fn run(space: &mut Space, seconds: f64) {
    (0..(seconds / STEP_S).round() as usize).for_each(|_| space.step());
}

fn height(space: &Space, id: BodyId) -> f64 {
    space.pose(id).translation.z
}

#[test]
fn a_body_falls_as_galileo_says() {
    let mut space = space();
    let id = drop_in(&mut space, at(0.0, 0.0, 100.0), cube(0.3), 2.0, (1.0, 0.0));
    let still = Role::Free(matter(&cube(0.3), 2.0), Habits { gravity: false, decay: [0.5, 0.0], kin: 0 });
    let floats = space.add(&at(5.0, 0.0, 50.0), still, &[part(cube(0.3), 1.0, 0.0)]).0;
    space.launch(id, &Vector3::new(3.0, 0.0, 1.0), &Vector3::new(0.0, 0.0, 2.0));
    space.launch(floats, &Vector3::new(0.0, 2.0, 0.0), &Vector3::zeros());
    run(&mut space, 2.0);
    let fell = space.pose(id);
    let right = Vector3::new(6.0, 0.0, 100.0 + 2.0 - G / 2.0 * 4.0);
    // The solver's steps are of first order: half a step's g t.
    assert!((fell.translation.vector - right).norm() < G * 2.0 * STEP_S / 2.0, "{fell:?}");
    assert!(
        (fell.rotation.euler_angles().2 - (4.0 - std::f64::consts::TAU)).abs() % std::f64::consts::TAU < 1e-6
            || fell.rotation.angle() > 3.0
    );
    assert_eq!(space.pose(floats).translation.z, 50.0);
    let damped = 2.0 * (-0.5_f64 * 2.0).exp();
    assert!((space.velocity(floats)[0].y - damped).abs() < 1e-3, "{}", space.velocity(floats)[0]);
}

#[test]
fn a_ball_bounces_to_the_square_of_its_restitution() {
    for (e, fall) in [(0.9, 1.0), (0.5, 1.0), (0.7, 3.0)] {
        let mut space = space();
        // Of two that touch the product counts.
        ground(&mut space, 0.0, 0.5, 1.0);
        let ball = Shape::Sphere { radius: 0.1 };
        let id = drop_in(&mut space, at(0.0, 0.0, 0.1 + fall), ball, 0.5, (0.5, e));
        let down = (2.0 * fall / G).sqrt();
        run(&mut space, down + 0.02);
        let (mut top, mut last) = (0.0_f64, 0.0);
        for _ in 0..2000 {
            space.step();
            let z = height(&space, id) - 0.1;
            if z < last {
                break;
            }
            (top, last) = (top.max(z), z);
        }
        assert!((top / (e * e * fall) - 1.0).abs() < 0.02, "e {e}: {top} of {}", e * e * fall);
        run(&mut space, 10.0);
        assert!((height(&space, id) - 0.1).abs() < 1e-3 && !space.is_awake(id), "{}", height(&space, id));
    }
}

#[test]
fn everything_comes_to_rest_where_it_should() {
    let lying = UnitQuaternion::from_axis_angle(&Vector3::x_axis(), std::f64::consts::FRAC_PI_2);
    let upright = UnitQuaternion::identity();
    let radii = Vector3::new(0.3, 0.2, 0.1);
    let tetra = [[0.0, 0.0, 0.0], [0.4, 0.0, 0.0], [0.0, 0.4, 0.0], [0.1, 0.1, 0.3]].map(Vector3::from);
    let faces = [[0, 2, 1], [0, 1, 3], [1, 2, 3], [2, 0, 3]].map(|f| f.map(|i: usize| tetra[i]));
    let cases = [
        (Form::Shape(cube(0.4)), upright, 0.2),
        (Form::Shape(Shape::Cylinder { radius: 0.2, length: 0.5 }), upright, 0.25),
        (Form::Shape(Shape::Cylinder { radius: 0.2, length: 0.5 }), lying, 0.2),
        (Form::Shape(Shape::Capsule { radius: 0.1, length: 0.5 }), lying, 0.1),
        (Form::Shape(Shape::Cone { radius: 0.2, length: 0.3 }), upright, 0.15),
        (Form::Shape(Shape::Ellipsoid { radii }), upright, 0.1),
        (Form::Mesh(faces.to_vec()), upright, 0.0),
    ];
    for (form, turn, rest) in cases {
        let mut space = space();
        ground(&mut space, 0.0, 0.8, 0.0);
        let pose = Isometry3::from_parts(Vector3::new(0.0, 0.0, rest + 0.1).into(), turn);
        let mut weight = Matter::ball(1.5, 0.2);
        if matches!(form, Form::Mesh(_)) {
            weight.centre = Vector3::new(0.12, 0.12, 0.08);
        }
        let round = matches!(form, Form::Shape(Shape::Ellipsoid { .. }));
        let part = Part { place: Isometry3::identity(), form: form.clone(), grip: Grip::default() };
        let id = space.add(&pose, Role::Free(weight, Habits::default()), &[part]).0;
        run(&mut space, 3.0);
        // The polyhedron of an ellipsoid is as large as it to half a percent.
        let slack = if round { 1e-3 } else { 3e-4 };
        assert!((height(&space, id) - rest).abs() < slack, "{form:?}: {}", height(&space, id) - rest);
        assert!(space.pose(id).rotation.angle_to(&turn) < 0.02, "{form:?}");
        assert!(!space.is_awake(id), "{form:?} sleeps");
    }
}

#[test]
fn friction_stops_a_sliding_box_on_its_way() {
    for (mu, v) in [(0.4, 3.0), (0.1, 1.5), (0.8, 4.0)] {
        let mut space = space();
        ground(&mut space, 0.0, 5.0, 0.0);
        // Flat, so that it does not tip.
        let flat = Shape::Box { size: Vector3::new(0.6, 0.6, 0.1) };
        let id = drop_in(&mut space, at(0.0, 0.0, 0.05), flat, 2.0, (mu, 0.0));
        run(&mut space, 0.2);
        let from = space.pose(id).translation.x;
        space.launch(id, &Vector3::new(v, 0.0, 0.0), &Vector3::zeros());
        run(&mut space, v / (mu * G) + 1.0);
        let way = space.pose(id).translation.x - from;
        let right = v * v / (2.0 * mu * G);
        assert!((way / right - 1.0).abs() < 0.01, "mu {mu}: {way} m, not {right}");
        assert!(!space.is_awake(id));
    }
}

#[test]
fn on_a_slope_a_box_stays_or_slides_and_a_ball_rolls() {
    let slope = 0.3_f64;
    let turn = UnitQuaternion::from_axis_angle(&Vector3::y_axis(), slope);
    let up = turn * Vector3::z();
    let flat = Shape::Box { size: Vector3::new(0.6, 0.6, 0.1) };
    let ball = Shape::Sphere { radius: 0.2 };
    let way = |shape: Shape, mu: f64, lift: f64| {
        let mut space = space();
        ground(&mut space, slope, 5.0, 0.0);
        let pose = Isometry3::from_parts((up * lift).into(), turn);
        let id = drop_in(&mut space, pose, shape, 2.0, (mu, 0.0));
        run(&mut space, 1.0);
        (space.pose(id).translation.vector - pose.translation.vector).norm()
    };
    assert!(way(flat, 0.35, 0.05) < 1e-3, "tan(slope) is 0.31");
    let slides = G * (slope.sin() - 0.1 * slope.cos()) / 2.0;
    assert!((way(flat, 0.1, 0.05) / slides - 1.0).abs() < 0.01, "{} {slides}", way(flat, 0.1, 0.05));
    let rolls = 5.0 / 7.0 * G * slope.sin() / 2.0;
    assert!((way(ball, 0.9, 0.2) / rolls - 1.0).abs() < 0.01, "{} {rolls}", way(ball, 0.9, 0.2));
}

#[test]
fn a_ball_that_slides_comes_to_roll_at_five_sevenths() {
    let mut space = space();
    ground(&mut space, 0.0, 1.0, 0.0);
    let id = drop_in(&mut space, at(0.0, 0.0, 0.2), Shape::Sphere { radius: 0.2 }, 1.0, (0.3, 0.0));
    run(&mut space, 0.1);
    space.launch(id, &Vector3::new(7.0, 0.0, 0.0), &Vector3::zeros());
    run(&mut space, 2.0);
    let [v, w] = space.velocity(id);
    assert!((v.x - 5.0).abs() < 0.02 && (w.y * 0.2 - v.x).abs() < 0.01, "{v} {w}");
    let before = v.x;
    run(&mut space, 3.0);
    assert!((space.velocity(id)[0].x - before).abs() < 1e-3, "nothing stops it: {}", space.velocity(id)[0]);
}

#[test]
fn a_pile_of_ten_boxes_stays() {
    let mut space = space();
    ground(&mut space, 0.0, 1.0, 0.0);
    let pile: Vec<BodyId> = (0..10)
        .map(|i| drop_in(&mut space, at(0.0, 0.0, 0.2 + 0.4 * f64::from(i)), cube(0.4), 3.0, (0.6, 0.0)))
        .collect();
    run(&mut space, 6.0);
    for (i, id) in pile.iter().enumerate() {
        let pose = space.pose(*id);
        let right = Vector3::new(0.0, 0.0, 0.2 + 0.4 * i as f64);
        let off = (pose.translation.vector - right).norm();
        assert!(
            off < 5e-3 && pose.rotation.angle() < 5e-3,
            "box {i}: {off} m, {} rad",
            pose.rotation.angle()
        );
        assert!(!space.is_awake(*id), "box {i} sleeps");
    }
    // Without the lowest one the others wake and fall.
    space.place(pile[0], &at(5.0, 0.0, 0.2));
    run(&mut space, 1.0);
    assert!((height(&space, pile[1]) - 0.2).abs() < 0.05, "{}", height(&space, pile[1]));
}

/// Without a force energy and angular momentum stay, however it tumbles.
#[test]
fn a_tumbling_brick_keeps_its_momentum() {
    let mut space = Space::new(&Vector3::zeros());
    let brick = Shape::Box { size: Vector3::new(0.4, 0.2, 0.1) };
    let weight = matter(&brick, 2.0);
    let id = space.add(&at(0.0, 0.0, 5.0), Role::Free(weight, Habits::default()), &[part(brick, 1.0, 0.0)]).0;
    space.launch(id, &Vector3::new(0.1, 0.0, 0.0), &Vector3::new(-0.1, 6.0, 0.1));
    let told = |space: &Space| {
        let turn = space.pose(id).rotation.to_rotation_matrix();
        let w = space.velocity(id)[1];
        let momentum = turn * weight.inertia * turn.transpose() * w;
        (momentum, w.dot(&momentum) / 2.0)
    };
    let before = told(&space);
    let mut upright = 1.0_f64;
    for _ in 0..5000 {
        space.step();
        upright = upright.min((space.pose(id).rotation * Vector3::y()).y);
    }
    let after = told(&space);
    assert!(upright < -0.9, "about the middle axis it turns over: {upright}");
    assert!((after.0 - before.0).norm() < 0.02 * before.0.norm(), "{} {}", before.0, after.0);
    assert!((after.1 / before.1 - 1.0).abs() < 0.02, "{} {}", before.1, after.1);
}

#[test]
fn vehicle_and_body_share_their_momentum() {
    let mut space = Space::new(&Vector3::zeros());
    let id = drop_in(&mut space, at(1.0, 0.0, 0.0), Shape::Sphere { radius: 0.2 }, 0.5, (0.0, 0.0));
    let craft = space.add_craft(2.0, 0.3);
    let (mut p, mut v) = (Vector3::zeros(), Vector3::new(2.0, 0.0, 0.0));
    let mut met = 0;
    for _ in 0..1000 {
        space.meet(craft, &p, &v);
        space.step();
        let jolt = space.jolt(craft, &p, &v);
        p += v * STEP_S;
        if let Some(jolt) = jolt {
            assert_eq!(jolt.met, id);
            (p, v, met) = (p + jolt.shift, v + jolt.kick, met + 1);
        }
        assert!(
            (space.pose(id).translation.vector - p).norm() > 0.499,
            "they do not pass through each other"
        );
    }
    // Nothing bounces: both go on at m1 v / (m1 + m2).
    assert!(met > 0 && (v.x - 1.6).abs() < 1e-3 && (space.velocity(id)[0].x - 1.6).abs() < 1e-3, "{v}");
}

#[test]
fn a_pusher_shoves_what_is_in_its_way() {
    let mut space = space();
    ground(&mut space, 0.0, 1.0, 0.0);
    let id = drop_in(&mut space, at(0.5, 0.0, 0.2), cube(0.4), 1.0, (0.5, 0.0));
    let wall = space.add(&at(-0.5, 0.0, 0.3), Role::Pusher, &[part(cube(0.6), 0.5, 0.0)]).0;
    for k in 1..=2000 {
        space.push(wall, &at(-0.5 + 1e-3 * f64::from(k), 0.0, 0.3));
        space.step();
    }
    let pose = space.pose(id);
    assert!((pose.translation.x - 2.0).abs() < 0.01 && (pose.translation.z - 0.2).abs() < 2e-3, "{pose:?}");
    // A leap is no push.
    space.push(wall, &at(20.0, 0.0, 0.3));
    run(&mut space, 2.0);
    assert!((space.pose(id).translation.x - pose.translation.x).abs() < 0.2, "{}", space.velocity(id)[0]);
}

/// A copy, and one that was set down and taken up, go on to the same bits.
#[test]
fn what_is_set_down_goes_on_as_if_it_had_not_been() {
    let mut space = space();
    ground(&mut space, 0.0, 0.7, 0.5);
    let hull = [[0.0, 0.0, 0.0], [0.3, 0.0, 0.0], [0.0, 0.3, 0.0], [0.1, 0.1, 0.3]].map(Vector3::from);
    let faces = [[0, 2, 1], [0, 1, 3], [1, 2, 3], [2, 0, 3]].map(|f| f.map(|i: usize| hull[i]));
    let mut all = Vec::new();
    for i in 0..24 {
        let (x, z) = (0.11 * f64::from(i % 3), 0.4 + 0.35 * f64::from(i));
        let turn = UnitQuaternion::from_euler_angles(0.3 * f64::from(i), 0.2, 0.1 * f64::from(i));
        let pose = Isometry3::from_parts(Vector3::new(x, 0.07 * x, z).into(), turn);
        let shape = match i % 4 {
            0 => cube(0.3),
            1 => Shape::Sphere { radius: 0.15 },
            2 => Shape::Cylinder { radius: 0.12, length: 0.3 },
            _ => {
                let part = Part {
                    place: at(-0.1, -0.1, -0.1),
                    form: Form::Mesh(faces.to_vec()),
                    grip: Grip::default(),
                };
                all.push(space.add(&pose, Role::Free(Matter::ball(0.7, 0.1), Habits::default()), &[part]).0);
                continue;
            }
        };
        all.push(drop_in(&mut space, pose, shape, 1.0, (0.6, 0.4)));
    }
    // A cart, for the coordinates of joints.
    let wheel = Shape::Sphere { radius: 0.1 };
    let kin = Habits { kin: 9, ..Habits::default() };
    let links = [0.0, 0.3].map(|x| {
        space.add(&at(2.0 + x, 0.0, 0.5), Role::Free(Matter::ball(1.0, 0.1), kin), &[part(wheel, 1.0, 0.0)]).0
    });
    let axle =
        hold(Some(Freedom::Turn(Vector3::y())), Law::default(), at(0.3, 0.0, 0.0), Isometry3::identity());
    space.join(links[0], links[1], &axle);
    space.launch(links[0], &Vector3::new(-1.0, 0.2, 0.0), &Vector3::zeros());
    all.extend(links);
    run(&mut space, 1.3);
    let mut copy = space.clone();
    let told = postcard::to_allocvec(&space).unwrap();
    let mut heard: Space = postcard::from_bytes(&told).unwrap();
    assert_eq!(postcard::to_allocvec(&heard).unwrap(), told);
    for k in 0..1200 {
        [&mut space, &mut copy, &mut heard].into_iter().for_each(Space::step);
        for id in &all {
            assert_eq!(space.pose(*id), copy.pose(*id), "{k}");
            assert_eq!(space.pose(*id), heard.pose(*id), "{k}");
        }
    }
    assert!(all.iter().all(|id| height(&space, *id) > 0.0));
}

fn hold(freedom: Option<Freedom>, law: Law, parent: Isometry3<f64>, child: Isometry3<f64>) -> Hold {
    Hold { freedom, law, parent, child }
}

/// A point mass on a rod without weight, as good as: 2 pi sqrt(l / g), and 1.0732 times that at a right angle (elliptic integral).
#[test]
fn a_pendulum_on_a_joint_keeps_time() {
    for (angle, longer) in [(0.05_f64, 1.0_f64), (std::f64::consts::FRAC_PI_2, 1.18034)] {
        let mut space = space();
        let post = space.add(&at(0.0, 0.0, 3.0), Role::Fixed, &[part(cube(0.1), 1.0, 0.0)]).0;
        let (s, c) = angle.sin_cos();
        let bob = Shape::Sphere { radius: 0.01 };
        let id = drop_in(&mut space, at(s, 0.0, 3.0 - c), bob, 1.0, (0.5, 0.0));
        let free =
            hold(Some(Freedom::Turn(Vector3::y())), Law::default(), Isometry3::identity(), at(-s, 0.0, c));
        space.join(post, id, &free);
        let (mut crossings, mut last) = (Vec::new(), s);
        for k in 0..6000 {
            space.step();
            let p = space.pose(id).translation.vector - Vector3::new(0.0, 0.0, 3.0);
            assert!((p.norm() - 1.0).abs() < 1e-3 && p.y.abs() < 1e-4, "the rod holds: {p}");
            if last > 0.0 && p.x <= 0.0 {
                crossings.push(f64::from(k) * STEP_S);
            }
            last = p.x;
        }
        let period = crossings[1] - crossings[0];
        let right = std::f64::consts::TAU * (1.0 / G).sqrt() * longer;
        assert!((period / right - 1.0).abs() < 2e-3, "{angle}: {period} {right}");
    }
}

/// Limits stop, friction holds, springs rest where weight and stiffness agree.
#[test]
fn what_acts_in_a_joint_acts() {
    let rest = |freedom: Freedom, law: Law| {
        let mut space = space();
        let post = space.add(&at(0.0, 0.0, 3.0), Role::Fixed, &[part(cube(0.1), 1.0, 0.0)]).0;
        let id = drop_in(&mut space, at(1.0, 0.0, 3.0), cube(0.2), 2.0, (0.5, 0.0));
        space.join(post, id, &hold(Some(freedom), law, Isometry3::identity(), at(-1.0, 0.0, 0.0)));
        run(&mut space, 5.0);
        space.pose(id).translation.vector - Vector3::new(0.0, 0.0, 3.0)
    };
    let turn = Freedom::Turn(Vector3::y());
    // About y gravity turns what lies at x downwards: positive angles.
    let stopped = rest(turn, Law { lower: -0.2, upper: 0.4, damping: 0.5, ..Law::default() });
    assert!((stopped.z + 0.4_f64.sin()).abs() < 5e-3, "{stopped}");
    // 2 kg at 1 m: 19.6 N m.
    assert!(rest(turn, Law { friction: 25.0, ..Law::default() }).z > -1e-2);
    assert!(rest(turn, Law { friction: 5.0, ..Law::default() }).z < -0.9);
    let slide = Freedom::Slide(Vector3::z());
    let hung = rest(slide, Law { stiffness: 196.0, damping: 30.0, ..Law::default() });
    assert!((hung.z + 0.1).abs() < 2e-3 && (hung.x - 1.0).abs() < 1e-3, "{hung}");
}

/// A chassis on four wheels rolls down a slope as its mass and the wheels' inertia have it, and its links do not collide.
#[test]
fn a_cart_rolls_on_its_wheels() {
    let slope = 0.1_f64;
    let turn = UnitQuaternion::from_axis_angle(&Vector3::y_axis(), slope);
    let mut space = space();
    ground(&mut space, slope, 1.0, 0.0);
    let kin = Habits { kin: 7, ..Habits::default() };
    let place = |x: f64, y: f64, z: f64| Isometry3::from_parts((turn * Vector3::new(x, y, z)).into(), turn);
    let chassis = Shape::Box { size: Vector3::new(0.6, 0.4, 0.2) };
    // The wheels reach into the chassis.
    let body = Role::Free(matter(&chassis, 4.0), kin);
    let body = space.add(&place(0.0, 0.0, 0.15), body, &[part(chassis, 1.0, 0.0)]).0;
    let mut wheels = Vec::new();
    for (x, y) in [(0.2, 0.18), (0.2, -0.18), (-0.2, 0.18), (-0.2, -0.18)] {
        let wheel = Shape::Sphere { radius: 0.1 };
        let role = Role::Free(Matter::ball(0.5, 0.1), kin);
        let id = space.add(&place(x, y, 0.1), role, &[part(wheel, 1.0, 0.0)]).0;
        let axle = Some(Freedom::Turn(Vector3::y()));
        space.join(body, id, &hold(axle, Law::default(), at(x, y, -0.05), Isometry3::identity()));
        wheels.push(id);
    }
    run(&mut space, 2.0);
    let moved = space.pose(body).translation.vector - place(0.0, 0.0, 0.15).translation.vector;
    // 6 kg, and the wheels turn: 4 x 0.4 m.
    let right = 6.0 / (6.0 + 4.0 * 0.4 * 0.5) * G * slope.sin() / 2.0 * 4.0;
    assert!((moved.norm() / right - 1.0).abs() < 0.02, "{} {right}", moved.norm());
    assert!(moved.y.abs() < 0.01 && space.pose(body).rotation.angle_to(&turn) < 0.01);
    // Put somewhere else it is there with its wheels, and rolls on.
    let away = Isometry3::translation(0.0, 5.0, 0.0);
    let whole: Vec<BodyId> = wheels.iter().copied().chain([body]).collect();
    let before = whole.iter().map(|id| away * space.pose(*id)).collect::<Vec<_>>();
    whole.iter().zip(&before).for_each(|(id, pose)| space.place(*id, pose));
    space.step();
    for (id, pose) in whole.iter().zip(&before) {
        assert!(
            (space.pose(*id).translation.vector - pose.translation.vector).norm() < 0.01,
            "{:?} {pose:?}",
            space.pose(*id)
        );
    }
    // What hangs together is taken away one by one.
    whole.iter().for_each(|id| space.remove(*id));
    run(&mut space, 0.01);
}
