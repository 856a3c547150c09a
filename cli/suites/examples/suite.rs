//! `cargo run --release -p peregrine-suites --example suite -- SUITE FIRST LAST [SPEED] [WORLDS.json] [REPLAY_SEED OUT.html]`
//!
//! The same as `peregrine bench avoid` (`SENSORS=depth` or `SENSORS=depth,scan`, `JOBS=N`), without the rest of the program: builds in seconds.
//! `DIGEST=1` prints a digest of every flight, and how often it rose: to see which flights a change leaves as they were.

use peregrine_suites::{flight, replay, run, stats, suite, world};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let kind = args.first().and_then(|s| suite::Suite::named(s)).ok_or("which suite?")?;
    let number = |i: usize, default: u64| args.get(i).and_then(|a| a.parse().ok()).unwrap_or(default);
    let speed = args.get(3).and_then(|a| a.parse::<f64>().ok()).filter(|s| *s > 0.0);
    let file = args.get(4).filter(|f| f.len() > 1).map(Into::into);
    let course = suite::Course::new(kind, speed, file)?;
    let named = std::env::var("SENSORS").ok().and_then(|s| suite::Sensors::named(&s));
    let sensors = named.unwrap_or(kind.sensors());
    let setup = |world: &world::World| {
        let mut setup = course.setup(world);
        if sensors == suite::Sensors::DepthAndScan {
            suite::add_scanner(&mut setup);
        }
        setup
    };
    if let (Some(seed), Some(out)) = (args.get(5).and_then(|s| s.parse().ok()), args.get(6)) {
        let world = course.world(seed);
        let mut setup = setup(&world);
        setup.record = true;
        let outcome = flight::fly(&world, &setup, seed).ok_or("settings")?;
        std::fs::write(out, replay::page(&format!("{} seed {seed}", kind.name()), &world, &outcome))?;
        for m in outcome.track.iter().step_by(number(7, 6) as usize) {
            println!(
                "{:6.2} ({:6.2} {:6.2} {:5.2}) v {:4.1} cmd ({:5.2} {:5.2} {:5.2}) gap {:4.2} yaw {:5.2} cap {:4.2} tried {:3} {:?}",
                m.time,
                m.position.x,
                m.position.y,
                m.position.z,
                m.speed,
                m.commanded.x,
                m.commanded.y,
                m.commanded.z,
                m.clearance,
                m.yaw,
                m.status.speed_cap_mps,
                m.status.candidates_tried,
                m.status.state
            );
        }
        return Ok(());
    }
    let seeds: Vec<u64> = (number(1, 1)..=number(2, 20)).collect();
    let digest = std::env::var_os("DIGEST").is_some();
    let before = std::time::Instant::now();
    let jobs = std::env::var("JOBS").ok().and_then(|j| j.parse().ok()).unwrap_or(2);
    let done = run::run(&seeds, jobs, |seed| {
        let world = course.world(seed);
        let setup = flight::Setup { record: digest, ..setup(&world) };
        let o = flight::fly(&world, &setup, seed)?;
        if digest {
            println!("row {seed} {:016x} rises {} success {}", o.digest(), o.rises, o.success);
        }
        if !o.success {
            println!(
                "seed {}: {} after {:.1} s at ({:.1} {:.1} {:.1}) {:?} clearance {:.2}",
                o.seed,
                if o.collided { "CONTACT" } else { "not there" },
                o.seconds,
                o.position.x,
                o.position.y,
                o.position.z,
                o.last,
                o.clearance
            );
        }
        Some((o, world.reference_m))
    });
    let wall = before.elapsed().as_secs_f64();
    let flown: f64 = done.iter().map(|(o, _)| o.seconds).sum();
    let (outcomes, references): (Vec<_>, Vec<_>) = done.into_iter().unzip();
    println!("{}", stats::summary(&course, sensors, &outcomes, &references));
    println!("{flown:.0} s flown in {wall:.1} s: {:.1} x real time", flown / wall);
    Ok(())
}
