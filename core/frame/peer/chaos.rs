//! Random kills and stops: `frame-peer chaos FOLDER MINUTES SEED`, or `cargo xtask chaos`.
//!
//! Readers and publishers of one topic are started, killed with SIGKILL, stopped and continued at random. All the while
//! one publisher that is never touched publishes 200 frames a second, and one reader that is never touched reads all. At
//! the end nothing may be lost for good: no torn frame, no failed loan, every row and slot back, every socket gone.

use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use peregrine_frame::{Event, Host, Policy, SubscribeOptions};

use super::pattern::{CONFIG, SPEC, check, fill};

/// A small generator (SplitMix64): the same seed, the same order of murders.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((z ^ (z >> 31)) % sides as u64) as usize
    }
}

struct Peer {
    child: Child,
    writes: bool,
    stopped: bool,
}

#[derive(Default, Debug)]
struct Toll {
    started: u32,
    killed_readers: u32,
    killed_writers: u32,
    stops: u32,
}

pub fn run(args: &[String]) {
    let [folder, minutes, seed] = args else { panic!("chaos FOLDER MINUTES SEED") };
    let length = Duration::from_secs_f64(minutes.parse::<f64>().expect("minutes") * 60.0);
    let mut dice = Dice(seed.parse().expect("a seed"));
    let host = Host::at(folder.as_str(), 0).unwrap();
    let mut writer = host.publish("chaos", CONFIG).unwrap();
    let options = SubscribeOptions { policy: Policy::Latest, pins: 2, ..SubscribeOptions::default() };
    let mut witness = host.subscribe_with("chaos", &options).unwrap();
    let (mut peers, mut toll) = (Vec::<Peer>::new(), Toll::default());
    let (start, mut number, mut seen) = (Instant::now(), 0u64, 0u64);
    let (mut attached, mut lost, mut worst) = (0u32, 0u32, Duration::ZERO);
    while start.elapsed() < length {
        let tick = Instant::now();
        if let Some(mut loan) = writer.loan(&SPEC).unwrap() {
            number += 1;
            fill(&mut loan, number);
            let before = Instant::now();
            writer.publish(loan).unwrap();
            worst = worst.max(before.elapsed());
        }
        while let Some(frame) = witness.take().unwrap() {
            check(&frame).unwrap();
            seen += 1;
        }
        for event in witness.events() {
            match event {
                Event::Attached { .. } => attached += 1,
                Event::Lost { .. } => lost += 1,
                other => panic!("{other}"),
            }
        }
        if dice.roll(4) == 0 {
            strike(&mut dice, &mut peers, &mut toll, folder);
        }
        std::thread::sleep(Duration::from_millis(5).saturating_sub(tick.elapsed()));
    }
    for peer in &mut peers {
        let _ = peer.child.kill();
        let _ = peer.child.wait();
    }
    drop(witness);
    let patience = Instant::now() + Duration::from_secs(10);
    while writer.bus().stats().readers != 0 && Instant::now() < patience {
        std::thread::sleep(Duration::from_millis(10));
    }
    let stats = writer.bus().stats();
    println!(
        "{:.1} min, seed {seed}: {toll:?}; published {number}, witness saw {seen} of all publishers, attached {attached}, lost {lost}, \
         slowest publish {worst:?}; at the end {} readers, {} pins, {} loaned, {} failed loans",
        start.elapsed().as_secs_f64() / 60.0,
        stats.readers,
        stats.pins,
        stats.loaned,
        stats.failed_loans
    );
    assert_eq!(
        (stats.readers, stats.pins, stats.loaned, stats.failed_loans),
        (0, 0, 0, 0),
        "something leaked"
    );
    assert!(seen > 0 && attached > 0);
    drop(writer);
    host.clear_stale();
    let left = std::fs::read_dir(host.folder()).unwrap().count();
    assert_eq!(left, 0, "sockets are left");
}

/// One random deed.
fn strike(dice: &mut Dice, peers: &mut Vec<Peer>, toll: &mut Toll, folder: &str) {
    let signal = |child: &Child, signal| {
        let pid = rustix::process::Pid::from_raw(child.id() as i32).unwrap();
        rustix::process::kill_process(pid, signal).unwrap();
    };
    // A peer that saw a torn frame has ended by itself.
    for peer in peers.iter_mut() {
        if let Some(status) = peer.child.try_wait().unwrap() {
            panic!("a peer ended by itself: {status}");
        }
    }
    match dice.roll(5) {
        0 | 1 if peers.len() < 6 => {
            let writes = dice.roll(3) == 0 && peers.iter().filter(|p| p.writes).count() < 2;
            let roles: &[&str] = match (writes, dice.roll(3)) {
                (true, _) => &["write", folder, "chaos", "200", "0"],
                (_, 0) => &["hold", folder, "chaos", "2"],
                (_, 1) => &["read", folder, "chaos", "keep:3", "0"],
                _ => &["read", folder, "chaos", "latest", "0"],
            };
            let program = std::env::current_exe().unwrap();
            let child = Command::new(program).args(roles).stdout(Stdio::null()).spawn().unwrap();
            toll.started += 1;
            peers.push(Peer { child, writes, stopped: false });
        }
        2 if !peers.is_empty() => {
            let mut peer = peers.swap_remove(dice.roll(peers.len()));
            signal(&peer.child, rustix::process::Signal::KILL);
            peer.child.wait().unwrap();
            if peer.writes { toll.killed_writers += 1 } else { toll.killed_readers += 1 }
        }
        _ if !peers.is_empty() => {
            let at = dice.roll(peers.len());
            let peer = &mut peers[at];
            peer.stopped = !peer.stopped;
            if peer.stopped {
                signal(&peer.child, rustix::process::Signal::STOP);
                toll.stops += 1;
            } else {
                signal(&peer.child, rustix::process::Signal::CONT);
            }
        }
        _ => {}
    }
}
