//! What a definition says, once parsed.

use std::collections::BTreeMap;

/// The types that ROS 2 builds everything from. `char` is an unsigned byte and `byte` an octet, as in ROS 2.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum Primitive {
    Bool,
    Byte,
    Int8,
    UInt8,
    Int16,
    UInt16,
    Int32,
    UInt32,
    Int64,
    UInt64,
    Float32,
    Float64,
}

impl Primitive {
    /// Reads the name used in definition text.
    #[must_use]
    pub fn from_ros(name: &str) -> Option<Self> {
        Some(match name {
            "bool" => Self::Bool,
            "byte" => Self::Byte,
            "int8" => Self::Int8,
            "uint8" | "char" => Self::UInt8,
            "int16" => Self::Int16,
            "uint16" => Self::UInt16,
            "int32" => Self::Int32,
            "uint32" => Self::UInt32,
            "int64" => Self::Int64,
            "uint64" => Self::UInt64,
            "float32" => Self::Float32,
            "float64" => Self::Float64,
            _ => return None,
        })
    }

    /// The Rust type, which also names the reader's and writer's method.
    #[must_use]
    pub fn rust(self) -> &'static str {
        match self {
            Self::Bool => "bool",
            Self::Byte | Self::UInt8 => "u8",
            Self::Int8 => "i8",
            Self::Int16 => "i16",
            Self::UInt16 => "u16",
            Self::Int32 => "i32",
            Self::UInt32 => "u32",
            Self::Int64 => "i64",
            Self::UInt64 => "u64",
            Self::Float32 => "f32",
            Self::Float64 => "f64",
        }
    }

    /// Bytes on the wire.
    #[must_use]
    pub fn size(self) -> usize {
        match self {
            Self::Bool | Self::Byte | Self::Int8 | Self::UInt8 => 1,
            Self::Int16 | Self::UInt16 => 2,
            Self::Int32 | Self::UInt32 | Self::Float32 => 4,
            Self::Int64 | Self::UInt64 | Self::Float64 => 8,
        }
    }

    /// Whether it is `float32` or `float64`.
    #[must_use]
    pub fn is_float(self) -> bool {
        matches!(self, Self::Float32 | Self::Float64)
    }
}

/// The type of one element of a field.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Base {
    /// A number, a bool or a byte.
    Primitive(Primitive),
    /// A string, with its bound in bytes if it has one.
    String(Option<usize>),
    /// Another message, by full name.
    Nested(TypeName),
}

/// How many elements a field has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shape {
    /// One.
    Single,
    /// Exactly so many: `T[n]`.
    Array(usize),
    /// Any number: `T[]`.
    Sequence,
    /// At most so many: `T[<=n]`.
    Bounded(usize),
}

/// `package/kind/Name`, for example `sensor_msgs/msg/Image`. The kind is `msg` or `srv`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct TypeName {
    /// The ROS package.
    pub package: String,
    /// `msg` or `srv`.
    pub kind: String,
    /// The name of the type in its package.
    pub name: String,
}

impl TypeName {
    /// A message's name.
    #[must_use]
    pub fn message(package: &str, name: &str) -> Self {
        Self { package: package.into(), kind: "msg".into(), name: name.into() }
    }

    /// `sensor_msgs/msg/Image`.
    #[must_use]
    pub fn full(&self) -> String {
        format!("{}/{}/{}", self.package, self.kind, self.name)
    }

    /// `sensor_msgs/Image`, as definition text writes it.
    #[must_use]
    pub fn short(&self) -> String {
        format!("{}/{}", self.package, self.name)
    }

    /// `sensor_msgs::msg::dds_::Image_`, the name on DDS and in Zenoh keys.
    #[must_use]
    pub fn dds(&self) -> String {
        format!("{}::{}::dds_::{}_", self.package, self.kind, self.name)
    }
}

/// One field.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Field {
    /// The name, as in ROS.
    pub name: String,
    /// The type of one element.
    pub base: Base,
    /// How many elements.
    pub shape: Shape,
    /// The default value's text, checked to fit the type when the code is written.
    pub default: Option<String>,
}

/// One constant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Constant {
    /// The name, as in ROS.
    pub name: String,
    /// A primitive or an unbounded string.
    pub base: Base,
    /// The value's text.
    pub value: String,
}

/// One structure: a message, or one side of a service.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Structure {
    /// Its full name.
    pub name: TypeName,
    /// The fields, in the order of the wire.
    pub fields: Vec<Field>,
    /// The constants, in the order of the text.
    pub constants: Vec<Constant>,
    /// The definition text, as written.
    pub text: String,
}

/// All structures, by full name. Ordered, so that the output never depends on the file system.
pub type Library = BTreeMap<TypeName, Structure>;
