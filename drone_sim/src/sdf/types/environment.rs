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

/// `<fog><type>`: the share of fog at a distance.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FogKind {
    /// None at `start`, all at `end`.
    Linear,
    /// `1 - exp(-density d)`.
    Exponential,
    /// `1 - exp(-(density d)^2)`.
    Quadratic,
}

impl std::fmt::Display for FogKind {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Linear => "linear",
            Self::Exponential => "exponential",
            Self::Quadratic => "quadratic",
        })
    }
}

/// `<fog>`.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Fog {
    /// How it grows with the distance.
    pub kind: FogKind,
    /// Its colour, RGBA, 0 to 1.
    pub color: [f32; 4],
    /// Where a linear fog begins, metres.
    pub start: f64,
    /// Where a linear fog hides everything, metres.
    pub end: f64,
    /// Density of the exponential kinds, 1/m.
    pub density: f64,
}

impl Fog {
    /// The distance at which it hides one half, metres.
    pub fn half(&self) -> f64 {
        let ln2 = std::f64::consts::LN_2;
        match self.kind {
            FogKind::Linear => (self.start + self.end) / 2.0,
            FogKind::Exponential => ln2 / self.density,
            FogKind::Quadratic => ln2.sqrt() / self.density,
        }
    }
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
