//! Boxes as `vision_msgs/Detection2DArray`.

use peregrine_models::{Detection, Detector};
use peregrine_msgs::std_msgs::Header;
use peregrine_msgs::vision_msgs::{
    BoundingBox2D, Detection2D, Detection2DArray, LabelInfo, ObjectHypothesisWithPose, VisionClass,
};

/// The message for one picture: `header` is the picture's own, boxes are in its pixels (centre and size), best first.
/// `id` stays empty: numbering what is the same from frame to frame is the tracker's work.
pub fn to_message(header: &Header, detections: &[Detection]) -> Detection2DArray {
    let one = |detection: &Detection| {
        let mut result = ObjectHypothesisWithPose::default();
        result.hypothesis.class_id = detection.label.to_string();
        result.hypothesis.score = f64::from(detection.score);
        let mut bbox = BoundingBox2D::default();
        bbox.center.position.x = f64::from(detection.x + detection.width / 2.0);
        bbox.center.position.y = f64::from(detection.y + detection.height / 2.0);
        bbox.size_x = f64::from(detection.width);
        bbox.size_y = f64::from(detection.height);
        Detection2D { header: header.clone(), results: vec![result], bbox, id: String::new() }
    };
    Detection2DArray { header: header.clone(), detections: detections.iter().map(one).collect() }
}

/// Names of the model's classes by number, in the order of the network, and the lowest score that is published. A detection's
/// `class_id` is such a name.
pub fn label_info(header: Header, detector: &Detector) -> LabelInfo {
    LabelInfo { header, class_map: class_map(detector.labels()), threshold: detector.score_threshold() }
}

/// Names of classes by number.
pub fn class_map(labels: &[std::sync::Arc<str>]) -> Vec<VisionClass> {
    let class = |(number, name): (usize, &std::sync::Arc<str>)| VisionClass {
        class_id: u16::try_from(number).unwrap_or(u16::MAX),
        class_name: name.to_string(),
    };
    labels.iter().enumerate().map(class).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn corners_become_a_centre() {
        let header = Header { frame_id: "camera_optical".into(), ..Header::default() };
        let seen = Detection {
            label_index: 11,
            label: "stop sign".into(),
            score: 0.5,
            x: 10.0,
            y: 20.0,
            width: 30.0,
            height: 40.0,
        };
        let message = to_message(&header, &[seen]);
        let first = &message.detections[0];
        assert_eq!((first.bbox.center.position.x, first.bbox.center.position.y), (25.0, 40.0));
        assert_eq!((first.bbox.size_x, first.bbox.size_y), (30.0, 40.0));
        assert_eq!(message.best_hypotheses().next().unwrap().class_id, "stop sign");
        assert_eq!(first.header, header);
    }
}
