//! Which server a command asks: the one of the configuration that is named, and never another.

use std::process::Command;

use serde_json::json;

use crate::Place;
use crate::server::{Server, hello};

/// A server over the folder `data`, which is what is meant where nothing is named.
fn of_data(place: &Place) -> Server {
    let url = format!("http://{}", hello());
    let serve = ["--json", "serve", "--upstream", &url, "--listen", "127.0.0.1:0"];
    let serve = [&serve[..], &["--admin", "127.0.0.1:0", "--data", "data"]].concat();
    Server::start(place, &serve)
}

/// A server of the file `other/tollgate.toml`, and its text.
fn of_file(place: &Place) -> (Server, String) {
    let text = format!(
        "listen = {{ public = \"127.0.0.1:0\", admin = \"127.0.0.1:0\" }}\n\
         store = {{ path = \"here\" }}\n[[apis]]\nname = \"a\"\nupstream = \"http://{}\"\n\
         rules = [{{ path = \"/x\" }}]\n",
        hello()
    );
    std::fs::create_dir(place.path("other")).unwrap();
    std::fs::write(place.path("other/tollgate.toml"), &text).unwrap();
    (Server::start(place, &["--json", "--config", "other/tollgate.toml", "serve"]), text)
}

fn users(place: &Place, of: &[&str]) -> String {
    place.ok(&[of, &["user", "list"]].concat())
}

#[test]
fn a_named_configuration_that_is_missing_or_broken_leads_to_no_other_server() {
    let place = Place::empty();
    let _server = of_data(&place);
    place.ok(&["--data", "data", "user", "add", "alice"]);
    for (name, text) in [
        ("missing.toml", None),
        ("broken.toml", Some("[listen]\npublik = \"127.0.0.1:1\"\n")),
        ("elsewhere.toml", Some("[store]\npath = \"nobody\"\nx = 1\n")),
        ("no.toml", Some("what is this\n[store]\npath = \"data\"\n")),
    ] {
        if let Some(text) = text {
            std::fs::write(place.path(name), text).unwrap();
        }
        let by_variable = |arguments: &[&str]| -> Command {
            let mut command = place.command(arguments);
            command.env("TOLLGATE_CONFIG", name);
            command
        };
        let add = ["user", "add", "mallory"];
        let typed = place.run(&[&["--config", name], &add[..]].concat());
        let variable = Place::outcome(by_variable(&add), &add, "");
        for outcome in [typed, variable] {
            assert_eq!(outcome.code, 2, "{name}: {outcome:?}");
            assert!(outcome.err.contains(name), "{outcome:?}");
        }
    }
    assert_eq!(users(&place, &["--data", "data"]).matches("mallory").count(), 0);
}

#[test]
fn a_file_with_mistakes_leads_to_the_server_that_it_names_with_a_note() {
    let place = Place::empty();
    let _data = of_data(&place);
    let (_server, text) = of_file(&place);
    place.ok(&["--config", "other/tollgate.toml", "user", "add", "alice"]);
    let named = ["--config", "other/tollgate.toml"];
    for broken in [text.replace("/x", "x"), text + "[[apis]\n"] {
        std::fs::write(place.path("other/tollgate.toml"), broken).unwrap();
        let outcome = place.run(&[&named[..], &["user", "list"]].concat());
        assert_eq!((outcome.code, outcome.out.contains("alice")), (0, true), "{outcome:?}");
        let socket = "other/here/tollgate.sock";
        assert!(outcome.err.starts_with("note: "), "{outcome:?}");
        assert!(outcome.err.contains(socket) && outcome.err.contains("tollgate check"));
    }
    place.ok(&[&named[..], &["user", "block", "alice"]].concat());
    assert_eq!(users(&place, &["--data", "data"]).matches("alice").count(), 0);
    let (code, problem) = place.refused(&["--config", "other/none.toml", "user", "list"]);
    assert_eq!((code, &problem["type"]), (2, &json!("urn:tollgate:problem:bad-config")));
}
