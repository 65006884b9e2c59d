//! What goes on just now: how many requests there are, and why some were refused.

use askama::Template;

use super::chart::Chart;
use crate::telemetry::rates::{Flow, PerSecond};
use crate::web::frame::Frame;

/// The rates and their past.
#[derive(Clone, Debug)]
pub struct Live {
    /// How many are answered in a second.
    pub answered: String,
    /// How many are refused in a second.
    pub refused: String,
    /// How many fail in a second.
    pub failed: String,
    /// The last hour.
    pub chart: Chart,
    /// Why requests did not go through since the start, the most frequent reason first.
    pub reasons: Vec<ReasonRow>,
    /// Where requests go.
    pub upstreams: Vec<UpstreamRow>,
}

/// An endpoint of an API, and how it stands.
#[derive(Clone, Debug)]
pub struct UpstreamRow {
    /// The API.
    pub api: String,
    /// Host and port, or a socket.
    pub upstream: String,
    /// A word for how it stands.
    pub state: String,
    /// How many requests are under way there; none where that is not counted.
    pub under_way: Option<String>,
    /// How often it was left out; none if it never was.
    pub ejections: Option<String>,
}

/// A reason, and how often it was met.
#[derive(Clone, Debug)]
pub struct ReasonRow {
    /// In the reader's language.
    pub words: String,
    /// As logs and metrics have it.
    pub code: String,
    /// How often.
    pub times: String,
}

/// The part of the first page that is fetched anew.
#[derive(Template)]
#[template(path = "live_now.html")]
pub struct LiveNow {
    /// Who reads it.
    pub frame: Frame,
    /// What it shows.
    pub live: Live,
}

impl Live {
    /// Of the counters, with the reasons by their codes.
    pub fn new<'a>(
        frame: &Frame,
        now: PerSecond,
        minutes: &[Flow],
        reasons: impl Iterator<Item = (&'a str, u64)>,
    ) -> Self {
        let rate = |rate: f64| frame.language.decimal(rate);
        let (times, last) = (minutes.iter().rev().enumerate(), frame.t("live-now"));
        // A request that failed was permitted.
        let minute = |(ago, sum): (usize, &Flow)| {
            let when = if ago == 0 { last.clone() } else { format!("\u{2212}{ago}") };
            (when, sum.answered + sum.failed, sum.refused)
        };
        let mut times: Vec<_> = times.map(minute).collect();
        times.reverse();
        let mut reasons: Vec<_> = reasons.collect();
        reasons.sort_by_key(|(_, times)| std::cmp::Reverse(*times));
        let row = |(code, times): (&str, u64)| ReasonRow {
            words: frame.of("refused", code),
            code: code.to_owned(),
            times: frame.number(times),
        };
        Self {
            answered: rate(now.answered),
            refused: rate(now.refused),
            failed: rate(now.failed),
            chart: Chart::new(frame, times),
            reasons: reasons.into_iter().map(row).collect(),
            upstreams: Vec::new(),
        }
    }
}
