//! A simulated fleet in this process, on a real Zenoh link: each robot has a real store and a real door; its detector is played, by the
//! name of the model and the robot's number, so that every run is the same.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;

use peregrine::prelude::*;
use peregrine_core::{App, Mode, NodeFactory, NodeSpec, ParamValue};
use peregrine_detector::algo::transfer::{from_reply, to_request};
use peregrine_models::update::transfer::{Dock, DockOptions};
use peregrine_models::update::{Bundle, Store, revert_asked, revert_settled, waiting};
use peregrine_models::{Trust, sha256};
use peregrine_msgs::peregrine_msgs::{ModelTransfer, ModelTransferRequest, ModelTransferResponse};
use peregrine_zenoh::{Link, LinkOptions};

/// Ticks between the swap and the verdict.
const WATCH: u32 = 3;

#[derive(Params, Debug)]
pub struct Config {
    #[param(default = 0)]
    number: i64,
    #[param(default = "")]
    root: String,
}

/// Which models the robots have had active or on trial: robot, SHA-256 of the manifest.
type History = Arc<Mutex<Vec<(i64, String)>>>;

struct Robot {
    number: i64,
    store: Store,
    dock: Dock,
    /// On trial: name, ticks left.
    trial: Option<(String, u32)>,
    active: String,
    results: u64,
    failures: u64,
    said: String,
    history: History,
}

impl Node for Robot {
    const NAME: &'static str = "robot";
    type Params = Config;

    fn configure(setup: &mut Setup<Self>, config: Config) -> Result<Self> {
        let root = Path::new(&config.root);
        let trust = Trust::Ring(root.parent().unwrap().parent().unwrap().join("peregrine/keys.toml"));
        let host = setup.namespace().trim_start_matches('/').to_owned();
        let options = DockOptions { store: root.to_owned(), host, trust, gives: false };
        setup.service::<ModelTransfer>("model_store/transfer", Self::on_step)?;
        setup.timer(Duration::from_millis(30), Self::tick)?;
        Ok(Self {
            number: config.number,
            dock: Dock::open(options).or_node()?,
            store: Store::open(root).or_node()?,
            trial: None,
            active: "v1".into(),
            results: 0,
            failures: 0,
            said: String::new(),
            history: setup.extension().unwrap(),
        })
    }
}

impl Robot {
    fn on_step(&mut self, _: &Context, message: &ModelTransferRequest) -> Result<ModelTransferResponse> {
        let (results, failures, said) = (self.results, self.failures, self.said.clone());
        // Some are faster than others; the model `slow` makes most of them slower.
        let own = 20.0 + (self.number % 7) as f64;
        let latency = if self.active == "slow" && self.is_hit() { 2.2 * own } else { own };
        let update = if self.trial.is_some() { "watch" } else { "none" };
        let mut values = move || {
            let text = |value: &dyn std::fmt::Display| value.to_string();
            let pairs = [
                ("detector_heard", "true".to_owned()),
                ("update", update.to_owned()),
                ("results", text(&results)),
                ("failures", text(&failures)),
                ("latency_p50_ms", text(&latency)),
                ("last_step", said.clone()),
            ];
            pairs.map(|(key, value)| (key.to_owned(), value)).to_vec()
        };
        let now_ns = peregrine_core::time::monotonic_ns();
        Ok(from_reply(self.dock.answer(&to_request(message), now_ns, &mut values)))
    }

    /// Whether a bad model shows on this robot: on about seven of eight, always the same.
    fn is_hit(&self) -> bool {
        !sha256(&self.number.to_le_bytes()).as_bytes()[0].is_multiple_of(8)
    }

    fn id_of(&self, slot: Option<peregrine_models::update::Slot>) -> Option<String> {
        std::fs::read(self.store.manifest(slot?)).ok().map(|text| sha256(&text))
    }

