//! A disk that takes no sync, by strace.

use std::process::{Command, Stdio};

use serde_json::{Value, json};

use crate::Place;
use crate::server::{Server, ask, hello, with_token};

#[test]
fn after_a_failed_sync_it_is_not_ready_and_requests_are_decided() {
    let place = Place::empty();
    for arguments in [&["init"][..], &["user", "add", "alice"]] {
        place.ok(&[&["--data", "d"], arguments].concat());
    }
    let create = ["--data", "d", "token", "create", "--owner", "alice", "--name", "ci"];
    let created = place.json(&create);
    let (secret, id) = (created["secret"].as_str().unwrap(), created["token"]["id"].as_str());
    let url = format!("http://{}", hello());
    let serve = ["--json", "serve", "--upstream", &url, "--listen", "127.0.0.1:0", "--data", "d"];
    let mut command = Command::new("strace");
    // The history alone uses this call for every change. `-D` makes strace the child.
    let faults = ["-e", "trace=fdatasync", "-e", "inject=fdatasync:error=EIO:when=1+"];
    command.args(["-D", "-f", "-qq", "-o", "/dev/null"]).args(faults);
    command.arg(env!("CARGO_BIN_EXE_tollgate")).args(serve).args(["--admin", "127.0.0.1:0"]);
    command.current_dir(place.path("")).env_remove("TOLLGATE_CONFIG").stderr(Stdio::null());
    let server = Server::run(command);
    let (public, admin) = (server.address("public"), server.address("admin"));
    let ready = || {
        let (status, body) = ask(admin, "GET", "/ready", &[]);
        (status, serde_json::from_str::<Value>(&body).unwrap())
    };
    // In this order: the first use of a token is a change too, some seconds later.
    assert_eq!((ready().0, with_token(public, secret)), (200, 200));

    let revoke = ["--data", "d", "token", "revoke", id.unwrap()];
    let (_, problem) = place.refused(&revoke);
    assert_eq!(problem["type"], "urn:tollgate:problem:read-only");
    let (status, told) = ready();
    assert_eq!((status, &told["store"]), (503, &json!("read-only")));
    let reason = told["reason"].as_str().unwrap();
    assert!(reason.contains("until a restart") && reason.contains("synced"), "{reason}");
    assert_eq!(with_token(public, secret), 200, "requests are decided");
    assert_eq!(with_token(public, "unknown"), 401);
    assert_eq!(ask(admin, "GET", "/health", &[]).0, 200);
    let metrics = ask(admin, "GET", "/metrics", &[]).1;
    assert!(metrics.contains("\ntollgate_store_state{state=\"read_only\"} 1\n"), "{metrics}");
}
