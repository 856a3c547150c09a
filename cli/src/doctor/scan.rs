//! Reads error codes out of Rust sources: string literals that begin with `PG-` and four digits, and the doc comment of
//! the variant that carries them. Used by the build script.

/// A text that begins with a code.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Found {
    /// Where it lies: `core/frame`.
    pub room: String,
    /// The variant's doc comment; empty for a text outside of an error enum.
    pub summary: String,
    /// The text after the code, with its placeholders.
    pub text: String,
}

/// All codes of one source file. What stands in its tests is left out.
pub fn codes(source: &str, room: &str) -> Vec<(u16, Found)> {
    let source = source.split("#[cfg(test)]").next().unwrap_or(source);
    let mut found = Vec::new();
    for (at, _) in source.match_indices("\"PG-") {
        let literal = &source[at + 1..];
        let Some(code) = literal.get(3..7).and_then(|digits| digits.parse().ok()) else { continue };
        let text = unescape(&literal[7..]);
        // Without more text it is a code alone, to be compared with.
        let text = text.trim_start_matches([':', ' ']).to_owned();
        if text.is_empty() {
            continue;
        }
        found.push((code, Found { room: room.to_owned(), summary: doc_above(&source[..at]), text }));
    }
    found
}

/// A literal's content up to its closing quote.
fn unescape(literal: &str) -> String {
    let mut text = String::new();
    let mut chars = literal.chars();
    while let Some(c) = chars.next() {
        match c {
            '"' => break,
            '\\' => match chars.next() {
                // A line that goes on: the line feed and the indentation are not part of the text.
                Some('\n') => chars = chars.as_str().trim_start().chars(),
                Some('n') => text.push('\n'),
                Some(other) => text.push(other),
                None => break,
            },
            other => text.push(other),
        }
    }
    text
}

/// The doc comment right above an `#[error(` that ends `before`.
fn doc_above(before: &str) -> String {
    let Some(head) = before.trim_end().strip_suffix("#[error(") else { return String::new() };
    let mut lines: Vec<&str> = head
        .trim_end()
        .lines()
        .rev()
        .map_while(|line| line.trim().strip_prefix("///"))
        .map(str::trim)
        .collect();
    lines.reverse();
    lines.join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_variant_gives_its_text_and_its_description() {
        let source = "enum Error {\n    /// No slot.\n    /// At all.\n    #[error(\n        \"PG-0199: bus `{bus}` \\\n         has \\\"none\\\"\"\n    )]\n    None,\n}\n";
        let found = codes(source, "core/frame");
        assert_eq!(found.len(), 1);
        assert_eq!(found[0].0, 199);
        assert_eq!(found[0].1.summary, "No slot. At all.");
        assert_eq!(found[0].1.text, "bus `{bus}` has \"none\"");
    }

    #[test]
    fn logged_texts_count_and_tests_and_bare_codes_do_not() {
        let source = "warn!(\"PG-0213: no priority: {e}\");\nif s == \"PG-0214\" {}\n#[cfg(test)]\nmod t { const A: &str = \"PG-0215: x\"; }";
        let found = codes(source, "r");
        assert_eq!(found.iter().map(|f| f.0).collect::<Vec<_>>(), [213]);
        assert_eq!(found[0].1.summary, "");
    }
}
