//! Taking instances out of a scene, with what was there for them alone.
//!
//! Invariant: what stays keeps its order and its looks; every number in the scene means the same thing as before under its new number.

use std::sync::Arc;

use crate::scene::{InstanceId, MaterialId, MeshId, Scene, SceneData, TextureId, next_version};

/// The new handles of what stayed when other instances were taken out.
#[derive(Clone, Debug, Default)]
pub struct Renumbered(Vec<Option<InstanceId>>);

impl Renumbered {
    /// The handle of an instance now; `None` if it was taken out.
    pub fn instance(&self, before: InstanceId) -> Option<InstanceId> {
        self.0.get(before.0 as usize).copied().flatten()
    }
}

impl Scene {
    /// Takes out the instances that carry one of these ground-truth ids, and the meshes, materials and textures that only they had.
    /// Handles change: those of instances as the answer says; those of meshes, materials and textures from before are void.
    pub fn remove(&mut self, objects: &[u32]) -> Renumbered {
        let gone: Vec<bool> = self.instances().map(|i| objects.contains(&i.object)).collect();
        if !gone.contains(&true) {
            let same = (0..gone.len() as u32).map(|i| Some(InstanceId(i)));
            return Renumbered(same.collect());
        }
        let data = Arc::make_mut(&mut self.data);
        let stays = Stays::of(data, &gone);
        let numbers = keep(&mut data.placed, &gone.iter().map(|gone| !gone).collect::<Vec<_>>());
        data.moving.retain(|i| !gone[*i as usize]);
        data.moving.iter_mut().for_each(|i| *i = numbers[*i as usize]);
        let meshes = keep(&mut data.meshes, &stays.meshes);
        keep(&mut data.coarse, &stays.meshes);
        for coarse in data.coarse.iter_mut().flatten() {
            coarse.mesh = MeshId(meshes[coarse.mesh.0 as usize]);
        }
        let materials = keep(&mut data.materials, &stays.materials);
        let textures = keep(&mut data.textures, &stays.textures);
        for material in &mut data.materials {
            for texture in material.texture.iter_mut().chain(&mut material.detail) {
                *texture = TextureId(textures[texture.0 as usize]);
            }
        }
        for placed in &mut data.placed {
            let instance = &mut placed.instance;
            instance.mesh = MeshId(meshes[instance.mesh.0 as usize]);
            instance.material = MaterialId(materials[instance.material.0 as usize]);
        }
        data.version = next_version();
        let new = gone.iter().zip(numbers).map(|(gone, number)| (!gone).then_some(InstanceId(number)));
        Renumbered(new.collect())
    }
}

/// What of each kind stays.
struct Stays {
    meshes: Vec<bool>,
    materials: Vec<bool>,
    textures: Vec<bool>,
}

impl Stays {
    /// What no instance needs, and none of those that go ever did, is not ours to take away.
    fn of(data: &SceneData, gone: &[bool]) -> Self {
        let mut out = Self {
            meshes: vec![true; data.meshes.len()],
            materials: vec![true; data.materials.len()],
            textures: vec![true; data.textures.len()],
        };
        // First what those that go have, then back what others have too.
        for wanted in [true, false] {
            for (placed, _) in data.placed.iter().zip(gone).filter(|(_, gone)| **gone == wanted) {
                out.materials[placed.instance.material.0 as usize] = !wanted;
                follow(data, placed.instance.mesh, |mesh| out.meshes[mesh] = !wanted);
            }
        }
        for mesh in 0..data.meshes.len() {
            if out.meshes[mesh] {
                follow(data, MeshId(mesh as u32), |mesh| out.meshes[mesh] = true);
            }
        }
        for wanted in [false, true] {
            let some = data.materials.iter().zip(&out.materials).filter(|(_, stays)| **stays == wanted);
            for texture in some.flat_map(|(m, _)| m.texture.iter().chain(&m.detail)) {
                out.textures[texture.0 as usize] = wanted;
            }
        }
        out
    }
}

/// A mesh and those that stand for it from afar; the bound only guards against a circle.
fn follow(data: &SceneData, mesh: MeshId, mut see: impl FnMut(usize)) {
    let mut at = Some(mesh);
    for _ in 0..8 {
        let Some(mesh) = at else { return };
        see(mesh.0 as usize);
        at = data.coarse[mesh.0 as usize].as_ref().map(|coarse| coarse.mesh);
    }
}

