//! Where a way in three dimensions goes over or under what blocks the level one, and from where that is flown.
//!
//! A camera sees what lies ahead, and little above and below. So a crossing is flown as a straight line that begins far enough off: level
//! at first, then no steeper than the camera sees, and at its height before it comes to what blocks. All of that line must have
//! been seen to be free by the map (which certifies nothing).

use super::geometry::Vec3;
use super::voxels::{CELL, Cell, Known, LAYER, Voxels, cell_of, middle};

/// Slopes of the climb (rise over run), and level metres before it: the first is what is wanted, the others where there is less room.
const RUNS: [(f64, f64); 3] = [(0.38, 1.5), (0.42, 1.0), (0.45, 0.5)];
/// Directions tried beside that of the way, radians.
const ASIDE: [f64; 9] = [0.0, 0.26, -0.26, 0.52, -0.52, 0.79, -0.79, 1.05, -1.05];
/// And run-ups that are longer than needed by so many metres.
const LONGER: [f64; 3] = [0.0, 1.0, 2.0];
/// What a radian aside costs, metres of way.
const OFF: f64 = 2.0;
/// Kept before what blocks, where the height must have been reached, and flown beyond it, metres.
const BEFORE: f64 = 0.8;
const BEYOND: f64 = 1.5;
/// Distance between the points of the line that are asked for, metres.
const SPACING: f64 = 0.25;
/// So near to where it was stopped something may be near, metres.
const LEAVES: f64 = 1.0;
/// Less is no crossing, metres: the candidates' slopes do that.
const LEAST: f64 = 0.3;
/// Cells of a way between two parts of what blocks, or fewer: it is one.
const PARTED: usize = 3;
/// More than this of what blocks (cells) is no wall to be crossed in one go.
const THICKEST: usize = 12;

/// How to get over, or under.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Crossing {
    /// From where it is flown, odom.
    pub run_up: Vec3,
    /// Unit direction, level.
    pub along: Vec3,
    /// Altitude over (or under) what blocks, metres in odom.
    pub height: f64,
    /// Middle of what blocks, odom.
    pub at: Vec3,
    /// Metres from the run-up to the place where it is past.
    pub length: f64,
    /// It is flown level for so long, metres, and then at that slope (rise over run).
    pub profile: (f64, f64),
}

impl Crossing {
    /// The altitude (m, odom) `along` metres from the run-up.
    #[must_use]
    pub fn altitude(&self, along: f64) -> f64 {
        let (level, slope) = self.profile;
        let rise = self.height - self.run_up.z;
        self.run_up.z + ((along - level).max(0.0) * slope).min(rise.abs()) * rise.signum()
    }

    /// True when it leads under something.
    #[must_use]
    pub fn is_under(&self) -> bool {
        self.height < self.run_up.z
    }
}

/// The part of a way that is closed at flight height: first and last cell.
fn closed(voxels: &Voxels, path: &[Cell], layer: i64) -> Option<(usize, usize)> {
    let stands = |x: i64, y: i64| voxels.stands([x, y, layer]);
    let blocks = |i: usize| {
        let [x, y, _] = path[i];
        // A diagonal step may slip between two cells of one wall.
        let slips = || {
            let [nx, ny, _] = path[(i + 1).min(path.len() - 1)];
            nx != x && ny != y && stands(nx, y) && stands(x, ny)
        };
        stands(x, y) || slips()
    };
    let first = (0..path.len()).find(|i| blocks(*i))?;
    let (mut last, mut open) = (first, 0);
    for i in first + 1..path.len() {
        if blocks(i) {
            (last, open) = (i, 0);
        } else {
            open += 1;
            if open > PARTED {
                break;
            }
        }
    }
    (last - first <= THICKEST).then_some((first, last))
}

/// True where the straight level way from `here` to a run-up is open; near to where the vehicle was stopped, where nothing stands in it.
fn level(voxels: &Voxels, here: Vec3, run_up: Vec3) -> bool {
    let way = run_up - here;
    let steps = (way.norm_xy() / SPACING).ceil().max(1.0);
    (0..=steps as usize).all(|step| {
        let part = step as f64 / steps;
        let cell = cell_of(here + way * part);
        let near = way.norm_xy() * part < LEAVES;
        if near { !voxels.stands(cell) } else { voxels.price(cell).is_some() }
    })
}

