//! What can be typed about a list of tokens, and the question that it makes.

use clap::Args;

/// A length of a list.
pub fn one_or_more(text: &str) -> Result<usize, String> {
    match text.parse() {
        Ok(0) => Err("a list of none says nothing; the least is 1".to_owned()),
        Ok(number) => Ok(number),
        Err(_) => Err("this is not a number from 1 on".to_owned()),
    }
}

/// Which tokens; all filters hold at once.
#[derive(Args, Debug)]
pub struct Filters {
    /// Only tokens in one of these states: pending, active, disabled, blocked (the user or the company
    /// is), used_up (as often as they may be in all), expired, idle_expired, revoked
    #[arg(long, value_name = "STATES", value_delimiter = ',')]
    state: Vec<String>,
    /// Only tokens of this user
    #[arg(long, value_name = "USER")]
    owner: Option<String>,
    /// Only tokens of this tenant
    #[arg(long)]
    company: Option<String>,
    /// Only tokens that may use this context
    #[arg(long)]
    context: Option<String>,
    /// Only tokens that have all of these flags
    #[arg(long, value_delimiter = ',', allow_hyphen_values = true)]
    flags: Vec<String>,
    /// Only tokens of this name
    #[arg(long)]
    name: Option<String>,
    /// Only tokens whose secret ends with this
    #[arg(long, value_name = "END")]
    hint: Option<String>,
    /// Only tokens with this text in name, application, description or user, or with this id
    #[arg(long)]
    text: Option<String>,
    /// Only tokens made at this time or later
    #[arg(long, value_name = "TIME")]
    created_from: Option<String>,
    /// Only tokens made before this time
    #[arg(long, value_name = "TIME")]
    created_before: Option<String>,
    /// Only tokens that expire before this time, or did
    #[arg(long, value_name = "TIME")]
    expires_before: Option<String>,
    /// Only living tokens that will end before this time, by expiry or for lying unused
    #[arg(long, value_name = "TIME")]
    ends_before: Option<String>,
    /// Only tokens that were not used at this time or later, or never
    #[arg(long, value_name = "TIME", conflicts_with = "never_used")]
    last_used_before: Option<String>,
    /// Only tokens that were never used
    #[arg(long)]
    never_used: bool,
    /// Only living tokens that have a successor; with `in_use`, only those that were used since
    #[arg(long, value_name = "WHICH", num_args = 0..=1, default_missing_value = "any")]
    #[arg(value_parser = ["any", "in_use"])]
    rotated: Option<String>,
}

/// `token list`
#[derive(Args, Debug)]
pub struct TokenList {
    /// Which ones.
    #[command(flatten)]
    pub filters: Filters,
    /// Oldest first
    #[arg(long)]
    pub oldest: bool,
    /// Entries to show
    #[arg(long, value_name = "N", default_value_t = 100, value_parser = one_or_more)]
    pub limit: usize,
    /// Go on where the last list with the same filters ended, as its end says
    #[arg(long)]
    pub cursor: Option<String>,
    /// Show everything
    #[arg(long, conflicts_with_all = ["limit", "cursor"])]
    pub all: bool,
}

impl TokenList {
    /// The parameters of the question, without those that tell one page from another.
    pub fn query(&self) -> Vec<(&'static str, Option<String>)> {
        let mut query = self.filters.query();
        query.push(("order", self.oldest.then(|| "oldest".to_owned())));
        query
    }
}

impl Filters {
    /// The parameters of a question.
    pub fn query(&self) -> Vec<(&'static str, Option<String>)> {
        let joined = |names: &[String]| (!names.is_empty()).then(|| names.join(","));
        let word = |asked: bool, word: &str| asked.then(|| word.to_owned());
        vec![
            ("state", joined(&self.state)),
            ("owner", self.owner.clone()),
            ("company", self.company.clone()),
            ("context", self.context.clone()),
            ("flags", joined(&self.flags)),
            ("name", self.name.clone()),
            ("hint", self.hint.clone()),
            ("text", self.text.clone()),
            ("created_from", self.created_from.clone()),
            ("created_before", self.created_before.clone()),
            ("expires_before", self.expires_before.clone()),
            ("ends_before", self.ends_before.clone()),
            ("last_used_before", self.last_used_before.clone()),
            ("never_used", word(self.never_used, "true")),
            ("rotated", self.rotated.clone()),
        ]
    }
}

impl Filters {
    /// The same as the part of a body.
    pub fn body(&self) -> serde_json::Value {
        let given = self.query().into_iter().filter_map(|(name, value)| {
            let value = match name {
                "never_used" => serde_json::Value::Bool(value.is_some()),
                _ => value?.into(),
            };
            Some((name.to_owned(), value))
        });
        serde_json::Value::Object(given.collect())
    }
}
