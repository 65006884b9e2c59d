//! What is told of files that change, and how they are found.

use super::*;

/// Long enough for the slowest machine; a test waits so long only when it fails.
const LONG: Duration = Duration::from_secs(20);

struct Watched {
    folder: tempfile::TempDir,
    changes: Receiver<()>,
    _watch: Watch,
}

fn watched(name: &str, prepare: impl FnOnce(&Path)) -> Watched {
    let folder = tempfile::tempdir().unwrap();
    prepare(folder.path());
    let (tell, changes) = channel();
    let files = [folder.path().join(name)];
    let followed = files.to_vec();
    let told = move |_| {
        tell.send(()).unwrap();
        followed.clone()
    };
    let watch = watch(&files, told).unwrap();
    changes.recv_timeout(LONG).expect("files may have changed before they were watched");
    Watched { folder, changes, _watch: watch }
}

#[test]
fn a_written_and_a_replaced_file_are_told() {
    let here = watched("t.toml", |folder| std::fs::write(folder.join("t.toml"), "a").unwrap());
    let file = here.folder.path().join("t.toml");
    std::fs::write(&file, "b").unwrap();
    here.changes.recv_timeout(LONG).unwrap();
    let other = here.folder.path().join("t.toml.new");
    std::fs::write(&other, "c").unwrap();
    std::fs::rename(&other, &file).unwrap();
    here.changes.recv_timeout(LONG).unwrap();
    std::fs::remove_file(&file).unwrap();
    std::fs::write(&file, "d").unwrap();
    here.changes.recv_timeout(LONG).unwrap();
}

#[cfg(unix)]
#[test]
fn a_link_to_a_folder_that_is_exchanged_is_told() {
    // As Kubernetes mounts a ConfigMap: t.toml -> ..data/t.toml, ..data -> a folder by date.
    use std::os::unix::fs::symlink;
    let here = watched("t.toml", |folder| {
        for (name, text) in [("one", "a"), ("two", "b")] {
            std::fs::create_dir(folder.join(name)).unwrap();
            std::fs::write(folder.join(name).join("t.toml"), text).unwrap();
        }
        symlink("one", folder.join("..data")).unwrap();
        symlink("..data/t.toml", folder.join("t.toml")).unwrap();
    });
    let folder = here.folder.path();
    symlink("two", folder.join("..new")).unwrap();
    std::fs::rename(folder.join("..new"), folder.join("..data")).unwrap();
    here.changes.recv_timeout(LONG).unwrap();
}

/// As deployments exchange releases: `current` leads to one, by a link that leads on.
#[test]
fn a_link_above_the_folder_that_is_exchanged_is_told_and_followed() {
    use std::os::unix::fs::symlink;
    let here = watched("current/etc/t.toml", |folder| {
        for release in ["r1", "r2"] {
            let etc = folder.join("releases").join(release).join("etc");
            std::fs::create_dir_all(&etc).unwrap();
            std::fs::write(etc.join("t.toml"), release).unwrap();
        }
        symlink("releases/newest", folder.join("current")).unwrap();
        symlink("r1", folder.join("releases/newest")).unwrap();
    });
    let folder = here.folder.path();
    let exchange = |link: &str, to: &str| {
        symlink(to, folder.join("new")).unwrap();
        std::fs::rename(folder.join("new"), folder.join(link)).unwrap();
    };
    exchange("releases/newest", "r2");
    here.changes.recv_timeout(LONG).expect("the link behind the link");
    std::fs::write(folder.join("releases/r2/etc/t.toml"), "r3").unwrap();
    here.changes.recv_timeout(LONG).expect("where it leads now");
    exchange("current", "releases/r1");
    here.changes.recv_timeout(LONG).expect("the link itself");
    std::fs::write(folder.join("current/etc/t.toml"), "r4").unwrap();
    here.changes.recv_timeout(LONG).expect("where it leads at last");
}

