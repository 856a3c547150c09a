//! The vehicle of an SDF file: it flies by its own figures, its sensors are simulated on Gazebo's topics, and it takes orders
//! where Gazebo's does.

#![allow(clippy::unwrap_used, clippy::expect_used)]

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::{Arc, Mutex};

use peregrine::prelude::*;
use peregrine::{App, Mode, NodeFactory, NodeSpec, ParamValue, RunReport};
use peregrine_msgs::actuator_msgs::Actuators;
use peregrine_msgs::geometry_msgs::Twist;
use peregrine_msgs::nav_msgs::Odometry;
use peregrine_msgs::ros_gz_interfaces::{Altimeter, Contacts};
use peregrine_msgs::sensor_msgs::{CameraInfo, Imu, PointCloud2};
use peregrine_msgs::vision_msgs::Detection2DArray;
use peregrine_sim::node::DroneSim;
use peregrine_sim::physics::Vehicle;
use peregrine_sim::sdf::Loader;

const ROTORS: [(f64, f64, &str); 4] =
    [(0.2, -0.2, "ccw"), (-0.2, 0.2, "ccw"), (0.2, 0.2, "cw"), (-0.2, -0.2, "cw")];

/// A quadrotor of 1.2 kg with one of each sensor, 3 m before a labelled ball of 1 m, above ground.
fn world() -> String {
    let (mut links, mut plugins) = (String::new(), String::new());
    for (i, (x, y, turn)) in ROTORS.iter().enumerate() {
        links += &format!(
            "<link name='rotor_{i}'><pose>{x} {y} 0.05 0 0 0</pose><inertial><mass>0.05</mass>
             <inertia><ixx>1e-6</ixx><iyy>1e-6</iyy><izz>1e-6</izz></inertia></inertial></link>"
        );
        plugins += &format!(
            "<plugin filename='gz-sim-multicopter-motor-model-system' name='gz::sim::systems::MulticopterMotorModel'>
             <robotNamespace>quad</robotNamespace><jointName>j{i}</jointName><linkName>rotor_{i}</linkName>
             <turningDirection>{turn}</turningDirection><timeConstantUp>0.02</timeConstantUp>
             <timeConstantDown>0.03</timeConstantDown><maxRotVelocity>900</maxRotVelocity>
             <motorConstant>7e-06</motorConstant><momentConstant>0.018</momentConstant>
             <commandSubTopic>command/motor_speed</commandSubTopic><motorNumber>{i}</motorNumber>
             <rotorDragCoefficient>5e-05</rotorDragCoefficient>
             <rollingMomentCoefficient>1e-06</rollingMomentCoefficient><motorType>velocity</motorType></plugin>"
        );
    }
    let eye =
        "<camera><horizontal_fov>1.2</horizontal_fov><image><width>160</width><height>120</height></image>
        <clip><near>0.1</near><far>20</far></clip></camera>";
    let sensor = |name: &str, kind: &str, rate: u32, rest: &str| {
        format!("<sensor name='{name}' type='{kind}'><update_rate>{rate}</update_rate>{rest}</sensor>")
    };
    let sensors = [
        sensor("eye", "camera", 10, eye),
        sensor("depth", "depth_camera", 10, &format!("<topic>front/depth</topic>{eye}")),
        sensor("rgbd", "rgbd_camera", 5, eye),
        sensor("classes", "segmentation_camera", 5, &format!("<topic>segmentation</topic>{eye}")),
        sensor("boxes", "boundingbox_camera", 5, &format!("<topic>boxes</topic>{eye}")),
        sensor("imu", "imu", 100, "<pose>0 0 0 0 0 1.5707963</pose>"),
        sensor("height", "altimeter", 20, ""),
        sensor("touch", "contact", 20, "<contact><collision>body</collision></contact>"),
        sensor("again", "altimeter", 20, "<topic>front/depth</topic>"),
    ];
    format!(
        "<sdf version='1.9'><world name='yard'>
         <light name='sun' type='directional'><direction>-0.3 0.2 -1</direction></light>
         <model name='ground'><static>1</static><link name='l'><collision name='c'><geometry><plane/></geometry>
         </collision><visual name='v'><geometry><plane/></geometry></visual></link></model>
         <model name='ball'><static>1</static><pose>3 0 2 0 0 0</pose><link name='l'><collision name='c'><geometry>
         <sphere><radius>0.5</radius></sphere></geometry></collision><visual name='v'><geometry>
         <sphere><radius>0.5</radius></sphere></geometry>
         <plugin filename='gz-sim-label-system' name='gz::sim::systems::Label'><label>42</label></plugin></visual>
         </link></model>
         <model name='quad'><pose>0 0 2 0 0 0</pose><link name='body'><inertial><mass>1.0</mass>
         <inertia><ixx>0.01</ixx><iyy>0.012</iyy><izz>0.02</izz></inertia></inertial>{}</link>{links}{plugins}</model>
         </world></sdf>",
        sensors.concat()
    )
}

