use super::super::vector::norm;
use super::*;

const OPTICAL: Turn = Turn([[0.0, 0.0, 1.0], [-1.0, 0.0, 0.0], [0.0, -1.0, 0.0]]);

fn picture(z: f32, post: Option<(usize, f32)>) -> Vec<u8> {
    let mut out = Vec::new();
    for _ in 0..120 {
        for x in 0..160 {
            let z = match post {
                Some((at, near)) if x == at || x == at + 1 => near,
                _ => z,
            };
            out.extend(z.to_le_bytes());
        }
    }
    out
}

fn look(bytes: &[u8]) -> (Shell, Worth) {
    let camera = Pinhole { k: [84.0, 84.0, 79.5, 59.5], size: (160, 120) };
    let image = Depth { size: (160, 120), step: 640, metres: true, bytes };
    assert!(image.whole());
    let mut shell = Shell::new(1.0);
    let worth = depth(&mut shell, &image, &camera, [1.0, 2.0, 3.0], &OPTICAL, 10.0);
    shell.end(0, [1.0, 2.0, 3.0], shows(&image, &camera, [1.0, 2.0, 3.0], &OPTICAL));
    (shell, worth)
}

#[test]
fn a_thin_post_is_seen_where_it_stands() {
    let (shell, worth) = look(&picture(f32::INFINITY, Some((40, 2.0))));
    assert!(worth.valid > 0.99);
    let nearest =
        shell.points(0).map(|p| norm(along(p, -1.0, [1.0, 2.0, 3.0]))).fold(f64::INFINITY, f64::min);
    assert!((2.0..2.6).contains(&nearest), "{nearest}");
    assert!(shell.points(0).all(|p| (p[0] - 3.0).abs() < 1e-6 && p[1] > 2.8), "left of the axis");
}

#[test]
fn nothing_valid_is_worth_nothing_and_repeats_are_told() {
    for z in [0.0, f32::NAN, -1.0] {
        let worth = look(&picture(z, None)).1;
        assert_eq!((worth.valid, worth.deepest), (0.0, 0.0));
    }
    let digest = |post| look(&picture(5.0, post)).1.digest.unwrap();
    let deepest = |z, post| look(&picture(z, post)).1.deepest;
    assert_eq!((deepest(0.5, None), deepest(5.0, Some((9, 1.0)))), (0.5, 5.0));
    assert!(deepest(f32::INFINITY, Some((9, 1.0))).is_infinite());
    let same = digest(None);
    assert_ne!(same, digest(Some((9, 1.0))));
    assert_eq!(look(&picture(f32::INFINITY, None)).1.digest, None);
    let mut repeats = Repeats::default();
    assert!(!repeats.frozen(same, [0.0; 3]) && !repeats.frozen(same, [0.0; 3]));
    assert!(!repeats.frozen(same, [0.0; 3]), "at rest equal pictures are honest");
    assert!(repeats.frozen(same, [0.2, 0.0, 0.0]));
}

/// The flat scan of a vehicle that is turned by `turn`, one ray a degree.
fn around(shell: &mut Shell, turn: &Turn, ranges: &[f32], stamp: i64) -> Worth {
    let rays = Scan { ranges, first: 0.0, step: 1_f64.to_radians(), limits: (0.1, 30.0) };
    let worth = scan(shell, &rays, [0.0; 3], turn, 10.0);
    shell.end(stamp, [0.0; 3], sweeps(&rays, [0.0; 3], turn));
    worth
}

#[test]
fn scans_look_around() {
    let mut shell = Shell::new(1.0);
    let ranges: Vec<f32> = (0..360).map(|i| if i == 90 { 2.0 } else { f32::INFINITY }).collect();
    let worth = around(&mut shell, &Turn::NONE, &ranges, 0);
    let points: Vec<_> = shell.points(0).collect();
    assert!(
        worth.valid == 1.0
            && worth.deepest.is_infinite()
            && points.len() == 1
            && (points[0][1] - 2.0).abs() < 1e-6,
        "{points:?}"
    );
}

#[test]
fn a_scanner_whose_nose_is_down_has_looked_where_it_flies() {
    for degrees in [-8.0, -5.0, -0.1, 0.0, 0.1, 5.0, 8.0_f64] {
        let mut shell = Shell::new(1.0);
        let nose = Turn::from_rpy(0.0, degrees.to_radians(), 0.0);
        around(&mut shell, &nose, &[f32::INFINITY; 360], 0);
        for i in 0..72 {
            let (s, c) = (f64::from(i) * 0.0873).sin_cos();
            assert!(shell.looked([c, s, 0.0], 0.1, 0), "{i} at {degrees} degrees");
        }
        assert!(!shell.looked([0.3, 0.0, 1.0], 0.1, 0), "not up");
    }
    // A wide nose-up: level is not where it looks any more.
    let mut shell = Shell::new(1.0);
    around(&mut shell, &Turn::from_rpy(0.0, -0.4, 0.0), &[f32::INFINITY; 360], 0);
    assert!(!shell.looked([1.0, 0.0, 0.0], 0.0, 0) && shell.looked([1.0, 0.0, 0.4], 0.0, 0));
}

