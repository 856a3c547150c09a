//! What a code means: from the very texts of the errors.

use crate::error::{Error, Result};

/// One text of one code; a code can have several.
#[derive(Debug)]
struct Code {
    code: u16,
    room: &'static str,
    summary: &'static str,
    text: &'static str,
}

const CODES: &[Code] = include!(concat!(env!("OUT_DIR"), "/codes.rs"));

/// The number of `PG-0214`, `pg0214`, `0214` or `214`.
fn number(word: &str) -> Option<u16> {
    let upper = word.to_ascii_uppercase();
    let digits = upper.strip_prefix("PG").unwrap_or(&upper);
    let digits = digits.strip_prefix('-').unwrap_or(digits);
    digits.parse().ok().filter(|_| digits.len() <= 4)
}

/// Explains a code, for people.
///
/// # Errors
/// PG-1316 for something that is no code of ours.
pub fn explain(word: &str) -> Result<String> {
    let unknown = |hint: String| Error::UnknownCode { word: word.to_owned(), hint };
    let code = number(word).ok_or_else(|| unknown("codes look like PG-0214".into()))?;
    let texts: Vec<&Code> = CODES.iter().filter(|c| c.code == code).collect();
    let Some(first) = texts.first() else {
        let block = CODES.iter().find(|c| c.code / 100 == code / 100);
        return Err(unknown(match block {
            Some(near) => {
                let last = CODES.iter().filter(|c| c.code / 100 == code / 100).map(|c| c.code).max();
                format!(
                    "those of {} are PG-{:04} to PG-{:04}",
                    near.room,
                    near.code,
                    last.unwrap_or(near.code)
                )
            }
            None => "`peregrine doctor codes` lists all".into(),
        }));
    };
    let mut out = format!("PG-{code:04}  ({})\n", first.room);
    for text in texts {
        if !text.summary.is_empty() {
            out.push_str(&format!("  {}\n", text.summary));
        }
        out.push_str(&format!("  \"{}\"\n", text.text));
    }
    if out.contains('{') {
        out.push_str("  The message that you saw has values in the place of {...}.\n");
    }
    Ok(out)
}

/// All codes, one a line, in their order.
pub fn list() -> String {
    let mut out = String::new();
    let mut last = 0;
    for code in CODES {
        if code.code == last {
            continue;
        }
        last = code.code;
        let what = if code.summary.is_empty() { code.text } else { code.summary };
        out.push_str(&format!("PG-{:04}  {:<16} {what}\n", code.code, code.room));
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_found_however_they_are_written() {
        for word in ["PG-0214", "pg-0214", "PG0214", "0214", "214"] {
            assert_eq!(number(word), Some(214), "{word}");
        }
        for word in ["", "PG-", "PG-x", "frames", "PG-00214"] {
            assert_eq!(number(word), None, "{word}");
        }
    }

    #[test]
    fn every_block_of_the_house_is_there_and_each_text_says_something() {
        // The blocks of ARCHITECTURE.md that existed when this was written.
        for block in 1..=13 {
            assert!(CODES.iter().any(|c| c.code / 100 == block), "no code in block {block:02}xx");
        }
        let short: Vec<_> = CODES.iter().filter(|c| c.text.len() <= 10).collect();
        assert!(short.is_empty(), "{short:?}");
        assert!(CODES.windows(2).all(|w| w[0].code <= w[1].code));
    }

    #[test]
    fn a_code_is_explained_and_a_wrong_one_is_hinted_at() {
        let text = explain("PG-0103").unwrap();
        assert!(text.contains("core/frame") && text.contains("slots but needs"), "{text}");
        let wrong = explain("PG-0199").unwrap_err().to_string();
        assert!(wrong.contains("PG-0101 to"), "{wrong}");
        assert!(explain("banana").unwrap_err().to_string().contains("look like"));
        assert!(list().lines().count() > 100);
    }
}
