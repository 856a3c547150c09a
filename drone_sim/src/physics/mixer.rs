//! Thrust and torques into rotor speeds, with an order of sacrifice when the rotors cannot give all.

use nalgebra::{Matrix4, Vector3, Vector4};

use super::vehicle::Vehicle;

/// Rotors turn at least at this share of their highest thrust, so that they stay steerable.
const IDLE_SHARE: f64 = 0.01;

/// The inverse of "rotor thrusts to wrench" of one vehicle.
#[derive(Debug, Clone)]
pub struct Mixer {
    from_wrench: Matrix4<f64>,
    thrust_constant: f64,
    lowest: f64,
    highest: f64,
}

impl Mixer {
    /// `None` if the rotors cannot give all four of thrust, roll, pitch and yaw.
    pub fn new(vehicle: &Vehicle) -> Option<Self> {
        let to_wrench = Matrix4::from_fn(|row, i| {
            let rotor = &vehicle.rotors[i];
            match row {
                0 => 1.0,
                1 => rotor.position.y,
                2 => -rotor.position.x,
                _ => -rotor.spin * vehicle.moment_constant,
            }
        });
        let highest = vehicle.max_rotor_thrust();
        Some(Self {
            from_wrench: to_wrench.try_inverse()?,
            thrust_constant: vehicle.thrust_constant,
            lowest: IDLE_SHARE * highest,
            highest,
        })
    }

    /// Rotor speeds, rad/s, for a thrust along the body's z (N) and torques (N m, body).
    ///
    /// If they cannot give all of it, yaw gives way first, then thrust, and roll and pitch last: a vehicle that
    /// cannot tilt cannot stop.
    pub fn rotor_speeds(&self, thrust: f64, torque: &Vector3<f64>) -> Vector4<f64> {
        let mut tilt = self.from_wrench * Vector4::new(0.0, torque.x, torque.y, 0.0);
        let range = tilt.max() - tilt.min();
        let room = self.highest - self.lowest;
        if range > room {
            tilt *= room / range;
        }
        let lift = self.from_wrench * Vector4::new(thrust, 0.0, 0.0, 0.0);
        let mut each = lift + tilt;
        let shift = (self.lowest - each.min()).max(0.0) - (each.max() - self.highest).max(0.0);
        each.add_scalar_mut(shift);
        let yaw = self.from_wrench * Vector4::new(0.0, 0.0, 0.0, torque.z);
        let mut share: f64 = 1.0;
        for (now, more) in each.iter().zip(yaw.iter()) {
            let room = if *more > 0.0 { self.highest - now } else { now - self.lowest };
            if more.abs() > 1e-12 {
                share = share.min((room / more.abs()).max(0.0));
            }
        }
        each += yaw * share;
        each.map(|f| (f.clamp(self.lowest, self.highest) / self.thrust_constant).sqrt())
    }
}
