//! The sun's shadow map: an orthographic depth image around the camera, kept until the camera leaves its grid cell.
//!
//! The map's place depends on the camera's position alone (snapped to a grid), never on what was drawn before, so a
//! frame does not depend on history.

use crate::maths::{V3, cross, dot, unit};
use crate::scene::{Material, Placed, SceneData};
use nalgebra::{Isometry3, Point3, Vector3};
use std::sync::{PoisonError, RwLock};

/// Horizontal strips of the map, drawn in parallel.
pub(crate) const BANDS: usize = 8;

/// How sun shadows are made.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ShadowSettings {
    /// Off: everything is lit.
    pub enabled: bool,
    /// Side of the map, texels: a power of two from 64 to 8192.
    pub resolution: u32,
    /// Half the side of the square around the camera that has shadows, metres.
    pub radius_m: f64,
}

impl Default for ShadowSettings {
    fn default() -> Self {
        Self { enabled: true, resolution: 1024, radius_m: 36.0 }
    }
}

/// The map's frame: world -> texels and metres of depth along the light.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct ShadowView {
    /// World directions of: texel x, texel y, depth.
    pub axes: [V3; 3],
    /// World point that falls on the middle of the map.
    pub centre: [f64; 3],
    pub resolution: u32,
    /// Metres per texel.
    pub texel: f32,
    /// Camera space -> map, rows (x, y, z, constant); set per frame.
    pub from_camera: [[f32; 4]; 3],
    pub version: u64,
}

impl ShadowView {
    pub(crate) fn new(
        settings: &ShadowSettings,
        scene: &SceneData,
        to_sun: V3,
        pose: &Isometry3<f64>,
    ) -> Self {
        let texel = 2.0 * settings.radius_m / f64::from(settings.resolution);
        let down = to_sun.map(|c| -c);
        let side = if down[2].abs() > 0.95 { [0.0, 1.0, 0.0] } else { [0.0, 0.0, 1.0] };
        let right = unit(cross(down, side));
        let up = cross(right, down);
        let inverse = (1.0 / texel) as f32;
        let axes = [right.map(|c| c * inverse), up.map(|c| c * inverse), down];
        // Snap on the ground, in steps of an eighth of the map.
        let cell = settings.radius_m / 4.0;
        let t = pose.translation.vector;
        let centre = [t.x, t.y, t.z].map(|c| (c / cell).round() * cell);
        let half = settings.resolution as f32 / 2.0;
        let r = pose.rotation.to_rotation_matrix().into_inner();
        let offset = [0, 1, 2].map(|k| (t[k] - centre[k]) as f32);
        let from_camera = [0, 1, 2].map(|k| {
            let mut row = [0.0; 4];
            for (j, c) in row.iter_mut().take(3).enumerate() {
                *c = (0..3).map(|i| axes[k][i] * r[(i, j)] as f32).sum();
            }
            row[3] = dot(axes[k], offset) + if k < 2 { half } else { 0.0 };
            row
        });
        let resolution = settings.resolution;
        let version = scene.version;
        Self { axes, centre, resolution, texel: texel as f32, from_camera, version }
    }

    /// Whether a map drawn for `other` serves this view too.
    pub(crate) fn same_map(&self, other: &Self) -> bool {
        Self { from_camera: other.from_camera, ..*self } == *other
    }

    /// The map from an unscaled object's frame: its origin, and its axes as columns of rows.
    pub(crate) fn frame_of(&self, pose: &Isometry3<f64>) -> (V3, [V3; 3]) {
        let axes = [Vector3::x(), Vector3::y(), Vector3::z()].map(|a| pose * a);
        let rows =
            [0, 1, 2].map(|k| [0, 1, 2].map(|j| dot(self.axes[k], [0, 1, 2].map(|i| axes[j][i] as f32))));
        (self.place(pose * Point3::origin()), rows)
    }

    /// Whether an instance may throw a shadow into rows `low .. high` of the map.
    pub(crate) fn may_cast(&self, material: &Material, placed: &Placed, [low, high]: [f32; 2]) -> bool {
        if !placed.visible || !material.casts_shadow || material.unlit {
            return false;
        }
        let c = self.place(placed.centre);
        let r = placed.radius as f32 / self.texel + 1.0;
        !(c[0] + r < 0.0 || c[0] - r > self.resolution as f32 || c[1] + r < low || c[1] - r > high)
    }

    fn place(&self, p: Point3<f64>) -> V3 {
        let q = [0, 1, 2].map(|k| (p[k] - self.centre[k]) as f32);
        let half = self.resolution as f32 / 2.0;
        [dot(self.axes[0], q) + half, dot(self.axes[1], q) + half, dot(self.axes[2], q)]
    }
}

