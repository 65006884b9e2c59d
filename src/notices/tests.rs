//! Webhooks by themselves: their journal, and what waits. `tests/notices.rs` has them called.

use std::os::unix::fs::PermissionsExt as _;
use std::sync::atomic::Ordering;

use super::attempt::{Attempt, Outcome};
use super::hook::{AHEAD, AT_ONCE, Hook, WAITING};
use super::journal::{Journal, KEPT, Line};
use super::payload::{About, Notice};
use super::prepare::Setup;
use super::*;
use crate::domain::notice::NoticeKind;
use crate::domain::time::{Span, Timestamp};
use crate::egress::Egress;
use crate::egress::target::Target;

const NOW: Timestamp = Timestamp::from_unix(1_800_000_000);

fn slug(name: &str) -> Slug {
    name.parse().unwrap()
}

fn setup() -> Arc<Setup> {
    let key = rcgen::KeyPair::generate().unwrap();
    let ca = rcgen::CertificateParams::new(Vec::new()).unwrap().self_signed(&key).unwrap();
    let secret = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(secret.path(), "x".repeat(24)).unwrap();
    let source = crate::config::settings::SecretSource::File(secret.path().to_owned());
    Arc::new(Setup {
        target: Target::parse("https://hooks.example/").unwrap(),
        kinds: NoticeKind::OF_EVENTS.into(),
        key: sign::Key::load(&source).unwrap(),
        egress: Egress::new(&[], Some(ca.pem().as_bytes())).unwrap(),
    })
}

fn notice(event: u64) -> Notice {
    let (id, kind) = (format!("evt_{event}"), NoticeKind::Revoked);
    Notice { id, kind, event: Some(event), nth: 0, about: About::default(), body: "{}".to_owned() }
}

fn attempt(event: u64, attempt: u32, outcome: Outcome) -> Attempt {
    let again = (outcome == Outcome::Retry).then(|| NOW.plus(Span::from_seconds(5)));
    Attempt {
        at: NOW,
        notice: notice(event).id,
        kind: NoticeKind::Revoked,
        event: Some(event),
        token: None,
        owner: None,
        attempt,
        outcome,
        status: Some(500),
        error: None,
        took_ms: 1,
        next_at: again,
    }
}

/// A journal in a folder of its own, written anew.
fn journal(folder: &Path) -> Journal {
    let mut journal = Journal::of(folder);
    journal.rewrite(&[]).unwrap();
    journal
}

#[test]
fn a_journal_survives_what_is_cut_and_what_is_no_line() {
    let folder = tempfile::tempdir().unwrap();
    assert!(Journal::of(folder.path()).read().unwrap().is_empty(), "there is none");
    let mut written = journal(folder.path());
    let line =
        |name: &str, place, attempt| Line { webhook: slug(name), place, attempt, gone: false };
    let tried = attempt(7, 1, Outcome::Retry);
    written.add(&line("a", 6, None)).unwrap();
    written.add(&line("a", 7, Some(tried.clone()))).unwrap();
    written.add(&line("b", 9, None)).unwrap();
    written.add(&Line { gone: true, ..line("b", 0, None) }).unwrap();
    let path = folder.path().join("deliveries");
    assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
    let mut text = std::fs::read(&path).unwrap();
    text.extend(b"\xff\xfe no text\n{}\n\n{\"webhook\":\"a\",\"place\":99");
    std::fs::write(&path, text).unwrap();
    let known = Journal::of(folder.path()).read().unwrap();
    assert_eq!(known.keys().collect::<Vec<_>>(), [&slug("a")], "the other one is gone");
    let a = &known[&slug("a")];
    assert_eq!((a.place, a.attempts.len()), (7, 1));
    assert_eq!(a.open[&tried.notice], tried);
}

#[test]
fn a_long_journal_is_written_anew_with_what_matters() {
    let folder = tempfile::tempdir().unwrap();
    let mut written = journal(folder.path());
    let hook = Hook::new(slug("a"), setup(), None);
    assert_eq!(hook.place(0), Some(0));
    let mut longest = 0;
    for event in 1..=10_000 {
        hook.take(event, vec![notice(event)], NOW);
        let outcome = if event == 1 { Outcome::Retry } else { Outcome::Delivered };
        let line = hook.tried(&notice(event), attempt(event, 1, outcome));
        if written.is_long() {
            written.rewrite(&hook.lines()).unwrap();
        } else {
            written.add(&line).unwrap();
        }
        let length = std::fs::metadata(folder.path().join("deliveries")).unwrap().len();
        longest = longest.max(length);
    }
    assert!((1 << 20..2 << 20).contains(&longest), "{longest}");
    let known = Journal::of(folder.path()).read().unwrap().remove(&slug("a")).unwrap();
    assert_eq!((known.place, known.attempts.len()), (10_000, KEPT));
    assert_eq!(known.open.len(), 1, "the one that is to be tried again, however long ago");
    let again = Hook::new(slug("a"), setup(), Some(known));
    assert_eq!((again.left_open(), again.waiting()), (vec![1], 1));
    again.take(1, vec![notice(1)], NOW);
    assert_eq!(again.due(NOW), None, "not before its time");
    let (due, attempts) = again.due(NOW.plus(Span::from_seconds(5))).unwrap();
    assert_eq!((due.id.as_str(), attempts), ("evt_1", 1));
    assert_eq!(again.attempts().len(), KEPT);
}

