//! Wiring: `image_raw` -> `detections`, and what runs the network on `~/status`.

use peregrine::prelude::*;
use peregrine_models::{BackendChoice, BackendName, Detector, LoadOptions, ModelSource, Standing, Trust};
use peregrine_msgs::diagnostic_msgs::{DiagnosticArray, DiagnosticStatus, KeyValue};
use peregrine_msgs::std_msgs::Header;
use peregrine_msgs::vision_msgs::Detection2DArray;

use crate::algo::{to_message, view};
use crate::error::Error;

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

/// How often an unsigned model is complained about.
const COMPLAINT: Duration = Duration::from_secs(60);

/// Runs a detection network on the newest frame; frames that come while it works are dropped and counted.
pub struct DetectorNode {
    detector: Detector,
    detections: Publisher<Detection2DArray>,
    status: Publisher<DiagnosticArray>,
    /// Only where there is something to complain about.
    diagnostics: Option<Publisher<DiagnosticArray>>,
}

impl Node for DetectorNode {
    const NAME: &'static str = "detector";
    type Params = Config;

    fn configure(setup: &mut Setup<Self>, config: Config) -> Result<Self> {
        let options = LoadOptions {
            backend: config.backend.parse::<BackendChoice>().or_node()?,
            provider: config.provider,
            threads: config.threads,
            score_threshold: (config.min_score >= 0.0).then_some(config.min_score as f32),
            trust: if config.allow_unsigned { Trust::AllowUnsigned } else { Trust::UserRing },
            ort_library: (!config.ort_library.is_empty()).then(|| config.ort_library.into()),
            ..LoadOptions::new(ModelSource::parse(&config.model))
        };
        let detector = Detector::load(&options).or_node()?;
        tracing::info!(node = setup.name(), "detector runs {}", detector.backend_report());
        setup.subscribe_frames("image_raw", FramePolicy::Latest, Self::on_image)?;
        let mut diagnostics = None;
        if let Standing::Allowed(why) = detector.standing() {
            tracing::warn!(node = setup.name(), "the model is not signed by anybody trusted: {why}");
            diagnostics = Some(setup.publish("/diagnostics", Qos::Reliable)?);
            setup.timer(COMPLAINT, |node: &mut Self, ctx: &Context| node.complain(ctx))?;
        }
        Ok(Self {
            detector,
            diagnostics,
            detections: setup.publish("detections", Qos::Sensor)?,
            status: setup.publish("~/status", Qos::Latched)?,
        })
    }

    fn activate(&mut self, ctx: &Context) -> Result {
        let backend = match self.detector.backend() {
            BackendName::Ort => "ort",
            BackendName::Tract => "tract",
            _ => "unknown",
        };
        let pair = |key: &str, value: &str| KeyValue { key: key.into(), value: value.into() };
        let status = DiagnosticStatus {
            level: DiagnosticStatus::OK,
            name: ctx.node_name().into(),
            message: self.detector.backend_report().into(),
            hardware_id: String::new(),
            values: vec![pair("model", &self.detector.manifest().name), pair("backend", backend)],
        };
        let header = Header { stamp: ctx.now().to_msg(), frame_id: String::new() };
        self.status.send(ctx, DiagnosticArray { header, status: vec![status] })?;
        self.complain(ctx)
    }
}

impl DetectorNode {
    fn complain(&mut self, ctx: &Context) -> Result {
        let Some(diagnostics) = &self.diagnostics else { return Ok(()) };
        let status = DiagnosticStatus {
            level: DiagnosticStatus::WARN,
            name: format!("{}: model signature", ctx.node_name()),
            message: format!("{}: {}", self.detector.manifest().name, self.detector.standing().describe()),
            hardware_id: String::new(),
            values: Vec::new(),
        };
        let header = Header { stamp: ctx.now().to_msg(), frame_id: String::new() };
        diagnostics.send(ctx, DiagnosticArray { header, status: vec![status] })
    }

    fn on_image(&mut self, ctx: &Context, frame: &Frame) -> Result {
        let encoding = frame.encoding().as_str();
        let image = view(frame.bytes(), frame.width(), frame.height(), frame.step(), encoding)
            .map_err(|source| Error::Picture { topic: "image_raw", encoding, source })
            .or_node()?;
        let found = self.detector.detect(&image).or_node()?;
        let header = Header { stamp: frame.stamp().to_msg(), frame_id: frame.frame_id().to_owned() };
        self.detections.send(ctx, to_message(&header, found))
    }
}

export_node!(DetectorNode);
