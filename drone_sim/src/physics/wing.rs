//! A wing: Gazebo's LiftDrag.
//!
//! Lift, drag and moment grow linearly with the angle of attack up to the stall and change their slopes beyond it. Source: the plugin's
//! documentation, "Aerodynamics"; thin-airfoil theory for the meaning of the coefficients.

use nalgebra::Vector3;

/// Slower air than this does nothing, m/s.
const CALM: f64 = 0.01;

/// A wing on the body; vectors in the body's axes.
#[derive(Debug, Clone, PartialEq)]
pub struct Wing {
    /// Centre of pressure, metres from the centre of mass.
    pub centre: Vector3<f64>,
    /// Direction of flight.
    pub forward: Vector3<f64>,
    /// Direction of lift.
    pub upward: Vector3<f64>,
    /// m2.
    pub area: f64,
    /// kg/m3.
    pub air_density: f64,
    /// Angle of attack at the body's own zero, radians.
    pub a0: f64,
    /// Slopes of lift, drag and moment below the stall, 1/rad.
    pub slopes: [f64; 3],
    /// Angle of the stall, radians.
    pub stall: f64,
    /// Slopes beyond the stall, 1/rad.
    pub stalled: [f64; 3],
    /// Whether `upward` turns with the air about `forward`, as of a round body.
    pub radial_symmetry: bool,
}

impl Wing {
    /// Force and torque about the centre of mass, N and N m, in air that passes at `air` (the velocity of the centre of mass through
    /// it, m/s) with the body turning at `rates` (rad/s).
    pub fn wrench(&self, air: &Vector3<f64>, rates: &Vector3<f64>) -> (Vector3<f64>, Vector3<f64>) {
        let zero = (Vector3::zeros(), Vector3::zeros());
        let velocity = air + rates.cross(&self.centre);
        let speed = velocity.norm();
        if speed <= CALM {
            return zero;
        }
        let upward = if self.radial_symmetry {
            let across = velocity - self.forward * velocity.dot(&self.forward);
            (-across).try_normalize(1e-9).unwrap_or(self.upward)
        } else {
            self.upward
        };
        let Some(span) = self.forward.cross(&upward).try_normalize(1e-9) else { return zero };
        // What flows along the span does not lift.
        let sweep = (span.dot(&velocity) / speed).clamp(-1.0, 1.0);
        let cos_sweep = (1.0 - sweep * sweep).sqrt();
        let plane = velocity - span * velocity.dot(&span);
        let level = plane.norm();
        if level <= CALM {
            return zero;
        }
        let (drag, lift) = (-plane / level, span.cross(&plane) / level);
        // From the wing's chord to the air, upwards positive.
        let ahead = (-span).cross(&upward).normalize();
        let angle = (-plane.dot(&upward)).atan2(plane.dot(&ahead)) + self.a0;
        let angle = (angle + std::f64::consts::PI).rem_euclid(std::f64::consts::TAU) - std::f64::consts::PI;
        let pressure = 0.5 * self.air_density * level * level * self.area;
        let [cl, cd, cm] = self.coefficients(angle).map(|c| c * cos_sweep * pressure);
        let force = lift * cl + drag * cd;
        (force, span * cm + self.centre.cross(&force))
    }

    /// Lift, drag and moment at an angle of attack, radians.
    fn coefficients(&self, angle: f64) -> [f64; 3] {
        let (size, sign) = (angle.abs(), angle.signum());
        let [cl, cd, cm] = self.slopes.map(|s| s * size.min(self.stall));
        let beyond = (size - self.stall).max(0.0);
        let [fl, fd, fm] = self.stalled.map(|s| s * beyond);
        // Beyond the stall lift falls to nothing and does not turn round; drag is drag either way.
        let lift = if cl >= 0.0 { (cl + fl).max(0.0) } else { (cl + fl).min(0.0) };
        [sign * lift, (cd + fd).abs(), sign * (cm + fm)]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wing() -> Wing {
        Wing {
            centre: Vector3::new(-0.1, 0.0, 0.0),
            forward: Vector3::x(),
            upward: Vector3::z(),
            area: 0.5,
            air_density: 1.2,
            a0: 0.0,
            slopes: [4.0, 0.5, 0.0],
            stall: 0.3,
            stalled: [-4.0, 1.0, 0.0],
            radial_symmetry: false,
        }
    }

    /// q S c, up and against the flight, for air that comes from below by the angle of attack.
    #[test]
    fn lift_and_drag_by_hand() {
        let (speed, angle) = (10.0_f64, 0.1_f64);
        let air = Vector3::new(angle.cos(), 0.0, -angle.sin()) * speed;
        let (force, torque) = wing().wrench(&air, &Vector3::zeros());
        let pressure = 0.5 * 1.2 * 100.0 * 0.5;
        let (lift, drag) = (pressure * 0.4, pressure * 0.05);
        let right = Vector3::new(angle.sin(), 0.0, angle.cos()) * lift - air / speed * drag;
        assert!((force - right).norm() < 1e-9, "{force} {right}");
        assert!((torque - Vector3::new(-0.1, 0.0, 0.0).cross(&right)).norm() < 1e-9);
        // From above it pushes down, as much.
        let (down, _) = wing().wrench(&Vector3::new(air.x, 0.0, -air.z), &Vector3::zeros());
        assert!((down.z + force.z).abs() < 2.0 * drag && down.z < 0.0, "{down}");
    }

    #[test]
    fn beyond_the_stall_lift_falls() {
        let at = |angle: f64| {
            let air = Vector3::new(angle.cos(), 0.0, -angle.sin()) * 10.0;
            let (force, _) = wing().wrench(&air, &Vector3::zeros());
            force.dot(&Vector3::new(angle.sin(), 0.0, angle.cos())) / 30.0
        };
        assert!((at(0.3) - 1.2).abs() < 1e-9 && (at(0.45) - 0.6).abs() < 1e-9);
        assert!(at(0.7).abs() < 1e-9);
    }

    #[test]
    fn sideways_air_does_little_and_still_air_nothing() {
        assert_eq!(wing().wrench(&Vector3::zeros(), &Vector3::zeros()).0, Vector3::zeros());
        let (force, _) = wing().wrench(&Vector3::new(0.0, 10.0, 0.0), &Vector3::zeros());
        assert!(force.norm() < 1e-9, "{force}");
    }
}
