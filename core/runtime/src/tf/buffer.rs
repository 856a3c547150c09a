//! The buffer: a tree of frames over time, and questions to it.
//!
//! Pure: it is handed every time and reads no clock. The rules are those of tf2: time zero means "the latest that all of
//! the chain has", a stamp before the newest is put in its place, what is older than the cache time is forgotten, static
//! transforms hold for all times. Foote, "tf: The transform library", TePRA 2013.

use std::collections::BTreeMap;
use std::time::Duration;

use peregrine_msgs::tf2_msgs::TFMessage;
use thiserror::Error;

use super::Transform;
use super::track::{Sample, Track};
use super::transform::from_msg;
use crate::suggest::did_you_mean;
use crate::time::Time;

/// Why the buffer has no answer.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum TfError {
    /// A frame that nobody has published.
    #[error("PG-0230: no frame '{frame}' is known{hint}; see that its broadcaster runs")]
    UnknownFrame {
        /// The frame.
        frame: String,
        /// ": did you mean 'x'?" or nothing.
        hint: String,
    },
    /// Two frames that no chain connects.
    #[error(
        "PG-0231: frames '{target}' and '{source_frame}' are in different trees; a transform between them is missing"
    )]
    NotConnected {
        /// The frame asked into.
        target: String,
        /// The frame asked from.
        source_frame: String,
    },
    /// A time that the transforms on the way do not cover.
    #[error(
        "PG-0232: '{frame}' is known from {earliest_ns} ns to {latest_ns} ns, not at {asked_ns} ns; wait for it, or ask for \
         time 0, the latest"
    )]
    Extrapolation {
        /// The frame whose transform does not reach.
        frame: String,
        /// Time asked for, ns.
        asked_ns: i64,
        /// First time it covers, ns.
        earliest_ns: i64,
        /// Last time it covers, ns.
        latest_ns: i64,
    },
    /// A transform that cannot be used.
    #[error("PG-0233: the transform '{parent}' -> '{child}' is refused: {reason}; its broadcaster is wrong")]
    Refused {
        /// The parent frame.
        parent: String,
        /// The child frame.
        child: String,
        /// Why.
        reason: &'static str,
    },
}

/// Transforms of the last seconds.
#[derive(Debug, Clone)]
pub struct TfBuffer {
    keep_ns: i64,
    names: Vec<String>,
    ids: BTreeMap<String, usize>,
    tracks: Vec<Option<Track>>,
}

impl Default for TfBuffer {
    /// Ten seconds, as tf2 does.
    fn default() -> Self {
        Self::new(Duration::from_secs(10))
    }
}

/// Frames deeper than this are a loop.
const MAX_DEPTH: usize = 1000;

impl TfBuffer {
    /// A buffer that keeps `cache` of time.
    #[must_use]
    pub fn new(cache: Duration) -> Self {
        Self {
            keep_ns: i64::try_from(cache.as_nanos()).unwrap_or(i64::MAX),
            names: Vec::new(),
            ids: BTreeMap::new(),
            tracks: Vec::new(),
        }
    }

    /// Takes one transform: `p_parent = transform * p_child`. Names may have tf1's leading slash. A second one of the same
    /// time is ignored, as is one older than the cache.
    ///
    /// # Errors
    /// PG-0233 for names that are empty or equal, and for a loop.
    pub fn set(
        &mut self,
        parent: &str,
        child: &str,
        time: Time,
        transform: Transform,
        is_static: bool,
    ) -> Result<(), TfError> {
        let (parent, child) = (parent.trim_start_matches('/'), child.trim_start_matches('/'));
        let refuse =
            |reason| Err(TfError::Refused { parent: parent.to_owned(), child: child.to_owned(), reason });
        if parent.is_empty() || child.is_empty() {
            return refuse("a frame without a name");
        }
        if parent == child {
            return refuse("a frame cannot be its own parent");
        }
        let (parent_id, child_id) = (self.id(parent), self.id(child));
        if self.is_below(parent_id, child_id) {
            return refuse("it would close a loop");
        }
        if is_static {
            self.tracks[child_id] = Some(Track::Static { parent: parent_id, transform });
            return Ok(());
        }
        let sample = Sample { time, parent: parent_id, transform };
        match &mut self.tracks[child_id] {
            Some(track) => {
                track.add(sample, self.keep_ns);
            }
            empty => *empty = Some(Track::Moving([sample].into())),
        }
        Ok(())
    }

    /// Takes a message of `/tf` or `/tf_static`. Wrong transforms are left out; the first error among them is returned, the
    /// others are taken all the same.
    ///
    /// # Errors
    /// PG-0233.
    pub fn take(&mut self, message: &TFMessage, is_static: bool) -> Result<(), TfError> {
        let mut first = Ok(());
        for stamped in &message.transforms {
            let (parent, child) = (&stamped.header.frame_id, &stamped.child_frame_id);
            let outcome = match from_msg(&stamped.transform) {
                Some(transform) => {
                    self.set(parent, child, Time::from_msg(&stamped.header.stamp), transform, is_static)
                }
                None => Err(TfError::Refused {
                    parent: parent.clone(),
                    child: child.clone(),
                    reason: "a number is not finite, or the quaternion has no length",
                }),
            };
            first = first.and(outcome);
        }
        first
    }

    /// Forgets all that moves, for a clock that jumped back: a restarted simulator or a bag that plays again.
    pub fn clear(&mut self) {
        for track in &mut self.tracks {
            if matches!(track, Some(Track::Moving(_))) {
                *track = None;
            }
        }
    }

