//! An engine that a provider compiles for minutes, built while another one answers.
//!
//! With a store the model may be replaced meanwhile: then the engine that was built is another model's, and one of the present model is
//! built. While a new model is on trial the engine waits: the two are held against each other on equal terms.

use peregrine_models::{BackendChoice, Building, Detector, LoadOptions, ModelSource, Result};

use crate::config::Config;

/// The engine on its way.
#[derive(Debug)]
pub struct Rising {
    building: Building,
    /// As it is loaded, the model that it is built of included.
    wanted: LoadOptions,
    /// Built, and waiting for a trial to end.
    ready: Option<Detector>,
}

/// What answers meanwhile.
#[derive(Debug)]
pub struct Meanwhile {
    provider: String,
}

/// What became of it.
#[derive(Debug)]
pub enum Risen {
    /// It is there, of the present model; and how models are loaded from now on.
    Here(Box<Detector>, Box<LoadOptions>),
    /// There is none, and why.
    Failed(peregrine_models::Error),
    /// It is on its way, for people.
    Coming(String),
}

impl Rising {
    /// What should answer meanwhile, if anything: in lockstep nothing, for there the same frames must give the same boxes.
    pub fn wanted(config: &Config, lockstep: bool) -> Option<Meanwhile> {
        let provider = config.meanwhile.clone();
        let other = !provider.is_empty() && provider != config.provider;
        (other && !lockstep).then_some(Meanwhile { provider })
    }

    /// How it is. `present` is the model that is proven and answers; `None` while one is on trial.
    pub fn poll(&mut self, present: Option<&ModelSource>) -> Risen {
        if let Some(present) = present.filter(|present| **present != self.wanted.model) {
            return self.anew(present.clone());
        }
        let provider = &self.wanted.provider;
        if self.ready.is_none() {
            match self.building.poll() {
                Some(Ok(detector)) => self.ready = Some(detector),
                Some(Err(error)) => return Risen::Failed(error),
                None => return Risen::Coming(format!("{provider}: {}", self.building.progress())),
            }
        }
        match self.ready.take_if(|_| present.is_some()) {
            Some(detector) => Risen::Here(Box::new(detector), Box::new(self.wanted.clone())),
            None => Risen::Coming(format!("{provider}: it waits until the new model is settled")),
        }
    }

    /// Begins to build an engine of another model.
    fn anew(&mut self, model: ModelSource) -> Risen {
        (self.ready, self.wanted.model) = (None, model);
        match Building::start(self.wanted.clone()) {
            Ok(building) => self.building = building,
            Err(error) => return Risen::Failed(error),
        }
        Risen::Coming(format!("{}: the model was replaced, its engine is built now", self.wanted.provider))
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

    /// Starts to build what is wanted, of the model that answers.
    ///
    /// # Errors
    /// PG-0425 when no thread can be had.
    pub fn start(self, wanted: LoadOptions, present: Option<&ModelSource>) -> Result<Rising> {
        let model = present.cloned().unwrap_or_else(|| wanted.model.clone());
        let wanted = LoadOptions { model, ..wanted };
        Ok(Rising { building: Building::start(wanted.clone())?, wanted, ready: None })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn poll(rising: &mut Rising, present: Option<&ModelSource>, end: impl Fn(&Risen) -> bool) -> Risen {
        for _ in 0..6000 {
            let risen = rising.poll(present);
            if end(&risen) {
                return risen;
            }
            std::thread::sleep(std::time::Duration::from_millis(5));
        }
        panic!("it never happens");
    }

    #[test]
    fn an_engine_waits_for_a_trial_and_is_built_anew_for_another_model() {
        let named = |name: &str| ModelSource::Embedded(name.to_owned());
        let (old, new) = (named("drone_sim_320_w8"), named("nanodet_g_320_w8"));
        let wanted = LoadOptions { provider: "tract".into(), ..LoadOptions::new("sim") };
        let meanwhile = Meanwhile { provider: "cpu".into() };
        let mut rising = meanwhile.start(wanted, Some(&old)).unwrap();
        let waits = |risen: &Risen| matches!(risen, Risen::Coming(text) if text.contains("until the new model is settled"));
        poll(&mut rising, None, waits);
        // The trial ends with another model.
        let Risen::Coming(text) = rising.poll(Some(&new)) else { panic!("at once") };
        assert!(text.contains("the model was replaced"), "{text}");
        let here = poll(&mut rising, Some(&new), |risen| matches!(risen, Risen::Here(..)));
        let Risen::Here(detector, load) = here else { panic!("{here:?}") };
        assert_eq!((detector.manifest().name.as_str(), load.model), ("nanodet_g_320_w8", new.clone()));
        // What cannot be had is told.
        let missing = ModelSource::Path("/no/such/model.toml".into());
        rising.poll(Some(&missing));
        let risen = poll(&mut rising, Some(&missing), |risen| !matches!(risen, Risen::Coming(_)));
        assert!(matches!(&risen, Risen::Failed(error) if error.code() == "PG-0401"), "{risen:?}");
    }
}
