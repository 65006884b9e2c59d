//! Requests that have no one reading.

/// What was wrong with a request that has no one reading (sec-P*, sec-H*, RFC 9112).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum BadRequest {
    /// None, more than one, or not a host and port (RFC 9112 section 3.2).
    Host,
    /// Not a path, or an absolute form that is not plain `http` or `https`.
    Target,
    /// A dot segment, also encoded or with parameters (sec-P1, sec-P2, sec-P5).
    DotSegment,
    /// An encoded slash or a backslash, encoded or not (sec-P3).
    Slash,
    /// An empty segment, as in `//` (sec-P6).
    EmptySegment,
    /// A `;` in the path (sec-P5).
    PathParameter,
    /// A bad percent-escape, a control character, or bytes that are not UTF-8 (sec-P10).
    Encoding,
    /// A transfer coding other than one plain `chunked` (RFC 9112 section 6.1).
    Framing,
    /// A body that does not keep to its framing.
    Body,
    /// A method that is not an upper-case token (sec-P15).
    Method,
    /// A `Connection` that names too many fields (RFC 9110 section 7.6.1).
    Connection,
    /// A value that begins or ends with a space or a tab, which HTTP/1.1 would read without it (RFC 9113 section 8.2.1).
    Value,
    /// More than one company, or what cannot be the name of one (row F6, sec-X5).
    Company,
    /// A head that is no HTTP at all (RFC 9112 section 2.2), which the HTTP library has answered; over HTTP/2 a field whose name
    /// is none (RFC 9110 section 5.6.2).
    Head,
}

impl BadRequest {
    pub(super) const fn text(self) -> &'static str {
        match self {
            Self::Host => "The request needs exactly one valid host",
            Self::Target => "The request target must be a path or an http or https address",
            Self::DotSegment => "The path holds a `.` or `..` segment",
            Self::Slash => "The path holds a backslash or an encoded slash",
            Self::EmptySegment => "The path holds an empty segment",
            Self::PathParameter => "The path holds a `;`",
            Self::Encoding => "The path is not percent-encoded UTF-8 without control characters",
            Self::Framing => "The length of the body is not declared in one clear way",
            Self::Body => "The body does not keep to its declared length or chunks",
            Self::Method => "The method is not a known form",
            Self::Connection => "The `Connection` field names too many others",
            Self::Value => "A field begins or ends with a space",
            Self::Company => "The request must name at most one company, in one word",
            Self::Head => "The head of the request is not HTTP",
        }
    }

    pub(super) const fn reason(self) -> &'static str {
        match self {
            Self::Host => "bad_host",
            Self::Target => "bad_target",
            Self::DotSegment => "bad_dot_segment",
            Self::Slash => "bad_slash",
            Self::EmptySegment => "bad_empty_segment",
            Self::PathParameter => "bad_path_parameter",
            Self::Encoding => "bad_encoding",
            Self::Framing => "bad_framing",
            Self::Body => "bad_body",
            Self::Method => "bad_method",
            Self::Connection => "bad_connection",
            Self::Value => "bad_value",
            Self::Company => "bad_company",
            Self::Head => "bad_head",
        }
    }
}
