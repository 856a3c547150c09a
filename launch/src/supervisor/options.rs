//! What is supervised, and how.

use std::{
    fmt,
    io::Write,
    path::PathBuf,
    process::Command,
    sync::mpsc::{SyncSender, sync_channel},
    time::Duration,
};

use super::{child::Event, run::Inbox};
use crate::plan::{LaunchPlan, Output, ProcessOptions, Unit};

/// A process to supervise.
pub struct Job {
    /// What its lines are marked with.
    pub name: String,
    /// Makes the command, anew for each start. Its standard streams and process group are set by the supervisor.
    pub command: Box<dyn FnMut() -> Command + Send>,
    /// Environment, restarts, output.
    pub process: ProcessOptions,
}

impl fmt::Debug for Job {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("Job")
            .field("name", &self.name)
            .field("process", &self.process)
            .finish_non_exhaustive()
    }
}

/// One line that a child printed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Line {
    /// The job's name.
    pub name: String,
    /// Whether it came from standard error, or from the supervisor itself about this job.
    pub error: bool,
    /// The text without its end. Bytes that are not UTF-8 are replaced; a line of more than 64 KiB is broken.
    pub text: String,
}

/// Takes the lines meant for the screen.
pub type Sink = Box<dyn FnMut(&Line) + Send>;

/// How everything is supervised.
pub struct SupervisorOptions {
    /// From SIGINT to SIGTERM, where a node does not say.
    pub sigterm_timeout: Duration,
    /// From SIGTERM to SIGKILL, where a node does not say.
    pub sigkill_timeout: Duration,
    /// Where `output="log"` and `"both"` write, one `NAME.log` each; `None` shows everything on the screen.
    pub log_dir: Option<PathBuf>,
    /// Watch SIGINT, SIGTERM and SIGHUP of this process. Off in tests, which use [`Stop`].
    pub watch_signals: bool,
    /// Takes the lines for the screen; [`print_line`] marks and prints them.
    pub sink: Sink,
    pub(super) inbox: Inbox,
}

impl Default for SupervisorOptions {
    fn default() -> Self {
        let (sender, receiver) = sync_channel(1024);
        Self {
            sigterm_timeout: Duration::from_secs(5),
            sigkill_timeout: Duration::from_secs(5),
            log_dir: None,
            watch_signals: true,
            sink: Box::new(print_line),
            inbox: Inbox { sender, receiver },
        }
    }
}

impl SupervisorOptions {
    /// A handle that ends the supervision from another thread.
    #[must_use]
    pub fn stop(&self) -> Stop {
        Stop(self.inbox.sender.clone())
    }
}

/// Ends the supervision: the first call as SIGINT would, each further one takes the next step at once.
#[derive(Clone, Debug)]
pub struct Stop(SyncSender<Event>);

impl Stop {
    /// Asks for the end. Without effect when it has come already.
    pub fn stop(&self) {
        let _ = self.0.send(Event::Stop(rustix::process::Signal::INT));
    }
}

/// What happened.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct Report {
    /// Each job's name, how it ended last, and how often it was started again, in the order of the jobs.
    pub jobs: Vec<(String, String, u32)>,
    /// Whether a signal or [`Stop`] ended it.
    pub interrupted: bool,
}

/// Prints `[name] text`, to standard error what came from there. A closed terminal is no reason to fail.
pub fn print_line(line: &Line) {
    let text = format!("[{}] {}\n", line.name, line.text);
    let _ = if line.error {
        std::io::stderr().lock().write_all(text.as_bytes())
    } else {
        std::io::stdout().lock().write_all(text.as_bytes())
    };
}

/// The jobs of `plan`: one per container and one per node outside of any. `build` says which command runs a unit; the
/// plan's prefix, environment and directory are added to it.
pub fn jobs<'a>(plan: &'a LaunchPlan, mut build: impl FnMut(&Unit<'a>) -> Command) -> Vec<Job> {
    plan.units()
        .iter()
        .map(|unit| {
            let built = build(unit);
            let mut words: Vec<std::ffi::OsString> = unit.process.prefix.iter().map(Into::into).collect();
            words.push(built.get_program().to_owned());
            words.extend(built.get_args().map(ToOwned::to_owned));
            let mut env: Vec<_> = built
                .get_envs()
                .map(|(name, value)| (name.to_owned(), value.map(ToOwned::to_owned)))
                .collect();
            env.extend(
                unit.process.env.iter().map(|(name, value)| (name.into(), value.as_ref().map(Into::into))),
            );
            let directory = unit.process.cwd.clone().map(PathBuf::from);
            let directory = directory.or_else(|| built.get_current_dir().map(ToOwned::to_owned));
            let command = move || {
                let mut command = Command::new(&words[0]);
                command.args(&words[1..]);
                for (name, value) in &env {
                    match value {
                        Some(value) => command.env(name, value),
                        None => command.env_remove(name),
                    };
                }
                if let Some(directory) = &directory {
                    command.current_dir(directory);
                }
                command
            };
            Job { name: unit.name.clone(), command: Box::new(command), process: unit.process.clone() }
        })
        .collect()
}

impl Job {
    pub(super) fn to_screen(&self, error: bool, logging: bool) -> bool {
        !logging || error || self.process.output != Output::Log
    }
}
