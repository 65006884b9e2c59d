//! sec-D1, sec-D2, sec-D3: what floods cost an honest client, and how much memory they take. `cargo bench
//! --bench floods` runs the real server through each for two seconds (`TOLLGATE_FLOOD_SECONDS` sets another
//! number) and prints the honest client's times beside those in an ordinary crowd, whose requests are
//! all permitted: a flood is harmless if it costs no more than that. Everything shares one machine, so that
//! only the ratios mean something.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a benchmark fails by panicking")]

#[path = "floods/attacks.rs"]
mod attacks;
#[path = "../tests/support/mod.rs"]
mod support;

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use serde_json::Value;
use support::client::Client;
use support::program::Program;
use support::upstream::{Step, Upstream, ok};
use tollgate::clock::instant;

use attacks::{Attack, Target};

/// What a flood may add to the memory of a server that has seen it once before.
const GROWTH_MAX: u64 = 4 << 20;

/// How often the honest client asks.
const PAUSE: Duration = Duration::from_millis(2);

fn main() {
    let seconds = std::env::var("TOLLGATE_FLOOD_SECONDS").ok().and_then(|text| text.parse().ok());
    let time = Duration::from_secs(seconds.unwrap_or(2));
    let upstream = Upstream::scripted(|seen| match seen.line() {
        line if line.contains("/never") => vec![Step::Stall],
        _ => ok("ok"),
    });
    let mut program = Program::start_with(
        "h2c = true",
        &format!(
            "cache = {{ unknown = 10000 }}\nlimits = {{ head_timeout = \"1s\", requests_per_connection = 0, \
             failures = {{ slow_after = 0, refuse_after = 0 }} }}\n[[apis]]\n\
             name = \"a\"\nupstream = \"http://{}\"\nrules = [{{ path = \"/{{*rest}}\" }}]\n",
            upstream.address()
        ),
    );
    program.succeed(&["user", "add", "alice"], "");
    let made =
        program.succeed(&["token", "create", "--owner", "alice", "--name", "x", "--json"], "");
    let secret: Value = serde_json::from_str(&made).unwrap();
    let secret = secret.get("secret").and_then(Value::as_str).unwrap().to_owned();
    let target = Target { address: program.public(), secret };

    println!(
        "| flood | sent | connections | honest median / p99 in us | of a crowd's p99 | KiB more |"
    );
    println!("| --- | ---: | ---: | ---: | ---: | ---: |");
    let mut crowd = None;
    for attack in attacks::ALL {
        // What is bounded fills up once.
        run(&mut program, &target, attack, time / 4);
        let found = run(&mut program, &target, attack, time);
        let crowd = *crowd.get_or_insert(found.p99);
        println!(
            "| {} | {} | {} | {} / {} | {:.2} | {} |",
            attack.name,
            found.sent,
            found.connections,
            found.median.as_micros(),
            found.p99.as_micros(),
            found.p99.as_secs_f64() / crowd.as_secs_f64(),
            found.grown / 1_024,
        );
        assert!(found.grown < GROWTH_MAX, "{}: {} bytes more", attack.name, found.grown);
    }
}

struct Found {
    sent: u64,
    connections: u64,
    median: Duration,
    p99: Duration,
    grown: u64,
}

fn run(program: &mut Program, target: &Target, attack: &Attack, time: Duration) -> Found {
    let before = program.resident_bytes();
    let (stop, sent, connections) = (AtomicBool::new(false), AtomicU64::new(0), AtomicU64::new(0));
    let (mut times, mut most) = (Vec::new(), before);
    thread::scope(|scope| {
        scope.spawn(|| {
            while !stop.load(Ordering::Relaxed) {
                connections.fetch_add(1, Ordering::Relaxed);
                sent.fetch_add((attack.once)(target, &stop), Ordering::Relaxed);
            }
        });
        let until = instant() + time;
        let mut honest = Client::connect(target.address);
        while instant() < until {
            times.push(ask(&mut honest, target));
            most = most.max(program.resident_bytes());
            thread::sleep(PAUSE);
        }
        stop.store(true, Ordering::Relaxed);
    });
    times.sort();
    let at = |share: usize| times.get(times.len() * share / 100).copied().unwrap();
    Found {
        sent: sent.into_inner(),
        connections: connections.into_inner(),
        median: at(50),
        p99: at(99),
        grown: most.saturating_sub(before),
    }
}

fn ask(honest: &mut Client, target: &Target) -> Duration {
    let begun: Instant = instant();
    assert_eq!(honest.ask(target.request("/honest", &target.secret)).status, 200);
    begun.elapsed()
}
