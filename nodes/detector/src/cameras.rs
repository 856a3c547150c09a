//! Several cameras through one network: `CAMERA/image_raw` -> `CAMERA/detections` and `CAMERA/age_ms`, one inference for
//! the newest frame of each. A frame that is overtaken by the next of its camera before its turn is dropped and counted.

use peregrine::Stock;
use peregrine::prelude::*;
use peregrine::time::monotonic_ns;
use peregrine_models::watch::{Drift, Look, Recent, Watch, look};
use peregrine_models::{BatchDetector, ImageRef, LoadOptions, PixelFormat, Standing};
use peregrine_msgs::diagnostic_msgs::{DiagnosticArray, DiagnosticStatus, KeyValue};
use peregrine_msgs::std_msgs::Float64;
use peregrine_msgs::vision_msgs::{Detection2DArray, LabelInfo};

use crate::algo::{
    Boxes, MEMORY, Waiting, against_reference, counted, drifted, drifts, histograms, label_info, status, view,
};
use crate::config::Told;
use crate::error::Error;

/// How often the node says how it fares, and complains about an unsigned model.
const REPORT: Duration = Duration::from_secs(1);
/// Reports between two complaints about an unsigned model.
const COMPLAINT: u64 = 60;
/// Most cameras of one node.
const MOST: usize = 16;
/// Ages that the quantiles are of.
const RECENT: usize = 256;

/// Parameters of the detector of several cameras.
#[derive(Params, Debug)]
pub struct CamerasConfig {
    /// The cameras' names, 1 to 16: `front` is read from `front/image_raw` and answered on `front/detections`.
    #[param(default = Vec::<String>::new())]
    pub cameras: Vec<String>,
    /// The longest that a frame waits for those of other cameras, ms.
    #[param(default = 15.0, range = 1.0..=1000.0)]
    pub wait_ms: f64,
    /// The model: an embedded name, a manifest (.toml), or a network of a known family (.onnx). Its `max_batch` says how many
    /// images it takes at once; more cameras than that are answered in turns.
    #[param(default = "nanodet_g")]
    pub model: String,
    /// What runs it: auto (ONNX Runtime when a library is found, else tract), ort or tract.
    #[param(default = "auto")]
    pub backend: String,
    /// Execution provider of ONNX Runtime: cpu, cuda, tensorrt... One that is not there is an error.
    #[param(default = "cpu")]
    pub provider: String,
    /// Threads of one inference. One repeats bit for bit.
    #[param(default = 1, range = 1..=64)]
    pub threads: usize,
    /// Lowest score that is published, 0 to 1; negative takes the manifest's own.
    #[param(default = -1.0, range = -1.0..=1.0)]
    pub min_score: f64,
    /// The ONNX Runtime library; empty searches for it.
    #[param(default = "")]
    pub ort_library: String,
    /// Load a model that nobody trusted has signed. /diagnostics says so every minute.
    #[param(default = false)]
    pub allow_unsigned: bool,
}

impl CamerasConfig {
    fn load(&self) -> peregrine_models::Result<LoadOptions> {
        Told {
            model: &self.model,
            backend: &self.backend,
            provider: &self.provider,
            precision: "native",
            threads: self.threads,
            min_score: self.min_score,
            ort_library: &self.ort_library,
            allow_unsigned: self.allow_unsigned,
        }
        .load()
    }
}

/// What belongs to one camera.
struct Camera {
    name: String,
    /// The frame that waits for its turn.
    frame: Option<Frame>,
    detections: Publisher<Detection2DArray>,
    boxes_stock: Stock<Detection2DArray>,
    age: Publisher<Float64>,
    age_stock: Stock<Float64>,
    results: u64,
    failures: u64,
    ages: Recent,
    look: Look,
    watch: Watch,
    /// Against the manifest's reference, when the last report was made.
    drift: Drift,
}

/// Runs one detection network on the newest frames of several cameras.
pub struct CamerasNode {
    detector: BatchDetector,
    boxes: Boxes,
    cameras: Vec<Camera>,
    waiting: Waiting,
    reports: u64,
    /// Inferences, and images in them.
    runs: [u64; 2],
    inference_ms: Recent,
    watch: Publisher<DiagnosticArray>,
    diagnostics: Publisher<DiagnosticArray>,
    labels: Publisher<LabelInfo>,
}

impl Node for CamerasNode {
    const NAME: &'static str = "detector_cameras";
    type Params = CamerasConfig;

