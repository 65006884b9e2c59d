//! The tokens that an act on many is about, and the word that stands for them.

use std::collections::HashMap;
use std::fmt;
use std::str::FromStr;

use aws_lc_rs::digest::{Context, SHA256};

use crate::domain::time::Timestamp;
use crate::domain::token::{Course, End};
use crate::service::Service;
use crate::service::caller::Caller;
use crate::service::error::ServiceError;
use crate::service::list::{self, TokenList};
use crate::service::walk::Walk;
use crate::store::{Glance, Order, OwnerKey, TokenFilter, TokenQuery};

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

    pub(super) fn add(&mut self, token: &Glance) {
        self.all += 1;
        self.of_all.update(token.id.as_bytes());
        if token.course.ended.is_none() {
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
        if self.filter(None, asked)?.is_open() {
            let problem = "name at least one filter; `state` with `active` is all that work";
            return Err(ServiceError::field("filter", problem));
        }
        let (reach, now) = (self.reach_of(by, asked).await?, self.at().await?);
        let filter = self.filter(reach.as_ref(), asked)?;
        self.let_be_known(by, &filter, asked).await?;
        let question = format!("{} {filter:?}", by.actor);
        Ok(Set { filter, now, since, question })
    }

    /// Refuses a name that is nobody's: whoever misspelt it would think that a leaver's tokens had ended. A company need
    /// not be on record if there are tokens of it.
    async fn let_be_known(
        &self,
        by: &Caller,
        filter: &TokenFilter,
        asked: &TokenList,
    ) -> Result<(), ServiceError> {
        if let Some(owner) = list::owner(asked)? {
            self.owner_record(&owner).await?;
        }
        let Some(company) = &filter.company else { return Ok(()) };
        if !by.sees_all() && by.watched_company().is_none() {
            // They see none, whatever there is.
            return Ok(());
        }
        match self.company_seen(by, company).await {
            Err(ServiceError::NoCompany(_)) => {}
            other => return other.map(|_| ()),
        }
        let filter = TokenFilter {
            company: Some(company.clone()),
            owners: filter.owners.clone(),
            ..TokenFilter::default()
        };
        let now = self.at().await?;
        let any = TokenQuery { filter, order: Order::default(), after: None, limit: 1, now };
        match self.store().tokens(&any).await? {
            page if page.entries.is_empty() && page.next.is_none() => {
                Err(ServiceError::NoCompany(company.clone()))
            }
            _ => Ok(()),
        }
    }

    /// Shows `visit` every token of `set` that `by` may end, in the order of their ids, and says how many they
    /// see and may not end.
    pub(super) async fn walk(
        &self,
        by: &Caller,
        set: &Set,
        mut visit: impl FnMut(&Glance),
    ) -> Result<usize, ServiceError> {
        // What has ended since is judged as if it had not.
        let filter =
            TokenFilter { standings: None, ends_before: None, rotated: None, ..set.filter.clone() };
        let (mut walk, mut not_yours) = (Walk::new(filter, set.now), 0);
        let mut known: HashMap<OwnerKey, Option<bool>> = HashMap::new();
        while let Some(some) = self.step(&mut walk).await? {
            for token in &some {
                let Some(mut course) = set.as_alive(token) else { continue };
                if course.may_be_used_up && set.filter.asks_used_up() {
                    course.may_be_used_up =
                        self.is_used_up(&*self.token_record(token.id).await?).await?;
                }
                if !set.filter.matches_course(&course, token.used, token.blocked, set.now) {
                    continue;
                }
                let minds = match known.get(&token.owner) {
                    Some(minds) => *minds,
                    None => {
                        let minds = self.minds_owner_of(by, token).await?;
                        *known.entry(token.owner).or_insert(minds)
                    }
                };
                match minds {
                    Some(true) => visit(token),
                    Some(false) => not_yours += usize::from(token.course.ended.is_none()),
                    None => {}
                }
            }
        }
        Ok(not_yours)
    }

    /// Whether `by` may end tokens of the owner of `token`; none if they may not see them either.
    async fn minds_owner_of(
        &self,
        by: &Caller,
        token: &Glance,
    ) -> Result<Option<bool>, ServiceError> {
        let Some(owner) = self.owner_of(token).await? else { return Ok(None) };
        let relation = self.relation(by, &owner).await?;
        if !by.sees(&owner, relation) {
            return Ok(None);
        }
        Ok(Some(self.may_mind_tokens(by, &owner).await?))
    }
}

impl Set {
    /// The token as the filter judges it; none if it had ended before.
    fn as_alive(&self, token: &Glance) -> Option<Course> {
        let course = token.course;
        let alive = Course { ended: None, ..course };
        match course.ended {
            None => Some(alive),
            Some(End::Revoked | End::Leaked) => {
                let since = |since| token.ended_at.is_some_and(|at| at >= since);
                self.since.is_some_and(since).then_some(alive)
            }
            Some(End::Expired | End::IdleExpired) => None,
        }
    }
}
