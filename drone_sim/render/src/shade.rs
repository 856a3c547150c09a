//! Visible triangles -> light: each run of pixels that see the same triangle is shaded with shared set-up.

use crate::geometry::{Chunk, Owner, Tri};
use crate::maths::{V3, add, dot, exp_neg, lerp3, mul, scale, sub, unit};
use crate::raster::CHUNK_SHIFT;
use crate::scene::{Material, SceneData};
use crate::shadow::{BANDS, Band};
use crate::sky;
use crate::texture::Texture;
use crate::view::View;
use std::ops::Deref;

pub(crate) struct Shader<'a, C, B> {
    pub view: &'a View,
    pub scene: &'a SceneData,
    pub chunks: &'a [C],
    pub bands: &'a [B; BANDS],
    pub clouds: &'a Texture,
}

/// What a run of pixels on one triangle shares.
struct Run<'a> {
    tri: &'a Tri,
    owner: &'a Owner,
    material: &'a Material,
    texture: Option<&'a Texture>,
    detail: Option<&'a Texture>,
    normal: [V3; 3],
    uv: [[f32; 2]; 3],
    colour: Option<[V3; 3]>,
    base: V3,
    flat: bool,
}

impl<C: Deref<Target = Chunk>, B: Deref<Target = Band>> Shader<'_, C, B> {
    /// The sky at image coordinates (pixels).
    pub(crate) fn backdrop(&self, x: f32, y: f32) -> V3 {
        let r = self.view.ray(x, y);
        let d = unit(self.view.to_world([r[0], r[1], 1.0]));
        sky::colour(&self.view.sky, self.clouds, self.view.to_sun, self.view.sun, d)
    }

    /// Shades pixels `x .. x + out.len()` of row `y` that all see `name`; `offset` moves the sample off the pixel's
    /// centre, pixels.
    pub(crate) fn run(&self, name: u32, x: usize, y: usize, offset: [f32; 2], out: &mut [V3]) {
        let chunk: &Chunk = &self.chunks[(name >> CHUNK_SHIFT) as usize];
        let tri = &chunk.tris[(name & ((1 << CHUNK_SHIFT) - 1)) as usize];
        let owner = &chunk.owners[tri.owner as usize];
        let material = &self.scene.materials[owner.material as usize];
        let mesh = &*self.scene.meshes[owner.mesh as usize];
        let [a, b, c] = mesh.triangles[tri.face as usize].map(|i| i as usize);
        let sign = if tri.back { -1.0 } else { 1.0 };
        let side = scale(owner.inv_scale, sign);
        let n = [mul(mesh.normals[a], side), mul(mesh.normals[b], side), mul(mesh.normals[c], side)];
        let pick = |t: Option<crate::scene::TextureId>| t.map(|t| &*self.scene.textures[t.0 as usize]);
        let run = Run {
            tri,
            owner,
            material,
            texture: pick(material.texture),
            detail: pick(material.detail),
            normal: n,
            uv: [mesh.uvs[a], mesh.uvs[b], mesh.uvs[c]],
            colour: mesh.coloured.then(|| [mesh.colours[a], mesh.colours[b], mesh.colours[c]]),
            base: material.diffuse,
            flat: n[0] == n[1] && n[1] == n[2],
        };
        self.shade(&run, x, y, offset, out);
    }

    fn shade(&self, run: &Run, x: usize, y: usize, offset: [f32; 2], out: &mut [V3]) {
        let (tri, view, material) = (run.tri, self.view, run.material);
        let gy = y as f32 + offset[1] - tri.origin[1];
        let row = |p: V3| p[0] + p[2] * gy;
        let (rz, r1, r2) = (row(tri.pz), row(tri.p1), row(tri.p2));
        let du = sub3(run.uv);
        let (n0, n1, n2) =
            (run.normal[0], sub(run.normal[1], run.normal[0]), sub(run.normal[2], run.normal[0]));
        let flat = unit(n0);
        let mut level = (0, 0);
        for (i, out) in out.iter_mut().enumerate() {
            let px = (x + i) as f32 + offset[0];
            let gx = px - tri.origin[0];
            let iz = (rz + tri.pz[1] * gx).max(tri.range[0]).min(tri.range[1]);
            let z = 1.0 / iz;
            let w1 = (r1 + tri.p1[1] * gx) * z;
            let w2 = (r2 + tri.p2[1] * gx) * z;

            let mut albedo = run.base;
            if let Some([c0, c1, c2]) = run.colour {
                albedo = mul(albedo, add(c0, add(scale(sub(c1, c0), w1), scale(sub(c2, c0), w2))));
            }
            if let Some(texture) = run.texture {
                let u = run.uv[0][0] + w1 * du[0][0] + w2 * du[1][0];
                let v = run.uv[0][1] + w1 * du[0][1] + w2 * du[1][1];
                if i % 8 == 0 {
                    level = levels(run, du, [w1, w2], z, texture);
                }
                let t = texture.sample(u, v, level.0);
                albedo = mul(albedo, [t[0] * t[0], t[1] * t[1], t[2] * t[2]]);
                if let Some(detail) = run.detail {
                    let k = material.detail_scale;
                    let t = detail.sample(u * k, v * k, level.1);
                    albedo = mul(albedo, [2.0 * t[0] * t[0], 2.0 * t[1] * t[1], 2.0 * t[2] * t[2]]);
                }
            }
            if material.unlit {
                *out = add(albedo, material.emissive);
                continue;
            }

            let normal = if run.flat { flat } else { unit(add(n0, add(scale(n1, w1), scale(n2, w2)))) };
            let facing = dot(normal, run.owner.light);
            let nl = ((facing + material.wrap) / (1.0 + material.wrap)).max(0.0);
            let up = 0.5 + 0.5 * dot(normal, run.owner.up);
            let ray = view.ray(px + 0.5, y as f32 + 0.5 + offset[1]);
            let lit = if nl > 0.0 { nl * self.sunlight([ray[0], ray[1], 1.0], z, facing) } else { 0.0 };
            let light = add(scale(view.sun, lit), lerp3(view.bounce, view.ambient, up));
            let mut c = add(mul(albedo, light), material.emissive);
            if material.specular > 0.0 || material.reflective > 0.0 {
                c = self.shine(run, normal, ray, lit, c);
            }
            let distance = z * (1.0 + ray[0] * ray[0] + ray[1] * ray[1]).sqrt();
            let clear = exp_neg(view.fog.density * distance);
            *out = lerp3(view.fog.colour, c, clear);
        }
    }

    /// Highlight and mirrored sky.
    fn shine(&self, run: &Run, normal: V3, ray: [f32; 2], lit: f32, c: V3) -> V3 {
        let (view, material) = (self.view, run.material);
        let r = &run.owner.rows;
        let n = [dot(r[0], normal), dot(r[1], normal), dot(r[2], normal)];
        let d = unit(view.to_world([ray[0], ray[1], 1.0]));
        let facing = -dot(n, d);
        let mirror = add(d, scale(n, 2.0 * facing));
        let grazing = 1.0 - facing.clamp(0.0, 1.0);
        let g2 = grazing * grazing;
        let fresnel = material.reflective + (1.0 - material.reflective) * g2 * g2 * grazing * 0.6;
        let mut c = c;
        if material.reflective > 0.0 {
            c = lerp3(c, sky::gradient(&view.sky, mirror[2]), fresnel);
        }
        let mut s = dot(mirror, view.to_sun).max(0.0);
        for _ in 0..material.sharpness.min(10) {
            s *= s;
        }
        let visible = if lit > 0.0 { material.specular * s * (lit * 4.0).min(1.0) } else { 0.0 };
        add(c, scale(view.sun, visible))
    }

    /// Share of the sun that reaches the point at depth `z` along `ray`, 0 to 1.
    #[inline(always)]
    fn sunlight(&self, ray: V3, z: f32, facing: f32) -> f32 {
        let Some(shadow) = &self.view.shadow else { return 1.0 };
        let m = &shadow.from_camera;
        let at = |r: &[f32; 4]| (r[0] * ray[0] + r[1] * ray[1] + r[2]) * z + r[3];
        let (u, v) = (at(&m[0]) - 0.5, at(&m[1]) - 0.5);
        let slope = (1.0 - facing.clamp(0.0, 1.0)) * 2.5 + 1.0;
        let depth = at(&m[2]) - shadow.texel * slope;
        let size = shadow.resolution as f32 - 2.0;
        if !(u >= 0.0 && v >= 0.0 && u < size && v < size) {
            return 1.0;
        }
        let (x, y) = (u as usize, v as usize);
        let (fx, fy) = (u - x as f32, v - y as f32);
        let width = shadow.resolution as usize;
        let rows = width / BANDS;
        let band: &Band = &self.bands[y / rows];
        let i = (y % rows) * width + x;
        let d = &band.depth[i..i + width + 2];
        let open = |k: usize| if depth <= d[k] { 1.0f32 } else { 0.0 };
        let (a, b, e, f) = (open(0), open(1), open(width), open(width + 1));
        let top = a + (b - a) * fx;
        let bottom = e + (f - e) * fx;
        top + (bottom - top) * fy
    }
}

