//! What the pages say, in each language: Fluent resources that are part of the binary.

use std::sync::LazyLock;

use fluent_bundle::concurrent::FluentBundle;
use fluent_bundle::{FluentArgs, FluentResource, FluentValue};
use unic_langid::LanguageIdentifier;

use super::language::Language;

/// What the service says, word for word: the patterns of `exact`.
pub(super) const EXACT_ENGLISH: &str = include_str!("languages/en-exact.ftl");

static ENGLISH: LazyLock<Texts> = LazyLock::new(|| {
    Texts::new(Language::English, [include_str!("languages/en.ftl"), EXACT_ENGLISH])
});
static RUSSIAN: LazyLock<Texts> = LazyLock::new(|| {
    let sources = [include_str!("languages/ru.ftl"), include_str!("languages/ru-exact.ftl")];
    Texts::new(Language::Russian, sources)
});
static PORTUGUESE: LazyLock<Texts> = LazyLock::new(|| {
    let sources = [include_str!("languages/pt-BR.ftl"), include_str!("languages/pt-BR-exact.ftl")];
    Texts::new(Language::Portuguese, sources)
});

/// A number as a language writes it; other values are left to Fluent.
#[allow(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "whole and within bounds, as it was asked before"
)]
fn number(language: Language, value: &FluentValue<'_>) -> Option<String> {
    match value {
        FluentValue::Number(number)
            if number.value.fract() == 0.0 && (0.0..1e15).contains(&number.value) =>
        {
            Some(language.number(number.value as u64))
        }
        _ => None,
    }
}

/// All texts of a language.
pub struct Texts(FluentBundle<FluentResource>);

impl std::fmt::Debug for Texts {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "[texts of {:?}]", self.0.locales)
    }
}

impl Texts {
    /// Those of `language`.
    pub fn of(language: Language) -> &'static Self {
        match language {
            Language::English => &ENGLISH,
            Language::Russian => &RUSSIAN,
            Language::Portuguese => &PORTUGUESE,
        }
    }

    fn new(language: Language, sources: [&str; 2]) -> Self {
        let tag = language.tag().parse::<LanguageIdentifier>().unwrap_or_default();
        let mut bundle = FluentBundle::new_concurrent(vec![tag]);
        // The pages isolate what people have written by elements.
        bundle.set_use_isolating(false);
        bundle.set_formatter(Some(match language {
            Language::English => |value, _| number(Language::English, value),
            Language::Russian => |value, _| number(Language::Russian, value),
            Language::Portuguese => |value, _| number(Language::Portuguese, value),
        }));
        for source in sources {
            // What cannot be read of a resource is left out of it: a test says that there is no such part.
            let resource = match FluentResource::try_new(source.to_owned()) {
                Ok(resource) | Err((resource, _)) => resource,
            };
            let _ = bundle.add_resource(resource);
        }
        Self(bundle)
    }

    /// The text of a key.
    pub fn get(&self, key: &str) -> String {
        self.with(key, &[])
    }

    /// The text of a key with these values in it. A key that is missing is shown as one: that is the
    /// mistake of a page, and must not end it.
    pub fn with(&self, key: &str, values: &[(&'static str, FluentValue<'_>)]) -> String {
        let pattern = self.0.get_message(key).and_then(|message| message.value());
        let Some(pattern) = pattern else { return format!("⟦{key}⟧") };
        let mut args = FluentArgs::with_capacity(values.len());
        for (name, value) in values {
            args.set(*name, value.clone());
        }
        let mut mistakes = Vec::new();
        let text = self.0.format_pattern(pattern, Some(&args), &mut mistakes).into_owned();
        if mistakes.is_empty() { text } else { format!("⟦{text}⟧") }
    }

    /// Whether there is such a key.
    pub fn has(&self, key: &str) -> bool {
        self.0.has_message(key)
    }
}
