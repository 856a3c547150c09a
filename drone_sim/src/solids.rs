//! Everything that can be touched, and what is nearest to a point.
//!
//! A bounding volume tree makes a query cost the logarithm of the number of things; planes, which are endless, are
//! kept beside it. Answers are exact signed distances and do not depend on the order of insertion except for ties,
//! which the lower index wins. What moves has a tree of its own, so that a forest is not sorted anew for each ball that rolls.

use nalgebra::{Isometry3, Point3, Vector3};

use crate::shape::{Near, Shape};

/// A shape that stands somewhere.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Solid {
    /// Frame of the shape in the world.
    pub pose: Isometry3<f64>,
    /// The shape.
    pub shape: Shape,
    /// Which thing of the world it belongs to, from 1; 0 for the ground.
    pub object: u32,
}

/// What is nearest to a point.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Hit {
    /// Index of the solid.
    pub solid: usize,
    /// Signed distance and direction, world frame.
    pub near: Near,
}

/// Solids, made ready for queries.
#[derive(Debug, Clone, Default)]
pub struct Solids {
    all: Vec<Solid>,
    planes: Vec<usize>,
    /// Around each solid, lowest and highest corner.
    boxes: Vec<Bounds>,
    still: Tree,
    moving: Tree,
    /// Indices of those in the tree of what moves.
    movers: Vec<usize>,
}

type Bounds = (Vector3<f64>, Vector3<f64>);

/// A bounding volume tree over some of the solids.
#[derive(Debug, Clone, Default)]
struct Tree {
    order: Vec<usize>,
    nodes: Vec<Node>,
}

#[derive(Debug, Clone)]
struct Node {
    low: Vector3<f64>,
    high: Vector3<f64>,
    /// Leaf: range of `order`. Inner: `second` is the index of the other child, the first one follows the node.
    first: usize,
    count: usize,
    second: usize,
}

const LEAF: usize = 4;

impl Tree {
    /// Takes in the solids of these indices, whose order must follow from nothing but what they are.
    fn grow(&mut self, boxes: &[Bounds], indices: impl Iterator<Item = usize>) {
        self.order.clear();
        self.nodes.clear();
        self.order.extend(indices);
        let count = self.order.len();
        if count > 0 {
            self.build(boxes, 0, count);
        }
    }

    fn build(&mut self, boxes: &[Bounds], first: usize, count: usize) {
        let range = &mut self.order[first..first + count];
        let mut low = Vector3::repeat(f64::INFINITY);
        let mut high = -low;
        for i in range.iter() {
            low = low.inf(&boxes[*i].0);
            high = high.sup(&boxes[*i].1);
        }
        let here = self.nodes.len();
        self.nodes.push(Node { low, high, first, count, second: 0 });
        if count <= LEAF {
            return;
        }
        let axis = (high - low).imax();
        let middle = |i: usize| boxes[i].0[axis] + boxes[i].1[axis];
        // No two are equal, so an unstable sort, which needs no memory, has one answer.
        range.sort_unstable_by(|a, b| middle(*a).total_cmp(&middle(*b)).then(a.cmp(b)));
        let half = count / 2;
        self.build(boxes, first, half);
        self.nodes[here].second = self.nodes.len();
        self.nodes[here].count = 0;
        self.build(boxes, first + half, count - half);
    }

    /// Offers the solids that may be nearer than the best so far.
    fn nearest(
        &self,
        solids: &Solids,
        p: &Point3<f64>,
        best: &mut Option<Hit>,
        counts: &impl Fn(u32) -> bool,
    ) {
        // Nodes that may hold something nearer, with their distances: the nearer of two is looked into first.
        let mut stack = [(0_usize, 0.0_f64); 64];
        let mut top = usize::from(!self.nodes.is_empty());
        // A nanometre of grace, so that the rounding of boxes decides nothing.
        let far = |best: &Option<Hit>, outside: f64| {
            best.is_some_and(|b| outside > 0.0 && outside > b.near.distance + 1e-9)
        };
        while top > 0 {
            top -= 1;
            let (here, away) = stack[top];
            if far(best, away) {
                continue;
            }
            let node = &self.nodes[here];
            if node.second == 0 {
                for &i in &self.order[node.first..node.first + node.count] {
                    let (low, high) = &solids.boxes[i];
                    if counts(solids.all[i].object) && !far(best, outside(low, high, p)) {
                        solids.offer(i, p, best);
                    }
                }
            } else if top + 2 <= stack.len() {
                let [a, b] = [here + 1, node.second]
                    .map(|child| (child, outside(&self.nodes[child].low, &self.nodes[child].high, p)));
                let (near, later) = if b.1 < a.1 { (b, a) } else { (a, b) };
                stack[top] = later;
                stack[top + 1] = near;
                top += 2;
            }
        }
    }

