//! `peregrine sim check`: what stands in SDF files, and what of it is not simulated.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::path::Path;

use peregrine_sim::scenario::{Movement, from_sdf};
use peregrine_sim::sdf::types::{Known, Plugin, SdfModel};
use peregrine_sim::sdf::{Loaded, Loader, MeshPolicy};
use serde_json::json;

use crate::args::SimCheck;
use crate::error::Result;

/// Exit status when a file holds what is not simulated.
const UNSUPPORTED: i32 = 3;

pub(super) fn check(args: &SimCheck) -> Result {
    let mut loader = Loader::from_env();
    loader.paths.splice(0..0, args.paths.iter().cloned());
    loader.placeholders = args.placeholder;
    if args.placeholder {
        loader.mesh = MeshPolicy::Placeholder;
    }
    let (mut broken, mut incomplete) = (0, 0);
    for file in &args.files {
        let mut movement = Movement::default();
        let outcome = loader.load_file(file).map(|loaded| {
            // Counted on a copy: what it adds to the report, building the world adds too.
            movement = Movement::of(&mut loaded.clone());
            whole(loaded)
        });
        match &outcome {
            Ok(loaded) => incomplete += usize::from(!loaded.report.ignored.is_empty()),
            Err(_) => broken += 1,
        }
        if args.json {
            println!("{}", as_json(file, &outcome, &movement));
        } else {
            print!("{}", as_text(file, &outcome, &movement));
        }
    }
    if args.files.len() > 1 && !args.json {
        let fine = args.files.len() - broken - incomplete;
        println!(
            "{} files: {fine} complete, {incomplete} with unsupported parts, {broken} broken",
            args.files.len()
        );
    }
    let status = if broken > 0 { 1 } else { UNSUPPORTED * i32::from(incomplete > 0) };
    if status != 0 {
        std::process::exit(status);
    }
    Ok(())
}

/// With all that a flight in it would be told: what is listed only once the world is built, too.
fn whole(loaded: Loaded) -> Loaded {
    match from_sdf(loaded.clone(), "world", 60.0, 2.0) {
        Ok(world) => Loaded { report: world.report.unwrap_or_default(), ..loaded },
        Err(error) => {
            let mut loaded = loaded;
            loaded.report.warnings.push(error.to_string());
            loaded
        }
    }
}

/// What stands in a file, counted.
#[derive(Default)]
struct Census {
    counts: BTreeMap<&'static str, usize>,
    sensors: BTreeMap<&'static str, usize>,
    plugins: BTreeMap<String, usize>,
}

impl Census {
    fn of(loaded: &Loaded) -> Self {
        let mut out = Self::default();
        let mut add = |name: &'static str, n: usize| *out.counts.entry(name).or_insert(0) += n;
        let world = loaded.world.as_ref();
        add("lights", loaded.lights.len() + world.map_or(0, |w| w.lights.len()));
        add("actors", world.map_or(0, |w| w.actors.len()));
        world.into_iter().flat_map(|w| &w.plugins).for_each(|p| out.plugin(p));
        world.into_iter().flat_map(|w| &w.models).chain(&loaded.models).for_each(|m| out.model(m));
        out
    }

    fn plugin(&mut self, plugin: &Plugin) {
        if plugin.known.is_some() {
            let name = plugin.name.rsplit("::").next().unwrap_or_default().to_owned();
            *self.plugins.entry(name).or_insert(0) += 1;
        }
    }

    fn model(&mut self, model: &SdfModel) {
        let mut add = |name, n: usize| *self.counts.entry(name).or_insert(0) += n;
        add("models", 1);
        add("links", model.links.len());
        add("joints", model.joints.len());
        for link in &model.links {
            add("visuals", link.visuals.len());
            add("collisions", link.collisions.len());
            for sensor in &link.sensors {
                *self.sensors.entry(sensor.kind.name()).or_insert(0) += 1;
            }
        }
        model.plugins.iter().for_each(|p| self.plugin(p));
        let rotors =
            model.plugins.iter().filter(|p| matches!(p.known, Some(Known::MulticopterMotorModel(_))));
        *self.counts.entry("rotors").or_insert(0) += rotors.count();
        model.models.iter().for_each(|m| self.model(m));
    }
}

fn as_json(file: &Path, outcome: &peregrine_sim::Result<Loaded>, movement: &Movement) -> serde_json::Value {
    let file = file.display().to_string();
    match outcome {
        Err(error) => {
            let text = error.to_string();
            let code = text.split(' ').next().unwrap_or_default().to_owned();
            json!({"file": file, "loads": false, "complete": false, "code": code, "error": text})
        }
        Ok(loaded) => {
            let census = Census::of(loaded);
            let report = &loaded.report;
            json!({
                "file": file,
                "loads": true,
                "complete": report.ignored.is_empty(),
                "world": loaded.world.as_ref().map(|w| w.name.clone()),
                "holds": census.counts,
                "moves": {"bodies": movement.bodies, "links": movement.links},
                "sensors": census.sensors,
                "plugins": census.plugins,
                "ignored": report.ignored,
                "without_effect": report.without_effect,
                "warnings": report.warnings,
            })
        }
    }
}

fn as_text(file: &Path, outcome: &peregrine_sim::Result<Loaded>, movement: &Movement) -> String {
    let mut out = format!("{}\n", file.display());
    let loaded = match outcome {
        Ok(loaded) => loaded,
        Err(error) => {
            let _ = writeln!(out, "  broken   {error}\n");
            return out;
        }
    };
    let census = Census::of(loaded);
    let report = &loaded.report;
    let list = |of: Vec<(String, usize)>| {
        let parts: Vec<String> =
            of.into_iter().filter(|(_, n)| *n > 0).map(|(name, n)| format!("{n} {name}")).collect();
        if parts.is_empty() { "nothing".to_owned() } else { parts.join(", ") }
    };
    let row = |out: &mut String, title: &str, text: &str| {
        let _ = writeln!(out, "  {title:<15} {text}");
    };
    if let Some(world) = &loaded.world {
        row(&mut out, "world", &world.name);
    }
    row(&mut out, "holds", &list(census.counts.iter().map(|(k, v)| ((*k).to_owned(), *v)).collect()));
    let moves = [("movable bodies", movement.bodies), ("links on joints", movement.links)];
    row(&mut out, "moves", &list(moves.map(|(name, n)| (name.to_owned(), n)).to_vec()));
    row(&mut out, "sensors", &list(census.sensors.iter().map(|(k, v)| ((*k).to_owned(), *v)).collect()));
    row(&mut out, "plugins", &list(census.plugins.iter().map(|(k, v)| (k.clone(), *v)).collect()));
    let ignored = if report.ignored.is_empty() { "nothing: all of it is simulated" } else { "" };
    row(&mut out, "not simulated", ignored);
    for (name, count) in &report.ignored {
        let _ = writeln!(out, "  {count:>15} x {name}");
    }
    if !report.without_effect.is_empty() {
        let all = report.without_effect.iter().map(|(k, v)| (k.clone(), *v as usize)).collect();
        row(&mut out, "without effect", &list(all));
    }
    for warning in &report.warnings {
        row(&mut out, "warning", warning);
    }
    out.push('\n');
    out
}
