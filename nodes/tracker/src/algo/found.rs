//! A detection that is fit to be used.

use super::classes::Label;
use super::rect::Rect;

/// One detection, in tangents of the colour camera.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Found {
    /// Its box.
    pub rect: Rect,
    /// Its score, 0 to 1.
    pub score: f64,
    /// Its label.
    pub label: Label,
    /// Depth of its surface along the optical axis, metres, when known.
    pub depth: Option<f64>,
}

/// Larger tangents are behind the camera or no box at all.
const LARGEST: f64 = 1e4;

impl Found {
    /// `None` when a number is missing or the box is empty.
    #[must_use]
    pub fn checked(rect: Rect, score: f64, label: Label) -> Option<Self> {
        let Rect { x, y, w, h } = rect;
        let sound = [x, y, w, h].iter().all(|v| v.abs() < LARGEST) && w > 0.0 && h > 0.0 && score.is_finite();
        sound.then(|| Self { rect, score: score.clamp(0.0, 1.0), label, depth: None })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nonsense_is_no_detection() {
        let rect = Rect { x: 0.1, y: 0.1, w: 0.1, h: 0.1 };
        assert_eq!(Found::checked(rect, 7.0, Label(0)).unwrap().score, 1.0);
        for bad in [f64::NAN, f64::INFINITY, -1.0, 0.0, 1e9] {
            assert_eq!(Found::checked(Rect { w: bad, ..rect }, 0.5, Label(0)), None);
        }
        assert_eq!(Found::checked(Rect { x: f64::NAN, ..rect }, 0.5, Label(0)), None);
        assert_eq!(Found::checked(rect, f64::NAN, Label(0)), None);
    }
}
