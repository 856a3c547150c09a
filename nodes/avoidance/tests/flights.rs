//! Closed-loop flights: forests, traps, walls, and goals in awkward places. Every figure is printed before it is
//! judged, so that a run shows how much room is left.

mod support;

use peregrine_avoidance::algo::config::Config;
use peregrine_avoidance::algo::geometry::Vec3;
use peregrine_avoidance::algo::state::State;
use support::flight::{FRAME, Flight, Outcome, Truth};
use support::world::World;

const START: Vec3 = Vec3::new(0.0, 0.0, 2.0);

fn at(x: f64, y: f64) -> Vec3 {
    Vec3::new(x, y, 2.0)
}

fn fly(name: &str, world: World, truth: Truth, yaw: f64, goal: Vec3, limit: f64) -> Outcome {
    let o = creep(name, world, truth, yaw, goal, limit);
    assert!(o.clearance >= 0.1, "{name}: clearance {:.3} m", o.clearance);
    o
}

/// As [`fly`], for who has to come as near as a creeping vehicle may: its margin is 0.06 m, and between two places that are asked
/// for a ball sags by a centimetre.
fn creep(name: &str, world: World, truth: Truth, yaw: f64, goal: Vec3, limit: f64) -> Outcome {
    let mut flight = Flight::new(world, truth, Config::default(), START, yaw, 1);
    let o = flight.run(goal, limit).clone();
    println!(
        "{name}: reached {} clearance {:.2} m, {:.1} s, {:.2} m/s, {:?}, stuck {}",
        o.reached,
        o.clearance,
        o.seconds,
        o.mean_speed(),
        o.last_state,
        o.was_stuck
    );
    assert!(!o.collided && o.clearance >= 0.04, "{name}: clearance {:.3} m", o.clearance);
    o
}

fn forests(name: &str, seeds: std::ops::Range<u64>, truth: fn(u64) -> Truth) {
    let mut speeds = Vec::new();
    for seed in seeds {
        let world = World::forest(seed, 1.0 / 25.0, 60.0, 20.0, 0.3);
        let o = fly(&format!("{name} {seed}"), world, truth(seed), 0.0, at(60.0, 0.0), 90.0);
        assert!(o.reached, "{name} {seed}");
        speeds.push(o.mean_speed());
    }
    let mean = speeds.iter().sum::<f64>() / speeds.len() as f64;
    println!("{name}: mean speed {mean:.2} m/s");
    assert!(mean >= 3.0, "{mean}");
}

#[test]
fn poisson_forests_are_crossed() {
    forests("forest", 1..11, |_| Truth::NOMINAL);
}

#[test]
fn poisson_forests_are_crossed_by_a_vehicle_other_than_believed() {
    forests("mismatched forest", 101..111, Truth::mismatched);
}

#[test]
fn an_open_field_is_crossed_at_cruise_speed() {
    let o = fly("field", World::default(), Truth::NOMINAL, 0.0, at(40.0, 0.0), 30.0);
    assert!(o.reached && o.mean_speed() > 3.2);
    assert!(o.track.iter().any(|(.., s)| *s == State::Cruise));
}

#[test]
fn a_start_facing_away_turns_before_it_goes() {
    for yaw in [std::f64::consts::PI, 1.7, -2.4] {
        let o = fly("facing away", World::default(), Truth::NOMINAL, yaw, at(20.0, 0.0), 30.0);
        assert!(o.reached);
        assert!(o.track.iter().all(|(_, p, ..)| p.x > -1.0), "flew backwards, blind");
    }
}

#[test]
fn a_goal_that_moves_behind_is_followed() {
    let mut flight = Flight::new(World::default(), Truth::NOMINAL, Config::default(), START, 0.0, 1);
    flight.run(at(30.0, 0.0), 3.0);
    assert!(flight.position.x > 3.0 && !flight.outcome.reached);
    let o = flight.run(at(-15.0, 3.0), 40.0);
    println!("goal behind: reached {} in {:.1} s", o.reached, o.seconds);
    assert!(o.reached && !o.collided);
}

