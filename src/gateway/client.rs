//! A client's connection: who it is, how long it may take, and what is under way on it.

use std::cell::{Cell, OnceCell, Ref, RefCell};
use std::net::IpAddr;
use std::rc::Rc;
use std::sync::atomic::Ordering;
use std::task::Context;
use std::time::Duration;

use http::Version;

use crate::wire::{self, forwarded};

use super::alarm::Alarm;
use super::core::Core;
use super::crowd::Member;
use super::frames::{self, Frames};
use super::host::Host;
use super::snapshot::Snapshot;
use super::spelling::Spelling;
use super::stream::Stream;
use super::upstream::{Lines, Waiting};
use super::watch::Watch;

mod coming;
mod ending;
mod presented;
mod requests;
mod under_way;

use ending::Ending;
pub(super) use presented::Presented;
use requests::Requests;
pub(super) use under_way::UnderWay;

/// How long nothing moves on a connection until what hyper holds of it is given back: some 10 KiB, which cost about as much
/// to get again as a request of a client that comes anew.
const REST_MS: u64 = 1_000;

/// What is known of a client's connection while it is open.
#[derive(Debug)]
pub(super) struct Client {
    core: Rc<Core>,
    peer: Cell<IpAddr>,
    /// Whether it is a proxy that is believed, as of this generation of the settings.
    trusted: Cell<Option<(u64, bool)>>,
    /// The lines that say whence its own requests come; none before the first.
    forwarded: OnceCell<Vec<u8>>,
    /// What it showed of itself within TLS; empty without TLS.
    presented: OnceCell<Presented>,
    /// Its place among the connections of its address, once it is known.
    member: RefCell<Member>,
    alarm: Alarm,
    /// The watch over what is under way; not used in HTTP/2, where each stream has its own.
    watch: Watch,
    /// The last `Host` of this client: it hardly ever changes.
    host: RefCell<Host>,
    under_way: Cell<usize>,
    requests: Requests,
    /// The heads that this client sent, as it spelled them; the one under way comes first.
    asked: RefCell<Spelling>,
    has_body: Cell<bool>,
    /// The fields of an upstream's answer, until its head is written.
    answer: RefCell<Waiting>,
    head_begun: Cell<bool>,
    http2: Cell<bool>,
    /// What it sends over HTTP/2.
    frames: Frames,
    /// Whether the request under way is one of HTTP/1.0.
    is_http1_0: Cell<bool>,
    /// Whether nothing was written since the request under way began.
    silent: Cell<bool>,
    /// Whether it is open where the body of the request under way ends; made with the first body.
    unsettled: OnceCell<Rc<Cell<bool>>>,
    long_body: Cell<bool>,
    ending: Cell<Ending>,
    /// Whether the connection closes, for which it has a time of its own.
    closing: Cell<bool>,
    /// Whether its client only listens to the answer under way.
    listens: Cell<bool>,
    /// The stream of HTTP/2 whose request is about to begin.
    stream: RefCell<Option<Rc<Stream>>>,
    /// What was just opened for a conversation, until the library sends on it.
    opened: RefCell<Option<Rc<Stream>>>,
    /// When it rests, if nothing moves until then.
    rests_at_ms: Cell<u64>,
    head_timeout: Duration,
    idle_timeout: Duration,
    stall_timeout: Duration,
}

impl Client {
    pub(super) fn new(core: &Rc<Core>, peer: IpAddr) -> Rc<Self> {
        let snapshot = core.snapshot();
        let limits = &snapshot.limits;
        let client = Self {
            peer: Cell::new(peer.to_canonical()),
            trusted: Cell::new(None),
            forwarded: OnceCell::new(),
            presented: OnceCell::new(),
            member: RefCell::default(),
            alarm: core.alarms.add(),
            watch: Watch::default(),
            host: RefCell::new(core.host.borrow().clone()),
            under_way: Cell::new(0),
            requests: Requests::new(limits),
            asked: RefCell::default(),
            has_body: Cell::new(false),
            answer: RefCell::default(),
            head_begun: Cell::new(false),
            http2: Cell::new(false),
            frames: Frames::new(limits.frames),
            is_http1_0: Cell::new(false),
            silent: Cell::new(false),
            unsettled: OnceCell::new(),
            long_body: Cell::new(false),
            ending: Cell::default(),
            closing: Cell::default(),
            listens: Cell::new(false),
            stream: RefCell::new(None),
            opened: RefCell::default(),
            rests_at_ms: Cell::new(0),
            head_timeout: limits.head_timeout,
            idle_timeout: limits.idle_timeout,
            stall_timeout: limits.stall_timeout,
            core: Rc::clone(core),
        };
        // A client that connects and says nothing has no longer than one that is slow to speak.
        client.alarm.set(client.head_timeout);
        core.counters.accepted.add(1);
        core.counters.open.add(1);
        core.serving.set(core.serving.get() + 1);
        Rc::new(client)
    }

