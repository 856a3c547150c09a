//! Two source rows into one, byte by byte as they lie: every format is a sequence of samples.
//!
//! While one row of the input is made, the source rows of the next are fetched: they lie a page away, where no processor looks
//! by itself (measured: a third of the time of an image that is not in the caches).

/// Two source rows.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Two<'a> {
    pub near: &'a [u8],
    pub far: &'a [u8],
}

/// `near + (far - near) * weight` in 9.7 fixed point with weights of 15 bits, at most a hundredth of a level off. `ahead` are the
/// rows that are blended next.
pub(super) fn blend(rows: Two<'_>, ahead: Two<'_>, weight: f32, out: &mut [u16]) {
    let share = share_of(weight);
    #[cfg(target_arch = "x86_64")]
    if std::arch::is_x86_feature_detected!("avx2") {
        // SAFETY: the processor has AVX2.
        return unsafe { blend_avx2(rows, ahead, share, out) };
    }
    let _ = ahead;
    blend_plain(rows.near, rows.far, share, out);
}

/// A weight in 15 bits. (One has no room.)
fn share_of(weight: f32) -> i16 {
    ((weight * 32768.0) as i32).min(32767) as i16
}

fn blend_plain(near: &[u8], far: &[u8], share: i16, out: &mut [u16]) {
    for ((out, near), far) in out.iter_mut().zip(near).zip(far) {
        let (near, far) = (i32::from(*near) << 7, i32::from(*far) << 7);
        *out = (near + (((far - near) * i32::from(share) + 0x4000) >> 15)) as u16;
    }
}

/// The same bits, sixteen at a time: what the rounding multiplication of 16 bits was made for. A cache line in one turn.
#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2")]
fn blend_avx2(rows: Two<'_>, ahead: Two<'_>, share: i16, out: &mut [u16]) {
    use std::arch::x86_64::*;
    let shares = _mm256_set1_epi16(share);
    let (outs, out_rest) = out.as_chunks_mut::<64>();
    let ((nears, near_rest), (fars, far_rest)) = (rows.near.as_chunks::<64>(), rows.far.as_chunks::<64>());
    let (mut next_nears, mut next_fars) = (ahead.near.chunks(64), ahead.far.chunks(64));
    for ((out, near), far) in outs.iter_mut().zip(nears).zip(fars) {
        for line in [next_nears.next(), next_fars.next()].into_iter().flatten() {
            // Into the second level: the first one is full of this row. SAFETY: fetching ahead reads nothing.
            #[allow(unused_unsafe, reason = "newer compilers know that it is safe")]
            unsafe {
                _mm_prefetch::<_MM_HINT_T1>(line.as_ptr().cast())
            };
        }
        let quarters = out.as_chunks_mut::<16>().0.iter_mut();
        let quarters = quarters.zip(near.as_chunks::<16>().0).zip(far.as_chunks::<16>().0);
        for ((out, near), far) in quarters {
            // SAFETY: sixteen bytes are read, unaligned.
            let (near, far) =
                unsafe { (_mm_loadu_si128(near.as_ptr().cast()), _mm_loadu_si128(far.as_ptr().cast())) };
            let near = _mm256_slli_epi16::<7>(_mm256_cvtepu8_epi16(near));
            let far = _mm256_slli_epi16::<7>(_mm256_cvtepu8_epi16(far));
            let sum = _mm256_add_epi16(near, _mm256_mulhrs_epi16(_mm256_sub_epi16(far, near), shares));
            // SAFETY: sixteen values of two bytes are written, unaligned.
            unsafe { _mm256_storeu_si256(out.as_mut_ptr().cast(), sum) };
        }
    }
    blend_plain(near_rest, far_rest, share, out_rest);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::preprocess::rows::UNITS;

    #[test]
    fn a_blend_is_that_of_its_definition() {
        // Not a multiple of a cache line, so that the vectors leave a rest.
        let near: Vec<u8> = (0..1003).map(|i| (i * 7919 % 256) as u8).collect();
        let far: Vec<u8> = (0..1003).map(|i| (i * 104_729 % 251) as u8).collect();
        let (mut fast, mut plain) = (vec![0; 1003], vec![0; 1003]);
        let rows = Two { near: &near, far: &far };
        for step in 0..=64 {
            let weight = step as f32 / 64.0;
            // The rows ahead change nothing, whatever their length.
            blend(rows, Two { near: &near[..step], far: &[] }, weight, &mut fast);
            blend_plain(&near, &far, share_of(weight), &mut plain);
            assert_eq!(fast, plain, "weight {weight}");
            for ((a, b), out) in near.iter().zip(&far).zip(&fast) {
                let exact = f32::from(*a) + (f32::from(*b) - f32::from(*a)) * weight;
                assert!((f32::from(*out) / UNITS - exact).abs() < 0.012, "{a} {b} {weight}: {out}");
            }
        }
    }
}
