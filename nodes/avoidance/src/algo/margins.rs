//! Class-aware margins: what the detector recognises is given more room. Margins only ever add.

use super::depth::Intrinsics;
use crate::error::AvoidanceError;

/// Part of the view, in tangents of the camera (x/z, y/z), whose surfaces get a wider margin.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct MarginBox {
    /// Left edge.
    pub x_min: f32,
    /// Right edge.
    pub x_max: f32,
    /// Upper edge.
    pub y_min: f32,
    /// Lower edge.
    pub y_max: f32,
    /// Metres to add to the margin, never negative.
    pub extra: f32,
}

/// The extra margin per class name.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct ClassMargins {
    entries: Vec<(String, f32)>,
}

impl ClassMargins {
    /// From entries `label=metres`, for example `person=0.5`.
    ///
    /// # Errors
    /// [`AvoidanceError::ClassMargin`] when an entry has another form or its metres are not in 0..=5.
    pub fn parse(entries: &[String]) -> Result<Self, AvoidanceError> {
        let read = |entry: &String| {
            let (label, metres) = entry.split_once('=')?;
            let metres: f32 = metres.trim().parse().ok()?;
            let label = label.trim();
            (!label.is_empty() && (0.0..=5.0).contains(&metres)).then(|| (label.to_owned(), metres))
        };
        let bad = |entry: &String| AvoidanceError::ClassMargin { entry: entry.clone() };
        let entries = entries.iter().map(|e| read(e).ok_or_else(|| bad(e))).collect::<Result<_, _>>()?;
        Ok(Self { entries })
    }

    /// Metres to add for `label`; 0 for a class without an entry.
    #[must_use]
    pub fn of(&self, label: &str) -> f32 {
        self.entries.iter().find(|(name, _)| name == label).map_or(0.0, |(_, metres)| *metres)
    }
}

/// A box in pixels of the colour camera as a part of the depth view.
///
/// The two cameras must look from the same place in the same direction (true of RGB-D cameras and of `drone_sim`).
/// `grow` widens the box on each side by that share of its size, for motion between the two exposures.
#[must_use]
pub fn margin_box(
    camera: &Intrinsics,
    center: (f64, f64),
    size: (f64, f64),
    extra: f32,
    grow: f64,
) -> Option<MarginBox> {
    let (half_w, half_h) = (size.0 * (0.5 + grow), size.1 * (0.5 + grow));
    let x = |px: f64| ((px - camera.cx) / camera.fx) as f32;
    let y = |px: f64| ((px - camera.cy) / camera.fy) as f32;
    let made = MarginBox {
        x_min: x(center.0 - half_w),
        x_max: x(center.0 + half_w),
        y_min: y(center.1 - half_h),
        y_max: y(center.1 + half_h),
        extra,
    };
    let sound = [made.x_min, made.x_max, made.y_min, made.y_max].iter().all(|v| v.is_finite());
    (sound && half_w > 0.0 && half_h > 0.0 && extra > 0.0).then_some(made)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn entries_parse_or_are_named() {
        let margins = ClassMargins::parse(&["person=0.5".into(), " stop sign = 0.1".into()]).unwrap();
        assert_eq!((margins.of("person"), margins.of("stop sign"), margins.of("cat")), (0.5, 0.1, 0.0));
        for bad in ["person", "person=-1", "=1", "a=nan", "a=9"] {
            let error = ClassMargins::parse(&[bad.into()]).unwrap_err().to_string();
            assert!(error.starts_with("PG-0704") && error.contains(bad), "{error}");
        }
    }

    #[test]
    fn boxes_turn_into_tangents_and_nonsense_is_dropped() {
        let k = Intrinsics::new(320.0, 320.0, 319.5, 239.5, 640, 480).unwrap();
        let b = margin_box(&k, (319.5, 239.5), (64.0, 32.0), 0.5, 0.0).unwrap();
        assert!((b.x_max - 0.1).abs() < 1e-6 && (b.y_min + 0.05).abs() < 1e-6);
        assert!(margin_box(&k, (f64::NAN, 0.0), (1.0, 1.0), 0.5, 0.1).is_none());
        assert!(margin_box(&k, (1.0, 1.0), (0.0, 1.0), 0.5, 0.1).is_none());
        assert!(margin_box(&k, (1.0, 1.0), (1.0, 1.0), 0.0, 0.1).is_none());
    }
}
