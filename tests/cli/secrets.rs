//! Secrets are shown once, and never lie about.

use crate::{Place, files};

#[test]
fn f1_no_file_and_no_later_answer_holds_a_secret() {
    let place = Place::with_alice();
    let brought = "0f8fad5b-d9cb-469f-a165-70867728950e";
    let create = ["token", "create", "--owner", "alice", "--name", "old", "--secret-stdin"];
    let outcome = place.run_with(&create, &format!("{brought}\n"));
    assert_eq!((outcome.code, outcome.out.contains(brought)), (0, false), "{}", outcome.err);
    let (id, secret) = place.token();

    let random = &secret[3..33];
    for arguments in [
        &["token", "show", &id][..],
        &["token", "list"],
        &["token", "update", &id, "--name", "x"],
        &["token", "revoke", &id],
        &["history"],
        &["status"],
    ] {
        for out in [place.ok(arguments), place.json(arguments).to_string()] {
            assert!(!out.contains(random) && !out.contains(brought), "{arguments:?}: {out}");
        }
    }
    let mut seen = 0;
    for file in files(place.path("data").as_path()) {
        let bytes = std::fs::read(&file).unwrap();
        seen += bytes.len();
        for secret in [random, brought] {
            let found = bytes.windows(secret.len()).any(|window| window == secret.as_bytes());
            assert!(!found, "a secret stands in {}", file.display());
        }
    }
    assert!(seen > 1_000, "the data was not found");
}

#[test]
fn a_secret_is_read_from_a_file_or_standard_input_alone() {
    let place = Place::with_alice();
    let secret = "bnVtYmVyIG9uZSB0b2tlbg==";
    std::fs::write(place.path("secret"), format!("{secret}\n")).unwrap();
    let create = ["token", "create", "--owner", "alice", "--name", "a", "--secret-file", "secret"];
    let outcome = place.run(&create);
    assert_eq!(outcome.code, 0, "{}", outcome.err);
    assert!(outcome.out.contains("…bg=="), "{}", outcome.out);
    let again = place.refused(&create);
    assert_eq!((again.0, again.1["field"].as_str()), (4, Some("secret")));
    for input in ["", "\n", "one\ntwo\n"] {
        let create = ["token", "create", "--owner", "alice", "--name", "b", "--secret-stdin"];
        assert_eq!(place.run_with(&create, input).code, 2, "{input:?}");
    }
}

#[test]
fn only_the_secret_can_be_printed_for_scripts() {
    let place = Place::with_alice();
    let out = place.ok(&["token", "create", "--owner", "alice", "--name", "a", "--secret-only"]);
    assert!(out.starts_with("tg_") && out.len() == 40, "{out}");
}

#[test]
fn a_secret_in_the_place_of_an_id_is_not_repeated() {
    let place = Place::with_alice();
    let (_, secret) = place.token();
    let outcome = place.run(&["token", "show", &secret]);
    assert_eq!(outcome.code, 2);
    assert!(!outcome.err.contains(&secret[3..]), "{}", outcome.err);
}

/// A configuration with a secret parameter, whose master key is where `init` put it.
fn with_secret_parameter() -> Place {
    let place = Place::with_alice();
    let text = std::fs::read_to_string(place.path("tollgate.toml")).unwrap();
    let text =
        text.replace("127.0.0.1:8080", "127.0.0.1:0").replace("127.0.0.1:8081", "127.0.0.1:0");
    let secret = "\n[contexts.telegram.params.bot_token]\nsecret = true\nheader = \"X-Bot\"\n";
    std::fs::write(place.path("tollgate.toml"), text + secret).unwrap();
    place
}

#[test]
fn f7_secret_parameters_without_a_key_are_noticed_before_any_request() {
    use std::os::unix::fs::PermissionsExt as _;

    let place = with_secret_parameter();
    place.ok(&["check"]);
    let config = std::fs::read_to_string(place.path("tollgate.toml")).unwrap();
    let name = config.lines().find_map(|line| line.strip_prefix("master_key = \"file:"));
    let key = place.path(name.unwrap().trim_end_matches('"'));
    let good = std::fs::read(&key).unwrap();
    let refused = |what: &str, remedy: &str| {
        for command in [&["check"][..], &["serve"]] {
            let (code, problem) = place.refused(command);
            assert_eq!(code, 2, "{command:?}: {problem}");
            assert_eq!(problem["type"], "urn:tollgate:problem:no-master-key");
            let (detail, hint) = (problem["detail"].as_str().unwrap(), problem["hint"].as_str());
            let file = key.file_name().unwrap().to_str().unwrap();
            assert!(detail.contains(what) && detail.contains(file), "{problem}");
            assert!(hint.unwrap().contains(remedy), "{problem}");
        }
    };
    let set_mode = |mode| {
        std::fs::set_permissions(&key, std::fs::Permissions::from_mode(mode)).unwrap();
    };
    set_mode(0o644);
    refused("can be read by others (mode 0644)", "chmod 600");
    set_mode(0o600);
    std::fs::write(&key, "garbage").unwrap();
    refused("is not 64 hexadecimal digits", "copy");
    std::fs::remove_file(&key).unwrap();
    refused("is not there", "openssl rand -hex 32");
    std::fs::write(place.path("bot"), "123:abc").unwrap();
    let param = ["--contexts", "telegram", "--param-file", "telegram.bot_token=bot"];
    let create = [&["token", "create", "--owner", "alice", "--name", "x"][..], &param].concat();
    let (code, problem) = place.refused(&create);
    assert_eq!(code, 1, "{problem}");
    assert!(problem["hint"].as_str().unwrap().contains("openssl rand"), "{problem}");
    // Whoever follows the hint gets a key that is taken.
    std::fs::write(&key, good).unwrap();
    set_mode(0o600);
    place.ok(&["check"]);
    let config = config.replace("secret = true\n", "");
    std::fs::write(place.path("tollgate.toml"), config).unwrap();
    std::fs::remove_file(&key).unwrap();
    place.ok(&["check"]);
}

/// Row F7: a sealed parameter is taken away, and an upstream is told it no more.
#[test]
fn f7_a_sealed_parameter_is_taken_away() {
    let place = with_secret_parameter();
    std::fs::write(place.path("bot"), "123:abc").unwrap();
    let param = ["--contexts", "telegram", "--param-file", "telegram.bot_token=bot"];
    let create = [&["token", "create", "--owner", "alice", "--name", "x"][..], &param].concat();
    let token = place.json(&create)["token"].clone();
    let sealed = serde_json::json!({"telegram": {"bot_token": {"sealed": true}}});
    assert_eq!(token["context_params"], sealed);
    let id = token["id"].as_str().unwrap();
    let (code, problem) = place.refused(&["token", "update", id, "--drop-param", "bot_token"]);
    assert!(code == 2 && problem["detail"].as_str().unwrap().contains("CONTEXT.NAME"), "{problem}");
    let update = ["token", "update", id, "--drop-param", "telegram.bot_token"];
    let changed = place.json(&update);
    assert_eq!(
        (&changed["changed"], &changed["token"]["context_params"]),
        (&true.into(), &serde_json::json!({}))
    );
    assert_eq!(place.json(&update)["changed"], false, "there is none any more");
    let told = place.ok(&["history", "list", "--token", id]);
    assert!(
        told.contains("telegram.bot_token: hidden -> none")
            && !told.contains("123:abc")
            && !told.contains("v1."),
        "{told}"
    );
}
