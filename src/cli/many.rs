//! What can be typed about acts on many tokens.

use std::path::PathBuf;

use clap::Args;

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
    /// The file with the secrets, one on each line [default: standard input]
    pub file: Option<PathBuf>,
    /// Where they were found, for the history
    #[arg(long, value_name = "TEXT", default_value = "", hide_default_value = true)]
    pub reason: String,
}
