//! Links by themselves, and the parameter file. The peer that speaks MAVLink is in the tests crate.
#![allow(clippy::unwrap_used, reason = "helpers of tests are tests")]

use std::io::{Read, Write};
use std::net::{TcpStream, UdpSocket};
use std::time::{Duration, Instant};

use peregrine::{App, Mode, NodeFactory, NodeSpec, ParamMap, ParamValue, Params};
use peregrine_autopilot::AutopilotNode;
use peregrine_autopilot::link::{Change, Link};
use peregrine_autopilot::params::AutopilotParams;

const RETRY: i64 = 50_000_000;

/// Polls until `done`, or fails after five seconds.
fn until(link: &mut Link, valid: bool, mut done: impl FnMut(&Link, &[u8], Option<&Change>) -> bool) {
    let start = Instant::now();
    while start.elapsed() < Duration::from_secs(5) {
        let now = start.elapsed().as_nanos() as i64;
        let mut bytes = Vec::new();
        let change = link.poll(now, |b| {
            bytes.extend_from_slice(b);
            valid
        });
        if done(link, &bytes, change.as_ref()) {
            return;
        }
        std::thread::sleep(Duration::from_millis(2));
    }
    panic!("nothing came of it: {link:?}");
}

#[test]
fn a_waiting_datagram_link_answers_only_who_speaks_mavlink() {
    let mut link = Link::new("udpin:127.0.0.1:0".parse().unwrap(), RETRY);
    until(&mut link, false, |link, _, _| link.local_port().is_some());
    let port = link.local_port().unwrap();
    let stranger = UdpSocket::bind("127.0.0.1:0").unwrap();
    stranger.send_to(b"hello", ("127.0.0.1", port)).unwrap();
    until(&mut link, false, |_, bytes, _| bytes == b"hello");
    assert!(!link.is_up() && !link.send(0, b"secret").0 && link.counts().dropped_out == 1);
    let friend = UdpSocket::bind("127.0.0.1:0").unwrap();
    friend.set_read_timeout(Some(Duration::from_secs(5))).unwrap();
    friend.send_to(b"frame", ("127.0.0.1", port)).unwrap();
    until(&mut link, true, |_, _, change| matches!(change, Some(Change::Up)));
    assert!(link.send(0, b"answer").0);
    let mut buffer = [0; 32];
    assert_eq!(friend.recv(&mut buffer).unwrap(), 6);
}

/// Another vehicle or a ground station on the same port takes nothing away while the peer speaks, and its frames are not
/// even read; when the peer has gone, the next may come.
#[test]
fn a_peer_of_datagrams_stays_the_peer_while_it_is_heard() {
    let mut link = Link::new("udpin:127.0.0.1:0".parse().unwrap(), RETRY);
    until(&mut link, false, |link, _, _| link.local_port().is_some());
    let port = link.local_port().unwrap();
    let [first, second] = [(); 2].map(|()| UdpSocket::bind("127.0.0.1:0").unwrap());
    for socket in [&first, &second] {
        socket.set_read_timeout(Some(Duration::from_millis(300))).unwrap();
    }
    // Polled at times of our own making, until something has come.
    let poll = |link: &mut Link, now: i64| {
        let mut bytes = Vec::new();
        let start = Instant::now();
        let before = link.counts().bytes_in;
        while link.counts().bytes_in == before && start.elapsed() < Duration::from_secs(5) {
            link.poll(now, |b| {
                bytes.extend_from_slice(b);
                true
            });
        }
        bytes
    };
    let second_ns = 1_000_000_000;
    first.send_to(b"one", ("127.0.0.1", port)).unwrap();
    assert_eq!(poll(&mut link, 10 * second_ns), b"one");
    second.send_to(b"two", ("127.0.0.1", port)).unwrap();
    assert_eq!(poll(&mut link, 12 * second_ns), b"", "not read");
    assert_eq!(link.counts().strangers, 1);
    let mut buffer = [0; 32];
    assert!(link.send(12 * second_ns, b"a").0);
    assert!(first.recv(&mut buffer).is_ok() && second.recv(&mut buffer).is_err());
    second.send_to(b"two", ("127.0.0.1", port)).unwrap();
    assert_eq!(poll(&mut link, 14 * second_ns), b"two", "the first is gone for four seconds");
    assert!(link.send(14 * second_ns, b"b").0);
    assert!(second.recv(&mut buffer).is_ok() && first.recv(&mut buffer).is_err());
}

