//! A person at the administrative address, as far as the server can tell: a session, its acts in `/api/v1`, its
//! pages and their forms.

use std::net::SocketAddr;

use serde_json::{Value, json};

use super::client::{self, Answer};
use super::program::Program;

/// The password of everybody.
pub const GOOD: &str = "correct horse battery";

/// Somebody who has signed in.
pub struct Person {
    admin: SocketAddr,
    /// The cookie of the session, as it is sent back.
    pub cookie: String,
    /// The word that goes with every act of the session.
    pub csrf: String,
}

/// Adds users who may sign in: `id` and more arguments for each.
pub fn people(program: &Program, people: &[(&str, &[&str])]) {
    for (id, more) in people {
        program.succeed(&[&["user", "add", id][..], more].concat(), "");
        program.succeed(&["user", "password", id], &format!("{GOOD}\n"));
    }
}

/// One request to `/api/v1` over TCP with these header lines.
pub fn send(admin: SocketAddr, line: &str, fields: &str, body: &Value) -> Answer {
    let (method, path) = line.split_once(' ').unwrap();
    let fields = format!("Content-Type: application/json\r\n{fields}");
    sent(admin, &format!("{method} /api/v1{path}"), &fields, &body.to_string())
}

/// One request to the administrative address.
pub fn sent(admin: SocketAddr, line: &str, fields: &str, body: &str) -> Answer {
    let length = body.len();
    let head = format!("{line} HTTP/1.1\r\nHost: {admin}\r\n{fields}Content-Length: {length}\r\n");
    client::ask(admin, format!("{head}\r\n{body}"))
}

/// The kinds of all events that there were, newest first.
pub fn kinds(program: &Program) -> Vec<String> {
    let told = program.succeed(&["history", "--limit", "1000", "--json"], "");
    let told: Value = serde_json::from_str(&told).unwrap();
    let events = told["events"].as_array().unwrap().iter();
    events.map(|event| event["kind"].as_str().unwrap().to_owned()).collect()
}

impl Person {
    /// Signs in over `/api/v1`.
    pub fn sign_in(program: &Program, user: &str) -> Self {
        Self::sign_in_with(program, user, GOOD)
    }

    /// The same with a password of their own.
    pub fn sign_in_with(program: &Program, user: &str, password: &str) -> Self {
        let admin = program.admin();
        let answer = send(admin, "POST /session", "", &json!({"user": user, "password": password}));
        assert_eq!(answer.status, 200, "{}", answer.text());
        let csrf = answer.json()["csrf_token"].as_str().unwrap().to_owned();
        Self { admin, cookie: cookie(&answer), csrf }
    }

    /// One act of `/api/v1`.
    pub fn ask(&self, line: &str, body: Value) -> Answer {
        let Self { admin, cookie, csrf } = self;
        let fields =
            format!("Cookie: {cookie}\r\nX-CSRF-Token: {csrf}\r\nOrigin: http://{admin}\r\n");
        send(*admin, line, &fields, &body)
    }

    /// A page.
    pub fn page(&self, path: &str) -> Answer {
        let fields = format!("Cookie: {}\r\n", self.cookie);
        sent(self.admin, &format!("GET {path}"), &fields, "")
    }

    /// A form that is sent from a page, with `fields` beside the word of the session.
    pub fn form(&self, path: &str, fields: &str) -> Answer {
        let Self { admin, cookie, csrf } = self;
        let head = format!(
            "Cookie: {cookie}\r\nOrigin: http://{admin}\r\n\
             Content-Type: application/x-www-form-urlencoded\r\n"
        );
        sent(*admin, &format!("POST {path}"), &head, &format!("csrf={csrf}&{fields}"))
    }

    /// The id and the secret of a new token.
    pub fn token(&self, body: Value) -> (String, String) {
        let made = self.ask("POST /tokens", body);
        assert_eq!(made.status, 201, "{}", made.text());
        let made = made.json();
        let text = |value: &Value| value.as_str().unwrap().to_owned();
        (text(&made["token"]["id"]), text(&made["secret"]))
    }
}

/// The cookie that an answer sets, as it is sent back.
pub fn cookie(answer: &Answer) -> String {
    answer.value("set-cookie").unwrap().split(';').next().unwrap().to_owned()
}

/// Text as a browser sends it in a form.
pub fn typed(text: &str) -> String {
    text.bytes().map(|byte| format!("%{byte:02x}")).collect()
}
