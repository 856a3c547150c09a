//! `model explain`: a saliency picture of one photo, or where the model is weak on many.

use image::RgbImage;
use peregrine_models::Detector;
use peregrine_models::eval::{Dataset, Group, Photo, SCORE_THRESHOLD, evaluate, weakness};
use peregrine_models::explain::explain;
use serde_json::json;

use super::args::Explain;
use super::eval::progress;
use super::{load, share};
use crate::draw::{BoxLabel, draw_boxes, name_colour, save};
use crate::error::{Error, Result};

pub fn run(args: &Explain) -> Result {
    match (&args.photo, &args.data) {
        (_, Some(data)) => report(args, data),
        (Some(photo), None) => picture(args, photo),
        // clap asks for one of the two.
        (None, None) => Ok(()),
    }
}

fn picture(args: &Explain, path: &std::path::Path) -> Result {
    let mut detector = load(&args.load, None)?;
    eprintln!("{}", detector.backend_report());
    let class = args.class.as_ref().map(|name| class_of(&detector, name)).transpose()?;
    let photo = Photo::read(path)?;
    let Some(map) = explain(&mut detector, &photo, class, args.parts, &mut progress)? else {
        println!("{}: nothing was found above {:.2}", path.display(), detector.score_threshold());
        return Ok(());
    };
    let (width, height) = (photo.width as u32, photo.height as u32);
    let d = &map.detection;
    let most = map.loss.iter().copied().fold(0.0, f32::max);
    // Large things rest on no single part: what matters most is shown in full colour, unless nothing matters.
    let gain = 1.0 / most.max(0.1);
    let mut canvas = RgbImage::from_fn(width, height, |x, y| {
        let at = 3 * (y as usize * photo.width + x as usize);
        let loss = gain * map.at((x as f32 + 0.5) / width as f32, (y as f32 + 0.5) / height as f32);
        let grey = photo.rgb[at..at + 3].iter().map(|v| u32::from(*v)).sum::<u32>() as f32 / 3.0;
        // Grey where nothing depends on it, through red to yellow where everything does.
        let heat = [255.0, 255.0 * (2.0 * loss - 1.0).max(0.0), 0.0];
        let share = (1.5 * loss).min(0.75);
        image::Rgb([0, 1, 2].map(|c| (grey * (1.0 - share) + heat[c] * share) as u8))
    });
    let label = BoxLabel {
        x: d.x,
        y: d.y,
        width: d.width,
        height: d.height,
        text: format!("{} {:.2}", d.label, d.score),
        colour: name_colour(&d.label),
    };
    draw_boxes(&mut canvas, &[label]);
    save(&canvas, &args.out)?;
    println!(
        "{} {:.2}: the most important part carries {:.0} % of the score; drew {}",
        d.label,
        d.score,
        100.0 * most,
        args.out.display()
    );
    Ok(())
}

fn class_of(detector: &Detector, name: &str) -> Result<usize> {
    detector.labels().iter().position(|label| &**label == name).ok_or_else(|| Error::Argument {
        what: "--class",
        value: name.to_owned(),
        why: match peregrine_core::nearest(name, detector.labels().iter().map(|label| &**label)) {
            Some(near) => format!("the model does not know it; did you mean '{near}'?"),
            None => "the model does not know it; `peregrine model show` lists its labels".to_owned(),
        },
    })
}

fn report(args: &Explain, folder: &std::path::Path) -> Result {
    let mut detector = load(&args.load, Some(SCORE_THRESHOLD))?;
    eprintln!("{}", detector.backend_report());
    let data = Dataset::read(folder, detector.labels())?;
    let evaluation = evaluate(&mut detector, &data, &mut progress)?;
    let least = f64::from(detector.manifest().score_threshold);
    let report = weakness(detector.labels(), &evaluation.photos, least);
    let parts = [
        ("size", &report.sizes),
        ("brightness", &report.brightness),
        ("sharpness", &report.sharpness),
        ("class", &report.classes),
    ];
    if args.json {
        let group = |g: &Group| json!({"name": g.name, "truths": g.truths, "found": g.found, "inventions": g.inventions});
        let rows: serde_json::Map<_, _> = parts
            .iter()
            .map(|(name, groups)| ((*name).to_owned(), groups.iter().map(group).collect()))
            .collect();
        println!(
            "{:#}",
            json!({"model": detector.manifest().name, "photos": data.items.len(), "score": least, "groups": rows})
        );
        return Ok(());
    }
    println!(
        "{} on {} photos, at score {least:.2}: what is found, and what is invented",
        detector.manifest().name,
        data.items.len()
    );
    for (name, groups) in parts {
        println!("\n{name:<28}{:>8}{:>8}{:>9}{:>12}", "truths", "found", "recall", "inventions");
        let mut groups: Vec<&Group> = groups.iter().filter(|g| g.truths + g.inventions > 0).collect();
        if name == "class" {
            // The weakest first.
            groups.sort_by(|a, b| a.recall().unwrap_or(2.0).total_cmp(&b.recall().unwrap_or(2.0)));
        }
        for g in groups {
            println!(
                "{:<28}{:>8}{:>8}{:>9}{:>12}",
                g.name,
                g.truths,
                g.found,
                share(g.recall()),
                g.inventions
            );
        }
    }
    Ok(())
}
