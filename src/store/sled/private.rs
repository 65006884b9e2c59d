//! That others cannot read what lies in a data folder: digests of secrets, names, addresses.

use std::fs;
use std::io;
use std::os::unix::fs::{DirBuilderExt, PermissionsExt};
use std::path::Path;

use super::open::Options;

/// What the group and everybody else may do.
const OTHERS: u32 = 0o077;

/// Makes a folder for its user alone, with those above it that are missing.
pub(super) fn create_folder(path: &Path) -> io::Result<()> {
    fs::DirBuilder::new().recursive(true).mode(0o700).create(path)
}

/// Closes the folders inside a data folder to others, in which sled makes files that everybody may read; says
/// so if the data folder itself, which somebody else may have made, is open to them.
pub(super) fn look_after(options: &Options) {
    for path in [options.index(), options.history()] {
        let Some(mode) = open_to_others(&path) else { continue };
        let narrowed = fs::set_permissions(&path, PermissionsExt::from_mode(mode & !OTHERS));
        if let Err(error) = narrowed {
            tracing::warn!("`{}` is open to others (mode {mode:o}): {error}", path.display());
        }
    }
    if let Some(mode) = open_to_others(&options.folder) {
        let path = options.folder.display();
        tracing::warn!("`{path}` is open to others (mode {mode:o}): `chmod 700 {path}`");
    }
}

fn open_to_others(path: &Path) -> Option<u32> {
    let mode = fs::metadata(path).ok()?.permissions().mode() & 0o7777;
    (mode & OTHERS != 0).then_some(mode)
}
