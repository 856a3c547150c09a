//! Poses, frames, includes and what Gazebo forgives, through the public loader.

#![allow(clippy::unwrap_used, clippy::expect_used)]

use std::path::Path;

use nalgebra::{Isometry3, UnitQuaternion, Vector3};
use peregrine_sim::sdf::types::{Geometry, LightKind, SdfModel, SdfWorld};
use peregrine_sim::sdf::{Loader, MeshPolicy};
use peregrine_sim::shape::Shape;

fn world(text: &str) -> SdfWorld {
    Loader::new().load_str(text, "test").unwrap().world.unwrap()
}

fn wrap(inner: &str) -> String {
    format!("<sdf version='1.9'><world name='w'>{inner}</world></sdf>")
}

fn iso(x: f64, y: f64, z: f64, roll: f64, pitch: f64, yaw: f64) -> Isometry3<f64> {
    Isometry3::from_parts(Vector3::new(x, y, z).into(), UnitQuaternion::from_euler_angles(roll, pitch, yaw))
}

fn same(a: &Isometry3<f64>, b: &Isometry3<f64>) {
    let apart = (a.translation.vector - b.translation.vector).norm() + a.rotation.angle_to(&b.rotation);
    assert!(apart < 1e-7, "{a} is not {b}");
}

fn find<'a>(models: &'a [SdfModel], name: &str) -> &'a SdfModel {
    models.iter().find(|m| m.name == name).unwrap()
}

#[test]
fn poses_are_composed_from_the_outside_in() {
    let w = world(&wrap(
        "<model name='m'><pose>1 2 3 0.1 0.2 0.3</pose><link name='l'><pose>0.5 0 0 0 0 1</pose>
         <collision name='c'><pose>0 0.25 0 0.4 0 0</pose><geometry><box><size>1 2 3</size></box></geometry></collision>
         <inertial><pose>0 0 0.1 0 0 0</pose><mass>2</mass><inertia><ixx>1</ixx><ixy>0.1</ixy></inertia></inertial>
         </link></model>",
    ));
    let (m, l, c) =
        (iso(1., 2., 3., 0.1, 0.2, 0.3), iso(0.5, 0., 0., 0., 0., 1.), iso(0., 0.25, 0., 0.4, 0., 0.));
    let link = &w.models[0].links[0];
    same(&w.models[0].pose, &m);
    same(&link.pose, &(m * l));
    same(&link.collisions[0].pose, &(m * l * c));
    same(&link.inertial.pose, &(m * l * iso(0., 0., 0.1, 0., 0., 0.)));
    assert_eq!(
        (link.inertial.mass, link.inertial.inertia[(0, 1)], link.inertial.inertia[(2, 2)]),
        (2.0, 0.1, 1.0)
    );
    assert_eq!(
        link.collisions[0].geometry,
        Geometry::Shape(Shape::Box { size: Vector3::new(1.0, 2.0, 3.0) })
    );
}

#[test]
fn degrees_quaternions_and_empty_poses() {
    let w = world(&wrap(
        "<model name='a'><pose degrees='true'>0 0 0 0 0 90</pose><link name='l'/></model>
         <model name='b'><pose rotation_format='quat_xyzw'>1 0 0  0 0 1 1</pose><link name='l'/></model>
         <model name='c'><pose/><link name='l'/></model>",
    ));
    let quarter = std::f64::consts::FRAC_PI_2;
    same(&find(&w.models, "a").pose, &iso(0., 0., 0., 0., 0., quarter));
    same(&find(&w.models, "b").pose, &iso(1., 0., 0., 0., 0., quarter));
    same(&find(&w.models, "c").pose, &Isometry3::identity());
}

