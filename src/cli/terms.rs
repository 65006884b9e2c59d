//! What can be typed about a token, and the body of the act that it makes.

use std::net::IpAddr;
use std::path::PathBuf;

use clap::Args;
use ipnet::IpNet;
use serde_json::{Map, Value, json};

use crate::cli::failure::Failure;
use crate::cli::limit::LimitArgs;
use crate::cli::{secret, window};

/// `token create`
#[derive(Args)]
pub struct Create {
    /// Whom the token acts for
    #[arg(long, value_name = "USER")]
    owner: String,
    /// How people recognise it
    #[arg(long)]
    name: String,
    /// The application that it is for
    #[arg(long)]
    app: Option<String>,
    /// Who asked for it, and why
    #[arg(long, value_name = "TEXT")]
    description: Option<String>,
    /// The tenant [default: the user's]
    #[arg(long)]
    company: Option<String>,
    /// The configured API that it is for: gives the idle limit
    #[arg(long)]
    api: Option<String>,
    #[command(flatten)]
    terms: Terms,
    /// Take the secret from standard input instead of making one
    #[arg(long, conflicts_with = "secret_file")]
    secret_stdin: bool,
    /// Take the secret from a file instead of making one
    #[arg(long, value_name = "FILE")]
    secret_file: Option<PathBuf>,
    /// Print nothing but the secret
    #[arg(long, conflicts_with_all = ["json", "secret_stdin", "secret_file"])]
    pub secret_only: bool,
}

/// `token update`
#[derive(Args)]
pub struct Update {
    /// The token's id
    pub id: String,
    /// How people recognise it
    #[arg(long)]
    name: Option<String>,
    /// The application that it is for; "" clears it
    #[arg(long)]
    app: Option<String>,
    /// Who asked for it, and why; "" clears it
    #[arg(long, value_name = "TEXT")]
    description: Option<String>,
    #[command(flatten)]
    terms: Terms,
    /// Take a context's parameter away
    #[arg(long = "drop-param", value_name = "CONTEXT.NAME")]
    drop_params: Vec<String>,
    /// Let it be used from everywhere
    #[arg(long, conflicts_with = "networks")]
    any_network: bool,
    /// Let it be used at all times
    #[arg(long, conflicts_with = "windows")]
    any_time: bool,
    /// Bind it to no certificate
    #[arg(long, conflicts_with = "certificate")]
    any_certificate: bool,
    /// Change it only if it is at this revision
    #[arg(long, value_name = "N")]
    revision: Option<u64>,
    /// Why, for the history
    #[arg(long, value_name = "TEXT", default_value = "", hide_default_value = true)]
    reason: String,
}

/// What a token may do, and when.
#[derive(Args)]
pub struct Terms {
    /// The beginning of its life, that of a new token now if left out: a time with its distance
    /// from UTC, or a date
    #[arg(long, value_name = "TIME", allow_hyphen_values = true)]
    from: Option<String>,
    /// The end of its life: a time with its distance from UTC, a date, or `never`
    #[arg(long, value_name = "TIME", conflicts_with = "lifetime", allow_hyphen_values = true)]
    until: Option<String>,
    /// The length of its life, such as 90d, instead of its end; 0 is for ever
    #[arg(long, value_name = "LENGTH", allow_hyphen_values = true)]
    lifetime: Option<String>,
    /// How long it may lie unused, such as 100d; 0 is for ever
    #[arg(long, value_name = "LENGTH", allow_hyphen_values = true)]
    idle: Option<String>,
    /// Access level: names of flags, a number, or -1 alone for unlimited
    #[arg(long, value_delimiter = ',', allow_hyphen_values = true)]
    flags: Vec<String>,
    /// Contexts that it may use, or `all`
    #[arg(long, value_name = "NAMES", value_delimiter = ',')]
    contexts: Vec<String>,
    /// Items that it may touch, or `all`
    #[arg(long, value_name = "IDS", value_delimiter = ',')]
    items: Vec<String>,
    /// A JSON object or array of objects for the upstream, or `none`
    #[arg(long, value_name = "JSON")]
    params: Option<String>,
    /// A context's parameter
    #[arg(long = "param", value_name = "CONTEXT.NAME=VALUE")]
    context_params: Vec<String>,
    /// A context's parameter whose value stands in a file, for secret ones
    #[arg(long = "param-file", value_name = "CONTEXT.NAME=FILE")]
    context_param_files: Vec<String>,
    /// A network that it may be used from; may be repeated
    #[arg(long = "network", value_name = "CIDR", value_delimiter = ',')]
    networks: Vec<String>,
    /// A time of the week at which it may be used, such as "mon-fri 09:00-18:00 +03:00", or over
    /// midnight "fri-sat 22:00-06:00"
    #[arg(long = "window", value_name = "WINDOW")]
    windows: Vec<String>,
    /// The SHA-256 thumbprint of the client certificate that it is bound to
    #[arg(long, value_name = "HEX")]
    certificate: Option<String>,
    #[command(flatten)]
    limits: LimitArgs,
}

