//! Every source against what was written into it, and every malformed input against the message it must give.
#![allow(clippy::unwrap_used, clippy::type_complexity, reason = "helpers of tests are tests")]

use std::fs;
use std::path::Path;

use image::{ExtendedColorType, ImageEncoder, codecs};
use peregrine_camera::algo::*;
use peregrine_camera::{CameraError, Result};

fn gradient(width: u32, height: u32) -> Vec<u8> {
    (0..height).flat_map(|y| (0..width).flat_map(move |x| [(x * 4) as u8, (y * 4) as u8, 90])).collect()
}

fn jpeg(width: u32, height: u32) -> Vec<u8> {
    let mut bytes = Vec::new();
    codecs::jpeg::JpegEncoder::new_with_quality(&mut bytes, 95)
        .write_image(&gradient(width, height), width, height, ExtendedColorType::Rgb8)
        .unwrap();
    bytes
}

fn png(pixels: &[u8], width: u32, height: u32, colour: ExtendedColorType) -> Vec<u8> {
    let mut bytes = Vec::new();
    codecs::png::PngEncoder::new(&mut bytes).write_image(pixels, width, height, colour).unwrap();
    bytes
}

fn file(directory: &Path, name: &str, bytes: &[u8]) -> std::path::PathBuf {
    let path = directory.join(name);
    fs::write(&path, bytes).unwrap();
    path
}

fn frames(source: &mut dyn FrameSource) -> Result<Vec<(ImageInfo, Vec<u8>)>> {
    let mut all = Vec::new();
    loop {
        let mut sink = Buffer::default();
        match source.next(&mut sink)? {
            Some(info) => all.push((info, sink.bytes)),
            None => return Ok(all),
        }
        assert!(all.len() < 1000, "the source does not end");
    }
}

/// The message of opening and playing `path`, which must fail with `code` and name the file.
fn refusal(path: &Path, options: &SourceOptions, code: &str) -> String {
    let outcome = open_path(path, options).and_then(|mut source| frames(source.as_mut()));
    let message = outcome.err().unwrap_or_else(|| panic!("{} was accepted", path.display())).to_string();
    assert!(message.starts_with(code), "{message}");
    assert!(message.contains(path.file_name().unwrap().to_str().unwrap()), "{message}");
    assert!(!message.contains('\n'), "{message}");
    message
}

#[test]
fn a_png_comes_out_as_it_went_in() {
    let directory = tempfile::tempdir().unwrap();
    let pixels = gradient(13, 7);
    let path = file(directory.path(), "a.png", &png(&pixels, 13, 7, ExtendedColorType::Rgb8));
    let mut source = open_path(&path, &SourceOptions::default()).unwrap();
    let shape = FrameShape { width: 13, height: 7, format: PixelFormat::Rgb8 };
    assert_eq!(source.info().first, shape);
    let got = frames(source.as_mut()).unwrap();
    assert_eq!(got, [(ImageInfo { shape, index: 0, written: true }, pixels)]);
}

#[test]
fn png_layouts_without_a_slot_format_are_narrowed() {
    let directory = tempfile::tempdir().unwrap();
    let cases: [(&str, &[u8], ExtendedColorType, PixelFormat, &[u8]); 5] = [
        (
            "rgba",
            &[1, 2, 3, 200, 4, 5, 6, 0],
            ExtendedColorType::Rgba8,
            PixelFormat::Rgb8,
            &[1, 2, 3, 4, 5, 6],
        ),
        ("grey_alpha", &[9, 255, 8, 0], ExtendedColorType::La8, PixelFormat::Mono8, &[9, 8]),
        ("grey", &[9, 8], ExtendedColorType::L8, PixelFormat::Mono8, &[9, 8]),
        (
            "depth",
            &[0x10, 0x27, 0x01, 0x00],
            ExtendedColorType::L16,
            PixelFormat::Mono16,
            &[0x10, 0x27, 0x01, 0x00],
        ),
        (
            "deep",
            &[0, 10, 0, 20, 0, 30, 255, 40, 255, 50, 255, 60],
            ExtendedColorType::Rgb16,
            PixelFormat::Rgb8,
            &[10, 20, 30, 40, 50, 60],
        ),
    ];
    for (name, pixels, colour, format, expected) in cases {
        let path = file(directory.path(), &format!("{name}.png"), &png(pixels, 2, 1, colour));
        let mut source = open_path(&path, &SourceOptions::default()).unwrap();
        assert_eq!(source.info().first.format, format, "{name}");
        let got = frames(source.as_mut()).unwrap();
        assert_eq!((got[0].0.shape.format, got[0].1.as_slice()), (format, expected), "{name}");
    }
}

