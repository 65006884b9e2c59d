//! From a file, or from nothing, to settings.

use std::collections::{BTreeMap, BTreeSet};
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use toml::Spanned;
use toml::de::DeTable;

use super::bounded::contents;
use super::broken::Broken;
use super::environment::{Environment, Overrides};
use super::file::File;
use super::mistake::Mistake;
use super::reading::{Reading, Reported};
use super::report::Report;
use super::rule::Catalogues;
use super::settings::{Api, Dialect, KeepInPath, Rule, SecretSource, Settings, Upstream};
use super::table::Table;
use super::{api, catalog, endpoint, general, identity, limits, proxies, storage, tls, webhooks};
use crate::domain::rule::Requirement;
use crate::tls::{Caller, Fault, Trust, What};

/// Settings, and the files that they came from.
#[derive(Clone, Debug, PartialEq)]
pub struct Loaded {
    /// What the file means.
    pub settings: Settings,
    /// The files that were read: those to watch.
    pub files: Vec<PathBuf>,
}

/// A configuration file, and what the command line says instead of it. A gateway keeps this, so
/// that a reload means the same as the start.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Source {
    /// The file.
    pub path: PathBuf,
    /// What goes before it.
    pub overrides: Overrides,
}

impl Source {
    /// A file without overrides.
    pub fn file(path: &Path) -> Self {
        Self { path: path.to_owned(), overrides: Overrides::default() }
    }

    /// The file, and those that it names and whose contents matter while the gateway runs.
    pub fn files(&self, settings: &Settings) -> Vec<PathBuf> {
        let tls = settings.tls.iter().flat_map(|tls| tls.server.files());
        let endpoints = settings.apis.iter().flat_map(|api| &api.upstream.endpoints);
        let callers = endpoints.filter_map(|endpoint| endpoint.tls.as_ref());
        let callers = callers.flat_map(|tls| tls.caller.files());
        let mut files: Vec<_> =
            std::iter::once(self.path.clone()).chain(tls).chain(callers).collect();
        let mut seen = BTreeSet::new();
        files.retain(|file| seen.insert(file.clone()));
        files
    }

    /// The same, and those that are read once more with each reload: one that cannot be used may be what keeps these
    /// settings from being taken.
    pub fn all_files(&self, settings: &Settings) -> Vec<PathBuf> {
        let webhooks = settings.webhooks.iter().map(|webhook| &webhook.secret);
        let secrets = webhooks.chain([&settings.store.master_key]).filter_map(SecretSource::file);
        let more = secrets.chain(settings.egress.ca.as_deref()).map(Path::to_owned);
        self.files(settings).into_iter().chain(more).collect()
    }

    /// Reads the file.
    ///
    /// # Errors
    /// All mistakes of the file at once.
    pub fn load(&self, environment: &Environment) -> Result<Loaded, Report> {
        let bytes = read(&self.path)?;
        let settings = settings(&self.path, &bytes, environment, &self.overrides)?;
        let files = self.files(&settings);
        Ok(Loaded { settings, files })
    }
}

/// Reads a configuration file.
///
/// # Errors
/// All mistakes of the file at once.
pub fn load(path: &Path, environment: &Environment) -> Result<Loaded, Report> {
    Source::file(path).load(environment)
}

/// Reads a configuration that is in memory; `path` is what reports call it.
///
/// # Errors
/// All its mistakes at once.
pub fn parse(path: &Path, bytes: &[u8], environment: &Environment) -> Result<Settings, Report> {
    settings(path, bytes, environment, &Overrides::default())
}

pub(super) fn settings(
    path: &Path,
    bytes: &[u8],
    environment: &Environment,
    overrides: &Overrides,
) -> Result<Settings, Report> {
    let source = String::from_utf8_lossy(bytes);
    let reading = Reading::new(path, &source, environment, overrides);
    let settings = read_document(bytes, &source, &reading).and_then(|file| build(&file, &reading));
    finish(settings, reading, path)
}

