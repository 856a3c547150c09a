//! Triangles -> what each of their pixels is made of.

// The passes index several arrays by one channel; an iterator over one of them would hide that.
#![allow(clippy::needless_range_loop)]

use super::Shader;
use super::line::{Line, Stretch};
use crate::geometry::{Owner, Tri};
use crate::maths::{V3, dot, mul, scale, sub, unit};
use crate::raster::{CHUNK_SHIFT, NONE};
use crate::scene::Material;
use crate::simd::{F, each};
use crate::texture::Texture;

/// What the pixels of one triangle share.
#[derive(Clone, Copy)]
pub(crate) struct Run<'a> {
    name: u32,
    tri: &'a Tri,
    pub(super) owner: &'a Owner,
    pub(super) material: &'a Material,
    texture: Option<&'a Texture>,
    /// Normal of corner 0, and the way to the other two.
    normal: [V3; 3],
    /// Texture coordinates of corner 0, and the way to the other two.
    uv: [[f32; 2]; 3],
    colour: Option<[V3; 3]>,
    /// The unit normal and its cosines to sun and zenith, where all three are one.
    flat: Option<(V3, [f32; 2])>,
    soft: f32,
}

/// How many runs are kept: a power of two.
const SLOTS: usize = 128;

/// Runs made lately: a triangle comes back in the next row.
pub(crate) struct Runs<'a> {
    slots: [Option<Run<'a>>; SLOTS],
}

impl<'a> Runs<'a> {
    pub(crate) fn new() -> Self {
        Self { slots: [None; SLOTS] }
    }

    /// The run of a visible triangle.
    #[inline(always)]
    pub(super) fn get(&mut self, shader: &Shader<'a>, name: u32) -> &Run<'a> {
        let slot = &mut self.slots[(name ^ (name >> CHUNK_SHIFT)) as usize % SLOTS];
        if slot.as_ref().is_none_or(|run| run.name != name) {
            *slot = None;
        }
        slot.get_or_insert_with(|| make(shader, name))
    }
}

fn make<'a>(shader: &Shader<'a>, name: u32) -> Run<'a> {
    debug_assert!(name != NONE);
    let chunk = shader.chunks[(name >> CHUNK_SHIFT) as usize];
    let tri = &chunk.tris[(name & ((1 << CHUNK_SHIFT) - 1)) as usize];
    let owner = &chunk.owners[tri.owner as usize];
    let material = &shader.scene.materials[owner.material as usize];
    let mesh = &*shader.scene.meshes[owner.mesh as usize];
    let [a, b, c] = mesh.triangles[tri.face as usize].map(|i| i as usize);
    let sign = if tri.back { -1.0 } else { 1.0 };
    let side = scale(owner.inv_scale, sign);
    let n = [mul(mesh.normals[a], side), mul(mesh.normals[b], side), mul(mesh.normals[c], side)];
    let uv = [mesh.uvs[a], mesh.uvs[b], mesh.uvs[c]];
    let way = |p: [f32; 2]| [p[0] - uv[0][0], p[1] - uv[0][1]];
    let flat = (n[0] == n[1] && n[1] == n[2]).then(|| {
        let normal = unit(n[0]);
        (normal, [dot(normal, owner.light), dot(normal, owner.up)])
    });
    let colour = mesh.coloured.then(|| {
        let [c0, c1, c2] = [mesh.colours[a], mesh.colours[b], mesh.colours[c]];
        [c0, sub(c1, c0), sub(c2, c0)]
    });
    Run {
        name,
        tri,
        owner,
        material,
        texture: material.texture.map(|t| &*shader.scene.textures[t.0 as usize]),
        normal: [n[0], sub(n[1], n[0]), sub(n[2], n[0])],
        uv: [uv[0], way(uv[1]), way(uv[2])],
        colour,
        flat,
        soft: 1.0 / (1.0 + material.wrap),
    }
}

impl<'a> Shader<'a> {
    /// Fills in `count` entries from `at` on, for the pixels `x ..` of row `y`, which all see the triangle of `run`.
    /// `offset` moves the sample off the pixel's centre, pixels.
    #[inline(always)]
    #[allow(clippy::too_many_arguments)]
    pub(super) fn interpolate(
        &self,
        run: &Run<'a>,
        line: &mut Line,
        at: usize,
        count: usize,
        x: usize,
        y: usize,
        offset: [f32; 2],
    ) {
        let gy = y as f32 + offset[1] - run.tri.origin[1];
        let ry = (y as f32 + 0.5 + offset[1] - self.view.c[1]) * self.view.inv_f[1];
        let (mut done, mut level) = (0, 0);
        while done < count {
            let left = count - done;
            let px = (x + done) as f32 + offset[0];
            // The footprint changes slowly along a row: sixteen pixels share a level.
            let fresh = done % 16 == 0;
            let width = if left > 4 {
                self.block::<8>(run, line, at + done, px, gy, ry, fresh, &mut level);
                8
            } else {
                self.block::<4>(run, line, at + done, px, gy, ry, fresh, &mut level);
                4
            };
            let next = count.min(done + width);
            line.segment(at + done, at + next, run.owner.material, level);
            done = next;
        }
        let whole = Stretch { start: at, end: at + count, name: run.name };
        if run.material.unlit {
            line.plain.push(whole);
        } else if run.material.specular > 0.0 || run.material.reflective > 0.0 {
            line.shiny.push(whole);
        }
    }

