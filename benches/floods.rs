//! sec-D1, sec-D2, sec-D3, sec-D5: what floods cost an honest client and the gateway, and how much memory they take.
//! `cargo bench --bench floods` runs the real server through each for two seconds (`TOLLGATE_FLOOD_SECONDS` sets
//! another number; `-- "10 kB"` chooses those whose names hold it, beside the crowd) and prints the honest client's
//! times beside those in an ordinary crowd, whose requests are all permitted: a flood is harmless if it costs no more
//! than that. Beside them stands the processor's time for each request or frame, of the gateway (the honest client's
//! requests are in it) and of the attacker. Everything shares one machine, so that only the ratios mean something.

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
use support::program::{Program, processor_time};
use support::upstream::{Step, Upstream, ok};
use tollgate::clock::instant;

use attacks::{Attack, Target};

/// What a flood may add to the memory of a server that has seen it once before: over HTTP/2 (sec-D1), and otherwise, where pages
/// of the index and digests that are remembered fill up what they have.
const GROWTH_MAX: [u64; 2] = [1 << 20, 4 << 20];

/// How often the honest client asks.
const PAUSE: Duration = Duration::from_millis(2);

fn main() {
    let seconds = std::env::var("TOLLGATE_FLOOD_SECONDS").ok().and_then(|text| text.parse().ok());
    let time = Duration::from_secs(seconds.unwrap_or(2));
    // Of its own, for a queue of connections there that is full would keep the honest client waiting, and not the gateway.
    let never = Upstream::scripted(|_| vec![Step::Stall]);
    let upstream = Upstream::scripted(|_| ok("ok"));
    let mut program = Program::start_with(
        "h2c = true",
        &format!(
            "cache = {{ unknown = 10000 }}\nlimits = {{ head_timeout = \"1s\", requests_per_connection = 0, \
             failures = {{ slow_after = 0, refuse_after = 0 }} }}\n[[apis]]\n\
             name = \"a\"\nupstream = \"http://{}\"\nrules = [{{ path = \"/{{*rest}}\" }}]\n[[apis]]\n\
             name = \"never\"\npath = \"/never\"\nupstream = \"http://{}\"\nrules = [{{ path = \"/never\" }}]\n",
            upstream.address(),
            never.address()
        ),
    );
    program.succeed(&["user", "add", "alice"], "");
    let made =
        program.succeed(&["token", "create", "--owner", "alice", "--name", "x", "--json"], "");
    let secret: Value = serde_json::from_str(&made).unwrap();
    let secret = secret.get("secret").and_then(Value::as_str).unwrap().to_owned();
    let target = Target { address: program.public(), secret };

    println!(
        "| flood | sent | connections | honest median / p99 in us | of a crowd's p99 | KiB more | \
         gateway's / attacker's us for each | ratio |"
    );
    println!("| --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: |");
    let chosen = std::env::args().skip(1).find(|argument| !argument.starts_with('-'));
    let mut crowd = None;
    for attack in attacks::ALL {
        let other =
            crowd.is_some() && chosen.as_ref().is_some_and(|part| !attack.name.contains(part));
        if other {
            continue;
        }
        // What is bounded fills up once.
        run(&mut program, &upstream, &target, attack, time);
        let found = run(&mut program, &upstream, &target, attack, time);
        let crowd = *crowd.get_or_insert(found.p99);
        println!(
            "| {} | {} | {} | {} / {} | {:.2} | {} | {:.2} / {:.2} | {:.1} |",
            attack.name,
            found.sent,
            found.connections,
            found.median.as_micros(),
            found.p99.as_micros(),
            found.p99.as_secs_f64() / crowd.as_secs_f64(),
            found.grown / 1_024,
            found.each(found.gateway),
            found.each(found.attacker),
            found.gateway.as_secs_f64() / found.attacker.as_secs_f64(),
        );
        let [of_http2, of_others] = GROWTH_MAX;
        let allowed = if attack.is_of_http2 { of_http2 } else { of_others };
        assert!(found.grown < allowed, "{}: {} bytes more", attack.name, found.grown);
    }
}

struct Found {
    sent: u64,
    connections: u64,
    median: Duration,
    p99: Duration,
    grown: u64,
    /// The processor's time.
    gateway: Duration,
    attacker: Duration,
}

impl Found {
    /// In microseconds for each that was sent.
    fn each(&self, all: Duration) -> f64 {
        all.as_secs_f64() * 1e6 / self.sent as f64
    }
}

fn run(
    program: &mut Program,
    upstream: &Upstream,
    target: &Target,
    attack: &Attack,
    time: Duration,
) -> Found {
    let (before, used) = (program.resident_bytes(), program.processor_time());
    let (stop, sent, connections) = (AtomicBool::new(false), AtomicU64::new(0), AtomicU64::new(0));
    let (mut times, mut most) = (Vec::new(), before);
    let attacker = thread::scope(|scope| {
        let attacker = scope.spawn(|| {
            while !stop.load(Ordering::Relaxed) {
                connections.fetch_add(1, Ordering::Relaxed);
                sent.fetch_add((attack.once)(target, &stop), Ordering::Relaxed);
            }
            processor_time("thread-self")
        });
        let until = instant() + time;
        let mut honest = Client::connect(target.address);
        while instant() < until {
            times.push(ask(&mut honest, target));
            most = most.max(program.resident_bytes());
            // What it keeps of large heads would be more than this machine has.
            upstream.take();
            thread::sleep(PAUSE);
        }
        stop.store(true, Ordering::Relaxed);
        attacker.join().unwrap()
    });
    times.sort();
    let at = |share: usize| times.get(times.len() * share / 100).copied().unwrap();
    Found {
        sent: sent.into_inner(),
        connections: connections.into_inner(),
        median: at(50),
        p99: at(99),
        grown: most.saturating_sub(before),
        gateway: program.processor_time() - used,
        attacker,
    }
}

fn ask(honest: &mut Client, target: &Target) -> Duration {
    let begun: Instant = instant();
    assert_eq!(honest.ask(target.request("/honest", &target.secret)).status, 200);
    begun.elapsed()
}