/// The first crossing of `path` (cells, from where the vehicle is) for a vehicle at `here` that may fly between the altitudes `limits`
/// (m, odom). `None` when the way is level, or what it leads over is not seen well enough to be flown over.
#[must_use]
pub fn find(voxels: &Voxels, path: &[Cell], here: Vec3, limits: (f64, f64)) -> Option<Crossing> {
    let layer = cell_of(here)[2];
    let (first, last) = closed(voxels, path, layer)?;
    let (before, behind) = (first.saturating_sub(2), (last + 2).min(path.len() - 1));
    let layers = || path[first..=last].iter().map(|c| c[2]);
    let (low, high) = (layers().min()?, layers().max()?);
    let (extreme, up) = if low > layer {
        (high, 1)
    } else if high < layer {
        (low, -1)
    } else {
        return None;
    };
    // A layer farther from it where there is room.
    let roomy = |by: i64| {
        let middle = ((extreme + by) as f64 + 0.5) * LAYER;
        let fits = (limits.0..=limits.1).contains(&middle);
        let open = |c: &Cell| voxels.price([c[0], c[1], extreme + by]).is_some_and(|p| p <= 1.0);
        fits && path[first..=last].iter().all(open)
    };
    let extreme = if roomy(0) || !roomy(up) { extreme } else { extreme + up };
    let height = ((extreme as f64 + 0.5) * LAYER).max(limits.0).min(limits.1);
    if (height - here.z).abs() < LEAST {
        return None;
    }
    let (enters, leaves) = (middle(path[first]), middle(path[last]));
    let at = (enters + leaves) * 0.5;
    let thick = (leaves - enters).norm_xy();
    let way = middle(path[behind]) - middle(path[before]);
    let way = Vec3::new(way.x, way.y, 0.0).unit()?;
    let half = 0.5 * (thick + CELL) + BEFORE;
    let mut best: Option<(f64, Crossing)> = None;
    for (slope, flat) in RUNS {
        for aside in ASIDE {
            let (sin, cos) = aside.sin_cos();
            let along = Vec3::new(way.x * cos - way.y * sin, way.x * sin + way.y * cos, 0.0);
            for longer in LONGER {
                let run = flat + longer + (height - here.z).abs() / slope;
                let from = at - along * (run + half);
                let run_up = Vec3::new(from.x, from.y, here.z);
                if !level(voxels, here, run_up) {
                    continue;
                }
                let length = run + 2.0 * half + BEYOND - BEFORE;
                let profile = (flat + longer, slope);
                let crossing = Crossing { run_up, along, height, at, length, profile };
                let Some(price) = crossing.price(voxels, run + 2.0 * half - BEFORE) else { continue };
                let cost = (run_up - here).norm_xy() + OFF * aside.abs() + price;
                if best.as_ref().is_none_or(|(least, _)| cost < *least) {
                    best = Some((cost, crossing));
                }
            }
        }
        if best.is_some() {
            break;
        }
    }
    best.map(|(_, crossing)| crossing)
}

impl Crossing {
    /// What the line costs beyond its length, metres; `None` where it is closed, or was not seen within the first `seen` metres.
    fn price(&self, voxels: &Voxels, seen: f64) -> Option<f64> {
        let mut sum = 0.0;
        for step in 0..=(self.length / SPACING) as usize {
            let along = step as f64 * SPACING;
            let place = self.run_up + self.along * along;
            let cell = cell_of(Vec3::new(place.x, place.y, self.altitude(along)));
            let price = f64::from(voxels.price(cell)?);
            if along < seen && voxels.known(cell) == Known::Unseen {
                return None;
            }
            sum += (price - 1.0) * SPACING;
        }
        Some(sum)
    }
}

#[cfg(test)]
#[path = "crossing_tests.rs"]
mod tests;
