use super::super::geometry::Vec3;
use super::super::voxels::{Known, cell_of, middle};
use super::*;

fn ask(voxels: &Voxels, from: Vec3, to: Vec3, (low, high): (f64, f64)) -> Question {
    Question {
        corner: voxels.corner().unwrap(),
        start: cell_of(from),
        target: cell_of(to),
        layers: (cell_of(Vec3::new(0.0, 0.0, low))[2], cell_of(Vec3::new(0.0, 0.0, high))[2]),
        shunned: [None; SHUNS],
    }
}

fn run(search: &mut Search3, voxels: &Voxels, question: Question) -> bool {
    search.begin(question);
    // A few cells at a time, as in flight.
    std::iter::repeat_with(|| search.go_on(voxels, 50)).flatten().next().unwrap()
}

fn noise(cell: Cell, seed: u64) -> u64 {
    let mut h = seed;
    for c in cell {
        h = (h ^ c as u64).wrapping_mul(0x9E37_79B9_7F4A_7C15);
        h ^= h >> 29;
    }
    h
}

/// The cheapest way by relaxation until nothing changes: slow and obviously right.
fn oracle(voxels: &Voxels, question: &Question, low: Cell, high: Cell) -> impl Fn(Cell) -> f32 {
    let size: [usize; 3] = std::array::from_fn(|i| (high[i] - low[i] + 1) as usize);
    let index = move |c: Cell| {
        let d: [usize; 3] = std::array::from_fn(|i| (c[i] - low[i]) as usize);
        (d[2] * size[1] + d[1]) * size[0] + d[0]
    };
    let mut cells = Vec::new();
    for z in low[2]..=high[2] {
        for y in low[1]..=high[1] {
            for x in low[0]..=high[0] {
                cells.push([x, y, z]);
            }
        }
    }
    let search = Search3 { asked: *question, ..Search3::new() };
    let prices: Vec<f32> = cells.iter().map(|c| search.priced(voxels, *c)).collect();
    let mut best = vec![f32::INFINITY; cells.len()];
    best[index(question.start)] = 0.0;
    loop {
        let mut changed = false;
        for &cell in &cells {
            let here = best[index(cell)];
            if !here.is_finite() {
                continue;
            }
            for (dx, dy) in STEPS {
                for dz in -1..=1_i64 {
                    let to = [cell[0] + dx, cell[1] + dy, cell[2] + dz];
                    if (0..3).any(|i| to[i] < low[i] || to[i] > high[i]) {
                        continue;
                    }
                    let length = if dx != 0 && dy != 0 { std::f32::consts::SQRT_2 } else { 1.0 };
                    let lift = [DOWN, 0.0, UP][(dz + 1) as usize];
                    let via = here + length * prices[index(to)] + lift;
                    if via < best[index(to)] - 1e-5 {
                        best[index(to)] = via;
                        changed = true;
                    }
                }
            }
        }
        if !changed {
            return move |c| best[index(c)];
        }
    }
}