#[inline(always)]
fn sub3(uv: [[f32; 2]; 3]) -> [[f32; 2]; 2] {
    [[uv[1][0] - uv[0][0], uv[1][1] - uv[0][1]], [uv[2][0] - uv[0][0], uv[2][1] - uv[0][1]]]
}

/// Mip levels of texture and detail where barycentric weights are `w` and depth is `z`: from the footprint of a pixel
/// in texels, between its long and its short side.
fn levels(run: &Run, du: [[f32; 2]; 2], w: [f32; 2], z: f32, texture: &Texture) -> (i32, i32) {
    let tri = run.tri;
    let change = |k: usize| {
        let d1 = (tri.p1[k] - w[0] * tri.pz[k]) * z;
        let d2 = (tri.p2[k] - w[1] * tri.pz[k]) * z;
        [d1 * du[0][0] + d2 * du[1][0], d1 * du[0][1] + d2 * du[1][1]]
    };
    let (dx, dy) = (change(1), change(2));
    let squared = |size: (u32, u32), k: f32| {
        let (w, h) = (size.0 as f32 * k, size.1 as f32 * k);
        let l = |d: [f32; 2]| d[0] * d[0] * w * w + d[1] * d[1] * h * h;
        let (a, b) = (l(dx), l(dy));
        let (long, short) = (a.max(b), a.min(b));
        // Geometric mean of both sides, but at most 2.5 levels sharper than the long side asks for.
        (long * short).sqrt().max(long / 32.0)
    };
    let level = |s: f32| ((s.max(1e-12).to_bits() >> 23) as i32 - 127 + 1) >> 1;
    let fine = level(squared(texture.size(), 1.0));
    let coarse = run.detail.map_or(0, |t| level(squared(t.size(), run.material.detail_scale)));
    (fine.max(0), coarse.max(0))
}
