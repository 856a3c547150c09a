//! What is read of an SDF file, a line for each thing, in the words of `poses.cc`: shared by the test and the example that
//! compare this reader with libsdformat.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;

use nalgebra::Isometry3;
use peregrine_sim::sdf::Loaded;
use peregrine_sim::sdf::types::{Geometry, JointAxis, Light, SdfModel, SdfWorld};
use peregrine_sim::sensors::spec::{CameraSpec, NoiseSpec, SensorKind, SensorSpec};
use peregrine_sim::shape::Shape;

/// Lines by kind and name of what they are about; several, where several things have one name.
pub type Lines = BTreeMap<String, Vec<String>>;

/// The compiled `poses.cc` in `folder`, or why there is none.
///
/// # Errors
/// What is missing, in words.
pub fn oracle(folder: &Path) -> Result<PathBuf, String> {
    let flags = Command::new("pkg-config").args(["--cflags", "--libs", "sdformat12"]).output();
    let flags = flags.map_err(|e| format!("pkg-config: {e}"))?;
    if !flags.status.success() {
        return Err("libsdformat 12 is not installed".to_string());
    }
    let program = folder.join("oracle");
    let source = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/oracle/poses.cc");
    let mut compile = Command::new("c++");
    compile.args(["-std=c++17", "-O0", source, "-o"]).arg(&program);
    compile.args(String::from_utf8_lossy(&flags.stdout).split_whitespace());
    let out = compile.output().map_err(|e| format!("c++: {e}"))?;
    if out.status.success() { Ok(program) } else { Err(String::from_utf8_lossy(&out.stderr).into_owned()) }
}

fn number(x: f64) -> String {
    let text = format!("{x:.6}");
    // A negative zero and a number that rounds to zero are the same to the eye.
    if text.trim_start_matches('-').chars().all(|c| c == '0' || c == '.') {
        "0.000000".to_string()
    } else {
        text
    }
}

fn line(kind: &str, name: &str, pose: &Isometry3<f64>, more: &str) -> String {
    let t = pose.translation.vector;
    let q = pose.rotation.into_inner();
    let q = if q.w < 0.0 { -q } else { q };
    let numbers: Vec<String> = [t.x, t.y, t.z, q.w, q.i, q.j, q.k].into_iter().map(number).collect();
    format!("{kind} {} {}{more}", word(name), numbers.join(" "))
}

fn shape(geometry: &Geometry) -> String {
    let Some(shape) = geometry.shape() else { return " other".to_string() };
    let (name, numbers): (&str, Vec<f64>) = match &shape {
        Shape::Box { size } => ("box", size.iter().copied().collect()),
        Shape::Cylinder { radius, length } => ("cylinder", vec![*radius, *length]),
        Shape::Sphere { radius } => ("sphere", vec![*radius]),
        Shape::Capsule { radius, length } => ("capsule", vec![*radius, *length]),
        Shape::Ellipsoid { radii } => ("ellipsoid", radii.iter().copied().collect()),
        Shape::Plane { .. } => ("plane", vec![]),
        Shape::Cone { .. } | Shape::Triangle { .. } => ("other", vec![]),
    };
    numbers.into_iter().fold(format!(" {name}"), |text, x| text + " " + &number(x))
}

fn numbers(list: impl IntoIterator<Item = f64>) -> String {
    list.into_iter().fold(String::new(), |text, x| text + " " + &number(x))
}

fn noise(n: &NoiseSpec) -> String {
    let biases = [n.bias_mean, n.bias_stddev, n.dynamic_bias_stddev, n.dynamic_bias_correlation_time];
    numbers([n.mean, n.stddev]) + &numbers(biases)
}

fn sensor(s: &SensorSpec) -> String {
    let (kind, more) = match &s.kind {
        SensorKind::Camera(c) => ("camera", camera(c)),
        SensorKind::Depth(c) => ("depth_camera", camera(c)),
        SensorKind::Rgbd(c) => ("rgbd_camera", camera(c)),
        SensorKind::Segmentation(c) => ("segmentation_camera", camera(c)),
        SensorKind::BoundingBox(c) => ("boundingbox_camera", camera(c)),
        SensorKind::Lidar(l) => {
            let h = &l.horizontal;
            let scan = [f64::from(h.samples), h.min_angle, h.max_angle, f64::from(l.vertical.samples)];
            ("lidar", numbers(scan) + &numbers([l.min_range, l.max_range]) + &noise(&l.noise))
        }
        SensorKind::Imu(i) => {
            let (w, a) = (&i.angular_velocity, &i.linear_acceleration);
            ("imu", noise(&w[0]) + &noise(&w[2]) + &noise(&a[1]))
        }
        SensorKind::NavSat(n) => ("navsat", noise(&n.horizontal_position) + &noise(&n.vertical_velocity)),
        SensorKind::AirPressure(p) => ("air_pressure", numbers([p.reference_altitude]) + &noise(&p.pressure)),
        SensorKind::Magnetometer(m) => ("magnetometer", noise(&m[0]) + &noise(&m[2])),
        SensorKind::Altimeter(a) => ("altimeter", noise(&a.vertical_position) + &noise(&a.vertical_velocity)),
        SensorKind::Contact { .. } => ("contact", String::new()),
    };
    format!(" {kind} topic={}{}{more}", word(s.topic.as_deref().unwrap_or("")), numbers([s.update_rate]))
}

fn camera(c: &CameraSpec) -> String {
    numbers([f64::from(c.width), f64::from(c.height), c.hfov, c.near, c.far])
        + &numbers([c.distortion.k[0], c.distortion.p[1]])
        + &noise(&c.noise)
}

