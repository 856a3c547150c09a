//! What a node must know before it starts, from the variables that Gazebo reads.

use std::net::{IpAddr, Ipv4Addr, SocketAddr, UdpSocket};

use crate::error::{GzError, Result};

/// The package of message types: Fortress and older say `ignition.msgs`, Garden and later `gz.msgs`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Flavour {
    /// `ignition.msgs`.
    Ignition,
    /// `gz.msgs`.
    #[default]
    Gz,
}

impl Flavour {
    /// The full name of a type: `gz.msgs.Clock`.
    pub fn type_name(self, name: &str) -> String {
        match self {
            Self::Ignition => format!("ignition.msgs.{name}"),
            Self::Gz => format!("gz.msgs.{name}"),
        }
    }
}

/// A type's name without its package, whichever of the two it is in.
pub fn bare_type(full: &str) -> &str {
    full.strip_prefix("gz.msgs.").or_else(|| full.strip_prefix("ignition.msgs.")).unwrap_or(full)
}

/// How a node takes part.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Options {
    /// Only nodes of one partition see each other.
    pub partition: String,
    /// The address of this machine that others reach it at; also the interface of multicast.
    pub ip: Ipv4Addr,
    /// Group of discovery.
    pub group: Ipv4Addr,
    /// Port on which topics are discovered.
    pub topics_port: u16,
    /// Port on which services are discovered.
    pub services_port: u16,
    /// Machines outside of multicast's reach that are told of everything too.
    pub relays: Vec<Ipv4Addr>,
    /// How types are called.
    pub flavour: Flavour,
}

impl Options {
    /// From `GZ_*` and `IGN_*` variables, the former first: `PARTITION` (default `HOST:USER`), `IP`, `RELAY`,
    /// `DISCOVERY_MSG_PORT`, `DISCOVERY_SRV_PORT`, `DISCOVERY_MULTICAST_IP`. The flavour is Ignition if only `IGN_`
    /// variables are set, or by `PEREGRINE_GZ_MSGS` (`gz` or `ignition`).
    ///
    /// # Errors
    /// PG-1610 for a variable that cannot be read.
    pub fn from_env() -> Result<Self> {
        Self::from_lookup(&|name| std::env::var(name).ok().filter(|v| !v.is_empty()))
    }

    /// As [`Options::from_env`], from any source of variables.
    ///
    /// # Errors
    /// As there.
    pub fn from_lookup(lookup: &dyn Fn(&str) -> Option<String>) -> Result<Self> {
        let either = |name: &str| lookup(&format!("GZ_{name}")).or_else(|| lookup(&format!("IGN_{name}")));
        let ip = either("IP").map(|v| address("GZ_IP", &v)).transpose()?;
        let port = |variable: &'static str, name: &str, default: u16| match either(name) {
            Some(value) => value.parse().map_err(|_| GzError::Variable {
                variable,
                value,
                reason: "which is no port, 1 to 65535",
            }),
            None => Ok(default),
        };
        let partition = either("PARTITION").unwrap_or_else(default_partition);
        crate::names::check_partition(&partition)?;
        let relays = either("RELAY").unwrap_or_default();
        let relays = relays.split(':').filter(|r| !r.is_empty()).map(|r| address("GZ_RELAY", r));
        let flavour = match lookup("PEREGRINE_GZ_MSGS").as_deref() {
            Some("ignition" | "ign") => Flavour::Ignition,
            Some("gz") => Flavour::Gz,
            Some(other) => {
                let (value, reason) = (other.to_string(), "which is unknown; use gz or ignition");
                return Err(GzError::Variable { variable: "PEREGRINE_GZ_MSGS", value, reason });
            }
            None => {
                let has = |prefix: &str| {
                    ["PARTITION", "IP"].iter().any(|n| lookup(&format!("{prefix}{n}")).is_some())
                };
                if has("IGN_") && !has("GZ_") { Flavour::Ignition } else { Flavour::Gz }
            }
        };
        let group =
            either("DISCOVERY_MULTICAST_IP").map(|v| address("GZ_DISCOVERY_MULTICAST_IP", &v)).transpose()?;
        Ok(Self {
            partition,
            ip: ip.unwrap_or_else(own_address),
            group: group.unwrap_or(Ipv4Addr::new(239, 255, 0, 7)),
            topics_port: port("GZ_DISCOVERY_MSG_PORT", "DISCOVERY_MSG_PORT", 10317)?,
            services_port: port("GZ_DISCOVERY_SRV_PORT", "DISCOVERY_SRV_PORT", 10318)?,
            relays: relays.collect::<Result<_>>()?,
            flavour,
        })
    }

    /// On this machine alone, in that partition; for tests.
    pub fn loopback(partition: &str) -> Self {
        Self {
            partition: partition.to_string(),
            ip: Ipv4Addr::LOCALHOST,
            group: Ipv4Addr::new(239, 255, 0, 7),
            topics_port: 10317,
            services_port: 10318,
            relays: Vec::new(),
            flavour: Flavour::Gz,
        }
    }
}

