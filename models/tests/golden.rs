//! Pure stages against values made by independent NumPy and OpenCV code (tests/reference/golden.py).
#![allow(clippy::unwrap_used, clippy::expect_used)] // helpers of tests; clippy sees only #[test] functions as such

mod common;

use common::{floats, golden, unhex};
use peregrine_models::decode::{Candidate, decode, nms};
use peregrine_models::manifest::{DecoderKind, Fit};
use peregrine_models::{ImageRef, InputMut, Manifest, PixelFormat, Preprocessor};

fn manifest() -> Manifest {
    Manifest::parse(include_str!("../weights/nanodet_g_416_int8.toml"), "nanodet_g_416_int8.toml").unwrap()
}

#[test]
fn decoders_agree_with_numpy() {
    let golden = golden("decoders.json");
    let classes = golden["classes"].as_u64().unwrap() as usize;
    let number = |key: &str| golden[key].as_f64().unwrap() as f32;
    for case in golden["cases"].as_array().unwrap() {
        let kind = case["kind"].as_str().unwrap();
        let mut manifest = manifest();
        (manifest.input.width, manifest.input.height) = (64, 64);
        let (decoder_kind, strides, reg_max) = match kind {
            "nanodet" => (DecoderKind::NanoDet, vec![8, 16, 32], Some(4)),
            "yolox" => (DecoderKind::Yolox, vec![8, 16, 32], None),
            _ => (DecoderKind::FastestDet, vec![16], None),
        };
        (manifest.decoder.kind, manifest.decoder.strides, manifest.decoder.reg_max) =
            (decoder_kind, strides, reg_max);
        let named = case["outputs"].as_object().unwrap();
        manifest.decoder.outputs = named.keys().cloned().collect();
        let outputs: Vec<Vec<f32>> = named.values().map(floats).collect();
        let views: Vec<&[f32]> = outputs.iter().map(Vec::as_slice).collect();
        let mut found = Vec::new();
        decode(&manifest, classes, &views, number("threshold"), &mut found);
        nms::suppress(&mut found, number("nms_iou"), golden["limit"].as_u64().unwrap() as usize);
        let expected: Vec<Vec<f32>> = case["boxes"].as_array().unwrap().iter().map(floats).collect();
        assert_eq!(found.len(), expected.len(), "{kind}: {found:?}");
        for (found, expected) in found.iter().zip(&expected) {
            let Candidate { label, score, x0, y0, x1, y1 } = *found;
            assert_eq!(label as f32, expected[0], "{kind}: {found:?} is not {expected:?}");
            for (a, b) in [score, x0, y0, x1, y1].into_iter().zip(&expected[1..]) {
                assert!((a - b).abs() < 2e-3, "{kind}: {found:?} is not {expected:?}");
            }
        }
        if kind == "nanodet" {
            joint_output_decodes_alike(&mut manifest, classes, &views, number("threshold"));
        }
    }
}

/// Upstream NanoDet exports hold classes and sides side by side in one output.
fn joint_output_decodes_alike(manifest: &mut Manifest, classes: usize, split: &[&[f32]], threshold: f32) {
    let mut joint = Vec::new();
    for (scores, sides) in split[..3].iter().zip(&split[3..]) {
        for (scores, sides) in scores.chunks(classes).zip(sides.chunks(20)) {
            joint.extend(scores.iter().chain(sides));
        }
    }
    let (mut from_split, mut from_joint) = (Vec::new(), Vec::new());
    decode(manifest, classes, split, threshold, &mut from_split);
    manifest.decoder.outputs = vec!["output".to_owned()];
    decode(manifest, classes, &[&joint], threshold, &mut from_joint);
    assert_eq!(from_split, from_joint);
}

