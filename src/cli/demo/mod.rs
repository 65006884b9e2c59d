//! `tollgate demo`: an upstream, a gateway in front of it, and tokens of several kinds to try out.

use std::io::ErrorKind;
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde::Serialize;

use crate::app::{self, Signals};
use crate::cli::args::{Common, Demo};
use crate::cli::failure::{Code, Failure};
use crate::cli::output::Reply;
use crate::cli::{place, serve};
use crate::clock::Clock;
use crate::config::{Environment, Settings, Source};
use crate::store;

mod examples;
mod seed;
mod upstream;

use examples::Example;

/// The configuration of a demo.
const CONFIGURATION: &str = "tollgate.toml";
/// How it begins, by which the folder of a demo is known.
const MARK: &str = "# Written by `tollgate demo`, anew at each start.";

/// What `demo --json` prints.
#[derive(Serialize)]
struct Started {
    public: SocketAddr,
    admin: SocketAddr,
    data: PathBuf,
    administrator: Administrator,
    examples: Vec<Example>,
}

/// Who signs in to the pages.
#[derive(Serialize)]
struct Administrator {
    user: &'static str,
    password: String,
}

/// Starts everything, says how to try it, and runs until the process is told to stop.
///
/// # Errors
/// An address or a folder that is taken, or what goes wrong at the end.
pub fn run(demo: &Demo, common: &Common, clock: Clock) -> Result<Reply, Failure> {
    let folder = Folder::new(common)?;
    let upstream = upstream::start()?;
    let config = folder.path.join(CONFIGURATION);
    let text = configuration(demo, &folder.path, upstream);
    std::fs::write(&config, text)
        .map_err(|error| Failure::io(format_args!("writing `{}`", config.display()), error))?;
    let source = Source::file(&config);
    let loaded = source.load(&Environment::process());
    let settings = loaded.map_err(|report| place::mistakes(&report))?.settings;
    let (logs, _flush) = serve::start_logs(&settings, &clock)?;
    let (store, seeded) = open_and_seed(&settings, &clock)?;
    let signals = Signals::take().map_err(serve::failure)?;
    let running =
        app::start_on(store, settings, Some(source), clock, Some(logs)).map_err(serve::failure)?;
    let examples = examples::all(&seeded, running.public());
    let started = Started {
        public: running.public(),
        admin: running.admin(),
        data: folder.path.clone(),
        administrator: Administrator {
            user: seed::ADMINISTRATOR,
            password: seeded.password.to_string(),
        },
        examples,
    };
    let text = text_of(&started, &config, folder.is_ours);
    serve::until_told((running, signals), &Reply::new(text, &started)?, common.json, || {
        Err(std::io::Error::other("a demonstration has no successor"))
    })
}

/// Where the demo lives. One that nobody named is taken away at the end.
struct Folder {
    path: PathBuf,
    is_ours: bool,
}

impl Folder {
    fn new(common: &Common) -> Result<Self, Failure> {
        let (path, is_ours) = match &common.data {
            Some(data) => {
                check_ours(data)?;
                (data.clone(), false)
            }
            None => {
                let mut random = [0; 6];
                aws_lc_rs::rand::fill(&mut random)
                    .map_err(|_| Failure::io("naming a folder", "no random numbers"))?;
                let name: String = random.iter().map(|byte| format!("{byte:02x}")).collect();
                (std::env::temp_dir().join(format!("tollgate-demo-{name}")), true)
            }
        };
        let made = make_private(&path).and_then(|()| std::path::absolute(&path));
        let path =
            made.map_err(|error| Failure::io(format_args!("making `{}`", path.display()), error))?;
        Ok(Self { path, is_ours })
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        if self.is_ours {
            let _ = std::fs::remove_dir_all(&self.path);
        }
    }
}

fn make_private(path: &Path) -> std::io::Result<()> {
    use std::os::unix::fs::DirBuilderExt as _;
    std::fs::DirBuilder::new().recursive(true).mode(0o700).create(path)
}

