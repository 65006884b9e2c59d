//! Why a request does not go through: the closed set of reasons, shared by answers, logs and
//! metrics.

use super::limits::Limit;

mod bad_request;

pub use bad_request::BadRequest;

/// One reason. The name that [`Refusal::reason`] gives is a metric label and a log field; what the
/// client may learn is less (see [`Refusal::detail`]).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Refusal {
    /// No credential where one is needed.
    CredentialMissing,
    /// A repeated, ambiguous or unreadable credential (RFC 6750 section 3.1, `invalid_request`).
    CredentialMalformed,
    /// A secret stands in the target, from where it would reach the upstream and logs (sec-A3, RFC 6750
    /// section 2, `invalid_request`).
    CredentialInTarget,
    /// No token has this secret.
    Unknown,
    /// Ended by somebody.
    Revoked,
    /// Paused by somebody.
    Disabled,
    /// The owner is blocked.
    OwnerBlocked,
    /// The company is blocked.
    CompanyBlocked,
    /// Before the first second of its life.
    NotYetActive,
    /// Its time is over.
    Expired,
    /// It lay unused for too long.
    IdleExpired,
    /// Bound to a certificate that the client did not present.
    WrongPresenter,
    /// No client certificate where the API requires one.
    CertificateMissing,
    /// The client certificate is of another subject than the rule asks for.
    SubjectNotAllowed,
    /// The API requires a client certificate, and the connection was opened for another host (sec-G2, RFC 9110 section
    /// 15.5.20).
    Misdirected,
    /// From an address outside its networks.
    AddressNotAllowed,
    /// Outside its hours.
    TimeNotAllowed,
    /// No rule opens this path with this method.
    NoRule,
    /// The owner lacks a role.
    RoleMissing,
    /// The token belongs to another company.
    WrongCompany,
    /// The token does not open this area.
    ContextMissing,
    /// The token opens this area, but its company is not licensed for it.
    ContextUnlicensed,
    /// The token has not what this area requires of those who enter it (row F7).
    ParameterMissing,
    /// The token's level is too low.
    FlagsMissing,
    /// The token is limited to other items.
    ItemNotAllowed,
    /// It was used as much as it may be, for now or for good.
    Limited(Limit),
    /// Its address failed to authenticate too often.
    TooManyFailures,
    /// The store cannot be read, or the clock cannot be trusted.
    CannotDecide,
    /// The request has no one reading.
    BadRequest(BadRequest),
    /// A browser asks for a page whose scripts may not use the API (Fetch standard section 3.2.2).
    OriginNotAllowed,
    /// A method that is never passed on.
    MethodNotAllowed,
    /// An expectation other than `100-continue` (RFC 9110 section 10.1.1).
    ExpectationFailed,
    /// A transfer coding in front of a last `chunked` (RFC 9112 section 6.1).
    TransferCoding,
    /// The body stalled on its way from the client.
    BodyTimeout,
    /// The body is longer than the API takes.
    BodyTooLarge,
    /// The request target is too long.
    TargetTooLong,
    /// The header section is too long.
    HeadTooLarge,
    /// More tokens are looked up than the store can answer in time, or more connections are open
    /// than there are descriptors for.
    Overloaded,
    /// The upstream has as many requests as its API lets through, and as many wait.
    UpstreamBusy,
    /// No connection to the upstream could be made.
    UpstreamUnreachable,
    /// The upstream answered with something that is not HTTP, or hung up.
    UpstreamBroken,
    /// The upstream took too long.
    UpstreamTimeout,
}

/// Whose fault a refusal is, which decides how loudly it is logged.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// The client's.
    Client,
    /// Ours.
    Gateway,
    /// The upstream's.
    Upstream,
}

