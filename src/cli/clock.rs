//! `tollgate clock`: whether the wall clock is believed, and the way out when it once was wrong.

use serde_json::json;

use crate::admin::clock::{ClockTrusted, ClockView};
use crate::cli::args::Clock as Arguments;
use crate::cli::client::Client;
use crate::cli::failure::Failure;
use crate::cli::output::{Reply, fields};
use crate::domain::time::Timestamp;
use crate::service::mark::MarkChanged;

/// Shows the clock, says that it is right, or takes the mark back.
///
/// # Errors
/// No way to the data, no reason, or no confirmation.
pub async fn run(arguments: Arguments, client: &Client) -> Result<Reply, Failure> {
    if arguments.trust {
        return trust(&arguments.reason, client).await;
    }
    if !arguments.set_mark_to_now {
        return show(client).await;
    }
    let body = json!({ "reason": arguments.reason, "confirmed": arguments.yes });
    let answer = client.post("/clock/mark", body).await.map_err(|failure| {
        if arguments.yes { failure } else { failure.hint("`--yes` confirms it") }
    })?;
    let done: MarkChanged = answer.read()?;
    let text = if done.changed {
        format!("the mark went back from {} to {}", done.before, done.clock.mark)
    } else {
        format!("nothing to do: the clock shows {}, the mark is {}", done.clock.wall, done.before)
    };
    Ok(Reply { text, json: answer.json(), note: None })
}

async fn trust(reason: &str, client: &Client) -> Result<Reply, Failure> {
    let answer = client.post("/clock/trust", json!({ "reason": reason })).await?;
    let done: ClockTrusted = answer.read()?;
    let text = if done.changed {
        format!("the wall clock is trusted: it shows {}", done.wall)
    } else {
        format!("nothing to do: the wall clock is trusted, it shows {}", done.wall)
    };
    Ok(Reply { text, json: answer.json(), note: None })
}

async fn show(client: &Client) -> Result<Reply, Failure> {
    let answer = client.get("/clock").await?;
    let view: ClockView = answer.read()?;
    let word = |holds: Option<bool>, yes: &str, no: &str| {
        holds.map_or("no server runs", |holds| if holds { yes } else { no }).to_owned()
    };
    let behind = view.clock.behind;
    let decides = word(view.decides, "yes", "no: answered 503 until the clock is set right");
    let ends = word(
        view.ends,
        "yes",
        "no: it was set, or has not settled since the start; if it is right, say so with `--trust`",
    );
    let mark = match view.clock.mark {
        Timestamp::EPOCH => "none yet".to_owned(),
        mark => mark.to_string(),
    };
    let text = fields(&[
        ("wall clock", Some(view.clock.wall.to_string())),
        ("mark", Some(mark)),
        ("behind", (!behind.is_zero()).then(|| format!("{}s", behind.seconds()))),
        ("decides requests", Some(decides)),
        ("ends tokens", Some(ends)),
    ]);
    Ok(Reply { text, json: answer.json(), note: None })
}
