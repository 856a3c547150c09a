//! One Zenoh session, found without a daemon.
//!
//! Peers of one host meet at a TCP port on the loopback interface, the one where an rmw_zenoh router listens. Whoever
//! finds nobody there becomes the meeting point itself; when two try at once, the one that loses the port connects. A
//! configuration file in `ZENOH_SESSION_CONFIG_URI` replaces all of this, as it does for rmw_zenoh.

use std::net::{SocketAddr, TcpStream};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use peregrine_core::Exports;
use zenoh::{Config, Session, Wait};

use crate::distro::Distro;
use crate::error::{Error, Result, zenoh as failed};
use crate::form::KeyForm;
use crate::shm::{self, SharedMemory, SharedMemoryCounts};

/// Where peers of one host meet: rmw_zenoh's router port.
pub const MEETING_PORT: u16 = 7447;

/// Between two looks for a router.
const ROUTER_PERIOD: Duration = Duration::from_secs(1);

/// How to open a [`Link`].
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct LinkOptions {
    /// ROS domain id.
    pub domain: u32,
    /// The distribution whose peers are spoken to.
    pub distro: Distro,
    /// Whose keys are spoken.
    pub keys: KeyForm,
    /// Security enclave, "/" for none; it only shows in the graph.
    pub enclave: String,
    /// The loopback port to meet at.
    pub port: u16,
    /// Become the meeting point when nobody is there. Short-lived tools say no.
    pub may_host: bool,
    /// How often to look for a router, a second apart, before doing without; 0 waits until there is one.
    pub router_attempts: u64,
    /// A Zenoh configuration file (JSON5 or YAML) to use instead of the meeting point.
    pub config_file: Option<PathBuf>,
    /// Changes to the configuration: path and JSON5 value.
    pub overrides: Vec<(String, String)>,
    /// Which pictures may leave this host.
    pub exports: Exports,
}

impl LinkOptions {
    /// A link of domain 0 over `port`, with everything else by default and nothing taken from the environment. All pictures
    /// may leave: whoever writes this program knows what it publishes.
    pub fn new(port: u16, may_host: bool) -> Self {
        Self {
            domain: 0,
            distro: Distro::default(),
            keys: KeyForm::default(),
            enclave: "/".into(),
            port,
            may_host,
            router_attempts: 1,
            config_file: None,
            overrides: Vec::new(),
            exports: Exports::all(),
        }
    }

    /// From the environment: `ROS_DOMAIN_ID`, `PEREGRINE_ROS_DISTRO` or `ROS_DISTRO`, `PEREGRINE_ZENOH_KEYS`, `PEREGRINE_ZENOH_PORT`,
    /// `PEREGRINE_EXPORT` (topics of pictures that may leave this host; none when unset), `ZENOH_SESSION_CONFIG_URI`, `ZENOH_CONFIG_OVERRIDE`, `ZENOH_ROUTER_CHECK_ATTEMPTS`, `ROS_SECURITY_ENCLAVE_OVERRIDE`.
    ///
    /// # Errors
    /// PG-1204 to PG-1206.
    pub fn from_env(may_host: bool) -> Result<Self> {
        let port = match set("PEREGRINE_ZENOH_PORT") {
            Some(text) => text.parse().map_err(|_| config("PEREGRINE_ZENOH_PORT", &text, "not a port"))?,
            None => MEETING_PORT,
        };
        // Unset or below zero is one look in passing: rmw_zenoh waits by default because without a router its nodes do
        // not find each other, ours do.
        let router_attempts = match set("ZENOH_ROUTER_CHECK_ATTEMPTS") {
            Some(text) => match text.parse::<i64>() {
                Ok(attempts @ 0..) => attempts.unsigned_abs(),
                Ok(_) => 1,
                Err(_) => return Err(config("ZENOH_ROUTER_CHECK_ATTEMPTS", &text, "not a whole number")),
            },
            None => 1,
        };
        let overrides = match set("ZENOH_CONFIG_OVERRIDE") {
            Some(text) => parse_overrides(&text)?,
            None => Vec::new(),
        };
        Ok(Self {
            domain: domain_from_env()?,
            distro: Distro::from_env()?,
            keys: KeyForm::from_env()?,
            enclave: set("ROS_SECURITY_ENCLAVE_OVERRIDE").unwrap_or_else(|| "/".into()),
            router_attempts,
            config_file: set("ZENOH_SESSION_CONFIG_URI").map(PathBuf::from),
            overrides,
            exports: Exports::from_env(),
            ..Self::new(port, may_host)
        })
    }
}

