//! What each sensor sees of one place of a forest, as a sheet of pictures: `sensors [FILE] [SEED]`.
//!
//! In reading order: colour, depth, labels; boxes, lidar from above, a wide lens; motion blur, rolling shutter, noise.

use std::path::PathBuf;

use nalgebra::{Isometry3, Vector3};
use peregrine_render::Renderer;
use peregrine_sim::physics::State;
use peregrine_sim::scenario::{ForestSpec, World, build};
use peregrine_sim::sensors::noise::stream;
use peregrine_sim::sensors::spec::{CameraSpec, Distortion, LidarSpec, NoiseSpec, ScanAxis};
use peregrine_sim::sensors::{ColorCamera, DepthEye, LabelEye, Lidar, Mount, Odometry};

const WIDTH: usize = 320;
const HEIGHT: usize = 240;
/// Between two pictures, pixels.
const GAP: usize = 4;

type Rgb = Vec<u8>;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut args = std::env::args().skip(1);
    let file = PathBuf::from(args.next().unwrap_or_else(|| "target/sensors.png".to_string()));
    let seed = args.next().map_or(Ok(1), |s| s.parse())?;
    let world = build("forest", &ForestSpec { seed, ..ForestSpec::default() })?;
    let mut renderer = Renderer::new(0)?;
    // Before a labelled thing, if there is one, else at the start.
    let thing = world.things.iter().find(|t| t.label == "car").map(|t| t.pose.translation.vector);
    let at = thing.map_or(world.start, |p| (p + Vector3::new(-6.0, 0.5, 2.0)).into());
    let body = Odometry::still(State::at(at, 0.0, 0.0).pose());
    let moving =
        Odometry { velocity: Vector3::new(8.0, 0.0, 0.0), rates: Vector3::new(0.0, 0.0, 1.5), ..body };
    let plain =
        CameraSpec { width: WIDTH as u32, height: HEIGHT as u32, hfov: 1.2, far: 30.0, ..Default::default() };
    let mut colour = |spec: CameraSpec, at: &Odometry| -> Result<Rgb, Box<dyn std::error::Error>> {
        let mut camera = ColorCamera::with_optics(&spec, Mount::default(), stream(seed, 1, 0))?;
        let mut rgb = vec![0; WIDTH * HEIGHT * 3];
        camera.shoot(&mut renderer, &world.scene, at, 0, &mut rgb, false)?;
        Ok(rgb)
    };
    let wide = Distortion { k: [-0.25, 0.06, 0.0], p: [0.0; 2] };
    let pictures = [
        colour(plain.clone(), &body)?,
        colour(CameraSpec { distortion: wide, hfov: 1.7, ..plain.clone() }, &body)?,
        colour(CameraSpec { exposure: 0.06, ..plain.clone() }, &moving)?,
        colour(CameraSpec { readout: 0.1, ..plain.clone() }, &moving)?,
        colour(CameraSpec { noise: NoiseSpec::white(0.08), ..plain.clone() }, &body)?,
    ];
    let [sharp, lens, blur, rolling, noisy] = pictures;
    let optical = Mount::default().optical_in_world(&body.pose);
    let (labels, boxes) = labelled(&mut renderer, &world, &plain, &optical, &sharp)?;
    let depth = depth(&mut renderer, &world, &plain, &optical)?;
    let sheet = [sharp, depth, labels, boxes, lidar(&world, &body.pose), lens, blur, rolling, noisy];
    save(&file, &sheet)?;
    println!("{}", file.display());
    Ok(())
}

fn depth(
    renderer: &mut Renderer,
    world: &World,
    spec: &CameraSpec,
    optical: &Isometry3<f64>,
) -> Result<Rgb, Box<dyn std::error::Error>> {
    let eye = DepthEye::new(spec, stream(1, 1, 1))?;
    let mut metres = vec![0.0; WIDTH * HEIGHT];
    eye.fill(renderer, &world.scene, optical, 0, &mut metres)?;
    let near = metres.iter().copied().fold(f32::INFINITY, f32::min);
    Ok(metres.iter().flat_map(|z| heat(if z.is_finite() { (near / z).sqrt() } else { 0.0 })).collect())
}

