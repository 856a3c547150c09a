//! Boxes and labels on pictures, and pictures into files.
//!
//! Plain pixels, no smoothing: the same boxes give the same bytes on every machine.

mod font;

use std::ffi::OsStr;
use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};

use image::{ExtendedColorType, ImageEncoder, RgbImage, codecs};

/// Quality of a written JPEG, 1 to 100.
const QUALITY: u8 = 90;

/// What keeps a picture from being written.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum DrawError {
    /// The name's ending is no picture format.
    #[error("PG-1341: cannot tell from `{}` which picture to write; end the name in .png, .jpg or .jpeg", .file.display())]
    Extension {
        /// The file to be written.
        file: PathBuf,
    },
    /// The file cannot be written.
    #[error("PG-1342: cannot write the picture `{}`: {cause}; check the folder, its rights and the free space", .file.display())]
    Write {
        /// The file to be written.
        file: PathBuf,
        /// What the encoder or the operating system said.
        cause: String,
    },
}

/// A box to draw: source pixels, x to the right, y down; it may lie outside of the picture, or be no box at all.
#[derive(Debug, Clone, PartialEq)]
pub struct BoxLabel {
    /// Left edge.
    pub x: f32,
    /// Upper edge.
    pub y: f32,
    /// To the right edge.
    pub width: f32,
    /// To the lower edge.
    pub height: f32,
    /// What stands beside it; empty for the box alone.
    pub text: String,
    /// Red, green, blue.
    pub colour: [u8; 3],
}

/// Twelve colours far apart in hue, light enough for dark letters and strong enough on foliage and asphalt.
const COLOURS: [[u8; 3]; 12] = [
    [255, 99, 71],
    [64, 196, 255],
    [255, 202, 40],
    [174, 234, 0],
    [255, 128, 223],
    [29, 233, 182],
    [255, 145, 0],
    [179, 157, 255],
    [255, 245, 157],
    [128, 216, 160],
    [255, 171, 145],
    [130, 177, 255],
];

/// The colour of a class, by its number or any other stable one.
pub fn class_colour(class_id: u32) -> [u8; 3] {
    COLOURS[class_id as usize % COLOURS.len()]
}

/// The colour of a class that is known by name only (FNV-1a of the name).
pub fn name_colour(name: &str) -> [u8; 3] {
    let hash =
        name.bytes().fold(0x811C_9DC5u32, |hash, byte| (hash ^ u32::from(byte)).wrapping_mul(0x0100_0193));
    class_colour(hash ^ (hash >> 16))
}

/// Draws all boxes first and all labels on top of them, so that no label is crossed by a line. A label that would cover one
/// before it goes below its box, or beside it. The first label is drawn last: give the best box first. Boxes with a coordinate
/// that is no number are left out; edges outside of the picture run along its border.
pub fn draw_boxes(picture: &mut RgbImage, boxes: &[BoxLabel]) {
    let scale = i64::from(picture.width().min(picture.height()) / 240).clamp(1, 8);
    for label in boxes.iter().rev() {
        if let Some(edges) = edges(picture, label) {
            draw_frame(picture, edges, scale, label.colour);
        }
    }
    let mut placed: Vec<Placed> = Vec::new();
    for label in boxes.iter().filter(|label| !label.text.is_empty()) {
        let next = edges(picture, label).and_then(|edges| place(picture, edges, scale, label, &placed));
        placed.extend(next);
    }
    for label in placed.iter().rev() {
        draw_label(picture, scale, label);
    }
}

/// First and last column and row of a box, held inside the picture. None for no box, or one that is wholly outside.
fn edges(picture: &RgbImage, label: &BoxLabel) -> Option<(i64, i64, i64, i64)> {
    let (right, lower) = (label.x + label.width, label.y + label.height);
    let (width, height) = (picture.width() as f32, picture.height() as f32);
    // Comparisons with NaN are false: a box must prove that it is one.
    let visible = label.width >= 0.0
        && label.height >= 0.0
        && right >= 0.0
        && lower >= 0.0
        && label.x < width
        && label.y < height;
    if !visible || picture.width() == 0 || picture.height() == 0 {
        return None;
    }
    let hold = |value: f32, limit: u32| (value.round() as i64).clamp(0, i64::from(limit) - 1);
    let (left, upper) = (hold(label.x, picture.width()), hold(label.y, picture.height()));
    let right = hold(right - 1.0, picture.width()).max(left);
    let lower = hold(lower - 1.0, picture.height()).max(upper);
    Some((left, upper, right, lower))
}

fn fill(picture: &mut RgbImage, (left, upper, right, lower): (i64, i64, i64, i64), colour: [u8; 3]) {
    let (width, height) = (i64::from(picture.width()), i64::from(picture.height()));
    for y in upper.max(0)..=lower.min(height - 1) {
        for x in left.max(0)..=right.min(width - 1) {
            picture.put_pixel(x as u32, y as u32, image::Rgb(colour));
        }
    }
}

/// Four bars, `thick` pixels inwards from the edges.
fn draw_frame(
    picture: &mut RgbImage,
    (left, upper, right, lower): (i64, i64, i64, i64),
    scale: i64,
    colour: [u8; 3],
) {
    let inner = scale.max(2) - 1;
    fill(picture, (left, upper, right, (upper + inner).min(lower)), colour);
    fill(picture, (left, (lower - inner).max(upper), right, lower), colour);
    fill(picture, (left, upper, (left + inner).min(right), lower), colour);
    fill(picture, ((right - inner).max(left), upper, right, lower), colour);
}

