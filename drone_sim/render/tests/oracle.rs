//! Both renderers beside an independent one: rays in f64 through every pixel, shaded by the formulas of the documentation,
//! with shadow rays instead of a shadow map and colours computed instead of textures read.
//!
//! Stated tolerance, on pixels that see the same object: depth within 1e-5 of the distance on flat faces (the CPU's within
//! 2e-6, which tests/render.rs asks), and 0.03 m on round ones where they are grazed; colours off by at most 3 of 255 in the
//! mean, and by more than 24 in no more than 3 % of the pixels: edges of shadows and of the texture's squares.

// Helpers of tests are tests, too.
#![allow(clippy::unwrap_used)]

use nalgebra::{Isometry3, Point3, Vector3};
use peregrine_render::raycast::{Ray, Shape, nearest};
use peregrine_render::{
    Camera, Fog, Instance, Material, Mesh, Renderer, Scene, Sky, Sun, Targets, Texture, look_at,
};

const WIDTH: u32 = 200;
const HEIGHT: u32 = 150;
/// Of the texture, linear light.
const SQUARES: [[f32; 3]; 2] = [[0.16, 0.14, 0.10], [0.55, 0.50, 0.42]];

struct Thing {
    pose: Isometry3<f64>,
    shape: Shape,
    diffuse: [f64; 3],
    /// Squares of two metres on the plane.
    squares: bool,
}

struct World {
    scene: Scene,
    things: Vec<Thing>,
    sun: Sun,
    fog: Fog,
}

fn world() -> World {
    let mut scene = Scene::new();
    let squares = scene.add_texture(Texture::from_fn(10, |u, v| {
        let [r, g, b] = SQUARES[((u * 8.0) as usize + (v * 8.0) as usize) % 2];
        [r, g, b, 1.0]
    }));
    let pose = |x: f64, y: f64, z: f64, axis: [f64; 3], angle: f64| {
        Isometry3::new(Vector3::new(x, y, z), Vector3::from(axis).normalize() * angle)
    };
    let parts = [
        (Mesh::plane([80.0, 80.0], 10.0, 16.0), Shape::Plane, Isometry3::identity(), [1.0; 3]),
        (
            Mesh::cuboid([1.0, 2.0, 1.5]),
            Shape::Box { size: [1.0, 2.0, 1.5] },
            pose(-3.0, 6.0, 1.4, [1.0, 2.0, 0.5], 0.7),
            [0.7, 0.1, 0.1],
        ),
        (
            Mesh::sphere(1.0, 128),
            Shape::Sphere { radius: 1.0 },
            pose(0.0, 7.0, 1.5, [1.0, 0.0, 0.0], 0.3),
            [0.1, 0.5, 0.2],
        ),
        (
            Mesh::cylinder(0.5, 3.0, 128),
            Shape::Cylinder { radius: 0.5, length: 3.0 },
            pose(3.0, 8.0, 1.6, [0.3, 1.0, 0.0], 0.4),
            [0.2, 0.2, 0.7],
        ),
        (
            Mesh::capsule(0.4, 1.2, 128),
            Shape::Capsule { radius: 0.4, length: 1.2 },
            pose(-1.6, 4.0, 1.0, [1.0, 0.2, 0.0], 1.1),
            [0.8, 0.6, 0.1],
        ),
    ];
    let mut things = Vec::new();
    for (i, (mesh, shape, at, diffuse)) in parts.into_iter().enumerate() {
        let texture = (i == 0).then_some(squares);
        let matt = Material::matt(diffuse.map(|c: f64| c as f32));
        let material = scene.add_material(Material { texture, ..matt }).unwrap();
        let mesh = scene.add_mesh(mesh);
        scene.add_instance(Instance::new(mesh, material, at).labelled(i as u32 + 1, 0)).unwrap();
        things.push(Thing { pose: at, shape, diffuse, squares: i == 0 });
    }
    let (sun, fog) = (Sun::default(), Fog { density: 0.01, ..Fog::default() });
    scene.set_sun(sun).unwrap();
    scene.set_fog(fog).unwrap();
    scene.set_sky(Sky { clouds: 0.3, ..Sky::default() }).unwrap();
    World { scene, things, sun, fog }
}

