//! httpbin: methods, status codes, redirects, ranges, codings, cookies, slow and streamed answers.

use super::compare::{Ask, Comparison};
use crate::support::gateway::Gateway;
use crate::support::process::Httpbin;

/// Targets that are asked with `GET`.
const TARGETS: [&str; 52] = [
    "/get",
    "/headers",
    "/ip",
    "/user-agent",
    "/robots.txt",
    "/deny",
    "/html",
    "/xml",
    "/json",
    "/encoding/utf8",
    "/gzip",
    "/deflate",
    "/brotli",
    "/response-headers?X-One=1&X-One=2&X-Empty=&Content-Type=text/plain",
    "/response-headers?Cache-Control=no-store&Vary=Accept&ETag=%22x%22",
    "/redirect/3",
    "/relative-redirect/2",
    "/absolute-redirect/2",
    "/redirect-to?url=http%3A%2F%2Felsewhere.example%2F&status_code=307",
    "/redirect-to?url=%2Fget&status_code=308",
    "/stream/7",
    "/stream-bytes/5000?seed=7&chunk_size=111",
    "/bytes/0",
    "/bytes/70000?seed=3",
    "/range/1000",
    "/drip?duration=1&numbytes=10&delay=0",
    "/drip?duration=0&numbytes=3&delay=0&code=202",
    "/delay/1",
    "/cookies",
    "/cookies/set?a=1&b=2",
    "/cookies/delete?a",
    "/cache/60",
    "/etag/abc",
    "/links/3/1",
    "/image/png",
    "/image/jpeg",
    "/image/svg",
    "/base64/SGVsbG8sIHdvcmxkIQ%3D%3D",
    "/anything",
    "/anything/a/b/c?x=1&x=2&y=&z",
    "/anything?",
    "/anything?a=b=c&%3D=%26&plus=a+b&%20=%2F",
    "/anything/caf%C3%A9/%E2%82%AC?q=%C3%A9",
    "/anything/a%20b/!$&'()*+,=:@-_.~",
    "/anything?path=/../../etc&semi;colon&slash//slash&back\\slash",
    "/anything?raw=[]{}|^`\\",
    "/anything?%zz=bad%",
    "/basic-auth/user/other",
    "/hidden-basic-auth/user/other",
    "/forms/post",
    "/no/such/page",
    "/status/418",
];

#[test]
fn gets_are_the_same() {
    let httpbin = Httpbin::start();
    let gateway = Gateway::transparent(httpbin.address());
    let secret = gateway.any_token();
    let mut compare = Comparison::new(httpbin.address(), &gateway, &secret);
    for target in TARGETS {
        compare.same(&Ask::plain("GET", target, ""));
        compare.same(&Ask::plain("HEAD", target, ""));
    }
    for status in (200..=226).chain(300..=308).chain(400..=451).chain(500..=511).chain([299, 599]) {
        if status != 304 {
            compare.same(&Ask::plain("GET", &format!("/status/{status}"), ""));
        }
    }
    compare.same(&Ask::plain("GET", "/status/304", ""));
    let long = format!("/anything/{}?{}", "p".repeat(1_500), "q=v&".repeat(500));
    compare.same(&Ask::plain("GET", &long, ""));
    compare.same_in_a_row(&TARGETS.map(|target| Ask::plain("GET", target, "")));
    assert!(compare.asked() > 200);
    assert!(compare.asked_over_http2() > 200);
}

