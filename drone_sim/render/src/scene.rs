//! What there is to see: meshes, textures, materials and instances of them, plus light, sky and fog.
//!
//! A `Scene` is copy-on-write inside (an `Arc`), so that worker threads read it without copying and without `unsafe`.

use crate::error::{RenderError, Result};
use crate::maths::V3;
use crate::mesh::Mesh;
use crate::texture::Texture;
use nalgebra::{Isometry3, Point3, Vector3};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// Scene versions are unique in the process, so that a cached shadow map is never taken for another scene's.
static VERSIONS: AtomicU64 = AtomicU64::new(1);

pub(crate) fn next_version() -> u64 {
    VERSIONS.fetch_add(1, Ordering::Relaxed)
}

/// Handle of a mesh in a scene.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct MeshId(pub(crate) u32);
/// Handle of a texture in a scene.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct TextureId(pub(crate) u32);
/// Handle of a material in a scene.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct MaterialId(pub(crate) u32);
/// Handle of an instance in a scene.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct InstanceId(pub(crate) u32);

/// How a surface answers light. Colours are linear light, 0 to 1.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Material {
    /// Base colour; multiplies texture and vertex colour.
    pub diffuse: [f32; 3],
    /// Base colour texture.
    pub texture: Option<TextureId>,
    /// A second texture that multiplies the first by twice its value, at `detail_scale` times the first one's
    /// coordinates: breaks up visible repetition on large grounds.
    pub detail: Option<TextureId>,
    /// Coordinates of `detail` relative to those of `texture`.
    pub detail_scale: f32,
    /// Strength of the highlight, 0 (matt) to 1.
    pub specular: f32,
    /// Sharpness of the highlight: the exponent is two to this power, 0 to 10.
    pub sharpness: u32,
    /// Share of the sky seen mirrored at normal incidence, 0 to 1; grows towards grazing angles.
    pub reflective: f32,
    /// Light given off, linear.
    pub emissive: [f32; 3],
    /// Softens the terminator, 0 (hard matter) to 1 (foliage that light passes through).
    pub wrap: f32,
    /// Show base colour as it is, without light and shadow.
    pub unlit: bool,
    /// Draw back faces too.
    pub two_sided: bool,
    /// Throws a shadow.
    pub casts_shadow: bool,
}

impl Default for Material {
    fn default() -> Self {
        Self {
            diffuse: [0.8; 3],
            texture: None,
            detail: None,
            detail_scale: 0.1,
            specular: 0.0,
            sharpness: 5,
            reflective: 0.0,
            emissive: [0.0; 3],
            wrap: 0.0,
            unlit: false,
            two_sided: false,
            casts_shadow: true,
        }
    }
}

impl Material {
    /// A matt material of one colour (linear light).
    pub fn matt(diffuse: [f32; 3]) -> Self {
        Self { diffuse, ..Self::default() }
    }
}

/// One placed object.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Instance {
    /// Shape.
    pub mesh: MeshId,
    /// Surface.
    pub material: MaterialId,
    /// Pose of the mesh frame in the world (ENU, metres).
    pub pose: Isometry3<f64>,
    /// Scale along the mesh's axes, above 0.
    pub scale: Vector3<f64>,
    /// Ground-truth id written to the object target; 0 means "none". Parts of one thing share an id.
    pub object: u32,
    /// Ground-truth class, free for the caller.
    pub class: u16,
}

impl Instance {
    /// An instance at unit scale.
    pub fn new(mesh: MeshId, material: MaterialId, pose: Isometry3<f64>) -> Self {
        Self { mesh, material, pose, scale: Vector3::repeat(1.0), object: 0, class: 0 }
    }

    /// The same instance with a ground-truth id and class.
    #[must_use]
    pub fn labelled(mut self, object: u32, class: u16) -> Self {
        (self.object, self.class) = (object, class);
        self
    }

    /// The same instance with a scale.
    #[must_use]
    pub fn scaled(mut self, scale: Vector3<f64>) -> Self {
        self.scale = scale;
        self
    }
}

/// Directional light and the ambient light around it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Sun {
    /// Where the light travels (world ENU), any length; z should be negative.
    pub direction: Vector3<f64>,
    /// Colour times strength of direct light, linear; about 1 to 4.
    pub colour: [f32; 3],
    /// Light from the upper hemisphere, linear; the lower one reflects a third of it.
    pub ambient: [f32; 3],
}

