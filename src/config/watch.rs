//! Tells when a configuration file has changed.
//!
//! Editors and deployments replace files by renaming others over them or over a folder above them,
//! so it is the folder that is watched, and each in which a link leads there; whether something changed
//! is decided by what the files hold.

use std::collections::BTreeSet;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Component, Path, PathBuf};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::Duration;

use notify::{Event, EventKind, RecommendedWatcher, RecursiveMode, Watcher};
use zeroize::Zeroizing;

use super::bounded::contents;
use crate::clock;
use crate::domain::secret::Digest;

/// How long the folder must be quiet before the files are read: an editor writes in several steps.
const QUIET: Duration = Duration::from_millis(100);

/// How long a folder that never is quiet can put this off.
const PATIENCE: Duration = Duration::from_secs(1);

/// So many links are followed on the way to a file, as by the system itself (path_resolution(7)).
const LINKS: usize = 40;

/// A watch; dropping it ends it.
#[derive(Debug)]
pub struct Watch {
    _folders: Arc<Mutex<Folders>>,
}

/// What is watched for some files.
#[derive(Debug)]
struct Folders {
    watcher: RecommendedWatcher,
    watched: BTreeSet<PathBuf>,
}

/// Calls `changed` from a thread of its own, once at the beginning, since what was read before may be old by now, and
/// then whenever one of `files`, of which the first is the configuration, holds something else than before. It is told
/// whether one does, or only may, and answers which files are followed from then on.
///
/// # Errors
/// The folder of the first file cannot be watched, or the system gives no more watches or threads.
pub fn watch(
    files: &[PathBuf],
    changed: impl FnMut(bool) -> Vec<PathBuf> + Send + 'static,
) -> Result<Watch, notify::Error> {
    let files: Vec<PathBuf> = files.to_vec();
    let (tell, told) = channel();
    let mut watcher = notify::recommended_watcher(move |event| pass_on(event, &tell))?;
    if let Some(own) = files.first().and_then(|file| folders_of(file).pop()) {
        watcher.watch(&own, RecursiveMode::NonRecursive)?;
    }
    let mut folders = Folders { watcher, watched: BTreeSet::new() };
    folders.enter_or_tell(&files);
    // Read after the watch stands: what is written from here on leads to an event.
    let seen = all(&files);
    let folders = Arc::new(Mutex::new(folders));
    std::thread::Builder::new()
        .name("config-watch".to_owned())
        .spawn({
            let folders = Arc::downgrade(&folders);
            move || follow((files, seen), &folders, &told, changed)
        })
        .map_err(notify::Error::io)?;
    Ok(Watch { _folders: folders })
}

impl Folders {
    /// Watches the folders of files as they are now, and no others. One that cannot be watched keeps no other from it.
    fn enter(&mut self, files: &[PathBuf]) -> Result<(), notify::Error> {
        let folders: BTreeSet<_> = files.iter().flat_map(|file| folders_of(file)).collect();
        for left in self.watched.difference(&folders) {
            // One that is gone is watched no more.
            let _ = self.watcher.unwatch(left);
        }
        self.watched = folders;
        // All of them once more: another may have got the name of one.
        let mut all = Ok(());
        for folder in &self.watched {
            // Otherwise what the one before is known by would stay.
            let _ = self.watcher.unwatch(folder);
            all = all.and(self.watcher.watch(folder, RecursiveMode::NonRecursive));
        }
        all
    }

    fn enter_or_tell(&mut self, files: &[PathBuf]) {
        if let Err(error) = self.enter(files) {
            tracing::warn!(%error, "not all files of the configuration can be watched; SIGHUP reads them");
        }
    }
}

/// Passes on what may mean new contents. To read a file is an event too, and would never end.
fn pass_on(event: notify::Result<Event>, tell: &Sender<()>) {
    let matters = event.map_or(true, |event| !matches!(event.kind, EventKind::Access(_)));
    if matters {
        // Nobody listens any more: the watch is being dropped.
        let _ = tell.send(());
    }
}

