//! APIs and rules, compiled from the settings and ready for requests.

use std::sync::{Arc, OnceLock};
use std::time::Duration;

use http::{HeaderName, HeaderValue, Method};

use crate::cache::{ApiNumber, Cache, Params};
use crate::config::Settings;
use crate::config::settings::{
    Api, Context, Dialect, Ejection, KeepInPath, Retry, Rule, TokenPlaces,
};
use crate::domain::id::Slug;
use crate::domain::rule::{ItemRule, Requirement};
use crate::telemetry::counters::{Counters, RuleCounters, UpstreamTimes};

use super::challenge::Challenges;
use super::cors::Cors;
use super::dialect;
use super::gate::Gate;
use super::pattern;
use super::targets::{Target, Targets};

/// An API, ready for requests.
#[derive(Debug)]
pub struct ApiPlan {
    /// Its name.
    pub name: Arc<str>,
    /// By which number its uses are noted, once there was one.
    uses_as: OnceLock<ApiNumber>,
    /// How its clients speak.
    pub dialect: Dialect,
    /// Where it is: every endpoint that gets requests.
    pub targets: Box<[Arc<Target>]>,
    /// How much of a path is the API's own, and what its upstream has in place of it; none leaves paths as they are.
    pub base: Option<(usize, Box<str>)>,
    /// The `Host` that its upstream gets.
    pub host: Option<Box<str>>,
    /// The weight of each.
    pub weights: Box<[u16]>,
    /// When one of them is left out.
    pub ejection: Ejection,
    /// What is sent a second time.
    pub retry: Retry,
    /// Whether its clients must show a certificate.
    pub needs_certificate: bool,
    /// Whether the client's credential is passed on.
    pub keep_credential: bool,
    /// The longest body.
    pub body_bytes: Option<u64>,
    /// Spellings of paths that it takes.
    pub keep: KeepInPath,
    /// Where a token may stand beside a field of its own, if it says so.
    pub places: Option<Box<TokenPlaces>>,
    /// Whose scripts may use it, if it says so.
    pub cors: Option<Box<Cors>>,
    /// How long a connection may take.
    pub connect_timeout: Duration,
    /// How long the head of the answer may take.
    pub response_timeout: Duration,
    /// How long an idle connection is kept.
    pub idle_timeout: Duration,
    /// How long it may be silent in the middle of an answer.
    pub stall_timeout: Duration,
    /// How long both sides of a conversation behind an upgrade may be silent.
    pub tunnel_timeout: Duration,
    /// How long all of an exchange may take.
    pub timeout: Option<Duration>,
    /// How long a connection may be used.
    pub lifetime: Duration,
    /// How many requests it gets at a time.
    pub gate: Option<Arc<Gate>>,
    /// The challenges of its 401s.
    pub challenges: Challenges,
    /// Counts what met none of its rules.
    pub unmatched: Arc<RuleCounters>,
    /// How long its upstreams take.
    pub upstream_times: Arc<UpstreamTimes>,
}

/// A rule, ready for requests.
#[derive(Debug)]
pub struct RulePlan {
    /// Which of all rules it is.
    pub number: usize,
    /// Its name.
    pub name: Arc<str>,
    /// Its methods; empty means any.
    pub methods: Box<[Method]>,
    /// Whether everybody may pass.
    pub public: bool,
    /// Which parameter of the path is the item.
    pub item_place: Option<usize>,
    /// What a token needs.
    pub requirement: Requirement,
    /// The parameters that its context requires (row F7).
    pub required_params: Box<[Box<str>]>,
    /// The parameters of its context that the upstream gets, and their headers.
    pub param_headers: Box<[(Slug, Box<str>, HeaderName)]>,
    /// The challenge of its 403s, with the scope that is needed.
    pub insufficient: HeaderValue,
    /// Counts its requests.
    pub counters: Arc<RuleCounters>,
}

