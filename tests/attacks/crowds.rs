//! One address that opens too many connections, or sends too much over one: the others keep their places (sec-D2), and
//! nobody gets more by having more addresses of one network.

use std::net::{Ipv4Addr, SocketAddr};

use crate::support::client::Client;
use crate::support::gateway::Gateway;
use crate::support::http2;
use crate::support::upstream::Upstream;
use crate::support::{PATIENCE, wait_until};

/// In the order in which it is dropped.
struct Stage {
    _upstream: Upstream,
    gateway: Gateway,
    secret: String,
}

impl Stage {
    /// With these lines of configuration.
    fn new(more: &str) -> Self {
        let upstream = Upstream::start();
        let gateway = Gateway::start(&format!(
            "{more}\n[[apis]]\nname = \"a\"\nupstream = \"http://{}\"\n\
             rules = [{{ path = \"/{{*rest}}\" }}]\n",
            upstream.address()
        ));
        gateway.owner("somebody");
        let secret = gateway.any_token();
        Self { _upstream: upstream, gateway, secret }
    }

    fn public(&self) -> SocketAddr {
        self.gateway.public()
    }

    fn get(&self) -> String {
        self.gateway.get("/x", &self.secret)
    }

    /// A connection of this address that has been answered, if it gets a place.
    fn served(&self, source: &str) -> Option<Client> {
        self.served_with(source, "")
    }

    /// The same with bytes before its first request.
    fn served_with(&self, source: &str, before: &str) -> Option<Client> {
        let mut client = Client::connect_from(source, self.public());
        client.send(format!("{before}{}", self.get()));
        let status = client.answer_to("GET").map(|answer| answer.status);
        assert!(status.is_none_or(|status| status == 200), "{status:?}");
        status.map(|_| client)
    }

    /// The same over HTTP/2.
    fn served_over_http2(&self, source: &str) -> Option<http2::Client> {
        let mut client = http2::Client::connect_from(source, self.public());
        let request = http::Request::get("http://a.example/x")
            .header("authorization", format!("Bearer {}", self.secret));
        let found = client.try_ask(request.body(http_body_util::Full::default()).unwrap());
        assert!(found.as_ref().map_or(true, |answer| answer.status == 200));
        found.ok().map(|_| client)
    }

    fn crowding(&self) -> u64 {
        self.gateway.counted(|core| core.crowding.value())
    }

    /// Waits until nobody has a connection that is counted.
    fn is_left(&self) {
        let crowd = &self.gateway.app().shared().crowd;
        wait_until("a place is not given back", PATIENCE, || crowd.clients() == 0);
    }

    fn reconfigure(&self, from: &str, to: &str) {
        let text = std::fs::read_to_string(self.gateway.source()).unwrap();
        assert!(text.contains(from));
        std::fs::write(self.gateway.source(), text.replace(from, to)).unwrap();
        self.gateway.app().reloader().reload().unwrap();
    }
}

#[test]
fn sec_d2_one_address_leaves_places_for_the_others() {
    let stage = Stage::new("limits = { connections_per_address = 3 }");
    let silent = Client::connect_from("127.0.0.2", stage.public());
    let open = || stage.gateway.counted(|core| core.open.value());
    wait_until("it was never accepted", PATIENCE, || open() == 1);
    let http1 = stage.served("127.0.0.2").unwrap();
    let http2 = stage.served_over_http2("127.0.0.2").unwrap();
    for nth in 1..=3 {
        assert!(Client::connect_from("127.0.0.2", stage.public()).is_closed(), "without a byte");
        assert!(stage.served_over_http2("127.0.0.2").is_none());
        assert_eq!(stage.crowding(), 2 * nth);
        assert!(stage.served("127.0.0.3").is_some());
        assert!(stage.served_over_http2("127.0.0.3").is_some());
    }
    // Whatever ends gives its place back, and one alone.
    drop(http1);
    let mut another = None;
    wait_until("there is a place again", PATIENCE, || {
        another = stage.served("127.0.0.2");
        another.is_some()
    });
    assert!(stage.served("127.0.0.2").is_none());
    drop((silent, http2, another));
    stage.is_left();
}

