//! The same commands beside a running server, and the demo.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::os::unix::fs::PermissionsExt as _;
use std::process::{Child, Command, Stdio};

use serde_json::{Value, json};

use crate::{Place, signed_in};

/// A process that was started here, and ends with the test.
pub(crate) struct Server {
    child: Child,
    /// The line that it printed when it was ready.
    ready: Value,
}

impl Server {
    pub(crate) fn start(place: &Place, arguments: &[&str]) -> Self {
        let mut command = place.command(arguments);
        command.stderr(Stdio::null());
        Self::run(command)
    }

    pub(crate) fn run(mut command: Command) -> Self {
        let mut child = command.stdout(Stdio::piped()).spawn().unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let ready = serde_json::from_str(&line).unwrap_or_else(|_| panic!("not ready: {line:?}"));
        Self { child, ready }
    }

    /// One that is not waited for, since it is not to become ready, or not soon.
    pub(crate) fn begin(mut command: Command) -> Self {
        let child = command.stdout(Stdio::null()).spawn().unwrap();
        Self { child, ready: Value::Null }
    }

    /// The same, which writes into this.
    pub(crate) fn begin_onto(command: &mut Command, output: impl Into<Stdio>) -> Self {
        Self { child: command.stdout(output).spawn().unwrap(), ready: Value::Null }
    }

    /// What it writes.
    pub(crate) fn output(&mut self) -> std::process::ChildStdout {
        self.child.stdout.take().unwrap()
    }

    /// How it ended, if it has.
    pub(crate) fn ended(&mut self) -> Option<i32> {
        self.child.try_wait().unwrap().map(|status| status.code().unwrap())
    }

    /// In front of an upstream that says `hello`, without a file.
    pub(crate) fn before_hello(place: &Place) -> Self {
        let url = format!("http://{}", hello());
        let arguments = ["--json", "serve", "--upstream", &url, "--listen", "127.0.0.1:0"];
        Self::start(place, &[&arguments[..], &["--admin", "127.0.0.1:0", "--data", "d"]].concat())
    }

    pub(crate) fn address(&self, which: &str) -> SocketAddr {
        self.ready[which].as_str().unwrap().parse().unwrap()
    }

    pub(crate) fn signal(&self, signal: rustix::process::Signal) {
        let id = rustix::process::Pid::from_child(&self.child);
        rustix::process::kill_process(id, signal).unwrap();
    }

    pub(crate) fn wait(&mut self) -> i32 {
        self.child.wait().unwrap().code().unwrap()
    }

    pub(crate) fn stop(&mut self) -> i32 {
        self.signal(rustix::process::Signal::TERM);
        self.wait()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// An upstream that says `hello` to everybody, for as long as the tests run.
pub(crate) fn hello() -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            let mut head = BufReader::new(stream.try_clone().unwrap());
            let mut line = String::new();
            while head.read_line(&mut line).unwrap() > 2 {
                line.clear();
            }
            let answer = "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nConnection: close\r\n\r\nhello";
            stream.write_all(answer.as_bytes()).unwrap();
        }
    });
    address
}

/// The status and the body of one request.
pub(crate) fn ask(
    address: SocketAddr,
    method: &str,
    path: &str,
    headers: &[(String, String)],
) -> (u16, String) {
    let mut stream = TcpStream::connect(address).unwrap();
    let headers: String =
        headers.iter().map(|(name, value)| format!("{name}: {value}\r\n")).collect();
    let head = format!("{method} {path} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n");
    let head = format!("{head}Content-Length: 0\r\n{headers}\r\n");
    stream.write_all(head.as_bytes()).unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    (head[9..12].parse().unwrap(), body.to_owned())
}

pub(crate) fn with_token(address: SocketAddr, secret: &str) -> u16 {
    let bearer = ("Authorization".to_owned(), format!("Bearer {secret}"));
    ask(address, "GET", "/anything", &[bearer]).0
}

