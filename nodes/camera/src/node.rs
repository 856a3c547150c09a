//! The node `camera`: publishes `image_raw` and `camera_info` from a recording, the test pattern, a device, or another
//! topic (`image_in`, `camera_info_in`), which it passes on without a copy.

use std::path::PathBuf;

use peregrine::Period;
use peregrine::prelude::*;
use peregrine_msgs::sensor_msgs::CameraInfo;
use peregrine_msgs::std_msgs::Header;

use crate::algo::shrink::Pixels;
use crate::algo::{
    Calibration, FrameShape, FrameSink, FrameSource, Limits, Pattern, PatternOptions, PixelFormat,
    SourceOptions, YuvOutput, load_calibration, open_directory, open_image, open_path, open_video,
};
use crate::compressed::Compressed;
use crate::error::CameraError;

/// What a recording without a stated rate is played at, Hz.
const DEFAULT_RATE_HZ: f64 = 30.0;

/// The parameters of the node `camera`.
#[derive(Params, Debug, Clone)]
pub struct CameraParams {
    /// Where frames come from: auto (whatever `path` is), file, directory, video, pattern, topic or v4l.
    #[param(default = "pattern")]
    source: String,
    /// The image, directory, video or device (/dev/video0); unused for pattern and topic.
    #[param(default = "")]
    path: String,
    /// Frames per second, Hz; 0 takes the recording's own rate, or 30.
    #[param(default = 0.0, range = 0.0..=1000.0, live)]
    rate_hz: f64,
    /// Start over at the end of a recording.
    #[param(default = false, name = "loop")]
    looping: bool,
    /// At the end of a recording: shutdown (stop the whole application) or idle.
    #[param(default = "shutdown", live)]
    at_end: String,
    /// Count frames that cannot be decoded and go on; otherwise the first one stops the application.
    #[param(default = false)]
    skip_bad: bool,
    /// What .y4m video becomes: rgb (rgb8) or native (nv12 where it is 4:2:0).
    #[param(default = "rgb")]
    yuv: String,
    /// tf2 frame of the pictures: x right, y down, z forward.
    #[param(default = "camera_optical")]
    frame_id: String,
    /// Calibration as ROS camera_calibration writes it: a path or file:///path; empty publishes "uncalibrated".
    #[param(default = "")]
    camera_info_url: String,
    /// Width of the test pattern, or the one asked of a device, pixels.
    #[param(default = 640, range = 1..=16384)]
    width: u32,
    /// Height of the test pattern, or the one asked of a device, pixels.
    #[param(default = 480, range = 1..=16384)]
    height: u32,
    /// Seed of the test pattern.
    #[param(default = 0, range = 0..=i64::MAX)]
    seed: i64,
    /// Frames of the test pattern; 0 goes on for ever.
    #[param(default = 0, range = 0..=i64::MAX)]
    frames: i64,
    /// Slots for published frames, at the least.
    #[param(default = 8, range = 4..=64)]
    slots: usize,
    /// Bytes of a slot; 0 takes the largest frame that the source announces.
    #[param(default = 0)]
    slot_bytes: usize,
    /// Quality of image_raw/compressed, 1 to 100; 0 for no such topic. JPEG is made only while somebody reads it.
    #[param(default = 80, range = 0..=100, live)]
    jpeg_quality: u8,
    /// With source topic: silence of `image_in` that is warned of, seconds of the node clock.
    #[param(default = 2.0, range = 0.1..=3600.0, live)]
    stale_after_s: f64,
}

/// The camera node. See [`CameraParams`].
pub struct Camera {
    params: CameraParams,
    images: FramePublisher,
    infos: Publisher<CameraInfo>,
    calibration: Option<Calibration>,
    input: Input,
    /// Of the timer: between two frames, or two looks for a silent topic.
    period: Period,
    /// Not in lockstep.
    compressed: Option<Compressed>,
}

/// Where frames come from.
enum Input {
    Source {
        source: Box<dyn FrameSource>,
        slot_bytes: usize,
        told_bad: u64,
        ended: bool,
        retry_at: Option<Time>,
    },
    Topic {
        topic: String,
        since: Option<Time>,
        silent: bool,
    },
}

impl Node for Camera {
    const NAME: &'static str = "camera";
    type Params = CameraParams;

