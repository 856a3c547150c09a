//! The support report: what a file holds that the simulator does not use.

use std::collections::BTreeMap;
use std::fmt;

use super::xml::Element;

/// What was seen and not used, and what was odd but forgiven.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Report {
    /// Ignored elements as `parent/element`, with how often each was met. Sensors carry their type and plugins
    /// their name in brackets. Children of an ignored element are not listed again.
    pub ignored: BTreeMap<String, u32>,
    /// Things that were repaired or replaced, with place and remedy, one sentence each.
    pub warnings: Vec<String>,
}

impl Report {
    /// True if every element was used and nothing had to be repaired.
    pub fn is_complete(&self) -> bool {
        self.ignored.is_empty() && self.warnings.is_empty()
    }

    /// How many elements were ignored, all names together.
    pub fn ignored_count(&self) -> u32 {
        self.ignored.values().sum()
    }

    pub(crate) fn warn(&mut self, text: String) {
        if !self.warnings.contains(&text) {
            self.warnings.push(text);
        }
    }

    /// Adds every unread element below `root`.
    pub(super) fn collect(&mut self, root: &Element) {
        for child in root.all() {
            if child.is_used() {
                self.collect(child);
            } else {
                let detail = match child.name() {
                    "sensor" | "joint" | "physics" => child.attr("type"),
                    "plugin" => child.attr("name").or(child.attr("filename")),
                    _ => None,
                };
                let key = match detail {
                    Some(d) => format!("{}/{}[{d}]", root.name(), child.name()),
                    None => format!("{}/{}", root.name(), child.name()),
                };
                let seen = self.ignored.entry(key).or_insert(0);
                *seen = seen.saturating_add(1);
            }
        }
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.is_complete() {
            return writeln!(f, "every element is supported");
        }
        for (name, count) in &self.ignored {
            writeln!(f, "ignored {count:>5} x {name}")?;
        }
        for warning in &self.warnings {
            writeln!(f, "warning: {warning}")?;
        }
        Ok(())
    }
}
