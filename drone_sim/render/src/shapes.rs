//! Mesh primitives. Solids are centred on the origin with their axis along z, as in SDF.
//!
//! Round shapes are inscribed: with `n` segments their surface lies inside the true one by at most
//! `radius * (1 - cos(pi / n))`, which is 0.5 % of the radius at 32 segments and 0.12 % at 64.

use crate::maths::{V3, unit};
use crate::mesh::Mesh;
use std::f64::consts::{PI, TAU};

fn circle(i: u32, n: u32) -> (f32, f32) {
    let a = TAU * f64::from(i % n) / f64::from(n);
    (a.cos() as f32, a.sin() as f32)
}

/// A round mesh of a largest radius with the coarser ones of 16 and 8 segments that stand for it where its surface is then
/// off by less than 0.0004 of the distance: a seventh of a pixel at a focal length of 350 pixels.
fn detailed(segments: u32, radius: f32, make: impl Fn(u32) -> Mesh) -> Mesh {
    let mut mesh = make(segments);
    let mut chain: Option<Box<(Mesh, f64)>> = None;
    for coarse in [8, 16].into_iter().filter(|&coarse| coarse < segments) {
        let off = f64::from(radius) * (1.0 - (PI / f64::from(coarse)).cos());
        let mut stand_in = make(coarse);
        stand_in.coarser = chain;
        chain = Some(Box::new((stand_in, off / 0.0004)));
    }
    mesh.coarser = chain;
    mesh
}

impl Mesh {
    /// A box with the given full edge lengths, metres. Each face carries the whole texture once.
    pub fn cuboid(size: [f32; 3]) -> Self {
        let [x, y, z] = size.map(|s| s / 2.0);
        let uv = [[0.0, 1.0], [1.0, 1.0], [1.0, 0.0], [0.0, 0.0]];
        let mut m = Mesh::default();
        for face in [
            [[x, -y, -z], [x, y, -z], [x, y, z], [x, -y, z]],
            [[-x, y, -z], [-x, -y, -z], [-x, -y, z], [-x, y, z]],
            [[x, y, -z], [-x, y, -z], [-x, y, z], [x, y, z]],
            [[-x, -y, -z], [x, -y, -z], [x, -y, z], [-x, -y, z]],
            [[-x, -y, z], [x, -y, z], [x, y, z], [-x, y, z]],
            [[-x, y, -z], [x, y, -z], [x, -y, -z], [-x, -y, -z]],
        ] {
            m.polygon(&face, &uv);
        }
        m.finish();
        m
    }

    /// A surface of revolution about z. `profile` lists (radius, z) from the bottom up, metres; `smooth` shares
    /// normals between neighbouring rings. u runs once around, v from 1 (first) to 0 (last).
    pub fn revolved(profile: &[[f32; 2]], segments: u32, smooth: bool) -> Self {
        let mut m = Mesh::default();
        let n = segments.max(3);
        let rings = profile.len();
        let slope = |a: [f32; 2], b: [f32; 2]| [b[1] - a[1], a[0] - b[0]];
        let mut length = vec![0.0f32; rings];
        for k in 1..rings {
            let d = [profile[k][0] - profile[k - 1][0], profile[k][1] - profile[k - 1][1]];
            length[k] = length[k - 1] + (d[0] * d[0] + d[1] * d[1]).sqrt();
        }
        let total = length[rings - 1].max(1e-9);
        for k in 0..rings.saturating_sub(1) {
            let (a, b) = (profile[k], profile[k + 1]);
            let own = slope(a, b);
            let mix = |p: [f32; 2], q: [f32; 2]| {
                let l = |v: [f32; 2]| (v[0] * v[0] + v[1] * v[1]).sqrt().max(1e-9);
                [p[0] / l(p) + q[0] / l(q), p[1] / l(p) + q[1] / l(q)]
            };
            let before = if smooth && k > 0 { mix(slope(profile[k - 1], a), own) } else { own };
            let after = if smooth && k + 2 < rings { mix(own, slope(b, profile[k + 2])) } else { own };
            let base = m.positions.len() as u32;
            for i in 0..=n {
                let (c, s) = circle(i, n);
                let u = i as f32 / n as f32;
                for (p, d, l) in [(a, before, length[k]), (b, after, length[k + 1])] {
                    let normal = unit([c * d[0], s * d[0], d[1]]);
                    m.vertex([p[0] * c, p[0] * s, p[1]], normal, [u, 1.0 - l / total]);
                }
            }
            for i in 0..n {
                let q = base + 2 * i;
                if a[0] > 0.0 {
                    m.triangles.push([q, q + 2, q + 3]);
                }
                if b[0] > 0.0 {
                    m.triangles.push([q, q + 3, q + 1]);
                }
            }
        }
        m.finish();
        m
    }