impl Default for Sun {
    fn default() -> Self {
        Self {
            direction: Vector3::new(-0.55, 0.45, -0.75),
            colour: [2.6, 2.4, 2.05],
            ambient: [0.62, 0.72, 0.92],
        }
    }
}

/// The backdrop, linear light.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Sky {
    /// Colour overhead.
    pub zenith: [f32; 3],
    /// Colour at the horizon.
    pub horizon: [f32; 3],
    /// Colour below the horizon, where no ground is drawn.
    pub ground: [f32; 3],
    /// Share of the sky under cloud, 0 to 1.
    pub clouds: f32,
}

impl Default for Sky {
    fn default() -> Self {
        Self {
            zenith: [0.16, 0.36, 0.85],
            horizon: [0.72, 0.85, 1.02],
            ground: [0.20, 0.21, 0.17],
            clouds: 0.45,
        }
    }
}

/// Haze: the share of fog at distance `d` is `1 - exp(-density * d)`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Fog {
    /// Colour, linear light.
    pub colour: [f32; 3],
    /// Per metre; 0 is clear air.
    pub density: f32,
}

impl Default for Fog {
    fn default() -> Self {
        Self { colour: [0.66, 0.78, 0.92], density: 0.004 }
    }
}

#[derive(Clone, Debug)]
pub(crate) struct Placed {
    pub instance: Instance,
    pub centre: Point3<f64>,
    pub radius: f64,
    pub visible: bool,
    /// Has been moved since it was placed: drawn into the shadow map anew for every frame.
    pub moves: bool,
}

/// What stands for a mesh beyond a distance (metres at unit scale) from the camera to the instance's centre.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Coarse {
    pub mesh: MeshId,
    pub beyond: f64,
    /// In shadows at any distance.
    pub shadows: bool,
}

#[derive(Clone, Debug, Default)]
pub(crate) struct SceneData {
    pub meshes: Vec<Arc<Mesh>>,
    /// Per mesh: what to draw instead of it from afar.
    pub coarse: Vec<Option<Coarse>>,
    pub textures: Vec<Arc<Texture>>,
    pub materials: Vec<Material>,
    pub placed: Vec<Placed>,
    pub sun: Sun,
    pub sky: Sky,
    pub fog: Fog,
    /// Instances with `moves` set.
    pub moving: Vec<u32>,
    /// Changes whenever something that stands still and throws a shadow does.
    pub version: u64,
}

impl SceneData {
    /// The mesh that stands for an instance seen from `distance` metres.
    pub(crate) fn mesh_at(&self, placed: &Placed, distance: f64) -> MeshId {
        let scale = placed.instance.scale.max();
        self.stand_in(placed, |coarse| distance > coarse.beyond * scale)
    }

    /// The mesh that throws an instance's shadow.
    pub(crate) fn shadow_mesh(&self, placed: &Placed) -> MeshId {
        self.stand_in(placed, |coarse| coarse.shadows)
    }

    fn stand_in(&self, placed: &Placed, takes: impl Fn(&Coarse) -> bool) -> MeshId {
        let mut mesh = placed.instance.mesh;
        // Chains are short; the bound only guards against a circle.
        for _ in 0..4 {
            match &self.coarse[mesh.0 as usize] {
                Some(coarse) if takes(coarse) => mesh = coarse.mesh,
                _ => break,
            }
        }
        mesh
    }
}

/// Everything that can be drawn. Cloning is cheap until one copy is changed.
#[derive(Clone, Debug, Default)]
pub struct Scene {
    pub(crate) data: Arc<SceneData>,
}

fn finite(value: f32, field: &'static str) -> Result {
    if (0.0..=1e4).contains(&value) {
        return Ok(());
    }
    Err(RenderError::InvalidParameter { field, value: f64::from(value), expected: "between 0 and 1e4" })
}

fn colour(value: V3, field: &'static str) -> Result {
    value.iter().try_for_each(|&c| finite(c, field))
}

pub(crate) fn check_pose(pose: &Isometry3<f64>, what: &'static str) -> Result {
    let t = pose.translation.vector;
    let q = pose.rotation.coords;
    if t.iter().all(|c| c.abs() <= 1e7) && q.iter().all(|c| c.is_finite()) {
        return Ok(());
    }
    Err(RenderError::InvalidPose { what, value: format!("position {} {} {}", t.x, t.y, t.z) })
}

