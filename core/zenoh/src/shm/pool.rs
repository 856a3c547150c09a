//! The shared memory of one topic.
//!
//! Each message under way has a segment of its own, a *piece*. There are as many pieces as readers ever held at once, and no
//! more than [`PIECES`].
//!
//! Invariant: nobody is waited for. A piece is written again when the last reader has let go of it; or when it has been out
//! for [`LONGEST`] and no living process has confirmed meanwhile that it holds it, which Zenoh's peers do every 50 ms. So a
//! reader that was killed costs a piece for a second. One that was stopped keeps what it held whole for a second, and may
//! find another picture there when it goes on, while nobody else is harmed. When no piece is free the message goes
//! over the network.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use zenoh::Wait;
use zenoh::bytes::ZBytes;
use zenoh::shm::{PosixShmProviderBackend, ShmProvider, ShmProviderBuilder};

use super::{SharedMemory, say_refused};

/// Bytes from which on a message takes shared memory: below, it is one packet.
const LEAST: usize = 64 * 1024;
/// Pieces of a topic. rmw_zenoh's readers hold as many as their QoS is deep, 5 for sensors.
const PIECES: usize = 12;
/// After so long a reader that does not confirm that it holds a piece is not believed to do.
const LONGEST: Duration = Duration::from_secs(1);
/// What the allocator within a piece keeps for itself.
const OVERHEAD: usize = 16 * 1024;

/// One segment, and when it was lent.
struct Piece {
    provider: ShmProvider<PosixShmProviderBackend>,
    room: usize,
    out_since: Option<Instant>,
}

impl Piece {
    fn new(room: usize) -> zenoh::Result<Self> {
        let provider = ShmProviderBuilder::default_backend(room + OVERHEAD).wait()?;
        Ok(Self { provider, room, out_since: None })
    }

    /// True when the last reader has let go of it.
    fn is_back(&mut self) -> bool {
        if self.out_since.is_some() && self.provider.garbage_collect() > 0 {
            self.out_since = None;
        }
        self.out_since.is_none()
    }

    /// Takes it back from readers that do not live, or are stopped.
    fn take_back(&mut self, now: Instant) -> bool {
        let long = self.out_since.is_some_and(|since| now.saturating_duration_since(since) > LONGEST);
        // SAFETY: what is asked is that nobody reads what is written from here on. A process that runs confirms every 50 ms
        // what it holds, and Zenoh hands out only what has not been confirmed for 100. That alone would not do on a busy
        // machine, hence the second. A process that was stopped for it may read bytes that change under it when it goes on:
        // bytes, in memory that stays mapped. Its reference is void by then, for a count that was given up is not used
        // again before 32,768 others were.
        if long && unsafe { self.provider.garbage_collect_unsafe() } > 0 {
            self.out_since = None;
            return true;
        }
        false
    }

    fn fill(&mut self, bytes: &[u8], now: Instant) -> Option<ZBytes> {
        let mut buffer = self.provider.alloc(bytes.len()).wait().ok()?;
        buffer.copy_from_slice(bytes);
        self.out_since = Some(now);
        Some(buffer.into())
    }
}

/// The pieces of one topic.
pub(crate) struct Pool {
    topic: String,
    shared: Arc<SharedMemory>,
    /// What was used last comes first: it is still in the caches.
    pieces: Vec<Piece>,
    /// How many there may be: fewer than [`PIECES`] where the system gives no more.
    most: usize,
    /// All pieces were out when last asked.
    is_dry: bool,
}

impl Pool {
    pub fn new(topic: &str, shared: Arc<SharedMemory>) -> Self {
        Self { topic: topic.to_owned(), shared, pieces: Vec::new(), most: PIECES, is_dry: false }
    }

    /// A copy of `message` that peers of this host map; `None` if it is small, nobody is there to map it, or no piece is free.
    pub fn lend(&mut self, message: &[u8]) -> Option<ZBytes> {
        if message.len() < LEAST || self.most == 0 || self.shared.peers.load(Ordering::Relaxed) == 0 {
            return None;
        }
        let now = Instant::now();
        let Some(at) = self.find(message.len(), now) else {
            self.shared.held_back.fetch_add(1, Ordering::Relaxed);
            self.say_dry();
            return None;
        };
        let lent = self.pieces.get_mut(at)?.fill(message, now)?;
        self.pieces.get_mut(..=at)?.rotate_right(1);
        self.is_dry = false;
        self.shared.lent.fetch_add(1, Ordering::Relaxed);
        Some(lent)
    }

