//! The view against brute force: no ball that touches a seen point may be called free.

use super::super::depth::{Intrinsics, Lattice, Pooled};
use super::*;

const W: usize = 80;
const H: usize = 60;

fn lattice() -> Lattice {
    Lattice::new(Intrinsics::new(42.0, 42.0, 39.5, 29.5, W, H).unwrap(), 80)
}

fn pooled(z: Vec<f32>) -> Pooled {
    Pooled::from_cells(z)
}

fn view_of(p: &Pooled, radius: f64, boxes: &[MarginBox]) -> RangeView {
    let l = lattice();
    let mut view = RangeView::default();
    view.fill(p, &l, &StampTable::new(&l, radius, 0.0, 10.0), boxes);
    view
}

fn random(seed: &mut u64) -> f64 {
    *seed = seed.wrapping_add(0x9E37_79B9_7F4A_7C15);
    let mut z = *seed;
    z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    ((z ^ (z >> 31)) >> 11) as f64 / (1_u64 << 53) as f64
}

#[test]
fn free_never_touches_a_seen_point_nor_an_unseen_ray() {
    let l = lattice();
    let mut seed = 7;
    let (mut free, mut clear) = (0, 0);
    for _ in 0..60 {
        let mut z = vec![f32::INFINITY; W * H];
        for _ in 0..6 {
            z[(random(&mut seed) * (W * H) as f64) as usize] = 0.4 + 9.0 * random(&mut seed) as f32;
        }
        if random(&mut seed) < 0.5 {
            z[(random(&mut seed) * (W * H) as f64) as usize] = 0.0;
        }
        let p = pooled(z);
        let view = view_of(&p, 0.45, &[]);
        for _ in 0..400 {
            let depth = 0.3 + 9.2 * random(&mut seed);
            let at = Vec3::new(
                (random(&mut seed) - 0.5) * 1.9 * depth,
                (random(&mut seed) - 0.5) * 1.4 * depth,
                depth,
            );
            let mut gap = f64::INFINITY;
            for (i, &zi) in p.z.iter().enumerate() {
                let (c, r) = (i % W, i / W);
                let tx = f64::from(l.x_edges[c] + l.x_edges[c + 1]) / 2.0;
                let ty = f64::from(l.y_edges[r] + l.y_edges[r + 1]) / 2.0;
                let ray = Vec3::new(tx, ty, 1.0);
                if zi == 0.0 {
                    let along = at.dot(ray) / ray.dot(ray);
                    gap = gap.min((at - ray * along).norm());
                } else if zi.is_finite() {
                    gap = gap.min((at - ray * f64::from(zi)).norm());
                }
            }
            let said = view.verdict_at(at);
            if said == Verdict::Free {
                free += 1;
                assert!(gap >= 0.45, "called free {gap} m from a surface or an unseen ray, at {at:?}");
            }
            clear += usize::from(gap > 1.2);
        }
    }
    assert!(free > clear / 3, "the view calls next to nothing free: {free} of {clear}");
}

#[test]
fn the_edges_of_the_image_are_unknown() {
    let view = view_of(&pooled(vec![f32::INFINITY; W * H]), 0.45, &[]);
    assert_eq!(view.verdict(0.0, 0.0, 5.0), Verdict::Free);
    let edge = 5.0 * 40.0 / 42.0;
    assert_eq!(view.verdict(edge - 0.4, 0.0, 5.0), Verdict::Unknown);
    assert_eq!(view.verdict(edge - 0.9, 0.0, 5.0), Verdict::Free);
    assert_eq!(view.verdict(0.0, 0.0, 0.5), Verdict::Unknown, "too near for the whole ball to be in view");
    assert_eq!(view.verdict(0.0, 0.0, -3.0), Verdict::Unknown);
    assert_eq!(view.verdict(0.0, 0.0, 9.7), Verdict::Hit, "nothing is free beyond the trusted range");
}

