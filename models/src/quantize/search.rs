//! The search: how sensitive each layer is, and how many of the most sensitive ones must stay in fp32.

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::Arc;
use std::time::Instant;

use ort::session::Session;
use ort::session::builder::GraphOptimizationLevel;

use super::Options;
use super::blocks::{self, Block};
use super::gate::{Candidate, Measurement, Outcome};
use super::graph::Network;
use super::ranges::{Calibration, Method, calibrate};
use super::rewrite::{Ranges, rewrite};
use super::sets::Validation;
use crate::eval::{
    Dataset, Photo, PhotoResult, SCORE_THRESHOLD, Scores, Truth, agreement, drop_interval, evaluate, iou,
    score,
};
use crate::manifest::{BackendName, Element, Measured};
use crate::model::{Model, ModelSource, sha256};
use crate::{BackendChoice, Detection, Detector, Error, InputMut, LoadOptions, Preprocessor, Result};

/// A hundredth of average precision is worth a tenth of the time.
const TIME_PER_AP: f64 = 10.0;
/// Boxes below this score do not count as seen.
const SEEN: f64 = 0.3;

/// Labelled photos. Those that fit into [`MOST_BYTES`] are held decoded, the rest are read again for each candidate: sixty-four of
/// twelve megapixels would take more than 2 GB.
struct Photos {
    photos: Vec<Held>,
    truths: Vec<Vec<Truth>>,
}

/// Decoded photos held in memory, bytes.
const MOST_BYTES: usize = 512 << 20;

enum Held {
    Memory(Photo),
    Disk(std::path::PathBuf),
}

struct Search<'a> {
    model: Model,
    network: Network,
    blocks: Vec<Block>,
    calibration: Calibration,
    options: &'a Options,
    /// For sensitivities: a few photos, and what the fp32 network finds on them.
    probes: Vec<Photo>,
    expected: Vec<Vec<Detection>>,
}

/// Quantizes a network and measures what it came to. `say` gets a line about each stage.
///
/// # Errors
/// `PG-0480` for networks that cannot be quantized, `PG-0420` to `PG-0425` without a usable ONNX Runtime, dataset errors, of
/// them `PG-0470` for a photo of the verdict that was seen before.
pub fn quantize(
    source: &ModelSource,
    sets: &Validation,
    options: &Options,
    say: &mut dyn FnMut(&str),
) -> Result<Outcome> {
    let (environment, _) = crate::backend::ort_environment(options.ort_library.as_deref())?;
    let model = Model::read(source, BackendName::Ort)?;
    let refuse = |detail: &str| Error::Quantize { model: model.origin.clone(), detail: detail.to_owned() };
    if model.manifest.input.element == Element::U8 {
        return Err(refuse("its input is of bytes; give the fp32 network it was made from"));
    }
    let network = Network::parse(&simplified(&environment, &model)?, &model.origin)?;
    if network
        .graph
        .node
        .iter()
        .any(|node| node.op_type == "QuantizeLinear" || node.op_type == "DequantizeLinear")
    {
        return Err(refuse("it is quantized already; give the fp32 network it was made from"));
    }
    let blocks = blocks::find(&network);
    if blocks.is_empty() {
        return Err(refuse("it has no layer with constant weights (Conv, MatMul, Gemm)"));
    }
    let paths = spread(&options.calibration, options.calibration_photos);
    if paths.is_empty() {
        return Err(refuse("there are no photos to calibrate with"));
    }
    sets.check(&paths)?;
    say(&format!("{} layers with weights; calibrating on {} photos", blocks.len(), paths.len()));
    let calibration = see(&environment, &model, &network, &blocks, &paths, options)?;
    let probes = spread(&options.calibration, options.sensitivity_photos.max(1));
    let probes: Vec<Photo> = probes.iter().map(|path| Photo::read(path)).collect::<Result<_>>()?;
    let mut fp32 = load(&model, options)?;
    let expected = look(&mut fp32, &probes)?;
    let search = Search { model, network, blocks, calibration, options, probes, expected };
    let set = Photos::open(&sets.search.thinned(options.search_photos), MOST_BYTES)?;
    let baseline = set.measure(&mut fp32)?;
    let (method, ranges) = search.choose_method(say)?;
    let sensitivity = search.sensitivities(&ranges, say)?;
    let order: Vec<usize> = sensitivity.iter().map(|(index, _)| *index).collect();
    let (candidates, ranking) = search.ladder(&order, &ranges, &set, &baseline, say)?;
    let named = |index: usize| search.blocks[index].name.clone();
    let sensitivity = sensitivity.iter().map(|(index, loss)| (named(*index), *loss)).collect();
    // The verdict: both networks over photos that have not ranked them, the best candidate first.
    let val = &sets.held_out;
    say(&format!("verdict on {} photos that were held out", val.items.len()));
    let (before, before_photos) = judge(&search.model, val, options)?;
    let mut last = None;
    for (index, kept) in ranking.into_iter().enumerate() {
        let weights = search.build(&order[..kept], &ranges)?;
        let model = search.with_weights(weights);
        let (after, photos) = judge(&model, val, options)?;
        let outcome = Outcome {
            manifest: search.manifest(&model, &after, val),
            weights: model.weights.into_owned(),
            agreement: agreement(&before_photos, &photos, SEEN),
            before: before.clone(),
            after,
            method,
            layers: search.blocks.len(),
            kept: order[..kept].iter().map(|index| named(*index)).collect(),
            sensitivity: Vec::clone(&sensitivity),
            candidates: candidates.clone(),
            photos: val.items.len(),
            judged: index + 1,
            interval: drop_interval(search.model.labels.len(), &before_photos, &photos),
            max_drop: options.max_drop,
        };
        let holds = outcome.holds();
        last = Some(outcome);
        if holds {
            break;
        }
    }
    last.ok_or_else(|| Error::Quantize {
        model: search.model.origin.clone(),
        detail: "no candidate was built".into(),
    })
}

