//! Why a command did not do what it was asked, and the exit code that says so.

use std::fmt::Write as _;
use std::process::ExitCode;

use axum::http::StatusCode;

use crate::admin::problem::{self, Problem};
use crate::config::Report;
use crate::domain::secret;
use crate::store::StoreError;

/// The table of exit codes, as `--help` shows it.
pub const EXIT_CODES: &str = "\
Exit codes:
  0  done
  1  refused, or failed
  2  wrong usage, a value that cannot be, or a mistake in the configuration
  3  there is no such token, user or company
  4  it exists already, has ended (but for `revoke`), was changed meanwhile, or needs a server
  5  no way to the data: another process holds it, or the server does not answer";

/// How a folder comes to be one.
pub const MAKERS: &str = "name another one with `--data` or `store.path`; `tollgate init`, \
                          `serve`, `restore` and `user add --data DIR` make one where there is \
                          none, or in an empty folder";

/// What an exit code means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Code {
    /// Refused, or failed.
    Refused = 1,
    /// Wrong usage, a value that cannot be, or a mistake in the configuration.
    Usage = 2,
    /// There is no such token, user or company.
    NotFound = 3,
    /// It exists already, has ended, was changed meanwhile, or needs a running server.
    Conflict = 4,
    /// The data cannot be reached.
    Unreachable = 5,
}

impl From<Code> for ExitCode {
    fn from(code: Code) -> Self {
        Self::from(code as u8)
    }
}

/// A command that did not do what it was asked.
#[derive(Debug)]
pub struct Failure {
    /// For scripts.
    pub code: Code,
    /// For programs.
    problem: Box<Problem>,
    /// For people, if it is more than the problem's detail: whole lines.
    report: Option<String>,
    /// Whether it is told in JSON whatever was typed.
    for_machines: bool,
}

impl Failure {
    /// A failure of a kind that is named by a word or two.
    pub fn new(code: Code, kind: &str, detail: impl ToString) -> Self {
        let (status, title) = match code {
            Code::Refused => (StatusCode::INTERNAL_SERVER_ERROR, "Failed"),
            Code::Usage => (StatusCode::BAD_REQUEST, "Wrong usage"),
            Code::NotFound => (StatusCode::NOT_FOUND, "Not found"),
            Code::Conflict => (StatusCode::CONFLICT, "Conflict"),
            Code::Unreachable => (StatusCode::SERVICE_UNAVAILABLE, "The data cannot be reached"),
        };
        let problem = Box::new(Problem::new(status, kind, title, detail));
        Self { code, problem, report: None, for_machines: false }
    }

    /// Wrong usage.
    pub fn usage(detail: impl ToString) -> Self {
        Self::new(Code::Usage, "usage", detail)
    }

    /// Something that the operating system refused.
    pub fn io(doing: impl std::fmt::Display, error: impl std::fmt::Display) -> Self {
        Self::new(Code::Refused, "failed", format_args!("{doing} failed: {error}"))
    }

    /// With a way out.
    #[must_use]
    pub fn hint(mut self, hint: impl ToString) -> Self {
        self.problem.hint = Some(hint.to_string());
        self
    }

    /// With whole lines for people instead of the detail.
    #[must_use]
    pub fn report(mut self, report: String) -> Self {
        self.report = Some(report);
        self
    }

    /// To be told in JSON.
    #[must_use]
    pub fn for_machines(mut self) -> Self {
        self.for_machines = true;
        self
    }

    /// With each mistake of a configuration, for programs.
    #[must_use]
    pub fn mistakes(mut self, report: &Report) -> Self {
        self.problem.mistakes = problem::mistakes(report);
        self
    }

    /// What is written to standard error, without a secret that was typed in the place of something else.
    pub fn text(&self, json: bool) -> String {
        secret::redact(&self.whole(json)).into_owned()
    }

    fn whole(&self, json: bool) -> String {
        if json || self.for_machines {
            let text = serde_json::to_string(&self.problem);
            return text.unwrap_or_else(|_| self.problem.detail.clone()) + "\n";
        }
        let mut text = match &self.report {
            Some(report) if report.starts_with("error: ") => format!("{}\n", report.trim_end()),
            _ => format!("error: {}\n", self.problem.detail),
        };
        if let Some(hint) = &self.problem.hint {
            let _ = writeln!(text, "hint: {hint}");
        }
        text
    }
}

/// Wrong usage, as clap tells it: what is wrong, on one or more lines, and then advice.
pub fn of_usage(text: &str) -> Failure {
    let mut parts = text.split("\n\n").map(|part| {
        let mut lines = part.lines().map(str::trim).filter(|line| !line.is_empty());
        let first = lines.next().unwrap_or_default().to_owned();
        let rest: Vec<_> = lines.collect();
        if rest.is_empty() { first } else { format!("{first} {}", rest.join(", ")) }
    });
    let what = parts.next().unwrap_or_default();
    let failure = Failure::usage(what.strip_prefix("error: ").unwrap_or(&what));
    match parts.find_map(|part| part.strip_prefix("tip: ").map(str::to_owned)) {
        Some(tip) => failure.hint(tip),
        None => failure,
    }
}

