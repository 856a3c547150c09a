//! Scenes that drone_sim renders, with their truth: people who walk, birds that fly, trees that hide them, and a camera
//! that flies. What a detector would say is the truth, shaken: boxes are off by a few per cent, what is half hidden has a
//! low score or is missed, and now and then something is seen that is not there.

use nalgebra::{Isometry3, Point3, UnitQuaternion, Vector3};
use peregrine_render::{Camera, Material, Renderer};
use peregrine_sim::rng::Stream;
use peregrine_sim::scenario::{Builder, ThingKind, World};
use peregrine_sim::sensors::{ColorCamera, DepthCamera, Mount, Odometry, Truths};
use peregrine_sim::shape::Shape;
use peregrine_tracker::algo::rect::Rect;

pub const WIDTH: u32 = 480;
pub const HEIGHT: u32 = 360;

/// A person or a bird.
#[derive(Clone)]
pub struct Actor {
    pub label: &'static str,
    pub start: Point3<f64>,
    pub velocity: Vector3<f64>,
    /// Comes back after so far, metres; 0 goes on for ever.
    pub turn: f64,
}

impl Actor {
    pub fn at(&self, t: f64) -> Point3<f64> {
        let speed = self.velocity.norm();
        if self.turn <= 0.0 || speed < 1e-9 {
            return self.start + self.velocity * t;
        }
        // To and fro between the two ends of its way, slowing down before it turns.
        let along = self.turn * (1.0 - (std::f64::consts::PI * speed * t / self.turn).cos()) / 2.0;
        self.start + self.velocity / speed * along
    }
}

/// A scene.
pub struct Scene {
    pub name: &'static str,
    pub actors: Vec<Actor>,
    pub trees: Vec<Point3<f64>>,
    /// Pictures per second.
    pub rate: f64,
    pub pictures: usize,
    pub body: fn(f64) -> Isometry3<f64>,
    pub seed: u64,
}

/// One picture of a scene.
pub struct Shot {
    pub stamp: i64,
    pub body: Isometry3<f64>,
    /// Object, label, box in pixels; those of which at least a quarter shows.
    pub truth: Vec<(u64, String, Rect)>,
    /// What is said of it: label, score, box in pixels.
    pub found: Vec<(String, f64, Rect)>,
    pub depth: Vec<f32>,
}

fn still(t: f64) -> Isometry3<f64> {
    // Hovers in gusts.
    let turn = UnitQuaternion::from_euler_angles(
        0.03 * (2.1 * t).sin(),
        0.02 * (1.7 * t).cos(),
        0.12 * (0.9 * t).sin(),
    );
    Isometry3::from_parts(Vector3::new(0.1 * t.sin(), 0.2 * (0.7 * t).cos(), 2.0).into(), turn)
}

fn swing(t: f64) -> Isometry3<f64> {
    // Looks around briskly: 0.5 rad to each side, up to 1.25 rad/s.
    let turn = UnitQuaternion::from_euler_angles(
        0.1 * (3.0 * t).sin(),
        0.05 * (2.0 * t).sin(),
        0.5 * (2.5 * t).sin(),
    );
    Isometry3::from_parts(Vector3::new(0.5 * t, 0.0, 2.0).into(), turn)
}

fn flight(t: f64) -> Isometry3<f64> {
    // 3 m/s through the crowd, weaving.
    let turn = UnitQuaternion::from_euler_angles(0.15 * (1.2 * t).cos(), 0.1, 0.35 * (1.2 * t).sin());
    Isometry3::from_parts(Vector3::new(3.0 * t, 1.5 * (1.2 * t).sin(), 2.2).into(), turn)
}

