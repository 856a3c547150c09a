//! The command line of `peregrine model`.

use std::path::PathBuf;

use clap::{Args, Subcommand};

#[derive(Debug, Subcommand)]
pub enum Model {
    /// The models compiled in and added, the engines and the providers found; or what hosts run.
    List {
        /// What hosts on the network run: a host, a fleet, or `*` for all.
        #[arg(long, value_name = "HOST|FLEET", num_args = 0..=1, default_missing_value = "*")]
        hosts: Option<String>,
        /// Print JSON.
        #[arg(long)]
        json: bool,
    },
    /// A model's manifest: inputs, outputs, licence, accuracy, budget, signature.
    Show {
        /// Name, manifest (.toml) or network (.onnx).
        model: String,
    },
    /// Load a model, run the test pattern, compare with its golden values, and check its signature.
    Verify(Verify),
    /// Average precision on labelled photos (COCO JSON or YOLO labels), as pycocotools computes it.
    Eval(Eval),
    /// Measure what a model finds and how the photos look when all is well: the manifest's [reference], to notice drift by.
    Reference(Reference),
    /// Median and 99th percentile of the time per image, per provider and number of threads.
    Bench(Bench),
    /// Where a model is weak on labelled photos (--data), or what a detection on one photo rests on.
    Explain(Explain),
    /// Make an int8 network of an fp32 one; refused if it loses too much accuracy.
    Quantize(Quantize),
    /// Sign a manifest with a secret key.
    Sign {
        /// The manifest (.toml).
        manifest: PathBuf,
        /// The secret key, made by `model keys new`.
        #[arg(long)]
        key: PathBuf,
    },
    /// Bring a model to running detectors: to a host or a fleet on the network, a store, or a USB stick.
    Push(Push),
    /// Fetch the model that a host runs.
    Pull(Pull),
    /// Add a model to those of this machine: it then goes by its name.
    Add(Add),
    /// Bring a model to a fleet in stages; stops by itself and takes it back when hosts do worse.
    Rollout(Rollout),
    /// The keys whose models are trusted here.
    #[command(subcommand)]
    Keys(Keys),
}

/// How a model is loaded.
#[derive(Debug, Clone, Args)]
pub struct Load {
    /// Name, manifest (.toml) or network (.onnx).
    pub model: String,
    /// What runs the network.
    #[arg(long, default_value = "auto", value_parser = ["auto", "ort", "tract"])]
    pub backend: String,
    /// Execution provider; asking for one that is not there is an error.
    #[arg(long, default_value = "cpu")]
    pub provider: String,
    /// Threads within one inference.
    #[arg(long, default_value_t = 1)]
    pub threads: usize,
}

#[derive(Debug, Args)]
pub struct Push {
    /// A host (`robot1`), a fleet (a namespace, or a name with `*`); or a folder: the detector's `store` or `inbox`.
    pub to: String,
    /// The manifest (.toml).
    pub manifest: PathBuf,
    /// Push a model that no key of the ring here has signed.
    #[arg(long)]
    pub allow_unsigned: bool,
    /// How long a link may be cut before it is given up, s. The same command goes on where it stopped.
    #[arg(long, default_value_t = 30.0, value_parser = seconds)]
    pub patience: f64,
    /// Most megabits per second, on links that others need too.
    #[arg(long, value_name = "MBIT", value_parser = rate)]
    pub rate: Option<f64>,
}

#[derive(Debug, Args)]
pub struct Pull {
    /// The host.
    pub from: String,
    /// The folder that gets the model's; the models of this machine when absent.
    #[arg(long, value_name = "DIR")]
    pub into: Option<PathBuf>,
    /// Take a model that no key of the ring here has signed.
    #[arg(long)]
    pub allow_unsigned: bool,
    /// How long a link may be cut before it is given up, s. The same command goes on where it stopped.
    #[arg(long, default_value_t = 30.0, value_parser = seconds)]
    pub patience: f64,
}

#[derive(Debug, Args)]
pub struct Add {
    /// A manifest (.toml), or a folder with one.
    pub model: PathBuf,
    /// Add a model that no key of the ring here has signed.
    #[arg(long)]
    pub allow_unsigned: bool,
}

