//! The compiled settings: what a request is judged by. A request loads one snapshot and keeps it,
//! so that a reload never mixes old and new.

use std::sync::Arc;

use crate::config::Settings;
use crate::config::settings::Limits;
use crate::domain::id::Slug;
use crate::store::sealed::{KeyError, MasterKey};
use crate::telemetry::counters::Counters;
use crate::telemetry::throttle::Throttle;
use crate::tls::{Authorities, Server};
use crate::wire;
use crate::wire::proxies::Proxies;

use super::plan::{ApiPlan, RulePlan};
use super::prefixes::HeaderPrefixes;
use super::routes::Routes;
use super::targets::{Target, Targets};

/// Everything that a request is judged by.
#[derive(Debug)]
pub struct Snapshot {
    /// Which this is; a later one has a higher number.
    pub generation: u64,
    /// Bounds of what a client may do.
    pub limits: Limits,
    /// What handshakes of TLS are made with; none where clients speak without it.
    pub tls: Option<Arc<Server>>,
    /// Whose word is taken for where something came from.
    pub proxies: Proxies,
    /// Headers that carry identity.
    pub identity: Identity,
    /// The contexts that there are, in order.
    pub(super) contexts: Box<[Slug]>,
    /// From host and path to API and rule.
    pub routes: Routes,
    /// What a request meets that no API answers to: no rules, no upstream.
    pub nowhere: ApiPlan,
    /// Whether each request gets a line.
    pub access_log: bool,
    /// Parameters that cannot be told.
    pub(super) undeliverable: Throttle,
    key: Result<MasterKey, KeyError>,
    /// The endpoints of each API that get requests.
    endpoints: Box<[(Arc<str>, Arc<Target>)]>,
    /// Their numbers, in order.
    targets: Box<[usize]>,
}

/// Which headers carry identity, and which fields a client may therefore not send.
#[derive(Debug)]
pub struct Identity {
    /// How the lines begin.
    pub prefixes: HeaderPrefixes,
    /// Every name that only we may write, in its folded form.
    reserved: Box<[Box<str>]>,
}

impl Identity {
    /// Whether a field of a client would be taken for our word (sec-H2): any spelling of a
    /// configured name, and everything that begins like our own names.
    pub fn is_identity(&self, name: &str) -> bool {
        const OWN: &str = "x-tollgate-";
        name.get(..OWN.len()).is_some_and(|start| wire::is_alias(start, OWN))
            || self.reserved.iter().any(|reserved| wire::is_alias(name, reserved))
    }

    fn new(settings: &Settings) -> Self {
        let headers = &settings.identity;
        let named = [
            &headers.owner,
            &headers.company,
            &headers.token,
            &headers.token_name,
            &headers.flags,
            &headers.contexts,
            &headers.items,
            &headers.params,
            &headers.request,
            &headers.certificate,
            &headers.subject,
        ];
        let params = settings.contexts.values().flat_map(|context| context.params.values());
        let reserved = named
            .into_iter()
            .flatten()
            .chain(params.filter_map(|param| param.header.as_ref()))
            .map(|name| name.as_str().into())
            .collect();
        Self { prefixes: HeaderPrefixes::new(headers), reserved }
    }
}

impl Snapshot {
    /// The key that opens sealed parameters, as it was found when these settings were put in place.
    /// No request waits for a file: a key that was put right is taken up with a reload.
    ///
    /// # Errors
    /// There was none. Then the settings define no secret parameter (`sealed::check_key`), yet a
    /// token may hold one from earlier.
    pub const fn master_key(&self) -> Result<&MasterKey, &KeyError> {
        self.key.as_ref()
    }

    /// Who signs certificates of clients, if these are asked for.
    pub(super) fn authorities(&self) -> Option<&Arc<Authorities>> {
        self.tls.as_ref()?.authorities()
    }

    /// Whether nobody comes in within TLS without a certificate.
    pub(super) fn requires_clients(&self) -> bool {
        self.tls.as_ref().is_some_and(|tls| tls.requires_clients())
    }

    /// Whether an API has the endpoint of this number.
    pub(super) fn reaches(&self, number: usize) -> bool {
        self.targets.binary_search(&number).is_ok()
    }

    /// Every endpoint that gets requests of an API: the API's name, and where it is.
    pub fn endpoints(&self) -> impl Iterator<Item = (&str, &Arc<Target>)> {
        self.endpoints.iter().map(|(api, target)| (&**api, target))
    }

    /// Compiles settings. The counters of rules that were there before go on.
    pub fn new(
        settings: &Settings,
        counters: &Counters,
        targets: &Targets,
        generation: u64,
    ) -> Arc<Self> {
        counters.forget_unused();
        targets.begin();
        let mut routes = Routes::default();
        let mut endpoints = Vec::new();
        for api in &settings.apis {
            let rules = api.rules.iter().map(|rule| {
                let plan = RulePlan::new(api, rule, settings, counters);
                (rule.path.as_str(), plan)
            });
            let plan = ApiPlan::new(api, settings, counters, targets);
            let targets = plan.targets.iter().map(Arc::clone);
            endpoints.extend(targets.map(|target| (Arc::clone(&plan.name), target)));
            routes.add(api.host.as_deref(), &api.path, plan, rules);
        }
        let mut numbers: Vec<_> = endpoints.iter().map(|(_, target)| target.number).collect();
        numbers.sort_unstable();
        Arc::new(Self {
            generation,
            endpoints: endpoints.into(),
            targets: numbers.into(),
            limits: settings.limits.clone(),
            tls: settings.tls.as_ref().map(|tls| Arc::new(tls.server.clone())),
            proxies: settings.proxies.clone(),
            identity: Identity::new(settings),
            contexts: settings.contexts.keys().cloned().collect(),
            routes,
            nowhere: ApiPlan::nowhere(counters),
            access_log: settings.telemetry.access_log,
            undeliverable: Throttle::default(),
            key: MasterKey::load(&settings.store.master_key),
        })
    }
}
