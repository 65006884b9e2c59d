//! How the lines begin that tell an upstream who is calling.

use http::HeaderName;

use crate::config::settings::IdentityHeaders;

/// The beginnings of the lines that say who is calling, up to the value; none for those that are
/// not sent.
#[derive(Debug)]
pub struct HeaderPrefixes {
    pub(super) owner: Option<Box<[u8]>>,
    pub(super) company: Option<Box<[u8]>>,
    pub(super) token: Option<Box<[u8]>>,
    pub(super) token_name: Option<Box<[u8]>>,
    pub(super) flags: Option<Box<[u8]>>,
    pub(super) contexts: Option<Box<[u8]>>,
    pub(super) items: Option<Box<[u8]>>,
    pub(super) params: Option<Box<[u8]>>,
    pub(super) request: Option<Box<[u8]>>,
    pub(super) certificate: Option<Box<[u8]>>,
    pub(super) subject: Option<Box<[u8]>>,
}

impl HeaderPrefixes {
    pub(super) fn new(names: &IdentityHeaders) -> Self {
        let begin = |name: &Option<HeaderName>| {
            name.as_ref().map(|name| format!("{name}: ").into_bytes().into_boxed_slice())
        };
        Self {
            owner: begin(&names.owner),
            company: begin(&names.company),
            token: begin(&names.token),
            token_name: begin(&names.token_name),
            flags: begin(&names.flags),
            contexts: begin(&names.contexts),
            items: begin(&names.items),
            params: begin(&names.params),
            request: begin(&names.request),
            certificate: begin(&names.certificate),
            subject: begin(&names.subject),
        }
    }
}
