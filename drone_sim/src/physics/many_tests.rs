//! Multicopters of other rotors than four upright ones of one kind.

use nalgebra::{Point3, Unit, UnitQuaternion, Vector3};

use super::mixer::{Many, Mixer};
use super::*;

const G: Vector3<f64> = Vector3::new(0.0, 0.0, -9.8);

/// Rotors on a circle, counted from `first` (radians) on, turning one way and the other by turns.
fn circle(count: usize, radius: f64, first: f64, motor: Motor) -> Vec<Rotor> {
    let at = |i: usize| first + std::f64::consts::TAU * i as f64 / count as f64;
    let rotor = |i: usize| Rotor {
        position: Vector3::new(radius * at(i).cos(), radius * at(i).sin(), 0.03),
        axis: Vector3::z_axis(),
        spin: if i.is_multiple_of(2) { 1.0 } else { -1.0 },
        motor,
    };
    (0..count).map(rotor).collect()
}

fn motor() -> Motor {
    Motor { max_speed: 838.0, ..Vehicle::x500().rotors[0].motor }
}

/// The AscTec Firefly, a hexacopter, by the figures of RotorS.
pub(super) fn firefly() -> Vehicle {
    Vehicle {
        name: "firefly",
        mass: 1.56779,
        inertia: Vector3::new(0.0347563, 0.0458929, 0.0977),
        rotors: circle(6, 0.215, std::f64::consts::FRAC_PI_6, motor()),
        ..Vehicle::x500()
    }
}

/// A flat octocopter that lifts.
fn octo() -> Vehicle {
    let strong = Motor { thrust_constant: 2e-5, max_speed: 900.0, ..motor() };
    let inertia = Vector3::new(0.18, 0.19, 0.33);
    let rotors = circle(8, 0.5, std::f64::consts::FRAC_PI_8, strong);
    Vehicle { name: "octo", mass: 6.5, inertia, rotors, ..Vehicle::x500() }
}

/// Four arms with two rotors each, one above the other, turning against each other.
fn coaxial() -> Vehicle {
    let mut rotors = circle(4, 0.3, std::f64::consts::FRAC_PI_4, motor());
    let below = rotors.clone().into_iter().map(|r| Rotor {
        position: r.position - Vector3::z() * 0.08,
        spin: -r.spin,
        // The lower one works in the wake of the upper one.
        motor: Motor { thrust_constant: 0.8 * r.motor.thrust_constant, ..r.motor },
        ..r
    });
    rotors.extend(below.collect::<Vec<_>>());
    let inertia = Vector3::new(0.05, 0.05, 0.09);
    Vehicle { name: "x8", mass: 2.6, inertia, rotors, ..Vehicle::x500() }
}

/// A hexacopter whose rotors lean by 15 degrees along the circle, by turns, as those that can push sideways have it.
fn canted() -> Vehicle {
    let mut vehicle = firefly();
    for (i, rotor) in vehicle.rotors.iter_mut().enumerate() {
        let out = Unit::new_normalize(Vector3::new(rotor.position.x, rotor.position.y, 0.0));
        let lean = if i % 2 == 0 { 0.26 } else { -0.26 };
        rotor.axis = UnitQuaternion::from_axis_angle(&out, lean) * Vector3::z_axis();
    }
    Vehicle { name: "canted", ..vehicle }
}

/// A quadrotor with a pusher, as a standard VTOL has it: five motors, and the fifth is no rotor to steer with.
fn pushed() -> Vehicle {
    let mut vehicle = Vehicle { name: "pushed", ..Vehicle::x500() };
    let position = Vector3::new(-0.3, 0.0, 0.02);
    vehicle.rotors.push(Rotor { position, axis: Vector3::x_axis(), spin: 1.0, motor: motor() });
    vehicle
}

fn all() -> [Vehicle; 5] {
    [firefly(), octo(), coaxial(), canted(), pushed()]
}

fn start(vehicle: Vehicle) -> Quadrotor {
    Quadrotor::hovering(vehicle, Point3::new(0.0, 0.0, 5.0), 0.4, G).unwrap()
}