/// The network after ONNX Runtime's basic rewrites (constants folded, batch norms melted into convolutions); itself when
/// the library cannot write it in standard operators.
fn simplified(environment: &ort::environment::Environment, model: &Model) -> Result<Vec<u8>> {
    let path = std::env::temp_dir().join(format!(
        "peregrine-{}-{}.onnx",
        std::process::id(),
        &sha256(&model.weights)[..12]
    ));
    let written = (|| -> Option<Vec<u8>> {
        let builder = Session::builder(environment).ok()?;
        let builder = builder.with_optimization_level(GraphOptimizationLevel::Level1).ok()?;
        let mut builder = builder.with_optimized_model_path(&path).ok()?;
        drop(builder.commit_from_memory(&model.weights).ok()?);
        std::fs::read(&path).ok()
    })();
    let _ = std::fs::remove_file(&path);
    let standard = |bytes: &Vec<u8>| {
        Network::parse(bytes, "").is_ok_and(|n| n.graph.node.iter().all(|node| node.domain.is_empty()))
    };
    Ok(written.filter(standard).unwrap_or_else(|| model.weights.to_vec()))
}

/// At most `limit` of them, evenly.
fn spread<T: Clone>(all: &[T], limit: usize) -> Vec<T> {
    let take = limit.min(all.len());
    (0..take).map(|i| all[i * all.len() / take].clone()).collect()
}

fn see(
    environment: &ort::environment::Environment,
    model: &Model,
    network: &Network,
    all: &[Block],
    paths: &[std::path::PathBuf],
    options: &Options,
) -> Result<Calibration> {
    let nodes = blocks::nodes_of(network, all.iter());
    let constants = network.constants();
    let values: BTreeSet<String> = nodes
        .iter()
        .flat_map(|index| {
            let node = &network.graph.node[*index];
            node.input.iter().chain(&node.output)
        })
        .filter(|name| !name.is_empty() && !constants.contains_key(name.as_str()))
        .cloned()
        .collect();
    let input = &model.manifest.input;
    let mut preprocessor = Preprocessor::new(input);
    let length = model.manifest.input_len();
    let mut tensor_of = |path: &Path| -> Result<Vec<f32>> {
        let mut tensor = vec![0f32; length];
        preprocessor.run(&Photo::read(path)?.view(), InputMut::F32(&mut tensor))?;
        Ok(tensor)
    };
    let shape = model.manifest.input_shape();
    calibrate(
        environment,
        network,
        &values,
        (&input.name, shape),
        options.threads,
        &mut paths.iter().map(|path| tensor_of(path)),
        &|detail| Error::Backend {
            backend: "ONNX Runtime",
            action: "calibrate",
            model: model.origin.clone(),
            detail,
        },
    )
}

