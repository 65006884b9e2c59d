//! Makes and revokes tokens over the local socket at a fixed rate. `benches/peers/run busy` calls it.
//!
//! Prints one line: pairs of creation and revocation, errors, pairs a second, and the 50th and 99th
//! percentile of one act in microseconds. An act counts from the time at which it was due.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::disallowed_methods,
    reason = "a tool for benchmarks fails by panicking, and measures time"
)]

use std::io::{BufRead, BufReader, Read, Write};
use std::os::unix::net::UnixStream;
use std::time::{Duration, Instant};
use std::{env, thread};

const CONNECTIONS: u32 = 32;
/// As `peers-seed` names its owners.
const BODY: &str = r#"{"owner":"owner-0001@example.com","name":"busy"}"#;

fn main() {
    let args: Vec<String> = env::args().skip(1).collect();
    let [socket, rate, seconds] = args.as_slice() else {
        eprintln!("usage: peers-acts SOCKET PAIRS-A-SECOND SECONDS");
        return;
    };
    let rate: f64 = rate.parse().expect("a rate");
    let seconds: f64 = seconds.parse().expect("a number of seconds");
    let start = Instant::now() + Duration::from_millis(100);
    let threads: Vec<_> = (0..CONNECTIONS)
        .map(|number| {
            let stream = UnixStream::connect(socket).expect("the local socket");
            let step = Duration::from_secs_f64(f64::from(CONNECTIONS) / rate);
            let first = start + step * number / CONNECTIONS;
            thread::spawn(move || {
                drive(stream, (first, step), start + Duration::from_secs_f64(seconds))
            })
        })
        .collect();
    let (mut times, mut errors) = (Vec::new(), 0);
    for thread in threads {
        let (more, failed) = thread.join().expect("a thread");
        times.extend(more);
        errors += failed;
    }
    times.sort_unstable();
    let at = |share: usize| times.get(times.len() * share / 100).map_or(0, Duration::as_micros);
    let pairs = times.len() / 2;
    let rate = pairs as f64 / start.elapsed().as_secs_f64();
    println!("{pairs} {errors} {rate:.0} {} {}", at(50), at(99));
}

fn drive(
    stream: UnixStream,
    (first, step): (Instant, Duration),
    end: Instant,
) -> (Vec<Duration>, u64) {
    let mut line = Line { reader: BufReader::new(stream) };
    let (mut times, mut errors) = (Vec::new(), 0);
    let mut due = first;
    while due < end {
        thread::sleep(due.saturating_duration_since(Instant::now()));
        let (status, answer) = line.post("/api/v1/tokens", BODY);
        times.push(due.elapsed());
        let half = due + step / 2;
        thread::sleep(half.saturating_duration_since(Instant::now()));
        let id = answer.split("\"id\":\"").nth(1).and_then(|rest| rest.split('"').next());
        let path = format!("/api/v1/tokens/{}/revoke", id.unwrap_or("none"));
        let (revoked, _) = line.post(&path, r#"{"reason":"busy"}"#);
        times.push(half.elapsed());
        errors += u64::from(status != 201) + u64::from(revoked != 200);
        due += step;
    }
    (times, errors)
}

struct Line {
    reader: BufReader<UnixStream>,
}

impl Line {
    /// The status and the body.
    fn post(&mut self, path: &str, body: &str) -> (u16, String) {
        let length = body.len();
        let request = format!(
            "POST {path} HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n\
             Content-Length: {length}\r\n\r\n{body}"
        );
        self.reader.get_mut().write_all(request.as_bytes()).unwrap();
        let (mut status, mut length) = (0, 0);
        loop {
            let mut line = String::new();
            self.reader.read_line(&mut line).unwrap();
            let line = line.trim_end().to_ascii_lowercase();
            if let Some(rest) = line.strip_prefix("http/1.1 ") {
                status = rest[..3].parse().unwrap();
            } else if let Some(value) = line.strip_prefix("content-length: ") {
                length = value.parse().unwrap();
            } else if line.is_empty() {
                break;
            }
        }
        let mut body = vec![0; length];
        self.reader.read_exact(&mut body).unwrap();
        (status, String::from_utf8(body).unwrap())
    }
}
