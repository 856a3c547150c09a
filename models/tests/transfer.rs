//! Models over a network: whole or not at all, whatever the link, the other side or the power does; and nothing of a stranger's.
#![allow(clippy::unwrap_used, clippy::expect_used)] // helpers of tests; clippy sees only #[test] functions as such

mod common;

use std::path::{Path, PathBuf};

use common::power::{LABELS, cut, manifest, through, victim};
use common::updates::key;
use peregrine_models::trust::{Keyring, Purpose, signature_path};
use peregrine_models::update::transfer::{
    CHUNK, Cargo, Courier, Dock, DockOptions, Fetch, Fetched, FileInfo, Next, Order, Reply, Request, Status,
    VERSION, Verb,
};
use peregrine_models::update::{Bundle, Store, revert_asked, revert_settled, waiting};
use peregrine_models::{Trust, sha256};

/// Bytes without a period that a chunk could share.
fn noise(length: usize, seed: u64) -> Vec<u8> {
    let mut state = seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1;
    let mut draw = || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 56) as u8
    };
    (0..length).map(|_| draw()).collect()
}

/// A signed model of several chunks, two of whose files lie in a folder. Nothing here loads the network.
fn model(folder: &Path, version: u64, length: usize, signer: u8) -> PathBuf {
    let folder = folder.join(format!("v{version}"));
    std::fs::create_dir_all(folder.join("notices")).unwrap();
    let weights = noise(length, version);
    std::fs::write(folder.join("net.onnx"), &weights).unwrap();
    std::fs::write(folder.join("labels.txt"), LABELS).unwrap();
    std::fs::write(folder.join("notices/LICENCE.txt"), "do as you like").unwrap();
    std::fs::write(folder.join("notices/empty.txt"), "").unwrap();
    let text = manifest(version, &weights, &["notices/LICENCE.txt", "notices/empty.txt"]);
    let path = folder.join("net.toml");
    std::fs::write(&path, &text).unwrap();
    let signature = key(signer).sign(text.as_bytes(), Purpose::Manifest);
    std::fs::write(signature_path(&path), signature.to_toml()).unwrap();
    path
}

fn trust(folder: &Path) -> Trust {
    let mut ring = Keyring::default();
    ring.add(&key(1).public(), "fleet").unwrap();
    std::fs::write(folder.join("keys.toml"), ring.to_toml().unwrap()).unwrap();
    Trust::Ring(folder.join("keys.toml"))
}

fn dock(folder: &Path) -> Dock {
    Dock::open(options(folder, true)).unwrap()
}

const HOST: &str = "fleet/r7";

fn options(folder: &Path, gives: bool) -> DockOptions {
    DockOptions { store: folder.join("store"), host: HOST.into(), trust: trust(folder), gives }
}

fn order(model: &str, number: u64) -> Order {
    Order { host: HOST.into(), give_up: model.into(), number }
}

fn ask(dock: &mut Dock, request: &Request) -> Reply {
    dock.answer(request, 0, &mut Vec::new)
}

/// Brings a cargo over a link without faults; how many chunks it took.
fn bring(dock: &mut Dock, cargo: &Cargo) -> usize {
    let (mut courier, mut request, mut chunks) = (Courier::new(cargo), cargo.offer(), 0);
    loop {
        assert!(request.verb == Verb::Offer.to_wire() || request.data.len() <= CHUNK);
        chunks += usize::from(request.verb == Verb::Chunk.to_wire());
        match courier.next(&ask(dock, &request)).unwrap() {
            Next::Send(next) => request = next,
            Next::Done(_) => return chunks,
        }
    }
}

fn arrived(folder: &Path, cargo: &Cargo) {
    let bundle = Bundle::read(&waiting(&folder.join("store")).unwrap()).unwrap();
    assert_eq!(bundle.id(), cargo.id());
    // Manifest, signature, network, labels, two notices.
    assert_eq!(bundle.files().len(), 6);
    let left = std::fs::read_dir(folder.join("store/transfer")).unwrap().count();
    assert_eq!(left, 0, "nothing stays behind");
}

