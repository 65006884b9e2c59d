//! The gateway in this process, on a store of its own, with a clock that stands until it is moved.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::atomic::Ordering;
use std::thread::JoinHandle;

use serde_json::{Value, json};
use tempfile::TempDir;
use tollgate::app::{self, AppError, Ended, Running, Sockets};
use tollgate::clock::Clock;
use tollgate::config::{self, Environment, Source};
use tollgate::domain::id::{OwnerId, TokenId};
use tollgate::domain::time::Timestamp;
use tollgate::service::{Caller, ServiceError};
use tollgate::telemetry::counters::CoreCounters;
use tollgate::telemetry::logs::Logs;

use super::client::{Answer, Client, ask};
use super::{PATIENCE, wait_until};

/// When tests begin: a Friday noon in UTC.
pub const START: Timestamp = Timestamp::from_unix(1_795_176_000);

/// For what fails at authenticating again and again, and is about something else.
pub const FREELY: &str = "failures = { slow_after = 0, refuse_after = 0 }";

/// A token that was just made.
#[derive(Clone, Debug)]
pub struct Made {
    /// Its public id.
    pub id: TokenId,
    /// The text that clients send.
    pub secret: String,
}

/// A running gateway.
pub struct Gateway {
    running: Option<Running>,
    clock: Clock,
    source: PathBuf,
    logs: Option<Logs>,
    folder: TempDir,
}

impl Gateway {
    /// Starts one with `more` beside what every test needs: APIs, contexts, flags.
    pub fn start(more: &str) -> Self {
        Self::start_with("h2c = true", more)
    }

    /// The same with lines of its own in `[listen]`.
    pub fn start_with(listen: &str, more: &str) -> Self {
        Self::start_logged(listen, more, None)
    }

