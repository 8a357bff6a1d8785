//! The lab from outside: sums that wait, calls in three ways, many users, searches, the dictionary, and its page.

use std::time::{Duration, Instant};

use hooke::config::{ElasticConfig, Rate, UpstreamConfig};
use hooke::lab::FACTS;
use hooke::rest::lab::{Bundled, serve};
use hooke::search::CollectionName;
use reqwest::{Method, header};
use serde_json::{Value as Json, json};
use tokio::net::TcpListener;

use crate::app::TestApp;
use crate::browser::Browser;
use crate::commands::{command, err, hooke, out};
use crate::ground::{call, elasticsearch_url, unique};

/// With an upstream of its own that allows this.
async fn lab(rate: &str) -> TestApp {
    let rate: Rate = rate.parse().unwrap();
    TestApp::open(|config| config.lab.rate = rate).await
}

async fn json(app: &TestApp, path: &str) -> Json {
    let answer = app.get(path).await;
    assert_eq!(answer.status(), 200, "{path}: {}", answer.text().await.unwrap());
    answer.json().await.unwrap()
}

/// A problem with this status and code.
async fn refused(app: &TestApp, path: &str, status: u16, code: &str) -> Json {
    let answer = app.get(path).await;
    assert_eq!(answer.status(), status, "{path}");
    assert_eq!(answer.headers()[header::CONTENT_TYPE], "application/problem+json", "{path}");
    let problem: Json = answer.json().await.unwrap();
    assert_eq!(problem["code"], code, "{problem}");
    problem
}

fn seconds(json: &Json) -> f64 {
    json.as_f64().unwrap_or_else(|| panic!("{json} is no number"))
}

#[tokio::test]
async fn sums_wait_one_after_another_and_at_once() {
    let app = TestApp::embedded().await;
    for (paths, least) in [(["/lab/sync", "/sync"], 0.4), (["/lab/async", "/async"], 0.2)] {
        for path in paths {
            let mut answer = json(&app, &format!("{path}?delay=0.2")).await;
            let took = seconds(&answer["output"]["elapsed_time"].take());
            assert_eq!(answer, json!({ "output": { "addition": 9, "multiply": 20, "elapsed_time": null } }));
            // a loaded machine may be late, never early
            assert!((least..least + 0.15).contains(&took), "{path}: {took}");
        }
    }
    let many = json(&app, "/lab/async?tasks=10000&delay=0.3").await;
    assert_eq!(many["output"]["tasks"], 10_000);
    // one after another they would take 50 minutes
    assert!((0.3..2.0).contains(&seconds(&many["output"]["elapsed_time"])), "{many}");
    let one = json(&app, "/lab/async?tasks=1&delay=0").await;
    assert_eq!((&one["output"]["addition"], &one["output"]["multiply"]), (&json!(9), &json!(null)));

    for path in ["/lab/sync?tasks=0", "/lab/async?delay=-1", "/lab/async?delay=NaN", "/lab/sync?tasks=x", "/lab/async?task=3"] {
        refused(&app, path, 400, "BAD_USER_INPUT").await;
    }
    for path in ["/lab/async?tasks=10001", "/lab/async?delay=60.5", "/lab/sync?tasks=10000&delay=1", "/lab/users/1?delay=61"] {
        refused(&app, path, 400, "LIMIT_EXCEEDED").await;
    }
    app.stop().await;
}

#[tokio::test]
async fn the_lab_has_a_deadline_of_its_own() {
    let app = TestApp::open(|config| config.limits.time = Duration::from_millis(50)).await;
    let answer = json(&app, "/lab/async?delay=2.2").await;
    assert!(seconds(&answer["output"]["elapsed_time"]) >= 2.2);
    app.stop().await;
}

