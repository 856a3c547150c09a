//! Boxes as `vision_msgs/Detection2DArray`, classes as `vision_msgs/LabelInfo`, and what is told of either.

use peregrine_models::Detection;
use peregrine_msgs::builtin_interfaces::Time;
use peregrine_msgs::diagnostic_msgs::{DiagnosticArray, DiagnosticStatus, KeyValue};
use peregrine_msgs::std_msgs::Header;
use peregrine_msgs::vision_msgs::{
    Detection2D, Detection2DArray, LabelInfo, ObjectHypothesisWithPose, VisionClass,
};

/// Writes boxes into messages that are there already.
///
/// Invariant: nothing is allocated for a picture that shows no more than one before it, in names no longer.
#[derive(Debug, Default)]
pub struct Boxes {
    /// What the present message needs no longer.
    spare: Vec<Detection2D>,
}

impl Boxes {
    /// Fills the message for one picture: `stamp` and `frame_id` are the picture's own, boxes are in its pixels (centre and
    /// size), best first. `message` is empty, or was filled here before. `id` stays empty: numbering what is the same from
    /// frame to frame is the tracker's work.
    pub fn fill(
        &mut self,
        message: &mut Detection2DArray,
        stamp: &Time,
        frame_id: &str,
        detections: &[Detection],
    ) {
        head(&mut message.header, stamp, frame_id);
        let boxes = &mut message.detections;
        self.spare.extend(boxes.drain(detections.len().min(boxes.len())..));
        while boxes.len() < detections.len() {
            boxes.push(self.spare.pop().unwrap_or_default());
        }
        for (out, detection) in boxes.iter_mut().zip(detections) {
            head(&mut out.header, stamp, frame_id);
            out.results.resize_with(1, ObjectHypothesisWithPose::default);
            let hypothesis = &mut out.results[0].hypothesis;
            rewrite(&mut hypothesis.class_id, &detection.label);
            hypothesis.score = f64::from(detection.score);
            out.bbox.center.position.x = f64::from(detection.x + detection.width / 2.0);
            out.bbox.center.position.y = f64::from(detection.y + detection.height / 2.0);
            out.bbox.size_x = f64::from(detection.width);
            out.bbox.size_y = f64::from(detection.height);
        }
    }
}

fn head(header: &mut Header, stamp: &Time, frame_id: &str) {
    header.stamp.clone_from(stamp);
    rewrite(&mut header.frame_id, frame_id);
}

fn rewrite(text: &mut String, with: &str) {
    if text != with {
        text.clear();
        text.push_str(with);
    }
}

/// Names of a model's classes by number, in the order of the network, and the lowest score that is published. A detection's
/// `class_id` is such a name.
pub fn label_info(stamp: Time, labels: &[std::sync::Arc<str>], threshold: f32) -> LabelInfo {
    let class = |(number, name): (usize, &std::sync::Arc<str>)| VisionClass {
        class_id: u16::try_from(number).unwrap_or(u16::MAX),
        class_name: name.to_string(),
    };
    let header = Header { stamp, frame_id: String::new() };
    LabelInfo { header, class_map: labels.iter().enumerate().map(class).collect(), threshold }
}

/// One status, as `~/watch` and `/diagnostics` carry it.
pub fn status(
    stamp: Time,
    level: u8,
    name: String,
    message: String,
    values: Vec<KeyValue>,
) -> DiagnosticArray {
    let header = Header { stamp, frame_id: String::new() };
    let status = DiagnosticStatus { level, name, message, hardware_id: String::new(), values };
    DiagnosticArray { header, status: vec![status] }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seen(label: &str, x: f32) -> Detection {
        let label = label.into();
        Detection { label_index: 11, label, score: 0.5, x, y: 20.0, width: 30.0, height: 40.0 }
    }

    #[test]
    fn corners_become_a_centre() {
        let (mut boxes, mut message) = (Boxes::default(), Detection2DArray::default());
        let stamp = Time { sec: 7, nanosec: 9 };
        boxes.fill(&mut message, &stamp, "camera_optical", &[seen("stop sign", 10.0)]);
        let first = &message.detections[0];
        assert_eq!((first.bbox.center.position.x, first.bbox.center.position.y), (25.0, 40.0));
        assert_eq!((first.bbox.size_x, first.bbox.size_y), (30.0, 40.0));
        assert_eq!(message.best_hypotheses().next().unwrap().class_id, "stop sign");
        assert_eq!((&first.header, &first.header.stamp), (&message.header, &stamp));
        assert_eq!(message.header.frame_id, "camera_optical");
    }

    #[test]
    fn a_message_that_was_filled_before_shows_nothing_of_it() {
        let mut boxes = Boxes::default();
        let fill = |boxes: &mut Boxes, message: &mut Detection2DArray, all: &[Detection]| {
            boxes.fill(message, &Time::default(), "camera", all);
        };
        let mut used = Detection2DArray::default();
        let stamp = Time { sec: 1, nanosec: 2 };
        let many = ["bus", "umbrella", "cat"].map(|label| seen(label, 3.0));
        boxes.fill(&mut used, &stamp, "another camera", &many);
        for next in
            [&[seen("dog", 1.0)][..], &[], &[seen("a", 1.0), seen("b", 2.0), seen("c", 5.0), seen("d", 9.0)]]
        {
            fill(&mut boxes, &mut used, next);
            let mut fresh = Detection2DArray::default();
            fill(&mut Boxes::default(), &mut fresh, next);
            assert_eq!(used, fresh);
        }
    }
}
