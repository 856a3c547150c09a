//! A second, slow implementation of CDR, and random values.
//!
//! It walks the definitions at run time and shares no code with the one under test, so that a mistake in either
//! shows as a difference.

#![allow(dead_code, clippy::unwrap_used)] // each test binary uses its own part

use std::path::PathBuf;

use peregrine_msgs_codegen::library;
use peregrine_msgs_codegen::model::{Base, Library, Primitive, Shape, Structure, TypeName};
use serde_json::{Map, Value, json};

pub fn golden(name: &str) -> Value {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/golden").join(name);
    serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap()
}

pub fn definitions() -> Library {
    library::read(&PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("defs")).unwrap()
}

/// `sensor_msgs/msg/Image`, taken apart.
pub fn type_name(full: &str) -> TypeName {
    let parts: Vec<_> = full.split('/').collect();
    TypeName { package: parts[0].into(), kind: parts[1].into(), name: parts[2].into() }
}

pub fn unhex(text: &str) -> Vec<u8> {
    (0..text.len()).step_by(2).map(|i| u8::from_str_radix(&text[i..i + 2], 16).unwrap()).collect()
}

pub fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|b| format!("{b:02x}")).collect()
}

/// `splitmix64`: seeded, so that a failure repeats.
pub struct Random(pub u64);

impl Random {
    pub fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    pub fn below(&mut self, n: u64) -> u64 {
        self.next() % n
    }

    /// A value for every field.
    pub fn value(&mut self, library: &Library, structure: &Structure) -> Value {
        let mut out = Map::new();
        for field in &structure.fields {
            let count = match field.shape {
                Shape::Single => None,
                Shape::Array(n) => Some(n as u64),
                Shape::Sequence => Some(self.below(4)),
                Shape::Bounded(n) => Some(self.below(n as u64 + 1)),
            };
            let value = match count {
                None => self.element(library, &field.base),
                Some(n) => (0..n).map(|_| self.element(library, &field.base)).collect(),
            };
            out.insert(field.name.clone(), value);
        }
        Value::Object(out)
    }

    fn element(&mut self, library: &Library, base: &Base) -> Value {
        let raw = if self.below(4) == 0 { u64::MAX * self.below(2) } else { self.next() };
        match base {
            Base::Nested(name) => self.value(library, &library[name]),
            Base::String(bound) => {
                let most = bound.unwrap_or(12).min(12) as u64;
                let len = self.below(most + 1);
                (0..len).map(|_| char::from(b' ' + self.below(95) as u8)).collect::<String>().into()
            }
            Base::Primitive(p) => match p {
                Primitive::Bool => json!(raw & 1 == 1),
                Primitive::Byte | Primitive::UInt8 => json!(raw as u8),
                Primitive::Int8 => json!(raw as i8),
                Primitive::Int16 => json!(raw as i16),
                Primitive::UInt16 => json!(raw as u16),
                Primitive::Int32 => json!(raw as i32),
                Primitive::UInt32 => json!(raw as u32),
                Primitive::Int64 => json!(raw as i64),
                Primitive::UInt64 => json!(raw),
                Primitive::Float32 => float(f64::from(f32::from_bits(raw as u32))),
                Primitive::Float64 => float(f64::from_bits(raw)),
            },
        }
    }
}

fn float(value: f64) -> Value {
    match value {
        v if v.is_nan() => json!("NaN"),
        f64::INFINITY => json!("Infinity"),
        f64::NEG_INFINITY => json!("-Infinity"),
        v => json!(v),
    }
}

/// CDR of a value that has every field, in either byte order.
pub fn slow_cdr(library: &Library, name: &TypeName, value: &Value, big_endian: bool) -> Vec<u8> {
    let slow = Slow::new(library, name, value, big_endian);
    let mut bytes = vec![0, u8::from(!big_endian), 0, 0];
    bytes.extend(slow.out);
    bytes
}

/// Overwrites the padding in `bytes`, which are CDR of `value`, with zeros. Fast DDS leaves there what its buffer
/// held before.
pub fn clear_padding(library: &Library, name: &TypeName, value: &Value, bytes: &mut [u8]) {
    let slow = Slow::new(library, name, value, false);
    for at in slow.padding {
        bytes[4 + at] = 0;
    }
    bytes[4 + slow.out.len()..].fill(0);
}

struct Slow {
    out: Vec<u8>,
    padding: Vec<usize>,
    big_endian: bool,
}

impl Slow {
    fn new(library: &Library, name: &TypeName, value: &Value, big_endian: bool) -> Self {
        let mut slow = Self { out: Vec::new(), padding: Vec::new(), big_endian };
        slow.structure(library, &library[name], value);
        slow
    }

    fn structure(&mut self, library: &Library, structure: &Structure, value: &Value) {
        if structure.fields.is_empty() {
            self.raw(&[0]);
        }
        for field in &structure.fields {
            let value = &value[&field.name];
            if field.shape == Shape::Single {
                self.element(library, &field.base, value);
                continue;
            }
            let items = value.as_array().unwrap();
            if !matches!(field.shape, Shape::Array(_)) {
                self.raw(&(items.len() as u32).to_le_bytes());
            }
            for item in items {
                self.element(library, &field.base, item);
            }
        }
    }

    fn element(&mut self, library: &Library, base: &Base, value: &Value) {
        let float = || match value.as_str() {
            Some("NaN") => f64::NAN,
            Some("Infinity") => f64::INFINITY,
            Some("-Infinity") => f64::NEG_INFINITY,
            _ => value.as_f64().unwrap(),
        };
        let signed = || value.as_i64().unwrap();
        let unsigned = || value.as_u64().unwrap();
        match base {
            Base::Nested(name) => self.structure(library, &library[name], value),
            Base::String(_) => {
                let text = value.as_str().unwrap();
                self.raw(&(text.len() as u32 + 1).to_le_bytes());
                for byte in text.bytes().chain([0]) {
                    self.raw(&[byte]);
                }
            }
            Base::Primitive(p) => match p {
                Primitive::Bool => self.raw(&[u8::from(value.as_bool().unwrap())]),
                Primitive::Byte | Primitive::UInt8 => self.raw(&[unsigned() as u8]),
                Primitive::Int8 => self.raw(&(signed() as i8).to_le_bytes()),
                Primitive::Int16 => self.raw(&(signed() as i16).to_le_bytes()),
                Primitive::UInt16 => self.raw(&(unsigned() as u16).to_le_bytes()),
                Primitive::Int32 => self.raw(&(signed() as i32).to_le_bytes()),
                Primitive::UInt32 => self.raw(&(unsigned() as u32).to_le_bytes()),
                Primitive::Int64 => self.raw(&signed().to_le_bytes()),
                Primitive::UInt64 => self.raw(&unsigned().to_le_bytes()),
                Primitive::Float32 => self.raw(&(float() as f32).to_le_bytes()),
                Primitive::Float64 => self.raw(&float().to_le_bytes()),
            },
        }
    }

    /// One primitive, given little endian.
    fn raw(&mut self, little: &[u8]) {
        while !self.out.len().is_multiple_of(little.len()) {
            self.padding.push(self.out.len());
            self.out.push(0);
        }
        if self.big_endian {
            self.out.extend(little.iter().rev());
        } else {
            self.out.extend(little);
        }
    }
}
