//! What fields of forms have to choose from.

use crate::config::Settings;
use crate::config::settings::{Api, Context};
use crate::domain::flags::Flags;
use crate::domain::grant::Contexts;
use crate::domain::id::Slug;

use crate::service::caller::Grants;
use crate::service::view::TokenView;
use crate::web::typed::Typed;

/// How many rules are named as what a flag opens.
const RULES_NAMED: usize = 4;

/// A name and what it stands for.
#[derive(Clone, Debug)]
pub struct Choice {
    /// The name.
    pub id: String,
    /// How people call it.
    pub name: String,
}

/// An entry of a list of which one is chosen.
#[derive(Clone, Debug)]
pub struct Pick {
    /// What the form sends.
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
    /// Whether it is not in the configuration at present.
    pub absent: bool,
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
    /// Whether the token has a value that is not shown.
    pub sealed: bool,
    /// The only values allowed.
    pub choices: Vec<String>,
    /// What was typed; never of a secret.
    pub typed: String,
}

impl ParamField {
    /// The name of the box that takes a value away.
    pub fn away(&self) -> String {
        away(&self.field)
    }
}

/// An access level.
#[derive(Clone, Debug)]
pub struct FlagChoice {
    /// Its name.
    pub name: String,
    /// Its bits.
    pub bits: String,
    /// What it allows, in the words of the operator.
    pub title: Option<String>,
    /// What asks for it.
    pub opens: String,
    /// Whether it is chosen.
    pub chosen: bool,
}

/// The field of a parameter.
pub fn param_field(context: &str, name: &str) -> String {
    format!("param.{context}.{name}")
}

/// The box that takes away what a parameter holds.
pub fn away(field: &str) -> String {
    format!("away.{field}")
}

/// Contexts that may be given, and those that a token has.
pub fn contexts(
    typed: &Typed,
    settings: &Settings,
    (grants, licensed): (&Grants, &Contexts),
    held: Option<&TokenView>,
) -> Vec<ContextChoice> {
    let own: &[Slug] = match held.map(|held| &held.contexts) {
        Some(Contexts::Set(names)) => names,
        _ => &[],
    };
    let fits = |name: &Slug| grants.contexts.contains(name) && licensed.contains(name);
    let offered = settings.contexts.iter().filter(|(name, _)| fits(name) || own.contains(name));
    let choice = |(name, context): (&Slug, &Context)| ContextChoice {
        name: name.to_string(),
        title: context.title.clone(),
        chosen: is_chosen(typed, "context", name.as_str()),
        absent: false,
        params: params(typed, name, context, held),
    };
    let mut all: Vec<_> = offered.map(choice).collect();
    // One that left the configuration stays visible, so that it can be unticked.
    for name in own.iter().filter(|name| !settings.contexts.contains_key(*name)) {
        let (name, params) = (name.to_string(), Vec::new());
        let chosen = is_chosen(typed, "context", &name);
        all.push(ContextChoice { title: name.clone(), name, chosen, absent: true, params });
    }
    all
}

fn params(
    typed: &Typed,
    name: &Slug,
    context: &Context,
    held: Option<&TokenView>,
) -> Vec<ParamField> {
    let values = held.and_then(|held| held.context_params.get(name));
    let field = |(param, definition): (&String, &crate::config::settings::ContextParam)| {
        let field = param_field(name.as_str(), param);
        let shown = if definition.secret { "" } else { typed.one(&field) };
        let mut choices = definition.choices.clone();
        if !choices.is_empty() && !shown.is_empty() && !choices.iter().any(|one| one == shown) {
            // What the token has, though nobody could choose it any more.
            choices.push(shown.to_owned());
        }
        ParamField {
            title: definition.title.clone(),
            secret: definition.secret,
            required: definition.required,
            sealed: definition.secret && values.is_some_and(|values| values.contains_key(param)),
            choices,
            typed: shown.to_owned(),
            field,
        }
    };
    context.params.iter().map(field).collect()
}

/// Access levels that may be given, and those that a token has.
pub fn flags(
    typed: &Typed,
    settings: &Settings,
    grants: &Grants,
    held: Option<&TokenView>,
) -> Vec<FlagChoice> {
    let own: &[String] = match held {
        Some(held) if !held.flags.is_unlimited() => &held.flag_names,
        _ => &[],
    };
    let offered = |name: &str, bits| grants.flags.contains(bits) || own.iter().any(|it| it == name);
    let mut named: Vec<_> =
        settings.flags.iter().filter(|(name, bits)| offered(name, *bits)).collect();
    named.sort_by_key(|(_, bits)| bits.bits());
    let choice = |(name, bits): (&str, Flags)| FlagChoice {
        name: name.to_owned(),
        bits: bits.to_string(),
        title: settings.flags.title(name).map(str::to_owned),
        opens: opens(&settings.apis, bits),
        chosen: is_chosen(typed, "flag", name),
    };
    let mut all: Vec<_> = named.into_iter().map(choice).collect();
    // Bits without a name.
    for name in own {
        if !all.iter().any(|flag| flag.name == *name) {
            let (bits, opens) = (String::new(), String::new());
            let chosen = is_chosen(typed, "flag", name);
            all.push(FlagChoice { name: name.clone(), bits, title: None, opens, chosen });
        }
    }
    all
}

fn is_chosen(typed: &Typed, field: &str, name: &str) -> bool {
    typed.all(field).any(|chosen| chosen == name)
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