#[test]
fn relative_to_follows_links_frames_joints_and_nested_models() {
    let w = world(&wrap(
        "<frame name='f'><pose>10 0 0 0 0 1.5707963267948966</pose></frame>
         <model name='m'><pose relative_to='f'>1 0 0 0 0 0</pose>
           <link name='base'><pose>0 0 1 0 0 0</pose></link>
           <link name='arm'><pose relative_to='tip'>0 0 0.5 0 0 0</pose></link>
           <frame name='tip' attached_to='base'><pose>1 0 0 0 0 0</pose></frame>
           <joint name='j' type='fixed'><pose>0 0 2 0 0 0</pose><parent>base</parent><child>arm</child></joint>
           <link name='at_joint'><pose relative_to='j'/></link>
           <model name='inner'><pose relative_to='base'>0 3 0 0 0 0</pose><link name='k'><pose>0 0 7 0 0 0</pose></link></model>
           <link name='deep'><pose relative_to='inner::k'>0 0 0.25 0 0 0</pose></link>
         </model>",
    ));
    let m = &w.models[0];
    let link = |name: &str| m.links.iter().find(|l| l.name == name).unwrap().pose;
    let model = iso(10., 0., 0., 0., 0., std::f64::consts::FRAC_PI_2) * iso(1., 0., 0., 0., 0., 0.);
    same(&m.pose, &model);
    same(&link("arm"), &(model * iso(1., 0., 1.5, 0., 0., 0.)));
    same(&link("at_joint"), &(model * iso(1., 0., 3.5, 0., 0., 0.)));
    same(&m.models[0].links[0].pose, &(model * iso(0., 3., 8., 0., 0., 0.)));
    same(&link("deep"), &(model * iso(0., 3., 8.25, 0., 0., 0.)));
}

#[test]
fn a_placement_frame_lands_on_the_pose() {
    let w = world(&wrap(
        "<model name='m' placement_frame='foot'><pose>5 6 7 0 0 1</pose><link name='l'/>
         <frame name='foot'><pose>0 1 -2 0.3 0 0.2</pose></frame></model>",
    ));
    let foot = w.models[0].frames.iter().find(|f| f.0 == "foot").unwrap().1;
    same(&foot, &iso(5., 6., 7., 0., 0., 1.));
    same(&w.models[0].pose, &(iso(5., 6., 7., 0., 0., 1.) * iso(0., 1., -2., 0.3, 0., 0.2).inverse()));
}

