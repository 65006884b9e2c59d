//! Heads of answers, whole and in parts, and what is none.

use super::*;
use http::header;

use crate::wire;

const MAP: Wanted = Wanted {
    bodiless: false,
    websocket: false,
    accept: None,
    lines: false,
    without: Without { cors: false, caching: false },
};
const LINES: Wanted = Wanted {
    bodiless: false,
    websocket: false,
    accept: None,
    lines: true,
    without: Without { cors: false, caching: false },
};

fn read(unread: &mut Bytes, wanted: Wanted) -> Result<Option<Answer>, Broken> {
    super::read(unread, wanted, &mut HeaderMap::new())
}

fn head(text: &str) -> Result<Option<Answer>, Broken> {
    read(&mut Bytes::copy_from_slice(text.as_bytes()), LINES)
}

fn good(text: &str) -> Answer {
    head(text).unwrap().unwrap()
}

/// The fields of a head, in both of their forms.
fn fields(text: &str) -> Vec<(String, String)> {
    let mapped = read(&mut Bytes::copy_from_slice(text.as_bytes()), MAP).unwrap().unwrap();
    let mapped = mapped
        .response
        .headers()
        .iter()
        .map(|(name, value)| (name.as_str().to_owned(), value.to_str().unwrap().to_owned()));
    let lines = String::from_utf8(good(text).lines.unwrap().text).unwrap();
    let lines = lines.split_terminator("\r\n").map(|line| {
        let (name, value) = line.split_once(": ").unwrap();
        (name.to_ascii_lowercase(), value.to_owned())
    });
    let lines: Vec<_> = lines.collect();
    assert_eq!(lines, mapped.collect::<Vec<_>>(), "{text}");
    lines
}

#[test]
fn rfc9112_6_3_the_end_of_a_body_is_told_in_one_way() {
    for (fields, length) in [
        ("Content-Length: 5\r\n", Some(5)),
        ("Content-Length: 5, 5\r\n", Some(5)),
        ("Content-Length: 5\r\nContent-Length: 5\r\n", Some(5)),
        ("Transfer-Encoding: Chunked\r\nContent-Length: 5\r\n", None),
        ("", None),
    ] {
        let text = format!("HTTP/1.1 200 OK\r\n{fields}\r\n");
        let answer = good(&text);
        assert_eq!(answer.framing.left(), length, "{fields}");
        let told: Vec<_> = self::fields(&text).into_iter().map(|(_, value)| value).collect();
        let length: Vec<_> = length.iter().map(u64::to_string).collect();
        assert_eq!(told, length, "{fields}");
        let kept = answer.response.headers().get_all(header::CONTENT_LENGTH).iter();
        assert!(kept.eq(&length), "{fields}");
        let chunked = matches!(answer.framing, Framing::Chunked(_));
        assert_eq!(chunked, fields.starts_with('T'), "{fields}");
    }
}

#[test]
fn sec_s_a_head_with_two_readings_is_no_answer() {
    for fields in [
        "Content-Length: 5\r\nContent-Length: 6\r\n",
        "Content-Length: 5, 6\r\n",
        "Content-Length: +5\r\n",
        "Content-Length: 0x5\r\n",
        "Content-Length: \r\n",
        "Content-Length: 5,\r\n",
        "Content-Length: 18446744073709551616\r\n",
        "Transfer-Encoding: gzip, chunked\r\n",
        "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n",
        "Transfer-Encoding: identity\r\n",
        " Content-Length: 5\r\n",
        "X: a\r\n b\r\n",
        "X: a\rb\r\n",
        "X: a\0b\r\n",
        "X y: a\r\n",
        ": a\r\n",
    ] {
        let found = head(&format!("HTTP/1.1 200 OK\r\n{fields}\r\n"));
        assert!(matches!(found, Err(Broken::Malformed(_))), "{fields:?}: {found:?}");
    }
    for start in [
        "HTTP/2 200 OK",
        "HTTP/1.2 200 OK",
        "HTTP/1.1 20 OK",
        "HTTP/1.1 099 OK",
        "200",
        "\r\nHTTP/1.1 200 OK",
        "\nHTTP/1.1 200 OK",
    ] {
        let found = head(&format!("{start}\r\n\r\n"));
        assert!(matches!(found, Err(Broken::Malformed(_))), "{start:?}: {found:?}");
    }
    let old = head("HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n");
    assert!(matches!(old, Err(Broken::Malformed(_))));
}

