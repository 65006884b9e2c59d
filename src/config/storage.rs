//! The checked settings of the data folder and of the master key. Each default stands here, and in
//! `config/tollgate.toml`.

use std::path::{Path, PathBuf};

use super::file::StoreTable;
use super::mistake::Mistake;
use super::reading::{Field, Reading, Reported};
use super::secret_source::{credentials, secret_source};
use super::settings::{SecretSource, StoreSettings};
use super::values::{size, text};

/// The name of the master key among systemd's credentials.
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
) -> Result<SecretSource, Reported> {
    let Some(given) = field else {
        let credential = credentials(reading.environment).map(|folder| folder.join(CREDENTIAL));
        let file = credential.filter(|file| file.exists());
        return Ok(SecretSource::File(reading.notes(file.unwrap_or_else(|| beside(store)))));
    };
    let given = given.as_ref().map_err(|reported| *reported)?;
    secret_source(given, "set it to the 64 hexadecimal digits of the key", store, reading)
}

/// The data folder's name with `.key` at its end.
fn beside(store: &Path) -> PathBuf {
    let mut name = store.file_name().unwrap_or_default().to_owned();
    name.push(".key");
    store.with_file_name(name)
}
