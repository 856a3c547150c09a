//! What image a writer asks a slot for.

use crate::cdr::FRAME_ID_MAX;
use crate::{Encoding, Error, Result};

/// Shape of the image that a loan is for, with the meaning of the fields of `sensor_msgs/msg/Image`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ImageSpec<'a> {
    /// Columns, pixels.
    pub width: u32,
    /// Rows, pixels.
    pub height: u32,
    /// Meaning of the bytes.
    pub encoding: Encoding,
    /// Bytes from one row to the next, padding included. For `Jpeg`: ignored by the size rule below, stored as given.
    pub step: u32,
    /// tf2 frame of the camera (optical: x right, y down, z forward); at most [`FRAME_ID_MAX`] bytes.
    pub frame_id: &'a str,
}

impl<'a> ImageSpec<'a> {
    /// A spec without row padding: `step = width * bytes_per_pixel`.
    pub fn packed(width: u32, height: u32, encoding: Encoding, frame_id: &'a str) -> Self {
        Self { width, height, encoding, step: width.saturating_mul(encoding.bytes_per_pixel()), frame_id }
    }

    /// Bytes of pixels: `step * height`, for `nv12` `step * height * 3 / 2`. `None` for `jpeg`, whose length is not known yet.
    pub fn payload_len(&self) -> Option<u64> {
        let plane = u64::from(self.step) * u64::from(self.height);
        match self.encoding {
            Encoding::Jpeg => None,
            Encoding::Nv12 => Some(plane + plane / 2),
            _ => Some(plane),
        }
    }

    /// Checks the fields against each other.
    ///
    /// # Errors
    /// `PG-0106` for the frame id, `PG-0107` for contradictions of size, step and encoding.
    pub fn check(&self) -> Result {
        if self.frame_id.len() > FRAME_ID_MAX || self.frame_id.contains('\0') {
            return Err(Error::FrameId {
                frame_id: self.frame_id.to_owned(),
                len: self.frame_id.len(),
                max: FRAME_ID_MAX,
            });
        }
        let row = u64::from(self.width) * u64::from(self.encoding.bytes_per_pixel());
        if self.encoding == Encoding::Message {
            Err(self.reject("a message is no image; use `loan_message`"))
        } else if self.width == 0 || self.height == 0 {
            Err(self.reject("width and height must be at least 1"))
        } else if self.encoding != Encoding::Jpeg && u64::from(self.step) < row {
            Err(self.reject("step must be at least width times bytes per pixel"))
        } else if matches!(self.encoding, Encoding::Nv12 | Encoding::Yuyv) && !self.width.is_multiple_of(2) {
            Err(self.reject("subsampled colour needs an even width"))
        } else if self.encoding == Encoding::Nv12 && !self.height.is_multiple_of(2) {
            Err(self.reject("4:2:0 colour needs an even height"))
        } else if self.payload_len().is_some_and(|n| n > u64::from(u32::MAX)) {
            Err(self.reject("a message's data is limited to 4 GiB"))
        } else {
            Ok(())
        }
    }

    fn reject(&self, reason: &'static str) -> Error {
        Error::ImageSpec {
            width: self.width,
            height: self.height,
            encoding: self.encoding.as_str(),
            step: self.step,
            reason,
        }
    }
}
