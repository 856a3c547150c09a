//! The side that brings a model: which step comes next. Every answer is a stranger's.

use super::{Cargo, Reply, Request, Status, Verb};
use crate::{Error, Result};

/// Steps without progress before it is given up.
const MOST_STALLS: u32 = 16;

/// What to do next.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Next {
    /// Send this and hand the answer to [`Courier::next`].
    Send(Request),
    /// It is there, and waits for the detector; or, with `true`, it was there before.
    Done(bool),
}

enum At {
    Offered,
    File(usize),
    Committed,
}

/// Brings one cargo to one host.
pub struct Courier<'a> {
    cargo: &'a Cargo,
    at: At,
    have: Vec<u64>,
    stalls: u32,
    /// How often the host wanted bytes again that it had.
    rewinds: u32,
    /// Something was sent.
    moved: bool,
}

impl<'a> Courier<'a> {
    /// Begins; the first step is [`Cargo::offer`].
    pub fn new(cargo: &'a Cargo) -> Self {
        Self { cargo, at: At::Offered, have: vec![0; cargo.files.len()], stalls: 0, rewinds: 0, moved: false }
    }

    /// Begins again after a cut: [`Cargo::offer`] once more, and the host says how far it got.
    pub fn again(&mut self) -> Request {
        self.at = At::Offered;
        self.cargo.offer()
    }

    /// Bytes that the host has, and all.
    pub fn progress(&self) -> (u64, u64) {
        (self.have.iter().sum(), self.cargo.bytes())
    }

    /// The next step after an answer.
    ///
    /// # Errors
    /// `PG-1907` and `PG-1908` when the host refuses, `PG-1909` when nothing moves, `PG-0401` when the model cannot be read
    /// any more.
    pub fn next(&mut self, reply: &Reply) -> Result<Next> {
        reply.accepted()?;
        match (reply.status, &self.at) {
            (Status::Unknown, _) => {
                self.stall("the host forgets the transfer again and again")?;
                Ok(Next::Send(self.again()))
            }
            (Status::Resend, _) => {
                self.stall("the host wants the same bytes again and again")?;
                let index = self.cargo.files.iter().position(|file| file.name == reply.name);
                let index = index.filter(|i| reply.offset <= self.cargo.files[*i].size);
                let index =
                    index.ok_or_else(|| lost("the host asks for bytes that the model does not have"))?;
                if reply.offset < self.have[index] {
                    self.rewinds += 1;
                    if self.rewinds > MOST_STALLS / 2 {
                        return Err(lost("the host loses what it was sent"));
                    }
                }
                self.have[index] = reply.offset;
                self.step()
            }
            (_, At::Offered) => {
                if reply.have.len() != self.have.len() {
                    return Err(lost("the host's list of files is not the model's"));
                }
                for ((have, told), file) in self.have.iter_mut().zip(&reply.have).zip(&self.cargo.files) {
                    *have = (*told).min(file.size);
                }
                self.step()
            }
            (_, At::File(index)) => {
                let index = *index;
                if reply.offset <= self.have[index] || reply.offset > self.cargo.files[index].size {
                    self.stall("the host does not take what it is sent")?;
                } else {
                    self.stalls = 0;
                }
                self.moved = true;
                self.have[index] = reply.offset.min(self.cargo.files[index].size);
                self.step()
            }
            (_, At::Committed) => Ok(Next::Done(!self.moved)),
        }
    }

    fn stall(&mut self, what: &str) -> Result<()> {
        self.stalls += 1;
        if self.stalls > MOST_STALLS { Err(lost(what)) } else { Ok(()) }
    }

    fn step(&mut self) -> Result<Next> {
        let left = self.have.iter().zip(&self.cargo.files).position(|(have, file)| *have < file.size);
        Ok(Next::Send(match left {
            Some(index) => {
                self.at = At::File(index);
                self.cargo.chunk(index, self.have[index])?
            }
            None => {
                self.at = At::Committed;
                Request { model: self.cargo.id.clone(), ..Request::new(Verb::Commit) }
            }
        }))
    }
}

fn lost(detail: &str) -> Error {
    Error::TransferLost { detail: detail.to_owned() }
}
