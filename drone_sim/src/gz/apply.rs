//! Changes that clients ask for, done to a flight.

use nalgebra::Isometry3;

use crate::control::Change;
use crate::error::{Place, Result, SimError};
use crate::flight::Flight;
use crate::sdf::types::{Known, SdfModel};
use crate::sdf::{Loaded, Loader, MeshPolicy};

/// Whether a change is one of the world, not of the vehicle called `craft`.
pub fn is_of_world(craft: &str, change: &Change) -> bool {
    !matches!(change, Change::Reset) && !matches!(change, Change::SetPose { name, .. } if name == craft)
}

/// Does it, in which the vehicle is called `craft`. What cannot be done is logged: the client's call has returned.
pub fn apply(flight: &mut Flight, craft: &str, change: Change) {
    if let Err(error) = attempt(flight, craft, &change) {
        tracing::warn!("{error}");
    }
}

/// The first model of what is to be put into the world.
fn first(loaded: &Loaded) -> Option<&SdfModel> {
    loaded.models.iter().chain(loaded.world.iter().flat_map(|w| &w.models)).next()
}

/// The name that a model shall have, which may not be that of the vehicle.
fn beside(craft: &str, loaded: &Loaded, name: Option<&str>, rename: bool) -> Result<Option<String>> {
    let wish = name.or_else(|| first(loaded).map(|m| m.name.as_str()));
    if wish != Some(craft) {
        return Ok(name.map(str::to_string));
    }
    if !rename {
        let place = Place { file: "create".into(), line: 1 };
        return Err(SimError::Duplicate { place, kind: "model", name: craft.to_string() });
    }
    Ok(Some(format!("{craft}_1")))
}

/// Topics are made at the start: what a model that comes later would say on some of its own is not said, which is logged.
fn told_nowhere(loaded: &Loaded) {
    let Some(model) = first(loaded) else { return };
    model.visit_links(&mut |name, _, link| {
        for sensor in &link.sensors {
            let (sensor, kind) = (&sensor.name, sensor.kind.name());
            tracing::warn!(
                "model {name}: the {kind} {sensor} is not simulated, for the model came after the start"
            );
        }
    });
    for plugin in &model.plugins {
        if let Some(Known::DiffDrive(_) | Known::OdometryPublisher(_) | Known::PosePublisher(_)) =
            plugin.known
        {
            let (model, plugin) = (&model.name, &plugin.name);
            tracing::warn!("model {model}: {plugin} is not simulated, for the model came after the start");
        }
    }
}

fn attempt(flight: &mut Flight, craft: &str, change: &Change) -> Result<()> {
    match change {
        Change::SetPose { name, pose } if name == craft => {
            flight.place(pose);
            Ok(())
        }
        Change::SetPose { name, pose } => flight.edit_world(|world| world.move_thing(name, pose)),
        Change::Remove { name } => flight.edit_world(|world| world.remove_thing(name)),
        Change::Create { sdf, name, pose, rename } => {
            let mut loader = Loader::from_env();
            loader.mesh = MeshPolicy::Load;
            let loaded = loader.load_str(sdf, "create")?;
            let name = beside(craft, &loaded, name.as_deref(), *rename)?;
            told_nowhere(&loaded);
            let insert =
                |world: &mut crate::scenario::World| world.insert(loaded, name.as_deref(), *pose, *rename);
            let (called, report) = flight.edit_world(insert)?;
            for (element, count) in &report.ignored {
                tracing::warn!("model {called}: {count} x {element} is not simulated");
            }
            Ok(())
        }
        Change::Reset => {
            let (start, yaw) = (flight.world().start, flight.world().start_yaw);
            let turn = nalgebra::UnitQuaternion::from_euler_angles(0.0, 0.0, yaw);
            flight.place(&Isometry3::from_parts(start.coords.into(), turn));
            Ok(())
        }
    }
}
