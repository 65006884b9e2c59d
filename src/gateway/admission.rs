//! Which connections get a place: as many as may be open in all, and as many of one address. One too many is
//! closed before anything of it is read.

use std::net::IpAddr;
use std::rc::Rc;
use std::sync::atomic::Ordering;

use super::client::Client;
use super::core::Core;
use super::crowd::Member;
use super::snapshot::Snapshot;

/// Gives a connection a place, if there is one.
pub(super) fn admit(core: &Rc<Core>, peer: IpAddr) -> Option<Rc<Client>> {
    let snapshot = core.snapshot();
    let most = most_of_address(core, &snapshot);
    let is_known = !snapshot.proxies.announces(peer.to_canonical());
    place(core, (peer.to_canonical(), is_known), &snapshot, most)
}

/// As many as there may be of all.
fn most_of_all(core: &Core, snapshot: &Snapshot) -> usize {
    snapshot.limits.connections.min(core.shared.descriptors.clients())
}

/// As many as there may be of one address: never more than half of all, or one that takes what it gets would leave the
/// others nothing where few files may be open. Zero is as many as there are, for whoever wants that.
fn most_of_address(core: &Core, snapshot: &Snapshot) -> usize {
    let half = (most_of_all(core, snapshot) / 2).max(1);
    snapshot.limits.connections_per_address.min(half)
}

/// The same for one that comes from the gateway before this one. It had its place there, so that the others of its
/// address, which may have come before it, do not cost it that. For whom it is may be `announced` already.
pub(super) fn admit_moved(core: &Rc<Core>, peer: IpAddr, announced: bool) -> Option<Rc<Client>> {
    let snapshot = core.snapshot();
    let most = if snapshot.limits.connections_per_address > 0 { usize::MAX } else { 0 };
    let is_known = announced || !snapshot.proxies.announces(peer.to_canonical());
    place(core, (peer.to_canonical(), is_known), &snapshot, most)
}

/// Whether a connection may stay, now that its sender has announced for whom it is.
pub(super) fn is_let_in(client: &Client) -> bool {
    let (core, snapshot) = (client.core(), client.core().snapshot());
    let most = most_of_address(core, &snapshot);
    match join(core, client.peer(), &snapshot, most) {
        Some(member) => {
            client.joins(member);
            true
        }
        None => false,
    }
}

fn place(
    core: &Rc<Core>,
    (peer, is_known): (IpAddr, bool),
    snapshot: &Snapshot,
    most_of_address: usize,
) -> Option<Rc<Client>> {
    let open = core.shared.connections.fetch_add(1, Ordering::Relaxed);
    let limit = most_of_all(core, snapshot);
    let member = match open < limit {
        // For whom a listed sender opens it is yet to come.
        true if !is_known => Some(Member::default()),
        true => join(core, peer, snapshot, most_of_address),
        false => {
            turn_away(core, limit);
            None
        }
    };
    let Some(member) = member else {
        core.shared.connections.fetch_sub(1, Ordering::Relaxed);
        return None;
    };
    let client = Client::new(core, peer);
    client.joins(member);
    Some(client)
}

/// A place among the connections of one address, of which there may be `most`; zero is as many as there are. Those of
/// proxies that are believed are not counted, for many clients come through them.
fn join(core: &Core, address: IpAddr, snapshot: &Snapshot, most: usize) -> Option<Member> {
    if most == 0 || snapshot.proxies.trusts(address) {
        return Some(Member::default());
    }
    let member = core.shared.crowd.join(address, most);
    if member.is_none() {
        core.counters.crowding.add(1);
        if let Some(withheld) = core.shared.warnings.crowding.ready() {
            tracing::warn!(
                %address, limit = most, withheld,
                "an address has as many connections open as it may, and another one is closed"
            );
        }
    }
    member
}

fn turn_away(core: &Core, limit: usize) {
    core.counters.turned_away.add(1);
    if let Some(withheld) = core.shared.warnings.crowd.ready() {
        tracing::warn!(limit, withheld, "a connection is turned away: too many are open");
    }
}
