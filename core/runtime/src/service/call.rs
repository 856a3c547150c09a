//! What travels: a request with the way back to its sender, and an answer.

use std::any::Any;
use std::sync::{Arc, Mutex, PoisonError};

use peregrine_msgs::{Message, cdr};

use super::CallError;
use super::server::RemoteReply;
use crate::message::ErasedMessage;
use crate::topic::Topic;

/// Where an answer goes.
pub(super) enum ReplyTo {
    /// To a client of this process.
    Local { replies: Arc<Topic>, sequence: i64 },
    /// Out of the process.
    Remote(RemoteReply),
}

/// A request on its way to the server.
pub(super) struct Call<R> {
    pub request: R,
    reply: Mutex<Option<ReplyTo>>,
}

impl<R> Call<R> {
    pub fn new(request: R, reply: ReplyTo) -> Self {
        Self { request, reply: Mutex::new(Some(reply)) }
    }

    /// The way back; a call is answered once.
    pub fn take_reply(&self) -> Option<ReplyTo> {
        self.reply.lock().unwrap_or_else(PoisonError::into_inner).take()
    }
}

/// An answer on its way to the client.
pub(super) struct Answer<R> {
    pub sequence: i64,
    pub outcome: Result<R, CallError>,
}

impl<R: Message> ErasedMessage for Call<R> {
    fn as_any(&self) -> &dyn Any {
        self
    }
    fn write_cdr(&self, out: &mut Vec<u8>) {
        cdr::to_buf(&self.request, out);
    }
}

impl<R: Message> ErasedMessage for Answer<R> {
    fn as_any(&self) -> &dyn Any {
        self
    }
    /// The answer, or the reason why there is none: what the topic log hashes.
    fn write_cdr(&self, out: &mut Vec<u8>) {
        match &self.outcome {
            Ok(response) => cdr::to_buf(response, out),
            Err(error) => out.extend_from_slice(error.to_string().as_bytes()),
        }
    }
}