#[tokio::test]
async fn one_after_another_fails_at_the_limit() {
    let app = lab("5/20s").await;
    let three = json(&app, "/lab/cat/3").await;
    let output = &three["output"];
    assert_eq!(output["facts"], json!(FACTS[1..=3]));
    assert_eq!((&output["asked"], &output["answered"], &output["refused"]), (&json!(3), &json!(3), &json!(0)));
    let answer = app.get("/cat/8").await;
    assert_eq!(answer.status(), 429);
    let again: u64 = answer.headers()[header::RETRY_AFTER].to_str().unwrap().parse().unwrap();
    assert!((15..=20).contains(&again), "{again}");
    let problem: Json = answer.json().await.unwrap();
    assert_eq!(problem["code"], "LIMIT_EXCEEDED");
    assert!(problem["detail"].as_str().unwrap().contains("call 3 of 8 was refused"), "{problem}");
    let statuses: Vec<&Json> = problem["calls"].as_array().unwrap().iter().map(|call| &call["status"]).collect();
    assert_eq!(statuses, [200, 200, 429]);
    // a limit that would take longer than the lab may is refused at once
    refused(&app, "/lab/cat_async_limited/200", 400, "LIMIT_EXCEEDED").await;
    refused(&app, "/lab/cat_async_limited/0", 400, "BAD_USER_INPUT").await;
    refused(&app, "/lab/cat/10001", 400, "LIMIT_EXCEEDED").await;
    refused(&app, "/cat_async/x", 400, "BAD_USER_INPUT").await;
    app.stop().await;
}

#[tokio::test]
async fn at_once_brings_what_came() {
    let app = lab("5/20s").await;
    for (path, answered) in [("/lab/cat_async/12", 5), ("/cat_async/3", 0)] {
        let output = json(&app, path).await["output"].take();
        assert_eq!(output["answered"], answered, "{output}");
        assert_eq!(output["refused"], seconds(&output["asked"]) as u64 - answered);
        let calls = output["calls"].as_array().unwrap();
        assert!(calls.iter().enumerate().all(|(n, call)| call["call"] == n + 1));
        assert_eq!(calls.iter().filter(|call| call["status"] == 200).count() as u64, answered);
        assert!(calls.iter().all(|call| seconds(&call["elapsed_time"]) >= 0.0 && call["attempts"] == 1));
    }
    app.stop().await;
}

#[tokio::test]
async fn inside_the_limit_all_come_in_order_and_callers_share_it() {
    let app = lab("5/500ms").await;
    let began = Instant::now();
    let (one, two) = tokio::join!(json(&app, "/lab/cat_async_limited/12"), json(&app, "/cat_async_limited/6"));
    // 18 calls at 5 in half a second: the last ones after three halves
    assert!(began.elapsed() >= Duration::from_millis(1_500));
    for (answer, n) in [(one, 12), (two, 6)] {
        let output = &answer["output"];
        assert_eq!((&output["answered"], &output["refused"], &output["failed"]), (&json!(n), &json!(0), &json!(0)));
        assert_eq!(output["facts"], json!(FACTS[1..=n]));
        for call in output["calls"].as_array().unwrap() {
            assert_eq!((&call["status"], &call["attempts"]), (&json!(200), &json!(1)), "{call}");
        }
    }
    app.stop().await;
}

#[tokio::test]
async fn a_caller_who_leaves_ends_the_work() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let upstream = format!("http://{}", listener.local_addr().unwrap());
    let bundled = Bundled { rate: "10000/1m".parse().unwrap(), slow: Duration::from_millis(30), fail: 0.0 };
    let served = tokio::spawn(serve(listener, bundled, std::future::pending()));
    let app = TestApp::open(|config| {
        let settings = UpstreamConfig { url: format!("{upstream}/fact"), ..UpstreamConfig::default() };
        config.upstreams.insert("slow".into(), settings);
    })
    .await;
    let admitted = async || {
        let stats: Json = app.http.get(format!("{upstream}/stats")).send().await.unwrap().json().await.unwrap();
        stats["admitted"].as_u64().unwrap()
    };
    let request = app.http.get(app.at("/lab/cat/1000")).send();
    assert!(tokio::time::timeout(Duration::from_millis(300), request).await.is_err());
    let began = Instant::now();
    let mut last = admitted().await;
    assert!(last > 0);
    loop {
        tokio::time::sleep(Duration::from_millis(150)).await;
        let now = admitted().await;
        if now == last {
            break;
        }
        assert!(began.elapsed() < Duration::from_secs(10) && now < 1_000, "it goes on");
        last = now;
    }
    served.abort();
    app.stop().await;
}

