//! Those who ask, and what they ask about.

use std::cell::Cell;
use std::io::{Read as _, Write as _};
use std::os::unix::fs::PermissionsExt as _;
use std::os::unix::net::UnixStream;

use serde_json::{Value, json};

use super::About;
use crate::support::client::Answer;
use crate::support::desk::{Person, people, send, sent};
use crate::support::program::Program;
use crate::support::upstream::{Upstream, answer};

/// How somebody is known.
pub(crate) enum By {
    /// By the kernel, at the local socket.
    Machine,
    /// By a session.
    Session(Person),
    /// By a token.
    Token(String),
    /// Not at all.
    Nobody,
}

pub(crate) struct Asker {
    pub(crate) name: &'static str,
    pub(crate) by: By,
}

pub(crate) struct World {
    pub(crate) program: Program,
    pub(crate) askers: Vec<Asker>,
    _receiver: Upstream,
    _keys: tempfile::TempDir,
    made: Cell<u32>,
}

const PEOPLE: [(&str, &[&str]); 8] = [
    ("root", &["--role", "administrator"]),
    ("boss", &["--role", "company-administrator", "--company", "acme"]),
    ("dev", &["--role", "developer", "--company", "acme"]),
    ("lead", &["--company", "acme"]),
    ("alice", &["--company", "acme", "--parent", "lead"]),
    ("watcher", &["--role", "auditor"]),
    ("reviewer", &["--role", "auditor", "--company", "acme"]),
    ("bob", &["--company", "other"]),
];

impl World {
    /// All of them; for pages those alone who have a browser, with a token in the place of a session and nobody.
    pub(crate) fn new(of_pages: bool) -> Self {
        let receiver =
            Upstream::scripted(|_| answer("HTTP/1.1 204 No Content\r\nConnection: close\r\n\r\n"));
        let keys = tempfile::tempdir().unwrap();
        let secret = keys.path().join("secret");
        std::fs::write(&secret, "a-secret-that-nobody-may-ever-read\n").unwrap();
        std::fs::set_permissions(&secret, std::fs::Permissions::from_mode(0o600)).unwrap();
        let program = Program::start(&format!(
            "[egress]\nallow = [\"127.0.0.0/8\"]\n[[webhooks]]\nname = \"chat\"\nurl = \"http://{}/\"\n\
             secret = \"file:{}\"\n[[apis]]\nname = \"api\"\nupstream = \"http://127.0.0.1:9\"\n\
             rules = [{{ path = \"/{{*rest}}\" }}]\n",
            receiver.address(),
            secret.display(),
        ));
        program.succeed(&["company", "add", "acme"], "");
        people(&program, &PEOPLE);
        let mut askers = Vec::new();
        if !of_pages {
            askers.push(Asker { name: "machine", by: By::Machine });
        }
        for (name, _) in PEOPLE {
            askers.push(Asker { name, by: By::Session(Person::sign_in(&program, name)) });
        }
        let mut world =
            Self { program, askers, _receiver: receiver, _keys: keys, made: Cell::new(0) };
        let token = |owner: &str, flags: &str| {
            let made = world.make(owner, flags);
            made["secret"].as_str().unwrap().to_owned()
        };
        let mut tokens = vec![("root's program", token("root", "-1"))];
        if !of_pages {
            tokens.push(("alice's program", token("alice", "-1")));
            tokens.push(("root's application", token("root", "0x300")));
            let dead = world.make("root", "-1");
            let id = dead["token"]["id"].as_str().unwrap();
            world.program.succeed(&["token", "revoke", id], "");
            tokens.push(("a dead program", dead["secret"].as_str().unwrap().to_owned()));
        }
        let tokens = tokens.into_iter().map(|(name, secret)| Asker { name, by: By::Token(secret) });
        world.askers.extend(tokens);
        world.askers.push(Asker { name: "nobody", by: By::Nobody });
        world
    }

    fn make(&self, owner: &str, flags: &str) -> Value {
        let flags = format!("--flags={flags}");
        let create = ["token", "create", "--owner", owner, "--name", "program", &flags, "--json"];
        serde_json::from_str(&self.program.succeed(&create, "")).unwrap()
    }

