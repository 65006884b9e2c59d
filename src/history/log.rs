//! The writing end: batches of lines, one write and one `fdatasync` each.

use std::fs::File;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::{Head, HistoryError, Mark, Place, Probe, line, segment};

/// A history that is open for appending. Only one may exist for a folder; `store` holds the lock.
#[derive(Debug)]
pub struct Log {
    folder: PathBuf,
    file: File,
    /// The number of the first line of the open segment.
    first: u64,
    /// How much of the open segment is good.
    length: u64,
    head: Head,
    segment_bytes: u64,
    probe: Arc<Probe>,
    /// Why nothing is appended any more.
    refused: Option<String>,
    buffer: Vec<u8>,
}

impl Log {
    /// Goes on after `mark`, whose segment must exist and end there.
    pub(super) fn resume(folder: &Path, mark: Mark, file: File, segment_bytes: u64) -> Self {
        Self {
            folder: folder.to_owned(),
            file,
            first: mark.next.segment,
            length: mark.next.offset,
            head: mark.head,
            segment_bytes,
            probe: Arc::default(),
            refused: None,
            buffer: Vec::new(),
        }
    }

    /// The last durable line, and where the next one will stand.
    pub const fn mark(&self) -> Mark {
        Mark { head: self.head, next: Place { segment: self.first, offset: self.length } }
    }

    /// Counts of what was done.
    pub const fn probe(&self) -> &Arc<Probe> {
        &self.probe
    }

    /// Why nothing is appended any more, if so.
    pub fn refused(&self) -> Option<&str> {
        self.refused.as_deref()
    }

    /// Appends one line for each body, and answers with their places once all are durable.
    ///
    /// # Errors
    /// [`HistoryError::Full`], [`HistoryError::Exhausted`] and other failures to write leave the history as it was. After a
    /// failure to sync or to undo, what is on disk is unknown, and this and every later call is
    /// refused: a second `fsync` may well succeed although the first one's bytes were dropped.
    pub fn append<'a>(
        &mut self,
        bodies: impl IntoIterator<Item = &'a str>,
    ) -> Result<Vec<Place>, HistoryError> {
        if let Some(reason) = &self.refused {
            return Err(HistoryError::Refused(reason.clone()));
        }
        if self.length >= self.segment_bytes {
            self.rotate()?;
        }
        self.buffer.clear();
        let mut head = self.head;
        let mut places = Vec::new();
        for body in bodies {
            places.push(Place { segment: self.first, offset: self.length + len(&self.buffer) });
            head = line::seal(&head, body, &mut self.buffer);
        }
        if places.is_empty() {
            return Ok(places);
        }
        self.write()?;
        self.sync()?;
        self.probe.synced(places.len());
        self.length += len(&self.buffer);
        self.head = head;
        Ok(places)
    }

    fn write(&mut self) -> Result<(), HistoryError> {
        let room = self.probe.room(self.buffer.len());
        let wanted = self.buffer.get(..room).unwrap_or_default();
        let mut result = self.file.write_all_at(wanted, self.length);
        if result.is_ok() && room < self.buffer.len() {
            result = Err(std::io::ErrorKind::StorageFull.into());
        }
        result.map_err(|error| {
            self.cut_back();
            HistoryError::io("writing", &segment::path(&self.folder, self.first))(error)
        })
    }

    fn sync(&mut self) -> Result<(), HistoryError> {
        let result = self.probe.sync_fault().and_then(|()| self.file.sync_data());
        result.map_err(|error| {
            let path = segment::path(&self.folder, self.first);
            // Nobody was told of these lines, so they had better not come back at the next start.
            self.cut_back();
            let reason = format!(
                "`{}` could not be synced to disk ({error}); check the disk, then restart",
                path.display()
            );
            self.refused = Some(reason.clone());
            HistoryError::Refused(reason)
        })
    }

    fn cut_back(&mut self) {
        if let Err(error) = self.file.set_len(self.length) {
            let path = segment::path(&self.folder, self.first);
            self.refused = Some(format!(
                "`{}` could not be cut back to {} bytes after a failed write ({error}); check the \
                 disk, then restart",
                path.display(),
                self.length
            ));
        }
    }

    fn rotate(&mut self) -> Result<(), HistoryError> {
        let first = self.head.seq.saturating_add(1);
        let opened = self.probe.open_fault().map_err(HistoryError::opening(&self.folder));
        match opened.and_then(|()| segment::create(&self.folder, first)) {
            Ok(file) => self.file = file,
            Err(passing @ (HistoryError::Full { .. } | HistoryError::Exhausted { .. })) => {
                return Err(passing);
            }
            Err(error) => {
                let reason = format!("a new segment could not be made durable: {error}");
                self.refused = Some(reason.clone());
                return Err(HistoryError::Refused(reason));
            }
        }
        self.first = first;
        self.length = 0;
        Ok(())
    }
}

fn len(bytes: &[u8]) -> u64 {
    u64::try_from(bytes.len()).unwrap_or(u64::MAX)
}
