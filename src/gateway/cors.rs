//! Whose scripts may use an API (CORS; Fetch standard section 3.2), compiled from the settings into what browsers are
//! told. `preflight` tells it.

use std::sync::Arc;

use http::{HeaderName, HeaderValue, Method};

use crate::config::settings::{Api, Cors as Settings};
use crate::telemetry::counters::{Counters, RuleCounters};
use crate::wire::origins::Origins;

/// The name of what counts preflights, in the place of a rule's.
const NAME: &str = "preflight";

/// Methods in the order in which they are told; others follow.
const USUAL: [Method; 6] =
    [Method::GET, Method::HEAD, Method::POST, Method::PUT, Method::PATCH, Method::DELETE];

/// What is told of one API.
#[derive(Debug)]
pub struct Cors {
    /// Whose scripts.
    pub origins: Origins,
    /// Whether they send cookies along.
    pub(super) credentials: bool,
    /// With which methods.
    pub(super) methods: HeaderValue,
    /// Which fields they may send.
    pub(super) headers: HeaderValue,
    /// Which fields of answers they may read.
    pub(super) expose: HeaderValue,
    /// For how many seconds a browser need not ask again.
    pub(super) max_age: HeaderValue,
    /// Counts preflights.
    pub(super) preflights: Arc<RuleCounters>,
}

impl Cors {
    pub(super) fn new(settings: &Settings, api: &Api, counters: &Counters) -> Self {
        let listed = |names: &[HeaderName]| joined(names.iter().map(|name| name.as_str()));
        let methods = methods(settings, api);
        Self {
            origins: settings.origins.clone(),
            credentials: settings.credentials,
            methods: joined(methods.iter().map(Method::as_str)),
            headers: listed(&settings.headers),
            expose: listed(&settings.expose),
            max_age: HeaderValue::from(settings.max_age.seconds()),
            preflights: counters.rule(api.name.as_str(), NAME),
        }
    }

    /// What is told where only some origins may depends on who asks, and shared caches must know that.
    pub(super) const fn varies(&self) -> bool {
        matches!(self.origins, Origins::Listed(_))
    }
}

/// Those that are configured, or that some rule takes.
fn methods(settings: &Settings, api: &Api) -> Vec<Method> {
    if !settings.methods.is_empty() {
        return settings.methods.clone();
    }
    let mut all: Vec<_> = USUAL
        .into_iter()
        .filter(|method| api.rules.iter().any(|rule| takes(&rule.methods, method)))
        .collect();
    for method in api.rules.iter().flat_map(|rule| &rule.methods) {
        if !all.contains(method) {
            all.push(method.clone());
        }
    }
    all
}

fn takes(methods: &[Method], method: &Method) -> bool {
    methods.is_empty()
        || methods.contains(method)
        || (*method == Method::HEAD && methods.contains(&Method::GET))
}

/// A list in a header. Names of methods and fields are what a header can hold.
fn joined<'n>(names: impl Iterator<Item = &'n str>) -> HeaderValue {
    let text = names.collect::<Vec<_>>().join(", ");
    HeaderValue::try_from(text).unwrap_or_else(|_| HeaderValue::from_static(""))
}
