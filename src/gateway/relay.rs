//! The body of an answer on its way to the client, and the upstream connection that it comes from.

use std::rc::Rc;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use hyper::body::{Frame, SizeHint};

use crate::config::settings::Ejection;
use crate::domain::refusal::Refusal;

use super::alarm::Alarm;
use super::blame;
use super::body::Upload;
use super::client::Client;
use super::core::Core;
use super::gate::Turn;
use super::pieces::Pieces;
use super::stream::PIECE_BYTES;
use super::upstream::{Broken, Kind, Way};

/// Why the rest of an answer does not come.
#[derive(Debug, thiserror::Error)]
pub(super) enum BodyError {
    /// The client sent its own body wrong, or too slowly, or too much.
    #[error("the client's body was refused: {}", .0.reason())]
    Client(Refusal),
    /// The connection to the upstream broke.
    #[error(transparent)]
    Broken(Broken),
    /// The token ended by which it was permitted.
    #[error("its token ended: {}", .0.reason())]
    Over(Refusal),
    /// The upstream stalled.
    #[error("the upstream stalled in the middle of its answer")]
    Stalled,
    /// All of it took longer than it may.
    #[error("the upstream took longer for all of it than it may")]
    Late,
}

/// What an exchange is bounded by until its answer is over, where its API says so.
#[derive(Debug)]
pub(super) struct Bounds {
    /// Rings when its time is over.
    pub(super) limit: Option<Alarm>,
    /// Its leave, given back by being dropped, here and by a body that goes on.
    pub(super) _turn: Option<Rc<Turn>>,
}

/// A streamed answer. When it is over, the connection goes back to the pool; when it is given up,
/// the connection is closed, so that nobody else ever reads the rest of it (sec-S13).
#[derive(Debug)]
pub(super) struct Relay {
    /// None once it is given back.
    way: Option<Way>,
    /// The rest of the request's body, if that goes on beside the answer.
    upload: Option<Rc<Upload>>,
    /// Whether the upstream had the whole request when it answered. If not, it may take what
    /// follows on the connection for the rest of it, or the other way round.
    asked_in_full: bool,
    /// How long the upstream may stall in the middle of the answer.
    stall_timeout: Duration,
    /// When the upstream is left out that breaks its answers off, where there are others.
    ejection: Ejection,
    core: Rc<Core>,
    /// Whose connection marks the end of the answer, if any does.
    closes: Option<Rc<Client>>,
    /// Where pieces end, if the answer is a stream that can end after any.
    pieces: Option<Pieces>,
    /// Whether nothing follows the piece that is under way.
    last: bool,
    /// How much is passed on at once, and what is left of a part that was larger.
    piece_bytes: usize,
    rest: Option<Bytes>,
    /// Why the rest does not come. Told one turn late, so that what came before goes out first.
    broken_off: Option<BodyError>,
    told: bool,
    /// Whether it ended with its token.
    lost: bool,
    bounds: Option<Box<Bounds>>,
}

impl Relay {
    /// `whole` says that the upstream took the whole request, `kind` what it sends; `upload` is the request's body where
    /// that goes on.
    pub(super) fn new(
        way: Way,
        (whole, kind): (bool, Kind),
        upload: Option<&Rc<Upload>>,
        (stall_timeout, ejection): (Duration, Ejection),
        client: &Rc<Client>,
    ) -> Self {
        let core = client.core();
        let closes = client.begin_answer(way.left()).then(|| Rc::clone(client));
        let pieces = Pieces::of(kind).filter(|_| way.left().is_none());
        if pieces.is_some() {
            client.listens();
        }
        Self {
            closes,
            pieces,
            last: false,
            way: Some(way),
            asked_in_full: whole,
            upload: upload.map(Rc::clone),
            stall_timeout,
            ejection,
            core: Rc::clone(core),
            piece_bytes: if client.is_http2() { PIECE_BYTES } else { usize::MAX },
            rest: None,
            broken_off: None,
            told: false,
            lost: false,
            bounds: None,
        }
    }

    /// The way to the upstream, where what follows on it is no answer, and what it is kept within.
    pub(super) fn take_way(&mut self) -> (Option<Way>, Option<Box<Bounds>>) {
        (self.way.take(), self.bounds.take())
    }

    /// It is kept within these.
    pub(super) fn keep_within(&mut self, bounds: Bounds) {
        self.bounds = Some(Box::new(bounds));
    }

    /// Whether its time is over; otherwise the task is woken when it is.
    fn is_late(&self, context: &Context<'_>) -> bool {
        let bounds = self.bounds.as_ref();
        bounds.and_then(|bounds| bounds.limit.as_ref()).is_some_and(|limit| {
            limit.wake_me(context);
            limit.take_rung()
        })
    }