#[test]
fn ways_are_nearly_the_best_and_closed_targets_are_told() {
    let mut search = Search3::new();
    let mut reached = 0;
    for round in 0..12 {
        // A box of 14 x 12 x 8 cells with closed sides, thickly strewn; wherever it lies in the ring.
        let low: Cell = [round * 37 - 100, 60 - round * 29, round * 11 - 40];
        let high = [low[0] + 13, low[1] + 11, low[2] + 7];
        let inner = |c: Cell, by: i64| (0..3).all(|i| c[i] >= low[i] + by && c[i] <= high[i] - by);
        let center = middle([low[0] + 7, low[1] + 6, low[2] + 4]);
        let voxels = Voxels::drawn(center, |at| {
            let c = cell_of(at);
            let r = noise(c, round as u64 + 1) % 1000;
            match inner(c, 0) {
                true if inner(c, 1) && r < 12 + 2 * round as u64 => Known::Occupied,
                true if r < 300 => Known::Unseen,
                true => Known::Free,
                // A shell that is far enough off to leave the box itself open.
                false => Known::Free,
            }
        });
        let (start, target) = ([low[0], low[1], low[2] + 2], [high[0], high[1], low[2] + 5]);
        let mut question = ask(&voxels, middle(start), middle(target), (0.0, 0.0));
        question.layers = (low[2], high[2]);
        let fits = |c: Cell| (0..3).all(|i| c[i] >= low[i] && c[i] <= high[i]);
        let best = oracle(&voxels, &question, low, high);
        let reaches = run(&mut search, &voxels, question);
        let there = |c: Cell| {
            let level = (((target[0] - c[0]).pow(2) + (target[1] - c[1]).pow(2)) as f32).sqrt();
            level <= THERE.0 && (target[2] - c[2]).abs() as f32 <= THERE.1
        };
        // Outside of the box it is open too, so that there is a way whenever the oracle, who stays inside, has one.
        let ends: Vec<f32> = (0..3)
            .flat_map(|i| {
                (0..3).flat_map(move |j| (0..6).map(move |k| [high[0] - i, high[1] - j, high[2] - k]))
            })
            .filter(|c| there(*c))
            .map(&best)
            .collect();
        let least = ends.iter().copied().fold(f32::INFINITY, f32::min);
        if least.is_finite() {
            assert!(reaches, "round {round}");
        }
        if reaches {
            reached += 1;
            let last = *search.path().last().unwrap();
            let cost = search.best[slot(last)];
            // At most 1.3 times the best, and the end may lie a step before another.
            assert!(cost <= WEIGHT * (least + 5.0), "round {round}: {cost} {least}");
            assert_eq!(search.path()[0], question.start);
            assert!(there(last));
            let mut sum = 0.0;
            for pair in search.path().windows(2) {
                let d: [i64; 3] = std::array::from_fn(|i| pair[1][i] - pair[0][i]);
                assert!(
                    d[0].abs() <= 1 && d[1].abs() <= 1 && d[2].abs() <= 1 && (d[0], d[1]) != (0, 0),
                    "{d:?}"
                );
                let length = if d[0] != 0 && d[1] != 0 { std::f32::consts::SQRT_2 } else { 1.0 };
                sum += length * search.priced(&voxels, pair[1]) + [DOWN, 0.0, UP][(d[2] + 1) as usize];
            }
            assert!((sum - cost).abs() < 0.01, "{sum} {cost}");
            if search.path().iter().all(|c| fits(*c)) {
                assert!(cost >= best(last) - 0.01, "better than the best");
            }
        }
    }
    assert!(reached >= 6, "{reached}");
}

/// A court of 12 x 10 m behind walls of `top` metres about `at`, with the sky over it free or not.
fn court(at: Vec3, top: f64, roof: bool) -> Voxels {
    Voxels::drawn(at, |p| {
        let d = p - at;
        let wall = (d.x.abs() - 6.0).abs() < 0.3 && d.y.abs() < 5.25
            || (d.y.abs() - 5.0).abs() < 0.3 && d.x.abs() < 6.25;
        let over = roof && (p.z - top - 0.3).abs() < 0.13 && d.x.abs() < 6.25 && d.y.abs() < 5.25;
        if wall && p.z < top || over || p.z < 0.0 { Known::Occupied } else { Known::Free }
    })
}

#[test]
fn it_climbs_over_what_it_can_and_not_out_of_a_roofed_room() {
    let at = Vec3::new(0.25, 0.25, 1.6);
    let mut search = Search3::new();
    let goal = Vec3::new(15.0, 0.0, 1.6);
    let open = court(at, 2.4, false);
    assert!(run(&mut search, &open, ask(&open, at, goal, (0.8, 5.9))));
    let highest = search.path().iter().map(|c| middle(*c).z).fold(0.0, f64::max);
    assert!((3.0..3.6).contains(&highest), "{highest}");
    // Climbs cost as stated: over the top there is no cheaper height.
    let climbed = search.path().windows(2).map(|p| (p[1][2] - p[0][2]).max(0)).sum::<i64>();
    assert!(search.worth() > 15.0 + 0.5 * f64::from(UP) * climbed as f64, "{}", search.worth());
    // Under a low fence, or a roof, there is no way.
    assert!(!run(&mut search, &open, ask(&open, at, goal, (0.8, 2.6))));
    let roofed = court(at, 2.4, true);
    assert!(!run(&mut search, &roofed, ask(&roofed, at, goal, (0.8, 5.9))));
    assert!(search.opened > 1000, "all of the room was looked at");
}