#[test]
fn e6_e7_e8_acts_over_the_socket_hold_for_the_next_request() {
    let place = Place::empty();
    let server = Server::before_hello(&place);
    let public = server.address("public");
    let mode = std::fs::metadata(place.path("d/tollgate.sock")).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);

    let data = ["--data", "d"];
    let run = |arguments: &[&str]| place.json(&[&data[..], arguments].concat());
    run(&["user", "add", "alice"]);
    let created = run(&["token", "create", "--owner", "alice", "--name", "ci"]);
    let secret = created["secret"].as_str().unwrap();
    let id = created["token"]["id"].as_str().unwrap();
    assert_eq!(with_token(public, secret), 200);
    for (act, status) in [(["user", "block", "alice"], 401), (["user", "unblock", "alice"], 200)] {
        run(&act);
        assert_eq!(with_token(public, secret), status, "{act:?}");
    }
    for (act, status) in [("disable", 401), ("enable", 200), ("revoke", 401)] {
        run(&["token", act, id]);
        assert_eq!(with_token(public, secret), status, "{act}");
    }
    let shown = run(&["token", "show", id]);
    assert_eq!(
        (&shown["state"], &shown["last_use"]["api"]),
        (&json!("revoked"), &json!("upstream"))
    );
    let explained = run(&["explain", "GET", "/anything", "--token", id]);
    assert_eq!((&explained["permitted"], &explained["reason"]), (&json!(false), &json!("revoked")));
    let explained = run(&["explain", "GET", "/anything"]);
    assert_eq!(explained["reason"], "credential_missing");
    let by_secret = [&data[..], &["--json", "explain", "GET", "/x", "--secret-stdin"]].concat();
    let outcome = place.run_with(&by_secret, &format!("{secret}\n"));
    let explained: Value = serde_json::from_str(&outcome.out).unwrap();
    assert_eq!((&explained["status"], &explained["token"]["id"]), (&json!(401), &json!(id)));
    assert!(!outcome.out.contains(secret));
}

#[test]
fn a_server_tells_what_it_is_and_stops_in_order() {
    let place = Place::empty();
    let mut server = Server::before_hello(&place);
    let status = place.json(&["--data", "d", "status"]);
    assert_eq!(status["server"]["pid"], server.child.id());
    assert_eq!(status["server"]["public"], server.ready["public"]);
    assert_eq!(ask(server.address("admin"), "GET", "/ready", &[]).0, 200);
    let (code, problem) = place.refused(&["--data", "d", "reload"]);
    assert_eq!(code, 2);
    assert!(problem["detail"].as_str().unwrap().contains("without a configuration file"));

    place.ok(&["--data", "d", "user", "add", "alice"]);
    assert_eq!(server.stop(), 0);
    assert!(!place.path("d/tollgate.sock").exists());
    // The same folder without the server.
    assert!(place.ok(&["--data", "d", "user", "list"]).contains("alice"));
    assert_eq!(place.json(&["--data", "d", "status"])["server"], Value::Null);
}

#[test]
fn f1_a_backup_beside_a_server_is_written_by_whoever_asks_for_it() {
    let place = Place::empty();
    let _server = Server::before_hello(&place);
    place.ok(&["--data", "d", "user", "add", "alice"]);
    std::fs::create_dir(place.path("elsewhere")).unwrap();
    // A path that means one thing to the server and another to the command, as under `PrivateTmp`.
    let arguments = ["--json", "--data", "../d", "backup", "/proc/self/cwd/all.backup"];
    let mut command = place.command(&arguments);
    command.current_dir(place.path("elsewhere"));
    let outcome = Place::outcome(command, &arguments, "");
    assert_eq!(outcome.code, 0, "{}", outcome.err);
    let done: Value = serde_json::from_str(&outcome.out).unwrap();
    assert_eq!(done, json!({"file": "/proc/self/cwd/all.backup", "position": 1}));
    let written = std::fs::metadata(place.path("elsewhere/all.backup")).unwrap();
    assert_eq!(written.permissions().mode() & 0o777, 0o600);
    assert_eq!(crate::files(&place.path("elsewhere")).len(), 1, "nothing else is left");
    assert!(!place.path("all.backup").exists());
    assert_eq!(place.json(&["restore", "elsewhere/all.backup", "--check"])["events"], json!(1));
}

#[test]
fn a_backup_names_the_damaged_file_of_the_history_and_the_way_out() {
    let place = Place::empty();
    let _server = Server::before_hello(&place);
    place.ok(&["--data", "d", "user", "add", "alice"]);
    let segment = crate::files(&place.path("d/history")).remove(0);
    let mut bytes = std::fs::read(&segment).unwrap();
    bytes[100] ^= 1;
    std::fs::write(&segment, bytes).unwrap();
    let (code, problem) = place.refused(&["--data", "d", "backup", "all.backup"]);
    let detail = problem["detail"].as_str().unwrap();
    assert_eq!(code, 1);
    assert!(detail.contains(".jsonl` is damaged: at byte 0: "), "{detail}");
    assert!(detail.contains("history verify") && !detail.contains("partial"), "{detail}");
    assert!(!place.path("all.backup").exists() && !place.path("all.backup.partial").exists());
}

