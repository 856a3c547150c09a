//! Worlds as people really write them: sloppy in spelling, numbers, encodings and references, drawn by lot from seeds. What Gazebo
//! forgives is forgiven, with a warning; nothing panics; what is refused is refused by code, with a place.
//!
//! The fragments follow what was met in public files (comments with `--`, undeclared prefixes, absent meshes, Fuel URIs, CR LF,
//! byte order marks, Latin-1 in comments, two models of one name, zero lengths, units behind numbers, nested merges).

#![allow(clippy::unwrap_used, clippy::expect_used)]

use std::fmt::Write;
use std::sync::Arc;

use nalgebra::{Isometry3, UnitQuaternion, Vector3};
use peregrine_sim::flight::{Flight, Rules};
use peregrine_sim::physics::Vehicle;
use peregrine_sim::rng::Stream;
use peregrine_sim::scenario::from_sdf;
use peregrine_sim::sdf::types::{Geometry, SdfModel};
use peregrine_sim::sdf::{Loader, MeshPolicy};
use peregrine_sim::shape::Shape;

/// Draws by a seed.
struct Dice(Stream, u64);

impl Dice {
    fn roll(&mut self, sides: usize) -> usize {
        self.1 += 1;
        self.0.words(self.1)[0] as usize % sides
    }

