//! sec-T1: does the time of an answer tell how much of a token was right? `cargo bench --bench timing`
//! sends 100,000 wrong tokens of two kinds in random turns over one connection and compares the times
//! with Welch's test; |t| of 4.5 or more would tell. `TOLLGATE_TIMING` sets another number.

#![allow(clippy::unwrap_used, reason = "a benchmark fails by panicking")]

#[path = "../tests/support/mod.rs"]
mod support;

use serde_json::json;
use support::client::Client;
use support::gateway::Gateway;
use support::upstream::Upstream;
use tollgate::clock::instant;

const TELLS: f64 = 4.5;

fn main() {
    let count = std::env::var("TOLLGATE_TIMING").ok().and_then(|count| count.parse().ok());
    let count: usize = count.unwrap_or(100_000);
    let upstream = Upstream::start();
    let gateway = Gateway::start(&format!(
        "limits = {{ requests_per_connection = 0, failures = {{ slow_after = 0, refuse_after = 0 }} }}\n\
         [[apis]]\nname = \"a\"\nupstream = \"http://{}\"\nrules = [{{ path = \"/{{*rest}}\" }}]\n",
        upstream.address()
    ));
    gateway.owner("alice");
    let brought = "7b1d0a52-52a7-4d4d-9f0e-2f5b8a1c9e77";
    gateway.token(json!({ "owner": "alice", "name": "brought", "secret": brought }));
    let made = gateway.token(json!({ "owner": "alice", "name": "made" })).secret;
    let revoked = gateway.token(json!({ "owner": "alice", "name": "revoked" }));
    gateway.revoke(revoked.id);
    let start = |text: &str, length: usize| text.chars().take(length).collect::<String>();

    println!("| what differs | times in ns, median of each | Welch's t |");
    println!("| --- | ---: | ---: |");
    let mut client = Client::connect(gateway.public());
    let mut compare =
        |what: &str, first: &dyn Fn(usize) -> String, second: &dyn Fn(usize) -> String| {
            let times = measure(&mut client, &gateway, count, [first, second]);
            let t = welch(&times);
            let [one, other] = times.map(|mut times| median(&mut times));
            println!("| {what} | {one:.0} / {other:.0} | {t:.2} |");
            t.abs()
        };
    let right = start(brought, 23);
    let by_prefix = compare(
        "24 characters right, or none (brought from elsewhere, never seen before)",
        &|number| format!("{right}-{number:012x}"),
        &|number| format!("00000000-0000-0000-0000-{number:012x}"),
    );
    let right = start(&made, 31);
    let by_form = compare(
        "31 characters right, or none (made here; the checksum is wrong)",
        &|number| format!("{right}{:08}", number % 100_000_000),
        &|number| format!("tg_{:028}{:08}", 0, number % 100_000_000),
    );
    compare("revoked, or never seen (for information)", &|_| revoked.secret.clone(), &|_| {
        "11111111-0000-0000-0000-000000000000".to_owned()
    });
    assert!(by_prefix < TELLS && by_form < TELLS, "the time tells");
}

/// Nanoseconds of answers to `count` wrong tokens, in random turns.
fn measure(
    client: &mut Client,
    gateway: &Gateway,
    count: usize,
    kinds: [&dyn Fn(usize) -> String; 2],
) -> [Vec<f64>; 2] {
    let mut times = [Vec::new(), Vec::new()];
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    for number in 0..count {
        // Xorshift: the turns must not follow a pattern that the machine could follow as well.
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        let kind = usize::from(state & 1 == 1);
        let (Some(make), Some(times)) = (kinds.get(kind), times.get_mut(kind)) else { continue };
        let request = gateway.get("/x", &make(number));
        let begun = instant();
        let answer = client.ask(request);
        times.push(begun.elapsed().as_secs_f64() * 1e9);
        assert_eq!(answer.status, 401);
    }
    // What the machine did meanwhile is in the slowest of both alike; it would only hide a difference.
    times.map(|mut times| {
        times.sort_by(f64::total_cmp);
        times.truncate(times.len() * 95 / 100);
        times
    })
}

fn median(times: &mut [f64]) -> f64 {
    times.get(times.len() / 2).copied().unwrap_or_default()
}

/// Welch's t of two samples.
fn welch([first, second]: &[Vec<f64>; 2]) -> f64 {
    let moments = |sample: &[f64]| {
        let count = sample.len() as f64;
        let mean = sample.iter().sum::<f64>() / count;
        let spread = sample.iter().map(|time| (time - mean).powi(2)).sum::<f64>() / (count - 1.0);
        (mean, spread / count)
    };
    let ((first, a), (second, b)) = (moments(first), moments(second));
    (first - second) / (a + b).sqrt()
}
