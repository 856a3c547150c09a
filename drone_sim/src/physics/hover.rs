//! Whether a vehicle can hover, and how.

use super::mixer::Mixer;
use super::rotors::{MOST_ROTORS, Rotors};
use super::vehicle::Vehicle;

/// Rotors that hover at more than this share of their highest speed leave nothing to steer with.
const MOST: f64 = 0.95;

/// What is said of a vehicle that cannot be steered.
pub(super) const UNSTEERED: &str = "whose rotors cannot steer all axes";

/// Rotor speeds, rad/s, at which a vehicle hovers level in `gravity`, m/s2.
///
/// # Errors
/// In words, why it cannot.
pub(super) fn speeds(vehicle: &Vehicle, gravity: f64) -> Result<Rotors, String> {
    let count = vehicle.rotors.len();
    if vehicle.carriers().count() < 4 || count > MOST_ROTORS {
        return Err(format!(
            "which has {count} rotors, {} of which carry; what can be flown has 4 to {MOST_ROTORS} that do, for fewer cannot hold \
             height, roll, pitch and yaw",
            vehicle.carriers().count()
        ));
    }
    let weak = || "which its rotors cannot carry; use less gravity or a stronger vehicle".to_string();
    if let Some(motor) = vehicle.one_motor().filter(|_| count == 4) {
        let speed = vehicle.hover_speed(gravity);
        return if speed > MOST * motor.max_speed { Err(weak()) } else { Ok(Rotors::repeat(4, speed)) };
    }
    let Some(mixer) = Mixer::new(vehicle) else { return Err(UNSTEERED.to_string()) };
    let thrusts = mixer.carrying(vehicle.mass * gravity);
    let mut speeds = Rotors::repeat(count, 0.0);
    for (i, (speed, thrust)) in speeds.iter_mut().zip(&thrusts).enumerate() {
        let rotor = &vehicle.rotors[i];
        if !rotor.carries() {
            continue;
        }
        if *thrust < 0.0 {
            return Err(format!(
                "whose centre of mass lies where rotor {i} would have to pull downwards; move the mass between the rotors"
            ));
        }
        *speed = (thrust / rotor.motor.thrust_constant).sqrt();
        if speed.is_nan() || *speed > MOST * rotor.motor.max_speed {
            return Err(weak());
        }
    }
    Ok(speeds)
}

impl Vehicle {
    /// Whether it can hover in `gravity`, m/s2, and be steered.
    ///
    /// # Errors
    /// In words, why not.
    pub fn check_hover(&self, gravity: f64) -> Result<(), String> {
        speeds(self, gravity)?;
        Mixer::new(self).map(|_| ()).ok_or_else(|| UNSTEERED.to_string())
    }
}
