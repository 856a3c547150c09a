//! The flight report: one HTML file that needs nothing else, now and in ten years.
//!
//! It must open offline and tell nobody that it was opened: styles, drawings and pictures are all inside, and a content
//! security policy forbids the rest. Whatever text comes from outside (names of worlds, classes, files) is escaped.

mod html;
mod latency;
mod map;
mod plot;
mod record;
pub mod score;
mod seen;

use std::fmt::Write;
use std::fs;
use std::path::{Path, PathBuf};

use html::{coordinate, escape, maybe, number};
use plot::{Line, Plot};

pub use record::{
    AnnotatedFrame, CommandSample, Contact, DetectionSample, FlightRecord, FrameLabel, Hop, Obstacle,
    Outline, PathSample, Percentiles, RunFacts, StateChange, Summary,
};

const STYLE: &str = include_str!("style.css");
const HOVER: &str = include_str!("hover.js");

/// What keeps a report from being written.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ReportError {
    /// The file cannot be written.
    #[error("PG-1351: cannot write the report `{}`: {cause}; check the folder, its rights and the free space", .file.display())]
    Write {
        /// The file to be written.
        file: PathBuf,
        /// What the operating system said.
        #[source]
        cause: std::io::Error,
    },
}

/// Renders `record` and writes it to `file`, whose folder is made if need be. The file appears whole or not at all.
///
/// # Errors
/// The folder or file cannot be written.
pub fn write(record: &FlightRecord, file: &Path) -> Result<(), ReportError> {
    let fail = |cause| ReportError::Write { file: file.to_path_buf(), cause };
    if let Some(folder) = file.parent().filter(|folder| !folder.as_os_str().is_empty()) {
        fs::create_dir_all(folder).map_err(fail)?;
    }
    let draft = file.with_extension("html.part");
    fs::write(&draft, render(record)).and_then(|()| fs::rename(&draft, file)).map_err(|cause| {
        let _ = fs::remove_file(&draft);
        fail(cause)
    })
}

/// The report as HTML.
pub fn render(record: &FlightRecord) -> String {
    let mut page = String::with_capacity(256 << 10);
    let title = escape(&format!("Flight through {}, seed {}", record.facts.world, record.facts.seed));
    let _ = write!(
        page,
        "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">\
         <meta name=\"viewport\" content=\"width=device-width,initial-scale=1\">\
         <meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; img-src data:; \
         style-src 'unsafe-inline'; script-src 'unsafe-inline'\"><meta name=\"color-scheme\" content=\"light dark\">\
         <title>{title}</title><style>{STYLE}</style></head><body><main>"
    );
    page.push_str(&head(record));
    section(&mut page, "path", "The path from above", &map::section(record));
    section(&mut page, "time", "Speed and clearance over time", &over_time(record));
    section(&mut page, "seen", "What the network saw", &seen::detections(record));
    section(&mut page, "frames", "Camera frames", &seen::gallery(&record.frames));
    section(&mut page, "latency", "Latency per hop", &latency::section(&record.latency));
    section(&mut page, "facts", "Fly it again", &facts(record));
    let _ = writeln!(
        page,
        "</main><footer>Written by Peregrine {}.</footer><script>{HOVER}</script></body></html>",
        escape(&record.facts.version)
    );
    page
}

fn section(page: &mut String, id: &str, title: &str, body: &str) {
    let _ = write!(
        page,
        "<section id=\"{id}\" aria-labelledby=\"{id}-title\"><h2 id=\"{id}-title\">{title}</h2>{body}</section>"
    );
}

/// The verdict in words, and whether it is good.
fn verdict(record: &FlightRecord) -> (&'static str, String) {
    let summary = &record.summary;
    let touches = match summary.collisions {
        0 => "without touching anything".to_owned(),
        1 => "with one collision".to_owned(),
        count => format!("with {count} collisions"),
    };
    match (summary.reached_goal, summary.collisions) {
        (true, 0) => ("good", format!("Reached the goal {touches}")),
        (true, _) => ("bad", format!("Reached the goal, but {touches}")),
        (false, 0) => ("fair", format!("Did not reach the goal; flew {touches}")),
        (false, _) => ("bad", format!("Did not reach the goal; flew {touches}")),
    }
}

