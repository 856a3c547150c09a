//! Each method of calibration on made-up photos and a network small enough to reckon with: the range that each one finds is
//! the one that is written into the network, and the search takes the method that keeps most.
#![allow(clippy::unwrap_used, clippy::expect_used)] // helpers of tests; clippy sees only #[test] functions as such

mod common;

use std::path::{Path, PathBuf};

use common::network::{ints, model, node, port, tensor};
use common::ort_library;
use peregrine_models::eval::{Dataset, Item, TrueBox};
use peregrine_models::quantize::{Method, Options, Outcome, Validation, quantize};
use peregrine_models::{ModelSource, sha256};
use prost::Message;
use tract_onnx::pb::{GraphProto, ModelProto};

const SIDE: usize = 64;
const CELLS: usize = 64;

/// Contrast of each pixel (how much red there is above green and blue), `gain` times its mean over cells of 8 x 8 as the score
/// of the cell's person. The first pixel of a cell is not looked at.
fn network(gain: f32) -> Vec<u8> {
    let contrast = [0.37, -0.25, -0.12];
    let mut conv = node("Conv", &["x", "w1"], "raw");
    conv.attribute.push(ints("kernel_shape", &[1, 1]));
    let mut pool = node("Conv", &["light", "w2"], "cells");
    pool.attribute.extend([ints("kernel_shape", &[8, 8]), ints("strides", &[8, 8])]);
    let mut join = node("Concat", &["boxes", "scores"], "y");
    join.attribute.push(common::network::int("axis", 1));
    let mut boxes = vec![0.0; 4 * CELLS];
    for cell in 0..CELLS {
        let (x, y) = ((cell % 8 * 8 + 4) as f32, (cell / 8 * 8 + 4) as f32);
        for (plane, value) in [x, y, 8.0, 8.0].into_iter().enumerate() {
            boxes[plane * CELLS + cell] = value;
        }
    }
    // The network's second class is never seen.
    let mut gains: Vec<f32> = [gain / 64.0, 0.0].iter().flat_map(|gain| vec![*gain; 64]).collect();
    gains[0] = 0.0;
    let mut graph = GraphProto {
        name: "contrast".into(),
        input: vec![port("x", &[1, 3, SIDE, SIDE])],
        output: vec![port("y", &[1, 6, CELLS])],
        initializer: vec![
            tensor("w1", &[1, 3, 1, 1], &contrast),
            tensor("w2", &[2, 1, 8, 8], &gains),
            tensor("boxes", &[1, 4, CELLS], &boxes),
        ],
        node: vec![
            conv,
            node("Relu", &["raw"], "light"),
            pool,
            node("Reshape", &["cells", "flat"], "scores"),
            join,
        ],
        ..GraphProto::default()
    };
    let mut flat = tensor("flat", &[3], &[]);
    flat.data_type = 7;
    flat.raw_data = [1_i64, 2, CELLS as i64].iter().flat_map(|v| v.to_le_bytes()).collect();
    graph.initializer.push(flat);
    model(graph)
}

fn write_model(folder: &Path, gain: f32) -> PathBuf {
    let bytes = network(gain);
    std::fs::write(folder.join("net.onnx"), &bytes).unwrap();
    let manifest = format!(
        "name = \"contrast\"\nfile = \"net.onnx\"\nsha256 = \"{}\"\ntask = \"detection\"\norigin = \"made up\"\n\
         score_threshold = 0.1\nnms_iou = 0.6\nlabels = [\"person\", \"car\"]\n\
         [input]\nname = \"x\"\nwidth = {SIDE}\nheight = {SIDE}\ncolour = \"rgb\"\n\
         [decoder]\nkind = \"yolov8\"\nstrides = [8]\noutputs = [\"y\"]\n[licence]\nspdx = \"CC0-1.0\"\n",
        sha256(&bytes)
    );
    let path = folder.join("net.toml");
    std::fs::write(&path, manifest).unwrap();
    path
}

