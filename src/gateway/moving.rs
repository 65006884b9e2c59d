//! Connections that move to the process which takes this one's place, between two requests, so that no client sees
//! its connection close.

use std::net::{IpAddr, TcpStream};
use std::sync::mpsc::Sender;
use std::sync::{Mutex, PoisonError};

use bytes::Bytes;
use serde::{Deserialize, Serialize};

use crate::tls::ClientCertificate;

/// How far a gateway is on its way out.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Phase {
    /// Connections are taken.
    #[default]
    Serves,
    /// Those that cannot move, or only with the help of this process, are told that they end: of HTTP/2 at once (RFC 9113
    /// section 6.8), of HTTP/1 within TLS with their next answer. No more of them are taken; everything else goes on.
    Announces,
    /// No more are taken, and those that are there move to another process once nothing is under way on them. Requests
    /// are decided as before.
    Moves,
    /// What is under way is finished, within the time for that.
    Drains,
    /// What is still under way is cut.
    Ends,
}

/// A connection on its way from one gateway to the next.
#[derive(Debug)]
pub struct Moved {
    /// Its socket.
    pub socket: TcpStream,
    /// For whom it was opened.
    pub peer: IpAddr,
    /// Whether what it speaks is settled; if not, it is like one that was just accepted.
    pub begun: bool,
    /// Whether a proxy has told already for whom it is.
    pub announced: bool,
    /// What was read of the next request.
    pub read: Bytes,
    /// What its client showed within TLS. The keys stay where they are, and the process that has them passes on what
    /// is said: the socket is one end of a pair.
    pub within: Option<Box<Within>>,
}

/// What a client showed of itself in its handshake, and whom it asked for.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Within {
    /// Its certificate, whose chain was checked.
    pub certificate: Option<ClientCertificate>,
    /// The name in SNI (RFC 6066 section 3), in lower case.
    pub name: Option<Box<str>>,
}

/// Where connections go once a gateway has a successor. Nothing is in it before.
#[derive(Debug, Default)]
pub struct Successor(Mutex<Option<Sender<Moved>>>);

impl Successor {
    /// From now on connections go here.
    pub fn is(&self, successor: Sender<Moved>) {
        *self.lock() = Some(successor);
    }

    /// No connection moves any more.
    pub fn is_gone(&self) {
        *self.lock() = None;
    }

    /// Gives a connection to it.
    pub(super) fn take(&self, moved: Moved) {
        // Where nobody takes it, it closes as it would have without a successor.
        let _ = self.lock().as_ref().map(|successor| successor.send(moved));
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Option<Sender<Moved>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
