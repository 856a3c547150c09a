//! The ladder as it is written: `["@ 10", "nanodet_g_320_w8", "nanodet_g_320_w8 @ 5"]`.

use peregrine_models::watch::Rung;

/// The rungs, best first: the node's own model as fast as frames come, then what the entries say. `MODEL`, `MODEL @ HZ`,
/// or `@ HZ` for the node's own model; an empty model in a rung means that one. The entry that is none of these is given
/// back.
///
/// # Errors
/// An entry whose rate is no number above 0, or that says nothing.
pub fn rungs(entries: &[String]) -> Result<Vec<Rung>, &str> {
    let own = Rung { name: "own model, every frame".to_owned(), model: String::new(), rate_hz: None };
    let one = |entry: &'_ String| {
        let (model, rate) = match entry.split_once('@') {
            Some((model, rate)) => (
                model.trim(),
                Some(rate.trim().parse::<f64>().ok().filter(|hz| *hz > 0.0 && hz.is_finite())?),
            ),
            None => (entry.trim(), None),
        };
        let named = if model.is_empty() { "own model" } else { model };
        let name = rate.map_or_else(|| format!("{named}, every frame"), |hz| format!("{named} at {hz} Hz"));
        (!model.is_empty() || rate.is_some()).then(|| Rung { name, model: model.to_owned(), rate_hz: rate })
    };
    let mut all = vec![own];
    for entry in entries {
        all.push(one(entry).ok_or(entry.as_str())?);
    }
    Ok(all)
}

/// Whether a frame is due at a rate. A frame that comes a tenth of a period early counts, so that a camera's jitter does
/// not halve the rate.
pub fn is_due(stamp_ns: i64, last_ns: Option<i64>, rate_hz: Option<f64>) -> bool {
    match (last_ns, rate_hz) {
        // A stamp before the last one: the clock was set back.
        (Some(last), Some(hz)) if stamp_ns >= last => (stamp_ns - last) as f64 >= 0.9e9 / hz,
        _ => true,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn entries_are_models_rates_or_both() {
        let entries = ["@ 10", "small.toml", " small.toml@2.5 "].map(str::to_owned);
        let read = rungs(&entries).unwrap();
        let seen: Vec<_> = read.iter().map(|r| (r.name.as_str(), r.model.as_str(), r.rate_hz)).collect();
        let expected = [
            ("own model, every frame", "", None),
            ("own model at 10 Hz", "", Some(10.0)),
            ("small.toml, every frame", "small.toml", None),
            ("small.toml at 2.5 Hz", "small.toml", Some(2.5)),
        ];
        assert_eq!(seen, expected);
        for bad in ["", "@", "m @ 0", "m @ -1", "m @ fast", "@ inf"] {
            assert_eq!(rungs(&[bad.to_owned()]), Err(bad));
        }
    }

    #[test]
    fn thirty_hertz_become_ten_with_jitter_too() {
        let (mut last, mut ran) = (None, 0);
        for frame in 0..300_i64 {
            let stamp = frame * 33_333_333 + frame % 3 * 1_000_000;
            if is_due(stamp, last, Some(10.0)) {
                (last, ran) = (Some(stamp), ran + 1);
            }
        }
        assert_eq!(ran, 100);
        assert!(is_due(5, Some(1_000_000_000), Some(1.0)) && is_due(5, Some(5), None));
    }
}