#[test]
fn damage_in_the_history_is_found_before_it_is_needed() {
    let place = Place::empty();
    let mut server = Server::before_hello(&place);
    for name in ["alice", "bob"] {
        place.ok(&["--data", "d", "user", "add", name]);
    }
    assert_eq!(server.stop(), 0);
    let segment = crate::files(&place.path("d/history")).remove(0);
    let mut bytes = std::fs::read(&segment).unwrap();
    bytes[100] ^= 1;
    std::fs::write(&segment, bytes).unwrap();
    let server = Server::before_hello(&place);
    let metrics = || ask(server.address("admin"), "GET", "/metrics", &[]).1;
    let begun = tollgate::clock::instant();
    while !metrics().contains("\ntollgate_history_damaged 1\n") {
        assert!(begun.elapsed().as_secs() < 30, "{}", metrics());
    }
    assert!(metrics().contains("\ntollgate_history_verified_position 0\n"));
    assert_eq!(ask(server.address("admin"), "GET", "/ready", &[]).0, 200, "requests go on");
}

#[test]
fn a_second_server_names_the_first() {
    let place = Place::empty();
    let server = Server::before_hello(&place);
    let second = ["serve", "--upstream", "http://127.0.0.1:1", "--listen", "127.0.0.1:0"];
    let second = [&second[..], &["--admin", "127.0.0.1:0", "--data", "d"]].concat();
    let (code, problem) = place.refused(&second);
    assert_eq!((code, &problem["type"]), (5, &json!("urn:tollgate:problem:locked")));
    let process = format!("process {}", server.child.id());
    assert!(problem["detail"].as_str().unwrap().contains(&process), "{problem}");
    // Also where its socket is gone.
    std::fs::remove_file(place.path("d/tollgate.sock")).unwrap();
    let (code, problem) = place.refused(&["--data", "d", "user", "list"]);
    assert_eq!(code, 5);
    assert!(problem["detail"].as_str().unwrap().contains(&process), "{problem}");
}

#[test]
fn a_taken_address_is_named_with_its_key() {
    let place = Place::empty();
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let serve = ["serve", "--upstream", "http://127.0.0.1:1", "--data", "d", "--listen"];
    let (code, problem) =
        place.refused(&[&serve[..], &["127.0.0.1:0", "--admin", &address]].concat());
    assert_eq!(code, 1);
    let detail = problem["detail"].as_str().unwrap();
    assert!(detail.contains(&address) && detail.contains("listen.admin"), "{detail}");
    let (code, problem) = place.refused(&["serve", "--upstream", "ftp://x"]);
    assert_eq!((code, &problem["type"]), (2, &json!("urn:tollgate:problem:bad-config")));
}

fn check_examples(ready: &Value) {
    let examples = ready["examples"].as_array().unwrap();
    let mut seen = std::collections::BTreeSet::new();
    for example in examples {
        let url = example["url"].as_str().unwrap().strip_prefix("http://").unwrap();
        let (host, path) = url.split_once('/').unwrap();
        assert_eq!(host, ready["public"]);
        let headers: Vec<_> = example["headers"]
            .as_object()
            .unwrap()
            .iter()
            .map(|(name, value)| (name.clone(), value.as_str().unwrap().to_owned()))
            .collect();
        let method = example["method"].as_str().unwrap();
        let (status, body) = ask(host.parse().unwrap(), method, &format!("/{path}"), &headers);
        assert_eq!(json!(status), example["expect"], "{example}: {body}");
        // The upstream is not shown the token.
        assert!(!body.contains("Bearer tg_"), "{body}");
        seen.insert(status);
    }
    assert_eq!(seen.into_iter().collect::<Vec<_>>(), [200, 400, 401, 403]);
}

#[test]
fn every_example_of_the_demo_is_answered_as_it_says() {
    let place = Place::empty();
    let arguments = ["demo", "--json", "--public", "127.0.0.1:0", "--admin", "127.0.0.1:0"];
    let arguments = [&arguments[..], &["--data", "d"]].concat();
    let mut server = Server::start(&place, &arguments);
    let first = server.ready.clone();
    assert_eq!(first["data"].as_str(), place.path("d").canonicalize().unwrap().to_str());
    check_examples(&first);
    assert_eq!(signed_in(&first), 200, "its administrator signs in");
    let list = place.json(&["--config", "d/tollgate.toml", "token", "list"]);
    assert_eq!(list["tokens"].as_array().unwrap().len(), 9);
    assert_eq!(server.stop(), 0);

    // Again in the same folder: it works, and the tokens of the first time do too (row X8).
    let server = Server::start(&place, &arguments);
    check_examples(&server.ready);
    let address = |ready: &Value| ready["public"].as_str().unwrap().to_owned();
    let moved = first.to_string().replace(&address(&first), &address(&server.ready));
    check_examples(&serde_json::from_str(&moved).unwrap());
}

