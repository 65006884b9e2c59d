//! The victim: creates and revokes tokens as fast as it can, and says on its standard output what was
//! acknowledged, as soon as it was.

use std::collections::BTreeSet;
use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;

use tollgate::clock::Clock;
use tollgate::domain::event::EventKind;
use tollgate::domain::id::TokenId;
use tollgate::store::{self, Held, LastUse, NotedUse, Store, StoreError, Subject};

use crate::records;

/// Tokens of one writer are this far from those of the next.
const STRIDE: u64 = 1_000_000;
/// Every so many tokens are revoked again.
const REVOKED: u64 = 2;

/// What was acknowledged before the victim died.
#[derive(Debug, Default)]
pub(crate) struct Told {
    pub(crate) created: BTreeSet<u64>,
    pub(crate) revoked: BTreeSet<u64>,
    /// Whose use was noted.
    pub(crate) used: BTreeSet<u64>,
    /// Why changes were refused, and how many were acknowledged after that.
    pub(crate) refusals: Vec<String>,
    pub(crate) after_refusal: u64,
    /// Whether it was refused so often that it gave up, and could still read.
    pub(crate) reads_on: bool,
}

/// The life of the victim.
pub(crate) fn run(folder: &Path, writers: u64, first: u64) {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let store = open(folder).await;
        let owner = records::owner(0);
        if store.owner(&records::owner_name(0).parse().unwrap()).await.unwrap().is_none() {
            store.commit(owner).await.unwrap();
        }
        let all: Vec<_> = (0..writers)
            .map(|writer| {
                let first = first + writer * STRIDE;
                tokio::spawn(write(Arc::clone(&store), first))
            })
            .collect();
        for one in all {
            one.await.unwrap();
        }
    });
}

pub(crate) async fn open(folder: &Path) -> Arc<dyn Store> {
    store::open(&records::settings(folder, 1 << 20), Clock::system()).await.unwrap()
}

async fn write(store: Arc<dyn Store>, first: u64) {
    let mut refusals = 0;
    for n in first..first + STRIDE {
        let token = records::token(n, &records::owner_name(0));
        let mut steps = vec![('c', records::creation(token.clone()))];
        if n % REVOKED == 0 {
            steps.push(('r', records::revocation(&token)));
        }
        for (step, commit) in steps {
            match store.commit(commit).await {
                Ok(_) => {
                    say(&format!("{step} {n}\n"));
                    if step == 'c' && note(&*store, token.id).await.is_ok() {
                        say(&format!("u {n}\n"));
                    }
                }
                Err(error) => {
                    say(&format!("x {error:?}\n").replace("\\n", " "));
                    refusals += 1;
                    let expected =
                        matches!(error, StoreError::Full { .. } | StoreError::ReadOnly(_));
                    assert!(expected, "{error}");
                    break;
                }
            }
        }
        if refusals > 50 {
            if store.token(token.id).await.is_ok() {
                say("reads\n");
            }
            return;
        }
    }
}

async fn note(store: &dyn Store, token: TokenId) -> Result<(), StoreError> {
    let last = LastUse { at: records::NOW, address: [192, 0, 2, 1].into(), api: "erp".into() };
    let noted = NotedUse { of: token.into(), last, first: true };
    store.note_uses(vec![noted], records::NOW).await
}

/// One `write` for each line, so that the parent has it although this process is killed the next moment.
fn say(line: &str) {
    std::io::stdout().lock().write_all(line.as_bytes()).unwrap();
    std::io::stdout().lock().flush().unwrap();
}

/// Starts a victim.
pub(crate) fn start(folder: &Path, writers: u64, first: u64, under: &[&str]) -> Child {
    let this = std::env::current_exe().unwrap();
    let mut words: Vec<String> = under.iter().map(|word| (*word).to_owned()).collect();
    words.push(this.to_str().unwrap().to_owned());
    words.extend(["writer", folder.to_str().unwrap()].map(str::to_owned));
    words.extend([writers.to_string(), first.to_string()]);
    let mut command = Command::new(&words[0]);
    command.args(&words[1..]).stdout(Stdio::piped()).stdin(Stdio::null());
    command.spawn().unwrap()
}

/// Reads what a victim says, until it has said `lines` lines (then calls `then`) and until it is dead.
pub(crate) fn listen(child: &mut Child, lines: usize, mut then: impl FnMut(&mut Child)) -> Told {
    let mut told = Told::default();
    let mut out = BufReader::new(child.stdout.take().unwrap());
    let (mut line, mut count) = (String::new(), 0);
    if lines == 0 {
        then(child);
    }
    loop {
        line.clear();
        out.read_line(&mut line).unwrap();
        // What is not ended by a newline was not said to the end.
        let Some(said) = line.strip_suffix('\n') else { break };
        match said.split_once(' ') {
            Some(("c", n)) => _ = told.created.insert(n.parse().unwrap()),
            Some(("u", n)) => _ = told.used.insert(n.parse().unwrap()),
            Some(("r", n)) => _ = told.revoked.insert(n.parse().unwrap()),
            Some(("x", why)) => told.refusals.push(why.to_owned()),
            _ => told.reads_on |= said == "reads",
        }
        let acknowledged = said.starts_with("c ") || said.starts_with("r ");
        told.after_refusal += u64::from(!told.refusals.is_empty() && acknowledged);
        count += 1;
        if count == lines {
            then(child);
        }
    }
    child.wait().unwrap();
    told
}

/// Checks that everything that was acknowledged is there; answers with what is not.
pub(crate) async fn lost(store: &dyn Store, told: &Told) -> Vec<String> {
    let mut lost = Vec::new();
    for n in &told.created {
        match held(store, *n).await {
            None => lost.push(format!("token {n} was created and is gone")),
            Some(held) if told.revoked.contains(n) && held.token.ended.is_none() => {
                lost.push(format!("token {n} was revoked and is back"));
            }
            Some(_) => {}
        }
    }
    lost
}

/// Checks that every use that was noted is there, which outlives the process but not the machine.
pub(crate) async fn unused(store: &dyn Store, told: &Told) -> Vec<String> {
    let mut lost = Vec::new();
    for n in &told.used {
        let held = held(store, *n).await.unwrap();
        let about = Subject::Token(held.token.id);
        let events = patiently(async || store.events(Some(&about), None, 10).await).await.entries;
        let told = events.iter().any(|event| event.event.kind == EventKind::TokenFirstUsed);
        if held.last_use.is_none_or(|last| last.at != records::NOW) || !told {
            lost.push(format!("token {n} was used, and that is gone"));
        }
    }
    lost
}

/// A token, also while what sled lost is being built anew; until then an error is right, and nothing else.
pub(crate) async fn held(store: &dyn Store, n: u64) -> Option<Held> {
    patiently(async || store.held(&records::digest(n)).await).await
}

async fn patiently<T>(mut ask: impl AsyncFnMut() -> Result<T, StoreError>) -> T {
    for _ in 0..6_000 {
        match ask().await {
            Err(StoreError::Damaged { .. } | StoreError::Failed { .. }) => {
                tokio::time::sleep(std::time::Duration::from_millis(10)).await;
            }
            answer => return answer.unwrap(),
        }
    }
    panic!("it was never built anew");
}

/// A cheap generator, so that a failure can be repeated.
pub(crate) fn next(state: &mut u64) -> usize {
    *state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
    usize::try_from(*state >> 33).unwrap()
}