/// Writes the world into a file; its folder goes with the value.
fn file() -> (tempfile::TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("yard.sdf");
    std::fs::write(&path, world()).unwrap();
    (folder, path)
}

const BASE: &str = "/world/yard/model/quad/link/body/sensor";

#[derive(Debug, Default)]
struct Log {
    counts: BTreeMap<String, usize>,
    frames: BTreeMap<String, (String, Encoding, Vec<u8>)>,
    imu: Option<Imu>,
    height: Option<Altimeter>,
    info: Option<CameraInfo>,
    cloud: Option<PointCloud2>,
    boxes: Option<Detection2DArray>,
    contacts: Option<Contacts>,
    last: Odometry,
}

/// Listens to everything, and gives the orders of a script.
struct Client {
    log: Arc<Mutex<Log>>,
    velocity: Publisher<Twist>,
    rotors: Publisher<Actuators>,
    script: String,
}

#[derive(Params)]
struct Script {
    /// none, climb (by velocity), fall (rotors off) or hover (rotor speeds).
    #[param(default = "none".to_string())]
    script: String,
}

impl Client {
    fn log(&self, topic: &str) -> std::sync::MutexGuard<'_, Log> {
        let mut log = self.log.lock().unwrap();
        *log.counts.entry(topic.to_string()).or_default() += 1;
        log
    }
}

impl Node for Client {
    const NAME: &'static str = "client";
    type Params = Script;

    fn configure(setup: &mut Setup<Self>, params: Script) -> Result<Self> {
        let images = [
            format!("{BASE}/eye/image"),
            "/front/depth".to_string(),
            format!("{BASE}/rgbd/image"),
            format!("{BASE}/rgbd/depth_image"),
            "/segmentation/labels_map".to_string(),
            "/segmentation/colored_map".to_string(),
            "/boxes_image".to_string(),
        ];
        for topic in images {
            let name = topic.clone();
            setup.subscribe_frames(&topic, FramePolicy::KeepLast(2), move |n: &mut Self, _, f| {
                let seen = (f.frame_id().to_string(), f.encoding(), f.bytes().to_vec());
                n.log(&name).frames.insert(name.clone(), seen);
                Ok(())
            })?;
        }
        setup.subscribe(
            &format!("{BASE}/eye/camera_info"),
            Qos::Sensor,
            |n: &mut Self, _, m: &CameraInfo| {
                n.log("info").info = Some(m.clone());
                Ok(())
            },
        )?;
        setup.subscribe(
            &format!("{BASE}/rgbd/points"),
            Qos::Sensor,
            |n: &mut Self, _, m: &PointCloud2| {
                n.log("points").cloud = Some(m.clone());
                Ok(())
            },
        )?;
        setup.subscribe("/boxes", Qos::Sensor, |n: &mut Self, _, m: &Detection2DArray| {
            n.log("boxes").boxes = Some(m.clone());
            Ok(())
        })?;
        setup.subscribe(&format!("{BASE}/imu/imu"), Qos::Sensor, |n: &mut Self, _, m: &Imu| {
            n.log("imu").imu = Some(m.clone());
            Ok(())
        })?;
        setup.subscribe(
            &format!("{BASE}/height/altimeter"),
            Qos::Sensor,
            |n: &mut Self, _, m: &Altimeter| {
                n.log("height").height = Some(m.clone());
                Ok(())
            },
        )?;
        setup.subscribe(&format!("{BASE}/touch/contact"), Qos::Sensor, |n: &mut Self, _, m: &Contacts| {
            n.log("touch").contacts = Some(m.clone());
            Ok(())
        })?;
        setup.subscribe("odom", Qos::Sensor, |n: &mut Self, ctx, m: &Odometry| {
            n.log("odom").last = m.clone();
            n.order(ctx)
        })?;
        Ok(Self {
            log: setup.extension::<Mutex<Log>>().unwrap_or_default(),
            velocity: setup.publish("/model/quad/cmd_vel", Qos::Reliable)?,
            rotors: setup.publish("/quad/command/motor_speed", Qos::Reliable)?,
            script: params.script,
        })
    }
}

