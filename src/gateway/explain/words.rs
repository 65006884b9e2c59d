//! What a check held against what, in words for operators. Each sentence stands here as a whole: pages find it by
//! its words, to say it in other languages (`web/exact.rs`).

use std::fmt::Display;

use http::{Method, Uri};

use crate::config::settings::Dialect;
use crate::domain::decision::Case;
use crate::domain::flags::{FlagCatalog, Flags};
use crate::domain::grant::{Contexts, Items};
use crate::domain::id::Slug;
use crate::domain::left::Left;
use crate::domain::limits::Limits;
use crate::domain::refusal::Refusal;
use crate::domain::rule::ItemRule;
use crate::domain::token::{Act, End, Ended};
use crate::gateway::cors::Cors;
use crate::gateway::identity::UndeliverableParam;
use crate::gateway::path::Ambiguities;
use crate::gateway::plan::RulePlan;
use crate::gateway::route::Matched;
use crate::store::{Held, Usage};
use crate::wire::origins::Origins;
use crate::wire::proxies::Proxies;

use super::shown;
use super::{Credential, Moment};

/// Which host was named.
pub(super) fn host(url: &Uri, read: Option<&std::rc::Rc<str>>) -> String {
    match (url.authority(), read) {
        (None, Some(_)) => "none is named: APIs without a host answer".to_owned(),
        (Some(authority), Some(host)) => format!("`{authority}` is read as `{host}`"),
        (_, None) => format!("`{url}` does not name one host of http or https"),
    }
}

/// Which API and which rule the request met, or which rules have its path for other methods.
pub(super) fn route(
    matched: &Matched<'_>,
    host: &str,
    method: &Method,
    at_path: &[&RulePlan],
) -> String {
    let api = &matched.api.name;
    match matched.rule {
        Some(rule) => format!("rule `{}` of API `{api}` takes {method}", rule.name),
        None if matched.api.targets.is_empty() => {
            format!("no API answers to host `{host}` and this path; told once the token is known")
        }
        None if at_path.is_empty() => {
            format!("no rule of API `{api}` has this path; told once the token is known")
        }
        None => {
            let others = at_path
                .iter()
                .map(|rule| format!("`{}` for {}", rule.name, list(rule.methods.iter())));
            let others: Vec<_> = others.collect();
            format!(
                "no rule of API `{api}` takes {method} of this path, and the most specific path \
                 decides: it has rule {} alone; told once the token is known",
                others.join(", ")
            )
        }
    }
}

/// Which spellings with two readings the path holds, and whether its API takes them.
pub(super) fn spelling(
    ambiguities: Ambiguities,
    matched: &Matched<'_>,
    alone: Result<(), Refusal>,
) -> String {
    let keep = matched.api.keep;
    let held: Vec<_> = [
        (ambiguities.encoded_slash, keep.encoded_slash, "`%2F`"),
        (ambiguities.empty_segment, keep.empty_segment, "`//`"),
        (ambiguities.path_parameter, keep.path_parameter, "`;`"),
    ]
    .into_iter()
    .filter(|(holds, ..)| *holds)
    .map(|(_, kept, what)| match kept {
        true => format!("{what}, which is kept here"),
        false => format!("{what}, which is refused here"),
    })
    .collect();
    if held.is_empty() {
        return "it holds nothing with two readings".to_owned();
    }
    let held = held.join(" and ");
    match alone {
        Ok(()) => format!("it holds {held}"),
        Err(_) => format!("it holds {held}; read in another way it would meet another rule"),
    }
}

/// Who answers a browser that asks what a page's scripts may do.
pub(super) fn preflight(cors: Option<&Cors>) -> String {
    match cors.map(|cors| &cors.origins) {
        None => "nothing is said of pages of other origins: the upstream is asked, and that needs a token".to_owned(),
        Some(Origins::All) => "the gateway answers it, for pages of every origin".to_owned(),
        Some(Origins::Listed(all)) => {
            format!("the gateway answers it, for pages of [{}] alone", list(all))
        }
    }
}

/// What the gateway makes of the time.
pub(super) fn clock(moment: Moment) -> String {
    let Moment { wall, judged } = moment;
    match judged {
        Ok(now) if now == wall => format!("the wall clock shows {wall}"),
        Ok(now) => format!("the wall clock shows {wall}, and stands still at {now} for decisions"),
        Err(_) => format!("the wall clock shows {wall}, far behind what it has shown before"),
    }
}

/// Whether the request would carry a token, and in a form that can be read.
pub(super) fn credential(
    credential: &Credential,
    dialect: Dialect,
    (read, kept): (Result<(), Refusal>, Result<(), Refusal>),
) -> String {
    let text = match (credential, read) {
        (Credential::Named | Credential::Secret(_), Ok(())) if kept.is_err() => {
            "a secret stands in the target, where the upstream and logs would find it"
        }
        (_, Err(Refusal::BadRequest(_))) => "the company is not one word of letters and digits",
        (Credential::None, _) => "the request carries no token",
        (Credential::Named, _) => "the token is named by its id; its secret counts as presented",
        (Credential::Secret(_), Ok(())) => "the secret can be read",
        (Credential::Secret(_), Err(_)) => "the secret is not one word of letters that it may hold",
    };
    match dialect {
        Dialect::Bearer => text.to_owned(),
        Dialect::Elma365 | Dialect::Focco => format!("{text} (dialect `{}`)", dialect.name()),
    }
}

