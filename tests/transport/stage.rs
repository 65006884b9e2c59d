//! The program with proxies before it, an upstream behind it, and tokens that tell clients apart by their address.

use http::Request;
use http_body_util::Full;
use serde_json::Value;

use crate::support::client::{Answer, ask};
use crate::support::http2;
use crate::support::program::Program;
use crate::support::upstream::{Seen, Upstream};

/// Whence clients of the token `far` come.
pub(crate) const FAR: &str = "203.0.113.9";

/// A running program.
pub(crate) struct Stage {
    pub(crate) program: Program,
    pub(crate) upstream: Upstream,
    /// Opens everything to clients in 203.0.113.0/24, and to nobody else.
    pub(crate) far: String,
    /// The same for clients on this machine.
    pub(crate) near: String,
    pub(crate) far_id: String,
}

impl Stage {
    /// With these lines of configuration.
    pub(crate) fn new(more: &str) -> Self {
        let upstream = Upstream::start();
        let program = Program::start_with(
            "h2c = true",
            &format!(
                "{more}\ntelemetry.format = \"json\"\n[[apis]]\nname = \"a\"\n\
                 upstream = \"http://{}\"\n\
                 rules = [{{ path = \"/x/{{*rest}}\" }}, {{ path = \"/open\", public = true }}]\n",
                upstream.address()
            ),
        );
        program.succeed(&["user", "add", "alice"], "");
        let token = |network: &str| {
            let create =
                ["token", "create", "--owner", "alice", "--name", "x", "--network", network];
            let made = program.succeed(&[&create[..], &["--flags=-1", "--json"]].concat(), "");
            let made: Value = serde_json::from_str(&made).unwrap();
            let text = |value: &Value| value.as_str().unwrap().to_owned();
            (text(&made["secret"]), text(&made["token"]["id"]))
        };
        let ((far, far_id), (near, _)) = (token("203.0.113.0/24"), token("127.0.0.0/8"));
        Self { program, upstream, far, near, far_id }
    }

    /// The bytes of a request with these lines.
    pub(crate) fn head(&self, path: &str, secret: &str, lines: &str) -> String {
        format!(
            "GET {path} HTTP/1.1\r\nHost: a.example\r\n{lines}Authorization: Bearer {secret}\r\n\r\n"
        )
    }

    /// What becomes of one, and what the upstream saw of it. Over both versions of HTTP alike, unless it has what HTTP/2
    /// cannot say.
    pub(crate) fn ask(&self, secret: &str, lines: &str) -> (u16, Option<Seen>) {
        let status = ask(self.program.public(), self.head("/x/y", secret, lines)).status;
        let seen = self.upstream.take().pop();
        if !lines.contains("Connection:") {
            let mut client = http2::Client::connect(self.program.public());
            assert_eq!(self.ask_http2(&mut client, secret, lines), status, "HTTP/2: {lines}");
            let second = self.upstream.take().pop();
            for name in ["x-forwarded-for", "x-forwarded-proto", "x-forwarded-host", "forwarded"] {
                let told = |seen: &Option<Seen>| seen.as_ref().map(|seen| seen.values(name));
                assert_eq!(told(&second), told(&seen), "HTTP/2: {name} of {lines}");
            }
        }
        (status, seen)
    }

    /// The status of one over an open connection of HTTP/2.
    pub(crate) fn ask_http2(&self, client: &mut http2::Client, secret: &str, lines: &str) -> u16 {
        let mut request = Request::get("http://a.example/x/y");
        for line in lines.lines() {
            let (name, value) = line.split_once(':').unwrap();
            request = request.header(name, value.trim());
        }
        let request = request.header("authorization", format!("Bearer {secret}"));
        client.ask(request.body(Full::default()).unwrap()).status
    }

    /// Whence a token was last used, once that is known.
    pub(crate) fn last_use(&self, id: &str) -> Option<String> {
        let shown = self.program.succeed(&["token", "show", id, "--json"], "");
        let shown: Value = serde_json::from_str(&shown).unwrap();
        let token = shown.get("token").unwrap_or(&shown);
        token["last_use"]["address"].as_str().map(str::to_owned)
    }

    /// The value of a metric without labels.
    pub(crate) fn metric(&self, before: &str, name: &str) -> u64 {
        let admin = self.program.admin();
        let head = format!("{before}GET /metrics HTTP/1.1\r\nHost: {admin}\r\n\r\n");
        let text = ask(admin, head).text();
        let line = text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
        line.unwrap_or_else(|| panic!("no {name} in {text}")).parse().unwrap()
    }

    /// Whether a line about a request says that it came from there.
    pub(crate) fn logs(&self, peer: &str) -> bool {
        let logged = String::from_utf8(self.program.logged()).unwrap();
        logged.lines().any(|line| {
            let line: Value = serde_json::from_str(line).unwrap_or_default();
            line["target"] == "access" && line["peer"] == peer
        })
    }

    /// Puts another text into the configuration, and it in force.
    pub(crate) fn reconfigure(&self, from: &str, to: &str) {
        let source = self.program.source();
        let text = std::fs::read_to_string(source).unwrap();
        assert!(text.contains(from));
        std::fs::write(source, text.replace(from, to)).unwrap();
        self.program.succeed(&["reload"], "");
    }
}

/// An answer with this status came.
pub(crate) fn is(answer: Option<Answer>, status: u16) -> bool {
    answer.is_some_and(|answer| answer.status == status)
}
