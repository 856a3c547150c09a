//! `model list`, `model show`, `model verify`.

use peregrine_models::backend::{PROVIDERS, available_providers};
use peregrine_models::library;
use peregrine_models::update::transfer::Request;
use peregrine_models::{
    BackendName, Detector, LoadOptions, Manifest, Model, ModelSource, Trust, embedded_names,
};
use serde_json::json;

use super::args::Verify;
use super::hosts::Hosts;
use crate::commands::detect::backend_name;
use crate::error::{Error, Result};

pub fn list(as_json: bool) -> Result {
    let there = available_providers(None);
    let mut models = Vec::new();
    for name in embedded_names() {
        let source = ModelSource::Embedded(name.to_owned());
        let (ort, tract) =
            (Model::read(&source, BackendName::Ort)?, Model::read(&source, BackendName::Tract)?);
        models.push((name, ort, tract));
    }
    if as_json {
        let rows: Vec<_> = models
            .iter()
            .map(|(name, ort, tract)| {
                json!({"name": name, "ort": ort.manifest.name, "tract": tract.manifest.name,
                "input": [ort.manifest.input.width, ort.manifest.input.height], "bytes": ort.weights.len(),
                "licence": ort.manifest.licence.spdx})
            })
            .collect();
        let own: Vec<_> =
            library::all().into_iter().map(|(name, path)| json!({"name": name, "manifest": path})).collect();
        println!(
            "{:#}",
            json!({"models": rows, "added": own, "providers": there, "known_providers": PROVIDERS})
        );
        return Ok(());
    }
    println!("{:<22}{:>9}{:>9}  {:<20}  measured", "model", "input", "MB", "licence");
    for (name, ort, tract) in &models {
        let m = &ort.manifest;
        if ort.manifest.name != tract.manifest.name {
            println!("{name:<22}stands for {} (ONNX Runtime) or {} (tract)", m.name, tract.manifest.name);
            continue;
        }
        let measured =
            m.measured.first().map_or("-".to_owned(), |r| format!("AP {:.3} on {}", r.ap, clipped(&r.data)));
        let input = format!("{}x{}", m.input.width, m.input.height);
        println!(
            "{name:<22}{input:>9}{:>9.1}  {:<20}  {measured}",
            ort.weights.len() as f64 / 1e6,
            m.licence.spdx
        );
    }
    for (name, manifest) in library::all() {
        let home = manifest.display();
        match Model::read(&ModelSource::Path(manifest.clone()), BackendName::Ort) {
            Ok(model) => {
                let (i, licence) = (&model.manifest.input, &model.manifest.licence.spdx);
                let (input, size) = (format!("{}x{}", i.width, i.height), model.weights.len() as f64 / 1e6);
                println!("{name:<22}{input:>9}{size:>9.1}  {licence:<20}  added: {home}");
            }
            Err(error) => println!("{name:<22}{:>9}{:>9}  {:<20}  {home}: {error}", "", "", ""),
        }
    }
    println!("\nproviders here: {} tract", there.join(" "));
    println!("known: {}", PROVIDERS.join(" "));
    Ok(())
}

/// The beginning of a description, for a line of a list; `model show` has all of it.
fn clipped(text: &str) -> String {
    const MOST: usize = 56;
    if text.chars().count() <= MOST {
        return text.to_owned();
    }
    let mut short: String = text.chars().take(MOST - 3).collect();
    short.truncate(short.trim_end_matches([' ', ',', ';', ':']).len());
    short + "..."
}

/// What hosts on the network run, and how they fare.
pub fn hosts(pattern: &str, as_json: bool) -> Result {
    let hosts = Hosts::open()?;
    let mut rows = Vec::new();
    for host in hosts.find(pattern)? {
        rows.push((host.name.clone(), hosts.ask(&host, Request::info())));
    }
    hosts.close();
    if as_json {
        let rows: Vec<_> = rows
            .iter()
            .map(|(name, reply)| match reply {
                Ok(reply) => {
                    let values: serde_json::Map<_, _> =
                        reply.values.iter().map(|(key, value)| (key.clone(), json!(value))).collect();
                    json!({"host": name, "values": values})
                }
                Err(error) => json!({"host": name, "error": error.to_string()}),
            })
            .collect();
        println!("{:#}", json!({"hosts": rows}));
        return Ok(());
    }
    let width = rows.iter().map(|(name, _)| name.len()).max().unwrap_or(0).max(4);
    println!(
        "{:width$}  {:<22}{:<14}{:>8}{:>9}{:>11}  says",
        "host", "model", "manifest", "update", "results", "latency ms"
    );
    for (name, reply) in &rows {
        let reply = match reply {
            Ok(reply) => reply,
            Err(error) => {
                println!("{name:width$}  {error}");
                continue;
            }
        };
        let value = |key: &str| reply.value(key).unwrap_or("-");
        let says = if value("detector_heard") == "true" { value("message") } else { "no detector is heard" };
        println!(
            "{name:width$}  {:<22}{:<14}{:>8}{:>9}{:>11}  {says}",
            value("model"),
            value("active").get(..12).unwrap_or("configured"),
            value("update"),
            value("results"),
            value("latency_p50_ms"),
        );
    }
    Ok(())
}