    /// The same with logs.
    pub fn start_logged(listen: &str, more: &str, logs: Option<Logs>) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let source = folder.path().join("tollgate.toml");
        let base = format!(
            "listen = {{ public = \"127.0.0.1:0\", admin = \"127.0.0.1:0\", cores = 2, {listen} }}\n\
             store = {{ path = {data:?}, reserve = \"1 MiB\", index_cache = \"8 MiB\" }}\n",
            data = folder.path().join("data"),
            listen = listen.replace('\n', ", "),
        );
        std::fs::write(&source, base + more).unwrap();
        let clock = Clock::held(START);
        let mut gateway = Self { running: None, clock, source, logs, folder };
        gateway.go();
        gateway
    }

    /// One API in front of `upstream` that any token opens, which changes as little as can be.
    pub fn transparent(upstream: SocketAddr) -> Self {
        let gateway = Self::start(&format!(
            "identity = {{ owner = false, company = false, token_id = false, token_name = false, \
             flags = false, contexts = false, items = false, params = false, request_id = false }}\n\
             [[apis]]\nname = \"all\"\nkeep_credential = true\nupstream = \"http://{upstream}\"\n\
             rules = [{{ path = \"/{{*rest}}\" }}]\n"
        ));
        gateway.owner("somebody");
        gateway
    }

    /// One API in front of `upstream` that any token opens, with these `[limits]`.
    pub fn limited(limits: &str, upstream: SocketAddr) -> Self {
        let gateway = Self::start(&format!(
            "limits = {{ {limits} }}\n[[apis]]\nname = \"a\"\nupstream = \"http://{upstream}\"\n\
             rules = [{{ path = \"/{{*rest}}\" }}]\n"
        ));
        gateway.owner("somebody");
        gateway
    }

    /// Starts it on its folder.
    pub fn go(&mut self) {
        self.go_with(Sockets::New);
    }

    fn go_with(&mut self, sockets: Sockets) {
        let loaded = config::load(&self.source, &Environment::process());
        let settings = loaded.unwrap_or_else(|report| panic!("{report}")).settings;
        let source = Some(Source::file(&self.source));
        self.running = Some(
            app::start_with(sockets, settings, source, self.clock.clone(), self.logs.clone())
                .unwrap(),
        );
    }

    /// Stops it and starts it again on the same folder.
    pub fn restart(&mut self) {
        self.stop();
        self.go();
    }

    /// Starts a successor on the same folder, in the same process. Gives the gateway before, which ends on a thread of its
    /// own once it has finished what was under way.
    pub fn succeed(&mut self) -> JoinHandle<Result<Ended, AppError>> {
        let before = self.running.take().unwrap();
        let ends = std::thread::spawn(move || before.give_up());
        self.go_with(Sockets::TakenOver);
        ends
    }

    /// Stops it.
    pub fn stop(&mut self) {
        self.running.take().unwrap().stop().unwrap();
    }

    /// What runs.
    pub fn app(&self) -> &Running {
        self.running.as_ref().unwrap()
    }

    /// What all cores have counted.
    pub fn counted(&self, of: impl Fn(&CoreCounters) -> u64) -> u64 {
        self.app().shared().counters.cores.iter().map(|core| of(core)).sum()
    }

    /// Where clients come in.
    pub fn public(&self) -> SocketAddr {
        self.app().public()
    }

    /// Where clients come in without TLS, beside that.
    pub fn plain(&self) -> SocketAddr {
        self.app().plain().unwrap()
    }

    /// Where metrics and health are answered.
    pub fn admin(&self) -> SocketAddr {
        self.app().admin()
    }

    /// Its clock.
    pub fn clock(&self) -> &Clock {
        &self.clock
    }

    /// Waits until the gateway has taken note of the time that its clock shows.
    pub fn wait_for_upkeep(&self) {
        let shown = self.clock.now().unix();
        let noted = || self.app().shared().high_water.load(Ordering::Relaxed);
        wait_until("the time was never noted", PATIENCE, || noted() >= shown);
    }

    /// The folder of everything that it wrote.
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// Its configuration file.
    pub fn source(&self) -> &Path {
        &self.source
    }

    /// One request on a connection of its own.
    pub fn ask(&self, request: impl AsRef<[u8]>) -> Answer {
        ask(self.public(), request)
    }

    /// The bytes of a `GET` with a token.
    pub fn get(&self, target: &str, secret: &str) -> String {
        format!(
            "GET {target} HTTP/1.1\r\nHost: a.example\r\nAuthorization: Bearer {secret}\r\n\r\n"
        )
    }

    /// An act over its local socket: the status, and what was answered.
    pub fn local(&self, path: &str, body: &Value) -> (u16, Value) {
        self.over_socket("POST", path, &body.to_string())
    }

    /// What is at a path, over its local socket.
    pub fn read(&self, path: &str) -> (u16, Value) {
        self.over_socket("GET", path, "")
    }

    fn over_socket(&self, method: &str, path: &str, body: &str) -> (u16, Value) {
        use std::io::{Read as _, Write as _};
        let socket = self.folder.path().join("data/tollgate.sock");
        let mut stream = std::os::unix::net::UnixStream::connect(socket).unwrap();
        let head = format!(
            "{method} /api/v1{path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\
             Content-Type: application/json\r\nContent-Length: {}\r\n\r\n",
            body.len()
        );
        stream.write_all((head + body).as_bytes()).unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        let (head, body) = answer.split_once("\r\n\r\n").unwrap();
        let answer =
            if body.is_empty() { Value::Null } else { serde_json::from_str(body).unwrap() };
        (head[9..12].parse().unwrap(), answer)
    }

    fn wait<T>(&self, act: impl Future<Output = T>) -> T {
        self.app().control().block_on(act)
    }

    /// A client that has sent the head of a request whose body is to follow.
    pub fn begin_post(&self, path: &str, secret: &str, length: usize) -> Client {
        let mut client = Client::connect(self.public());
        client.send(format!(
            "POST {path} HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer {secret}\r\n\
             Content-Length: {length}\r\n\r\n"
        ));
        client
    }

    /// Makes an owner of whom nothing but the name matters.
    pub fn owner(&self, id: &str) {
        self.try_owner(json!({ "id": id })).unwrap();
    }

    /// Makes an owner from the body of the act.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn try_owner(&self, body: Value) -> Result<(), String> {
        let input = serde_json::from_value(body).map_err(|error| error.to_string())?;
        let made = self.wait(self.app().service().create_owner(&admin(), input));
        made.map(|_| ()).map_err(|error| error.to_string())
    }

    /// Makes a token from the body of the act.
    pub fn token(&self, body: Value) -> Made {
        self.try_token(body).unwrap()
    }

    /// The same.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn try_token(&self, body: Value) -> Result<Made, String> {
        // Text, and not the value: raw JSON in it is kept only so.
        let input = serde_json::from_str(&body.to_string()).map_err(|error| error.to_string())?;
        let brought = body["secret"].as_str().map(str::to_owned);
        let made = self.wait(self.app().service().create_token(&admin(), input));
        let made = made.map_err(|error| error.to_string())?;
        let shown = made.secret.map(|secret| secret.expose().to_owned());
        Ok(Made { id: made.token.id, secret: shown.or(brought).unwrap() })
    }

    /// A token of `somebody` that may do everything, and never ends.
    pub fn any_token(&self) -> String {
        self.token(json!({ "owner": "somebody", "name": "any", "flags": -1 })).secret
    }

    /// Changes a token.
    pub fn update(&self, id: TokenId, body: &Value) {
        let change = serde_json::from_str(&body.to_string()).unwrap();
        done(self.wait(self.app().service().update_token(&admin(), id, &change)));
    }

    /// Ends a token.
    pub fn revoke(&self, id: TokenId) {
        done(self.wait(self.app().service().revoke_token(&admin(), id, "test")));
    }

    /// Pauses a token.
    pub fn disable(&self, id: TokenId) {
        done(self.wait(self.app().service().disable_token(&admin(), id, "test")));
    }

    /// Lets a token go on.
    pub fn enable(&self, id: TokenId) {
        done(self.wait(self.app().service().enable_token(&admin(), id, "test")));
    }

    /// Stops all tokens of an owner.
    pub fn block(&self, owner: &str) {
        let id: OwnerId = owner.parse().unwrap();
        done(self.wait(self.app().service().block_owner(&admin(), &id, "test")));
    }

    /// Lets all tokens of an owner go on.
    pub fn unblock(&self, owner: &str) {
        let id: OwnerId = owner.parse().unwrap();
        done(self.wait(self.app().service().unblock_owner(&admin(), &id, "test")));
    }
}

