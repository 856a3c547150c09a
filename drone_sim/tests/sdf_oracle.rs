//! libsdformat reads the same files; every pose, mass and shape must agree.
//!
//! Needs libsdformat 12 (`apt-get install libsdformat-dev`) and a C++ compiler; says SKIP by name where they are missing.

#![allow(clippy::unwrap_used, clippy::expect_used)]

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::Command;

use nalgebra::{Isometry3, UnitQuaternion};
use peregrine_sim::rng::Stream;
use peregrine_sim::scenario::{ForestSpec, forest};
use peregrine_sim::sdf::Loader;
use peregrine_sim::sdf::types::{Geometry, JointAxis, Light, SdfModel, SdfWorld};
use peregrine_sim::sensors::spec::{CameraSpec, NoiseSpec, SensorKind, SensorSpec};
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
    format!(" {kind} topic={}{}{more}", s.topic.as_deref().unwrap_or(""), numbers([s.update_rate]))
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
    let rest = [f64::from(l.diffuse[0]), l.attenuation.range, l.intensity, l.spot.outer_angle];
    line("light", name, &l.pose, &(numbers(l.direction.iter().copied()) + &numbers(rest)))
}

fn world_line(w: &SdfWorld) -> String {
    // libsdformat rounds its default of the magnetic field to whole microteslas.
    let field = w.earth.magnetic_field.map(|x| (x * 1e6).round());
    let vectors = [w.gravity, w.wind, field].map(|v| numbers(v.iter().copied())).concat();
    format!("world{vectors}{}", numbers([w.physics.max_step_size]))
}

fn lines(model: &SdfModel, scope: &str, out: &mut BTreeSet<String>) {
    out.insert(line("model", scope, &model.pose, ""));
    for l in &model.links {
        let name = format!("{scope}::{}", l.name);
        out.insert(line("link", &name, &l.pose, &format!(" mass {}", number(l.inertial.mass))));
        let i = &l.inertial.inertia;
        let moments = [i[(0, 0)], i[(1, 1)], i[(2, 2)], i[(0, 1)], i[(0, 2)], i[(1, 2)]];
        out.insert(line("inertial", &name, &l.inertial.pose, &numbers(moments)));
        for s in &l.sensors {
            out.insert(line("sensor", &format!("{name}::{}", s.name), &(l.pose * s.pose), &sensor(s)));
        }
        for s in &l.lights {
            out.insert(light(s, &format!("{name}::{}", s.name)));
        }
        for v in &l.visuals {
            out.insert(line("visual", &format!("{name}::{}", v.name), &v.pose, &shape(&v.geometry)));
        }
        for c in &l.collisions {
            out.insert(line("collision", &format!("{name}::{}", c.name), &c.pose, &shape(&c.geometry)));
        }
    }
    for (name, pose) in &model.frames {
        out.insert(line("frame", &format!("{scope}::{name}"), pose, ""));
    }
    for j in &model.joints {
        let axes = axis(j.axis.as_ref()) + &axis(j.axis2.as_ref());
        out.insert(line("joint", &format!("{scope}::{}", j.name), &j.pose, &format!(" {}{axes}", j.kind)));
    }
    for m in &model.models {
        lines(m, &format!("{scope}::{}", m.name), out);
    }
}

/// Random numbers and what is made of them.
struct Maker {
    stream: Stream,
    index: u64,
}

impl Maker {
    fn next(&mut self, span: f64) -> f64 {
        self.index += 1;
        (self.stream.unit(self.index) - 0.5) * span
    }