/// What waits becomes active, as if the detector had taken and kept it.
fn take(folder: &Path) {
    let mut store = Store::open(&folder.join("store")).unwrap();
    let slot = store.stage(&Bundle::read(&waiting(store.root()).unwrap()).unwrap()).unwrap();
    store.begin_trial(slot).unwrap();
    store.commit().unwrap();
    std::fs::remove_dir_all(folder.join("store/incoming")).unwrap();
}

#[test]
fn a_model_arrives_whole_and_only_once() {
    let folder = tempfile::tempdir().unwrap();
    let cargo = Cargo::read(&model(folder.path(), 1, 3 * CHUNK + 77, 1)).unwrap();
    let mut dock = dock(folder.path());
    assert_eq!(bring(&mut dock, &cargo), 4 + 2, "four of the network, one of each text");
    arrived(folder.path(), &cargo);
    assert_eq!(bring(&mut dock, &cargo), 0, "it waits there already");
    take(folder.path());
    assert_eq!(bring(&mut dock, &cargo), 0, "it runs there already");
    let info = ask(&mut dock, &Request::info());
    assert_eq!(info.value("active"), Some(cargo.id()));
    // What was rolled back is not taken again.
    let mut store = Store::open(&folder.path().join("store")).unwrap();
    store.revert().unwrap();
    let error = Courier::new(&cargo).next(&ask(&mut dock, &cargo.offer())).unwrap_err().to_string();
    assert!(error.contains("PG-1908") && error.contains("PG-1904"), "{error}");
}

/// A link that loses requests and answers, delivers late and twice, and a host that is killed and started again: seeded, so
/// that what fails fails again.
#[test]
fn any_link_and_any_kill_of_the_host_only_cost_time() {
    let folder = tempfile::tempdir().unwrap();
    let cargo = Cargo::read(&model(folder.path(), 2, 6 * CHUNK + 1, 1)).unwrap();
    for seed in 0..12_u64 {
        let _ = std::fs::remove_dir_all(folder.path().join("store"));
        let mut dock = dock(folder.path());
        let dice = noise(100_000, 1000 + seed);
        let mut dice = dice.into_iter();
        let (mut courier, mut request) = (Courier::new(&cargo), cargo.offer());
        let (mut late, mut faults, mut sent): (Vec<Request>, u32, u64) = (Vec::new(), 0, 0);
        loop {
            sent += request.data.len() as u64;
            let fate = dice.next().unwrap();
            if fate < 20 {
                faults += 1;
                late.push(request.clone());
                request = courier.again();
                continue;
            }
            let reply = ask(&mut dock, &request);
            if fate < 40 {
                // The answer is lost, and what was sent before arrives after all.
                faults += 1;
                late.drain(..).for_each(|old| _ = ask(&mut dock, &old));
                request = courier.again();
                continue;
            }
            if fate < 50 {
                faults += 1;
                dock = self::dock(folder.path());
            }
            match courier.next(&reply).unwrap() {
                Next::Send(next) => request = next,
                Next::Done(_) => break,
            }
        }
        arrived(folder.path(), &cargo);
        assert!(faults > 0 || seed > 0);
        let manifests = 2048 * u64::from(faults + 1);
        assert!(
            sent < cargo.bytes() + u64::from(faults) * CHUNK as u64 + manifests,
            "a fault costs one chunk: {sent}"
        );
    }
}

