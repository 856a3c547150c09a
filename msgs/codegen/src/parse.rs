//! Definition text -> [`Structure`].
//!
//! The grammar is that of `rosidl_adapter`: one field or constant per line, `#` starts a comment outside quotes.

use crate::error::CodegenError;
use crate::model::{Base, Constant, Field, Primitive, Shape, Structure, TypeName};

/// Reads the text of a `.msg` file (or of one side of a `.srv` file).
///
/// # Errors
/// `PG-0351` names the line that is not understood. `wstring` is refused: no type in use has one, and its
/// encoding differs between vendors.
pub fn parse(name: TypeName, text: &str) -> Result<Structure, CodegenError> {
    let mut out = Structure { name, fields: Vec::new(), constants: Vec::new(), text: text.to_owned() };
    for (index, raw) in text.lines().enumerate() {
        let line = without_comment(raw).trim();
        if line.is_empty() {
            continue;
        }
        parse_line(&mut out, line).map_err(|problem| CodegenError::Syntax {
            file: out.name.short(),
            line: index + 1,
            text: line.to_owned(),
            problem,
        })?;
    }
    Ok(out)
}

/// Reads a `.srv` file: the request above the line `---`, the response below it.
///
/// # Errors
/// As [`parse`]; and when there is not exactly one `---`.
pub fn parse_service(package: &str, name: &str, text: &str) -> Result<[Structure; 2], CodegenError> {
    let mut halves = vec![String::new()];
    for line in text.lines() {
        if line.trim() == "---" {
            halves.push(String::new());
        } else if let Some(half) = halves.last_mut() {
            half.push_str(line);
            half.push('\n');
        }
    }
    let [request, response] = halves.as_slice() else {
        return Err(CodegenError::Syntax {
            file: format!("{package}/{name}"),
            line: 1,
            text: "---".into(),
            problem: format!("must stand exactly once in a service, but stands {} times", halves.len() - 1),
        });
    };
    let side = |suffix: &str| TypeName {
        package: package.into(),
        kind: "srv".into(),
        name: format!("{name}_{suffix}"),
    };
    Ok([parse(side("Request"), request)?, parse(side("Response"), response)?])
}

fn without_comment(line: &str) -> &str {
    let mut quote = None;
    for (at, c) in line.char_indices() {
        match (quote, c) {
            (None, '#') => return &line[..at],
            (None, '"' | '\'') => quote = Some(c),
            (Some(q), c) if q == c => quote = None,
            _ => {}
        }
    }
    line
}

fn parse_line(out: &mut Structure, line: &str) -> Result<(), String> {
    let (type_text, rest) =
        line.split_once(char::is_whitespace).ok_or("has no name; write \"type name\" on one line")?;
    let rest = rest.trim();
    let (base, shape) = parse_type(&out.name.package, type_text)?;
    let end = rest.find(|c: char| !(c.is_ascii_alphanumeric() || c == '_')).unwrap_or(rest.len());
    let (name, tail) = (&rest[..end], rest[end..].trim());
    if let Some(value) = tail.strip_prefix('=') {
        if shape != Shape::Single || matches!(base, Base::Nested(_)) {
            return Err("is a constant, and a constant must be a single number, bool or string".into());
        }
        if !name.starts_with(|c: char| c.is_ascii_uppercase()) || name.contains(|c: char| c.is_lowercase()) {
            return Err(format!("has the constant name \"{name}\"; constants are written in UPPER_CASE"));
        }
        out.constants.push(Constant { name: name.into(), base, value: value.trim().into() });
        return Ok(());
    }
    if !name.starts_with(|c: char| c.is_ascii_lowercase()) || name.contains(|c: char| c.is_ascii_uppercase())
    {
        return Err(format!("has the field name \"{name}\"; fields are written in lower_case"));
    }
    if out.fields.iter().any(|f| f.name == name) {
        return Err(format!("names the field \"{name}\" a second time"));
    }
    let default = (!tail.is_empty()).then(|| tail.to_owned());
    if default.is_some() && matches!(base, Base::Nested(_)) {
        return Err("gives a default to a nested message, which ROS 2 does not allow".into());
    }
    out.fields.push(Field { name: name.into(), base, shape, default });
    Ok(())
}

fn parse_type(package: &str, text: &str) -> Result<(Base, Shape), String> {
    let (element, shape) = match text.split_once('[') {
        None => (text, Shape::Single),
        Some((element, rest)) => {
            let inside = rest.strip_suffix(']').ok_or("has an array without its closing \"]\"")?;
            let shape = match inside.strip_prefix("<=") {
                _ if inside.is_empty() => Shape::Sequence,
                Some(bound) => Shape::Bounded(number(bound)?),
                None => Shape::Array(number(inside)?),
            };
            (element, shape)
        }
    };
    Ok((parse_base(package, element)?, shape))
}

fn parse_base(package: &str, text: &str) -> Result<Base, String> {
    if let Some(primitive) = Primitive::from_ros(text) {
        return Ok(Base::Primitive(primitive));
    }
    if text == "wstring" || text.starts_with("wstring<=") {
        return Err("uses wstring, which is not supported; use string (UTF-8)".into());
    }
    if text == "string" {
        return Ok(Base::String(None));
    }
    if let Some(bound) = text.strip_prefix("string<=") {
        return Ok(Base::String(Some(number(bound)?)));
    }
    let (package, name) = match text.split('/').collect::<Vec<_>>().as_slice() {
        // The one name that ROS still resolves without its package.
        ["Header"] => ("std_msgs", "Header"),
        [name] => (package, *name),
        [package, name] | [package, "msg", name] => (*package, *name),
        _ => return Err(format!("names the type \"{text}\"; write Name or package/Name")),
    };
    let camel = name.starts_with(|c: char| c.is_ascii_uppercase())
        && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
    if !camel {
        return Err(format!(
            "names the type \"{text}\", which is neither a primitive nor a CamelCase message"
        ));
    }
    Ok(Base::Nested(TypeName::message(package, name)))
}

fn number(text: &str) -> Result<usize, String> {
    match text.parse::<usize>() {
        Ok(n) if n > 0 => Ok(n),
        _ => Err(format!("has the bound \"{text}\"; a bound is a whole number above zero")),
    }
}
