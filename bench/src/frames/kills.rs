//! A hundred readers that hold as many frames as they may are killed with SIGKILL, while the publisher goes on: how many
//! of its loans fail?

use std::sync::atomic::Ordering;
use std::time::Duration;

use peregrine_frame::{Policy, SubscribeOptions};
use serde::{Deserialize, Serialize};

use super::child::{hear_go, say, tell};
use super::clock::{now, sleep_until};
use super::drive::Sender;
use super::job::{Job, Outcome, Part, Size};
use super::peers::ours;
use super::spawn::Played;
use super::subjects::OURS;

/// Readers killed.
const KILLS: u64 = 100;
/// Frames per second of the publisher meanwhile.
const HZ: u64 = 500;
/// Frames that a victim holds.
const HELD: usize = 4;
/// Loans tried after the last kill.
const AFTERWARDS: u64 = 200;

/// What the publisher went through.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
pub(super) struct Survived {
    /// Frames published while readers were killed, and afterwards.
    pub published: u64,
    /// Loans that failed while readers were killed.
    pub failed_meanwhile: u64,
    /// Loans that failed after the last kill, of [`AFTERWARDS`].
    pub failed_afterwards: u64,
    pub kills: u64,
}

/// The victim: takes what it may hold, says so, and waits for its end.
pub(super) fn hold(job: &Job) -> Outcome {
    let options = SubscribeOptions { policy: Policy::Latest, pins: HELD, ..SubscribeOptions::default() };
    let mut reader = ours::host(job)?.subscribe_with(&job.topic, &options)?;
    let mut held = Vec::new();
    while held.len() < HELD {
        if reader.wait(Duration::from_millis(100)) {
            held.extend(reader.take()?);
        }
    }
    say("holding")?;
    loop {
        std::thread::sleep(Duration::from_secs(1));
        std::hint::black_box(&held);
    }
}

/// The publisher.
pub(super) fn survive(job: &Job) -> Outcome {
    let mut camera = ours::Camera::open(job)?;
    say("ready")?;
    let all_killed = hear_go()?;
    let mut due = now();
    let mut shoot = |camera: &mut ours::Camera| -> Outcome {
        due += 1_000_000_000 / HZ;
        sleep_until(due);
        camera.send(&mut |bytes| bytes[0] = 1)?;
        Ok(())
    };
    while !all_killed.load(Ordering::Relaxed) {
        shoot(&mut camera)?;
    }
    let failed_meanwhile = camera.writer().failed_loans();
    for _ in 0..AFTERWARDS {
        shoot(&mut camera)?;
    }
    let failed_afterwards = camera.writer().failed_loans() - failed_meanwhile;
    tell(&Survived {
        published: camera.writer().published(),
        failed_meanwhile,
        failed_afterwards,
        kills: KILLS,
    })
}

/// The parent's side.
pub(super) fn run(folder: &std::path::Path) -> Outcome<Survived> {
    let job = Job {
        subject: OURS.into(),
        size: Size::VGA,
        hz: None,
        seconds: 0.0,
        readers: 1,
        topic: "/bench/kills".into(),
        folder: folder.to_owned(),
    };
    let mut publisher = Played::start(Part::Survivor, &job)?;
    publisher.hear("ready")?;
    publisher.go()?;
    for _ in 0..KILLS {
        let mut victim = Played::start(Part::Holder, &job)?;
        victim.hear("holding")?;
        victim.kill()?;
    }
    publisher.close();
    let survived = publisher.result()?;
    publisher.end()?;
    Ok(survived)
}
