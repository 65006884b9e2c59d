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
        Ok(Loaded { settings, files: vec![self.path.clone()] })
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
            let hint = "restart the gateway to change it; until then the old settings stay";
            outcome = Err(reading.mistake_at(place, Mistake::Fixed { key }, hint));
        }
    };
    check("listen.public", old_listen.public == listen.public, place(&at.public));
    check("listen.admin", old_listen.admin == listen.admin, place(&at.admin));
    let same = old_listen.admin_hosts == listen.admin_hosts;
    check("listen.admin_hosts", same, place(&at.admin_hosts));
    check("listen.socket", old_listen.socket == listen.socket, place(&at.socket));
    check("listen.cores", old_listen.cores == listen.cores, place(&at.cores));
    check("listen.h2c", old_listen.h2c == listen.h2c, place(&at.h2c));
    check("store.path", old_store.path == store.path, place(&store_at.path));
    let same = old_store.index_cache_bytes == store.index_cache_bytes;
    check("store.index_cache", same, place(&store_at.index_cache));
    let same = old_store.reserve_bytes == store.reserve_bytes;
    check("store.reserve", same, place(&store_at.reserve));
    let same = old_store.master_key == store.master_key;
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

fn place<T>(field: &Field<T>) -> Option<Range<usize>> {
    field.as_ref().and_then(|given| given.as_ref().ok()).map(|given| given.span.clone())
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use super::*;
    use crate::config::Overrides;
    use crate::config::load::settings;
    use crate::config::settings::MasterKeySource;

    fn file(text: &str) -> tempfile::NamedTempFile {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), text).unwrap();
        file
    }

    #[test]
    fn what_can_change_does() {
        let environment = Environment::default();
        let file = file("");
        let current = super::super::load(file.path(), &environment).unwrap().settings;
        std::fs::write(file.path(), "[limits]\nheaders = 50\n[tokens]\nidle_ttl = \"1d\"\n")
            .unwrap();
        let new = reload(&current, file.path(), &environment).unwrap();
        assert_eq!(new.settings.limits.headers, 50);
        assert_eq!(new.files, [file.path()]);
    }

    /// What is read anew for each request or connection: from the snapshot, or from the settings in
    /// force.
    const LIVE: [&str; 31] = [
        // Only what `listen.admin` may be hangs on it.
        "listen.admin_open",
        "limits.connections",
        "limits.head",
        "limits.headers",
        "limits.target",
        "limits.head_timeout",
        "limits.idle_timeout",
        "limits.stall_timeout",
        "limits.body_rate",
        "telemetry.filter",
        "telemetry.access_log",
        "tokens.idle_ttl",
        "tokens.lifetime",
        "identity.owner",
        "identity.company",
        "identity.token_id",
        "identity.token_name",
        "identity.flags",
        "identity.contexts",
        "identity.items",
        "identity.params",
        "identity.request_id",
        "apis.upstream",
        "apis.upstream_connect_timeout",
        "apis.upstream_response_timeout",
        "apis.upstream_idle_timeout",
        "apis.upstream_stall_timeout",
        "apis.keep_credential",
        "apis.body_limit",
        "apis.keep",
        "apis.idle_ttl",
    ];

    /// Of a key that is neither, a reload would say that it is in force although it is not.
    #[test]
    fn every_key_takes_effect_or_is_refused() {
        let environment = Environment::default();
        let empty = file("");
        let current = super::super::load(empty.path(), &environment).unwrap().settings;
        let changed = file(
            "[listen]\npublic = \"127.0.0.1:1\"\nadmin = \"127.0.0.1:2\"\nadmin_hosts = [\"a\"]\n\
             socket = \"s\"\ncores = 1000\nh2c = true\n[store]\npath = \"d\"\n\
             index_cache = \"9MiB\"\n\
             reserve = \"9MiB\"\nmaster_key = \"file:k\"\n[cache]\nrecords = 1\nunknown = 1\n\
             unknown_ttl = \"1s\"\nloads = 1\nload_timeout = \"1s\"\nflush_interval = \"1s\"\n\
             [telemetry]\nformat = \"json\"\n",
        );
        let report = reload(&current, changed.path(), &environment).unwrap_err();
        let refused: Vec<_> = report.entries().map(|one| one.message).collect();
        for (table, keys) in crate::config::known_keys() {
            for key in keys.into_iter().filter(|_| !table.is_empty()) {
                let key = format!("{table}.{key}");
                let fixed = format!("`{key}` cannot change while the gateway runs");
                // What is open to whom is compiled anew with each reload.
                let compiled =
                    ["apis.rules.", "contexts.", "apis.name", "apis.dialect", "apis.host"];
                let compiled = compiled.iter().any(|begin| key.starts_with(begin));
                let compiled = compiled || ["apis.path", "apis.rules"].contains(&&*key);
                let ways = [refused.contains(&fixed), LIVE.contains(&&*key), compiled];
                assert_eq!(ways.iter().filter(|way| **way).count(), 1, "{key}: {ways:?}");
            }
        }
    }

    #[test]
    fn what_cannot_change_is_named_and_placed() {
        let environment = Environment::default();
        let started = file("[listen]\npublic = \"127.0.0.1:9000\"\ncores = 3\n");
        let current = super::super::load(started.path(), &environment).unwrap().settings;
        let changed = file(
            "[listen]\ncores = 4\n[store]\npath = \"elsewhere\"\n[telemetry]\nformat = \"json\"\n",
        );
        let report = reload(&current, changed.path(), &environment).unwrap_err();
        let entries: Vec<_> = report.entries().map(|one| (one.message, one.place)).collect();
        let sentence = |key| format!("`{key}` cannot change while the gateway runs");
        let wanted = [
            (sentence("listen.public"), None),
            // Two defaults hang on the data folder.
            (sentence("listen.socket"), None),
            (sentence("store.master_key"), None),
            (sentence("listen.cores"), Some((2, 9))),
            (sentence("store.path"), Some((4, 9))),
            (sentence("telemetry.format"), Some((6, 11))),
        ];
        assert_eq!(entries, wanted);
    }

    #[test]
    fn paths_are_relative_to_the_file_and_those_of_the_command_line_are_not() {
        let environment = Environment::default();
        let named =
            "[listen]\nsocket = \"run/s\"\n[store]\npath = \"d\"\nmaster_key = \"file:../k\"\n";
        let absolute =
            "[listen]\nsocket = \"/run/s\"\n[store]\npath = \"/d\"\nmaster_key = \"file:/k\"\n";
        let at = |path: &str, text: &str, data: Option<&str>| {
            let overrides = Overrides { data: data.map(Into::into), ..Overrides::default() };
            let settings = settings(Path::new(path), text.as_bytes(), &environment, &overrides);
            let settings = settings.unwrap_or_else(|report| panic!("{report}"));
            let MasterKeySource::File(key) = settings.store.master_key else { panic!("no file") };
            [settings.store.path, settings.listen.socket, key]
        };
        let is = |found: [PathBuf; 3], wanted: [&str; 3]| {
            assert_eq!(found, wanted.map(PathBuf::from));
        };
        is(at("/etc/t/t.toml", named, None), ["/etc/t/d", "/etc/t/run/s", "/etc/t/../k"]);
        is(at("c/t.toml", named, None), ["c/d", "c/run/s", "c/../k"]);
        is(at("t.toml", named, None), ["d", "run/s", "../k"]);
        is(at("c/t.toml", absolute, None), ["/d", "/run/s", "/k"]);
        is(at("c/t.toml", "", None), ["c/data", "c/data/tollgate.sock", "c/data.key"]);
        is(at("c/t.toml", "", Some("x/d")), ["x/d", "x/d/tollgate.sock", "x/d.key"]);
        is(at("c/t.toml", named, Some("x/d")), ["x/d", "c/run/s", "c/../k"]);
    }

    #[test]
    fn what_the_command_line_said_still_holds() {
        let environment = Environment::default();
        let file = file("[listen]\npublic = \"127.0.0.1:9000\"\n[store]\npath = \"a/b\"\n");
        let overrides = Overrides {
            public: Some("127.0.0.1:9001".parse().unwrap()),
            admin: None,
            data: Some("/srv/tollgate".into()),
        };
        let source = Source { path: file.path().to_owned(), overrides };
        let current = source.load(&environment).unwrap().settings;
        assert_eq!(current.listen.public.port(), 9001);
        assert_eq!(current.listen.socket, Path::new("/srv/tollgate/tollgate.sock"));
        assert_eq!(current.store.master_key, MasterKeySource::File("/srv/tollgate.key".into()));
        assert_eq!(source.reload(&current, &environment).unwrap().settings, current);
        assert!(reload(&current, file.path(), &environment).is_err());
    }

    #[test]
    fn sec_w4_the_command_line_cannot_open_the_admin_address() {
        let admin = Some("0.0.0.0:8081".parse().unwrap());
        let overrides = Overrides { admin, ..Overrides::default() };
        let settings = Settings::without_file(&Environment::default(), &overrides);
        let report = settings.unwrap_err().to_string();
        assert!(report.starts_with("error: the admin address `0.0.0.0:8081` is open"), "{report}");
    }

    #[test]
    fn a_default_that_the_machine_gave_is_no_change() {
        let environment = Environment::default();
        let file = file("");
        let mut current = super::super::load(file.path(), &environment).unwrap().settings;
        current.listen.cores += 1;
        assert!(reload(&current, file.path(), &environment).is_ok());
    }
}
