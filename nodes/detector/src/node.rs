//! Wiring: `image_raw` -> `detections`; the classes on `label_info`; what runs the network on `~/status`; how it fares on
//! `~/watch` and `/diagnostics` once a second; steps of the ladder and of an update on `/diagnostics` and in the log as they happen.

use peregrine::Stock;
use peregrine::prelude::*;
use peregrine::time::monotonic_ns;
use peregrine_models::update::Live;
use peregrine_models::watch::{Ladder, Load, Machine, MachineState, Zone, look};
use peregrine_models::{BackendName, Detector, ModelSource, Standing};
use peregrine_msgs::diagnostic_msgs::{DiagnosticArray, DiagnosticStatus, KeyValue};
use peregrine_msgs::sensor_msgs::BatteryState;
use peregrine_msgs::vision_msgs::{Detection2DArray, LabelInfo};

use crate::algo::{Around, Boxes, Vitals, is_due, label_info, rungs, status, view};
use crate::config::Config;
use crate::engines::Engines;
use crate::error::Error;
use crate::rising::{Risen, Rising};

/// How often an unsigned model is complained about.
const COMPLAINT: Duration = Duration::from_secs(60);
/// How often the node says how it fares, and looks at the ladder.
const REPORT: Duration = Duration::from_secs(1);

/// A battery that says nothing for longer is told, ns.
const BATTERY_SILENT_NS: i64 = 30_000_000_000;

/// Runs a detection network on the newest frame; frames that come while it works are dropped and counted.
pub struct DetectorNode {
    engines: Engines,
    /// An engine that is built while another one answers.
    rising: Option<Rising>,
    /// The model of the parameters.
    configured: ModelSource,
    vitals: Vitals,
    ladder: Ladder,
    /// Whether any rung lies below the first.
    has_ladder: bool,
    /// Not in lockstep, where nothing may depend on the machine.
    machine: Option<Machine>,
    /// The last charge heard, 0 to 1, and when.
    battery: Option<(f64, i64)>,
    /// The lowest score that is set; `None` is what each model says.
    score: Option<f32>,
    /// Stamp of the last frame that was worked on.
    last_ns: Option<i64>,
    /// Changes of the live model that the vitals know of.
    changes: u64,
    detections: Publisher<Detection2DArray>,
    stock: Stock<Detection2DArray>,
    boxes: Boxes,
    labels: Publisher<LabelInfo>,
    status: Publisher<DiagnosticArray>,
    watch: Publisher<DiagnosticArray>,
    diagnostics: Publisher<DiagnosticArray>,
}

impl Node for DetectorNode {
    const NAME: &'static str = "detector";
    type Params = Config;

