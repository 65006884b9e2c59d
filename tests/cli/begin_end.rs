//! How a server begins and ends: what can be asked while it opens its store and while it drains, and what
//! its logs say of both.

use std::fs::File;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::process::{Command, Stdio};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::time::Duration;

use serde_json::{Value, json};
use tollgate::clock::instant;

use crate::Place;
use crate::server::{Server, ask};

/// Waits until `found` gives something.
fn until<T>(what: &str, mut found: impl FnMut() -> Option<T>) -> T {
    let begun = instant();
    loop {
        if let Some(found) = found() {
            return found;
        }
        assert!(begun.elapsed() < Duration::from_secs(30), "{what}");
        std::thread::sleep(Duration::from_millis(5));
    }
}

/// The lines of the log so far, each of which must be JSON.
fn log(place: &Place) -> Vec<Value> {
    let text = std::fs::read_to_string(place.path("log")).unwrap();
    let whole = text.rsplit_once('\n').map_or("", |(whole, _)| whole);
    let line = |line: &str| serde_json::from_str(line).unwrap_or_else(|_| panic!("{line}"));
    whole.lines().map(line).collect()
}

fn logged(place: &Place, message: &str) -> Option<Value> {
    log(place).into_iter().find(|line| line["message"] == message)
}

/// A configuration with logs in JSON, and `serve` with it, whose log goes into the file `log`.
fn serve(place: &Place, upstream: SocketAddr, more: &[&str]) -> Command {
    let text = format!(
        "listen = {{ public = \"127.0.0.1:0\", admin = \"127.0.0.1:0\", cores = 2 }}\n\
         store = {{ path = \"d\" }}\ntelemetry = {{ format = \"json\" }}\n\
         [[apis]]\nname = \"a\"\nupstream = \"http://{upstream}\"\n\
         rules = [{{ path = \"/{{*rest}}\" }}]\n"
    );
    std::fs::write(place.path("tollgate.toml"), text).unwrap();
    let mut command = place.command(&[&["serve"], more].concat());
    command.stderr(File::create(place.path("log")).unwrap());
    command
}

/// An upstream that says `hello` to one request, but only when told to.
fn patient() -> (SocketAddr, Receiver<()>, Sender<()>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let ((asked, is_asked), (go_on, goes_on)) = (channel(), channel());
    std::thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        let mut line = String::new();
        BufReader::new(stream.try_clone().unwrap()).read_line(&mut line).unwrap();
        asked.send(()).unwrap();
        let _: Result<(), _> = goes_on.recv();
        stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello").unwrap();
    });
    (address, is_asked, go_on)
}

#[test]
fn a_token_can_be_revoked_while_the_server_drains() {
    let place = Place::empty();
    let (upstream, is_asked, go_on) = patient();
    let mut server = Server::run(serve(&place, upstream, &["--json"]));
    place.ok(&["user", "add", "alice"]);
    let (_, secret) = place.token();
    let (other, _) = place.token();
    let mut client = TcpStream::connect(server.address("public")).unwrap();
    let request = format!("GET / HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer {secret}\r\n\r\n");
    client.write_all(request.as_bytes()).unwrap();
    is_asked.recv().unwrap();
    let admin = server.address("admin");
    assert_eq!(ask(admin, "GET", "/ready", &[]).0, 200);

    server.signal(rustix::process::Signal::TERM);
    let told = until("it never drained", || {
        let (status, body) = ask(admin, "GET", "/ready", &[]);
        (status == 503).then_some(body)
    });
    assert!(told.contains("draining"), "{told}");
    assert_eq!(ask(admin, "GET", "/health", &[]).0, 200);
    assert_eq!(ask(admin, "GET", "/metrics", &[]).0, 200);
    let ended = place.json(&["token", "revoke", &other]);
    assert_eq!(ended["changed"], true);
    until("clients still come in", || TcpStream::connect(server.address("public")).err());
    let begin = until("it tells of no drain", || logged(&place, "the gateway drains"));
    assert_eq!((&begin["connections"], &begin["at_most_seconds"]), (&json!(1), &json!(30)));

    go_on.send(()).unwrap();
    let mut answer = String::new();
    client.read_to_string(&mut answer).unwrap();
    assert!(answer.starts_with("HTTP/1.1 200") && answer.ends_with("hello"), "{answer}");
    assert_eq!(server.wait(), 0);
    let end = logged(&place, "the gateway has drained").unwrap();
    assert_eq!(end["cut"], 0, "{end}");
    assert!(logged(&place, "tollgate has stopped in order").is_some());
    // What was done meanwhile holds.
    assert_eq!(place.json(&["token", "show", &other])["state"], "revoked");
}

