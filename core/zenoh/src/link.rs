//! One Zenoh session, found without a daemon.
//!
//! Peers of one host meet at a TCP port on the loopback interface, the one where an rmw_zenoh router listens. Whoever
//! finds nobody there becomes the meeting point itself; when two try at once, the one that loses the port connects.

use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use zenoh::{Config, Session, Wait};

use crate::error::{Result, zenoh as failed};
use crate::keys::domain_from_env;

/// Where peers of one host meet: rmw_zenoh's router port.
pub const MEETING_PORT: u16 = 7447;

/// How to open a [`Link`].
#[derive(Debug, Clone)]
pub struct LinkOptions {
    /// ROS domain id.
    pub domain: u32,
    /// The loopback port to meet at.
    pub port: u16,
    /// Become the meeting point when nobody is there. Short-lived tools say no.
    pub may_host: bool,
}

impl LinkOptions {
    /// From `ROS_DOMAIN_ID` and `PEREGRINE_ZENOH_PORT`.
    ///
    /// # Errors
    /// PG-1204.
    pub fn from_env(may_host: bool) -> Result<Self> {
        let port =
            std::env::var("PEREGRINE_ZENOH_PORT").ok().and_then(|p| p.parse().ok()).unwrap_or(MEETING_PORT);
        Ok(Self { domain: domain_from_env()?, port, may_host })
    }
}

/// An open session and its domain.
#[derive(Debug, Clone)]
pub struct Link {
    pub(crate) session: Session,
    pub(crate) domain: u32,
    hosts: bool,
}

impl Link {
    /// Opens a session. `Ok(None)` when nobody is there to meet and this program may not host.
    ///
    /// # Errors
    /// PG-1201.
    pub fn open(options: &LinkOptions) -> Result<Option<Self>> {
        let endpoint = format!("tcp/127.0.0.1:{}", options.port);
        for attempt in 0..3 {
            if someone_listens(options.port) {
                let session = zenoh::open(config(None, Some(&endpoint))?)
                    .wait()
                    .map_err(failed("connect", &endpoint))?;
                return Ok(Some(Self { session, domain: options.domain, hosts: false }));
            }
            if !options.may_host {
                return Ok(None);
            }
            match zenoh::open(config(Some(&endpoint), None)?).wait() {
                Ok(session) => return Ok(Some(Self { session, domain: options.domain, hosts: true })),
                Err(error) if attempt == 2 => return Err(failed("listen", &endpoint)(error)),
                Err(_) => std::thread::sleep(Duration::from_millis(50)),
            }
        }
        Ok(None)
    }

    /// True when other processes meet at this one.
    pub fn hosts(&self) -> bool {
        self.hosts
    }

    /// The ROS domain.
    pub fn domain(&self) -> u32 {
        self.domain
    }

    /// Ends the session; tokens are withdrawn.
    pub fn close(&self) {
        if let Err(error) = self.session.close().wait() {
            tracing::warn!("PG-1201: the Zenoh session did not close cleanly: {error}");
        }
    }
}

fn someone_listens(port: u16) -> bool {
    TcpStream::connect_timeout(&SocketAddr::from(([127, 0, 0, 1], port)), Duration::from_millis(200)).is_ok()
}

/// No scouting on any network: peers are found at the meeting point and through its gossip, on loopback alone.
fn config(listen: Option<&str>, connect: Option<&str>) -> Result<Config> {
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
    ] {
        config.insert_json5(key, value).map_err(failed("take its configuration", key))?;
    }
    Ok(config)
}