#[test]
fn a_wall_is_flown_around() {
    let mut world = World::default();
    world.wall((12.0, -7.0), (12.0, 7.0));
    assert!(fly("wall", world, Truth::NOMINAL, 0.0, at(30.0, 0.0), 90.0).reached);
}

#[test]
fn a_u_trap_is_left_again() {
    for depth in [5.0, 9.0] {
        let mut world = World::default();
        world.wall((15.0, -4.0), (15.0, 4.0));
        world.wall((15.0 - depth, -4.0), (15.0, -4.0));
        world.wall((15.0 - depth, 4.0), (15.0, 4.0));
        let o = fly("U-trap", world, Truth::mismatched(3), 0.0, at(30.0, 0.0), 120.0);
        assert!(o.reached);
    }
}

#[test]
fn a_closed_room_ends_in_stuck_and_nothing_touched() {
    let mut world = World::default();
    for (a, b) in [
        ((-4.0, -4.0), (-4.0, 4.0)),
        ((4.0, -4.0), (4.0, 4.0)),
        ((-4.0, -4.0), (4.0, -4.0)),
        ((-4.0, 4.0), (4.0, 4.0)),
    ] {
        world.wall(a, b);
    }
    // After minutes of looking for a way out, also higher up.
    let o = fly("closed room", world, Truth::NOMINAL, 0.0, at(30.0, 0.0), 180.0);
    assert!(!o.reached && o.was_stuck);
}

#[test]
fn a_hanging_crown_is_seen_as_any_obstacle() {
    let mut world = World::default();
    world.cylinders.push(support::world::Cylinder { x: 12.0, y: 0.0, radius: 2.5, bottom: 1.2, top: 8.0 });
    assert!(fly("crown", world, Truth::NOMINAL, 0.0, at(25.0, 0.0), 60.0).reached);
}

#[test]
fn a_goal_inside_a_tree_is_approached_but_not_entered() {
    let mut world = World::default();
    world.tree(20.0, 0.0, 0.6);
    let o = creep("goal in a tree", world, Truth::NOMINAL, 0.0, at(20.0, 0.0), 60.0);
    assert!(!o.reached && o.was_stuck && (o.position - at(20.0, 0.0)).norm() < 6.0);
}

#[test]
fn a_start_on_the_ground_climbs_first() {
    let mut flight =
        Flight::new(World::default(), Truth::NOMINAL, Config::default(), Vec3::new(0.0, 0.0, 0.3), 0.0, 1);
    let o = flight.run(at(20.0, 0.0), 40.0).clone();
    println!("from the ground: {:.1} s, at {:?}", o.seconds, o.position);
    assert!(o.reached && (o.position.z - 2.0).abs() < 0.6);
    let away = o.track.iter().find(|(_, p, ..)| p.x > 1.0).unwrap();
    assert!(away.1.z > 1.5, "left the start at {:?}", away.1);
}

#[test]
fn the_altitude_is_held() {
    let o =
        fly("altitude", World::forest(5, 0.04, 60.0, 20.0, 0.3), Truth::NOMINAL, 0.0, at(60.0, 0.0), 60.0);
    let off = o.track.iter().map(|(_, p, ..)| (p.z - 2.0).abs()).fold(0.0, f64::max);
    println!("altitude: off by {off:.2} m at most");
    assert!(off < 1.0);
}

#[test]
fn without_a_goal_it_hovers() {
    let mut flight = Flight::new(World::default(), Truth::NOMINAL, Config::default(), START, 0.0, 1);
    for _ in 0..60 {
        let command = flight.think();
        assert_eq!((command.velocity, command.yaw_rate), (Vec3::ZERO, 0.0));
        assert_eq!(command.status.state.name(), "HOVER");
        flight.obey(&command);
        flight.fly(FRAME);
    }
}

#[test]
fn the_same_seed_flies_the_same_way() {
    let run = || {
        let world = World::forest(7, 0.04, 60.0, 20.0, 0.3);
        let mut f = Flight::new(world, Truth::mismatched(7), Config::default(), START, 0.0, 7);
        f.run(at(60.0, 0.0), 6.0).track.clone()
    };
    assert!(run() == run());
}
