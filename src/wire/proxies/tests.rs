//! What is believed of chains, whoever wrote them (sec-H4).

use proptest::prelude::*;

use super::*;

fn proxies(field: Field) -> Proxies {
    let trusted = ["10.0.0.0/8", "2001:db8:1::/48"].map(|text| text.parse().unwrap()).to_vec();
    Proxies { trusted, field, host: true, ..Proxies::default() }
}

fn head(lines: &[(&'static str, &[u8])]) -> HeaderMap {
    let mut headers = HeaderMap::new();
    for (name, value) in lines {
        headers.append(*name, http::HeaderValue::from_bytes(value).unwrap());
    }
    headers
}

/// The hops that are believed, in words.
fn hops(field: Field, lines: &[&str]) -> String {
    let name = field.name();
    let lines: Vec<_> = lines.iter().map(|line| (name, line.as_bytes())).collect();
    let hops = proxies(field).read(&head(&lines)).hops;
    hops.iter().map(IpAddr::to_string).collect::<Vec<_>>().join(" ")
}

#[test]
fn sec_h4_the_first_that_is_not_trusted_is_the_client() {
    for (lines, expected) in [
        (&["203.0.113.9"][..], "203.0.113.9"),
        (&[" 203.0.113.9\t"], "203.0.113.9"),
        (&["127.0.0.1, 10.9.9.9, 203.0.113.9"], "203.0.113.9"),
        (&["127.0.0.1, 203.0.113.9,10.0.0.3, 10.0.0.4"], "203.0.113.9 10.0.0.3 10.0.0.4"),
        (&["10.0.0.3,10.0.0.4"], "10.0.0.3 10.0.0.4"),
        // Several lines are one list.
        (&["127.0.0.1", "203.0.113.9"], "203.0.113.9"),
        (&["203.0.113.9", "10.0.0.3"], "203.0.113.9 10.0.0.3"),
        (&["203.0.113.9, 10.0.0.3", "10.0.0.4"], "203.0.113.9 10.0.0.3 10.0.0.4"),
        // With ports, and in the spellings of IPv6.
        (&["203.0.113.9:4711"], "203.0.113.9"),
        (&["[2001:db8::7]:1"], "2001:db8::7"),
        (&["[2001:db8::7]"], "2001:db8::7"),
        (&["2001:DB8::7, 2001:db8:1::1"], "2001:db8::7 2001:db8:1::1"),
        (&["::ffff:203.0.113.9, ::ffff:10.0.0.3"], "203.0.113.9 10.0.0.3"),
    ] {
        assert_eq!(hops(Field::XForwardedFor, lines), expected, "{lines:?}");
    }
}

#[test]
fn sec_h4_nothing_is_believed_left_of_what_cannot_be_read() {
    for bad in [
        "",
        " ",
        "unknown",
        "_hidden",
        "localhost",
        "10.0.0",
        "010.0.0.1",
        "10.0.0.1.",
        "1.2.3.4:",
        "1.2.3.4:x",
        "1.2.3.4:+1",
        "1.2.3.4:123456",
        "[1.2.3.4]",
        "[::1",
        "::1]",
        "[::1]x",
        "fe80::1%1",
        "\"1.2.3.4\"",
        "for=1.2.3.4",
        "1.2.3.4;5",
        "10.0.0.1 10.0.0.2",
        "é",
        "0x7f.1",
    ] {
        let line = format!("203.0.113.9, {bad}, 10.0.0.3");
        assert_eq!(hops(Field::XForwardedFor, &[&line]), "10.0.0.3", "{bad:?}");
        assert_eq!(hops(Field::XForwardedFor, &["203.0.113.9", bad]), "", "{bad:?}");
    }
    assert_eq!(hops(Field::XForwardedFor, &[]), "");
    // sec-D5: no more is looked at than so many hops, however long the line is.
    let many = "10.0.0.1,".repeat(5_000) + "10.0.0.2";
    assert_eq!(hops(Field::XForwardedFor, &[&many]).split(' ').count(), HOPS_MAX);
}

#[test]
fn sec_h4_elements_of_forwarded_are_read_as_rfc_7239_has_them() {
    for (lines, expected) in [
        (&["for=203.0.113.9"][..], "203.0.113.9"),
        (&["For=\"203.0.113.9:80\";proto=http;by=_us"], "203.0.113.9"),
        (&["for=203.0.113.9:80; proto=https ;host=a.example:8080"], "203.0.113.9"),
        (&["for=\"[2001:db8::7]:4711\", for=10.0.0.3"], "2001:db8::7 10.0.0.3"),
        (&["for=127.0.0.1;;by=a, ;for=203.0.113.9;"], "203.0.113.9"),
        (&["for=203.0.113.9", "for=10.0.0.3"], "203.0.113.9 10.0.0.3"),
        // A quote that the client leaves open hides nothing of what the proxy adds.
        (&["for=\"127.0.0.1, for=203.0.113.9"], "203.0.113.9"),
        (&["for=\"127.0.0.1", "for=203.0.113.9"], "203.0.113.9"),
    ] {
        assert_eq!(hops(Field::Forwarded, lines), expected, "{lines:?}");
    }
    for bad in [
        "",
        "203.0.113.8",
        "for=",
        "for",
        "=203.0.113.8",
        "for=unknown",
        "for=_x",
        "proto=https",
        "for =1.2.3.4",
        "for= 1.2.3.4",
        "for=1.2.3.4;for=1.2.3.5",
        "for=1.2.3.4;host=a;host=b",
        "for=1.2.3.4;host=a b",
        "for=1.2.3.4;x",
        "for=1.2.3.4;a b=c",
        "for=\"1.2.3.4",
        "for=1.2.3.4\"",
        "for=\"1.2.\\3.4\"",
        "for=1.2.3.4;host=\"a\"b",
        "for=1.2.3.4;x=\"\"\"",
        "for=1.2.3.4;b/c=d",
        // What a client names as its host, in a proxy that puts it into quotes.
        "for=203.0.113.9;host=\"x, for=10.0.0.9;by=\"",
        "for=1.1.1.1;host=\"x,for=10.0.0.9;y=\\\"\"",
    ] {
        let line = format!("for=203.0.113.7, {bad}, for=10.0.0.3");
        assert_eq!(hops(Field::Forwarded, &[&line]), "10.0.0.3", "{bad:?}");
    }
}

#[test]
fn sec_h4_scheme_and_host_are_of_the_field_that_is_believed() {
    let all: [(&'static str, &[u8]); 6] = [
        ("x-forwarded-for", b"203.0.113.9"),
        ("x-forwarded-proto", b"http"),
        ("x-forwarded-proto", b"http, HTTPS"),
        ("x-forwarded-host", b"evil.example, a.example"),
        ("forwarded", b"for=1.1.1.1;proto=https;host=evil, for=203.0.113.8;host=b;proto=WS"),
        ("forwarded", b"for=10.0.0.3;proto=https;host=c"),
    ];
    let all = head(&all);
    let said = proxies(Field::XForwardedFor).read(&all);
    assert_eq!((said.secure, said.host), (Some(true), Some(&b"a.example"[..])));
    assert_eq!(said.hops.len(), 1);
    let doubtful = Proxies { host: false, ..proxies(Field::XForwardedFor) };
    assert_eq!(doubtful.read(&all), Said { host: None, ..said });
    let said = proxies(Field::Forwarded).read(&all);
    assert_eq!((said.secure, said.host), (Some(false), Some(&b"b"[..])));
    assert_eq!(said.hops.len(), 2);
    let said = head(&[("x-forwarded-proto", b"gopher")]);
    assert_eq!(proxies(Field::XForwardedFor).read(&said).secure, None);
}

proptest! {
    /// Whatever a client writes left of what the proxy adds, the proxy has the last word.
    #[test]
    fn sec_h4_no_client_takes_the_place_of_what_a_proxy_adds(
        invented in proptest::collection::vec(proptest::collection::vec(0x20_u8..0x7f, 0..40), 0..4),
        one_line: bool,
    ) {
        for (field, added) in [
            (Field::XForwardedFor, &b"203.0.113.9"[..]),
            (Field::Forwarded, b"for=203.0.113.9;proto=http"),
        ] {
            let mut lines = invented.clone();
            match lines.last_mut() {
                Some(last) if one_line => {
                    last.extend_from_slice(b", ");
                    last.extend_from_slice(added);
                }
                _ => lines.push(added.to_vec()),
            }
            let lines: Vec<_> = lines.iter().map(|line| (field.name(), line.as_slice())).collect();
            let read = head(&lines);
            let said = proxies(field).read(&read);
            prop_assert_eq!(said.hops, ["203.0.113.9".parse::<IpAddr>().unwrap()]);
        }
    }

    /// Whatever proxies say that are mad: no panic, and no more hops than are looked at.
    #[test]
    fn sec_h4_any_bytes_are_read_without_a_panic(
        line in proptest::collection::vec(prop_oneof![0x20_u8..0x7f, 0x80_u8..=0xff, Just(b',')], 0..200),
    ) {
        for field in [Field::XForwardedFor, Field::Forwarded] {
            let read = head(&[(field.name(), &line)]);
            prop_assert!(proxies(field).read(&read).hops.len() <= HOPS_MAX);
        }
    }
}
