//! The checked settings of the gateway itself: everything but catalogues and APIs. Each default
//! stands here, and in `config/tollgate.toml`.

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::time::Duration;

use http::HeaderName;
use tracing_subscriber::EnvFilter;

use super::environment::{BadReference, sole_reference};
use super::file::{
    CacheTable, IdentityTable, LimitsTable, ListenTable, StoreTable, TelemetryTable, TokensTable,
};
use super::host::hosts;
use super::mistake::Mistake;
use super::reading::{Field, Placed, Reading, Reported, Text, did_you_mean};
use super::settings::{
    CacheSettings, IdentityHeaders, Limits, Listen, LogFormat, MasterKeySource, StoreSettings,
    TelemetrySettings, TokenDefaults,
};
use super::values::{address, boolean, duration, flat, header, number, size, span, text, word};
use crate::domain::time::Span;

const MINUTE: Duration = Duration::from_secs(60);
const HOUR: Duration = Duration::from_secs(3_600);
const DAY: Duration = Duration::from_secs(86_400);

/// The longest path of a socket on Linux, without its last zero byte.
const MAX_SOCKET: usize = 107;

/// The name of the socket in the data folder.
pub(super) const SOCKET: &str = "tollgate.sock";

/// The folder of systemd's credentials, and the name of ours in it.
const CREDENTIALS: &str = "CREDENTIALS_DIRECTORY";
const CREDENTIAL: &str = "tollgate-master-key";

pub(super) fn listen(
    table: &ListenTable,
    store: &Path,
    reading: &Reading<'_>,
) -> Result<Listen, Reported> {
    let loopback = |port| SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), port);
    let public = address(&table.public, loopback(8080), reading);
    let admin = address(&table.admin, loopback(8081), reading);
    let open = boolean(&table.admin_open, false);
    let admin_hosts = hosts(&table.admin_hosts, reading);
    let socket = socket(&table.socket, store, reading);
    let cores = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    let cores = number(&table.cores, 1..=1_024, cores, reading);
    let h2c = boolean(&table.h2c, false);
    // The file is checked even where the command line has the last word.
    let overrides = reading.overrides;
    let (public, admin) = (public?, admin?);
    let (public, admin) = (overrides.public.unwrap_or(public), overrides.admin.unwrap_or(admin));
    let written = |field, overridden: Option<SocketAddr>| {
        if overridden.is_some() { None } else { given(field) }
    };
    let public_text = written(&table.public, overrides.public);
    let admin_text = written(&table.admin, overrides.admin);
    let place = |text: Option<&Placed<Text>>| text.map(|text| text.span.clone());
    if same_port(public, admin) {
        let hint = "give `admin` a port of its own";
        let place = place(admin_text.or(public_text));
        return Err(reading.mistake_at(place, Mistake::SameAddress, hint));
    }
    if !open? && !admin.ip().to_canonical().is_loopback() {
        let hint = "keep it on 127.0.0.1, or write `admin_open = true` if a firewall guards it";
        let shown = admin_text.map_or_else(|| admin.to_string(), |text| text.value.shown.clone());
        return Err(reading.mistake_at(place(admin_text), Mistake::AdminOpen(shown), hint));
    }
    let admin_hosts = admin_hosts?;
    Ok(Listen { public, admin, admin_hosts, socket: socket?, cores: cores?, h2c: h2c? })
}

fn same_port(a: SocketAddr, b: SocketAddr) -> bool {
    let same_host = a.ip() == b.ip() || a.ip().is_unspecified() || b.ip().is_unspecified();
    a.port() == b.port() && a.port() != 0 && same_host
}

fn given<T>(field: &Field<T>) -> Option<&Placed<T>> {
    field.as_ref().and_then(|given| given.as_ref().ok())
}

