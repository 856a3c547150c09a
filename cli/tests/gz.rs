//! `peregrine sim`: the support report, and a world that Gazebo's clients see and drive, through the program itself.

#![allow(clippy::unwrap_used, clippy::expect_used)]

use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use peregrine_gz::msgs::core::Boolean;
use peregrine_gz::msgs::geometry::{PoseV, Twist, Vector3d};
use peregrine_gz::msgs::sensing::Image;
use peregrine_gz::msgs::world::{WorldControl, WorldStatistics};
use peregrine_gz::{GzNode, Options};

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
