//! Signals that come while a gateway still begins, and who is told when it serves.

use std::fs;
use std::os::unix::net::{UnixDatagram, UnixListener, UnixStream};
use std::process::Output;
use std::thread::{self, JoinHandle};

use rustix::process::{Pid, Signal, kill_process};

use super::restart::{hear, say};
use super::*;
use crate::support::wait_until;

/// Plays the gateway before, up to where the successor waits for the store; with its process.
fn predecessor(shop: &Shop, then: impl FnOnce(UnixStream, Pid) + Send + 'static) -> JoinHandle<()> {
    let place = shop.program.folder().join("data/tollgate.successor");
    let before = UnixListener::bind(&place).unwrap();
    thread::spawn(move || {
        let (mut line, _) = before.accept().unwrap();
        fs::remove_file(place).unwrap();
        let asked: serde_json::Value = serde_json::from_str(&hear(&mut line)).unwrap();
        let pid = i32::try_from(asked["take"]["pid"].as_i64().unwrap()).unwrap();
        say(&mut line, "whole");
        assert_eq!(hear(&mut line), "\"ready\"");
        then(line, Pid::from_raw(pid).unwrap());
    })
}

#[test]
fn signals_that_come_before_a_gateway_serves_are_followed_once_it_does() {
    let mut shop = Shop::start();
    shop.program.stop();
    let before = predecessor(&shop, |mut line, pid| {
        kill_process(pid, Signal::HUP).unwrap();
        kill_process(pid, Signal::USR2).unwrap();
        say(&mut line, "yours");
        while hear(&mut line) != "\"serves\"" {}
    });
    shop.program.take_over();
    before.join().unwrap();
    shop.program.follow();
    let logged = String::from_utf8_lossy(&shop.program.logged()).into_owned();
    assert_eq!(logged.matches("a successor is started").count(), 1, "{logged}");
    assert_eq!(logged.matches("new configuration in force").count(), 1, "{logged}");
    assert_eq!(ask(shop.program.public(), request("/old", &shop.secret)).status, 200);
}

#[test]
fn a_gateway_that_is_told_to_stop_before_it_serves_ends_at_once_in_order() {
    let mut shop = Shop::start();
    shop.program.stop();
    for signal in [Signal::TERM, Signal::INT] {
        let before = predecessor(&shop, move |mut line, pid| {
            kill_process(pid, signal).unwrap();
            // It waits for this word, which never comes.
            assert_eq!(std::io::Read::read(&mut line, &mut [0]).unwrap(), 0);
        });
        let Output { status, stdout, stderr } = shop.program.run(&["serve", "--take-over"], "");
        before.join().unwrap();
        let told = String::from_utf8_lossy(&stderr).into_owned();
        assert!(status.success() && stdout.is_empty(), "{status}: {told}");
        assert!(told.contains("told to stop before the gateway serves"), "{told}");
    }
}

#[test]
fn the_manager_of_services_knows_the_new_process_before_the_old_one_may_end() {
    let mut shop = Shop::start();
    shop.program.stop();
    let notified = UnixDatagram::bind(shop.program.folder().join("notify")).unwrap();
    notified.set_nonblocking(true).unwrap();
    let before = predecessor(&shop, move |mut line, pid| {
        say(&mut line, "yours");
        assert_eq!(notified.recv(&mut [0]).unwrap_err().kind(), std::io::ErrorKind::WouldBlock);
        while hear(&mut line) != "\"serves\"" {}
        let mut told = [0; 256];
        let length = notified.recv(&mut told).expect("told before");
        let told = String::from_utf8_lossy(&told[..length]).into_owned();
        let main = format!("MAINPID={}\n", pid.as_raw_nonzero());
        assert!(told.contains(&main) && told.contains("READY=1\n"), "{told}");
    });
    shop.program.take_over();
    before.join().unwrap();
    wait_until("requests are decided", PATIENCE, || {
        ask(shop.program.public(), request("/old", &shop.secret)).status == 200
    });
}