    fn configure(setup: &mut Setup<Self>, params: CameraParams) -> Result<Self> {
        check_end(&params)?;
        let calibration = match params.camera_info_url.as_str() {
            "" => None,
            url => Some(load_calibration(url).or_node()?),
        };
        let period = Period::new(Duration::from_secs_f64(params.stale_after_s));
        let (input, slots) = if params.source == "topic" {
            setup.subscribe_frames("image_in", FramePolicy::Latest, Self::on_frame)?;
            setup.subscribe("camera_info_in", Qos::Sensor, Self::on_info)?;
            setup.timer_every(period.clone(), Self::on_silence)?;
            let input = Input::Topic { topic: setup.resolve("image_in")?, since: None, silent: false };
            // Forwarded frames stay in the slots that they came in; ours are stand-ins without pixels.
            (input, FrameSlots { slots: params.slots, bytes: params.slot_bytes.max(64) })
        } else {
            let source = open(&params).or_node()?;
            let info = source.info();
            if let Some(calibration) = &calibration {
                check_size(&params, calibration, &info.first).or_node()?;
            }
            let rate = rate(&params, info.rate_hz);
            period.set(every(rate));
            setup.timer_every(period.clone(), Self::on_tick)?;
            let slot_bytes = if params.slot_bytes > 0 { params.slot_bytes } else { info.max_bytes };
            tracing::info!(
                node = setup.name(),
                "{}: {} x {} {} at {rate:.2} Hz{}",
                source.current().display(),
                info.first.width,
                info.first.height,
                info.first.format.as_str(),
                if calibration.is_some() { "" } else { ", uncalibrated" }
            );
            let input = Input::Source { source, slot_bytes, told_bad: 0, ended: false, retry_at: None };
            (input, FrameSlots { slots: params.slots, bytes: slot_bytes })
        };
        Ok(Self {
            images: setup.publish_frames("image_raw", slots)?,
            infos: setup.publish("camera_info", Qos::Reliable)?,
            params,
            calibration,
            input,
            period,
            compressed: Compressed::declare(setup, |camera, ctx| {
                camera.compressed.as_mut().map_or(Ok(()), |compressed| compressed.collect(ctx))
            })?,
        })
    }

    /// Between two frames, on the node's lane: no frame sees a part of it.
    fn reconfigure(&mut self, _: &Context, params: CameraParams) -> Result {
        check_end(&params)?;
        self.period.set(match &self.input {
            Input::Source { source, .. } => every(rate(&params, source.info().rate_hz)),
            Input::Topic { .. } => Duration::from_secs_f64(params.stale_after_s),
        });
        self.params = params;
        Ok(())
    }
}

/// Frames per second: the parameter's, else the recording's own.
fn rate(params: &CameraParams, own: Option<f64>) -> f64 {
    if params.rate_hz > 0.0 { params.rate_hz } else { own.unwrap_or(DEFAULT_RATE_HZ) }
}

fn every(rate_hz: f64) -> Duration {
    Duration::from_secs_f64(1.0 / rate_hz.clamp(1e-3, 1e3))
}

fn check_end(params: &CameraParams) -> Result {
    match params.at_end.as_str() {
        "shutdown" | "idle" => Ok(()),
        other => Err(bad("at_end", other, "give shutdown or idle")),
    }
}

fn bad(name: &'static str, value: &str, remedy: &str) -> Error {
    Error::node(CameraError::Parameter { name, value: value.to_owned(), remedy: remedy.to_owned() })
}

fn check_size(params: &CameraParams, calibration: &Calibration, frame: &FrameShape) -> crate::Result<()> {
    if (calibration.width, calibration.height) == (frame.width, frame.height) {
        return Ok(());
    }
    Err(CameraError::CalibrationSize {
        file: params.camera_info_url.clone(),
        calibrated: format!("{} x {}", calibration.width, calibration.height),
        frames: format!("{} x {}", frame.width, frame.height),
    })
}

