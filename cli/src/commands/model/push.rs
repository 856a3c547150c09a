//! `model push`, `model pull`, `model add`: models on their way.

use std::io::{IsTerminal, Write};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use peregrine_models::update::transfer::{Cargo, Courier, Fetch, Fetched, Next};
use peregrine_models::update::{Bundle, offer};
use peregrine_models::{BackendName, Model, ModelSource, Standing, Trust, library};

use super::args::{Add, Pull, Push};
use super::hosts::{Host, Hosts};
use crate::error::{Error, Result};

pub fn run(args: &Push) -> Result {
    let (model, standing) = read(&args.manifest, args.allow_unsigned)?;
    if Path::new(&args.to).is_dir() {
        return into_folder(Path::new(&args.to), &args.manifest, &model, &standing);
    }
    if args.to.starts_with(['/', '.']) {
        let why = "there is no such folder: name the detector's `store`, a stick that is mounted, or a host (robot1)";
        return Err(Error::Argument { what: "folder", value: args.to.clone(), why: why.into() });
    }
    let cargo = Cargo::read(&args.manifest)?;
    let mut hosts = Hosts::open()?;
    let outcome = to_hosts(&mut hosts, args, &cargo, &standing);
    hosts.close();
    outcome
}

/// What a robot would refuse is refused here already, where somebody can mend it.
pub(super) fn read(manifest: &Path, allow_unsigned: bool) -> Result<(Model, Standing)> {
    if manifest.extension().is_none_or(|end| end != "toml") {
        return Err(Error::Argument {
            what: "manifest",
            value: manifest.display().to_string(),
            why: "write the path of a manifest (.toml): that is what travels, with all it names".into(),
        });
    }
    let source = ModelSource::Path(manifest.to_owned());
    let model = Model::read(&source, BackendName::Ort)?;
    let standing = model.standing(&source, &trust(allow_unsigned))?;
    Ok((model, standing))
}

fn trust(allow_unsigned: bool) -> Trust {
    if allow_unsigned { Trust::AllowUnsigned } else { Trust::UserRing }
}

fn into_folder(folder: &Path, manifest: &Path, model: &Model, standing: &Standing) -> Result {
    let bundle = Bundle::read(manifest)?;
    let bytes: usize = bundle.files().iter().map(|(_, bytes)| bytes.len()).sum();
    let place = offer(folder, &bundle)?;
    println!(
        "{} ({}), {:.1} MB, {}: waits in {}",
        model.manifest.name,
        &bundle.id()[..12],
        bytes as f64 / 1e6,
        standing.describe(),
        place.display()
    );
    Ok(())
}

fn to_hosts(hosts: &mut Hosts, args: &Push, cargo: &Cargo, standing: &Standing) -> Result {
    let meant = hosts.find(&args.to)?;
    let patience = Duration::from_secs_f64(args.patience);
    println!(
        "{} ({}), {:.1} MB, {}",
        cargo.name(),
        &cargo.id()[..12],
        cargo.bytes() as f64 / 1e6,
        standing.describe()
    );
    let mut failed = None;
    for host in &meant {
        let mut bar = Bar::new(&host.name);
        let pace = Pace::new(args.rate);
        match bring(hosts, host, cargo, patience, pace, &mut |have, all| bar.show(have, all)) {
            Ok(false) => println!("{}: it waits there for the detector", host.name),
            Ok(true) => println!("{}: it is there already", host.name),
            Err(error) if meant.len() == 1 => return Err(error),
            // One that fails keeps none of the others from it.
            Err(error) => {
                println!("{}: {error}", host.name);
                failed = Some(error);
            }
        }
    }
    failed.map_or(Ok(()), Err)
}

/// Brings a cargo to a host, over whatever cuts of the link, as long as something moves within `patience`. True when it was there
/// before.
pub(super) fn bring(
    hosts: &mut Hosts,
    host: &Host,
    cargo: &Cargo,
    patience: Duration,
    mut pace: Pace,
    progress: &mut dyn FnMut(u64, u64),
) -> Result<bool> {
    let (mut courier, mut request) = (Courier::new(cargo), cargo.offer());
    let mut waiting = Waiting::new(patience);
    loop {
        match hosts.ask(host, request) {
            Ok(reply) => {
                waiting.moved();
                match courier.next(&reply)? {
                    Next::Send(next) => request = next,
                    Next::Done(before) => return Ok(before),
                }
                let (have, all) = courier.progress();
                progress(have, all);
                pace.keep(request.data.len());
            }
            Err(error) => {
                let (have, all) = courier.progress();
                waiting.after(hosts, host, error, have, all)?;
                request = courier.again();
            }
        }
    }
}

/// What is sent is spread over time, on links that others need too.
pub(super) struct Pace {
    /// Bytes per second; none for as fast as it goes.
    rate: Option<f64>,
    next: Instant,
}

impl Pace {
    /// In megabits per second.
    pub fn new(megabits: Option<f64>) -> Self {
        Self { rate: megabits.map(|megabits| megabits * 125_000.0), next: Instant::now() }
    }

    /// Waits until these many bytes more may go.
    fn keep(&mut self, bytes: usize) {
        let Some(rate) = self.rate else { return };
        let now = Instant::now();
        self.next = self.next.max(now) + Duration::from_secs_f64(bytes as f64 / rate);
        std::thread::sleep(self.next - now);
    }
}

