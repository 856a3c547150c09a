//! Labelled photos: COCO's JSON, or a folder of photos with YOLO's label files beside it.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde::Deserialize;

use super::photo::Photo;
use crate::suggest::suggest;
use crate::{Error, Result};

/// One photo with what it shows.
#[derive(Clone, Debug, PartialEq)]
pub struct Item {
    /// The file.
    pub path: PathBuf,
    /// True boxes.
    pub boxes: Vec<TrueBox>,
}

/// One true box. Left, top, width, height: pixels when `relative` is false, else shares of the photo's sides.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct TrueBox {
    /// Class, an index into the model's labels.
    pub class: usize,
    /// Left, top, width, height.
    pub bbox: [f64; 4],
    /// Whether `bbox` is in shares of the photo.
    pub relative: bool,
    /// Area of the mask in square pixels, if the data has one.
    pub area: Option<f64>,
    /// A crowd: neither for nor against.
    pub crowd: bool,
}

/// Photos and their true boxes, in the order of their names.
#[derive(Clone, Debug, PartialEq)]
pub struct Dataset {
    /// Where it came from, for reports.
    pub name: String,
    /// The photos.
    pub items: Vec<Item>,
}

#[derive(Deserialize)]
struct Coco {
    images: Vec<CocoImage>,
    annotations: Vec<CocoBox>,
    categories: Vec<CocoCategory>,
}

#[derive(Deserialize)]
struct CocoImage {
    id: u64,
    file_name: String,
}

#[derive(Deserialize)]
struct CocoBox {
    image_id: u64,
    category_id: u64,
    bbox: [f64; 4],
    #[serde(default)]
    area: Option<f64>,
    #[serde(default)]
    iscrowd: u8,
}

#[derive(Deserialize)]
struct CocoCategory {
    id: u64,
    name: String,
}

impl Dataset {
    /// Reads a folder, or COCO's `.json` itself. COCO: one `.json` in the folder or in `annotations/`, of several the one that is
    /// called `instances...`; photos beside it, in `images/`, or as COCO lays them out (`annotations/instances_val2017.json` with
    /// `val2017/` or `images/val2017/`). YOLO: `images/NAME.jpg` with `labels/NAME.txt`, lines `class cx cy w h` in shares of the
    /// sides; of an outline (`class x1 y1 x2 y2 x3 y3 ...`) its box.
    /// `labels` are the model's class names: COCO's categories are matched with them by name, YOLO's numbers are taken
    /// as they are.
    ///
    /// # Errors
    /// `PG-0470` naming the file and line that cannot be used.
    pub fn read(folder: &Path, labels: &[impl AsRef<str>]) -> Result<Self> {
        let name = folder.display().to_string();
        let json = match find_json(folder)? {
            None => find_json(&folder.join("annotations"))?,
            found => found,
        };
        let mut items = match (folder.is_file(), json) {
            (true, _) => coco(folder, folder.parent().unwrap_or(Path::new("")), labels)?,
            (false, Some(json)) => coco(&json, folder, labels)?,
            (false, None) => yolo(folder, labels)?,
        };
        items.sort_by(|a, b| a.path.cmp(&b.path));
        if items.is_empty() {
            return Err(bad(folder, 0, "it holds no photos (.jpg, .jpeg, .png)".to_owned()));
        }
        Ok(Self { name, items })
    }

    /// Photos without any labels: every picture below `folder` or its `images`, sorted. For calibration.
    ///
    /// # Errors
    /// `PG-0470` when there are none.
    pub fn photos(folder: &Path) -> Result<Vec<PathBuf>> {
        let inner = folder.join("images");
        let mut paths = pictures(if inner.is_dir() { &inner } else { folder })?;
        paths.sort();
        if paths.is_empty() {
            return Err(bad(folder, 0, "it holds no photos (.jpg, .jpeg, .png)".to_owned()));
        }
        Ok(paths)
    }

    /// At most `limit` photos, spread evenly over the set.
    pub fn thinned(&self, limit: usize) -> Self {
        let count = self.items.len();
        let take = limit.clamp(1, count);
        let items = (0..take).map(|i| self.items[i * count / take].clone()).collect();
        Self { name: self.name.clone(), items }
    }

