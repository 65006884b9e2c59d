//! Logs: one line for each event, on standard error, from a thread of their own.
//!
//! A reader that is slow or gone never holds up a request: what does not fit the queue is dropped
//! and counted. Standard output stays free for what a command was asked for. Called by `cli` once,
//! before anything else is started.

use std::io::{self, BufWriter, Write};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use tracing::Subscriber;
use tracing::level_filters::LevelFilter;
use tracing_appender::non_blocking::{ErrorCounter, NonBlockingBuilder, WorkerGuard};
use tracing_subscriber::filter::{EnvFilter, ParseError};
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::registry::Registry;
use tracing_subscriber::util::SubscriberInitExt;
use tracing_subscriber::{Layer, fmt, reload};

use crate::clock::Clock;

use super::access::AccessLog;
use super::lines::{Format, Lines};
use super::stamp::Stamps;

/// How many lines may wait to be written.
const QUEUE_LINES: usize = 16_384;

/// How many bytes are written at once while lines wait.
const WRITE_BYTES: usize = 64 * 1_024;

/// What others say about their own work, which is of use to their makers alone. A filter that names
/// them still gets everything. h2 warns of single frames, so that a client could fill the logs.
const NOISE: &str = "sled=warn,hyper=warn,hyper_util=warn,h2=error,axum=warn,tower=warn,mio=warn,\
                     notify=warn,tokio=warn,moka=warn";

/// What is logged, and how.
#[derive(Clone, Debug)]
pub struct Options {
    /// The form of a line.
    pub format: Format,
    /// A filter such as `info` or `info,tollgate::store=debug`.
    pub filter: String,
    /// The clock of the lines.
    pub clock: Clock,
}

/// Why there are no logs.
#[derive(Debug, thiserror::Error)]
pub enum LogsError {
    /// The filter cannot be read.
    #[error("the log filter `{filter}` cannot be read")]
    Filter {
        /// What was given.
        filter: String,
        /// What was wrong with it.
        source: ParseError,
    },
    /// Something else in this process logs already.
    #[error("logs were started before")]
    Started,
}

/// Running logs. Cloning is cheap and gives the same ones.
#[derive(Clone, Debug)]
pub struct Logs {
    access: AccessLog,
    dropped: Dropped,
    filter: reload::Handle<EnvFilter, Registry>,
}

/// Keeps the logs going. Dropping it waits up to a second for what is still to be written, so it is
/// dropped last.
#[derive(Debug)]
pub struct Flush {
    _writer: WorkerGuard,
}

/// How many lines were dropped.
#[derive(Clone, Debug)]
pub struct Dropped {
    queue: ErrorCounter,
    lost: Arc<AtomicU64>,
}

impl Dropped {
    /// So far: because the queue was full, or because nobody could be written to.
    pub fn lines(&self) -> u64 {
        let queue = u64::try_from(self.queue.dropped_lines()).unwrap_or(u64::MAX);
        queue.saturating_add(self.lost.load(Ordering::Relaxed))
    }
}

/// Logs everything in this process to standard error, panics too.
///
/// # Errors
/// A filter that cannot be read, or logs that run already.
pub fn start(options: &Options) -> Result<(Logs, Flush), LogsError> {
    let (subscriber, logs, flush) = build(options, io::stderr())?;
    subscriber.try_init().map_err(|_| LogsError::Started)?;
    tell_panics();
    Ok((logs, flush))
}

/// From now on a panic is one line in the log. A text that was put together at run time may hold
/// anything, also what a client sent, and is not repeated (row X4); the place tells where to look.
pub fn tell_panics() {
    std::panic::set_hook(Box::new(|panic| {
        let text = panic.payload().downcast_ref::<&'static str>();
        let text = text.copied().unwrap_or("its text is withheld, since it may hold a secret");
        let location = panic.location().map(ToString::to_string).unwrap_or_default();
        let thread = std::thread::current();
        let thread = thread.name().unwrap_or_default();
        tracing::error!(location, thread, "a thread panicked: {text}");
    }));
}

/// The same with another destination, for whoever installs the subscriber.
///
/// # Errors
/// A filter that cannot be read.
pub fn build(
    options: &Options,
    to: impl Write + Send + 'static,
) -> Result<(impl Subscriber + Send + Sync, Logs, Flush), LogsError> {
    let Options { format, clock, .. } = options;
    let (filter, handle) = reload::Layer::new(filter(&options.filter)?);
    let lost = Arc::<AtomicU64>::default();
    let to = Lines::new(BufWriter::with_capacity(WRITE_BYTES, to), *format, Arc::clone(&lost));
    let (out, writer) = NonBlockingBuilder::default()
        .lossy(true)
        .buffered_lines_limit(QUEUE_LINES)
        .thread_name("tollgate-logs")
        .finish(to);
    let access = AccessLog::new(out.clone(), *format, clock.clone());
    let dropped = Dropped { queue: out.error_counter(), lost };
    let layer = fmt::layer().with_ansi(false).with_timer(Stamps(clock.clone())).with_writer(out);
    let layer = match format {
        Format::Human => layer.boxed(),
        Format::Json => {
            layer.json().flatten_event(true).with_current_span(false).with_span_list(false).boxed()
        }
    };
    let subscriber = Registry::default().with(filter).with(layer);
    Ok((subscriber, Logs { access, dropped, filter: handle }, Flush { _writer: writer }))
}

impl Logs {
    /// Where the gateway writes its access log: the same stream.
    pub const fn access(&self) -> &AccessLog {
        &self.access
    }

    /// How many lines were dropped.
    pub fn dropped(&self) -> Dropped {
        self.dropped.clone()
    }

    /// Puts another filter in force.
    ///
    /// # Errors
    /// A filter that cannot be read; the old one stays.
    pub fn set_filter(&self, text: &str) -> Result<(), LogsError> {
        let filter = filter(text)?;
        // An error means that the subscriber is gone, and with it every line.
        let _ = self.filter.reload(filter);
        Ok(())
    }
}

fn filter(text: &str) -> Result<EnvFilter, LogsError> {
    let read = |whole: &str| {
        EnvFilter::try_new(whole)
            .map_err(|source| LogsError::Filter { filter: text.to_owned(), source })
    };
    let plain = read(text)?;
    if plain.max_level_hint().is_some_and(|most| most <= LevelFilter::WARN) {
        return Ok(plain);
    }
    read(&format!("{NOISE},{text}"))
}

#[cfg(test)]
mod tests;
