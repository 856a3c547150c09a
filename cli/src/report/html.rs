//! Text into HTML: escaping, numbers, base64.

use std::fmt::Write;

/// Text that is safe between tags and in quoted attributes.
pub(super) fn escape(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for letter in text.chars() {
        match letter {
            '&' => safe.push_str("&amp;"),
            '<' => safe.push_str("&lt;"),
            '>' => safe.push_str("&gt;"),
            '"' => safe.push_str("&quot;"),
            '\'' => safe.push_str("&#39;"),
            // Control characters have no place in HTML, and the bidirectional overrides turn text round.
            '\n' | '\t' => safe.push(letter),
            '\u{202A}'..='\u{202E}' | '\u{2066}'..='\u{2069}' => safe.push('\u{FFFD}'),
            _ if letter.is_control() => safe.push('\u{FFFD}'),
            _ => safe.push(letter),
        }
    }
    safe
}

/// A number for people: `digits` behind the point, a dash for what is no number, thin spaces between thousands.
pub(super) fn number(value: f64, digits: usize) -> String {
    if !value.is_finite() {
        return "–".to_owned();
    }
    let plain = format!("{:.digits$}", value.abs());
    let (whole, rest) = plain.split_once('.').map_or((plain.as_str(), ""), |(whole, rest)| (whole, rest));
    let negative = value < 0.0 && plain.bytes().any(|byte| (b'1'..=b'9').contains(&byte));
    let mut text = String::from(if negative { "−" } else { "" });
    for (at, digit) in whole.chars().enumerate() {
        if at > 0 && (whole.len() - at).is_multiple_of(3) && whole.len() > 4 {
            text.push('\u{202F}');
        }
        text.push(digit);
    }
    if !rest.is_empty() {
        text.push('.');
        text.push_str(rest);
    }
    text
}

/// As [`number`]; a dash for none.
pub(super) fn maybe(value: Option<f64>, digits: usize) -> String {
    value.map_or_else(|| "–".to_owned(), |value| number(value, digits))
}

/// A share as a percentage; a dash for none.
pub(super) fn percent(share: Option<f64>) -> String {
    share.map_or_else(|| "–".to_owned(), |share| format!("{}\u{202F}%", number(share * 100.0, 0)))
}

/// A number for an SVG attribute: short, and always a number.
pub(super) fn coordinate(value: f64) -> String {
    let mut text = format!("{:.2}", if value.is_finite() { value.clamp(-1e7, 1e7) } else { 0.0 });
    while text.ends_with('0') {
        text.pop();
    }
    if text.ends_with('.') {
        text.pop();
    }
    if text == "-0" { "0".to_owned() } else { text }
}

/// A data URL of `bytes` (RFC 4648 base64). The type is told by the first bytes; what is no PNG or JPEG gives none.
pub(super) fn image_url(bytes: &[u8]) -> Option<String> {
    const LETTERS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let kind = match bytes {
        [0x89, b'P', b'N', b'G', ..] => "png",
        [0xFF, 0xD8, 0xFF, ..] => "jpeg",
        _ => return None,
    };
    let mut url = String::with_capacity(bytes.len().div_ceil(3) * 4 + 24);
    let _ = write!(url, "data:image/{kind};base64,");
    for group in bytes.chunks(3) {
        let word =
            group.iter().fold(0u32, |word, byte| word << 8 | u32::from(*byte)) << (8 * (3 - group.len()));
        for place in 0..4 {
            let letter = LETTERS[(word >> (18 - 6 * place) & 63) as usize];
            url.push(if place <= group.len() { char::from(letter) } else { '=' });
        }
    }
    Some(url)
}

/// A step of 1, 2 or 5 times a power of ten that cuts `span` into at most `parts`.
pub(super) fn nice_step(span: f64, parts: f64) -> f64 {
    let raw = span / parts.max(1.0);
    if !raw.is_finite() || raw <= 0.0 {
        return 1.0;
    }
    let power = 10f64.powf(raw.log10().floor());
    [1.0, 2.0, 5.0, 10.0]
        .into_iter()
        .map(|step| step * power)
        .find(|step| *step >= raw * 0.9999)
        .unwrap_or(raw)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_read_well() {
        assert_eq!(number(1234.5, 1), "1234.5");
        assert_eq!(number(12345.678, 2), "12\u{202F}345.68");
        assert_eq!((number(-0.001, 1), number(-2.0, 0)), ("0.0".to_owned(), "−2".to_owned()));
        assert_eq!(
            (number(f64::NAN, 1), maybe(None, 2), percent(Some(0.456))),
            ("–".into(), "–".into(), "46\u{202F}%".into())
        );
        assert_eq!(
            (coordinate(1.50), coordinate(-0.001), coordinate(f64::NAN), coordinate(30.0)),
            ("1.5".into(), "0".into(), "0".into(), "30".into())
        );
    }

    #[test]
    fn base64_is_that_of_the_standard() {
        assert_eq!(image_url(b"\xFF\xD8\xFFMan").unwrap(), "data:image/jpeg;base64,/9j/TWFu");
        assert_eq!(image_url(b"\xFF\xD8\xFFMa").unwrap(), "data:image/jpeg;base64,/9j/TWE=");
        assert_eq!(image_url(b"\xFF\xD8\xFFM").unwrap(), "data:image/jpeg;base64,/9j/TQ==");
        assert_eq!(image_url(b"<svg onload=alert(1)>"), None);
    }

    #[test]
    fn steps_are_round() {
        assert_eq!(nice_step(60.0, 6.0), 10.0);
        assert_eq!(nice_step(61.0, 6.0), 20.0);
        assert_eq!(nice_step(0.7, 4.0), 0.2);
        assert_eq!((nice_step(0.0, 4.0), nice_step(f64::NAN, 4.0)), (1.0, 1.0));
    }
}
