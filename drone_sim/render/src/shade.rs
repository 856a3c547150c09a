//! Visible triangles -> light: each run of pixels that see the same triangle is shaded with shared set-up.

use crate::geometry::{Chunk, Owner, Tri};
use crate::maths::{V3, add, dot, lerp3, mul, scale, sub, unit};
use crate::raster::{CHUNK_SHIFT, NONE};
use crate::scene::{Material, SceneData};
use crate::simd::F4;
use crate::sky;
use crate::texture::Texture;
use crate::tone::Tone;
use crate::view::View;
use std::array::from_fn;
use std::ops::Deref;

pub(crate) struct Shader<'a, C> {
    pub view: &'a View,
    pub scene: &'a SceneData,
    pub chunks: &'a [C],
    /// The shadow map, rows of `ShadowView::resolution` texels.
    pub shadow: &'a [f32],
    pub tone: &'a Tone,
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

impl<C: Deref<Target = Chunk>> Shader<'_, C> {
    /// Whether all samples see one instance that wants no smoothing inside.
    pub(crate) fn one_surface(&self, names: [u32; 4]) -> bool {
        let owner = |name: u32| {
            let chunk: &Chunk = &self.chunks[(name >> CHUNK_SHIFT) as usize];
            (name >> CHUNK_SHIFT, chunk.tris[(name & ((1 << CHUNK_SHIFT) - 1)) as usize].owner)
        };
        if names.contains(&NONE) {
            return false;
        }
        let first = owner(names[0]);
        self.chunks[first.0 as usize].owners[first.1 as usize].seamless
            && names[1..].iter().all(|&n| owner(n) == first)
    }

    /// The sky in pixels `x .. x + out.len() / 3` of row `y`; `offset` moves the sample off the pixel's centre, pixels.
    pub(crate) fn backdrop(&self, x: usize, y: usize, offset: [f32; 2], out: &mut [u8]) {
        let view = self.view;
        let ry = (y as f32 + 0.5 + offset[1] - view.c[1]) * view.inv_f[1];
        for (group, out) in out.chunks_mut(12).enumerate() {
            let px = F4::from((x + 4 * group) as f32 + offset[0]);
            let rx = (px + 0.5 - view.c[0]) * view.inv_f[0];
            let inverse = F4::all(1.0) / (rx * rx + (1.0 + ry * ry)).sqrt();
            let d = view.world_rows.map(|r| (rx * r[0] + (r[1] * ry + r[2])) * inverse);
            let c = sky::colour4(&view.sky, self.clouds, view.to_sun, view.sun, d);
            self.store(c, out);
        }
    }

    /// Shades pixels `x .. x + out.len() / 3` of row `y` that all see `name`; `offset` moves the sample off the pixel's
    /// centre, pixels.
    pub(crate) fn run(&self, name: u32, x: usize, y: usize, offset: [f32; 2], out: &mut [u8]) {
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

    fn shade(&self, run: &Run, x: usize, y: usize, offset: [f32; 2], out: &mut [u8]) {
        let (tri, view, material) = (run.tri, self.view, run.material);
        let gy = y as f32 + offset[1] - tri.origin[1];
        let row = |p: V3| p[0] + p[2] * gy;
        let (rz, r1, r2) = (row(tri.pz), row(tri.p1), row(tri.p2));
        let du = sub3(run.uv);
        let n0 = run.normal[0];
        let (n1, n2) = (sub(run.normal[1], n0), sub(run.normal[2], n0));
        let flat = unit(n0);
        let (light, up) = (run.owner.light, run.owner.up);
        let flat_facing = [dot(flat, light), dot(flat, up)];
        let ry = (y as f32 + 0.5 + offset[1] - view.c[1]) * view.inv_f[1];
        let soft = 1.0 / (1.0 + material.wrap);
        let mut level = 0;
        for (group, out) in out.chunks_mut(12).enumerate() {
            let px = F4::from((x + 4 * group) as f32 + offset[0]);
            let gx = px - tri.origin[0];
            let iz = (gx * tri.pz[1] + rz).max(tri.range[0]).min(tri.range[1]);
            let z = F4::all(1.0) / iz;
            let w1 = (gx * tri.p1[1] + r1) * z;
            let w2 = (gx * tri.p2[1] + r2) * z;

            let mut albedo = run.base.map(F4::all);
            if let Some([c0, c1, c2]) = run.colour {
                let (d1, d2) = (sub(c1, c0), sub(c2, c0));
                albedo = from_fn(|k| albedo[k] * (w1 * d1[k] + w2 * d2[k] + c0[k]));
            }
            if let Some(texture) = run.texture {
                let u = w1 * du[0][0] + w2 * du[1][0] + run.uv[0][0];
                let v = w1 * du[0][1] + w2 * du[1][1] + run.uv[0][1];
                if group % 4 == 0 {
                    level = mip_level(run, du, [w1.0[0], w2.0[0]], z.0[0], texture);
                }
                let t = texture.sample4(u, v, level);
                albedo = from_fn(|k| albedo[k] * t[k] * t[k]);
                if let Some(detail) = run.detail {
                    let k = material.detail_scale;
                    let t = detail.nearest4(u * k, v * k);
                    albedo = from_fn(|k| albedo[k] * t[k] * t[k] * 2.0);
                }
            }
            if material.unlit {
                let c: [F4; 3] = from_fn(|k| albedo[k] + material.emissive[k]);
                self.store(c, out);
                continue;
            }

            let (mut facing, mut sky) = (F4::all(flat_facing[0]), F4::all(flat_facing[1]));
            let mut normal = flat.map(F4::all);
            if !run.flat {
                normal = from_fn(|k| w1 * n1[k] + w2 * n2[k] + n0[k]);
                let length2 = normal[0] * normal[0] + normal[1] * normal[1] + normal[2] * normal[2];
                let inverse = F4::all(1.0) / length2.max(1e-20).sqrt();
                normal = normal.map(|n| n * inverse);
                facing = normal[0] * light[0] + normal[1] * light[1] + normal[2] * light[2];
                sky = normal[0] * up[0] + normal[1] * up[1] + normal[2] * up[2];
            }
            let rx = (px + 0.5 - view.c[0]) * view.inv_f[0];
            let mut lit = ((facing + material.wrap) * soft).max(0.0);
            if view.shadow.is_some() && lit.0 != [0.0; 4] {
                lit = lit * self.sunlight(rx, ry, z, facing);
            }
            let sky = sky * 0.5 + 0.5;
            let mut c: [F4; 3] = from_fn(|k| {
                let ambient = sky * (view.ambient[k] - view.bounce[k]) + view.bounce[k];
                albedo[k] * (lit * view.sun[k] + ambient) + material.emissive[k]
            });
            if material.specular > 0.0 || material.reflective > 0.0 {
                for i in 0..out.len() / 3 {
                    let at = |v: [F4; 3]| v.map(|c| c.0[i]);
                    let shone = self.shine(run, at(normal), [rx.0[i], ry], lit.0[i], at(c));
                    for (c, s) in c.iter_mut().zip(shone) {
                        c.0[i] = s;
                    }
                }
            }
            let distance = z * (rx * rx + (1.0 + ry * ry)).sqrt();
            let clear = (distance * view.fog.density).exp_neg();
            let fog = view.fog.colour;
            let c: [F4; 3] = from_fn(|k| (c[k] - fog[k]) * clear + fog[k]);
            self.store(c, out);
        }
    }

    #[inline(always)]
    fn store(&self, c: [F4; 3], out: &mut [u8]) {
        let bytes = self.tone.bytes4(c);
        if let Ok(whole) = <&mut [u8; 12]>::try_from(&mut *out) {
            whole.copy_from_slice(bytes.as_flattened());
        } else {
            let n = out.len();
            out.copy_from_slice(&bytes.as_flattened()[..n]);
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

    /// Share of the sun that reaches the points at depth `z` along the rays, 0 to 1.
    #[inline(always)]
    fn sunlight(&self, rx: F4, ry: f32, z: F4, facing: F4) -> F4 {
        let Some(shadow) = &self.view.shadow else { return F4::all(1.0) };
        let m = &shadow.from_camera;
        let at = |r: &[f32; 4]| (rx * r[0] + (r[1] * ry + r[2])) * z + r[3];
        let (u, v) = (at(&m[0]) - 0.5, at(&m[1]) - 0.5);
        let slope = F4::all(3.5) - facing.max(0.0) * 2.5;
        let depth = at(&m[2]) - slope * shadow.texel;
        let size = shadow.resolution as f32 - 2.0;
        let ((x, fx), (y, fy)) = (u.split(), v.split());
        let width = shadow.resolution as usize;
        let mut corner = [[1.0f32; 4]; 4];
        for i in 0..4 {
            if u.0[i] >= 0.5 && v.0[i] >= 0.5 && u.0[i] < size && v.0[i] < size {
                let start = y[i] as usize * width + x[i] as usize;
                let d = &self.shadow[start..start + width + 2];
                for (c, d) in corner.iter_mut().zip([d[0], d[1], d[width], d[width + 1]]) {
                    c[i] = if depth.0[i] <= d { 1.0 } else { 0.0 };
                }
            }
        }
        let [a, b, e, f] = corner.map(F4);
        let top = a + (b - a) * fx;
        top + (e + (f - e) * fx - top) * fy
    }
}

#[inline(always)]
fn sub3(uv: [[f32; 2]; 3]) -> [[f32; 2]; 2] {
    [[uv[1][0] - uv[0][0], uv[1][1] - uv[0][1]], [uv[2][0] - uv[0][0], uv[2][1] - uv[0][1]]]
}

/// The mip level where barycentric weights are `w` and depth is `z`: from the footprint of a pixel in texels, between its
/// long and its short side.
fn mip_level(run: &Run, du: [[f32; 2]; 2], w: [f32; 2], z: f32, texture: &Texture) -> i32 {
    let tri = run.tri;
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