fn load(model: &Model, options: &Options) -> Result<Detector> {
    let load = LoadOptions {
        backend: BackendChoice::Ort,
        threads: options.threads,
        score_threshold: Some(SCORE_THRESHOLD),
        ort_library: options.ort_library.clone(),
        ..LoadOptions::default()
    };
    Detector::with_model(model.clone(), &load)
}

fn look(detector: &mut Detector, photos: &[Photo]) -> Result<Vec<Vec<Detection>>> {
    photos.iter().map(|photo| detector.detect(&photo.view()).map(<[Detection]>::to_vec)).collect()
}

/// How much of what the first network finds the second one does not, 0 to 1: each box counts by its score, times how well
/// its best twin fits in place and score. The same the other way round, so that inventions count as well.
fn infidelity(expected: &[Vec<Detection>], found: &[Vec<Detection>]) -> f64 {
    let bbox = |d: &Detection| [d.x, d.y, d.width, d.height].map(f64::from);
    let (mut total, mut kept) = (0.0, 0.0);
    for (a, b) in expected.iter().zip(found) {
        for (one, other) in [(a, b), (b, a)] {
            for d in one.iter().filter(|d| d.score > 0.1) {
                let score = f64::from(d.score);
                let fit = |o: &Detection| {
                    let ratio = (o.score / d.score).min(d.score / o.score);
                    iou(&bbox(o), &bbox(d)) * f64::from(ratio)
                };
                let twins = other.iter().filter(|o| o.label_index == d.label_index);
                total += score;
                kept += score * twins.map(fit).fold(0.0, f64::max);
            }
        }
    }
    if total > 0.0 { 1.0 - kept / total } else { 0.0 }
}

