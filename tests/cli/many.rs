//! Acts on many tokens, as they are typed.

use serde_json::{Value, json};

use crate::Place;
use crate::server::{Server, with_token};

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
    let history = place.ok(&["history", "list", "--kind", "token.revoked", "--limit", "1"]);
    assert!(history.contains("left; of 2 tokens with --owner alice"), "{history}");
    for id in [one, two] {
        let token = place.json(&["token", "show", &id]);
        let (how, reason) = (&token["ended"]["how"], &token["ended"]["reason"]);
        assert_eq!((how, reason), (&json!("revoked"), &json!("left")));
    }
    assert_eq!(place.ok(&[&all[..], &["--yes"]].concat()), "0 tokens revoked\n");
    let (code, _) = place.refused(&["token", "revoke-all", "--yes"]);
    assert_eq!(code, 2, "without a filter");
}

/// A company that leaves, beside a running server: shown first, then ended, and refused with the next request. Nobody else
/// is.
#[test]
fn e8_all_tokens_of_a_company_end_after_they_were_shown() {
    let place = Place::empty();
    let server = Server::before_hello(&place);
    let run = |arguments: &[&str]| place.ok(&[&["--data", "d"], arguments].concat());
    run(&["company", "add", "acme"]);
    let token = |owner: &str| {
        let create = ["token", "create", "--owner", owner, "--name", "ci", "--secret-only"];
        run(&create).trim().to_owned()
    };
    for (user, company) in [("alice", "acme"), ("bob", "acme"), ("carol", "other")] {
        run(&["user", "add", user, "--company", company]);
    }
    run(&["user", "add", "dave"]);
    let theirs = ["alice", "alice", "bob"].map(token);
    let others = ["carol", "dave"].map(token);
    let answered = |secrets: &[String]| -> Vec<u16> {
        secrets.iter().map(|secret| with_token(server.address("public"), secret)).collect()
    };
    assert_eq!((answered(&theirs), answered(&others)), (vec![200; 3], vec![200; 2]));

    let all = ["token", "revoke-all", "--company", "acme", "--reason", "left"];
    let shown = place.run(&[&["--data", "d"], &all[..]].concat());
    assert!(shown.out.starts_with("3 tokens would end\n  2 of alice\n  1 of bob\n"), "{shown:?}");
    assert_eq!(answered(&theirs), [200; 3], "nothing was done");
    let (_, word) = shown.err.trim_end().split_once("add `--confirm ").unwrap();
    let confirm = ["--confirm", word.trim_end_matches('`')];
    assert_eq!(run(&[&all[..], &confirm].concat()), "3 tokens revoked\n");
    assert_eq!((answered(&theirs), answered(&others)), (vec![401; 3], vec![200; 2]));
    let history = run(&["history", "list", "--kind", "token.revoked"]);
    assert_eq!(history.matches("left; of 3 tokens with --company acme").count(), 1, "{history}");
    assert_eq!(run(&[&all[..], &["--yes"]].concat()), "0 tokens revoked\n");
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
    assert_eq!(rows[2], ["3", "unknown", "-", "-"], "lines are counted as they stand");
    assert_eq!(outcome.err.trim(), "1 token ended");
    std::fs::write(place.path("found"), format!("{first}\nGET /?key=\"{second}\" {first}\n"))
        .unwrap();
    let told = place.json(&["token", "leak", place.path("found").to_str().unwrap()]);
    assert_eq!(told["secrets"][0]["outcome"], "was_ended");
    assert_eq!(told["secrets"][1]["outcome"], "ended", "in a line of a log");
    assert_eq!(told["secrets"][1]["line"], 2);
    assert_eq!(
        told["secrets"][2],
        Value::Null,
        "the first one stands there twice and is told once"
    );
    let (_, third) = place.token();
    let twice = format!("{third}\ntoken={third}&a=1\n");
    let tried = place.run_with(&["token", "leak", "--dry-run"], &twice);
    assert!(tried.err.trim() == "1 token would end" && !tried.out.contains("already"), "{tried:?}");
    let history = place.ok(&["--json", "history", "list"]);
    assert!(history.contains("token.leaked") && history.contains("in a log"));
    for secret in [&first, &second] {
        for text in [&outcome.out, &outcome.err, &told.to_string(), &history] {
            assert!(!text.contains(secret.as_str()), "sec-L1");
        }
    }
}