#[test]
fn reading_pauses_while_a_thousand_wait() {
    let hook = Hook::new(slug("a"), setup(), None);
    assert_eq!(hook.place(5), Some(5), "a new one begins at the newest event");
    for event in 6..6 + WAITING as u64 {
        assert!(hook.place(5_000).is_some(), "{event}");
        hook.take(event, vec![notice(event)], NOW);
    }
    assert_eq!((hook.place(5_000), hook.waiting()), (None, WAITING));
    assert_eq!(hook.place_line().place, 5, "none of them was tried");
    let (first, _) = hook.due(NOW).unwrap();
    assert_eq!(first.id, "evt_6");
    let line = hook.tried(&first, attempt(6, 1, Outcome::Retry));
    assert_eq!((line.place, hook.place(5_000)), (6, None), "it waits still");
    let (second, _) = hook.due(NOW).unwrap();
    hook.tried(&second, attempt(7, 1, Outcome::Delivered));
    assert_eq!(hook.place(5_000), Some(5 + WAITING as u64));
    assert_eq!(hook.counts.delivered.load(Ordering::Relaxed), 1);
}

/// A crash between an attempt and the reading of what comes before: what was tried is not tried again.
#[test]
fn what_was_taken_before_a_crash_is_not_told_again() {
    let hook = Hook::new(slug("a"), setup(), None);
    hook.place(0);
    for event in 1..=3 {
        hook.take(event, vec![notice(event)], NOW);
    }
    // Out of turn.
    let line = hook.tried(&notice(3), attempt(3, 1, Outcome::Delivered));
    assert_eq!(line.place, 0);
    let folder = tempfile::tempdir().unwrap();
    let mut written = journal(folder.path());
    written.rewrite(&hook.lines()).unwrap();
    let known = Journal::of(folder.path()).read().unwrap().remove(&slug("a")).unwrap();
    let again = Hook::new(slug("a"), setup(), Some(known));
    assert_eq!(again.place(3), Some(0));
    let mut told = Vec::new();
    for event in 1..=3 {
        again.take(event, vec![notice(event)], NOW);
        while let Some((notice, _)) = again.due(NOW) {
            told.push(notice.event.unwrap());
            again.tried(&notice, attempt(event, 1, Outcome::Delivered));
        }
    }
    assert_eq!(told, [1, 2]);
    assert_eq!(again.place(2), Some(2), "the history was put back");
}

/// One call that hangs holds up no other, until so many have passed it that a crash could forget some.
#[test]
fn a_few_calls_are_under_way_and_none_is_passed_by_too_many() {
    let hook = Hook::new(slug("a"), setup(), None);
    hook.place(0);
    for event in 1..=300 {
        hook.take(event, vec![notice(event)], NOW);
    }
    let under_way: Vec<_> = std::iter::from_fn(|| hook.due(NOW)).collect();
    let ids: Vec<_> = under_way.iter().map(|(notice, _)| notice.id.as_str()).collect();
    assert_eq!(ids, ["evt_1", "evt_2", "evt_3", "evt_4"], "none of them twice");
    assert_eq!(under_way.len(), AT_ONCE);
    for event in 2..=4 {
        hook.tried(&notice(event), attempt(event, 1, Outcome::Delivered));
    }
    let mut passed = 3;
    while let Some((next, _)) = hook.due(NOW) {
        let event = next.event.unwrap();
        hook.tried(&next, attempt(event, 1, Outcome::Delivered));
        passed += 1;
    }
    assert_eq!(passed, AHEAD, "the first one is under way still");
    let folder = tempfile::tempdir().unwrap();
    journal(folder.path()).rewrite(&hook.lines()).unwrap();
    let known = Journal::of(folder.path()).read().unwrap().remove(&slug("a")).unwrap();
    assert_eq!(known.place, 0, "a crash now begins with the first");
    assert_eq!(known.open.len() as u64, AHEAD, "and tells none of the others again");
    hook.tried(&notice(1), attempt(1, 1, Outcome::Retry));
    assert_eq!(hook.due(NOW).unwrap().0.id, format!("evt_{}", AHEAD + 2));
}