impl Refusal {
    /// Every reason, for tables of metrics and tests.
    pub const ALL: [Self; 58] = {
        use BadRequest as Bad;
        [
            Self::CredentialMissing,
            Self::CredentialMalformed,
            Self::CredentialInTarget,
            Self::Unknown,
            Self::Revoked,
            Self::Disabled,
            Self::OwnerBlocked,
            Self::CompanyBlocked,
            Self::NotYetActive,
            Self::Expired,
            Self::IdleExpired,
            Self::WrongPresenter,
            Self::CertificateMissing,
            Self::SubjectNotAllowed,
            Self::Misdirected,
            Self::AddressNotAllowed,
            Self::TimeNotAllowed,
            Self::NoRule,
            Self::RoleMissing,
            Self::WrongCompany,
            Self::ContextMissing,
            Self::ContextUnlicensed,
            Self::ParameterMissing,
            Self::FlagsMissing,
            Self::ItemNotAllowed,
            Self::Limited(Limit::Rate),
            Self::Limited(Limit::Quota),
            Self::Limited(Limit::Uses),
            Self::Limited(Limit::Concurrent),
            Self::TooManyFailures,
            Self::CannotDecide,
            Self::BadRequest(Bad::Host),
            Self::BadRequest(Bad::Target),
            Self::BadRequest(Bad::DotSegment),
            Self::BadRequest(Bad::Slash),
            Self::BadRequest(Bad::EmptySegment),
            Self::BadRequest(Bad::PathParameter),
            Self::BadRequest(Bad::Encoding),
            Self::BadRequest(Bad::Framing),
            Self::BadRequest(Bad::Body),
            Self::BadRequest(Bad::Method),
            Self::BadRequest(Bad::Connection),
            Self::BadRequest(Bad::Value),
            Self::BadRequest(Bad::Company),
            Self::BadRequest(Bad::Head),
            Self::OriginNotAllowed,
            Self::MethodNotAllowed,
            Self::ExpectationFailed,
            Self::TransferCoding,
            Self::BodyTimeout,
            Self::BodyTooLarge,
            Self::TargetTooLong,
            Self::HeadTooLarge,
            Self::Overloaded,
            Self::UpstreamBusy,
            Self::UpstreamUnreachable,
            Self::UpstreamBroken,
            Self::UpstreamTimeout,
        ]
    };

    /// The place in [`Refusal::ALL`], which has every reason.
    pub fn place(self) -> Option<usize> {
        Self::ALL.iter().position(|one| *one == self)
    }