/// The segmentation camera's colours, and the sharp picture with the boxes drawn into it.
fn labelled(
    renderer: &mut Renderer,
    world: &World,
    spec: &CameraSpec,
    optical: &Isometry3<f64>,
    sharp: &Rgb,
) -> Result<(Rgb, Rgb), Box<dyn std::error::Error>> {
    let mut eye = LabelEye::new(spec)?;
    eye.look(renderer, &world.scene, optical)?;
    let mut labels = vec![0; WIDTH * HEIGHT * 3];
    eye.colours(&mut labels);
    let mut boxes = sharp.clone();
    let mut found = Vec::new();
    eye.boxes(&world.scene, optical, &mut found)?;
    for seen in found {
        let [left, top, width, height] = seen.area.map(|v| v.max(0.0) as usize);
        let (right, bottom) = ((left + width).min(WIDTH) - 1, (top + height).min(HEIGHT) - 1);
        let edge = |x: usize, y: usize| x == left || x == right || y == top || y == bottom;
        for (x, y) in
            (top..=bottom).flat_map(|y| (left..=right).map(move |x| (x, y))).filter(|(x, y)| edge(*x, *y))
        {
            boxes[(y * WIDTH + x) * 3..][..3].copy_from_slice(&[60, 255, 60]);
        }
    }
    Ok((labels, boxes))
}

/// The hits of a lidar from above, 24 m to each side, forward is up; higher hits are warmer.
fn lidar(world: &World, body: &Isometry3<f64>) -> Rgb {
    let axis = |samples, min_angle, max_angle| ScanAxis { samples, resolution: 1.0, min_angle, max_angle };
    let turn = std::f64::consts::PI;
    let spec = LidarSpec {
        horizontal: axis(1440, -turn, turn),
        vertical: axis(24, -0.3, 0.3),
        max_range: 30.0,
        ..LidarSpec::default()
    };
    let mut lidar = Lidar::new(&spec, 1, 1);
    lidar.scan(&world.solids, body, 0);
    let mut out = vec![24; WIDTH * HEIGHT * 3];
    for (i, range) in lidar.readings().iter().enumerate().filter(|(_, r)| r.is_finite()) {
        let p = lidar.direction(i).map(|x| x * f64::from(*range));
        let scale = HEIGHT as f64 / 48.0;
        let (x, y) = (WIDTH as f64 / 2.0 - p[1] * scale, HEIGHT as f64 / 2.0 - p[0] * scale);
        if (0.0..WIDTH as f64).contains(&x) && (0.0..HEIGHT as f64).contains(&y) {
            let at = (y as usize * WIDTH + x as usize) * 3;
            out[at..at + 3].copy_from_slice(&heat(((p[2] + 2.5) / 8.0) as f32));
        }
    }
    out
}

/// From dark blue over green and yellow to red.
fn heat(x: f32) -> [u8; 3] {
    let x = x.clamp(0.0, 1.0);
    let hump = |middle: f32| (1.5 - (4.0 * x - middle).abs()).clamp(0.0, 1.0);
    [hump(3.0), hump(2.0), hump(1.0)].map(|c| (255.0 * (0.08 + 0.92 * c)) as u8)
}

fn save(file: &std::path::Path, pictures: &[Rgb; 9]) -> Result<(), Box<dyn std::error::Error>> {
    let (wide, high) = (3 * WIDTH + 2 * GAP, 3 * HEIGHT + 2 * GAP);
    let mut sheet = vec![255_u8; wide * high * 3];
    for (i, picture) in pictures.iter().enumerate() {
        let (left, top) = (i % 3 * (WIDTH + GAP), i / 3 * (HEIGHT + GAP));
        for (row, pixels) in picture.chunks_exact(WIDTH * 3).enumerate() {
            let at = ((top + row) * wide + left) * 3;
            sheet[at..at + pixels.len()].copy_from_slice(pixels);
        }
    }
    if let Some(folder) = file.parent() {
        std::fs::create_dir_all(folder)?;
    }
    Ok(image::save_buffer(file, &sheet, wide as u32, high as u32, image::ColorType::Rgb8)?)
}
