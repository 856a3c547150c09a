//! YAML into the tree: the same vocabulary as XML, with children as lists of mappings.

use super::{Attribute, Element, Given, LaunchFile, Yaml, YamlKind, tree::MAX_DEPTH};
use crate::{
    error::{At, LaunchError, Result},
    template::Template,
    vocabulary::{LAUNCH, Tag},
};

pub(super) fn parse(name: &str, text: &str) -> Result<LaunchFile> {
    let document = Yaml::parse(name, text)?;
    let YamlKind::Map(entries) = &document.kind else {
        return Err(shape(&document.at, "the file", &document, "a mapping with the one key 'launch'"));
    };
    let Some((_, at, actions)) = entries.iter().find(|(key, ..)| key == LAUNCH.name) else {
        return Err(shape(
            &document.at,
            "the file",
            &document,
            "a mapping with the key 'launch': a list of actions",
        ));
    };
    let mut root = Element::new(&LAUNCH, at.clone());
    for (key, at, value) in entries.iter().filter(|(key, ..)| key != LAUNCH.name) {
        root.add(key, scalar(value, key, at)?)?;
    }
    root.children = self::actions(actions, &LAUNCH, 0)?;
    Ok(LaunchFile { root })
}

fn shape(at: &At, what: &str, found: &Yaml, expected: &str) -> LaunchError {
    let (what, expected) = (what.to_owned(), expected.to_owned());
    LaunchError::BadValue { at: at.clone(), what, value: found.describe(), expected }
}

/// A list of mappings with one key each: the action's tag.
fn actions(list: &Yaml, parent: &'static Tag, depth: usize) -> Result<Vec<Element>> {
    let YamlKind::Seq(items) = &list.kind else {
        return Err(shape(&list.at, &format!("what stands in '{}'", parent.name), list, "a list of actions"));
    };
    items
        .iter()
        .map(|item| match &item.kind {
            YamlKind::Map(entries) if entries.len() == 1 => {
                let (tag, at, value) = &entries[0];
                element(value, parent.child(tag, at)?, at, depth + 1)
            }
            _ => Err(shape(&item.at, "an action", item, "a mapping with one key, the action's name")),
        })
        .collect()
}

fn element(value: &Yaml, tag: &'static Tag, at: &At, depth: usize) -> Result<Element> {
    let mut element = Element::new(tag, at.clone());
    if depth > MAX_DEPTH {
        return Err(LaunchError::Limit { at: at.clone(), what: "the nesting of tags", limit: MAX_DEPTH });
    }
    let entries = match &value.kind {
        YamlKind::Seq(_) if tag.holds_actions() => {
            element.children = actions(value, tag, depth)?;
            return element.complete();
        }
        YamlKind::Map(entries) => entries,
        _ => return Err(shape(&value.at, &format!("'{}'", tag.name), value, "a mapping of its attributes")),
    };
    for (key, at, value) in entries {
        if tag.holds_actions() && key == "children" {
            element.children = actions(value, tag, depth)?;
        } else if tag.has_child(key) && !tag.holds_actions() {
            let child = tag.child(key, at)?;
            match &value.kind {
                YamlKind::Seq(items) => {
                    for item in items {
                        element.children.push(self::element(item, child, &item.at, depth + 1)?);
                    }
                }
                _ => element.children.push(self::element(value, child, at, depth + 1)?),
            }
        } else {
            // The name first: a wrong value of an unknown attribute is not what needs mending.
            tag.attribute(key, at)?;
            element.add(key, scalar(value, key, at)?)?;
        }
    }
    element.complete()
}

fn scalar(value: &Yaml, key: &str, at: &At) -> Result<Attribute> {
    match &value.kind {
        YamlKind::Scalar { text, plain } => {
            if *plain && matches!(text.as_str(), "" | "~" | "null") {
                return Err(shape(
                    at,
                    &format!("'{key}'"),
                    value,
                    "given a value; write \"\" for empty text",
                ));
            }
            Attribute::one(text, at.clone())
        }
        YamlKind::Seq(items) => {
            let texts: Result<Vec<Template>> = items
                .iter()
                .map(|item| match &item.kind {
                    YamlKind::Scalar { text, .. } => Template::parse(text, &item.at),
                    _ => Err(shape(&item.at, &format!("an item of '{key}'"), item, "a single value")),
                })
                .collect();
            Ok(Attribute { at: at.clone(), raw: value.describe(), given: Given::Many(texts?) })
        }
        YamlKind::Map(_) => Err(shape(&value.at, &format!("'{key}'"), value, "a single value or a list")),
    }
}
