//! The colour camera.

use nalgebra::Isometry3;
use peregrine_render::{Camera, Renderer, Scene, Targets};

use super::mount::Mount;
use super::odometry::Odometry;
use super::optics::{Lens, Optics};
use super::spec::{CameraSpec, PixelFormat};
use crate::error::Result;
use crate::rng::Stream;

/// A camera that writes colours, and on the side which object each pixel shows.
#[derive(Debug, Clone)]
pub struct ColorCamera {
    camera: Camera,
    mount: Mount,
    /// What is done to an ideal picture; `None` for a pinhole that writes RGB8, which is drawn in place.
    optics: Option<Optics>,
    ideal: Vec<u32>,
    objects: Vec<u32>,
}

impl ColorCamera {
    /// A pinhole camera of RGB8; `hfov` is the horizontal field of view, radians.
    ///
    /// # Errors
    /// Those of the render crate for sizes and angles out of range.
    pub fn new(width: u32, height: u32, hfov: f64, mount: Mount) -> Result<Self> {
        let camera = Camera::from_hfov(width, height, hfov)?;
        Ok(Self { camera, mount, optics: None, ideal: Vec::new(), objects: Vec::new() })
    }

    /// The camera of a specification; `noise` is the stream of its pixels. What the specification leaves at its default costs
    /// nothing.
    ///
    /// # Errors
    /// Those of the render crate for numbers out of range, and PG-1021 for a distortion that folds over.
    pub fn with_optics(spec: &CameraSpec, mount: Mount, noise: Stream) -> Result<Self> {
        let plain =
            CameraSpec { width: spec.width, height: spec.height, hfov: spec.hfov, ..Default::default() };
        let mut out = Self::new(spec.width, spec.height, spec.hfov, mount)?;
        if *spec != (CameraSpec { near: spec.near, far: spec.far, ..plain }) {
            let optics = Optics::new(spec, noise)?;
            out.camera = *optics.intrinsics();
            out.optics = Some(optics);
        }
        Ok(out)
    }

    /// Intrinsics; with distortion, of the pinhole in front of the lens.
    pub fn intrinsics(&self) -> &Camera {
        &self.camera
    }

    /// Distortion coefficients k1, k2, p1, p2, k3 of `plumb_bob`.
    pub fn distortion(&self) -> [f64; 5] {
        self.optics.as_ref().map_or([0.0; 5], Optics::distortion)
    }

    /// The format of its pixels.
    pub fn format(&self) -> PixelFormat {
        self.optics.as_ref().map_or(PixelFormat::Rgb8, Optics::format)
    }

    /// Where it sits.
    pub fn mount(&self) -> &Mount {
        &self.mount
    }

    /// Object ids of the last frame, one per pixel, where the lens shows them; empty if they were not asked for.
    pub fn objects(&self) -> &[u32] {
        &self.objects
    }

    /// Takes picture `index` of what is seen from a body that `at` tells of into `out` (rows from the top, no padding;
    /// [`ColorCamera::format`] has the bytes per pixel). Object ids are of the moment at which the exposure begins.
    ///
    /// # Errors
    /// Those of the render crate.
    pub fn shoot(
        &mut self,
        renderer: &mut Renderer,
        scene: &Scene,
        at: &Odometry,
        index: i64,
        out: &mut [u8],
        with_objects: bool,
    ) -> Result<()> {
        let pixels = self.camera.width as usize * self.camera.height as usize;
        self.objects.resize(if with_objects { pixels } else { 0 }, 0);
        let pose = self.mount.optical_in_world(&at.pose);
        let Some(optics) = &mut self.optics else {
            let object = with_objects.then_some(self.objects.as_mut_slice());
            let targets = Targets { rgb: Some(out), depth: None, object };
            return Ok(renderer.render(scene, &self.camera, &pose, targets)?);
        };
        optics.shoot(renderer, scene, at, &self.mount.optical_in_body(), index, out)?;
        if with_objects {
            objects(
                renderer,
                scene,
                (&self.camera, optics.lens()),
                &pose,
                &mut self.ideal,
                &mut self.objects,
            )?;
        }
        Ok(())
    }
}

/// Object ids per pixel, looked up through the lens if there is one. `ideal` is spare room.
///
/// # Errors
/// Those of the render crate.
pub(super) fn objects(
    renderer: &mut Renderer,
    scene: &Scene,
    (camera, lens): (&Camera, Option<&Lens>),
    pose: &Isometry3<f64>,
    ideal: &mut Vec<u32>,
    out: &mut [u32],
) -> Result<()> {
    let Some(lens) = lens else {
        return Ok(renderer.render(
            scene,
            camera,
            pose,
            Targets { object: Some(out), ..Default::default() },
        )?);
    };
    ideal.resize(lens.ideal().width as usize * lens.ideal().height as usize, 0);
    let targets = Targets { object: Some(ideal.as_mut_slice()), ..Default::default() };
    renderer.render(scene, lens.ideal(), pose, targets)?;
    lens.nearest(ideal, out);
    Ok(())
}
