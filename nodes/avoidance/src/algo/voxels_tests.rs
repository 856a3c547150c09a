use super::super::depth::Intrinsics;
use super::super::geometry::Quat;
use super::*;

const HERE: Vec3 = Vec3::new(0.0, 0.0, 2.0);

fn lattice() -> Lattice {
    Lattice::new(Intrinsics::new(42.0, 42.0, 39.5, 29.5, 80, 60).unwrap(), 80)
}

fn looking(from: Vec3, yaw: f64) -> Pose {
    Pose { position: from, rotation: Quat::from_rpy(0.0, 0.0, yaw).after(Quat::FLU_FROM_OPTICAL) }
}

/// Sees a wall across, `wall` metres ahead and `top` metres high, and nothing beyond it.
fn see_wall(voxels: &mut Voxels, pose: &Pose, body: Vec3, wall: f32, top: f64) {
    let l = lattice();
    let cells = (0..80 * 60).map(|i| {
        let ty = f64::from(l.y_edges[i / 80] + l.y_edges[i / 80 + 1]) / 2.0;
        let height = pose.position.z - ty * f64::from(wall);
        if height < top { wall } else { f32::INFINITY }
    });
    let pooled = Pooled::from_cells(cells.collect());
    for _ in 0..2 * SHARE {
        voxels.observe(&pooled, &l, pose, body, 12.0);
    }
}

fn known(voxels: &Voxels, x: f64, y: f64, z: f64) -> Known {
    voxels.known(cell_of(Vec3::new(x, y, z)))
}

#[test]
fn a_wall_is_seen_with_its_top_and_the_air_over_it() {
    let mut v = Voxels::new();
    see_wall(&mut v, &looking(HERE, 0.0), HERE, 5.2, 3.0);
    for z in [0.6, 1.6, 2.6, 2.9] {
        assert_eq!(known(&v, 5.2, 0.0, z), Known::Occupied, "{z}");
        assert_eq!(known(&v, 3.0, 0.0, z.max(1.0)), Known::Free, "{z}");
    }
    assert_eq!(known(&v, 5.2, 0.0, 3.6), Known::Free, "over it");
    assert_eq!(known(&v, 6.8, 0.0, 2.0), Known::Unseen, "behind it");
    assert_eq!(known(&v, -3.0, 0.0, 2.0), Known::Unseen, "behind the vehicle");
    // Grown by the body: closed beside, above and below; then dear; then not.
    let price = |x: f64, z: f64| v.price(cell_of(Vec3::new(x, 0.1, z)));
    assert_eq!([price(5.2, 2.6), price(4.7, 2.1), price(5.2, 3.3), price(5.2, 3.4)], [None; 4]);
    assert_eq!([price(5.2, 3.6), price(5.2, 3.9)], [Some(NEAR), Some(1.0)]);
    assert_eq!([price(3.1, 2.1), price(-3.0, 2.1)], [Some(1.0), Some(UNSEEN)]);
    assert_eq!(price(6.2, 2.1), Some(UNSEEN), "far enough behind");
}

#[test]
fn what_was_not_seen_to_end_is_closed() {
    // The wall fills the view up to its upper rim: nobody knows how much higher it is.
    let mut v = Voxels::new();
    see_wall(&mut v, &looking(HERE, 0.0), HERE, 3.2, 99.0);
    let price = |z: f64| v.price(cell_of(Vec3::new(3.2, 0.1, z)));
    assert_eq!(known(&v, 3.2, 0.1, 5.1), Known::Unseen);
    assert_eq!([price(3.9), price(4.9), price(5.4)], [None; 3]);
}

#[test]
fn what_went_away_is_cleared_and_what_stands_at_a_glancing_angle_stays() {
    let mut v = Voxels::new();
    see_wall(&mut v, &looking(HERE, 0.0), HERE, 5.2, 3.0);
    assert_eq!(known(&v, 5.2, 0.0, 2.0), Known::Occupied);
    for _ in 0..3 {
        see_wall(&mut v, &looking(HERE, 0.0), HERE, f32::INFINITY, 3.0);
    }
    assert_eq!(known(&v, 5.2, 0.0, 2.0), Known::Free);
    // A wall along the flight, 1 m to the left, seen at 5 to 40 degrees.
    let l = lattice();
    let cells = (0..80 * 60).map(|i| {
        let tx = (l.x_edges[i % 80] + l.x_edges[i % 80 + 1]) / 2.0;
        if tx < -0.12 { -1.15 / tx } else { f32::INFINITY }
    });
    let pooled = Pooled::from_cells(cells.collect());
    for _ in 0..6 * SHARE {
        v.observe(&pooled, &l, &looking(HERE, 0.0), HERE, 12.0);
    }
    for x in [2.2, 3.2, 4.2, 5.2, 6.2, 7.2] {
        assert_eq!(known(&v, x, 1.15, 2.1), Known::Occupied, "{x}");
    }
}

