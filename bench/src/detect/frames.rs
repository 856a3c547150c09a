//! A made-up 1080p frame: smooth ground, a few blocks, and noise so that no cache or branch predictor has it easy.

pub(super) const WIDTH: usize = 1920;
pub(super) const HEIGHT: usize = 1080;

/// Interleaved red, green, blue.
pub(super) fn rgb() -> Vec<u8> {
    let mut state = 0x9e37_79b9u32;
    let mut frame = vec![0; WIDTH * HEIGHT * 3];
    for (index, pixel) in frame.chunks_exact_mut(3).enumerate() {
        let (x, y) = (index % WIDTH, index / WIDTH);
        let block = if (x / 160 + y / 120) % 5 == 0 { 70 } else { 0 };
        for (plane, value) in pixel.iter_mut().enumerate() {
            state ^= state << 13;
            state ^= state >> 17;
            state ^= state << 5;
            let ground = (x * (plane + 1) / 40 + y / 12) % 160;
            *value = (ground + block + (state >> 28) as usize) as u8;
        }
    }
    frame
}

/// A Y plane and a plane of U, V pairs.
pub(super) fn nv12() -> Vec<u8> {
    let rgb = rgb();
    let luma = rgb.chunks_exact(3).map(|pixel| 16 + (u16::from(pixel[1]) * 219 / 255) as u8);
    let chroma = (0..WIDTH * HEIGHT / 2).map(|index| 100 + (index % 57) as u8);
    luma.chain(chroma).collect()
}
