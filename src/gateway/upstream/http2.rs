//! An exchange over HTTP/2: a request that was written for HTTP/1.1 becomes one of HTTP/2, and an answer what the others are.

use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll, ready};
use std::time::Duration;
use std::{fmt, io};

use bytes::Bytes;
use http::header::{self, HeaderMap, HeaderName, HeaderValue};
use http::{Request, Response, StatusCode};
use http_body_util::BodyExt as _;
use hyper::body::{Body, Frame, Incoming};
use hyper::client::conn::TrySendError;
use hyper::client::conn::http2::SendRequest;
use tokio::task::spawn_local;
use tokio::time::timeout;

use crate::gateway::alarm::Alarm;
use crate::gateway::body::RequestBody;
use crate::gateway::load::Busy;
use crate::wire;

use super::answer::Answer;
use super::connection::Failed;
use super::conversation::{self, Talk};
use super::error::{Broken, word};
use super::framing::Framing;
use super::kind::Kind;
use super::outgoing::Outgoing;
use super::part::FIELDS_MAX;
use super::rewritten::{UNREADABLE, announce, comes_back, read};
use super::sending::{Beside, Sending};
use super::session::Session;
use super::turns::{Turn, Turns};

/// What came of a request.
type Answered = Result<Response<Incoming>, TrySendError<Request<Sending>>>;

async fn send(mut sender: SendRequest<Sending>, request: Request<Sending>) -> Answered {
    sender.try_send_request(request).await
}

/// One exchange on a session.
pub(in crate::gateway) struct Exchange {
    session: Rc<Session>,
    pub(super) busy: Option<Busy>,
    /// The answer that is waited for.
    asked: Option<Pin<Box<dyn Future<Output = Answered>>>>,
    /// Whether it was asked for as one for a WebSocket.
    extended: bool,
    body: Option<Incoming>,
    /// What goes on behind an answer that agrees to a WebSocket.
    talk: Option<Talk>,
    beside: Rc<Beside>,
    pub(super) alarm: Rc<Alarm>,
}

impl Exchange {
    pub(in crate::gateway) fn new(session: Rc<Session>, alarm: Alarm) -> Self {
        let (beside, alarm) = (Beside::new(Turn::take(&session.turns)), Rc::new(alarm));
        let (busy, asked, body, talk) = (None, None, None, None);
        Self { session, busy, asked, extended: false, body, talk, beside, alarm }
    }

    pub(super) fn begin(
        &mut self,
        (idle_timeout, lifetime): (Duration, Duration),
        busy: Option<Busy>,
    ) {
        self.session.idle_timeout.set(idle_timeout);
        self.session.lifetime.set(lifetime);
        self.busy = busy;
    }

    /// Sends a request, and waits for the head of its answer.
    pub(super) fn poll_answer(
        &mut self,
        request: &mut Outgoing,
        context: &mut Context<'_>,
    ) -> Poll<Result<Answer, Failed>> {
        if self.asked.is_none() {
            // Nobody is asked to wait for a word: the session says by itself how much it takes.
            request.let_go();
            // Without, it is asked for what it is otherwise (RFC 9110 section 7.8).
            self.extended = request.asks_websocket() && self.session.takes_websockets();
            let mut sent = match self.written(request) {
                Ok(sent) => sent,
                // Nobody has seen it.
                Err(broken) => return Poll::Ready(Err(Failed::Lost(broken))),
            };
            if self.extended {
                conversation::ask(&mut sent);
            }
            self.asked = Some(Box::pin(send(self.session.sender.clone(), sent)));
        }
        let Some(asked) = &mut self.asked else { return Poll::Pending };
        let Poll::Ready(answered) = asked.as_mut().poll(context) else {
            self.look_whether_stuck();
            return Poll::Pending;
        };
        self.asked = None;
        Poll::Ready(match answered {
            Ok(response) => self
                .taken(response, request)
                .map_err(|why| Failed::Upstream(Broken::Malformed(why))),
            Err(mut error) => match error.take_message() {
                Some(unsent) => {
                    request.put_back(self.beside.take_back());
                    drop(unsent);
                    Err(Failed::Unsent)
                }
                None if self.beside.is_returned() => {
                    request.put_back(self.beside.take_back());
                    // Its stream waits in the library, which opens it in the end though it is given up.
                    let loose = || Failed::Loose(Broken::Session(error.into_error()));
                    Err(if self.session.turns.are_cut() { Failed::Unsent } else { loose() })
                }
                None => Err(self.failed(error.into_error(), request)),
            },
        })
    }