    fn pick<'a>(&mut self, of: &[&'a str]) -> &'a str {
        let unit = self.next(1.0) + 0.5;
        of[((unit * of.len() as f64) as usize).min(of.len() - 1)]
    }

    /// A pose in one of the three ways to write it.
    fn pose(&mut self, attributes: &str) -> String {
        let [x, y, z, a, b, c] = [20.0, 20.0, 4.0, 3.0, 1.5, 6.0].map(|span| self.next(span));
        match self.pick(&["", "degrees", "quaternion"]) {
            "degrees" => format!(
                "<pose degrees='true' {attributes}>{x} {y} {z} {} {} {}</pose>",
                a.to_degrees(),
                b.to_degrees(),
                c.to_degrees()
            ),
            "quaternion" => {
                let q = UnitQuaternion::from_euler_angles(a, b, c);
                let q = q.quaternion();
                format!(
                    "<pose rotation_format='quat_xyzw' {attributes}>{x} {y} {z} {} {} {} {}</pose>",
                    q.i, q.j, q.k, q.w
                )
            }
            _ => format!("<pose {attributes}>{x} {y} {z} {a} {b} {c}</pose>"),
        }
    }

    /// A pose whose numbers have at most six digits, as many as libsdformat keeps of the pose of what it merges.
    fn short_pose(&mut self, attributes: &str) -> String {
        let [x, y, z, a, b, c] = [20.0, 20.0, 4.0, 3.0, 1.5, 6.0].map(|span| self.next(span));
        format!("<pose {attributes}>{x:.4} {y:.4} {z:.4} {a:.5} {b:.5} {c:.5}</pose>")
    }

    fn noise(&mut self) -> String {
        let [m, s, b, d] = [1.0, 0.2, 0.1, 0.3].map(|span| self.next(span));
        format!(
            "<noise type='gaussian'><mean>{m}</mean><stddev>{}</stddev><bias_mean>{b}</bias_mean><bias_stddev>{}\
             </bias_stddev><dynamic_bias_stddev>{}</dynamic_bias_stddev></noise>",
            s.abs(),
            b.abs(),
            d.abs()
        )
    }

    fn sensors(&mut self) -> String {
        let mut out = String::new();
        for kind in [
            "camera",
            "depth_camera",
            "rgbd_camera",
            "gpu_lidar",
            "lidar",
            "imu",
            "magnetometer",
            "altimeter",
            "air_pressure",
            "navsat",
        ] {
            let noise = self.noise();
            let inside = match kind {
                "gpu_lidar" | "lidar" => format!(
                    "<lidar><scan><horizontal><samples>{}</samples><min_angle>{}</min_angle><max_angle>1.5</max_angle>\
                     </horizontal></scan><range><min>0.1</min><max>{}</max></range></lidar>",
                    (self.next(100.0) + 100.0) as u32,
                    self.next(1.0) - 1.0,
                    self.next(10.0) + 20.0
                ),
                "imu" => format!(
                    "<imu><angular_velocity><x>{noise}</x><z>{}</z></angular_velocity><linear_acceleration><y>{}</y>\
                     </linear_acceleration></imu>",
                    self.noise(),
                    self.noise()
                ),
                "magnetometer" => {
                    format!("<magnetometer><x>{noise}</x><z>{}</z></magnetometer>", self.noise())
                }
                "altimeter" => {
                    format!("<altimeter><vertical_position>{noise}</vertical_position></altimeter>")
                }
                "air_pressure" => format!(
                    "<air_pressure><reference_altitude>{}</reference_altitude><pressure>{noise}</pressure></air_pressure>",
                    self.next(100.0)
                ),
                "navsat" => format!(
                    "<navsat><position_sensing><horizontal>{noise}</horizontal></position_sensing></navsat>"
                ),
                _ => format!(
                    "<camera><horizontal_fov>{}</horizontal_fov><image><width>{}</width><height>100</height></image>\
                     <clip><near>0.05</near><far>{}</far></clip><distortion><k1>0.1</k1><p2>-0.02</p2></distortion>\
                     </camera>",
                    self.next(0.5) + 1.2,
                    (self.next(300.0) + 300.0) as u32,
                    self.next(20.0) + 50.0
                ),
            };
            let frame = self.pick(&["", "relative_to='g'", "relative_to='f'"]);
            let (pose, rate) = (self.pose(frame), self.next(10.0).abs());
            let topic = if rate > 2.0 { "<topic>some/where</topic>" } else { "" };
            out += &format!(
                "<sensor name='s_{kind}' type='{kind}'>{pose}<update_rate>{rate}</update_rate>{topic}{inside}</sensor>"
            );
        }
        out
    }

    fn inertial(&mut self) -> String {
        let [a, b, c, d] = [0.2, 0.2, 0.1, 0.1].map(|span| self.next(span));
        format!(
            "<inertial>{}<mass>{}</mass><inertia><ixx>{}</ixx><iyy>{}</iyy><izz>1</izz><ixy>{c}</ixy><iyz>{d}</iyz>\
             </inertia></inertial>",
            self.pose(""),
            self.next(1.0) + 2.0,
            1.0 + a,
            1.0 + b
        )
    }

    fn joint(&mut self, name: &str, parent: &str, child: &str) -> String {
        let kind = self.pick(&["revolute", "prismatic", "continuous", "universal", "fixed"]);
        let frame = self.pick(&["", "relative_to='g'", "relative_to='a'"]);
        let pose = self.pose(frame);
        let mut axes = String::new();
        for tag in ["axis", "axis2"] {
            if kind == "fixed" || tag == "axis2" && kind != "universal" {
                continue;
            }
            let within = self.pick(&["", "expressed_in='__model__'", "expressed_in='f'"]);
            let (x, y) = (self.next(2.0), self.next(2.0));
            axes += &format!(
                "<{tag}><xyz {within}>{x} {y} 1</xyz><limit><lower>-1.5</lower><upper>{}</upper></limit>\
                 <dynamics><damping>{}</damping></dynamics></{tag}>",
                self.next(1.0) + 2.0,
                self.next(1.0) + 1.0
            );
        }
        format!(
            "<joint name='{name}' type='{kind}'>{pose}<parent>{parent}</parent><child>{child}</child>{axes}</joint>"
        )
    }

    fn light(&mut self, name: &str) -> String {
        let kind = self.pick(&["point", "directional", "spot"]);
        let (pose, i) = (self.pose(""), self.next(1.0) + 1.0);
        let spot = if kind == "spot" {
            "<spot><inner_angle>0.1</inner_angle><outer_angle>0.5</outer_angle></spot>"
        } else {
            ""
        };
        format!(
            "<light name='{name}' type='{kind}'>{pose}<diffuse>0.5 0.6 0.7 1</diffuse><intensity>{i}</intensity>\
             <attenuation><range>{}</range></attenuation><direction>0 0 -1</direction>{spot}</light>",
            self.next(10.0) + 20.0
        )
    }

    /// A model's contents: links, frames, joints, a nested model.
    fn contents(&mut self) -> String {
        let mut out = format!("<link name='a'>{}{}{}", self.pose(""), self.inertial(), self.sensors());
        out += &format!(
            "<collision name='c'>{}<geometry><capsule><radius>0.3</radius><length>1.5</length></capsule></geometry></collision>",
            self.pose("relative_to='g'")
        );
        out += &format!(
            "<visual name='v'>{}<geometry><ellipsoid><radii>0.3 0.4 0.5</radii></ellipsoid></geometry></visual>",
            self.pose("")
        );
        out += &format!(
            "<visual name='w'>{}<geometry><polyline><point>0 0</point><point>1 0</point><point>0 1</point><height>2</height>\
             </polyline></geometry></visual>{}</link>",
            self.pose("relative_to='n'"),
            self.light("l")
        );
        out += &format!("<link name='b'>{}</link>", self.pose("relative_to='f'"));
        out += &format!("<frame name='f' attached_to='a'>{}</frame>", self.pose(""));
        out += &format!("<frame name='g' attached_to='b'>{}</frame>", self.pose("relative_to='n::p'"));
        out += &self.joint("j", "a", "b");
        out += &self.joint("k", "world", "a");
        out += &format!("<frame name='h'>{}</frame>", self.pose("relative_to='j'"));
        out += &format!(
            "<model name='n'>{}<link name='p'>{}{}</link></model>",
            self.pose("relative_to='a'"),
            self.pose(""),
            self.inertial()
        );
        out
    }
}

