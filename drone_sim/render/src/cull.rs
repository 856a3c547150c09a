//! What may be in view, found without asking everything there is.
//!
//! Instances that stand still are kept in clusters of neighbours, so that a view costs what is in it and one look at each
//! cluster. The outcome is a sorted list: how the clusters came about never shows in it.

use crate::scene::{Placed, SceneData};
use crate::view::View;
use nalgebra::Point3;

/// Instances of a cluster.
const CLUSTER: usize = 32;
/// Instances with a larger radius, metres, are looked at one by one: they would blow up their cluster.
const LARGE: f64 = 12.0;

#[derive(Debug)]
struct Cluster {
    centre: Point3<f64>,
    radius: f64,
    /// Radius of its largest instance.
    largest: f64,
    /// Where its members end in `Clusters::members`.
    end: usize,
}

/// The instances of a scene that stand still, by place.
#[derive(Debug, Default)]
pub(crate) struct Clusters {
    /// Of the scene that they were made of.
    version: Option<u64>,
    members: Vec<u32>,
    clusters: Vec<Cluster>,
    large: Vec<u32>,
    codes: Vec<(u64, u32)>,
}

/// Every second bit is taken by the other coordinate.
fn spread(v: u64) -> u64 {
    let mut v = v & 0xFFFF_FFFF;
    for (shift, mask) in [
        (16, 0x0000_FFFF_0000_FFFF),
        (8, 0x00FF_00FF_00FF_00FF),
        (4, 0x0F0F_0F0F_0F0F_0F0F),
        (2, 0x3333_3333_3333_3333),
        (1, 0x5555_5555_5555_5555),
    ] {
        v = (v | (v << shift)) & mask;
    }
    v
}

impl Clusters {
    fn update(&mut self, scene: &SceneData) {
        if self.version == Some(scene.version) {
            return;
        }
        self.version = Some(scene.version);
        let Self { members, clusters, large, codes, .. } = self;
        (members.clear(), clusters.clear(), large.clear(), codes.clear());
        for (index, placed) in scene.placed.iter().enumerate() {
            if placed.moves || !placed.visible {
                continue;
            }
            if placed.radius > LARGE {
                large.push(index as u32);
                continue;
            }
            // Cells of a metre; positions are within 1e7 m.
            let cell = |v: f64| (v + 2e7) as u64;
            let code = spread(cell(placed.centre.x)) | spread(cell(placed.centre.y)) << 1;
            codes.push((code, index as u32));
        }
        codes.sort_unstable();
        for group in codes.chunks(CLUSTER) {
            let placed = |&(_, index): &(u64, u32)| &scene.placed[index as usize];
            let bound = |start: f64, pick: fn(f64, f64) -> f64| {
                [0, 1, 2].map(|k| group.iter().map(|m| placed(m).centre[k]).fold(start, pick))
            };
            let (low, high) = (bound(f64::INFINITY, f64::min), bound(f64::NEG_INFINITY, f64::max));
            let centre = Point3::from([0, 1, 2].map(|k| (low[k] + high[k]) / 2.0));
            let reach = |p: &Placed| (p.centre - centre).norm() + p.radius;
            let radius = group.iter().map(|m| reach(placed(m))).fold(0.0, f64::max);
            let largest = group.iter().map(|m| placed(m).radius).fold(0.0, f64::max);
            members.extend(group.iter().map(|m| m.1));
            // A little more, so that rounding hides nothing.
            clusters.push(Cluster { centre, radius: radius * 1.000_001 + 1e-6, largest, end: members.len() });
        }
    }

    /// Lists what may be in view, nearest first: distance to the near side of its sphere as bits, instance.
    pub(crate) fn visible(&mut self, scene: &SceneData, view: &View, out: &mut Vec<(u32, u32)>) {
        self.update(scene);
        let frustum = Frustum::new(view);
        out.clear();
        let mut look = |index: u32| {
            let placed = &scene.placed[index as usize];
            let p = view.cam_from_world * placed.centre;
            if placed.visible && frustum.shows(&p, placed.radius, placed.radius) {
                let near = (p.coords.norm() - placed.radius).max(0.0) as f32;
                out.push((near.to_bits(), index));
            }
        };
        self.large.iter().chain(&scene.moving).for_each(|&index| look(index));
        let mut start = 0;
        for cluster in &self.clusters {
            if frustum.shows(&(view.cam_from_world * cluster.centre), cluster.radius, cluster.largest) {
                self.members[start..cluster.end].iter().for_each(|&index| look(index));
            }
            start = cluster.end;
        }
        out.sort_unstable();
    }
}

