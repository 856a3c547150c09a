//! Bags played back: what was recorded comes again, and what is no bag is told by name.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on may panic")]

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use peregrine::{AnyMessage, App, Mode, NodeFactory, NodeSpec, ParamValue, prelude::*};
use peregrine_msgs::{Message, cdr, registry};
use peregrine_msgs::{rosgraph_msgs::Clock, sensor_msgs::Image, std_msgs::String as Text};
use peregrine_recorder::play::{BagReader, PlayerNode};
use peregrine_recorder::{Bag, BagOptions, Topic};

const MS: i64 = 1_000_000;
/// When the recording began.
const START: i64 = 1_700_000_000_000_000_000;

fn topic<M: Message>(name: &str, latched: bool) -> Topic {
    Topic {
        name: name.into(),
        type_name: M::TYPE_NAME.into(),
        type_hash: M::TYPE_HASH.into(),
        definition: M::DEFINITION.into(),
        reliable: true,
        transient_local: latched,
    }
}

fn picture(number: u8, encoding: &str) -> Image {
    let mut image = Image { height: 2, width: 2, encoding: encoding.into(), step: 6, ..Image::default() };
    image.header.stamp = Time(START + i64::from(number)).to_msg();
    image.header.frame_id = "eye".into();
    image.data = vec![number; 12];
    image
}

/// Ten texts and pictures, 100 ms apart, in two files; a latched text at the start.
fn record(path: &Path) {
    let options = BagOptions { split_ns: 500 * MS as u64, ..BagOptions::default() };
    let mut bag = Bag::create(path, options).unwrap();
    let name = bag.topic(&topic::<Text>("/name", true)).unwrap();
    let text = bag.topic(&topic::<Text>("/text", false)).unwrap();
    let image = bag.topic(&topic::<Image>("/camera/image_raw", false)).unwrap();
    let odd = bag.topic(&topic::<Image>("/odd/image_raw", false)).unwrap();
    bag.write(name, START, START, &cdr::to_vec(&Text { data: "forest".into() })).unwrap();
    for number in 0..10u8 {
        let at = START + i64::from(number) * 100 * MS;
        bag.write(text, at, at, &cdr::to_vec(&Text { data: format!("{number}") })).unwrap();
        bag.write(image, at + 1, at, &cdr::to_vec(&picture(number, "rgb8"))).unwrap();
        bag.write(odd, at + 2, at, &cdr::to_vec(&picture(number, "bayer_rggb8"))).unwrap();
    }
    assert_eq!(bag.finish().unwrap().files, 2);
}

/// Topic, time of the node clock since it began to listen, bytes.
type Heard = Arc<Mutex<Vec<(String, i64, Vec<u8>)>>>;

struct Listener(Heard);

impl Node for Listener {
    const NAME: &'static str = "listener";
    type Params = ();

    fn configure(setup: &mut Setup<Self>, (): ()) -> Result<Self> {
        setup.subscribe_all(|node: &mut Self, ctx, message: &AnyMessage<'_>| {
            let heard = (message.topic().to_owned(), ctx.now().0, message.cdr());
            node.0.lock().unwrap().push(heard);
            if node.0.lock().unwrap().len() >= 200 {
                ctx.shutdown("enough");
            }
            Ok(())
        })?;
        Ok(Self(setup.extension::<Mutex<Vec<(String, i64, Vec<u8>)>>>().unwrap()))
    }
}

fn play(
    path: &Path,
    params: &[(&str, ParamValue)],
) -> std::result::Result<Vec<(String, i64, Vec<u8>)>, String> {
    let heard = Heard::default();
    let mut app = App::new(Mode::Lockstep { threads: 1 });
    app.extend(heard.clone());
    let mut spec = NodeSpec::new("player").with_param("path", ParamValue::String(path.display().to_string()));
    for (name, value) in params {
        spec = spec.with_param(name, value.clone());
    }
    app.add(NodeFactory::of::<PlayerNode>(), spec).map_err(|error| error.to_string())?;
    app.add(NodeFactory::of::<Listener>(), NodeSpec::new("listener")).unwrap();
    app.run().map_err(|error| error.to_string())?;
    Ok(std::mem::take(&mut *heard.lock().unwrap()))
}

