//! Values of constants and defaults: definition text -> Rust literal, checked against the type.

use crate::model::{Base, Primitive};

/// The Rust literal for `text`.
///
/// # Errors
/// A phrase that says why `text` does not fit `base`.
pub fn literal(base: &Base, text: &str) -> Result<String, String> {
    match base {
        Base::String(bound) => {
            let value = unquote(text);
            match bound {
                Some(n) if value.len() > *n => {
                    Err(format!("has a value of {} bytes, above its bound", value.len()))
                }
                _ => Ok(format!("{value:?}")),
            }
        }
        Base::Primitive(p) => number(*p, text).ok_or_else(|| {
            format!("has the value \"{text}\", which is no {}", format!("{p:?}").to_lowercase())
        }),
        Base::Nested(_) => Err("gives a value to a nested message".into()),
    }
}

fn unquote(text: &str) -> &str {
    let inside = |q: char| text.strip_prefix(q).and_then(|t| t.strip_suffix(q));
    inside('"').or_else(|| inside('\'')).unwrap_or(text)
}

fn number(primitive: Primitive, text: &str) -> Option<String> {
    let (low, high) = match primitive {
        Primitive::Bool => {
            return match text.to_ascii_lowercase().as_str() {
                "true" | "1" => Some("true".into()),
                "false" | "0" => Some("false".into()),
                _ => None,
            };
        }
        Primitive::Float32 => {
            return text.parse::<f32>().ok().filter(|v| v.is_finite()).map(|v| format!("{v:?}"));
        }
        Primitive::Float64 => {
            return text.parse::<f64>().ok().filter(|v| v.is_finite()).map(|v| format!("{v:?}"));
        }
        Primitive::Byte | Primitive::UInt8 => (0, i128::from(u8::MAX)),
        Primitive::Int8 => (i128::from(i8::MIN), i128::from(i8::MAX)),
        Primitive::Int16 => (i128::from(i16::MIN), i128::from(i16::MAX)),
        Primitive::UInt16 => (0, i128::from(u16::MAX)),
        Primitive::Int32 => (i128::from(i32::MIN), i128::from(i32::MAX)),
        Primitive::UInt32 => (0, i128::from(u32::MAX)),
        Primitive::Int64 => (i128::from(i64::MIN), i128::from(i64::MAX)),
        Primitive::UInt64 => (0, i128::from(u64::MAX)),
    };
    let (sign, digits) = text.strip_prefix('-').map_or((1, text), |rest| (-1, rest));
    let radix = |prefix: &str| digits.strip_prefix(prefix);
    let magnitude = if let Some(hex) = radix("0x") {
        i128::from_str_radix(hex, 16).ok()?
    } else if let Some(binary) = radix("0b") {
        i128::from_str_radix(binary, 2).ok()?
    } else if let Some(octal) = radix("0o") {
        i128::from_str_radix(octal, 8).ok()?
    } else {
        digits.parse().ok()?
    };
    let value = sign * magnitude;
    (low..=high).contains(&value).then(|| value.to_string())
}
