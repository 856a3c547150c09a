//! The lidar: exact rays against the analytic shapes, front to back.
//!
//! What may be in range comes from the bounding volume tree. Each solid is then tried on those rays alone that its box can
//! meet, a window of azimuths and elevations, nearest solid first; a solid that lies behind everything its window already
//! shows is passed over. So the cost follows what is seen, not what there is, and neighbouring rays run together in vectors.
//! Readings beyond the range are +inf, nearer than it -inf, as in Gazebo (REP-117).

use nalgebra::{Isometry3, Point3, Vector3};

use super::noise::{Noise, stream};
use super::spec::LidarSpec;
use crate::checkpoint::{Stateful, Tape};
use crate::shape::Shape;
use crate::shape::ray::{self, V};
use crate::solids::{Solid, Solids};

/// A lidar and its last scan.
#[derive(Debug, Clone)]
pub struct Lidar {
    spec: LidarSpec,
    noise: Noise,
    /// Unit directions in the sensor frame, row by row from the lowest elevation: x, y, z.
    rays: [Vec<f64>; 3],
    /// Azimuths of the first row's rays, for the windows.
    ranges: Vec<f64>,
    readings: Vec<f32>,
    intensities: Vec<f32>,
    near: Vec<usize>,
    order: Vec<(u64, usize)>,
}

impl Lidar {
    /// The lidar of a specification; `seed` and `id` choose its noise.
    pub fn new(spec: &LidarSpec, seed: u64, id: u64) -> Self {
        let (columns, rows) = (spec.horizontal.count(), spec.vertical.count());
        let mut rays = [(); 3].map(|()| Vec::with_capacity(columns * rows));
        for row in 0..rows {
            let (up, flat) = spec.vertical.angle(row).sin_cos();
            for column in 0..columns {
                let (sin, cos) = spec.horizontal.angle(column).sin_cos();
                for (axis, value) in rays.iter_mut().zip([flat * cos, flat * sin, up]) {
                    axis.push(value);
                }
            }
        }
        Self {
            noise: Noise::new(spec.noise, stream(seed, id, 0)),
            spec: spec.clone(),
            rays,
            ranges: vec![f64::INFINITY; columns * rows],
            readings: vec![f32::INFINITY; columns * rows],
            intensities: vec![0.0; columns * rows],
            near: Vec::new(),
            order: Vec::new(),
        }
    }

    /// What it was made of.
    pub fn spec(&self) -> &LidarSpec {
        &self.spec
    }

    /// Readings of the last scan, metres: rows from the lowest elevation, each from the first azimuth on.
    pub fn readings(&self) -> &[f32] {
        &self.readings
    }

    /// What came back of each beam of the last [`Lidar::reflect`], in the order of [`Lidar::readings`]; 0 before.
    pub fn intensities(&self) -> &[f32] {
        &self.intensities
    }

    /// Asks where each beam of the last scan from `pose` ended what it gets back from there; 0 for those that met nothing.
    pub fn reflect(&mut self, pose: &Isometry3<f64>, retro_at: impl Fn(&Point3<f64>) -> f32) {
        for i in 0..self.intensities.len() {
            let range = self.ranges[i];
            let met = self.readings[i].is_finite() && range.is_finite();
            let end = || pose * Point3::from(Vector3::from(self.direction(i)) * range);
            self.intensities[i] = if met { retro_at(&end()) } else { 0.0 };
        }
    }

    /// Unit direction of reading `i` in the sensor frame.
    pub fn direction(&self, i: usize) -> [f64; 3] {
        [self.rays[0][i], self.rays[1][i], self.rays[2][i]]
    }

