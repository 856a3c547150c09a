//! The world's solids as markers, for reports and RViz.

use nalgebra::Vector3;
use peregrine::Time;
use peregrine_msgs::geometry_msgs::Vector3 as Vector3Msg;
use peregrine_msgs::std_msgs::ColorRGBA;
use peregrine_msgs::visualization_msgs::{Marker, MarkerArray};

use super::messages;
use crate::scenario::{ThingKind, World};
use crate::shape::Shape;

const CUBE: i32 = 1;
const SPHERE: i32 = 2;
const CYLINDER: i32 = 3;

/// One marker per solid but planes, in the frame odom. Namespaces: `trunk`, `crown`, `prop`, `other`; `text` is the
/// thing's name, `id` the number of the solid. Capsules and cones are drawn as the cylinder around them.
pub(super) fn obstacles(world: &World, at: Time) -> MarkerArray {
    let mut markers = Vec::new();
    for (id, solid) in world.solids.all().iter().enumerate() {
        let Some(half) = solid.shape.half_extents() else { continue };
        let thing = world.thing(solid.object);
        let round = matches!(solid.shape, Shape::Cylinder { .. });
        let (ns, [r, g, b]) = match thing.map(|t| t.kind) {
            Some(ThingKind::Tree) if round => ("trunk", [0.42, 0.31, 0.22]),
            Some(ThingKind::Tree) => ("crown", [0.30, 0.45, 0.20]),
            Some(ThingKind::Prop) => ("prop", [0.80, 0.25, 0.15]),
            _ => ("other", [0.55, 0.55, 0.55]),
        };
        let kind = match solid.shape {
            Shape::Sphere { .. } | Shape::Ellipsoid { .. } => SPHERE,
            Shape::Cylinder { .. } | Shape::Capsule { .. } | Shape::Cone { .. } => CYLINDER,
            _ => CUBE,
        };
        let size: Vector3<f64> = half * 2.0;
        markers.push(Marker {
            header: messages::header(at, "odom"),
            ns: ns.to_string(),
            id: id as i32,
            r#type: kind,
            pose: messages::pose(&solid.pose),
            scale: Vector3Msg { x: size.x, y: size.y, z: size.z },
            color: ColorRGBA { r, g, b, a: if ns == "crown" { 0.5 } else { 1.0 } },
            text: thing.map(|t| t.name.clone()).unwrap_or_default(),
            ..Default::default()
        });
    }
    MarkerArray { markers }
}
