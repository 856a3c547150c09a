//! Descriptors: what `ros2 param describe` shows of a parameter.

use peregrine_msgs::rcl_interfaces::{FloatingPointRange, IntegerRange, ParameterDescriptor};

use super::values::declared_code;
use crate::params::ParamField;

/// The descriptor of a declared parameter.
pub(super) fn descriptor(field: &ParamField) -> ParameterDescriptor {
    let mut descriptor = ParameterDescriptor {
        name: field.name.to_owned(),
        r#type: declared_code(field.type_name),
        description: field.doc.to_owned(),
        additional_constraints: field.range.map(|r| format!("in {r}")).unwrap_or_default(),
        read_only: !field.live,
        ..ParameterDescriptor::default()
    };
    match (field.type_name, field.range.and_then(ends)) {
        ("integer", Some((from, to))) if from.fract() == 0.0 && to.fract() == 0.0 => {
            // The ends are whole and were written as literals of an integer type: nothing is lost.
            let (from_value, to_value) = (from as i64, to as i64);
            descriptor.integer_range.push(IntegerRange { from_value, to_value, step: 1 });
        }
        ("double", Some((from_value, to_value))) => {
            descriptor.floating_point_range.push(FloatingPointRange { from_value, to_value, step: 0.0 });
        }
        _ => {}
    }
    descriptor
}

/// The ends of an inclusive range as it stands in the source: `0.0..=1.0`, `-1_000..=1_000`. `None` for other ranges,
/// which the descriptor's text still shows.
fn ends(range: &str) -> Option<(f64, f64)> {
    let number = |text: &str| text.trim().replace('_', "").parse::<f64>().ok();
    let (from, to) = range.split_once("..=")?;
    Some((number(from)?, number(to)?))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::params::ParamValue;

    #[test]
    fn ranges_are_read_from_the_source() {
        assert_eq!(ends("-1.0..=1_000.5"), Some((-1.0, 1000.5)));
        assert_eq!(ends("0.0..1.0"), None);
        assert_eq!(ends("A..=B"), None);
        let field = ParamField {
            name: "threads",
            doc: "Threads.",
            type_name: "integer",
            default: Some(|| Some(ParamValue::Integer(1))),
            range: Some("1..=64"),
            live: false,
        };
        let descriptor = descriptor(&field);
        assert_eq!(descriptor.integer_range, [IntegerRange { from_value: 1, to_value: 64, step: 1 }]);
        assert!(descriptor.read_only && descriptor.floating_point_range.is_empty());
    }
}
