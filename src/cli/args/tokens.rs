//! What can be typed about tokens. The terms of one are in `terms`.

use clap::{Args, Subcommand};

use super::shared::Act;
use crate::cli::list::TokenList;
use crate::cli::many::{Export, Import, Leak, RevokeAll};
use crate::cli::terms::{Create, Update};

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
    /// End the tokens of secrets that were found in the open, at once: that is urgent; `--dry-run` may
    /// come first
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
