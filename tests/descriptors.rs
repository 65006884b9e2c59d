//! File descriptors that run out: clients who only connect leave room for everybody else, and a
//! system without any breaks nothing for longer than it lasts.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test fails by panicking"
)]

mod support;

use std::fs;
use std::io::{ErrorKind, Read as _, Write as _};
use std::net::TcpStream;
use std::os::unix::net::UnixStream;
use std::time::Duration;

use rustix::process::{Resource, Rlimit, prlimit};
use support::PATIENCE;
use support::client::{Answer, Client, ask, connected_from};
use support::program::Program;
use support::upstream::Upstream;
use tollgate::clock::instant;
use tollgate::gateway::descriptors::Descriptors;

struct Stage {
    program: Program,
    secrets: [(String, String); 2],
    _upstream: Upstream,
}

impl Stage {
    fn start(files: u64) -> Self {
        let upstream = Upstream::start();
        let rules = format!(
            "[[apis]]\nname = \"a\"\nupstream = \"http://{}\"\nrules = [{{ path = \"/{{*rest}}\" }}]\n",
            upstream.address()
        );
        let program = Program::start_with_files(files, &rules);
        program.succeed(&["user", "add", "alice"], "");
        let make = |name: &str| {
            let arguments = ["token", "create", "--owner", "alice", "--name", name, "--json"];
            let made: serde_json::Value =
                serde_json::from_str(&program.succeed(&arguments, "")).unwrap();
            let text = |value: &serde_json::Value| value.as_str().unwrap().to_owned();
            (text(&made["token"]["id"]), text(&made["secret"]))
        };
        let secrets = ["one", "two"].map(make);
        Self { program, secrets, _upstream: upstream }
    }

    fn request(&self, secret: &str) -> String {
        format!("GET /x HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer {secret}\r\n\r\n")
    }

    fn monitor(&self, path: &str) -> Answer {
        ask(self.program.admin(), question(path))
    }

    fn logged(&self, words: &str) -> bool {
        String::from_utf8_lossy(&self.program.logged()).contains(words)
    }

    fn wait_for(&self, words: &str) {
        let begun = instant();
        while !self.logged(words) {
            assert!(begun.elapsed() < PATIENCE, "`{words}` was never said");
            std::thread::sleep(Duration::from_millis(10));
        }
    }
}

fn question(path: &str) -> String {
    format!("GET {path} HTTP/1.1\r\nHost: localhost\r\n\r\n")
}

/// How long it takes until a client is served again.
fn back_after(stage: &Stage, secret: &str) -> Duration {
    let begun = instant();
    loop {
        let mut stream = TcpStream::connect(stage.program.public()).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        let mut status = [0; 12];
        let asked = stream.write_all(stage.request(secret).as_bytes());
        // One that is turned away may be closed before it has asked.
        if asked.and_then(|()| stream.read_exact(&mut status)).is_ok() {
            assert_eq!(&status, b"HTTP/1.1 200");
            return begun.elapsed();
        }
        assert!(begun.elapsed() < PATIENCE, "nobody is served any more");
    }
}

#[test]
fn idle_connections_leave_room_for_those_who_act_and_those_who_watch() {
    let stage = Stage::start(120);
    // 120 are more than the gateway needs, and far fewer than `limits.connections`.
    assert!(stage.logged("`limits.connections` is 100000"), "nothing is said at the start");
    assert!(stage.logged("only 120 files open") && stage.logged("LimitNOFILE="));
    let [(id, revoked), (_, other)] = &stage.secrets;
    assert_eq!(ask(stage.program.public(), stage.request(revoked)).status, 200);

    let public = stage.program.public();
    let crowd = |source: &'static str| (0..150).map(move |_| connected_from(source, public));
    let idle: Vec<_> =
        ["127.0.0.2", "127.0.0.3", "127.0.0.4"].into_iter().flat_map(crowd).collect();
    stage.wait_for("a connection is turned away");
    for path in ["/health", "/ready"] {
        assert_eq!(stage.monitor(path).status, 200, "{path}");
    }
    stage.program.succeed(&["token", "revoke", id], "");
    let metrics = stage.monitor("/metrics").text();
    assert!(metrics.contains("\ntollgate_accept_errors_total 0\n"), "{metrics}");
    assert!(!stage.logged("Too many open files"));

    drop(idle);
    let took = back_after(&stage, other);
    assert!(took < Duration::from_secs(1), "{took:?}");
    assert_eq!(ask(stage.program.public(), stage.request(revoked)).status, 401);
}

