//! Instances -> camera space -> clipped, culled and binned triangles.
//!
//! Coverage is decided on screen corners rounded to 1/256 pixel (watertight, top-left rule). Depth and the barycentric
//! coordinates come from the exact camera-space plane of the *unclipped* triangle (homogeneous rasterisation after
//! Olano and Greer, 1997), so clipping never disturbs them.

use crate::maths::{V3, dot};
use crate::scene::SceneData;
use crate::view::{TILE, View};

/// Screen coordinates beyond this many pixels are clipped away before they are rounded.
const GUARD: f64 = 12_000.0;

#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Edge {
    pub a: i32,
    pub b: i32,
    pub c: i64,
}

/// A screen triangle, ready to be drawn.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Tri {
    pub edges: [Edge; 3],
    /// Pixel bounds, inclusive.
    pub x: [i16; 2],
    pub y: [i16; 2],
    /// Pixel at whose centre the planes below have their constant; each is (value there, change per pixel in x, in y).
    pub origin: [f32; 2],
    /// 1/z: value at the origin, change per pixel in x and y.
    pub pz: V3,
    /// Barycentric weight of corner 1, over z.
    pub p1: V3,
    /// Barycentric weight of corner 2, over z.
    pub p2: V3,
    /// Smallest and largest 1/z of the corners.
    pub range: [f32; 2],
    pub owner: u32,
    pub face: u32,
    /// Seen from behind.
    pub back: bool,
    /// Mip level for the cutout test, negative where the material has none.
    pub cutout: i8,
}

/// What the pixels of one instance have in common.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Owner {
    pub mesh: u32,
    pub material: u32,
    pub object: u32,
    pub seamless: bool,
    pub inv_scale: V3,
    /// Direction to the sun in the (unscaled) object frame.
    pub light: V3,
    /// World up in the object frame.
    pub up: V3,
    /// World from object, rows.
    pub rows: [V3; 3],
}

#[derive(Clone, Copy, Debug, Default)]
struct Corner {
    p: V3,
    screen: [i32; 2],
    /// 1 near, 2 left, 4 right, 8 above, 16 below, 32 beyond the guard band.
    out: u8,
}

#[derive(Debug, Default)]
pub(crate) struct Chunk {
    pub tris: Vec<Tri>,
    pub owners: Vec<Owner>,
    pub bins: Vec<Vec<u32>>,
    corners: Vec<Corner>,
}

impl Chunk {
    pub(crate) fn clear(&mut self, tiles: usize) {
        self.tris.clear();
        self.owners.clear();
        if self.bins.len() < tiles {
            self.bins.resize_with(tiles, Vec::new);
        }
        self.bins.iter_mut().for_each(Vec::clear);
    }

    pub(crate) fn add(&mut self, view: &View, scene: &SceneData, index: u32) {
        let whole = &scene.placed[index as usize];
        let placed = &whole.instance;
        let mesh_id = scene.mesh_at(whole, (view.cam_from_world * whole.centre).coords.norm());
        let mesh = &*scene.meshes[mesh_id.0 as usize];
        let material = &scene.materials[placed.material.0 as usize];
        let to_cam = view.cam_from_world * placed.pose;
        let r = to_cam.rotation.to_rotation_matrix().into_inner();
        let t = to_cam.translation.vector;
        let s = placed.scale;
        let m: [V3; 3] = [0, 1, 2].map(|k| [0, 1, 2].map(|j| (r[(k, j)] * s[j]) as f32));
        let t: V3 = [t.x as f32, t.y as f32, t.z as f32];
        let w = placed.pose.rotation.to_rotation_matrix().into_inner();
        let rows: [V3; 3] = [0, 1, 2].map(|k| [0, 1, 2].map(|j| w[(k, j)] as f32));
        let l = view.to_sun;
        let owner = self.owners.len() as u32;
        self.owners.push(Owner {
            mesh: mesh_id.0,
            material: placed.material.0,
            object: placed.object,
            seamless: mesh.seamless,
            inv_scale: [0, 1, 2].map(|k| (1.0 / s[k]) as f32),
            light: [0, 1, 2].map(|j| rows[0][j] * l[0] + rows[1][j] * l[1] + rows[2][j] * l[2]),
            up: rows[2],
            rows,
        });

        let c = &view.camera;
        let (fx, fy, cx, cy) = (c.fx as f32, c.fy as f32, c.cx as f32, c.cy as f32);
        let (near, wide, high) = (c.near_m as f32, c.width as f32, c.height as f32);
        self.corners.clear();
        self.corners.extend(mesh.positions.iter().map(|&v| {
            let p = [dot(m[0], v) + t[0], dot(m[1], v) + t[1], dot(m[2], v) + t[2]];
            if p[2] < near {
                return Corner { p, screen: [0; 2], out: 1 };
            }
            let iz = 1.0 / p[2];
            let (x, y) = (cx + fx * p[0] * iz, cy + fy * p[1] * iz);
            let mut out = 0;
            out |= if x < 0.0 { 2 } else { 0 } | if x > wide { 4 } else { 0 };
            out |= if y < 0.0 { 8 } else { 0 } | if y > high { 16 } else { 0 };
            if x.abs() > GUARD as f32 || y.abs() > GUARD as f32 {
                return Corner { p, screen: [0; 2], out: out | 32 };
            }
            Corner { p, screen: [snap(f64::from(x)), snap(f64::from(y))], out }
        }));

        let cutout = material.texture.map(|t| &*scene.textures[t.0 as usize]).filter(|t| t.cutout);
        for (face, triangle) in mesh.triangles.iter().enumerate() {
            let q = triangle.map(|i| self.corners[i as usize]);
            if q[0].out & q[1].out & q[2].out & 31 != 0 {
                continue;
            }
            let Some((mut tri, planes)) = planes([q[0].p, q[1].p, q[2].p], material.two_sided) else {
                continue;
            };
            tri.owner = owner;
            tri.face = face as u32;
            if let Some(texture) = cutout {
                let uv = triangle.map(|i| mesh.uvs[i as usize]);
                tri.cutout = cutout_level(&q, uv, texture.size());
            }
            if (q[0].out | q[1].out | q[2].out) & 33 == 0 {
                self.emit(view, tri, &planes, [q[0].screen, q[1].screen, q[2].screen]);
            } else {
                self.clip(view, tri, &planes, [q[0].p, q[1].p, q[2].p]);
            }
        }
    }

