//! A disk without space, by strace, so that anybody may run it: writes to the history fail with ENOSPC, for
//! a while or for good. Changes are refused as those of a full disk, and go on by themselves once there is
//! space again; reads go on; what was acknowledged is there at the next start. Or writes of the index alone
//! fail so, after the history took the change. What a disk that is full in earnest does to the other files is
//! `full`.

use crate::writer;

/// So many writes fail where there is space again; fewer than the refusals after which a victim gives up.
const FAILING: usize = 30;

/// sled's own threads count their writes each for itself: one of each fails.
const INDEX_WRITE: u64 = 30;

pub(crate) fn run(times: u64) {
    history(times);
    index();
}

/// The change that the index does not take is acknowledged, for it is durable; those behind it are refused as
/// on a full disk.
fn index() {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    let folder = tempfile::tempdir().unwrap();
    let (data, log) = (folder.path().join("data"), folder.path().join("strace"));
    let db = data.join("index/db");
    let inject = format!("inject=pwrite64:error=ENOSPC:when={INDEX_WRITE}");
    let mut strace = vec!["strace", "-f", "-qq", "-o", log.to_str().unwrap()];
    strace.extend(["-P", db.to_str().unwrap(), "-e", "trace=pwrite64", "-e", &inject]);
    let told = writer::listen(&mut writer::start(&data, 1, 0, &strace), usize::MAX, |_| {});
    assert!(std::fs::read_to_string(log).unwrap().contains("INJECTED"), "no write failed");
    assert!(!told.refusals.is_empty(), "no change was refused");
    assert!(told.refusals.iter().all(|error| error.starts_with("Full ")), "{:?}", told.refusals);
    let lost = runtime.block_on(async { writer::lost(&*writer::open(&data).await, &told).await });
    assert!(lost.is_empty(), "{lost:?}");
    println!(
        "the index had no space left: {} tokens acknowledged, 0 lost, {} changes refused",
        told.created.len(),
        told.refusals.len()
    );
}

fn history(times: u64) {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    let mut random = 11;
    let (mut acknowledged, mut after) = (0, 0);
    for round in 0..times {
        let folder = tempfile::tempdir().unwrap();
        let data = folder.path().join("data");
        let history = tollgate::store::history_folder(&data).join("00000000000000000001.jsonl");
        let first = writer::next(&mut random) % 60 + 30;
        let for_good = round % 2 == 0;
        let when =
            if for_good { format!("{first}+") } else { format!("{first}..{}", first + FAILING) };
        let inject = format!("inject=pwrite64:error=ENOSPC:when={when}");
        // The end of a victim that would go on: each change that is acknowledged was synced.
        let end = format!("inject=fdatasync:signal=KILL:when={}", first + 100);
        let log = folder.path().join("strace");
        let (log, history) = (log.to_str().unwrap(), history.to_str().unwrap());
        let mut strace = vec!["strace", "-f", "-qq", "-o", log, "-P", history];
        strace.extend(["-e", "trace=pwrite64,fdatasync", "-e", &inject, "-e", &end]);
        let mut child = writer::start(&data, 1, 0, &strace);
        let told = writer::listen(&mut child, usize::MAX, |_| {});
        let lines = || format!("round {round}: {:?}", told.refusals);
        assert!(!told.refusals.is_empty(), "round {round}: no change was refused");
        assert!(told.refusals.iter().all(|error| error.starts_with("Full ")), "{}", lines());
        assert_eq!(told.after_refusal == 0, for_good, "{}", lines());
        assert_eq!(told.reads_on, for_good, "{}", lines());
        let lost = runtime.block_on(async {
            let store = writer::open(&data).await;
            writer::lost(&*store, &told).await
        });
        assert!(lost.is_empty(), "round {round}: {lost:?}");
        acknowledged += told.created.len();
        after += told.after_refusal;
    }
    println!(
        "{times} disks had no space left: {acknowledged} tokens acknowledged, {after} changes of them after \
         there was space again, 0 lost"
    );
}
