//! Row X4: what a panic tells. In a process of its own, since it changes what every panic in it tells.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "it is about panics"
)]

use std::io::{self, Write};
use std::sync::{Arc, Mutex};
use std::thread;

use serde_json::Value;
use tollgate::clock::Clock;
use tollgate::telemetry::Format;
use tollgate::telemetry::logs::{self, Options};
use tracing_subscriber::util::SubscriberInitExt;

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

#[test]
fn x4_a_panic_is_one_line_that_repeats_nothing_a_client_sent() {
    let kept = Kept::default();
    let (format, filter) = (Format::Json, "info".to_owned());
    let options = Options { format, filter, clock: Clock::system() };
    let (subscriber, _, flush) = logs::build(&options, kept.clone()).unwrap();
    subscriber.try_init().unwrap();
    logs::tell_panics();

    let secret = "tg_0123456789\u{e9}".to_owned();
    // A slice inside a character: the standard library repeats the whole text.
    let slices = move || drop(secret[..secret.len() - 1].to_owned());
    assert!(thread::Builder::new().name("one".to_owned()).spawn(slices).unwrap().join().is_err());
    assert!(thread::spawn(|| panic!("fixed text")).join().is_err());
    let _ = std::panic::take_hook();
    drop(flush);

    let text = String::from_utf8(kept.0.lock().unwrap().clone()).unwrap();
    let lines: Vec<Value> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(lines.len(), 2, "{text}");
    assert!(!text.contains("tg_0123456789"), "{text}");
    let begin = "a thread panicked: its text is withheld";
    assert!(lines[0]["message"].as_str().unwrap().starts_with(begin), "{text}");
    assert_eq!((&lines[0]["thread"], &lines[0]["level"]), (&"one".into(), &"ERROR".into()));
    assert!(lines[0]["location"].as_str().unwrap().contains("panics.rs"), "{text}");
    assert_eq!(lines[1]["message"], "a thread panicked: fixed text");
}
