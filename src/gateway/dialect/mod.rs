//! How clients carry tokens and expect refusals: one file for each dialect.

pub(super) mod bearer;
