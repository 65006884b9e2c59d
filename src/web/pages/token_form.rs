//! The form for a token: a new one, or one that is changed. It offers what whoever fills it in could hand out, and
//! what the token has already.

use askama::Template;

use super::choices::{self, Choice, ContextChoice, FlagChoice, Pick};
use super::clash::Clash;
use super::windows::{self, WindowFields};
use crate::config::Settings;
use crate::domain::grant::Contexts;
use crate::domain::time::Span;
use crate::service::caller::{Grants, Tenant};
use crate::service::offers::Fits;
use crate::service::view::TokenView;
use crate::web::frame::Frame;
use crate::web::typed::Typed;
use crate::web::wrongs::Wrongs;

/// Lengths of life that are offered, in days.
const DAYS: [u64; 4] = [7, 30, 90, 365];

/// The length that is chosen for a new token where the configuration lets them live for ever.
const PRESET: &str = "90d";

/// The form.
#[derive(Template)]
#[template(path = "token_form.html")]
pub struct TokenForm {
    /// What is around it.
    pub frame: Frame,
    /// What is wrong.
    pub wrongs: Wrongs,
    /// What somebody else made of it meanwhile.
    pub clash: Option<Clash>,
    /// What was typed.
    pub typed: Typed,
    /// The token that is changed; none for a new one.
    pub held: Option<HeldToken>,
    /// Owners that are offered.
    pub owners: Vec<Choice>,
    /// Whether there is no other owner to choose.
    pub only_owner: bool,
    /// Whether a company can be chosen.
    pub any_company: bool,
    /// Companies that are offered.
    pub companies: Vec<Choice>,
    /// The company that was typed and is not on record.
    pub unknown_company: Option<String>,
    /// The company whose licences leave contexts out.
    pub licensee: Option<String>,
    /// Lengths of life.
    pub expiries: Vec<Pick>,
    /// How long it may lie unused.
    pub idles: Vec<Pick>,
    /// The first day on which it may end.
    pub tomorrow: String,
    /// Whether contexts are chosen.
    pub chosen_access: bool,
    /// Whether all may be.
    pub may_all_contexts: bool,
    /// Those that may be.
    pub contexts: Vec<ContextChoice>,
    /// Access levels.
    pub flags: Vec<FlagChoice>,
    /// The owner whose ceiling leaves some out.
    pub lowered: Option<String>,
    /// Whether the token may have all of them.
    pub may_unlimited: bool,
    /// Whether it can be bound to a client certificate, or is.
    pub may_bind: bool,
    /// Times of the week.
    pub windows: Vec<WindowFields>,
}

/// What is said of a token that is changed.
#[derive(Clone, Debug)]
pub struct HeldToken {
    /// Its id.
    pub id: String,
    /// Its name as it is.
    pub name: String,
    /// How many requests are left of all that it may make.
    pub uses_left: Option<u64>,
    /// Whether whoever fills it in may give it nothing more.
    pub narrows: bool,
}

/// What is there to choose from. By default nothing that a token has not.
#[derive(Default)]
pub struct Offered {
    /// Owners, and whether there are no others.
    pub owners: (Vec<Choice>, bool),
    /// Companies on record.
    pub companies: Vec<Choice>,
    /// What fits its owner and its company.
    pub fits: Fits,
    /// Whether more may be given to a token than it has.
    pub more: bool,
}

/// The field of the form in which something of a token is typed.
pub fn place(field: &str) -> Option<String> {
    let first = field.split(['.', '[']).next().unwrap_or_default();
    Some(match first {
        "name" | "owner" | "app" | "company" | "description" | "items" | "flags" | "contexts"
        | "params" | "reason" => first.to_owned(),
        "lifetime" => "expiry".to_owned(),
        "idle_ttl" => "idle".to_owned(),
        "expires_at" => "expires_on".to_owned(),
        "not_before" => first.to_owned(),
        "conditions" if field.contains("windows") => "windows".to_owned(),
        "conditions" if field.contains("certificate") => "certificate".to_owned(),
        "conditions" => "networks".to_owned(),
        "limits" => field.to_owned(),
        "context_params" => match field.strip_prefix("context_params.") {
            Some(rest) if rest.contains('.') => format!("param.{rest}"),
            _ => "contexts".to_owned(),
        },
        _ => return None,
    })
}

impl TokenForm {
    /// The form by the settings, for somebody who may grant this much.
    pub fn new(
        frame: Frame,
        (typed, wrongs): (Typed, Wrongs),
        (settings, grants): (&Settings, &Grants),
        Offered { owners: (owners, only_owner), companies, fits, more }: Offered,
        held: Option<&TokenView>,
    ) -> Self {
        let Fits { contexts: licensed, licensee, ceiling } = fits;
        let narrowed = held.filter(|_| !more).map(|held| what_it_has(held, grants));
        let grants = narrowed.as_ref().unwrap_or(grants);
        let under = Grants { flags: grants.flags.within(ceiling), ..grants.clone() };
        let lowered = (under.flags != grants.flags).then(|| match held {
            Some(held) => held.owner.to_string(),
            None => typed.one("owner").trim().to_owned(),
        });
        let tomorrow = frame.now.plus(Span::from_days(1)).to_string();
        let unlimited = held.is_some_and(|held| held.flags.is_unlimited());
        let all = held.is_some_and(|held| held.contexts == Contexts::All);
        let mut contexts = choices::contexts(&typed, settings, (grants, &licensed), held);
        if narrowed.is_some() {
            // Another value could be more; nobody here knows.
            contexts.iter_mut().for_each(|context| context.params.clear());
        }
        let uses_left = |held: &TokenView| held.left.as_ref().and_then(|left| left.uses);
        Self {
            any_company: grants.company == Tenant::Any,
            companies,
            unknown_company: None,
            licensee: licensee.filter(|_| licensed != Contexts::All).map(|id| id.to_string()),
            expiries: expiries(&frame, &typed, (settings.tokens.lifetime, grants), held),
            idles: idles(&frame, &typed, (settings.tokens.idle_ttl, grants), held),
            tomorrow: tomorrow.get(..10).unwrap_or_default().to_owned(),
            chosen_access: typed.one("access") == "chosen",
            may_all_contexts: all || grants.contexts == Contexts::All,
            contexts,
            flags: choices::flags(&typed, settings, &under, held),
            may_unlimited: unlimited || under.flags.is_unlimited(),
            lowered,
            may_bind: may_bind(settings, held, narrowed.is_some()),
            windows: windows::fields(&typed),
            held: held.map(|held| HeldToken {
                id: held.id.to_string(),
                name: held.name.clone(),
                uses_left: uses_left(held),
                narrows: !more,
            }),
            frame,
            wrongs,
            clash: None,
            typed,
            owners,
            only_owner,
        }
    }