fn known(kind: &'static str, index: u32, count: usize) -> Result {
    if (index as usize) < count {
        return Ok(());
    }
    Err(RenderError::UnknownHandle { kind, index: index as usize, count })
}

impl Scene {
    /// An empty scene under the default sun, sky and haze.
    pub fn new() -> Self {
        Self::default()
    }

    fn edit(&mut self) -> &mut SceneData {
        Arc::make_mut(&mut self.data)
    }

    /// Takes in a mesh. With a round primitive come coarser ones for larger distances, as
    /// [`set_coarse`](Self::set_coarse) has them, but not in shadows.
    pub fn add_mesh(&mut self, mut mesh: Mesh) -> MeshId {
        let coarser = mesh.coarser.take();
        let data = self.edit();
        data.meshes.push(Arc::new(mesh));
        data.coarse.push(None);
        let id = MeshId(data.meshes.len() as u32 - 1);
        if let Some(coarser) = coarser {
            let (mesh, beyond) = *coarser;
            let mesh = self.add_mesh(mesh);
            self.edit().coarse[id.0 as usize] = Some(Coarse { mesh, beyond, shadows: false });
        }
        id
    }

    /// Draws `coarse` in place of `mesh` where an instance's centre is farther than `beyond_m` metres (times the
    /// instance's scale) from the camera, and in shadows. Distance alone decides, so cameras of any resolution at one
    /// place agree about depth. `coarse` should not be larger than `mesh`. Errors: PG-0904, PG-0910.
    pub fn set_coarse(&mut self, mesh: MeshId, coarse: MeshId, beyond_m: f64) -> Result {
        known("mesh", mesh.0, self.data.meshes.len())?;
        known("mesh", coarse.0, self.data.meshes.len())?;
        if !(0.0..=1e6).contains(&beyond_m) {
            let field = "set_coarse's beyond_m";
            return Err(RenderError::InvalidParameter {
                field,
                value: beyond_m,
                expected: "between 0 and 1e6 m",
            });
        }
        let data = self.edit();
        data.coarse[mesh.0 as usize] = Some(Coarse { mesh: coarse, beyond: beyond_m, shadows: true });
        data.version = next_version();
        Ok(())
    }

    /// Takes in a texture.
    pub fn add_texture(&mut self, texture: Texture) -> TextureId {
        let data = self.edit();
        data.textures.push(Arc::new(texture));
        TextureId(data.textures.len() as u32 - 1)
    }

    /// Takes in a material. Errors: PG-0904 for an unknown texture, PG-0910 for numbers out of range.
    pub fn add_material(&mut self, material: Material) -> Result<MaterialId> {
        for texture in material.texture.iter().chain(&material.detail) {
            known("texture", texture.0, self.data.textures.len())?;
        }
        colour(material.diffuse, "Material::diffuse")?;
        colour(material.emissive, "Material::emissive")?;
        finite(material.specular, "Material::specular")?;
        finite(material.reflective, "Material::reflective")?;
        finite(material.wrap, "Material::wrap")?;
        finite(material.detail_scale, "Material::detail_scale")?;
        let data = self.edit();
        data.materials.push(material);
        Ok(MaterialId(data.materials.len() as u32 - 1))
    }

    /// Places a mesh. Errors: PG-0902 for a pose that is not finite, PG-0904 for unknown handles, PG-0910 for a scale
    /// not above 0.
    pub fn add_instance(&mut self, instance: Instance) -> Result<InstanceId> {
        known("mesh", instance.mesh.0, self.data.meshes.len())?;
        known("material", instance.material.0, self.data.materials.len())?;
        check_pose(&instance.pose, "an instance")?;
        if let Some(&value) = instance.scale.iter().find(|s| !(1e-6..=1e6).contains(*s)) {
            return Err(RenderError::InvalidParameter {
                field: "Instance::scale",
                value,
                expected: "between 1e-6 and 1e6",
            });
        }
        let mut placed =
            Placed { instance, centre: Point3::origin(), radius: 0.0, visible: true, moves: false };
        self.bound(&mut placed);
        let data = self.edit();
        data.placed.push(placed);
        data.version = next_version();
        Ok(InstanceId(data.placed.len() as u32 - 1))
    }

