//! `model rollout`: a model to a fleet in stages; it stops by itself and takes back what it brought.

use std::path::PathBuf;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use peregrine_models::trust::SecretKey;
use peregrine_models::update::rollout::{Demands, Health, Judgement, Outcome, Rollout, Row};
use peregrine_models::update::transfer::{Cargo, Order, Reply, Request};
use serde_json::json;

use super::args;
use super::hosts::{Host, Hosts};
use super::push::{Pace, bring, read};
use crate::error::{Error, Result};

/// Between two looks at a host that is not settled: at first, and at last.
const LOOK: (Duration, Duration) = (Duration::from_millis(50), Duration::from_secs(1));

pub fn run(args: &args::Rollout) -> Result {
    let (model, standing) = read(&args.manifest, args.allow_unsigned)?;
    let cargo = Cargo::read(&args.manifest)?;
    // Read before anything begins: a rollout that cannot be taken back is not worth beginning.
    let key = args.key.as_deref().map(SecretKey::read).transpose()?;
    let hosts = Hosts::open()?;
    let leader = Leader { args, cargo: &cargo, key, file: state_file(args, cargo.id())? };
    leader.tell(&format!("{} ({}), {}", model.manifest.name, &cargo.id()[..12], standing.describe()));
    let outcome = leader.lead(&hosts);
    hosts.close();
    outcome
}

fn state_file(args: &args::Rollout, id: &str) -> Result<PathBuf> {
    if let Some(file) = &args.state {
        return Ok(file.clone());
    }
    let set = |name: &str| std::env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    let state = set("XDG_STATE_HOME").or_else(|| set("HOME").map(|home| home.join(".local/state")));
    let folder = state.ok_or_else(|| Error::Argument {
        what: "--state",
        value: "nothing".into(),
        why: "neither XDG_STATE_HOME nor HOME is set; name the file that the rollout is kept in".into(),
    })?;
    Ok(folder.join("peregrine/rollouts").join(format!("{}.json", &id[..16])))
}

struct Leader<'a> {
    args: &'a args::Rollout,
    cargo: &'a Cargo,
    /// Signs orders.
    key: Option<SecretKey>,
    file: PathBuf,
}

