//! The supervising loop.

use std::{
    fs::File,
    io::Write,
    os::unix::process::ExitStatusExt,
    process::ExitStatus,
    sync::mpsc::{Receiver, RecvTimeoutError, SyncSender},
    thread,
    time::{Duration, Instant},
};

use rustix::process::Signal;
use signal_hook::{
    consts::{SIGHUP, SIGINT, SIGTERM},
    iterator::Signals,
};

use super::{
    child::{Event, Running},
    inherit,
    options::{Job, Line, Report, SupervisorOptions},
};
use crate::error::{LaunchError, Result};

/// A child that fails at once must not keep the machine busy: no restart comes sooner than this.
const LEAST_RESPAWN_DELAY: Duration = Duration::from_millis(100);
/// How long lines may still come from streams that a runaway grandchild keeps open.
const DRAIN: Duration = Duration::from_millis(500);

#[derive(Debug)]
pub(super) struct Inbox {
    pub(super) sender: SyncSender<Event>,
    pub(super) receiver: Receiver<Event>,
}

/// A job while it is supervised.
struct Ward {
    job: Job,
    running: Option<Running>,
    log: Option<File>,
    /// When to start it again.
    restart: Option<Instant>,
    restarts: u32,
    /// The next step of bringing it down, and when.
    next_step: Option<(Instant, Signal)>,
    ended: Option<String>,
    failed: bool,
    /// Streams still open.
    open: usize,
}

struct Supervisor {
    wards: Vec<Ward>,
    options: SupervisorOptions,
    stopping: bool,
    interrupted: bool,
    spawn_error: Option<LaunchError>,
}

/// Runs `jobs` until all have ended.
///
/// # Errors
/// [`LaunchError::Spawn`] if a job could not be started (the others are then stopped), [`LaunchError::ChildFailed`] if
/// a job ended with a code other than 0, or by a signal, without having been asked to and without being started again;
/// [`LaunchError::Signals`] if the signals cannot be watched. In all cases no child is left.
pub fn run(jobs: Vec<Job>, options: SupervisorOptions) -> Result<Report> {
    inherit::hand_on_no_ignored_signal()?;
    let watch = options.watch_signals.then(|| watch_signals(&options.inbox.sender)).transpose()?;
    let wards = jobs.into_iter().map(|job| Ward::new(job, &options)).collect();
    let mut supervisor =
        Supervisor { wards, options, stopping: false, interrupted: false, spawn_error: None };
    for number in 0..supervisor.wards.len() {
        supervisor.start(number);
    }
    supervisor.watch();
    if let Some((handle, thread)) = watch {
        handle.close();
        let _ = thread.join();
    }
    supervisor.report()
}

type Watch = (signal_hook::iterator::Handle, thread::JoinHandle<()>);

fn watch_signals(events: &SyncSender<Event>) -> Result<Watch> {
    let mut signals = Signals::new([SIGINT, SIGTERM, SIGHUP])
        .map_err(|error| LaunchError::Signals { reason: error.to_string() })?;
    let (handle, events) = (signals.handle(), events.clone());
    let thread = thread::spawn(move || {
        for signal in signals.forever() {
            // A lost terminal is answered as Ctrl-C.
            let signal = if signal == SIGTERM { Signal::TERM } else { Signal::INT };
            // Never blocks for good: the supervising thread empties the channel until every child is gone.
            if events.send(Event::Stop(signal)).is_err() {
                return;
            }
        }
    });
    Ok((handle, thread))
}

impl Ward {
    fn new(job: Job, options: &SupervisorOptions) -> Self {
        let log = options.log_dir.as_ref().and_then(|directory| {
            let wanted = job.process.output != crate::plan::Output::Screen;
            wanted.then(|| File::create(directory.join(format!("{}.log", job.name.replace('/', "."))))).and_then(|file| {
                file.map_err(|error| tracing::warn!(name = job.name, %error, "no log file; lines go to the screen")).ok()
            })
        });
        Self {
            job,
            running: None,
            log,
            restart: None,
            restarts: 0,
            next_step: None,
            ended: None,
            failed: false,
            open: 0,
        }
    }
}

impl Supervisor {
    fn say(&mut self, number: usize, text: String) {
        let line = Line { name: self.wards[number].job.name.clone(), error: true, text };
        (self.options.sink)(&line);
    }

    fn start(&mut self, number: usize) {
        if self.stopping {
            return;
        }
        let ward = &mut self.wards[number];
        ward.restart = None;
        let mut command = (ward.job.command)();
        match Running::start(&mut command, number, &self.options.inbox.sender) {
            Ok(running) => {
                ward.running = Some(running);
                ward.open += 2;
            }
            Err(error) => {
                ward.failed = true;
                ward.ended = Some("could not be started".to_owned());
                self.spawn_error = Some(LaunchError::Spawn {
                    name: ward.job.name.clone(),
                    program: command.get_program().to_string_lossy().into_owned(),
                    reason: error.to_string(),
                });
                self.stop(Signal::INT);
            }
        }
    }

    fn alive(&self) -> bool {
        self.wards.iter().any(|ward| ward.running.is_some() || ward.restart.is_some())
    }

    fn watch(&mut self) {
        let mut drain = None;
        loop {
            if !self.alive() {
                let deadline = *drain.get_or_insert_with(|| Instant::now() + DRAIN);
                if Instant::now() >= deadline || self.wards.iter().all(|ward| ward.open == 0) {
                    return;
                }
            }
            let due = self.wards.iter().flat_map(|ward| [ward.restart, ward.next_step.map(|step| step.0)]);
            let due = due.chain([drain]).flatten().min();
            // Without anything due there is still a child whose end will come as an event.
            let wait =
                due.map_or(Duration::from_secs(3600), |due| due.saturating_duration_since(Instant::now()));
            match self.options.inbox.receiver.recv_timeout(wait) {
                Ok(event) => self.event(event),
                Err(RecvTimeoutError::Timeout | RecvTimeoutError::Disconnected) => {}
            }
            self.due();
        }
    }

