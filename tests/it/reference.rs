//! `/docs`: every operation is there, with scripts and without, and nothing is asked of anybody else.

use serde_json::Value as Json;

use crate::app::TestApp;
use crate::browser::Browser;

/// Path and method of each operation.
async fn operations(test: &TestApp) -> Vec<(String, String)> {
    let description: Json = test.get("/openapi.json").await.json().await.unwrap();
    let paths = description["paths"].as_object().unwrap();
    let all = paths
        .iter()
        .flat_map(|(path, item)| item.as_object().unwrap().keys().map(|method| (path.clone(), method.to_uppercase())));
    all.collect()
}

#[tokio::test]
async fn the_reference_tells_every_operation_without_scripts() {
    let test = TestApp::embedded().await;
    let operations = operations(&test).await;
    assert!(operations.len() >= 20);
    let answer = test.get("/docs").await;
    assert_eq!(answer.status(), 200);
    let policy = answer.headers()["content-security-policy"].to_str().unwrap().to_owned();
    assert!(policy.contains("script-src 'self';"), "{policy}");
    let page = answer.text().await.unwrap();
    assert_eq!(page.matches("<details ").count(), operations.len());
    for (path, method) in operations {
        assert!(page.contains(&format!("<span class=\"method\">{method}</span> <code>{path}</code>")), "{method} {path}");
    }
    assert!(test.get("/").await.text().await.unwrap().contains("href=\"/docs\""));
    test.stop().await;
}

#[tokio::test]
async fn the_reference_works_in_a_browser_and_asks_nobody_else() {
    let Some(mut browser) = Browser::open(1200, 1400).await else { return };
    let test = TestApp::embedded().await;
    let count = operations(&test).await.len();
    browser.visit(&test.at("/docs")).await;
    let bundled = browser.evaluate("!!document.querySelector('script[src*=\"/assets/reference-\"]')").await == true;
    if bundled {
        browser.wait_for(&format!("document.querySelectorAll('.opblock').length === {count}")).await;
        browser.wait_for("!document.getElementById('plain')").await;
        // one of them is opened, sent and answered
        browser.evaluate("document.querySelector('[id$=check_health] .opblock-summary-control').click()").await;
        browser.wait_for("!!document.querySelector('[id$=check_health] .execute')").await;
        browser.evaluate("document.querySelector('[id$=check_health] .execute').click()").await;
        browser
            .wait_for("document.querySelector('[id$=check_health] .live-responses-table')?.innerText.includes('\"OK\"')")
            .await;
    } else {
        assert_eq!(browser.evaluate("document.querySelectorAll('details').length").await, count);
    }
    let foreign =
        "performance.getEntriesByType('resource').map(e => e.name).filter(name => !name.startsWith(location.origin + '/'))";
    let foreign = browser.evaluate(foreign).await;
    if bundled {
        assert_eq!(foreign, serde_json::json!([]));
        assert_eq!(browser.complaints, [""; 0]);
    }
    test.stop().await;
}
