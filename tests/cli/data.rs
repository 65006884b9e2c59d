//! The data as a whole: history, backups, repairs.

use serde_json::{Value, json};

use crate::{Place, files};

#[test]
fn a_history_is_verified_against_a_head_that_was_kept() {
    let place = Place::with_alice();
    let (id, _) = place.token();
    let kept = place.ok(&["history", "head"]);
    assert!(kept.starts_with("4:") && kept.trim_end().len() == 66, "{kept}");
    place.ok(&["token", "revoke", &id]);
    let verified = place.json(&["history", "verify", "--against", &kept]);
    assert_eq!((&verified["position"], &verified["unfinished_bytes"]), (&json!(5), &json!(0)));

    // The last event is cut off, with everything that could tell of it.
    let history = files(&place.path("data/history"));
    let [segment] = history.as_slice() else { panic!("{history:?}") };
    let whole = std::fs::read_to_string(segment).unwrap();
    let (first, _) = whole.split_once('\n').unwrap();
    let later = place.ok(&["history", "head"]);
    std::fs::write(segment, format!("{first}\n")).unwrap();
    std::fs::remove_dir_all(place.path("data/index")).unwrap();
    std::fs::remove_file(place.path("data/checkpoint")).unwrap();
    assert_eq!(place.json(&["history", "verify"])["position"], json!(1));
    for kept in [&kept, &later] {
        let (code, problem) = place.refused(&["history", "verify", "--against", kept]);
        assert_eq!((code, &problem["type"]), (1, &json!("urn:tollgate:problem:other-history")));
    }
    assert_eq!(place.run(&["history", "verify", "--against", "here"]).code, 2);
}

#[test]
fn a_changed_line_of_the_history_is_found() {
    let place = Place::with_alice();
    place.token();
    let segment = files(&place.path("data/history")).remove(0);
    let text = std::fs::read_to_string(&segment).unwrap();
    std::fs::write(&segment, text.replacen("alice", "alicf", 1)).unwrap();
    let outcome = place.run(&["history", "verify"]);
    assert_ne!(outcome.code, 0);
    assert!(outcome.err.contains("is damaged"), "{}", outcome.err);
    assert!(outcome.err.contains("data/history"), "the file is named: {}", outcome.err);
}

#[test]
fn f1_a_backup_makes_the_same_tokens_elsewhere() {
    let place = Place::with_alice();
    let (id, secret) = place.token();
    let backup = place.json(&["backup", "all.backup"]);
    assert_eq!(backup["position"], json!(4));
    let file = std::fs::read(place.path("all.backup")).unwrap();
    assert!(!file.windows(30).any(|window| window == &secret.as_bytes()[3..33]));
    assert_eq!(place.run(&["backup", "all.backup"]).code, 4, "it is not overwritten");
    assert_eq!(place.json(&["restore", "all.backup", "--check"])["events"], json!(4));

    let restored = place.json(&["restore", "all.backup", "--data", "other"]);
    assert_eq!(restored["events"], json!(4));
    let shown = |data: &str| {
        let mut token = place.json(&["token", "show", &id, "--data", data]);
        // Idle windows begin anew.
        token["idle_at"] = Value::Null;
        token["counts_as_used_at"] = Value::Null;
        token
    };
    assert_eq!(shown("other"), shown("data"));
    let kept = place.ok(&["history", "head"]);
    place.ok(&["history", "verify", "--data", "other", "--against", &kept]);
    assert_eq!(place.run(&["restore", "all.backup"]).code, 4, "only into an empty folder");

    std::fs::write(place.path("cut.backup"), &file[..file.len() - 1]).unwrap();
    for arguments in [&["--check"][..], &["--data", "third"]] {
        let outcome = place.run(&[&["restore", "cut.backup"], arguments].concat());
        assert!(outcome.code == 1 && outcome.err.contains("damaged"), "{}", outcome.err);
    }
}

