//! The figures that the design promises, as ratios within one run.

use serde_json::{Map, Value, json};

use super::job::{CAMERA_HZ, Measured, Name, Size};
use super::kills::Survived;
use super::results::{Row, median, ratio};
use super::subjects::{COPPER_FUSED, FLUME, ICEORYX, OURS, OURS_FUSED, OURS_THREAD, ZENOH};

/// Readers of the fan-out.
pub(super) const FAN_OUT: usize = 4;

/// Frames per second at which what a hop touches stays warmer than at the camera's.
pub(super) const WARM_HZ: f64 = 1000.0;

/// At which rates the fused hop is measured. One frame after the other comes first: that is how copper-rs runs its graphs,
/// and how its own figure came about.
const FUSED: [(&str, Option<f64>); 3] =
    [("", None), ("_at_1khz", Some(WARM_HZ)), ("_at_30hz", Some(CAMERA_HZ))];

fn find<'a>(rows: &'a [Row], subject: &str, size: Size, readers: usize) -> Option<&'a Row> {
    let paced = |row: &&Row| row.cell.hz == Some(CAMERA_HZ);
    rows.iter()
        .filter(paced)
        .find(|row| row.cell.subject == subject && row.cell.size == size && row.cell.readers == readers)
}

/// The way of iceoryx2 that did better over all rounds.
fn best_iceoryx(rows: &[Row], size: Size, readers: usize) -> Option<&Row> {
    let found = ICEORYX.iter().filter_map(|name| find(rows, name, size, readers));
    found.min_by(|a, b| median_p50(a).total_cmp(&median_p50(b)))
}

fn median_p50(row: &Row) -> f64 {
    median(row.rounds.iter().map(Measured::p50_us))
}

/// All that could be measured, by name.
pub(super) fn all(rows: &[Row], survived: Option<&Survived>) -> Map<String, Value> {
    let hd = Size::FULL_HD;
    let ours = |size, readers| find(rows, OURS, size, readers);
    let pair = |a: Option<&Row>, b: Option<&Row>, of| Some(ratio(a?, b?, of)).filter(|r| r.is_finite());
    let mut ratios = Map::new();
    let mut put = |name: &str, value: Option<f64>| ratios.insert(name.into(), json!(value));
    put("cross_p50_vs_iceoryx2", pair(ours(hd, 1), best_iceoryx(rows, hd, 1), Measured::p50_us));
    put("cross_p50_vs_zenoh_shm", pair(ours(hd, 1), find(rows, ZENOH, hd, 1), Measured::p50_us));
    put("cross_cpu_vs_iceoryx2", pair(ours(hd, 1), best_iceoryx(rows, hd, 1), Measured::cpu_us));
    put("p50_4k_vs_vga", pair(ours(Size::UHD, 1), ours(Size::VGA, 1), Measured::p50_us));
    put("fanout4_vs_iceoryx2", pair(ours(hd, FAN_OUT), best_iceoryx(rows, hd, FAN_OUT), Measured::p50_us));
    let thread = |name| find(rows, name, hd, 1);
    put("thread_hop_vs_flume", pair(thread(OURS_THREAD), thread(FLUME), Measured::p50_us));
    for (at, hz) in FUSED {
        let hop =
            |name| rows.iter().find(|row| row.cell.subject == name && row.cell.hz == hz).map(median_p50);
        put(&format!("fused_hop_us{at}"), hop(OURS_FUSED));
        put(&format!("copper_hop_us{at}"), hop(COPPER_FUSED));
    }
    put("allocations_per_frame", ours(hd, 1).map(|row| row.figures().allocations));
    put("failed_loans_after_100_kills", survived.map(|s| (s.failed_meanwhile + s.failed_afterwards) as f64));
    ratios
}

/// The cells that the ratios need, and no more: for `--quick`.
pub(super) fn needs(subject: &str, size: Size, hz: Option<f64>, readers: usize) -> bool {
    hz == Some(CAMERA_HZ) && (size.name == Name::FullHd || (subject == OURS && readers == 1))
}
