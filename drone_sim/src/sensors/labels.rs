//! What each pixel shows, by label: the segmentation camera and the bounding-box camera of Gazebo.
//!
//! A label is a number: that of the Label plugin where a file gives one, else the COCO class plus one, 0 for what has none.

use nalgebra::{Isometry3, UnitQuaternion};
use peregrine_render::{BoxFinder, Camera, ObjectBox, OrientedBox, Renderer, Scene};

use super::camera::objects;
use super::optics::Lens;
use super::spec::{BoxKind, CameraSpec};
use crate::error::Result;

/// Fewer visible pixels than this are no box.
const LEAST_PIXELS: u32 = 4;

/// A turned box around one labelled thing, hidden and cut off parts too.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct TurnedBox {
    /// Its label.
    pub label: u16,
    /// Object id in the world.
    pub object: u32,
    /// Its middle and axes in Gazebo's frame of cameras: x right, y up, z backward, metres.
    pub pose: Isometry3<f64>,
    /// Edge lengths along its axes, metres.
    pub size: [f64; 3],
}

/// A camera that sees labels.
#[derive(Debug, Clone)]
pub struct LabelEye {
    camera: Camera,
    lens: Option<Lens>,
    instances: bool,
    kind: BoxKind,
    ideal: Vec<u32>,
    objects: Vec<u32>,
    /// Label and, among the things of that label, number; by object id.
    table: Vec<(u16, u16)>,
    /// The layout of the scene that the table was made of.
    layout: Option<u64>,
    /// Things of each label; spare room.
    counts: Vec<u16>,
    finder: BoxFinder,
    found: Vec<ObjectBox>,
    turned: Vec<OrientedBox>,
}

/// One labelled thing in one image.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct SeenBox {
    /// Its label.
    pub label: u16,
    /// Object id in the world.
    pub object: u32,
    /// Left, top, width, height, pixels: of what is seen, or of the whole thing.
    pub area: [f64; 4],
}

impl LabelEye {
    /// The camera of a specification.
    ///
    /// # Errors
    /// Those of the render crate, and PG-1021 for a distortion that folds over.
    pub fn new(spec: &CameraSpec) -> Result<Self> {
        let camera = spec.pinhole()?.with_range(spec.near, spec.far);
        camera.validate()?;
        let lens = Lens::new(&camera, &spec.distortion)?;
        Ok(Self {
            camera,
            lens,
            instances: spec.instances,
            kind: spec.boxes,
            ideal: Vec::new(),
            objects: Vec::new(),
            table: Vec::new(),
            layout: None,
            counts: Vec::new(),
            finder: BoxFinder::new(),
            found: Vec::new(),
            turned: Vec::new(),
        })
    }

    /// Intrinsics.
    pub fn intrinsics(&self) -> &Camera {
        &self.camera
    }

    /// Looks at `scene` from the optical frame at `optical` in the world.
    ///
    /// # Errors
    /// Those of the render crate.
    pub fn look(&mut self, renderer: &mut Renderer, scene: &Scene, optical: &Isometry3<f64>) -> Result<()> {
        self.objects.resize(self.camera.width as usize * self.camera.height as usize, 0);
        let by = (&self.camera, self.lens.as_ref());
        objects(renderer, scene, by, optical, &mut self.ideal, &mut self.objects)?;
        self.number(scene);
        Ok(())
    }

    /// Gazebo counts the things of a label from 1. Things do not change their labels, so a table serves until there are
    /// others.
    fn number(&mut self, scene: &Scene) {
        if self.layout == Some(scene.layout()) {
            return;
        }
        self.layout = Some(scene.layout());
        self.table.clear();
        for instance in scene.instances() {
            let at = instance.object as usize;
            if self.table.len() <= at {
                self.table.resize(at + 1, (0, 0));
            }
            if instance.object != 0 {
                self.table[at].0 = self.table[at].0.max(instance.class);
            }
        }
        let labels = self.table.iter().map(|(label, _)| usize::from(*label) + 1).max();
        self.counts.clear();
        self.counts.resize(labels.unwrap_or(0), 0);
        for (label, number) in self.table.iter_mut().filter(|(label, _)| *label != 0) {
            let count = &mut self.counts[usize::from(*label)];
            *count = count.saturating_add(1);
            *number = *count;
        }
    }

