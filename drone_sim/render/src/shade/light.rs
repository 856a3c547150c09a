//! The passes over a whole line: texture, sun and shadow, highlights, haze, sky, tone.

// The passes index several arrays by one channel; an iterator over one of them would hide that.
#![allow(clippy::needless_range_loop)]

use super::line::{Lane, Line, Palette, Segment, Stretch};
use super::{Runs, Shader};
use crate::maths::{V3, add, dot, lerp3, scale, unit};
use crate::shadow::SQUARE_LOG2;
use crate::simd::{F, each};
use crate::sky;
use crate::view::TILE;

impl<'a> Shader<'a> {
    /// From what the entries are made of to their colour.
    #[inline(always)]
    pub(super) fn finish(&self, line: &mut Line, runs: &mut Runs<'a>) {
        let (Some(first), Some(last)) = (line.segments.first(), line.segments.last()) else { return };
        let (from, to) = (first.start, last.end);
        for k in 0..line.segments.len() {
            let segment = line.segments[k];
            self.texture(line, segment);
        }
        let mut at = from;
        while at < to {
            self.light(line, at);
            at += 8;
        }
        for k in 0..line.shiny.len() {
            let stretch = line.shiny[k];
            self.shine(line, runs, stretch);
        }
        let mut at = from;
        while at < to {
            self.haze(line, at);
            at += 8;
        }
        for k in 0..line.plain.len() {
            let Stretch { start, end, .. } = line.plain[k];
            for k in 0..3 {
                for i in start..end {
                    line.colour[k][i] = line.albedo[k][i] + line.glow[k][i];
                }
            }
        }
    }

    #[inline(always)]
    fn texture(&self, line: &mut Line, segment: Segment) {
        let mut at = segment.start;
        while at < segment.end {
            if segment.end - at > 4 {
                self.sample::<8>(line, at, segment);
                at += 8;
            } else {
                self.sample::<4>(line, at, segment);
                at += 4;
            }
        }
    }

    #[inline(always)]
    fn sample<const N: usize>(&self, line: &mut Line, at: usize, segment: Segment) {
        let material = &self.scene.materials[segment.material as usize];
        let mut albedo: [F<N>; 3] = each(|k| F::load(&line.base[k][at..]));
        if let Some(texture) = material.texture {
            let (u, v) = (F::<N>::load(&line.u[at..]), F::<N>::load(&line.v[at..]));
            let t = self.scene.textures[texture.0 as usize].sample(u, v, segment.level);
            albedo = each(|k| albedo[k] * t[k] * t[k]);
            if let Some(detail) = material.detail {
                let scale = material.detail_scale;
                let t = self.scene.textures[detail.0 as usize].nearest(u * scale, v * scale);
                albedo = each(|k| albedo[k] * t[k] * t[k] * 2.0);
            }
        }
        for k in 0..3 {
            albedo[k].store(&mut line.albedo[k][at..]);
        }
    }

    #[inline(always)]
    fn light(&self, line: &mut Line, at: usize) {
        let view = self.view;
        let mut lit = F::<8>::load(&line.lit[at..]);
        if view.shadow.is_some() && lit.0 != [0.0; 8] {
            let facing = F::load(&line.facing[at..]);
            let (rx, ry) = (F::load(&line.rx[at..]), F::load(&line.ry[at..]));
            lit = lit * self.sunlight(rx, ry, F::load(&line.z[at..]), facing);
            lit.store(&mut line.lit[at..]);
        }
        let sky = F::<8>::load(&line.up[at..]) * 0.5 + 0.5;
        for k in 0..3 {
            let ambient = sky * (view.ambient[k] - view.bounce[k]) + view.bounce[k];
            let albedo = F::load(&line.albedo[k][at..]);
            let c = albedo * (lit * view.sun[k] + ambient) + F::load(&line.glow[k][at..]);
            c.store(&mut line.colour[k][at..]);
        }
    }

