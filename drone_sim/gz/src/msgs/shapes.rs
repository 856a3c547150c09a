//! Shapes that are more than a few numbers.

use super::core::Header;
use super::geometry::{Vector2d, Vector3d};
use super::sensing::Image;

/// `HeightmapGeom`.
#[derive(Clone, PartialEq, prost::Message)]
pub struct HeightmapGeom {
    #[prost(message, optional, tag = "1")]
    pub header: Option<Header>,
    #[prost(message, optional, tag = "2")]
    pub image: Option<Image>,
    #[prost(message, optional, tag = "3")]
    pub size: Option<Vector3d>,
    #[prost(message, optional, tag = "4")]
    pub origin: Option<Vector3d>,
    #[prost(float, repeated, tag = "5")]
    pub heights: Vec<f32>,
    #[prost(int32, tag = "6")]
    pub width: i32,
    #[prost(int32, tag = "7")]
    pub height: i32,
    #[prost(message, repeated, tag = "8")]
    pub texture: Vec<heightmap_geom::Texture>,
    #[prost(message, repeated, tag = "9")]
    pub blend: Vec<heightmap_geom::Blend>,
    #[prost(bool, tag = "10")]
    pub use_terrain_paging: bool,
    #[prost(string, tag = "11")]
    pub filename: String,
    #[prost(uint32, tag = "12")]
    pub sampling: u32,
}

/// What `HeightmapGeom` holds.
pub mod heightmap_geom {
    /// `HeightmapGeom.Texture`.
    #[derive(Clone, PartialEq, prost::Message)]
    pub struct Texture {
        #[prost(string, tag = "1")]
        pub diffuse: String,
        #[prost(string, tag = "2")]
        pub normal: String,
        #[prost(double, tag = "3")]
        pub size: f64,
    }

    /// `HeightmapGeom.Blend`.
    #[derive(Clone, PartialEq, prost::Message)]
    pub struct Blend {
        #[prost(double, tag = "1")]
        pub min_height: f64,
        #[prost(double, tag = "2")]
        pub fade_dist: f64,
    }
}

/// `Polyline`.
#[derive(Clone, PartialEq, prost::Message)]
pub struct Polyline {
    #[prost(message, optional, tag = "1")]
    pub header: Option<Header>,
    #[prost(double, tag = "2")]
    pub height: f64,
    #[prost(message, repeated, tag = "3")]
    pub point: Vec<Vector2d>,
}
