//! Courts of 12 x 10 m that no level way leads out of: over, under, or not at all. The goal is outside.

use peregrine_avoidance::algo::geometry::Vec3;

use crate::world::{Shape, World};

/// Its corners, metres.
const LOW: (f64, f64) = (-2.0, -5.0);
const HIGH: (f64, f64) = (10.0, 5.0);

/// Kinds of courts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Court {
    /// A hedge of 2.4 m all around; the fence is at 6 m.
    Hedge,
    /// The same under a fence of 2.7 m, with 3 m of hedge that are 1.2 m high to the right of the vehicle.
    GapBeside,
    /// The same behind its back.
    GapBehind,
    /// The gap beside it, under a fence of 6 m: it may as well go over the whole hedge.
    HighGap,
    /// Walls too high for the fence, with a passage of 4 x 2.2 m under a beam, ahead, for a vehicle that flies at 2.6 m.
    Beam,
    /// The passage to its right.
    BeamBeside,
    /// Walls of 3 m under a roof: there is no way.
    Roofed,
}

/// All kinds.
pub const COURTS: [Court; 7] = [
    Court::Hedge,
    Court::GapBeside,
    Court::GapBehind,
    Court::HighGap,
    Court::Beam,
    Court::BeamBeside,
    Court::Roofed,
];

impl Court {
    /// As on the command line.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Hedge => "hedge",
            Self::GapBeside => "gap_beside",
            Self::GapBehind => "gap_behind",
            Self::HighGap => "high_gap",
            Self::Beam => "beam",
            Self::BeamBeside => "beam_beside",
            Self::Roofed => "roofed",
        }
    }

    /// From its name.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        COURTS.into_iter().find(|c| c.name() == name)
    }

    /// The court, and the task in it.
    #[must_use]
    pub fn world(self) -> World {
        let altitude = if matches!(self, Self::Beam | Self::BeamBeside) { 2.6 } else { 1.5 };
        let mut world = World::new(Vec3::new(0.0, 0.0, altitude), Vec3::new(20.0, 0.0, altitude));
        world.timeout = 90.0;
        let hedge = (0.0, 2.4);
        let (walls, fence) = match self {
            Self::Hedge | Self::HighGap => (hedge, 6.0),
            Self::GapBeside | Self::GapBehind => (hedge, 2.7),
            Self::Beam | Self::BeamBeside => ((0.0, 8.0), 6.0),
            Self::Roofed => ((0.0, 3.0), 6.0),
        };
        world.altitude = (0.8, fence);
        let [ahead, beside, behind, left] = [
            ((HIGH.0, LOW.1), (HIGH.0, HIGH.1)),
            ((LOW.0, LOW.1), (HIGH.0, LOW.1)),
            ((LOW.0, LOW.1), (LOW.0, HIGH.1)),
            ((LOW.0, HIGH.1), (HIGH.0, HIGH.1)),
        ];
        let (opened, piece, heights) = match self {
            Self::Hedge | Self::Roofed => (None, (0.0, 0.0), (0.0, 0.0)),
            Self::GapBeside | Self::HighGap => (Some(beside), (7.0, 10.0), (0.0, 1.2)),
            Self::GapBehind => (Some(behind), (3.5, 6.5), (0.0, 1.2)),
            Self::Beam => (Some(ahead), (3.0, 7.0), (2.2, 8.0)),
            Self::BeamBeside => (Some(beside), (6.0, 10.0), (2.2, 8.0)),
        };
        for side in [ahead, beside, behind, left] {
            if Some(side) == opened {
                let ((x0, y0), (x1, y1)) = side;
                let length = (x1 - x0).hypot(y1 - y0);
                let at = |d: f64| (x0 + (x1 - x0) * d / length, y0 + (y1 - y0) * d / length);
                stand(&mut world, at(0.0), at(piece.0), walls);
                stand(&mut world, at(piece.0), at(piece.1), heights);
                stand(&mut world, at(piece.1), at(length), walls);
            } else {
                stand(&mut world, side.0, side.1, walls);
            }
        }
        if self == Self::Roofed {
            let middle = ((LOW.0 + HIGH.0) / 2.0, (LOW.1 + HIGH.1) / 2.0);
            world.shapes.push(Shape::Block {
                center: Vec3::new(middle.0, middle.1, walls.1 + 0.1),
                half: Vec3::new((HIGH.0 - LOW.0) / 2.0 + 0.1, (HIGH.1 - LOW.1) / 2.0 + 0.1, 0.1),
                yaw: 0.0,
            });
        }
        world
    }
}

/// A wall that stands from one height to another, metres.
fn stand(world: &mut World, from: (f64, f64), to: (f64, f64), (bottom, top): (f64, f64)) {
    world.wall(from, to);
    if let Some(Shape::Block { center, half, .. }) = world.shapes.last_mut() {
        (center.z, half.z) = (0.5 * (bottom + top), 0.5 * (top - bottom));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn level_ways_are_closed_and_the_passages_are_where_they_should_be() {
        for court in COURTS {
            let world = court.world();
            let all: Vec<u32> = (0..world.shapes.len() as u32).collect();
            let gap = |x: f64, y: f64, z: f64| world.clearance(Vec3::new(x, y, z), 0.0, &all);
            // All along the walls, at flight height.
            for i in 0..=200 {
                let (x, y) = (-2.0 + 0.06 * f64::from(i), -5.0 + 0.05 * f64::from(i));
                for (x, y) in [(x, -5.0), (x, 5.0), (-2.0, y), (10.0, y)] {
                    assert!(gap(x, y, world.start.z) < 0.45, "{court:?} ({x} {y})");
                }
            }
            assert!(gap(world.start.x, world.start.y, world.start.z) > 0.45, "{court:?}");
            let passage = match court {
                Court::Hedge => Some((10.0, 0.0, 3.2)),
                Court::GapBeside | Court::HighGap => Some((6.5, -5.0, 1.8)),
                Court::GapBehind => Some((-2.0, 0.0, 1.8)),
                Court::Beam => Some((10.0, 0.0, 1.3)),
                Court::BeamBeside => Some((6.0, -5.0, 1.3)),
                Court::Roofed => None,
            };
            assert!(passage.is_none_or(|(x, y, z)| gap(x, y, z) > 0.5), "{court:?}");
        }
    }
}
