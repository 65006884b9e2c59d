//! `tollgate token import` and `export`: lists of tokens from and to files, however long, a piece at a time.

use std::fs::{File, OpenOptions};
use std::io::{self, BufRead, BufReader, Write};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;

use serde_json::json;
use serde_json::value::RawValue;

use crate::admin::sheet;
use crate::admin::transfer::ImportReport;
use crate::cli::client::Client;
use crate::cli::failure::{Code, Failure};
use crate::cli::many::{Export, Form, Import};
use crate::cli::output::{self, Reply, counted};
use crate::cli::progress::{Progress, aside};
use crate::cli::repeats::{REMEMBERED, Repeats};
use crate::service::import::{ImportOutcome, Imported, digest_of};

/// The most lines and bytes of one request.
const LINES: usize = 200;
const BYTES: usize = 128 * 1_024;

/// Lines that wait to be sent: each with its number, and either its text or why it has none.
#[derive(Default)]
struct Waiting {
    lines: Vec<(u64, Result<Box<RawValue>, String>)>,
    bytes: usize,
}

/// What became of all lines.
#[derive(Default)]
struct Told {
    good: u64,
    refused: u64,
    not_tried: u64,
    /// Of a run that only tries: no batch knows of the one before.
    repeats: Option<Repeats>,
}

/// Brings tokens in, and says of each line that is refused why.
///
/// # Errors
/// A file that cannot be read, or what the server or the folder refuses; lines that were refused, once all were
/// tried.
pub async fn import(what: Import, client: &Client, json: bool) -> Result<Reply, Failure> {
    let reader: Box<dyn io::Read> = match &what.file {
        Some(file) if file != Path::new("-") => {
            Box::new(File::open(file).map_err(|error| reading(file, &error))?)
        }
        _ => Box::new(io::stdin()),
    };
    let by_name = what.file.as_ref().and_then(|file| file.extension());
    let mut reader = BufReader::new(reader);
    let form = match what.format {
        Some(form) => form,
        None if by_name.is_some_and(|end| end == "csv") => Form::Csv,
        None => {
            by_sight(reader.fill_buf().map_err(|error| Failure::io("reading the tokens", error))?)
        }
    };
    // What is written is found in the store when it comes again.
    let repeats = what.dry_run.then(Repeats::default);
    let mut told = Told { repeats, ..Told::default() };
    let progress = Progress::new(None, "lines", json);
    let mut send =
        async |number: u64, line: Result<Box<RawValue>, String>, waiting: &mut Waiting| {
            waiting.bytes += line.as_ref().map_or(0, |line| line.get().len() + 1);
            waiting.lines.push((number, line));
            if waiting.lines.len() >= LINES || waiting.bytes >= BYTES {
                progress.add(waiting.lines.len());
                told.send(std::mem::take(waiting), &what, client, json).await?;
            }
            Ok::<_, Failure>(())
        };
    let mut waiting = Waiting::default();
    let mut number = 0;
    match form {
        Form::Csv => {
            let mut reader = csv::ReaderBuilder::new().flexible(true).from_reader(reader);
            let unreadable = |error: csv::Error| Failure::usage(error);
            let heads = reader.headers().map_err(unreadable)?.clone();
            sheet::known(&heads).map_err(Failure::usage)?;
            let mut row = csv::StringRecord::new();
            while reader.read_record(&mut row).map_err(unreadable)? {
                let number = row.position().map_or(0, csv::Position::line);
                send(number, sheet::line(&heads, &row), &mut waiting).await?;
            }
        }
        Form::Jsonl => {
            for line in reader.lines() {
                number += 1;
                let line = line.map_err(|error| Failure::io("reading the tokens", error))?;
                if !line.trim().is_empty() {
                    let raw =
                        RawValue::from_string(line).map_err(|_| "this is not JSON".to_owned());
                    send(number, raw, &mut waiting).await?;
                }
            }
        }
    }
    progress.add(waiting.lines.len());
    told.send(waiting, &what, client, json).await?;
    drop(progress);
    told.reply(what.dry_run)
}

/// How a list is written that begins so: CSV has a line of names that are known.
fn by_sight(begin: &[u8]) -> Form {
    let mut reader = csv::ReaderBuilder::new().from_reader(begin);
    match reader.headers() {
        Ok(heads) if !heads.is_empty() && sheet::known(heads).is_ok() => Form::Csv,
        _ => Form::Jsonl,
    }
}

fn reading(file: &Path, error: &io::Error) -> Failure {
    Failure::io(format_args!("reading `{}`", file.display()), error)
}

impl Told {
    async fn send(
        &mut self,
        waiting: Waiting,
        what: &Import,
        client: &Client,
        json: bool,
    ) -> Result<(), Failure> {
        let good: Vec<_> =
            waiting.lines.iter().filter_map(|(_, line)| line.as_deref().ok()).collect();
        let mut answers = Vec::new();
        if !good.is_empty() {
            let body = json!({
                "dry_run": what.dry_run, "create_owners": what.create_users, "company": what.company,
                "lines": [],
            });
            let report: ImportReport =
                client.post_raw("/tokens/import", with_lines(&body, &good)?).await?.read()?;
            answers = report.lines;
        }
        let mut answers = answers.into_iter();
        for (number, line) in &waiting.lines {
            let answer = match line {
                Ok(line) => {
                    let answer = answers.next().unwrap_or(Imported {
                        outcome: ImportOutcome::NotTried,
                        id: None,
                        problem: None,
                    });
                    self.again(*number, line, answer)
                }
                Err(problem) => Imported {
                    outcome: ImportOutcome::Refused,
                    id: None,
                    problem: Some(problem.clone()),
                },
            };
            self.tell(*number, &answer, json)?;
        }
        Ok(())
    }

