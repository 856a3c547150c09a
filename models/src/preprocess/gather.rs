//! The samples that each column needs, out of a blended row: words of two neighbouring samples, which the vectors take apart.

/// A window into a blended row has so many samples; rows are longer by them, so that none sticks out.
pub(super) const WINDOW: usize = 8;

/// Word `k` of each column becomes the samples `2 k` (low half) and `2 k + 1` of its window. `N` up to 4.
pub(super) fn gather<const N: usize>(row: &[u16], offsets: &[u32], words: [&mut [u32]; N]) {
    #[cfg(target_arch = "x86_64")]
    if std::arch::is_x86_feature_detected!("avx2") {
        // SAFETY: the processor has AVX2.
        return unsafe { gather_avx2(row, offsets, words) };
    }
    gather_plain(row, offsets, words);
}

fn gather_plain<const N: usize>(row: &[u16], offsets: &[u32], mut words: [&mut [u32]; N]) {
    for (column, at) in offsets.iter().enumerate() {
        // No window lies beyond the row. To leave here costs less than to go on with something else.
        let Some(window) = row.get(*at as usize..*at as usize + WINDOW) else { return };
        for (k, word) in words.iter_mut().enumerate() {
            let Some(word) = word.get_mut(column) else { return };
            *word = u32::from(window[2 * k]) | u32::from(window[2 * k + 1]) << 16;
        }
    }
}

/// The same, eight columns at a time: their windows are loaded whole and turned from columns into words.
#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2")]
fn gather_avx2<const N: usize>(row: &[u16], offsets: &[u32], words: [&mut [u32]; N]) {
    use std::arch::x86_64::*;
    let Some(last) = row.len().checked_sub(WINDOW).and_then(|last| i32::try_from(last).ok()) else { return };
    let beyond = _mm256_set1_epi32(last);
    let (groups, rest) = offsets.as_chunks::<8>();
    let done = 8 * groups.len();
    let mut words = words.map(|word| word.split_at_mut(done.min(word.len())));
    if words.iter().any(|(whole, _)| whole.len() < done) {
        return;
    }
    for (group, at) in groups.iter().enumerate() {
        // SAFETY: eight offsets are read, unaligned.
        let all = unsafe { _mm256_loadu_si256(at.as_ptr().cast()) };
        // As signed numbers: what would be negative is beyond as well.
        let bad = _mm256_or_si256(_mm256_cmpgt_epi32(all, beyond), all);
        if _mm256_movemask_ps(_mm256_castsi256_ps(bad)) != 0 {
            return;
        }
        // SAFETY: every offset is at most `last`, so that its window lies within the row.
        let window = |column: usize| unsafe {
            let start = row.as_ptr().add(at[column] as usize);
            _mm_loadu_si128(start.cast())
        };
        let two = |column: usize| {
            _mm256_inserti128_si256::<1>(_mm256_castsi128_si256(window(column)), window(column + 4))
        };
        let (r0, r1, r2, r3) = (two(0), two(1), two(2), two(3));
        let (low01, low23) = (_mm256_unpacklo_epi32(r0, r1), _mm256_unpacklo_epi32(r2, r3));
        let (high01, high23) = (_mm256_unpackhi_epi32(r0, r1), _mm256_unpackhi_epi32(r2, r3));
        let turned = [
            _mm256_unpacklo_epi64(low01, low23),
            _mm256_unpackhi_epi64(low01, low23),
            _mm256_unpacklo_epi64(high01, high23),
            _mm256_unpackhi_epi64(high01, high23),
        ];
        for ((whole, _), word) in words.iter_mut().zip(turned) {
            let out = &mut whole[8 * group..8 * group + 8];
            // SAFETY: eight words are written, unaligned.
            unsafe { _mm256_storeu_si256(out.as_mut_ptr().cast(), word) };
        }
    }
    gather_plain(row, rest, words.map(|(_, rest)| rest));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn vectors_gather_what_the_definition_says() {
        let row: Vec<u16> = (0..2000).map(|i| (i * 7919 % 32768) as u16).collect();
        for count in [0, 1, 7, 8, 9, 416, 419] {
            // The last window ends with the row.
            let offsets: Vec<u32> = (0..count).map(|i| (1992 * (i + 1) / count) as u32).collect();
            let (mut fast, mut plain) = ([const { Vec::new() }; 4], [const { Vec::new() }; 4]);
            for words in [&mut fast, &mut plain] {
                words.iter_mut().for_each(|words: &mut Vec<u32>| words.resize(count, 77));
            }
            gather(&row, &offsets, fast.each_mut().map(Vec::as_mut_slice));
            gather_plain(&row, &offsets, plain.each_mut().map(Vec::as_mut_slice));
            assert_eq!(fast, plain, "{count}");
            for (column, at) in offsets.iter().enumerate() {
                let at = *at as usize;
                let word = |k: usize| u32::from(row[at + 2 * k]) | u32::from(row[at + 2 * k + 1]) << 16;
                assert_eq!([0, 1, 2, 3].map(|k| fast[k][column]), [0, 1, 2, 3].map(word));
            }
        }
    }

    #[test]
    fn nothing_beyond_the_row_is_read() {
        let row = [9_u16; 100];
        for bad in [93, 100, 1000, u32::MAX, 1 << 31] {
            let (mut offsets, mut word) = ([5_u32; 16], [0_u32; 16]);
            offsets[3] = bad;
            gather(&row, &offsets, [&mut word]);
            assert!(word[3] == 0 && word[8..].iter().all(|word| *word == 0), "{bad}");
        }
        let mut word = [0_u32; 16];
        gather(&row[..7], &[0; 16], [&mut word]);
        assert_eq!(word, [0; 16]);
    }
}
