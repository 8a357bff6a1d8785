//! A real browser, driven over its debugging socket: enough to open a page, run a line in it, and wait until something holds.

use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use futures_util::{SinkExt, StreamExt};
use serde_json::{Value as Json, json};
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream, connect_async};

const PATIENCE: Duration = Duration::from_secs(30);

pub struct Browser {
    process: Child,
    socket: WebSocketStream<MaybeTlsStream<TcpStream>>,
    count: u64,
    /// What the page complained about: refused by policy, not found, thrown.
    pub complaints: Vec<String>,
    _profile: tempfile::TempDir,
}

/// The program; `HOOKE_TEST_BROWSER` names another one.
fn program() -> Option<String> {
    let named = std::env::var("HOOKE_TEST_BROWSER").ok().filter(|name| !name.is_empty());
    let known = ["chromium", "chromium-browser", "google-chrome"].map(str::to_owned);
    let found = named.into_iter().chain(known).find(|name| {
        Command::new(name)
            .arg("--version")
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .status()
            .is_ok_and(|status| status.success())
    });
    if found.is_none() && std::env::var("HOOKE_TEST_REQUIRE").is_ok_and(|value| value == "1") {
        panic!("there is no chromium, and HOOKE_TEST_REQUIRE=1 wants one; HOOKE_TEST_BROWSER can name it");
    }
    found
}

impl Browser {
    /// One that knows no host but this one, so that what it shows came from here. `None`: there is no browser.
    pub async fn open(width: u32, height: u32) -> Option<Browser> {
        let program = program()?;
        let profile = tempfile::tempdir().unwrap();
        let process = Command::new(program)
            .args(["--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--remote-debugging-port=0"])
            .arg("--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1")
            .arg(format!("--user-data-dir={}", profile.path().display()))
            .arg(format!("--window-size={width},{height}"))
            .arg("about:blank")
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        // from here on it is stopped whatever happens
        let mut started = Started(Some(process));
        let note = profile.path().join("DevToolsActivePort");
        let port = until("the browser listens", || async {
            let text = std::fs::read_to_string(&note).ok()?;
            text.lines().next()?.parse::<u16>().ok()
        })
        .await;
        let address = until("the browser has a page", || async {
            let list: Json = reqwest::get(format!("http://127.0.0.1:{port}/json/list")).await.ok()?.json().await.ok()?;
            let page = list.as_array()?.iter().find(|target| target["type"] == "page")?;
            page["webSocketDebuggerUrl"].as_str().map(str::to_owned)
        })
        .await;
        let (socket, _) = connect_async(address).await.unwrap();
        let process = started.0.take().unwrap();
        let mut browser = Browser { process, socket, count: 0, complaints: Vec::new(), _profile: profile };
        for domain in ["Page", "Runtime", "Log"] {
            browser.send(&format!("{domain}.enable"), json!({})).await;
        }
        Some(browser)
    }

    /// The result of a method.
    async fn send(&mut self, method: &str, parameters: Json) -> Json {
        self.attempt(method, parameters).await.unwrap_or_else(|fault| panic!("{method}: {fault}"))
    }

    /// The result of a method, or what the browser says instead; events that come in between are looked through for complaints.
    async fn attempt(&mut self, method: &str, parameters: Json) -> Result<Json, Json> {
        self.count += 1;
        let id = self.count;
        let text = json!({ "id": id, "method": method, "params": parameters }).to_string();
        self.socket.send(Message::text(text)).await.unwrap();
        loop {
            let next = tokio::time::timeout(PATIENCE, self.socket.next()).await;
            let message = next.unwrap_or_else(|_| panic!("no answer to {method}")).expect("the browser has gone").unwrap();
            let Message::Text(text) = message else { continue };
            let mut json: Json = serde_json::from_str(&text).unwrap();
            if json["id"] == id {
                return if json.get("error").is_some() { Err(json) } else { Ok(json["result"].take()) };
            }
            let entry = &json["params"]["entry"];
            match json["method"].as_str() {
                Some("Log.entryAdded") if entry["level"] == "error" => {
                    self.complaints.push(format!("{} {}", entry["text"], entry["url"]))
                }
                Some("Runtime.exceptionThrown") => self.complaints.push(json["params"]["exceptionDetails"].to_string()),
                _ => {}
            }
        }
    }

    /// What is seen of a page is so large, also where a window cannot be.
    pub async fn resize(&mut self, width: u32, height: u32) {
        let size = json!({ "width": width, "height": height, "deviceScaleFactor": 1, "mobile": true });
        self.send("Emulation.setDeviceMetricsOverride", size).await;
    }

    pub async fn visit(&mut self, url: &str) {
        self.send("Page.navigate", json!({ "url": url })).await;
        self.wait_for("document.readyState === 'complete' && location.href !== 'about:blank'").await;
    }

    /// The value of an expression in the page.
    pub async fn evaluate(&mut self, expression: &str) -> Json {
        self.send("Runtime.evaluate", evaluation(expression)).await["result"]["value"].take()
    }

    /// Until the expression is true. While one page gives way to another nothing is.
    pub async fn wait_for(&mut self, expression: &str) {
        let began = Instant::now();
        while !matches!(self.attempt("Runtime.evaluate", evaluation(expression)).await, Ok(found) if found["result"]["value"] == true)
        {
            assert!(began.elapsed() < PATIENCE, "not true after {PATIENCE:?}: {expression}; complaints: {:?}", self.complaints);
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }
}

fn evaluation(expression: &str) -> Json {
    json!({ "expression": expression, "returnByValue": true, "awaitPromise": true })
}

struct Started(Option<Child>);

impl Drop for Started {
    fn drop(&mut self) {
        if let Some(process) = &mut self.0 {
            stop(process);
        }
    }
}

impl Drop for Browser {
    fn drop(&mut self) {
        stop(&mut self.process);
    }
}

fn stop(process: &mut Child) {
    let _ = process.kill();
    let _ = process.wait();
}

async fn until<T>(what: &str, attempt: impl AsyncFn() -> Option<T>) -> T {
    let began = Instant::now();
    loop {
        if let Some(found) = attempt().await {
            return found;
        }
        assert!(began.elapsed() < PATIENCE, "in vain: {what}");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}
