//! What can be typed to see what happened and what would happen, and about the clock.

use std::net::IpAddr;
use std::path::PathBuf;

use clap::{Args, Subcommand};

use crate::cli::list::one_or_more;

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
    /// The address of the client; behind trusted proxies the one that they name
    #[arg(long, value_name = "IP", default_value = "127.0.0.1")]
    pub from: IpAddr,
    /// The certificate that the client has shown (PEM), taken as signed by whom the gateway trusts
    #[arg(long, value_name = "FILE")]
    pub certificate: Option<PathBuf>,
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
