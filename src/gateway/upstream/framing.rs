//! Where the body of an answer ends (RFC 9112 section 6.3).

use bytes::Bytes;

use super::chunks::Chunks;
use super::error::Broken;
use super::part::{self, Part};

/// How the end of a body is known.
#[derive(Debug)]
pub(super) enum Framing {
    /// So many bytes are still to come.
    Length(u64),
    /// It says so itself.
    Chunked(Chunks),
    /// It ends with the connection.
    Close,
    /// It has ended with the connection.
    Closed,
}

impl Framing {
    /// Takes the next part of the body from what was read.
    ///
    /// # Errors
    /// A chunked body that is none.
    pub(super) fn next(&mut self, unread: &mut Bytes) -> Result<Part, Broken> {
        match self {
            Self::Length(0) | Self::Closed => Ok(Part::End),
            Self::Chunked(chunks) if chunks.is_over() => Ok(Part::End),
            _ if unread.is_empty() => Ok(Part::More),
            Self::Length(left) => {
                let data = part::take(unread, *left);
                *left = left.saturating_sub(data.len() as u64);
                Ok(Part::Data(data))
            }
            Self::Chunked(chunks) => chunks.next(unread),
            Self::Close => Ok(Part::Data(std::mem::take(unread))),
        }
    }

    /// The upstream sends no more.
    ///
    /// # Errors
    /// The body was to be longer.
    pub(super) fn close(&mut self) -> Result<(), Broken> {
        match self {
            Self::Close => *self = Self::Closed,
            Self::Length(0) | Self::Closed => {}
            Self::Length(_) | Self::Chunked(_) => return Err(Broken::Closed),
        }
        Ok(())
    }

    /// Whether nothing of the body follows.
    pub(super) const fn is_over(&self) -> bool {
        match self {
            Self::Length(left) => *left == 0,
            Self::Chunked(chunks) => chunks.is_over(),
            Self::Close => false,
            Self::Closed => true,
        }
    }

    /// How much follows, where that is known.
    pub(super) const fn left(&self) -> Option<u64> {
        match self {
            Self::Length(left) => Some(*left),
            Self::Closed => Some(0),
            Self::Chunked(_) | Self::Close => None,
        }
    }
}
