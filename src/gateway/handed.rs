//! How endpoints stand, as a gateway tells it to the one that takes its place: whoever was left out there gets no requests here
//! either, without having to fail first.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::ejection::{Course, Lapse};
use super::snapshot::Snapshot;

/// One that has not its whole share.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Handed {
    /// Of which API.
    api: String,
    /// Where it is.
    upstream: String,
    lapse: Lapse,
}

/// All of them.
pub fn tell(snapshot: &Snapshot) -> Vec<Handed> {
    let endpoints = snapshot.endpoints().filter_map(|(api, target)| {
        let lapse = target.standing.lapse()?;
        Some(Handed { api: api.to_owned(), upstream: target.to_string(), lapse })
    });
    endpoints.collect()
}

/// Takes them as they stood some time `ago`, as far as they are the same by API and address.
pub fn take(snapshot: &Snapshot, handed: &[Handed], ago: Duration) {
    for (api, target) in snapshot.endpoints() {
        let name = target.to_string();
        let known = handed.iter().find(|one| one.api == api && one.upstream == name);
        let Some(Handed { lapse, .. }) = known else { continue };
        target.stands(*lapse, ago);
        if matches!(target.course(), Course::LeftOut | Course::Down) {
            tracing::info!(api, upstream = %target, "an upstream is left out as the gateway before has found it");
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::config::settings::Ejection;
    use crate::config::{self, Environment};
    use crate::gateway::targets::Targets;
    use crate::telemetry::counters::Counters;

    const ONE: Ejection = Ejection { after: 1, time: Duration::from_secs(9), on_errors: false };
    const CHECK: &str = "health = { path = \"/\" }\n";

    fn snapshot(apis: &[(&str, &str, &str)]) -> Arc<Snapshot> {
        let mut text = "store.path = \"/nowhere\"\n".to_owned();
        for (name, ports, more) in apis {
            let urls: Vec<_> =
                ports.split(' ').map(|port| format!("\"http://127.0.0.1:{port}\"")).collect();
            text += &format!(
                "[[apis]]\nname = \"{name}\"\npath = \"/{name}\"\nupstream = [{}]\n{more}\
                 rules = [{{ path = \"/{name}\" }}]\n",
                urls.join(", ")
            );
        }
        let settings = config::parse("t.toml".as_ref(), text.as_bytes(), &Environment::default());
        let settings = settings.unwrap_or_else(|report| panic!("{report}"));
        Snapshot::new(&settings, &Counters::new(1), &Targets::default(), 0)
    }

    fn out(snapshot: &Snapshot) -> Vec<String> {
        let out = snapshot.endpoints().filter(|(_, target)| !target.standing.is_whole());
        out.map(|(api, target)| format!("{api} {target}")).collect()
    }

    #[test]
    fn those_that_are_the_same_stand_as_before_and_others_are_well() {
        let before = snapshot(&[("a", "1 2 3", CHECK), ("b", "3 4", "")]);
        for (api, target) in before.endpoints() {
            match &*format!("{api} {target}") {
                "a 127.0.0.1:2" => assert!(target.standing.is_found(false)),
                "b 127.0.0.1:4" => assert_eq!(target.standing.fails_now(&ONE), Some(ONE.time)),
                _ => {}
            }
        }
        let handed = tell(&before);
        assert_eq!(handed.len(), 2);
        let after = |apis: &[(&str, &str, &str)]| {
            let after = snapshot(apis);
            take(&after, &handed, Duration::ZERO);
            out(&after)
        };
        let same = after(&[("a", "1 2 3", CHECK), ("b", "3 4", "")]);
        assert_eq!(same, ["a 127.0.0.1:2", "b 127.0.0.1:4"]);
        let others = after(&[("a", "1 5", CHECK), ("b", "2 4", "")]);
        assert_eq!(others, ["b 127.0.0.1:4"]);
        assert_eq!(after(&[("a", "1 2", "")]), [""; 0], "nobody asks whether it is well");
    }
}
