//! What a vehicle is made of.

use nalgebra::Vector3;

use super::wing::Wing;

/// One rotor; its axis is the body's z.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Rotor {
    /// Hub, metres from the centre of mass, body FLU.
    pub position: Vector3<f64>,
    /// +1 if it turns counter-clockwise seen from above, else -1.
    pub spin: f64,
}

/// A quadrotor with the coefficients of Gazebo's MulticopterMotorModel.
#[derive(Debug, Clone, PartialEq)]
pub struct Vehicle {
    /// The name it is asked for by.
    pub name: &'static str,
    /// Mass, kg.
    pub mass: f64,
    /// Principal moments of inertia, kg m2, body axes.
    pub inertia: Vector3<f64>,
    /// Centre of mass in the frame by which the vehicle is placed and told, and on which its sensors are mounted, metres. Zero for the
    /// built-in vehicles; of an SDF model, the model's frame.
    pub centre: Vector3<f64>,
    /// The four rotors.
    pub rotors: [Rotor; 4],
    /// Thrust per square of rotor speed, N s2 / rad2.
    pub thrust_constant: f64,
    /// Drag torque per thrust, metres.
    pub moment_constant: f64,
    /// Time constant of a rotor that speeds up, seconds.
    pub tau_up: f64,
    /// Time constant of a rotor that slows down, seconds.
    pub tau_down: f64,
    /// Highest rotor speed, rad/s.
    pub max_speed: f64,
    /// Rotor drag per rotor speed and air speed in the rotor's plane, N s2 / (rad m).
    pub rotor_drag: f64,
    /// Rolling moment per rotor speed and air speed in the rotor's plane, N s2 / rad.
    pub rolling_moment: f64,
    /// Wings.
    pub wings: Vec<Wing>,
    /// Acceleration per wind speed against the body, 1/s: Gazebo's WindEffects on the whole of it. 0 for none.
    pub wind_response: f64,
    /// Air speed along a rotor's axis at which it gives no more thrust, m/s; thrust falls linearly with it. Gazebo's
    /// MulticopterMotorModel has 25; infinity for none of it.
    pub no_thrust_speed: f64,
}

impl Vehicle {
    /// The X3 of the Gazebo examples.
    pub fn x3() -> Self {
        Self {
            name: "x3",
            mass: 1.5,
            inertia: Vector3::new(0.0347563, 0.07, 0.0977),
            rotors: rotors(
                [(0.13, -0.22, 1.0), (-0.13, 0.2, 1.0), (0.13, 0.22, -1.0), (-0.13, -0.2, -1.0)],
                0.023,
            ),
            max_speed: 800.0,
            ..Self::x500()
        }
    }

    /// The x500 that PX4 flies in Gazebo.
    pub fn x500() -> Self {
        Self {
            name: "x500",
            mass: 2.0,
            inertia: Vector3::new(0.02167, 0.02167, 0.04),
            centre: Vector3::zeros(),
            rotors: rotors(
                [(0.174, -0.174, 1.0), (-0.174, 0.174, 1.0), (0.174, 0.174, -1.0), (-0.174, -0.174, -1.0)],
                0.06,
            ),
            thrust_constant: 8.54858e-6,
            moment_constant: 0.016,
            tau_up: 0.0125,
            tau_down: 0.025,
            max_speed: 1000.0,
            rotor_drag: 8.06428e-5,
            rolling_moment: 1e-6,
            wings: Vec::new(),
            wind_response: 0.0,
            no_thrust_speed: 25.0,
        }
    }

    /// The vehicle of that name.
    pub fn by_name(name: &str) -> Option<Self> {
        [Self::x3(), Self::x500()].into_iter().find(|v| v.name == name)
    }

    /// Rotor speed at which four rotors carry the weight, rad/s; `gravity` in m/s2.
    pub fn hover_speed(&self, gravity: f64) -> f64 {
        (self.mass * gravity / (4.0 * self.thrust_constant)).sqrt()
    }

    /// Highest thrust of one rotor at rest in still air, N.
    pub fn max_rotor_thrust(&self) -> f64 {
        self.thrust_constant * self.max_speed * self.max_speed
    }
}

fn rotors(at: [(f64, f64, f64); 4], z: f64) -> [Rotor; 4] {
    at.map(|(x, y, spin)| Rotor { position: Vector3::new(x, y, z), spin })
}