/// A random world with all that poses can do, and the model that it includes, also by merging.
fn generated(seed: u64) -> (String, String) {
    let mut m = Maker { stream: Stream::new(seed, 77), index: 0 };
    let placed = m.pick(&["", "placement_frame='h'"]);
    let included =
        format!("<sdf version='1.9'><model name='inc' {placed}>{}{}</model></sdf>", m.pose(""), m.contents());
    let mut out = format!("<sdf version='1.9'><world name='w'><frame name='wf'>{}</frame>", m.pose(""));
    out +=
        &format!("<gravity>0 {} -9.7</gravity><magnetic_field>1e-6 2e-5 -4e-5</magnetic_field>", m.next(1.0));
    out += &format!("<wind><linear_velocity>{} 1 0</linear_velocity></wind>{}", m.next(5.0), m.light("sun"));
    for i in 0..6 {
        let relative = ["", "relative_to='wf'", "", "relative_to='m0'", "relative_to='m1::b'", ""][i];
        let placement = if i == 5 { " placement_frame='g'" } else { "" };
        out += &format!("<model name='m{i}'{placement}>{}{}</model>", m.pose(relative), m.contents());
    }
    out +=
        &format!("<include><uri>model://inc</uri><name>i0</name>{}</include>", m.pose("relative_to='m2::n'"));
    out += "<include><uri>model://inc</uri></include>";
    out += &format!(
        "<include><uri>model://inc</uri><name>i1</name>{}<placement_frame>f</placement_frame></include>",
        m.pose("")
    );
    // Names of what is merged are the host's: a host of its own.
    out += &format!(
        "<model name='host'>{}<link name='base'>{}</link><frame name='at' attached_to='base'>{}</frame>\
         <include merge='true'><uri>model://inc</uri>{}</include><include><uri>model://inc</uri><name>deep</name>{}</include></model>",
        m.pose(""),
        m.pose(""),
        m.pose(""),
        m.short_pose("relative_to='at'"),
        m.pose("relative_to='base'")
    );
    out +=
        &format!("<model name='last'>{}<link name='q'/></model>", m.pose("relative_to='host::deep::n::p'"));
    (out + "</world></sdf>", included)
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
    // (file, folder of models)
    let shipped = folder.path().join("models");
    let mut files: Vec<(PathBuf, PathBuf)> =
        ["empty.sdf", "slalom.sdf", "wall.sdf"].iter().map(|f| (worlds.join(f), shipped.clone())).collect();
    for seed in 0..12 {
        let (world, model) = generated(seed);
        let models = folder.path().join(format!("models_{seed}"));
        install(&models, "inc", &model);
        files.push((folder.path().join(format!("generated_{seed}.sdf")), models));
        std::fs::write(&files.last().unwrap().0, world).unwrap();
    }
    files.push((folder.path().join("forest.sdf"), shipped.clone()));
    std::fs::write(&files.last().unwrap().0, forest(&ForestSpec::default()).unwrap().to_sdf()).unwrap();
    // The shipped models lie in a folder that libsdformat searches as model://NAME/model.sdf.
    for name in ["sun", "ground_plane"] {
        let text = std::fs::read_to_string(worlds.join(format!("models/{name}.sdf"))).unwrap();
        install(&shipped, name, &text);
    }
    for (file, models) in files {
        let out = Command::new(&program).arg(&file).env("SDF_PATH", &models).output().unwrap();
        assert!(out.status.success(), "{}: {}", file.display(), String::from_utf8_lossy(&out.stderr));
        let text = String::from_utf8_lossy(&out.stdout).replace("-0.000000", "0.000000");
        let theirs: BTreeSet<String> = text.lines().map(str::to_string).collect();
        let mut loader = Loader::new();
        loader.paths.push(models.clone());
        let loaded = loader.load_file(&file).unwrap();
        // Read, but not simulated where it stands: such names have a reason behind them.
        let moves = |name: &&String| !name.starts_with("model/joint[") && !name.contains("] ");
        let ignored: Vec<&String> = loaded.report.ignored.keys().filter(moves).collect();
        assert!(
            ignored.is_empty() && loaded.report.warnings.is_empty(),
            "{ignored:?} {:?}",
            loaded.report.warnings
        );
        let world = loaded.world.unwrap();
        let mut ours = BTreeSet::from([world_line(&world)]);
        world.models.iter().for_each(|m| lines(m, &m.name, &mut ours));
        ours.extend(world.lights.iter().map(|l| light(l, &l.name)));
        ours.extend(world.frames.iter().map(|(name, pose)| line("frame", name, pose, "")));
        assert!(theirs.len() > 4 || file.ends_with("empty.sdf"));
        assert_eq!(ours.len(), theirs.len(), "{}", file.display());
        // Only where a placement frame makes the merged model's pose one of more than six digits.
        let rounds = std::fs::read_to_string(models.join("inc/model.sdf"))
            .is_ok_and(|t| t.contains("placement_frame"));
        let differing = ours.iter().zip(&theirs).filter(|(a, b)| !same(a, b, rounds && is_merged(a)));
        let differing: Vec<String> = differing.map(|(a, b)| format!("ours   {a}\ntheirs {b}\n")).collect();
        assert!(
            differing.is_empty(),
            "{}, {} lines:\n{}",
            file.display(),
            differing.len(),
            differing.concat()
        );
    }
}

