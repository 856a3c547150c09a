//! What an SDF file means, with every pose resolved.
//!
//! Units are SI; frames are ENU (world) and FLU (models). Poses of [`Link`]s, [`Visual`]s, [`Collision`]s and
//! [`Light`]s are in the frame of the outermost thing that was loaded: the world, or, for a file that holds only a
//! model, the frame that the model stands in.

use nalgebra::{Isometry3, Matrix3, Vector3};

use crate::shape::Shape;

/// A world: its models, lights and physics.
#[derive(Debug, Clone, PartialEq)]
pub struct SdfWorld {
    /// Its name.
    pub name: String,
    /// Acceleration of gravity, m/s2, world frame.
    pub gravity: Vector3<f64>,
    /// Physics step and its relation to wall time.
    pub physics: Physics,
    /// Ambient light and background.
    pub scene: Scene,
    /// Lights of the world itself.
    pub lights: Vec<Light>,
    /// Top-level models in file order.
    pub models: Vec<SdfModel>,
    /// Frames of the world itself: name and pose.
    pub frames: Vec<(String, Isometry3<f64>)>,
}

/// `<physics>`.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Physics {
    /// Longest step, seconds.
    pub max_step_size: f64,
    /// Simulated seconds per wall second that the author wished for; 0 means as fast as possible.
    pub real_time_factor: f64,
}

impl Default for Physics {
    fn default() -> Self {
        Self { max_step_size: 0.001, real_time_factor: 1.0 }
    }
}

/// `<scene>`.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Scene {
    /// Ambient light, linear RGBA, 0 to 1.
    pub ambient: [f32; 4],
    /// Colour of the background, RGBA, 0 to 1.
    pub background: [f32; 4],
    /// Whether `<sky>` is present.
    pub sky: bool,
    /// Whether shadows are wished for.
    pub shadows: bool,
}

impl Default for Scene {
    fn default() -> Self {
        Self { ambient: [0.4, 0.4, 0.4, 1.0], background: [0.7, 0.7, 0.7, 1.0], sky: false, shadows: true }
    }
}

/// A model with its nested models.
#[derive(Debug, Clone, PartialEq)]
pub struct SdfModel {
    /// Its name, without the names of its parents.
    pub name: String,
    /// Whether it never moves. Inherited by nested models.
    pub is_static: bool,
    /// Its frame `__model__`.
    pub pose: Isometry3<f64>,
    /// Its links in file order.
    pub links: Vec<Link>,
    /// Its joints in file order.
    pub joints: Vec<Joint>,
    /// Explicit frames: name and pose.
    pub frames: Vec<(String, Isometry3<f64>)>,
    /// Models inside it.
    pub models: Vec<SdfModel>,
}

impl SdfModel {
    /// Calls `visit` for every link of this model and the models inside, with the scoped name of its model.
    pub fn visit_links<'a>(&'a self, visit: &mut dyn FnMut(&str, &'a SdfModel, &'a Link)) {
        fn go<'a>(m: &'a SdfModel, scope: &str, visit: &mut dyn FnMut(&str, &'a SdfModel, &'a Link)) {
            m.links.iter().for_each(|l| visit(scope, m, l));
            for inner in &m.models {
                go(inner, &format!("{scope}::{}", inner.name), visit);
            }
        }
        go(self, &self.name, visit);
    }
}

/// A rigid body.
#[derive(Debug, Clone, PartialEq)]
pub struct Link {
    /// Its name.
    pub name: String,
    /// Its frame.
    pub pose: Isometry3<f64>,
    /// Mass properties.
    pub inertial: Inertial,
    /// What is seen.
    pub visuals: Vec<Visual>,
    /// What is touched.
    pub collisions: Vec<Collision>,
    /// Lights it carries.
    pub lights: Vec<Light>,
    /// Whether gravity acts on it.
    pub gravity: bool,
}

/// `<inertial>`.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Inertial {
    /// Mass, kg.
    pub mass: f64,
    /// Frame of the moments, at the centre of mass.
    pub pose: Isometry3<f64>,
    /// Moments of inertia about `pose`, kg m2.
    pub inertia: Matrix3<f64>,
}

/// What is seen of a link.
#[derive(Debug, Clone, PartialEq)]
pub struct Visual {
    /// Its name.
    pub name: String,
    /// Frame of the shape.
    pub pose: Isometry3<f64>,
    /// The shape.
    pub shape: Shape,
    /// Its surface.
    pub material: Material,
    /// Opacity is one minus this, 0 to 1.
    pub transparency: f32,
    /// Whether it throws a shadow.
    pub cast_shadows: bool,
}

/// What is touched of a link.
#[derive(Debug, Clone, PartialEq)]
pub struct Collision {
    /// Its name.
    pub name: String,
    /// Frame of the shape.
    pub pose: Isometry3<f64>,
    /// The shape.
    pub shape: Shape,
}

/// Colours, RGBA, 0 to 1.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Material {
    /// Colour in ambient light.
    pub ambient: [f32; 4],
    /// Colour in direct light.
    pub diffuse: [f32; 4],
    /// Colour of highlights.
    pub specular: [f32; 4],
    /// Colour of its own light.
    pub emissive: [f32; 4],
}

impl Default for Material {
    fn default() -> Self {
        Self {
            ambient: [0.3, 0.3, 0.3, 1.0],
            diffuse: [0.7, 0.7, 0.7, 1.0],
            specular: [0.0, 0.0, 0.0, 1.0],
            emissive: [0.0, 0.0, 0.0, 1.0],
        }
    }
}

/// What shines.
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

/// A joint; kept for its frame and names.
#[derive(Debug, Clone, PartialEq)]
pub struct Joint {
    /// Its name.
    pub name: String,
    /// `fixed`, `revolute`, ... as written.
    pub kind: String,
    /// Parent frame or link.
    pub parent: String,
    /// Child frame or link.
    pub child: String,
    /// Its frame.
    pub pose: Isometry3<f64>,
}
