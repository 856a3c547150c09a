//! STL, binary and text. Source: 3D Systems, "StereoLithography Interface Specification", 1988.

use super::{Fault, MAX_TRIANGLES, MeshData, MeshPart};

pub(super) fn read(bytes: &[u8]) -> Result<MeshData, Fault> {
    // Binary files may begin with "solid" too; their length gives them away.
    if let Some(count) = bytes.get(80..84).and_then(|b| b.try_into().ok()).map(u32::from_le_bytes)
        && bytes.len() as u64 == 84 + 50 * u64::from(count)
    {
        return binary(&bytes[84..]);
    }
    let start = bytes.iter().position(|b| !b.is_ascii_whitespace()).unwrap_or(0);
    if bytes[start..].starts_with(b"solid") {
        return text(&String::from_utf8_lossy(bytes));
    }
    // Some exporters append bytes to a binary file.
    match bytes.get(80..84).and_then(|b| b.try_into().ok()).map(u32::from_le_bytes) {
        Some(count) if (bytes.len() as u64) > 84 + 50 * u64::from(count) => {
            binary(&bytes[84..84 + 50 * count as usize])
        }
        _ => {
            Err("it is neither a binary STL of its stated length nor a text that begins with \"solid\""
                .into())
        }
    }
}

fn binary(facets: &[u8]) -> Result<MeshData, Fault> {
    let mut part = MeshPart::default();
    for facet in facets.chunks_exact(50) {
        let number = |i: usize| f32::from_le_bytes([facet[i], facet[i + 1], facet[i + 2], facet[i + 3]]);
        let corners = [12, 24, 36].map(|at| [number(at), number(at + 4), number(at + 8)]);
        push(&mut part, corners)?;
    }
    Ok(MeshData { parts: vec![part], library: None })
}

fn text(text: &str) -> Result<MeshData, Fault> {
    let mut part = MeshPart::default();
    let mut corners: Vec<[f32; 3]> = Vec::new();
    for (number, line) in text.lines().enumerate() {
        let mut words = line.split_whitespace();
        match words.next() {
            Some("vertex") => {
                let numbers: Vec<f32> = words.filter_map(|w| w.parse().ok()).collect();
                let [x, y, z] = numbers.as_slice() else {
                    return Err(format!("line {}: a vertex is three numbers", number + 1));
                };
                corners.push([*x, *y, *z]);
            }
            Some("endloop") => {
                if let Ok(three) = <[[f32; 3]; 3]>::try_from(corners.as_slice()) {
                    push(&mut part, three)?;
                }
                corners.clear();
            }
            _ => {}
        }
    }
    Ok(MeshData { parts: vec![part], library: None })
}

fn push(part: &mut MeshPart, corners: [[f32; 3]; 3]) -> Result<(), Fault> {
    if part.triangles.len() >= MAX_TRIANGLES {
        return Err(format!("it has more than {MAX_TRIANGLES} triangles"));
    }
    if corners.iter().flatten().any(|x| !x.is_finite()) {
        return Err(format!("corner of triangle {} is not finite", part.triangles.len()));
    }
    let first = part.positions.len() as u32;
    part.positions.extend(corners);
    part.triangles.push([first, first + 1, first + 2]);
    Ok(())
}
