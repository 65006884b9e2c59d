//! A disk without space, by strace, so that anybody may run it: writes to the history fail with ENOSPC, for
//! a while or for good. Changes are refused as those of a full disk, and go on by themselves once there is
//! space again; reads go on; what was acknowledged is there at the next start. What a disk that is full in
//! earnest does to the other files is `full`.

use crate::writer;

/// So many writes fail where there is space again; fewer than the refusals after which a victim gives up.
const FAILING: usize = 30;

pub(crate) fn run(times: u64) {
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