    fn configure(setup: &mut Setup<Self>, config: CamerasConfig) -> Result<Self> {
        let count = config.cameras.len();
        let twice = config.cameras.iter().enumerate().find(|(i, name)| config.cameras[..*i].contains(name));
        if !(1..=MOST).contains(&count) || twice.is_some() || config.cameras.iter().any(String::is_empty) {
            return Err(Error::Cameras { given: config.cameras.join(", "), most: MOST }).or_node();
        }
        let detector = BatchDetector::load(&config.load().or_node()?, count).or_node()?;
        tracing::info!(node = setup.name(), "detector runs {}", detector.backend_report());
        if detector.capacity() < count {
            let (model, most) = (&detector.manifest().name, detector.capacity());
            tracing::warn!(
                node = setup.name(),
                "{count} cameras are answered in turns: {model} takes {most} images at once"
            );
        }
        if let Standing::Allowed(why) = detector.standing() {
            tracing::warn!(node = setup.name(), "the model is not signed by anybody trusted: {why}");
        }
        let mut cameras = Vec::with_capacity(count);
        for (index, name) in config.cameras.iter().enumerate() {
            let topic = format!("{name}/image_raw");
            let on_image =
                move |node: &mut Self, ctx: &Context, frame: &Frame| node.on_image(ctx, index, frame);
            setup.subscribe_frames(&topic, FramePolicy::Latest, on_image)?;
            cameras.push(Camera {
                name: name.clone(),
                frame: None,
                detections: setup.publish(&format!("{name}/detections"), Qos::Sensor)?,
                boxes_stock: Stock::default(),
                age: setup.publish(&format!("{name}/age_ms"), Qos::Sensor)?,
                age_stock: Stock::default(),
                results: 0,
                failures: 0,
                ages: Recent::new(RECENT),
                look: Look::default(),
                watch: counted(detector.labels().len(), detector.manifest(), MEMORY),
                drift: Drift::default(),
            });
        }
        let wait = Duration::from_secs_f64(config.wait_ms / 1e3);
        setup.timer(wait, Self::on_wait)?;
        setup.timer(REPORT, Self::report)?;
        Ok(Self {
            waiting: Waiting::new(
                count,
                detector.capacity(),
                i64::try_from(wait.as_nanos()).unwrap_or(i64::MAX),
            ),
            detector,
            boxes: Boxes::default(),
            cameras,
            reports: 0,
            runs: [0; 2],
            inference_ms: Recent::new(RECENT),
            watch: setup.publish("~/watch", Qos::Reliable)?,
            diagnostics: setup.publish("/diagnostics", Qos::Reliable)?,
            labels: setup.publish("label_info", Qos::Latched)?,
        })
    }

    fn activate(&mut self, ctx: &Context) -> Result {
        let (labels, threshold) = (self.detector.labels(), self.detector.score_threshold());
        self.labels.send(ctx, label_info(ctx.now().to_msg(), labels, threshold))
    }
}

impl CamerasNode {
    fn on_image(&mut self, ctx: &Context, camera: usize, frame: &Frame) -> Result {
        // What no network reads must not spoil the others' turn.
        if let Err(source) = picture(frame).and_then(|image| image.check()) {
            self.cameras[camera].failures += 1;
            let encoding = frame.encoding().as_str();
            return Err(Error::Picture { topic: "image_raw", encoding, source }).or_node();
        }
        let due = self.waiting.add(camera, ctx.now().0);
        self.cameras[camera].frame = Some(frame.clone());
        if due { self.run(ctx) } else { Ok(()) }
    }

    fn on_wait(&mut self, ctx: &Context) -> Result {
        while self.waiting.is_due(ctx.now().0) {
            self.run(ctx)?;
        }
        Ok(())
    }

    /// One inference for those whose turn it is.
    fn run(&mut self, ctx: &Context) -> Result {
        let blank = ImageRef { data: &[], width: 0, height: 0, step: 0, pixel: PixelFormat::Mono8 };
        let (mut images, mut whose, mut count) = ([blank; MOST], [0; MOST], 0);
        let Self { waiting, cameras, detector, boxes, inference_ms, runs, .. } = self;
        for camera in waiting.take() {
            let Some(frame) = &cameras[camera].frame else { continue };
            if let Ok(image) = picture(frame) {
                (images[count], whose[count]) = (image, camera);
                count += 1;
            }
        }
        let mut clock = || u64::try_from(monotonic_ns()).unwrap_or_default();
        let answered = detector.detect(&images[..count], &mut clock);
        match &answered {
            Ok(times) => inference_ms.add(times.inference_ns as f64 / 1e6),
            Err(_) => whose[..count].iter().for_each(|camera| cameras[*camera].failures += 1),
        }
        answered.or_node()?;
        *runs = [runs[0] + 1, runs[1] + count as u64];
        for (place, camera) in whose[..count].iter().enumerate() {
            let camera = &mut cameras[*camera];
            let Some(frame) = camera.frame.take() else { continue };
            let age_ms = (ctx.now().0 - frame.stamp_ns()) as f64 / 1e6;
            camera.results += 1;
            camera.ages.add(age_ms);
            camera.detections.send_from(ctx, &mut camera.boxes_stock, |message| {
                boxes.fill(message, &frame.stamp().to_msg(), frame.frame_id(), detector.found(place));
            })?;
            camera.age.send_from(ctx, &mut camera.age_stock, |message| message.data = age_ms)?;
            // Nobody waits for how the image looks. Whether it can be read was seen when it came.
            if let Ok(seen) = picture(&frame).and_then(|image| look(&image)) {
                camera.look = seen;
                camera.watch.image(seen.brightness, seen.sharpness);
                camera.watch.saw(detector.found(place));
            }
        }
        Ok(())
    }

