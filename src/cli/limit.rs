//! What can be typed about the limits of a token.

use clap::Args;
use serde_json::{Map, Value, json};

use crate::cli::failure::Failure;

/// How much a token may be used.
#[derive(Args)]
pub struct LimitArgs {
    /// How fast requests may come, such as 10/second, 600/minute or 5000/hour, or `none`
    #[arg(long, value_name = "N/TIME", allow_hyphen_values = true)]
    rate: Option<String>,
    /// How many may come at once after a pause [default: as many as --rate says]
    #[arg(long, value_name = "N", requires = "rate", allow_hyphen_values = true)]
    burst: Option<u64>,
    /// How many requests each hour, day, week or month (in UTC) may have, such as day=1000, or
    /// day=none; may be repeated
    #[arg(long = "quota", value_name = "PERIOD=N", value_delimiter = ',')]
    quotas: Vec<String>,
    /// How many requests there may be in all, with those that there were, or `none`
    #[arg(long, value_name = "N", allow_hyphen_values = true)]
    uses: Option<String>,
    /// How many requests may be under way at once, or `none`
    #[arg(long, value_name = "N", allow_hyphen_values = true)]
    concurrent: Option<String>,
}

impl LimitArgs {
    /// The limits as the act has them; none if nothing was typed.
    ///
    /// # Errors
    /// Text that has no meaning.
    pub fn value(&self) -> Result<Option<Value>, Failure> {
        let mut limits = Map::new();
        if let Some(rate) = &self.rate {
            limits.insert("rate".to_owned(), self::rate(rate, self.burst)?);
        }
        if !self.quotas.is_empty() {
            let quotas = self.quotas.iter().map(|text| quota(text));
            let quotas: Map<_, _> = quotas.collect::<Result<_, _>>()?;
            limits.insert("quotas".to_owned(), Value::Object(quotas));
        }
        for (name, text) in [("uses", &self.uses), ("concurrent", &self.concurrent)] {
            if let Some(text) = text {
                limits.insert(name.to_owned(), number(&format!("--{name}"), text)?);
            }
        }
        Ok((!limits.is_empty()).then_some(Value::Object(limits)))
    }
}

fn rate(text: &str, burst: Option<u64>) -> Result<Value, Failure> {
    if text == "none" {
        return match burst {
            None => Ok(Value::Null),
            Some(_) => Err(Failure::usage("`--burst` says nothing where there is no rate")),
        };
    }
    let wrong = || bad("--rate", text, "10/second, 600/minute, 5000/hour or none");
    let (requests, per) = text.split_once('/').ok_or_else(wrong)?;
    let requests: u64 = requests.trim().parse().map_err(|_| wrong())?;
    let per = match per.trim() {
        "s" | "sec" | "second" => "second",
        "m" | "min" | "minute" => "minute",
        "h" | "hour" => "hour",
        _ => return Err(wrong()),
    };
    let mut rate = json!({ "requests": requests, "per": per });
    if let (Some(burst), Some(rate)) = (burst, rate.as_object_mut()) {
        rate.insert("burst".to_owned(), json!(burst));
    }
    Ok(rate)
}

fn quota(text: &str) -> Result<(String, Value), Failure> {
    let wrong = || bad("--quota", text, "hour=100, day=1000, week=5000, month=20000 or day=none");
    let (period, most) = text.split_once('=').ok_or_else(wrong)?;
    if !["hour", "day", "week", "month"].contains(&period) {
        return Err(wrong());
    }
    Ok((period.to_owned(), number("--quota", most)?))
}

fn number(option: &str, text: &str) -> Result<Value, Failure> {
    if text == "none" {
        return Ok(Value::Null);
    }
    text.parse::<u64>().map(|number| json!(number)).map_err(|_| bad(option, text, "1000 or none"))
}

fn bad(option: &str, text: &str, form: &str) -> Failure {
    let text: String = text.escape_debug().collect();
    Failure::usage(format_args!("`{option}`: `{text}` is not written as {form}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::Parser;

    #[derive(Parser)]
    struct Typed {
        #[command(flatten)]
        limits: LimitArgs,
    }

    fn typed(text: &str) -> Result<Option<Value>, String> {
        let words = std::iter::once("x").chain(text.split_whitespace());
        let typed = Typed::try_parse_from(words).map_err(|error| error.to_string())?;
        typed.limits.value().map_err(|failure| format!("{:?}", failure.code))
    }

    #[test]
    fn limits_are_typed_as_people_say_them() {
        for (text, value) in [
            ("--rate 10/s", json!({ "rate": { "requests": 10, "per": "second" } })),
            (
                "--rate 600/minute --burst 5",
                json!({ "rate": { "requests": 600, "per": "minute", "burst": 5 } }),
            ),
            (
                "--quota hour=10,day=none --quota month=7",
                json!({ "quotas": { "hour": 10, "day": null, "month": 7 } }),
            ),
            (
                "--rate none --uses none --concurrent 3",
                json!({ "rate": null, "uses": null, "concurrent": 3 }),
            ),
        ] {
            assert_eq!(typed(text), Ok(Some(value)), "{text}");
        }
        assert_eq!(typed(""), Ok(None));
        for bad in [
            "--rate 10",
            "--rate x/s",
            "--rate 10/day",
            "--burst 5",
            "--rate none --burst 5",
            "--quota year=1",
            "--quota 5",
            "--uses many",
            "--concurrent -1",
        ] {
            assert!(typed(bad).is_err(), "{bad}");
        }
    }
}
