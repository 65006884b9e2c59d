//! Lists of tokens, as somebody asks for them.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use aws_lc_rs::hmac;
use serde::Deserialize;

use crate::domain::flags::Flags;
use crate::domain::id::{OwnerId, Slug};
use crate::domain::secret;
use crate::domain::time::Timestamp;
use crate::domain::token::Token;
use crate::service::caller::Caller;
use crate::service::cursor::{self, Cursors};
use crate::service::error::ServiceError;
use crate::service::input::FlagsInput;
use crate::service::view::TokenView;
use crate::service::{PAGE_ENTRIES, Service, check, page_size};
use crate::store::{
    Listed, Order, Page, Position, Rotated, Standing, StoreError, TokenFilter, TokenQuery, Usage,
    Used,
};

/// How many pages of the store are looked through for one of tokens that are used up: some 40 ms for each.
const LOOKS: usize = if cfg!(test) { 8 } else { 2 };

/// The size of one of these pages.
const CANDIDATES: usize = if cfg!(test) { 4 } else { PAGE_ENTRIES };

/// How many entries a page has if the question does not say.
pub const USUAL_ENTRIES: usize = 100;

/// Whose tokens somebody may see; none for everybody's.
pub type Reach = Option<BTreeSet<OwnerId>>;

/// A token of a page, as it is at the moment of that.
#[derive(Debug)]
pub(super) struct Shown {
    pub(super) token: Arc<Token>,
    /// Whether its owner or its company is blocked.
    pub(super) blocked: bool,
    pub(super) last_use: Option<Usage>,
}

/// Which tokens to list. All conditions hold at once; empty text is as if it were left out, as forms send it.
#[derive(Clone, Debug, Default, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct TokenList {
    /// States, separated by commas: one of them. `active` leaves out those whose owner or company is blocked; `used_up`
    /// are those that were used as often as they may be in all and have not ended.
    #[serde(default)]
    pub state: Option<String>,
    /// Whom it acts for.
    #[serde(default)]
    pub owner: Option<String>,
    /// The tenant.
    #[serde(default)]
    pub company: Option<String>,
    /// A context that it may use.
    #[serde(default)]
    pub context: Option<String>,
    /// Names of flags or numbers, separated by commas: it has all of them.
    #[serde(default)]
    pub flags: Option<String>,
    /// Its whole name.
    #[serde(default)]
    pub name: Option<String>,
    /// The last characters of its secret.
    #[serde(default)]
    pub hint: Option<String>,
    /// It was made then or later.
    #[serde(default)]
    pub created_from: Option<String>,
    /// It was made before.
    #[serde(default)]
    pub created_before: Option<String>,
    /// Its time is over before.
    #[serde(default)]
    pub expires_before: Option<String>,
    /// It lives, and will be over before, by time or by idleness.
    #[serde(default)]
    pub ends_before: Option<String>,
    /// It was used last before, or never.
    #[serde(default)]
    pub last_used_before: Option<String>,
    /// It was never used.
    #[serde(default)]
    pub never_used: Option<bool>,
    /// It lives and has a successor: `any`, or `in_use` if it was used since that was made.
    #[serde(default)]
    pub rotated: Option<String>,
    /// Text in its name, application or description, or in its owner's id; or its own whole id.
    #[serde(default)]
    pub text: Option<String>,
    /// `newest` first, or `oldest`.
    #[serde(default)]
    pub order: Option<Order>,
    /// Where the page before ended.
    #[serde(default)]
    pub cursor: Option<String>,
    /// The most entries.
    #[serde(default)]
    pub limit: Option<usize>,
}

impl TokenList {
    /// The conditions that say something, by their names, for the history.
    pub(super) fn said(&self) -> BTreeMap<String, String> {
        let never_used = self.never_used.filter(|never| *never).map(|never| never.to_string());
        let fields = [
            ("state", &self.state),
            ("owner", &self.owner),
            ("company", &self.company),
            ("context", &self.context),
            ("flags", &self.flags),
            ("name", &self.name),
            ("hint", &self.hint),
            ("created_from", &self.created_from),
            ("created_before", &self.created_before),
            ("expires_before", &self.expires_before),
            ("ends_before", &self.ends_before),
            ("last_used_before", &self.last_used_before),
            ("never_used", &never_used),
            ("rotated", &self.rotated),
            ("text", &self.text),
        ];
        let said = |(name, text): (&str, &Option<String>)| {
            let text = text.as_deref()?.trim();
            // Somebody may have searched for a secret.
            (!text.is_empty()).then(|| (name.to_owned(), secret::redact(text).into_owned()))
        };
        fields.into_iter().filter_map(said).collect()
    }
}

