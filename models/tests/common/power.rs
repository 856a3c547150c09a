//! Cutting the power at a step: a process of its own stands still there, and is killed. And small models for it that nothing
//! loads.

use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use peregrine_models::sha256;

const ROOT: &str = "PEREGRINE_TEST_ROOT";
const DIES: &str = "PEREGRINE_TEST_DIES_AT";

/// What is called before each step.
pub type Step = Box<dyn FnMut(&'static str) + Send>;

/// In the child: its folder, and the steps, one of which it never comes past. `None` in a process that nobody means to kill.
pub fn victim() -> Option<(PathBuf, Step)> {
    let (root, dies) = (std::env::var_os(ROOT)?, std::env::var(DIES).ok()?);
    let (mut at, dies) = (0, dies.parse::<usize>().unwrap());
    let step = Box::new(move |what: &'static str| {
        if at == dies {
            println!("STEP {what}");
            loop {
                std::thread::park();
            }
        }
        at += 1;
    });
    Some((PathBuf::from(root), step))
}

/// At the end of the child.
pub fn through() {
    println!("STEP through");
}

/// Runs the test `child` of this binary in `root` and kills it at its step number `dies`; which one that was, or `through`.
pub fn cut(child: &str, root: &Path, dies: usize) -> String {
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", child, "--nocapture"])
        .env(ROOT, root)
        .env(DIES, dies.to_string())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let lines = BufReader::new(child.stdout.take().unwrap()).lines().map(Result::unwrap);
    // libtest writes the name of the test in front of what the test prints first.
    let reached = lines.filter_map(|l| l.split_once("STEP ").map(|(_, step)| step.to_owned())).next();
    child.kill().unwrap();
    child.wait().unwrap();
    reached.expect("the child says where it is")
}

/// The labels of such a model, `labels.txt`.
pub const LABELS: &[u8] = b"person\ncar\n";

/// Its manifest, for the weights `net.onnx` and some notices.
pub fn manifest(version: u64, weights: &[u8], notices: &[&str]) -> String {
    format!(
        "name = \"v{version}\"\nfile = \"net.onnx\"\nsha256 = \"{}\"\ntask = \"detection\"\norigin = \"made up\"\n\
         labels_file = \"labels.txt\"\nlabels_sha256 = \"{}\"\n[input]\nname = \"x\"\nwidth = 64\nheight = 64\n\
         colour = \"rgb\"\n[decoder]\nkind = \"yolov8\"\nstrides = [8]\noutputs = [\"y\"]\n[licence]\nspdx = \"CC0-1.0\"\n\
         notices = {notices:?}\n",
        sha256(weights),
        sha256(LABELS)
    )
}