/// Outputs that are too short, too long or not finite give fewer boxes, never a panic.
#[test]
fn decoders_survive_any_numbers() {
    use DecoderKind::{CenterNet, Detr, FastestDet, NanoDet, Ssd, YoloV8, Yolox};
    let heads = [
        (NanoDet, 6),
        (NanoDet, 1),
        (Yolox, 1),
        (FastestDet, 1),
        (YoloV8, 1),
        (CenterNet, 3),
        (CenterNet, 2),
        (Ssd, 3),
        (Ssd, 1),
        (Detr, 2),
        (Detr, 1),
    ];
    for (kind, outputs) in heads {
        let mut manifest = manifest();
        let d = &mut manifest.decoder;
        (d.kind, d.rows) = (kind, Some(300));
        for logits in [false, true] {
            manifest.decoder.logits = Some(logits);
            for value in [f32::NAN, f32::INFINITY, f32::NEG_INFINITY, 0.0, 0.5, 1e38, -1e38] {
                for length in [0, 7, 300 * 80, 2704 * 85, 3549 * 130 + 3] {
                    let output = vec![value; length];
                    let views = [output.as_slice(); 6];
                    let mut found = Vec::new();
                    decode(&manifest, 80, &views[..outputs], 0.1, &mut found);
                    nms::suppress(&mut found, 0.6, 100);
                    assert!(
                        found.iter().all(|c| c.score.is_finite() && c.x1 > c.x0 && c.label < 80),
                        "{kind:?} {outputs}"
                    );
                }
            }
        }
    }
}

#[test]
fn preprocessing_agrees_with_opencv() {
    let golden = golden("images.json");
    let side = golden["side"].as_u64().unwrap() as usize;
    for case in golden["cases"].as_array().unwrap() {
        let (width, height) =
            (case["width"].as_u64().unwrap() as usize, case["height"].as_u64().unwrap() as usize);
        let mut input = manifest().input;
        (input.width, input.height) = (side, side);
        (input.mean, input.std) = ([0.0; 3], [1.0; 3]);
        input.letterbox.pad = case["pad"].as_u64().unwrap() as u8;
        input.letterbox.fit = if case["stretch"].as_bool().unwrap() { Fit::Stretch } else { Fit::Letterbox };
        let bgr = unhex(&case["bgr"]);
        let expected = unhex(&case["planes"]);
        let mut tensor = vec![f32::NAN; 3 * side * side];
        let image = ImageRef::packed(&bgr, width, height, PixelFormat::Bgr8);
        Preprocessor::new(&input).run(&image, InputMut::F32(&mut tensor)).unwrap();
        // OpenCV interpolates in fixed point and rounds to whole levels.
        let off: Vec<f32> = tensor.iter().zip(&expected).map(|(a, b)| (a - f32::from(*b)).abs()).collect();
        let (worst, mean) =
            (off.iter().copied().fold(0.0, f32::max), off.iter().sum::<f32>() / off.len() as f32);
        assert!(worst < 1.01 && mean < 0.35, "{width}x{height}: worst {worst}, mean {mean} levels");
    }
}

#[test]
fn chroma_formats_agree_with_opencv() {
    let golden = golden("nv12.json");
    let (width, height) =
        (golden["width"].as_u64().unwrap() as usize, golden["height"].as_u64().unwrap() as usize);
    for (key, pixel) in [("nv12", PixelFormat::Nv12), ("yuyv", PixelFormat::Yuyv)] {
        let frame = unhex(&golden[key]);
        let expected = unhex(&golden[format!("{key}_bgr")]);
        let planes = same_size(&frame, width, height, pixel);
        for index in 0..width * height {
            for plane in 0..3 {
                let (a, b) = (planes[plane * width * height + index], f32::from(expected[3 * index + plane]));
                assert!((a - b).abs() <= 1.5, "{key}: pixel {index} plane {plane}: {a} is not {b}");
            }
        }
    }
}

/// The image at its own size in planes blue, green, red, without normalisation.
fn same_size(data: &[u8], width: usize, height: usize, pixel: PixelFormat) -> Vec<f32> {
    let mut input = manifest().input;
    (input.width, input.height) = (width, height);
    (input.mean, input.std) = ([0.0; 3], [1.0; 3]);
    let mut tensor = vec![f32::NAN; 3 * width * height];
    let image = ImageRef::packed(data, width, height, pixel);
    Preprocessor::new(&input).run(&image, InputMut::F32(&mut tensor)).unwrap();
    tensor
}
