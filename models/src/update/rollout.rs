//! A model brought to a fleet in stages, each only when the one before has gone well: pure decisions over what hosts report.
//!
//! Invariant: a model that fails on the first hosts never reaches the last ones. Who is first is chance, drawn anew for each
//! model and the same for each run of it.

use serde::{Deserialize, Serialize};

use super::trial::{ENOUGH_WINDOWS, is_blind, most_drift};
use crate::model::sha256;
use crate::{Error, Result};

/// What is asked of a host, and of a stage.
#[derive(Clone, Copy, Debug, PartialEq, Deserialize, Serialize)]
pub struct Demands {
    /// Largest share of a stage that may do worse, 0 to 1. Of a stage of few one is already too many.
    pub bad: f64,
    /// Largest share of a stage that may not answer, 0 to 1.
    pub missing: f64,
    /// Most failures of the engine per image, 0 to 1.
    pub errors: f64,
    /// Slowest a host may get, as a multiple of its own time before.
    pub slowdown: f64,
    /// How much further than at worst before what is found may drift (PSI).
    pub drift: f64,
}

impl Default for Demands {
    fn default() -> Self {
        Self { bad: 0.02, missing: 0.1, errors: 0.01, slowdown: 1.5, drift: 0.5 }
    }
}

/// How a host fares, as its detector says.
#[derive(Clone, Copy, Debug, Default, PartialEq, Deserialize, Serialize)]
pub struct Health {
    /// Images answered since its start.
    pub results: u64,
    /// Images without an answer since its start.
    pub failures: u64,
    /// Median time of an image, milliseconds.
    pub latency_ms: Option<f64>,
    /// The worse of the drifts of scores and classes (PSI) in the last whole window.
    pub drift: Option<f64>,
    /// The worst of the last windows, where there were enough of them to say how far a model drifts there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub worst_drift: Option<f64>,
    /// Boxes per image in the last whole window.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub found: Option<f64>,
    /// The fewest in the last windows, where there were enough of them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fewest_found: Option<f64>,
}

impl Health {
    /// From what a host says of itself ([`super::transfer::Reply::value`]).
    pub fn read<'a>(value: impl Fn(&str) -> Option<&'a str>) -> Self {
        let number =
            |key: &str| value(key).and_then(|text| text.parse::<f64>().ok()).filter(|v| v.is_finite());
        let count = |key: &str| value(key).and_then(|text| text.parse().ok()).unwrap_or(0);
        let drifts = [number("drift_scores_psi"), number("drift_classes_psi")];
        Self {
            results: count("results"),
            failures: count("failures"),
            latency_ms: number("latency_p50_ms"),
            drift: number("drift_window_psi").or_else(|| drifts.into_iter().flatten().reduce(f64::max)),
            worst_drift: number("drift_worst_psi"),
            found: number("window_boxes_per_image"),
            fewest_found: number("fewest_boxes_per_image"),
        }
    }

    /// Why this is worse than `before`, if it is.
    pub fn worse_than(&self, before: &Self, demands: &Demands) -> Option<String> {
        // Counts begin anew with the node.
        let since = |now: u64, then: u64| if now >= then { now - then } else { now };
        let failures = since(self.failures, before.failures);
        let images = since(self.results, before.results) + failures;
        if failures > 0 && failures as f64 > demands.errors * images as f64 {
            return Some(format!("its engine failed on {failures} of {images} images"));
        }
        if let (Some(now), Some(then)) = (self.latency_ms, before.latency_ms)
            && now > demands.slowdown * then
        {
            return Some(format!("an image takes {now:.1} ms, before it took {then:.1} ms"));
        }
        if let (Some(now), Some(fewest)) = (self.found, before.fewest_found)
            && is_blind(now, fewest)
        {
            return Some(format!("it finds {now:.2} boxes an image, before never fewer than {fewest:.2}"));
        }
        let (worst, windows) = match before.worst_drift {
            Some(worst) => (worst, ENOUGH_WINDOWS),
            None => (before.drift.unwrap_or(0.0), 1),
        };
        let most = most_drift(demands.drift, worst, windows);
        if let Some(now) = self.drift.filter(|now| *now > most) {
            return Some(format!("what it finds has drifted (PSI {now:.2}, above {most:.2})"));
        }
        None
    }
}

