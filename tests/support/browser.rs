//! Chromium without a window, driven by the DevTools protocol. Everything has a time limit, and the
//! browser goes with all its processes when the test ends, however it ends.

use std::net::TcpStream;
use std::os::unix::process::CommandExt as _;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tungstenite::WebSocket;

/// The browser is ended after so long, whatever the test does.
const LIFE_S: u32 = 300;
const RESPONSE: Duration = Duration::from_secs(20);
const POLL: Duration = Duration::from_millis(100);

pub struct Browser {
    child: Child,
    socket: WebSocket<TcpStream>,
    session: Option<String>,
    calls: u64,
    /// Errors that the page wrote to the console, or threw.
    pub complaints: Vec<String>,
    _folder: tempfile::TempDir,
}

impl Browser {
    /// `None`, with a message, if there is none.
    pub fn start() -> Option<Self> {
        let names = ["chromium", "chromium-browser", "google-chrome"];
        let Some(name) = names.into_iter().find(|name| is_there(name)) else {
            println!("skipped: no chromium is installed");
            return None;
        };
        let folder = tempfile::tempdir().unwrap();
        let output = folder.path().join("stderr");
        let mut command = Command::new("timeout");
        command
            .args(["--kill-after=5", &LIFE_S.to_string(), name])
            .args(["--headless=new", "--no-sandbox", "--disable-gpu"])
            .args(["--disable-dev-shm-usage", "--no-first-run"])
            .args(["--disable-background-networking", "--disable-extensions"])
            .args(["--window-size=1280,720", "--remote-debugging-port=0"])
            .arg(format!(
                "--user-data-dir={}",
                folder.path().join("profile").display()
            ))
            .arg("about:blank")
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(std::fs::File::create(&output).unwrap())
            .process_group(0);
        let child = command.spawn().unwrap();
        let start = Instant::now();
        let address = loop {
            let text = std::fs::read_to_string(&output).unwrap();
            let line = text
                .lines()
                .find_map(|l| l.strip_prefix("DevTools listening on "));
            if let Some(address) = line {
                break address.to_owned();
            }
            if start.elapsed() > RESPONSE {
                end(child);
                panic!("chromium does not start: {text}");
            }
            std::thread::sleep(POLL);
        };
        let host = address.split('/').nth(2).unwrap();
        let stream = TcpStream::connect(host).unwrap();
        stream.set_read_timeout(Some(RESPONSE)).unwrap();
        let (socket, _) = tungstenite::client(&address, stream).unwrap();
        Some(Self {
            child,
            socket,
            session: None,
            calls: 0,
            complaints: Vec::new(),
            _folder: folder,
        })
    }

    /// Opens a page of its own and watches its console.
    pub fn open(&mut self, address: &str) {
        let target = self.call("Target.createTarget", json!({ "url": "about:blank" }));
        let attach = json!({ "targetId": target["targetId"], "flatten": true });
        let session = self.call("Target.attachToTarget", attach);
        self.session = Some(session["sessionId"].as_str().unwrap().into());
        self.call("Runtime.enable", json!({}));
        self.call("Log.enable", json!({}));
        self.call("Page.enable", json!({}));
        self.call("Page.navigate", json!({ "url": address }));
    }

    pub fn call(&mut self, method: &str, params: Value) -> Value {
        let message = self.response(method, params);
        assert!(message["error"].is_null(), "{method}: {message}");
        message["result"].clone()
    }

    /// The whole response, an `error` included.
    fn response(&mut self, method: &str, params: Value) -> Value {
        self.calls += 1;
        let mut request = json!({ "id": self.calls, "method": method, "params": params });
        if let Some(session) = &self.session {
            request["sessionId"] = json!(session);
        }
        let request = tungstenite::Message::text(request.to_string());
        self.socket.send(request).unwrap();
        let start = Instant::now();
        loop {
            assert!(start.elapsed() < RESPONSE, "no response to {method}");
            let tungstenite::Message::Text(text) = self.socket.read().unwrap() else {
                continue;
            };
            let message: Value = serde_json::from_str(&text).unwrap();
            if message["id"] == json!(self.calls) {
                return message;
            }
            self.note(&message);
        }
    }

    fn note(&mut self, event: &Value) {
        let params = &event["params"];
        let bad = match event["method"].as_str().unwrap_or_default() {
            "Runtime.exceptionThrown" => true,
            "Runtime.consoleAPICalled" => params["type"] == "error",
            "Log.entryAdded" => params["entry"]["level"] == "error",
            _ => false,
        };
        if bad {
            self.complaints.push(params.to_string());
        }
    }

    /// The value of an expression in the page; a promise is waited for.
    pub fn value(&mut self, expression: &str) -> Value {
        let params =
            json!({ "expression": expression, "returnByValue": true, "awaitPromise": true });
        let response = self.call("Runtime.evaluate", params);
        assert!(
            response["exceptionDetails"].is_null(),
            "{expression}: {response}"
        );
        response["result"]["value"].clone()
    }

    /// Waits until the expression is true.
    pub fn until(&mut self, expression: &str, patience: Duration) {
        let start = Instant::now();
        // While a page is being replaced, there is none to evaluate in.
        let params =
            || json!({ "expression": expression, "returnByValue": true, "awaitPromise": true });
        while self.response("Runtime.evaluate", params())["result"]["result"]["value"]
            != json!(true)
        {
            if start.elapsed() > patience {
                let shown = self.value("document.body.innerText");
                panic!("not within {patience:?}: {expression}; the page shows {shown}");
            }
            std::thread::sleep(POLL);
        }
    }

    pub fn press(&mut self, key: &str) {
        let (virtual_code, text) = match key {
            "Tab" => (9, ""),
            "Enter" => (13, "\r"),
            "Escape" => (27, ""),
            _ => (0, ""),
        };
        for kind in ["keyDown", "keyUp"] {
            let params = json!({
                "type": kind, "key": key, "code": key, "text": text, "windowsVirtualKeyCode": virtual_code,
            });
            self.call("Input.dispatchKeyEvent", params);
        }
    }
}

impl Drop for Browser {
    fn drop(&mut self) {
        kill_group(&self.child);
        let _ = self.child.wait();
    }
}

fn end(mut child: Child) {
    kill_group(&child);
    let _ = child.wait();
}

fn kill_group(child: &Child) {
    // SAFETY: nothing but a system call; the group is the child's own and was not waited for.
    unsafe { libc::kill(-(child.id() as i32), libc::SIGKILL) };
}

fn is_there(program: &str) -> bool {
    let folders = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&folders).any(|folder| folder.join(program).is_file())
}
