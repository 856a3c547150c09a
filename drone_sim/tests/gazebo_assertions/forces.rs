//! Wings, wind and battery.

use nalgebra::{Point3, UnitQuaternion, Vector3};
use peregrine_sim::outfit::Outfit;
use peregrine_sim::physics::{
    Battery, BatterySpec, Motor, Rotors, STEP_S, State, Vehicle, Wing, dynamics, rk4,
};

use super::{world, x3};

/// wind_effects.cc, WindEnabledInModel and WindEnabledInLink: either lets the wind act, and without either it does not.
#[test]
fn wind_effects_enabled_in_model_or_link() {
    let effects = "<plugin filename='gz-sim-wind-effects-system' name='gz::sim::systems::WindEffects'>
        <force_approximation_scaling_factor>1</force_approximation_scaling_factor></plugin>";
    let response = |vehicle: String| {
        Outfit::of(&world(&format!("{effects}{vehicle}")), "").unwrap().vehicle.wind_response
    };
    assert_eq!(response(x3("<enable_wind>true</enable_wind>")), 1.0);
    let link = x3("").replacen(
        "<link name='base_link'>",
        "<link name='base_link'><enable_wind>true</enable_wind>",
        1,
    );
    assert_eq!(response(link), 1.0);
    assert_eq!(response(x3("")), 0.0);
}

/// lift_drag_system.cc, VerifyVerticalForce: a blade of 10 m2 with a dihedral of 0.1 rad at 0.2 m/s lifts
/// cla a0 q S cos(dihedral), within 1e-4 N, and not nothing.
#[test]
fn lift_drag_system_vertical_force() {
    let (a0, cla, dihedral, rho, area, v) = (0.1, 4.0, 0.1_f64, 1.2041, 10.0, -0.2);
    let roll = UnitQuaternion::from_euler_angles(dihedral, 0.0, 0.0);
    let wing = Wing {
        centre: Vector3::zeros(),
        forward: roll * Vector3::new(-1.0, 0.0, 0.0),
        upward: roll * Vector3::z(),
        area,
        air_density: rho,
        a0,
        slopes: [cla, 0.0, 0.0],
        stall: 0.5,
        stalled: [0.0; 3],
        radial_symmetry: false,
    };
    let (force, _) = wing.wrench(&Vector3::new(v, 0.0, 0.0), &Vector3::zeros());
    let expected = cla * a0 * 0.5 * rho * v * v * area * dihedral.cos();
    assert!((force.z - expected).abs() < 1e-4 && force.z > 0.0, "{} {expected}", force.z);
}

/// wind_effects.cc, WindForce: the acceleration of a body in wind falls in each step while its velocity nears the wind's. (Ours blows
/// at once: `time_for_rise` is listed.)
#[test]
fn wind_effects_wind_force() {
    let still = |m: &Motor| Motor { thrust_constant: 0.0, rotor_drag: 0.0, rolling_moment: 0.0, ..*m };
    let body = Vehicle { wind_response: 1.0, ..Vehicle::x500().with_motors(still) };
    let (wind, none, rest) = (Vector3::new(1.0, 0.0, 1.0), Vector3::zeros(), Rotors::repeat(4, 0.0));
    let mut state = State::at(Point3::origin(), 0.0, 0.0);
    let mut last = f64::INFINITY;
    for step in 0..6000 {
        let slope = dynamics::slope(&body, &state, &rest, &none, &wind);
        let size = slope.velocity.norm();
        if step >= 3000 {
            assert!(last - size > 1e-6, "{step}: {last} {size}");
        }
        last = size;
        state = rk4::step(&state, STEP_S, |s| dynamics::slope(&body, s, &rest, &none, &wind));
    }
    // Switched off, it goes on as it is.
    let before = state.velocity;
    let calm = Vehicle { wind_response: 0.0, ..body };
    for _ in 0..1000 {
        state = rk4::step(&state, STEP_S, |s| dynamics::slope(&calm, s, &rest, &none, &wind));
    }
    assert!((state.velocity - before).norm() < 1e-6);
}

/// battery_plugin.cc, SingleBattery, SingleBatteryMultipleConsumers and the start of PowerDrainTopic: after 100 steps the charge is
/// below 1 and above 0; with a greater load it is lower; before anything starts it is 1.
#[test]
fn battery_plugin_charge() {
    let vehicle = Vehicle::x3();
    let left = |load: f64, rotors: f64, waits: bool| {
        let spec = BatterySpec {
            capacity: 1.2009,
            full: 12.694,
            empty: 12.694 - 3.1424,
            resistance: 0.061523,
            efficiency: f64::INFINITY,
            idle: load,
            smoothing: 1.9499,
            waits,
        };
        let mut battery = Battery::new(spec);
        (0..100).for_each(|_| battery.step(&vehicle, &Rotors::repeat(4, rotors), STEP_S));
        battery.charge()
    };
    let (single, more, before) = (left(6.6, 100.0, true), left(506.6, 100.0, true), left(6.6, 0.0, true));
    assert!(single < 1.0 && single > 0.0 && more < single && before == 1.0, "{single} {more} {before}");
    assert!(left(6.6, 0.0, false) < 1.0, "start_draining");
}
