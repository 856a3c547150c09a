//! A stereo depth camera by exact intersection: ground, cylinders, blocks; then what stereo does to the truth.
//!
//! One ray stands for a block of 4 x 4 pixels of a 640 x 480 imager, which is about the window that a block matcher
//! correlates over; so noise is drawn once per ray. `Camera::new(640, ..)` casts every pixel instead.

use peregrine_avoidance::algo::depth::Intrinsics;
use peregrine_avoidance::algo::geometry::{Pose, Vec3};

use crate::rng::Random;
use crate::world::{Shape, World};

/// What stereo matching adds to the truth.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Stereo {
    /// Standard deviation of depth per squared metre, 1/m: `sigma_d / (f B)`.
    pub noise: f32,
    /// Share of rays without a match, 0 to 1.
    pub dropout: f64,
    /// Step of disparity, as depth per squared metre, 1/m: `step / (f B)`.
    pub step: f32,
}

/// The camera and its last picture.
#[derive(Debug, Clone)]
pub struct Camera {
    /// Pinhole of the rays.
    pub intrinsics: Intrinsics,
    /// No return from beyond, metres.
    pub far: f32,
    /// Metres along the optical axis per ray, as 32FC1.
    pub bytes: Vec<u8>,
    depth: Vec<f32>,
}

impl Camera {
    /// `width` x `width * 3 / 4` rays over 87 degrees.
    #[must_use]
    pub fn new(width: usize, far: f32) -> Option<Self> {
        let height = width * 3 / 4;
        let f = width as f64 / 2.0 / (87.0_f64.to_radians() / 2.0).tan();
        let (cx, cy) = (width as f64 / 2.0 - 0.5, height as f64 / 2.0 - 0.5);
        let intrinsics = Intrinsics::new(f, f, cx, cy, width, height).ok()?;
        Some(Self { intrinsics, far, bytes: vec![0; width * height * 4], depth: vec![0.0; width * height] })
    }

    /// Takes a picture from `pose` (optical frame in the world) at `time` seconds; `near` are the shapes in reach.
    pub fn shoot(
        &mut self,
        world: &World,
        near: &[u32],
        time: f64,
        pose: &Pose,
        stereo: &Stereo,
        rng: &mut Random,
    ) {
        let rows = pose.rotation.rows().map(|r| r.map(|v| v as f32));
        self.ground(pose.position.z as f32, rows[2]);
        for shape in near.iter().filter_map(|i| world.shapes.get(*i as usize)) {
            self.draw(shape, pose, &rows);
        }
        for mover in &world.movers {
            let shape = mover.shape(time);
            let (x, y, r) = shape.disc();
            if (x - pose.position.x).hypot(y - pose.position.y) < f64::from(self.far) * 1.6 + r {
                self.draw(&shape, pose, &rows);
            }
        }
        self.degrade(stereo, rng);
    }

    fn ground(&mut self, height: f32, up: [f32; 3]) {
        let k = self.intrinsics;
        let slope = up[0] / k.fx as f32;
        for (v, row) in self.depth.chunks_exact_mut(k.width).enumerate() {
            let base = up[1] * ((v as f64 - k.cy) / k.fy) as f32 + up[2] - slope * k.cx as f32;
            for (u, pixel) in row.iter_mut().enumerate() {
                let rise = base + slope * u as f32;
                let z = -height / rise;
                *pixel = if rise < 0.0 && z < self.far { z } else { f32::INFINITY };
            }
        }
    }

    /// Columns and rows that a shape can touch.
    fn bounds(&self, shape: &Shape, pose: &Pose) -> Option<[usize; 4]> {
        let k = &self.intrinsics;
        let (w, h) = (k.width as f64, k.height as f64);
        let (x, y, radius) = shape.disc();
        let (low, high) = match *shape {
            Shape::Cylinder { bottom, top, .. } => (bottom, top),
            Shape::Block { center, half, .. } => (center.z - half.z, center.z + half.z),
        };
        let ends = match *shape {
            Shape::Block { half, yaw, .. } => {
                let (sin, cos) = yaw.sin_cos();
                [(1.0, 1.0), (1.0, -1.0), (-1.0, 1.0), (-1.0, -1.0)].map(|(a, b)| {
                    let (p, q) = (a * half.x, b * half.y);
                    (cos * p - sin * q, sin * p + cos * q)
                })
            }
            Shape::Cylinder { .. } => {
                [(1.0, 1.0), (1.0, -1.0), (-1.0, 1.0), (-1.0, -1.0)].map(|(a, b)| (a * radius, b * radius))
            }
        };
        let to_camera = pose.rotation.inverse();
        let (mut u0, mut u1, mut v0, mut v1) = (w, 0.0_f64, h, 0.0_f64);
        let mut behind = 0;
        for (dx, dy) in ends {
            for z in [low, high] {
                let p = to_camera.rotate(Vec3::new(x + dx, y + dy, z) - pose.position);
                if p.z < 0.05 {
                    behind += 1;
                    continue;
                }
                let (u, v) = (k.fx * p.x / p.z + k.cx, k.fy * p.y / p.z + k.cy);
                (u0, u1, v0, v1) = (u0.min(u - 1.0), u1.max(u + 2.0), v0.min(v - 1.0), v1.max(v + 2.0));
            }
        }
        match behind {
            0 => {}
            8 => return None,
            _ => (u0, u1, v0, v1) = (0.0, w, 0.0, h),
        }
        let cell = |a: f64, n: f64| a.clamp(0.0, n) as usize;
        Some([cell(u0, w), cell(u1, w), cell(v0, h), cell(v1, h)])
    }

