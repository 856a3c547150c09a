//! Parameters: inline values, nested values and files, in order, the last one of a name winning.

use serde_json::Value;

use super::{Evaluator, GlobalParam};
use crate::{
    error::{At, LaunchError, Result},
    front::{Attribute, Element, Given},
    params_file::{ParamsFile, parse_params_file},
    scalar,
    template::Template,
};

/// A node's parameters while they are gathered.
#[derive(Default)]
pub(super) struct Gathered {
    pub params: Vec<(String, Value)>,
    pub files: Vec<String>,
}

impl Gathered {
    fn set(&mut self, name: String, value: Value) {
        match self.params.iter_mut().find(|(known, _)| *known == name) {
            Some((_, old)) => *old = value,
            None => self.params.push((name, value)),
        }
    }
}

impl Evaluator<'_> {
    /// The parameters of the node called `full_name`: global ones, then those of its `<param>` children.
    pub(super) fn params(&mut self, element: &Element, full_name: &str) -> Result<Gathered> {
        let mut gathered = Gathered::default();
        for global in self.scope.params.clone() {
            match global {
                GlobalParam::Value(name, value) => gathered.set(name, value),
                GlobalParam::File(path, file) => self.apply(&path, &file, full_name, &mut gathered),
            }
        }
        for child in element.children.iter().filter(|child| child.tag.name == "param") {
            if !self.applies(child)? {
                continue;
            }
            if child.get("from").is_some() {
                if let Some(wrong) =
                    ["name", "value", "type", "value-sep"].iter().find(|name| child.get(name).is_some())
                {
                    return Err(child.bad(&child.at, wrong, "given", "left out beside 'from'"));
                }
                let path = self.required(child, "from")?;
                let substitute = self.flag(child, "allow_substs", false)?;
                let file = self.params_file(&path, &child.at, substitute)?;
                self.apply(&path, &file, full_name, &mut gathered);
            } else {
                if let Some(attribute) = child.get("allow_substs") {
                    return Err(child.bad(&attribute.at, "allow_substs", "given", "left out without 'from'"));
                }
                self.inline(child, "", &mut gathered)?;
            }
        }
        Ok(gathered)
    }

    fn inline(&mut self, element: &Element, prefix: &str, gathered: &mut Gathered) -> Result<()> {
        let name = self.required(element, "name")?;
        if name.is_empty() {
            return Err(element.bad(&element.at, "name", "", "the name of a parameter"));
        }
        let name = if prefix.is_empty() { name } else { format!("{prefix}.{name}") };
        match (element.get("value").is_some(), element.children.is_empty()) {
            (true, true) => {
                let value = self.value_of(element, &name)?;
                gathered.set(name, value);
                Ok(())
            }
            (false, false) => {
                for child in &element.children {
                    if child.get("from").is_some() {
                        return Err(child.bad(&child.at, "from", "given", "left out of a nested parameter"));
                    }
                    if self.applies(child)? {
                        self.inline(child, &name, gathered)?;
                    }
                }
                Ok(())
            }
            _ => Err(LaunchError::Parameter {
                at: element.at.clone(),
                name,
                reason: "give it either a value or nested parameters".to_owned(),
            }),
        }
    }

    /// The typed value of an element with `value`, and perhaps `type` and `value-sep`.
    pub(super) fn value_of(&mut self, element: &Element, name: &str) -> Result<Value> {
        let Some(Attribute { at, given, .. }) = element.get("value") else {
            return Err(LaunchError::MissingAttribute {
                at: element.at.clone(),
                tag: element.tag.name.to_owned(),
                attribute: "value".to_owned(),
            });
        };
        let failed =
            |reason: String| LaunchError::Parameter { at: at.clone(), name: name.to_owned(), reason };
        let kind = self.optional(element, "type")?;
        let separator = self.optional(element, "value-sep")?;
        let texts = match (given, &separator) {
            (Given::Many(_), Some(_)) => {
                return Err(failed("is a list already; leave out value-sep".to_owned()));
            }
            (Given::Many(items), None) => {
                let texts: Result<Vec<String>> = items.iter().map(|item| self.text(item, at)).collect();
                Some(texts?)
            }
            (Given::One(_), Some(separator)) if separator.is_empty() => {
                return Err(failed("value-sep is empty; give it a character".to_owned()));
            }
            (Given::One(template), Some(separator)) => {
                let text = self.text(template, at)?;
                Some(text.split(separator.as_str()).map(|item| item.trim().to_owned()).collect())
            }
            (Given::One(template), None) => {
                let text = self.text(template, at)?;
                return single(&text, kind.as_deref(), at).map_err(failed);
            }
        };
        let item_kind = match kind.as_deref() {
            None => None,
            Some(kind) => {
                Some(list_kind(kind).ok_or_else(|| failed(format!("is a list, but its type is {kind}")))?)
            }
        };
        let items = texts.unwrap_or_default();
        let items: std::result::Result<Vec<Value>, String> = items
            .iter()
            .map(|item| item_kind.map_or_else(|| single(item, None, at), |kind| scalar::typed(item, kind)))
            .collect();
        items.and_then(scalar::array).map_err(failed)
    }

    /// Reads a parameter file, substitutions in it too if `substitute`.
    pub(super) fn params_file(&mut self, path: &str, at: &At, substitute: bool) -> Result<ParamsFile> {
        let text = self.options.packages.read(path).map_err(|error| LaunchError::Unreadable {
            at: at.clone(),
            path: path.to_owned(),
            reason: error.to_string(),
        })?;
        let text = if substitute { self.substitute_file(path, &text)? } else { text };
        let file = parse_params_file(path, &text)?;
        for entry in &file.entries {
            let key = (path.to_owned(), entry.pattern.clone());
            self.entries.entry(key).or_insert((false, entry.at.clone()));
        }
        Ok(file)
    }

    /// Substitutes line by line, so that errors can say the line and a quote in a comment does no harm.
    fn substitute_file(&mut self, path: &str, text: &str) -> Result<String> {
        let mut done = String::with_capacity(text.len());
        for (number, line) in text.lines().enumerate() {
            let at = At { line: u32::try_from(number + 1).unwrap_or(u32::MAX), ..At::start(path) };
            if line.contains("$(") && !line.trim_start().starts_with('#') {
                done.push_str(&self.text(&Template::parse(line, &at)?, &at)?);
            } else {
                done.push_str(line);
            }
            done.push('\n');
        }
        Ok(done)
    }

    fn apply(&mut self, path: &str, file: &ParamsFile, full_name: &str, gathered: &mut Gathered) {
        if !gathered.files.iter().any(|known| known == path) {
            gathered.files.push(path.to_owned());
        }
        for entry in file.entries.iter().filter(|entry| entry.matches(full_name)) {
            if let Some((used, _)) = self.entries.get_mut(&(path.to_owned(), entry.pattern.clone())) {
                *used = true;
            }
            for (name, value) in &entry.params {
                gathered.set(name.clone(), value.clone());
            }
        }
    }
}

