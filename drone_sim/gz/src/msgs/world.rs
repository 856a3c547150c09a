//! The state of a world and orders to it.

use super::core::{Entity, Header, Time};
use super::geometry::Pose;

/// `WorldStatistics`.
#[derive(Clone, PartialEq, prost::Message)]
pub struct WorldStatistics {
    #[prost(message, optional, tag = "1")]
    pub header: Option<Header>,
    #[prost(message, optional, tag = "2")]
    pub sim_time: Option<Time>,
    #[prost(message, optional, tag = "3")]
    pub pause_time: Option<Time>,
    #[prost(message, optional, tag = "4")]
    pub real_time: Option<Time>,
    #[prost(bool, tag = "5")]
    pub paused: bool,
    #[prost(uint64, tag = "6")]
    pub iterations: u64,
    #[prost(int32, tag = "7")]
    pub model_count: i32,
    #[prost(message, optional, tag = "8")]
    pub log_playback_stats: Option<LogPlaybackStatistics>,
    #[prost(double, tag = "9")]
    pub real_time_factor: f64,
    #[prost(message, optional, tag = "10")]
    pub step_size: Option<Time>,
}

/// `WorldControl`.
#[derive(Clone, PartialEq, prost::Message)]
pub struct WorldControl {
    #[prost(message, optional, tag = "1")]
    pub header: Option<Header>,
    #[prost(bool, tag = "2")]
    pub pause: bool,
    #[prost(bool, tag = "3")]
    pub step: bool,
    #[prost(uint32, tag = "4")]
    pub multi_step: u32,
    #[prost(message, optional, tag = "5")]
    pub reset: Option<WorldReset>,
    #[prost(uint32, tag = "6")]
    pub seed: u32,
    #[prost(message, optional, tag = "7")]
    pub run_to_sim_time: Option<Time>,
}

/// `WorldReset`.
#[derive(Clone, PartialEq, prost::Message)]
pub struct WorldReset {
    #[prost(message, optional, tag = "1")]
    pub header: Option<Header>,
    #[prost(bool, tag = "2")]
    pub all: bool,
    #[prost(bool, tag = "3")]
    pub time_only: bool,
    #[prost(bool, tag = "4")]
    pub model_only: bool,
}

/// `EntityFactory`.
#[derive(Clone, PartialEq, prost::Message)]
pub struct EntityFactory {
    #[prost(message, optional, tag = "1")]
    pub header: Option<Header>,
    #[prost(oneof = "entity_factory::From", tags = "2, 3, 4, 5, 6")]
    pub from: Option<entity_factory::From>,
    #[prost(message, optional, tag = "7")]
    pub pose: Option<Pose>,
    #[prost(string, tag = "8")]
    pub name: String,
    #[prost(bool, tag = "9")]
    pub allow_renaming: bool,
    #[prost(string, tag = "10")]
    pub relative_to: String,
    #[prost(message, optional, tag = "11")]
    pub spherical_coordinates: Option<SphericalCoordinates>,
}

/// What `EntityFactory` holds.
pub mod entity_factory {
    /// `EntityFactory.from`.
    #[derive(Clone, PartialEq, prost::Oneof)]
    pub enum From {
        #[prost(string, tag = "2")]
        Sdf(String),
        #[prost(string, tag = "3")]
        SdfFilename(String),
        #[prost(message, tag = "4")]
        Model(crate::msgs::scene::Model),
        #[prost(message, tag = "5")]
        Light(crate::msgs::scene::Light),
        #[prost(string, tag = "6")]
        CloneName(String),
    }
}

/// `EntityFactory_V`.
#[derive(Clone, PartialEq, prost::Message)]
pub struct EntityFactoryV {
    #[prost(message, optional, tag = "1")]
    pub header: Option<Header>,
    #[prost(message, repeated, tag = "2")]
    pub data: Vec<EntityFactory>,
}

/// `SphericalCoordinates`.
#[derive(Clone, PartialEq, prost::Message)]
pub struct SphericalCoordinates {
    #[prost(message, optional, tag = "1")]
    pub header: Option<Header>,
    #[prost(enumeration = "spherical_coordinates::SurfaceModel", tag = "2")]
    pub surface_model: i32,
    #[prost(double, tag = "3")]
    pub latitude_deg: f64,
    #[prost(double, tag = "4")]
    pub longitude_deg: f64,
    #[prost(double, tag = "5")]
    pub elevation: f64,
    #[prost(double, tag = "6")]
    pub heading_deg: f64,
    #[prost(message, optional, tag = "7")]
    pub entity: Option<Entity>,
}

/// What `SphericalCoordinates` holds.
pub mod spherical_coordinates {
    /// `SphericalCoordinates.SurfaceModel`.
    #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, prost::Enumeration)]
    #[repr(i32)]
    pub enum SurfaceModel {
        EarthWgs84 = 0,
    }
}

/// `LogPlaybackStatistics`.
#[derive(Clone, PartialEq, prost::Message)]
pub struct LogPlaybackStatistics {
    #[prost(message, optional, tag = "1")]
    pub header: Option<Header>,
    #[prost(message, optional, tag = "2")]
    pub start_time: Option<Time>,
    #[prost(message, optional, tag = "3")]
    pub end_time: Option<Time>,
}
