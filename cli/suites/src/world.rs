//! What stands and moves in a benchmark: upright cylinders and boxes over level ground.

use peregrine_avoidance::algo::geometry::Vec3;

/// Something that stands still.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Shape {
    /// Upright.
    Cylinder {
        /// Axis, metres.
        x: f64,
        /// Axis, metres.
        y: f64,
        /// Metres.
        radius: f64,
        /// Lower end, metres.
        bottom: f64,
        /// Upper end, metres.
        top: f64,
    },
    /// Turned about the vertical only.
    Block {
        /// Middle, metres.
        center: Vec3,
        /// Half of the edges, metres.
        half: Vec3,
        /// Radians, counter-clockwise.
        yaw: f64,
    },
}

impl Shape {
    /// Metres from a point to the surface; negative inside.
    #[must_use]
    pub fn distance(&self, at: Vec3) -> f64 {
        match *self {
            Self::Cylinder { x, y, radius, bottom, top } => {
                let side = (at.x - x).hypot(at.y - y) - radius;
                let above = (at.z - top).max(bottom - at.z);
                outside(side, above)
            }
            Self::Block { center, half, yaw } => {
                let (sin, cos) = yaw.sin_cos();
                let d = at - center;
                let (x, y) = (cos * d.x + sin * d.y, cos * d.y - sin * d.x);
                let (qx, qy, qz) = (x.abs() - half.x, y.abs() - half.y, d.z.abs() - half.z);
                outside(outside(qx, qy), qz)
            }
        }
    }

    /// Middle in the plane and the radius around it that holds all of the shape, metres.
    #[must_use]
    pub fn disc(&self) -> (f64, f64, f64) {
        match *self {
            Self::Cylinder { x, y, radius, .. } => (x, y, radius),
            Self::Block { center, half, .. } => (center.x, center.y, half.x.hypot(half.y)),
        }
    }
}

/// Distance to a corner formed by two sides.
fn outside(a: f64, b: f64) -> f64 {
    if a > 0.0 && b > 0.0 { a.hypot(b) } else { a.max(b) }
}

/// What a mover is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Walks on the ground: radius 0.3 m, 1.8 m tall.
    Person,
    /// Flies: radius 0.3 m, 0.3 m tall.
    Drone,
}

impl Kind {
    /// Metres.
    #[must_use]
    pub const fn radius(self) -> f64 {
        0.3
    }
}

/// Something that moves in straight lines and turns back at the edge of its field. It looks out for nobody.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Mover {
    /// What it is.
    pub kind: Kind,
    /// Where it is at time zero; z is its lower end.
    pub from: Vec3,
    /// m/s.
    pub velocity: Vec3,
    /// Its field: low and high corner, metres.
    pub field: ((f64, f64), (f64, f64)),
}

impl Mover {
    /// Position of its lower end and velocity at `time` seconds.
    #[must_use]
    pub fn at(&self, time: f64) -> (Vec3, Vec3) {
        let ((x0, y0), (x1, y1)) = self.field;
        let (x, vx) = bounce(self.from.x, self.velocity.x, time, x0, x1);
        let (y, vy) = bounce(self.from.y, self.velocity.y, time, y0, y1);
        (Vec3::new(x, y, self.from.z), Vec3::new(vx, vy, 0.0))
    }

    /// As a shape at `time` seconds.
    #[must_use]
    pub fn shape(&self, time: f64) -> Shape {
        let (p, _) = self.at(time);
        let tall = if self.kind == Kind::Person { 1.8 } else { 0.3 };
        Shape::Cylinder { x: p.x, y: p.y, radius: self.kind.radius(), bottom: p.z, top: p.z + tall }
    }
}

/// One coordinate that moves to and fro between two walls.
fn bounce(from: f64, speed: f64, time: f64, low: f64, high: f64) -> (f64, f64) {
    let span = high - low;
    if span <= 0.0 {
        return (from, 0.0);
    }
    let way = (from - low + speed * time).rem_euclid(2.0 * span);
    if way <= span { (low + way, speed) } else { (low + 2.0 * span - way, -speed) }
}