/// The limits, with what is left of each.
pub(super) fn limits(limits: &Limits, left: Option<&Left>) -> String {
    match left {
        _ if limits.is_empty() => "it has none".to_owned(),
        Some(left) => left.words(limits).join("; "),
        None => "how much it was used cannot be read".to_owned(),
    }
}

/// Whether there is such a token.
pub(super) fn digest(credential: &Credential, plausible: bool, held: Option<&Held>) -> String {
    match held {
        _ if matches!(credential, Credential::None) => "there is no token to look up".to_owned(),
        _ if !plausible => {
            "no token looks like this: its length or its check characters are wrong".to_owned()
        }
        None => "no token has this id or secret".to_owned(),
        Some(held) => format!("it is that of token {}", held.token.id),
    }
}

/// Whether the upstream can be told what the token carries for it.
pub(super) fn identity(told: Result<(), &UndeliverableParam>) -> String {
    match told {
        Ok(()) => "all that the upstream is told of the caller can be written".to_owned(),
        Err(undeliverable) => undeliverable.to_string(),
    }
}

/// A token that is judged, and everything that is known of it.
pub(super) struct Scene<'a> {
    pub(super) case: &'a Case<'a>,
    pub(super) held: &'a Held,
    pub(super) matched: &'a Matched<'a>,
    pub(super) catalog: &'a FlagCatalog,
    pub(super) proxies: &'a Proxies,
}