    /// Scans from a sensor frame at `pose` in the world, as reading number `index`.
    pub fn scan(&mut self, solids: &Solids, pose: &Isometry3<f64>, index: i64) -> &[f32] {
        let reach = self.spec.max_range;
        let origin = Point3::from(pose.translation.vector);
        self.ranges.fill(f64::INFINITY);
        solids.around(&origin, reach, &mut self.near);
        self.order.clear();
        for &i in &self.near {
            let solid = &solids.all()[i];
            if let Some(closest) = Frame::new(solid, pose).closest() {
                // Non-negative floats are in the order of their bits.
                self.order.push((closest.to_bits(), i));
            }
        }
        self.order.sort_unstable();
        for k in 0..self.order.len() {
            let (closest, i) = self.order[k];
            self.shoot(&solids.all()[i], pose, f64::from_bits(closest));
        }
        for &i in solids.planes() {
            let all =
                Window { columns: [0, self.spec.horizontal.count()], rows: [0, self.spec.vertical.count()] };
            self.run(&solids.all()[i], pose, &all);
        }
        let first = (index as u64).wrapping_mul(self.ranges.len() as u64);
        let quiet = self.noise.spec().is_none();
        for (i, (out, range)) in self.readings.iter_mut().zip(&self.ranges).enumerate() {
            let mut r = *range;
            // What is too near stays so: noise is of what is measured.
            if r >= self.spec.min_range && r <= reach && !quiet {
                let noisy = self.noise.apply(r, first.wrapping_add(i as u64), 0.0);
                r = noisy.max(self.spec.min_range).min(reach);
            }
            *out = if r > reach {
                f32::INFINITY
            } else if r < self.spec.min_range {
                f32::NEG_INFINITY
            } else {
                r as f32
            };
        }
        &self.readings
    }

    /// Tries a solid on all the rays that can meet it.
    fn shoot(&mut self, solid: &Solid, pose: &Isometry3<f64>, closest: f64) {
        let frame = Frame::new(solid, pose);
        let spec = &self.spec;
        let elevations = frame.elevations();
        let rows = span(&spec.vertical, elevations);
        if rows[0] >= rows[1] {
            return;
        }
        let (columns, turn) = (spec.horizontal.count(), std::f64::consts::TAU);
        let mut windows = [[0, 0]; 3];
        match frame.azimuths() {
            None => windows[0] = [0, columns],
            Some([low, high]) => {
                for (window, k) in windows.iter_mut().zip([-turn, 0.0, turn]) {
                    *window = span(&spec.horizontal, [low + k, high + k]);
                }
            }
        }
        for columns in windows.into_iter().filter(|w| w[0] < w[1]) {
            let window = Window { columns, rows };
            if self.hidden(&window, closest) {
                continue;
            }
            self.run(solid, pose, &window);
        }
    }

    /// Whether all rays of a window end before `closest`.
    fn hidden(&self, window: &Window, closest: f64) -> bool {
        let width = self.spec.horizontal.count();
        (window.rows[0]..window.rows[1]).all(|row| {
            let line = &self.ranges[row * width..][window.columns[0]..window.columns[1]];
            line.iter().fold(0.0, |most: f64, r| if *r > most { *r } else { most }) <= closest
        })
    }

    fn run(&mut self, solid: &Solid, pose: &Isometry3<f64>, window: &Window) {
        let local = solid.pose.inverse() * pose;
        let m = local.rotation.to_rotation_matrix().into_inner();
        let turn: [V; 3] = [0, 1, 2].map(|r| [m[(r, 0)], m[(r, 1)], m[(r, 2)]]);
        let o: V = local.translation.vector.into();
        match solid.shape {
            Shape::Box { size } => {
                let half = [size.x / 2.0, size.y / 2.0, size.z / 2.0];
                self.each(window, &turn, |d| ray::cuboid(&half, &o, d));
            }
            Shape::Cylinder { radius, length } => {
                self.each(window, &turn, |d| ray::cylinder(radius, length / 2.0, &o, d));
            }
            Shape::Sphere { radius } => self.each(window, &turn, |d| ray::sphere(radius, &o, d)),
            Shape::Triangle { corners } => {
                let corners: [V; 3] = corners.map(Into::into);
                self.each(window, &turn, |d| ray::triangle(&corners, &o, d));
            }
            Shape::Plane { normal, .. } => {
                let normal = [normal.x, normal.y, normal.z];
                self.each(window, &turn, |d| ray::plane(&normal, &o, d));
            }
            shape => self.each(window, &turn, |d| shape.ray(&o, d)),
        }
    }

