//! `peregrine topic info`: a topic's type, who publishes and reads it with which quality of service, and its slots.

use std::collections::BTreeSet;

use peregrine_core::did_you_mean;
use peregrine_frame::Host;
use peregrine_zenoh::keys::{Endpoint, Kind};
use peregrine_zenoh::{Inspector, Link, LinkOptions};

use super::{PATIENCE, full_name, qos};
use crate::doctor::frames;
use crate::error::{Error, Result};

pub(super) fn run(topic: &str, json: bool) -> Result {
    let name = full_name(topic);
    let (buses, _) = frames::buses(&Host::from_env()?);
    let on_bus: BTreeSet<String> = buses.iter().map(|bus| bus.topic.clone()).collect();
    let buses: Vec<_> = buses.into_iter().filter(|bus| bus.topic == name).collect();
    // A service may have a topic's name.
    let mut endpoints = endpoints(buses.is_empty())?;
    endpoints.retain(|e| matches!(e.kind, Kind::Publisher | Kind::Subscription));
    let known: BTreeSet<String> = endpoints.iter().map(|e| e.name.clone()).chain(on_bus).collect();
    if !known.contains(&name) {
        let hint = did_you_mean(&name, known.iter().map(String::as_str));
        return Err(Error::NoTopic { topic: name, hint });
    }
    let mut parties: Vec<&Endpoint> = endpoints.iter().filter(|e| e.name == name).collect();
    parties.sort_by_key(|e| (e.kind, e.node_name()));
    let types: BTreeSet<String> = parties
        .iter()
        .map(|e| e.type_name.clone())
        .chain(buses.iter().map(|bus| bus.message_type.clone()))
        .collect();
    let types = Vec::from_iter(types);
    let of = |kind: Kind| parties.iter().filter(move |e| e.kind == kind);
    if json {
        let list = |kind| -> Vec<_> {
            of(kind)
                .map(|e| serde_json::json!({"node": e.node_name(), "qos": qos::in_words(&e.qos), "hash": e.hash}))
                .collect()
        };
        println!(
            "{}",
            serde_json::json!({"topic": name, "types": types, "publishers": list(Kind::Publisher),
                "subscriptions": list(Kind::Subscription), "buses": buses})
        );
        return Ok(());
    }
    println!("{name}  [{}]", types.join("] ["));
    if types.len() > 1 {
        println!("  -> its parties do not agree on the type: they do not hear each other");
    }
    for (title, kind) in [("publishers", Kind::Publisher), ("subscriptions", Kind::Subscription)] {
        println!("{title}: {}", of(kind).count());
        for endpoint in of(kind) {
            println!("  {}  ({})", endpoint.node_name(), qos::in_words(&endpoint.qos));
        }
    }
    println!("on the frame bus of this host: {}", if buses.is_empty() { "no" } else { "yes" });
    for bus in &buses {
        println!("{bus}");
        for complaint in bus.complaints() {
            println!("  -> {complaint}");
        }
    }
    Ok(())
}

/// All endpoints of the graph; none if nobody is there, unless the topic must be found there.
fn endpoints(must: bool) -> Result<Vec<Endpoint>> {
    let options = LinkOptions::from_env(false)?;
    match Link::open(&options)? {
        Some(link) => {
            let endpoints = Inspector::new(link.clone()).endpoints(PATIENCE);
            link.close();
            Ok(endpoints?)
        }
        None if must => Err(Error::NobodyThere { port: options.port }),
        None => Ok(Vec::new()),
    }
}