pub(super) fn read(path: &Path) -> Result<Vec<u8>, Report> {
    contents(path).map_err(|error| {
        let mistake = Mistake::NotRead { path: path.display().to_string(), why: error.to_string() };
        let hint = match error.kind() {
            ErrorKind::NotFound => {
                "name the file with `--config PATH`, or write one with `tollgate init`"
            }
            ErrorKind::PermissionDenied => {
                "let this user read the file and enter its folders, or run as one that may"
            }
            _ => "name the file with `--config PATH`",
        };
        Report::placeless(mistake, hint)
    })
}

/// Settings if nothing was reported, and otherwise what was.
pub(super) fn finish<T>(
    outcome: Result<T, Reported>,
    reading: Reading<'_>,
    path: &Path,
) -> Result<T, Report> {
    match (reading.report(path), outcome) {
        (None, Ok(value)) => Ok(value),
        (Some(report), _) => Err(report),
        // `Reported` is made by reporting alone, so there is a report; an empty one is refused too.
        (None, Err(_)) => Err(Report::new(path, "", Vec::new(), Vec::new())),
    }
}

/// The low settings. Of a text that is not TOML, what is whole is looked at too, for as much as can
/// be said whatever stands in the rest.
pub(super) fn read_document(
    bytes: &[u8],
    source: &str,
    reading: &Reading<'_>,
) -> Result<File, Reported> {
    if let Err(error) = std::str::from_utf8(bytes) {
        let at = error.valid_up_to();
        return Err(reading.mistake(&(at..at + 1), Mistake::NotText, "save the file as UTF-8"));
    }
    let (document, errors) = DeTable::parse_recoverable(source);
    if !errors.is_empty() {
        let broken = Broken::tell(source, reading);
        if let Some(rest) = broken.rest() {
            let second = reading.anew();
            let _ = build(&low(rest, &second), &second);
            reading
                .take_over(second, |mistake, span| mistake.stands_alone() && broken.has_left(span));
        }
        return Err(reading.partial());
    }
    Ok(low(document, reading))
}

fn low(document: Spanned<DeTable<'_>>, reading: &Reading<'_>) -> File {
    let span = document.span();
    File::read(Table::new("", span, document.into_inner()), reading)
}

/// The keys that each table can have, by the name of the table: an empty one for the file itself,
/// and `NAME` where a name is the operator's choice. Keys that are such names are not among them.
pub fn known_keys() -> BTreeMap<String, Vec<&'static str>> {
    let (environment, overrides) = (Environment::default(), Overrides::default());
    let one_of_each = "[flags.a]\n[contexts.a.params.a]\n[[tls.certificates]]\n[[webhooks]]\n[[apis]]\n\
         upstream = [{}]\n[[apis.rules]]\n";
    let reading = Reading::new(Path::new(""), one_of_each, &environment, &overrides);
    // What is missing in these tables is no mistake here.
    let _ = read_document(one_of_each.as_bytes(), one_of_each, &reading);
    reading.keys.into_inner()
}

/// The high settings.
pub(super) fn build(file: &File, reading: &Reading<'_>) -> Result<Settings, Reported> {
    let store = storage::store(&file.store, reading);
    let store_path = store.as_ref().map_or(Path::new("data"), |store| &store.path);
    let listen = general::listen(&file.listen, store_path, reading);
    let tls = tls::tls(&file.tls, reading);
    let proxies = proxies::proxies(&file.proxies, reading);
    let cache = general::cache(&file.cache, reading);
    let limits = limits::limits(&file.limits, reading);
    let telemetry = general::telemetry(&file.telemetry, reading);
    let (identity, taken) =
        identity::identity(&file.identity, api::own_fields(&file.apis), reading);
    let tokens = general::tokens(&file.tokens, reading);
    let sessions = general::sessions(&file.sessions, reading);
    let flags = catalog::flags(&file.flags, &file.contexts, reading);
    let contexts = catalog::contexts(&file.contexts, &taken, reading);
    let flag_names: BTreeSet<_> = file.flags.iter().map(|one| one.name.value.as_str()).collect();
    let context_names: BTreeSet<_> =
        file.contexts.iter().map(|one| one.name.value.as_str()).collect();
    let catalogues = Catalogues {
        flag_names: &flag_names,
        context_names: &context_names,
        flags: flags.as_ref().ok(),
        // Where that cannot be told, nothing is said of it.
        asks_clients: tls
            .as_ref()
            .map_or(true, |tls| tls.as_ref().is_some_and(|tls| tls.server.asks_clients())),
    };
    let apis = api::apis(&file.apis, listen.as_ref().ok(), catalogues, reading);
    let egress = webhooks::egress(&file.egress, reading);
    let webhooks = webhooks::webhooks(&file.webhooks, store_path, reading);
    Ok(Settings {
        egress: egress?,
        webhooks: webhooks?,
        listen: listen?,
        tls: tls?,
        proxies: proxies?,
        store: store?,
        cache: cache?,
        limits: limits?,
        telemetry: telemetry?,
        identity: identity?,
        tokens: tokens?,
        sessions: sessions?,
        flags: flags?,
        contexts: contexts?,
        apis: apis?,
    })
}

