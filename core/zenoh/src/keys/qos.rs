//! The QoS of an endpoint as its token writes it.
//!
//! `reliability:durability:history,depth:deadline s,ns:lifespan s,ns:liveliness,lease s,ns`, each number left out where it
//! is the default (reliable, volatile, keep last 42; durations infinite, liveliness automatic).

use peregrine_core::Qos;

use crate::error::{Error, Result};

/// The depth that rmw_zenoh leaves out.
const DEFAULT_DEPTH: usize = 42;

/// What of a QoS matters between processes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct WireQos {
    /// Reliable, or best effort.
    pub reliable: bool,
    /// Transient local, or volatile.
    pub transient_local: bool,
    /// Messages kept; `None` keeps all.
    pub depth: Option<usize>,
}

impl From<Qos> for WireQos {
    fn from(qos: Qos) -> Self {
        Self { reliable: qos.is_reliable(), transient_local: qos.is_latched(), depth: Some(qos.depth()) }
    }
}

impl WireQos {
    /// The token's text.
    pub fn encode(self) -> String {
        let reliability = if self.reliable { "" } else { "2" };
        let durability = if self.transient_local { "1" } else { "" };
        match self.depth {
            Some(DEFAULT_DEPTH) => format!("{reliability}:{durability}:,:,:,:,,"),
            Some(depth) => format!("{reliability}:{durability}:,{depth}:,:,:,,"),
            None => format!("{reliability}:{durability}:2,:,:,:,,"),
        }
    }

    /// Reads a token's text. What is not given is the default; what is given but unknown is an error.
    ///
    /// # Errors
    /// PG-1202.
    pub fn parse(text: &str) -> Result<Self> {
        let bad = |why| Error::Malformed {
            text: text.chars().take(100).collect(),
            expected: "a QoS in the form of rmw_zenoh",
            why,
        };
        let mut parts = text.split(':');
        // rmw's numbers: 0 system default, 1 reliable | transient local | keep last, 2 best effort | volatile | keep all.
        let reliable = match parts.next() {
            Some("" | "0" | "1") => true,
            Some("2") => false,
            _ => return Err(bad("the reliability is none of 0, 1, 2")),
        };
        let transient_local = match parts.next() {
            Some("" | "0" | "2") => false,
            Some("1") => true,
            _ => return Err(bad("the durability is none of 0, 1, 2")),
        };
        let history = parts.next().ok_or_else(|| bad("it has no history"))?;
        let (kind, depth) = history.split_once(',').ok_or_else(|| bad("its history has no depth"))?;
        let depth = match (kind, depth) {
            ("2", _) => None,
            ("" | "0" | "1", "") => Some(DEFAULT_DEPTH),
            ("" | "0" | "1", depth) => Some(depth.parse().map_err(|_| bad("its depth is not a number"))?),
            _ => return Err(bad("the history is none of 0, 1, 2")),
        };
        Ok(Self { reliable, transient_local, depth })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_forms_of_rmw_zenoh() {
        for (text, reliable, transient_local, depth) in [
            ("::,10:,:,:,,", true, false, Some(10)),
            ("2::,5:,:,:,,", false, false, Some(5)),
            (":1:,1:,:,:,,", true, true, Some(1)),
            ("::2,:,:,:,,", true, false, None),
            ("::,:,:,:,,", true, false, Some(42)),
        ] {
            let qos = WireQos { reliable, transient_local, depth };
            assert_eq!(WireQos::parse(text).unwrap(), qos, "{text}");
            assert_eq!(qos.encode(), text);
        }
        // Others write the numbers out.
        assert_eq!(
            WireQos::parse("1:2:1,7:9223372036,0:9223372036,0:1,9223372036,0").unwrap().depth,
            Some(7)
        );
        for bad in ["", ":", "::", "3::,1", "::,x", "::7,1", ":x:,1"] {
            assert!(WireQos::parse(bad).unwrap_err().to_string().contains("PG-1202"), "{bad}");
        }
        assert_eq!(WireQos::from(Qos::Sensor).encode(), "2::,5:,:,:,,");
        assert_eq!(WireQos::from(Qos::LatchedLast(1000)).encode(), ":1:,1000:,:,:,,");
    }
}
