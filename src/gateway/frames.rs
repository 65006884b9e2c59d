//! Frames of HTTP/2 that a client sends without asking for anything, and how many of them are borne
//! (RFC 9113 section 10.5, sec-D1).
//!
//! h2 bounds resets, heads without an end, and empty or short parts of bodies. It answers or drops
//! any number of PRIORITY, PING, SETTINGS, WINDOW_UPDATE and frames of unknown kinds, as fast as
//! they come, and that takes a core. So every frame but those of bodies has to be paid for.
//! Requests and parts of answers pay for more than any honest client makes of them; time pays for
//! the rest, such as pings of an idle connection. `client` hands in what is read, before h2 sees
//! it.

use std::cell::Cell;

/// How often time pays for some.
const PERIOD_MS: u64 = 10_000;

/// What a request pays for: its priority, pings, room for its answer, trailers, a reset.
pub(super) const EACH_REQUEST: u32 = 16;

/// What a part of an answer pays for: twice room for it and for the connection, in halves, and a
/// ping.
pub(super) const EACH_PART: u32 = 8;

/// No more than this is put by. What requests pay for comes with a delay, and then all at once.
const SAVINGS: u32 = 16_384;

/// The preface of a connection, which is no frame (RFC 9113 section 3.4).
const PREFACE_BYTES: usize = 24;

/// The part of a frame's head that tells its length, kind and flags (section 4.1), and what follows it.
const TELLING_BYTES: u32 = 5;
const HEAD_REST_BYTES: usize = 4;

/// A frame's head, and what answers a ping (section 6.7); settings are confirmed by a head alone.
const HEAD_BYTES: usize = 9;
const PONG_BYTES: usize = HEAD_BYTES + 8;

const DATA: u8 = 0;
const HEADERS: u8 = 1;
const SETTINGS: u8 = 4;
const PING: u8 = 6;
const CONTINUATION: u8 = 9;

const ACK: u8 = 1;
const END_HEADERS: u8 = 4;

/// How far the head of a request has come (RFC 9113 section 4.3).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Request {
    /// None is on its way.
    None,
    /// Other frames of it follow.
    Begun,
    /// It ends with the frame that has begun.
    Ends,
}

/// Counts the frames of one connection.
#[derive(Debug)]
pub(super) struct Frames {
    /// Bytes until the next head begins.
    left: Cell<usize>,
    /// What has come of the part of the head that tells, and how much that is.
    head: Cell<u64>,
    head_bytes: Cell<u32>,
    /// How far the head of a request is that has begun.
    request: Cell<Request>,
    /// Whether a ping was answered.
    answered: Cell<bool>,
    /// Bytes of answers that the library owes to pings and settings.
    owed: Cell<usize>,
    /// Frames that are paid for and have not come.
    paid: Cell<u32>,
    period_ends_ms: Cell<u64>,
    /// What time pays for in each period.
    spare: u32,
}

impl Frames {
    /// Where time pays for `spare` frames in each ten seconds.
    pub(super) const fn new(spare: u32) -> Self {
        Self {
            left: Cell::new(PREFACE_BYTES),
            head: Cell::new(0),
            head_bytes: Cell::new(0),
            request: Cell::new(Request::None),
            answered: Cell::new(false),
            owed: Cell::new(0),
            paid: Cell::new(0),
            period_ends_ms: Cell::new(0),
            spare,
        }
    }

    /// Something happens on the connection that frames belong to.
    pub(super) fn pay_for(&self, frames: u32) {
        self.paid.set(self.paid.get().saturating_add(frames).min(SAVINGS));
    }

    /// Counts the frames of what was read at `now_ms`. False if they are more than is borne.
    pub(super) fn read(&self, bytes: &[u8], now_ms: u64) -> bool {
        let (mut rest, mut borne) = (bytes, true);
        loop {
            let skipped = self.left.get().min(rest.len());
            self.left.set(self.left.get() - skipped);
            let Some((&byte, after)) = rest.get(skipped..).and_then(<[u8]>::split_first) else {
                return borne;
            };
            rest = after;
            if let Some((kind, flags)) = self.head_byte(byte)
                && self.begins(kind, flags)
            {
                borne &= self.spend(now_ms);
            }
        }
    }

    /// Whether the head of a request has begun, and not all of it has come.
    pub(super) const fn is_within_head(&self) -> bool {
        match self.request.get() {
            Request::None => false,
            Request::Begun => true,
            Request::Ends => self.left.get() > 0,
        }
    }

    /// Whether a ping was answered.
    pub(super) const fn has_answered(&self) -> bool {
        self.answered.get()
    }

    /// Takes a byte of a frame's head. Answers the kind and the flags of the frame once they are told.
    fn head_byte(&self, byte: u8) -> Option<(u8, u8)> {
        let head = self.head.get() << 8 | u64::from(byte);
        self.head.set(head);
        self.head_bytes.set(self.head_bytes.get() + 1);
        if self.head_bytes.get() < TELLING_BYTES {
            return None;
        }
        self.head_bytes.set(0);
        self.head.set(0);
        let [.., a, b, c, kind, flags] = head.to_be_bytes();
        let payload = usize::from(a) << 16 | usize::from(b) << 8 | usize::from(c);
        self.left.set(payload.saturating_add(HEAD_REST_BYTES));
        Some((kind, flags))
    }