type Fields = Map<String, Value>;

impl Terms {
    fn fields(&self, fields: &mut Fields) -> Result<(), Failure> {
        let mut set = |name: &str, value: Option<Value>| {
            if let Some(value) = value {
                fields.insert(name.to_owned(), value);
            }
        };
        let word = |text: &String, word| if text == word { Value::Null } else { json!(text) };
        set("not_before", self.from.as_ref().map(|time| json!(time)));
        set("expires_at", self.until.as_ref().map(|time| word(time, "never")));
        set("idle_ttl", self.idle.as_ref().map(|length| json!(length)));
        set("lifetime", self.lifetime.as_ref().map(|length| json!(length)));
        set("flags", (!self.flags.is_empty()).then(|| json!(self.flags)));
        set("contexts", set_or_all("--contexts", &self.contexts)?);
        set("items", set_or_all("--items", &self.items)?);
        set("params", self.params.as_ref().map(|params| word(params, "none")));
        let context_params = self.context_params()?;
        set(
            "context_params",
            (!context_params.is_empty()).then_some(Value::Object(context_params)),
        );
        let conditions = self.conditions()?;
        set("conditions", (!conditions.is_empty()).then_some(Value::Object(conditions)));
        set("limits", self.limits.value()?);
        Ok(())
    }

    fn context_params(&self) -> Result<Fields, Failure> {
        let mut params = Fields::new();
        for written in &self.context_params {
            let (place, value) = assigned(written, "CONTEXT.NAME=VALUE")?;
            place_param(&mut params, place, json!(value))?;
        }
        for written in &self.context_param_files {
            let (place, file) = assigned(written, "CONTEXT.NAME=FILE")?;
            let value = match file {
                "-" => secret::from_stdin()?,
                file => secret::from_file(file.as_ref())?,
            };
            place_param(&mut params, place, json!(*value))?;
        }
        Ok(params)
    }

    fn conditions(&self) -> Result<Fields, Failure> {
        let mut conditions = Fields::new();
        if !self.networks.is_empty() {
            let networks: Vec<_> =
                self.networks.iter().map(|text| network(text)).collect::<Result<_, _>>()?;
            conditions.insert("networks".to_owned(), json!(networks));
        }
        if !self.windows.is_empty() {
            let windows = self.windows.iter().map(|text| window::parse(text));
            let windows: Vec<_> = windows.collect::<Result<_, _>>().map_err(Failure::usage)?;
            conditions.insert("windows".to_owned(), json!(windows));
        }
        if let Some(certificate) = &self.certificate {
            conditions.insert("certificate".to_owned(), json!(certificate));
        }
        Ok(conditions)
    }
}

pub(super) fn set_or_all(option: &str, names: &[String]) -> Result<Option<Value>, Failure> {
    Ok(match names {
        [] => None,
        [all] if all == "all" => Some(json!("all")),
        [none] if none.is_empty() => Some(json!([])),
        // To some this is all of them, to others the named ones and one that is called `all`.
        names if names.iter().any(|name| name == "all") => {
            let problem = format_args!("`{option}`: `all` stands alone, or names stand without it");
            return Err(Failure::usage(problem));
        }
        names => Some(json!(names)),
    })
}