#[test]
fn behind_a_surface_is_unknown_and_at_it_is_a_hit() {
    let view = view_of(&pooled(vec![4.0; W * H]), 0.45, &[]);
    assert_eq!(view.verdict(0.0, 0.0, 3.4), Verdict::Free);
    assert_eq!(view.verdict(0.0, 0.0, 3.7), Verdict::Hit);
    assert_eq!(view.verdict(0.0, 0.0, 7.0), Verdict::Unknown);
}

#[test]
fn a_covered_image_holds_nothing_free() {
    let view = view_of(&pooled(vec![0.0; W * H]), 0.45, &[]);
    for z in [1.0, 3.0, 8.0] {
        assert_ne!(view.verdict(0.0, 0.0, z), Verdict::Free);
    }
}

#[test]
fn margin_boxes_only_ever_add() {
    let mut z = vec![f32::INFINITY; W * H];
    z[30 * W + 40] = 5.0;
    let p = pooled(z);
    let wide = MarginBox { x_min: -0.2, x_max: 0.2, y_min: -0.2, y_max: 0.2, extra: 0.6 };
    let (plain, widened) = (view_of(&p, 0.45, &[]), view_of(&p, 0.45, &[wide]));
    assert_eq!(plain.verdict(0.85, 0.0, 5.0), Verdict::Free);
    assert_eq!(widened.verdict(0.85, 0.0, 5.0), Verdict::Hit);
    for i in 0..200 {
        let (x, z) = ((f64::from(i % 20) - 10.0) * 0.3, 1.0 + f64::from(i / 20) * 0.8);
        let at = Vec3::new(x, 0.1, z);
        assert!(widened.verdict_at(at) != Verdict::Free || plain.verdict_at(at) == Verdict::Free);
    }
}

#[test]
fn a_closer_look_agrees_with_points_and_opens_gaps() {
    // Two posts, 0.8 m apart, 0.7 m ahead: a ball of radius 0.31 fits between them, one of 0.45 does not.
    let l = lattice();
    let mut cells = vec![f32::INFINITY; l.cols * l.rows];
    let mut points = Vec::new();
    for row in 0..l.rows {
        for col in 0..l.cols {
            let t = (l.x_edges[col] + l.x_edges[col + 1]) / 2.0;
            let ty = (l.y_edges[row] + l.y_edges[row + 1]) / 2.0;
            if (0.52..0.70).contains(&(t.abs() * 0.9)) {
                cells[row * l.cols + col] = 0.9;
                points.push([t * 0.9, ty * 0.9, 0.9]);
            }
        }
    }
    let pooled = Pooled::from_cells(cells);
    let ask = |radius: f64, at: [f32; 3]| {
        let mut view = RangeView::default();
        let table = StampTable::new(&l, radius, 0.0, 10.0);
        view.fill(&pooled, &l, &table, &[]);
        let coarse = view.verdict(at[0], at[1], at[2]);
        view.keep_depths(&pooled, 0.0);
        (coarse, view.verdict(at[0], at[1], at[2]))
    };
    assert_eq!(ask(0.31, [0.0, 0.0, 0.9]).1, Verdict::Free);
    assert_ne!(ask(0.56, [0.0, 0.0, 0.9]).1, Verdict::Free);
    let mut opened = 0;
    for i in 0..400_u32 {
        let part = |k: u32| (i.wrapping_mul(k) % 97) as f32 / 97.0;
        let at = [part(31) * 0.8 - 0.4, part(57) * 0.2 - 0.1, 0.6 + part(73) * 1.2];
        let (coarse, closer) = ask(0.31, at);
        let nearest = points
            .iter()
            .map(|p| p.iter().zip(&at).map(|(a, b)| (a - b).powi(2)).sum::<f32>().sqrt())
            .fold(f32::INFINITY, f32::min);
        assert!(closer != Verdict::Free || nearest > 0.31, "{at:?}: {nearest}");
        assert!(coarse != Verdict::Free || closer == Verdict::Free);
        opened += u32::from(coarse != Verdict::Free && closer == Verdict::Free);
    }
    assert!(opened > 10, "{opened}");
}
