//! What it costs to tell of a request: the counters that are always on, the line of the access log, and a
//! scrape.

use std::hint::black_box;
use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;
use std::time::Duration;

use criterion::Criterion;
use tollgate::clock::Clock;
use tollgate::domain::id::TokenId;
use tollgate::domain::time::Timestamp;
use tollgate::telemetry::Format;
use tollgate::telemetry::access::{Line, RequestId};
use tollgate::telemetry::counters::{Counters, Outcome};
use tollgate::telemetry::durations::Distribution;
use tollgate::telemetry::logs::{self, Options};
use tollgate::telemetry::metrics::{self, Sources, State, StoreState};

/// The counters of one proxied request.
pub(crate) fn count(criterion: &mut Criterion) {
    let counters = Counters::new(2);
    let (rule, upstream) = (counters.rule("erp", "stock"), counters.upstream("erp"));
    let core = Arc::clone(counters.cores.first().unwrap());
    criterion.bench_function("counters of a request", |bencher| {
        bencher.iter(|| {
            let core = &core;
            core.under_way.add(1);
            core.cache_hits.add(1);
            core.decision.observe(black_box(Duration::from_nanos(1_700)));
            upstream.observe(0, black_box(Duration::from_micros(350)));
            rule.add(0, black_box(Outcome::Answered(200)));
            core.under_way.sub(1);
        });
    });
}

/// A line, formatted, copied and queued for the thread that writes, which takes it off at once.
pub(crate) fn line(criterion: &mut Criterion) {
    let line = Line {
        request: RequestId(0x0123_4567_89ab_cdef),
        peer: IpAddr::V4(Ipv4Addr::new(203, 0, 113, 7)),
        method: "GET",
        host: Some("erp.example.com"),
        path: "/api/Entities/Manufatura.Estoque.Item/4711",
        http: "1.1",
        status: Some(200),
        bytes: 1_024,
        api: Some("erp"),
        dialect: None,
        rule: Some("stock"),
        outcome: "answered",
        reason: None,
        cut: None,
        token: Some(TokenId::new(1_795_176_000_000, [7; 10])),
        owner: Some("alice"),
        duration_us: 412,
        upstream_us: Some(371),
    };
    for (format, name) in [(Format::Human, "for people"), (Format::Json, "as JSON")] {
        let options = Options { format, filter: "info".to_owned(), clock: Clock::system() };
        let (_, logs, _flush) = logs::build(&options, std::io::sink()).unwrap();
        let mut writer = logs.access().writer();
        criterion.bench_function(&format!("access log line {name}"), |bencher| {
            bencher.iter(|| writer.write(black_box(&line)));
        });
    }
}

/// A scrape while so many rules have been met.
pub(crate) fn scrape(criterion: &mut Criterion) {
    for rules in [10, 10_000] {
        let counters = Counters::new(2);
        let met = |number| {
            let rule = counters.rule("erp", &format!("rule-{number}"));
            rule.add(0, Outcome::Answered(200));
            rule
        };
        let _held: Vec<_> = (0..rules).map(met).collect();
        let scrape = metrics::exposition(Sources {
            counters: Arc::clone(&counters),
            dropped: None,
            started_at: Timestamp::from_unix(1_795_176_000),
            state: Box::new(state),
        });
        criterion.bench_function(&format!("scrape with {rules} rules"), |bencher| {
            bencher.iter(&scrape);
        });
    }
}

fn state() -> State {
    State {
        cache_records: 0,
        cache_unknown: 0,
        pending_touches: 0,
        touches_written: 0,
        loads: Distribution::default(),
        loads_overtaken: 0,
        commits: Distribution::default(),
        revocation_lag: Distribution::default(),
        store: StoreState::Ready,
        checkpoint_age: Duration::ZERO,
        unreadable: 0,
        history_position: 0,
        history_damaged: false,
        clock: tollgate::clock::ClockState::Trusted,
        clock_behind_seconds: 0,
        config_generation: 0,
        config_failures: 0,
        webhooks: Vec::new(),
        endpoints: Vec::new(),
        certificates: Vec::new(),
    }
}