    /// Cuts at the near plane and the guard band, then draws the polygon as a fan that shares the planes of `tri`.
    fn clip(&mut self, view: &View, tri: Tri, planes: &Planes, corners: [V3; 3]) {
        let c = &view.camera;
        let reach = [GUARD - c.cx, GUARD + c.cx, GUARD - c.cy, GUARD + c.cy];
        let mut poly = [[0.0f64; 3]; 9];
        let mut n = 3;
        for (p, q) in poly.iter_mut().zip(corners) {
            *p = q.map(f64::from);
        }
        for plane in 0..5 {
            let distance = |p: &[f64; 3]| match plane {
                0 => p[2] - c.near_m,
                1 => reach[0] * p[2] - c.fx * p[0],
                2 => reach[1] * p[2] + c.fx * p[0],
                3 => reach[2] * p[2] - c.fy * p[1],
                _ => reach[3] * p[2] + c.fy * p[1],
            };
            let mut next = [[0.0f64; 3]; 9];
            let mut count = 0;
            for i in 0..n {
                let (a, b) = (poly[i], poly[(i + 1) % n]);
                let (da, db) = (distance(&a), distance(&b));
                if da >= 0.0 && count < 9 {
                    next[count] = a;
                    count += 1;
                }
                if (da >= 0.0) != (db >= 0.0) && count < 9 {
                    let t = da / (da - db);
                    next[count] = [0, 1, 2].map(|k| a[k] + (b[k] - a[k]) * t);
                    count += 1;
                }
            }
            (poly, n) = (next, count);
            if n < 3 {
                return;
            }
        }
        let mut screen = [[0i32; 2]; 9];
        for (s, p) in screen.iter_mut().zip(&poly[..n]) {
            let z = p[2].max(c.near_m);
            *s = [snap(c.cx + c.fx * p[0] / z), snap(c.cy + c.fy * p[1] / z)];
        }
        for i in 1..n - 1 {
            self.emit(view, tri, planes, [screen[0], screen[i], screen[i + 1]]);
        }
    }