#[test]
fn a_strangers_model_is_refused_before_a_byte_is_taken() {
    let folder = tempfile::tempdir().unwrap();
    let mut dock = dock(folder.path());
    let refused = |dock: &mut Dock, request: &Request, words: &str| {
        let reply = ask(dock, request);
        assert!(reply.status == Status::Refused && reply.detail.contains(words), "{words}: {reply:?}");
        assert!(!reply.detail.contains('\n'));
        let written: Vec<_> = std::fs::read_dir(folder.path().join("store")).unwrap().collect();
        assert!(written.is_empty(), "{words}: {written:?}");
    };
    let path = model(folder.path(), 1, 1000, 1);
    let good = Cargo::read(&path).unwrap().offer();
    refused(&mut dock, &Cargo::read(&model(folder.path(), 3, 1000, 2)).unwrap().offer(), "PG-0462");
    refused(&mut dock, &Request { signature: String::new(), ..good.clone() }, "PG-0460");
    let mut altered = good.clone();
    altered.data.extend(b"\n# mine now\n");
    refused(&mut dock, &altered, "PG-0461");
    refused(&mut dock, &Request { version: VERSION + 1, ..good.clone() }, "PG-1907");
    refused(&mut dock, &Request { version: 0, ..good.clone() }, "PG-1907");
    refused(&mut dock, &Request { verb: 99, ..good.clone() }, "no step number 99");
    refused(&mut dock, &Request { data: vec![b'#'; 2 << 20], ..good.clone() }, "too long");
    refused(&mut dock, &Request { signature: "x".repeat(5000), ..good.clone() }, "too long");
    let files = |edit: &dyn Fn(&mut Vec<FileInfo>)| {
        let mut files = good.files.clone();
        edit(&mut files);
        Request { files, ..good.clone() }
    };
    refused(&mut dock, &files(&|f| f[0].size = u64::MAX), "bytes, 1073741824 are allowed");
    refused(
        &mut dock,
        &files(&|f| f[0].name = "../../etc/passwd".into()),
        "does not name its file `../../etc/passwd`",
    );
    refused(&mut dock, &files(&|f| f[0].name = "manifest.toml".into()), "does not name");
    refused(&mut dock, &files(&|f| f[0].sha256 = "0".repeat(64)), "another SHA-256");
    refused(&mut dock, &files(&|f| f[2].sha256 = "XYZ".into()), "no SHA-256");
    refused(&mut dock, &files(&|f| drop(f.pop())), "`notices/empty.txt` is missing");
    refused(&mut dock, &files(&|f| f.push(f[0].clone())), "twice");
    refused(&mut dock, &files(&|f| f.extend(vec![f[0].clone(); 40])), "44 files");
    // A manifest whose author signed a name that leaves the folder.
    let text = std::fs::read_to_string(&path).unwrap().replace("notices/LICENCE.txt", "../../x");
    let signature = key(1).sign(text.as_bytes(), Purpose::Manifest).to_toml();
    let mut request = files(&|f| f[2].name = "../../x".into());
    (request.data, request.signature) = (text.into_bytes(), signature);
    refused(&mut dock, &request, "`notices` is \"../../x\"");
    // A terminal is not written to by a stranger's name.
    let reply = ask(&mut dock, &files(&|f| f[0].name = "\u{1b}[2Jnet".into()));
    assert!(!reply.detail.contains('\u{1b}'), "{reply:?}");
}

