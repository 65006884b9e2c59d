//! Requests of a token by the day: what went through and what did not, over midnight and a restart.

use serde_json::{Value, json};
use tollgate::domain::time::Span;

use crate::support::gateway::{Gateway, Made};
use crate::support::upstream::Upstream;

/// The days of a token, each as the requests that were permitted and refused.
fn days(gateway: &Gateway, token: &Made, question: &str) -> Vec<(u64, u64)> {
    let (status, usage) = gateway.read(&format!("/tokens/{}/usage{question}", token.id));
    assert_eq!(status, 200, "{usage}");
    let number = |of: &Value, name: &str| of[name].as_u64().unwrap();
    let both = |of: &Value| (number(of, "permitted"), number(of, "refused"));
    let days: Vec<_> = usage["days"].as_array().unwrap().iter().map(both).collect();
    let sum = days.iter().fold((0, 0), |sum, day| (sum.0 + day.0, sum.1 + day.1));
    assert_eq!(both(&usage), sum);
    days
}

#[test]
fn every_request_of_a_token_counts_on_its_day() {
    let upstream = Upstream::start();
    let mut gateway = Gateway::start(&format!(
        "flags = {{ write = 0x200 }}\n[[apis]]\nname = \"a\"\nupstream = \"http://{}\"\nrules = [\n\
         {{ path = \"/open\", public = true }}, {{ path = \"/write\", flags = [\"write\"] }},\n\
         {{ path = \"/x\" }} ]\n",
        upstream.address()
    ));
    gateway.owner("alice");
    let [token, other] =
        ["ci", "cd"].map(|name| gateway.token(json!({ "owner": "alice", "name": name })));
    let ask = |gateway: &Gateway, target: &str, wanted: u16| {
        assert_eq!(gateway.ask(gateway.get(target, &token.secret)).status, wanted, "{target}");
    };
    // A rule is there or is not, its flags are missing, and what nobody asks a token for is nobody's.
    for (target, wanted) in
        [("/x", 200), ("/x", 200), ("/write", 403), ("/none", 403), ("/open", 200)]
    {
        ask(&gateway, target, wanted);
    }
    assert_eq!(days(&gateway, &token, ""), [(2, 2)], "no day before it was made");
    assert_eq!(days(&gateway, &other, ""), [(0, 0)]);

    gateway.clock().advance(Span::from_days(2));
    ask(&gateway, "/x", 200);
    gateway.restart();
    ask(&gateway, "/x", 200);
    assert_eq!(days(&gateway, &token, ""), [(2, 2), (0, 0), (2, 0)]);
    assert_eq!(days(&gateway, &token, "?days=1"), [(2, 0)]);

    // A token that is over is refused, and counts.
    gateway.revoke(token.id);
    ask(&gateway, "/x", 401);
    assert_eq!(days(&gateway, &token, "?days=2"), [(0, 0), (2, 1)]);
    for days in ["0", "91", "-1", "x"] {
        let (status, problem) = gateway.read(&format!("/tokens/{}/usage?days={days}", token.id));
        assert_eq!(status, 400, "{days}: {problem}");
    }
}