    /// A frame begins. Whether it has to be paid for.
    fn begins(&self, kind: u8, flags: u8) -> bool {
        self.request.set(match kind {
            HEADERS | CONTINUATION if flags & END_HEADERS == 0 => Request::Begun,
            HEADERS | CONTINUATION => Request::Ends,
            _ => Request::None,
        });
        match (kind, flags & ACK) {
            (PING, 0) => self.owes(PONG_BYTES),
            (PING, _) => self.answered.set(true),
            (SETTINGS, 0) => self.owes(HEAD_BYTES),
            _ => {}
        }
        kind != DATA
    }

    fn owes(&self, bytes: usize) {
        self.owed.set(self.owed.get().saturating_add(bytes));
    }

    /// How many of these bytes that are written answer no such frame.
    pub(super) fn beyond_owed(&self, written: usize) -> usize {
        let owed = self.owed.get().min(written);
        self.owed.set(self.owed.get() - owed);
        written - owed
    }

    fn spend(&self, now_ms: u64) -> bool {
        if self.paid.get() == 0 {
            if now_ms < self.period_ends_ms.get() {
                return false;
            }
            self.period_ends_ms.set(now_ms.saturating_add(PERIOD_MS));
            self.paid.set(self.spare);
        }
        self.paid.set(self.paid.get() - 1);
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SPARE: u32 = 1_000;

    fn frame(kind: u8, payload: &[u8]) -> Vec<u8> {
        let length = u32::try_from(payload.len()).unwrap().to_be_bytes();
        [&length[1..], &[kind, 0, 0, 0, 0, 0], payload].concat()
    }

    fn begun() -> Frames {
        let frames = Frames::new(SPARE);
        assert!(frames.read(&[0xff; PREFACE_BYTES], 0));
        frames
    }

    /// How many pings are borne, if there are no more than `most`.
    fn borne(frames: &Frames, most: u32, now_ms: u64) -> u32 {
        let ping = frame(PING, &[6; 8]);
        (0..most).find(|_| !frames.read(&ping, now_ms)).unwrap_or(most)
    }

    #[test]
    fn sec_d1_time_pays_for_some_frames_and_no_more() {
        let frames = begun();
        assert_eq!(borne(&frames, 2_000, 0), 1_000);
        assert_eq!(borne(&frames, 2_000, PERIOD_MS - 1), 0);
        assert_eq!(borne(&frames, 2_000, PERIOD_MS), 1_000, "a new period");
        assert_eq!(borne(&frames, 2_000, 100 * PERIOD_MS), 1_000, "no period is put by");
    }

    #[test]
    fn requests_and_answers_pay_for_their_frames() {
        let frames = begun();
        assert_eq!(borne(&frames, 2_000, 0), 1_000);
        frames.pay_for(EACH_REQUEST);
        frames.pay_for(EACH_PART);
        assert_eq!(borne(&frames, 2_000, 0), EACH_REQUEST + EACH_PART);
        (0..1_000_000).for_each(|_| frames.pay_for(EACH_REQUEST));
        assert_eq!(borne(&frames, 100_000, 0), SAVINGS, "what is put by has a bound");
    }

    #[test]
    fn frames_are_counted_however_they_are_cut() {
        let frames: Vec<_> = (0..40_u8)
            .flat_map(|number| frame(number % 10, &vec![number; usize::from(number) * 3]))
            .collect();
        let all = [vec![0; PREFACE_BYTES], frames].concat();
        for size in 1..200 {
            let frames = Frames::new(SPARE);
            assert!(all.chunks(size).all(|piece| frames.read(piece, 0)));
            // Four of the forty are of kind 0.
            assert_eq!(frames.paid.get(), SPARE - 36, "pieces of {size}");
        }
    }

    #[test]
    fn sec_d2_a_head_is_on_its_way_until_all_of_it_came() {
        let frames = begun();
        let with = |kind, flags, payload: &[u8]| {
            let mut bytes = frame(kind, payload);
            bytes[4] = flags;
            bytes
        };
        let after = |bytes: &[u8]| {
            assert!(frames.read(bytes, 0));
            frames.is_within_head()
        };
        assert!(!after(&with(PING, 0, &[0; 8])));
        assert!(after(&with(HEADERS, 1, &[1; 5])));
        assert!(after(&with(CONTINUATION, 0, &[2; 5])));
        let end = with(CONTINUATION, END_HEADERS, &[3; 5]);
        assert!(after(&end[..end.len() - 1]));
        assert!(!after(&[3]));
        let whole = with(HEADERS, END_HEADERS, &[1; 5]);
        assert!(after(&whole[..5]));
        assert!(!after(&whole[5..]));
        assert!(!after(&with(DATA, 0, &[1; 50])[..20]), "a body has a time of its own");
    }

    #[test]
    fn an_answer_to_a_ping_is_heard() {
        let frames = begun();
        assert!(frames.read(&frame(PING, &[0; 8]), 0) && !frames.has_answered());
        let mut answer = frame(PING, &[0; 8]);
        answer[4] = ACK;
        assert!(frames.read(&answer, 0) && frames.has_answered());
    }

    #[test]
    fn what_answers_pings_and_settings_is_known() {
        let frames = begun();
        assert!(frames.read(&[frame(PING, &[0; 8]), frame(SETTINGS, &[])].concat(), 0));
        assert_eq!([10, 10, 10].map(|written| frames.beyond_owed(written)), [0, 0, 4]);
        assert_eq!(frames.beyond_owed(1_000), 1_000);
    }

    #[test]
    fn bodies_cost_nothing() {
        let frames = begun();
        let data = frame(0, &[PING; 16_384]).repeat(4);
        assert!((0..1_000).all(|_| frames.read(&data, 0)));
        assert_eq!(borne(&frames, 2_000, 0), 1_000);
    }
}