#[test]
fn chunks_out_of_order_doubled_damaged_or_absurd_change_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let cargo = Cargo::read(&model(folder.path(), 1, 2 * CHUNK, 1)).unwrap();
    let mut dock = dock(folder.path());
    let weights = noise(2 * CHUNK, 1);
    let chunk = |offset: usize, data: &[u8]| Request {
        version: VERSION,
        verb: Verb::Chunk.to_wire(),
        model: cargo.id().to_owned(),
        name: "net.onnx".into(),
        offset: offset as u64,
        sha256: sha256(data),
        data: data.to_vec(),
        ..Request::default()
    };
    let (first, second) = (chunk(0, &weights[..CHUNK]), chunk(CHUNK, &weights[CHUNK..]));
    assert_eq!(ask(&mut dock, &first).status, Status::Unknown, "nothing was offered");
    let commit = Request { verb: Verb::Commit.to_wire(), data: vec![], ..first.clone() };
    assert_eq!(ask(&mut dock, &commit).status, Status::Unknown);
    ask(&mut dock, &cargo.offer());
    let reply = ask(&mut dock, &second);
    assert_eq!((reply.status, reply.offset), (Status::Resend, 0), "too early");
    let reply = ask(&mut dock, &Request { sha256: sha256(b"x"), ..first.clone() });
    assert_eq!((reply.status, reply.offset), (Status::Resend, 0), "damaged on the way");
    for _ in 0..2 {
        let reply = ask(&mut dock, &first);
        assert_eq!((reply.status, reply.offset), (Status::Ok, CHUNK as u64), "the second time it is there");
    }
    let reply = ask(&mut dock, &chunk(100, &weights[100..CHUNK + 10]));
    assert_eq!((reply.status, reply.offset), (Status::Resend, CHUNK as u64), "it overlaps");
    for (request, words) in [
        (chunk(CHUNK, &vec![0; CHUNK + 1]), "at once"),
        (chunk(CHUNK, &[]), "sends 0 bytes"),
        (chunk(2 * CHUNK - 1, &[1, 2]), "beyond"),
        (Request { offset: u64::MAX, ..second.clone() }, "beyond"),
        (Request { name: "other".into(), ..second.clone() }, "did not name"),
        (Request { name: "../net.onnx".into(), ..second.clone() }, "did not name"),
    ] {
        let reply = ask(&mut dock, &request);
        assert!(reply.status == Status::Refused && reply.detail.contains(words), "{words}: {reply:?}");
    }
    let reply = ask(&mut dock, &commit);
    assert_eq!((reply.status, reply.name.as_str(), reply.offset), (Status::Resend, "net.onnx", CHUNK as u64));
    assert!(waiting(&folder.path().join("store")).is_none());
    // Another operator has to wait, and gets his turn when nothing moves any more.
    let other = Cargo::read(&model(folder.path(), 2, 1000, 1)).unwrap();
    let reply = ask(&mut dock, &other.offer());
    assert!(reply.status == Status::Refused && reply.detail.starts_with("PG-1910"), "{reply:?}");
    let minute = dock.answer(&other.offer(), 61_000_000_000, &mut Vec::new);
    assert_eq!(minute.status, Status::Ok);
    bring(&mut dock, &other);
    arrived(folder.path(), &other);
}

/// After a power cut the end of a file may be anything that was there before.
#[test]
fn a_tail_that_rotted_is_found_and_sent_again() {
    let folder = tempfile::tempdir().unwrap();
    let cargo = Cargo::read(&model(folder.path(), 1, 3 * CHUNK, 1)).unwrap();
    drop(ask(&mut dock(folder.path()), &cargo.offer()));
    let part = folder.path().join("store/transfer").join(cargo.id()).join("net.onnx");
    let mut rotten = noise(3 * CHUNK, 1);
    rotten[2 * CHUNK..].fill(0);
    for (bytes, chunks) in
        [(rotten.clone(), 3), (rotten[..2 * CHUNK + 5].to_vec(), 1 + 3), (vec![7; 9 * CHUNK], 3)]
    {
        std::fs::create_dir_all(part.parent().unwrap()).unwrap();
        std::fs::write(&part, bytes).unwrap();
        let took = bring(&mut dock(folder.path()), &cargo);
        assert!((chunks..=chunks + 2).contains(&took), "{took} chunks");
        arrived(folder.path(), &cargo);
        std::fs::remove_dir_all(folder.path().join("store/incoming")).unwrap();
    }
}

