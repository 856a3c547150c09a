//! The physics beside RotorPy's, rays and rest beside MuJoCo's: same parameters, same commands, same answers.
//!
//! Needs a Python with `rotorpy` and `mujoco` in `PEREGRINE_SIM_PYTHON` (`cargo xtask test` makes one); says SKIP without.

#![allow(clippy::unwrap_used, clippy::expect_used)]

use std::fmt::Write as _;
use std::io::Write as _;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::sync::Arc;

use nalgebra::{Isometry3, Point3, Quaternion, Unit, UnitQuaternion, Vector3};
use peregrine_sim::flight::{Flight, Rules};
use peregrine_sim::physics::bodies::{Form, Grip, Habits, Matter, Part, Role, Space};
use peregrine_sim::physics::{Motor, Rotor, Rotors, STEP_S, State, Vehicle, dynamics, rk4};
use peregrine_sim::rng::Stream;
use peregrine_sim::scenario::{ForestSpec, build};
use peregrine_sim::shape::Shape;
use peregrine_sim::solids::{Solid, Solids};

fn python(test: &str) -> Option<PathBuf> {
    let found = std::env::var_os("PEREGRINE_SIM_PYTHON").map(PathBuf::from).filter(|p| p.is_file());
    if found.is_none() {
        println!(
            "SKIP {test}: PEREGRINE_SIM_PYTHON names no Python with rotorpy and mujoco (`cargo xtask test` makes one)"
        );
    }
    found
}

/// Lines of numbers that the script answers.
fn ask(python: &PathBuf, script: &str, question: &str) -> Vec<Vec<f64>> {
    let script = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/oracle").join(script);
    let mut command = Command::new(python);
    let mut child = command
        .arg(script)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    child.stdin.take().unwrap().write_all(question.as_bytes()).unwrap();
    let out = child.wait_with_output().unwrap();
    assert!(out.status.success(), "{}", String::from_utf8_lossy(&out.stderr));
    let text = String::from_utf8(out.stdout).unwrap();
    text.lines().map(|l| l.split(' ').map(|w| w.parse().unwrap()).collect()).collect()
}

fn words(numbers: impl IntoIterator<Item = f64>) -> String {
    numbers.into_iter().fold(String::new(), |mut text, x| {
        let _ = write!(text, " {x:?}");
        text
    })
}

/// The same with the one motor constant and without the loss of thrust that RotorPy does not have.
fn common_ground(vehicle: Vehicle) -> Vehicle {
    let vehicle = vehicle.with_motors(|m| Motor { tau_up: 0.02, tau_down: 0.02, rolling_moment: 0.0, ..*m });
    Vehicle { no_thrust_speed: f64::INFINITY, ..vehicle }
}

/// A hexacopter whose body's axes are no principal ones: a load hangs to one side.
fn hexa() -> Vehicle {
    let motor = Vehicle::x500().rotors[0].motor;
    let rotor = |i: usize| {
        let at = std::f64::consts::FRAC_PI_6 + std::f64::consts::FRAC_PI_3 * i as f64;
        let spin = if i.is_multiple_of(2) { 1.0 } else { -1.0 };
        let position = Vector3::new(0.215 * at.cos(), 0.215 * at.sin(), 0.03);
        Rotor { position, axis: Vector3::z_axis(), spin, motor }
    };
    Vehicle {
        mass: 1.56779,
        inertia: Vector3::new(0.0347563, 0.0458929, 0.0977),
        products: Vector3::new(-0.004, 0.006, 0.003),
        rotors: (0..6).map(rotor).collect(),
        ..Vehicle::x500()
    }
}

struct Manoeuvre {
    name: &'static str,
    start: State,
    wind: Vector3<f64>,
    /// Rotor commands as parts of the hover speed, at a time in seconds.
    command: fn(f64) -> Vec<f64>,
}

