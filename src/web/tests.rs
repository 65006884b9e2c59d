//! Every text is there in every language, and no page asks for one that is not.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use fluent_bundle::{FluentResource, FluentValue};

use super::assets::{self, Asset};
use super::frame::{DONE, Theme};
use super::language::Language;
use super::pages::filters::FIELDS;
use super::texts::Texts;
use crate::domain::event::EventKind;
use crate::domain::limits::Per;
use crate::domain::notice::NoticeKind;
use crate::domain::period::Period;
use crate::domain::refusal::Refusal;
use crate::domain::role::Role;
use crate::domain::token::State;

pub(crate) mod phrases;

const SOURCES: [(&str, &str); 3] = [
    ("en", concat!(include_str!("languages/en.ftl"), include_str!("languages/en-exact.ftl"))),
    ("ru", concat!(include_str!("languages/ru.ftl"), include_str!("languages/ru-exact.ftl"))),
    (
        "pt-BR",
        concat!(include_str!("languages/pt-BR.ftl"), include_str!("languages/pt-BR-exact.ftl")),
    ),
];

/// Families of keys whose last part is a word that is known when a page is made.
const FAMILIES: [&str; 30] = [
    "exact-",
    "written-",
    "kinds-",
    "history-",
    "rotated-",
    "refused-",
    "leak-word-",
    "delivery-",
    "notice-",
    "import-word-",
    "state-",
    "done-",
    "theme-",
    "problem-",
    "help-",
    "wrong-",
    "event-",
    "field-",
    "check-",
    "outcome-",
    "store-",
    "upstream-",
    "role-",
    "when-",
    "filter-",
    "limit-",
    "day-",
    "span-",
    "create-per-",
    "create-limits-",
];

fn keys(source: &str) -> BTreeSet<String> {
    let begins = |line: &&str| line.starts_with(|c: char| c.is_ascii_lowercase());
    let key = |line: &str| line.split_once(" =").map(|(key, _)| key.to_owned());
    source.lines().filter(begins).filter_map(key).collect()
}

fn texts_of(folder: &str, end: &str, found: &mut Vec<String>) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join(folder);
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_some_and(|extension| extension == end) {
            found.push(fs::read_to_string(path).unwrap());
        }
    }
}

/// What pages ask for: the way (`t`, `n` or `s`) and the key.
fn asked() -> BTreeSet<(char, String)> {
    let mut sources = Vec::new();
    texts_of("src/web/templates", "html", &mut sources);
    for folder in ["src/web", "src/web/pages", "src/admin/pages"] {
        texts_of(folder, "rs", &mut sources);
    }
    let mut asked = BTreeSet::new();
    for way in ['t', 'n', 's'] {
        for source in &sources {
            for rest in source.split(&format!("frame.{way}(\"")).skip(1) {
                asked.insert((way, rest.split('"').next().unwrap().to_owned()));
            }
        }
    }
    assert!(asked.len() > 150, "the pages were not read");
    asked
}

#[test]
fn every_language_can_be_read_and_has_the_same_keys() {
    let english = keys(SOURCES[0].1);
    assert!(english.len() > 300);
    for (tag, source) in SOURCES {
        if let Err((_, mistakes)) = FluentResource::try_new(source.to_owned()) {
            panic!("{tag}: {mistakes:?}");
        }
        let own = keys(source);
        let differing: Vec<_> = english.symmetric_difference(&own).collect();
        assert!(differing.is_empty(), "{tag}: {differing:?}");
    }
    // Somebody translated them, rather than copying them.
    let lines = |source: &str| source.lines().map(str::to_owned).collect::<BTreeSet<_>>();
    for (tag, source) in &SOURCES[1..] {
        let same: Vec<_> = lines(source)
            .intersection(&lines(SOURCES[0].1))
            .filter(|line| line.contains(" = ") && line.len() > 30)
            .cloned()
            .collect();
        assert!(same.is_empty(), "{tag}: {same:?}");
    }
}

#[test]
fn no_page_asks_for_a_text_that_is_not_there() {
    let mut faults = Vec::new();
    for (way, key) in asked() {
        for language in Language::ALL {
            let texts = Texts::of(language);
            let told: Vec<_> = match way {
                't' => vec![texts.get(&key)],
                's' => vec![texts.with(&key, &[("name", FluentValue::from("x"))])],
                _ => [0_u64, 1, 2, 5, 21]
                    .map(|count| texts.with(&key, &[("count", FluentValue::from(count))]))
                    .to_vec(),
            };
            let wrong = told.into_iter().find(|text| text.contains('⟦') || text.is_empty());
            faults.extend(wrong.map(|text| format!("{}: {key}: {text}", language.tag())));
        }
    }
    assert!(faults.is_empty(), "{faults:#?}");
}

