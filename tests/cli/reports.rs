//! Reports of leaked secrets, by strangers and by administrators, at the real administrative address: how often, how many at
//! once, and what a dry run does (sec-W1, sec-D1).

use std::io::{Read as _, Write as _};
use std::net::{IpAddr, SocketAddr, TcpStream};
use std::process::{Command, Stdio};
use std::time::Duration;

use serde_json::{Value, json};
use tollgate::clock::instant;

use crate::Place;
use crate::server::{Server, hello, with_token};

/// An answer: its status, `Retry-After` if there is one, and its body.
#[derive(Debug, PartialEq)]
struct Answer {
    status: u16,
    wait: Option<u64>,
    body: Value,
}

/// Posts a body below `/api/v1` from an address of this machine.
fn post(from: &str, admin: SocketAddr, path: &str, fields: &str, body: &Value) -> Answer {
    let from: IpAddr = from.parse().unwrap();
    let socket = socket2::Socket::new(socket2::Domain::IPV4, socket2::Type::STREAM, None).unwrap();
    socket.bind(&SocketAddr::new(from, 0).into()).unwrap();
    socket.connect(&admin.into()).unwrap();
    let (mut stream, body) = (TcpStream::from(socket), body.to_string());
    let head = format!(
        "POST /api/v1{path} HTTP/1.1\r\nHost: {admin}\r\nConnection: close\r\n{fields}\
         Content-Type: application/json\r\nContent-Length: {}\r\n\r\n",
        body.len()
    );
    stream.write_all((head + &body).as_bytes()).unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    let after = head.lines().find_map(|line| {
        let (name, value) = line.split_once(": ")?;
        name.eq_ignore_ascii_case("retry-after").then(|| value.parse().unwrap())
    });
    let body = if body.is_empty() { Value::Null } else { serde_json::from_str(body).unwrap() };
    Answer { status: head[9..12].parse().unwrap(), wait: after, body }
}

fn report(from: &str, admin: SocketAddr, secrets: &[&str]) -> Answer {
    post(from, admin, "/leaks/report", "", &json!({ "secrets": secrets }))
}

fn set(place: &Place, to: &str) {
    std::fs::write(place.path("new"), to).unwrap();
    std::fs::rename(place.path("new"), place.path("clock")).unwrap();
}

/// What a gateway in front of something that says `hello` is started with.
fn serve() -> Vec<String> {
    let upstream = format!("http://{}", hello());
    let serve = ["--json", "--data", "d", "serve", "--listen", "127.0.0.1:0", "--admin"];
    let serve = serve.into_iter().chain(["127.0.0.1:0", "--upstream", &upstream]);
    serve.map(str::to_owned).collect()
}

/// One whose clock is the file `clock`.
fn held(place: &Place) -> Server {
    let arguments = serve();
    let mut command = place.command(&arguments.iter().map(String::as_str).collect::<Vec<_>>());
    command.env("TOLLGATE_TEST_CLOCK", place.path("clock")).stderr(Stdio::null());
    Server::run(command)
}

/// Looks until an answer `is` what is waited for: the server sees its clock move some milliseconds later.
fn until(what: &str, mut look: impl FnMut() -> Answer, is: impl Fn(&Answer) -> bool) -> Answer {
    let begun = instant();
    loop {
        let answer = look();
        if is(&answer) {
            return answer;
        }
        assert!(begun.elapsed() < Duration::from_secs(30), "{what}: {answer:?}");
        std::thread::sleep(Duration::from_millis(10));
    }
}

/// Waits until a token is refused.
fn until_ended(public: SocketAddr, secret: &str) {
    let begun = instant();
    while with_token(public, secret) != 401 {
        assert!(begun.elapsed() < Duration::from_secs(60), "it lives");
        std::thread::sleep(Duration::from_millis(20));
    }
}

#[test]
fn whoever_reports_too_much_waits_and_nobody_else_does() {
    let place = Place::empty();
    set(&place, "2030-01-01T00:00:00Z");
    let server = held(&place);
    let admin = server.address("admin");
    let (eager, other) = ("127.0.0.1", "127.0.0.2");
    let one = |from: &str| report(from, admin, &["nothing-that-is-ours"]);
    let taken = Answer { status: 202, wait: None, body: Value::Null };
    // Ten an hour, and the one that makes its address wait.
    for _ in 0..11 {
        assert_eq!(one(eager), taken);
    }
    let refused = one(eager);
    assert_eq!((refused.status, refused.wait), (429, Some(1)), "{refused:?}");
    assert_eq!(refused.body["type"], "urn:tollgate:problem:too-many");
    assert_eq!(one(other), taken);
    set(&place, "2030-01-01T00:00:01Z");
    assert_eq!(until("it waits for ever", || one(eager), |got| got.status != 429), taken);
    // Each further one makes it wait for twice as long; being refused does not.
    for _ in 0..3 {
        assert_eq!((one(eager).status, one(eager).wait), (429, Some(2)));
    }
    set(&place, "2030-01-01T00:00:02Z");
    until("its clock stands", || one(eager), |got| got.wait == Some(1));
    assert_eq!(one(other), taken);
    // An hour after the last it is as if there had been none.
    set(&place, "2030-01-01T01:00:01Z");
    until("it is remembered for ever", || one(eager), |got| *got == taken);
    for _ in 0..10 {
        assert_eq!(one(eager), taken);
    }
    assert_eq!(one(eager).status, 429);
}

