//! Height maps: grey values into a terrain.

use super::{Fault, MeshData, MeshPart};

/// Grey values, row by row from the north, 0 to 1.
#[derive(Debug, Clone, PartialEq)]
pub struct Heights {
    /// Values in a row.
    pub width: usize,
    /// Rows.
    pub height: usize,
    /// The values.
    pub values: Vec<f32>,
}

impl Heights {
    /// From an image file (PNG or JPEG).
    ///
    /// # Errors
    /// What the decoder says.
    pub fn read(bytes: &[u8]) -> Result<Self, Fault> {
        let image = image::load_from_memory(bytes).map_err(|e| e.to_string())?.into_luma16();
        let (width, height) = (image.width() as usize, image.height() as usize);
        let values = image.into_raw().into_iter().map(|v| f32::from(v) / 65_535.0).collect();
        Ok(Self { width, height, values })
    }
}

/// More points along a side than this are thinned out: the terrain keeps its shape and the picture its speed.
const MAX_SIDE: usize = 513;

/// The terrain: `size` metres from west to east, from south to north and from black to white, its middle at `pos`
/// and its black at the height of `pos`.
///
/// # Errors
/// For pictures with fewer than two rows or columns.
pub fn heightmap(heights: &Heights, size: [f64; 3], pos: [f64; 3]) -> Result<MeshData, Fault> {
    let (w, h) = (heights.width, heights.height);
    if w < 2 || h < 2 || heights.values.len() != w * h {
        return Err(format!("a height map of {w}x{h} points has no area"));
    }
    let (nx, ny) = (w.min(MAX_SIDE), h.min(MAX_SIDE));
    let mut part = MeshPart::default();
    for j in 0..ny {
        for i in 0..nx {
            let (u, v) = (i as f64 / (nx - 1) as f64, j as f64 / (ny - 1) as f64);
            let column = (u * (w - 1) as f64).round() as usize;
            // Row 0 of the picture is the north.
            let row = (h - 1) - (v * (h - 1) as f64).round() as usize;
            let z = f64::from(heights.values[row * w + column]) * size[2] + pos[2];
            let (x, y) = ((u - 0.5) * size[0] + pos[0], (v - 0.5) * size[1] + pos[1]);
            part.positions.push([x as f32, y as f32, z as f32]);
            part.uvs.push([u as f32, v as f32]);
        }
    }
    for j in 0..ny as u32 - 1 {
        for i in 0..nx as u32 - 1 {
            let at = j * nx as u32 + i;
            let above = at + nx as u32;
            part.triangles.extend([[at, at + 1, above + 1], [at, above + 1, above]]);
        }
    }
    part.normals = normals(&part);
    Ok(MeshData { parts: vec![part], library: None })
}

/// Normals of the corners, from the triangles around them, weighted by area.
fn normals(part: &MeshPart) -> Vec<[f32; 3]> {
    let mut sums = vec![[0.0_f32; 3]; part.positions.len()];
    for t in &part.triangles {
        let [a, b, c] = t.map(|i| part.positions[i as usize]);
        let (u, v) = ([b[0] - a[0], b[1] - a[1], b[2] - a[2]], [c[0] - a[0], c[1] - a[1], c[2] - a[2]]);
        let n = [u[1] * v[2] - u[2] * v[1], u[2] * v[0] - u[0] * v[2], u[0] * v[1] - u[1] * v[0]];
        for i in t {
            (0..3).for_each(|k| sums[*i as usize][k] += n[k]);
        }
    }
    sums.into_iter().map(super::unit).collect()
}
