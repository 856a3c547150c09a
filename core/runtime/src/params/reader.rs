//! Reading a struct of parameters out of a [`ParamMap`].

use std::borrow::Cow;
use std::fmt::Debug;

use super::value::{ParamMap, ParamValue};
use crate::error::{Error, Result};
use crate::suggest::did_you_mean;

/// What is known of one declared parameter.
#[derive(Debug, Clone, Copy)]
pub struct ParamField {
    /// The name, dotted when nested.
    pub name: &'static str,
    /// The field's doc comment: meaning, unit, range.
    pub doc: &'static str,
    /// "double", "integer", "bool", "string", or an array of one.
    pub type_name: &'static str,
    /// Makes the default, if there is one; that gives `None` where the parameter is then not set.
    pub default: Option<fn() -> Option<ParamValue>>,
    /// The allowed range as written in the source, if there is one; an end that is the type's own is left out.
    pub range: Option<&'static str>,
    /// Whether it can be set while the node runs; the others are read at start only.
    pub live: bool,
}

/// A struct of parameters; use `#[derive(Params)]`.
pub trait Params: Sized + Send + 'static {
    /// The declared parameters, in order.
    fn fields() -> &'static [ParamField];
    /// Reads every field; [`ParamReader::finish`] then refuses what is left over.
    fn read(reader: &mut ParamReader<'_>) -> Result<Self>;

    /// The values, by name; what is not set is left out.
    fn to_map(&self) -> ParamMap;

    /// Reads and checks the whole map.
    fn from_map(node: &str, kind: &str, map: &ParamMap) -> Result<Self> {
        let mut reader = ParamReader { node, kind, map };
        reader.refuse_unknown(Self::fields())?;
        Self::read(&mut reader)
    }
}

impl Params for () {
    fn fields() -> &'static [ParamField] {
        &[]
    }
    fn read(_: &mut ParamReader<'_>) -> Result<Self> {
        Ok(())
    }
    fn to_map(&self) -> ParamMap {
        ParamMap::new()
    }
}

/// Hands out the values of one node's parameters.
#[derive(Debug)]
pub struct ParamReader<'a> {
    node: &'a str,
    kind: &'a str,
    map: &'a ParamMap,
}

impl ParamReader<'_> {
    fn refuse_unknown(&self, fields: &'static [ParamField]) -> Result {
        for key in self.map.keys() {
            if !fields.iter().any(|f| f.name == key) {
                return Err(Error::UnknownParameter {
                    node: self.node.into(),
                    kind: self.kind.into(),
                    key: key.clone(),
                    suggestion: did_you_mean(key, fields.iter().map(|f| f.name)),
                });
            }
        }
        Ok(())
    }

    /// The value of `key`, or `default`; an error when there is neither.
    pub fn read<T: ParamType>(&mut self, key: &'static str, default: Option<T>) -> Result<T> {
        match (self.map.get(key).map(|value| typed(value, T::TYPE)), default) {
            (Some(value), _) => T::from_value(&value).ok_or_else(|| Error::ParameterType {
                node: self.node.into(),
                key: key.into(),
                found: value.describe(),
                expected: T::TYPE,
            }),
            (None, Some(default)) => Ok(default),
            (None, None) => {
                Err(Error::ParameterMissing { node: self.node.into(), key: key.into(), doc: T::TYPE.into() })
            }
        }
    }

    /// The error for a value outside its range.
    pub fn out_of_range(&self, key: &str, value: &impl Debug, range: &'static str) -> Error {
        Error::ParameterRange { node: self.node.into(), key: key.into(), value: format!("{value:?}"), range }
    }
}

/// An empty list, which says nothing of its type, as the array that is wanted.
fn typed<'a>(value: &'a ParamValue, wanted: &str) -> Cow<'a, ParamValue> {
    match (value, wanted) {
        (ParamValue::StringArray(items), "bool array") if items.is_empty() => {
            Cow::Owned(ParamValue::BoolArray(Vec::new()))
        }
        (ParamValue::StringArray(items), "integer array") if items.is_empty() => {
            Cow::Owned(ParamValue::IntegerArray(Vec::new()))
        }
        (ParamValue::StringArray(items), "double array") if items.is_empty() => {
            Cow::Owned(ParamValue::DoubleArray(Vec::new()))
        }
        _ => Cow::Borrowed(value),
    }
}