/// What became of a host.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Outcome {
    /// It keeps the model and fares well.
    Kept,
    /// It rolled the model back by itself, or does not take it; why.
    RolledBack(String),
    /// It keeps the model and does worse; why.
    Degraded(String),
    /// It does not answer, or does not come to an end; what is known.
    Missing(String),
}

/// A host of the fleet.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
pub struct Host {
    /// Its name.
    pub name: String,
    /// How it fared before.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub before: Option<Health>,
    /// How it fares with the model.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub after: Option<Health>,
    /// The model is on its way to it, or there.
    #[serde(default)]
    pub sent: bool,
    /// What became of it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub outcome: Option<Outcome>,
    /// The model was given up on it, because of what it did there or elsewhere.
    #[serde(default)]
    pub reverted: bool,
}

/// What to do now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Judgement {
    /// Hosts of this stage are not settled yet.
    Wait,
    /// This stage has gone well, the next one has begun.
    Next,
    /// The whole fleet runs the model.
    Done,
    /// Take the model back from every host that has it; why.
    Stop(String),
}

/// A rollout, whole in a file: it goes on after whoever led it was killed.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
pub struct Rollout {
    /// SHA-256 of the model's manifest.
    pub model: String,
    /// Shares of the fleet at the end of each stage, rising to at most 1.
    pub stages: Vec<f64>,
    /// What is asked.
    pub demands: Demands,
    /// In the order in which they get the model.
    pub hosts: Vec<Host>,
    /// The stage, from 0.
    pub stage: usize,
    /// Why it was stopped, if it was.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stopped: Option<String>,
}

/// One line of the table.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Row {
    /// The stage, from 1.
    pub stage: usize,
    /// Its share of the fleet.
    pub share: f64,
    /// Hosts that it adds.
    pub hosts: usize,
    /// How many keep the model and fare well.
    pub kept: usize,
    /// How many rolled it back by themselves.
    pub rolled_back: usize,
    /// How many keep it and do worse.
    pub degraded: usize,
    /// How many do not answer.
    pub missing: usize,
    /// How many had it taken back by the rollout.
    pub reverted: usize,
    /// Failures per image, mean of the hosts.
    pub errors: Option<f64>,
    /// Median of the hosts' medians, milliseconds: before and after.
    pub latency_ms: (Option<f64>, Option<f64>),
    /// Highest drift of a host (PSI).
    pub drift: Option<f64>,
}

impl Rollout {
    /// To `names`, in stages. `seed` draws the order.
    ///
    /// # Errors
    /// `PG-1914` for a fleet of nobody or stages that do not rise from above 0 to at most 1.
    pub fn new(model: &str, names: &[String], stages: &[f64], demands: Demands, seed: u64) -> Result<Self> {
        let rises = stages.windows(2).all(|pair| pair[0] < pair[1]);
        let inside = stages.iter().all(|share| *share > 0.0 && *share <= 1.0);
        if stages.is_empty() || !rises || !inside {
            let detail = format!("its stages {stages:?} do not rise from above 0 to at most 1");
            return Err(Error::Rollout { detail });
        }
        let mut drawn: Vec<(String, &String)> =
            names.iter().map(|name| (sha256(format!("{seed}\n{model}\n{name}").as_bytes()), name)).collect();
        drawn.sort();
        drawn.dedup();
        if drawn.is_empty() {
            return Err(Error::Rollout { detail: "no host is there".to_owned() });
        }
        let hosts = drawn.into_iter().map(|(_, name)| Host {
            name: name.clone(),
            before: None,
            after: None,
            sent: false,
            outcome: None,
            reverted: false,
        });
        Ok(Self {
            model: model.to_owned(),
            stages: stages.to_vec(),
            demands,
            hosts: hosts.collect(),
            stage: 0,
            stopped: None,
        })
    }