fn socket(field: &Field<Text>, store: &Path, reading: &Reading<'_>) -> Result<PathBuf, Reported> {
    let given = text(field, reading)?;
    let path =
        given.map_or_else(|| store.join(SOCKET), |text| reading.beside_file(&text.value.value));
    let length = path.as_os_str().len();
    if length > MAX_SOCKET {
        let hint = format!("set `listen.socket` to a path of at most {MAX_SOCKET} bytes");
        let place = given.map(|text| text.span.clone());
        return Err(reading.mistake_at(place, Mistake::SocketLength(length), hint));
    }
    Ok(path)
}

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
        let credential = environment.value(CREDENTIALS).map(|dir| Path::new(dir).join(CREDENTIAL));
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
            Some(("credential", name)) if !name.is_empty() => {
                match environment.value(CREDENTIALS) {
                    Some(folder) => Path::new(folder).join(name),
                    None => return missing(CREDENTIALS, "systemd sets it for `LoadCredential=`"),
                }
            }
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

pub(super) fn cache(table: &CacheTable, reading: &Reading<'_>) -> Result<CacheSettings, Reported> {
    let second = Duration::from_secs(1);
    let records = number(&table.records, 1..=100_000_000, 1_000_000, reading);
    let unknown = number(&table.unknown, 1..=100_000_000, 100_000, reading);
    let unknown_ttl = duration(&table.unknown_ttl, HOUR, MINUTE, reading);
    let loads = number(&table.loads, 1..=1_000_000, 1_024, reading);
    let load_timeout = duration(&table.load_timeout, MINUTE, second * 2, reading);
    let flush_interval = duration(&table.flush_interval, HOUR, second * 5, reading);
    Ok(CacheSettings {
        records: records?,
        unknown: unknown?,
        unknown_ttl: unknown_ttl?,
        loads: loads?,
        load_timeout: load_timeout?,
        flush_interval: flush_interval?,
    })
}

pub(super) fn limits(table: &LimitsTable, reading: &Reading<'_>) -> Result<Limits, Reported> {
    let second = Duration::from_secs(1);
    let connections = number(&table.connections, 1..=10_000_000, 100_000, reading);
    // hyper takes no read buffer under 8 KiB.
    let head = size(&table.head, 8 << 10..=1 << 20, reading).map(|head| head.unwrap_or(16 << 10));
    // A longer target would never fit.
    let most = head.unwrap_or(1 << 20);
    let target =
        size(&table.target, 64..=most, reading).map(|target| target.unwrap_or((8 << 10).min(most)));
    let headers = number(&table.headers, 1..=1_000, 100, reading);
    let head_timeout = duration(&table.head_timeout, HOUR, second * 10, reading);
    let idle_timeout = duration(&table.idle_timeout, DAY, second * 75, reading);
    let stall_timeout = duration(&table.stall_timeout, DAY, MINUTE, reading);
    let body_rate = size(&table.body_rate, 0..=1 << 30, reading);
    // Both are at most a mebibyte, which fits everywhere.
    let bytes = |size: u64| usize::try_from(size).unwrap_or(usize::MAX);
    Ok(Limits {
        connections: connections?,
        head_bytes: bytes(head?),
        headers: headers?,
        target_bytes: bytes(target?),
        head_timeout: head_timeout?,
        idle_timeout: idle_timeout?,
        stall_timeout: stall_timeout?,
        body_rate: body_rate?.unwrap_or(500),
    })
}

pub(super) fn telemetry(
    table: &TelemetryTable,
    reading: &Reading<'_>,
) -> Result<TelemetrySettings, Reported> {
    let formats = [("human", LogFormat::Human), ("json", LogFormat::Json)];
    let format = text(&table.format, reading)
        .and_then(|text| text.map_or(Ok(LogFormat::Human), |text| word(text, &formats, reading)));
    let filter = text(&table.filter, reading).and_then(|given| {
        let Some(text) = given else { return Ok("info".to_owned()) };
        let filter = &text.value.value;
        match EnvFilter::builder().parse(filter) {
            Ok(_) => Ok(filter.clone()),
            Err(_) => {
                let mistake = Mistake::BadFilter(text.value.shown.clone());
                let hint =
                    "write a level such as `info`, or parts such as `info,tollgate::store=debug`";
                Err(reading.mistake(&text.span, mistake, hint))
            }
        }
    });
    let access_log = boolean(&table.access_log, true);
    Ok(TelemetrySettings { format: format?, filter: filter?, access_log: access_log? })
}