#[test]
fn the_window_rolls_in_all_directions_and_forgets_what_left_it() {
    let wall = |at: Vec3| if at.x > 3.0 && at.x < 3.5 { Known::Occupied } else { Known::Free };
    let mut v = Voxels::drawn(HERE, wall);
    let inside = |v: &Voxels, cell: Cell| v.corner().is_some_and(|c| Voxels::inside(c, cell));
    let mut at = HERE;
    let mut seed = 7_u64;
    for _ in 0..400 {
        let mut step = || {
            seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (seed >> 40) as f64 / f64::from(1 << 24) - 0.5
        };
        let before = v.clone();
        at += Vec3::new(6.0 * step() + 0.02, 6.0 * step(), 2.0 * step());
        assert!(v.recenter(at));
        // What stayed in the window is what it was; what came in is unknown.
        for k in 0..500 {
            let c = v.corner().unwrap();
            let cell =
                [c[0] + k * 31 % SIDE as i64, c[1] + k * 17 % SIDE as i64, c[2] + k * 7 % LAYERS as i64];
            let expected = if inside(&before, cell) { before.known(cell) } else { Known::Unseen };
            assert_eq!(v.known(cell), expected, "{cell:?}");
        }
        let off = cell_of(at)[2] - v.corner().unwrap()[2] - LAYERS as i64 / 2;
        assert!(off.abs() < SLACK, "{off}");
    }
    assert!(v.recenter(at + Vec3::new(500.0, 0.0, 0.0)));
    assert!(v.cells.iter().all(|c| *c == 0), "a jump forgets all");
}

#[test]
fn whatever_it_is_told_nothing_is_out_of_bounds() {
    let l = lattice();
    let wild = [f64::NAN, f64::INFINITY, -1e300, 1e300, 9.9e5, -9.9e5, 0.0, 1e-300, -0.25, 3.7e4];
    let mut v = Voxels::new();
    let depths = [f32::NAN, f32::INFINITY, 1e30, 0.0, -1.0, 1e-30, 8.9, 0.2];
    let pooled = Pooled::from_cells((0..80 * 60).map(|i| depths[i * 7 % depths.len()]).collect());
    let mut dome =
        Panorama::new(Fan::Dome { elevation: (-1.4, 1.4), rows: 16, silence_is_free: true }, 100.0, 0.03);
    dome.begin();
    for i in 0..4000 {
        let f = |k: i32| ((i * k) as f32 * 0.37).sin() * 10_f32.powi(i % 9 - 3);
        dome.point([f(3), f(5), f(7)]);
    }
    dome.end();
    for i in 0..wild.len().pow(2) {
        let (a, b, c) = (wild[i % 10], wild[i / 10], wild[(i * 7 + 3) % 10]);
        let body = Vec3::new(a, b, c);
        let rotation = Quat { w: b, x: c, y: a, z: 1.0 };
        let rotations = [rotation, Quat::from_rpy(i as f64, 1.3 * i as f64, 0.7 * i as f64)];
        for rotation in rotations {
            for position in [body, Vec3::new(a + 3.0, b, c - 2.0), Vec3::new(c, a, b)] {
                let pose = Pose { position, rotation };
                v.observe(&pooled, &l, &pose, body, 12.0);
                v.observe_round(&dome, &pose, body, 100.0);
            }
        }
        let _ = (v.price(cell_of(body)), v.roof(body));
    }
    assert!(v.cells.iter().all(|c| *c <= CEILING));
}

#[test]
fn a_dome_fills_the_map_all_around_and_a_plane_does_not() {
    let mut v = Voxels::new();
    let pose = Pose { position: HERE, rotation: Quat::from_rpy(0.0, 0.0, 2.0) };
    let mut plane = Panorama::new(Fan::Plane { reach: 1.0 }, 12.0, 0.03);
    plane.begin();
    (-180..180).for_each(|d| plane.ray(f64::from(d).to_radians(), 4.0, (0.1, 20.0)));
    plane.end();
    v.observe_round(&plane, &pose, HERE, 12.0);
    assert_eq!(v.corner(), None);
    let mut dome =
        Panorama::new(Fan::Dome { elevation: (-0.5, 0.5), rows: 24, silence_is_free: true }, 12.0, 0.03);
    dome.begin();
    for row in 0..24 {
        let elevation = -0.5 + row as f32 / 23.0;
        for i in 0..360 {
            let azimuth = (i as f32).to_radians();
            // A round wall of 3 m height, 6.2 m off.
            if 6.2 * elevation.tan() + 2.0 < 3.0 {
                dome.point([6.2 * azimuth.cos(), 6.2 * azimuth.sin(), 6.2 * elevation.tan()]);
            }
        }
    }
    dome.end();
    for _ in 0..3 * SHARE {
        v.observe_round(&dome, &pose, HERE, 12.0);
    }
    for degrees in [0.0_f64, 70.0, 160.0, 250.0, 340.0] {
        let (sin, cos) = degrees.to_radians().sin_cos();
        assert_eq!(known(&v, 6.2 * cos, 6.2 * sin, 2.1), Known::Occupied, "{degrees}");
        assert_eq!(known(&v, 4.0 * cos, 4.0 * sin, 2.1), Known::Free, "{degrees}");
        assert_eq!(known(&v, 6.2 * cos, 6.2 * sin, 4.1), Known::Free, "{degrees}");
    }
}