/// Row E6: a slip is not told as an end of nothing.
#[test]
fn e6_tokens_of_nobody_are_not_revoked() {
    let place = Place::with_alice();
    for (option, name) in [("--owner", "alcie"), ("--company", "acmee")] {
        for more in [&[][..], &["--yes"]] {
            let all = [&["token", "revoke-all", option, name], more].concat();
            let (_, problem) = place.refused(&all);
            assert_eq!(problem["type"], "urn:tollgate:problem:not-found", "{problem}");
        }
    }
}

#[test]
fn tokens_of_a_spreadsheet_are_read_from_standard_input() {
    let place = Place::with_alice();
    let csv = "owner,name,secret\nalice,old,0f8fad5b-d9cb-469f-a165-70867728950e\n";
    let told = place.run_with(&["token", "import", "-"], csv);
    assert_eq!((told.code, told.out.as_str()), (0, "1 token imported\n"), "{told:?}");
    let told = place.run_with(&["token", "import", "-"], "neither,of,them\n");
    assert!(told.code == 1 && told.out.contains("this is not JSON"), "{told:?}");
}

#[test]
fn tokens_move_to_another_place_and_work_there() {
    let (place, other) = (Place::with_alice(), Place::new());
    let (_, secret) = place.token();
    let create = ["token", "create", "--owner", "alice", "--name", "=cmd()", "--flags=-1"];
    let second = place.json(&create)["secret"].as_str().unwrap().to_owned();
    let csv = place.ok(&["token", "export", "--format", "csv"]);
    assert!(csv.starts_with("owner,name,app,") && csv.contains(",'=cmd(),"), "{csv}");
    assert!(csv.lines().skip(1).all(|line| line.ends_with(',')), "no digests: {csv}");
    let moved = other.path("moved.csv");
    let file = moved.to_str().unwrap();
    let export = ["token", "export", "--format", "csv", "--digests", "--output", file];
    assert_eq!(place.json(&export)["lines"], 3);
    assert_eq!(place.refused(&export).0, 4, "it is there already");
    let told = place.json(&["history", "--kind", "token.exported"]);
    assert_eq!(
        told["events"].as_array().unwrap().len(),
        1,
        "with digests, and none without: {told}"
    );
    let unknown = other.run(&["token", "import", file]);
    assert_eq!(unknown.code, 1, "{unknown:?}");
    assert!(unknown.out.contains("line 2 refused: there is no user `alice`"), "{unknown:?}");
    let dry = ["token", "import", file, "--create-users", "--dry-run"];
    assert_eq!(other.ok(&dry), "2 tokens would be imported\n");
    assert_eq!(other.ok(&dry[..4]), "2 tokens imported\n");
    let list = other.json(&["token", "list", "--flags=-1"]);
    assert_eq!(list["tokens"][0]["name"], "=cmd()");
    // By their digests they are known.
    let tried =
        other.run_with(&["token", "leak", "--dry-run", "-"], &format!("{secret}\n{second}\n"));
    assert_eq!(tried.err.trim(), "2 tokens would end", "{}", tried.out);
    let leak = other.run_with(&["token", "leak"], &format!("{secret}\n{second}\n"));
    assert_eq!(leak.err.trim(), "2 tokens ended");
    let again = other.run(&["--json", "token", "import", file]);
    assert_eq!(again.out.matches("\"outcome\":\"refused\"").count(), 2, "{again:?}");
    let lines =
        "{\"owner\":\"alice\",\"name\":\"x\",\"secret\":\"0f8fad5b-d9cb-469f-a165\"}\n\nno\n";
    let dash = other.run_with(&["token", "import", "-", "--dry-run"], lines);
    assert!(dash.err.contains("1 token would be imported, but 1 refused"), "{dash:?}");
    let some = other.run_with(&["token", "import"], lines);
    assert!(some.out.contains("line 3 refused: this is not JSON"), "{some:?}");
    assert!(some.err.contains("1 token imported, but 1 refused"), "{some:?}");
    let ragged =
        "owner,name,secret\nalice,one\nalice,two,0f8fad5b-d9cb-469f-a166\nalice,three,x,y\n";
    let csv = other.run_with(&["token", "import", "-", "--format", "csv"], ragged);
    for line in ["line 2 refused: 2 cells, not 3", "line 4 refused: 4 cells, not 3"] {
        assert!(csv.out.contains(line), "{csv:?}");
    }
    assert!(csv.err.contains("1 token imported, but 2 refused"), "{csv:?}");
}