/// Seeded photos: faint colours everywhere (contrast below 2), and what `more` paints.
fn photos(folder: &Path, count: u32, more: &dyn Fn(u32, &mut image::RgbImage)) -> Vec<PathBuf> {
    std::fs::create_dir_all(folder).unwrap();
    (0..count)
        .map(|index| {
            let mut state = 0x9e37_79b9_u32.wrapping_mul(index + 1) | 1;
            let mut draw = |most: u32| {
                state ^= state << 13;
                state ^= state >> 17;
                state ^= state << 5;
                (state >> 8) % most
            };
            let mut photo = image::RgbImage::from_fn(SIDE as u32, SIDE as u32, |_, _| {
                let grey = 100 + draw(40);
                image::Rgb([grey + draw(6), grey, grey + draw(4)].map(|level| level as u8))
            });
            more(index, &mut photo);
            let path = folder.join(format!("{index:02}.png"));
            photo.save(&path).unwrap();
            path
        })
        .collect()
}

/// One pixel of each photo is as red as can be.
fn one_pixel(index: u32, photo: &mut image::RgbImage) {
    photo.put_pixel(3 + index, 5, image::Rgb([255, 0, 0]));
}

/// Contrast of a third of a level or none; in one photo one pixel that nobody looks at is as red as can be. (Some are white, so
/// that the input's range is the same by every method.)
fn faint(index: u32, photo: &mut image::RgbImage) {
    let mut state = 0x85eb_ca77_u32.wrapping_mul(index + 1) | 1;
    for pixel in photo.pixels_mut() {
        state ^= state << 13;
        state ^= state >> 17;
        state ^= state << 5;
        let grey = 100 + (state >> 8) as u8 % 40;
        let white = (state >> 16).is_multiple_of(32);
        pixel.0 = if white { [255; 3] } else { [grey, grey, grey - (state >> 24) as u8 % 2] };
    }
    if index % 10 == 3 {
        photo.put_pixel(8, 16, image::Rgb([255, 0, 0]));
    }
}

/// A quarter of one photo in four is bright red: what matters there is rare, and real.
fn one_quarter(index: u32, photo: &mut image::RgbImage) {
    if index % 4 == 3 {
        for (x, y) in (0..32).flat_map(|x| (0..32).map(move |y| (x, y))) {
            photo.put_pixel(x, y, image::Rgb([110, 104 - (x % 7) as u8, 104 - (y % 5) as u8]));
        }
    }
}

struct World {
    _folder: tempfile::TempDir,
    model: ModelSource,
    sets: Validation,
    options: Options,
    calibration: Vec<PathBuf>,
}

fn world(test: &str, gain: f32, paint: &dyn Fn(u32, &mut image::RgbImage)) -> Option<World> {
    let library = ort_library(test)?;
    let folder = tempfile::tempdir().unwrap();
    let calibration = photos(&folder.path().join("calib"), 8, paint);
    let truth = TrueBox { class: 0, bbox: [0.0, 0.0, 8.0, 8.0], relative: false, area: None, crowd: false };
    let judged = photos(&folder.path().join("val"), 14, &|index, photo| paint(index + 10, photo));
    let items = judged.into_iter().skip(8).map(|path| Item { path, boxes: vec![truth] }).collect();
    let sets = Validation::split(&Dataset { name: "made up".into(), items }).unwrap();
    let options = Options {
        calibration: calibration.clone(),
        sensitivity_photos: 8,
        // Here it matters what calibration does, not what the gate says of it.
        max_drop: 1.0,
        ort_library: Some(library),
        ..Options::default()
    };
    let model = ModelSource::Path(write_model(folder.path(), gain));
    Some(World { _folder: folder, model, sets, options, calibration })
}

impl World {
    /// The outcome by a method (`None`: the search chooses), and the lines said.
    fn quantize(&self, method: Option<Method>) -> (Outcome, Vec<String>) {
        let mut said = Vec::new();
        let options = Options { method, ..self.options.clone() };
        let outcome =
            quantize(&self.model, &self.sets, &options, &mut |line| said.push(line.to_owned())).unwrap();
        (outcome, said)
    }

