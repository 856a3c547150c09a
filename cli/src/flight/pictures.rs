//! Camera frames for the report: for each class the frame where it was seen best, with its boxes.

use std::collections::{BTreeMap, VecDeque};

use image::RgbImage;
use peregrine_core::{Encoding, Frame};

use crate::draw::{BoxLabel, draw_boxes, encode_jpeg, name_colour};
use crate::report::score::{FoundBox, Verdict};
use crate::report::{AnnotatedFrame, FrameLabel};

/// Frames kept until the detector has answered them.
const WAITING: usize = 6;
/// Most frames in a report.
const MOST: usize = 8;

/// The frames on their way into the report.
#[derive(Debug, Default)]
pub struct Pictures {
    wanted: bool,
    waiting: VecDeque<(i64, RgbImage)>,
    first: Option<(i64, RgbImage)>,
    best: BTreeMap<String, Seen>,
}

#[derive(Debug)]
struct Seen {
    stamp: i64,
    worth: f64,
    picture: RgbImage,
    found: Vec<(FoundBox, Verdict)>,
}

impl Pictures {
    /// Keeps frames if they are `wanted`.
    pub fn new(wanted: bool) -> Self {
        Self { wanted, ..Self::default() }
    }

    /// Copies a colour frame, in case the detector finds something in it.
    pub fn keep(&mut self, frame: &Frame) {
        if !self.wanted || frame.encoding() != Encoding::Rgb8 || frame.step() != frame.width() * 3 {
            return;
        }
        let bytes = frame.bytes();
        // The oldest picture's memory is used again.
        let mut picture =
            if self.waiting.len() >= WAITING { self.waiting.pop_front().map(|(_, p)| p) } else { None }
                .filter(|p| p.as_raw().len() == bytes.len())
                .unwrap_or_else(|| RgbImage::new(frame.width(), frame.height()));
        picture.copy_from_slice(bytes);
        if self.first.is_none() {
            self.first = Some((frame.stamp_ns(), picture.clone()));
        }
        self.waiting.push_back((frame.stamp_ns(), picture));
    }

    /// Takes note of what the network found in the frame of that stamp.
    pub fn detected(&mut self, stamp: i64, found: &[FoundBox], verdicts: &[Verdict]) {
        let Some((_, picture)) = self.waiting.iter().find(|(s, _)| *s == stamp) else { return };
        for (b, verdict) in found.iter().zip(verdicts) {
            // A right detection is worth more than any wrong one; both are shown when there is room.
            let worth = b.score + f64::from(u8::from(*verdict == Verdict::Hit));
            if self.best.get(&b.class).is_some_and(|seen| seen.worth >= worth) {
                continue;
            }
            let found = found.iter().cloned().zip(verdicts.iter().copied()).collect();
            self.best.insert(b.class.clone(), Seen { stamp, worth, picture: picture.clone(), found });
        }
    }

    /// The frames with their boxes drawn in, in order of time.
    pub fn annotate(&mut self) -> Vec<AnnotatedFrame> {
        let mut seen: Vec<Seen> = std::mem::take(&mut self.best).into_values().collect();
        seen.sort_by(|a, b| b.worth.total_cmp(&a.worth));
        let mut stamps = Vec::new();
        seen.retain(|s| {
            !stamps.contains(&s.stamp) && {
                stamps.push(s.stamp);
                true
            }
        });
        seen.truncate(MOST);
        if let (Some((stamp, picture)), true) = (self.first.take(), seen.len() < 3) {
            seen.push(Seen { stamp, worth: 0.0, picture, found: Vec::new() });
        }
        seen.sort_by_key(|s| s.stamp);
        seen.into_iter().filter_map(annotated).collect()
    }
}

fn annotated(mut seen: Seen) -> Option<AnnotatedFrame> {
    seen.found.sort_by(|a, b| b.0.score.total_cmp(&a.0.score));
    let boxes: Vec<BoxLabel> = seen.found.iter().map(|(b, _)| label(b)).collect();
    draw_boxes(&mut seen.picture, &boxes);
    let labels = seen
        .found
        .into_iter()
        .map(|(b, verdict)| FrameLabel { class: b.class, score: b.score, verdict })
        .collect();
    let image = encode_jpeg(&seen.picture, 85).ok()?;
    Some(AnnotatedFrame { t: seen.stamp as f64 * 1e-9, caption: String::new(), image, labels })
}

fn label(b: &FoundBox) -> BoxLabel {
    BoxLabel {
        x: b.rect.x as f32,
        y: b.rect.y as f32,
        width: b.rect.width as f32,
        height: b.rect.height as f32,
        text: format!("{} {:.2}", b.class, b.score),
        colour: name_colour(&b.class),
    }
}
