//! From the ideal picture to what a real camera hands over: lens distortion, motion during exposure and readout, noise,
//! pixel format.
//!
//! Each step is off by default and then costs nothing. Distortion draws a larger ideal picture and looks every pixel up in
//! it; blur draws several pictures and averages; a rolling shutter draws one per band of rows.

use nalgebra::{Isometry3, Translation3, UnitQuaternion, Vector3};
use peregrine_render::{Camera, Renderer, Scene, Targets};

use super::odometry::Odometry;
use super::spec::{CameraSpec, Distortion, PixelFormat};
use crate::error::{Result, SimError};
use crate::rng::Stream;

/// Pictures that a blurred one is the mean of.
const EXPOSURES: u32 = 8;
/// Bands of rows of a rolling shutter.
const BANDS: u32 = 16;

/// A camera's lens: where each pixel's light comes from in an ideal picture.
#[derive(Debug, Clone, PartialEq)]
pub struct Lens {
    ideal: Camera,
    width: usize,
    /// Column and row in the ideal picture, in pixels from its top-left pixel's centre.
    from: Vec<[f32; 2]>,
}

/// The distorted place of an ideal one, both on the plane z = 1. Source: Brown 1971, as OpenCV has it.
fn distort(d: &Distortion, x: f64, y: f64) -> [f64; 2] {
    let r2 = x * x + y * y;
    let radial = 1.0 + r2 * (d.k[0] + r2 * (d.k[1] + r2 * d.k[2]));
    [
        x * radial + 2.0 * d.p[0] * x * y + d.p[1] * (r2 + 2.0 * x * x),
        y * radial + d.p[0] * (r2 + 2.0 * y * y) + 2.0 * d.p[1] * x * y,
    ]
}

/// The other way, by fixed-point iteration; `None` where the distortion folds over.
fn undistort(d: &Distortion, x: f64, y: f64) -> Option<[f64; 2]> {
    let (mut u, mut v) = (x, y);
    for _ in 0..60 {
        let [a, b] = distort(d, u, v);
        (u, v) = (u + x - a, v + y - b);
        if !(u.abs() < 20.0 && v.abs() < 20.0) {
            return None;
        }
    }
    let [a, b] = distort(d, u, v);
    ((a - x).abs() + (b - y).abs() < 1e-9).then_some([u, v])
}

impl Lens {
    /// The lens of a camera; `None` if it does not distort.
    ///
    /// # Errors
    /// PG-1021 if the distortion folds over inside the picture, or asks for an ideal picture beyond what can be drawn.
    pub fn new(camera: &Camera, distortion: &Distortion) -> Result<Option<Self>> {
        if *distortion == Distortion::default() {
            return Ok(None);
        }
        let bad = |reason: &str| SimError::Parameter {
            name: "distortion",
            value: format!("k {:?} p {:?}", distortion.k, distortion.p),
            reason: reason.to_string(),
        };
        let (width, height) = (camera.width as usize, camera.height as usize);
        let mut rays = Vec::with_capacity(width * height);
        let mut reach = [0.0_f64; 2];
        for row in 0..height {
            for column in 0..width {
                let ray = camera.ray(column as f64 + 0.5, row as f64 + 0.5);
                let ideal = undistort(distortion, ray.x, ray.y);
                let ideal = ideal
                    .ok_or_else(|| bad("which folds over inside the picture; use smaller coefficients"))?;
                reach = [reach[0].max(ideal[0].abs()), reach[1].max(ideal[1].abs())];
                rays.push(ideal);
            }
        }
        let side = |reach: f64, f: f64| 2 * (reach * f).ceil() as u32 + 4;
        let (wide, high) = (side(reach[0], camera.fx), side(reach[1], camera.fy));
        if wide > 8192 || high > 8192 || f64::from(wide) > 4.0 * f64::from(camera.width) {
            return Err(bad(
                "which needs an ideal picture more than four times as wide; use smaller coefficients",
            ));
        }
        let ideal = Camera {
            width: wide,
            height: high,
            cx: f64::from(wide) / 2.0,
            cy: f64::from(high) / 2.0,
            ..*camera
        };
        let place = |[x, y]: [f64; 2]| {
            [(ideal.cx + ideal.fx * x - 0.5) as f32, (ideal.cy + ideal.fy * y - 0.5) as f32]
        };
        Ok(Some(Self { ideal, width, from: rays.into_iter().map(place).collect() }))
    }