/// A folder of models as Gazebo keeps them.
fn model_folder() -> tempfile::TempDir {
    let dir = tempfile::tempdir().unwrap();
    let put = |path: &str, text: &str| {
        let path = dir.path().join(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    };
    let arm = |z: f64| {
        format!(
            "<sdf version='1.7'><model name='arm'><pose>0 0 {z} 0 0 0</pose><static>true</static><link name='l'>
             <pose>0.1 0 0 0 0 0</pose></link><frame name='tip' attached_to='l'><pose>1 0 0 0 0 0</pose></frame></model></sdf>"
        )
    };
    put(
        "arm/model.config",
        "<model><sdf version='1.4'>old.sdf</sdf><sdf version='1.7'>new.sdf</sdf></model>",
    );
    put("arm/old.sdf", &arm(1.0));
    put("arm/new.sdf", &arm(2.0));
    put("plain/model.sdf", &arm(3.0));
    put(
        "cycle/model.sdf",
        "<sdf version='1.7'><model name='c'><include><uri>model://cycle</uri></include></model></sdf>",
    );
    put(
        "worlds/w.sdf",
        &wrap(
            "<include><uri>model://arm</uri></include>
             <include><uri>model://arm</uri><name>second</name><pose>1 0 0 0 0 0</pose><static>false</static></include>
             <include><uri>model://plain/</uri><name>third</name><placement_frame>tip</placement_frame><pose>9 0 0 0 0 0</pose></include>
             <include><uri>../plain/model.sdf</uri><name>relative</name></include>
             <include><uri>model://sun</uri></include>
             <model name='host'><pose>0 5 0 0 0 0</pose><link name='base'/>
               <include merge='true'><uri>model://arm</uri><name>hand</name><pose relative_to='base'>0 0 1 0 0 1.5707963267948966</pose></include>
             </model>",
        ),
    );
    put("worlds/cycle.sdf", &wrap("<include><uri>model://cycle</uri></include>"));
    put(
        "worlds/lost.sdf",
        &wrap("<include>\n<uri>model://nowhere</uri></include><model name='m'><link name='l'/></model>"),
    );
    dir
}

fn load(dir: &Path, world: &str) -> Result<peregrine_sim::sdf::Loaded, peregrine_sim::SimError> {
    let mut loader = Loader::new();
    loader.paths.push(dir.to_path_buf());
    loader.load_file(&dir.join("worlds").join(world))
}

#[test]
fn includes_are_found_renamed_placed_and_merged() {
    let dir = model_folder();
    let loaded = load(dir.path(), "w.sdf").unwrap();
    let w = loaded.world.unwrap();
    same(&find(&w.models, "arm").pose, &iso(0., 0., 2., 0., 0., 0.));
    assert!(find(&w.models, "arm").is_static && !find(&w.models, "second").is_static);
    same(&find(&w.models, "second").pose, &iso(1., 0., 0., 0., 0., 0.));
    let third = find(&w.models, "third");
    same(&third.frames[0].1, &iso(9., 0., 0., 0., 0., 0.));
    same(&find(&w.models, "relative").pose, &iso(0., 0., 3., 0., 0., 0.));
    let host = find(&w.models, "host");
    assert!(host.models.is_empty(), "merged, not nested");
    let hand = host.links.iter().find(|l| l.name == "l").unwrap();
    same(&hand.pose, &(iso(0., 5., 1., 0., 0., std::f64::consts::FRAC_PI_2) * iso(0.1, 0., 0., 0., 0., 0.)));
    assert_eq!((w.lights.len(), w.lights[0].kind), (1, LightKind::Directional));
}

#[test]
fn include_cycles_and_lost_models_are_errors_with_a_place() {
    let dir = model_folder();
    let cycle = load(dir.path(), "cycle.sdf").unwrap_err().to_string();
    assert!(cycle.starts_with("PG-1008") && cycle.contains("cycle/model.sdf:1"), "{cycle}");
    let lost = load(dir.path(), "lost.sdf").unwrap_err().to_string();
    assert!(
        lost.starts_with("PG-1007") && lost.contains("lost.sdf:1") && lost.contains("GZ_SIM_RESOURCE_PATH"),
        "{lost}"
    );
    let mut loader = Loader::new();
    loader.placeholders = true;
    let loaded = loader.load_file(&dir.path().join("worlds/lost.sdf")).unwrap();
    assert_eq!((loaded.world.unwrap().models.len(), loaded.report.warnings.len()), (1, 1));
}

#[test]
fn what_is_not_used_is_listed_by_name_and_count() {
    let text = wrap(
        "<gui fullscreen='0'><camera name='u'/></gui><wind/>
         <plugin name='my::Own' filename='p'/>
         <model name='m'><link name='l'>
           <sensor name='a' type='sonar'/><sensor name='b' type='sonar'/>
           <visual name='v'><geometry><mesh><uri>model://x/x.dae</uri><scale>2 2 2</scale></mesh></geometry></visual>
           <velocity_decay/><projector/>
         </link><joint name='j' type='ball'><parent>world</parent><child>l</child><axis><xyz>0 0 1</xyz></axis></joint></model>",
    );
    let loaded = Loader::new().load_str(&text, "t").unwrap();
    let listed: Vec<(&str, u32)> = loaded.report.ignored.iter().map(|(k, v)| (k.as_str(), *v)).collect();
    assert_eq!(
        listed,
        [
            ("geometry/mesh", 1),
            ("link/projector", 1),
            ("link/sensor[sonar]", 2),
            ("model/joint[ball]", 1),
            ("world/plugin[my::Own]", 1),
        ]
    );
    assert_eq!(loaded.report.without_effect.keys().collect::<Vec<_>>(), ["world/gui"]);
    assert!(loaded.report.warnings[0].contains("x.dae"), "{:?}", loaded.report.warnings);
    assert_eq!(loaded.world.unwrap().models[0].links[0].visuals[0].geometry, Geometry::Empty);
    let mut loader = Loader::new();
    loader.mesh = MeshPolicy::Placeholder;
    let loaded = loader.load_str(&text, "t").unwrap();
    let shape = loaded.world.unwrap().models[0].links[0].visuals[0].geometry.shape();
    assert_eq!(shape, Some(Shape::Box { size: Vector3::repeat(2.0) }));
    assert!(loaded.report.warnings[0].contains("x.dae"));
}

#[test]
fn sloppy_files_that_gazebo_takes_are_taken() {
    let text = "\u{feff}<?xml version=\"1.0\" ?>\n<!-- a -- b --><sdf version='1.6' xmlns:xacro='x'>
      <world name='default'><xacro:thing gz:category='1'/>
      <model name='m'><static> TRUE </static><pose frame=''>  1\n2\t3 0 0 0 </pose>
      <link name='l'><visual name='v'><geometry><cylinder><radius>.5</radius><length>1.</length></cylinder></geometry>
      <material><script><uri>file://media</uri><name>Gazebo/Red</name></script></material></visual></link></model></world></sdf>";
    let w = world(text);
    assert!(w.models[0].is_static);
    assert_eq!(w.models[0].pose.translation.vector, Vector3::new(1.0, 2.0, 3.0));
    let v = &w.models[0].links[0].visuals[0];
    assert_eq!(
        (v.geometry.shape(), v.material.as_ref().unwrap().diffuse),
        (Some(Shape::Cylinder { radius: 0.5, length: 1.0 }), [1.0, 0.0, 0.0, 1.0])
    );
}

/// Each fault with what its message must contain.
#[test]
fn faults_are_named_with_file_line_element_and_value() {
    let model = |inner: &str| wrap(&format!("<model name='m'>\n<link name='l'>{inner}</link></model>"));
    let geometry = |g: &str| model(&format!("<collision name='c'><geometry>\n{g}</geometry></collision>"));
    let cases = [
        (String::new(), "PG-1003", "expected <sdf"),
        ("<robot name='r'/>".into(), "PG-1003", "<robot>"),
        ("<sdf><world name='w'/></sdf>".into(), "PG-1004", "\"\""),
        ("<sdf version='1.1'/>".into(), "PG-1004", "1.1"),
        ("<sdf version='1.9'><world></world></sdf>".into(), "PG-1006", "name="),
        ("<sdf version='1.9'><world name='w'>".into(), "PG-1002", "never closed"),
        ("<sdf version='1.9'>\n<world name='w'></model></sdf>".into(), "PG-1002", "t:2"),
        (geometry("<sphere><radius>big</radius></sphere>"), "PG-1005", "\"big\" is not a number"),
        (geometry("<box><size>1 2</size></box>"), "PG-1005", "which is 2 numbers"),
        (model("<pose>1 2 3</pose>"), "PG-1005", "t:2: <pose> holds \"1 2 3\", which is 3 numbers"),
        (
            wrap(
                "<model name='m'><joint name='j' type='hinge'><parent>a</parent><child>b</child></joint></model>",
            ),
            "PG-1005",
            "hinge",
        ),
        (
            wrap("<model name='m'><joint name='j' type='fixed'><parent>a</parent></joint></model>"),
            "PG-1006",
            "<child>",
        ),
        (model("<pose>nan 0 0 0 0 0</pose>"), "PG-1005", "\"nan\" is not a number"),
        (model("<pose>inf 0 0 0 0 0</pose>"), "PG-1005", "not finite"),
        (model("<pose rotation_format='euler'>0 0 0 0 0 0</pose>"), "PG-1005", "rotation_format"),
        (model("<pose relative_to='nobody'>0 0 0 0 0 0</pose>"), "PG-1011", "Known here: l, __model__"),
        (
            wrap(
                "<model name='m'><link name='l'/><joint name='j' type='fixed'><parent>l</parent><child>k</child></joint></model>",
            ),
            "PG-1011",
            "\"k\"",
        ),
        (model("<light name='x' type='laser'/>"), "PG-1005", "laser"),
        (wrap("<model name='m'><static>maybe</static></model>"), "PG-1005", "maybe"),
        (wrap("<model name='m'><link name='a'/><link name='a'/></model>"), "PG-1010", "second link"),
        (
            wrap(
                "<model name='m'><frame name='a'><pose relative_to='b'/></frame><frame name='b'><pose relative_to='a'/></frame></model>",
            ),
            "PG-1012",
            "depends on itself",
        ),
        (wrap("<gravity>0 0</gravity>"), "PG-1005", "<gravity>"),
        (wrap("<include><pose/></include>"), "PG-1006", "<uri>"),
        (
            wrap(&format!("{}{}", "<model name='m'>".repeat(60), "</model>".repeat(60))),
            "PG-1009",
            "nesting of models",
        ),
    ];
    for (text, code, part) in cases {
        let error = Loader::without_files().load_str(&text, "t").map(|_| ()).unwrap_err().to_string();
        assert!(error.starts_with(code) && error.contains(part), "{text}\n-> {error}");
    }
}

/// What libsdformat loads, if not in beauty, is loaded with a word about it.
#[test]
fn what_gazebo_forgives_is_said_and_repaired() {
    let link = |inner: &str| wrap(&format!("<model name='m'>\n<link name='l'>{inner}</link></model>"));
    let geometry = |g: &str| link(&format!("<collision name='c'><geometry>\n{g}</geometry></collision>"));
    let joined = |inner: &str| {
        format!("<model name='m'><link name='l'/><joint name='j' type='revolute'>{inner}</joint></model>")
    };
    let cases = [
        (geometry("<sphere><radius>-1</radius></sphere>"), "t:3: <radius> holds \"-1\", which is no length"),
        (geometry("<box><size>1 0 1</size></box>"), "no length above zero"),
        (geometry("<box><size>1 2 3 4</size></box>"), "holds 4 numbers, the first 3 are used"),
        (geometry("<sphere><radius>0.5m</radius></sphere>"), "read without \"m\""),
        (geometry("<plane><normal>0 0 0</normal></plane>"), "z is used"),
        (geometry("<sphere/>"), "lacks <radius>"),
        (geometry(""), "is empty"),
        (link("<collision name='c'/>"), "lacks <geometry>"),
        (link("<inertial><mass>-2</mass></inertial>"), "mass of -2 kg"),
        (link("<inertial><inertia><ixx>1</ixx><iyy>1</iyy><izz>3</izz></inertia></inertial>"), "no body has"),
        (wrap("<physics><max_step_size>0</max_step_size></physics>"), "which is no step"),
        (wrap("<model name='m'/>\n<model name='m'/>"), "now called \"m_1\""),
        (
            link("<sensor name='s' type='camera'><camera><image><width>-3</width></image></camera></sensor>"),
            "no count from 1 on, 320 is used",
        ),
        (link("<pose rotation_format='quat_xyzw'>0 0 0 0 0 0 0</pose>"), "turns nothing"),
        (link("<sensor name='s' type='gpu_lidar'/>"), "lacks <lidar>"),
        (link("<sensor name='s' type='lidar'><lidar><range/></lidar></sensor>"), "lacks <range><max>"),
        (wrap("<scene><ambient>255 0 0 1</ambient></scene>"), "kept from 0 to 1"),
        (wrap("<model name='m' canonical_link='k'><link name='l'/></model>"), "canonical link \"k\""),
        ("<sdf version='1.14'/>".into(), "is of version \"1.14\", read as 1.12"),
        ("<sdf version='1.2'/>".into(), "read as 1.4"),
        (wrap(&joined("<parent>k</parent><child>l</child>")), "parent \"k\", which does not exist"),
        (wrap(&joined("<parent>l</parent><child>l</child>")), "joins \"l\" to itself"),
        (
            wrap(&joined(
                "<parent>world</parent><child>l</child><axis><xyz expressed_in='k'>1 0 0</xyz></axis>",
            )),
            "in the frame \"k\", which does not exist",
        ),
    ];
    for (text, part) in cases {
        let report = Loader::without_files().load_str(&text, "t").unwrap().report;
        assert!(report.warnings.iter().any(|w| w.contains(part)), "{text}\n-> {report}");
    }
}

/// Every prefix and many single-byte damages of a real file come back as a value or an error, never as a panic.
#[test]
fn damaged_files_are_refused_or_read_but_never_panic() {
    let text = include_str!("../worlds/slalom.sdf");
    for end in (0..text.len()).step_by(7) {
        peregrine_sim::sdf::fuzz(&text.as_bytes()[..end]);
    }
    for (i, byte) in
        (0..text.len()).step_by(5).zip([0_u8, b'<', b'>', b'"', b'&', 0xff, b'-', b'9'].into_iter().cycle())
    {
        let mut damaged = text.as_bytes().to_vec();
        damaged[i] = byte;
        peregrine_sim::sdf::fuzz(&damaged);
    }
}

/// A chain of a hundred thousand frames is solved without recursion.
#[test]
fn long_chains_of_frames_are_solved() {
    let mut inner = String::from("<frame name='f0'><pose>1 0 0 0 0 0</pose></frame>");
    for i in 1..20_000 {
        inner += &format!("<frame name='f{i}'><pose relative_to='f{}'>1 0 0 0 0 0</pose></frame>", i - 1);
    }
    let w =
        world(&wrap(&format!("{inner}<model name='m'><pose relative_to='f19999'/><link name='l'/></model>")));
    assert_eq!(w.models[0].pose.translation.x, 20_000.0);
}
