//! The form for a new token, which offers only what whoever makes it could hand out.

use askama::Template;

use crate::config::Settings;
use crate::config::settings::Api;
use crate::domain::flags::Flags;
use crate::domain::grant::Contexts;
use crate::domain::id::Slug;
use crate::domain::time::Span;
use crate::service::caller::{Grants, Tenant};
use crate::web::frame::Frame;
use crate::web::typed::Typed;
use crate::web::wrongs::Wrongs;

/// Lengths of life that are offered, in days.
const DAYS: [u64; 4] = [7, 30, 90, 365];

/// How many rules are named as what a flag opens.
const RULES_NAMED: usize = 4;

/// The form.
#[derive(Template)]
#[template(path = "create.html")]
pub struct Create {
    /// What is around it.
    pub frame: Frame,
    /// What is wrong.
    pub wrongs: Wrongs,
    /// What was typed.
    pub typed: Typed,
    /// Owners that are offered.
    pub owners: Vec<Choice>,
    /// Whether there is no other owner to choose.
    pub only_owner: bool,
    /// Whether a company can be chosen.
    pub any_company: bool,
    /// Companies that are offered.
    pub companies: Vec<Choice>,
    /// The company whose licences leave contexts out.
    pub licensee: Option<String>,
    /// Distances from UTC that are offered.
    pub offsets: Vec<Expiry>,
    /// Lengths of life.
    pub expiries: Vec<Expiry>,
    /// The first day on which it may end.
    pub tomorrow: String,
    /// After how many days of quiet it ends too.
    pub idle_days: Option<u64>,
    /// Whether contexts are chosen.
    pub chosen_access: bool,
    /// Whether all may be.
    pub may_all_contexts: bool,
    /// Those that may be.
    pub contexts: Vec<ContextChoice>,
    /// Access levels.
    pub flags: Vec<FlagChoice>,
    /// Whether the token may have all of them.
    pub may_unlimited: bool,
}

/// What is there to choose from.
pub struct Offered {
    /// Owners, and whether there are no others.
    pub owners: (Vec<Choice>, bool),
    /// Companies on record.
    pub companies: Vec<Choice>,
    /// What the company of the token is licensed for, and which that is.
    pub licensed: (Contexts, Option<Slug>),
}

/// A name and what it stands for.
#[derive(Clone, Debug)]
pub struct Choice {
    /// The name.
    pub id: String,
    /// How people call it.
    pub name: String,
}

/// A length of life.
#[derive(Clone, Debug)]
pub struct Expiry {
    /// `30d`, `never` or `date`.
    pub value: String,
    /// What it says.
    pub text: String,
    /// Whether it is chosen.
    pub chosen: bool,
}

/// A context.
#[derive(Clone, Debug)]
pub struct ContextChoice {
    /// Its name.
    pub name: String,
    /// How people call it.
    pub title: String,
    /// Whether it is chosen.
    pub chosen: bool,
    /// What it asks for.
    pub params: Vec<ParamField>,
}

/// A parameter of a context.
#[derive(Clone, Debug)]
pub struct ParamField {
    /// The name of its field in the form.
    pub field: String,
    /// How people call it.
    pub title: String,
    /// Whether it is never shown again.
    pub secret: bool,
    /// Whether the context needs it.
    pub required: bool,
    /// The only values allowed.
    pub choices: Vec<String>,
    /// What was typed; never of a secret.
    pub typed: String,
}

/// An access level.
#[derive(Clone, Debug)]
pub struct FlagChoice {
    /// Its name.
    pub name: String,
    /// Its bits.
    pub bits: String,
    /// What asks for it.
    pub opens: String,
    /// Whether it is chosen.
    pub chosen: bool,
}

/// The field of a parameter.
pub fn param_field(context: &str, name: &str) -> String {
    format!("param.{context}.{name}")
}

/// The field of the form in which something of a new token is typed.
pub fn place(field: &str) -> Option<String> {
    let first = field.split(['.', '[']).next().unwrap_or_default();
    Some(match first {
        "name" | "owner" | "app" | "company" | "description" | "items" | "flags" | "contexts" => {
            first.to_owned()
        }
        "lifetime" => "expiry".to_owned(),
        "expires_at" => "expires_on".to_owned(),
        "conditions" if field.contains("windows") => "windows".to_owned(),
        "conditions" => "networks".to_owned(),
        "limits" => field.to_owned(),
        "context_params" => match field.strip_prefix("context_params.") {
            Some(rest) if rest.contains('.') => format!("param.{rest}"),
            _ => "contexts".to_owned(),
        },
        _ => return None,
    })
}

