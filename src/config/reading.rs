//! One pass over one file: what every step of it needs, and where mistakes are gathered.

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::ops::Range;
use std::path::{Path, PathBuf};

use super::environment::{Environment, Overrides};
use super::mistake::Mistake;
use super::report::{Found, Report};

/// Proof that a mistake was reported: whoever cannot make a value returns one of these, so nothing
/// is left out of the settings in silence. Only [`Reading`] makes it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Reported(());

/// A value, its place in the file, and the full name of its key.
#[derive(Clone, Debug)]
pub(super) struct Placed<T> {
    pub(super) value: T,
    pub(super) key: String,
    pub(super) span: Range<usize>,
}

impl<T> Placed<T> {
    /// Another value in the same place.
    pub(super) fn map<U>(self, change: impl FnOnce(T) -> U) -> Placed<U> {
        Placed { value: change(self.value), key: self.key, span: self.span }
    }
}

/// What a file says for one key: nothing, a mistake that is reported already, or a value.
pub(super) type Field<T> = Option<Result<Placed<T>, Reported>>;

/// Text of the file: what it means, and what stands there, which alone may be quoted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Text {
    pub(super) value: String,
    pub(super) shown: String,
}

/// The pass: what it reads from, and the mistakes so far.
#[derive(Debug)]
pub(super) struct Reading<'a> {
    pub(super) environment: &'a Environment,
    pub(super) overrides: &'a Overrides,
    /// The folder of the file: empty for one in the working directory.
    folder: &'a Path,
    source: &'a str,
    found: RefCell<Vec<Found>>,
    /// Whether only a part of the file could be looked at.
    partial: Cell<bool>,
    concealed: RefCell<Vec<Range<usize>>>,
    /// The files that it names whose contents count.
    files: RefCell<Vec<PathBuf>>,
    /// The keys that each table knows, gathered as they are asked for.
    pub(super) keys: RefCell<BTreeMap<String, Vec<&'static str>>>,
    /// Where each table begins: one that is not there where the file does.
    pub(super) tables: RefCell<BTreeMap<String, Range<usize>>>,
}

impl<'a> Reading<'a> {
    /// A pass over `source`, the text of the file at `path`.
    pub(super) fn new(
        path: &'a Path,
        source: &'a str,
        environment: &'a Environment,
        overrides: &'a Overrides,
    ) -> Self {
        Self {
            environment,
            overrides,
            folder: path.parent().unwrap_or(Path::new("")),
            source,
            found: RefCell::new(Vec::new()),
            partial: Cell::new(false),
            concealed: RefCell::new(Vec::new()),
            files: RefCell::new(Vec::new()),
            keys: RefCell::new(BTreeMap::new()),
            tables: RefCell::new(BTreeMap::new()),
        }
    }

    /// Another pass over the same text.
    pub(super) fn anew(&self) -> Self {
        Self {
            found: RefCell::default(),
            partial: Cell::default(),
            concealed: RefCell::default(),
            files: RefCell::default(),
            keys: RefCell::default(),
            tables: RefCell::default(),
            ..*self
        }
    }

    /// Takes over what another pass found, as far as it `holds`, and all that it conceals and names.
    pub(super) fn take_over(&self, other: Self, holds: impl Fn(&Mistake, &Range<usize>) -> bool) {
        self.concealed.borrow_mut().extend(other.concealed.into_inner());
        self.files.borrow_mut().extend(other.files.into_inner());
        let found = other.found.into_inner().into_iter();
        let holding =
            found.filter(|one| one.span.as_ref().is_some_and(|span| holds(&one.mistake, span)));
        self.found.borrow_mut().extend(holding);
    }

    /// Says in the report that only a part of the file was looked at.
    pub(super) fn partial(&self) -> Reported {
        self.partial.set(true);
        Reported(())
    }

    /// A path that the file names. It is relative to the file, so that it means the same whatever
    /// folder a command or a service is started in.
    pub(super) fn beside_file(&self, path: impl AsRef<Path>) -> PathBuf {
        self.folder.join(path)
    }

    /// Notes a file whose contents count: where the configuration is not taken, mending that file alone may be all
    /// that is needed.
    pub(super) fn notes(&self, file: PathBuf) -> PathBuf {
        self.files.borrow_mut().push(file.clone());
        file
    }

