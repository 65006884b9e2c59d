//! Calls about tokens, users and companies.

use serde_json::{Value, json};

use super::call::{Call, WRITES, call};
use super::samples::{DIGEST, ID, THEN, changed, company, reason, token, user};
use crate::admin::companies::{self, CompanyPage};
use crate::admin::contexts::ContextList;
use crate::admin::tokens::{TokenCreated, TokenPage, TokenRotated};
use crate::admin::transfer::{Export, ImportOptions, ImportReport};
use crate::admin::users::{NewPassword, UserPage};
use crate::service::bulk::{BulkDone, BulkPlan, BulkRevocation};
use crate::service::import::ImportBatch;
use crate::service::input::{
    CompanyChange, NewCompany, NewOwner, NewToken, OwnerChange, Reason, Rotation, TokenChange,
};
use crate::service::list::TokenList;
use crate::service::owner_list::OwnerList;
use crate::service::usage::{TokenUsage, UsageQuestion};
use crate::service::view::{
    CompanyChanged, CompanyView, OwnerChanged, OwnerMade, OwnerView, TokenChanged, TokenView,
};

pub(super) fn calls() -> Vec<Call> {
    [tokens(), many(), users(), companies(), contexts()].into_iter().flatten().collect()
}

fn tokens() -> Vec<Call> {
    let secret = "tg_example";
    let mut calls = vec![
        call("get", "/tokens", "list_tokens", "Lists tokens, ended ones too")
            .query::<TokenList>(&filters())
            .refuses(&[404])
            .answers::<TokenPage>(200, "A page", &json!({"tokens": [token()], "next": null})),
        call("post", "/tokens", "create_token", "Makes a token; its secret is told this once")
            .once()
            .body::<NewToken>(&json!({"owner": "alice", "name": "nightly", "lifetime": "90d"}))
            .refuses(&[404])
            .refuses(&WRITES)
            .answers::<TokenCreated>(201, "Made", &json!({"token": token(), "secret": secret}))
            .with(&["ETag", "Location"]),
        call("get", "/tokens/{id}", "show_token", "Shows a token")
            .answers::<TokenView>(200, "The token", &token())
            .with(&["ETag"]),
        call(
            "get",
            "/tokens/{id}/usage",
            "token_usage",
            "Tells how much a token was used, by the day",
        )
        .query::<UsageQuestion>(&json!({"days": 7}))
        .answers::<TokenUsage>(
            200,
            "The last days",
            &json!({"token": ID, "permitted": 12, "refused": 1,
                    "days": [{"day": "2026-01-02", "permitted": 12, "refused": 1}]}),
        ),
        call("patch", "/tokens/{id}", "update_token", "Changes a token")
            .at_revision()
            .body::<TokenChange>(&json!({"name": "nightly"}))
            .answers::<TokenChanged>(200, "Changed", &changed("token", token()))
            .with(&["ETag"]),
        call("post", "/tokens/{id}/rotate", "rotate_token", "Gives a token a successor")
            .once()
            .at_revision()
            .body::<Rotation>(&json!({"grace": "1h"}))
            .answers::<TokenRotated>(
                201,
                "The successor",
                &json!({"token": token(), "secret": secret, "old": token()}),
            )
            .with(&["ETag", "Location"]),
    ];
    calls.push(
        call("delete", "/tokens/{id}", "delete_token", "Ends a token for good; it stays on record")
            .at_revision()
            .answers::<TokenChanged>(200, "Done", &changed("token", token()))
            .with(&["ETag"]),
    );
    for (path, name, does) in [
        ("/tokens/{id}/revoke", "revoke_token", "Ends a token for good"),
        ("/tokens/{id}/disable", "disable_token", "Pauses a token"),
        ("/tokens/{id}/enable", "enable_token", "Lifts the pause of a token"),
    ] {
        calls.push(
            call("post", path, name, does)
                .at_revision()
                .body::<Reason>(&reason())
                .answers::<TokenChanged>(200, "Done", &changed("token", token()))
                .with(&["ETag"]),
        );
    }
    calls
}

/// One of each filter of a list of tokens.
fn filters() -> Value {
    json!({"state": "active,pending", "owner": "alice", "company": "acme", "context": "billing",
        "flags": "view,0x400", "name": "nightly", "hint": "x4Tq", "created_from": THEN,
        "created_before": "2026-02-01", "expires_before": "2026-04-01", "ends_before": "2026-04-01",
        "last_used_before": "2026-01-15", "never_used": true, "rotated": "in_use", "text": "night",
        "order": "oldest", "cursor": "bm90aGluZw", "limit": 100})
}

fn contexts() -> Vec<Call> {
    let param =
        json!({"title": "Bot token", "secret": true, "required": true, "header": "x-bot-token"});
    let context = json!({"id": "telegram", "title": "Telegram", "params": {"bot_token": param},
        "opens": [{"api": "hub", "path": "/telegram/{*rest}", "methods": ["POST"]}]});
    vec![
        call("get", "/contexts", "list_contexts", "Lists the contexts of the configuration")
            .answers::<ContextList>(200, "All of them", &json!({"contexts": [context]})),
    ]
}

