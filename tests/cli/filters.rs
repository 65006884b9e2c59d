//! Row E9: each filter of `token list` finds exactly the tokens that it should.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::Place;
use crate::server::{Server, hello, with_token};

const JANUARY: &str = "2030-01-01T00:00:00Z";
const FEBRUARY: &str = "2030-02-01T00:00:00Z";
const USED: &str = "2030-02-01T00:10:00Z";
const NOW: &str = "2030-02-01T01:00:00Z";

/// Tokens, when they are made, and how.
const TOKENS: [(&str, &str, &str); 11] = [
    (
        "aged",
        JANUARY,
        "--owner alice --app jenkins --contexts stock --flags view,edit --lifetime 400d --idle 0",
    ),
    ("brief", JANUARY, "--owner bob --contexts sales --flags view --lifetime 10d --idle 0"),
    ("lapsed", JANUARY, "--owner bob --contexts= --idle 5d"),
    ("fresh", FEBRUARY, "--owner alice --contexts all --flags=-1 --idle 20d"),
    ("later", FEBRUARY, "--owner bob --contexts= --idle 0 --from 2030-06-01"),
    ("paused", FEBRUARY, "--owner bob --contexts= --idle 0"),
    ("gone", FEBRUARY, "--owner bob --contexts= --idle 0"),
    ("stopped", FEBRUARY, "--owner carol --contexts= --idle 0"),
    ("spent", FEBRUARY, "--owner bob --contexts= --idle 0 --uses 1"),
    ("turned", FEBRUARY, "--owner bob --contexts= --idle 0"),
    ("clung", FEBRUARY, "--owner bob --contexts= --idle 0"),
];

/// What is asked, and which tokens fit, in the order of the alphabet. `turned` and `clung` have successors of the same name,
/// here with a `+`; only `clung` was used since.
const ASKED: &[(&str, &str)] = &[
    ("", "aged brief clung clung+ fresh gone lapsed later paused spent stopped turned turned+"),
    ("--state pending", "later"),
    ("--state active", "aged clung clung+ fresh spent turned turned+"),
    ("--state disabled", "paused"),
    ("--state blocked", "stopped"),
    ("--state used_up", "spent"),
    ("--state expired", "brief"),
    ("--state idle_expired", "lapsed"),
    ("--state revoked", "gone"),
    ("--state revoked,pending", "gone later"),
    ("--owner alice", "aged fresh"),
    ("--owner carol", "stopped"),
    ("--company acme", "aged fresh"),
    ("--context stock", "aged fresh"),
    ("--context sales", "brief fresh"),
    ("--flags view", "aged brief fresh"),
    ("--flags view,edit", "aged fresh"),
    ("--flags 0x400", "aged fresh"),
    ("--flags=-1", "fresh"),
    ("--name turned", "turned turned+"),
    ("--name turn", ""),
    ("--text turn", "turned turned+"),
    ("--text JENKINS", "aged"),
    ("--text carol", "stopped"),
    ("--created-from 2030-01-01T00:00:01Z --created-before 2030-02-01T00:00:00Z", ""),
    ("--created-before 2030-02-01T00:00:00Z", "aged brief lapsed"),
    ("--created-before 2030-01-01T00:00:00Z", ""),
    (
        "--created-from 2030-02-01T00:00:00Z",
        "clung clung+ fresh gone later paused spent stopped turned turned+",
    ),
    ("--expires-before 2030-01-11T00:00:00Z", ""),
    ("--expires-before 2030-01-11T00:00:01Z", "brief"),
    ("--expires-before 2030-03-03T00:00:01Z", "brief clung turned"),
    ("--expires-before 2040-01-01", "aged brief clung turned"),
    ("--ends-before 2030-02-21T00:00:00Z", ""),
    ("--ends-before 2030-02-21T00:00:01Z", "fresh"),
    ("--ends-before 2030-03-03T00:00:01Z", "clung fresh turned"),
    ("--ends-before 2040-01-01", "aged clung fresh turned"),
    (
        "--last-used-before 2030-01-01T00:00:00Z",
        "brief clung+ fresh gone lapsed later paused stopped turned turned+",
    ),
    (
        "--last-used-before 2030-02-01T00:10:00Z",
        "aged brief clung+ fresh gone lapsed later paused stopped turned turned+",
    ),
    (
        "--last-used-before 2030-02-01T00:10:01Z",
        "aged brief clung clung+ fresh gone lapsed later paused spent stopped turned turned+",
    ),
    ("--never-used", "brief clung+ fresh gone lapsed later paused stopped turned turned+"),
    ("--rotated", "clung turned"),
    ("--rotated any", "clung turned"),
    ("--rotated in_use", "clung"),
    // All hold at once.
    ("--owner bob --never-used --state active", "clung+ turned turned+"),
    ("--company acme --flags view --created-from 2030-02-01", "fresh"),
    ("--rotated --ends-before 2030-03-01 --owner bob", ""),
];

fn set(place: &Place, to: &str) {
    std::fs::write(place.path("clock"), to).unwrap();
}

