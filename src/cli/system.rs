//! Commands about the gateway as a whole: `check`, `status`, `reload`, `backup`, `completions`,
//! `man`.

use std::path::{Path, PathBuf};

use clap::CommandFactory as _;
use clap_complete::Shell;
use serde_json::json;

use crate::admin::system::Status;
use crate::cli::args::{Arguments, Common};
use crate::cli::client::Client;
use crate::cli::failure::{Code, Failure};
use crate::cli::output::{Reply, counted, fields, moment};
use crate::cli::place;
use crate::cli::progress::Progress;
use crate::clock::Clock;
use crate::config::{Environment, Source, load};
use crate::domain::time::Timestamp;
use crate::notices::Prepared;
use crate::store::backup::Incoming;
use crate::store::sealed;
use crate::telemetry::metrics::ShownTo;
use crate::tls::{Certificate, WARNED_BEFORE};

/// Finds all mistakes in the configuration.
///
/// # Errors
/// The mistakes.
pub fn check(file: Option<PathBuf>, common: &Common, clock: &Clock) -> Result<Reply, Failure> {
    let Some(path) = file.or_else(|| place::file(common)) else {
        return Err(Failure::new(Code::Usage, "no-config", "there is no configuration to check")
            .hint("name it: `tollgate check FILE`"));
    };
    let loaded = load(&path, &Environment::process()).map_err(|report| place::mistakes(&report))?;
    let settings = loaded.settings;
    sealed::check_key(&settings).map_err(|error| place::no_key(&error))?;
    Prepared::new(&settings).map_err(|error| {
        let report = error.report(Some(&Source::file(&path)));
        place::no_webhooks(&error, report.as_ref())
    })?;
    let rules: usize = settings.apis.iter().map(|api| api.rules.len()).sum();
    let apis = settings.apis.len();
    let (api_count, rule_count) = (counted(apis, "API"), counted(rules, "rule"));
    let text = format!("`{}` is well: {api_count}, {rule_count}", path.display());
    let nothing = "it has no `[[apis]]`, so that every request would be refused";
    let mut warnings: Vec<_> = (apis == 0).then(|| nothing.to_owned()).into_iter().collect();
    let served = settings.served().map(|one| (ShownTo::Clients, one));
    let shown = settings.shown_to_upstreams().map(|one| (ShownTo::Upstreams, one));
    for (to, one) in served.chain(shown) {
        // Several endpoints may be shown the same one.
        let found = unfit(one, to).into_iter().chain(untimely(one, to, clock.now()));
        let new: Vec<_> = found.filter(|one| !warnings.contains(one)).collect();
        warnings.extend(new);
    }
    let json =
        json!({"ok": true, "file": path, "apis": apis, "rules": rules, "warnings": warnings});
    let notes: Vec<_> = warnings.iter().map(|one| format!("warning: {one}")).collect();
    let note = (!notes.is_empty()).then(|| notes.join("\n"));
    Ok(Reply { note, ..Reply::new(text, &json)? })
}

/// Why those who are shown a certificate would never take it.
fn unfit(certificate: &Certificate, to: ShownTo) -> Option<String> {
    let why = match to {
        ShownTo::Clients => certificate.unfit_for_servers(),
        ShownTo::Upstreams => certificate.unfit_for_clients(),
    }?;
    let (file, they) = (certificate.files.chain.display(), to.name());
    Some(format!("the certificate in `{file}` {why}, and {they} refuse it: have another one made"))
}

/// What those who are shown a certificate would say, or soon will, of its time.
fn untimely(certificate: &Certificate, to: ShownTo, now: Timestamp) -> Option<String> {
    let Certificate { files, starts_at, expires_at, .. } = certificate;
    let (file, they) = (files.chain.display(), to.name());
    match () {
        () if *expires_at < now => Some(format!(
            "the certificate in `{file}` is over since {expires_at}, and {they} refuse it: renew it"
        )),
        () if *starts_at > now => Some(format!(
            "the time of the certificate in `{file}` begins at {starts_at}, and {they} refuse it \
             until then: name another one"
        )),
        () if *expires_at <= now.plus(WARNED_BEFORE) => {
            Some(format!("the certificate in `{file}` will be over at {expires_at}: renew it"))
        }
        () => None,
    }
}

