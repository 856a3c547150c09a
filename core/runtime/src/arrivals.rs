//! What a topic receives of publishers in other processes, who may reach it two ways: through slots of this host, and over
//! a network.
//!
//! Invariant: a message of a publisher whose slots are read here is delivered once, and in the order of its number. The
//! slots bring everything from some number on; what the publisher sent before that is still under way over the network.
//! So the first message out of a slot waits until the network has brought its predecessor, or has had time to. From then
//! on the publisher counts as *settled*: what the network brings of it is dropped, and need not be sent at all.
//!
//! Pure: whoever calls holds a lock, knows the time, and delivers before the lock is let go.

use std::collections::{BTreeMap, BTreeSet};

/// A publisher, by the id that it has on the network. Zeros for one without.
pub type Source = [u8; 16];

/// A publisher that has no id.
pub(crate) const NOBODY: Source = [0; 16];

/// Streams that are remembered although their slots are not read.
const REMEMBERED: usize = 256;

#[derive(Debug, Default, Clone, Copy)]
struct Stream {
    /// Number of the last message delivered.
    last: u64,
    /// Its slots are read.
    attached: bool,
    /// They are, or were: then numbers are looked at. Of others, who knows how they count.
    merged: bool,
    settled: bool,
}

/// What to do with a message out of a slot.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Verdict {
    Deliver,
    /// It came over the network already.
    Drop,
    /// The network has yet to bring what came before it.
    Wait,
}

#[derive(Debug, Default)]
pub(crate) struct Arrivals {
    streams: BTreeMap<Source, Stream>,
    /// For each reader of slots in this process: the publishers that it reads. Messages have one reader, frames one for
    /// each subscription.
    readers: BTreeMap<(usize, usize), BTreeSet<Source>>,
    /// A message out of a slot waits for the network.
    waits: bool,
}

impl Arrivals {
    /// Says which publishers a reader reads. True if that is news.
    pub fn attach(&mut self, reader: (usize, usize), sources: BTreeSet<Source>) -> bool {
        if self.readers.get(&reader) == Some(&sources) {
            return false;
        }
        self.readers.insert(reader, sources);
        let attached: BTreeSet<Source> = self.readers.values().flatten().copied().collect();
        for source in attached.iter().filter(|source| **source != NOBODY) {
            self.streams.entry(*source).or_default().merged = true;
        }
        for (source, stream) in &mut self.streams {
            stream.attached = attached.contains(source);
            stream.settled &= stream.attached;
        }
        true
    }

    /// Whether slots bring all that the publisher has to say here, to every reader.
    pub fn serves(&self, source: &Source, frames: bool) -> bool {
        let settled = || self.streams.get(source).is_some_and(|stream| stream.settled);
        let by_all = || !self.readers.is_empty() && self.readers.values().all(|known| known.contains(source));
        if frames { by_all() } else { settled() }
    }

    /// Whether slots of anybody serve.
    pub fn serve_any(&self, frames: bool) -> bool {
        self.readers.values().flatten().any(|source| self.serves(source, frames))
    }

    /// Whether a frame that the network brings is to be shown. A publisher without an id stands for any.
    pub fn frame_from_network(&mut self, sent: Option<(Source, u64)>) -> bool {
        let attached = |source: &Source| self.readers.values().any(|known| known.contains(source));
        if attached(&NOBODY) || sent.is_some_and(|(source, _)| attached(&source)) {
            return false;
        }
        if let Some((source, number)) = sent {
            self.remember(source).last = number;
        }
        true
    }

    /// Whether a frame out of a slot was brought by the network already.
    pub fn is_old_frame(&self, source: &Source, number: u64) -> bool {
        *source != NOBODY && self.streams.get(source).is_some_and(|stream| number <= stream.last)
    }

    /// Whether a message that the network brings is to be delivered, and whether one out of a slot may have waited for it.
    pub fn network_brings(&mut self, sent: Option<(Source, u64)>) -> (bool, bool) {
        let Some((source, number)) = sent else { return (true, false) };
        let stream = self.remember(source);
        if stream.merged && (stream.settled || number <= stream.last) {
            return (false, false);
        }
        stream.last = number;
        (true, std::mem::take(&mut self.waits))
    }

    /// What to do with message `number` of a slot. `sent_before`: the publisher sent its predecessor over the network.
    /// `late`: it has waited long enough.
    pub fn slot_brings(&mut self, source: Source, number: u64, sent_before: bool, late: bool) -> Verdict {
        if source == NOBODY || number == 0 {
            return Verdict::Deliver;
        }
        let stream = self.streams.entry(source).or_default();
        let follows = number <= stream.last.saturating_add(1);
        if !stream.settled && !follows && sent_before && !late {
            self.waits = true;
            return Verdict::Wait;
        }
        stream.settled = stream.attached;
        if number <= stream.last {
            return Verdict::Drop;
        }
        stream.last = number;
        Verdict::Deliver
    }