    fn draw(&mut self, shape: &Shape, pose: &Pose, m: &[[f32; 3]; 3]) {
        let Some([u0, u1, v0, v1]) = self.bounds(shape, pose) else { return };
        let k = self.intrinsics;
        let per_pixel = 1.0 / k.fx as f32;
        let t0 = (u0 as f32 - k.cx as f32) * per_pixel;
        for v in v0..v1 {
            let ty = ((v as f64 - k.cy) / k.fy) as f32;
            let at = |i: usize| m[i][1] * ty + m[i][2] + m[i][0] * t0;
            let (first, step) = ([at(0), at(1), at(2)], [m[0][0], m[1][0], m[2][0]].map(|s| s * per_pixel));
            let row = &mut self.depth[v * k.width + u0..v * k.width + u1];
            match *shape {
                Shape::Cylinder { x, y, radius, bottom, top } => {
                    let o = pose.position;
                    let post = Post {
                        x: (x - o.x) as f32,
                        y: (y - o.y) as f32,
                        square: (radius * radius) as f32,
                        bottom: (bottom - o.z) as f32,
                        top: (top - o.z) as f32,
                    };
                    post.draw(row, first, step);
                }
                Shape::Block { center, half, yaw } => {
                    let (sin, cos) = yaw.sin_cos();
                    let (s, c) = (sin as f32, cos as f32);
                    let turn = |d: [f32; 3]| [c * d[0] + s * d[1], c * d[1] - s * d[0], d[2]];
                    let d = pose.position - center;
                    let origin = turn([d.x as f32, d.y as f32, d.z as f32]);
                    let half = [half.x as f32, half.y as f32, half.z as f32];
                    slabs(row, origin, half, turn(first), turn(step));
                }
            }
        }
    }

    fn degrade(&mut self, stereo: &Stereo, rng: &mut Random) {
        let cut = (stereo.dropout * 65_536.0) as u64;
        let inverse = if stereo.step > 0.0 { 1.0 / stereo.step } else { 0.0 };
        for (pixel, out) in self.depth.iter().zip(self.bytes.chunks_exact_mut(4)) {
            let mut z = *pixel;
            if z.is_finite() {
                z += stereo.noise * z * z * rng.gauss();
                if inverse > 0.0 {
                    // Disparity comes in steps.
                    z = inverse / (inverse / z.max(0.05)).round().max(1.0);
                }
                z = if z < self.far { z } else { f32::INFINITY };
                if cut > 0 && rng.bits() >> 48 < cut {
                    z = 0.0;
                }
            }
            out.copy_from_slice(&z.to_le_bytes());
        }
    }
}

/// An upright cylinder relative to the eye.
struct Post {
    x: f32,
    y: f32,
    square: f32,
    bottom: f32,
    top: f32,
}

impl Post {
    fn draw(&self, row: &mut [f32], first: [f32; 3], step: [f32; 3]) {
        let cc = self.x * self.x + self.y * self.y - self.square;
        for (i, pixel) in row.iter_mut().enumerate() {
            let u = i as f32;
            let d = [first[0] + step[0] * u, first[1] + step[1] * u, first[2] + step[2] * u];
            let a = d[0] * d[0] + d[1] * d[1];
            let b = self.x * d[0] + self.y * d[1];
            let root = b * b - a * cc;
            let t = (b - root.max(0.0).sqrt()) / a;
            let z = t * d[2];
            let side = root > 0.0 && t > 0.02 && z >= self.bottom && z <= self.top;
            *pixel = if side && t < *pixel { t } else { *pixel };
        }
        // Its lid, where the eye is above or below it.
        for lid in [self.bottom, self.top] {
            if (lid == self.top) != (lid < 0.0) {
                continue;
            }
            for (i, pixel) in row.iter_mut().enumerate() {
                let u = i as f32;
                let t = lid / (first[2] + step[2] * u);
                let (px, py) = (t * (first[0] + step[0] * u) - self.x, t * (first[1] + step[1] * u) - self.y);
                let inside = px * px + py * py <= self.square && t > 0.02 && t < *pixel;
                *pixel = if inside { t } else { *pixel };
            }
        }
    }
}

