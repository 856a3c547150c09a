//! Running the real program. Each test file uses a part of this.

#![allow(dead_code, reason = "each test file uses a part")]

use std::path::PathBuf;
use std::process::{Child, Command, Output};
use std::time::{Duration, Instant};

/// The program under test, alone in its ROS domain and without the user's ONNX Runtime unless the test asks for it.
pub fn peregrine() -> Command {
    peregrine_at("17447")
}

/// The same, meeting others at that port, and on a frame bus that goes with the port: tests that run side by side must
/// not read each other's cameras.
pub fn peregrine_at(port: &str) -> Command {
    let runtime = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(format!("runtime-{port}"));
    std::fs::create_dir_all(&runtime).unwrap();
    let mut command = Command::new(env!("CARGO_BIN_EXE_peregrine"));
    command.env("PEREGRINE_ZENOH_PORT", port).env("XDG_RUNTIME_DIR", runtime);
    // Peers of these tests read pictures over the network: they are let out on purpose. tests/private.rs is about the default.
    command.env("PEREGRINE_EXPORT", "*");
    command.env_remove("PEREGRINE_LOG").env_remove("RUST_BACKTRACE").env_remove("ROS_DOMAIN_ID");
    command
}

/// Runs to the end.
pub fn run(args: &[&str]) -> Output {
    peregrine().args(args).output().unwrap()
}

/// Standard output as text.
pub fn stdout(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned()
}

/// Standard error as text.
pub fn stderr(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

/// The repository's root.
pub fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).parent().unwrap().to_path_buf()
}

/// Stopped (SIGINT, as Ctrl-C would) and reaped when the test ends, however it ends.
pub struct Running(pub Child);

impl Drop for Running {
    fn drop(&mut self) {
        let pid = i32::try_from(self.0.id()).unwrap();
        let pid = rustix::process::Pid::from_raw(pid).unwrap();
        let _ = rustix::process::kill_process(pid, rustix::process::Signal::INT);
        let deadline = Instant::now() + Duration::from_secs(20);
        while Instant::now() < deadline {
            if self.0.try_wait().unwrap().is_some() {
                return;
            }
            std::thread::sleep(Duration::from_millis(50));
        }
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Asks until the answer is there: processes need their time to find each other.
pub fn until<T>(what: &str, mut ask: impl FnMut() -> Option<T>) -> T {
    let deadline = Instant::now() + Duration::from_secs(60);
    loop {
        if let Some(answer) = ask() {
            return answer;
        }
        assert!(Instant::now() < deadline, "{what} did not happen in 60 s");
        std::thread::sleep(Duration::from_millis(200));
    }
}
