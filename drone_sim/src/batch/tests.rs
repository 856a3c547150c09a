//! Batches: order, worlds of files, pilots of one's own.

use nalgebra::Vector3;

use super::pilot::TruthfulPilot;
use super::*;
use crate::flight::Axes;
use crate::physics::Command;

fn short() -> BatchSpec {
    let rules = Rules { time_limit_ns: 40_000_000_000, ..Rules::default() };
    let forest = ForestSpec { goal_distance: 30.0, ..ForestSpec::default() };
    BatchSpec { rules, forest, ..BatchSpec::default() }
}

fn rows(spec: &BatchSpec, seeds: &[u64], threads: usize) -> Vec<String> {
    let mut out = Vec::new();
    run::<SimError>(spec, seeds, threads, &AtomicBool::new(false), |row| {
        out.push(row.to_string());
        Ok(())
    })
    .unwrap();
    out
}

#[test]
fn rows_come_in_order_and_do_not_depend_on_the_threads() {
    let seeds: Vec<u64> = (1..=6).collect();
    let one = rows(&short(), &seeds, 1);
    assert_eq!(one, rows(&short(), &seeds, 3));
    assert_eq!(one[2..4], rows(&short(), &[3, 4], 2)[..]);
    assert!(one.iter().zip(1..).all(|(row, k): (&String, u64)| row.starts_with(&format!("{k},"))));
    assert!(one.iter().filter(|r| r.contains("reached")).count() >= 5, "{one:#?}");
    assert_eq!(one[0].split(',').count(), HEADER.split(',').count());
}

#[test]
fn gusts_change_the_flight_and_repeat() {
    let windy =
        BatchSpec { wind: WindSpec { mean: Vector3::new(0.0, 3.0, 0.0), turbulence: 12.0 }, ..short() };
    let calm = rows(&short(), &[1], 1);
    let a = rows(&windy, &[1], 1);
    assert_ne!(a, calm);
    assert_eq!(a, rows(&windy, &[1], 1));
}

/// A pilot of somebody's own, who climbs.
struct Climber;

impl Pilot for Climber {
    fn command(&mut self, _: &Flight) -> (Command, Axes) {
        (Command { velocity: Vector3::new(0.0, 0.0, 2.0), ..Command::default() }, Axes::World)
    }
}

#[test]
fn anybody_may_fly() {
    let rules = Rules { time_limit_ns: 2_000_000_000, ..Rules::default() };
    let batch = Batch::new(&BatchSpec { rules, ..short() }).unwrap();
    let row = batch.fly(3, &mut Climber).unwrap();
    assert!((row.seed, row.outcome) == (3, "time_limit") && (3.0..4.2).contains(&row.path), "{row}");
    let mut rows = Vec::new();
    let stop = AtomicBool::new(false);
    batch
        .run_by::<_, SimError>(
            |_| Climber,
            &[3, 4],
            2,
            &stop,
            |row| {
                rows.push(row);
                Ok(())
            },
        )
        .unwrap();
    assert!(rows[0] == row && rows[1].seed == 4, "{rows:?}");
}

