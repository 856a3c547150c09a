//! Wiring: `image_raw` and `detections` -> `~/image`, hidden; counts and warnings on `/diagnostics`.

use std::collections::BTreeSet;

use peregrine::prelude::*;
use peregrine_msgs::diagnostic_msgs::{DiagnosticArray, DiagnosticStatus, KeyValue};
use peregrine_msgs::std_msgs::Header;
use peregrine_msgs::vision_msgs::{Detection2DArray, LabelInfo};

use crate::algo::{Found, Hide, Picture, Spot, Waiting, hide};
use crate::error::Error;

/// How often the node says how it fares.
const REPORT: Duration = Duration::from_secs(1);
/// Room for a picture: 4K.
const LARGEST: usize = 3840 * 2160 * 3;
const SECOND: f64 = 1e9;
/// Stamps that are further apart are of two clocks.
const ONE_CLOCK_NS: i64 = 60_000_000_000;

/// Parameters of the exporter.
#[derive(Params, Debug)]
pub struct Config {
    /// Classes of the detector that are hidden. Those that its model does not know are told.
    #[param(default = ["person", "face", "license plate"].map(str::to_owned).to_vec())]
    pub classes: Vec<String>,
    /// How people who are seen from head to foot are hidden: mosaic (a few mean colours, smoothed) or fill (grey). All else is grey.
    #[param(default = "mosaic")]
    pub hide: String,
    /// How much wider than found a box is hidden, on every side, in shares of its own.
    #[param(default = 0.2, range = 0.0..=2.0, live)]
    pub margin: f64,
    /// Somebody whom the detector misses stays hidden where he was for so long, s.
    #[param(default = 0.5, range = 0.0..=60.0)]
    pub hold_s: f64,
    /// A picture whose detections come later than this is withheld, s.
    #[param(default = 1.0, range = 0.01..=60.0)]
    pub most_age_s: f64,
    /// Most pictures per second; 0 for all.
    #[param(default = 5.0, range = 0.0..=1000.0, live)]
    pub rate: f64,
}

/// Gives pictures out in which nobody is recognised.
pub struct ExporterNode {
    classes: BTreeSet<String>,
    how: Hide,
    margin: f64,
    rate: f64,
    waiting: Waiting,
    /// Of the wanted classes, those that the detector knows; `None` until it has said so.
    known: Option<BTreeSet<String>>,
    /// When another model was announced: what was seen before may be the former's, whose classes are not known any more.
    since_ns: Option<i64>,
    last_ns: Option<i64>,
    exported: u64,
    hidden: u64,
    images: FramePublisher,
    diagnostics: Publisher<DiagnosticArray>,
}

impl Node for ExporterNode {
    const NAME: &'static str = "exporter";
    type Params = Config;

    fn configure(setup: &mut Setup<Self>, config: Config) -> Result<Self> {
        let how = match config.hide.as_str() {
            "mosaic" => Hide::Mosaic,
            "fill" => Hide::Fill,
            _ => return Err(Error::Hide { value: config.hide }).or_node(),
        };
        if config.classes.is_empty() {
            return Err(Error::NoClasses).or_node();
        }
        setup.subscribe_frames("image_raw", FramePolicy::Latest, Self::on_image)?;
        setup.subscribe("detections", Qos::Sensor, Self::on_detections)?;
        setup.subscribe("label_info", Qos::Latched, Self::on_labels)?;
        setup.timer(REPORT, Self::report)?;
        let images = setup.publish_frames("~/image", FrameSlots { slots: 4, bytes: LARGEST })?;
        setup.export("~/image")?;
        Ok(Self {
            classes: config.classes.into_iter().collect(),
            how,
            margin: config.margin,
            rate: config.rate,
            waiting: Waiting::new((config.hold_s * SECOND) as i64, (config.most_age_s * SECOND) as i64),
            known: None,
            since_ns: None,
            last_ns: None,
            exported: 0,
            hidden: 0,
            images,
            diagnostics: setup.publish("/diagnostics", Qos::Reliable)?,
        })
    }

    fn reconfigure(&mut self, _: &Context, config: Config) -> Result {
        (self.margin, self.rate) = (config.margin, config.rate);
        Ok(())
    }
}

impl ExporterNode {
    fn on_labels(&mut self, ctx: &Context, labels: &LabelInfo) -> Result {
        let names = labels.class_map.iter().map(|class| class.class_name.as_str());
        let known: BTreeSet<String> =
            names.filter(|name| self.classes.contains(*name)).map(str::to_owned).collect();
        if self.known.as_ref() != Some(&known) {
            let list = |names: &mut dyn Iterator<Item = &String>| {
                let names: Vec<&str> = names.map(String::as_str).collect();
                if names.is_empty() { "nothing".to_owned() } else { names.join(", ") }
            };
            tracing::warn!(
                node = ctx.node_name(),
                "hides {}; not known to the detector's model, and not hidden: {}",
                list(&mut known.iter()),
                list(&mut self.classes.difference(&known))
            );
            // A picture from before is nobody's to judge.
            if self.known.is_some() {
                self.waiting.drop_all();
                self.since_ns = Some(Time::from_msg(&labels.header.stamp).0);
            }
        }
        self.known = Some(known);
        Ok(())
    }