/// The value that `text` writes, by the rules of launch files and parameter files (YAML): `3`, `off`, `a word`, `[a, b]`, `['a, b']`.
/// For command lines, whose `-p NAME:=TEXT` must mean the same.
///
/// # Errors
/// What keeps it from being one value of a ROS parameter, in words.
pub fn parse_value(text: &str) -> std::result::Result<Value, String> {
    single(text, None, &At::start("the value"))
}

/// One value: by its type if that is given, else as YAML reads it, quotes and `[lists]` included.
fn single(text: &str, kind: Option<&str>, at: &At) -> std::result::Result<Value, String> {
    let trimmed = text.trim();
    match kind {
        Some(kind) if list_kind(kind).is_none() => return scalar::typed(text, kind),
        None if !trimmed.starts_with(['[', '\'', '"', '{']) => {
            return if text.is_empty() { Ok(Value::from("")) } else { scalar::plain(trimmed) };
        }
        _ => {}
    }
    // A file with one parameter: the same reader for the same rules.
    let file = parse_params_file(&at.file, &format!("n: {{ros__parameters: {{v: {trimmed}\n}}}}"));
    let mut params = match file {
        Ok(ParamsFile { mut entries }) if entries.len() == 1 => entries.remove(0).params,
        Ok(_) => Vec::new(),
        Err(LaunchError::Parameter { reason, .. } | LaunchError::ParamsFile { reason, .. }) => {
            return Err(reason);
        }
        Err(LaunchError::Malformed { reason, .. }) => {
            return Err(format!("'{trimmed}' is malformed YAML: {reason}"));
        }
        Err(other) => return Err(other.to_string()),
    };
    let value = match params.as_slice() {
        [(name, _)] if name == "v" => params.remove(0).1,
        _ => return Err(format!("'{trimmed}' is not one value; nest <param> for a mapping")),
    };
    match (kind, &value) {
        (None, _) => Ok(value),
        (Some(kind), Value::Array(items)) => {
            let item_kind = list_kind(kind).unwrap_or_default();
            let text = |item: &Value| item.as_str().map_or_else(|| item.to_string(), str::to_owned);
            let items: std::result::Result<Vec<Value>, String> =
                items.iter().map(|item| scalar::typed(&text(item), item_kind)).collect();
            scalar::array(items?)
        }
        (Some(kind), _) => Err(format!("'{trimmed}' is not of the type {kind}; write [a, b]")),
    }
}

fn list_kind(kind: &str) -> Option<&str> {
    let item = kind.strip_prefix("list_of_").or_else(|| kind.strip_prefix("List[")?.strip_suffix(']'))?;
    ["int", "float", "bool", "str"].into_iter().find(|known| *known == item)
}
