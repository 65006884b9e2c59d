//! A real browser: headless Chromium, told what to do over a pipe (the DevTools protocol).

use std::fs::File;
use std::io::{BufRead as _, BufReader, Write as _};
use std::path::Path;
use std::process::{Command, Stdio};
use std::thread;
use std::time::Duration;

use base64::Engine as _;
use serde_json::{Value, json};
use tempfile::TempDir;
use tollgate::clock::instant;

use super::process::Process;

/// How long a page may take to be as it should.
const PATIENCE: Duration = Duration::from_secs(20);

/// A browser with one tab.
pub struct Browser {
    to: File,
    from: BufReader<File>,
    session: Option<String>,
    asked: u64,
    /// What the browser complained of: refused by the policy of a page, or a mistake of a script.
    pub complaints: Vec<String>,
    _process: Process,
    _folder: TempDir,
}

impl Browser {
    /// Starts one.
    pub fn start() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let pipe = |name: &str| folder.path().join(name);
        let made = Command::new("mkfifo").args([pipe("in"), pipe("out")]).status().unwrap();
        assert!(made.success());
        let run = "exec chromium --headless=new --no-sandbox --disable-gpu --disable-dev-shm-usage \
                   --no-first-run --disable-background-networking --hide-scrollbars \
                   --remote-debugging-pipe --user-data-dir=\"$0/profile\" about:blank \
                   3<\"$0/in\" 4>\"$0/out\"";
        let mut command = Command::new("sh");
        command.args(["-c", run]).arg(folder.path()).env("HOME", folder.path());
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        let process = Process::spawn(&mut command);
        let to = File::options().write(true).open(pipe("in")).unwrap();
        let from = BufReader::new(File::open(pipe("out")).unwrap());
        let (asked, complaints) = (0, Vec::new());
        let mut browser =
            Self { to, from, session: None, asked, complaints, _process: process, _folder: folder };
        let target = browser.tell("Target.createTarget", json!({"url": "about:blank"}));
        let attach = json!({"targetId": target["targetId"], "flatten": true});
        let session = browser.tell("Target.attachToTarget", attach);
        browser.session = Some(session["sessionId"].as_str().unwrap().to_owned());
        for domain in ["Page.enable", "Runtime.enable", "Log.enable"] {
            browser.tell(domain, json!({}));
        }
        browser
    }

    /// One command and its answer. What is told meanwhile is looked through for complaints.
    pub fn tell(&mut self, method: &str, params: Value) -> Value {
        self.try_tell(method, params).unwrap_or_else(|error| panic!("{method}: {error}"))
    }

    fn try_tell(&mut self, method: &str, params: Value) -> Result<Value, Value> {
        self.asked += 1;
        let id = self.asked;
        let mut message = json!({"id": id, "method": method, "params": params});
        if let Some(session) = &self.session {
            message["sessionId"] = json!(session);
        }
        self.to.write_all(format!("{message}\0").as_bytes()).unwrap();
        loop {
            let mut bytes = Vec::new();
            self.from.read_until(0, &mut bytes).unwrap();
            assert!(!bytes.is_empty(), "the browser is gone");
            let told: Value = serde_json::from_slice(&bytes[..bytes.len() - 1]).unwrap();
            if told["id"] == id {
                if !told["error"].is_null() {
                    return Err(told["error"].clone());
                }
                return Ok(told["result"].clone());
            }
            let kind = told["method"].as_str().unwrap_or_default();
            let grave = told["params"]["entry"]["level"] != "verbose";
            if grave && ["Log.entryAdded", "Runtime.exceptionThrown"].contains(&kind) {
                self.complaints.push(told["params"].to_string());
            }
        }
    }

    /// The value of an expression in the page.
    pub fn value(&mut self, expression: &str) -> Value {
        let told =
            self.evaluate(expression).unwrap_or_else(|error| panic!("{expression}: {error}"));
        assert!(told["exceptionDetails"].is_null(), "{expression}: {told}");
        told["result"]["value"].clone()
    }

    fn evaluate(&mut self, expression: &str) -> Result<Value, Value> {
        let params = json!({
            "expression": expression, "awaitPromise": true, "returnByValue": true, "userGesture": true,
        });
        self.try_tell("Runtime.evaluate", params)
    }

    /// Waits until an expression is true, also over loads of pages.
    pub fn until(&mut self, expression: &str) {
        let end = instant() + PATIENCE;
        let guarded =
            format!("(() => {{ try {{ return !!({expression}) }} catch {{ return false }} }})()");
        // A page that goes away while it is asked is not there yet.
        while !self.evaluate(&guarded).is_ok_and(|told| told["result"]["value"] == true) {
            if instant() >= end {
                let page = self.value("location.href + '\\n' + document.body.innerText");
                panic!("not so: {expression}\n{}", page.as_str().unwrap());
            }
            thread::sleep(Duration::from_millis(20));
        }
    }

    /// Loads a page.
    pub fn open(&mut self, url: &str) {
        self.value("document.documentElement.dataset.old = 'yes'");
        self.tell("Page.navigate", json!({"url": url}));
        self.loaded();
    }

    fn loaded(&mut self) {
        self.until("!document.documentElement.dataset.old && document.readyState === 'complete'");
    }

    /// Types into a field, as a person does: it gets the focus, and then each key.
    pub fn fill(&mut self, field: &str, text: &str) {
        self.value(&format!("document.getElementById({field:?}).focus()"));
        self.value(&format!("document.getElementById({field:?}).select?.()"));
        self.tell("Input.insertText", json!({"text": text}));
    }

    /// Presses a key and lets it go: a character, or a key by its name.
    pub fn press(&mut self, key: &str) {
        let letter = key.chars().next().filter(|_| key.len() == 1);
        let code = letter.map_or(0, |one| {
            if one.is_ascii_alphanumeric() { one.to_ascii_uppercase() as u32 } else { 0 }
        });
        let (name, code, text) = match key {
            "Tab" => ("Tab", 9, ""),
            "Enter" => ("Enter", 13, "\r"),
            "ArrowUp" => ("ArrowUp", 38, ""),
            "ArrowDown" => ("ArrowDown", 40, ""),
            " " => ("Space", 32, " "),
            _ => ("", code, key),
        };
        let kind = if text.is_empty() { "rawKeyDown" } else { "keyDown" };
        let mut event = json!({
            "type": kind, "key": key, "code": name, "windowsVirtualKeyCode": code, "text": text,
        });
        self.tell("Input.dispatchKeyEvent", event.clone());
        event["type"] = json!("keyUp");
        event["text"] = json!("");
        self.tell("Input.dispatchKeyEvent", event);
    }

    /// Presses Enter on what leads to another page.
    pub fn enter(&mut self) {
        self.value("document.documentElement.dataset.old = 'yes'");
        self.press("Enter");
        self.loaded();
    }

    /// Clicks on something, where it is seen.
    pub fn click(&mut self, selector: &str) {
        let place = self.value(&format!(
            "(() => {{ const it = document.querySelector({selector:?}); it.scrollIntoView({{block: 'center'}}); \
             const box = it.getBoundingClientRect(); return [box.x + box.width / 2, box.y + box.height / 2] }})()"
        ));
        for kind in ["mousePressed", "mouseReleased"] {
            let params = json!({
                "type": kind, "x": place[0], "y": place[1], "button": "left", "clickCount": 1,
            });
            self.tell("Input.dispatchMouseEvent", params);
        }
    }

    /// Clicks on something that leads to another page.
    pub fn follow(&mut self, selector: &str) {
        self.value("document.documentElement.dataset.old = 'yes'");
        self.click(selector);
        self.loaded();
    }

    /// Sets how wide and high the page is, and its light.
    pub fn look(&mut self, (width, height): (u32, u32), dark: bool) {
        let phone = width < 600;
        let metrics = json!({
            "width": width, "height": height, "deviceScaleFactor": if phone { 2 } else { 1 }, "mobile": phone,
        });
        self.tell("Emulation.setDeviceMetricsOverride", metrics);
        let light = if dark { "dark" } else { "light" };
        let features = json!([
            {"name": "prefers-color-scheme", "value": light},
            {"name": "prefers-reduced-motion", "value": "reduce"},
        ]);
        self.tell("Emulation.setEmulatedMedia", json!({"features": features}));
    }

    /// Writes a picture of the page from its top to its end.
    pub fn picture(&mut self, file: &Path) {
        // What stays in sight while it is scrolled stands where it belongs.
        self.value("scrollTo(0, 0)");
        let size = self.tell("Page.getLayoutMetrics", json!({}))["cssContentSize"].clone();
        let clip =
            json!({"x": 0, "y": 0, "width": size["width"], "height": size["height"], "scale": 1});
        let asked = json!({"format": "webp", "quality": 60, "captureBeyondViewport": true,
            "clip": clip});
        let got = self.tell("Page.captureScreenshot", asked);
        let text = got["data"].as_str().unwrap();
        let bytes = base64::prelude::BASE64_STANDARD.decode(text).unwrap();
        std::fs::write(file, bytes).unwrap();
    }
}