    fn pick(&mut self, from: &[&'static str]) -> &'static str {
        from[self.roll(from.len())]
    }

    fn one_in(&mut self, n: usize) -> bool {
        self.roll(n) == 0
    }
}

const NUMBERS: [&str; 10] = ["0", "1", "-1", "0.5", "1e-3", ".5", "5.", "+2", "1E2", "-0"];
const SHAPES: [&str; 18] = [
    "<box><size>1 2 0.5</size></box>",
    "<box><size> 1   1\n1 </size></box>",
    "<box><size>1m 1 1</size></box>",
    "<box/>",
    "<cylinder><radius>0.5</radius><length>2</length></cylinder>",
    "<cylinder><radius>0</radius><length>1</length></cylinder>",
    "<sphere><radius>.5</radius></sphere>",
    "<sphere></sphere>",
    "<capsule><radius>1</radius><length>1</length></capsule>",
    "<ellipsoid><radii>1 2 3</radii></ellipsoid>",
    "<plane><normal>0 0 1</normal><size>10 10</size></plane>",
    "<plane><normal>0 0 0</normal></plane>",
    "<empty/>",
    "<mesh><uri>model://nowhere/part.dae</uri><scale>1 1 1</scale></mesh>",
    "<mesh><uri></uri></mesh>",
    "<heightmap><uri>file://none.png</uri><size>10 10 1</size></heightmap>",
    "<polyline><point>0 0</point><point>1 0</point><point>0 1</point><height>1</height></polyline>",
    "<image><uri>x.png</uri></image>",
];
const LOOKS: [&str; 8] = [
    "",
    "<material/>",
    "<material><ambient>0.1 0.1 0.1 1</ambient></material>",
    "<material><ambient>2 -1 0 1</ambient></material>",
    "<material><diffuse>1 0 0</diffuse></material>",
    "<material><script>Gazebo/Wood</script></material>",
    "<material><script><uri>file://media/materials/scripts/gazebo.material</uri><name>Gazebo/Grey</name></script></material>",
    "<material><pbr><metal><albedo_map>none.png</albedo_map></metal></pbr></material>",
];
const MASSES: [&str; 7] = [
    "",
    "<inertial/>",
    "<inertial><mass>1.0</mass></inertial>",
    "<inertial><mass>0</mass></inertial>",
    "<inertial><mass>1</mass><inertia><ixx>1</ixx><iyy>1</iyy><izz>9</izz></inertia></inertial>",
    "<inertial><pose>0 0 0 0 0 0</pose><mass>2</mass><inertia><ixx>0</ixx></inertia></inertial>",
    "<inertial auto='true'/>",
];
const SENSORS: [&str; 9] = [
    "",
    "",
    "<sensor name='imu' type='imu'/>",
    "<sensor name='gps' type='gps'/>",
    "<sensor name='odd' type='custom' gz:type='odometer'/>",
    "<sensor name='sonar' type='sonar'/>",
    "<sensor type='imu' name='i2'><always_on>True</always_on><visualize>1</visualize></sensor>",
    "<sensor name='laser' type='ray'><ray><scan><horizontal><samples>10</samples><min_angle>-1</min_angle>
     <max_angle>1</max_angle></horizontal></scan><range><min>0.1</min><max>10</max></range></ray></sensor>",
    "<sensor name='cam' type='camera'><camera><horizontal_fov>1.0</horizontal_fov><image><width>32</width><height>24</height>
     </image></camera></sensor>",
];
const MORE: [&str; 24] = [
    "<physics type='ode'><max_step_size>0.001</max_step_size><real_time_update_rate>1000</real_time_update_rate></physics>",
    "<physics name='1ms' type='ignored'/>",
    "<gravity>0 0 -9.8</gravity>",
    "<scene><ambient>0.4 0.4 0.4 1</ambient><shadows>1</shadows><grid>false</grid></scene>",
    "<light type='directional' name='sun'><pose>0 0 10 0 0 0</pose><direction>-0.5 0.1 -0.9</direction></light>",
    "<light type='point' name='p'><attenuation><range>10</range><constant>0.5</constant></attenuation></light>",
    "<include><uri>model://sun</uri></include>",
    "<include><uri>model://ground_plane</uri><name>floor</name><pose>0 0 1 0 0 0</pose></include>",
    "<include><uri>model://not_there</uri></include>",
    "<include><uri>https://fuel.gazebosim.org/1.0/OpenRobotics/models/Nothing Here</uri></include>",
    "<include merge='true'><uri>model://ground_plane</uri></include>",
    "<gui fullscreen='0'><camera name='user_camera'><pose>0 0 1 0 0 0</pose></camera></gui>",
    "<state world_name='default'><sim_time>0 0</sim_time><model name='m'><pose>1 1 1 0 0 0</pose></model></state>",
    "<spherical_coordinates><surface_model>EARTH_WGS84</surface_model><latitude_deg>47</latitude_deg></spherical_coordinates>",
    "<wind/>",
    "<atmosphere type='adiabatic'/>",
    "<audio><device>default</device></audio>",
    "<road name='r'><width>3</width><point>0 0 0</point><point>1 0 0</point></road>",
    "<frame name='f'><pose>0 0 1 0 0 0</pose></frame>",
    "<population name='pop'><model_count>3</model_count></population>",
    "<plugin name='gz::sim::systems::Physics' filename='gz-sim-physics-system'/>",
    "<plugin name='gazebo_ros_init' filename='libgazebo_ros_init.so'><ros><namespace>/x</namespace></ros></plugin>",
    "<!-- a -- b --->",
    "<actor name='a'><skin><filename>walk.dae</filename></skin><script><trajectory id='0' type='walk'><waypoint><time>0</time>
     <pose>0 0 0 0 0 0</pose></waypoint></trajectory></script></actor>",
];

/// What was meant by a model: what a reader must find in it.
struct Meant {
    name: &'static str,
    is_static: bool,
    /// In the world.
    pose: Isometry3<f64>,
    links: Vec<MeantLink>,
    inner: Option<Box<Meant>>,
}

struct MeantLink {
    /// In the world.
    pose: Isometry3<f64>,
    /// Where a number says it plainly.
    mass: Option<f64>,
    visuals: Vec<&'static str>,
    collision: Option<&'static str>,
    sensor: &'static str,
    gravity: bool,
}

fn pose(dice: &mut Dice) -> (String, Isometry3<f64>) {
    let words: Vec<&str> = (0..6).map(|_| dice.pick(&NUMBERS)).collect();
    let numbers = words.join(dice.pick(&[" ", "  ", "\t", "\n "]));
    let x: Vec<f64> = words.iter().map(|w| w.parse().unwrap()).collect();
    let told = |unit: f64| {
        let turn = UnitQuaternion::from_euler_angles(x[3] * unit, x[4] * unit, x[5] * unit);
        Isometry3::from_parts(Vector3::new(x[0], x[1], x[2]).into(), turn)
    };
    match dice.roll(7) {
        0 => ("<pose/>".to_owned(), Isometry3::identity()),
        1 => (format!("<pose degrees='true'>{numbers}</pose>"), told(1.0_f64.to_radians())),
        2 => (format!("<pose frame=''>{numbers}</pose>"), told(1.0)),
        3 => (String::new(), Isometry3::identity()),
        _ => (format!("<pose>{numbers}</pose>"), told(1.0)),
    }
}

fn model(dice: &mut Dice, depth: usize, outer: &Isometry3<f64>, held: bool) -> (String, Meant) {
    let names = ["box", "m", "a model", "a_b-c", "m", "unit_box_clone"];
    let name = dice.pick(&names);
    let mut out = format!("<model name='{name}'{}>", dice.pick(&["", " ignition:placeholder='1'"]));
    let (text, own) = pose(dice);
    let own = outer * own;
    out += &text;
    let standing = dice.pick(&[
        "",
        "<static>true</static>",
        "<static> 1 </static>",
        "<static>False</static>",
        "<static/>",
    ]);
    out += standing;
    // What stands makes what is inside it stand.
    let is_static = held || standing.contains("true") || standing.contains('1');
    let mut meant = Meant { name, is_static, pose: own, links: Vec::new(), inner: None };
    for n in 0..=dice.roll(3) {
        let (text, at) = pose(dice);
        let mass = dice.pick(&MASSES);
        let plain = match mass {
            "" | "<inertial/>" | "<inertial><mass>1.0</mass></inertial>" => Some(1.0),
            mass if mass.contains("<mass>2</mass>") => Some(2.0),
            _ => None,
        };
        let _ = write!(out, "<link name='link {n}'>{text}{mass}");
        let mut visuals = Vec::new();
        for k in 0..dice.roll(3) {
            let (shape, look) = (dice.pick(&SHAPES), dice.pick(&LOOKS));
            let _ = write!(out, "<visual name='v{k}'><geometry>{shape}</geometry>{look}</visual>");
            visuals.push(shape);
        }
        let mut collision = None;
        if dice.one_in(2) {
            let shape = dice.pick(&SHAPES);
            let _ = write!(
                out,
                "<collision name='v0'><geometry>{shape}</geometry><max_contacts>9</max_contacts></collision>"
            );
            collision = Some(shape);
        }
        let sensor = dice.pick(&SENSORS);
        out += sensor;
        out +=
            dice.pick(&["", "<gravity>1</gravity>", "<self_collide>0</self_collide>", "<velocity_decay/>"]);
        out += "</link>";
        let (pose, gravity) = (own * at, true);
        meant.links.push(MeantLink { pose, mass: plain, visuals, collision, sensor, gravity });
    }
    if depth < 2 && dice.one_in(5) {
        let (text, inner) = model(dice, depth + 1, &own, is_static);
        out += &text;
        meant.inner = Some(Box::new(inner));
    }
    out += dice.pick(&[
        "",
        "",
        "<plugin name='' filename=''/>",
        "<plugin name='p' filename='libfoo.so'/>",
        "<plugin filename='gz-sim-diff-drive-system' name='gz::sim::systems::DiffDrive'><left_joint>a</left_joint></plugin>",
        "<allow_auto_disable>1</allow_auto_disable>",
    ]);
    (out + "</model>", meant)
}

fn world(seed: u64) -> Vec<u8> {
    meant(seed).0
}

/// A world as it is written, and what was meant by its models.
fn meant(seed: u64) -> (Vec<u8>, Vec<Meant>) {
    let mut dice = Dice(Stream::new(seed, 77), 0);
    let (mut parts, mut models) = (Vec::new(), Vec::new());
    for _ in 0..=dice.roll(4) {
        let (text, meant) = model(&mut dice, 0, &Isometry3::identity(), false);
        parts.push(text);
        models.push(meant);
    }
    // Each at most once: a second frame of one name is refused, as libsdformat refuses it.
    let mut more = MORE.to_vec();
    for _ in 0..dice.roll(7) {
        let at = dice.roll(parts.len() + 1);
        parts.insert(at, more.swap_remove(dice.roll(more.len())).to_owned());
    }
    let head = dice.pick(&["", "<?xml version=\"1.0\" ?>\n", "<?xml version='1.0' encoding='ISO-8859-1'?>"]);
    let version = dice.pick(&["1.3", "1.4", "1.5", "1.6", "1.7", "1.8", "1.9", "1.10", "1.11", "1.12"]);
    let text =
        format!("{head}<sdf version='{version}'><world name='my world'>{}</world></sdf>", parts.join("\n"));
    let mut bytes = text.into_bytes();
    match dice.roll(8) {
        0 => bytes.splice(0..0, *b"\xef\xbb\xbf").for_each(drop),
        1 => bytes = String::from_utf8(bytes).unwrap().replace('\n', "\r\n").into_bytes(),
        2 => {
            let at = bytes.windows(6).position(|w| w == b"<world").unwrap();
            bytes.splice(at..at, *b"<!-- caf\xe9, 90\xb0 -->").for_each(drop);
        }
        3 => bytes.extend_from_slice(b"\n\n<!-- end -->   trailing"),
        _ => {}
    }
    (bytes, models)
}

/// The shape that a text means, where it says one that is whole or that SDF's defaults complete.
fn shape(text: &str) -> Option<Shape> {
    let boxed = |x, y, z| Some(Shape::Box { size: Vector3::new(x, y, z) });
    match SHAPES.iter().position(|s| *s == text).unwrap() {
        0 => boxed(1.0, 2.0, 0.5),
        1..=3 => boxed(1.0, 1.0, 1.0),
        4 => Some(Shape::Cylinder { radius: 0.5, length: 2.0 }),
        6 => Some(Shape::Sphere { radius: 0.5 }),
        7 => Some(Shape::Sphere { radius: 1.0 }),
        8 => Some(Shape::Capsule { radius: 1.0, length: 1.0 }),
        9 => Some(Shape::Ellipsoid { radii: Vector3::new(1.0, 2.0, 3.0) }),
        10 => Some(Shape::Plane { normal: Vector3::z_axis(), size: [10.0, 10.0] }),
        _ => None,
    }
}

fn same_geometry(found: &Geometry, text: &str, place: &str) {
    match shape(text) {
        Some(shape) => assert_eq!(found.shape(), Some(shape), "{place}: {text}"),
        // Nothing is nothing, and what cannot be had has a stand-in.
        None if text == "<empty/>" => assert_eq!(found, &Geometry::Empty, "{place}"),
        None if text.starts_with("<polyline>") => {
            let Geometry::Mesh(mesh) = found else { panic!("{place}: {found:?}") };
            let (low, high) = mesh.data.bounds().unwrap();
            assert!((high - low - Vector3::new(1.0, 1.0, 1.0)).norm() < 1e-6, "{place}: {low} {high}");
        }
        None => {}
    }
}

fn same_place(found: &Isometry3<f64>, meant: &Isometry3<f64>, place: &str) {
    let (way, turn) = (
        (found.translation.vector - meant.translation.vector).norm(),
        found.rotation.angle_to(&meant.rotation),
    );
    // Some numbers are of a hundred.
    assert!(way < 1e-9 * (1.0 + meant.translation.vector.norm()) && turn < 1e-6, "{place}: {found} {meant}");
}

/// Everything that a model was meant to hold is there, and nothing else.
fn same_model(found: &SdfModel, meant: &Meant, seed: u64) {
    let place = format!("seed {seed}, model {}", meant.name);
    assert!(found.name.starts_with(meant.name), "{place}: {}", found.name);
    assert_eq!(found.is_static, meant.is_static, "{place}");
    same_place(&found.pose, &meant.pose, &place);
    assert_eq!(found.links.len(), meant.links.len(), "{place}");
    for (n, (link, meant)) in found.links.iter().zip(&meant.links).enumerate() {
        let place = format!("{place}, link {n}");
        assert_eq!(link.name, format!("link {n}"), "{place}");
        same_place(&link.pose, &meant.pose, &place);
        if let Some(mass) = meant.mass {
            assert_eq!(link.inertial.mass, mass, "{place}");
        }
        assert_eq!((link.visuals.len(), link.gravity), (meant.visuals.len(), meant.gravity), "{place}");
        link.visuals
            .iter()
            .zip(&meant.visuals)
            .for_each(|(v, text)| same_geometry(&v.geometry, text, &place));
        assert_eq!(link.collisions.len(), usize::from(meant.collision.is_some()), "{place}");
        if let Some(text) = meant.collision {
            same_geometry(&link.collisions[0].geometry, text, &place);
        }
        let kinds: Vec<&str> = link.sensors.iter().map(|s| s.kind.name()).collect();
        let expected: &[&str] = match meant.sensor {
            s if s.contains("type='imu'") => &["imu"],
            s if s.contains("type='gps'") => &["navsat"],
            s if s.contains("type='ray'") => &["lidar"],
            s if s.contains("type='camera'") => &["camera"],
            _ => &[],
        };
        assert_eq!(kinds, expected, "{place}: {}", meant.sensor);
    }
    match &meant.inner {
        Some(inner) => same_model(&found.models[0], inner, seed),
        None => assert!(found.models.is_empty(), "{place}"),
    }
}

#[test]
fn four_hundred_sloppy_worlds_are_read_as_they_were_meant() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("w.sdf");
    let mut loader = Loader::from_env();
    (loader.placeholders, loader.mesh) = (true, MeshPolicy::Placeholder);
    let (mut warnings, mut compared) = (0, 0);
    for seed in 0..400 {
        let (bytes, meant) = meant(seed);
        std::fs::write(&file, &bytes).unwrap();
        match loader.load_file(&file) {
            Ok(loaded) => {
                warnings += loaded.report.warnings.len();
                // What includes bring has other names.
                let ours = |m: &&SdfModel| meant.iter().any(|meant| m.name.starts_with(meant.name));
                let world = loaded.world.unwrap();
                let found: Vec<&SdfModel> = world.models.iter().filter(ours).collect();
                assert_eq!(
                    found.len(),
                    meant.len(),
                    "seed {seed}: {:?}",
                    found.iter().map(|m| &m.name).collect::<Vec<_>>()
                );
                for (found, meant) in found.into_iter().zip(&meant) {
                    same_model(found, meant, seed);
                    compared += 1;
                }
            }
            Err(error) => panic!("seed {seed}: {error}\n{}", String::from_utf8_lossy(&bytes)),
        }
    }
    assert!(warnings > 500, "{warnings}: what is forgiven is said");
    assert!(compared > 900, "{compared} models");
}

/// Whatever stands in them and moves, however it overlaps: time passes, and nothing but a state that is not finite may end it.
#[test]
fn sloppy_worlds_go_on() {
    let mut loader = Loader::without_files();
    (loader.placeholders, loader.mesh) = (true, MeshPolicy::Placeholder);
    let (mut flown, mut bodies) = (0, 0);
    for seed in 0..120 {
        let Ok(loaded) = loader.load_str(&String::from_utf8_lossy(&world(seed)), "wild") else { continue };
        let world = from_sdf(loaded, "wild", 60.0, 2.0).unwrap();
        bodies += world.free_objects().count();
        // Gravity that no rotors carry, for one.
        let Ok(mut flight) = Flight::new(Arc::new(world), Vehicle::x500(), Rules::default()) else {
            continue;
        };
        flown += 1;
        if let Err(error) = flight.advance(60_000_000) {
            assert!(error.to_string().starts_with("PG-1023"), "seed {seed}: {error}");
        }
    }
    assert!(flown > 60 && bodies > 60, "{flown} worlds with {bodies} bodies");
}

/// The same without placeholders: what is not there is one error with its name and where it was looked for.
#[test]
fn what_is_not_there_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("w.sdf");
    let mut loader = Loader::from_env();
    loader.mesh = MeshPolicy::Load;
    let mut refused = 0;
    for seed in 0..200 {
        std::fs::write(&file, world(seed)).unwrap();
        if let Err(error) = loader.load_file(&file) {
            let text = error.to_string();
            assert!(text.starts_with("PG-1007") && text.contains("w.sdf:"), "seed {seed}: {text}");
            refused += 1;
        }
    }
    assert!(refused > 30, "{refused}");
}

