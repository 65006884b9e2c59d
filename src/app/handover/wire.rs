//! What two gateways tell one another when one takes the other's place: a length, JSON of that length, and with the
//! length the sockets that it speaks of. Fields that one of them does not know are passed over, for they may be of
//! different releases.

use std::io::{self, ErrorKind, IoSlice, IoSliceMut, Read as _, Write as _};
use std::mem::MaybeUninit;
use std::net::IpAddr;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::net::UnixStream;

use rustix::cmsg_space;
use rustix::net::{
    RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, SendAncillaryBuffer,
    SendAncillaryMessage, SendFlags, recvmsg, sendmsg,
};
use serde::{Deserialize, Serialize};

use crate::domain::id::{OwnerId, Slug};
use crate::gateway::moving::Within;

/// A message is not longer: what was read of a request is the longest of what one holds.
const LENGTH_MAX: usize = 64 << 20;

/// What is said.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Message {
    /// The successor is there, and asks for the sockets that listen.
    Take {
        /// Of the process.
        pid: u32,
        /// Of the program.
        version: String,
    },
    /// A socket at which clients come in; it comes with the message.
    Public,
    /// The same for those without TLS, where that has an address of its own.
    Plain,
    /// The one for people who administrate.
    Admin,
    /// There are no more of them.
    Whole,
    /// The successor has checked all that it can, and waits for the store.
    Ready,
    /// The store is closed and the successor's, with the lock of its folder.
    Yours,
    /// The store stays where it is, and the successor is to end.
    Stays,
    /// The successor opens the store, which may take minutes.
    Opens,
    /// The successor decides requests.
    Serves,
    /// A client's connection, which comes with the message.
    Moved {
        /// For whom it was opened.
        peer: IpAddr,
        /// Whether requests were taken on it.
        begun: bool,
        /// Whether a proxy has told for whom it was opened.
        #[serde(default)]
        announced: bool,
        /// What was read of the next request, in base64.
        read: String,
        /// What its client showed within TLS, which stays where it was.
        #[serde(default)]
        within: Option<Box<Within>>,
    },
    /// What was changed since the store is the successor's.
    Forget {
        /// Digests of secrets, in base64.
        tokens: Vec<String>,
        /// Owners.
        owners: Vec<OwnerId>,
        /// Companies.
        companies: Vec<Slug>,
    },
}

/// Says something, and hands a socket over with it.
///
/// # Errors
/// What the system reports; the other one may be gone.
pub(super) fn say(
    to: &UnixStream,
    message: &Message,
    socket: Option<BorrowedFd<'_>>,
) -> io::Result<()> {
    let text = serde_json::to_vec(message)?;
    let length = u32::try_from(text.len()).map_err(|_| ErrorKind::InvalidData)?.to_be_bytes();
    let mut space = [MaybeUninit::uninit(); cmsg_space!(ScmRights(1))];
    let mut control = SendAncillaryBuffer::new(&mut space);
    if let Some(socket) = &socket {
        control.push(SendAncillaryMessage::ScmRights(std::slice::from_ref(socket)));
    }
    let sent = sendmsg(to, &[IoSlice::new(&length)], &mut control, SendFlags::NOSIGNAL)?;
    let mut to = to;
    to.write_all(length.get(sent..).unwrap_or_default())?;
    to.write_all(&text)
}

/// Hears what is said next, with the socket that comes with it; none when the other one has nothing more to say.
///
/// # Errors
/// What the system reports, or something that is none of this.
pub(super) fn hear(from: &UnixStream) -> io::Result<Option<(Message, Option<OwnedFd>)>> {
    let mut length = [0; 4];
    let mut space = [MaybeUninit::uninit(); cmsg_space!(ScmRights(1))];
    let mut control = RecvAncillaryBuffer::new(&mut space);
    let mut slices = [IoSliceMut::new(&mut length)];
    let came = recvmsg(from.as_fd(), &mut slices, &mut control, RecvFlags::CMSG_CLOEXEC)?.bytes;
    if came == 0 {
        return Ok(None);
    }
    let mut socket = None;
    for with in control.drain() {
        if let RecvAncillaryMessage::ScmRights(sockets) = with {
            socket = sockets.last();
        }
    }
    let mut from = from;
    from.read_exact(length.get_mut(came..).unwrap_or_default())?;
    let length = u32::from_be_bytes(length) as usize;
    if length > LENGTH_MAX {
        return Err(ErrorKind::InvalidData.into());
    }
    let mut text = vec![0; length];
    from.read_exact(&mut text)?;
    Ok(Some((serde_json::from_slice(&text)?, socket)))
}

#[cfg(test)]
mod tests {
    use std::net::{Ipv4Addr, TcpListener};

    use rustls::pki_types::CertificateDer;

    use super::*;
    use crate::tls::ClientCertificate;

    #[test]
    fn a_socket_arrives_with_what_is_said_of_it() {
        let (here, there) = UnixStream::pair().unwrap();
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let (peer, read) = (Ipv4Addr::LOCALHOST.into(), "R0VU".into());
        let chain = [CertificateDer::from(vec![0, 1, 255]), CertificateDer::from(vec![7; 400])];
        let certificate = ClientCertificate::shown(&chain);
        let within = Within { certificate, name: Some("a.example".into()) };
        let within = Some(Box::new(within));
        let moved = Message::Moved { peer, begun: true, announced: true, read, within };
        say(&here, &Message::Public, Some(listener.as_fd())).unwrap();
        say(&here, &moved, None).unwrap();
        drop(here);
        let (message, socket) = hear(&there).unwrap().unwrap();
        assert_eq!(message, Message::Public);
        let same = TcpListener::from(socket.unwrap());
        assert_eq!(same.local_addr().unwrap(), listener.local_addr().unwrap());
        let (message, socket) = hear(&there).unwrap().unwrap();
        assert_eq!((message, socket.is_none()), (moved, true));
        assert!(hear(&there).unwrap().is_none());
    }

    #[test]
    fn what_is_none_of_this_is_refused() {
        for bytes in [&b"\xff\xff\xff\xff"[..], b"\0\0\0\x04nope", b"\0\0\0\x10{}"] {
            let (mut here, there) = UnixStream::pair().unwrap();
            here.write_all(bytes).unwrap();
            drop(here);
            hear(&there).unwrap_err();
        }
    }
}
