//! Where labelled things and trees really are in the colour image.

use nalgebra::{Isometry3, Point3};
use peregrine_render::{BoxFinder, Camera, ObjectBox};

use super::camera::ColorCamera;
use crate::error::Result;
use crate::scenario::{ThingKind, World};

/// One labelled thing in one image.
#[derive(Debug, Clone, PartialEq)]
pub struct TruthBox {
    /// Object id in the world.
    pub object: u32,
    /// COCO class name, or `tree`.
    pub label: String,
    /// Left, top, width, height of what is seen, pixels.
    pub seen: [f64; 4],
    /// Share of the thing's box that is seen, 0 to 1.
    pub visible_fraction: f64,
    /// The thing's frame origin in the optical frame, metres.
    pub position: Point3<f64>,
}

/// Finds the boxes of every labelled thing; keep one per camera.
#[derive(Debug, Clone, Default)]
pub struct Truths {
    finder: BoxFinder,
    found: Vec<ObjectBox>,
}

/// Fewer visible pixels than this are no box.
const LEAST_PIXELS: u32 = 24;

impl Truths {
    /// Boxes in the frame that `camera` shot last with objects, from a body at `body`.
    ///
    /// # Errors
    /// Those of the render crate.
    pub fn find(
        &mut self,
        camera: &ColorCamera,
        world: &World,
        body: &Isometry3<f64>,
    ) -> Result<Vec<TruthBox>> {
        let pose = camera.mount().optical_in_world(body);
        let intrinsics: &Camera = camera.intrinsics();
        let objects = camera.objects();
        self.finder.find(&world.scene, intrinsics, &pose, objects, None, LEAST_PIXELS, &mut self.found)?;
        let boxes = self.found.iter().filter_map(|b| {
            let thing = world.thing(b.object)?;
            let label = if thing.kind == ThingKind::Tree { "tree" } else { thing.label.as_str() };
            if label.is_empty() {
                return None;
            }
            let [left, top, right, bottom] = b.visible.map(f64::from);
            Some(TruthBox {
                object: b.object,
                label: label.to_string(),
                seen: [left, top, right - left, bottom - top],
                visible_fraction: b.visible_fraction,
                position: pose.inverse_transform_point(&thing.pose.translation.vector.into()),
            })
        });
        Ok(boxes.collect())
    }
}
