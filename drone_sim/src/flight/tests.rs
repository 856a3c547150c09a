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
    f.command_rotors(&[850.0; 4]);
    f.advance(2 * SECOND).unwrap();
    assert!(f.quad().state().position.z > 1.0 && f.contacts().episodes() == 0);
}

/// A world whose ground is a mesh: the flat lid of a slab of that thickness, metres, whose top is at a height of 1 m.
fn on_a_slab(thickness: f64) -> World {
    let folder = tempfile::tempdir().unwrap();
    let mut obj = String::new();
    for z in [1.0 - thickness, 1.0] {
        for (x, y) in [(-4, -4), (4, -4), (4, 4), (-4, 4)] {
            obj += &format!("v {x} {y} {z}\n");
        }
    }
    // Wound either way: which side is outside is not said by that.
    obj += "f 1 2 3\nf 1 3 4\nf 5 6 7\nf 5 8 7\n";
    std::fs::write(folder.path().join("slab.obj"), obj).unwrap();
    let sdf = "<sdf version='1.9'><world name='w'><frame name='start'><pose>0.3 0.2 3 0 0 0</pose></frame>
        <model name='yard'><static>1</static><link name='l'><collision name='c'><geometry><mesh><uri>slab.obj</uri></mesh>
        </geometry></collision></link></model></world></sdf>";
    let file = folder.path().join("w.sdf");
    std::fs::write(&file, sdf).unwrap();
    build(&file.display().to_string(), &ForestSpec::default()).unwrap()
}

/// The same on the grey values of a picture: a slope of one in eight along x, whose middle is at a height of 1 m.
fn on_a_height_map() -> World {
    let folder = tempfile::tempdir().unwrap();
    let grey = |x: u32, _| image::Luma([(x * 65_535 / 8) as u16]);
    image::ImageBuffer::<image::Luma<u16>, _>::from_fn(9, 9, grey).save(folder.path().join("h.png")).unwrap();
    let sdf = "<sdf version='1.9'><world name='w'><frame name='start'><pose>0.3 0.2 3 0 0 0</pose></frame>
        <model name='hill'><static>1</static><link name='l'><collision name='c'><geometry><heightmap><uri>h.png</uri>
        <size>16 16 2</size></heightmap></geometry></collision></link></model></world></sdf>";
    let file = folder.path().join("w.sdf");
    std::fs::write(&file, sdf).unwrap();
    build(&file.display().to_string(), &ForestSpec::default()).unwrap()
}

/// Feet bear on meshes as on planes, thin ones too, and the accelerometer shows it; a landing does not go through.
#[test]
fn feet_stand_on_meshes_and_height_maps() {
    for (world, slope, level) in
        [(on_a_slab(0.4), 0.0_f64, 1.0), (on_a_slab(0.01), 0.0, 1.0), (on_a_height_map(), 0.125, 1.0375)]
    {
        let mut f = Flight::standing(Arc::new(world), Vehicle::x500(), Rules::default()).unwrap();
        f.advance(2 * SECOND).unwrap();
        let rests = |f: &Flight, what: &str| {
            let (state, sample) = (*f.quad().state(), f.sample(f.time_ns()));
            let height = state.position.z - level - slope * (state.position.x - 0.3);
            assert!((0.25..0.31).contains(&height), "{what}, slope {slope}: {height} m");
            assert!((sample.specific_force.norm() - 9.8).abs() < 0.05, "{what}, slope {slope}: {sample:?}");
            assert!(state.velocity.norm() < 0.02, "{what}, slope {slope}: {state:?}");
            let up = state.rotation() * Vector3::z();
            let normal = Vector3::new(-slope, 0.0, 1.0).normalize();
            assert!(up.angle(&normal) < 0.02, "{what}: it stands as the ground does, {up:?}");
        };
        rests(&f, "standing");
        assert_eq!(f.contacts().episodes(), 0, "on its feet, not on its sphere");
        f.command_rotors(&[850.0; 4]);
        f.advance(f.time_ns() + SECOND * 6 / 10).unwrap();
        assert!(f.quad().state().position.z > level + 0.4, "{:?}", f.quad().state().position);
        f.cut_motors();
        f.advance(f.time_ns() + 4 * SECOND).unwrap();
        let (state, felt) = (*f.quad().state(), f.sample(f.time_ns()).specific_force.norm());
        let height = state.position.z - level - slope * (state.position.x - 0.3);
        assert!(height > 0.2 && (felt - 9.8).abs() < 0.1, "it fell and lies: {height} m, {felt} m/s2");
    }
}

/// Without feet it lies on its sphere, and feels its weight there as well.
#[test]
fn who_lies_on_its_sphere_feels_its_weight() {
    let mut f = flight("empty", Rules::default());
    f.cut_motors();
    f.advance(SECOND / 2).unwrap();
    assert!(f.sample(f.time_ns()).specific_force.norm() < 1.0, "it falls");
    f.advance(6 * SECOND).unwrap();
    let felt: Vec<f64> = (1..=200)
        .map(|ms| {
            f.advance(6 * SECOND + ms * SECOND / 1000).unwrap();
            f.sample(f.time_ns()).specific_force.norm()
        })
        .collect();
    assert!(felt.iter().all(|a| (a - 9.8).abs() < 0.01), "{felt:?}");
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
