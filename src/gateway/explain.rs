//! Why a request would go through, or where it would stop: the same stations and checks as a real
//! request, in the same order, by the same functions, with what each one compared. Called by
//! `admin`; it forwards nothing and touches nothing.
//!
//! Only what a question can hold is checked: it has no headers but a host, a token and a company, and
//! no body.

use std::net::IpAddr;

use http::header::{self, HeaderMap};
use http::{HeaderValue, Method, Uri};
use serde::{Deserialize, Serialize};

use crate::cache::Claims;
use crate::config::settings::Dialect;
use crate::domain::decision::{CHECKS, Case, CompanyTerms, Facts, OwnerTerms, Standing, Terms};
use crate::domain::flags::FlagCatalog;
use crate::domain::left::Left;
use crate::domain::limits::Limits;
use crate::domain::refusal::{BadRequest, Refusal};
use crate::domain::secret::{self, Secret};
use crate::domain::time::Timestamp;
use crate::store::Held;
use crate::tls::ClientCertificate;
use crate::wire::proxies::Proxies;

use super::dialect::{self, Carried};
use super::host;
use super::identity;
use super::intake;
use super::leak;
use super::path;
use super::presenter;
use super::route::{self, Matched};
use super::snapshot::Snapshot;

mod shown;
mod words;

use words::Scene;

/// The checks before those of [`CHECKS`], in the order in which a request meets them.
const STATIONS: [&str; 11] = [
    "method",
    "target length",
    "host",
    "path",
    "route",
    "spelling",
    "preflight",
    "certificate",
    "credential",
    "clock",
    "digest",
];

/// The checks behind those of [`CHECKS`].
const LAST: [&str; 2] = ["identity", "limits"];

/// A request that nobody sends.
#[derive(Clone, Debug)]
pub struct Question {
    /// Its method.
    pub method: Method,
    /// Its whole URL; the host chooses the API. Without one it is as if the host were named
    /// nowhere.
    pub url: Uri,
    /// Whence it would come.
    pub address: IpAddr,
    /// What it would carry.
    pub credential: Credential,
    /// The company that it would name, where its API's dialect has a field for that.
    pub company: Option<String>,
    /// The certificate that its client would have shown, in a handshake with the same host.
    pub certificate: Option<ClientCertificate>,
}

/// What a request would carry.
#[derive(Clone, Debug)]
pub enum Credential {
    /// No token.
    None,
    /// The secret of the token that is asked about by its id, whatever that is.
    Named,
    /// This secret.
    Secret(Secret),
}

/// The moment of the question.
#[derive(Clone, Copy, Debug)]
pub struct Moment {
    /// What the wall clock shows.
    pub wall: Timestamp,
    /// What the gateway judges by; without a running one, what one that was started now would judge
    /// by.
    pub judged: Result<Timestamp, Refusal>,
}

/// One check, in the order in which it is made.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Step {
    /// What was asked.
    pub check: String,
    /// What was held against what.
    pub compared: String,
    /// `passed`, `refused`, or `not reached`.
    pub outcome: String,
}

/// The whole answer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Explanation {
    /// Whether the request would reach its upstream.
    pub permitted: bool,
    /// The status of the refusal; none for a permit.
    pub status: Option<u16>,
    /// The reason as logs and metrics name it; none for a permit.
    pub reason: Option<String>,
    /// The path as it is checked and passed on.
    pub path: String,
    /// The API that answers to it.
    pub api: Option<String>,
    /// How that API's clients speak.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dialect: Option<String>,
    /// The rule that it meets.
    pub rule: Option<String>,
    /// Every check.
    pub steps: Vec<Step>,
}

/// Walks a request through all stations up to the upstream.
pub fn explain(
    question: &Question,
    (held, left): (Option<&Held>, Option<&Left>),
    snapshot: &Snapshot,
    catalog: &FlagCatalog,
    moment: Moment,
) -> Explanation {
    let mut walk = Walk::default();
    let Some((matched, path)) = walk.take_in(question, snapshot, moment.wall) else {
        return walk.end(question.url.path().to_owned(), None);
    };
    let dialect = matched.api.dialect;
    let headers = headers(question, dialect);
    let carried = headers.as_ref().map_err(|refusal| *refusal);
    let carried = carried.and_then(|headers| dialect::read(dialect, headers));
    if let Some(rule) = matched.rule.filter(|rule| rule.public) {
        let compared = format!("rule `{}` is public: nobody is asked who it is", rule.name);
        walk.check("credential", compared, carried.and(leak::check_target(target(question), None)));
        return walk.end(path, Some(&matched));
    }
    if let Some(held) = walk.identify((question, dialect), carried.map(|_| ()), held, moment) {
        let company = carried.ok().and_then(|Carried { company, .. }| company);
        let ground = (catalog, moment, &snapshot.proxies);
        walk.judge((question, company), held, &matched, ground);
        walk.tell(held, &matched, snapshot);
        walk.limit(&held.token.limits, left);
    }
    walk.end(path, Some(&matched))
}

