//! Certificates that clients must show: for an API, and of a subject for a rule; over both versions of HTTP, with curl.

use std::process::Command;

use serde_json::{Value, json};
use tollgate::domain::refusal::Refusal;
use tollgate::domain::secret::Digest;

use crate::files::Files;
use crate::support::gateway::Gateway;
use crate::support::upstream::{Upstream, ok};

/// One certificate for two hosts, of which `b.example` requires certificates of clients.
pub(crate) struct Stage {
    pub(crate) files: Files,
    pub(crate) upstream: Upstream,
    pub(crate) gateway: Gateway,
    pub(crate) secret: String,
    /// The thumbprint of the certificate `ci`.
    ci: Digest,
}

impl Stage {
    /// With these lines in `[listen]`.
    pub(crate) fn new(listen: &str) -> Self {
        let (files, upstream) = (Files::new(), Upstream::scripted(|_| ok("ok")));
        files.make("server", &["a.example", "b.example"]);
        let ci = files.make("ci", &[]);
        files.make("other", &[]);
        let path = |name: &str| files.path(name);
        let gateway = Gateway::start_with(
            listen,
            &format!(
                "tls = {{ client_ca = {ca:?}, certificates = [{{ chain = {chain:?}, key = {key:?} }}] }}\n\
             [[apis]]\nname = \"a\"\nhost = \"a.example\"\nupstream = \"http://{to}\"\n\
             rules = [{{ path = \"/x\" }}, {{ path = \"/ci\", subjects = [\"CN=deploy\", \"cn = ci\"] }}]\n\
             [[apis]]\nname = \"b\"\nhost = \"b.example\"\nclient_certificate = \"required\"\n\
             upstream = \"http://{to}\"\nrules = [{{ path = \"/x\" }}, {{ path = \"/open\", public = true }}]\n",
                ca = path("ca.pem"),
                chain = path("server.pem"),
                key = path("server.key"),
                to = upstream.address(),
            ),
        );
        gateway.owner("somebody");
        let secret = gateway.any_token();
        Self { files, upstream, gateway, secret, ci }
    }

    /// What curl is answered over both versions of HTTP, by a connection for `name` and with these options.
    pub(crate) fn curl(&self, name: &str, path: &str, more: &[&str]) -> (u16, Option<Value>) {
        let port = self.gateway.public().port();
        let ask = |version: &str| {
            let output = Command::new("curl")
                .args(["--silent", "--insecure", "--max-time", "30", "--noproxy", "*", version])
                .args(["--write-out", "\n%{http_code}"])
                .args(["--resolve", &format!("{name}:{port}:127.0.0.1")])
                .args(["--header", &format!("Authorization: Bearer {}", self.secret)])
                .args(more)
                .arg(format!("https://{name}:{port}{path}"))
                .output()
                .unwrap();
            assert!(output.status.success(), "{output:?}");
            let text = String::from_utf8(output.stdout).unwrap();
            let (body, status) = text.rsplit_once('\n').unwrap();
            (status.parse::<u16>().unwrap(), serde_json::from_str(body).ok())
        };
        let answered: (u16, Option<Value>) = ask("--http1.1");
        assert_eq!(ask("--http2"), answered, "{name}{path} {more:?}");
        answered
    }

    /// The options by which curl shows a certificate.
    fn shown(&self, name: &str) -> Vec<String> {
        let file = |end: &str| self.files.path(&format!("{name}.{end}")).display().to_string();
        vec!["--cert".to_owned(), file("pem"), "--key".to_owned(), file("key")]
    }

    /// The status with a certificate, and these options.
    fn with(&self, certificate: &str, name: &str, path: &str, more: &[&str]) -> u16 {
        let shown = self.shown(certificate);
        let all: Vec<_> = shown.iter().map(String::as_str).chain(more.iter().copied()).collect();
        self.curl(name, path, &all).0
    }

    fn refused(&self, refusal: Refusal) -> u64 {
        self.gateway.counted(|core| core.refusals.of(refusal))
    }

    pub(crate) fn explain(&self, url: &str, pem: Option<&str>) -> Value {
        let question = json!({
            "method": "GET", "url": url, "secret": self.secret, "certificate": pem,
        });
        let (status, answer) = self.gateway.local("/explain", &question);
        assert_eq!(status, 200, "{answer}");
        answer
    }
}

