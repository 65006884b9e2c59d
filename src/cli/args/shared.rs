//! What several commands take.

use clap::Args;

use crate::cli::list::one_or_more;

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