/// A hexacopter with an empty battery in wind, written down.
fn file(folder: &std::path::Path, mass: f64, wind: f64) -> String {
    let mut parts = String::new();
    for i in 0..6 {
        let at = std::f64::consts::FRAC_PI_3 * f64::from(i);
        let turn = if i % 2 == 0 { "ccw" } else { "cw" };
        parts += &format!(
            "<link name='l{i}'><pose>{} {} 0 0 0 0</pose><inertial><mass>0.01</mass><inertia><ixx>1e-5</ixx><iyy>1e-5</iyy>
             <izz>1e-5</izz></inertia></inertial></link><plugin filename='gz-sim-multicopter-motor-model-system'
             name='gz::sim::systems::MulticopterMotorModel'><linkName>l{i}</linkName><turningDirection>{turn}</turningDirection>
             <motorNumber>{i}</motorNumber></plugin>",
            0.3 * at.cos(),
            0.3 * at.sin()
        );
    }
    let battery = "<plugin filename='gz-sim-linearbatteryplugin-system' name='gz::sim::systems::LinearBatteryPlugin'>
        <battery_name>b</battery_name><voltage>12</voltage><capacity>1</capacity><initial_charge>0.5</initial_charge>
        <power_load>360</power_load><smooth_current_tau>0.001</smooth_current_tau><start_draining>true</start_draining></plugin>";
    let sdf = format!(
        "<sdf version='1.9'><world name='w'><wind><linear_velocity>{wind} 0 0</linear_velocity></wind>
         <frame name='goal'><pose>40 0 3 0 0 0</pose></frame><model name='hexa'><pose>0 0 3 0 0 0</pose><link name='body'>
         <inertial><mass>{mass}</mass><inertia><ixx>0.03</ixx><iyy>0.03</iyy><izz>0.05</izz></inertia></inertial></link>{parts}
         {battery}</model></world></sdf>"
    );
    let path = folder.join("w.sdf");
    std::fs::write(&path, sdf).unwrap();
    path.display().to_string()
}

/// The file's own vehicle, wind and battery fly, as they do in the node.
#[test]
fn a_world_of_a_file_is_flown_as_it_is() {
    let folder = tempfile::tempdir().unwrap();
    let rules = Rules { time_limit_ns: 2_000_000_000, ..Rules::default() };
    let spec = |world: String| BatchSpec { world, rules, pilot: Truthful::Hover, ..BatchSpec::default() };
    let batch = Batch::new(&spec(file(folder.path(), 1.5, 3.0))).unwrap();
    let flight = batch.start(1).unwrap();
    let vehicle = flight.quad().vehicle();
    assert!(vehicle.rotors.len() == 6 && (vehicle.mass - 1.56).abs() < 1e-9, "{vehicle:?}");
    assert!((flight.battery().charge() - 0.5).abs() < 1e-12 && flight.battery().spec().full == 12.0);
    assert_eq!(flight.quad().wind, Vector3::new(3.0, 0.0, 0.0));
    assert!(batch.report().unwrap().ignored.is_empty(), "{:?}", batch.report());
    // 30 A for two seconds of one ampere hour.
    let row = batch.fly(1, &mut TruthfulPilot { kind: Truthful::Hover, speed: 1.0 }).unwrap();
    assert!((row.battery_used - 0.5 - 30.0 * 2.0 / 3600.0).abs() < 1e-4, "{row}");
    // Nothing follows the seed, until gusts do.
    let said = batch.check_seeds(&[1, 2]).unwrap_err().to_string();
    assert!(said.starts_with("PG-1021") && said.contains("turbulence"), "{said}");
    batch.check_seeds(&[1]).unwrap();
    let wind = WindSpec { turbulence: 10.0, ..WindSpec::default() };
    let gusty = BatchSpec { wind, ..batch.spec().clone() };
    let rows = rows(&gusty, &[1, 2], 1);
    assert_ne!(rows[0].split_once(',').unwrap().1, rows[1].split_once(',').unwrap().1);
    // Another state of the file is another world.
    let number = batch.world_number();
    let heavier = Batch::new(&spec(file(folder.path(), 1.6, 3.0))).unwrap().world_number();
    let windier = Batch::new(&spec(file(folder.path(), 1.5, 4.0))).unwrap().world_number();
    let same = Batch::new(&spec(file(folder.path(), 1.5, 3.0))).unwrap().world_number();
    assert!(number != heavier && number != windier && number == same);
}

#[test]
fn an_error_ends_the_batch() {
    let bad = BatchSpec { world: "no such world".to_string(), ..short() };
    let result = run::<SimError>(&bad, &[1, 2, 3], 2, &AtomicBool::new(false), |_| Ok(()));
    assert!(result.unwrap_err().to_string().starts_with("PG-1020"));
}
