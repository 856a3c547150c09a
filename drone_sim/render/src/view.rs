//! What stays constant while one frame is drawn, computed once on the calling thread.

use crate::camera::Camera;
use crate::maths::{V3, unit};
use crate::scene::{Fog, SceneData, Sky};
use crate::shadow::ShadowView;
use nalgebra::{Isometry3, Matrix3, Vector3};

/// Side of a tile, pixels.
pub(crate) const TILE: usize = 64;
/// Pixels that are tested together.
pub(crate) const LANES: usize = 8;
/// Such blocks in a tile row.
pub(crate) const BLOCKS: usize = TILE / LANES;

#[derive(Clone, Debug)]
pub(crate) struct View {
    pub camera: Camera,
    pub cam_from_world: Isometry3<f64>,
    /// World from camera, rows.
    pub world_rows: [V3; 3],
    pub tiles: [usize; 2],
    pub rgb: bool,
    pub depth: bool,
    pub object: bool,
    pub antialias: bool,
    /// Unit vector towards the sun, world.
    pub to_sun: V3,
    pub sun: V3,
    pub ambient: V3,
    pub bounce: V3,
    pub sky: Sky,
    pub fog: Fog,
    pub shadow: Option<ShadowView>,
    pub inv_f: [f32; 2],
    pub c: [f32; 2],
}

impl View {
    pub(crate) fn new(scene: &SceneData, camera: &Camera, pose: &Isometry3<f64>) -> Self {
        let rotation: Matrix3<f64> = pose.rotation.to_rotation_matrix().into_inner();
        let row = |k: usize| [0, 1, 2].map(|j| rotation[(k, j)] as f32);
        let tile = |n: u32| (n as usize).div_ceil(TILE);
        let d: Vector3<f64> = -scene.sun.direction;
        Self {
            camera: *camera,
            cam_from_world: pose.inverse(),
            world_rows: [row(0), row(1), row(2)],
            tiles: [tile(camera.width), tile(camera.height)],
            rgb: false,
            depth: false,
            object: false,
            antialias: false,
            to_sun: unit([d.x as f32, d.y as f32, d.z as f32]),
            sun: scene.sun.colour,
            ambient: scene.sun.ambient,
            bounce: scene.sun.ambient.map(|c| c * 0.33),
            sky: scene.sky,
            fog: scene.fog,
            shadow: None,
            inv_f: [(1.0 / camera.fx) as f32, (1.0 / camera.fy) as f32],
            c: [camera.cx as f32, camera.cy as f32],
        }
    }

    #[inline(always)]
    pub(crate) fn to_world(&self, v: V3) -> V3 {
        let r = &self.world_rows;
        [
            r[0][0] * v[0] + r[0][1] * v[1] + r[0][2] * v[2],
            r[1][0] * v[0] + r[1][1] * v[1] + r[1][2] * v[2],
            r[2][0] * v[0] + r[2][1] * v[1] + r[2][2] * v[2],
        ]
    }
}