    #[inline(always)]
    #[allow(clippy::too_many_arguments)]
    fn block<const N: usize>(
        &self,
        run: &Run<'a>,
        line: &mut Line,
        at: usize,
        px: f32,
        gy: f32,
        ry: f32,
        fresh: bool,
        level: &mut i32,
    ) {
        let tri = run.tri;
        let row = |p: V3| p[0] + p[2] * gy;
        let px = F::<N>::from(px);
        let gx = px - tri.origin[0];
        let iz = (gx * tri.pz[1] + row(tri.pz)).max(tri.range[0]).min(tri.range[1]);
        let z = F::all(1.0) / iz;
        let w1 = (gx * tri.p1[1] + row(tri.p1)) * z;
        let w2 = (gx * tri.p2[1] + row(tri.p2)) * z;
        ((px + 0.5 - self.view.c[0]) * self.view.inv_f[0]).store(&mut line.rx[at..]);
        F::<N>::all(ry).store(&mut line.ry[at..]);
        z.store(&mut line.z[at..]);

        let material = run.material;
        let glow = material.emissive;
        for k in 0..3 {
            let mut base = F::<N>::all(material.diffuse[k]);
            if let Some([c0, d1, d2]) = &run.colour {
                base = base * (w1 * d1[k] + w2 * d2[k] + c0[k]);
            }
            base.store(&mut line.base[k][at..]);
            F::<N>::all(glow[k]).store(&mut line.glow[k][at..]);
        }
        if let Some(texture) = run.texture {
            let [from, d1, d2] = run.uv;
            (w1 * d1[0] + w2 * d2[0] + from[0]).store(&mut line.u[at..]);
            (w1 * d1[1] + w2 * d2[1] + from[1]).store(&mut line.v[at..]);
            if fresh {
                *level = mip_level(run, [w1.0[0], w2.0[0]], z.0[0], texture);
            }
        }

        let (facing, up, normal) = match &run.flat {
            Some((normal, [facing, up])) => (F::<N>::all(*facing), F::all(*up), each(|k| F::all(normal[k]))),
            None => {
                let [n0, n1, n2] = &run.normal;
                let normal: [F<N>; 3] = each(|k| w1 * n1[k] + w2 * n2[k] + n0[k]);
                let length2 = normal[0] * normal[0] + normal[1] * normal[1] + normal[2] * normal[2];
                let inverse = F::all(1.0) / length2.max(1e-20).sqrt();
                let normal: [F<N>; 3] = each(|k| normal[k] * inverse);
                let (l, u) = (run.owner.light, run.owner.up);
                let facing = normal[0] * l[0] + normal[1] * l[1] + normal[2] * l[2];
                (facing, normal[0] * u[0] + normal[1] * u[1] + normal[2] * u[2], normal)
            }
        };
        facing.store(&mut line.facing[at..]);
        up.store(&mut line.up[at..]);
        ((facing + material.wrap) * run.soft).max(0.0).store(&mut line.lit[at..]);
        if material.specular > 0.0 || material.reflective > 0.0 {
            for k in 0..3 {
                normal[k].store(&mut line.normal[k][at..]);
            }
        }
    }

    /// The rays alone, for entries that see the sky.
    #[inline(always)]
    pub(super) fn rays(
        &self,
        line: &mut Line,
        at: usize,
        count: usize,
        x: usize,
        y: usize,
        offset: [f32; 2],
    ) {
        let ry = (y as f32 + 0.5 + offset[1] - self.view.c[1]) * self.view.inv_f[1];
        let mut done = 0;
        while done < count {
            let px = F::<8>::from((x + done) as f32 + offset[0]);
            ((px + 0.5 - self.view.c[0]) * self.view.inv_f[0]).store(&mut line.rx[at + done..]);
            F::<8>::all(ry).store(&mut line.ry[at + done..]);
            done += 8;
        }
    }
}

/// The mip level where barycentric weights are `w` and depth is `z`: from the footprint of a pixel in texels, between its
/// long and its short side.
#[inline(always)]
fn mip_level(run: &Run, w: [f32; 2], z: f32, texture: &Texture) -> i32 {
    let (tri, du) = (run.tri, [run.uv[1], run.uv[2]]);
    let (width, height) = texture.size();
    let change = |k: usize| {
        let d1 = (tri.p1[k] - w[0] * tri.pz[k]) * z;
        let d2 = (tri.p2[k] - w[1] * tri.pz[k]) * z;
        let u = (d1 * du[0][0] + d2 * du[1][0]) * width as f32;
        let v = (d1 * du[0][1] + d2 * du[1][1]) * height as f32;
        u * u + v * v
    };
    let (a, b) = (change(1), change(2));
    let (long, short) = if a > b { (a, b) } else { (b, a) };
    // Geometric mean of both sides, but at most 2.5 levels sharper than the long side asks for.
    let mean = (long * short).sqrt();
    let squared = if mean > long / 32.0 { mean } else { long / 32.0 };
    (((squared.to_bits() >> 23) as i32 - 126) >> 1).max(0)
}