/// A run that only tries says of each line what becomes of it, however many batches lie between two with one secret.
#[test]
fn a_dry_run_finds_what_stands_twice_in_a_long_file() {
    let place = Place::with_alice();
    let secret = |nth: usize| format!("secret-of-another-system-{nth:04}");
    let digest = tollgate::domain::secret::Digest::of(secret(7).as_bytes()).to_hex();
    let mut lines: Vec<_> = (0..650)
        .map(|nth| json!({"owner": "alice", "name": "x", "secret": secret(nth)}).to_string())
        .collect();
    // The same in another batch, by its digest, and twice in one batch; one of which the first is refused.
    lines[320] = json!({"owner": "alice", "name": "x", "secret": secret(3)}).to_string();
    lines[640] = json!({"owner": "alice", "name": "x", "digest": digest}).to_string();
    lines[401] = lines[400].clone();
    lines[10] = json!({"owner": "nobody", "name": "x", "secret": secret(10)}).to_string();
    lines[500] = json!({"owner": "alice", "name": "x", "secret": secret(10)}).to_string();
    let file = place.path("keys.jsonl");
    std::fs::write(&file, lines.join("\n")).unwrap();
    let file = file.to_str().unwrap();
    let tried = place.run(&["token", "import", file, "--dry-run"]);
    let refused = |out: &str| -> Vec<String> {
        let lines = out.lines().filter_map(|line| line.strip_prefix("line "));
        lines.map(|line| line.split(' ').next().unwrap().to_owned()).collect()
    };
    assert_eq!(refused(&tried.out), ["11", "321", "402", "641"], "{}", tried.out);
    for told in [
        "line 321 refused: line 4 has the same secret",
        "line 641 refused: line 8 has the same secret",
    ] {
        assert!(tried.out.contains(told), "{}", tried.out);
    }
    assert!(tried.err.contains("646 tokens would be imported, but 4 refused"), "{}", tried.err);
    // What it says is what then happens.
    let done = place.run(&["token", "import", file]);
    assert_eq!(refused(&done.out), refused(&tried.out), "{}", done.out);
    assert!(done.err.contains("646 tokens imported, but 4 refused"), "{}", done.err);
}

#[test]
fn an_overview_counts_tokens_users_and_requests() {
    let place = Place::empty();
    place.ok(&["user", "add", "alice", "--data", "d"]);
    let create = ["token", "create", "--data", "d", "--owner", "alice", "--name", "ci"];
    let secret = place.ok(&[&create[..], &["--secret-only", "--lifetime", "2d"]].concat());
    let alone = place.ok(&["overview", "--data", "d"]);
    assert!(alone.contains("no server runs"), "{alone}");
    let overview = place.json(&["overview", "--data", "d"]);
    assert_eq!(overview["requests"], json!(null));
    let tokens = &overview["tokens"];
    assert_eq!((&tokens["active"], &tokens["never_used"]), (&json!(1), &json!(1)));
    assert_eq!((&tokens["end_within_3_days"], &tokens["end_within_1_day"]), (&json!(1), &json!(0)));

    let server = Server::before_hello(&place);
    assert_eq!(with_token(server.address("public"), secret.trim()), 200);
    assert_eq!(with_token(server.address("public"), &"x".repeat(20)), 401);
    let requests = &place.json(&["overview", "--data", "d"])["requests"];
    assert_eq!(requests["outcomes"]["2xx"], 1, "{requests}");
    let refused: u64 =
        requests["refusals"].as_object().unwrap().values().map(|n| n.as_u64().unwrap()).sum();
    assert_eq!(refused, 1, "{requests}");
    let shown = place.ok(&["overview", "--data", "d"]);
    assert!(shown.contains("requests since") && shown.contains("  2xx  1"), "{shown}");
}