#[test]
fn they_hover_climb_and_turn() {
    for vehicle in all() {
        let name = vehicle.name;
        let mut quad = start(vehicle);
        for _ in 0..5000 {
            quad.step();
        }
        let state = *quad.state();
        assert!((state.position - Vector3::new(0.0, 0.0, 5.0)).norm() < 0.02, "{name}: {:?}", state.position);
        assert!(state.velocity.norm() < 1e-3 && (state.yaw() - 0.4).abs() < 1e-3, "{name}: {state:?}");
        let felt = quad.sample(0).specific_force;
        assert!((felt - Vector3::new(0.0, 0.0, 9.8)).norm() < 0.02, "{name}: {felt:?}");
        quad.set_command(Command { velocity: Vector3::new(2.0, 0.0, 1.0), yaw_rate: 0.7, steady: false });
        for _ in 0..4000 {
            quad.step();
        }
        let state = *quad.state();
        let ahead = UnitQuaternion::from_euler_angles(0.0, 0.0, state.yaw()) * Vector3::x();
        let (turn, climb, speed) = (state.rates.z, state.velocity.z, state.velocity.dot(&ahead));
        println!(
            "{name}: turns at {turn:.3} of 0.7 rad/s, climbs at {climb:.3} of 1, flies at {speed:.3} of 2 m/s"
        );
        assert!((turn - 0.7).abs() < 0.1, "{name}: turns at {turn}");
        assert!((climb - 1.0).abs() < 0.1, "{name}: climbs at {climb}");
        assert!((speed - 2.0).abs() < 0.4, "{name}: flies at {speed}");
        assert!(state.rotors.iter().zip(&quad.vehicle().max_speeds()).all(|(w, most)| w <= most));
    }
}

/// The wrench that comes of the speeds is the one that was asked for; beyond the rotors' means the direction of roll and pitch
/// survives, and no rotor is asked for more than it can.
#[test]
fn the_mixer_gives_what_any_rotors_can() {
    for vehicle in all() {
        let mixer = Mixer::new(&vehicle).unwrap();
        let given = |speeds: Rotors| {
            let state = State::at(Point3::origin(), 0.0, 0.0).with_rotors(speeds);
            dynamics::wrench(&vehicle, &state, &Vector3::zeros())
        };
        let weight = vehicle.mass * 9.8;
        let torque = Vector3::new(0.05, -0.04, 0.01);
        let (force, got) = given(mixer.rotor_speeds(weight, &torque));
        assert!((force.z - weight).abs() < 1e-9 && (got - torque).norm() < 1e-9, "{}: {got:?}", vehicle.name);
        let speeds = mixer.rotor_speeds(100.0 * weight, &Vector3::new(50.0, 0.0, 3.0));
        let (_, got) = given(speeds);
        assert!(got.x > 0.5 && got.y.abs() < 0.05 * got.x, "{}: {got:?}", vehicle.name);
        let most = vehicle.max_speeds();
        assert!(speeds.iter().zip(&most).all(|(w, most)| *w >= 0.0 && *w <= most + 1e-9), "{}", vehicle.name);
        // Roll before thrust: a vehicle that shall fall still turns.
        let (_, got) = given(mixer.rotor_speeds(0.0, &Vector3::new(0.3, 0.0, 0.0)));
        assert!((got.x - 0.3).abs() < 1e-6, "{}: {got:?}", vehicle.name);
    }
}

/// Where both ways exist they agree: of four rotors the pseudo-inverse is the inverse.
#[test]
fn of_four_rotors_both_ways_say_the_same() {
    for vehicle in [Vehicle::x3(), Vehicle::x500()] {
        let (four, many) = (Mixer::new(&vehicle).unwrap(), Many::new(&vehicle).unwrap());
        assert!(matches!(four, Mixer::Four(_)));
        for (k, thrust) in [9.0, 14.7, 25.0].into_iter().enumerate() {
            let torque = Vector3::new(0.3 - 0.2 * k as f64, 0.1, 0.02 * k as f64);
            let (a, b) = (four.rotor_speeds(thrust, &torque), many.rotor_speeds(thrust, &torque));
            assert!(a.iter().zip(&b).all(|(a, b)| (a - b).abs() < 1e-6), "{}: {a:?} {b:?}", vehicle.name);
        }
    }
}

#[test]
fn what_cannot_hover_says_why() {
    let refused = |vehicle: &Vehicle| {
        let error = Quadrotor::hovering(vehicle.clone(), Point3::origin(), 0.0, G).unwrap_err().to_string();
        assert!(error.starts_with("PG-1021"), "{error}");
        assert!(vehicle.check_hover(9.8).is_err(), "{error}");
        error
    };
    let three = Vehicle { rotors: circle(3, 0.2, 0.0, motor()), ..firefly() };
    assert!(refused(&three).contains("3 rotors"), "{}", refused(&three));
    let mut one_way = firefly();
    one_way.rotors.iter_mut().for_each(|r| r.spin = 1.0);
    assert!(refused(&one_way).contains("cannot steer"), "{}", refused(&one_way));
    let mut in_line = firefly();
    in_line.rotors.iter_mut().for_each(|r| r.position.y = 0.0);
    assert!(refused(&in_line).contains("cannot steer"), "{}", refused(&in_line));
    let heavy = Vehicle { mass: 9.0, ..firefly() };
    assert!(refused(&heavy).contains("cannot carry"), "{}", refused(&heavy));
    let mut beside = firefly();
    beside.rotors.iter_mut().for_each(|r| r.position.x += 0.4);
    assert!(refused(&beside).contains("pull downwards"), "{}", refused(&beside));
    assert!(all().iter().all(|v| v.check_hover(9.8).is_ok()));
}

