//! Everything that the service says in English has a text in each language: its sentences are read from the sources.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use super::{Language, Texts};
use crate::web::exact::{self, Exact, Work};
use crate::web::frame::sample::frame;

/// Where sentences stand that pages show: of a folder all files beside its tests.
const SPEAKERS: [&str; 27] = [
    "src/service",
    "src/admin/pages",
    "src/admin/explain.rs",
    "src/admin/transfer.rs",
    "src/gateway/explain.rs",
    "src/gateway/explain/shown.rs",
    "src/gateway/explain/words.rs",
    "src/gateway/identity.rs",
    "src/tls/presented.rs",
    "src/egress/mod.rs",
    "src/egress/addresses.rs",
    "src/history/line.rs",
    "src/history/tail.rs",
    "src/history/verify.rs",
    "src/store/error.rs",
    "src/store/sealed.rs",
    "src/store/query.rs",
    "src/store/sled/offline.rs",
    "src/notices/acts.rs",
    "src/domain/conditions.rs",
    "src/domain/event.rs",
    "src/domain/flags.rs",
    "src/domain/grant.rs",
    "src/domain/id.rs",
    "src/domain/left.rs",
    "src/domain/secret.rs",
    "src/domain/time.rs",
];

/// What is said to operators alone, in logs, hints and answers to programs; and what is no sentence.
const TO_OTHERS: [&str; 67] = [
    "line \0: \0",
    "A value is missing or wrong",
    "More than may be granted",
    "Not yours to do",
    "Not found",
    "It exists already",
    "The wall clock is behind",
    "This is another history",
    "The token has ended",
    "It has a successor",
    "Somebody changed it meanwhile",
    "This is not what was shown",
    "Try again later",
    "Another token has this secret",
    "The disk is full",
    "Changes are refused",
    "The folder is in use",
    "The store is damaged",
    "The store is unavailable",
    "set the clock right; if it is right and was wrong before, see `tollgate clock --help`",
    "look at the preview again",
    "`tollgate history verify` checks all of them",
    "Bearer \0",
    "not reached",
    "look after the disk and check the rest with `tollgate history verify`; restore the data folder from a backup \
     that was taken before",
    "restore the data folder from a backup; `tollgate repair` says how to go on with what is left",
    "put it back from its copy; where nothing was sealed yet, `(umask 077; openssl rand -hex 32 > \0)` makes one",
    "put it back from its copy",
    "it is empty, and not named after event \0",
    "event \0 is not the one that was written",
    "cut \0 bytes of an unfinished event off `\0` at byte \0",
    "it belongs to the user that the server runs as, with mode 0600",
    "no root certificates are found on this machine; install `ca-certificates` or set `egress.ca`",
    "the certificates of `egress.ca` cannot be read: \0",
    "TLS cannot be set up: \0",
    "there is no certificate in it",
    "a parameter cannot be told to the upstream: requests that need it are answered 503",
    "the body is too large, or came too slowly",
    "text/csv; charset=utf-8; header=present",
    "an export could not be gone on with",
    "a page could not be written",
    "from ",
    " and ",
    " at line \0 column \0",
    "public, max-age=31536000, immutable",
    "; Max-Age=0",
    "\0=\0; Path=/; Max-Age=\0; Secure; HttpOnly; SameSite=Strict",
    "run `chmod 600 \0`",
    "would end",
    "had ended already",
    "stands there before",
    "making up",
    "no randomness",
    "tollgate master key id\\0",
    // Options of curl.
    "-I ",
    "-X \0 ",
    // What `unread` reads.
    "unknown variant `",
    ", expected ",
    "one of ",
    "` or `",
    "`, `",
    "invalid ",
    "invalid value: integer",
    "provided string was not `true` or `false`",
    "cannot parse integer from empty string",
    "number too large to fit in target type",
    "number too small to fit in target type",
];

fn files(place: &str) -> Vec<PathBuf> {
    let place = Path::new(env!("CARGO_MANIFEST_DIR")).join(place);
    if place.is_file() {
        return vec![place];
    }
    let entries = fs::read_dir(place).unwrap().map(|entry| entry.unwrap().path());
    entries.filter(|path| path.extension().is_some_and(|it| it == "rs")).collect()
}

