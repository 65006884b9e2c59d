//! What a body is, as far as it matters where it can end.

/// What a body is, as far as it matters where it can end.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(in crate::gateway) enum Kind {
    /// A stream of events (HTML section 9.2.5).
    Events,
    /// The messages of a call of gRPC.
    Grpc,
    #[default]
    Other,
}

impl Kind {
    /// By the value of `Content-Type`, whatever parameters follow.
    pub(in crate::gateway) fn of(value: &[u8]) -> Self {
        let word = value.split(|byte| *byte == b';').next().unwrap_or_default().trim_ascii();
        let is = |kind: &[u8]| word.eq_ignore_ascii_case(kind);
        match () {
            () if is(b"text/event-stream") => Self::Events,
            () if is(b"application/grpc") || word.starts_with(b"application/grpc+") => Self::Grpc,
            () => Self::Other,
        }
    }
}
