//! Several processes: what they read, and what is left when they die. The other process is `peer/`.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test may panic")]

#[path = "../peer/pattern.rs"]
mod pattern;

use std::io::{BufRead, BufReader};
use std::path::PathBuf;
use std::process::{Child, ChildStdout, Command, Stdio};
use std::time::{Duration, Instant};

use pattern::{CONFIG, SPEC, check, fill};
use peregrine_frame::{BusConfig, Event, FoundState, Host, Policy, SubscribeOptions, Subscriber, Writer};
use rustix::process::{Pid, Signal, kill_process};

const PATIENCE: Duration = Duration::from_secs(30);

/// A folder of the test's own, removed at its end.
struct Place(PathBuf, &'static str);

impl Place {
    fn new(name: &'static str) -> Place {
        let path = std::env::temp_dir().join(format!("peregrine-frame-{name}-{}", std::process::id()));
        let _ = std::fs::remove_dir_all(&path);
        Place(path, name)
    }
    fn host(&self) -> Host {
        Host::at(&self.0, 0).unwrap()
    }
    fn writer(&self) -> Writer {
        self.host().publish(self.1, CONFIG).unwrap()
    }
    fn sockets(&self) -> usize {
        std::fs::read_dir(self.0.join("d0")).unwrap().count()
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// The other process; killed at the latest when dropped.
struct Peer {
    child: Child,
    says: BufReader<ChildStdout>,
}

impl Peer {
    fn start(place: &Place, role: &str, rest: &[&str]) -> Peer {
        let mut child = Command::new(env!("CARGO_BIN_EXE_frame-peer"))
            .arg(role)
            .args([place.0.as_os_str(), place.1.as_ref()])
            .args(rest)
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let says = BufReader::new(child.stdout.take().unwrap());
        Peer { child, says }
    }
    fn line(&mut self) -> String {
        let mut line = String::new();
        assert!(self.says.read_line(&mut line).unwrap() > 0, "the peer ended: {:?}", self.child.try_wait());
        line.trim_end().to_owned()
    }
    fn until(&mut self, beginning: &str) -> String {
        loop {
            let line = self.line();
            if line.starts_with(beginning) {
                return line;
            }
        }
    }
    fn signal(&self, signal: Signal) {
        kill_process(Pid::from_raw(self.child.id() as i32).unwrap(), signal).unwrap();
    }
    fn kill(mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }
}

impl Drop for Peer {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn wait_for(what: &str, mut yes: impl FnMut() -> bool) {
    let until = Instant::now() + PATIENCE;
    while !yes() {
        assert!(Instant::now() < until, "{what} did not come about");
        std::thread::sleep(Duration::from_millis(1));
    }
}

fn publish(writer: &mut Writer, number: u64) -> u64 {
    let mut loan = writer.loan(&SPEC).unwrap().expect("no loan may fail");
    fill(&mut loan, number);
    writer.publish(loan).unwrap()
}

/// Publishes until the peer says something that begins so.
fn publish_until(writer: &mut Writer, number: &mut u64, mut yes: impl FnMut() -> bool) {
    let until = Instant::now() + PATIENCE;
    while !yes() {
        assert!(Instant::now() < until);
        *number += 1;
        publish(writer, *number);
        std::thread::sleep(Duration::from_millis(1));
    }
}

#[test]
fn a_reader_in_another_process_reads_the_same_bytes() {
    let place = Place::new("reads");
    let mut peer = Peer::start(&place, "read", &["keep:4", "200"]);
    // The reader was there first, and finds its publisher by itself.
    let mut writer = place.writer();
    peer.until("event attached");
    for number in 1..=400 {
        publish(&mut writer, number);
        std::thread::sleep(Duration::from_micros(500));
    }
    let mut last = 0;
    for _ in 0..200 {
        let line = peer.until("frame ");
        let words: Vec<u64> = line.split(' ').filter_map(|w| w.parse().ok()).collect();
        assert!(words[0] > last, "in order: {line}");
        last = words[0];
    }
    assert_eq!(peer.child.wait().unwrap().code(), Some(0));
    wait_for("the end of the reader's row", || writer.bus().stats().readers == 0);
    drop(writer);
    assert_eq!(place.sockets(), 0);
}

#[test]
fn every_frame_is_the_readers_or_counted() {
    let place = Place::new("counts");
    let mut writer = place.writer();
    let mut reader = place.host().subscribe(place.1, Policy::KeepLast(3)).unwrap();
    assert!(reader.wait_attached(PATIENCE));
    let mut taken = 0;
    for number in 1..=2000 {
        publish(&mut writer, number);
        if number % 5 == 0 || number == 2000 {
            while let Some(frame) = reader.take().unwrap() {
                check(&frame).unwrap();
                taken += 1;
            }
        }
    }
    assert_eq!(taken + reader.dropped(), 2000);
    assert_eq!(writer.bus().readers()[0].dropped, reader.dropped());
    assert_eq!(taken, 1200);
}

#[test]
fn a_hundred_killed_holders_cost_no_slot() {
    let place = Place::new("kills");
    let mut writer = place.writer();
    let mut number = 0;
    // Four at a time, each with 4 frames: 4 in the ring + 16 held + 2 are all that a new one finds.
    for _ in 0..25 {
        let mut peers: Vec<Peer> = (0..4).map(|_| Peer::start(&place, "hold", &["4"])).collect();
        publish_until(&mut writer, &mut number, || {
            let readers = writer_readers(&place);
            readers.len() == 4 && readers.iter().all(|held| *held == 4)
        });
        for mut peer in peers.drain(..) {
            peer.until("holding");
            peer.kill();
        }
        wait_for("the rows of the dead", || writer.bus().stats().readers == 0);
    }
    for _ in 0..200 {
        number += 1;
        publish(&mut writer, number);
    }
    let stats = writer.bus().stats();
    assert_eq!((stats.failed_loans, stats.pins, stats.loaned), (0, 0, 0));
}

/// How many frames each reader holds, as an onlooker sees it.
fn writer_readers(place: &Place) -> Vec<u32> {
    let found = place.host().inspect(PATIENCE);
    match &found[0].state {
        FoundState::Live(bus) => bus.readers().iter().map(|r| r.held.count_ones()).collect(),
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_publisher_killed_midway_leaves_no_torn_frame_and_no_memory() {
    let place = Place::new("midway");
    let mut reader = place
        .host()
        .subscribe_with(
            place.1,
            &SubscribeOptions { policy: Policy::KeepLast(4), pins: 4, ..SubscribeOptions::default() },
        )
        .unwrap();
    let before = mappings(place.1);
    for round in 0..20 {
        let mut peer = Peer::start(&place, "midway", &[]);
        peer.until("midway");
        assert!(reader.wait(PATIENCE));
        assert!(mappings(place.1) > before, "the slots are mapped");
        peer.kill();
        let mut held = Vec::new();
        wait_for("the loss of the publisher", || {
            held.extend(reader.take().unwrap());
            reader.events().any(|e| matches!(e, Event::Lost { .. }))
        });
        // What was published before is whole, whether it was taken before the death or after.
        assert!(!held.is_empty(), "round {round}");
        for frame in &held {
            check(frame).unwrap();
            assert!(frame.stamp_ns() <= 3, "the frame that was being written is never seen");
        }
        drop(held);
        assert_eq!(reader.publishers(), 0);
        wait_for("the memory's return", || mappings(place.1) == before);
    }
    place.host().clear_stale();
    assert_eq!(place.sockets(), 0, "what the dead left is removed");
}

/// Mappings of frame memory in this process.
fn mappings(topic: &str) -> usize {
    let maps = std::fs::read_to_string("/proc/self/maps").unwrap();
    maps.lines().filter(|line| line.contains(&format!("peregrine-frames:{topic}"))).count()
}

#[test]
fn readers_attach_again_and_say_so() {
    let place = Place::new("again");
    let mut reader = place.host().subscribe(place.1, Policy::Latest).unwrap();
    for round in 0..5 {
        let peer = Peer::start(&place, "write", &["500", "0"]);
        wait_for("a frame", || reader.wait(Duration::from_millis(100)));
        check(&reader.take().unwrap().unwrap()).unwrap();
        let pid = peer.child.id();
        let events: Vec<Event> = reader.events().collect();
        assert_eq!(events, [Event::Attached { pid, label: String::new(), again: round > 0 }]);
        peer.kill();
        let mut events = Vec::new();
        wait_for("the loss", || {
            while reader.take().unwrap().is_some() {}
            events.extend(reader.events());
            !events.is_empty()
        });
        assert_eq!(events, [Event::Lost { pid }]);
    }
}

#[test]
fn a_stopped_reader_costs_the_others_nothing() {
    let place = Place::new("stop");
    let mut writer = place.writer();
    let mut stopped = Peer::start(&place, "hold", &["2"]);
    let mut going = Peer::start(&place, "read", &["keep:4", "0"]);
    let mut number = 0;
    publish_until(&mut writer, &mut number, || writer_readers(&place).len() == 2);
    going.until("event attached");
    publish_until(&mut writer, &mut number, || writer_readers(&place).iter().sum::<u32>() >= 3);
    stopped.until("holding");
    stopped.signal(Signal::STOP);
    let (mut longest, start) = (Duration::ZERO, number);
    for _ in 0..500 {
        number += 1;
        let before = Instant::now();
        publish(&mut writer, number);
        longest = longest.max(before.elapsed());
        std::thread::sleep(Duration::from_millis(1));
    }
    assert_eq!(writer.failed_loans(), 0);
    // No wait for anybody: the limit is far above what a busy machine does to 500 publishes.
    assert!(longest < Duration::from_millis(500), "{longest:?}");
    loop {
        let line = going.until("frame ");
        if line.split(' ').nth(1).unwrap().parse::<u64>().unwrap() >= start + 400 {
            break;
        }
    }
    stopped.signal(Signal::CONT);
    // It still holds what it held, whole: it looks every 2 ms, and would have ended with 3.
    std::thread::sleep(Duration::from_millis(50));
    assert!(stopped.child.try_wait().unwrap().is_none());
}

#[test]
fn several_publishers_of_one_topic_are_all_read() {
    let place = Place::new("several");
    let mut reader = place.host().subscribe(place.1, Policy::KeepLast(4)).unwrap();
    let peers: Vec<Peer> = (0..3).map(|_| Peer::start(&place, "write", &["300", "0"])).collect();
    wait_for("three publishers", || {
        while reader.take().unwrap().is_some() {}
        reader.events().count();
        reader.publishers() == 3
    });
    let mut by = std::collections::BTreeMap::<String, u32>::new();
    wait_for("frames of all three", || {
        reader.wait(Duration::from_millis(100));
        while let Some(frame) = reader.take().unwrap() {
            check(&frame).unwrap();
            let slots = frame.bytes().as_ptr() as usize >> 28;
            *by.entry(format!("{slots:x}")).or_default() += 1;
        }
        reader.publishers() == 3 && by.values().sum::<u32>() > 300
    });
    drop(peers);
    wait_for("the end of all three", || {
        while reader.take().unwrap().is_some() {}
        reader.events().count();
        reader.publishers() == 0
    });
}

#[test]
fn a_lossless_reader_in_another_process_loses_nothing() {
    let place = Place::new("lossless");
    let mut writer = place.writer();
    let mut peer = Peer::start(&place, "read", &["lossless:900", "500"]);
    wait_for("the reader", || writer.bus().stats().readers == 1);
    for number in 1..=500 {
        publish(&mut writer, number);
    }
    for number in 1..=500 {
        assert_eq!(peer.until("frame "), format!("frame {number} dropped 0"));
    }
    assert_eq!(writer.bus().stats().lossless_timeouts, 0);
}

#[test]
fn another_user_is_refused() {
    use std::os::unix::fs::PermissionsExt;
    use std::os::unix::process::CommandExt;
    if !rustix::process::geteuid().is_root() {
        println!("SKIP another_user_is_refused: only root can become another user");
        return;
    }
    let place = Place::new("user");
    let mut writer = place.writer();
    publish(&mut writer, 1);
    let program = std::env::temp_dir().join(format!("frame-peer-{}", std::process::id()));
    std::fs::copy(env!("CARGO_BIN_EXE_frame-peer"), &program).unwrap();
    std::fs::set_permissions(&program, std::fs::Permissions::from_mode(0o755)).unwrap();
    let knock = || {
        let output = Command::new(&program)
            .args(["stranger".as_ref(), place.0.as_os_str()])
            .current_dir("/")
            .uid(65534)
            .gid(65534)
            .output()
            .unwrap();
        String::from_utf8(output.stdout).unwrap()
    };
    let said = knock();
    assert!(said.contains("PG-0118") && said.contains("cannot list the folder"), "{said}");
    // Even with the folder and the socket wide open, the kernel says who calls.
    for path in [place.0.clone(), place.0.join("d0")] {
        std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o777)).unwrap();
    }
    for file in std::fs::read_dir(place.0.join("d0")).unwrap() {
        std::fs::set_permissions(file.unwrap().path(), std::fs::Permissions::from_mode(0o777)).unwrap();
    }
    let said = knock();
    std::fs::remove_file(&program).unwrap();
    assert!(said.contains("belongs to user 0") && said.contains("knock: hung up"), "{said}");
    assert!(!said.contains("ANSWERED"), "{said}");
    assert_eq!(writer.bus().stats().readers, 0);
    // Its own user is let in meanwhile.
    let mut own: Subscriber = {
        for path in [place.0.join("d0"), place.0.clone()] {
            std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o700)).unwrap();
        }
        place.host().subscribe(place.1, Policy::Latest).unwrap()
    };
    assert!(own.wait_attached(PATIENCE));
}

#[test]
fn onlookers_see_everything_and_disturb_nobody() {
    let place = Place::new("look");
    let mut writer = place.writer();
    publish(&mut writer, 7);
    let mut reader = place.host().subscribe(place.1, Policy::KeepLast(2)).unwrap();
    assert!(reader.wait(PATIENCE));
    let frame = reader.take().unwrap().unwrap();
    let loan = writer.loan(&SPEC).unwrap().unwrap();
    let found = place.host().inspect(PATIENCE);
    assert_eq!((found.len(), found[0].pid), (1, std::process::id()));
    let FoundState::Live(bus) = &found[0].state else { panic!("{found:?}") };
    assert_eq!((bus.topic(), bus.message_type()), ("look", "sensor_msgs/msg/Image"));
    let stats = bus.stats();
    assert_eq!((stats.readers, stats.pins, stats.loaned, stats.published), (1, 2, 1, 1));
    assert_eq!(stats, writer.bus().stats());
    let newest = bus.newest().unwrap();
    assert_eq!((newest.sequence, newest.capture_stamp_ns, newest.width), (1, 7, 256));
    let slots = bus.slots();
    let of = |yes: fn(&peregrine_frame::SlotView) -> bool| slots.iter().filter(|s| yes(s)).count();
    assert_eq!((of(|s| s.in_ring == Some(1)), of(|s| s.loaned), of(|s| !s.held_by.is_empty())), (1, 1, 1));
    let row = &bus.readers()[0];
    assert_eq!((row.pid, row.policy, row.next), (std::process::id(), Policy::KeepLast(2), 2));
    drop((frame, loan, found, reader));
    wait_for("the row's return", || writer.bus().stats().readers == 0);

    // A publisher that is stopped is named as silent; one that is dead as stale, and removed.
    drop(writer);
    let mut peer = Peer::start(&place, "write", &["100", "0"]);
    peer.until("publishing");
    peer.signal(Signal::STOP);
    // A signal takes its time.
    wait_for("the publisher's silence", || {
        let found = place.host().inspect(Duration::from_millis(100));
        matches!(found[..], [ref f] if matches!(f.state, FoundState::Silent))
    });
    peer.kill();
    let found = place.host().inspect(Duration::from_millis(100));
    assert!(matches!(found[..], [ref f] if matches!(f.state, FoundState::Stale)), "{found:?}");
    assert_eq!((place.host().clear_stale(), place.sockets()), (1, 0));
}

#[test]
fn a_publisher_refuses_for_a_reason_and_lets_in_later() {
    let place = Place::new("refuse");
    let small = BusConfig { slots: 8, keep: 2, ..CONFIG };
    let writer = place.host().publish(place.1, small).unwrap();
    let all = SubscribeOptions { pins: 4, ..SubscribeOptions::default() };
    let mut first = place.host().subscribe_with(place.1, &all).unwrap();
    assert!(first.wait_attached(PATIENCE));
    let mut second = place.host().subscribe(place.1, Policy::Latest).unwrap();
    let mut why = Vec::new();
    wait_for("a refusal", || {
        why.extend(second.events());
        !why.is_empty()
    });
    assert!(matches!(&why[..], [Event::Refused { why, .. }] if why.starts_with("PG-0103")), "{why:?}");
    // A tool with one pin gets in all the same.
    let tool = SubscribeOptions { pins: 1, tool: true, ..SubscribeOptions::default() };
    let mut tool = place.host().subscribe_with(place.1, &tool).unwrap();
    assert!(tool.wait_attached(PATIENCE));
    drop((first, tool));
    assert!(second.wait_attached(PATIENCE), "asked again");
    let typed = SubscribeOptions { message_type: "a/msg/B".into(), ..SubscribeOptions::default() };
    let mut other = place.host().subscribe_with(place.1, &typed).unwrap();
    let mut why = Vec::new();
    wait_for("a refusal", || {
        why.extend(other.events());
        !why.is_empty()
    });
    assert!(matches!(&why[..], [Event::Refused { why, .. }] if why.starts_with("PG-0122")), "{why:?}");
    assert_eq!(writer.bus().stats().readers, 1);
}