fn on<'a>(heard: &'a [(String, i64, Vec<u8>)], topic: &str) -> Vec<&'a (String, i64, Vec<u8>)> {
    heard.iter().filter(|(name, ..)| name == topic).collect()
}

fn texts(heard: &[(String, i64, Vec<u8>)]) -> Vec<String> {
    on(heard, "/text").iter().map(|(_, _, bytes)| cdr::from_slice::<Text>(bytes).unwrap().data).collect()
}

#[test]
fn every_message_comes_again_in_order_at_its_time() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("flight");
    record(&path);
    for (rate, delay) in [(1.0, 0.0), (4.0, 2.0)] {
        let params = [("rate", ParamValue::Double(rate)), ("delay", ParamValue::Double(delay))];
        let heard = play(&path, &params).unwrap();
        assert_eq!(heard.len(), 31);
        assert_eq!(texts(&heard), (0..10).map(|n| n.to_string()).collect::<Vec<_>>());
        let first = heard[0].1;
        assert!((first - (delay * 1e9) as i64).abs() <= 2 * MS, "{first}");
        for (number, (_, at, _)) in on(&heard, "/text").iter().enumerate() {
            let wanted = (number as f64 * 1e8 / rate) as i64;
            assert!(
                (at - first - wanted).abs() <= 2 * MS,
                "text {number} came {} ns after the first",
                at - first
            );
        }
        // Byte for byte, in frame slots and, where the frame bus has no name for the pixels, as a plain message.
        for (topic, encoding) in [("/camera/image_raw", "rgb8"), ("/odd/image_raw", "bayer_rggb8")] {
            let pictures = on(&heard, topic);
            assert_eq!(pictures.len(), 10);
            for (number, (_, _, bytes)) in pictures.iter().enumerate() {
                assert_eq!(*bytes, cdr::to_vec(&picture(number as u8, encoding)), "{topic} {number}");
            }
        }
    }
}

#[test]
fn a_part_is_played_again_and_again_with_its_time() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("flight");
    record(&path);
    let list =
        |items: &[&str]| ParamValue::StringArray(items.iter().map(|item| (*item).to_owned()).collect());
    let params = [
        ("start_offset", ParamValue::Double(0.55)),
        ("topics", list(&["text", "camera"])),
        ("exclude", list(&["camera"])),
    ];
    let heard = play(&path, &params).unwrap();
    assert_eq!((texts(&heard), heard.len()), (vec!["6".into(), "7".into(), "8".into(), "9".into()], 4));

    let params = [params[0].clone(), ("topics", list(&["text"])), ("loop", ParamValue::Bool(true))];
    let heard = play(&path, &params).unwrap();
    assert_eq!(texts(&heard)[..6], ["6", "7", "8", "9", "6", "7"]);

    // Half as fast, with its time on /clock ten times a second.
    let params = [
        ("topics", list(&["text"])),
        ("clock_hz", ParamValue::Double(10.0)),
        ("rate", ParamValue::Double(0.5)),
    ];
    let heard = play(&path, &params).unwrap();
    let clock: Vec<i64> = on(&heard, "/clock")
        .iter()
        .map(|(_, _, bytes)| Time::from_msg(&cdr::from_slice::<Clock>(bytes).unwrap().clock).0)
        .collect();
    assert!((18..=20).contains(&clock.len()), "{}", clock.len());
    assert!(clock[0] >= START && clock[0] < START + 2 * MS);
    assert!(clock.windows(2).all(|pair| (pair[1] - pair[0] - 50 * MS).abs() <= MS), "{clock:?}");
}

#[test]
fn a_bag_says_what_it_holds() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("flight");
    record(&path);
    let bag = BagReader::open(&path).unwrap();
    let topics: Vec<_> =
        bag.topics().iter().map(|t| (t.name.as_str(), t.messages, t.qos.is_latched())).collect();
    let expected = [
        ("/camera/image_raw", 10, false),
        ("/name", 1, true),
        ("/odd/image_raw", 10, false),
        ("/text", 10, false),
    ];
    assert_eq!(topics, expected);
    assert_eq!(bag.topics()[3].type_name, "std_msgs/msg/String");
    assert_eq!((bag.messages(), bag.span()), (31, Some((START as u64, (START + 900 * MS + 2) as u64))));
    // One of its files is a bag too.
    let one = BagReader::open(&path.join("flight_1.mcap")).unwrap();
    assert_eq!(one.messages(), 15);
}

