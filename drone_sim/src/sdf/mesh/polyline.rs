//! Outlines pulled up along z: `<polyline>`.
//!
//! The first outline is filled, further ones that lie inside of it are holes; triangulated by clipping ears, holes
//! joined to the outline by bridges. Source: D. Eberly, "Triangulation by Ear Clipping", 2002.

use super::{Fault, MeshData, MeshPart};

type P = [f64; 2];

/// More points than this are refused: ear clipping is quadratic at the least.
const MAX_POINTS: usize = 2000;

/// The solid between the outlines at z = 0 and `height`, metres.
///
/// # Errors
/// For fewer than three points, too many, or points that are not finite.
pub fn polyline(outlines: &[Vec<P>], height: f64) -> Result<MeshData, Fault> {
    if outlines.iter().map(Vec::len).sum::<usize>() > MAX_POINTS {
        return Err(format!("it has more than {MAX_POINTS} points"));
    }
    if outlines.iter().flatten().flatten().any(|x| !x.is_finite() || x.abs() > 1e6) {
        return Err("a point is not finite".into());
    }
    let mut rings: Vec<Vec<P>> = outlines.iter().map(|o| cleaned(o)).filter(|o| o.len() >= 3).collect();
    if rings.is_empty() {
        return Err("an outline needs three points that differ".into());
    }
    for (i, ring) in rings.iter_mut().enumerate() {
        // The outline runs counter-clockwise, holes clockwise.
        if (area(ring) > 0.0) != (i == 0) {
            ring.reverse();
        }
    }
    let mut part = MeshPart::default();
    let mut side = |a: P, b: P| {
        let first = part.positions.len() as u32;
        let length = (b[0] - a[0]).hypot(b[1] - a[1]).max(1e-12);
        let normal = [((b[1] - a[1]) / length) as f32, (-(b[0] - a[0]) / length) as f32, 0.0];
        for (p, z) in [(a, 0.0), (b, 0.0), (b, height), (a, height)] {
            part.positions.push([p[0] as f32, p[1] as f32, z as f32]);
            part.normals.push(normal);
        }
        part.triangles.extend([[first, first + 1, first + 2], [first, first + 2, first + 3]]);
    };
    for ring in &rings {
        for i in 0..ring.len() {
            side(ring[i], ring[(i + 1) % ring.len()]);
        }
    }
    let flat = bridged(&rings);
    let triangles = clip(&flat);
    for (z, up) in [(height, true), (0.0, false)] {
        let first = part.positions.len() as u32;
        part.positions.extend(flat.iter().map(|p| [p[0] as f32, p[1] as f32, z as f32]));
        part.normals.extend(flat.iter().map(|_| [0.0, 0.0, if up { 1.0 } else { -1.0 }]));
        part.triangles.extend(triangles.iter().map(|t| {
            let t = t.map(|i| first + i as u32);
            if up { t } else { [t[0], t[2], t[1]] }
        }));
    }
    Ok(MeshData { parts: vec![part], library: None })
}

/// Without points that repeat the one before, the closing point too.
fn cleaned(points: &[P]) -> Vec<P> {
    let near = |a: &P, b: &P| (a[0] - b[0]).abs() + (a[1] - b[1]).abs() < 1e-9;
    let mut out: Vec<P> = Vec::new();
    for p in points {
        if out.last().is_none_or(|last| !near(last, p)) {
            out.push(*p);
        }
    }
    while out.len() > 1 && near(&out[0], &out[out.len() - 1]) {
        out.pop();
    }
    out
}

fn area(ring: &[P]) -> f64 {
    (0..ring.len())
        .map(|i| (ring[i], ring[(i + 1) % ring.len()]))
        .map(|(a, b)| a[0] * b[1] - b[0] * a[1])
        .sum()
}

fn cross(a: P, b: P, c: P) -> f64 {
    (b[0] - a[0]) * (c[1] - a[1]) - (b[1] - a[1]) * (c[0] - a[0])
}

/// One ring out of many: each hole is joined to the nearest corner that sees it.
fn bridged(rings: &[Vec<P>]) -> Vec<P> {
    let mut ring = rings[0].clone();
    let mut holes: Vec<&Vec<P>> = rings[1..].iter().collect();
    let rightmost = |h: &[P]| h.iter().map(|p| p[0]).fold(f64::NEG_INFINITY, f64::max);
    holes.sort_by(|a, b| rightmost(b).total_cmp(&rightmost(a)));
    for hole in holes {
        let mut best: Option<(f64, usize, usize)> = None;
        for (i, a) in ring.iter().enumerate() {
            for (j, b) in hole.iter().enumerate() {
                let gap = (a[0] - b[0]).hypot(a[1] - b[1]);
                if best.is_none_or(|(g, ..)| gap < g) && !crosses(*a, *b, &ring) && !crosses(*a, *b, hole) {
                    best = Some((gap, i, j));
                }
            }
        }
        let Some((_, i, j)) = best else { continue };
        let around = (0..=hole.len()).map(|k| hole[(j + k) % hole.len()]).chain([ring[i]]);
        let insert: Vec<P> = around.collect();
        ring.splice(i + 1..i + 1, insert);
    }
    ring
}

fn crosses(a: P, b: P, ring: &[P]) -> bool {
    (0..ring.len()).any(|i| {
        let (c, d) = (ring[i], ring[(i + 1) % ring.len()]);
        cross(a, b, c) * cross(a, b, d) < 0.0 && cross(c, d, a) * cross(c, d, b) < 0.0
    })
}

fn clip(ring: &[P]) -> Vec<[usize; 3]> {
    let mut left: Vec<usize> = (0..ring.len()).collect();
    let mut out = Vec::new();
    while left.len() > 3 {
        let n = left.len();
        let ear = (0..n).find(|&i| {
            let [a, b, c] = [left[(i + n - 1) % n], left[i], left[(i + 1) % n]];
            let [pa, pb, pc] = [ring[a], ring[b], ring[c]];
            cross(pa, pb, pc) > 1e-15
                && left.iter().all(|&k| {
                    let p = ring[k];
                    let corner = p == pa || p == pb || p == pc;
                    corner || cross(pa, pb, p) < 0.0 || cross(pb, pc, p) < 0.0 || cross(pc, pa, p) < 0.0
                })
        });
        // An outline that crosses itself has no ear at times: any corner brings it to an end.
        let i = ear.unwrap_or(0);
        out.push([left[(i + n - 1) % n], left[i], left[(i + 1) % n]]);
        left.remove(i);
    }
    if let [a, b, c] = left[..] {
        out.push([a, b, c]);
    }
    out
}