#[test]
fn request_headers_are_the_same() {
    let httpbin = Httpbin::start();
    let gateway = Gateway::transparent(httpbin.address());
    let secret = gateway.any_token();
    let mut compare = Comparison::new(httpbin.address(), &gateway, &secret);
    for (target, lines) in [
        ("/range/1000", "Range: bytes=0-9\r\n"),
        ("/range/1000", "Range: bytes=990-\r\n"),
        ("/range/1000", "Range: bytes=-10\r\n"),
        ("/range/1000", "Range: bytes=5000-6000\r\n"),
        ("/etag/abc", "If-None-Match: abc\r\n"),
        ("/etag/abc", "If-None-Match: W/\"abc\", \"other\"\r\n"),
        ("/etag/abc", "If-Match: other\r\n"),
        ("/cache", "If-Modified-Since: Sat, 01 Jan 2000 00:00:00 GMT\r\n"),
        ("/cookies", "Cookie: a=1; b=2; c=\r\n"),
        ("/cookies", "Cookie: a=1\r\nCookie: b=2\r\n"),
        ("/headers", "X-Same: 1\r\nX-Same: 2\r\nx-same: 3\r\n"),
        ("/headers", "X-Empty:\r\nX-Spaces:    a   b   \r\nX-Tab: a\tb\r\n"),
        ("/headers", "X-Bytes: caf\u{e9} \u{20ac}\r\n"),
        ("/headers", "x-lower: 1\r\nX-UPPER: 2\r\nX-mIxEd: 3\r\n"),
        ("/headers", "X!#$%&'*+-.^_`|~: all token characters\r\n"),
        (
            "/headers",
            "Accept: */*;q=0.1, text/html\r\nAccept-Language: pt-BR\r\nAccept-Encoding: gzip, br\r\n",
        ),
        ("/headers", "Origin: http://page.example\r\nReferer: http://page.example/a?b\r\n"),
        ("/headers", "Via: 1.1 other\r\nMax-Forwards: 3\r\nPragma: no-cache\r\n"),
        (
            "/headers",
            "X-Request-Id: abc\r\nTraceparent: 00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01\r\n",
        ),
        ("/robots.txt", "Connection: keep-alive\r\nKeep-Alive: timeout=5\r\n"),
        ("/response-headers?Server=mine&Date=never", "User-Agent: kube-probe/1.0\r\n"),
        ("/user-agent", "User-Agent: a/1 (b; c) d/2\r\n"),
    ] {
        compare.same(&Ask::plain("GET", target, lines));
    }
    let many: String = (0..80).map(|n| format!("X-Field-{n}: {}\r\n", "v".repeat(n))).collect();
    compare.same(&Ask::plain("GET", "/headers", &many));
    let long = format!("X-Long: {}\r\n", "v".repeat(7_000));
    compare.same(&Ask::plain("GET", "/headers", &long));
}

#[test]
fn bodies_are_the_same() {
    let httpbin = Httpbin::start();
    let gateway = Gateway::transparent(httpbin.address());
    let secret = gateway.any_token();
    let mut compare = Comparison::new(httpbin.address(), &gateway, &secret);
    let form = "Content-Type: application/x-www-form-urlencoded\r\n";
    let json = "Content-Type: application/json\r\n";
    let octets: Vec<u8> = (0..=255).collect();
    for method in ["POST", "PUT", "PATCH", "DELETE"] {
        for target in ["/anything", "/anything?a=b", &format!("/{}", method.to_lowercase())] {
            compare.same(&Ask::plain(method, target, ""));
            compare.same(&Ask::length(method, target, "", b""));
            compare.same(&Ask::length(method, target, form, b"a=1&a=2&b=%26&c"));
            compare.same(&Ask::length(method, target, json, br#"{"a":[1,2,{"b":null}]}"#));
            compare.same(&Ask::length(method, target, "", &octets));
            compare.same(&Ask::chunked(method, target, form, b"a=1&b=2", 3));
            compare.same(&Ask::chunked(method, target, "", b"", 1));
        }
    }
    let multipart = "Content-Type: multipart/form-data; boundary=xx\r\n";
    let parts = b"--xx\r\nContent-Disposition: form-data; name=\"f\"; filename=\"a.txt\"\r\n\r\nfile\r\n--xx--\r\n";
    compare.same(&Ask::length("POST", "/post", multipart, parts));
    compare.same(&Ask::length("GET", "/anything", "", b"a body in a GET"));
    for method in ["OPTIONS", "PROPFIND", "REPORT", "MKCOL", "PURGE", "M-SEARCH"] {
        compare.same(&Ask::plain(method, "/anything", ""));
        compare.same(&Ask::plain(method, "/get", ""));
    }
    let large: Vec<u8> = octets.iter().copied().cycle().take(3_000_000).collect();
    compare.same(&Ask::length("POST", "/anything", "", &large));
    compare.same(&Ask::chunked("PUT", "/anything", "", &large, 70_001));
    compare.same(&Ask::length("POST", "/anything", "Expect: 100-continue\r\n", b"I did not wait"));
}
