//! Depth by intersection: exact cylinders and ground, z along the optical axis, optional stereo noise.

use super::random::Random;
use super::world::{Cylinder, World};
use peregrine_avoidance::algo::depth::Intrinsics;
use peregrine_avoidance::algo::geometry::{Pose, Vec3};

pub struct Camera {
    pub k: Intrinsics,
    pub far: f64,
    /// Standard deviation of depth noise per squared metre, 1/m.
    pub noise: f64,
    pub depth: Vec<f32>,
    pub bytes: Vec<u8>,
}

impl Camera {
    pub fn new(width: usize, height: usize, hfov_degrees: f64) -> Self {
        let f = width as f64 / 2.0 / (hfov_degrees.to_radians() / 2.0).tan();
        let (cx, cy) = (width as f64 / 2.0 - 0.5, height as f64 / 2.0 - 0.5);
        Self {
            k: Intrinsics::new(f, f, cx, cy, width, height).unwrap(),
            far: 12.0,
            noise: 0.0,
            depth: vec![0.0; width * height],
            bytes: vec![0; width * height * 4],
        }
    }

    /// Renders from `pose` (optical frame in the world).
    pub fn render(&mut self, world: &World, pose: &Pose, rng: &mut Random) {
        let m = pose.rotation.rows();
        let (w, h) = (self.k.width, self.k.height);
        let o = pose.position;
        for v in 0..h {
            let ty = (v as f64 - self.k.cy) / self.k.fy;
            let (base, slope) = (m[2][1] * ty + m[2][2], m[2][0] / self.k.fx);
            for u in 0..w {
                let dz = base + slope * (u as f64 - self.k.cx);
                let t = -o.z / dz;
                self.depth[v * w + u] = if dz < 0.0 && t < self.far { t as f32 } else { f32::INFINITY };
            }
        }
        for c in &world.cylinders {
            self.draw(c, pose, &m);
        }
        for (pixel, out) in self.depth.iter_mut().zip(self.bytes.chunks_exact_mut(4)) {
            if self.noise > 0.0 && pixel.is_finite() {
                let z = f64::from(*pixel);
                *pixel = (z + self.noise * z * z * rng.gauss()).max(0.05) as f32;
            }
            out.copy_from_slice(&pixel.to_le_bytes());
        }
    }

    fn draw(&mut self, c: &Cylinder, pose: &Pose, m: &[[f64; 3]; 3]) {
        let o = pose.position;
        let (rx, ry) = (c.x - o.x, c.y - o.y);
        if rx.hypot(ry) > 1.5 * self.far + c.radius {
            return;
        }
        let (w, h) = (self.k.width as f64, self.k.height as f64);
        let (mut u0, mut u1, mut v0, mut v1) = (w, 0.0_f64, h, 0.0_f64);
        // The box of the projected bounding prism; everything when a corner is behind the camera.
        let mut behind = 0;
        for (dx, dy, z) in [-1.0, 1.0]
            .into_iter()
            .flat_map(|a| [-1.0, 1.0].map(|b| (a, b)))
            .flat_map(|(a, b)| [c.bottom, c.top].map(|z| (a * c.radius, b * c.radius, z)))
        {
            let p = pose.rotation.inverse().rotate(Vec3::new(c.x + dx - o.x, c.y + dy - o.y, z - o.z));
            if p.z < 0.05 {
                behind += 1;
                continue;
            }
            let (u, v) = (self.k.fx * p.x / p.z + self.k.cx, self.k.fy * p.y / p.z + self.k.cy);
            (u0, u1, v0, v1) = (u0.min(u - 1.0), u1.max(u + 2.0), v0.min(v - 1.0), v1.max(v + 2.0));
        }
        match behind {
            0 => {}
            8 => return,
            _ => (u0, u1, v0, v1) = (0.0, w, 0.0, h),
        }
        let range = |a: f64, b: f64, n: f64| (a.clamp(0.0, n) as usize, b.clamp(0.0, n) as usize);
        let ((u0, u1), (v0, v1)) = (range(u0, u1, w), range(v0, v1, h));
        let cc = rx * rx + ry * ry - c.radius * c.radius;
        for v in v0..v1 {
            let ty = (v as f64 - self.k.cy) / self.k.fy;
            for u in u0..u1 {
                let tx = (u as f64 - self.k.cx) / self.k.fx;
                let d = [0, 1, 2].map(|i| m[i][0] * tx + m[i][1] * ty + m[i][2]);
                let a = d[0] * d[0] + d[1] * d[1];
                let b = rx * d[0] + ry * d[1];
                let root = b * b - a * cc;
                if root <= 0.0 || a < 1e-12 {
                    continue;
                }
                let t = (b - root.sqrt()) / a;
                let z = o.z + t * d[2];
                let pixel = &mut self.depth[v * self.k.width + u];
                if t > 0.02 && t < self.far && z >= c.bottom && z <= c.top && (t as f32) < *pixel {
                    *pixel = t as f32;
                }
            }
        }
    }
}
