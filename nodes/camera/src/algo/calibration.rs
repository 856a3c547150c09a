//! A camera's calibration, from the YAML that ROS `camera_calibration` writes (camera_calibration_parsers).

use std::path::{Path, PathBuf};

use serde::Deserialize;

use super::bytes::read_prefix;
use crate::error::{CameraError, Result};

/// A calibration file has about 1 KB; more than this is something else.
const MAX_BYTES: u64 = 256 << 10;

/// The numbers of `sensor_msgs/CameraInfo`, in its order. Pixels; matrices by rows.
#[derive(Debug, Clone, PartialEq)]
pub struct Calibration {
    /// The camera's name in the file; may be empty.
    pub name: String,
    /// Pixels a row of the calibrated image.
    pub width: u32,
    /// Rows of the calibrated image.
    pub height: u32,
    /// `plumb_bob`, `rational_polynomial`, `equidistant`, or empty.
    pub model: String,
    /// Distortion, as many numbers as the model has.
    pub d: Vec<f64>,
    /// Focal lengths and principal point of the raw image. All zero: not calibrated.
    pub k: [f64; 9],
    /// Rotation to the rectified image.
    pub r: [f64; 9],
    /// Projection of the rectified image.
    pub p: [f64; 12],
}

impl Calibration {
    /// What ROS publishes for a camera that nobody has calibrated: the size, and K, R and P all zero, which
    /// `sensor_msgs/CameraInfo` defines as "uncalibrated". No focal length is made up: one that looks measured is worse
    /// than none.
    pub fn uncalibrated(width: u32, height: u32) -> Self {
        Self {
            name: String::new(),
            width,
            height,
            model: String::new(),
            d: Vec::new(),
            k: [0.0; 9],
            r: [0.0; 9],
            p: [0.0; 12],
        }
    }

    /// Whether K says anything.
    pub fn is_calibrated(&self) -> bool {
        self.k[0] != 0.0
    }
}

#[derive(Deserialize)]
struct File {
    image_width: u32,
    image_height: u32,
    #[serde(default)]
    camera_name: String,
    camera_matrix: Matrix,
    #[serde(default)]
    distortion_model: Option<String>,
    distortion_coefficients: Matrix,
    #[serde(default)]
    rectification_matrix: Option<Matrix>,
    #[serde(default)]
    projection_matrix: Option<Matrix>,
}

#[derive(Deserialize)]
struct Matrix {
    rows: usize,
    cols: usize,
    data: Vec<f64>,
}

impl Matrix {
    fn fixed<const N: usize>(&self, name: &str, rows: usize, cols: usize) -> Result<[f64; N], String> {
        let wrong = || {
            format!(
                "`{name}` is {} x {} with {} numbers, not {rows} x {cols}",
                self.rows,
                self.cols,
                self.data.len()
            )
        };
        if (self.rows, self.cols) != (rows, cols) {
            return Err(wrong());
        }
        let numbers: [f64; N] = self.data.as_slice().try_into().map_err(|_| wrong())?;
        finite(&numbers, name)?;
        Ok(numbers)
    }
}

fn finite(numbers: &[f64], name: &str) -> Result<(), String> {
    match numbers.iter().find(|number| !number.is_finite()) {
        Some(number) => Err(format!("`{name}` holds {number}, which is no number a camera can have")),
        None => Ok(()),
    }
}

/// Parses a calibration. Where rectification and projection are missing, they are the identity and K. `name` is the
/// file's, for messages. An entry point for fuzzing.
///
/// # Errors
/// [`CameraError::Calibration`] with the field or line that is wrong.
pub fn parse_calibration(name: &str, text: &str) -> Result<Calibration> {
    read(text).map_err(|cause| CameraError::Calibration { file: name.to_owned(), cause })
}

fn read(text: &str) -> Result<Calibration, String> {
    let file: File = serde_saphyr::from_str(text).map_err(|error| {
        // The first line says what and where; the rest is a drawing of the source.
        error.to_string().lines().next().unwrap_or("not readable").to_owned()
    })?;
    if file.image_width == 0 || file.image_height == 0 {
        return Err(format!("the image size is {} x {}", file.image_width, file.image_height));
    }
    let k: [f64; 9] = file.camera_matrix.fixed("camera_matrix", 3, 3)?;
    if k[0] < 0.0 || k[4] < 0.0 || (k[0] == 0.0) != (k[4] == 0.0) {
        return Err(format!("`camera_matrix` has focal lengths {} and {}", k[0], k[4]));
    }
    let d = file.distortion_coefficients;
    if d.rows.checked_mul(d.cols) != Some(d.data.len()) {
        let (rows, cols, count) = (d.rows, d.cols, d.data.len());
        return Err(format!("`distortion_coefficients` is {rows} x {cols} with {count} numbers"));
    }
    finite(&d.data, "distortion_coefficients")?;
    let model = file.distortion_model.unwrap_or_else(|| "plumb_bob".to_owned());
    let wanted: &[usize] = match model.as_str() {
        "plumb_bob" => &[0, 4, 5],
        "rational_polynomial" => &[8, 12, 14],
        "equidistant" => &[4],
        _ => {
            return Err(format!(
                "`distortion_model` is \"{}\"; plumb_bob, rational_polynomial and equidistant are known",
                model.escape_debug()
            ));
        }
    };
    if !wanted.contains(&d.data.len()) {
        return Err(format!(
            "`{model}` takes {wanted:?} distortion coefficients, the file gives {}",
            d.data.len()
        ));
    }
    let r = match file.rectification_matrix {
        Some(matrix) => matrix.fixed("rectification_matrix", 3, 3)?,
        None => [1.0, 0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0, 1.0],
    };
    let p = match file.projection_matrix {
        Some(matrix) => matrix.fixed("projection_matrix", 3, 4)?,
        None => [k[0], k[1], k[2], 0.0, k[3], k[4], k[5], 0.0, k[6], k[7], k[8], 0.0],
    };
    Ok(Calibration {
        name: file.camera_name,
        width: file.image_width,
        height: file.image_height,
        model,
        d: d.data,
        k,
        r,
        p,
    })
}

/// The path in a camera_info_url: `file:///path`, `file://localhost/path`, or a plain path.
///
/// # Errors
/// [`CameraError::Calibration`] for any other scheme; `package://` needs a ROS installation to look in.
pub fn calibration_path(url: &str) -> Result<PathBuf> {
    let Some((scheme, rest)) = url.split_once("://") else { return Ok(PathBuf::from(url)) };
    if scheme != "file" {
        let cause = format!("`{scheme}://` is not read here, give a path or file:///path");
        return Err(CameraError::Calibration { file: url.to_owned(), cause });
    }
    Ok(PathBuf::from(rest.strip_prefix("localhost").unwrap_or(rest)))
}

/// Reads the calibration at `url`; see [`calibration_path`] and [`parse_calibration`].
///
/// # Errors
/// The file is missing, unreadable, no text or no calibration.
pub fn load_calibration(url: &str) -> Result<Calibration> {
    let path: PathBuf = calibration_path(url)?;
    let bytes = read_prefix(Path::new(&path), MAX_BYTES)?;
    let bad = |cause: String| CameraError::Calibration { file: path.display().to_string(), cause };
    if bytes.len() as u64 >= MAX_BYTES {
        return Err(bad(format!("it has more than {MAX_BYTES} bytes")));
    }
    let text = String::from_utf8(bytes).map_err(|error| bad(error.to_string()))?;
    parse_calibration(&path.display().to_string(), &text)
}