    /// The camera that the ideal picture is drawn with.
    pub fn ideal(&self) -> &Camera {
        &self.ideal
    }

    /// The distorted colours of an ideal picture, by bilinear interpolation.
    pub fn colours(&self, ideal: &[u8], out: &mut [u8]) {
        let wide = self.ideal.width as usize;
        for (out, [x, y]) in out.chunks_exact_mut(3).zip(&self.from) {
            let (x0, y0) = (x.floor().max(0.0) as usize, y.floor().max(0.0) as usize);
            let (fx, fy) = (x - x0 as f32, y - y0 as f32);
            let at = (y0 * wide + x0) * 3;
            for (k, out) in out.iter_mut().enumerate() {
                let p = |i: usize| f32::from(ideal.get(at + i + k).copied().unwrap_or_default());
                let top = p(0) + (p(3) - p(0)) * fx;
                let bottom = p(wide * 3) + (p(wide * 3 + 3) - p(wide * 3)) * fx;
                *out = (top + (bottom - top) * fy + 0.5) as u8;
            }
        }
    }

    /// The distorted values of an ideal picture that must not be mixed: depths, labels.
    pub fn nearest<T: Copy>(&self, ideal: &[T], out: &mut [T]) {
        let (wide, last) = (self.ideal.width as usize, ideal.len().saturating_sub(1));
        for (out, [x, y]) in out.iter_mut().zip(&self.from) {
            let at = (y.round().max(0.0) as usize) * wide + x.round().max(0.0) as usize;
            *out = ideal[at.min(last)];
        }
    }

    /// Width of the distorted picture, pixels.
    pub fn width(&self) -> usize {
        self.width
    }
}

/// The pose that a body at `at` has `dt` seconds later if it keeps its velocity and turn.
pub fn drift(at: &Odometry, dt: f64) -> Isometry3<f64> {
    let way = at.pose.rotation * (at.velocity * dt);
    let turn = UnitQuaternion::from_scaled_axis(at.rates * dt);
    let place: Vector3<f64> = at.pose.translation.vector + way;
    Isometry3::from_parts(Translation3::from(place), at.pose.rotation * turn)
}

/// A colour camera with all that `CameraSpec` asks for.
#[derive(Debug, Clone)]
pub struct Optics {
    camera: Camera,
    lens: Option<Lens>,
    spec: CameraSpec,
    noise: Stream,
    ideal: Vec<u8>,
    rgb: Vec<u8>,
    sum: Vec<u32>,
}

impl Optics {
    /// The camera of a specification; `noise` is the stream of its pixels.
    ///
    /// # Errors
    /// Those of the render crate for numbers out of range, and PG-1021 for a distortion that folds over.
    pub fn new(spec: &CameraSpec, noise: Stream) -> Result<Self> {
        // Colours have no far end but the haze; the sky begins behind everything.
        let camera = spec.pinhole()?.with_range(spec.near, spec.far.max(300.0));
        camera.validate()?;
        let lens = Lens::new(&camera, &spec.distortion)?;
        Ok(Self {
            camera,
            lens,
            spec: spec.clone(),
            noise,
            ideal: Vec::new(),
            rgb: Vec::new(),
            sum: Vec::new(),
        })
    }

    /// Intrinsics of the picture that comes out; with distortion, of the pinhole in front of the lens.
    pub fn intrinsics(&self) -> &Camera {
        &self.camera
    }

    /// The lens, if it distorts.
    pub fn lens(&self) -> Option<&Lens> {
        self.lens.as_ref()
    }

    /// Distortion coefficients k1, k2, p1, p2, k3 of `plumb_bob`.
    pub fn distortion(&self) -> [f64; 5] {
        let Distortion { k, p } = self.spec.distortion;
        [k[0], k[1], p[0], p[1], k[2]]
    }

    /// The format of the pixels that come out.
    pub fn format(&self) -> PixelFormat {
        self.spec.format
    }

