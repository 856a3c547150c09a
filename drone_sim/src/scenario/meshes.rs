//! Meshes and textures of SDF files for the eye and for the touch.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use nalgebra::Isometry3;
use peregrine_render::{Instance, Mesh as RenderMesh, MeshId, Texture, TextureId};

use super::looks;
use super::world::Builder;
use crate::error::Result;
use crate::sdf::Report;
use crate::sdf::mesh::{MeshData, MeshPart};
use crate::sdf::types;
use crate::shape::Shape;

/// Normals are smoothed across edges flatter than this, degrees, where a file has none.
const CREASE: f64 = 35.0;

/// What was handed to the renderer already: many visuals share a mesh, many parts a texture.
#[derive(Default)]
pub(super) struct Shelf {
    meshes: BTreeMap<(usize, usize), Option<MeshId>>,
    textures: BTreeMap<String, Option<TextureId>>,
}

impl Shelf {
    /// Adds a mesh to look at. `material` is the visual's own; without one the file's colours are used.
    pub fn look(
        &mut self,
        builder: &mut Builder,
        visual: &types::Visual,
        data: &Arc<MeshData>,
        (object, class): (u32, u16),
        report: &mut Report,
    ) -> Result<()> {
        for (index, part) in data.parts.iter().enumerate() {
            let key = (Arc::as_ptr(data) as usize, index);
            let mesh = *self
                .meshes
                .entry(key)
                .or_insert_with(|| mesh(part, report).map(|m| builder.scene_mut().add_mesh(m)));
            let Some(mesh) = mesh else { continue };
            let mut material = match &visual.material {
                Some(own) => looks::material(own, visual.cast_shadows),
                None => {
                    let grey = types::Material::default();
                    let plain = if part.texture.is_some() { [1.0; 4] } else { grey.diffuse };
                    let own = types::Material { diffuse: part.colour.unwrap_or(plain), ..grey };
                    looks::material(&own, visual.cast_shadows)
                }
            };
            let file = match &visual.material {
                Some(own) => own.albedo_map.as_ref().map(|p| p.display().to_string()),
                None => None,
            };
            // A visual's texture hides that of the file; its plain colours do not.
            if let Some(file) = file.or_else(|| part.texture.clone()) {
                material.texture = self.texture(builder, &file, report);
            }
            material.two_sided = true;
            let material = builder.scene_mut().add_material(material)?;
            let instance = Instance::new(mesh, material, visual.pose).labelled(object, class);
            builder.scene_mut().add_instance(instance)?;
        }
        Ok(())
    }

    /// The texture of a file, read once; `None` with a warning if it cannot be.
    pub fn texture(&mut self, builder: &mut Builder, file: &str, report: &mut Report) -> Option<TextureId> {
        if let Some(known) = self.textures.get(file) {
            return *known;
        }
        let id = match texture(Path::new(file)) {
            Ok(texture) => Some(builder.scene_mut().add_texture(texture)),
            Err(cause) => {
                report.warn(format!("texture {file} is left out: {cause}"));
                None
            }
        };
        self.textures.insert(file.to_string(), id);
        id
    }
}

/// Adds a mesh to touch, triangle by triangle.
pub(super) fn touch(builder: &mut Builder, pose: Isometry3<f64>, data: &MeshData, object: u32) {
    for corners in data.triangles() {
        let [a, b, c] = corners;
        if (b - a).cross(&(c - a)).norm_squared() > 0.0 {
            builder.solid(pose, Shape::Triangle { corners }, object);
        }
    }
}

fn mesh(part: &MeshPart, report: &mut Report) -> Option<RenderMesh> {
    // Our rows of a texture begin at the top, those of mesh files at the bottom.
    let uvs: Vec<[f32; 2]> = part.uvs.iter().map(|[u, v]| [*u, 1.0 - v]).collect();
    let made = if part.normals.is_empty() && uvs.is_empty() {
        let (positions, triangles) = welded(part);
        RenderMesh::creased(&positions, &triangles, CREASE)
    } else {
        RenderMesh::from_triangles(&part.positions, &part.normals, &uvs, &part.triangles)
    };
    match made {
        Ok(mesh) => Some(mesh),
        Err(cause) => {
            report.warn(format!("part \"{}\" of a mesh is not drawn: {cause}", part.name));
            None
        }
    }
}

/// Corners that lie in one place become one: STL repeats them for each triangle, and edges would all look sharp.
fn welded(part: &MeshPart) -> (Vec<[f32; 3]>, Vec<[u32; 3]>) {
    let mut known: BTreeMap<[u32; 3], u32> = BTreeMap::new();
    let mut positions = Vec::new();
    let index: Vec<u32> = part
        .positions
        .iter()
        .map(|p| {
            *known.entry(p.map(|x| (x + 0.0).to_bits())).or_insert_with(|| {
                positions.push(*p);
                positions.len() as u32 - 1
            })
        })
        .collect();
    let triangles = part.triangles.iter().map(|t| t.map(|i| index[i as usize])).collect();
    (positions, triangles)
}

/// The largest side that is kept; larger pictures are halved until they fit.
const MAX_SIDE: u32 = 2048;

/// The largest file of a picture that is read, bytes.
const LARGEST_PICTURE: u64 = 256 << 20;

fn texture(file: &Path) -> Result<Texture, String> {
    let size = std::fs::metadata(file).map_err(|e| e.to_string())?.len();
    if size > LARGEST_PICTURE {
        return Err(format!("it has {size} bytes, of which at most {LARGEST_PICTURE} are read"));
    }
    let bytes = std::fs::read(file).map_err(|e| e.to_string())?;
    let mut image = image::load_from_memory(&bytes).map_err(|e| e.to_string())?.into_rgba8();
    while image.width() > MAX_SIDE || image.height() > MAX_SIDE {
        let (w, h) = ((image.width() / 2).max(1), (image.height() / 2).max(1));
        image = image::imageops::thumbnail(&image, w, h);
    }
    Texture::from_rgba8(image.width(), image.height(), image.as_raw()).map_err(|e| e.to_string())
}
