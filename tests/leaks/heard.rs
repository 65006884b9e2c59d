//! A gateway of which everything is kept that it says, and searched with all that it writes. What shows a secret once
//! is looked at and not kept.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::PathBuf;

use serde_json::{Value, json};

use crate::support::client::Answer;
use crate::support::desk::{Person, sent};
use crate::support::program::Program;
use crate::support::routes;
use crate::support::spellings::Secret;
use crate::support::upstream::{Upstream, answer};

pub(super) const BOT: &str = "8123456789:AAE-a-very-secret-bot-token";
pub(super) const OTHER_BOT: &str = "9876543210:BBF-another-secret-bot-token";
const SIGNING: &str = "a-secret-that-nobody-may-ever-read";

/// A gateway, those who call it, and all that was heard of it.
pub(super) struct Life {
    pub(super) program: Program,
    pub(super) upstream: Upstream,
    pub(super) receiver: Upstream,
    pub(super) secrets: Vec<Secret>,
    /// What stands in pages, and nowhere else.
    pub(super) words: Vec<Secret>,
    /// What was said, and by whom.
    heard: Vec<(String, Vec<u8>)>,
    /// Of the operator, beside the folder of the gateway.
    keys: tempfile::TempDir,
}

impl Life {
    pub(super) fn begin() -> Self {
        let (upstream, keys) = (super::upstream(), tempfile::tempdir().unwrap());
        let receiver =
            Upstream::scripted(|_| answer("HTTP/1.1 204 No Content\r\nConnection: close\r\n\r\n"));
        let signing = keys.path().join("signing");
        fs::write(&signing, format!("{SIGNING}\n")).unwrap();
        fs::set_permissions(&signing, fs::Permissions::from_mode(0o600)).unwrap();
        let more = format!(
            "[egress]\nallow = [\"127.0.0.0/8\"]\n[[webhooks]]\nname = \"chat\"\n\
             url = \"http://{}/hook\"\nsecret = \"file:{}\"\n",
            receiver.address(),
            signing.display(),
        );
        let program = Program::start(&(super::apis(&upstream, "json") + &more));
        let mut life = Self {
            program,
            upstream,
            receiver,
            secrets: Vec::new(),
            words: Vec::new(),
            heard: Vec::new(),
            keys,
        };
        for (name, text) in [("bot", BOT), ("other bot", OTHER_BOT), ("signing", SIGNING)] {
            life.secret(name, text);
        }
        life
    }

    /// From now on this may be nowhere.
    pub(super) fn secret(&mut self, name: &str, text: &str) {
        // What is random of our own form: also a part of it says too much.
        let part = if text.starts_with("tg_") { &text[3..33] } else { text };
        self.secrets.push(Secret::new(name, part));
    }

    /// Keeps what somebody was answered.
    pub(super) fn hear(&mut self, by: &str, answer: Answer) -> Answer {
        let whole = [&answer.head[..], &answer.body].concat();
        self.heard.push((by.to_owned(), whole));
        answer
    }

    /// Runs a command, which may fail, and keeps what it says.
    pub(super) fn run(&mut self, arguments: &[&str], input: &str) -> String {
        let told = self.program.run(arguments, input);
        let told = [told.stdout, told.stderr].concat();
        self.keep(&arguments.join(" "), told.clone());
        String::from_utf8_lossy(&told).into_owned()
    }

    /// Keeps what `by` said.
    pub(super) fn keep(&mut self, by: &str, said: Vec<u8>) {
        self.heard.push((by.to_owned(), said));
    }

    /// One act of `/api/v1`.
    pub(super) fn ask(&mut self, by: &Person, line: &str, body: Value) -> Answer {
        let answer = by.ask(line, body);
        self.hear(line, answer)
    }

    /// A form that is sent.
    pub(super) fn form(&mut self, by: &Person, path: &str, fields: &str) -> Answer {
        let answer = by.form(path, fields);
        self.hear(path, answer)
    }

    /// Somebody with a password, which is none of what may be found, who signs in.
    pub(super) fn sign_in(&mut self, user: &str, password: &str) -> Person {
        let person = Person::sign_in_with(&self.program, user, password);
        let name = format!("session {} of {user}", self.secrets.len());
        let word = person.cookie.split_once('=').unwrap().1.to_owned();
        self.secret(&name, &word);
        self.words.push(Secret::new("word of forms", &person.csrf));
        person
    }

    /// The id and the secret of a token that an answer shows once.
    pub(super) fn shown(&mut self, name: &str, answer: &Answer) -> (String, String) {
        assert_eq!(answer.status, 201, "{}", answer.text());
        let shown = answer.json();
        let text = |value: &Value| value.as_str().unwrap().to_owned();
        let (id, secret) = (text(&shown["token"]["id"]), text(&shown["secret"]));
        self.secret(name, &secret);
        (id, secret)
    }