    pub(super) fn poll_frame(
        &mut self,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BodyError>>> {
        if self.told {
            return Poll::Ready(None);
        }
        if let Some(error) = self.broken_off.take() {
            self.told = true;
            return Poll::Ready(Some(Err(error)));
        }
        if let Some(rest) = self.rest.take() {
            return Poll::Ready(Some(Ok(self.piece(rest))));
        }
        self.poll_next(context)
    }

    /// What is still passed on of an answer whose token has ended: the piece that is under way.
    pub(super) fn poll_last(
        &mut self,
        refusal: Refusal,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BodyError>>> {
        let Some(pieces) = self.pieces.as_ref().filter(|_| !self.told) else {
            let first = !std::mem::replace(&mut self.told, true);
            return Poll::Ready(first.then_some(Err(BodyError::Over(refusal))));
        };
        if pieces.is_between() {
            let trailers = pieces.trailers(refusal).map(|trailers| Ok(Frame::trailers(trailers)));
            // Nobody else reads what follows.
            (self.way, self.rest, self.pieces) = (None, None, None);
            self.told = true;
            return Poll::Ready(trailers);
        }
        self.last = true;
        self.poll_frame(context)
    }

    fn poll_next(
        &mut self,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BodyError>>> {
        if let Some(refusal) = self.refused() {
            return self.break_off(BodyError::Client(refusal), context);
        }
        if self.is_late(context) {
            return self.ends_or(BodyError::Late, context);
        }
        let Some(way) = &mut self.way else { return Poll::Ready(None) };
        let part = way.poll_part(&self.core.scratch, context);
        let alarm = way.alarm();
        match part {
            Poll::Ready(part) => {
                alarm.clear();
                match part {
                    Some(Err(broken)) => self.break_off(BodyError::Broken(broken), context),
                    Some(Ok(frame)) => Poll::Ready(Some(Ok(self.in_pieces(frame)))),
                    None => Poll::Ready(None),
                }
            }
            Poll::Pending if alarm.take_rung() => {
                let own = self.refused().map(BodyError::Client);
                self.ends_or(own.unwrap_or(BodyError::Stalled), context)
            }
            Poll::Pending => {
                alarm.arm(self.stall_timeout);
                alarm.wake_me(context);
                Poll::Pending
            }
        }
    }

    /// It ends here, since its token did.
    pub(super) fn is_over_early(&mut self) {
        (self.way, self.rest, self.lost) = (None, None, true);
    }

    /// Why the client's part of the exchange was given up.
    fn refused(&self) -> Option<Refusal> {
        self.upload.as_ref().and_then(|upload| upload.refused.get())
    }

    fn in_pieces(&mut self, frame: Frame<Bytes>) -> Frame<Bytes> {
        let whole = |data: &Bytes| data.len() <= self.piece_bytes && self.pieces.is_none();
        if frame.data_ref().is_none_or(whole) {
            return frame;
        }
        match frame.into_data() {
            Ok(data) => self.piece(data),
            Err(frame) => frame,
        }
    }

    fn piece(&mut self, mut data: Bytes) -> Frame<Bytes> {
        if data.len() > self.piece_bytes {
            self.rest = Some(data.split_off(self.piece_bytes));
        }
        match &mut self.pieces {
            None => {}
            Some(pieces) if self.last => {
                if let Some(end) = pieces.end_in(&data) {
                    data.truncate(end);
                    self.rest = None;
                }
            }
            Some(pieces) => pieces.pass(&data),
        }
        Frame::data(data)
    }

    /// Breaks it off, unless all of it came but its end.
    fn ends_or(
        &mut self,
        error: BodyError,
        context: &Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BodyError>>> {
        if self.is_all() { Poll::Ready(None) } else { self.break_off(error, context) }
    }

    fn break_off<T>(&mut self, error: BodyError, context: &Context<'_>) -> Poll<T> {
        let busy = self.way.as_ref().and_then(Way::busy);
        if let (Some(busy), BodyError::Broken(broken), None) = (busy, &error, self.refused())
            && !broken.is_of_clients()
        {
            blame::breaks_off(busy, &self.ejection);
        }
        self.broken_off = Some(error);
        context.waker().wake_by_ref();
        Poll::Pending
    }

    pub(super) fn is_end_stream(&self) -> bool {
        self.rest.is_none() && self.is_over()
    }

    pub(super) fn size_hint(&self) -> SizeHint {
        let left = self.way.as_ref().and_then(Way::left);
        match left {
            Some(left) if self.rest.is_none() => SizeHint::with_exact(left),
            _ => SizeHint::default(),
        }
    }

    /// Whether the upstream has sent all of it.
    fn is_over(&self) -> bool {
        self.way.as_ref().is_none_or(Way::is_over)
    }

    /// Whether all was handed over that the upstream said there is, though its end may still come.
    pub(super) fn is_all(&self) -> bool {
        let all = || self.way.as_ref().and_then(Way::left) == Some(0);
        self.rest.is_none() && (self.is_over() || all())
    }
}

impl Drop for Relay {
    fn drop(&mut self) {
        let whole = (self.is_over() || self.is_all()) && !self.lost;
        if let Some(busy) = self.way.as_ref().and_then(Way::busy).filter(|_| whole) {
            busy.standing().ends_well();
        }
        if !self.lost && (!whole || self.rest.is_some()) {
            let counters = &self.core.counters;
            let broken_off = self.told || self.broken_off.is_some();
            let broken_off = broken_off && self.refused().is_none();
            let cut = if broken_off { &counters.cut_by_upstream } else { &counters.cut_by_client };
            cut.add(1);
        }
        if let Some(upload) = &self.upload {
            upload.answer_is_over(whole);
        }
        if let Some(client) = self.closes.as_ref().filter(|_| whole && self.rest.is_none()) {
            client.is_answered_whole();
        }
        let clean = whole && self.asked_in_full;
        if let Some(way) = self.way.take().filter(|_| clean) {
            way.give_back(&self.core.pool, self.core.alarms.now_ms());
        }
    }
}
