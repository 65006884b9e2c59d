//! The public port: taken by one gateway alone, and then shared by its cores.
//!
//! Sockets that share a port (`SO_REUSEPORT`) would let a second gateway of the same user share it
//! too, and the kernel would spread clients over both. So the first socket takes the port without
//! that flag, which fails while anybody else has it, and gets the flag only when it listens: from
//! then on every first socket of another gateway fails, and our own others join.

use std::io;
use std::net::{SocketAddr, TcpListener};

use socket2::{Domain, Protocol, Socket, Type};

/// Connections that may wait to be accepted, for each core.
const WAITING: i32 = 4_096;

/// A port that nobody else can listen at any more once this does. Until then it refuses
/// connections.
#[derive(Debug)]
pub struct Port {
    first: Socket,
    address: SocketAddr,
}

impl Port {
    /// Takes the port; with port 0 the system chooses one.
    ///
    /// # Errors
    /// The system's: somebody listens there, or it may not be taken.
    pub fn take(address: SocketAddr) -> io::Result<Self> {
        let first = bound(address, false)?;
        let chosen = first.local_addr()?.as_socket();
        Ok(Self { first, address: chosen.unwrap_or(address) })
    }

    /// Where it is.
    pub const fn address(&self) -> SocketAddr {
        self.address
    }

    /// Listens, with one socket for each core; the kernel spreads connections over them.
    ///
    /// # Errors
    /// The system's: somebody else who took the port at the same time listens there by now.
    pub fn listen(self, cores: usize) -> io::Result<Vec<TcpListener>> {
        self.first.listen(WAITING)?;
        let mut listeners = Vec::with_capacity(cores.max(1));
        if cores > 1 {
            self.first.set_reuse_port(true)?;
        }
        listeners.push(self.first.into());
        for _ in 1..cores {
            let another = bound(self.address, true)?;
            another.listen(WAITING)?;
            listeners.push(another.into());
        }
        Ok(listeners)
    }
}

fn bound(address: SocketAddr, shared: bool) -> io::Result<Socket> {
    let socket = Socket::new(Domain::for_address(address), Type::STREAM, Some(Protocol::TCP))?;
    // Connections of an earlier gateway that linger are in nobody's way.
    socket.set_reuse_address(true)?;
    socket.set_reuse_port(shared)?;
    socket.set_nonblocking(true)?;
    // Linux hands it on to every connection that is accepted, which saves a call for each.
    socket.set_tcp_nodelay(true)?;
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
    fn connections_send_without_delay() {
        let port = Port::take(ANY).unwrap();
        let address = port.address();
        for listener in port.listen(2).unwrap() {
            listener.set_nonblocking(true).unwrap();
            // Some connection comes to each of them.
            let accepted = (0..1_000).find_map(|_| {
                let _client = TcpStream::connect(address).unwrap();
                listener.accept().ok()
            });
            assert!(accepted.unwrap().0.nodelay().unwrap());
        }
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