fn set(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|value| !value.is_empty())
}

fn config(variable: &'static str, value: &str, why: impl ToString) -> Error {
    Error::Config { variable, value: value.to_owned(), why: why.to_string() }
}

/// `path=value;path=value`, as rmw_zenoh reads it.
fn parse_overrides(text: &str) -> Result<Vec<(String, String)>> {
    let parts = text.split(';').map(str::trim).filter(|part| !part.is_empty());
    parts
        .map(|part| match part.split_once('=') {
            Some((path, value)) if !path.trim().is_empty() && !value.trim().is_empty() => {
                Ok((path.trim().to_owned(), value.trim().to_owned()))
            }
            _ => Err(config("ZENOH_CONFIG_OVERRIDE", part, "write it as path=value;path=value")),
        })
        .collect()
}

/// `ROS_DOMAIN_ID`, 0 when unset.
fn domain_from_env() -> Result<u32> {
    match set("ROS_DOMAIN_ID") {
        Some(value) => match value.parse() {
            Ok(domain @ 0..=232) => Ok(domain),
            _ => Err(Error::Domain { value }),
        },
        None => Ok(0),
    }
}

/// An open session and what it speaks.
#[derive(Debug, Clone)]
pub struct Link {
    pub(crate) session: Session,
    pub(crate) domain: u32,
    pub(crate) distro: Distro,
    pub(crate) keys: KeyForm,
    pub(crate) enclave: String,
    pub(crate) shared_memory: Arc<SharedMemory>,
    pub(crate) exports: Exports,
    hosts: bool,
}

impl Link {
    /// Opens a session. `Ok(None)` when nobody is there to meet and this program may not host.
    ///
    /// # Errors
    /// PG-1201, PG-1206.
    pub fn open(options: &LinkOptions) -> Result<Option<Self>> {
        let link = |session: Session, hosts| -> Result<Option<Self>> {
            let shared_memory = SharedMemory::watch(&session)?;
            Ok(Some(Self {
                session,
                domain: options.domain,
                distro: options.distro,
                keys: options.keys,
                enclave: options.enclave.clone(),
                shared_memory,
                exports: options.exports.clone(),
                hosts,
            }))
        };
        if let Some(file) = &options.config_file {
            let shown = file.display().to_string();
            let read = Config::from_file(file).map_err(|e| config("ZENOH_SESSION_CONFIG_URI", &shown, e))?;
            let session = open(read, options)?.map_err(failed("open a session with", &shown))?;
            return link(session, false);
        }
        let endpoint = format!("tcp/127.0.0.1:{}", options.port);
        let mut hosting_failed = 0;
        let mut looks = 0;
        loop {
            if someone_listens(options.port) {
                let session =
                    open(meeting(None, Some(&endpoint))?, options)?.map_err(failed("connect", &endpoint))?;
                return link(session, false);
            }
            looks += 1;
            if options.router_attempts == 0 || looks < options.router_attempts {
                if looks == 1 {
                    tracing::warn!(
                        "PG-1209: no Zenoh router at {endpoint} yet; waiting for one, as ZENOH_ROUTER_CHECK_ATTEMPTS asks: \
                         `ros2 run rmw_zenoh_cpp rmw_zenohd` starts it"
                    );
                }
                std::thread::sleep(ROUTER_PERIOD);
                continue;
            }
            if !options.may_host {
                return Ok(None);
            }
            match open(meeting(Some(&endpoint), None)?, options)? {
                Ok(session) => {
                    say_who_hosts(&endpoint);
                    return link(session, true);
                }
                Err(error) if hosting_failed == 2 => return Err(failed("listen", &endpoint)(error)),
                Err(_) => {
                    hosting_failed += 1;
                    std::thread::sleep(Duration::from_millis(50));
                }
            }
        }
    }

    /// True when other processes meet at this one.
    pub fn hosts(&self) -> bool {
        self.hosts
    }

    /// The ROS domain.
    pub fn domain(&self) -> u32 {
        self.domain
    }

    /// The distribution whose peers are spoken to.
    pub fn distro(&self) -> Distro {
        self.distro
    }

    /// Whose keys are spoken.
    pub fn keys(&self) -> KeyForm {
        self.keys
    }

    /// What went to peers of this host in memory that they share.
    pub fn shared_memory(&self) -> SharedMemoryCounts {
        self.shared_memory.counts()
    }

