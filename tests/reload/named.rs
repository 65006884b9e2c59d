//! Files that a configuration names: a refused one is taken once they are mended, and nothing else has to be touched.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use serde_json::json;
use tollgate::clock::instant;

use crate::support::PATIENCE;
use crate::support::client::Client;
use crate::support::tls::authority;
use crate::{Shop, rewrite};

/// Waits until so many configurations were not taken, and so much of it was told.
fn is_refused(shop: &Shop, times: u64, told: &str) {
    let until = instant() + PATIENCE;
    let said = || String::from_utf8(shop.program.printed()).unwrap();
    while shop.failures() < times || !said().contains(told) {
        assert!(instant() < until, "never refused for `{told}`: {}", said());
    }
}

fn put(file: &Path, text: &str, mode: u32) {
    fs::create_dir_all(file.parent().unwrap()).unwrap();
    let fresh = file.with_extension("fresh");
    fs::write(&fresh, text).unwrap();
    fs::set_permissions(&fresh, fs::Permissions::from_mode(mode)).unwrap();
    fs::rename(fresh, file).unwrap();
}

/// The same configuration, with other lines in front of its first API, and with the rule `/new`.
fn name_in(shop: &Shop, lines: &str) {
    let text = fs::read_to_string(shop.program.source()).unwrap();
    assert!(text.contains("/old") && text.contains("[[apis]]"), "{text}");
    let text = text.replace("/old", "/new").replacen("[[apis]]", &format!("{lines}[[apis]]"), 1);
    put(shop.program.source(), &text, 0o644);
}

const CALLER: &str = "[[apis]]\nname = \"far\"\npath = \"/far\"\nupstream = \"https://far.example\"\n\
                      upstream_ca = \"of/others/ca.pem\"\n[[apis.rules]]\npath = \"/far\"\n";

#[test]
fn a_certificate_that_comes_later_is_enough() {
    let shop = Shop::start();
    let mut client = Client::connect(shop.program.public());
    name_in(&shop, CALLER);
    is_refused(&shop, 1, "ca.pem` cannot be read");
    let file = shop.program.folder().join("of/others/ca.pem");
    // Its folder is not there either, and what comes into it is bad at first.
    put(&file, "no pem", 0o644);
    is_refused(&shop, 2, "ca.pem` holds no certificate");
    assert_eq!(shop.status(&mut client, "/old"), 200);
    put(&file, &authority().pem(), 0o644);
    shop.until(&mut client, "/new", 403, 200);
    assert_eq!(shop.failures(), 2, "what is the same was told again");
    // From now on it is a file of the configuration in force, and one that goes changes nothing.
    fs::rename(&file, file.with_extension("old")).unwrap();
    rewrite(shop.program.source(), "\"/new\"", "\"/newer\"");
    is_refused(&shop, 3, "ca.pem` cannot be read");
    fs::rename(file.with_extension("old"), &file).unwrap();
    shop.until(&mut client, "/newer", 403, 200);
}

/// What is wrong with a file that a webhook needs is told with the line that names it, to whoever reloads and in the log.
#[test]
fn a_file_of_webhooks_that_cannot_be_used_is_told_where_it_is_named() {
    let hook =
        "[[webhooks]]\nname = \"chat\"\nurl = \"https://hooks.example/\"\nsecret = \"file:s\"\n";
    let ca = "[egress]\nca = \"ca.pem\"\n";
    for (lines, named, value, said) in [
        (hook, "secret = \"file:s\"", "file:s", "`chat` cannot sign"),
        (ca, "ca = \"ca.pem\"", "ca.pem", "ca.pem` cannot be read"),
    ] {
        let shop = Shop::start();
        name_in(&shop, lines);
        let text = fs::read_to_string(shop.program.source()).unwrap();
        let line = 1 + text.lines().position(|line| line == named).unwrap();
        let column = 1 + named.find(value).unwrap();
        let gutter = " ".repeat(line.to_string().len());
        let place = [
            format!("{gutter}--> {}:{line}:{column}", shop.program.source().display()),
            format!("{line} | {named}"),
            format!("{gutter} | {}{}", " ".repeat(column - 1), "^".repeat(value.len())),
        ];
        let output = shop.program.run(&["--json", "reload"], "");
        let problem: serde_json::Value = serde_json::from_slice(&output.stderr).unwrap();
        let mistake = &problem["mistakes"][0];
        assert_eq!((&mistake["line"], &mistake["column"]), (&json!(line), &json!(column)));
        assert!(mistake["message"].as_str().unwrap().contains(said), "{problem}");
        let output = shop.program.run(&["reload"], "");
        let told = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(2), "{told}");
        assert!(told.starts_with("error: ") && told.contains(said), "{told}");
        for part in &place {
            assert!(told.lines().any(|line| line == part), "{part:?} in {told}");
            // The file was followed, too.
            is_refused(&shop, 1, part);
        }
    }
}

#[test]
fn a_secret_that_comes_later_or_is_closed_to_others_is_enough() {
    let shop = Shop::start();
    let mut client = Client::connect(shop.program.public());
    let hook =
        "[[webhooks]]\nname = \"chat\"\nurl = \"https://hooks.example/\"\nsecret = \"file:s\"\n";
    name_in(&shop, hook);
    is_refused(&shop, 1, "`chat` cannot sign");
    let file = shop.program.folder().join("s");
    put(&file, "a-secret-that-is-long-enough-but-open", 0o644);
    is_refused(&shop, 2, "can be read by others");
    assert_eq!(shop.status(&mut client, "/old"), 200);
    fs::set_permissions(&file, fs::Permissions::from_mode(0o600)).unwrap();
    shop.until(&mut client, "/new", 403, 200);
    assert_eq!(shop.failures(), 2);
}

#[test]
fn a_file_of_another_name_is_found_whichever_is_changed_first() {
    let shop = Shop::start();
    let mut client = Client::connect(shop.program.public());
    let file = shop.program.folder().join("of/others/ca.pem");
    put(&file, &authority().pem(), 0o644);
    name_in(&shop, CALLER);
    shop.until(&mut client, "/new", 403, 200);
    // First the file, then the configuration.
    fs::rename(&file, file.with_file_name("cb.pem")).unwrap();
    let text = fs::read_to_string(shop.program.source()).unwrap();
    let text = text.replace("ca.pem", "cb.pem").replace("\"/new\"", "\"/newer\"");
    put(shop.program.source(), &text, 0o644);
    shop.until(&mut client, "/newer", 403, 200);
    // First the configuration, then the file.
    let text = text.replace("cb.pem", "cc.pem").replace("\"/newer\"", "\"/newest\"");
    put(shop.program.source(), &text, 0o644);
    is_refused(&shop, 1, "cc.pem` cannot be read");
    fs::rename(file.with_file_name("cb.pem"), file.with_file_name("cc.pem")).unwrap();
    shop.until(&mut client, "/newest", 403, 200);
}
