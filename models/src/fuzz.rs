//! What the fuzz targets call: every reader of a stranger's bytes in this crate besides the manifest's.
//!
//! Each takes any bytes, touches no file (a transfer: none outside of its folder) and returns what is wrong with them; a panic, a hang or a huge allocation is a
//! defect.

use std::path::Path;

use crate::onnx::Ports;
use crate::trust::{Keyring, Signature};
use crate::update::transfer::{
    Cargo, Courier, Dock, DockOptions, Fetch, Fetched, Next, Order, Reply, Request,
};
use crate::update::{Bundle, State};
use crate::{Result, Trust, profile, quantize};

/// An ONNX file: its inputs and outputs, its family, and its graph as the quantizer reads it.
///
/// # Errors
/// What the readers say.
pub fn onnx(data: &[u8]) -> Result<()> {
    let ports = Ports::read(data, "fuzz.onnx")?;
    let _ = ports.describe();
    let _ = profile::recognise("fuzz", "fuzz.onnx", &"0".repeat(64), &ports);
    quantize::inspect(data)
}

/// What an update brings and a Jetson says of itself: the bytes as a line of tegrastats, a store's state, a key ring, a signature, an order, and as a bundle whose names and contents
/// are separated by record separators (0x1e).
///
/// # Errors
/// What the last reader says.
pub fn update(data: &[u8]) -> Result<()> {
    let text = String::from_utf8_lossy(data);
    let _ = crate::watch::tegrastats(&text);
    let path = Path::new("fuzz");
    if let Ok(state) = State::parse(&text, path) {
        let again = State::parse(&state.to_toml(path)?, path)?;
        assert_eq!(state, again, "a state reads back as it was written");
    }
    if let Ok(ring) = Keyring::parse(&text, path) {
        assert_eq!(Keyring::parse(&ring.to_toml()?, path)?, ring, "a ring reads back as it was written");
    }
    if let Ok(signature) = Signature::parse(&text, path) {
        let _ = Keyring::default().check(data, crate::trust::Purpose::Manifest, &signature, path);
    }
    if let Ok(order) = Order::parse(data) {
        let again = Order::parse(&order.request(None).data)?;
        assert_eq!(order, again, "an order reads back as it was written");
    }
    let mut parts = data.split(|byte| *byte == 0x1e);
    let mut files = Vec::new();
    while let (Some(name), Some(bytes)) = (parts.next(), parts.next()) {
        files.push((String::from_utf8_lossy(name).into_owned(), bytes.to_vec()));
    }
    let bundle = Bundle::new(files)?;
    for (name, _) in bundle.files() {
        let mut parts = Path::new(name).components();
        assert!(
            parts.all(|part| matches!(part, std::path::Component::Normal(_))),
            "`{name}` leaves its folder"
        );
    }
    Ok(())
}

/// A host that is sent these requests one after the other. It takes models of everybody, so that they get past the first.
pub fn dock(folder: &Path, requests: &[Request]) {
    // What cannot be cleared is found by the assertion below.
    let _ = std::fs::remove_dir_all(folder);
    let (store, host) = (folder.join("store"), "robot1".to_owned());
    let options = DockOptions { store, host, trust: Trust::AllowUnsigned, gives: true };
    let Ok(mut dock) = Dock::open(options) else { return };
    for request in requests {
        let reply = dock.answer(request, 0, &mut Vec::new);
        assert!(!reply.detail.contains('\n'), "more than one line: {}", reply.detail);
    }
    stays_in("store", folder);
}

/// A courier and a fetch that are given these answers one after the other.
pub fn visitors(folder: &Path, replies: &[Reply]) {
    let _ = std::fs::remove_dir_all(folder);
    let (here, there) = (folder.join("store"), folder.join("store/model"));
    if std::fs::create_dir_all(&there).is_err() {
        return;
    }
    let manifest = format!(
        "name = \"v\"\nfile = \"net.onnx\"\nsha256 = \"{}\"\ntask = \"detection\"\norigin = \"x\"\nlabels = [\"a\"]\n[input]\n\
         name = \"x\"\nwidth = 64\nheight = 64\ncolour = \"rgb\"\n[decoder]\nkind = \"yolov8\"\nstrides = [8]\noutputs = [\"y\"]\n\
         [licence]\nspdx = \"CC0-1.0\"\n",
        crate::sha256(b"net")
    );
    let written = std::fs::write(there.join("net.onnx"), "net")
        .and_then(|()| std::fs::write(there.join("net.toml"), manifest));
    if let (Ok(()), Ok(cargo)) = (written, Cargo::read(&there.join("net.toml"))) {
        let mut courier = Courier::new(&cargo);
        for reply in replies {
            if !matches!(courier.next(reply), Ok(Next::Send(_))) {
                break;
            }
        }
    }
    let mut fetch = Fetch::new(&here, Trust::AllowUnsigned);
    let _ = fetch.list();
    for reply in replies {
        if !matches!(fetch.next(reply), Ok(Fetched::Send(_))) {
            break;
        }
    }
    stays_in("store", folder);
}

fn stays_in(name: &str, folder: &Path) {
    for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
        assert_eq!(entry.file_name(), name, "it wrote outside of its folder");
    }
    let _ = std::fs::remove_dir_all(folder);
}
