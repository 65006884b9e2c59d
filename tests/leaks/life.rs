//! A whole life of a gateway, of which everything is kept that it writes and says: rows F1, sec-L1 and X4.
//! What shows a secret once is looked at and not kept; everything else is searched.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::PathBuf;

use serde_json::{Value, json};

use super::spellings::Secret;
use crate::support::client::{self, Answer};
use crate::support::desk::{Person, send, sent, typed};
use crate::support::program::Program;
use crate::support::routes;
use crate::support::upstream::{Upstream, answer};
use crate::support::{PATIENCE, wait_until};

/// What each of the passwords is; with characters that every encoding has to write otherwise.
const FIRST: &str = "first Pässword of/root+&%";
const BOT: &str = "8123456789:AAE-a-very-secret-bot-token";
const OTHER_BOT: &str = "9876543210:BBF-another-secret-bot-token";
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

/// Rows F1 and X4.
#[test]
fn sec_l1_f1_after_a_whole_life_no_secret_is_found_anywhere() {
    let mut life = Life::begin();
    let root = begin_people(&mut life);
    let (kept, secret) = make_tokens(&mut life, &root);
    bring_tokens(&mut life, &root);
    seal(&mut life, &root, &kept);
    let ended = rotate(&mut life, &root);
    use_tokens(&mut life, &root, &secret, &ended);
    leak(&mut life, &root);
    let root = passwords(&mut life, root);
    super::odd::ask_oddly(&mut life, &root, &secret);
    wait_until("nobody is told", PATIENCE, || life.receiver.seen().len() >= 4);
    life.look_everywhere(&root, &kept);
    life.crash();
    let root = life.sign_in("root", "third Pässword of/root+&%");
    life.look_everywhere(&root, &kept);
    use_tokens(&mut life, &root, &secret, &ended);
    let file = |name: &str| life.program.folder().join(name).display().to_string();
    let (backup, export) = (file("backup.tollgate"), file("tokens.jsonl"));
    let elsewhere = file("restored");
    life.run(&["backup", &backup], "");
    life.run(&["token", "export", "--digests", "--output", &export], "");
    life.run(&["restore", &backup, "--data", &elsewhere], "");
    life.program.stop();
    life.run(&["repair"], "");
    life.run(&["history", "--json"], "");
    for made in [backup, export, format!("{elsewhere}/history")] {
        assert!(fs::metadata(&made).is_ok(), "{made} is not there");
    }
    assert!(life.upstream.seen().iter().any(|seen| seen.holds(OTHER_BOT)), "it was never told");
    let printed = life.program.printed().len();
    assert!(printed > 10_000, "the log is missing: {printed}");
    life.search();
}

/// An administrator, whose first password is set at the command line, and others.
fn begin_people(life: &mut Life) -> Person {
    life.run(&["user", "add", "root", "--role", "administrator"], "");
    life.run(&["user", "add", "alice"], "");
    life.run(&["company", "add", "acme"], "");
    life.secret("first password", FIRST);
    life.run(&["user", "password", "root"], &format!("{FIRST}\n"));
    let root = life.sign_in("root", FIRST);
    life.secret("password of alice", "a Pässword of/alice+&%");
    let body = json!({"password": "a Pässword of/alice+&%"});
    life.ask(&root, "POST /users/alice/password", body);
    root
}

/// By REST, by a form, by a command, and by one that is sent twice. The id and the secret of the first.
fn make_tokens(life: &mut Life, root: &Person) -> (String, String) {
    let body = |name: &str| json!({"owner": "alice", "name": name, "contexts": "all"});
    let (id, secret) = life.shown("made by REST", &root.ask("POST /tokens", body("rest")));
    let form = root.form("/tokens/new", "owner=alice&name=form&expiry=30d");
    life.shown_by_page(root, "made by a form", &form);
    let create = ["token", "create", "--owner", "alice", "--name", "command", "--secret-only"];
    let printed = life.program.succeed(&create, "");
    life.secret("made by a command", printed.trim());
    let key = "Idempotency-Key: once-and-no-more\r\n";
    let session = |by: &Person| {
        let cookie = &by.cookie;
        format!("{key}Cookie: {cookie}\r\nX-CSRF-Token: {}\r\n", by.csrf)
    };
    let admin = life.program.admin();
    let repeat = |fields: &str, body| send(admin, "POST /tokens", fields, &body);
    life.shown("made with a key", &repeat(&session(root), body("key")));
    // To somebody else the key is a new one, and with another body it is refused.
    let alice = life.sign_in("alice", "a Pässword of/alice+&%");
    let other = repeat(&session(&alice), body("of alice"));
    life.shown("made with the same key", &other);
    let other = repeat(&session(root), body("another"));
    assert_eq!(life.hear("a key for another body", other).status, 422);
    (id, secret)
}

