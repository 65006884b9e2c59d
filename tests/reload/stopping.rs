//! A gateway that is told to stop: it says so first, and stops sooner when it is told again.

use rustix::process::Signal;

use super::*;
use crate::support::upstream::{Step, ok};
use crate::support::wait_until;

const READY: &str = "GET /ready HTTP/1.1\r\nHost: localhost\r\n\r\n";

#[test]
fn it_is_not_ready_any_more_before_it_takes_nobody_in() {
    let mut shop = Shop::start();
    let (public, admin) = (shop.program.public(), shop.program.admin());
    let mut kept = Client::connect(public);
    assert_eq!(shop.status(&mut kept, "/old"), 200);
    assert_eq!(ask(admin, READY).status, 200);
    let text = fs::read_to_string(shop.program.source()).unwrap();
    fs::write(shop.program.source(), format!("limits.drain_delay = \"1h\"\n{text}")).unwrap();
    shop.program.succeed(&["reload"], "");
    shop.program.signal(Signal::TERM);
    wait_until("it says so", PATIENCE, || ask(admin, READY).status == 503);
    assert!(ask(admin, READY).text().contains("draining"));
    assert_eq!(shop.status(&mut kept, "/old"), 200);
    assert_eq!(ask(public, request("/old", &shop.secret)).status, 200, "on a new connection");
    shop.program.succeed(&["user", "add", "bob", "--name", "Bob"], "");
    shop.program.signal(Signal::INT);
    shop.program.ends();
    assert!(kept.closes_within(PATIENCE));
    let logged = String::from_utf8_lossy(&shop.program.logged()).into_owned();
    assert!(logged.contains("tollgate has stopped in order"), "{logged}");
}

#[test]
fn clients_are_told_before_it_takes_nobody_in() {
    let mut shop = Shop::start();
    let text = fs::read_to_string(shop.program.source()).unwrap();
    fs::write(shop.program.source(), format!("limits.drain_delay = \"3s\"\n{text}")).unwrap();
    shop.program.succeed(&["reload"], "");
    let mut kept = Client::connect(shop.program.public());
    assert_eq!(shop.status(&mut kept, "/old"), 200);
    shop.program.signal(Signal::TERM);
    let told = || {
        let answer = kept.ask(request("/old", &shop.secret));
        assert_eq!(answer.status, 200);
        answer.value("connection").is_some_and(|said| said == "close")
    };
    wait_until("it is told", PATIENCE, told);
    assert_eq!(ask(shop.program.public(), request("/old", &shop.secret)).status, 200);
    shop.program.ends();
}

/// What goes on is decided by what the file says, until there is nothing that goes on.
#[test]
fn it_reloads_while_it_is_about_to_stop() {
    let mut shop = Shop::start();
    let text = fs::read_to_string(shop.program.source()).unwrap();
    fs::write(shop.program.source(), format!("limits.drain_delay = \"1h\"\n{text}")).unwrap();
    shop.program.succeed(&["reload"], "");
    let mut kept = Client::connect(shop.program.public());
    assert_eq!(shop.status(&mut kept, "/old"), 200);
    shop.program.signal(Signal::TERM);
    let admin = shop.program.admin();
    wait_until("it is about to stop", PATIENCE, || ask(admin, READY).status == 503);
    rewrite(shop.program.source(), "/old", "/new");
    shop.program.signal(Signal::HUP);
    wait_until("it reloads", PATIENCE, || shop.status(&mut kept, "/old") == 403);
    assert_eq!(shop.status(&mut kept, "/new"), 200);
    shop.program.signal(Signal::INT);
    shop.program.ends();
}

#[test]
fn one_that_gave_its_place_away_finishes_what_it_has_although_it_is_told_to_stop() {
    let mut shop =
        Shop::start_before(Upstream::scripted(|seen| match seen.line().contains("/old") {
            true => vec![Step::TakeBody, Step::Stall],
            false => ok("ok"),
        }));
    let mut client = Client::connect(shop.program.public());
    client.send(request("/old", &shop.secret));
    shop.upstream.wait_for(1);
    shop.program.begin_successor();
    let logged =
        |shop: &Shop, text: &str| String::from_utf8_lossy(&shop.program.logged()).contains(text);
    wait_until("it gave its place away", PATIENCE, || logged(&shop, "the successor serves"));
    shop.program.signal(Signal::TERM);
    wait_until("it is noted", PATIENCE, || logged(&shop, "told to stop, as it does already"));
    assert!(!client.closes_within(Duration::from_millis(500)));
    shop.program.signal(Signal::TERM);
    shop.program.follow();
    assert!(client.closes_within(PATIENCE));
    assert!(logged(&shop, "told to stop once more"));
}

#[test]
fn what_is_under_way_is_finished_unless_it_is_told_again() {
    let mut shop = Shop::start_before(Upstream::scripted(|_| vec![Step::TakeBody, Step::Stall]));
    let text = fs::read_to_string(shop.program.source()).unwrap();
    fs::write(shop.program.source(), format!("telemetry.access_log = true\n{text}")).unwrap();
    shop.program.succeed(&["reload"], "");
    let mut client = Client::connect(shop.program.public());
    client.send(request("/old", &shop.secret));
    shop.upstream.wait_for(1);
    shop.program.signal(Signal::TERM);
    let logged = |text: &str| String::from_utf8_lossy(&shop.program.logged()).contains(text);
    wait_until("it drains", PATIENCE, || logged("the gateway drains"));
    assert!(!logged("the gateway has drained"));
    shop.program.signal(Signal::TERM);
    shop.program.ends();
    assert!(client.closes_within(PATIENCE));
    let logged = String::from_utf8_lossy(&shop.program.logged()).into_owned();
    let line = logged.lines().find(|line| line.contains("abandoned")).unwrap();
    assert!(line.contains("cut") && line.contains("stop"), "who cut it: {line}");
    for told in ["told to stop once more", "cut=1", "tollgate has stopped in order"] {
        assert!(logged.contains(told), "{told}: {logged}");
    }
}

/// What the gateway before is still at has as long as what is under way here, and no longer than that: then nobody would tell
/// of ended tokens.
#[test]
fn a_successor_that_is_told_to_stop_waits_for_the_gateway_before_it() {
    for is_cut in [false, true] {
        let mut shop =
            Shop::start_before(Upstream::scripted(|seen| match seen.line().contains("/old") {
                true => [vec![Step::TakeBody, Step::Wait], ok("late")].concat(),
                false => ok("ok"),
            }));
        let mut client = Client::connect(shop.program.public());
        client.send(request("/old", &shop.secret));
        shop.upstream.wait_for(1);
        shop.program.begin_successor();
        let logged = |shop: &Shop, text: &str| {
            String::from_utf8_lossy(&shop.program.logged()).contains(text)
        };
        wait_until("it serves", PATIENCE, || logged(&shop, "the successor serves"));
        shop.program.signal_successor(Signal::TERM);
        wait_until("it stops", PATIENCE, || logged(&shop, "the gateway drains"));
        assert!(!client.closes_within(Duration::from_secs(1)));
        if is_cut {
            shop.program.signal_successor(Signal::TERM);
            assert!(client.closes_within(PATIENCE));
        }
        shop.upstream.go_on();
        if !is_cut {
            assert_eq!(client.answer().text(), "late");
        }
        shop.program.ends();
    }
}
