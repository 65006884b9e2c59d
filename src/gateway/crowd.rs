//! How many connections each address has open, over all cores, so that one client leaves places for the others.
//!
//! All cores write here, but only when a connection comes or goes: what that costs is the lock of one of
//! many shards, for as long as it takes to add one. There are no more entries than connections.

use std::net::IpAddr;
use std::sync::Arc;

use dashmap::DashMap;
use dashmap::mapref::entry::Entry;

use crate::domain::network;

/// Open connections, by the network that counts as one client. None has a zero.
#[derive(Clone, Debug, Default)]
pub struct Crowd(Arc<DashMap<IpAddr, usize>>);

impl Crowd {
    /// A place for one more connection of this address; none where it has `most` of them.
    pub(super) fn join(&self, address: IpAddr, most: usize) -> Option<Member> {
        let network = network::of_one_client(address);
        match self.0.entry(network) {
            Entry::Occupied(open) if *open.get() >= most => return None,
            Entry::Occupied(mut open) => *open.get_mut() += 1,
            Entry::Vacant(none) => drop(none.insert(1)),
        }
        Some(Member(Some((self.clone(), network))))
    }

    fn leave(&self, network: IpAddr) {
        if let Entry::Occupied(mut open) = self.0.entry(network) {
            match *open.get() {
                0 | 1 => drop(open.remove()),
                more => *open.get_mut() = more - 1,
            }
        }
    }

    /// How many clients have connections that are counted.
    pub fn clients(&self) -> usize {
        self.0.len()
    }
}

/// A place among the connections of an address, until it is dropped. By default one that is not counted.
#[derive(Debug, Default)]
pub(super) struct Member(Option<(Crowd, IpAddr)>);

impl Drop for Member {
    fn drop(&mut self) {
        if let Some((crowd, network)) = self.0.take() {
            crowd.leave(network);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn from(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    #[test]
    fn an_address_has_so_many_places_and_gives_them_back() {
        let crowd = Crowd::default();
        let held: Vec<_> = (0..3).map(|_| crowd.join(from("192.0.2.1"), 3).unwrap()).collect();
        assert!(crowd.join(from("192.0.2.1"), 3).is_none());
        assert!(crowd.join(from("::ffff:192.0.2.1"), 3).is_none(), "another spelling");
        assert!(crowd.join(from("192.0.2.2"), 1).is_some(), "another client");
        drop(held);
        assert!(crowd.join(from("192.0.2.1"), 1).is_some());
        assert_eq!(crowd.clients(), 0, "nothing is kept of those who left");
    }

    /// Whoever has a network has as many places as whoever has an address.
    #[test]
    fn a_network_of_ipv6_is_one_client() {
        let crowd = Crowd::default();
        let held: Vec<_> = (0..1_000)
            .filter_map(|nth| crowd.join(from(&format!("2001:db8::{nth:x}")), 10))
            .collect();
        assert_eq!((held.len(), crowd.clients()), (10, 1));
        assert!(crowd.join(from("2001:db8:0:1::1"), 10).is_some());
    }

    #[test]
    fn cores_that_come_and_go_at_once_lose_no_place() {
        let crowd = Crowd::default();
        std::thread::scope(|scope| {
            for core in 0..4 {
                let crowd = &crowd;
                scope.spawn(move || {
                    for nth in 0..10_000_u32 {
                        let own = from("192.0.2.9");
                        let other = std::net::Ipv4Addr::from_bits(nth * 4 + core).into();
                        drop((crowd.join(own, 2), crowd.join(other, 1)));
                    }
                });
            }
        });
        assert_eq!(crowd.clients(), 0);
    }
}
