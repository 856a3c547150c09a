//! `<experimental:params>`: changes that an `<include>` makes to the model it includes, applied to its tree before it is read.
//!
//! Source: SDFormat's proposal "Parameter passing", as libsdformat 11 and later have it. Elements are named by
//! `element_id="link::visual"`; what is named in a file that the included one includes in turn is not reached.

use super::parse::Parser;
use super::value::Source;
use super::xml::Element;

/// Attributes that steer the change and are no part of the result.
const STEERING: [&str; 2] = ["element_id", "action"];

impl Parser<'_> {
    /// Applies the parameters of the include `e` to the included `model`. What cannot be done is noted, and left undone.
    pub(super) fn pass_params(&mut self, src: &Source, e: &Element, model: &mut Element) {
        for params in e.children("experimental:params") {
            for change in params.all() {
                change.mark_all();
                if let Err(why) = apply(change, model) {
                    src.note(change, &format!("of <experimental:params> is not applied: {why}"));
                    self.report.ignore("include/experimental:params");
                }
            }
        }
    }
}

fn apply(change: &Element, model: &mut Element) -> Result<(), String> {
    let id = change.attr("element_id").ok_or("it lacks the attribute element_id")?;
    let path: Vec<&str> = id.split("::").filter(|part| !part.is_empty()).collect();
    let missing = || format!("\"{id}\" was not found in the included model");
    match change.attr("action") {
        Some("add") => {
            let name = change.attr("name").ok_or("what is added needs a name")?;
            let host = find(model, &path, None).ok_or_else(missing)?;
            if host.named(change.name(), Some(name)).is_some() {
                return Err(format!("\"{name}\" is there already"));
            }
            host.push_child(plain(change));
        }
        Some("remove") if change.all().is_empty() => {
            let (last, above) = path.split_last().ok_or_else(missing)?;
            let host = find(model, above, None).ok_or_else(missing)?;
            if !host.remove(change.name(), Some(last)) {
                return Err(missing());
            }
        }
        Some("remove") => {
            let target = find(model, &path, Some(change.name())).ok_or_else(missing)?;
            for c in change.all() {
                if !target.remove(c.name(), c.attr("name")) {
                    return Err(format!("it has no <{}>", c.name()));
                }
            }
        }
        Some("modify") => modify(change, find(model, &path, Some(change.name())).ok_or_else(missing)?)?,
        Some("replace") => {
            let target = find(model, &path, Some(change.name())).ok_or_else(missing)?;
            *target = with_name_of(plain(change), target);
        }
        None => {
            let target = find(model, &path, Some(change.name())).ok_or_else(missing)?;
            change.all().iter().try_for_each(|c| one(c, target))?;
        }
        Some(other) => return Err(format!("\"{other}\" is no action (add, modify, remove, replace)")),
    }
    Ok(())
}

/// A change to one child, where the element itself names no action.
fn one(c: &Element, target: &mut Element) -> Result<(), String> {
    let missing = || format!("it has no <{}>", c.name());
    match c.attr("action") {
        Some("add") => target.push_child(plain(c)),
        Some("remove") if c.all().is_empty() => {
            if !target.remove(c.name(), c.attr("name")) {
                return Err(missing());
            }
        }
        Some("remove") => {
            let inner = target.named(c.name(), c.attr("name")).ok_or_else(missing)?;
            for gone in c.all() {
                if !inner.remove(gone.name(), gone.attr("name")) {
                    return Err(format!("<{}> has no <{}>", c.name(), gone.name()));
                }
            }
        }
        Some("modify") => modify(c, target.named(c.name(), c.attr("name")).ok_or_else(missing)?)?,
        Some("replace") => {
            let inner = target.named(c.name(), c.attr("name")).ok_or_else(missing)?;
            *inner = with_name_of(plain(c), inner);
        }
        _ => return Err(format!("<{}> names no action (add, modify, remove, replace)", c.name())),
    }
    Ok(())
}

fn modify(change: &Element, target: &mut Element) -> Result<(), String> {
    for (key, value) in change.attrs().iter().filter(|(k, _)| k != "name" && !STEERING.contains(&k.as_str()))
    {
        target.set_attr(key, value);
    }
    if !change.text().is_empty() {
        target.set_text(change.text());
    }
    for c in change.all() {
        match target.named(c.name(), c.attr("name")) {
            Some(inner) => modify(c, inner)?,
            // An element that has a default is there even where the file does not write it.
            None => target.push_child(plain(c)),
        }
    }
    Ok(())
}

/// The element that `path` leads to from `from`; its last part has the tag `tag`, if one is given.
fn find<'a>(from: &'a mut Element, path: &[&str], tag: Option<&str>) -> Option<&'a mut Element> {
    let Some((head, rest)) = path.split_first() else { return Some(from) };
    let wanted = if rest.is_empty() { tag } else { None };
    let fits = |c: &Element| c.attr("name") == Some(head) && wanted.is_none_or(|t| t == c.name());
    find(from.all_mut().iter_mut().find(|c| fits(c))?, rest, tag)
}

/// The element without what steers the change.
fn plain(change: &Element) -> Element {
    let mut out = change.clone();
    out.strip_attrs(&STEERING);
    out.unmark_all();
    out
}

fn with_name_of(mut new: Element, old: &Element) -> Element {
    if let (None, Some(name)) = (new.attr("name"), old.attr("name")) {
        new.set_attr("name", name);
    }
    new
}

#[cfg(test)]
mod tests {
    use super::super::load::Limits;
    use super::super::xml::parse;
    use super::*;

    fn tree(text: &str) -> Element {
        parse(text, "t", &Limits::default()).unwrap()
    }

    #[test]
    fn each_action_does_what_it_says() {
        let mut model = tree(
            "<model name='m'><link name='l'><visual name='v'><geometry><box/></geometry><cast_shadows>1</cast_shadows></visual>
             <sensor name='s' type='imu'><update_rate>5</update_rate></sensor></link></model>",
        );
        for (change, works) in [
            ("<visual element_id='l' name='w' action='add'><geometry/></visual>", true),
            ("<visual element_id='l' name='w' action='add'/>", false),
            (
                "<sensor element_id='l::s' action='modify'><update_rate>9</update_rate><topic>t</topic></sensor>",
                true,
            ),
            ("<visual element_id='l::v'><geometry action='replace'><sphere/></geometry></visual>", true),
            ("<visual element_id='l::v' action='remove'><cast_shadows/></visual>", true),
            ("<visual element_id='l::w' action='remove'/>", true),
            ("<visual element_id='l::w' action='remove'/>", false),
            ("<sensor element_id='l::none' action='modify'/>", false),
            ("<sensor element_id='l::s' action='paint'/>", false),
            ("<sensor action='remove'/>", false),
        ] {
            assert_eq!(apply(&tree(change), &mut model).is_ok(), works, "{change}");
        }
        let link = model.child("link").unwrap();
        let (visual, sensor) = (link.child("visual").unwrap(), link.child("sensor").unwrap());
        assert!(visual.child("geometry").unwrap().child("sphere").is_some());
        assert!(visual.child("cast_shadows").is_none() && link.children("visual").count() == 1);
        assert_eq!(sensor.child("update_rate").unwrap().text(), "9");
        assert_eq!(sensor.child("topic").unwrap().text(), "t");
        assert_eq!(sensor.attrs().len(), 2);
    }
}
