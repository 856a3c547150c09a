//! A small element tree that remembers lines and which parts were read.
//!
//! Invariant: every child that the loader understands is taken through [`Element::child`], [`Element::children`] or
//! [`Element::attr`], which marks it; what stays unmarked ends in the support report. No compiler notices an element
//! that is read behind the tree's back, so the fields are private.
//!
//! Lenient where TinyXML2, and so Gazebo, is lenient: `--` inside comments, undeclared name-space prefixes, a lone
//! `&`, unknown entities, duplicate attributes. Unbalanced tags are faults here as there.

use std::cell::Cell;

use quick_xml::Reader;
use quick_xml::events::{BytesStart, Event};

use super::load::Limits;
use crate::error::{Place, Result, SimError};

/// One element with its attributes, text and children.
#[derive(Debug, Clone)]
pub struct Element {
    name: String,
    attrs: Vec<(String, String)>,
    text: String,
    children: Vec<Element>,
    line: u32,
    used: Cell<bool>,
}

impl Element {
    /// The tag, prefix included.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The line its start tag begins on, from 1.
    pub fn line(&self) -> u32 {
        self.line
    }

    /// The text directly inside, without surrounding white space.
    pub fn text(&self) -> &str {
        self.text.trim()
    }

    /// The attribute's value, if it is there.
    pub fn attr(&self, name: &str) -> Option<&str> {
        self.attrs.iter().find(|(n, _)| n == name).map(|(_, v)| v.as_str())
    }

    /// Every attribute in order.
    pub fn attrs(&self) -> &[(String, String)] {
        &self.attrs
    }

    /// The first child of that name, marked as read.
    pub fn child(&self, name: &str) -> Option<&Element> {
        let found = self.children.iter().find(|c| c.name == name)?;
        found.mark();
        Some(found)
    }

    /// Every child of that name in order, marked as read.
    pub fn children<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a Element> {
        self.children.iter().filter(move |c| c.name == name).inspect(|c| c.mark())
    }

    /// Every child, without marking any.
    pub fn all(&self) -> &[Element] {
        &self.children
    }

    /// Says that this element was read.
    pub fn mark(&self) {
        self.used.set(true);
    }

    /// Says that this element and all inside were read.
    pub fn mark_all(&self) {
        self.mark();
        self.children.iter().for_each(Element::mark_all);
    }

    /// Every child, to be changed.
    pub(super) fn all_mut(&mut self) -> &mut [Element] {
        &mut self.children
    }

    /// The first child of that tag, and of that name if one is given.
    pub(super) fn named(&mut self, tag: &str, name: Option<&str>) -> Option<&mut Element> {
        self.children.iter_mut().find(|c| c.name == tag && name.is_none_or(|n| c.attr("name") == Some(n)))
    }

    /// Takes out what [`Element::named`] finds; false if there is none.
    pub(super) fn remove(&mut self, tag: &str, name: Option<&str>) -> bool {
        let fits = |c: &Element| c.name == tag && name.is_none_or(|n| c.attr("name") == Some(n));
        let Some(at) = self.children.iter().position(fits) else { return false };
        self.children.remove(at);
        true
    }

    pub(super) fn push_child(&mut self, child: Element) {
        self.children.push(child);
    }

    pub(super) fn set_text(&mut self, text: &str) {
        self.text = text.to_string();
    }

    pub(super) fn set_attr(&mut self, key: &str, value: &str) {
        self.attrs.retain(|(k, _)| k != key);
        self.attrs.push((key.to_string(), value.to_string()));
    }

    pub(super) fn strip_attrs(&mut self, keys: &[&str]) {
        self.attrs.retain(|(k, _)| !keys.contains(&k.as_str()));
    }

    /// Says that nothing of this was read.
    pub(super) fn unmark_all(&self) {
        self.used.set(false);
        self.children.iter().for_each(Element::unmark_all);
    }

    /// How many elements this one and those inside are.
    pub fn count(&self) -> u64 {
        1 + self.children.iter().map(Element::count).sum::<u64>()
    }

    /// Whether it was read.
    pub fn is_used(&self) -> bool {
        self.used.get()
    }
}

