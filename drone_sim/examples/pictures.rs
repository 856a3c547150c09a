//! Draws a world from above and through the vehicle's eyes, and writes it as SDF: `pictures [WORLD] [SEED] [FOLDER]`.

use std::path::PathBuf;
use std::time::Instant;

use nalgebra::{Isometry3, Point3, Vector3};
use peregrine_render::{Camera, Fog, Renderer, Targets, look_at};
use peregrine_sim::physics::State;
use peregrine_sim::rng::Stream;
use peregrine_sim::scenario::{ForestSpec, build};
use peregrine_sim::sensors::{ColorCamera, DepthCamera, Mount, Odometry, Truths};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut args = std::env::args().skip(1);
    let name = args.next().unwrap_or_else(|| "forest".to_string());
    let seed = args.next().map_or(Ok(1), |s| s.parse())?;
    let folder = PathBuf::from(args.next().unwrap_or_else(|| "target/pictures".to_string()));
    std::fs::create_dir_all(&folder)?;
    let begin = Instant::now();
    let world = build(&name, &ForestSpec { seed, ..ForestSpec::default() })?;
    println!(
        "{name}: {} things, {} solids, {:?}",
        world.things.len(),
        world.solids.all().len(),
        begin.elapsed()
    );
    std::fs::write(folder.join("world.sdf"), world.to_sdf())?;
    let mut renderer = Renderer::new(0)?;

    // Long side of the picture along the way.
    let middle = nalgebra::center(&world.start, &world.goal);
    let camera = Camera::from_hfov(1280, 640, 0.9)?;
    let span = (world.goal - world.start).norm() + 14.0;
    let eye = middle + Vector3::new(0.0, -0.35 * span, span * 1.0);
    // Haze is for eye level; from above it would only veil.
    let mut clear = world.scene.clone();
    clear.set_fog(Fog { density: 0.0, ..Fog::default() })?;
    let mut rgb = vec![0; 1280 * 640 * 3];
    let targets = Targets { rgb: Some(&mut rgb), ..Targets::default() };
    renderer.render(&clear, &camera, &look_at(eye, middle), targets)?;
    image::save_buffer(folder.join("above.png"), &rgb, 1280, 640, image::ColorType::Rgb8)?;

    let mount = Mount::default();
    let mut color = ColorCamera::new(640, 480, 1.2, mount)?;
    let mut depth = DepthCamera::new(320, 240, 87_f64.to_radians(), 12.0, mount, 0.0, Stream::new(seed, 1))?;
    let mut truths = Truths::default();
    let way = (world.goal - world.start).normalize();
    for i in 0..6 {
        let at: Point3<f64> = world.start + way * (f64::from(i) * 9.0);
        let body: Isometry3<f64> = State::at(at, world.start_yaw, 0.0).pose();
        let (mut rgb, mut metres) = (vec![0; 640 * 480 * 3], vec![0_u8; 320 * 240 * 4]);
        let begin = Instant::now();
        color.shoot(&mut renderer, &world.scene, &Odometry::still(body), i64::from(i), &mut rgb, true)?;
        let shot = begin.elapsed();
        depth.shoot(&mut renderer, &world.scene, &body, 0, &mut metres)?;
        println!("{i}: colour {shot:?}, depth {:?}", begin.elapsed() - shot);
        for b in truths.find(&color, &world, &body)? {
            println!("   {} at {:?}, {:.0} % seen", b.label, b.seen, b.visible_fraction * 100.0);
        }
        image::save_buffer(folder.join(format!("eye_{i}.png")), &rgb, 640, 480, image::ColorType::Rgb8)?;
        let grey: Vec<u8> = metres
            .chunks_exact(4)
            .map(|b| f32::from_ne_bytes([b[0], b[1], b[2], b[3]]))
            .map(|z| if z.is_finite() { (255.0 - z * 20.0).clamp(10.0, 255.0) as u8 } else { 0 })
            .collect();
        image::save_buffer(folder.join(format!("depth_{i}.png")), &grey, 320, 240, image::ColorType::L8)?;
    }
    println!("pictures are in {}", folder.display());
    Ok(())
}
