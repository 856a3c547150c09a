//! Parameter values as ROS 2 types them.

use std::collections::BTreeMap;
use std::fmt;

/// The parameters of one node, by dotted name.
pub type ParamMap = BTreeMap<String, ParamValue>;

/// One value: the kinds of `rcl_interfaces/msg/ParameterType`.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum ParamValue {
    /// `PARAMETER_BOOL`
    Bool(bool),
    /// `PARAMETER_INTEGER`
    Integer(i64),
    /// `PARAMETER_DOUBLE`
    Double(f64),
    /// `PARAMETER_STRING`
    String(String),
    /// `PARAMETER_BOOL_ARRAY`
    BoolArray(Vec<bool>),
    /// `PARAMETER_INTEGER_ARRAY`
    IntegerArray(Vec<i64>),
    /// `PARAMETER_DOUBLE_ARRAY`
    DoubleArray(Vec<f64>),
    /// `PARAMETER_STRING_ARRAY`
    StringArray(Vec<String>),
}

impl ParamValue {
    /// From a YAML or JSON scalar or array; `None` for maps, null, and arrays of mixed kinds.
    pub fn from_json(value: &serde_json::Value) -> Option<Self> {
        use serde_json::Value as V;
        Some(match value {
            V::Bool(b) => Self::Bool(*b),
            V::Number(n) => {
                n.as_i64().map_or_else(|| Self::Double(n.as_f64().unwrap_or(f64::NAN)), Self::Integer)
            }
            V::String(s) => Self::String(s.clone()),
            V::Array(items) if items.iter().all(V::is_boolean) && !items.is_empty() => {
                Self::BoolArray(items.iter().filter_map(V::as_bool).collect())
            }
            V::Array(items) if items.iter().all(V::is_i64) && !items.is_empty() => {
                Self::IntegerArray(items.iter().filter_map(V::as_i64).collect())
            }
            V::Array(items) if items.iter().all(V::is_number) && !items.is_empty() => {
                Self::DoubleArray(items.iter().filter_map(V::as_f64).collect())
            }
            V::Array(items) if items.iter().all(V::is_string) => {
                Self::StringArray(items.iter().filter_map(V::as_str).map(str::to_owned).collect())
            }
            _ => return None,
        })
    }

    /// From text: a bool, a number or a JSON array where it is one, else a string. For programs that compose nodes; the command line
    /// and launch files read YAML whole (`peregrine_launch::parse_value`).
    pub fn from_text(text: &str) -> Self {
        let trimmed = text.trim();
        match trimmed {
            "true" | "True" | "TRUE" => return Self::Bool(true),
            "false" | "False" | "FALSE" => return Self::Bool(false),
            _ => {}
        }
        if let Ok(i) = trimmed.parse::<i64>() {
            return Self::Integer(i);
        }
        if trimmed.starts_with(|c: char| c.is_ascii_digit() || "+-.".contains(c))
            && let Ok(f) = trimmed.parse::<f64>()
        {
            return Self::Double(f);
        }
        if trimmed.starts_with('[')
            && let Ok(json) = serde_json::from_str(trimmed)
            && let Some(array) = Self::from_json(&json)
        {
            return array;
        }
        let unquoted =
            trimmed.strip_prefix(['"', '\'']).and_then(|t| t.strip_suffix(['"', '\''])).unwrap_or(trimmed);
        Self::String(unquoted.to_owned())
    }

    /// "the integer 3", for an error.
    pub fn describe(&self) -> String {
        match self {
            Self::Bool(v) => format!("the bool {v}"),
            Self::Integer(v) => format!("the integer {v}"),
            Self::Double(v) => format!("the double {v:?}"),
            Self::String(v) => format!("the string '{v}'"),
            Self::BoolArray(_) => "a bool array".into(),
            Self::IntegerArray(_) => "an integer array".into(),
            Self::DoubleArray(_) => "a double array".into(),
            Self::StringArray(_) => "a string array".into(),
        }
    }
}

impl fmt::Display for ParamValue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Bool(v) => write!(f, "{v}"),
            Self::Integer(v) => write!(f, "{v}"),
            Self::Double(v) => write!(f, "{v:?}"),
            Self::String(v) => write!(f, "{v}"),
            Self::BoolArray(v) => write!(f, "{v:?}"),
            Self::IntegerArray(v) => write!(f, "{v:?}"),
            Self::DoubleArray(v) => write!(f, "{v:?}"),
            Self::StringArray(v) => write!(f, "{v:?}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_is_typed_as_yaml_would() {
        assert_eq!(ParamValue::from_text("true"), ParamValue::Bool(true));
        assert_eq!(ParamValue::from_text("3"), ParamValue::Integer(3));
        assert_eq!(ParamValue::from_text("-3.5e2"), ParamValue::Double(-350.0));
        assert_eq!(ParamValue::from_text("nan"), ParamValue::String("nan".into()));
        assert_eq!(ParamValue::from_text("'3'"), ParamValue::String("3".into()));
        assert_eq!(ParamValue::from_text("[1, 2]"), ParamValue::IntegerArray(vec![1, 2]));
        assert_eq!(ParamValue::from_text("[1, 2.5]"), ParamValue::DoubleArray(vec![1.0, 2.5]));
    }
}
