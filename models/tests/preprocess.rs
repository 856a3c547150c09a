//! Pre-processing against a plain implementation of its definition, over formats, steps, sizes and placements.
#![allow(clippy::unwrap_used, clippy::expect_used)] // helpers of tests; clippy sees only #[test] functions as such

mod common;

use peregrine_models::manifest::{Align, Colour, Element, Fit, Input, Layout};
use peregrine_models::{ImageRef, InputMut, Manifest, PixelFormat, Preprocessor};

fn input(width: usize, height: usize, fit: Fit, align: Align, colour: Colour) -> Input {
    let text = include_str!("../weights/nanodet_g_416_int8.toml");
    let mut input = Manifest::parse(text, "test").unwrap().input;
    (input.width, input.height, input.colour) = (width, height, colour);
    (input.letterbox.fit, input.letterbox.align, input.letterbox.pad) = (fit, align, 114);
    input
}

/// A repeatable picture: a small generator is enough.
fn noise(length: usize, seed: u32) -> Vec<u8> {
    let mut state = seed.wrapping_mul(2_654_435_761).max(1);
    (0..length)
        .map(|_| {
            state ^= state << 13;
            state ^= state >> 17;
            state ^= state << 5;
            (state >> 11) as u8
        })
        .collect()
}

/// The three samples of one pixel as they lie: red, green, blue; or luma and the two chromas.
fn samples_of(image: &ImageRef<'_>, x: usize, y: usize) -> [f64; 3] {
    let row = &image.data[y * image.step..];
    let plain = |at: usize| f64::from(row[at]);
    match image.pixel {
        PixelFormat::Rgb8 => [plain(3 * x), plain(3 * x + 1), plain(3 * x + 2)],
        PixelFormat::Bgr8 => [plain(3 * x + 2), plain(3 * x + 1), plain(3 * x)],
        PixelFormat::Rgba8 => [plain(4 * x), plain(4 * x + 1), plain(4 * x + 2)],
        PixelFormat::Bgra8 => [plain(4 * x + 2), plain(4 * x + 1), plain(4 * x)],
        PixelFormat::Mono8 => [plain(x); 3],
        PixelFormat::Nv12 => {
            let chroma = &image.data[(image.height + y / 2) * image.step + x / 2 * 2..];
            [plain(x), f64::from(chroma[0]), f64::from(chroma[1])]
        }
        PixelFormat::Yuyv => [plain(2 * x), plain(x / 2 * 4 + 1), plain(x / 2 * 4 + 3)],
        _ => unreachable!(),
    }
}

/// Interpolated samples to red, green, blue.
fn to_rgb(pixel: PixelFormat, [y, u, v]: [f64; 3]) -> [f64; 3] {
    if !matches!(pixel, PixelFormat::Nv12 | PixelFormat::Yuyv) {
        return [y, u, v];
    }
    let y = 255.0 / 219.0 * (y - 16.0);
    let (u, v) = (255.0 / 224.0 * (u - 128.0), 255.0 / 224.0 * (v - 128.0));
    [y + 1.402 * v, y - 0.344_136 * u - 0.714_136 * v, y + 1.772 * u].map(|c| c.clamp(0.0, 255.0))
}

/// The definition, pixel by pixel in f64.
fn plain(image: &ImageRef<'_>, input: &Input) -> Vec<f64> {
    let (w, h) = (input.width, input.height);
    let ratio = (w as f64 / image.width as f64).min(h as f64 / image.height as f64);
    let side =
        |length: usize, most: usize| ((length as f64 * ratio).round_ties_even() as usize).clamp(1, most);
    let (nw, nh) = match input.letterbox.fit {
        Fit::Stretch => (w, h),
        Fit::Letterbox => (side(image.width, w), side(image.height, h)),
    };
    let (left, top) = match input.letterbox.align {
        Align::TopLeft => (0, 0),
        Align::Center => ((w - nw) / 2, (h - nh) / 2),
    };
    let mut tensor = vec![0.0; 3 * w * h];
    for row in 0..h {
        for column in 0..w {
            let inside = (left..left + nw).contains(&column) && (top..top + nh).contains(&row);
            let rgb = if inside {
                let at = |i: usize, n: usize, length: usize| {
                    let c =
                        ((i as f64 + 0.5) * length as f64 / n as f64 - 0.5).clamp(0.0, (length - 1) as f64);
                    (c.floor() as usize, (c.floor() as usize + 1).min(length - 1), c - c.floor())
                };
                let (x0, x1, fx) = at(column - left, nw, image.width);
                let (y0, y1, fy) = at(row - top, nh, image.height);
                let samples = [0, 1, 2].map(|c| {
                    let row = |y| samples_of(image, x0, y)[c] * (1.0 - fx) + samples_of(image, x1, y)[c] * fx;
                    row(y0) * (1.0 - fy) + row(y1) * fy
                });
                to_rgb(image.pixel, samples)
            } else {
                [f64::from(input.letterbox.pad); 3]
            };
            for plane in 0..3 {
                let component = if input.colour == Colour::Rgb { plane } else { 2 - plane };
                let scaled = rgb[component] * f64::from(input.scale) - f64::from(input.mean[plane]);
                tensor[(plane * h + row) * w + column] = scaled / f64::from(input.std[plane]);
            }
        }
    }
    tensor
}