#[test]
fn a_server_that_opens_its_store_is_alive_and_not_ready() {
    let place = Place::empty();
    let command = serve(&place, SocketAddr::from(([127, 0, 0, 1], 1)), &[]);
    // Whoever reads it waits for somebody who writes it.
    std::fs::create_dir(place.path("d")).unwrap();
    let pipe = place.path("d/checkpoint");
    assert!(Command::new("mkfifo").arg(&pipe).status().unwrap().success());
    let _server = Server::begin(command);
    let started = until("it never told of its start", || logged(&place, "tollgate starts"));
    let address = |which: &str| started[which].as_str().unwrap().parse::<SocketAddr>().unwrap();
    assert_eq!(started["version"], env!("CARGO_PKG_VERSION"));
    assert_eq!((&started["config"], &started["data"]), (&json!("tollgate.toml"), &json!("d")));

    let admin = address("admin");
    assert_eq!(ask(admin, "GET", "/health", &[]), (200, "alive\n".to_owned()));
    let (status, body) = ask(admin, "GET", "/ready", &[]);
    let body: Value = serde_json::from_str(&body).unwrap();
    assert_eq!((status, &body["ready"], &body["store"]), (503, &json!(false), &json!("opening")));
    assert_eq!(ask(admin, "GET", "/metrics", &[]).0, 503);
    assert!(TcpStream::connect(address("public")).is_err(), "clients wait for nothing");
    // A command waits for it, and then asks it.
    let lock = || std::fs::read_to_string(place.path("d/lock")).ok();
    until("the folder was never locked", || lock().filter(|lock| lock.contains("opening")));
    let mut waiting = place.command(&["status"]);
    let waiting = waiting.stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut waiting = waiting.spawn().unwrap();
    let mut told = String::new();
    let mut said = BufReader::new(waiting.stderr.take().unwrap());
    said.read_line(&mut told).unwrap();
    assert!(told.starts_with("waiting: ") && told.contains("is starting"), "{told}");

    until("it never became ready", || {
        use std::os::unix::fs::OpenOptionsExt as _;
        let not_waiting = i32::try_from(rustix::fs::OFlags::NONBLOCK.bits()).unwrap();
        let _ = File::options().write(true).custom_flags(not_waiting).open(&pipe);
        (ask(admin, "GET", "/ready", &[]).0 == 200).then_some(())
    });
    assert!(TcpStream::connect(address("public")).is_ok());
    let output = waiting.wait_with_output().unwrap();
    assert!(output.status.success());
    let told = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(told.lines().any(|line| line.split_whitespace().eq(["server", "running"])), "{told}");
    until("it tells nothing of it", || logged(&place, "requests are decided"));
    place.ok(&["user", "add", "alice"]);
}

#[test]
fn logs_in_json_are_json_also_where_a_start_fails() {
    let place = Place::empty();
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let taken = taken.local_addr().unwrap().to_string();
    let upstream = SocketAddr::from(([127, 0, 0, 1], 1));
    let mut server = Server::begin(serve(&place, upstream, &["--listen", &taken, "--data", "e"]));
    assert_eq!(until("it did not end", || server.ended()), 1);
    let last = log(&place).pop().unwrap();
    assert_eq!(last["type"], "urn:tollgate:problem:listen", "{last}");
}

#[test]
fn two_gateways_never_share_a_public_port() {
    let place = Place::empty();
    let first = Server::before_hello(&place);
    let address = first.address("public").to_string();
    let serve = ["serve", "--upstream", "http://127.0.0.1:1", "--admin", "127.0.0.1:0", "--listen"];
    let demo = ["demo", "--admin", "127.0.0.1:0", "--public"];
    for second in [&serve[..], &demo[..]] {
        let mut command =
            place.command(&[&["--json"], second, &[&address, "--data", "e"]].concat());
        command.stderr(File::create(place.path("log")).unwrap());
        let mut second = Server::begin(command);
        assert_eq!(until("it shares the port", || second.ended()), 1);
        let told = std::fs::read_to_string(place.path("log")).unwrap();
        let problem: Value = serde_json::from_str(told.lines().last().unwrap()).unwrap();
        assert_eq!(problem["type"], "urn:tollgate:problem:listen");
        let detail = problem["detail"].as_str().unwrap();
        assert!(detail.contains(&address) && detail.contains("listen.public"), "{detail}");
        assert!(problem["hint"].as_str().unwrap().contains("another gateway"), "{problem}");
        assert!(!place.path("e/tollgate.sock").exists());
    }
}

/// A full disk, and a reader that has stopped: neither is a reason not to serve, or not to end.
#[test]
fn a_server_that_cannot_say_that_it_runs_serves_and_ends() {
    let full = File::options().write(true).open("/dev/full").unwrap();
    let (_reader, mut stuck) = std::io::pipe().unwrap();
    // As much as it holds.
    stuck.write_all(&[b'\n'; 65_536]).unwrap();
    for output in [Stdio::from(full), stuck.into()] {
        let place = Place::empty();
        let mut command = serve(&place, patient().0, &[]);
        let mut server = Server::begin_onto(&mut command, output);
        until("it serves nobody", || {
            let asked = place.command(&["status"]).output().unwrap();
            asked.status.success().then_some(())
        });
        assert_eq!(server.stop(), 0);
    }
}
