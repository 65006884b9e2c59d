//! In which language somebody is spoken to: the one that they chose, else the first of their browser's
//! that there is.

/// A language that every text is there in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Language {
    /// English.
    English,
    /// Russian.
    Russian,
    /// Portuguese as in Brazil.
    Portuguese,
}

/// The most entries of an `Accept-Language` that are looked at.
const ENTRIES: usize = 32;

/// What English calls months: figures would be read in one way here and in another there.
const MONTHS: [&str; 12] =
    ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];

impl Language {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::English, Self::Russian, Self::Portuguese];

    /// Its tag (RFC 5646).
    pub const fn tag(self) -> &'static str {
        match self {
            Self::English => "en",
            Self::Russian => "ru",
            Self::Portuguese => "pt-BR",
        }
    }

    /// Its name in itself.
    pub const fn name(self) -> &'static str {
        match self {
            Self::English => "English",
            Self::Russian => "Русский",
            Self::Portuguese => "Português",
        }
    }

    /// A whole number as it is written in it, with its thousands apart.
    pub fn number(self, number: u64) -> String {
        let digits = number.to_string();
        let (apart, least) = match self {
            Self::English => (',', 4),
            // Russian leaves four digits together.
            Self::Russian => ('\u{a0}', 5),
            Self::Portuguese => ('.', 4),
        };
        if digits.len() < least {
            return digits;
        }
        let mut written = String::with_capacity(digits.len() * 4 / 3);
        for (nth, digit) in digits.chars().enumerate() {
            if nth > 0 && (digits.len() - nth).is_multiple_of(3) {
                written.push(apart);
            }
            written.push(digit);
        }
        written
    }

    /// A number with one digit behind its point, as it is written in it; without that digit from a hundred on.
    pub fn decimal(self, number: f64) -> String {
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "stops at the ends"
        )]
        let tenths = (number.max(0.0) * 10.0).round() as u64;
        let (whole, tenth) = (tenths / 10, tenths % 10);
        let point = if self == Self::English { '.' } else { ',' };
        match tenth {
            0 => self.number(whole),
            _ if whole >= 100 => self.number(whole),
            tenth => format!("{}{point}{tenth}", self.number(whole)),
        }
    }

    /// A day as it is written in it, of the parts of RFC 3339.
    pub fn day(self, year: &str, month: &str, day: &str) -> String {
        match self {
            Self::English => {
                let nth = month.parse::<usize>().unwrap_or_default().wrapping_sub(1);
                let month = MONTHS.get(nth).copied().unwrap_or(month);
                format!("{} {month} {year}", day.trim_start_matches('0'))
            }
            Self::Russian => format!("{day}.{month}.{year}"),
            Self::Portuguese => format!("{day}/{month}/{year}"),
        }
    }

    /// The same with a minute.
    pub fn moment(self, year: &str, month: &str, day: &str, minute: &str) -> String {
        let comma = if self == Self::Portuguese { "" } else { "," };
        format!("{}{comma} {minute}", self.day(year, month, day))
    }

    /// The one with exactly this tag.
    pub fn tagged(tag: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|language| language.tag() == tag)
    }

    /// The one that suits an `Accept-Language` best (RFC 9110 section 12.5.4): the first among those
    /// with the highest weight. English if none does.
    pub fn accepted(field: &str) -> Self {
        let mut best = (0, Self::English);
        for entry in field.split(',').take(ENTRIES) {
            let mut parts = entry.split(';').map(str::trim);
            let Some(language) = parts.next().and_then(Self::of_range) else { continue };
            let weight = parts.find_map(|part| part.strip_prefix("q=")).map_or(1_000, thousandths);
            if weight > best.0 {
                best = (weight, language);
            }
        }
        best.1
    }

    fn of_range(range: &str) -> Option<Self> {
        let primary = range.split('-').next().unwrap_or_default();
        Self::ALL.into_iter().find(|language| {
            language.tag().split('-').next().is_some_and(|own| own.eq_ignore_ascii_case(primary))
        })
    }
}

/// A weight of at most three decimals; zero, which means "not this one", for what is none.
fn thousandths(text: &str) -> u32 {
    let weight = text.parse::<f32>().ok().filter(|weight| (0.0..=1.0).contains(weight));
    let step = weight
        .and_then(|weight| (1..=1_000_u16).rev().find(|step| f32::from(*step) / 1_000.0 <= weight));
    step.map_or(0, u32::from)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_and_moments_have_the_form_of_the_language() {
        let numbers = |number| Language::ALL.map(|language| language.number(number));
        assert_eq!(numbers(999), ["999", "999", "999"]);
        assert_eq!(numbers(1_234), ["1,234", "1234", "1.234"]);
        assert_eq!(numbers(1_000_000), ["1,000,000", "1\u{a0}000\u{a0}000", "1.000.000"]);
        let moments = Language::ALL.map(|language| language.moment("2026", "02", "07", "09:30"));
        assert_eq!(moments, ["7 Feb 2026, 09:30", "07.02.2026, 09:30", "07/02/2026 09:30"]);
    }

    #[test]
    fn rfc9110_12_5_4_the_best_of_what_is_accepted_is_taken() {
        for (field, language) in [
            ("", Language::English),
            ("de, fr;q=0.5", Language::English),
            ("ru", Language::Russian),
            ("RU-ru,ru;q=0.9,en;q=0.8", Language::Russian),
            ("pt", Language::Portuguese),
            ("pt-PT;q=0.7, en;q=0.3", Language::Portuguese),
            ("en;q=0.3, ru;q=0.301", Language::Russian),
            ("ru;q=0, pt;q=0.1", Language::Portuguese),
            ("ru;q=7, pt;q=nan, en", Language::English),
            (";;,,q=1", Language::English),
        ] {
            assert_eq!(Language::accepted(field), language, "{field}");
        }
        for language in Language::ALL {
            assert_eq!(Language::tagged(language.tag()), Some(language));
        }
        assert_eq!(Language::tagged("de"), None);
    }
}