    /// What `<box_type>` says.
    pub fn kind(&self) -> BoxKind {
        self.kind
    }

    fn of(&self, object: u32) -> (u16, u16) {
        self.table.get(object as usize).copied().unwrap_or_default()
    }

    /// Three bytes a pixel of what was looked at last: the label three times; with instances the label, then the instance's
    /// number, high byte first.
    pub fn labels(&self, out: &mut [u8]) {
        for (to, object) in out.as_chunks_mut::<3>().0.iter_mut().zip(&self.objects) {
            let (label, number) = self.of(*object);
            let label = u8::try_from(label).unwrap_or(u8::MAX);
            let [high, low] = number.to_be_bytes();
            *to = if self.instances { [label, high, low] } else { [label; 3] };
        }
    }

    /// The same in colours that people can tell apart; black has no label.
    pub fn colours(&self, out: &mut [u8]) {
        for (to, object) in out.as_chunks_mut::<3>().0.iter_mut().zip(&self.objects) {
            let (label, number) = self.of(*object);
            let shade = if self.instances { number } else { 0 };
            *to = if label == 0 { [0; 3] } else { colour(u32::from(label) + 97 * u32::from(shade)) };
        }
    }

    /// The labelled things that are seen in what was looked at last, in order of object id, into `out` (cleared first).
    ///
    /// # Errors
    /// Those of the render crate.
    pub fn boxes(&mut self, scene: &Scene, optical: &Isometry3<f64>, out: &mut Vec<SeenBox>) -> Result<()> {
        out.clear();
        let (finder, found) = (&mut self.finder, &mut self.found);
        finder.find(scene, &self.camera, optical, &self.objects, None, LEAST_PIXELS, found)?;
        out.extend(self.found.iter().filter_map(|b| {
            let (label, _) = self.of(b.object);
            // The whole thing is projected without the lens, so it is only asked of a lens that does not distort.
            let whole = self.kind == BoxKind::Full && self.lens.is_none();
            let [left, top, right, bottom] = if whole { b.full } else { b.visible.map(f64::from) };
            let area = [left, top, right - left, bottom - top];
            (label != 0).then_some(SeenBox { label, object: b.object, area })
        }));
        Ok(())
    }

    /// Turned boxes around the same things, into `out` (cleared first).
    ///
    /// # Errors
    /// Those of the render crate.
    pub fn turned(
        &mut self,
        scene: &Scene,
        optical: &Isometry3<f64>,
        out: &mut Vec<TurnedBox>,
    ) -> Result<()> {
        out.clear();
        let (finder, found) = (&mut self.finder, &mut self.found);
        finder.find(scene, &self.camera, optical, &self.objects, None, LEAST_PIXELS, found)?;
        finder.oriented(scene, found, &mut self.turned);
        let in_view = (optical * gazebo_from_optical()).inverse();
        out.extend(self.turned.iter().filter_map(|b| {
            let (label, _) = self.of(b.object);
            let turned = TurnedBox { label, object: b.object, pose: in_view * b.pose, size: b.size };
            (label != 0).then_some(turned)
        }));
        Ok(())
    }
}

/// Gazebo's frame of 3D boxes (x right, y up, z backward) in the optical one (x right, y down, z forward): half a turn about x.
fn gazebo_from_optical() -> UnitQuaternion<f64> {
    UnitQuaternion::from_quaternion(nalgebra::Quaternion::new(0.0, 1.0, 0.0, 0.0))
}

/// Bright colours, neighbours far apart: steps of the golden angle around the colour wheel.
fn colour(number: u32) -> [u8; 3] {
    let hue = (f64::from(number) * 0.618_033_988_75).fract() * 6.0;
    let channel = |shift: f64| {
        let x = ((hue + shift) % 6.0 - 3.0).abs() - 1.0;
        (60.0 + 195.0 * x.clamp(0.0, 1.0)) as u8
    };
    [channel(0.0), channel(4.0), channel(2.0)]
}