/// The folders of all links on the way to a file, by their names without links, and last the one in which it truly stands,
/// or is to stand. Of folders that are not there, the nearest that is: it is where they begin.
fn folders_of(file: &Path) -> Vec<PathBuf> {
    let (mut folders, mut left) = (Vec::new(), file.to_owned());
    let mut at = std::env::current_dir().unwrap_or_else(|_| PathBuf::from("."));
    loop {
        let mut parts = left.components();
        match parts.next() {
            None => break,
            Some(Component::CurDir) => {}
            Some(Component::ParentDir) => _ = at.pop(),
            // The root takes the place of all before it.
            Some(part) => at.push(part),
        }
        let rest = parts.as_path();
        left = match at.read_link() {
            Ok(target) if folders.len() < LINKS => {
                at.pop();
                folders.push(at.clone());
                target.join(rest)
            }
            _ => rest.to_owned(),
        };
    }
    let own = at.ancestors().skip(1).find(|folder| folder.is_dir());
    folders.push(own.unwrap_or(Path::new("/")).to_owned());
    folders
}

fn follow(
    (mut files, mut seen): (Vec<PathBuf>, Vec<Held>),
    folders: &Weak<Mutex<Folders>>,
    told: &Receiver<()>,
    mut changed: impl FnMut(bool) -> Vec<PathBuf>,
) {
    // Whether something did change; otherwise it only may have, before it was followed.
    let mut surely = false;
    loop {
        let next = changed(surely);
        if next == files {
            let Some(now) = other_contents(&files, &seen, folders, told) else { return };
            (seen, surely) = (now, true);
            continue;
        }
        let Some(folders) = folders.upgrade() else { return };
        folders.lock().unwrap_or_else(PoisonError::into_inner).enter_or_tell(&next);
        (seen, files, surely) = (all(&next), next, false);
    }
}

/// Waits until files hold something else than what was `seen`, and gives that. None when the watch was dropped.
fn other_contents(
    files: &[PathBuf],
    seen: &[Held],
    folders: &Weak<Mutex<Folders>>,
    told: &Receiver<()>,
) -> Option<Vec<Held>> {
    while told.recv().is_ok() && wait_for_quiet(told) {
        // A folder that was not there may be there now, and a link may lead elsewhere; whether one cannot be watched was told
        // already.
        let folders = folders.upgrade()?;
        let _ = folders.lock().unwrap_or_else(PoisonError::into_inner).enter(files);
        drop(folders);
        let now = all(files);
        if is_worth_a_look(seen, &now) {
            return Some(now);
        }
    }
    None
}

/// Whether there is something new. A file that is gone is being replaced, or was taken away: the old settings stay until
/// it is back, another came, or the configuration itself changed.
fn is_worth_a_look(seen: &[Held], now: &[Held]) -> bool {
    let both = || seen.iter().zip(now);
    let other = |(seen, now): (&Option<_>, &Option<_>)| now.is_some() && now != seen;
    let is_gone = both().any(|(seen, now)| seen.is_some() && now.is_none());
    let came = both().any(|(seen, now)| seen.is_none() && now.is_some());
    came || both().take(1).any(other) || (!is_gone && both().any(other))
}

/// False when the watch was dropped.
fn wait_for_quiet(told: &Receiver<()>) -> bool {
    let since = clock::instant();
    while since.elapsed() < PATIENCE {
        match told.recv_timeout(QUIET) {
            Ok(()) => {}
            Err(RecvTimeoutError::Timeout) => return true,
            Err(RecvTimeoutError::Disconnected) => return false,
        }
    }
    true
}

/// What a file holds, as a digest, since there are keys among them, and whether it is open to others, as secrets must
/// not be; none of one that cannot be read.
type Held = Option<(Digest, bool)>;

fn all(files: &[PathBuf]) -> Vec<Held> {
    let one = |file: &PathBuf| {
        let bytes = Zeroizing::new(contents(file).ok()?);
        let mode = file.metadata().ok()?.permissions().mode();
        Some((Digest::of(&bytes), mode & 0o077 != 0))
    };
    files.iter().map(one).collect()
}

#[cfg(test)]
mod tests;