fn open(params: &CameraParams) -> crate::Result<Box<dyn FrameSource>> {
    let refuse = |name, value: &str, remedy: &str| {
        Err(CameraError::Parameter { name, value: value.to_owned(), remedy: remedy.to_owned() })
    };
    let yuv = match params.yuv.as_str() {
        "rgb" => YuvOutput::Rgb,
        "native" => YuvOutput::Native,
        other => return refuse("yuv", other, "give rgb or native"),
    };
    let limits = Limits::default();
    let options = SourceOptions { looping: params.looping, skip_bad: params.skip_bad, yuv, limits };
    let path = PathBuf::from(&params.path);
    let needs_path = !matches!(params.source.as_str(), "pattern");
    if needs_path && params.path.is_empty() {
        return refuse("path", "", &format!("source `{}` reads from a path: give one", params.source));
    }
    match params.source.as_str() {
        "auto" => open_path(&path, &options),
        "file" => open_image(&path, &options),
        "directory" => open_directory(&path, &options),
        "video" => open_video(&path, &options),
        "pattern" => {
            let frames = u64::try_from(params.frames).ok().filter(|frames| *frames > 0);
            let seed = params.seed.unsigned_abs();
            let options = PatternOptions { width: params.width, height: params.height, seed, frames };
            Ok(Box::new(Pattern::new(options, &limits)?))
        }
        "v4l" => open_device(params, path, limits),
        other => refuse("source", other, "give auto, file, directory, video, pattern, topic or v4l"),
    }
}

#[cfg(feature = "v4l")]
fn open_device(
    params: &CameraParams,
    device: PathBuf,
    limits: Limits,
) -> crate::Result<Box<dyn FrameSource>> {
    let options = crate::algo::V4lOptions { device, width: params.width, height: params.height, limits };
    Ok(Box::new(crate::algo::V4lSource::open(options)?))
}

#[cfg(not(feature = "v4l"))]
fn open_device(
    params: &CameraParams,
    _device: PathBuf,
    _limits: Limits,
) -> crate::Result<Box<dyn FrameSource>> {
    let remedy = "this program was built without capture devices: build it with the feature `v4l` (`cargo build --release --features v4l`)".to_owned();
    Err(CameraError::Parameter { name: "source", value: params.source.clone(), remedy })
}

fn encoding(format: PixelFormat) -> Encoding {
    match format {
        PixelFormat::Rgb8 => Encoding::Rgb8,
        PixelFormat::Mono8 => Encoding::Mono8,
        PixelFormat::Mono16 => Encoding::Depth16,
        PixelFormat::Nv12 => Encoding::Nv12,
        PixelFormat::Yuyv => Encoding::Yuyv,
    }
}

/// Loans a slot for whatever shape the source asks for.
struct Slot<'a> {
    images: &'a mut FramePublisher,
    frame_id: &'a str,
    slot_bytes: usize,
    loan: Option<peregrine::Loan>,
    /// An error of the frame bus, which a source cannot carry.
    failure: Option<Error>,
    file: PathBuf,
}

impl FrameSink for Slot<'_> {
    fn frame(&mut self, shape: &FrameShape) -> crate::Result<Option<&mut [u8]>> {
        // A former loan holds a frame that turned out to be bad: its slot is free again.
        self.loan = None;
        let needed = shape.bytes();
        if needed > self.slot_bytes {
            return Err(CameraError::SlotTooSmall { file: self.file.clone(), needed, slot: self.slot_bytes });
        }
        let (width, height) = (shape.width, shape.height);
        let spec = ImageSpec {
            width,
            height,
            encoding: encoding(shape.format),
            step: shape.step(),
            frame_id: self.frame_id,
        };
        match self.images.loan(&spec) {
            Ok(loan) => self.loan = loan,
            Err(error) => self.failure = Some(error),
        }
        Ok(self.loan.as_mut().map(|loan| loan.bytes_mut()))
    }
}