impl Settings {
    /// The settings of an empty file.
    ///
    /// # Errors
    /// None, as things are: no default is a mistake.
    pub fn defaults(environment: &Environment) -> Result<Self, Report> {
        Self::without_file(environment, &Overrides::default())
    }

    /// The settings of an empty file, as far as the command line says nothing else.
    ///
    /// # Errors
    /// What the command line says is a mistake.
    pub fn without_file(environment: &Environment, overrides: &Overrides) -> Result<Self, Report> {
        settings(Path::new(""), b"", environment, overrides)
    }

    /// The settings of `serve --upstream URL` without a file: one API, and one rule that lets any
    /// valid token through to every path.
    ///
    /// # Errors
    /// A URL that is not `http://` or `https://` with a host and a port.
    pub fn for_upstream(url: &str, environment: &Environment) -> Result<Self, Report> {
        Self::defaults(environment)?.with_upstream(url)
    }

    /// Adds an API `upstream` that lets any valid token through to every path of `url`.
    ///
    /// # Errors
    /// A URL that is not `http://` or `https://` with a host and a port, or one of our own listeners.
    pub fn with_upstream(mut self, url: &str) -> Result<Self, Report> {
        let place = endpoint::place(url)
            .map_err(|fault| Report::placeless(Mistake::BadUpstream(fault.0), endpoint::URL))?;
        if let Some(key) = endpoint::own_listener(&place, &self.listen) {
            let api = "upstream".to_owned();
            return Err(Report::placeless(Mistake::UpstreamIsSelf { api, key }, endpoint::SELF));
        }
        let tls = place.tls.then(|| Caller::load(Trust::default())).transpose();
        let tls = tls.map_err(|faults| {
            // There are no files: it is one at the most.
            let what = faults.into_iter().next().map_or(What::NoRoots, |Fault { what, .. }| what);
            let hint = what.hint();
            Report::placeless(Mistake::TlsFile { file: "upstream_ca".to_owned(), what }, hint)
        })?;
        let upstream = place
            .endpoint(tls.as_ref(), (None, false))
            .map_err(|name| Report::placeless(Mistake::BadHost(name), endpoint::URL))?;
        let named = |name: &'static str| {
            name.parse().map_err(|_| {
                Report::placeless(Mistake::BadName { what: "an API", name: name.to_owned() }, "")
            })
        };
        let rule = Rule {
            name: named("rule-1")?,
            path: "/{*rest}".to_owned(),
            methods: Vec::new(),
            public: false,
            item: None,
            requirement: Requirement::default(),
        };
        self.apis.push(Api {
            name: named("upstream")?,
            dialect: Dialect::Bearer,
            host: None,
            path: "/".to_owned(),
            upstream: Upstream::with_defaults(vec![upstream]),
            needs_certificate: false,
            keep_credential: false,
            body_bytes: None,
            keep: KeepInPath::default(),
            token_places: None,
            cors: None,
            idle_ttl: None,
            rules: vec![rule],
        });
        Ok(self)
    }
}