    fn remember(&mut self, source: Source) -> &mut Stream {
        if self.streams.len() >= REMEMBERED && !self.streams.contains_key(&source) {
            self.streams.retain(|_, stream| stream.attached);
        }
        self.streams.entry(source).or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const READER: (usize, usize) = (0, 0);
    const P: Source = [1; 16];
    const Q: Source = [2; 16];

    fn attached(sources: &[Source]) -> Arrivals {
        let mut arrivals = Arrivals::default();
        arrivals.attach(READER, sources.iter().copied().collect());
        arrivals
    }

    #[test]
    fn what_is_under_way_over_the_network_comes_first() {
        let mut a = Arrivals::default();
        for number in 1..=3 {
            assert_eq!(a.network_brings(Some((P, number))), (true, false));
        }
        assert!(a.attach(READER, [P].into()) && !a.attach(READER, [P].into()));
        assert_eq!(a.slot_brings(P, 6, true, false), Verdict::Wait);
        assert!(!a.serves(&P, false));
        assert_eq!(a.network_brings(Some((P, 4))), (true, true));
        assert_eq!(a.slot_brings(P, 6, true, false), Verdict::Wait);
        assert_eq!(a.network_brings(Some((P, 5))), (true, true));
        assert_eq!(a.slot_brings(P, 6, true, false), Verdict::Deliver);
        // From here on the slots alone count, gaps included: those are what the reader was too slow for.
        assert!(a.serves(&P, false) && a.serve_any(false));
        assert!(!a.network_brings(Some((P, 6))).0);
        assert!(!a.network_brings(Some((P, 7))).0);
        assert_eq!(a.slot_brings(P, 9, true, false), Verdict::Deliver);
    }

    #[test]
    fn what_the_network_brought_first_comes_no_second_time() {
        let mut a = attached(&[P]);
        assert_eq!(a.slot_brings(P, 5, true, false), Verdict::Wait);
        for number in 4..=6 {
            assert!(a.network_brings(Some((P, number))).0);
        }
        assert_eq!(a.slot_brings(P, 5, true, false), Verdict::Drop);
        assert_eq!(a.slot_brings(P, 6, true, false), Verdict::Drop);
        assert_eq!(a.slot_brings(P, 7, true, false), Verdict::Deliver);
    }

    #[test]
    fn nobody_waits_in_vain() {
        let mut a = attached(&[P, Q]);
        assert_eq!(a.slot_brings(P, 5, false, false), Verdict::Deliver, "nothing was sent over the network");
        assert_eq!(a.slot_brings(Q, 5, true, false), Verdict::Wait);
        assert_eq!(a.slot_brings(Q, 5, true, true), Verdict::Deliver, "it did not come");
        assert!(!a.network_brings(Some((Q, 4))).0, "too late: it would be out of order");
        assert_eq!(a.slot_brings(NOBODY, 5, true, false), Verdict::Deliver);
        assert_eq!(a.slot_brings(P, 0, true, false), Verdict::Deliver, "it does not count");
    }

    #[test]
    fn a_publisher_that_gives_up_its_slots_goes_on_over_the_network() {
        let mut a = attached(&[P]);
        assert_eq!(a.slot_brings(P, 1, false, false), Verdict::Deliver);
        assert!(a.attach(READER, BTreeSet::new()) && !a.serves(&P, false));
        // What was under way of it is old news; what comes is not.
        assert!(!a.network_brings(Some((P, 1))).0);
        assert!(a.network_brings(Some((P, 2))).0);
        // Of peers whose slots were never read nobody knows how they count.
        assert!(a.network_brings(Some((Q, 7))).0 && a.network_brings(Some((Q, 7))).0);
        assert!(a.network_brings(None).0);
    }

    #[test]
    fn frames_are_served_when_every_reader_is() {
        let mut a = attached(&[P]);
        assert!(a.serves(&P, true));
        a.attach((0, 1), BTreeSet::new());
        assert!(!a.serves(&P, true), "one of the readers was refused");
        assert!(!a.frame_from_network(Some((P, 3))) && a.frame_from_network(Some((Q, 3))));
        assert!(a.is_old_frame(&Q, 3) && !a.is_old_frame(&Q, 4) && !a.is_old_frame(&P, 1));
        a.attach((0, 1), [NOBODY].into());
        assert!(!a.frame_from_network(Some((Q, 4))), "one of unknown id stands for any");
    }

    #[test]
    fn memory_is_bounded() {
        let mut a = attached(&[P]);
        for i in 0..2_000_u32 {
            let mut source = Q;
            source[..4].copy_from_slice(&i.to_le_bytes());
            a.network_brings(Some((source, 1)));
        }
        assert!(a.streams.len() <= REMEMBERED && a.streams.contains_key(&P));
    }
}
