//! The link with its decoder and its sequence numbers: what the node sends through and hears from.

use mavlink::MavHeader;
use mavlink::dialects::common::MavMessage;

use crate::algo::config::Config;
use crate::algo::decoder::{Counts, Decoder, encode};
use crate::link::{Change, Link, LinkCounts};

/// One link, as the node uses it.
#[derive(Debug)]
pub struct Uplink {
    link: Link,
    decoder: Decoder,
    system: u8,
    component: u8,
    /// The vehicle: who speaks for another does not become the peer.
    vehicle: u32,
    sequence: u8,
    frame: Vec<u8>,
    sent: u64,
}

impl Uplink {
    pub fn new(link: Link, config: &Config) -> Self {
        Self {
            link,
            decoder: Decoder::default(),
            system: config.system,
            component: config.component,
            vehicle: u32::from(config.target.system),
            sequence: 0,
            frame: Vec::with_capacity(300),
            sent: 0,
        }
    }

    /// Opens, reads, and calls `hear` for every message that is not our own echo.
    pub fn poll(&mut self, now: i64, mut hear: impl FnMut(&MavHeader, &MavMessage)) -> Option<Change> {
        let (decoder, own) = (&mut self.decoder, (u32::from(self.system), self.component));
        let vehicle = self.vehicle;
        let change = self.link.poll(now, |bytes| {
            let mut any = false;
            decoder.feed(bytes, |header, message| {
                if (header.system_id, header.component_id) != own {
                    any |= header.system_id == vehicle;
                    hear(header, message);
                }
            });
            any
        });
        if matches!(change, Some(Change::Down(_))) {
            self.decoder.restart();
        }
        change
    }

    /// Sends a message, or drops and counts it. True when the system took it.
    pub fn send(&mut self, now: i64, message: &MavMessage) -> (bool, Option<Change>) {
        let header = MavHeader {
            system_id: u32::from(self.system),
            component_id: self.component,
            sequence: self.sequence,
        };
        self.frame.clear();
        encode(header, message, &mut self.frame);
        let (sent, change) = self.link.send(now, &self.frame);
        if sent {
            self.sequence = self.sequence.wrapping_add(1);
            self.sent += 1;
        }
        (sent, change)
    }

    pub fn link(&self) -> &Link {
        &self.link
    }

    pub fn counts(&self) -> (Counts, LinkCounts) {
        (self.decoder.counts(), self.link.counts())
    }

    pub fn sent(&self) -> u64 {
        self.sent
    }
}