/// A Rust type that a parameter can have.
pub trait ParamType: Sized {
    /// The ROS name of the type, with its article left out.
    const TYPE: &'static str;
    /// Converts, or `None` when the kind does not fit.
    fn from_value(value: &ParamValue) -> Option<Self>;
    /// The other way round; `None` when it is not set.
    fn to_value(&self) -> Option<ParamValue>;
    /// The value when nothing was given and there is no default.
    fn when_absent() -> Option<Self> {
        None
    }
}

macro_rules! param_type {
    ($($ty:ty, $name:literal, $pattern:pat => $result:expr, $back:expr;)*) => {$(
        impl ParamType for $ty {
            const TYPE: &'static str = $name;
            fn from_value(value: &ParamValue) -> Option<Self> {
                match value { $pattern => $result, _ => None }
            }
            fn to_value(&self) -> Option<ParamValue> {
                let back: fn(&Self) -> ParamValue = $back;
                Some(back(self))
            }
        }
    )*};
}

param_type! {
    bool, "bool", ParamValue::Bool(v) => Some(*v), |v| ParamValue::Bool(*v);
    i64, "integer", ParamValue::Integer(v) => Some(*v), |v| ParamValue::Integer(*v);
    i32, "integer", ParamValue::Integer(v) => i32::try_from(*v).ok(), |v| ParamValue::Integer(i64::from(*v));
    u8, "integer", ParamValue::Integer(v) => u8::try_from(*v).ok(), |v| ParamValue::Integer(i64::from(*v));
    u16, "integer", ParamValue::Integer(v) => u16::try_from(*v).ok(), |v| ParamValue::Integer(i64::from(*v));
    u32, "integer", ParamValue::Integer(v) => u32::try_from(*v).ok(), |v| ParamValue::Integer(i64::from(*v));
    u64, "integer", ParamValue::Integer(v) => u64::try_from(*v).ok(), |v| ParamValue::Integer(i64::try_from(*v).unwrap_or(i64::MAX));
    usize, "integer", ParamValue::Integer(v) => usize::try_from(*v).ok(), |v| ParamValue::Integer(i64::try_from(*v).unwrap_or(i64::MAX));
    String, "string", ParamValue::String(v) => Some(v.clone()), |v| ParamValue::String(v.clone());
    Vec<bool>, "bool array", ParamValue::BoolArray(v) => Some(v.clone()), |v| ParamValue::BoolArray(v.clone());
    Vec<i64>, "integer array", ParamValue::IntegerArray(v) => Some(v.clone()), |v| ParamValue::IntegerArray(v.clone());
    Vec<String>, "string array", ParamValue::StringArray(v) => Some(v.clone()), |v| ParamValue::StringArray(v.clone());
}

impl ParamType for f64 {
    const TYPE: &'static str = "double";
    /// Accepts an integer too: `rate: 30` is not worth an error.
    fn from_value(value: &ParamValue) -> Option<Self> {
        match value {
            ParamValue::Double(v) => Some(*v),
            ParamValue::Integer(v) => Some(*v as f64),
            _ => None,
        }
    }
    fn to_value(&self) -> Option<ParamValue> {
        Some(ParamValue::Double(*self))
    }
}

impl ParamType for Vec<f64> {
    const TYPE: &'static str = "double array";
    fn from_value(value: &ParamValue) -> Option<Self> {
        match value {
            ParamValue::DoubleArray(v) => Some(v.clone()),
            ParamValue::IntegerArray(v) => Some(v.iter().map(|i| *i as f64).collect()),
            _ => None,
        }
    }
    fn to_value(&self) -> Option<ParamValue> {
        Some(ParamValue::DoubleArray(self.clone()))
    }
}

impl<T: ParamType> ParamType for Option<T> {
    const TYPE: &'static str = T::TYPE;
    fn from_value(value: &ParamValue) -> Option<Self> {
        T::from_value(value).map(Some)
    }
    fn to_value(&self) -> Option<ParamValue> {
        self.as_ref().and_then(T::to_value)
    }
    fn when_absent() -> Option<Self> {
        Some(None)
    }
}
