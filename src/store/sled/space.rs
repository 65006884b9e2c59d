//! Room on the disk. sled neither survives a full disk while it writes nor opens on one, so changes are
//! refused while there is still room for it, and a reserve is given back to it when there is none.

use std::fs::{self, File};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use rustix::fs::{FallocateFlags, fallocate, statvfs};

use crate::store::StoreError;

const FILE: &str = "reserve";
/// Changes are refused when less than this is free: room for what sled writes between two looks, and for
/// a checkpoint.
const MARGIN_BYTES: u64 = 8 * 1024 * 1024;

/// Watches the disk that holds a data folder.
#[derive(Debug)]
pub(super) struct Space {
    folder: PathBuf,
    reserve_bytes: u64,
}

impl Space {
    pub(super) fn new(folder: &Path, reserve_bytes: u64) -> Self {
        Self { folder: folder.to_owned(), reserve_bytes }
    }

    /// How many bytes are free; everything when the operating system does not say.
    fn free(&self) -> u64 {
        statvfs(&self.folder).map_or(u64::MAX, |stat| stat.f_bavail.saturating_mul(stat.f_frsize))
    }

    /// Refuses a write of `bytes` for which there might be no room.
    pub(super) fn check(&self, bytes: u64) -> Result<(), StoreError> {
        if self.free() < MARGIN_BYTES.saturating_add(bytes) { Err(self.full()) } else { Ok(()) }
    }

    pub(super) fn full(&self) -> StoreError {
        StoreError::Full { path: self.folder.display().to_string() }
    }

    /// Before sled must write: gives the reserve back if there is hardly any room.
    pub(super) fn make_room(&self) {
        let path = self.folder.join(FILE);
        if self.free() >= MARGIN_BYTES / 2 || !path.exists() {
            return;
        }
        match fs::remove_file(&path) {
            Ok(()) => tracing::warn!("the disk is full: gave back `{}`", path.display()),
            Err(error) => tracing::error!("cannot give back `{}`: {error}", path.display()),
        }
    }

    /// Sets the reserve aside, if there is plenty of room.
    pub(super) fn keep_reserve(&self) {
        let path = self.folder.join(FILE);
        let plenty = self.reserve_bytes.saturating_add(2 * MARGIN_BYTES);
        let there = fs::metadata(&path).map_or(0, |metadata| metadata.len());
        if self.reserve_bytes == 0 || there == self.reserve_bytes || self.free() < plenty {
            return;
        }
        let set_aside = || {
            let mut options = File::options();
            let options = options.write(true).create(true).truncate(true).mode(0o600);
            let file = options.open(&path)?;
            fallocate(&file, FallocateFlags::empty(), 0, self.reserve_bytes)?;
            Ok::<_, std::io::Error>(())
        };
        if let Err(error) = set_aside() {
            tracing::warn!("cannot set `{}` aside: {error}", path.display());
            let _ = fs::remove_file(&path);
        }
    }
}
