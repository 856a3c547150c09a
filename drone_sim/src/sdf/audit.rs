//! What of a file is understood and yet not simulated, said once all of it is known: what the walk over the elements cannot judge, for
//! it depends on where else in the world a thing stands, or on whose it is. The names of these have the reason behind them:
//! `sensor[contact] beside the vehicle`.

use super::report::Report;
use super::types::{
    Atmosphere, FogKind, Joint, JointKind, Known, LightKind, Link, Physics, Plugin, SdfModel, SdfWorld,
};
use crate::sensors::spec::{SensorKind, SensorSpec};

/// Whether a sensor of the model `top`, which is not the vehicle, is simulated. What measures motion needs a model that stands, for the
/// motion of others is known fifty times a second only; what touches others is not watched.
pub(crate) fn is_served_beside(sensor: &SensorSpec, top: &SdfModel) -> bool {
    match sensor.kind {
        SensorKind::Imu(_) | SensorKind::NavSat(_) | SensorKind::Altimeter(_) => top.is_static,
        SensorKind::Contact { .. } => false,
        _ => true,
    }
}

/// Adds to the report of a file that holds this world, or these models alone.
pub(super) fn audit(world: Option<&SdfWorld>, models: &[SdfModel], report: &mut Report) {
    // The first multicopter flies.
    let all = || models.iter().chain(world.into_iter().flat_map(|w| &w.models));
    let craft = all().find(|m| m.is_multicopter()).map(std::ptr::from_ref);
    for top in all() {
        let flies = craft == Some(std::ptr::from_ref(top));
        joints(top, flies, report);
        plugins(top, flies, report);
        top.models.iter().for_each(|inner| nested(inner, report));
        top.visit_links(&mut |_, _, link| {
            lights(link.lights.iter().map(|l| l.kind), "on a link", report);
            if flies {
                vehicle_link(link, report);
            } else if world.is_some() {
                sensors(top, link, report);
            }
        });
    }
    if let Some(world) = world {
        surroundings(world, report);
        let effects = world.plugins.iter().any(|p| matches!(p.known, Some(Known::WindEffects)));
        let blown = |m: &&SdfModel| m.enable_wind && !m.is_static && craft != Some(std::ptr::from_ref(*m));
        for _ in world.models.iter().filter(blown).filter(|_| effects) {
            report.ignore("model/enable_wind beside the vehicle");
        }
    }
}

fn moves(joint: &Joint) -> bool {
    matches!(joint.kind, JointKind::Revolute | JointKind::Continuous | JointKind::Prismatic)
}

/// The joints of the vehicle, and of models inside it, that would move in Gazebo and stand still here: all but its rotors'. Those of
/// other models are listed where it is decided what moves; kinds that never move, where they are read. Sensors of joints, of all models.
fn joints(top: &SdfModel, flies: bool, report: &mut Report) {
    let mut rotors = Vec::new();
    rotor_joints(top, &mut rotors);
    let mut stack = vec![top];
    while let Some(model) = stack.pop() {
        for joint in &model.joints {
            let turned = rotors.contains(&joint.name.as_str());
            if flies && moves(joint) && !turned && !top.is_static {
                report.ignore(&format!("model/joint[{}]", joint.kind));
            }
            joint
                .sensors
                .iter()
                .for_each(|s| report.ignore(&format!("sensor[{}] on a joint", s.kind.name())));
        }
        stack.extend(&model.models);
    }
}

/// The joints that motor plugins turn, by their names without scope.
fn rotor_joints<'a>(model: &'a SdfModel, out: &mut Vec<&'a str>) {
    out.extend(model.plugins.iter().filter_map(|p| match &p.known {
        Some(Known::MulticopterMotorModel(motor)) => motor.joint.rsplit("::").next(),
        _ => None,
    }));
    model.models.iter().for_each(|inner| rotor_joints(inner, out));
}

fn short(plugin: &Plugin) -> &str {
    plugin.name.rsplit("::").next().unwrap_or(&plugin.name)
}

