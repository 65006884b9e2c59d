//! The checked settings of the data folder and of the master key. Each default stands here, and in
//! `config/tollgate.toml`.

use std::path::{Path, PathBuf};

use super::environment::{BadReference, Environment, sole_reference};
use super::file::StoreTable;
use super::mistake::Mistake;
use super::reading::{Field, Placed, Reading, Reported, did_you_mean};
use super::settings::{MasterKeySource, StoreSettings};
use super::values::{size, text};

/// The folder of systemd's credentials, and the name of ours in it.
const CREDENTIALS: &str = "CREDENTIALS_DIRECTORY";
const CREDENTIAL: &str = "tollgate-master-key";

pub(super) fn store(table: &StoreTable, reading: &Reading<'_>) -> Result<StoreSettings, Reported> {
    let path = text(&table.path, reading).and_then(|given| {
        let (named, path, place) = match (&reading.overrides.data, given) {
            (Some(folder), _) => (folder.as_path(), folder.clone(), None),
            (None, given) => {
                let named = given.map_or("data", |text| &text.value.value);
                let place = given.map(|text| text.span.clone());
                (Path::new(named), reading.beside_file(named), place)
            }
        };
        // By the name as it was given: `.` beside a file in `/etc` would be called `etc`.
        if named.file_name().is_some() {
            return Ok(path);
        }
        let hint = "name a folder that holds nothing else, such as `data`";
        Err(reading.mistake_at(place, Mistake::StorePath, hint))
    });
    let index_cache_bytes = size(&table.index_cache, 1 << 20..=1 << 40, reading);
    let reserve_bytes = size(&table.reserve, 1 << 20..=1 << 40, reading);
    // Without the folder the key has no default place, but its own mistakes are still found.
    let beside = path.as_deref().unwrap_or_else(|_| Path::new("data"));
    let master_key = master_key(&table.master_key, beside, reading);
    Ok(StoreSettings {
        index_cache_bytes: index_cache_bytes?.unwrap_or(64 << 20),
        reserve_bytes: reserve_bytes?.unwrap_or(16 << 20),
        master_key: master_key?,
        path: path?,
    })
}

/// `file:PATH`, `${NAME}` or `credential:NAME`; without any of them systemd's credential if there
/// is one, and else a file beside the data folder.
fn master_key(
    field: &Field<String>,
    store: &Path,
    reading: &Reading<'_>,
) -> Result<MasterKeySource, Reported> {
    let environment = reading.environment;
    let Some(given) = field else {
        let credential = credentials(environment).map(|folder| folder.join(CREDENTIAL));
        let file = credential.filter(|file| file.exists());
        return Ok(MasterKeySource::File(file.unwrap_or_else(|| beside(store))));
    };
    let given = given.as_ref().map_err(|reported| *reported)?;
    let missing = |name: &str, otherwise: &str| {
        let hint = did_you_mean(name, environment.names(), otherwise);
        Err(reading.mistake(&given.span, Mistake::NoVariable(name.to_owned()), hint))
    };
    if let Some(name) = sole_reference(&given.value) {
        return match environment.value(name) {
            Some(_) => Ok(MasterKeySource::Environment(name.to_owned())),
            None => missing(name, "set it to the 64 hexadecimal digits of the key"),
        };
    }
    let file = match environment.expand(&given.value) {
        Ok(text) => match text.split_once(':') {
            Some(("file", path)) if !path.is_empty() => reading.beside_file(path),
            Some(("credential", name)) if !name.is_empty() => match credentials(environment) {
                Some(folder) => folder.join(name),
                None => return missing(CREDENTIALS, "systemd sets it for `LoadCredential=`"),
            },
            _ => return Err(secret_in_file(given, reading)),
        },
        Err(BadReference::NoVariable(name, _)) => return missing(&name, "set the variable"),
        Err(BadReference::Malformed(_)) => return Err(secret_in_file(given, reading)),
    };
    if lies_in(&file, store) {
        let hint = "keep it elsewhere: who copies the data would copy the key with it";
        return Err(reading.mistake(&given.span, Mistake::KeyInStore, hint));
    }
    Ok(MasterKeySource::File(file))
}

/// The folder of systemd's credentials, if there is one. A variable that is empty names none.
fn credentials(environment: &Environment) -> Option<&Path> {
    environment.value(CREDENTIALS).filter(|folder| !folder.is_empty()).map(Path::new)
}

fn lies_in(file: &Path, folder: &Path) -> bool {
    match (std::path::absolute(file), std::path::absolute(folder)) {
        (Ok(file), Ok(folder)) => file.starts_with(folder),
        _ => file.starts_with(folder),
    }
}

fn secret_in_file(given: &Placed<String>, reading: &Reading<'_>) -> Reported {
    reading.conceal(given.span.clone());
    let hint = "write `file:PATH`, `${NAME}` or `credential:NAME`";
    reading.mistake(&given.span, Mistake::SecretInFile(given.key.clone()), hint)
}

/// The data folder's name with `.key` at its end.
fn beside(store: &Path) -> PathBuf {
    let mut name = store.file_name().unwrap_or_default().to_owned();
    name.push(".key");
    store.with_file_name(name)
}
