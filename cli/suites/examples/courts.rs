//! `cargo run --release -p peregrine-suites --example courts -- COURT FIRST LAST [EVERY]`
//!
//! Flies seeds in a court that no level way leads out of (`hedge`, `gap_beside`, ... or `all`); with EVERY, prints every so manieth moment.

use peregrine_suites::flight::fly;
use peregrine_suites::suite::{Course, Suite};
use peregrine_suites::worlds::court::{COURTS, Court};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let number = |i: usize, default: u64| args.get(i).and_then(|a| a.parse().ok()).unwrap_or(default);
    let named = args.first().map_or("all", String::as_str);
    let one = Court::named(named);
    if one.is_none() && named != "all" {
        return Err(format!("which court? one of {:?}", COURTS.map(Court::name)).into());
    }
    let course = Course::new(Suite::Dense, Some(3.0), None)?;
    let (first, last, every) = (number(1, 1), number(2, 24), number(3, 0) as usize);
    for court in COURTS.into_iter().filter(|c| one.is_none_or(|o| o == *c)) {
        let world = court.world();
        let (mut out, mut touched, mut seconds) = (0, 0, 0.0);
        for seed in first..=last {
            let mut setup = course.setup(&world);
            setup.record = true;
            let o = fly(&world, &setup, seed).ok_or("settings")?;
            for m in o.track.iter().step_by(every.max(1)).filter(|_| every > 0) {
                let (p, c, s) = (m.position, m.commanded, m.status);
                println!(
                    "{:6.2} ({:6.2} {:6.2} {:5.2}) cmd ({:5.2} {:5.2} {:5.2}) gap {:4.2} yaw {:5.2} cap {:4.2} tried {:3} {:?}",
                    m.time,
                    p.x,
                    p.y,
                    p.z,
                    c.x,
                    c.y,
                    c.z,
                    m.clearance,
                    m.yaw,
                    s.speed_cap_mps,
                    s.candidates_tried,
                    s.state
                );
            }
            let heights = o.track.iter().map(|m| m.position.z);
            let (low, high) = heights.fold((f64::INFINITY, 0.0_f64), |(l, h), z| (l.min(z), h.max(z)));
            println!(
                "{} {seed}: {} {:5.1} s z {low:.2}..{high:.2} clearance {:.2} rises {} {:?} at ({:.1} {:.1} {:.1}) {:016x}",
                court.name(),
                if o.collided {
                    "CONTACT"
                } else if o.success {
                    "out    "
                } else {
                    "inside "
                },
                o.seconds,
                o.clearance,
                o.rises,
                o.last,
                o.position.x,
                o.position.y,
                o.position.z,
                o.digest()
            );
            (out, touched) = (out + u64::from(o.success), touched + u64::from(o.collided));
            seconds += o.seconds;
        }
        let runs = last + 1 - first;
        println!(
            "{}: {out} of {runs} out, {touched} touched, mean {:.1} s",
            court.name(),
            seconds / runs as f64
        );
    }
    Ok(())
}
