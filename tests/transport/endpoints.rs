//! Several endpoints: by weight, without those that fail, and what is sent a second time.

use std::collections::BTreeSet;
use std::fmt::Display;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use serde_json::json;
use tollgate::clock::instant;

use crate::support::client::{Client, ask};
use crate::support::gateway::Gateway;
use crate::support::upstream::{Seen, Step, Upstream, ok};
use crate::support::{PATIENCE, wait_until};

/// One API in front of these, as they stand in the file, with more lines of its own.
pub(crate) fn gateway(upstreams: &str, more: &str) -> (Gateway, String) {
    let gateway = Gateway::start(&format!(
        "[[apis]]\nname = \"a\"\nupstream = [{upstreams}]\n{more}\nrules = [{{ path = \"/{{*rest}}\" }}]\n"
    ));
    gateway.owner("somebody");
    let secret = gateway.any_token();
    (gateway, secret)
}

pub(crate) fn urls(all: &[&Upstream]) -> String {
    let urls: Vec<_> = all.iter().map(|one| format!("\"http://{}\"", one.address())).collect();
    urls.join(", ")
}

/// The value of a metric of one endpoint.
pub(crate) fn metric(gateway: &Gateway, name: &str, upstream: impl Display) -> String {
    let text = ask(gateway.admin(), "GET /metrics HTTP/1.1\r\nHost: localhost\r\n\r\n").text();
    let begin = format!("tollgate_{name}{{api=\"a\",upstream=\"{upstream}\"}} ");
    let value = text.lines().find_map(|line| line.strip_prefix(&begin));
    value.unwrap_or_else(|| panic!("no {begin} in {text}")).to_owned()
}

/// One that fails as long as this says so, by closing without an answer.
fn failing() -> (Upstream, Arc<AtomicBool>) {
    let fails = Arc::new(AtomicBool::new(true));
    let asked = Arc::clone(&fails);
    let upstream = Upstream::scripted(move |_| match asked.load(Ordering::SeqCst) {
        true => vec![Step::TakeBody, Step::Close],
        false => ok("ok"),
    });
    (upstream, fails)
}

#[test]
fn requests_are_shared_by_weight_and_a_weight_of_zero_gets_none() {
    let all = [(); 3].map(|()| Upstream::start());
    let weighed = |(at, weight): (usize, usize)| {
        format!("{{ url = \"http://{}\", weight = {weight} }}", all[at].address())
    };
    let (gateway, secret) = gateway(&[(0, 1), (1, 3), (2, 0)].map(weighed).join(", "), "");
    let mut client = Client::connect(gateway.public());
    for _ in 0..80 {
        assert_eq!(client.ask(gateway.get("/", &secret)).status, 200);
    }
    let seen = all.each_ref().map(|one| one.take().len());
    assert!((18..=22).contains(&seen[0]) && seen[2] == 0, "{seen:?}");
    assert_eq!(seen.iter().sum::<usize>(), 80);
    assert_eq!(all.each_ref().map(Upstream::connections), [1, 1, 0]);
}

#[test]
fn one_that_fails_again_and_again_is_left_out_and_comes_back() {
    let (bad, fails) = failing();
    let good = Upstream::start();
    let (gateway, secret) = gateway(
        &urls(&[&bad, &good]),
        "upstream_eject_after = 3\nupstream_eject_time = \"1s\"\nupstream_retry = \"never\"",
    );
    let mut client = Client::connect(gateway.public());
    let mut status = || client.ask(gateway.get("/", &secret)).status;
    assert_eq!(metric(&gateway, "upstream_up", bad.address()), "1");
    let failed = (0..200).filter(|_| status() == 502).count();
    // The second is over before it has failed again, or it is not.
    assert!((3..=6).contains(&failed), "{failed} of 200");
    assert_eq!(bad.take().len(), failed);
    assert_ne!(metric(&gateway, "upstream_ejections_total", bad.address()), "0");
    assert_eq!(metric(&gateway, "upstream_up", good.address()), "1");
    fails.store(false, Ordering::SeqCst);
    wait_until("it never came back", PATIENCE, || {
        assert_eq!(status(), 200);
        !bad.seen().is_empty()
    });
    assert_eq!(metric(&gateway, "upstream_up", bad.address()), "1");
}

