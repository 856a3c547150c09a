//! A small bitmap font of our own, drawn in `font.txt`.

/// Pixels across a glyph.
pub(super) const WIDTH: i64 = 5;
/// Rows of a glyph, descender included.
pub(super) const HEIGHT: i64 = 8;
/// From one letter to the next.
pub(super) const ADVANCE: i64 = WIDTH + 1;

const COUNT: usize = 95;
const GLYPHS: [[u8; 8]; COUNT] = parse(include_bytes!("font.txt"));

/// The rows of `letter`, the leftmost pixel in bit 4. What the font does not have is a question mark.
pub(super) fn glyph(letter: char) -> &'static [u8; 8] {
    let at = u32::from(letter).wrapping_sub(32) as usize;
    GLYPHS.get(at).unwrap_or(&GLYPHS['?' as usize - 32])
}

/// Reads the drawing at compile time: behind the first line, bands of eight lines, then an empty one.
const fn parse(text: &[u8]) -> [[u8; 8]; COUNT] {
    let mut glyphs = [[0u8; 8]; COUNT];
    let mut at = 0;
    while text[at] != b'\n' {
        at += 1;
    }
    at += 1;
    let (mut band, mut row, mut column) = (0, 0, 0);
    while at < text.len() {
        match text[at] {
            b'\n' if column == 0 => (band, row) = (band + 1, 0),
            b'\n' => (row, column) = (row + 1, 0),
            ink => {
                let (glyph, bit) = (band * 16 + column / 6, column % 6);
                if ink == b'#' {
                    glyphs[glyph][row] |= 1 << (4 - bit);
                }
                column += 1;
            }
        }
        at += 1;
    }
    glyphs
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn glyphs_are_where_they_belong() {
        assert_eq!(glyph(' '), &[0; 8]);
        assert_eq!(glyph('l'), &[0b01100, 0b00100, 0b00100, 0b00100, 0b00100, 0b00100, 0b01110, 0]);
        assert_eq!(glyph('1')[6], 0b01110);
        assert_eq!(glyph('~')[3], 0b01101);
        assert_eq!(glyph('g')[7], 0b01110);
        assert_eq!(glyph('ä'), glyph('?'));
        let mut seen = std::collections::BTreeSet::new();
        for letter in ' '..='~' {
            assert!(seen.insert(glyph(letter)), "two letters look like {letter}");
        }
    }
}
