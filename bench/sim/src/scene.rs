//! The scene that all parties get: primitives with textures on a textured ground.

use std::error::Error;
use std::sync::Arc;

use nalgebra::{Isometry3, Point3, UnitQuaternion, Vector3};
use peregrine_render::{Material, Texture, look_at, props};
use peregrine_sim::rng::Stream;
use peregrine_sim::scenario::{Builder, ThingKind, World};
use peregrine_sim::sensors::spec::{LidarSpec, ScanAxis};
use peregrine_sim::shape::Shape;
use serde_json::{Value, json};

pub(super) type Pose = Isometry3<f64>;

/// The world as we have it, and as the peers are told.
pub(super) struct Stage {
    pub world: Arc<World>,
    pub objects: Vec<Value>,
}

impl Stage {
    /// `count` objects at a constant density: more objects reach farther.
    pub fn new(count: u64) -> Result<Self, Box<dyn Error>> {
        let mut builder = Builder::new();
        let side = 4.3 * (count as f64).sqrt();
        let meadow = builder.know(&props::grass((side * 2.0).clamp(200.0, 8000.0) as f32, 7))?;
        builder.ground(&meadow, Isometry3::identity())?;
        let greys = [(0.3, 0.5), (0.5, 0.7), (0.4, 0.8), (0.2, 0.6)];
        let checks: Vec<_> = greys
            .iter()
            .map(|&(a, b)| {
                builder.scene_mut().add_texture(Texture::from_fn(8, |u, v| {
                    let odd = ((u * 8.0) as u32 + (v * 8.0) as u32) % 2 == 1;
                    let c: f32 = if odd { a } else { b };
                    [c * c, c * c * 0.9, c * c * 0.7, 1.0]
                }))
            })
            .collect();
        let (a, b, c) = (Stream::new(1, 1), Stream::new(1, 2), Stream::new(1, 3));
        let mut objects = Vec::new();
        for i in 0..count {
            let ([x, y], [r, s], [yaw, m]) = (a.pair(i), b.pair(i), c.pair(i));
            // A ring around the middle stays free for the camera.
            let at = [(x - 0.5) * side, (y - 0.5) * side];
            let far = at[0].hypot(at[1]);
            let out = if far < 4.0 { 4.0 / far.max(0.1) } else { 1.0 };
            let (kind, size, half, shape) = match i % 4 {
                0 => {
                    let h = [0.3 + 0.5 * r, 0.3 + 0.4 * s, 0.5 + 1.5 * r];
                    ("box", h, h[2], Shape::Box { size: Vector3::from(h) * 2.0 })
                }
                1 => {
                    let (radius, half) = (0.15 + 0.3 * r, 1.0 + 2.0 * s);
                    ("cylinder", [radius, half, 0.0], half, Shape::Cylinder { radius, length: 2.0 * half })
                }
                2 => {
                    let radius = 0.3 + 0.7 * r;
                    ("sphere", [radius, 0.0, 0.0], radius, Shape::Sphere { radius })
                }
                _ => {
                    let (radius, half) = (0.2 + 0.2 * r, 0.5 + s);
                    (
                        "capsule",
                        [radius, half, 0.0],
                        half + radius,
                        Shape::Capsule { radius, length: 2.0 * half },
                    )
                }
            };
            let turn = UnitQuaternion::from_euler_angles(0.0, 0.0, yaw * 6.0);
            let position = Vector3::new(at[0] * out, at[1] * out, half);
            let pose = Isometry3::from_parts(position.into(), turn);
            let which = ((m * 4.0) as usize).min(3);
            let material = Material { texture: Some(checks[which]), ..Material::matt([0.9; 3]) };
            let object = builder.thing(format!("object_{i}"), "", ThingKind::Other, pose);
            builder.solid(pose, shape, object);
            builder.look(pose, &shape, material, object, 0)?;
            objects.push(json!({
                "shape": kind, "size": size, "position": position.as_slice(), "material": which,
                "quaternion": [turn.w, turn.i, turn.j, turn.k],
            }));
        }
        let gravity = Vector3::new(0.0, 0.0, -9.8);
        let world = builder.finish("bench", gravity, Point3::new(0.0, 0.0, 2.0), Point3::new(60.0, 0.0, 2.0));
        Ok(Self { world: Arc::new(world), objects })
    }
}

/// A turn on the spot: optical frames for cameras, FLU for the lidar.
pub(super) fn poses(count: usize, optical: bool) -> Vec<Pose> {
    let each = (0..count).map(|k| {
        let angle = k as f64 * std::f64::consts::TAU / count as f64;
        let (sin, cos) = angle.sin_cos();
        let eye = Point3::new(cos, sin, 1.7);
        if optical {
            look_at(eye, eye + Vector3::new(10.0 * cos, 10.0 * sin, -0.3))
        } else {
            Isometry3::from_parts(eye.coords.into(), UnitQuaternion::from_euler_angles(0.02, -0.01, angle))
        }
    });
    each.collect()
}

/// Position and quaternion (w x y z).
pub(super) fn as_json(poses: &[Pose]) -> Vec<[f64; 7]> {
    let each = poses.iter().map(|p| {
        let (t, q) = (p.translation.vector, p.rotation);
        [t.x, t.y, t.z, q.w, q.i, q.j, q.k]
    });
    each.collect()
}

/// 360 by 16 rays, 30 m.
pub(super) fn lidar() -> LidarSpec {
    let step = std::f64::consts::TAU / 360.0;
    LidarSpec {
        horizontal: ScanAxis {
            samples: 360,
            resolution: 1.0,
            min_angle: -std::f64::consts::PI,
            max_angle: std::f64::consts::PI - step,
        },
        vertical: ScanAxis { samples: 16, resolution: 1.0, min_angle: -0.26, max_angle: 0.26 },
        min_range: 0.1,
        max_range: 30.0,
        ..LidarSpec::default()
    }
}