/// What the request would carry, for its dialect to read. Each of them has the token in
/// `Authorization`.
fn headers(question: &Question, dialect: Dialect) -> Result<HeaderMap, Refusal> {
    let mut headers = HeaderMap::new();
    if let Credential::Secret(secret) = &question.credential {
        let line = HeaderValue::from_str(&format!("Bearer {}", secret.expose()))
            .map_err(|_| Refusal::CredentialMalformed)?;
        headers.insert(header::AUTHORIZATION, line);
    }
    if let (Some(company), Some(field)) = (&question.company, dialect::company_field(dialect)) {
        let line =
            HeaderValue::from_str(company).map_err(|_| Refusal::BadRequest(BadRequest::Company))?;
        headers.insert(field, line);
    }
    Ok(headers)
}

#[derive(Default)]
struct Walk {
    steps: Vec<Step>,
    stopped: Option<Refusal>,
}

impl Walk {
    fn check(&mut self, check: &str, compared: String, outcome: Result<(), Refusal>) {
        let outcome = match (self.stopped, outcome) {
            (Some(_), _) => "not reached",
            (None, Ok(())) => "passed",
            (None, Err(refusal)) => {
                self.stopped = Some(refusal);
                "refused"
            }
        };
        let (check, outcome) = (check.to_owned(), outcome.to_owned());
        self.steps.push(Step { check, compared, outcome });
    }

