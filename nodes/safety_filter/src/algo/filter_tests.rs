use super::*;

const FRESH: Ages = Ages {
    command: Some(0.01),
    sensors: Some(0.02),
    odometry: Some(0.01),
    battery_speed: f64::INFINITY,
    blocked: false,
};

fn filter() -> Filter {
    Filter {
        limits: Limits {
            radius: 0.4,
            deceleration: 4.0,
            reaction: 0.25,
            near: 1.0,
            max_speed: 8.0,
            blind_speed: 0.5,
            fence: ([-50.0, -50.0, 0.5], [50.0, 50.0, 10.0]),
            fresh: 0.1,
            stale: 0.3,
        },
    }
}

/// A wall across x = `x`, seen from the origin at 2 m height, and open space elsewhere.
fn wall(x: f64) -> Shell {
    let mut shell = Shell::new(1.0);
    shell.begin();
    for i in -90..=90 {
        for j in -20..=20 {
            let (a, e) = (f64::from(i) * 0.0349, f64::from(j) * 0.0349);
            let d = [a.cos() * e.cos(), a.sin() * e.cos(), e.sin()];
            let range = if d[0] > 0.0 { x / d[0] } else { f64::INFINITY };
            let hit = range < 12.0;
            shell.ray([0.0, 0.0, 2.0], scaled(d, if hit { range } else { 12.0 }), hit);
        }
    }
    shell.end(0, HERE, |_| true);
    shell
}

const HERE: V = [0.0, 0.0, 2.0];

#[test]
fn the_command_passes_where_there_is_room() {
    let v = filter().judge([4.0, 0.0, 0.0], HERE, &wall(8.0), &FRESH, 0);
    assert_eq!((v.velocity, v.cause), ([4.0, 0.0, 0.0], None));
    assert!((v.nearest - 7.6).abs() < 0.2 && v.stop > 2.9);
}

#[test]
fn it_stops_before_a_wall_from_any_distance() {
    let f = filter();
    for step in 0..60 {
        let x = 0.3 + f64::from(step) * 0.15;
        let v = f.judge([6.0, 0.0, 0.0], HERE, &wall(x), &FRESH, 0);
        let stop = f.stopping_distance(norm(v.velocity));
        assert!(stop <= (x - 0.4).max(0.0) + TUBE_SLACK + 0.01, "wall at {x}: {v:?} stops in {stop}");
    }
}

#[test]
fn along_a_wall_the_part_along_it_stays() {
    let v = filter().judge([2.0, 2.0, 0.0], HERE, &wall(0.6), &FRESH, 0);
    assert!(v.velocity[1] > 0.8 && v.velocity[0] < 0.7, "{v:?}");
    assert_eq!(v.cause, Some(Cause::Obstacle));
}

#[test]
fn away_is_always_allowed_where_it_was_seen() {
    let v = filter().judge([-2.0, 0.0, 0.0], HERE, &wall(0.3), &FRESH, 0);
    assert_eq!(v.velocity, [-2.0, 0.0, 0.0]);
}

#[test]
fn every_direction_is_bounded_in_three_dimensions() {
    let f = filter();
    let mut shell = Shell::new(1.0);
    shell.begin();
    for i in 0..400 {
        let a = f64::from(i) * 2.399_963;
        let z = 1.0 - 2.0 * (f64::from(i) + 0.5) / 400.0;
        let r = (1.0 - z * z).sqrt();
        shell.ray(HERE, scaled([r * a.cos(), r * a.sin(), z], 1.5), true);
    }
    shell.end(0, HERE, |_| true);
    for i in 0..500 {
        let a = f64::from(i) * 0.7;
        let e = (f64::from(i) * 0.37).sin();
        let wanted = scaled([a.cos() * e.cos(), a.sin() * e.cos(), e.sin()], 7.0);
        let v = f.judge(wanted, HERE, &shell, &FRESH, 0);
        assert!(f.stopping_distance(norm(v.velocity)) < 1.25, "{wanted:?} -> {v:?}");
        assert!(norm(v.velocity) <= 7.0 + 1e-9);
    }
}

#[test]
fn the_fence_holds_in_every_axis() {
    let mut f = filter();
    f.limits.blind_speed = 8.0;
    let at = [0.0, 0.0, 9.8];
    let v = f.judge([0.0, 0.0, 3.0], at, &wall(40.0), &FRESH, 0);
    assert!(f.stopping_distance(v.velocity[2]) <= 0.2 + 1e-6 && v.cause == Some(Cause::Fence), "{v:?}");
    let v = f.judge([0.0, 0.0, -1.0], at, &wall(40.0), &FRESH, 0);
    assert!(v.velocity[2] < -0.4);
    let outside = [60.0, 0.0, 5.0];
    let v = f.judge([1.0, 0.0, 0.0], outside, &wall(40.0), &FRESH, 0);
    assert_eq!(v.velocity[0], 0.0, "no farther out");
}

