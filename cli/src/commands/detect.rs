//! `peregrine detect PHOTO...`: labelled boxes for photos, directories and videos.

use std::path::{Path, PathBuf};

use image::RgbImage;
use peregrine_camera::algo::{Buffer, ImageInfo, PixelFormat, SourceOptions, open_path};
use peregrine_models::{BackendName, Detection, Detector, LoadOptions, ModelSource, Trust};
use serde_json::json;

use crate::args::Detect;
use crate::draw::{BoxLabel, draw_boxes, name_colour, save};
use crate::error::{Error, Result};

pub fn run(args: &Detect) -> Result {
    let mut detector = Detector::load(&LoadOptions {
        backend: args.backend.parse()?,
        provider: args.provider.clone().unwrap_or_else(|| "cpu".to_owned()),
        threads: args.threads,
        score_threshold: args.score,
        trust: if args.allow_unsigned { Trust::AllowUnsigned } else { Trust::UserRing },
        ..LoadOptions::new(ModelSource::parse(&args.model))
    })?;
    eprintln!("{}", detector.backend_report());
    let mut shown = Shown { args, images: Vec::new(), drawn: Vec::new() };
    let mut first_error = None;
    for input in &args.inputs {
        // One bad photo does not keep the others from being looked at; it still fails the command.
        if let Err(error) = detect_all(input, &mut detector, &mut shown) {
            if first_error.is_some() {
                eprintln!("error: {error}");
            } else {
                first_error = Some(error);
            }
        }
    }
    if args.json {
        println!("{:#}", serde_json::Value::Array(shown.images));
    }
    for file in &shown.drawn {
        eprintln!("drew {}", file.display());
    }
    first_error.map_or(Ok(()), Err)
}

struct Shown<'a> {
    args: &'a Detect,
    images: Vec<serde_json::Value>,
    drawn: Vec<PathBuf>,
}

fn detect_all(input: &Path, detector: &mut Detector, shown: &mut Shown<'_>) -> Result {
    let mut source = open_path(input, &SourceOptions::default())?;
    let single = source.info().frames == Some(1) && !input.is_dir();
    let mut buffer = Buffer::default();
    let mut failed = None;
    let mut frames = 0_u64;
    loop {
        let info = match source.next(&mut buffer) {
            Ok(Some(info)) => info,
            Ok(None) => break,
            Err(error) if input.is_dir() && frames < 1_000_000 => {
                // The other photos of a directory are still worth seeing.
                eprintln!("error: {error}");
                failed = Some(error);
                frames += 1;
                continue;
            }
            Err(error) => return Err(error.into()),
        };
        frames += 1;
        let file = source.current().to_path_buf();
        let is_video = !single && !input.is_dir();
        let name =
            if is_video { format!("{}#{}", file.display(), info.index) } else { file.display().to_string() };
        let Some(picture) = rgb(&buffer.bytes, &info) else {
            eprintln!("error: '{name}' is {}, which holds no colours to look at", info.shape.format.as_str());
            continue;
        };
        let found = detector.detect(&peregrine_models::ImageRef::packed(
            picture.as_raw(),
            picture.width() as usize,
            picture.height() as usize,
            peregrine_models::PixelFormat::Rgb8,
        ))?;
        let found = found.to_vec();
        shown.show(&name, &picture, &found, detector);
        if let Some(out) = &shown.args.draw {
            let many = shown.args.inputs.len() > 1 || !single;
            let target =
                if many { drawing_name(out, &file, is_video.then_some(info.index))? } else { out.clone() };
            draw(&picture, &found, &target)?;
            shown.drawn.push(target);
        }
    }
    failed.map_or(Ok(()), |error| Err(error.into()))
}

/// As `--backend` takes it.
pub fn backend_name(backend: BackendName) -> &'static str {
    match backend {
        BackendName::Ort => "ort",
        BackendName::Tract => "tract",
        _ => "unknown",
    }
}

/// The frame as RGB; `None` for what is no picture (depth).
fn rgb(bytes: &[u8], info: &ImageInfo) -> Option<RgbImage> {
    let (width, height) = (info.shape.width, info.shape.height);
    match info.shape.format {
        PixelFormat::Rgb8 => RgbImage::from_raw(width, height, bytes.to_vec()),
        PixelFormat::Mono8 => RgbImage::from_raw(width, height, bytes.iter().flat_map(|g| [*g; 3]).collect()),
        _ => None,
    }
}

impl Shown<'_> {
    fn show(&mut self, name: &str, picture: &RgbImage, found: &[Detection], detector: &Detector) {
        if self.args.json {
            let boxes: Vec<_> = found
                .iter()
                .map(|d| {
                    json!({"label": &*d.label, "class_id": d.label_index, "score": d.score,
                        "x": d.x, "y": d.y, "width": d.width, "height": d.height})
                })
                .collect();
            self.images.push(json!({"image": name, "width": picture.width(), "height": picture.height(),
                "model": detector.manifest().name, "backend": backend_name(detector.backend()), "boxes": boxes}));
            return;
        }
        println!("{name}: {} of {}x{} pixels", plural(found.len()), picture.width(), picture.height());
        for d in found {
            println!(
                "  {:<16} {:.2}  x {:.0}  y {:.0}  width {:.0}  height {:.0}",
                &*d.label, d.score, d.x, d.y, d.width, d.height
            );
        }
    }
}

fn plural(count: usize) -> String {
    if count == 1 { "1 object".into() } else { format!("{count} objects") }
}

/// A file in the directory `out` for a picture: `street.jpg` becomes `out/street.png`, a video's frame 7
/// `out/street_000007.png`.
fn drawing_name(out: &Path, file: &Path, frame: Option<u64>) -> Result<PathBuf> {
    std::fs::create_dir_all(out).map_err(Error::file("create", out))?;
    let stem = file.file_stem().map_or_else(|| "picture".into(), |s| s.to_string_lossy().into_owned());
    Ok(out.join(frame.map_or_else(|| format!("{stem}.png"), |n| format!("{stem}_{n:06}.png"))))
}

fn draw(picture: &RgbImage, found: &[Detection], target: &Path) -> Result {
    let mut canvas = picture.clone();
    let boxes: Vec<BoxLabel> = found
        .iter()
        .map(|d| BoxLabel {
            x: d.x,
            y: d.y,
            width: d.width,
            height: d.height,
            text: format!("{} {:.2}", d.label, d.score),
            colour: name_colour(&d.label),
        })
        .collect();
    draw_boxes(&mut canvas, &boxes);
    save(&canvas, target)?;
    Ok(())
}