#[test]
fn a_demo_overwrites_no_configuration() {
    let place = Place::empty();
    std::fs::create_dir(place.path("d")).unwrap();
    std::fs::write(place.path("d/tollgate.toml"), "# mine\n").unwrap();
    let (code, _) = place.refused(&["demo", "--data", "d"]);
    assert_eq!(code, 4);
    assert_eq!(std::fs::read(place.path("d/tollgate.toml")).unwrap(), b"# mine\n");
}

#[test]
fn a_reload_takes_up_the_file_and_keeps_what_was_typed() {
    let place = Place::empty();
    let file = place.path("tollgate.toml");
    let upstream = hello();
    let text = |public| {
        format!(
            "[[apis]]\nname = \"one\"\nupstream = \"http://{upstream}\"\n\
             rules = [{{ path = \"/open/{{*rest}}\", public = {public} }}]\n"
        )
    };
    std::fs::write(&file, text(false)).unwrap();
    let serve = ["--json", "serve", "--listen", "127.0.0.1:0", "--admin", "127.0.0.1:0"];
    let server = Server::start(&place, &[&serve[..], &["--data", "d"]].concat());
    let public = server.address("public");
    assert_eq!(ask(public, "GET", "/open/x", &[]).0, 401);
    std::fs::write(&file, text(true)).unwrap();
    place.ok(&["--data", "d", "reload"]);
    assert_eq!(ask(public, "GET", "/open/x", &[]), (200, "hello".to_owned()));

    std::fs::write(&file, "[[apis]]\nnam = \"one\"\n").unwrap();
    let outcome = place.run(&["--data", "d", "reload"]);
    assert_eq!((outcome.code, outcome.err.contains("error: error: ")), (2, false));
    assert!(outcome.err.contains("--> tollgate.toml:2:1"), "{}", outcome.err);
    assert_eq!(ask(public, "GET", "/open/x", &[]).0, 200, "the old one stays");
    // A mistake in the file keeps nobody from ending a token.
    place.ok(&["--data", "d", "user", "add", "alice"]);
    assert_eq!(place.run(&["user", "add", "alice"]).code, 2, "there is no server in `data`");
}

#[test]
#[cfg(feature = "test-clock")]
fn w6_a_hundred_days_pass_in_the_real_program() {
    let place = Place::empty();
    let clock = place.path("clock");
    // Replaced at once, so that it is never seen half written.
    let set = |at: &str| {
        std::fs::write(place.path("next"), at).unwrap();
        std::fs::rename(place.path("next"), &clock).unwrap();
    };
    set("2026-01-01T00:00:00Z");
    let url = format!("http://{}", hello());
    let serve = ["--json", "serve", "--upstream", &url, "--listen", "127.0.0.1:0", "--data", "d"];
    let mut command = place.command(&[&serve[..], &["--admin", "127.0.0.1:0"]].concat());
    command.env("TOLLGATE_TEST_CLOCK", &clock).stderr(Stdio::null());
    let server = Server::run(command);
    let run = |arguments: &[&str]| place.json(&[&["--data", "d"], arguments].concat());
    run(&["user", "add", "alice"]);
    let created = run(&["token", "create", "--owner", "alice", "--name", "ci"]);
    assert_eq!(created["token"]["idle_at"], "2026-04-11T00:00:00Z");
    let secret = created["secret"].as_str().unwrap();
    let is = |status| with_token(server.address("public"), secret) == status;

    set("2026-04-10T23:59:59Z");
    // The server reads its clock every few milliseconds: the use is noted once it has.
    let used_late = || {
        let id = created["token"]["id"].as_str().unwrap();
        is(200) && run(&["token", "show", id])["idle_at"] == "2026-07-19T23:59:59Z"
    };
    assert!((0..500).any(|_| used_late()), "one use in the last second restarts the count");
    set("2026-07-19T23:59:59Z");
    assert!((0..2_000).any(|_| is(401)), "idle for a hundred days");
}