    pub(super) const fn core(&self) -> &Rc<Core> {
        &self.core
    }

    /// Whoever opened the connection, or for whom it was opened, as an announcing sender says. Whence
    /// a request came is another matter behind a proxy: see `Origin`.
    pub(super) fn peer(&self) -> IpAddr {
        self.peer.get()
    }

    /// The sender has announced for whom it opened the connection, or that it did so for itself. The
    /// head of a request may begin.
    pub(super) fn is_announced(&self, source: Option<IpAddr>) {
        self.peer.set(source.unwrap_or(self.peer.get()));
        self.alarm.set(self.head_timeout);
    }

    /// Takes its place among the connections of its address.
    pub(super) fn joins(&self, member: Member) {
        self.member.replace(member);
    }

    /// Whether this is a proxy whose word is taken for where its requests come from.
    pub(super) fn is_trusted(&self, snapshot: &Snapshot) -> bool {
        if let Some((generation, trusted)) = self.trusted.get()
            && generation == snapshot.generation
        {
            return trusted;
        }
        let trusted = snapshot.proxies.trusts(self.peer.get());
        self.trusted.set(Some((snapshot.generation, trusted)));
        trusted
    }

    /// What a `Host` names, if it is one. It is known already where this client sent the
    /// same before, or was preceded by others that did.
    pub(super) fn host(&self, sent: &[u8]) -> Option<Ref<'_, Host>> {
        if !self.host.borrow().is(sent) {
            let host = Host::read(sent)?;
            self.core.host.borrow_mut().clone_from(&host);
            self.host.replace(host);
        }
        Some(self.host.borrow())
    }

    pub(super) fn forwarded(&self) -> &[u8] {
        self.forwarded.get_or_init(|| forwarded::lines(self.peer.get(), self.scheme()))
    }

    pub(super) const fn alarm(&self) -> &Alarm {
        &self.alarm
    }

    /// Whether the answer under way is the last one on its connection of HTTP/1. One that moves to another process goes
    /// on there; within TLS it goes on until it has an answer that tells it, since keys cannot move.
    pub(super) fn is_to_leave(&self) -> bool {
        let more_comes = self.long_body.get() && self.is_unsettled();
        let ends = self.had_better_leave() || self.requests.are_made() || more_comes;
        !self.http2.get() && ends
    }

    /// Whether the body of its last request was not read to its end.
    pub(super) fn is_unsettled(&self) -> bool {
        self.unsettled.get().is_some_and(|unsettled| unsettled.get())
    }

    /// It is unsettled where the body of its request ends. hyper takes a bare line feed for a part of the trailers, and the
    /// next request with it (sec-S4); so what has trailers, or is long and not read to its end, is the last request of its
    /// connection.
    pub(super) fn begins_body(&self, long: bool) {
        self.long_body.set(long);
        self.unsettled.get_or_init(Rc::default).set(true);
    }

    /// What is told when that is settled.
    pub(super) fn unsettled(&self) -> Option<Rc<Cell<bool>>> {
        self.unsettled.get().map(Rc::clone)
    }

    /// What it has asked so far.
    pub(super) const fn requests(&self) -> &Requests {
        &self.requests
    }

    /// Whether what is under way has outlived its token, and did not end by itself.
    pub(super) fn is_cut_off(&self, context: &mut Context<'_>) -> bool {
        self.watch.is_cut(&self.alarm, context)
    }

    /// Spells the names of fields as the client did in the head of its request.
    pub(super) fn respell(&self, fields: &mut [u8]) {
        self.asked.borrow().respell(fields);
    }

    /// Whether the head that it sends has a length that hyper cannot tell from no length, and calls too large a head.
    pub(super) fn sends_endless(&self) -> bool {
        !self.is_asked() && self.asked.borrow().has(b"content-length", wire::is_endless)
    }

    /// Whether the head under way has a transfer coding and no length, as it was sent: beside the one hyper drops the other.
    pub(super) fn sends_no_length(&self) -> bool {
        let asked = self.asked.borrow();
        asked.has(b"transfer-encoding", |_| true) && !asked.has(b"content-length", |_| true)
    }

    /// The fields of an upstream's answer, for its head.
    pub(super) fn is_answered(&self, lines: Lines) {
        self.answer.borrow_mut().push(lines);
    }

    /// An exchange begins; it ends when the answer is dropped.
    pub(super) fn begin(self: &Rc<Self>, version: Version, has_body: bool) -> UnderWay {
        self.has_body.set(has_body);
        self.is_http1_0.set(version == Version::HTTP_10);
        self.silent.set(version == Version::HTTP_11);
        self.listens.set(false);
        let _ = self.unsettled.get().map(|unsettled| unsettled.set(false));
        self.is_at_work();
        if self.requests.make() {
            // Over HTTP/2 it is told by whoever moves the connection along.
            self.alarm.wake();
        }
        self.frames.pay_for(frames::EACH_REQUEST);
        self.core.counters.under_way.add(1);
        UnderWay { stream: self.stream.take(), client: Rc::clone(self) }
    }

    /// An exchange goes on as a conversation, on a stream of HTTP/2 or on the whole connection.
    pub(super) fn begin_tunnel(self: &Rc<Self>, stream: Option<Rc<Stream>>) -> UnderWay {
        self.is_at_work();
        self.core.counters.under_way.add(1);
        UnderWay { stream, client: Rc::clone(self) }
    }

    /// What is under way has a time of its own; a connection of HTTP/2 that closes may have read a request before.
    fn is_at_work(&self) {
        self.under_way.set(self.under_way.get() + 1);
        if !self.closing.get() {
            self.alarm.clear();
        }
    }

    /// Something is written, or is about to be.
    pub(super) fn writes(&self) {
        self.silent.set(false);
    }

    /// Whether an interim answer may be sent now; true once for each request.
    pub(super) fn take_silence(&self) -> bool {
        self.silent.take()
    }

    /// Something that was under way is over.
    fn end(&self) {
        let left = self.under_way.get().saturating_sub(1);
        self.under_way.set(left);
        if left == 0 {
            let mut asked = self.asked.borrow_mut();
            asked.drop_head(self.has_body.get());
            asked.shrink();
            // What came in the same breath begins the next one.
            let begun = asked.is_begun() || self.frames.is_within_head();
            self.head_begun.set(begun);
            if !self.closing.get() {
                self.alarm.set(if begun { self.head_timeout } else { self.idle_timeout });
            }
            // The connection of HTTP/2 keeps what it holds.
            if !self.http2.get() {
                let rests_at_ms = self.alarm.now_ms().saturating_add(REST_MS);
                self.rests_at_ms.set(rests_at_ms);
                self.alarm.wake_at(rests_at_ms);
            }
        }
    }

    /// Whether nothing has moved on its connection of HTTP/1 for so long that what belongs to it can be given back. One
    /// that is about to end for another reason does that first.
    pub(super) fn is_at_rest(&self) -> bool {
        let idle = !self.is_asked() && !self.head_begun.get() && !self.requests.are_made();
        idle && !self.closing.get()
            && self.alarm.now_ms() >= self.rests_at_ms.get()
            && !self.core.is_leaving()
    }

    /// What belongs to its connection is given back.
    pub(super) fn rests(&self) {
        self.asked.take();
    }

    /// The connection speaks HTTP/2. It lies idle until the next request begins: frames that begin
    /// none, such as pings, give it no more time, and a head without an end gives it less.
    pub(super) fn speaks_http2(&self) {
        self.http2.set(true);
        self.alarm.set(self.idle_timeout);
    }

    pub(super) const fn is_http2(&self) -> bool {
        self.http2.get()
    }

    /// How long an answer may lie unread.
    pub(super) const fn stall_timeout(&self) -> Duration {
        self.stall_timeout
    }

    /// The request that begins next does so on this stream.
    pub(super) fn next_on(&self, stream: &Rc<Stream>) {
        *self.stream.borrow_mut() = Some(Rc::clone(stream));
    }

    /// A stream is opened, on which the library sends by a task that begins at once.
    pub(super) fn opens(&self, stream: &Rc<Stream>) {
        self.opened.replace(Some(Rc::clone(stream)));
    }

    pub(super) fn take_opened(&self) -> Option<Rc<Stream>> {
        self.opened.take()
    }

    /// The fields of answers whose heads are not written yet.
    pub(super) const fn answer(&self) -> &RefCell<Waiting> {
        &self.answer
    }

    pub(super) const fn is_asked(&self) -> bool {
        self.under_way.get() > 0
    }

    pub(super) const fn idle_timeout(&self) -> Duration {
        self.idle_timeout
    }
}

impl Drop for Client {
    fn drop(&mut self) {
        self.core.counters.open.sub(1);
        self.core.serving.set(self.core.serving.get().saturating_sub(1));
        self.core.shared.connections.fetch_sub(1, Ordering::Relaxed);
    }
}
