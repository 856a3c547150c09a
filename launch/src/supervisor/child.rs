//! One running child: its process group, its two streams and the thread that waits for it.

use std::{
    io::{BufRead, BufReader, Read},
    os::unix::process::CommandExt,
    process::{Child, Command, ExitStatus, Stdio},
    sync::mpsc::SyncSender,
    thread,
};

use rustix::process::{Pid, Signal, WaitId, WaitIdOptions, kill_process_group, waitid};

/// Longest line that is passed on in one piece, bytes.
const MAX_LINE: u64 = 64 * 1024;

/// What reaches the supervising thread.
#[derive(Debug)]
pub(super) enum Event {
    /// A line of a job: its number, whether from standard error, the text.
    Line(usize, bool, String),
    /// A stream of a job came to its end.
    Closed(usize),
    /// The child of a job has ended and waits to be reaped.
    Ended(usize),
    /// Somebody asks for the end with this signal.
    Stop(Signal),
}

/// A child that has not been reaped.
#[derive(Debug)]
pub(super) struct Running {
    child: Child,
    group: Pid,
}

impl Running {
    /// Starts `command` as the leader of a process group and passes its lines and its end to `events`.
    pub(super) fn start(
        command: &mut Command,
        job: usize,
        events: &SyncSender<Event>,
    ) -> std::io::Result<Self> {
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).process_group(0);
        let mut child = command.spawn()?;
        let group = Pid::from_child(&child);
        let streams: [(bool, Option<Box<dyn Read + Send>>); 2] = [
            (false, child.stdout.take().map(|stream| Box::new(stream) as Box<dyn Read + Send>)),
            (true, child.stderr.take().map(|stream| Box::new(stream) as Box<dyn Read + Send>)),
        ];
        for (error, stream) in streams {
            let events = events.clone();
            thread::spawn(move || {
                if let Some(stream) = stream {
                    pass_lines(stream, job, error, &events);
                }
                let _ = events.send(Event::Closed(job));
            });
        }
        let events = events.clone();
        thread::spawn(move || {
            // Waits without reaping: until the owner reaps it, the process id and its group stay taken.
            let options = WaitIdOptions::EXITED | WaitIdOptions::NOWAIT;
            while let Err(rustix::io::Errno::INTR) = waitid(WaitId::Pid(group), options) {}
            let _ = events.send(Event::Ended(job));
        });
        Ok(Self { child, group })
    }

    /// Sends `signal` to the whole group. A group that has just ended is no error.
    pub(super) fn signal(&self, signal: Signal) {
        let _ = kill_process_group(self.group, signal);
    }

    /// Kills what is left of the group and reaps the leader.
    pub(super) fn reap(mut self) -> std::io::Result<ExitStatus> {
        self.signal(Signal::KILL);
        self.child.wait()
    }
}

fn pass_lines(stream: Box<dyn Read + Send>, job: usize, error: bool, events: &SyncSender<Event>) {
    let mut reader = BufReader::new(stream);
    let mut line = Vec::new();
    loop {
        line.clear();
        match reader.by_ref().take(MAX_LINE).read_until(b'\n', &mut line) {
            Ok(0) | Err(_) => return,
            Ok(_) => {}
        }
        while line.last().is_some_and(|end| matches!(end, b'\n' | b'\r')) {
            line.pop();
        }
        let text = String::from_utf8_lossy(&line).into_owned();
        if events.send(Event::Line(job, error, text)).is_err() {
            return;
        }
    }
}
