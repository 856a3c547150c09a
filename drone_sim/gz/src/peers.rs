//! Who offers what: the pure part of discovery.
//!
//! Invariant: everything kept here belongs to a process that was heard within [`SILENCE`]; a process that says goodbye
//! or falls silent takes all it offered and all it listened to with it.

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

use crate::msgs::discovery::Discovery;
use crate::wire::{DiscContents, PubType, Publisher, Type};

/// A process that is not heard for so long is gone.
pub const SILENCE: Duration = Duration::from_secs(3);
/// Everybody says so often that they are there.
pub const HEARTBEAT: Duration = Duration::from_secs(1);
/// More offers than this, all processes together, and more processes are not kept: nobody has them but who means harm.
const MAX_OFFERS: usize = 100_000;

/// What another process offers: by full name of the topic or service, then process and node.
#[derive(Debug, Default)]
pub struct Peers {
    offers: BTreeMap<String, BTreeMap<(String, String, String), Publisher>>,
    listeners: BTreeMap<String, BTreeSet<(String, String)>>,
    heard: BTreeMap<String, Instant>,
    count: usize,
}

/// What a packet changed.
#[derive(Debug, PartialEq)]
pub enum Change {
    /// Somebody offers a topic or service that was not known.
    Offered(Publisher),
    /// Somebody wants to know who offers it.
    Asked(String),
    /// Somebody listens to one of our topics, or no longer does.
    Listeners(String),
    /// A process is gone.
    Gone(String),
}

