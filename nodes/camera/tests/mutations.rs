//! Damaged inputs of every kind: the sources give frames or errors, and never a panic, a hang or a huge allocation.
#![allow(clippy::unwrap_used, clippy::type_complexity, reason = "helpers of tests are tests")]

use image::{ExtendedColorType, ImageEncoder, codecs};
use peregrine_camera::algo::*;
use std::path::Path;

/// A small counter-based generator: the test repeats bit for bit.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, below: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) as usize % below.max(1)
    }
}

/// Flips, overwrites, cuts, doubles and swaps.
fn damage(bytes: &[u8], dice: &mut Dice) -> Vec<u8> {
    let mut bytes = bytes.to_vec();
    for _ in 0..=dice.roll(4) {
        let at = dice.roll(bytes.len());
        match dice.roll(6) {
            0 if !bytes.is_empty() => bytes[at] ^= 1 << dice.roll(8),
            1 if !bytes.is_empty() => bytes[at] = [0, 0xFF, 0xD8, 0xD9, 0x7F, b'\n', b' '][dice.roll(7)],
            2 => bytes.truncate(at),
            3 => {
                let end = (at + dice.roll(64)).min(bytes.len());
                let piece = bytes[at..end].to_vec();
                bytes.splice(at..at, piece);
            }
            4 => {
                let end = (at + dice.roll(16)).min(bytes.len());
                bytes.drain(at..end);
            }
            _ => {
                let end = (at + 4).min(bytes.len());
                bytes[at..end].fill(0xFF);
            }
        }
    }
    bytes
}

fn pixels(width: u32, height: u32) -> Vec<u8> {
    (0..width * height * 3).map(|at| (at * 7 % 251) as u8).collect()
}

fn jpeg() -> Vec<u8> {
    let mut bytes = Vec::new();
    let encoder = codecs::jpeg::JpegEncoder::new_with_quality(&mut bytes, 80);
    encoder.write_image(&pixels(40, 24), 40, 24, ExtendedColorType::Rgb8).unwrap();
    bytes
}

fn png() -> Vec<u8> {
    let mut bytes = Vec::new();
    let encoder = codecs::png::PngEncoder::new(&mut bytes);
    encoder.write_image(&pixels(20, 12), 20, 12, ExtendedColorType::Rgb8).unwrap();
    bytes
}

const LIMITS: Limits = Limits { max_side: 2048, max_frame_bytes: 4 << 20, max_packet_bytes: 1 << 20 };

#[test]
fn damaged_images_never_panic() {
    let (jpeg, png) = (jpeg(), png());
    let mut dice = Dice(1);
    let mut refused = 0;
    for round in 0..3000 {
        let bytes = damage(if round % 2 == 0 { &jpeg } else { &png }, &mut dice);
        let mut sink = Buffer::default();
        let probe = probe_bytes(Path::new("x"), &bytes, &LIMITS);
        match decode_still(Path::new("x"), 0, &bytes, &LIMITS, &mut sink) {
            Ok((shape, true)) => {
                assert_eq!(sink.bytes.len(), shape.bytes());
                let probed = probe.unwrap().shape.unwrap();
                assert_eq!((probed.width, probed.height), (shape.width, shape.height));
            }
            Ok((_, false)) => panic!("the buffer had room"),
            Err(error) => {
                refused += 1;
                assert!(error.to_string().starts_with("PG-05"), "{error}");
            }
        }
    }
    assert!(refused > 500, "only {refused} of 3000 damaged images were refused");
}

#[test]
fn every_cut_of_an_image_is_refused() {
    for whole in [jpeg(), png()] {
        // The last 12 bytes of a PNG are its end chunk, behind all pixels.
        for length in 0..whole.len() - 12 {
            let bytes = &whole[..length];
            assert!(
                decode_still(Path::new("x"), 0, bytes, &LIMITS, &mut Buffer::default()).is_err(),
                "{length}"
            );
        }
    }
}

#[test]
fn damaged_streams_never_panic_and_end() {
    let stream = jpeg().repeat(4);
    let mut riff = b"RIFF\0\0\0\0AVI LIST\0\0\0\0movi".to_vec();
    for _ in 0..3 {
        let one = jpeg();
        riff.extend_from_slice(b"00dc");
        riff.extend_from_slice(&(one.len() as u32).to_le_bytes());
        riff.extend_from_slice(&one);
        riff.resize(riff.len() + one.len() % 2, 0);
    }
    assert_eq!(split_mjpeg(&stream).0.len(), 4);
    assert_eq!(read_avi(&riff), (3, 0));
    let mut dice = Dice(2);
    for _ in 0..2000 {
        let bytes = damage(&stream, &mut dice);
        let (good, bad) = split_mjpeg(&bytes);
        assert!(good.len() + bad <= bytes.len());
        for pair in good.windows(2) {
            assert!(pair[0].0 + pair[0].1 as u64 <= pair[1].0, "frames overlap");
        }
        let bytes = damage(&riff, &mut dice);
        let (good, bad) = read_avi(&bytes);
        assert!(good + bad <= bytes.len().max(1));
    }
}

#[test]
fn damaged_y4m_never_panics_and_ends() {
    let mut video = b"YUV4MPEG2 W6 H4 F25:1 Ip A1:1 C420jpeg XYSCSS=420JPEG\n".to_vec();
    for frame in 0..3u8 {
        video.extend_from_slice(b"FRAME\n");
        video.extend(std::iter::repeat_n(frame, 6 * 4 * 3 / 2));
    }
    assert_eq!(read_y4m(&video).unwrap(), 3);
    let mut dice = Dice(3);
    for _ in 0..6000 {
        if let Err(error) = read_y4m(&damage(&video, &mut dice)) {
            assert!(error.to_string().starts_with("PG-05"), "{error}");
        }
    }
}

#[test]
fn damaged_calibrations_never_panic() {
    let text =
        b"image_width: 640\nimage_height: 480\ncamera_name: front\ncamera_matrix:\n  rows: 3\n  cols: 3\n  \
        data: [430.1, 0.0, 321.5, 0.0, 431.2, 239.5, 0.0, 0.0, 1.0]\ndistortion_model: plumb_bob\n\
        distortion_coefficients:\n  rows: 1\n  cols: 5\n  data: [0, 0, 0, 0, 0]\n";
    assert!(parse_calibration("x", std::str::from_utf8(text).unwrap()).is_ok());
    let mut dice = Dice(4);
    for _ in 0..3000 {
        let bytes = damage(text, &mut dice);
        let _ = parse_calibration("x", &String::from_utf8_lossy(&bytes));
    }
}
