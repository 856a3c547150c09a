//! Small f32 vector helpers and transcendental stand-ins for the pixel loops. They use only correctly rounded
//! operations (+, -, *, /, sqrt), so every machine computes the same bits.

pub(crate) type V3 = [f32; 3];

#[inline(always)]
pub(crate) fn dot(a: V3, b: V3) -> f32 {
    a[0] * b[0] + a[1] * b[1] + a[2] * b[2]
}

#[inline(always)]
pub(crate) fn sub(a: V3, b: V3) -> V3 {
    [a[0] - b[0], a[1] - b[1], a[2] - b[2]]
}

#[inline(always)]
pub(crate) fn add(a: V3, b: V3) -> V3 {
    [a[0] + b[0], a[1] + b[1], a[2] + b[2]]
}

#[inline(always)]
pub(crate) fn scale(a: V3, s: f32) -> V3 {
    [a[0] * s, a[1] * s, a[2] * s]
}

#[inline(always)]
pub(crate) fn mul(a: V3, b: V3) -> V3 {
    [a[0] * b[0], a[1] * b[1], a[2] * b[2]]
}

#[inline(always)]
pub(crate) fn lerp3(a: V3, b: V3, t: f32) -> V3 {
    [a[0] + (b[0] - a[0]) * t, a[1] + (b[1] - a[1]) * t, a[2] + (b[2] - a[2]) * t]
}

pub(crate) fn cross(a: V3, b: V3) -> V3 {
    [a[1] * b[2] - a[2] * b[1], a[2] * b[0] - a[0] * b[2], a[0] * b[1] - a[1] * b[0]]
}

/// Unit vector, or +z where the length is zero.
pub(crate) fn unit(a: V3) -> V3 {
    let n = dot(a, a).sqrt();
    if n > 1e-20 { scale(a, 1.0 / n) } else { [0.0, 0.0, 1.0] }
}

/// sRGB to linear light, 0 to 1, within 1e-12.
pub(crate) fn srgb_to_linear(s: f64) -> f64 {
    if s <= 0.04045 {
        return s.max(0.0) / 12.92;
    }
    let x = (s + 0.055) / 1.055;
    // x^2.4 = x^2 * (x^2)^(1/5)
    let a = x * x;
    let mut r: f64 = 1.0;
    for _ in 0..12 {
        let r4 = r * r * r * r;
        r -= (r4 * r - a) / (5.0 * r4);
    }
    a * r
}

/// Linear light to sRGB, 0 to 1, within 1e-12.
pub(crate) fn linear_to_srgb(x: f64) -> f64 {
    if x <= 0.003_130_8 {
        return x.max(0.0) * 12.92;
    }
    // x^(1/2.4) = ((x^5)^(1/4))^(1/3)
    let a = (x * x * x * x * x).sqrt().sqrt();
    let mut r: f64 = 1.0;
    for _ in 0..14 {
        r -= (r * r * r - a) / (3.0 * r * r);
    }
    1.055 * r - 0.055
}

/// A well mixed 32-bit hash of three integers: the source of every random choice in this crate.
#[inline]
pub(crate) fn hash(a: u32, b: u32, c: u32) -> u32 {
    let mut h = a.wrapping_mul(0x9E37_79B1) ^ b.wrapping_mul(0x85EB_CA77) ^ c.wrapping_mul(0xC2B2_AE3D);
    h ^= h >> 15;
    h = h.wrapping_mul(0x2C1B_3C6D);
    h ^= h >> 12;
    h = h.wrapping_mul(0x297A_2D39);
    h ^ (h >> 15)
}

/// A counter-based random sequence: `Dice::new(seed)` then `next` in 0..1.
#[derive(Clone, Debug)]
pub(crate) struct Dice {
    seed: u32,
    count: u32,
}

impl Dice {
    pub(crate) fn new(seed: u32) -> Self {
        Self { seed, count: 0 }
    }

    pub(crate) fn unit(&mut self) -> f32 {
        self.count = self.count.wrapping_add(1);
        (hash(self.seed, self.count, 0x51ED) >> 8) as f32 / 16_777_216.0
    }

    pub(crate) fn between(&mut self, low: f32, high: f32) -> f32 {
        low + (high - low) * self.unit()
    }
}