#[tokio::test]
async fn many_users_at_once_take_as_long_as_one() {
    let app = TestApp::embedded().await;
    let user = json(&app, "/lab/users/7?delay=0.05").await;
    assert_eq!((&user["id"], seconds(&user["elapsed_time"]) >= 0.05), (&json!(7), true));
    let output = json(&app, "/lab/experiments/users?requests=200&delay=0.5").await["output"].take();
    assert_eq!((&output["answered"], &output["failed"]), (&json!(200), &json!(0)), "{output}");
    assert!((0.5..3.0).contains(&seconds(&output["elapsed_time"])), "{output}");
    assert_eq!(output["finished"].as_array().unwrap().len(), 200);
    assert_eq!(output["published"]["pool_of_threads"], json!([[100.0, 10.0], [1_000.0, 50.0]]));
    let plot = app.get("/lab/experiments/users?requests=20&delay=0.05&format=svg").await;
    assert_eq!(plot.headers()[header::CONTENT_TYPE], "image/svg+xml");
    assert!(plot.text().await.unwrap().starts_with("<svg"));
    app.stop().await;
}

async fn check_searches(app: &TestApp) {
    let name = app.name("springs");
    let mapping = json!({ "properties": { "kind": { "type": "keyword" }, "about": { "type": "text" } } });
    let made = app.http.post(app.at("/v1/collections")).json(&json!({ "name": name, "mappings": mapping })).send().await.unwrap();
    assert!(made.status().is_success());
    let lines: String = FACTS.iter().map(|fact| format!("{}\n", json!({ "create": { "input": { "about": fact } } }))).collect();
    let path = format!("/v1/collections/{name}/bulk?refresh=NOW");
    let sent =
        app.http.post(app.at(&path)).header(header::CONTENT_TYPE, "application/x-ndjson").body(lines).send().await.unwrap();
    assert!(sent.status().is_success());
    drop(sent.text().await.unwrap());
    let output = json(app, &format!("/lab/searches?collection={name}&count=15")).await["output"].take();
    assert_eq!((&output["same"], &output["collection"]), (&json!(true), &json!(name)), "{output}");
    assert_eq!(output["words"].as_array().unwrap().len(), 15);
    for way in ["one_after_another", "at_once", "as_one_operation"] {
        assert_eq!(output[way]["finished"].as_array().unwrap().len(), 15, "{way}");
        assert!(seconds(&output[way]["elapsed_time"]) > 0.0);
    }
    refused(app, "/lab/searches?collection=nothing", 404, "NOT_FOUND").await;
    refused(app, "/lab/searches?count=201", 400, "LIMIT_EXCEEDED").await;
    app.http.delete(app.at(&format!("/v1/collections/{name}"))).send().await.unwrap();
}

#[tokio::test]
async fn searches_go_three_ways_on_the_embedded_engine() {
    let app = TestApp::embedded().await;
    refused(&app, "/lab/searches", 404, "NOT_FOUND").await;
    check_searches(&app).await;
    app.stop().await;
}

#[tokio::test]
async fn searches_go_three_ways_on_elasticsearch() {
    let Some(app) = TestApp::elastic().await else { return };
    check_searches(&app).await;
    app.stop().await;
}

