//! The hazards that earlier prototypes fell to, and inputs that do not deserve trust. Each one must end safely.

mod support;

use peregrine_avoidance::algo::config::Config;
use peregrine_avoidance::algo::geometry::{Pose, Quat, Vec3};
use peregrine_avoidance::algo::guard::Odometry;
use peregrine_avoidance::algo::state::{Stale, State};
use support::flight::{FRAME, Flight, Truth};
use support::world::World;

const START: Vec3 = Vec3::new(0.0, 0.0, 2.0);
const GOAL: Vec3 = Vec3::new(60.0, 0.0, 2.0);

fn flying(world: World, truth: Truth) -> Flight {
    let mut flight = Flight::new(world, truth, Config::default(), START, 0.0, 1);
    flight.run(GOAL, 2.5);
    assert!(flight.velocity.norm() > 2.0, "not at speed: {:?}", flight.velocity);
    flight
}

/// Flies on under `tamper` until at rest; the state that ended it, and the metres it took.
fn until_stopped(flight: &mut Flight, mut tamper: impl FnMut(&mut Flight, usize)) -> (State, f64) {
    let from = flight.position;
    let mut state = State::Cruise;
    for i in 0..120 {
        tamper(flight, i);
        state = flight.outcome.last_state;
        flight.fly(FRAME);
    }
    println!(
        "{state:?}: stopped within {:.2} m, clearance {:.2} m",
        (flight.position - from).norm(),
        flight.outcome.clearance
    );
    assert!(flight.velocity.norm() < 0.1, "still at {:?}", flight.velocity);
    assert!(!flight.outcome.collided);
    (state, (flight.position - from).norm())
}

fn watchdog(flight: &mut Flight) {
    if let Some(command) = flight.planner.on_watchdog(flight.now()) {
        flight.obey(&command);
    }
}

/// Forests per fault: 4, or as many as `PEREGRINE_FORESTS` says.
fn forests() -> u64 {
    std::env::var("PEREGRINE_FORESTS").ok().and_then(|n| n.parse().ok()).unwrap_or(4)
}

/// Poisson forests with a fault at speed: the stop must be as safe as the certificate says.
fn forests_with_fault(name: &str, expected: Stale, mut fault: impl FnMut(&mut Flight, usize)) {
    let mut least = f64::INFINITY;
    for seed in 1..=forests() {
        let world = World::forest(seed, 1.0 / 25.0, 60.0, 20.0, 0.3);
        let mut flight = Flight::new(world, Truth::mismatched(seed), Config::default(), START, 0.0, seed);
        flight.run(GOAL, 3.0 + (seed % 9) as f64);
        print!("{name} {seed}: ");
        let (state, _) = until_stopped(&mut flight, &mut fault);
        assert_eq!(state, State::InputStale(expected), "{name} {seed}");
        assert!(flight.outcome.clearance >= 0.05, "{name} {seed}: {}", flight.outcome.clearance);
        least = least.min(flight.outcome.clearance);
    }
    println!("{name}: {} forests, nothing touched, least clearance {least:.2} m", forests());
}

#[test]
fn stale_depth_brakes() {
    forests_with_fault("stale depth", Stale::DepthOld, |f, _| {
        let o = f.odometry();
        f.planner.on_odometry(f.now(), Some(o));
        watchdog(f);
    });
}

#[test]
fn stale_odometry_brakes() {
    forests_with_fault("stale odometry", Stale::OdometryOld, |f, _| {
        f.render();
        let c = f.think_with_depth(f.now());
        f.obey(&c);
        watchdog(f);
    });
}

#[test]
fn odometry_that_is_not_finite_brakes() {
    forests_with_fault("NaN odometry", Stale::OdometryNotFinite, |f, _| {
        let mut o: Odometry = f.odometry();
        o.velocity.x = f64::NAN;
        f.planner.on_odometry(f.now(), Some(o));
        f.render();
        let c = f.think_with_depth(f.now());
        f.obey(&c);
    });
    assert!(Quat::checked(f64::NAN, 0.0, 0.0, 1.0).is_none());
}

#[test]
fn a_frozen_camera_brakes() {
    forests_with_fault("frozen", Stale::DepthFrozen, |f, i| {
        // Stamps go on, pixels stay. Once stopped, equal pixels are honest again: the test ends at the stop.
        let o = f.odometry();
        f.planner.on_odometry(f.now(), Some(o));
        if i == 0 {
            f.render();
        }
        let c = f.think_with_depth(f.now());
        f.obey(&c);
    });
}

