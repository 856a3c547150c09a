//! Draws pictures of scenes and props for the eye and for a detector, and times the renderer.
//!
//! `cargo run --release -p peregrine-render --example contact_sheet -- OUT_DIR [--time] [--sweep]`

use nalgebra::{Isometry3, Point3, Translation3, UnitQuaternion, Vector3};
use peregrine_render::props::{self, Prop};
use peregrine_render::{BoxFinder, Camera, Renderer, Scene, Settings, Targets, look_at};
use std::fmt::Write as _;
use std::path::Path;
use std::time::Instant;

type Outcome<T = ()> = Result<T, Box<dyn std::error::Error>>;

const WIDTH: u32 = 640;
const HEIGHT: u32 = 480;
const HFOV: f64 = 85.0;

fn turned(x: f64, y: f64, yaw_deg: f64) -> Isometry3<f64> {
    let turn = UnitQuaternion::from_axis_angle(&Vector3::z_axis(), yaw_deg.to_radians());
    Isometry3::from_parts(Translation3::new(x, y, 0.0), turn)
}

/// A forest of about `count` trees around the origin with a clearing along +y.
fn forest(count: usize) -> Outcome<Scene> {
    let mut scene = Scene::new();
    let ground = scene.add_prop(&props::grass(400.0, 7))?;
    scene.place(&ground, Isometry3::identity(), 1.0, 0, 0)?;
    let mut kinds = Vec::new();
    for seed in 0..6 {
        kinds.push(scene.add_prop(&props::tree(seed))?);
    }
    for seed in 0..3 {
        kinds.push(scene.add_prop(&props::pine(seed))?);
    }
    let mut low = Vec::new();
    for seed in 0..3 {
        low.push(scene.add_prop(&props::bush(seed))?);
        low.push(scene.add_prop(&props::rock(0.6 + 0.3 * f64::from(seed) as f32, seed))?);
    }
    let mut state = 12345u32;
    let mut roll = || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        f64::from(state >> 8) / 16_777_216.0
    };
    let mut placed: Vec<[f64; 2]> = Vec::new();
    while placed.len() < count {
        let p = [roll() * 80.0 - 40.0, roll() * 80.0 - 20.0];
        let clear = p[0].abs() < 4.5 && (-4.0..26.0).contains(&p[1]);
        if clear || placed.iter().any(|q| (q[0] - p[0]).hypot(q[1] - p[1]) < 2.6) {
            continue;
        }
        placed.push(p);
        let kind = (roll() * kinds.len() as f64) as usize;
        let scale = 0.85 + 0.3 * roll();
        scene.place(&kinds[kind], turned(p[0], p[1], roll() * 360.0), scale, placed.len() as u32, 0)?;
        if placed.len().is_multiple_of(4) {
            let kind = (roll() * low.len() as f64) as usize;
            let (x, y) = (p[0] + 1.2 + roll(), p[1] + roll());
            scene.place(&low[kind], turned(x, y, roll() * 360.0), 0.7 + 0.5 * roll(), 0, 0)?;
        }
    }
    Ok(scene)
}

struct Shot {
    rgb: Vec<u8>,
    depth: Vec<f32>,
    object: Vec<u32>,
}

fn shoot(renderer: &mut Renderer, scene: &Scene, camera: &Camera, pose: &Isometry3<f64>) -> Outcome<Shot> {
    let n = (camera.width * camera.height) as usize;
    let mut shot = Shot { rgb: vec![0; n * 3], depth: vec![0.0; n], object: vec![0; n] };
    let targets =
        Targets { rgb: Some(&mut shot.rgb), depth: Some(&mut shot.depth), object: Some(&mut shot.object) };
    renderer.render(scene, camera, pose, targets)?;
    Ok(shot)
}

fn save(out: &Path, name: &str, camera: &Camera, rgb: &[u8]) -> Outcome {
    let path = out.join(format!("{name}.png"));
    image::save_buffer(path, rgb, camera.width, camera.height, image::ColorType::Rgb8)?;
    Ok(())
}

fn subjects() -> Vec<(Prop, f64)> {
    vec![
        (props::stop_sign(), -90.0),
        (props::car(0xA81C1C), -50.0),
        (props::car(0xD8DADC), -150.0),
        (props::soccer_ball(0.5), 0.0),
        (props::ball(0.5, 0xD96B1E), 30.0),
        (props::person(1), -70.0),
        (props::person(4), 160.0),
        (props::fire_hydrant(), -60.0),
        (props::bench(), -75.0),
        (props::traffic_light(0), -90.0),
        (props::umbrella(0xC82020, 0xF0E8E0), 10.0),
        (props::potted_plant(1), 0.0),
    ]
}

fn sheet(out: &Path) -> Outcome {
    let mut renderer = Renderer::new(0)?;
    let camera = Camera::from_hfov(WIDTH, HEIGHT, HFOV.to_radians())?;
    let scene = forest(250)?;
    for (k, (eye, to)) in [
        ([0.0, -2.0, 1.7], [0.0, 20.0, 1.6]),
        ([6.0, 6.0, 1.8], [-20.0, 20.0, 2.2]),
        ([0.0, -10.0, 14.0], [0.0, 12.0, 0.0]),
    ]
    .into_iter()
    .enumerate()
    {
        let pose = look_at(Point3::from(eye), Point3::from(to));
        let shot = shoot(&mut renderer, &scene, &camera, &pose)?;
        save(out, &format!("forest{k}"), &camera, &shot.rgb)?;
        let grey: Vec<u8> = shot.depth.iter().flat_map(|d| [(255.0 / (1.0 + 0.25 * d)) as u8; 3]).collect();
        save(out, &format!("forest{k}_depth"), &camera, &grey)?;
    }
    for (k, (prop, yaw)) in subjects().iter().enumerate() {
        let mut scene = forest(120)?;
        let id = scene.add_prop(prop)?;
        scene.place(&id, turned(0.0, 4.0, *yaw), 1.0, 1000, 0)?;
        let size = if prop.label == "car" { 5.5 } else { 3.2 };
        let pose = look_at(Point3::new(0.6, 4.0 - size, 1.6), Point3::new(0.0, 4.0, 1.0));
        let shot = shoot(&mut renderer, &scene, &camera, &pose)?;
        save(out, &format!("prop{k:02}_{}", prop.name.replace(' ', "_")), &camera, &shot.rgb)?;
    }
    Ok(())
}