impl Camera {
    /// Time for the next frame of a recording or device.
    fn on_tick(&mut self, ctx: &Context) -> Result {
        let now = ctx.now();
        let Input::Source { source, slot_bytes, told_bad, ended, retry_at } = &mut self.input else {
            return Ok(());
        };
        if *ended || retry_at.is_some_and(|at| now < at) {
            return Ok(());
        }
        let mut slot = Slot {
            images: &mut self.images,
            frame_id: &self.params.frame_id,
            slot_bytes: *slot_bytes,
            loan: None,
            failure: None,
            file: source.current().to_path_buf(),
        };
        let next = source.next(&mut slot);
        let (loan, failure) = (slot.loan.take(), slot.failure.take());
        if let Some(failure) = failure {
            return Err(failure);
        }
        if source.bad_frames() > *told_bad && self.params.skip_bad {
            // The first, then every doubling: a broken recording must not flood the log.
            let (bad, last) = (source.bad_frames(), source.last_bad().unwrap_or_default());
            if bad.ilog2() > told_bad.checked_ilog2().unwrap_or(0) || *told_bad == 0 {
                tracing::warn!(
                    node = ctx.node_name(),
                    "PG-0516: {bad} bad frames passed over so far; the latest: {last}"
                );
            }
            *told_bad = bad;
        }
        let image = match next {
            Ok(Some(image)) => image,
            Ok(None) => {
                *ended = true;
                if self.params.at_end == "shutdown" {
                    ctx.shutdown(format!("{} has been played to its end", source.current().display()));
                } else {
                    tracing::info!(
                        node = ctx.node_name(),
                        "{} has been played to its end",
                        source.current().display()
                    );
                }
                return Ok(());
            }
            Err(error @ CameraError::Device { .. }) => {
                if retry_at.is_none() {
                    tracing::warn!(node = ctx.node_name(), "{error}; trying again every second");
                }
                *retry_at = Some(Time(now.0.saturating_add(1_000_000_000)));
                return Ok(());
            }
            Err(error) => {
                *ended = true;
                ctx.fail(&error);
                return Ok(());
            }
        };
        if retry_at.take().is_some() {
            tracing::info!(node = ctx.node_name(), "{} is back", source.current().display());
        }
        let Some(mut loan) = loan.filter(|_| image.written) else { return Ok(()) };
        loan.set_stamp(now.0);
        if let Some(compressed) = &mut self.compressed {
            let shape = &image.shape;
            let encoding = encoding(shape.format).as_str();
            let (width, height, step) = (shape.width, shape.height, shape.step());
            let pixels = Pixels { width, height, step, encoding, bytes: loan.bytes_mut() };
            compressed.offer(ctx, &pixels, now, &self.params.frame_id, self.params.jpeg_quality);
        }
        self.images.send(ctx, loan)?;
        let info = self.info(&image.shape, now);
        self.infos.send(ctx, info)
    }

    /// The calibration, where it is of this size, with the frame's own stamp.
    fn info(&self, shape: &FrameShape, stamp: Time) -> CameraInfo {
        let header = Header { stamp: stamp.to_msg(), frame_id: self.params.frame_id.clone() };
        let fits = |found: &&Calibration| (found.width, found.height) == (shape.width, shape.height);
        let uncalibrated = Calibration::uncalibrated(shape.width, shape.height);
        let Calibration { width, height, model, d, k, r, p, .. } =
            self.calibration.as_ref().filter(fits).unwrap_or(&uncalibrated).clone();
        CameraInfo { header, height, width, distortion_model: model, d, k, r, p, ..Default::default() }
    }

    fn on_frame(&mut self, ctx: &Context, frame: &Frame) -> Result {
        if let Input::Topic { since, silent, topic } = &mut self.input {
            *since = Some(ctx.now());
            if std::mem::take(silent) {
                tracing::info!(node = ctx.node_name(), "frames come again on `{topic}`");
            }
        }
        if let Some(compressed) = &mut self.compressed {
            let (width, height, step) = (frame.width(), frame.height(), frame.step());
            let pixels =
                Pixels { width, height, step, encoding: frame.encoding().as_str(), bytes: frame.bytes() };
            compressed.offer(ctx, &pixels, frame.stamp(), frame.frame_id(), self.params.jpeg_quality);
        }
        self.images.forward(ctx, frame)?;
        let Some(calibration) = &self.calibration else { return Ok(()) };
        let header = Header { stamp: frame.stamp().to_msg(), frame_id: frame.frame_id().to_owned() };
        let shape = FrameShape { width: frame.width(), height: frame.height(), format: PixelFormat::Mono8 };
        check_size(&self.params, calibration, &shape).or_node()?;
        let info = CameraInfo { header, ..self.info(&shape, frame.stamp()) };
        self.infos.send(ctx, info)
    }

    /// The sender's own calibration is passed on, unless the parameters give another.
    fn on_info(&mut self, ctx: &Context, info: &CameraInfo) -> Result {
        if self.calibration.is_some() { Ok(()) } else { self.infos.send(ctx, info.clone()) }
    }

    fn on_silence(&mut self, ctx: &Context) -> Result {
        let now = ctx.now();
        let Input::Topic { topic, since, silent } = &mut self.input else { return Ok(()) };
        let seconds = since.map_or(self.params.stale_after_s, |since| now.seconds_since(since));
        if seconds >= self.params.stale_after_s && !*silent {
            *silent = true;
            let warning = CameraError::Stale { topic: topic.clone(), seconds };
            tracing::warn!(node = ctx.node_name(), "{warning}");
        }
        Ok(())
    }
}

export_node!(Camera);