async fn check_dictionary(app: &TestApp) {
    let key = |stem: &str| format!("{}{stem}", if app.prefix.is_empty() { "t-" } else { &app.prefix });
    let send = async |method: Method, query: &str, body: Option<(&str, String)>| {
        let mut request = app.http.request(method, app.at(&format!("/lab/result{query}")));
        if let Some((kind, body)) = body {
            request = request.header(header::CONTENT_TYPE, kind).body(body);
        }
        let answer = request.send().await.unwrap();
        (answer.status().as_u16(), answer.text().await.unwrap())
    };
    let by = |stem: &str| format!("?key={}", key(stem));
    let as_json = |body: Json| Some(("application/json", body.to_string()));

    assert_eq!(send(Method::GET, &by("a"), None).await.0, 404);
    assert_eq!(send(Method::PUT, &by("a"), None).await.0, 201);
    let empty = app.get(&format!("/lab/result{}", by("a"))).await;
    assert_eq!(
        (empty.status().as_u16(), &empty.headers()[header::CONTENT_TYPE]),
        (200, &"text/plain; charset=utf-8".parse().unwrap())
    );
    assert_eq!(empty.text().await.unwrap(), "");
    assert_eq!(send(Method::PUT, &by("a"), Some(("text/plain", "über ?&\n".into()))).await.0, 200);
    assert_eq!(send(Method::GET, &by("a"), None).await, (200, "über ?&\n".into()));
    assert_eq!(send(Method::PUT, &by("a"), as_json(json!("as json"))).await.0, 200);
    assert_eq!(send(Method::PUT, &format!("{}&value=x%20y", by("b")), None).await.0, 201);
    assert_eq!(send(Method::GET, &by("b"), None).await, (200, "x y".into()));

    let several = json!({ key("b"): "B", key("c"): 12, key("d"): true });
    assert_eq!(send(Method::POST, "", as_json(several.clone())).await.0, 201);
    assert_eq!(send(Method::POST, "", as_json(several)).await.0, 200);
    assert_eq!(send(Method::GET, &by("c"), None).await, (200, "12".into()));
    // all or none: one of these cannot be
    let (status, text) = send(Method::POST, "", as_json(json!({ key("b"): "changed", key("e"): [1] }))).await;
    assert_eq!((status, text.contains(&key("e"))), (400, true), "{text}");
    assert_eq!(send(Method::GET, &by("b"), None).await, (200, "B".into()));

    assert_eq!(send(Method::PATCH, "", as_json(json!({ key("b"): "patched" }))).await.0, 200);
    assert_eq!(send(Method::GET, &by("b"), None).await, (200, "patched".into()));
    assert_eq!(send(Method::PATCH, "", as_json(json!({ key("new"): "x" }))).await.0, 404);
    assert_eq!(send(Method::PATCH, "", as_json(json!({ key("b"): "x", key("c"): "y" }))).await.0, 400);
    for (method, query, body, status) in [
        (Method::GET, "", None, 400),
        (Method::GET, "?key=", None, 400),
        (Method::PUT, "", None, 400),
        (Method::DELETE, "", None, 400),
        (Method::POST, "", as_json(json!({})), 400),
        (Method::POST, "", as_json(json!([1])), 400),
        (Method::POST, "", Some(("application/json", "{".into())), 400),
        (Method::POST, "", Some(("text/plain", "{}".into())), 415),
        (Method::PATCH, "", as_json(json!({})), 400),
        (Method::POST, "", as_json(json!({ "": "x" })), 400),
        (Method::POST, "", as_json(json!({ "a": "x".repeat(5_000) })), 400),
        (Method::PUT, "?key=a&value=b", Some(("text/plain", "c".into())), 400),
    ] {
        let (got, text) = send(method.clone(), query, body).await;
        assert_eq!(got, status, "{method} {query}: {text}");
        assert_eq!(serde_json::from_str::<Json>(&text).unwrap()["status"], status);
    }

    // many at once lose nothing
    let all: Vec<String> = (0..16).map(|n| key(&format!("many{n}"))).collect();
    let puts = all.iter().map(|key| async move { send(Method::PUT, &format!("?key={key}&value={key}"), None).await.0 });
    assert_eq!(futures_util::future::join_all(puts).await, [201; 16]);
    for key in all.into_iter().chain(["a", "b", "c", "d"].map(key)) {
        assert_eq!(send(Method::DELETE, &format!("?key={key}"), None).await, (204, String::new()));
        assert_eq!(send(Method::DELETE, &format!("?key={key}"), None).await.0, 404);
    }
}

#[tokio::test]
async fn the_dictionary_is_kept_in_the_embedded_engine() {
    let app = TestApp::embedded().await;
    check_dictionary(&app).await;
    app.stop().await;
}

#[tokio::test]
async fn the_dictionary_is_kept_in_elasticsearch() {
    let Some(app) = TestApp::elastic().await else { return };
    check_dictionary(&app).await;
    let kept = CollectionName::hidden(&app.app.config.state.purpose("lab"));
    app.app.state.remove(&call(), &kept).await.unwrap();
    app.stop().await;
}

#[tokio::test]
async fn where_it_is_off_there_is_no_lab() {
    let app = TestApp::open(|config| config.lab.enabled = Some(false)).await;
    for path in ["/lab/sync", "/sync", "/cat/1", "/lab/result?key=a", "/lab/openapi.json", "/lab/run/waits"] {
        assert_eq!(app.get(path).await.status(), 404, "{path}");
    }
    let page = app.http.get(app.at("/lab")).header(header::ACCEPT, "text/html").send().await.unwrap();
    assert_eq!(page.status(), 404);
    assert!(page.text().await.unwrap().contains("lab.enabled"));
    app.stop().await;
}