    fn on_image(&mut self, _: &Context, frame: &Frame) -> Result {
        let period_ns = if self.rate > 0.0 { (SECOND / self.rate) as i64 } else { 0 };
        let since = self.last_ns.map(|last| frame.stamp_ns() - last);
        // Backwards, as in a bag that is played again, is due too.
        if since.is_some_and(|since| (0..period_ns * 9 / 10).contains(&since)) {
            return Ok(());
        }
        let mut picture = self.waiting.blank();
        let (width, height) = (frame.width() as usize, frame.height() as usize);
        let encoding = frame.encoding().as_str();
        if !picture.read(frame.bytes(), width, height, frame.step() as usize, encoding) {
            self.waiting.done(picture);
            return Err(Error::Encoding { encoding: encoding.to_owned() }).or_node();
        }
        picture.stamp_ns = frame.stamp_ns();
        picture.frame_id.clear();
        picture.frame_id.push_str(frame.frame_id());
        self.waiting.add(picture);
        Ok(())
    }

    fn on_detections(&mut self, ctx: &Context, message: &Detection2DArray) -> Result {
        // A model that knows nothing of what is to be hidden has found nothing of it: that is no reason to export.
        if self.known.as_ref().is_none_or(BTreeSet::is_empty) {
            return Ok(());
        }
        let wanted = |class: &str| self.classes.contains(class);
        let boxes =
            message.detections.iter().filter(|d| d.results.iter().any(|r| wanted(&r.hypothesis.class_id)));
        let spot = |d: &peregrine_msgs::vision_msgs::Detection2D| {
            let middle = (d.bbox.center.position.x, d.bbox.center.position.y);
            let classes =
                d.results.iter().map(|r| r.hypothesis.class_id.as_str()).filter(|class| wanted(class));
            Spot::new(middle, (d.bbox.size_x, d.bbox.size_y), classes)
        };
        let stamp_ns = Time::from_msg(&message.header.stamp).0;
        // Stamps of a camera's own clock cannot be held against the announcement's.
        let before = |since: i64| stamp_ns < since && since - stamp_ns < ONE_CLOCK_NS && since <= ctx.now().0;
        if self.since_ns.is_some_and(before) {
            return Ok(());
        }
        let frame_id = message.header.frame_id.clone();
        let found = Found { stamp_ns, frame_id, spots: boxes.map(spot).collect() };
        let Some((mut picture, spots)) = self.waiting.take(found, ctx.now().0) else { return Ok(()) };
        let (width, height) = (picture.width, picture.height);
        for spot in &spots {
            hide(&mut picture, &spot.region(self.margin), spot.how(self.how, width, height));
        }
        self.hidden += spots.len() as u64;
        let sent = self.send(ctx, &picture);
        self.last_ns = Some(picture.stamp_ns);
        self.waiting.done(picture);
        sent
    }

    fn send(&mut self, ctx: &Context, picture: &Picture) -> Result {
        let (width, height) = (picture.width as u32, picture.height as u32);
        let spec = ImageSpec::packed(width, height, Encoding::Rgb8, &picture.frame_id);
        let Some(mut loan) = self.images.loan(&spec)? else { return Ok(()) };
        loan.bytes_mut().copy_from_slice(&picture.rgb);
        loan.set_stamp(picture.stamp_ns);
        self.images.send(ctx, loan)?;
        self.exported += 1;
        Ok(())
    }

    fn report(&mut self, ctx: &Context) -> Result {
        let (level, message) = match &self.known {
            None => (
                DiagnosticStatus::WARN,
                "nothing is exported: no detector has said what it knows (label_info)".to_owned(),
            ),
            Some(known) if known.is_empty() => (
                DiagnosticStatus::ERROR,
                "nothing is exported: the detector's model knows none of `classes`".to_owned(),
            ),
            Some(_) if self.exported == 0 && self.waiting.others() > 0 => (
                DiagnosticStatus::ERROR,
                "nothing is exported: `detections` are of another camera than `image_raw` (frame_id); mend the remaps".to_owned(),
            ),
            Some(known) => {
                let names: Vec<&str> = known.iter().map(String::as_str).collect();
                (DiagnosticStatus::OK, format!("hides {}", names.join(", ")))
            }
        };
        let value = |key: &str, value: u64| KeyValue { key: key.into(), value: value.to_string() };
        let values = vec![
            value("exported", self.exported),
            value("withheld", self.waiting.withheld()),
            value("boxes_hidden", self.hidden),
        ];
        let header = Header { stamp: ctx.now().to_msg(), frame_id: String::new() };
        let name = format!("{}: export", ctx.node_name());
        let status = DiagnosticStatus { level, name, message, hardware_id: String::new(), values };
        self.diagnostics.send(ctx, DiagnosticArray { header, status: vec![status] })
    }
}

export_node!(ExporterNode);