fn axis(axis: Option<&JointAxis>) -> String {
    let Some(a) = axis else { return " none".to_string() };
    numbers(a.xyz.iter().copied()) + &numbers([a.lower, a.upper, a.damping, a.friction])
}

fn light(l: &Light, name: &str) -> String {
    let a = &l.attenuation;
    let rest = [
        f64::from(l.diffuse[0]),
        a.range,
        a.constant,
        a.linear,
        a.quadratic,
        l.intensity,
        l.spot.outer_angle,
    ];
    line("light", name, &l.pose, &(numbers(l.direction.iter().copied()) + &numbers(rest)))
}

fn world_line(w: &SdfWorld) -> String {
    // libsdformat rounds its default of the magnetic field to whole microteslas.
    let field = w.earth.magnetic_field.map(|x| (x * 1e6).round());
    let vectors = [w.gravity, w.wind, field].map(|v| numbers(v.iter().copied())).concat();
    format!("world{vectors}{}", numbers([w.physics.max_step_size]))
}

/// Everything of a file that is compared.
pub fn ours(loaded: &Loaded) -> Lines {
    let mut out = Vec::new();
    if let Some(w) = &loaded.world {
        out.push(world_line(w));
        w.models.iter().for_each(|m| model(m, &m.name, &mut out));
        out.extend(w.lights.iter().map(|l| light(l, &l.name)));
        out.extend(w.frames.iter().map(|(name, pose)| line("frame", name, pose, "")));
        out.extend(w.actors.iter().map(|a| format!("actor {}", word(&a.name))));
    }
    loaded.models.iter().for_each(|m| model(m, &m.name, &mut out));
    out.extend(loaded.lights.iter().map(|l| light(l, &l.name)));
    sorted(out)
}

/// What the oracle printed.
pub fn theirs(stdout: &str) -> Lines {
    sorted(stdout.lines().map(str::to_string).collect())
}

fn sorted(list: Vec<String>) -> Lines {
    let mut out = Lines::new();
    for text in list {
        let words: Vec<&str> = text.splitn(3, ' ').collect();
        let key = if words[0] == "world" { "world".to_string() } else { words[..2].join(" ") };
        out.entry(key).or_default().push(text);
    }
    out.values_mut().for_each(|v| v.sort());
    out
}

/// Where the two differ, a sentence each. `rounded` tells which lines libsdformat may have rounded.
pub fn differences(ours: &Lines, theirs: &Lines, rounded: impl Fn(&str) -> bool) -> Vec<String> {
    let mut out = Vec::new();
    for key in ours.keys().chain(theirs.keys().filter(|k| !ours.contains_key(*k))) {
        let nothing = Vec::new();
        let (a, b) = (ours.get(key).unwrap_or(&nothing), theirs.get(key).unwrap_or(&nothing));
        if a.len() != b.len() || !a.iter().zip(b).all(|(a, b)| same(a, b, rounded(a))) {
            out.push(format!("ours   {}\ntheirs {}\n", a.join("\n       "), b.join("\n       ")));
        }
    }
    out
}

fn model(m: &SdfModel, scope: &str, out: &mut Vec<String>) {
    out.push(line("model", scope, &m.pose, ""));
    for l in &m.links {
        let name = format!("{scope}::{}", l.name);
        out.push(line("link", &name, &l.pose, &format!(" mass {}", number(l.inertial.mass))));
        let i = &l.inertial.inertia;
        let moments = [i[(0, 0)], i[(1, 1)], i[(2, 2)], i[(0, 1)], i[(0, 2)], i[(1, 2)]];
        out.push(line("inertial", &name, &l.inertial.pose, &numbers(moments)));
        for s in &l.sensors {
            out.push(line("sensor", &format!("{name}::{}", s.name), &(l.pose * s.pose), &sensor(s)));
        }
        for s in &l.lights {
            out.push(light(s, &format!("{name}::{}", s.name)));
        }
        for v in &l.visuals {
            out.push(line("visual", &format!("{name}::{}", v.name), &v.pose, &shape(&v.geometry)));
        }
        for c in &l.collisions {
            out.push(line("collision", &format!("{name}::{}", c.name), &c.pose, &shape(&c.geometry)));
        }
    }
    for (name, pose) in &m.frames {
        out.push(line("frame", &format!("{scope}::{name}"), pose, ""));
    }
    for j in &m.joints {
        let axes = axis(j.axis.as_ref()) + &axis(j.axis2.as_ref());
        out.push(line("joint", &format!("{scope}::{}", j.name), &j.pose, &format!(" {}{axes}", j.kind)));
    }
    for inner in &m.models {
        model(inner, &format!("{scope}::{}", inner.name), out);
    }
}

/// Names with blanks would end a word.
fn word(name: &str) -> String {
    name.replace(' ', "_")
}

/// Equal words, and numbers that are equal to the last of six printed decimals.
///
/// With `rounded` to 1e-4. What is merged with a placement frame is equal to 1e-4: libsdformat writes the pose that it has computed for the
/// merged model into its tree as text of six significant digits and reads it again, so tens of metres are rounded to
/// 5e-5 m. Where that pose has six digits from the start (the other generated worlds), nothing is rounded, and nothing
/// differs.
fn same(a: &str, b: &str, rounded: bool) -> bool {
    let limit = if rounded { 1e-4 } else { 1.5e-6 };
    let close = |(a, b): (&str, &str)| match (a.parse::<f64>(), b.parse::<f64>()) {
        (Ok(x), Ok(y)) => x == y || (x - y).abs() <= limit,
        _ => a == b,
    };
    a.split(' ').count() == b.split(' ').count() && a.split(' ').zip(b.split(' ')).all(close)
}
