//! What type a parameter's text has.
//!
//! The rules of launch_ros, which reads parameter text as YAML 1.1 with PyYAML: `true`, `yes` and `on` are booleans,
//! `0x1F`, `0b11`, `017` and `1_000` are whole numbers, `1.` and `.5` are floating point. Two deliberate differences:
//! `1e3` is a number (PyYAML reads text, rcl then a number), and `12:30:00` is text (PyYAML reads a base-60 number).
//! A lone `y` or `n` is text: a node that wants a boolean says so.

use serde_json::Value;

const TRUE: [&str; 9] = ["true", "True", "TRUE", "yes", "Yes", "YES", "on", "On", "ON"];
const FALSE: [&str; 9] = ["false", "False", "FALSE", "no", "No", "NO", "off", "Off", "OFF"];

type Fallible<T> = Result<T, String>;

/// The boolean that `text` writes, if it writes one.
pub(crate) fn boolean(text: &str) -> Option<bool> {
    if TRUE.contains(&text) { Some(true) } else { FALSE.contains(&text).then_some(false) }
}

/// The whole number that `text` writes: `Err` when it writes one that does not fit.
fn integer(text: &str) -> Option<Fallible<i64>> {
    let (negative, digits) = match text.strip_prefix(['-', '+']) {
        Some(rest) => (text.starts_with('-'), rest),
        None => (false, text),
    };
    let (radix, digits) = if let Some(hex) = digits.strip_prefix("0x") {
        (16, hex)
    } else if let Some(binary) = digits.strip_prefix("0b") {
        (2, binary)
    } else if digits.len() > 1 && digits.starts_with('0') {
        (8, &digits[1..])
    } else {
        (10, digits)
    };
    let plain = digits.replace('_', "");
    if plain.is_empty() || digits.starts_with('_') || !plain.chars().all(|c| c.is_digit(radix)) {
        return None;
    }
    let signed = if negative { format!("-{plain}") } else { plain };
    Some(i64::from_str_radix(&signed, radix).map_err(|_| format!("{text} does not fit into 64 bits")))
}

/// The floating-point number that `text` writes.
fn float(text: &str) -> Option<Fallible<f64>> {
    let unsigned = text.strip_prefix(['-', '+']).unwrap_or(text);
    if matches!(unsigned, ".inf" | ".Inf" | ".INF" | ".nan" | ".NaN" | ".NAN") {
        return Some(Err(format!("{text} cannot be carried; give a finite number")));
    }
    let starts = unsigned.starts_with(|c: char| c.is_ascii_digit())
        || unsigned.starts_with('.') && unsigned[1..].starts_with(|c: char| c.is_ascii_digit());
    let allowed = |c: char| c.is_ascii_digit() || matches!(c, '.' | 'e' | 'E' | '+' | '-' | '_');
    if !starts || !unsigned.chars().all(allowed) || !unsigned.contains(['.', 'e', 'E']) {
        return None;
    }
    let value: f64 = text.replace('_', "").parse().ok()?;
    Some(if value.is_finite() { Ok(value) } else { Err(format!("{text} is too large for a number")) })
}

/// The value that unquoted text means.
pub(crate) fn plain(text: &str) -> Fallible<Value> {
    if let Some(value) = boolean(text) {
        return Ok(Value::Bool(value));
    }
    if let Some(value) = integer(text) {
        return value.map(Value::from);
    }
    if let Some(value) = float(text) {
        return value.map(Value::from);
    }
    if matches!(text, "~" | "null" | "Null" | "NULL" | "") {
        return Err("it has no value; write '' for empty text".to_owned());
    }
    Ok(Value::from(text))
}

/// The value of `text` read as the type that `type="..."` names.
pub(crate) fn typed(text: &str, kind: &str) -> Fallible<Value> {
    let mismatch = || format!("'{text}' is not of the type {kind}");
    match kind {
        "str" | "string" => Ok(Value::from(text)),
        "bool" => boolean(text).map(Value::Bool).ok_or_else(mismatch),
        "int" => integer(text).ok_or_else(mismatch)?.map(Value::from),
        "float" | "double" => match (integer(text), float(text)) {
            (Some(value), _) => value.map(|value| Value::from(value as f64)),
            (None, Some(value)) => value.map(Value::from),
            _ => Err(mismatch()),
        },
        _ => Err(format!(
            "the type '{kind}' is none of int, float, bool, str, list_of_int, list_of_float, list_of_bool, list_of_str"
        )),
    }
}

/// Makes one ROS array of `items`: all of one type; whole numbers among floating-point ones become floating-point.
pub(crate) fn array(mut items: Vec<Value>) -> Fallible<Value> {
    if items.iter().any(Value::is_f64) && items.iter().all(Value::is_number) {
        items = items.iter().filter_map(Value::as_f64).map(Value::from).collect();
    }
    let kind = |value: &Value| match value {
        Value::Bool(_) => "bool",
        Value::Number(number) if number.is_f64() => "float",
        Value::Number(_) => "int",
        Value::String(_) => "str",
        _ => "list",
    };
    if let Some(odd) = items.iter().find(|item| kind(item) == "list") {
        return Err(format!("a list holds {odd}; ROS parameters have no lists of lists"));
    }
    match items.iter().find(|item| kind(item) != kind(&items[0])) {
        Some(odd) => {
            Err(format!("a list mixes {} and {}; ROS arrays have one type", kind(&items[0]), kind(odd)))
        }
        None => Ok(Value::Array(items)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn plain_text_follows_yaml_1_1() {
        for (text, value) in [
            ("true", json!(true)),
            ("off", json!(false)),
            ("y", json!("y")),
            ("0", json!(0)),
            ("-12", json!(-12)),
            ("+3", json!(3)),
            ("0x1F", json!(31)),
            ("0b101", json!(5)),
            ("017", json!(15)),
            ("08", json!("08")),
            ("1_000", json!(1000)),
            ("1.", json!(1.0)),
            (".5", json!(0.5)),
            ("-2.5e-3", json!(-0.0025)),
            ("1e3", json!(1000.0)),
            ("1.2.3", json!("1.2.3")),
            ("e3", json!("e3")),
            ("12:30:00", json!("12:30:00")),
            ("hello", json!("hello")),
            ("-", json!("-")),
            (".", json!(".")),
            ("9223372036854775807", json!(i64::MAX)),
            ("-9223372036854775808", json!(i64::MIN)),
        ] {
            assert_eq!(plain(text), Ok(value), "{text}");
        }
        assert!(plain("9223372036854775808").unwrap_err().contains("64 bits"));
        assert!(plain(".inf").unwrap_err().contains("finite"));
        assert!(plain("1e999").unwrap_err().contains("too large"));
        assert!(plain("").is_err());
    }

    #[test]
    fn types_are_kept() {
        assert_eq!(typed("1", "str"), Ok(json!("1")));
        assert_eq!(typed("1", "float"), Ok(json!(1.0)));
        assert!(typed("1.5", "int").unwrap_err().contains("not of the type int"));
        assert!(typed("1", "integer").unwrap_err().contains("none of"));
        assert_eq!(array(vec![json!(1), json!(2.5)]), Ok(json!([1.0, 2.5])));
        assert_eq!(array(vec![]), Ok(json!([])));
        assert!(array(vec![json!(1), json!("a")]).unwrap_err().contains("mixes int and str"));
        assert!(array(vec![json!([1])]).unwrap_err().contains("lists of lists"));
    }
}
