//! Which configuration and which folder a command means, and the opening of the latter.

use std::path::PathBuf;
use std::sync::Arc;

use axum::http::StatusCode;

use crate::admin::problem::Problem;
use crate::cli::args::Common;
use crate::cli::failure::{Code, Failure, MAKERS};
use crate::cli::waiting::Waiting;
use crate::clock::Clock;
use crate::config::settings::StoreSettings;
use crate::config::{Environment, Overrides, Report, Settings, Source};
use crate::notices::SetupError;
use crate::store::sealed::KeyError;
use crate::store::{self, Opener, Store};

/// Where a configuration is looked for if none is named.
const PLACES: [&str; 2] = ["tollgate.toml", "/etc/tollgate/tollgate.toml"];

/// Settings and where they came from.
#[derive(Debug)]
pub struct Found {
    /// What is meant.
    pub settings: Settings,
    /// None if no file was read.
    pub source: Option<Source>,
}

/// Names the configuration file where the command line does not.
const VARIABLE: &str = "TOLLGATE_CONFIG";

/// The file that the environment names. A variable that is empty names none, as is the custom.
pub fn named_by_environment() -> Option<PathBuf> {
    std::env::var_os(VARIABLE).filter(|name| !name.is_empty()).map(PathBuf::from)
}

/// The configuration file that is meant, if there is one.
pub fn file(common: &Common) -> Option<PathBuf> {
    // One that may not be looked at is there too: to read it says why.
    let is_there = |path: &PathBuf| path.try_exists().unwrap_or(true);
    let default = || PLACES.iter().map(PathBuf::from).find(is_there);
    common.config.clone().or_else(default)
}

/// The settings that are meant: those of a file, or the defaults over a folder that is named or was
/// used before.
///
/// # Errors
/// Mistakes in the file, or nothing to go by.
pub fn find(common: &Common, overrides: Overrides) -> Result<Found, Failure> {
    let found = read(common, overrides)?;
    let to_go_by = found.source.is_some() || common.data.is_some();
    if to_go_by || found.settings.store.path.is_dir() {
        return Ok(found);
    }
    let [here, system] = PLACES;
    let detail = format!("no configuration found: there is no `{here}` and no `{system}`");
    Err(Failure::new(Code::Usage, "no-config", detail)
        .hint("write one with `tollgate init`, or name a folder with `--data`"))
}

/// The settings of the file that is meant, or without one the defaults. What the command line says
/// goes before both.
///
/// # Errors
/// Mistakes in the file.
pub fn read(common: &Common, overrides: Overrides) -> Result<Found, Failure> {
    let environment = Environment::process();
    match file(common) {
        Some(path) => {
            let source = Source { path, overrides };
            let loaded = source.load(&environment).map_err(|report| mistakes(&report))?;
            Ok(Found { settings: loaded.settings, source: Some(source) })
        }
        None => {
            let settings = Settings::without_file(&environment, &overrides);
            let settings = settings.map_err(|report| mistakes(&report))?;
            Ok(Found { settings, source: None })
        }
    }
}

/// The socket that a file with mistakes still names, with that file; none where it names none.
/// Never that of another server: nothing is taken from elsewhere, and no default.
pub fn socket_despite_mistakes(common: &Common) -> Option<(PathBuf, PathBuf)> {
    let source = Source { path: file(common)?, overrides: overrides(common) };
    let socket = source.socket(&Environment::process())?;
    Some((socket, source.path))
}

/// What the command line of every command says.
pub fn overrides(common: &Common) -> Overrides {
    Overrides { data: common.data.clone(), ..Overrides::default() }
}

/// Everything that is wrong with a configuration.
pub fn mistakes(report: &Report) -> Failure {
    let text = report.to_string();
    let first = text.lines().next().unwrap_or_default();
    let detail = first.strip_prefix("error: ").unwrap_or(first).to_owned();
    Failure::new(Code::Usage, "bad-config", detail).report(text).mistakes(report)
}

/// Secret parameters, and no key for them.
pub fn no_key(error: &KeyError) -> Failure {
    Problem::no_master_key(StatusCode::BAD_REQUEST, error).into()
}

/// Webhooks that could not be called, and where the file says so.
pub fn no_webhooks(error: &SetupError, report: Option<&Report>) -> Failure {
    let failure: Failure = Problem::no_webhooks(StatusCode::BAD_REQUEST, error, report).into();
    match report {
        Some(report) => failure.report(report.to_string()),
        None => failure,
    }
}

/// Opens the folder, which must be a data folder already, unless the opener may make one. None if
/// it is to be tried again, from the looking for a server on.
///
/// # Errors
/// No folder, one that another process holds, or one that is damaged.
pub async fn open_store(
    settings: &StoreSettings,
    opener: Opener,
    clock: &Clock,
    waiting: &mut Waiting,
) -> Result<Option<Arc<dyn Store>>, Failure> {
    if !settings.path.is_dir() && !opener.may_make() {
        let detail = format!("there is no data folder `{}`", settings.path.display());
        return Err(Failure::new(Code::Unreachable, "no-data", detail).hint(MAKERS));
    }
    match store::open_for(opener, settings, clock.clone()).await {
        Ok(store) => Ok(Some(store)),
        Err(error) if waiting.goes_on(&error).await => Ok(None),
        Err(error) => Err(error.into()),
    }
}
