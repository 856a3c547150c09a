//! Models over Zenoh: to a host through kills of either side, back from it, and to a simulated fleet of two hundred robots in stages.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test fails by panicking")]

mod common;
#[path = "../../models/tests/common/network.rs"]
#[allow(dead_code, reason = "this test takes what it needs")]
mod network;
#[path = "fleet/robots.rs"]
mod robots;

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::time::Duration;

use common::{Running, peregrine_at, stderr, stdout, until};
use network::{Output as Port, constant_network};
use peregrine_models::sha256;
use peregrine_models::trust::{Keyring, Purpose, SecretKey, signature_path};
use peregrine_models::update::{Bundle, Store, waiting};
use robots::Fleet;

/// A folder where nothing waits for a disk: what is synced is tested elsewhere, here there are two hundred stores.
fn folder() -> tempfile::TempDir {
    let memory = Path::new("/dev/shm");
    if memory.is_dir() { tempfile::tempdir_in(memory).unwrap() } else { tempfile::tempdir().unwrap() }
}

/// A signed model; `bytes` are of weights that do nothing.
fn model(folder: &Path, name: &str, bytes: usize) -> PathBuf {
    let folder = folder.join(name);
    std::fs::create_dir_all(&folder).unwrap();
    let cells = 64 + 16 + 4;
    let outputs = [Port { name: "y".into(), shape: vec![1, 6, cells], values: vec![0.0; 6 * cells] }];
    let mut network = constant_network("x", &[1, 3, 64, 64], &outputs);
    // An unknown field of protobuf (number 1000, bytes): readers leave it out.
    network.extend([0xc2, 0x3e]);
    let mut length = bytes;
    while length >= 128 {
        network.push(length as u8 | 128);
        length >>= 7;
    }
    network.push(length as u8);
    network.extend((0..bytes as u32).map(|n| (n.wrapping_mul(2_654_435_761) >> 24) as u8));
    std::fs::write(folder.join("net.onnx"), &network).unwrap();
    let text = format!(
        "name = \"{name}\"\nfile = \"net.onnx\"\nsha256 = \"{}\"\ntask = \"detection\"\norigin = \"made up\"\n\
         labels = [\"person\", \"car\"]\n[input]\nname = \"x\"\nwidth = 64\nheight = 64\ncolour = \"rgb\"\n\
         [decoder]\nkind = \"yolov8\"\nstrides = [8, 16, 32]\noutputs = [\"y\"]\n[licence]\nspdx = \"CC0-1.0\"\n",
        sha256(&network)
    );
    let path = folder.join("manifest.toml");
    std::fs::write(&path, &text).unwrap();
    let signature = SecretKey::from_seed(&[1; 32]).sign(text.as_bytes(), Purpose::Manifest);
    std::fs::write(signature_path(&path), signature.to_toml()).unwrap();
    path
}

/// Whose models are trusted here: `XDG_CONFIG_HOME` of every process.
fn trusted(folder: &Path) {
    let mut ring = Keyring::default();
    ring.add(&SecretKey::from_seed(&[1; 32]).public(), "fleet").unwrap();
    std::fs::create_dir_all(folder.join("peregrine")).unwrap();
    std::fs::write(folder.join("peregrine/keys.toml"), ring.to_toml().unwrap()).unwrap();
}

struct Site {
    root: tempfile::TempDir,
    port: &'static str,
}

impl Site {
    fn new(port: &'static str) -> Self {
        let root = folder();
        trusted(root.path());
        Self { root, port }
    }

    fn command(&self, args: &[&str]) -> Command {
        let mut command = peregrine_at(self.port);
        for name in ["XDG_CONFIG_HOME", "XDG_DATA_HOME", "XDG_STATE_HOME"] {
            command.env(name, self.root.path());
        }
        command.args(args);
        command
    }

    fn run(&self, args: &[&str]) -> Output {
        self.command(args).output().unwrap()
    }

    /// The door of a robot.
    fn door(&self) -> Child {
        let store = format!("store:={}", self.root.path().join("store").display());
        let args =
            ["run", "model_store", "--ros-args", "-r", "__ns:=/robot1", "-p", &store, "-p", "gives:=true"];
        self.command(&args).stdout(Stdio::null()).spawn().unwrap()
    }