#[test]
fn a_directory_plays_in_the_order_of_numbers() {
    let directory = tempfile::tempdir().unwrap();
    for number in [10u8, 2, 1, 33] {
        let bytes = png(&[number; 3], 1, 1, ExtendedColorType::Rgb8);
        file(directory.path(), &format!("frame{number}.PNG"), &bytes);
    }
    file(directory.path(), "notes.txt", b"not an image");
    let mut source = open_path(directory.path(), &SourceOptions::default()).unwrap();
    assert_eq!(source.info().frames, Some(4));
    let order: Vec<u8> = frames(source.as_mut()).unwrap().iter().map(|(_, bytes)| bytes[0]).collect();
    assert_eq!(order, [1, 2, 10, 33]);
}

#[test]
fn a_looping_source_starts_over_and_keeps_counting() {
    let directory = tempfile::tempdir().unwrap();
    let path = file(directory.path(), "a.mjpeg", &[jpeg(16, 8), jpeg(16, 8), jpeg(16, 8)].concat());
    let mut source = open_path(&path, &SourceOptions { looping: true, ..Default::default() }).unwrap();
    let mut sink = Buffer::default();
    for index in 0..8 {
        assert_eq!(source.next(&mut sink).unwrap().unwrap().index, index);
    }
}

#[test]
fn a_stream_of_jpegs_is_cut_at_their_ends() {
    let one = jpeg(32, 16);
    let mut stream = b"--boundary\r\nContent-Type: image/jpeg\r\n\r\n".to_vec();
    let mut places = Vec::new();
    for _ in 0..3 {
        places.push((stream.len() as u64, one.len()));
        stream.extend_from_slice(&one);
        stream.extend_from_slice(b"\r\n--boundary\r\n\xFF");
    }
    assert_eq!(split_mjpeg(&stream), (places, 0));
}

#[test]
fn a_thumbnail_inside_a_jpeg_is_not_a_frame() {
    let (inner, outer) = (jpeg(8, 8), jpeg(32, 16));
    let mut bytes = outer[..2].to_vec();
    bytes.extend_from_slice(&[0xFF, 0xE1]);
    bytes.extend_from_slice(&u16::try_from(inner.len() + 2).unwrap().to_be_bytes());
    bytes.extend_from_slice(&inner);
    bytes.extend_from_slice(&outer[2..]);
    let (good, bad) = split_mjpeg(&bytes);
    assert_eq!((good, bad), (vec![(0, bytes.len())], 0));
    let layout = jpeg_layout(&bytes).unwrap();
    assert_eq!((layout.header.width, layout.header.height), (32, 16));
}

#[test]
fn skip_bad_counts_the_bad_and_plays_the_rest() {
    let directory = tempfile::tempdir().unwrap();
    let good = jpeg(48, 32);
    let mut torn = good.clone();
    torn.truncate(good.len() - 40);
    let path = file(directory.path(), "a.mjpg", &[good.clone(), torn, good.clone(), good].concat());
    let message = refusal(&path, &SourceOptions::default(), "PG-0504");
    assert!(message.contains("a new image starts"), "{message}");

    let mut source = open_path(&path, &SourceOptions { skip_bad: true, ..Default::default() }).unwrap();
    assert_eq!(frames(source.as_mut()).unwrap().len(), 3);
    assert_eq!(source.bad_frames(), 1);
    assert!(source.last_bad().unwrap().contains("PG-0504"));
}

