//! The header of the PROXY protocol, in which a sender says before anything else for whom a
//! connection was made (HAProxy's `proxy-protocol.txt`, versions 1 and 2). Only where it came from
//! is read; what more may stand there (destinations, TLVs) is skipped.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// The longest header that is taken. One of version 1 has at most 107 bytes by its definition, one
/// of version 2 is given 512 for addresses and TLVs.
pub const HEADER_MAX: usize = 16 + 512;

const LINE_MAX: usize = 107;

/// The shortest line: `PROXY UNKNOWN` and its end.
const LINE_MIN: usize = 15;

const LINE_BEGIN: &[u8] = b"PROXY ";

const SIGNATURE: &[u8; 12] = b"\r\n\r\n\0\r\nQUIT\n";

/// What stands before the addresses of version 2.
const FIXED: usize = 16;

/// What is known of a header from the bytes that have come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Seen {
    /// They are of the header, all of them, and so are at least so many of the next.
    Part(usize),
    /// The header has this length. It names where the connection came from, or the sender made it for
    /// itself or does not know (`LOCAL`, `UNKNOWN`).
    Whole(usize, Option<IpAddr>),
}

/// What is no header, or none that is taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct BadHeader(&'static str);

/// Reads what has come of a connection so far; what stands behind the header has no part in it.
///
/// # Errors
/// Bytes with which no header begins, whatever comes behind them.
pub fn look(bytes: &[u8]) -> Result<Seen, BadHeader> {
    match bytes.first() {
        None => Ok(Seen::Part(LINE_MIN)),
        Some(b'P') => line(bytes),
        Some(_) => binary(bytes),
    }
}

fn begins(bytes: &[u8], wanted: &[u8]) -> Result<(), BadHeader> {
    let length = bytes.len().min(wanted.len());
    let same = bytes.get(..length) == wanted.get(..length);
    if same { Ok(()) } else { Err(BadHeader("the connection begins with something else")) }
}

/// Version 1 (section 2.1).
fn line(bytes: &[u8]) -> Result<Seen, BadHeader> {
    begins(bytes, LINE_BEGIN)?;
    let within = bytes.get(..bytes.len().min(LINE_MAX)).unwrap_or_default();
    let Some(end) = within.windows(2).position(|two| two == b"\r\n") else {
        let least = if within.ends_with(b"\r") { 1 } else { 2 };
        if within.len() + least > LINE_MAX {
            return Err(BadHeader("its line has no end"));
        }
        return Ok(Seen::Part(LINE_MIN.saturating_sub(within.len()).max(least)));
    };
    let text = within.get(LINE_BEGIN.len()..end).and_then(|text| std::str::from_utf8(text).ok());
    let text = text.filter(|text| text.bytes().all(|byte| matches!(byte, b' '..=b'~')));
    let source = text.and_then(source_of).ok_or(BadHeader("its line cannot be read"))?;
    Ok(Seen::Whole(end + 2, source.map(|source| source.to_canonical())))
}

fn source_of(text: &str) -> Option<Option<IpAddr>> {
    let mut words = text.split(' ');
    let family = words.next()?;
    if family == "UNKNOWN" {
        return Some(None);
    }
    let (source, destination) = (words.next()?, words.next()?);
    let source = match family {
        "TCP4" => {
            destination.parse::<Ipv4Addr>().ok()?;
            IpAddr::V4(source.parse().ok()?)
        }
        "TCP6" => {
            destination.parse::<Ipv6Addr>().ok()?;
            IpAddr::V6(source.parse().ok()?)
        }
        _ => return None,
    };
    let ports = is_port(words.next()?) && is_port(words.next()?);
    (ports && words.next().is_none()).then_some(Some(source))
}

fn is_port(text: &str) -> bool {
    let plain =
        text.bytes().all(|byte| byte.is_ascii_digit()) && (text == "0" || !text.starts_with('0'));
    plain && text.parse::<u16>().is_ok()
}

/// Version 2 (section 2.2).
fn binary(bytes: &[u8]) -> Result<Seen, BadHeader> {
    begins(bytes, SIGNATURE)?;
    let Some(fixed) = bytes.first_chunk::<FIXED>() else {
        return Ok(Seen::Part(FIXED - bytes.len()));
    };
    let [.., command, family, high, low] = *fixed;
    let length = FIXED + usize::from(u16::from_be_bytes([high, low]));
    if length > HEADER_MAX {
        return Err(BadHeader("it is too long"));
    }
    let local = match command {
        0x20 => true,
        0x21 => false,
        _ => return Err(BadHeader("its version or command is unknown")),
    };
    let Some(rest) = bytes.get(FIXED..length) else {
        return Ok(Seen::Part(length - bytes.len()));
    };
    let short = BadHeader("its addresses are cut off");
    // Source and destination, and a port of each.
    let source = match family {
        _ if local => None,
        0x11 if rest.len() >= 12 => {
            Some(IpAddr::V4((*rest.first_chunk::<4>().ok_or(short)?).into()))
        }
        0x21 if rest.len() >= 36 => {
            Some(IpAddr::V6((*rest.first_chunk::<16>().ok_or(short)?).into()))
        }
        0x11 | 0x21 => return Err(short),
        // It does not know, or it was asked over a socket of its own machine.
        0x00 | 0x31 => None,
        _ => return Err(BadHeader("it is not of TCP")),
    };
    Ok(Seen::Whole(length, source.map(|source| source.to_canonical())))
}

#[cfg(test)]
mod tests;
