//! That the search for secrets can fail.

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE};
use percent_encoding::{NON_ALPHANUMERIC, percent_encode};

use crate::support::spellings::{QUERY, Secret};

/// It finds a secret in what other programs would make of it.
#[test]
fn every_spelling_is_found_amid_other_text() {
    let text = "tg_p4ss word/+of&\"<Ä>é";
    let secret = Secret::new("it", text);
    assert_eq!(secret.found(b"nothing of it: tg_p4ss word"), None);
    for before in ["", "a", "ab", "abc:"] {
        let amid = format!("{before}{text} and more");
        for encoded in [
            amid.clone(),
            STANDARD.encode(&amid),
            URL_SAFE.encode(&amid),
            format!("{:02x?}", amid.as_bytes()).replace(", ", ""),
            format!("{:?}", amid.as_bytes()),
            serde_json::to_string(&amid).unwrap(),
            percent_encode(amid.as_bytes(), NON_ALPHANUMERIC).to_string(),
            percent_encode(amid.as_bytes(), QUERY).to_string(),
            amid.bytes().map(|byte| format!("%{byte:02X}")).collect(),
        ] {
            assert!(secret.found(encoded.as_bytes()).is_some(), "{encoded}");
        }
    }
}
