//! `peregrine doctor frames`: the frame bus of this host, bus by bus, as the shared memory shows it.

use std::time::Duration;

use peregrine_frame::{Found, FoundState, Host};

use super::bus::BusView;
use super::{Finding, Level};
use crate::error::Result;

/// A publisher that answers does so at once; one that is stopped never does.
const PATIENCE: Duration = Duration::from_millis(300);

/// All entries of the folder, those of live buses as views.
pub(crate) fn buses(host: &Host) -> (Vec<BusView>, Vec<Found>) {
    let (mut live, mut others) = (Vec::new(), Vec::new());
    for found in host.inspect(PATIENCE) {
        match &found.state {
            FoundState::Live(onlooker) => live.push(BusView::of(onlooker, found.pid)),
            _ => others.push(found),
        }
    }
    live.sort_by(|a, b| (&a.topic, a.pid).cmp(&(&b.topic, b.pid)));
    (live, others)
}

/// One line for `peregrine doctor`.
pub(super) fn summary() -> Finding {
    const WHAT: &str = "frame bus";
    let host = match Host::from_env() {
        Ok(host) => host,
        Err(error) => {
            return Finding::new(
                Level::Bad,
                WHAT,
                error.to_string(),
                "do what it says: frames cannot cross processes",
            );
        }
    };
    let (live, others) = buses(&host);
    let readers: usize = live.iter().map(|bus| bus.readers.len()).sum();
    let says = format!("{} buses with {readers} readers in {}", live.len(), host.folder().display());
    let complaints = live.iter().flat_map(BusView::complaints).count() + others.len();
    if complaints == 0 {
        return Finding::good(WHAT, says);
    }
    Finding::new(
        Level::Warning,
        WHAT,
        format!("{says}, {complaints} to be looked at"),
        "`peregrine doctor frames`",
    )
}

/// Prints all buses of this user in this ROS domain.
pub(crate) fn run(json: bool, clean: bool) -> Result {
    let host = Host::from_env()?;
    let cleared = if clean { Some(host.clear_stale()) } else { None };
    let (live, others) = buses(&host);
    if json {
        let others: Vec<_> = others
            .iter()
            .map(|found| serde_json::json!({"pid": found.pid, "path": found.path, "state": state(found)}))
            .collect();
        println!(
            "{}",
            serde_json::json!({"folder": host.folder(), "domain": host.domain(), "buses": live, "others": others,
                "cleared": cleared, "other_domains": other_domains(&host)})
        );
        return Ok(());
    }
    println!("frame bus of ROS domain {}, in {}", host.domain(), host.folder().display());
    if live.is_empty() {
        println!("nobody publishes frames here");
    }
    for bus in &live {
        println!("\n{bus}");
        for complaint in bus.complaints() {
            println!("  -> {complaint}");
        }
    }
    if !others.is_empty() {
        println!();
    }
    for found in &others {
        println!("process {}: {}", found.pid, state(found));
    }
    match cleared {
        Some(count) => println!("\n{count} entries of dead processes removed"),
        None if others.iter().any(|found| matches!(found.state, FoundState::Stale)) => {
            println!(
                "`peregrine doctor frames --clean` removes what dead processes left; they cost nothing but a name"
            );
        }
        None => {}
    }
    let domains = other_domains(&host);
    if !domains.is_empty() {
        println!("\nother ROS domains have buses too: {}; ROS_DOMAIN_ID chooses", domains.join(", "));
    }
    Ok(())
}

fn state(found: &Found) -> String {
    match &found.state {
        FoundState::Live(_) => "answers".into(),
        FoundState::Silent => {
            "lives but does not answer: it is stopped (SIGSTOP, a debugger) or very busy; its frames stay readable".into()
        }
        FoundState::Stale => "is dead; its memory was given back, its entry is left".into(),
        FoundState::Unreadable(why) => format!("cannot be asked: {why}"),
        _ => "in a state that this release does not know".into(),
    }
}

/// Domains beside this one whose folder holds a socket.
fn other_domains(host: &Host) -> Vec<String> {
    let Some(base) = host.folder().parent() else { return Vec::new() };
    let own = format!("d{}", host.domain());
    let has_sockets = |path: &std::path::Path| {
        let entries = std::fs::read_dir(path).into_iter().flatten().flatten();
        entries.into_iter().any(|e| e.path().extension().is_some_and(|x| x == "sock"))
    };
    let mut found: Vec<u32> = std::fs::read_dir(base)
        .into_iter()
        .flatten()
        .flatten()
        .filter(|entry| entry.file_name() != own.as_str() && has_sockets(&entry.path()))
        .filter_map(|entry| entry.file_name().to_str()?.strip_prefix('d')?.parse().ok())
        .collect();
    found.sort_unstable();
    found.iter().map(u32::to_string).collect()
}