    /// The name in logs and metrics.
    pub const fn reason(self) -> &'static str {
        match self {
            Self::CredentialMissing => "credential_missing",
            Self::CredentialMalformed => "credential_malformed",
            Self::CredentialInTarget => "credential_in_target",
            Self::Unknown => "unknown",
            Self::Revoked => "revoked",
            Self::Disabled => "disabled",
            Self::OwnerBlocked => "owner_blocked",
            Self::CompanyBlocked => "company_blocked",
            Self::NotYetActive => "not_yet_active",
            Self::Expired => "expired",
            Self::IdleExpired => "idle_expired",
            Self::WrongPresenter => "wrong_presenter",
            Self::CertificateMissing => "certificate_missing",
            Self::SubjectNotAllowed => "subject_not_allowed",
            Self::Misdirected => "misdirected",
            Self::AddressNotAllowed => "address_not_allowed",
            Self::TimeNotAllowed => "time_not_allowed",
            Self::NoRule => "no_rule",
            Self::RoleMissing => "role_missing",
            Self::WrongCompany => "wrong_company",
            Self::ContextMissing => "context_missing",
            Self::ContextUnlicensed => "context_unlicensed",
            Self::ParameterMissing => "parameter_missing",
            Self::FlagsMissing => "flags_missing",
            Self::ItemNotAllowed => "item_not_allowed",
            Self::Limited(Limit::Rate) => "limited_rate",
            Self::Limited(Limit::Quota) => "limited_quota",
            Self::Limited(Limit::Uses) => "limited_uses",
            Self::Limited(Limit::Concurrent) => "limited_concurrent",
            Self::TooManyFailures => "too_many_failures",
            Self::CannotDecide => "cannot_decide",
            Self::BadRequest(bad) => bad.reason(),
            Self::OriginNotAllowed => "origin_not_allowed",
            Self::MethodNotAllowed => "method_not_allowed",
            Self::ExpectationFailed => "expectation_failed",
            Self::TransferCoding => "transfer_coding",
            Self::BodyTimeout => "body_timeout",
            Self::BodyTooLarge => "body_too_large",
            Self::TargetTooLong => "target_too_long",
            Self::HeadTooLarge => "head_too_large",
            Self::Overloaded => "overloaded",
            Self::UpstreamBusy => "upstream_busy",
            Self::UpstreamUnreachable => "upstream_unreachable",
            Self::UpstreamBroken => "upstream_broken",
            Self::UpstreamTimeout => "upstream_timeout",
        }
    }

    /// The status of the answer.
    pub const fn status(self) -> u16 {
        match self {
            Self::CredentialMalformed | Self::CredentialInTarget | Self::BadRequest(_) => 400,
            Self::CredentialMissing
            | Self::Unknown
            | Self::Revoked
            | Self::Disabled
            | Self::OwnerBlocked
            | Self::CompanyBlocked
            | Self::NotYetActive
            | Self::Expired
            | Self::IdleExpired
            | Self::WrongPresenter => 401,
            Self::CertificateMissing
            | Self::SubjectNotAllowed
            | Self::AddressNotAllowed
            | Self::TimeNotAllowed
            | Self::NoRule
            | Self::RoleMissing
            | Self::WrongCompany
            | Self::ContextMissing
            | Self::ContextUnlicensed
            | Self::ParameterMissing
            | Self::FlagsMissing
            | Self::ItemNotAllowed
            | Self::OriginNotAllowed => 403,
            Self::MethodNotAllowed => 405,
            Self::BodyTimeout => 408,
            Self::BodyTooLarge => 413,
            Self::TargetTooLong => 414,
            Self::ExpectationFailed => 417,
            Self::Misdirected => 421,
            Self::Limited(_) | Self::TooManyFailures => 429,
            Self::HeadTooLarge => 431,
            Self::TransferCoding => 501,
            Self::UpstreamUnreachable | Self::UpstreamBroken => 502,
            Self::CannotDecide | Self::Overloaded | Self::UpstreamBusy => 503,
            Self::UpstreamTimeout => 504,
        }
    }

    /// The `error` of the challenge (RFC 6750 section 3.1); none where the answer has no challenge
    /// or only a realm.
    pub const fn challenge_error(self) -> Option<&'static str> {
        match (self, self.status()) {
            (Self::CredentialMalformed | Self::CredentialInTarget, _) => Some("invalid_request"),
            // A challenge of a scope would mislead.
            (Self::CredentialMissing | Self::OriginNotAllowed | Self::CertificateMissing, _) => {
                None
            }
            (_, 401) => Some("invalid_token"),
            (_, 403) => Some("insufficient_scope"),
            _ => None,
        }
    }

    /// What the client is told. The texts for unknown, revoked, disabled, blocked and not yet
    /// active are one (row X1): only who holds a secret that was once good learns that it expired.
    pub const fn detail(self) -> &'static str {
        match self {
            Self::CredentialMissing => "An access token is required",
            Self::CredentialMalformed => {
                "The request must carry exactly one well-formed access token"
            }
            Self::CredentialInTarget => "An access token must not stand in the path or the query",
            Self::Unknown
            | Self::Revoked
            | Self::Disabled
            | Self::OwnerBlocked
            | Self::CompanyBlocked
            | Self::NotYetActive => "The access token is invalid",
            Self::Expired | Self::IdleExpired => "The access token expired",
            Self::WrongPresenter => "The access token is bound to another client",
            Self::CertificateMissing => "A client certificate is required",
            Self::SubjectNotAllowed => "The client certificate may not be used for this request",
            Self::Misdirected => "This host needs a connection of its own",
            Self::AddressNotAllowed => "The access token may not be used from this address",
            Self::TimeNotAllowed => "The access token may not be used at this time",
            Self::NoRule => "No rule allows this request",
            Self::RoleMissing => "The owner of the access token lacks the role for this request",
            Self::WrongCompany => "The access token belongs to another company",
            Self::ContextMissing => "The access token does not reach this context",
            Self::ContextUnlicensed => {
                "The company of the access token is not licensed for this context"
            }
            Self::ParameterMissing => {
                "The access token lacks a parameter that this context requires"
            }
            Self::FlagsMissing => "The access token lacks the flags for this request",
            Self::ItemNotAllowed => "The access token does not reach this item",
            Self::Limited(Limit::Rate) => "Requests with this access token come too fast",
            Self::Limited(Limit::Quota) => {
                "The access token has had all requests of the present period"
            }
            Self::Limited(Limit::Uses) => "The access token is used up",
            Self::Limited(Limit::Concurrent) => {
                "Too many requests with this access token are under way"
            }
            Self::TooManyFailures => "Too many access tokens from this address were invalid",
            Self::CannotDecide => "Access tokens cannot be checked at the moment",
            Self::BadRequest(bad) => bad.text(),
            Self::OriginNotAllowed => "Scripts of this origin may not use this API",
            Self::MethodNotAllowed => "This method is never passed on",
            Self::ExpectationFailed => "The only expectation that can be met is 100-continue",
            Self::TransferCoding => "The only transfer coding that can be read is chunked",
            Self::BodyTimeout => "The body did not arrive in time",
            Self::BodyTooLarge => "The body is larger than this API takes",
            Self::TargetTooLong => "The request target is too long",
            Self::HeadTooLarge => "The header section is too large",
            Self::Overloaded => "Too many requests are under way",
            Self::UpstreamBusy => "The upstream has as many requests as it may have",
            Self::UpstreamUnreachable => "The upstream cannot be reached",
            Self::UpstreamBroken => "The upstream did not give a usable answer",
            Self::UpstreamTimeout => "The upstream did not answer in time",
        }
    }

    /// Whose fault it is.
    pub const fn fault(self) -> Fault {
        match self {
            Self::CannotDecide | Self::Overloaded | Self::UpstreamBusy => Fault::Gateway,
            Self::UpstreamUnreachable | Self::UpstreamBroken | Self::UpstreamTimeout => {
                Fault::Upstream
            }
            _ => Fault::Client,
        }
    }
}

#[cfg(test)]
mod tests;
