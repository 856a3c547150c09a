//! COCO's format: pictures as JPEG, one `annotations.json`.
//! Source: cocodataset.org, "Data format".

use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};

use image::ExtendedColorType;
use image::codecs::jpeg::JpegEncoder;
use peregrine_render::ObjectBox;
use serde_json::{Value, json};

use super::{CLASSES, DatasetSpec};
use crate::error::{Result, SimError};

pub(super) struct Writer<'a> {
    folder: PathBuf,
    spec: &'a DatasetSpec,
    images: Vec<Value>,
    annotations: Vec<Value>,
}

fn failed(path: &Path) -> impl FnOnce(std::io::Error) -> SimError {
    let path = path.to_owned();
    move |cause| SimError::Write { path, cause }
}

impl<'a> Writer<'a> {
    pub fn create(folder: &Path, spec: &'a DatasetSpec) -> Result<Self> {
        let images = folder.join("images");
        std::fs::create_dir_all(&images).map_err(failed(&images))?;
        Ok(Self { folder: folder.to_owned(), spec, images: Vec::new(), annotations: Vec::new() })
    }

    pub fn picture(&mut self, name: &str, rgb: &[u8]) -> Result<()> {
        let path = self.folder.join("images").join(name);
        let (width, height) = (self.spec.width, self.spec.height);
        let mut bytes = Vec::new();
        JpegEncoder::new_with_quality(&mut bytes, self.spec.quality)
            .encode(rgb, width, height, ExtendedColorType::Rgb8)
            .map_err(|error| failed(&path)(std::io::Error::other(error)))?;
        std::fs::write(&path, bytes).map_err(failed(&path))?;
        let id = self.images.len() + 1;
        self.images.push(json!({"id": id, "file_name": name, "width": width, "height": height}));
        Ok(())
    }

    /// A box in the last picture.
    pub fn annotation(&mut self, class: usize, seen: &ObjectBox, ignore: bool) {
        let [left, top, right, bottom] = seen.visible;
        self.annotations.push(json!({
            "id": self.annotations.len() + 1,
            "image_id": self.images.len(),
            "category_id": class + 1,
            "bbox": [left, top, right - left, bottom - top],
            "area": seen.pixels,
            "iscrowd": u8::from(ignore),
        }));
    }

    pub fn finish(self) -> Result<()> {
        let spec = self.spec;
        let seeds: Vec<u64> = spec.seeds.clone();
        let categories: Vec<Value> =
            CLASSES.iter().enumerate().map(|(i, name)| json!({"id": i + 1, "name": name})).collect();
        let all = json!({
            "info": {
                "description": "rendered by Peregrine's drone_sim", "version": env!("CARGO_PKG_VERSION"),
                "world": spec.world, "looks": spec.looks, "hfov": spec.hfov, "seeds": seeds,
            },
            "categories": categories,
            "images": self.images,
            "annotations": self.annotations,
        });
        let path = self.folder.join("annotations.json");
        let file = File::create(&path).map_err(failed(&path))?;
        let mut file = BufWriter::new(file);
        serde_json::to_writer(&mut file, &all).map_err(|error| failed(&path)(error.into()))?;
        file.flush().map_err(failed(&path))
    }
}