/// One picture per subject, distance and heading, with ground truth, for a detector.
fn sweep(out: &Path) -> Outcome {
    let mut renderer = Renderer::new(0)?;
    let camera = Camera::from_hfov(WIDTH, HEIGHT, HFOV.to_radians())?;
    let mut truth = String::from("file,label,distance_m,left,top,right,bottom,visible_fraction\n");
    let (mut finder, mut boxes) = (BoxFinder::new(), Vec::new());
    let base = forest(150)?;
    for (k, (prop, yaw)) in subjects().iter().enumerate() {
        let mut scene = base.clone();
        let id = scene.add_prop(prop)?;
        let spot = turned(0.4, 14.0, *yaw);
        scene.place(&id, spot, 1.0, 1000, 0)?;
        for distance in [3.0, 4.0, 5.0, 6.0, 8.0, 10.0, 12.0, 15.0] {
            let pose = look_at(Point3::new(0.0, 14.0 - distance, 1.6), Point3::new(0.0, 14.0, 1.5));
            let shot = shoot(&mut renderer, &scene, &camera, &pose)?;
            let file = format!("s{k:02}_{}_{distance:02}", prop.name.replace(' ', "_"));
            save(out, &file, &camera, &shot.rgb)?;
            finder.find(&scene, &camera, &pose, &shot.object, None, 1, &mut boxes)?;
            if let Some(b) = boxes.iter().find(|b| b.object == 1000) {
                let [l, t, r, bottom] = b.visible;
                let share = b.visible_fraction;
                writeln!(truth, "{file}.png,{},{distance},{l},{t},{r},{bottom},{share:.3}", prop.label)?;
            }
        }
    }
    std::fs::write(out.join("truth.csv"), truth)?;
    Ok(())
}

/// CPU time this thread has had, ms (Linux).
fn cpu_ms() -> f64 {
    let text = std::fs::read_to_string("/proc/thread-self/schedstat").unwrap_or_default();
    text.split(' ').next().and_then(|t| t.parse::<f64>().ok()).unwrap_or(f64::NAN) / 1e6
}

fn timing() -> Outcome {
    let scene = forest(250)?;
    let camera = Camera::from_hfov(WIDTH, HEIGHT, HFOV.to_radians())?;
    let small = Camera::from_hfov(320, 240, HFOV.to_radians())?.with_range(0.1, 30.0);
    let n = (WIDTH * HEIGHT) as usize;
    let (mut rgb, mut depth) = (vec![0; n * 3], vec![0.0; n]);
    let mut near = vec![0.0; 320 * 240];
    for threads in [1, 2] {
        for (name, antialias, shadow) in
            [("plain", false, false), ("shadow", false, true), ("shadow+aa", true, true)]
        {
            let mut renderer = Renderer::new(threads)?;
            let mut settings = Settings { antialias, ..Settings::default() };
            settings.shadow.enabled = shadow;
            renderer.set_settings(settings)?;
            // Warm-up, then whole passes: the system's CPU clock is too coarse for single frames.
            let mut pass = |frames: usize, full: bool| -> Outcome<[f64; 2]> {
                let (start, cpu) = (Instant::now(), cpu_ms());
                for k in 0..frames {
                    let y = -2.0 + k as f64 * 0.2;
                    let pose = look_at(Point3::new(0.0, y, 1.7), Point3::new(0.0, y + 10.0, 1.6));
                    if full {
                        let targets = Targets { rgb: Some(&mut rgb), depth: Some(&mut depth), object: None };
                        renderer.render(&scene, &camera, &pose, targets)?;
                    } else {
                        let targets = Targets { rgb: None, depth: Some(&mut near), object: None };
                        renderer.render(&scene, &small, &pose, targets)?;
                    }
                }
                let n = frames as f64;
                Ok([(cpu_ms() - cpu) / n, start.elapsed().as_secs_f64() * 1e3 / n])
            };
            pass(60, true)?;
            let (both, only) = (pass(60, true)?, pass(60, false)?);
            let how = if threads == 1 { "CPU" } else { "wall" };
            let k = usize::from(threads > 1);
            println!(
                "{threads} thread(s) {name:10} {how} ms per frame: rgb+depth {WIDTH}x{HEIGHT} {:.2}, depth 320x240 {:.2}",
                both[k], only[k]
            );
        }
    }
    Ok(())
}

fn main() -> Outcome {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let has = |flag: &str| arguments.iter().any(|a| a == flag);
    let out =
        Path::new(arguments.iter().find(|a| !a.starts_with("--")).map_or("contact_sheet", String::as_str));
    if has("--time") {
        return timing();
    }
    std::fs::create_dir_all(out)?;
    if has("--sweep") {
        return sweep(out);
    }
    sheet(out)
}
