//! The parent's side: children are started, heard and ended.

use std::io::{BufRead, BufReader, Write};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

use serde::de::DeserializeOwned;

use super::job::{Job, Measured, Outcome, Part};
use super::subjects::{self, Way};

/// A child that says nothing for so long has failed.
const PATIENCE: Duration = Duration::from_secs(60);

/// A running child. Killed when it is dropped, if it has not ended by itself.
pub(crate) struct Played {
    child: Child,
    input: Option<ChildStdin>,
    lines: Receiver<String>,
    what: String,
}

impl Played {
    pub fn start(part: Part, job: &Job) -> Outcome<Self> {
        let mut command = Command::new(std::env::current_exe()?);
        command.arg("frames-child").arg(serde_json::to_string(&part)?).arg(serde_json::to_string(job)?);
        Self::spawn(command, format!("{part:?} of {}", job.subject))
    }

    pub fn spawn(mut command: Command, what: String) -> Outcome<Self> {
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn()?;
        let input = child.stdin.take();
        let output = child.stdout.take().ok_or("a child without standard output")?;
        let (sender, lines) = channel();
        std::thread::spawn(move || {
            for line in BufReader::new(output).lines().map_while(Result::ok) {
                if sender.send(line).is_err() {
                    break;
                }
            }
        });
        Ok(Self { child, input, lines, what })
    }

    fn line(&mut self) -> Outcome<String> {
        Ok(self.lines.recv_timeout(PATIENCE).map_err(|_| format!("{} says nothing more", self.what))?)
    }

    /// Waits for a line that is just `word`.
    pub fn hear(&mut self, word: &str) -> Outcome {
        let line = self.line()?;
        if line == word {
            Ok(())
        } else {
            Err(format!("{} says {line:?} instead of {word}", self.what).into())
        }
    }

    /// Waits for a line of JSON.
    pub fn result<T: DeserializeOwned>(&mut self) -> Outcome<T> {
        let line = self.line()?;
        Ok(serde_json::from_str(&line).map_err(|error| format!("{} says {line:?}: {error}", self.what))?)
    }

    /// All lines of JSON that it has said and nobody heard yet; others are passed over.
    pub fn said<T: DeserializeOwned>(&mut self) -> Vec<T> {
        self.lines.try_iter().filter_map(|line| serde_json::from_str(&line).ok()).collect()
    }

    pub fn go(&mut self) -> Outcome {
        if let Some(input) = &mut self.input {
            input.write_all(b"go\n")?;
            input.flush()?;
        }
        Ok(())
    }

    /// Closes its standard input: a publisher ends.
    pub fn close(&mut self) {
        self.input = None;
    }

    /// SIGKILL, and reaps it.
    pub fn kill(&mut self) -> Outcome {
        self.child.kill()?;
        self.child.wait()?;
        Ok(())
    }

    /// Reaps it.
    pub fn end(mut self) -> Outcome {
        self.close();
        let status = self.child.wait()?;
        if status.success() { Ok(()) } else { Err(format!("{} ended with {status}", self.what).into()) }
    }
}

impl Drop for Played {
    fn drop(&mut self) {
        if !matches!(self.child.try_wait(), Ok(Some(_))) {
            let _ = self.kill();
        }
    }
}

/// Runs one job in children of its own.
pub(crate) fn measure(job: &Job) -> Outcome<Measured> {
    let way = subjects::find(&job.subject).ok_or("no such subject")?.way;
    if let Way::Python(measure) | Way::Copper(measure) = way {
        return measure(job);
    }
    if matches!(way, Way::Within(_)) {
        let mut whole = Played::start(Part::Whole, job)?;
        whole.hear("ready")?;
        let measured = whole.result()?;
        whole.end()?;
        return Ok(measured);
    }
    let mut publisher = Played::start(Part::Publisher, job)?;
    publisher.hear("ready")?;
    let mut readers: Vec<Played> =
        (0..job.readers).map(|_| Played::start(Part::Reader, job)).collect::<Outcome<_>>()?;
    readers.iter_mut().try_for_each(|reader| reader.hear("ready"))?;
    publisher.go()?;
    let published = publisher.result()?;
    let read = readers.iter_mut().map(Played::result).collect::<Outcome<_>>()?;
    readers.into_iter().try_for_each(Played::end)?;
    publisher.end()?;
    Ok(Measured { published, read })
}
