//! What can be typed. The meaning of each command is in the file of its name.

use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};
use clap_complete::Shell;

use crate::cli::change::{CompanyAdd, CompanyUpdate, UserUpdate};
use crate::cli::failure::EXIT_CODES;
use crate::cli::list::{TokenList, one_or_more};
use crate::cli::many::{Export, Import, Leak, RevokeAll};
use crate::cli::terms::{Create, Update};
use crate::cli::webhook_terms::WebhookCommand;

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

/// `init`
#[derive(Args, Debug)]
pub struct Init {
    /// Where the protected service is
    #[arg(long, value_name = "URL", default_value = "http://127.0.0.1:3000")]
    pub upstream: String,
    /// The first administrator, whose password is printed once
    #[arg(long, value_name = "NAME", default_value = "admin")]
    pub administrator: String,
}

/// `demo`
#[derive(Args, Debug)]
pub struct Demo {
    /// Where clients come in [default: 127.0.0.1:8080, or any port if that is taken]
    #[arg(long, value_name = "ADDR")]
    pub public: Option<SocketAddr>,
    /// Where metrics and health are answered [default: 127.0.0.1:8081, or any port]
    #[arg(long, value_name = "ADDR")]
    pub admin: Option<SocketAddr>,
}

/// `serve`
#[derive(Args, Debug)]
pub struct Serve {
    /// Protect this service with one rule: any valid token, every path. No file is read
    #[arg(long, value_name = "URL", conflicts_with = "config")]
    pub upstream: Option<String>,
    /// Where clients come in, instead of the configured address
    #[arg(long, value_name = "ADDR")]
    pub listen: Option<SocketAddr>,
    /// Where metrics and health are answered, instead of the configured address
    #[arg(long, value_name = "ADDR")]
    pub admin: Option<SocketAddr>,
}

/// `token`
#[derive(Subcommand)]
pub enum TokenCommand {
    /// Make a token; its secret is shown this once
    Create(Box<Create>),
    /// List tokens, newest first, ended ones too; all filters hold at once
    List(Box<TokenList>),
    /// Show everything about a token but its secret
    Show {
        /// The token's id
        id: String,
    },
    /// Show how often a token was used and refused, by the day
    Usage {
        /// The token's id
        id: String,
        /// How many days, today included: 1 to 90
        #[arg(long, value_name = "NUMBER", default_value = "30")]
        days: u32,
    },
    /// Change a token; its next request is decided by what it is then
    Update(Box<Update>),
    /// Give a token a successor with the same rights; both work for a while
    Rotate(Rotate),
    /// End a token for good; it stays in the list and in the history
    #[command(visible_alias = "delete")]
    Revoke(Act),
    /// End all tokens of a user, of a company or of other filters for good; without `--confirm`, show them
    RevokeAll(Box<RevokeAll>),
    /// End the tokens of secrets that were found in the open
    Leak(Leak),
    /// Make tokens of lines of CSV or JSON: secrets of another system, or their SHA-256 digests
    Import(Import),
    /// Write tokens as CSV or as lines of JSON, without secrets; all filters hold at once
    Export(Box<Export>),
    /// Pause a token
    Disable(Act),
    /// Lift a pause
    Enable(Act),
}

/// `token rotate`
#[derive(Args, Debug)]
pub struct Rotate {
    /// The token's id
    pub id: String,
    /// For how long both work [default: 1d]; 0 ends the old one at once
    #[arg(long, value_name = "TIME", allow_hyphen_values = true)]
    pub grace: Option<String>,
    /// How long the old one works once the new one was used, if that is sooner
    #[arg(long, value_name = "TIME", allow_hyphen_values = true)]
    pub after_use: Option<String>,
    /// Why, for the history
    #[arg(long, default_value = "", hide_default_value = true)]
    pub reason: String,
    /// Print nothing but the new secret
    #[arg(long)]
    pub secret_only: bool,
}

/// Which part of a list.
#[derive(Args, Debug)]
pub struct PageArguments {
    /// Entries to show
    #[arg(long, value_name = "N", default_value_t = 100, value_parser = one_or_more)]
    pub limit: usize,
    /// Go on after this entry, as the end of the last list says
    #[arg(long, value_name = "ID")]
    pub after: Option<String>,
    /// Show everything
    #[arg(long, conflicts_with_all = ["limit", "after"])]
    pub all: bool,
}

/// An act that needs nothing but a reason.
#[derive(Args, Debug)]
pub struct Act {
    /// The id of the token, or the name of the user or the company
    pub id: String,
    /// Why, for the history
    #[arg(long, value_name = "TEXT", default_value = "", hide_default_value = true)]
    pub reason: String,
}

/// `user`
#[derive(Subcommand)]
pub enum UserCommand {
    /// Make a user or a service
    Add(UserAdd),
    /// List users and services in alphabetical order
    List(PageArguments),
    /// Show a user or a service
    Show {
        /// The user's name
        id: String,
    },
    /// Change a user or a service; the next request of its tokens is decided by what it is then
    Update(UserUpdate),
    /// Stop all tokens of a user at once
    Block(Act),
    /// Let the tokens of a user go on
    Unblock(Act),
    /// Set the password with which a user signs in; it is read from standard input
    Password(UserPassword),
}

