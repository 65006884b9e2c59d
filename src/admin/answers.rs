//! Answers to acts that came with an idempotency key, for whoever asks the same again. In memory alone: a
//! restart forgets them.
//!
//! | what | kept for | when full |
//! | --- | --- | --- |
//! | the answer without a secret | `LASTS` | the oldest of whoever has the most goes |
//! | the answer with one | `WITH_SECRET` | with the above |
//!
//! All of it is encrypted under a key that is made of the caller's own words (who they are, their credential,
//! their idempotency key), and none of these is kept. So what lies here is of use to whoever asks again, and
//! to nobody else; words that can be guessed are no worse than a secret in memory.

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use aws_lc_rs::aead::{AES_256_GCM, Aad, Nonce, RandomizedNonceKey};
use aws_lc_rs::hmac;
use axum::http::{HeaderMap, StatusCode};
use serde_json::value::RawValue;

use crate::domain::time::{Span, Timestamp};

/// How long a key stands for the act that it was sent with.
pub(super) const LASTS: Span = Span::from_seconds(24 * 3_600);
/// How long a secret is told again to whoever did not hear it: as long as a client tries again.
pub(super) const WITH_SECRET: Span = Span::from_seconds(600);
/// The most bytes that answers take, with what is around them.
const BYTES_MAX: usize = 16 << 20;
/// What an answer takes beside its body, about.
const AROUND: usize = 1_024;

type Name = [u8; 32];

/// Answers of all callers.
pub(super) struct Answers {
    /// Made at the start; none without random numbers, and then no key is taken.
    key: Option<hmac::Key>,
    bytes_max: usize,
    held: Mutex<Held>,
}

impl std::fmt::Debug for Answers {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("[answers that may be asked for again]")
    }
}

#[derive(Default)]
struct Held {
    /// By who asked.
    callers: HashMap<Name, Theirs>,
    bytes: usize,
    /// Whether somebody sweeps.
    swept: bool,
}

/// What one caller may ask again.
#[derive(Default)]
struct Theirs {
    /// By their idempotency keys.
    all: HashMap<Name, Kept>,
    /// Those that are over, the oldest first.
    done: VecDeque<(Name, Timestamp)>,
    /// Those of them that have a secret, likewise.
    secret: VecDeque<(Name, Timestamp)>,
    bytes: usize,
}

struct Kept {
    /// Of what was asked.
    asked: Name,
    since: Timestamp,
    /// None while the act is under way.
    answer: Option<Answer>,
}

struct Answer {
    status: StatusCode,
    headers: HeaderMap,
    /// With its secret, if it has one.
    whole: Option<Sealed>,
    /// Without; none if it could not be sealed.
    plain: Option<Sealed>,
}

struct Sealed {
    nonce: [u8; 12],
    data: Box<[u8]>,
}

impl Answer {
    fn bytes(&self) -> usize {
        let each = [&self.whole, &self.plain];
        AROUND + each.into_iter().flatten().map(|sealed| sealed.data.len()).sum::<usize>()
    }
}

/// What there is of an act.
pub(super) enum Begun {
    /// Nothing: it may be done, and then be told to the ticket.
    New(Ticket),
    /// It was done, and answered so.
    Done(StatusCode, HeaderMap, Vec<u8>),
    /// It was done, and what was answered cannot be told any more.
    Forgotten,
    /// It is being done.
    UnderWay,
    /// The key was sent with something else.
    Other,
    /// No key can be taken.
    Unable,
}

/// Leave to do an act once. Dropped without an answer it gives the key free: nothing was done.
pub(super) struct Ticket {
    answers: Arc<Answers>,
    caller: Name,
    place: Name,
    seal: RandomizedNonceKey,
}

impl Answers {
    /// None yet.
    pub(super) fn new() -> Arc<Self> {
        Self::of(BYTES_MAX)
    }

    fn of(bytes_max: usize) -> Arc<Self> {
        let mut key = [0; 32];
        let filled = aws_lc_rs::rand::fill(&mut key).is_ok();
        let key = filled.then(|| hmac::Key::new(hmac::HMAC_SHA256, &key));
        Arc::new(Self { key, bytes_max, held: Mutex::default() })
    }

    /// What there is of the act that `caller` asks for with `key`. `asked` tells it from others.
    pub(super) fn begin(
        self: &Arc<Self>,
        (caller, key): (&[u8], &str),
        asked: Name,
        now: Timestamp,
    ) -> Begun {
        let Some(seal) = self.name(b"seal", caller, key.as_bytes()) else { return Begun::Unable };
        let Ok(seal) = RandomizedNonceKey::new(&AES_256_GCM, &seal) else { return Begun::Unable };
        let names =
            (self.name(b"caller", caller, b""), self.name(b"place", caller, key.as_bytes()));
        let (Some(caller), Some(place)) = names else { return Begun::Unable };
        let mut held = self.lock();
        held.forget(now);
        let theirs = held.callers.entry(caller).or_default();
        let Some(kept) = theirs.all.get(&place) else {
            theirs.all.insert(place, Kept { asked, since: now, answer: None });
            drop(held);
            return Begun::New(Ticket { answers: Arc::clone(self), caller, place, seal });
        };
        if kept.asked != asked {
            return Begun::Other;
        }
        let Some(answer) = &kept.answer else { return Begun::UnderWay };
        let sealed = answer.whole.as_ref().or(answer.plain.as_ref());
        match sealed.and_then(|sealed| open(&seal, sealed)) {
            Some(body) => Begun::Done(answer.status, answer.headers.clone(), body),
            None => Begun::Forgotten,
        }
    }