/// A reload that leaves the number says nothing about it.
#[test]
fn that_few_files_may_be_open_is_told_once_for_each_number() {
    let stage = Stage::start(120);
    let lines = |words: &str| {
        let logged = String::from_utf8(stage.program.logged()).unwrap();
        logged.lines().filter(|line| line.contains(words)).count()
    };
    let reload = |times: usize| {
        stage.program.succeed(&["reload"], "");
        let begun = instant();
        while lines("new configuration in force") < times {
            assert!(begun.elapsed() < PATIENCE, "it is not in force");
            std::thread::sleep(Duration::from_millis(10));
        }
    };
    const TOLD: &str = "but this process may have only 120 files open";
    (1..=3).for_each(reload);
    assert_eq!(lines(TOLD), 1);
    let source = stage.program.source();
    let text = fs::read_to_string(source).unwrap();
    fs::write(source, format!("limits.connections = 90000\n{text}")).unwrap();
    reload(4);
    stage.wait_for("`limits.connections` is 90000");
    assert_eq!(lines(TOLD), 2);
}

/// `limits.connections_per_address` is 20,000, and there are not that many.
#[test]
fn sec_d2_one_address_leaves_places_for_the_others_where_few_files_may_be_open() {
    let stage = Stage::start(1_024);
    let secret = &stage.secrets[1].1;
    let idle: Vec<_> =
        (0..600).map(|_| connected_from("127.0.0.2", stage.program.public())).collect();
    stage.wait_for("an address has as many connections open as it may");
    let taken = |connection: &&TcpStream| {
        connection.set_read_timeout(Some(Duration::from_millis(1))).unwrap();
        let mut connection = *connection;
        connection
            .read(&mut [0])
            .is_err_and(|error| matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut))
    };
    let half = Descriptors::share_out(1_024, 2, 1).clients() / 2;
    let begun = instant();
    while idle.iter().filter(taken).count() != half {
        assert!(begun.elapsed() < PATIENCE, "{} of {half}", idle.iter().filter(taken).count());
    }
    for _ in 0..50 {
        assert_eq!(ask(stage.program.public(), stage.request(secret)).status, 200);
    }
    assert!(!stage.logged("a connection is turned away"));
}

#[test]
fn descriptors_that_run_out_break_nothing_for_longer_than_that() {
    let mut stage = Stage::start(1_024);
    let (pid, secret) = (stage.program.pid(), stage.secrets[1].1.clone());
    let mut client = Client::connect(stage.program.public());
    assert_eq!(client.ask(stage.request(&secret)).status, 200);
    let mut monitor = Client::connect(stage.program.admin());
    assert_eq!(monitor.ask(question("/health")).status, 200);
    let mut socket =
        UnixStream::connect(stage.program.folder().join("data/tollgate.sock")).unwrap();
    let mut add = |name: &str| {
        let body = format!("{{\"id\":\"{name}\"}}");
        let head =
            "POST /api/v1/users HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json";
        let length = body.len();
        write!(socket, "{head}\r\nContent-Length: {length}\r\n\r\n{body}").unwrap();
        let mut answer = [0; 4_096];
        let read = socket.read(&mut answer).unwrap();
        String::from_utf8_lossy(&answer[..read]).starts_with("HTTP/1.1 201")
    };
    assert!(add("before"));

    // No file and no connection can be opened any more.
    let limit = |files| Rlimit { current: Some(files), maximum: Some(1_024) };
    prlimit(Some(pid), Resource::Nofile, limit(1)).unwrap();
    let waiting = Client::connect(stage.program.public());
    stage.wait_for("no connection can be accepted");
    assert!(add("meanwhile"), "a change needs no further file");
    stage.wait_for("no checkpoint could be taken");
    assert_eq!(client.ask(stage.request(&secret)).status, 200, "who is there goes on");
    let (used, begun) = (stage.program.processor_time(), instant());
    while begun.elapsed() < Duration::from_secs(1) {
        assert_eq!(monitor.ask(question("/ready")).status, 200);
        std::thread::sleep(Duration::from_millis(100));
    }
    assert!(stage.program.processor_time() - used < Duration::from_millis(500), "it spins");
    let metrics = monitor.ask(question("/metrics")).text();
    assert!(metrics.contains("\ntollgate_history_damaged 0\n"), "{metrics}");
    let checkpoint = || fs::read(stage.program.folder().join("data/checkpoint")).unwrap();
    let last = checkpoint();

    prlimit(Some(pid), Resource::Nofile, limit(1_024)).unwrap();
    let took = back_after(&stage, &secret);
    assert!(took < Duration::from_secs(1), "{took:?}");
    drop(waiting);
    assert!(add("after"));
    let begun = instant();
    while checkpoint() == last {
        assert!(begun.elapsed() < PATIENCE, "no checkpoint is taken any more");
        std::thread::sleep(Duration::from_millis(50));
    }
    let metrics = monitor.ask(question("/metrics")).text();
    let age =
        metrics.lines().find_map(|line| line.strip_prefix("tollgate_checkpoint_age_seconds "));
    assert!(age.unwrap().parse::<f64>().unwrap() < PATIENCE.as_secs_f64(), "{metrics}");
    assert!(!stage.logged("damaged") && !stage.logged("panicked"));
}

