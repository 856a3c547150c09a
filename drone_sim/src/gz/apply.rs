//! Changes that clients ask for, done to a flight.

use nalgebra::Isometry3;

use crate::control::Change;
use crate::error::Result;
use crate::flight::Flight;
use crate::sdf::{Loader, MeshPolicy};

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
