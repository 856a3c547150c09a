//! Boxes of the bounding-box camera.

use peregrine_msgs::geometry_msgs::{Pose, PoseWithCovariance};
use peregrine_msgs::vision_msgs::{
    BoundingBox2D, BoundingBox3D, Detection2D, Detection2DArray, Detection3D, Detection3DArray,
    ObjectHypothesis, ObjectHypothesisWithPose, Point2D, Pose2D,
};

use super::Convert;
use super::frames::{from, stamped};
use crate::msgs::geometry::{AxisAligned2DBox, Oriented3DBox, Vector2d};
use crate::msgs::sensing::{
    AnnotatedAxisAligned2DBox, AnnotatedAxisAligned2DBoxV, AnnotatedOriented3DBox, AnnotatedOriented3DBoxV,
};

/// Gazebo's labels are numbers; a class that is called by a name has none.
fn label(results: &[ObjectHypothesisWithPose]) -> u32 {
    results.first().and_then(|r| r.hypothesis.class_id.parse().ok()).unwrap_or(0)
}

fn hypothesis(label: u32) -> ObjectHypothesis {
    ObjectHypothesis { class_id: label.to_string(), score: 1.0 }
}

impl Convert<AnnotatedAxisAligned2DBox> for Detection2D {
    fn to_gz(&self) -> AnnotatedAxisAligned2DBox {
        let (c, b) = (&self.bbox.center.position, &self.bbox);
        let corner = |sign: f64| Vector2d {
            header: None,
            x: c.x + sign * b.size_x / 2.0,
            y: c.y + sign * b.size_y / 2.0,
        };
        let extent =
            AxisAligned2DBox { header: None, min_corner: Some(corner(-1.0)), max_corner: Some(corner(1.0)) };
        AnnotatedAxisAligned2DBox {
            header: stamped(&self.header),
            r#box: Some(extent),
            label: label(&self.results),
        }
    }
    fn from_gz(gz: &AnnotatedAxisAligned2DBox) -> Self {
        let extent = gz.r#box.clone().unwrap_or_default();
        let (low, high) = (extent.min_corner.unwrap_or_default(), extent.max_corner.unwrap_or_default());
        let position = Point2D { x: (low.x + high.x) / 2.0, y: (low.y + high.y) / 2.0 };
        let hypothesis = hypothesis(gz.label);
        Self {
            header: from(gz.header.as_ref()),
            results: vec![ObjectHypothesisWithPose { hypothesis, ..Default::default() }],
            bbox: BoundingBox2D {
                center: Pose2D { position, theta: 0.0 },
                size_x: high.x - low.x,
                size_y: high.y - low.y,
            },
            id: String::new(),
        }
    }
}

impl Convert<AnnotatedAxisAligned2DBoxV> for Detection2DArray {
    fn to_gz(&self) -> AnnotatedAxisAligned2DBoxV {
        let annotated_box = self.detections.iter().map(Convert::to_gz).collect();
        AnnotatedAxisAligned2DBoxV { header: stamped(&self.header), annotated_box }
    }
    fn from_gz(gz: &AnnotatedAxisAligned2DBoxV) -> Self {
        let detections = gz.annotated_box.iter().map(Convert::from_gz).collect();
        Self { header: from(gz.header.as_ref()), detections }
    }
}

impl Convert<AnnotatedOriented3DBox> for Detection3D {
    fn to_gz(&self) -> AnnotatedOriented3DBox {
        let b = &self.bbox;
        let extent = Oriented3DBox {
            header: None,
            center: Some(b.center.position.to_gz()),
            orientation: Some(b.center.orientation.to_gz()),
            box_size: Some(b.size.to_gz()),
        };
        AnnotatedOriented3DBox {
            header: stamped(&self.header),
            r#box: Some(extent),
            label: label(&self.results),
        }
    }
    fn from_gz(gz: &AnnotatedOriented3DBox) -> Self {
        let extent = gz.r#box.clone().unwrap_or_default();
        let center = Pose {
            position: Convert::from_gz(&extent.center.unwrap_or_default()),
            orientation: Convert::from_gz(&extent.orientation.unwrap_or_default()),
        };
        let pose = PoseWithCovariance { pose: center.clone(), ..Default::default() };
        Self {
            header: from(gz.header.as_ref()),
            results: vec![ObjectHypothesisWithPose { hypothesis: hypothesis(gz.label), pose }],
            bbox: BoundingBox3D { center, size: Convert::from_gz(&extent.box_size.unwrap_or_default()) },
            id: String::new(),
        }
    }
}

impl Convert<AnnotatedOriented3DBoxV> for Detection3DArray {
    fn to_gz(&self) -> AnnotatedOriented3DBoxV {
        let annotated_box = self.detections.iter().map(Convert::to_gz).collect();
        AnnotatedOriented3DBoxV { header: stamped(&self.header), annotated_box }
    }
    fn from_gz(gz: &AnnotatedOriented3DBoxV) -> Self {
        let detections = gz.annotated_box.iter().map(Convert::from_gz).collect();
        Self { header: from(gz.header.as_ref()), detections }
    }
}