/// Tells whether a server runs, and how its store does.
///
/// # Errors
/// No way to the data.
pub async fn status(client: &Client, clock: &Clock) -> Result<Reply, Failure> {
    let answer = client.get("/status").await?;
    let status: Status = answer.read()?;
    let server = status.server.as_ref();
    let upstreams = status.upstreams.iter().map(|one| {
        let busy = one.under_way.map_or(String::new(), |count| format!(", {count} under way"));
        let out = match one.ejections {
            0 => String::new(),
            times => format!(", left out {times} times"),
        };
        let state = one.state.replace('_', " ");
        ("upstream", Some(format!("{} of {}: {state}{busy}{out}", one.upstream, one.api)))
    });
    let rows = [
        ("version", Some(status.version.clone())),
        ("server", Some(server.map_or("not running".to_owned(), |_| "running".to_owned()))),
        ("process", server.map(|server| server.pid.to_string())),
        ("since", server.map(|server| moment(server.started_at, clock.now()))),
        ("public", server.map(|server| server.public.to_string())),
        ("plain", server.and_then(|server| Some(server.plain?.to_string()))),
        ("admin", server.map(|server| server.admin.to_string())),
        ("config", server.and_then(|server| Some(server.config.as_ref()?.display().to_string()))),
        ("data", Some(status.data.display().to_string())),
        ("store", Some(status.store)),
        ("events", Some(status.position.to_string())),
    ];
    let text = fields(&rows.into_iter().chain(upstreams).collect::<Vec<_>>());
    Ok(Reply { text, json: answer.json(), note: None })
}

/// Lets a running server read its configuration anew.
///
/// # Errors
/// No server, or mistakes in the configuration.
pub async fn reload(client: &Client) -> Result<Reply, Failure> {
    client.post("/reload", json!({})).await?;
    Reply::new("the new configuration is in place".to_owned(), &json!({"ok": true}))
}

/// Writes everything into one file.
///
/// # Errors
/// A file that exists, or what the disk or the store refuses.
pub async fn backup(file: &Path, client: &Client, json: bool) -> Result<Reply, Failure> {
    if file == Path::new("-") {
        return Err(Failure::usage("a backup goes into a file, not to standard output")
            .hint("it is read again before it has its name; a file called `-` is `./-`"));
    }
    let to = std::path::absolute(file)
        .map_err(|error| Failure::io(format_args!("finding `{}`", file.display()), error))?;
    let status: Status = client.get("/status").await?.read()?;
    refuse_inside(&to, &status.data)?;
    let progress = Progress::waiting("writing the backup", json);
    let incoming = Incoming::begin(&to)?;
    client.download("/backup", json!({}), &mut incoming.writer()?).await?;
    let position = incoming.finish()?.events;
    drop(progress);
    let text = format!("`{}` holds everything up to event {position}", to.display());
    Reply::new(text, &json!({"file": to, "position": position}))
}

/// Refuses a file in the data folder: it would be lost with what it is to bring back.
fn refuse_inside(file: &Path, data: &Path) -> Result<(), Failure> {
    // Links and `..` lead to the same place. What is not there cannot be written to either.
    let (Some(folder), Ok(data)) = (file.parent(), data.canonicalize()) else { return Ok(()) };
    if !folder.canonicalize().is_ok_and(|folder| folder.starts_with(&data)) {
        return Ok(());
    }
    let detail = format!("`{}` lies in the data folder `{}`", file.display(), data.display());
    Err(Failure::usage(detail).hint("name a file elsewhere, best on another disk"))
}

/// A completion script.
///
/// # Errors
/// None, but the signature of all commands.
pub fn completions(shell: Shell) -> Result<Reply, Failure> {
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut Arguments::command(), "tollgate", &mut script);
    let text = String::from_utf8_lossy(&script).into_owned();
    let shell = shell.to_string();
    let json = json!({"shell": shell, "script": text});
    Reply::new(text, &json)
}

/// The manual page, or a folder full of them.
///
/// # Errors
/// What the operating system reports.
pub fn man(folder: Option<&Path>) -> Result<Reply, Failure> {
    if let Some(folder) = folder {
        clap_mangen::generate_to(Arguments::command(), folder).map_err(|error| {
            Failure::io(format_args!("writing to `{}`", folder.display()), error)
        })?;
        let text = format!("the manual pages are in `{}`", folder.display());
        return Reply::new(text, &json!({ "folder": folder }));
    }
    let mut page = Vec::new();
    clap_mangen::Man::new(Arguments::command())
        .render(&mut page)
        .map_err(|error| Failure::io("writing the manual page", error))?;
    let text = String::from_utf8_lossy(&page).into_owned();
    let json = json!({ "page": text });
    Reply::new(text, &json)
}