#[test]
fn a_model_is_fetched_from_a_host_that_gives_it() {
    let folder = tempfile::tempdir().unwrap();
    let cargo = Cargo::read(&model(folder.path(), 1, 3 * CHUNK + 5, 1)).unwrap();
    let mut dock = dock(folder.path());
    let fetch = |dock: &mut Dock, into: &Path, trust: Trust, spoil: &dyn Fn(&mut Reply)| {
        let mut fetch = Fetch::new(into, trust);
        let (mut request, mut steps) = (fetch.list(), 0);
        loop {
            steps += 1;
            // The link is cut now and then.
            if steps % 3 == 2 {
                request = fetch.list();
            }
            let mut reply = ask(dock, &request);
            spoil(&mut reply);
            match fetch.next(&reply) {
                Ok(Fetched::Send(next)) => request = next,
                Ok(Fetched::Here(manifest)) => return Ok(manifest),
                Err(error) => return Err(error.to_string()),
            }
        }
    };
    let into = folder.path().join("here");
    let error = fetch(&mut dock, &into, trust(folder.path()), &|_| ()).unwrap_err();
    assert!(error.contains("PG-1913"), "{error}");
    bring(&mut dock, &cargo);
    take(folder.path());
    let manifest = fetch(&mut dock, &into, trust(folder.path()), &|_| ()).unwrap();
    assert_eq!(manifest, into.join("v1/manifest.toml"));
    assert_eq!(Bundle::read(&manifest).unwrap().id(), cargo.id());
    // Nobody trusts the key here; a host that lies; one that does not give.
    let other = folder.path().join("other");
    std::fs::create_dir(&other).unwrap();
    let stranger = Trust::Ring(other.join("none.toml"));
    std::fs::write(other.join("none.toml"), "serial = 1\n").unwrap();
    assert!(fetch(&mut dock, &other, stranger, &|_| ()).unwrap_err().contains("PG-0462"));
    assert_eq!(std::fs::read_dir(&other).unwrap().count(), 1, "nothing was written");
    let lie = |reply: &mut Reply| {
        if reply.name == "net.onnx" {
            reply.data[0] ^= 1;
            reply.sha256 = sha256(&reply.data);
        }
    };
    let error = fetch(&mut dock, &other, trust(folder.path()), &lie).unwrap_err();
    assert!(error.contains("PG-1909"), "{error}");
    assert!(!other.join("v1").exists());
    let outside = |reply: &mut Reply| reply.files.iter_mut().for_each(|f| f.name = format!("../{}", f.name));
    let error = fetch(&mut dock, &other, trust(folder.path()), &outside).unwrap_err();
    assert!(error.contains("PG-1906"), "{error}");
    let mut miser = Dock::open(options(folder.path(), false)).unwrap();
    assert!(fetch(&mut miser, &other, trust(folder.path()), &|_| ()).unwrap_err().contains("PG-1912"));
}

#[test]
fn a_host_that_talks_nonsense_ends_the_transfer_with_one_line() {
    let folder = tempfile::tempdir().unwrap();
    let cargo = Cargo::read(&model(folder.path(), 1, 2 * CHUNK, 1)).unwrap();
    let run = |reply: &dyn Fn(&Request) -> Reply| {
        let (mut courier, mut request) = (Courier::new(&cargo), cargo.offer());
        for _ in 0..1000 {
            match courier.next(&reply(&request)) {
                Ok(Next::Send(next)) => request = next,
                Ok(Next::Done(_)) => return "done".to_owned(),
                Err(error) => return error.to_string(),
            }
        }
        panic!("it goes on for ever");
    };
    let ok = |request: &Request| Reply {
        version: VERSION,
        status: Status::Ok,
        name: request.name.clone(),
        ..Reply::default()
    };
    assert!(run(&|_| Reply { version: 7, ..Reply::default() }).starts_with("PG-1907"));
    let shout =
        |_: &Request| Reply { version: VERSION, detail: "no\n\u{1b}[31mno".into(), ..Reply::default() };
    let text = run(&shout);
    assert!(text.starts_with("PG-1908") && !text.contains(['\n', '\u{1b}']), "{text}");
    assert!(run(&ok).starts_with("PG-1909"), "a list of no files");
    let have = |r: &Request| Reply { have: vec![u64::MAX; r.files.len()], ..ok(r) };
    assert_eq!(run(&have), "done", "it says that it has all");
    for status in [Status::Unknown, Status::Resend] {
        let again = |r: &Request| Reply { status, name: "net.onnx".into(), ..ok(r) };
        assert!(run(&again).starts_with("PG-1909"), "{status:?}");
    }
    let beyond =
        |r: &Request| Reply { status: Status::Resend, name: "net.onnx".into(), offset: 1 << 40, ..ok(r) };
    assert!(run(&beyond).starts_with("PG-1909"));
    let stuck =
        |r: &Request| Reply { have: vec![0; if r.files.is_empty() { 4 } else { r.files.len() }], ..ok(r) };
    assert!(run(&stuck).starts_with("PG-1909"), "it takes chunks and has none of them");
}