#[derive(Debug, Args)]
pub struct Rollout {
    /// A fleet: a namespace, a name with `*`, or a host.
    pub fleet: String,
    /// The manifest (.toml).
    pub manifest: PathBuf,
    /// Shares of the fleet that have the model at the end of each stage.
    #[arg(long, value_delimiter = ',', default_value = "1%,10%,50%,100%", value_parser = super::rollout::share)]
    pub stages: Vec<f64>,
    /// Largest share of a stage that may do worse.
    #[arg(long, default_value = "2%", value_parser = super::rollout::share)]
    pub max_bad: f64,
    /// Largest share of a stage that may not answer.
    #[arg(long, default_value = "10%", value_parser = super::rollout::share)]
    pub max_missing: f64,
    /// Most failures of the engine per image.
    #[arg(long, default_value = "1%", value_parser = super::rollout::share)]
    pub max_errors: f64,
    /// Slowest a host may get, in times of its own time before.
    #[arg(long, default_value_t = 1.5, value_parser = bound)]
    pub max_slowdown: f64,
    /// How much further than at worst before what is found may drift (PSI).
    #[arg(long, default_value_t = 0.5, value_parser = bound)]
    pub max_drift: f64,
    /// How long a host is looked at after it has kept the model, s.
    #[arg(long, default_value_t = 10.0, value_parser = seconds)]
    pub observe: f64,
    /// How long a host may take to keep the model or roll it back, s.
    #[arg(long, default_value_t = 600.0, value_parser = seconds)]
    pub settle: f64,
    /// How long a link may be cut before a host is given up, s.
    #[arg(long, default_value_t = 30.0, value_parser = seconds)]
    pub patience: f64,
    /// Hosts that are served at the same time.
    #[arg(long, default_value_t = 8, value_parser = clap::value_parser!(u16).range(1..=256))]
    pub parallel: u16,
    /// Most megabits per second to each host.
    #[arg(long, value_name = "MBIT", value_parser = rate)]
    pub rate: Option<f64>,
    /// Draws who is first.
    #[arg(long, default_value_t = 1)]
    pub seed: u64,
    /// The file that the rollout is kept in: the same command goes on where it stopped.
    #[arg(long, value_name = "FILE")]
    pub state: Option<PathBuf>,
    /// The secret key that signs the orders to give the model up, should the rollout be stopped.
    #[arg(long, value_name = "FILE", required_unless_present = "allow_unsigned")]
    pub key: Option<PathBuf>,
    /// Roll out a model that no key of the ring here has signed, and give orders unsigned if there is no `--key`.
    #[arg(long)]
    pub allow_unsigned: bool,
    /// Print JSON.
    #[arg(long)]
    pub json: bool,
}

/// One is everything: whoever means one hundredth must write so.
fn max_drop(text: &str) -> Result<f64, String> {
    match text.parse::<f64>() {
        Ok(value) if (-1.0..=0.5).contains(&value) => Ok(value),
        _ => Err("write a difference of average precision, -1 to 0.5; 0.01 for one hundredth".to_owned()),
    }
}

fn rate(text: &str) -> Result<f64, String> {
    match text.parse::<f64>() {
        Ok(value) if (0.001..=1e6).contains(&value) => Ok(value),
        _ => Err("write megabits per second, 0.001 to 1000000".to_owned()),
    }
}

/// What is kept in a file of JSON, which knows no infinity.
pub(super) fn bound(text: &str) -> Result<f64, String> {
    match text.parse::<f64>() {
        Ok(value) if (0.0..=1e9).contains(&value) => Ok(value),
        _ => Err("write a number, 0 to 1000000000 (which is as good as no bound)".to_owned()),
    }
}

fn seconds(text: &str) -> Result<f64, String> {
    match text.parse::<f64>() {
        Ok(value) if (0.0..=1e6).contains(&value) => Ok(value),
        _ => Err("write seconds, 0 to 1000000".to_owned()),
    }
}

#[derive(Debug, Args)]
pub struct Verify {
    #[command(flatten)]
    pub load: Load,
    /// Do not fail for want of a signature.
    #[arg(long)]
    pub allow_unsigned: bool,
    /// Write what the network answers to the test pattern into the manifest.
    #[arg(long)]
    pub write_golden: bool,
}

#[derive(Debug, Args)]
pub struct Eval {
    #[command(flatten)]
    pub load: Load,
    /// Labelled photos.
    #[arg(long, value_name = "DIR")]
    pub data: PathBuf,
    /// At most that many photos, spread evenly.
    #[arg(long)]
    pub limit: Option<usize>,
    /// Print JSON.
    #[arg(long)]
    pub json: bool,
}

#[derive(Debug, Args)]
pub struct Reference {
    #[command(flatten)]
    pub load: Load,
    /// Photos like those that the robot sees; no labels needed.
    #[arg(long, value_name = "DIR")]
    pub data: PathBuf,
    /// What reports call the photos; the folder's name when absent.
    #[arg(long)]
    pub name: Option<String>,
    /// Write the section into the manifest, in place of the one that is there.
    #[arg(long)]
    pub write: bool,
    /// Print JSON.
    #[arg(long)]
    pub json: bool,
}

