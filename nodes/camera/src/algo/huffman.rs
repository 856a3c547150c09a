//! The Huffman tables that Motion JPEG leaves out: those of ITU-R T.81, annex K.3, which every baseline encoder may use.

/// Codes of each length from 1 to 16 bits, then the symbols in order of their codes.
type Table = (u8, [u8; 16], &'static [u8]);

const DC_SYMBOLS: [u8; 12] = [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11];

/// Class and number, lengths, symbols: brightness and colour, DC and AC. Symbols of regular runs are left to [`symbols`].
const TABLES: [Table; 4] = [
    (0x00, [0, 1, 5, 1, 1, 1, 1, 1, 1, 0, 0, 0, 0, 0, 0, 0], &DC_SYMBOLS),
    (0x01, [0, 3, 1, 1, 1, 1, 1, 1, 1, 1, 1, 0, 0, 0, 0, 0], &DC_SYMBOLS),
    (
        0x10,
        [0, 2, 1, 3, 3, 2, 4, 3, 5, 5, 4, 4, 0, 0, 1, 0x7D],
        &[
            0x01, 0x02, 0x03, 0x00, 0x04, 0x11, 0x05, 0x12, 0x21, 0x31, 0x41, 0x06, 0x13, 0x51, 0x61, 0x07,
            0x22, 0x71, 0x14, 0x32, 0x81, 0x91, 0xA1, 0x08, 0x23, 0x42, 0xB1, 0xC1, 0x15, 0x52, 0xD1, 0xF0,
            0x24, 0x33, 0x62, 0x72, 0x82,
        ],
    ),
    (
        0x11,
        [0, 2, 1, 2, 4, 4, 3, 4, 7, 5, 4, 4, 0, 1, 2, 0x77],
        &[
            0x00, 0x01, 0x02, 0x03, 0x11, 0x04, 0x05, 0x21, 0x31, 0x06, 0x12, 0x41, 0x51, 0x07, 0x61, 0x71,
            0x13, 0x22, 0x32, 0x81, 0x08, 0x14, 0x42, 0x91, 0xA1, 0xB1, 0xC1, 0x09, 0x23, 0x33, 0x52, 0xF0,
            0x15, 0x62, 0x72, 0xD1, 0x0A, 0x16, 0x24, 0x34, 0xE1, 0x25, 0xF1,
        ],
    ),
];

/// All symbols of a table: the irregular ones as listed, then the rest of the run/size pairs in ascending order.
fn symbols(class: u8, listed: &[u8]) -> Vec<u8> {
    let mut all = listed.to_vec();
    if class >= 0x10 {
        // Runs of 0 to 15 zeros, then a number of 1 to 10 bits.
        let pairs = (0..=0xF_u8).flat_map(|run| (1..=0xA_u8).map(move |size| run << 4 | size));
        all.extend(pairs.filter(|pair| !listed.contains(pair)));
    }
    all
}

/// `image` with a segment of standard tables behind its first marker, in `to`.
pub(super) fn with_standard_tables(image: &[u8], to: &mut Vec<u8>) {
    to.clear();
    let mut body = Vec::with_capacity(420);
    for (class, lengths, listed) in TABLES {
        body.push(class);
        body.extend_from_slice(&lengths);
        body.extend(symbols(class, listed));
    }
    let (first, rest) = image.split_at(image.len().min(2));
    to.extend_from_slice(first);
    to.extend_from_slice(&[0xFF, 0xC4]);
    to.extend_from_slice(&((body.len() + 2) as u16).to_be_bytes());
    to.extend_from_slice(&body);
    to.extend_from_slice(rest);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_code_has_one_symbol() {
        for (class, lengths, listed) in TABLES {
            let all = symbols(class, listed);
            assert_eq!(
                lengths.iter().map(|count| usize::from(*count)).sum::<usize>(),
                all.len(),
                "{class:02X}"
            );
            let distinct: std::collections::BTreeSet<u8> = all.iter().copied().collect();
            assert_eq!(distinct.len(), all.len(), "{class:02X}");
        }
    }
}