#[test]
fn a_far_wall_does_not_slip_under_a_scanner_whose_nose_is_down() {
    let mut shell = Shell::new(1.0);
    // 4 m ahead; the nose 6 degrees down.
    let ranges: Vec<f32> = (0..360).map(|i| if i < 2 { 4.0 } else { f32::INFINITY }).collect();
    around(&mut shell, &Turn::from_rpy(0.0, 0.105, 0.0), &ranges, 0);
    let lowest = shell.points(0).map(|p| p[2]).fold(f64::INFINITY, f64::min);
    assert!(lowest < -0.4 && shell.points(0).any(|p| p[2].abs() < 1e-9 && (p[0] - 3.98).abs() < 0.01));
    // Seen through from a level vehicle, both have gone.
    around(&mut shell, &Turn::NONE, &[f32::INFINITY; 360], 1);
    assert_eq!(shell.points(1).count(), 0);
}

#[test]
fn a_coarse_scanner_looks_between_its_rays_too() {
    let mut shell = Shell::new(1.0);
    let rays = Scan { ranges: &[20.0; 72], first: 0.0, step: 5_f64.to_radians(), limits: (0.1, 30.0) };
    scan(&mut shell, &rays, [0.0; 3], &Turn::level(0.03), 10.0);
    shell.end(0, [0.0; 3], sweeps(&rays, [0.0; 3], &Turn::NONE));
    for i in 0..720 {
        let (s, c) = (f64::from(i) * 0.00873).sin_cos();
        assert!(shell.looked([c, s, 0.0], 0.1, 0), "{i}");
    }
}

#[test]
fn a_scan_takes_back_what_it_looks_at_and_nothing_else() {
    let mut ranges = [f32::INFINITY; 360];
    (ranges[0], ranges[90], ranges[359]) = (3.0, 2.0, 4.0);
    let mut shell = Shell::new(1.0);
    around(&mut shell, &Turn::NONE, &ranges, 0);
    assert!(shell.points(0).count() >= 2);
    // Half of it is covered: what stood there is still there.
    let mut half = [f32::INFINITY; 360];
    half[45..135].fill(f32::NAN);
    around(&mut shell, &Turn::NONE, &half, 1);
    let left: Vec<_> = shell.points(1).collect();
    assert!(left.len() == 1 && (left[0][1] - 2.0).abs() < 1e-6, "{left:?}");
    // A nose far down looks under it.
    around(&mut shell, &Turn::from_rpy(0.3, 0.0, 0.0), &[f32::INFINITY; 360], 2);
    assert_eq!(shell.points(2).count(), 1);
    around(&mut shell, &Turn::NONE, &[f32::INFINITY; 360], 3);
    assert_eq!(shell.points(3).count(), 0);
    // Turning the other way, and not all around.
    let rays = Scan { ranges: &[5.0; 91], first: 0.0, step: -1_f64.to_radians(), limits: (0.1, 30.0) };
    let seen = sweeps(&rays, [0.0; 3], &Turn::NONE);
    assert!(seen([1.0, 0.001, 0.0]) && seen([1.0, -1.0, 0.0]) && seen([0.001, -1.0, 0.0]));
    assert!(!seen([1.0, 1.0, 0.0]) && !seen([-1.0, -1.0, 0.0]) && !seen([1.0, -1.0, 0.4]));
}

#[test]
fn one_far_pixel_of_a_block_proves_nothing_and_a_near_one_binds() {
    let level = |shell: &Shell| shell.looked([1.0, 0.05, 0.02], 0.0, 0);
    // One pixel in twenty is valid, as a matcher leaves behind before a white wall.
    let sparse = |z: f32| {
        let mut out = Vec::new();
        for i in 0..160 * 120 {
            let (x, y) = (i % 160, i / 160);
            out.extend(if (x + 3 * y) % 20 == 0 { z } else { f32::NAN }.to_le_bytes());
        }
        out
    };
    let (shell, worth) = look(&sparse(11.0));
    assert!(!level(&shell) && worth.valid < 0.1, "{worth:?}");
    let (shell, _) = look(&sparse(2.0));
    assert!(!level(&shell));
    assert!(shell.points(0).any(|p| (p[0] - 3.0).abs() < 1e-6), "a surface binds all the same");
    let (shell, worth) = look(&picture(11.0, None));
    assert!(level(&shell) && worth.valid > 0.99);
}

