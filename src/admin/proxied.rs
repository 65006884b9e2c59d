//! Whence those come who come through a proxy (sec-H4): as at the gate, with the same settings.

use std::io::{Error, ErrorKind, Result};
use std::net::IpAddr;
use std::sync::Arc;

use axum::http::HeaderMap;
use tokio::io::{AsyncRead, AsyncReadExt as _};

use crate::admin::extract::Peer;
use crate::config::Settings;
use crate::wire::announced::{HEADER_MAX, Seen, look};
use crate::wire::proxies::Proxies;

/// The settings in force, asked anew for each connection and request.
pub type InForce = Arc<dyn Fn() -> Arc<Settings> + Send + Sync>;

/// Whether a connection begins with a header of the PROXY protocol.
pub(super) fn is_announced(peer: Peer, proxies: &Proxies) -> bool {
    proxies.announced_admin && peer.address.is_some_and(|sender| proxies.announces(sender))
}

/// Takes that header off a connection: exactly it, a few bytes at a time. None where it names nobody.
pub(super) async fn take_header(io: &mut (impl AsyncRead + Unpin)) -> Result<Option<IpAddr>> {
    let (mut header, mut have) = ([0; HEADER_MAX], 0);
    loop {
        let bad = |bad| Error::new(ErrorKind::InvalidData, bad);
        match look(header.get(..have).unwrap_or_default()).map_err(bad)? {
            Seen::Whole(_, source) => return Ok(source),
            Seen::Part(least) => {
                let room = header.get_mut(have..have + least).ok_or(ErrorKind::InvalidData)?;
                io.read_exact(room).await?;
                have += least;
            }
        }
    }
}

/// Who asks, where the peer is a proxy that names somebody.
pub(super) fn who_asks(peer: Peer, headers: &HeaderMap, proxies: &Proxies) -> Peer {
    match peer.address {
        Some(address) if proxies.trusts(address) => {
            let named = proxies.read(headers).hops.first().copied();
            Peer { address: Some(named.unwrap_or(address)), ..peer }
        }
        _ => peer,
    }
}