fn head(record: &FlightRecord) -> String {
    let (summary, facts) = (&record.summary, &record.facts);
    let (grade, words) = verdict(record);
    let mut html = String::new();
    let mark = if grade == "good" {
        "✓"
    } else if grade == "fair" {
        "!"
    } else {
        "✕"
    };
    let _ = write!(
        html,
        "<header class=\"{grade}\"><p class=\"brand\">Peregrine flight report</p><h1><i class=\"mark\" aria-hidden=\"true\">{mark}</i>\
         <span>{words}</span></h1><p class=\"sub\">{}</p></header><dl class=\"tiles\">",
        [
            facts.world.clone(),
            format!("seed {}", facts.seed),
            facts.model.clone(),
            facts.backend.clone(),
            facts.clock.clone()
        ]
        .iter()
        .filter(|part| !part.is_empty())
        .map(|part| format!("<span>{}</span>", escape(part)))
        .collect::<Vec<_>>()
        .join(" ")
    );
    let fastest = record
        .path
        .iter()
        .map(|sample| sample.speed)
        .filter(|speed| speed.is_finite())
        .fold(f64::NAN, f64::max);
    let mean = summary.path_length_m / summary.sim_seconds;
    let score = record.score.total();
    let latency = summary.photon_to_command_ms;
    let tiles: [(&str, String, &str, String); 8] = [
        ("Least clearance", maybe(summary.min_clearance_m, 2), "m", floor_note(record)),
        ("Collisions", number(summary.collisions as f64, 0), "", String::new()),
        (
            "Path",
            number(summary.path_length_m, 1),
            "m",
            format!("in {} s of simulation", number(summary.sim_seconds, 1)),
        ),
        ("Mean speed", number(mean, 1), "m/s", format!("fastest {} m/s", number(fastest, 1))),
        (
            "Photon to command",
            maybe(latency.map(|row| row.p50), 1),
            "ms",
            format!("99 % under {} ms", maybe(latency.map(|row| row.p99), 1)),
        ),
        (
            "Real time",
            number(summary.real_time_factor, 2),
            "×",
            format!("{} s on the wall", number(summary.wall_seconds, 1)),
        ),
        (
            "Detections",
            number(summary.detections as f64, 0),
            "",
            match score.precision() {
                Some(_) => format!("{} right", html::percent(score.precision())),
                None => "not scored".to_owned(),
            },
        ),
        (
            "Frames",
            number(summary.frames as f64, 0),
            "",
            format!("{} dropped", number(summary.frames_dropped as f64, 0)),
        ),
    ];
    for (name, value, unit, note) in tiles {
        let unit = if value == "–" { "" } else { unit };
        let _ = write!(
            html,
            "<div><dt>{name}</dt><dd>{value}<small>{unit}</small></dd><dd class=\"note\">{}</dd></div>",
            escape(&note)
        );
    }
    html.push_str("</dl>");
    html
}

fn floor_note(record: &FlightRecord) -> String {
    if record.safe_clearance_m > 0.0 {
        format!("to keep: {} m", number(record.safe_clearance_m, 2))
    } else {
        String::new()
    }
}