#[test]
fn both_types_and_odd_sizes_are_read_alike() {
    for (width, height) in [(641_usize, 481_usize), (640, 480), (163, 61), (40, 3), (3, 2), (4100, 20)] {
        let z = |x: usize, y: usize| 1.0 + 0.001 * ((x * 7 + y * 13) % 900) as f32;
        let (mut metres, mut millimetres) = (Vec::new(), Vec::new());
        for y in 0..height {
            for x in 0..width {
                metres.extend(z(x, y).to_le_bytes());
                millimetres.extend(((z(x, y) * 1e3).round() as u16).to_le_bytes());
            }
        }
        let f = width as f64 * 0.5;
        let camera = Pinhole { k: [f, f, width as f64 * 0.5, height as f64 * 0.5], size: (width, height) };
        let look = |image: &Depth<'_>| {
            let mut shell = Shell::new(1.0);
            let worth = depth(&mut shell, image, &camera, [0.0; 3], &OPTICAL, 10.0);
            shell.end(0, [0.0; 3], |_| true);
            (worth, shell.points(0).map(norm).collect::<Vec<_>>())
        };
        let size = (width, height);
        let a = look(&Depth { size, step: width * 4, metres: true, bytes: &metres });
        let b = look(&Depth { size, step: width * 2, metres: false, bytes: &millimetres });
        assert_eq!((a.0.valid, b.0.valid, a.1.len()), (1.0, 1.0, b.1.len()), "{size:?}");
        assert!(a.1.iter().zip(&b.1).all(|(a, b)| (a - b).abs() < 2e-3), "{size:?}");
        assert!(a.1.iter().all(|r| (0.99..3.5).contains(r)));
    }
}

/// A camera that flies past a post keeps it in mind when it has left the view through the last cell that is looked at.
#[test]
fn what_is_passed_by_stays_in_mind() {
    let camera = Pinhole { k: [84.0, 84.0, 79.5, 59.5], size: (160, 120) };
    let mut shell = Shell::new(2.0);
    let post: V = [2.0, 0.6, 0.0];
    for step in 0..40_u32 {
        let eye: V = [0.05 * f64::from(step), 0.0, 0.0];
        let mut bytes = Vec::new();
        for v in 0..120 {
            for u in 0..160 {
                // A ball of 0.1 m.
                let d = OPTICAL.apply([(f64::from(u) - 79.5) / 84.0, (f64::from(v) - 59.5) / 84.0, 1.0]);
                let to = along(post, -1.0, eye);
                let x = super::super::vector::dot(to, d) / norm(d);
                let beside = (super::super::vector::dot(to, to) - x * x).max(0.0).sqrt();
                let z = if beside < 0.1 && x > 0.0 { (x / norm(d)) as f32 } else { f32::INFINITY };
                bytes.extend(z.to_le_bytes());
            }
        }
        let image = Depth { size: (160, 120), step: 640, metres: true, bytes: &bytes };
        depth(&mut shell, &image, &camera, eye, &OPTICAL, 10.0);
        let stamp = i64::from(step) * 33_000_000;
        shell.end(stamp, eye, shows(&image, &camera, eye, &OPTICAL));
        let nearest = shell.points(stamp).map(|p| norm(along(p, -1.0, post))).fold(f64::INFINITY, f64::min);
        assert!(nearest < 0.25, "forgotten at step {step}, {:.2} m before it", post[0] - eye[0]);
    }
    // Beside it, with the memory's time over, it is forgotten.
    assert_eq!(shell.points(39 * 33_000_000 + 2_100_000_000).count(), 0);
}

#[test]
fn a_lidar_looks_up_and_down() {
    let dome = Dome { elevation: (-0.5, 0.5), silence_is_free: false };
    let mut cloud = Vec::new();
    for i in 0..360_u32 {
        for j in -5_i32..=5 {
            let ((s, c), (up, flat)) = (f64::from(i).to_radians().sin_cos(), (f64::from(j) * 0.1).sin_cos());
            // A wall all around at 4 m, but nothing to the left.
            let range = if (60..120).contains(&i) { f64::NAN } else { 4.0 };
            cloud.push([range * flat * c, range * flat * s, range * up].map(|v| v as f32));
        }
    }
    let look = |dome: &Dome| {
        let mut shell = Shell::new(1.0);
        let worth = points(&mut shell, cloud.iter().copied(), dome, [0.0; 3], &Turn::NONE, 10.0);
        shell.end_unordered(0, [0.0; 3]);
        (shell, worth)
    };
    let (shell, worth) = look(&dome);
    assert!((worth.valid - 300.0 / 360.0).abs() < 1e-9 && (worth.deepest - 4.0).abs() < 1e-5);
    assert!(shell.looked([1.0, 0.0, 0.0], 0.1, 0) && shell.looked([1.0, 0.0, 0.3], 0.1, 0));
    assert!(!shell.looked([0.0, 1.0, 0.0], 0.0, 0), "silence is unknown");
    assert!(!shell.looked([0.1, 0.0, 1.0], 0.0, 0));
    let (shell, _) = look(&Dome { silence_is_free: true, ..dome });
    assert!(shell.looked([0.0, 1.0, 0.0], 0.1, 0) && !shell.looked([0.0, 0.1, 1.0], 0.0, 0));
    let mut shell = Shell::new(1.0);
    let few = points(&mut shell, cloud.iter().copied().take(15), &dome, [0.0; 3], &Turn::NONE, 10.0);
    assert_eq!(few.valid, 0.0, "covered");
}
