//! The colour camera.

use nalgebra::Isometry3;
use peregrine_render::{Camera, Renderer, Scene, Targets};

use super::mount::Mount;
use crate::error::Result;

/// A pinhole camera that writes RGB8, and on the side which object each pixel shows.
#[derive(Debug, Clone)]
pub struct ColorCamera {
    camera: Camera,
    mount: Mount,
    objects: Vec<u32>,
}

impl ColorCamera {
    /// `hfov` is the horizontal field of view, radians.
    ///
    /// # Errors
    /// Those of the render crate for sizes and angles out of range.
    pub fn new(width: u32, height: u32, hfov: f64, mount: Mount) -> Result<Self> {
        let camera = Camera::from_hfov(width, height, hfov)?;
        Ok(Self { camera, mount, objects: Vec::new() })
    }

    /// Intrinsics.
    pub fn intrinsics(&self) -> &Camera {
        &self.camera
    }

    /// Where it sits.
    pub fn mount(&self) -> &Mount {
        &self.mount
    }

    /// Object ids of the last frame, one per pixel; empty if they were not asked for.
    pub fn objects(&self) -> &[u32] {
        &self.objects
    }

    /// Draws what is seen from a body at `body` into `rgb` (three bytes per pixel, rows from the top).
    ///
    /// # Errors
    /// Those of the render crate.
    pub fn shoot(
        &mut self,
        renderer: &mut Renderer,
        scene: &Scene,
        body: &Isometry3<f64>,
        rgb: &mut [u8],
        with_objects: bool,
    ) -> Result<()> {
        let pixels = self.camera.width as usize * self.camera.height as usize;
        self.objects.resize(if with_objects { pixels } else { 0 }, 0);
        let object = with_objects.then_some(self.objects.as_mut_slice());
        let pose = self.mount.optical_in_world(body);
        let targets = Targets { rgb: Some(rgb), depth: None, object };
        Ok(renderer.render(scene, &self.camera, &pose, targets)?)
    }
}
