//! Peers that come as Python wheels: rclpy on Fast DDS, and dora. Only with `--with-python`, which installs them.
//!
//! Their nodes are Python programs, as their users write them, so what is measured is the path with the interpreter on
//! both sides. Allocations are not counted there.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use super::job::{Job, Measured, Outcome};
use super::spawn::Played;

/// A domain of its own.
const DOMAIN: &str = "97";

fn root() -> PathBuf {
    let bench = Path::new(env!("CARGO_MANIFEST_DIR"));
    bench.parent().unwrap_or(bench).to_owned()
}

fn scripts() -> PathBuf {
    root().join("bench/python")
}

/// A program of the environment.
pub(crate) fn program(name: &str) -> PathBuf {
    root().join(".venv/bench/bin").join(name)
}

/// Makes the environment and installs the wheels, unless that was done.
pub(crate) fn install() -> Outcome {
    let requirements = [scripts().join("requirements.txt"), root().join("xtask/requirements/ros-jazzy.txt")];
    let wanted = requirements.iter().map(std::fs::read_to_string).collect::<Result<Vec<_>, _>>()?.concat();
    let stamp = root().join(".venv/bench/.peregrine-stamp");
    if std::fs::read_to_string(&stamp).is_ok_and(|there| there == wanted) {
        return Ok(());
    }
    eprintln!("installing rclpy and dora into .venv/bench (once, some 300 MB)");
    let python = ["python3.11", "python3"]
        .into_iter()
        .find(|name| {
            let version = Command::new(name).arg("--version").output();
            version.is_ok_and(|v| String::from_utf8_lossy(&v.stdout).contains(" 3.11."))
        })
        .ok_or("no Python 3.11 was found: the ROS 2 wheels are for CPython 3.11 alone")?;
    run(Command::new(python).args(["-m", "venv"]).arg(root().join(".venv/bench")))?;
    let mut pip = Command::new(program("python"));
    pip.args(["-m", "pip", "install", "--quiet", "--disable-pip-version-check"]);
    for file in &requirements {
        pip.arg("--requirement").arg(file);
    }
    run(&mut pip)?;
    Ok(std::fs::write(stamp, wanted)?)
}

fn run(command: &mut Command) -> Outcome {
    let status = command.status()?;
    if status.success() { Ok(()) } else { Err(format!("{command:?} ended with {status}").into()) }
}

fn ros_child(part: &str, job: &Job) -> Outcome<Played> {
    let mut command = Command::new(program("python"));
    command
        .arg(scripts().join("ros_child.py"))
        .args([part, &serde_json::to_string(job)?])
        .env("ROS_DOMAIN_ID", DOMAIN)
        .env("ROS_AUTOMATIC_DISCOVERY_RANGE", "LOCALHOST")
        .env("RMW_IMPLEMENTATION", "rmw_fastrtps_cpp")
        // Fast DDS 2 (Jazzy) knows the first name, Fast DDS 3 the second. Without the profile nearly all of its frames are
        // lost: it puts them into segments of half a megabyte.
        .env("FASTRTPS_DEFAULT_PROFILES_FILE", scripts().join("fastdds.xml"))
        .env("FASTDDS_DEFAULT_PROFILES_FILE", scripts().join("fastdds.xml"));
    Played::spawn(command, format!("the {part} of rclpy"))
}

/// rclpy on Fast DDS.
pub(crate) fn ros(job: &Job) -> Outcome<Measured> {
    let mut publisher = ros_child("publisher", job)?;
    publisher.hear("ready")?;
    let mut reader = ros_child("reader", job)?;
    reader.hear("ready")?;
    publisher.go()?;
    let measured = Measured { published: publisher.result()?, read: vec![reader.result()?] };
    reader.end()?;
    publisher.end()?;
    Ok(measured)
}

/// dora: a dataflow of two nodes, run by its own daemon.
pub(crate) fn dora(job: &Job) -> Outcome<Measured> {
    let node = |id: &str, script: &str, ports: &str| {
        format!("  - id: {id}\n    path: {}\n{ports}", scripts().join(script).display())
    };
    let flow = format!(
        "nodes:\n{}{}",
        // With its default pool large pictures go through the daemon, ten times slower.
        node("camera", "dora_camera.py", "    outputs: [image]\n    shared_memory_pool_size: 268435456\n"),
        node("viewer", "dora_viewer.py", "    inputs:\n      image: {source: camera/image, queue_size: 1}\n")
    );
    let file = job.folder.join("dataflow.yml");
    std::fs::write(&file, flow)?;
    let path = std::env::var("PATH").unwrap_or_default();
    let bin = program("python").parent().map(|bin| bin.display().to_string()).unwrap_or_default();
    let mut daemon = Command::new(program("dora"))
        .args(["run"])
        .arg(&file)
        .current_dir(&job.folder)
        .env("PATH", format!("{bin}:{path}"))
        .env("BENCH_JOB", serde_json::to_string(job)?)
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .stdin(Stdio::null())
        .spawn()?;
    let deadline = Instant::now() + Duration::from_secs(60);
    let status = loop {
        if let Some(status) = daemon.try_wait()? {
            break status;
        }
        if Instant::now() > deadline {
            daemon.kill()?;
            daemon.wait()?;
            return Err("dora did not end within 60 s".into());
        }
        std::thread::sleep(Duration::from_millis(20));
    };
    if !status.success() {
        return Err(format!("dora ended with {status}").into());
    }
    let read = |name: &str| std::fs::read(job.folder.join(name));
    Ok(Measured {
        published: serde_json::from_slice(&read("publisher.json")?)?,
        read: vec![serde_json::from_slice(&read("reader.json")?)?],
    })
}
