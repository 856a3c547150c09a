//! What a vehicle is made of.

use nalgebra::{Matrix3, Unit, Vector3};

use super::rotors::Rotors;
use super::wing::Wing;

/// The figures of a rotor with its motor, as Gazebo's MulticopterMotorModel has them.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Motor {
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
}

impl Motor {
    /// Highest thrust at rest in still air, N.
    pub fn max_thrust(&self) -> f64 {
        self.thrust_constant * self.max_speed * self.max_speed
    }
}

/// One rotor.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Rotor {
    /// Hub, metres from the centre of mass, body FLU.
    pub position: Vector3<f64>,
    /// Where its thrust points, body FLU; the body's z of an upright rotor.
    pub axis: Unit<Vector3<f64>>,
    /// +1 if it turns counter-clockwise seen from where its thrust points, else -1.
    pub spin: f64,
    /// Its figures.
    pub motor: Motor,
}

/// A rotor that leans farther than this from the body's z, as the cosine (60 degrees), pushes: it does not carry.
const CARRIES: f64 = 0.5;

impl Rotor {
    /// Whether its axis is the body's z.
    pub fn is_upright(&self) -> bool {
        self.axis.z == 1.0
    }

    /// Whether it is there to carry the vehicle and to steer it; one that leans more than 60 degrees pushes, and the simulator's own
    /// controller leaves it at rest.
    pub fn carries(&self) -> bool {
        self.axis.z >= CARRIES
    }
}

/// A multicopter with the coefficients of Gazebo's MulticopterMotorModel.
#[derive(Debug, Clone, PartialEq)]
pub struct Vehicle {
    /// The name it is asked for by.
    pub name: &'static str,
    /// Mass, kg.
    pub mass: f64,
    /// Moments of inertia about the body's axes, kg m2.
    pub inertia: Vector3<f64>,
    /// Products of inertia, the matrix' entries xy, xz and yz, kg m2. Zero if the body's axes are principal ones.
    pub products: Vector3<f64>,
    /// Centre of mass in the frame by which the vehicle is placed and told, and on which its sensors are mounted, metres. Zero for the
    /// built-in vehicles; of an SDF model, the model's frame.
    pub centre: Vector3<f64>,
    /// Its rotors, at most [`super::MOST_ROTORS`].
    pub rotors: Vec<Rotor>,
    /// Wings.
    pub wings: Vec<Wing>,
    /// Acceleration per wind speed against the body, 1/s: Gazebo's WindEffects on the whole of it. 0 for none.
    pub wind_response: f64,
    /// Air speed along a rotor's axis at which it gives no more thrust, m/s; thrust falls linearly with it. Gazebo's
    /// MulticopterMotorModel has 25; infinity for none of it.
    pub no_thrust_speed: f64,
}

/// The motors of the two vehicles that have names.
const MOTOR: Motor = Motor {
    thrust_constant: 8.54858e-6,
    moment_constant: 0.016,
    tau_up: 0.0125,
    tau_down: 0.025,
    max_speed: 1000.0,
    rotor_drag: 8.06428e-5,
    rolling_moment: 1e-6,
};

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
                Motor { max_speed: 800.0, ..MOTOR },
            ),
            ..Self::x500()
        }
    }

    /// The x500 that PX4 flies in Gazebo.
    pub fn x500() -> Self {
        Self {
            name: "x500",
            mass: 2.0,
            inertia: Vector3::new(0.02167, 0.02167, 0.04),
            products: Vector3::zeros(),
            centre: Vector3::zeros(),
            rotors: rotors(
                [(0.174, -0.174, 1.0), (-0.174, 0.174, 1.0), (0.174, 0.174, -1.0), (-0.174, -0.174, -1.0)],
                0.06,
                MOTOR,
            ),
            wings: Vec::new(),
            wind_response: 0.0,
            no_thrust_speed: 25.0,
        }
    }

    /// The vehicle of that name.
    pub fn by_name(name: &str) -> Option<Self> {
        [Self::x3(), Self::x500()].into_iter().find(|v| v.name == name)
    }

    /// The same with other motors, each made of the one that it has.
    #[must_use]
    pub fn with_motors(mut self, change: impl Fn(&Motor) -> Motor) -> Self {
        self.rotors.iter_mut().for_each(|r| r.motor = change(&r.motor));
        self
    }

    /// The motor of all rotors, if all carry upright and have one kind.
    pub fn one_motor(&self) -> Option<&Motor> {
        let first = &self.rotors.first()?.motor;
        self.rotors.iter().all(|r| r.is_upright() && r.motor == *first).then_some(first)
    }

    /// Rotor speed at which rotors of one kind carry the weight, if each carries as much, rad/s; `gravity` in m/s2. Of rotors of
    /// several kinds, or that lean, the speed at which the same speed of all carries it.
    pub fn hover_speed(&self, gravity: f64) -> f64 {
        let constant = match self.one_motor() {
            Some(motor) => self.rotors.len() as f64 * motor.thrust_constant,
            None => self.carriers().map(|r| r.axis.z * r.motor.thrust_constant).sum(),
        };
        (self.mass * gravity / constant).sqrt()
    }

    /// The rotors that carry.
    pub fn carriers(&self) -> impl Iterator<Item = &Rotor> + Clone {
        self.rotors.iter().filter(|r| r.carries())
    }

    /// Highest thrust of all rotors along the body's z at rest in still air, N.
    pub fn max_thrust(&self) -> f64 {
        match self.one_motor() {
            Some(motor) => self.rotors.len() as f64 * motor.max_thrust(),
            None => self.carriers().map(|r| r.axis.z * r.motor.max_thrust()).sum(),
        }
    }

    /// Highest speed of each rotor, rad/s.
    pub fn max_speeds(&self) -> Rotors {
        Rotors::from_fn(self.rotors.len(), |i| self.rotors[i].motor.max_speed)
    }

    /// The inertia matrix about the centre of mass, kg m2.
    pub fn inertia_matrix(&self) -> Matrix3<f64> {
        let ([x, y, z], [xy, xz, yz]) = (self.inertia.into(), self.products.into());
        Matrix3::new(x, xy, xz, xy, y, yz, xz, yz, z)
    }

    /// Angular momentum of a body that turns at `rates` (rad/s, body), N m s.
    pub fn momentum(&self, rates: &Vector3<f64>) -> Vector3<f64> {
        if self.products == Vector3::zeros() {
            return self.inertia.component_mul(rates);
        }
        self.inertia_matrix() * rates
    }

    /// Angular acceleration under a torque (N m, body), rad/s2.
    pub fn spin_up(&self, torque: &Vector3<f64>) -> Vector3<f64> {
        if self.products == Vector3::zeros() {
            return torque.component_div(&self.inertia);
        }
        // Cramer's rule; that the matrix has an inverse was seen when it was read.
        let m = self.inertia_matrix();
        let [a, b, c] = [m.column(0), m.column(1), m.column(2)].map(|v| v.into_owned());
        let volume = a.dot(&b.cross(&c));
        Vector3::new(torque.dot(&b.cross(&c)), torque.dot(&c.cross(&a)), torque.dot(&a.cross(&b))) / volume
    }
}

fn rotors(at: [(f64, f64, f64); 4], z: f64, motor: Motor) -> Vec<Rotor> {
    let up = Vector3::z_axis();
    at.map(|(x, y, spin)| Rotor { position: Vector3::new(x, y, z), axis: up, spin, motor }).to_vec()
}
