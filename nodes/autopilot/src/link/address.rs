//! Where the autopilot is, in the words that MAVLink tools share.

use std::fmt;
use std::str::FromStr;

use crate::error::AutopilotError;

/// Address of a link.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Address {
    /// `udpin:ADDRESS:PORT`: waits for datagrams there, and answers the first who speaks for the vehicle, while it is heard.
    UdpIn(String),
    /// `udpout:HOST:PORT`: sends datagrams there.
    UdpOut(String),
    /// `tcpin:ADDRESS:PORT`: waits for a connection.
    TcpIn(String),
    /// `tcpout:HOST:PORT` or `tcp:HOST:PORT`: connects.
    TcpOut(String),
    /// `serial:DEVICE:BAUD`.
    Serial {
        /// Device file.
        device: String,
        /// Bits per second.
        baud: u32,
    },
}

impl FromStr for Address {
    type Err = AutopilotError;

    fn from_str(given: &str) -> Result<Self, AutopilotError> {
        let bad = |why| AutopilotError::Address { given: given.to_owned(), why };
        let (kind, rest) = given.split_once(':').ok_or_else(|| bad("the kind of link is missing"))?;
        let (front, number) = rest.rsplit_once(':').ok_or_else(|| bad("the port or baud rate is missing"))?;
        if front.is_empty() {
            return Err(bad("the host or device is missing"));
        }
        if kind == "serial" {
            let baud = number.parse().ok().filter(|b| (1200..=12_500_000).contains(b));
            let baud = baud.ok_or_else(|| bad("the baud rate is no number from 1200 to 12500000"))?;
            return Ok(Self::Serial { device: front.to_owned(), baud });
        }
        number.parse::<u16>().map_err(|_| bad("the port is no number from 0 to 65535"))?;
        let at = rest.to_owned();
        match kind {
            "udpin" | "udp" => Ok(Self::UdpIn(at)),
            "udpout" => Ok(Self::UdpOut(at)),
            "tcpin" => Ok(Self::TcpIn(at)),
            "tcpout" | "tcp" => Ok(Self::TcpOut(at)),
            _ => Err(bad("the kind of link is unknown")),
        }
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::UdpIn(at) => write!(f, "udpin:{at}"),
            Self::UdpOut(at) => write!(f, "udpout:{at}"),
            Self::TcpIn(at) => write!(f, "tcpin:{at}"),
            Self::TcpOut(at) => write!(f, "tcpout:{at}"),
            Self::Serial { device, baud } => write!(f, "serial:{device}:{baud}"),
        }
    }
}

impl Address {
    /// What to look at when it does not open.
    #[must_use]
    pub fn remedy(&self) -> &'static str {
        match self {
            Self::UdpIn(_) | Self::TcpIn(_) => "See whether another program has the port",
            Self::UdpOut(_) => "See whether the host's name is right",
            Self::TcpOut(_) => "See whether the autopilot, simulator or router listens there",
            Self::Serial { .. } => {
                "See whether the device is plugged in, the user may open it (group dialout), and no other program has it"
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_read_and_written() {
        for text in
            ["udpin:127.0.0.1:14540", "udpout:localhost:14550", "tcpin:[::1]:5760", "tcpout:host:5760"]
        {
            assert_eq!(text.parse::<Address>().unwrap().to_string(), text);
        }
        let serial = "serial:/dev/serial/by-id/usb-PX4:0:921600".parse::<Address>().unwrap();
        assert_eq!(serial, Address::Serial { device: "/dev/serial/by-id/usb-PX4:0".into(), baud: 921_600 });
        assert_eq!("udp:0.0.0.0:1".parse::<Address>().unwrap(), Address::UdpIn("0.0.0.0:1".into()));
    }

    #[test]
    fn what_is_wrong_is_said() {
        for (text, why) in [
            ("", "kind"),
            ("udpin", "kind"),
            ("udpin:14540", "port or baud"),
            ("udpin::14540", "host or device"),
            ("udpin:host:99999", "65535"),
            ("serial:/dev/ttyS0:fast", "baud"),
            ("serial:/dev/ttyS0:5", "baud"),
            ("can:host:1", "unknown"),
        ] {
            let error = text.parse::<Address>().unwrap_err().to_string();
            assert!(error.starts_with("PG-1501") && error.contains(why), "{text}: {error}");
        }
    }
}