pub(super) fn tokens(
    table: &TokensTable,
    reading: &Reading<'_>,
) -> Result<TokenDefaults, Reported> {
    let idle_ttl = span(&table.idle_ttl, reading);
    let lifetime = span(&table.lifetime, reading);
    Ok(TokenDefaults {
        idle_ttl: idle_ttl?.unwrap_or(Span::from_days(100)),
        lifetime: lifetime?.unwrap_or(Span::ZERO),
    })
}

/// Which header is taken for what, and where that is written, so that no header gets two values.
pub(super) type TakenHeaders = BTreeMap<String, (String, Option<Placed<Text>>)>;

pub(super) fn identity(
    table: &IdentityTable,
    reading: &Reading<'_>,
) -> (Result<IdentityHeaders, Reported>, TakenHeaders) {
    let mut taken = TakenHeaders::new();
    let mut name = |field: &Field<Option<Text>>, key: &str, default: &'static str| {
        identity_header(field, key, default, &mut taken, reading)
    };
    let owner = name(&table.owner, "owner", "x-tollgate-owner");
    let company = name(&table.company, "company", "x-tollgate-company");
    let token = name(&table.token_id, "token_id", "x-tollgate-token-id");
    let token_name = name(&table.token_name, "token_name", "x-tollgate-token-name");
    let flags = name(&table.flags, "flags", "x-tollgate-flags");
    let contexts = name(&table.contexts, "contexts", "x-tollgate-contexts");
    let items = name(&table.items, "items", "x-tollgate-items");
    let params = name(&table.params, "params", "x-tollgate-params");
    let request = name(&table.request_id, "request_id", "x-tollgate-request-id");
    let combine = || {
        Ok(IdentityHeaders {
            owner: owner?,
            company: company?,
            token: token?,
            token_name: token_name?,
            flags: flags?,
            contexts: contexts?,
            items: items?,
            params: params?,
            request: request?,
        })
    };
    (combine(), taken)
}

fn identity_header(
    field: &Field<Option<Text>>,
    key: &str,
    default: &'static str,
    taken: &mut TakenHeaders,
    reading: &Reading<'_>,
) -> Result<Option<HeaderName>, Reported> {
    let key = format!("identity.{key}");
    let (name, written) = match field {
        None => (HeaderName::from_static(default), None),
        Some(given) => {
            let given = given.as_ref().map_err(|reported| *reported)?;
            let Some(text) = given.value.clone().filter(|text| !text.value.is_empty()) else {
                return Ok(None);
            };
            let text = Placed { value: text, key: given.key.clone(), span: given.span.clone() };
            (header(&text, reading)?, Some(text))
        }
    };
    take_header(name, key, written.as_ref(), taken, reading).map(Some)
}

/// Notes that a header has a use; a second use of it is a mistake.
pub(super) fn take_header(
    name: HeaderName,
    key: String,
    written: Option<&Placed<Text>>,
    taken: &mut TakenHeaders,
    reading: &Reading<'_>,
) -> Result<HeaderName, Reported> {
    let Some((first, first_written)) = taken.get(&flat(&name)) else {
        taken.insert(flat(&name), (key, written.cloned()));
        return Ok(name);
    };
    let hint = format!("choose another name for `{key}` or for `{first}`");
    // A default is not written: then it is the one that was written which took its name.
    let (written, other) = match written {
        Some(written) => (Some(written), first.clone()),
        None => (first_written.as_ref(), key),
    };
    let (span, name) = written.map_or_else(
        || (Range::default(), name.to_string()),
        |text| (text.span.clone(), text.value.shown.clone()),
    );
    Err(reading.mistake(&span, Mistake::HeaderTwice { name, other }, hint))
}