#[test]
fn repair_with_a_damaged_history_leaves_what_works() {
    let place = Place::with_alice();
    let (id, _) = place.token();
    let segment = files(&place.path("data/history")).remove(0);
    let whole = std::fs::read(&segment).unwrap();
    let mut bytes = whole.clone();
    bytes[100] ^= 1;
    std::fs::write(&segment, bytes).unwrap();
    for _ in 0..2 {
        let outcome = place.run(&["repair"]);
        assert_eq!(outcome.code, 1);
        assert!(outcome.err.contains("nothing was changed"), "{}", outcome.err);
        assert_eq!(place.json(&["token", "show", &id])["state"], "active");
    }
    std::fs::write(&segment, whole).unwrap();
    for old in ["index.damaged", "index.damaged.2"] {
        assert_eq!(place.json(&["repair"])["position"], json!(4));
        assert!(place.path("data").join(old).is_dir(), "{old} stays");
    }
}

#[test]
fn repair_goes_on_without_lost_events_only_at_the_word_of_somebody() {
    let place = Place::with_alice();
    let (id, _) = place.token();
    place.ok(&["token", "revoke", &id]);
    let history = files(&place.path("data/history"));
    let [segment] = history.as_slice() else { panic!("{history:?}") };
    let whole = std::fs::read_to_string(segment).unwrap();
    // The revocation is lost, and then everything.
    let two: String = whole.split_inclusive('\n').take(4).collect();
    std::fs::write(segment, two).unwrap();
    let cut = json!("urn:tollgate:problem:history-cut");
    for left in [4, 0] {
        if left == 0 {
            std::fs::write(segment, &whole).unwrap();
            place.ok(&["repair"]);
            std::fs::remove_file(segment).unwrap();
        }
        let (code, problem) = place.refused(&["repair"]);
        assert_eq!((code, &problem["type"]), (1, &cut));
        let detail = problem["detail"].as_str().unwrap();
        let counts = format!("5 events were known, {left} are left");
        assert!(detail.contains(&counts), "{detail}");
        assert!(problem["hint"].as_str().unwrap().contains("--yes"), "{problem}");
    }
    std::fs::remove_dir_all(place.path("data/history")).unwrap();
    std::fs::create_dir(place.path("data/history")).unwrap();
    assert_eq!(place.json(&["repair", "--yes"]), json!({"position": 0, "lost": 5}));
    let told = place.json(&["history"]);
    assert_eq!(told["events"][0]["kind"], "history.cut");
    assert_eq!(told["events"][0]["reason"], "5 events were known, 0 were left");
    assert_eq!(place.json(&["repair"]), json!({"position": 1, "lost": 0}));
}

#[test]
fn the_index_is_built_anew_from_the_history() {
    let place = Place::with_alice();
    let (id, _) = place.token();
    place.ok(&["token", "revoke", &id]);
    std::fs::remove_dir_all(place.path("data/index")).unwrap();
    assert_eq!(place.json(&["repair"])["position"], json!(5));
    assert_eq!(place.json(&["token", "show", &id])["state"], "revoked");
    assert_eq!(place.run(&["repair", "--data", "nowhere"]).code, 5);
}

#[test]
fn a_command_that_builds_the_index_anew_says_so() {
    let place = Place::with_alice();
    std::fs::remove_dir_all(place.path("data/index")).unwrap();
    let outcome = place.run(&["user", "show", "alice"]);
    assert_eq!(outcome.code, 0, "{}", outcome.err);
    let wanted = "index` is not there; building it from the history\n";
    assert!(outcome.err.starts_with("warning: `") && outcome.err.contains(wanted), "{outcome:?}");
    assert!(!outcome.out.contains("warning"), "{outcome:?}");
    assert_eq!(place.run(&["user", "show", "alice"]).err, "", "it is there now");

    std::fs::remove_dir_all(place.path("data/index")).unwrap();
    let outcome = place.run(&["--json", "user", "show", "alice"]);
    let told: Value = serde_json::from_str(outcome.err.lines().next().unwrap()).unwrap();
    assert_eq!((outcome.out.lines().count(), &told["level"]), (1, &json!("ERROR")));
}
