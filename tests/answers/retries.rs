//! Requests that meet a closed connection: tried again while nothing of them was sent, and never later.

use std::net::{SocketAddr, TcpListener};
use std::time::Duration;

use tollgate::clock::instant;

use crate::support::client::Client;
use crate::support::gateway::Gateway;
use crate::support::upstream::{Step, Upstream, answer, ok};

/// The limit of an answer is a second, and is kept if the answer comes within this; the machine may be busy.
const GRACE: Duration = Duration::from_secs(9);

fn in_front_of(upstreams: &[SocketAddr]) -> (Gateway, String) {
    let urls: Vec<_> = upstreams.iter().map(|one| format!("\"http://{one}\"")).collect();
    let gateway = Gateway::start(&format!(
        "[[apis]]\nname = \"a\"\nupstream = [{}]\nupstream_response_timeout = \"1s\"\n\
         upstream_retry = \"never\"\n\
         rules = [{{ path = \"/{{*rest}}\" }}]\n",
        urls.join(", ")
    ));
    gateway.owner("somebody");
    let secret = gateway.any_token();
    (gateway, secret)
}

fn nobody() -> SocketAddr {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap()
}

#[test]
fn beside_a_dead_endpoint_a_closed_connection_is_made_anew() {
    let alive = Upstream::start();
    for dead in 1..3 {
        let mut all = vec![alive.address()];
        all.extend((0..dead).map(|_| nobody()));
        let (gateway, secret) = in_front_of(&all);
        let mut client = Client::connect(gateway.public());
        for round in 0..20 {
            let found = client.ask(gateway.get("/", &secret));
            assert_eq!(found.status, 200, "round {round} with {dead} dead");
            alive.close_connections();
        }
        assert_eq!(alive.take().len(), 20, "nothing was sent twice");
    }
}

#[test]
fn many_closed_connections_are_no_reason_to_give_up() {
    let upstream = Upstream::scripted(|_| {
        let mut steps = ok("ok");
        steps.insert(1, Step::Wait);
        steps
    });
    let (gateway, secret) = in_front_of(&[upstream.address()]);
    let mut clients: Vec<_> = (0..20).map(|_| Client::connect(gateway.public())).collect();
    for _ in 0..3 {
        clients.iter_mut().for_each(|client| client.send(gateway.get("/", &secret)));
        upstream.wait_for(clients.len());
        clients.iter().for_each(|_| upstream.go_on());
        clients.iter_mut().for_each(|client| assert_eq!(client.answer().status, 200));
        assert_eq!(upstream.take().len(), clients.len());
        upstream.close_connections();
    }
}

#[test]
fn rfc9110_9_2_2_what_was_sent_is_not_sent_again() {
    // It takes a request on a connection that was idle, and closes without an answer.
    let steps = |line: String| match line {
        line if line.contains("/closes") => vec![Step::TakeBody, Step::Close],
        line if line.contains("/resets") => vec![Step::TakeBody, Step::Reset],
        _ => ok("ok"),
    };
    let upstreams = [(); 2].map(|()| Upstream::scripted(move |seen| steps(seen.line())));
    let (gateway, secret) = in_front_of(&upstreams.each_ref().map(Upstream::address));
    let mut client = Client::connect(gateway.public());
    for target in ["/closes", "/resets", "/closes"] {
        for _ in 0..2 {
            assert_eq!(client.ask(gateway.get("/", &secret)).status, 200);
        }
        upstreams.iter().for_each(|upstream| drop(upstream.take()));
        let found = client.ask(gateway.get(target, &secret));
        assert_eq!(found.status, 502, "{target}");
        assert_eq!(found.json()["detail"], "The upstream did not give a usable answer");
        let seen: Vec<_> = upstreams.iter().flat_map(Upstream::take).collect();
        assert_eq!(seen.len(), 1, "{target}: {seen:?}");
    }
}

#[test]
fn the_time_of_an_answer_is_kept_on_a_retry() {
    let upstream = Upstream::scripted(|seen| match seen.line() {
        line if line.contains("/silent") => vec![Step::TakeBody, Step::Stall],
        _ => ok("ok"),
    });
    let (gateway, secret) = in_front_of(&[upstream.address()]);
    let mut client = Client::connect(gateway.public());
    let post = format!(
        "POST /silent HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer {secret}\r\nContent-Length: 4\r\n\r\nbody"
    );
    for request in [gateway.get("/silent", &secret), post] {
        assert_eq!(client.ask(gateway.get("/", &secret)).status, 200);
        upstream.close_connections();
        let before = upstream.connections();
        let begun = instant();
        assert_eq!(client.ask(request).status, 504);
        assert!(begun.elapsed() < GRACE, "{:?}", begun.elapsed());
        assert_eq!(upstream.connections() - before, 1, "that was no retry");
    }
}

#[test]
fn the_time_of_an_answer_begins_behind_trailers() {
    let upstream = Upstream::scripted(|seen| match seen.line() {
        line if line.contains("/silent") => vec![Step::TakeBody, Step::Stall],
        _ => answer("HTTP/1.1 204 No Content\r\n\r\n"),
    });
    let (gateway, secret) = in_front_of(&[upstream.address()]);
    for trailers in ["", "X-Sum: 1\r\n"] {
        let begun = instant();
        let found = gateway.ask(format!(
            "POST /silent HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer {secret}\r\nTrailer: X-Sum\r\n\
             Transfer-Encoding: chunked\r\n\r\n4\r\nbody\r\n0\r\n{trailers}\r\n"
        ));
        assert_eq!(found.status, 504, "{trailers:?}");
        assert!(begun.elapsed() < GRACE, "{trailers:?}: {:?}", begun.elapsed());
        assert!(upstream.take_one().complete, "{trailers:?}");
    }
}
