//! What a step costs among movable boxes: `cargo run --release -p peregrine-sim --example heap -- [COUNT]`.
//!
//! Boxes of 0.3 m fall into a heap on the ground, seven by seven in each layer, while the vehicle hovers far away. Told is the time of
//! one step of 1 ms while they fall, while they lie in the heap and are kept awake, and once they sleep.

use std::error::Error;
use std::fmt::Write as _;
use std::sync::Arc;
use std::time::Instant;

use peregrine_sim::flight::{Flight, Rules};
use peregrine_sim::physics::Vehicle;
use peregrine_sim::scenario::from_sdf;
use peregrine_sim::sdf::Loader;

/// Steps of which the time is taken.
const STEPS: i64 = 500;

fn main() -> Result<(), Box<dyn Error>> {
    let count: u32 = std::env::args().nth(1).map_or(Ok(200), |n| n.parse())?;
    let mut models = String::new();
    for i in 0..count {
        let (layer, row, column) = (i / 49, i / 7 % 7, i % 7);
        // Each layer a little aside and turned, so that they tumble.
        let (x, y) = (20.0 + 0.34 * f64::from(column), 0.34 * f64::from(row));
        let (z, turn) = (0.3 + 0.45 * f64::from(layer), 0.2 * f64::from(i % 5));
        write!(
            models,
            "<model name='box_{i}'><pose>{x} {y} {z} 0.1 {turn} 0</pose><link name='l'><inertial><mass>1</mass><inertia><ixx>0.015</ixx>
             <iyy>0.015</iyy><izz>0.015</izz></inertia></inertial><collision name='c'><geometry><box><size>0.3 0.3 0.3</size></box>
             </geometry></collision><visual name='v'><geometry><box><size>0.3 0.3 0.3</size></box></geometry></visual></link></model>"
        )?;
    }
    let text = format!(
        "<sdf version='1.9'><world name='heap'><include><uri>model://ground_plane</uri></include>{models}</world></sdf>"
    );
    let world = from_sdf(Loader::without_files().load_str(&text, "heap")?, "heap", 600.0, 5.0)?;
    let rules = Rules { time_limit_ns: i64::MAX, ..Rules::default() };
    let mut flight = Flight::new(Arc::new(world), Vehicle::x500(), rules)?;
    let tell = |flight: &mut Flight, what: &str| -> Result<(), Box<dyn Error>> {
        let (from, begin) = (flight.time_ns(), Instant::now());
        // As often as pictures of 30 Hz are drawn.
        for k in 1..=STEPS / 25 {
            flight.advance(from + k * 25_000_000)?;
        }
        let cost = begin.elapsed().as_secs_f64() * 1e6 / STEPS as f64;
        let awake = flight.world().loose.as_ref().map_or(0, |l| l.awake());
        println!(
            "{what}: {cost:.1} us a step, {awake} of {count} awake after it, at {:.1} s",
            flight.time_ns() as f64 * 1e-9
        );
        Ok(())
    };
    tell(&mut flight, "falling")?;
    flight.advance(1_500_000_000)?;
    tell(&mut flight, "heaping up")?;
    let mut seconds = 3;
    while flight.world().loose.as_ref().is_some_and(|l| l.awake() > 0) && seconds < 120 {
        flight.advance(seconds * 1_000_000_000)?;
        seconds += 1;
    }
    tell(&mut flight, "at rest")
}
