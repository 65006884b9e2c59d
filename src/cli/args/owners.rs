//! What can be typed about users, services and companies.

use std::path::PathBuf;

use clap::{Args, Subcommand};

use super::shared::{Act, PageArguments};
use crate::cli::change::{CompanyAdd, CompanyUpdate, UserUpdate};

/// `user`
#[derive(Subcommand)]
pub enum UserCommand {
    /// Make a user or a service
    Add(UserAdd),
    /// List users and services in alphabetical order
    List(UserList),
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

/// `user list`; all filters hold at once.
#[derive(Args, Debug)]
pub struct UserList {
    /// Only those with this text in user name, name or e-mail
    #[arg(long)]
    pub text: Option<String>,
    /// Only those of this tenant
    #[arg(long)]
    pub company: Option<String>,
    /// Only people, or only services
    #[arg(long, value_parser = ["user", "service"])]
    pub kind: Option<String>,
    /// Only those that are blocked, or only those that are not
    #[arg(long, value_parser = ["active", "blocked"])]
    pub state: Option<String>,
    /// Only those that have this role
    #[arg(long)]
    pub role: Option<String>,
    /// Which part of the list.
    #[command(flatten)]
    pub page: PageArguments,
}

impl UserList {
    /// The parameters of the question, without those that tell one page from another.
    pub fn query(&self) -> Vec<(&'static str, Option<String>)> {
        vec![
            ("text", self.text.clone()),
            ("company", self.company.clone()),
            ("kind", self.kind.clone()),
            ("state", self.state.clone()),
            ("role", self.role.clone()),
        ]
    }
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
    /// For people to reach them; nothing is sent there
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
    /// Make a password for them, and print it
    #[arg(long, conflicts_with = "service")]
    pub generate: bool,
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