    /// Forgets what is over. True while secrets are left, which want it done soon.
    pub(super) fn sweep(&self, now: Timestamp) -> bool {
        let mut held = self.lock();
        held.forget(now);
        held.swept = held.callers.values().any(|theirs| !theirs.secret.is_empty());
        held.swept
    }

    fn lock(&self) -> MutexGuard<'_, Held> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A name for words that are not kept.
    fn name(&self, what: &[u8], caller: &[u8], key: &[u8]) -> Option<Name> {
        let mut context = hmac::Context::with_key(self.key.as_ref()?);
        for part in [what, caller, key] {
            context.update(&u64::try_from(part.len()).ok()?.to_be_bytes());
            context.update(part);
        }
        context.sign().as_ref().try_into().ok()
    }
}

impl Ticket {
    /// The act was done, and is answered so. True if there is a secret now, and nobody sweeps.
    pub(super) fn done(
        self,
        (status, headers): (StatusCode, HeaderMap),
        body: &[u8],
        now: Timestamp,
    ) -> bool {
        let without = without_secret(body);
        let whole = without.is_some().then(|| seal(&self.seal, body.to_vec())).flatten();
        let plain = seal(&self.seal, without.unwrap_or_else(|| body.to_vec()));
        let has_secret = whole.is_some();
        let answer = Answer { status, headers, whole, plain };
        let most = self.answers.bytes_max;
        let mut held = self.answers.lock();
        held.put((self.caller, self.place), answer, now);
        held.make_room(most);
        has_secret && !std::mem::replace(&mut held.swept, true)
    }
}

impl Drop for Ticket {
    fn drop(&mut self) {
        let mut held = self.answers.lock();
        let Some(theirs) = held.callers.get_mut(&self.caller) else { return };
        if theirs.all.get(&self.place).is_some_and(|kept| kept.answer.is_none()) {
            theirs.all.remove(&self.place);
        }
        if theirs.all.is_empty() {
            held.callers.remove(&self.caller);
        }
    }
}

impl Held {
    fn put(&mut self, (caller, place): (Name, Name), answer: Answer, now: Timestamp) {
        let Some(theirs) = self.callers.get_mut(&caller) else { return };
        let Some(kept) = theirs.all.get_mut(&place) else { return };
        let bytes = answer.bytes();
        if answer.whole.is_some() {
            theirs.secret.push_back((place, now));
        }
        (kept.since, kept.answer) = (now, Some(answer));
        theirs.done.push_back((place, now));
        theirs.bytes += bytes;
        self.bytes += bytes;
    }

    /// Lets go of secrets, and then of answers, whose time is over.
    fn forget(&mut self, now: Timestamp) {
        let mut freed = 0;
        for theirs in self.callers.values_mut() {
            while let Some((place, since)) = theirs.secret.front().copied()
                && now.since(since) >= WITH_SECRET
            {
                theirs.secret.pop_front();
                freed += theirs.drop_secret(place, since);
            }
            while theirs.done.front().is_some_and(|(_, since)| now.since(*since) >= LASTS) {
                freed += theirs.drop_oldest();
            }
        }
        self.bytes = self.bytes.saturating_sub(freed);
        self.callers.retain(|_, theirs| !theirs.all.is_empty());
    }

    /// An eighth at a time, so that it is seldom done.
    fn make_room(&mut self, most: usize) {
        if self.bytes <= most {
            return;
        }
        while self.bytes > most - most / 8 {
            let largest = self.callers.values_mut().max_by_key(|theirs| theirs.bytes);
            let freed = largest.map_or(0, Theirs::drop_oldest);
            if freed == 0 {
                return;
            }
            self.bytes = self.bytes.saturating_sub(freed);
        }
    }
}

impl Theirs {
    /// Of the act that was answered then; the key may have been free since, and be another's.
    fn drop_secret(&mut self, place: Name, since: Timestamp) -> usize {
        let kept = self.all.get_mut(&place).filter(|kept| kept.since == since);
        let whole = kept.and_then(|kept| kept.answer.as_mut()?.whole.take());
        let bytes = whole.map_or(0, |sealed| sealed.data.len());
        self.bytes = self.bytes.saturating_sub(bytes);
        bytes
    }

