//! Orders to a running world, from other threads: pause, steps, changes of what stands where.
//!
//! The simulator asks at its [`WorldControl::gate`] before each step, and waits there while the world is paused. So a
//! paused world costs nothing, and orders take effect between two steps only, at a moment that the simulator chooses.

use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use nalgebra::Isometry3;

use crate::checkpoint::{Stateful, Tape};

/// How long a paused simulator sleeps before it looks whether it shall leave the gate.
const LOOK: Duration = Duration::from_millis(50);

/// Something to change between two steps.
#[derive(Debug, Clone, PartialEq)]
pub enum Change {
    /// Move a model, or the vehicle, which then stands still.
    SetPose {
        /// Its name.
        name: String,
        /// Its new frame, world.
        pose: Isometry3<f64>,
    },
    /// Take a model away.
    Remove {
        /// Its name.
        name: String,
    },
    /// Put a model there.
    Create {
        /// SDF text of a model.
        sdf: String,
        /// Its name, if other than in the text.
        name: Option<String>,
        /// Its frame, if other than in the text.
        pose: Option<Isometry3<f64>>,
        /// Whether another name may be chosen if this one is taken.
        rename: bool,
    },
    /// The vehicle as at the start, without a command; time goes on, and the rest of the world stays as it is.
    Reset,
}

#[derive(Debug, Default)]
struct State {
    paused: bool,
    /// While paused: simulated time up to which it may still go.
    until: i64,
    /// Steps asked for, not yet turned into `until`.
    steps: i64,
    changes: Vec<Change>,
    now: i64,
}

impl State {
    fn stands(&self, now: i64) -> bool {
        self.paused && self.steps == 0 && now >= self.until
    }
}

/// The control of one world.
#[derive(Debug, Default)]
pub struct WorldControl {
    state: Mutex<State>,
    wake: Condvar,
}

/// What the simulator is allowed and told.
#[derive(Debug, Default, PartialEq)]
pub struct Permit {
    /// The step may not go beyond this time, nanoseconds; `None` for no bound.
    pub until: Option<i64>,
    /// What to change before it.
    pub changes: Vec<Change>,
}

impl WorldControl {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Called by the simulator at `now` (nanoseconds), before a step. Returns at once while the world runs; while it is
    /// paused, when a step is allowed, something is to change, or `leave`, asked every 50 ms or more often, says yes:
    /// the program ends, or the simulator has something else to do and will come back.
    pub fn gate(&self, now: i64, step_ns: i64, leave: impl Fn() -> bool) -> Permit {
        let mut state = self.lock();
        state.now = now;
        loop {
            let changes = std::mem::take(&mut state.changes);
            if state.steps > 0 {
                state.until = state.until.max(now).saturating_add(state.steps.saturating_mul(step_ns));
                state.steps = 0;
            }
            if !state.paused {
                return Permit { until: None, changes };
            }
            if now < state.until || !changes.is_empty() || leave() {
                return Permit { until: Some(state.until), changes };
            }
            state = self.wake.wait_timeout(state, LOOK).unwrap_or_else(PoisonError::into_inner).0;
        }
    }

    /// Stops time, or lets it go on.
    pub fn pause(&self, yes: bool) {
        let mut state = self.lock();
        state.paused = yes;
        state.until = state.now;
        state.steps = 0;
        self.wake.notify_all();
    }

    /// Pauses, and lets that many physics steps pass.
    pub fn step(&self, steps: u32) {
        let mut state = self.lock();
        if !state.paused {
            state.paused = true;
            state.until = state.now;
        }
        state.steps = state.steps.saturating_add(steps.into());
        self.wake.notify_all();
    }

    /// Lets time go on to that moment (nanoseconds), and pauses there.
    pub fn run_to(&self, time_ns: i64) {
        let mut state = self.lock();
        (state.paused, state.until) = (true, time_ns);
        self.wake.notify_all();
    }

    /// Something to change before the next step.
    pub fn change(&self, change: Change) {
        self.lock().changes.push(change);
        self.wake.notify_all();
    }

    /// Whether time stands still, as of the last [`WorldControl::gate`].
    pub fn is_paused(&self) -> bool {
        let state = self.lock();
        state.stands(state.now)
    }

    /// Whether time stands still at `now` (nanoseconds), where the simulator has arrived.
    pub fn is_paused_at(&self, now: i64) -> bool {
        self.lock().stands(now)
    }
}

impl Stateful for Change {
    fn go_over(&mut self, tape: &mut Tape<'_>) {
        let number = match self {
            Self::Reset => 0,
            Self::SetPose { .. } => 1,
            Self::Remove { .. } => 2,
            Self::Create { .. } => 3,
        };
        let told = tape.tag(number, 4);
        if told != number {
            let (name, pose) = (String::new(), Isometry3::identity());
            *self = match told {
                1 => Self::SetPose { name, pose },
                2 => Self::Remove { name },
                3 => Self::Create { sdf: String::new(), name: None, pose: None, rename: false },
                _ => Self::Reset,
            };
        }
        match self {
            Self::Reset => {}
            Self::SetPose { name, pose } => {
                tape.text(name);
                tape.pose(pose);
            }
            Self::Remove { name } => tape.text(name),
            Self::Create { sdf, name, pose, rename } => {
                tape.text(sdf);
                tape.option(name, String::new, Tape::text);
                tape.option(pose, Isometry3::identity, Tape::pose);
                tape.bool(rename);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;

    const MS: i64 = 1_000_000;

    #[test]
    fn a_running_world_is_not_held_up() {
        let control = WorldControl::default();
        assert_eq!(control.gate(5, MS, || false), Permit::default());
        control.change(Change::Reset);
        assert_eq!(control.gate(6, MS, || false).changes, [Change::Reset]);
        assert!(control.gate(7, MS, || false).changes.is_empty());
    }

    #[test]
    fn a_paused_world_goes_as_many_steps_as_it_is_told() {
        let control = Arc::new(WorldControl::default());
        control.pause(true);
        assert!(control.is_paused());
        let sim = {
            let control = control.clone();
            std::thread::spawn(move || {
                let mut now = 0;
                let mut bounds = Vec::new();
                while now < 12 * MS {
                    let until = control.gate(now, MS, || false).until;
                    bounds.push(until);
                    now = until.map_or(12 * MS, |until| until.min(now + 4 * MS));
                }
                bounds
            })
        };
        std::thread::sleep(Duration::from_millis(30));
        control.step(5);
        while !control.is_paused() {
            std::thread::sleep(Duration::from_millis(1));
        }
        control.pause(false);
        assert_eq!(sim.join().unwrap(), [Some(5 * MS), Some(5 * MS), None]);
    }

    #[test]
    fn the_end_of_the_program_opens_the_gate() {
        let control = WorldControl::default();
        control.pause(true);
        assert_eq!(control.gate(3, MS, || true), Permit { until: Some(0), changes: Vec::new() });
    }
}