impl Service {
    /// A page of tokens, newest first unless the question says otherwise. Ended ones stay in the list for ever
    /// (rows E9 and F3). A page may have fewer entries than were asked for, and another one behind it.
    ///
    /// # Errors
    /// A value that cannot be, a cursor of another list (sec-W6), no such owner, or a store that cannot be read.
    pub async fn tokens(
        &self,
        by: &Caller,
        asked: &TokenList,
    ) -> Result<Page<TokenView, String>, ServiceError> {
        let (settings, now) = (self.settings(), self.moment().await?);
        let page = self.listed(by, asked, now).await?;
        let mut entries = Vec::with_capacity(page.entries.len());
        for Shown { token, blocked, last_use } in page.entries {
            let view = TokenView::new(&token, blocked, last_use, &settings.flags, now);
            let view = view.with_lacks(&settings.contexts);
            entries.push(view.with_left(self.left(&token).await?));
        }
        Ok(Page { entries, next: page.next })
    }

    /// The same with their records.
    pub(super) async fn listed(
        &self,
        by: &Caller,
        asked: &TokenList,
        now: Timestamp,
    ) -> Result<Page<Shown, String>, ServiceError> {
        let reach = self.reach_of(by, asked).await?;
        let filter = self.filter(reach.as_ref(), asked)?;
        let order = asked.order.unwrap_or_default();
        // Of whom it is asked, not whom they see just now: others may come while somebody turns pages.
        let question = format!("{} {order:?} {:?}", by.actor, self.filter(None, asked)?);
        let cursors = Cursors::new(self.cursor_key().await?, question);
        let after = given(&asked.cursor).map(|text| cursors.read(text)).transpose()?;
        let limit = page_size(asked.limit.unwrap_or(USUAL_ENTRIES))?;
        let asks_meters = filter.asks_used_up();
        let step = if asks_meters { CANDIDATES } else { limit };
        let mut query = TokenQuery { filter, order, after, limit: step, now };
        let mut entries = Vec::new();
        for _ in 0..LOOKS {
            let page = self.store().tokens(&query).await?;
            entries.extend(self.fitting(&query, &page.entries).await?);
            query.after = page.next;
            if query.after.is_none() || entries.len() >= limit || !asks_meters {
                break;
            }
        }
        if let (Some(owner), true) = (&owner(asked)?, entries.is_empty() && reach.is_none()) {
            self.owner_record(owner).await?;
        }
        if entries.len() > limit {
            entries.truncate(limit);
            query.after = entries.last().map(|shown| shown.token.id);
        }
        Ok(Page { entries, next: query.after.map(|last| cursors.write(last)) })
    }

    /// Those of the tokens that the store lists which fit by what it does not know: uses of the last seconds, and
    /// meters.
    async fn fitting(
        &self,
        query: &TokenQuery,
        listed: &[Listed],
    ) -> Result<Vec<Shown>, ServiceError> {
        let mut blocked: BTreeMap<(&OwnerId, Option<&Slug>), bool> = BTreeMap::new();
        let keys: Vec<_> = listed.iter().map(Listed::use_key).collect();
        let last_uses = self.cache.last_uses(&keys).await?;
        let mut entries = Vec::with_capacity(listed.len());
        for (Listed { token, .. }, last_use) in listed.iter().zip(last_uses) {
            let of = (&token.owner, token.company.as_ref());
            let blocked = match blocked.get(&of) {
                Some(blocked) => *blocked,
                None => {
                    let is_blocked = self.is_blocked(token).await?;
                    *blocked.entry(of).or_insert(is_blocked)
                }
            };
            let mut course = token.course();
            if query.filter.asks_used_up() {
                course.may_be_used_up = self.is_used_up(token).await?;
            }
            let used = last_use.as_ref().map(|last| last.at);
            if query.filter.matches_course(&course, used, blocked, query.now) {
                entries.push(Shown { token: Arc::clone(token), blocked, last_use });
            }
        }
        Ok(entries)
    }

    /// Whether a token was used as often as it may be in all.
    pub(super) async fn is_used_up(&self, token: &Token) -> Result<bool, ServiceError> {
        if token.limits.uses.is_none() {
            return Ok(false);
        }
        Ok(self.left(token).await?.is_some_and(|left| left.uses == Some(0)))
    }