/// Who may have a model given up: a key of the ring, for this host, once.
#[test]
fn orders_are_obeyed_when_signed_for_this_host_and_new() {
    let folder = tempfile::tempdir().unwrap();
    let cargo = Cargo::read(&model(folder.path(), 1, 3000, 1)).unwrap();
    let mut dock = dock(folder.path());
    bring(&mut dock, &cargo);
    take(folder.path());
    let store = folder.path().join("store");
    let given = order(cargo.id(), 100);
    let refused = |dock: &mut Dock, request: &Request, code: &str| {
        let reply = ask(dock, request);
        assert!(reply.status == Status::Refused && reply.detail.starts_with(code), "{code}: {reply:?}");
        assert_eq!(revert_asked(&store), None, "{code}");
    };
    refused(&mut dock, &given.request(None), "PG-0460");
    refused(&mut dock, &given.request(Some(&key(2))), "PG-0462");
    let signed = given.request(Some(&key(1)));
    // Bytes that were signed for something else, or that were altered after they were signed.
    let text = String::from_utf8(signed.data.clone()).unwrap();
    let elsewhere = key(1).sign(&signed.data, Purpose::Manifest).to_toml();
    refused(&mut dock, &Request { signature: elsewhere, ..signed.clone() }, "PG-0461");
    let later = text.replace("100", "101").into_bytes();
    refused(&mut dock, &Request { data: later, ..signed.clone() }, "PG-0461");
    refused(&mut dock, &Request { data: Vec::new(), signature: String::new(), ..signed.clone() }, "PG-0460");
    refused(&mut dock, &Request { model: "ab".repeat(32), ..signed.clone() }, "PG-1906");
    refused(&mut dock, &Request { data: vec![b' '; 4000], ..signed.clone() }, "PG-1906");
    let other = Order { host: "fleet/r8".into(), ..given.clone() };
    refused(&mut dock, &other.request(Some(&key(1))), "PG-1916");

    let reply = ask(&mut dock, &signed);
    assert_eq!((reply.status, reply.detail.as_str()), (Status::Ok, "it is given up"));
    assert_eq!(revert_asked(&store).as_deref(), Some(cargo.id()));
    revert_settled(&store);
    // The answer was lost, and it is asked again: said to be done, not done again. A restart changes nothing.
    assert_eq!(ask(&mut dock, &signed).status, Status::Ok);
    let mut again = Dock::open(options(folder.path(), true)).unwrap();
    assert_eq!(ask(&mut again, &signed).status, Status::Ok);
    assert_eq!(revert_asked(&store), None, "overheard and given again");
    refused(&mut again, &order(cargo.id(), 99).request(Some(&key(1))), "PG-1915");
    assert_eq!(ask(&mut again, &order(cargo.id(), 101).request(Some(&key(1)))).status, Status::Ok);
    assert_eq!(revert_asked(&store).as_deref(), Some(cargo.id()));
    revert_settled(&store);
    refused(&mut again, &signed, "PG-1915");
    // What cannot be read is not taken for empty.
    std::fs::write(store.join("orders.toml"), "torn").unwrap();
    refused(&mut again, &order(cargo.id(), 102).request(Some(&key(1))), "PG-1917");
    std::fs::remove_file(store.join("orders.toml")).unwrap();
    // A host that takes what nobody has signed obeys whom it does not know, once.
    let loose = DockOptions { trust: Trust::AllowUnsigned, ..options(folder.path(), true) };
    let mut loose = Dock::open(loose).unwrap();
    assert_eq!(ask(&mut loose, &given.request(None)).status, Status::Ok);
    assert_eq!(revert_asked(&store).as_deref(), Some(cargo.id()));
    revert_settled(&store);
    refused(&mut loose, &order(cargo.id(), 99).request(None), "PG-1915");
}