    /// Index of a piece with room for `len` bytes.
    fn find(&mut self, len: usize, now: Instant) -> Option<usize> {
        let fits = |piece: &mut Piece| piece.room >= len && piece.is_back();
        if let Some(at) = self.pieces.iter_mut().position(fits) {
            return Some(at);
        }
        for (at, piece) in self.pieces.iter_mut().enumerate() {
            if piece.take_back(now) {
                self.shared.taken_back.fetch_add(1, Ordering::Relaxed);
                if piece.room >= len {
                    return Some(at);
                }
            }
        }
        // Messages have grown: what lies idle is too small for them.
        self.pieces.retain_mut(|piece| piece.room >= len || !piece.is_back());
        if self.pieces.len() >= self.most {
            return None;
        }
        match Piece::new(room_for(len)) {
            Ok(piece) => self.pieces.push(piece),
            Err(error) => {
                self.most = self.pieces.len();
                if !self.shared.has_refused.swap(true, Ordering::Relaxed) {
                    say_refused(Some(error));
                }
                return None;
            }
        }
        Some(self.pieces.len() - 1)
    }

    fn say_dry(&mut self) {
        if self.most > 0 && !std::mem::replace(&mut self.is_dry, true) {
            tracing::warn!(
                "PG-1221: readers of '{}' on this host hold all {} pieces of shared memory that it has; its messages go over \
                 the network until one is let go: a reader is stopped, or keeps messages for long",
                self.topic,
                self.most
            );
        }
    }
}

/// Bytes of a piece for messages of `len`: up to a quarter more, so that messages of changing size find room.
fn room_for(len: usize) -> usize {
    let quarter = (len.next_power_of_two() / 8).max(1);
    len.next_multiple_of(quarter).next_multiple_of(4096)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

    use super::*;
    use zenoh::session::ZenohId;

    fn pool() -> Pool {
        let shared = SharedMemory::default();
        // A random one.
        shared.note(ZenohId::default(), true);
        Pool::new("/image", Arc::new(shared))
    }

    #[test]
    fn a_piece_that_came_back_is_used_again() {
        let mut pool = pool();
        for turn in 0..50_u8 {
            let message = vec![turn; 200_000];
            let lent = pool.lend(&message).unwrap();
            assert!(lent.as_shm().is_some());
            assert_eq!(&*lent.to_bytes(), &message[..]);
        }
        assert_eq!(pool.pieces.len(), 1);
        // What grows finds room, and what is too small is given up.
        assert!(pool.lend(&vec![0; 900_000]).is_some());
        assert_eq!((pool.pieces.len(), pool.pieces[0].room >= 900_000), (1, true));
    }

    #[test]
    fn held_pieces_are_never_written_and_the_last_goes_over_the_network() {
        let mut pool = pool();
        let held: Vec<ZBytes> =
            (0..PIECES).map(|n| pool.lend(&vec![u8::try_from(n).unwrap(); LEAST]).unwrap()).collect();
        // This process lives, and says so: however long it holds them.
        std::thread::sleep(LONGEST + Duration::from_millis(300));
        for _ in 0..3 {
            assert!(pool.lend(&vec![99; LEAST]).is_none());
        }
        for (n, lent) in held.iter().enumerate() {
            assert!(lent.to_bytes().iter().all(|byte| usize::from(*byte) == n), "piece {n}");
        }
        let counts = pool.shared.counts();
        assert_eq!((counts.lent, counts.held_back, counts.taken_back), (PIECES as u64, 3, 0));
        drop(held);
        assert!(pool.lend(&vec![1; LEAST]).is_some());
    }

    #[test]
    fn what_nobody_can_map_and_what_is_small_takes_none() {
        let peer = ZenohId::default();
        let mut pool = Pool::new("/image", Arc::default());
        assert!(pool.lend(&[0; LEAST]).is_none());
        pool.shared.note(peer, true);
        assert!(pool.lend(&[0; LEAST - 1]).is_none());
        assert!(pool.pieces.is_empty());
        assert!(pool.lend(&[0; LEAST]).is_some());
        pool.shared.note(peer, false);
        assert!(pool.lend(&[0; LEAST]).is_none());
    }

    #[test]
    fn a_piece_has_at_most_a_quarter_of_air() {
        for len in [LEAST, 100_000, 921_700, 6_220_900, 24_883_300] {
            let room = room_for(len);
            assert!(room >= len && room <= len + len / 4 + 4096, "{len}: {room}");
        }
    }
}
