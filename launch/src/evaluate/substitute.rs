//! Templates into text.

use super::{Evaluator, MAX_TEXT};
use crate::{
    error::{At, LaunchError, Result},
    expression,
    front::{Attribute, Element, Given},
    nearest::hint,
    scalar,
    template::{Part, Template},
};

impl Evaluator<'_> {
    /// The text of `template`, which stands at `at`.
    pub(super) fn text(&mut self, template: &Template, at: &At) -> Result<String> {
        let mut text = String::new();
        for part in &template.0 {
            match part {
                Part::Text(literal) => text.push_str(literal),
                Part::Call { name, args } => text.push_str(&self.call(name, args, at)?),
            }
            if text.len() > MAX_TEXT {
                return Err(LaunchError::Limit {
                    at: at.clone(),
                    what: "the length of a text",
                    limit: MAX_TEXT,
                });
            }
        }
        Ok(text)
    }

    /// The text of an attribute, if it is there.
    pub(super) fn optional(&mut self, element: &Element, name: &str) -> Result<Option<String>> {
        let Some(Attribute { at, given, .. }) = element.get(name) else { return Ok(None) };
        match given {
            Given::One(template) => self.text(template, at).map(Some),
            Given::Many(_) => Err(element.bad(at, name, "a list", "a single value")),
        }
    }

    /// The text of an attribute that the vocabulary requires.
    pub(super) fn required(&mut self, element: &Element, name: &str) -> Result<String> {
        self.optional(element, name)?.ok_or_else(|| LaunchError::MissingAttribute {
            at: element.at.clone(),
            tag: element.tag.name.to_owned(),
            attribute: name.to_owned(),
        })
    }

    /// A yes-or-no attribute.
    pub(super) fn flag(&mut self, element: &Element, name: &str, default: bool) -> Result<bool> {
        let Some(text) = self.optional(element, name)? else { return Ok(default) };
        condition(&text).or_else(|| scalar::boolean(&text)).ok_or_else(|| {
            let at = element.get(name).map_or(&element.at, |attribute| &attribute.at);
            element.bad(at, name, &text, "true or false")
        })
    }

    /// A duration or a count that must be a finite number of at least 0.
    pub(super) fn number(&mut self, element: &Element, name: &str) -> Result<Option<f64>> {
        let Some(text) = self.optional(element, name)? else { return Ok(None) };
        match text.trim().parse::<f64>() {
            Ok(value) if value.is_finite() && (0.0..=1e9).contains(&value) => Ok(Some(value)),
            _ => {
                let at = element.get(name).map_or(&element.at, |attribute| &attribute.at);
                Err(element.bad(at, name, &text, "a number of at least 0"))
            }
        }
    }

    /// Whether `if` and `unless` let the element take part.
    pub(super) fn applies(&mut self, element: &Element) -> Result<bool> {
        for (name, wanted) in [("if", true), ("unless", false)] {
            if let Some(text) = self.optional(element, name)? {
                let at = element.get(name).map_or(&element.at, |attribute| &attribute.at);
                let expected = "true, 1, false or 0";
                if condition(&text).ok_or_else(|| element.bad(at, name, &text, expected))? != wanted {
                    return Ok(false);
                }
            }
        }
        Ok(true)
    }

    fn call(&mut self, name: &str, args: &[Template], at: &At) -> Result<String> {
        if name == "if" {
            // Only the chosen side is evaluated, so the other may name what does not exist.
            let chosen = if self.truth(&args[0], at)? { args.get(1) } else { args.get(2) };
            return chosen.map_or_else(|| Ok(String::new()), |template| self.text(template, at));
        }
        if matches!(name, "var" | "env") {
            return self.lookup(name, args, at);
        }
        if matches!(name, "and" | "or" | "any" | "all" | "not") {
            let truths: Result<Vec<bool>> = args.iter().map(|arg| self.truth(arg, at)).collect();
            let truths = truths?;
            return Ok(print(match name {
                "and" | "all" => truths.iter().all(|truth| *truth),
                "not" => !truths[0],
                _ => truths.iter().any(|truth| *truth),
            }));
        }
        let texts: Result<Vec<String>> = args.iter().map(|arg| self.text(arg, at)).collect();
        let texts = texts?;
        let file = self.files.last().map(String::as_str).unwrap_or_default();
        match name {
            "equals" => Ok(print(texts[0] == texts[1])),
            "not-equals" => Ok(print(texts[0] != texts[1])),
            "filename" => Ok(file.to_owned()),
            "dirname" => Ok(dirname(file)),
            "eval" => {
                let expression = texts.join(" ");
                expression::evaluate(&expression).map_err(|reason| LaunchError::Expression {
                    at: at.clone(),
                    expression,
                    reason,
                })
            }
            "string-join" => Ok(texts[1..].join(&texts[0])),
            "path-join" => Ok(texts.join("/")),
            "anon" => Ok(self.anonymous_name(&texts[0])),
            "find-pkg-share" => self.package(&texts[0], at, self.options.packages.share(&texts[0])),
            "find-pkg-prefix" => self.package(&texts[0], at, self.options.packages.prefix(&texts[0])),
            other => Err(LaunchError::Unsupported {
                at: at.clone(),
                what: format!("$({other})"),
                remedy: "leave it out".to_owned(),
            }),
        }
    }

    fn lookup(&mut self, kind: &str, args: &[Template], at: &At) -> Result<String> {
        let name = self.text(&args[0], at)?;
        let found = if kind == "var" {
            self.scope.variables.get(&name).cloned()
        } else {
            match self.scope.environment.get(&name) {
                Some(change) => change.clone(),
                None => self.options.environment.get(&name).cloned(),
            }
        };
        match (found, args.get(1)) {
            (Some(value), _) => Ok(value),
            (None, Some(default)) => self.text(default, at),
            (None, None) => {
                let known: Vec<&str> = self.scope.variables.keys().map(String::as_str).collect();
                let (what, hint) = if kind == "var" {
                    ("the launch argument or variable", hint(&name, &known))
                } else {
                    ("the environment variable", format!("; set it, or write $(env {name} DEFAULT)"))
                };
                Err(LaunchError::Undefined { at: at.clone(), what, name, hint })
            }
        }
    }

    fn truth(&mut self, template: &Template, at: &At) -> Result<bool> {
        let text = self.text(template, at)?;
        condition(&text).or_else(|| scalar::boolean(&text)).ok_or_else(|| LaunchError::BadValue {
            at: at.clone(),
            what: "a condition".to_owned(),
            value: text.chars().take(80).collect(),
            expected: "true or false".to_owned(),
        })
    }

    fn package(&self, package: &str, at: &At, found: Option<String>) -> Result<String> {
        found.ok_or_else(|| {
            let known = self.options.packages.known();
            let names: Vec<&str> = known.iter().map(String::as_str).collect();
            let remedy = "; source its setup file, so that AMENT_PREFIX_PATH names it";
            let near =
                crate::nearest::nearest(package, names).map(|name| format!("; did you mean '{name}'?"));
            LaunchError::PackageNotFound {
                at: at.clone(),
                package: package.to_owned(),
                hint: near.unwrap_or_else(|| remedy.to_owned()),
            }
        })
    }

    /// A name that nothing else has, the same one for the same word. Counted, not random, so that plans repeat.
    fn anonymous_name(&mut self, word: &str) -> String {
        let number = self.anonymous.len() + 1;
        self.anonymous.entry(word.to_owned()).or_insert_with(|| format!("{word}_{number}")).clone()
    }
}

/// The words that conditions of ros2 launch take.
pub(super) fn condition(text: &str) -> Option<bool> {
    match text.trim().to_ascii_lowercase().as_str() {
        "true" | "1" => Some(true),
        "false" | "0" => Some(false),
        _ => None,
    }
}

fn print(truth: bool) -> String {
    if truth { "true" } else { "false" }.to_owned()
}

fn dirname(path: &str) -> String {
    match path.rsplit_once('/') {
        Some(("", _)) => "/".to_owned(),
        Some((directory, _)) => directory.to_owned(),
        None => ".".to_owned(),
    }
}