#[test]
fn a_waiting_stream_link_takes_the_next_who_connects() {
    let mut link = Link::new("tcpin:127.0.0.1:0".parse().unwrap(), RETRY);
    until(&mut link, false, |link, _, _| link.local_port().is_some());
    let port = link.local_port().unwrap();
    for round in 0..2 {
        let mut peer = TcpStream::connect(("127.0.0.1", port)).unwrap();
        until(&mut link, true, |_, _, change| matches!(change, Some(Change::Up)));
        peer.write_all(b"in").unwrap();
        until(&mut link, true, |_, bytes, _| bytes == b"in");
        assert!(link.send(0, b"out").0);
        let mut buffer = [0; 3];
        peer.read_exact(&mut buffer).unwrap();
        drop(peer);
        until(&mut link, true, |_, _, change| matches!(change, Some(Change::Down(_))));
        assert_eq!((link.counts().broken, link.is_up()), (round + 1, false));
    }
}

#[test]
fn what_does_not_open_is_told_once_and_tried_again() {
    // A port that nobody listens on: it was ours a moment ago.
    let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    for (address, words) in [
        (format!("tcpout:127.0.0.1:{port}"), "listens there"),
        ("serial:/dev/peregrine-has-no-such-device:115200".to_owned(), "plugged in"),
        ("udpin:192.0.2.1:5".to_owned(), "has the port"),
    ] {
        let mut link = Link::new(address.parse().unwrap(), RETRY);
        let mut told = Vec::new();
        let start = Instant::now();
        while start.elapsed() < Duration::from_millis(400) {
            if let Some(Change::Down(error)) = link.poll(start.elapsed().as_nanos() as i64, |_| true) {
                told.push(error.to_string());
            }
            std::thread::sleep(Duration::from_millis(2));
        }
        assert_eq!(told.len(), 1, "{told:?}");
        assert!(
            told[0].starts_with("PG-1502") && told[0].contains(words) && told[0].contains(&address),
            "{}",
            told[0]
        );
        assert!(!link.is_up());
    }
}

#[test]
fn bad_parameters_are_refused_by_name() {
    let refusal = |key: &str, value: &str| {
        let mut app = App::new(Mode::Lockstep { threads: 1 });
        let spec = NodeSpec::new("autopilot").with_param(key, ParamValue::String(value.into()));
        app.add(NodeFactory::of::<AutopilotNode>(), spec).map(|_| ()).unwrap_err().to_string()
    };
    assert!(refusal("link", "can:0").contains("PG-1501"));
    assert!(refusal("local_frame", "enu").contains("PG-1504"));
    assert!(refusal("range_orientation", "sideways").contains("down, up"));
}

#[test]
fn the_shipped_parameter_file_names_every_parameter_and_its_default() {
    let text = include_str!("../params.yaml");
    let shown = format!("{:?}", AutopilotParams::from_map("/a", "a", &ParamMap::default()).unwrap());
    let body = shown.split_once('{').unwrap().1.replace('"', "");
    for line in text.lines().filter(|l| l.starts_with("    ") && !l.trim().starts_with('#')) {
        let (key, rest) = line.trim().split_once(": ").unwrap();
        let value = rest.split(" #").next().unwrap().trim();
        assert!(
            body.contains(&format!(" {key}: {value}")),
            "{key}: {value} is not what the code has: {body}"
        );
    }
    for (key, _) in body.split(", ").filter_map(|pair| pair.trim().split_once(": ")) {
        assert!(text.contains(&format!("    {key}: ")), "{key} is missing in params.yaml");
    }
}