/// A strip of the map of what stands still, depth along the light in metres, +inf where nothing is.
#[derive(Debug, Default)]
pub(crate) struct Band {
    pub depth: Vec<f32>,
    corners: Vec<V3>,
}

impl Band {
    pub(crate) fn draw(&mut self, view: &ShadowView, scene: &SceneData, band: usize) {
        let rows = view.resolution as usize / BANDS;
        self.depth.clear();
        self.depth.resize(view.resolution as usize * rows, f32::INFINITY);
        for placed in scene.placed.iter().filter(|p| !p.moves) {
            cast(&mut self.depth, &mut self.corners, view, scene, placed, band * rows);
        }
    }
}

/// Side of the squares of texels whose least depth is kept, as a power of two.
pub(crate) const SQUARE_LOG2: u32 = 4;

/// The whole map: the bands, and what moves drawn over them.
#[derive(Debug, Default)]
pub(crate) struct Map {
    pub depth: Vec<f32>,
    /// The least depth of each square of texels and its neighbours to the right and below: what is nearer to the sun is
    /// in full light there.
    pub least: Vec<f32>,
    /// Rows that hold shadows of moving things.
    touched: Vec<[usize; 2]>,
    corners: Vec<V3>,
}

impl Map {
    /// Takes over freshly drawn bands.
    pub(crate) fn join<'a>(&mut self, bands: impl Iterator<Item = &'a RwLock<Band>>) {
        self.depth.clear();
        self.touched.clear();
        for band in bands {
            self.depth.extend_from_slice(&band.read().unwrap_or_else(PoisonError::into_inner).depth);
        }
        let width = self.depth.len().isqrt();
        self.least.clear();
        self.least.resize((width >> SQUARE_LOG2) * (width >> SQUARE_LOG2), f32::INFINITY);
        self.summarise(width, 0, width);
    }

    /// Brings `least` up to date where it depends on the rows `from .. to`.
    fn summarise(&mut self, width: usize, from: usize, to: usize) {
        let (side, across) = (1 << SQUARE_LOG2, width >> SQUARE_LOG2);
        for square in from.saturating_sub(1) >> SQUARE_LOG2..to.div_ceil(side).min(across) {
            let least = &mut self.least[square * across..(square + 1) * across];
            least.fill(f32::INFINITY);
            let rows = square * side..((square + 1) * side + 1).min(width);
            for row in self.depth[rows.start * width..rows.end * width].chunks_exact(width) {
                for (k, least) in least.iter_mut().enumerate() {
                    let texels = &row[k * side..((k + 1) * side + 1).min(width)];
                    *least = texels.iter().fold(*least, |a, &b| if b < a { b } else { a });
                }
            }
        }
    }

    /// Wipes out the moving shadows of the frame before and draws those of this one.
    pub(crate) fn overlay(&mut self, view: &ShadowView, scene: &SceneData, bands: &[RwLock<Band>; BANDS]) {
        let width = view.resolution as usize;
        let rows = width / BANDS;
        let mut touched = std::mem::take(&mut self.touched);
        for &[from, to] in &touched {
            for row in from..to {
                let band = bands[row / rows].read().unwrap_or_else(PoisonError::into_inner);
                let source = &band.depth[row % rows * width..][..width];
                self.depth[row * width..][..width].copy_from_slice(source);
            }
            self.summarise(width, from, to);
        }
        touched.clear();
        for &index in &scene.moving {
            let placed = &scene.placed[index as usize];
            if cast(&mut self.depth, &mut self.corners, view, scene, placed, 0) {
                let c = view.place(placed.centre)[1];
                let r = placed.radius as f32 / view.texel + 2.0;
                let row = |v: f32| (v.max(0.0) as usize).min(width);
                touched.push([row(c - r), row(c + r + 1.0)]);
            }
        }
        for &[from, to] in &touched {
            self.summarise(width, from, to);
        }
        self.touched = touched;
    }
}

