//! The real program with its logs in a pipe that nobody reads.

use std::io::{BufRead as _, BufReader, Read as _};
use std::net::SocketAddr;
use std::process::{Command, Stdio};

use serde_json::Value;

use crate::support::client::Client;
use crate::support::process::Process;
use crate::support::upstream::Upstream;

/// More lines than pipe, buffers and queue take together.
const REQUESTS: usize = 24_000;

/// How many of them are sent at once.
const BATCH: usize = 100;

#[test]
fn a_pipe_that_nobody_reads_stops_no_request_and_what_is_lost_is_counted() {
    let upstream = Upstream::start();
    let folder = tempfile::tempdir().unwrap();
    let url = format!("http://{}", upstream.address());
    let mut command = Command::new(env!("CARGO_BIN_EXE_tollgate"));
    command.args(["--json", "--data", "data", "serve", "--upstream", &url]);
    command.args(["--listen", "127.0.0.1:0", "--admin", "127.0.0.1:0"]);
    command.current_dir(folder.path()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut process = Process::spawn(&mut command);
    let mut ready = String::new();
    let stdout = process.child().stdout.take().unwrap();
    BufReader::new(stdout).read_line(&mut ready).unwrap();
    let ready: Value = serde_json::from_str(&ready).unwrap();
    let address = |which: &str| ready[which].as_str().unwrap().parse::<SocketAddr>().unwrap();

    let path = "x".repeat(200);
    let request = format!("GET /{path} HTTP/1.1\r\nHost: a.example\r\n\r\n").repeat(BATCH);
    for _ in 0..REQUESTS / BATCH {
        let mut client = Client::connect(address("public"));
        client.send(&request);
        for _ in 0..BATCH {
            assert_eq!(client.answer().status, 401);
        }
    }
    let mut admin = Client::connect(address("admin"));
    let metrics = admin.ask("GET /metrics HTTP/1.1\r\nHost: localhost\r\n\r\n").text();
    let dropped = metrics
        .lines()
        .find_map(|line| line.strip_prefix("tollgate_log_lines_dropped_total "))
        .map(|count| count.parse::<usize>().unwrap());
    assert!(dropped > Some(0), "{metrics}");

    // Once somebody reads, what was kept arrives, and the program ends in order.
    let mut stderr = process.child().stderr.take().unwrap();
    let reader = std::thread::spawn(move || {
        let mut text = String::new();
        stderr.read_to_string(&mut text).unwrap();
        text
    });
    process.stop();
    assert!(process.child().wait().unwrap().success());
    let lines = reader.join().unwrap().lines().filter(|line| line.contains(&path)).count();
    assert_eq!(Some(REQUESTS - lines), dropped);
}