/// A world and the task in it.
#[derive(Debug, Clone, PartialEq)]
pub struct World {
    /// What stands.
    pub shapes: Vec<Shape>,
    /// What moves.
    pub movers: Vec<Mover>,
    /// Start, metres.
    pub start: Vec3,
    /// Heading at the start, radians.
    pub yaw: f64,
    /// Goal, metres.
    pub goal: Vec3,
    /// This near is there, metres.
    pub tolerance: f64,
    /// The flight is given up after this, seconds.
    pub timeout: f64,
    /// Lowest and highest altitude allowed, metres.
    pub altitude: (f64, f64),
    /// Length of the best known way, metres: for suites whose metric needs it.
    pub reference_m: Option<f64>,
}

impl World {
    /// An empty field.
    #[must_use]
    pub fn new(start: Vec3, goal: Vec3) -> Self {
        let way = goal - start;
        Self {
            shapes: Vec::new(),
            movers: Vec::new(),
            start,
            yaw: way.y.atan2(way.x),
            goal,
            tolerance: 0.5,
            timeout: 120.0,
            altitude: (0.8, 4.0),
            reference_m: None,
        }
    }

    /// Adds a tree trunk that is taller than anybody flies.
    pub fn trunk(&mut self, x: f64, y: f64, radius: f64) {
        self.shapes.push(Shape::Cylinder { x, y, radius, bottom: 0.0, top: 8.0 });
    }

    /// Adds a straight wall, 0.2 m thick.
    pub fn wall(&mut self, from: (f64, f64), to: (f64, f64)) {
        let (dx, dy) = (to.0 - from.0, to.1 - from.1);
        self.shapes.push(Shape::Block {
            center: Vec3::new((from.0 + to.0) / 2.0, (from.1 + to.1) / 2.0, 4.0),
            half: Vec3::new(dx.hypot(dy) / 2.0 + 0.1, 0.1, 4.0),
            yaw: dy.atan2(dx),
        });
    }

    /// Metres from a point to the nearest thing at `time`; the ground counts. Exact within 3 m.
    #[must_use]
    pub fn clearance(&self, at: Vec3, time: f64, near: &[u32]) -> f64 {
        let standing = near.iter().filter_map(|i| self.shapes.get(*i as usize)).map(|s| s.distance(at));
        let moving = self.movers.iter().map(|m| m.shape(time).distance(at));
        standing.chain(moving).fold(at.z, f64::min)
    }

    /// Indices of the shapes within `reach` metres of (x, y), in order.
    pub fn near(&self, at: Vec3, reach: f64, out: &mut Vec<u32>) {
        out.clear();
        for (i, shape) in self.shapes.iter().enumerate() {
            let (x, y, r) = shape.disc();
            if (at.x - x).hypot(at.y - y) <= reach + r {
                out.push(i as u32);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn distances_are_those_of_the_drawing_board() {
        let c = Shape::Cylinder { x: 1.0, y: 0.0, radius: 0.5, bottom: 0.0, top: 2.0 };
        assert!((c.distance(Vec3::new(3.0, 0.0, 1.0)) - 1.5).abs() < 1e-12);
        assert!((c.distance(Vec3::new(1.0, 0.0, 3.0)) - 1.0).abs() < 1e-12);
        assert!((c.distance(Vec3::new(4.5, 0.0, 6.0)) - 5.0).abs() < 1e-12);
        let b = Shape::Block {
            center: Vec3::new(0.0, 0.0, 1.0),
            half: Vec3::new(2.0, 1.0, 1.0),
            yaw: std::f64::consts::FRAC_PI_2,
        };
        assert!((b.distance(Vec3::new(3.0, 0.0, 1.0)) - 2.0).abs() < 1e-9);
        assert!(b.distance(Vec3::new(0.0, 0.0, 1.0)) < 0.0);
    }

    #[test]
    fn movers_stay_in_their_field() {
        let m = Mover {
            kind: Kind::Person,
            from: Vec3::new(1.0, 2.0, 0.0),
            velocity: Vec3::new(1.5, -0.7, 0.0),
            field: ((0.0, 0.0), (10.0, 5.0)),
        };
        for i in 0..500 {
            let (p, v) = m.at(f64::from(i) * 0.1);
            assert!((0.0..=10.0).contains(&p.x) && (0.0..=5.0).contains(&p.y));
            let (q, _) = m.at(f64::from(i) * 0.1 + 1e-6);
            assert!((q - p - v * 1e-6).norm() < 1e-5);
        }
    }
}
