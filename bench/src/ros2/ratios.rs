//! The figures that are promised, within one run: ratios are taken within each round, then the median.

use serde_json::{Map, Value, json};

use super::report::{Measured, Row};
use super::subjects::{ALONE, HIROZ_NETWORK, OURS, OURS_NETWORK, PEERS};
use crate::frames::results::median;

/// All that could be measured, by name.
pub(super) fn all(rows: &[Row]) -> Map<String, Value> {
    let find = |name: &str| rows.iter().find(|row| row.name == name);
    let over = |a: &str, b: &str, of: fn(&Measured, &Measured) -> f64| {
        let (a, b) = (find(a)?, find(b)?);
        Some(median(a.rounds.iter().zip(&b.rounds).map(|(a, b)| of(a, b)))).filter(|value| value.is_finite())
    };
    let p50 = |a: &str, b: &str| over(a, b, |a, b| a.p50_us() / b.p50_us());
    let peers = PEERS.iter().filter_map(|name| find(name)).filter(|row| row.p50_us().is_finite());
    let best = peers.min_by(|a, b| a.p50_us().total_cmp(&b.p50_us())).map(|row| row.name);
    let mut ratios = Map::new();
    let mut put = |name: &str, value: Value| ratios.insert(name.into(), value);
    put("best_peer", json!(best));
    put("image_p50_vs_best_peer", json!(best.and_then(|best| p50(OURS, best))));
    for (name, peer) in ["hiroz_shm", "hiroz_shm_loan", "hiroz", "rclpy"].into_iter().zip(PEERS) {
        put(&format!("image_p50_vs_{name}"), json!(p50(OURS, peer)));
    }
    put("image_p50_no_shm_vs_hiroz", json!(p50(OURS_NETWORK, HIROZ_NETWORK)));
    let added = |with: &str| over(with, ALONE, |with, alone| with.thread_us - alone.thread_us);
    put("camera_thread_added_us", json!(added(OURS)));
    put("camera_thread_added_us_no_shm", json!(added(OURS_NETWORK)));
    ratios
}