impl Scene<'_> {
    /// What the check of this name compared.
    pub(super) fn compared(&self, name: &str) -> String {
        let (token, rule, now) = (&*self.held.token, self.case.rule, self.case.now);
        match name {
            "not revoked" => self.ended(),
            "not disabled" => match &token.disabled {
                Some(act) => format!("paused {}", told(act)),
                None => "not paused".to_owned(),
            },
            "owner not blocked" => self.owner(),
            "company not blocked" => self.company_block(),
            "active" => format!("now {now}, usable from {}", token.not_before),
            "not expired" => match (token.expires_at, &token.ended) {
                (_, Some(ended)) if ended.how == End::Expired => self.ended(),
                (Some(expiry), _) => format!("now {now}, expires at {expiry}"),
                (None, _) => "it never expires".to_owned(),
            },
            "not idle" => self.idleness(),
            "presenter" => shown::presenter(self.case),
            "subject" => shown::subject(self.case),
            "time" | "address" => self.conditions(name),
            "rule" => match self.matched.rule {
                Some(rule) => format!("rule `{}` of API `{}`", rule.name, self.matched.api.name),
                None => "no rule opens this: see the route".to_owned(),
            },
            "roles" => {
                let asked = rule.map_or_else(String::new, |rule| list(rule.roles.iter()));
                format!("asked: [{asked}], the owner has: [{}]", list(&self.held.owner.roles))
            }
            "company" => {
                let asked = match rule.and_then(|rule| rule.company.as_ref()) {
                    None if rule.is_some_and(|rule| rule.of_a_company) => "any".to_owned(),
                    asked => or_none(asked),
                };
                let mine = or_none(token.company.as_ref());
                match self.case.facts.company {
                    None => format!("asked: {asked}, the token's: {mine}"),
                    Some(named) => {
                        format!("asked: {asked}, named: {named}, the token's: {mine}")
                    }
                }
            }
            "context" => {
                let asked = or_none(rule.and_then(|rule| rule.context.as_ref()));
                format!("asked: {asked}, the token reaches: {}", contexts(&token.contexts))
            }
            "licence" => self.licence(),
            "parameters" => self.parameters(),
            "flags" => {
                let held = self.flags(token.flags.within(self.held.owner.ceiling));
                let asked = rule.map_or_else(String::new, |rule| self.flags(rule.flags));
                format!("asked: [{asked}], the token has under its owner's ceiling: [{held}]")
            }
            "items" => self.items(),
            other => other.to_owned(),
        }
    }

    fn flags(&self, flags: Flags) -> String {
        self.catalog.describe(flags).join(", ")
    }

    fn ended(&self) -> String {
        let Some(Ended { how, act }) = &self.held.token.ended else {
            return "it has not been ended".to_owned();
        };
        let told = told(act);
        match how {
            End::Revoked => format!("revoked {told}"),
            End::Leaked => format!("revoked as leaked {told}"),
            End::Expired => format!("expired {told}"),
            End::IdleExpired => format!("idle for too long: ended {told}"),
        }
    }

    /// A blocked owner stops all tokens, and the limits that the owner has stand beside it, since
    /// they hold again from the moment when the block is lifted.
    fn owner(&self) -> String {
        let owner = &self.held.owner;
        let Some(act) = &owner.blocked else { return format!("`{}` is not blocked", owner.id) };
        format!(
            "`{}` was blocked {}; all its tokens are stopped until it is unblocked, and their idle \
             time runs on; its ceiling is [{}], its roles are [{}]",
            owner.id,
            told(act),
            self.flags(owner.ceiling),
            list(&owner.roles),
        )
    }

    fn company_block(&self) -> String {
        let Some(id) = &self.held.token.company else { return "it is of no company".to_owned() };
        let Some(company) = &self.held.company else { return format!("`{id}` is not on record") };
        match &company.blocked {
            None => format!("`{id}` is not blocked"),
            Some(act) => format!(
                "`{id}` was blocked {}; all its tokens are stopped until it is unblocked, and \
                 their idle time runs on",
                told(act)
            ),
        }
    }

    fn licence(&self) -> String {
        let asked = self.case.rule.and_then(|rule| rule.context.as_ref());
        let licensed = match (&self.held.token.company, &self.held.company) {
            (None, _) => "the token is of no company, so that no licence limits it".to_owned(),
            (Some(id), None) => {
                format!("the company `{id}` is not on record, so that no licence limits it")
            }
            (Some(id), Some(company)) => {
                format!("the company `{id}` is licensed for: {}", contexts(&company.contexts))
            }
        };
        format!("asked: {}, {licensed}", or_none(asked))
    }

    fn parameters(&self) -> String {
        let required = self.matched.rule.map_or(&[][..], |rule| &*rule.required_params);
        match self.case.facts.lacks {
            _ if required.is_empty() => "no parameter is required".to_owned(),
            None => format!("required: [{}], and the token has them", list(required)),
            Some(name) => {
                format!("required: [{}], the token has no `{name}`", list(required))
            }
        }
    }

    fn idleness(&self) -> String {
        let (token, now) = (&self.held.token, self.case.now);
        let last = match self.case.facts.last_use {
            Some(at) if self.held.last_use.as_ref().is_some_and(Usage::is_presumed) => {
                format!("its last use is not known, counts as used since {at}")
            }
            Some(at) => format!("last used {at}"),
            None => format!("never used, made {}", token.created_at),
        };
        let Some(deadline) = token.life().idle_deadline(self.case.facts.last_use) else {
            return format!("{last}; it may lie unused for ever");
        };
        let may = format!("{last}, may lie unused for {}", token.idle_ttl);
        let ended = token.ended.as_ref().is_some_and(|ended| ended.how == End::IdleExpired);
        match now >= deadline {
            true => format!("{may}: missed the deadline {deadline} by {}", now.since(deadline)),
            false if ended => format!("{may}; {}", self.ended()),
            false => format!("{may}: until {deadline}, now {now}"),
        }
    }

    fn conditions(&self, name: &str) -> String {
        let Some(asked) = &self.case.terms.conditions else { return "no condition".to_owned() };
        match name {
            "address" => {
                let (address, networks) = (self.case.facts.address, list(&asked.networks));
                match self.proxies.trusts(address.to_canonical()) {
                    true => format!(
                        "{address} is a trusted proxy, which may name another client; allowed: [{networks}]"
                    ),
                    false => format!("from {address}, allowed: [{networks}]"),
                }
            }
            _ => format!("now {}, {} weekly windows", self.case.now, asked.windows.len()),
        }
    }

    fn items(&self) -> String {
        let held = match &self.case.terms.items {
            Items::All => "all items".to_owned(),
            Items::Set(ids) => format!("[{}]", ids.join(", ")),
        };
        let reaches = format!("the token reaches: {held}");
        match (self.case.rule.map_or(ItemRule::Closed, |rule| rule.items), self.case.facts.item) {
            (ItemRule::Named, Some(item)) => format!("asked: `{item}`, {reaches}"),
            (ItemRule::Named, None) => format!("the path names no item, {reaches}"),
            (ItemRule::Upstream, _) => format!("the upstream filters, {reaches}"),
            (ItemRule::Closed, _) => format!("the rule is closed to limits, {reaches}"),
        }
    }
}

/// When, by whom and why.
fn told(act: &Act) -> String {
    let reason = match act.reason.as_str() {
        "" => "no reason given",
        reason => reason,
    };
    format!("{} by {}: {reason}", act.at, act.by)
}

fn list<T: Display>(words: impl IntoIterator<Item = T>) -> String {
    words.into_iter().map(|word| word.to_string()).collect::<Vec<_>>().join(", ")
}

fn or_none(word: Option<&Slug>) -> String {
    word.map_or_else(|| "none".to_owned(), ToString::to_string)
}

fn contexts(contexts: &Contexts) -> String {
    match contexts {
        Contexts::All => "all contexts".to_owned(),
        Contexts::Set(names) => format!("[{}]", list(names.iter())),
    }
}
