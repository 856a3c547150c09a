//! Bodies against what mechanics says of them in closed form.

use nalgebra::{Isometry3, Matrix3, Unit, UnitQuaternion, Vector3};

use super::*;
use crate::physics::STEP_S;
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
    let still = Role::Free(matter(&cube(0.3), 2.0), Habits { gravity: false, decay: [0.5, 0.0] });
    let floats = space.add(&at(5.0, 0.0, 50.0), still, &[part(cube(0.3), 1.0, 0.0)]).0;
    space.launch(id, &Vector3::new(3.0, 0.0, 1.0), &Vector3::new(0.0, 0.0, 2.0));
    space.launch(floats, &Vector3::new(0.0, 2.0, 0.0), &Vector3::zeros());
    run(&mut space, 2.0);
    let fell = space.pose(id);
    let right = Vector3::new(6.0, 0.0, 100.0 + 2.0 - G / 2.0 * 4.0);
    // The solver's steps are of first order: half a step's g t.
    assert!((fell.translation.vector - right).norm() < G * 2.0 * STEP_S / 2.0, "{fell:?}");
    assert!((fell.rotation.euler_angles().2 - (4.0 - std::f64::consts::TAU)).abs() % std::f64::consts::TAU < 1e-6 || fell.rotation.angle() > 3.0);
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
        assert!(off < 5e-3 && pose.rotation.angle() < 5e-3, "box {i}: {off} m, {} rad", pose.rotation.angle());
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
    space.launch(id, &Vector3::new(0.1, 0.0, 0.0), &Vector3::new(0.1, 6.0, 0.1));
    let told = |space: &Space| {
        let turn = space.pose(id).rotation.to_rotation_matrix();
        let w = space.velocity(id)[1];
        let momentum = turn * weight.inertia * turn.transpose() * w;
        (momentum, w.dot(&momentum) / 2.0)
    };
    let before = told(&space);
    run(&mut space, 5.0);
    let after = told(&space);
    assert!(space.velocity(id)[1].normalize().dot(&Vector3::y()) < 0.99, "the middle axis is unstable");
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
        assert!((space.pose(id).translation.vector - p).norm() > 0.499, "they do not pass through each other");
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
                let part = Part { place: at(-0.1, -0.1, -0.1), form: Form::Mesh(faces.to_vec()), grip: Grip::default() };
                all.push(space.add(&pose, Role::Free(Matter::ball(0.7, 0.1), Habits::default()), &[part]).0);
                continue;
            }
        };
        all.push(drop_in(&mut space, pose, shape, 1.0, (0.6, 0.4)));
    }
    run(&mut space, 1.3);
    let mut copy = space.clone();
    let told = postcard::to_allocvec(&space).unwrap();
    let mut heard: Space = postcard::from_bytes(&told).unwrap();
    assert_eq!(postcard::to_allocvec(&heard).unwrap(), told);
    for k in 0..1200 {
        [&mut space, &mut copy, &mut heard].map(Space::step);
        for id in &all {
            assert_eq!(space.pose(*id), copy.pose(*id), "{k}");
            assert_eq!(space.pose(*id), heard.pose(*id), "{k}");
        }
    }
    assert!(all.iter().all(|id| height(&space, *id) > 0.0));
}
