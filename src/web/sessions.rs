//! Who is signed in. A session is a random word in a cookie; what is known of it is kept in memory by its
//! digest, so that nothing that can be read here lets anybody in, and ends with the process.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;

use crate::config::settings::SessionSettings;
use crate::domain::id::{OwnerId, Slug};
use crate::domain::owner::{Owner, PasswordHash};
use crate::domain::secret::Digest;
use crate::domain::time::Timestamp;

/// The name of the cookie. Browsers take one with this beginning only if it is of this host alone, of all
/// of its paths, and secure (RFC 6265bis section 4.1.3.2).
pub const COOKIE: &str = "__Host-tollgate";

/// The most sessions of one person; the one that was quiet for longest goes for another.
const OF_ONE: usize = 20;

/// The most sessions in all.
const IN_ALL: usize = 10_000;

/// All sessions.
#[derive(Debug, Default)]
pub struct Sessions(Mutex<HashMap<Digest, Session>>);

/// One of them.
#[derive(Clone)]
pub struct Session {
    /// Whose it is.
    pub owner: OwnerId,
    /// What a page must send back with every act, since the cookie travels by itself (sec-W1).
    pub csrf: String,
    /// Of which company they were when it began.
    company: Option<Slug>,
    /// The password with which it began: another one ends it.
    password: Option<PasswordHash>,
    began: Timestamp,
    seen: Timestamp,
}

impl Sessions {
    /// Begins one for `owner`, who has shown their password. Answers with the word for the cookie, which is
    /// a new one each time (sec-W3); none if the machine has no random numbers.
    pub fn begin(&self, owner: &Owner, now: Timestamp) -> Option<String> {
        let (word, csrf) = (word()?, word()?);
        let session = Session {
            owner: owner.id.clone(),
            csrf,
            company: owner.company.clone(),
            password: owner.password.clone(),
            began: now,
            seen: now,
        };
        let mut all = self.all();
        let oldest = |all: &HashMap<Digest, Session>, among: &dyn Fn(&Session) -> bool| {
            let among = all.iter().filter(|(_, session)| among(session));
            among.min_by_key(|(_, session)| session.seen).map(|(digest, _)| *digest)
        };
        let mine = |session: &Session| session.owner == owner.id;
        if all.values().filter(|session| mine(session)).count() >= OF_ONE
            && let Some(oldest) = oldest(&all, &mine)
        {
            all.remove(&oldest);
        }
        if all.len() >= IN_ALL
            && let Some(oldest) = oldest(&all, &|_| true)
        {
            all.remove(&oldest);
        }
        all.insert(Digest::of(word.as_bytes()), session);
        Some(word)
    }

    /// The session of a cookie, if it lasts still; it counts as used then.
    pub fn find(&self, word: &str, lasting: &SessionSettings, now: Timestamp) -> Option<Session> {
        let digest = Digest::of(word.as_bytes());
        let mut all = self.all();
        let session = all.get_mut(&digest)?;
        let over = now >= session.began.plus(lasting.lifetime)
            || now >= session.seen.plus(lasting.idle_ttl)
            || now < session.began;
        if over {
            all.remove(&digest);
            return None;
        }
        session.seen = session.seen.max(now);
        Some(session.clone())
    }

    /// Ends one, at once (sec-W3).
    pub fn end(&self, word: &str) {
        self.all().remove(&Digest::of(word.as_bytes()));
    }

    /// Ends all of an owner who is blocked: they do not come back when the owner does (sec-W3).
    pub fn end_all_of(&self, owner: &OwnerId) {
        self.all().retain(|_, session| session.owner != *owner);
    }

    /// The same of the people of a company that is blocked.
    pub fn end_all_of_company(&self, company: &Slug) {
        self.all().retain(|_, session| session.company.as_ref() != Some(company));
    }

    /// Lets go of those that are over.
    pub fn sweep(&self, lasting: &SessionSettings, now: Timestamp) {
        self.all().retain(|_, session| {
            now < session.began.plus(lasting.lifetime) && now < session.seen.plus(lasting.idle_ttl)
        });
    }

    fn all(&self) -> MutexGuard<'_, HashMap<Digest, Session>> {
        // What was done to the map while somebody panicked was one insertion or removal.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl std::fmt::Debug for Session {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "[session of {}]", self.owner)
    }
}

impl Session {
    /// Whether `owner`, as it is now, may go on with it.
    pub fn holds_for(&self, owner: &Owner) -> bool {
        owner.id == self.owner
            && owner.blocked.is_none()
            && owner.password.is_some()
            && owner.password == self.password
    }
}