fn read(name: &str) -> Result<(ModelSource, Model)> {
    let source = ModelSource::parse(name);
    let model = Model::read(&source, BackendName::Ort)?;
    Ok((source, model))
}

pub fn show(name: &str) -> Result {
    let (source, model) = read(name)?;
    let m: &Manifest = &model.manifest;
    let i = &m.input;
    println!("{}  ({})", m.name, model.origin);
    println!("file       {} ({} bytes, sha256 {})", m.file, model.weights.len(), m.sha256);
    println!(
        "signature  {}",
        match model.standing(&source, &Trust::UserRing) {
            Ok(standing) => standing.describe(),
            Err(error) => error.to_string(),
        }
    );
    println!(
        "input      `{}` {:?} {:?}, {:?} planes, (pixel * {} - {:?}) / {:?}",
        i.name,
        m.input_shape(),
        i.element,
        i.colour,
        i.scale,
        i.mean,
        i.std
    );
    println!("fit        {:?}, {:?}, padded with {}", i.letterbox.fit, i.letterbox.align, i.letterbox.pad);
    println!(
        "decoder    {:?}, strides {:?}, outputs {}",
        m.decoder.kind,
        m.decoder.strides,
        m.decoder.outputs.join(" ")
    );
    println!(
        "thresholds score {}, overlap {}, at most {} detections",
        m.score_threshold, m.nms_iou, m.max_detections
    );
    println!("labels     {}: {}", model.labels.len(), model.labels.join(", "));
    println!(
        "licence    {}{}",
        m.licence.spdx,
        m.licence.notices.iter().map(|n| format!("; {n}")).collect::<String>()
    );
    println!("origin     {}", m.origin);
    for r in &m.measured {
        println!("measured   AP {:.3}, AP50 {:.3} on {} ({})", r.ap, r.ap50, r.data, r.backend);
    }
    if let Some(b) = &m.budget {
        println!("budget     {} ms per image, {} MiB", b.latency_ms, b.memory_mb);
    }
    if let Some(version) = m.runtime.as_ref().and_then(|r| r.onnxruntime.as_ref()) {
        println!("needs      ONNX Runtime {version} or newer");
    }
    println!(
        "golden     {}",
        match &m.golden {
            Some(golden) => format!("compared at every load, tolerance {:.0} %", 100.0 * golden.tolerance),
            None => "none: a load only checks that values are finite".to_owned(),
        }
    );
    println!(
        "reference  {}",
        match &m.reference {
            Some(r) if !r.data.is_empty() =>
                format!("{} images, {} detections of {}", r.images, r.detections, r.data),
            Some(_) => "given".to_owned(),
            None => "none: drift is not noticed (`peregrine model reference --write`)".to_owned(),
        }
    );
    Ok(())
}

pub fn verify(args: &Verify) -> Result {
    let source = ModelSource::parse(&args.load.model);
    let options = LoadOptions {
        backend: args.load.backend.parse()?,
        provider: args.load.provider.clone(),
        threads: args.load.threads,
        trust: if args.allow_unsigned || args.write_golden { Trust::AllowUnsigned } else { Trust::UserRing },
        ..LoadOptions::new(source.clone())
    };
    if args.write_golden {
        return write_golden(&source, options);
    }
    let detector = Detector::load(&options)?;
    println!("{}", detector.backend_report());
    println!("origin: {}", detector.standing().describe());
    println!("engine: {}", backend_name(detector.backend()));
    match &detector.manifest().golden {
        Some(golden) => {
            println!(
                "the test pattern gives the golden values (tolerance {:.0} %)",
                100.0 * golden.tolerance
            );
        }
        None => println!("the manifest has no golden values: the test pattern gave finite ones"),
    }
    Ok(())
}

/// Loads without the old values, and puts the new ones into the manifest's text.
fn write_golden(source: &ModelSource, options: LoadOptions) -> Result {
    let ModelSource::Path(path) = source else {
        return Err(Error::Argument {
            what: "model",
            value: "an embedded one".into(),
            why: "golden values are written into a manifest of your own: give its path".into(),
        });
    };
    let (_, mut model) = read(&path.display().to_string())?;
    let mut manifest = (*model.manifest).clone();
    manifest.golden = None;
    model.manifest = manifest.into();
    let golden = Detector::with_model(model, &options)?.golden()?;
    let list = |values: &Vec<f32>| {
        let values: Vec<String> = values.iter().map(|value| format!("{value:?}")).collect();
        format!("  [{}],\n", values.join(", "))
    };
    let lists: String = golden.outputs.iter().map(list).collect();
    let section = format!("[golden]\ntolerance = {:?}\noutputs = [\n{lists}]\n", golden.tolerance);
    super::write_section(path, "golden", &section)
}