/// What is reported is ended beside the answer, eight reports at a time. Here each takes seconds, since the disk is slow.
#[test]
fn more_reports_than_are_worked_on_at_once_are_turned_away() {
    let place = Place::empty();
    place.ok(&["--data", "d", "user", "add", "alice"]);
    let secret = |_| {
        let create = ["--data", "d", "token", "create", "--owner", "alice", "--name", "ci"];
        place.json(&create)["secret"].as_str().unwrap().to_owned()
    };
    let secrets: Vec<String> = (0..9).map(secret).collect();
    let mut command = Command::new("strace");
    // The history alone uses this call for every change. `-D` makes strace the child.
    let slow = ["-e", "trace=fdatasync", "-e", "inject=fdatasync:delay_enter=3000000"];
    command.args(["-D", "-f", "-qq", "-o", "/dev/null"]).args(slow);
    command.arg(env!("CARGO_BIN_EXE_tollgate")).args(serve()).current_dir(place.path(""));
    command.env_remove("TOLLGATE_CONFIG").stderr(Stdio::null());
    let server = Server::run(command);
    let (public, admin) = (server.address("public"), server.address("admin"));
    for secret in &secrets[..8] {
        assert_eq!(report("127.0.0.1", admin, &[secret]).status, 202);
    }
    let refused = report("127.0.0.2", admin, &[&secrets[8]]);
    assert_eq!(refused.status, 503, "{refused:?}");
    assert_eq!(refused.body["type"], "urn:tollgate:problem:busy");
    assert_eq!(with_token(public, &secrets[8]), 200);
    secrets[..8].iter().for_each(|secret| until_ended(public, secret));
    let again = || report("127.0.0.3", admin, &[&secrets[8]]);
    until("there is never room again", again, |got| got.status == 202);
    until_ended(public, &secrets[8]);
}

/// A dry run says what would end, and ends nothing; strangers are told nothing by one.
#[test]
fn a_dry_run_of_a_report_ends_nothing() {
    let place = Place::empty();
    set(&place, "2030-01-01T00:00:00Z");
    let server = held(&place);
    let (public, admin) = (server.address("public"), server.address("admin"));
    let run = |arguments: &[&str]| place.clocked_ok(&[&["--data", "d"], arguments].concat());
    run(&["user", "add", "root", "--role", "administrator"]);
    run(&["user", "add", "alice"]);
    let secret = |owner: &str, more: &[&str]| {
        let create = ["token", "create", "--owner", owner, "--name", "ci", "--secret-only"];
        run(&[&create[..], more].concat()).trim().to_owned()
    };
    let robot = secret("root", &["--flags=-1"]);
    let (one, two, gone) = (secret("alice", &[]), secret("alice", &[]), secret("alice", &[]));
    let bearer = format!("Authorization: Bearer {robot}\r\n");
    let leaks = |secrets: &[&str], dry_run: bool| {
        let body = json!({ "secrets": secrets, "reason": "in a log", "dry_run": dry_run });
        let answer = post("127.0.0.1", admin, "/leaks", &bearer, &body);
        assert_eq!(answer.status, 200, "{answer:?}");
        let lines = answer.body["secrets"].as_array().unwrap().iter();
        lines.map(|line| line["outcome"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    let kinds = || run(&["--json", "history", "--kind", "token.leaked"]).matches("leaked").count();
    assert_eq!(leaks(&[&gone], false), ["ended"]);
    let before = kinds();
    assert!(before > 0);
    for _ in 0..2 {
        let told = leaks(&[&one, "nothing-that-is-ours", &gone, &two, &one], true);
        assert_eq!(told, ["would_end", "unknown", "was_ended", "would_end", "repeated"]);
    }
    let tried = json!({ "secrets": [one], "dry_run": true });
    let stranger = post("127.0.0.1", admin, "/leaks/report", "", &tried);
    assert_eq!((stranger.status, stranger.body), (202, Value::Null));
    // A report that is meant is worked on behind it.
    assert_eq!(report("127.0.0.1", admin, &[&two]).status, 202);
    until_ended(public, &two);
    assert_eq!((with_token(public, &one), kinds() > before), (200, true));
    // What was told is what then happens.
    assert_eq!(
        leaks(&[&one, "nothing-that-is-ours", &gone, &two], false),
        ["ended", "unknown", "was_ended", "was_ended"]
    );
    assert_eq!((with_token(public, &one), with_token(public, &robot)), (401, 200));
    let unknown =
        post("127.0.0.1", admin, "/leaks", "", &json!({"secrets": [one], "dry_run": true}));
    assert_eq!(unknown.status, 401, "whoever shows nothing is told nothing");
}
