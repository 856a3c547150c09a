//! How often the autopilot's estimator began anew, from the counter that its odometry carries.
//!
//! The counter is a byte that wraps. What is told is the number of times that it changed: a reader compares it with the
//! last that it knew.

/// Counts changes of a reset counter.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Resets {
    last: Option<u8>,
    count: u32,
}

impl Resets {
    /// Takes in a counter. The number to be told, when it is the first or a new one.
    pub fn hear(&mut self, counter: u8) -> Option<u32> {
        let before = self.last.replace(counter);
        match before {
            Some(same) if same == counter => None,
            Some(_) => {
                self.count = self.count.wrapping_add(1);
                Some(self.count)
            }
            None => Some(self.count),
        }
    }

    /// Resets so far.
    #[must_use]
    pub fn count(&self) -> u32 {
        self.count
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn changes_are_counted_and_not_what_the_counter_says() {
        let mut resets = Resets::default();
        assert_eq!(
            [7, 7, 8, 8, 255, 0, 0].map(|c| resets.hear(c)),
            [Some(0), None, Some(1), None, Some(2), Some(3), None]
        );
        assert_eq!(resets.count(), 3);
    }
}
