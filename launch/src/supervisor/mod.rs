//! Keeps the processes of a plan alive and brings them down again.
//!
//! Invariants, which no tool checks:
//! - Every child is reaped, by the one thread that started it, and is signalled only before that: a process id cannot
//!   belong to somebody else yet.
//! - Every child leads a process group of its own. Signals go to the group, and what is left of a group when its
//!   leader ends is killed, so a wrapper script leaves nothing behind. Ctrl-C in a terminal therefore reaches the
//!   children once, through the supervisor.
//! - A child starts with the default answer to the signals that end it, also where this process ignores them, as a shell's
//!   background job ignores SIGINT: otherwise only SIGTERM would end it.
//! - A child that ends badly without having been asked to is an error in the end, also when the others went on.
//!
//! Shutdown is ros2 launch's: SIGINT (or the signal received), after a grace time SIGTERM, after another SIGKILL.
//! A second signal from outside takes the next step at once.

mod child;
mod inherit;
mod options;
mod run;

pub use options::{Job, Line, Report, Sink, Stop, SupervisorOptions, jobs, print_line};
pub use run::run;