    #[inline(always)]
    fn each(&mut self, window: &Window, turn: &[V; 3], hit: impl Fn(&V) -> f64) {
        let width = self.spec.horizontal.count();
        let [from, to] = window.columns;
        for row in window.rows[0]..window.rows[1] {
            let line = row * width + from..row * width + to;
            let [x, y, z] = [0, 1, 2].map(|k| &self.rays[k][line.clone()]);
            for (((out, x), y), z) in self.ranges[line.clone()].iter_mut().zip(x).zip(y).zip(z) {
                let d = [0, 1, 2].map(|k| turn[k][0] * x + turn[k][1] * y + turn[k][2] * z);
                let t = hit(&d);
                *out = if t < *out { t } else { *out };
            }
        }
    }
}

struct Window {
    columns: [usize; 2],
    rows: [usize; 2],
}

/// Indices of the readings between two angles: a half-open range.
fn span(axis: &super::spec::ScanAxis, [low, high]: [f64; 2]) -> [usize; 2] {
    let n = axis.count();
    if n == 1 {
        let inside = low <= axis.min_angle && axis.min_angle <= high;
        return [0, usize::from(inside)];
    }
    let step = axis.step();
    if step.abs() < 1e-12 {
        return [0, n];
    }
    let (a, b) = ((low - axis.min_angle) / step, (high - axis.min_angle) / step);
    let (a, b) = if step < 0.0 { (b, a) } else { (a, b) };
    let last = n as f64;
    [a.ceil().clamp(0.0, last) as usize, (b.floor() + 1.0).clamp(0.0, last) as usize]
}

/// The corners of a solid's box in the sensor frame.
struct Frame {
    corners: [Vector3<f64>; 8],
    /// Sensor's origin and half extents in a frame about the box's centre.
    inside: Vector3<f64>,
    half: Vector3<f64>,
    finite: bool,
}

/// Rays this close to a window's edge belong to it, radians.
const SLACK: f64 = 1e-9;

impl Frame {
    fn new(solid: &Solid, pose: &Isometry3<f64>) -> Self {
        let local = pose.inverse() * solid.pose;
        let Some([low, high]) = solid.shape.bounds() else {
            let none = Vector3::zeros();
            return Self { corners: [none; 8], inside: none, half: none, finite: false };
        };
        let corners = [0, 1, 2, 3, 4, 5, 6, 7].map(|i| {
            let pick = |k: usize| if i >> k & 1 == 0 { low[k] } else { high[k] };
            (local * Point3::new(pick(0), pick(1), pick(2))).coords
        });
        let centre = (low + high) / 2.0;
        let inside = local.inverse_transform_point(&Point3::origin()).coords - centre;
        Self { corners, inside, half: (high - low) / 2.0, finite: true }
    }

    /// Distance from the sensor to the box.
    fn closest(&self) -> Option<f64> {
        let outside = (self.inside.abs() - self.half).sup(&Vector3::zeros());
        self.finite.then(|| outside.norm())
    }

    /// The horizontal direction to the middle of the box, and the least part of any corner along it.
    fn ahead(&self) -> ([f64; 2], f64) {
        let middle = self.corners.iter().fold([0.0, 0.0], |m, c| [m[0] + c.x, m[1] + c.y]);
        let length = middle[0].hypot(middle[1]);
        if length < 1e-9 {
            return ([1.0, 0.0], 0.0);
        }
        let way = [middle[0] / length, middle[1] / length];
        let least = self.corners.iter().map(|c| c.x * way[0] + c.y * way[1]).fold(f64::INFINITY, f64::min);
        (way, least)
    }

    /// Azimuths that the box covers; `None` if it reaches around the sensor's axis.
    fn azimuths(&self) -> Option<[f64; 2]> {
        let (way, least) = self.ahead();
        if least <= 1e-9 {
            return None;
        }
        let (mut low, mut high) = (f64::INFINITY, f64::NEG_INFINITY);
        for c in &self.corners {
            let angle = (way[0] * c.y - way[1] * c.x).atan2(way[0] * c.x + way[1] * c.y);
            (low, high) = (low.min(angle), high.max(angle));
        }
        let middle = way[1].atan2(way[0]);
        Some([middle + low - SLACK, middle + high + SLACK])
    }

