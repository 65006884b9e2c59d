//! What examples show.

use serde_json::{Value, json};

/// When everything happened.
pub(super) const THEN: &str = "2026-01-02T03:04:05Z";

pub(super) const ID: &str = "0190b6f2-5c1e-7abc-8def-0123456789ab";

/// What another system kept of a secret.
pub(super) const DIGEST: &str = "f7e7f31a399a410330085193a5b6b574a3c2ca6119ad899c0c5719e76cc6c6c7";

pub(super) fn token() -> Value {
    json!({"id": ID, "hint": "x4Tq", "name": "nightly", "app": "", "description": "", "owner": "alice",
        "company": null, "state": "active", "blocked": false, "created_by": "owner:alice",
        "created_at": THEN, "not_before": THEN, "expires_at": null,
        "idle_ttl": 0, "idle_at": null, "last_use": null, "counts_as_used_at": null, "flags": 0,
        "flag_names": [], "contexts": "all", "items": "all", "params": null, "context_params": {},
        "conditions": {}, "limits": {}, "left": null, "used_up": false, "disabled": null,
        "rotated_from": null, "rotated_to": null, "ended": null, "revision": 1})
}

pub(super) fn user() -> Value {
    json!({"id": "alice", "kind": "user", "name": "Alice", "email": null, "company": null, "parent": null,
        "roles": [], "ceiling": -1, "ceiling_names": [], "blocked": null, "created_by": "owner:root",
        "created_at": THEN, "revision": 1})
}

pub(super) fn company() -> Value {
    json!({"id": "acme", "name": "Acme", "contexts": "all", "blocked": null, "created_by": "owner:root",
        "created_at": THEN, "revision": 1})
}

/// `thing` as the answer to an act on it.
pub(super) fn changed(name: &str, thing: Value) -> Value {
    json!({name: thing, "changed": true})
}

pub(super) fn reason() -> Value {
    json!({"reason": "no longer needed"})
}

pub(super) fn attempt() -> Value {
    json!({"at": THEN, "notice": ID, "kind": "test", "attempt": 1,
        "outcome": "delivered", "status": 204, "took_ms": 12})
}