/// The power goes between the note and the deed: the next start does what was ordered.
#[test]
fn an_order_that_was_noted_is_carried_out_at_the_next_start() {
    let folder = tempfile::tempdir().unwrap();
    let cargo = Cargo::read(&model(folder.path(), 1, 3000, 1)).unwrap();
    bring(&mut dock(folder.path()), &cargo);
    let store = folder.path().join("store");
    let note = format!("[k]\nnumber = 5\nmodel = \"{}\"\ndone = false\n", cargo.id());
    std::fs::write(store.join("orders.toml"), note).unwrap();
    dock(folder.path());
    assert_eq!(revert_asked(&store).as_deref(), Some(cargo.id()));
    assert!(waiting(&store).is_none(), "it waited");
    revert_settled(&store);
    dock(folder.path());
    assert_eq!(revert_asked(&store), None, "once");
}

/// Not a test of its own: the host that is killed below.
#[test]
fn child_that_receives_and_is_killed() {
    let Some((root, step)) = victim() else { return };
    let mut dock = Dock::open_stepwise(options(&root, false), step).unwrap();
    let cargo = Cargo::read(&root.join("v2/net.toml")).unwrap();
    bring(&mut dock, &cargo);
    ask(&mut dock, &order(cargo.id(), 7).request(Some(&key(1))));
    through();
}

/// kill -9 of the receiving process at every step: the model before it is untouched, what waits is whole or not there, and the
/// next try goes through.
#[test]
fn a_receiver_killed_at_any_step_goes_on_where_it_stopped() {
    let mut steps = Vec::new();
    for dies in 0..100 {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path();
        let (one, two) = (model(root, 1, 3000, 1), Cargo::read(&model(root, 2, 2 * CHUNK, 1)).unwrap());
        let one = Cargo::read(&one).unwrap();
        bring(&mut dock(root), &one);
        take(root);
        // What another transfer left behind, and a model that waits.
        let three = Cargo::read(&model(root, 3, 4000, 1)).unwrap();
        bring(&mut dock(root), &three);
        let four = Cargo::read(&model(root, 4, 4000, 1)).unwrap();
        ask(&mut dock(root), &four.offer());
        let reached = cut("child_that_receives_and_is_killed", root, dies);
        let store = Store::open(&root.join("store")).unwrap();
        let active = Bundle::read(&store.manifest(store.state().active.unwrap())).unwrap();
        assert_eq!(active.id(), one.id(), "{reached}");
        if let Some(manifest) = waiting(store.root()) {
            let waits = Bundle::read(&manifest).unwrap();
            assert!(waits.id() == three.id() || waits.id() == two.id(), "{reached}");
        }
        bring(&mut dock(root), &two);
        arrived(root, &two);
        let through = reached == "through";
        steps.push(reached);
        if through {
            break;
        }
    }
    println!("{} steps: {steps:?}", steps.len());
    for what in [
        "half of a chunk is written",
        "clear what waited before",
        "move the model to where it is looked for",
        "note the order",
        "rename the record of orders",
        "rename the request for the way back",
    ] {
        assert!(steps.iter().any(|step| step == what), "{what} was never cut: {steps:?}");
    }
    assert_eq!(steps.last().map(String::as_str), Some("through"));
}
