//! `tollgate serve`: the gateway itself.

use std::env;
use std::io::{self, ErrorKind};
use std::net::SocketAddr;
use std::path::Path;
use std::process::Command;
use std::sync::atomic::{AtomicU32, Ordering};
use std::thread;

use listenfd::ListenFd;
use serde_json::json;

use crate::app::{self, AppError, Ended, Opened, Running, Signals, Sockets};
use crate::cli::args::{Common, Serve};
use crate::cli::failure::{Code, Failure};
use crate::cli::output::Reply;
use crate::cli::place::{self, Found};
use crate::clock::Clock;
use crate::config::settings::LogFormat;
use crate::config::{Environment, Overrides, Settings};
use crate::telemetry::logs::{Flush, Logs};

/// Runs until the process is told to stop.
///
/// # Errors
/// Mistakes in the configuration, an address or a folder that is taken, or what goes wrong at the
/// end.
pub fn run(serve: &Serve, common: &Common, clock: Clock) -> Result<Reply, Failure> {
    let sockets = sockets(serve.take_over)?;
    let found = settings(serve, common)?;
    let data = found.settings.store.path.clone();
    let (logs, _flush) = start_logs(&found.settings, &clock)?;
    let format = found.settings.telemetry.format;
    let open = move || app::open(sockets, found.settings, found.source, clock, Some(logs));
    let outcome = Signals::take().map_err(failure).and_then(|mut signals| {
        let Some(running) = started(&mut signals, open)? else { return Ok(Reply::default()) };
        let begun = begun(&running, &data)?;
        until_told((running, signals), &begun, common.json, replace)
    });
    outcome.map_err(|failure| as_logs_are(failure, format))
}

/// A gateway that serves; none where the process is told to stop before that, for the store may take its time.
fn started(
    signals: &mut Signals,
    open: impl FnOnce() -> Result<Opened, AppError> + Send + 'static,
) -> Result<Option<Running>, Failure> {
    let Some(opened) = signals.unless_told_to_stop(open).map_err(failure)? else {
        tracing::info!("told to stop before the gateway serves");
        return Ok(None);
    };
    opened.and_then(Opened::serve).map(Some).map_err(failure)
}

/// Where people sign in: of the machine itself by the name for which browsers keep the cookie.
pub fn pages_at(admin: SocketAddr, scheme: &str) -> String {
    match admin.ip().is_loopback() {
        true => format!("{scheme}://localhost:{}", admin.port()),
        false => format!("{scheme}://{admin}"),
    }
}

fn begun(running: &Running, data: &Path) -> Result<Reply, Failure> {
    let settings = running.service().settings();
    let plain = running.plain().map(|plain| format!(" and http://{plain}"));
    let text = format!(
        "tollgate {} listens on {}://{}{} (pages, REST, health and metrics on {})",
        env!("CARGO_PKG_VERSION"),
        settings.public_scheme(),
        running.public(),
        plain.unwrap_or_default(),
        pages_at(running.admin(), settings.admin_scheme()),
    );
    let json = json!({
        "public": running.public(),
        "plain": running.plain(),
        "admin": running.admin(),
        "data": data,
        "pid": std::process::id(),
    });
    Reply::new(text, &json)
}

/// Where the logs are JSON, so is the last thing that is said among them.
fn as_logs_are(failure: Failure, format: LogFormat) -> Failure {
    match format {
        LogFormat::Json => failure.for_machines(),
        LogFormat::Human => failure,
    }
}

/// Says that a gateway runs, which it does whether or not somebody reads that, or there is room for it.
fn say(begun: Reply, json: bool) {
    let told = thread::Builder::new().name("greeting".to_owned());
    let told = told.spawn(move || {
        if let Err(failure) = begun.write(json) {
            tracing::warn!(error = failure.text(false), "nobody can be told that the gateway runs");
        }
    });
    // One that cannot be begun says nothing.
    drop(told);
}

/// Says that a gateway runs, and waits for its end.
///
/// # Errors
/// What goes wrong at the end.
pub fn until_told(
    (mut running, mut signals): (Running, Signals),
    begun: &Reply,
    json: bool,
    replace: fn() -> io::Result<()>,
) -> Result<Reply, Failure> {
    say(begun.clone(), json);
    loop {
        match running.run(signals, replace).map_err(failure)? {
            Ended::Over => return Ok(Reply::default()),
            Ended::Deserted(mut again) => {
                tracing::error!("the successor ended before it served: this gateway starts again");
                signals = again.signals().map_or_else(Signals::take, Ok).map_err(failure)?;
                // Whether or not it is told to stop: its clients wait already.
                running = again.start().map_err(failure)?;
            }
        }
    }
}

