//! Where a list goes on, as text that nobody else can make.
//!
//! A cursor names the last entry of a page, and bears a code over that, the question and the caller's reach:
//! one of another list, of another gateway, or made up is refused (sec-W6). The key is made of the first event
//! of the history, which is there for as long as there is anything to list, and is the same after a restart and
//! a restore. It need not be kept from whoever reads the history: a cursor opens nothing, since each page asks
//! anew what its caller may see.

use aws_lc_rs::hmac;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use crate::domain::id::TokenId;
use crate::service::error::ServiceError;

/// Bytes of a code: half of SHA-256, which nobody guesses.
const CODE_BYTES: usize = 16;
const ID_BYTES: usize = 16;

/// The key that the first event of a history makes.
pub(super) fn key(first_event: &str) -> hmac::Key {
    hmac::Key::new(hmac::HMAC_SHA256, first_event.as_bytes())
}

/// Makes cursors of one list, and reads them.
#[derive(Debug)]
pub(super) struct Cursors {
    key: hmac::Key,
    question: String,
}

impl Cursors {
    /// Of the list that `question` tells from all others.
    pub(super) const fn new(key: hmac::Key, question: String) -> Self {
        Self { key, question }
    }

    pub(super) fn write(&self, last: TokenId) -> String {
        let mut bytes = last.as_bytes().to_vec();
        bytes.extend_from_slice(&self.code(last));
        URL_SAFE_NO_PAD.encode(bytes)
    }

    /// # Errors
    /// It is none of this list.
    pub(super) fn read(&self, text: &str) -> Result<TokenId, ServiceError> {
        let read = || {
            let bytes = URL_SAFE_NO_PAD.decode(text).ok()?;
            let (id, code) = bytes.split_first_chunk::<ID_BYTES>()?;
            let id = TokenId::from_bytes(*id);
            let same = aws_lc_rs::constant_time::verify_slices_are_equal(code, &self.code(id));
            same.ok().map(|()| id)
        };
        read().ok_or_else(|| {
            let problem = "it is not from a page of this list; a list with other filters, or in another \
                           order, begins without one";
            ServiceError::field("cursor", problem)
        })
    }

    fn code(&self, id: TokenId) -> [u8; CODE_BYTES] {
        let mut context = hmac::Context::with_key(&self.key);
        context.update(id.as_bytes());
        context.update(self.question.as_bytes());
        let tag = context.sign();
        tag.as_ref().first_chunk().copied().unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sec_w6_only_cursors_of_the_same_list_and_gateway_are_read() {
        let id = TokenId::new(1_800_000_000_000, [7; 10]);
        let ours = Cursors::new(key("first"), "all".to_owned());
        let text = ours.write(id);
        assert_eq!(ours.read(&text).unwrap(), id);
        for other in [("first", "some"), ("another", "all")] {
            let refused = Cursors::new(key(other.0), other.1.to_owned()).read(&text).unwrap_err();
            assert_eq!((refused.status(), refused.at_field()), (400, Some("cursor")));
        }
        let mut forged = vec![String::new(), id.to_string(), "%27;DROP".to_owned(), text.repeat(2)];
        forged.extend((0..text.len()).map(|at| {
            let mut bytes = text.clone().into_bytes();
            bytes[at] = if bytes[at] == b'A' { b'B' } else { b'A' };
            String::from_utf8(bytes).unwrap()
        }));
        for text in forged {
            assert!(ours.read(&text).is_err(), "{text}");
        }
    }
}
