//! libsdformat reads the same files; every pose, mass and shape must agree.
//!
//! Needs libsdformat 12 (`apt-get install libsdformat-dev`) and a C++ compiler; says SKIP by name where they are missing.

#![allow(clippy::unwrap_used, clippy::expect_used)]

#[path = "oracle/lines.rs"]
mod lines;

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

use lines::{differences, oracle, ours, theirs};
use nalgebra::UnitQuaternion;
use peregrine_sim::rng::Stream;
use peregrine_sim::scenario::{ForestSpec, forest};
use peregrine_sim::sdf::Loader;

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

/// The oracle, built once for both tests.
fn program() -> Result<&'static Path, &'static String> {
    static BUILT: OnceLock<Result<PathBuf, String>> = OnceLock::new();
    BUILT.get_or_init(|| oracle(Path::new(env!("CARGO_TARGET_TMPDIR")))).as_deref()
}

#[test]
fn libsdformat_agrees_on_every_pose_mass_and_shape() {
    let folder = tempfile::tempdir().unwrap();
    let program = match program() {
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
        let out = Command::new(program).arg(&file).env("SDF_PATH", &models).output().unwrap();
        assert!(out.status.success(), "{}: {}", file.display(), String::from_utf8_lossy(&out.stderr));
        let theirs = theirs(&String::from_utf8_lossy(&out.stdout));
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
        let ours = ours(&loaded);
        assert!(theirs.len() > 4 || file.ends_with("empty.sdf"));
        assert_eq!(ours.len(), theirs.len(), "{}", file.display());
        // Only where a placement frame makes the merged model's pose one of more than six digits.
        let rounds = std::fs::read_to_string(models.join("inc/model.sdf"))
            .is_ok_and(|t| t.contains("placement_frame"));
        let differing = differences(&ours, &theirs, |a| rounds && is_merged(a));
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

/// A model as Gazebo's folders hold them.
fn install(models: &Path, name: &str, sdf: &str) {
    let to = models.join(name);
    std::fs::create_dir_all(&to).unwrap();
    std::fs::write(to.join("model.sdf"), sdf).unwrap();
    let config = format!("<model><name>{name}</name><sdf version='1.9'>model.sdf</sdf></model>");
    std::fs::write(to.join("model.config"), config).unwrap();
}

/// Constructs that public files have and our own worlds have not: a file each, with what stands around it.
const WRITTEN: [(&str, &str); 11] = [
    (
        "1.7",
        "<world name='w'><model name='host'><include><uri>model://rig</uri><experimental:params>
         <sensor element_id='chassis::balance' action='remove'/><visual element_id='chassis::shell'><geometry action='replace'><sphere>
         <radius>0.3</radius></sphere></geometry></visual><sensor element_id='chassis::eye' action='modify'>
         <update_rate>60</update_rate><pose>1 2 3 0 0 1</pose></sensor><link element_id='' name='new' action='add'>
         <pose>1 0 0 0 0 1</pose></link><collision element_id='chassis' name='bumper' action='add'><geometry><box><size>1 2 3</size></box>
         </geometry></collision></experimental:params></include></model></world>",
    ),
    (
        "1.5",
        "<model name='m'><link name='a'/><link name='b'><pose>1 0 0 0 0 1</pose></link><joint name='b' type='revolute'>
         <parent>a</parent><child>b</child><axis><xyz>1 1 0</xyz></axis></joint></model>",
    ),
    (
        "1.4",
        "<world name='w'><physics type='ode'><gravity>0 0 -1.62</gravity></physics><model name='m'><joint name='pin' type='revolute'>
         <pose>-10 0 0 0 0 0.3</pose><parent>world</parent><child>x</child><axis><xyz>0 1 0</xyz></axis></joint>
         <link name='x'><pose>10 0 0 0 0.4 0</pose></link></model><!-- a -> b <!- --></world>",
    ),
    (
        "1.9",
        "<world name='w'><light name='l' type='point'><attenuation><range>-5</range><constant>-1</constant><linear>2</linear>
         <quadratic>-3</quadratic></attenuation></light></world>",
    ),
    (
        "1.6",
        "<model name='m'><link name='a'><inertial><mass>0x10</mass></inertial></link><link name='b'><pose frame='a'>1 0 0 0 0 0</pose>
         </link><joint name='j' type='revolute'><pose frame='a'>0 1 0 0 0 0</pose><parent>a</parent><child>b</child><axis>
         <xyz>0 0 1</xyz><use_parent_model_frame>1</use_parent_model_frame><limit><lower>-inf</lower><upper>1.79769e+308</upper>
         </limit></axis></joint></model>",
    ),
    ("1.9", "<light name='l' type='spot'><pose>1 2 3 0 0 1</pose></light>"),
    (
        "1.8",
        "<model name='top'><model name='n' placement_frame='o::p'><pose>0 0 10 0 0 0</pose><link name='q'><pose>1 0 0 0 0 0</pose></link>
         <model name='o'><link name='p'><pose>0 2 0 0 0 1</pose></link></model></model><joint name='j' type='fixed'><parent>n::q</parent>
         <child>n::o::p</child></joint></model>",
    ),
    ("1.8", "<world name='w'><model name='m'><static>1</static></model></world>"),
    (
        "1.6",
        "<world name='w'><model name='m m'><link name='a b'><collision name='c d'><geometry><box>1 1 1</box></geometry></collision>
         <visual name='v'/></link></model></world>",
    ),
    (
        "1.7",
        "<world name='w'><frame name='f'><pose>4 3 0.5 0 0 0</pose></frame><model name='m'><pose relative_to='f'/><link name='l'/>
         <enable_wind>1</enable_wind><x:y name='z'><link name='l'/></x:y></model></world>",
    ),
    ("2.0", "<model name='m'><pose>\n1\n2 3\n0\n0 1\n</pose><link name='a'/></model>"),
];

#[test]
fn libsdformat_agrees_on_what_public_files_have() {
    let folder = tempfile::tempdir().unwrap();
    let program = match program() {
        Ok(program) => program,
        Err(reason) => {
            println!("SKIP libsdformat_agrees_on_what_public_files_have: {reason}");
            return;
        }
    };
    let models = folder.path().join("models");
    // Names of one letter are not found by libsdformat's parameters.
    let rig = "<sdf version='1.7'><model name='rig'><link name='chassis'><sensor name='balance' type='imu'/><sensor name='eye'
        type='camera'><pose>0 0 1 0 0 0</pose><update_rate>5</update_rate></sensor><visual name='shell'><geometry><box><size>1 1 1</size></box></geometry></visual></link>
        </model></sdf>";
    install(&models, "rig", rig);
    for (index, (version, inside)) in WRITTEN.iter().enumerate() {
        let file = folder.path().join(format!("{index}.sdf"));
        std::fs::write(&file, format!("<sdf version='{version}'>{inside}</sdf>")).unwrap();
        let out = Command::new(program).arg(&file).env("SDF_PATH", &models).output().unwrap();
        assert!(out.status.success(), "{inside}: {}", String::from_utf8_lossy(&out.stderr));
        let mut loader = Loader::new();
        loader.paths.push(models.clone());
        let (ours, theirs) =
            (ours(&loader.load_file(&file).unwrap()), theirs(&String::from_utf8_lossy(&out.stdout)));
        let differing = differences(&ours, &theirs, |_| false);
        assert!(differing.is_empty() && !ours.is_empty(), "{inside}\n{}", differing.concat());
    }
}