#[derive(Debug, Args)]
pub struct Bench {
    /// Name, manifest (.toml) or network (.onnx).
    pub model: String,
    /// Providers, comma separated; every one found when absent.
    #[arg(long, value_delimiter = ',')]
    pub providers: Vec<String>,
    /// Numbers of threads, comma separated; 1 and the number of CPUs when absent.
    #[arg(long, value_delimiter = ',')]
    pub threads: Vec<usize>,
    /// Images per measurement.
    #[arg(long, default_value_t = 100)]
    pub rounds: usize,
    /// Print JSON.
    #[arg(long)]
    pub json: bool,
}

#[derive(Debug, Args)]
pub struct Explain {
    #[command(flatten)]
    pub load: Load,
    /// The photo to explain.
    #[arg(required_unless_present = "data")]
    pub photo: Option<PathBuf>,
    /// Labelled photos: report what is missed and invented, by class, size, brightness and sharpness.
    #[arg(long, value_name = "DIR", conflicts_with = "photo")]
    pub data: Option<PathBuf>,
    /// The class to explain; the best detection when absent.
    #[arg(long)]
    pub class: Option<String>,
    /// Parts along the longer side of the photo.
    #[arg(long, default_value_t = 16)]
    pub parts: usize,
    /// Where the picture goes.
    #[arg(long, default_value = "saliency.png")]
    pub out: PathBuf,
    /// Print the report as JSON.
    #[arg(long)]
    pub json: bool,
}

#[derive(Debug, Args)]
pub struct Quantize {
    /// The fp32 model: manifest (.toml) or network (.onnx) of a known family.
    pub model: String,
    /// Photos to calibrate with, as the robot will see them; no labels needed.
    #[arg(long, value_name = "DIR")]
    pub calib: PathBuf,
    /// Labelled photos: every other one chooses the layers, the rest are held out for the verdict. Not the ones of --calib.
    #[arg(long, value_name = "DIR")]
    pub val: PathBuf,
    /// Labelled photos for the verdict alone; those of --val then all choose.
    #[arg(long, value_name = "DIR")]
    pub held_out: Option<PathBuf>,
    /// Largest allowed loss of average precision, at most 0.5; below 0 asks for a gain. 0.01 is one hundredth of AP.
    #[arg(long, default_value_t = 0.01, value_parser = max_drop, allow_negative_numbers = true)]
    pub max_drop: f64,
    /// How ranges are chosen; the most faithful when absent.
    #[arg(long, value_parser = ["minmax", "percentile", "entropy"])]
    pub method: Option<String>,
    /// Most photos to calibrate with.
    #[arg(long, default_value_t = 64)]
    pub calib_photos: usize,
    /// Photos for the sensitivity of each layer.
    #[arg(long, default_value_t = 6, value_parser = clap::value_parser!(u16).range(1..=256))]
    pub sensitivity_photos: u16,
    /// Most labelled photos for the candidates; the verdict is on all that are held out.
    #[arg(long, default_value_t = 64)]
    pub search_photos: usize,
    /// Weights of seven bits: for x86 processors without VNNI.
    #[arg(long)]
    pub seven_bits: bool,
    /// Threads within one inference.
    #[arg(long, default_value_t = 1)]
    pub threads: usize,
    /// The folder that gets the network and its manifest.
    #[arg(long, default_value = ".")]
    pub out: PathBuf,
    /// Fetch nothing: without an ONNX Runtime library here it is an error.
    #[arg(long)]
    pub no_install: bool,
    /// Print the result as JSON.
    #[arg(long)]
    pub json: bool,
}

#[derive(Debug, Subcommand)]
pub enum Keys {
    /// Make a secret key; its public half is printed.
    New {
        /// The file of the secret key. Keep it off the robots.
        file: PathBuf,
    },
    /// The ring of this machine.
    Show,
    /// Trust a public key on this machine.
    Trust {
        /// 64 hexadecimal digits, as `keys new` prints them.
        public: String,
        /// Whose it is.
        #[arg(long)]
        name: String,
    },
    /// Trust a key of this machine's ring no longer.
    Revoke {
        /// The key's id.
        id: String,
        /// Why.
        #[arg(long)]
        why: String,
    },
    /// Never again use a model, though a trusted key has signed it.
    Retire {
        /// Its manifest (.toml), or the SHA-256 of it, as `model list --hosts` shows it.
        model: String,
        /// Why.
        #[arg(long)]
        why: String,
    },
    /// Sign this machine's ring, so that others may take it: writes RING.toml and RING.toml.sig.
    Publish {
        /// The file to write.
        file: PathBuf,
        /// A secret key that those others trust already.
        #[arg(long)]
        key: PathBuf,
    },
    /// Replace this machine's ring by a published one, which a key of the present ring must have signed.
    Take {
        /// The published ring; its signature lies beside it.
        file: PathBuf,
    },
}
