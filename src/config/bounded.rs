//! The contents of a configuration file, up to a size that no configuration has.

use std::fs::File;
use std::io::{Error, ErrorKind, Read as _, Result};
use std::path::Path;

/// Ten thousand rules take a tenth of it. Without a limit a file without an end, such as a device,
/// would fill the memory.
const MOST_BYTES: u64 = 16 << 20;

/// Reads a whole file.
pub(super) fn contents(path: &Path) -> Result<Vec<u8>> {
    let mut bytes = Vec::new();
    let read = File::open(path)?.take(MOST_BYTES + 1).read_to_end(&mut bytes)?;
    if u64::try_from(read).is_ok_and(|read| read <= MOST_BYTES) {
        return Ok(bytes);
    }
    let most = MOST_BYTES >> 20;
    let why = format!("it holds more than {most} MiB, the most that a configuration may have");
    Err(Error::new(ErrorKind::FileTooLarge, why))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_without_an_end_is_refused_with_the_limit() {
        let error = contents(Path::new("/dev/zero")).unwrap_err();
        assert!(error.to_string().contains("more than 16 MiB"), "{error}");
        assert_eq!(contents(Path::new("/dev/null")).unwrap(), b"");
    }
}
