//! Triangles of mesh files: Wavefront OBJ, STL (both kinds), COLLADA; of height maps and of outlines.
//!
//! One file per format. Every reader takes bytes and gives a [`MeshData`] in metres, or a sentence that says what is
//! wrong; none touches the disk, so that all can be fuzzed. Sizes are bounded by [`MAX_TRIANGLES`].

mod dae;
mod heightmap;
mod mass;
mod mtl;
mod obj;
mod polyline;
mod stl;

use nalgebra::{Matrix3, Vector3};

pub use heightmap::{Heights, heightmap};
pub use mass::MassMoments;
pub use mtl::read_mtl;
pub use polyline::polyline;

/// More triangles than this are refused.
pub const MAX_TRIANGLES: usize = 5_000_000;

/// Triangles, by material.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct MeshData {
    /// The parts, in file order.
    pub parts: Vec<MeshPart>,
    /// Material library that an OBJ names, as written.
    pub library: Option<String>,
}

/// Triangles of one material.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct MeshPart {
    /// The submesh it belongs to.
    pub name: String,
    /// Corners, metres.
    pub positions: Vec<[f32; 3]>,
    /// Unit normals, one per corner, or none.
    pub normals: Vec<[f32; 3]>,
    /// Texture coordinates, one per corner, v upwards, or none.
    pub uvs: Vec<[f32; 2]>,
    /// Indices of corners, counter-clockwise seen from outside.
    pub triangles: Vec<[u32; 3]>,
    /// The material's name in its file.
    pub material: String,
    /// Its colour, RGBA, 0 to 1, if the file gives one.
    pub colour: Option<[f32; 4]>,
    /// Its texture's file, as written.
    pub texture: Option<String>,
}

/// What is wrong with a mesh file.
pub type Fault = String;

impl MeshData {
    /// Reads a file by the ending of its name.
    ///
    /// # Errors
    /// A sentence without a full stop.
    pub fn read(bytes: &[u8], name: &str) -> Result<Self, Fault> {
        let ending = name.rsplit('.').next().unwrap_or_default().to_ascii_lowercase();
        let mut data = match ending.as_str() {
            "obj" => obj::read(bytes)?,
            "stl" => stl::read(bytes)?,
            "dae" => dae::read(bytes)?,
            other => {
                return Err(format!("meshes of the kind \"{other}\" are not read (dae, obj and stl are)"));
            }
        };
        data.parts.retain(|p| !p.triangles.is_empty());
        if data.parts.is_empty() {
            return Err("it holds no triangle".into());
        }
        Ok(data)
    }

    /// How many triangles.
    pub fn triangle_count(&self) -> usize {
        self.parts.iter().map(|p| p.triangles.len()).sum()
    }

    /// Every triangle's corners.
    pub fn triangles(&self) -> impl Iterator<Item = [Vector3<f64>; 3]> + '_ {
        self.parts.iter().flat_map(|p| {
            let at = |i: u32| {
                let [x, y, z] = p.positions[i as usize];
                Vector3::new(f64::from(x), f64::from(y), f64::from(z))
            };
            p.triangles.iter().map(move |t| t.map(at))
        })
    }

    /// Smallest and largest coordinates; `None` without a corner.
    pub fn bounds(&self) -> Option<(Vector3<f64>, Vector3<f64>)> {
        self.parts.iter().flat_map(|p| &p.positions).fold(None, |bounds, p| {
            let p = Vector3::new(f64::from(p[0]), f64::from(p[1]), f64::from(p[2]));
            let (low, high) = bounds.unwrap_or((p, p));
            Some((low.inf(&p), high.sup(&p)))
        })
    }

    /// The mesh with `<scale>` applied. A mirroring scale turns the triangles round, so that outside stays outside.
    #[must_use]
    pub fn scaled(mut self, scale: &Vector3<f64>) -> Self {
        let s = [scale.x as f32, scale.y as f32, scale.z as f32];
        if s == [1.0; 3] {
            return self;
        }
        for part in &mut self.parts {
            part.positions.iter_mut().for_each(|p| (0..3).for_each(|k| p[k] *= s[k]));
            for n in &mut part.normals {
                (0..3).for_each(|k| n[k] /= if s[k] == 0.0 { 1.0 } else { s[k] });
                *n = unit(*n);
            }
            if s[0] * s[1] * s[2] < 0.0 {
                part.triangles.iter_mut().for_each(|t| t.swap(1, 2));
            }
        }
        self
    }

    /// Only the submesh of that name, `centred` on its bounds if wished; `None` if there is none.
    pub fn submesh(mut self, name: &str, centred: bool) -> Option<Self> {
        self.parts.retain(|p| p.name == name);
        if centred && let Some((low, high)) = self.bounds() {
            let middle = (low + high) / 2.0;
            let middle = [middle.x as f32, middle.y as f32, middle.z as f32];
            for p in self.parts.iter_mut().flat_map(|p| &mut p.positions) {
                (0..3).for_each(|k| p[k] -= middle[k]);
            }
        }
        (!self.parts.is_empty()).then_some(self)
    }

    /// Mass, centre and moments of inertia of the solid that the triangles enclose, at a density of 1 kg/m3.
    pub fn moments(&self) -> MassMoments {
        mass::moments(self.triangles())
    }
}

/// `v` with length one; as it is if it has none.
fn unit(v: [f32; 3]) -> [f32; 3] {
    let length = (v[0] * v[0] + v[1] * v[1] + v[2] * v[2]).sqrt();
    if length > 1e-20 { v.map(|x| x / length) } else { v }
}

/// Checks that no index lies beyond its list; an error names the worst.
fn check(part: &MeshPart) -> Result<(), Fault> {
    let n = part.positions.len();
    match part.triangles.iter().flatten().find(|i| **i as usize >= n) {
        Some(i) => Err(format!("a triangle names corner {i} of {n}")),
        None => Ok(()),
    }
}

/// The matrix of a moment about the centre, from the second moments of the volume.
fn inertia_of(second: &Matrix3<f64>) -> Matrix3<f64> {
    Matrix3::identity() * second.trace() - second
}

/// Fuzz entry: the first byte chooses the format.
pub fn fuzz(data: &[u8]) {
    let Some((choice, bytes)) = data.split_first() else { return };
    let name = ["a.obj", "a.stl", "a.dae", "a.mtl"][usize::from(*choice) % 4];
    if name == "a.mtl" {
        let _ = read_mtl(&String::from_utf8_lossy(bytes));
        return;
    }
    if let Ok(mesh) = MeshData::read(bytes, name) {
        assert!(mesh.triangle_count() <= MAX_TRIANGLES);
        mesh.parts.iter().for_each(|p| assert!(check(p).is_ok()));
        let _ = (mesh.bounds(), mesh.moments(), mesh.scaled(&Vector3::new(-1.0, 2.0, 3.0)));
    }
}

#[cfg(test)]
mod tests;
