//! Services of a world.

use std::sync::{Arc, Mutex, PoisonError};

use nalgebra::{Isometry3, Quaternion, UnitQuaternion, Vector3};
use peregrine_gz::GzNode;
use peregrine_gz::msgs::core::{Boolean, Empty, Entity, StringMsg, StringMsgV, Time};
use peregrine_gz::msgs::geometry::{Pose, PoseV};
use peregrine_gz::msgs::scene::Scene;
use peregrine_gz::msgs::serialized::SerializedStepMap;
use peregrine_gz::msgs::world::{
    EntityFactory, EntityFactoryV, SphericalCoordinates, WorldControl as ControlMsg, entity_factory,
};

use super::scene::is_thing;
use crate::control::{Change, WorldControl};
use crate::error::Result;
use crate::sensors::Datum;

/// The longest SDF text that a client may send, bytes.
const LONGEST_SDF: usize = 16 << 20;

fn answer(yes: bool) -> Option<Boolean> {
    Some(Boolean { header: None, data: yes })
}

pub(super) fn offer(
    node: &GzNode,
    (world, craft, datum): (&str, &str, Option<Datum>),
    control: &Arc<WorldControl>,
    scene: &Arc<Mutex<Scene>>,
    whole: &Arc<Mutex<SerializedStepMap>>,
    askers: &super::Askers,
) -> Result<()> {
    let name = |service: &str| format!("/world/{world}/{service}");
    let to = control.clone();
    node.advertise_service(&name("control"), move |order: ControlMsg| answer(obey(&to, &order)))?;
    let (to, known) = (control.clone(), scene.clone());
    node.advertise_service(&name("set_pose"), move |pose: Pose| answer(set_pose(&to, &known, &pose)))?;
    let (to, known) = (control.clone(), scene.clone());
    node.advertise_service(&name("set_pose_vector"), move |poses: PoseV| {
        answer(poses.pose.iter().all(|pose| set_pose(&to, &known, pose)))
    })?;
    let to = control.clone();
    node.advertise_service(&name("create"), move |factory: EntityFactory| {
        answer(create(&to, datum.as_ref(), factory))
    })?;
    let to = control.clone();
    node.advertise_service(&name("create_multiple"), move |all: EntityFactoryV| {
        answer(all.data.into_iter().all(|factory| create(&to, datum.as_ref(), factory)))
    })?;
    let (to, known) = (control.clone(), scene.clone());
    let craft = craft.to_string();
    node.advertise_service(&name("remove"), move |entity: Entity| {
        let scene = known.lock().unwrap_or_else(PoisonError::into_inner);
        let by = |m: &&peregrine_gz::msgs::scene::Model| {
            if entity.name.is_empty() { u64::from(m.id) == entity.id } else { m.name == entity.name }
        };
        // The vehicle stays, the flight is its own; and so does the ground.
        let found = scene.model.iter().find(by).filter(|model| model.name != craft && is_thing(model));
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
    // The request names a service of the client's own, to which the state is sent.
    let to = askers.clone();
    node.advertise_one_way(&name("state_async"), move |asker: StringMsg| {
        let mut askers = to.lock().unwrap_or_else(PoisonError::into_inner);
        if askers.len() < super::MOST_ASKERS {
            askers.insert(asker.data);
        }
    })?;
    let worlds = StringMsgV { header: None, data: vec![world.to_string()] };
    node.advertise_service("/gazebo/worlds", move |_: Empty| Some(worlds.clone()))?;
    Ok(())
}

/// False, and nothing is done, for an order of which a part would be left out.
fn obey(control: &WorldControl, order: &ControlMsg) -> bool {
    let reset = order.reset.clone().unwrap_or_default();
    let cannot = [
        (order.seed != 0, "a seed: what is random follows from the parameter seed, given at the start"),
        (reset.all, "reset all: time is not turned back; model_only puts the vehicle back"),
        (reset.time_only, "reset time_only: time is not turned back"),
    ];
    if let Some((_, what)) = cannot.into_iter().find(|(asked, _)| *asked) {
        tracing::warn!("an order to the world is refused, for it holds {what}");
        return false;
    }
    if reset.model_only {
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
    true
}

fn set_pose(control: &WorldControl, scene: &Mutex<Scene>, pose: &Pose) -> bool {
    let scene = scene.lock().unwrap_or_else(PoisonError::into_inner);
    let model =
        scene.model.iter().find(|m| if pose.name.is_empty() { m.id == pose.id } else { m.name == pose.name });
    let (Some(model), Some(to)) = (model.filter(|m| is_thing(m)), isometry(pose)) else { return false };
    control.change(Change::SetPose { name: model.name.clone(), pose: to });
    true
}

fn create(control: &WorldControl, datum: Option<&Datum>, factory: EntityFactory) -> bool {
    if !matches!(factory.relative_to.as_str(), "" | "world") {
        let frame = &factory.relative_to;
        tracing::warn!(
            "a model is not created: its pose is relative to {frame:?}; give it in the world's frame"
        );
        return false;
    }
    let sdf = match factory.from {
        Some(entity_factory::From::Sdf(sdf)) if sdf.len() <= LONGEST_SDF => sdf,
        // A model's file, by any URI that an <include> may have.
        Some(entity_factory::From::SdfFilename(uri)) => {
            let uri = uri.replace('&', "&amp;").replace('<', "&lt;");
            format!("<sdf version='1.9'><world name='w'><include><uri>{uri}</uri></include></world></sdf>")
        }
        _ => return false,
    };
    let pose = match (&factory.spherical_coordinates, &factory.pose) {
        (Some(at), _) => match on_earth(datum, at) {
            Some(pose) => Some(pose),
            None => return false,
        },
        (None, Some(pose)) => match isometry(pose) {
            Some(pose) => Some(pose),
            None => return false,
        },
        (None, None) => None,
    };
    let name = Some(factory.name).filter(|n| !n.is_empty());
    control.change(Change::Create { sdf, name, pose, rename: factory.allow_renaming });
    true
}

/// A place on Earth in the world's frame, turned by its heading; as in Gazebo only in a world that says where on Earth it lies.
fn on_earth(datum: Option<&Datum>, at: &SphericalCoordinates) -> Option<Isometry3<f64>> {
    let Some(datum) = datum else {
        tracing::warn!("a model is not created: it has spherical coordinates, and the world has none");
        return None;
    };
    let place = datum.local(at.latitude_deg, at.longitude_deg, at.elevation);
    let finite = place.iter().all(|x| x.is_finite() && x.abs() < 1e6) && at.heading_deg.is_finite();
    let turn = UnitQuaternion::from_euler_angles(0.0, 0.0, at.heading_deg.to_radians());
    finite.then(|| Isometry3::from_parts(place.into(), turn))
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

#[cfg(test)]
mod tests {
    use peregrine_gz::msgs::world::WorldReset;

    use super::*;
    use crate::physics::STEP_NS;
    use crate::sensors::Earth;

    fn changes(control: &WorldControl) -> Vec<Change> {
        control.gate(0, STEP_NS, || true).changes
    }

    #[test]
    fn an_order_that_cannot_be_followed_wholly_is_refused() {
        let control = WorldControl::default();
        let reset = |r: WorldReset| ControlMsg { pause: true, reset: Some(r), ..ControlMsg::default() };
        for order in [
            ControlMsg { pause: true, seed: 3, ..ControlMsg::default() },
            reset(WorldReset { all: true, ..WorldReset::default() }),
            reset(WorldReset { time_only: true, ..WorldReset::default() }),
        ] {
            assert!(!obey(&control, &order) && !control.is_paused(), "{order:?}");
        }
        assert!(changes(&control).is_empty());
        assert!(obey(&control, &reset(WorldReset { model_only: true, ..WorldReset::default() })));
        assert!(control.is_paused());
        assert_eq!(changes(&control), [Change::Reset]);
    }

    #[test]
    fn a_model_lands_where_it_is_said_to_or_nowhere() {
        let control = WorldControl::default();
        let sdf = entity_factory::From::Sdf("<sdf version='1.9'><model name='m'/></sdf>".into());
        let plain = EntityFactory { from: Some(sdf), ..EntityFactory::default() };
        let beside = EntityFactory { relative_to: "tree".into(), ..plain.clone() };
        assert!(!create(&control, None, beside));
        let at = SphericalCoordinates {
            latitude_deg: 47.398,
            longitude_deg: 8.5465,
            elevation: 490.0,
            heading_deg: 90.0,
            ..SphericalCoordinates::default()
        };
        let on_earth = EntityFactory { spherical_coordinates: Some(at), ..plain.clone() };
        assert!(!create(&control, None, on_earth.clone()), "the world lies nowhere");
        assert!(changes(&control).is_empty());
        let earth =
            Earth { latitude_deg: 47.397, longitude_deg: 8.546, elevation: 488.0, ..Earth::default() };
        let datum = Datum::new(&earth);
        assert!(create(&control, Some(&datum), on_earth));
        let made = changes(&control);
        let [Change::Create { pose: Some(pose), .. }] = &made[..] else { panic!("{made:?}") };
        let [lat, lon, height] = datum.geodetic(&pose.translation.vector.into());
        assert!((lat - 47.398).abs() < 1e-9 && (lon - 8.5465).abs() < 1e-9 && (height - 490.0).abs() < 1e-6);
        assert!((pose.rotation.euler_angles().2 - std::f64::consts::FRAC_PI_2).abs() < 1e-9);
        let here = EntityFactory { relative_to: "world".into(), ..plain };
        assert!(create(&control, None, here) && changes(&control).len() == 1);
    }
}
