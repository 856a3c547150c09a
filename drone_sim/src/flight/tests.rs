//! Flights in small worlds.

use super::*;
use crate::scenario::{ForestSpec, build};

fn flight(world: &str, rules: Rules) -> Flight {
    let world = Arc::new(build(world, &ForestSpec::default()).unwrap());
    Flight::new(world, Vehicle::x500(), rules).unwrap()
}

fn ahead(speed: f64) -> Command {
    Command { velocity: Vector3::new(speed, 0.0, 0.0), ..Command::default() }
}

const SECOND: i64 = 1_000_000_000;

#[test]
fn without_commands_it_stays() {
    let mut f = flight("forest", Rules::default());
    f.advance(10 * SECOND).unwrap();
    assert!((f.quad().state().position - f.world().start.coords).norm() < 0.05);
    assert_eq!(f.contacts().episodes(), 0);
}

#[test]
fn who_stands_stays_until_its_rotors_lift_it() {
    let world = Arc::new(build("empty", &ForestSpec::default()).unwrap());
    let mut f = Flight::standing(world, Vehicle::x500(), Rules::default()).unwrap();
    f.command(ahead(4.0), Axes::Heading, 0);
    f.advance(SECOND).unwrap();
    let at = f.quad().state().position;
    assert!((at.xy() - f.world().start.xy().coords).norm() < 1e-3, "{at:?}");
    assert!((0.25..0.29).contains(&at.z) && f.contacts().episodes() == 0, "{at:?}");
    assert!((f.sample(SECOND).specific_force - Vector3::new(0.0, 0.0, 9.8)).norm() < 1e-2);
    f.command_rotors(nalgebra::Vector4::repeat(850.0));
    f.advance(2 * SECOND).unwrap();
    assert!(f.quad().state().position.z > 1.0 && f.contacts().episodes() == 0);
}

#[test]
fn who_is_placed_stays_there_whatever_it_held_before() {
    let mut f = flight("empty", Rules::default());
    f.advance(SECOND).unwrap();
    let turn = UnitQuaternion::from_euler_angles(0.0, 0.0, 1.5);
    f.place(&Isometry3::from_parts(nalgebra::Translation3::new(3.0, 1.0, 10.0), turn));
    f.advance(4 * SECOND).unwrap();
    let state = f.quad().state();
    assert!((state.position - Vector3::new(3.0, 1.0, 10.0)).norm() < 0.05, "{:?}", state.position);
    assert!((state.yaw() - 1.5).abs() < 0.02, "{}", state.yaw());
}

/// Placed and told by its frame, moved by its centre of mass: 0.4 m above the frame here.
#[test]
fn the_frame_of_a_vehicle_need_not_be_its_centre_of_mass() {
    let world = Arc::new(build("empty", &ForestSpec::default()).unwrap());
    let high = Vehicle { centre: Vector3::new(0.1, 0.0, 0.4), ..Vehicle::x500() };
    let mut f = Flight::new(Arc::clone(&world), high, Rules::default()).unwrap();
    let start = world.start.coords;
    assert!((f.sample(0).state.position - start).norm() < 1e-12);
    assert!((f.quad().state().position - start - Vector3::new(0.1, 0.0, 0.4)).norm() < 1e-12);
    f.command(ahead(4.0), Axes::Heading, 0);
    for ms in (50..=400).step_by(50) {
        f.advance(ms * SECOND / 1000).unwrap();
        let (centre, frame) = (*f.quad().state(), f.sample(f.time_ns()).state);
        let arm = Vector3::new(-0.1, 0.0, -0.4);
        assert!((frame.position - (centre.pose() * Point3::from(arm)).coords).norm() < 1e-12);
        let swing = centre.rotation() * centre.rates.cross(&arm);
        assert!((frame.velocity - centre.velocity - swing).norm() < 1e-12);
    }
    // It pitches to fly ahead, and the frame below lags behind the centre.
    let (centre, frame) = (*f.quad().state(), f.sample(f.time_ns()).state);
    assert!(frame.position.x < centre.position.x - 0.12, "{:?} {:?}", frame.position, centre.position);
    f.place(&Isometry3::translation(5.0, 0.0, 3.0));
    assert!((f.sample(f.time_ns()).state.position - Vector3::new(5.0, 0.0, 3.0)).norm() < 1e-12);
}

