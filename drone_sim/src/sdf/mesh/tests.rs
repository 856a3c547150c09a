use nalgebra::Vector3;

use super::*;

/// A cube of edge 2 about the origin, as OBJ text with quads.
const CUBE: &str = "mtllib my cube.mtl\no Cube\nv -1 -1 -1\nv 1 -1 -1\nv 1 1 -1\nv -1 1 -1\nv -1 -1 1\nv 1 -1 1\nv 1 1 1\n\
    v -1 1 1\nvt 0 0\nvt 1 0\nvt 1 1\nusemtl red\nf 4 3 2 1\nf 5 6 7 8\nf 1/1 2/2 6/3 5/1\nusemtl blue\nf 2 3 7 6\n\
    f 3 4 8 7\nf -8 -4 -1 -5\n";

fn cube_moments(mesh: &MeshData) {
    let m = mesh.moments();
    assert!((m.volume - 8.0).abs() < 1e-9 && m.centre.norm() < 1e-9, "{m:?}");
    // Of a cube: m (a2 + a2) / 12 = 8 * 8 / 12.
    for i in 0..3 {
        assert!((m.inertia[(i, i)] - 8.0 * 8.0 / 12.0).abs() < 1e-9, "{m:?}");
    }
}

#[test]
fn an_obj_keeps_its_parts_corners_and_library() {
    let mesh = MeshData::read(CUBE.as_bytes(), "x/Cube.OBJ").unwrap();
    assert_eq!((mesh.triangle_count(), mesh.parts.len()), (12, 2));
    assert_eq!(mesh.library.as_deref(), Some("my cube.mtl"));
    assert_eq!((mesh.parts[0].name.as_str(), mesh.parts[1].material.as_str()), ("Cube", "blue"));
    assert_eq!(mesh.parts[0].uvs.len(), mesh.parts[0].positions.len());
    assert!(mesh.parts[1].uvs.is_empty() && mesh.parts[1].normals.is_empty());
    cube_moments(&mesh);
    let library = read_mtl("newmtl red\nKd 1 0 0\nd 0.5\nnewmtl blue\nmap_Kd -s 1 1 1 tex\\b.png\n");
    assert_eq!(library["red"].0, Some([1.0, 0.0, 0.0, 0.5]));
    assert_eq!(library["blue"].1.as_deref(), Some("tex/b.png"));
    let fault = MeshData::read(b"v 0 0 0\nf 1 2 3\n", "a.obj").unwrap_err();
    assert!(fault.contains("line 2") && fault.contains("\"2\""), "{fault}");
}

#[test]
fn both_kinds_of_stl_are_told_apart_by_their_length() {
    let cube = MeshData::read(CUBE.as_bytes(), "a.obj").unwrap();
    let mut binary = b"solid, says the header, and yet it is binary".to_vec();
    binary.resize(80, 0);
    binary.extend((cube.triangle_count() as u32).to_le_bytes());
    let mut text = String::from("solid cube\n");
    for t in cube.triangles() {
        binary.extend([0; 12]);
        text += "facet normal 0 0 0\nouter loop\n";
        for p in t {
            p.iter().for_each(|x| binary.extend((*x as f32).to_le_bytes()));
            text += &format!("vertex {} {} {:e}\n", p.x, p.y, p.z);
        }
        binary.extend([0; 2]);
        text += "endloop\nendfacet\n";
    }
    cube_moments(&MeshData::read(&binary, "a.stl").unwrap());
    cube_moments(&MeshData::read(text.as_bytes(), "a.STL").unwrap());
    binary.truncate(200);
    assert!(MeshData::read(&binary, "a.stl").is_err());
}

