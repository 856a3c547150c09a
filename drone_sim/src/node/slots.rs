//! Room for a picture.
//!
//! Invariant: in lockstep no picture is left out. Where readers hold every slot, simulated time waits until one of them lets go; how
//! long it took leaves no trace in what is published.

use std::time::{Duration, Instant};

use peregrine::Loan;
use peregrine::prelude::*;

/// From one look for a free slot to the next.
const LOOK: Duration = Duration::from_millis(1);
/// After this long it is said what is waited for.
const SAID: Duration = Duration::from_secs(1);

/// A slot of `out`. `None` when there is none: outside of lockstep the picture is lost; in lockstep the program ends, because it was
/// asked to, or because nobody let go within `patience`.
pub(super) fn slot(
    ctx: &Context,
    out: &mut FramePublisher,
    spec: &ImageSpec<'_>,
    patience: Duration,
) -> Result<Option<Loan>> {
    if !ctx.is_lockstep() {
        return out.loan(spec);
    }
    if let Some(loan) = out.try_loan(spec)? {
        return Ok(Some(loan));
    }
    let (start, mut said) = (Instant::now(), false);
    while !ctx.is_stopping() {
        std::thread::sleep(LOOK);
        if let Some(loan) = out.try_loan(spec)? {
            return Ok(Some(loan));
        }
        let waited = start.elapsed();
        if waited >= SAID && !std::mem::replace(&mut said, true) {
            tracing::warn!(
                "PG-1045 time stands at {:.3} s: readers hold every slot of {}; it goes on when one lets go",
                ctx.now().as_secs_f64(),
                out.topic().name()
            );
        }
        if waited >= patience {
            ctx.fail(format!(
                "PG-1046 readers held every slot of {} for {:.1} s, and in lockstep no picture is left out. Let the reader keep fewer \
                 frames, or raise slot_patience",
                out.topic().name(),
                waited.as_secs_f64()
            ));
        }
    }
    Ok(None)
}
