//! A vehicle by what an SDF model says of it: masses of its links, rotors of its MulticopterMotorModel plugins.

use nalgebra::{Matrix3, Vector3};

use super::battery::BatterySpec;
use super::rotors::MOST_ROTORS;
use super::vehicle::{Motor, Rotor, Vehicle};
use super::wing::Wing;
use crate::sdf::types::{Known, LiftDrag, Link, MotorModel, SdfModel};

impl Vehicle {
    /// The vehicle of a model, about its centre of mass and along the model's axes: mass and inertia of all links, the rotors in the
    /// order of their motor numbers, each with its own figures, wherever its link sits and however it leans.
    ///
    /// # Errors
    /// In words, what keeps the model from being flown: fewer than 4 rotors or more than 16, rotors on links that do not exist, masses
    /// and constants that are not above zero. Whether its rotors can carry and steer it tells [`Vehicle::check_hover`].
    pub fn of_model(model: &SdfModel) -> Result<Self, String> {
        let mut links: Vec<&Link> = Vec::new();
        model.visit_links(&mut |_, _, link| links.push(link));
        let mut motors = Vec::new();
        collect(model, &mut motors);
        motors.sort_by_key(|m| m.number);
        if !(4..=MOST_ROTORS).contains(&motors.len()) {
            return Err(format!("it has {} rotors, 4 to {MOST_ROTORS} are flown", motors.len()));
        }
        let (mass, centre, inertia) = body(model, &links);
        let into = model.pose.inverse();
        let mut rotors = Vec::with_capacity(motors.len());
        for motor in motors {
            // A plugin of a nested model may name the link with its scope.
            let name = motor.link.rsplit("::").next().unwrap_or(&motor.link);
            let link = links.iter().find(|l| l.name == name);
            let link =
                link.ok_or_else(|| format!("the link \"{}\" of a rotor does not exist", motor.link))?;
            let pose = into * link.pose;
            let axis = pose.rotation * Vector3::z_axis();
            // Files round angles to a few digits.
            let axis = if axis.z >= UPRIGHT { Vector3::z_axis() } else { axis };
            let spin = if motor.counter_clockwise { 1.0 } else { -1.0 };
            let position = pose.translation.vector - centre;
            rotors.push(Rotor { position, axis, spin, motor: figures(motor) });
        }
        let diagonal = inertia.diagonal();
        let products = Vector3::new(inertia.m12, inertia.m13, inertia.m23);
        let told = products.amax() > MEANT * diagonal.amax();
        let vehicle = Self {
            name: "sdf",
            mass,
            inertia: diagonal,
            products: if told { products } else { Vector3::zeros() },
            centre,
            rotors,
            wings: wings(model, &links, &centre),
            ..Self::x500()
        };
        let constants = vehicle.rotors.iter().flat_map(|r| {
            let m = &r.motor;
            [m.thrust_constant, m.moment_constant, m.max_speed, m.tau_up, m.tau_down]
        });
        let sound = constants.chain([mass, diagonal.min()]).all(|x| x.is_finite() && x > 0.0);
        // What has mass has three moments above zero about whatever axes.
        match sound && vehicle.inertia_matrix().symmetric_eigenvalues().min() > 0.0 {
            true => Ok(vehicle),
            false => Err("a mass, moment of inertia, motor or time constant is not above zero".into()),
        }
    }
}

/// An axis that leans less than this is upright: its cosine, a quarter of a degree.
const UPRIGHT: f64 = 0.999_99;
/// Products of inertia below this share of the largest moment are what rounding left.
const MEANT: f64 = 1e-9;

fn figures(motor: &MotorModel) -> Motor {
    Motor {
        thrust_constant: motor.motor_constant,
        moment_constant: motor.moment_constant,
        tau_up: motor.time_constant_up,
        tau_down: motor.time_constant_down,
        max_speed: motor.max_rot_velocity,
        rotor_drag: motor.rotor_drag_coefficient,
        rolling_moment: motor.rolling_moment_coefficient,
    }
}