impl Peers {
    /// Takes in a packet of another process than `own`.
    pub fn hear(&mut self, own: &str, message: Discovery, now: Instant) -> Vec<Change> {
        let process = message.process_uuid;
        if process == own {
            return Vec::new();
        }
        let kind = Type::try_from(message.r#type).unwrap_or(Type::Uninitialized);
        if kind == Type::Bye {
            return self.forget(&process);
        }
        if self.heard.len() >= MAX_OFFERS && !self.heard.contains_key(&process) {
            return Vec::new();
        }
        self.heard.insert(process.clone(), now);
        match (kind, message.disc_contents) {
            // Who speaks for another would leave offers that no silence takes away.
            (Type::Advertise | Type::Unadvertise, Some(DiscContents::Pub(offer)))
                if offer.process_uuid != process =>
            {
                Vec::new()
            }
            (Type::Advertise, Some(DiscContents::Pub(offer))) => self.offer(offer),
            (Type::Unadvertise, Some(DiscContents::Pub(offer))) => {
                if let Some(of_topic) = self.offers.get_mut(&offer.topic) {
                    let before = of_topic.len();
                    of_topic.retain(|_, o| {
                        o.process_uuid != offer.process_uuid || o.node_uuid != offer.node_uuid
                    });
                    self.count -= before - of_topic.len();
                }
                Vec::new()
            }
            (Type::Subscribe, Some(DiscContents::Sub(sub))) => vec![Change::Asked(sub.topic)],
            (Type::NewConnection, Some(DiscContents::Pub(to))) if means(&to, own) => {
                if self.listeners.values().map(BTreeSet::len).sum::<usize>() < MAX_OFFERS {
                    self.listeners.entry(to.topic.clone()).or_default().insert((process, to.node_uuid));
                }
                vec![Change::Listeners(to.topic)]
            }
            (Type::EndConnection, Some(DiscContents::Pub(to))) if means(&to, own) => {
                if let Some(of_topic) = self.listeners.get_mut(&to.topic) {
                    of_topic.remove(&(process, to.node_uuid));
                }
                vec![Change::Listeners(to.topic)]
            }
            _ => Vec::new(),
        }
    }

    fn offer(&mut self, offer: Publisher) -> Vec<Change> {
        if self.count >= MAX_OFFERS {
            return Vec::new();
        }
        let kind = match &offer.pub_type {
            Some(PubType::MsgPub(m)) => m.msg_type.clone(),
            Some(PubType::SrvPub(s)) => format!("{} {}", s.request_type, s.response_type),
            None => return Vec::new(),
        };
        let key = (offer.process_uuid.clone(), offer.node_uuid.clone(), kind);
        let of_topic = self.offers.entry(offer.topic.clone()).or_default();
        if of_topic.insert(key, offer.clone()).is_some() {
            return Vec::new();
        }
        self.count += 1;
        vec![Change::Offered(offer)]
    }

    /// Forgets processes that have fallen silent.
    pub fn expire(&mut self, now: Instant) -> Vec<Change> {
        let silent: Vec<String> = self
            .heard
            .iter()
            .filter(|(_, at)| now.duration_since(**at) > SILENCE)
            .map(|(p, _)| p.clone())
            .collect();
        silent.iter().flat_map(|p| self.forget(p)).collect()
    }

    fn forget(&mut self, process: &str) -> Vec<Change> {
        self.heard.remove(process);
        for of_topic in self.offers.values_mut() {
            of_topic.retain(|_, o| o.process_uuid != process);
        }
        self.offers.retain(|_, of_topic| !of_topic.is_empty());
        self.count = self.offers.values().map(BTreeMap::len).sum();
        let mut changes = vec![Change::Gone(process.to_string())];
        for (topic, of_topic) in &mut self.listeners {
            let before = of_topic.len();
            of_topic.retain(|(p, _)| p != process);
            if of_topic.len() < before {
                changes.push(Change::Listeners(topic.clone()));
            }
        }
        changes
    }

    /// Who offers that topic or service.
    pub fn offers_of(&self, full: &str) -> impl Iterator<Item = &Publisher> {
        self.offers.get(full).into_iter().flat_map(BTreeMap::values)
    }

    /// Every offer.
    pub fn offers(&self) -> impl Iterator<Item = &Publisher> {
        self.offers.values().flat_map(BTreeMap::values)
    }

    /// How many listen to our topic of that full name.
    pub fn listeners(&self, full: &str) -> usize {
        self.listeners.get(full).map_or(0, BTreeSet::len)
    }
}

/// Whether a connection is one to the process `own`: the publisher that is meant stands in `ctrl`.
fn means(to: &Publisher, own: &str) -> bool {
    matches!(&to.pub_type, Some(PubType::MsgPub(message)) if message.ctrl == own)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::{MessagePublisher, packet, read};

    fn publisher(process: &str, topic: &str) -> Publisher {
        Publisher {
            topic: topic.into(),
            address: "tcp://127.0.0.1:1".into(),
            process_uuid: process.into(),
            node_uuid: "n".into(),
            scope: 2,
            pub_type: Some(PubType::MsgPub(MessagePublisher {
                msg_type: "gz.msgs.Clock".into(),
                ..Default::default()
            })),
        }
    }

    fn hear(
        peers: &mut Peers,
        from: &str,
        kind: Type,
        publisher: Option<Publisher>,
        now: Instant,
    ) -> Vec<Change> {
        let bytes = packet(from, kind, publisher.map(DiscContents::Pub), false);
        peers.hear("me", read(&bytes).unwrap(), now)
    }

    #[test]
    fn an_offer_is_news_once_and_goes_with_its_process() {
        let (mut peers, start) = (Peers::default(), Instant::now());
        let offer = publisher("a", "@/p@/clock");
        assert_eq!(
            hear(&mut peers, "a", Type::Advertise, Some(offer.clone()), start),
            [Change::Offered(offer.clone())]
        );
        assert!(hear(&mut peers, "a", Type::Advertise, Some(offer.clone()), start).is_empty());
        assert_eq!(peers.offers_of("@/p@/clock").count(), 1);
        assert!(peers.expire(start + SILENCE).is_empty());
        hear(&mut peers, "a", Type::Heartbeat, None, start + SILENCE);
        assert!(peers.expire(start + SILENCE * 2).is_empty());
        assert_eq!(peers.expire(start + SILENCE * 3), [Change::Gone("a".into())]);
        assert_eq!(peers.offers().count(), 0);
        hear(&mut peers, "a", Type::Advertise, Some(offer.clone()), start);
        hear(&mut peers, "a", Type::Unadvertise, Some(offer), start);
        assert_eq!(peers.offers().count(), 0);
    }

    #[test]
    fn nobody_offers_in_the_name_of_another() {
        let (mut peers, start) = (Peers::default(), Instant::now());
        let foreign = publisher("b", "t");
        assert!(hear(&mut peers, "a", Type::Advertise, Some(foreign.clone()), start).is_empty());
        assert_eq!(peers.offers().count(), 0);
        hear(&mut peers, "b", Type::Advertise, Some(foreign.clone()), start);
        hear(&mut peers, "a", Type::Unadvertise, Some(foreign), start);
        assert_eq!(peers.offers().count(), 1);
        let after = start + SILENCE + Duration::from_millis(1);
        assert_eq!(peers.expire(after), [Change::Gone("a".into()), Change::Gone("b".into())]);
        assert_eq!(peers.offers().count(), 0);
    }

    #[test]
    fn processes_beyond_the_bound_are_not_heard() {
        let (mut peers, now) = (Peers::default(), Instant::now());
        peers.heard = (0..MAX_OFFERS).map(|k| (format!("p{k}"), now)).collect();
        assert!(hear(&mut peers, "more", Type::Advertise, Some(publisher("more", "t")), now).is_empty());
        assert_eq!(hear(&mut peers, "p7", Type::Advertise, Some(publisher("p7", "t")), now).len(), 1);
    }

    #[test]
    fn listeners_are_counted_if_they_mean_us() {
        let (mut peers, now) = (Peers::default(), Instant::now());
        let connection = |to: &str| {
            let message =
                MessagePublisher { ctrl: to.into(), msg_type: "gz.msgs.Clock".into(), ..Default::default() };
            Some(Publisher { pub_type: Some(PubType::MsgPub(message)), ..publisher("a", "t") })
        };
        assert!(hear(&mut peers, "a", Type::NewConnection, connection("other"), now).is_empty());
        let change = Change::Listeners("t".into());
        assert_eq!(hear(&mut peers, "a", Type::NewConnection, connection("me"), now), [change]);
        assert_eq!(peers.listeners("t"), 1);
        hear(&mut peers, "a", Type::Bye, None, now);
        assert_eq!(peers.listeners("t"), 0);
        assert!(hear(&mut peers, "me", Type::Advertise, Some(publisher("me", "t")), now).is_empty());
    }
}
