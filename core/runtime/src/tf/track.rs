//! One frame's transform to its parent over time.

use std::collections::VecDeque;

use super::Transform;
use super::transform::between;
use crate::time::Time;

/// What is known of a frame's place in its parent.
#[derive(Debug, Clone)]
pub(super) enum Track {
    /// It never moves.
    Static { parent: usize, transform: Transform },
    /// It moved through these, oldest first, stamps rising strictly.
    Moving(VecDeque<Sample>),
}

/// A frame's place at one time.
#[derive(Debug, Clone, Copy)]
pub(super) struct Sample {
    pub time: Time,
    pub parent: usize,
    pub transform: Transform,
}

impl Track {
    /// The latest time it covers; `None` when it covers all times.
    pub fn latest(&self) -> Option<Time> {
        match self {
            Self::Static { .. } => None,
            Self::Moving(samples) => samples.back().map(|s| s.time),
        }
    }

    /// The earliest time it covers; `None` when it covers all times.
    pub fn earliest(&self) -> Option<Time> {
        match self {
            Self::Static { .. } => None,
            Self::Moving(samples) => samples.front().map(|s| s.time),
        }
    }

    /// The present parent.
    pub fn parent(&self) -> Option<usize> {
        match self {
            Self::Static { parent, .. } => Some(*parent),
            Self::Moving(samples) => samples.back().map(|s| s.parent),
        }
    }

    /// Adds a sample in order of time and forgets what is older than `keep_ns` before the newest. False when it is itself
    /// too old to keep, or its time is there already.
    pub fn add(&mut self, sample: Sample, keep_ns: i64) -> bool {
        let Self::Moving(samples) = self else {
            *self = Self::Moving(VecDeque::from([sample]));
            return true;
        };
        let newest = samples.back().map_or(sample.time, |s| s.time.max(sample.time));
        if newest - sample.time > keep_ns {
            return false;
        }
        let at = samples.partition_point(|s| s.time < sample.time);
        if samples.get(at).is_some_and(|s| s.time == sample.time) {
            return false;
        }
        samples.insert(at, sample);
        while samples.front().is_some_and(|s| newest - s.time > keep_ns) {
            samples.pop_front();
        }
        true
    }

    /// The parent and the transform to it at `time`: `p_parent = transform * p_frame`. `None` when `time` is not covered.
    pub fn at(&self, time: Time) -> Option<(usize, Transform)> {
        let samples = match self {
            Self::Static { parent, transform } => return Some((*parent, *transform)),
            Self::Moving(samples) => samples,
        };
        let after = samples.partition_point(|s| s.time < time);
        let next = samples.get(after)?;
        if next.time == time {
            return Some((next.parent, next.transform));
        }
        let before = samples.get(after.checked_sub(1)?)?;
        if before.parent != next.parent {
            // Between two parents there is no way in between: the earlier one holds until the later is reached.
            return Some((before.parent, before.transform));
        }
        let ratio = (time - before.time) as f64 / (next.time - before.time) as f64;
        Some((before.parent, between(&before.transform, &next.transform, ratio)))
    }
}
