//! Whether the files of a closed index are the ones that were closed.

use std::fs;
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

/// What the file system says of the files in a folder, as one number, and how many bytes they have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Stamp {
    pub(super) sum: u64,
    pub(super) bytes: u64,
}

/// Takes the stamp of a folder. A file that was written to, cut, replaced, added or removed changes it;
/// bits that rot under the file system do not.
pub(super) fn take(folder: &Path) -> io::Result<Stamp> {
    let mut stamp = Stamp { sum: 0, bytes: 0 };
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let found = entry.metadata()?;
        if found.is_dir() {
            let inner = take(&entry.path())?;
            stamp.sum = stamp.sum.wrapping_add(inner.sum.rotate_left(7));
            stamp.bytes = stamp.bytes.saturating_add(inner.bytes);
        } else {
            let facts = format!(
                "{:?} {} {} {}",
                entry.file_name(),
                found.len(),
                found.mtime(),
                found.mtime_nsec()
            );
            stamp.sum = stamp.sum.wrapping_add(super::value::weight(b"file", facts.as_bytes()));
            stamp.bytes = stamp.bytes.saturating_add(found.len());
        }
    }
    Ok(stamp)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_write_changes_the_stamp() {
        let folder = tempfile::tempdir().unwrap();
        fs::create_dir(folder.path().join("blobs")).unwrap();
        let path = folder.path().join("blobs/1");
        fs::write(&path, b"one").unwrap();
        let before = take(folder.path()).unwrap();
        assert_eq!(take(folder.path()).unwrap(), before);
        let file = fs::File::options().write(true).open(&path).unwrap();
        let modified = file.metadata().unwrap().modified().unwrap();
        file.set_modified(modified + std::time::Duration::from_nanos(1)).unwrap();
        assert_ne!(take(folder.path()).unwrap(), before);
        file.set_modified(modified).unwrap();
        assert_eq!(take(folder.path()).unwrap(), before);
        fs::write(folder.path().join("other"), b"").unwrap();
        assert_ne!(take(folder.path()).unwrap(), before);
    }
}