#[test]
fn a_bad_image_in_a_directory_is_named() {
    let directory = tempfile::tempdir().unwrap();
    let good = jpeg(48, 32);
    file(directory.path(), "1.jpg", &good);
    file(directory.path(), "2.jpg", &good[..good.len() - 9]);
    file(directory.path(), "3.jpg", &good);
    let mut source = open_path(directory.path(), &SourceOptions::default()).unwrap();
    let mut sink = Buffer::default();
    source.next(&mut sink).unwrap();
    let message = source.next(&mut sink).unwrap_err().to_string();
    assert!(message.starts_with("PG-0503") && message.contains("2.jpg"), "{message}");
    // A strict source goes on behind the bad frame as well, should its owner choose to.
    assert_eq!(source.next(&mut sink).unwrap().unwrap().index, 1);
    assert!(source.current().ends_with("3.jpg"));
}

#[test]
fn rubbish_alone_is_an_error_and_no_endless_loop() {
    let directory = tempfile::tempdir().unwrap();
    let good = jpeg(48, 32);
    file(directory.path(), "1.jpg", &good[..good.len() - 9]);
    file(directory.path(), "2.jpg", b"nonsense");
    let options = SourceOptions { skip_bad: true, looping: true, ..Default::default() };
    let mut source = open_path(directory.path(), &options).unwrap();
    let error = source.next(&mut Buffer::default()).unwrap_err();
    assert!(matches!(error, CameraError::NothingGood { bad: 2, .. }), "{error}");
}

#[test]
fn malformed_inputs_give_one_clear_error_each() {
    let directory = tempfile::tempdir().unwrap();
    let at = directory.path();
    let options = SourceOptions::default();
    let good = jpeg(64, 48);

    refusal(&at.join("missing.jpg"), &options, "PG-0501");
    refusal(&file(at, "text.jpg", b"hello there, world"), &options, "PG-0502");
    refusal(&file(at, "empty.png", b""), &options, "PG-0502");
    let message = refusal(&file(at, "cut.jpg", &good[..good.len() / 2]), &options, "PG-0503");
    assert!(message.contains(&format!("byte {}", good.len() / 2)), "{message}");
    refusal(&file(at, "head.jpg", &good[..30]), &options, "PG-0503");
    let picture = png(&gradient(64, 48), 64, 48, ExtendedColorType::Rgb8);
    refusal(&file(at, "cut.png", &picture[..picture.len() / 2]), &options, "PG-0503");
    refusal(&file(at, "head.png", &picture[..20]), &options, "PG-0503");
    let mut broken = picture.clone();
    let middle = broken.len() / 2;
    broken[middle] ^= 0x55;
    refusal(&file(at, "broken.png", &broken), &options, "PG-0504");

    // The size stands 5 bytes behind the marker FF C0.
    let place = good.windows(2).position(|window| window == [0xFF, 0xC0]).unwrap() + 5;
    let sized = |height: u16, width: u16| {
        let mut bytes = good.clone();
        bytes[place..place + 2].copy_from_slice(&height.to_be_bytes());
        bytes[place + 2..place + 4].copy_from_slice(&width.to_be_bytes());
        bytes
    };
    refusal(&file(at, "huge.jpg", &sized(65_535, 65_535)), &options, "PG-0505");
    let message = refusal(&file(at, "flat.jpg", &sized(0, 64)), &options, "PG-0506");
    assert!(message.contains("64 x 0") && message.contains(&format!("byte {place}")), "{message}");
    let mut huge = picture.clone();
    huge[16..24].copy_from_slice(&[0x3B, 0x9A, 0xCA, 0x00, 0x3B, 0x9A, 0xCA, 0x00]);
    let message = refusal(&file(at, "huge.png", &huge), &options, "PG-0505");
    assert!(message.contains("1000000000 x 1000000000"), "{message}");
    let mut progressive = good.clone();
    progressive[place - 4] = 0xC9;
    refusal(&file(at, "arithmetic.jpg", &progressive), &options, "PG-0508");

    let bare = at.join("bare");
    fs::create_dir(&bare).unwrap();
    fs::write(bare.join("readme.txt"), "").unwrap();
    let message = refusal(&bare, &options, "PG-0507");
    assert!(message.contains("1 other"), "{message}");
    refusal(&file(at, "none.mjpeg", b"\r\n--boundary"), &options, "PG-0504");
}

