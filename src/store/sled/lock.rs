//! Who may open a data folder: one process at a time.

use std::fs::{self, File};
use std::io::Read;
use std::os::unix::fs::{FileExt, OpenOptionsExt};
use std::path::Path;

use rustix::fs::{FlockOperation, flock};

use crate::store::StoreError;

const FILE: &str = "lock";

/// The lock on a data folder, let go when it is dropped or its process ends. The file stays: removing it
/// would let two processes hold locks on two files of the same name.
#[derive(Debug)]
pub(super) struct Lock {
    file: File,
}

/// What the process that holds it does, for whoever waits for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Doing {
    /// The folder is not open yet.
    Opening,
    /// It is.
    Using,
    /// It is about to let go.
    Closing,
}

impl Doing {
    const fn word(self) -> &'static str {
        match self {
            Self::Opening => "opening",
            Self::Using => "",
            Self::Closing => "closing",
        }
    }
}

impl Lock {
    /// Tells what the process does now. It is for people: on a full disk the lock holds without it.
    pub(super) fn tell(&self, doing: Doing) {
        let line = format!("{:<20} {:<8}\n", std::process::id(), doing.word());
        if let Err(error) = self.file.write_all_at(line.as_bytes(), 0) {
            tracing::warn!("the lock does not say what this process does: {error}");
        }
    }
}

impl Drop for Lock {
    /// Closing alone would not let it go while a process is being started from another thread: that
    /// has a copy of the file for a moment, and the lock belongs to both.
    fn drop(&mut self) {
        // Where this fails, closing is what is left.
        let _ = flock(&self.file, FlockOperation::Unlock);
    }
}

/// Takes the lock, or says who holds it.
pub(super) fn take(folder: &Path) -> Result<Lock, StoreError> {
    let path = folder.join(FILE);
    let failed = |error: std::io::Error| StoreError::Failed {
        doing: format!("locking `{}`", path.display()),
        cause: error.to_string(),
    };
    let mut file = File::options()
        .read(true)
        .write(true)
        .create(true)
        .truncate(false)
        .mode(0o600)
        .open(&path)
        .map_err(failed)?;
    match flock(&file, FlockOperation::NonBlockingLockExclusive) {
        Ok(()) => {}
        Err(rustix::io::Errno::WOULDBLOCK) => {
            let mut told = String::new();
            file.read_to_string(&mut told).map_err(failed)?;
            let path = folder.display().to_string();
            return Err(StoreError::Locked { path, holder: describe(&told) });
        }
        Err(error) => return Err(failed(error.into())),
    }
    let lock = Lock { file };
    lock.tell(Doing::Opening);
    Ok(lock)
}

/// Who it is, and what to do about it.
fn describe(told: &str) -> String {
    let mut words = told.split_whitespace();
    let pid = words.next().filter(|pid| pid.bytes().all(|byte| byte.is_ascii_digit()));
    let (Some(pid), doing) = (pid, words.next()) else { return "an unknown process".to_owned() };
    let name = fs::read_to_string(format!("/proc/{pid}/comm"));
    let name = name.map_or(String::new(), |name| format!(" (`{}`)", name.trim()));
    let advice = match doing {
        Some("opening") => ", which is starting: it opens the folder; try again when it has",
        Some("closing") => ", which is stopping; try again in a moment",
        _ => "; stop it, or talk to it through its local socket",
    };
    format!("process {pid}{name}{advice}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_held_lock_names_its_process() {
        let folder = tempfile::tempdir().unwrap();
        let lock = take(folder.path()).unwrap();
        let told = || take(folder.path()).unwrap_err().to_string();
        let process = format!("in use by process {} (`", std::process::id());
        for (doing, says) in [
            (Doing::Opening, "starting"),
            (Doing::Using, "through its local socket"),
            (Doing::Closing, "stopping"),
        ] {
            if doing != Doing::Opening {
                lock.tell(doing);
            }
            let error = told();
            assert!(error.contains(&process) && error.contains(says), "{error}");
        }
        // What a process that is being started has of it.
        let _copy = lock.file.try_clone().unwrap();
        drop(lock);
        take(folder.path()).unwrap();
    }
}