    /// Bytes of one pixel that comes out.
    pub fn bytes_per_pixel(&self) -> usize {
        self.spec.format.bytes()
    }

    /// Takes picture number `index` from a body that `at` tells of when the first row's exposure begins; `optical` is the
    /// camera's optical frame in the body.
    ///
    /// # Errors
    /// Those of the render crate.
    pub fn shoot(
        &mut self,
        renderer: &mut Renderer,
        scene: &Scene,
        at: &Odometry,
        optical: &Isometry3<f64>,
        index: i64,
        out: &mut [u8],
    ) -> Result<()> {
        let pixels = self.camera.width as usize * self.camera.height as usize;
        self.rgb.resize(pixels * 3, 0);
        let (exposure, readout) = (self.spec.exposure.max(0.0), self.spec.readout.max(0.0));
        let shots = if exposure > 0.0 { EXPOSURES } else { 1 };
        let bands = if readout > 0.0 { BANDS.min(self.camera.height) } else { 1 };
        let row_bytes = self.camera.width as usize * 3;
        self.sum.clear();
        self.sum.resize(if shots > 1 || bands > 1 { pixels * 3 } else { 0 }, 0);
        for band in 0..bands {
            // Rows of a band are exposed together, its middle row at the right time.
            let delay =
                readout * (f64::from(band) + 0.5) / f64::from(bands) * f64::from(u32::from(bands > 1));
            let rows = [band, band + 1].map(|b| (b * self.camera.height / bands) as usize);
            for shot in 0..shots {
                let open =
                    exposure * (f64::from(shot) + 0.5) / f64::from(shots) * f64::from(u32::from(shots > 1));
                let body = if delay + open > 0.0 { drift(at, delay + open) } else { at.pose };
                self.draw(renderer, scene, &(body * optical))?;
                let part = rows[0] * row_bytes..rows[1] * row_bytes;
                for (sum, c) in self.sum.get_mut(part.clone()).into_iter().flatten().zip(&self.rgb[part]) {
                    *sum += u32::from(*c);
                }
            }
        }
        for (c, sum) in self.rgb.iter_mut().zip(&self.sum) {
            *c = ((sum + shots / 2) / shots) as u8;
        }
        self.grain(index);
        self.convert(out);
        Ok(())
    }

    fn draw(&mut self, renderer: &mut Renderer, scene: &Scene, pose: &Isometry3<f64>) -> Result<()> {
        let Some(lens) = &self.lens else {
            let targets = Targets { rgb: Some(&mut self.rgb), depth: None, object: None };
            return Ok(renderer.render(scene, &self.camera, pose, targets)?);
        };
        let ideal = lens.ideal();
        self.ideal.resize(ideal.width as usize * ideal.height as usize * 3, 0);
        let targets = Targets { rgb: Some(&mut self.ideal), depth: None, object: None };
        renderer.render(scene, ideal, pose, targets)?;
        lens.colours(&self.ideal, &mut self.rgb);
        Ok(())
    }

    fn grain(&mut self, index: i64) {
        let noise = &self.spec.noise;
        if noise.stddev <= 0.0 && noise.mean == 0.0 {
            return;
        }
        let first = (index as u64).wrapping_mul(self.rgb.len().div_ceil(2) as u64);
        for (i, pair) in self.rgb.chunks_mut(2).enumerate() {
            let normals = self.noise.normals(first.wrapping_add(i as u64));
            for (c, n) in pair.iter_mut().zip(normals) {
                let value = f64::from(*c) + 255.0 * (noise.mean + noise.stddev * n);
                *c = value.round().clamp(0.0, 255.0) as u8;
            }
        }
    }