#[test]
fn malformed_y4m_gives_one_clear_error_each() {
    let directory = tempfile::tempdir().unwrap();
    let at = directory.path();
    let options = SourceOptions::default();
    let frame = [b"FRAME\n".as_slice(), &[128; 4 * 4 * 3 / 2]].concat();
    let video = |header: &str, frames: usize| {
        [format!("YUV4MPEG2{header}\n").into_bytes(), frame.repeat(frames)].concat()
    };
    refusal(&file(at, "a.y4m", &video(" W4 F30:1", 1)), &options, "PG-0504");
    refusal(&file(at, "b.y4m", &video(" W4 H-4", 1)), &options, "PG-0504");
    refusal(&file(at, "c.y4m", &video(" W4 H4x", 1)), &options, "PG-0504");
    refusal(&file(at, "d.y4m", &video(" W0 H4", 1)), &options, "PG-0506");
    refusal(&file(at, "e.y4m", &video(" W1000000000 H1000000000", 1)), &options, "PG-0505");
    refusal(&file(at, "f.y4m", &video(" W18446744073709551615 H4", 1)), &options, "PG-0505");
    let message = refusal(&file(at, "g.y4m", &video(" W4 H4 C420p10", 1)), &options, "PG-0508");
    assert!(message.contains("C420p10") && message.contains("ffmpeg"), "{message}");
    refusal(&file(at, "h.y4m", b"YUV4MPEG2 W4 H4"), &options, "PG-0503");
    refusal(&file(at, "i.y4m", &[b"YUV4MPEG2 ".as_slice(), &[b'x'; 5000]].concat()), &options, "PG-0504");
    let whole = video(" W4 H4", 2);
    let message = refusal(&file(at, "j.y4m", &whole[..whole.len() - 3]), &options, "PG-0503");
    assert!(message.contains(&format!("byte {}", whole.len() - 3)), "{message}");
    let mut broken = whole.clone();
    broken[16 + 30] = b'X';
    refusal(&file(at, "k.y4m", &broken), &options, "PG-0504");

    let skip = SourceOptions { skip_bad: true, ..options };
    let mut source = open_path(&at.join("j.y4m"), &skip).unwrap();
    assert_eq!(frames(source.as_mut()).unwrap().len(), 1);
    assert_eq!(source.bad_frames(), 1);
}

/// BT.601 in floating point, written from the definition: E'y = 0.299 R + 0.587 G + 0.114 B, quantised to 16..235 and
/// 16..240 (limited), or 0..255 (full).
fn reference(y: u8, u: u8, v: u8, full: bool) -> [f64; 3] {
    let (y, cb, cr) = if full {
        (f64::from(y) / 255.0, (f64::from(u) - 128.0) / 255.0, (f64::from(v) - 128.0) / 255.0)
    } else {
        ((f64::from(y) - 16.0) / 219.0, (f64::from(u) - 128.0) / 224.0, (f64::from(v) - 128.0) / 224.0)
    };
    let (red, blue) = (y + 2.0 * (1.0 - 0.299) * cr, y + 2.0 * (1.0 - 0.114) * cb);
    let green = (y - 0.299 * red - 0.114 * blue) / 0.587;
    [red, green, blue].map(|value| (value * 255.0).clamp(0.0, 255.0))
}

#[test]
fn y4m_colours_are_those_of_the_definition() {
    for full in [false, true] {
        let range = if full { YuvRange::Full } else { YuvRange::Limited };
        let mut worst = 0.0f64;
        for y in (0..=255u8).step_by(5) {
            for u in (0..=255u8).step_by(5) {
                for v in (0..=255u8).step_by(5) {
                    let mut out = [0; 3];
                    to_rgb((&[y], &[u], &[v]), 1, (1, 1), range, &mut out);
                    for (got, want) in out.iter().zip(reference(y, u, v, full)) {
                        worst = worst.max((f64::from(*got) - want).abs());
                    }
                }
            }
        }
        assert!(worst < 0.51, "off by {worst}, full range {full}");
    }
}

