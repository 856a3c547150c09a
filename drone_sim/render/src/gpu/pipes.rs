//! Pipelines, samplers and the layouts of what they read.

use super::device::Gpu;
use super::store::VERTEX;
use super::{COLOUR, DEPTH, OBJECT};

/// Which pictures a frame has besides depth.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Wanted {
    pub rgb: bool,
    pub object: bool,
}

pub(super) struct Pipes {
    whole: wgpu::BindGroupLayout,
    skin: wgpu::BindGroupLayout,
    layout: wgpu::PipelineLayout,
    module: wgpu::ShaderModule,
    repeat: wgpu::Sampler,
    clamp: wgpu::Sampler,
    nearest: wgpu::Sampler,
    /// Opaque, with holes.
    pub shadow: [wgpu::RenderPipeline; 2],
    scenes: Vec<(Wanted, Scenes)>,
}

/// The pipelines of a picture.
pub(super) struct Scenes {
    /// One-sided, two-sided.
    pub things: [wgpu::RenderPipeline; 2],
    pub sky: wgpu::RenderPipeline,
}

const ATTRIBUTES: [wgpu::VertexAttribute; 4] =
    wgpu::vertex_attr_array![0 => Float32x3, 1 => Float32x3, 2 => Float32x2, 3 => Float32x3];

struct Plan<'a> {
    vertex: &'a str,
    fragment: Option<&'a str>,
    meshes: bool,
    cull: bool,
    targets: &'a [Option<wgpu::ColorTargetState>],
    /// Format, writing, comparison.
    depth: (bool, wgpu::CompareFunction),
}

impl Pipes {
    pub(super) fn new(gpu: &Gpu) -> Self {
        let device = &gpu.device;
        let module = device.create_shader_module(wgpu::include_wgsl!("draw.wgsl"));
        let both = wgpu::ShaderStages::VERTEX_FRAGMENT;
        let entry =
            |binding, visibility, ty| wgpu::BindGroupLayoutEntry { binding, visibility, ty, count: None };
        let held = |ty| wgpu::BindingType::Buffer { ty, has_dynamic_offset: false, min_binding_size: None };
        let read = held(wgpu::BufferBindingType::Storage { read_only: true });
        let picture = |sample_type| wgpu::BindingType::Texture {
            sample_type,
            view_dimension: wgpu::TextureViewDimension::D2,
            multisampled: false,
        };
        let colours = picture(wgpu::TextureSampleType::Float { filterable: true });
        let sampler = wgpu::BindingType::Sampler(wgpu::SamplerBindingType::Filtering);
        let pixel = wgpu::ShaderStages::FRAGMENT;
        let layout = |entries: &[wgpu::BindGroupLayoutEntry]| {
            device.create_bind_group_layout(&wgpu::BindGroupLayoutDescriptor { label: None, entries })
        };
        let whole = layout(&[
            entry(0, both, held(wgpu::BufferBindingType::Uniform)),
            entry(1, both, read),
            entry(2, both, read),
            entry(3, pixel, colours),
            entry(4, pixel, sampler),
            entry(5, pixel, sampler),
            entry(6, pixel, picture(wgpu::TextureSampleType::Depth)),
        ]);
        let skin = layout(&[entry(0, pixel, colours), entry(1, pixel, sampler), entry(2, pixel, colours)]);
        let layout = device.create_pipeline_layout(&wgpu::PipelineLayoutDescriptor {
            label: None,
            bind_group_layouts: &[Some(&whole), Some(&skin)],
            immediate_size: 0,
        });
        let sampler = |address, filter| {
            device.create_sampler(&wgpu::SamplerDescriptor {
                address_mode_u: address,
                address_mode_v: address,
                mag_filter: filter,
                min_filter: filter,
                ..Default::default()
            })
        };
        let repeat = sampler(wgpu::AddressMode::Repeat, wgpu::FilterMode::Linear);
        let clamp = sampler(wgpu::AddressMode::ClampToEdge, wgpu::FilterMode::Linear);
        let nearest = sampler(wgpu::AddressMode::Repeat, wgpu::FilterMode::Nearest);
        let shadow = [None, Some("leaves")].map(|fragment| {
            let plan = Plan {
                vertex: "thrown",
                fragment,
                meshes: true,
                cull: false,
                targets: &[],
                depth: (true, wgpu::CompareFunction::Less),
            };
            pipeline(gpu, &layout, &module, &plan)
        });
        Self { whole, skin, layout, module, repeat, clamp, nearest, shadow, scenes: Vec::new() }
    }

    /// Makes the pipelines of a kind of picture, when it is wanted first.
    pub(super) fn prepare(&mut self, gpu: &Gpu, wanted: Wanted) {
        if self.made(wanted).is_none() {
            let made = self.make(gpu, wanted);
            self.scenes.push((wanted, made));
        }
    }