/// Secrets of another system: by REST, by CSV, by the page and by a command, with lines that are wrong.
fn bring_tokens(life: &mut Life, root: &Person) {
    let uuid = |nth: u32| format!("7b1d0a52-52a7-4d4d-9f0e-2f5b8a1c{nth:04}");
    for nth in 0..8 {
        life.secret(&format!("brought {nth}"), &uuid(nth));
    }
    let body = json!({"owner": "alice", "name": "brought", "secret": uuid(0)});
    life.ask(root, "POST /tokens", body.clone());
    life.ask(root, "POST /tokens", body);
    let lines = json!([{"owner": "alice", "name": "one", "secret": uuid(1)},
        {"owner": "nobody", "name": "two", "secret": uuid(2)},
        {"owner": "alice", "name": 7, "secret": uuid(2)},
        {"owner": "alice", "name": "three", "secret": uuid(2), "digest": uuid(3)},
        {"owner": "alice", "name": "four", "secret": uuid(1)}]);
    life.ask(root, "POST /tokens/import", json!({"dry_run": true, "lines": lines}));
    life.ask(root, "POST /tokens/import", json!({"lines": lines}));
    let csv = format!(
        "owner,name,secret\nalice,five,{}\nnobody,six,{}\nalice,,{}\n",
        uuid(4),
        uuid(5),
        uuid(5)
    );
    let kind = "Content-Type: text/csv\r\n";
    let fields = format!("{kind}Cookie: {}\r\nX-CSRF-Token: {}\r\n", root.cookie, root.csrf);
    let got = sent(life.program.admin(), "POST /api/v1/tokens/import", &fields, &csv);
    assert_eq!(life.hear("CSV", got).status, 200);
    // Cells that are shifted, and a first line that is none.
    for text in [
        format!("owner,name,secret\nalice,{}\n", uuid(5)),
        format!("{},owner,name\n", uuid(5)),
        format!("{{\"secret\": \"{}\"", uuid(5)),
        format!("owner,name,secret\nalice,seven,{}\n", uuid(6)),
    ] {
        life.form(root, "/tokens/import", &format!("text={}", typed(&text)));
    }
    let text = format!("text={}", typed(&format!("owner,name,secret\nalice,seven,{}\n", uuid(6))));
    let tried = life.form(root, "/tokens/import", &text).text();
    let draft = tried.split("name=\"draft\" value=\"").nth(1).unwrap().split('"').next().unwrap();
    assert_eq!(life.form(root, "/tokens/import/go", &format!("draft={draft}")).status, 200);
    let file = life.key_file("keys.csv", &format!("owner,name,secret\nalice,eight,{}\n", uuid(7)));
    life.run(&["token", "import", &file, "--dry-run"], "");
    life.run(&["token", "import", &file], "");
    for nth in [0, 1, 4, 6, 7] {
        let told = life.run(&["explain", "--secret-stdin", "GET", "http://a/any/x"], &uuid(nth));
        assert!(told.contains("alice"), "{nth} was not brought in: {told}");
    }
}

/// A parameter that is sealed, at creation and by a change.
fn seal(life: &mut Life, root: &Person, kept: &str) {
    let file = life.key_file("bot", BOT);
    let param = format!("telegram.bot_token={file}");
    life.run(&["token", "update", kept, "--param-file", &param], "");
    let page = life.form(root, &format!("/tokens/{kept}/edit"), "access=all&name=rest");
    assert!([200, 303].contains(&page.status), "{}", page.text());
    let change = json!({"context_params": {"telegram": {"bot_token": OTHER_BOT}}});
    assert_eq!(life.ask(root, &format!("PATCH /tokens/{kept}"), change).status, 200);
    let wrong = json!({"context_params": {"telegram": {"bot_token": format!("{BOT}\n")}}});
    assert_eq!(life.ask(root, &format!("PATCH /tokens/{kept}"), wrong).status, 400);
    let wrong = json!({"context_params": {"stock": {"bot_token": BOT}}});
    assert_eq!(life.ask(root, &format!("PATCH /tokens/{kept}"), wrong).status, 400);
}