    /// Bytes of the network that have arrived.
    fn arrived(&self, id: &str) -> u64 {
        let part = self.root.path().join("store/transfer").join(id).join("net.onnx");
        std::fs::metadata(part).map_or(0, |meta| meta.len())
    }
}

fn kill(mut child: Child) {
    child.kill().unwrap();
    child.wait().unwrap();
}

/// kill -9 of the host, then of the sender, in the middle of a transfer: nothing but the rest is sent again. Then the model is
/// fetched from there.
#[test]
fn a_model_is_pushed_through_kills_of_both_sides_and_pulled_back() {
    let site = Site::new("17471");
    let root = site.root.path();
    const BYTES: usize = 6_000_000;
    let manifest = model(root, "v2", BYTES);
    let id = sha256(&std::fs::read(&manifest).unwrap());
    let manifest = manifest.to_str().unwrap();
    let nobody = site.run(&["model", "push", "robot1", manifest]);
    assert!(stderr(&nobody).contains("PG-1304"), "{}", stderr(&nobody));
    let door = site.door();
    until("the door is there", || {
        stdout(&site.run(&["model", "list", "--hosts"])).contains("robot1").then_some(())
    });
    let wrong = site.run(&["model", "push", "robot2", manifest]);
    assert!(stderr(&wrong).contains("there are robot1"), "{}", stderr(&wrong));

    let slow = ["model", "push", "robot1", manifest, "--rate", "16"];
    let sender = site.command(&slow).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    until("a part arrives", || (site.arrived(&id) > 500_000).then_some(()));
    kill(door);
    let before = site.arrived(&id);
    assert!(before < BYTES as u64 && waiting(&root.join("store")).is_none());
    std::thread::sleep(Duration::from_millis(300));
    let door = site.door();
    until("the sender goes on by itself", || (site.arrived(&id) > before + 500_000).then_some(()));
    kill(sender);
    let before = site.arrived(&id);
    assert!((1_000_000..BYTES as u64).contains(&before), "{before}");
    let pushed = site.run(&["model", "push", "robot1", manifest]);
    assert!(stdout(&pushed).contains("robot1: it waits there"), "{}{}", stdout(&pushed), stderr(&pushed));
    let there = waiting(&root.join("store")).unwrap();
    assert_eq!(Bundle::read(&there).unwrap().id(), id);
    let again = site.run(&["model", "push", "robot*", manifest]);
    assert!(stdout(&again).contains("it is there already"), "{}", stderr(&again));

    // A stranger's, and one that was altered on the way to the stick, get no further than this machine or the door.
    let stranger = root.join("v2/net.onnx");
    let mut bytes = std::fs::read(&stranger).unwrap();
    *bytes.last_mut().unwrap() ^= 1;
    std::fs::write(&stranger, bytes).unwrap();
    assert!(stderr(&site.run(&["model", "push", "robot1", manifest])).contains("PG-0406"));

    // As if the detector had kept it.
    let pull = |more: &[&str]| site.run(&[&["model", "pull", "robot1"], more].concat());
    assert!(stderr(&pull(&[])).contains("PG-1913"), "{}", stderr(&pull(&[])));
    let mut store = Store::open(&root.join("store")).unwrap();
    let slot = store.stage(&Bundle::read(&there).unwrap()).unwrap();
    store.begin_trial(slot).unwrap();
    store.commit().unwrap();
    std::fs::remove_dir_all(root.join("store/incoming")).unwrap();
    let pulled = pull(&[]);
    assert!(stdout(&pulled).contains("signed by fleet"), "{}{}", stdout(&pulled), stderr(&pulled));
    assert_eq!(Bundle::read(&root.join("peregrine/models/v2/manifest.toml")).unwrap().id(), id);
    // It goes by its name now, and so does one that is added from a folder.
    assert!(stdout(&site.run(&["model", "list"])).contains("\nv2 "));
    assert!(stdout(&site.run(&["model", "verify", "v2", "--backend", "tract"])).contains("signed by fleet"));
    model(root, "v9", 10);
    let added = site.run(&["model", "add", root.join("v9").to_str().unwrap()]);
    assert!(stdout(&added).contains("v9, signed by fleet"), "{}", stderr(&added));
    let shown = site.run(&["model", "show", "v9"]);
    assert!(stdout(&shown).contains("v9  ("), "{}", stderr(&shown));
    let hosts = stdout(&site.run(&["model", "list", "--hosts"]));
    assert!(hosts.contains(&id[..12]) && hosts.contains("no detector is heard"), "{hosts}");
    drop(Running(door));
}