    /// The pipelines of a kind of picture.
    pub(super) fn made(&self, wanted: Wanted) -> Option<&Scenes> {
        self.scenes.iter().find(|(kind, _)| *kind == wanted).map(|(_, scenes)| scenes)
    }

    fn make(&self, gpu: &Gpu, wanted: Wanted) -> Scenes {
        let target = |on: bool, format: wgpu::TextureFormat| on.then(|| format.into());
        let targets = [target(wanted.rgb, COLOUR), target(wanted.object, OBJECT)];
        let sky_targets = [target(wanted.rgb, COLOUR), target(wanted.object, OBJECT).map(unwritten)];
        let things = [true, false].map(|cull| {
            // Depth alone needs the holes of leaves too.
            let fragment = if wanted.rgb { "shaded" } else { "plain" };
            let depth = (true, wgpu::CompareFunction::Greater);
            let plan = Plan {
                vertex: "corner",
                fragment: Some(fragment),
                meshes: true,
                cull,
                targets: &targets,
                depth,
            };
            pipeline(gpu, &self.layout, &self.module, &plan)
        });
        let plan = Plan {
            vertex: "dome",
            fragment: Some("heaven"),
            meshes: false,
            cull: false,
            targets: &sky_targets,
            depth: (false, wgpu::CompareFunction::GreaterEqual),
        };
        Scenes { things, sky: pipeline(gpu, &self.layout, &self.module, &plan) }
    }

    /// The textures of a material.
    pub(super) fn dress(
        &self,
        gpu: &Gpu,
        skin: &wgpu::TextureView,
        clamped: bool,
        detail: &wgpu::TextureView,
    ) -> wgpu::BindGroup {
        let sampler = if clamped { &self.clamp } else { &self.repeat };
        let resources = [
            wgpu::BindingResource::TextureView(skin),
            wgpu::BindingResource::Sampler(sampler),
            wgpu::BindingResource::TextureView(detail),
        ];
        group(gpu, &self.skin, resources)
    }

    /// What all things of a picture share. Of the shadow map itself `shadow` must be another texture.
    pub(super) fn whole(
        &self,
        gpu: &Gpu,
        [frame, things, materials]: [&wgpu::Buffer; 3],
        clouds: &wgpu::TextureView,
        shadow: &wgpu::TextureView,
    ) -> wgpu::BindGroup {
        let resources = [
            frame.as_entire_binding(),
            things.as_entire_binding(),
            materials.as_entire_binding(),
            wgpu::BindingResource::TextureView(clouds),
            wgpu::BindingResource::Sampler(&self.repeat),
            wgpu::BindingResource::Sampler(&self.nearest),
            wgpu::BindingResource::TextureView(shadow),
        ];
        group(gpu, &self.whole, resources)
    }
}

fn unwritten(target: wgpu::ColorTargetState) -> wgpu::ColorTargetState {
    wgpu::ColorTargetState { write_mask: wgpu::ColorWrites::empty(), ..target }
}

fn group<const N: usize>(
    gpu: &Gpu,
    layout: &wgpu::BindGroupLayout,
    resources: [wgpu::BindingResource<'_>; N],
) -> wgpu::BindGroup {
    let mut binding = 0..;
    let entries = resources
        .map(|resource| wgpu::BindGroupEntry { binding: binding.next().unwrap_or_default(), resource });
    gpu.device.create_bind_group(&wgpu::BindGroupDescriptor { label: None, layout, entries: &entries })
}

fn pipeline(
    gpu: &Gpu,
    layout: &wgpu::PipelineLayout,
    module: &wgpu::ShaderModule,
    plan: &Plan<'_>,
) -> wgpu::RenderPipeline {
    let vertices = [Some(wgpu::VertexBufferLayout {
        array_stride: VERTEX,
        step_mode: wgpu::VertexStepMode::Vertex,
        attributes: &ATTRIBUTES,
    })];
    gpu.device.create_render_pipeline(&wgpu::RenderPipelineDescriptor {
        label: Some(plan.vertex),
        layout: Some(layout),
        vertex: wgpu::VertexState {
            module,
            entry_point: Some(plan.vertex),
            compilation_options: Default::default(),
            buffers: if plan.meshes { &vertices } else { &[] },
        },
        primitive: wgpu::PrimitiveState {
            cull_mode: plan.cull.then_some(wgpu::Face::Back),
            ..Default::default()
        },
        depth_stencil: Some(wgpu::DepthStencilState {
            format: DEPTH,
            depth_write_enabled: Some(plan.depth.0),
            depth_compare: Some(plan.depth.1),
            stencil: Default::default(),
            bias: Default::default(),
        }),
        multisample: Default::default(),
        fragment: plan.fragment.map(|entry| wgpu::FragmentState {
            module,
            entry_point: Some(entry),
            compilation_options: Default::default(),
            targets: plan.targets,
        }),
        multiview_mask: None,
        cache: None,
    })
}
