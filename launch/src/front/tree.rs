//! The tree that both front ends build.

use crate::{
    error::{At, LaunchError, Result},
    template::Template,
    vocabulary::Tag,
};

/// Elements may nest this deep.
pub(crate) const MAX_DEPTH: usize = 48;

/// One tag with what stands in it. Its attributes and children are known to belong to it.
#[derive(Clone, Debug)]
pub(crate) struct Element {
    pub tag: &'static Tag,
    pub at: At,
    pub attributes: Vec<(&'static str, Attribute)>,
    pub children: Vec<Element>,
}

/// An attribute's value.
#[derive(Clone, Debug)]
pub(crate) struct Attribute {
    pub at: At,
    /// As written.
    pub raw: String,
    pub given: Given,
}

/// YAML can give a list where XML gives text with a separator.
#[derive(Clone, Debug)]
pub(crate) enum Given {
    One(Template),
    Many(Vec<Template>),
}

impl Attribute {
    pub(crate) fn one(text: &str, at: At) -> Result<Self> {
        Ok(Self { given: Given::One(Template::parse(text, &at)?), raw: text.to_owned(), at })
    }
}

impl Element {
    pub(crate) fn new(tag: &'static Tag, at: At) -> Self {
        Self { tag, at, attributes: Vec::new(), children: Vec::new() }
    }

    /// Adds the attribute written as `name`.
    pub(crate) fn add(&mut self, name: &str, value: Attribute) -> Result<()> {
        let known = self.tag.attribute(name, &value.at)?;
        if self.get(known).is_some() {
            return Err(self.bad(&value.at, name, "given twice", "given once"));
        }
        self.attributes.push((known, value));
        Ok(())
    }

    /// Checks that nothing required is missing.
    pub(crate) fn complete(self) -> Result<Self> {
        match self.tag.required.iter().find(|name| self.get(name).is_none()) {
            None => Ok(self),
            Some(name) => Err(LaunchError::MissingAttribute {
                at: self.at,
                tag: self.tag.name.to_owned(),
                attribute: (*name).to_owned(),
            }),
        }
    }

    pub(crate) fn get(&self, name: &str) -> Option<&Attribute> {
        self.attributes.iter().find(|(known, _)| *known == name).map(|(_, attribute)| attribute)
    }

    pub(crate) fn bad(&self, at: &At, name: &str, value: &str, expected: &str) -> LaunchError {
        LaunchError::BadValue {
            at: at.clone(),
            what: format!("the attribute '{name}' of <{}>", self.tag.name),
            value: value.chars().take(120).collect(),
            expected: expected.to_owned(),
        }
    }
}
