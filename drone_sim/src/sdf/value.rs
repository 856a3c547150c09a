//! Text of an element into numbers, with errors that say where and what.

use std::path::PathBuf;
use std::sync::Arc;

use nalgebra::{Isometry3, Quaternion, Translation3, UnitQuaternion, Vector3};

use super::xml::Element;
use crate::error::{Place, Result, SimError};

/// The file under the eyes, for error places.
#[derive(Debug, Clone)]
pub(super) struct Source {
    pub file: Arc<str>,
    /// The folder that relative URIs start from.
    pub folder: Option<PathBuf>,
}

impl Source {
    pub fn place(&self, e: &Element) -> Place {
        Place { file: self.file.clone(), line: e.line() }
    }

    pub fn bad(&self, e: &Element, value: &str, reason: &str, remedy: &str) -> SimError {
        let mut value = value.to_string();
        if let Some((cut, _)) = value.char_indices().nth(80) {
            value.truncate(cut);
            value.push_str("...");
        }
        SimError::Value {
            place: self.place(e),
            element: e.name().into(),
            value: value.into(),
            reason: reason.into(),
            remedy: remedy.into(),
        }
    }

    pub fn missing(&self, e: &Element, what: &str) -> SimError {
        SimError::Missing { place: self.place(e), element: e.name().to_string(), missing: what.to_string() }
    }

    /// The attribute `name`, which every named thing of SDF must have.
    pub fn name(&self, e: &Element) -> Result<String> {
        match e.attr("name").map(str::trim) {
            Some("") => Err(self.missing(e, "a name that is not empty")),
            Some(name) => Ok(name.to_string()),
            None => Err(self.missing(e, "the attribute name=\"...\"")),
        }
    }

    /// Numbers separated by white space; infinite ones are allowed, NaN is not.
    pub fn numbers(&self, e: &Element) -> Result<Vec<f64>> {
        let mut out = Vec::new();
        for word in e.text().split_whitespace() {
            match word.parse::<f64>() {
                Ok(x) if !x.is_nan() => out.push(x),
                _ => {
                    return Err(self.bad(
                        e,
                        e.text(),
                        &format!("and \"{word}\" is not a number"),
                        "Write plain decimal numbers.",
                    ));
                }
            }
        }
        Ok(out)
    }

    fn fixed<const N: usize>(&self, e: &Element) -> Result<[f64; N]> {
        let list = self.numbers(e)?;
        <[f64; N]>::try_from(list.as_slice()).map_err(|_| {
            self.bad(
                e,
                e.text(),
                &format!("which is {} numbers", list.len()),
                &format!("Write {N}, separated by blanks."),
            )
        })
    }

    pub fn number(&self, e: &Element) -> Result<f64> {
        Ok(self.fixed::<1>(e)?[0])
    }

    /// A finite length above zero, metres.
    pub fn length(&self, e: &Element) -> Result<f64> {
        let x = self.number(e)?;
        self.positive(e, x)?;
        Ok(x)
    }

    fn positive(&self, e: &Element, x: f64) -> Result<()> {
        if x.is_finite() && x > 0.0 {
            return Ok(());
        }
        Err(self.bad(e, e.text(), "which is no length", "Write metres, above zero."))
    }

    pub fn vector(&self, e: &Element) -> Result<Vector3<f64>> {
        let v = Vector3::from(self.fixed::<3>(e)?);
        if v.iter().all(|x| x.is_finite()) {
            return Ok(v);
        }
        Err(self.bad(e, e.text(), "which is not finite", "Write three finite numbers."))
    }

    /// Three lengths above zero.
    pub fn lengths(&self, e: &Element) -> Result<Vector3<f64>> {
        let v = self.vector(e)?;
        v.iter().try_for_each(|x| self.positive(e, *x))?;
        Ok(v)
    }

    pub fn lengths2(&self, e: &Element) -> Result<[f64; 2]> {
        let v = self.fixed::<2>(e)?;
        v.iter().try_for_each(|x| self.positive(e, *x))?;
        Ok(v)
    }

    pub fn boolean(&self, e: &Element) -> Result<bool> {
        match e.text().to_ascii_lowercase().as_str() {
            "true" | "1" => Ok(true),
            "false" | "0" => Ok(false),
            other => Err(self.bad(e, other, "which is no truth value", "Write true or false.")),
        }
    }

    /// The child's truth value, or `default` if it is absent.
    pub fn flag(&self, parent: &Element, child: &str, default: bool) -> Result<bool> {
        parent.child(child).map_or(Ok(default), |c| self.boolean(c))
    }

    pub fn color(&self, e: &Element) -> Result<[f32; 4]> {
        let list = self.numbers(e)?;
        let [r, g, b, a] = match list.as_slice() {
            [r, g, b] => [*r, *g, *b, 1.0],
            [r, g, b, a] => [*r, *g, *b, *a],
            _ => {
                return Err(self.bad(
                    e,
                    e.text(),
                    "which is no colour",
                    "Write red green blue alpha, each 0 to 1.",
                ));
            }
        };
        Ok([r, g, b, a].map(|x| x.clamp(0.0, 1.0) as f32))
    }

    /// `<pose>`: metres and roll-pitch-yaw (fixed axes x, y, z), radians or `degrees="true"`, or
    /// `rotation_format="quat_xyzw"`. Empty means identity.
    pub fn pose(&self, e: &Element) -> Result<Isometry3<f64>> {
        let degrees = e.attr("degrees").is_some_and(|v| matches!(v.trim(), "true" | "1" | "True"));
        let quaternion = match e.attr("rotation_format").map(str::trim) {
            None | Some("euler_rpy") => false,
            Some("quat_xyzw") => true,
            Some(other) => {
                return Err(self.bad(e, other, "an unknown rotation_format", "Use euler_rpy or quat_xyzw."));
            }
        };
        if quaternion && degrees {
            return Err(self.bad(e, "degrees", "which a quaternion does not have", "Drop the attribute."));
        }
        if e.text().is_empty() {
            return Ok(Isometry3::identity());
        }
        let (t, r) = if quaternion {
            let [x, y, z, qx, qy, qz, qw] = self.fixed::<7>(e)?;
            let q = Quaternion::new(qw, qx, qy, qz);
            if !(q.norm().is_finite() && q.norm() > 1e-9) {
                return Err(self.bad(
                    e,
                    e.text(),
                    "whose quaternion has no length",
                    "Write x y z qx qy qz qw.",
                ));
            }
            ([x, y, z], UnitQuaternion::from_quaternion(q))
        } else {
            let [x, y, z, roll, pitch, yaw] = self.fixed::<6>(e)?;
            let [roll, pitch, yaw] = [roll, pitch, yaw].map(|a| if degrees { a.to_radians() } else { a });
            ([x, y, z], UnitQuaternion::from_euler_angles(roll, pitch, yaw))
        };
        let pose = Isometry3::from_parts(Translation3::from(Vector3::from(t)), r);
        let finite = t.iter().all(|x| x.is_finite()) && pose.rotation.coords.iter().all(|x| x.is_finite());
        if finite {
            Ok(pose)
        } else {
            Err(self.bad(e, e.text(), "which is not finite", "Write finite numbers."))
        }
    }
}