impl Search<'_> {
    /// The network with every block in int8 but those of `fp32`.
    fn build(&self, fp32: &[usize], ranges: &Ranges) -> Result<Vec<u8>> {
        let chosen =
            self.blocks.iter().enumerate().filter(|(index, _)| !fp32.contains(index)).map(|(_, b)| b);
        self.write(chosen, ranges)
    }

    fn write<'b>(&'b self, chosen: impl Iterator<Item = &'b Block>, ranges: &Ranges) -> Result<Vec<u8>> {
        let set = blocks::nodes_of(&self.network, chosen);
        let network = rewrite(&self.network, &set, ranges, self.options.seven_bits)
            .map_err(|detail| Error::Quantize { model: self.model.origin.clone(), detail })?;
        Ok(network.bytes())
    }

    fn with_weights(&self, weights: Vec<u8>) -> Model {
        let mut manifest = (*self.model.manifest).clone();
        manifest.sha256 = sha256(&weights);
        // Those were the fp32 network's.
        manifest.golden = None;
        Model {
            manifest: Arc::new(manifest),
            weights: weights.into(),
            stored_int8: false,
            ..self.model.clone()
        }
    }

    /// Infidelity of a network on the probes.
    fn loss(&self, weights: Vec<u8>) -> Result<f64> {
        let mut detector = load(&self.with_weights(weights), self.options)?;
        Ok(infidelity(&self.expected, &look(&mut detector, &self.probes)?))
    }

    /// The method of calibration that keeps most when everything but the predictions is in int8.
    fn choose_method(&self, say: &mut dyn FnMut(&str)) -> Result<(Method, Ranges)> {
        if let Some(method) = self.options.method {
            return Ok((method, self.calibration.ranges(method)));
        }
        let predictions: Vec<usize> = self.predictions().collect();
        let mut best: Option<(f64, Method, Ranges)> = None;
        for method in Method::ALL {
            let ranges = self.calibration.ranges(method);
            let loss = self.loss(self.build(&predictions, &ranges)?)?;
            say(&format!(
                "calibration by {}: {:.1} % of the boxes' weight lost",
                method.as_str(),
                100.0 * loss
            ));
            if best.as_ref().is_none_or(|(least, ..)| loss < *least) {
                best = Some((loss, method, ranges));
            }
        }
        best.map(|(_, method, ranges)| (method, ranges)).ok_or_else(|| Error::Quantize {
            model: self.model.origin.clone(),
            detail: "no method of calibration worked".into(),
        })
    }

    fn predictions(&self) -> impl Iterator<Item = usize> + '_ {
        self.blocks.iter().enumerate().filter(|(_, block)| block.prediction).map(|(index, _)| index)
    }

    /// Every block with the loss when it alone is in int8: predictions first (their output is the result itself), then
    /// the most sensitive.
    fn sensitivities(&self, ranges: &Ranges, say: &mut dyn FnMut(&str)) -> Result<Vec<(usize, f64)>> {
        let mut list = Vec::with_capacity(self.blocks.len());
        for (index, block) in self.blocks.iter().enumerate() {
            list.push((index, self.loss(self.write(std::iter::once(block), ranges)?)?));
            if (index + 1) % 16 == 0 {
                say(&format!("sensitivity of {} of {} layers", index + 1, self.blocks.len()));
            }
        }
        let rank = |index: usize| !self.blocks[index].prediction;
        list.sort_by(|a, b| rank(a.0).cmp(&rank(b.0)).then(b.1.total_cmp(&a.1)));
        Ok(list)
    }

    /// Measures ever more layers in fp32, and ranks what holds: speed, size and accuracy together, best first. What does
    /// not hold comes last, most accurate first.
    fn ladder(
        &self,
        order: &[usize],
        ranges: &Ranges,
        set: &Photos,
        baseline: &Measurement,
        say: &mut dyn FnMut(&str),
    ) -> Result<(Vec<Candidate>, Vec<usize>)> {
        let predictions = self.predictions().count();
        let mut rungs: Vec<usize> = vec![0];
        let mut extra = 0;
        // Half of the layers at most: a network that needs more of them in fp32 is not worth being called int8.
        while predictions + extra <= predictions.max(order.len() / 2) {
            rungs.push(predictions + extra);
            extra = if extra < 2 { extra + 1 } else { extra * 3 / 2 + 1 };
        }
        rungs.dedup();
        let mut ranked: Vec<(bool, f64, Candidate)> = Vec::new();
        for kept in rungs {
            let weights = self.build(&order[..kept], ranges)?;
            let size = weights.len() as f64 / self.model.weights.len() as f64;
            let mut detector = load(&self.with_weights(weights), self.options)?;
            let measured = set.measure(&mut detector)?;
            let candidate = Candidate { kept, ap: measured.ap(), latency_ms: measured.latency_ms };
            let drop = baseline.ap() - candidate.ap;
            let holds = drop <= self.options.max_drop;
            say(&format!(
                "{kept} layers in fp32: AP {:.4} (drop {drop:+.4}), {:.1} ms (fp32 {:.1})",
                candidate.ap, candidate.latency_ms, baseline.latency_ms
            ));
            let time = candidate.latency_ms / baseline.latency_ms;
            let cost = if holds { time + 0.5 * size + TIME_PER_AP * drop.max(0.0) } else { drop };
            ranked.push((holds, cost, candidate));
            // Two rungs that hold and lose nothing: more fp32 cannot help.
            if ranked.iter().filter(|(holds, _, c)| *holds && c.ap >= baseline.ap()).count() >= 2 {
                break;
            }
        }
        let candidates = ranked.iter().map(|(_, _, c)| c.clone()).collect();
        ranked.sort_by(|a, b| b.0.cmp(&a.0).then(a.1.total_cmp(&b.1)));
        Ok((candidates, ranked.iter().take(3).map(|(_, _, c)| c.kept).collect()))
    }

    /// The manifest of the result.
    fn manifest(&self, model: &Model, after: &Measurement, val: &Dataset) -> crate::Manifest {
        let mut manifest = (*model.manifest).clone();
        manifest.name =
            format!("{}_int8", self.model.manifest.name.trim_end_matches(".fp32").trim_end_matches("_fp32"));
        manifest.file = format!("{}.onnx", manifest.name);
        manifest.backends = vec![BackendName::Ort];
        if manifest.labels.is_empty() {
            manifest.labels = model.labels.iter().map(|label| label.to_string()).collect();
            (manifest.labels_file, manifest.labels_sha256) = (None, None);
        }
        manifest.origin = format!(
            "{}; quantized by `peregrine model quantize` from sha256 {}",
            manifest.origin,
            sha256(&self.model.weights)
        );
        let folder = Path::new(&val.name).file_name().unwrap_or_default().to_string_lossy().into_owned();
        manifest.measured = vec![Measured {
            data: format!("{} labelled photos ({folder}), held out", val.items.len()),
            backend: "ONNX Runtime, CPU".to_owned(),
            ap: after.ap() as f32,
            ap50: after.scores.ap50.unwrap_or(0.0) as f32,
        }];
        manifest
    }
}