    /// Reports a mistake at a place.
    pub(super) fn mistake(
        &self,
        span: &Range<usize>,
        mistake: Mistake,
        hint: impl Into<String>,
    ) -> Reported {
        let found = Found { mistake, span: Some(span.clone()), hint: hint.into() };
        self.found.borrow_mut().push(found);
        Reported(())
    }

    /// Reports a mistake that has no place.
    pub(super) fn placeless(&self, mistake: Mistake, hint: impl Into<String>) -> Reported {
        self.found.borrow_mut().push(Found { mistake, span: None, hint: hint.into() });
        Reported(())
    }

    /// Reports a mistake at a place if there is one.
    pub(super) fn mistake_at(
        &self,
        span: Option<Range<usize>>,
        mistake: Mistake,
        hint: impl Into<String>,
    ) -> Reported {
        match span {
            Some(span) => self.mistake(&span, mistake, hint),
            None => self.placeless(mistake, hint),
        }
    }

    /// Shows stars where this span is printed.
    pub(super) fn conceal(&self, span: Range<usize>) {
        self.concealed.borrow_mut().push(span);
    }

    /// What stands in the file between the quotes of a text at `span`, and where.
    pub(super) fn inside_quotes(&self, span: &Range<usize>) -> (Range<usize>, &'a str) {
        let raw = self.source.get(span.clone()).unwrap_or_default();
        for quote in ["\"\"\"", "'''", "\"", "'"] {
            let inner = raw.strip_prefix(quote).and_then(|raw| raw.strip_suffix(quote));
            if let Some(inner) = inner.filter(|inner| !inner.is_empty()) {
                let start = span.start + quote.len();
                return (start..start + inner.len(), inner);
            }
        }
        (span.clone(), raw)
    }

    /// A value that cannot be left out of the table at `table`.
    pub(super) fn required<T: Clone>(
        &self,
        field: &Field<T>,
        table: &Range<usize>,
        (what, key): (&'static str, &'static str),
        hint: &str,
    ) -> Result<Placed<T>, Reported> {
        field
            .clone()
            .unwrap_or_else(|| Err(self.mistake(table, Mistake::Missing { what, key }, hint)))
    }

    /// All mistakes as a report; none if there are none.
    pub(super) fn report(self, path: &Path) -> Option<Report> {
        let (found, partial) = (self.found.into_inner(), self.partial.get());
        (partial || !found.is_empty())
            .then(|| Report::new(path, self.source, found, self.concealed.into_inner()))
            .map(|report| report.partial(partial).naming(self.files.into_inner()))
    }
}

/// The closest of `known` to what was written, as the text of a hint; otherwise all of them.
pub(super) fn did_you_mean<'a>(
    written: &str,
    known: impl IntoIterator<Item = &'a str>,
    otherwise: &str,
) -> String {
    closest(written, known)
        .map_or_else(|| otherwise.to_owned(), |best| format!("did you mean `{best}`?"))
}

/// With how many names one is compared: a file of thousands of mistakes is told of in seconds.
const MOST_COMPARED: usize = 1_000;

/// The closest of `known` to what was written, if it is close at all.
pub(super) fn closest<'a>(
    written: &str,
    known: impl IntoIterator<Item = &'a str>,
) -> Option<&'a str> {
    // Anything longer than a name is no slip of the pen, and would take long to compare.
    let written = written.get(..written.len().min(128))?.to_lowercase();
    known
        .into_iter()
        .take(MOST_COMPARED)
        .map(|one| (strsim::jaro_winkler(&written, &one.to_lowercase()), one))
        .filter(|(likeness, _)| *likeness > 0.8)
        .max_by(|(a, _), (b, _)| a.total_cmp(b))
        .map(|(_, one)| one)
}

/// How many names a hint lists.
const MOST_LISTED: usize = 12;

/// Names in quotes for a hint: `a`, `b` and `c`.
pub(super) fn listed<'a>(names: impl IntoIterator<Item = &'a str>, before_last: &str) -> String {
    let mut names: Vec<_> = names.into_iter().map(|name| format!("`{name}`")).collect();
    if names.len() > MOST_LISTED {
        let more = names.len() - MOST_LISTED;
        names.truncate(MOST_LISTED);
        return format!("{} and {more} more", names.join(", "));
    }
    match names.split_last() {
        Some((last, [])) => last.clone(),
        Some((last, others)) => format!("{} {before_last} {last}", others.join(", ")),
        None => "none".to_owned(),
    }
}