/// The outward normal of a shape at a point of its surface, both in its frame.
fn normal(shape: &Shape, p: &Point3<f64>) -> Vector3<f64> {
    match *shape {
        Shape::Plane => Vector3::z(),
        Shape::Box { size } => {
            let part = [0, 1, 2].map(|k| p[k].abs() / (size[k] / 2.0));
            let k = (0..3).max_by(|&a, &b| part[a].total_cmp(&part[b])).unwrap();
            let mut n = Vector3::zeros();
            n[k] = p[k].signum();
            n
        }
        Shape::Sphere { .. } => p.coords.normalize(),
        Shape::Cylinder { length, .. } if p.z.abs() > length / 2.0 - 1e-9 => Vector3::z() * p.z.signum(),
        Shape::Capsule { length, .. } => {
            let z = p.z.clamp(-length / 2.0, length / 2.0);
            Vector3::new(p.x, p.y, p.z - z).normalize()
        }
        _ => Vector3::new(p.x, p.y, 0.0).normalize(),
    }
}

impl World {
    fn shapes(&self) -> Vec<(Isometry3<f64>, Shape)> {
        self.things.iter().map(|t| (t.pose, t.shape)).collect()
    }

    /// sRGB bytes, as numbers, of a hit `range` metres away.
    fn colour(&self, at: &Point3<f64>, index: usize, range: f64) -> [f64; 3] {
        let thing = &self.things[index];
        let n = thing.pose * normal(&thing.shape, &thing.pose.inverse_transform_point(at));
        let to_sun = -self.sun.direction.normalize();
        let facing = n.dot(&to_sun).max(0.0);
        let ray = Ray { origin: at + n * 1e-6, direction: to_sun };
        let lit = if facing > 0.0 && nearest(&self.shapes(), &ray).is_none() { facing } else { 0.0 };
        let square = ((at.x / 2.0).floor() + (-at.y / 2.0).floor()).rem_euclid(2.0) as usize;
        let clear = (-f64::from(self.fog.density) * range).exp();
        [0, 1, 2].map(|k| {
            let skin = if thing.squares { f64::from(SQUARES[square][k]) } else { 1.0 };
            let ambient = f64::from(self.sun.ambient[k]) * (0.33 + 0.67 * (0.5 * n.z + 0.5));
            let light = thing.diffuse[k] * skin * (lit * f64::from(self.sun.colour[k]) + ambient);
            let fog = f64::from(self.fog.colour[k]);
            let x = 0.62 * (fog + (light - fog) * clear);
            let film = ((x * (2.51 * x + 0.03)) / (x * (2.43 * x + 0.59) + 0.14)).clamp(0.0, 1.0);
            255.0 * if film <= 0.003_130_8 { film * 12.92 } else { 1.055 * film.powf(1.0 / 2.4) - 0.055 }
        })
    }
}

fn check(renderer: &mut Renderer) {
    let world = world();
    let mut settings = renderer.settings();
    settings.antialias = false;
    (settings.shadow.resolution, settings.shadow.radius_m) = (2048, 24.0);
    renderer.set_settings(settings).unwrap();
    let camera = Camera::from_hfov(WIDTH, HEIGHT, 1.3).unwrap().with_range(0.1, 60.0);
    let shapes = world.shapes();
    let n = (WIDTH * HEIGHT) as usize;
    for (eye, target) in [([0.0, 0.0, 1.6], [0.2, 8.0, 1.2]), ([4.0, 1.0, 4.0], [-1.0, 7.0, 0.8])] {
        let pose = look_at(Point3::from(eye), Point3::from(target));
        let (mut rgb, mut depth, mut object) = (vec![0; n * 3], vec![0.0; n], vec![0; n]);
        let targets = Targets { rgb: Some(&mut rgb), depth: Some(&mut depth), object: Some(&mut object) };
        renderer.render(&world.scene, &camera, &pose, targets).unwrap();
        let (mut compared, mut other, mut flat, mut round) = (0, 0, 0.0_f64, 0.0_f64);
        let (mut sum, mut far) = (0.0, 0);
        for i in 0..n {
            let (x, y) = ((i as u32 % WIDTH) as f64 + 0.5, (i as u32 / WIDTH) as f64 + 0.5);
            let direction = pose * camera.ray(x, y);
            let ray = Ray { origin: Point3::from(pose.translation.vector), direction };
            let hit = nearest(&shapes, &ray).filter(|h| h.0 < camera.far_m && ray.at(h.0).x.abs() < 40.0);
            let hit = hit.filter(|h| ray.at(h.0).y.abs() < 40.0);
            if hit.map_or(0, |h| h.1 as u32 + 1) != object[i] {
                other += 1;
                continue;
            }
            let Some((t, index)) = hit else {
                assert_eq!(depth[i], f32::INFINITY);
                continue;
            };
            compared += 1;
            let off = (f64::from(depth[i]) - t).abs();
            if index < 2 {
                flat = flat.max(off / t)
            } else {
                round = round.max(off)
            }
            let want = world.colour(&ray.at(t), index, t * direction.norm());
            let off = (0..3).map(|k| (f64::from(rgb[i * 3 + k]) - want[k]).abs()).fold(0.0, f64::max);
            sum += off;
            far += usize::from(off > 24.0);
        }
        let (mean, far) = (sum / f64::from(compared), far as f64 / f64::from(compared));
        println!(
            "{}: depth off by {flat:.1e} of the distance, {round:.1e} m on round things; colour by {mean:.2}, \
             {:.2} % by more than 24; {other} pixels see another object",
            renderer.device(),
            far * 100.0
        );
        assert!(compared > 14_000 && other < 150, "{compared} {other}");
        assert!(flat < 1e-5 && round < 0.03, "{flat} {round}");
        assert!(mean < 3.0 && far < 0.03, "{mean} {far}");
    }
}

