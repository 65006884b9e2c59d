//! Row "clock" of the faults: the wall clock is stepped by an hour and by a year, ahead and back, while
//! requests go on, and at a start; and the act that takes back what a wrong clock has left.

use std::cmp::Ordering as Order;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;

use serde_json::json;
use tollgate::clock::ClockState;
use tollgate::domain::event::EventKind;
use tollgate::domain::time::{Span, Timestamp};
use tollgate::domain::token::State;
use tollgate::service::Caller;
use tollgate::service::tokens::Presented;

use super::Stage;
use super::support::client::Client;
use super::support::gateway::{Gateway, Made, START};
use super::support::{PATIENCE, wait_until};

const HOUR: u64 = 3_600;
const YEAR: u64 = 365 * 24 * HOUR;
/// When the clock is stepped for the first time: both sides of it must be there.
const NOON: Timestamp = Timestamp::from_unix(START.unix() + 2 * YEAR);

fn trusted(gateway: &Gateway) -> bool {
    gateway.app().shared().wall.read() == ClockState::Trusted
}

fn state(gateway: &Gateway, token: &Made) -> (State, bool) {
    let app = gateway.app();
    let held = app
        .control()
        .block_on(app.service().presented(&Caller::local(0), &Presented::Id(token.id)));
    let held = held.unwrap().unwrap();
    let used = held.last_use.map(|last| last.at);
    (held.token.state(used, gateway.clock().now()), held.token.ended.is_some())
}

/// Checks what monitors are told: the state of the clock, and whether the gateway is ready.
fn check_told(gateway: &Gateway, state: &str) {
    let mut line = Client::connect(gateway.admin());
    let mut get = |path: &str| line.ask(format!("GET {path} HTTP/1.1\r\nHost: localhost\r\n\r\n"));
    let told = get("/ready");
    let body: serde_json::Value = serde_json::from_str(&told.text()).unwrap();
    let ready = state != "behind";
    assert_eq!((told.status, &body["ready"]), (if ready { 200 } else { 503 }, &json!(ready)));
    assert_eq!(body["clock"], state, "{body}");
    let reason = body["reason"].as_str().unwrap_or_default();
    assert_eq!(reason.contains("answered 503"), !ready, "{reason}");
    let metrics = get("/metrics").text();
    for (one, name) in ClockState::ALL {
        let line = format!("tollgate_clock_state{{state=\"{name}\"}} {}", u8::from(name == state));
        assert!(metrics.lines().any(|have| have == line), "`{line}` ({one:?}) in {metrics}");
    }
}

/// Clients that ask without a pause, and what they were answered in each phase.
struct Load {
    phase: Arc<AtomicU64>,
    stop: Arc<AtomicBool>,
    clients: Vec<thread::JoinHandle<BTreeMap<(u64, u16), u64>>>,
}

impl Load {
    fn start(gateway: &Gateway, secrets: &[&str]) -> Self {
        let (phase, stop) = (Arc::new(AtomicU64::new(0)), Arc::new(AtomicBool::new(false)));
        let clients = secrets.iter().map(|secret| {
            let (phase, stop, address) = (phase.clone(), stop.clone(), gateway.public());
            let request = format!(
                "GET /any HTTP/1.1\r\nHost: erp.example\r\nAuthorization: Bearer {secret}\r\n\r\n"
            );
            thread::spawn(move || {
                let mut seen = BTreeMap::new();
                let mut client = Client::connect(address);
                while !stop.load(Ordering::SeqCst) {
                    let before = phase.load(Ordering::SeqCst);
                    let answer = client.ask(&request);
                    let status = answer.status;
                    if answer.value("connection").is_some_and(|said| said == "close") {
                        // It has taken as many requests as one connection may.
                        client = Client::connect(address);
                    }
                    // An answer that spans two phases belongs to neither.
                    if phase.load(Ordering::SeqCst) == before {
                        *seen.entry((before, status)).or_default() += 1;
                    }
                }
                seen
            })
        });
        let clients = clients.collect();
        Self { phase, stop, clients }
    }

    /// Lets the next phase begin: `change` stands between it and the last.
    fn next(&self, change: impl FnOnce()) {
        self.phase.fetch_add(1, Ordering::SeqCst);
        change();
        self.phase.fetch_add(1, Ordering::SeqCst);
    }

    /// The statuses in each phase that is none of change, for each client.
    fn end(self) -> Vec<BTreeMap<u64, Vec<u16>>> {
        self.stop.store(true, Ordering::SeqCst);
        let by_phase = |seen: BTreeMap<(u64, u16), u64>| {
            let mut phases: BTreeMap<u64, Vec<u16>> = BTreeMap::new();
            for (phase, status) in seen.into_keys().filter(|(phase, _)| phase % 2 == 0) {
                phases.entry(phase / 2).or_default().push(status);
            }
            phases
        };
        self.clients.into_iter().map(|client| by_phase(client.join().unwrap())).collect()
    }
}