    /// The largest contrast of each photo, and its percentile 99.99 by NumPy's definition.
    fn contrasts(&self) -> Vec<(f64, f64)> {
        let of = |path: &PathBuf| {
            let photo = image::open(path).unwrap().to_rgb8();
            let contrast = |p: &image::Rgb<u8>| {
                let [r, g, b] = p.0.map(f64::from);
                (0.37 * r - 0.25 * g - 0.12 * b).max(0.0)
            };
            let mut all: Vec<f64> = photo.pixels().map(contrast).collect();
            all.sort_by(f64::total_cmp);
            let place = 0.9999 * (all.len() - 1) as f64;
            let (below, share) = (place as usize, place.fract());
            (all[all.len() - 1], all[below] * (1.0 - share) + all[below + 1] * share)
        };
        self.calibration.iter().map(of).collect()
    }
}

/// The step of the values behind the first layer's Relu, as it is written into the network.
fn step(outcome: &Outcome) -> f64 {
    let network = ModelProto::decode(outcome.weights.as_slice()).unwrap();
    let graph = network.graph.unwrap();
    let scale = graph.initializer.iter().find(|t| t.name == "light__scale");
    let scale = scale.unwrap_or_else(|| {
        panic!("no step: {:?}", graph.initializer.iter().map(|t| &t.name).collect::<Vec<_>>())
    });
    f64::from(f32::from_le_bytes(scale.raw_data[..4].try_into().unwrap()))
}

#[test]
fn each_method_writes_the_range_of_its_definition() {
    let test = "each_method_writes_the_range_of_its_definition";
    let Some(world) = world(test, 0.5, &one_pixel) else { return };
    let seen = world.contrasts();
    let most = seen.iter().map(|(most, _)| *most).fold(0.0, f64::max);
    let mean_tail = seen.iter().map(|(_, tail)| tail).sum::<f64>() / seen.len() as f64;
    let near = |found: f64, expected: f64| (found / expected - 1.0).abs() < 1e-4;

    let by_minmax = step(&world.quantize(Some(Method::MinMax)).0);
    assert!(near(by_minmax, most / 255.0), "{by_minmax} for {most} / 255");
    let by_percentile = step(&world.quantize(Some(Method::Percentile)).0);
    assert!(near(by_percentile, mean_tail / 255.0), "{by_percentile} for {mean_tail} / 255");
    // The faint colours end below 2.3, the red pixel stands at 94: the divergence gives the pixel up.
    let by_entropy = step(&world.quantize(Some(Method::Entropy)).0);
    assert!((1.0..12.0).contains(&(255.0 * by_entropy)), "{by_entropy}");
    assert!(by_entropy < by_minmax && by_percentile < by_minmax && by_entropy != by_percentile);
}

/// The losses that were said, in the order of `Method::ALL`.
fn losses(said: &[String]) -> Vec<f64> {
    let of = |method: &Method| {
        let start = format!("calibration by {}: ", method.as_str());
        let line = said.iter().find_map(|line| line.strip_prefix(&start)).expect("every method is tried");
        line.split(' ').next().unwrap().parse().unwrap()
    };
    Method::ALL.iter().map(of).collect()
}

#[test]
fn the_search_takes_the_method_that_keeps_most() {
    let test = "the_search_takes_the_method_that_keeps_most";
    let mut chosen = Vec::new();
    for (gain, paint) in [(8.0, faint as fn(u32, &mut image::RgbImage)), (0.5, one_quarter)] {
        let Some(world) = world(test, gain, &paint) else { return };
        let (outcome, said) = world.quantize(None);
        let losses = losses(&said);
        println!("{:?} of {losses:?}", outcome.method);
        let least = losses.iter().copied().fold(f64::INFINITY, f64::min);
        let own = losses[Method::ALL.iter().position(|m| *m == outcome.method).unwrap()];
        assert_eq!(own, least, "{:?} of {losses:?}", outcome.method);
        // Asked for by name it comes to the same network.
        assert_eq!(step(&world.quantize(Some(outcome.method)).0), step(&outcome));
        chosen.push((outcome.method, losses));
    }
    // Single pixels are not worth the steps; what is rare and large is.
    let (method, losses) = &chosen[0];
    assert!(*method != Method::MinMax && losses[0] > 30.0 + losses[1].min(losses[2]), "{chosen:?}");
    let (method, losses) = &chosen[1];
    assert!(*method == Method::MinMax && losses[0] + 0.5 < losses[1], "{chosen:?}");
}
