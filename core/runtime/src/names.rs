//! Names of nodes and topics, expanded and remapped as ROS 2 does.

use crate::error::{Error, Result};

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
    let full = expand(name, namespace, node)?;
    for (from, to) in remaps {
        if from == name || expand(from, namespace, node).is_ok_and(|f| f == full) {
            return expand(to, namespace, node);
        }
    }
    Ok(full)
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
}