    /// Whose tokens `by` may see, of those that are asked for. Whoever sees an owner sees all of its tokens.
    pub(super) async fn reach_of(
        &self,
        by: &Caller,
        asked: &TokenList,
    ) -> Result<Reach, ServiceError> {
        if by.sees_all() {
            return Ok(None);
        }
        if let Some(owner) = owner(asked)? {
            self.let_see(by, &*self.owner_record(&owner).await?).await?;
            return Ok(Some([owner].into()));
        }
        Ok(Some(self.seen_by(by).await?))
    }

    /// What the question asks for, of what the caller may see.
    pub(super) fn filter(
        &self,
        reach: Option<&BTreeSet<OwnerId>>,
        asked: &TokenList,
    ) -> Result<TokenFilter, ServiceError> {
        let settings = self.settings();
        let catalog = &settings.flags;
        let flags = match given(&asked.flags) {
            None => Flags::NONE,
            Some(text) => {
                let names = text.split(',').map(|name| name.trim().to_owned()).collect();
                check::flags("flags", &FlagsInput::Names(names), catalog)?
            }
        };
        let moment = |field: &str, text: &Option<String>| parsed::<Timestamp>(field, text);
        let owners = match owner(asked)? {
            None => reach.cloned(),
            Some(owner) => Some([owner].into()),
        };
        // What left the configuration opens nothing to a token for all contexts; others keep its name.
        let (context, named_context) = match parsed::<Slug>("context", &asked.context)? {
            Some(name) if !settings.contexts.contains_key(&name) => (None, Some(name)),
            known => (known, None),
        };
        let mut filter = TokenFilter {
            owners,
            company: parsed("company", &asked.company)?,
            standings: standings(asked)?,
            context,
            named_context,
            flags,
            name: line("name", &asked.name)?,
            hint: hint(asked)?,
            created_from: moment("created_from", &asked.created_from)?,
            created_before: moment("created_before", &asked.created_before)?,
            expires_before: moment("expires_before", &asked.expires_before)?,
            ends_before: moment("ends_before", &asked.ends_before)?,
            used: moment("last_used_before", &asked.last_used_before)?.map(Used::Before),
            rotated: rotated(asked)?,
            text: line("text", &asked.text)?,
        };
        if asked.never_used == Some(true) {
            filter.used = Some(Used::Never);
        }
        Ok(filter)
    }

    /// Before there is anything, one that anybody can make: there is nothing to list.
    async fn cursor_key(&self) -> Result<hmac::Key, StoreError> {
        if let Some(known) = self.cursor_key.get() {
            return Ok(known.clone());
        }
        let first = self.store().events(None, Some(Position(2)), 1).await?.entries.pop();
        let Some(first) = first else { return Ok(cursor::key("")) };
        Ok(self.cursor_key.get_or_init(|| cursor::key(&first.line)).clone())
    }
}

pub(super) fn given(text: &Option<String>) -> Option<&str> {
    text.as_deref().filter(|text| !text.is_empty())
}

pub(super) fn owner(asked: &TokenList) -> Result<Option<OwnerId>, ServiceError> {
    parsed("owner", &asked.owner)
}

pub(super) fn parsed<T: std::str::FromStr<Err: std::fmt::Display>>(
    field: &str,
    text: &Option<String>,
) -> Result<Option<T>, ServiceError> {
    let parse = |text: &str| text.parse().map_err(|error| ServiceError::field(field, error));
    given(text).map(parse).transpose()
}

pub(super) fn line(field: &str, text: &Option<String>) -> Result<Option<String>, ServiceError> {
    let Some(text) = given(text) else { return Ok(None) };
    check::line(field, text, check::NAME_CHARS)?;
    Ok(Some(text.to_owned()))
}

/// More would be the end of no token.
fn hint(asked: &TokenList) -> Result<Option<String>, ServiceError> {
    let Some(text) = given(&asked.hint) else { return Ok(None) };
    check::line("hint", text, check::HINT_CHARS)?;
    Ok(Some(text.to_owned()))
}

fn rotated(asked: &TokenList) -> Result<Option<Rotated>, ServiceError> {
    match given(&asked.rotated) {
        None => Ok(None),
        Some("any") => Ok(Some(Rotated::Any)),
        Some("in_use") => Ok(Some(Rotated::InUse)),
        Some(_) => Err(ServiceError::field("rotated", "it is `any` or `in_use`")),
    }
}

fn standings(asked: &TokenList) -> Result<Option<BTreeSet<Standing>>, ServiceError> {
    let Some(text) = given(&asked.state) else { return Ok(None) };
    let one = |name: &str| {
        name.trim()
            .parse()
            .map_err(|error: crate::store::query::BadStanding| ServiceError::field("state", error))
    };
    text.split(',').map(one).collect::<Result<_, _>>().map(Some)
}
