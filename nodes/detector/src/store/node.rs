//! Wiring: `~/transfer` takes models into the detector's store, gives the present one out, and says how the detector fares, which
//! it hears on `detector/watch` and `/diagnostics`.

use std::path::PathBuf;

use peregrine::prelude::*;
use peregrine::time::monotonic_ns;
use peregrine_models::Trust;
use peregrine_models::update::transfer::{Dock, DockOptions, host_of_service};
use peregrine_msgs::diagnostic_msgs::{DiagnosticArray, DiagnosticStatus};
use peregrine_msgs::peregrine_msgs::{ModelTransfer, ModelTransferRequest};

use crate::algo::transfer::{from_reply, to_request};
use crate::error::Error;

/// A detector that was not heard of for so long is said to be silent.
const SILENCE_NS: i64 = 5_000_000_000;

/// Parameters of the model store.
#[derive(Params, Debug)]
pub struct StoreConfig {
    /// The folder that the detector's `store` names.
    #[param(default = "")]
    pub store: String,
    /// Take models, and orders to give one up, that nobody trusted has signed.
    #[param(default = false)]
    pub allow_unsigned: bool,
    /// Give the present model to whoever asks.
    #[param(default = false)]
    pub gives: bool,
}

/// The door.
pub struct StoreNode {
    dock: Dock,
    /// What the detector last said of itself, and when (monotonic, ns).
    watch: Vec<(String, String)>,
    heard_ns: Option<i64>,
    /// The last step of an update.
    step: Option<String>,
}

impl Node for StoreNode {
    const NAME: &'static str = "model_store";
    type Params = StoreConfig;

    fn configure(setup: &mut Setup<Self>, config: StoreConfig) -> Result<Self> {
        if config.store.is_empty() {
            return Err(Error::NoStore).or_node();
        }
        let trust = if config.allow_unsigned { Trust::AllowUnsigned } else { Trust::UserRing };
        let host = host_of_service(&format!("{}/transfer", setup.name())).to_owned();
        let options = DockOptions { store: PathBuf::from(&config.store), host, trust, gives: config.gives };
        setup.service::<ModelTransfer>("~/transfer", Self::on_step)?;
        setup.subscribe("detector/watch", Qos::KeepLast(4), Self::on_watch)?;
        setup.subscribe("/diagnostics", Qos::KeepLast(64), Self::on_diagnostics)?;
        Ok(Self { dock: Dock::open(options).or_node()?, watch: Vec::new(), heard_ns: None, step: None })
    }
}

impl StoreNode {
    fn on_watch(&mut self, _: &Context, message: &DiagnosticArray) -> Result {
        let Some(status) = message.status.first() else { return Ok(()) };
        self.heard_ns = Some(monotonic_ns());
        let wanted = status.values.iter().filter(|value| !value.key.starts_with("histogram"));
        self.watch.clear();
        self.watch.extend(wanted.map(|value| (value.key.clone(), value.value.clone())));
        self.watch.push(("message".to_owned(), status.message.clone()));
        Ok(())
    }

    fn on_diagnostics(&mut self, _: &Context, message: &DiagnosticArray) -> Result {
        let of_update = |status: &&DiagnosticStatus| status.name.ends_with(": model update");
        if let Some(status) = message.status.iter().rfind(of_update) {
            self.step = Some(status.message.clone());
        }
        Ok(())
    }

    fn on_step(
        &mut self,
        _: &Context,
        message: &ModelTransferRequest,
    ) -> Result<<ModelTransfer as peregrine_msgs::Service>::Response> {
        let now_ns = monotonic_ns();
        let (watch, step) = (&self.watch, &self.step);
        let silent = self.heard_ns.is_none_or(|heard| now_ns - heard > SILENCE_NS);
        let mut values = || {
            let mut values = watch.clone();
            values.extend(step.clone().map(|step| ("last_step".to_owned(), step)));
            values.push(("detector_heard".to_owned(), (!silent).to_string()));
            values
        };
        Ok(from_reply(self.dock.answer(&to_request(message), now_ns, &mut values)))
    }
}

export_node!(StoreNode);