    /// The triangle that the way from `from` to `to` crosses first: its index, and where as a share of the way.
    fn crossed(&self, solids: &Solids, from: &Point3<f64>, to: &Point3<f64>) -> Option<(usize, f64)> {
        let way = to - from;
        let mut best: Option<(usize, f64)> = None;
        let mut stack = [0_usize; 64];
        let mut top = usize::from(!self.nodes.is_empty());
        while top > 0 {
            top -= 1;
            let here = stack[top];
            let node = &self.nodes[here];
            if !passes(&node.low, &node.high, from, &way) {
                continue;
            }
            if node.second == 0 {
                for &i in &self.order[node.first..node.first + node.count] {
                    let share = solids.all[i].crossing(from, &way);
                    let earlier = best.is_none_or(|(j, s)| share < s || (share == s && i < j));
                    if share <= 1.0 && earlier {
                        best = Some((i, share));
                    }
                }
            } else if top + 2 <= stack.len() {
                stack[top] = node.second;
                stack[top + 1] = here + 1;
                top += 2;
            }
        }
        best
    }

    fn around(&self, p: &Point3<f64>, radius: f64, out: &mut Vec<usize>) {
        let mut stack = [0_usize; 64];
        let mut top = usize::from(!self.nodes.is_empty());
        while top > 0 {
            top -= 1;
            let here = stack[top];
            let node = &self.nodes[here];
            let outside = (node.low - p.coords).sup(&(p.coords - node.high)).sup(&Vector3::zeros());
            if outside.norm_squared() > radius * radius {
                continue;
            }
            if node.second == 0 {
                out.extend_from_slice(&self.order[node.first..node.first + node.count]);
            } else if top + 2 <= stack.len() {
                stack[top] = node.second;
                stack[top + 1] = here + 1;
                top += 2;
            }
        }
    }
}

impl Solid {
    /// Where a way crosses it, as a share of the way, if it is a triangle; else +inf.
    fn crossing(&self, from: &Point3<f64>, way: &Vector3<f64>) -> f64 {
        let length = way.norm();
        if !matches!(self.shape, Shape::Triangle { .. }) || length <= 0.0 {
            return f64::INFINITY;
        }
        let (o, d) = (self.pose.inverse() * from, self.pose.rotation.inverse() * (way / length));
        self.shape.ray(&[o.x, o.y, o.z], &[d.x, d.y, d.z]) / length
    }
}

impl Solids {
    /// Takes in the solids.
    pub fn new(all: Vec<Solid>) -> Self {
        Self::among(all, |_| false)
    }

    /// Takes in the solids, those of objects that move into a tree of their own.
    pub fn among(all: Vec<Solid>, moves: impl Fn(u32) -> bool) -> Self {
        let mut out = Self { all, ..Self::default() };
        out.boxes = vec![(Vector3::zeros(), Vector3::zeros()); out.all.len()];
        let mut still = Vec::new();
        for (i, solid) in out.all.iter().enumerate() {
            let Some(b) = bounds(solid) else {
                out.planes.push(i);
                continue;
            };
            out.boxes[i] = b;
            if moves(solid.object) { out.movers.push(i) } else { still.push(i) }
        }
        out.still.grow(&out.boxes, still.into_iter());
        out.moving.grow(&out.boxes, out.movers.iter().copied());
        out
    }

    /// The same solids, of which those of other objects move now.
    #[must_use]
    pub fn sorted_anew(self, moves: impl Fn(u32) -> bool) -> Self {
        Self::among(self.all, moves)
    }