    /// Ends the session; tokens are withdrawn.
    pub fn close(&self) {
        if let Err(error) = self.session.close().wait() {
            tracing::warn!("PG-1201: the Zenoh session did not close cleanly: {error}");
        }
    }

    /// The key of a topic or service here.
    pub(crate) fn key(&self, name: &str, type_name: &str, hash: &str) -> String {
        self.keys.key(self.domain, name, type_name, self.distro.hash(hash))
    }
}

/// To somebody who works with ROS 2 a missing router is a warning; to others it is how things are.
fn say_who_hosts(endpoint: &str) {
    let ros = ["ROS_DISTRO", "ROS_DOMAIN_ID", "RMW_IMPLEMENTATION", "AMENT_PREFIX_PATH"];
    if ros.iter().any(|name| std::env::var_os(name).is_some()) {
        tracing::warn!(
            "PG-1210: no Zenoh router at {endpoint}: this process is the meeting point of this host until it ends, and \
             nothing reaches other hosts; start `ros2 run rmw_zenoh_cpp rmw_zenohd` (or any Zenoh router) first"
        );
    } else {
        tracing::info!("this process is the meeting point of this host, at {endpoint}");
    }
}

fn someone_listens(port: u16) -> bool {
    TcpStream::connect_timeout(&SocketAddr::from(([127, 0, 0, 1], port)), Duration::from_millis(200)).is_ok()
}

/// Opens a session with the options' overrides; the inner result is Zenoh's, the outer the overrides'.
fn open(mut base: Config, options: &LinkOptions) -> Result<zenoh::Result<Session>> {
    // What is kept for late joiners is told apart by its stamp.
    base.insert_json5("timestamping/enabled", "true")
        .map_err(failed("take its configuration", "timestamping"))?;
    for (path, value) in &options.overrides {
        base.insert_json5(path, value)
            .map_err(|e| config("ZENOH_CONFIG_OVERRIDE", &format!("{path}={value}"), e))?;
    }
    let session = zenoh::open(base.clone()).wait();
    if session.as_ref().is_err_and(shm::is_the_cause) && base.insert_json5(shm::ENABLED, "false").is_ok() {
        shm::say_refused(session.err());
        return Ok(zenoh::open(base).wait());
    }
    Ok(session)
}

/// No scouting on any network: peers are found at the meeting point and through its gossip, on loopback alone.
fn meeting(listen: Option<&str>, connect: Option<&str>) -> Result<Config> {
    let mut config = Config::default();
    let listen = listen.map_or_else(|| "tcp/127.0.0.1:0".to_owned(), str::to_owned);
    let mode = if connect.is_none() { "\"router\"" } else { "\"peer\"" };
    let connect = connect.map_or_else(|| "[]".to_owned(), |c| format!("[\"{c}\"]"));
    for (key, value) in [
        ("mode", mode),
        ("listen/endpoints", &format!("[\"{listen}\"]")),
        ("listen/exit_on_failure", "true"),
        ("connect/endpoints", &connect),
        ("scouting/multicast/enabled", "false"),
        ("scouting/gossip/enabled", "true"),
        // What is large is put there by ourselves: Zenoh would copy it twice, and take a piece back from a reader that
        // was not heard of for a tenth of a second.
        (shm::IMPLICIT, "false"),
    ] {
        config.insert_json5(key, value).map_err(failed("take its configuration", key))?;
    }
    Ok(config)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn overrides_are_those_of_rmw_zenoh() {
        let parsed = parse_overrides("mode=\"client\"; connect/endpoints=[\"tcp/a:1\"] ;").unwrap();
        assert_eq!(parsed[0], ("mode".into(), "\"client\"".into()));
        assert_eq!(parsed[1], ("connect/endpoints".into(), "[\"tcp/a:1\"]".into()));
        for bad in ["mode", "=1", "mode="] {
            assert!(parse_overrides(bad).unwrap_err().to_string().contains("PG-1206"), "{bad}");
        }
    }

    #[test]
    fn a_bad_override_and_a_missing_file_are_named() {
        let mut options = LinkOptions::new(1, true);
        options.overrides = vec![("no/such/key".into(), "1".into())];
        let error = Link::open(&options).unwrap_err().to_string();
        assert!(error.contains("PG-1206") && error.contains("no/such/key=1"), "{error}");
        options.config_file = Some("/no/such/file.json5".into());
        let error = Link::open(&options).unwrap_err().to_string();
        assert!(error.contains("ZENOH_SESSION_CONFIG_URI") && error.contains("/no/such/file"), "{error}");
    }
}
