//! Who is let in at the administrative address, and for how long: rows sec-W3 and sec-W4.

use std::process::Command;

use serde_json::json;

use super::desk;
use crate::support::desk::{GOOD, Person, cookie, send, sent};
use crate::support::program::Program;

const FORM: &str = "application/x-www-form-urlencoded";

#[test]
fn sec_w3_a_session_is_new_at_each_sign_in_and_dead_once_it_is_over() {
    let program = desk();
    let admin = program.admin();
    let sign_in = |cookie: &str| {
        let fields = format!("Cookie: {cookie}\r\n");
        let got =
            send(admin, "POST /session", &fields, &json!({"user": "alice", "password": GOOD}));
        assert_eq!(got.status, 200, "{}", got.text());
        got
    };
    let seen = |cookie: &str| {
        let fields = format!("Cookie: {cookie}\r\n");
        let api = sent(admin, "GET /api/v1/tokens", &fields, "").status;
        let page = sent(admin, "GET /tokens", &fields, "").status;
        assert!(matches!((api, page), (200, 200) | (401, 303)), "{api} {page}");
        api == 200
    };
    // One that somebody put there is none, before and after.
    let preset = "__Host-tollgate=AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";
    assert!(!seen(preset));
    let first = sign_in(preset);
    let line = first.value("set-cookie").unwrap();
    for part in ["__Host-tollgate=", "; Path=/", "; Secure", "; HttpOnly", "; SameSite=Strict"] {
        assert!(line.contains(part), "{line}");
    }
    assert!(!line.contains("Domain"), "{line}");
    let first = cookie(&first);
    assert!(first != preset && seen(&first) && !seen(preset));
    // Signing in again ends the session of before; over a form too.
    let second = cookie(&sign_in(&first));
    assert!(second != first && seen(&second) && !seen(&first));
    let form = format!("user=alice&password={}", GOOD.replace(' ', "+"));
    let fields = format!("Cookie: {second}\r\nContent-Type: {FORM}\r\n");
    let third = sent(admin, "POST /sign-in", &fields, &form);
    assert!(third.value("set-cookie").unwrap().ends_with("; Secure; HttpOnly; SameSite=Strict"));
    let third = cookie(&third);
    assert!(seen(&third) && !seen(&second));
    // Signing out, by either way.
    let alice = Person::sign_in(&program, "alice");
    assert_eq!(alice.ask("DELETE /session", json!({})).status, 204);
    assert!(!seen(&alice.cookie));
    let alice = Person::sign_in(&program, "alice");
    assert_eq!(alice.form("/sign-out", "").status, 303);
    assert!(!seen(&alice.cookie) && seen(&third), "only that one");
    // A block, also once it is lifted; another password; a restart.
    let root = Person::sign_in(&program, "root");
    let gone = Person::sign_in(&program, "alice");
    for act in ["block", "unblock"] {
        root.ask(&format!("POST /users/alice/{act}"), json!({}));
        assert!(!seen(&gone.cookie) && !seen(&third), "{act}");
    }
    let gone = Person::sign_in(&program, "alice");
    program.succeed(&["user", "password", "alice"], &format!("another {GOOD}\n"));
    assert!(!seen(&gone.cookie));
    let mut program = program;
    program.crash(|| ());
    let fields = format!("Cookie: {}\r\n", root.cookie);
    assert_eq!(sent(program.admin(), "GET /api/v1/tokens", &fields, "").status, 401);
}

/// Nobody guesses a password in a browser or by `/api/v1`, and what is said tells neither the name nor the password.
#[test]
fn sec_w3_signing_in_is_throttled() {
    let program = desk();
    let admin = program.admin();
    let sign_in = |user: &str, password: &str| {
        send(admin, "POST /session", "", &json!({"user": user, "password": password}))
    };
    let (wrong, nobody) = (sign_in("alice", "not this one"), sign_in("nobody", GOOD));
    assert_eq!((wrong.status, nobody.status, &wrong.body), (401, 401, &nobody.body));
    assert_eq!(wrong.value("set-cookie"), None);
    let late = (0..20).map(|_| sign_in("alice", "not this one")).find(|got| got.status != 401);
    let late = late.unwrap();
    assert_eq!(late.status, 429, "{}", late.text());
    assert!(late.value("retry-after").unwrap().parse::<u64>().unwrap() > 0);
    assert_eq!(sign_in("alice", GOOD).status, 429, "the right one is not looked at either");
    let form = sent(
        admin,
        "POST /sign-in",
        &format!("Content-Type: {FORM}\r\n"),
        &format!("user=alice&password={}", GOOD.replace(' ', "+")),
    );
    assert_eq!((form.status, form.value("set-cookie")), (429, None));
}

#[test]
fn sec_w4_there_is_no_password_by_default_and_no_open_address_unasked() {
    let folder = tempfile::tempdir().unwrap();
    let serve = |text: &str| {
        let config = folder.path().join("tollgate.toml");
        std::fs::write(&config, text).unwrap();
        let mut command = Command::new(env!("CARGO_BIN_EXE_tollgate"));
        command.current_dir(folder.path()).arg("--config").arg(config).arg("serve");
        let told = command.output().unwrap();
        (told.status.code(), String::from_utf8_lossy(&told.stderr).into_owned())
    };
    for address in ["0.0.0.0:0", "[::]:0", "192.0.2.1:0", "[::ffff:192.0.2.1]:0"] {
        let (code, told) = serve(&format!("[listen]\nadmin = \"{address}\"\n"));
        assert_eq!(code, Some(2), "{address}: {told}");
        assert!(told.contains("is open to other machines"), "{address}: {told}");
    }
    assert!(!folder.path().join("data").exists(), "nothing was begun");
    // A server that was told nothing has nobody who could sign in, whatever is tried.
    let program = Program::start(
        "[[apis]]\nname = \"api\"\nupstream = \"http://127.0.0.1:9\"\nrules = [{ path = \"/x\" }]\n",
    );
    let admin = program.admin();
    assert!(admin.ip().is_loopback());
    for (user, password) in [("admin", "admin"), ("root", ""), ("tollgate", "tollgate"), ("", "")] {
        let got = send(admin, "POST /session", "", &json!({"user": user, "password": password}));
        assert!([400, 401].contains(&got.status), "{user}: {}", got.status);
    }
    for key in ["edd1c9f034335f136f87ad84b625c8f1", "tg_", "-", "admin"] {
        let fields = format!("Authorization: Bearer {key}\r\nX-API-KEY: {key}\r\n");
        assert_eq!(send(admin, "GET /tokens", &fields, &json!({})).status, 401, "{key}");
    }
    // An administrator without a password signs in with none.
    program.succeed(&["user", "add", "chief", "--role", "administrator"], "");
    for password in ["", "chief", "null"] {
        let got = send(admin, "POST /session", "", &json!({"user": "chief", "password": password}));
        assert_eq!(got.status, 401, "{password}");
    }
}