    /// Moves a solid; [`Solids::renew`] makes that count. False for one that is not among what moves: then all have to be
    /// taken in anew.
    pub(crate) fn set_pose(&mut self, index: usize, pose: Isometry3<f64>) -> bool {
        let solid = &mut self.all[index];
        solid.pose = pose;
        let Some(b) = bounds(solid) else { return true };
        self.boxes[index] = b;
        self.movers.binary_search(&index).is_ok()
    }

    /// After solids were moved: the tree of what moves alone, or both.
    pub(crate) fn renew(&mut self, still_too: bool) {
        if still_too {
            // In the order of their indices, as at the begin.
            self.still.order.sort_unstable();
            let order = std::mem::take(&mut self.still.order);
            self.still.grow(&self.boxes, order.into_iter());
        }
        self.moving.grow(&self.boxes, self.movers.iter().copied());
    }

    /// The solids in the order they were given.
    pub fn all(&self) -> &[Solid] {
        &self.all
    }

    /// The solid nearest to `p` (world, metres), planes left out. `None` if there is none.
    pub fn nearest(&self, p: &Point3<f64>) -> Option<Hit> {
        self.nearest_of(p, |_| true)
    }

    /// The nearest solid of those objects that count.
    pub fn nearest_of(&self, p: &Point3<f64>, counts: impl Fn(u32) -> bool) -> Option<Hit> {
        let mut best: Option<Hit> = None;
        self.still.nearest(self, p, &mut best, &counts);
        self.moving.nearest(self, p, &mut best, &counts);
        best
    }

    /// The nearest of those solids that move and count.
    pub fn nearest_mover(&self, p: &Point3<f64>, counts: impl Fn(u32) -> bool) -> Option<Hit> {
        let mut best: Option<Hit> = None;
        self.moving.nearest(self, p, &mut best, &counts);
        best
    }

    /// The plane nearest to `p`, such as the ground.
    pub fn nearest_plane(&self, p: &Point3<f64>) -> Option<Hit> {
        let mut best = None;
        self.planes.iter().for_each(|i| self.offer(*i, p, &mut best));
        best
    }

    /// The piece of a mesh that lies between two points and is met first on the way from `from` to `to` (world, metres): distance and
    /// normal are those of `to` from its plane, whose free side is the one of `from`. So the distance is not above zero.
    pub fn face_between(&self, from: &Point3<f64>, to: &Point3<f64>) -> Option<Hit> {
        let found = [self.still.crossed(self, from, to), self.moving.crossed(self, from, to)];
        let (solid, _) = found.into_iter().flatten().min_by(|a, b| a.1.total_cmp(&b.1))?;
        let Shape::Triangle { corners: [a, b, c] } = self.all[solid].shape else { return None };
        let pose = &self.all[solid].pose;
        let mut normal = pose.rotation * (b - a).cross(&(c - a)).try_normalize(1e-12)?;
        let corner = (pose * Point3::from(a)).coords;
        if normal.dot(&(from.coords - corner)) < 0.0 {
            normal = -normal;
        }
        Some(Hit { solid, near: Near { distance: normal.dot(&(to.coords - corner)), normal } })
    }

    /// Indices of the solids whose boxes reach within `radius` of `p` (world, metres), planes left out, in no order that
    /// means anything but always in the same one.
    pub fn around(&self, p: &Point3<f64>, radius: f64, out: &mut Vec<usize>) {
        out.clear();
        self.still.around(p, radius, out);
        self.moving.around(p, radius, out);
    }

    /// Indices of the endless ones.
    pub fn planes(&self) -> &[usize] {
        &self.planes
    }

    fn offer(&self, i: usize, p: &Point3<f64>, best: &mut Option<Hit>) {
        let near = self.all[i].shape.near_at(&self.all[i].pose, p);
        let closer = best.is_none_or(|b| {
            near.distance < b.near.distance || (near.distance == b.near.distance && i < b.solid)
        });
        if closer {
            *best = Some(Hit { solid: i, near });
        }
    }
}

