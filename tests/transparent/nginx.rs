//! nginx with static files: conditionals, ranges, large and empty files, uploads, closed connections.

use std::fs;
use std::path::Path;

use super::compare::{Ask, Comparison};
use crate::support::gateway::Gateway;
use crate::support::process::Nginx;

const LARGE: usize = 50_000_000;

fn fill(files: &Path) {
    let large: Vec<u8> = (0..LARGE).map(|n| (n.wrapping_mul(2_654_435_761) >> 13) as u8).collect();
    for (name, content) in [
        ("index.html", &b"<p>index</p>"[..]),
        ("empty.txt", b""),
        ("plain.txt", b"The quick brown fox jumps over the lazy dog. 0123456789"),
        ("page.html", "<p>caf\u{e9}</p>".repeat(500).as_bytes()),
        ("with space.txt", b"space"),
        ("caf\u{e9}.txt", b"name"),
        ("large.bin", &large),
    ] {
        fs::write(files.join(name), content).unwrap();
    }
    // Uploads replace something, so that the second is answered like the first.
    fs::create_dir(files.join("uploaded")).unwrap();
    fs::write(files.join("uploaded/new.bin"), "old").unwrap();
    fs::create_dir(files.join("folder")).unwrap();
    fs::write(files.join("folder/index.html"), "inside").unwrap();
}

const LOCATIONS: &str = "
    location /gzip/ { alias files/; gzip on; gzip_min_length 1; gzip_types *; }
    location /slow/ { alias files/; limit_rate 20000; }
    location /old { return 301 /new; }
    location /text { return 200 'made up'; }
    location /headers { add_header X-Twice 1 always; add_header X-Twice 2 always;
                        add_header Set-Cookie 'a=1; Path=/' always; add_header Set-Cookie b=2 always;
                        return 404 'none'; }
    location /close { keepalive_timeout 0; return 200 'closing'; }
    location /444 { return 200 ''; }
    location /upload/ { alias files/uploaded/; dav_methods PUT DELETE; create_full_put_path on; }
";

const TARGETS: [&str; 16] = [
    "/",
    "/index.html",
    "/empty.txt",
    "/plain.txt",
    "/page.html",
    "/with%20space.txt",
    "/caf%C3%A9.txt",
    "/folder",
    "/folder/",
    "/missing",
    "/old",
    "/text",
    "/headers",
    "/close",
    "/444",
    "/plain.txt?query=ignored",
];

#[test]
fn files_are_the_same() {
    let nginx = Nginx::start(LOCATIONS, fill);
    let gateway = Gateway::transparent(nginx.address());
    let secret = gateway.any_token();
    let mut compare = Comparison::new(nginx.address(), &gateway, &secret);
    for target in TARGETS {
        for method in ["GET", "HEAD", "OPTIONS", "POST"] {
            compare.same(&Ask::plain(method, target, ""));
        }
        compare.same(&Ask::plain("GET", target, "Connection: close\r\n"));
    }
    for target in ["/plain.txt", "/large.bin", "/empty.txt"] {
        let tag = compare.same(&Ask::plain("HEAD", target, "")).value("etag").unwrap();
        for lines in [
            "Range: bytes=0-0\r\n".to_owned(),
            "Range: bytes=-5\r\n".to_owned(),
            "Range: bytes=5-\r\n".to_owned(),
            "Range: bytes=3-7,10-12\r\n".to_owned(),
            "Range: bytes=99999999-\r\n".to_owned(),
            "Range: lines=1\r\n".to_owned(),
            format!("If-None-Match: {tag}\r\n"),
            "If-None-Match: \"other\"\r\n".to_owned(),
            format!("If-Match: {tag}\r\n"),
            "If-Match: \"other\"\r\n".to_owned(),
            format!("If-Range: {tag}\r\nRange: bytes=1-4\r\n"),
            "If-Range: \"other\"\r\nRange: bytes=1-4\r\n".to_owned(),
            "If-Modified-Since: Fri, 01 Jan 2100 00:00:00 GMT\r\n".to_owned(),
            "If-Unmodified-Since: Sat, 01 Jan 2000 00:00:00 GMT\r\n".to_owned(),
        ] {
            compare.same(&Ask::plain("HEAD", target, &lines));
            if target != "/large.bin" {
                compare.same(&Ask::plain("GET", target, &lines));
            }
        }
    }
    compare.same_in_a_row(
        &["/plain.txt", "/empty.txt", "/text", "/missing", "/folder/"]
            .map(|target| Ask::plain("GET", target, "")),
    );
}

#[test]
fn codings_slow_answers_and_uploads_are_the_same() {
    let nginx = Nginx::start(LOCATIONS, fill);
    let gateway = Gateway::transparent(nginx.address());
    let secret = gateway.any_token();
    let mut compare = Comparison::new(nginx.address(), &gateway, &secret);
    let gzip = "Accept-Encoding: gzip\r\n";
    for target in ["/gzip/page.html", "/gzip/plain.txt", "/gzip/empty.txt"] {
        compare.same(&Ask::plain("GET", target, gzip));
        compare.same(&Ask::plain("HEAD", target, gzip));
        compare.same(&Ask::plain("GET", target, ""));
    }
    compare.same(&Ask::plain("GET", "/slow/page.html", ""));
    for body in [&b""[..], b"small", &[0x5a; 2_000_000]] {
        compare.same(&Ask::plain("DELETE", "/upload/no.bin", ""));
        compare.same(&Ask::length("PUT", "/upload/new.bin", "", body));
        compare.same(&Ask::plain("GET", "/upload/new.bin", ""));
        compare.same(&Ask::chunked("PUT", "/upload/new.bin", "", body, 65_536));
    }
    compare.same(&Ask::length("PUT", "/upload/new.bin", "Expect: 100-continue\r\n", b"no wait"));
}

#[test]
fn fifty_megabytes_come_whole() {
    let nginx = Nginx::start(LOCATIONS, fill);
    let gateway = Gateway::transparent(nginx.address());
    let secret = gateway.any_token();
    let mut compare = Comparison::new(nginx.address(), &gateway, &secret);
    let answer = compare.same(&Ask::plain("GET", "/large.bin", ""));
    assert_eq!(answer.body.len(), LARGE);
    compare.same(&Ask::length("PUT", "/upload/new.bin", "", &answer.body));
    assert!(compare.same(&Ask::plain("GET", "/upload/new.bin", "")).body == answer.body);
}
