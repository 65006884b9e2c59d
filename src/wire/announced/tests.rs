//! Headers of the PROXY protocol as its definition has them, and everything that is none.

use proptest::prelude::*;

use super::*;

fn source(bytes: &[u8]) -> Option<IpAddr> {
    let Ok(Seen::Whole(length, source)) = look(bytes) else {
        panic!("{:?}: {}", look(bytes), bytes.escape_ascii());
    };
    assert_eq!(length, bytes.len());
    source
}

fn binary(command: u8, family: u8, rest: &[u8]) -> Vec<u8> {
    let length = u16::try_from(rest.len()).unwrap().to_be_bytes();
    [&SIGNATURE[..], &[command, family], &length, rest].concat()
}

const V4: [u8; 12] = [203, 0, 113, 9, 10, 0, 0, 1, 0x12, 0x67, 1, 0xbb];

fn v6() -> Vec<u8> {
    let source: Ipv6Addr = "2001:db8::7".parse().unwrap();
    [&source.octets()[..], &[0; 16], &[0x12, 0x67, 1, 0xbb]].concat()
}

#[test]
fn headers_say_where_a_connection_came_from() {
    let (four, six) = ("203.0.113.9".parse().ok(), "2001:db8::7".parse().ok());
    let longest = "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff";
    let worst = format!("PROXY UNKNOWN {longest} {longest} 65535 65535\r\n");
    assert_eq!(worst.len(), LINE_MAX);
    for (text, expected) in [
        ("PROXY TCP4 203.0.113.9 10.0.0.1 4711 443\r\n", four),
        ("PROXY TCP4 203.0.113.9 255.255.255.255 0 65535\r\n", four),
        ("PROXY TCP6 2001:db8::7 ::1 4711 443\r\n", six),
        ("PROXY TCP6 ::ffff:203.0.113.9 ::1 4711 443\r\n", four),
        ("PROXY UNKNOWN\r\n", None),
        ("PROXY UNKNOWN whatever stands here\r\n", None),
        (&worst, None),
    ] {
        assert_eq!(source(text.as_bytes()), expected, "{text}");
    }
    let tlvs = [&V4[..], &[4, 0, 2, 0, 0]].concat();
    for (bytes, expected) in [
        (binary(0x21, 0x11, &V4), four),
        (binary(0x21, 0x11, &tlvs), four),
        (binary(0x21, 0x21, &v6()), six),
        (binary(0x21, 0x00, &[]), None),
        (binary(0x21, 0x31, &[0; 216]), None),
        (binary(0x20, 0x00, &[]), None),
        (binary(0x20, 0x11, &V4), None),
        (binary(0x20, 0xff, &[7; 512]), None),
    ] {
        assert_eq!(source(&bytes), expected, "{}", bytes.escape_ascii());
    }
}

