//! Queries of addresses without secrets of tokens, which nobody leads back to. (sec-L1)

use percent_encoding::percent_decode_str;

use crate::domain::secret;

/// A query without the parts that hold a secret of our own form, also a damaged one, and without what was just done.
pub(super) fn clean(query: &str) -> String {
    let kept = query.split('&').filter(|pair| {
        let is_done = pair.split('=').next() == Some("done");
        !pair.is_empty() && !is_done && !holds_secret(&decoded(pair))
    });
    kept.collect::<Vec<_>>().join("&")
}

/// As a form reads it.
pub(super) fn decoded(pair: &str) -> String {
    let spaced = pair.replace('+', " ");
    percent_decode_str(&spaced).decode_utf8_lossy().into_owned()
}

fn holds_secret(text: &str) -> bool {
    secret::redact(text) != text
}

/// Whether a secret stands in a query.
pub(super) fn is_in(query: &str) -> bool {
    query.split('&').any(|pair| holds_secret(&decoded(pair)))
}

/// Where a form may lead back to: a page of this server.
pub(super) fn own_path(text: &str) -> Option<&str> {
    let own = text.starts_with('/') && !text.starts_with("//");
    let plain = text.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'\\');
    (own && plain).then_some(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECRET: &str = "tg_0123456789abcdefghijklmnopqrstuvwxyz";

    #[test]
    fn sec_l1_what_leads_back_holds_no_secret_in_any_spelling() {
        let in_hex: String = SECRET.bytes().map(|byte| format!("%{byte:02x}")).collect();
        for query in [
            format!("a=1&text={SECRET}&b=%26"),
            format!("a=1&{SECRET}=x&b=%26&done=nothing"),
            format!("a=1&text=see+{in_hex}+there&b=%26"),
        ] {
            assert!(is_in(&query));
            assert_eq!(clean(&query), "a=1&b=%26");
        }
        for plain in ["", "text=tg_short", "state=active&order=newest"] {
            assert!(!is_in(plain));
            assert_eq!(clean(plain), plain);
        }
    }
}