#[test]
fn an_api_lets_nobody_in_without_the_certificate_that_it_requires() {
    let stage = Stage::new("h2c = false");
    for path in ["/x", "/open", "/nowhere"] {
        let (status, problem) = stage.curl("b.example", path, &[]);
        assert_eq!(status, 403, "{path}");
        assert_eq!(problem.unwrap()["detail"], "A client certificate is required", "{path}");
    }
    assert_eq!(stage.refused(Refusal::CertificateMissing), 6);
    assert!(stage.upstream.seen().is_empty());
    assert_eq!(stage.with("ci", "b.example", "/x", &[]), 200);
    assert_eq!(stage.with("other", "b.example", "/open", &[]), 200);
    // What the other host's API does not ask for stands in nobody's way.
    assert_eq!(stage.curl("a.example", "/x", &[]).0, 200);
    assert_eq!(stage.with("ci", "a.example", "/x", &[]), 200);
}

/// sec-G2: by whichever name a connection was made, no request gets round the certificate.
#[test]
fn sec_g2_a_connection_for_another_host_leads_round_no_certificate() {
    let stage = Stage::new("h2c = false");
    let elsewhere = ["--header", "Host: b.example"];
    let (status, problem) = stage.curl("a.example", "/x", &elsewhere);
    assert_eq!(status, 421);
    assert_eq!(problem.unwrap()["detail"], "This host needs a connection of its own");
    for host in ["Host: B.Example", "Host: b.example.", "Host: b.example:443"] {
        assert_eq!(stage.curl("a.example", "/open", &["--header", host]).0, 421, "{host}");
        assert_eq!(stage.curl("b.example", "/open", &["--header", host]).0, 403, "{host}");
    }
    assert_eq!(stage.refused(Refusal::Misdirected), 8);
    // An address is no name: nothing was asked for in the handshake.
    assert_eq!(stage.curl("127.0.0.1", "/x", &elsewhere).0, 403);
    assert!(stage.upstream.seen().is_empty());
    // Whoever showed one has given what the other host asks for, and it asks for nothing more.
    assert_eq!(stage.with("ci", "a.example", "/x", &elsewhere), 200);
    assert_eq!(stage.curl("b.example", "/x", &["--header", "Host: a.example"]).0, 200);
}

#[test]
fn a_rule_takes_certificates_of_some_subjects_alone() {
    let stage = Stage::new("h2c = false");
    assert_eq!(stage.with("ci", "a.example", "/ci", &[]), 200);
    stage.upstream.take();
    for (name, shown) in [("other", true), ("", false)] {
        let status = match shown {
            true => stage.with(name, "a.example", "/ci", &[]),
            false => stage.curl("a.example", "/ci", &[]).0,
        };
        assert_eq!(status, 403, "{name}");
    }
    assert_eq!(stage.refused(Refusal::SubjectNotAllowed), 4);
    assert!(stage.upstream.seen().is_empty());
}

/// sec-H3: an upstream is told the certificate that was shown, and never what a client says of one.
#[test]
fn sec_h3_an_upstream_is_told_whose_certificate_was_shown() {
    let stage = Stage::new("h2c = false");
    let invented = [
        "--header",
        "X-Tollgate-Certificate-Subject: CN=root",
        "--header",
        "X_Tollgate-Certificate: 1",
    ];
    for (certificate, name, path) in
        [(true, "b.example", "/x"), (true, "b.example", "/open"), (false, "a.example", "/x")]
    {
        let status = match certificate {
            true => stage.with("ci", name, path, &invented),
            false => stage.curl(name, path, &invented).0,
        };
        assert_eq!(status, 200);
        for seen in stage.upstream.take() {
            let told = (
                seen.value("x-tollgate-certificate"),
                seen.value("x-tollgate-certificate-subject"),
            );
            let wanted = certificate.then(|| (stage.ci.to_hex(), "CN=ci".to_owned())).unzip();
            assert_eq!(told, wanted, "{name}{path}");
            assert!(!seen.holds("CN=root") && !seen.holds("X_Tollgate"), "{name}{path}");
        }
    }
}

#[test]
fn looking_again_changes_what_has_changed_alone() {
    let stage = Stage::new("h2c = false");
    let (app, source) = (stage.gateway.app(), stage.gateway.source());
    let generation = || app.shared().snapshot.load().generation;
    app.reloader().catch_up().unwrap();
    assert_eq!(generation(), 0, "certificates that are read again are the same");
    let text = std::fs::read_to_string(source).unwrap();
    std::fs::write(source, text.replace("\"required\"", "\"optional\"")).unwrap();
    app.reloader().catch_up().unwrap();
    assert_eq!((generation(), stage.curl("b.example", "/x", &[]).0), (1, 200));
}

