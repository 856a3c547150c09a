//! `peregrine sim`: the support report, and a world that Gazebo's clients see and drive, through the program itself.

#![allow(clippy::unwrap_used, clippy::expect_used)]

use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use peregrine_gz::msgs::core::Boolean;
use peregrine_gz::msgs::geometry::{PoseV, Twist, Vector3d};
use peregrine_gz::msgs::sensing::{Actuators, Image, LaserScan, NavSat};
use peregrine_gz::msgs::world::{WorldControl, WorldStatistics};
use peregrine_gz::{Flavour, GzNode, Options};

fn peregrine() -> Command {
    Command::new(env!("CARGO_BIN_EXE_peregrine"))
}

/// Ends the program with the test.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn wait_for<T>(what: &str, mut look: impl FnMut() -> Option<T>) -> T {
    let end = Instant::now() + Duration::from_secs(60);
    loop {
        if let Some(found) = look() {
            return found;
        }
        assert!(Instant::now() < end, "waited in vain for {what}");
        std::thread::sleep(Duration::from_millis(20));
    }
}

#[test]
fn check_says_what_is_simulated_by_its_exit_status_too() {
    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str, inside: &str| {
        let file = folder.path().join(name);
        std::fs::write(&file, format!("<sdf version='1.9'><world name='w'>{inside}</world></sdf>")).unwrap();
        file
    };
    let fine = write("fine.sdf", "<model name='m'><static>true</static><link name='l'/></model>");
    let partly = write("partly.sdf", "<plugin name='my::Own' filename='x'/><gui/>");
    let broken = write("broken.sdf", "<model name='m'>\n<link name='l'><pose>1 2</pose></link></model>");
    let check = |files: &[&std::path::Path], json: bool| {
        let mut command = peregrine();
        command.args(["sim", "check"]).args(files).args(json.then_some("--json"));
        let out = command.output().unwrap();
        (out.status.code(), String::from_utf8(out.stdout).unwrap())
    };
    assert_eq!(check(&[&fine], false).0, Some(0));
    let (status, text) = check(&[&partly], false);
    assert!(
        status == Some(3) && text.contains("1 x world/plugin[my::Own]") && text.contains("1 world/gui"),
        "{text}"
    );
    let (status, text) = check(&[&fine, &partly, &broken], true);
    assert_eq!(status, Some(1));
    let lines: Vec<serde_json::Value> = text.lines().map(|l| serde_json::from_str(l).unwrap()).collect();
    assert_eq!((&lines[0]["complete"], &lines[0]["holds"]["models"]), (&true.into(), &1.into()));
    assert_eq!(lines[1]["ignored"]["world/plugin[my::Own]"], 1);
    assert_eq!(lines[2]["code"], "PG-1005");
    assert!(lines[2]["error"].as_str().unwrap().contains("broken.sdf:2"), "{}", lines[2]);
}

#[test]
fn a_client_steps_a_paused_world_and_drives_the_vehicle() {
    let partition = format!("cli_{}", std::process::id());
    let child = peregrine()
        .args(["sim", "run", "wall", "--gz", "--paused", "--lockstep", "--isolated", "--threads", "1"])
        .args(["-p", "camera.width:=64", "-p", "camera.height:=48"])
        .env("GZ_IP", "127.0.0.1")
        .env("GZ_PARTITION", &partition)
        .stdout(Stdio::null())
        .spawn()
        .unwrap();
    let running = Running(child);
    let client = GzNode::new(Options::loopback(&partition)).unwrap();
    let stats = Arc::new(Mutex::new(WorldStatistics::default()));
    let to = stats.clone();
    client.subscribe("/world/wall/stats", move |s: WorldStatistics| *to.lock().unwrap() = s).unwrap();
    let images = Arc::new(Mutex::new(Vec::new()));
    let to = images.clone();
    client
        .subscribe("/sim/camera/image", move |i: Image| to.lock().unwrap().push((i.width, i.data.len())))
        .unwrap();
    let place = Arc::new(Mutex::new(None));
    let to = place.clone();
    client
        .subscribe("/world/wall/dynamic_pose/info", move |p: PoseV| {
            *to.lock().unwrap() = p.pose[0].position.as_ref().map(|v| v.x);
        })
        .unwrap();
    wait_for("the world's service", || {
        client.services().unwrap().iter().any(|s| s.name == "/world/wall/control").then_some(())
    });
    let step = |steps: u32| {
        let order = WorldControl { pause: true, multi_step: steps, ..Default::default() };
        let yes: Boolean = client.request("/world/wall/control", &order, Duration::from_secs(30)).unwrap();
        assert!(yes.data);
    };
    let paused_at = |iterations: u64| {
        wait_for(&format!("{iterations} iterations"), || {
            let now = stats.lock().unwrap().clone();
            (now.paused && now.iterations == iterations).then_some(())
        });
    };
    step(1500);
    paused_at(1500);
    step(1);
    paused_at(1501);
    let start = wait_for("a pose", || *place.lock().unwrap());

    let cmd_vel = client.advertise::<Twist>("/model/x500/cmd_vel").unwrap();
    wait_for("a listener", || cmd_vel.has_listeners().then_some(()));
    cmd_vel.publish(&Twist { linear: Some(Vector3d { x: 1.0, ..Default::default() }), ..Default::default() });
    std::thread::sleep(Duration::from_millis(300));
    step(2999);
    paused_at(4500);
    let end = place.lock().unwrap().unwrap();
    assert!(end - start > 1.5, "flew {} m in three seconds at 1 m/s", end - start);
    let images = images.lock().unwrap();
    assert!(images.len() > 10 && images.iter().all(|i| *i == (64, 64 * 48 * 3)), "{images:?}");
    drop(running);
}

