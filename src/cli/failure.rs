//! Why a command did not do what it was asked, and the exit code that says so.

use std::fmt::Write as _;
use std::process::ExitCode;

use axum::http::StatusCode;

use crate::admin::problem::Problem;
use crate::store::StoreError;

/// The table of exit codes, as `--help` shows it.
pub const EXIT_CODES: &str = "\
Exit codes:
  0  done
  1  refused, or failed
  2  wrong usage, or a mistake in the configuration
  3  there is no such token or user
  4  it exists already, has ended, or was changed meanwhile
  5  no way to the data: another process holds it, or the server does not answer";

/// What an exit code means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Code {
    /// Refused, or failed.
    Refused = 1,
    /// Wrong usage, or a mistake in the configuration.
    Usage = 2,
    /// There is no such token or user.
    NotFound = 3,
    /// It exists already, has ended, or was changed meanwhile.
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

    /// What is written to standard error.
    pub fn text(&self, json: bool) -> String {
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

impl From<Problem> for Failure {
    fn from(problem: Problem) -> Self {
        let is_config = problem.kind.ends_with(":bad-config");
        let code = match problem.status {
            404 => Code::NotFound,
            409 => Code::Conflict,
            _ if is_config => Code::Usage,
            _ => Code::Refused,
        };
        let report = is_config.then(|| problem.detail.clone());
        Self { code, problem: Box::new(problem), report, for_machines: false }
    }
}

impl From<StoreError> for Failure {
    fn from(error: StoreError) -> Self {
        match &error {
            StoreError::Locked { .. } => Self::new(Code::Unreachable, "locked", error),
            StoreError::Conflict { .. } => Self::new(Code::Conflict, "conflict", error),
            StoreError::Full { .. } => Self::new(Code::Refused, "disk-full", error),
            StoreError::Damaged { .. } => Self::new(Code::Refused, "damaged", error),
            _ => Self::new(Code::Refused, "failed", error),
        }
    }
}