    #[inline(always)]
    fn haze(&self, line: &mut Line, at: usize) {
        let (rx, ry) = (F::<8>::load(&line.rx[at..]), F::<8>::load(&line.ry[at..]));
        let distance = F::<8>::load(&line.z[at..]) * (rx * rx + (ry * ry + 1.0)).sqrt();
        let clear = (distance * self.view.fog.density).exp_neg();
        for k in 0..3 {
            let fog = self.view.fog.colour[k];
            let c = (F::<8>::load(&line.colour[k][at..]) - fog) * clear + fog;
            c.store(&mut line.colour[k][at..]);
        }
    }

    /// The sky along the rays of an optical frame.
    #[inline(always)]
    fn sky(&self, rx: F<8>, ry: F<8>) -> [F<8>; 3] {
        let view = self.view;
        let inverse = F::all(1.0) / (rx * rx + (ry * ry + 1.0)).sqrt();
        let d: [F<8>; 3] = each(|k| {
            let r = &view.world_rows[k];
            (rx * r[0] + (ry * r[1] + r[2])) * inverse
        });
        sky::colour(&view.sky, self.clouds, view.to_sun, view.sun, d)
    }

    /// The sky of entries that are no neighbours in the picture.
    #[inline(always)]
    pub(super) fn skies(&self, line: &mut Line) {
        for k in 0..line.skies.len() {
            let Stretch { start, end, .. } = line.skies[k];
            let mut at = start;
            while at < end {
                let c = self.sky(F::load(&line.rx[at..]), F::load(&line.ry[at..]));
                let count = (end - at).min(8);
                for k in 0..3 {
                    // What follows is done already, so nothing may be written beyond the end.
                    line.colour[k][at..at + count].copy_from_slice(&c[k].0[..count]);
                }
                at += 8;
            }
        }
    }

    /// The sky of a row of the tile whose left end is the pixel (x, y): of every second pixel in every second row, and in
    /// between the mean of its neighbours. Nothing in it is as fine as a pixel.
    #[inline(always)]
    pub(super) fn sky_row(&self, palette: &mut Palette, x: usize, y: usize) {
        if palette.main.skies.is_empty() {
            return;
        }
        let dome = &mut palette.dome;
        let (low, high) = (y & !1, (y + 1) & !1);
        for row in [low, high] {
            let slot = row / 2 % 2;
            if dome.row[slot] != row {
                dome.row[slot] = row;
                self.every_second(&mut dome.colour[slot], x, row);
            }
        }
        let [a, b] = [low, high].map(|row| &dome.colour[row / 2 % 2]);
        for k in 0..palette.main.skies.len() {
            let Stretch { start, end, .. } = palette.main.skies[k];
            for k in 0..3 {
                let to = &mut palette.main.colour[k][start..end];
                for ((to, a), b) in to.iter_mut().zip(&a[k][start..end]).zip(&b[k][start..end]) {
                    *to = (a + b) * 0.5;
                }
            }
        }
    }

    #[inline(always)]
    fn every_second(&self, colour: &mut [Lane; 3], x: usize, y: usize) {
        let ry = F::all((y as f32 + 0.5 - self.view.c[1]) * self.view.inv_f[1]);
        let mut second = [[0.0; TILE / 2 + 8]; 3];
        for at in (0..=TILE / 2).step_by(8) {
            let px = F::<8>::from(at as f32) * 2.0 + x as f32;
            let c = self.sky((px + 0.5 - self.view.c[0]) * self.view.inv_f[0], ry);
            for k in 0..3 {
                c[k].store(&mut second[k][at..]);
            }
        }
        for k in 0..3 {
            for i in 0..TILE / 2 {
                let (a, b) = (second[k][i], second[k][i + 1]);
                colour[k][2 * i] = a;
                colour[k][2 * i + 1] = (a + b) * 0.5;
            }
        }
    }

    /// Bytes of a whole row of the tile.
    #[inline(always)]
    pub(super) fn tone_row(&self, line: &Line, rgb: &mut [u8]) {
        for (block, out) in rgb.chunks_exact_mut(24).enumerate() {
            let c = each(|k| F::<8>::load(&line.colour[k][block * 8..]));
            out.copy_from_slice(self.tone.bytes(c).as_flattened());
        }
    }