/// The sockets that there are for a gateway.
fn sockets(take_over: bool) -> Result<Sockets, Failure> {
    let mut given = ListenFd::from_env();
    if take_over {
        return Ok(Sockets::TakenOver);
    }
    let mut listeners = Vec::with_capacity(given.len());
    for index in 0..given.len() {
        let taken = given.take_tcp_listener(index).map_err(|error| {
            Failure::new(
                Code::Refused,
                "listen",
                format!("socket {index} of `LISTEN_FDS`: {error}"),
            )
            .hint("the unit may name streams of TCP alone, with `ListenStream`")
        })?;
        listeners.extend(taken);
    }
    Ok(if listeners.is_empty() { Sockets::New } else { Sockets::Given(listeners) })
}

/// Starts the program that stands where this one was started, which may be a newer one, to take this one's place. One at a
/// time: of two the second would find nobody whose place it could take.
fn replace() -> io::Result<()> {
    const TAKE_OVER: &str = "--take-over";
    /// The process that was started and has not ended; zero where there is none.
    static STARTED: AtomicU32 = AtomicU32::new(0);
    let pid = STARTED.load(Ordering::Relaxed);
    if pid != 0 {
        tracing::warn!(
            pid,
            "the signal to start a successor is ignored: one was started that has not taken over yet"
        );
        return Ok(());
    }
    let mut words = env::args_os();
    let program = words.next().ok_or(ErrorKind::NotFound)?;
    let words = words.filter(|word| word != TAKE_OVER);
    let mut child = Command::new(program).args(words).arg(TAKE_OVER).spawn()?;
    STARTED.store(child.id(), Ordering::Relaxed);
    tracing::info!(pid = child.id(), "a successor is started");
    thread::spawn(move || {
        let ended = child.wait();
        STARTED.store(0, Ordering::Relaxed);
        match ended {
            Ok(status) => tracing::error!(%status, "the successor ended; this gateway goes on"),
            Err(error) => tracing::error!(%error, "nothing is known of the successor"),
        }
    });
    Ok(())
}

/// Starts the logs of a gateway that is about to run.
///
/// # Errors
/// Logs that run already.
pub fn start_logs(settings: &Settings, clock: &Clock) -> Result<(Logs, Flush), Failure> {
    let logs = app::start_logs(settings, clock.clone());
    logs.map_err(|error| Failure::new(Code::Refused, "failed", error))
}

fn settings(serve: &Serve, common: &Common) -> Result<Found, Failure> {
    let overrides =
        Overrides { public: serve.listen, admin: serve.admin, ..place::overrides(common) };
    let Some(url) = &serve.upstream else { return place::find(common, overrides) };
    if let Some(file) = &common.config {
        // At the command line the two exclude one another.
        let detail =
            format!("`TOLLGATE_CONFIG` names `{}`, and `--upstream` reads no file", file.display());
        return Err(Failure::usage(detail).hint("leave out the one or the other"));
    }
    let settings = Settings::without_file(&Environment::process(), &overrides)
        .and_then(|settings| settings.with_upstream(url))
        .map_err(|report| place::mistakes(&report))?;
    Ok(Found { settings, source: None })
}

/// Why a gateway did not start or did not stop in order.
pub fn failure(error: AppError) -> Failure {
    match error {
        AppError::Store(error) => error.into(),
        AppError::Socket(error) => Failure::new(Code::Unreachable, "socket", error),
        AppError::MasterKey(key) => place::no_key(&key),
        AppError::Webhooks { error, report } => place::no_webhooks(&error, report.as_deref()),
        AppError::Listen { key, ref source, .. } => {
            let hint = match source.kind() {
                ErrorKind::AddrInUse => format!(
                    "another process listens there, perhaps another gateway (`ss -ltnp` shows it): \
                     stop it, take its place (`--take-over`), or name another port in `{key}`"
                ),
                ErrorKind::AddrNotAvailable => format!(
                    "no interface of this machine has this address; `0.0.0.0` or `[::]` in `{key}` \
                     stands for all of them"
                ),
                ErrorKind::PermissionDenied => format!(
                    "ports below 1024 need the capability CAP_NET_BIND_SERVICE; `{key}` names \
                     another port"
                ),
                _ => format!("`{key}` names the address"),
            };
            Failure::new(Code::Refused, "listen", error).hint(hint)
        }
        AppError::HandOver { .. } | AppError::System { .. } => {
            Failure::new(Code::Refused, "failed", error)
        }
    }
}