fn over_time(record: &FlightRecord) -> String {
    if record.path.is_empty() {
        return "<p class=\"none\">No path was recorded.</p>".to_owned();
    }
    let last = record.path.last().map_or(0.0, |sample| sample.t);
    let end =
        if record.summary.sim_seconds.is_finite() { record.summary.sim_seconds.max(last) } else { last };
    let size = |velocity: [f64; 3]| velocity.iter().map(|part| part * part).sum::<f64>().sqrt();
    let flown = record.path.iter().map(|sample| (sample.t, sample.speed)).collect();
    let wanted: Vec<_> = record.commands.iter().map(|command| (command.t, size(command.velocity))).collect();
    let mut lines = vec![Line { name: "flown", class: "speed", points: flown }];
    if !wanted.is_empty() {
        lines.insert(0, Line { name: "commanded", class: "command", points: wanted });
    }
    let mut html = Plot { title: "Speed", unit: "m/s", lines, floor: None, end, top: None }.html();
    let clear: Vec<_> = record.path.iter().filter_map(|sample| Some((sample.t, sample.clearance?))).collect();
    if clear.is_empty() {
        html.push_str("<p class=\"none\">No obstacle was near enough for a clearance.</p>");
    } else {
        let floor = (record.safe_clearance_m > 0.0).then_some((record.safe_clearance_m, "to keep"));
        let lines = vec![Line { name: "to the nearest obstacle", class: "clear", points: clear }];
        html.push_str(&Plot { title: "Clearance", unit: "m", lines, floor, end, top: Some(12.0) }.html());
    }
    html.push_str(&states(record, end));
    // The way on the map for the hover: time, x, y.
    let stride = (record.path.len() / 800).max(1);
    let way = record.path.iter().step_by(stride).map(|sample| {
        format!("[{},{},{}]", coordinate(sample.t), coordinate(sample.x), coordinate(sample.y))
    });
    let _ =
        write!(html, "<div id=\"way\" hidden data-way=\"[{}]\"></div>", way.collect::<Vec<_>>().join(","));
    html
}

/// The states of avoidance as one band.
fn states(record: &FlightRecord, end: f64) -> String {
    if record.states.is_empty() || !end.is_finite() || end <= 0.0 {
        return String::new();
    }
    let mut names: Vec<&str> = Vec::new();
    let mut band = String::new();
    for (at, change) in record.states.iter().enumerate() {
        let until = record.states.get(at + 1).map_or(end, |next| next.t);
        let (from, width) = (change.t / end * 100.0, (until - change.t) / end * 100.0);
        let tone = names.iter().position(|name| *name == change.state).unwrap_or_else(|| {
            names.push(&change.state);
            names.len() - 1
        });
        let title =
            escape(&format!("{} from {} s to {} s", change.state, number(change.t, 1), number(until, 1)));
        let _ = write!(
            band,
            "<i class=\"tone{}\" style=\"left:{}%;width:{}%\" title=\"{title}\"></i>",
            tone % 6,
            coordinate(from.clamp(0.0, 100.0)),
            coordinate(width.clamp(0.0, 100.0))
        );
    }
    let keys = names.iter().enumerate().fold(String::new(), |mut keys, (tone, name)| {
        let _ =
            write!(keys, "<span class=\"key\"><i class=\"dot tone{}\"></i>{}</span>", tone % 6, escape(name));
        keys
    });
    format!(
        "<figure class=\"plot\"><figcaption><b>Avoidance</b>{keys}</figcaption><div class=\"band\">{band}</div></figure>"
    )
}

fn facts(record: &FlightRecord) -> String {
    let facts = &record.facts;
    let mut html = String::new();
    if !facts.command_line.is_empty() {
        let _ = write!(html, "<pre><code>{}</code></pre>", escape(&facts.command_line));
    }
    html.push_str("<dl class=\"facts\">");
    let known = [
        ("World", facts.world.clone()),
        ("Seed", facts.seed.to_string()),
        ("Model", facts.model.clone()),
        ("Backend", facts.backend.clone()),
        ("Clock", facts.clock.clone()),
        ("Peregrine", facts.version.clone()),
        ("SHA-256 of all topics", facts.topic_log_sha256.clone()),
    ];
    let known = known.iter().map(|(name, value)| (*name, value.as_str()));
    let more = facts.more.iter().map(|(name, value)| (name.as_str(), value.as_str()));
    for (name, value) in known.chain(more).filter(|(_, value)| !value.is_empty()) {
        let _ = write!(html, "<div><dt>{}</dt><dd>{}</dd></div>", escape(name), escape(value));
    }
    html.push_str("</dl>");
    html
}

#[cfg(test)]
mod tests;