    fn event(&mut self, event: Event) {
        match event {
            Event::Line(number, error, text) => self.line(number, error, text),
            Event::Closed(number) => self.wards[number].open = self.wards[number].open.saturating_sub(1),
            Event::Ended(number) => self.ended(number),
            Event::Stop(signal) => {
                self.interrupted = true;
                if self.stopping { self.hurry() } else { self.stop(signal) }
            }
        }
    }

    fn line(&mut self, number: usize, error: bool, text: String) {
        let ward = &mut self.wards[number];
        let screen = ward.job.to_screen(error, ward.log.is_some());
        if let Some(log) = &mut ward.log
            && let Err(problem) = writeln!(log, "{text}")
        {
            tracing::warn!(name = ward.job.name, error = %problem, "the log file cannot be written; closing it");
            ward.log = None;
        }
        if screen {
            let line = Line { name: ward.job.name.clone(), error, text };
            (self.options.sink)(&line);
        }
    }

    /// A child has ended: reap it, and start it again, bring the rest down, or go on.
    fn ended(&mut self, number: usize) {
        let stopping = self.stopping;
        let ward = &mut self.wards[number];
        let Some(running) = ward.running.take() else { return };
        ward.next_step = None;
        let status = running.reap();
        let (words, good) = match &status {
            Ok(status) => (describe(*status), status.success()),
            Err(error) => (format!("an unknown status ({error})"), false),
        };
        ward.ended = Some(words.clone());
        if stopping {
            return;
        }
        let process = &ward.job.process;
        let again = process.respawn && process.respawn_max_retries.is_none_or(|most| ward.restarts < most);
        if again {
            ward.restarts += 1;
            let delay = Duration::try_from_secs_f64(process.respawn_delay)
                .unwrap_or_default()
                .max(LEAST_RESPAWN_DELAY);
            ward.restart = Some(Instant::now() + delay);
            self.say(
                number,
                format!("ended with {words}; starting it again in {:.1} s", delay.as_secs_f64()),
            );
            return;
        }
        ward.failed = !good;
        let all_down = process.on_exit_shutdown;
        if !good {
            self.say(number, format!("ended with {words}"));
        }
        if all_down {
            self.say(number, "has ended; stopping everything, as on_exit=\"shutdown\" asks".to_owned());
            self.stop(Signal::INT);
        }
    }

    fn grace(&self, number: usize, kill: bool) -> Duration {
        let process = &self.wards[number].job.process;
        let (own, default) = if kill {
            (process.sigkill_timeout, self.options.sigkill_timeout)
        } else {
            (process.sigterm_timeout, self.options.sigterm_timeout)
        };
        own.and_then(|seconds| Duration::try_from_secs_f64(seconds).ok()).unwrap_or(default)
    }

    /// Asks every child to end, and plans the harder steps.
    fn stop(&mut self, signal: Signal) {
        self.stopping = true;
        for number in 0..self.wards.len() {
            self.wards[number].restart = None;
            self.step(number, signal);
        }
    }

    /// Sends `signal` to a child and plans the step after it.
    fn step(&mut self, number: usize, signal: Signal) {
        let after = if signal == Signal::TERM {
            Some((Instant::now() + self.grace(number, true), Signal::KILL))
        } else if signal == Signal::KILL {
            None
        } else {
            Some((Instant::now() + self.grace(number, false), Signal::TERM))
        };
        let ward = &mut self.wards[number];
        if let Some(running) = &ward.running {
            running.signal(signal);
            ward.next_step = after;
        }
    }

    /// Takes every planned step now.
    fn hurry(&mut self) {
        for number in 0..self.wards.len() {
            if let Some((_, signal)) = self.wards[number].next_step {
                self.step(number, signal);
            }
        }
    }

    fn due(&mut self) {
        let now = Instant::now();
        for number in 0..self.wards.len() {
            if self.wards[number].restart.is_some_and(|when| when <= now) {
                self.start(number);
            }
            if let Some((_, signal)) = self.wards[number].next_step.filter(|(when, _)| *when <= now) {
                let name = if signal == Signal::KILL { "SIGKILL" } else { "SIGTERM" };
                self.say(number, format!("has not ended in time; sending {name}"));
                self.step(number, signal);
            }
        }
    }

    fn report(mut self) -> Result<Report> {
        if let Some(error) = self.spawn_error.take() {
            return Err(error);
        }
        let failed: Vec<&Ward> = self.wards.iter().filter(|ward| ward.failed).collect();
        if let Some((first, others)) = failed.split_first() {
            let more: Vec<&str> = others.iter().map(|ward| ward.job.name.as_str()).collect();
            return Err(LaunchError::ChildFailed {
                name: first.job.name.clone(),
                status: first.ended.clone().unwrap_or_default(),
                more: if more.is_empty() {
                    String::new()
                } else {
                    format!(" (and so did: {})", more.join(", "))
                },
            });
        }
        let jobs = self.wards.into_iter();
        let jobs = jobs.map(|ward| (ward.job.name, ward.ended.unwrap_or_default(), ward.restarts)).collect();
        Ok(Report { jobs, interrupted: self.interrupted })
    }
}

fn describe(status: ExitStatus) -> String {
    match (status.code(), status.signal()) {
        (Some(code), _) => format!("exit code {code}"),
        (None, Some(signal)) => {
            let name = signal_hook::low_level::signal_name(signal).unwrap_or("unknown");
            format!("signal {signal} ({name})")
        }
        _ => status.to_string(),
    }
}
