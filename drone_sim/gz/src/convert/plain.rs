//! Plain values, the clock, entities.

use peregrine_msgs::{ros_gz_interfaces, rosgraph_msgs, std_msgs};

use super::Convert;
use super::frames::from;
use crate::msgs::core as gz;

macro_rules! plain {
    ($($ros:ident <=> $gz:ident,)*) => {
        $(impl Convert<gz::$gz> for std_msgs::$ros {
            fn to_gz(&self) -> gz::$gz {
                gz::$gz { header: None, data: self.data.clone() }
            }
            fn from_gz(gz: &gz::$gz) -> Self {
                Self { data: gz.data.clone() }
            }
        })*
    };
}

plain! {
    Bool <=> Boolean,
    Float32 <=> Float,
    Float64 <=> Double,
    Int32 <=> Int32,
    String <=> StringMsg,
    UInt32 <=> UInt32,
}

impl Convert<gz::Empty> for std_msgs::Empty {
    fn to_gz(&self) -> gz::Empty {
        gz::Empty::default()
    }
    fn from_gz(_: &gz::Empty) -> Self {
        Self::default()
    }
}

impl Convert<gz::Color> for std_msgs::ColorRGBA {
    fn to_gz(&self) -> gz::Color {
        gz::Color { header: None, r: self.r, g: self.g, b: self.b, a: self.a }
    }
    fn from_gz(gz: &gz::Color) -> Self {
        Self { r: gz.r, g: gz.g, b: gz.b, a: gz.a }
    }
}

impl Convert<gz::Clock> for rosgraph_msgs::Clock {
    fn to_gz(&self) -> gz::Clock {
        gz::Clock { sim: Some(self.clock.to_gz()), ..Default::default() }
    }
    fn from_gz(gz: &gz::Clock) -> Self {
        Self { clock: from(gz.sim.as_ref()) }
    }
}

impl Convert<gz::FloatV> for ros_gz_interfaces::Float32Array {
    fn to_gz(&self) -> gz::FloatV {
        gz::FloatV { header: None, data: self.data.clone() }
    }
    fn from_gz(gz: &gz::FloatV) -> Self {
        Self { data: gz.data.clone() }
    }
}

impl Convert<gz::Entity> for ros_gz_interfaces::Entity {
    fn to_gz(&self) -> gz::Entity {
        gz::Entity { header: None, id: self.id, name: self.name.clone(), r#type: self.r#type.into() }
    }
    fn from_gz(gz: &gz::Entity) -> Self {
        Self { id: gz.id, name: gz.name.clone(), r#type: u8::try_from(gz.r#type).unwrap_or(0) }
    }
}
