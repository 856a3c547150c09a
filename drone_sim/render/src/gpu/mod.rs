//! The same scene drawn by a graphics processor through Vulkan (`wgpu`), into memory: no window, no display.
//!
//! What it shares with the CPU renderer is what it draws (meshes by distance, shadows' grid, sky, haze, tone) and in which
//! formats. What it does not promise is bytes: each processor and driver rounds as it likes, so the pictures of two
//! machines differ in their last bits, and label images along edges. Edges are not smoothed.

mod device;
mod pack;
mod pipes;
mod store;
mod target;

use std::ops::Range;

use device::Gpu;
use pipes::{Pipes, Wanted};
use store::Store;
use target::Canvas;

use crate::cull::Clusters;
use crate::error::Result;
use crate::renderer::Targets;
use crate::scene::SceneData;
use crate::shadow::ShadowView;
use crate::sky::cloud_texture;
use crate::view::View;

const COLOUR: wgpu::TextureFormat = wgpu::TextureFormat::Rgba8Unorm;
const OBJECT: wgpu::TextureFormat = wgpu::TextureFormat::R32Uint;
const DEPTH: wgpu::TextureFormat = wgpu::TextureFormat::Depth32Float;

/// Instances of one mesh and one material, drawn at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Group {
    /// Drawn from behind too; of shadows: with holes.
    special: bool,
    material: u32,
    mesh: u32,
    index: u32,
}

/// A device and what was sent to it.
pub(crate) struct GpuRenderer {
    gpu: Gpu,
    pipes: Pipes,
    store: Store,
    clouds: wgpu::TextureView,
    frame: wgpu::Buffer,
    things: wgpu::Buffer,
    /// What a pass reads: of the pictures, of the shadow map.
    shared: Option<[wgpu::BindGroup; 2]>,
    map: Option<Map>,
    canvas: Option<Canvas>,
    clusters: Clusters,
    groups: Vec<Group>,
    nearest: Vec<(u32, u32)>,
    words: Vec<u32>,
}

/// The shadow map: of what stands still, and with what moves.
struct Map {
    still: wgpu::Texture,
    all: wgpu::Texture,
    drawn: Option<ShadowView>,
    side: u32,
}

fn depth_texture(gpu: &Gpu, side: u32) -> wgpu::Texture {
    gpu.device.create_texture(&wgpu::TextureDescriptor {
        label: Some("shadows"),
        size: wgpu::Extent3d { width: side, height: side, depth_or_array_layers: 1 },
        mip_level_count: 1,
        sample_count: 1,
        dimension: wgpu::TextureDimension::D2,
        format: DEPTH,
        usage: wgpu::TextureUsages::RENDER_ATTACHMENT
            | wgpu::TextureUsages::TEXTURE_BINDING
            | wgpu::TextureUsages::COPY_SRC
            | wgpu::TextureUsages::COPY_DST,
        view_formats: &[],
    })
}

fn view(texture: &wgpu::Texture) -> wgpu::TextureView {
    texture.create_view(&wgpu::TextureViewDescriptor::default())
}

fn room(gpu: &Gpu, usage: wgpu::BufferUsages, words: usize) -> wgpu::Buffer {
    gpu.device.create_buffer(&wgpu::BufferDescriptor {
        label: None,
        size: words as u64 * 4,
        usage: usage | wgpu::BufferUsages::COPY_DST,
        mapped_at_creation: false,
    })
}

/// Groups of neighbours that can be drawn at once, with the places of their instances.
fn batches(groups: &[Group]) -> impl Iterator<Item = (Group, Range<u32>)> + '_ {
    let mut at = 0;
    groups.chunk_by(|a, b| (a.special, a.material, a.mesh) == (b.special, b.material, b.mesh)).map(
        move |run| {
            let first = at;
            at += run.len() as u32;
            (run[0], first..at)
        },
    )
}

impl GpuRenderer {
    /// Opens the device. Errors: PG-0912, PG-0913.
    pub(crate) fn open() -> Result<Self> {
        let gpu = Gpu::open()?;
        let pipes = Pipes::new(&gpu);
        let store = Store::new(&gpu);
        let clouds = store::texture(&gpu, &cloud_texture());
        let frame = room(&gpu, wgpu::BufferUsages::UNIFORM, pack::FRAME);
        let things = room(&gpu, wgpu::BufferUsages::STORAGE, pack::THING * 1024);
        gpu.check()?;
        Ok(Self {
            gpu,
            pipes,
            store,
            clouds,
            frame,
            things,
            shared: None,
            map: None,
            canvas: None,
            clusters: Clusters::default(),
            groups: Vec::new(),
            nearest: Vec::new(),
            words: Vec::new(),
        })
    }