#[test]
fn links_are_followed_to_their_end_if_they_have_one() {
    use std::os::unix::fs::symlink;
    let folder = tempfile::tempdir().unwrap();
    let real = folder.path().canonicalize().unwrap();
    std::fs::create_dir_all(real.join("a/b")).unwrap();
    symlink("../a/./b", real.join("a/up")).unwrap();
    symlink(real.join("a"), real.join("root")).unwrap();
    symlink("loop", real.join("loop")).unwrap();
    for (file, folders) in [
        ("a/b/t.toml", vec!["a/b"]),
        ("a/up/t.toml", vec!["a", "a/b"]),
        ("root/b/../up/t.toml", vec!["", "a", "a/b"]),
        ("root/none/of/these/t.toml", vec!["", "a"]),
    ] {
        let folders: Vec<_> = folders.iter().map(|name| real.join(name)).collect();
        let seen = folders_of(&real.join(file));
        assert!(seen.iter().eq(&folders), "{file}: {seen:?}");
    }
    let endless = folders_of(&real.join("loop/t.toml"));
    assert_eq!(endless, vec![real; LINKS + 1]);
}

#[test]
fn what_changes_nothing_is_not_told() {
    let here = watched("t.toml", |folder| std::fs::write(folder.join("t.toml"), "a").unwrap());
    let file = here.folder.path().join("t.toml");
    // Renamed into place, so that no half-written file is ever seen.
    for (other, text) in [("other", "a"), ("another", "b")] {
        std::fs::write(here.folder.path().join(other), text).unwrap();
        std::fs::rename(here.folder.path().join(other), &file).unwrap();
    }
    here.changes.recv_timeout(LONG).unwrap();
    assert!(here.changes.try_recv().is_err(), "told of something that did not change");
}

#[test]
fn files_that_come_to_be_named_are_followed_from_then_on() {
    let folder = tempfile::tempdir().unwrap();
    let [first, second] = ["a/t.toml", "b/cert.pem"].map(|name| folder.path().join(name));
    for file in [&first, &second] {
        std::fs::create_dir(file.parent().unwrap()).unwrap();
        std::fs::write(file, "1").unwrap();
    }
    let (tell, changes) = channel();
    let all = vec![first.clone(), second.clone()];
    let told = move |_| {
        tell.send(()).unwrap();
        all.clone()
    };
    let _watch = watch(std::slice::from_ref(&first), told).unwrap();
    changes.recv_timeout(LONG).unwrap();
    changes.recv_timeout(LONG).expect("what it names was read before it was followed");
    std::fs::write(&first, "2").unwrap();
    changes.recv_timeout(LONG).unwrap();
    std::fs::write(&second, "2").unwrap();
    changes.recv_timeout(LONG).unwrap();
}

#[test]
fn what_is_gone_waits_unless_there_is_something_else() {
    let [one, two] = ["1", "2"].map(|text| Some((Digest::of(text.as_bytes()), false)));
    let open = Some((Digest::of(b"1"), true));
    // The configuration, a certificate and a key.
    for (seen, now, worth) in [
        ([one, one, one], [one, one, one], false),
        ([one, one, one], [one, two, one], true),
        ([one, one, one], [one, open, one], true),
        ([one, one, one], [one, one, None], false),
        ([one, one, one], [one, two, None], false),
        ([one, one, one], [None, two, one], false),
        ([one, one, one], [two, one, None], true),
        ([one, one, None], [one, one, None], false),
        ([one, one, None], [one, two, None], true),
        ([one, one, None], [one, one, one], true),
        ([one, one, None], [one, None, one], true),
    ] {
        assert_eq!(is_worth_a_look(&seen, &now), worth, "{seen:?} {now:?}");
    }
}

#[test]
fn a_dropped_watch_ends_its_thread() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("t.toml"), "a").unwrap();
    let (tell, changes) = channel::<()>();
    let files = [folder.path().join("t.toml")];
    let followed = files.to_vec();
    let told = move |_| {
        tell.send(()).unwrap();
        followed.clone()
    };
    let watch = watch(&files, told).unwrap();
    changes.recv_timeout(LONG).unwrap();
    drop(watch);
    // The thread owned the only sender.
    assert_eq!(changes.recv_timeout(LONG), Err(RecvTimeoutError::Disconnected));
}
