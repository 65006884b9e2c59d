//! The examples of README.md do what it says of them.

use std::io::{BufRead as _, BufReader};
use std::net::SocketAddr;
use std::path::Path;
use std::process::{Command, Stdio};

use serde_json::Value;

use crate::server::{Server, hello};
use crate::{Place, files};

fn readme() -> String {
    std::fs::read_to_string("README.md").unwrap()
}

/// The blocks of one language.
fn blocks(readme: &str, language: &str) -> Vec<String> {
    let fence = format!("```{language}\n");
    let rest = readme.split(&fence).skip(1);
    rest.map(|rest| rest.split("```").next().unwrap().to_owned()).collect()
}

/// The commands that begin so, without comments, in words.
fn commands(readme: &str, begin: &str) -> Vec<Vec<String>> {
    let lines = blocks(readme, "sh").concat();
    let lines = lines.lines().map(|line| line.split(" #").next().unwrap().trim().to_owned());
    let found: Vec<_> = lines.filter(|line| line.starts_with(begin)).collect();
    assert!(!found.is_empty(), "no `{begin}` in README.md");
    let words = |line: String| line.split_whitespace().skip(1).map(str::to_owned).collect();
    found.into_iter().map(words).collect()
}

#[test]
fn every_configuration_of_the_readme_is_well() {
    let found = blocks(&readme(), "toml");
    assert!(!found.is_empty());
    let made = rcgen::generate_simple_self_signed(["shop.internal".to_owned()]).unwrap();
    for block in found {
        let place = Place::empty();
        for name in ["server.pem", "internal-ca.pem"] {
            std::fs::write(place.path(name), made.cert.pem()).unwrap();
        }
        std::fs::write(place.path("server.key"), made.signing_key.serialize_pem()).unwrap();
        std::fs::write(place.path("tollgate.toml"), &block).unwrap();
        assert!(place.ok(&["check"]).contains("is well"), "{block}");
    }
}

/// Runs a block as a person who pastes it, with `tollgate` on the path. Nothing is changed in it but the
/// ports, which may be taken here.
fn pasted(place: &Place, block: &str, upstream: SocketAddr) -> Command {
    let asked = "http://127.0.0.1:9000 --listen 127.0.0.1:8080";
    assert!(block.contains(asked), "{block}");
    let other = format!("http://{upstream} --listen 127.0.0.1:0 --admin 127.0.0.1:0");
    let mut command = Command::new("sh");
    let program = Path::new(env!("CARGO_BIN_EXE_tollgate")).parent().unwrap();
    let path = format!("{}:{}", program.display(), std::env::var("PATH").unwrap());
    command.args(["-e", "-c", &block.replace(asked, &other)]).env("PATH", path);
    command.env_remove("TOLLGATE_CONFIG").current_dir(place.path("."));
    command
}

#[test]
fn the_first_block_for_a_service_can_be_pasted() {
    let readme = readme();
    let place = Place::empty();
    let all = blocks(&readme, "sh");
    let first = all.iter().position(|block| block.contains("serve --upstream")).unwrap();
    // The server ends with the test, and so must the shell that it takes the place of.
    let block = all[first].trim_end();
    let (before, serve) = block.rsplit_once('\n').unwrap();
    assert!(serve.starts_with("tollgate ") && !serve.ends_with('&'), "{serve}");
    let (log, errors) = std::io::pipe().unwrap();
    let mut command = pasted(&place, &format!("{before}\nexec {serve}\n"), hello());
    let mut server = Server::begin_onto(command.stderr(errors), Stdio::piped());
    drop(command);
    let mut lines = BufReader::new(server.output()).lines().map_while(Result::ok);
    let mut secret = None;
    let listens = lines.find_map(|line| {
        let found = line.split_whitespace().find(|word| word.starts_with("tg_"));
        secret = secret.take().or(found.map(str::to_owned));
        line.contains("listens on http://").then_some(line)
    });
    let Some(listens) = listens else {
        panic!("{}", std::io::read_to_string(log).unwrap());
    };
    let address = listens.split("http://").nth(1).unwrap().split(' ').next().unwrap();
    let (curl, secret) = (&all[first + 1], secret.unwrap());
    assert!(curl.contains("tg_...") && curl.contains("http://127.0.0.1:8080/"), "{curl}");
    let curl = curl.replace("tg_...", &secret).replace("127.0.0.1:8080", address);
    let answer = Command::new("sh").args(["-c", &curl]).output().unwrap();
    assert_eq!(String::from_utf8_lossy(&answer.stdout), "hello");
}

/// The help of every command there is.
fn all_help() -> String {
    let place = Place::empty();
    place.ok(&["man", "--dir", "."]);
    let pages = files(&place.path("."));
    let text = pages.iter().map(|page| std::fs::read_to_string(page).unwrap());
    text.collect::<String>().replace("\\fR", " ").replace('\\', "")
}

