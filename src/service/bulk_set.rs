//! The tokens that an act on many is about, and the word that stands for them.

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use aws_lc_rs::digest::{Context, SHA256};

use crate::domain::id::{OwnerId, Slug};
use crate::domain::time::Timestamp;
use crate::domain::token::{End, Token};
use crate::service::caller::Caller;
use crate::service::error::ServiceError;
use crate::service::list::{Reach, TokenList};
use crate::service::{PAGE_ENTRIES, Service};
use crate::store::{Listed, Order, TokenFilter, TokenQuery};

/// Digits of the digest in a word: 64 bits, for a set that nobody has a reason to forge.
const DIGITS: usize = 16;

/// Which tokens are asked for.
#[derive(Debug)]
pub(super) struct Set {
    filter: TokenFilter,
    /// The moment at which they are judged.
    pub(super) now: Timestamp,
    /// Those that were ended at this moment or later are still among them.
    since: Option<Timestamp>,
    question: String,
}

/// The word of what was shown.
#[derive(Debug)]
pub(super) struct Confirm {
    /// How many tokens there were.
    pub(super) tokens: usize,
    /// When it was shown.
    pub(super) at: Timestamp,
    digest: String,
}

impl fmt::Display for Confirm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{}-{}", self.tokens, self.at.unix(), self.digest)
    }
}

impl FromStr for Confirm {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        let mut parts = text.splitn(3, '-');
        let mut part = || parts.next().ok_or(());
        Ok(Self {
            tokens: part()?.parse().map_err(|_| ())?,
            at: Timestamp::from_unix(part()?.parse().map_err(|_| ())?),
            digest: part()?.to_owned(),
        })
    }
}

/// What is known of the tokens after they were walked through.
pub(super) struct Members {
    /// How many have not ended.
    pub(super) alive: usize,
    /// How many are not the caller's to end.
    pub(super) not_yours: usize,
    all: usize,
    of_alive: Context,
    of_all: Context,
}

impl Members {
    pub(super) fn new(set: &Set) -> Self {
        let mut of_alive = Context::new(&SHA256);
        of_alive.update(set.question.as_bytes());
        Self { alive: 0, not_yours: 0, all: 0, of_all: of_alive.clone(), of_alive }
    }

    pub(super) fn add(&mut self, token: &Token) {
        self.all += 1;
        self.of_all.update(token.id.as_bytes());
        if token.ended.is_none() {
            self.alive += 1;
            self.of_alive.update(token.id.as_bytes());
        }
    }

    /// The word of those that have not ended.
    pub(super) fn confirm(&self, at: Timestamp) -> Confirm {
        Confirm { tokens: self.alive, at, digest: digits(&self.of_alive) }
    }

    /// Whether they are those that were shown, ended or not. A token may have ended in the second in which
    /// the others were shown, and was then not one of them.
    pub(super) fn are(&self, shown: &Confirm) -> bool {
        let is = |tokens, of: &Context| tokens == shown.tokens && digits(of) == shown.digest;
        is(self.all, &self.of_all) || is(self.alive, &self.of_alive)
    }
}

fn digits(of: &Context) -> String {
    let hash = of.clone().finish();
    hash.as_ref().iter().take(DIGITS / 2).map(|byte| format!("{byte:02x}")).collect()
}

impl Service {
    /// What `asked` means for `by`.
    pub(super) async fn set(
        &self,
        by: &Caller,
        asked: &TokenList,
        since: Option<Timestamp>,
    ) -> Result<Set, ServiceError> {
        if asked.order.is_some() || asked.cursor.is_some() || asked.limit.is_some() {
            let problem = "all tokens that fit are meant: no order, no cursor and no limit";
            return Err(ServiceError::field("filter", problem));
        }
        if self.filter(&Reach::ALL, asked)?.is_open() {
            let problem = "name at least one filter; `state` with `active` is all that work";
            return Err(ServiceError::field("filter", problem));
        }
        let (reach, now) = (self.reach_of(by, asked).await?, self.at().await?);
        let filter = self.filter(&reach, asked)?;
        let question = format!("{} {filter:?}", by.actor);
        Ok(Set { filter, now, since, question })
    }

    /// Shows `visit` every token of `set` that `by` may end, in the order of their ids, and says how many they
    /// see and may not end.
    pub(super) async fn walk(
        &self,
        by: &Caller,
        set: &Set,
        mut visit: impl FnMut(&Arc<Token>),
    ) -> Result<usize, ServiceError> {
        // What has ended since is judged as if it had not.
        let filter = TokenFilter { standings: None, ends_before: None, ..set.filter.clone() };
        let (mut after, mut not_yours) = (None, 0);
        loop {
            let (filter, limit) = (filter.clone(), PAGE_ENTRIES);
            let query = TokenQuery { filter, order: Order::Oldest, after, limit, now: set.now };
            let page = self.store().tokens(&query).await?;
            let keys: Vec<_> = page.entries.iter().map(Listed::use_key).collect();
            let uses = self.cache.last_uses(&keys).await?;
            // Of one page, so that they stay few.
            let (mut minded, mut blocked) = (BTreeMap::new(), BTreeMap::new());
            for (Listed { token, .. }, used) in page.entries.iter().zip(uses) {
                let Some(judged) = set.as_alive(token) else { continue };
                let is_blocked =
                    set.filter.asks_blocked() && self.is_blocked_once(&mut blocked, token).await?;
                let used = used.map(|last| last.at);
                if !set.filter.matches(&judged, used, is_blocked, set.now) {
                    continue;
                }
                match self.minds_once(by, &mut minded, &token.owner).await? {
                    Some(true) => visit(token),
                    Some(false) => not_yours += usize::from(token.ended.is_none()),
                    None => {}
                }
            }
            after = page.next;
            if after.is_none() {
                return Ok(not_yours);
            }
        }
    }

    /// Whether `by` may end tokens of `owner`; none if they may not see them either.
    async fn minds_once<'t>(
        &self,
        by: &Caller,
        known: &mut BTreeMap<&'t OwnerId, Option<bool>>,
        owner: &'t OwnerId,
    ) -> Result<Option<bool>, ServiceError> {
        if let Some(minds) = known.get(owner) {
            return Ok(*minds);
        }
        let record = self.owner_record(owner).await?;
        let relation = self.relation(by, &record).await?;
        let sees = by.sees(&record, relation);
        let minds = sees.then(|| by.minds_tokens_of(&record, relation));
        known.insert(owner, minds);
        Ok(minds)
    }

    async fn is_blocked_once<'t>(
        &self,
        known: &mut BTreeMap<(&'t OwnerId, Option<&'t Slug>), bool>,
        token: &'t Token,
    ) -> Result<bool, ServiceError> {
        let of = (&token.owner, token.company.as_ref());
        if let Some(blocked) = known.get(&of) {
            return Ok(*blocked);
        }
        let blocked = self.is_blocked(token).await?;
        known.insert(of, blocked);
        Ok(blocked)
    }
}

impl Set {
    /// The token as the filter judges it; none if it had ended before.
    fn as_alive(&self, token: &Arc<Token>) -> Option<Arc<Token>> {
        match &token.ended {
            None => Some(Arc::clone(token)),
            Some(ended) => {
                let since = self.since.is_some_and(|since| ended.act.at >= since);
                let counts = since && matches!(ended.how, End::Revoked | End::Leaked);
                counts.then(|| Arc::new(Token { ended: None, ..Token::clone(token) }))
            }
        }
    }
}
