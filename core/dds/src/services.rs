//! Services: requests of other processes for our servers, and our calls of theirs.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use peregrine_core::Context;
use peregrine_core::service::{CallError, Done, RemoteCalls, ServiceEntry, ServiceName};

use crate::error::Result;
use crate::rcl::{Client, Guard, Service};

/// How long a call waits for a server and its answer.
const PATIENCE: Duration = Duration::from_secs(10);

/// A service of this process.
pub(crate) struct Server {
    pub service: Arc<Service>,
    pub entry: ServiceEntry,
}

impl Server {
    /// Hands the next request to its node; false when there is none.
    pub fn take(&self, ctx: &Context) -> Result<bool> {
        let Some((id, request)) = self.service.take()? else { return Ok(false) };
        let service = self.service.clone();
        let reply = Box::new(move |outcome: std::result::Result<&[u8], &str>| match outcome {
            Ok(response) => {
                if let Err(error) = service.answer(id, response) {
                    tracing::warn!("{error}");
                }
            }
            Err(reason) => unanswered(service.name(), reason),
        });
        if let Err(error) = self.entry.call(ctx, request.as_slice(), reply) {
            unanswered(self.service.name(), &error.to_string());
        }
        Ok(true)
    }
}

/// ROS 2's services over DDS have no word for "refused".
fn unanswered(service: &str, reason: &str) {
    tracing::warn!(
        "PG-2107: a request of '{service}' gets no answer, and its client waits until it gives up: {reason}"
    );
}

/// What waits for the server of one client.
#[derive(Default)]
struct Calls {
    /// Not sent yet: nobody serves.
    waiting: Vec<(Instant, Vec<u8>, Done)>,
    /// Sent, by number.
    sent: BTreeMap<i64, (Instant, Done)>,
}

/// One client of this process.
pub(crate) struct Caller {
    pub client: Arc<Client>,
    calls: Mutex<Calls>,
}

impl Caller {
    pub fn new(client: Client) -> Self {
        Self { client: Arc::new(client), calls: Mutex::default() }
    }

    fn calls(&self) -> MutexGuard<'_, Calls> {
        self.calls.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Sends a request, or keeps it until there is a server. True when it is kept.
    fn call(&self, until: Instant, request: Vec<u8>, done: Done) -> bool {
        if !self.client.is_served().unwrap_or(false) {
            self.calls().waiting.push((until, request, done));
            return true;
        }
        // The answer may come before `send` returns: whoever takes it waits for this lock.
        let mut calls = self.calls();
        match self.client.send(&request) {
            Ok(number) => {
                calls.sent.insert(number, (until, done));
            }
            Err(error) => {
                drop(calls);
                tracing::warn!("{error}");
                self.give_up(done);
            }
        }
        false
    }

    /// Delivers the next answer; false when there is none.
    pub fn take(&self) -> Result<bool> {
        let Some((number, response)) = self.client.take()? else { return Ok(false) };
        let asked = self.calls().sent.remove(&number);
        if let Some((_, done)) = asked {
            done(Ok(response.as_slice()));
        }
        Ok(true)
    }

    /// Sends what waited, if there is a server now, and gives up what has waited too long. True while anything waits.
    pub fn tick(&self, now: Instant) -> bool {
        let (kept, late) = {
            let mut calls = self.calls();
            let kept = std::mem::take(&mut calls.waiting);
            let late: Vec<i64> = calls
                .sent
                .iter()
                .filter(|(_, (until, _))| *until <= now)
                .map(|(number, _)| *number)
                .collect();
            let late: Vec<_> = late.iter().filter_map(|number| calls.sent.remove(number)).collect();
            (kept, late)
        };
        late.into_iter().for_each(|(_, done)| self.give_up(done));
        for (until, request, done) in kept {
            if until <= now {
                self.give_up(done);
            } else {
                self.call(until, request, done);
            }
        }
        let calls = self.calls();
        !calls.waiting.is_empty() || !calls.sent.is_empty()
    }

    fn give_up(&self, done: Done) {
        done(Err(CallError::NoServer { service: self.client.name().to_owned() }));
    }
}

impl Drop for Caller {
    fn drop(&mut self) {
        let calls = std::mem::take(&mut *self.calls());
        let waiting = calls.waiting.into_iter().map(|(_, _, done)| done);
        waiting.chain(calls.sent.into_values().map(|(_, done)| done)).for_each(|done| self.give_up(done));
    }
}

/// Carries this process's calls to other processes.
pub(crate) struct Calling {
    /// By service and node.
    pub callers: BTreeMap<(String, Arc<str>), Arc<Caller>>,
    pub guard: Arc<Guard>,
}

impl RemoteCalls for Calling {
    fn call(&self, node: &Arc<str>, service: &ServiceName, request: Vec<u8>, done: Done) {
        let Some(caller) = self.callers.get(&(service.name.clone(), node.clone())) else {
            done(Err(CallError::NoServer { service: service.name.clone() }));
            return;
        };
        caller.call(Instant::now() + PATIENCE, request, done);
        // Its time limit, or its server, is the waiting thread's business.
        self.guard.wake();
    }
}
