//! New settings for a gateway that runs. Listeners, the store and the caches are made once: a
//! change of theirs is a mistake, and the old settings stay.

use std::ops::Range;
use std::path::Path;

use super::environment::Environment;
use super::file::File;
use super::load::{Loaded, Source, build, finish, read, read_document};
use super::mistake::Mistake;
use super::reading::{Field, Reading, Reported};
use super::report::Report;
use super::settings::Settings;

/// Reads the file anew for a gateway that runs with `current`. Nothing is changed by it: the caller
/// puts the answer in place, or keeps what it has.
///
/// # Errors
/// All mistakes of the file at once, and each key whose change needs a restart.
pub fn reload(
    current: &Settings,
    path: &Path,
    environment: &Environment,
) -> Result<Loaded, Report> {
    Source::file(path).reload(current, environment)
}

impl Source {
    /// The same as [`reload`], with what the command line said at the start.
    ///
    /// # Errors
    /// All mistakes of the file at once, and each key whose change needs a restart.
    pub fn reload(&self, current: &Settings, environment: &Environment) -> Result<Loaded, Report> {
        let bytes = read(&self.path)?;
        let source = String::from_utf8_lossy(&bytes);
        let reading = Reading::new(&self.path, &source, environment, &self.overrides);
        let settings = read_document(&bytes, &source, &reading).and_then(|file| {
            let mut settings = build(&file, &reading)?;
            keep_found_defaults(&mut settings, current, &file);
            refuse_fixed(current, &settings, &file, &reading).map(|()| settings)
        });
        let settings = finish(settings, reading, &self.path)?;
        let files = self.files(&settings);
        Ok(Loaded { settings, files })
    }
}

/// Defaults that were found on the machine at start stay as they were found then.
fn keep_found_defaults(new: &mut Settings, current: &Settings, file: &File) {
    if file.listen.cores.is_none() {
        new.listen.cores = current.listen.cores;
    }
    if file.store.master_key.is_none() && new.store.path == current.store.path {
        new.store.master_key = current.store.master_key.clone();
    }
    // Clients go on with their sessions.
    if let (Some(tls), Some(before)) = (&mut new.tls, &current.tls) {
        tls.server.follow(&before.server);
    }
}

fn refuse_fixed(
    current: &Settings,
    new: &Settings,
    file: &File,
    reading: &Reading<'_>,
) -> Result<(), Reported> {
    let (old_listen, listen, at) = (&current.listen, &new.listen, &file.listen);
    let (old_store, store, store_at) = (&current.store, &new.store, &file.store);
    let (old_cache, cache, cache_at) = (&current.cache, &new.cache, &file.cache);
    let mut outcome = Ok(());
    let mut check = |key, same: bool, place: Option<Range<usize>>| {
        if !same {
            outcome = Err(refuse(key, place, reading));
        }
    };
    check("listen.public", old_listen.public == listen.public, place(&at.public));
    check("listen.plain", old_listen.plain == listen.plain, place(&at.plain));
    check("listen.admin", old_listen.admin == listen.admin, place(&at.admin));
    let same = old_listen.admin_hosts == listen.admin_hosts;
    check("listen.admin_hosts", same, place(&at.admin_hosts));
    // Two defaults hang on the data folder, of which it is said then.
    let moved = old_store.path != store.path;
    let same = old_listen.socket == listen.socket || (moved && at.socket.is_none());
    check("listen.socket", same, place(&at.socket));
    check("listen.cores", old_listen.cores == listen.cores, place(&at.cores));
    check("listen.h2c", old_listen.h2c == listen.h2c, place(&at.h2c));
    let tls_at = file.tls.certificates.first().map(|first| first.span.clone());
    check("tls.certificates", current.tls.is_some() == new.tls.is_some(), tls_at);
    let admin = |settings: &Settings| settings.tls.as_ref().is_some_and(|tls| tls.admin);
    check("tls.admin", admin(current) == admin(new), place(&file.tls.admin));
    check("store.path", !moved, place(&store_at.path));
    let same = old_store.index_cache_bytes == store.index_cache_bytes;
    check("store.index_cache", same, place(&store_at.index_cache));
    let same = old_store.reserve_bytes == store.reserve_bytes;
    check("store.reserve", same, place(&store_at.reserve));
    let same = old_store.master_key == store.master_key || (moved && store_at.master_key.is_none());
    check("store.master_key", same, place(&store_at.master_key));
    check("cache.records", old_cache.records == cache.records, place(&cache_at.records));
    check("cache.unknown", old_cache.unknown == cache.unknown, place(&cache_at.unknown));
    let same = old_cache.unknown_ttl == cache.unknown_ttl;
    check("cache.unknown_ttl", same, place(&cache_at.unknown_ttl));
    check("cache.loads", old_cache.loads == cache.loads, place(&cache_at.loads));
    let same = old_cache.load_timeout == cache.load_timeout;
    check("cache.load_timeout", same, place(&cache_at.load_timeout));
    let same = old_cache.flush_interval == cache.flush_interval;
    check("cache.flush_interval", same, place(&cache_at.flush_interval));
    let same = current.telemetry.format == new.telemetry.format;
    check("telemetry.format", same, place(&file.telemetry.format));
    outcome
}

/// At the value, or at the table in which it stands no longer.
fn refuse(key: &'static str, place: Option<Range<usize>>, reading: &Reading<'_>) -> Reported {
    let mistake = Mistake::Fixed { key };
    if let Some(place) = place {
        let hint = "restart the gateway to change it; until then the old settings stay";
        return reading.mistake(&place, mistake, hint);
    }
    let table = key.split_once('.').map_or("", |(table, _)| table);
    let place = reading.tables.borrow().get(table).cloned();
    let hint = "its value is no longer that with which the gateway was started: put it back, or restart the gateway; until then the old settings stay";
    reading.mistake_at(place, mistake, hint)
}

fn place<T>(field: &Field<T>) -> Option<Range<usize>> {
    field.as_ref().and_then(|given| given.as_ref().ok()).map(|given| given.span.clone())
}

#[cfg(test)]
mod tests;