impl Create {
    /// The form by the settings, for somebody who may grant this much.
    pub fn new(
        frame: Frame,
        (typed, wrongs): (Typed, Wrongs),
        settings: &Settings,
        grants: &Grants,
        Offered { owners: (owners, only_owner), companies, licensed }: Offered,
    ) -> Self {
        let (licensed, licensee) = licensed;
        let idle = settings.tokens.idle_ttl;
        let tomorrow = frame.now.plus(Span::from_days(1)).to_string();
        Self {
            any_company: grants.company == Tenant::Any,
            companies,
            licensee: licensee.filter(|_| licensed != Contexts::All).map(|id| id.to_string()),
            offsets: offsets(&typed),
            expiries: expiries(&frame, &typed, settings.tokens.lifetime),
            tomorrow: tomorrow.get(..10).unwrap_or_default().to_owned(),
            idle_days: (!idle.is_zero()).then(|| idle.seconds().div_ceil(86_400)),
            chosen_access: typed.one("access") == "chosen",
            may_all_contexts: grants.contexts == Contexts::All,
            contexts: contexts(&typed, settings, (grants, &licensed)),
            flags: flags(&typed, settings, grants),
            may_unlimited: grants.flags.is_unlimited(),
            frame,
            wrongs,
            typed,
            owners,
            only_owner,
        }
    }
}

impl Create {
    /// Whether a day of the week is ticked.
    pub fn has_day(&self, day: &str) -> bool {
        self.typed.all("window-day").any(|chosen| chosen == day)
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
            "window-day",
            "window-from",
            "window-until",
        ];
        fields.into_iter().any(|field| self.typed.said(field).is_some())
    }
}

fn expiries(frame: &Frame, typed: &Typed, default: Span) -> Vec<Expiry> {
    let mut all: Vec<_> =
        DAYS.into_iter().map(|days| (format!("{days}d"), frame.n("create-days", days))).collect();
    let default = if default.is_zero() { "never".to_owned() } else { default.to_string() };
    if default != "never" && !all.iter().any(|(value, _)| *value == default) {
        all.insert(0, (default.clone(), frame.s("create-default", &default)));
    }
    all.push(("date".to_owned(), frame.t("create-date")));
    all.push(("never".to_owned(), frame.t("create-never")));
    let chosen = typed.said("expiry").unwrap_or(&default).to_owned();
    let expiry = |(value, text): (String, String)| Expiry { chosen: value == chosen, value, text };
    all.into_iter().map(expiry).collect()
}

fn contexts(
    typed: &Typed,
    settings: &Settings,
    (grants, licensed): (&Grants, &Contexts),
) -> Vec<ContextChoice> {
    let fits = |name: &Slug| grants.contexts.contains(name) && licensed.contains(name);
    let granted = settings.contexts.iter().filter(|(name, _)| fits(name));
    let choice = |(name, context): (&Slug, &crate::config::settings::Context)| {
        let params = context.params.iter().map(|(param, definition)| {
            let field = param_field(name.as_str(), param);
            let shown = if definition.secret { "" } else { typed.one(&field) };
            ParamField {
                title: definition.title.clone(),
                secret: definition.secret,
                required: definition.required,
                choices: definition.choices.clone(),
                typed: shown.to_owned(),
                field,
            }
        });
        ContextChoice {
            name: name.to_string(),
            title: context.title.clone(),
            chosen: typed.all("context").any(|chosen| chosen == name.as_str()),
            params: params.collect(),
        }
    };
    granted.map(choice).collect()
}

fn flags(typed: &Typed, settings: &Settings, grants: &Grants) -> Vec<FlagChoice> {
    let mut named: Vec<_> =
        settings.flags.iter().filter(|(_, bits)| grants.flags.contains(*bits)).collect();
    named.sort_by_key(|(_, bits)| bits.bits());
    let choice = |(name, bits): (&str, Flags)| FlagChoice {
        name: name.to_owned(),
        bits: bits.to_string(),
        opens: opens(&settings.apis, bits),
        chosen: typed.all("flag").any(|chosen| chosen == name),
    };
    named.into_iter().map(choice).collect()
}

/// Whole hours around the world.
fn offsets(typed: &Typed) -> Vec<Expiry> {
    let offset = |hours: i16| {
        let (value, text) = ((hours * 60).to_string(), super::limits::offset(hours * 60));
        let typed = typed.said("window-offset").unwrap_or("0");
        Expiry { chosen: value == typed, value, text }
    };
    (-12..=14).map(offset).collect()
}

/// The rules that ask for some of `bits`: what a flag means here.
fn opens(apis: &[Api], bits: Flags) -> String {
    let rules = apis.iter().flat_map(|api| api.rules.iter());
    let asking: Vec<_> = rules
        .filter(|rule| rule.requirement.flags.bits() & bits.bits() != 0)
        .map(|rule| {
            let methods: Vec<_> = rule.methods.iter().map(ToString::to_string).collect();
            format!("{} {}", methods.join("/"), rule.path).trim_start().to_owned()
        })
        .collect();
    let mut text = asking.iter().take(RULES_NAMED).cloned().collect::<Vec<_>>().join(", ");
    if asking.len() > RULES_NAMED {
        text.push_str(", …");
    }
    text
}
