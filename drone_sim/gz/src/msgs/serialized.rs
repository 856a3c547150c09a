//! Entities and their components, as Gazebo's SceneBroadcaster serialises them.

use std::collections::BTreeMap;

use super::core::Header;
use super::world::WorldStatistics;

/// `SerializedComponent`.
#[derive(Clone, PartialEq, prost::Message)]
pub struct SerializedComponent {
    #[prost(uint64, tag = "1")]
    pub r#type: u64,
    #[prost(bytes, tag = "2")]
    pub component: Vec<u8>,
    #[prost(bool, tag = "3")]
    pub remove: bool,
}

/// `SerializedEntityMap`.
#[derive(Clone, PartialEq, prost::Message)]
pub struct SerializedEntityMap {
    #[prost(uint64, tag = "1")]
    pub id: u64,
    #[prost(btree_map = "int64, message", tag = "2")]
    pub components: BTreeMap<i64, SerializedComponent>,
    #[prost(bool, tag = "3")]
    pub remove: bool,
}

/// `SerializedStateMap`.
#[derive(Clone, PartialEq, prost::Message)]
pub struct SerializedStateMap {
    #[prost(message, optional, tag = "1")]
    pub header: Option<Header>,
    #[prost(btree_map = "uint64, message", tag = "2")]
    pub entities: BTreeMap<u64, SerializedEntityMap>,
    #[prost(bool, tag = "3")]
    pub has_one_time_component_changes: bool,
}

/// `SerializedStepMap`.
#[derive(Clone, PartialEq, prost::Message)]
pub struct SerializedStepMap {
    #[prost(message, optional, tag = "1")]
    pub stats: Option<WorldStatistics>,
    #[prost(message, optional, tag = "2")]
    pub state: Option<SerializedStateMap>,
}

/// The number of a component's type: FNV-1a, 64 bits, of its name, such as `gz_sim_components.Pose`
/// (`ign_gazebo_components.Pose` in Fortress).
pub fn component_type(name: &str) -> u64 {
    name.bytes().fold(0xcbf2_9ce4_8422_2325, |hash, b| (hash ^ u64::from(b)).wrapping_mul(0x0100_0000_01b3))
}
