//! Who publishes and who reads.

/// Who publishes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Publisher {
    Ours,
    Hiroz {
        shared_memory: bool,
        loan: bool,
    },
    /// And reads: `frames` knows how.
    Rclpy,
}

/// Who reads.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Reader {
    Hiroz { shared_memory: bool },
    Python,
    Rclpy,
}

#[derive(Debug, Clone, Copy)]
pub(super) struct Subject {
    pub name: &'static str,
    pub publisher: Publisher,
    pub reader: Option<Reader>,
}

pub(super) const ALONE: &str = "peregrine, nobody listens";
pub(super) const OURS: &str = "peregrine -> hiroz";
/// The best of these is what ours is compared with.
pub(super) const PEERS: [&str; 4] = [
    "hiroz -> hiroz, SHM",
    "hiroz -> hiroz, SHM, pixels written there",
    "hiroz -> hiroz",
    "Fast DDS tuned, rclpy",
];
/// Both without Zenoh's shared memory, as rmw_zenoh and hiroz come.
pub(super) const OURS_NETWORK: &str = "peregrine -> hiroz, no SHM";
pub(super) const HIROZ_NETWORK: &str = PEERS[2];

pub(super) const ALL: [Subject; 8] = [
    Subject { name: ALONE, publisher: Publisher::Ours, reader: None },
    Subject { name: OURS, publisher: Publisher::Ours, reader: Some(Reader::Hiroz { shared_memory: true }) },
    Subject {
        name: OURS_NETWORK,
        publisher: Publisher::Ours,
        reader: Some(Reader::Hiroz { shared_memory: false }),
    },
    Subject {
        name: "peregrine -> eclipse-zenoh, Python",
        publisher: Publisher::Ours,
        reader: Some(Reader::Python),
    },
    Subject {
        name: PEERS[0],
        publisher: Publisher::Hiroz { shared_memory: true, loan: false },
        reader: Some(Reader::Hiroz { shared_memory: true }),
    },
    Subject {
        name: PEERS[1],
        publisher: Publisher::Hiroz { shared_memory: true, loan: true },
        reader: Some(Reader::Hiroz { shared_memory: true }),
    },
    Subject {
        name: PEERS[2],
        publisher: Publisher::Hiroz { shared_memory: false, loan: false },
        reader: Some(Reader::Hiroz { shared_memory: false }),
    },
    Subject { name: PEERS[3], publisher: Publisher::Rclpy, reader: Some(Reader::Rclpy) },
];

/// Small messages, and whether and how pictures come beside them: what to call it, and what the listener is told.
pub(super) const SMALL: [(&str, &str); 3] = [
    ("small messages alone", "alone"),
    ("small messages, pictures in shared memory beside", "shm"),
    ("small messages, pictures over the network beside", "network"),
];

impl Subject {
    pub fn needs_python(&self) -> bool {
        matches!(self.reader, Some(Reader::Python | Reader::Rclpy))
    }

    pub fn needs_hiroz(&self) -> bool {
        matches!(self.reader, Some(Reader::Hiroz { .. }))
    }

    /// Nothing of it is ours.
    pub fn is_guest(&self) -> bool {
        self.publisher != Publisher::Ours
    }
}
