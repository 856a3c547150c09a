//! One section of a manifest's text replaced, everything else (comments, order, other sections) left as its author wrote it.

/// `text` with the section `[name]` replaced by `section`, which begins with its header; at the end, whether it was there or
/// not.
pub fn with_section(text: &str, name: &str, section: &str) -> String {
    let header = format!("[{name}]");
    let mut kept = String::with_capacity(text.len() + section.len() + 2);
    let mut inside = false;
    for line in text.lines() {
        // Values in several lines are indented, headers are not.
        if line.starts_with('[') {
            inside = line.trim_end() == header;
        }
        if !inside {
            kept.push_str(line);
            kept.push('\n');
        }
    }
    format!("{}\n\n{}\n", kept.trim_end(), section.trim_end())
}

#[cfg(test)]
mod tests {
    use super::with_section;

    #[test]
    fn the_rest_of_the_text_stays() {
        let text = "# mine\na = 1\n\n[golden]\nx = [\n  [1, 2],\n]\n\n[budget]\nb = 2 # two\n";
        let new = with_section(text, "golden", "[golden]\nx = []\n");
        assert_eq!(new, "# mine\na = 1\n\n[budget]\nb = 2 # two\n\n[golden]\nx = []\n");
        assert_eq!(with_section(&new, "golden", "[golden]\nx = []\n"), new);
        assert_eq!(with_section("a = 1", "r", "[r]"), "a = 1\n\n[r]\n");
    }
}