impl BatterySpec {
    /// Of a model's LinearBatteryPlugin: its name, the battery, and the share of its capacity that is left. As there, rotors cost
    /// nothing: the load is `power_load`, from the moment on at which a rotor turns, or from the start if the plugin says so.
    pub fn of_model(model: &SdfModel) -> Option<(String, Self, f64)> {
        let found = model.plugins.iter().find_map(|p| match &p.known {
            Some(Known::LinearBattery(battery)) => Some(battery),
            _ => None,
        })?;
        let full = if found.e0 > 0.0 { found.e0 } else { found.voltage };
        if found.capacity <= 0.0 || full <= 0.0 {
            tracing::warn!(
                "model {}: the battery {} has no capacity or voltage and is left out",
                model.name,
                found.name
            );
            return None;
        }
        let spec = Self {
            capacity: found.capacity,
            full,
            empty: full + found.e1,
            resistance: found.resistance.max(0.0),
            efficiency: f64::INFINITY,
            idle: found.power_load.max(0.0),
            smoothing: found.smooth_current_tau.max(0.0),
            waits: !found.start_draining,
        };
        Some((found.name.clone(), spec, found.initial_charge / found.capacity))
    }
}

/// The wings of the model's LiftDrag plugins, about its centre of mass and along its axes.
fn wings(model: &SdfModel, links: &[&Link], centre: &Vector3<f64>) -> Vec<Wing> {
    let into = model.pose.inverse();
    let plugins = model.plugins.iter().filter_map(|p| match &p.known {
        Some(Known::LiftDrag(wing)) => Some(wing),
        _ => None,
    });
    let wing = |w: &LiftDrag| {
        let name = w.link.rsplit("::").next().unwrap_or(&w.link);
        let pose = into * links.iter().find(|l| l.name == name)?.pose;
        let along = |v: &Vector3<f64>| (pose.rotation * v).try_normalize(1e-9);
        Some(Wing {
            centre: (pose * nalgebra::Point3::from(w.cp)).coords - centre,
            forward: along(&w.forward)?,
            upward: along(&w.upward)?,
            area: w.area,
            air_density: w.air_density,
            a0: w.a0,
            slopes: [w.cla, w.cda, w.cma],
            stall: w.alpha_stall.abs(),
            stalled: [w.cla_stall, w.cda_stall, w.cma_stall],
            radial_symmetry: w.radial_symmetry,
        })
    };
    plugins.filter_map(wing).collect()
}

fn collect<'a>(model: &'a SdfModel, out: &mut Vec<&'a MotorModel>) {
    out.extend(model.plugins.iter().filter_map(|p| match &p.known {
        Some(Known::MulticopterMotorModel(motor)) => Some(motor),
        _ => None,
    }));
    model.models.iter().for_each(|inner| collect(inner, out));
}

/// Mass (kg), centre of mass (m, model frame) and inertia about it (kg m2, along the model's axes).
fn body(model: &SdfModel, links: &[&Link]) -> (f64, Vector3<f64>, Matrix3<f64>) {
    let into = model.pose.inverse();
    // The moments stand in the frame that links are told in.
    let parts = links.iter().map(|l| (l.inertial.mass, into * l.inertial.pose, l.inertial.inertia));
    let parts: Vec<_> = parts.collect();
    let mass: f64 = parts.iter().map(|(m, ..)| m).sum();
    let centre = parts.iter().map(|(m, pose, _)| pose.translation.vector * *m).sum::<Vector3<f64>>() / mass;
    let mut about = Matrix3::zeros();
    for (m, pose, inertia) in &parts {
        let (turn, away) = (pose.rotation.to_rotation_matrix(), pose.translation.vector - centre);
        // Steiner.
        about += turn * inertia * turn.transpose();
        about += (Matrix3::identity() * away.norm_squared() - away * away.transpose()) * *m;
    }
    (mass, centre, about)
}