/// Odd sizes: the last column and row of colour cover one pixel.
#[test]
fn y4m_layouts_put_colour_where_it_belongs() {
    let (width, height) = (5usize, 3usize);
    let directory = tempfile::tempdir().unwrap();
    let luma: Vec<u8> = (0..width * height).map(|at| 40 + 10 * at as u8).collect();
    for (name, across, down) in [("420jpeg", 2, 2), ("420", 2, 2), ("422", 2, 1), ("444", 1, 1)] {
        let (wide, high) = (width.div_ceil(across), height.div_ceil(down));
        let u: Vec<u8> = (0..wide * high).map(|at| 60 + 9 * at as u8).collect();
        let v: Vec<u8> = (0..wide * high).map(|at| 200 - 7 * at as u8).collect();
        let mut bytes =
            format!("YUV4MPEG2 W5 H3 F30000:1001 Ip A1:1 C{name} XCOLORRANGE=FULL\n").into_bytes();
        bytes.extend([b"FRAME Ip\n".as_slice(), &luma, &u, &v].concat());
        let path = file(directory.path(), &format!("{name}.y4m"), &bytes);
        let mut source = open_path(&path, &SourceOptions::default()).unwrap();
        assert!((source.info().rate_hz.unwrap() - 29.97).abs() < 0.01);
        let (info, pixels) = frames(source.as_mut()).unwrap().remove(0);
        assert_eq!(info.shape, FrameShape { width: 5, height: 3, format: PixelFormat::Rgb8 });
        for (at, pixel) in pixels.chunks(3).enumerate() {
            let colour = at / width / down * wide + at % width / across;
            for (got, want) in pixel.iter().zip(reference(luma[at], u[colour], v[colour], true)) {
                assert!((f64::from(*got) - want).abs() < 0.51, "{name} pixel {at}");
            }
        }
    }
}

#[test]
fn native_y4m_is_nv12_and_grey_is_mono8() {
    let directory = tempfile::tempdir().unwrap();
    let (luma, u, v): (Vec<u8>, [u8; 2], [u8; 2]) = ((1..=8).collect(), [100, 101], [200, 201]);
    let bytes = [b"YUV4MPEG2 W4 H2 C420\nFRAME\n".as_slice(), &luma, &u, &v].concat();
    let path = file(directory.path(), "a.y4m", &bytes);
    let options = SourceOptions { yuv: YuvOutput::Native, ..Default::default() };
    let got = frames(open_path(&path, &options).unwrap().as_mut()).unwrap();
    assert_eq!(got[0].0.shape.format, PixelFormat::Nv12);
    assert_eq!(got[0].1, [1, 2, 3, 4, 5, 6, 7, 8, 100, 200, 101, 201]);

    let path =
        file(directory.path(), "b.y4m", &[b"YUV4MPEG2 W4 H2 Cmono\nFRAME\n".as_slice(), &luma].concat());
    let got = frames(open_path(&path, &options).unwrap().as_mut()).unwrap();
    assert_eq!((got[0].0.shape.format, &got[0].1), (PixelFormat::Mono8, &luma));
}

fn chunk(id: &[u8; 4], body: &[u8]) -> Vec<u8> {
    let mut bytes = [id.as_slice(), &(body.len() as u32).to_le_bytes(), body].concat();
    if body.len() % 2 == 1 {
        bytes.push(0);
    }
    bytes
}

fn avi(codec: &[u8; 4], pictures: &[Vec<u8>]) -> Vec<u8> {
    let mut strf = vec![0; 40];
    strf[16..20].copy_from_slice(codec);
    let strl = [b"strl".to_vec(), chunk(b"strh", b"vidsMJPG"), chunk(b"strf", &strf)].concat();
    let hdrl = [b"hdrl".to_vec(), chunk(b"avih", &40_000u32.to_le_bytes()), chunk(b"LIST", &strl)].concat();
    let mut movi = b"movi".to_vec();
    for picture in pictures {
        movi.extend(chunk(b"00dc", picture));
        movi.extend(chunk(b"01wb", b"sound"));
    }
    chunk(b"RIFF", &[b"AVI ".to_vec(), chunk(b"LIST", &hdrl), chunk(b"LIST", &movi)].concat())
}

