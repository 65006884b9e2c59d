//! Acts on many tokens, as they are typed.

use serde_json::json;

use crate::Place;

#[test]
fn e9_all_tokens_of_a_user_end_after_they_were_shown() {
    let place = Place::with_alice();
    let (one, two) = (place.token().0, place.token().0);
    let all = ["token", "revoke-all", "--owner", "alice"];
    let plan = place.json(&all);
    assert_eq!((&plan["tokens"], &plan["owners"][0]["owner"]), (&json!(2), &json!("alice")));
    let word = plan["confirm"].as_str().unwrap();
    let shown = place.run(&all);
    assert!(shown.out.starts_with("2 tokens would end\n  2 of alice\n"), "{shown:?}");
    assert!(shown.err.contains("add `--confirm 2-"), "{shown:?}");
    let late = place.token().0;
    let act = [&all[..], &["--reason", "left", "--confirm", word]].concat();
    let (code, refused) = place.refused(&act);
    assert_eq!((code, &refused["type"]), (4, &json!("urn:tollgate:problem:not-as-shown")));
    place.ok(&["token", "revoke", &late]);
    assert_eq!(place.ok(&act), "2 tokens revoked\n");
    for id in [one, two] {
        let token = place.json(&["token", "show", &id]);
        let (how, reason) = (&token["ended"]["how"], &token["ended"]["reason"]);
        assert_eq!((how, reason), (&json!("revoked"), &json!("left")));
    }
    assert_eq!(place.ok(&[&all[..], &["--yes"]].concat()), "0 tokens revoked\n");
    let (code, _) = place.refused(&["token", "revoke-all", "--yes"]);
    assert_eq!(code, 2, "without a filter");
}

#[test]
fn leaked_secrets_are_read_and_never_told() {
    let place = Place::with_alice();
    let ((one, first), (_, second)) = (place.token(), place.token());
    let outcome = place.run_with(
        &["token", "leak", "--reason", "in a log"],
        &format!("{first}\n\n  nothing-that-is-ours \n"),
    );
    assert_eq!(outcome.code, 0, "{outcome:?}");
    let rows: Vec<Vec<_>> =
        outcome.out.lines().map(|line| line.split_whitespace().collect()).collect();
    assert_eq!(rows[1], ["1", "ended", &one, "alice"]);
    assert_eq!(rows[2], ["2", "unknown", "-", "-"]);
    assert_eq!(outcome.err.trim(), "1 token ended");
    std::fs::write(place.path("found"), format!("{first}\n{second}\n")).unwrap();
    let told = place.json(&["token", "leak", place.path("found").to_str().unwrap()]);
    assert_eq!(told["secrets"][0]["outcome"], "was_ended");
    assert_eq!(told["secrets"][1]["outcome"], "ended");
    let history = place.ok(&["--json", "history", "list"]);
    assert!(history.contains("token.leaked") && history.contains("in a log"));
    for secret in [&first, &second] {
        for text in [&outcome.out, &outcome.err, &told.to_string(), &history] {
            assert!(!text.contains(secret.as_str()), "sec-L1");
        }
    }
}