    fn configure(setup: &mut Setup<Self>, config: Config) -> Result<Self> {
        let load = config.load().or_node()?;
        let rungs =
            rungs(&config.ladder).map_err(|entry| Error::Ladder { entry: entry.to_owned() }).or_node()?;
        let configured = load.model.clone();
        let meanwhile = Rising::wanted(&config, setup.is_lockstep());
        let first = meanwhile.as_ref().map_or_else(|| load.clone(), |meanwhile| meanwhile.load(&load));
        let live = match config.update(&first) {
            None => Detector::load(&first).map(Live::fixed),
            // A simulation that must repeat takes what is proven, and leaves the store alone.
            Some(update) if setup.is_lockstep() => Live::settled(&update),
            Some(update) => Live::open(&update),
        };
        let engines = Engines::new(live.or_node()?, &rungs, &load).or_node()?;
        // Only now: what answers meanwhile is there.
        let rising = meanwhile.map(|meanwhile| meanwhile.start(load, engines.live.proven()));
        let rising = rising.transpose().or_node()?;
        tracing::info!(node = setup.name(), "detector runs {}", engines.current().backend_report());
        setup.subscribe_frames("image_raw", FramePolicy::Latest, Self::on_image)?;
        if rungs.len() > 1 {
            setup.subscribe(
                "battery",
                Qos::Sensor,
                |node: &mut Self, ctx: &Context, battery: &BatteryState| {
                    let share = f64::from(battery.percentage);
                    // One that is not known is no charge: the last one counts on.
                    if (0.0..=1.0).contains(&share) {
                        node.battery = Some((share, ctx.now().0));
                    }
                    Ok(())
                },
            )?;
        }
        if let Standing::Allowed(why) = engines.current().standing() {
            tracing::warn!(node = setup.name(), "the model is not signed by anybody trusted: {why}");
        }
        setup.timer(COMPLAINT, |node: &mut Self, ctx: &Context| node.complain(ctx))?;
        setup.timer(REPORT, Self::report)?;
        Ok(Self {
            vitals: Vitals::new(engines.current(), config.watch_images),
            engines,
            rising,
            configured,
            has_ladder: rungs.len() > 1,
            ladder: Ladder::new(rungs, config.limits()),
            machine: if setup.is_lockstep() { None } else { Machine::start(config.machine()) },
            battery: None,
            score: config.score_threshold(),
            last_ns: None,
            changes: 0,
            detections: setup.publish("detections", Qos::Sensor)?,
            stock: Stock::default(),
            boxes: Boxes::default(),
            labels: setup.publish("label_info", Qos::Latched)?,
            status: setup.publish("~/status", Qos::Latched)?,
            watch: setup.publish("~/watch", Qos::Reliable)?,
            diagnostics: setup.publish("/diagnostics", Qos::Reliable)?,
        })
    }

    /// Between two frames, on the node's lane: no frame sees a part of it.
    fn reconfigure(&mut self, ctx: &Context, config: Config) -> Result {
        self.score = config.score_threshold();
        self.engines.set_score_threshold(self.score);
        self.ladder.set_options(config.limits());
        self.say_labels(ctx)
    }

    fn activate(&mut self, ctx: &Context) -> Result {
        self.say_what_runs(ctx)?;
        self.complain(ctx)
    }
}

impl DetectorNode {
    fn say_what_runs(&self, ctx: &Context) -> Result {
        let current = self.engines.current();
        let backend = match current.backend() {
            BackendName::Ort => "ort",
            BackendName::Tract => "tract",
            _ => "unknown",
        };
        let values = vec![pair("model", &current.manifest().name), pair("backend", backend)];
        let name = ctx.node_name().to_owned();
        let report = current.backend_report().to_owned();
        self.status.send(ctx, array(ctx, DiagnosticStatus::OK, name, report, values))?;
        self.say_labels(ctx)
    }

    /// What the classes are called, and from which score on they are published.
    fn say_labels(&self, ctx: &Context) -> Result {
        let current = self.engines.current();
        self.labels.send(ctx, label_info(ctx.now().to_msg(), current.labels(), current.score_threshold()))
    }

    fn complain(&mut self, ctx: &Context) -> Result {
        let current = self.engines.current();
        if !matches!(current.standing(), Standing::Allowed(_)) {
            return Ok(());
        }
        let name = format!("{}: model signature", ctx.node_name());
        let message = format!("{}: {}", current.manifest().name, current.standing().describe());
        self.diagnostics.send(ctx, array(ctx, DiagnosticStatus::WARN, name, message, Vec::new()))
    }

