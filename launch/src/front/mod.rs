//! The two front ends: XML and YAML text into one tree.

mod tree;
mod xml;
mod yaml;
mod yaml_tree;

pub(crate) use tree::{Attribute, Element, Given};
pub(crate) use yaml_tree::{Yaml, YamlKind};

use crate::{
    error::{At, LaunchError, Result},
    vocabulary,
};

/// A launch file, read and checked against the vocabulary, but not yet evaluated.
#[derive(Clone, Debug)]
pub struct LaunchFile {
    pub(crate) root: Element,
}

/// A launch argument as a file declares it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Argument {
    /// Its name: `name:=value` on the command line.
    pub name: String,
    /// Its default as written, substitutions included; `None` when it must be given.
    pub default: Option<String>,
    /// What it is for.
    pub description: String,
    /// The only values it may take; empty when anything goes.
    pub choices: Vec<String>,
}

impl LaunchFile {
    /// The arguments that this file declares (those of included files are not among them), in order.
    #[must_use]
    pub fn arguments(&self) -> Vec<Argument> {
        let mut found = Vec::new();
        collect(&self.root, &mut found);
        found
    }
}

fn collect(element: &Element, found: &mut Vec<Argument>) {
    for child in &element.children {
        if std::ptr::eq(child.tag, &vocabulary::ARG) {
            let text = |name: &str| child.get(name).map(|given| given.raw.clone());
            found.push(Argument {
                name: text("name").unwrap_or_default(),
                default: text("default"),
                description: text("description").unwrap_or_default(),
                choices: child
                    .children
                    .iter()
                    .filter_map(|choice| Some(choice.get("value")?.raw.clone()))
                    .collect(),
            });
        } else if child.tag.holds_actions() {
            collect(child, found);
        }
    }
}

/// Reads a launch file in XML.
///
/// # Errors
/// [`LaunchError::Malformed`], an unknown tag or attribute, a missing attribute, or a malformed substitution.
pub fn parse_xml(text: &str) -> Result<LaunchFile> {
    xml::parse("launch.xml", text)
}

/// Reads a launch file in YAML.
///
/// # Errors
/// As [`parse_xml`].
pub fn parse_yaml(text: &str) -> Result<LaunchFile> {
    yaml::parse("launch.yaml", text)
}

/// Reads a launch file called `name`: its ending says whether it is XML (`.xml`) or YAML (`.yaml`, `.yml`), and if it
/// has neither, its first character does.
///
/// # Errors
/// As [`parse_xml`]; [`LaunchError::Unsupported`] for a Python launch file.
pub fn parse_text(name: &str, text: &str) -> Result<LaunchFile> {
    let ending = name.rsplit('.').next().unwrap_or_default().to_ascii_lowercase();
    match ending.as_str() {
        "py" => Err(LaunchError::Unsupported {
            at: At::start(name),
            what: "a launch file in Python".to_owned(),
            remedy: "start it with 'ros2 launch', or write it in XML or YAML".to_owned(),
        }),
        "xml" => xml::parse(name, text),
        "yaml" | "yml" => yaml::parse(name, text),
        _ if text.trim_start().starts_with('<') => xml::parse(name, text),
        _ => yaml::parse(name, text),
    }
}