    fn tick(&mut self, _: &Context) -> Result {
        self.results += 5;
        if let Some((name, left)) = &mut self.trial {
            *left -= 1;
            if *left > 0 {
                return Ok(());
            }
            let name = name.clone();
            self.trial = None;
            if name == "failing" && self.is_hit() {
                self.store.rollback().or_node()?;
                self.said = "rolled back: its engine failed on 9 of 60 images".into();
            } else {
                self.store.commit().or_node()?;
                self.active = name;
                self.said = "kept: it starts from now on".into();
            }
            return Ok(());
        }
        if let Some(id) = revert_asked(self.store.root()) {
            if self.id_of(self.store.state().active).as_deref() == Some(&id) {
                self.store.revert().or_node()?;
                self.active = "good".into();
                self.said = "rolled back: its rollout was stopped".into();
            }
            revert_settled(self.store.root());
        }
        let Some(manifest) = waiting(self.store.root()) else { return Ok(()) };
        let bundle = Bundle::read(&manifest).or_node()?;
        let _ = std::fs::remove_dir_all(manifest.parent().unwrap());
        if let Ok(slot) = self.store.stage(&bundle) {
            self.history.lock().unwrap().push((self.number, bundle.id().to_owned()));
            self.store.begin_trial(slot).or_node()?;
            let name = peregrine_models::Manifest::parse(&String::from_utf8_lossy(&bundle.files()[0].1), "x")
                .or_node()?
                .name;
            self.trial = Some((name, WATCH));
        }
        Ok(())
    }
}

/// Ends the fleet.
struct Warden {
    over: Arc<AtomicBool>,
}

impl Node for Warden {
    const NAME: &'static str = "warden";
    type Params = ();
    fn configure(setup: &mut Setup<Self>, (): ()) -> Result<Self> {
        setup.timer(Duration::from_millis(100), |node: &mut Self, ctx: &Context| {
            if node.over.load(Ordering::Acquire) {
                ctx.shutdown("the test is over");
            }
            Ok(())
        })?;
        Ok(Self { over: setup.extension().unwrap() })
    }
}

pub struct Fleet {
    roots: Vec<PathBuf>,
    history: History,
    over: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Fleet {
    /// Robots `fleet/r000` and so on, whose stores lie below `root`.
    pub fn start(count: i64, root: &Path, port: &str) -> Self {
        let roots: Vec<PathBuf> = (0..count).map(|n| root.join(format!("robots/r{n:03}"))).collect();
        std::fs::create_dir_all(root.join("robots")).unwrap();
        let (history, over) = (History::default(), Arc::new(AtomicBool::new(false)));
        let link = Arc::new(Link::open(&LinkOptions::new(port.parse().unwrap(), true)).unwrap().unwrap());
        let mut app = App::new(Mode::Realtime { threads: 4, factor: 1.0, use_sim_time: false });
        app.extend(history.clone()).extend(over.clone());
        app.add(NodeFactory::of::<Warden>(), NodeSpec::new("warden")).unwrap();
        for (number, root) in roots.iter().enumerate() {
            let mut spec = NodeSpec::new("robot")
                .with_param("number", ParamValue::Integer(number as i64))
                .with_param("root", ParamValue::String(root.display().to_string()))
                .with_param("peregrine.lane", ParamValue::String(format!("robots{}", number % 4)));
            spec.namespace = Some(format!("/fleet/r{number:03}"));
            app.add(NodeFactory::of::<Robot>(), spec).unwrap();
        }
        peregrine_zenoh::carry(&mut app, &link).unwrap();
        let thread = std::thread::spawn(move || {
            let report = app.run().unwrap();
            link.close();
            assert!(report.nodes.iter().all(|node| node.errors == 0), "{:?}", report.nodes);
        });
        Self { roots, history, over, thread: Some(thread) }
    }

    /// How many have this model active, as their disks say.
    pub fn running(&self, id: &str) -> usize {
        let runs = |root: &&PathBuf| {
            let path = root.join("state.toml");
            let text = std::fs::read_to_string(&path).unwrap_or_default();
            let state = peregrine_models::update::State::parse(&text, &path).unwrap();
            let Some(slot) = state.active else { return false };
            let folder = if slot == peregrine_models::update::Slot::A { "a" } else { "b" };
            std::fs::read(root.join(folder).join("manifest.toml")).is_ok_and(|text| sha256(&text) == id)
        };
        self.roots.iter().filter(runs).count()
    }

    /// How many have ever tried it.
    pub fn ever(&self, id: &str) -> usize {
        let mut robots: Vec<i64> = self
            .history
            .lock()
            .unwrap()
            .iter()
            .filter(|(_, own)| own == id)
            .map(|(robot, _)| *robot)
            .collect();
        robots.sort_unstable();
        robots.dedup();
        robots.len()
    }
}

impl Drop for Fleet {
    fn drop(&mut self) {
        self.over.store(true, Ordering::Release);
        if let Some(thread) = self.thread.take()
            && thread.join().is_err()
            && !std::thread::panicking()
        {
            panic!("the fleet failed");
        }
    }
}
