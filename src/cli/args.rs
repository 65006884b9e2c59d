//! What can be typed: the commands, and by their subject what each takes. The meaning of each command is in
//! the file of its name.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};
use clap_complete::Shell;

pub use self::looks::{Clock, Explain, HistoryCommand, HistoryList};
pub use self::owners::{CompanyCommand, UserAdd, UserCommand, UserList, UserPassword};
pub use self::run::{Demo, Init, Serve};
pub use self::shared::{Act, PageArguments};
pub use self::tokens::{Rotate, TokenCommand};
use crate::cli::failure::EXIT_CODES;
use crate::cli::webhook_terms::WebhookCommand;

mod shared;
mod run;
mod tokens;
mod owners;
mod looks;

const EVERYWHERE: &str = "Options of every command";

/// Lets a request through only when its token allows exactly that request.
#[derive(Parser)]
#[command(name = "tollgate", version, after_help = EXIT_CODES, propagate_version = true)]
#[command(arg_required_else_help = true, subcommand_required = true, max_term_width = 100)]
pub struct Arguments {
    /// What every command takes.
    #[command(flatten)]
    pub common: Common,
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// What every command takes.
#[derive(Args, Clone, Debug, Default)]
pub struct Common {
    /// Configuration file [default: TOLLGATE_CONFIG of the environment, then ./tollgate.toml, then
    /// /etc/tollgate/tollgate.toml]
    #[arg(long, global = true, help_heading = EVERYWHERE)]
    #[arg(value_name = "FILE", display_order = 900)]
    pub config: Option<PathBuf>,
    /// Folder of the data, instead of the configured one
    #[arg(long, global = true, help_heading = EVERYWHERE)]
    #[arg(value_name = "DIR", display_order = 901)]
    pub data: Option<PathBuf>,
    /// Answer with one JSON value on one line; errors too, on standard error
    #[arg(long, global = true, help_heading = EVERYWHERE, display_order = 902)]
    pub json: bool,
}

/// The commands.
#[derive(Subcommand)]
pub enum Command {
    /// Write a small configuration, the data folder and the master key
    Init(Init),
    /// Start a gateway with an upstream and tokens to try it out
    Demo(Demo),
    /// Run the gateway
    Serve(Serve),
    /// Find all mistakes in the configuration
    Check {
        /// The file to check, instead of the configured one
        #[arg(conflicts_with = "config")]
        file: Option<PathBuf>,
    },
    /// Make and manage tokens
    #[command(subcommand)]
    Token(TokenCommand),
    /// Make and manage the users and services that tokens act for
    #[command(subcommand)]
    User(UserCommand),
    /// Put companies on record, and license contexts to them
    #[command(subcommand)]
    Company(CompanyCommand),
    /// Show the contexts of the configuration: what tokens carry for them, and what they open
    Contexts,
    /// Show what happened, newest first
    #[command(args_conflicts_with_subcommands = true)]
    History {
        /// More than the list.
        #[command(subcommand)]
        command: Option<HistoryCommand>,
        /// Which part of the list.
        #[command(flatten)]
        list: HistoryList,
    },
    /// See who is told what happened, and whether it arrives
    #[command(subcommand)]
    Webhook(WebhookCommand),
    /// Show each check that a request would meet, and where it would stop
    Explain(Explain),
    /// Show how tokens, users and requests stand, in numbers
    Overview,
    /// Tell whether a server runs, and how its store does
    Status,
    /// Show the wall clock beside the latest time that was relied on, trust it, or take that back
    Clock(Clock),
    /// Let a running server read its configuration anew
    Reload,
    /// Write everything into one verified file, also from a running server
    Backup {
        /// The file to write; it must not exist
        file: PathBuf,
    },
    /// Fill an empty data folder from a backup
    Restore {
        /// The file that `backup` wrote
        file: PathBuf,
        /// Only check the file
        #[arg(long)]
        check: bool,
    },
    /// Rebuild the index from the history alone
    Repair {
        /// Go on with what is left of a history that has lost events, and put that on record
        #[arg(long)]
        yes: bool,
    },
    /// Print a completion script for a shell
    Completions {
        /// Which shell
        shell: Shell,
    },
    /// Print the manual page, or write those of all commands
    Man {
        /// The folder to write them to, such as /usr/local/share/man/man1
        #[arg(long, value_name = "DIR")]
        dir: Option<PathBuf>,
    },
}
