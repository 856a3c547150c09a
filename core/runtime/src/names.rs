//! Names of nodes and topics, expanded and remapped as ROS 2 does.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use crate::error::{Error, Result};
use crate::suggest::did_you_mean;

/// Expands `name` for a node: absolute names stay, `~/x` becomes `/ns/node/x`, others are put under the namespace.
pub fn expand(name: &str, namespace: &str, node: &str) -> Result<String> {
    let namespace = namespace.trim_end_matches('/');
    let full = if name.starts_with('/') {
        name.to_owned()
    } else if let Some(rest) = name.strip_prefix("~/") {
        format!("{namespace}/{node}/{rest}")
    } else {
        format!("{namespace}/{name}")
    };
    check(&full, "topic name")?;
    Ok(full)
}

/// The name a topic has after a node's remaps: the first rule whose left side, expanded, equals it.
pub fn resolve(name: &str, namespace: &str, node: &str, remaps: &[(String, String)]) -> Result<String> {
    match matching(name, namespace, node, remaps)? {
        Some((_, to)) => expand(to, namespace, node),
        None => expand(name, namespace, node),
    }
}

/// The rule that [`resolve`] applies. `camera:image:=x` is a rule for the node called `camera` alone.
fn matching<'r>(
    name: &str,
    namespace: &str,
    node: &str,
    remaps: &'r [(String, String)],
) -> Result<Option<&'r (String, String)>> {
    let full = expand(name, namespace, node)?;
    Ok(remaps.iter().find(|(from, _)| {
        let from = match from.split_once(':') {
            Some((only, from)) if only == node => from,
            Some(_) => return false,
            None => from,
        };
        from == name || expand(from, namespace, node).is_ok_and(|f| f == full)
    }))
}

/// Remap rules of a process, the names they could have matched, and whether they did: a rule that matches nothing is most
/// often a slip of the pen.
#[derive(Debug, Default)]
pub(crate) struct RemapUse(Mutex<Use>);

#[derive(Debug, Default)]
struct Use {
    rules: BTreeMap<(String, String), bool>,
    names: Vec<String>,
}

impl RemapUse {
    /// Notes the rules of one node.
    pub fn declare(&self, remaps: &[(String, String)]) {
        let mut used = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        for rule in remaps {
            used.rules.entry(rule.clone()).or_insert(false);
        }
    }

    /// As [`resolve`], with the rule's use noted.
    pub fn resolve(
        &self,
        name: &str,
        namespace: &str,
        node: &str,
        remaps: &[(String, String)],
    ) -> Result<String> {
        let rule = matching(name, namespace, node, remaps)?;
        let mut used = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        used.names.push(name.to_owned());
        if let Some(flag) = rule.and_then(|rule| used.rules.get_mut(rule)) {
            *flag = true;
        }
        drop(used);
        resolve(name, namespace, node, remaps)
    }

    /// Rules that matched nothing, each with a hint.
    pub fn unused(&self) -> Vec<(String, String)> {
        let used = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let unused = used.rules.iter().filter(|(_, used)| !**used);
        unused
            .map(|((from, to), _)| {
                (format!("{from}:={to}"), did_you_mean(from, used.names.iter().map(String::as_str)))
            })
            .collect()
    }
}

/// The full name of a node.
pub fn full_node_name(namespace: &str, node: &str) -> Result<String> {
    if node.contains('/') {
        return Err(Error::InvalidName { name: node.into(), what: "node name", why: "it holds a '/'" });
    }
    let full = format!("/{}/{node}", namespace.trim_matches('/')).replace("//", "/");
    check(&full, "node name")?;
    Ok(full)
}

fn check(full: &str, what: &'static str) -> Result {
    let fail = |why| Err(Error::InvalidName { name: full.into(), what, why });
    for part in full.split('/').skip(1) {
        let mut chars = part.chars();
        match chars.next() {
            None => return fail("a part between slashes is empty"),
            Some(first) if first.is_ascii_digit() => return fail("a part begins with a digit"),
            Some(_) => {}
        }
        if !part.chars().all(|c| c.is_ascii_alphanumeric() || c == '_') {
            return fail("it holds a character that ROS 2 does not allow");
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn expands_as_ros_does() {
        assert_eq!(expand("image", "/", "cam").unwrap(), "/image");
        assert_eq!(expand("image", "/front", "cam").unwrap(), "/front/image");
        assert_eq!(expand("~/image", "/front", "cam").unwrap(), "/front/cam/image");
        assert_eq!(expand("/clock", "/front", "cam").unwrap(), "/clock");
        assert!(expand("a//b", "/", "cam").is_err());
        assert!(expand("2d", "/", "cam").is_err());
        assert_eq!(full_node_name("/", "cam").unwrap(), "/cam");
        assert_eq!(full_node_name("front", "cam").unwrap(), "/front/cam");
    }

    #[test]
    fn remaps_match_the_written_and_the_expanded_name() {
        let remaps = vec![("image".to_owned(), "/depth/image".to_owned()), ("/x/odom".into(), "pose".into())];
        assert_eq!(resolve("image", "/x", "n", &remaps).unwrap(), "/depth/image");
        assert_eq!(resolve("odom", "/x", "n", &remaps).unwrap(), "/x/pose");
        assert_eq!(resolve("other", "/x", "n", &remaps).unwrap(), "/x/other");
    }

    #[test]
    fn a_rule_may_be_for_one_node_and_may_match_nothing() {
        let remaps = vec![("left:image".to_owned(), "/left".to_owned()), ("imgae".into(), "/right".into())];
        let used = RemapUse::default();
        used.declare(&remaps);
        assert_eq!(used.resolve("image", "/", "left", &remaps).unwrap(), "/left");
        assert_eq!(used.resolve("image", "/", "right", &remaps).unwrap(), "/image");
        assert_eq!(used.unused(), [("imgae:=/right".to_owned(), ": did you mean 'image'?".to_owned())]);
    }
}
