//! Triangles -> which triangle each sample of a tile sees, and at what 1/z.

use crate::geometry::{Chunk, Tri};
use crate::scene::SceneData;
use crate::simd::each;
use crate::view::{BLOCKS, LANES, TILE};

/// No triangle here.
pub(crate) const NONE: u32 = u32::MAX;
/// A visible triangle is named `chunk << CHUNK_SHIFT | index`.
pub(crate) const CHUNK_SHIFT: u32 = 26;

/// One sample per pixel of a tile.
#[derive(Debug)]
pub(crate) struct Plane {
    pub z: Vec<[f32; LANES]>,
    pub id: Vec<[u32; LANES]>,
}

impl Plane {
    pub(crate) fn new() -> Self {
        Self { z: vec![[0.0; LANES]; BLOCKS * TILE], id: vec![[NONE; LANES]; BLOCKS * TILE] }
    }

    pub(crate) fn clear(&mut self, far: f32) {
        self.z.fill([far; LANES]);
        self.id.fill([NONE; LANES]);
    }

    /// Depth at each sample, metres; +inf where nothing is.
    pub(crate) fn depths(&self, out: &mut [f32]) {
        depths(&self.z, &self.id, out);
    }
}

#[multiversion::multiversion(targets("x86_64+avx2"))]
fn depths(z: &[[f32; LANES]], id: &[[u32; LANES]], out: &mut [f32]) {
    for ((z, id), out) in z.iter().zip(id).zip(out.as_chunks_mut::<LANES>().0) {
        *out = each(|i| if id[i] == NONE { f32::INFINITY } else { 1.0 / z[i] });
    }
}

/// The samples of a pixel in 1/256 pixel from its corner: the centre, then four for edges.
pub(crate) const SAMPLES: [[i32; 2]; 5] = [[128, 128], [96, 32], [224, 96], [32, 160], [160, 224]];

pub(crate) struct Spot<'a> {
    pub scene: &'a SceneData,
    /// Pixel of the tile's top-left corner.
    pub corner: [i32; 2],
    /// Index in `SAMPLES` of the first plane given to `draw`.
    pub first: usize,
}

impl Spot<'_> {
    pub(crate) fn draw(&self, planes: &mut [Plane], chunk: &Chunk, index: u32, name: u32) {
        let tri = &chunk.tris[index as usize];
        let size = TILE as i32;
        let [tx, ty] = self.corner;
        let x0 = (i32::from(tri.x[0]) - tx).max(0);
        let x1 = (i32::from(tri.x[1]) - tx).min(size - 1);
        let y0 = (i32::from(tri.y[0]) - ty).max(0);
        let y1 = (i32::from(tri.y[1]) - ty).min(size - 1);
        // The edge functions at the corner of the tile, and whether they matter inside it.
        let mut base = [0i64; 3];
        let mut step_x = [0i32; 3];
        let mut step_y = [0i32; 3];
        for (k, e) in tri.edges.iter().enumerate() {
            let (a, b) = (i64::from(e.a), i64::from(e.b));
            let at = a * i64::from(tx * 256) + b * i64::from(ty * 256) + e.c;
            let reach = i64::from(size * 256);
            if at + a.max(0) * reach + b.max(0) * reach < 0 {
                return;
            }
            if at + a.min(0) * reach + b.min(0) * reach < 0 {
                (base[k], step_x[k], step_y[k]) = (at, e.a, e.b);
            }
        }
        let (gx, gy) = (tx as f32 - tri.origin[0], ty as f32 - tri.origin[1]);
        let blocks = [x0 as usize / LANES, x1 as usize / LANES];
        let mut area = Area {
            x: [x0, x1],
            y: [y0, y1],
            blocks,
            start: [0; 3],
            step_x,
            step_y,
            depth: [0.0, tri.pz[1], tri.pz[2]],
            shared: Shared {
                ramp: each(|k| each(|i| step_x[k].wrapping_mul(i as i32))),
                slope: each(|i| tri.pz[1] * i as f32),
                step: step_x.map(|s| s.wrapping_mul(LANES as i32)),
                change: tri.pz[1],
                range: tri.range,
                name,
                ones: u32::MAX,
            },
        };
        for (plane, [sx, sy]) in planes.iter_mut().zip(&SAMPLES[self.first..]) {
            let (fx, fy) = ((sx - 128) as f32 / 256.0, (sy - 128) as f32 / 256.0);
            area.depth[0] = tri.pz[0] + tri.pz[1] * (gx + fx) + tri.pz[2] * (gy + fy);
            for k in 0..3 {
                let (a, b) = (i64::from(step_x[k]), i64::from(step_y[k]));
                // One pixel further on adds a multiple of 256, so the floor keeps every sign.
                area.start[k] = ((base[k] + a * i64::from(*sx) + b * i64::from(*sy)) >> 8) as i32;
            }
            if tri.cutout >= 0 {
                self.cut(plane, &area, chunk, tri, [gx + fx, gy + fy]);
            } else {
                area.fill(plane);
            }
        }
    }

    /// The slow way for materials with holes: asks the texture at every sample.
    fn cut(&self, plane: &mut Plane, area: &Area, chunk: &Chunk, tri: &Tri, shift: [f32; 2]) {
        let owner = &chunk.owners[tri.owner as usize];
        let mesh = &self.scene.meshes[owner.mesh as usize];
        let Some(texture) = self.scene.materials[owner.material as usize].texture else { return };
        let texture = &self.scene.textures[texture.0 as usize];
        let [a, b, c] = mesh.triangles[tri.face as usize].map(|i| mesh.uvs[i as usize]);
        for y in area.y[0]..=area.y[1] {
            for x in area.x[0]..=area.x[1] {
                let inside =
                    (0..3).fold(0, |m, k| m | (area.start[k] + area.step_x[k] * x + area.step_y[k] * y));
                if inside < 0 {
                    continue;
                }
                let (fx, fy) = (x as f32, y as f32);
                let iz = area.depth[0] + area.depth[1] * fx + area.depth[2] * fy;
                let iz = iz.max(tri.range[0]).min(tri.range[1]);
                let (block, lane) = (y as usize * BLOCKS + x as usize / LANES, x as usize % LANES);
                if iz <= plane.z[block][lane] {
                    continue;
                }
                let z = 1.0 / iz;
                let (gx, gy) = (fx + shift[0], fy + shift[1]);
                let w1 = (tri.p1[0] + tri.p1[1] * gx + tri.p1[2] * gy) * z;
                let w2 = (tri.p2[0] + tri.p2[1] * gx + tri.p2[2] * gy) * z;
                let u = a[0] + w1 * (b[0] - a[0]) + w2 * (c[0] - a[0]);
                let v = a[1] + w1 * (b[1] - a[1]) + w2 * (c[1] - a[1]);
                if texture.opaque(u, v, i32::from(tri.cutout)) {
                    plane.z[block][lane] = iz;
                    plane.id[block][lane] = area.shared.name;
                }
            }
        }
    }
}