    fn emit(&mut self, view: &View, mut tri: Tri, planes: &Planes, mut s: [[i32; 2]; 3]) {
        // Seen with y down, a front face turns the other way.
        if !tri.back {
            s.swap(1, 2);
        }
        let area = i64::from(s[1][0] - s[0][0]) * i64::from(s[2][1] - s[0][1])
            - i64::from(s[2][0] - s[0][0]) * i64::from(s[1][1] - s[0][1]);
        if area <= 0 {
            return;
        }
        let reach = if view.antialias { 64 } else { 0 };
        let limits = [view.camera.width as i32 - 1, view.camera.height as i32 - 1];
        let bounds = [0, 1].map(|k| {
            let low = s[0][k].min(s[1][k]).min(s[2][k]);
            let high = s[0][k].max(s[1][k]).max(s[2][k]);
            [((low - 128 - reach + 255) >> 8).max(0), ((high - 128 + reach) >> 8).min(limits[k])]
        });
        let [x, y] = bounds;
        if x[0] > x[1] || y[0] > y[1] {
            return;
        }
        for (edge, (p, q)) in tri.edges.iter_mut().zip([(s[0], s[1]), (s[1], s[2]), (s[2], s[0])]) {
            let (a, b) = (p[1] - q[1], q[0] - p[0]);
            let c = i64::from(p[0]) * i64::from(q[1]) - i64::from(p[1]) * i64::from(q[0]);
            let owned = a > 0 || (a == 0 && b > 0);
            *edge = Edge { a, b, c: c - i64::from(!owned) };
        }
        tri.x = x.map(|v| v as i16);
        tri.y = y.map(|v| v as i16);
        let origin = [(x[0] + x[1]) / 2, (y[0] + y[1]) / 2];
        tri.origin = origin.map(|v| v as f32);
        let c = &view.camera;
        let ray = [(f64::from(origin[0]) + 0.5 - c.cx) / c.fx, (f64::from(origin[1]) + 0.5 - c.cy) / c.fy];
        let local = |p: &[f64; 3]| {
            [(p[0] * ray[0] + p[1] * ray[1] + p[2]) as f32, (p[0] / c.fx) as f32, (p[1] / c.fy) as f32]
        };
        (tri.pz, tri.p1, tri.p2) = (local(&planes.z), local(&planes.p1), local(&planes.p2));
        let index = self.tris.len() as u32;
        self.tris.push(tri);
        let size = TILE as i32;
        for ty in y[0] / size..=y[1] / size {
            for tx in x[0] / size..=x[1] / size {
                self.bins[ty as usize * view.tiles[0] + tx as usize].push(index);
            }
        }
    }
}

fn snap(v: f64) -> i32 {
    (v * 256.0 + 4_194_304.5) as i32 - 4_194_304
}

/// Planes over the pixel ray (X, Y, 1): value = a X + b Y + c.
struct Planes {
    z: [f64; 3],
    p1: [f64; 3],
    p2: [f64; 3],
}

/// The planes of 1/z and of the barycentric weights over z, or nothing for a back face or a triangle seen edge on.
fn planes(p: [V3; 3], two_sided: bool) -> Option<(Tri, Planes)> {
    let p = p.map(|v| v.map(f64::from));
    let sub = |a: [f64; 3], b: [f64; 3]| [a[0] - b[0], a[1] - b[1], a[2] - b[2]];
    let cross = |a: [f64; 3], b: [f64; 3]| {
        [a[1] * b[2] - a[2] * b[1], a[2] * b[0] - a[0] * b[2], a[0] * b[1] - a[1] * b[0]]
    };
    let normal = cross(sub(p[1], p[0]), sub(p[2], p[0]));
    let d = normal[0] * p[0][0] + normal[1] * p[0][1] + normal[2] * p[0][2];
    let back = d > 0.0;
    if (back && !two_sided) || d.abs() < 1e-18 {
        return None;
    }
    let inverse = 1.0 / d;
    let times = |v: [f64; 3]| v.map(|c| c * inverse);
    let planes = Planes { z: times(normal), p1: times(cross(p[2], p[0])), p2: times(cross(p[0], p[1])) };
    let (mut low, mut high) = (f64::INFINITY, 0.0f64);
    for v in p {
        // A corner at or behind the lens puts no bound on 1/z.
        let iz = if v[2] > 1e-6 { 1.0 / v[2] } else { f64::INFINITY };
        low = low.min(if iz.is_finite() { iz } else { 0.0 });
        high = high.max(iz);
    }
    let range = [low as f32, high as f32];
    Some((Tri { range, back, cutout: -1, ..Tri::default() }, planes))
}

/// The mip level at which a texture's texels are about as large as pixels, from the areas in texels and pixels.
fn cutout_level(q: &[Corner; 3], uv: [[f32; 2]; 3], size: (u32, u32)) -> i8 {
    if (q[0].out | q[1].out | q[2].out) & 33 != 0 {
        return 0;
    }
    let area = |a: [f32; 2], b: [f32; 2], c: [f32; 2]| {
        ((b[0] - a[0]) * (c[1] - a[1]) - (c[0] - a[0]) * (b[1] - a[1])).abs()
    };
    let s = [0, 1, 2].map(|k| q[k].screen.map(|v| v as f32 / 256.0));
    let texels = area(uv[0], uv[1], uv[2]) * size.0 as f32 * size.1 as f32;
    let ratio = texels / area(s[0], s[1], s[2]).max(0.25);
    let mut level = 0;
    while level < 12 && ratio > (1u32 << (2 * level + 1)) as f32 {
        level += 1;
    }
    level
}