/// Cut off, or with a byte changed, anywhere: an answer, and never more than one error.
#[test]
fn damaged_worlds_do_not_bring_it_down() {
    let mut loader = Loader::without_files();
    (loader.placeholders, loader.mesh) = (true, MeshPolicy::Placeholder);
    let mut dice = Dice(Stream::new(5, 78), 0);
    for seed in 0..60 {
        let text = String::from_utf8_lossy(&world(seed)).into_owned();
        for _ in 0..20 {
            let mut bytes = text.clone().into_bytes();
            let at = dice.roll(bytes.len());
            match dice.roll(3) {
                0 => bytes.truncate(at),
                1 => bytes[at] = b"<>&\"'=/ 9\0"[dice.roll(10)],
                _ => bytes.splice(at..at, *b"<link name='x'>").for_each(drop),
            }
            if let Err(error) = loader.load_str(&String::from_utf8_lossy(&bytes), "damaged") {
                assert!(error.to_string().starts_with("PG-10"), "{error}");
            }
        }
    }
}

/// Huge counts end at a limit, not at the end of memory.
#[test]
fn huge_counts_are_bounded() {
    let many = "<model name='m'><link name='l'/></model>".repeat(30_000);
    let error = Loader::without_files()
        .load_str(&format!("<sdf version='1.9'><world name='w'>{many}</world></sdf>"), "t");
    if let Err(error) = error {
        assert!(error.to_string().starts_with("PG-1009"), "{error}");
    }
    let deep = "<model name='m'>".repeat(100_000);
    let error = Loader::without_files().load_str(&format!("<sdf version='1.9'>{deep}"), "t").unwrap_err();
    assert!(error.to_string().starts_with("PG-10"), "{error}");
}
