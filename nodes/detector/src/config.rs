//! What the node can be told.

use std::path::PathBuf;

use peregrine::prelude::*;
use peregrine_models::update::{Limits, UpdateOptions};
use peregrine_models::watch::{LadderOptions, MachineOptions};
use peregrine_models::{BackendChoice, LoadOptions, ModelSource, Trust};

/// Parameters of the detector.
#[derive(Params, Debug)]
pub struct Config {
    /// The model: an embedded name, a manifest (.toml), or a network of a known family (.onnx).
    #[param(default = "nanodet_g")]
    pub model: String,
    /// What runs it: auto (ONNX Runtime when a library is found, else tract), ort or tract.
    #[param(default = "auto")]
    pub backend: String,
    /// Execution provider of ONNX Runtime: cpu, cuda, tensorrt... One that is not there is an error.
    #[param(default = "cpu")]
    pub provider: String,
    /// In which numbers the provider computes: native (those of the network) or half (16 bit floats; tensorrt only).
    #[param(default = "native")]
    pub precision: String,
    /// The provider (or `tract`) that answers while another one compiles the network, e.g. `cpu` for `tensorrt`; empty waits
    /// for it. In lockstep it is waited for all the same.
    #[param(default = "")]
    pub meanwhile: String,
    /// Threads of one inference. One repeats bit for bit.
    #[param(default = 1, range = 1..=64)]
    pub threads: usize,
    /// Lowest score that is published, 0 to 1; negative takes the manifest's own.
    #[param(default = -1.0, range = -1.0..=1.0, live)]
    pub min_score: f64,
    /// The ONNX Runtime library; empty searches for it.
    #[param(default = "")]
    pub ort_library: String,
    /// Load a model that nobody trusted has signed. /diagnostics says so every minute.
    #[param(default = false)]
    pub allow_unsigned: bool,
    /// What to do when it is too hot, too slow or low on power, in steps: `MODEL`, `MODEL @ HZ` or `@ HZ`; empty for nothing.
    #[param(default = Vec::<String>::new())]
    pub ladder: Vec<String>,
    /// Step down above this temperature of the hottest zone, degrees Celsius.
    #[param(default = 85.0, range = -60.0..=200.0, live)]
    pub hot_c: f64,
    /// Step up only below this temperature, degrees Celsius.
    #[param(default = 75.0, range = -60.0..=200.0, live)]
    pub cool_c: f64,
    /// Step down when the median age of results is above this, ms.
    #[param(default = 200.0, range = 0.0..=60000.0, live)]
    pub old_ms: f64,
    /// Step up only when it is below this, ms.
    #[param(default = 80.0, range = 0.0..=60000.0, live)]
    pub young_ms: f64,
    /// Step down below this battery (topic `battery`), 0 to 1.
    #[param(default = 0.15, range = 0.0..=1.0, live)]
    pub low_battery: f64,
    /// Step up only above this battery, 0 to 1.
    #[param(default = 0.25, range = 0.0..=1.0, live)]
    pub charged_battery: f64,
    /// How long a limit must be broken before a step down, s.
    #[param(default = 2.0, range = 0.0..=3600.0, live)]
    pub patience_s: f64,
    /// How long all must be well before a step up, s; also the least time between two steps.
    #[param(default = 20.0, range = 0.0..=3600.0, live)]
    pub settle_s: f64,
    /// Where the temperatures lie.
    #[param(default = "/sys/class/thermal")]
    pub thermal_zones: String,
    /// Zones whose names begin so are not looked at. The power chip of a Jetson Nano, TX2 or Xavier always says 100 C.
    #[param(default = ["PMIC"].map(str::to_owned).to_vec())]
    pub ignored_zones: Vec<String>,
    /// Where power is shown: monitors of rails.
    #[param(default = "/sys/class/hwmon")]
    pub power_monitors: String,
    /// Where power is shown: counters of processors.
    #[param(default = "/sys/class/powercap")]
    pub power_counters: String,
    /// The program that tells of a Jetson; one that is not there is left out, empty for none.
    #[param(default = "tegrastats")]
    pub tegrastats: String,
    /// The store of models: what is in it runs, and is replaced by what is pushed there. Empty for none.
    #[param(default = "")]
    pub store: String,
    /// The folder whose `incoming/` holds the next model, e.g. a USB stick; empty for the store itself.
    #[param(default = "")]
    pub inbox: String,
    /// Images a new model runs on in the shadow before it takes over.
    #[param(default = 200, range = 30..=1000000)]
    pub shadow_images: u64,
    /// Images it is watched on before it is kept.
    #[param(default = 2000, range = 30..=100000000)]
    pub watch_images: u64,
    /// Boxes of both models that the shadow waits for beyond its images, to tell whether they find the same; 0 does not wait.
    #[param(default = 50, range = 0..=1000000)]
    pub shadow_boxes: u64,
    /// Least share of boxes that the old and the new model both find, 0 to 1.
    #[param(default = 0.6, range = 0.0..=1.0)]
    pub agreement: f64,
    /// Slowest a new model may be, as a multiple of the old one's time.
    #[param(default = 1.5, range = 0.1..=100.0)]
    pub slowdown: f64,
    /// Most memory a new model may take beside the old one, MiB; 0: what its manifest's budget says.
    #[param(default = 0.0, range = 0.0..=1e6)]
    pub most_memory_mb: f64,
}

