//! `<joint>`, with its axes.

use nalgebra::{Isometry3, Vector3};

use super::frames::RawPose;
use super::parse::Parser;
use super::types::{Joint, JointAxis, JointKind};
use super::value::Source;
use super::xml::Element;
use crate::error::Result;

/// A joint with poses and axes as written.
#[derive(Debug, Clone)]
pub(super) struct RawJoint {
    pub joint: Joint,
    pub pose: RawPose,
    /// What the axes are expressed in, where it is not the joint's own frame.
    pub expressed_in: [Option<String>; 2],
}

impl Parser<'_> {
    pub(super) fn joint(&mut self, src: &Source, e: &Element) -> Result<RawJoint> {
        let word =
            e.attr("type").map(str::trim).ok_or_else(|| src.missing(e, "the attribute type=\"...\""))?;
        let Some(kind) = JointKind::from_name(word) else {
            return Err(src.bad(
                e,
                word,
                "an unknown type of joint",
                "Use ball, continuous, fixed, gearbox, prismatic, revolute, revolute2, screw or universal.",
            ));
        };
        let end = |tag: &str| match e.child(tag) {
            // Before 1.7 some files wrote <child><link_name>; the text is then inside.
            Some(c) => Ok(c.child("link_name").map_or(c.text(), Element::text).to_string()),
            None => Err(src.missing(e, &format!("<{tag}>"))),
        };
        let (parent, child) = (end("parent")?, end("child")?);
        let (axis, first) = self.axis(src, e, "axis")?;
        let (axis2, second) = self.axis(src, e, "axis2")?;
        let thread_pitch = match e.child("screw_thread_pitch") {
            Some(p) => src.number(p)?,
            None => src.number_or(e, "thread_pitch", 1.0)?,
        };
        let gearbox_ratio = src.number_or(e, "gearbox_ratio", 1.0)?;
        for quiet in ["physics", "gearbox_reference_body"] {
            e.child(quiet).into_iter().for_each(Element::mark_all);
        }
        let sensors = self.sensors(src, e)?.into_iter().map(|s| s.spec).collect();
        let pose = Isometry3::identity();
        let name = src.name(e)?;
        let joint =
            Joint { name, kind, parent, child, pose, axis, axis2, thread_pitch, gearbox_ratio, sensors };
        Ok(RawJoint { joint, pose: self.pose(src, e)?, expressed_in: [first, second] })
    }

    fn axis(
        &mut self,
        src: &Source,
        joint: &Element,
        tag: &str,
    ) -> Result<(Option<JointAxis>, Option<String>)> {
        let Some(a) = joint.child(tag) else { return Ok((None, None)) };
        let mut out = JointAxis::default();
        let mut expressed_in = None;
        // Up to 1.4 axes were in the model's frame always, then on request.
        if src.minor <= 4 || src.minor <= 6 && src.flag(a, "use_parent_model_frame", false)? {
            expressed_in = Some("__model__".to_string());
        }
        a.child("use_parent_model_frame").into_iter().for_each(Element::mark);
        if let Some(xyz) = a.child("xyz") {
            let wish = xyz.attr("expressed_in").map(str::trim).filter(|s| !s.is_empty());
            expressed_in = wish.map(str::to_string).or(expressed_in);
            out.xyz = src.vector(xyz)?.try_normalize(1e-12).unwrap_or_else(|| {
                src.note(xyz, "is no direction, z is used");
                Vector3::z()
            });
        }
        if let Some(d) = a.child("dynamics") {
            out.damping = src.number_or(d, "damping", 0.0)?;
            out.friction = src.number_or(d, "friction", 0.0)?;
            out.spring_reference = src.number_or(d, "spring_reference", 0.0)?;
            out.spring_stiffness = src.number_or(d, "spring_stiffness", 0.0)?;
        }
        if let Some(l) = a.child("limit") {
            // libsdformat reads a bound below zero as none.
            let bound = |tag| src.number_or(l, tag, -1.0).map(|x| if x < 0.0 { f64::INFINITY } else { x });
            out.lower = src.number_or(l, "lower", out.lower)?;
            out.upper = src.number_or(l, "upper", out.upper)?;
            (out.effort, out.velocity) = (bound("effort")?, bound("velocity")?);
            for quiet in ["stiffness", "dissipation"] {
                l.child(quiet).into_iter().for_each(Element::mark);
            }
        }
        Ok((Some(out), expressed_in))
    }
}
