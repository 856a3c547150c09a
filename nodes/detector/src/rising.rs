//! An engine that a provider compiles for minutes, built while another one answers.

use peregrine_models::{BackendChoice, Building, Detector, LoadOptions, Result};

use crate::config::Config;
use crate::error::Error;

/// The engine on its way.
#[derive(Debug)]
pub struct Rising {
    building: Building,
    provider: String,
}

/// What answers meanwhile.
#[derive(Debug)]
pub struct Meanwhile {
    provider: String,
}

impl Rising {
    /// What should answer meanwhile, if anything: in lockstep nothing, for there the same frames must give the same boxes.
    ///
    /// # Errors
    /// PG-0604 with a store.
    #[allow(clippy::result_large_err, reason = "once, at the start")]
    pub fn wanted(config: &Config, lockstep: bool) -> Result<Option<Meanwhile>, Error> {
        let provider = config.meanwhile.clone();
        if provider.is_empty() || provider == config.provider {
            return Ok(None);
        }
        if !config.store.is_empty() {
            return Err(Error::TwoWays { provider });
        }
        Ok((!lockstep).then_some(Meanwhile { provider }))
    }

    /// The detector, or why there is none, once.
    pub fn poll(&mut self) -> Option<Result<Detector>> {
        self.building.poll()
    }

    /// How far it has come, for people.
    pub fn progress(&self) -> String {
        format!("{}: {}", self.provider, self.building.progress())
    }
}

impl Meanwhile {
    /// The options of what answers meanwhile.
    pub fn load(&self, wanted: &LoadOptions) -> LoadOptions {
        LoadOptions {
            provider: self.provider.clone(),
            precision: Default::default(),
            backend: if self.provider == "tract" { BackendChoice::Auto } else { wanted.backend },
            ..wanted.clone()
        }
    }

    /// Starts to build what is wanted.
    ///
    /// # Errors
    /// PG-0425 when no thread can be had.
    pub fn start(self, wanted: LoadOptions) -> Result<Rising> {
        let provider = wanted.provider.clone();
        Ok(Rising { building: Building::start(wanted)?, provider })
    }
}
