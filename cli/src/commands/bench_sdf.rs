//! An SDF world as a benchmark world: upright cylinders and boxes.
//!
//! What stands otherwise (spheres, capsules, cones, tilted things) becomes the upright cylinder or box that holds it:
//! larger, never smaller.

use std::path::Path;

use peregrine_avoidance::algo::geometry::Vec3;
use peregrine_sim::scenario;
use peregrine_sim::sdf::Loader;
use peregrine_sim::shape::Shape as Solid;
use peregrine_suites::world::{Shape, World};

use crate::error::{Error, Result};

/// Altitude of start and goal where the file names none, metres.
const ALTITUDE: f64 = 2.0;
/// From start to goal where the file names none, metres.
const DISTANCE: f64 = 60.0;

pub fn read(path: &Path) -> Result<World> {
    let name = path.display().to_string();
    let loaded = Loader::default().load_file(path)?;
    let world = scenario::from_sdf(loaded, &name, DISTANCE, ALTITUDE)?;
    let point = |p: [f64; 3]| Vec3::new(p[0], p[1], p[2]);
    let mut out = World::new(
        point([world.start.x, world.start.y, world.start.z]),
        point([world.goal.x, world.goal.y, world.goal.z]),
    );
    out.altitude = ((out.start.z.min(out.goal.z) - 1.2).max(0.6), out.start.z.max(out.goal.z) + 2.0);
    for solid in world.solids.all() {
        let at = solid.pose.translation.vector;
        let turn = solid.pose.rotation.to_rotation_matrix();
        let up = turn[(2, 2)].abs() > 0.999;
        // Half extents along the world's axes of a thing with these half edges.
        let hull = |x: f64, y: f64, z: f64| {
            let reach =
                |row: usize| turn[(row, 0)].abs() * x + turn[(row, 1)].abs() * y + turn[(row, 2)].abs() * z;
            Shape::Block {
                center: Vec3::new(at.x, at.y, at.z),
                half: Vec3::new(reach(0), reach(1), reach(2)),
                yaw: 0.0,
            }
        };
        let upright = |radius: f64, half: f64| Shape::Cylinder {
            x: at.x,
            y: at.y,
            radius,
            bottom: at.z - half,
            top: at.z + half,
        };
        let shape = match solid.shape {
            Solid::Plane { .. } => continue,
            Solid::Box { size } if up => Shape::Block {
                center: Vec3::new(at.x, at.y, at.z),
                half: Vec3::new(size.x, size.y, size.z) * 0.5,
                yaw: turn[(1, 0)].atan2(turn[(0, 0)]),
            },
            Solid::Box { size } => hull(size.x / 2.0, size.y / 2.0, size.z / 2.0),
            Solid::Cylinder { radius, length } | Solid::Cone { radius, length } if up => {
                upright(radius, length / 2.0)
            }
            Solid::Cylinder { radius, length } | Solid::Cone { radius, length } => {
                hull(radius, radius, length / 2.0)
            }
            Solid::Capsule { radius, length } if up => upright(radius, length / 2.0 + radius),
            Solid::Capsule { radius, length } => hull(radius, radius, length / 2.0 + radius),
            Solid::Sphere { radius } => upright(radius, radius),
            Solid::Ellipsoid { radii } => hull(radii.x, radii.y, radii.z),
            // A mesh is flown around as the upright boxes of its triangles: never smaller than the mesh.
            Solid::Triangle { corners: [a, b, c] } => {
                let [a, b, c] = [a, b, c].map(|p| turn * p + at);
                let (low, high) = (a.inf(&b).inf(&c), a.sup(&b).sup(&c));
                let (center, half) = ((low + high) * 0.5, (high - low) * 0.5);
                Shape::Block {
                    center: Vec3::new(center.x, center.y, center.z),
                    half: Vec3::new(half.x, half.y, half.z),
                    yaw: 0.0,
                }
            }
        };
        out.shapes.push(shape);
    }
    if out.shapes.is_empty() {
        return Err(Error::Argument {
            what: "--world",
            value: name,
            why: "it holds nothing to fly around; give a world with boxes, cylinders or other primitives"
                .into(),
        });
    }
    Ok(out)
}
