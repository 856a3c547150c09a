//! What can go wrong between a file or device and a frame. Every variant names the file, the place, the cause and
//! the remedy, and starts with a stable code of the block PG-05xx.

use std::io;
use std::path::PathBuf;

/// The error of every fallible function of this crate.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CameraError {
    /// The file, directory or device could not be opened or read.
    #[error("PG-0501: cannot read `{}`: {cause}; check the path and that this user may read it", .file.display())]
    Read {
        /// What was to be read.
        file: PathBuf,
        /// What the operating system said.
        #[source]
        cause: io::Error,
    },
    /// The first bytes belong to no format this crate reads.
    #[error(
        "PG-0502: `{}` is no image or video this node reads (it starts with {found}); give a JPEG or PNG image, \
         an .mjpeg, .avi (MJPG) or .y4m video, or a directory of images", .file.display()
    )]
    UnknownFormat {
        /// The file.
        file: PathBuf,
        /// Its first bytes, printable.
        found: String,
    },
    /// The data end before the frame does.
    #[error(
        "PG-0503: `{}` ends at byte {offset}, in the middle of {what}; copy or record the file again, or set \
         `skip_bad` to pass over such frames", .file.display()
    )]
    Truncated {
        /// The file.
        file: PathBuf,
        /// Where the data end, in bytes from the start of the file.
        offset: u64,
        /// What was being read there.
        what: &'static str,
    },
    /// The data contradict their format.
    #[error(
        "PG-0504: `{}` is damaged at byte {offset}: {cause}; write the file again, or set `skip_bad` to pass over \
         such frames", .file.display()
    )]
    Malformed {
        /// The file.
        file: PathBuf,
        /// Where, in bytes from the start of the file.
        offset: u64,
        /// What is wrong there.
        cause: String,
    },
    /// The frame is larger than the limits allow.
    #[error(
        "PG-0505: `{}` claims a frame of {width} x {height} pixels at byte {offset}, above the limit of {max_side} \
         pixels a side and {max_bytes} bytes a frame; scale the image down, or raise the limits", .file.display()
    )]
    TooLarge {
        /// The file.
        file: PathBuf,
        /// Where the size is stated, in bytes from the start of the file.
        offset: u64,
        /// Claimed width in pixels.
        width: u64,
        /// Claimed height in pixels.
        height: u64,
        /// The limit in pixels.
        max_side: u32,
        /// The limit in bytes of decoded pixels.
        max_bytes: u64,
    },
    /// The frame has no pixels.
    #[error(
        "PG-0506: `{}` states a frame of {width} x {height} pixels at byte {offset}, which shows nothing; \
         write the file again with a real size", .file.display()
    )]
    ZeroSize {
        /// The file.
        file: PathBuf,
        /// Where the size is stated, in bytes from the start of the file.
        offset: u64,
        /// Stated width in pixels.
        width: u64,
        /// Stated height in pixels.
        height: u64,
    },
    /// A directory without images.
    #[error(
        "PG-0507: the directory `{}` holds no image ({entries} other entries); put .jpg, .jpeg or .png files into \
         it, or name another directory", .file.display()
    )]
    NoImages {
        /// The directory.
        file: PathBuf,
        /// How many entries were seen that are no images.
        entries: usize,
    },
    /// A format that is known but not decoded here.
    #[error("PG-0508: `{}` uses {what} at byte {offset}, which this node does not decode; {remedy}", .file.display())]
    Unsupported {
        /// The file.
        file: PathBuf,
        /// Where it says so, in bytes from the start of the file.
        offset: u64,
        /// The feature that is missing.
        what: String,
        /// How to get round it.
        remedy: &'static str,
    },
    /// A frame does not fit the slot that was loaned for it.
    #[error(
        "PG-0509: a frame of `{}` needs {needed} bytes and the frame slots hold {slot}; frames of one stream must \
         not grow: scale them to one size, or raise `slot_bytes`", .file.display()
    )]
    SlotTooSmall {
        /// The file.
        file: PathBuf,
        /// Bytes of the decoded frame.
        needed: usize,
        /// Bytes of a slot.
        slot: usize,
    },
    /// A whole pass over a directory or stream gave no frame.
    #[error("PG-0510: no frame of `{}` could be decoded ({bad} were bad); the last one failed so: {last}", .file.display())]
    NothingGood {
        /// The directory or stream.
        file: PathBuf,
        /// How many frames were bad.
        bad: u64,
        /// The message of the last failure.
        last: String,
    },
    /// The calibration file is wrong.
    #[error(
        "PG-0511: the calibration `{file}` is not usable: {cause}; it must be the YAML that ROS `camera_calibration` \
         writes"
    )]
    Calibration {
        /// The file or URL.
        file: String,
        /// What is wrong, with the field's name or the line.
        cause: String,
    },
    /// A parameter is wrong or missing.
    #[error("PG-0512: the parameter `{name}` is `{value}`, which does not work: {remedy}")]
    Parameter {
        /// Its name.
        name: &'static str,
        /// Its value.
        value: String,
        /// What to give instead.
        remedy: String,
    },
    /// A capture device failed or went away.
    #[error("PG-0513: the camera device `{}` {what}: {cause}; {remedy}", .file.display())]
    Device {
        /// The device node.
        file: PathBuf,
        /// What was being done.
        what: &'static str,
        /// What the driver said.
        cause: String,
        /// What to do about it.
        remedy: &'static str,
    },
    /// The calibration is of another image size.
    #[error(
        "PG-0514: the calibration `{file}` is of {calibrated} pixels, the frames have {frames}; calibrate at the size \
         that is published, or leave `camera_info_url` empty"
    )]
    CalibrationSize {
        /// The file or URL.
        file: String,
        /// Width x height of the calibration.
        calibrated: String,
        /// Width x height of the frames.
        frames: String,
    },
    /// A topic that frames should come from is silent.
    #[error(
        "PG-0515: no frame has come on `{topic}` for {seconds:.1} s; check that its publisher runs and that `image_in` is \
         remapped to it"
    )]
    Stale {
        /// The full name of the topic.
        topic: String,
        /// Seconds of the node clock.
        seconds: f64,
    },
}

