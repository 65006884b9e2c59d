//! While a gateway changes hands: whom it serves still, and what keeps it where it is.

use std::os::unix::net::UnixStream;

use rustix::process::{Pid, Resource, Rlimit, getrlimit, prlimit};

use super::restart::{hear, say, tell};
use super::*;
use crate::support::frames::{Frames, GOAWAY};
use crate::support::wait_until;

/// A successor that is about to be ready.
pub(super) fn successor(shop: &Shop) -> UnixStream {
    let place = shop.program.folder().join("data/tollgate.successor");
    let mut connected = None;
    // One that starts again listens a moment later.
    wait_until("nobody listens for successors", PATIENCE, || {
        connected = UnixStream::connect(&place).ok();
        connected.is_some()
    });
    let mut line = connected.unwrap();
    tell(&mut line, "{\"take\":{\"pid\":1,\"version\":\"0\"}}");
    while hear(&mut line) != "\"whole\"" {}
    line
}

fn logged(shop: &Shop) -> String {
    String::from_utf8_lossy(&shop.program.logged()).into_owned()
}

/// Lets a process open so many more files, and not one beyond.
fn leave(process: Pid, more: usize) -> Rlimit {
    let open = fs::read_dir(format!("/proc/{}/fd", process.as_raw_nonzero())).unwrap();
    let number = |name: std::ffi::OsString| name.to_str().unwrap().parse::<u64>().unwrap();
    let taken: Vec<u64> = open.map(|one| number(one.unwrap().file_name())).collect();
    // A number must be below the limit, and the lowest that is free is taken.
    let beyond = (0..).filter(|number| !taken.contains(number)).nth(more);
    let limit = Rlimit { current: beyond, ..getrlimit(Resource::Nofile) };
    prlimit(Some(process), Resource::Nofile, limit).unwrap()
}

#[test]
fn a_gateway_without_files_for_its_sockets_goes_on_and_its_successor_ends() {
    let mut shop = Shop::start();
    let pid = shop.program.pid();
    let mut line = successor(&shop);
    let before = leave(pid, 1);
    say(&mut line, "ready");
    assert_eq!(hear(&mut line), "\"stays\"");
    prlimit(Some(pid), Resource::Nofile, before).unwrap();
    wait_until("it says why", PATIENCE, || logged(&shop).contains("the sockets cannot be kept"));
    assert_eq!(ask(shop.program.public(), request("/old", &shop.secret)).status, 200);
    shop.program.begin_successor();
    shop.program.follow();
    assert_eq!(ask(shop.program.public(), request("/old", &shop.secret)).status, 200);
}

/// Those within TLS wait for the successor from when connections are told, and nobody else does.
#[test]
fn a_new_client_without_tls_is_served_while_those_of_http2_are_told() {
    let upstream = Upstream::start();
    let program = Program::start_with("h2c = true", &rules(&upstream, "/old"));
    let shop = Shop::of(upstream, program);
    // The time between the two is half a second, which a busy machine may miss.
    let served = (0..5).any(|turn| {
        let mut told = Frames::connect(shop.program.public(), 65_535);
        told.get(1, "/old", &shop.secret);
        assert_eq!(told.reply(1).status, Some(200));
        let mut line = successor(&shop);
        say(&mut line, "ready");
        while told.next().expect("it is told first").kind != GOAWAY {}
        let mut new = Client::connect(shop.program.public());
        new.send(request("/old", &shop.secret));
        new.stream().set_read_timeout(Some(Duration::from_secs(3))).unwrap();
        let served = new.stream().peek(&mut [0]).is_ok_and(|read| read > 0);
        assert_eq!(hear(&mut line), "\"yours\"");
        drop(line);
        wait_until("it starts again", PATIENCE, || {
            logged(&shop).matches("this gateway starts again").count() > turn
        });
        served
    });
    assert!(served, "{}", logged(&shop));
}
