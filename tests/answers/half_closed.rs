//! Clients that send no more (a half-closed connection) and clients that are gone: TCP tells both in
//! the same words. Requests that came are answered, all and in order (RFC 9112 section 9.3.2).

use std::time::Duration;

use socket2::SockRef;

use crate::support::client::{Answer, Client};
use crate::support::gateway::Gateway;
use crate::support::upstream::{Step, Upstream, ok};
use crate::support::wait_until;

/// A gateway before an upstream that waits for a word, or for ever, where the path says so.
fn stage() -> (Upstream, Gateway, String) {
    let upstream = Upstream::scripted(|seen| {
        let send = |text: &str| Step::Send(text.as_bytes().to_vec());
        let begun = send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\n!\r\n");
        let more = || [Step::Wait, send("1\r\nx\r\n")];
        let mut steps = ok(&format!("answer to {}", seen.line()));
        match seen.line().split('/').nth(1) {
            Some("slow") => steps.insert(0, Step::Wait),
            Some("never") => steps = vec![Step::Stall],
            Some("begun") => steps = vec![begun, Step::Stall],
            Some("events") => {
                let head = "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n";
                let event = "Transfer-Encoding: chunked\r\n\r\n9\r\ndata: 1\n\n\r\n";
                steps = vec![send(head), send(event), Step::Stall];
            }
            Some("moves") => {
                steps = [vec![begun], more().into(), more().into(), vec![Step::Stall]].concat();
            }
            _ => {}
        }
        steps
    });
    let gateway = Gateway::start(&format!(
        "[[apis]]\nname = \"a\"\nupstream = \"http://{}\"\nrules = [{{ path = \"/{{*rest}}\" }}]\n",
        upstream.address()
    ));
    gateway.owner("somebody");
    let secret = gateway.any_token();
    (upstream, gateway, secret)
}

fn answered(answer: &Answer, path: &str) {
    assert_eq!((answer.status, answer.text()), (200, format!("answer to GET {path} HTTP/1.1")));
}

fn leave(client: Client, reset: bool) {
    if reset {
        SockRef::from(client.stream()).set_linger(Some(Duration::ZERO)).unwrap();
    }
    drop(client);
}

/// Waits until the gateway has let all of its upstream connections go: within moments, on a machine that
/// may be busy, and far from all time limits.
fn is_let_go(upstream: &Upstream) {
    let what = "a request goes on for a client that is gone";
    wait_until(what, Duration::from_secs(9), || upstream.open() == 0);
}

#[test]
fn a_client_that_sends_no_more_gets_its_answer() {
    let (_upstream, gateway, secret) = stage();
    for _ in 0..20 {
        let mut client = Client::connect(gateway.public());
        client.send(gateway.get("/x", &secret));
        client.finish();
        answered(&client.answer(), "/x");
        assert!(client.is_closed());
    }
}

#[test]
fn pipelined_requests_are_all_answered_when_no_more_are_sent() {
    let (upstream, gateway, secret) = stage();
    for (between, slow) in [("", ""), ("\r\n", ""), ("", "/slow"), ("\r\n", "/slow")] {
        let paths = [format!("{slow}/1"), format!("{slow}/2"), "/3".into()];
        let requests = paths.each_ref().map(|path| gateway.get(path, &secret));
        let mut client = Client::connect(gateway.public());
        client.send(requests.join(between) + between);
        client.finish();
        for path in paths {
            if path.starts_with("/slow") {
                // The gateway has seen the end, and asks whether the client is there.
                assert_eq!(client.read_to("\r\n\r\n"), b"HTTP/1.1 100 Continue\r\n\r\n");
                upstream.go_on();
            }
            answered(&client.answer(), &path);
        }
        assert!(client.is_closed());
    }
}

/// Also where what it sent last, and nobody read yet, hides the end.
#[test]
fn a_client_that_closes_before_its_answer_lets_the_upstream_go() {
    for behind in ["", "\r\n", "GET /next HTTP/1.1\r\nHost: a\r\n\r\n"] {
        for reset in [false, true] {
            let (upstream, gateway, secret) = stage();
            let mut client = Client::connect(gateway.public());
            client.send(gateway.get("/never/comes", &secret));
            upstream.wait_for(1);
            client.send(behind);
            leave(client, reset);
            is_let_go(&upstream);
        }
    }
}

#[test]
fn a_client_that_closes_amid_its_answer_lets_the_upstream_go() {
    for reset in [false, true] {
        let (upstream, gateway, secret) = stage();
        let mut client = Client::connect(gateway.public());
        client.send(gateway.get(if reset { "/begun/x" } else { "/moves/x" }, &secret));
        client.read_to("1\r\n!\r\n");
        leave(client, reset);
        if !reset {
            // What is written tells: the first part is answered with a reset.
            upstream.go_on();
            upstream.go_on();
        }
        is_let_go(&upstream);
    }
}

/// Events are waited for by clients that say nothing, and that are gone when they say so.
#[test]
fn a_client_that_closes_between_events_lets_the_upstream_go() {
    let (upstream, gateway, secret) = stage();
    let mut client = Client::connect(gateway.public());
    client.send(gateway.get("/events/x", &secret));
    client.read_to("data: 1");
    leave(client, false);
    is_let_go(&upstream);
}

#[test]
fn an_answer_that_stands_still_goes_on_to_a_client_that_sends_no_more() {
    let (upstream, gateway, secret) = stage();
    let mut client = Client::connect(gateway.public());
    client.send(gateway.get("/moves/x", &secret));
    client.read_to("1\r\n!\r\n");
    client.finish();
    for _ in 0..2 {
        upstream.go_on();
        assert_eq!(client.read_to("x\r\n"), b"1\r\nx\r\n");
    }
    // The gateway would wait for it at its end.
    leave(client, true);
}
