//! Places that a straight line does not lead out of: mazes, U-traps, spirals.

use peregrine_avoidance::algo::geometry::Vec3;

use crate::rng::Random;
use crate::world::World;

/// Flight altitude, metres.
const ALTITUDE: f64 = 1.5;

/// Seeds go round: two mazes, one U-trap, one spiral.
#[must_use]
pub fn of(seed: u64) -> World {
    let mut rng = Random::new(seed, 0x3A2E);
    let mut world = match seed % 4 {
        0 | 2 => corridors(&mut rng),
        1 => trap(&mut rng),
        _ => spiral(&mut rng),
    };
    world.altitude = (0.9, 2.4);
    world.timeout = 300.0;
    world
}

/// A perfect maze of 6 x 6 cells by depth-first search, with a few walls taken out again; from one corner to the other.
fn corridors(rng: &mut Random) -> World {
    const N: usize = 6;
    let cell = rng.between(2.4, 3.2);
    let at = |i: usize| (i as f64 + 0.5) * cell;
    let mut world = World::new(Vec3::new(at(0), at(0), ALTITUDE), Vec3::new(at(N - 1), at(N - 1), ALTITUDE));
    // east[y][x]: a wall between (x, y) and (x + 1, y); north likewise.
    let (mut east, mut north) = ([[true; N]; N], [[true; N]; N]);
    let mut seen = [[false; N]; N];
    let mut stack = vec![(0_usize, 0_usize)];
    seen[0][0] = true;
    while let Some(&(x, y)) = stack.last() {
        let mut open = Vec::new();
        for (dx, dy) in [(1_isize, 0_isize), (-1, 0), (0, 1), (0, -1)] {
            if let (Some(nx), Some(ny)) = (x.checked_add_signed(dx), y.checked_add_signed(dy))
                && nx < N
                && ny < N
                && !seen[ny][nx]
            {
                open.push((nx, ny));
            }
        }
        if open.is_empty() {
            stack.pop();
            continue;
        }
        let (nx, ny) = open[(rng.bits() % open.len() as u64) as usize];
        if nx == x {
            north[y.min(ny)][x] = false
        } else {
            east[y][x.min(nx)] = false
        }
        seen[ny][nx] = true;
        stack.push((nx, ny));
    }
    for _ in 0..4 {
        let (x, y) = ((rng.bits() % (N as u64 - 1)) as usize, (rng.bits() % (N as u64 - 1)) as usize);
        if rng.unit() < 0.5 { north[y][x] = false } else { east[y][x] = false }
    }
    let edge = N as f64 * cell;
    for (a, b) in [((0.0, 0.0), (edge, 0.0)), ((0.0, 0.0), (0.0, edge))] {
        world.wall(a, b);
    }
    world.wall((edge, 0.0), (edge, edge));
    world.wall((0.0, edge), (edge, edge));
    for y in 0..N {
        for x in 0..N {
            let (x0, y0) = (x as f64 * cell, y as f64 * cell);
            if east[y][x] && x + 1 < N {
                world.wall((x0 + cell, y0), (x0 + cell, y0 + cell));
            }
            if north[y][x] && y + 1 < N {
                world.wall((x0, y0 + cell), (x0 + cell, y0 + cell));
            }
        }
    }
    // Look along an open way at the start, not into a wall.
    world.yaw = if east[0][0] { std::f64::consts::FRAC_PI_2 } else { 0.0 };
    world
}

/// A pocket between start and goal, open toward the start.
fn trap(rng: &mut Random) -> World {
    let mut world =
        World::new(Vec3::new(0.0, 0.0, ALTITUDE), Vec3::new(30.0, rng.between(-2.0, 2.0), ALTITUDE));
    let (depth, half) = (rng.between(3.0, 9.0), rng.between(2.0, 5.5));
    let (end, shift) = (rng.between(13.0, 18.0), rng.between(-1.5, 1.5));
    world.wall((end, shift - half), (end, shift + half));
    world.wall((end - depth, shift - half), (end, shift - half));
    world.wall((end - depth, shift + half), (end, shift + half));
    if rng.unit() < 0.5 {
        // A second wall behind leaves one side only.
        let side = if rng.unit() < 0.5 { 1.0 } else { -1.0 };
        world.wall((end + 4.0, shift - side * 9.0), (end + 4.0, shift + side * 2.0));
    }
    world
}

/// Out of a square spiral, from its middle.
fn spiral(rng: &mut Random) -> World {
    let wide = rng.between(2.4, 3.2);
    let mirror = if rng.unit() < 0.5 { 1.0 } else { -1.0 };
    let turns = 5 + (rng.bits() % 3) as usize;
    let (mut x, mut y) = (-wide / 2.0, -wide / 2.0);
    let mut world = World::new(Vec3::new(0.0, 0.0, ALTITUDE), Vec3::new(4.5 * wide, 0.0, ALTITUDE));
    // Walls of growing length, each turned by a right angle.
    for i in 0..turns {
        let length = wide * (1 + i.div_ceil(2)) as f64 - if i == 0 { wide * 0.0 } else { 0.0 };
        let (dx, dy) = [(1.0, 0.0), (0.0, 1.0), (-1.0, 0.0), (0.0, -1.0)][i % 4];
        let to = (x + dx * length, y + dy * length);
        world.wall((x, mirror * y), (to.0, mirror * to.1));
        (x, y) = to;
    }
    let far = wide * (2 + turns / 2) as f64;
    world.goal = Vec3::new(far, rng.between(-1.0, 1.0), ALTITUDE);
    world.yaw = std::f64::consts::PI;
    world
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn starts_and_goals_are_clear() {
        for seed in 0..200 {
            let w = of(seed);
            let all: Vec<u32> = (0..w.shapes.len() as u32).collect();
            for at in [w.start, w.goal] {
                assert!(w.clearance(at, 0.0, &all) > 0.7, "seed {seed}: {at:?}");
            }
        }
    }
}
