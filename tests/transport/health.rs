//! Health checks: who is found down gets no requests, and who is found well again does.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use crate::endpoints::{gateway, metric, urls};
use crate::support::client::{Client, ask};
use crate::support::gateway::Gateway;
use crate::support::upstream::{Step, Upstream, answer, ok};
use crate::support::{PATIENCE, wait_until};

const CHECK: &str = "health = { path = \"/health?all\", interval = \"50ms\", failures = 2, successes = 2, \
                     statuses = [\"204\"] }";

/// One that is well as long as this says so.
fn checked() -> (Upstream, Arc<AtomicBool>) {
    let well = Arc::new(AtomicBool::new(true));
    let asked = Arc::clone(&well);
    let upstream = Upstream::scripted(move |seen| {
        if !seen.line().contains("/health?all") {
            return ok("ok");
        }
        // 200 is no 204.
        let status = if asked.load(Ordering::SeqCst) { "204 Well" } else { "200 Ill" };
        let head = format!("HTTP/1.1 {status}\r\nContent-Length: 0\r\n\r\n");
        vec![Step::TakeBody, Step::Send(head.into_bytes()), Step::Close]
    });
    (upstream, well)
}

fn of_clients(upstream: &Upstream) -> usize {
    upstream.seen().iter().filter(|seen| !seen.line().contains("/health")).count()
}

#[test]
fn who_is_found_down_gets_no_requests_until_found_well_again() {
    let all = [checked(), checked()];
    let (gateway, secret) = gateway(&urls(&[&all[0].0, &all[1].0]), CHECK);
    let up = |at: usize| metric(&gateway, "upstream_up", all[at].0.address());
    assert_eq!((up(0), up(1)), ("1".to_owned(), "1".to_owned()), "at first all are well");
    all[0].0.wait_for(5);
    let seen = all[0].0.take();
    for seen in &seen {
        assert_eq!(seen.line(), "GET /health?all HTTP/1.1");
        assert_eq!(seen.value("host"), Some(all[0].0.address().to_string()));
        assert_eq!(seen.value("authorization"), None);
    }
    all[0].1.store(false, Ordering::SeqCst);
    wait_until("it is never found down", PATIENCE, || up(0) == "0");
    assert_eq!(up(1), "1");
    all[0].0.take();
    let mut client = Client::connect(gateway.public());
    let mut asks = || assert_eq!(client.ask(gateway.get("/", &secret)).status, 200);
    (0..30).for_each(|_| asks());
    assert_eq!((of_clients(&all[0].0), of_clients(&all[1].0)), (0, 30));
    // Where all are down, all are used; and the gateway is as ready as before.
    all[1].1.store(false, Ordering::SeqCst);
    wait_until("the other is never found down", PATIENCE, || up(1) == "0");
    (0..30).for_each(|_| asks());
    assert!(of_clients(&all[0].0) > 5 && of_clients(&all[1].0) > 35);
    let ready = ask(gateway.admin(), "GET /ready HTTP/1.1\r\nHost: localhost\r\n\r\n");
    assert_eq!(ready.status, 200);
    all[0].1.store(true, Ordering::SeqCst);
    wait_until("it is never found well", PATIENCE, || up(0) == "1");
    let before = of_clients(&all[1].0);
    (0..30).for_each(|_| asks());
    assert_eq!(of_clients(&all[1].0), before, "the other is still down");
}

/// Whoever comes next need not find out anew, with requests that fail.
#[test]
fn who_gets_no_requests_gets_none_from_a_successor_either() {
    let ((ill, well), (good, _)) = (checked(), checked());
    let failing = Upstream::scripted(|seen| match seen.line().contains("/health") {
        true => answer("HTTP/1.1 204 Well\r\nContent-Length: 0\r\n\r\n"),
        false => vec![Step::TakeBody, Step::Close],
    });
    // The successor by itself would need two intervals.
    let check = CHECK.replace("50ms", "400ms").replace("failures = 2", "failures = 3");
    let more = "upstream_eject_after = 1\nupstream_eject_time = \"1h\"\nupstream_retry = \"never\"";
    let (mut gateway, secret) =
        gateway(&urls(&[&ill, &failing, &good]), &format!("{check}\n{more}"));
    let up = |gateway: &Gateway| {
        [&ill, &failing, &good].map(|one| metric(gateway, "upstream_up", one.address()))
    };
    well.store(false, Ordering::SeqCst);
    let mut client = Client::connect(gateway.public());
    wait_until("one is never found down, and one left out", PATIENCE, || {
        client.ask(gateway.get("/", &secret));
        up(&gateway) == ["0", "0", "1"]
    });
    ill.take();
    failing.take();
    gateway.succeed().join().unwrap().unwrap();
    assert_eq!(up(&gateway), ["0", "0", "1"]);
    for _ in 0..30 {
        assert_eq!(client.ask(gateway.get("/", &secret)).status, 200);
    }
    assert_eq!((of_clients(&ill), of_clients(&failing)), (0, 0));
    well.store(true, Ordering::SeqCst);
    wait_until("it is never found well", PATIENCE, || up(&gateway) == ["1", "0", "1"]);
}

/// An upstream that serves one host and answers 421 to others is well for those who ask for that host.
#[test]
fn a_check_names_the_host_that_requests_name() {
    let upstream = Upstream::scripted(|seen| match seen.value("host").as_deref() {
        Some("shop.internal:8080") => ok("ok"),
        _ => answer("HTTP/1.1 421 Misdirected Request\r\nContent-Length: 0\r\n\r\n"),
    });
    let check = "upstream_host = \"Shop.internal:8080\"\n\
                 health = { path = \"/health\", interval = \"50ms\", failures = 1 }";
    let (gateway, secret) = gateway(&urls(&[&upstream]), check);
    assert_eq!(gateway.ask(gateway.get("/", &secret)).status, 200);
    upstream.wait_for(5);
    for seen in upstream.take() {
        assert_eq!(seen.value("host").as_deref(), Some("shop.internal:8080"), "{}", seen.line());
    }
    assert_eq!(metric(&gateway, "upstream_up", upstream.address()), "1");
}

#[test]
fn who_does_not_answer_a_check_is_down_and_a_reload_without_checks_forgets_it() {
    let silent = Upstream::scripted(|seen| match seen.line() {
        line if line.contains("/health") => vec![Step::TakeBody, Step::Stall],
        _ => ok("ok"),
    });
    let more =
        "health = { path = \"/health\", interval = \"50ms\", timeout = \"100ms\", failures = 1 }";
    let (gateway, secret) = gateway(&urls(&[&silent]), more);
    let up = || metric(&gateway, "upstream_up", silent.address());
    wait_until("it is never found down", PATIENCE, || up() == "0");
    // There is no other.
    assert_eq!(gateway.ask(gateway.get("/", &secret)).status, 200);
    let text = std::fs::read_to_string(gateway.source()).unwrap();
    std::fs::write(gateway.source(), text.replace(more, "")).unwrap();
    gateway.app().reloader().reload().unwrap();
    assert_eq!(up(), "1");
    silent.close_connections();
    wait_until("it is asked for ever", PATIENCE, || {
        silent.take();
        std::thread::sleep(std::time::Duration::from_millis(300));
        silent.take().is_empty()
    });
}
