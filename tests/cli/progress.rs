//! How far a long command has come: for people at a terminal, and for nobody else.

use std::fs::File;
use std::io::Read as _;
use std::os::fd::OwnedFd;
use std::process::Stdio;

use rustix::pty::{OpenptFlags, grantpt, ioctl_tiocgptpeer, openpt, unlockpt};

use crate::Place;

/// Commands that take long where there is much, and what each shows. `N` is the number of the run, since most of them can
/// be done once.
const LONG: [(&str, &str); 9] = [
    ("token import keys.jsonl --dry-run", "200 lines, "),
    ("token leak words", "400 secrets, "),
    ("token export --output N.jsonl", " lines, "),
    ("token revoke-all --owner userN --yes", " 2 of 2 tokens, "),
    ("backup N.backup", " writing the backup, "),
    ("history verify", " checking the history, "),
    ("restore all.backup --check", " checking the backup, "),
    ("restore all.backup --data restoredN", " filling the folder, "),
    ("repair", " building the index, "),
];

/// What a terminal does to the line in which a bar stood.
const CLEARED: &str = "\u{1b}[2K";

/// A terminal: the side of the person, and that of programs.
fn terminal() -> (File, OwnedFd) {
    let flags = OpenptFlags::RDWR | OpenptFlags::NOCTTY | OpenptFlags::CLOEXEC;
    let person = openpt(flags).unwrap();
    grantpt(&person).unwrap();
    unlockpt(&person).unwrap();
    let program = ioctl_tiocgptpeer(&person, flags).unwrap();
    (person.into(), program)
}

/// Where a command writes to.
#[derive(Clone, Copy, PartialEq, Eq)]
enum To {
    Terminal,
    Pipe,
}

/// What came of a command: its code, what the terminal was sent, and what came through pipes.
struct Shown {
    code: Option<i32>,
    screen: String,
    out: String,
    err: String,
}

fn run(place: &Place, arguments: &[&str], out: To, err: To) -> Shown {
    let (mut person, program) = terminal();
    let side = |to: To| match to {
        To::Terminal => Stdio::from(program.try_clone().unwrap()),
        To::Pipe => Stdio::piped(),
    };
    let mut command = place.command(arguments);
    command.env("TERM", "xterm").stdin(Stdio::null()).stdout(side(out)).stderr(side(err));
    let child = command.spawn().unwrap();
    // Nobody but the child writes to the terminal from now on, so that it ends with it.
    drop((command, program));
    let mut screen = Vec::new();
    // Its end is told as EIO; what came before is kept.
    let _ = person.read_to_end(&mut screen);
    let output = child.wait_with_output().unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    let (out, err) = (text(output.stdout), text(output.stderr));
    Shown { code: output.status.code(), screen: text(screen), out, err }
}

/// Whether each of these begins a line of its own.
fn stand_by_themselves(screen: &str, told: &str) -> bool {
    let mut places = screen.match_indices(told).map(|(at, _)| &screen[..at]);
    places.all(|before| before.ends_with(CLEARED) || before.ends_with('\n'))
}

/// Tokens of three users, a backup, and files for what reads some.
fn stage() -> Place {
    let place = Place::new();
    for nth in 1..=3 {
        let user = format!("user{nth}");
        place.ok(&["user", "add", &user]);
        for name in ["a", "b"] {
            place.ok(&["token", "create", "--owner", &user, "--name", name]);
        }
    }
    place.ok(&["backup", "all.backup"]);
    let lines = |count: usize, line: &dyn Fn(usize) -> String| {
        (0..count).map(line).collect::<Vec<_>>().join("\n")
    };
    let key = |nth: usize| {
        let secret = format!("secret-of-another-system-{nth:04}");
        serde_json::json!({"owner": "user1", "name": "x", "secret": secret}).to_string()
    };
    std::fs::write(place.path("keys.jsonl"), lines(201, &key)).unwrap();
    std::fs::write(place.path("words"), lines(401, &|nth| format!("unknown-{nth:04}"))).unwrap();
    place
}

#[test]
fn long_commands_show_people_at_a_terminal_how_far_they_are_and_nobody_else() {
    let place = stage();
    for (typed, wanted) in LONG {
        let run = |nth: usize, more: &[&str], out, err| {
            let typed = typed.replace('N', &nth.to_string());
            let arguments: Vec<_> = more.iter().copied().chain(typed.split(' ')).collect();
            let shown = run(&place, &arguments, out, err);
            assert_eq!(shown.code, Some(0), "{typed}: {}{}", shown.screen, shown.err);
            shown
        };
        let watched = run(1, &[], To::Pipe, To::Terminal);
        let (_, behind) = watched.screen.rsplit_once(wanted).unwrap_or_else(|| {
            panic!("{typed} shows no `{wanted}`: {:?}", watched.screen);
        });
        assert!(behind.contains(CLEARED), "{typed} leaves its bar behind: {:?}", watched.screen);
        assert!(!watched.out.contains('\u{1b}'), "{typed}: {:?}", watched.out);

        let program = run(2, &["--json"], To::Pipe, To::Terminal);
        for line in program.out.lines().chain(program.screen.lines()) {
            let value: Result<serde_json::Value, _> = serde_json::from_str(line);
            assert!(value.is_ok(), "{typed}, with --json: {line:?}");
        }

        let unwatched = run(3, &[], To::Terminal, To::Pipe);
        for text in [&unwatched.screen, &unwatched.err] {
            assert!(!text.contains(wanted) && !text.contains('\u{1b}'), "{typed}: {text:?}");
        }
    }
}

/// What a command has to say meanwhile does not run into its bar.
#[test]
fn lines_that_are_told_meanwhile_stand_by_themselves() {
    let place = stage();
    let bad = "{\"owner\":\"nobody\",\"name\":\"x\",\"secret\":\"secret-of-another-system\"}\nno\n";
    let keys = std::fs::read_to_string(place.path("keys.jsonl")).unwrap();
    std::fs::write(place.path("keys.jsonl"), format!("{keys}\n{bad}")).unwrap();
    let tried = ["token", "import", "keys.jsonl", "--dry-run"];
    let Shown { screen, code, .. } = run(&place, &tried, To::Terminal, To::Terminal);
    assert_eq!(code, Some(1), "{screen:?}");
    assert!(screen.contains("200 lines, "), "{screen:?}");
    for told in ["line 202 refused: ", "line 203 refused: ", "error: "] {
        assert!(screen.contains(told) && stand_by_themselves(&screen, told), "{told}: {screen:?}");
    }
    // What the rooms below have to say: here that an old index is put aside.
    let Shown { screen, code, .. } = run(&place, &["repair"], To::Pipe, To::Terminal);
    assert_eq!(code, Some(0), "{screen:?}");
    assert!(screen.contains("warning: moved the old "), "{screen:?}");
    assert!(stand_by_themselves(&screen, "warning: "), "{screen:?}");
}
