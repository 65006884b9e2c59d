//! The commands: what is typed becomes an act, and its answer text or JSON.
//!
//! Each command asks through [`client::Client`], which finds the running server or opens the
//! folder. `main` calls [`run`] and nothing else does.

use std::process::ExitCode;

use clap::{CommandFactory as _, FromArgMatches as _, error::ErrorKind};

use crate::clock::Clock;
use crate::store::Opener;
use crate::telemetry::{Format, notices};

pub mod failure;
pub mod output;
pub mod secret;
pub mod window;
pub mod page;
pub mod limit;
pub mod terms;
pub mod list;
pub mod change;
mod changes;
pub mod webhook_terms;
pub mod progress;
pub mod repeats;
pub mod many;
pub mod bulk;
pub mod leak;
pub mod overview;
pub mod transfer;
pub mod args;
pub mod token;
pub mod waiting;
pub mod place;
pub mod client;
pub mod render;
mod usage;
pub mod user;
pub mod company;
mod contexts;
pub mod history;
pub mod webhook;
pub mod explain;
pub mod clock;
pub mod system;
pub mod init;
pub mod folder;
pub mod serve;
pub mod demo;

#[cfg(feature = "test-clock")]
pub mod test_clock;

use args::{Arguments, Command, Common, HistoryCommand, UserCommand};
use client::Client;
use failure::{Code, Failure};
use output::Reply;
use waiting::Waiting;

/// Does what was typed, and says how it went.
pub fn run() -> ExitCode {
    let mut arguments = match parse() {
        Ok(arguments) => arguments,
        Err(code) => return code,
    };
    if arguments.common.config.is_none() {
        arguments.common.config = place::named_by_environment();
    }
    let json = arguments.common.json;
    // A gateway has logs instead, as its configuration says.
    if !matches!(arguments.command, Command::Serve(_) | Command::Demo(_)) {
        let format = if json { Format::Json } else { Format::Human };
        notices::start(format, machine_clock(), progress::Aside);
    }
    let outcome = dispatch(arguments).and_then(|reply| reply.write(json));
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            output::warn(&failure.text(json));
            failure.code.into()
        }
    }
}

fn parse() -> Result<Arguments, ExitCode> {
    let parsed = Arguments::command().try_get_matches();
    parsed.and_then(|matches| Arguments::from_arg_matches(&matches)).map_err(|error| {
        let asked = matches!(error.kind(), ErrorKind::DisplayHelp | ErrorKind::DisplayVersion);
        if !asked && std::env::args_os().any(|argument| argument == "--json") {
            output::warn(&failure::of_usage(&error.render().to_string()).text(true));
        } else {
            let _ = error.print();
        }
        if asked { ExitCode::SUCCESS } else { Code::Usage.into() }
    })
}

fn dispatch(arguments: Arguments) -> Result<Reply, Failure> {
    let Arguments { common, command } = arguments;
    let json = common.json;
    match command {
        Command::Init(init) => block_on(init::run(&init, &common, machine_clock())),
        Command::Demo(demo) => demo::run(&demo, &common, machine_clock()),
        Command::Serve(serve) => serve::run(&serve, &common, machine_clock()),
        Command::Restore { file, check } => {
            block_on(folder::restore(&file, check, &common, &machine_clock()))
        }
        Command::Repair { yes } => block_on(folder::repair(yes, &common, &machine_clock())),
        Command::Check { file } => system::check(file, &common, &machine_clock()),
        Command::Completions { shell } => system::completions(shell),
        Command::Man { dir } => system::man(dir.as_deref()),
        Command::Token(command) => {
            ask(&common, async |client, clock| token::run(command, client, clock, json).await)
        }
        Command::User(command) => {
            // The first user may come before the first start, but only where the folder is named: a
            // default is not what somebody meant.
            let is_first = matches!(command, UserCommand::Add(_)) && common.data.is_some();
            let opener = if is_first { Opener::Maker } else { Opener::Command };
            ask_as(opener, &common, async |client, clock| user::run(command, client, clock).await)
        }
        Command::Company(command) => {
            ask(&common, async |client, clock| company::run(command, client, clock).await)
        }
        Command::Contexts => ask(&common, async |client, _| contexts::run(client).await),
        Command::History { command, list } => ask(&common, async |client, _| match command {
            None => history::list(list, client).await,
            Some(HistoryCommand::List(list)) => history::list(list, client).await,
            Some(HistoryCommand::Head) => history::head(client).await,
            Some(HistoryCommand::Verify { against }) => {
                history::verify(against.as_deref(), client, json).await
            }
        }),
        Command::Webhook(command) => {
            ask(&common, async |client, clock| webhook::run(command, client, clock).await)
        }
        Command::Explain(explain) => {
            ask(&common, async |client, clock| explain::run(explain, client, clock).await)
        }
        Command::Clock(arguments) => {
            ask(&common, async |client, _| clock::run(arguments, client).await)
        }
        Command::Overview => ask(&common, async |client, clock| overview::run(client, clock).await),
        Command::Status => ask(&common, async |client, clock| system::status(client, clock).await),
        Command::Reload => ask(&common, async |client, _| system::reload(client).await),
        Command::Backup { file } => {
            ask(&common, async |client, _| system::backup(&file, client, json).await)
        }
    }
}

/// Does what needs the data.
fn ask(
    common: &Common,
    work: impl AsyncFnOnce(&Client, &Clock) -> Result<Reply, Failure>,
) -> Result<Reply, Failure> {
    ask_as(Opener::Command, common, work)
}

fn ask_as(
    opener: Opener,
    common: &Common,
    work: impl AsyncFnOnce(&Client, &Clock) -> Result<Reply, Failure>,
) -> Result<Reply, Failure> {
    block_on(async {
        let clock = machine_clock();
        let client = open(common, opener, clock.clone()).await?;
        let outcome = work(&client, &clock).await;
        // What was done is told even if the folder cannot be closed well, but the failure counts.
        let closed = client.close().await;
        outcome.and_then(|reply| closed.map(|()| reply))
    })
}

/// The way to the data that the configuration names. While that has mistakes, the server that was
/// started from it can still be told to revoke; another one never is.
async fn open(common: &Common, opener: Opener, clock: Clock) -> Result<Client, Failure> {
    let failure = match place::find(common, place::overrides(common)) {
        Ok(found) => {
            return Client::open(found.settings, opener, clock, Waiting::new(common)).await;
        }
        Err(failure) => failure,
    };
    let Some((socket, file)) = place::socket_despite_mistakes(common) else { return Err(failure) };
    let Some(client) = Client::running(&socket).await else { return Err(failure) };
    if !common.json {
        let (file, socket) = (file.display(), socket.display());
        output::warn(&format!(
            "note: `{file}` has mistakes (`tollgate check` shows them); \
             this asks the server that listens on `{socket}`, as it names that"
        ));
    }
    Ok(client)
}

/// The machine's clock.
#[cfg(not(feature = "test-clock"))]
const fn machine_clock() -> Clock {
    Clock::system()
}

/// The clock that a test holds, if it does.
#[cfg(feature = "test-clock")]
fn machine_clock() -> Clock {
    test_clock::clock()
}

fn block_on<T>(work: impl Future<Output = Result<T, Failure>>) -> Result<T, Failure> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| Failure::io("starting", error))?;
    runtime.block_on(work)
}
