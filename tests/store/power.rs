//! Power cuts: a disk of its own (a loop device with ext4), of which a copy is taken while the writers are
//! stopped in mid-flight. What the file system had not handed to the device by then is not in the copy.
//! Needs root, to mount it.

use std::fs;
use std::path::Path;
use std::process::{Child, Command};

use tollgate::{history, store};

use crate::full;
use crate::writer::{self, Told};

const DISK_BYTES: u64 = 96 << 20;

pub(crate) fn run(times: u64) {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    let folder = tempfile::tempdir().unwrap();
    let (image, cut) = (folder.path().join("image"), folder.path().join("cut"));
    let (disk, after) = (folder.path().join("disk"), folder.path().join("after"));
    fs::create_dir(&disk).unwrap();
    fs::create_dir(&after).unwrap();
    let mut random = 3;
    let mut everything = Told::default();
    let mut rebuilt = 0;
    for round in 0..times {
        fs::File::create(&image).unwrap().set_len(DISK_BYTES).unwrap();
        must("mkfs.ext4", &["-q", "-F", image.to_str().unwrap()]);
        full::mount(&["-o", "loop", image.to_str().unwrap()], &disk);
        let lines = writer::next(&mut random) % 6_000 + 1;
        let mut child = writer::start(&disk.join("data"), 8, 0, &[]);
        let told = writer::listen(&mut child, lines, |child| {
            cut_power(child, &image, &cut);
            child.kill().unwrap();
        });
        must("umount", &[disk.to_str().unwrap()]);
        full::mount(&["-o", "loop", cut.to_str().unwrap()], &after);
        let data = after.join("data");
        let outcome = std::panic::catch_unwind(|| {
            history::verify(&store::history_folder(&data)).unwrap();
            runtime.block_on(async {
                let store = writer::open(&data).await;
                writer::lost(&*store, &told).await
            })
        });
        rebuilt += u64::from(data.join("index.damaged").exists());
        must("umount", &[after.to_str().unwrap()]);
        let lost = outcome.unwrap_or_else(|panic| std::panic::resume_unwind(panic));
        assert!(lost.is_empty(), "round {round}: {lost:?}");
        everything.created.extend(told.created.iter().map(|n| n + round * 1_000_000_000));
        everything.revoked.extend(told.revoked.iter().map(|n| n + round * 1_000_000_000));
    }
    println!(
        "cut the power {times} times: {} tokens created and {} revoked were acknowledged, 0 lost, \
         0 back; sled had lost something and was rebuilt {rebuilt} times",
        everything.created.len(),
        everything.revoked.len()
    );
}

/// Stops the writers, and copies the device. The copy is of one moment if a second one is the same.
fn cut_power(child: &Child, image: &Path, cut: &Path) {
    must("kill", &["-STOP", &child.id().to_string()]);
    let mut before = fs::read(image).unwrap();
    loop {
        let now = fs::read(image).unwrap();
        if now == before {
            fs::write(cut, now).unwrap();
            return;
        }
        before = now;
    }
}

fn must(program: &str, arguments: &[&str]) {
    let done = Command::new(program).args(arguments).status().unwrap();
    assert!(done.success(), "{program} failed; this needs root");
}