#[test]
fn every_option_that_is_written_about_is_there() {
    let (help, mut found) = (all_help(), 0);
    let named = |text: &str, option: &str| {
        let after = |at: usize| text[at + option.len()..].chars().next();
        let ends = |next: Option<char>| next.is_none_or(|c| !c.is_ascii_alphanumeric() && c != '-');
        text.match_indices(option).any(|(at, _)| ends(after(at)))
    };
    for file in ["docs/many.md", "docs/operating.md", "docs/transparent.md", "config/tollgate.toml"]
    {
        let text = std::fs::read_to_string(file).unwrap();
        for (at, _) in text.match_indices("--") {
            let rest = &text[at + 2..];
            let is_name = |c: char| c.is_ascii_lowercase() || c == '-';
            let name: String = rest.chars().take_while(|c| is_name(*c)).collect();
            let begins = text[..at].chars().next_back().is_none_or(|c| c != '-');
            if begins && name.starts_with(|c: char| c.is_ascii_lowercase()) {
                found += 1;
                let option = format!("--{name}");
                assert!(named(&help, &option), "{file} names `{option}`, which no command has");
            }
        }
    }
    assert!(found > 5);
}

#[test]
fn the_token_of_the_readme_can_do_what_the_readme_asks() {
    let readme = readme();
    let place = Place::empty();
    let config = blocks(&readme, "toml").remove(0);
    let config = config.replace("/var/lib/tollgate", place.path("data").to_str().unwrap());
    std::fs::write(place.path("tollgate.toml"), config).unwrap();
    // As the block has it, whose words stand before those that need her.
    let block = blocks(&readme, "sh").into_iter().find(|block| block.contains("--items")).unwrap();
    let block = format!("```sh\n{block}```\n");
    let add = commands(&block, "tollgate user add").remove(0).join(" ").replace('"', "");
    assert!(
        block.find(&add.replace("Alice", "\"Alice\"")) < block.find("--owner alice"),
        "{block}"
    );
    let words: Vec<_> = add.split(' ').chain(["--data", "data"]).collect();
    place.ok(&words);
    let create = commands(&readme, "tollgate token create").pop().unwrap();
    assert!(create.contains(&"--items".to_owned()), "{create:?}");
    let create: Vec<_> = create.iter().map(String::as_str).collect();
    let created = place.json(&create);
    let id = created["token"]["id"].as_str().unwrap();
    let verdict = |words: &[&str]| {
        let told: Value = place.json(words);
        (told["permitted"].as_bool().unwrap(), told["reason"].as_str().unwrap_or("-").to_owned())
    };
    for explain in commands(&readme, "tollgate explain") {
        let words: Vec<_> =
            explain.iter().map(|word| if word == "ID" { id } else { word.as_str() }).collect();
        assert_eq!(verdict(&words), (true, "-".to_owned()), "{words:?}");
    }
    for (method, path, reason) in [
        ("GET", "/api/stock", "-"),
        ("GET", "/api/stock/11", "-"),
        ("GET", "/api/stock/12", "item_not_allowed"),
        ("PUT", "/api/stock/10", "flags_missing"),
        ("POST", "/api/stock/10", "no_rule"),
        ("GET", "/api/stock/10/11", "no_rule"),
    ] {
        let url = format!("http://erp.example.com{path}");
        let found = verdict(&["explain", "--token", id, method, &url]);
        assert_eq!(found.1, reason, "{method} {path}");
    }
}

/// What starts the gateway for somebody else: the unit of systemd, and the image. Nobody tries these on every machine.
#[test]
fn what_services_and_images_run_is_understood() {
    let read = |name: &str| std::fs::read_to_string(name).unwrap();
    let (unit, image) = (read("config/systemd/tollgate.service"), read("Dockerfile"));
    let units = unit.lines().filter(|line| line.starts_with("Exec"));
    let units = units.map(|line| line.split_once('=').unwrap().1.split(' ').map(str::to_owned));
    let mut all: Vec<Vec<String>> = units.map(Iterator::collect).collect();
    let of_image = |begin: &str| {
        let line = image.lines().find(|line| line.starts_with(begin)).unwrap();
        serde_json::from_str::<Vec<String>>(&line[line.find('[').unwrap()..]).unwrap()
    };
    all.push([of_image("ENTRYPOINT"), of_image("CMD")].concat());
    all.push(of_image("HEALTHCHECK"));
    assert_eq!(all.len(), 4, "{all:?}");
    for words in all {
        assert_eq!(words[0], "/usr/local/bin/tollgate");
        let asked = Command::new(env!("CARGO_BIN_EXE_tollgate"))
            .args(&words[1..])
            .arg("--help")
            .env_remove("TOLLGATE_CONFIG")
            .output()
            .unwrap();
        let told = String::from_utf8_lossy(&asked.stderr).into_owned();
        assert!(asked.status.success(), "{words:?}: {told}");
    }
}
