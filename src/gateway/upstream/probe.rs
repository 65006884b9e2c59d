//! A request of the gateway's own, of whose answer the status is all that matters.

use std::io;

use tokio::io::{
    AsyncBufReadExt as _, AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _, BufReader,
};

/// How many bytes begin an answer: `HTTP/1.1 200`.
const BEGIN: usize = 12;

/// How many are read until the status is there that counts.
const READ_MAX: u64 = 64 << 10;

/// Asks on a connection, which is then closed.
pub(super) async fn status(
    mut stream: impl AsyncRead + AsyncWrite + Unpin,
    request: &[u8],
) -> io::Result<u16> {
    stream.write_all(request).await?;
    stream.flush().await?;
    let mut answers = BufReader::new(stream.take(READ_MAX));
    loop {
        let mut begin = [0; BEGIN];
        answers.read_exact(&mut begin).await?;
        let none = || io::Error::new(io::ErrorKind::InvalidData, "that is no HTTP/1");
        match read(&begin).ok_or_else(none)? {
            // Interim answers stand before the one that counts, asked for or not (RFC 9110 section 15.2).
            100 | 102..200 => {}
            status => return Ok(status),
        }
        let mut line = Vec::new();
        // What is left of its first line may be empty, and is not its end.
        answers.read_until(b'\n', &mut line).await?;
        loop {
            line.clear();
            answers.read_until(b'\n', &mut line).await?;
            if matches!(&*line, b"" | b"\n" | b"\r\n") {
                break;
            }
        }
    }
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

    async fn answered(answer: &[u8]) -> Option<u16> {
        let (stream, mut upstream) = tokio::io::duplex(1 << 20);
        upstream.write_all(answer).await.unwrap();
        upstream.shutdown().await.unwrap();
        status(stream, b"GET / HTTP/1.1\r\n\r\n").await.ok()
    }

    #[tokio::test]
    async fn rfc9110_15_2_interim_answers_stand_before_the_one_that_counts() {
        const HINTS: &str = "HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n";
        const OK: &str = "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n";
        for (before, status) in [
            (String::new(), Some(200)),
            (HINTS.to_owned(), Some(200)),
            ("HTTP/1.1 100 Continue\r\n\r\n".to_owned() + HINTS, Some(200)),
            ("HTTP/1.1 102\nServer: a\n\n".to_owned(), Some(200)),
            (HINTS.repeat(1_000), Some(200)),
            (HINTS.repeat(2_000), None),
            (HINTS.replace("</a>", &"x".repeat(1 << 16)), None),
            // Nobody asked for another protocol, and none of HTTP follows.
            (HINTS.replace("103 Early Hints", "101 Switching Protocols"), Some(101)),
        ] {
            assert_eq!(answered((before.clone() + OK).as_bytes()).await, status, "{before}");
        }
        assert_eq!(answered(HINTS.as_bytes()).await, None, "nothing follows");
    }
}