fn manoeuvres(hover: f64) -> Vec<Manoeuvre> {
    let rest = State::at(Point3::new(0.0, 0.0, 10.0), 0.4, hover);
    let mut tumbling = rest;
    tumbling.velocity = Vector3::new(4.0, -2.0, 6.0);
    tumbling.rates = Vector3::new(3.0, -2.0, 5.0);
    tumbling.attitude = UnitQuaternion::from_euler_angles(0.5, -0.8, 2.0).into_inner();
    let still = Vector3::zeros();
    vec![
        Manoeuvre {
            name: "climb",
            start: rest,
            wind: still,
            command: |t| vec![if t < 1.5 { 1.15 } else { 0.9 }; 4],
        },
        Manoeuvre {
            name: "roll doublet",
            start: rest,
            wind: still,
            command: |t| {
                let d = if t < 0.2 {
                    0.02
                } else if t < 0.4 {
                    -0.02
                } else {
                    0.0
                };
                vec![1.0 - d, 1.0 + d, 1.0 + d, 1.0 - d]
            },
        },
        Manoeuvre { name: "yaw spin", start: rest, wind: still, command: |_| vec![1.1, 1.1, 0.9, 0.9] },
        Manoeuvre {
            name: "pitch in wind",
            start: rest,
            wind: Vector3::new(-6.0, 3.0, 1.0),
            command: |t| {
                let d = 0.015 * (2.0 * t).sin();
                vec![1.05 - d, 1.05 + d, 1.05 - d, 1.05 + d]
            },
        },
        Manoeuvre { name: "tumble", start: tumbling, wind: still, command: |_| vec![0.2, 0.9, 0.5, 0.7] },
    ]
}

/// Of six rotors.
fn manoeuvres_of_six(hover: f64) -> Vec<Manoeuvre> {
    let rest = State::at(Point3::new(0.0, 0.0, 10.0), 0.4, 0.0).with_rotors(Rotors::repeat(6, hover));
    let mut tumbling = rest;
    tumbling.velocity = Vector3::new(4.0, -2.0, 6.0);
    tumbling.rates = Vector3::new(3.0, -2.0, 5.0);
    let still = Vector3::zeros();
    vec![
        Manoeuvre { name: "six climb", start: rest, wind: still, command: |_| vec![1.1; 6] },
        Manoeuvre {
            name: "six pitch in wind",
            start: rest,
            wind: Vector3::new(-6.0, 3.0, 1.0),
            command: |t| {
                let d = 0.01 * (2.0 * t).sin();
                vec![1.05 - d, 1.05, 1.05 + d, 1.05 + d, 1.05, 1.05 - d]
            },
        },
        Manoeuvre {
            name: "six tumble, one rotor lost",
            start: tumbling,
            wind: still,
            command: |_| vec![0.9, 0.8, 0.0, 0.9, 1.0, 0.7],
        },
    ]
}

#[test]
fn trajectories_are_those_of_rotorpy() {
    let Some(python) = python("trajectories_are_those_of_rotorpy") else { return };
    fly_beside_rotorpy(&python, &common_ground(Vehicle::x500()), manoeuvres);
}

#[test]
fn trajectories_of_six_rotors_are_those_of_rotorpy() {
    let Some(python) = python("trajectories_of_six_rotors_are_those_of_rotorpy") else { return };
    fly_beside_rotorpy(&python, &common_ground(hexa()), manoeuvres_of_six);
}