impl Config {
    /// How models are loaded.
    ///
    /// # Errors
    /// An unknown backend.
    pub fn load(&self) -> peregrine_models::Result<LoadOptions> {
        Told {
            model: &self.model,
            backend: &self.backend,
            provider: &self.provider,
            precision: &self.precision,
            threads: self.threads,
            min_score: self.min_score,
            ort_library: &self.ort_library,
            allow_unsigned: self.allow_unsigned,
        }
        .load()
    }

    /// The lowest score that is published; `None` is what the manifest says.
    pub fn score_threshold(&self) -> Option<f32> {
        score(self.min_score)
    }

    /// Where better models come from; `None` without a store.
    pub fn update(&self, load: &LoadOptions) -> Option<UpdateOptions> {
        (!self.store.is_empty()).then(|| UpdateOptions {
            store: PathBuf::from(&self.store),
            inbox: (!self.inbox.is_empty()).then(|| PathBuf::from(&self.inbox)),
            load: load.clone(),
            limits: Limits {
                shadow_images: self.shadow_images,
                watch_images: self.watch_images,
                shadow_boxes: self.shadow_boxes,
                agreement: self.agreement,
                slowdown: self.slowdown,
                memory_mb: (self.most_memory_mb > 0.0).then_some(self.most_memory_mb),
                ..Limits::default()
            },
            poll: Duration::from_secs(1),
        })
    }

    /// Where the machine's sensors lie.
    pub fn machine(&self) -> MachineOptions {
        MachineOptions {
            thermal: PathBuf::from(&self.thermal_zones),
            hwmon: PathBuf::from(&self.power_monitors),
            powercap: PathBuf::from(&self.power_counters),
            tegrastats: (!self.tegrastats.is_empty()).then(|| PathBuf::from(&self.tegrastats)),
            ignored: self.ignored_zones.clone(),
            period: Duration::from_secs(1),
        }
    }

    /// The ladder's limits.
    pub fn limits(&self) -> LadderOptions {
        LadderOptions {
            hot_c: self.hot_c,
            cool_c: self.cool_c,
            old_ms: self.old_ms,
            young_ms: self.young_ms,
            low: self.low_battery,
            charged: self.charged_battery,
            patience: Duration::from_secs_f64(self.patience_s),
            settle: Duration::from_secs_f64(self.settle_s),
        }
    }
}

/// What every node of this crate can be told of the model it loads.
pub(crate) struct Told<'a> {
    pub model: &'a str,
    pub backend: &'a str,
    pub provider: &'a str,
    pub precision: &'a str,
    pub threads: usize,
    pub min_score: f64,
    pub ort_library: &'a str,
    pub allow_unsigned: bool,
}

impl Told<'_> {
    pub fn load(&self) -> peregrine_models::Result<LoadOptions> {
        Ok(LoadOptions {
            backend: self.backend.parse::<BackendChoice>()?,
            provider: self.provider.to_owned(),
            precision: self.precision.parse()?,
            threads: self.threads,
            score_threshold: score(self.min_score),
            trust: if self.allow_unsigned { Trust::AllowUnsigned } else { Trust::UserRing },
            ort_library: (!self.ort_library.is_empty()).then(|| PathBuf::from(self.ort_library)),
            ..LoadOptions::new(ModelSource::parse(self.model))
        })
    }
}

fn score(told: f64) -> Option<f32> {
    (told >= 0.0).then_some(told as f32)
}