/// A good model reaches all of two hundred, though the one who leads is killed on the way; one that robots roll back, and one that
/// they keep though it makes them slow, are stopped at the first stage and taken back.
#[test]
fn a_rollout_reaches_everybody_or_stops_at_the_first_stage() {
    let site = Site::new("17472");
    let root = site.root.path();
    let fleet = Fleet::start(200, root, site.port);
    until("all robots are there", || {
        let listed = stdout(&site.run(&["model", "list", "--hosts", "fleet", "--json"]));
        (listed.matches("\"host\"").count() == 200).then_some(())
    });
    let key = root.join("secret.key");
    SecretKey::from_seed(&[1; 32]).write(&key).unwrap();
    let quick = ["--observe", "0.2", "--settle", "60", "--parallel", "32", "--key", key.to_str().unwrap()];
    let rollout = |manifest: &Path, more: &[&str]| {
        site.command(&[&["model", "rollout", "fleet", manifest.to_str().unwrap()], &quick[..], more].concat())
    };

    let good = model(root, "good", 1000);
    let id = sha256(&std::fs::read(&good).unwrap());
    // What could not be taken back is not begun.
    let keyless = site.run(&["model", "rollout", "fleet", good.to_str().unwrap()]);
    assert!(!keyless.status.success() && stderr(&keyless).contains("--key"), "{}", stderr(&keyless));
    let mut leader = rollout(&good, &[]).stdout(Stdio::null()).spawn().unwrap();
    until("the third stage has begun", || {
        (fleet.running(&id) > 30 || leader.try_wait().unwrap().is_some()).then_some(())
    });
    leader.kill().unwrap();
    leader.wait().unwrap();
    let reached = fleet.running(&id);
    assert!((30..200).contains(&reached), "killed in the middle: {reached}");
    let led = rollout(&good, &[]).output().unwrap();
    let text = stdout(&led);
    assert!(led.status.success(), "{text}{}", stderr(&led));
    assert!(text.contains("goes on at stage 3"), "{text}");
    println!("{text}");
    assert_eq!(fleet.running(&id), 200);
    let sizes: Vec<&str> = text
        .lines()
        .filter(|line| line.contains("%  "))
        .filter_map(|line| line.split_whitespace().nth(2))
        .collect();
    assert_eq!(sizes, ["2", "18", "80", "100"], "{text}");

    for (name, words) in [("failing", "its engine failed"), ("slow", "an image takes")] {
        let bad = model(root, name, 1000);
        let bad_id = sha256(&std::fs::read(&bad).unwrap());
        let led = rollout(&bad, &["--json"]).output().unwrap();
        assert!(!led.status.success());
        let said = stderr(&led);
        assert!(
            said.contains("PG-1315")
                && said.contains("of 2 hosts of stage 1 do worse")
                && said.contains(words),
            "{said}"
        );
        let report: serde_json::Value = serde_json::from_str(&stdout(&led)).unwrap();
        assert_eq!(report["stages"].as_array().unwrap().len(), 1, "{report:#}");
        // At most the two first ever had it, nobody has it now, and all run what they ran.
        assert!((1..=2).contains(&fleet.ever(&bad_id)), "{}", fleet.ever(&bad_id));
        assert_eq!((fleet.running(&bad_id), fleet.running(&id)), (0, 200), "{name}: {report:#}");
        // What was stopped stays stopped.
        let again = rollout(&bad, &[]).output().unwrap();
        assert!(stderr(&again).contains("PG-1315") && fleet.running(&bad_id) == 0, "{}", stderr(&again));
        println!("{}", stdout(&again));
    }
}
