//! A request of the gateway's own, of whose answer the status is all that matters.

use std::io;

use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};

/// How many bytes begin an answer: `HTTP/1.1 200`.
const BEGIN: usize = 12;

/// Asks on a connection, which is then closed.
pub(super) async fn status(
    mut stream: impl AsyncRead + AsyncWrite + Unpin,
    request: &[u8],
) -> io::Result<u16> {
    stream.write_all(request).await?;
    stream.flush().await?;
    let mut begin = [0; BEGIN];
    stream.read_exact(&mut begin).await?;
    read(&begin).ok_or_else(|| io::Error::new(io::ErrorKind::InvalidData, "that is no HTTP/1"))
}

/// RFC 9112 section 4.
fn read(begin: &[u8; BEGIN]) -> Option<u16> {
    let text = std::str::from_utf8(begin).ok()?;
    let status = text.strip_prefix("HTTP/1.1 ").or_else(|| text.strip_prefix("HTTP/1.0 "))?;
    status.bytes().all(|byte| byte.is_ascii_digit()).then_some(())?;
    status.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rfc9112_4_the_status_stands_behind_the_version() {
        assert_eq!(read(b"HTTP/1.1 204"), Some(204));
        assert_eq!(read(b"HTTP/1.0 503"), Some(503));
        for bad in [b"HTTP/2.0 200", b"HTTP/1.1 +20", b"HTTP/1.1  20", b"SSH-2.0-Open"] {
            assert_eq!(read(bad), None);
        }
    }
}
