//! YAML into a tree that remembers where each value stood and whether a scalar was quoted.
//!
//! A plain tree of values is not enough for either use: errors must name line and column, and in a parameter file
//! `"1"` is text while `1` is a number. Aliases are expanded, against a budget; merge keys (`<<`) are refused.

use std::collections::BTreeMap;

use granit_parser::{Event, Parser, ScalarStyle, Span};

use crate::error::{At, LaunchError, Result};

const MAX_DEPTH: usize = 64;
/// Values in one document, aliases expanded.
const MAX_NODES: usize = 100_000;

/// A value and where it stands.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Yaml {
    pub at: At,
    pub kind: YamlKind,
}

#[derive(Clone, Debug, PartialEq)]
pub(crate) enum YamlKind {
    /// `plain` is false for quoted and block scalars and for `!!str`.
    Scalar {
        text: String,
        plain: bool,
    },
    Seq(Vec<Yaml>),
    /// Keys with their places, in order; no key comes twice.
    Map(Vec<(String, At, Yaml)>),
}

impl Yaml {
    /// Reads one document. An empty one is an empty map.
    pub(crate) fn parse(name: &str, text: &str) -> Result<Self> {
        let mut builder =
            Builder { at: At::start(name), anchors: BTreeMap::new(), nodes: 0, stack: vec![], root: None };
        for event in Parser::new_from_str(text) {
            let (event, span) = event.map_err(|error| LaunchError::Malformed {
                at: builder.mark(error.marker()),
                format: "YAML",
                reason: error.info(),
            })?;
            builder.event(event, &span)?;
        }
        Ok(builder.root.unwrap_or(Self { at: At::start(name), kind: YamlKind::Map(vec![]) }))
    }

    /// A word for what it is.
    pub(crate) fn describe(&self) -> String {
        match &self.kind {
            YamlKind::Scalar { text, .. } => text.chars().take(80).collect(),
            YamlKind::Seq(_) => "a list".to_owned(),
            YamlKind::Map(_) => "a mapping".to_owned(),
        }
    }

    fn count(&self) -> usize {
        1 + match &self.kind {
            YamlKind::Scalar { .. } => 0,
            YamlKind::Seq(items) => items.iter().map(Self::count).sum(),
            YamlKind::Map(entries) => entries.iter().map(|(_, _, value)| value.count()).sum(),
        }
    }
}

/// A collection that is still open.
struct Open {
    at: At,
    anchor: usize,
    items: Vec<Yaml>,
    map: bool,
}

struct Builder {
    at: At,
    anchors: BTreeMap<usize, Yaml>,
    nodes: usize,
    stack: Vec<Open>,
    root: Option<Yaml>,
}

impl Builder {
    fn mark(&self, mark: &granit_parser::Marker) -> At {
        let number = |value: usize| u32::try_from(value).unwrap_or(u32::MAX);
        At { line: number(mark.line().max(1)), column: number(mark.col() + 1), ..self.at.clone() }
    }

    fn malformed(at: At, reason: impl Into<String>) -> LaunchError {
        LaunchError::Malformed { at, format: "YAML", reason: reason.into() }
    }

    fn event(&mut self, event: Event<'_>, span: &Span) -> Result<()> {
        let at = self.mark(&span.start);
        match event {
            Event::DocumentStart(..) if self.root.is_some() => {
                Err(Self::malformed(at, "there is a second document; only one is read"))
            }
            Event::Scalar(text, style, anchor, tag) => {
                let tagged = tag.as_ref().map(|tag| tag.to_string());
                let plain = match tagged.as_deref() {
                    None => style == ScalarStyle::Plain,
                    Some(tag) if tag.ends_with("str") => false,
                    Some(tag) if ["int", "float", "bool"].iter().any(|known| tag.ends_with(known)) => true,
                    Some(tag) => {
                        return Err(Self::malformed(at, format!("the tag '{tag}' has no meaning here")));
                    }
                };
                self.place(Yaml { at, kind: YamlKind::Scalar { text: text.into_owned(), plain } }, anchor)
            }
            Event::SequenceStart(_, anchor, _) => self.open(Open { at, anchor, items: vec![], map: false }),
            Event::MappingStart(_, anchor, _) => self.open(Open { at, anchor, items: vec![], map: true }),
            Event::SequenceEnd | Event::MappingEnd => self.close(at),
            Event::Alias(anchor) => {
                let Some(value) = self.anchors.get(&anchor).cloned() else {
                    return Err(Self::malformed(at, "an alias refers to a value that contains it"));
                };
                self.nodes += value.count();
                self.place(Yaml { at, ..value }, 0)
            }
            _ => Ok(()),
        }
    }

    fn open(&mut self, open: Open) -> Result<()> {
        if self.stack.len() >= MAX_DEPTH {
            return Err(LaunchError::Limit { at: open.at, what: "the nesting of YAML", limit: MAX_DEPTH });
        }
        self.stack.push(open);
        Ok(())
    }

    fn close(&mut self, end: At) -> Result<()> {
        let Some(open) = self.stack.pop() else {
            return Err(Self::malformed(end, "a collection ends that never began"));
        };
        let kind =
            if open.map { YamlKind::Map(Self::entries(open.items)?) } else { YamlKind::Seq(open.items) };
        self.place(Yaml { at: open.at, kind }, open.anchor)
    }

    fn entries(items: Vec<Yaml>) -> Result<Vec<(String, At, Yaml)>> {
        let mut entries: Vec<(String, At, Yaml)> = Vec::with_capacity(items.len() / 2);
        let mut seen = std::collections::BTreeSet::new();
        let mut items = items.into_iter();
        while let (Some(key), Some(value)) = (items.next(), items.next()) {
            let YamlKind::Scalar { text, .. } = key.kind else {
                return Err(Self::malformed(key.at, "a key must be a word, not a collection"));
            };
            if text == "<<" {
                return Err(Self::malformed(
                    key.at,
                    "merge keys (<<) are not supported; write the entries out",
                ));
            }
            if !seen.insert(text.clone()) {
                return Err(Self::malformed(key.at, format!("the key '{text}' comes twice")));
            }
            entries.push((text, key.at, value));
        }
        Ok(entries)
    }

    fn place(&mut self, value: Yaml, anchor: usize) -> Result<()> {
        self.nodes += 1;
        if self.nodes > MAX_NODES {
            return Err(LaunchError::Limit {
                at: value.at,
                what: "the number of YAML values",
                limit: MAX_NODES,
            });
        }
        if anchor > 0 {
            self.anchors.insert(anchor, value.clone());
        }
        match self.stack.last_mut() {
            Some(open) => open.items.push(value),
            None => self.root = Some(value),
        }
        Ok(())
    }
}
