//! A message written into memory of a fixed size is the same message, byte for byte, and what does not fit says so.

#![allow(clippy::unwrap_used, clippy::expect_used)] // a test may fail that way

mod common;

use peregrine_msgs::{Message, cdr, registry};
use peregrine_msgs::{
    diagnostic_msgs, geometry_msgs, nav_msgs, sensor_msgs, std_msgs, tf2_msgs, vision_msgs,
};

fn check<M: Message>() {
    let library = common::definitions();
    let name = common::type_name(M::TYPE_NAME);
    let support = registry::find(M::TYPE_NAME).unwrap();
    for seed in 0..20 {
        let value = common::Random(seed).value(&library, &library[&name]);
        let expected = (support.from_json)(&value).unwrap();
        let message: M = cdr::from_slice(&expected).unwrap();
        assert_eq!(cdr::encoded_len(&message), expected.len(), "{} with seed {seed}", M::TYPE_NAME);
        // Dirty memory, as a slot's is.
        let mut room = vec![0xee; expected.len() + 9];
        assert_eq!(cdr::to_slice(&message, &mut room), expected.len());
        assert_eq!(room[..expected.len()], expected, "{} with seed {seed}", M::TYPE_NAME);
        assert!(room[expected.len()..].iter().all(|b| *b == 0xee), "nothing behind it is touched");
        for short in [0, 3, 4, expected.len() / 2, expected.len() - 1] {
            let mut room = vec![0; short];
            assert_eq!(cdr::to_slice(&message, &mut room), expected.len(), "{} in {short}", M::TYPE_NAME);
        }
    }
}

#[test]
fn in_place_is_the_same() {
    check::<std_msgs::UInt32>();
    check::<std_msgs::String>();
    check::<sensor_msgs::PointCloud2>();
    check::<sensor_msgs::Image>();
    check::<sensor_msgs::CameraInfo>();
    check::<vision_msgs::Detection2DArray>();
    check::<nav_msgs::OccupancyGrid>();
    check::<geometry_msgs::PoseWithCovarianceStamped>();
    check::<tf2_msgs::TFMessage>();
    check::<diagnostic_msgs::DiagnosticArray>();
}