/// Whether a line is about something that was merged into the model `host`, or that frame itself.
fn is_merged(line: &str) -> bool {
    let name = line.split(' ').nth(1).unwrap();
    let own = ["host::base", "host::at", "host::deep"];
    name.strip_prefix("host::").is_some() && !own.iter().any(|o| name.starts_with(o))
}

/// Equal words, and numbers that are equal to the last of six printed decimals.
///
/// What is merged with a placement frame is equal to 1e-4: libsdformat writes the pose that it has computed for the
/// merged model into its tree as text of six significant digits and reads it again, so tens of metres are rounded to
/// 5e-5 m. Where that pose has six digits from the start (the other generated worlds), nothing is rounded, and nothing
/// differs.
fn same(a: &str, b: &str, rounded: bool) -> bool {
    let limit = if rounded { 1e-4 } else { 1.5e-6 };
    let close = |(a, b): (&str, &str)| match (a.parse::<f64>(), b.parse::<f64>()) {
        (Ok(x), Ok(y)) => (x - y).abs() <= limit,
        _ => a == b,
    };
    a.split(' ').count() == b.split(' ').count() && a.split(' ').zip(b.split(' ')).all(close)
}

/// A model as Gazebo's folders hold them.
fn install(models: &Path, name: &str, sdf: &str) {
    let to = models.join(name);
    std::fs::create_dir_all(&to).unwrap();
    std::fs::write(to.join("model.sdf"), sdf).unwrap();
    let config = format!("<model><name>{name}</name><sdf version='1.9'>model.sdf</sdf></model>");
    std::fs::write(to.join("model.config"), config).unwrap();
}