/// The result of this crate.
pub type Result<T, E = CameraError> = std::result::Result<T, E>;

/// What a parser over plain bytes found wrong, before a file name is known.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Defect {
    /// The bytes end at `offset`, in the middle of `what`.
    Truncated {
        /// Bytes from the start of what was parsed.
        offset: u64,
        /// What was being read.
        what: &'static str,
    },
    /// The bytes at `offset` contradict the format.
    Malformed {
        /// Bytes from the start of what was parsed.
        offset: u64,
        /// What is wrong.
        cause: String,
    },
    /// The bytes use a feature that is not decoded here.
    Unsupported {
        /// Bytes from the start of what was parsed.
        offset: u64,
        /// The feature.
        what: String,
        /// How to get round it.
        remedy: &'static str,
    },
}

impl Defect {
    /// Names the file, and shifts the offset by `base`, the byte of the file at which the parsed bytes start.
    pub fn within(self, file: &std::path::Path, base: u64) -> CameraError {
        let file = file.to_path_buf();
        match self {
            Defect::Truncated { offset, what } => {
                CameraError::Truncated { file, offset: base.saturating_add(offset), what }
            }
            Defect::Malformed { offset, cause } => {
                CameraError::Malformed { file, offset: base.saturating_add(offset), cause }
            }
            Defect::Unsupported { offset, what, remedy } => {
                CameraError::Unsupported { file, offset: base.saturating_add(offset), what, remedy }
            }
        }
    }
}

impl CameraError {
    /// Whether another frame of the same directory or stream may still be good.
    pub fn is_one_frame(&self) -> bool {
        !matches!(self, CameraError::NoImages { .. } | CameraError::NothingGood { .. })
    }
}
