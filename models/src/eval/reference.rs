//! What a model finds and how the images look when all is well: the `[reference]` of its manifest.

use std::path::PathBuf;

use super::Photo;
use crate::manifest::Reference;
use crate::watch::{Watch, look};
use crate::{Detector, Error, Result};

/// Of fewer photos or detections shares say nothing.
pub const LEAST: u64 = 50;

/// Runs `detector` over photos like those it will see and counts, exactly as it is counted in the field ([`Watch`], [`look`]).
/// Load it with the score threshold that it will run with. `data` is what reports call the photos; `progress` gets (photos done,
/// photos in all).
///
/// # Errors
/// `PG-0471` for a photo that cannot be read, `PG-0425` when the engine fails, `PG-0482` for fewer than [`LEAST`] photos or
/// detections.
pub fn reference(
    detector: &mut Detector,
    photos: &[PathBuf],
    data: &str,
    progress: &mut dyn FnMut(usize, usize),
) -> Result<Reference> {
    let mut watch = Watch::new(detector.labels().len(), detector.score_threshold(), f64::INFINITY);
    for (index, path) in photos.iter().enumerate() {
        let photo = Photo::read(path)?;
        let seen = look(&photo.view())?;
        watch.image(seen.brightness, seen.sharpness);
        watch.saw(detector.detect(&photo.view())?);
        progress(index + 1, photos.len());
    }
    let found = watch.reference();
    if found.images < LEAST || found.detections < LEAST {
        return Err(Error::FewPhotos {
            data: data.to_owned(),
            photos: found.images,
            detections: found.detections,
            least: LEAST,
        });
    }
    Ok(Reference { data: data.to_owned(), ..found })
}

impl Reference {
    /// As a section of a manifest, for [`crate::manifest::with_section`]. Shares have five digits.
    pub fn to_section(&self) -> String {
        let list = |shares: &[f32]| shares.iter().map(|s| format!("{s:.5}")).collect::<Vec<_>>().join(", ");
        format!(
            "[reference]\ndata = {:?}\nimages = {}\ndetections = {}\nscores = [{}]\nclasses = [{}]\nbrightness = [{}]\n\
             sharpness = [{}]\n",
            self.data,
            self.images,
            self.detections,
            list(&self.scores),
            list(&self.classes),
            list(&self.brightness),
            list(&self.sharpness)
        )
    }
}
