//! `peregrine topic delay`: how old messages are when they come.

use std::time::Duration;

use super::source::Source;
use super::spread::Spread;
use crate::args::Watch;
use crate::error::{Error, Result};

pub(super) fn run(watch: &Watch) -> Result {
    let mut source = Source::open(watch)?;
    let all = source.listen(Duration::from_secs_f64(watch.duration.clamp(0.1, 1e6)));
    let (over, missed, name) = (source.over(), source.missed(), source.name.clone());
    source.close();
    let all = all?;
    let ms = |ns: i64| ns as f64 * 1e-6;
    let capture = Spread::of(all.iter().filter_map(|s| s.since_capture_ns).map(ms));
    let publication = Spread::of(all.iter().filter_map(|s| s.since_publication_ns).map(ms));
    if watch.json {
        println!(
            "{}",
            serde_json::json!({"topic": name, "over": over, "messages": all.len(), "missed": missed,
                "since_capture_ms": capture, "since_publication_ms": publication})
        );
        return Ok(());
    }
    if capture.is_none() && publication.is_none() {
        return Err(Error::NoStamps { topic: name, messages: all.len() });
    }
    println!("{name}: {} messages over {over}", all.len());
    match capture {
        Some(spread) => println!("  since capture, ms:      {spread}"),
        None => println!("  since capture:          its messages carry no stamp of this computer's clock"),
    }
    match publication {
        Some(spread) => println!("  since publication, ms:  {spread}"),
        None => println!("  since publication:      simulated time; since capture ends at publication"),
    }
    Ok(())
}
