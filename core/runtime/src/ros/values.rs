//! Parameter values <-> `rcl_interfaces/msg/ParameterValue`.

use peregrine_msgs::rcl_interfaces::{Parameter, ParameterType, ParameterValue};

use crate::params::ParamValue;

/// As ROS 2 sends it; `None` is "not set".
pub(super) fn to_msg(value: Option<&ParamValue>) -> ParameterValue {
    let mut msg = ParameterValue { r#type: type_code(value), ..ParameterValue::default() };
    match value {
        None => {}
        Some(ParamValue::Bool(v)) => msg.bool_value = *v,
        Some(ParamValue::Integer(v)) => msg.integer_value = *v,
        Some(ParamValue::Double(v)) => msg.double_value = *v,
        Some(ParamValue::String(v)) => msg.string_value.clone_from(v),
        Some(ParamValue::BoolArray(v)) => msg.bool_array_value.clone_from(v),
        Some(ParamValue::IntegerArray(v)) => msg.integer_array_value.clone_from(v),
        Some(ParamValue::DoubleArray(v)) => msg.double_array_value.clone_from(v),
        Some(ParamValue::StringArray(v)) => msg.string_array_value.clone_from(v),
    }
    msg
}

/// The value of a message; `None` for "not set", and for byte arrays, which no parameter of ours is.
pub(super) fn from_msg(msg: &ParameterValue) -> Option<ParamValue> {
    Some(match msg.r#type {
        ParameterType::PARAMETER_BOOL => ParamValue::Bool(msg.bool_value),
        ParameterType::PARAMETER_INTEGER => ParamValue::Integer(msg.integer_value),
        ParameterType::PARAMETER_DOUBLE => ParamValue::Double(msg.double_value),
        ParameterType::PARAMETER_STRING => ParamValue::String(msg.string_value.clone()),
        ParameterType::PARAMETER_BOOL_ARRAY => ParamValue::BoolArray(msg.bool_array_value.clone()),
        ParameterType::PARAMETER_INTEGER_ARRAY => ParamValue::IntegerArray(msg.integer_array_value.clone()),
        ParameterType::PARAMETER_DOUBLE_ARRAY => ParamValue::DoubleArray(msg.double_array_value.clone()),
        ParameterType::PARAMETER_STRING_ARRAY => ParamValue::StringArray(msg.string_array_value.clone()),
        _ => return None,
    })
}

/// A parameter with its name.
pub(super) fn parameter(name: &str, value: Option<&ParamValue>) -> Parameter {
    Parameter { name: name.to_owned(), value: to_msg(value) }
}

/// The number of `rcl_interfaces/msg/ParameterType`.
pub(super) fn type_code(value: Option<&ParamValue>) -> u8 {
    match value {
        None => ParameterType::PARAMETER_NOT_SET,
        Some(ParamValue::Bool(_)) => ParameterType::PARAMETER_BOOL,
        Some(ParamValue::Integer(_)) => ParameterType::PARAMETER_INTEGER,
        Some(ParamValue::Double(_)) => ParameterType::PARAMETER_DOUBLE,
        Some(ParamValue::String(_)) => ParameterType::PARAMETER_STRING,
        Some(ParamValue::BoolArray(_)) => ParameterType::PARAMETER_BOOL_ARRAY,
        Some(ParamValue::IntegerArray(_)) => ParameterType::PARAMETER_INTEGER_ARRAY,
        Some(ParamValue::DoubleArray(_)) => ParameterType::PARAMETER_DOUBLE_ARRAY,
        Some(ParamValue::StringArray(_)) => ParameterType::PARAMETER_STRING_ARRAY,
    }
}

/// The number of a declared type, as [`crate::ParamField::type_name`] writes it.
pub(super) fn declared_code(type_name: &str) -> u8 {
    match type_name {
        "bool" => ParameterType::PARAMETER_BOOL,
        "integer" => ParameterType::PARAMETER_INTEGER,
        "double" => ParameterType::PARAMETER_DOUBLE,
        "string" => ParameterType::PARAMETER_STRING,
        "bool array" => ParameterType::PARAMETER_BOOL_ARRAY,
        "integer array" => ParameterType::PARAMETER_INTEGER_ARRAY,
        "double array" => ParameterType::PARAMETER_DOUBLE_ARRAY,
        "string array" => ParameterType::PARAMETER_STRING_ARRAY,
        _ => ParameterType::PARAMETER_NOT_SET,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_come_back() {
        for value in [
            ParamValue::Bool(true),
            ParamValue::Integer(-3),
            ParamValue::Double(0.5),
            ParamValue::String("x".into()),
            ParamValue::BoolArray(vec![true, false]),
            ParamValue::IntegerArray(vec![1]),
            ParamValue::DoubleArray(vec![1.5]),
            ParamValue::StringArray(vec!["a".into()]),
        ] {
            let msg = to_msg(Some(&value));
            assert_eq!(from_msg(&msg).as_ref(), Some(&value));
            assert_eq!(msg.r#type, type_code(Some(&value)));
        }
        assert_eq!(from_msg(&to_msg(None)), None);
        assert_eq!(declared_code("double array"), ParameterType::PARAMETER_DOUBLE_ARRAY);
    }
}
