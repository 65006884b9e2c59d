//! Trouble that comes with every request is told once in a while.

use std::net::TcpListener;

use serde_json::{Value, json};
use tollgate::domain::time::Timestamp;

use crate::support::client::Client;
use crate::support::gateway::{Gateway, START};
use crate::support::{PATIENCE, wait_until};
use crate::{Stage, everything};

/// Lines so far that hold all of `parts`.
fn told(parts: &[&str]) -> Vec<Value> {
    let holds = |line: &&str| parts.iter().all(|part| line.contains(part));
    let text = everything().once(|text| text.lines().any(|line| holds(&line)));
    text.lines().filter(holds).map(|line| serde_json::from_str(line).unwrap()).collect()
}

#[test]
fn an_upstream_that_is_not_there_is_told_once_in_ten_seconds() {
    everything();
    // Held, so that nobody else listens there meanwhile; a socket that does not listen refuses.
    let nobody = socket2::Socket::new(socket2::Domain::IPV4, socket2::Type::STREAM, None).unwrap();
    let any: std::net::SocketAddr = "127.0.0.1:0".parse().unwrap();
    nobody.bind(&any.into()).unwrap();
    let address = nobody.local_addr().unwrap().as_socket().unwrap();
    let gateway = Gateway::transparent(address);
    let secret = gateway.any_token();
    let fail = || assert_eq!(gateway.ask(gateway.get("/x", &secret)).status, 502);
    for _ in 0..20 {
        fail();
    }
    let upstream = address.to_string();
    let parts = ["an upstream cannot be reached", &*upstream];
    let lines = told(&parts);
    assert_eq!(lines.len(), 1, "{lines:?}");
    assert_eq!((&lines[0]["level"], &lines[0]["api"]), (&json!("WARN"), &json!("all")));
    assert_eq!(lines[0]["withheld"], 0);

    drop(nobody);
    let listener = TcpListener::bind(address).unwrap();
    let answers = std::thread::spawn(move || {
        use std::io::{Read as _, Write as _};
        let (mut stream, _) = listener.accept().unwrap();
        let _ = stream.read(&mut [0; 4_096]).unwrap();
        stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n").unwrap();
    });
    assert_eq!(gateway.ask(gateway.get("/x", &secret)).status, 200);
    answers.join().unwrap();
    assert_eq!(told(&["an upstream is reached again", &upstream]).len(), 1);
}

#[test]
fn an_upstream_that_talks_nonsense_is_told() {
    everything();
    let upstream = crate::support::upstream::Upstream::scripted(|_| {
        crate::support::upstream::answer("this is not HTTP\r\n\r\n")
    });
    let gateway = Gateway::transparent(upstream.address());
    let secret = gateway.any_token();
    for _ in 0..3 {
        assert_eq!(gateway.ask(gateway.get("/x", &secret)).status, 502);
    }
    let address = upstream.address().to_string();
    assert_eq!(told(&["an upstream gives no usable answer", &address]).len(), 1);
}

#[test]
fn an_answer_with_too_large_a_head_is_told_by_what_is_wrong_with_it() {
    everything();
    let upstream = crate::support::upstream::Upstream::scripted(|_| {
        let fields = "X: y\r\n".repeat(500);
        crate::support::upstream::answer(&format!(
            "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n{fields}\r\n"
        ))
    });
    let gateway = Gateway::transparent(upstream.address());
    let secret = gateway.any_token();
    assert_eq!(gateway.ask(gateway.get("/x", &secret)).status, 502);
    let address = upstream.address().to_string();
    let lines = told(&["an upstream gives no usable answer", &address]);
    assert_eq!(
        (lines.len(), &lines[0]["error"]),
        (1, &json!("its answer is malformed: more than 500 fields in a head"))
    );
}

#[test]
fn a_clock_that_was_set_back_is_told() {
    everything();
    let stage = Stage::new();
    let secret = stage.token().secret;
    let shared = stage.gateway.app().shared();
    // A mark of its own, by which the line is found.
    let mark = START.unix() + 7_777_777;
    shared.high_water.store(mark, std::sync::atomic::Ordering::Relaxed);
    for _ in 0..3 {
        assert_eq!(stage.gateway.ask(stage.request("GET /any/x", &secret)).status, 503);
    }
    let high = Timestamp::from_unix(mark).to_string();
    let lines = told(&["the wall clock is behind", &high]);
    assert_eq!((lines.len(), &lines[0]["level"]), (1, &json!("ERROR")));
    assert_eq!(lines[0]["behind_seconds"], 7_777_777);
}

#[test]
fn a_store_that_cannot_tell_is_told_and_makes_no_verdict() {
    everything();
    let stage = Stage::new();
    let (known, other) = (stage.token().secret, stage.token().secret);
    assert_eq!(stage.gateway.ask(stage.request("GET /any/x", &known)).status, 200);
    let store = std::sync::Arc::clone(stage.gateway.app().shared().cache.store());
    stage.gateway.app().control().block_on(async move { store.close().await }).unwrap();
    for _ in 0..3 {
        assert_eq!(stage.gateway.ask(stage.request("GET /any/x", &other)).status, 503);
    }
    assert_eq!(stage.gateway.ask(stage.request("GET /any/x", &known)).status, 200);
    let lines = told(&["a token cannot be checked", "the store is closed"]);
    assert_eq!((lines.len(), &lines[0]["level"]), (1, &json!("ERROR")));
    let reasons: Vec<_> = stage.kept.lines(5).iter().map(|line| line["reason"].clone()).collect();
    let cannot = json!("cannot_decide");
    assert_eq!(reasons, [json!(null), cannot.clone(), cannot.clone(), cannot, json!(null)]);
    // Told by the upkeep too, which looks once a second.
    assert_eq!(told(&["the store cannot be relied on", "the store is closed"]).len(), 1);
}