    /// From its file.
    ///
    /// # Errors
    /// `PG-1914`.
    pub fn parse(text: &str) -> Result<Self> {
        let read: Self = serde_json::from_str(text)
            .map_err(|error| Error::Rollout { detail: format!("its file does not read: {error}") })?;
        // Checked like one that begins.
        let names: Vec<String> = read.hosts.iter().map(|host| host.name.clone()).collect();
        Self::new(&read.model, &names, &read.stages, read.demands, 0)?;
        if read.stage >= read.stages.len() {
            return Err(Error::Rollout {
                detail: format!("its file is at stage {} of {}", read.stage, read.stages.len()),
            });
        }
        Ok(read)
    }

    /// For its file.
    ///
    /// # Errors
    /// `PG-1914` for what JSON cannot write.
    pub fn to_json(&self) -> Result<String> {
        serde_json::to_string_pretty(self).map_err(|error| Error::Rollout { detail: error.to_string() })
    }

    /// Hosts of a stage: from, to.
    fn span(&self, stage: usize) -> (usize, usize) {
        let end = |stage: usize| {
            let count = self.hosts.len();
            // At least one host more with every stage, as long as there are any.
            ((self.stages[stage] * count as f64 - 1e-9).ceil() as usize).clamp((stage + 1).min(count), count)
        };
        (if stage == 0 { 0 } else { end(stage - 1) }, end(stage))
    }

    /// Hosts of the present stage that are not settled.
    pub fn open(&self) -> Vec<usize> {
        let (from, to) = self.span(self.stage);
        (from..to).filter(|index| self.hosts[*index].outcome.is_none()).collect()
    }

    /// Hosts that have the model, or may have, when it is to be taken back.
    pub fn holders(&self) -> Vec<usize> {
        let holds = |host: &Host| {
            host.sent && !host.reverted && !matches!(host.outcome, Some(Outcome::RolledBack(_)))
        };
        (0..self.hosts.len()).filter(|index| holds(&self.hosts[*index])).collect()
    }

    /// What to do now. A stage is stopped as soon as it cannot go well any more.
    pub fn judge(&mut self) -> Judgement {
        if let Some(why) = &self.stopped {
            return Judgement::Stop(why.clone());
        }
        let (from, to) = self.span(self.stage);
        let hosts = &self.hosts[from..to];
        let bad = |host: &&Host| matches!(host.outcome, Some(Outcome::RolledBack(_) | Outcome::Degraded(_)));
        let missing = |host: &&Host| matches!(host.outcome, Some(Outcome::Missing(_)));
        let (worse, gone) = (hosts.iter().filter(bad).count(), hosts.iter().filter(missing).count());
        let say = |what: &str, count: usize, who: &dyn Fn(&&Host) -> bool| {
            let first = hosts.iter().find(who);
            let why = first.map(|host| match &host.outcome {
                Some(Outcome::RolledBack(why) | Outcome::Degraded(why) | Outcome::Missing(why)) => {
                    format!("{}: {why}", host.name)
                }
                _ => host.name.clone(),
            });
            format!(
                "{count} of {} hosts of stage {} {what}; {}",
                hosts.len(),
                self.stage + 1,
                why.unwrap_or_default()
            )
        };
        let stop = if worse as f64 > self.demands.bad * hosts.len() as f64 {
            Some(say("do worse", worse, &bad))
        } else if gone as f64 > self.demands.missing * hosts.len() as f64 {
            Some(say("do not answer", gone, &missing))
        } else {
            None
        };
        if let Some(why) = stop {
            self.stopped = Some(why.clone());
            return Judgement::Stop(why);
        }
        if hosts.iter().any(|host| host.outcome.is_none()) {
            return Judgement::Wait;
        }
        if self.stage + 1 == self.stages.len() {
            return Judgement::Done;
        }
        self.stage += 1;
        Judgement::Next
    }