    /// What is never sent is given back.
    fn look_whether_stuck(&self) {
        if !self.beside.is_waiting() {
            return;
        }
        let now_ms = self.alarm.now_ms();
        if self.session.turns.are_stuck(now_ms) {
            self.session.abandon();
        } else {
            self.alarm.wake_at(Turns::look_at_ms(now_ms));
        }
    }

    /// What is made of an error that came in place of an answer. A request that the other side says it has not looked at
    /// may be sent again, whatever it is (RFC 9113 section 8.7), if all of it is still there.
    fn failed(&self, error: hyper::Error, request: &mut Outgoing) -> Failed {
        if self.beside.refused().is_some() || word(&error).is_some_and(h2::Error::is_library) {
            self.session.turns.one_is_given_up();
        }
        // The gateway itself has reset its stream, since its client kept to no framing, length or time.
        if let Some(refusal) = self.beside.refused() {
            return Failed::Client(refusal);
        }
        let word = word(&error).filter(|word| word.is_remote());
        // It names the last stream that it looked at, whatever its reason is, and those behind that one hear of it alone
        // (section 6.8).
        let leaves = word.is_some_and(h2::Error::is_go_away);
        let refused = word.is_some_and(|word| word.reason() == Some(h2::Reason::REFUSED_STREAM));
        if !leaves && !refused {
            return Failed::Upstream(Broken::Session(error));
        }
        let mut body = self.beside.take_back();
        let whole = body.as_mut().is_none_or(RequestBody::begins_again);
        request.put_back(body);
        // Whoever refuses one stream mostly has as many as it takes, and takes the next ones later.
        let times = request.refused();
        if leaves || times > 1 {
            self.session.leaves.set(true);
        }
        let broken = Broken::Session(error);
        if whole { Failed::Refused(broken) } else { Failed::Lost(broken) }
    }

    fn written(&self, request: &mut Outgoing) -> Result<Request<Sending>, Broken> {
        let head = read(request.head(), self.session.tls).ok_or(UNREADABLE)?;
        let (body, left) = request.take_body();
        let sending = self.beside.begin(body, left, (&self.session.begun, self.extended));
        Ok(head.map(|()| sending))
    }

