//! Visible triangles -> light, a row of a tile at a time.
//!
//! The work on a row is cut into passes over arrays ([`line::Line`]), so that pixels of different triangles share the
//! vector registers: [`run`] interpolates triangle by triangle, [`light`] does texture, sun, shadow, haze and tone on the
//! whole row. Pixels whose samples see different surfaces go through the same passes in a second line, [`spill`].
//!
//! Everything below [`tile`] is inlined into it, and it is compiled twice on x86-64: for every processor, and with wider
//! vectors for those that have AVX2. Both do the same correctly rounded operations on each lane (nothing is contracted
//! into fused steps), so the bytes are the same.

mod light;
mod line;
mod run;
mod spill;

use crate::geometry::Chunk;
use crate::raster::{CHUNK_SHIFT, NONE, Plane};
use crate::scene::SceneData;
use crate::shadow::Map;
use crate::texture::Texture;
use crate::tone::Tone;
use crate::view::{BLOCKS, TILE, View};
pub(crate) use line::Palette;
pub(crate) use run::Runs;

pub(crate) struct Shader<'a> {
    pub view: &'a View,
    pub scene: &'a SceneData,
    pub chunks: &'a [&'a Chunk],
    /// The shadow map, rows of `ShadowView::resolution` texels.
    pub shadow: &'a Map,
    pub tone: &'a Tone,
    pub clouds: &'a Texture,
}

impl<'a> Shader<'a> {
    /// Whether all samples see one instance that wants no smoothing inside.
    #[inline(always)]
    fn one_surface(&self, names: [u32; 4]) -> bool {
        let owner = |name: u32| {
            let chunk: &Chunk = self.chunks[(name >> CHUNK_SHIFT) as usize];
            (name >> CHUNK_SHIFT, chunk.tris[(name & ((1 << CHUNK_SHIFT) - 1)) as usize].owner)
        };
        if names.contains(&NONE) {
            return false;
        }
        let first = owner(names[0]);
        self.chunks[first.0 as usize].owners[first.1 as usize].seamless
            && names[1..].iter().all(|&n| owner(n) == first)
    }
}

/// Colours a tile whose corner is the pixel `corner` from what its samples see.
#[multiversion::multiversion(targets("x86_64+avx2"))]
pub(crate) fn tile<'a>(
    shader: &Shader<'a>,
    planes: &[Plane],
    corner: [usize; 2],
    palette: &mut Palette,
    runs: &mut Runs<'a>,
    rgb: &mut [u8],
) {
    let camera = &shader.view.camera;
    let columns = TILE.min(camera.width as usize - corner[0]);
    let rows = TILE.min(camera.height as usize - corner[1]);
    let smooth = shader.view.antialias;
    let mut names = [NONE; TILE];
    let mut mixed = [false; TILE];
    palette.dome.row = [usize::MAX; 2];
    for row in 0..rows {
        let y = corner[1] + row;
        let line = |s: usize| planes[s].id[row * BLOCKS..(row + 1) * BLOCKS].as_flattened();
        let mut any_mixed = false;
        if smooth {
            let (a, b, c, d) = (line(1), line(2), line(3), line(4));
            for x in 0..TILE {
                names[x] = a[x];
                mixed[x] = (a[x] != b[x]) | (a[x] != c[x]) | (a[x] != d[x]);
                any_mixed |= mixed[x];
            }
            if any_mixed {
                any_mixed = false;
                for x in 0..columns {
                    mixed[x] = mixed[x] && !shader.one_surface([a[x], b[x], c[x], d[x]]);
                    any_mixed |= mixed[x];
                }
            }
        } else {
            names.copy_from_slice(line(0));
        }
        let main = &mut palette.main;
        main.clear();
        let mut x = 0;
        while x < columns {
            if mixed[x] {
                x += 1;
                continue;
            }
            let name = names[x];
            let mut end = x + 1;
            while end < columns && names[end] == name && !mixed[end] {
                end += 1;
            }
            if name == NONE {
                main.sky(x, end);
            } else {
                let run = runs.get(shader, name);
                shader.interpolate(run, main, x, end - x, corner[0] + x, y, [0.0; 2]);
            }
            x = end;
        }
        shader.finish(main, runs);
        shader.sky_row(palette, corner[0], y);
        shader.tone_row(&palette.main, &mut rgb[row * TILE * 3..(row + 1) * TILE * 3]);
        if any_mixed {
            for x in (0..columns).filter(|&x| mixed[x]) {
                let samples = [1, 2, 3, 4].map(|s| line(s)[x]);
                let at = row * TILE + x;
                shader.mix(palette, runs, samples, [corner[0] + x, y], at, rgb);
            }
        }
    }
    shader.flush(palette, runs, rgb);
}
