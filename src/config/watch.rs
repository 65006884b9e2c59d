//! Tells when a configuration file has changed.
//!
//! Editors and deployments replace files by renaming others over them or over a folder above them,
//! so it is the folder that is watched; whether something changed is decided by what the files
//! hold.

use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::Duration;

use notify::{Event, EventKind, RecommendedWatcher, RecursiveMode, Watcher};

use super::bounded::contents;
use crate::clock;

/// How long the folder must be quiet before the files are read: an editor writes in several steps.
const QUIET: Duration = Duration::from_millis(100);

/// How long a folder that never is quiet can put this off.
const PATIENCE: Duration = Duration::from_secs(1);

/// A watch; dropping it ends it.
#[derive(Debug)]
pub struct Watch {
    _watcher: Arc<Mutex<RecommendedWatcher>>,
}

/// Calls `changed` from a thread of its own, once at the beginning, since what was read before may be old by now, and
/// then whenever one of `files` holds something else than before. It answers which files are followed from then on.
///
/// # Errors
/// A folder that cannot be watched, or a system that gives no more watches or threads.
pub fn watch(
    files: &[PathBuf],
    changed: impl FnMut() -> Vec<PathBuf> + Send + 'static,
) -> Result<Watch, notify::Error> {
    let files: Vec<PathBuf> = files.to_vec();
    let (tell, told) = channel();
    let mut watcher = notify::recommended_watcher(move |event| pass_on(event, &tell))?;
    enter(&mut watcher, &files)?;
    // Read after the watch stands: what is written from here on leads to an event.
    let seen = all(&files);
    let watcher = Arc::new(Mutex::new(watcher));
    std::thread::Builder::new()
        .name("config-watch".to_owned())
        .spawn({
            let watcher = Arc::downgrade(&watcher);
            move || follow((files, seen), &watcher, &told, changed)
        })
        .map_err(notify::Error::io)?;
    Ok(Watch { _watcher: watcher })
}

/// Watches the folders of files.
fn enter(watcher: &mut RecommendedWatcher, files: &[PathBuf]) -> Result<(), notify::Error> {
    let mut folders: Vec<_> = files.iter().flat_map(|file| folders_of(file)).collect();
    folders.sort();
    folders.dedup();
    folders.iter().try_for_each(|folder| watcher.watch(folder, RecursiveMode::NonRecursive))
}

/// Passes on what may mean new contents. To read a file is an event too, and would never end.
fn pass_on(event: notify::Result<Event>, tell: &Sender<()>) {
    let matters = event.map_or(true, |event| !matches!(event.kind, EventKind::Access(_)));
    if matters {
        // Nobody listens any more: the watch is being dropped.
        let _ = tell.send(());
    }
}

/// The folder in which a file stands, and that in which it truly is if it is a link.
fn folders_of(file: &Path) -> Vec<PathBuf> {
    let parent = |path: &Path| match path.parent() {
        Some(parent) if parent.as_os_str().is_empty() => PathBuf::from("."),
        Some(parent) => parent.to_owned(),
        None => path.to_owned(),
    };
    let real = file.canonicalize().ok();
    std::iter::once(parent(file)).chain(real.as_deref().map(parent)).collect()
}

fn follow(
    (mut files, mut seen): (Vec<PathBuf>, Vec<Option<Vec<u8>>>),
    watcher: &Weak<Mutex<RecommendedWatcher>>,
    told: &Receiver<()>,
    mut changed: impl FnMut() -> Vec<PathBuf>,
) {
    loop {
        loop {
            let next = changed();
            if next == files {
                break;
            }
            // Told once more behind this, since they may have changed before they were followed.
            let Some(watcher) = watcher.upgrade() else { return };
            let mut watcher = watcher.lock().unwrap_or_else(PoisonError::into_inner);
            if let Err(error) = enter(&mut watcher, &next) {
                tracing::warn!(%error, "not all files of the configuration can be watched");
            }
            drop(watcher);
            (files, seen) = (next.clone(), all(&next));
        }
        let Some(now) = other_contents(&files, &seen, told) else { return };
        seen = now;
    }
}

