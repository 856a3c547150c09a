//! Whether the vehicle of a file can be flown as the file has it, and what of it is not as it is there.

use nalgebra::{Point3, Vector3};

use crate::physics::Vehicle;
use crate::sdf::Report;
use crate::sdf::types::{Geometry, SdfModel};

/// Adds to the report what keeps the vehicle of a file from being flown in `gravity` (m/s2), and what touches in place of its
/// collisions.
pub(super) fn check(craft: &SdfModel, gravity: f64, report: &mut Report) {
    let centre = match Vehicle::of_model(craft) {
        Ok(vehicle) => {
            if let Err(reason) = vehicle.check_hover(gravity) {
                report.ignore(&format!("model/plugin[MulticopterMotorModel] of a vehicle {reason}"));
            }
            craft.pose * Point3::from(vehicle.centre)
        }
        Err(reason) => {
            report.ignore(&format!("model/plugin[MulticopterMotorModel]: {reason}"));
            Point3::from(craft.pose.translation.vector)
        }
    };
    let (mut count, mut reach) = (0, 0.0_f64);
    craft.visit_links(&mut |_, _, link| {
        for collision in &link.collisions {
            let far = |p: Vector3<f64>| (collision.pose * Point3::from(p) - centre).norm();
            let corners = |[low, high]: [Vector3<f64>; 2]| {
                (0..8).map(move |k| Vector3::from_fn(|i, _| if k >> i & 1 == 0 { low[i] } else { high[i] }))
            };
            let farthest = match &collision.geometry {
                Geometry::Shape(shape) => shape.bounds().map(|b| corners(b).map(far).fold(0.0, f64::max)),
                Geometry::Mesh(mesh) => {
                    mesh.data.bounds().map(|(low, high)| corners([low, high]).map(far).fold(0.0, f64::max))
                }
                Geometry::Empty => continue,
            };
            count += 1;
            reach = reach.max(farthest.unwrap_or(f64::INFINITY));
        }
    });
    if count > 0 {
        report.warn(format!(
            "vehicle \"{}\": a sphere about its centre of mass touches things in place of its {count} collisions, whose boxes reach \
             {reach:.2} m from there; parameter body_radius is the sphere's, 0.25 m",
            craft.name
        ));
    }
}
