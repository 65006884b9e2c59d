//! Gateways that follow one another over stores that fail.

use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use super::*;
use crate::cache::tests::late::Late;
use crate::config::{self, Environment};
use crate::store;

/// One API, before which nothing is asked of anybody's token: its upstream cannot be reached.
fn settings(folder: &Path) -> Settings {
    let text = format!(
        "listen = {{ public = \"127.0.0.1:0\", admin = \"127.0.0.1:0\", cores = 1 }}\n\
         store = {{ path = {folder:?}, reserve = \"1 MiB\", index_cache = \"8 MiB\" }}\n\
         [[apis]]\nname = \"a\"\nupstream = \"http://127.0.0.1:9\"\nrules = [{{ path = \"/\" }}]\n"
    );
    let settings = config::parse("t.toml".as_ref(), text.as_bytes(), &Environment::default());
    settings.unwrap_or_else(|report| panic!("{report}"))
}

/// The status that a client gets.
fn status(at: SocketAddr, path: &str) -> String {
    let mut stream = TcpStream::connect(at).unwrap();
    let head = format!("GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n");
    stream.write_all(head.as_bytes()).unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    answer.chars().skip("HTTP/1.1 ".len()).take(3).collect()
}

#[test]
fn a_gateway_whose_store_takes_no_changes_goes_on_and_its_successor_ends() {
    let folder = tempfile::tempdir().unwrap();
    let settings = settings(folder.path());
    let runtime = Runtime::new().unwrap();
    let inner = runtime.block_on(store::open(&settings.store, Clock::system())).unwrap();
    let late = Arc::new(Late::over(inner, 1));
    let behind = Arc::clone(&late) as Arc<dyn Store>;
    let running = start_on(behind, settings.clone(), None, Clock::system(), None).unwrap();
    let (public, admin) = (running.public(), running.admin());
    let before = std::thread::spawn(move || running.give_up());
    let succeed = || start_with(Sockets::TakenOver, settings.clone(), None, Clock::system(), None);
    late.is_full.store(true, Ordering::SeqCst);
    for _ in 0..2 {
        let why = succeed().unwrap_err().to_string();
        assert!(why.contains("does not give up its place"), "{why}");
        assert!(why.contains("cannot give its store away"), "{why}");
        assert_eq!(status(public, "/"), "401", "requests are decided as before");
        assert_eq!(status(admin, "/ready"), "200");
        assert!(!before.is_finished());
    }
    late.is_full.store(false, Ordering::SeqCst);
    let after = succeed().unwrap();
    assert!(matches!(before.join().unwrap().unwrap(), Ended::Over));
    assert_eq!((after.public(), status(public, "/").as_str()), (public, "401"));
    after.stop().unwrap();
}

/// What is taken here is made at the start: the socket under another name at first, and that of successors beside it.
#[test]
fn a_socket_whose_path_is_taken_can_be_made_with_all_names_beside_it() {
    let folder = tempfile::tempdir().unwrap();
    let runtime = Runtime::new().unwrap();
    let _inside = runtime.enter();
    for (end, longest) in [("", 95), (".sock", 100), (".of-tollgate-here", 107)] {
        for length in longest - 1..=108 {
            let name = "x".repeat(length - end.len() - folder.path().as_os_str().len() - 1);
            let path = folder.path().join(name + end);
            assert_eq!(path.as_os_str().len(), length);
            let text = format!("listen.socket = {path:?}");
            let parsed = config::parse("t.toml".as_ref(), text.as_bytes(), &Environment::default());
            assert_eq!(parsed.is_ok(), length <= longest, "{length} with {end:?}");
            let Ok(Settings { listen, .. }) = parsed else { continue };
            for made in [handover::place(&listen.socket), listen.socket] {
                let bound = crate::admin::socket::bind(&made);
                assert!(bound.is_ok(), "{length} with {end:?}: {bound:?}");
            }
        }
    }
}
