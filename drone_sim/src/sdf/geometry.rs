//! `<geometry>` into a [`Shape`].

use nalgebra::{Unit, Vector3};

use super::load::MeshPolicy;
use super::parse::Parser;
use super::value::Source;
use super::xml::Element;
use crate::error::Result;
use crate::shape::Shape;

impl Parser<'_> {
    /// The shape, or `None` if there is none that the simulator knows (which the report then says).
    pub(super) fn geometry(&mut self, src: &Source, owner: &Element) -> Result<Option<Shape>> {
        let Some(g) = owner.child("geometry") else { return Err(src.missing(owner, "<geometry>")) };
        if let Some(e) = g.child("box") {
            let size = self.default(src, e, "size", Vector3::repeat(1.0), |c| src.lengths(c))?;
            return Ok(Some(Shape::Box { size }));
        }
        if let Some(e) = g.child("cylinder") {
            let (radius, length) = self.radius_length(src, e, 1.0, 1.0)?;
            return Ok(Some(Shape::Cylinder { radius, length }));
        }
        if let Some(e) = g.child("sphere") {
            let radius = self.default(src, e, "radius", 1.0, |c| src.length(c))?;
            return Ok(Some(Shape::Sphere { radius }));
        }
        if let Some(e) = g.child("capsule") {
            let (radius, length) = self.radius_length(src, e, 0.5, 1.0)?;
            return Ok(Some(Shape::Capsule { radius, length }));
        }
        if let Some(e) = g.child("cone") {
            let (radius, length) = self.radius_length(src, e, 0.5, 1.0)?;
            return Ok(Some(Shape::Cone { radius, length }));
        }
        if let Some(e) = g.child("ellipsoid") {
            let radii = self.default(src, e, "radii", Vector3::repeat(1.0), |c| src.lengths(c))?;
            return Ok(Some(Shape::Ellipsoid { radii }));
        }
        if let Some(e) = g.child("plane") {
            // Both have defaults that real files rely on, so their absence is not worth a warning.
            let normal = e.child("normal").map_or(Ok(Vector3::z()), |c| src.vector(c))?;
            let size = e.child("size").map_or(Ok([1.0, 1.0]), |c| src.lengths2(c))?;
            let Some(normal) = Unit::try_new(normal, 1e-9) else {
                return Err(src.bad(e, "0 0 0", "which is no normal", "Write a vector with a length."));
            };
            return Ok(Some(Shape::Plane { normal, size }));
        }
        if let Some(e) = g.child("mesh") {
            return self.mesh(src, g, e);
        }
        if let Some(e) = g.child("empty") {
            e.mark_all();
        } else if g.all().is_empty() {
            return Err(src.missing(g, "a shape such as <box>, <cylinder>, <sphere> or <plane>"));
        }
        Ok(None)
    }

    fn mesh(&mut self, src: &Source, geometry: &Element, e: &Element) -> Result<Option<Shape>> {
        let scale = e.child("scale").map_or(Ok(Vector3::repeat(1.0)), |c| src.vector(c))?;
        let uri = e.child("uri").map(|c| c.text().to_string()).unwrap_or_default();
        if self.loader.mesh == MeshPolicy::Placeholder {
            e.mark_all();
            let size = scale.map(|s| if s.abs() > 1e-3 && s.is_finite() { s.abs() } else { 1.0 });
            self.report.warn(format!(
                "{}: mesh {uri} is replaced by a box of {:.3} m",
                src.place(e),
                size.max()
            ));
            return Ok(Some(Shape::Box { size }));
        }
        // `mesh` itself goes to the report as ignored: say so by leaving it unread.
        self.unread.push(format!("{}/{}", geometry.name(), e.name()));
        Ok(None)
    }

    fn radius_length(&mut self, src: &Source, e: &Element, radius: f64, length: f64) -> Result<(f64, f64)> {
        let radius = self.default(src, e, "radius", radius, |c| src.length(c))?;
        let length = self.default(src, e, "length", length, |c| src.length(c))?;
        Ok((radius, length))
    }

    /// A required child; if it is absent, the specification's default and a warning, as libsdformat does.
    fn default<T: std::fmt::Debug>(
        &mut self,
        src: &Source,
        e: &Element,
        child: &str,
        default: T,
        read: impl Fn(&Element) -> Result<T>,
    ) -> Result<T> {
        if let Some(c) = e.child(child) {
            return read(c);
        }
        self.report.warn(format!("{}: <{}> lacks <{child}>, its default is used", src.place(e), e.name()));
        Ok(default)
    }
}