#[test]
fn rfc9112_9_3_whether_a_connection_persists() {
    for (head, persists) in [
        ("HTTP/1.1 200 OK\r\n\r\n", true),
        ("HTTP/1.1 200 OK\r\nConnection: Close\r\n\r\n", false),
        ("HTTP/1.1 200 OK\r\nConnection: x, close\r\nConnection: keep-alive\r\n\r\n", false),
        ("HTTP/1.0 200 OK\r\n\r\n", false),
        ("HTTP/1.0 200 OK\r\nConnection: keep-alive\r\n\r\n", true),
    ] {
        assert_eq!(good(head).persists, persists, "{head}");
    }
}

#[test]
fn rfc9110_7_6_1_what_belongs_to_the_connection_stays_there() {
    let fields = fields(
        "HTTP/1.1 200 OK\r\nConnection: X-A, content-length\r\nKeep-Alive: 5\r\nX-A: 1\r\n\
             Upgrade: h2c\r\nx-b: 2\r\nContent-Length: 0\r\n\r\n",
    );
    let names: Vec<_> = fields.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(names, ["x-b", "content-length"]);
}

#[test]
fn rfc9112_5_1_a_blank_before_the_colon_is_taken_out() {
    let text = "HTTP/1.1 200 OK\r\nX-A : 1\r\nContent-Length \t: 3\r\n\r\n";
    assert_eq!(good(text).framing.left(), Some(3));
    let lines = good(text).lines.unwrap().text;
    assert_eq!(lines, b"X-A: 1\r\nContent-Length: 3\r\n");
}

#[test]
fn rfc9110_7_6_1_a_connection_names_no_more_than_a_few() {
    for lines in [1, 2] {
        let text = |count: usize| {
            let line = format!("Connection: {}close\r\n", "x, ".repeat(count / lines));
            format!("HTTP/1.1 200 OK\r\n{}Content-Length: 0\r\n\r\n", line.repeat(lines))
        };
        assert!(!good(&text(wire::NAMED_MAX)).persists);
        let more = head(&text(wire::NAMED_MAX + lines));
        assert!(matches!(more, Err(Broken::Malformed(_))), "{more:?}");
    }
}

#[test]
fn answers_without_a_body_have_none_whatever_they_say() {
    for status in ["204 No Content", "304 Not Modified", "103 Early Hints"] {
        let answer = good(&format!("HTTP/1.1 {status}\r\nContent-Length: 5\r\n\r\n"));
        assert_eq!(answer.framing.left(), Some(0), "{status}");
    }
    let told = |status| fields(&format!("HTTP/1.1 {status}\r\nContent-Length: 5\r\n\r\n")).len();
    // RFC 9110 section 8.6: a length belongs to what would have been sent, and with 204 that is
    // nothing.
    assert_eq!((told("204 No Content"), told("304 Not Modified")), (0, 1));
    let mut unread = Bytes::from("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n");
    let answer = read(&mut unread, Wanted { bodiless: true, ..LINES }).unwrap().unwrap();
    assert_eq!((answer.framing.left(), unread.len()), (Some(0), 0));
}

#[test]
fn a_reason_of_its_own_is_passed_on() {
    let answer = good("HTTP/1.1 200 Fine\r\n\r\n");
    let reason = answer.response.extensions().get::<ReasonPhrase>();
    assert_eq!(reason.map(ReasonPhrase::as_bytes), Some(&b"Fine"[..]));
    assert!(good("HTTP/1.1 200 OK\r\n\r\n").response.extensions().is_empty());
}

