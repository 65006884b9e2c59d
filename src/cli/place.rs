//! Which configuration and which folder a command means, and the opening of the latter.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::cli::args::Common;
use crate::cli::failure::{Code, Failure};
use crate::clock::Clock;
use crate::config::settings::{MasterKeySource, StoreSettings};
use crate::config::{Environment, Report, Settings, load};
use crate::store::{self, Store};

/// Where a configuration is looked for if none is named.
const PLACES: [&str; 2] = ["tollgate.toml", "/etc/tollgate/tollgate.toml"];

/// Settings and the file that they came from.
#[derive(Debug)]
pub struct Found {
    /// What is meant.
    pub settings: Settings,
    /// None if no file was read.
    pub source: Option<PathBuf>,
}

/// The configuration file that is meant, if there is one.
pub fn file(common: &Common) -> Option<PathBuf> {
    let default = || PLACES.iter().map(PathBuf::from).find(|path| path.exists());
    common.config.clone().or_else(default)
}

/// The settings that are meant: those of a file, or the defaults over a folder that is named or was
/// used before.
///
/// # Errors
/// Mistakes in the file, or nothing to go by.
pub fn find(common: &Common) -> Result<Found, Failure> {
    let environment = Environment::process();
    let source = file(common);
    let mut settings = match &source {
        Some(path) => load(path, &environment).map_err(|report| mistakes(&report))?.settings,
        None => Settings::defaults(&environment).map_err(|report| mistakes(&report))?,
    };
    match &common.data {
        Some(data) => move_data(&mut settings, data),
        None if source.is_none() && !settings.store.path.is_dir() => {
            let [here, system] = PLACES;
            let detail = format!("no configuration found: there is no `{here}` and no `{system}`");
            return Err(Failure::new(Code::Usage, "no-config", detail)
                .hint("write one with `tollgate init`, or name a folder with `--data`"));
        }
        None => {}
    }
    Ok(Found { settings, source })
}

/// Everything that is wrong with a configuration.
pub fn mistakes(report: &Report) -> Failure {
    let text = report.to_string();
    let first = text.lines().next().unwrap_or_default();
    let detail = first.strip_prefix("error: ").unwrap_or(first).to_owned();
    Failure::new(Code::Usage, "bad-config", detail).report(text)
}

/// Puts the data elsewhere, and with it what lies in the folder or beside it by default.
pub fn move_data(settings: &mut Settings, to: &Path) {
    let from = std::mem::replace(&mut settings.store.path, to.to_owned());
    if settings.listen.socket == from.join("tollgate.sock") {
        settings.listen.socket = to.join("tollgate.sock");
    }
    if settings.store.master_key == MasterKeySource::File(key_beside(&from)) {
        settings.store.master_key = MasterKeySource::File(key_beside(to));
    }
}

/// Where the master key lies by default: beside the data, not in it.
pub fn key_beside(data: &Path) -> PathBuf {
    let mut name = data.file_name().unwrap_or_default().to_owned();
    name.push(".key");
    data.with_file_name(name)
}

/// Opens the folder, which must be there: only `init`, `serve`, `demo` and `restore` make one.
///
/// # Errors
/// No folder, one that another process holds, or one that is damaged.
pub async fn open_store(
    settings: &StoreSettings,
    clock: &Clock,
) -> Result<Arc<dyn Store>, Failure> {
    if !settings.path.is_dir() {
        let detail = format!("there is no data folder `{}`", settings.path.display());
        return Err(Failure::new(Code::Unreachable, "no-data", detail).hint(
            "make it with `tollgate init` or `tollgate serve`, or name another with `--data`",
        ));
    }
    Ok(store::open(settings, clock.clone()).await?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_lies_with_the_data_moves_with_it() {
        let mut settings = Settings::defaults(&Environment::process()).unwrap();
        assert_eq!(settings.store.master_key, MasterKeySource::File("data.key".into()));
        move_data(&mut settings, Path::new("/srv/tollgate"));
        assert_eq!(settings.store.path, Path::new("/srv/tollgate"));
        assert_eq!(settings.listen.socket, Path::new("/srv/tollgate/tollgate.sock"));
        assert_eq!(settings.store.master_key, MasterKeySource::File("/srv/tollgate.key".into()));
        settings.listen.socket = "/run/tollgate.sock".into();
        move_data(&mut settings, Path::new("/elsewhere"));
        assert_eq!(settings.listen.socket, Path::new("/run/tollgate.sock"));
    }
}