#[test]
fn a_covered_camera_brakes() {
    for value in [f32::NAN, 0.0, -1.0] {
        forests_with_fault("covered", Stale::DepthInvalid, |f, _| {
            let o = f.odometry();
            f.planner.on_odometry(f.now(), Some(o));
            for pixel in f.camera.bytes.chunks_exact_mut(4) {
                pixel.copy_from_slice(&value.to_le_bytes());
            }
            let c = f.think_with_depth(f.now());
            f.obey(&c);
        });
    }
}

#[test]
fn commands_that_come_too_late_are_stops() {
    forests_with_fault("deadline", Stale::DeadlineMissed, |f, _| {
        f.think();
        let stop = f.planner.on_missed_deadline(f.now());
        f.obey(&stop);
    });
}

#[test]
fn a_saturated_camera_is_not_free_space() {
    // Every pixel at the nearest depth: a hand before the lens of a camera that does not say "invalid".
    for seed in 1..=forests() {
        let world = World::forest(seed, 1.0 / 25.0, 60.0, 20.0, 0.3);
        let mut flight = Flight::new(world, Truth::mismatched(seed), Config::default(), START, 0.0, seed);
        flight.run(GOAL, 3.0 + (seed % 9) as f64);
        until_stopped(&mut flight, |f, _| {
            let o = f.odometry();
            f.planner.on_odometry(f.now(), Some(o));
            for pixel in f.camera.bytes.chunks_exact_mut(4) {
                pixel.copy_from_slice(&0.1_f32.to_le_bytes());
            }
            let c = f.think_with_depth(f.now());
            f.obey(&c);
        });
        assert!(flight.outcome.clearance >= 0.05, "{seed}: {}", flight.outcome.clearance);
    }
}

#[test]
fn a_clock_that_goes_backwards_brakes_and_is_survived() {
    let mut flight = flying(World::default(), Truth::NOMINAL);
    let back = flight.now() - 1_500_000_000;
    let command = flight.planner.on_watchdog(back).unwrap();
    assert_eq!(command.status.state, State::InputStale(Stale::ClockBackwards));
    assert_eq!(command.velocity, Vec3::ZERO);
    flight.obey(&command);
    flight.fly(1.5);
    // Time goes on from there: the flight is finished, without what was remembered before.
    let o = flight.run(GOAL, 90.0);
    assert!(o.reached && !o.collided, "{o:?}");
}

#[test]
fn odometry_that_jumps_brakes_and_is_survived() {
    let mut flight = flying(World::default(), Truth::NOMINAL);
    let mut o = flight.odometry();
    o.pose.position.y += 8.0;
    flight.planner.on_odometry(flight.now(), Some(o));
    let command = flight.planner.on_watchdog(flight.now()).unwrap();
    assert_eq!(command.status.state, State::InputStale(Stale::OdometryJump));
    flight.obey(&command);
    flight.fly(FRAME);
    assert!(flight.run(GOAL, 90.0).reached);
}

#[test]
fn odometry_that_goes_on_in_another_frame_is_noticed_and_touches_nothing() {
    // What is remembered then lies elsewhere: a planner that went on trusting it would fly into trees that it has seen.
    let aside =
        |y: f64, yaw: f64| Pose { position: Vec3::new(0.0, y, 0.0), rotation: Quat::from_rpy(0.0, 0.0, yaw) };
    let jumps = [
        ("1.2 m aside", aside(1.2, 0.0), 0),
        ("turned by 0.4 rad", aside(0.0, 0.4), 0),
        ("after a gap", aside(3.0, 0.0), 40),
    ];
    for (name, jump, gap) in jumps {
        let mut grounded = 0;
        for seed in 1..forests() {
            let world = World::forest(seed, 1.0 / 25.0, 60.0, 20.0, 0.3);
            let mut flight = Flight::new(world, Truth::mismatched(seed), Config::default(), START, 0.0, seed);
            flight.run(GOAL, 3.0 + (seed % 9) as f64);
            for _ in 0..gap {
                flight.fly(FRAME);
                watchdog(&mut flight);
            }
            if jump.position.y == 0.0 {
                // Turned about itself: a heading that is set anew, not a place.
                let p = flight.position;
                flight.frame = Pose { position: p - jump.rotation.rotate(p), rotation: jump.rotation };
            } else {
                flight.frame = jump;
            }
            let command = flight.think();
            assert_eq!(command.status.state, State::InputStale(Stale::OdometryJump), "{name} {seed}");
            flight.obey(&command);
            flight.fly(FRAME);
            let (from, begun) = (flight.position, flight.time);
            let goal = flight.frame.apply(GOAL);
            let o = flight.run(goal, begun + 20.0).clone();
            let flown = (o.position - from).norm();
            println!("{name} {seed}: {flown:.1} m farther, clearance {:.2}", o.clearance);
            assert!(!o.collided && o.clearance >= 0.08, "{name} {seed}: {}", o.clearance);
            grounded += u64::from(flown <= 3.0);
        }
        // Where nobody vouches for the place, one in many stands so near to something that it stays, and says so.
        println!("{name}: {} forests, nothing touched, {grounded} never flew again", forests() - 1);
        assert!(grounded <= forests() / 20, "{name}: {grounded} never flew again");
    }
}

