//! The file that a backup comes into, wherever it comes from: under another name until all of it is there, on
//! the disk, and verified. Whoever asked for it writes it, so that it lies where they mean and is theirs.

use std::fs::{self, File};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use super::{Summary, failed, verify};
use crate::history;
use crate::store::StoreError;

/// A backup that is not whole yet.
#[derive(Debug)]
pub struct Incoming {
    to: PathBuf,
    partial: PathBuf,
    file: File,
}

impl Incoming {
    /// Begins a file, which must not exist yet.
    ///
    /// # Errors
    /// It exists, or cannot be made.
    pub fn begin(to: &Path) -> Result<Self, StoreError> {
        refuse_existing(to)?;
        let mut name = to.as_os_str().to_owned();
        name.push(".partial");
        let partial = PathBuf::from(name);
        // What a crash left of an earlier one is of no use to anybody.
        let _ = fs::remove_file(&partial);
        let file = File::options().write(true).create_new(true).mode(0o600).open(&partial);
        let file = file.map_err(|error| failed("writing", &partial, error))?;
        Ok(Self { to: to.to_owned(), partial, file })
    }

    /// Where to write what comes.
    ///
    /// # Errors
    /// No more files can be opened.
    pub fn writer(&self) -> Result<File, StoreError> {
        self.file.try_clone().map_err(|error| failed("writing", &self.partial, error))
    }

    /// Ends the file, reads it again, and gives it its name.
    ///
    /// # Errors
    /// What came is no whole backup, or the disk refuses. Nothing is left then.
    pub fn finish(self) -> Result<Summary, StoreError> {
        self.file.sync_all().map_err(|error| failed("writing", &self.partial, error))?;
        let summary = verify(&self.partial)?;
        refuse_existing(&self.to)?;
        fs::rename(&self.partial, &self.to).map_err(|error| failed("naming", &self.to, error))?;
        let folder = self.to.parent().filter(|folder| !folder.as_os_str().is_empty());
        history::sync_folder(folder.unwrap_or(Path::new(".")))?;
        Ok(summary)
    }
}

fn refuse_existing(to: &Path) -> Result<(), StoreError> {
    if to.is_dir() {
        return Err(failed("writing", to, "it is a folder; name a file"));
    }
    if to.exists() {
        let doing = format!("writing `{}`", to.display());
        return Err(StoreError::Taken { doing, cause: "it exists already".to_owned() });
    }
    Ok(())
}

impl Drop for Incoming {
    /// What was not finished is not left lying about; after `finish` there is nothing of this name.
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.partial);
    }
}