/// The texts of a source without its tests and comments, each with what stands before it.
fn literals(source: &str) -> Vec<String> {
    let source = source.split("#[cfg(test)]").next().unwrap();
    let (mut found, mut rest) = (Vec::new(), source);
    while let Some(at) = rest.find(['"', '/', '\'']) {
        rest = &rest[at..];
        rest = match rest.as_bytes() {
            [b'/', b'/', ..] => &rest[rest.find('\n').unwrap_or(rest.len())..],
            [b'\'', b'"', b'\'', ..] => &rest[3..],
            [b'\'', b'\\', ..] => &rest[4..],
            [b'"', ..] => {
                let escaped = |at: usize| {
                    rest[..at].bytes().rev().take_while(|byte| *byte == b'\\').count() % 2 == 1
                };
                let ends = rest.match_indices('"').map(|(at, _)| at).skip(1);
                let end = ends.into_iter().find(|at| !escaped(*at)).unwrap();
                found.push(rest[1..end].to_owned());
                &rest[end + 1..]
            }
            _ => &rest[1..],
        };
    }
    found
}

/// A text with each of its places as `\0`, as it is at run time.
fn plain(literal: &str) -> String {
    let mut lines = literal.split("\\\n");
    let first = lines.next().unwrap().to_owned();
    let joined = lines.fold(first, |text, line| text + line.trim_start());
    let (mut text, mut rest) = (String::new(), joined.as_str());
    while let Some((before, after)) = rest.split_once('{') {
        let Some((_, behind)) = after.split_once('}') else { break };
        text.push_str(before);
        text.push('\0');
        rest = behind;
    }
    (text + rest).replace("\\\"", "\"")
}

#[test]
fn every_sentence_of_the_service_has_a_text() {
    let all = exact::phrases("exact-").into_iter().chain(exact::phrases("written-"));
    let known: BTreeSet<_> = all.map(|phrase| phrase.pieces.join("\0")).collect();
    assert!(known.len() > 200, "{}", known.len());
    let english = Texts::of(Language::English);
    let is_check = |text: &str| english.has(&format!("check-{}", text.replace(' ', "-")));
    let mut faults = Vec::new();
    let mut read = 0;
    for file in SPEAKERS.into_iter().flat_map(files) {
        for literal in literals(&fs::read_to_string(&file).unwrap()) {
            let text = plain(&literal);
            let words = text.split(['\0', ' ']).filter(|word| word.contains(char::is_alphabetic));
            if !text.contains(' ')
                || words.count() == 0
                || text.contains("filename=")
                || text.starts_with("default-src")
            {
                continue;
            }
            read += 1;
            let told = known.contains(&text) || is_check(&text) || TO_OTHERS.contains(&&*text);
            if !told {
                faults.push(format!("{}: {}", file.display(), text.replace('\0', "{}")));
            }
        }
    }
    assert!(read > 250, "the sources were not read: {read}");
    assert!(faults.is_empty(), "no text in `languages/*-exact.ftl`:\n{}", faults.join("\n"));
}

/// Kinds of problems that a page can be about, as they stand in the sources.
pub(super) fn problems() -> Vec<String> {
    let service = include_str!("../../service/error.rs");
    let kinds = service.split("fn kind(").nth(1).unwrap().split("fn title(").next().unwrap();
    let mut kinds: BTreeSet<_> = literals(kinds).into_iter().collect();
    for file in files("src/admin/pages") {
        let source = fs::read_to_string(file).unwrap();
        for call in source.split("of(StatusCode::").skip(1) {
            kinds.extend(literals(call.split(')').next().unwrap()));
        }
    }
    assert!(kinds.len() > 20 && kinds.contains("other-origin"), "{kinds:?}");
    kinds.into_iter().collect()
}