/// Whether the way from a point goes through a box, with a nanometre of grace.
fn passes(low: &Vector3<f64>, high: &Vector3<f64>, from: &Point3<f64>, way: &Vector3<f64>) -> bool {
    let (mut enter, mut leave) = (0.0_f64, 1.0_f64);
    for k in 0..3 {
        let (low, high) = (low[k] - 1e-9 - from[k], high[k] + 1e-9 - from[k]);
        if way[k] == 0.0 {
            if low > 0.0 || high < 0.0 {
                return false;
            }
            continue;
        }
        let (a, b) = (low / way[k], high / way[k]);
        (enter, leave) = (enter.max(a.min(b)), leave.min(a.max(b)));
    }
    enter <= leave
}

/// How far a point is outside of a box, metres; 0 inside.
fn outside(low: &Vector3<f64>, high: &Vector3<f64>, p: &Point3<f64>) -> f64 {
    let axis = |k: usize| (low[k] - p[k]).max(p[k] - high[k]).max(0.0);
    let (x, y, z) = (axis(0), axis(1), axis(2));
    (x * x + y * y + z * z).sqrt()
}

/// The box around a solid in the world; `None` if it is endless.
fn bounds(solid: &Solid) -> Option<Bounds> {
    let [low, high] = solid.shape.bounds()?;
    let turned = solid.pose.rotation.to_rotation_matrix().matrix().abs() * ((high - low) / 2.0);
    let centre = (solid.pose * Point3::from((low + high) / 2.0)).coords;
    Some((centre - turned, centre + turned))
}

#[cfg(test)]
mod tests {
    use nalgebra::UnitQuaternion;

    use super::*;
    use crate::rng::Stream;

    fn scatter(count: u64) -> Vec<Solid> {
        let (a, b) = (Stream::new(5, 1), Stream::new(5, 2));
        let mut out: Vec<Solid> = (0..count)
            .map(|i| {
                let ([x, y], [z, r]) = (a.pair(i), b.pair(i));
                let turn = UnitQuaternion::from_euler_angles(r * 6.0, x * 3.0, y * 6.0);
                let at = Vector3::new(x * 40.0, y * 40.0, z * 6.0);
                let shape = match i % 4 {
                    0 => Shape::Cylinder { radius: 0.3 + r, length: 4.0 },
                    1 => Shape::Sphere { radius: 0.2 + r },
                    2 => Shape::Box { size: Vector3::new(1.0 + r, 0.5, 2.0) },
                    _ => Shape::Capsule { radius: 0.2, length: 1.0 + r },
                };
                Solid { pose: Isometry3::from_parts(at.into(), turn), shape, object: i as u32 }
            })
            .collect();
        let normal = nalgebra::Unit::new_normalize(Vector3::z());
        out.push(Solid {
            pose: Isometry3::identity(),
            shape: Shape::Plane { normal, size: [1.0, 1.0] },
            object: 0,
        });
        out
    }

    /// The oracle here is the whole list, one by one.
    #[test]
    fn the_tree_answers_as_the_whole_list_does() {
        for count in [0, 1, 5, 300] {
            let solids = Solids::new(scatter(count));
            let parted = Solids::among(scatter(count), |object| object % 3 == 1);
            let (a, b) = (Stream::new(9, 1), Stream::new(9, 2));
            for i in 0..300 {
                let ([x, y], z) = (a.pair(i), b.unit(i));
                let p = Point3::new(x * 44.0 - 2.0, y * 44.0 - 2.0, z * 8.0 - 1.0);
                let brute = solids.all()[..count as usize]
                    .iter()
                    .map(|s| s.shape.near_at(&s.pose, &p).distance)
                    .fold(f64::INFINITY, f64::min);
                let tree = solids.nearest(&p).map_or(f64::INFINITY, |h| h.near.distance);
                assert_eq!(tree.to_bits(), brute.to_bits(), "{count} {p:?}");
                assert_eq!(solids.nearest_plane(&p).unwrap().near.distance, p.z);
                assert_eq!(parted.nearest(&p), solids.nearest(&p));
            }
        }
    }

