//! What the log does to its disk, counted; and, in tests, made to fail.

use std::io;
use std::sync::atomic::{AtomicU64, Ordering};

/// Counts of what a log did. Shared with whoever shows them as metrics.
#[derive(Debug, Default)]
pub struct Probe {
    syncs: AtomicU64,
    lines: AtomicU64,
    #[cfg(test)]
    fault: std::sync::Mutex<Option<Fault>>,
}

/// What a test makes fail.
#[cfg(test)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fault {
    /// Half of a batch is written, then there is no space.
    NoSpace,
    /// The batch is written, and `fdatasync` fails.
    Sync,
    /// No file can be opened, since as many are open as may be.
    Open,
}

impl Probe {
    /// How many batches were made durable.
    pub fn syncs(&self) -> u64 {
        self.syncs.load(Ordering::Relaxed)
    }

    /// How many lines were made durable.
    pub fn lines(&self) -> u64 {
        self.lines.load(Ordering::Relaxed)
    }

    pub(super) fn synced(&self, lines: usize) {
        self.syncs.fetch_add(1, Ordering::Relaxed);
        self.lines.fetch_add(u64::try_from(lines).unwrap_or(u64::MAX), Ordering::Relaxed);
    }

    #[cfg(test)]
    pub(crate) fn fail(&self, fault: Option<Fault>) {
        *self.fault.lock().unwrap() = fault;
    }

    /// How many of `bytes` may be written before the disk is full; all but in a test.
    pub(super) fn room(&self, bytes: usize) -> usize {
        #[cfg(test)]
        if *self.fault.lock().unwrap() == Some(Fault::NoSpace) {
            return bytes / 2;
        }
        bytes
    }

    #[cfg_attr(not(test), expect(clippy::unused_self, reason = "only tests make it fail"))]
    pub(super) fn open_fault(&self) -> io::Result<()> {
        #[cfg(test)]
        if *self.fault.lock().unwrap() == Some(Fault::Open) {
            return Err(rustix::io::Errno::MFILE.into());
        }
        Ok(())
    }

    #[cfg_attr(not(test), expect(clippy::unused_self, reason = "only tests make a sync fail"))]
    pub(super) fn sync_fault(&self) -> io::Result<()> {
        #[cfg(test)]
        if *self.fault.lock().unwrap() == Some(Fault::Sync) {
            return Err(io::Error::from_raw_os_error(5));
        }
        Ok(())
    }
}
