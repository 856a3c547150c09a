//! What is drawn onto, and its way back.

use super::device::Gpu;
use super::{COLOUR, DEPTH, OBJECT};
use crate::error::{RenderError, Result};
use crate::renderer::Targets;
use crate::view::View;

/// The textures of a picture of one size, and the memory in which they come back.
pub(super) struct Canvas {
    pub colour: wgpu::TextureView,
    pub depth: wgpu::TextureView,
    pub object: wgpu::TextureView,
    /// Colour, depth, objects.
    textures: [wgpu::Texture; 3],
    back: [wgpu::Buffer; 3],
    size: [u32; 2],
}

/// Bytes of a row in memory: rows begin at multiples of 256.
fn stride(width: u32) -> u32 {
    (width * 4).next_multiple_of(wgpu::COPY_BYTES_PER_ROW_ALIGNMENT)
}

fn asked(targets: &Targets<'_>) -> [bool; 3] {
    [targets.rgb.is_some(), targets.depth.is_some(), targets.object.is_some()]
}

impl Canvas {
    pub(super) fn new(gpu: &Gpu, width: u32, height: u32) -> Self {
        let texture = |format| {
            gpu.device.create_texture(&wgpu::TextureDescriptor {
                label: Some("picture"),
                size: wgpu::Extent3d { width, height, depth_or_array_layers: 1 },
                mip_level_count: 1,
                sample_count: 1,
                dimension: wgpu::TextureDimension::D2,
                format,
                usage: wgpu::TextureUsages::RENDER_ATTACHMENT | wgpu::TextureUsages::COPY_SRC,
                view_formats: &[],
            })
        };
        let buffer = |_| {
            gpu.device.create_buffer(&wgpu::BufferDescriptor {
                label: Some("picture"),
                size: u64::from(stride(width)) * u64::from(height),
                usage: wgpu::BufferUsages::COPY_DST | wgpu::BufferUsages::MAP_READ,
                mapped_at_creation: false,
            })
        };
        let textures = [COLOUR, DEPTH, OBJECT].map(texture);
        let [colour, depth, object] = [0, 1, 2].map(|k| super::view(&textures[k]));
        Self { colour, depth, object, textures, back: [0, 1, 2].map(buffer), size: [width, height] }
    }

    pub(super) fn size(&self) -> [u32; 2] {
        self.size
    }

    /// Has what `targets` ask for sent back.
    pub(super) fn copy(&self, encoder: &mut wgpu::CommandEncoder, targets: &Targets<'_>) {
        for (k, _) in asked(targets).iter().enumerate().filter(|(_, on)| **on) {
            let layout = wgpu::TexelCopyBufferLayout {
                offset: 0,
                bytes_per_row: Some(stride(self.size[0])),
                rows_per_image: None,
            };
            let aspect = if k == 1 { wgpu::TextureAspect::DepthOnly } else { wgpu::TextureAspect::All };
            encoder.copy_texture_to_buffer(
                wgpu::TexelCopyTextureInfo { aspect, ..self.textures[k].as_image_copy() },
                wgpu::TexelCopyBufferInfo { buffer: &self.back[k], layout },
                self.textures[k].size(),
            );
        }
    }

    /// Waits, and writes the targets. Errors: PG-0913.
    pub(super) fn read(&mut self, gpu: &Gpu, view: &View, targets: Targets<'_>) -> Result {
        let wanted = asked(&targets);
        for (buffer, _) in self.back.iter().zip(wanted).filter(|(_, on)| *on) {
            // Errors of mapping are those of `get_mapped_range` below.
            buffer.map_async(wgpu::MapMode::Read, .., |_| ());
        }
        gpu.wait()?;
        let width = self.size[0] as usize;
        let rows = |k: usize, each: &mut dyn FnMut(usize, &[u8])| -> Result {
            let buffer = &self.back[k];
            let bytes =
                buffer.get_mapped_range(..).map_err(|e| RenderError::GpuFailed { reason: e.to_string() })?;
            let rows = bytes.chunks_exact(stride(self.size[0]) as usize);
            rows.enumerate().for_each(|(y, row)| each(y, &row[..width * 4]));
            drop(bytes);
            buffer.unmap();
            Ok(())
        };
        if let Some(rgb) = targets.rgb {
            rows(0, &mut |y, row| {
                let out = &mut rgb[y * width * 3..(y + 1) * width * 3];
                for (to, from) in out.as_chunks_mut::<3>().0.iter_mut().zip(row.as_chunks::<4>().0) {
                    to.copy_from_slice(&from[..3]);
                }
            })?;
        }
        if let Some(depth) = targets.depth {
            let (near, far) = (view.camera.near_m as f32, view.camera.far_m as f32);
            rows(1, &mut |y, row| {
                let out = &mut depth[y * width..(y + 1) * width];
                for (to, from) in out.iter_mut().zip(row.as_chunks::<4>().0) {
                    // The inverse of what the vertex shader makes of z; 0 is where nothing was drawn.
                    let d = f32::from_ne_bytes(*from);
                    *to = if d > 0.0 { near * far / (d * (far - near) + near) } else { f32::INFINITY };
                }
            })?;
        }
        if let Some(object) = targets.object {
            rows(2, &mut |y, row| {
                let out = &mut object[y * width..(y + 1) * width];
                for (to, from) in out.iter_mut().zip(row.as_chunks::<4>().0) {
                    *to = u32::from_ne_bytes(*from);
                }
            })?;
        }
        Ok(())
    }
}
