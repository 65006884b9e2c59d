//! What is sealed comes back, and nothing else does.

use std::fs;
use std::os::unix::fs::PermissionsExt;

use super::*;

fn key(folder: &Path) -> MasterKey {
    MasterKey::create(&folder.join("master.key")).unwrap()
}

#[test]
fn a_value_opens_only_where_it_belongs() {
    let folder = tempfile::tempdir().unwrap();
    let key = key(folder.path());
    let (context, other): (Slug, Slug) = ("telegram".parse().unwrap(), "tele".parse().unwrap());
    let token = TokenId::new(1, [1; 10]);
    let here = Binding { token, context: &context, parameter: "bot" };
    let sealed = key.seal(&here, "geheim ✓").unwrap();
    assert_ne!(sealed, key.seal(&here, "geheim ✓").unwrap());
    assert!(!sealed.contains("geheim"));
    assert_eq!(key_of(&sealed), Some(key.id()));
    assert_eq!(key.open(&here, &sealed).unwrap().as_str(), "geheim ✓");
    for elsewhere in [
        Binding { token: TokenId::new(1, [2; 10]), ..here },
        Binding { parameter: "bo", ..here },
        Binding { context: &other, parameter: "grambot", ..here },
    ] {
        assert_eq!(key.open(&elsewhere, &sealed), Err(SealError::Forged));
    }
}

#[test]
fn any_changed_character_is_noticed() {
    let folder = tempfile::tempdir().unwrap();
    let key = key(folder.path());
    let context = "telegram".parse().unwrap();
    let here = Binding { token: TokenId::new(1, [1; 10]), context: &context, parameter: "bot" };
    let sealed = key.seal(&here, "value").unwrap();
    for at in 0..sealed.len() {
        for with in [b'A', b'B', b'0', b'.'] {
            let mut changed = sealed.clone().into_bytes();
            if std::mem::replace(&mut changed[at], with) != with {
                let changed = String::from_utf8(changed).unwrap();
                assert!(key.open(&here, &changed).is_err(), "{changed}");
            }
        }
        assert!(key.open(&here, &sealed[..at]).is_err());
    }
}

#[test]
fn another_key_is_named_and_no_key_is_shown() {
    let folder = tempfile::tempdir().unwrap();
    let (one, two) = (key(folder.path()), MasterKey::create(&folder.path().join("b")).unwrap());
    let context = "telegram".parse().unwrap();
    let here = Binding { token: TokenId::new(1, [1; 10]), context: &context, parameter: "bot" };
    let error = two.open(&here, &one.seal(&here, "value").unwrap()).unwrap_err().to_string();
    assert!(error.contains(one.id()) && error.contains(two.id()), "{error}");
    let text = fs::read_to_string(folder.path().join("b")).unwrap();
    assert!(!format!("{two:?}").contains(&text[..8]));
    let again = MasterKey::load(&SecretSource::File(folder.path().join("b"))).unwrap();
    assert_eq!(again.open(&here, &two.seal(&here, "value").unwrap()).unwrap().as_str(), "value");
}

#[test]
fn a_key_that_others_can_read_or_that_is_none_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("master.key");
    let load = || MasterKey::load(&SecretSource::File(path.clone()));
    assert!(matches!(load(), Err(KeyError::Missing(_))));
    MasterKey::create(&path).unwrap();
    assert_eq!(fs::metadata(&path).unwrap().mode() & 0o777, 0o600);
    assert!(matches!(MasterKey::create(&path), Err(KeyError::Failed { .. })));
    for mode in [0o640, 0o604, 0o644] {
        fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
        assert!(matches!(load(), Err(KeyError::Exposed(_, found)) if found == mode));
    }
    fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
    let good = "0123456789abcdef".repeat(4);
    for (text, fine) in [
        (good.clone(), true),
        (format!("{good}\r\n"), true),
        (String::new(), false),
        (good[1..].to_owned(), false),
        (format!("{good}0"), false),
        (format!("{good}\n{good}"), false),
        (good.replace('a', "g"), false),
    ] {
        fs::write(&path, &text).unwrap();
        assert_eq!(load().is_ok(), fine, "{text:?}");
    }
}