    fn report(&mut self, ctx: &Context) -> Result {
        let mut values = Vec::new();
        let mut say = |key: String, value: String| values.push(KeyValue { key, value });
        say("model".into(), self.detector.manifest().name.clone());
        say("inferences".into(), self.runs[0].to_string());
        say(
            "images per inference".into(),
            format!("{:.2}", self.runs[1] as f64 / self.runs[0].max(1) as f64),
        );
        // In lockstep nothing may depend on the machine.
        if let (false, Some([p50, p99])) = (ctx.is_lockstep(), self.inference_ms.quantiles([0.5, 0.99])) {
            say("inference_p50_ms".into(), format!("{p50:.2}"));
            say("inference_p99_ms".into(), format!("{p99:.2}"));
        }
        for (index, camera) in self.cameras.iter_mut().enumerate() {
            let name = &camera.name;
            say(format!("{name}: results"), camera.results.to_string());
            say(format!("{name}: overtaken"), self.waiting.overtaken(index).to_string());
            say(format!("{name}: failures"), camera.failures.to_string());
            if let Some([p50, p99]) = camera.ages.quantiles([0.5, 0.99]) {
                say(format!("{name}: age_p50_ms"), format!("{p50:.2}"));
                say(format!("{name}: age_p99_ms"), format!("{p99:.2}"));
            }
            if camera.results > 0 {
                say(format!("{name}: brightness"), format!("{:.1}", camera.look.brightness));
                say(format!("{name}: sharpness"), format!("{:.1}", camera.look.sharpness));
            }
            let (manifest, threshold) = (self.detector.manifest(), self.detector.score_threshold());
            camera.drift = against_reference(&camera.watch, manifest, threshold);
            for (what, psi) in drifts(&camera.drift) {
                psi.into_iter().for_each(|psi| say(format!("{name}: drift_{what}_psi"), format!("{psi:.3}")));
            }
            for (what, shares) in histograms(&camera.watch) {
                say(format!("{name}: histogram_{what}"), shares);
            }
        }
        let (mut level, mut message) = (DiagnosticStatus::OK, "all is well".to_owned());
        if let Some(camera) = self.cameras.iter().find(|camera| camera.failures > 0) {
            (level, message) =
                (DiagnosticStatus::WARN, format!("camera {}: {} failures", camera.name, camera.failures));
        } else if *self.detector.standing() != Standing::Embedded {
            // The reference of an embedded model is of photos that no robot sees.
            let mut far = self.cameras.iter().filter_map(|c| Some((&c.name, drifted(&c.drift)?)));
            if let Some((name, what)) = far.next() {
                (level, message) = (DiagnosticStatus::WARN, format!("camera {name}: {what}"));
            }
        }
        // The histograms are for ~/watch; people look at the rest.
        let brief = values.iter().filter(|value| !value.key.contains(": histogram")).cloned().collect();
        let name = format!("{}: model watch", ctx.node_name());
        self.watch.send(ctx, array(ctx, level, name.clone(), message.clone(), values))?;
        self.diagnostics.send(ctx, array(ctx, level, name, message, brief))?;
        self.reports += 1;
        if self.reports % COMPLAINT == 1 && matches!(self.detector.standing(), Standing::Allowed(_)) {
            let name = format!("{}: model signature", ctx.node_name());
            let message =
                format!("{}: {}", self.detector.manifest().name, self.detector.standing().describe());
            self.diagnostics.send(ctx, array(ctx, DiagnosticStatus::WARN, name, message, Vec::new()))?;
        }
        Ok(())
    }
}

/// A frame as the network reads it.
fn picture(frame: &Frame) -> peregrine_models::Result<ImageRef<'_>> {
    view(frame.bytes(), frame.width(), frame.height(), frame.step(), frame.encoding().as_str())
}

fn array(ctx: &Context, level: u8, name: String, message: String, values: Vec<KeyValue>) -> DiagnosticArray {
    status(ctx.now().to_msg(), level, name, message, values)
}

export_node!(CamerasNode);