#[test]
fn an_avi_of_motion_jpeg_plays() {
    let directory = tempfile::tempdir().unwrap();
    let path = file(directory.path(), "a.avi", &avi(b"MJPG", &[jpeg(16, 8), jpeg(16, 8)]));
    let mut source = open_path(&path, &SourceOptions { looping: true, ..Default::default() }).unwrap();
    assert_eq!(source.info().rate_hz, Some(25.0));
    let mut sink = Buffer::default();
    for index in 0..5 {
        assert_eq!(source.next(&mut sink).unwrap().unwrap().index, index);
    }
    let mut whole = avi(b"MJPG", &[jpeg(16, 8)]);
    let path = file(directory.path(), "h264.avi", &avi(b"H264", &[vec![0, 0, 1]]));
    assert!(refusal(&path, &SourceOptions::default(), "PG-0508").contains("H264"));
    whole.truncate(whole.len() - 60);
    refusal(&file(directory.path(), "cut.avi", &whole), &SourceOptions::default(), "PG-0503");
    refusal(&file(directory.path(), "none.avi", &avi(b"MJPG", &[])), &SourceOptions::default(), "PG-0504");
}

#[test]
fn the_pattern_counts_moves_and_repeats() {
    let options = PatternOptions { width: 160, height: 120, seed: 7, frames: Some(300) };
    let mut source = Pattern::new(options, &Limits::default()).unwrap();
    let all = frames(&mut source).unwrap();
    assert_eq!(all.len(), 300);
    for (index, (_, bytes)) in all.iter().enumerate() {
        assert_eq!(read_counter(bytes, 160, 480), Some(index as u32));
    }
    let bars = |frame: usize| &all[frame].1[60 * 480..61 * 480];
    assert_ne!(bars(0), bars(1));
    assert_eq!(frames(&mut Pattern::new(options, &Limits::default()).unwrap()).unwrap(), all);
    let other = PatternOptions { seed: 8, ..options };
    assert_ne!(frames(&mut Pattern::new(other, &Limits::default()).unwrap()).unwrap()[0].1, all[0].1);
    for (width, height) in [(1, 1), (3, 2), (31, 5), (33, 200)] {
        let options = PatternOptions { width, height, seed: 0, frames: Some(2) };
        assert_eq!(frames(&mut Pattern::new(options, &Limits::default()).unwrap()).unwrap().len(), 2);
    }
    let none = PatternOptions { width: 0, ..options };
    assert!(matches!(Pattern::new(none, &Limits::default()), Err(CameraError::ZeroSize { .. })));
}

#[test]
fn a_sink_without_room_misses_the_frame_and_no_more() {
    struct Full;
    impl FrameSink for Full {
        fn frame(&mut self, _: &FrameShape) -> Result<Option<&mut [u8]>> {
            Ok(None)
        }
    }
    let directory = tempfile::tempdir().unwrap();
    let y4m =
        [b"YUV4MPEG2 W2 H2 Cmono\n".as_slice(), b"FRAME\n\x01\x02\x03\x04FRAME\n\x05\x06\x07\x08"].concat();
    let path = file(directory.path(), "a.y4m", &y4m);
    let mut source = open_path(&path, &SourceOptions::default()).unwrap();
    assert!(!source.next(&mut Full).unwrap().unwrap().written);
    let mut sink = Buffer::default();
    assert!(source.next(&mut sink).unwrap().unwrap().written);
    assert_eq!(sink.bytes, [5, 6, 7, 8]);
}

const CALIBRATION: &str = "image_width: 640
image_height: 480
camera_name: front
camera_matrix:
  rows: 3
  cols: 3
  data: [430.1, 0.0, 321.5, 0.0, 431.2, 239.5, 0.0, 0.0, 1.0]
distortion_model: plumb_bob
distortion_coefficients: {rows: 1, cols: 5, data: [-0.3, 0.1, 0.0, 0.001, 0.0]}
rectification_matrix: {rows: 3, cols: 3, data: [1, 0, 0, 0, 1, 0, 0, 0, 1]}
projection_matrix: {rows: 3, cols: 4, data: [400.0, 0, 320, 0, 0, 401.0, 240, 0, 0, 0, 1, 0]}
";