/// A world with a vehicle as PX4's `x500` is: sensors of PX4's names on `base_link`, four motors, no namespace of their own.
fn px4_world() -> String {
    let mut parts = String::new();
    for (i, (x, y, turn)) in
        [(0.174, -0.174, "ccw"), (-0.174, 0.174, "ccw"), (0.174, 0.174, "cw"), (-0.174, -0.174, "cw")]
            .iter()
            .enumerate()
    {
        parts += &format!(
            "<link name='rotor_{i}'><gravity>true</gravity><pose>{x} {y} 0.06 0 0 0</pose><inertial><mass>0.016</mass><inertia>
             <ixx>3.8e-7</ixx><iyy>2.6e-5</iyy><izz>2.6e-5</izz></inertia></inertial></link>
             <joint name='rotor_{i}_joint' type='revolute'><parent>base_link</parent><child>rotor_{i}</child>
             <axis><xyz>0 0 1</xyz></axis></joint>
             <plugin filename='gz-sim-multicopter-motor-model-system' name='gz::sim::systems::MulticopterMotorModel'>
             <jointName>rotor_{i}_joint</jointName><linkName>rotor_{i}</linkName><turningDirection>{turn}</turningDirection>
             <timeConstantUp>0.0125</timeConstantUp><timeConstantDown>0.025</timeConstantDown>
             <maxRotVelocity>1000.0</maxRotVelocity><motorConstant>8.54858e-06</motorConstant>
             <momentConstant>0.016</momentConstant><commandSubTopic>command/motor_speed</commandSubTopic>
             <motorNumber>{i}</motorNumber><rotorDragCoefficient>8.06428e-05</rotorDragCoefficient>
             <rollingMomentCoefficient>1e-06</rollingMomentCoefficient><motorType>velocity</motorType></plugin>"
        );
    }
    let sensors = [("air_pressure", 50), ("magnetometer", 100), ("imu", 250), ("navsat", 30)].map(|(kind, rate)| {
        format!(
            "<sensor name='{kind}_sensor' type='{kind}'><always_on>1</always_on><update_rate>{rate}</update_rate></sensor>"
        )
    });
    format!(
        "<sdf version='1.9'><world name='default'>
         <spherical_coordinates><surface_model>EARTH_WGS84</surface_model><world_frame_orientation>ENU</world_frame_orientation>
         <latitude_deg>47.397971</latitude_deg><longitude_deg>8.546164</longitude_deg><elevation>0</elevation>
         </spherical_coordinates>
         <include><uri>model://ground_plane</uri></include>
         <model name='x500_0'><pose>0 0 0.24 0 0 0</pose><link name='base_link'><inertial><mass>2.0</mass><inertia>
         <ixx>0.02166</ixx><iyy>0.02166</iyy><izz>0.04</izz></inertia></inertial>{}{BELOW}</link>{parts}</model></world></sdf>",
        sensors.concat()
    )
}

/// A range finder as PX4's LW20 that looks down, but of sixteen rows.
const BELOW: &str =
    "<sensor name='below' type='gpu_lidar'><pose>0 0 -0.05 3.14159265 0 0</pose><topic>below</topic><update_rate>20</update_rate>
    <lidar><scan><horizontal><samples>3</samples><min_angle>-0.1</min_angle><max_angle>0.1</max_angle></horizontal>
    <vertical><samples>16</samples><min_angle>-0.3</min_angle><max_angle>0.3</max_angle></vertical></scan>
    <range><min>0.1</min><max>50</max></range></lidar></sensor>";

