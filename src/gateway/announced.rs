//! Senders that announce for whom they open a connection, in a header of the PROXY protocol before
//! anything else, also before TLS.

use std::io::{Error, ErrorKind, Result};
use std::net::IpAddr;
use std::pin::pin;
use std::task::Poll;

use tokio::net::TcpStream;

use crate::wire::announced::{HEADER_MAX, Seen, look};

use super::client::Client;

/// Takes the header off a connection, and gives whom it names, which may be nobody. None if there was none, it took too long
/// (as long as a head may), or the core waits no longer.
pub(super) async fn take(stream: &TcpStream, client: &Client) -> Option<Option<IpAddr>> {
    let ended = {
        let mut header = pin!(read(stream));
        std::future::poll_fn(|context| {
            client.alarm().wake_me(context);
            if client.alarm().take_rung() || client.core().gives_up() {
                return Poll::Ready(Err(ErrorKind::TimedOut.into()));
            }
            header.as_mut().poll(context)
        })
        .await
    };
    match ended {
        Ok(source) => {
            client.is_announced(source);
            Some(source)
        }
        Err(_) if client.core().gives_up() => None,
        Err(error) => {
            let core = client.core();
            core.counters.unannounced.add(1);
            // Probes connect and say nothing.
            let left = error.kind() == ErrorKind::UnexpectedEof;
            let warning = if left { None } else { core.shared.warnings.unannounced.ready() };
            if let Some(withheld) = warning {
                let sender = client.peer();
                tracing::warn!(
                    %sender, %error, withheld,
                    "a connection is closed that does not begin with a header of the PROXY protocol, as \
                     those of `proxies.proxy_protocol` do"
                );
            }
            None
        }
    }
}

/// Looks before it takes, so that what stands behind the header stays where it is.
async fn read(stream: &TcpStream) -> Result<Option<IpAddr>> {
    let (mut header, mut have) = ([0; HEADER_MAX], 0);
    loop {
        let room = header.get_mut(have..).unwrap_or_default();
        let came = stream.peek(room).await?;
        if came == 0 {
            return Err(ErrorKind::UnexpectedEof.into());
        }
        let bytes = header.get(..have + came).unwrap_or_default();
        let seen = look(bytes).map_err(|bad| Error::new(ErrorKind::InvalidData, bad))?;
        let end = match seen {
            Seen::Whole(length, _) => length,
            Seen::Part(_) => have + came,
        };
        while have < end {
            // They were there a moment ago, and nobody else reads them.
            let taken = stream.try_read(header.get_mut(have..end).unwrap_or_default())?;
            if taken == 0 {
                return Err(ErrorKind::UnexpectedEof.into());
            }
            have += taken;
        }
        if let Seen::Whole(_, source) = seen {
            return Ok(source);
        }
    }
}