#[test]
fn a_reload_changes_which_apis_require_one() {
    let stage = Stage::new("h2c = false");
    let source = stage.gateway.source();
    let text = std::fs::read_to_string(source).unwrap();
    std::fs::write(source, text.replace("\"required\"", "\"optional\"")).unwrap();
    stage.gateway.app().reloader().reload().unwrap();
    assert_eq!(stage.curl("b.example", "/x", &[]).0, 200);
    // Without those who sign them nobody could show one.
    let without = text.replace(&format!("client_ca = {:?}, ", stage.files.path("ca.pem")), "");
    assert_ne!(without, text);
    std::fs::write(source, without).unwrap();
    let problem = stage.gateway.app().reloader().reload().unwrap_err();
    assert!(problem.detail.contains("nothing says who signs them"), "{}", problem.detail);
    assert_eq!(stage.curl("b.example", "/x", &[]).0, 200, "what was in force stays");
}

/// What `explain` says is what is answered: to a connection without a certificate, and with each of two.
#[test]
fn explain_asks_about_a_certificate() {
    let stage = Stage::new("h2c = false");
    let pem =
        |name: &str| std::fs::read_to_string(stage.files.path(&format!("{name}.pem"))).unwrap();
    let (ci, other) = (pem("ci"), pem("other"));
    for (url, certificate, answered, reason) in [
        (
            "https://b.example/x",
            None,
            stage.curl("b.example", "/x", &[]).0,
            Some("certificate_missing"),
        ),
        (
            "https://b.example/open",
            None,
            stage.curl("b.example", "/open", &[]).0,
            Some("certificate_missing"),
        ),
        ("https://b.example/x", Some(&ci), stage.with("ci", "b.example", "/x", &[]), None),
        ("https://a.example/ci", Some(&ci), stage.with("ci", "a.example", "/ci", &[]), None),
        (
            "https://a.example/ci",
            Some(&other),
            stage.with("other", "a.example", "/ci", &[]),
            Some("subject_not_allowed"),
        ),
        (
            "https://a.example/ci",
            None,
            stage.curl("a.example", "/ci", &[]).0,
            Some("subject_not_allowed"),
        ),
        ("https://a.example/x", None, stage.curl("a.example", "/x", &[]).0, None),
    ] {
        let told = stage.explain(url, certificate.map(String::as_str));
        assert_eq!(told["reason"].as_str(), reason, "{told:#}");
        assert_eq!(told["status"].as_u64().unwrap_or(200), u64::from(answered), "{told:#}");
    }
    let told = stage.explain("https://a.example/ci", Some(&other));
    let step = |check: &str| {
        let steps = told["steps"].as_array().unwrap();
        steps.iter().find(|step| step["check"] == check).unwrap()["compared"].clone()
    };
    let thumbprint = Digest::of(&pem_der(&other)).to_hex();
    let shown =
        format!("its API requires none; shown is `CN=other`, with the thumbprint {thumbprint}");
    assert_eq!(step("certificate"), shown);
    assert_eq!(step("subject"), "asked is one of [`CN=deploy`, `CN=ci`], shown is `CN=other`");
    // A token that is bound to another.
    let bound = stage.gateway.token(json!({
        "owner": "somebody", "name": "bound", "flags": -1, "conditions": {"certificate": stage.ci},
    }));
    for (certificate, permitted) in [(Some(&ci), true), (Some(&other), false), (None, false)] {
        let question = json!({
            "method": "GET", "url": "https://a.example/x", "token": bound.id, "certificate": certificate,
        });
        let (_, told) = stage.gateway.local("/explain", &question);
        assert_eq!(told["permitted"], permitted, "{told:#}");
    }
    let question = json!({"method": "GET", "url": "/", "certificate": "no certificate"});
    let (status, problem) = stage.gateway.local("/explain", &question);
    assert_eq!((status, &problem["field"]), (400, &json!("certificate")), "{problem}");
}

#[test]
fn the_command_takes_a_certificate_from_a_file() {
    let stage = Stage::new("h2c = false");
    let run = |more: &[&str]| {
        let output = Command::new(env!("CARGO_BIN_EXE_tollgate"))
            .arg("--config")
            .arg(stage.gateway.source())
            .args(["explain", "GET", "https://b.example/open"])
            .args(more)
            .output()
            .unwrap();
        (output.status.success(), String::from_utf8(output.stdout).unwrap())
    };
    let (done, text) = run(&[]);
    assert!(done && text.contains("refused: 403 (certificate_missing)"), "{text}");
    let file = stage.files.path("ci.pem");
    let (done, text) = run(&["--certificate", file.to_str().unwrap()]);
    assert!(done && text.contains("permitted by rule `rule-2` of API `b`"), "{text}");
    assert!(text.contains("shown is `CN=ci`, with the thumbprint "), "{text}");
    assert!(!run(&["--certificate", stage.files.path("ci.key").to_str().unwrap()]).0);
}

fn pem_der(text: &str) -> Vec<u8> {
    use rustls::pki_types::pem::PemObject as _;
    rustls::pki_types::CertificateDer::from_pem_slice(text.as_bytes()).unwrap().to_vec()
}