    /// Which time of the week it is, counted from 1.
    fn nth(&self, window: &WindowFields) -> u64 {
        u64::try_from(window.nth).unwrap_or_default() + 1
    }

    /// Whether the token is given nothing more.
    fn narrows(&self) -> bool {
        self.held.as_ref().is_some_and(|held| held.narrows)
    }

    /// Whether the seldom needed part is open.
    pub fn is_bounded(&self) -> bool {
        let fields = [
            "limits.rate.requests",
            "limits.rate.burst",
            "limits.quotas.hour",
            "limits.quotas.day",
            "limits.quotas.week",
            "limits.quotas.month",
            "limits.uses",
            "limits.concurrent",
            "networks",
            "items",
            "params",
            "certificate",
        ];
        fields.into_iter().any(|field| self.typed.said(field).is_some())
            || self.windows.iter().any(WindowFields::says_something)
    }
}

/// Whether a client certificate is asked for: where clients can show one, or the token is bound already. A token that is
/// given nothing more keeps the one that it has.
fn may_bind(settings: &Settings, held: Option<&TokenView>, narrows: bool) -> bool {
    let asks = settings.tls.as_ref().is_some_and(|tls| tls.server.asks_clients());
    let bound = held.is_some_and(|held| held.conditions.certificate.is_some());
    if bound { !narrows } else { asks }
}

/// The most that a token may be given that is given no more than it has.
fn what_it_has(held: &TokenView, grants: &Grants) -> Grants {
    Grants {
        flags: held.flags.within(grants.flags),
        contexts: held.contexts.clone(),
        until: held.expires_at,
        idle_ttl: held.idle_ttl,
        ..grants.clone()
    }
}

/// What stays as it is, lengths from now on, a date, and never; as far as they end soon enough.
fn expiries(
    frame: &Frame,
    typed: &Typed,
    (usual, grants): (Span, &Grants),
    held: Option<&TokenView>,
) -> Vec<Pick> {
    let ends = |days: &u64| frame.now.plus(Span::from_days(*days));
    let fits = |days: &u64| grants.until.is_none_or(|until| ends(days) <= until);
    let mut all: Vec<_> = DAYS
        .into_iter()
        .filter(fits)
        .map(|days| (format!("{days}d"), frame.n("create-days", days)))
        .collect();
    let usual = if usual.is_zero() { "never".to_owned() } else { usual.to_string() };
    let first = match held {
        Some(held) => {
            let end = held.expires_at.map(|at| frame.when(at).exact);
            let end = end.unwrap_or_else(|| frame.t("create-never"));
            all.insert(0, ("keep".to_owned(), frame.s("create-keep", end)));
            "keep".to_owned()
        }
        None => {
            // Nobody has said how long tokens live here: for ever has to be chosen.
            let usual = if usual == "never" { PRESET.to_owned() } else { usual };
            if !all.iter().any(|(value, _)| *value == usual) {
                all.insert(0, (usual.clone(), frame.s("create-default", &usual)));
            }
            usual
        }
    };
    all.push(("date".to_owned(), frame.t("create-date")));
    if grants.until.is_none() && held.is_none_or(|held| held.expires_at.is_some()) {
        all.push(("never".to_owned(), frame.t("create-never")));
    }
    let chosen = typed.said("expiry").unwrap_or(&first).to_owned();
    picks(all, &chosen)
}

/// Some lengths, and the one that the token or the configuration has.
fn idles(
    frame: &Frame,
    typed: &Typed,
    (usual, grants): (Span, &Grants),
    held: Option<&TokenView>,
) -> Vec<Pick> {
    let usual = held.map_or(usual, |held| held.idle_ttl);
    let for_ever = grants.idle_ttl.is_zero();
    let mut spans = DAYS.map(Span::from_days).to_vec();
    spans.retain(|span| for_ever || *span <= grants.idle_ttl);
    if !usual.is_zero() && !spans.contains(&usual) {
        spans.push(usual);
        spans.sort();
    }
    let mut all: Vec<_> =
        spans.into_iter().map(|span| (span.to_string(), frame.length(span))).collect();
    if for_ever {
        all.push((Span::ZERO.to_string(), frame.t("create-never")));
    }
    let usual = usual.to_string();
    picks(all, typed.said("idle").unwrap_or(&usual))
}

fn picks(all: Vec<(String, String)>, chosen: &str) -> Vec<Pick> {
    let pick = |(value, text): (String, String)| Pick { chosen: value == chosen, value, text };
    all.into_iter().map(pick).collect()
}
