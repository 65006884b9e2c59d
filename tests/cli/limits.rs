//! The limits of a token: typed, shown and taken away.

use serde_json::json;

use crate::Place;

#[test]
fn limits_are_typed_shown_and_taken_away() {
    let place = Place::with_alice();
    let create = ["token", "create", "--owner", "alice", "--name", "ci"];
    let limits = ["--rate", "10/s", "--burst", "20", "--quota", "day=100,month=900", "--uses", "5"];
    let created = place.json(&[&create[..], &limits, &["--concurrent", "2"]].concat());
    let token = &created["token"];
    assert_eq!(
        token["limits"],
        json!({
            "rate": { "requests": 10, "per": "second", "burst": 20 },
            "quotas": { "day": 100, "month": 900 }, "uses": 5, "concurrent": 2
        })
    );
    let left = &token["left"];
    assert_eq!((&left["uses"], &left["quotas"]["day"]["requests"]), (&json!(5), &json!(100)));
    let id = token["id"].as_str().unwrap();
    let shown = place.ok(&["token", "show", id]);
    for line in [
        "10 each second, 20 at once after a pause, 20 now",
        "100 in each day, 100 left, all again in ",
        "900 in each month, 900 left",
        "5 in all, 5 left",
        "2 under way at once, 2 more now",
    ] {
        assert!(shown.contains(line), "{line}: {shown}");
    }
    let update = ["token", "update", id];
    place.ok(&[&update[..], &["--rate", "none", "--quota", "day=none", "--uses", "7"]].concat());
    let limits = &place.json(&["token", "show", id])["limits"];
    assert_eq!(*limits, json!({ "quotas": { "month": 900 }, "uses": 7, "concurrent": 2 }));
    for (typed, told) in [
        (["--uses", "0"], "0 would let nothing through"),
        (["--rate", "10/day"], "is not written as 10/second"),
        (["--quota", "month=1000000000001"], "at most 1000000000000"),
    ] {
        let outcome = place.run(&[&update[..], &typed].concat());
        assert!(outcome.code != 0 && outcome.err.contains(told), "{outcome:?}");
    }
    let changes = place.ok(&["history", "list", "--token", id]);
    assert!(changes.contains("limits: "), "{changes}");
}