impl Client {
    fn order(&mut self, ctx: &Context) -> Result {
        let speeds = |speed: f64| Actuators { velocity: vec![speed; 4], ..Default::default() };
        match self.script.as_str() {
            // Once: what Gazebo is told stands.
            "climb" if ctx.now().0 < 20_000_000 => {
                let mut twist = Twist::default();
                twist.linear.z = 1.0;
                self.velocity.send(ctx, twist)
            }
            "fall" => self.rotors.send(ctx, speeds(0.0)),
            "hover" => self.rotors.send(ctx, speeds((1.2 * 9.8 / (4.0 * 7e-6_f64)).sqrt())),
            _ => Ok(()),
        }
    }
}

fn fly(script: &str, seconds: &str, threads: usize) -> (RunReport, Log) {
    let (_folder, path) = file();
    let log = Arc::new(Mutex::new(Log::default()));
    let mut app = App::new(Mode::Lockstep { threads });
    app.log_topics(true);
    app.extend(log.clone());
    let mut spec = NodeSpec::new("drone_sim");
    let path = path.display().to_string();
    for (key, value) in
        [("world", path.as_str()), ("camera.rate", "0"), ("depth.rate", "0"), ("time_limit", seconds)]
    {
        spec = spec.with_param(key, ParamValue::from_text(value));
    }
    app.add(NodeFactory::of::<DroneSim>(), spec).unwrap();
    let client = NodeSpec::new("client").with_param("script", ParamValue::from_text(script));
    app.add(NodeFactory::of::<Client>(), client).unwrap();
    let report = app.run().unwrap();
    for node in &report.nodes {
        assert_eq!((node.errors, &node.last_error), (0, &None), "{}", node.name);
    }
    let log = std::mem::take(&mut *log.lock().unwrap());
    (report, log)
}

#[test]
fn it_flies_by_its_own_figures() {
    let loaded = Loader::from_env().load_str(&world(), "yard").unwrap();
    let world = loaded.world.unwrap();
    let quad = world.models.iter().find(|m| m.name == "quad").unwrap();
    let vehicle = Vehicle::of_model(quad).unwrap();
    assert!((vehicle.mass - 1.2).abs() < 1e-12);
    // Rotors of 0.2 kg in all, 5 cm above the rest: the centre of mass rises by 0.2 * 0.05 / 1.2.
    let centre = 0.2 * 0.05 / 1.2;
    for (rotor, (x, y, turn)) in vehicle.rotors.iter().zip(ROTORS) {
        assert!((rotor.position - nalgebra::Vector3::new(x, y, 0.05 - centre)).norm() < 1e-12);
        assert_eq!(rotor.spin, if turn == "ccw" { 1.0 } else { -1.0 });
    }
    let above = 0.2 * (0.05 - centre).powi(2) + centre * centre;
    let expected = [0.01 + 0.2 * 0.04 + above, 0.012 + 0.2 * 0.04 + above, 0.02 + 0.2 * 0.08];
    for (k, expected) in expected.into_iter().enumerate() {
        // The rotors' own moments are of 1e-6.
        assert!((vehicle.inertia[k] - expected).abs() < 5e-6, "{k}: {} {expected}", vehicle.inertia[k]);
    }
    let motor = vehicle.rotors[3].motor;
    assert_eq!((motor.thrust_constant, motor.moment_constant, motor.max_speed), (7e-6, 0.018, 900.0));

    let three = world_with_three_rotors();
    let loaded = Loader::from_env().load_str(&three, "yard").unwrap();
    let quad = loaded.world.unwrap().models.into_iter().find(|m| m.name == "quad").unwrap();
    assert!(Vehicle::of_model(&quad).unwrap_err().contains("3 rotors"));
}

fn world_with_three_rotors() -> String {
    let whole = world();
    let last = whole.rfind("<plugin filename='gz-sim-multicopter").unwrap();
    let end = last + whole[last..].find("</plugin>").unwrap() + "</plugin>".len();
    format!("{}{}", &whole[..last], &whole[end..])
}

