//! The time that a body leaves to its answer.

use super::*;

use crate::clock::instant;
use crate::config::{self, Environment};
use crate::gateway::alarm::Alarms;
use crate::gateway::targets::Targets;
use crate::telemetry::counters::Counters;

/// Where a body may stand still for an hour.
fn snapshot() -> Arc<Snapshot> {
    let text = "store.path = \"/nowhere\"\nlimits.stall_timeout = \"1h\"\n[[apis]]\nname = \"a\"\n\
                    upstream = \"http://127.0.0.1:9\"\nrules = [{ path = \"/\" }]\n";
    let settings = config::parse("t.toml".as_ref(), text.as_bytes(), &Environment::default());
    let settings = settings.unwrap_or_else(|report| panic!("{report}"));
    Snapshot::new(&settings, &Counters::new(1), &Targets::default(), 0)
}

/// Whether time is up once the shorter of the two limits is over.
fn rings(alarms: &Alarms, alarm: &Alarm) -> bool {
    let begun = instant();
    while begun.elapsed() < Duration::from_millis(5) {
        std::hint::spin_loop();
    }
    alarms.tick();
    alarm.take_rung()
}

#[test]
fn a_body_that_is_there_leaves_the_time_of_the_answer_on_another_connection_too() {
    let (snapshot, alarms) = (snapshot(), Alarms::new());
    for done in [true, false] {
        let upload =
            Upload::new((&snapshot, Dialect::Bearer), None, Duration::from_millis(1), false);
        let (first, again) = (Rc::new(alarms.add()), Rc::new(alarms.add()));
        upload.watch(&first);
        if done {
            upload.moved(true);
        }
        assert_eq!(rings(&alarms, &first), done);
        // None of it was sent, and it is tried again.
        upload.watch(&again);
        assert_eq!(rings(&alarms, &again), done);
    }
}
