//! What a child is told to do, and what it tells when it is done.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

/// The result of everything in here: this is a program for developers, who read the text.
pub(crate) type Outcome<T = ()> = Result<T, Box<dyn std::error::Error>>;

/// A picture of interleaved red, green, blue.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Size {
    pub name: Name,
    pub width: u32,
    pub height: u32,
}

/// What people call it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Name {
    #[serde(rename = "VGA")]
    Vga,
    #[serde(rename = "1080p")]
    FullHd,
    #[serde(rename = "4K")]
    Uhd,
}

impl Size {
    pub const VGA: Size = Size { name: Name::Vga, width: 640, height: 480 };
    pub const FULL_HD: Size = Size { name: Name::FullHd, width: 1920, height: 1080 };
    pub const UHD: Size = Size { name: Name::Uhd, width: 3840, height: 2160 };

    /// Bytes of one frame.
    pub fn bytes(self) -> usize {
        self.width as usize * self.height as usize * 3
    }

    pub fn label(self) -> &'static str {
        match self.name {
            Name::Vga => "VGA",
            Name::FullHd => "1080p",
            Name::Uhd => "4K",
        }
    }
}

/// Frames per second of a camera.
pub(crate) const CAMERA_HZ: f64 = 30.0;

/// Frames per second that are counted for a subject which goes as fast as it can and is told how many.
const FLOOD_HZ: f64 = 200_000.0;

/// One measurement of one subject.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Job {
    /// The subject's name.
    pub subject: String,
    pub size: Size,
    /// Frames per second; as fast as it goes when absent.
    pub hz: Option<f64>,
    /// Length of the measured window, s.
    pub seconds: f64,
    /// Reading processes.
    pub readers: usize,
    /// Unique to this measurement.
    pub topic: String,
    /// A folder of its own, for sockets.
    pub folder: PathBuf,
}

impl Job {
    /// Frames of the window, for a subject that counts them.
    pub fn frames(&self) -> u64 {
        (self.seconds * self.hz.unwrap_or(FLOOD_HZ)).round() as u64
    }
}

/// A child's part in a job.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Part {
    /// Publishes.
    Publisher,
    /// Reads.
    Reader,
    /// Both, in one process.
    Whole,
    /// Takes frames until it may hold no more, and waits for its end.
    Holder,
    /// Publishes while holders are killed.
    Survivor,
}

/// What a publisher tells of the measured window.
#[derive(Debug, Clone, Copy, Default, Serialize, Deserialize)]
pub(crate) struct Published {
    pub frames: u64,
    /// Times that no memory was to be had for a frame.
    pub failed_loans: u64,
    pub cpu_ns: u64,
    pub allocations: u64,
    /// Length of the window, ns.
    pub window_ns: u64,
}

/// What a reader tells of the measured window.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(crate) struct Read {
    pub frames: u64,
    /// Frames whose last bytes were not of the same frame as their first.
    pub torn: u64,
    pub cpu_ns: u64,
    pub allocations: u64,
    /// Sorted; thinned evenly if there were very many.
    pub latencies_ns: Vec<u64>,
}

/// What one measurement of one subject brought.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(crate) struct Measured {
    pub published: Published,
    /// One for each reader. In-process subjects count CPU and allocations at the publisher alone.
    pub read: Vec<Read>,
}
