//! Air pressure, height and the magnetic field.

use nalgebra::{UnitQuaternion, Vector3};

use super::noise::{Noise, stream};
use super::spec::{AirPressureSpec, AltimeterSpec, NoiseSpec};
use crate::checkpoint::{Stateful, Tape};

/// Pressure of the standard atmosphere, pascals, at a height above the sea, metres: the troposphere's formula, as Gazebo
/// uses it. Source: ISO 2533:1975.
pub fn standard_pressure(height: f64) -> f64 {
    const TEMPERATURE: f64 = 288.15;
    const LAPSE: f64 = 0.0065;
    const EXPONENT: f64 = 9.80665 * 0.0289644 / (8.31432 * LAPSE);
    101_325.0 * ((TEMPERATURE - LAPSE * height) / TEMPERATURE).max(0.0).powf(EXPONENT)
}

/// A barometer.
#[derive(Debug, Clone)]
pub struct AirPressure {
    reference: f64,
    noise: Noise,
}

impl AirPressure {
    /// The barometer of a specification; `seed` and `id` choose its noise.
    pub fn new(spec: &AirPressureSpec, seed: u64, id: u64) -> Self {
        Self { reference: spec.reference_altitude, noise: Noise::new(spec.pressure, stream(seed, id, 0)) }
    }

    /// Variance of a reading, pascals squared.
    pub fn variance(&self) -> f64 {
        self.noise.spec().stddev.powi(2)
    }

    /// Pascals at a height of the world, metres.
    pub fn read(&mut self, height: f64, index: i64, dt: f64) -> f64 {
        self.noise.apply(standard_pressure(self.reference + height), index as u64, dt)
    }
}

/// Height and climb relative to where the sensor started, as Gazebo has it.
#[derive(Debug, Clone)]
pub struct Altimeter {
    reference: f64,
    noise: [Noise; 2],
}

/// One reading of the altimeter.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct AltimeterReading {
    /// Above the reference, metres.
    pub position: f64,
    /// m/s.
    pub velocity: f64,
    /// Height of the reference in the world, metres.
    pub reference: f64,
}

impl Altimeter {
    /// The altimeter of a specification that starts at height `reference` of the world, metres.
    pub fn new(spec: &AltimeterSpec, reference: f64, seed: u64, id: u64) -> Self {
        let noise = [(spec.vertical_position, 0), (spec.vertical_velocity, 1)];
        Self { reference, noise: noise.map(|(spec, part)| Noise::new(spec, stream(seed, id, part))) }
    }

    /// Reading at `height` (metres, world) with the climb `velocity` (m/s).
    pub fn read(&mut self, height: f64, velocity: f64, index: i64, dt: f64) -> AltimeterReading {
        let [p, v] = &mut self.noise;
        AltimeterReading {
            position: p.apply(height - self.reference, index as u64, dt),
            velocity: v.apply(velocity, index as u64, dt),
            reference: self.reference,
        }
    }
}

/// A magnetometer in a uniform field.
#[derive(Debug, Clone)]
pub struct Magnetometer {
    field: Vector3<f64>,
    noise: [Noise; 3],
}

impl Magnetometer {
    /// In a field in tesla, world frame.
    pub fn new(spec: &[NoiseSpec; 3], field: Vector3<f64>, seed: u64, id: u64) -> Self {
        let mut part = 0;
        let noise = spec.map(|spec| {
            part += 1;
            Noise::new(spec, stream(seed, id, part))
        });
        Self { field, noise }
    }

    /// Tesla in the frame of a sensor turned by `attitude` (sensor to world).
    pub fn read(&mut self, attitude: &UnitQuaternion<f64>, index: i64, dt: f64) -> Vector3<f64> {
        let true_field = attitude.inverse() * self.field;
        Vector3::from_fn(|k, _| self.noise[k].apply(true_field[k], index as u64, dt))
    }
}

impl Stateful for AirPressure {
    fn go_over(&mut self, tape: &mut Tape<'_>) {
        self.noise.go_over(tape);
    }
}

impl Stateful for Altimeter {
    fn go_over(&mut self, tape: &mut Tape<'_>) {
        self.noise.iter_mut().for_each(|n| n.go_over(tape));
    }
}

impl Stateful for Magnetometer {
    fn go_over(&mut self, tape: &mut Tape<'_>) {
        self.noise.iter_mut().for_each(|n| n.go_over(tape));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Rows of the table of the International Standard Atmosphere.
    #[test]
    fn pressures_are_those_of_the_table() {
        for (height, pascals) in
            [(0.0, 101_325.0), (1000.0, 89_874.6), (5000.0, 54_019.9), (11_000.0, 22_632.1)]
        {
            let p = standard_pressure(height);
            assert!((p / pascals - 1.0).abs() < 2e-4, "{height}: {p}");
        }
    }

    #[test]
    fn the_field_turns_against_the_sensor() {
        let mut m = Magnetometer::new(&[NoiseSpec::default(); 3], Vector3::new(1.0, 0.0, -2.0), 1, 1);
        let turned = UnitQuaternion::from_euler_angles(0.0, 0.0, std::f64::consts::FRAC_PI_2);
        assert!((m.read(&turned, 0, 0.0) - Vector3::new(0.0, -1.0, -2.0)).norm() < 1e-12);
    }

    #[test]
    fn height_counts_from_where_it_started() {
        let mut a = Altimeter::new(&AltimeterSpec::default(), 2.0, 1, 1);
        assert_eq!(
            a.read(5.0, -1.0, 0, 0.01),
            AltimeterReading { position: 3.0, velocity: -1.0, reference: 2.0 }
        );
    }
}
