//! Text of an element into numbers, with errors that say where and what.

use std::cell::RefCell;
use std::path::PathBuf;
use std::rc::Rc;
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
    /// Version 1.N of the file.
    pub minor: u32,
    /// What was odd and forgiven, with its place.
    pub notes: Rc<RefCell<Vec<String>>>,
}

/// The shortest length that a shape may have, metres: Gazebo takes a zero, and then nothing is seen or touched.
const SHORTEST: f64 = 1e-9;

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

    /// Says that something odd was forgiven.
    pub fn note(&self, e: &Element, text: &str) {
        self.notes.borrow_mut().push(format!("{}: <{}> {text}", self.place(e), e.name()));
    }

    /// Numbers separated by white space; infinite ones are allowed, NaN is not. Letters after a number, as in `0.5m`,
    /// are dropped with a note, as the stream operators that Gazebo reads with drop them.
    pub fn numbers(&self, e: &Element) -> Result<Vec<f64>> {
        let mut out = Vec::new();
        for word in e.text().split_whitespace() {
            let (number, rest) = leading_number(word);
            match number.filter(|x| !x.is_nan()) {
                Some(x) => out.push(x),
                None => {
                    return Err(self.bad(
                        e,
                        e.text(),
                        &format!("and \"{word}\" is not a number"),
                        "Write plain decimal numbers.",
                    ));
                }
            }
            if !rest.is_empty() {
                self.note(e, &format!("holds \"{word}\", read without \"{rest}\""));
            }
        }
        Ok(out)
    }

    /// The first N numbers; more are dropped with a note, as Gazebo drops them.
    fn fixed<const N: usize>(&self, e: &Element) -> Result<[f64; N]> {
        let list = self.numbers(e)?;
        if list.len() > N {
            self.note(e, &format!("holds {} numbers, the first {N} are used", list.len()));
        }
        list.first_chunk::<N>().copied().ok_or_else(|| self.count(e, list.len(), N))
    }

    /// Exactly N numbers.
    fn exact<const N: usize>(&self, e: &Element) -> Result<[f64; N]> {
        let list = self.numbers(e)?;
        <[f64; N]>::try_from(list.as_slice()).map_err(|_| self.count(e, list.len(), N))
    }

    fn count(&self, e: &Element, have: usize, want: usize) -> SimError {
        let remedy = format!("Write {want}, separated by blanks.");
        self.bad(e, e.text(), &format!("which is {have} numbers"), &remedy)
    }

    pub fn number(&self, e: &Element) -> Result<f64> {
        Ok(self.fixed::<1>(e)?[0])
    }

    /// The child, if there is one that holds something. An empty one keeps its default, as with libsdformat, and is noted.
    pub fn filled<'e>(&self, parent: &'e Element, child: &str) -> Option<&'e Element> {
        let found = parent.child(child)?;
        if found.text().trim().is_empty() {
            self.note(found, "is empty, its default is used");
            return None;
        }
        Some(found)
    }

    /// The child's number, or `default` if it is absent.
    pub fn number_or(&self, parent: &Element, child: &str, default: f64) -> Result<f64> {
        self.filled(parent, child).map_or(Ok(default), |c| self.number(c))
    }

    /// A count, at least `least`.
    pub fn whole(&self, parent: &Element, child: &str, default: u32, least: u32) -> Result<u32> {
        let Some(e) = self.filled(parent, child) else { return Ok(default) };
        let x = self.number(e)?;
        if (f64::from(least)..=f64::from(u32::MAX)).contains(&x.trunc()) {
            return Ok(x as u32);
        }
        self.note(
            e,
            &format!("holds \"{}\", which is no count from {least} on, {default} is used", e.text()),
        );
        Ok(default)
    }

    /// A finite length above zero, metres. What is none is repaired with a note.
    pub fn length(&self, e: &Element) -> Result<f64> {
        let x = self.number(e)?;
        Ok(self.positive(e, x))
    }

    fn positive(&self, e: &Element, x: f64) -> f64 {
        if x.is_finite() && x >= SHORTEST {
            return x;
        }
        self.note(e, &format!("holds \"{}\", which is no length above zero", e.text()));
        if x.is_finite() { x.abs().max(SHORTEST) } else { 1e6 }
    }

    pub fn vector(&self, e: &Element) -> Result<Vector3<f64>> {
        let v = Vector3::from(self.fixed::<3>(e)?);
        if v.iter().all(|x| x.is_finite()) {
            return Ok(v);
        }
        Err(self.bad(e, e.text(), "which is not finite", "Write three finite numbers."))
    }

    /// The child's vector, or `default` if it is absent.
    pub fn vector_or(&self, parent: &Element, child: &str, default: Vector3<f64>) -> Result<Vector3<f64>> {
        self.filled(parent, child).map_or(Ok(default), |c| self.vector(c))
    }

    /// Three lengths above zero.
    pub fn lengths(&self, e: &Element) -> Result<Vector3<f64>> {
        Ok(self.vector(e)?.map(|x| self.positive(e, x)))
    }

    pub fn lengths2(&self, e: &Element) -> Result<[f64; 2]> {
        Ok(self.fixed::<2>(e)?.map(|x| self.positive(e, x)))
    }

    pub fn pair(&self, e: &Element) -> Result<[f64; 2]> {
        let v = self.fixed::<2>(e)?;
        if v.iter().all(|x| x.is_finite()) {
            return Ok(v);
        }
        Err(self.bad(e, e.text(), "which is not finite", "Write two finite numbers."))
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
        self.filled(parent, child).map_or(Ok(default), |c| self.boolean(c))
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
        let inside = [r, g, b, a].map(|x| x.clamp(0.0, 1.0));
        if inside != [r, g, b, a] {
            self.note(e, &format!("holds \"{}\", whose parts are kept from 0 to 1", e.text()));
        }
        Ok(inside.map(|x| x as f32))
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
            let [x, y, z, qx, qy, qz, qw] = self.exact::<7>(e)?;
            let q = Quaternion::new(qw, qx, qy, qz);
            if q.norm().is_finite() && q.norm() > 1e-9 {
                ([x, y, z], UnitQuaternion::from_quaternion(q))
            } else {
                self.note(e, "has a quaternion without a length, which turns nothing");
                ([x, y, z], UnitQuaternion::identity())
            }
        } else {
            let [x, y, z, roll, pitch, yaw] = self.exact::<6>(e)?;
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

/// The longest number that `word` begins with, and what is left of the word.
fn leading_number(word: &str) -> (Option<f64>, &str) {
    if let Ok(x) = word.parse::<f64>() {
        return (Some(x), "");
    }
    // Bit masks and the like; the functions that Gazebo reads with know them.
    let (negative, digits) = word.strip_prefix('-').map_or((false, word), |rest| (true, rest));
    if let Some(hex) = digits.strip_prefix("0x").or_else(|| digits.strip_prefix("0X"))
        && let Ok(x) = u64::from_str_radix(hex, 16)
    {
        return (Some(if negative { -(x as f64) } else { x as f64 }), "");
    }
    // Only what can stand in a decimal number: a longer look would make hostile words expensive.
    let end = word.find(|c: char| !(c.is_ascii_digit() || "+-.eE".contains(c))).unwrap_or(word.len()).min(64);
    let ends = (1..=end).rev().filter(|i| word.is_char_boundary(*i));
    for end in ends {
        if let Ok(x) = word[..end].parse::<f64>() {
            return (Some(x), &word[end..]);
        }
    }
    (None, word)
}

#[cfg(test)]
mod tests {
    use super::leading_number;

    #[test]
    fn a_number_may_be_followed_by_letters() {
        assert_eq!(leading_number("0.5m"), (Some(0.5), "m"));
        assert_eq!(leading_number("1e3x"), (Some(1000.0), "x"));
        assert_eq!(leading_number("1e"), (Some(1.0), "e"));
        assert_eq!(leading_number("-.5"), (Some(-0.5), ""));
        assert_eq!(leading_number("0x1F"), (Some(31.0), ""));
        assert_eq!(leading_number("-0x10"), (Some(-16.0), ""));
        assert_eq!(leading_number("two").0, None);
        assert_eq!(leading_number("1\u{e9}"), (Some(1.0), "\u{e9}"));
    }
}
