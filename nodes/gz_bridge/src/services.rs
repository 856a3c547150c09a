//! Services of ROS that Gazebo answers.

use peregrine::prelude::*;
use peregrine_gz::GzNode;
use peregrine_gz::convert::{Convert, placed, to_delete};
use peregrine_gz::msgs::GzMessage;
use peregrine_gz::msgs::core::Boolean;
use peregrine_msgs::ros_gz_interfaces::{
    ControlWorld, ControlWorldResponse, DeleteEntity, DeleteEntityResponse, SetEntityPose,
    SetEntityPoseResponse, SpawnEntity, SpawnEntityResponse,
};

use crate::algo::service::{Kind, ServiceBridge};
use crate::node::GzBridge;

/// How long Gazebo may take to answer. Nothing else is carried meanwhile.
const PATIENCE: Duration = Duration::from_secs(2);

/// Asks Gazebo; false, with a warning, if it does not answer or says no.
fn ask<Q: GzMessage>(gz: &GzNode, service: &str, request: &Q) -> bool {
    match gz.request::<Q, Boolean>(service, request, PATIENCE) {
        Ok(answer) => answer.data,
        Err(cause) => {
            tracing::warn!("{cause}");
            false
        }
    }
}

/// Serves it.
pub(crate) fn serve(setup: &mut Setup<GzBridge>, gz: &GzNode, service: &ServiceBridge) -> Result {
    let (gz, name, ros) = (gz.clone(), service.gz_name.clone(), service.ros_name.as_str());
    match service.kind {
        Kind::ControlWorld => setup.service::<ControlWorld>(ros, move |_, _, request| {
            Ok(ControlWorldResponse { success: ask(&gz, &name, &request.world_control.to_gz()) })
        }),
        Kind::SpawnEntity => setup.service::<SpawnEntity>(ros, move |_, _, request| {
            Ok(SpawnEntityResponse { success: ask(&gz, &name, &request.entity_factory.to_gz()) })
        }),
        Kind::DeleteEntity => setup.service::<DeleteEntity>(ros, move |_, _, request| {
            Ok(DeleteEntityResponse { success: ask(&gz, &name, &to_delete(&request.entity)) })
        }),
        Kind::SetEntityPose => setup.service::<SetEntityPose>(ros, move |_, _, request| {
            let success = ask(&gz, &name, &placed(&request.entity, &request.pose));
            Ok(SetEntityPoseResponse { success })
        }),
    }
}