/// A network, or an address as the network of one host.
fn network(text: &str) -> Result<IpNet, Failure> {
    let network = text.parse().or_else(|_| text.parse::<IpAddr>().map(IpNet::from));
    network.map_err(|_| {
        let text: String = text.escape_debug().collect();
        Failure::usage(format_args!(
            "`--network`: `{text}` is no network such as `10.0.0.0/8` or `2001:db8::/32`, and no \
             address"
        ))
    })
}

fn assigned<'a>(text: &'a str, form: &str) -> Result<(&'a str, &'a str), Failure> {
    // What stands after `=` may be secret.
    text.split_once('=').ok_or_else(|| Failure::usage(format_args!("write it as `{form}`")))
}

fn place_param(params: &mut Fields, place: &str, value: Value) -> Result<(), Failure> {
    let wrong = || Failure::usage(format_args!("`{place}` is not `CONTEXT.NAME`"));
    // The name of a context may hold a `.`, that of a parameter may not.
    let (context, name) = place.rsplit_once('.').ok_or_else(wrong)?;
    let entry = params.entry(context).or_insert_with(|| json!({}));
    entry.as_object_mut().ok_or_else(wrong)?.insert(name.to_owned(), value);
    Ok(())
}

impl Create {
    /// The body of the act.
    ///
    /// # Errors
    /// Text that has no meaning, or a file that cannot be read.
    pub fn body(&self) -> Result<Value, Failure> {
        let mut fields = Fields::new();
        let texts = [
            ("owner", Some(&self.owner)),
            ("name", Some(&self.name)),
            ("app", self.app.as_ref()),
            ("description", self.description.as_ref()),
            ("company", self.company.as_ref()),
            ("api", self.api.as_ref()),
        ];
        for (name, text) in texts {
            if let Some(text) = text {
                fields.insert(name.to_owned(), json!(text));
            }
        }
        self.terms.fields(&mut fields)?;
        let secret = match (&self.secret_file, self.secret_stdin) {
            (Some(file), _) => Some(secret::from_file(file)?),
            (None, true) => Some(secret::from_stdin()?),
            (None, false) => None,
        };
        if let Some(secret) = secret {
            fields.insert("secret".to_owned(), json!(*secret));
        }
        Ok(Value::Object(fields))
    }
}

impl Update {
    /// The body of the act.
    ///
    /// # Errors
    /// Text that has no meaning, or a file that cannot be read.
    pub fn body(&self) -> Result<Value, Failure> {
        let mut fields = Fields::new();
        for (name, text) in
            [("name", &self.name), ("app", &self.app), ("description", &self.description)]
        {
            if let Some(text) = text {
                fields.insert(name.to_owned(), json!(text));
            }
        }
        self.terms.fields(&mut fields)?;
        let mut clear = |group: &str, names: &[(&str, bool)]| {
            for (name, _) in names.iter().filter(|(_, asked)| *asked) {
                let entry = fields.entry(group).or_insert_with(|| json!({}));
                if let Some(entry) = entry.as_object_mut() {
                    entry.insert((*name).to_owned(), Value::Null);
                }
            }
        };
        clear(
            "conditions",
            &[
                ("networks", self.any_network),
                ("windows", self.any_time),
                ("certificate", self.any_certificate),
            ],
        );
        if !self.drop_params.is_empty() {
            let params = fields.entry("context_params").or_insert_with(|| json!({}));
            for place in &self.drop_params {
                if let Some(params) = params.as_object_mut() {
                    place_param(params, place, Value::Null)?;
                }
            }
        }
        if fields.is_empty() {
            return Err(Failure::usage("nothing to change: name at least one option")
                .hint("`tollgate token update --help` lists them"));
        }
        fields.insert("reason".to_owned(), json!(self.reason));
        if let Some(revision) = self.revision {
            fields.insert("revision".to_owned(), json!(revision));
        }
        Ok(Value::Object(fields))
    }
}
