//! Who may open a data folder: one process at a time.

use std::fs::{self, File};
use std::io::{Read, Seek, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use rustix::fs::{FlockOperation, flock};

use crate::store::StoreError;

const FILE: &str = "lock";

/// The lock on a data folder, let go when it is dropped or its process ends. The file stays: removing it
/// would let two processes hold locks on two files of the same name.
#[derive(Debug)]
pub(super) struct Lock {
    _file: File,
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
            let mut pid = String::new();
            file.read_to_string(&mut pid).map_err(failed)?;
            return Err(StoreError::Locked {
                path: folder.display().to_string(),
                pid: describe(pid.trim()),
            });
        }
        Err(error) => return Err(failed(error.into())),
    }
    // The number is for people: on a full disk the lock must hold without it.
    let write = || {
        file.rewind()?;
        file.write_all(format!("{:<20}\n", std::process::id()).as_bytes())
    };
    let mut write = write;
    if let Err(error) = write() {
        tracing::warn!("`{}` does not name this process: {error}", path.display());
    }
    Ok(Lock { _file: file })
}

fn describe(pid: &str) -> String {
    let digits = !pid.is_empty() && pid.bytes().all(|b| b.is_ascii_digit());
    if !digits {
        return "unknown".to_owned();
    }
    match fs::read_to_string(format!("/proc/{pid}/comm")) {
        Ok(name) => format!("{pid} (`{}`)", name.trim()),
        Err(_) => pid.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_held_lock_names_its_process() {
        let folder = tempfile::tempdir().unwrap();
        let lock = take(folder.path()).unwrap();
        let error = take(folder.path()).unwrap_err().to_string();
        assert!(error.contains(&format!("in use by process {} (`", std::process::id())), "{error}");
        drop(lock);
        take(folder.path()).unwrap();
    }
}
