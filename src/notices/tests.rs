//! Webhooks by themselves.
