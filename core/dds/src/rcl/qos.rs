//! Quality of service in the terms of `rmw`.

use peregrine_core::Qos;
use r2r_rcl as ffi;

use ffi::rmw_qos_durability_policy_e as Durability;
use ffi::rmw_qos_history_policy_e as History;
use ffi::rmw_qos_liveliness_policy_e as Liveliness;
use ffi::rmw_qos_reliability_policy_e as Reliability;

const UNSPECIFIED: ffi::rmw_time_t = ffi::rmw_time_t { sec: 0, nsec: 0 };

/// The profile of a topic. What the runtime has no notion of (deadline, lifespan, liveliness) is as in rclcpp: unspecified.
pub(super) fn profile(qos: Qos) -> ffi::rmw_qos_profile_t {
    ffi::rmw_qos_profile_t {
        history: History::RMW_QOS_POLICY_HISTORY_KEEP_LAST,
        depth: qos.depth(),
        reliability: if qos.is_reliable() {
            Reliability::RMW_QOS_POLICY_RELIABILITY_RELIABLE
        } else {
            Reliability::RMW_QOS_POLICY_RELIABILITY_BEST_EFFORT
        },
        durability: if qos.is_latched() {
            Durability::RMW_QOS_POLICY_DURABILITY_TRANSIENT_LOCAL
        } else {
            Durability::RMW_QOS_POLICY_DURABILITY_VOLATILE
        },
        deadline: UNSPECIFIED,
        lifespan: UNSPECIFIED,
        liveliness: Liveliness::RMW_QOS_POLICY_LIVELINESS_SYSTEM_DEFAULT,
        liveliness_lease_duration: UNSPECIFIED,
        avoid_ros_namespace_conventions: false,
    }
}

pub(super) fn is_reliable(profile: &ffi::rmw_qos_profile_t) -> bool {
    profile.reliability == Reliability::RMW_QOS_POLICY_RELIABILITY_RELIABLE
}

pub(super) fn is_transient_local(profile: &ffi::rmw_qos_profile_t) -> bool {
    profile.durability == Durability::RMW_QOS_POLICY_DURABILITY_TRANSIENT_LOCAL
}