#[test]
fn a_command_that_is_no_number_is_refused() {
    let mut f = flight("empty", Rules::default());
    assert!(f.command(ahead(2.0), Axes::Heading, 0) && !f.command(ahead(f64::NAN), Axes::Heading, 0));
}

#[test]
fn a_command_wears_off_and_the_vehicle_stops_and_stays() {
    let mut f = flight("empty", Rules::default());
    f.command(ahead(4.0), Axes::Heading, 0);
    f.advance(SECOND).unwrap();
    assert!(f.quad().state().velocity.x < 3.0, "braking since half a second");
    f.advance(4 * SECOND).unwrap();
    let there = f.quad().state().position;
    f.advance(12 * SECOND).unwrap();
    assert!(f.quad().state().velocity.norm() < 0.02);
    assert!((f.quad().state().position - there).norm() < 0.3);
}

#[test]
fn world_axes_are_turned_into_the_heading() {
    let mut f = flight("empty", Rules::default());
    for k in 0..30 {
        let yaw_rate = 1.0;
        f.command(
            Command { velocity: Vector3::new(0.0, 2.0, 0.0), yaw_rate, steady: false },
            Axes::World,
            k * SECOND / 10,
        );
        f.advance((k + 1) * SECOND / 10).unwrap();
    }
    let v = f.quad().state().velocity;
    assert!(v.y > 1.8 && v.x.abs() < 0.3, "{v:?}");
}

#[test]
fn straight_into_the_posts_is_counted_or_ends_it() {
    let crash = |stop| {
        let mut f = flight(
            "slalom",
            Rules { stop_on_collision: stop, time_limit_ns: 20 * SECOND, ..Rules::default() },
        );
        while f.outcome().is_none() {
            let now = f.time_ns();
            f.command(ahead(3.0), Axes::Heading, now);
            f.advance(now + SECOND / 20).unwrap();
        }
        f
    };
    let stopped = crash(true);
    assert_eq!((stopped.outcome(), stopped.contacts().episodes()), (Some(Outcome::Collided), 1));
    assert!(stopped.least_clearance() <= 0.0);
    let went_on = crash(false);
    assert!(went_on.contacts().episodes() >= 1 && went_on.outcome() != Some(Outcome::Collided));
}

#[test]
fn the_goal_ends_it() {
    let mut f = flight("empty", Rules::default());
    while f.outcome().is_none() {
        let now = f.time_ns();
        f.command(ahead(5.0), Axes::Heading, now);
        f.advance(now + SECOND / 20).unwrap();
    }
    assert_eq!(f.outcome(), Some(Outcome::Reached));
    assert!((58.0..59.5).contains(&f.path_length()), "{}", f.path_length());
    let seconds = f.time_ns() as f64 * 1e-9;
    assert!((12.0..13.5).contains(&seconds), "{seconds}");
}

/// The bits of a flight are those of its seed and commands, however time is cut into portions.
#[test]
fn portions_of_time_change_no_bit() {
    let fly = |portion: i64| {
        let mut f = flight("forest", Rules::default());
        for k in 0..40 {
            let now = k * SECOND / 10;
            let turn = (k as f64 * 0.7).sin();
            let velocity = Vector3::new(3.0, turn, 0.2 * turn);
            f.command(Command { velocity, yaw_rate: turn, steady: false }, Axes::Heading, now);
            let mut to = now;
            while to < now + SECOND / 10 {
                to = (to + portion).min(now + SECOND / 10);
                f.advance(to).unwrap();
                f.sample(to);
            }
        }
        f.quad().state().bits()
    };
    assert_eq!(fly(SECOND / 10), fly(333_333));
    assert_eq!(fly(SECOND / 10), fly(7_777_777));
}