/// Waits until all files are there and hold something else than what was `seen`, and gives that. None when the watch
/// was dropped.
fn other_contents(
    files: &[PathBuf],
    seen: &[Option<Vec<u8>>],
    told: &Receiver<()>,
) -> Option<Vec<Option<Vec<u8>>>> {
    while told.recv().is_ok() && wait_for_quiet(told) {
        let now = all(files);
        // A file that is gone is being replaced, or was taken away: the old settings stay.
        if now != seen && now.iter().all(Option::is_some) {
            return Some(now);
        }
    }
    None
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

fn all(files: &[PathBuf]) -> Vec<Option<Vec<u8>>> {
    files.iter().map(|file| contents(file).ok()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Long enough for the slowest machine; a test waits so long only when it fails.
    const LONG: Duration = Duration::from_secs(20);

    struct Watched {
        folder: tempfile::TempDir,
        changes: Receiver<()>,
        _watch: Watch,
    }

    fn watched(name: &str, prepare: impl FnOnce(&Path)) -> Watched {
        let folder = tempfile::tempdir().unwrap();
        prepare(folder.path());
        let (tell, changes) = channel();
        let files = [folder.path().join(name)];
        let followed = files.to_vec();
        let told = move || {
            tell.send(()).unwrap();
            followed.clone()
        };
        let watch = watch(&files, told).unwrap();
        changes.recv_timeout(LONG).expect("files may have changed before they were watched");
        Watched { folder, changes, _watch: watch }
    }

    #[test]
    fn a_written_and_a_replaced_file_are_told() {
        let here = watched("t.toml", |folder| std::fs::write(folder.join("t.toml"), "a").unwrap());
        let file = here.folder.path().join("t.toml");
        std::fs::write(&file, "b").unwrap();
        here.changes.recv_timeout(LONG).unwrap();
        let other = here.folder.path().join("t.toml.new");
        std::fs::write(&other, "c").unwrap();
        std::fs::rename(&other, &file).unwrap();
        here.changes.recv_timeout(LONG).unwrap();
        std::fs::remove_file(&file).unwrap();
        std::fs::write(&file, "d").unwrap();
        here.changes.recv_timeout(LONG).unwrap();
    }

    #[cfg(unix)]
    #[test]
    fn a_link_to_a_folder_that_is_exchanged_is_told() {
        // As Kubernetes mounts a ConfigMap: t.toml -> ..data/t.toml, ..data -> a folder by date.
        use std::os::unix::fs::symlink;
        let here = watched("t.toml", |folder| {
            for (name, text) in [("one", "a"), ("two", "b")] {
                std::fs::create_dir(folder.join(name)).unwrap();
                std::fs::write(folder.join(name).join("t.toml"), text).unwrap();
            }
            symlink("one", folder.join("..data")).unwrap();
            symlink("..data/t.toml", folder.join("t.toml")).unwrap();
        });
        let folder = here.folder.path();
        symlink("two", folder.join("..new")).unwrap();
        std::fs::rename(folder.join("..new"), folder.join("..data")).unwrap();
        here.changes.recv_timeout(LONG).unwrap();
    }

    #[test]
    fn what_changes_nothing_is_not_told() {
        let here = watched("t.toml", |folder| std::fs::write(folder.join("t.toml"), "a").unwrap());
        let file = here.folder.path().join("t.toml");
        // Renamed into place, so that no half-written file is ever seen.
        for (other, text) in [("other", "a"), ("another", "b")] {
            std::fs::write(here.folder.path().join(other), text).unwrap();
            std::fs::rename(here.folder.path().join(other), &file).unwrap();
        }
        here.changes.recv_timeout(LONG).unwrap();
        assert!(here.changes.try_recv().is_err(), "told of something that did not change");
    }

    #[test]
    fn files_that_come_to_be_named_are_followed_from_then_on() {
        let folder = tempfile::tempdir().unwrap();
        let [first, second] = ["a/t.toml", "b/cert.pem"].map(|name| folder.path().join(name));
        for file in [&first, &second] {
            std::fs::create_dir(file.parent().unwrap()).unwrap();
            std::fs::write(file, "1").unwrap();
        }
        let (tell, changes) = channel();
        let all = vec![first.clone(), second.clone()];
        let told = move || {
            tell.send(()).unwrap();
            all.clone()
        };
        let _watch = watch(std::slice::from_ref(&first), told).unwrap();
        changes.recv_timeout(LONG).unwrap();
        changes.recv_timeout(LONG).expect("what it names was read before it was followed");
        std::fs::write(&first, "2").unwrap();
        changes.recv_timeout(LONG).unwrap();
        std::fs::write(&second, "2").unwrap();
        changes.recv_timeout(LONG).unwrap();
    }

    #[test]
    fn a_dropped_watch_ends_its_thread() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("t.toml"), "a").unwrap();
        let (tell, changes) = channel::<()>();
        let files = [folder.path().join("t.toml")];
        let followed = files.to_vec();
        let told = move || {
            tell.send(()).unwrap();
            followed.clone()
        };
        let watch = watch(&files, told).unwrap();
        changes.recv_timeout(LONG).unwrap();
        drop(watch);
        // The thread owned the only sender.
        assert_eq!(changes.recv_timeout(LONG), Err(RecvTimeoutError::Disconnected));
    }
}
