//! A vehicle by what an SDF model says of it: masses of its links, rotors of its MulticopterMotorModel plugins.

use nalgebra::{Matrix3, Vector3};

use super::battery::BatterySpec;
use super::vehicle::{Rotor, Vehicle};
use super::wing::Wing;
use crate::sdf::types::{Known, LiftDrag, Link, MotorModel, SdfModel};

impl Vehicle {
    /// The vehicle of a model, about its centre of mass and along the model's axes: mass and moments of inertia of all links,
    /// the rotors in the order of their motor numbers.
    ///
    /// # Errors
    /// In words, what keeps the model from being flown: it has not four rotors on links that exist, they differ in more than place
    /// and direction, or they do not turn about the model's z axis.
    pub fn of_model(model: &SdfModel) -> Result<Self, String> {
        let mut links: Vec<&Link> = Vec::new();
        model.visit_links(&mut |_, _, link| links.push(link));
        let mut motors = Vec::new();
        collect(model, &mut motors);
        motors.sort_by_key(|m| m.number);
        let motors: [&MotorModel; 4] = motors
            .as_slice()
            .try_into()
            .map_err(|_| format!("it has {} rotors, four are flown", motors.len()))?;
        let first = motors[0];
        let same = |a: f64, b: f64| (a - b).abs() <= 1e-9 * a.abs().max(b.abs());
        let figures = |m: &MotorModel| {
            let constants = [m.motor_constant, m.moment_constant, m.rotor_drag_coefficient];
            let limits = [m.time_constant_up, m.time_constant_down, m.max_rot_velocity];
            [constants, limits].concat()
        };
        if motors.iter().any(|m| figures(m).iter().zip(figures(first)).any(|(a, b)| !same(*a, b))) {
            return Err("its rotors differ in more than place and direction".into());
        }
        let (mass, centre, inertia) = body(model, &links);
        let into = model.pose.inverse();
        let mut rotors = Vec::with_capacity(4);
        for motor in motors {
            // A plugin of a nested model may name the link with its scope.
            let name = motor.link.rsplit("::").next().unwrap_or(&motor.link);
            let link = links.iter().find(|l| l.name == name);
            let link =
                link.ok_or_else(|| format!("the link \"{}\" of a rotor does not exist", motor.link))?;
            let pose = into * link.pose;
            if (pose.rotation * Vector3::z()).z < 0.999 {
                return Err(format!("the rotor \"{}\" is tilted", motor.link));
            }
            let spin = if motor.counter_clockwise { 1.0 } else { -1.0 };
            rotors.push(Rotor { position: pose.translation.vector - centre, spin });
        }
        let rotors = <[Rotor; 4]>::try_from(rotors).map_err(|_| "it has not four rotors".to_string())?;
        let vehicle = Self {
            name: "sdf",
            mass,
            inertia,
            centre,
            rotors,
            thrust_constant: first.motor_constant,
            moment_constant: first.moment_constant,
            tau_up: first.time_constant_up,
            tau_down: first.time_constant_down,
            max_speed: first.max_rot_velocity,
            rotor_drag: first.rotor_drag_coefficient,
            rolling_moment: first.rolling_moment_coefficient,
            wings: wings(model, &links, &centre),
            ..Self::x500()
        };
        let positive =
            [mass, inertia.min(), vehicle.thrust_constant, vehicle.moment_constant, vehicle.max_speed];
        match positive.iter().all(|x| x.is_finite() && *x > 0.0) {
            true => Ok(vehicle),
            false => Err("a mass, moment of inertia or motor constant is not above zero".into()),
        }
    }
}

impl BatterySpec {
    /// Of a model's LinearBatteryPlugin: its name, the battery, and the share of its capacity that is left. As there, rotors cost
    /// nothing: the load is `power_load`.
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
        if !w.control_joint.is_empty() {
            tracing::warn!(
                "model {}: the control surface {} of a wing stays at 0",
                model.name,
                w.control_joint
            );
        }
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

/// Mass (kg), centre of mass (m, model frame) and moments of inertia about it (kg m2, along the model's axes).
fn body(model: &SdfModel, links: &[&Link]) -> (f64, Vector3<f64>, Vector3<f64>) {
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
    (mass, centre, about.diagonal())
}