#[test]
fn one_connection_too_many_is_turned_away_and_told() {
    everything();
    let more = "limits = { connections = 1_234 }\n";
    let gateway = Gateway::start(more);
    let open = &gateway.app().shared().connections;
    // As if so many others were open.
    open.store(1_234, std::sync::atomic::Ordering::Relaxed);
    assert!(Client::connect(gateway.public()).is_closed());
    assert!(Client::connect(gateway.public()).is_closed());
    let lines = told(&["a connection is turned away", "\"limit\":1234"]);
    assert_eq!((lines.len(), &lines[0]["level"]), (1, &json!("WARN")));
    assert_eq!(gateway.counted(|core| core.turned_away.value()), 2);
    open.store(0, std::sync::atomic::Ordering::Relaxed);
}

#[test]
fn an_address_with_too_many_connections_is_told_of() {
    everything();
    let gateway = Gateway::start("limits = { connections_per_address = 1 }\n");
    let source = "127.77.0.1";
    let _held = Client::connect_from(source, gateway.public());
    let open = || gateway.counted(|core| core.open.value());
    wait_until("it was never accepted", PATIENCE, || open() == 1);
    for _ in 0..3 {
        assert!(Client::connect_from(source, gateway.public()).is_closed());
    }
    let lines = told(&["an address has as many connections open as it may", source]);
    assert_eq!((lines.len(), &lines[0]["level"]), (1, &json!("WARN")));
    assert_eq!((&lines[0]["limit"], &lines[0]["withheld"]), (&json!(1), &json!(0)));
    assert_eq!(gateway.counted(|core| core.crowding.value()), 3);
}

#[test]
fn an_address_that_is_refused_is_told_of_and_each_of_its_requests_has_the_reason() {
    everything();
    let stage = Stage::new();
    let source = stage.gateway.source();
    let text = std::fs::read_to_string(source).unwrap();
    let limits = "limits.failures = { slow_after = 0, refuse_after = 2, refuse_for = \"17m\" }\n";
    std::fs::write(source, format!("{limits}{text}")).unwrap();
    stage.gateway.app().reloader().reload().unwrap();
    let dead = stage.token();
    stage.gateway.revoke(dead.id);
    let address = "127.77.0.2";
    let mut client = Client::connect_from(address, stage.gateway.public());
    let guesses = ["a-guess-of-a-token-1", "a-guess-of-a-token-2", "a-guess-of-a-token-3"];
    let tried = guesses.into_iter().chain([dead.secret.as_str()]);
    let statuses: Vec<_> =
        tried.map(|secret| client.ask(stage.request("GET /any/x", secret)).status).collect();
    assert_eq!(statuses, [401, 401, 429, 429]);
    let lines = told(&["an address fails to authenticate again and again", address]);
    assert_eq!((lines.len(), &lines[0]["level"]), (1, &json!("WARN")));
    assert_eq!(lines[0]["seconds"], 17 * 60);
    let lines = stage.kept.lines(4);
    assert!(lines.iter().all(|line| line["peer"] == address));
    for (line, reason) in lines.iter().zip(["unknown", "unknown"]) {
        assert_eq!((&line["status"], &line["reason"]), (&json!(401), &json!(reason)));
    }
    for line in &lines[2..] {
        assert_eq!((&line["status"], &line["outcome"]), (&json!(429), &json!("refused")));
        assert_eq!(line["reason"], "too_many_failures");
    }
}

#[test]
fn f7_a_parameter_that_cannot_be_told_is_told_of_once_in_ten_seconds() {
    everything();
    let upstream = crate::support::upstream::Upstream::start();
    let config = |header: &str| {
        format!(
            "[contexts.stock.params.desk]\n{header}\n[[apis]]\nname = \"untold\"\n\
             upstream = \"http://{}\"\nrules = [{{ path = \"/stock\", context = \"stock\" }}]\n",
            upstream.address()
        )
    };
    // As if the parameter had had no header when the token was made.
    let gateway = Gateway::start(&config("title = \"Desk\""));
    gateway.owner("somebody");
    let token = gateway.token(json!({
        "owner": "somebody", "name": "x", "contexts": ["stock"],
        "context_params": { "stock": { "desk": "caf\u{e9}" } },
    }));
    let text = std::fs::read_to_string(gateway.source()).unwrap();
    let text = text.replace("title = \"Desk\"", "header = \"x-desk\"");
    std::fs::write(gateway.source(), text).unwrap();
    gateway.app().reloader().reload().unwrap();
    for _ in 0..20 {
        assert_eq!(gateway.ask(gateway.get("/stock", &token.secret)).status, 503);
    }
    let id = token.id.to_string();
    let lines = told(&["a parameter cannot be told to the upstream", &id]);
    assert_eq!(lines.len(), 1, "{lines:?}");
    assert_eq!((&lines[0]["level"], &lines[0]["parameter"]), (&json!("ERROR"), &json!("desk")));
}
