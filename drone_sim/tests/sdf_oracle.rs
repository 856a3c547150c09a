//! libsdformat reads the same files; every pose, mass and shape must agree.
//!
//! Needs libsdformat 12 (`apt-get install libsdformat-dev`) and a C++ compiler; says SKIP by name where they are missing.

#![allow(clippy::unwrap_used, clippy::expect_used)]

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::Command;

use nalgebra::Isometry3;
use peregrine_sim::rng::Stream;
use peregrine_sim::scenario::{ForestSpec, forest};
use peregrine_sim::sdf::Loader;
use peregrine_sim::sdf::types::SdfModel;
use peregrine_sim::shape::Shape;

/// The compiled oracle, or why there is none.
fn oracle(folder: &Path) -> Result<PathBuf, String> {
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
    format!("{kind} {name} {}{more}", numbers.join(" "))
}

fn shape(shape: &Shape) -> String {
    let (name, numbers): (&str, Vec<f64>) = match shape {
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

fn lines(model: &SdfModel, scope: &str, out: &mut BTreeSet<String>) {
    out.insert(line("model", scope, &model.pose, ""));
    for l in &model.links {
        let name = format!("{scope}::{}", l.name);
        out.insert(line("link", &name, &l.pose, &format!(" mass {}", number(l.inertial.mass))));
        for v in &l.visuals {
            out.insert(line("visual", &format!("{name}::{}", v.name), &v.pose, &shape(&v.shape)));
        }
        for c in &l.collisions {
            out.insert(line("collision", &format!("{name}::{}", c.name), &c.pose, &shape(&c.shape)));
        }
    }
    for (name, pose) in &model.frames {
        out.insert(line("frame", &format!("{scope}::{name}"), pose, ""));
    }
    for m in &model.models {
        lines(m, &format!("{scope}::{}", m.name), out);
    }
}

/// A random world with all that poses can do.
fn generated(seed: u64) -> String {
    let stream = Stream::new(seed, 77);
    let mut index = 0;
    let mut next = |span: f64| {
        index += 1;
        (stream.unit(index) - 0.5) * span
    };
    let mut pose = |attributes: &str| {
        let [x, y, z, a, b, c] = [20.0, 20.0, 4.0, 3.0, 1.5, 6.0].map(&mut next);
        let turn = if attributes.contains("degrees") { 57.0 } else { 1.0 };
        format!("<pose {attributes}>{x} {y} {z} {} {} {}</pose>", a * turn, b * turn, c * turn)
    };
    let mut out = format!("<sdf version='1.9'><world name='w'><frame name='wf'>{}</frame>", pose(""));
    for i in 0..6 {
        let relative =
            ["", "relative_to='wf'", "degrees='true'", "relative_to='m0'", "relative_to='m1::b'", ""][i];
        out += &format!(
            "<model name='m{i}'{}>{}",
            if i == 5 { " placement_frame='g'" } else { "" },
            pose(relative)
        );
        out += &format!("<link name='a'>{}<inertial><mass>{}</mass></inertial>", pose(""), i + 1);
        out += &format!(
            "<collision name='c'>{}<geometry><capsule><radius>0.3</radius><length>1.5</length></capsule></geometry></collision>",
            pose("relative_to='g'")
        );
        out += &format!(
            "<visual name='v'>{}<geometry><ellipsoid><radii>0.3 0.4 0.5</radii></ellipsoid></geometry></visual></link>",
            pose("")
        );
        out += &format!("<link name='b'>{}</link>", pose("relative_to='f'"));
        out += &format!("<frame name='f' attached_to='a'>{}</frame>", pose(""));
        out +=
            &format!("<frame name='g' attached_to='b'>{}</frame>", pose("relative_to='n::p' degrees='true'"));
        out +=
            &format!("<joint name='j' type='fixed'>{}<parent>a</parent><child>b</child></joint>", pose(""));
        out += &format!("<frame name='h'>{}</frame>", pose("relative_to='j'"));
        out += &format!(
            "<model name='n'>{}<link name='p'>{}</link></model></model>",
            pose("relative_to='a'"),
            pose("")
        );
    }
    out + "</world></sdf>"
}

#[test]
fn libsdformat_agrees_on_every_pose_mass_and_shape() {
    let folder = tempfile::tempdir().unwrap();
    let program = match oracle(folder.path()) {
        Ok(program) => program,
        Err(reason) => {
            println!("SKIP libsdformat_agrees_on_every_pose_mass_and_shape: {reason}");
            return;
        }
    };
    let worlds = Path::new(env!("CARGO_MANIFEST_DIR")).join("worlds");
    let mut files = vec![worlds.join("empty.sdf"), worlds.join("slalom.sdf"), worlds.join("wall.sdf")];
    for seed in 0..6 {
        files.push(folder.path().join(format!("generated_{seed}.sdf")));
        std::fs::write(files.last().unwrap(), generated(seed)).unwrap();
    }
    files.push(folder.path().join("forest.sdf"));
    std::fs::write(files.last().unwrap(), forest(&ForestSpec::default()).unwrap().to_sdf()).unwrap();
    // The shipped models lie in a folder that libsdformat searches as model://NAME/model.sdf.
    for name in ["sun", "ground_plane"] {
        let to = folder.path().join("models").join(name);
        std::fs::create_dir_all(&to).unwrap();
        std::fs::copy(worlds.join(format!("models/{name}.sdf")), to.join("model.sdf")).unwrap();
        let config = format!("<model><name>{name}</name><sdf version='1.9'>model.sdf</sdf></model>");
        std::fs::write(to.join("model.config"), config).unwrap();
    }
    for file in files {
        let out =
            Command::new(&program).arg(&file).env("SDF_PATH", folder.path().join("models")).output().unwrap();
        assert!(out.status.success(), "{}: {}", file.display(), String::from_utf8_lossy(&out.stderr));
        let text = String::from_utf8_lossy(&out.stdout).replace("-0.000000", "0.000000");
        let theirs: BTreeSet<String> = text.lines().map(str::to_string).collect();
        let world = Loader::new().load_file(&file).unwrap().world.unwrap();
        let mut ours = BTreeSet::new();
        world.models.iter().for_each(|m| lines(m, &m.name, &mut ours));
        assert!(theirs.len() > 4 || file.ends_with("empty.sdf"));
        let (a, b): (Vec<_>, Vec<_>) =
            (ours.difference(&theirs).collect(), theirs.difference(&ours).collect());
        assert!(a.is_empty() && b.is_empty(), "{}:\nours {a:#?}\ntheirs {b:#?}", file.display());
    }
}
