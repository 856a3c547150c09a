//! Messages that are filled again and again, so that publishing one allocates nothing.
//!
//! Invariant: a message is touched only while nobody else holds it: not a reader that is slow, not a queue, not a transport.

use std::sync::Arc;

use peregrine_msgs::Message;

/// Most messages of one stock. More than that are held at once only by readers that keep what they got, or by a simulation's
/// round; then new ones are made.
const MOST: usize = 16;

/// The messages of one publisher, for [`Publisher::send_from`](crate::Publisher::send_from). Grows by itself to as many as are
/// held at once, at most 16; beyond that it makes new ones.
#[derive(Debug)]
pub struct Stock<M> {
    messages: Vec<Arc<M>>,
    /// Where the oldest lies.
    next: usize,
}

impl<M> Default for Stock<M> {
    fn default() -> Self {
        Self { messages: Vec::new(), next: 0 }
    }
}

impl<M: Message> Stock<M> {
    /// A message that nobody else holds, filled. It holds what it held the last time, or the default, before.
    pub(crate) fn fill(&mut self, fill: impl FnOnce(&mut M)) -> Arc<M> {
        let count = self.messages.len();
        let free = (0..count)
            .map(|step| (self.next + step) % count)
            .find(|index| Arc::get_mut(&mut self.messages[*index]).is_some());
        let index = match free {
            Some(index) => index,
            None if count < MOST => {
                self.messages.push(Arc::default());
                count
            }
            None => {
                // Its readers keep the old one.
                self.messages[self.next] = Arc::default();
                self.next
            }
        };
        self.next = (index + 1) % self.messages.len();
        let message = &mut self.messages[index];
        fill(Arc::make_mut(message));
        message.clone()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use peregrine_msgs::std_msgs::String as Text;

    #[test]
    fn what_is_held_is_left_alone_and_what_is_free_is_used_again() {
        let mut stock = Stock::<Text>::default();
        let first = stock.fill(|text| text.data.push('a'));
        let second = stock.fill(|text| text.data.push('b'));
        assert_eq!((first.data.as_str(), second.data.as_str()), ("a", "b"));
        let place = Arc::as_ptr(&second);
        drop(second);
        let third = stock.fill(|text| text.data.push('c'));
        assert_eq!(
            (third.data.as_str(), Arc::as_ptr(&third)),
            ("bc", place),
            "filled again, in the same place"
        );
        assert_eq!(first.data, "a");
    }

    #[test]
    fn readers_that_keep_everything_get_new_ones() {
        let mut stock = Stock::<Text>::default();
        let kept: Vec<_> = (0..50).map(|n| stock.fill(|text| text.data = n.to_string())).collect();
        assert!(kept.iter().enumerate().all(|(n, text)| text.data == n.to_string()));
        assert_eq!(stock.messages.len(), MOST);
    }
}