#[test]
fn the_cpu_draws_what_rays_see() {
    check(&mut Renderer::new(2).unwrap());
}

#[cfg(not(feature = "gpu"))]
#[test]
fn without_the_feature_a_graphics_processor_is_refused_with_the_remedy() {
    let error = Renderer::on_gpu().err().unwrap().to_string();
    assert!(error.starts_with("PG-0911") && error.contains("--features gpu"), "{error}");
}

#[cfg(feature = "gpu")]
mod gpu {
    use super::*;
    use peregrine_render::RenderError;

    /// A processor, or a word about why there is none.
    fn open(test: &str) -> Option<Renderer> {
        match Renderer::on_gpu() {
            Ok(renderer) => Some(renderer),
            Err(error @ RenderError::NoGpu { .. }) => {
                println!("SKIP {test}: {error}");
                None
            }
            Err(error) => panic!("{error}"),
        }
    }

    #[test]
    fn the_graphics_processor_draws_what_rays_see() {
        let Some(mut renderer) = open("the_graphics_processor_draws_what_rays_see") else { return };
        check(&mut renderer);
    }

    /// Frame after frame with another size, other targets, something that moves and its shadow.
    #[test]
    fn its_pictures_follow_the_scene() {
        let Some(mut renderer) = open("its_pictures_follow_the_scene") else { return };
        let mut cpu = Renderer::new(1).unwrap();
        let mut settings = cpu.settings();
        settings.antialias = false;
        cpu.set_settings(settings).unwrap();
        let mut world = world();
        let mover = world.scene.instances_of(3)[0];
        for k in 0..4_u32 {
            let at = Isometry3::translation(f64::from(k) - 2.0, 6.0, 1.5);
            world.scene.set_pose(mover, at).unwrap();
            let camera = Camera::from_hfov(160 + 36 * k, 120, 1.2).unwrap();
            let eye = Point3::new(0.0, -f64::from(k), 2.0);
            let pose = look_at(eye, Point3::new(0.0, 8.0, 0.8));
            let n = (camera.width * camera.height) as usize;
            let mut pictures = Vec::new();
            for renderer in [&mut cpu, &mut renderer] {
                let (mut rgb, mut depth, mut object) = (vec![0_u8; n * 3], vec![0.0; n], vec![0; n]);
                let targets = match k {
                    0 => Targets { rgb: Some(&mut rgb), depth: Some(&mut depth), object: Some(&mut object) },
                    1 => Targets { rgb: Some(&mut rgb), ..Targets::default() },
                    2 => Targets { depth: Some(&mut depth), ..Targets::default() },
                    _ => Targets { object: Some(&mut object), depth: Some(&mut depth), rgb: None },
                };
                renderer.render(&world.scene, &camera, &pose, targets).unwrap();
                pictures.push((rgb, depth, object));
            }
            let (a, b) = (&pictures[0], &pictures[1]);
            let rgb: f64 = a.0.iter().zip(&b.0).map(|(a, b)| f64::from(a.abs_diff(*b))).sum();
            let labels = a.2.iter().zip(&b.2).filter(|(a, b)| a != b).count();
            let depths =
                a.1.iter().zip(&b.1).filter(|(a, b)| a != b && (**a - **b).abs() > 1e-3 * **a).count();
            println!(
                "frame {k}: colours off by {:.3}, {labels} labels, {depths} depths",
                rgb / (3 * n) as f64
            );
            assert!(rgb / ((3 * n) as f64) < 1.0, "frame {k}: {rgb}");
            assert!(labels < n / 300 && depths < n / 300, "frame {k}: {labels} {depths}");
        }
    }
}