    fn drop_oldest(&mut self) -> usize {
        let oldest = self.done.pop_front();
        let Some(kept) = oldest.and_then(|(place, _)| self.all.remove(&place)) else { return 0 };
        let bytes = kept.answer.as_ref().map_or(0, Answer::bytes);
        self.bytes = self.bytes.saturating_sub(bytes);
        bytes
    }
}

fn seal(key: &RandomizedNonceKey, mut data: Vec<u8>) -> Option<Sealed> {
    let nonce = key.seal_in_place_append_tag(Aad::empty(), &mut data).ok()?;
    Some(Sealed { nonce: *nonce.as_ref(), data: data.into() })
}

fn open(key: &RandomizedNonceKey, sealed: &Sealed) -> Option<Vec<u8>> {
    let mut data = sealed.data.to_vec();
    let nonce = Nonce::assume_unique_for_key(sealed.nonce);
    let length = key.open_in_place(nonce, Aad::empty(), &mut data).ok()?.len();
    data.truncate(length);
    Some(data)
}

/// The same answer without its secret; none if it has none. What else is in it stays as it is written.
fn without_secret(body: &[u8]) -> Option<Vec<u8>> {
    let mut members: BTreeMap<String, &RawValue> = serde_json::from_slice(body).ok()?;
    members.remove("secret")?;
    serde_json::to_vec(&members).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    const T: Timestamp = Timestamp::from_unix(1_800_000_000);

    fn begin(answers: &Arc<Answers>, caller: &str, key: &str, now: Timestamp) -> Begun {
        answers.begin((caller.as_bytes(), key), [7; 32], now)
    }

    fn do_it(answers: &Arc<Answers>, caller: &str, key: &str, body: &str, now: Timestamp) {
        let Begun::New(ticket) = begin(answers, caller, key, now) else { panic!("{key}") };
        ticket.done((StatusCode::CREATED, HeaderMap::new()), body.as_bytes(), now);
    }

    fn told(answers: &Arc<Answers>, caller: &str, key: &str, now: Timestamp) -> Option<String> {
        match begin(answers, caller, key, now) {
            Begun::Done(status, _, body) => {
                assert_eq!(status, 201);
                Some(String::from_utf8(body).unwrap())
            }
            Begun::New(_) => None,
            _ => panic!("{key}"),
        }
    }

    #[test]
    fn a_secret_is_told_again_for_minutes_and_the_rest_for_a_day() {
        let (answers, later) = (Answers::new(), |seconds| T.plus(Span::from_seconds(seconds)));
        let body = r#"{"token":{"params":{"n":1.50}},"secret":"tg_x"}"#;
        do_it(&answers, "a", "1", body, T);
        assert_eq!(told(&answers, "a", "1", later(599)).as_deref(), Some(body));
        let rest = r#"{"token":{"params":{"n":1.50}}}"#;
        assert_eq!(told(&answers, "a", "1", later(600)).as_deref(), Some(rest));
        assert_eq!(told(&answers, "a", "1", later(86_399)).as_deref(), Some(rest));
        assert_eq!(told(&answers, "b", "1", later(86_399)), None, "of another caller");
        assert_eq!(told(&answers, "a", "1", later(86_400)), None);
        assert!(answers.lock().callers.is_empty() && answers.lock().bytes == 0);
        do_it(&answers, "a", "2", body, T);
        assert!(answers.sweep(later(599)) && !answers.sweep(later(600)), "swept by itself");
        for words in answers.lock().callers.values().flat_map(|theirs| theirs.all.values()) {
            let plain = words.answer.as_ref().unwrap().plain.as_ref().unwrap();
            assert!(!plain.data.windows(5).any(|part| part == b"token"), "nothing lies open");
        }
    }

    #[test]
    fn one_is_under_way_at_a_time_and_what_failed_may_be_tried_again() {
        let answers = Answers::new();
        let Begun::New(ticket) = begin(&answers, "a", "1", T) else { panic!() };
        assert!(matches!(begin(&answers, "a", "1", T), Begun::UnderWay));
        let other = answers.begin((b"a", "1"), [8; 32], T);
        assert!(matches!(other, Begun::Other));
        drop(ticket);
        do_it(&answers, "a", "1", "{}", T);
        assert!(matches!(answers.begin((b"a", "1"), [8; 32], T), Begun::Other));
    }

    #[test]
    fn memory_is_bounded_and_the_largest_gives_way() {
        let answers = Answers::of(64 << 10);
        do_it(&answers, "small", "1", "{}", T);
        let body = format!("{{\"x\":\"{}\"}}", "x".repeat(1_000));
        for n in 0..1_000 {
            do_it(&answers, "large", &n.to_string(), &body, T);
            assert!(answers.lock().bytes <= 64 << 10);
        }
        assert!(told(&answers, "small", "1", T).is_some());
        assert!(told(&answers, "large", "999", T).is_some());
        assert!(told(&answers, "large", "0", T).is_none(), "the oldest");
        let held = answers.lock();
        let sum: usize = held.callers.values().map(|theirs| theirs.bytes).sum();
        assert_eq!(sum, held.bytes);
    }
}