/// By REST, by a form and by a command. A secret that has ended since.
fn rotate(life: &mut Life, root: &Person) -> String {
    let body = json!({"owner": "alice", "name": "rotated", "contexts": "all"});
    let (first, ended) = life.shown("rotated first", &root.ask("POST /tokens", body));
    let at_once = json!({"grace": "0"});
    let rotated = root.ask(&format!("POST /tokens/{first}/rotate"), at_once);
    let (second, _) = life.shown("rotated by REST", &rotated);
    let form = root.form(&format!("/tokens/{second}/rotate"), "grace=3600&after_use=300");
    life.shown_by_page(root, "rotated by a form", &form);
    let newest = form.value("location").unwrap().split('/').nth(2).unwrap().to_owned();
    let rotate = ["token", "rotate", &newest, "--secret-only"];
    let printed = life.program.succeed(&rotate, "");
    life.secret("rotated by a command", printed.trim());
    ended
}

/// At the gateway, in every way that is refused; and in what explains it.
fn use_tokens(life: &mut Life, root: &Person, live: &str, ended: &str) {
    for secret in [live, ended, "7b1d0a52-52a7-4d4d-9f0e-2f5b8a1c0001"] {
        super::ask_everything(&life.program, secret);
        for path in ["/any/x", "/bot", "/stock", "/view", "/nowhere"] {
            let head =
                format!("GET {path} HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer {secret}\r\n");
            let answer = client::ask(life.program.public(), format!("{head}\r\n"));
            life.hear(path, answer);
        }
        let url = "http://a/bot";
        life.ask(root, "POST /explain", json!({"method": "GET", "url": url, "secret": secret}));
        let fields = format!("method=GET&url={}&secret={secret}", typed(url));
        life.form(root, "/explain", &fields);
        life.run(&["explain", "--secret-stdin", "GET", url], secret);
        life.run(&["explain", "--secret-stdin", "--json", "GET", url], secret);
    }
}

/// In every way in which a leak is told.
fn leak(life: &mut Life, root: &Person) {
    let mut leaked = Vec::new();
    for nth in 0..4 {
        let body = json!({"owner": "alice", "name": "leaked"});
        leaked.push(life.shown(&format!("leaked {nth}"), &root.ask("POST /tokens", body)).1);
    }
    let admin = life.program.admin();
    for body in [json!({"secrets": [leaked[0]]}), json!([leaked[0]]), json!({"secrets": leaked[0]})]
    {
        let got = send(admin, "POST /leaks/report", "", &body);
        life.hear("a report", got);
    }
    life.ask(root, "POST /leaks", json!({"secrets": [leaked[1]], "reason": "found"}));
    life.form(root, "/tokens/leaked", &format!("secrets={}&reason=found", typed(&leaked[2])));
    let told = life.run(&["token", "leak", "--reason", "found"], &leaked[3]);
    assert!(told.contains("alice"), "{told}");
}

/// Passwords are changed in every way, and mistyped.
fn passwords(life: &mut Life, root: Person) -> Person {
    for (name, text) in [
        ("second password", "second Pässword of/root+&%"),
        ("third password", "third Pässword of/root+&%"),
        ("mistyped password", "mistyped Pässword of/root+&%"),
    ] {
        life.secret(name, text);
    }
    let [second, third, wrong] =
        ["second", "third", "mistyped"].map(|nth| format!("{nth} Pässword of/root+&%"));
    let change = |present: &str, password: &str| json!({"present": present, "password": password});
    let line = "POST /users/root/password";
    assert_eq!(life.ask(&root, line, change(&wrong, &second)).status, 400);
    assert_eq!(life.ask(&root, line, change(FIRST, "too short")).status, 400);
    assert_eq!(life.ask(&root, line, change(FIRST, &second)).status, 200);
    let root = life.sign_in("root", &second);
    let fields = |present: &str, again: &str| {
        let (present, again) = (typed(present), typed(again));
        format!("present={present}&password={}&again={again}", typed(&third))
    };
    assert_eq!(life.form(&root, "/account/password", &fields(&second, &wrong)).status, 400);
    assert_eq!(life.form(&root, "/account/password", &fields(&wrong, &third)).status, 400);
    // The answer that is not kept sets the cookie of a new session.
    assert_eq!(root.form("/account/password", &fields(&second, &third)).status, 303);
    let admin = life.program.admin();
    let body = json!({"user": "root", "password": wrong});
    let got = send(admin, "POST /session", "", &body);
    assert_eq!(life.hear("a wrong password", got).status, 401);
    let form = "Content-Type: application/x-www-form-urlencoded\r\n";
    let typed = format!("user=root&password={}", typed(&wrong));
    let got = sent(admin, "POST /sign-in", form, &typed);
    assert_eq!(life.hear("a wrong password in the page", got).status, 401);
    life.sign_in("root", &third)
}