    fn on_image(&mut self, ctx: &Context, frame: &Frame) -> Result {
        self.vitals.arrived(frame.source(), frame.sequence());
        let rate = self.ladder.rung().and_then(|rung| rung.rate_hz);
        if !is_due(frame.stamp_ns(), self.last_ns, rate) {
            self.vitals.skip();
            return Ok(());
        }
        self.last_ns = Some(frame.stamp_ns());
        let encoding = frame.encoding().as_str();
        let picture = |source| Error::Picture { topic: "image_raw", encoding, source };
        let image = view(frame.bytes(), frame.width(), frame.height(), frame.step(), encoding)
            .map_err(picture)
            .or_node()?;
        image.check().map_err(picture).or_node()?;
        let drift = match self.engines.live.phase() {
            "shadow" => {
                let (worst, windows) = self.vitals.worst_drift();
                self.engines.live.old_drift(worst, windows);
                self.engines.live.old_found(self.vitals.fewest_boxes().unwrap_or_default());
                None
            }
            "watch" => self.vitals.window_drift(self.engines.current()),
            _ => None,
        };
        let mut clock = || u64::try_from(monotonic_ns()).unwrap_or_default();
        let took_ms = match self.engines.detect(&image, &mut clock, drift) {
            Ok(took_ms) => took_ms,
            Err(error) => {
                self.vitals.fail();
                return Err(error).or_node();
            }
        };
        // Another model has answered: who reads what it finds is told first what it knows.
        if self.engines.live.changes() != self.changes {
            self.say_labels(ctx)?;
        }
        let found = self.engines.found();
        let age_ms = (ctx.now().0 - frame.stamp_ns()) as f64 / 1e6;
        let boxes = &mut self.boxes;
        self.detections.send_from(ctx, &mut self.stock, |message| {
            boxes.fill(message, &frame.stamp().to_msg(), frame.frame_id(), found);
        })?;
        // Nobody waits for how the image looks.
        let seen = look(&image).map_err(picture).or_node()?;
        self.vitals.saw(seen, found, age_ms, (!ctx.is_lockstep()).then_some(took_ms));
        self.vitals.close_window(self.engines.current());
        self.tell_steps(ctx)
    }

    /// Announces what became of an update since the last time.
    fn tell_steps(&mut self, ctx: &Context) -> Result {
        let changed = self.engines.live.changes() != self.changes;
        for step in self.engines.live.steps() {
            let level = if step.good { DiagnosticStatus::OK } else { DiagnosticStatus::WARN };
            if step.good {
                tracing::info!(node = ctx.node_name(), "model update: {}", step.text);
            } else {
                tracing::warn!(node = ctx.node_name(), "model update: {}", step.text);
            }
            let name = format!("{}: model update", ctx.node_name());
            self.diagnostics.send(ctx, array(ctx, level, name, step.text, Vec::new()))?;
        }
        if changed {
            self.changes = self.engines.live.changes();
            self.vitals.change_model(self.engines.current());
            self.say_what_runs(ctx)?;
            self.complain(ctx)?;
        }
        Ok(())
    }

    fn report(&mut self, ctx: &Context) -> Result {
        self.engines.live.attend();
        self.tell_steps(ctx)?;
        self.tell_rising(ctx)?;
        let machine = self.machine.as_ref().map(Machine::state).unwrap_or_default();
        self.step_ladder(ctx, &machine)?;
        let silent = self.silence(ctx, &machine);
        self.vitals.update_drift(self.engines.current());
        let around = Around {
            model: &self.engines.current().manifest().name,
            rung: self.ladder.rung().filter(|_| self.has_ladder).map(|rung| rung.name.as_str()),
            update: self.engines.live.phase(),
            machine,
            battery: self.battery.map(|(share, _)| share),
        };
        let values = self.vitals.report(&around);
        let (mut level, mut message) = (DiagnosticStatus::OK, "all is well".to_owned());
        if let Some(complaint) = self.vitals.complaint() {
            (level, message) = (DiagnosticStatus::WARN, complaint);
        } else if let Some(silent) = silent {
            (level, message) = (DiagnosticStatus::WARN, silent);
        } else if self.ladder.position() > 0 {
            let rung = around.rung.unwrap_or_default();
            (level, message) = (DiagnosticStatus::WARN, format!("runs at less than its best: {rung}"));
        }
        // The histograms are for ~/watch; people look at the rest.
        let brief = values.iter().filter(|value| !value.key.starts_with("histogram")).cloned().collect();
        let name = format!("{}: model watch", ctx.node_name());
        self.watch.send(ctx, array(ctx, level, name.clone(), message.clone(), values))?;
        self.diagnostics.send(ctx, array(ctx, level, name, message, brief))
    }