#[test]
fn every_format_step_and_placement_follows_the_definition() {
    let sizes = [(2, 2), (40, 26), (26, 40), (64, 48), (130, 2), (2, 130)];
    let mut cases = 0;
    for (seed, (width, height)) in sizes.into_iter().enumerate() {
        for pixel in PixelFormat::ALL {
            for (padding, fit, align, colour) in [
                (0, Fit::Letterbox, Align::TopLeft, Colour::Bgr),
                (5, Fit::Letterbox, Align::Center, Colour::Rgb),
                (64, Fit::Stretch, Align::TopLeft, Colour::Rgb),
            ] {
                let step = pixel.row_bytes(width) + padding;
                let rows = if pixel == PixelFormat::Nv12 { height * 3 / 2 } else { height };
                let data = noise(step * rows, seed as u32 + 1);
                let image = ImageRef { data: &data, width, height, step, pixel };
                let input = input(48, 32, fit, align, colour);
                let mut tensor = vec![f32::NAN; 3 * 48 * 32];
                Preprocessor::new(&input).run(&image, InputMut::F32(&mut tensor)).unwrap();
                for (index, (a, b)) in tensor.iter().zip(plain(&image, &input)).enumerate() {
                    // 0.05 levels: a blended row is up to 2/256 low, which BT.601 may magnify by 3.6.
                    assert!(
                        (f64::from(*a) - b).abs() < 0.05 / 57.0,
                        "{image:?} {fit:?}: element {index}: {a}, not {b}"
                    );
                }
                cases += 1;
            }
        }
    }
    assert_eq!(cases, sizes.len() * 7 * 3);
}

#[test]
fn one_preprocessor_serves_changing_shapes() {
    let input = input(48, 32, Fit::Letterbox, Align::TopLeft, Colour::Bgr);
    let mut reused = Preprocessor::new(&input);
    for (width, height, pixel) in [
        (60, 20, PixelFormat::Rgb8),
        (20, 60, PixelFormat::Mono8),
        (60, 20, PixelFormat::Bgr8),
        (60, 20, PixelFormat::Rgb8),
    ] {
        let data = noise(pixel.row_bytes(width) * height, 9);
        let image = ImageRef::packed(&data, width, height, pixel);
        let (mut a, mut b) = (vec![0.0; 3 * 48 * 32], vec![1.0; 3 * 48 * 32]);
        reused.run(&image, InputMut::F32(&mut a)).unwrap();
        Preprocessor::new(&input).run(&image, InputMut::F32(&mut b)).unwrap();
        assert_eq!(a, b);
    }
}

#[test]
fn the_padding_of_a_kept_tensor_is_written_once_per_shape() {
    let input = input(48, 32, Fit::Letterbox, Align::Center, Colour::Bgr);
    let mut preprocessor = Preprocessor::new(&input);
    let (mut kept, mut fresh) = (vec![f32::NAN; 3 * 48 * 32], vec![f32::NAN; 3 * 48 * 32]);
    for (width, height, seed) in [(60, 20, 1), (60, 20, 2), (20, 60, 3), (20, 60, 4), (60, 20, 5)] {
        let data = noise(width * height * 3, seed);
        let image = ImageRef::packed(&data, width, height, PixelFormat::Rgb8);
        // A refused tensor in between must not make the padding of the right one forgotten.
        assert!(preprocessor.run_again(&image, InputMut::F32(&mut [0.0; 3])).is_err());
        preprocessor.run_again(&image, InputMut::F32(&mut kept)).unwrap();
        Preprocessor::new(&input).run(&image, InputMut::F32(&mut fresh)).unwrap();
        assert_eq!(kept, fresh);
    }
}

