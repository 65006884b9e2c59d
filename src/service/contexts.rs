//! Contexts as the configuration has them: what there is to open, what a token must carry for it, and what
//! it opens.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::config::Settings;
use crate::config::settings::{Context, ContextParam};
use crate::domain::id::Slug;
use crate::service::Service;

/// A context.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct ContextView {
    /// Its name, by which tokens hold it.
    pub id: Slug,
    /// How people call it.
    pub title: String,
    /// What a token that reaches it may or must carry, by name.
    pub params: BTreeMap<String, ContextParamView>,
    /// The rules that ask for it, API by API.
    pub opens: Vec<Opened>,
}

/// A parameter of a context.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct ContextParamView {
    /// How people call it.
    pub title: String,
    /// Whether it is sealed and never shown again.
    pub secret: bool,
    /// Whether a token with the context must have it.
    pub required: bool,
    /// The only values allowed; empty means any text.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub choices: Vec<String>,
    /// The header field in which the upstream gets it; none if it does not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub header: Option<String>,
}

/// Requests that a context opens, for whoever has what else their rule asks for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Opened {
    /// The API.
    pub api: Slug,
    /// Which paths.
    pub path: String,
    /// Which methods; empty means any.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub methods: Vec<String>,
}

impl Service {
    /// All contexts that there are, by their names. They are no secret: whoever makes a token chooses from them.
    pub fn contexts(&self) -> Vec<ContextView> {
        let settings = self.settings();
        settings.contexts.iter().map(|(id, context)| view(id, context, &settings)).collect()
    }
}

fn view(id: &Slug, context: &Context, settings: &Settings) -> ContextView {
    let rules = settings.apis.iter().flat_map(|api| api.rules.iter().map(move |rule| (api, rule)));
    let asks = rules.filter(|(_, rule)| rule.requirement.context.as_ref() == Some(id));
    let opened = asks.map(|(api, rule)| Opened {
        api: api.name.clone(),
        path: rule.path.clone(),
        methods: rule.methods.iter().map(ToString::to_string).collect(),
    });
    ContextView {
        id: id.clone(),
        title: context.title.clone(),
        params: context.params.iter().map(|(name, param)| (name.clone(), param.into())).collect(),
        opens: opened.collect(),
    }
}

impl From<&ContextParam> for ContextParamView {
    fn from(param: &ContextParam) -> Self {
        Self {
            title: param.title.clone(),
            secret: param.secret,
            required: param.required,
            choices: param.choices.clone(),
            header: param.header.as_ref().map(ToString::to_string),
        }
    }
}
