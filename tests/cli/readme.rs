//! The examples of README.md do what it says of them.

use crate::Place;

use serde_json::Value;

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
    for block in found {
        let place = Place::empty();
        std::fs::write(place.path("tollgate.toml"), &block).unwrap();
        assert!(place.ok(&["check"]).contains("is well"), "{block}");
    }
}

#[test]
fn the_token_of_the_readme_can_do_what_the_readme_asks() {
    let readme = readme();
    let place = Place::empty();
    let config = blocks(&readme, "toml").remove(0);
    let config = config.replace("/var/lib/tollgate", place.path("data").to_str().unwrap());
    std::fs::create_dir(place.path("data")).unwrap();
    std::fs::write(place.path("tollgate.toml"), config).unwrap();
    place.ok(&["user", "add", "alice"]);
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