#[test]
fn its_sensors_speak_on_gazebos_topics() {
    let (_, log) = fly("none", "1.0", 1);
    let count = |topic: &str| log.counts.get(topic).copied().unwrap_or(0);
    let eye = format!("{BASE}/eye/image");
    assert_eq!((count(&eye), count("/front/depth"), count("/segmentation/labels_map")), (11, 11, 6));
    assert_eq!((count("imu"), count("height"), count("touch")), (101, 21, 0));
    let (frame, encoding, colours) = &log.frames[&eye];
    assert_eq!((frame.as_str(), *encoding, colours.len()), ("quad/body/eye", Encoding::Rgb8, 160 * 120 * 3));
    let info = log.info.unwrap();
    assert!((info.k[0] - 80.0 / 0.6_f64.tan()).abs() < 1e-9 && info.width == 160);

    // The ball's near side is 2.5 m ahead of the centre of mass, where the cameras sit.
    let metres = |topic: &str, at: usize| {
        let (_, encoding, bytes) = &log.frames[topic];
        assert_eq!(*encoding, Encoding::Depth32);
        f64::from(f32::from_le_bytes(bytes[4 * at..4 * at + 4].try_into().unwrap()))
    };
    let middle = 60 * 160 + 80;
    for topic in ["/front/depth", &format!("{BASE}/rgbd/depth_image")] {
        assert!((metres(topic, middle) - 2.5).abs() < 0.02, "{}", metres(topic, middle));
        assert_eq!(metres(topic, 0), f64::INFINITY, "sky");
    }
    let cloud = log.cloud.unwrap();
    assert_eq!(
        (cloud.width, cloud.height, cloud.point_step, cloud.header.frame_id.as_str()),
        (160, 120, 32, "quad/body/rgbd")
    );
    let number =
        |k: usize| f32::from_le_bytes(cloud.data[middle * 32 + k..middle * 32 + k + 4].try_into().unwrap());
    assert!((number(0) - 2.5).abs() < 0.02 && number(4).abs() < 0.03 && number(8).abs() < 0.03);
    let seen = &log.frames[&format!("{BASE}/rgbd/image")].2[3 * middle..3 * middle + 3];
    assert_eq!([seen[2], seen[1], seen[0]], cloud.data[middle * 32 + 16..middle * 32 + 19]);

    let (_, _, labels) = &log.frames["/segmentation/labels_map"];
    assert_eq!((&labels[3 * middle..3 * middle + 3], &labels[..3]), (&[42_u8; 3][..], &[0_u8; 3][..]));
    let boxes = log.boxes.unwrap();
    let ball = &boxes.detections[0];
    assert_eq!((boxes.detections.len(), ball.results[0].hypothesis.class_id.as_str()), (1, "42"));
    let radius = info.k[0] * 0.5 / (9.0_f64 - 0.25).sqrt();
    assert!(
        (ball.bbox.size_x - 2.0 * radius).abs() < 2.0 && (ball.bbox.center.position.x - 80.0).abs() < 1.5
    );

    // As in Gazebo, against its own first attitude: mounted a quarter turn to the left, it says that it has not turned.
    let imu = log.imu.unwrap();
    assert_eq!(imu.header.frame_id, "quad/body/imu");
    assert!((imu.linear_acceleration.z - 9.8).abs() < 0.05 && imu.orientation.w > 1.0 - 1e-6);
    let height = log.height.unwrap();
    assert!(height.vertical_position.abs() < 0.01 && (height.vertical_reference - 2.0).abs() < 1e-9);
}

#[test]
fn it_takes_orders_where_gazebos_does() {
    let (_, climbed) = fly("climb", "2.0", 1);
    let height = climbed.last.pose.pose.position.z;
    assert!(height > 3.3 && height < 4.1, "one order of 1 m/s stands for 2 s: {height}");
    let (_, hovered) = fly("hover", "1.0", 1);
    assert!((hovered.last.pose.pose.position.z - 2.0).abs() < 0.05, "{:?}", hovered.last.pose.pose.position);
    let (_, fallen) = fly("fall", "1.0", 1);
    assert!((fallen.last.pose.pose.position.z - 0.25).abs() < 0.05, "it lies on its sphere");
    let contacts = fallen.contacts.unwrap();
    let touch = &contacts.contacts[0];
    assert_eq!((touch.collision1.name.as_str(), touch.collision2.name.as_str()), ("body", "ground"));
    assert!((touch.normals[0].z - 1.0).abs() < 1e-9 && touch.positions[0].z.abs() < 2e-3);
}

#[test]
fn every_byte_repeats_with_two_threads() {
    let (one, _) = fly("none", "0.5", 1);
    let (two, _) = fly("none", "0.5", 2);
    assert_eq!(one.topic_log_sha256.unwrap(), two.topic_log_sha256.unwrap());
}