struct Area {
    x: [i32; 2],
    y: [i32; 2],
    blocks: [usize; 2],
    start: [i32; 3],
    step_x: [i32; 3],
    step_y: [i32; 3],
    depth: [f32; 3],
    shared: Shared,
}

impl Area {
    fn fill(&self, plane: &mut Plane) {
        rows(self, &mut plane.z, &mut plane.id);
    }
}

/// What the rows of a triangle have in common.
struct Shared {
    /// Change of each edge function within a block.
    ramp: [[i32; LANES]; 3],
    slope: [f32; LANES],
    /// Change from block to block.
    step: [i32; 3],
    change: f32,
    range: [f32; 2],
    name: u32,
    /// All ones, which the compiler does not know: it would make masked stores of the blend, which are many times slower
    /// than plain ones on some processors.
    ones: u32,
}

/// All rows of a triangle, a block at a time, free of branches so that the compiler makes SIMD of it: were this inlined
/// where `area` is made, it would fold the ramps back into scalar sums. Compiled twice on x86-64, as the shading is; every
/// lane does the same operations either way.
#[multiversion::multiversion(targets("x86_64+avx2"))]
fn rows(area: &Area, z: &mut [[f32; LANES]], id: &mut [[u32; LANES]]) {
    let blocks = area.blocks;
    let first = (blocks[0] * LANES) as i32;
    for y in area.y[0]..=area.y[1] {
        let edge = each(|k| area.start[k] + area.step_y[k] * y + area.step_x[k] * first);
        let depth = area.depth[0] + area.depth[2] * y as f32;
        let row = y as usize * BLOCKS;
        let range = row + blocks[0]..=row + blocks[1];
        line(&area.shared, edge, depth, first as f32, &mut z[range.clone()], &mut id[range]);
    }
}

#[inline(always)]
fn line(
    shared: &Shared,
    mut edge: [i32; 3],
    depth: f32,
    mut x: f32,
    zs: &mut [[f32; LANES]],
    ids: &mut [[u32; LANES]],
) {
    let [low, high] = shared.range;
    for (z, id) in zs.iter_mut().zip(ids) {
        let side = |k: usize, i: usize| edge[k].wrapping_add(shared.ramp[k][i]);
        let outside: [i32; LANES] = each(|i| (side(0, i) | side(1, i) | side(2, i)) >> 31);
        let start = depth + shared.change * x;
        let iz: [f32; LANES] = each(|i| start + shared.slope[i]);
        let iz: [f32; LANES] = each(|i| if iz[i] > low { iz[i] } else { low });
        let iz: [f32; LANES] = each(|i| if iz[i] < high { iz[i] } else { high });
        let nearer: [i32; LANES] = each(|i| if iz[i] > z[i] { -1 } else { 0 });
        let mask: [u32; LANES] = each(|i| (nearer[i] & !outside[i]) as u32 & shared.ones);
        let bits: [u32; LANES] = each(|i| (iz[i].to_bits() & mask[i]) | (z[i].to_bits() & !mask[i]));
        *z = each(|i| f32::from_bits(bits[i]));
        *id = each(|i| (shared.name & mask[i]) | (id[i] & !mask[i]));
        edge = each(|k| edge[k].wrapping_add(shared.step[k]));
        x += LANES as f32;
    }
}
