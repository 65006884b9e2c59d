//! What can be typed about a company, and to change a user, and the body of the act that it makes.

use clap::Args;
use serde_json::{Map, Value, json};

use crate::cli::failure::Failure;
use crate::cli::terms::set_or_all;

/// `company add`
#[derive(Args, Debug)]
pub struct CompanyAdd {
    /// The one name: a-z, 0-9 and `.`, `_`, `-`
    id: String,
    /// How people call it
    #[arg(long)]
    name: Option<String>,
    /// What it is licensed for: contexts, `all`, or "" for none [default: all]
    #[arg(long, value_name = "NAMES", value_delimiter = ',')]
    contexts: Vec<String>,
}

/// `company update`
#[derive(Args, Debug)]
pub struct CompanyUpdate {
    /// The company's name
    pub id: String,
    /// How people call it
    #[arg(long)]
    name: Option<String>,
    /// What it is licensed for, all of it anew: contexts, `all`, or "" for none
    #[arg(long, value_name = "NAMES", value_delimiter = ',')]
    contexts: Vec<String>,
    /// Whether and why it is changed.
    #[command(flatten)]
    terms: ChangeTerms,
}

/// `user update`
#[derive(Args, Debug)]
pub struct UserUpdate {
    /// The user's name
    pub id: String,
    /// How people call it
    #[arg(long)]
    name: Option<String>,
    /// For people to reach them; nothing is sent there; "" clears it
    #[arg(long)]
    email: Option<String>,
    /// The tenant that it belongs to; "" for none. Its tokens keep theirs
    #[arg(long)]
    company: Option<String>,
    /// The user whose subordinate it is; "" for none
    #[arg(long, value_name = "USER")]
    parent: Option<String>,
    /// What rules may ask for, all of it anew; "" for none
    #[arg(long = "role", value_name = "ROLE", value_delimiter = ',')]
    roles: Vec<String>,
    /// The most that its tokens may have: names of flags, a number, or -1 for no limit
    #[arg(long, value_name = "FLAGS", value_delimiter = ',', allow_hyphen_values = true)]
    ceiling: Vec<String>,
    /// Whether and why it is changed.
    #[command(flatten)]
    terms: ChangeTerms,
}

#[derive(Args, Debug)]
struct ChangeTerms {
    /// Change it only if it is at this revision
    #[arg(long, value_name = "N")]
    revision: Option<u64>,
    /// Why, for the history
    #[arg(long, value_name = "TEXT", default_value = "", hide_default_value = true)]
    reason: String,
}

type Fields = Map<String, Value>;

impl ChangeTerms {
    fn close(&self, mut fields: Fields, what: &str) -> Result<Value, Failure> {
        if fields.is_empty() {
            return Err(Failure::usage("nothing to change: name at least one option")
                .hint(format!("`tollgate {what} update --help` lists them")));
        }
        fields.insert("reason".to_owned(), json!(self.reason));
        if let Some(revision) = self.revision {
            fields.insert("revision".to_owned(), json!(revision));
        }
        Ok(Value::Object(fields))
    }
}

impl CompanyAdd {
    /// The body of the act.
    ///
    /// # Errors
    /// Text that has no meaning.
    pub fn body(&self) -> Result<Value, Failure> {
        let mut fields = Fields::new();
        fields.insert("id".to_owned(), json!(self.id));
        if let Some(name) = &self.name {
            fields.insert("name".to_owned(), json!(name));
        }
        if let Some(contexts) = set_or_all("--contexts", &self.contexts)? {
            fields.insert("contexts".to_owned(), contexts);
        }
        Ok(Value::Object(fields))
    }
}

impl CompanyUpdate {
    /// The body of the act.
    ///
    /// # Errors
    /// Text that has no meaning, or nothing to change.
    pub fn body(&self) -> Result<Value, Failure> {
        let mut fields = Fields::new();
        if let Some(name) = &self.name {
            fields.insert("name".to_owned(), json!(name));
        }
        if let Some(contexts) = set_or_all("--contexts", &self.contexts)? {
            fields.insert("contexts".to_owned(), contexts);
        }
        self.terms.close(fields, "company")
    }
}

impl UserUpdate {
    /// The body of the act.
    ///
    /// # Errors
    /// Nothing to change.
    pub fn body(&self) -> Result<Value, Failure> {
        let mut fields = Fields::new();
        if let Some(name) = &self.name {
            fields.insert("name".to_owned(), json!(name));
        }
        let optional =
            [("email", &self.email), ("company", &self.company), ("parent", &self.parent)];
        for (name, text) in optional {
            if let Some(text) = text {
                let value = if text.is_empty() { Value::Null } else { json!(text) };
                fields.insert(name.to_owned(), value);
            }
        }
        let roles: Vec<_> = self.roles.iter().filter(|role| !role.is_empty()).collect();
        if !self.roles.is_empty() {
            fields.insert("roles".to_owned(), json!(roles));
        }
        if !self.ceiling.is_empty() {
            fields.insert("ceiling".to_owned(), json!(self.ceiling));
        }
        self.terms.close(fields, "user")
    }
}