impl From<Problem> for Failure {
    fn from(mut problem: Problem) -> Self {
        let is = |kind: &str| problem.kind.ends_with(kind);
        let is_config = is(":bad-config") || is(":bad-webhooks");
        let code = match problem.status {
            _ if is(":other-history") => Code::Refused,
            _ if is_config || is(":no-master-key") || is(":no-file") => Code::Usage,
            400 => Code::Usage,
            404 => Code::NotFound,
            409 | 412 => Code::Conflict,
            _ => Code::Refused,
        };
        if let Some(field) = problem.field.as_deref() {
            let named = problem.detail.strip_prefix(&format!("`{field}`: "));
            if let (Some(rest), Some(typed)) = (named, typed(field)) {
                problem.detail = format!("`{typed}`: {rest}");
            }
        }
        let report = is_config.then(|| problem.detail.clone());
        Self { code, problem: Box::new(problem), report, for_machines: false }
    }
}

/// What is typed for a field of a request, where its name is another one.
fn typed(field: &str) -> Option<String> {
    let whole = field.split(['[', '.']).next().unwrap_or(field);
    let option = match whole {
        "limits" => return limit_option(field).map(str::to_owned),
        "not_before" => "--from",
        "expires_at" => "--until",
        "idle_ttl" => "--idle",
        "roles" => "--role",
        "owner" | "name" | "app" | "description" | "company" | "api" | "lifetime" | "flags"
        | "contexts" | "items" | "params" | "ceiling" | "email" | "parent" | "reason" | "grace"
        | "after_use" | "state" | "context" | "hint" | "text" | "created_from"
        | "created_before" | "expires_before" | "ends_before" | "last_used_before"
        | "never_used" | "rotated" | "kind" | "by" | "since" | "until" | "limit" | "cursor"
        | "confirm" | "revision" | "certificate" => {
            return Some(format!("--{}", whole.replace('_', "-")));
        }
        "address" => "--from",
        "context_params" => {
            let place = field.strip_prefix("context_params.")?;
            return Some(format!("--param {place}"));
        }
        "conditions" if field.contains(".networks") => "--network",
        "conditions" if field.contains(".windows") => "--window",
        "conditions" if field.contains(".certificate") => "--certificate",
        _ => return None,
    };
    Some(option.to_owned())
}

/// The option of a limit.
fn limit_option(field: &str) -> Option<&'static str> {
    let mut parts = field.split('.').skip(1);
    Some(match (parts.next()?, parts.next()) {
        ("rate", Some("burst")) => "--burst",
        ("rate", _) => "--rate",
        ("quotas", _) => "--quota",
        ("uses", _) => "--uses",
        ("concurrent", _) => "--concurrent",
        _ => return None,
    })
}

impl From<StoreError> for Failure {
    fn from(error: StoreError) -> Self {
        match &error {
            StoreError::Locked { .. } => Self::new(Code::Unreachable, "locked", error),
            StoreError::Conflict { .. } => Self::new(Code::Conflict, "conflict", error),
            StoreError::Taken { .. } => Self::new(Code::Conflict, "exists", error),
            StoreError::Full { .. } => Self::new(Code::Refused, "disk-full", error),
            StoreError::Damaged { .. } => Self::new(Code::Refused, "damaged", error),
            StoreError::NotData { .. } => {
                Self::new(Code::Unreachable, "no-data", error).hint(MAKERS)
            }
            StoreError::Cut { .. } => Self::new(Code::Refused, "history-cut", error).hint(
                "bring the files of the history back, or restore a backup; \
                 `tollgate repair --yes` goes on with what is left, and puts that on record",
            ),
            StoreError::Failed { cause, .. } if cause.starts_with("Permission denied") => {
                Self::new(Code::Refused, "failed", error)
                    .hint("run the command as the user that the data belongs to, or as root")
            }
            _ => Self::new(Code::Refused, "failed", error),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_that_may_not_be_opened_says_who_may() {
        let told = |cause: &str| {
            let doing = "locking `data/lock`".to_owned();
            Failure::from(StoreError::Failed { doing, cause: cause.to_owned() }).text(false)
        };
        assert!(
            told("Permission denied (os error 13)").contains("hint: run the command as the user")
        );
        assert!(!told("Input/output error (os error 5)").contains("hint"));
    }

    #[test]
    fn fields_are_named_as_they_are_typed() {
        for (field, wanted) in [
            ("expires_at", Some("--until")),
            ("conditions.networks[0]", Some("--network")),
            ("context_params.a.b.c", Some("--param a.b.c")),
            ("items[2]", Some("--items")),
            ("limits.rate.burst", Some("--burst")),
            ("limits.quotas.day", Some("--quota")),
            ("last_used_before", Some("--last-used-before")),
            ("confirmed", None),
        ] {
            assert_eq!(typed(field).as_deref(), wanted, "{field}");
        }
    }
}
