//! Hosts on the network that take models: who is there, and one step with one of them.

use std::time::Duration;

use peregrine_detector::algo::transfer::{from_request, to_reply};
use peregrine_models::update::transfer::{Reply, Request, host_of_service};
use peregrine_msgs::cdr;
use peregrine_msgs::peregrine_msgs::ModelTransferResponse;
use peregrine_msgs::registry::find_service;
use peregrine_zenoh::{Inspector, Link, LinkOptions};

use crate::error::{Error, Result};

/// How long the graph is asked for.
const LOOK: Duration = Duration::from_millis(1500);
/// How long one step may take.
pub(super) const STEP: Duration = Duration::from_secs(10);
/// The service's type.
const TYPE: &str = "peregrine_msgs/srv/ModelTransfer";
/// A host: what people call it, and its service.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Host {
    pub name: String,
    pub service: String,
}

impl Host {
    /// `/robot1/model_store/transfer` is `robot1`; `/model_store/transfer` is `model_store`.
    fn of_service(service: &str) -> Self {
        let name = host_of_service(service);
        Self { name: name.to_owned(), service: service.to_owned() }
    }

    /// Whether `pattern` means this host: its name, a namespace that it lies in, or a name with `*` for any letters.
    fn is_meant(&self, pattern: &str) -> bool {
        let pattern = pattern.trim_matches('/');
        if pattern.contains('*') {
            return fits(pattern.as_bytes(), self.name.as_bytes());
        }
        self.name == pattern || self.name.strip_prefix(pattern).is_some_and(|rest| rest.starts_with('/'))
    }
}

/// `*` stands for any letters.
fn fits(pattern: &[u8], text: &[u8]) -> bool {
    match pattern.split_first() {
        None => text.is_empty(),
        Some((b'*', rest)) => (0..=text.len()).any(|skip| fits(rest, &text[skip..])),
        Some((letter, rest)) => text.first() == Some(letter) && fits(rest, &text[1..]),
    }
}

/// A way to them.
#[derive(Clone)]
pub(super) struct Hosts {
    link: Link,
}

impl Hosts {
    pub fn open() -> Result<Self> {
        let options = LinkOptions::from_env(false)?;
        let link = Link::open(&options)?.ok_or(Error::NobodyThere { port: options.port })?;
        Ok(Self { link })
    }

    pub fn close(self) {
        self.link.close();
    }

    /// All that are there, by name.
    pub fn all(&self) -> Result<Vec<Host>> {
        let found = Inspector::new(self.link.clone()).services(LOOK)?;
        let mut hosts: Vec<Host> =
            found.iter().filter(|s| s.type_name == TYPE).map(|s| Host::of_service(&s.name)).collect();
        hosts.sort();
        hosts.dedup();
        Ok(hosts)
    }

    /// Those that `pattern` means, at least one.
    pub fn find(&self, pattern: &str) -> Result<Vec<Host>> {
        let all = self.all()?;
        let meant: Vec<Host> = all.iter().filter(|host| host.is_meant(pattern)).cloned().collect();
        if !meant.is_empty() {
            return Ok(meant);
        }
        let there = match all.len() {
            0 => "no host here takes models: start `peregrine run model_store -p store:=FOLDER` beside its detector".to_owned(),
            count => {
                let first: Vec<&str> = all.iter().take(8).map(|host| host.name.as_str()).collect();
                let more = if count > 8 { format!(" and {} more", count - 8) } else { String::new() };
                format!("neither a folder here nor a host that answers; there are {}{more}", first.join(", "))
            }
        };
        Err(Error::Argument { what: "host", value: pattern.to_owned(), why: there })
    }

    /// One step, and the answer.
    pub fn ask(&self, host: &Host, request: Request) -> Result<Reply> {
        let support = find_service(TYPE)
            .ok_or_else(|| Error::UnknownType { topic: host.service.clone(), type_name: TYPE.to_owned() })?;
        let bytes = cdr::to_vec(&from_request(request));
        let answer = Inspector::new(self.link.clone()).call(&host.service, support, bytes, STEP)?;
        let message: ModelTransferResponse = cdr::from_slice(&answer)?;
        Ok(to_reply(&message))
    }

    /// The same after a cut, over a link of its own if there is one to be had: the meeting point may have been the one that was
    /// cut.
    pub fn reopen(&mut self) {
        if let Ok(fresh) = Self::open() {
            std::mem::replace(self, fresh).close();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_host_is_meant_by_its_name_its_namespace_or_a_star() {
        let host = Host::of_service("/fleet/r17/model_store/transfer");
        for (pattern, meant) in [
            ("fleet/r17", true),
            ("/fleet/r17", true),
            ("fleet", true),
            ("fleet/r1", false),
            ("fleet/r1*", true),
            ("*", true),
            ("fle", false),
            ("*17", true),
            ("*18", false),
            ("fleet/r17*", true),
        ] {
            assert_eq!(host.is_meant(pattern), meant, "{pattern}");
        }
    }
}
