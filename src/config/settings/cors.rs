//! Whose scripts may use an API.

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
