//! What an upstream sees of a WebSocket that we end: a close frame as from a client that goes away (RFC 6455 sections 5.5.1
//! and 7.4.1), where a frame of its client has just ended, and the end of the connection.

use std::io::{Read as _, Write as _};

use serde_json::json;

use tollgate::domain::refusal::Refusal;

use crate::streams::{BOUND, gateway};
use crate::support::gateway::Gateway;
use crate::support::steps::Steps;
use crate::websockets::{Talk, code, frame, open, talker};

/// A frame of a client, masked with "mask".
fn masked(text: &str) -> Vec<u8> {
    let head = [0x81, 0x80 | u8::try_from(text.len()).unwrap()];
    let text = text.bytes().zip(b"mask".iter().cycle()).map(|(byte, mask)| byte ^ mask);
    head.into_iter().chain(*b"mask").chain(text).collect()
}

/// A masked close frame, and nothing else: its code and its reason.
fn close(frame: &[u8]) -> (u16, String) {
    let [0x88, length, mask @ ..] = frame else { panic!("no close frame: {frame:?}") };
    assert_eq!(usize::from(length & 0x7f) + 6, frame.len(), "nothing follows: {frame:?}");
    assert_eq!(length & 0x80, 0x80, "as of a client");
    let (mask, text) = mask.split_at(4);
    let text: Vec<u8> = text.iter().zip(mask.iter().cycle()).map(|(b, mask)| b ^ mask).collect();
    (u16::from_be_bytes([text[0], text[1]]), String::from_utf8(text[2..].to_vec()).unwrap())
}

#[test]
fn rfc_6455_section_7_an_upstream_is_told_when_a_token_ends() {
    let (address, talks) = talker(b"");
    let gateway = gateway(address, "");
    for answers in [false, true] {
        let made = gateway.token(json!({ "owner": "somebody", "name": "any", "flags": -1 }));
        let (mut client, mut talk) = open(&gateway, &talks, &made.secret);
        client.send(masked("to the upstream"));
        assert_eq!(talk.read(masked("to the upstream").len()), masked("to the upstream"));
        gateway.revoke(made.id);
        let begun = Steps::begin();
        assert_eq!(code(&client.rest()), Some(1008));
        let detail = Refusal::Revoked.detail();
        let frame = talk.read(2 + 4 + 2 + detail.len());
        assert_eq!(close(&frame), (1001, detail.to_owned()));
        assert!(begun.elapsed() < BOUND, "{:?}", begun.elapsed());
        if answers {
            // Its own close frame, and the end; whatever else it says is not waited for.
            talk.send(b"\x88\x02\x03\xe9");
        }
        let mut rest = Vec::new();
        assert_eq!(talk.stream.read_to_end(&mut rest).unwrap(), 0, "{rest:?}");
        assert!(begun.elapsed() < 2 * BOUND, "{:?}", begun.elapsed());
    }
}

/// What the upstream sends meanwhile goes nowhere, and takes nothing of what it was told away: a connection with something
/// unread on it would be reset.
#[test]
fn an_upstream_that_goes_on_speaking_hears_of_the_end() {
    let (address, talks) = talker(b"");
    let gateway = gateway(address, "");
    let made = gateway.token(json!({ "owner": "somebody", "name": "any", "flags": -1 }));
    let (mut client, Talk { mut stream, .. }) = open(&gateway, &talks, &made.secret);
    let mut speaks = stream.try_clone().unwrap();
    let speaker = std::thread::spawn(move || while speaks.write_all(&frame("and on")).is_ok() {});
    client.wait_for("and on");
    let reader = std::thread::spawn(move || client.rest());
    gateway.revoke(made.id);
    let mut told = vec![0; 2 + 4 + 2 + Refusal::Revoked.detail().len()];
    stream.read_exact(&mut told).unwrap();
    assert_eq!(close(&told).0, 1001);
    stream.shutdown(std::net::Shutdown::Write).unwrap();
    speaker.join().unwrap();
    reader.join().unwrap();
    assert_eq!(stream.read_to_end(&mut told).unwrap(), 0);
}

#[test]
fn an_upstream_that_has_half_a_frame_is_told_nothing() {
    let (address, talks) = talker(b"");
    let gateway = gateway(address, "");
    let made = gateway.token(json!({ "owner": "somebody", "name": "any", "flags": -1 }));
    let (mut client, mut talk) = open(&gateway, &talks, &made.secret);
    let half = &masked("never whole")[..9];
    client.send(half);
    assert_eq!(talk.read(half.len()), half);
    gateway.revoke(made.id);
    let begun = Steps::begin();
    assert_eq!(code(&client.rest()), Some(1008));
    assert_eq!(talk.rest(), b"");
    assert!(begun.elapsed() < BOUND, "{:?}", begun.elapsed());
}

#[test]
fn an_upstream_is_told_when_the_gateway_goes_away() {
    let (address, talks) = talker(b"");
    let mut gateway: Gateway = gateway(address, "limits.drain_timeout = \"500ms\"");
    let secret = gateway.any_token();
    let (mut client, mut talk) = open(&gateway, &talks, &secret);
    gateway.stop();
    assert_eq!(code(&client.rest()), Some(1001));
    assert_eq!(close(&talk.rest()), (1001, "the gateway restarts".to_owned()));
}
