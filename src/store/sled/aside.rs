//! Moving what is not trusted out of the way, for whoever wants to look into it.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

/// Renames a file or folder to `NAME.damaged`, or to `NAME.damaged.2` and so on: what was moved aside
/// earlier stays. It may be the last that knows of events which the history has lost.
pub(super) fn set_aside(path: &Path) -> io::Result<PathBuf> {
    let aside = free(&path.with_extension("damaged"))?;
    fs::rename(path, &aside)?;
    tracing::warn!("moved the old `{}` to `{}`", path.display(), aside.display());
    Ok(aside)
}

/// The first of these names that nothing has.
fn free(name: &Path) -> io::Result<PathBuf> {
    let numbered = (2_u32..).map(|number| {
        let mut numbered = name.as_os_str().to_owned();
        numbered.push(format!(".{number}"));
        PathBuf::from(numbered)
    });
    for path in std::iter::once(name.to_owned()).chain(numbered) {
        match fs::symlink_metadata(&path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(path),
            Err(error) => return Err(error),
            Ok(_) => {}
        }
    }
    Err(io::ErrorKind::AlreadyExists.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_moved_aside_stays() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("index");
        for (number, name) in
            ["index.damaged", "index.damaged.2", "index.damaged.3"].iter().enumerate()
        {
            fs::create_dir(&path).unwrap();
            fs::write(path.join("db"), number.to_string()).unwrap();
            assert_eq!(set_aside(&path).unwrap(), folder.path().join(name));
        }
        let first = fs::read_to_string(folder.path().join("index.damaged/db"));
        assert_eq!(first.unwrap(), "0");
    }
}