    /// The table, one line per stage that has begun.
    pub fn table(&self) -> Vec<Row> {
        let row = |stage: usize| {
            let (from, to) = self.span(stage);
            let hosts = &self.hosts[from..to];
            let count = |is: &dyn Fn(&Outcome) -> bool| {
                hosts.iter().filter(|h| h.outcome.as_ref().is_some_and(is)).count()
            };
            let rates = hosts.iter().filter_map(|host| {
                let (before, after) = (host.before?, host.after?);
                let failures = after.failures.saturating_sub(before.failures);
                let images = after.results.saturating_sub(before.results) + failures;
                (images > 0).then(|| failures as f64 / images as f64)
            });
            let rates: Vec<f64> = rates.collect();
            let median = |which: fn(&Host) -> Option<Health>| {
                let mut all: Vec<f64> = hosts.iter().filter_map(|host| which(host)?.latency_ms).collect();
                all.sort_unstable_by(f64::total_cmp);
                all.get(all.len() / 2).copied()
            };
            Row {
                stage: stage + 1,
                share: self.stages[stage],
                hosts: hosts.len(),
                kept: count(&|o| *o == Outcome::Kept),
                rolled_back: count(&|o| matches!(o, Outcome::RolledBack(_))),
                degraded: count(&|o| matches!(o, Outcome::Degraded(_))),
                missing: count(&|o| matches!(o, Outcome::Missing(_))),
                reverted: hosts.iter().filter(|host| host.reverted).count(),
                errors: (!rates.is_empty()).then(|| rates.iter().sum::<f64>() / rates.len() as f64),
                latency_ms: (median(|host| host.before), median(|host| host.after)),
                drift: hosts.iter().filter_map(|host| host.after?.drift).reduce(f64::max),
            }
        };
        (0..=self.stage).map(row).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const STAGES: [f64; 4] = [0.01, 0.1, 0.5, 1.0];

    fn fleet(count: usize) -> Vec<String> {
        (0..count).map(|n| format!("fleet/r{n:03}")).collect()
    }

    fn rollout(count: usize) -> Rollout {
        Rollout::new(&sha256(b"model"), &fleet(count), &STAGES, Demands::default(), 1).unwrap()
    }

    fn settle(r: &mut Rollout, outcome: impl Fn(usize) -> Outcome) {
        for index in r.open() {
            r.hosts[index].sent = true;
            r.hosts[index].outcome = Some(outcome(index));
        }
    }

    #[test]
    fn a_good_model_reaches_everybody_stage_by_stage() {
        let mut r = rollout(200);
        let mut sizes = Vec::new();
        loop {
            assert_eq!(r.judge(), Judgement::Wait);
            sizes.push(r.open().len());
            settle(&mut r, |_| Outcome::Kept);
            match r.judge() {
                Judgement::Next => {}
                Judgement::Done => break,
                other => panic!("{other:?}"),
            }
            r = Rollout::parse(&r.to_json().unwrap()).unwrap();
        }
        assert_eq!(sizes, [2, 18, 80, 100]);
        assert_eq!(r.table().iter().map(|row| row.kept).sum::<usize>(), 200);
    }

    #[test]
    fn one_bad_canary_stops_it_and_in_a_large_stage_one_may_be_chance() {
        let mut r = rollout(200);
        let first = r.open()[1];
        r.hosts[first].sent = true;
        r.hosts[first].outcome = Some(Outcome::Degraded("slow".into()));
        let Judgement::Stop(why) = r.judge() else { panic!("it goes on") };
        let name = &r.hosts[first].name;
        assert_eq!(why, format!("1 of 2 hosts of stage 1 do worse; {name}: slow"));
        assert_eq!(r.holders(), [first]);
        assert!(matches!(Rollout::parse(&r.to_json().unwrap()).unwrap().judge(), Judgement::Stop(_)));

        let mut r = rollout(200);
        for _ in 0..2 {
            settle(&mut r, |_| Outcome::Kept);
            assert_eq!(r.judge(), Judgement::Next);
        }
        let odd = r.open()[3];
        settle(&mut r, |i| if i == odd { Outcome::RolledBack("drift".into()) } else { Outcome::Kept });
        assert_eq!(r.judge(), Judgement::Next, "1 of 80");
        settle(&mut r, |i| if i % 9 == 0 { Outcome::Missing("silent".into()) } else { Outcome::Kept });
        let Judgement::Stop(why) = r.judge() else { panic!("a ninth is silent") };
        assert!(why.contains("do not answer"), "{why}");
        assert_eq!(r.holders().len(), 199, "all but the one that rolled back by itself");
    }

    #[test]
    fn who_is_first_depends_on_the_model_and_not_on_the_order_of_names() {
        let mut names = fleet(50);
        let first = |names: &[String], model: &str| {
            Rollout::new(model, names, &STAGES, Demands::default(), 1).unwrap().hosts[0].name.clone()
        };
        let a = first(&names, "a");
        names.reverse();
        assert_eq!(first(&names, "a"), a);
        let firsts: std::collections::BTreeSet<String> =
            (0..30).map(|n| first(&names, &n.to_string())).collect();
        assert!(firsts.len() > 10, "{firsts:?}");
    }

    #[test]
    fn small_fleets_and_odd_stages() {
        let mut r = rollout(3);
        for sizes in [1, 1, 1] {
            assert_eq!(r.open().len(), sizes);
            settle(&mut r, |_| Outcome::Kept);
            r.judge();
        }
        assert_eq!((r.open().len(), r.judge()), (0, Judgement::Done));
        for stages in [&[][..], &[0.0, 1.0], &[0.5, 0.5], &[0.5, 0.1], &[2.0], &[f64::NAN]] {
            let error = Rollout::new("m", &fleet(3), stages, Demands::default(), 1).unwrap_err();
            assert!(error.to_string().starts_with("PG-1914"), "{error}");
        }
        assert!(Rollout::new("m", &[], &STAGES, Demands::default(), 1).is_err());
        for text in ["", "{}", "[1]"] {
            assert!(Rollout::parse(text).unwrap_err().to_string().starts_with("PG-1914"));
        }
    }

    #[test]
    fn health_is_held_against_the_hosts_own_past() {
        let read = |pairs: &'static [(&str, &str)]| {
            Health::read(|key| pairs.iter().find(|(own, _)| *own == key).map(|(_, value)| *value))
        };
        let before = read(&[
            ("results", "1000"),
            ("failures", "1"),
            ("latency_p50_ms", "20.0"),
            ("drift_scores_psi", "0.1"),
            ("drift_window_psi", "0.2"),
            ("drift_worst_psi", "0.7"),
        ]);
        assert_eq!((before.results, before.failures, before.drift), (1000, 1, Some(0.2)));
        let demands = Demands::default();
        let after = |edit: &dyn Fn(&mut Health)| {
            let mut after = Health { results: 2000, ..before };
            edit(&mut after);
            after.worse_than(&before, &demands).unwrap_or_default()
        };
        assert_eq!(after(&|_| ()), "");
        assert_eq!(after(&|h| h.failures = 100), "its engine failed on 99 of 1099 images");
        assert_eq!(after(&|h| h.latency_ms = Some(31.0)), "an image takes 31.0 ms, before it took 20.0 ms");
        assert_eq!(after(&|h| h.drift = Some(1.3)), "what it finds has drifted (PSI 1.30, above 1.20)");
        assert_eq!(after(&|h| h.drift = Some(1.1)), "", "the world had drifted before");
        let seeing = Health { found: Some(1.5), fewest_found: Some(1.2), ..before };
        let found =
            |now: f64| Health { results: 2000, found: Some(now), ..seeing }.worse_than(&seeing, &demands);
        assert_eq!(found(0.3).as_deref(), Some("it finds 0.30 boxes an image, before never fewer than 1.20"));
        assert_eq!((found(0.5), after(&|h| h.found = Some(0.0))), (None, String::new()), "not known before");
        let few = Health { worst_drift: None, ..before };
        let drifted = |psi: f64| Health { results: 2000, drift: Some(psi), ..few }.worse_than(&few, &demands);
        assert!(drifted(1.9).is_none() && drifted(2.1).is_some(), "few windows say little");
        assert_eq!(after(&|h| (h.results, h.failures) = (10, 0)), "", "the node was started anew");
        assert_eq!(read(&[("latency_p50_ms", "NaN")]).latency_ms, None);
    }
}
