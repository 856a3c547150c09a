//! The log of the process on its way to `/rosout`.

use std::fmt::{Debug, Write as _};

use peregrine_core::{LogRecord, record_log};
use tracing::field::{Field, Visit};
use tracing::{Event, Subscriber};
use tracing_subscriber::EnvFilter;
use tracing_subscriber::layer::{Context, Layer};

/// What goes to `/rosout`: as ROS 2 does, what is informative and graver, or what `--log-level` says; of the libraries
/// below only what is wrong, for what the transport says while it publishes must not be published in its turn.
pub fn rosout_filter(level: Option<&str>) -> EnvFilter {
    let text = format!("{},zenoh=error,tract=error,ort=error", level.unwrap_or("info").to_lowercase());
    EnvFilter::try_new(text).unwrap_or_else(|_| EnvFilter::new("info,zenoh=error,tract=error,ort=error"))
}

/// Hands every event to the runtime, which publishes it.
#[derive(Debug)]
pub struct RosoutLayer;

impl<S: Subscriber> Layer<S> for RosoutLayer {
    fn on_event(&self, event: &Event<'_>, _: Context<'_, S>) {
        let mut fields = Fields::default();
        event.record(&mut fields);
        let metadata = event.metadata();
        record_log(LogRecord {
            level: *metadata.level(),
            node: fields.node,
            text: fields.message + &fields.others,
            file: metadata.file().unwrap_or_default().to_owned(),
            module: metadata.module_path().unwrap_or_default().to_owned(),
            line: metadata.line().unwrap_or(0),
        });
    }
}

/// The message, the node it is about, and the other fields as ` name=value`.
#[derive(Default)]
struct Fields {
    message: String,
    node: Option<String>,
    others: String,
}

impl Visit for Fields {
    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        match field.name() {
            "message" => self.message = format!("{value:?}"),
            "node" => self.node = Some(format!("{value:?}").trim_matches('"').to_owned()),
            // Writing to a string cannot fail.
            name => drop(write!(self.others, " {name}={value:?}")),
        }
    }
}
