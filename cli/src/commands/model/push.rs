//! `model push`: the next model for detectors that run.

use peregrine_models::update::{Bundle, offer};
use peregrine_models::{BackendName, Model, ModelSource, Trust};

use super::args::Push;
use crate::error::{Error, Result};

pub fn run(args: &Push) -> Result {
    let argument = |what, value: String, why: &str| Error::Argument { what, value, why: why.into() };
    if args.manifest.extension().is_none_or(|end| end != "toml") {
        let why = "write the path of a manifest (.toml): that is what travels, with all it names";
        return Err(argument("manifest", args.manifest.display().to_string(), why));
    }
    if !args.folder.is_dir() {
        let why = "there is no such folder: name the detector's `store`, or a stick that is mounted";
        return Err(argument("folder", args.folder.display().to_string(), why));
    }
    // What the robot would refuse is refused here already, where somebody can mend it.
    let source = ModelSource::Path(args.manifest.clone());
    let model = Model::read(&source, BackendName::Ort)?;
    let trust = if args.allow_unsigned { Trust::AllowUnsigned } else { Trust::UserRing };
    let standing = model.standing(&source, &trust)?;
    let bundle = Bundle::read(&args.manifest)?;
    let bytes: usize = bundle.files().iter().map(|(_, bytes)| bytes.len()).sum();
    let place = offer(&args.folder, &bundle)?;
    println!(
        "{} ({}), {:.1} MB, {}: waits in {}",
        model.manifest.name,
        &bundle.id()[..12],
        bytes as f64 / 1e6,
        standing.describe(),
        place.display()
    );
    Ok(())
}
