//! What surrounds the models: time, light, air.

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
    /// Ambient light, RGBA, 0 to 1.
    pub ambient: [f32; 4],
    /// Colour of the background, RGBA, 0 to 1.
    pub background: [f32; 4],
    /// Whether `<sky>` is present.
    pub sky: bool,
    /// Whether shadows are wished for.
    pub shadows: bool,
    /// `<fog>`, where it is of a type other than none.
    pub fog: Option<Fog>,
}

impl Default for Scene {
    fn default() -> Self {
        Self {
            ambient: [0.4, 0.4, 0.4, 1.0],
            background: [0.7, 0.7, 0.7, 1.0],
            sky: false,
            shadows: true,
            fog: None,
        }
    }
}

/// `<fog>`.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Fog {
    /// Its colour, RGBA, 0 to 1.
    pub color: [f32; 4],
    /// Where a linear fog begins, metres.
    pub start: f64,
    /// Where a linear fog hides everything, metres.
    pub end: f64,
    /// Density of the exponential kinds, 1/m.
    pub density: f64,
}

/// `<atmosphere type="adiabatic">`: the air at the world's origin.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Atmosphere {
    /// Kelvin.
    pub temperature: f64,
    /// Pascals.
    pub pressure: f64,
    /// Kelvin per metre of height.
    pub temperature_gradient: f64,
}

impl Default for Atmosphere {
    fn default() -> Self {
        Self { temperature: 288.15, pressure: 101_325.0, temperature_gradient: -0.0065 }
    }
}
