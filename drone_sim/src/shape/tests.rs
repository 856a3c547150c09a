use super::*;

/// A deterministic spread of points around the shapes.
fn points() -> impl Iterator<Item = Vector3<f64>> {
    (0..400).map(|i| {
        let t = f64::from(i);
        Vector3::new((t * 0.754_877).fract(), (t * 0.569_840).fract(), (t * 0.324_717).fract()) * 4.0
            - Vector3::repeat(2.0)
    })
}

fn shapes() -> Vec<Shape> {
    vec![
        Shape::Box { size: Vector3::new(1.0, 2.0, 0.5) },
        Shape::Cylinder { radius: 0.6, length: 1.5 },
        Shape::Sphere { radius: 0.9 },
        Shape::Capsule { radius: 0.4, length: 1.1 },
        Shape::Ellipsoid { radii: Vector3::new(0.5, 1.2, 0.8) },
        Shape::Cone { radius: 0.8, length: 1.4 },
        Shape::Plane { normal: Unit::new_normalize(Vector3::new(0.1, 0.0, 1.0)), size: [1.0, 1.0] },
    ]
}

/// Membership, written apart from the distances.
fn contains(shape: &Shape, p: &Vector3<f64>) -> bool {
    let r = p.x.hypot(p.y);
    match shape {
        Shape::Box { size } => (0..3).all(|i| p[i].abs() < size[i] / 2.0),
        Shape::Cylinder { radius, length } => r < *radius && p.z.abs() < length / 2.0,
        Shape::Sphere { radius } => p.norm() < *radius,
        Shape::Capsule { radius, length } => {
            let z = (p.z.abs() - length / 2.0).max(0.0);
            r.hypot(z) < *radius
        }
        Shape::Ellipsoid { radii } => p.component_div(radii).norm() < 1.0,
        Shape::Cone { radius, length } => {
            p.z > -length / 2.0 && p.z < length / 2.0 && r < radius * (0.5 - p.z / length)
        }
        Shape::Plane { normal, .. } => normal.dot(p) < 0.0,
        Shape::Triangle { .. } => false,
    }
}

#[test]
fn sign_agrees_with_membership() {
    for shape in shapes() {
        for p in points() {
            assert_eq!(shape.near(&p).distance < 0.0, contains(&shape, &p), "{shape:?} {p:?}");
        }
    }
}

/// The distance function of any solid has a gradient of length one, the normal; and walking back along it by the
/// distance lands on the surface. Together with the sign this leaves no freedom.
#[test]
fn walking_the_distance_lands_on_the_surface() {
    for shape in shapes() {
        for p in points() {
            let near = shape.near(&p);
            assert!((near.normal.norm() - 1.0).abs() < 1e-9, "{shape:?} {p:?}");
            let foot = p - near.normal * near.distance;
            assert!(shape.near(&foot).distance.abs() < 1e-6, "{shape:?} {p:?} {near:?}");
        }
    }
}

/// Brute force: no surface point found by shooting rays from inside lies nearer than the distance claims, and some
/// lie about as near.
#[test]
fn no_surface_point_is_nearer() {
    let directions: Vec<Vector3<f64>> = (0..4000)
        .map(|i| {
            let z = 1.0 - 2.0 * (f64::from(i) + 0.5) / 4000.0;
            let angle = f64::from(i) * 2.399_963;
            let r = (1.0 - z * z).sqrt();
            Vector3::new(r * angle.cos(), r * angle.sin(), z)
        })
        .collect();
    for shape in shapes().into_iter().filter(|s| s.half_extents().is_some()) {
        let surface: Vec<Vector3<f64>> = directions
            .iter()
            .map(|d| {
                let (mut low, mut high) = (0.0, 4.0);
                for _ in 0..50 {
                    let middle = 0.5 * (low + high);
                    if contains(&shape, &(d * middle)) { low = middle } else { high = middle }
                }
                d * low
            })
            .collect();
        for p in points().step_by(4) {
            let claimed = shape.near(&p).distance.abs();
            let found = surface.iter().map(|s| (s - p).norm()).fold(f64::INFINITY, f64::min);
            assert!(found > claimed - 1e-9, "{shape:?} {p:?}: {found} < {claimed}");
            assert!(found < claimed + 0.12, "{shape:?} {p:?}: {found} > {claimed}");
        }
    }
}