    /// What becomes of a line whose secret stood in another one already.
    fn again(&mut self, number: u64, line: &RawValue, answer: Imported) -> Imported {
        let Some(repeats) = &mut self.repeats else { return answer };
        if answer.outcome != ImportOutcome::Good {
            return answer;
        }
        match digest_of(line).and_then(|digest| repeats.first(&digest, number)) {
            Some(first) => Imported {
                outcome: ImportOutcome::Refused,
                id: None,
                problem: Some(format!("line {first} has the same secret")),
            },
            None => answer,
        }
    }

    /// Programs are told of each line, people of those that are not well.
    fn tell(&mut self, number: u64, answer: &Imported, json: bool) -> Result<(), Failure> {
        let problem = answer.problem.as_deref().unwrap_or("");
        let word = match answer.outcome {
            ImportOutcome::Good => {
                self.good += 1;
                None
            }
            ImportOutcome::Refused => {
                self.refused += 1;
                Some("refused")
            }
            ImportOutcome::NotTried => {
                self.not_tried += 1;
                Some("not tried")
            }
        };
        if json {
            let told = json!({
                "line": number, "outcome": answer.outcome, "id": answer.id, "problem": answer.problem,
            });
            return output::print(&told.to_string());
        }
        match word {
            Some(word) => {
                let line = format!("line {number} {word}: {}", output::shown(problem));
                aside(|| output::print(&line))
            }
            None => Ok(()),
        }
    }

    fn reply(&self, dry_run: bool) -> Result<Reply, Failure> {
        let would = if dry_run { " would be" } else { "" };
        let text = format!("{}{would} imported\n", counted(self.good, "token"));
        if self.refused + self.not_tried > 0 {
            let detail = format!(
                "{}, but {} refused and {} not tried",
                text.trim_end(),
                self.refused,
                self.not_tried
            );
            return Err(Failure::new(Code::Refused, "lines-refused", detail).hint(
                "put them right, and import them again; tokens that are there stay as they are",
            ));
        }
        let told = json!({ "good": self.good, "refused": 0, "not_tried": 0 });
        let full = self.repeats.as_ref().is_some_and(Repeats::is_full);
        let note = full.then(|| {
            format!("of lines behind the first {REMEMBERED}, it was not looked whether two have one secret")
        });
        Ok(Reply { text, json: told.to_string(), note })
    }
}

/// The body with its lines, byte for byte as they are.
fn with_lines(body: &serde_json::Value, lines: &[&RawValue]) -> Result<String, Failure> {
    let lines =
        serde_json::to_string(lines).map_err(|error| Failure::io("writing the lines", error))?;
    Ok(body.to_string().replace("\"lines\":[]", &format!("\"lines\":{lines}")))
}

/// Counts lines on their way.
struct Counted<W> {
    to: W,
    lines: usize,
    progress: Progress,
}

impl<W: Write> Write for Counted<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.to.write_all(bytes)?;
        let lines = memchr::memchr_iter(b'\n', bytes).count();
        self.lines += lines;
        self.progress.add(lines);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.to.flush()
    }
}

/// Writes tokens to a new file, or to standard output.
///
/// # Errors
/// A file that is there already, or what the server or the folder refuses.
pub async fn export(what: Export, client: &Client, json: bool) -> Result<Reply, Failure> {
    let format = match what.format {
        Form::Csv => "csv",
        Form::Jsonl => "jsonl",
    };
    let body = json!({
        "filter": what.filters.body(), "format": format, "digests": what.digests,
    });
    let to: Box<dyn Write> = match &what.output {
        Some(file) => {
            let made = OpenOptions::new().write(true).create_new(true).mode(0o600).open(file);
            let writing = |error: io::Error| {
                let name = file.display();
                if error.kind() == io::ErrorKind::AlreadyExists {
                    let detail = format!("`{name}` exists already and is not overwritten");
                    return Failure::new(Code::Conflict, "exists", detail);
                }
                Failure::io(format_args!("writing `{name}`"), error)
            };
            Box::new(made.map_err(writing)?)
        }
        None => Box::new(io::stdout()),
    };
    let progress = Progress::new(None, "lines", json || what.output.is_none());
    let mut counted = Counted { to, lines: 0, progress };
    client.download("/tokens/export", body, &mut counted).await?;
    counted.flush().map_err(|error| Failure::io("writing the tokens", error))?;
    let lines = counted.lines;
    drop(counted);
    if what.output.is_none() {
        return Ok(Reply::default());
    }
    Ok(Reply {
        text: format!("{} written\n", output::counted(lines, "line")),
        json: json!({ "lines": lines }).to_string(),
        note: None,
    })
}
