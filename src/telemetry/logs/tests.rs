//! Logs into memory, and into a pipe that nobody reads.

use std::io::{self, Write};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex};

use serde_json::Value;
use tracing::subscriber::with_default;

use super::*;
use crate::domain::time::Timestamp;

/// Keeps what is written.
#[derive(Clone, Default)]
struct Kept(Arc<Mutex<Vec<u8>>>);

impl Write for Kept {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn options(format: Format, filter: &str) -> Options {
    let clock = Clock::held(Timestamp::from_unix(1_700_000_000));
    Options { format, filter: filter.to_owned(), clock }
}

/// What `act` logs.
fn logged(options: &Options, act: impl FnOnce(&Logs)) -> Vec<String> {
    let kept = Kept::default();
    let (subscriber, logs, flush) = build(options, kept.clone()).unwrap();
    with_default(subscriber, || act(&logs));
    drop(flush);
    let text = String::from_utf8(kept.0.lock().unwrap().clone()).unwrap();
    assert!(text.is_empty() || text.ends_with('\n'));
    text.lines().map(str::to_owned).collect()
}

#[test]
fn sec_l2_one_event_is_one_line_in_both_formats() {
    let path = "/a\r\nFAKE \u{1b}[2J\u{9b}1m";
    for format in [Format::Human, Format::Json] {
        let lines = logged(&options(format, "info"), |_| {
            tracing::info!(path, "a\nb: {path}");
        });
        assert_eq!(lines.len(), 1, "{lines:?}");
        assert!(lines[0].chars().all(|c| !c.is_control()), "{lines:?}");
        assert!(lines[0].starts_with(match format {
            Format::Human => "2023-11-14T22:13:20.000Z  INFO tollgate::telemetry::logs::tests: a",
            Format::Json => "{\"timestamp\":\"2023-11-14T22:13:20.000Z\",\"level\":\"INFO\",",
        }));
        if format == Format::Json {
            let read: Value = serde_json::from_str(&lines[0]).unwrap();
            assert_eq!((&read["path"], &read["level"]), (&path.into(), &"INFO".into()));
            assert_eq!(read["message"], format!("a\nb: {path}"));
        }
    }
}

#[test]
fn the_noise_of_others_is_left_out_unless_it_is_asked_for() {
    let speak = |_: &Logs| {
        tracing::debug!(target: "h2::codec", "noise");
        tracing::warn!(target: "h2::proto::ping_pong", "a client's frame");
        tracing::warn!(target: "sled", "trouble");
        tracing::debug!("ours");
    };
    let count = |filter| logged(&options(Format::Human, filter), speak).len();
    assert_eq!((count("trace"), count("debug"), count("trace,h2=trace")), (2, 2, 4));
    assert_eq!((count("info"), count("off"), count("error")), (1, 0, 0));
}

#[test]
fn another_filter_takes_effect_at_once_and_a_bad_one_does_not() {
    let lines = logged(&options(Format::Human, "warn"), |logs| {
        tracing::info!("one");
        logs.set_filter("info").unwrap();
        tracing::info!("two");
        let error = logs.set_filter("tollgate=loud").unwrap_err();
        assert_eq!(error.to_string(), "the log filter `tollgate=loud` cannot be read");
        tracing::info!("three");
    });
    assert!(lines.len() == 2 && lines[0].ends_with("two") && lines[1].ends_with("three"));
}

/// A pipe that takes nothing until it is told to.
struct Stuck {
    entered: Sender<()>,
    go: Receiver<()>,
}

impl Write for Stuck {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let _ = self.entered.send(());
        // An error means that the test has let go.
        let _ = self.go.recv();
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[test]
fn a_reader_that_does_not_read_holds_nobody_up_and_what_is_lost_is_counted() {
    let ((entered, has_entered), (let_go, go)) = (channel(), channel());
    let stuck = Stuck { entered, go };
    let (subscriber, logs, _flush) = build(&options(Format::Human, "info"), stuck).unwrap();
    with_default(subscriber, || {
        tracing::info!("first");
        has_entered.recv().unwrap();
        // The thread that writes is held fast now; everything goes into the queue, and then
        // nowhere.
        for _ in 0..QUEUE_LINES + 10 {
            tracing::info!("more");
        }
    });
    assert_eq!(logs.dropped().lines(), 10);
    drop(let_go);
}