#[test]
fn hazard_one_the_edge_of_the_view_is_not_free() {
    // A wall that begins just outside of the view on the left, the goal behind it: the vehicle must not fly into what
    // it never looked at, whichever way it is led.
    let mut world = World::default();
    world.wall((0.6, 1.6), (20.0, 1.6));
    for (i, goal) in [Vec3::new(3.0, 8.0, 2.0), Vec3::new(1.0, 6.0, 2.0), Vec3::new(-4.0, 3.0, 2.0)]
        .into_iter()
        .enumerate()
    {
        let mut f = Flight::new(world.clone(), Truth::mismatched(i as u64), Config::default(), START, 0.0, 1);
        let o = f.run(goal, 20.0);
        println!("edge {i}: reached {} clearance {:.2}", o.reached, o.clearance);
        assert!(o.reached && o.clearance >= 0.1 && !o.collided);
    }
}

#[test]
fn hazard_two_nothing_is_crept_into_inside_a_near_bubble() {
    // A wall stands just outside of the bubble that is vouched for, out of view. Whoever lets a free bubble travel
    // with the vehicle drifts into it; whoever asks what was seen turns and looks first.
    for seed in 0..6_u64 {
        let mut world = World::default();
        let angle = 0.9 + seed as f64 * 0.8;
        world.wall(
            (2.0 * angle.cos() - 1.5, 2.0 * angle.sin() - 1.5),
            (2.0 * angle.cos() + 1.5, 2.0 * angle.sin() + 1.5),
        );
        let goal = Vec3::new(6.0 * angle.cos(), 6.0 * angle.sin(), 2.0);
        let mut f = Flight::new(world, Truth::mismatched(seed), Config::default(), START, 0.0, seed);
        let clear_at_start = f.world.clearance([0.0, 0.0, 2.0]);
        if clear_at_start < 1.1 + 0.25 {
            continue; // the operator's promise about the start would be false
        }
        let o = f.run(goal, 30.0);
        println!("creep {seed}: reached {} clearance {:.2}", o.reached, o.clearance);
        assert!(o.reached && o.clearance >= 0.1 && !o.collided);
    }
}

#[test]
fn hazard_three_a_plant_worse_than_believed_still_stops() {
    // A wall across the way, approached at full speed by the worst vehicle that the margins are meant for.
    for (lag, acceleration, delay) in [(0.32, 4.5, 0.1), (0.19, 7.5, 0.05), (0.32, 7.5, 0.1)] {
        let mut world = World::default();
        world.wall((14.0, -30.0), (14.0, 30.0));
        let truth = Truth { lag, acceleration, delay, tilt_lag: 0.0625, yaw_lag: 0.15, noise: 0.002 };
        let mut f = Flight::new(world, truth, Config::default(), START, 0.0, 1);
        let o = f.run(GOAL, 12.0);
        println!("plant lag {lag}: clearance {:.2}", o.clearance);
        assert!(o.clearance >= 0.1 && !o.collided);
    }
}

#[test]
fn hazard_four_local_minima_are_left() {
    let mut world = World::default();
    for i in 0..40 {
        let angle = -1.4 + 2.8 * f64::from(i) / 39.0;
        world.tree(10.0 + 5.0 * angle.cos(), 5.0 * angle.sin(), 0.3);
    }
    let mut f = Flight::new(world, Truth::mismatched(2), Config::default(), START, 0.0, 1);
    let o = f.run(Vec3::new(30.0, 0.0, 2.0), 120.0);
    println!("bowl: reached {} in {:.1} s, clearance {:.2}", o.reached, o.seconds, o.clearance);
    assert!(o.reached && o.clearance >= 0.1);
}
