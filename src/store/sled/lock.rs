//! Who may open a data folder: one process at a time.

use std::fs::{self, File};
use std::io::Read;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::fs::{FileExt, OpenOptionsExt};
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};

use rustix::fs::{FlockOperation, flock, fstat, stat};

use crate::store::StoreError;
use crate::store::holder::{Doing, Holder, Role};

const FILE: &str = "lock";

/// The lock on a data folder, let go when it is dropped or its process ends. The file stays: removing it
/// would let two processes hold locks on two files of the same name.
#[derive(Debug)]
pub struct Lock {
    file: File,
    role: Role,
    given: AtomicBool,
}

impl Lock {
    /// Its file was given to another process, which has the lock from now on: it is let go here without being undone.
    pub fn is_given(&self) {
        self.given.store(true, Ordering::Relaxed);
    }

    /// Tells what the process does now. It is for people: on a full disk the lock holds without it.
    pub(super) fn tell(&self, doing: Doing) {
        let holder = Holder { pid: std::process::id(), role: self.role, doing };
        if let Err(error) = self.file.write_all_at(holder.line().as_bytes(), 0) {
            tracing::warn!("the lock does not say what this process does: {error}");
        }
    }
}

impl AsFd for Lock {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.file.as_fd()
    }
}

impl Drop for Lock {
    /// Closing alone would not let it go while a process is being started from another thread: that
    /// has a copy of the file for a moment, and the lock belongs to both.
    fn drop(&mut self) {
        if !self.given.load(Ordering::Relaxed) {
            // Where this fails, closing is what is left.
            let _ = flock(&self.file, FlockOperation::Unlock);
        }
    }
}

/// Takes the lock, or says who holds it. It may be `held` already: whoever had it before gave it to this process.
pub(super) fn take(folder: &Path, role: Role, held: Option<OwnedFd>) -> Result<Lock, StoreError> {
    let path = folder.join(FILE);
    let failed = |error: std::io::Error| StoreError::Failed {
        doing: format!("locking `{}`", path.display()),
        cause: error.to_string(),
    };
    let mut file = match held.filter(|held| is_that(held, &path)) {
        Some(held) => held.into(),
        None => File::options()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .mode(0o600)
            .open(&path)
            .map_err(failed)?,
    };
    match flock(&file, FlockOperation::NonBlockingLockExclusive) {
        Ok(()) => {}
        Err(rustix::io::Errno::WOULDBLOCK) => {
            let mut told = String::new();
            file.read_to_string(&mut told).map_err(failed)?;
            let path = folder.display().to_string();
            return Err(StoreError::Locked { path, holder: Holder::parse(&told) });
        }
        Err(error) => return Err(failed(error.into())),
    }
    let lock = Lock { file, role, given: AtomicBool::new(false) };
    lock.tell(Doing::Opening);
    Ok(lock)
}

/// Whether it is this file: the folder may be another than that of whoever gave it.
fn is_that(held: &OwnedFd, path: &Path) -> bool {
    let numbers = (fstat(held), stat(path));
    matches!(numbers, (Ok(a), Ok(b)) if (a.st_dev, a.st_ino) == (b.st_dev, b.st_ino))
}

/// Whether the folder has a lock that Tollgate wrote.
pub(super) fn is_ours(folder: &Path) -> bool {
    let path = folder.join(FILE);
    // Nothing but a file is read: a pipe would not end.
    let told = if path.is_file() { fs::read_to_string(&path).ok() } else { None };
    told.is_some_and(|told| Holder::parse(&told).is_some())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_held_lock_names_its_process() {
        let folder = tempfile::tempdir().unwrap();
        for role in [Role::Server, Role::Command] {
            let lock = take(folder.path(), role, None).unwrap();
            let told = || take(folder.path(), Role::Server, None).unwrap_err().to_string();
            let process = format!("in use by process {} (`", std::process::id());
            for (doing, of_server) in [
                (Doing::Opening, "a server that is starting"),
                (Doing::Using, "through its local socket"),
                (Doing::Closing, "a server that is stopping"),
            ] {
                if doing != Doing::Opening {
                    lock.tell(doing);
                }
                let says = if role == Role::Server { of_server } else { "a command at work" };
                let error = told();
                assert!(error.contains(&process) && error.contains(says), "{error}");
            }
            // What a process that is being started has of it.
            let _copy = lock.file.try_clone().unwrap();
            drop(lock);
            take(folder.path(), role, None).unwrap();
        }
        assert!(is_ours(folder.path()));
        fs::write(folder.path().join(FILE), "4711\n").unwrap();
        assert!(!is_ours(folder.path()), "others have locks too");
    }

    #[test]
    fn a_lock_that_is_given_is_nobody_elses_between() {
        let (folder, other) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let is_free = |folder: &Path| take(folder, Role::Command, None).is_ok();
        let first = take(folder.path(), Role::Server, None).unwrap();
        let copy = || Some(first.as_fd().try_clone_to_owned().unwrap());
        let (held, strange) = (copy(), copy());
        first.is_given();
        drop(first);
        assert!(!is_free(folder.path()));
        let elsewhere = take(other.path(), Role::Server, strange).unwrap();
        assert!(!is_free(other.path()) && !is_free(folder.path()));
        let second = take(folder.path(), Role::Server, held).unwrap();
        assert!(!is_free(folder.path()));
        drop((second, elsewhere));
        assert!(is_free(folder.path()) && is_free(other.path()));
    }
}