fn fly_beside_rotorpy(python: &PathBuf, v: &Vehicle, manoeuvres: fn(f64) -> Vec<Manoeuvre>) {
    const STEPS: usize = 300;
    let gravity = Vector3::new(0.0, 0.0, -9.81);
    let (hover, motor) = (v.hover_speed(9.81), &v.rotors[0].motor);
    let mut question = format!(
        "params{}",
        words([
            v.mass,
            v.inertia.x,
            v.inertia.y,
            v.inertia.z,
            v.products.x,
            v.products.y,
            v.products.z,
            motor.thrust_constant,
            motor.moment_constant * motor.thrust_constant,
            motor.rotor_drag,
            motor.tau_up,
            motor.max_speed
        ])
    );
    write!(question, " {}", v.rotors.len()).unwrap();
    for r in &v.rotors {
        question += &words([r.position.x, r.position.y, r.position.z, -r.spin]);
    }
    let all = manoeuvres(hover);
    for m in &all {
        let (s, q) = (&m.start, m.start.attitude);
        write!(question, "\nrun {STEPS} 0.01").unwrap();
        let state = s.position.iter().chain(&s.velocity).copied().chain([q.i, q.j, q.k, q.w]);
        question += &words(state.chain(s.rates.iter().chain(&m.wind).chain(&s.rotors).copied()));
        for k in 0..STEPS {
            question += &words((m.command)(k as f64 * 0.01).into_iter().map(|part| part * hover));
        }
    }
    let answers = ask(python, "rotorpy_run.py", &question);
    assert_eq!(answers.len(), STEPS * all.len());
    for (m, theirs) in all.iter().zip(answers.chunks(STEPS)) {
        let mut state = m.start;
        let (mut worst, mut turned) = (0.0_f64, 0.0_f64);
        for (k, answer) in theirs.iter().enumerate() {
            let command: Vec<f64> = (m.command)(k as f64 * 0.01).iter().map(|part| part * hover).collect();
            let command = Rotors::of(&command);
            for _ in 0..10 {
                state = rk4::step(&state, 1e-3, |s| dynamics::slope(v, s, &command, &gravity, &m.wind));
            }
            worst = worst.max((state.position - Vector3::new(answer[0], answer[1], answer[2])).norm());
            let q =
                UnitQuaternion::from_quaternion(Quaternion::new(answer[6], answer[3], answer[4], answer[5]));
            turned = turned.max(q.angle_to(&state.rotation()));
        }
        let way = (state.position - m.start.position).norm();
        println!("{}: {way:.2} m flown, off by {worst:.1e} m and {turned:.1e} rad at most", m.name);
        assert!(worst < 1e-5 && turned < 1e-5, "{}: {worst} m, {turned} rad", m.name);
        assert!(way > 0.2, "{}: the manoeuvre moves it", m.name);
    }
}

#[test]
fn rays_are_those_of_mujoco() {
    let Some(python) = python("rays_are_those_of_mujoco") else { return };
    let (a, b, c) = (Stream::new(31, 1), Stream::new(31, 2), Stream::new(31, 3));
    let mut solids = Vec::new();
    let mut question = String::new();
    for i in 0..40_u64 {
        let ([x, y], [z, r]) = (a.pair(i), b.pair(i));
        let pose = Isometry3::from_parts(
            Vector3::new(x * 20.0 - 10.0, y * 20.0 - 10.0, 0.5 + 3.0 * z).into(),
            UnitQuaternion::from_euler_angles(r * 6.0, x * 3.0, y * 6.0),
        );
        let (kind, size, shape) = match i % 5 {
            0 => ("box", [0.3 + r, 0.4, 0.6], Shape::Box { size: Vector3::new(0.3 + r, 0.4, 0.6) * 2.0 }),
            1 => ("cylinder", [0.3, 0.5 + r, 0.0], Shape::Cylinder { radius: 0.3, length: 1.0 + 2.0 * r }),
            2 => ("sphere", [0.3 + r, 0.0, 0.0], Shape::Sphere { radius: 0.3 + r }),
            3 => ("capsule", [0.25, 0.4 + r, 0.0], Shape::Capsule { radius: 0.25, length: 0.8 + 2.0 * r }),
            _ => (
                "ellipsoid",
                [0.3, 0.5, 0.4 + r],
                Shape::Ellipsoid { radii: Vector3::new(0.3, 0.5, 0.4 + r) },
            ),
        };
        let (t, q) = (pose.translation.vector, pose.rotation);
        let numbers = size.into_iter().chain([t.x, t.y, t.z, q.w, q.i, q.j, q.k]);
        writeln!(question, "geom {kind}{}", words(numbers)).unwrap();
        solids.push(Solid { pose, shape, object: i as u32 + 1 });
    }
    let normal = Unit::new_normalize(Vector3::z());
    solids.push(Solid {
        pose: Isometry3::identity(),
        shape: Shape::Plane { normal, size: [100.0; 2] },
        object: 0,
    });
    const RAYS: u64 = 3000;
    writeln!(question, "rays {RAYS}").unwrap();
    let mut rays = Vec::new();
    for i in 0..RAYS {
        let [x, y] = c.pair(i);
        // Origins above everything: MuJoCo leaves out what a ray starts inside of.
        let o = Vector3::new(x * 30.0 - 15.0, y * 30.0 - 15.0, 8.0);
        let n = a.normal3(1000 + i);
        let d = Vector3::new(n.x * 6.0 - o.x, n.y * 6.0 - o.y, n.z - 6.0).normalize();
        writeln!(question, "{}", words(o.iter().chain(&d).copied())).unwrap();
        rays.push((o, d));
    }
    let solids = Solids::new(solids);
    let (mut hits, mut split) = (0, 0);
    for ((o, d), theirs) in rays.iter().zip(ask(&python, "mujoco_run.py", &question)) {
        let ours = solids.all().iter().map(|s| {
            let o = s.pose.inverse_transform_point(&Point3::from(*o)).coords;
            s.shape.ray(&o.into(), &s.pose.inverse_transform_vector(d).into())
        });
        let ours = ours.fold(f64::INFINITY, f64::min);
        match (ours.is_finite(), theirs[0] >= 0.0) {
            // MuJoCo's plane has an end.
            (true, false) => assert!((o + d * ours).z.abs() < 1e-9, "{o:?} {d:?}: {ours}"),
            (true, true) if (ours - theirs[0]).abs() < 1e-6 => hits += 1,
            _ => split += 1,
        }
    }
    assert!(hits > 2000 && split <= 2, "{hits} the same, {split} not");
}

