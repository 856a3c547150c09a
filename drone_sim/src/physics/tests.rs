use nalgebra::{Point3, Quaternion, UnitQuaternion, Vector3};

use super::*;

const G: Vector3<f64> = Vector3::new(0.0, 0.0, -9.8);

fn still() -> Vector3<f64> {
    Vector3::zeros()
}

/// A vehicle whose rotors do nothing: a free rigid body.
fn dead(vehicle: &Vehicle) -> Vehicle {
    let still = |m: &Motor| Motor { thrust_constant: 0.0, rotor_drag: 0.0, rolling_moment: 0.0, ..*m };
    vehicle.clone().with_motors(still)
}

fn run(vehicle: &Vehicle, mut state: State, gravity: &Vector3<f64>, dt: f64, seconds: f64) -> State {
    let command = state.rotors;
    for _ in 0..(seconds / dt).round() as u64 {
        state = rk4::step(&state, dt, |s| dynamics::slope(vehicle, s, &command, gravity, &still()));
    }
    state
}

#[test]
fn free_fall_is_a_parabola() {
    let mut start = State::at(Point3::new(1.0, 2.0, 100.0), 0.3, 0.0);
    start.velocity = Vector3::new(3.0, -1.0, 2.0);
    let end = run(&dead(&Vehicle::x3()), start, &G, STEP_S, 3.0);
    let expected = start.position + start.velocity * 3.0 + G * 4.5;
    assert!((end.position - expected).norm() < 1e-9, "{:?}", end.position);
    assert!((end.velocity - (start.velocity + G * 3.0)).norm() < 1e-10);
}

#[test]
fn a_tumbling_body_keeps_energy_and_angular_momentum() {
    let vehicle = dead(&Vehicle::x3());
    let mut start = State::at(Point3::origin(), 0.0, 0.0);
    start.rates = Vector3::new(4.0, 7.0, -3.0);
    let energy = |s: &State| 0.5 * s.rates.dot(&vehicle.inertia.component_mul(&s.rates));
    let momentum = |s: &State| s.rotation() * vehicle.inertia.component_mul(&s.rates);
    let end = run(&vehicle, start, &still(), STEP_S, 10.0);
    assert!((energy(&end) / energy(&start) - 1.0).abs() < 1e-9);
    assert!((momentum(&end) - momentum(&start)).norm() / momentum(&start).norm() < 1e-8);
    assert!((end.rates - start.rates).norm() > 0.1, "an unequal body tumbles");
}

/// Halving the step divides the error by two to the fourth power.
#[test]
fn the_integrator_is_of_fourth_order() {
    let vehicle = dead(&Vehicle::x3());
    let mut start = State::at(Point3::origin(), 0.0, 0.0);
    start.rates = Vector3::new(4.0, 7.0, -3.0);
    let fine = run(&vehicle, start, &G, 1.0 / 6400.0, 1.0);
    let error = |dt: f64| {
        let end = run(&vehicle, start, &G, dt, 1.0);
        (end.attitude - fine.attitude).norm() + (end.rates - fine.rates).norm()
    };
    let order = (error(1.0 / 50.0) / error(1.0 / 100.0)).log2();
    assert!((3.8..4.3).contains(&order), "order {order}");
}

/// About one axis the attitude after t is known in closed form.
#[test]
fn spin_about_one_axis_is_exact() {
    let mut start = State::at(Point3::origin(), 0.0, 0.0);
    start.rates = Vector3::new(0.0, 0.0, 2.0);
    let end = run(&dead(&Vehicle::x500()), start, &G, STEP_S, 1.5);
    let expected = UnitQuaternion::from_euler_angles(0.0, 0.0, 3.0);
    assert!(end.rotation().angle_to(&expected) < 1e-10);
}

#[test]
fn rotors_follow_their_command_with_their_own_lag() {
    let vehicle = Vehicle::x3();
    let start = State::at(Point3::origin(), 0.0, 400.0);
    let command = Rotors::from([700.0, 700.0, 100.0, 100.0]);
    let mut state = start;
    for _ in 0..25 {
        state = rk4::step(&state, STEP_S, |s| dynamics::slope(&vehicle, s, &command, &G, &still()));
    }
    let up = 700.0 - 300.0 * (-0.025_f64 / vehicle.rotors[0].motor.tau_up).exp();
    let down = 100.0 + 300.0 * (-0.025_f64 / vehicle.rotors[0].motor.tau_down).exp();
    assert!(
        (state.rotors[0] - up).abs() < 1e-3 && (state.rotors[2] - down).abs() < 1e-3,
        "{:?}",
        state.rotors
    );
}