/// What begins well and breaks off is no usable answer either, whatever heads it begins with.
#[test]
fn one_whose_answers_break_off_is_left_out() {
    let half = "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhalf";
    let bad = Upstream::scripted(move |_| {
        vec![Step::TakeBody, Step::Send(half.as_bytes().to_vec()), Step::Close]
    });
    let good = Upstream::start();
    let (gateway, secret) =
        gateway(&urls(&[&bad, &good]), "upstream_eject_after = 3\nupstream_eject_time = \"1h\"");
    let ejections = || metric(&gateway, "upstream_ejections_total", bad.address());
    for _ in 0..100 {
        let mut client = Client::connect(gateway.public());
        client.send(gateway.get("/", &secret).replace("\r\n\r\n", "\r\nConnection: close\r\n\r\n"));
        client.rest();
    }
    assert_eq!((ejections(), bad.take().len()), ("1".to_owned(), 3));
    assert_eq!(good.take().len(), 97);
    let standing = |upstream: &Upstream, state: &str, ejections: u64| {
        let upstream = upstream.address().to_string();
        json!({ "api": "a", "upstream": upstream, "state": state, "under_way": 0, "ejections": ejections })
    };
    let status = gateway.read("/status").1;
    let expected = json!([standing(&bad, "left_out", 1), standing(&good, "up", 0)]);
    assert_eq!(status["upstreams"], expected);
}

#[test]
fn where_all_are_left_out_all_are_used() {
    let all = [failing(), failing()];
    let (gateway, secret) = gateway(
        &urls(&[&all[0].0, &all[1].0]),
        "upstream_eject_after = 1\nupstream_eject_time = \"1h\"\nupstream_retry = \"never\"",
    );
    let mut client = Client::connect(gateway.public());
    for _ in 0..20 {
        assert_eq!(client.ask(gateway.get("/", &secret)).status, 502);
    }
    for (upstream, fails) in &all {
        assert_eq!(metric(&gateway, "upstream_up", upstream.address()), "0");
        assert!(upstream.take().len() > 5);
        fails.store(false, Ordering::SeqCst);
    }
    assert_eq!(client.ask(gateway.get("/", &secret)).status, 200);
}

#[test]
fn answers_of_503_are_failures_where_the_operator_says_so() {
    for (more, least, most) in [("upstream_eject_on_errors = true", 2, 2), ("", 15, 25)] {
        let busy = Upstream::scripted(|_| {
            vec![
                Step::TakeBody,
                Step::Send("HTTP/1.1 503 Busy\r\nContent-Length: 0\r\n\r\n".into()),
            ]
        });
        let good = Upstream::start();
        let more = format!("upstream_eject_after = 2\nupstream_eject_time = \"1h\"\n{more}");
        let (gateway, secret) = gateway(&urls(&[&busy, &good]), &more);
        let mut client = Client::connect(gateway.public());
        let ask = |_: &i32| client.ask(gateway.get("/", &secret)).status == 503;
        let found = (0..40).filter(ask).count();
        assert!((least..=most).contains(&found), "{more}: {found}");
    }
}

