//! Ground-truth boxes from the object target.

use crate::camera::Camera;
use crate::error::Result;
use crate::scene::Scene;
use nalgebra::{Isometry3, Point3, Translation3};

/// What one object looks like in one image.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ObjectBox {
    /// `Instance::object`.
    pub object: u32,
    /// `Instance::class`.
    pub class: u16,
    /// Pixels in which it is seen.
    pub pixels: u32,
    /// Tight box around those pixels: left, top (inclusive), right, bottom (exclusive), pixels.
    pub visible: [u32; 4],
    /// Box around the whole object as projected, occluded and beyond the border too, pixels: left, top, right, bottom.
    /// Equal to `visible` where a part lies behind the near plane.
    pub full: [f64; 4],
    /// Share of `full`'s area that `visible` covers, 0 to 1: an estimate of how much is hidden or cut off.
    pub visible_fraction: f64,
    /// Smallest depth seen, metres, if a depth image was given; else NaN.
    pub depth_m: f32,
}

/// A box around a whole object, turned as the object is.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct OrientedBox {
    /// `Instance::object`.
    pub object: u32,
    /// `Instance::class`.
    pub class: u16,
    /// Its middle and its axes (those of the object's first instance) in the world.
    pub pose: Isometry3<f64>,
    /// Full edge lengths along its axes, metres.
    pub size: [f64; 3],
}

/// Finds the boxes of all labelled objects that are seen, in order of object id, into `out` (cleared first; no
/// allocation once it and `finder` have grown). `objects`, and `depth` if given, are the targets of the same frame.
#[derive(Clone, Debug, Default)]
pub struct BoxFinder {
    /// Object ids that have instances, sorted, and their class.
    known: Vec<(u32, u16)>,
    seen: Vec<Seen>,
}

#[derive(Clone, Copy, Debug)]
struct Seen {
    pixels: u32,
    area: [u32; 4],
    depth: f32,
    full: [f64; 4],
    behind: bool,
}

const UNSEEN: Seen = Seen {
    pixels: 0,
    area: [u32::MAX, u32::MAX, 0, 0],
    depth: f32::INFINITY,
    full: [f64::INFINITY, f64::INFINITY, f64::NEG_INFINITY, f64::NEG_INFINITY],
    behind: false,
};

impl BoxFinder {
    /// An empty finder; keep one per camera.
    pub fn new() -> Self {
        Self::default()
    }

    /// Fills `out`; see [`ObjectBox`]. Objects with fewer than `min_pixels` visible pixels are left out. Errors: PG-0903
    /// when a buffer does not match the camera.
    #[allow(clippy::too_many_arguments)]
    pub fn find(
        &mut self,
        scene: &Scene,
        camera: &Camera,
        pose: &Isometry3<f64>,
        objects: &[u32],
        depth: Option<&[f32]>,
        min_pixels: u32,
        out: &mut Vec<ObjectBox>,
    ) -> Result {
        out.clear();
        let pixels = camera.width as usize * camera.height as usize;
        for (target, got) in [("object", objects.len()), ("depth", depth.map_or(pixels, <[f32]>::len))] {
            if got != pixels {
                return Err(crate::RenderError::TargetSize {
                    target,
                    got,
                    expected: pixels,
                    width: camera.width,
                    height: camera.height,
                    per_pixel: "",
                });
            }
        }
        self.known.clear();
        self.known.extend(scene.instances().filter(|i| i.object != 0).map(|i| (i.object, i.class)));
        self.known.sort_unstable();
        self.known.dedup_by_key(|k| k.0);
        self.seen.clear();
        self.seen.resize(self.known.len(), UNSEEN);
        self.scan(camera, objects, depth);
        self.project(scene, camera, pose);
        for (&(object, class), seen) in self.known.iter().zip(&self.seen) {
            if seen.pixels < min_pixels.max(1) {
                continue;
            }
            let visible = seen.area;
            let tight = visible.map(f64::from);
            let full = if seen.behind { tight } else { seen.full };
            let area = |b: [f64; 4]| (b[2] - b[0]).max(0.0) * (b[3] - b[1]).max(0.0);
            let visible_fraction = (area(tight) / area(full).max(1.0)).min(1.0);
            let depth_m = if depth.is_some() { seen.depth } else { f32::NAN };
            out.push(ObjectBox {
                object,
                class,
                pixels: seen.pixels,
                visible,
                full,
                visible_fraction,
                depth_m,
            });
        }
        Ok(())
    }

