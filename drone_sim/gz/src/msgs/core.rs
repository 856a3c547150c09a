//! Time, headers, plain values, entities.

/// `Time`.
#[derive(Clone, PartialEq, prost::Message)]
pub struct Time {
    #[prost(int64, tag = "1")]
    pub sec: i64,
    #[prost(int32, tag = "2")]
    pub nsec: i32,
}

/// `Header`.
#[derive(Clone, PartialEq, prost::Message)]
pub struct Header {
    #[prost(message, optional, tag = "1")]
    pub stamp: Option<Time>,
    #[prost(message, repeated, tag = "2")]
    pub data: Vec<header::Map>,
}

/// What `Header` holds.
pub mod header {
    /// `Header.Map`.
    #[derive(Clone, PartialEq, prost::Message)]
    pub struct Map {
        #[prost(string, tag = "1")]
        pub key: String,
        #[prost(string, repeated, tag = "2")]
        pub value: Vec<String>,
    }
}

/// `Boolean`.
#[derive(Clone, PartialEq, prost::Message)]
pub struct Boolean {
    #[prost(message, optional, tag = "1")]
    pub header: Option<Header>,
    #[prost(bool, tag = "2")]
    pub data: bool,
}

/// `Empty`.
#[derive(Clone, PartialEq, prost::Message)]
pub struct Empty {
    #[prost(bool, tag = "1")]
    pub unused: bool,
}

/// `StringMsg`.
#[derive(Clone, PartialEq, prost::Message)]
pub struct StringMsg {
    #[prost(message, optional, tag = "1")]
    pub header: Option<Header>,
    #[prost(string, tag = "2")]
    pub data: String,
}

/// `StringMsg_V`.
#[derive(Clone, PartialEq, prost::Message)]
pub struct StringMsgV {
    #[prost(message, optional, tag = "1")]
    pub header: Option<Header>,
    #[prost(string, repeated, tag = "2")]
    pub data: Vec<String>,
}

/// `Double`.
#[derive(Clone, PartialEq, prost::Message)]
pub struct Double {
    #[prost(message, optional, tag = "1")]
    pub header: Option<Header>,
    #[prost(double, tag = "2")]
    pub data: f64,
}

/// `Float`.
#[derive(Clone, PartialEq, prost::Message)]
pub struct Float {
    #[prost(message, optional, tag = "1")]
    pub header: Option<Header>,
    #[prost(float, tag = "2")]
    pub data: f32,
}

/// `Float_V`.
#[derive(Clone, PartialEq, prost::Message)]
pub struct FloatV {
    #[prost(message, optional, tag = "1")]
    pub header: Option<Header>,
    #[prost(float, repeated, tag = "2")]
    pub data: Vec<f32>,
}

/// `Int32`.
#[derive(Clone, PartialEq, prost::Message)]
pub struct Int32 {
    #[prost(message, optional, tag = "1")]
    pub header: Option<Header>,
    #[prost(int32, tag = "2")]
    pub data: i32,
}

/// `Int64`.
#[derive(Clone, PartialEq, prost::Message)]
pub struct Int64 {
    #[prost(message, optional, tag = "1")]
    pub header: Option<Header>,
    #[prost(int64, tag = "2")]
    pub data: i64,
}

/// `UInt32`.
#[derive(Clone, PartialEq, prost::Message)]
pub struct UInt32 {
    #[prost(message, optional, tag = "1")]
    pub header: Option<Header>,
    #[prost(uint32, tag = "2")]
    pub data: u32,
}

/// `UInt64`.
#[derive(Clone, PartialEq, prost::Message)]
pub struct UInt64 {
    #[prost(message, optional, tag = "1")]
    pub header: Option<Header>,
    #[prost(uint64, tag = "2")]
    pub data: u64,
}

/// `Clock`.
#[derive(Clone, PartialEq, prost::Message)]
pub struct Clock {
    #[prost(message, optional, tag = "1")]
    pub header: Option<Header>,
    #[prost(message, optional, tag = "2")]
    pub system: Option<Time>,
    #[prost(message, optional, tag = "3")]
    pub real: Option<Time>,
    #[prost(message, optional, tag = "4")]
    pub sim: Option<Time>,
}

/// `Color`.
#[derive(Clone, PartialEq, prost::Message)]
pub struct Color {
    #[prost(message, optional, tag = "1")]
    pub header: Option<Header>,
    #[prost(float, tag = "2")]
    pub r: f32,
    #[prost(float, tag = "3")]
    pub g: f32,
    #[prost(float, tag = "4")]
    pub b: f32,
    #[prost(float, tag = "5")]
    pub a: f32,
}

/// `Entity`.
#[derive(Clone, PartialEq, prost::Message)]
pub struct Entity {
    #[prost(message, optional, tag = "1")]
    pub header: Option<Header>,
    #[prost(uint64, tag = "2")]
    pub id: u64,
    #[prost(string, tag = "3")]
    pub name: String,
    #[prost(enumeration = "entity::Type", tag = "4")]
    pub r#type: i32,
}

/// What `Entity` holds.
pub mod entity {
    /// `Entity.Type`.
    #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, prost::Enumeration)]
    #[repr(i32)]
    pub enum Type {
        None = 0,
        Light = 1,
        Model = 2,
        Link = 3,
        Visual = 4,
        Collision = 5,
        Sensor = 6,
        Joint = 7,
    }
}

/// `Double_V`.
#[derive(Clone, PartialEq, prost::Message)]
pub struct DoubleV {
    #[prost(double, repeated, tag = "1")]
    pub data: Vec<f64>,
}