    /// Elevations that no part of the box exceeds.
    fn elevations(&self) -> [f64; 2] {
        let near = self.ahead().1.max(0.0);
        let far = self.corners.iter().map(|c| c.x.hypot(c.y)).fold(0.0, f64::max);
        let (low, high) = self
            .corners
            .iter()
            .fold((f64::INFINITY, f64::NEG_INFINITY), |(a, b), c| (a.min(c.z), b.max(c.z)));
        let bottom = low.atan2(if low < 0.0 { near } else { far });
        let top = high.atan2(if high > 0.0 { near } else { far });
        [bottom - SLACK, top + SLACK]
    }
}

impl Stateful for Lidar {
    fn go_over(&mut self, tape: &mut Tape<'_>) {
        self.noise.go_over(tape);
    }
}

#[cfg(test)]
mod tests {
    use nalgebra::{Unit, UnitQuaternion};

    use super::*;
    use crate::rng::Stream;
    use crate::sensors::spec::{NoiseSpec, ScanAxis};

    fn scene(count: u64) -> Solids {
        let (a, b) = (Stream::new(5, 1), Stream::new(5, 2));
        let mut all: Vec<Solid> = (0..count)
            .map(|i| {
                let ([x, y], [z, r]) = (a.pair(i), b.pair(i));
                let turn = UnitQuaternion::from_euler_angles(r * 6.0, x * 3.0, y * 6.0);
                let at = Vector3::new(x * 40.0 - 20.0, y * 40.0 - 20.0, z * 8.0 - 2.0);
                let shape = match i % 7 {
                    0 => Shape::Cylinder { radius: 0.2 + 0.3 * r, length: 5.0 },
                    1 => Shape::Sphere { radius: 0.2 + r },
                    2 => Shape::Box { size: Vector3::new(1.0 + r, 0.5, 2.0) },
                    3 => Shape::Capsule { radius: 0.2, length: 1.0 + r },
                    4 => Shape::Cone { radius: 0.5, length: 1.0 + r },
                    5 => Shape::Ellipsoid { radii: Vector3::new(0.3, 0.6, 1.0) },
                    _ => Shape::Triangle {
                        corners: [
                            Vector3::new(1.0, 0.0, r),
                            Vector3::new(-1.0, 0.5, 0.0),
                            Vector3::new(0.0, 1.0, -1.0),
                        ],
                    },
                };
                Solid { pose: Isometry3::from_parts(at.into(), turn), shape, object: i as u32 + 1 }
            })
            .collect();
        let normal = Unit::new_normalize(Vector3::z());
        let ground = Isometry3::translation(0.0, 0.0, -3.0);
        all.push(Solid { pose: ground, shape: Shape::Plane { normal, size: [1.0, 1.0] }, object: 0 });
        Solids::new(all)
    }

    fn spec(columns: u32, rows: u32, turn: [f64; 2], up: [f64; 2]) -> LidarSpec {
        let axis = |samples, [min_angle, max_angle]: [f64; 2]| ScanAxis {
            samples,
            resolution: 1.0,
            min_angle,
            max_angle,
        };
        LidarSpec {
            horizontal: axis(columns, turn),
            vertical: axis(rows, up),
            min_range: 0.1,
            max_range: 25.0,
            ..LidarSpec::default()
        }
    }

