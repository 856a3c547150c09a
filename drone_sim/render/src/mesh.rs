//! Triangle meshes: positions in metres, counter-clockwise seen from outside.

use crate::error::{RenderError, Result};
use crate::maths::{V3, add, cross, dot, mul, scale, sub, unit};
use nalgebra::{Isometry3, Point3, Vector3};

/// A triangle mesh in its own frame (metres). Triangles wind counter-clockwise seen from their front.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Mesh {
    pub(crate) positions: Vec<V3>,
    pub(crate) normals: Vec<V3>,
    pub(crate) uvs: Vec<[f32; 2]>,
    pub(crate) colours: Vec<V3>,
    pub(crate) triangles: Vec<[u32; 3]>,
    pub(crate) centre: V3,
    pub(crate) radius: f32,
    /// Some vertex colour differs from white.
    pub(crate) coloured: bool,
    pub(crate) seamless: bool,
    /// What may stand for it beyond a distance, metres.
    pub(crate) coarser: Option<Box<(Mesh, f64)>>,
}

impl Mesh {
    /// A mesh from raw lists. `normals` and `uvs` may be empty: normals are then flat (computed per triangle, which
    /// splits shared vertices) and texture coordinates zero. Errors: PG-0905 for non-finite numbers, indices out of
    /// range or lists of unequal length.
    pub fn from_triangles(
        positions: &[[f32; 3]],
        normals: &[[f32; 3]],
        uvs: &[[f32; 2]],
        triangles: &[[u32; 3]],
    ) -> Result<Self> {
        let bad = |reason: String| Err(RenderError::InvalidMesh { reason });
        let n = positions.len();
        if triangles.is_empty() {
            return bad("it has no triangles".into());
        }
        if !normals.is_empty() && normals.len() != n {
            return bad(format!("{} normals for {n} positions", normals.len()));
        }
        if !uvs.is_empty() && uvs.len() != n {
            return bad(format!("{} texture coordinates for {n} positions", uvs.len()));
        }
        if let Some(i) = positions.iter().position(|p| p.iter().any(|c| !c.is_finite() || c.abs() > 1e6)) {
            return bad(format!("vertex {i} is {:?}, not finite or beyond 1e6 m", positions[i]));
        }
        if let Some(i) = normals.iter().position(|p| p.iter().any(|c| !c.is_finite())) {
            return bad(format!("normal {i} is {:?}", normals[i]));
        }
        if let Some(i) = uvs.iter().position(|p| p.iter().any(|c| !c.is_finite())) {
            return bad(format!("texture coordinate {i} is {:?}", uvs[i]));
        }
        if let Some(t) = triangles.iter().find(|t| t.iter().any(|&i| i as usize >= n)) {
            return bad(format!("triangle {t:?} names a vertex beyond the {n} there are"));
        }
        let mut mesh = Mesh::default();
        if normals.is_empty() {
            for t in triangles {
                let p = t.map(|i| positions[i as usize]);
                let normal = unit(cross(sub(p[1], p[0]), sub(p[2], p[0])));
                let base = mesh.positions.len() as u32;
                for (k, &i) in t.iter().enumerate() {
                    let uv = uvs.get(i as usize).copied().unwrap_or_default();
                    mesh.vertex(p[k], normal, uv);
                }
                mesh.triangles.push([base, base + 1, base + 2]);
            }
        } else {
            for i in 0..n {
                mesh.vertex(positions[i], unit(normals[i]), uvs.get(i).copied().unwrap_or_default());
            }
            mesh.triangles.extend_from_slice(triangles);
        }
        mesh.finish();
        Ok(mesh)
    }

    /// A mesh from shared corners and triangles, with normals smoothed across edges flatter than `crease_deg` degrees
    /// and kept sharp across the others. Errors: PG-0905.
    pub fn creased(positions: &[[f32; 3]], triangles: &[[u32; 3]], crease_deg: f64) -> Result<Self> {
        let mut mesh = Self::from_triangles(positions, &[], &[], triangles)?;
        let limit = crease_deg.to_radians().cos() as f32;
        // Corner `3 t + k` of the flat mesh is corner k of triangle t.
        let mut at = vec![Vec::new(); positions.len()];
        for (t, triangle) in triangles.iter().enumerate() {
            for &i in triangle {
                at[i as usize].push(t);
            }
        }
        let faces: Vec<V3> = mesh.triangles.iter().map(|t| mesh.normals[t[0] as usize]).collect();
        let area = |t: usize| {
            let p = triangles[t].map(|i| positions[i as usize]);
            let n = cross(sub(p[1], p[0]), sub(p[2], p[0]));
            dot(n, n).sqrt()
        };
        for (t, triangle) in triangles.iter().enumerate() {
            for (k, &i) in triangle.iter().enumerate() {
                let near = at[i as usize].iter().filter(|&&o| o == t || dot(faces[o], faces[t]) > limit);
                let sum = near.fold([0.0; 3], |n, &o| add(n, scale(faces[o], area(o))));
                mesh.normals[3 * t + k] = unit(sum);
            }
        }
        Ok(mesh)
    }

    /// How many triangles.
    pub fn triangle_count(&self) -> usize {
        self.triangles.len()
    }