#[test]
fn rotor_drag_and_rolling_moment_are_those_of_the_plugin() {
    let vehicle = Vehicle::x500();
    let mut state = State::at(Point3::origin(), 0.0, 600.0);
    state.velocity = Vector3::new(5.0, 0.0, 0.0);
    let (force, torque) = dynamics::wrench(&vehicle, &state, &still());
    let motor = vehicle.rotors[0].motor;
    let drag = -4.0 * 600.0 * motor.rotor_drag * 5.0;
    assert!((force.x - drag).abs() < 1e-12);
    assert!((torque.x + 4.0 * 600.0 * motor.rolling_moment * 5.0).abs() < 1e-12);
    // The rotors sit above the centre of mass, so their drag also pitches the nose up (negative about y).
    assert!((torque.y - 0.06 * drag).abs() < 1e-12);
    // Falling with the wind there is no drag at all.
    let (force, _) = dynamics::wrench(&vehicle, &state, &state.velocity);
    assert!(force.x.abs() < 1e-12);
}

#[test]
fn a_counter_clockwise_rotor_turns_the_body_clockwise() {
    let mut state = State::at(Point3::origin(), 0.0, 0.0);
    state.rotors = Rotors::from([600.0, 600.0, 0.0, 0.0]);
    let (_, torque) = dynamics::wrench(&Vehicle::x500(), &state, &still());
    let thrust = 2.0 * 8.54858e-6 * 600.0 * 600.0;
    assert!((torque.z + 0.016 * thrust).abs() < 1e-9, "{torque:?}");
}

#[test]
fn hover_is_an_equilibrium() {
    for vehicle in [Vehicle::x3(), Vehicle::x500()] {
        let mut quad = Quadrotor::hovering(vehicle, Point3::new(1.0, 2.0, 3.0), 0.7, G).unwrap();
        for _ in 0..10_000 {
            quad.step();
        }
        let state = quad.state();
        assert!(
            (state.position - Vector3::new(1.0, 2.0, 3.0)).norm() < 0.02,
            "{}: {:?}",
            quad.vehicle().name,
            state.position
        );
        assert!(state.velocity.norm() < 1e-3 && (state.yaw() - 0.7).abs() < 1e-3);
        let sample = quad.sample(0);
        assert!((sample.specific_force - Vector3::new(0.0, 0.0, 9.8)).norm() < 0.02);
    }
}

struct Step {
    overshoot: f64,
    rise: f64,
    settled: f64,
    sink: f64,
    stop: f64,
}

/// From hover to `speed` along `direction` (radians) and back to rest.
fn velocity_step(vehicle: Vehicle, speed: f64, direction: f64) -> Step {
    let mut quad = Quadrotor::hovering(vehicle, Point3::new(0.0, 0.0, 2.0), 0.4, G).unwrap();
    let way = UnitQuaternion::from_euler_angles(0.0, 0.0, 0.4 + direction) * Vector3::x();
    let velocity = Vector3::new(direction.cos(), direction.sin(), 0.0) * speed;
    quad.set_command(Command { velocity, ..Command::default() });
    let mut out = Step { overshoot: 0.0, rise: f64::NAN, settled: f64::NAN, sink: 0.0, stop: 0.0 };
    for i in 0..4000 {
        quad.step();
        let along = quad.state().velocity.dot(&way);
        out.overshoot = out.overshoot.max(along / speed - 1.0);
        out.sink = out.sink.max((quad.state().position.z - 2.0).abs());
        if along > 0.9 * speed && out.rise.is_nan() {
            out.rise = f64::from(i) * STEP_S;
        }
    }
    out.settled = quad.state().velocity.dot(&way);
    let from = quad.state().position;
    quad.set_command(Command::default());
    for _ in 0..4000 {
        quad.step();
        let back = quad.state().velocity.dot(&way);
        out.overshoot = out.overshoot.max(-back / speed);
        out.stop = out.stop.max((quad.state().position - from).dot(&way));
        out.sink = out.sink.max((quad.state().position.z - 2.0).abs());
    }
    out
}