pub fn all() -> Vec<Scene> {
    let person = |x: f64, y: f64, vx: f64, vy: f64, turn: f64| Actor {
        label: "person",
        start: Point3::new(x, y, 0.9),
        velocity: Vector3::new(vx, vy, 0.0),
        turn,
    };
    let bird = |x: f64, y: f64, z: f64, v: f64| Actor {
        label: "bird",
        start: Point3::new(x, y, z),
        velocity: Vector3::new(0.3 * v, v, 0.0),
        turn: 9.0,
    };
    let crossing = (0..10).map(|n| {
        let f = f64::from(n);
        let side = if n % 2 == 0 { 1.0 } else { -1.0 };
        person(6.0 + f, -side * (2.0 + 0.45 * f), 0.0, side * (0.8 + 0.11 * f), 6.0 + f)
    });
    let standing =
        (0..14).map(|n| person(5.0 + f64::from(n % 5) * 2.5, -6.0 + f64::from(n) * 0.95, 0.0, 0.0, 0.0));
    let crowd = (0..22).map(|n| {
        let f = f64::from(n);
        let (vx, vy) = (0.9 * (f * 1.7).sin(), 1.1 * (f * 2.3).cos());
        person(6.0 + f * 1.6, 5.0 * (f * 1.1).sin(), vx, vy, 5.0)
    });
    let birds = (0..4).map(|n| bird(10.0 + 6.0 * f64::from(n), -4.0, 2.2 + 0.4 * f64::from(n), 2.5));
    let tree = |x: f64, y: f64| Point3::new(x, y, 2.0);
    vec![
        Scene {
            name: "crossing",
            actors: crossing.collect(),
            trees: vec![tree(5.5, 1.2), tree(8.5, -1.5), tree(11.0, 2.5)],
            rate: 10.0,
            pictures: 120,
            body: still,
            seed: 1,
        },
        Scene {
            name: "swinging camera",
            actors: standing.collect(),
            trees: vec![tree(7.0, -3.0), tree(9.0, 3.0)],
            rate: 10.0,
            pictures: 100,
            body: swing,
            seed: 2,
        },
        Scene {
            name: "flight, 5 Hz",
            actors: crowd.chain(birds).collect(),
            trees: (0..8).map(|n| tree(7.0 + 4.0 * f64::from(n), 4.0 * (f64::from(n) * 2.1).sin())).collect(),
            rate: 5.0,
            pictures: 55,
            body: flight,
            seed: 3,
        },
    ]
}

pub fn mount() -> Mount {
    Mount::default()
}

pub fn cameras() -> (ColorCamera, DepthCamera) {
    let colour = ColorCamera::new(WIDTH, HEIGHT, 1.2, mount()).unwrap();
    let depth = DepthCamera::new(320, 240, 1.5184, 20.0, mount(), 0.002, Stream::new(5, 100)).unwrap();
    (colour, depth)
}

fn world(scene: &Scene, t: f64) -> World {
    let mut builder = Builder::new();
    let ground = Shape::Plane { normal: Vector3::z_axis(), size: [200.0, 200.0] };
    builder.look(Isometry3::identity(), &ground, Material::matt([0.3, 0.35, 0.2]), 0, 0).unwrap();
    for place in &scene.trees {
        let trunk = Shape::Cylinder { radius: 0.25, length: 4.0 };
        let object = builder.thing(
            "tree".into(),
            "",
            ThingKind::Tree,
            Isometry3::translation(place.x, place.y, place.z),
        );
        builder
            .look(
                Isometry3::translation(place.x, place.y, place.z),
                &trunk,
                Material::matt([0.3, 0.2, 0.1]),
                object,
                0,
            )
            .unwrap();
    }
    for (n, actor) in scene.actors.iter().enumerate() {
        let at = actor.at(t);
        let pose = Isometry3::translation(at.x, at.y, at.z);
        let shape = match actor.label {
            "bird" => Shape::Ellipsoid { radii: Vector3::new(0.15, 0.3, 0.1) },
            _ => Shape::Box { size: Vector3::new(0.4, 0.5, 1.8) },
        };
        let object = builder.thing(format!("{}_{n}", actor.label), actor.label, ThingKind::Prop, pose);
        builder.look(pose, &shape, Material::matt([0.6, 0.1, 0.1]), object, 1).unwrap();
    }
    builder.finish(
        scene.name,
        Vector3::new(0.0, 0.0, -9.81),
        Point3::new(0.0, 0.0, 2.0),
        Point3::new(60.0, 0.0, 2.0),
    )
}

