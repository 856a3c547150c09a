use super::*;

#[test]
fn newer_sweeps_replace_older_ones_where_they_looked() {
    let mut shell = Shell::new(1.0);
    shell.begin();
    shell.ray([0.0; 3], [3.0, 0.0, 0.0], true);
    shell.ray([0.0; 3], [5.0, 0.01, 0.0], true);
    shell.ray([0.0; 3], [0.0, 2.0, 0.0], true);
    shell.end(0, [0.0; 3], |_| true);
    let ranges = |s: &Shell, now| {
        let mut all: Vec<f64> = s.points(now).map(norm).collect();
        all.sort_by(f64::total_cmp);
        all
    };
    assert!(ranges(&shell, 0).len() >= 2 && ranges(&shell, 0)[0] == 2.0);
    shell.begin();
    shell.ray([0.0; 3], [10.0, 0.0, 0.0], false);
    for y in [-2.0, -1.0, -0.01, 0.01, 1.0, 2.0] {
        shell.ray([0.0; 3], [10.0, y, 0.0], false);
    }
    shell.end(500_000_000, [0.0; 3], |p| p[0] > 0.0);
    assert_eq!(ranges(&shell, 500_000_000), [2.0], "what was ahead has gone");
    assert!(ranges(&shell, 1_200_000_000).is_empty(), "too old");
    assert!(shell.looked([1.0, 0.05, 0.05], 0.0, 1_200_000_000) && !shell.looked([-1.0, 0.0, 0.0], 0.0, 0));
}

#[test]
fn a_doubted_sweep_brings_surfaces_nearer_and_never_takes_them_away() {
    let mut shell = Shell::new(1.0);
    let sweep = |s: &mut Shell, ahead: f64, hit: bool| {
        s.begin();
        s.ray([0.0; 3], [ahead, 0.01, 0.0], hit);
    };
    sweep(&mut shell, 3.0, true);
    shell.end(0, [0.0; 3], |_| true);
    for (ahead, hit, then) in [(9.0, true, 3.0), (12.0, false, 3.0), (2.0, true, 2.0)] {
        sweep(&mut shell, ahead, hit);
        shell.end_doubted(1, [0.0; 3]);
        let nearest = shell.points(1).map(|p| p[0]).fold(f64::INFINITY, f64::min);
        assert_eq!(nearest, then, "{ahead}");
    }
}

/// Rays all around the horizon and above and below, of `range` metres, where `sees` says so.
fn look_around(shell: &mut Shell, sees: impl Fn(f64) -> bool, range: f64, hit: bool, stamp: i64) {
    shell.begin();
    for i in 0..360 {
        let azimuth = f64::from(i).to_radians() + 0.001 - std::f64::consts::PI;
        for j in -4..4 {
            let elevation = (f64::from(j) + 0.5) * 0.087;
            let ((s, c), (up, flat)) = (azimuth.sin_cos(), elevation.sin_cos());
            if sees(azimuth) {
                shell.ray([0.0; 3], [range * flat * c, range * flat * s, range * up], hit);
            }
        }
    }
    shell.end(stamp, [0.0; 3], |p| sees(p[1].atan2(p[0])));
}

fn ring_of(shell: &Shell, yaw: f64, now: i64, fresh: i64) -> [f32; AZIMUTHS] {
    let mut ring = [0.0; AZIMUTHS];
    shell.ring([0.0; 3], yaw, now, fresh, &mut ring);
    ring
}

#[test]
fn the_ring_turns_counter_clockwise_from_the_heading() {
    let mut shell = Shell::new(1.0);
    look_around(&mut shell, |_| true, 9.0, false, 0);
    shell.begin();
    shell.ray([0.0; 3], [0.0, 4.0, 0.2], true);
    shell.end(0, [0.0; 3], |_| false);
    let ring = ring_of(&shell, 0.0, 0, 0);
    assert!((ring[18] - 4.0).abs() < 0.02 && ring[0] == f32::INFINITY);
    assert!((ring_of(&shell, std::f64::consts::FRAC_PI_2, 0, 0)[0] - 4.0).abs() < 0.02);
}