impl Leader<'_> {
    fn lead(&self, hosts: &Hosts) -> Result {
        let there = hosts.find(&self.args.fleet)?;
        let mut rollout = self.begin(&there)?;
        let why = loop {
            match rollout.judge() {
                Judgement::Wait => self.stage(hosts, &there, &mut rollout)?,
                Judgement::Next => {
                    self.keep(&rollout)?;
                    self.say(rollout.table().iter().rev().nth(1));
                }
                Judgement::Done => {
                    self.say(rollout.table().last());
                    break None;
                }
                Judgement::Stop(why) => break Some(why),
            }
        };
        if let Some(why) = &why {
            self.keep(&rollout)?;
            eprintln!("stopped: {why}");
            self.take_back(hosts, &there, &mut rollout)?;
        }
        self.report(&rollout, why.as_deref());
        match why {
            // It is over: the next rollout of this model begins anew.
            None => std::fs::remove_file(&self.file).map_err(Error::file("remove", &self.file)),
            Some(mut why) => {
                let left = rollout.holders().len();
                if left > 0 {
                    why.push_str(&format!(
                        "; {left} of its hosts may still have the model, run the command again"
                    ));
                }
                Err(Error::RolloutStopped { why, file: self.file.clone() })
            }
        }
    }

    /// Anew, or where one that was cut stopped.
    fn begin(&self, there: &[Host]) -> Result<Rollout> {
        if self.file.is_file() {
            let text = std::fs::read_to_string(&self.file).map_err(Error::file("read", &self.file))?;
            let rollout = Rollout::parse(&text)?;
            if rollout.model != self.cargo.id() {
                let why =
                    format!("it keeps the rollout of another model ({}); name another file", rollout.model);
                return Err(Error::Argument { what: "--state", value: self.file.display().to_string(), why });
            }
            let settled = rollout.hosts.iter().filter(|host| host.outcome.is_some()).count();
            self.tell(&format!(
                "goes on at stage {} with {settled} of {} hosts settled",
                rollout.stage + 1,
                rollout.hosts.len()
            ));
            return Ok(rollout);
        }
        let names: Vec<String> = there.iter().map(|host| host.name.clone()).collect();
        let rollout =
            Rollout::new(self.cargo.id(), &names, &self.args.stages, self.demands(), self.args.seed)?;
        self.tell(&format!("{} hosts in {} stages", rollout.hosts.len(), self.args.stages.len()));
        self.keep(&rollout)?;
        Ok(rollout)
    }

    /// On disk before anything follows from it.
    fn keep(&self, rollout: &Rollout) -> Result {
        if let Some(folder) = self.file.parent().filter(|folder| !folder.as_os_str().is_empty()) {
            std::fs::create_dir_all(folder).map_err(Error::file("create", folder))?;
        }
        Ok(peregrine_models::update::write_whole(&self.file, rollout.to_json()?.as_bytes())?)
    }

    /// Brings the model to the open hosts of the stage, and waits until each is settled or the stage cannot go well any more.
    fn stage(&self, hosts: &Hosts, there: &[Host], rollout: &mut Rollout) -> Result {
        let open = rollout.open();
        let (next, stage) = (AtomicUsize::new(0), rollout.stage);
        let shared = Mutex::new((rollout, None::<Error>));
        let over = || {
            let mut lock = shared.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
            // A stage that others have ended is nobody's to go on with.
            lock.1.is_some() || matches!(lock.0.judge(), Judgement::Stop(_)) || lock.0.stage != stage
        };
        let note = |index: usize, edit: &dyn Fn(&mut peregrine_models::update::rollout::Host)| {
            let mut lock = shared.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
            edit(&mut lock.0.hosts[index]);
            if let Err(error) = self.keep(lock.0) {
                lock.1 = Some(error);
            }
        };
        std::thread::scope(|scope| {
            for _ in 0..usize::from(self.args.parallel).min(open.len()) {
                scope.spawn(|| {
                    let mut own = hosts.clone();
                    while let Some(index) = open.get(next.fetch_add(1, Ordering::Relaxed)).copied() {
                        let (name, before) = {
                            let lock = shared.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
                            (lock.0.hosts[index].name.clone(), lock.0.hosts[index].before)
                        };
                        if over() {
                            return;
                        }
                        let Some(host) = there.iter().find(|host| host.name == name) else {
                            let gone = Outcome::Missing("it is not on the network any more".to_owned());
                            note(index, &|h| h.outcome = Some(gone.clone()));
                            continue;
                        };
                        let outcome = self.serve(&mut own, host, before, &over, &|edit| note(index, edit));
                        if let Some((outcome, after)) = outcome {
                            note(index, &|h| {
                                h.outcome = Some(outcome.clone());
                                h.after = after.or(h.after);
                            });
                        }
                    }
                });
            }
        });
        match shared.into_inner().unwrap_or_else(std::sync::PoisonError::into_inner).1 {
            Some(error) => Err(error),
            None => Ok(()),
        }
    }

    /// One host from its state before to its outcome; `None` when the stage ended meanwhile.
    #[allow(clippy::type_complexity, reason = "two callbacks of one caller")]
    fn serve(
        &self,
        hosts: &mut Hosts,
        host: &Host,
        before: Option<Health>,
        over: &dyn Fn() -> bool,
        note: &dyn Fn(&dyn Fn(&mut peregrine_models::update::rollout::Host)),
    ) -> Option<(Outcome, Option<Health>)> {
        let patience = Duration::from_secs_f64(self.args.patience);
        let before = match before {
            Some(before) => before,
            None => match hosts.ask(host, Request::info()) {
                Ok(reply) => {
                    let health = Health::read(|key| reply.value(key));
                    note(&|h| h.before = Some(health));
                    health
                }
                Err(error) => return Some((Outcome::Missing(error.to_string()), None)),
            },
        };
        note(&|h| h.sent = true);
        if let Err(error) =
            bring(hosts, host, self.cargo, patience, Pace::new(self.args.rate), &mut |_, _| ())
        {
            // A host that says no has not taken it: that is as if it had rolled it back.
            let says_no = matches!(error, Error::Models(_));
            let text = error.to_string();
            return Some((if says_no { Outcome::RolledBack(text) } else { Outcome::Missing(text) }, None));
        }
        let (begun, limit) = (Instant::now(), Duration::from_secs_f64(self.args.settle));
        let observe = Duration::from_secs_f64(self.args.observe);
        let mut kept: Option<Kept> = None;
        let mut pause = LOOK.0;
        loop {
            if over() {
                return None;
            }
            let last = match hosts.ask(host, Request::info()) {
                Ok(reply) => {
                    let after = Health::read(|key| reply.value(key));
                    if let Some(why) = self.given_up(&reply) {
                        return Some((Outcome::RolledBack(why), Some(after)));
                    }
                    if reply.value("active") == Some(self.cargo.id()) {
                        if let Some(why) = after.worse_than(&before, &self.demands()) {
                            return Some((Outcome::Degraded(why), Some(after)));
                        }
                        let heard = reply.value("detector_heard") != Some("false");
                        let kept = kept.get_or_insert_with(|| Kept::new(Instant::now(), after.results));
                        match kept.look(Instant::now(), heard, after.results, observe) {
                            Some(true) => return Some((Outcome::Kept, Some(after))),
                            Some(false) => {
                                let why = format!("its detector has been silent for {} s", SILENCE.as_secs());
                                return Some((Outcome::Degraded(why), Some(after)));
                            }
                            None => {}
                        }
                    }
                    let update = reply.value("update").unwrap_or("unknown");
                    match (&kept, reply.value("detector_heard")) {
                        (_, Some("false")) => "its detector is silent".to_owned(),
                        (Some(_), _) => "it keeps the model and no image is seen to be answered".to_owned(),
                        (None, _) => format!("its update is at `{update}`"),
                    }
                }
                Err(error) => {
                    hosts.reopen();
                    error.to_string()
                }
            };
            if begun.elapsed() > limit {
                let why = format!("not settled after {:.0} s: {last}", limit.as_secs_f64());
                return Some((Outcome::Missing(why), None));
            }
            std::thread::sleep(pause);
            pause = (pause * 2).min(LOOK.1);
        }
    }

    fn demands(&self) -> Demands {
        let args = self.args;
        Demands {
            bad: args.max_bad,
            missing: args.max_missing,
            errors: args.max_errors,
            slowdown: args.max_slowdown,
            drift: args.max_drift,
        }
    }

    /// Why a host has given the model up, if it has.
    fn given_up(&self, reply: &Reply) -> Option<String> {
        let bad = reply.value("rolled_back")?.split(' ').any(|id| id == self.cargo.id());
        bad.then(|| reply.value("last_step").unwrap_or("it was rolled back").to_owned())
    }

    /// To give the model up, for one host and once.
    fn order(&self, host: &Host) -> Request {
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        let number = u64::try_from(since.as_millis()).unwrap_or(u64::MAX);
        let order = Order { host: host.name.clone(), give_up: self.cargo.id().to_owned(), number };
        order.request(self.key.as_ref())
    }

    /// From every host that has the model, or may have.
    fn take_back(&self, hosts: &Hosts, there: &[Host], rollout: &mut Rollout) -> Result {
        let mut hosts = hosts.clone();
        let holders = rollout.holders();
        for index in &holders {
            let Some(host) = there.iter().find(|host| host.name == rollout.hosts[*index].name) else {
                let name = &rollout.hosts[*index].name;
                eprintln!(
                    "{name}: it is not there and may still have the model; run the command again when it is"
                );
                continue;
            };
            match hosts.ask(host, self.order(host)) {
                Ok(reply) if reply.accepted().is_ok() => rollout.hosts[*index].reverted = true,
                Ok(reply) => eprintln!("{}: {}", host.name, reply.detail),
                Err(error) => {
                    eprintln!("{}: {error}", host.name);
                    hosts.reopen();
                }
            }
            self.keep(rollout)?;
        }
        // Told is not done: the hosts are looked at until none of them runs it.
        let until = Instant::now() + Duration::from_secs_f64(self.args.settle);
        let mut left: Vec<usize> =
            holders.into_iter().filter(|index| rollout.hosts[*index].reverted).collect();
        while !left.is_empty() && Instant::now() < until {
            left.retain(|index| {
                let host = there.iter().find(|host| host.name == rollout.hosts[*index].name);
                let reply = host.and_then(|host| hosts.ask(host, Request::info()).ok());
                let runs = |key: &str| reply.as_ref().and_then(|r| r.value(key)) == Some(self.cargo.id());
                reply.is_none() || runs("active") || runs("trial") || runs("waiting")
            });
            if !left.is_empty() {
                std::thread::sleep(4 * LOOK.0);
            }
        }
        for index in left {
            rollout.hosts[index].reverted = false;
            eprintln!("{}: it still has the model; run the command again", rollout.hosts[index].name);
        }
        self.keep(rollout)
    }

    fn say(&self, row: Option<&Row>) {
        if let Some(row) = row {
            let share = 100.0 * row.share;
            self.tell(&format!(
                "stage {} ({share:.0} %): {} of {} hosts keep it",
                row.stage, row.kept, row.hosts
            ));
        }
    }

    /// On the way, for people; beside JSON it does not stand in its way.
    fn tell(&self, text: &str) {
        if self.args.json { eprintln!("{text}") } else { println!("{text}") }
    }

    fn report(&self, rollout: &Rollout, why: Option<&str>) {
        let table = rollout.table();
        if self.args.json {
            let hosts: Vec<_> = rollout.hosts.iter().filter(|host| host.outcome.is_some()).collect();
            println!(
                "{:#}",
                json!({"model": rollout.model, "stopped": why, "stages": table, "hosts": hosts})
            );
            return;
        }
        println!(
            "{:>5} {:>6} {:>6} {:>6} {:>12} {:>9} {:>8} {:>9} {:>8} {:>15} {:>6}",
            "stage",
            "share",
            "hosts",
            "kept",
            "rolled back",
            "degraded",
            "missing",
            "reverted",
            "errors",
            "latency ms",
            "drift"
        );
        let number =
            |value: Option<f64>, digits: usize| value.map_or("-".to_owned(), |v| format!("{v:.digits$}"));
        for row in &table {
            println!(
                "{:>5} {:>5.0}% {:>6} {:>6} {:>12} {:>9} {:>8} {:>9} {:>8} {:>15} {:>6}",
                row.stage,
                100.0 * row.share,
                row.hosts,
                row.kept,
                row.rolled_back,
                row.degraded,
                row.missing,
                row.reverted,
                number(row.errors, 3),
                format!("{} -> {}", number(row.latency_ms.0, 1), number(row.latency_ms.1, 1)),
                number(row.drift, 2)
            );
        }
        for host in &rollout.hosts {
            let (what, text) = match &host.outcome {
                Some(Outcome::RolledBack(text)) => ("rolled back by itself", text),
                Some(Outcome::Degraded(text)) => ("does worse", text),
                Some(Outcome::Missing(text)) => ("missing", text),
                _ => continue,
            };
            println!("{}: {what}: {text}", host.name);
        }
    }
}

