//! What browsers need of an API: whose scripts may use it, and where they may put a token.

use http::{HeaderName, Method};

use crate::domain::time::Span;
use crate::wire::origins::Origins;

/// What browsers are told of an API (Fetch standard section 3.2.3).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cors {
    /// Of which pages scripts may use it.
    pub origins: Origins,
    /// With which methods; empty means those of its rules.
    pub methods: Vec<Method>,
    /// Which fields they may send, beside those that all may.
    pub headers: Vec<HeaderName>,
    /// Which fields of answers they may read, beside those that all may.
    pub expose: Vec<HeaderName>,
    /// For how long a browser need not ask again: a day at the most.
    pub max_age: Span,
    /// Whether browsers send cookies and certificates along.
    pub credentials: bool,
}

/// Where a token may stand for what a browser asks for without a field of the page's making; one at least.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TokenPlaces {
    /// In a cookie of this name.
    pub cookie: Option<String>,
    /// In a parameter of the query of this name (RFC 6750 section 2.3).
    pub query: Option<String>,
}