/// A label that has its place: first and last column and row of its ground.
struct Placed {
    ground: (i64, i64, i64, i64),
    text: Vec<char>,
    colour: [u8; 3],
}

impl Placed {
    fn covers(&self, (left, upper, right, lower): (i64, i64, i64, i64)) -> bool {
        let (l, u, r, d) = self.ground;
        left <= r && l <= right && upper <= d && u <= lower
    }
}

/// Where a label goes: above the box, or inside its upper edge where there is no room above. Where that would cover a label placed
/// before, below the box, to its right or its left, or inside of it; where all of that does, as if there were no other. Never beyond
/// the border.
fn place(
    picture: &RgbImage,
    (left, upper, right, lower): (i64, i64, i64, i64),
    scale: i64,
    label: &BoxLabel,
    placed: &[Placed],
) -> Option<Placed> {
    let (width, height) = (i64::from(picture.width()), i64::from(picture.height()));
    let pad = 2 * scale;
    let room = ((width - 2 * pad) / (font::ADVANCE * scale)).max(0) as usize;
    let text: Vec<char> = label.text.chars().take(room).collect();
    if text.is_empty() {
        return None;
    }
    let wide = text.len() as i64 * font::ADVANCE * scale - scale + 2 * pad;
    let high = font::HEIGHT * scale + pad;
    let x = left.min(width - wide).max(0);
    let inside = upper.min(height - high).max(0);
    let ground = |(x, y): (i64, i64)| (x, y, x + wide - 1, y + high - 1);
    let first = (x, if upper >= high { upper - high } else { inside });
    let others =
        [(x, lower + 1), (right + 1, inside), (left - wide, inside), (x, inside), (x, lower + 1 - high)];
    let fits = |(x, y): &(i64, i64)| *x >= 0 && *y >= 0 && x + wide <= width && y + high <= height;
    let free = |at: &(i64, i64)| !placed.iter().any(|other| other.covers(ground(*at)));
    let at = if free(&first) {
        first
    } else {
        others.into_iter().find(|at| fits(at) && free(at)).unwrap_or(first)
    };
    Some(Placed { ground: ground(at), text, colour: label.colour })
}

/// The text on a ground of the box's colour.
fn draw_label(picture: &mut RgbImage, scale: i64, label: &Placed) {
    let pad = 2 * scale;
    let (x, y, ..) = label.ground;
    fill(picture, label.ground, label.colour);
    let [red, green, blue] = label.colour.map(u32::from);
    let ink = if 299 * red + 587 * green + 114 * blue > 110_000 { [16, 16, 20] } else { [255; 3] };
    for (place, letter) in label.text.iter().enumerate() {
        let corner = x + pad + place as i64 * font::ADVANCE * scale;
        for (row, bits) in font::glyph(*letter).iter().enumerate() {
            for column in (0..font::WIDTH).filter(|column| bits >> (font::WIDTH - 1 - column) & 1 == 1) {
                let (dot_x, dot_y) = (corner + column * scale, y + pad + row as i64 * scale);
                fill(picture, (dot_x, dot_y, dot_x + scale - 1, dot_y + scale - 1), ink);
            }
        }
    }
}

/// The bytes of a JPEG file of `picture`; `quality` from 1 to 100.
///
/// # Errors
/// A side beyond 65,535 pixels, or no pixels. `cause` names it; `file` is `memory`.
pub fn encode_jpeg(picture: &RgbImage, quality: u8) -> Result<Vec<u8>, DrawError> {
    let mut bytes = Vec::new();
    write_jpeg(picture, quality, &mut bytes)
        .map_err(|cause| DrawError::Write { file: "memory".into(), cause })?;
    Ok(bytes)
}

fn write_jpeg(picture: &RgbImage, quality: u8, to: &mut impl Write) -> Result<(), String> {
    let encoder = codecs::jpeg::JpegEncoder::new_with_quality(to, quality.clamp(1, 100));
    encoder
        .write_image(picture.as_raw(), picture.width(), picture.height(), ExtendedColorType::Rgb8)
        .map_err(|error| error.to_string())
}

/// Writes `picture` as PNG or JPEG, by the ending of the name.
///
/// # Errors
/// Another ending, or a file that cannot be written.
pub fn save(picture: &RgbImage, file: &Path) -> Result<(), DrawError> {
    let extension = file.extension().and_then(OsStr::to_str).unwrap_or_default().to_ascii_lowercase();
    let jpeg = match extension.as_str() {
        "png" => false,
        "jpg" | "jpeg" => true,
        _ => return Err(DrawError::Extension { file: file.to_path_buf() }),
    };
    let fail = |cause: String| DrawError::Write { file: file.to_path_buf(), cause };
    let mut to = BufWriter::new(File::create(file).map_err(|error| fail(error.to_string()))?);
    if jpeg {
        write_jpeg(picture, QUALITY, &mut to).map_err(fail)?;
    } else {
        codecs::png::PngEncoder::new(&mut to)
            .write_image(picture.as_raw(), picture.width(), picture.height(), ExtendedColorType::Rgb8)
            .map_err(|error| fail(error.to_string()))?;
    }
    // A full disk shows here at the latest, and not in silence when the buffer is dropped.
    to.flush().map_err(|error| fail(error.to_string()))
}

#[cfg(test)]
mod tests;