    fn taken(
        &mut self,
        mut response: Response<Incoming>,
        request: &Outgoing,
    ) -> Result<Answer, &'static str> {
        check_fields(response.headers_mut())?;
        self.beside.is_answered();
        let switches = self.extended && response.status() == StatusCode::OK;
        self.talk = switches.then(|| Talk::Begins(hyper::upgrade::on(&mut response)));
        let (mut parts, body) = response.into_parts();
        // Nothing follows these (RFC 9110 sections 9.3.2, 15.3.5 and 15.4.5) but their end.
        let bodiless = matches!(parts.status, StatusCode::NO_CONTENT | StatusCode::NOT_MODIFIED)
            || request.head().starts_with(b"HEAD ");
        match bodiless {
            true => see_end(body, Rc::clone(&self.beside)),
            false => self.body = Some(body),
        }
        if parts.status == StatusCode::NO_CONTENT {
            parts.headers.remove(header::CONTENT_LENGTH);
        }
        let without = request.wanted.without;
        let kept = |name: &&HeaderName| comes_back(name) && !without.takes(name.as_str());
        let gone: Vec<_> = parts.headers.keys().filter(|name| !kept(name)).cloned().collect();
        gone.iter().for_each(|name| drop(parts.headers.remove(name)));
        announce(&mut parts.headers);
        if switches {
            conversation::agree(&mut parts, request.head());
        }
        let kind = parts.headers.get(header::CONTENT_TYPE).map(HeaderValue::as_bytes);
        let kind = kind.map(Kind::of).unwrap_or_default();
        let response = Response::from_parts(parts, ());
        let framing = Framing::Length(0);
        Ok(Answer { response, lines: None, switches, kind, framing, persists: true })
    }

    /// What goes on behind an answer that agreed to it.
    ///
    /// # Errors
    /// None did.
    pub(super) fn talk(&mut self) -> io::Result<&mut Talk> {
        self.talk.as_mut().ok_or_else(|| io::ErrorKind::NotConnected.into())
    }

    /// The next part of the answer's body; none when it is over.
    pub(super) fn poll_part(
        &mut self,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Broken>>> {
        let Some(body) = &mut self.body else { return Poll::Ready(None) };
        let part = ready!(Pin::new(&mut *body).poll_frame(context));
        let is_end = body.is_end_stream() || is_all(body);
        // A stream that was reset without an error is not over.
        if part.is_none() && !is_end {
            return Poll::Ready(Some(Err(Broken::Closed)));
        }
        if is_all(body) && matches!(part, Some(Err(_))) {
            return Poll::Ready(None);
        }
        Poll::Ready(part.map(|part| match part {
            Ok(mut frame) => {
                if let Some(trailers) = frame.trailers_mut() {
                    wire::trailers::keep(trailers, wire::trailers::may_trail);
                }
                Ok(frame)
            }
            Err(error) => Err(Broken::Session(error)),
        }))
    }

    pub(super) fn is_over(&self) -> bool {
        self.body.as_ref().is_none_or(Body::is_end_stream)
    }

    pub(super) fn left(&self) -> Option<u64> {
        self.body.as_ref().and_then(|body| body.size_hint().exact())
    }

    /// All of its answer came that it said, and of its request: its end may still come.
    pub(super) fn finish(mut self) {
        if let Some(body) = self.body.take() {
            see_end(body, Rc::clone(&self.beside));
        }
    }

    /// Whether the request's body is not over.
    pub(super) fn is_sending(&self) -> bool {
        self.beside.is_sending()
    }

    /// The body goes on beside its answer, until it `is_over`.
    pub(super) fn leave(&self, is_over: impl Fn(&mut Context<'_>) -> bool + 'static) {
        self.beside.leave(is_over);
    }
}

/// Whether as much of a body came as was said, behind which trailers may follow. The library forgets that its stream has ended
/// where its session ends behind it.
fn is_all(body: &Incoming) -> bool {
    body.size_hint().exact() == Some(0)
}

/// How long an upstream may take to end a stream on which nothing more is wanted.
const ENDING: Duration = Duration::from_secs(1);

/// Waits for the end of a stream on which nothing else comes: dropped before, it would be reset, and upstreams bear with so
/// many resets (CVE-2023-44487). Until then it has its turn.
fn see_end(mut body: Incoming, beside: Rc<Beside>) {
    if body.is_end_stream() {
        return;
    }
    spawn_local(async move {
        let empty = |frame: &Frame<Bytes>| frame.data_ref().is_none_or(Bytes::is_empty);
        let ends = async {
            while body.frame().await.is_some_and(|one| one.is_ok_and(|one| empty(&one))) {}
        };
        // Whatever came of that, it is over.
        let _ = timeout(ENDING, ends).await;
        drop(beside);
    });
}

/// Holds the head of an answer to what one over HTTP/1.1 is held to.
fn check_fields(headers: &mut HeaderMap) -> Result<(), &'static str> {
    if headers.len() > FIELDS_MAX {
        return Err("its head has too many fields");
    }
    if headers.keys().any(|name| wire::is_quoted(name.as_str())) {
        return Err("the name of a field has a quote in it");
    }
    let mut lengths = headers.get_all(header::CONTENT_LENGTH).iter();
    let Some(length) = lengths.next().cloned() else { return Ok(()) };
    if lengths.any(|other| *other != length) {
        return Err("it says two lengths");
    }
    headers.insert(header::CONTENT_LENGTH, length);
    Ok(())
}

impl fmt::Debug for Exchange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Exchange").field("session", &self.session).finish_non_exhaustive()
    }
}

impl Drop for Exchange {
    fn drop(&mut self) {
        if self.asked.is_some() || !self.is_over() {
            self.session.turns.one_is_given_up();
        }
        self.beside.give_up();
        self.session.idle_since_ms.set(self.alarm.now_ms());
    }
}
