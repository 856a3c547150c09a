//! `peregrine topic hz` and `bw`.

use std::time::Duration;

use super::source::{Seen, Source};
use super::spread::Spread;
use crate::args::Watch;
use crate::error::Result;

/// Messages and the time that they were listened for.
struct Heard {
    name: String,
    over: &'static str,
    missed: u64,
    all: Vec<Seen>,
    seconds: f64,
}

fn listen(watch: &Watch) -> Result<Heard> {
    let seconds = watch.duration.clamp(0.1, 1e6);
    let mut source = Source::open(watch)?;
    let all = source.listen(Duration::from_secs_f64(seconds));
    let (over, missed, name) = (source.over(), source.missed(), source.name.clone());
    source.close();
    Ok(Heard { name, over, missed, all: all?, seconds })
}

/// Messages per second between the first and the last of `times`, s.
fn rate(times: &[f64]) -> f64 {
    match (times.first(), times.last()) {
        (Some(first), Some(last)) if last > first => (times.len() - 1) as f64 / (last - first),
        _ => 0.0,
    }
}

pub(super) fn hz(watch: &Watch) -> Result {
    let heard = listen(watch)?;
    let wall: Vec<f64> =
        heard.all.iter().map(|s| s.at.duration_since(heard.all[0].at).as_secs_f64()).collect();
    let node: Vec<f64> = heard.all.iter().filter_map(|s| s.stamp_ns).map(|ns| ns as f64 * 1e-9).collect();
    let (wall_hz, node_hz) = (rate(&wall), rate(&node));
    let periods = Spread::of(wall.windows(2).map(|pair| (pair[1] - pair[0]) * 1e3));
    let bytes: usize = heard.all.iter().map(|s| s.bytes).sum();
    let per_second = bytes as f64 / heard.seconds;
    if watch.json {
        println!(
            "{}",
            serde_json::json!({"topic": heard.name, "over": heard.over, "messages": wall.len(), "hz": wall_hz,
                "hz_node_clock": node_hz, "period_ms": periods, "missed": heard.missed,
                "bytes_per_second": per_second})
        );
        return Ok(());
    }
    println!(
        "{}: {wall_hz:.1} Hz by the wall, {node_hz:.1} Hz by the node clock ({} messages over {}, {})",
        heard.name,
        wall.len(),
        heard.over,
        bandwidth(per_second)
    );
    if let Some(periods) = periods {
        println!("  period, ms: {periods}");
    }
    say_missed(heard.missed);
    Ok(())
}

pub(super) fn bw(watch: &Watch) -> Result {
    let heard = listen(watch)?;
    let bytes: usize = heard.all.iter().map(|s| s.bytes).sum();
    let sizes = Spread::of(heard.all.iter().map(|s| s.bytes as f64));
    // From the first to the last message: what came in a window that began in silence is no rate.
    let span = match (heard.all.first(), heard.all.last()) {
        (Some(first), Some(last)) => last.at.duration_since(first.at).as_secs_f64(),
        _ => 0.0,
    };
    let after_first = bytes - heard.all.first().map_or(0, |s| s.bytes);
    let per_second = if span > 0.0 { after_first as f64 / span } else { bytes as f64 / heard.seconds };
    if watch.json {
        println!(
            "{}",
            serde_json::json!({"topic": heard.name, "over": heard.over, "messages": heard.all.len(),
                "bytes": bytes, "bytes_per_second": per_second, "message_bytes": sizes, "missed": heard.missed})
        );
        return Ok(());
    }
    println!("{}: {} ({} messages over {})", heard.name, bandwidth(per_second), heard.all.len(), heard.over);
    if let Some(s) = sizes {
        println!("  message, bytes: min {:.0}  mean {:.0}  max {:.0}", s.min, s.mean, s.max);
    }
    if heard.over != "Zenoh" && !heard.all.is_empty() {
        println!("  read in place: none of these bytes was copied");
    }
    say_missed(heard.missed);
    Ok(())
}

fn say_missed(missed: u64) {
    if missed > 0 {
        println!("  {missed} more came faster than this tool looked");
    }
}

fn bandwidth(bytes_per_second: f64) -> String {
    match bytes_per_second {
        b if b >= 1e9 => format!("{:.2} GB/s", b / 1e9),
        b if b >= 1e6 => format!("{:.1} MB/s", b / 1e6),
        b => format!("{:.1} kB/s", b / 1e3),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rates_are_taken_between_the_first_and_the_last() {
        assert!((rate(&[0.0, 0.1, 0.2, 0.3]) - 10.0).abs() < 1e-9);
        assert!(rate(&[]).abs() < 1e-9 && rate(&[1.0]).abs() < 1e-9 && rate(&[1.0, 1.0]).abs() < 1e-9);
        assert_eq!(bandwidth(1_234_000_000.0), "1.23 GB/s");
        assert_eq!(bandwidth(62_200_000.0), "62.2 MB/s");
        assert_eq!(bandwidth(512.0), "0.5 kB/s");
    }
}