#[test]
fn where_nobody_looked_the_ring_says_so() {
    // A camera of 90 degrees, ahead.
    let ahead = |azimuth: f64| azimuth.abs() < std::f64::consts::FRAC_PI_4;
    let mut shell = Shell::new(2.0);
    assert!(ring_of(&shell, 0.0, 0, 0).iter().all(|r| r.is_nan()), "nothing was ever seen");
    look_around(&mut shell, ahead, 9.0, false, 0);
    for yaw in [0.0, 0.03, -0.7, 2.0] {
        let ring = ring_of(&shell, yaw, 0, 0);
        let told = |from: f64| ring[((from - yaw).to_degrees() / 5.0).round().rem_euclid(72.0) as usize];
        assert!([-0.6, 0.0, 0.6].iter().all(|a| told(*a) == f32::INFINITY), "{yaw}");
        let unseen = ring.iter().filter(|r| r.is_nan()).count();
        assert!((54..=56).contains(&unseen), "{unseen} at {yaw}");
        assert!([1.0, 2.0, 3.0, -1.0, -2.0].iter().all(|a| told(*a).is_nan()), "{yaw}");
    }
    // What was clear a while ago is not called clear; a surface is told as long as it is remembered.
    look_around(&mut shell, |a| a > 2.0, 5.0, true, 100);
    let ring = ring_of(&shell, 0.0, 200, 50);
    assert!(ring[0].is_nan() && (ring[30] - 5.0).abs() < 0.1);
}

#[test]
fn a_body_as_wide_as_it_is_must_fit_into_what_was_looked_at() {
    let half_view = 43.5_f64.to_radians();
    let mut shell = Shell::new(1.0);
    look_around(&mut shell, |azimuth| azimuth.abs() < half_view, 9.0, false, 0);
    let toward = |degrees: f64, half: f64| {
        let (s, c) = degrees.to_radians().sin_cos();
        shell.looked([c, s, 0.0], half, 0)
    };
    let body = (0.3 / 3.0_f64).atan();
    assert!(toward(0.0, body) && toward(-30.0, body) && toward(36.0, body));
    // A pole at 46 degrees would stand in this way, and nobody has seen whether it does.
    assert!(!toward(43.0, body) && !toward(-41.0, body));
    assert!(!toward(44.0, 0.0) && toward(30.0, 0.1) && !toward(30.0, 0.4));
}

#[test]
fn a_late_sweep_takes_nothing_back() {
    let mut shell = Shell::new(1.0);
    shell.begin();
    shell.ray([0.0; 3], [3.0, 0.05, 0.0], true);
    shell.end(1000, [0.0; 3], |_| true);
    shell.begin();
    shell.ray([0.0; 3], [9.0, 0.05, 0.0], false);
    shell.end(500, [0.0; 3], |_| true);
    assert_eq!(shell.points(1000).count(), 1);
}

#[test]
fn rays_in_no_order_take_back_what_lies_inside_of_them() {
    let wide = |azimuth: f64| azimuth.abs() < 0.6;
    let mut shell = Shell::new(1.0);
    look_around(&mut shell, wide, 5.0, true, 0);
    let before = shell.points(0).count();
    // Through where it was: only what has looked-at cells on all sides has gone.
    shell.begin();
    for i in -34..=34 {
        for j in -4..4 {
            let (a, e) = (f64::from(i).to_radians(), (f64::from(j) + 0.5) * 0.087);
            shell.ray([0.0; 3], [9.0 * a.cos() * e.cos(), 9.0 * a.sin() * e.cos(), 9.0 * e.sin()], false);
        }
    }
    shell.end_unordered(1, [0.0; 3]);
    let left: Vec<_> = shell.points(1).collect();
    assert!(!left.is_empty() && left.len() < before);
    assert!(left.iter().all(|p| p[1].atan2(p[0]).abs() > 0.4 || p[2].abs() > 0.8), "{left:?}");
}