#[test]
fn a_target_outside_of_the_window_is_left_for_at_the_rim() {
    let at = Vec3::new(100.0, -40.0, 3.0);
    let voxels = Voxels::drawn(at, |_| Known::Free);
    let mut search = Search3::new();
    assert!(run(&mut search, &voxels, ask(&voxels, at, Vec3::new(900.0, -40.0, 3.0), (0.8, 5.9))));
    let last = search.path().last().unwrap();
    assert_eq!(last[0], voxels.corner().unwrap()[0] + SIDE as i64 - 1);
    assert!((last[1] - cell_of(at)[1]).abs() <= 1 && last[2] == cell_of(at)[2]);
}

#[test]
fn the_ring_has_no_seam() {
    // The same court, wherever it lies in the ring, gives the same way.
    let mut search = Search3::new();
    let mut ways = Vec::new();
    for (x, y, z) in [(0, 0, 0), (30, -17, 9), (47, 48, 20), (-95, 7, -31)] {
        let at = Vec3::new(0.25 + 0.5 * f64::from(x), 0.25 + 0.5 * f64::from(y), 1.6 + 0.25 * f64::from(z));
        let base = 0.25 * f64::from(z);
        let voxels = Voxels::drawn(at, |p| {
            let d = p - at;
            let wall = (d.x - 4.0).abs() < 0.3 && d.y.abs() < 9.0;
            if wall && p.z - base < 2.4 { Known::Occupied } else { Known::Free }
        });
        let goal = at + Vec3::new(12.0, 0.0, 0.0);
        assert!(run(&mut search, &voxels, ask(&voxels, at, goal, (base + 0.8, base + 5.0))));
        let start = search.path()[0];
        ways.push(
            search
                .path()
                .iter()
                .map(|c| [c[0] - start[0], c[1] - start[1], c[2] - start[2]])
                .collect::<Vec<_>>(),
        );
    }
    assert!(ways[0].iter().any(|c| c[2] >= 5), "over the wall");
    assert!(ways.iter().all(|w| *w == ways[0]));
}

#[test]
fn shunned_places_are_gone_around() {
    let at = Vec3::new(0.25, 0.25, 1.6);
    let voxels =
        Voxels::drawn(
            at,
            |p| {
                if (p.x - 4.0).abs() < 0.3 && p.z < 2.4 { Known::Occupied } else { Known::Free }
            },
        );
    let mut search = Search3::new();
    let mut question = ask(&voxels, at, Vec3::new(12.0, 0.25, 1.6), (0.8, 5.9));
    let crossed = |search: &Search3| search.path().iter().find(|c| c[0] == 8).copied().unwrap();
    assert!(run(&mut search, &voxels, question));
    let first = crossed(&search);
    question.shunned[1] = Some((first[0], first[1]));
    assert!(run(&mut search, &voxels, question));
    assert!((crossed(&search)[1] - first[1]).abs() > SHUN_WITHIN, "{:?}", crossed(&search));
}

#[test]
fn questions_that_make_no_sense_have_no_way() {
    let voxels = Voxels::drawn(Vec3::ZERO, |_| Known::Free);
    let mut search = Search3::new();
    let good = ask(&voxels, Vec3::ZERO, Vec3::new(5.0, 0.0, 0.0), (-1.0, 1.0));
    assert!(!run(&mut search, &voxels, Question { layers: (4, -4), ..good }));
    assert!(!run(&mut search, &voxels, Question { start: [9000, 0, 0], ..good }));
    let far = i64::MAX / 4;
    let _ = run(&mut search, &voxels, Question { target: [1 << 40, -(1 << 40), far], ..good });
    assert!(run(&mut search, &voxels, good));
}