    /// The device's name and driver.
    pub(crate) fn name(&self) -> &str {
        &self.gpu.name
    }

    /// Draws and waits for the pictures. The sizes of `targets` were checked. Errors: PG-0913.
    pub(crate) fn render(&mut self, scene: &SceneData, view: &View, targets: Targets<'_>) -> Result {
        self.prepare(scene, view);
        pack::frame(view, &mut self.words);
        self.gpu.queue.write_buffer(&self.frame, 0, bytemuck::cast_slice(&self.words));
        if let Some(shadow) = &view.shadow {
            self.shadows(scene, shadow);
        }
        self.picture(scene, view, &targets);
        self.gpu.check()?;
        match &mut self.canvas {
            Some(canvas) => canvas.read(&self.gpu, view, targets),
            None => Ok(()),
        }
    }

    /// Sends what has changed since the frame before.
    fn prepare(&mut self, scene: &SceneData, view: &View) {
        let gpu = &self.gpu;
        let side = view.shadow.map_or_else(|| self.map.as_ref().map_or(1, |m| m.side), |s| s.resolution);
        if self.map.as_ref().is_none_or(|m| m.side != side) {
            let (still, all) = (depth_texture(gpu, side), depth_texture(gpu, side));
            self.map = Some(Map { still, all, drawn: None, side });
            self.shared = None;
        }
        if self.store.dress(gpu, &self.pipes, scene) {
            self.shared = None;
        }
        let most = scene.placed.len() * pack::THING;
        if self.things.size() < most as u64 * 4 {
            self.things = room(gpu, wgpu::BufferUsages::STORAGE, most.next_power_of_two());
            self.shared = None;
        }
        let (c, width, height) = (&view.camera, view.camera.width, view.camera.height);
        if self.canvas.as_ref().is_none_or(|canvas| canvas.size() != [c.width, c.height]) {
            self.canvas = Some(Canvas::new(gpu, width, height));
        }
    }

    fn shared(&mut self) -> &[wgpu::BindGroup; 2] {
        let (pipes, gpu, clouds) = (&self.pipes, &self.gpu, &self.clouds);
        let buffers = [&self.frame, &self.things, &self.store.table];
        let map = &self.map;
        self.shared.get_or_insert_with(|| {
            let of = |texture: Option<&wgpu::Texture>| {
                let blank = depth_texture(gpu, 1);
                pipes.whole(gpu, buffers, clouds, &view(texture.unwrap_or(&blank)))
            };
            [of(map.as_ref().map(|m| &m.all)), of(None)]
        })
    }

    /// Brings the shadow map up to date.
    fn shadows(&mut self, scene: &SceneData, shadow: &ShadowView) {
        let kept = self.map.as_ref().and_then(|m| m.drawn).is_some_and(|have| have.same_map(shadow));
        if !kept {
            self.cast(scene, shadow, false);
        }
        if !kept || !scene.moving.is_empty() {
            if let Some(map) = &mut self.map {
                let mut encoder = self.gpu.device.create_command_encoder(&Default::default());
                encoder.copy_texture_to_texture(
                    map.still.as_image_copy(),
                    map.all.as_image_copy(),
                    map.all.size(),
                );
                self.gpu.queue.submit([encoder.finish()]);
                map.drawn = Some(*shadow);
            }
        }
        if !scene.moving.is_empty() {
            self.cast(scene, shadow, true);
        }
    }

    /// Draws the shadows of what stands still, afresh, or those of what moves, over them.
    fn cast(&mut self, scene: &SceneData, shadow: &ShadowView, moving: bool) {
        self.groups.clear();
        for (index, placed) in scene.placed.iter().enumerate().filter(|(_, p)| p.moves == moving) {
            let material = &scene.materials[placed.instance.material.0 as usize];
            if !shadow.may_cast(material, placed, [0.0, shadow.resolution as f32]) {
                continue;
            }
            let special = material.texture.is_some_and(|t| scene.textures[t.0 as usize].cutout);
            let mesh = scene.shadow_mesh(placed).0;
            self.groups.push(Group {
                special,
                material: placed.instance.material.0,
                mesh,
                index: index as u32,
            });
        }
        self.groups.sort_unstable();
        self.words.clear();
        for group in &self.groups {
            self.store.hold(&self.gpu, scene, group.mesh);
            pack::caster(shadow, &scene.placed[group.index as usize], &mut self.words);
        }
        self.gpu.queue.write_buffer(&self.things, 0, bytemuck::cast_slice(&self.words));
        let [_, shared] = self.shared().clone();
        let Some(map) = &self.map else { return };
        let mut encoder = self.gpu.device.create_command_encoder(&Default::default());
        let onto = view(if moving { &map.all } else { &map.still });
        let load = if moving { wgpu::LoadOp::Load } else { wgpu::LoadOp::Clear(1.0) };
        let mut pass = begin(&mut encoder, &[], &onto, load);
        pass.set_bind_group(0, &shared, &[]);
        self.draw(&mut pass, &self.pipes.shadow);
        drop(pass);
        self.gpu.queue.submit([encoder.finish()]);
    }

