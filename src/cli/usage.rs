//! `tollgate token usage`

use crate::cli::client::Client;
use crate::cli::failure::Failure;
use crate::cli::output::{Reply, counted, table};
use crate::cli::page::{self, text_of, token_id};
use crate::service::usage::{DayUsage, TokenUsage};

/// How long the bar of the busiest day is, in characters.
const BAR: u64 = 40;

/// Shows how much a token was used, by the day.
///
/// # Errors
/// What the server or the folder refuses.
pub(super) async fn run(id: &str, days: u32, client: &Client) -> Result<Reply, Failure> {
    let path = format!("/tokens/{}/usage", token_id(id)?);
    let answer = client.get(&page::path(&path, &[("days", text_of(Some(days)))])).await?;
    let usage: TokenUsage = answer.read()?;
    let total = format!(
        "{} permitted and {} refused in {}, which are days in UTC\n",
        counted(usage.permitted, "request"),
        usage.refused,
        counted(usage.days.len(), "day")
    );
    let text = format!("{}\n{total}", of_days(&usage.days));
    Ok(Reply { text, json: answer.json(), note: None })
}

fn of_days(days: &[DayUsage]) -> String {
    let all = |day: &DayUsage| u64::from(day.permitted) + u64::from(day.refused);
    let most = days.iter().map(all).max().unwrap_or_default().max(1);
    let row = |day: &DayUsage| {
        // One request is seen beside a million.
        let long = (all(day) * BAR).div_ceil(most);
        let bar = "█".repeat(usize::try_from(long).unwrap_or_default());
        vec![day.day.to_string(), day.permitted.to_string(), day.refused.to_string(), bar]
    };
    let rows: Vec<_> = days.iter().map(row).collect();
    table(&["DAY", "PERMITTED", "REFUSED", ""], &rows)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::day::Day;

    #[test]
    fn days_stand_below_each_other_with_bars_of_their_requests() {
        let day = |day: &str, permitted, refused| {
            let day: Day = day.parse().unwrap();
            DayUsage { day, permitted, refused }
        };
        let days =
            [day("2030-01-01", 1_000_000, 0), day("2030-01-02", 0, 0), day("2030-01-03", 0, 1)];
        let text = of_days(&days);
        let lines: Vec<_> = text.lines().collect();
        assert_eq!(lines[1].chars().filter(|c| *c == '█').count(), 40);
        assert_eq!(lines[2], "2030-01-02  0          0");
        assert_eq!(lines[3], "2030-01-03  0          1        █");
        assert_eq!(of_days(&[]).lines().count(), 1);
    }
}
