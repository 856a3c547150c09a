//! "Did you mean ...?"

/// The known word nearest to `found`, if any is near enough to be meant (Levenshtein distance up to a third of its
/// length, at least 2).
pub(crate) fn suggest<'a>(found: &str, known: impl IntoIterator<Item = &'a str>) -> Option<String> {
    let limit = (found.chars().count() / 3).max(2);
    known
        .into_iter()
        .map(|word| (strsim::levenshtein(found, word), word))
        .filter(|(distance, _)| *distance <= limit)
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, word)| word.to_owned())
}

/// A line behind a path in messages; nothing for 0.
pub(crate) fn at_line(line: &usize) -> String {
    if *line == 0 { String::new() } else { format!(":{line}") }
}

/// The nearest known name in messages.
pub(crate) fn nearest(suggestion: &Option<String>) -> String {
    suggestion.as_ref().map(|s| format!(" (did you mean `{s}`?)")).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn suggests_the_nearest_word_only_when_near() {
        assert_eq!(suggest("widht", ["width", "height"]), Some("width".into()));
        assert_eq!(suggest("nanodet", ["nanodet_g", "yolox"]), Some("nanodet_g".into()));
        assert_eq!(suggest("banana", ["width", "height"]), None);
    }
}