#[cfg(test)]
mod tests {
    use nalgebra::Translation3;
    use peregrine_render::{Instance, Material, Mesh, optical_from_body};

    use super::*;

    /// Two balls of label 7 and one of label 300 ahead, one without a label below.
    fn scene() -> Scene {
        let mut scene = Scene::new();
        let mesh = scene.add_mesh(Mesh::sphere(0.5, 24));
        let white = scene.add_material(Material::matt([1.0; 3])).unwrap();
        for (object, class, y, z) in
            [(1, 7, 2.0, 0.0), (2, 300, 0.0, 0.0), (3, 0, 0.0, -2.0), (4, 7, -2.0, 0.0)]
        {
            let at = Isometry3::translation(6.0, y, z);
            scene.add_instance(Instance::new(mesh, white, at).labelled(object, class)).unwrap();
        }
        scene
    }

    fn look(spec: &CameraSpec) -> (LabelEye, Scene, Isometry3<f64>) {
        let (scene, mut eye) = (scene(), LabelEye::new(spec).unwrap());
        let optical = Isometry3::from_parts(Translation3::identity(), optical_from_body());
        eye.look(&mut Renderer::new(1).unwrap(), &scene, &optical).unwrap();
        (eye, scene, optical)
    }

    /// The column where a thing `y` metres to the left at 6 m is seen, in the middle row.
    fn at(eye: &LabelEye, y: f64) -> usize {
        let c = eye.intrinsics();
        (c.height as usize / 2 * c.width as usize + (c.cx - c.fx * y / 6.0) as usize) * 3
    }

    #[test]
    fn labels_are_those_of_the_things_seen() {
        let (eye, ..) = look(&CameraSpec::default());
        let mut map = vec![9; 320 * 240 * 3];
        eye.labels(&mut map);
        let pixel = |at: usize| [map[at], map[at + 1], map[at + 2]];
        assert_eq!([pixel(at(&eye, 2.0)), pixel(at(&eye, -2.0)), pixel(0)], [[7; 3], [7; 3], [0; 3]]);
        assert_eq!(pixel(at(&eye, 0.0)), [255; 3], "a byte holds no more");
        let low = at(&eye, 0.0) + (eye.intrinsics().fy * 2.0 / 6.0) as usize * 320 * 3;
        assert_eq!(pixel(low), [0; 3], "seen, but without a label");
        let mut colours = vec![0; 320 * 240 * 3];
        eye.colours(&mut colours);
        assert_eq!(colours[at(&eye, 2.0)..][..3], colours[at(&eye, -2.0)..][..3]);
        assert_ne!(colours[at(&eye, 2.0)..][..3], colours[at(&eye, 0.0)..][..3]);
    }

    #[test]
    fn instances_of_a_label_are_counted() {
        let (eye, ..) = look(&CameraSpec { instances: true, ..CameraSpec::default() });
        let mut map = vec![9; 320 * 240 * 3];
        eye.labels(&mut map);
        let pixel = |at: usize| [map[at], map[at + 1], map[at + 2]];
        assert_eq!([pixel(at(&eye, 2.0)), pixel(at(&eye, -2.0))], [[7, 0, 1], [7, 0, 2]]);
    }

    #[test]
    fn boxes_lie_around_what_is_seen() {
        let (mut eye, scene, optical) = look(&CameraSpec::default());
        let mut boxes = Vec::new();
        eye.boxes(&scene, &optical, &mut boxes).unwrap();
        assert_eq!(boxes.iter().map(|b| (b.object, b.label)).collect::<Vec<_>>(), [(1, 7), (2, 300), (4, 7)]);
        let (fx, [left, _, width, height]) = (eye.intrinsics().fx, boxes[1].area);
        // The silhouette of a ball: its tangent cone.
        let radius = fx * 0.5 / (36.0_f64 - 0.25).sqrt();
        assert!((width - 2.0 * radius).abs() < 2.0 && (height - 2.0 * radius).abs() < 2.0, "{:?}", boxes[1]);
        assert!((left + width / 2.0 - 160.0).abs() < 1.0);
    }
}