/// Of a body whose axes are no principal ones energy and angular momentum stay, and it tumbles as the same body told along its
/// principal axes.
#[test]
fn products_of_inertia_turn_a_body_as_its_principal_axes_do() {
    let still = |v: Vehicle| {
        v.with_motors(|m| Motor { thrust_constant: 0.0, rotor_drag: 0.0, rolling_moment: 0.0, ..*m })
    };
    let principal = still(firefly());
    let turn = UnitQuaternion::from_euler_angles(0.3, -0.5, 0.7);
    // The same body, its axes turned: I' = R^T I R.
    let matrix = turn.inverse().to_rotation_matrix() * principal.inertia_matrix() * turn.to_rotation_matrix();
    let told = Vehicle {
        inertia: matrix.diagonal(),
        products: Vector3::new(matrix.m12, matrix.m13, matrix.m23),
        ..principal.clone()
    };
    let mut a = State::at(Point3::origin(), 0.0, 0.0).with_rotors(Rotors::repeat(6, 0.0));
    a.rates = Vector3::new(4.0, 7.0, -3.0);
    let mut b = a;
    (b.attitude, b.rates) = ((a.rotation() * turn).into_inner(), turn.inverse() * a.rates);
    let energy = |v: &Vehicle, s: &State| 0.5 * s.rates.dot(&v.momentum(&s.rates));
    let momentum = |v: &Vehicle, s: &State| s.rotation() * v.momentum(&s.rates);
    let (before, spin) = (energy(&told, &b), momentum(&told, &b));
    assert!((before - energy(&principal, &a)).abs() < 1e-12);
    let rest = Rotors::repeat(6, 0.0);
    let zero = Vector3::zeros();
    for _ in 0..2000 {
        a = rk4::step(&a, STEP_S, |s| dynamics::slope(&principal, s, &rest, &zero, &zero));
        b = rk4::step(&b, STEP_S, |s| dynamics::slope(&told, s, &rest, &zero, &zero));
    }
    assert!((b.rotation() * turn.inverse()).angle_to(&a.rotation()) < 1e-6);
    assert!((turn * b.rates - a.rates).norm() < 1e-6);
    assert!((energy(&told, &b) / before - 1.0).abs() < 1e-8);
    assert!((momentum(&told, &b) - spin).norm() / spin.norm() < 1e-8);
}

/// A rotor that leans pulls where it leans, and its drag torque is about its own axis.
#[test]
fn a_leaning_rotor_pulls_where_it_leans() {
    let mut vehicle = Vehicle::x500();
    vehicle.rotors.truncate(1);
    vehicle.rotors[0].axis = Unit::new_normalize(Vector3::new(0.6, 0.0, 0.8));
    let state = State::at(Point3::origin(), 0.0, 0.0).with_rotors(Rotors::from([500.0]));
    let (force, torque) = dynamics::wrench(&vehicle, &state, &Vector3::zeros());
    let thrust = 8.54858e-6 * 250_000.0;
    let pull = Vector3::new(0.6, 0.0, 0.8) * thrust;
    assert!((force - pull).norm() < 1e-12, "{force:?}");
    let expected = vehicle.rotors[0].position.cross(&pull) - pull * 0.016;
    assert!((torque - expected).norm() < 1e-12, "{torque:?}");
    // Air along its axis takes thrust, air across it drags.
    let along = State { velocity: Vector3::new(6.0, 0.0, 8.0), ..state };
    let (less, _) = dynamics::wrench(&vehicle, &along, &Vector3::zeros());
    assert!((less - pull * 0.6).norm() < 1e-9, "{less:?}");
    let across = State { velocity: Vector3::new(0.0, 5.0, 0.0), ..state };
    let (dragged, _) = dynamics::wrench(&vehicle, &across, &Vector3::zeros());
    assert!((dragged.y + 500.0 * 5.0 * 8.06428e-5).abs() < 1e-12, "{dragged:?}");
}
