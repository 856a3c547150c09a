//! What surfaces look like.

use std::path::PathBuf;

/// Colours, RGBA, 0 to 1, and a texture.
#[derive(Debug, Clone, PartialEq)]
pub struct Material {
    /// Colour in ambient light.
    pub ambient: [f32; 4],
    /// Colour in direct light.
    pub diffuse: [f32; 4],
    /// Colour of highlights.
    pub specular: [f32; 4],
    /// Colour of its own light.
    pub emissive: [f32; 4],
    /// The texture of `<pbr>` (albedo_map), as a file that was found.
    pub albedo_map: Option<PathBuf>,
    /// Whether both sides are seen.
    pub double_sided: bool,
}

impl Default for Material {
    fn default() -> Self {
        Self {
            ambient: [0.3, 0.3, 0.3, 1.0],
            diffuse: [0.7, 0.7, 0.7, 1.0],
            specular: [0.0, 0.0, 0.0, 1.0],
            emissive: [0.0, 0.0, 0.0, 1.0],
            albedo_map: None,
            double_sided: false,
        }
    }
}