/// Plugins of a model that is not inside another.
fn plugins(top: &SdfModel, flies: bool, report: &mut Report) {
    for plugin in &top.plugins {
        let why = match &plugin.known {
            Some(Known::LiftDrag(_) | Known::LinearBattery(_)) if !flies => "beside the vehicle",
            Some(Known::LiftDrag(wing)) => {
                if !wing.control_joint.is_empty() {
                    report.ignore("plugin[LiftDrag]/control_joint_name");
                }
                continue;
            }
            Some(Known::MulticopterVelocityControl(_)) if !flies => "beside the vehicle",
            Some(Known::MulticopterVelocityControl(_)) => {
                // The simulator's own controller flies, which is tuned from the vehicle's figures.
                report.quiet("plugin[MulticopterVelocityControl]/gains");
                continue;
            }
            Some(Known::DiffDrive(_)) if flies => "on the vehicle",
            Some(Known::DiffDrive(drive)) => {
                let is_there =
                    |names: &[String]| names.iter().any(|n| top.joints.iter().any(|j| j.name == *n));
                match is_there(&drive.left_joints) && is_there(&drive.right_joints) && !top.is_static {
                    true => continue,
                    false => "without wheels that turn",
                }
            }
            Some(Known::Label(_)) => "on a model, not on a visual",
            _ => continue,
        };
        report.ignore(&format!("model/plugin[{}] {why}", short(plugin)));
    }
}

/// Plugins of models inside models; of rotors they are found.
fn nested(model: &SdfModel, report: &mut Report) {
    for plugin in &model.plugins {
        if let Some(known) = &plugin.known
            && !matches!(known, Known::MulticopterMotorModel(_) | Known::Always(_))
        {
            report.ignore(&format!("model/plugin[{}] of a model inside a model", short(plugin)));
        }
    }
    model.models.iter().for_each(|inner| nested(inner, report));
}

/// Sensors of a model beside the vehicle.
fn sensors(top: &SdfModel, link: &Link, report: &mut Report) {
    for sensor in link.sensors.iter().filter(|s| !is_served_beside(s, top)) {
        let why = match sensor.kind {
            SensorKind::Contact { .. } => "beside the vehicle",
            _ => "of a model that is not static",
        };
        report.ignore(&format!("sensor[{}] {why}", sensor.kind.name()));
    }
}

/// What a link of the vehicle asks for that its dynamics lack.
fn vehicle_link(link: &Link, report: &mut Report) {
    if !link.gravity {
        report.ignore("link/gravity of the vehicle");
    }
    if link.velocity_decay != [0.0; 2] {
        report.ignore("link/velocity_decay of the vehicle");
    }
    if link.kinematic {
        report.ignore("link/kinematic of the vehicle");
    }
}

fn lights(kinds: impl Iterator<Item = LightKind>, of: &str, report: &mut Report) {
    for kind in kinds {
        let kind = match kind {
            LightKind::Directional => "directional",
            LightKind::Point => "point",
            LightKind::Spot => "spot",
        };
        report.ignore(&format!("light[{kind}] {of}"));
    }
}

fn surroundings(world: &SdfWorld, report: &mut Report) {
    for joint in &world.joints {
        joint.sensors.iter().for_each(|s| report.ignore(&format!("sensor[{}] on a joint", s.kind.name())));
    }
    for plugin in &world.plugins {
        match &plugin.known {
            None | Some(Known::Always(_) | Known::WindEffects) => {}
            Some(_) => report.ignore(&format!("world/plugin[{}] outside of a model", short(plugin))),
        }
    }
    // The first directional light is the sun.
    let mut suns = 0;
    let rest = world.lights.iter().map(|l| l.kind).filter(|kind| {
        suns += usize::from(*kind == LightKind::Directional);
        *kind != LightKind::Directional || suns > 1
    });
    lights(rest.collect::<Vec<_>>().into_iter(), "beside the sun", report);
    // Nor do they change anything in Gazebo: its barometer knows the standard atmosphere alone.
    if world.atmosphere != Atmosphere::default() {
        report.quiet("world/atmosphere");
    }
    if world.physics.real_time_factor != Physics::default().real_time_factor {
        report.quiet("physics/real_time_factor");
    }
    let fog = world.scene.fog.map(|fog| fog.kind);
    if let Some(kind @ (FogKind::Linear | FogKind::Quadratic)) = fog {
        report.warn(format!(
            "world \"{}\": its {kind} fog is drawn as an exponential one that hides one half at the same distance",
            world.name
        ));
    }
}