/// Reads a text into its outermost element.
///
/// # Errors
/// PG-1002 for broken XML, PG-1003 if there is no element at all, PG-1009 beyond the limits.
pub fn parse(text: &str, file: &str, limits: &Limits) -> Result<Element> {
    let mut reader = Reader::from_str(text);
    reader.config_mut().allow_dangling_amp = true;
    let mut lines = Lines::new(text);
    let mut open: Vec<Element> = Vec::new();
    let mut root: Option<Element> = None;
    let mut count = 0_u64;
    loop {
        let offset = reader.buffer_position() as usize;
        let event = match reader.read_event() {
            Ok(event) => event,
            Err(cause) => {
                let at = (reader.error_position() as usize).max(offset);
                return Err(SimError::Xml { place: place(file, lines.at(at)), cause: cause.to_string() });
            }
        };
        match event {
            Event::Start(tag) => {
                count += 1;
                let line = lines.at(offset);
                check(count <= limits.elements, file, line, "the number of elements", limits.elements)?;
                check(open.len() < limits.depth, file, line, "the nesting depth", limits.depth as u64)?;
                open.push(element(&tag, file, line)?);
            }
            Event::Empty(tag) => {
                count += 1;
                let line = lines.at(offset);
                check(count <= limits.elements, file, line, "the number of elements", limits.elements)?;
                close(element(&tag, file, line)?, &mut open, &mut root);
            }
            Event::End(_) => {
                if let Some(done) = open.pop() {
                    close(done, &mut open, &mut root);
                }
            }
            Event::Text(t) => push(&mut open, &t),
            Event::CData(t) => push(&mut open, &t),
            Event::GeneralRef(r) => match r.resolve_char_ref() {
                Ok(Some(c)) => push(&mut open, c.encode_utf8(&mut [0; 4])),
                _ => match quick_xml::escape::resolve_predefined_entity(&r) {
                    Some(s) => push(&mut open, s),
                    None => push(&mut open, &format!("&{};", &*r)),
                },
            },
            Event::Comment(_) | Event::Decl(_) | Event::PI(_) | Event::DocType(_) => {}
            Event::Eof => break,
        }
    }
    if let Some(unclosed) = open.last() {
        let cause = format!("<{}> is never closed", unclosed.name);
        return Err(SimError::Xml { place: place(file, unclosed.line), cause });
    }
    root.ok_or_else(|| SimError::NotSdf { place: place(file, 1), found: String::new() })
}

fn element(tag: &BytesStart<'_>, file: &str, line: u32) -> Result<Element> {
    let mut attrs = Vec::new();
    for attr in tag.attributes().with_checks(false) {
        let attr =
            attr.map_err(|cause| SimError::Xml { place: place(file, line), cause: cause.to_string() })?;
        // An unknown entity in an attribute stays as it is written, as TinyXML2 leaves it.
        let value = attr
            .normalized_value(quick_xml::XmlVersion::Implicit1_0)
            .map_or_else(|_| attr.value.to_string(), |v| v.into_owned());
        attrs.push((attr.key.0.to_string(), value));
    }
    let name = tag.name().0.to_string();
    Ok(Element { name, attrs, text: String::new(), children: Vec::new(), line, used: Cell::new(false) })
}

fn close(done: Element, open: &mut [Element], root: &mut Option<Element>) {
    match open.last_mut() {
        Some(parent) => parent.children.push(done),
        None if root.is_none() => *root = Some(done),
        None => {}
    }
}

fn push(open: &mut [Element], text: &str) {
    if let Some(top) = open.last_mut() {
        top.text.push_str(text);
    }
}

fn check(ok: bool, file: &str, line: u32, what: &'static str, limit: u64) -> Result<()> {
    if ok { Ok(()) } else { Err(SimError::Limit { place: place(file, line), what, limit }) }
}

fn place(file: &str, line: u32) -> Place {
    Place { file: file.into(), line }
}

/// Turns growing byte offsets into line numbers in one pass over the text.
struct Lines<'a> {
    bytes: &'a [u8],
    offset: usize,
    line: u32,
}

impl<'a> Lines<'a> {
    fn new(text: &'a str) -> Self {
        Self { bytes: text.as_bytes(), offset: 0, line: 1 }
    }

    fn at(&mut self, offset: usize) -> u32 {
        let offset = offset.min(self.bytes.len());
        if offset > self.offset {
            let newlines = self.bytes[self.offset..offset].iter().filter(|b| **b == b'\n').count();
            self.line = self.line.saturating_add(u32::try_from(newlines).unwrap_or(u32::MAX));
            self.offset = offset;
        }
        self.line
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<Element> {
        parse(text, "t", &Limits::default())
    }

    #[test]
    fn what_gazebo_forgives_is_forgiven() {
        let e =
            read("<sdf a='1' a='2'><!-- -- a -- b --><x:y>1 & 2 &lt; &odd; &#65;</x:y><![CDATA[<z>]]></sdf>")
                .unwrap();
        assert_eq!(e.all()[0].text(), "1 & 2 < &odd; A");
        assert_eq!((e.all()[0].name(), e.attr("a"), e.text()), ("x:y", Some("1"), "<z>"));
    }

    #[test]
    fn faults_name_their_line() {
        for (text, line) in [("<a>\n<b>\n</a>", 3), ("<a>\n\n<b", 3), ("<a>\n<b>", 2)] {
            match read(text) {
                Err(SimError::Xml { place, .. }) => assert_eq!(place.line, line, "{text}"),
                other => panic!("{text}: {other:?}"),
            }
        }
        assert!(matches!(read("  "), Err(SimError::NotSdf { .. })));
    }

    #[test]
    fn lines_and_use_are_remembered() {
        let e = read("<a>\n\n<b/>\n<c/></a>").unwrap();
        assert_eq!(e.all().iter().map(Element::line).collect::<Vec<_>>(), [3, 4]);
        assert!(e.child("b").is_some());
        assert_eq!(e.all().iter().map(Element::is_used).collect::<Vec<_>>(), [true, false]);
    }

    #[test]
    fn depth_is_bounded() {
        let deep = "<a>".repeat(100_000);
        assert!(matches!(read(&deep), Err(SimError::Limit { .. })));
    }
}
