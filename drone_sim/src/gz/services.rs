//! Services of a world.

use std::sync::{Arc, Mutex, PoisonError};

use nalgebra::{Isometry3, Quaternion, UnitQuaternion, Vector3};
use peregrine_gz::GzNode;
use peregrine_gz::msgs::core::{Boolean, Empty, Entity, StringMsgV, Time};
use peregrine_gz::msgs::geometry::{Pose, PoseV};
use peregrine_gz::msgs::scene::Scene;
use peregrine_gz::msgs::serialized::SerializedStepMap;
use peregrine_gz::msgs::world::{EntityFactory, EntityFactoryV, WorldControl as ControlMsg, entity_factory};

use crate::control::{Change, WorldControl};
use crate::error::Result;

/// The longest SDF text that a client may send, bytes.
const LONGEST_SDF: usize = 16 << 20;

fn answer(yes: bool) -> Option<Boolean> {
    Some(Boolean { header: None, data: yes })
}

pub(super) fn offer(
    node: &GzNode,
    (world, craft): (&str, &str),
    control: &Arc<WorldControl>,
    scene: &Arc<Mutex<Scene>>,
    whole: &Arc<Mutex<SerializedStepMap>>,
) -> Result<()> {
    let name = |service: &str| format!("/world/{world}/{service}");
    let to = control.clone();
    node.advertise_service(&name("control"), move |order: ControlMsg| {
        obey(&to, &order);
        answer(true)
    })?;
    let (to, known) = (control.clone(), scene.clone());
    node.advertise_service(&name("set_pose"), move |pose: Pose| answer(set_pose(&to, &known, &pose)))?;
    let (to, known) = (control.clone(), scene.clone());
    node.advertise_service(&name("set_pose_vector"), move |poses: PoseV| {
        answer(poses.pose.iter().all(|pose| set_pose(&to, &known, pose)))
    })?;
    let to = control.clone();
    node.advertise_service(&name("create"), move |factory: EntityFactory| answer(create(&to, factory)))?;
    let to = control.clone();
    node.advertise_service(&name("create_multiple"), move |all: EntityFactoryV| {
        answer(all.data.into_iter().all(|factory| create(&to, factory)))
    })?;
    let (to, known) = (control.clone(), scene.clone());
    let craft = craft.to_string();
    node.advertise_service(&name("remove"), move |entity: Entity| {
        let scene = known.lock().unwrap_or_else(PoisonError::into_inner);
        let by = |m: &&peregrine_gz::msgs::scene::Model| {
            if entity.name.is_empty() { u64::from(m.id) == entity.id } else { m.name == entity.name }
        };
        // The vehicle stays: the flight is its own.
        let found = scene.model.iter().find(by).filter(|model| model.name != craft);
        let Some(model) = found else { return answer(false) };
        to.change(Change::Remove { name: model.name.clone() });
        answer(true)
    })?;
    let known = scene.clone();
    node.advertise_service(&name("scene/info"), move |_: Empty| {
        Some(known.lock().unwrap_or_else(PoisonError::into_inner).clone())
    })?;
    let state = whole.clone();
    node.advertise_service(&name("state"), move |_: Empty| {
        Some(state.lock().unwrap_or_else(PoisonError::into_inner).clone())
    })?;
    let worlds = StringMsgV { header: None, data: vec![world.to_string()] };
    node.advertise_service("/gazebo/worlds", move |_: Empty| Some(worlds.clone()))?;
    Ok(())
}

fn obey(control: &WorldControl, order: &ControlMsg) {
    if order.reset.as_ref().is_some_and(|r| r.all || r.model_only) {
        control.change(Change::Reset);
    }
    let nanos = |t: &Time| t.sec.saturating_mul(1_000_000_000).saturating_add(t.nsec.into());
    let steps = if order.multi_step > 0 { order.multi_step } else { u32::from(order.step) };
    match &order.run_to_sim_time {
        Some(time) => control.run_to(nanos(time)),
        // As in Gazebo, a world that is to run has no steps to count.
        None if steps > 0 && order.pause => control.step(steps),
        None => control.pause(order.pause),
    }
}

fn set_pose(control: &WorldControl, scene: &Mutex<Scene>, pose: &Pose) -> bool {
    let scene = scene.lock().unwrap_or_else(PoisonError::into_inner);
    let model =
        scene.model.iter().find(|m| if pose.name.is_empty() { m.id == pose.id } else { m.name == pose.name });
    let (Some(model), Some(to)) = (model, isometry(pose)) else { return false };
    control.change(Change::SetPose { name: model.name.clone(), pose: to });
    true
}

fn create(control: &WorldControl, factory: EntityFactory) -> bool {
    let sdf = match factory.from {
        Some(entity_factory::From::Sdf(sdf)) if sdf.len() <= LONGEST_SDF => sdf,
        // A model's file, by any URI that an <include> may have.
        Some(entity_factory::From::SdfFilename(uri)) => {
            let uri = uri.replace('&', "&amp;").replace('<', "&lt;");
            format!("<sdf version='1.9'><world name='w'><include><uri>{uri}</uri></include></world></sdf>")
        }
        _ => return false,
    };
    let pose = match &factory.pose {
        Some(pose) => match isometry(pose) {
            Some(pose) => Some(pose),
            None => return false,
        },
        None => None,
    };
    let name = Some(factory.name).filter(|n| !n.is_empty());
    control.change(Change::Create { sdf, name, pose, rename: factory.allow_renaming });
    true
}

/// A pose, if it is one: finite, with a rotation; without an orientation it is not turned.
fn isometry(pose: &Pose) -> Option<Isometry3<f64>> {
    let p = pose.position.clone().unwrap_or_default();
    let q = match &pose.orientation {
        Some(q) => Quaternion::new(q.w, q.x, q.y, q.z),
        None => Quaternion::identity(),
    };
    // Clients leave the orientation at zeros when they mean none.
    let q = if q.norm() < 1e-12 { Quaternion::identity() } else { q };
    let place = Vector3::new(p.x, p.y, p.z);
    let finite = place.iter().all(|x| x.is_finite() && x.abs() < 1e6) && q.norm().is_finite();
    finite.then(|| Isometry3::from_parts(place.into(), UnitQuaternion::from_quaternion(q)))
}
