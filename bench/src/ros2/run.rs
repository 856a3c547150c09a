//! One measurement of one subject: its programs are started, heard and ended.

use std::net::TcpListener;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use serde::Deserialize;
use zenoh::{Config, Session, Wait};

use super::camera::{Told, WARM};
use super::peers::{self, Came};
use super::report::Measured;
use super::subjects::{Publisher, Subject};
use crate::frames::job::{Job, Outcome, Read};
use crate::frames::python;
use crate::frames::results::quantile;
use crate::frames::spawn::Played;

/// After the reader is ready, until everybody has found everybody.
const SETTLE: Duration = Duration::from_secs(1);
/// For what is still on its way when the window is over.
const LATE: Duration = Duration::from_millis(300);

/// The meeting point, as ROS nodes have rmw_zenohd: peers find each other there and talk directly. Without shared memory, as
/// that one comes.
fn router() -> Outcome<(Session, u16)> {
    let port = TcpListener::bind("127.0.0.1:0")?.local_addr()?.port();
    let mut config = Config::default();
    for (key, value) in [
        ("mode", "\"router\"".to_owned()),
        ("listen/endpoints", format!("[\"tcp/127.0.0.1:{port}\"]")),
        ("scouting/multicast/enabled", "false".into()),
        ("transport/shared_memory/enabled", "false".into()),
    ] {
        config.insert_json5(key, &value).map_err(|error| error.to_string())?;
    }
    Ok((zenoh::open(config).wait().map_err(|error| error.to_string())?, port))
}

/// What hiroz's publisher says at its end.
#[derive(Deserialize)]
struct HirozPublished {
    published: u64,
    took_ns: Vec<u64>,
}

pub(super) fn measure(subject: &Subject, job: &Job, hiroz: &Path) -> Outcome<Measured> {
    if subject.publisher == Publisher::Rclpy {
        let mut measured = python::ros(job)?;
        let read = measured.read.pop().unwrap_or_default();
        return Ok(Measured { published: measured.published.frames, read, thread_us: f64::NAN });
    }
    let (router, port) = router()?;
    let reader = subject.reader.map(|reader| peers::read(reader, job, port, hiroz)).transpose()?;
    if reader.is_some() {
        std::thread::sleep(SETTLE);
    }
    let outcome = match subject.publisher {
        Publisher::Ours => ours(job, port, reader, false),
        Publisher::Hiroz { shared_memory, loan } => {
            let reader = reader.ok_or("hiroz publishes for a reader")?;
            theirs(job, port, reader, hiroz, (shared_memory, loan))
        }
        Publisher::Rclpy => Err("measured above".into()),
    };
    router.close().wait().map_err(|error| error.to_string())?;
    outcome
}

/// Small messages of our process to a reader that also gets the pictures, or does not.
pub(super) fn small(job: &Job, way: &str) -> Outcome<Measured> {
    let (router, port) = router()?;
    let mut command = Command::new(std::env::current_exe()?);
    command.args(["ros2-listener", &port.to_string(), way]);
    let mut reader = Played::spawn(command, format!("the listener, {way}"))?;
    reader.hear("ready")?;
    std::thread::sleep(SETTLE);
    let measured = ours(job, port, Some(reader), true)?;
    router.close().wait().map_err(|error| error.to_string())?;
    // A hundred a second; what the camera's thread took has nothing to do with them.
    let published = (job.seconds * 100.0).round() as u64;
    Ok(Measured { published, thread_us: f64::NAN, ..measured })
}

fn ours(job: &Job, port: u16, reader: Option<Played>, ticks: bool) -> Outcome<Measured> {
    let mut command = Command::new(std::env::current_exe()?);
    command.arg("ros2-camera").arg(serde_json::to_string(job)?).arg(port.to_string());
    if ticks {
        command.arg("--ticks");
    }
    let mut camera = Played::spawn(command, format!("the camera of {}", job.subject))?;
    camera.hear("ready")?;
    let told: Told = camera.result()?;
    std::thread::sleep(LATE);
    let mut came = Vec::new();
    if let Some(mut reader) = reader {
        came = reader.said();
        reader.end()?;
    }
    camera.end()?;
    let within = |one: &Came| (told.from_ns..told.to_ns).contains(&one.sent);
    let thread_us = quantile(&told.took_ns, 0.5) / 1e3;
    Ok(Measured { published: told.published, read: tally(came, within, job), thread_us })
}

fn theirs(job: &Job, port: u16, mut reader: Played, hiroz: &Path, ways: (bool, bool)) -> Outcome<Measured> {
    // It does not wait for readers: what is published until they have met is warming up.
    let warm = WARM * 3;
    let mut camera = peers::publish(hiroz, job, port, warm + job.frames(), ways)?;
    let mut told: HirozPublished = camera.result()?;
    std::thread::sleep(LATE);
    let came: Vec<Came> = reader.said();
    reader.end()?;
    camera.end()?;
    let period = 1e9 / job.hz.unwrap_or(30.0);
    let last = came.iter().map(|one| one.sent).max().unwrap_or(0);
    let from = last.saturating_sub((period * (job.frames() as f64 - 0.5)) as u64);
    let read = tally(came, |one| one.sent >= from, job);
    let mut took = told.took_ns.split_off(usize::try_from(warm)?);
    took.sort_unstable();
    Ok(Measured { published: told.published - warm, read, thread_us: quantile(&took, 0.5) / 1e3 })
}

fn tally(came: Vec<Came>, within: impl Fn(&Came) -> bool, job: &Job) -> Read {
    let counted: Vec<Came> = came.into_iter().filter(within).collect();
    let mut latencies_ns: Vec<u64> = counted.iter().map(|one| one.came.saturating_sub(one.sent)).collect();
    latencies_ns.sort_unstable();
    Read {
        frames: counted.len() as u64,
        // Of another size than it was sent with.
        torn: counted.iter().filter(|one| one.bytes.is_some_and(|bytes| bytes != job.size.bytes())).count()
            as u64,
        latencies_ns,
        ..Read::default()
    }
}