#[test]
fn what_is_no_header_is_refused() {
    let too_long = format!("PROXY UNKNOWN {}\r\n", "x".repeat(LINE_MAX - 15));
    for text in [
        "GET / HTTP/1.1\r\n",
        "\u{16}\u{3}\u{1}",
        "PRI * HTTP/2.0\r\n",
        "proxy TCP4 1.1.1.1 1.1.1.1 1 1\r\n",
        "PROXY  TCP4 1.1.1.1 1.1.1.1 1 1\r\n",
        "PROXY TCP4 1.1.1.1  1.1.1.1 1 1\r\n",
        "PROXY TCP4 1.1.1.1 1.1.1.1 1 1 \r\n",
        "PROXY TCP4 1.1.1.1 1.1.1.1 1\r\n",
        "PROXY TCP4 01.1.1.1 1.1.1.1 1 1\r\n",
        "PROXY TCP4 ::1 ::1 1 1\r\n",
        "PROXY TCP4 1.1.1.1 ::1 1 1\r\n",
        "PROXY TCP6 1.1.1.1 1.1.1.1 1 1\r\n",
        "PROXY TCP4 1.1.1.1 1.1.1.1 65536 1\r\n",
        "PROXY TCP4 1.1.1.1 1.1.1.1 01 1\r\n",
        "PROXY TCP4 1.1.1.1 1.1.1.1 +1 1\r\n",
        "PROXY TCP4 1.1.1.1 1.1.1.1 1 -1\r\n",
        "PROXY TCP4 1.1.1.1 1.1.1.1  1\r\n",
        "PROXY UDP4 1.1.1.1 1.1.1.1 1 1\r\n",
        "PROXY UNKNOWN\n\r\n",
        "PROXY UNKNOWN \u{7f}\r\n",
        "PROXY UNKNOWNX\r\n",
        "PROXY \r\n",
        "PROXY TCP4\t1.1.1.1 1.1.1.1 1 1\r\n",
        "PROXY TCP4 1.1.1.1 1.1.1.1 1 1\rx\r\n",
        &too_long,
    ] {
        assert!(look(text.as_bytes()).is_err(), "{text:?}");
    }
    for bytes in [
        binary(0x21, 0x11, &V4[..11]),
        binary(0x21, 0x21, &[0; 35]),
        binary(0x21, 0x12, &V4),
        binary(0x21, 0x22, &v6()),
        binary(0x21, 0x41, &V4),
        binary(0x21, 0x01, &V4),
        binary(0x22, 0x11, &V4),
        binary(0x11, 0x11, &V4),
        binary(0x01, 0x11, &V4),
        binary(0x21, 0x11, &[0; 513]),
        b"\r\n\r\n\0\r\nQUIX".to_vec(),
    ] {
        assert!(look(&bytes).is_err(), "{}", bytes.escape_ascii());
    }
    // A line without an end is known to be none as soon as it could be no longer.
    let endless = "PROXY UNKNOWN ".to_owned() + &"x".repeat(200);
    assert_eq!(look(&endless.as_bytes()[..LINE_MAX - 2]), Ok(Seen::Part(2)));
    assert!(look(&endless.as_bytes()[..LINE_MAX - 1]).is_err());
}

fn header() -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![
        any::<([u8; 4], u16)>().prop_map(|(source, port)| {
            format!("PROXY TCP4 {} 10.0.0.1 {port} 443\r\n", Ipv4Addr::from(source)).into_bytes()
        }),
        any::<([u8; 16], u16)>().prop_map(|(source, port)| {
            format!("PROXY TCP6 {} ::1 {port} 443\r\n", Ipv6Addr::from(source)).into_bytes()
        }),
        Just(b"PROXY UNKNOWN\r\n".to_vec()),
        proptest::collection::vec(any::<u8>(), 12..=512).prop_map(|rest| binary(0x21, 0x11, &rest)),
        proptest::collection::vec(any::<u8>(), 36..=512).prop_map(|rest| binary(0x21, 0x21, &rest)),
        proptest::collection::vec(any::<u8>(), 0..=512).prop_map(|rest| binary(0x20, 0, &rest)),
    ]
}

proptest! {
    /// A header ends where it ends, whatever comes behind it, and however it is cut: so much may be
    /// read as is missing, and never more.
    #[test]
    fn a_header_is_read_to_its_end_and_no_further(
        header in header(),
        behind in proptest::collection::vec(any::<u8>(), 0..40),
    ) {
        let whole = look(&header);
        prop_assert!(matches!(whole, Ok(Seen::Whole(length, _)) if length == header.len()));
        prop_assert_eq!(look(&[&header[..], &behind].concat()), whole);
        let mut have = 0;
        while have < header.len() {
            let Ok(Seen::Part(least)) = look(&header[..have]) else { panic!("at {have}") };
            prop_assert!(least > 0 && have + least <= header.len());
            have += least;
        }
        for cut in 0..header.len() {
            let part = matches!(look(&header[..cut]), Ok(Seen::Part(least)) if cut + least <= header.len());
            prop_assert!(part, "cut at {}", cut);
        }
    }

    #[test]
    fn any_bytes_are_read_without_a_panic_and_within_bounds(
        begin in prop_oneof![Just(&b""[..]), Just(LINE_BEGIN), Just(&SIGNATURE[..])],
        rest in proptest::collection::vec(any::<u8>(), 0..600),
    ) {
        let bytes = [begin, &rest].concat();
        match look(&bytes) {
            Ok(Seen::Whole(length, _)) => prop_assert!(length <= bytes.len().min(HEADER_MAX)),
            Ok(Seen::Part(least)) => prop_assert!(bytes.len() + least <= HEADER_MAX),
            Err(_) => {}
        }
    }
}