#[test]
fn a_ros_calibration_is_read() {
    let calibration = parse_calibration("front.yaml", CALIBRATION).unwrap();
    assert_eq!((calibration.width, calibration.height, calibration.name.as_str()), (640, 480, "front"));
    assert_eq!((calibration.k[0], calibration.k[4], calibration.p[5]), (430.1, 431.2, 401.0));
    assert_eq!(calibration.d, [-0.3, 0.1, 0.0, 0.001, 0.0]);
    assert!(calibration.is_calibrated() && !Calibration::uncalibrated(640, 480).is_calibrated());

    let directory = tempfile::tempdir().unwrap();
    let path = file(directory.path(), "front.yaml", CALIBRATION.as_bytes());
    assert_eq!(load_calibration(&format!("file://{}", path.display())).unwrap(), calibration);
    assert_eq!(load_calibration(path.to_str().unwrap()).unwrap(), calibration);
    let short = CALIBRATION.lines().take(9).collect::<Vec<_>>().join("\n");
    assert_eq!(parse_calibration("front.yaml", &short).unwrap().p[0], 430.1);
}

#[test]
fn a_wrong_calibration_says_where() {
    for (from, to, said) in [
        ("image_width: 640", "", "image_width"),
        ("image_width: 640", "image_width: wide", "line 1"),
        ("image_width: 640", "image_width: 0", "0 x 480"),
        ("data: [430.1, 0.0,", "data: [430.1,", "camera_matrix"),
        ("430.1", ".nan", "NaN"),
        ("430.1", "-430.1", "focal"),
        ("plumb_bob", "fisheye", "fisheye"),
        ("[-0.3, 0.1, 0.0, 0.001, 0.0]", "[-0.3]", "distortion_coefficients"),
        ("rows: 3, cols: 4", "rows: 4, cols: 3", "projection_matrix"),
    ] {
        let message =
            parse_calibration("front.yaml", &CALIBRATION.replace(from, to)).unwrap_err().to_string();
        assert!(message.starts_with("PG-0511") && message.contains("front.yaml"), "{message}");
        assert!(message.contains(said), "{to}: {message}");
    }
    assert!(load_calibration("package://mine/front.yaml").unwrap_err().to_string().contains("file:///"));
    assert!(load_calibration("/nowhere/front.yaml").unwrap_err().to_string().starts_with("PG-0501"));
}

/// Real photos: nothing that cameras and editors write is taken for damage.
#[test]
fn real_photos_are_accepted() {
    let shared = std::env::var_os("PEREGRINE_SHARED").map(std::path::PathBuf::from);
    let beside = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared");
    let photos = shared.unwrap_or(beside).join("images/coco/val/images");
    if !photos.is_dir() {
        println!("SKIP real_photos_are_accepted: needs ../shared, found no folder {}", photos.display());
        return;
    }
    let mut source = open_directory(&photos, &SourceOptions::default()).unwrap();
    let (mut sink, mut count) = (Buffer::default(), 0);
    while let Some(image) = source.next(&mut sink).unwrap() {
        assert_eq!(sink.bytes.len(), image.shape.bytes());
        assert!(source.info().max_bytes >= sink.bytes.len());
        if count % 16 == 0 {
            let reference = image::open(source.current()).unwrap();
            assert_eq!((reference.width(), reference.height()), (image.shape.width, image.shape.height));
            assert_eq!(reference.as_bytes(), sink.bytes, "{}", source.current().display());
        }
        count += 1;
    }
    assert_eq!(Some(count), source.info().frames);
    assert!(count > 0);
}

/// USB cameras and AVI files leave the Huffman tables out; the standard ones are meant.
#[test]
fn motion_jpeg_without_huffman_tables_decodes_the_same() {
    let whole = jpeg(48, 32);
    let (mut bare, mut at) = (whole[..2].to_vec(), 2);
    while whole[at + 1] != 0xDA {
        let next = at + 2 + usize::from(u16::from_be_bytes([whole[at + 2], whole[at + 3]]));
        if whole[at + 1] != 0xC4 {
            bare.extend_from_slice(&whole[at..next]);
        }
        at = next;
    }
    bare.extend_from_slice(&whole[at..]);
    assert!(bare.len() + 100 < whole.len());
    let (mut with, mut without) = (Buffer::default(), Buffer::default());
    decode_still(Path::new("x"), 0, &whole, &Limits::default(), &mut with).unwrap();
    decode_still(Path::new("x"), 0, &bare, &Limits::default(), &mut without).unwrap();
    assert_eq!(with.bytes, without.bytes);
}
