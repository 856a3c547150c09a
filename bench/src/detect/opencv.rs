//! The peer of our pre-processing: the same work as OpenCV users write it, on one thread, in a Python process that is
//! asked for one frame at a time, so that both meet the same moments of the machine.

use std::error::Error;
use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use super::subjects::Subject;

const SCRIPT: &str = include_str!("opencv.py");

/// The interpreter that has OpenCV: what the option says, else the benchmark's own environment.
pub(super) fn python(option: Option<&Path>) -> Option<PathBuf> {
    let own = Path::new(env!("CARGO_MANIFEST_DIR")).join("../.venv/bench/bin/python");
    option.map(Path::to_owned).or_else(|| Some(own).filter(|path| path.is_file()))
}

/// A Python process that is ended with its owner.
struct Peer {
    child: Child,
    stdin: ChildStdin,
    stdout: BufReader<ChildStdout>,
}

impl Drop for Peer {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The time of OpenCV for one frame of `format` ("rgb" or "nv12"), and its version.
pub(super) fn subject(
    name: &'static str,
    python: &Path,
    format: &str,
) -> Result<(Subject, String), Box<dyn Error>> {
    let mut child = Command::new(python)
        .args(["-c", SCRIPT, format])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .map_err(|error| format!("{} does not start: {error}", python.display()))?;
    let pipes = child.stdin.take().zip(child.stdout.take());
    let (stdin, stdout) = pipes.ok_or("the Python process has no pipes")?;
    let mut peer = Peer { child, stdin, stdout: BufReader::new(stdout) };
    let mut line = String::new();
    peer.stdout.read_line(&mut line)?;
    let version = line.trim().to_owned();
    if version.is_empty() {
        return Err(format!(
            "{} cannot import cv2 and numpy; `cargo xtask bench-python` installs them into .venv/bench",
            python.display()
        )
        .into());
    }
    let call = Box::new(move || -> Result<[u64; 4], Box<dyn Error>> {
        peer.stdin.write_all(b"go\n")?;
        peer.stdin.flush()?;
        let mut line = String::new();
        peer.stdout.read_line(&mut line)?;
        let nanoseconds: u64 = line.trim().parse()?;
        Ok([nanoseconds, 0, 0, 0])
    });
    Ok((Subject { name, staged: false, call }, version))
}
