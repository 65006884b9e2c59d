//! Names, lists, flags, addresses and lives that are refused.

use super::*;
use crate::domain::flags::Flag;

fn problem(result: Result<(), ServiceError>) -> String {
    result.unwrap_err().to_string()
}

#[test]
fn e2_f2_a_name_is_required_and_bounded() {
    assert!(name("name", "Müller & Söhne").is_ok());
    assert!(name("name", &"é".repeat(NAME_CHARS)).is_ok());
    assert_eq!(problem(name("name", " \u{a0}")), "`name`: a name is required");
    assert_eq!(
        problem(name("name", &"é".repeat(NAME_CHARS + 1))),
        "`name`: at most 200 characters, not 201"
    );
}

#[test]
fn sec_h6_control_characters_are_refused() {
    for bad in ["a\r\nX-Admin: 1", "a\0b", "\u{1b}[2J", "a\u{85}b", "a\u{202e}b", "a\u{2028}b"] {
        assert!(problem(name("name", bad)).contains("control characters"), "{bad:?}");
        assert!(description(bad).is_err());
    }
    assert!(description("two\nlines").is_ok());
    assert!(description(&"x".repeat(DESCRIPTION_CHARS + 1)).is_err());
}

#[test]
fn flags_are_numbers_or_names() {
    let view = Flag { bits: Flags::from_bits(0x200).unwrap(), title: None };
    let catalog = FlagCatalog::new([("view".to_owned(), view)].into());
    let read = |names: &[&str]| {
        let names = names.iter().map(|name| (*name).to_owned()).collect();
        flags("flags", &FlagsInput::Names(names), &catalog).map(Flags::bits)
    };
    assert_eq!(read(&["view", "0x100", "1"]).unwrap(), 0x301);
    assert_eq!(read(&["-1"]).unwrap(), -1);
    let long = "z".repeat(230_000);
    assert!(problem(read(&[&long]).map(|_| ())).len() < 200, "it is not repeated whole");
    for mixed in [["-1", "view"], ["view", "-1"], ["-1", "-1"]] {
        assert!(read(&mixed).unwrap_err().to_string().contains("stands alone"), "{mixed:?}");
    }
    assert_eq!(
        read(&["veiw"]).unwrap_err().to_string(),
        "`flags`: there is no flag `veiw`; known are `view`"
    );
    for bad in ["-2", "0x-1", "", "0x", "1.5"] {
        assert!(read(&[bad]).is_err(), "{bad}");
    }
    assert!(flags("flags", &FlagsInput::Bits(-2), &catalog).is_err());
}

#[test]
fn f2_an_end_is_ahead_and_after_the_beginning() {
    let at = Timestamp::from_unix;
    assert!(end("expires_at", at(50), Some(at(101)), at(100)).is_ok());
    assert!(end("expires_at", at(50), None, at(100)).is_ok());
    assert!(problem(end("expires_at", at(50), Some(at(100)), at(100))).contains("over already"));
    assert!(problem(end("lifetime", at(200), Some(at(200)), at(100))).contains("beginning"));
}

#[test]
fn sec_h6_lists_fit_a_header() {
    let ids = |count: usize| Items::set((0..count).map(|n| format!("{n:07}"))).unwrap();
    assert!(items_fit(&ids(512)).is_ok());
    assert!(problem(items_fit(&ids(513))).starts_with("`items`: this list has 4103 bytes"));
}

#[test]
fn a_network_has_no_bits_beyond_its_length() {
    let check = |text: &str| networks(&[text.parse().unwrap()]);
    for good in ["10.0.0.0/8", "10.0.0.5/32", "0.0.0.0/0", "2001:db8::/32"] {
        assert!(check(good).is_ok(), "{good}");
    }
    assert_eq!(
        problem(check("10.0.0.5/8")),
        "`conditions.networks`: `10.0.0.5/8` is no network: `10.0.0.0/8` is, and `10.0.0.5/32` \
             is that host alone"
    );
    assert!(check("2001:db8::1/32").is_err());
}

#[test]
fn an_address_looks_like_one() {
    assert!(email("alice@example.com").is_ok());
    for bad in ["alice", "@example.com", "a@b", "a b@example.com", "a@example.com\r\nBcc: x"] {
        assert!(email(bad).is_err(), "{bad:?}");
    }
}
