//! ROS 2 parameter files: which node gets which value.
//!
//! ```yaml
//! /**:                       # every node
//!   ros__parameters:
//!     use_sim_time: true
//! /front/camera:             # one node; also written front: camera:
//!   ros__parameters:
//!     exposure: {auto: false, ms: 4.0}    # exposure.auto, exposure.ms
//! ```
//!
//! In a pattern `*` stands for one name and `**` for any number of names. A name without slashes is in the root
//! namespace, as in rcl: `camera` does not match `/front/camera`, but `/**/camera` does.

use serde_json::Value;

use crate::{
    error::{At, LaunchError, Result},
    front::{Yaml, YamlKind},
    nearest::hint,
    scalar,
};

const VALUES: &str = "ros__parameters";

/// A parameter file.
#[derive(Clone, Debug, PartialEq, Default)]
pub struct ParamsFile {
    /// What it says, in its order.
    pub entries: Vec<ParamsEntry>,
}

/// The values for the nodes that one pattern matches.
#[derive(Clone, Debug, PartialEq)]
pub struct ParamsEntry {
    /// The pattern, absolute: `/front/camera`, `/**`.
    pub pattern: String,
    /// Where it stands.
    pub at: At,
    /// Dotted names and typed values, in order.
    pub params: Vec<(String, Value)>,
}

impl ParamsEntry {
    /// Whether the node called `name` in `namespace` is meant.
    #[must_use]
    pub fn matches(&self, full_name: &str) -> bool {
        let split = |path: &'_ str| {
            path.split('/').filter(|part| !part.is_empty()).map(str::to_owned).collect::<Vec<_>>()
        };
        matches(&split(&self.pattern), &split(full_name))
    }
}

/// `**` any number of names, none included; `*` one name. Linear in both, with one point to come back to.
fn matches(pattern: &[String], name: &[String]) -> bool {
    let (mut p, mut n, mut star) = (0, 0, None);
    while n < name.len() {
        match pattern.get(p).map(String::as_str) {
            Some("**") => {
                star = Some((p, n));
                p += 1;
            }
            Some(part) if part == "*" || part == name[n] => {
                p += 1;
                n += 1;
            }
            _ => match star {
                Some((back, at)) => {
                    star = Some((back, at + 1));
                    (p, n) = (back + 1, at + 1);
                }
                None => return false,
            },
        }
    }
    pattern[p..].iter().all(|part| part == "**")
}

/// Reads the text of a parameter file called `name`.
///
/// # Errors
/// [`LaunchError::Malformed`], [`LaunchError::ParamsFile`] for a wrong shape, [`LaunchError::Parameter`] for a value
/// that ROS cannot carry.
pub fn parse_params_file(name: &str, text: &str) -> Result<ParamsFile> {
    let document = Yaml::parse(name, text)?;
    let mut file = ParamsFile::default();
    nodes(&document, "", &mut file)?;
    Ok(file)
}

fn wrong(at: &At, reason: impl Into<String>) -> LaunchError {
    LaunchError::ParamsFile { at: at.clone(), reason: reason.into() }
}

fn nodes(value: &Yaml, prefix: &str, file: &mut ParamsFile) -> Result<()> {
    let YamlKind::Map(entries) = &value.kind else {
        let what = if prefix.is_empty() { "the file" } else { prefix };
        return Err(wrong(&value.at, format!("'{what}' holds {}, not a mapping", value.describe())));
    };
    for (key, at, value) in entries {
        if key == VALUES {
            if prefix.is_empty() {
                return Err(wrong(at, format!("'{VALUES}' stands without a node's name above it")));
            }
            let YamlKind::Map(_) = value.kind else {
                return Err(wrong(
                    &value.at,
                    format!("'{VALUES}' of '{prefix}' is not a mapping of names to values"),
                ));
            };
            let mut params = Vec::new();
            flatten(value, "", &mut params)?;
            file.entries.push(ParamsEntry { pattern: prefix.to_owned(), at: at.clone(), params });
        } else if !matches!(value.kind, YamlKind::Map(_)) {
            let near = hint(key, &[VALUES]);
            return Err(wrong(at, format!("'{key}' is not inside '{VALUES}'{near}")));
        } else {
            nodes(value, &format!("{prefix}/{}", key.trim_matches('/')), file)?;
        }
    }
    Ok(())
}

/// Nested mappings to dotted names.
fn flatten(value: &Yaml, prefix: &str, params: &mut Vec<(String, Value)>) -> Result<()> {
    let failed =
        |at: &At, reason: String| LaunchError::Parameter { at: at.clone(), name: prefix.to_owned(), reason };
    let single = match &value.kind {
        YamlKind::Map(entries) => {
            for (key, _, value) in entries {
                let name = if prefix.is_empty() { key.clone() } else { format!("{prefix}.{key}") };
                flatten(value, &name, params)?;
            }
            return Ok(());
        }
        YamlKind::Scalar { text, plain } => read(text, *plain).map_err(|reason| failed(&value.at, reason))?,
        YamlKind::Seq(items) => {
            let values: Result<Vec<Value>> = items
                .iter()
                .map(|item| match &item.kind {
                    YamlKind::Scalar { text, plain } => {
                        read(text, *plain).map_err(|reason| failed(&item.at, reason))
                    }
                    _ => Err(failed(&item.at, format!("a list holds {}", item.describe()))),
                })
                .collect();
            scalar::array(values?).map_err(|reason| failed(&value.at, reason))?
        }
    };
    params.push((prefix.to_owned(), single));
    Ok(())
}