struct Frustum {
    /// Inward normals of the four sides, optical frame.
    sides: [[f64; 3]; 4],
    near: f64,
    far: f64,
    /// Radius over distance below which nothing is drawn.
    smallest: f64,
}

impl Frustum {
    fn new(view: &View) -> Self {
        let c = &view.camera;
        let (w, h) = (f64::from(c.width), f64::from(c.height));
        let side = |x: f64, y: f64, z: f64| {
            let n = (x * x + y * y + z * z).sqrt();
            [x / n, y / n, z / n]
        };
        Self {
            sides: [
                side(c.fx, 0.0, c.cx),
                side(-c.fx, 0.0, w - c.cx),
                side(0.0, c.fy, c.cy),
                side(0.0, -c.fy, h - c.cy),
            ],
            near: c.near_m,
            far: c.far_m,
            smallest: 0.2 / c.fx.max(c.fy),
        }
    }

    /// Whether something with a radius up to `largest` within `radius` of `p` may be seen.
    fn shows(&self, p: &Point3<f64>, radius: f64, largest: f64) -> bool {
        let outside = p.z + radius < self.near
            || p.z - radius > self.far
            || largest < self.smallest * (p.z - radius)
            || self.sides.iter().any(|n| n[0] * p.x + n[1] * p.y + n[2] * p.z < -radius);
        !outside
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;
    use crate::maths::Dice;
    use crate::{Camera, Instance, Material, Mesh, Scene, look_at};
    use nalgebra::Isometry3;

    #[test]
    fn clusters_find_what_a_look_at_everything_finds() {
        let mut scene = Scene::new();
        let mesh = scene.add_mesh(Mesh::cuboid([0.5; 3]));
        let wide = scene.add_mesh(Mesh::plane([90.0, 2.0], 30.0, 1.0));
        let matt = scene.add_material(Material::default()).unwrap();
        let mut dice = Dice::new(3);
        let mut ids = Vec::new();
        for i in 0..3000 {
            let at = [0; 3].map(|_| f64::from(dice.between(-200.0, 200.0)));
            let mesh = if i % 500 == 0 { wide } else { mesh };
            let pose = Isometry3::translation(at[0], at[1], at[2] / 10.0);
            ids.push(scene.add_instance(Instance::new(mesh, matt, pose)).unwrap());
        }
        for k in 0..50 {
            scene.set_visible(ids[k * 7], false).unwrap();
            scene.set_pose(ids[k * 11 + 1], Isometry3::translation(k as f64, 3.0, 1.0)).unwrap();
        }
        let camera = Camera::from_hfov(320, 240, 1.2).unwrap();
        let mut clusters = Clusters::default();
        let (mut found, mut most) = (Vec::new(), 0);
        for k in 0..12 {
            let angle = f64::from(k) * 0.6;
            let eye = Point3::new(f64::from(k) * 5.0, 0.0, 2.0);
            let pose = look_at(eye, eye + nalgebra::Vector3::new(angle.cos(), angle.sin(), 0.0));
            let view = View::new(&scene.data, &camera, &pose);
            clusters.visible(&scene.data, &view, &mut found);
            let frustum = Frustum::new(&view);
            let all = scene.data.placed.iter().enumerate().filter(|(_, p)| {
                p.visible && frustum.shows(&(view.cam_from_world * p.centre), p.radius, p.radius)
            });
            let mut wanted: Vec<u32> = all.map(|(i, _)| i as u32).collect();
            let mut got: Vec<u32> = found.iter().map(|f| f.1).collect();
            assert!(found.is_sorted(), "nearest first");
            (wanted.sort_unstable(), got.sort_unstable());
            assert_eq!(got, wanted);
            most = most.max(got.len());
        }
        assert!((200..2000).contains(&most), "{most}");
    }
}