#[test]
fn clock_steps_of_an_hour_and_a_year_under_load_end_nothing_and_revive_nothing() {
    let stage = Stage::new();
    let gateway = &stage.gateway;
    gateway.clock().advance(NOON.since(START));
    let endless = stage.token(&json!({ "idle_ttl": 0, "lifetime": 0 }));
    let expired = stage.token(&json!({ "idle_ttl": 0, "lifetime": "60s" }));
    let living = stage.token(&json!({ "idle_ttl": "100d", "lifetime": "2h" }));
    gateway.clock().advance(Span::from_seconds(70));
    gateway.wait_for_upkeep();
    let now = gateway.clock().now();
    let (ahead, back) =
        (|by| now.plus(Span::from_seconds(by)), |by| Timestamp::from_unix(now.unix() - by));
    let load = Load::start(gateway, &[&endless.secret, &expired.secret, &living.secret]);
    // The clock, and what the three tokens are answered by it.
    let phases = [
        (now, [200, 401, 200]),
        (ahead(HOUR), [200, 401, 200]),
        (now, [200, 401, 200]),
        (back(HOUR), [503, 503, 503]),
        (now, [200, 401, 200]),
        (ahead(YEAR), [200, 401, 401]),
        (now, [200, 401, 200]),
        (back(YEAR), [503, 503, 503]),
        (now, [200, 401, 200]),
    ];
    let mut line = stage.open();
    for (at, wanted) in phases {
        load.next(|| gateway.clock().set(at));
        // The sweeper has looked, and so had its chance to end what must not be ended.
        wait_until("the step was never noticed", PATIENCE, || trusted(gateway) == (at == now));
        check_told(
            gateway,
            match at.cmp(&now) {
                Order::Less => "behind",
                Order::Equal => "trusted",
                Order::Greater => "stepped",
            },
        );
        for (token, status) in [&endless, &expired, &living].into_iter().zip(wanted) {
            assert_eq!(line.status("/any", &token.secret), status, "by the clock of {at}");
        }
        assert!(!state(gateway, &living).1, "ended for good by the clock of {at}");
    }
    let seen = load.end();
    let answers: usize = seen.iter().map(BTreeMap::len).sum();
    assert!(answers > seen.len() * phases.len() / 2, "there was no load: {seen:?}");
    for (phase, (at, wanted)) in phases.into_iter().enumerate() {
        for (client, wanted) in seen.iter().zip(wanted) {
            let phase = u64::try_from(phase).unwrap() + 1;
            let found = client.get(&phase).map_or(&[][..], Vec::as_slice);
            assert!(found.is_empty() || found == [wanted], "clock {at}: {found:?}, not {wanted}");
        }
    }
    assert_eq!(state(gateway, &living), (State::Active, false));
    wait_until("the sweeper never went on", PATIENCE, || {
        state(gateway, &expired) == (State::Expired, true)
    });
}

#[test]
fn clock_that_is_wrong_at_the_start_ends_nothing_and_its_correction_needs_nobody() {
    let mut stage = Stage::new();
    let token = stage.token(&json!({ "idle_ttl": "100d" }));
    assert_eq!(stage.open().status("/any", &token.secret), 200);
    stage.gateway.wait_for_upkeep();
    let now = stage.gateway.clock().now();
    stage.gateway.stop();
    stage.gateway.clock().set(now.plus(Span::from_seconds(YEAR)));
    stage.gateway.go();
    assert_eq!(stage.open().status("/any", &token.secret), 401, "judged by the clock");
    wait_until("it was believed", PATIENCE, || !trusted(&stage.gateway));
    check_told(&stage.gateway, "settling");
    assert!(!state(&stage.gateway, &token).1, "ended for good");
    stage.gateway.clock().set(now.plus(Span::from_seconds(30)));
    wait_until("it was not believed again", PATIENCE, || trusted(&stage.gateway));
    check_told(&stage.gateway, "trusted");
    assert_eq!(stage.open().status("/any", &token.secret), 200);
    assert_eq!(state(&stage.gateway, &token), (State::Active, false));
}

/// An operator's word; a reload is none. It stands in the history.
fn say_that_it_is_right(gateway: &Gateway) {
    gateway.app().reloader().reload().unwrap();
    assert_eq!(gateway.app().shared().operator_word.load(Ordering::Relaxed), 0);
    let (status, problem) = gateway.local("/clock/trust", &json!({}));
    assert_eq!((status, &problem["field"]), (400, &json!("reason")), "{problem}");
    assert!(!trusted(gateway));
    let (status, done) = gateway.local("/clock/trust", &json!({ "reason": "it was off" }));
    assert_eq!((status, &done["changed"]), (200, &json!(true)), "{done}");
    let events = gateway.app().control().block_on(gateway.app().service().events(
        &Caller::local(0),
        None,
        None,
        9,
    ));
    // The sweeper may have been quick.
    let word = events.unwrap().entries.into_iter().map(|entry| entry.event);
    let word = word.filter(|event| event.kind == EventKind::ClockTrusted);
    assert_eq!(word.map(|event| event.reason).collect::<Vec<_>>(), ["it was off"]);
    wait_until("it never settled", PATIENCE, || trusted(gateway));
    let (status, done) = gateway.local("/clock/trust", &json!({ "reason": "again" }));
    assert_eq!((status, &done["changed"]), (200, &json!(false)), "{done}");
}

#[test]
fn clock_after_months_without_power_is_believed_once_it_has_settled() {
    for by_word in [false, true] {
        let mut stage = Stage::new();
        let token = stage.token(&json!({ "idle_ttl": "100d" }));
        let lives = stage.token(&json!({ "idle_ttl": 0 }));
        stage.gateway.wait_for_upkeep();
        stage.gateway.stop();
        stage.gateway.clock().advance(Span::from_days(150));
        stage.gateway.go();
        assert_eq!(stage.open().status("/any", &token.secret), 401);
        assert_eq!(stage.open().status("/any", &lives.secret), 200);
        wait_until("it was believed at once", PATIENCE, || !trusted(&stage.gateway));
        assert!(!state(&stage.gateway, &token).1);
        match by_word {
            true => say_that_it_is_right(&stage.gateway),
            false => stage.gateway.clock().advance(Span::from_seconds(15 * 60)),
        }
        wait_until("it never settled", PATIENCE, || trusted(&stage.gateway));
        let over = (State::IdleExpired, true);
        wait_until("nothing was ended", PATIENCE, || state(&stage.gateway, &token) == over);
    }
}