impl Gateway {
    /// Puts a company on record from the body of the act.
    pub fn company(&self, body: &Value) {
        let input = serde_json::from_str(&body.to_string()).unwrap();
        done(self.wait(self.app().service().create_company(&admin(), input)));
    }

    /// Changes a company.
    pub fn update_company(&self, id: &str, body: &Value) {
        let (id, change) = (id.parse().unwrap(), serde_json::from_str(&body.to_string()).unwrap());
        done(self.wait(self.app().service().update_company(&admin(), &id, &change)));
    }

    /// Stops all tokens of a company.
    pub fn block_company(&self, id: &str) {
        let id = id.parse().unwrap();
        done(self.wait(self.app().service().block_company(&admin(), &id, "test")));
    }

    /// Lets all tokens of a company go on.
    pub fn unblock_company(&self, id: &str) {
        let id = id.parse().unwrap();
        done(self.wait(self.app().service().unblock_company(&admin(), &id, "test")));
    }

    /// Changes an owner.
    pub fn update_owner(&self, id: &str, body: &Value) {
        let (id, change) = (id.parse().unwrap(), serde_json::from_str(&body.to_string()).unwrap());
        done(self.wait(self.app().service().update_owner(&admin(), &id, &change)));
    }
}

impl Drop for Gateway {
    fn drop(&mut self) {
        if let Some(running) = self.running.take() {
            let _ = running.stop();
        }
    }
}

fn admin() -> Caller {
    Caller::local(0)
}

fn done<T>(result: Result<T, ServiceError>) {
    if let Err(error) = result {
        panic!("{error}");
    }
}