    /// The secret that waits behind a form, which is shown once by its page.
    pub(super) fn shown_by_page(&mut self, by: &Person, name: &str, sent: &Answer) -> String {
        assert_eq!(sent.status, 303, "{}", sent.text());
        let page = by.page(&sent.value("location").unwrap()).text();
        let secret = page.split("<code id=\"secret\">").nth(1).unwrap().split('<').next().unwrap();
        self.secret(name, secret);
        secret.to_owned()
    }

    /// A file that only the operator reads.
    pub(super) fn key_file(&self, name: &str, text: &str) -> String {
        let path = self.keys.path().join(name);
        fs::write(&path, text).unwrap();
        path.display().to_string()
    }

    /// Everything that can be looked at, by this person and at the command line.
    pub(super) fn look_everywhere(&mut self, by: &Person, token: &str) {
        let about = |path: &str| {
            let id = if path.contains("/tokens/") { token } else { "alice" };
            let id = if path.contains("/companies/") { "acme" } else { id };
            path.replace("{id}", id).replace("{name}", "chat")
        };
        for (_, path) in routes::calls().into_iter().filter(|(method, _)| method == "GET") {
            let path = about(&path);
            let line = format!("GET {}", path.strip_prefix("/api/v1").unwrap());
            self.ask(by, &line, json!({}));
        }
        for (_, path) in routes::pages().into_iter().filter(|(method, _)| method == "GET") {
            let path = about(&path);
            let page = by.page(&path);
            self.hear(&path, page);
        }
        for asked in [json!({}), json!({"format": "csv"}), json!({"digests": true})] {
            self.ask(by, "POST /tokens/export", asked);
        }
        for path in ["/metrics", "/health", "/ready"] {
            let answer = sent(self.program.admin(), &format!("GET {path}"), "", "");
            self.hear(path, answer);
        }
        for command in [
            "token list --json --limit 1000",
            "token list",
            "token export --digests",
            "token export --format csv",
            "user list --json",
            "user show root",
            "company list",
            "history --json --limit 1000",
            "history",
            "history verify",
            "history head",
            "overview",
            "status --json",
            "clock",
            "webhook list",
            "webhook deliveries chat --json",
            "check",
        ] {
            self.run(&command.split(' ').collect::<Vec<_>>(), "");
        }
        for id in self.ids() {
            self.run(&["token", "show", &id], "");
            self.run(&["token", "show", &id, "--json"], "");
        }
    }

    fn ids(&self) -> Vec<String> {
        let list = self.program.succeed(&["token", "list", "--json", "--limit", "1000"], "");
        let list: Value = serde_json::from_str(&list).unwrap();
        let tokens = list["tokens"].as_array().unwrap().iter();
        tokens.map(|token| token["id"].as_str().unwrap().to_owned()).collect()
    }

    /// Ends it as a crash does, and keeps what it had printed by then.
    pub(super) fn crash(&mut self) {
        let mut printed = Vec::new();
        let files: Vec<PathBuf> =
            ["stdout", "stderr"].map(|name| self.program.folder().join(name)).into();
        self.program.crash(|| {
            printed = files.iter().flat_map(|file| fs::read(file).unwrap()).collect();
        });
        assert!(printed.len() > 10_000, "the log of before the crash");
        self.heard.push(("the log of before the crash".to_owned(), printed));
    }

    /// Nothing of all that is anywhere.
    pub(super) fn search(&self) {
        let mut heard: Vec<_> = self.heard.iter().map(|(by, bytes)| (by.as_str(), bytes)).collect();
        let told: Vec<_> = self.receiver.seen();
        let told: Vec<_> = told.iter().map(|seen| [&seen.head[..], &seen.body].concat()).collect();
        heard.extend(told.iter().map(|bytes| ("a notice", bytes)));
        assert!(heard.len() > 300, "{}", heard.len());
        let mut faults = Vec::new();
        for secret in &self.secrets {
            for (by, bytes) in &heard {
                faults.extend(secret.found(bytes).map(|how| {
                    let said = String::from_utf8_lossy(bytes);
                    let said: String = said.chars().take(800).collect();
                    format!("{} as {how}, said by `{by}`: {said}", secret.name)
                }));
            }
        }
        for secret in self.secrets.iter().chain(&self.words) {
            secret.files(self.program.folder(), &mut faults);
        }
        let key = Secret::new("master key", &"5a".repeat(32));
        key.files(self.program.folder(), &mut faults);
        faults.retain(|fault| !fault.ends_with("/master.key"));
        assert!(faults.is_empty(), "{} times:\n{}", faults.len(), faults.join("\n"));
    }
}