    fn convert(&self, out: &mut [u8]) {
        let pixels = self.rgb.as_chunks::<3>().0;
        match self.spec.format {
            PixelFormat::Rgb8 => out.copy_from_slice(&self.rgb),
            PixelFormat::Bgr8 => {
                for (to, [r, g, b]) in out.as_chunks_mut::<3>().0.iter_mut().zip(pixels) {
                    *to = [*b, *g, *r];
                }
            }
            // Rec. 601.
            PixelFormat::L8 => {
                for (to, [r, g, b]) in out.iter_mut().zip(pixels) {
                    *to = ((77 * u32::from(*r) + 150 * u32::from(*g) + 29 * u32::from(*b) + 128) >> 8) as u8;
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use peregrine_render::{Instance, Material, Mesh, Sun, optical_from_body};

    use super::*;
    use crate::sensors::spec::NoiseSpec;

    /// A small white ball 4 m ahead of the origin, `y` and `z` off the axis, on black.
    fn ball(y: f64, z: f64) -> Scene {
        let mut scene = Scene::new();
        let mesh = scene.add_mesh(Mesh::sphere(0.05, 24));
        let white = Material { unlit: true, ..Material::matt([1.0; 3]) };
        let white = scene.add_material(white).unwrap();
        scene.add_instance(Instance::new(mesh, white, Isometry3::translation(4.0, y, z))).unwrap();
        let dark =
            peregrine_render::Sky { zenith: [0.0; 3], horizon: [0.0; 3], ground: [0.0; 3], clouds: 0.0 };
        scene.set_sky(dark).unwrap();
        scene.set_sun(Sun { colour: [0.0; 3], ..Sun::default() }).unwrap();
        scene
    }

    fn spec() -> CameraSpec {
        CameraSpec { width: 160, height: 120, hfov: 1.2, ..CameraSpec::default() }
    }

    fn still() -> Odometry {
        Odometry { pose: Isometry3::identity(), velocity: Vector3::zeros(), rates: Vector3::zeros() }
    }

    fn shoot(spec: &CameraSpec, scene: &Scene, at: &Odometry) -> Vec<u8> {
        let mut optics = Optics::new(spec, Stream::new(1, 1)).unwrap();
        let mut out = vec![0; 160 * 120 * optics.bytes_per_pixel()];
        let optical = Isometry3::from_parts(Translation3::identity(), optical_from_body());
        optics.shoot(&mut Renderer::new(1).unwrap(), scene, at, &optical, 0, &mut out).unwrap();
        out
    }

    /// Brightness-weighted middle and extent (deviation) of a grey picture, pixels.
    fn spot(grey: &[u8]) -> ([f64; 2], [f64; 2]) {
        let weigh = |f: &dyn Fn(f64, f64) -> f64| {
            let each = grey.iter().enumerate().map(|(i, v)| (f64::from(*v), i % 160, i / 160));
            each.map(|(v, x, y)| v * f(x as f64 + 0.5, y as f64 + 0.5)).sum::<f64>()
        };
        let all = weigh(&|_, _| 1.0);
        let middle = [weigh(&|x, _| x) / all, weigh(&|_, y| y) / all];
        let spread = [
            (weigh(&|x, _| (x - middle[0]).powi(2)) / all).sqrt(),
            (weigh(&|_, y| (y - middle[1]).powi(2)) / all).sqrt(),
        ];
        (middle, spread)
    }

    #[test]
    fn undistorting_is_the_way_back() {
        let d = Distortion { k: [-0.25, 0.08, -0.01], p: [0.002, -0.001] };
        for (x, y) in [(0.0, 0.0), (0.4, -0.3), (-0.6, 0.5)] {
            let [a, b] = distort(&d, x, y);
            let [u, v] = undistort(&d, a, b).unwrap();
            assert!((u - x).abs() + (v - y).abs() < 1e-9);
        }
    }

    /// The lens' formula says where the ball must be seen.
    #[test]
    fn a_lens_moves_things_to_where_its_formula_says() {
        let distortion = Distortion { k: [-0.25, 0.08, 0.0], p: [0.002, -0.001] };
        let bent = CameraSpec { distortion, format: PixelFormat::L8, ..spec() };
        let camera = *Optics::new(&bent, Stream::new(1, 1)).unwrap().intrinsics();
        for (y, z) in [(0.0, 0.0), (1.6, 1.0), (-1.8, -1.2), (2.0, 0.0)] {
            let [x, v] = distort(&distortion, -y / 4.0, -z / 4.0);
            let expected = [camera.cx + camera.fx * x, camera.cy + camera.fy * v];
            let (middle, _) = spot(&shoot(&bent, &ball(y, z), &still()));
            assert!(
                (middle[0] - expected[0]).hypot(middle[1] - expected[1]) < 0.3,
                "{y} {z}: {middle:?} {expected:?}"
            );
        }
        let folded = CameraSpec { distortion: Distortion { k: [-2.0, 0.0, 0.0], p: [0.0; 2] }, ..spec() };
        assert!(Optics::new(&folded, Stream::new(1, 1)).unwrap_err().to_string().contains("folds over"));
    }

    #[test]
    fn formats_hold_the_same_picture() {
        let mut scene = ball(0.0, 0.0);
        let sky =
            peregrine_render::Sky { zenith: [0.1, 0.3, 0.9], horizon: [0.9, 0.5, 0.1], ..Default::default() };
        scene.set_sky(sky).unwrap();
        let rgb = shoot(&spec(), &scene, &still());
        let bgr = shoot(&CameraSpec { format: PixelFormat::Bgr8, ..spec() }, &scene, &still());
        let grey = shoot(&CameraSpec { format: PixelFormat::L8, ..spec() }, &scene, &still());
        for ((a, b), l) in rgb.chunks(3).zip(bgr.chunks(3)).zip(&grey) {
            assert_eq!([a[0], a[1], a[2]], [b[2], b[1], b[0]]);
            let luma = 0.299 * f64::from(a[0]) + 0.587 * f64::from(a[1]) + 0.114 * f64::from(a[2]);
            assert!((luma - f64::from(*l)).abs() < 1.5);
        }
    }

    #[test]
    fn noise_has_its_deviation_and_repeats() {
        let mut scene = ball(0.0, 9.0);
        let grey =
            peregrine_render::Sky { zenith: [0.2; 3], horizon: [0.2; 3], ground: [0.2; 3], clouds: 0.0 };
        scene.set_sky(grey).unwrap();
        let noisy = CameraSpec { noise: NoiseSpec::white(0.02), ..spec() };
        let (clean, a) = (shoot(&spec(), &scene, &still()), shoot(&noisy, &scene, &still()));
        let squares: f64 = clean.iter().zip(&a).map(|(c, n)| (f64::from(*c) - f64::from(*n)).powi(2)).sum();
        let deviation = (squares / clean.len() as f64).sqrt() / 255.0;
        assert!((deviation - 0.02).abs() < 0.001, "{deviation}");
        assert_eq!(a, shoot(&noisy, &scene, &still()));
    }

    /// Turning left moves the picture to the right: over the exposure for blur, with the rows for a rolling shutter.
    #[test]
    fn exposure_smears_and_readout_shears() {
        let turning = Odometry { rates: Vector3::new(0.0, 0.0, 2.0), ..still() };
        let grey = CameraSpec { format: PixelFormat::L8, ..spec() };
        let (sharp_at, sharp) = spot(&shoot(&grey, &ball(0.0, 0.0), &turning));
        let f = Optics::new(&grey, Stream::new(1, 1)).unwrap().intrinsics().fx;
        let (blurred_at, blurred) =
            spot(&shoot(&CameraSpec { exposure: 0.02, ..grey.clone() }, &ball(0.0, 0.0), &turning));
        let moved = f * 0.02;
        assert!((blurred_at[0] - sharp_at[0] - moved * 2.0 / 2.0).abs() < 0.3, "{blurred_at:?} {sharp_at:?}");
        assert!(blurred[0] > sharp[0] + 0.2 && (blurred[1] - sharp[1]).abs() < 0.1);
        let rolling = CameraSpec { readout: 0.03, ..grey };
        let shift = |z: f64| {
            let (a, _) = spot(&shoot(&rolling, &ball(0.0, z), &turning));
            let (b, _) = spot(&shoot(&spec_grey(), &ball(0.0, z), &turning));
            (a[0] - b[0], b[1])
        };
        let ((top, row_top), (bottom, row_bottom)) = (shift(1.2), shift(-1.2));
        let expected = |row: f64| f * 2.0 * 0.03 * row / 120.0;
        assert!((top - expected(row_top)).abs() < 0.4, "{top} {}", expected(row_top));
        assert!((bottom - expected(row_bottom)).abs() < 0.4, "{bottom} {}", expected(row_bottom));
    }

    fn spec_grey() -> CameraSpec {
        CameraSpec { format: PixelFormat::L8, ..spec() }
    }
}
