//! Which of several subscriptions of one topic is to deliver what a publisher sends.
//!
//! Nodes of one process may read a topic with different QoS: each then has its DDS reader, as in any ROS 2 process, but the
//! topic within the process is one. A publisher is heard through the strictest reader that matches it.
//!
//! Invariant: no message of a publisher is delivered twice, and none that the strictest matching reader brings is lost.

use std::collections::BTreeMap;

/// The id of a publisher.
pub(crate) type Gid = [u8; 16];

/// What stands for "the middleware does not count".
pub(crate) const NOT_COUNTED: u64 = u64::MAX;

/// Publishers that are remembered at the most: they come and go for days.
const REMEMBERED: usize = 256;

#[derive(Debug, Clone, Copy)]
struct Heard {
    /// The strictest reader that brought anything: 0 is the strictest of all.
    rank: usize,
    first: u64,
    last: u64,
}

/// The publishers of one topic as they were heard.
#[derive(Debug, Default)]
pub(crate) struct Origins(BTreeMap<Gid, Heard>);

impl Origins {
    /// Whether message `number` of `publisher`, brought by the reader of that rank, is to be delivered.
    pub fn is_due(&mut self, publisher: Gid, rank: usize, number: u64) -> bool {
        if self.0.len() >= REMEMBERED && !self.0.contains_key(&publisher) {
            self.0.clear();
        }
        let Some(heard) = self.0.get_mut(&publisher) else {
            self.0.insert(publisher, Heard { rank, first: number, last: number });
            return true;
        };
        if rank > heard.rank {
            return false;
        }
        heard.rank = rank;
        if number == NOT_COUNTED {
            return true;
        }
        // What lies before `first` is history that only a stricter reader is given.
        let due = number > heard.last || number < heard.first;
        heard.last = heard.last.max(number);
        due
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const P: Gid = [1; 16];

    #[test]
    fn each_message_comes_once_through_the_strictest_reader() {
        let mut origins = Origins::default();
        // The lenient reader is faster at first; the strict one then takes over and what it repeats is dropped.
        assert!(origins.is_due(P, 1, 1) && origins.is_due(P, 1, 2));
        assert!(!origins.is_due(P, 0, 1) && !origins.is_due(P, 0, 2) && origins.is_due(P, 0, 3));
        // From here the lenient one is ignored, gaps included.
        assert!(!origins.is_due(P, 1, 4) && origins.is_due(P, 0, 4));
        // Another publisher, which only the lenient one matches.
        assert!(origins.is_due([2; 16], 1, 1) && origins.is_due([2; 16], 1, 3));
    }

    #[test]
    fn history_is_delivered_although_the_present_came_first() {
        let mut origins = Origins::default();
        assert!(origins.is_due(P, 1, 5));
        for number in [2, 3, 4] {
            assert!(origins.is_due(P, 0, number), "{number}");
        }
        assert!(!origins.is_due(P, 0, 5) && origins.is_due(P, 0, 6));
    }

    #[test]
    fn without_numbers_the_strictest_is_believed_and_memory_is_bounded() {
        let mut origins = Origins::default();
        assert!(origins.is_due(P, 1, NOT_COUNTED) && origins.is_due(P, 0, NOT_COUNTED));
        assert!(!origins.is_due(P, 1, NOT_COUNTED) && origins.is_due(P, 0, NOT_COUNTED));
        for i in 0..2000_u32 {
            let mut gid = P;
            gid[..4].copy_from_slice(&i.to_le_bytes());
            origins.is_due(gid, 0, 1);
        }
        assert!(origins.0.len() <= REMEMBERED);
    }
}
