//! The binary is replaced while clients ask: by a signal, by hand, and under a manager of services.

use std::fs;
use std::io::{Read as _, Write as _};
use std::os::unix::net::{UnixDatagram, UnixListener, UnixStream};
use std::process::Command;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread;
use std::time::Duration;

use super::changing::successor;
use super::*;
use crate::support::process::Process;
use crate::support::wait_until;

const REQUESTS: usize = 10_000;

/// What clients saw.
#[derive(Default)]
struct Seen {
    answered: AtomicUsize,
    /// The longest that an answer took, in microseconds.
    longest: AtomicUsize,
    /// Set once a token is revoked, for good.
    revoked: AtomicBool,
}

impl Seen {
    /// Asks until all requests are answered, on one connection or on many.
    fn ask(&self, shop: &Shop, public: std::net::SocketAddr, kept: bool) {
        let mut client = Client::connect(public);
        while self.answered.load(Ordering::Relaxed) < REQUESTS {
            let begun = instant();
            if !kept {
                client = Client::connect(public);
            }
            client.send(request("/old", &shop.secret));
            let answer = client.answer_to("GET").expect("no request is lost");
            assert_eq!((answer.status, answer.whole), (200, true));
            let took = usize::try_from(begun.elapsed().as_micros()).unwrap();
            self.longest.fetch_max(took, Ordering::Relaxed);
            self.answered.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// Asks with a token that is revoked meanwhile.
    fn ask_in_vain(&self, public: std::net::SocketAddr, secret: &str) {
        let mut client = Client::connect(public);
        while self.answered.load(Ordering::Relaxed) < REQUESTS {
            let revoked = self.revoked.load(Ordering::SeqCst);
            client.send(request("/old", secret));
            let answer = client.answer_to("GET").expect("no request is lost");
            assert_eq!(answer.status, if revoked || answer.status == 401 { 401 } else { 200 });
        }
    }
}

/// Adds a rule to the one API of a configuration.
fn add_rule(source: &Path, path: &str) {
    let text = fs::read_to_string(source).unwrap();
    let fresh = source.with_extension("new");
    fs::write(&fresh, format!("{text}\n[[apis.rules]]\npath = \"{path}\"\n")).unwrap();
    fs::rename(fresh, source).unwrap();
}

#[test]
fn no_request_of_10_000_is_lost_during_five_reloads_and_one_restart() {
    let mut shop = Shop::start();
    let create = ["token", "create", "--owner", "alice", "--name", "doomed", "--json"];
    let made: serde_json::Value = serde_json::from_str(&shop.program.succeed(&create, "")).unwrap();
    let (id, doomed) = (made["token"]["id"].as_str().unwrap(), made["secret"].as_str().unwrap());
    let (seen, public) = (Seen::default(), shop.program.public());
    let reached = |part: usize| {
        wait_until("requests are answered", PATIENCE * 4, || {
            seen.answered.load(Ordering::Relaxed) >= REQUESTS * part / 8
        });
    };
    thread::scope(|scope| {
        let (seen, all) = (&seen, &shop);
        for number in 0..6 {
            scope.spawn(move || seen.ask(all, public, number % 2 == 0));
        }
        scope.spawn(move || seen.ask_in_vain(public, doomed));
        for part in 1..=6 {
            reached(part);
            if part == 3 {
                all.program.begin_successor();
            } else {
                let path = format!("/new{part}");
                add_rule(all.program.source(), &path);
                wait_until("the new rule is in force", PATIENCE, || {
                    ask(public, request(&path, &all.secret)).status == 200
                });
            }
            if part == 5 {
                all.program.succeed(&["token", "revoke", id], "");
                seen.revoked.store(true, Ordering::SeqCst);
            }
        }
    });
    shop.program.follow();
    let longest = Duration::from_micros(seen.longest.load(Ordering::Relaxed) as u64);
    println!("the longest answer took {longest:?}");
    assert_eq!(ask(public, request("/old", doomed)).status, 401);
    assert_eq!(ask(public, request("/old", &shop.secret)).status, 200, "by the successor");
}

#[test]
fn a_successor_with_a_bad_configuration_changes_nothing() {
    let mut shop = Shop::start();
    let good = fs::read_to_string(shop.program.source()).unwrap();
    fs::write(shop.program.source(), format!("{good}\nnonsense = true\n")).unwrap();
    shop.program.begin_successor();
    let logged = |text: &str| String::from_utf8_lossy(&shop.program.logged()).contains(text);
    wait_until("it is told", PATIENCE, || logged("the successor ended; this gateway goes on"));
    assert!(logged("nonsense"), "with what is wrong");
    assert_eq!(ask(shop.program.public(), request("/old", &shop.secret)).status, 200);
    fs::write(shop.program.source(), good).unwrap();
    shop.program.begin_successor();
    shop.program.follow();
    assert_eq!(ask(shop.program.public(), request("/old", &shop.secret)).status, 200);
    let again = shop.program.run(&["serve"], "");
    assert!(!again.status.success(), "without being asked to, nobody takes its place");
}

#[test]
fn a_successor_that_cannot_listen_where_it_is_to_changes_nothing() {
    let mut shop = Shop::start();
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let good = fs::read_to_string(shop.program.source()).unwrap();
    let admin = format!("admin = \"{}\"", taken.local_addr().unwrap());
    fs::write(shop.program.source(), good.replace("admin = \"127.0.0.1:0\"", &admin)).unwrap();
    shop.program.begin_successor();
    let logged = |text: &str| String::from_utf8_lossy(&shop.program.logged()).contains(text);
    wait_until("it is told", PATIENCE, || logged("the successor ended; this gateway goes on"));
    assert!(logged("listen.admin") && !logged("changes hands"));
    fs::write(shop.program.source(), good).unwrap();
    shop.program.begin_successor();
    shop.program.follow();
    assert_eq!(ask(shop.program.public(), request("/old", &shop.secret)).status, 200);
}

#[test]
fn a_gateway_that_cannot_close_its_store_goes_on_with_it() {
    let mut shop = Shop::start();
    let public = shop.program.public();
    // Where the store would write how it was closed.
    let place = shop.program.folder().join("data/checkpoint.new");
    fs::create_dir(&place).unwrap();
    shop.program.begin_successor();
    let logged = |text: &str| String::from_utf8_lossy(&shop.program.logged()).contains(text);
    wait_until("it starts again", PATIENCE, || logged("this gateway starts again"));
    wait_until("the successor ends", PATIENCE, || logged("the successor ended; this"));
    assert!(logged("the store cannot be closed in order, and is not given away"));
    let told = String::from_utf8_lossy(&shop.program.printed()).into_owned();
    assert!(told.contains("cannot give its store away"), "the successor says so too: {told}");
    assert_eq!(ask(public, request("/old", &shop.secret)).status, 200);
    fs::remove_dir(&place).unwrap();
    shop.program.succeed(&["user", "add", "bob", "--name", "Bob"], "");
    shop.program.begin_successor();
    shop.program.follow();
    assert_eq!(ask(public, request("/old", &shop.secret)).status, 200, "by a true successor");
}

#[test]
fn a_second_signal_starts_no_second_successor() {
    let mut shop = Shop::start();
    let place = shop.program.folder().join("data/tollgate.successor");
    // Somebody else is heard first, so that the one that is started has to wait.
    let mut line = UnixStream::connect(place).unwrap();
    tell(&mut line, "{\"take\":{\"pid\":1,\"version\":\"0\"}}");
    while hear(&mut line) != "\"whole\"" {}
    let logged = |shop: &Shop| String::from_utf8_lossy(&shop.program.logged()).into_owned();
    let started = |shop: &Shop| logged(shop).matches("a successor is started").count();
    shop.program.begin_successor();
    wait_until("one is started", PATIENCE, || started(&shop) == 1);
    for told in 1..=2 {
        shop.program.begin_successor();
        wait_until("it is told that it is ignored", PATIENCE, || {
            logged(&shop).matches("the signal to start a successor is ignored").count() == told
        });
    }
    drop(line);
    shop.program.follow();
    assert_eq!(started(&shop), 1);
    assert_eq!(ask(shop.program.public(), request("/old", &shop.secret)).status, 200);
}

/// Says something to a successor as the gateway before it does: its length, and a name in JSON.
pub(super) fn say(line: &mut UnixStream, word: &str) {
    tell(line, &format!("\"{word}\""));
}

/// Says this.
pub(super) fn tell(line: &mut UnixStream, text: &str) {
    let length = u32::try_from(text.len()).unwrap().to_be_bytes();
    line.write_all(&[&length, text.as_bytes()].concat()).unwrap();
}

/// What is said next.
pub(super) fn hear(line: &mut UnixStream) -> String {
    let mut length = [0; 4];
    line.read_exact(&mut length).unwrap();
    let mut text = vec![0; u32::from_be_bytes(length) as usize];
    line.read_exact(&mut text).unwrap();
    String::from_utf8(text).unwrap()
}

#[test]
fn what_is_changed_while_a_successor_waits_for_the_store_is_in_force_with_it() {
    let mut shop = Shop::start();
    shop.program.stop();
    let place = shop.program.folder().join("data/tollgate.successor");
    let (before, source) = (UnixListener::bind(&place).unwrap(), shop.program.source().to_owned());
    let predecessor = thread::spawn(move || {
        let (mut line, _) = before.accept().unwrap();
        fs::remove_file(place).unwrap();
        assert!(hear(&mut line).contains("take"));
        say(&mut line, "whole");
        assert_eq!(hear(&mut line), "\"ready\"");
        // It has read its file, and nobody tells it of this.
        rewrite(&source, "/old", "/new");
        say(&mut line, "yours");
        assert_eq!(hear(&mut line), "\"serves\"");
    });
    shop.program.take_over();
    predecessor.join().unwrap();
    wait_until("the new rule is in force", PATIENCE, || {
        ask(shop.program.public(), request("/new", &shop.secret)).status == 200
    });
}

#[test]
fn a_successor_that_gets_no_store_ends_with_the_reason() {
    let mut shop = Shop::start();
    shop.program.stop();
    let place = shop.program.folder().join("data/tollgate.successor");
    let before = UnixListener::bind(&place).unwrap();
    let predecessor = thread::spawn(move || {
        let (mut line, _) = before.accept().unwrap();
        assert!(hear(&mut line).contains("take"));
        say(&mut line, "whole");
        assert_eq!(hear(&mut line), "\"ready\"");
        say(&mut line, "stays");
    });
    let ended = shop.program.run(&["serve", "--take-over"], "");
    predecessor.join().unwrap();
    assert!(!ended.status.success());
    let told = String::from_utf8_lossy(&ended.stderr).into_owned();
    assert!(told.contains("cannot give its store away"), "{told}");
}

#[test]
fn a_gateway_whose_successor_dies_before_it_serves_starts_again_and_keeps_connections() {
    let mut shop = Shop::start();
    let (public, pid) = (shop.program.public(), shop.program.pid());
    let mut kept = Client::connect(public);
    for (turn, last) in ["ready", "yours", "ready"].into_iter().enumerate() {
        kept.send(request("/old", &shop.secret));
        assert_eq!(kept.answer().status, 200, "before {turn}");
        let mut line = successor(&shop);
        say(&mut line, "ready");
        if last == "yours" {
            assert_eq!(hear(&mut line), "\"yours\"");
            // What it was given dies with it.
            kept = Client::connect(public);
        }
        drop(line);
        let again = || {
            let logged = String::from_utf8_lossy(&shop.program.logged()).into_owned();
            logged.matches("this gateway starts again").count()
        };
        wait_until("it starts again", PATIENCE, || again() == turn + 1);
        assert_eq!(ask(public, request("/old", &shop.secret)).status, 200, "behind {turn}");
        let ready = "GET /ready HTTP/1.1\r\nHost: localhost\r\n\r\n";
        // Said a moment after the first request is decided.
        wait_until("it is ready", PATIENCE, || ask(shop.program.admin(), ready).status == 200);
        shop.program.succeed(&["user", "add", &format!("user{turn}"), "--name", "U"], "");
        let path = format!("/new{turn}");
        add_rule(shop.program.source(), &path);
        wait_until("it reloads", PATIENCE, || {
            ask(public, request(&path, &shop.secret)).status == 200
        });
    }
    assert_eq!(shop.program.pid(), pid);
    shop.program.begin_successor();
    shop.program.follow();
    assert_eq!(ask(public, request("/old", &shop.secret)).status, 200, "by a true successor");
}

/// Whether it takes note of its successor first, or of that.
#[test]
fn a_gateway_that_is_told_to_stop_just_as_a_successor_is_ready_stops() {
    let mut shop = Shop::start();
    let mut line = successor(&shop);
    say(&mut line, "ready");
    shop.program.signal(Signal::TERM);
    // Its place, or the end of the line.
    let _ = line.read(&mut [0; 64]);
    drop(line);
    shop.program.ends();
    let logged = String::from_utf8_lossy(&shop.program.logged()).into_owned();
    assert!(logged.contains("tollgate has stopped in order"), "{logged}");
}

/// Who is told to stop while it changes hands does not go on because nobody took its place.
#[test]
fn a_gateway_that_is_told_to_stop_while_it_changes_hands_stops() {
    let mut shop = Shop::start();
    let mut line = successor(&shop);
    say(&mut line, "ready");
    assert_eq!(hear(&mut line), "\"yours\"");
    shop.program.signal(Signal::TERM);
    wait_until("it is noted", PATIENCE, || {
        String::from_utf8_lossy(&shop.program.logged()).contains("told to stop, as it does already")
    });
    drop(line);
    shop.program.ends();
    let logged = String::from_utf8_lossy(&shop.program.logged()).into_owned();
    assert!(logged.contains("tollgate has stopped in order"), "{logged}");
}

/// Starts a gateway with sockets that somebody else made, as systemd does: from descriptor 3 on.
const MANAGER: &str = "
import fcntl, os, socket, sys
made = [socket.create_server(('127.0.0.1', 0)) for _ in range(2)]
ports = [str(one.getsockname()[1]) for one in made]
apart = [fcntl.fcntl(one.fileno(), fcntl.F_DUPFD, 16) for one in made]
for number, one in enumerate(apart):
    os.dup2(one, 3 + number, inheritable=True)
os.environ.update(LISTEN_FDS='2', LISTEN_PID=str(os.getpid()))
public, admin = ('127.0.0.1:' + port for port in ports)
os.execv(sys.argv[1], sys.argv[1:] + ['--listen', public, '--admin', admin])
";

#[test]
fn sockets_of_a_manager_of_services_are_used_and_it_is_told_when_requests_are_decided() {
    let upstream = Upstream::start();
    let folder = tempfile::tempdir().unwrap();
    let notified = UnixDatagram::bind(folder.path().join("notify")).unwrap();
    notified.set_read_timeout(Some(PATIENCE)).unwrap();
    let mut command = Command::new("python3");
    command
        .args(["-c", MANAGER, env!("CARGO_BIN_EXE_tollgate")])
        .args(["serve", "--json", "--upstream", &format!("http://{}", upstream.address())])
        .arg("--data")
        .arg(folder.path().join("data"))
        .env("NOTIFY_SOCKET", folder.path().join("notify"))
        .stderr(std::process::Stdio::null())
        .stdout(std::process::Stdio::piped());
    let mut process = Process::spawn(&mut command);
    let mut told = [0; 256];
    let length = notified.recv(&mut told).unwrap();
    let told = String::from_utf8_lossy(&told[..length]).into_owned();
    let pid = process.child().id();
    assert!(told.contains("READY=1\n") && told.contains(&format!("MAINPID={pid}\n")), "{told}");
    let mut ready = String::new();
    let out = process.child().stdout.take().unwrap();
    std::io::BufRead::read_line(&mut std::io::BufReader::new(out), &mut ready).unwrap();
    let ready: serde_json::Value = serde_json::from_str(&ready).unwrap();
    let [public, admin] =
        ["public", "admin"].map(|which| ready[which].as_str().unwrap().parse().unwrap());
    assert_eq!(ask(public, request("/", "nobody")).status, 401);
    assert_eq!(ask(admin, "GET /ready HTTP/1.1\r\nHost: localhost\r\n\r\n").status, 200);
    let listening = fs::read_to_string(format!("/proc/{pid}/net/tcp")).unwrap();
    let port = |address: std::net::SocketAddr| format!(":{:04X} 00000000:0000 0A", address.port());
    assert_eq!(listening.matches(&port(admin)).count(), 1, "no second socket is made");
}
