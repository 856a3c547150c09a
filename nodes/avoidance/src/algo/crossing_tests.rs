use super::super::search3::{Question, SHUNS, Search3};
use super::*;

/// Seen and free but for walls, given by a distance below zero inside of them.
fn map(here: Vec3, wall: impl Fn(Vec3) -> bool) -> Voxels {
    Voxels::drawn(here, |p| if wall(p) || p.z < 0.0 { Known::Occupied } else { Known::Free })
}

fn found(voxels: &Voxels, here: Vec3, goal: Vec3, limits: (f64, f64)) -> Option<Crossing> {
    let mut search = Search3::new();
    let layer = |z: f64| cell_of(Vec3::new(0.0, 0.0, z))[2];
    search.begin(Question {
        corner: voxels.corner().unwrap(),
        start: cell_of(here),
        target: cell_of(goal),
        layers: (layer(limits.0), layer(limits.1)),
        shunned: [None; SHUNS],
    });
    let reaches = search.go_on(voxels, usize::MAX).unwrap();
    find(voxels, if reaches { search.path() } else { &[] }, here, limits)
}

const HERE: Vec3 = Vec3::new(8.4, 0.2, 1.5);
const GOAL: Vec3 = Vec3::new(18.0, 0.2, 1.5);

/// A court of 12 x 10 m.
fn court(p: Vec3) -> bool {
    let (x, y) = (p.x > -2.3 && p.x < 10.3, p.y.abs() < 5.3);
    (((p.x - 4.0).abs() - 6.0).abs() < 0.3 && y) || ((p.y.abs() - 5.0).abs() < 0.3 && x)
}

#[test]
fn a_hedge_is_crossed_from_far_enough_off() {
    let voxels = map(HERE, |p| court(p) && p.z < 2.4);
    let c = found(&voxels, HERE, GOAL, (0.8, 5.9)).unwrap();
    assert!((3.0..3.5).contains(&c.height) && !c.is_under(), "{c:?}");
    assert!(c.along.x > 0.9 && (9.5..10.5).contains(&c.at.x), "{c:?}");
    // Far enough to climb no steeper than the camera sees, inside of the court, and on to beyond the hedge.
    let room = c.at.x - c.run_up.x;
    assert!(room > (c.height - 1.5) / 0.45 + 0.8 && c.run_up.x > -1.3, "{c:?}");
    assert!((c.run_up + c.along * c.length).x > 11.2 && c.run_up.z == HERE.z, "{c:?}");
}

#[test]
fn the_low_gap_is_taken_where_the_fence_is_low_or_the_climb_dear() {
    let low = |p: Vec3| (6.0..9.0).contains(&p.x) && p.y < 0.0;
    let voxels = map(HERE, |p| court(p) && p.z < if low(p) { 1.2 } else { 2.4 });
    for fence in [2.6, 5.9] {
        let c = found(&voxels, HERE, Vec3::new(14.0, -9.0, 1.5), (0.8, fence)).unwrap();
        assert!(c.height < 2.6 && c.height > 1.7, "{c:?}");
        assert!((c.at.y + 5.0).abs() < 0.6 && (5.8..9.2).contains(&c.at.x), "{c:?}");
        assert!(c.along.y < -0.4, "{c:?}");
    }
}

#[test]
fn a_beam_is_passed_under() {
    let here = Vec3::new(8.4, 0.2, 2.6);
    let voxels = map(here, |p| court(p) && !(p.x > 9.0 && p.y.abs() < 2.0 && p.z < 2.2));
    let c = found(&voxels, here, Vec3::new(18.0, 0.2, 2.6), (0.8, 5.9)).unwrap();
    assert!(c.is_under() && (0.9..1.7).contains(&c.height), "{c:?}");
    assert!(c.at.y.abs() < 2.0 && c.along.x > 0.8, "{c:?}");
}

#[test]
fn there_is_no_crossing_where_a_way_is_level_or_not_seen() {
    // Open to the left.
    let open = map(HERE, |p| court(p) && p.y < 2.0 && p.z < 2.4);
    assert_eq!(found(&open, HERE, GOAL, (0.8, 2.6)), None);
    // The air over the hedge was never seen.
    let unseen = Voxels::drawn(HERE, |p| match p {
        p if court(p) && p.z < 2.0 => Known::Occupied,
        p if p.z > 2.0 => Known::Unseen,
        _ => Known::Free,
    });
    assert_eq!(found(&unseen, HERE, GOAL, (0.8, 5.9)), None);
    // No room for a run-up.
    let shaft = map(HERE, |p| {
        let d = ((p.x - HERE.x).abs() - 1.5).max((p.y - HERE.y).abs() - 1.5);
        (0.0..0.5).contains(&d) && p.z < 4.0
    });
    assert_eq!(found(&shaft, HERE, GOAL, (0.8, 5.9)), None);
}
