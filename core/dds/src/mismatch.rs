//! Why two endpoints of one topic exchange nothing: over DDS they stay silent, here each such pair is one warning.

/// One end of a topic.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Party {
    /// Full name of its node.
    pub node: String,
    /// `sensor_msgs/msg/Image`.
    pub type_name: String,
    /// `RIHS01_...`, or nothing if the peer does not tell.
    pub hash: String,
    pub reliable: bool,
    pub transient_local: bool,
}

/// What keeps `publisher` and `subscription` apart, if anything does.
pub(crate) fn complaint(topic: &str, publisher: &Party, subscription: &Party) -> Option<String> {
    let (from, to) = (&publisher.node, &subscription.node);
    if publisher.type_name != subscription.type_name {
        return Some(format!(
            "PG-2111: '{from}' publishes '{topic}' as {}, but '{to}' reads it as {}: they exchange nothing; remap one of them",
            publisher.type_name, subscription.type_name
        ));
    }
    let known = !publisher.hash.is_empty() && !subscription.hash.is_empty();
    if known && publisher.hash != subscription.hash {
        return Some(format!(
            "PG-2112: '{from}' publishes '{topic}' and '{to}' reads it as {} with different definitions ({}, {}), which may be \
             misread; build both from the same version of the package",
            publisher.type_name, publisher.hash, subscription.hash
        ));
    }
    if subscription.reliable && !publisher.reliable {
        return Some(format!(
            "PG-2113: '{to}' wants '{topic}' reliably, but '{from}' publishes it as best effort: over DDS they exchange \
             nothing; let '{to}' subscribe as best effort (sensor data QoS)"
        ));
    }
    if subscription.transient_local && !publisher.transient_local {
        return Some(format!(
            "PG-2114: '{to}' wants what was published on '{topic}' before it came (transient local), but '{from}' does not \
             keep it (volatile): over DDS they exchange nothing; use one durability on both sides"
        ));
    }
    None
}

/// Why a reader elsewhere gets no pictures.
pub(crate) fn kept(topic: &str) -> String {
    format!(
        "PG-2115: another process reads the pictures of '{topic}' over DDS, and they stay on this host: set \
         PEREGRINE_EXPORT={topic} to let them out as they are, or run the node exporter, which blurs people"
    )
}

/// Whether the two are matched by the middleware.
pub(crate) fn fits(publisher: &Party, subscription: &Party) -> bool {
    publisher.type_name == subscription.type_name
        && (publisher.reliable || !subscription.reliable)
        && (publisher.transient_local || !subscription.transient_local)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn party(node: &str) -> Party {
        Party {
            node: node.into(),
            type_name: "std_msgs/msg/String".into(),
            hash: "RIHS01_1".into(),
            reliable: true,
            transient_local: false,
        }
    }

    #[test]
    fn each_mismatch_is_named_with_both_sides() {
        let (from, to) = (party("/from"), party("/to"));
        let code = |from: &Party, to: &Party| {
            complaint("/x", from, to).map(|text| {
                assert!(text.contains("/from") && text.contains("/to") && text.contains("'/x'"), "{text}");
                text[..7].to_owned()
            })
        };
        assert_eq!(code(&from, &to), None);
        let other = Party { type_name: "std_msgs/msg/Int32".into(), ..to.clone() };
        assert_eq!(code(&from, &other).as_deref(), Some("PG-2111"));
        let other = Party { hash: "RIHS01_2".into(), ..to.clone() };
        assert_eq!(code(&from, &other).as_deref(), Some("PG-2112"));
        assert!(fits(&from, &other));
        let unknown = Party { hash: String::new(), ..to.clone() };
        assert_eq!(code(&from, &unknown), None);
        let lossy = Party { reliable: false, ..from.clone() };
        assert_eq!(code(&lossy, &to).as_deref(), Some("PG-2113"));
        let late = Party { transient_local: true, ..to.clone() };
        assert_eq!(code(&from, &late).as_deref(), Some("PG-2114"));
        assert!(!fits(&lossy, &to) && !fits(&from, &late));
        // What differs and yet fits.
        let modest = Party { reliable: false, ..to };
        let generous = Party { transient_local: true, ..from };
        assert!(code(&generous, &modest).is_none() && fits(&generous, &modest));
    }
}
