//! The list of subjects.

use super::copper;
use super::drive::Sender;
use super::job::{Job, Measured, Outcome};
use super::peers::{Ready, channels, fused, iceoryx, ours, zenoh_shm};
use super::python;
use super::record::Recorder;

/// Ours across processes; the reference of every ratio.
pub(super) const OURS: &str = "peregrine";
/// The two ways that a reader of iceoryx2 can sleep: the better one counts.
pub(super) const ICEORYX: [&str; 2] = ["iceoryx2 Listener", "iceoryx2 WaitSet"];
pub(super) const ZENOH: &str = "zenoh SHM";
pub(super) const OURS_THREAD: &str = "peregrine, threads";
pub(super) const FLUME: &str = "flume, threads";
pub(super) const OURS_FUSED: &str = "peregrine, fused";
pub(super) const COPPER_FUSED: &str = "copper-rs, fused";

type Publish = fn(&Job) -> Outcome<Box<dyn Sender>>;
type ReadUntilOver = fn(&Job, Recorder, Ready<'_>) -> Outcome<Recorder>;

/// How a subject is run.
#[derive(Clone, Copy)]
pub(super) enum Way {
    /// A publisher and readers, each a process.
    Across { publish: Publish, read: ReadUntilOver },
    /// All in one process.
    Within(fn(&Job) -> Outcome<Measured>),
    /// Programs in Python, which the parent starts itself.
    Python(fn(&Job) -> Outcome<Measured>),
    /// A program of its own crate, likewise.
    Copper(fn(&Job) -> Outcome<Measured>),
}

#[derive(Clone, Copy)]
pub(super) struct Subject {
    pub name: &'static str,
    pub way: Way,
}

const ALL: [Subject; 13] = [
    Subject { name: OURS, way: Way::Across { publish: ours::publish, read: ours::read } },
    Subject {
        name: ICEORYX[0],
        way: Way::Across { publish: iceoryx::publish, read: iceoryx::read_listener },
    },
    Subject { name: ICEORYX[1], way: Way::Across { publish: iceoryx::publish, read: iceoryx::read_waitset } },
    Subject { name: ZENOH, way: Way::Across { publish: zenoh_shm::publish, read: zenoh_shm::read } },
    Subject { name: OURS_THREAD, way: Way::Within(ours::thread) },
    Subject { name: FLUME, way: Way::Within(channels::flume) },
    Subject { name: "ArrayQueue + futex, threads", way: Way::Within(channels::array_queue) },
    Subject { name: "tokio broadcast, thread", way: Way::Within(channels::tokio_thread) },
    Subject { name: "tokio broadcast, task", way: Way::Within(channels::tokio_task) },
    Subject { name: OURS_FUSED, way: Way::Within(fused::fused) },
    Subject { name: COPPER_FUSED, way: Way::Copper(copper::fused) },
    Subject { name: "dora, Python", way: Way::Python(python::dora) },
    Subject { name: "Fast DDS tuned, rclpy", way: Way::Python(python::ros) },
];

/// Those that cross processes.
pub(super) fn across() -> impl Iterator<Item = Subject> {
    ALL.into_iter().filter(|subject| matches!(subject.way, Way::Across { .. }))
}

/// Those that need Python and its wheels.
pub(super) fn pythons() -> impl Iterator<Item = Subject> {
    ALL.into_iter().filter(|subject| matches!(subject.way, Way::Python(_)))
}

/// Those that are measured only when asked for. What becomes of them is no error of this program.
pub(super) fn is_guest(name: &str) -> bool {
    find(name).is_some_and(|subject| matches!(subject.way, Way::Python(_) | Way::Copper(_)))
}

/// Those that hand frames on by a call, on one thread.
pub(super) fn fused(with_copper: bool) -> impl Iterator<Item = &'static str> {
    [OURS_FUSED].into_iter().chain(with_copper.then_some(COPPER_FUSED))
}

/// Those that were not asked for, and the switch that does.
pub(super) fn left_out(
    with_python: bool,
    with_copper: bool,
) -> impl Iterator<Item = (&'static str, &'static str)> {
    ALL.into_iter().filter_map(move |subject| match subject.way {
        Way::Python(_) if !with_python => Some((subject.name, "--with-python")),
        Way::Copper(_) if !with_copper => Some((subject.name, "--with-copper")),
        _ => None,
    })
}

/// Those that hand frames to another thread of their process.
pub(super) fn threads() -> impl Iterator<Item = Subject> {
    ALL.into_iter().filter(|subject| matches!(subject.way, Way::Within(_)) && subject.name != OURS_FUSED)
}

pub(super) fn find(name: &str) -> Option<Subject> {
    ALL.into_iter().find(|subject| subject.name == name)
}