fn read(text: &str, plain: bool) -> std::result::Result<Value, String> {
    if plain { scalar::plain(text) } else { Ok(Value::from(text)) }
}

/// A message as YAML or JSON writes it: nested mappings, lists and scalars, by the same rules as parameters.
///
/// # Errors
/// What is malformed, in words.
pub fn parse_message(text: &str) -> std::result::Result<Value, String> {
    let document = Yaml::parse("the message", text).map_err(|error| match error {
        LaunchError::Malformed { reason, .. } => format!("malformed YAML: {reason}"),
        other => other.to_string(),
    })?;
    if !matches!(document.kind, YamlKind::Map(_)) {
        return Err("write it as a mapping of fields: {data: 3}".to_owned());
    }
    nested(&document)
}

fn nested(value: &Yaml) -> std::result::Result<Value, String> {
    match &value.kind {
        YamlKind::Scalar { text, plain } => read(text, *plain),
        YamlKind::Seq(items) => items.iter().map(nested).collect(),
        YamlKind::Map(entries) => {
            entries.iter().map(|(key, _, value)| Ok((key.clone(), nested(value)?))).collect()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn parse(text: &str) -> Result<ParamsFile> {
        parse_params_file("p.yaml", text)
    }

    #[test]
    fn nested_names_namespaces_and_types() {
        let text = "/**:\n  ros__parameters: {use_sim_time: true}\nfront:\n  camera:\n    ros__parameters:\n      \
                    exposure: {auto: no, ms: 4}\n      id: \"7\"\n      k: [1, 2.5]\n      names: [a, b]\n";
        let file = parse(text).unwrap();
        assert_eq!(file.entries[0].pattern, "/**");
        assert_eq!(file.entries[1].pattern, "/front/camera");
        assert_eq!(file.entries[1].at.line, 5);
        let pairs: Vec<_> = file.entries[1].params.iter().map(|(n, v)| (n.as_str(), v.clone())).collect();
        assert_eq!(
            pairs,
            [
                ("exposure.auto", json!(false)),
                ("exposure.ms", json!(4)),
                ("id", json!("7")),
                ("k", json!([1.0, 2.5])),
                ("names", json!(["a", "b"])),
            ]
        );
    }

    #[test]
    fn messages_are_yaml_or_json() {
        let text = "{header: {frame_id: odom}, k: [1, 2.5], name: \"7\", poses: [{x: -1}], on: off}";
        let expected = json!({
            "header": {"frame_id": "odom"}, "k": [1, 2.5], "name": "7", "poses": [{"x": -1}], "on": false,
        });
        assert_eq!(parse_message(text), Ok(expected.clone()));
        assert_eq!(parse_message(&expected.to_string()), Ok(expected));
        assert_eq!(parse_message("data: hello world"), Ok(json!({"data": "hello world"})));
        assert_eq!(parse_message(""), Ok(json!({})));
        assert!(parse_message("{a: [}").unwrap_err().contains("malformed"));
        assert!(parse_message("7").unwrap_err().contains("mapping"));
    }

    #[test]
    fn patterns() {
        let entry =
            |pattern: &str| ParamsEntry { pattern: pattern.into(), at: At::start("p"), params: vec![] };
        for (pattern, name, expected) in [
            ("/**", "/a/b", true),
            ("/**", "/a", true),
            ("/camera", "/camera", true),
            ("/camera", "/front/camera", false),
            ("/**/camera", "/camera", true),
            ("/**/camera", "/a/b/camera", true),
            ("/*/camera", "/camera", false),
            ("/*/camera", "/front/camera", true),
            ("/a/**/c/**/d", "/a/x/c/y/c/d", true),
            ("/a/**/c/**/d", "/a/x/c/y/c/e", false),
            ("/*", "/a/b", false),
        ] {
            assert_eq!(entry(pattern).matches(name), expected, "{pattern} {name}");
        }
    }

    #[test]
    fn wrong_shapes_are_named_with_their_place() {
        for (text, words) in [
            ("camera:\n  rate: 3\n", "p.yaml:2:3: 'rate' is not inside 'ros__parameters'"),
            ("ros__parameters: {a: 1}\n", "without a node's name"),
            ("camera: [1]\n", "'camera' is not inside"),
            ("- a\n", "not a mapping"),
            ("c: {ros__parameters: {a: [1, x]}}", "mixes int and str"),
            ("c: {ros__parameters: {a: null}}", "'a': it has no value"),
            ("c: {ros__parameters: {a: [[1]]}}", "a list holds"),
            ("c: {ros__parameters: 3}", "not a mapping of names"),
            ("c: {ros__parameter: {a: 1}}", "'a' is not inside 'ros__parameters'"),
            ("c: {ros__parameters: {a: 1, a: 2}}", "comes twice"),
            ("c: [", "PG-1101"),
        ] {
            let error = parse(text).unwrap_err().to_string();
            assert!(error.contains(words), "{text}: {error}");
        }
        assert_eq!(parse("").unwrap(), ParamsFile::default());
        let bomb = "a: &a {ros__parameters: {x: [1,1,1,1,1,1,1,1,1,1]}}\n".to_owned()
            + &(0..30)
                .map(|i| {
                    let previous = if i == 0 { "a".to_owned() } else { format!("b{}", i - 1) };
                    format!("b{i}: &b{i} {{x: *{previous}, y: *{previous}}}\n")
                })
                .collect::<String>();
        assert!(
            parse(&bomb).unwrap_err().to_string().contains("PG-1113"),
            "an alias bomb must meet the budget"
        );
    }
}