fn address(variable: &'static str, value: &str) -> Result<Ipv4Addr> {
    value.trim().parse().map_err(|_| GzError::Variable {
        variable,
        value: value.to_string(),
        reason: "which is no IPv4 address such as 127.0.0.1",
    })
}

/// `HOST:USER`, as Gazebo has it.
fn default_partition() -> String {
    let host = rustix::system::uname().nodename().to_string_lossy().into_owned();
    let user = std::env::var("USER").or_else(|_| std::env::var("LOGNAME"));
    let user = user.ok().filter(|u| !u.is_empty()).unwrap_or_else(|| {
        // Without the variable Gazebo asks the password file; the user's number is looked up there.
        let uid = rustix::process::getuid().as_raw().to_string();
        let table = std::fs::read_to_string("/etc/passwd").unwrap_or_default();
        let mut rows = table.lines().map(|row| row.split(':').collect::<Vec<_>>());
        rows.find(|row| row.get(2) == Some(&uid.as_str()))
            .map_or("error-unknown".into(), |row| row[0].to_string())
    });
    format!("{host}:{user}")
}

/// The address that the way to the outside starts from; loopback if there is none. Nothing is sent.
fn own_address() -> Ipv4Addr {
    let probe = || -> std::io::Result<IpAddr> {
        let socket = UdpSocket::bind(SocketAddr::from((Ipv4Addr::UNSPECIFIED, 0)))?;
        socket.connect(SocketAddr::from((Ipv4Addr::new(239, 255, 0, 7), 10317)))?;
        Ok(socket.local_addr()?.ip())
    };
    match probe() {
        Ok(IpAddr::V4(ip)) if !ip.is_unspecified() => ip,
        _ => Ipv4Addr::LOCALHOST,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn with(pairs: &[(&str, &str)]) -> Result<Options> {
        Options::from_lookup(&|name| pairs.iter().find(|(n, _)| *n == name).map(|(_, v)| (*v).to_string()))
    }

    #[test]
    fn gz_variables_win_over_ign_ones() {
        let o = with(&[("GZ_PARTITION", "a"), ("IGN_PARTITION", "b"), ("IGN_IP", "127.0.0.1")]).unwrap();
        assert_eq!((o.partition.as_str(), o.ip, o.flavour), ("a", Ipv4Addr::LOCALHOST, Flavour::Gz));
        let o = with(&[("IGN_PARTITION", "b"), ("IGN_DISCOVERY_MSG_PORT", "11000")]).unwrap();
        assert_eq!((o.partition.as_str(), o.topics_port, o.flavour), ("b", 11000, Flavour::Ignition));
        assert!(with(&[]).unwrap().partition.contains(':'));
    }

    #[test]
    fn nonsense_is_named() {
        let text = with(&[("GZ_IP", "localhost")]).unwrap_err().to_string();
        assert!(text.contains("PG-1610") && text.contains("localhost"), "{text}");
        assert!(with(&[("GZ_DISCOVERY_MSG_PORT", "x")]).is_err());
        assert!(with(&[("GZ_PARTITION", "a b")]).is_err());
    }

    #[test]
    fn types_have_two_packages() {
        assert_eq!(Flavour::Ignition.type_name("Clock"), "ignition.msgs.Clock");
        assert_eq!(bare_type("gz.msgs.Clock"), bare_type("ignition.msgs.Clock"));
    }
}