/// Draws one instance into rows `top ..` of the map; false if it throws no shadow there.
fn cast(
    depth: &mut [f32],
    corners: &mut Vec<V3>,
    view: &ShadowView,
    scene: &SceneData,
    placed: &Placed,
    top: usize,
) -> bool {
    let width = view.resolution as usize;
    let rows = depth.len() / width;
    let material = &scene.materials[placed.instance.material.0 as usize];
    let (low, high) = (top as f32, (top + rows) as f32);
    if !view.may_cast(material, placed, [low, high]) {
        return false;
    }
    let mesh = &scene.meshes[scene.shadow_mesh(placed).0 as usize];
    let s = placed.instance.scale;
    let (origin, axes) = view.frame_of(&placed.instance.pose);
    let m: [V3; 3] = axes.map(|row| [0, 1, 2].map(|j| row[j] * s[j] as f32));
    corners.clear();
    corners.extend(
        mesh.positions
            .iter()
            .map(|&v| [dot(m[0], v) + origin[0], dot(m[1], v) + origin[1] - low, dot(m[2], v) + origin[2]]),
    );
    let cutout = material.texture.map(|t| &scene.textures[t.0 as usize]).filter(|t| t.cutout);
    for t in &mesh.triangles {
        let p = t.map(|i| corners[i as usize]);
        match cutout {
            None => fill(depth, width, p),
            Some(texture) => {
                let uv = t.map(|i| mesh.uvs[i as usize]);
                cut(depth, width, p, |w1, w2| {
                    let at = |k: usize| uv[0][k] + w1 * (uv[1][k] - uv[0][k]) + w2 * (uv[2][k] - uv[0][k]);
                    texture.opaque(at(0), at(1), 1)
                });
            }
        }
    }
    true
}

/// Bounds in texels, then the two edge gradients over the doubled area: barycentric weights of corners 1 and 2.
fn setup(p: &[V3; 3], width: usize, rows: usize) -> Option<([usize; 4], [f32; 6])> {
    let low = |k: usize| p[0][k].min(p[1][k]).min(p[2][k]);
    let high = |k: usize| p[0][k].max(p[1][k]).max(p[2][k]);
    let (x0, x1) = ((low(0) - 0.5).max(0.0) as usize, (high(0) + 0.5).min(width as f32));
    let (y0, y1) = ((low(1) - 0.5).max(0.0) as usize, (high(1) + 0.5).min(rows as f32));
    if x1 <= 0.0 || y1 <= 0.0 {
        return None;
    }
    let (x1, y1) = (x1 as usize, y1 as usize);
    let a = [p[1][0] - p[0][0], p[1][1] - p[0][1]];
    let b = [p[2][0] - p[0][0], p[2][1] - p[0][1]];
    let area = a[0] * b[1] - a[1] * b[0];
    if x0 >= x1 || y0 >= y1 || area.abs() < 1e-6 {
        return None;
    }
    let k = 1.0 / area;
    // w1 = ((x - p0x) * b1 - (y - p0y) * b0) / area, w2 = ((y - p0y) * a0 - (x - p0x) * a1) / area
    let w1 = [b[1] * k, -b[0] * k];
    let w2 = [-a[1] * k, a[0] * k];
    let at = |w: [f32; 2]| (0.5 - p[0][0]) * w[0] + (0.5 - p[0][1]) * w[1];
    Some(([x0, x1, y0, y1], [at(w1), w1[0], w1[1], at(w2), w2[0], w2[1]]))
}

fn fill(depth: &mut [f32], width: usize, p: [V3; 3]) {
    let Some(([x0, x1, y0, y1], g)) = setup(&p, width, depth.len() / width) else { return };
    let (d1, d2) = (p[1][2] - p[0][2], p[2][2] - p[0][2]);
    for y in y0..y1 {
        let r1 = g[0] + g[2] * y as f32;
        let r2 = g[3] + g[5] * y as f32;
        for (i, d) in depth[y * width + x0..y * width + x1].iter_mut().enumerate() {
            let x = (x0 + i) as f32;
            let (w1, w2) = (r1 + g[1] * x, r2 + g[4] * x);
            let z = p[0][2] + w1 * d1 + w2 * d2;
            let inside = (w1 >= -1e-4) & (w2 >= -1e-4) & (w1 + w2 <= 1.0001) & (z < *d);
            *d = if inside { z } else { *d };
        }
    }
}

fn cut(depth: &mut [f32], width: usize, p: [V3; 3], opaque: impl Fn(f32, f32) -> bool) {
    let Some(([x0, x1, y0, y1], g)) = setup(&p, width, depth.len() / width) else { return };
    let (d1, d2) = (p[1][2] - p[0][2], p[2][2] - p[0][2]);
    for y in y0..y1 {
        for x in x0..x1 {
            let w1 = g[0] + g[2] * y as f32 + g[1] * x as f32;
            let w2 = g[3] + g[5] * y as f32 + g[4] * x as f32;
            let z = p[0][2] + w1 * d1 + w2 * d2;
            let d = &mut depth[y * width + x];
            if w1 >= 0.0 && w2 >= 0.0 && w1 + w2 <= 1.0 && z < *d && opaque(w1, w2) {
                *d = z;
            }
        }
    }
}
