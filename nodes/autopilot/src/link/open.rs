//! Opening a link, on a thread of its own: looking up a name or waiting for an answer may take seconds.

use std::fs::File;
use std::io;
use std::net::{SocketAddr, TcpListener, TcpStream, ToSocketAddrs, UdpSocket};
use std::sync::mpsc::{Receiver, sync_channel};
use std::time::Duration;

use rustix::fs::{Mode, OFlags};
use rustix::termios::{OptionalActions, tcgetattr, tcsetattr};

use super::Address;

/// How long a connection may take.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(2);

/// What was opened; none of it blocks.
#[derive(Debug)]
pub enum Opened {
    /// A datagram socket, and whom it talks to if that is known.
    Udp(UdpSocket, Option<SocketAddr>),
    /// A listener.
    Listener(TcpListener),
    /// A connection.
    Tcp(TcpStream),
    /// A serial port.
    Serial(File),
}

/// The opening.
pub struct Opening;

impl Opening {
    /// Begins; the result comes through the channel.
    pub fn start(address: &Address) -> Receiver<io::Result<Opened>> {
        let (send, receive) = sync_channel(1);
        let address = address.clone();
        let work = move || {
            // Nobody waits any more when the node is gone.
            let _ = send.send(open(&address));
        };
        // Without a thread the channel closes at once, and that is an error to be tried again.
        let _ = std::thread::Builder::new().name("autopilot-open".into()).spawn(work);
        receive
    }
}

fn open(address: &Address) -> io::Result<Opened> {
    match address {
        Address::UdpIn(at) => {
            let socket = UdpSocket::bind(at.as_str())?;
            socket.set_nonblocking(true)?;
            Ok(Opened::Udp(socket, None))
        }
        Address::UdpOut(to) => {
            let to = resolve(to)?;
            let any: SocketAddr =
                if to.is_ipv4() { ([0, 0, 0, 0], 0).into() } else { ([0_u16; 8], 0).into() };
            // A peer on this host needs no socket that others can reach.
            let from = if to.ip().is_loopback() { SocketAddr::new(to.ip(), 0) } else { any };
            let socket = UdpSocket::bind(from)?;
            socket.set_nonblocking(true)?;
            Ok(Opened::Udp(socket, Some(to)))
        }
        Address::TcpIn(at) => {
            let listener = TcpListener::bind(at.as_str())?;
            listener.set_nonblocking(true)?;
            Ok(Opened::Listener(listener))
        }
        Address::TcpOut(to) => {
            let stream = TcpStream::connect_timeout(&resolve(to)?, CONNECT_TIMEOUT)?;
            stream.set_nonblocking(true)?;
            stream.set_nodelay(true)?;
            Ok(Opened::Tcp(stream))
        }
        Address::Serial { device, baud } => serial(device, *baud).map(Opened::Serial),
    }
}

fn resolve(host: &str) -> io::Result<SocketAddr> {
    host.to_socket_addrs()?
        .next()
        .ok_or_else(|| io::Error::new(io::ErrorKind::NotFound, "the name has no address"))
}

fn serial(device: &str, baud: u32) -> io::Result<File> {
    let flags = OFlags::RDWR | OFlags::NOCTTY | OFlags::NONBLOCK | OFlags::CLOEXEC;
    let port = rustix::fs::open(device, flags, Mode::empty())?;
    let mut settings = tcgetattr(&port)?;
    settings.make_raw();
    settings.set_speed(baud)?;
    tcsetattr(&port, OptionalActions::Now, &settings)?;
    Ok(File::from(port))
}
