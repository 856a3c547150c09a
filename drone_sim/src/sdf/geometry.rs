//! `<geometry>` into a [`Geometry`].

use std::path::Path;
use std::sync::Arc;

use nalgebra::{Unit, Vector3};

use super::load::MeshPolicy;
use super::mesh::{Heights, MeshData, MeshPart, heightmap, polyline, read_mtl};
use super::parse::Parser;
use super::types::{Geometry, Mesh, MeshKind};
use super::value::Source;
use super::xml::Element;
use crate::error::Result;
use crate::shape::Shape;

impl Parser<'_> {
    /// The shape; [`Geometry::Empty`] if there is none that the simulator knows (which the report then says).
    pub(super) fn geometry(&mut self, src: &Source, owner: &Element) -> Result<Geometry> {
        let Some(g) = owner.child("geometry") else {
            src.note(owner, "lacks <geometry>, nothing stands there");
            return Ok(Geometry::Empty);
        };
        if let Some(e) = g.child("box") {
            let size = self.default(src, e, "size", Vector3::repeat(1.0), |c| src.lengths(c))?;
            return Ok(Geometry::Shape(Shape::Box { size }));
        }
        if let Some(e) = g.child("cylinder") {
            let (radius, length) = self.radius_length(src, e, 1.0, 1.0)?;
            return Ok(Geometry::Shape(Shape::Cylinder { radius, length }));
        }
        if let Some(e) = g.child("sphere") {
            let radius = self.default(src, e, "radius", 1.0, |c| src.length(c))?;
            return Ok(Geometry::Shape(Shape::Sphere { radius }));
        }
        if let Some(e) = g.child("capsule") {
            let (radius, length) = self.radius_length(src, e, 0.5, 1.0)?;
            return Ok(Geometry::Shape(Shape::Capsule { radius, length }));
        }
        if let Some(e) = g.child("cone") {
            let (radius, length) = self.radius_length(src, e, 0.5, 1.0)?;
            return Ok(Geometry::Shape(Shape::Cone { radius, length }));
        }
        if let Some(e) = g.child("ellipsoid") {
            let radii = self.default(src, e, "radii", Vector3::repeat(1.0), |c| src.lengths(c))?;
            return Ok(Geometry::Shape(Shape::Ellipsoid { radii }));
        }
        if let Some(e) = g.child("plane") {
            // Both have defaults that real files rely on, so their absence is not worth a warning.
            let normal = src.vector_or(e, "normal", Vector3::z())?;
            let size = e.child("size").map_or(Ok([1.0, 1.0]), |c| src.lengths2(c))?;
            let normal = Unit::try_new(normal, 1e-9).unwrap_or_else(|| {
                src.note(e, "has a normal without a length, z is used");
                Vector3::z_axis()
            });
            return Ok(Geometry::Shape(Shape::Plane { normal, size }));
        }
        if let Some(e) = g.child("mesh") {
            return self.mesh(src, e);
        }
        if let Some(e) = g.child("heightmap") {
            return self.heightmap(src, e);
        }
        if g.child("polyline").is_some() {
            return self.polyline(src, g);
        }
        if let Some(e) = g.child("empty") {
            e.mark_all();
        } else if g.all().is_empty() {
            src.note(g, "is empty, nothing stands there");
        }
        Ok(Geometry::Empty)
    }

    fn mesh(&mut self, src: &Source, e: &Element) -> Result<Geometry> {
        let scale = src.vector_or(e, "scale", Vector3::repeat(1.0))?;
        // <filename> is what 1.3 and some converters write.
        let uri =
            e.child("uri").or_else(|| e.child("filename")).map(|c| c.text().to_string()).unwrap_or_default();
        let submesh = e.child("submesh").map(|s| -> Result<_> {
            let name = s.child("name").map(|n| n.text().to_string()).unwrap_or_default();
            Ok((name, src.flag(s, "center", false)?))
        });
        let submesh = submesh.transpose()?;
        e.child("convex_decomposition").into_iter().for_each(Element::mark_all);
        let stand_in = |parser: &mut Self, why: &str| {
            if parser.loader.mesh == MeshPolicy::Placeholder {
                let size = scale.map(|s| if s.abs() > 1e-3 && s.is_finite() { s.abs() } else { 1.0 });
                let text = format!(
                    "{}: mesh {uri} is replaced by a box of {:.3} m ({why})",
                    src.place(e),
                    size.max()
                );
                parser.report.warn(text);
                return Geometry::Shape(Shape::Box { size });
            }
            parser.unread.push("geometry/mesh".to_string());
            if parser.loader.mesh == MeshPolicy::Load {
                parser.report.warn(format!("{}: mesh {uri} is left out: {why}", src.place(e)));
            }
            Geometry::Empty
        };
        if self.loader.mesh == MeshPolicy::Skip {
            return Ok(stand_in(self, "meshes are skipped"));
        }
        let found = match self.loader.resource(&uri, src.folder.as_deref()) {
            Ok(path) => path,
            Err(searched) => return Ok(stand_in(self, &format!("not found, looked in: {searched}"))),
        };
        let data = match self.mesh_file(&found) {
            Ok(data) => data,
            Err(fault) => return Ok(stand_in(self, &format!("{}: {fault}", found.display()))),
        };
        let mut name = None;
        let data = match submesh {
            None => data,
            Some((wish, centred)) => match (*data).clone().submesh(&wish, centred) {
                Some(part) => {
                    name = Some(wish);
                    Arc::new(part)
                }
                None => return Ok(stand_in(self, &format!("it has no submesh \"{wish}\""))),
            },
        };
        let data =
            if scale == Vector3::repeat(1.0) { data } else { Arc::new((*data).clone().scaled(&scale)) };
        Ok(Geometry::Mesh(Mesh { kind: MeshKind::File, uri, scale, submesh: name, data }))
    }

    /// Reads a mesh file once; textures and OBJ materials are looked up beside it.
    fn mesh_file(&mut self, path: &Path) -> Result<Arc<MeshData>, String> {
        if let Some(known) = self.meshes.get(path) {
            return known.clone();
        }
        let mut fault = None;
        let mut read = || -> Result<MeshData, String> {
            let bytes = self.loader.read_bytes(path).map_err(|e| e.to_string())?;
            let mut data = MeshData::read(&bytes, &path.to_string_lossy())?;
            let folder = path.parent();
            if let Some(library) = data.library.take().and_then(|l| folder.map(|f| f.join(l))) {
                // The name comes out of the file: it may be that of a device that never ends.
                let text = match library.is_file() {
                    true => self.loader.read(&library).map_err(|e| e.to_string()),
                    false => Err("it is no file".to_string()),
                };
                let text = text.unwrap_or_else(|why| {
                    fault = Some((library, why));
                    String::new()
                });
                let materials = read_mtl(&text);
                for part in &mut data.parts {
                    if let Some((colour, texture)) = materials.get(&part.material) {
                        (part.colour, part.texture) = (*colour, texture.clone());
                    }
                }
            }
            for part in &mut data.parts {
                locate(part, folder);
            }
            Ok(data)
        };
        let out = read().map(Arc::new);
        if let Some((library, why)) = fault {
            let (mesh, library) = (path.display(), library.display());
            self.report
                .warn(format!("{mesh}: its materials {library} cannot be read, it is drawn in grey: {why}"));
        }
        self.meshes.insert(path.to_path_buf(), out.clone());
        out
    }

    fn heightmap(&mut self, src: &Source, e: &Element) -> Result<Geometry> {
        let uri = e.child("uri").map(|c| c.text().to_string()).unwrap_or_default();
        let size = src.vector_or(e, "size", Vector3::repeat(1.0))?;
        let pos = src.vector_or(e, "pos", Vector3::zeros())?;
        for quiet in ["use_terrain_paging", "sampling"] {
            e.child(quiet).into_iter().for_each(Element::mark);
        }
        let read = || -> Result<MeshData, String> {
            let path = self.loader.resource(&uri, src.folder.as_deref())?;
            let bytes = self.loader.read_bytes(&path).map_err(|e| e.to_string())?;
            heightmap(&Heights::read(&bytes)?, size.into(), pos.into())
        };
        if self.loader.mesh == MeshPolicy::Skip {
            self.unread.push("geometry/heightmap".to_string());
            return Ok(Geometry::Empty);
        }
        match read() {
            Ok(data) => {
                let data = Arc::new(data);
                Ok(Geometry::Mesh(Mesh { kind: MeshKind::Heightmap, uri, scale: size, submesh: None, data }))
            }
            Err(fault) => {
                self.unread.push("geometry/heightmap".to_string());
                self.report.warn(format!("{}: height map {uri} is left out: {fault}", src.place(e)));
                Ok(Geometry::Empty)
            }
        }
    }

    fn polyline(&mut self, src: &Source, g: &Element) -> Result<Geometry> {
        let (mut outlines, mut height) = (Vec::new(), 1.0);
        for e in g.children("polyline") {
            outlines.push(e.children("point").map(|p| src.pair(p)).collect::<Result<Vec<_>>>()?);
            height = e.child("height").map_or(Ok(height), |h| src.length(h))?;
        }
        match polyline(&outlines, height) {
            Ok(data) => {
                let (uri, scale, data) = (String::new(), Vector3::repeat(1.0), Arc::new(data));
                Ok(Geometry::Mesh(Mesh { kind: MeshKind::Polyline, uri, scale, submesh: None, data }))
            }
            Err(fault) => {
                src.note(g, &format!("holds an outline that is left out: {fault}"));
                Ok(Geometry::Empty)
            }
        }
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

/// Turns the texture's name into a path: beside the mesh, or where Gazebo's models keep their textures.
fn locate(part: &mut MeshPart, folder: Option<&Path>) {
    let (Some(texture), Some(folder)) = (&part.texture, folder) else { return };
    let file = texture.strip_prefix("file://").unwrap_or(texture);
    let name = Path::new(file).file_name().unwrap_or_default();
    let places = [
        folder.join(file),
        folder.join(name),
        folder.join("../materials/textures").join(name),
        folder.join("../materials/textures").join(file),
    ];
    part.texture = places.iter().find(|p| p.is_file()).map(|p| p.display().to_string());
}
