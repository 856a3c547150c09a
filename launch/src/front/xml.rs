//! XML into the tree. Entities of a DTD are refused, so a file cannot expand without bound.

use roxmltree::{Document, Node, NodeType};

use super::{Attribute, Element, LaunchFile, tree::MAX_DEPTH};
use crate::{
    error::{At, LaunchError, Result},
    vocabulary::{LAUNCH, Tag},
};

pub(super) fn parse(name: &str, text: &str) -> Result<LaunchFile> {
    let document = Document::parse(text).map_err(|error| LaunchError::Malformed {
        at: At { line: error.pos().row, column: error.pos().col, ..At::start(name) },
        format: "XML",
        reason: error.to_string(),
    })?;
    let reader = Reader { at: At::start(name), document: &document };
    let root = document.root_element();
    if root.tag_name().name() != LAUNCH.name {
        return Err(LaunchError::UnknownTag {
            at: reader.place(root.range().start),
            parent: "(the file)".to_owned(),
            tag: root.tag_name().name().to_owned(),
            hint: "; the outermost tag must be <launch>".to_owned(),
        });
    }
    Ok(LaunchFile { root: reader.element(root, &LAUNCH, 0)? })
}

struct Reader<'a> {
    at: At,
    document: &'a Document<'a>,
}

impl Reader<'_> {
    fn place(&self, offset: usize) -> At {
        let position = self.document.text_pos_at(offset);
        At { line: position.row, column: position.col, ..self.at.clone() }
    }

    fn element(&self, node: Node<'_, '_>, tag: &'static Tag, depth: usize) -> Result<Element> {
        let mut element = Element::new(tag, self.place(node.range().start));
        if depth > MAX_DEPTH {
            return Err(LaunchError::Limit { at: element.at, what: "the nesting of tags", limit: MAX_DEPTH });
        }
        for attribute in node.attributes() {
            let at = self.place(attribute.range().start);
            element.add(attribute.name(), Attribute::one(attribute.value(), at)?)?;
        }
        for child in node.children() {
            let at = self.place(child.range().start);
            match child.node_type() {
                NodeType::Element => {
                    let tag = tag.child(child.tag_name().name(), &at)?;
                    element.children.push(self.element(child, tag, depth + 1)?);
                }
                NodeType::Text if child.text().is_some_and(|text| !text.trim().is_empty()) => {
                    let text = child.text().unwrap_or_default().trim().to_owned();
                    return Err(LaunchError::BadValue {
                        at,
                        what: format!("the text inside <{}>", tag.name),
                        value: text.chars().take(80).collect(),
                        expected: "written as an attribute: launch files have no text between tags"
                            .to_owned(),
                    });
                }
                _ => {}
            }
        }
        element.complete()
    }
}
