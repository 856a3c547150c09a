//! Wavefront OBJ. Source: the specification of the Advanced Visualizer, appendix B1; polygons alone.

use std::collections::HashMap;

use super::{Fault, MAX_TRIANGLES, MeshData, MeshPart};

type Corner = (u32, Option<u32>, Option<u32>);

/// A part that is being filled: every distinct (position, texture, normal) becomes a corner.
#[derive(Default)]
struct Filling {
    part: MeshPart,
    corners: HashMap<Corner, u32>,
    has_uvs: bool,
    has_normals: bool,
}

pub(super) fn read(bytes: &[u8]) -> Result<MeshData, Fault> {
    let text = String::from_utf8_lossy(bytes);
    let (mut positions, mut uvs, mut normals) = (Vec::new(), Vec::new(), Vec::new());
    let mut out = MeshData::default();
    let mut filling = Filling::default();
    let mut count = 0_usize;
    let mut polygon: Vec<Corner> = Vec::new();
    for (number, line) in text.lines().enumerate() {
        let mut words = line.split_whitespace();
        let fault = |what: &str| format!("line {}: {what}", number + 1);
        match words.next().unwrap_or_default() {
            "v" => positions.push(floats::<3>(words).ok_or_else(|| fault("a vertex is three numbers"))?),
            "vt" => uvs.push(floats::<2>(words).unwrap_or_default()),
            "vn" => normals.push(floats::<3>(words).ok_or_else(|| fault("a normal is three numbers"))?),
            "f" => {
                polygon.clear();
                for word in words {
                    let corner = corner(word, positions.len(), uvs.len(), normals.len());
                    polygon.push(corner.ok_or_else(|| fault(&format!("\"{word}\" names no corner")))?);
                }
                let [first, rest @ ..] = polygon.as_slice() else { continue };
                count += rest.len().saturating_sub(1);
                if count > MAX_TRIANGLES {
                    return Err(format!("it has more than {MAX_TRIANGLES} triangles"));
                }
                for pair in rest.windows(2) {
                    let triangle =
                        [*first, pair[0], pair[1]].map(|c| filling.corner(c, &positions, &uvs, &normals));
                    filling.part.triangles.push(triangle);
                }
            }
            "g" | "o" => filling.turn(&mut out, |part| part.name = words.collect::<Vec<_>>().join(" ")),
            "usemtl" => filling.turn(&mut out, |part| part.material = words.collect::<Vec<_>>().join(" ")),
            "mtllib" => {
                out.library = line.split_once(char::is_whitespace).map(|(_, name)| name.trim().to_string())
            }
            _ => {}
        }
    }
    filling.turn(&mut out, |_| {});
    Ok(out)
}

impl Filling {
    /// Puts the part away and begins another like it, but for what `change` changes.
    fn turn(&mut self, out: &mut MeshData, change: impl FnOnce(&mut MeshPart)) {
        let (name, material) = (self.part.name.clone(), self.part.material.clone());
        let mut done = std::mem::take(self);
        if !done.has_uvs {
            done.part.uvs.clear();
        }
        if !done.has_normals {
            done.part.normals.clear();
        }
        if !done.part.triangles.is_empty() {
            out.parts.push(done.part);
        }
        self.part = MeshPart { name, material, ..MeshPart::default() };
        change(&mut self.part);
    }

    fn corner(&mut self, c: Corner, positions: &[[f32; 3]], uvs: &[[f32; 2]], normals: &[[f32; 3]]) -> u32 {
        let next = self.part.positions.len() as u32;
        *self.corners.entry(c).or_insert_with(|| {
            self.part.positions.push(positions[c.0 as usize]);
            self.part.uvs.push(c.1.map_or([0.0; 2], |i| uvs[i as usize]));
            self.part.normals.push(c.2.map_or([0.0, 0.0, 1.0], |i| normals[i as usize]));
            self.has_uvs |= c.1.is_some();
            self.has_normals |= c.2.is_some();
            next
        })
    }
}

fn floats<'a, const N: usize>(words: impl Iterator<Item = &'a str>) -> Option<[f32; N]> {
    let mut out = [0.0; N];
    let mut words = words;
    for x in &mut out {
        *x = words.next()?.parse().ok().filter(|x: &f32| x.is_finite())?;
    }
    Some(out)
}

/// `v`, `v/t`, `v//n` or `v/t/n`, counted from 1, or back from the end.
fn corner(word: &str, positions: usize, uvs: usize, normals: usize) -> Option<Corner> {
    let index = |text: &str, len: usize| -> Option<u32> {
        let i: i64 = text.parse().ok()?;
        let i = if i < 0 { i + len as i64 } else { i - 1 };
        u32::try_from(i).ok().filter(|i| (*i as usize) < len)
    };
    let mut parts = word.split('/');
    let v = index(parts.next()?, positions)?;
    let t = parts.next().filter(|t| !t.is_empty()).and_then(|t| index(t, uvs));
    let n = parts.next().filter(|n| !n.is_empty()).and_then(|n| index(n, normals));
    Some((v, t, n))
}