/// A bag with topics as a stranger writes them.
fn strange(directory: &Path) -> PathBuf {
    use std::collections::BTreeMap;
    let path = directory.join("strange");
    let mut file =
        mcap::WriteOptions::new().compression(None).create(std::fs::File::create(&path).unwrap()).unwrap();
    let text = registry::find("std_msgs/msg/String").unwrap();
    let string = file.add_schema(text.type_name, "ros2msg", text.definition.as_bytes()).unwrap();
    let own = file.add_schema("robot_msgs/msg/Mood", "ros2msg", b"int32 mood\n").unwrap();
    let hash = BTreeMap::from([("topic_type_hash".to_owned(), format!("RIHS01_{}", "0".repeat(64)))]);
    let none = BTreeMap::new();
    let channels = [
        file.add_channel(string, "/good", "cdr", &none).unwrap(),
        file.add_channel(string, "/other_definition", "cdr", &hash).unwrap(),
        file.add_channel(string, "/ros1", "ros1", &none).unwrap(),
        file.add_channel(own, "/mood", "cdr", &none).unwrap(),
        file.add_channel(0, "/no_schema", "cdr", &none).unwrap(),
    ];
    let message = cdr::to_vec(&Text { data: "hello".into() });
    for (number, data) in
        [message.as_slice(), &[0, 1, 0, 0, 255, 255, 255, 255], &[], &message].into_iter().enumerate()
    {
        for channel in channels {
            let (sequence, log_time) = (number as u32, 1_000 + number as u64);
            let header = mcap::records::MessageHeader {
                channel_id: channel,
                sequence,
                log_time,
                publish_time: log_time,
            };
            file.write_to_known_channel(&header, data).unwrap();
        }
    }
    file.finish().unwrap();
    path
}

#[test]
fn what_cannot_be_played_is_left_out_and_the_rest_goes_on() {
    let directory = tempfile::tempdir().unwrap();
    let path = strange(directory.path());
    let heard = play(&path, &[]).unwrap();
    // Two of its four messages are damaged.
    assert_eq!(heard.iter().map(|(topic, ..)| topic.as_str()).collect::<Vec<_>>(), ["/good", "/good"]);
    let params = [("exclude", ParamValue::StringArray(vec!["good".into()]))];
    let error = play(&path, &params).unwrap_err();
    assert!(error.contains("PG-0814") && error.contains("strange"), "{error}");
}

#[test]
fn damage_is_told_by_name() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("flight");
    record(&path);
    let file = path.join("flight_0.mcap");
    let whole = std::fs::read(&file).unwrap();
    let error = |bytes: &[u8]| {
        std::fs::write(&file, bytes).unwrap();
        play(&path, &[]).unwrap_err()
    };
    let cut = error(&whole[..whole.len() / 2]);
    assert!(cut.contains("PG-0812") && cut.contains("flight_0.mcap") && cut.contains("bag recover"), "{cut}");
    let text = error(b"SQLite format 3\0");
    assert!(text.contains("PG-0810") && text.contains("does not begin as an MCAP file"), "{text}");
    assert!(error(&[]).contains("PG-0810"));
    std::fs::write(&file, &whole).unwrap();
    assert_eq!(play(&path, &[]).unwrap().len(), 31);

    std::fs::remove_file(&file).unwrap();
    assert!(play(&path, &[]).unwrap_err().contains("PG-0810"));
    assert!(play(&directory.path().join("none"), &[]).unwrap_err().contains("PG-0810"));
    let old = directory.path().join("old.db3");
    std::fs::write(&old, "SQLite format 3\0").unwrap();
    let error = play(&old, &[]).unwrap_err();
    assert!(error.contains("PG-0811") && error.contains("rosbags-convert"), "{error}");
    record(&directory.path().join("again"));
    let late = [("start_offset", ParamValue::Double(5.0))];
    let error = play(&directory.path().join("again"), &late).unwrap_err();
    assert!(error.contains("PG-0814") && error.contains("spans 0.900 s"), "{error}");
}