#[test]
fn fields_are_spelled_and_ordered_as_they_were_read() {
    let answer =
        good("HTTP/1.1 200 OK\r\nX-B:  1 \r\nx-A:2\nETag: \r\nX-B: 3\r\nTrailer: e\r\n\r\n");
    assert_eq!(
        answer.lines.as_ref().unwrap().text,
        b"X-B: 1\r\nx-A: 2\r\nETag: \r\nX-B: 3\r\nTrailer: e\r\n"
    );
    let kept: Vec<_> = answer.response.headers().keys().collect();
    assert_eq!(kept, ["tollgate-fields", "trailer"]);
}

#[test]
fn what_does_not_follow_an_answer_is_not_announced() {
    let text = "HTTP/1.1 200 OK\r\nA: b\r\nTRAILER: X-Sum, Content-Length,te\r\nTrailer: Connection\r\nC: d\r\n\r\n";
    let answer = good(text);
    assert_eq!(answer.lines.as_ref().unwrap().text, b"A: b\r\nTRAILER: X-Sum\r\nC: d\r\n");
    let map = read(&mut Bytes::from(text), Wanted { lines: false, ..LINES }).unwrap().unwrap();
    for answer in [&answer, &map] {
        let told: Vec<_> = answer.response.headers().get_all("trailer").iter().collect();
        assert_eq!(told, ["X-Sum"]);
    }
    let none = good("HTTP/1.1 200 OK\r\nTrailer: Set-Cookie\r\n\r\n");
    assert!(none.lines.as_ref().unwrap().text.is_empty());
    assert!(!none.response.headers().contains_key("trailer"), "hyper would announce it");
}

#[test]
fn a_head_has_an_end_and_not_too_much_before_it() {
    let whole = "HTTP/1.1 200 OK\r\nX: y\r\n\r\n";
    for end in 0..whole.len() {
        assert!(head(&whole[..end]).unwrap().is_none(), "{end}");
    }
    let many = format!("HTTP/1.1 200 OK\r\n{}\r\n", "X: y\r\n".repeat(FIELDS_MAX + 1));
    assert!(matches!(head(&many), Err(Broken::Malformed(_))));
    let long = format!("HTTP/1.1 200 OK\r\nX: {}", "y".repeat(HEAD_BYTES_MAX));
    assert!(matches!(head(&long), Err(Broken::Malformed(_))));
    assert!(matches!(head(&format!("{long}\r\n\r\n")), Err(Broken::Malformed(_))));
}

#[test]
fn a_head_that_drips_in_is_read_at_its_beginning_and_its_end_alone() {
    for end in ["\r\n", "\n"] {
        let field = format!("X: {}{end}", "y".repeat(100));
        let whole = format!("HTTP/1.1 200 OK{end}{}{end}", field.repeat(400));
        for piece in [1, 2, 3, 1_000] {
            let (mut looked, mut read) = (0, 0);
            let ends = (0..whole.len()).step_by(piece).skip(1).chain([whole.len()]);
            for come in ends {
                let mut unread = Bytes::copy_from_slice(&whole.as_bytes()[..come]);
                if may_be_whole(&unread, looked) {
                    read += 1;
                    let found = self::read(&mut unread, LINES).unwrap();
                    assert_eq!(found.is_some(), come == whole.len(), "{end:?} {come}");
                }
                looked = come;
            }
            assert_eq!(read, 2, "{end:?} in pieces of {piece}");
        }
    }
    assert!(!may_be_whole(b"", 0));
    // What is too long is read once more, to be refused.
    assert!(may_be_whole(&vec![b'H'; HEAD_BYTES_MAX + 1], HEAD_BYTES_MAX));
}

proptest::proptest! {
    #[test]
    fn no_bytes_break_it(bytes in proptest::collection::vec(proptest::prelude::any::<u8>(), 0..200)) {
        let _ = read(&mut Bytes::from(bytes), LINES);
    }
}
