//! Whose frames wait for the next inference, and when it is due.

/// The newest frame of each camera waits until all have one, until one camera's next frame is there before another's, or
/// until the first has waited long enough. Who has waited longest goes first. No allocation after it was made.
#[derive(Debug)]
pub struct Waiting {
    /// When each camera's frame came, by its first one since the last turn, nanoseconds.
    since: Vec<Option<i64>>,
    overtaken: Vec<u64>,
    /// Cameras by age of their frames, oldest first.
    order: Vec<usize>,
    most: usize,
    wait_ns: i64,
}

impl Waiting {
    /// For so many cameras, `most` images in one inference, and the longest wait.
    pub fn new(cameras: usize, most: usize, wait_ns: i64) -> Self {
        Self {
            since: vec![None; cameras],
            overtaken: vec![0; cameras],
            order: Vec::with_capacity(cameras),
            most: most.max(1),
            wait_ns,
        }
    }

    /// A frame of `camera` came: whether the inference is due.
    pub fn add(&mut self, camera: usize, now_ns: i64) -> bool {
        let again = self.since[camera].is_some();
        if again {
            self.overtaken[camera] += 1;
        } else {
            self.since[camera] = Some(now_ns);
            self.order.push(camera);
        }
        again || self.order.len() >= self.most.min(self.since.len()) || self.is_due(now_ns)
    }

    /// Whether some frame has waited long enough.
    pub fn is_due(&self, now_ns: i64) -> bool {
        let first = self.order.first().and_then(|camera| self.since[*camera]);
        first.is_some_and(|since| now_ns - since >= self.wait_ns)
    }

    /// The cameras whose turn it is, who waited longest first.
    pub fn take(&mut self) -> impl Iterator<Item = usize> + '_ {
        let count = self.order.len().min(self.most);
        for camera in &self.order[..count] {
            self.since[*camera] = None;
        }
        self.order.drain(..count)
    }

    /// How many frames of a camera were overtaken by its next.
    pub fn overtaken(&self, camera: usize) -> u64 {
        self.overtaken[camera]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn take(waiting: &mut Waiting) -> Vec<usize> {
        waiting.take().collect()
    }

    #[test]
    fn all_go_together_when_all_are_there() {
        let mut waiting = Waiting::new(3, 8, 100);
        assert!(!waiting.add(2, 0) && !waiting.add(0, 10) && waiting.add(1, 20));
        assert_eq!(take(&mut waiting), [2, 0, 1]);
        assert!(take(&mut waiting).is_empty());
        assert!(!waiting.is_due(1_000_000), "nobody waits");
    }

    #[test]
    fn nobody_waits_for_a_camera_that_is_gone() {
        let mut waiting = Waiting::new(2, 8, 100);
        assert!(!waiting.add(0, 0) && !waiting.is_due(99) && waiting.is_due(100));
        assert_eq!(take(&mut waiting), [0]);
        assert!(!waiting.add(0, 200) && waiting.add(0, 233), "its next frame is there already");
        assert_eq!((take(&mut waiting), waiting.overtaken(0), waiting.overtaken(1)), (vec![0], 1, 0));
    }

    #[test]
    fn more_cameras_than_room_take_turns() {
        let mut waiting = Waiting::new(3, 2, 100);
        assert!(!waiting.add(0, 0) && waiting.add(1, 1));
        assert_eq!(take(&mut waiting), [0, 1]);
        assert!(!waiting.add(2, 2) && waiting.add(0, 3) && waiting.add(1, 4));
        assert_eq!((take(&mut waiting), take(&mut waiting)), (vec![2, 0], vec![1]));
    }
}