fn many() -> Vec<Call> {
    let asked = json!({"filter": {"owner": "alice"}, "reason": "left", "confirm": "word"});
    let plan = json!({"tokens": 1, "owners": [{"owner": "alice", "tokens": 1}], "of_others": 0,
        "first": [token()], "not_yours": 0, "confirm": "word"});
    vec![
        call("post", "/tokens/import", "import_tokens", "Makes a token of each line")
            .query::<ImportOptions>(
                &json!({"dry_run": true, "create_owners": true, "company": "acme"}),
            )
            .body::<ImportBatch>(&json!({"dry_run": true,
                "lines": [{"owner": "alice", "name": "nightly", "digest": DIGEST}]}))
            .or_body("text/csv", &format!("owner,name,digest\nalice,nightly,{DIGEST}\n"))
            .answers::<ImportReport>(
                200,
                "By line",
                &json!({"lines": [{"outcome": "good", "id": ID}]}),
            ),
        call("post", "/tokens/export", "export_tokens", "Writes all tokens of a list")
            .body::<Export>(&json!({"filter": {"owner": "alice"}, "format": "csv"}))
            .refuses(&[404])
            .answers_as(
                200,
                "A line for each",
                &[
                    ("application/jsonl", "{\"owner\":\"alice\",\"name\":\"nightly\"}\n"),
                    ("text/csv", "owner,name\nalice,nightly\n"),
                ],
            ),
        call("post", "/bulk/revoke/preview", "preview_revocation", "Shows what a filter would end")
            .body::<BulkRevocation>(&json!({"filter": {"owner": "alice"}, "reason": "left"}))
            .refuses(&[404])
            .answers::<BulkPlan>(200, "What would be done", &plan),
        call("post", "/bulk/revoke", "revoke_many", "Ends all tokens that were shown")
            .body::<BulkRevocation>(&asked)
            .refuses(&[404])
            .refuses(&WRITES)
            .answers::<BulkDone>(200, "Done", &json!({"revoked": 1, "left": 0, "of": 1})),
    ]
}

fn users() -> Vec<Call> {
    let mut calls = vec![
        call("get", "/users", "list_users", "Lists users and services")
            .query::<OwnerList>(
                &json!({"text": "ali", "company": "acme", "kind": "user", "state": "active",
                "role": "developer", "after": "adam", "limit": 100}),
            )
            .answers::<UserPage>(200, "A page", &json!({"users": [user()], "next": null})),
        call("post", "/users", "create_user", "Makes a user or a service")
            .once()
            .body::<NewOwner>(&json!({"id": "alice", "name": "Alice"}))
            .refuses(&[404])
            .refuses(&WRITES)
            .answers::<OwnerMade>(201, "Made", &user())
            .with(&["ETag", "Location"]),
        call("get", "/users/{id}", "show_user", "Shows a user")
            .answers::<OwnerView>(200, "The user", &user())
            .with(&["ETag"]),
        call("patch", "/users/{id}", "update_user", "Changes a user")
            .at_revision()
            .body::<OwnerChange>(&json!({"name": "Alice"}))
            .answers::<OwnerChanged>(200, "Changed", &changed("user", user()))
            .with(&["ETag"]),
        call("post", "/users/{id}/password", "set_password", "Sets or takes away a password")
            .at_revision()
            .body::<NewPassword>(&json!({"password": "correct horse battery"}))
            .answers::<OwnerChanged>(200, "Done", &changed("user", user()))
            .with(&["ETag"]),
    ];
    for (path, name, does) in [
        ("/users/{id}/block", "block_user", "Blocks a user, and all their tokens"),
        ("/users/{id}/unblock", "unblock_user", "Unblocks a user"),
    ] {
        calls.push(
            call("post", path, name, does)
                .at_revision()
                .body::<Reason>(&reason())
                .answers::<OwnerChanged>(200, "Done", &changed("user", user()))
                .with(&["ETag"]),
        );
    }
    calls
}

fn companies() -> Vec<Call> {
    let page = json!({"companies": [company()], "next": null});
    let mut calls = vec![
        call("get", "/companies", "list_companies", "Lists companies")
            .query::<companies::Which>(&json!({"after": "acme", "limit": 100}))
            .answers::<CompanyPage>(200, "A page", &page),
        call("post", "/companies", "create_company", "Puts a company on record")
            .once()
            .body::<NewCompany>(&json!({"id": "acme", "name": "Acme"}))
            .refuses(&WRITES)
            .answers::<CompanyView>(201, "Made", &company())
            .with(&["ETag", "Location"]),
        call("get", "/companies/{id}", "show_company", "Shows a company")
            .answers::<CompanyView>(200, "The company", &company())
            .with(&["ETag"]),
        call("patch", "/companies/{id}", "update_company", "Changes a company")
            .at_revision()
            .body::<CompanyChange>(&json!({"contexts": ["billing"]}))
            .answers::<CompanyChanged>(200, "Changed", &changed("company", company()))
            .with(&["ETag"]),
    ];
    for (path, name, does) in [
        ("/companies/{id}/block", "block_company", "Blocks a company, and all its tokens"),
        ("/companies/{id}/unblock", "unblock_company", "Unblocks a company"),
    ] {
        calls.push(
            call("post", path, name, does)
                .at_revision()
                .body::<Reason>(&reason())
                .answers::<CompanyChanged>(200, "Done", &changed("company", company()))
                .with(&["ETag"]),
        );
    }
    calls
}
