//! What shines.

use nalgebra::{Isometry3, Vector3};

/// A light.
#[derive(Debug, Clone, PartialEq)]
pub struct Light {
    /// Its name.
    pub name: String,
    /// Directional, point or spot.
    pub kind: LightKind,
    /// Its frame.
    pub pose: Isometry3<f64>,
    /// The way the light travels, unit vector in the light's frame. Meaningless for point lights.
    pub direction: Vector3<f64>,
    /// Colour, RGBA, 0 to 1.
    pub diffuse: [f32; 4],
    /// Colour of highlights.
    pub specular: [f32; 4],
    /// Whether things throw shadows in it.
    pub cast_shadows: bool,
    /// Factor on its colour.
    pub intensity: f64,
    /// How it grows weak with the distance.
    pub attenuation: Attenuation,
    /// The cone of a spot light.
    pub spot: SpotCone,
}

/// The kinds of light SDF knows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LightKind {
    /// From a point, all ways.
    Point,
    /// From infinitely far, one way.
    Directional,
    /// From a point, in a cone.
    Spot,
}

/// `<attenuation>`: brightness at distance d is 1 / (constant + linear d + quadratic d^2), zero beyond the range.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Attenuation {
    /// Metres.
    pub range: f64,
    /// Unitless.
    pub constant: f64,
    /// 1/m.
    pub linear: f64,
    /// 1/m2.
    pub quadratic: f64,
}

impl Default for Attenuation {
    fn default() -> Self {
        Self { range: 10.0, constant: 1.0, linear: 1.0, quadratic: 0.0 }
    }
}

/// `<spot>`.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct SpotCone {
    /// Full brightness within, radians.
    pub inner_angle: f64,
    /// Dark beyond, radians.
    pub outer_angle: f64,
    /// How fast it falls between the two; 1 is linear.
    pub falloff: f64,
}