    fn draw(&self, pass: &mut wgpu::RenderPass<'_>, pipes: &[wgpu::RenderPipeline; 2]) {
        let mut before: Option<Group> = None;
        for (group, range) in batches(&self.groups) {
            let Some(shape) = self.store.shape(group.mesh) else { continue };
            if before.is_none_or(|b| b.special != group.special) {
                pass.set_pipeline(&pipes[usize::from(group.special)]);
            }
            if before.is_none_or(|b| b.material != group.material) {
                pass.set_bind_group(1, &self.store.dressed[group.material as usize], &[]);
            }
            pass.set_vertex_buffer(0, shape.vertices.slice(..));
            pass.set_index_buffer(shape.indices.slice(..), wgpu::IndexFormat::Uint32);
            pass.draw_indexed(0..shape.count, 0, range);
            before = Some(group);
        }
    }

    fn picture(&mut self, scene: &SceneData, view: &View, targets: &Targets<'_>) {
        let wanted = Wanted { rgb: targets.rgb.is_some(), object: targets.object.is_some() };
        self.clusters.visible(scene, view, &mut self.nearest);
        self.groups.clear();
        for &(_, index) in &self.nearest {
            let placed = &scene.placed[index as usize];
            let distance = (view.cam_from_world * placed.centre).coords.norm();
            let (material, mesh) = (placed.instance.material.0, scene.mesh_at(placed, distance).0);
            let special = scene.materials[material as usize].two_sided;
            self.groups.push(Group { special, material, mesh, index });
        }
        self.groups.sort_unstable();
        self.words.clear();
        for group in &self.groups {
            self.store.hold(&self.gpu, scene, group.mesh);
            pack::thing(&view.cam_from_world, &scene.placed[group.index as usize], &mut self.words);
        }
        self.gpu.queue.write_buffer(&self.things, 0, bytemuck::cast_slice(&self.words));
        self.pipes.prepare(&self.gpu, wanted);
        let [shared, _] = self.shared().clone();
        let Some(canvas) = &self.canvas else { return };
        let mut encoder = self.gpu.device.create_command_encoder(&Default::default());
        let clear =
            |colour| wgpu::Operations { load: wgpu::LoadOp::Clear(colour), store: wgpu::StoreOp::Store };
        let onto = |on: bool, view| {
            let ops = clear(wgpu::Color::TRANSPARENT);
            on.then_some(wgpu::RenderPassColorAttachment {
                view,
                depth_slice: None,
                resolve_target: None,
                ops,
            })
        };
        let colours = [onto(wanted.rgb, &canvas.colour), onto(wanted.object, &canvas.object)];
        let mut pass = begin(&mut encoder, &colours, &canvas.depth, wgpu::LoadOp::Clear(0.0));
        pass.set_bind_group(0, &shared, &[]);
        if let Some(scenes) = self.pipes.made(wanted) {
            self.draw(&mut pass, &scenes.things);
            if wanted.rgb
                && let Some(any) = self.store.dressed.first()
            {
                pass.set_pipeline(&scenes.sky);
                pass.set_bind_group(1, any, &[]);
                pass.draw(0..3, 0..1);
            }
        }
        drop(pass);
        canvas.copy(&mut encoder, targets);
        self.gpu.queue.submit([encoder.finish()]);
    }
}

fn begin<'a>(
    encoder: &'a mut wgpu::CommandEncoder,
    colours: &[Option<wgpu::RenderPassColorAttachment<'_>>],
    depth: &wgpu::TextureView,
    load: wgpu::LoadOp<f32>,
) -> wgpu::RenderPass<'a> {
    encoder.begin_render_pass(&wgpu::RenderPassDescriptor {
        label: None,
        color_attachments: colours,
        depth_stencil_attachment: Some(wgpu::RenderPassDepthStencilAttachment {
            view: depth,
            depth_ops: Some(wgpu::Operations { load, store: wgpu::StoreOp::Store }),
            stencil_ops: None,
        }),
        timestamp_writes: None,
        occlusion_query_set: None,
        multiview_mask: None,
    })
}
