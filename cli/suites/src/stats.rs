//! From flights to figures.

use serde_json::{Value, json};

use crate::flight::Outcome;
use crate::suite::{Course, Sensors};

/// Wilson's 95 % interval of a share (Wilson 1927), as shares.
#[must_use]
pub fn wilson(successes: usize, runs: usize) -> (f64, f64) {
    if runs == 0 {
        return (0.0, 1.0);
    }
    let (n, z) = (runs as f64, 1.959_964_f64);
    let p = successes as f64 / n;
    let middle = p + z * z / (2.0 * n);
    let half = z * (p * (1.0 - p) / n + z * z / (4.0 * n * n)).sqrt();
    let scale = 1.0 + z * z / n;
    (((middle - half) / scale).max(0.0), ((middle + half) / scale).min(1.0))
}

/// BARN's metric of one flight: success x T* / clip(T, 2T*, 8T*), T* being the best time at the set speed
/// (Perille et al., "Benchmarking metric ground navigation", SSRR 2020).
#[must_use]
pub fn barn_metric(outcome: &Outcome, reference_m: f64, speed: f64) -> f64 {
    let best = reference_m / speed;
    if outcome.success { best / outcome.seconds.clamp(2.0 * best, 8.0 * best) } else { 0.0 }
}

/// The suite's figures. `references` are the lengths of the best known ways, where the suite has them.
#[must_use]
pub fn summary(course: &Course, sensors: Sensors, outcomes: &[Outcome], references: &[Option<f64>]) -> Value {
    let speed = course.speed;
    let runs = outcomes.len();
    let good: Vec<&Outcome> = outcomes.iter().filter(|o| o.success).collect();
    let (low, high) = wilson(good.len(), runs);
    let mean =
        |of: &dyn Fn(&Outcome) -> f64| good.iter().map(|o| of(o)).sum::<f64>() / good.len().max(1) as f64;
    let seeds = |which: &dyn Fn(&Outcome) -> bool| {
        outcomes.iter().filter(|o| which(o)).map(|o| o.seed).collect::<Vec<_>>()
    };
    let metric = references.iter().all(Option::is_some).then(|| {
        let sum: f64 = outcomes
            .iter()
            .zip(references)
            .map(|(o, r)| barn_metric(o, r.unwrap_or(f64::INFINITY), speed))
            .sum();
        round(sum / runs.max(1) as f64)
    });
    json!({
        "suite": course.suite.name(),
        "sensors": sensors.name(),
        "speed_mps": speed,
        "runs": runs,
        "success": round(good.len() as f64 / runs.max(1) as f64),
        "success_ci95": [round(low), round(high)],
        "collisions": outcomes.iter().filter(|o| o.collided).count(),
        "stuck": outcomes.iter().filter(|o| !o.success && o.stuck && !o.collided).count(),
        "mean_speed_mps": round(mean(&|o| o.length / o.seconds)),
        "mean_seconds": round(mean(&|o| o.seconds)),
        "min_clearance_m": round(outcomes.iter().map(|o| o.clearance).fold(f64::INFINITY, f64::min)),
        "metric": metric,
        "failures": seeds(&|o| !o.success),
        "collision_seeds": seeds(&|o| o.collided),
    })
}

/// A [`summary`] for people: one figure a line.
#[must_use]
pub fn table(summary: &Value) -> String {
    let figure = |name: &str| summary[name].as_f64().map_or_else(|| "-".to_owned(), |v| format!("{v}"));
    let percent =
        |value: &Value| value.as_f64().map_or_else(|| "-".to_owned(), |v| format!("{:.1}", 100.0 * v));
    let list = |name: &str| {
        let seeds: Vec<String> =
            summary[name].as_array().into_iter().flatten().map(Value::to_string).collect();
        if seeds.is_empty() { "none".to_owned() } else { seeds.join(" ") }
    };
    let interval = &summary["success_ci95"];
    let mut rows = vec![
        (
            "suite",
            format!(
                "{} at {} m/s, by {}",
                text(&summary["suite"]),
                figure("speed_mps"),
                text(&summary["sensors"])
            ),
        ),
        ("flights", figure("runs")),
        (
            "success",
            format!(
                "{} %  (95 % interval {} to {})",
                percent(&summary["success"]),
                percent(&interval[0]),
                percent(&interval[1])
            ),
        ),
        ("contacts", format!("{}  (seeds: {})", figure("collisions"), list("collision_seeds"))),
        ("stuck", figure("stuck")),
        ("failed seeds", list("failures")),
        ("mean speed", format!("{} m/s, {} s a flight", figure("mean_speed_mps"), figure("mean_seconds"))),
        ("least clearance", format!("{} m", figure("min_clearance_m"))),
    ];
    if summary["metric"].is_number() {
        rows.push(("BARN metric", figure("metric")));
    }
    rows.iter().map(|(name, value)| format!("{name:<16} {value}\n")).collect()
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or("-")
}

fn round(value: f64) -> f64 {
    (value * 1e4).round() / 1e4
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_says_what_the_json_says() {
        let mut summary = json!({
            "suite": "maze", "sensors": "depth,scan", "speed_mps": 2.0, "runs": 3, "success": 0.6667,
            "success_ci95": [0.2077, 0.9391], "collisions": 1, "stuck": 0, "mean_speed_mps": 1.5, "mean_seconds": 20.25,
            "min_clearance_m": -0.01, "metric": null, "failures": [2], "collision_seeds": [2],
        });
        let text = table(&summary);
        for part in [
            "maze at 2 m/s, by depth,scan",
            "66.7 %  (95 % interval 20.8 to 93.9)",
            "1  (seeds: 2)",
            "-0.01 m",
        ] {
            assert!(text.contains(part), "{text}");
        }
        assert!(!text.contains("metric"), "{text}");
        summary["metric"] = json!(0.49);
        assert!(table(&summary).ends_with("BARN metric      0.49\n"));
    }

    #[test]
    fn the_interval_is_wilsons() {
        // From the table of Newcombe (1998), example 81 of 263: 0.2553 to 0.3662.
        let (low, high) = wilson(81, 263);
        assert!((low - 0.2553).abs() < 1e-3 && (high - 0.3662).abs() < 1e-3, "{low} {high}");
        assert!(wilson(100, 100).0 < 0.97 && wilson(0, 0) == (0.0, 1.0));
    }
}
