//! The sockets of discovery.

use std::net::{Ipv4Addr, SocketAddr, SocketAddrV4};

use socket2::{Domain, Protocol, Socket, Type};
use tokio::net::UdpSocket;

use crate::error::{GzError, Result};
use crate::options::Options;

/// One port of discovery: topics have one, services another.
#[derive(Debug)]
pub struct Channel {
    socket: UdpSocket,
    group: SocketAddr,
    relays: Vec<SocketAddr>,
}

impl Channel {
    /// Joins the group on the options' interface. To be called inside of a tokio runtime.
    ///
    /// # Errors
    /// PG-1602.
    pub fn open(options: &Options, port: u16) -> Result<Self> {
        let group = SocketAddr::V4(SocketAddrV4::new(options.group, port));
        let open = || -> std::io::Result<UdpSocket> {
            let socket = Socket::new(Domain::IPV4, Type::DGRAM, Some(Protocol::UDP))?;
            // Every process of the machine listens on the same port.
            socket.set_reuse_address(true)?;
            #[cfg(unix)]
            socket.set_reuse_port(true)?;
            socket.set_nonblocking(true)?;
            socket.bind(&SocketAddr::from((Ipv4Addr::UNSPECIFIED, port)).into())?;
            socket.join_multicast_v4(&options.group, &options.ip)?;
            socket.set_multicast_if_v4(&options.ip)?;
            socket.set_multicast_loop_v4(true)?;
            socket.set_multicast_ttl_v4(1)?;
            UdpSocket::from_std(socket.into())
        };
        let socket = open().map_err(|cause| GzError::Discovery { address: group, cause })?;
        let relays = options.relays.iter().map(|ip| SocketAddr::from((*ip, port))).collect();
        Ok(Self { socket, group, relays })
    }

    /// Sends a packet to the group, and `relayed` to the relays. What the network does not take is lost, as any
    /// datagram may be: heartbeats and offers are repeated.
    pub async fn send(&self, packet: &[u8], relayed: impl FnOnce() -> Vec<u8>) {
        if let Err(cause) = self.socket.send_to(packet, self.group).await {
            tracing::debug!("discovery packet to {} is lost: {cause}", self.group);
        }
        if !self.relays.is_empty() {
            let packet = relayed();
            for relay in &self.relays {
                let _ = self.socket.send_to(&packet, relay).await;
            }
        }
    }

    /// The next packet.
    pub async fn receive(&self, buffer: &mut [u8]) -> usize {
        loop {
            match self.socket.recv_from(buffer).await {
                Ok((length, _)) => return length,
                // An earlier datagram of ours could not be delivered; nothing is wrong with this socket.
                Err(_) => tokio::time::sleep(std::time::Duration::from_millis(10)).await,
            }
        }
    }
}