#[test]
fn idle_connections_to_upstreams_make_room_for_those_that_are_needed() {
    let upstreams: Vec<_> = (0..30).map(|_| Upstream::start()).collect();
    let apis: String = (0..)
        .zip(&upstreams)
        .map(|(number, upstream)| {
            format!(
                "[[apis]]\nname = \"a{number}\"\nhost = \"h{number}\"\nupstream_idle_timeout = \"1h\"\n\
                 upstream = \"http://{}\"\nrules = [{{ path = \"/\", public = true }}]\n",
                upstream.address()
            )
        })
        .collect();
    // Fewer connections to upstreams than there are upstreams.
    let program = Program::start_with_files(100, &apis);
    let request = |number: usize| format!("GET / HTTP/1.1\r\nHost: h{number}\r\n\r\n");
    // It stays on one core, which gets all that there are; others come to the other one too.
    let mut busy = Client::connect(program.public());
    for other in 0..20 {
        for number in 0..30 {
            assert_eq!(busy.ask(request(number)).status, 200, "{number}");
        }
        assert_eq!(ask(program.public(), request(other)).status, 200, "{other}");
    }
    assert!(!String::from_utf8_lossy(&program.logged()).contains("no upstream can be connected"));
}

#[test]
fn a_restart_with_more_idle_clients_within_tls_than_files_loses_no_place() {
    let (folder, upstream) = (tempfile::tempdir().unwrap(), Upstream::start());
    let made = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    let path = |name: &str| folder.path().join(name);
    fs::write(path("a.pem"), made.cert.pem()).unwrap();
    fs::write(path("a.key"), made.signing_key.serialize_pem()).unwrap();
    let mut program = Program::start_with_files(
        300,
        &format!(
            "tls.certificates = [{{ chain = {:?}, key = {:?} }}]\n[[apis]]\nname = \"a\"\n\
             upstream = \"http://{}\"\nrules = [{{ path = \"/x\", public = true }}]\n",
            path("a.pem"),
            path("a.key"),
            upstream.address()
        ),
    );
    let mut roots = rustls::RootCertStore::empty();
    roots.add(made.cert.der().clone()).unwrap();
    let provider = rustls::crypto::aws_lc_rs::default_provider().into();
    let config = rustls::ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    let config = std::sync::Arc::new(config);
    let connect = |source: &str| {
        let socket = connected_from(source, program.public());
        socket.set_read_timeout(Some(PATIENCE)).unwrap();
        let name = "localhost".try_into().unwrap();
        let session = rustls::ClientConnection::new(std::sync::Arc::clone(&config), name).unwrap();
        rustls::StreamOwned::new(session, socket)
    };
    let ask = |stream: &mut rustls::StreamOwned<rustls::ClientConnection, TcpStream>| {
        let sent = stream.write_all(b"GET /x HTTP/1.1\r\nHost: localhost\r\n\r\n");
        // A small answer is one record.
        let mut answer = [0; 4_096];
        sent.and_then(|()| stream.read(&mut answer)).is_ok() && answer.starts_with(b"HTTP/1.1 200")
    };
    // Each connection that is passed on takes two files more.
    let mut idle: Vec<_> = (1..=90).map(|last| connect(&format!("127.0.0.{last}"))).collect();
    assert!(idle.iter_mut().all(ask));
    program.begin_successor();
    let logged = |words: &str| String::from_utf8_lossy(&program.logged()).contains(words);
    support::wait_until("it serves", PATIENCE, || logged("the successor serves"));
    assert!(ask(&mut connect("127.0.0.200")));
    let answered = idle.iter_mut().filter_map(|stream| ask(stream).then_some(())).count();
    assert!((40..90).contains(&answered), "{answered}: as many as there are files for");
    assert!(!logged("Too many open files"));
    drop(idle);
    program.follow();
}