#[test]
fn rfc9110_9_2_2_what_may_be_sent_twice_goes_to_another_endpoint_and_nothing_else_does() {
    let with_body = "Content-Length: 1\r\n\r\nx";
    for (retry, method, end, status) in [
        ("safe", "GET", "\r\n", 200),
        ("safe", "HEAD", "\r\n", 200),
        ("safe", "OPTIONS", "\r\n", 200),
        ("safe", "GET", with_body, 502),
        ("safe", "DELETE", "\r\n", 502),
        ("safe", "POST", "\r\n", 502),
        ("idempotent", "DELETE", "\r\n", 200),
        ("idempotent", "PUT", "\r\n", 200),
        ("idempotent", "PUT", with_body, 502),
        ("idempotent", "POST", "\r\n", 502),
        ("idempotent", "PATCH", "\r\n", 502),
        ("never", "GET", "\r\n", 502),
    ] {
        let (bad, good) = (failing().0, Upstream::start());
        let more = format!("upstream_retry = \"{retry}\"");
        let (gateway, secret) = gateway(&urls(&[&bad, &good]), &more);
        let mut asked = 0;
        while bad.seen().is_empty() {
            asked += 1;
            let mut client = Client::connect(gateway.public());
            client.send(format!(
                "{method} /x HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer {secret}\r\n{end}"
            ));
            let found = client.answer_to(method).unwrap();
            let wanted = if bad.seen().is_empty() { 200 } else { status };
            assert_eq!(found.status, wanted, "{retry} {method} {end:?}");
        }
        assert_eq!(bad.take().len(), 1, "{retry} {method}");
        let heads: Vec<_> = good.take().into_iter().map(|seen| seen.line()).collect();
        let sent = if status == 200 { asked } else { asked - 1 };
        assert_eq!(heads, vec![format!("{method} /x HTTP/1.1"); sent], "{retry} {method}");
        let retried = gateway.counted(|core| core.retried.value());
        assert_eq!(retried, u64::from(status == 200), "{retry} {method}");
    }
}

#[test]
fn where_any_of_an_answer_came_nothing_is_sent_twice() {
    for begin in ["HTTP/1.1 2", "HTTP/1.1 103 Early Hints\r\n\r\n", "HTTP/1.1 200 OK\r\nContent-"] {
        let script = move |_: &Seen| vec![Step::TakeBody, Step::Send(begin.into()), Step::Close];
        let all = [(); 2].map(|()| Upstream::scripted(script));
        let (gateway, secret) = gateway(&urls(&[&all[0], &all[1]]), "");
        assert_eq!(gateway.ask(gateway.get("/", &secret)).status, 502, "{begin}");
        assert_eq!(all.iter().map(|one| one.take().len()).sum::<usize>(), 1, "{begin}");
    }
}

#[test]
fn the_only_endpoint_is_asked_again_if_its_connection_had_been_idle() {
    let times = AtomicUsize::new(0);
    let upstream = Upstream::scripted(move |seen| {
        let closes = seen.line().contains("/closes");
        if closes && times.fetch_add(1, Ordering::SeqCst) == 0 {
            return vec![Step::TakeBody, Step::Close];
        }
        ok("ok")
    });
    let (gateway, secret) = gateway(&urls(&[&upstream]), "");
    let mut client = Client::connect(gateway.public());
    assert_eq!(client.ask(gateway.get("/", &secret)).status, 200);
    assert_eq!(client.ask(gateway.get("/closes", &secret)).status, 200);
    let seen = upstream.take();
    assert_eq!(seen.iter().map(|seen| seen.connection).collect::<Vec<_>>(), [0, 0, 1]);
    let (bad, _) = failing();
    let (gateway, secret) = self::gateway(&urls(&[&bad]), "");
    assert_eq!(gateway.ask(gateway.get("/", &secret)).status, 502);
    assert_eq!(bad.take().len(), 1, "its connection was a new one");
}

#[test]
fn retries_do_not_multiply_an_outage() {
    let all = [failing(), failing()];
    let begun = instant();
    let (gateway, secret) = gateway(&urls(&[&all[0].0, &all[1].0]), "upstream_eject_after = 0");
    let mut client = Client::connect(gateway.public());
    for _ in 0..300 {
        assert_eq!(client.ask(gateway.get("/", &secret)).status, 502);
    }
    let sent: usize = all.iter().map(|(one, _)| one.take().len()).sum();
    // A tenth, and three for each second that the machine took, over two cores at the most.
    let more = 30 + 6 * usize::try_from(begun.elapsed().as_secs() + 2).unwrap();
    assert!((300 + 30..=300 + more).contains(&sent), "{sent}");
}