    fn bound(&self, placed: &mut Placed) {
        let mesh = &self.data.meshes[placed.instance.mesh.0 as usize];
        let s = placed.instance.scale;
        let c = mesh.centre.map(f64::from);
        placed.centre = placed.instance.pose * Point3::new(c[0] * s.x, c[1] * s.y, c[2] * s.z);
        placed.radius = f64::from(mesh.radius) * s.x.max(s.y).max(s.z);
    }

    /// Moves an instance. Errors: PG-0902, PG-0904.
    pub fn set_pose(&mut self, id: InstanceId, pose: Isometry3<f64>) -> Result {
        known("instance", id.0, self.data.placed.len())?;
        check_pose(&pose, "an instance")?;
        if self.data.placed[id.0 as usize].instance.pose == pose {
            return Ok(());
        }
        let mut placed = self.data.placed[id.0 as usize].clone();
        placed.instance.pose = pose;
        self.bound(&mut placed);
        let first = !std::mem::replace(&mut placed.moves, true);
        let data = self.edit();
        data.placed[id.0 as usize] = placed;
        if first {
            data.moving.push(id.0);
            data.version = next_version();
        }
        Ok(())
    }

    /// Shows or hides an instance. Errors: PG-0904.
    pub fn set_visible(&mut self, id: InstanceId, visible: bool) -> Result {
        known("instance", id.0, self.data.placed.len())?;
        if self.data.placed[id.0 as usize].visible != visible {
            let data = self.edit();
            let placed = &mut data.placed[id.0 as usize];
            placed.visible = visible;
            if !placed.moves {
                data.version = next_version();
            }
        }
        Ok(())
    }

    /// A number that is another one whenever an instance was added, or one that stands still was moved, hidden or shown.
    /// Scenes with the same number hold the same instances.
    pub fn layout(&self) -> u64 {
        self.data.version
    }

    /// The instance behind a handle. Errors: PG-0904.
    pub fn instance(&self, id: InstanceId) -> Result<&Instance> {
        known("instance", id.0, self.data.placed.len())?;
        Ok(&self.data.placed[id.0 as usize].instance)
    }

    /// All instances in the order they were added, hidden ones too.
    pub fn instances(&self) -> impl ExactSizeIterator<Item = &Instance> + '_ {
        self.data.placed.iter().map(|p| &p.instance)
    }

    /// Handles of the instances that carry that ground-truth id, hidden ones too.
    pub fn instances_of(&self, object: u32) -> Vec<InstanceId> {
        let of_object = |(_, i): &(usize, &Instance)| i.object == object;
        self.instances().enumerate().filter(of_object).map(|(i, _)| InstanceId(i as u32)).collect()
    }

    /// The mesh behind a handle. Errors: PG-0904.
    pub fn mesh(&self, id: MeshId) -> Result<&Mesh> {
        known("mesh", id.0, self.data.meshes.len())?;
        Ok(&self.data.meshes[id.0 as usize])
    }

    /// Sets the light. Errors: PG-0910 for a zero or non-finite direction or a colour outside 0 to 1e4.
    pub fn set_sun(&mut self, sun: Sun) -> Result {
        let length = sun.direction.norm();
        if !(1e-6..=1e6).contains(&length) {
            return Err(RenderError::InvalidParameter {
                field: "Sun::direction's length",
                value: length,
                expected: "between 1e-6 and 1e6",
            });
        }
        colour(sun.colour, "Sun::colour")?;
        colour(sun.ambient, "Sun::ambient")?;
        let data = self.edit();
        data.sun = sun;
        data.version = next_version();
        Ok(())
    }

    /// Sets the backdrop. Errors: PG-0910.
    pub fn set_sky(&mut self, sky: Sky) -> Result {
        colour(sky.zenith, "Sky::zenith")?;
        colour(sky.horizon, "Sky::horizon")?;
        colour(sky.ground, "Sky::ground")?;
        finite(sky.clouds, "Sky::clouds")?;
        self.edit().sky = sky;
        Ok(())
    }

    /// Sets the haze. Errors: PG-0910.
    pub fn set_fog(&mut self, fog: Fog) -> Result {
        colour(fog.colour, "Fog::colour")?;
        finite(fog.density, "Fog::density")?;
        self.edit().fog = fog;
        Ok(())
    }
}