    /// Corner positions of every triangle, metres in the mesh frame.
    pub fn triangles(&self) -> impl Iterator<Item = [[f32; 3]; 3]> + '_ {
        self.triangles.iter().map(|t| t.map(|i| self.positions[i as usize]))
    }

    /// Centre and radius of a sphere that holds every vertex, metres in the mesh frame.
    pub fn bounding_sphere(&self) -> ([f32; 3], f32) {
        (self.centre, self.radius)
    }

    /// Smallest and largest coordinate on each axis, metres in the mesh frame.
    pub fn bounds(&self) -> ([f32; 3], [f32; 3]) {
        let mut low = [f32::INFINITY; 3];
        let mut high = [f32::NEG_INFINITY; 3];
        for p in &self.positions {
            for k in 0..3 {
                low[k] = low[k].min(p[k]);
                high[k] = high[k].max(p[k]);
            }
        }
        (low, high)
    }

    /// The same mesh with every vertex tinted: `rgb` is linear light, 0 to 1, and multiplies material and texture.
    #[must_use]
    pub fn tinted(mut self, rgb: [f32; 3]) -> Self {
        for c in &mut self.colours {
            *c = mul(*c, rgb);
        }
        self.coarser = None;
        self.coloured |= rgb != [1.0; 3];
        self
    }

    /// The same mesh without smoothing of the edges between its own triangles, only of its outline: right for ground,
    /// foliage and other surfaces of one texture, and faster.
    #[must_use]
    pub fn seamless(mut self) -> Self {
        self.seamless = true;
        self.coarser = None;
        self
    }

    /// Tints each vertex by a function of its position and normal (both in the mesh frame); linear light.
    #[must_use]
    pub fn tinted_by(mut self, tint: impl Fn([f32; 3], [f32; 3]) -> [f32; 3]) -> Self {
        for i in 0..self.positions.len() {
            self.colours[i] = mul(self.colours[i], tint(self.positions[i], self.normals[i]));
        }
        self.coloured = true;
        self.coarser = None;
        self
    }

    /// The same mesh scaled per axis, then moved.
    #[must_use]
    pub fn transformed(mut self, pose: &Isometry3<f64>, size: [f32; 3]) -> Self {
        for p in &mut self.positions {
            let q = pose * Point3::from(mul(*p, size).map(f64::from));
            *p = [q.x as f32, q.y as f32, q.z as f32];
        }
        for n in &mut self.normals {
            let v = pose * Vector3::from([n[0] / size[0], n[1] / size[1], n[2] / size[2]].map(f64::from));
            *n = unit([v.x as f32, v.y as f32, v.z as f32]);
        }
        if size.iter().product::<f32>() < 0.0 {
            for t in &mut self.triangles {
                t.swap(1, 2);
            }
        }
        self.finish();
        self
    }

    /// The same mesh moved by a vector, metres.
    #[must_use]
    pub fn moved(mut self, by: [f32; 3]) -> Self {
        for p in &mut self.positions {
            *p = add(*p, by);
        }
        self.finish();
        self
    }

    /// The same mesh with its texture coordinates multiplied per axis.
    #[must_use]
    pub fn uv_scaled(mut self, by: [f32; 2]) -> Self {
        for uv in &mut self.uvs {
            *uv = [uv[0] * by[0], uv[1] * by[1]];
        }
        self.coarser = None;
        self
    }

    /// Both meshes as one.
    #[must_use]
    pub fn with(mut self, other: &Mesh) -> Self {
        let base = self.positions.len() as u32;
        self.positions.extend_from_slice(&other.positions);
        self.normals.extend_from_slice(&other.normals);
        self.uvs.extend_from_slice(&other.uvs);
        self.colours.extend_from_slice(&other.colours);
        self.triangles.extend(other.triangles.iter().map(|t| t.map(|i| i + base)));
        self.coloured |= other.coloured;
        self.seamless &= other.seamless;
        self.finish();
        self
    }

    pub(crate) fn vertex(&mut self, p: V3, n: V3, uv: [f32; 2]) -> u32 {
        self.positions.push(p);
        self.normals.push(n);
        self.uvs.push(uv);
        self.colours.push([1.0; 3]);
        self.positions.len() as u32 - 1
    }

    /// Adds a flat polygon (convex, counter-clockwise) with the given texture coordinates.
    pub(crate) fn polygon(&mut self, corners: &[V3], uvs: &[[f32; 2]]) {
        let normal = unit(cross(sub(corners[1], corners[0]), sub(corners[2], corners[0])));
        let base = self.positions.len() as u32;
        for (i, &c) in corners.iter().enumerate() {
            self.vertex(c, normal, uvs.get(i).copied().unwrap_or_default());
        }
        for i in 1..corners.len() as u32 - 1 {
            self.triangles.push([base, base + i, base + i + 1]);
        }
    }

    /// Recomputes the bounding sphere; every constructor ends with it.
    pub(crate) fn finish(&mut self) {
        self.coarser = None;
        let (low, high) = self.bounds();
        self.centre = scale(add(low, high), 0.5);
        let far = self.positions.iter().map(|&p| dot(sub(p, self.centre), sub(p, self.centre)));
        self.radius = far.fold(0.0f32, f32::max).sqrt() * (1.0 + 1e-6);
    }
}