    /// A photo in pixels: decoded, and its true boxes.
    ///
    /// # Errors
    /// `PG-0471` when it cannot be decoded.
    pub fn open(item: &Item) -> Result<(Photo, Vec<TrueBox>)> {
        let photo = Photo::read(&item.path)?;
        let (w, h) = (photo.width as f64, photo.height as f64);
        let boxes = item.boxes.iter().map(|b| {
            let [x, y, bw, bh] = b.bbox;
            let bbox = if b.relative { [x * w, y * h, bw * w, bh * h] } else { b.bbox };
            TrueBox { bbox, relative: false, ..*b }
        });
        let boxes = boxes.collect();
        Ok((photo, boxes))
    }
}

fn bad(path: &Path, line: usize, detail: String) -> Error {
    Error::Dataset { path: path.to_owned(), line, detail }
}

/// COCO's other files: captions, key points, panoptic segments, photos without labels.
const OTHERS: [&str; 5] = ["captions", "person_keypoints", "stuff", "panoptic", "image_info"];

/// The file with the boxes in a folder.
fn find_json(folder: &Path) -> Result<Option<PathBuf>> {
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
    let mut found: Vec<PathBuf> = entries.map(|e| e.path()).collect();
    found.retain(|path| path.extension().is_some_and(|e| e == "json"));
    found.sort();
    let begins = |path: &PathBuf, with: &[&str]| {
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        with.iter().any(|start| name.starts_with(start))
    };
    if found.len() > 1 && found.iter().any(|path| begins(path, &["instances"])) {
        found.retain(|path| begins(path, &["instances"]));
    } else if found.len() > 1 {
        found.retain(|path| !begins(path, &OTHERS));
    }
    if found.len() > 1 {
        let names: Vec<String> =
            found.iter().map(|p| p.file_name().unwrap_or_default().to_string_lossy().into_owned()).collect();
        let detail =
            format!("it holds several files of labels ({}); give the one that is meant", names.join(", "));
        return Err(bad(folder, 0, detail));
    }
    Ok(found.pop())
}

/// Where the photos of a COCO file may lie: beside it, in `images/`, or in the folder called as its end (`instances_val2017.json`)
/// beside its folder.
fn photo_folders(json: &Path, folder: &Path) -> Vec<PathBuf> {
    let own = json.parent().unwrap_or(Path::new(""));
    let stem = json.file_stem().unwrap_or_default().to_string_lossy().into_owned();
    let split = stem.rsplit('_').next().unwrap_or_default();
    let mut all: Vec<PathBuf> = Vec::new();
    for root in [folder, own, own.parent().unwrap_or(own)] {
        for place in [root.to_owned(), root.join("images"), root.join(split), root.join("images").join(split)]
        {
            if !all.contains(&place) {
                all.push(place);
            }
        }
    }
    all
}

fn pictures(folder: &Path) -> Result<Vec<PathBuf>> {
    let entries = std::fs::read_dir(folder).map_err(|source| Error::File {
        action: "list",
        path: folder.to_owned(),
        source,
    })?;
    let is_picture = |path: &PathBuf| {
        let extension = path.extension().unwrap_or_default().to_string_lossy().to_ascii_lowercase();
        ["jpg", "jpeg", "png"].contains(&extension.as_str())
    };
    Ok(entries.flatten().map(|e| e.path()).filter(is_picture).collect())
}

fn read(path: &Path) -> Result<String> {
    std::fs::read_to_string(path).map_err(|source| Error::File {
        action: "read",
        path: path.to_owned(),
        source,
    })
}