#[test]
fn interleaved_planes_hold_the_same() {
    for (pixel, align, colour) in [
        (PixelFormat::Rgb8, Align::Center, Colour::Bgr),
        (PixelFormat::Nv12, Align::TopLeft, Colour::Rgb),
        (PixelFormat::Mono8, Align::Center, Colour::Rgb),
    ] {
        for (width, height) in [(60, 20), (20, 60)] {
            let rows = if pixel == PixelFormat::Nv12 { height * 3 / 2 } else { height };
            let data = noise(pixel.row_bytes(width) * rows, 4);
            let image = ImageRef::packed(&data, width, height, pixel);
            let planes = input(48, 32, Fit::Letterbox, align, colour);
            let mixed = Input { layout: Layout::Nhwc, ..planes.clone() };
            let (mut a, mut b) = (vec![f32::NAN; 3 * 48 * 32], vec![f32::NAN; 3 * 48 * 32]);
            Preprocessor::new(&planes).run(&image, InputMut::F32(&mut a)).unwrap();
            Preprocessor::new(&mixed).run(&image, InputMut::F32(&mut b)).unwrap();
            for (index, value) in b.iter().enumerate() {
                assert_eq!(*value, a[index % 3 * 48 * 32 + index / 3], "{pixel:?}, element {index}");
            }
        }
    }
}

#[test]
fn bytes_are_rounded() {
    let mut input = input(8, 8, Fit::Letterbox, Align::TopLeft, Colour::Rgb);
    (input.element, input.mean, input.std) = (Element::U8, [0.0; 3], [1.0; 3]);
    let data = noise(8 * 4 * 3, 3);
    let image = ImageRef::packed(&data, 8, 4, PixelFormat::Rgb8);
    let mut tensor = vec![0u8; 3 * 64];
    Preprocessor::new(&input).run(&image, InputMut::U8(&mut tensor)).unwrap();
    for index in 0..32 {
        for plane in 0..3 {
            assert_eq!(tensor[plane * 64 + index], data[3 * index + plane]);
        }
    }
    assert!(tensor[32..64].iter().all(|v| *v == 114));
}

#[test]
fn images_that_lie_about_themselves_are_refused() {
    let input = input(48, 32, Fit::Letterbox, Align::TopLeft, Colour::Bgr);
    let data = [0u8; 64];
    let whole = ImageRef::packed(&data, 4, 4, PixelFormat::Rgb8);
    let bad = [
        ImageRef { width: 0, ..whole },
        ImageRef { height: 0, ..whole },
        ImageRef { height: 6, ..whole },
        ImageRef { step: 11, ..whole },
        ImageRef { step: usize::MAX, ..whole },
        ImageRef { width: 1 << 20, step: 3 << 20, ..whole },
        ImageRef { width: 3, height: 2, step: 3, pixel: PixelFormat::Nv12, data: &data },
        ImageRef { width: 4, height: 3, step: 4, pixel: PixelFormat::Nv12, data: &data },
        ImageRef { width: 8, height: 8, step: 8, pixel: PixelFormat::Nv12, data: &data },
        ImageRef { width: 3, height: 2, step: 8, pixel: PixelFormat::Yuyv, data: &data },
    ];
    let mut tensor = vec![0.0; 3 * 48 * 32];
    let mut preprocessor = Preprocessor::new(&input);
    for image in bad {
        let error = preprocessor.run(&image, InputMut::F32(&mut tensor)).unwrap_err();
        assert_eq!(error.code(), "PG-0440", "{error}");
    }
    preprocessor.run(&whole, InputMut::F32(&mut tensor)).unwrap();
    assert_eq!(preprocessor.run(&whole, InputMut::F32(&mut tensor[1..])).unwrap_err().code(), "PG-0408");
    assert_eq!(preprocessor.run(&whole, InputMut::U8(&mut [0; 3])).unwrap_err().code(), "PG-0408");
    assert_eq!(PixelFormat::from_encoding("32FC1").unwrap_err().code(), "PG-0441");
    assert_eq!(PixelFormat::from_encoding("nv12").unwrap(), PixelFormat::Nv12);
}