/// Uniform from 0 to below 1, a function of its place.
fn roll(seed: u64, picture: usize, object: u64, n: u64) -> f64 {
    let place = [seed, picture as u64, object, n];
    let mut z = place.iter().fold(0x9E37_79B9_7F4A_7C15_u64, |z, v| {
        let z = (z ^ v).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        (z ^ (z >> 31)).wrapping_mul(0x94D0_49BB_1331_11EB)
    });
    z ^= z >> 29;
    (z >> 11) as f64 / (1_u64 << 53) as f64
}

/// Renders a scene.
pub fn shoot(scene: &Scene) -> Vec<Shot> {
    let (mut colour, depth) = cameras();
    let mut renderer = Renderer::new(1).unwrap();
    let mut truths = Truths::default();
    let mut rgb = vec![0; (WIDTH * HEIGHT * 3) as usize];
    let trees = scene.trees.len() as u64;
    (0..scene.pictures)
        .map(|picture| {
            let t = picture as f64 / scene.rate;
            let (world, body) = (world(scene, t), (scene.body)(t));
            colour.shoot(&mut renderer, &world.scene, &Odometry::still(body), 0, &mut rgb, true).unwrap();
            // Trees only stand in the way here: nobody tracks them.
            let mut boxes = truths.find(&colour, &world, &body).unwrap();
            boxes.retain(|b| b.label != "tree");
            let mut metres = vec![0.0; 320 * 240];
            depth.fill(&mut renderer, &world.scene, &body, picture as i64, &mut metres).unwrap();
            let (mut truth, mut found) = (Vec::new(), Vec::new());
            for b in &boxes {
                let [left, top, width, height] = b.seen;
                let rect = Rect { x: left + width / 2.0, y: top + height / 2.0, w: width, h: height };
                let object = u64::from(b.object) - trees;
                if b.visible_fraction >= 0.25 && width >= 4.0 {
                    truth.push((object, b.label.clone(), rect));
                }
                let dice = |n: u64| roll(scene.seed, picture, object, n);
                let score = (0.25 + 0.65 * b.visible_fraction + 0.2 * (dice(0) - 0.5)).clamp(0.05, 0.99);
                if dice(1) < 0.06 + 0.5 * (1.0 - b.visible_fraction).powi(2) || b.visible_fraction < 0.15 {
                    continue;
                }
                let shake = |n: u64| 0.06 * (dice(n) + dice(n + 10) - 1.0);
                let shaken = Rect {
                    x: rect.x + shake(2) * width,
                    y: rect.y + shake(3) * height,
                    w: width * (1.0 + 1.5 * shake(4)),
                    h: height * (1.0 + 1.5 * shake(5)),
                };
                found.push((b.label.clone(), score, shaken));
            }
            // Something that is not there, in one picture of five.
            let dice = |n: u64| roll(scene.seed, picture, 9_999, n);
            if dice(0) < 0.2 {
                let rect = Rect {
                    x: dice(1) * f64::from(WIDTH),
                    y: dice(2) * f64::from(HEIGHT),
                    w: 20.0 + 40.0 * dice(3),
                    h: 40.0 + 60.0 * dice(4),
                };
                found.push(("person".into(), 0.2 + 0.5 * dice(5), rect));
            }
            Shot { stamp: (t * 1e9) as i64, body, truth, found, depth: metres }
        })
        .collect()
}

pub fn colour_intrinsics() -> Camera {
    *cameras().0.intrinsics()
}

pub fn depth_intrinsics() -> Camera {
    *cameras().1.intrinsics()
}
