//! Setting the node's simulation down, and taking it up.

use std::path::{Path, PathBuf};

use super::{Config, DroneSim};
use crate::checkpoint::{Checkpoint, Stateful, Tape, refuse};
use crate::control::Change;
use crate::error::{Result, SimError};
use crate::gz::lock;
use crate::scenario::World;

/// What is to be set down, when, and under which name it may be taken up.
pub(super) struct Plan {
    file: Option<PathBuf>,
    at_ns: i64,
    identity: String,
    world: u64,
}

impl Plan {
    pub(super) fn new(config: &Config, world: &World) -> Result<Self> {
        let file = (!config.checkpoint_file.is_empty()).then(|| PathBuf::from(&config.checkpoint_file));
        let wished = file.is_some() || !config.restore.is_empty();
        if wished && !config.autopilot_kind.is_empty() {
            return Err(SimError::Parameter {
                name: "autopilot.kind",
                value: format!("\"{}\"", config.autopilot_kind),
                reason: "whose own state no checkpoint holds; leave out checkpoint.file and restore".into(),
            });
        }
        let at_ns = (config.checkpoint_at * 1e9).round() as i64;
        // Who neither sets down nor takes up need not count.
        let world = if wished { world.number() } else { 0 };
        Ok(Self { file, at_ns, identity: config.identity(), world })
    }
}

impl Plan {
    /// Whether a checkpoint is still to be made.
    pub(super) fn is_wished(&self) -> bool {
        self.file.is_some()
    }
}

/// Notes a change for a checkpoint. Where a thing stood before it was moved again does not matter, as long as the same things were
/// there: so who moves things about does not fill the memory.
pub(super) fn note(journal: &mut Vec<Change>, change: &Change) {
    if let Change::SetPose { name, .. } = change {
        let people = |c: &Change| matches!(c, Change::Create { .. } | Change::Remove { .. });
        let since = journal.iter().rposition(people).map_or(0, |last| last + 1);
        let same = |c: &Change| matches!(c, Change::SetPose { name: other, .. } if other == name);
        if let Some(before) = journal[since..].iter().position(same) {
            journal.remove(since + before);
        }
    }
    journal.push(change.clone());
}

impl DroneSim {
    /// The simulated time: where a checkpoint was taken up the clock of the runtime still stands at 0.
    pub(super) fn now(&self, clock: i64) -> i64 {
        clock.max(self.resumed_ns)
    }

    /// Before a step, when every answer to the last one has come: sets the simulation down, if it is time to.
    pub(super) fn set_down(&mut self, now: i64) -> Result<()> {
        if now < self.plan.at_ns {
            return Ok(());
        }
        let Some(file) = self.plan.file.take() else { return Ok(()) };
        let mut tape = Tape::record();
        self.go_over(&mut tape);
        let (parameters, world) = (self.plan.identity.clone(), self.plan.world);
        let made = Checkpoint { parameters, world, time_ns: now, state: tape.into_bytes() };
        made.write(&file)?;
        tracing::info!("checkpoint of {:.3} s in {}", now as f64 * 1e-9, file.display());
        Ok(())
    }

    /// Takes the simulation up from a file.
    pub(super) fn take_up(&mut self, file: &Path) -> Result<()> {
        let read = Checkpoint::read(file)?;
        read.belongs(file, &self.plan.identity, self.plan.world)?;
        let mut tape = Tape::play(&read.state);
        self.go_over(&mut tape);
        tape.end().map_err(|fault| refuse(file, &fault))?;
        self.resumed_ns = read.time_ns;
        if let Some(gz) = &mut self.gz {
            gz.resume(read.time_ns, self.flight.world());
        }
        tracing::info!("goes on from {:.3} s out of {}", read.time_ns as f64 * 1e-9, file.display());
        Ok(())
    }
}

impl Stateful for DroneSim {
    fn go_over(&mut self, tape: &mut Tape<'_>) {
        tape.list(&mut self.journal, || Change::Reset, |tape, change| change.go_over(tape));
        if tape.is_playing() {
            // The world must hold what it held before its state is played into it.
            for change in self.journal.clone() {
                crate::gz::apply(&mut self.flight, &self.craft, change);
            }
        }
        self.flight.go_over(tape);
        let rates = &mut self.rates;
        for rate in [&mut rates.color, &mut rates.depth, &mut rates.imu, &mut rates.odom, &mut rates.goal] {
            rate.go_over(tape);
        }
        tape.u32(&mut self.told_contacts);
        tape.bool(&mut self.over);
        self.suite.go_over(tape);
        self.drives.go_over(tape);
        self.told.go_over(tape);
        lock(&self.inbox).go_over(tape);
    }
}

#[cfg(test)]
mod tests {
    use nalgebra::Isometry3;

    use super::*;

    #[test]
    fn a_journal_grows_with_what_comes_and_goes_alone() {
        let put = |name: &str, x: f64| Change::SetPose {
            name: name.into(),
            pose: Isometry3::translation(x, 0.0, 0.0),
        };
        let gone = Change::Remove { name: "c".into() };
        let mut journal = Vec::new();
        for step in 0..1000 {
            note(&mut journal, &put("a", f64::from(step)));
            note(&mut journal, &put("b", f64::from(step)));
        }
        assert_eq!(journal, [put("a", 999.0), put("b", 999.0)]);
        note(&mut journal, &gone);
        note(&mut journal, &put("a", 5.0));
        note(&mut journal, &put("a", 6.0));
        // What was before somebody went stays: the name may have been another's.
        assert_eq!(journal, [put("a", 999.0), put("b", 999.0), gone, put("a", 6.0)]);
    }
}
