//! A second gateway whose upstream speaks HTTP/2: whatever is asked of the first is asked of it too, is answered the same,
//! and tells its upstream the same, but for what the two versions say otherwise.

use serde_json::Value;

use super::table::{Said, Then};
use crate::support::client::Answer;
use crate::support::frames::{Frames, Reply};
use crate::support::gateway::{Gateway, Made};
use crate::support::position;
use crate::support::recorder::{Fields, Recorder, Told};
use crate::support::upstream::Seen;

/// Fields that differ in a request or behind it, with this value or any, and why.
const TOLD_OTHERWISE: [(&str, Option<&str>, &str); 3] = [
    ("x-tollgate-request-id", None, "each request has an id of its own"),
    ("content-length", Some("0"), "hyper says so of each method that is not known to have no body"),
    ("x", Some("a"), "a trailer that nothing announces: it goes on over HTTP/2 alone"),
];

/// What differs in an answer, and why.
const ANSWERED_OTHERWISE: [(&str, &str); 1] =
    [("date", "the upstream of HTTP/1.1 sends none, and gets that of the gateway's clock")];

/// The second gateway, and how what it gave out is called at the first.
pub(super) struct Twin {
    recorder: Recorder,
    gateway: Gateway,
    names: Vec<(String, String)>,
}

impl Twin {
    /// The same as the first, whose configuration has `UPSTREAM` where an upstream stands.
    pub(super) fn start(config: &str) -> Self {
        let recorder = Recorder::start();
        let upstream = format!("http://{}\"\nupstream_http2 = true", recorder.address());
        let gateway = Gateway::start(&config.replace("http://UPSTREAM\"", &upstream));
        gateway.owner("alice");
        Self { recorder, gateway, names: Vec::new() }
    }

    /// Makes the token that was `made` at the first.
    pub(super) fn token(&mut self, body: &Value, made: &Made) {
        let own = self.gateway.token(body.clone());
        // What stands behind `tg_`, of which the beginning is spelled in other ways by some rows.
        let tail = |made: &Made| made.secret[3..].to_owned();
        self.names.push((tail(made), tail(&own)));
        self.names.push((made.id.to_string(), own.id.to_string()));
    }

    /// Sends what was sent to the first, and compares.
    pub(super) fn same(&self, bytes: &[u8], then: Then, said: &Said, seen: &[Seen]) {
        let found = then.say(self.gateway.public(), &self.as_own(bytes));
        let shown = bytes.escape_ascii().to_string();
        let essence = |said: &Said| {
            let line = said.rest.split(|byte| *byte == b'\r').next().map(<[u8]>::to_vec);
            (said.answer.as_ref().map(essence), line)
        };
        assert_eq!(essence(&found), essence(said), "HTTP/2 behind: {shown}");
        self.told_the_same(seen, &shown);
    }

    /// The same over HTTP/2.
    pub(super) fn same_http2(
        &self,
        (head, body, trailers): (&[u8], Option<&[u8]>, &[u8]),
        reply: &Reply,
        seen: &[Seen],
    ) {
        let mut frames = Frames::connect(self.gateway.public(), 1 << 16);
        let own = |bytes: &[u8]| self.as_own(bytes);
        let found = frames.ask(1, &own(head), body.map(own).as_deref(), &own(trailers));
        let shown = format!("over HTTP/2: {}", head.escape_ascii());
        // What cannot be read there may be answered by a reset alone.
        let essence = |reply: &Reply| match reply.status {
            None | Some(400) => (400, true, Vec::new()),
            Some(status) => (status, reply.whole, reply.body.clone()),
        };
        assert_eq!(essence(&found), essence(reply), "HTTP/2 behind: {shown}");
        self.told_the_same(seen, &shown);
    }

    /// What breaks off may break off before an upstream hears of it.
    fn told_the_same(&self, seen: &[Seen], shown: &str) {
        let found = self.recorder.take();
        let found = found.into_iter().filter(|told| told.complete).map(|told| self.as_first(told));
        let wanted = seen.iter().filter(|seen| seen.complete).map(|seen| plain(seen.into()));
        let (found, wanted): (Vec<_>, Vec<_>) = (found.collect(), wanted.collect());
        assert_eq!(found, wanted, "what an upstream of HTTP/2 hears of {shown}");
    }

    fn as_own(&self, bytes: &[u8]) -> Vec<u8> {
        let names = self.names.iter().map(|(first, own)| (first.as_bytes(), own.as_bytes()));
        names.fold(bytes.to_vec(), |bytes, (first, own)| replaced(bytes, first, own))
    }

    fn as_first(&self, told: Told) -> Told {
        let renamed = |text: &str| {
            let names = self.names.iter();
            names.fold(text.to_owned(), |text, (first, own)| text.replace(own, first))
        };
        let mut told = plain(told);
        told.target = renamed(&told.target);
        for (_, value) in told.fields.iter_mut().chain(&mut told.trailers) {
            *value = renamed(value);
        }
        for (first, own) in &self.names {
            told.body = replaced(told.body, own.as_bytes(), first.as_bytes());
        }
        told
    }
}

fn replaced(bytes: Vec<u8>, from: &[u8], to: &[u8]) -> Vec<u8> {
    let (mut rest, mut out) = (&bytes[..], Vec::new());
    while let Some(at) = position(rest, from) {
        out.extend([&rest[..at], to].concat());
        rest = &rest[at + from.len()..];
    }
    [&out, rest].concat()
}

/// What is the same at both.
fn plain(mut told: Told) -> Told {
    let differs = |(name, value): &(String, String)| {
        let is = |wanted: &Option<&str>| wanted.is_none_or(|wanted| wanted == value);
        TOLD_OTHERWISE.iter().any(|(other, wanted, _)| other == name && is(wanted))
    };
    told.fields.retain(|field| !differs(field));
    told.trailers.retain(|field| !differs(field));
    told
}

/// The status, the fields and the content of an answer, and whether it came to its end.
fn essence(answer: &Answer) -> (u16, Fields, String, bool) {
    let differs = |name: &str| ANSWERED_OTHERWISE.iter().any(|(other, _)| *other == name);
    let shown = |(name, value): (String, Vec<u8>)| {
        (name.to_ascii_lowercase(), value.escape_ascii().to_string())
    };
    let mut fields: Fields = answer.fields().into_iter().map(shown).collect();
    fields.retain(|(name, _)| !differs(name));
    fields.sort();
    (answer.status, fields, answer.text(), answer.whole)
}