    /// Highlight and mirrored sky.
    #[inline(always)]
    fn shine(&self, line: &mut Line, runs: &mut Runs<'a>, stretch: Stretch) {
        let run = runs.get(self, stretch.name);
        let (view, material) = (self.view, run.material);
        let r = &run.owner.rows;
        for i in stretch.start..stretch.end {
            let normal: V3 = each(|k| line.normal[k][i]);
            let n = [dot(r[0], normal), dot(r[1], normal), dot(r[2], normal)];
            let d = unit(view.to_world([line.rx[i], line.ry[i], 1.0]));
            let facing = -dot(n, d);
            let mirror = add(d, scale(n, 2.0 * facing));
            let grazing = 1.0 - facing.clamp(0.0, 1.0);
            let g2 = grazing * grazing;
            let fresnel = material.reflective + (1.0 - material.reflective) * g2 * g2 * grazing * 0.6;
            let mut c: V3 = each(|k| line.colour[k][i]);
            if material.reflective > 0.0 {
                c = lerp3(c, sky::gradient(&view.sky, mirror[2]), fresnel);
            }
            let mut s = dot(mirror, view.to_sun).max(0.0);
            for _ in 0..material.sharpness.min(10) {
                s *= s;
            }
            let lit = line.lit[i];
            let visible = if lit > 0.0 { material.specular * s * (lit * 4.0).min(1.0) } else { 0.0 };
            let c = add(c, scale(view.sun, visible));
            for k in 0..3 {
                line.colour[k][i] = c[k];
            }
        }
    }

    /// Share of the sun that reaches the points at depth `z` along the rays, 0 to 1.
    #[inline(always)]
    fn sunlight(&self, rx: F<8>, ry: F<8>, z: F<8>, facing: F<8>) -> F<8> {
        let Some(shadow) = &self.view.shadow else { return F::all(1.0) };
        let m = &shadow.from_camera;
        let at = |r: &[f32; 4]| (rx * r[0] + (ry * r[1] + r[2])) * z + r[3];
        let (u, v) = (at(&m[0]) - 0.5, at(&m[1]) - 0.5);
        let slope = F::all(3.5) - facing.max(0.0) * 2.5;
        let depth = at(&m[2]) - slope * shadow.texel;
        let size = shadow.resolution as f32 - 2.0;
        let ((x, fx), (y, fy)) = (u.split(), v.split());
        let width = shadow.resolution as usize;
        // Mostly nothing is between a whole block and the sun.
        let across = (width >> SQUARE_LOG2) as i32;
        let mut least = [0.0f32; 8];
        for i in 0..8 {
            let square = (y[i] >> SQUARE_LOG2).wrapping_mul(across).wrapping_add(x[i] >> SQUARE_LOG2);
            least[i] = self.shadow.least.get(square as usize).copied().unwrap_or(f32::INFINITY);
        }
        let mut dim = [0u32; 8];
        for i in 0..8 {
            let inside = (u.0[i] >= 0.5) & (v.0[i] >= 0.5) & (u.0[i] < size) & (v.0[i] < size);
            dim[i] = u32::from(inside & (depth.0[i] > least[i]));
        }
        if dim.iter().fold(0, |any, d| any | d) == 0 {
            return F::all(1.0);
        }
        let mut corner = [[1.0f32; 8]; 4];
        for i in 0..8 {
            if dim[i] != 0 {
                let start = y[i] as usize * width + x[i] as usize;
                let d = &self.shadow.depth[start..start + width + 2];
                for (c, d) in corner.iter_mut().zip([d[0], d[1], d[width], d[width + 1]]) {
                    c[i] = if depth.0[i] <= d { 1.0 } else { 0.0 };
                }
            }
        }
        let [a, b, e, f] = [F(corner[0]), F(corner[1]), F(corner[2]), F(corner[3])];
        let top = a + (b - a) * fx;
        top + (e + (f - e) * fx - top) * fy
    }
}