/// Leaves in what stays, and says the new number of each.
fn keep<T>(all: &mut Vec<T>, stays: &[bool]) -> Vec<u32> {
    let mut next = 0;
    let numbers = stays.iter().map(|stays| {
        let number = next;
        next += u32::from(*stays);
        number
    });
    let numbers = numbers.collect();
    let mut stays = stays.iter();
    all.retain(|_| stays.next().copied().unwrap_or(true));
    numbers
}

#[cfg(test)]
mod tests {
    use nalgebra::{Isometry3, Point3};

    use crate::{Camera, Instance, Material, Mesh, Renderer, Scene, Targets, Texture, look_at};

    fn shot(scene: &Scene) -> Vec<u8> {
        let mut renderer = Renderer::new(1).unwrap();
        let camera = Camera::from_hfov(96, 64, 1.2).unwrap();
        let pose = look_at(Point3::new(-6.0, 0.0, 2.0), Point3::new(0.0, 0.0, 0.5));
        let mut rgb = vec![0; 96 * 64 * 3];
        let targets = Targets { rgb: Some(&mut rgb), depth: None, object: None };
        renderer.render(scene, &camera, &pose, targets).unwrap();
        rgb
    }

    /// A ball (with its coarser meshes) under a texture of its own.
    fn ball(scene: &mut Scene, x: f64, y: f64, object: u32) -> crate::InstanceId {
        let shade = object as u8 * 40;
        let texture = scene.add_texture(Texture::from_rgba8(1, 1, &[shade, 255 - shade, 90, 255]).unwrap());
        let material =
            scene.add_material(Material { texture: Some(texture), ..Material::default() }).unwrap();
        let mesh = scene.add_mesh(Mesh::sphere(0.5, 24));
        let at = Isometry3::translation(x, y, 0.5);
        scene.add_instance(Instance::new(mesh, material, at).labelled(object, 0)).unwrap()
    }

    fn sizes(scene: &Scene) -> [usize; 5] {
        let d = &scene.data;
        [d.meshes.len(), d.coarse.len(), d.textures.len(), d.materials.len(), d.placed.len()]
    }

    #[test]
    fn what_is_taken_out_leaves_nothing_behind_and_the_rest_looks_the_same() {
        let mut scene = Scene::new();
        ball(&mut scene, 0.0, -1.5, 1);
        let (mut wanted, last) = (scene.clone(), ball(&mut scene, 0.5, 0.0, 2));
        let moved = ball(&mut scene, 0.0, 1.5, 3);
        scene.set_pose(moved, Isometry3::translation(0.0, 1.5, 1.0)).unwrap();
        let other = ball(&mut wanted, 0.0, 1.5, 3);
        wanted.set_pose(other, Isometry3::translation(0.0, 1.5, 1.0)).unwrap();
        assert_ne!(shot(&scene), shot(&wanted));
        let new = scene.remove(&[2]);
        assert_eq!((new.instance(last), new.instance(moved)), (None, Some(other)));
        assert_eq!(sizes(&scene), sizes(&wanted));
        assert_eq!(shot(&scene), shot(&wanted));
        // The handle still moves the same ball.
        let moved = new.instance(moved).unwrap();
        for scene in [&mut scene, &mut wanted] {
            scene.set_pose(moved, Isometry3::translation(0.0, 1.0, 0.5)).unwrap();
        }
        assert_eq!(shot(&scene), shot(&wanted));
    }

    #[test]
    fn what_others_have_too_stays() {
        let mut scene = Scene::new();
        let first = ball(&mut scene, 0.0, -1.0, 1);
        let shared = *scene.instance(first).unwrap();
        let second = Instance { object: 2, pose: Isometry3::translation(0.0, 1.0, 0.5), ..shared };
        scene.add_instance(second).unwrap();
        let [meshes, coarse, textures, materials, _] = sizes(&scene);
        scene.remove(&[1]);
        assert_eq!(sizes(&scene), [meshes, coarse, textures, materials, 1]);
        assert_eq!(scene.remove(&[9]).instance(crate::InstanceId(0)), Some(crate::InstanceId(0)));
        scene.remove(&[2]);
        assert_eq!(sizes(&scene), [0; 5]);
    }
}
