//! The first administrator: the password is printed once by `init`, opens the real administrative address, and stands
//! nowhere afterwards (row F1).

use std::fs::File;

use serde_json::{Value, json};

use crate::server::Server;
use crate::{Place, files, signed_in};

#[test]
fn f1_the_first_administrator_signs_in_with_what_init_printed_once() {
    let place = Place::empty();
    let made = place.run(&["init", "--administrator", "chief"]);
    assert_eq!((made.code, made.err.as_str()), (0, ""), "{made:?}");
    let (_, behind) = made.out.split_once("never shown again: ").unwrap();
    let password = behind.lines().next().unwrap();
    assert!(password.len() == 24 && made.out.matches(password).count() == 1, "{made:?}");

    let config = std::fs::read_to_string(place.path("tollgate.toml")).unwrap();
    let anywhere =
        config.replace("127.0.0.1:8080", "127.0.0.1:0").replace("127.0.0.1:8081", "127.0.0.1:0");
    let all_logs = "\n[telemetry]\nfilter = \"trace\"\naccess_log = true\n";
    std::fs::write(place.path("tollgate.toml"), anywhere + all_logs).unwrap();
    let mut command = place.command(&["--json", "serve"]);
    command.stderr(File::create(place.path("log")).unwrap());
    let mut server = Server::run(command);
    let admin = server.address("admin").to_string();
    let sign_in = |user: &str, password: &str| {
        signed_in(&json!({"admin": admin, "administrator": {"user": user, "password": password}}))
    };
    assert_eq!(sign_in("chief", &password.to_ascii_uppercase()), 401, "not another one");
    assert_eq!(sign_in("root", password), 401, "nobody else");
    assert_eq!(sign_in("chief", password), 200);

    // A second one is refused, prints none, and changes nothing.
    for more in [&[][..], &["--json"], &["--administrator", "other"]] {
        let again = place.run(&[&["init"], more].concat());
        assert_eq!((again.code, again.out.as_str()), (4, ""), "{again:?}");
        assert!(
            again.err.contains("exists already") && !again.err.contains("password"),
            "{again:?}"
        );
    }
    assert_eq!(sign_in("chief", password), 200);
    let users: Value = place.json(&["user", "list"]);
    assert_eq!(users["users"].as_array().unwrap().len(), 1, "{users}");

    for arguments in [
        &["user", "show", "chief"][..],
        &["user", "list"],
        &["history"],
        &["overview"],
        &["status"],
        &["check"],
        &["backup", "all.backup"],
    ] {
        let told = [place.ok(arguments), place.run(&[&["--json"], arguments].concat()).out];
        assert!(told.iter().all(|text| !text.contains(password)), "{arguments:?}: {told:?}");
    }
    assert_eq!(server.stop(), 0);
    let (mut seen, kept) = (0, files(&place.path(".")));
    for file in &kept {
        let bytes = std::fs::read(file).unwrap();
        seen += bytes.len();
        let found = bytes.windows(password.len()).any(|part| part == password.as_bytes());
        assert!(!found, "the password stands in {}", file.display());
    }
    let log = std::fs::read_to_string(place.path("log")).unwrap();
    assert!(log.contains("stopped in order") && seen > 5_000, "{} files, {log}", kept.len());
}
