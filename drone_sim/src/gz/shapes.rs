//! Shapes as Gazebo's messages.
//!
//! Of meshes and height maps Gazebo sends the name of the file, which its clients read themselves. A name that only says where the file
//! lies relative to the world's is made whole; others (`model://`, Fuel) clients look up by their own paths.

use std::collections::BTreeMap;
use std::path::Path;

use nalgebra::Vector3;
use peregrine_gz::msgs::geometry::{Vector2d, Vector3d};
use peregrine_gz::msgs::scene::{
    BoxGeom, CapsuleGeom, ConeGeom, CylinderGeom, EllipsoidGeom, Geometry, MeshGeom, PlaneGeom, SphereGeom,
    geometry,
};
use peregrine_gz::msgs::shapes::{HeightmapGeom, Polyline};

use crate::sdf::mesh::MeshData;
use crate::sdf::types::{Mesh, MeshKind};
use crate::shape::Shape;

/// A primitive.
pub(super) fn of_shape(shape: &Shape) -> Geometry {
    use geometry::Type;
    let empty = Geometry { r#type: Type::Empty as i32, ..Geometry::default() };
    match *shape {
        Shape::Box { size } => Geometry {
            r#type: Type::Box as i32,
            r#box: Some(BoxGeom { header: None, size: vector(&size) }),
            ..empty
        },
        Shape::Cylinder { radius, length } => Geometry {
            r#type: Type::Cylinder as i32,
            cylinder: Some(CylinderGeom { radius, length, ..Default::default() }),
            ..empty
        },
        Shape::Sphere { radius } => Geometry {
            r#type: Type::Sphere as i32,
            sphere: Some(SphereGeom { radius, ..Default::default() }),
            ..empty
        },
        Shape::Capsule { radius, length } => Geometry {
            r#type: Type::Capsule as i32,
            capsule: Some(CapsuleGeom { radius, length, ..Default::default() }),
            ..empty
        },
        Shape::Cone { radius, length } => Geometry {
            r#type: Type::Cone as i32,
            cone: Some(ConeGeom { radius, length, ..Default::default() }),
            ..empty
        },
        Shape::Ellipsoid { radii } => Geometry {
            r#type: Type::Ellipsoid as i32,
            ellipsoid: Some(EllipsoidGeom { header: None, radii: vector(&radii) }),
            ..empty
        },
        Shape::Plane { normal, size: [x, y] } => Geometry {
            r#type: Type::Plane as i32,
            plane: Some(PlaneGeom {
                normal: vector(&normal),
                size: Some(Vector2d { header: None, x, y }),
                ..Default::default()
            }),
            ..empty
        },
        Shape::Triangle { .. } => empty,
    }
}

fn vector(v: &Vector3<f64>) -> Option<Vector3d> {
    Some(Vector3d { header: None, x: v.x, y: v.y, z: v.z })
}

/// Triangles, by their origin; `folder` is that of the world's file.
pub(super) fn of_mesh(mesh: &Mesh, folder: Option<&Path>) -> Geometry {
    use geometry::Type;
    let plain = |kind: Type| Geometry { r#type: kind as i32, ..Geometry::default() };
    match mesh.kind {
        MeshKind::File => {
            let submesh = mesh.submesh.clone().unwrap_or_default();
            let (filename, scale) = (file(&mesh.uri, folder), vector(&mesh.scale));
            let geom = MeshGeom { filename, scale, submesh, ..MeshGeom::default() };
            Geometry { mesh: Some(geom), ..plain(Type::Mesh) }
        }
        MeshKind::Heightmap => {
            let (low, high) = corners(&mesh.data);
            // The middle of the map, and the height of black.
            let origin = Vector3::new((low.x + high.x) / 2.0, (low.y + high.y) / 2.0, low.z);
            let (filename, size) = (file(&mesh.uri, folder), vector(&mesh.scale));
            let geom = HeightmapGeom { filename, size, origin: vector(&origin), ..HeightmapGeom::default() };
            Geometry { heightmap: Some(geom), ..plain(Type::Heightmap) }
        }
        MeshKind::Polyline => Geometry { polyline: outlines(&mesh.data), ..plain(Type::Polyline) },
    }
}

/// A file's name for whoever does not know where the world lies.
fn file(uri: &str, folder: Option<&Path>) -> String {
    let bare = uri.strip_prefix("file://").unwrap_or(uri);
    if bare.contains("://") || Path::new(bare).is_absolute() {
        return uri.to_string();
    }
    let whole = folder.map(|folder| folder.join(bare)).filter(|whole| whole.is_file());
    let whole = whole.and_then(|whole| std::path::absolute(whole).ok());
    whole.map_or_else(|| uri.to_string(), |whole| whole.display().to_string())
}

/// The lowest and the highest coordinates, metres.
fn corners(data: &MeshData) -> (Vector3<f64>, Vector3<f64>) {
    let all = data.parts.iter().flat_map(|part| &part.positions).map(|p| Vector3::from(p.map(f64::from)));
    let none = (Vector3::repeat(f64::INFINITY), Vector3::repeat(f64::NEG_INFINITY));
    let (low, high) = all.fold(none, |(low, high), p| (low.inf(&p), high.sup(&p)));
    if low.x.is_finite() { (low, high) } else { (Vector3::zeros(), Vector3::zeros()) }
}

/// The outlines of a solid between z = 0 and its height: the edges of its bottom, end to end. Edges inside of the bottom belong to two of
/// its triangles, once in each direction.
fn outlines(data: &MeshData) -> Vec<Polyline> {
    /// A corner by its bits, so that it can be looked up.
    type Corner = [u32; 2];
    let (_, high) = corners(data);
    let mut edges: BTreeMap<Corner, Vec<Corner>> = BTreeMap::new();
    for part in &data.parts {
        for triangle in &part.triangles {
            let at = triangle.map(|i| part.positions.get(i as usize).copied().unwrap_or_default());
            if at.iter().any(|p| p[2] != 0.0) {
                continue;
            }
            let at = at.map(|p| [p[0], p[1]].map(|x| (x + 0.0).to_bits()));
            for (from, to) in [(at[0], at[1]), (at[1], at[2]), (at[2], at[0])] {
                let back = edges.get_mut(&to).and_then(|ends| {
                    let found = ends.iter().position(|end| *end == from)?;
                    Some(ends.swap_remove(found))
                });
                if back.is_none() {
                    edges.entry(from).or_default().push(to);
                }
            }
        }
    }
    let mut out = Vec::new();
    while let Some(begin) = edges.iter().find(|(_, ends)| !ends.is_empty()).map(|(begin, _)| *begin) {
        let (mut at, mut point) = (begin, Vec::new());
        while let Some(next) = edges.get_mut(&at).and_then(Vec::pop) {
            let [x, y] = at.map(|bits| f64::from(f32::from_bits(bits)));
            point.push(Vector2d { header: None, x, y });
            at = next;
        }
        // Seen from below they run the other way round.
        point.reverse();
        out.push(Polyline { header: None, height: high.z, point });
    }
    out
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::sdf::mesh::{Heights, heightmap, polyline};

    fn mesh(kind: MeshKind, uri: &str, data: MeshData) -> Mesh {
        Mesh {
            kind,
            uri: uri.into(),
            scale: Vector3::new(20.0, 10.0, 3.0),
            submesh: None,
            data: Arc::new(data),
        }
    }

    #[test]
    fn a_mesh_is_told_by_its_file() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("rock.obj"), "v 0 0 0").unwrap();
        let told = |uri: &str| {
            let geometry = of_mesh(&mesh(MeshKind::File, uri, MeshData::default()), Some(folder.path()));
            assert_eq!(geometry.r#type, geometry::Type::Mesh as i32);
            geometry.mesh.unwrap()
        };
        let rock = told("rock.obj");
        assert_eq!(rock.filename, folder.path().join("rock.obj").display().to_string());
        assert_eq!(rock.scale.unwrap().x, 20.0);
        for elsewhere in
            ["model://rock/rock.obj", "https://fuel.gazebosim.org/1.0/a/models/b/1/files/c.dae", "no.obj"]
        {
            assert_eq!(told(elsewhere).filename, elsewhere);
        }
    }

    #[test]
    fn a_height_map_is_told_by_its_picture_size_and_middle() {
        let heights =
            Heights { width: 3, height: 3, values: vec![0.0, 0.5, 1.0, 0.0, 0.5, 1.0, 0.0, 0.5, 1.0] };
        let data = heightmap(&heights, [20.0, 10.0, 3.0], [1.0, -2.0, 0.5]).unwrap();
        let geometry = of_mesh(&mesh(MeshKind::Heightmap, "model://hill/hill.png", data), None);
        let told = geometry.heightmap.unwrap();
        let (size, origin) = (told.size.unwrap(), told.origin.unwrap());
        assert_eq!((told.filename.as_str(), size.x, size.z), ("model://hill/hill.png", 20.0, 3.0));
        assert!(
            (origin.x - 1.0).abs() < 1e-6 && (origin.y + 2.0).abs() < 1e-6 && (origin.z - 0.5).abs() < 1e-6
        );
    }

    #[test]
    fn an_outline_and_its_hole_are_found_again() {
        let square = vec![[0.0, 0.0], [4.0, 0.0], [4.0, 4.0], [0.0, 4.0]];
        let hole = vec![[1.0, 1.0], [1.0, 2.0], [2.0, 2.0], [2.0, 1.0]];
        let data = polyline(&[square, hole], 2.5).unwrap();
        let told = of_mesh(&mesh(MeshKind::Polyline, "", data), None).polyline;
        let mut found: Vec<(usize, f64)> = told.iter().map(|line| (line.point.len(), area(line))).collect();
        found.sort_by(|a, b| a.1.total_cmp(&b.1));
        assert_eq!(found, [(4, -1.0), (4, 16.0)], "{told:?}");
        assert!(told.iter().all(|line| line.height == 2.5));
    }

    /// Counter-clockwise is positive.
    fn area(line: &Polyline) -> f64 {
        let next = line.point.iter().cycle().skip(1);
        line.point.iter().zip(next).map(|(a, b)| (a.x * b.y - a.y * b.x) / 2.0).sum()
    }
}
