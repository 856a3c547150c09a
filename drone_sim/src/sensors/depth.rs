//! The depth camera: metres along the optical axis, +inf where nothing is within range.

use nalgebra::Isometry3;
use peregrine_render::{Camera, Renderer, Scene, Targets};

use super::mount::Mount;
use super::spec::{CameraSpec, NoiseSpec};
use crate::error::Result;
use crate::rng::Stream;

/// A depth camera that writes 32-bit floats.
#[derive(Debug, Clone)]
pub struct DepthCamera {
    camera: Camera,
    mount: Mount,
    noise: f64,
    stream: Stream,
    spare: Vec<f32>,
}

/// Nearest depth that is measured, metres.
pub const NEAREST: f64 = 0.1;

impl DepthCamera {
    /// `hfov` in radians, `range` in metres. `noise` is the deviation at one metre, metres; it grows with the square
    /// of the distance, as a stereo camera's does.
    ///
    /// # Errors
    /// Those of the render crate for numbers out of range.
    pub fn new(
        width: u32,
        height: u32,
        hfov: f64,
        range: f64,
        mount: Mount,
        noise: f64,
        stream: Stream,
    ) -> Result<Self> {
        let camera = Camera::from_hfov(width, height, hfov)?.with_range(NEAREST, range);
        camera.validate()?;
        Ok(Self { camera, mount, noise, stream, spare: Vec::new() })
    }

    /// Intrinsics.
    pub fn intrinsics(&self) -> &Camera {
        &self.camera
    }

    /// Where it sits.
    pub fn mount(&self) -> &Mount {
        &self.mount
    }

    /// Draws frame `index` from a body at `body` into `out`, four bytes per pixel in the machine's byte order.
    ///
    /// # Errors
    /// Those of the render crate.
    pub fn shoot(
        &mut self,
        renderer: &mut Renderer,
        scene: &Scene,
        body: &Isometry3<f64>,
        index: i64,
        out: &mut [u8],
    ) -> Result<()> {
        if let Ok(floats) = bytemuck::try_cast_slice_mut::<u8, f32>(out) {
            return self.fill(renderer, scene, body, index, floats);
        }
        // Only a slot whose pixels do not lie on a multiple of four bytes comes here.
        let mut floats = std::mem::take(&mut self.spare);
        floats.resize(out.len() / 4, 0.0);
        let done = self.fill(renderer, scene, body, index, &mut floats);
        for (to, from) in out.chunks_exact_mut(4).zip(&floats) {
            to.copy_from_slice(&from.to_ne_bytes());
        }
        self.spare = floats;
        done
    }

    /// As [`DepthCamera::shoot`], into floats.
    ///
    /// # Errors
    /// Those of the render crate.
    pub fn fill(
        &self,
        renderer: &mut Renderer,
        scene: &Scene,
        body: &Isometry3<f64>,
        index: i64,
        out: &mut [f32],
    ) -> Result<()> {
        let pose = self.mount.optical_in_world(body);
        let targets = Targets { rgb: None, depth: Some(&mut *out), object: None };
        renderer.render(scene, &self.camera, &pose, targets)?;
        if self.noise > 0.0 {
            let first = (index as u64).wrapping_mul(out.len().div_ceil(2) as u64);
            for (i, pair) in out.chunks_mut(2).enumerate() {
                let normals = self.stream.normals(first.wrapping_add(i as u64));
                for (z, n) in pair.iter_mut().zip(normals) {
                    if z.is_finite() {
                        let true_z = f64::from(*z);
                        *z = (true_z + n * self.noise * true_z * true_z).max(NEAREST) as f32;
                    }
                }
            }
        }
        Ok(())
    }
}

/// The depth camera of an SDF file: -inf nearer than its near plane, +inf beyond its far plane, as Gazebo has it.
#[derive(Debug, Clone)]
pub struct DepthEye {
    camera: Camera,
    near: f32,
    noise: NoiseSpec,
    stream: Stream,
}

impl DepthEye {
    /// The depth side of a specification. The lens of a depth camera does not distort.
    ///
    /// # Errors
    /// Those of the render crate for numbers out of range.
    pub fn new(spec: &CameraSpec, stream: Stream) -> Result<Self> {
        let camera = spec.pinhole()?.with_range((spec.near * 0.25).max(0.005), spec.far);
        camera.validate()?;
        Ok(Self { camera, near: spec.near as f32, noise: spec.noise, stream })
    }

    /// Intrinsics.
    pub fn intrinsics(&self) -> &Camera {
        &self.camera
    }

    /// Image `index`, metres along the optical axis, seen from the optical frame at `optical` in the world.
    ///
    /// # Errors
    /// Those of the render crate.
    pub fn fill(
        &self,
        renderer: &mut Renderer,
        scene: &Scene,
        optical: &Isometry3<f64>,
        index: i64,
        out: &mut [f32],
    ) -> Result<()> {
        renderer.render(
            scene,
            &self.camera,
            optical,
            Targets { depth: Some(&mut *out), ..Targets::default() },
        )?;
        let first = (index as u64).wrapping_mul(out.len().div_ceil(2) as u64);
        let noisy = self.noise.stddev > 0.0 || self.noise.mean != 0.0;
        for (i, pair) in out.chunks_mut(2).enumerate() {
            let normals = if noisy { self.stream.normals(first.wrapping_add(i as u64)) } else { [0.0; 2] };
            for (z, n) in pair.iter_mut().zip(normals) {
                if *z < self.near {
                    *z = f32::NEG_INFINITY;
                } else if noisy && z.is_finite() {
                    *z = (f64::from(*z) + self.noise.mean + self.noise.stddev * n).max(f64::from(self.near))
                        as f32;
                }
            }
        }
        Ok(())
    }
}
