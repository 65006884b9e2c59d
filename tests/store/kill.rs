//! `kill -9` at a random moment while eight writers create and revoke.

use tollgate::{history, store};

use crate::writer::{self, Told};

const WRITERS: u64 = 8;

pub(crate) fn run(times: u64) {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    let mut random = 7;
    let mut everything = Told::default();
    let mut rebuilt = 0;
    for round in 0..times {
        // Now and then before it has said anything: while it opens.
        let lines = if round % 10 == 9 { 0 } else { writer::next(&mut random) % 3_000 + 1 };
        let mut child = writer::start(&data, WRITERS, (round + 1) * 100_000_000, &[]);
        let told = writer::listen(&mut child, lines, |child| child.kill().unwrap());
        history::verify(&store::history_folder(&data)).unwrap();
        let lost = runtime.block_on(async {
            let store = writer::open(&data).await;
            let mut lost = writer::lost(&*store, &told).await;
            lost.extend(writer::unused(&*store, &told).await);
            store.close().await.unwrap();
            lost
        });
        assert!(lost.is_empty(), "round {round}: {lost:?}");
        rebuilt += u64::from(std::fs::remove_dir_all(data.join("index.damaged")).is_ok());
        everything.created.extend(told.created);
        everything.revoked.extend(told.revoked);
        everything.used.extend(told.used);
    }
    let lost = runtime.block_on(async {
        let store = writer::open(&data).await;
        writer::lost(&*store, &everything).await
    });
    assert!(lost.is_empty(), "at the end: {lost:?}");
    println!(
        "killed {times} times: {} tokens created, {} revoked and {} used were acknowledged, 0 lost, 0 \
         back; sled had lost something and was rebuilt {rebuilt} times",
        everything.created.len(),
        everything.revoked.len(),
        everything.used.len()
    );
}
