//! Requests at a fixed rate, and how long each took. `benches/peers/run` calls it.
//!
//! A request is due at its time in the schedule, whether or not earlier ones have been answered. If its
//! connection was still busy then, the wait counts from the time at which it was due: a stall of the
//! proxy is charged to every request that it delayed, not to one (coordinated omission). If the
//! connection was free, the wait counts from the moment of sending, so that a late wake-up of this
//! program is not charged to the proxy.
//!
//! Prints one line: count, errors, and the 50th, 99th and 99.9th percentile in microseconds.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::disallowed_methods,
    reason = "a tool for benchmarks fails by panicking, and measures time"
)]

use std::io::{Read, Write};
use std::net::TcpStream;
use std::sync::Arc;
use std::time::{Duration, Instant};
use std::{env, fs, thread};

struct Plan {
    address: String,
    requests: Vec<Vec<u8>>,
    rate: f64,
    connections: usize,
    seconds: f64,
}

fn main() {
    let args: Vec<String> = env::args().skip(1).collect();
    let [address, tokens, rate, connections, seconds] = args.as_slice() else {
        eprintln!("usage: peers-load ADDRESS FILE-OF-TOKENS RATE CONNECTIONS SECONDS");
        return;
    };
    let tokens = fs::read_to_string(tokens).expect("the file of tokens");
    let request = |token: &str| {
        format!(
            "GET /api/items HTTP/1.1\r\nHost: bench.example\r\nAuthorization: Bearer {token}\r\n\r\n"
        )
    };
    let plan = Arc::new(Plan {
        address: address.clone(),
        requests: tokens.lines().map(|token| request(token).into_bytes()).collect(),
        rate: rate.parse().expect("a rate"),
        connections: connections.parse().expect("a number of connections"),
        seconds: seconds.parse().expect("a number of seconds"),
    });
    let start = Instant::now() + Duration::from_millis(200);
    let threads: Vec<_> = (0..plan.connections)
        .map(|number| {
            let plan = Arc::clone(&plan);
            thread::spawn(move || drive(&plan, number, start))
        })
        .collect();
    let (mut times, mut errors) = (Vec::new(), 0_usize);
    for thread in threads {
        let (some, failed) = thread.join().expect("a connection");
        times.extend(some);
        errors += failed;
    }
    times.sort_unstable();
    let at = |part: f64| {
        let last = times.len().saturating_sub(1);
        times
            .get((last as f64 * part).round() as usize)
            .map_or(0.0, |time| time.as_secs_f64() * 1e6)
    };
    println!("{} {errors} {:.0} {:.0} {:.0}", times.len(), at(0.5), at(0.99), at(0.999));
}

/// The requests of one connection: every `connections`-th of the schedule.
fn drive(plan: &Plan, number: usize, start: Instant) -> (Vec<Duration>, usize) {
    let mut stream = connect(plan);
    let (mut times, mut errors) = (Vec::new(), 0);
    let mut buffer = vec![0; 65_536];
    for turn in 0.. {
        let place = turn * plan.connections + number;
        let after = place as f64 / plan.rate;
        if after > plan.seconds {
            break;
        }
        let due = start + Duration::from_secs_f64(after);
        let free = Instant::now() < due;
        if free {
            thread::sleep(due - Instant::now());
        }
        let from = if free { Instant::now() } else { due };
        // A large odd step goes through the tokens in no order.
        let request = &plan.requests[place.wrapping_mul(2_654_435_761) % plan.requests.len()];
        if exchange(&mut stream, request, &mut buffer).is_some() {
            times.push(from.elapsed());
        } else {
            errors += 1;
            stream = connect(plan);
        }
    }
    (times, errors)
}

fn connect(plan: &Plan) -> TcpStream {
    let stream = TcpStream::connect(&plan.address).expect("a connection to the proxy");
    stream.set_nodelay(true).expect("a socket option");
    stream.set_read_timeout(Some(Duration::from_secs(10))).expect("a socket option");
    stream
}

/// Sends a request and reads the whole of an answer `200` with a declared length.
fn exchange(stream: &mut TcpStream, request: &[u8], buffer: &mut [u8]) -> Option<()> {
    stream.write_all(request).ok()?;
    let mut filled = 0;
    loop {
        let read = stream.read(buffer.get_mut(filled..)?).ok().filter(|read| *read > 0)?;
        filled += read;
        let text = buffer.get(..filled)?;
        let Some(head_end) = text.windows(4).position(|bytes| bytes == b"\r\n\r\n") else {
            continue;
        };
        let head = std::str::from_utf8(text.get(..head_end)?).ok()?.to_ascii_lowercase();
        let length = head.split("\r\n").find_map(|line| line.strip_prefix("content-length:"))?;
        let length: usize = length.trim().parse().ok()?;
        if filled >= head_end + 4 + length {
            return head.starts_with("http/1.1 200").then_some(());
        }
    }
}