    /// The oracle here is every ray against every solid, one by one, from many poses, some inside of things.
    #[test]
    fn windows_lose_no_hit() {
        let solids = scene(300);
        let pi = std::f64::consts::PI;
        let specs = [
            spec(120, 9, [-pi, pi], [-0.6, 0.6]),
            spec(90, 5, [0.0, 1.9 * pi], [-1.5, 1.5]),
            spec(40, 3, [0.5, -0.5], [0.3, -0.3]),
            spec(1, 1, [0.0, 0.0], [0.0, 0.0]),
        ];
        let at = Stream::new(8, 1);
        let mut hits = 0;
        for (k, spec) in specs.iter().enumerate() {
            let mut lidar = Lidar::new(spec, 1, 1);
            for i in 0..12 {
                let ([x, y], [z, w]) = (at.pair(2 * i), at.pair(2 * i + 1 + 100 * k as u64));
                let turn = UnitQuaternion::from_euler_angles(w - 0.5, z - 0.5, 6.0 * w);
                let place = Vector3::new(x * 36.0 - 18.0, y * 36.0 - 18.0, z * 4.0 - 1.0);
                let pose = Isometry3::from_parts(place.into(), turn);
                lidar.scan(&solids, &pose, 0);
                for r in 0..lidar.readings().len() {
                    let d = pose.rotation * Vector3::from(lidar.direction(r));
                    let expected = solids.all().iter().map(|s| {
                        let o = s.pose.inverse_transform_point(&place.into()).coords;
                        s.shape.ray(&o.into(), &s.pose.inverse_transform_vector(&d).into())
                    });
                    let expected = expected.fold(f64::INFINITY, f64::min);
                    let seen = f64::from(lidar.readings()[r]);
                    if expected > 25.0 {
                        assert_eq!(seen, f64::INFINITY, "{k} {i} {r}");
                    } else if expected < 0.1 {
                        assert_eq!(seen, f64::NEG_INFINITY, "{k} {i} {r}");
                    } else {
                        hits += 1;
                        assert!((seen - expected).abs() < 1e-5, "{k} {i} {r}: {seen} {expected}");
                    }
                }
            }
        }
        assert!(hits > 4000, "{hits}");
    }

    #[test]
    fn what_is_too_near_stays_so_with_noise_and_no_range_brings_it_down() {
        let ball = Solid {
            pose: Isometry3::translation(0.55, 0.0, 0.0),
            shape: Shape::Sphere { radius: 0.5 },
            object: 1,
        };
        let solids = Solids::new(vec![ball]);
        for (min_range, max_range) in [(0.1, 25.0), (5.0, 3.0)] {
            let ahead = spec(1, 1, [0.0, 0.0], [0.0, 0.0]);
            let spec = LidarSpec { min_range, max_range, noise: NoiseSpec::white(0.3), ..ahead };
            let mut lidar = Lidar::new(&spec, 1, 1);
            let readings = (0..50).map(|index| lidar.scan(&solids, &Isometry3::identity(), index)[0]);
            assert!(readings.into_iter().all(|r| r == f32::NEG_INFINITY), "{min_range} {max_range}");
        }
    }

    #[test]
    fn noise_is_as_asked_stays_in_range_and_leaves_misses_alone() {
        let mut spec = spec(360, 1, [-3.0, 3.0], [0.0, 0.0]);
        spec.noise = NoiseSpec::white(0.05);
        let normal = Unit::new_normalize(-Vector3::x());
        let wall = Solid {
            pose: Isometry3::translation(5.0, 0.0, 0.0),
            shape: Shape::Plane { normal, size: [1.0, 1.0] },
            object: 0,
        };
        let solids = Solids::new(vec![wall]);
        let (mut noisy, mut clean) =
            (Lidar::new(&spec, 1, 1), Lidar::new(&LidarSpec { noise: NoiseSpec::default(), ..spec }, 1, 1));
        let pose = Isometry3::identity();
        let (mut sum, mut n) = (0.0, 0.0);
        for index in 0..20 {
            noisy.scan(&solids, &pose, index);
            clean.scan(&solids, &pose, index);
            for (a, b) in noisy.readings().iter().zip(clean.readings()) {
                if b.is_finite() {
                    sum += f64::from(a - b).powi(2);
                    n += 1.0;
                } else {
                    assert_eq!(a, b);
                }
            }
        }
        let deviation = (sum / n).sqrt();
        assert!(n > 1000.0 && (deviation - 0.05).abs() < 0.004, "{deviation} of {n}");
    }
}
