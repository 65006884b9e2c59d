//! Answers of upstreams within TLS that end without its last word (RFC 8446 section 6.1): somebody between may have cut them.

use std::io::{ErrorKind, Read as _, Write as _};
use std::sync::Arc;

use crate::files::Files;
use crate::support::client::Client;
use crate::support::frames::{DATA, Frames, RST_STREAM};
use crate::support::gateway::Gateway;
use crate::support::relay::Relay;
use crate::support::upstream::{Step, Upstream};
use crate::tls::{Stream, connect};

/// What comes until the connection ends, and whether it was told that nothing more does.
fn rest(stream: &mut Stream) -> (String, bool) {
    let mut come = Vec::new();
    let ended = stream.read_to_end(&mut come).map_err(|error| error.kind());
    let cut = matches!(ended, Err(ErrorKind::UnexpectedEof | ErrorKind::ConnectionReset));
    assert!(ended.is_ok() || cut, "{ended:?}");
    (String::from_utf8(come).unwrap(), ended.is_ok())
}

/// An answer whose end its connection marks, to each kind of client.
#[test]
fn rfc8446_6_1_an_answer_that_its_upstream_ends_without_a_word_looks_complete_to_nobody() {
    for (last, whole) in [(Step::Close, true), (Step::Reset, false)] {
        let upstream = Upstream::scripted(move |_| {
            let send = Step::Send(b"HTTP/1.1 200 OK\r\n\r\n12345".to_vec());
            vec![Step::TakeBody, send, Step::Wait, last.clone()]
        });
        let files = Files::new();
        files.make("a", &["a.example"]);
        // What is reset behind it, it closes without a word.
        let (_relay, port) = Relay::within_tls(&files.ca, "http/1.1", upstream.address());
        let certificate =
            format!("{{ chain = {:?}, key = {:?} }}", files.path("a.pem"), files.path("a.key"));
        let gateway = Gateway::start_with(
            "h2c = true\nplain = \"127.0.0.1:0\"",
            &format!(
                "tls.certificates = [{certificate}]\n[[apis]]\nname = \"a\"\nupstream = \"https://localhost:{port}\"\n\
                 upstream_ca = {:?}\nrules = [{{ path = \"/{{*rest}}\" }}]\n",
                files.path("ca.pem")
            ),
        );
        gateway.owner("somebody");
        let secret = gateway.any_token();
        let request = gateway.get("/", &secret);
        let older = request.replace("HTTP/1.1", "HTTP/1.0");

        let mut client = Client::connect(gateway.plain());
        client.send(&request);
        client.wait_for("12345");
        upstream.go_on();
        let answer = client.answer();
        assert_eq!((answer.whole, answer.status), (whole, 200), "HTTP/1.1");

        let mut client = Client::connect(gateway.plain());
        client.send(&older);
        client.wait_for("12345");
        upstream.go_on();
        let ended = client.stream().read(&mut [0]).map_err(|error| error.kind());
        assert_eq!(ended, if whole { Ok(0) } else { Err(ErrorKind::ConnectionReset) });

        let mut stream = connect(gateway.public(), &Arc::new(files.client()), "a.example").unwrap();
        stream.write_all(older.as_bytes()).unwrap();
        let (mut come, mut byte) = (Vec::new(), [0]);
        while !come.ends_with(b"12345") {
            stream.read_exact(&mut byte).unwrap();
            come.extend(byte);
        }
        upstream.go_on();
        assert_eq!(rest(&mut stream), (String::new(), whole), "HTTP/1.0 within TLS");

        let mut frames = Frames::connect(gateway.plain(), 1 << 16);
        frames.get(1, "/", &secret);
        assert_eq!(frames.next_on(1).status(), Some(200));
        let data = frames.next_on(1);
        assert_eq!((data.kind, data.ends()), (DATA, false), "{data:?}");
        upstream.go_on();
        let last = frames.next_on(1);
        assert_eq!((last.kind == RST_STREAM, last.ends()), (!whole, whole), "HTTP/2: {last:?}");
    }
}
