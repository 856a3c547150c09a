//! The other process of the tests: a reader, a holder, a writer or a stranger, to be killed and stopped.
//!
//! `frame-peer ROLE FOLDER TOPIC [ARGUMENT...]`. It says on its standard output what the test waits for, and ends with
//! exit code 3 if it ever sees a torn frame.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test may panic")]

mod chaos;
mod pattern;

use std::time::Duration;

use pattern::{SPEC, check, fill};
use peregrine_frame::{Frame, Host, Policy, SubscribeOptions, Subscriber};

const SECOND: Duration = Duration::from_secs(1);

fn main() {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let arg = |i: usize| args.get(i).map_or("", String::as_str);
    if arg(0) == "chaos" {
        return chaos::run(&args[1..]);
    }
    let (folder, topic) = (arg(1), arg(2));
    let number = |i: usize| arg(i).parse().expect("a number");
    match arg(0) {
        "read" => read(folder, topic, arg(3), number(4) as usize),
        "hold" => hold(folder, topic, number(3) as usize),
        "write" => write(folder, topic, number(3), number(4)),
        "midway" => midway(folder, topic),
        "stranger" => stranger(folder),
        other => panic!("no role `{other}`"),
    }
}

fn subscribe(folder: &str, topic: &str, policy: Policy, pins: usize) -> Subscriber {
    let host = Host::at(folder, 0).unwrap();
    host.subscribe_with(topic, &SubscribeOptions { policy, pins, ..SubscribeOptions::default() }).unwrap()
}

fn policy(text: &str) -> Policy {
    match text.split_once(':') {
        Some(("keep", k)) => Policy::KeepLast(k.parse().unwrap()),
        Some(("lossless", ms)) => Policy::Lossless { wait: Duration::from_millis(ms.parse().unwrap()) },
        _ => Policy::Latest,
    }
}

fn verify(frame: &Frame) {
    if let Err(why) = check(frame) {
        println!("TORN {why}");
        std::process::exit(3);
    }
}

/// Reads for ever, or, if `most` is not 0, so many frames; holds the last few for a while.
fn read(folder: &str, topic: &str, how: &str, most: usize) {
    let mut reader = subscribe(folder, topic, policy(how), 2);
    let mut kept: Option<Frame> = None;
    let mut taken = 0;
    while most == 0 || taken < most {
        reader.wait(SECOND);
        for event in reader.events() {
            println!("event {event}");
        }
        while let Some(frame) = reader.take().unwrap() {
            verify(&frame);
            taken += 1;
            println!("frame {} dropped {}", frame.sequence(), reader.dropped());
            if let Some(old) = kept.replace(frame) {
                verify(&old);
            }
            if taken == most {
                break;
            }
        }
    }
}

/// Takes as many frames as it may, and holds them until it is killed.
fn hold(folder: &str, topic: &str, pins: usize) {
    let mut reader = subscribe(folder, topic, Policy::Latest, pins);
    let mut held = Vec::new();
    while held.len() < pins {
        reader.wait(SECOND);
        held.extend(reader.take().unwrap());
    }
    println!("holding");
    loop {
        held.iter().for_each(verify);
        std::thread::sleep(Duration::from_millis(2));
    }
}

/// Publishes `hz` frames a second, as fast as it can if that is 0; `most` of them, for ever if that is 0.
fn write(folder: &str, topic: &str, hz: u64, most: u64) {
    let host = Host::at(folder, 0).unwrap();
    let mut writer = host.publish(topic, pattern::CONFIG).unwrap();
    println!("publishing");
    let mut number = 0;
    while most == 0 || number < most {
        if let Some(mut loan) = writer.loan(&SPEC).unwrap() {
            number += 1;
            fill(&mut loan, number);
            writer.publish(loan).unwrap();
        }
        if let Some(pause) = 1_000_000u64.checked_div(hz) {
            std::thread::sleep(Duration::from_micros(pause));
        }
    }
}

/// Publishes a few frames, and stops in the middle of the next, to be killed there.
fn midway(folder: &str, topic: &str) {
    let host = Host::at(folder, 0).unwrap();
    let mut writer = host.publish(topic, pattern::CONFIG).unwrap();
    for number in 1..=3 {
        let mut loan = writer.loan(&SPEC).unwrap().unwrap();
        fill(&mut loan, number);
        writer.publish(loan).unwrap();
    }
    let mut loan = writer.loan(&SPEC).unwrap().unwrap();
    fill(&mut loan, 4);
    let half = loan.bytes_mut().len() / 2;
    loan.bytes_mut()[half..].fill(0xee);
    println!("midway");
    loop {
        std::thread::sleep(SECOND);
    }
}

/// Knocks at every socket of a folder as whoever it runs as, and says what came back.
fn stranger(folder: &str) {
    use std::io::{Read, Write};
    println!("folder: {}", Host::at(folder, 0).err().map_or("open".into(), |e| e.to_string()));
    let Ok(dir) = std::fs::read_dir(format!("{folder}/d0")) else {
        return println!("cannot list the folder");
    };
    for file in dir.flatten() {
        // Not the right kind of socket on purpose nowhere: the handshake's own packets are sent over the same type.
        let path = file.path();
        println!("knock: {}", knock(&path));
        let stream = std::os::unix::net::UnixStream::connect(&path);
        println!("stream: {}", stream.and_then(|mut s| s.write(b"x").and(s.read(&mut [0; 8]))).is_ok());
    }
}

fn knock(path: &std::path::Path) -> String {
    use peregrine_frame::host::wire::{Hello, Request};
    use rustix::net::*;
    let socket = socket_with(AddressFamily::UNIX, SocketType::SEQPACKET, SocketFlags::CLOEXEC, None).unwrap();
    if let Err(e) = connect(&socket, &SocketAddrUnix::new(path).unwrap()) {
        return format!("refused by the system: {e}");
    }
    let hello =
        Hello { domain: 0, topic: String::new(), message_type: String::new(), request: Request::Look };
    let sent = send(&socket, &hello.encode(), SendFlags::NOSIGNAL);
    let mut answer = [0u8; 2048];
    match sent.and_then(|_| recv(&socket, &mut answer, RecvFlags::empty())) {
        Ok((_, 0)) => "hung up without a word".into(),
        Ok((_, n)) => format!("ANSWERED with {n} bytes"),
        Err(e) => format!("hung up: {e}"),
    }
}