    /// `intake` and `route`: what the request met, and its path in the normal form. None if it has
    /// no one reading.
    fn take_in<'s>(
        &mut self,
        question: &Question,
        snapshot: &'s Snapshot,
        now: Timestamp,
    ) -> Option<(Matched<'s>, String)> {
        let (method, url) = (&question.method, &question.url);
        self.check("method", format!("`{method}`"), intake::check_method(method));
        let (bytes, most) = (intake::target_bytes(url), snapshot.limits.target_bytes);
        let length = intake::check_length(url, &snapshot.limits);
        self.check("target length", format!("{bytes} bytes of at most {most}"), length);
        let host = host_of(url);
        self.check("host", words::host(url, host.as_ref().ok()), host.clone().map(|_| ()));
        let raw = url.path();
        let normal = match path::normalize(raw) {
            Ok(normal) => normal,
            Err(bad) => {
                self.check("path", format!("`{raw}`"), Err(Refusal::BadRequest(bad)));
                return None;
            }
        };
        self.check("path", format!("`{raw}` is read as `{}`", normal.path), Ok(()));
        let host = host.ok().filter(|_| self.stopped.is_none())?;
        let matched = route::locate(&host, &normal.path, method, snapshot);
        let at_path: Vec<_> = snapshot.routes.rules_at(&host, &normal.path).collect();
        self.check("route", words::route(&matched, &host, method, &at_path), Ok(()));
        let ambiguities = normal.ambiguities;
        let taken = route::check_spelling(ambiguities, matched.api.keep);
        let asked = (&*host, &*normal.path, method);
        let alone = route::check_readings(&matched, ambiguities, asked, snapshot);
        let compared = words::spelling(ambiguities, &matched, alone);
        self.check("spelling", compared, taken.and(alone));
        // A question is none: it has no origin.
        self.check("preflight", words::preflight(matched.api.cors.as_deref()), Ok(()));
        let certificate = question.certificate.as_ref();
        // The handshake looks at its time, whatever the API asks for.
        let untimely = certificate.and_then(|shown| shown.untimely(now));
        let compared = shown::certificate(matched.api, certificate, untimely);
        let given = match untimely {
            Some(_) => Err(Refusal::CertificateMissing),
            None => presenter::check(matched.api, &host, (certificate.is_some(), None), false),
        };
        // A request that is refused for its spelling has met no API.
        let met = self.stopped.is_none();
        self.check("certificate", compared, given);
        met.then(|| (matched, normal.path.into_owned()))
    }

    /// `authenticate`: the token, if there is one.
    fn identify<'h>(
        &mut self,
        (question, dialect): (&Question, Dialect),
        read: Result<(), Refusal>,
        held: Option<&'h Held>,
        moment: Moment,
    ) -> Option<&'h Held> {
        let (present, secret) = match &question.credential {
            Credential::None => (read.and(Err(Refusal::CredentialMissing)), None),
            Credential::Named => (read, None),
            Credential::Secret(secret) => (read, Some(secret.expose().as_bytes())),
        };
        let kept = leak::check_target(target(question), secret);
        let compared = words::credential(&question.credential, dialect, (present, kept));
        self.check("credential", compared, present.and(kept));
        self.check("clock", words::clock(moment), moment.judged.map(|_| ()));
        let plausible = match &question.credential {
            Credential::Secret(secret) => secret::is_plausible(secret.expose().as_bytes()),
            Credential::None | Credential::Named => true,
        };
        let known = if plausible && held.is_some() { Ok(()) } else { Err(Refusal::Unknown) };
        self.check("digest", words::digest(&question.credential, plausible, held), known);
        held
    }

    /// `authorize`: every check of the decision.
    fn judge(
        &mut self,
        (question, named): (&Question, Option<&str>),
        held: &Held,
        matched: &Matched<'_>,
        (catalog, moment, proxies): (&FlagCatalog, Moment, &Proxies),
    ) {
        let (terms, owner) = (Terms::from(&*held.token), OwnerTerms::from(&*held.owner));
        let company = held.company.as_deref().map(CompanyTerms::from);
        let claims = Claims::new(&held.token);
        let case = Case {
            standing: Standing::from(&*held.token),
            terms: &terms,
            owner: &owner,
            company: company.as_ref(),
            rule: matched.rule.map(|rule| &rule.requirement),
            facts: Facts {
                address: question.address,
                certificate: question.certificate.as_ref().map(|shown| shown.thumbprint),
                subject: question.certificate.as_ref().map(|shown| &*shown.subject),
                last_use: held.last_use.as_ref().map(|last| last.at),
                item: matched.item.as_deref(),
                company: named,
                lacks: matched.rule.and_then(|rule| rule.lacking(claims.params())),
            },
            now: moment.judged.unwrap_or(moment.wall),
        };
        let scene = Scene { case: &case, held, matched, catalog, proxies };
        for (name, check) in CHECKS {
            self.check(name, scene.compared(name), check(&case));
        }
    }

    /// `limits`: whether there is something left of them.
    fn limit(&mut self, limits: &Limits, left: Option<&Left>) {
        if self.stopped.is_some() {
            return;
        }
        let outcome = match left {
            Some(left) => left.refusal().map_or(Ok(()), |limit| Err(Refusal::Limited(limit))),
            None if limits.is_empty() => Ok(()),
            None => Err(Refusal::CannotDecide),
        };
        self.check("limits", words::limits(limits, left), outcome);
    }

    /// `identity`: what the upstream is to be told of the caller. The check before it found a rule.
    fn tell(&mut self, held: &Held, matched: &Matched<'_>, snapshot: &Snapshot) {
        let Some(rule) = matched.rule.filter(|_| self.stopped.is_none()) else { return };
        let claims = Claims::new(&held.token);
        let told = identity::tell_params(&mut Vec::new(), rule, (held.token.id, &claims), snapshot);
        let outcome = told.as_ref().copied().map_err(|_| Refusal::CannotDecide);
        self.check("identity", words::identity(told.as_ref().copied()), outcome);
    }

    /// The answer, with what was not even prepared as not reached.
    fn end(mut self, path: String, matched: Option<&Matched<'_>>) -> Explanation {
        if self.stopped.is_some() {
            let all = STATIONS.into_iter().chain(CHECKS.into_iter().map(|(name, _)| name));
            for name in all.chain(LAST).skip(self.steps.len()) {
                self.check(name, String::new(), Ok(()));
            }
        }
        // What no API answers to has met the gateway itself.
        let api = matched.map(|matched| matched.api).filter(|api| !api.targets.is_empty());
        Explanation {
            permitted: self.stopped.is_none(),
            status: self.stopped.map(Refusal::status),
            reason: self.stopped.map(|refusal| refusal.reason().to_owned()),
            path,
            api: api.map(|api| api.name.to_string()),
            dialect: api.map(|api| api.dialect.name().to_owned()),
            rule: matched.and_then(|matched| matched.rule).map(|rule| rule.name.to_string()),
            steps: self.steps,
        }
    }
}

fn target(question: &Question) -> &str {
    question.url.path_and_query().map_or("", |target| target.as_str())
}

/// The host as `intake` reads it. Somebody who asks about a path alone means none in particular.
fn host_of(url: &Uri) -> Result<std::rc::Rc<str>, Refusal> {
    intake::check_form(url)?;
    match url.authority() {
        None => Ok("".into()),
        Some(authority) => {
            host::plain(authority.as_str().as_bytes()).ok_or(Refusal::BadRequest(BadRequest::Host))
        }
    }
}
