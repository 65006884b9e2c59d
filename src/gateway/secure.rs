//! Handshakes of TLS, which a client may take only so long for.

use std::pin::pin;
use std::rc::Rc;
use std::sync::Arc;
use std::task::Poll;

use rustls::HandshakeKind;
use tokio::net::TcpStream;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;

use crate::tls::{Refused, Server};

use super::client::{Client, Presented};

/// The name in ALPN of HTTP/2 (RFC 9113 section 3.2).
const HTTP2: &[u8] = b"h2";

/// Agrees with a client on keys. None if it could not be, took too long, the core waits no longer, or its certificate is
/// over, which nobody looks at where a session is resumed.
pub(super) async fn shake_hands(
    stream: TcpStream,
    client: &Rc<Client>,
    tls: Arc<Server>,
) -> Option<TlsStream<TcpStream>> {
    client.shakes_hands();
    let mut handshake = pin!(TlsAcceptor::from(Arc::clone(tls.config())).accept(stream));
    let ended = std::future::poll_fn(|context| {
        client.alarm().wake_me(context);
        if client.alarm().take_rung() || client.core().gives_up() {
            return Poll::Ready(None);
        }
        handshake.as_mut().poll(context).map(Some)
    });
    let counters = &client.core().counters;
    match ended.await {
        Some(Ok(stream)) => {
            let session = stream.get_ref().1;
            let resumed = session.handshake_kind() == Some(HandshakeKind::Resumed);
            let presented = Presented::of(session, &tls);
            if presented.is_over(client.core().shared.clock.now()) {
                if resumed {
                    tls.forget_sessions();
                }
                counters.unshaken.add(1);
                refuse(client, Refused::Expired);
                return None;
            }
            let count = if resumed { &counters.resumed } else { &counters.shaken };
            count.add(1);
            client.is_secure(presented);
            Some(stream)
        }
        Some(Err(error)) => {
            counters.unshaken.add(1);
            tracing::debug!(peer = %client.peer(), %error, "a handshake of TLS failed");
            if let Some(why) = Refused::of(&error) {
                refuse(client, why);
            }
            None
        }
        None => {
            counters.unshaken.add(1);
            tracing::debug!(peer = %client.peer(), "a handshake of TLS took too long");
            None
        }
    }
}

/// Tells the operator why a client is not let in: the client itself hears little of it.
fn refuse(client: &Client, why: Refused) {
    let counts = &client.core().counters.certificates;
    let count = match why {
        Refused::Missing => &counts.missing,
        Refused::Expired => &counts.expired,
        Refused::Early => &counts.early,
        Refused::Stranger => &counts.strange,
        Refused::Unfit => &counts.unfit,
    };
    count.add(1);
    if let Some(withheld) = client.core().shared.warnings.certificates.ready() {
        tracing::warn!(peer = %client.peer(), cause = %why, withheld, "the certificate of a client is refused");
    }
}

/// Whether both sides agreed on HTTP/2.
pub(super) fn speaks_http2(stream: &TlsStream<TcpStream>) -> bool {
    stream.get_ref().1.alpn_protocol() == Some(HTTP2)
}