fn coco(json: &Path, folder: &Path, labels: &[impl AsRef<str>]) -> Result<Vec<Item>> {
    let data: Coco = serde_json::from_str(&read(json)?)
        .map_err(|error| bad(json, error.line(), format!("not COCO: {error}")))?;
    let mut class_of = BTreeMap::new();
    for category in &data.categories {
        if let Some(class) = labels.iter().position(|label| label.as_ref() == category.name) {
            class_of.insert(category.id, class);
        }
    }
    let names: BTreeMap<u64, &str> = data.categories.iter().map(|c| (c.id, c.name.as_str())).collect();
    let mut items = BTreeMap::new();
    let folders = photo_folders(json, folder);
    for image in &data.images {
        let path = folders.iter().map(|place| place.join(&image.file_name)).find(|path| path.is_file());
        let path = path.ok_or_else(|| {
            let looked: Vec<String> = folders.iter().map(|place| place.display().to_string()).collect();
            bad(json, 0, format!("the photo `{}` is in none of {}", image.file_name, looked.join(", ")))
        })?;
        items.insert(image.id, Item { path, boxes: Vec::new() });
    }
    for annotation in &data.annotations {
        let Some(item) = items.get_mut(&annotation.image_id) else {
            return Err(bad(
                json,
                0,
                format!("a box belongs to image {}, which is not listed", annotation.image_id),
            ));
        };
        let Some(class) = class_of.get(&annotation.category_id) else {
            let name = names.get(&annotation.category_id).copied().unwrap_or("?");
            let near = suggest(name, labels.iter().map(AsRef::as_ref));
            let near = near.map(|n| format!(" (did you mean `{n}`?)")).unwrap_or_default();
            return Err(bad(
                json,
                0,
                format!("its category {} `{name}` is no label of the model{near}", annotation.category_id),
            ));
        };
        item.boxes.push(TrueBox {
            class: *class,
            bbox: annotation.bbox,
            relative: false,
            area: annotation.area,
            crowd: annotation.iscrowd != 0,
        });
    }
    Ok(items.into_values().collect())
}

fn yolo(folder: &Path, labels: &[impl AsRef<str>]) -> Result<Vec<Item>> {
    let inner = folder.join("images");
    let photos = if inner.is_dir() { inner } else { folder.to_owned() };
    let mut items = Vec::new();
    let mut labelled = false;
    for path in pictures(&photos)? {
        let name = Path::new(path.file_stem().unwrap_or_default()).with_extension("txt");
        let places = [folder.join("labels").join(&name), photos.join(&name)];
        // No file means nothing to see on that photo, as in YOLO's own tools.
        let boxes = match places.iter().find(|place| place.is_file()) {
            Some(place) => {
                labelled = true;
                yolo_labels(place, &read(place)?, labels.len())?
            }
            None => Vec::new(),
        };
        items.push(Item { path, boxes });
    }
    if !labelled && !items.is_empty() {
        let detail = "it holds photos and no labels: neither a COCO .json nor labels/NAME.txt".to_owned();
        return Err(bad(folder, 0, detail));
    }
    Ok(items)
}

/// `class cx cy w h` per line, in shares of the photo's sides, with a score behind it or none; or the corners of an outline.
fn yolo_labels(path: &Path, text: &str, classes: usize) -> Result<Vec<TrueBox>> {
    let mut boxes = Vec::new();
    for (index, line) in text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty()) {
        let wrong = |why: &str| bad(path, index + 1, format!("`{}` {why}", line.trim()));
        let numbers: Option<Vec<f64>> = line.split_whitespace().map(|word| word.parse().ok()).collect();
        let numbers = numbers.ok_or_else(|| wrong("is not numbers"))?;
        let (class, places) = match numbers[..] {
            [class, cx, cy, w, h] | [class, cx, cy, w, h, _] => (class, [cx, cy, w, h]),
            [class, ref corners @ ..] if corners.len() >= 6 && corners.len().is_multiple_of(2) => {
                if !corners.iter().all(is_share) {
                    return Err(wrong("has values that are no shares from 0 to 1"));
                }
                (class, around(corners))
            }
            _ => return Err(wrong("is not `class cx cy w h`")),
        };
        if class.fract() != 0.0 || class < 0.0 || class >= classes as f64 {
            return Err(wrong(&format!("has a class that is none of the model's {classes}")));
        }
        let [cx, cy, w, h] = places;
        if !places.iter().all(is_share) {
            return Err(wrong("has values that are no shares from 0 to 1"));
        }
        let bbox = [cx - w / 2.0, cy - h / 2.0, w, h];
        boxes.push(TrueBox { class: class as usize, bbox, relative: true, area: None, crowd: false });
    }
    Ok(boxes)
}

fn is_share(value: &f64) -> bool {
    (-0.01..=1.01).contains(value)
}

/// Middle and sides of the box around an outline.
fn around(corners: &[f64]) -> [f64; 4] {
    let span = |from: usize| {
        let along = corners.iter().skip(from).step_by(2);
        along.fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), v| (low.min(*v), high.max(*v)))
    };
    let ((x0, x1), (y0, y1)) = (span(0), span(1));
    [(x0 + x1) / 2.0, (y0 + y1) / 2.0, x1 - x0, y1 - y0]
}