/// Many addresses, each of which takes all that it gets and asks for more.
#[test]
fn sec_d2_many_addresses_have_as_many_places_each_and_leave_nothing_behind() {
    let stage = Stage::new("limits = { connections_per_address = 2 }");
    let sources = (0..60).map(|nth| Ipv4Addr::new(127, 1, nth, 7).to_string());
    let mut held = Vec::new();
    for source in sources {
        held.extend((0..4).filter_map(|_| stage.served(&source)));
    }
    assert_eq!((held.len(), stage.crowding()), (120, 120));
    assert_eq!(stage.gateway.app().shared().crowd.clients(), 60);
    assert!(stage.served("127.0.0.9").is_some());
    drop(held);
    stage.is_left();
}

/// sec-H4: a proxy that is believed is not one client, and whoever says that they are one is.
#[test]
fn proxies_that_are_believed_are_not_counted() {
    let stage = Stage::new(
        "limits = { connections_per_address = 2 }\nproxies = { trusted = [\"127.0.0.5\"] }",
    );
    let proxied: Vec<_> = (0..20).map(|_| stage.served("127.0.0.5").unwrap()).collect();
    let own: Vec<_> = (0..20).filter_map(|_| stage.served("127.0.0.2")).collect();
    assert_eq!((proxied.len(), own.len()), (20, 2));
    // Who is believed is asked of each connection anew.
    stage.reconfigure("127.0.0.5", "127.0.0.2");
    assert!(stage.served("127.0.0.2").is_some());
    let known: Vec<_> = (0..3).filter_map(|_| stage.served("127.0.0.5")).collect();
    assert_eq!(known.len(), 2, "what came before is not counted");
    drop((proxied, own, known));
    stage.is_left();
}

#[test]
fn a_client_is_who_a_listed_sender_announces() {
    let stage = Stage::new(
        "limits = { connections_per_address = 2 }\nproxies = { proxy_protocol = [\"127.0.0.6\"] }",
    );
    let announced = |line: &str| stage.served_with("127.0.0.6", &format!("PROXY {line}\r\n"));
    let held = |line: &str| (0..5).filter_map(|_| announced(line)).collect::<Vec<_>>();
    let far = held("TCP4 203.0.113.9 127.0.0.1 4711 80");
    let other = held("TCP4 203.0.113.10 127.0.0.1 4711 80");
    assert_eq!((far.len(), other.len()), (2, 2));
    // Of IPv6 a whole network is one client.
    let network = (0..5).map(|nth| format!("TCP6 2001:db8::{nth} ::1 4711 80"));
    let network: Vec<_> = network.filter_map(|line| announced(&line)).collect();
    let beside = announced("TCP6 2001:db8:0:1::1 ::1 4711 80");
    assert_eq!((network.len(), beside.is_some()), (2, true));
    // What the sender opens for itself, or for it does not say whom.
    let own = held("UNKNOWN");
    assert_eq!(own.len(), 5);
    assert_eq!(stage.crowding(), 3 + 3 + 3);
    drop((far, other, network, beside, own));
    stage.is_left();
}

#[test]
fn a_reload_changes_what_holds_for_connections_that_come_after_it() {
    let stage = Stage::new("limits = { connections_per_address = 3 }");
    let mut held: Vec<_> = (0..2).filter_map(|_| stage.served("127.0.0.2")).collect();
    stage.reconfigure("= 3 }", "= 2 }");
    assert!(stage.served("127.0.0.2").is_none());
    assert!(held.iter_mut().all(|client| client.ask(stage.get()).status == 200));
    stage.reconfigure("= 2 }", "= 0 }");
    held.extend((0..20).map(|_| stage.served("127.0.0.2").unwrap()));
    drop(held);
    stage.is_left();
}

/// Connections move to a successor with their places, even if others of their address come to it first.
#[test]
fn no_connection_loses_its_place_when_a_gateway_is_replaced() {
    let mut stage = Stage::new("limits = { connections_per_address = 2 }");
    let mut held: Vec<_> = (0..2).map(|_| stage.served("127.0.0.2").unwrap()).collect();
    stage.gateway.succeed().join().unwrap().unwrap();
    assert!(held.iter_mut().all(|client| client.ask(stage.get()).status == 200));
    assert!(stage.served("127.0.0.2").is_none(), "they are counted here");
    drop(held);
    stage.is_left();
}