/// Refuses a folder that no demo has made: its users and tokens have no place among real ones.
fn check_ours(folder: &Path) -> Result<(), Failure> {
    let mut entries = match std::fs::read_dir(folder) {
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(()),
        found => found
            .map_err(|error| Failure::io(format_args!("reading `{}`", folder.display()), error))?,
    };
    let written = std::fs::read_to_string(folder.join(CONFIGURATION));
    if entries.next().is_none() || written.is_ok_and(|text| text.starts_with(MARK)) {
        return Ok(());
    }
    let detail = format!("`{}` was not made by a demo", folder.display());
    Err(Failure::new(Code::Conflict, "exists", detail)
        .hint("name a folder of its own with `--data DIR`"))
}

/// The named address; without one a usual port, or any if that is taken.
fn address(named: Option<SocketAddr>, usual: u16) -> SocketAddr {
    named.unwrap_or_else(|| {
        let usual = SocketAddr::from((Ipv4Addr::LOCALHOST, usual));
        let is_free = TcpListener::bind(usual).is_ok();
        if is_free { usual } else { (Ipv4Addr::LOCALHOST, 0).into() }
    })
}

fn configuration(demo: &Demo, data: &Path, upstream: SocketAddr) -> String {
    let (public, admin) = (address(demo.public, 8_080), address(demo.admin, 8_081));
    format!(
        r#"{MARK}
[listen]
public = "{public}"
admin = "{admin}"

[store]
path = {data:?}

[flags]
view = 0x200
edit = 0x400

[contexts.orders]
title = "Orders"

[contexts.stock]
title = "Stock"

[[apis]]
name = "shop"
upstream = ["http://{upstream}"]

[[apis.rules]]
name = "public"
path = "/public/{{*rest}}"
public = true

[[apis.rules]]
name = "read-orders"
path = "/orders/{{*rest}}"
methods = ["GET", "HEAD"]
context = "orders"
flags = ["view"]

[[apis.rules]]
name = "write-orders"
path = "/orders/{{*rest}}"
methods = ["POST", "PUT", "PATCH", "DELETE"]
context = "orders"
flags = ["edit"]

[[apis.rules]]
name = "stock-item"
path = "/stock/{{item}}"
context = "stock"
item = "{{item}}"
"#,
        data = data.display().to_string(),
    )
}

type Seeded = (Arc<dyn store::Store>, seed::Seeded);

/// The tokens are made before anything listens: an expired one cannot be made by the acts, which
/// refuse an end in the past.
fn open_and_seed(settings: &Settings, clock: &Clock) -> Result<Seeded, Failure> {
    super::block_on(async {
        let store = store::open(&settings.store, clock.clone()).await?;
        let seeded = seed::seed(&store, settings, clock).await?;
        Ok((store, seeded))
    })
}

fn text_of(started: &Started, config: &Path, passes: bool) -> String {
    use std::fmt::Write as _;
    let how_long = if passes {
        "until it stops; `--data DIR` names a folder that is kept"
    } else {
        "also for the next time"
    };
    let mut text = format!(
        "The gateway listens on http://{}, and pages, REST, health and metrics on {pages}.\n\
         Sign in at {pages} as `{}` with the password {}\n\
         Behind it stands a small upstream that answers with what it was sent.\n\
         Everything is kept in {}, {how_long}.\n\n",
        started.public,
        started.administrator.user,
        started.administrator.password,
        started.data.display(),
        pages = serve::pages_at(started.admin, "http"),
    );
    for example in &started.examples {
        let _ = writeln!(text, "# {}: {}", example.expect, example.name);
        let _ = writeln!(text, "{}\n", example.curl());
    }
    let _ = write!(
        text,
        "Manage it from another terminal, for example:\n\
         {program} --config {config} token list\n\
         {program} --config {config} history\n\n\
         Ctrl-C stops it.",
        program = std::env::args().next().unwrap_or_else(|| "tollgate".to_owned()),
        config = config.display(),
    );
    text
}
