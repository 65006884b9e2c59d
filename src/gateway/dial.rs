//! The way to an endpoint: of several addresses of a name whichever answers first is taken.

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use tokio::net::TcpStream;
use tokio::task::JoinSet;

use super::names::Known;

/// How long one address is waited for before the next is tried beside it (RFC 8305 section 5).
const NEXT_AFTER: Duration = Duration::from_millis(250);

/// A connection to a host.
///
/// # Errors
/// The name cannot be resolved, or nobody listens at any of its addresses.
pub(super) async fn dial(host: &str, port: u16, known: &Known) -> io::Result<TcpStream> {
    match host.parse::<IpAddr>() {
        Ok(address) => TcpStream::connect((address, port)).await,
        Err(_) => any(in_turns(known.addresses(host, port).await?)).await,
    }
}

/// The two families in turns, the one of the first address first (RFC 8305 section 4).
fn in_turns(addresses: Vec<SocketAddr>) -> Vec<SocketAddr> {
    let six_first = addresses.first().is_some_and(SocketAddr::is_ipv6);
    let (first, second): (Vec<_>, Vec<_>) =
        addresses.into_iter().partition(|address| address.is_ipv6() == six_first);
    let (mut first, mut second) = (first.into_iter(), second.into_iter());
    let mut turns = Vec::new();
    while first.len() + second.len() > 0 {
        turns.extend(first.next().into_iter().chain(second.next()));
    }
    turns
}

/// A connection to whichever answers first. One that has not answered is not given up for the next.
async fn any(addresses: Vec<SocketAddr>) -> io::Result<TcpStream> {
    let (mut left, mut tries) = (addresses.into_iter(), JoinSet::new());
    let mut last = io::Error::new(io::ErrorKind::NotFound, "its name has no address");
    loop {
        match left.next() {
            Some(address) => _ = tries.spawn(TcpStream::connect(address)),
            None if tries.is_empty() => return Err(last),
            None => {}
        }
        let patience = if left.len() > 0 { NEXT_AFTER } else { Duration::MAX };
        match tokio::time::timeout(patience, tries.join_next()).await {
            Ok(Some(Ok(Ok(stream)))) => return Ok(stream),
            Ok(Some(Ok(Err(error)))) => last = error,
            Ok(Some(Err(error))) => last = io::Error::other(error),
            Ok(None) | Err(_) => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    use std::net::{Ipv4Addr, TcpListener};

    use crate::clock;
    use crate::gateway::names::KNOWN_FOR;

    /// An address at which connections are neither taken nor refused, as behind a firewall, for as long as
    /// what else this gives is kept.
    async fn silent() -> (SocketAddr, impl Sized) {
        let socket =
            socket2::Socket::new(socket2::Domain::IPV4, socket2::Type::STREAM, None).unwrap();
        let any: SocketAddr = (Ipv4Addr::LOCALHOST, 0).into();
        socket.bind(&any.into()).unwrap();
        socket.listen(0).unwrap();
        let address = socket.local_addr().unwrap().as_socket().unwrap();
        let mut full = Vec::new();
        while let Ok(taken) =
            tokio::time::timeout(Duration::from_millis(100), TcpStream::connect(address)).await
        {
            full.push(taken.unwrap());
        }
        (address, (socket, full))
    }

    fn nobody() -> SocketAddr {
        TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap()
    }

    #[tokio::test]
    async fn rfc8305_5_an_address_that_does_not_answer_keeps_nobody_from_the_others() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let (alive, (silent, _full)) = (listener.local_addr().unwrap(), silent().await);
        for all in [vec![silent, alive], vec![nobody(), silent, nobody(), alive], vec![alive]] {
            let begun = clock::instant();
            let stream = any(all).await.unwrap();
            assert_eq!(stream.peer_addr().unwrap(), alive);
            assert!(begun.elapsed() < Duration::from_secs(9), "{:?}", begun.elapsed());
        }
        let refused = any(vec![nobody(), nobody()]).await.unwrap_err();
        assert_eq!(refused.kind(), io::ErrorKind::ConnectionRefused);
        assert_eq!(any(Vec::new()).await.unwrap_err().kind(), io::ErrorKind::NotFound);
    }

    #[tokio::test]
    async fn a_name_whose_addresses_change_leads_to_the_new_ones_and_no_more_to_the_old() {
        let new = TcpListener::bind("127.0.0.1:0").unwrap();
        let at = new.local_addr().unwrap();
        let before = TcpListener::bind(("127.0.0.2", at.port())).unwrap();
        let old = before.local_addr().unwrap();
        let known = Known::told(vec![old], Duration::ZERO);
        let reached = dial("localhost", at.port(), &known).await.unwrap().peer_addr().unwrap();
        assert_eq!(reached, old, "it is not looked up again at once");
        let known = Known::told(vec![old], KNOWN_FOR);
        for _ in 0..2 {
            let stream = dial("localhost", at.port(), &known).await.unwrap();
            assert_eq!(stream.peer_addr().unwrap(), at);
        }
        drop(new);
        dial("localhost", at.port(), &known).await.unwrap_err();
    }

    #[test]
    fn rfc8305_4_families_take_turns() {
        let of = |text: &str| -> Vec<SocketAddr> {
            text.split(' ').map(|ip| (ip.parse::<IpAddr>().unwrap(), 1).into()).collect()
        };
        for (given, wanted) in [
            ("::1 ::2 1.1.1.1 2.2.2.2", "::1 1.1.1.1 ::2 2.2.2.2"),
            ("1.1.1.1 2.2.2.2 3.3.3.3 ::1", "1.1.1.1 ::1 2.2.2.2 3.3.3.3"),
            ("1.1.1.1", "1.1.1.1"),
        ] {
            assert_eq!(in_turns(of(given)), of(wanted));
        }
    }
}
