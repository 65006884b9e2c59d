//! A disk whose `fsync` fails, by strace. After the first failure nothing may be acknowledged, although
//! later calls could succeed; reads go on; what was acknowledged before is there at the next start.

use crate::writer;

pub(crate) fn run(times: u64) {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    let mut random = 5;
    let mut acknowledged = 0;
    for round in 0..times {
        let folder = tempfile::tempdir().unwrap();
        let data = folder.path().join("data");
        let first = writer::next(&mut random) % 60 + 30;
        // Every third disk comes to itself again after one failure.
        let until = if round % 3 == 0 { first.to_string() } else { format!("{first}+") };
        let calls = if round % 2 == 0 { "fdatasync" } else { "fdatasync,fsync" };
        let inject = format!("inject={calls}:error=EIO:when={until}");
        let log = folder.path().join("strace");
        let log = log.to_str().unwrap();
        let strace =
            ["strace", "-f", "-qq", "-o", log, "-e", "trace=fdatasync,fsync", "-e", &inject];
        let mut child = writer::start(&data, 1, 0, &strace);
        let told = writer::listen(&mut child, usize::MAX, |_| {});
        assert!(!told.refusals.is_empty(), "round {round}: no change was refused");
        assert_eq!(told.after_refusal, 0, "round {round}: acknowledged after a failed sync");
        let lost = runtime.block_on(async {
            let store = writer::open(&data).await;
            writer::lost(&*store, &told).await
        });
        assert!(lost.is_empty(), "round {round}: {lost:?}");
        acknowledged += told.created.len();
    }
    println!(
        "{times} disks failed to sync: {acknowledged} tokens acknowledged before, 0 after, 0 lost"
    );
}