    /// Where `source` is in `target` at `time` (zero: the latest): `p_target = result * p_source`.
    ///
    /// # Errors
    /// PG-0230 to PG-0232.
    pub fn lookup(&self, target: &str, source: &str, time: Time) -> Result<Transform, TfError> {
        let (target_id, source_id) = (self.find(target)?, self.find(source)?);
        if target_id == source_id {
            return Ok(Transform::identity());
        }
        let time = if time == Time::ZERO { self.latest_of(target_id, source_id)? } else { time };
        let up_from_source = self.chain(source_id, time);
        let up_from_target = self.chain(target_id, time);
        let meeting = up_from_source.iter().find_map(|(id, from_source)| {
            let (_, from_target) = up_from_target.iter().find(|(other, _)| other == id)?;
            Some(from_target.inverse() * from_source)
        });
        meeting.ok_or_else(|| self.why_not(target_id, source_id, time))
    }

    /// Where `source` was at `source_time`, seen from `target` at `target_time`, through `fixed`, a frame that does not move
    /// in between: how far an obstacle seen a moment ago is now.
    ///
    /// # Errors
    /// PG-0230 to PG-0232.
    pub fn lookup_full(
        &self,
        target: &str,
        target_time: Time,
        source: &str,
        source_time: Time,
        fixed: &str,
    ) -> Result<Transform, TfError> {
        Ok(self.lookup(target, fixed, target_time)? * self.lookup(fixed, source, source_time)?)
    }

    /// The latest time at which [`Self::lookup`] has an answer; zero when it has one at all times.
    ///
    /// # Errors
    /// PG-0230 and PG-0231.
    pub fn latest(&self, target: &str, source: &str) -> Result<Time, TfError> {
        self.latest_of(self.find(target)?, self.find(source)?)
    }

    /// All frames, by name.
    pub fn frames(&self) -> impl Iterator<Item = &str> {
        self.ids.keys().map(String::as_str)
    }

    fn id(&mut self, name: &str) -> usize {
        if let Some(id) = self.ids.get(name) {
            return *id;
        }
        let id = self.names.len();
        self.names.push(name.to_owned());
        self.ids.insert(name.to_owned(), id);
        self.tracks.push(None);
        id
    }

    fn find(&self, name: &str) -> Result<usize, TfError> {
        let name = name.trim_start_matches('/');
        self.ids.get(name).copied().ok_or_else(|| TfError::UnknownFrame {
            frame: name.to_owned(),
            hint: did_you_mean(name, self.frames()),
        })
    }

    /// Whether `frame` hangs below `ancestor`, by the present parents.
    fn is_below(&self, frame: usize, ancestor: usize) -> bool {
        self.ancestors(frame).any(|id| id == ancestor)
    }

    /// The frame, its parent and so on, by the present parents.
    fn ancestors(&self, frame: usize) -> impl Iterator<Item = usize> + '_ {
        std::iter::successors(Some(frame), |id| self.tracks[*id].as_ref().and_then(Track::parent))
            .take(MAX_DEPTH)
    }

    /// The frame and its ancestors at `time`, each with the transform from the frame to it; it ends where `time` is not
    /// covered.
    fn chain(&self, frame: usize, time: Time) -> Vec<(usize, Transform)> {
        let mut chain = vec![(frame, Transform::identity())];
        let (mut id, mut sum) = (frame, Transform::identity());
        while let Some((parent, step)) = self.tracks[id].as_ref().and_then(|track| track.at(time)) {
            sum = step * sum;
            id = parent;
            chain.push((id, sum));
            if chain.len() > MAX_DEPTH {
                break;
            }
        }
        chain
    }

    fn not_connected(&self, target: usize, source: usize) -> TfError {
        TfError::NotConnected { target: self.names[target].clone(), source_frame: self.names[source].clone() }
    }

    /// The frames on the way between the two, the one where their ways meet left out: it does not move for them.
    fn way(&self, target: usize, source: usize) -> Result<Vec<usize>, TfError> {
        let (up, down): (Vec<_>, Vec<_>) =
            (self.ancestors(source).collect(), self.ancestors(target).collect());
        let meeting =
            up.iter().find(|id| down.contains(id)).ok_or_else(|| self.not_connected(target, source))?;
        let until =
            |chain: &[usize]| chain.iter().copied().take_while(|id| id != meeting).collect::<Vec<_>>();
        Ok([until(&up), until(&down)].concat())
    }

    fn latest_of(&self, target: usize, source: usize) -> Result<Time, TfError> {
        let way = self.way(target, source)?;
        let latest = way.iter().filter_map(|id| self.tracks[*id].as_ref().and_then(Track::latest)).min();
        Ok(latest.unwrap_or(Time::ZERO))
    }

    fn why_not(&self, target: usize, source: usize, time: Time) -> TfError {
        let way = match self.way(target, source) {
            Ok(way) => way,
            Err(error) => return error,
        };
        let missing =
            way.into_iter().find(|id| self.tracks[*id].as_ref().is_none_or(|t| t.at(time).is_none()));
        let Some(frame) = missing else { return self.not_connected(target, source) };
        let track = self.tracks[frame].as_ref();
        let ns = |time: Option<Time>| time.map_or(0, |time| time.0);
        TfError::Extrapolation {
            frame: self.names[frame].clone(),
            asked_ns: time.0,
            earliest_ns: ns(track.and_then(Track::earliest)),
            latest_ns: ns(track.and_then(Track::latest)),
        }
    }
}
