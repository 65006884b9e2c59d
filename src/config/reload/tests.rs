//! What a reload takes, and what it refuses.

use std::path::PathBuf;

use super::*;
use crate::config::Overrides;
use crate::config::load::settings;
use crate::config::settings::SecretSource;

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
    std::fs::write(file.path(), "[limits]\nheaders = 50\n[tokens]\nidle_ttl = \"1d\"\n").unwrap();
    let new = reload(&current, file.path(), &environment).unwrap();
    assert_eq!(new.settings.limits.headers, 50);
    assert_eq!(new.files, [file.path()]);
}

/// What is read anew for each request or connection: from the snapshot, or from the settings in
/// force.
const LIVE: [&str; 103] = [
    "limits.handshake_timeout",
    "limits.drain_delay",
    "limits.drain_timeout",
    "tls.min_version",
    "tls.client_ca",
    "tls.client_certificates",
    "tls.certificates.chain",
    "tls.certificates.key",
    "proxies.trusted",
    "proxies.header",
    "proxies.host",
    "proxies.forwarded",
    "proxies.proxy_protocol",
    "proxies.proxy_protocol_admin",
    "apis.upstream_ca",
    "apis.upstream_name",
    "apis.upstream_certificate",
    "apis.upstream_key",
    // Only what `listen.admin` may be hangs on it.
    "listen.admin_open",
    "limits.connections",
    "limits.connections_per_address",
    "limits.requests_per_connection",
    "limits.streams",
    "limits.resets",
    "limits.frames",
    "limits.head",
    "limits.headers",
    "limits.target",
    "limits.head_timeout",
    "limits.idle_timeout",
    "limits.stall_timeout",
    "limits.body_rate",
    "limits.failures",
    "limits.failures.slow_after",
    "limits.failures.longest_delay",
    "limits.failures.refuse_after",
    "limits.failures.refuse_for",
    "telemetry.filter",
    "telemetry.access_log",
    "tokens.idle_ttl",
    "tokens.lifetime",
    "tokens.self_service",
    "sessions.idle_ttl",
    "sessions.lifetime",
    "identity.owner",
    "identity.company",
    "identity.token_id",
    "identity.token_name",
    "identity.flags",
    "identity.contexts",
    "identity.items",
    "identity.params",
    "identity.request_id",
    "identity.certificate",
    "identity.certificate_subject",
    "flags.NAME.title",
    "egress.allow",
    "egress.ca",
    "webhooks.name",
    "webhooks.url",
    "webhooks.secret",
    "webhooks.notices",
    "apis.upstream",
    "apis.upstream_connect_timeout",
    "apis.upstream_response_timeout",
    "apis.upstream_idle_timeout",
    "apis.upstream_stall_timeout",
    "apis.upstream_tunnel_timeout",
    "apis.upstream_http2",
    "apis.upstream_path",
    "apis.upstream_host",
    "apis.upstream_timeout",
    "apis.upstream_lifetime",
    "apis.upstream_eject_after",
    "apis.upstream_eject_time",
    "apis.upstream_eject_on_errors",
    "apis.upstream_retry",
    "apis.upstream_concurrency",
    "apis.upstream_queue",
    "apis.upstream_queue_timeout",
    "apis.health",
    "apis.health.path",
    "apis.health.interval",
    "apis.health.timeout",
    "apis.health.failures",
    "apis.health.successes",
    "apis.health.statuses",
    "apis.cors",
    "apis.cors.origins",
    "apis.cors.methods",
    "apis.cors.headers",
    "apis.cors.expose",
    "apis.cors.max_age",
    "apis.cors.credentials",
    "apis.upstream.url",
    "apis.upstream.weight",
    "apis.client_certificate",
    "apis.token_cookie",
    "apis.token_query",
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
    let folder = tempfile::tempdir().unwrap();
    let made = rcgen::generate_simple_self_signed(["a".to_owned()]).unwrap();
    let [chain, key] = ["chain", "key"].map(|name| folder.path().join(name));
    std::fs::write(&chain, made.cert.pem()).unwrap();
    std::fs::write(&key, made.signing_key.serialize_pem()).unwrap();
    let tls =
        format!("[tls]\nadmin = true\n[[tls.certificates]]\nchain = {chain:?}\nkey = {key:?}\n");
    let changed = file(
        &(tls
            + "[listen]\npublic = \"127.0.0.1:1\"\nplain = \"127.0.0.1:3\"\nadmin = \"127.0.0.1:2\"\nadmin_hosts = [\"a\"]\n\
             socket = \"s\"\ncores = 1000\nh2c = true\n[store]\npath = \"d\"\nindex_cache = \"9MiB\"\n\
             reserve = \"9MiB\"\nmaster_key = \"file:k\"\n[cache]\nrecords = 1\nunknown = 1\n\
             unknown_ttl = \"1s\"\nloads = 1\nload_timeout = \"1s\"\nflush_interval = \"1s\"\n\
             [telemetry]\nformat = \"json\"\n"),
    );
    let report = reload(&current, changed.path(), &environment).unwrap_err();
    let refused: Vec<_> = report.entries().map(|one| one.message).collect();
    for (table, keys) in crate::config::known_keys() {
        for key in keys.into_iter().filter(|_| !table.is_empty()) {
            let key = format!("{table}.{key}");
            let fixed = format!("`{key}` cannot change while the gateway runs");
            // What is open to whom is compiled anew with each reload.
            let compiled = ["apis.rules.", "contexts.", "apis.name", "apis.dialect", "apis.host"];
            let compiled = compiled.iter().any(|begin| key.starts_with(begin));
            let compiled =
                compiled || ["apis.path", "apis.rules", "flags.NAME.bits"].contains(&&*key);
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
        // It stands there no longer.
        (sentence("listen.public"), Some((1, 1))),
        (sentence("listen.cores"), Some((2, 9))),
        // Two defaults hang on the data folder: nothing is said of them.
        (sentence("store.path"), Some((4, 9))),
        (sentence("telemetry.format"), Some((6, 11))),
    ];
    assert_eq!(entries, wanted);
}

#[test]
fn paths_are_relative_to_the_file_and_those_of_the_command_line_are_not() {
    let environment = Environment::default();
    let named = "[listen]\nsocket = \"run/s\"\n[store]\npath = \"d\"\nmaster_key = \"file:../k\"\n";
    let absolute =
        "[listen]\nsocket = \"/run/s\"\n[store]\npath = \"/d\"\nmaster_key = \"file:/k\"\n";
    let at = |path: &str, text: &str, data: Option<&str>| {
        let overrides = Overrides { data: data.map(Into::into), ..Overrides::default() };
        let settings = settings(Path::new(path), text.as_bytes(), &environment, &overrides);
        let settings = settings.unwrap_or_else(|report| panic!("{report}"));
        let SecretSource::File(key) = settings.store.master_key else { panic!("no file") };
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
    assert_eq!(current.store.master_key, SecretSource::File("/srv/tollgate.key".into()));
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