    /// A bumpy sheet of 20 x 20 squares over the ground, as a heightmap is taken in.
    fn sheet() -> Vec<Solid> {
        let height = |x: f64, y: f64| 0.3 * (x * 1.3).sin() + 0.2 * (y * 0.9).cos() + 1.0;
        let corner = |x: f64, y: f64| Vector3::new(x, y, height(x, y));
        let mut out = scatter(0);
        for i in 0..400 {
            let (x, y) = (f64::from(i % 20), f64::from(i / 20));
            let square = [corner(x, y), corner(x + 1.0, y), corner(x + 1.0, y + 1.0), corner(x, y + 1.0)];
            for corners in [[square[0], square[1], square[2]], [square[2], square[0], square[3]]] {
                out.push(Solid {
                    pose: Isometry3::translation(0.0, 0.0, 0.0),
                    shape: Shape::Triangle { corners },
                    object: 0,
                });
            }
        }
        out
    }

    /// What lies between two points is found as by trying each triangle, from above and from below, and tells how far behind it
    /// the second point is.
    #[test]
    fn the_sheet_between_two_points_is_found_from_either_side() {
        let solids = Solids::new(sheet());
        let (a, b) = (Stream::new(4, 1), Stream::new(4, 2));
        let (mut crossed, mut free) = (0, 0);
        for i in 0..400 {
            let ([x, y], [u, v]) = (a.pair(i), b.pair(i));
            let from = Point3::new(20.0 * x, 20.0 * y, 2.0 - 1.5 * u);
            let to =
                from + Vector3::new(0.3 * (v - 0.5), 0.3 * (u - 0.5), if i % 3 == 0 { 0.8 } else { -0.8 });
            let way = to - from;
            let brute = solids.all().iter().map(|s| s.crossing(&from, &way)).fold(f64::INFINITY, f64::min);
            match solids.face_between(&from, &to) {
                Some(hit) => {
                    crossed += 1;
                    assert!(brute <= 1.0 && hit.near.distance <= 1e-12, "{i}: {brute} {hit:?}");
                    let met = from + way * brute;
                    let foot = to.coords - hit.near.normal * hit.near.distance;
                    assert!((foot - met.coords).dot(&hit.near.normal).abs() < 1e-9, "on the plane it met");
                    assert!(hit.near.normal.dot(&(from - met)) >= 0.0, "free on the side of the first");
                }
                None => {
                    free += 1;
                    assert!(brute > 1.0, "{i}: {brute}");
                }
            }
        }
        assert!(crossed > 60 && free > 60, "{crossed} {free}");
    }

    /// Whatever was moved, and however: the answers are those of solids that were taken in where they are.
    #[test]
    fn what_was_moved_answers_as_if_it_had_always_been_there() {
        let moves = |object: u32| object % 3 == 1;
        let mut solids = Solids::among(scatter(300), moves);
        let mut all = scatter(300);
        let mut near = (Vec::new(), Vec::new());
        for round in 0..3 {
            let mut still_too = false;
            for (i, solid) in all.iter_mut().enumerate().filter(|(i, _)| (i + round) % 2 == 0) {
                if round < 2 && !moves(solid.object) {
                    continue;
                }
                solid.pose.translation.x += 3.0 + round as f64;
                still_too |= !solids.set_pose(i, solid.pose);
            }
            assert_eq!(still_too, round == 2);
            solids.renew(still_too);
            let fresh = Solids::among(all.clone(), moves);
            for i in 0..100 {
                let [x, y] = Stream::new(9, 3).pair(i);
                let p = Point3::new(x * 50.0, y * 44.0, 2.0);
                assert_eq!(solids.nearest(&p), fresh.nearest(&p));
                solids.around(&p, 4.0, &mut near.0);
                fresh.around(&p, 4.0, &mut near.1);
                assert_eq!(near.0, near.1);
                let of = |o: u32| o.is_multiple_of(2);
                let brute = all.iter().filter(|s| of(s.object) && !matches!(s.shape, Shape::Plane { .. }));
                let brute =
                    brute.map(|s| s.shape.near_at(&s.pose, &p).distance).fold(f64::INFINITY, f64::min);
                assert_eq!(solids.nearest_of(&p, of).map(|h| h.near.distance), Some(brute));
            }
        }
    }
}
