//! The public port: taken by one gateway alone, and then shared by its cores.
//!
//! Sockets that share a port (`SO_REUSEPORT`) would let a second gateway of the same user share it
//! too, and the kernel would spread clients over both. So the first socket takes the port without
//! that flag, which fails while anybody else has it, and gets the flag only when it listens: from
//! then on every first socket of another gateway fails, and our own others join.

use std::io;
use std::net::{SocketAddr, TcpListener};

use socket2::{Domain, Protocol, SockRef, Socket, Type};

/// Connections that may wait to be accepted, for each core.
const WAITING: i32 = 4_096;

/// So much of an answer waits in the system beside what is on its way to a client (sec-D5): otherwise some MiB for each that does not
/// read, and one that reads slowly would seem not to read at all, since room is told of by the third.
const UNSENT_BYTES: u32 = 256 << 10;

/// A port that nobody else can listen at any more once this does. Until then it refuses
/// connections, unless it listened before.
#[derive(Debug)]
pub struct Port {
    sockets: Sockets,
    address: SocketAddr,
}

#[derive(Debug)]
enum Sockets {
    /// One that does not listen yet.
    New(Socket),
    /// Those of whoever listened before: connections may wait at each of them.
    Given(Vec<TcpListener>),
}

impl Port {
    /// Takes the port; with port 0 the system chooses one.
    ///
    /// # Errors
    /// The system's: somebody listens there, or it may not be taken.
    pub fn take(address: SocketAddr) -> io::Result<Self> {
        let first = bound(address, false)?;
        let chosen = first.local_addr()?.as_socket();
        Ok(Self { sockets: Sockets::New(first), address: chosen.unwrap_or(address) })
    }

    /// Takes the port with those sockets of whoever listened before that are there, where port 0 is any; without one, as
    /// [`Port::take`].
    ///
    /// # Errors
    /// As [`Port::take`].
    pub fn take_with(address: SocketAddr, given: Vec<TcpListener>) -> io::Result<Self> {
        let mut there = None;
        let mut kept = Vec::with_capacity(given.len());
        for listener in given {
            let at = listener.local_addr()?;
            if at != address && (address.port() != 0 || at.ip() != address.ip()) {
                tracing::warn!(%at, configured = %address, "a socket listens elsewhere than is configured, and closes");
                continue;
            }
            listener.set_nonblocking(true)?;
            inherit(&SockRef::from(&listener))?;
            there = Some(at);
            kept.push(listener);
        }
        match there {
            Some(address) => Ok(Self { sockets: Sockets::Given(kept), address }),
            None => Self::take(address),
        }
    }

    /// Where it is.
    pub const fn address(&self) -> SocketAddr {
        self.address
    }

    /// Listens, with at least one socket for each core, over which the kernel spreads connections; sockets that were given
    /// are all that there are.
    ///
    /// # Errors
    /// The system's: somebody else who took the port at the same time listens there by now.
    pub fn listen(self, cores: usize) -> io::Result<Vec<Vec<TcpListener>>> {
        let cores = cores.max(1);
        let is_ours = matches!(self.sockets, Sockets::New(_));
        let mut listeners = match self.sockets {
            Sockets::New(first) => {
                first.listen(WAITING)?;
                vec![first.into()]
            }
            Sockets::Given(given) => given,
        };
        let given = listeners.len();
        if let Some(first) = listeners.first().filter(|_| is_ours && given < cores) {
            SockRef::from(first).set_reuse_port(true)?;
        }
        while listeners.len() < cores {
            // What is given is shared: a manager of services keeps no socket that it did not make, and what waits at one of
            // ours would be lost with this process.
            let another = match listeners.get(listeners.len() % given).filter(|_| !is_ours) {
                Some(shared) => shared.try_clone()?,
                None => joined(self.address)?,
            };
            listeners.push(another);
        }
        let mut shares: Vec<Vec<TcpListener>> = (0..cores).map(|_| Vec::new()).collect();
        for (index, listener) in listeners.into_iter().enumerate() {
            if let Some(share) = shares.get_mut(index % cores) {
                share.push(listener);
            }
        }
        Ok(shares)
    }
}

/// One more socket at a port that is taken.
fn joined(address: SocketAddr) -> io::Result<TcpListener> {
    let socket = bound(address, true)?;
    socket.listen(WAITING)?;
    Ok(socket.into())
}

/// Sets what Linux hands on to every connection that is accepted, which saves a call for each.
fn inherit(socket: &Socket) -> io::Result<()> {
    socket.set_tcp_nodelay(true)?;
    socket.set_tcp_notsent_lowat(UNSENT_BYTES)
}

fn bound(address: SocketAddr, shared: bool) -> io::Result<Socket> {
    let socket = Socket::new(Domain::for_address(address), Type::STREAM, Some(Protocol::TCP))?;
    // Connections of an earlier gateway that linger are in nobody's way.
    socket.set_reuse_address(true)?;
    socket.set_reuse_port(shared)?;
    socket.set_nonblocking(true)?;
    inherit(&socket)?;
    socket.bind(&address.into())?;
    Ok(socket)
}

#[cfg(test)]
mod tests {
    use std::io::ErrorKind;
    use std::net::TcpStream;

    use super::*;

    const ANY: SocketAddr = SocketAddr::new(std::net::IpAddr::V4(std::net::Ipv4Addr::LOCALHOST), 0);

    #[test]
    fn connections_send_without_delay_and_hold_little_that_is_unsent() {
        let port = Port::take(ANY).unwrap();
        let address = port.address();
        for listener in port.listen(2).unwrap().into_iter().flatten() {
            listener.set_nonblocking(true).unwrap();
            // Some connection comes to each of them.
            let accepted = (0..1_000).find_map(|_| {
                let _client = TcpStream::connect(address).unwrap();
                listener.accept().ok()
            });
            let accepted = accepted.unwrap().0;
            assert!(accepted.nodelay().unwrap());
            assert_eq!(SockRef::from(&accepted).tcp_notsent_lowat().unwrap(), UNSENT_BYTES);
        }
    }

    #[test]
    fn sockets_that_were_given_are_shared_and_no_other_is_made() {
        let made = TcpListener::bind(ANY).unwrap();
        let (address, kept) = (made.local_addr().unwrap(), made.try_clone().unwrap());
        let shares = Port::take_with(address, vec![made]).unwrap().listen(3).unwrap();
        assert!(shares.iter().all(|share| share.len() == 1));
        let clients: Vec<_> = (0..20).map(|_| TcpStream::connect(address).unwrap()).collect();
        drop(shares);
        // All of them wait where whoever made the socket finds them.
        assert!(clients.iter().all(|_| kept.accept().is_ok()));
    }

    #[test]
    fn a_port_is_shared_by_the_cores_of_one_gateway_alone() {
        for cores in [1, 3] {
            let port = Port::take(ANY).unwrap();
            let address = port.address();
            assert!(TcpStream::connect(address).is_err(), "nobody waits before it listens");
            let rival = Port::take(address).unwrap();
            let listeners = port.listen(cores).unwrap();
            assert_eq!(listeners.len(), cores);
            let error = rival.listen(cores).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::AddrInUse, "it began at the same time");
            for other in [address, SocketAddr::from(([0, 0, 0, 0], address.port()))] {
                let error = Port::take(other).unwrap_err();
                assert_eq!(error.kind(), ErrorKind::AddrInUse, "{other}");
            }
            drop(listeners);
            Port::take(address).unwrap().listen(cores).unwrap();
        }
    }
}