#[test]
fn commanded_velocities_are_reached_without_overshoot() {
    for vehicle in [Vehicle::x3(), Vehicle::x500()] {
        for (speed, direction) in [(1.0, 0.0), (4.0, 0.0), (5.0, 1.57), (5.0, 0.8), (5.0, 3.1)] {
            let s = velocity_step(vehicle.clone(), speed, direction);
            println!(
                "{} {speed} m/s at {direction} rad: overshoot {:.1} %, rise {:.2} s, settled {:.3}, stop {:.2} m, height {:.3} m",
                vehicle.name,
                s.overshoot * 100.0,
                s.rise,
                s.settled,
                s.stop,
                s.sink
            );
            assert!(s.overshoot < 0.03, "{} {speed}", vehicle.name);
            assert!((s.settled / speed - 1.0).abs() < 0.02);
            // The X3 is slow to pitch: its rotors have little thrust to spare over an unusually long inertia.
            let (lag, sink) = if vehicle.name == "x3" { (1.2, 0.3) } else { (0.4, 0.08) };
            assert!(s.rise < lag + speed / 5.5, "rise {}", s.rise);
            assert!(s.stop < lag * speed + speed * speed / (2.0 * 5.0), "stop {}", s.stop);
            assert!(s.sink < sink, "height error {}", s.sink);
        }
    }
}

#[test]
fn yaw_rate_and_climb_are_followed() {
    for vehicle in [Vehicle::x3(), Vehicle::x500()] {
        let mut quad = Quadrotor::hovering(vehicle, Point3::new(0.0, 0.0, 5.0), 0.0, G).unwrap();
        quad.set_command(Command { velocity: Vector3::new(2.0, 0.0, 1.0), yaw_rate: 1.0, steady: false });
        for _ in 0..4000 {
            quad.step();
        }
        let state = *quad.state();
        let ahead = UnitQuaternion::from_euler_angles(0.0, 0.0, state.yaw()) * Vector3::x();
        assert!((state.rates.z - 1.0).abs() < 0.15, "{} turns at {}", quad.vehicle().name, state.rates.z);
        assert!((state.velocity.z - 1.0).abs() < 0.1, "{}", state.velocity.z);
        assert!((state.velocity.dot(&ahead) - 2.0).abs() < 0.4, "{}", state.velocity.dot(&ahead));
    }
}

#[test]
fn looking_changes_nothing() {
    let fly = |looks: i64| {
        let mut quad = Quadrotor::hovering(Vehicle::x3(), Point3::new(0.0, 0.0, 2.0), 0.0, G).unwrap();
        quad.set_command(Command { velocity: Vector3::new(3.0, 1.0, 0.2), yaw_rate: 0.3, steady: false });
        for i in 0..1000 {
            quad.step();
            if looks > 0 && i % looks == 0 {
                quad.sample(333_333);
            }
        }
        quad.state().bits()
    };
    assert_eq!(fly(0), fly(3));
}

#[test]
fn a_sample_between_steps_lies_between_them() {
    let mut quad = Quadrotor::hovering(Vehicle::x3(), Point3::origin(), 0.0, G).unwrap();
    quad.set_command(Command { velocity: Vector3::new(4.0, 0.0, 0.0), yaw_rate: 0.0, steady: false });
    for _ in 0..500 {
        quad.step();
    }
    let (before, middle) = (quad.state().position.x, quad.sample(STEP_NS / 2).state.position.x);
    quad.step();
    assert!(before < middle && middle < quad.state().position.x);
    assert!(quad.sample(0).state == *quad.state());
}

#[test]
fn the_mixer_gives_what_the_rotors_can() {
    for vehicle in [Vehicle::x3(), Vehicle::x500()] {
        let mixer = mixer::Mixer::new(&vehicle).unwrap();
        let torque = Vector3::new(0.05, -0.04, 0.01);
        let speeds = mixer.rotor_speeds(vehicle.mass * 9.8, &torque);
        let mut state = State::at(Point3::origin(), 0.0, 0.0);
        state.rotors = speeds;
        let (force, got) = dynamics::wrench(&vehicle, &state, &still());
        assert!((force.z - vehicle.mass * 9.8).abs() < 1e-9 && (got - torque).norm() < 1e-9, "{got:?}");
        // Beyond the rotors' means the direction of roll and pitch survives.
        state.rotors = mixer.rotor_speeds(100.0, &Vector3::new(50.0, 0.0, 3.0));
        let (_, got) = dynamics::wrench(&vehicle, &state, &still());
        assert!(got.x > 0.5 && got.y.abs() < 0.05, "{got:?}");
        assert!(state.rotors.max() <= vehicle.rotors[0].motor.max_speed + 1e-9);
    }
    assert_eq!(Quaternion::<f64>::identity().w, 1.0);
}
