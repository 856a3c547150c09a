//! Meshes, textures and materials on the device: sent once, and again when the scene shows others under the same number.

use std::sync::Arc;

use super::device::Gpu;
use super::pack;
use super::pipes::Pipes;
use crate::mesh::Mesh;
use crate::scene::{Material, SceneData};
use crate::texture::Texture;

/// Bytes of a vertex: position, normal, texture coordinates, colour.
pub(super) const VERTEX: u64 = 4 * 11;

pub(super) struct Shape {
    whole: Arc<Mesh>,
    pub vertices: wgpu::Buffer,
    pub indices: wgpu::Buffer,
    pub count: u32,
}

struct Skin {
    whole: Arc<Texture>,
    view: wgpu::TextureView,
}

/// What a scene is made of, by its numbers.
pub(super) struct Store {
    shapes: Vec<Option<Shape>>,
    skins: Vec<Option<Skin>>,
    materials: Vec<Material>,
    pub table: wgpu::Buffer,
    /// Per material, its textures.
    pub dressed: Vec<wgpu::BindGroup>,
    blank: wgpu::TextureView,
    words: Vec<u32>,
}

fn buffer(gpu: &Gpu, usage: wgpu::BufferUsages, bytes: &[u8]) -> wgpu::Buffer {
    let description = wgpu::BufferDescriptor {
        label: None,
        size: (bytes.len() as u64).next_multiple_of(4).max(16),
        usage: usage | wgpu::BufferUsages::COPY_DST,
        mapped_at_creation: false,
    };
    let buffer = gpu.device.create_buffer(&description);
    gpu.queue.write_buffer(&buffer, 0, bytes);
    buffer
}

/// A texture with its mip levels.
pub(super) fn texture(gpu: &Gpu, texture: &Texture) -> wgpu::TextureView {
    let (width, height) = texture.size();
    let size = wgpu::Extent3d { width, height, depth_or_array_layers: 1 };
    let on_device = gpu.device.create_texture(&wgpu::TextureDescriptor {
        label: None,
        size,
        mip_level_count: texture.last_level() as u32 + 1,
        sample_count: 1,
        dimension: wgpu::TextureDimension::D2,
        format: wgpu::TextureFormat::Rgba8Unorm,
        usage: wgpu::TextureUsages::TEXTURE_BINDING | wgpu::TextureUsages::COPY_DST,
        view_formats: &[],
    });
    for level in 0..=texture.last_level() {
        let ((width, height), bytes) = texture.level_rgba8(level);
        let to = wgpu::TexelCopyTextureInfo {
            texture: &on_device,
            mip_level: level as u32,
            origin: wgpu::Origin3d::ZERO,
            aspect: wgpu::TextureAspect::All,
        };
        let layout =
            wgpu::TexelCopyBufferLayout { offset: 0, bytes_per_row: Some(width * 4), rows_per_image: None };
        gpu.queue.write_texture(
            to,
            &bytes,
            layout,
            wgpu::Extent3d { width, height, depth_or_array_layers: 1 },
        );
    }
    on_device.create_view(&wgpu::TextureViewDescriptor::default())
}

fn shape(gpu: &Gpu, mesh: &Arc<Mesh>) -> Shape {
    let white = [1.0; 3];
    let mut vertices = Vec::<f32>::with_capacity(mesh.positions.len() * 11);
    for (i, p) in mesh.positions.iter().enumerate() {
        vertices.extend(p.iter().chain(&mesh.normals[i]).chain(&mesh.uvs[i]));
        vertices.extend(if mesh.coloured { mesh.colours[i] } else { white });
    }
    Shape {
        whole: Arc::clone(mesh),
        vertices: buffer(gpu, wgpu::BufferUsages::VERTEX, bytemuck::cast_slice(&vertices)),
        indices: buffer(gpu, wgpu::BufferUsages::INDEX, bytemuck::cast_slice(mesh.triangles.as_flattened())),
        count: mesh.triangles.len() as u32 * 3,
    }
}

impl Store {
    pub(super) fn new(gpu: &Gpu) -> Self {
        Self {
            shapes: Vec::new(),
            skins: Vec::new(),
            materials: Vec::new(),
            table: buffer(gpu, wgpu::BufferUsages::STORAGE, &[0; pack::MATERIAL * 4]),
            dressed: Vec::new(),
            blank: texture(gpu, &Texture::from_fn(0, |_, _| [1.0; 4])),
            words: Vec::new(),
        }
    }

    /// The mesh of a number, if [`Store::hold`] was told of it.
    pub(super) fn shape(&self, mesh: u32) -> Option<&Shape> {
        self.shapes.get(mesh as usize)?.as_ref()
    }

    /// Sends a mesh unless it is there.
    pub(super) fn hold(&mut self, gpu: &Gpu, scene: &SceneData, mesh: u32) {
        let wanted = &scene.meshes[mesh as usize];
        if self.shapes.len() < scene.meshes.len() {
            self.shapes.resize_with(scene.meshes.len(), || None);
        }
        let slot = &mut self.shapes[mesh as usize];
        if slot.as_ref().is_none_or(|s| !Arc::ptr_eq(&s.whole, wanted)) {
            *slot = Some(shape(gpu, wanted));
        }
    }

    /// Brings textures and materials up to date; true if the table of materials is another buffer now.
    pub(super) fn dress(&mut self, gpu: &Gpu, pipes: &Pipes, scene: &SceneData) -> bool {
        let mut changed = self.skins.len() != scene.textures.len();
        self.skins.resize_with(scene.textures.len(), || None);
        for (slot, wanted) in self.skins.iter_mut().zip(&scene.textures) {
            if slot.as_ref().is_none_or(|s| !Arc::ptr_eq(&s.whole, wanted)) {
                *slot = Some(Skin { whole: Arc::clone(wanted), view: texture(gpu, wanted) });
                changed = true;
            }
        }
        if !changed && self.materials == scene.materials {
            return false;
        }
        self.materials.clone_from(&scene.materials);
        self.words.clear();
        self.materials.iter().for_each(|m| pack::material(scene, m, &mut self.words));
        self.words.resize(self.words.len().max(pack::MATERIAL), 0);
        self.table = buffer(gpu, wgpu::BufferUsages::STORAGE, bytemuck::cast_slice(&self.words));
        let skins = &self.skins;
        let view = |id: Option<crate::TextureId>| {
            id.and_then(|t| skins[t.0 as usize].as_ref()).map_or(&self.blank, |s| &s.view)
        };
        let dressed = self.materials.iter().map(|m| {
            let clamped = m.texture.is_some_and(|t| scene.textures[t.0 as usize].is_clamped());
            pipes.dress(gpu, view(m.texture), clamped, view(m.detail))
        });
        self.dressed = dressed.collect();
        true
    }
}