/// A vehicle with its rotors off falls and comes to rest on its sphere, as a ball does in MuJoCo, whose soft contacts let
/// it sink in by a millimetre or so.
#[test]
fn it_comes_to_rest_where_mujoco_says() {
    let Some(python) = python("it_comes_to_rest_where_mujoco_says") else { return };
    let theirs = ask(&python, "mujoco_run.py", "drop 0 0 2 0.25 2.0 4.0\n");
    let world = Arc::new(build("empty", &ForestSpec::default()).unwrap());
    let mut flight = Flight::new(world, Vehicle::x500(), Rules::default()).unwrap();
    flight.cut_motors();
    flight.advance(4_000_000_000).unwrap();
    let state = flight.quad().state();
    assert!((state.position.z - 0.25).abs() < 1e-3, "{}", state.position.z);
    assert!((state.position.z - theirs[0][0]).abs() < 5e-3, "{} {}", state.position.z, theirs[0][0]);
    assert!(state.velocity.norm() < 0.05 && theirs[0][1] < 0.05, "{} {}", state.velocity, theirs[0][1]);
    assert!(flight.contacts().episodes() >= 1);
}

/// Boxes, a cylinder, a capsule and balls are dropped on the ground, on each other, on a slope and into a corner, and lie where
/// they lie in MuJoCo, whose soft contacts let them sink in by a millimetre or so.
#[test]
fn bodies_come_to_rest_where_mujoco_says() {
    let Some(python) = python("bodies_come_to_rest_where_mujoco_says") else { return };
    let boxed = |x, y, z| Shape::Box { size: Vector3::new(x, y, z) };
    let turned = |r, p, y| UnitQuaternion::from_euler_angles(r, p, y);
    let slope = turned(0.0, 0.2, 0.0);
    // What stands: a ramp, and two walls that make a corner.
    let fixed = [
        (boxed(2.0, 2.0, 0.2), Vector3::new(6.0, 0.0, 0.5), slope),
        (boxed(1.0, 0.2, 1.0), Vector3::new(-5.0, 0.6, 0.5), turned(0.0, 0.0, 0.0)),
        (boxed(0.2, 1.0, 1.0), Vector3::new(-5.6, 0.0, 0.5), turned(0.0, 0.0, 0.0)),
    ];
    let above = |height: f64| Vector3::new(6.0, 0.0, 0.5) + slope * Vector3::new(0.0, 0.0, 0.1 + height);
    let free = [
        (boxed(0.4, 0.3, 0.2), Vector3::new(0.0, 0.0, 0.4), turned(0.2, -0.1, 0.5), 2.0),
        (boxed(0.5, 0.5, 0.3), Vector3::new(2.0, 0.0, 0.15), turned(0.0, 0.0, 0.0), 3.0),
        (boxed(0.3, 0.3, 0.3), Vector3::new(2.05, 0.02, 0.6), turned(0.05, 0.05, 0.3), 1.0),
        (boxed(0.2, 0.2, 0.2), Vector3::new(2.0, 0.05, 1.0), turned(0.0, 0.08, 0.1), 0.5),
        (
            Shape::Cylinder { radius: 0.2, length: 0.4 },
            Vector3::new(0.0, 3.0, 0.3),
            turned(0.1, 0.1, 0.0),
            1.5,
        ),
        (
            Shape::Capsule { radius: 0.1, length: 0.4 },
            Vector3::new(0.0, -3.0, 0.3),
            turned(std::f64::consts::FRAC_PI_2, 0.0, 0.0),
            1.0,
        ),
        (boxed(0.4, 0.4, 0.1), above(0.05), slope, 1.0),
        (Shape::Sphere { radius: 0.25 }, Vector3::new(-5.25, 0.25, 0.5), turned(0.0, 0.0, 0.0), 1.0),
    ];
    const FRICTION: f64 = 0.8;
    let words_of = |shape: &Shape, at: &Vector3<f64>, turn: &UnitQuaternion<f64>| {
        let (kind, half) = match *shape {
            Shape::Box { size } => ("box", size / 2.0),
            Shape::Cylinder { radius, length } => ("cylinder", Vector3::new(radius, length / 2.0, 0.0)),
            Shape::Capsule { radius, length } => ("capsule", Vector3::new(radius, length / 2.0, 0.0)),
            Shape::Sphere { radius } => ("sphere", Vector3::new(radius, 0.0, 0.0)),
            _ => panic!("MuJoCo has no {shape:?}"),
        };
        format!("{kind}{}", words(half.iter().chain(at).copied().chain([turn.w, turn.i, turn.j, turn.k])))
    };
    let mut question = String::new();
    let mut space = Space::new(&Vector3::new(0.0, 0.0, -9.8));
    let grip = Grip { friction: FRICTION, restitution: 0.0 };
    let part = |shape: Shape| [Part { place: Isometry3::identity(), form: Form::Shape(shape), grip }];
    let normal = Unit::new_normalize(Vector3::z());
    space.add(&Isometry3::identity(), Role::Fixed, &part(Shape::Plane { normal, size: [1.0; 2] }));
    for (shape, at, turn) in &fixed {
        writeln!(question, "geom {}", words_of(shape, at, turn)).unwrap();
        space.add(&Isometry3::from_parts((*at).into(), *turn), Role::Fixed, &part(*shape));
    }
    let mut ids = Vec::new();
    for (shape, at, turn, mass) in &free {
        writeln!(question, "body {} {mass} {FRICTION}", words_of(shape, at, turn)).unwrap();
        let r = shape.half_extents().unwrap();
        let q = r.component_mul(&r) * (mass / 3.0);
        let inertia = nalgebra::Matrix3::from_diagonal(&Vector3::new(q.y + q.z, q.x + q.z, q.x + q.y));
        let matter = Matter { mass: *mass, centre: Vector3::zeros(), inertia };
        let role = Role::Free(matter, Habits::default());
        ids.push(space.add(&Isometry3::from_parts((*at).into(), *turn), role, &part(*shape)).0);
    }
    question += "rest 4\n";
    (0..(4.0 / STEP_S) as usize).for_each(|_| space.step());
    let answers = ask(&python, "mujoco_run.py", &question);
    for ((id, theirs), (shape, ..)) in ids.iter().zip(&answers).zip(&free) {
        let ours = space.pose(*id);
        let off = ours.translation.vector - Vector3::new(theirs[0], theirs[1], theirs[2]);
        let q = UnitQuaternion::from_quaternion(Quaternion::new(theirs[3], theirs[4], theirs[5], theirs[6]));
        // A ball has no up.
        let ball = matches!(shape, Shape::Sphere { .. });
        let tilt = if ball { 0.0 } else { (q * Vector3::z()).angle(&(ours.rotation * Vector3::z())) };
        let (level, high, speed) = (off.xy().norm(), off.z.abs(), space.velocity(*id)[0].norm());
        println!("{shape:?}: {high:.1e} m in height, {tilt:.1e} rad of tilt, {level:.1e} m aside");
        assert!(high < 2e-3 && tilt < 5e-3 && speed < 1e-3, "{shape:?}: {high} m, {tilt} rad, {speed} m/s");
        // How far a thing tumbles and slides before it rests differs more.
        assert!(level < 0.04, "{shape:?}: {level} m aside");
    }
}
