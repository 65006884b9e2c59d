//! What two gateways tell one another when one takes the other's place: a length, JSON of that length, and with the
//! length the sockets that it speaks of. Fields that one of them does not know are passed over, for they may be of
//! different releases.

use std::io::{self, ErrorKind, IoSlice, IoSliceMut, Read as _, Write as _};
use std::mem::MaybeUninit;
use std::net::IpAddr;
use std::os::fd::{BorrowedFd, OwnedFd};
use std::os::unix::net::UnixStream;
use std::sync::{Arc, Mutex, PoisonError};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use rustix::cmsg_space;
use rustix::io::retry_on_intr;
use rustix::net::{
    RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, SendAncillaryBuffer,
    SendAncillaryMessage, SendFlags, recvmsg, sendmsg,
};
use serde::{Deserialize, Serialize};

use crate::domain::id::{OwnerId, Slug};
use crate::domain::secret::Digest;
use crate::gateway::handed::Handed;
use crate::gateway::moving::Within;

use super::uses::Use;

/// A message is not longer: what was read of a request is the longest of what one holds.
const LENGTH_MAX: usize = 64 << 20;

/// Which of these messages this release knows: 0 is without [`Message::Upstreams`], [`Message::Used`], and [`Message::Look`] with
/// its answers. What a successor does not know it is not told, for it could not pass it over.
pub(super) const EDITION: u8 = 1;

/// What is said.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Message {
    /// The successor is there, and asks for the sockets that listen.
    Take {
        /// Of the process.
        pid: u32,
        /// Of the program.
        version: String,
        /// See [`EDITION`].
        #[serde(default)]
        edition: u8,
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
    /// Endpoints that do not get all their requests now.
    Upstreams(Vec<Handed>),
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
    /// Tokens were used where the store is no more.
    Used(Vec<Use>),
    /// What is on record of a token? The process that has the store is asked.
    Look {
        /// By which it is answered.
        number: u64,
        /// Of the secret, in base64.
        digest: String,
    },
    /// This, in JSON; nothing if it is nobody's.
    Found {
        /// That of the question.
        number: u64,
        /// A text of its own, for a release that cannot read it goes on with everything else.
        record: Option<String>,
    },
    /// The store does not say.
    Unread {
        /// That of the question.
        number: u64,
        /// What the matter is.
        why: String,
    },
}

/// The end of a line at which several threads speak: each message goes out whole, and none behind a broken one.
#[derive(Clone, Debug)]
pub(super) struct Voice(Arc<Mutex<Option<UnixStream>>>);

impl Voice {
    pub(super) fn of(line: UnixStream) -> Self {
        Self(Arc::new(Mutex::new(Some(line))))
    }

    /// As [`say`].
    ///
    /// # Errors
    /// The same, and that it was so before.
    pub(super) fn say(&self, message: &Message, socket: Option<BorrowedFd<'_>>) -> io::Result<()> {
        let mut line = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let said = line
            .as_ref()
            .map_or_else(|| Err(ErrorKind::BrokenPipe.into()), |line| say(line, message, socket));
        if said.is_err() {
            *line = None;
        }
        said
    }
}

/// A digest as it is said.
pub(super) fn text_of(digest: &Digest) -> String {
    BASE64.encode(digest.as_bytes())
}

/// The digest in a text.
///
/// # Errors
/// It is none.
pub(super) fn digest_in(text: &str) -> io::Result<Digest> {
    let bytes = BASE64.decode(text).ok().and_then(|bytes| bytes.try_into().ok());
    bytes.map(Digest::from_bytes).ok_or_else(|| ErrorKind::InvalidData.into())
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
    // With a time limit the system begins none of these again by itself that a signal breaks off (signal(7)).
    let slices = [IoSlice::new(&length)];
    let sent = retry_on_intr(|| sendmsg(to, &slices, &mut control, SendFlags::NOSIGNAL))?;
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
    let mut receive = || recvmsg(from, &mut slices, &mut control, RecvFlags::CMSG_CLOEXEC);
    let came = retry_on_intr(|| receive().map(|came| came.bytes))?;
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
    use std::os::fd::AsFd as _;

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
    fn a_successor_of_an_older_release_is_known_by_what_it_does_not_say() {
        let old: Message = serde_json::from_str(r#"{"take":{"pid":7,"version":"0"}}"#).unwrap();
        assert_eq!(old, Message::Take { pid: 7, version: "0".into(), edition: 0 });
        let newer = r#"{"take":{"pid":7,"version":"9","edition":9,"more":[]}}"#;
        let newer: Message = serde_json::from_str(newer).unwrap();
        assert_eq!(newer, Message::Take { pid: 7, version: "9".into(), edition: 9 });
    }

    #[test]
    fn those_who_speak_at_the_same_time_are_heard_one_after_the_other() {
        let (here, there) = UnixStream::pair().unwrap();
        let voice = Voice::of(here);
        let digest = Digest::of(b"one");
        for of in 0..4_u64 {
            let (voice, digest) = (voice.clone(), text_of(&digest));
            std::thread::spawn(move || {
                for at in 0..500 {
                    let (number, digest) = (of * 1_000 + at, digest.clone());
                    voice.say(&Message::Look { number, digest }, None).unwrap();
                }
            });
        }
        drop(voice);
        let mut heard = [0, 1_000, 2_000, 3_000];
        while let Some((message, _)) = hear(&there).unwrap() {
            let Message::Look { number, digest: text } = message else { panic!("{message:?}") };
            assert_eq!(digest_in(&text).unwrap(), digest);
            let next = heard.iter_mut().find(|next| **next == number);
            *next.unwrap_or_else(|| panic!("{number} is not the next one of anybody")) += 1;
        }
        assert_eq!(heard, [500, 1_500, 2_500, 3_500]);
        digest_in("bm8gZGlnZXN0").unwrap_err();
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