#[test]
fn no_text_is_left_that_no_page_asks_for() {
    let asked: BTreeSet<_> = asked().into_iter().map(|(_, key)| key).collect();
    let idle: Vec<_> = keys(SOURCES[0].1)
        .into_iter()
        .filter(|key| !asked.contains(key))
        .filter(|key| !FAMILIES.iter().any(|family| key.starts_with(family)))
        .collect();
    assert!(idle.is_empty(), "{idle:?}");
}

#[test]
fn every_word_of_a_family_has_a_text() {
    let states = [
        State::Pending,
        State::Active,
        State::Disabled,
        State::Expired,
        State::IdleExpired,
        State::Revoked,
    ];
    let units = ["year", "month", "day", "hour", "minute"];
    let words: Vec<(&str, Vec<String>)> = vec![
        ("event", EventKind::ALL.iter().map(|kind| kind.as_str().to_owned()).collect()),
        ("state", states.iter().map(|state| state.as_str().to_owned()).collect()),
        ("state", ["blocked", "used-up"].map(str::to_owned).to_vec()),
        ("done", DONE.iter().map(ToString::to_string).collect()),
        ("theme", Theme::ALL.iter().map(|theme| theme.word().to_owned()).collect()),
        ("role", Role::ALL.iter().map(|role| role.as_str().to_owned()).collect()),
        ("role-help", Role::ALL.iter().map(|role| role.as_str().to_owned()).collect()),
        ("refused", Refusal::ALL.iter().map(|reason| reason.reason().to_owned()).collect()),
        ("problem", phrases::problems()),
        ("help", phrases::problems()),
        ("store", ["ready", "read-only", "broken"].map(str::to_owned).to_vec()),
        ("upstream", ["up", "returning", "left_out", "down"].map(str::to_owned).to_vec()),
        ("import-word", ["would", "good", "refused", "not_tried"].map(str::to_owned).to_vec()),
        ("leak-word", ["ended", "would_end", "was_ended", "unknown"].map(str::to_owned).to_vec()),
        ("delivery", ["delivered", "retry", "given_up"].map(str::to_owned).to_vec()),
        (
            "notice",
            NoticeKind::OF_EVENTS
                .iter()
                .chain([&NoticeKind::Test])
                .map(|it| it.as_str().to_owned())
                .collect(),
        ),
        ("outcome", ["passed", "refused", "not reached"].map(str::to_owned).to_vec()),
        ("filter", FIELDS.iter().map(ToString::to_string).collect()),
        ("day", (1..=7).map(|day: u8| day.to_string()).collect()),
        (
            "limit-rate",
            [Per::Second, Per::Minute, Per::Hour].map(|per| per.name().to_owned()).to_vec(),
        ),
        ("limit-quota", Period::ALL.map(|period| period.name().to_owned()).to_vec()),
        ("when-in", units.map(str::to_owned).to_vec()),
        ("when-ago", units.map(str::to_owned).to_vec()),
    ];
    let mut faults = Vec::new();
    for (family, words) in words {
        for word in words {
            let key = format!("{family}-{}", word.replace([' ', '_', '.'], "-"));
            if !Texts::of(Language::English).has(&key) {
                faults.push(key);
            }
        }
    }
    assert!(faults.is_empty(), "{faults:?}");
}

#[test]
fn nothing_is_loaded_from_elsewhere_and_nothing_stands_inline() {
    let mut templates = Vec::new();
    texts_of("src/web/templates", "html", &mut templates);
    for text in templates.iter().chain([&assets::STYLE.text.to_owned()]) {
        for banned in [" style=", "<style", " onclick", " onload", "javascript:", "src=\"http"] {
            assert!(!text.contains(banned), "{banned}");
        }
        assert!(!text.contains("|safe"), "text of people is always escaped (sec-W5)");
        assert!(!text.contains("@import") && !text.contains("url(\"http"));
    }
    let script = &assets::SCRIPT;
    assert!(Asset::at(&script.path).is_some_and(|asset| asset.text == script.text));
    assert!(Asset::at("/assets/desk.js").is_none(), "only by its digest");
    for word in ["innerHTML", "eval(", "document.write"] {
        assert!(!script.text.contains(word), "{word}");
    }
}
