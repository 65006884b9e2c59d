//! The checked settings of the gateway itself: everything but its data folder, the headers of
//! identity, catalogues and APIs. Each default stands here, and in `config/tollgate.toml`.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::time::Duration;

use tracing_subscriber::EnvFilter;

use super::file::{CacheTable, ListenTable, SessionsTable, TelemetryTable, TokensTable};
use super::host::hosts;
use super::mistake::Mistake;
use super::reading::{Field, Placed, Reading, Reported, Text};
use super::settings::{
    CacheSettings, Listen, LogFormat, SessionSettings, TelemetrySettings, TokenSettings,
};
use super::values::{address, boolean, duration, number, span, span_within, text, word};
use crate::domain::time::Span;

const MINUTE: Duration = Duration::from_secs(60);
const HOUR: Duration = Duration::from_secs(3_600);

/// The longest path of a socket on Linux, without its last zero byte.
const MAX_SOCKET: usize = 107;

/// The longest of what stands behind a socket's name without its extension, in the names beside it: that under which it is made,
/// with the number of a process, and that at which successors ask.
const BESIDE: [&str; 2] = [".4194304.tmp", ".successor"];

/// The longest that a session can be allowed to last: whoever signs in once a month has the password at hand.
const LONGEST_SESSION: Span = Span::from_days(30);

/// The name of the socket in the data folder.
pub(super) const SOCKET: &str = "tollgate.sock";

pub(super) fn listen(
    table: &ListenTable,
    store: &Path,
    reading: &Reading<'_>,
) -> Result<Listen, Reported> {
    let loopback = |port| SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), port);
    let public = address(&table.public, loopback(8080), reading);
    let plain = table.plain.as_ref().map(|_| address(&table.plain, loopback(0), reading));
    let admin = address(&table.admin, loopback(8081), reading);
    let open = boolean(&table.admin_open, false);
    let admin_hosts = hosts(&table.admin_hosts, reading);
    let socket = socket(&table.socket, store, reading);
    let cores = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    let cores = number(&table.cores, 1..=1_024, cores, reading);
    let h2c = boolean(&table.h2c, false);
    // The file is checked even where the command line has the last word.
    let overrides = reading.overrides;
    let (public, plain, admin) = (public?, plain.transpose()?, admin?);
    let (public, admin) = (overrides.public.unwrap_or(public), overrides.admin.unwrap_or(admin));
    let written = |field, overridden: Option<SocketAddr>| {
        if overridden.is_some() { None } else { given(field) }
    };
    let public_text = written(&table.public, overrides.public);
    let admin_text = written(&table.admin, overrides.admin);
    let place = |text: Option<&Placed<Text>>| text.map(|text| text.span.clone());
    if same_port(public, admin) {
        let hint = "give `admin` a port of its own";
        let (key, other) = ("listen.admin", "listen.public");
        let place = place(admin_text.or(public_text));
        return Err(reading.mistake_at(place, Mistake::SameAddress { key, other }, hint));
    }
    for (other, taken) in [("listen.public", public), ("listen.admin", admin)] {
        if plain.is_some_and(|plain| same_port(plain, taken)) {
            let (key, hint) = ("listen.plain", "give `plain` a port of its own");
            let place = place(given(&table.plain));
            return Err(reading.mistake_at(place, Mistake::SameAddress { key, other }, hint));
        }
    }
    if !open? && !admin.ip().to_canonical().is_loopback() {
        let hint = "keep it on 127.0.0.1, or write `admin_open = true` if a firewall guards it";
        let shown = admin_text.map_or_else(|| admin.to_string(), |text| text.value.shown.clone());
        return Err(reading.mistake_at(place(admin_text), Mistake::AdminOpen(shown), hint));
    }
    let admin_hosts = admin_hosts?;
    Ok(Listen { public, plain, admin, admin_hosts, socket: socket?, cores: cores?, h2c: h2c? })
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
    let beside = BESIDE.iter().map(|end| end.len()).max().unwrap_or_default();
    let bare = path.with_extension("").as_os_str().len();
    if length.max(bare.saturating_add(beside)) > MAX_SOCKET {
        let most = MAX_SOCKET.saturating_sub(beside);
        let hint = format!("set `listen.socket` to a path of at most {most} bytes");
        let place = given.map(|text| text.span.clone());
        return Err(reading.mistake_at(place, Mistake::SocketLength(length), hint));
    }
    Ok(path)
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
) -> Result<TokenSettings, Reported> {
    let idle_ttl = span(&table.idle_ttl, reading);
    let lifetime = span(&table.lifetime, reading);
    let self_service = boolean(&table.self_service, true);
    Ok(TokenSettings {
        idle_ttl: idle_ttl?.unwrap_or(Span::from_days(100)),
        lifetime: lifetime?.unwrap_or(Span::ZERO),
        self_service: self_service?,
    })
}

/// By default OWASP's figures for what is of high value, and not more than a working day.
pub(super) fn sessions(
    table: &SessionsTable,
    reading: &Reading<'_>,
) -> Result<SessionSettings, Reported> {
    let (minute, hour) = (Span::from_seconds(60), Span::from_seconds(3_600));
    let half_a_day = Span::from_seconds(12 * 3_600);
    let lifetime = span_within(&table.lifetime, minute..=LONGEST_SESSION, reading)
        .map(|lifetime| lifetime.unwrap_or(half_a_day));
    // A longer one would never be met.
    let most = lifetime.unwrap_or(LONGEST_SESSION);
    let idle_ttl = span_within(&table.idle_ttl, minute..=most, reading);
    Ok(SessionSettings { idle_ttl: idle_ttl?.unwrap_or(hour.min(most)), lifetime: lifetime? })
}