/// A host that has kept the model: what the store says of it is from the disk and outlives its detector, so the detector has to be
/// seen at work.
struct Kept {
    since: Instant,
    /// When the detector was last heard.
    heard: Instant,
    /// Images answered when it was last seen at work, and when that was; none since it kept the model.
    results: u64,
    worked: Option<Instant>,
}

/// A detector that is not heard for so long has died of the model.
const SILENCE: Duration = Duration::from_secs(30);

impl Kept {
    fn new(now: Instant, results: u64) -> Self {
        Self { since: now, heard: now, results, worked: None }
    }

    /// True once it has been at work for as long as it is to be looked at, false when it is silent. One that is there and gets no
    /// images is neither: it can be told nothing of.
    fn look(&mut self, now: Instant, heard: bool, results: u64, observe: Duration) -> Option<bool> {
        if !heard {
            return (now - self.heard >= SILENCE).then_some(false);
        }
        self.heard = now;
        // Fewer than before is a new start.
        if results != self.results {
            (self.results, self.worked) = (results, Some(now));
        }
        let works = self.worked.is_some_and(|at| now - at <= STEADY);
        (works && now - self.since >= observe).then_some(true)
    }
}

/// Numbers come once a second.
const STEADY: Duration = Duration::from_secs(3);

/// `10%` or `0.1`.
pub(super) fn share(text: &str) -> std::result::Result<f64, String> {
    let (number, scale) = match text.strip_suffix('%') {
        Some(number) => (number, 100.0),
        None => (text, 1.0),
    };
    match number.trim().parse::<f64>() {
        Ok(value) if (0.0..=1.0).contains(&(value / scale)) => Ok(value / scale),
        _ => Err("write a share as 10% or 0.1".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_host_whose_detector_is_silent_has_not_kept_the_model() {
        let (begun, observe) = (Instant::now(), Duration::from_secs(10));
        let at = |seconds: u64| begun + Duration::from_secs(seconds);
        // Killed three seconds after the keep: its numbers stand still.
        let mut dead = Kept::new(begun, 500);
        let looks: Vec<Option<bool>> =
            (0..40).map(|s| dead.look(at(s), s < 8, if s < 3 { 500 + s } else { 503 }, observe)).collect();
        assert!(looks[..37].iter().all(Option::is_none), "{looks:?}");
        assert_eq!(looks[37], Some(false));
        let mut well = Kept::new(begun, 500);
        let first = (0..40).find_map(|s| well.look(at(s), true, 500 + s, observe).map(|kept| (s, kept)));
        assert_eq!(first, Some((10, true)));
        let mut anew = Kept::new(begun, 500);
        assert_eq!(
            (0..12).find_map(|s| anew.look(at(s), true, s, observe)),
            Some(true),
            "it was started anew"
        );
        let mut idle = Kept::new(begun, 500);
        assert_eq!((0..40).find_map(|s| idle.look(at(s), true, 500, observe)), None, "its camera is off");
    }

    #[test]
    fn shares_are_written_in_two_ways() {
        assert_eq!((share("10%"), share("0.5"), share("100%")), (Ok(0.1), Ok(0.5), Ok(1.0)));
        for text in ["", "%", "110%", "x", "-1", "nan"] {
            assert!(share(text).is_err(), "{text}");
        }
        // JSON, in which the rollout is kept, has no infinity.
        assert_eq!((args::bound("1e9"), args::bound("0")), (Ok(1e9), Ok(0.0)));
        for text in ["inf", "nan", "-1", ""] {
            assert!(args::bound(text).is_err(), "{text}");
        }
    }
}