#[test]
fn age_takes_speed_and_then_all_of_it() {
    let f = filter();
    let at_age = |age: f64| {
        let ages = Ages { sensors: Some(age), ..FRESH };
        f.judge([6.0, 0.0, 0.0], HERE, &wall(12.0), &ages, 0)
    };
    let (fresh, late, older, dead) = (at_age(0.05), at_age(0.2), at_age(0.28), at_age(0.31));
    assert_eq!(fresh.cause, None);
    assert!(norm(late.velocity) <= 4.0 + 1e-9 && late.cause == Some(Cause::Age), "{late:?}");
    assert!(norm(older.velocity) < norm(late.velocity));
    assert_eq!((dead.velocity, dead.cause), ([0.0; 3], Some(Cause::SensorsOld)));
}

#[test]
fn what_cannot_be_trusted_stops_by_name() {
    let f = filter();
    let ask = |wanted, ages: Ages| f.judge(wanted, HERE, &wall(9.0), &ages, 0).cause;
    let go = [1.0, 0.0, 0.0];
    assert_eq!(ask([f64::NAN, 0.0, 0.0], FRESH), Some(Cause::NotFinite));
    assert_eq!(ask(go, Ages { command: None, ..FRESH }), Some(Cause::CommandOld));
    assert_eq!(ask(go, Ages { odometry: Some(f64::NAN), ..FRESH }), Some(Cause::OdometryOld));
    assert_eq!(ask(go, Ages { sensors: Some(5.0), ..FRESH }), Some(Cause::SensorsOld));
    assert_eq!(ask(go, Ages { battery_speed: 0.0, ..FRESH }), Some(Cause::BatteryCritical));
    assert_eq!(ask(go, Ages { battery_speed: 0.5, ..FRESH }), Some(Cause::BatteryLow));
    assert_eq!(ask([0.0, -1.0, 0.0], Ages { blocked: true, ..FRESH }), Some(Cause::Obstacle));
    assert_eq!(ask([9.0, 0.0, 0.0], FRESH), Some(Cause::TopSpeed).or(Some(Cause::Obstacle)));
}

#[test]
fn nobody_looked_there() {
    let mut shell = Shell::new(1.0);
    shell.begin();
    shell.ray(HERE, [12.0, 0.0, 0.0], false);
    shell.end(0, HERE, |_| true);
    let v = filter().judge([0.0, 3.0, 0.0], HERE, &shell, &FRESH, 0);
    assert!((norm(v.velocity) - 0.5).abs() < 1e-9 && v.cause == Some(Cause::Blind), "{v:?}");
}

/// Posts all around, a stick held in one direction, a vehicle that lags: whatever it slides along, its body touches none.
#[test]
fn a_held_stick_among_posts_touches_nothing() {
    let mut f = filter();
    (f.limits.radius, f.limits.near) = (0.3, 0.3);
    let (mut least, mut moved) = (f64::INFINITY, 0.0);
    for seed in 0..60_u32 {
        let mut state = seed.wrapping_mul(2_654_435_761).wrapping_add(1);
        let mut unit = || {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            f64::from(state >> 8) / f64::from(1_u32 << 24)
        };
        let posts: Vec<(f64, f64, f64)> =
            std::iter::repeat_with(|| (unit() * 10.0 - 5.0, unit() * 10.0 - 5.0, 0.1 + 0.4 * unit()))
                .filter(|p| p.0.hypot(p.1) > p.2 + 0.6)
                .take(25)
                .collect();
        let (bearing, speed) = (unit() * 6.3, 1.0 + 4.0 * unit());
        let stick = [speed * bearing.cos(), speed * bearing.sin(), 0.0];
        let (mut at, mut v, mut sent) = (HERE, [0.0; 3], [[0.0; 3]; 4]);
        let mut shell = Shell::new(1.0);
        for step in 0..300 {
            let now = i64::from(step) * 20_000_000;
            shell.begin();
            for i in 0..90 {
                let (s, c) = (f64::from(i) * 0.0698).sin_cos();
                shell.ray(at, [9.0 * c, 9.0 * s, 0.0], false);
                for (x, y, r) in &posts {
                    let d = along([x + r * c, y + r * s, at[2]], -1.0, at);
                    shell.ray(at, d, norm(d) < 9.0);
                }
            }
            shell.end(now, at, |_| true);
            sent.rotate_left(1);
            sent[3] = f.judge(stick, at, &shell, &FRESH, now).velocity;
            for axis in 0..3 {
                v[axis] += ((sent[0][axis] - v[axis]) / 0.15).clamp(-5.0, 5.0) * 0.02;
                at[axis] += v[axis] * 0.02;
            }
            for (x, y, r) in &posts {
                least = f64::min(least, (x - at[0]).hypot(y - at[1]) - r - 0.25);
            }
        }
        moved += norm(along(at, -1.0, HERE));
    }
    println!("least clearance {least:.3} m, moved {:.2} m on average", moved / 60.0);
    assert!(least > 0.0 && moved / 60.0 > 1.5);
}

#[test]
fn only_what_is_missing_is_silence() {
    let silent: Vec<_> = Cause::ALL.iter().filter(|c| c.is_silence()).map(|c| c.name()).collect();
    assert_eq!(silent, ["command_not_finite", "command_old", "sensors_old", "odometry_old"]);
}