    /// Boxes in 3D around the objects that [`find`](Self::find) found last, in the same order, into `out` (cleared first).
    /// Hidden and cut off parts count.
    pub fn oriented(&self, scene: &Scene, found: &[ObjectBox], out: &mut Vec<OrientedBox>) {
        out.clear();
        let empty = OrientedBox { object: 0, class: 0, pose: Isometry3::identity(), size: [f64::NAN; 3] };
        out.extend(found.iter().map(|f| OrientedBox { object: f.object, class: f.class, ..empty }));
        for (slot, found) in out.iter_mut().zip(found) {
            let (mut low, mut high) = ([f64::INFINITY; 3], [f64::NEG_INFINITY; 3]);
            let mut frame: Option<Isometry3<f64>> = None;
            for placed in scene.data.placed.iter().filter(|p| p.instance.object == found.object && p.visible)
            {
                let instance = &placed.instance;
                let to_frame = frame.get_or_insert(instance.pose).inverse() * instance.pose;
                let s = instance.scale;
                for v in &scene.data.meshes[instance.mesh.0 as usize].positions {
                    let v = v.map(f64::from);
                    let p = to_frame * Point3::new(v[0] * s.x, v[1] * s.y, v[2] * s.z);
                    for k in 0..3 {
                        (low[k], high[k]) = (low[k].min(p[k]), high[k].max(p[k]));
                    }
                }
            }
            let middle = Translation3::from([0, 1, 2].map(|k| (low[k] + high[k]) / 2.0));
            slot.pose = frame.unwrap_or_default() * middle;
            slot.size = [0, 1, 2].map(|k| high[k] - low[k]);
        }
    }

    fn scan(&mut self, camera: &Camera, objects: &[u32], depth: Option<&[f32]>) {
        let width = camera.width as usize;
        let (mut last, mut slot) = (0, 0);
        for (y, row) in objects.chunks_exact(width).enumerate() {
            for (x, &object) in row.iter().enumerate() {
                if object == 0 {
                    continue;
                }
                if object != last {
                    let Ok(found) = self.known.binary_search_by_key(&object, |k| k.0) else { continue };
                    (last, slot) = (object, found);
                }
                let seen = &mut self.seen[slot];
                let (x32, y32) = (x as u32, y as u32);
                let a = seen.area;
                seen.area = [a[0].min(x32), a[1].min(y32), a[2].max(x32 + 1), a[3].max(y32 + 1)];
                seen.pixels += 1;
                if let Some(depth) = depth {
                    seen.depth = seen.depth.min(depth[y * width + x]);
                }
            }
        }
    }

    fn project(&mut self, scene: &Scene, camera: &Camera, pose: &Isometry3<f64>) {
        let inverse = pose.inverse();
        for placed in &scene.data.placed {
            let instance = &placed.instance;
            let Ok(slot) = self.known.binary_search_by_key(&instance.object, |k| k.0) else { continue };
            let seen = &mut self.seen[slot];
            if seen.pixels == 0 || seen.behind || !placed.visible {
                continue;
            }
            let to_camera = inverse * instance.pose;
            let s = instance.scale;
            for v in &scene.data.meshes[instance.mesh.0 as usize].positions {
                let v = v.map(f64::from);
                let p = to_camera * Point3::new(v[0] * s.x, v[1] * s.y, v[2] * s.z);
                let Some([x, y]) = camera.project(&p).filter(|_| p.z >= camera.near_m) else {
                    seen.behind = true;
                    break;
                };
                let f = seen.full;
                seen.full = [f[0].min(x), f[1].min(y), f[2].max(x), f[3].max(y)];
            }
        }
    }
}