    /// A flat disc facing +z at height `z`; the texture's inscribed circle covers it, image top towards +y.
    pub fn disc(radius: f32, z: f32, segments: u32) -> Self {
        let n = segments.max(3);
        let mut m = Mesh::default();
        let ring: Vec<V3> = (0..n).map(|i| circle(i, n)).map(|(c, s)| [radius * c, radius * s, z]).collect();
        let uv: Vec<[f32; 2]> =
            (0..n).map(|i| circle(i, n)).map(|(c, s)| [0.5 + 0.5 * c, 0.5 - 0.5 * s]).collect();
        m.polygon(&ring, &uv);
        m.finish();
        m
    }

    /// A closed cylinder along z, metres.
    pub fn cylinder(radius: f32, length: f32, segments: u32) -> Self {
        Mesh::frustum(radius, radius, length, segments)
    }

    /// A closed cone frustum along z: `bottom` and `top` radius, metres. A zero top makes a cone.
    pub fn frustum(bottom: f32, top: f32, length: f32, segments: u32) -> Self {
        detailed(segments, bottom.max(top), |segments| Mesh::frustum_of(bottom, top, length, segments))
    }

    fn frustum_of(bottom: f32, top: f32, length: f32, segments: u32) -> Self {
        let h = length / 2.0;
        let mut m = Mesh::revolved(&[[bottom, -h], [top, h]], segments, false);
        if top > 0.0 {
            m = m.with(&Mesh::disc(top, h, segments));
        }
        if bottom > 0.0 {
            let mut lid = Mesh::disc(bottom, -h, segments);
            for t in &mut lid.triangles {
                t.swap(1, 2);
            }
            for n in &mut lid.normals {
                *n = [0.0, 0.0, -1.0];
            }
            m = m.with(&lid);
        }
        m
    }

    /// A closed cone along z with its apex up, metres.
    pub fn cone(radius: f32, length: f32, segments: u32) -> Self {
        Mesh::frustum(radius, 0.0, length, segments)
    }

    /// A sphere of `segments` meridians and half as many parallels, metres. Equirectangular texture, north up.
    pub fn sphere(radius: f32, segments: u32) -> Self {
        Mesh::ellipsoid([radius; 3], segments)
    }

    /// An ellipsoid with the given semi-axes, metres.
    pub fn ellipsoid(semi_axes: [f32; 3], segments: u32) -> Self {
        let [x, y, z] = semi_axes;
        detailed(segments, x.max(y).max(z), |segments| Mesh::ellipsoid_of(semi_axes, segments))
    }

    fn ellipsoid_of(semi_axes: [f32; 3], segments: u32) -> Self {
        let rings = (segments / 2).max(2);
        let profile: Vec<[f32; 2]> = (0..=rings)
            .map(|k| {
                let a = PI * f64::from(k) / f64::from(rings);
                let r = if k == 0 || k == rings { 0.0 } else { a.sin() as f32 };
                [r, -a.cos() as f32]
            })
            .collect();
        let mut m = Mesh::revolved(&profile, segments, true);
        for i in 0..m.positions.len() {
            let p = m.positions[i];
            m.normals[i] = unit([p[0] / semi_axes[0], p[1] / semi_axes[1], p[2] / semi_axes[2]]);
            m.positions[i] = [p[0] * semi_axes[0], p[1] * semi_axes[1], p[2] * semi_axes[2]];
        }
        m.finish();
        m
    }