const COLLADA: &str = r##"<?xml version="1.0"?><COLLADA xmlns="http://www.collada.org/2005/11/COLLADASchema" version="1.4.1">
  <asset><unit name="centimeter" meter="0.01"/><up_axis>Y_UP</up_axis></asset>
  <library_images><image id="img"><init_from>tex/wood.png</init_from></image></library_images>
  <library_effects><effect id="fx"><profile_COMMON>
    <newparam sid="surf"><surface type="2D"><init_from>img</init_from></surface></newparam>
    <newparam sid="samp"><sampler2D><source>surf</source></sampler2D></newparam>
    <technique sid="c"><phong><diffuse><texture texture="samp" texcoord="UV"/></diffuse></phong></technique>
  </profile_COMMON></effect><effect id="red"><profile_COMMON><technique sid="c"><lambert><diffuse>
    <color>1 0 0 1</color></diffuse></lambert></technique></profile_COMMON></effect></library_effects>
  <library_materials><material id="m1"><instance_effect url="#fx"/></material>
    <material id="m2"><instance_effect url="#red"/></material></library_materials>
  <library_geometries><geometry id="g"><mesh>
    <source id="pos"><float_array id="pa" count="12">0 0 0  100 0 0  100 100 0  0 100 0</float_array>
      <technique_common><accessor source="#pa" count="4" stride="3"/></technique_common></source>
    <source id="uv"><float_array id="ua" count="8">0 0 1 0 1 1 0 1</float_array>
      <technique_common><accessor source="#ua" count="4" stride="2"/></technique_common></source>
    <vertices id="v"><input semantic="POSITION" source="#pos"/></vertices>
    <polylist count="1" material="sym"><input semantic="VERTEX" source="#v" offset="0"/>
      <input semantic="TEXCOORD" source="#uv" offset="1"/><vcount>4</vcount><p>0 0 1 1 2 2 3 3</p></polylist>
    <triangles count="1" material="m2"><input semantic="VERTEX" source="#v" offset="0"/><p>0 1 2</p></triangles>
  </mesh></geometry></library_geometries>
  <library_visual_scenes><visual_scene id="vs"><node id="n" name="Board">
    <translate>0 0 300</translate><rotate>0 0 1 90</rotate><scale>2 1 1</scale>
    <instance_geometry url="#g"><bind_material><technique_common><instance_material symbol="sym" target="#m1"/>
    </technique_common></bind_material></instance_geometry></node></visual_scene></library_visual_scenes>
  <scene><instance_visual_scene url="#vs"/></scene></COLLADA>"##;

#[test]
fn collada_is_placed_by_its_scene_in_metres() {
    let mesh = MeshData::read(COLLADA.as_bytes(), "a.dae").unwrap();
    assert_eq!((mesh.parts.len(), mesh.triangle_count()), (2, 3));
    let board = &mesh.parts[0];
    assert_eq!((board.name.as_str(), board.texture.as_deref()), ("Board", Some("tex/wood.png")));
    assert_eq!(mesh.parts[1].colour, Some([1.0, 0.0, 0.0, 1.0]));
    // Corner (100, 0, 0) cm: twice as far, turned to y, lifted by 3 m.
    let p = board.positions[1];
    assert!(p[0].abs() < 1e-6 && (p[1] - 2.0).abs() < 1e-6 && (p[2] - 3.0).abs() < 1e-6, "{p:?}");
    assert_eq!(board.uvs[2], [1.0, 1.0]);
    assert!(mesh.clone().submesh("Board", true).is_some() && mesh.submesh("Bord", false).is_none());
}

#[test]
fn collada_that_instances_itself_ends() {
    let bomb = COLLADA.replace(
        "<instance_geometry",
        "<instance_node url=\"#n\"/><instance_node url=\"#n\"/><instance_geometry",
    );
    let fault = MeshData::read(bomb.as_bytes(), "a.dae").unwrap_err();
    assert!(fault.contains("nested"), "{fault}");
}

#[test]
fn outlines_with_holes_enclose_their_volume() {
    let square = |r: f64| vec![[-r, -r], [r, -r], [r, r], [-r, r], [-r, -r]];
    let solid = polyline(&[square(2.0)], 3.0).unwrap();
    assert!((solid.moments().volume - 48.0).abs() < 1e-5);
    let frame = polyline(&[square(2.0), square(1.0)], 3.0).unwrap();
    assert!((frame.moments().volume - 36.0).abs() < 1e-5, "{:?}", frame.moments());
    let notched = polyline(&[vec![[0.0, 0.0], [2.0, 0.0], [2.0, 2.0], [1.0, 1.0], [0.0, 2.0]]], 1.0).unwrap();
    assert!((notched.moments().volume - 3.0).abs() < 1e-5);
    assert!(polyline(&[vec![[0.0, 0.0], [1.0, 0.0]]], 1.0).is_err());
}

#[test]
fn height_maps_have_their_size_and_point_north() {
    // White in the north-west corner alone.
    let heights = Heights { width: 3, height: 3, values: vec![1.0, 0., 0., 0., 0., 0., 0., 0., 0.] };
    let mesh = heightmap(&heights, [10.0, 20.0, 4.0], [1.0, 2.0, 3.0]).unwrap();
    let (low, high) = mesh.bounds().unwrap();
    assert_eq!((low, high), (Vector3::new(-4.0, -8.0, 3.0), Vector3::new(6.0, 12.0, 7.0)));
    let top = mesh.parts[0].positions.iter().find(|p| p[2] > 6.9).unwrap();
    assert_eq!((top[0], top[1]), (-4.0, 12.0));
    assert!(mesh.parts[0].normals.iter().all(|n| n[2] > 0.0));
}

#[test]
fn a_mirroring_scale_keeps_the_outside_outside() {
    let mesh = MeshData::read(CUBE.as_bytes(), "a.obj").unwrap().scaled(&Vector3::new(-1.0, 2.0, 1.0));
    assert!((mesh.moments().volume - 16.0).abs() < 1e-9);
}
