//! Boxes, and how much they overlap.

/// A box with sides along the axes: centre and size, in tangents of the camera (x / z, y / z).
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Rect {
    /// Centre, to the right.
    pub x: f64,
    /// Centre, downwards.
    pub y: f64,
    /// Width.
    pub w: f64,
    /// Height.
    pub h: f64,
}

impl Rect {
    /// The box with every side longer by `share` of its length at both ends.
    #[must_use]
    pub fn grown(&self, share: f64) -> Self {
        let by = 1.0 + 2.0 * share;
        Self { w: self.w * by, h: self.h * by, ..*self }
    }

    /// Intersection over union, 0 to 1; 0 when a box is empty or a number is missing.
    #[must_use]
    pub fn iou(&self, other: &Self) -> f64 {
        let along = |a: f64, aw: f64, b: f64, bw: f64| {
            ((a + aw / 2.0).min(b + bw / 2.0) - (a - aw / 2.0).max(b - bw / 2.0)).max(0.0)
        };
        let common = along(self.x, self.w, other.x, other.w) * along(self.y, self.h, other.y, other.h);
        let union = self.w * self.h + other.w * other.h - common;
        // Also false for NaN.
        if union > 0.0 { common / union } else { 0.0 }
    }

    /// The side of a square of the same area.
    #[must_use]
    pub fn scale(&self) -> f64 {
        (self.w * self.h).max(0.0).sqrt()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn overlaps_by_hand() {
        let a = Rect { x: 0.0, y: 0.0, w: 2.0, h: 2.0 };
        assert_eq!(a.iou(&a), 1.0);
        assert_eq!(a.iou(&Rect { x: 1.0, ..a }), 2.0 / 6.0);
        assert_eq!(a.iou(&Rect { x: 2.0, ..a }), 0.0);
        assert_eq!(a.iou(&Rect { x: 2.0, ..a }.grown(0.5)), 2.0 / 18.0);
        assert_eq!(a.iou(&Rect { w: f64::NAN, ..a }), 0.0);
        assert_eq!(Rect::default().iou(&Rect::default()), 0.0);
        assert_eq!(a.scale(), 2.0);
    }
}