    /// A capsule along z: a cylinder of `length` metres between two half spheres of `radius` metres.
    pub fn capsule(radius: f32, length: f32, segments: u32) -> Self {
        detailed(segments, radius, |segments| Mesh::capsule_of(radius, length, segments))
    }

    fn capsule_of(radius: f32, length: f32, segments: u32) -> Self {
        let rings = (segments / 4).max(2);
        let mut profile = Vec::new();
        for half in 0..2u32 {
            for k in 0..=rings {
                let a = PI / 2.0 * f64::from(k + half * rings) / f64::from(rings);
                let pole = (half == 0 && k == 0) || (half == 1 && k == rings);
                let r = if pole { 0.0 } else { a.sin() as f32 * radius };
                let offset = if half == 0 { -length / 2.0 } else { length / 2.0 };
                profile.push([r, -a.cos() as f32 * radius + offset]);
            }
        }
        let mut m = Mesh::revolved(&profile, segments, true);
        for i in 0..m.positions.len() {
            let p = m.positions[i];
            let z = p[2] - p[2].clamp(-length / 2.0, length / 2.0);
            m.normals[i] = unit([p[0], p[1], z]);
        }
        m
    }

    /// A flat rectangle in the xy plane facing +z, metres, cut into about `cell_m` large squares (large triangles are
    /// slow to cull and imprecise). Texture coordinates are metres / `uv_m`.
    pub fn plane(size: [f32; 2], cell_m: f32, uv_m: f32) -> Self {
        let cells = size.map(|s| ((s / cell_m.max(1e-3)).ceil() as u32).clamp(1, 256));
        let mut m = Mesh::default();
        for j in 0..=cells[1] {
            for i in 0..=cells[0] {
                let x = size[0] * (i as f32 / cells[0] as f32 - 0.5);
                let y = size[1] * (j as f32 / cells[1] as f32 - 0.5);
                m.vertex([x, y, 0.0], [0.0, 0.0, 1.0], [x / uv_m, -y / uv_m]);
            }
        }
        let row = cells[0] + 1;
        for j in 0..cells[1] {
            for i in 0..cells[0] {
                let q = j * row + i;
                m.triangles.push([q, q + 1, q + row + 1]);
                m.triangles.push([q, q + row + 1, q + row]);
            }
        }
        m.finish();
        m
    }

    /// A closed prism along z over a regular polygon (8 sides: a stop sign), flat side down when stood on edge.
    /// `radius` is that of the circle through the corners, metres. Both faces carry the texture's inscribed square.
    pub fn prism(sides: u32, radius: f32, length: f32) -> Self {
        let n = sides.max(3);
        let corner = |i: u32| {
            let a = TAU * (f64::from(i % n) + 0.5) / f64::from(n) - PI / 2.0;
            ((a.cos() as f32) * radius, (a.sin() as f32) * radius)
        };
        let reach = radius * (PI / f64::from(n)).cos() as f32;
        let h = length / 2.0;
        let mut m = Mesh::default();
        let uv = |x: f32, y: f32, mirror: f32| [0.5 + 0.5 * mirror * x / reach, 0.5 - 0.5 * y / reach];
        let top: Vec<(V3, [f32; 2])> = (0..n).map(corner).map(|(x, y)| ([x, y, h], uv(x, y, 1.0))).collect();
        let bottom: Vec<(V3, [f32; 2])> =
            (0..n).rev().map(corner).map(|(x, y)| ([x, y, -h], uv(x, y, -1.0))).collect();
        for face in [top, bottom] {
            let (p, t): (Vec<V3>, Vec<[f32; 2]>) = face.into_iter().unzip();
            m.polygon(&p, &t);
        }
        for i in 0..n {
            let (a, b) = (corner(i), corner(i + 1));
            let side = [[a.0, a.1, -h], [b.0, b.1, -h], [b.0, b.1, h], [a.0, a.1, h]];
            m.polygon(&side, &[[0.02, 0.5]; 4]);
        }
        m.finish();
        m
    }
}