/// The names and types that PX4's gz_bridge subscribes to, publishes and asks for, seen with Gazebo's own tools (Fortress).
#[test]
fn px4s_gz_bridge_finds_its_topics() {
    let tool = |which: &str| format!("/usr/libexec/ignition/transport11/ign-transport-{which}");
    if !std::path::Path::new(&tool("topic")).is_file() {
        println!("SKIP px4s_gz_bridge_finds_its_topics: ignition-transport-cli is not installed");
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("default.sdf");
    std::fs::write(&file, px4_world()).unwrap();
    let partition = format!("px4_{}", std::process::id());
    let child = peregrine()
        .args(["sim", "run", file.to_str().unwrap(), "--gz", "--isolated", "--threads", "1"])
        .args(["-p", "camera.rate:=0", "-p", "depth.rate:=0"])
        .env("IGN_IP", "127.0.0.1")
        .env("IGN_PARTITION", &partition)
        .env("PEREGRINE_GZ_MSGS", "ignition")
        .stdout(Stdio::null())
        .spawn()
        .unwrap();
    let _running = Running(child);
    let ask = |which: &str, args: &[&str]| {
        let out = Command::new(tool(which))
            .args(args)
            .env("IGN_IP", "127.0.0.1")
            .env("IGN_PARTITION", &partition)
            .output()
            .unwrap();
        String::from_utf8_lossy(&out.stdout).into_owned()
    };
    let sensor = |path: &str| format!("/world/default/model/x500_0/link/base_link/sensor/{path}");
    let told = [
        (sensor("imu_sensor/imu"), "IMU"),
        (sensor("air_pressure_sensor/air_pressure"), "FluidPressure"),
        (sensor("magnetometer_sensor/magnetometer"), "Magnetometer"),
        (sensor("navsat_sensor/navsat"), "NavSat"),
        ("/world/default/clock".into(), "Clock"),
        ("/world/default/pose/info".into(), "Pose_V"),
        ("/world/default/dynamic_pose/info".into(), "Pose_V"),
        ("/world/default/state".into(), "SerializedStepMap"),
        ("/model/x500_0/odometry_with_covariance".into(), "OdometryWithCovariance"),
    ];
    for (topic, kind) in &told {
        wait_for(topic, || {
            let text = ask("topic", &["-i", "-t", topic]);
            text.contains(&format!("ignition.msgs.{kind}\n")).then_some(())
        });
    }
    for (service, types) in [
        ("/world/default/create", "ignition.msgs.EntityFactory, ignition.msgs.Boolean"),
        ("/world/default/set_pose", "ignition.msgs.Pose, ignition.msgs.Boolean"),
        ("/world/default/scene/info", "ignition.msgs.Empty, ignition.msgs.Scene"),
        ("/world/default/state", "ignition.msgs.Empty, ignition.msgs.SerializedStepMap"),
    ] {
        wait_for(service, || ask("service", &["-i", "-s", service]).contains(types).then_some(()));
    }
    // What a stock client reads.
    let imu = ask("topic", &["-e", "-n", "1", "-t", &told[0].0]);
    assert!(imu.contains("linear_acceleration") && imu.contains("angular_velocity"), "{imu}");
    let pressure = ask("topic", &["-e", "-n", "1", "-t", &told[1].0]);
    assert!(pressure.contains("pressure: 1013"), "{pressure}");
    let state = ask("topic", &["-e", "-n", "1", "-t", "/world/default/state"]);
    assert!(state.contains("entities") && state.contains("components"), "{state}");
    let names: Vec<&str> = told.iter().map(|(name, _)| name.as_str()).collect();
    stock_tools_list_time_and_control(&ask, &names);
    // PX4 drives the rotors: full throttle for the simulator, seen as height by a stock client.
    let height = || {
        let text = ask("topic", &["-e", "-n", "1", "-t", "/model/x500_0/odometry"]);
        let mut lines = text.lines().map(str::trim).skip_while(|l| !l.starts_with("position"));
        lines.find_map(|l| l.strip_prefix("z: "))?.parse::<f64>().ok()
    };
    wait_for("a climb on motor speeds", || {
        ask(
            "topic",
            &[
                "-p",
                "velocity: [900, 900, 900, 900]",
                "-m",
                "ignition.msgs.Actuators",
                "-t",
                "/x500_0/command/motor_speed",
            ],
        );
        height().filter(|z| *z > 3.0)
    });
    sensors_say_what_gazebos_do(&partition, &told[3].0);
}

/// The stamps of what `ign topic -e` prints, nanoseconds.
fn stamps(text: &str) -> Vec<i64> {
    let number =
        |line: &str, key: &str| line.trim().strip_prefix(key).and_then(|n| n.trim().parse::<i64>().ok());
    let blocks = text.split("stamp {").skip(1).map(|block| block.split('}').next().unwrap());
    let of = |block: &str, key: &str| block.lines().find_map(|line| number(line, key)).unwrap_or(0);
    blocks.map(|block| of(block, "sec:") * 1_000_000_000 + of(block, "nsec:")).collect()
}

/// Gazebo's own tools list the world, see it at its rates and order it about. (Debian's `ign topic` has no `-f`.)
fn stock_tools_list_time_and_control(ask: &dyn Fn(&str, &[&str]) -> String, names: &[&str]) {
    wait_for("the list of topics", || {
        let list = ask("topic", &["-l"]);
        names.iter().all(|name| list.lines().any(|line| line.trim() == *name)).then_some(())
    });
    wait_for("the list of services", || {
        let list = ask("service", &["-l"]);
        list.lines().any(|line| line.trim() == "/world/default/control").then_some(())
    });
    let imu = stamps(&ask("topic", &["-e", "-n", "25", "-t", names[0]]));
    assert!(imu.len() == 25 && imu.windows(2).all(|w| w[1] - w[0] == 4_000_000), "250 Hz: {imu:?}");
    let clock = "/world/default/clock";
    let text = ask("topic", &["-e", "-n", "10", "-t", clock]);
    assert_eq!(text.matches("sim {").count(), 10, "{text}");
    let order = |order: &str| {
        ask(
            "service",
            &[
                "-s",
                "/world/default/control",
                "--reqtype",
                "ignition.msgs.WorldControl",
                "--reptype",
                "ignition.msgs.Boolean",
                "--timeout",
                "5000",
                "--req",
                order,
            ],
        )
    };
    let stats = || {
        let text = ask("topic", &["-e", "-n", "1", "-t", "/world/default/stats"]);
        let steps =
            text.lines().find_map(|l| l.strip_prefix("iterations: ")).map(|n| n.parse::<u64>().unwrap());
        (text.contains("paused: true"), steps.unwrap_or(0))
    };
    assert!(order("pause: true").contains("data: true"));
    let (_, begin) = wait_for("a pause", || Some(stats()).filter(|(paused, _)| *paused));
    assert!(order("pause: true, multi_step: 250").contains("data: true"));
    wait_for("250 steps", || (stats() == (true, begin + 250)).then_some(()));
    // What cannot be done is not said to be.
    assert!(!order("pause: true, seed: 3").contains("data: true"));
    assert!(order("pause: false").contains("data: true"));
    wait_for("time to go on", || Some(stats()).filter(|(paused, _)| !paused));
}

/// What PX4 and other bridges read of a lidar and of a receiver and ROS's types have no room for. The vehicle climbs.
fn sensors_say_what_gazebos_do(partition: &str, navsat: &str) {
    let options = Options { flavour: Flavour::Ignition, ..Options::loopback(partition) };
    let client = GzNode::new(options).unwrap();
    let (scan, fix) = (Arc::new(Mutex::new(None)), Arc::new(Mutex::new(None)));
    let to = scan.clone();
    client.subscribe("/below", move |s: LaserScan| *to.lock().unwrap() = Some(s)).unwrap();
    let to = fix.clone();
    client.subscribe(navsat, move |n: NavSat| *to.lock().unwrap() = Some(n)).unwrap();
    let scan = wait_for("a scan", || scan.lock().unwrap().take());
    assert_eq!((scan.count, scan.vertical_count, scan.ranges.len()), (3, 16, 48));
    assert!((scan.vertical_angle_max - 0.3).abs() < 1e-9 && scan.vertical_angle_step > 0.03, "{scan:?}");
    let turn = scan.world_pose.and_then(|p| p.orientation).unwrap();
    // PX4's test of a sensor that looks down.
    assert!((turn.x.abs() - 1.0).abs() < 0.03 && turn.w.abs() < 0.03, "{turn:?}");
    assert_eq!(scan.frame, "x500_0::base_link::below");
    // It goes up at full throttle, then falls.
    let up = |wish: fn(f64) -> bool| {
        wait_for("a velocity", || fix.lock().unwrap().take().filter(|n| wish(n.velocity_up)))
    };
    let rising = up(|v| v > 1.0);
    assert_eq!(rising.frame_id, "x500_0::base_link::navsat_sensor");
    let motors = client.advertise::<Actuators>("/x500_0/command/motor_speed").unwrap();
    wait_for("a fall", || {
        motors.publish(&Actuators { velocity: vec![0.0; 4], ..Actuators::default() });
        fix.lock().unwrap().take().filter(|n| n.velocity_up < -1.0)
    });
}