/// `user password`
#[derive(Args, Debug)]
pub struct UserPassword {
    /// The user's name
    pub id: String,
    /// Read it from this file instead
    #[arg(long, value_name = "FILE", conflicts_with_all = ["generate", "remove"])]
    pub from: Option<PathBuf>,
    /// Make one and print it
    #[arg(long, conflicts_with = "remove")]
    pub generate: bool,
    /// Take the password away, so that nobody signs in as this user
    #[arg(long)]
    pub remove: bool,
}

/// `user add`
#[derive(Args, Debug)]
pub struct UserAdd {
    /// The one name: a-z, 0-9 and `.`, `_`, `-`, `+`, `@`
    pub id: String,
    /// A program instead of a person
    #[arg(long)]
    pub service: bool,
    /// How people call it
    #[arg(long, default_value = "", hide_default_value = true)]
    pub name: String,
    /// Where notices go
    #[arg(long)]
    pub email: Option<String>,
    /// The tenant that it belongs to
    #[arg(long)]
    pub company: Option<String>,
    /// The user whose subordinate it is
    #[arg(long, value_name = "USER")]
    pub parent: Option<String>,
    /// What rules may ask for
    #[arg(long = "role", value_name = "ROLE", value_delimiter = ',')]
    pub roles: Vec<String>,
    /// The most that its tokens may have: names of flags, a number, or -1 for no limit
    #[arg(long, value_name = "FLAGS", value_delimiter = ',', allow_hyphen_values = true)]
    pub ceiling: Vec<String>,
}

/// `company`
#[derive(Subcommand)]
pub enum CompanyCommand {
    /// Put a company on record, with what it is licensed for
    Add(CompanyAdd),
    /// List the companies on record in alphabetical order
    List(PageArguments),
    /// Show a company
    Show {
        /// The company's name
        id: String,
    },
    /// Change a company; the next request of its tokens is decided by what it is then
    Update(CompanyUpdate),
    /// Stop all tokens of a company at once
    Block(Act),
    /// Let the tokens of a company go on
    Unblock(Act),
}

/// `history`
#[derive(Subcommand)]
pub enum HistoryCommand {
    /// Show what happened, newest first
    List(HistoryList),
    /// Check every line from the first to the last
    Verify {
        /// What `history head` printed earlier: the history must still hold it
        #[arg(long, value_name = "POSITION:HASH")]
        against: Option<String>,
    },
    /// Print the newest event's number and hash, to be kept elsewhere
    Head,
}

/// `history list`
#[derive(Args, Debug)]
pub struct HistoryList {
    /// Only what concerns this token
    #[arg(long, value_name = "ID", conflicts_with_all = ["user", "company"])]
    pub token: Option<String>,
    /// Only what concerns this user and the user's tokens
    #[arg(long, conflicts_with = "company")]
    pub user: Option<String>,
    /// Only what was done to this company, and which users came and left
    #[arg(long)]
    pub company: Option<String>,
    /// Only events of these kinds, such as token.revoked, or token for all about tokens
    #[arg(long, value_name = "KINDS", value_delimiter = ',')]
    pub kind: Vec<String>,
    /// Only what this user did; system is the gateway, local:0 the command line of a user of the machine
    #[arg(long, value_name = "WHO")]
    pub by: Option<String>,
    /// Only what was written down at this time or later
    #[arg(long, value_name = "TIME")]
    pub since: Option<String>,
    /// Only what was written down before this time
    #[arg(long, value_name = "TIME")]
    pub until: Option<String>,
    /// Events to show
    #[arg(long, value_name = "N", default_value_t = 100, value_parser = one_or_more)]
    pub limit: usize,
    /// Only events with a smaller number
    #[arg(long, value_name = "POSITION")]
    pub before: Option<u64>,
}

/// `explain`
#[derive(Args, Debug)]
pub struct Explain {
    /// The method of the request
    pub method: String,
    /// Its address, or its path alone
    pub url: String,
    /// A token by its id
    #[arg(long, value_name = "ID", group = "presented")]
    pub token: Option<String>,
    /// A token by its secret, from standard input
    #[arg(long, group = "presented")]
    pub secret_stdin: bool,
    /// A token by its secret, from a file
    #[arg(long, value_name = "FILE", group = "presented")]
    pub secret_file: Option<PathBuf>,
    /// The address of the client
    #[arg(long, value_name = "IP", default_value = "127.0.0.1")]
    pub from: IpAddr,
    /// The company that the request names, as with X-EMPR-ID
    #[arg(long, value_name = "COMPANY")]
    pub company: Option<String>,
}

/// `clock`
#[derive(Args, Debug)]
pub struct Clock {
    /// Say that the wall clock is right, so that tokens are ended by it again
    #[arg(long, requires = "reason", group = "word")]
    pub trust: bool,
    /// Take the latest time that was relied on back to now, since a wrong clock had raised it
    #[arg(long, requires = "reason", group = "word")]
    pub set_mark_to_now: bool,
    /// Why, for the history
    #[arg(long, value_name = "TEXT", default_value = "", hide_default_value = true)]
    #[arg(requires = "word")]
    pub reason: String,
    /// Confirm that the wall clock is right
    #[arg(long, requires = "set_mark_to_now")]
    pub yes: bool,
}
