//! What shapes can be.

use std::sync::Arc;

use nalgebra::Vector3;

use crate::sdf::mesh::MeshData;
use crate::shape::Shape;

/// `<geometry>`.
#[derive(Debug, Clone, PartialEq)]
pub enum Geometry {
    /// Nothing.
    Empty,
    /// A primitive.
    Shape(Shape),
    /// Triangles.
    Mesh(Mesh),
}

impl Geometry {
    /// The primitive, if it is one.
    pub fn shape(&self) -> Option<Shape> {
        match self {
            Self::Shape(shape) => Some(*shape),
            _ => None,
        }
    }
}

/// Triangles from a file, a height map or an outline.
#[derive(Debug, Clone, PartialEq)]
pub struct Mesh {
    /// Where they come from.
    pub kind: MeshKind,
    /// The URI as written; empty for an outline.
    pub uri: String,
    /// `<scale>`, already applied to `data`.
    pub scale: Vector3<f64>,
    /// `<submesh><name>`, already applied to `data`.
    pub submesh: Option<String>,
    /// The triangles, in the frame of the visual or collision, metres.
    pub data: Arc<MeshData>,
}

/// Where triangles come from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MeshKind {
    /// `<mesh>`.
    File,
    /// `<heightmap>`.
    Heightmap,
    /// `<polyline>`.
    Polyline,
}

/// `<surface>`: what touching it is like.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Surface {
    /// Friction coefficient.
    pub mu: f64,
    /// Friction coefficient across the first direction.
    pub mu2: f64,
    /// Share of the speed that an impact gives back, 0 to 1.
    pub restitution: f64,
}

impl Default for Surface {
    fn default() -> Self {
        Self { mu: 1.0, mu2: 1.0, restitution: 0.0 }
    }
}
