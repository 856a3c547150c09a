//! A peer in a Python process that answers JSON lines.

use std::error::Error;
use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use peregrine_render::Camera;
use serde_json::{Value, json};

use crate::python;
use crate::scene::Stage;

pub(super) struct Peer {
    pub name: &'static str,
    pub version: String,
    child: Child,
    to: ChildStdin,
    from: BufReader<ChildStdout>,
}

impl Peer {
    /// Starts it and hands it the scene.
    pub fn start(
        name: &'static str,
        interpreter: &Path,
        stage: &Stage,
        camera: Camera,
    ) -> Result<Self, Box<dyn Error>> {
        let mut child = Command::new(interpreter)
            .arg(python::script(name))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .map_err(|e| format!("cannot start {}: {e}", interpreter.display()))?;
        let to = child.stdin.take().ok_or("no standard input")?;
        let from = BufReader::new(child.stdout.take().ok_or("no standard output")?);
        let mut peer = Self { name, version: String::new(), child, to, from };
        let fovy = 2.0 * (f64::from(camera.height) / 2.0 / camera.fy).atan().to_degrees();
        let scene = json!({"width": camera.width, "height": camera.height, "fovy_deg": fovy, "objects": stage.objects});
        let answer = peer.ask(&json!({"do": "scene", "scene": scene}))?;
        peer.version = answer["version"].as_str().unwrap_or("").to_owned();
        Ok(peer)
    }

    /// One question, one answer.
    pub fn ask(&mut self, question: &Value) -> Result<Value, Box<dyn Error>> {
        writeln!(self.to, "{question}")?;
        self.to.flush()?;
        let mut line = String::new();
        if self.from.read_line(&mut line)? == 0 {
            return Err("it ended; is its module installed?".into());
        }
        let answer: Value = serde_json::from_str(&line)?;
        match answer["error"].as_str() {
            Some(cause) => Err(cause.into()),
            None => Ok(answer),
        }
    }
}

impl Drop for Peer {
    fn drop(&mut self) {
        // Its own process alone; it may have ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
