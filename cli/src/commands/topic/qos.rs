//! rmw_zenoh's QoS texts, in words.

/// `2:1:,5:,:,:,,` is "best effort, transient local, keep last 5". A text in another form is shown as it is.
pub(super) fn in_words(text: &str) -> String {
    let parts: Vec<&str> = text.split(':').collect();
    let [reliability, durability, history, ..] = parts[..] else { return text.to_owned() };
    let reliability = match reliability {
        "" | "1" => "reliable",
        "2" => "best effort",
        other => other,
    };
    let durability = match durability {
        "" | "2" => "volatile",
        "1" => "transient local",
        other => other,
    };
    let (kind, depth) = history.split_once(',').unwrap_or((history, ""));
    let history = match (kind, depth) {
        ("2", _) => "keep all".to_owned(),
        (_, "") => "keep last".to_owned(),
        (_, depth) => format!("keep last {depth}"),
    };
    format!("{reliability}, {durability}, {history}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_rmw_zenoh_writes_is_read() {
        assert_eq!(in_words("::,10:,:,:,,"), "reliable, volatile, keep last 10");
        assert_eq!(in_words("2:1:,5:,:,:,,"), "best effort, transient local, keep last 5");
        assert_eq!(in_words("::2,:,:,:,,"), "reliable, volatile, keep all");
        assert_eq!(in_words("x"), "x");
    }
}
