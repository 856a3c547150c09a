//! Damaged bytes are an error or another valid message, never a panic; and an error never costs much memory.

#![allow(clippy::unwrap_used, clippy::expect_used)] // a test may fail that way

mod common;

use peregrine_msgs::{CdrError, cdr, registry, sensor_msgs, std_msgs, vision_msgs};
use serde_json::json;

#[test]
fn every_cut_is_an_error() {
    let library = common::definitions();
    for structure in library.values() {
        let support = registry::find(&structure.name.full()).unwrap();
        let value = common::Random(3).value(&library, structure);
        let bytes = (support.from_json)(&value).unwrap();
        for len in 0..bytes.len() {
            let error = (support.to_json)(&bytes[..len]).expect_err(support.type_name);
            let code = if len < 4 { "PG-0301" } else { "PG-0303" };
            assert!(error.to_string().starts_with(code), "{} cut to {len}: {error}", support.type_name);
        }
    }
}

#[test]
fn damaged_bytes_never_panic() {
    let mut random = common::Random(11);
    let cases = common::golden("cdr_jazzy.json");
    let (mut errors, mut reads) = (0, 0);
    for case in cases.as_array().unwrap() {
        let support = registry::find(case["type"].as_str().unwrap()).unwrap();
        let original = common::unhex(case["cdr"].as_str().unwrap());
        for _ in 0..60 {
            let mut bytes = original.clone();
            for _ in 0..=random.below(3) {
                let at = random.below(bytes.len() as u64) as usize;
                match random.below(4) {
                    0 => bytes[at] = random.next() as u8,
                    1 => bytes[at] ^= 1 << random.below(8),
                    2 => bytes[at..].iter_mut().take(4).for_each(|b| *b = 0xff),
                    _ => bytes.truncate(at.max(1)),
                }
            }
            match (support.to_json)(&bytes) {
                // What was read must be writable again.
                Ok(value) => {
                    (support.from_json)(&value).unwrap();
                    reads += 1;
                }
                Err(error) => {
                    assert!(error.to_string().starts_with("PG-03"), "{error}");
                    errors += 1;
                }
            }
        }
    }
    assert!(errors > 1000 && reads > 1000, "the damage is one-sided: {errors} errors, {reads} reads");
}

#[test]
fn noise_never_panics() {
    let mut random = common::Random(5);
    for support in registry::all() {
        for len in 0..80 {
            let mut bytes: Vec<u8> = (0..len).map(|_| random.next() as u8 >> random.below(8)).collect();
            if let [first, second, ..] = bytes.as_mut_slice() {
                (*first, *second) = (0, random.below(2) as u8);
            }
            let _ = (support.to_json)(&bytes);
        }
    }
}

#[test]
fn a_length_beyond_the_payload_is_refused_with_its_place() {
    let mut bytes = cdr::to_vec(&sensor_msgs::Image::default());
    let at = bytes.len() - 4;
    bytes[at..].copy_from_slice(&u32::MAX.to_le_bytes());
    let error = cdr::from_slice::<sensor_msgs::Image>(&bytes).unwrap_err();
    assert_eq!(
        error,
        CdrError::Short {
            field: "sensor_msgs/msg/Image.data".into(),
            offset: bytes.len() - 4,
            needed: u32::MAX as usize,
            left: 0
        }
    );

    let mut array = vision_msgs::Detection2DArray::default();
    array.detections.resize(3, Default::default());
    let bytes = cdr::to_vec(&array);
    let error = cdr::from_slice::<vision_msgs::Detection2DArray>(&bytes[..bytes.len() - 1]).unwrap_err();
    let text = error.to_string();
    assert!(text.contains("vision_msgs/msg/Detection2DArray.detections[2].id"), "{text}");
}

#[test]
fn each_kind_of_damage_has_its_own_words() {
    let code = |bytes: &[u8]| cdr::from_slice::<std_msgs::String>(bytes).unwrap_err().to_string();
    assert!(code(&[0, 1, 0]).starts_with("PG-0301"));
    assert!(code(&[0, 7, 0, 0, 0, 0, 0, 0]).starts_with("PG-0302: the CDR encapsulation is 0x0007"));
    assert!(code(&[0, 1, 0, 0, 2, 0, 0, 0, b'a', b'b']).contains("does not end in NUL"));
    assert!(code(&[0, 1, 0, 0, 2, 0, 0, 0, 0xff, 0]).contains("not UTF-8"));
    let error = cdr::from_slice::<std_msgs::Bool>(&[0, 1, 0, 0, 2]).unwrap_err().to_string();
    assert!(error.starts_with("PG-0306: std_msgs/msg/Bool.data at offset 0 is 0x02"), "{error}");
    // A count of zero is how some writers say "empty string".
    assert_eq!(cdr::from_slice::<std_msgs::String>(&[0, 1, 0, 0, 0, 0, 0, 0]).unwrap().data, "");
}

#[test]
fn bounds_hold_both_ways() {
    use peregrine_msgs::Message;
    use peregrine_msgs::rcl_interfaces::{IntegerRange, ParameterDescriptor, ParameterEventDescriptors};
    let ranges =
        |n| ParameterDescriptor { integer_range: vec![IntegerRange::default(); n], ..Default::default() };
    assert!(ranges(1).check().is_ok());
    let error = ranges(2).check().unwrap_err().to_string();
    assert!(error.starts_with("PG-0304: integer_range holds 2 elements, above its bound of 1"), "{error}");
    let error = cdr::from_slice::<ParameterDescriptor>(&cdr::to_vec(&ranges(2))).unwrap_err().to_string();
    assert!(error.contains("ParameterDescriptor.integer_range holds 2"), "{error}");
    let outer = ParameterEventDescriptors { new_parameters: vec![ranges(2)], ..Default::default() };
    assert!(outer.check().unwrap_err().to_string().contains("new_parameters.integer_range"));
    let support = registry::find(ParameterDescriptor::TYPE_NAME).unwrap();
    let error = (support.from_json)(&json!({"integer_range": [{}, {}]})).unwrap_err().to_string();
    assert!(error.starts_with("PG-0304"), "{error}");
}

#[test]
fn json_mistakes_are_named() {
    let point = registry::find("geometry_msgs/msg/Point").unwrap();
    let error = |value| (point.from_json)(&value).unwrap_err().to_string();
    assert!(error(json!({"q": 1.0})).contains("unknown field `q`"));
    assert!(error(json!({"x": "fast"})).contains("\"NaN\""));
    assert!(error(json!("x")).starts_with("PG-0308: this JSON is no geometry_msgs/msg/Point"));
    assert!((point.from_json)(&json!({"x": 1})).is_ok(), "a whole number is a float as well");
    let pose = registry::find("geometry_msgs/msg/PoseWithCovariance").unwrap();
    let error = (pose.from_json)(&json!({"covariance": [1.0]})).unwrap_err().to_string();
    assert!(error.contains("36 numbers"), "{error}");
}
