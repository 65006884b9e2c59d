//! Which folders are data folders, so that nothing is ever put into another one.

use std::ffi::OsStr;
use std::fs::{self, File};
use std::io;
use std::path::Path;

use super::lock;
use super::options::Options;
use super::private;
use crate::history;
use crate::store::StoreError;

/// What may stand in a folder before it is a data folder: what Tollgate puts there itself, in the
/// order in which it does, the configuration, and what a file system has in its root.
const BEFORE: [&str; 18] = [
    "lock",
    "reserve",
    "index",
    "index.next",
    "history",
    "uses",
    "uses.head",
    "counts",
    "summaries",
    "summaries.texts",
    "seen",
    "seen.new",
    "checkpoint",
    "checkpoint.new",
    "verified",
    "tollgate.sock",
    "tollgate.toml",
    "lost+found",
];

/// Makes sure that the folder is a data folder, or, for those who may make one, that it can become
/// one: it does not exist, or nothing of anybody else is in it.
pub(super) fn enter(options: &Options) -> Result<(), StoreError> {
    let folder = &options.folder;
    let refuse = |why: &str| {
        Err(StoreError::NotData { path: folder.display().to_string(), why: why.to_owned() })
    };
    if options.opener.may_make() && !folder.exists() {
        return create(folder);
    }
    if is_data(options) {
        return Ok(());
    }
    let names = names(folder).map_err(|error| StoreError::Failed {
        doing: format!("reading `{}`", folder.display()),
        cause: error.to_string(),
    })?;
    let other = names.iter().find(|name| !BEFORE.iter().any(|own| ***name == **own));
    match other {
        Some(other) => refuse(&format!("it holds `{}`, and no history", other.to_string_lossy())),
        None if options.opener.may_make() => Ok(()),
        None => refuse("nothing was ever kept in it"),
    }
}

/// Whether it holds what only Tollgate makes.
fn is_data(options: &Options) -> bool {
    let index = options.index();
    history::exists(&options.history())
        || (index.join("db").is_file() && index.join("conf").is_file())
        || lock::is_ours(&options.folder)
}

fn names(folder: &Path) -> io::Result<Vec<Box<OsStr>>> {
    fs::read_dir(folder)?.map(|entry| Ok(entry?.file_name().into_boxed_os_str())).collect()
}

/// Makes the folder, so that it is still there after a power cut.
fn create(folder: &Path) -> Result<(), StoreError> {
    let make = || {
        private::create_folder(folder)?;
        let above = folder.parent().filter(|above| !above.as_os_str().is_empty());
        File::open(above.unwrap_or(Path::new(".")))?.sync_all()
    };
    make().map_err(|error| StoreError::Failed {
        doing: format!("creating `{}`", folder.display()),
        cause: error.to_string(),
    })
}