fn json(place: &Place, arguments: &[&str]) -> Value {
    let out = place.clocked_ok(&[&["--json", "--data", "d"], arguments].concat());
    serde_json::from_str(&out).unwrap()
}

/// The ids of all tokens by what they are called here, and their hints.
type Made = BTreeMap<String, (String, String)>;

fn note(made: &mut Made, name: &str, created: &Value) {
    let text = |field: &str| created["token"][field].as_str().unwrap().to_owned();
    made.insert(name.to_owned(), (text("id"), text("hint")));
}

/// Makes those of one day, and gives their secrets.
fn make(place: &Place, day: &str, made: &mut Made) -> BTreeMap<&'static str, String> {
    set(place, day);
    let of_day = TOKENS.iter().filter(|(_, at, _)| *at == day);
    let created = of_day.map(|(name, _, options)| {
        let options: Vec<_> = options.split(' ').collect();
        let created = json(place, &[&["token", "create", "--name", name], &options[..]].concat());
        note(made, name, &created);
        (*name, created["secret"].as_str().unwrap().to_owned())
    });
    created.collect()
}

/// Uses tokens at a time, through a server that runs for that.
fn used(place: &Place, at: &str, secrets: &[&str]) {
    set(place, at);
    let mut command = place.command(&["--json", "--data", "d", "serve"]);
    command.env("TOLLGATE_TEST_CLOCK", place.path("clock")).stderr(std::process::Stdio::null());
    let mut server = Server::run(command);
    for secret in secrets {
        assert_eq!(with_token(server.address("public"), secret), 200);
    }
    assert_eq!(server.stop(), 0);
}

fn stage() -> (Place, Made) {
    let (place, mut made) = (Place::empty(), Made::new());
    let config = format!(
        "listen = {{ public = \"127.0.0.1:0\", admin = \"127.0.0.1:0\", cores = 2 }}\n\
         flags = {{ view = 0x200, edit = 0x400 }}\n[contexts.stock]\n[contexts.sales]\n\
         [[apis]]\nname = \"a\"\nupstream = \"http://{}\"\nrules = [{{ path = \"/{{*rest}}\" }}]\n",
        hello()
    );
    std::fs::write(place.path("tollgate.toml"), config).unwrap();
    set(&place, JANUARY);
    for user in ["alice --company acme", "bob", "carol"] {
        let options: Vec<_> = user.split(' ').collect();
        json(&place, &[&["user", "add"], &options[..]].concat());
    }
    let old = make(&place, JANUARY, &mut made);
    used(&place, JANUARY, &[&old["aged"]]);
    let new = make(&place, FEBRUARY, &mut made);
    json(&place, &["token", "disable", &made["paused"].0]);
    json(&place, &["token", "revoke", &made["gone"].0]);
    json(&place, &["user", "block", "carol"]);
    for name in ["turned", "clung"] {
        let rotated = json(&place, &["token", "rotate", &made[name].0, "--grace", "30d"]);
        note(&mut made, &format!("{name}+"), &rotated);
    }
    used(&place, USED, &[&new["spent"], &new["clung"]]);
    set(&place, NOW);
    (place, made)
}

#[test]
fn e9_each_filter_of_the_list_finds_what_fits_and_nothing_else() {
    let (place, made) = stage();
    let found = |asked: &str| -> String {
        let options = asked.split(' ').filter(|option| !option.is_empty());
        let options: Vec<_> = ["token", "list"].into_iter().chain(options).collect();
        let list = json(&place, &options);
        let ids = list["tokens"].as_array().unwrap().iter().map(|token| token["id"].as_str());
        let name = |id: Option<&str>| made.iter().find(|(_, (own, _))| Some(own.as_str()) == id);
        let mut names: Vec<_> = ids.map(|id| name(id).unwrap().0.as_str()).collect();
        names.sort_unstable();
        names.join(" ")
    };
    for (asked, wanted) in ASKED {
        assert_eq!(found(asked), *wanted, "{asked}");
    }
    // What nobody knows beforehand: the end of a secret, and an id.
    for (id, hint) in made.values() {
        let of_hint: Vec<_> = made
            .iter()
            .filter(|(_, (_, own))| own == hint)
            .map(|(name, _)| name.as_str())
            .collect();
        assert_eq!(found(&format!("--hint {hint}")), of_hint.join(" "));
        let name = made.iter().find(|(_, (own, _))| own == id).unwrap().0;
        assert_eq!(found(&format!("--text {id}")), *name);
    }
    // None of the filters that there are is left out here.
    let help = place.ok(&["token", "list", "--help"]);
    let options = help.lines().filter_map(|line| line.trim().strip_prefix("--"));
    let filters: Vec<_> = options.filter_map(|rest| rest.split([' ', '[', '<']).next()).collect();
    assert!(filters.contains(&"never-used"), "{help}");
    let others = ["oldest", "limit", "cursor", "all", "hint", "config", "data", "json"];
    for filter in filters.iter().filter(|filter| !others.contains(filter)) {
        let asked = ASKED.iter().any(|(asked, _)| {
            asked.split([' ', '=']).any(|word| word.strip_prefix("--") == Some(filter))
        });
        assert!(asked, "--{filter} is not tried");
    }
}