/// Patience with a link that is cut.
struct Waiting {
    patience: Duration,
    last: Instant,
    pause: Duration,
}

impl Waiting {
    fn new(patience: Duration) -> Self {
        Self { patience, last: Instant::now(), pause: Duration::from_millis(100) }
    }

    fn moved(&mut self) {
        (self.last, self.pause) = (Instant::now(), Duration::from_millis(100));
    }

    /// Waits a little after an error of the link; gives it back when it has lasted too long or is none of the link's.
    fn after(&mut self, hosts: &mut Hosts, host: &Host, error: Error, have: u64, all: u64) -> Result {
        let of_link = matches!(
            error,
            Error::Zenoh(peregrine_zenoh::Error::NoAnswer { .. } | peregrine_zenoh::Error::Zenoh { .. })
        );
        if !of_link {
            return Err(error);
        }
        if self.last.elapsed() >= self.patience {
            return Err(Error::TransferCut { host: host.name.clone(), have, all, why: error.to_string() });
        }
        std::thread::sleep(self.pause);
        self.pause = (self.pause * 2).min(Duration::from_secs(2));
        hosts.reopen();
        Ok(())
    }
}

pub fn pull(args: &Pull) -> Result {
    let into = match &args.into {
        Some(folder) => folder.clone(),
        None => library::folder().ok_or_else(no_library)?,
    };
    std::fs::create_dir_all(&into).map_err(Error::file("create", &into))?;
    let mut hosts = Hosts::open()?;
    let outcome = fetch(&mut hosts, args, &into);
    hosts.close();
    outcome
}

fn fetch(hosts: &mut Hosts, args: &Pull, into: &Path) -> Result {
    let meant = hosts.find(&args.from)?;
    let [host] = meant.as_slice() else {
        let why = format!("it means {} hosts, and a model is fetched from one: name it", meant.len());
        return Err(Error::Argument { what: "host", value: args.from.clone(), why });
    };
    let mut fetch = Fetch::new(into, trust(args.allow_unsigned));
    let mut waiting = Waiting::new(Duration::from_secs_f64(args.patience));
    let (mut request, mut bar) = (fetch.list(), Bar::new(&host.name));
    loop {
        match hosts.ask(host, request) {
            Ok(reply) => {
                waiting.moved();
                match fetch.next(&reply)? {
                    Fetched::Send(next) => request = next,
                    Fetched::Here(manifest) => {
                        let standing = fetch.standing().map(Standing::describe).unwrap_or_default();
                        println!("{}, {standing}", manifest.display());
                        return Ok(());
                    }
                }
                let (have, all) = fetch.progress();
                bar.show(have, all);
            }
            Err(error) => {
                let (have, all) = fetch.progress();
                waiting.after(hosts, host, error, have, all)?;
                request = fetch.list();
            }
        }
    }
}

fn no_library() -> Error {
    Error::Argument {
        what: "library",
        value: "unknown".into(),
        why: "neither XDG_DATA_HOME nor HOME is set; set one of them".into(),
    }
}

/// Into the library of this machine, whole or not at all: from then on the model goes by its name.
pub fn add(args: &Add) -> Result {
    let manifest = manifest_of(&args.model)?;
    let (model, standing) = read(&manifest, args.allow_unsigned)?;
    let place = library::add(&Bundle::read(&manifest)?, &model.manifest.name)?;
    println!("{}, {}: {}", model.manifest.name, standing.describe(), place.display());
    Ok(())
}

/// A manifest, or the one in a folder.
fn manifest_of(path: &Path) -> Result<PathBuf> {
    if !path.is_dir() {
        return Ok(path.to_owned());
    }
    let entries = std::fs::read_dir(path).map_err(Error::file("read", path))?;
    let mut found: Vec<PathBuf> = entries.flatten().map(|entry| entry.path()).collect();
    found.retain(|path| path.extension().is_some_and(|end| end == "toml"));
    found.sort();
    match found.as_slice() {
        [one] => Ok(one.clone()),
        many => Err(Error::Argument {
            what: "model",
            value: path.display().to_string(),
            why: format!("it holds {} manifests (.toml), and one is needed: name it", many.len()),
        }),
    }
}

/// A line that fills, on terminals alone.
struct Bar {
    name: String,
    begun: Instant,
    shown: Option<u64>,
}

impl Bar {
    fn new(name: &str) -> Self {
        Self { name: name.to_owned(), begun: Instant::now(), shown: None }
    }

    fn show(&mut self, have: u64, all: u64) {
        let mut err = std::io::stderr();
        let share = have * 1000 / all.max(1);
        if !err.is_terminal() || self.shown == Some(share) {
            return;
        }
        self.shown = Some(share);
        let filled = (share * 30 / 1000) as usize;
        let rate = have as f64 / 1e6 / self.begun.elapsed().as_secs_f64().max(1e-3);
        let end = if have == all { "\n" } else { "" };
        let _ = write!(
            err,
            "\r{} [{}{}] {:5.1} % of {:.1} MB, {rate:.1} MB/s {end}",
            self.name,
            "#".repeat(filled),
            ".".repeat(30 - filled),
            share as f64 / 10.0,
            all as f64 / 1e6
        );
        let _ = err.flush();
    }
}