#[tokio::test]
async fn its_routes_are_described() {
    let app = TestApp::embedded().await;
    let description = json(&app, "/lab/openapi.json").await;
    assert_eq!(description["openapi"], "3.1.0");
    for path in [
        "/lab/sync",
        "/lab/async",
        "/lab/cat/{n}",
        "/lab/cat_async_limited/{n}",
        "/lab/result",
        "/lab/users/{id}",
        "/lab/searches",
    ] {
        assert!(description["paths"][path].is_object(), "{path}");
    }
    assert_eq!(description["paths"]["/lab/result"].as_object().unwrap().len(), 5);
    app.stop().await;
}

#[tokio::test]
async fn its_page_works_without_scripts() {
    let app = lab("5/20s").await;
    let page = app.get("/lab").await.text().await.unwrap();
    for part in [
        "action=\"/lab/run/waits#waits\"",
        "action=\"/lab/run/calls#calls\"",
        "action=\"/lab/run/users#users\"",
        "5/20s",
        "It is empty",
    ] {
        assert!(page.contains(part), "{part}");
    }
    for (path, part) in [
        ("/lab/run/waits?tasks=3&delay=0.05&way=both", "3 tasks that wait 0.05 s each"),
        ("/lab/run/calls?calls=7&way=at-once", "2 refused"),
        ("/lab/run/users?requests=10&delay=0.05", "10 requests at once"),
    ] {
        let page = app.get(path).await.text().await.unwrap();
        assert!(page.contains("<svg") && page.contains(part) && !page.contains(" style="), "{path}: {page}");
    }
    assert_eq!(app.get("/lab/run/waits?tasks=x").await.status(), 400);
    assert_eq!(app.get("/lab/run/nothing").await.status(), 404);
    let set = |pairs: &'static [(&str, &str)]| app.http.post(app.at("/lab/dictionary")).form(pairs).send();
    let page = set(&[("key", "a<b"), ("value", "c"), ("action", "set")]).await.unwrap().text().await.unwrap();
    assert!(page.contains("a&#60;b") && !page.contains("a<b"), "{page}");
    let page = set(&[("key", "a<b"), ("action", "remove")]).await.unwrap().text().await.unwrap();
    assert!(page.contains("It is empty"));
    app.stop().await;
}

#[tokio::test]
async fn its_page_shows_progress_where_there_are_scripts() {
    let app = lab("5/400ms").await;
    let Some(mut browser) = Browser::open(1_100, 900).await else {
        eprintln!("SKIPPED: there is no chromium");
        return;
    };
    browser.visit(&app.at("/lab")).await;
    for (form, change, part) in [
        ("waits", "f.delay.value = '0.4'", "2 tasks that wait 0.40 s each"),
        ("calls", "f.calls.value = '12'", "12 calls inside the limit"),
        ("users", "f.requests.value = '50'; f.delay.value = '0.3'", "50 requests at once"),
    ] {
        let run = format!("(() => {{ const f = document.querySelector('#{form} form'); {change}; f.requestSubmit(); }})()");
        browser.evaluate(&run).await;
        browser.wait_for(&format!("!!document.querySelector('#{form} .outcome progress')")).await;
        browser.wait_for(&format!("!!document.querySelector('#{form} .outcome svg')")).await;
        let shown = browser.evaluate(&format!("document.querySelector('#{form} .outcome').innerText")).await;
        assert!(shown.as_str().unwrap().contains(part), "{shown}");
    }
    // one that is stopped says so, and what is wrong is said in its place
    browser
        .evaluate("(() => { const f = document.querySelector('#waits form'); f.delay.value = '30'; f.requestSubmit(); })()")
        .await;
    browser.wait_for("!!document.querySelector('#waits .outcome progress')").await;
    browser.evaluate("document.querySelector('#waits form').requestSubmit()").await;
    browser.wait_for("document.querySelector('#waits .outcome').innerText.includes('Stopped')").await;
    browser.evaluate("(() => { const f = document.querySelector('#waits form'); f.noValidate = true; f.delay.value = '90'; f.requestSubmit(); })()").await;
    browser.wait_for("document.querySelector('#waits .outcome').innerText.includes('at most')").await;
    assert_eq!(browser.evaluate("document.documentElement.scrollWidth <= innerWidth").await, true);
    assert_eq!(browser.complaints, Vec::<String>::new());
    app.stop().await;
}

