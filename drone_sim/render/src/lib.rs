//! A deterministic CPU rasteriser for colour, depth and labels, with no GPU and no `unsafe`.
//!
//! Three nouns: a [`Scene`] holds meshes, textures, materials and placed instances; a [`Camera`] and a pose in the
//! optical frame say what is seen; a [`Renderer`] owns the worker threads and fills the [`Targets`] you hand it. The
//! bytes depend on the scene, camera, pose and settings alone, never on the number of threads or on earlier frames.
//!
//! ```
//! use nalgebra::{Isometry3, Point3};
//! use peregrine_render::{Camera, Instance, Material, Mesh, Renderer, Scene, Targets, look_at};
//!
//! let mut scene = Scene::new();
//! let ball = scene.add_mesh(Mesh::sphere(0.5, 48));
//! let red = scene.add_material(Material::matt([0.7, 0.05, 0.05]))?;
//! scene.add_instance(Instance::new(ball, red, Isometry3::translation(0.0, 4.0, 1.0)).labelled(7, 0))?;
//!
//! let camera = Camera::from_hfov(64, 48, 1.4)?;
//! let pose = look_at(Point3::new(0.0, 0.0, 1.0), Point3::new(0.0, 4.0, 1.0));
//! let (mut rgb, mut depth, mut object) = (vec![0; 64 * 48 * 3], vec![0.0; 64 * 48], vec![0; 64 * 48]);
//! let targets = Targets { rgb: Some(&mut rgb), depth: Some(&mut depth), object: Some(&mut object) };
//! Renderer::new(2)?.render(&scene, &camera, &pose, targets)?;
//!
//! let middle = 24 * 64 + 32;
//! assert_eq!(object[middle], 7);
//! assert!((depth[middle] - 3.5).abs() < 0.01, "metres along the optical axis");
//! assert_eq!(depth[0], f32::INFINITY, "nothing there");
//! # Ok::<(), peregrine_render::RenderError>(())
//! ```

mod boxes;
mod camera;
mod cull;
mod error;
mod geometry;
#[cfg(feature = "gpu")]
mod gpu;
mod maths;
mod mesh;
pub mod noise;
mod pool;
pub mod props;
mod raster;
pub mod raycast;
mod removal;
mod renderer;
mod scene;
mod shade;
mod shadow;
mod shapes;
mod simd;
mod sky;
mod texture;
mod tone;
mod view;

pub use boxes::{BoxFinder, ObjectBox, OrientedBox};
pub use camera::{Camera, look_at, optical_from_body};
pub use error::{RenderError, Result};
pub use mesh::Mesh;
pub use removal::Renumbered;
pub use renderer::{Renderer, Settings, Targets};
pub use scene::{Fog, Instance, InstanceId, Material, MaterialId, MeshId, Scene, Sky, Sun, TextureId};
pub use shadow::ShadowSettings;
pub use texture::Texture;
