//! What can be typed about acts on many tokens.

use std::path::PathBuf;

use clap::{Args, ValueEnum};

use crate::cli::list::Filters;

/// `token revoke-all`
#[derive(Args, Debug)]
pub struct RevokeAll {
    /// Which ones.
    #[command(flatten)]
    pub filters: Filters,
    /// Why, for the history
    #[arg(long, value_name = "TEXT", default_value = "", hide_default_value = true)]
    pub reason: String,
    /// End what was shown: the word that a run without this option printed
    #[arg(long, value_name = "WORD", conflicts_with = "yes")]
    pub confirm: Option<String>,
    /// End them without showing them first
    #[arg(long)]
    pub yes: bool,
}

/// `token leak`
#[derive(Args, Debug)]
pub struct Leak {
    /// The file with the secrets, one on each line [default: standard input, as `-`]
    pub file: Option<PathBuf>,
    /// Where they were found, for the history
    #[arg(long, value_name = "TEXT", default_value = "", hide_default_value = true)]
    pub reason: String,
    /// End nothing, and say what would be ended
    #[arg(long)]
    pub dry_run: bool,
}

/// How a list of tokens is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Form {
    /// A JSON object on each line
    Jsonl,
    /// Comma-separated values with a line of names
    Csv,
}

/// `token import`
#[derive(Args, Debug)]
pub struct Import {
    /// The file; `-` is standard input [default: standard input]
    pub file: Option<PathBuf>,
    /// How it is written [default: csv for a file that ends or begins so, else jsonl]
    #[arg(long)]
    pub format: Option<Form>,
    /// Only tell what would become of each line
    #[arg(long)]
    pub dry_run: bool,
    /// Make users that are not there, instead of refusing their lines
    #[arg(long)]
    pub create_users: bool,
    /// The company of the users that are made [default: that of the first line that makes one]
    #[arg(long, value_name = "NAME", requires = "create_users")]
    pub company: Option<String>,
}

/// `token export`
#[derive(Args, Debug)]
pub struct Export {
    /// Which ones.
    #[command(flatten)]
    pub filters: Filters,
    /// How they are written
    #[arg(long, default_value = "jsonl")]
    pub format: Form,
    /// With the SHA-256 digests of their secrets, so that they can be imported elsewhere
    #[arg(long)]
    pub digests: bool,
    /// The file to write; it must not exist [default: standard output]
    #[arg(long, value_name = "FILE")]
    pub output: Option<PathBuf>,
}