#[tokio::test]
async fn it_runs_from_a_shell() {
    let app = lab("5/20s").await;
    let run = async |arguments: &[&str]| hooke(&[&["lab"], arguments, &["--server", &app.url]].concat(), "").await;
    let sums = run(&["async", "--tasks", "4", "--delay", "0.05"]).await;
    assert!(out(&sums).contains("addition: 9\n") && out(&sums).contains("tasks: 4\n"), "{}{}", out(&sums), err(&sums));
    let sums = run(&["sync", "--delay", "0.05", "--json"]).await;
    assert_eq!(serde_json::from_str::<Json>(&out(&sums)).unwrap()["output"]["multiply"], 20);
    let facts = run(&["cat", "3"]).await;
    assert!(out(&facts).contains("answered: 3") && out(&facts).contains(FACTS[3]), "{}", out(&facts));
    let refused = run(&["cat", "9", "--way", "sequence"]).await;
    assert_eq!(refused.status.code(), Some(1));
    assert!(err(&refused).contains("call 3 of 9 was refused with status 429"), "{}", err(&refused));
    let folder = tempfile::tempdir().unwrap();
    let plot = folder.path().join("users.svg").to_string_lossy().into_owned();
    let users = run(&["users", "--requests", "5", "--delay", "0.05", "--out", &plot]).await;
    assert!(users.status.success() && std::fs::read_to_string(&plot).unwrap().starts_with("<svg"), "{}", err(&users));
    assert!(err(&run(&["searches"]).await).contains("no collection"));
    app.stop().await;
}

struct Stopped(std::process::Child);

impl Drop for Stopped {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[tokio::test]
async fn the_bundled_upstream_is_a_server_by_itself() {
    let arguments = ["lab", "upstream", "--listen", "127.0.0.1:0", "--limit", "3/10s", "--slow", "20ms", "--fail", "0.5"];
    let mut child = Stopped(command(&arguments).spawn().unwrap());
    let stdout = child.0.stdout.take().unwrap();
    let line = tokio::task::spawn_blocking(move || {
        let mut line = String::new();
        std::io::BufRead::read_line(&mut std::io::BufReader::new(stdout), &mut line).unwrap();
        line
    });
    let line = tokio::time::timeout(Duration::from_secs(30), line).await.unwrap().unwrap();
    let url = line.split_whitespace().find(|word| word.starts_with("http://")).unwrap().trim_end_matches(",").to_owned();
    let began = Instant::now();
    let mut statuses = Vec::new();
    for query in ["", "?n=3", "?fail=0&slow=0", "?slow=0", "?slow=x"] {
        let answer = reqwest::get(format!("{url}{query}")).await.unwrap();
        if answer.status() == 429 {
            assert!(answer.headers().contains_key(header::RETRY_AFTER) && began.elapsed() >= Duration::from_millis(40));
        }
        statuses.push(answer.status().as_u16());
    }
    assert_eq!(statuses, [200, 500, 200, 429, 400], "{line}");
}

/// Two hooke processes on one cluster change the dictionary side by side.
#[tokio::test]
async fn several_processes_share_the_dictionary() {
    let Some(url) = elasticsearch_url() else { return };
    let open = || async {
        TestApp::open(|config| {
            config.elasticsearch = Some(ElasticConfig { urls: vec![url.clone()], ..ElasticConfig::default() });
            config.catalog.include = vec!["nothing-of-the-lab".into()];
        })
        .await
    };
    let (one, two) = tokio::join!(open(), open());
    let key = unique("shared");
    let put = one.http.put(one.at(&format!("/lab/result?key={key}&value=1"))).send().await.unwrap();
    assert_eq!(put.status(), 201);
    assert_eq!(two.get(&format!("/lab/result?key={key}")).await.text().await.unwrap(), "1");
    assert_eq!(two.http.delete(two.at(&format!("/lab/result?key={key}"))).send().await.unwrap().status(), 204);
    assert_eq!(one.get(&format!("/lab/result?key={key}")).await.status(), 404);
    one.stop().await;
    two.stop().await;
}