#[test]
fn sentences_are_found_with_what_stands_in_them() {
    let russian = frame(Language::Russian);
    for (english, russian_text) in [
        ("at most 200 characters, not 201", "не больше 200 символов, а здесь 201"),
        ("there is no flag `x`; known are `a`, `b`", "уровня доступа `x` нет; известны `a`, `b`"),
        (
            "`alice` was blocked 2027-01-15T08:00:00Z by owner:root: no reason given; all its tokens are stopped \
             until it is unblocked, and their idle time runs on; its ceiling is [-1], its roles are []",
            "`alice` заблокирован 15.01.2027, 08:00, автор: root, причина: причина не указана; до разблокировки все \
             его токены остановлены, а время без использования идёт; максимальный уровень: [-1], роли: []",
        ),
        (
            "last used 2027-01-15T08:00:00Z, may lie unused for 100d: until 2027-01-15T08:00:00Z, now \
             2027-01-15T08:00:00Z",
            "использован 15.01.2027, 08:00, может не использоваться 100 дней: до 15.01.2027, 08:00, сейчас \
             15.01.2027, 08:00",
        ),
        (
            "5 each minute, 9 at once after a pause, 3 now; 7 in all, 2 left",
            "5 за минуту, сразу после паузы 9, сейчас доступно 3; всего 7, осталось 2",
        ),
    ] {
        let told = exact::told(&russian, english);
        assert_eq!(told, Exact { text: russian_text.to_owned(), lang: None });
        assert_eq!(exact::told(&frame(Language::English), english).text, english);
    }
    // What is the same in each language is no English.
    assert_eq!(exact::told(&russian, "`GET`").lang, None);
    // What nobody has a text for is said to be English.
    let odd = exact::told(&russian, "something else went wrong");
    assert_eq!(odd, Exact { text: "something else went wrong".to_owned(), lang: Some("en") });
}

/// Counted in bytes that are looked at, for all sentences and all places in them.
#[test]
fn a_text_of_people_that_fits_in_many_ways_takes_little() {
    let russian = frame(Language::Russian);
    let long = format!(
        "there is no flag `{}{}`; known are `a`",
        " by ".repeat(2_000),
        "z".repeat(230_000)
    );
    let mut most = 0;
    for text in [&*long, &" by ".repeat(500), &"` is read as `".repeat(140)] {
        for text in [text.to_owned(), format!("`{text}"), format!("`a` was blocked {text}; ")] {
            let (mut work, mut of_reason) = (Work::default(), Work::default());
            let told = exact::told_by(&russian, &text, &mut work);
            assert_eq!(exact::reason_by(&russian, &text, &mut of_reason), text);
            for work in [work, of_reason] {
                assert!(work.done < 5_000_000, "{}", work.done);
                assert!(text.len() < 5_000 || work.done == 0, "too long to be ours");
                most = most.max(work.done);
            }
            assert!(told.text == text || told.lang.is_none());
        }
    }
    assert!(most > 100_000, "it is counted: {most}");
    // Our own take a small part of what is allowed, with what people may write in each place.
    for phrase in exact::phrases("exact-") {
        let text = phrase.pieces.join(&"word by word ".repeat(8));
        let mut work = Work::default();
        exact::told_by(&russian, &text, &mut work);
        assert!(work.done < 2_000_000, "{text}: {}", work.done);
    }
}

#[test]
fn reasons_of_the_program_are_told_from_those_of_people() {
    let portuguese = frame(Language::Portuguese);
    for (written, wanted) in [
        ("imported", "importado"),
        ("from 192.0.2.7", "de 192.0.2.7"),
        ("in 14 days", "em 14 dias"),
        ("reported from 192.0.2.7", "denunciado a partir de 192.0.2.7"),
        ("from marketing", "from marketing"),
        ("left", "left"),
    ] {
        assert_eq!(exact::reason(&portuguese, written), wanted);
    }
}

/// Fields of records that no update changes, or that nobody is shown (`service::diff`).
const NEVER_CHANGED: [&str; 9] = [
    "id",
    "digest",
    "hint",
    "revision",
    "created_by",
    "created_at",
    "owner",
    "rotated_from",
    "family",
];

#[test]
fn every_field_that_can_change_has_a_name() {
    let records = [
        (include_str!("../../domain/token.rs"), "Token"),
        (include_str!("../../domain/owner.rs"), "Owner"),
        (include_str!("../../domain/company.rs"), "Company"),
    ];
    // These are told part by part.
    let parts = ["conditions", "context_params"];
    let mut faults = Vec::new();
    for (source, name) in records {
        let body = source.split(&format!("pub struct {name} {{")).nth(1).unwrap();
        let body = body.split("\n}").next().unwrap();
        let fields = body.lines().filter_map(|line| line.trim().strip_prefix("pub "));
        let fields: Vec<_> = fields.filter_map(|line| Some(line.split_once(':')?.0)).collect();
        assert!(fields.len() > 5, "{name}: {fields:?}");
        for field in fields {
            let known =
                Texts::of(Language::English).has(&format!("field-{}", field.replace('_', "-")));
            if !known && !NEVER_CHANGED.contains(&field) && !parts.contains(&field) {
                faults.push(format!("{name}.{field}"));
            }
        }
    }
    assert!(faults.is_empty(), "{faults:?}");
}