#[test]
fn a_connection_is_not_used_for_longer_than_it_may() {
    let upstream = Upstream::start();
    let (gateway, secret) = gateway(&urls(&[&upstream]), "upstream_lifetime = \"500ms\"");
    let mut client = Client::connect(gateway.public());
    wait_until("the first connection is used for ever", PATIENCE, || {
        assert_eq!(client.ask(gateway.get("/", &secret)).status, 200);
        upstream.connections() > 2
    });
    let (kept, secret) = self::gateway(&urls(&[&upstream]), "");
    let (before, until) = (upstream.connections(), instant() + Duration::from_secs(1));
    let mut client = Client::connect(kept.public());
    while instant() < until {
        assert_eq!(client.ask(kept.get("/", &secret)).status, 200);
    }
    assert_eq!(upstream.connections() - before, 1);
}

#[test]
fn an_endpoint_may_be_a_name_with_several_addresses() {
    let upstream = Upstream::start();
    // Nobody listens at `::1`, which is the first address of that name where there is one.
    let url = format!("\"http://localhost:{}\"", upstream.address().port());
    let (gateway, secret) = gateway(&url, "");
    for _ in 0..3 {
        assert_eq!(gateway.ask(gateway.get("/", &secret)).status, 200);
    }
}

#[test]
fn one_that_cannot_be_reached_or_does_not_answer_is_left_out_too() {
    let nobody = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let silent = Upstream::scripted(|_| vec![Step::TakeBody, Step::Stall]);
    for (bad, failed) in [(nobody, 0), (silent.address(), 2)] {
        let good = Upstream::start();
        let (gateway, secret) = gateway(
            &format!("\"http://{bad}\", {}", urls(&[&good])),
            "upstream_eject_after = 2\nupstream_eject_time = \"1h\"\nupstream_response_timeout = \"300ms\"",
        );
        let mut client = Client::connect(gateway.public());
        let mut asked = 0;
        while metric(&gateway, "upstream_ejections_total", bad) == "0" {
            asked += 1;
            assert!(asked < 50, "it is never left out");
            client.ask(gateway.get("/", &secret));
        }
        assert_eq!(asked - good.take().len(), failed, "what was not sent goes to the other");
        for _ in 0..30 {
            assert_eq!(client.ask(gateway.get("/", &secret)).status, 200);
        }
        assert_eq!(good.take().len(), 30);
    }
}

/// One that is known to be out is not where a second try goes, where the first had found a connection closed.
#[test]
fn what_an_idle_connection_lost_goes_to_whom_is_well() {
    let (known, closes) = (Mutex::new(BTreeSet::new()), Arc::new(AtomicBool::new(false)));
    let closes_now = Arc::clone(&closes);
    let closing = Upstream::scripted(move |seen| {
        let fresh = known.lock().unwrap().insert(seen.connection);
        match fresh || !closes_now.load(Ordering::SeqCst) {
            true => ok("ok"),
            false => vec![Step::Close],
        }
    });
    let dead = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let (gateway, secret) = gateway(
        &format!("{}, \"http://{dead}\"", urls(&[&closing])),
        "upstream_eject_after = 2\nupstream_eject_time = \"1h\"",
    );
    let mut client = Client::connect(gateway.public());
    let mut status = || client.ask(gateway.get("/", &secret)).status;
    let out = || metric(&gateway, "upstream_ejections_total", dead) == "1";
    while !out() {
        assert_eq!(status(), 200);
    }
    closes.store(true, Ordering::SeqCst);
    // Within the budget of a core.
    for _ in 0..2 {
        assert_eq!(status(), 200);
    }
}