fn slabs(row: &mut [f32], origin: [f32; 3], half: [f32; 3], first: [f32; 3], step: [f32; 3]) {
    for (i, pixel) in row.iter_mut().enumerate() {
        let (mut enter, mut leave) = (0.02_f32, f32::INFINITY);
        for axis in 0..3 {
            let d = first[axis] + step[axis] * i as f32;
            let inverse = 1.0 / d;
            let (a, b) = ((-half[axis] - origin[axis]) * inverse, (half[axis] - origin[axis]) * inverse);
            let (near, far) = if a < b { (a, b) } else { (b, a) };
            enter = enter.max(near);
            leave = leave.min(far);
        }
        if enter <= leave && enter < *pixel && enter > 0.02 {
            *pixel = enter;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use peregrine_avoidance::algo::geometry::Quat;

    const CLEAN: Stereo = Stereo { noise: 0.0, dropout: 0.0, step: 0.0 };

    fn shot(world: &World, stereo: Stereo) -> (Camera, Vec<f32>) {
        let mut camera = Camera::new(160, 12.0).unwrap();
        let pose = Pose { position: Vec3::new(0.0, 0.0, 2.0), rotation: Quat::FLU_FROM_OPTICAL };
        let near: Vec<u32> = (0..world.shapes.len() as u32).collect();
        camera.shoot(world, &near, 0.0, &pose, &stereo, &mut Random::new(1, 1));
        let z = camera.bytes.as_chunks::<4>().0.iter().map(|b| f32::from_le_bytes(*b)).collect();
        (camera, z)
    }

    fn world() -> World {
        World::new(Vec3::ZERO, Vec3::new(60.0, 0.0, 2.0))
    }

    #[test]
    fn cylinder_block_and_ground_stand_where_they_stand() {
        let mut w = world();
        w.trunk(5.0, 0.0, 0.3);
        w.wall((8.0, 0.5), (8.0, 3.0));
        let (camera, z) = shot(&w, CLEAN);
        let at = |u: usize, v: usize| z[v * camera.intrinsics.width + u];
        assert!((at(80, 60) - 4.7).abs() < 0.01, "{}", at(80, 60));
        // Left of the optical axis by 1.5 m at 7.9 m.
        let u = (79.5 - 1.5 / 7.9 * camera.intrinsics.fx) as usize;
        assert!((at(u, 60) - 7.9).abs() < 0.02, "{}", at(u, 60));
        // Twenty degrees down, 2 m high.
        let v = (59.5 + 0.4 * camera.intrinsics.fy) as usize;
        assert!((at(10, v) - 5.0).abs() < 0.1, "{}", at(10, v));
        assert!(at(150, 20).is_infinite());
    }

    #[test]
    fn noise_has_the_size_asked_for() {
        let mut w = world();
        w.shapes.push(Shape::Block {
            center: Vec3::new(8.5, 0.0, 2.0),
            half: Vec3::new(0.5, 30.0, 30.0),
            yaw: 0.0,
        });
        let (_, z) = shot(&w, Stereo { noise: 0.002, dropout: 0.05, step: 0.0 });
        let dropped = z.iter().filter(|z| **z == 0.0).count() as f64 / z.len() as f64;
        // Above the horizon: below it the ground before the wall is nearer than the wall.
        let above = z.iter().take(160 * 60);
        let seen: Vec<f64> = above.filter(|z| **z > 6.0).map(|z| f64::from(*z) - 8.0).collect();
        assert!(seen.len() > 8_000, "{}", seen.len());
        let n = seen.len() as f64;
        let mean = seen.iter().sum::<f64>() / n;
        let sigma = (seen.iter().map(|e| (e - mean).powi(2)).sum::<f64>() / n).sqrt();
        assert!((dropped - 0.05).abs() < 0.01, "{dropped}");
        assert!(mean.abs() < 0.01 && (sigma - 0.128).abs() < 0.01, "{mean} {sigma}");
    }
}
