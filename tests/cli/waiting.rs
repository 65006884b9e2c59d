//! Commands and servers that want the same folder at the same time.

use std::fs::File;
use std::io::{BufRead as _, BufReader};
use std::process::Stdio;
use std::time::Duration;

use rustix::fs::{FlockOperation, flock};
use serde_json::json;
use tollgate::clock::instant;
use tollgate::store::holder::{Doing, Holder, Role};

use crate::Place;
use crate::server::{Server, hello};

/// Holds the data folder `d` of a place, as another process would.
pub(crate) fn hold(place: &Place, data: &str, role: Role, doing: Doing) -> File {
    let path = place.path(data).join("lock");
    let lock = File::options().write(true).open(&path).unwrap();
    flock(&lock, FlockOperation::LockExclusive).unwrap();
    std::fs::write(path, Holder { pid: std::process::id(), role, doing }.line()).unwrap();
    lock
}

#[test]
fn a_server_waits_for_a_command_and_says_so() {
    let place = Place::with_alice();
    let lock = hold(&place, "data", Role::Command, Doing::Using);
    let url = format!("http://{}", hello());
    let serve = ["--json", "serve", "--upstream", &url, "--listen", "127.0.0.1:0"];
    let mut command =
        place.command(&[&serve[..], &["--admin", "127.0.0.1:0", "--data", "data"]].concat());
    let (log, write_log) = std::io::pipe().unwrap();
    command.stderr(write_log);
    let waits = std::thread::spawn(move || {
        let mut lines = BufReader::new(log).lines().map_while(Result::ok);
        let waits =
            lines.any(|line| line.contains("waiting:") && line.contains("a command at work"));
        drop(lock);
        // So that it can go on writing.
        lines.for_each(drop);
        waits
    });
    let mut server = Server::run(command);
    place.ok(&["user", "show", "alice"]);
    assert_eq!(server.stop(), 0);
    drop(server);
    assert!(waits.join().unwrap());
}

#[test]
fn a_command_waits_for_a_command_and_for_a_server_that_starts_or_stops() {
    let place = Place::with_alice();
    for (role, doing) in [
        (Role::Command, Doing::Opening),
        (Role::Command, Doing::Using),
        (Role::Server, Doing::Opening),
        (Role::Server, Doing::Closing),
    ] {
        let lock = hold(&place, "data", role, doing);
        let mut command = place.command(&["user", "show", "alice"]);
        let mut child = command.stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
        let mut told = String::new();
        BufReader::new(child.stderr.take().unwrap()).read_line(&mut told).unwrap();
        assert!(told.starts_with("waiting: "), "{role:?} {doing:?}: {told}");
        drop(lock);
        assert!(child.wait().unwrap().success(), "{role:?} {doing:?}");
    }
}

#[test]
fn many_commands_at_once_all_do_their_work() {
    let place = Place::with_alice();
    let create = ["token", "create", "--owner", "alice", "--name", "ci"];
    let mut all: Vec<_> = (0..8)
        .map(|_| {
            place.command(&create).stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap()
        })
        .collect();
    for child in all.drain(..) {
        let output = child.wait_with_output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    }
    assert_eq!(place.json(&["token", "list"])["tokens"].as_array().unwrap().len(), 8);
}

#[test]
fn a_server_that_is_there_is_not_waited_for() {
    let place = Place::with_alice();
    for (doing, says) in [(Doing::Using, "a server; stop it"), (Doing::Opening, "is starting")] {
        let lock = hold(&place, "data", Role::Server, doing);
        let begun = instant();
        let serve = ["serve", "--listen", "127.0.0.1:0", "--admin", "127.0.0.1:0"];
        let (code, problem) = place.refused(&serve);
        assert_eq!((code, &problem["type"]), (5, &json!("urn:tollgate:problem:locked")));
        assert!(problem["detail"].as_str().unwrap().contains(says), "{problem}");
        assert!(begun.elapsed() < Duration::from_secs(8), "as a command would be waited for");
        drop(lock);
    }
    place.ok(&["user", "show", "alice"]);
}