/// 256 random bits as text.
fn word() -> Option<String> {
    let mut bytes = [0; 32];
    aws_lc_rs::rand::fill(&mut bytes).ok()?;
    Some(BASE64_URL_SAFE_NO_PAD.encode(bytes))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::event::Actor;
    use crate::domain::time::Span;
    use crate::domain::token::Act;
    use crate::store::sample;

    const LASTING: &SessionSettings =
        &SessionSettings { idle_ttl: Span::from_seconds(100), lifetime: Span::from_seconds(1_000) };

    fn at(seconds: u64) -> Timestamp {
        Timestamp::from_unix(seconds)
    }

    fn owner(id: &str) -> Owner {
        let mut owner = Owner::clone(&sample::owner(id));
        owner.password = Some(PasswordHash::new("one".to_owned()));
        owner
    }

    #[test]
    fn a_session_ends_with_its_time_and_its_quiet() {
        let sessions = Sessions::default();
        let word = sessions.begin(&owner("alice"), at(10_000)).unwrap();
        assert!(sessions.find("another", LASTING, at(10_000)).is_none());
        for second in (10_000..10_990).step_by(99) {
            assert!(sessions.find(&word, LASTING, at(second)).is_some(), "{second}");
        }
        assert!(sessions.find(&word, LASTING, at(11_000)).is_none(), "its whole time");
        assert!(sessions.find(&word, LASTING, at(10_995)).is_none(), "it does not come back");
        let quiet = sessions.begin(&owner("alice"), at(10_000)).unwrap();
        assert!(sessions.find(&quiet, LASTING, at(10_100)).is_none());
        let early = sessions.begin(&owner("alice"), at(10_000)).unwrap();
        assert!(sessions.find(&early, LASTING, at(9_999)).is_none(), "a clock that went back");
    }

    #[test]
    fn sec_w3_words_are_new_and_dead_at_once() {
        let sessions = Sessions::default();
        let one = sessions.begin(&owner("alice"), at(0)).unwrap();
        let other = sessions.begin(&owner("alice"), at(0)).unwrap();
        assert!(one != other && one.len() == 43);
        sessions.end(&one);
        assert!(sessions.find(&one, LASTING, at(1)).is_none());
        assert!(sessions.find(&other, LASTING, at(1)).is_some());
        assert!(!format!("{sessions:?}").contains(&other));
    }

    #[test]
    fn another_password_and_a_block_end_it() {
        let sessions = Sessions::default();
        let mut alice = owner("alice");
        let word = sessions.begin(&alice, at(0)).unwrap();
        let session = sessions.find(&word, LASTING, at(1)).unwrap();
        assert!(session.holds_for(&alice) && !session.holds_for(&owner("bob")));
        let act = Act { at: at(0), by: Actor::System, reason: String::new() };
        let blocked = Owner { blocked: Some(act), ..alice.clone() };
        assert!(!session.holds_for(&blocked));
        alice.password = Some(PasswordHash::new("other".to_owned()));
        assert!(!session.holds_for(&alice));
        alice.password = None;
        assert!(!session.holds_for(&alice));
    }

    #[test]
    fn those_of_a_blocked_company_do_not_come_back() {
        let sessions = Sessions::default();
        let company = |name: &str| Some(name.parse().unwrap());
        let of = |name| Owner { company: name, ..owner("alice") };
        let all = [company("acme"), company("other"), None];
        let words = all.map(|name| sessions.begin(&of(name), at(0)).unwrap());
        sessions.end_all_of_company(&"acme".parse().unwrap());
        let found = words.map(|word| sessions.find(&word, LASTING, at(1)).is_some());
        assert_eq!(found, [false, true, true]);
    }

    #[test]
    fn nobody_has_more_than_their_share() {
        let sessions = Sessions::default();
        let words: Vec<_> = (0..=OF_ONE as u64)
            .map(|nth| sessions.begin(&owner("alice"), at(nth)).unwrap())
            .collect();
        let bob = sessions.begin(&owner("bob"), at(0)).unwrap();
        assert!(sessions.find(&words[0], LASTING, at(30)).is_none(), "the quietest went");
        assert!(sessions.find(&words[1], LASTING, at(30)).is_some());
        assert!(sessions.find(&bob, LASTING, at(30)).is_some());
        sessions.sweep(LASTING, at(5_000));
        assert!(sessions.all().is_empty());
    }
}
