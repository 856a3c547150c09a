//! Sockets of the handshake: packets, descriptors beside them, and who is at the other end.

use std::io::{IoSlice, IoSliceMut};
use std::mem::MaybeUninit;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use rustix::io::Result;
use rustix::net::{
    AddressFamily, RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, SendAncillaryBuffer,
    SendAncillaryMessage, SendFlags, SocketAddrUnix, SocketFlags, SocketType, accept_with, bind, connect,
    listen, recvmsg, sendmsg, socket_with, sockopt,
};

/// Descriptors that travel with an answer.
const FDS: usize = 2;
/// Connections that wait to be accepted.
const BACKLOG: i32 = 64;

fn socket() -> Result<OwnedFd> {
    let flags = SocketFlags::CLOEXEC | SocketFlags::NONBLOCK;
    socket_with(AddressFamily::UNIX, SocketType::SEQPACKET, flags, None)
}

pub(super) fn serve(at: &SocketAddrUnix) -> Result<OwnedFd> {
    let socket = socket()?;
    bind(&socket, at)?;
    listen(&socket, BACKLOG)?;
    Ok(socket)
}

pub(super) fn accept(listener: impl AsFd) -> Result<OwnedFd> {
    accept_with(listener, SocketFlags::CLOEXEC | SocketFlags::NONBLOCK)
}

/// A connection, if it can be had without waiting.
pub(super) fn reach(at: &SocketAddrUnix) -> Result<OwnedFd> {
    let socket = socket()?;
    connect(&socket, at)?;
    Ok(socket)
}

pub(super) fn send(to: impl AsFd, packet: &[u8], fds: &[BorrowedFd<'_>]) -> Result<()> {
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(FDS))];
    let mut control = SendAncillaryBuffer::new(&mut space);
    if !fds.is_empty() && !control.push(SendAncillaryMessage::ScmRights(fds)) {
        return Err(rustix::io::Errno::INVAL);
    }
    sendmsg(to, &[IoSlice::new(packet)], &mut control, SendFlags::NOSIGNAL | SendFlags::DONTWAIT)?;
    Ok(())
}

/// A packet, and at most two descriptors. An empty packet is the end of the connection.
pub(super) fn receive(from: impl AsFd, packet: &mut [u8]) -> Result<(usize, Vec<OwnedFd>)> {
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(FDS))];
    let mut control = RecvAncillaryBuffer::new(&mut space);
    let flags = RecvFlags::CMSG_CLOEXEC | RecvFlags::DONTWAIT;
    let got = recvmsg(from, &mut [IoSliceMut::new(packet)], &mut control, flags)?;
    let mut fds = Vec::new();
    for message in control.drain() {
        if let RecvAncillaryMessage::ScmRights(sent) = message {
            fds.extend(sent);
        }
    }
    Ok((got.bytes, fds))
}

/// User and process at the other end, as the kernel knows them.
pub(super) fn peer(of: impl AsFd) -> Result<(u32, u32)> {
    let cred = sockopt::socket_peercred(of)?;
    Ok((cred.uid.as_raw(), cred.pid.as_raw_nonzero().get().unsigned_abs()))
}

/// Whether the process at the other end runs as this user.
pub(super) fn is_own_user(of: impl AsFd) -> bool {
    peer(of).is_ok_and(|(uid, _)| uid == rustix::process::geteuid().as_raw())
}
