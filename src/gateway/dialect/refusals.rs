//! The bodies of refusals, written once for each dialect that has a form of its own.

use bytes::Bytes;
use http::HeaderValue;

use crate::domain::refusal::Refusal;

/// What clients are told of each refusal.
#[derive(Debug)]
pub(in crate::gateway) struct Refusals {
    /// The media type of the bodies.
    pub(in crate::gateway) content_type: &'static str,
    /// In the order of [`Refusal::ALL`], each with its length.
    bodies: Vec<(Bytes, HeaderValue)>,
}

impl Refusals {
    pub(super) fn new(content_type: &'static str, write: fn(Refusal) -> String) -> Self {
        let texts = Refusal::ALL.into_iter().map(write);
        let bodies = texts.map(|text| {
            let length = HeaderValue::from(text.len());
            (Bytes::from(text), length)
        });
        Self { content_type, bodies: bodies.collect() }
    }

    /// The body that tells of a refusal, and its length.
    pub(in crate::gateway) fn of(&self, refusal: Refusal) -> (Bytes, HeaderValue) {
        let known = refusal.place().and_then(|place| self.bodies.get(place));
        known.cloned().unwrap_or_else(|| (Bytes::new(), HeaderValue::from_static("0")))
    }
}
