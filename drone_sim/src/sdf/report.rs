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
    /// Elements that change nothing here, in the same manner: a window's layout, the tuning of another engine's solver,
    /// elements of other programs (`prefix:name`).
    pub without_effect: BTreeMap<String, u32>,
    /// Things that were repaired or replaced, with place and remedy, one sentence each.
    pub warnings: Vec<String>,
}

/// Elements without a meaning for a simulator that has no window and a solver of its own, wherever they stand ("") or
/// below that parent.
const WITHOUT_EFFECT: &[(&str, &str)] = &[
    ("", "gui"),
    ("", "audio"),
    ("", "visualize"),
    ("", "meta"),
    ("", "self_collide"),
    ("", "provide_feedback"),
    ("", "implicit_spring_damper"),
    ("", "must_be_base_link"),
    ("model", "allow_auto_disable"),
    ("scene", "grid"),
    ("scene", "origin_visual"),
    ("scene", "shadow_caster_material_name"),
    ("physics", "ode"),
    ("physics", "bullet"),
    ("physics", "dart"),
    ("physics", "simbody"),
    ("physics", "max_contacts"),
    ("physics", "max_step_size"),
    ("physics", "profile"),
    ("surface", "contact"),
    ("surface", "soft_contact"),
    ("friction", "torsional"),
    ("friction", "bullet"),
    ("ode", "slip1"),
    ("ode", "slip2"),
    ("ode", "fdir1"),
    ("bullet", "fdir1"),
    ("bullet", "rolling_friction"),
    ("inertial", "fluid_added_mass"),
    // Gazebo's own systems read none of these.
    ("plugin", "motorSpeedPubTopic"),
    ("plugin", "gazebo_version"),
];

/// More warnings than this are only counted.
const MAX_WARNINGS: usize = 200;

impl Report {
    /// True if every element was used and nothing had to be repaired.
    pub fn is_complete(&self) -> bool {
        self.ignored.is_empty() && self.warnings.is_empty()
    }

    /// How many elements were ignored, all names together.
    pub fn ignored_count(&self) -> u32 {
        self.ignored.values().fold(0, |sum, n| sum.saturating_add(*n))
    }

    /// Counts something that is not simulated.
    pub(crate) fn ignore(&mut self, what: &str) {
        let seen = self.ignored.entry(what.to_string()).or_insert(0);
        *seen = seen.saturating_add(1);
    }

    /// Counts something that changes nothing here.
    pub(super) fn quiet(&mut self, what: &str) {
        let seen = self.without_effect.entry(what.to_string()).or_insert(0);
        *seen = seen.saturating_add(1);
    }

    /// Takes back one of what was counted: it is simulated after all.
    pub(crate) fn take_back(&mut self, what: &str) {
        if let Some(seen) = self.ignored.get_mut(what) {
            *seen -= 1;
            if *seen == 0 {
                self.ignored.remove(what);
            }
        }
    }

    pub(crate) fn warn(&mut self, text: String) {
        if self.warnings.len() < MAX_WARNINGS {
            if !self.warnings.contains(&text) {
                self.warnings.push(text);
            }
        } else if self.warnings.len() == MAX_WARNINGS {
            self.warnings.push("there are more warnings of this kind; repair these first".to_string());
        }
    }

    /// Adds every unread element below `root`.
    pub(super) fn collect(&mut self, root: &Element) {
        for child in root.all() {
            if child.is_used() {
                self.collect(child);
                continue;
            }
            let detail = match child.name() {
                "sensor" | "joint" | "physics" => child.attr("type"),
                "plugin" => child.attr("name").filter(|n| !n.is_empty()).or(child.attr("filename")),
                _ => None,
            };
            // A parameter of a plugin that is known carries the plugin's name.
            let plugin = root.attr("name").filter(|n| root.name() == "plugin" && !n.is_empty());
            let parent = match plugin.and_then(|n| n.rsplit("::").next()) {
                Some(short) => format!("plugin[{short}]"),
                None => root.name().to_string(),
            };
            let key = match detail {
                Some(d) => format!("{parent}/{}[{d}]", child.name()),
                None => format!("{parent}/{}", child.name()),
            };
            let names = (root.name(), child.name());
            let quiet = names.1.contains(':')
                || WITHOUT_EFFECT.iter().any(|(p, c)| *c == names.1 && (p.is_empty() || *p == names.0));
            let list = if quiet { &mut self.without_effect } else { &mut self.ignored };
            let seen = list.entry(key).or_insert(0);
            *seen = seen.saturating_add(1);
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
