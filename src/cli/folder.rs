//! Commands that need the folder for themselves: `restore` and `repair`.

use std::path::Path;

use serde_json::json;

use crate::cli::args::Common;
use crate::cli::failure::{Code, Failure};
use crate::cli::output::{Reply, counted};
use crate::cli::place;
use crate::cli::progress::Progress;
use crate::cli::waiting::Waiting;
use crate::clock::Clock;
use crate::config::settings::SecretSource;
use crate::domain::event::Actor;
use crate::store::backup::{self, Summary};
use crate::store::sealed::MasterKey;
use crate::store::{self, StoreError};

/// Fills an empty folder from a backup, or only checks the backup.
///
/// # Errors
/// A backup that does not verify, or a folder that holds something.
pub async fn restore(
    file: &Path,
    check: bool,
    common: &Common,
    clock: &Clock,
) -> Result<Reply, Failure> {
    if file == Path::new("-") {
        return Err(Failure::usage("a backup is read from a file, not from standard input")
            .hint("it is read twice; a file called `-` is `./-`"));
    }
    if check {
        let file = file.to_owned();
        let _progress = Progress::waiting("checking the backup", common.json);
        let checked = tokio::task::spawn_blocking(move || backup::verify(&file)).await;
        let summary = checked.map_err(|error| Failure::io("checking the backup", error))??;
        return reply(&summary, format!("the backup is whole: {}", contents(&summary)), None);
    }
    let found = place::read(common, place::overrides(common))?;
    if found.source.is_none() && common.data.is_none() {
        return Err(Failure::usage(
            "there is no configuration that names a folder to restore into",
        )
        .hint("name one with `--data`"));
    }
    let settings = found.settings;
    let progress = Progress::waiting("filling the folder", common.json);
    let summary = store::restore(file, &settings.store, clock.clone()).await?;
    drop(progress);
    let folder = settings.store.path.display();
    let text = format!("`{folder}` holds {}", contents(&summary));
    reply(&summary, text, missing_key(&summary, &settings.store.master_key))
}

fn contents(summary: &Summary) -> String {
    let events = counted(summary.events, "event");
    format!("{events}, the newest with the hash {}", summary.head.to_hex())
}

fn reply(summary: &Summary, text: String, note: Option<String>) -> Result<Reply, Failure> {
    Ok(Reply { note, ..Reply::new(text, summary)? })
}

/// What has to be said if the sealed parameters of a backup cannot be opened here.
fn missing_key(summary: &Summary, source: &SecretSource) -> Option<String> {
    let held = MasterKey::load(source);
    let held = held.as_ref().map(MasterKey::id).unwrap_or_default();
    let missing: Vec<_> =
        summary.keys.iter().map(String::as_str).filter(|id| *id != held).collect();
    (!missing.is_empty()).then(|| {
        let keys = missing.join("`, `");
        format!("warning: its secret parameters need the master key `{keys}`, which is not here")
    })
}

/// Builds the index anew.
///
/// # Errors
/// A folder that is in use, a history that is damaged, or one that lacks events, unless that is
/// confirmed.
pub async fn repair(yes: bool, common: &Common, clock: &Clock) -> Result<Reply, Failure> {
    let settings = place::find(common, place::overrides(common))?.settings.store;
    if !store::history_folder(&settings.path).is_dir() {
        let detail = format!("there is no history in `{}`", settings.path.display());
        return Err(Failure::new(Code::Unreachable, "no-data", detail));
    }
    let word = yes.then(|| Actor::Local(rustix::process::geteuid().as_raw()));
    let mut waiting = Waiting::new(common);
    let done = loop {
        let progress = Progress::waiting("building the index", common.json);
        let repaired = store::repair(&settings, clock.clone(), word.clone()).await;
        drop(progress);
        match repaired {
            Err(error) if waiting.goes_on(&error).await => {}
            outcome => break outcome.map_err(stopped)?,
        }
    };
    let (left, lost) = (done.left.0, done.lost);
    let mut text = format!("the index was built anew from {}", counted(left, "event"));
    if lost > 0 {
        text.push_str(&format!("; {lost} more were known and are lost, as the history says now"));
    }
    Reply::new(text, &json!({"position": left, "lost": lost}))
}

fn stopped(error: StoreError) -> Failure {
    let is_locked = matches!(error, StoreError::Locked { .. });
    let failure = Failure::from(error);
    if is_locked { failure.hint("stop the server first") } else { failure }
}
