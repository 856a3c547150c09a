//! The flight monitor: hears every topic and publishes nothing, so that a watched flight is the same flight.

use std::sync::{Arc, Mutex, PoisonError};

use peregrine_core::prelude::*;

use super::notes::Notes;

/// Notes down a flight into the [`Notes`] that the application lends.
pub struct FlightMonitor {
    notes: Arc<Mutex<Notes>>,
}

impl Node for FlightMonitor {
    const NAME: &'static str = "flight_monitor";
    type Params = ();

    fn configure(setup: &mut Setup<Self>, (): ()) -> Result<Self> {
        setup.subscribe_all(|monitor: &mut Self, _: &Context, any: &AnyMessage<'_>| {
            monitor.notes.lock().unwrap_or_else(PoisonError::into_inner).hear(any);
            Ok(())
        })?;
        Ok(Self { notes: setup.extension().unwrap_or_default() })
    }
}
