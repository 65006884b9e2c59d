//! Secrets are read from standard input or from a file, never from the command line, where every
//! process of the machine could see them.

use std::io::Read as _;
use std::path::Path;

use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use zeroize::Zeroizing;

use crate::cli::failure::{Code, Failure};

/// The most bytes that are read; more is not a secret.
const MOST_BYTES: u64 = 64 * 1_024;

/// What stands on standard input, without the newline at its end.
///
/// # Errors
/// What the operating system reports, or something that is not one line of text.
pub fn from_stdin() -> Result<Zeroizing<String>, Failure> {
    read(std::io::stdin().lock(), "standard input")
}

/// What stands in a file, without the newline at its end.
///
/// # Errors
/// What the operating system reports, or something that is not one line of text.
pub fn from_file(path: &Path) -> Result<Zeroizing<String>, Failure> {
    let name = format!("`{}`", path.display());
    let file = std::fs::File::open(path)
        .map_err(|error| Failure::io(format_args!("reading {name}"), error))?;
    read(file, &name)
}

/// A password that nobody guesses: 144 random bits, as text that is easily copied.
///
/// # Errors
/// A machine without random numbers.
pub fn generated() -> Result<Zeroizing<String>, Failure> {
    let mut bytes = Zeroizing::new([0; 18]);
    aws_lc_rs::rand::fill(&mut *bytes).map_err(|_| {
        Failure::new(Code::Refused, "unavailable", "no random numbers could be had from the system")
    })?;
    Ok(Zeroizing::new(BASE64_URL_SAFE_NO_PAD.encode(*bytes)))
}

fn read(from: impl std::io::Read, name: &str) -> Result<Zeroizing<String>, Failure> {
    let mut text = Zeroizing::new(String::new());
    from.take(MOST_BYTES)
        .read_to_string(&mut text)
        .map_err(|error| Failure::io(format_args!("reading {name}"), error))?;
    let line = text.strip_suffix('\n').unwrap_or(&text);
    let line = line.strip_suffix('\r').unwrap_or(line);
    if line.is_empty() || line.contains('\n') {
        return Err(Failure::usage(format_args!("{name} must hold a secret on one line")));
    }
    Ok(Zeroizing::new(line.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_is_one_line() {
        assert_eq!(*read(&b"abc\n"[..], "x").unwrap(), "abc");
        assert_eq!(*read(&b"abc\r\n"[..], "x").unwrap(), "abc");
        for bad in [&b""[..], b"\n", b"a\nb\n", b"\xff"] {
            assert!(read(bad, "x").is_err());
        }
    }
}
