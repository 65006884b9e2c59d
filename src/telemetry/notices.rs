//! What a command of a moment tells beside its answer, such as that the index is built anew.
//!
//! A gateway has [`super::logs`]; a command has a person, or a program, that waits for it. What the
//! rooms below say as warnings and errors is told at once, on standard error: a command whose work
//! failed says so itself, so for people all of it is a warning.

use std::fmt;
use std::io::{LineWriter, Write};
use std::sync::{Arc, Mutex};

use tracing::{Event, Subscriber};
use tracing_subscriber::filter::Targets;
use tracing_subscriber::fmt::format::Writer;
use tracing_subscriber::fmt::{FmtContext, FormatEvent, FormatFields};
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::registry::{LookupSpan, Registry};
use tracing_subscriber::util::SubscriberInitExt;
use tracing_subscriber::{Layer, filter::LevelFilter};

use super::lines::{Format, Lines};
use super::stamp::Stamps;
use crate::clock::Clock;

/// Tells warnings and errors of ours where `to` leads, line by line. Does nothing if something in this
/// process logs already.
pub fn start(format: Format, clock: Clock, to: impl Write + Send + 'static) {
    let _ = build(format, clock, to).try_init();
}

fn build(
    format: Format,
    clock: Clock,
    to: impl Write + Send + 'static,
) -> impl Subscriber + Send + Sync {
    let to = Mutex::new(Lines::new(LineWriter::new(to), format, Arc::default()));
    let layer = tracing_subscriber::fmt::layer().with_ansi(false).with_writer(to);
    let layer = match format {
        Format::Human => layer.event_format(Warning).boxed(),
        Format::Json => layer
            .with_timer(Stamps(clock))
            .json()
            .flatten_event(true)
            .with_current_span(false)
            .with_span_list(false)
            .boxed(),
    };
    let ours = Targets::new().with_target("tollgate", LevelFilter::WARN);
    Registry::default().with(ours).with(layer)
}

/// A line as other notes of a command look.
struct Warning;

impl<S, N> FormatEvent<S, N> for Warning
where
    S: Subscriber + for<'a> LookupSpan<'a>,
    N: for<'a> FormatFields<'a> + 'static,
{
    fn format_event(
        &self,
        context: &FmtContext<'_, S, N>,
        mut writer: Writer<'_>,
        event: &Event<'_>,
    ) -> fmt::Result {
        writer.write_str("warning: ")?;
        context.field_format().format_fields(writer.by_ref(), event)?;
        writeln!(writer)
    }
}

#[cfg(test)]
mod tests {
    use std::io;
    use std::sync::mpsc::{Sender, channel};

    use tracing::subscriber::with_default;

    use super::*;
    use crate::domain::time::Timestamp;

    struct Sent(Sender<u8>);

    impl Write for Sent {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            bytes.iter().for_each(|byte| self.0.send(*byte).unwrap());
            Ok(bytes.len())
        }
        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    fn told(format: Format) -> String {
        let clock = Clock::held(Timestamp::from_unix(1_700_000_000));
        let (sender, told) = channel();
        with_default(build(format, clock, Sent(sender)), || {
            tracing::error!(file = "a\u{1b}b", "the index is gone");
            tracing::warn!("moved `index`");
            tracing::info!("all is well");
            tracing::error!(target: "sled", "somebody else's words");
        });
        String::from_utf8(told.iter().collect()).unwrap()
    }

    #[test]
    fn sec_l2_warnings_of_ours_are_lines_for_people() {
        let lines = "warning: the index is gone file=\"a\\u{1b}b\"\nwarning: moved `index`\n";
        assert_eq!(told(Format::Human), lines);
    }

    #[test]
    fn for_programs_each_is_a_value_on_a_line() {
        let lines = told(Format::Json);
        let lines: Vec<serde_json::Value> =
            lines.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        let [first, second] = lines.as_slice() else { panic!("{lines:?}") };
        assert_eq!(
            (&first["level"], &first["message"]),
            (&"ERROR".into(), &"the index is gone".into())
        );
        assert_eq!(second["timestamp"], "2023-11-14T22:13:20.000Z");
    }
}