    /// Says how far a build has come, and puts the engine in place when it is there: between two frames.
    fn tell_rising(&mut self, ctx: &Context) -> Result {
        let Some(rising) = &mut self.rising else { return Ok(()) };
        let name = format!("{}: engine", ctx.node_name());
        // Where no store replaces it the model is the one that the engine was built of.
        let own = self.configured.clone();
        let fixed = self.engines.live.proven().is_none() && self.engines.live.phase() == "none";
        let (level, text) = match rising.poll(if fixed { Some(&own) } else { self.engines.live.proven() }) {
            Risen::Coming(text) => (DiagnosticStatus::OK, text),
            Risen::Here(detector, load) => {
                self.rising = None;
                let text = format!("from now on {}", detector.backend_report());
                tracing::info!(node = ctx.node_name(), "{text}");
                self.engines.live.raise(*detector, &load);
                self.engines.set_score_threshold(self.score);
                self.vitals.change_model(self.engines.current());
                self.say_what_runs(ctx)?;
                (DiagnosticStatus::OK, text)
            }
            Risen::Failed(error) => {
                self.rising = None;
                let text = format!("it stays with {}: {error}", self.engines.current().backend_report());
                tracing::error!(node = ctx.node_name(), "{text}");
                (DiagnosticStatus::ERROR, text)
            }
        };
        self.diagnostics.send(ctx, array(ctx, level, name, text, Vec::new()))
    }

    /// What the ladder is not told any more.
    fn silence(&self, ctx: &Context, machine: &MachineState) -> Option<String> {
        let zone = machine.silent.as_ref().filter(|zone| self.ladder.holds_back(zone.celsius));
        if let Some(Zone { name, celsius }) = zone.filter(|_| self.has_ladder) {
            return Some(format!(
                "the temperature of {name}, {celsius:.0} C when it was read last, is not read any more: no step up"
            ));
        }
        let (share, heard) = self.battery?;
        (ctx.now().0.saturating_sub(heard) > BATTERY_SILENT_NS).then(|| {
            format!("no charge was heard on 'battery' for long: the last one, {:.0} %, counts", 100.0 * share)
        })
    }

    fn step_ladder(&mut self, ctx: &Context, machine: &MachineState) -> Result {
        let celsius = |zone: &Option<Zone>| zone.as_ref().map(|zone| zone.celsius);
        let load = Load {
            temperature_c: celsius(&machine.zone),
            silent_c: celsius(&machine.silent),
            age_ms: self.vitals.median_age(),
            battery: self.battery.map(|(share, _)| share),
        };
        let Some(change) = self.ladder.update(ctx.now().0, &load) else { return Ok(()) };
        let Some(rung) = self.ladder.rung() else { return Ok(()) };
        let before = self.engines.current().manifest().name.clone();
        self.engines.choose(rung);
        self.vitals.forget_ages();
        let way = if change.to > change.from { "down" } else { "up" };
        let message = format!("a step {way} to rung {}, {}: {}", change.to, rung.name, change.reason);
        tracing::warn!(node = ctx.node_name(), "{message}");
        let level = if change.to > change.from { DiagnosticStatus::WARN } else { DiagnosticStatus::OK };
        let name = format!("{}: ladder", ctx.node_name());
        self.diagnostics.send(ctx, array(ctx, level, name, message, Vec::new()))?;
        if self.engines.current().manifest().name != before {
            self.vitals.change_model(self.engines.current());
            self.say_what_runs(ctx)?;
        }
        Ok(())
    }
}

fn pair(key: &str, value: &str) -> KeyValue {
    KeyValue { key: key.into(), value: value.into() }
}

fn array(ctx: &Context, level: u8, name: String, message: String, values: Vec<KeyValue>) -> DiagnosticArray {
    status(ctx.now().to_msg(), level, name, message, values)
}

export_node!(DetectorNode);