    fn person(&self, name: &str) -> &Person {
        let found = self.askers.iter().find(|asker| asker.name == name).unwrap();
        match &found.by {
            By::Session(person) => person,
            _ => panic!("{name} has no session"),
        }
    }

    /// A name that nothing has.
    pub(crate) fn name(&self) -> String {
        self.made.set(self.made.get() + 1);
        format!("it-{}", self.made.get())
    }

    /// The id of what an act is about, with its secret if it is a token.
    pub(crate) fn about(&self, about: About) -> (String, Option<String>) {
        let (root, name) = (self.person("root"), self.name());
        let done = |answer: Answer| {
            assert!(answer.status < 300, "{}", answer.text());
            answer.json()
        };
        match about {
            About::All => (name, None),
            About::Alice => ("alice".to_owned(), None),
            About::Acme => ("acme".to_owned(), None),
            About::Webhook => ("chat".to_owned(), None),
            About::Other => {
                done(root.ask("POST /companies", json!({ "id": name })));
                (name, None)
            }
            About::User | About::Blocked => {
                done(root.ask("POST /users", json!({"id": name, "company": "acme"})));
                if matches!(about, About::Blocked) {
                    done(self.person("boss").ask(&format!("POST /users/{name}/block"), json!({})));
                }
                (name, None)
            }
            About::Token(owner) | About::Paused(owner, _) => {
                let made = done(root.ask("POST /tokens", json!({"owner": owner, "name": name})));
                let id = made["token"]["id"].as_str().unwrap().to_owned();
                if let About::Paused(_, by) = about {
                    done(self.person(by).ask(&format!("POST /tokens/{id}/disable"), json!({})));
                }
                (id, made["secret"].as_str().map(str::to_owned))
            }
        }
    }

    /// One call as somebody: its status and its body.
    pub(crate) fn call(&self, asker: &Asker, line: &str, body: &Value) -> (u16, Value) {
        let (method, path) = line.split_once(' ').unwrap();
        let short = format!("{method} {}", path.strip_prefix("/api/v1").unwrap());
        let admin = self.program.admin();
        let answer = match &asker.by {
            By::Machine => return self.at_the_socket(line, body),
            By::Session(person) => person.ask(&short, body.clone()),
            By::Token(secret) => {
                send(admin, &short, &format!("Authorization: Bearer {secret}\r\n"), body)
            }
            By::Nobody => send(admin, &short, "", body),
        };
        (answer.status, serde_json::from_slice(&answer.body).unwrap_or_default())
    }

    /// One page or form as somebody.
    pub(crate) fn page(&self, asker: &Asker, line: &str, fields: &str) -> Answer {
        let (method, path) = line.split_once(' ').unwrap();
        let form = "Content-Type: application/x-www-form-urlencoded\r\n";
        let admin = self.program.admin();
        match &asker.by {
            By::Session(person) if method == "GET" => person.page(path),
            By::Session(person) => person.form(path, fields),
            By::Token(secret) => {
                sent(admin, line, &format!("{form}Authorization: Bearer {secret}\r\n"), fields)
            }
            By::Machine | By::Nobody => sent(admin, line, form, fields),
        }
    }

    fn at_the_socket(&self, line: &str, body: &Value) -> (u16, Value) {
        let socket = self.program.folder().join("data/tollgate.sock");
        let mut stream = UnixStream::connect(socket).unwrap();
        let body = body.to_string();
        let head = format!("{line} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n");
        let kind = format!("Content-Type: application/json\r\nContent-Length: {}\r\n", body.len());
        stream.write_all(format!("{head}{kind}\r\n{body}").as_bytes()).unwrap();
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).unwrap();
        let answer = String::from_utf8_lossy(&answer).into_owned();
        let (head, body) = answer.split_once("\r\n\r\n").unwrap();
        let status = head.split(' ').nth(1).unwrap().parse().unwrap();
        (status, serde_json::from_str(body).unwrap_or_default())
    }
}
