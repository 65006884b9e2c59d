//! Everything that can be wrong with a configuration, one sentence each.
//!
//! Where it is wrong and what to do about it is added where the mistake is found. A sentence quotes
//! what stands in the file, never what a `${NAME}` in it was replaced with. `tests/config.rs` asks
//! for a file in `config/invalid/` for each of these.

use crate::egress::target::BadTarget;
use crate::tls::What;

/// One thing that is wrong.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum Mistake {
    // The file as such.
    /// It is missing, a folder, not ours to read.
    #[error("cannot read `{path}`: {why}")]
    NotRead { path: String, why: String },
    /// Bytes that are no text.
    #[error("this is not UTF-8 text")]
    NotText,
    /// Not TOML.
    #[error("{0}")]
    Syntax(String),
    /// A key that nobody reads.
    #[error("unknown key `{0}`")]
    UnknownKey(String),
    /// A number where text belongs, and the like.
    #[error("`{key}` must be {wanted}, not {found}")]
    WrongKind { key: String, wanted: &'static str, found: &'static str },
    /// Something that cannot be left out.
    #[error("{what} has no `{key}`")]
    Missing { what: &'static str, key: &'static str },
    /// An entry of a list that stands there twice.
    #[error("`{key}` names `{value}` twice")]
    Repeated { key: String, value: String },
    /// A list that asks for nothing.
    #[error("`{0}` is an empty list")]
    EmptyList(String),
    /// Text of no length.
    #[error("`{0}` is empty")]
    EmptyText(String),

    // References.
    /// No such variable.
    #[error("the environment has no variable `{0}`")]
    NoVariable(String),
    /// `${` without a name and `}`.
    #[error("`{0}` has a `${{` that begins no reference")]
    BadReference(String),
    /// Text where a reference to a secret belongs. The text is not quoted: it may be the secret.
    #[error("`{0}` must say where the secret is kept, not what it is")]
    SecretInFile(String),

    // Single values.
    /// Not a length of time.
    #[error("`{key}` has no length of time in `{text}`")]
    BadDuration { key: String, text: String },
    /// Milliseconds where seconds are counted.
    #[error("`{key}` counts whole seconds, not `{text}`")]
    PartOfASecond { key: String, text: String },
    /// Not a number of bytes.
    #[error("`{key}` has no size in `{text}`")]
    BadSize { key: String, text: String },
    /// Too small, also zero, or too large.
    #[error("`{key}` must be from {least} to {most}, not {shown}")]
    OutOfRange { key: String, least: String, most: String, shown: String },
    /// Not an address with a port.
    #[error("`{key}` has no address and port in `{text}`")]
    BadAddress { key: String, text: String },
    /// A word outside a small set.
    #[error("`{key}` cannot be `{word}`")]
    UnknownWord { key: String, word: String },
    /// A name outside the alphabet of names.
    #[error("`{name}` cannot be the name of {what}")]
    BadName { what: &'static str, name: String },
    /// A filter that the log cannot read.
    #[error("`telemetry.filter` cannot be `{0}`")]
    BadFilter(String),
    /// Not a header name.
    #[error("`{0}` is not a header name")]
    BadHeader(String),
    /// A host that is believed where its header is not read.
    #[error("`host` is about `X-Forwarded-Host`, which `header = \"forwarded\"` leaves unread")]
    HostUnread,
    /// A header that carries the message itself, the credential, or the way it came.
    #[error("the header `{0}` has a meaning of its own")]
    HeaderReserved(String),
    /// Two values for one header.
    #[error("the header `{name}` is already used for `{other}`")]
    HeaderTwice { name: String, other: String },

    /// A choice that the parameter's header could not carry.
    #[error("the header `{header}` cannot carry the choice `{choice}`")]
    ChoiceForHeader { header: String, choice: String },

    // Where to listen, where to store.
    /// The admin address can be reached from elsewhere.
    #[error("the admin address `{0}` is open to other machines")]
    AdminOpen(String),
    /// Two listeners on one port.
    #[error("`{key}` takes the same port as `{other}`")]
    SameAddress { key: &'static str, other: &'static str },
    /// A name beside it is longer than a socket address can be.
    #[error(
        "the path of the command line's socket has {0} bytes, and names beside it have more than the system takes"
    )]
    SocketLength(usize),
    /// The folder is `.`, `/` or the like.
    #[error("`store.path` names no folder of its own")]
    StorePath,
    /// Who copies the data would copy the key with it.
    #[error("what `{0}` names lies inside the data folder")]
    SecretInStore(String),

    /// A certificate or a key of TLS.
    #[error("`{file}` {what}")]
    TlsFile { file: String, what: What },

    /// Certificates are asked of clients, and none is asked for in a handshake.
    #[error("`{0}` asks for certificates of clients, and nothing says who signs them")]
    NobodySigns(String),
    /// Not a name of a subject.
    #[error("`{0}` is not the name of a certificate's subject")]
    BadSubject(String),

    // Flags and contexts.
    /// Zero or a negative number.
    #[error("the flag `{0}` has no bit")]
    FlagBits(String),
    /// Two names for the same bits.
    #[error("the flags `{first}` and `{second}` have the same bits")]
    FlagTwice { first: String, second: String },
    /// The spelling of a scope would not tell which one is meant.
    #[error("`{0}` is the name of a flag and of a context")]
    FlagIsContext(String),
    /// A word with another meaning where tokens are made.
    #[error("a context cannot be called `all`")]
    ContextAll,

    // Networks.
    /// Not a network.
    #[error("`{key}` names `{text}`, which is not a network")]
    BadNetwork { key: String, text: String },
    /// All addresses that there are.
    #[error("`{key}` names `{text}`, which is everybody")]
    Everybody { key: String, text: String },

    /// A file that others read, who say why.
    #[error("{0}")]
    Unusable(String),

    // Webhooks.
    /// Not where a webhook could be.
    #[error("`{key}` cannot be called: {fault}")]
    BadTarget { key: String, fault: BadTarget },
    /// Two webhooks of one name.
    #[error("two webhooks are called `{0}`")]
    WebhookTwice(String),
    /// Each has a task, a place in the history, and lines in lists.
    #[error("there are {count} webhooks, {most} at most")]
    WebhooksMax { count: usize, most: usize },

    // APIs.
    /// Never heard of.
    #[error("unknown dialect `{0}`")]
    UnknownDialect(String),
    /// Planned.
    #[error("the dialect `{0}` is not there yet")]
    LaterDialect(String),
    /// Not a host name.
    #[error("`{0}` is not a host name")]
    BadHost(String),
    /// A path that is no path.
    #[error("the path `{path}` {fault}")]
    BadPath { path: String, fault: &'static str },
    /// Not the address of an upstream.
    #[error(
        "an upstream is `http://` or `https://` with a host and a port, or `unix:` with a path, and {0}"
    )]
    BadUpstream(&'static str),
    /// What is of TLS, for an upstream without it.
    #[error("`{0}` is of TLS, and this API speaks to its upstream without it")]
    UpstreamTls(String),
    /// A loop.
    #[error("the API `{api}` would send its requests to `{key}` of this gateway")]
    UpstreamIsSelf { api: String, key: &'static str },
    /// No endpoint that gets a request.
    #[error("every endpoint of `{0}` has the weight 0")]
    NoWeight(String),
    /// Not what a browser calls an origin.
    #[error("`{0}` is not an origin")]
    BadOrigin(String),
    /// All origins, and something that does not go with that.
    #[error("`*` is every origin, {0}")]
    EveryOrigin(&'static str),
    /// Not a name of a cookie or of a parameter.
    #[error("`{key}` cannot be called `{name}`")]
    BadTokenPlace { key: String, name: String },
    /// Two APIs of one name.
    #[error("two APIs are called `{0}`")]
    ApiTwice(String),
    /// Two APIs in one place.
    #[error("the API `{api}` has the same host and path as `{first}`")]
    SamePlace { api: String, first: String },
    /// Everything would be refused.
    #[error("the API `{0}` has no rules, so every request to it would be refused")]
    NoRules(String),

    // Rules.
    /// Two rules of one name.
    #[error("two rules of the API `{api}` are called `{rule}`")]
    RuleTwice { api: String, rule: String },
    /// The rule would never be asked.
    #[error("the path of rule `{rule}` does not lie under `{api_path}`, the path of its API")]
    OutsideApi { rule: String, api_path: String },
    /// No token of RFC 9110.
    #[error("{place} names `{method}`, which is not a method")]
    BadMethod { place: String, method: String },
    /// CONNECT and TRACE.
    #[error("{place} names the method `{method}`, which is never let through")]
    MethodRefused { place: String, method: String },
    /// A context that is not in the catalogue.
    #[error("rule `{rule}` names an unknown context `{context}`")]
    UnknownContext { rule: String, context: String },
    /// A flag that is not in the catalogue.
    #[error("rule `{rule}` names an unknown flag `{flag}`")]
    UnknownFlag { rule: String, flag: String },
    /// A parameter that the path lacks.
    #[error("rule `{rule}` takes the item from `{param}`, which its path does not have")]
    UnknownItem { rule: String, param: String },
    /// Two answers to one question.
    #[error("rule `{0}` has both `item` and `items`")]
    ItemTwice(String),
    /// Open to all, and not.
    #[error("rule `{rule}` is public and has `{key}`")]
    PublicAsks { rule: String, key: &'static str },
    /// Neither rule is the more specific one.
    #[error("rule `{rule}` takes requests that rule `{first}` takes as well")]
    Tie { rule: String, first: String },

    /// Another API takes every request that this rule could match.
    #[error("rule `{rule}` would never be asked: what lies under `{path}` goes to the API `{api}`")]
    Shadowed { rule: String, path: String, api: String },

    // Reload.
    /// Fixed at start.
    #[error("`{key}` cannot change while the gateway runs")]
    Fixed { key: &'static str },
}

impl Mistake {
    /// Whether it is one whatever stands elsewhere in the file, so that it can be told of a file of
    /// which only a part is known.
    pub(super) fn stands_alone(&self) -> bool {
        match self {
            // The most that it may be depends on another key.
            Self::OutOfRange { key, .. } => key != "limits.target",
            Self::UnknownKey(_)
            | Self::WrongKind { .. }
            | Self::Repeated { .. }
            | Self::EmptyList(_)
            | Self::EmptyText(_)
            | Self::NoVariable(_)
            | Self::BadReference(_)
            | Self::SecretInFile(_)
            | Self::BadDuration { .. }
            | Self::PartOfASecond { .. }
            | Self::BadSize { .. }
            | Self::BadAddress { .. }
            | Self::Everybody { .. }
            | Self::UnknownWord { .. }
            | Self::BadName { .. }
            | Self::BadFilter(_)
            | Self::BadHeader(_)
            | Self::HeaderReserved(_)
            | Self::ChoiceForHeader { .. }
            | Self::StorePath
            | Self::FlagBits(_)
            | Self::FlagTwice { .. }
            | Self::FlagIsContext(_)
            | Self::ContextAll
            | Self::UnknownDialect(_)
            | Self::LaterDialect(_)
            | Self::BadHost(_)
            | Self::BadPath { .. }
            | Self::BadUpstream(_)
            | Self::NoWeight(_)
            | Self::BadOrigin(_)
            | Self::BadTokenPlace { .. }
            | Self::BadSubject(_)
            | Self::EveryOrigin(_)
            | Self::ApiTwice(_)
            | Self::ItemTwice(_)
            | Self::BadMethod { .. }
            | Self::MethodRefused { .. }
            | Self::PublicAsks { .. } => true,
            _ => false,
        }
    }

    /// The name of the variant.
    pub(super) fn kind(&self) -> String {
        let debug = format!("{self:?}");
        debug.chars().take_while(char::is_ascii_alphanumeric).collect()
    }
}
