//! Upstreams that are silent in the middle of an answer, as streams of events are: for how long is a
//! matter of each API.

use std::time::Duration;

use tollgate::clock::instant;

use crate::support::client::Client;
use crate::support::gateway::Gateway;
use crate::support::upstream::{Step, Upstream};

/// Sends an event, is silent until it may go on, and sends another.
fn events() -> Upstream {
    let head =
        "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n";
    Upstream::scripted(move |_| {
        vec![
            Step::Send(format!("{head}\r\na\r\ndata: 1\n\n\n\r\n").into_bytes()),
            Step::Wait,
            Step::Send(b"9\r\ndata: 2\n\n\r\n0\r\n\r\n".to_vec()),
        ]
    })
}

fn gateway(global: &str, upstreams: &[(&str, &Upstream, &str)]) -> (Gateway, String) {
    let mut settings = format!("limits = {{ stall_timeout = \"{global}\" }}\n");
    for (name, upstream, more) in upstreams {
        let address = upstream.address();
        settings.push_str(&format!(
            "[[apis]]\nname = \"{name}\"\npath = \"/{name}\"\nupstream = \"http://{address}\"\n{more}\n\
             rules = [{{ path = \"/{name}/{{*rest}}\" }}]\n"
        ));
    }
    let gateway = Gateway::start(&settings);
    gateway.owner("somebody");
    let secret = gateway.any_token();
    (gateway, secret)
}

/// Asks for events, and waits for the first.
fn listen(gateway: &Gateway, path: &str, secret: &str) -> Client {
    let mut client = Client::connect(gateway.public());
    client.send(gateway.get(path, secret));
    client.wait_for("data: 1");
    client
}

#[test]
fn an_api_of_streams_may_be_silent_for_longer_than_others() {
    let (patient, other) = (events(), events());
    let (gateway, secret) = gateway(
        "300ms",
        &[("patient", &patient, "upstream_stall_timeout = \"0\""), ("other", &other, "")],
    );
    let mut streams: Vec<_> = (0..4).map(|_| listen(&gateway, "/patient/x", &secret)).collect();
    // Each of these began later and is over sooner. The second one because each core looks at its limits
    // in a turn of its own.
    for _ in 0..2 {
        assert!(!listen(&gateway, "/other/x", &secret).answer().whole);
    }
    for _ in &streams {
        patient.go_on();
    }
    for stream in &mut streams {
        let found = stream.answer();
        assert!(found.whole && found.text().ends_with("data: 2\n\n"), "{found:?}");
    }
}

#[test]
fn an_api_may_be_silent_for_less_than_others() {
    let upstream = events();
    let (gateway, secret) =
        gateway("1d", &[("brief", &upstream, "upstream_stall_timeout = \"100ms\"")]);
    let begun = instant();
    assert!(!listen(&gateway, "/brief/x", &secret).answer().whole);
    assert!(begun.elapsed() < Duration::from_secs(10));
}