impl ApiPlan {
    pub(super) fn new(
        api: &Api,
        settings: &Settings,
        counters: &Counters,
        targets: &Targets,
    ) -> Self {
        let upstream = &api.upstream;
        let weighed = upstream.endpoints.iter().zip(&upstream.weights);
        let weighed = weighed.filter(|(_, weight)| **weight > 0);
        let (endpoints, weights): (Vec<_>, Vec<_>) = weighed.unzip();
        Self {
            name: api.name.as_str().into(),
            uses_as: OnceLock::new(),
            dialect: api.dialect,
            targets: endpoints.into_iter().map(|endpoint| targets.of(endpoint)).collect(),
            weights: weights.into_iter().copied().collect(),
            ejection: upstream.ejection,
            retry: upstream.retry,
            base: upstream.path.as_deref().map(|path| {
                let bare = |path: &str| path.trim_end_matches('/').len();
                (bare(&api.path), path.get(..bare(path)).unwrap_or_default().into())
            }),
            host: upstream.host.as_deref().map(Into::into),
            needs_certificate: api.needs_certificate,
            keep_credential: api.keep_credential,
            body_bytes: api.body_bytes,
            keep: api.keep,
            places: api.token_places.clone().map(Box::new),
            cors: api.cors.as_ref().map(|cors| Box::new(Cors::new(cors, api, counters))),
            connect_timeout: upstream.connect_timeout,
            response_timeout: upstream.response_timeout,
            idle_timeout: upstream.idle_timeout,
            stall_timeout: upstream.stall_timeout.unwrap_or(settings.limits.stall_timeout),
            tunnel_timeout: upstream.tunnel_timeout,
            timeout: upstream.timeout,
            lifetime: upstream.lifetime,
            gate: upstream.concurrency.map(|limits| targets.gates.of(api.name.as_str(), limits)),
            challenges: Challenges::new(api.name.as_str()),
            unmatched: counters.rule(api.name.as_str(), "none"),
            upstream_times: counters.upstream(api.name.as_str()),
        }
    }

    /// By which number its uses are noted.
    pub fn number(&self, cache: &Cache) -> ApiNumber {
        *self.uses_as.get_or_init(|| cache.api_number(&self.name))
    }

    pub(super) fn nowhere(counters: &Counters) -> Self {
        Self {
            name: "none".into(),
            uses_as: OnceLock::new(),
            dialect: Dialect::Bearer,
            targets: Box::default(),
            weights: Box::default(),
            ejection: Ejection::default(),
            retry: Retry::default(),
            base: None,
            host: None,
            needs_certificate: false,
            keep_credential: false,
            body_bytes: None,
            keep: KeepInPath::default(),
            places: None,
            cors: None,
            connect_timeout: Duration::ZERO,
            response_timeout: Duration::ZERO,
            idle_timeout: Duration::ZERO,
            stall_timeout: Duration::ZERO,
            tunnel_timeout: Duration::ZERO,
            timeout: None,
            lifetime: Duration::ZERO,
            gate: None,
            challenges: Challenges::new("tollgate"),
            unmatched: counters.rule("none", "none"),
            upstream_times: counters.upstream("none"),
        }
    }
}

impl RulePlan {
    pub(super) fn new(api: &Api, rule: &Rule, settings: &Settings, counters: &Counters) -> Self {
        let item_place = rule
            .item
            .as_ref()
            .filter(|_| rule.requirement.items == ItemRule::Named)
            .and_then(|item| pattern::names(&rule.path).position(|name| name == item.as_str()));
        let context = rule.requirement.context.as_ref();
        let context = context.and_then(|name| Some((name, settings.contexts.get(name)?)));
        let params = context.map(|(name, context)| param_headers(name, context));
        let required = context.into_iter().flat_map(|(_, context)| &context.params);
        let required = required.filter(|(_, defined)| defined.required);
        Self {
            number: 0,
            name: rule.name.as_str().into(),
            methods: rule.methods.clone().into(),
            public: rule.public,
            item_place,
            requirement: Requirement {
                of_a_company: dialect::needs_company(api.dialect),
                ..rule.requirement.clone()
            },
            required_params: required.map(|(name, _)| name.as_str().into()).collect(),
            param_headers: params.unwrap_or_default().into(),
            insufficient: Challenges::insufficient(api.name.as_str(), &rule.requirement.scope),
            counters: counters.rule(api.name.as_str(), rule.name.as_str()),
        }
    }

    /// The first parameter that its context requires and a token with these has not.
    pub fn lacking(&self, params: Option<&Params>) -> Option<&str> {
        let context = self.requirement.context.as_ref();
        let has = |name: &str| {
            let mut held = params.into_iter().flat_map(|params| params.by_context.iter());
            held.any(|param| Some(&param.context) == context && *param.name == *name)
        };
        self.required_params.iter().map(|name| &**name).find(|name| !has(name))
    }

    /// Whether the rule speaks of this method. What may be fetched may also be asked for its head
    /// (RFC 9110 section 9.3.2).
    pub fn takes(&self, method: &Method) -> bool {
        self.names(method) || (*method == Method::HEAD && self.methods.contains(&Method::GET))
    }

    /// The same by the method's own name, or because the rule speaks of all.
    pub fn names(&self, method: &Method) -> bool {
        self.methods.is_empty() || self.methods.contains(method)
    }
}

fn param_headers(name: &Slug, context: &Context) -> Vec<(Slug, Box<str>, HeaderName)> {
    let with_header = context.params.iter().filter_map(|(param, defined)| {
        Some((name.clone(), param.as_str().into(), defined.header.clone()?))
    });
    with_header.collect()
}