impl Photos {
    fn open(data: &Dataset, most: usize) -> Result<Self> {
        let (mut photos, mut truths, mut bytes) = (Vec::new(), Vec::new(), 0);
        for (image, item) in data.items.iter().enumerate() {
            let (photo, boxes) = Dataset::open(item)?;
            let truth = boxes.iter().map(|b| Truth {
                image,
                class: b.class,
                bbox: b.bbox,
                area: b.area.unwrap_or(b.bbox[2] * b.bbox[3]),
                crowd: b.crowd,
            });
            truths.push(truth.collect());
            bytes += photo.rgb.len();
            photos.push(if bytes <= most { Held::Memory(photo) } else { Held::Disk(item.path.clone()) });
        }
        Ok(Self { photos, truths })
    }

    fn measure(&self, detector: &mut Detector) -> Result<Measurement> {
        let (mut found, mut times) = (Vec::new(), Vec::new());
        let clock = Instant::now();
        for (image, held) in self.photos.iter().enumerate() {
            let read = match held {
                Held::Memory(_) => None,
                Held::Disk(path) => Some(Photo::read(path)?),
            };
            let photo = match (held, &read) {
                (_, Some(photo)) | (Held::Memory(photo), None) => photo,
                (Held::Disk(_), None) => continue,
            };
            let mut now = || u64::try_from(clock.elapsed().as_nanos()).unwrap_or(u64::MAX);
            let (detections, stages) = detector.detect_timed(&photo.view(), &mut now)?;
            times.push(stages.inference_ns);
            found.extend(detections.iter().map(|d| crate::eval::Found {
                image,
                class: d.label_index,
                score: f64::from(d.score),
                bbox: [d.x, d.y, d.width, d.height].map(f64::from),
            }));
        }
        let truths: Vec<Truth> = self.truths.iter().flatten().copied().collect();
        let scores: Scores = score(detector.labels().len(), &truths, &found);
        times.sort_unstable();
        let latency_ms = times.get(times.len() / 2).map_or(0.0, |ns| *ns as f64 / 1e6);
        Ok(Measurement { scores, latency_ms, bytes: 0 })
    }
}

/// A network over all photos, and its median latency.
fn judge(model: &Model, val: &Dataset, options: &Options) -> Result<(Measurement, Vec<PhotoResult>)> {
    let mut detector = load(model, options)?;
    let evaluation = evaluate(&mut detector, val, &mut |_, _| ())?;
    let latency_ms = evaluation.median_inference_ms();
    Ok((Measurement { scores: evaluation.scores, latency_ms, bytes: model.weights.len() }, evaluation.photos))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::eval::Item;

    #[test]
    fn photos_that_do_not_fit_are_read_again_and_give_the_same() {
        let folder = tempfile::tempdir().unwrap();
        let item = |level: u8| {
            let path = folder.path().join(format!("{level}.png"));
            let side = u32::from(level);
            image::RgbImage::from_fn(side, side, |x, y| image::Rgb([level, x as u8, (x * y) as u8]))
                .save(&path)
                .unwrap();
            Item { path, boxes: Vec::new() }
        };
        let data = Dataset { name: "made up".into(), items: [40, 60, 80].map(item).into() };
        let options = LoadOptions { backend: BackendChoice::Tract, ..LoadOptions::new("drone_sim_320_w8") };
        let mut detector = Detector::load(&options).unwrap();
        detector.set_score_threshold(Some(0.001));
        let held = |most: usize| {
            let photos = Photos::open(&data, most).unwrap();
            let on_disk = photos.photos.iter().filter(|held| matches!(held, Held::Disk(_))).count();
            (on_disk, photos)
        };
        let (none, all) = (held(usize::MAX), held(3 * 40 * 40));
        assert_eq!((none.0, all.0, held(0).0), (0, 2, 3));
        let found = |photos: &Photos, detector: &mut Detector| photos.measure(detector).unwrap().scores;
        assert_eq!(found(&none.1, &mut detector), found(&all.1, &mut detector));
        std::fs::remove_file(&data.items[2].path).unwrap();
        assert_eq!(all.1.measure(&mut detector).unwrap_err().code(), "PG-0471");
        none.1.measure(&mut detector).unwrap();
    }
}
