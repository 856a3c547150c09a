//! What lives beside the generated types.

#![allow(clippy::unwrap_used, clippy::expect_used)] // a test may fail that way

use peregrine_msgs::builtin_interfaces::{Duration, Time};
use peregrine_msgs::image::ImageHeader;
use peregrine_msgs::sensor_msgs::Image;
use peregrine_msgs::vision_msgs::{
    Detection2D, Detection2DArray, ObjectHypothesis, ObjectHypothesisWithPose,
};
use peregrine_msgs::{cdr, geometry_msgs, sensor_msgs, std_msgs, visualization_msgs};

#[test]
fn time_is_nanoseconds() {
    for (nanos, sec, nanosec) in [
        (0, 0, 0),
        (1, 0, 1),
        (1_500_000_000, 1, 500_000_000),
        (-1, -1, 999_999_999),
        (-500_000_000, -1, 500_000_000),
        (-2_000_000_000, -2, 0),
        (i64::from(i32::MAX) * 1_000_000_000 + 999_999_999, i32::MAX, 999_999_999),
        (i64::from(i32::MIN) * 1_000_000_000, i32::MIN, 0),
    ] {
        assert_eq!(Time::from_nanos(nanos), Time { sec, nanosec });
        assert_eq!(Duration::from_nanos(nanos), Duration { sec, nanosec });
        assert_eq!(Time { sec, nanosec }.to_nanos(), nanos);
        assert_eq!(Duration { sec, nanosec }.to_nanos(), nanos);
    }
    assert_eq!(Time::from_nanos(i64::MAX), Time { sec: i32::MAX, nanosec: 999_999_999 });
    assert_eq!(Time::from_nanos(i64::MIN), Time { sec: i32::MIN, nanosec: 0 });
    // A peer may send more nanoseconds than a second has.
    assert_eq!(
        Time { sec: i32::MAX, nanosec: u32::MAX }.to_nanos(),
        2_147_483_647_000_000_000 + 4_294_967_295
    );
}

#[test]
fn image_header_and_pixels_are_an_image() {
    for frame_id in ["", "a", "ab", "abc", "abcd", "camera_optical_frame", "caméra"] {
        for encoding in ["", "rgb8", "mono8", "32FC1", "yuv422_yuy2"] {
            let image = Image {
                header: std_msgs::Header {
                    stamp: Time::from_nanos(-5_000_000_123),
                    frame_id: frame_id.into(),
                },
                height: 2,
                width: 3,
                encoding: encoding.into(),
                is_bigendian: 1,
                step: 9,
                data: (0..18).collect(),
            };
            let header = ImageHeader {
                stamp: -5_000_000_123,
                frame_id,
                height: 2,
                width: 3,
                encoding,
                is_bigendian: true,
                step: 9,
                data_len: 18,
            };
            let whole = cdr::to_vec(&image);
            let mut bytes = vec![0xaa; 7];
            let offset = header.encode(&mut bytes);
            assert_eq!((offset, offset % 4, header.encoded_len()), (bytes.len(), 0, offset));
            assert_eq!(ImageHeader::decode(&bytes).unwrap(), (header, offset), "without pixels");
            bytes.extend(0..18);
            assert_eq!(bytes, whole);
            assert_eq!(ImageHeader::decode(&whole).unwrap(), (header, offset));
            for len in 0..offset {
                assert!(ImageHeader::decode(&whole[..len]).is_err());
            }
        }
    }
    let error = ImageHeader::decode(&[0, 1, 0, 0, 1, 0, 0, 0, 2, 0, 0, 0, 9]).unwrap_err().to_string();
    assert!(error.contains("sensor_msgs/msg/Image.header.frame_id"), "{error}");
}

#[test]
fn the_best_hypothesis_of_each_detection() {
    let detection = |scores: &[f64]| Detection2D {
        results: scores
            .iter()
            .enumerate()
            .map(|(i, score)| ObjectHypothesisWithPose {
                hypothesis: ObjectHypothesis { class_id: i.to_string(), score: *score },
                ..Default::default()
            })
            .collect(),
        ..Default::default()
    };
    let array = Detection2DArray {
        detections: vec![
            detection(&[0.2, 0.9, 0.9, 0.1]),
            detection(&[]),
            detection(&[f64::NAN, 0.3, f64::NAN]),
            detection(&[f64::NAN]),
            detection(&[-1.0]),
        ],
        ..Default::default()
    };
    let best: Vec<_> = array.best_hypotheses().map(|h| (h.class_id.as_str(), h.score)).collect();
    assert_eq!(best, [("1", 0.9), ("1", 0.3), ("0", -1.0)]);
}

#[test]
fn defaults_and_constants_are_those_of_the_definitions() {
    assert_eq!(geometry_msgs::Pose::default().orientation.w, 1.0);
    assert_eq!(sensor_msgs::NavSatStatus::default().status, -2);
    assert_eq!(sensor_msgs::NavSatStatus::STATUS_NO_FIX, -1);
    assert_eq!(visualization_msgs::Marker::TRIANGLE_LIST, 11);
    assert_eq!(sensor_msgs::PointField::FLOAT64, 8);
    assert_eq!(geometry_msgs::PoseWithCovariance::default().covariance, [0.0; 36]);
}

#[test]
fn a_buffer_is_reused() {
    let image = Image { data: vec![7; 1000], ..Default::default() };
    let mut buffer = Vec::new();
    cdr::to_buf(&image, &mut buffer);
    let (first, at, capacity) = (buffer.clone(), buffer.as_ptr(), buffer.capacity());
    cdr::to_buf(&image, &mut buffer);
    assert_eq!((&buffer, buffer.as_ptr(), buffer.capacity()), (&first, at, capacity));
}
