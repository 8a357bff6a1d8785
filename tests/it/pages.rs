//! The pages, as a browser without scripts sees them, and once with a real one.

use hooke::search::{
    Action, Call, Collection, CollectionName, DocumentId, Filter, Precondition, Refresh, Source, Write, mapping,
};
use reqwest::header;
use serde_json::{Value as Json, json};
use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use crate::app::TestApp;
use crate::browser::Browser;

const MAPPING: &str = include_str!("../../sample/mapping.json");
const DOCUMENTS: &str = include_str!("../../sample/documents.ndjson");

/// Puts documents into a new collection, and waits until hooke shows it.
async fn fill(app: &TestApp, name: &str, mapping: &Json, documents: impl Iterator<Item = (String, Source)>) {
    let call = Call::within(Duration::from_secs(60));
    let name = CollectionName::parse(name).unwrap();
    let fields = mapping::parse(mapping).unwrap();
    let collection = Collection::new(name.clone(), fields);
    app.app.engine.create(&call, &collection).await.unwrap();
    let write = |(id, source): (String, Source)| Write {
        on: name.clone(),
        rule: Filter::All,
        action: Action::Index { id: Some(DocumentId::parse(&id).unwrap()), source, precondition: Precondition::None },
    };
    let writes: Vec<Write> = documents.map(write).collect();
    for outcome in app.app.engine.write(&call, writes, Refresh::Now).await.unwrap() {
        outcome.unwrap();
    }
    app.app.catalog.refresh(&call).await.unwrap();
    app.await_status(&format!("/search/{name}"), 200).await;
    // the schema follows the catalog
    let root = app.app.catalog.now().collection(name.as_str()).unwrap().names.many.clone();
    let began = Instant::now();
    while !app.get("/schema.graphql").await.text().await.unwrap().contains(&format!("  {root}(")) {
        assert!(began.elapsed() < Duration::from_secs(10), "{root} does not come into the schema");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

fn object(json: Json) -> Source {
    json.as_object().unwrap().clone()
}

/// The sample, as an empty data folder gets it.
async fn landmarks() -> TestApp {
    let app = TestApp::embedded().await;
    let documents = DOCUMENTS.lines().map(|line| {
        let source: Source = serde_json::from_str(line).unwrap();
        (source["slug"].as_str().unwrap().to_owned(), source)
    });
    fill(&app, "landmarks", &serde_json::from_str(MAPPING).unwrap(), documents).await;
    app
}

/// A page that must have this status, without what a browser would not show.
async fn page(app: &TestApp, path: &str, status: u16) -> String {
    let answer = app.http.get(app.at(path)).header(header::ACCEPT, "text/html").send().await.unwrap();
    let kind = answer.headers()[header::CONTENT_TYPE].to_str().unwrap().to_owned();
    let policy = answer.headers()[header::CONTENT_SECURITY_POLICY].to_str().unwrap().to_owned();
    let (code, html) = (answer.status().as_u16(), answer.text().await.unwrap());
    assert_eq!(code, status, "{path}: {html}");
    assert!(kind.starts_with("text/html"), "{path} is {kind}");
    assert!(policy.contains("script-src 'self';"), "{policy}");
    // nothing that the policy would stop
    assert!(!html.contains(" style=") && !html.contains("<style") && !html.contains(" onclick"), "{path}");
    assert!(html.split("<script").skip(1).all(|rest| rest.split('>').next().is_some_and(|tag| tag.contains("src="))), "{path}");
    html
}

fn between<'a>(html: &'a str, start: &str, end: &str) -> Option<&'a str> {
    html.split_once(start)?.1.split_once(end).map(|(found, _)| found)
}

fn hits(html: &str) -> Vec<String> {
    html.split("<h2><a href=\"/documents/")
        .skip(1)
        .filter_map(|rest| Some(rest.split_once('/')?.1.split_once('"')?.0.to_owned()))
        .collect()
}

fn link(html: &str, mark: &str) -> Option<String> {
    between(html, mark, "\"").map(unescape)
}

fn unescape(text: &str) -> String {
    text.replace("&quot;", "\"")
        .replace("&#34;", "\"")
        .replace("&#39;", "'")
        .replace("&#x27;", "'")
        .replace("&lt;", "<")
        .replace("&gt;", ">")
        .replace("&#60;", "<")
        .replace("&#62;", ">")
        .replace("&#38;", "&")
        .replace("&amp;", "&")
}

fn query(html: &str) -> String {
    unescape(between(html, "<pre id=\"query\" tabindex=\"0\">", "</pre>").unwrap())
}

#[tokio::test]
async fn every_page_answers_with_its_status() {
    let app = landmarks().await;
    let home = page(&app, "/", 200).await;
    assert!(home.contains("href=\"/search/landmarks\"") && home.contains(">631<") && home.contains("Embedded engine"), "{home}");
    let status = page(&app, "/status", 200).await;
    assert!(status.contains("landmarks") && status.contains("631"));
    let document = page(&app, "/documents/landmarks/tower-bridge", 200).await;
    assert!(
        document.contains("<h1>Tower Bridge</h1>")
            && document.contains("Horace Jones")
            && document.contains("&#34;slug&#34;: &#34;tower-bridge&#34;"),
        "{document}"
    );
    page(&app, "/playground", 200).await;
    for (path, status) in [
        ("/nothing/here", 404),
        ("/search/nothing", 404),
        ("/documents/landmarks/nothing", 404),
        ("/documents/nothing/1", 404),
        ("/assets/nothing.js", 404),
        ("/search/landmarks?sort=nothing:asc", 400),
        ("/search/landmarks?f=nothing:eq:1", 400),
        ("/search/landmarks?f=kind:near:1", 400),
        ("/search/landmarks?f=year:eq:soon", 400),
        ("/search/landmarks?f=name:regexp:(", 400),
        ("/search/landmarks?page=0", 400),
        ("/search/landmarks?size=100000", 400),
        ("/search/landmarks?page=2&after=abc", 400),
        ("/search/landmarks?page=5000", 400),
    ] {
        page(&app, path, status).await;
    }
    // programs get what programs read
    let answer = app.http.get(app.at("/nothing")).header(header::ACCEPT, "application/json").send().await.unwrap();
    assert_eq!(
        (answer.status().as_u16(), answer.headers()[header::CONTENT_TYPE].to_str().unwrap()),
        (404, "application/problem+json")
    );
    app.stop().await;
}

#[tokio::test]
async fn a_search_marks_its_words_and_shows_its_query() {
    let app = landmarks().await;
    for path in [
        "/search/landmarks",
        "/search/landmarks?q=arch%20gorge",
        "/search/landmarks?q=brigde%20gorge&all=1&fuzzy=1",
        "/search/landmarks?q=sea&f=kind:eq:lighthouse&f=year:gte:1800&f=year:lt:1900&f=inUse:yes&sort=opened:desc&size=20",
        "/search/landmarks?f=place.country:in:Japan,%20China&f=tags:iprefix:SUS&f=height:some&sort=height:asc",
        "/search/landmarks?f=name:regexp:%5BTt%5D.*ridge&f=name:wildcard:T*&f=capacity:none&last=1",
    ] {
        let html = page(&app, path, 200).await;
        let found = hits(&html);
        assert!(!found.is_empty(), "{path} finds nothing");
        if path.contains("q=") {
            assert!(html.contains("<mark>"), "{path} marks nothing");
        }
        // the query beside the hits is valid, and gives the same ones
        let data = app.data(&query(&html)).await;
        let same: Vec<String> = data["landmarks"]["edges"]
            .as_array()
            .unwrap()
            .iter()
            .map(|edge| edge["node"]["_id"].as_str().unwrap().to_owned())
            .collect();
        assert_eq!(found, same, "{path}");
        let playground = page(&app, &link(&html, "behind this page. <a href=\"").unwrap(), 200).await;
        let written =
            between(&playground, "data-query=\"", "\"").or_else(|| between(&playground, "spellcheck=\"false\">", "</textarea>"));
        let written = unescape(written.unwrap());
        assert_eq!(written, query(&html));
    }
    app.stop().await;
}

#[tokio::test]
async fn pages_hold_by_cursor_and_by_number() {
    let app = landmarks().await;
    let start = "/search/landmarks?f=worldHeritage:yes&sort=kind:asc&size=7";
    let mut path = start.to_owned();
    let mut walked: Vec<Vec<String>> = Vec::new();
    loop {
        let html = page(&app, &path, 200).await;
        walked.push(hits(&html));
        if walked.len() > 1 {
            assert!(html.contains(&format!("page {} of ", walked.len())), "{path}");
            assert_eq!(
                hits(&page(&app, &format!("{start}&page={}", walked.len()), 200).await),
                walked[walked.len() - 1],
                "by number"
            );
        }
        match link(&html, "rel=\"next\" href=\"") {
            Some(next) => path = next,
            None => break,
        }
    }
    let all: Vec<&String> = walked.iter().flatten().collect();
    let heritage = DOCUMENTS.lines().filter(|line| line.contains("\"worldHeritage\": true")).count();
    assert_eq!((all.len(), all.iter().collect::<BTreeSet<_>>().len()), (heritage, heritage));
    // and back again
    for before in walked.iter().rev().skip(1) {
        path = link(&page(&app, &path, 200).await, "rel=\"prev\" href=\"").unwrap();
        assert_eq!(&hits(&page(&app, &path, 200).await), before, "{path}");
    }
    assert_eq!(path, start);

    // far in, one at a time
    let html = page(&app, "/search/landmarks?sort=year:asc&size=1&page=500", 200).await;
    let next = page(&app, &link(&html, "rel=\"next\" href=\"").unwrap(), 200).await;
    assert!(next.contains("page 501 of 631"));
    assert_eq!(hits(&next), hits(&page(&app, "/search/landmarks?sort=year:asc&size=1&page=501", 200).await));
    // a cursor of one search is none of another
    let foreign = link(&html, "rel=\"next\" href=\"").unwrap().replace("year:asc", "year:desc");
    let refused = page(&app, &foreign, 400).await;
    assert!(refused.contains("belongs to another search"));
    app.stop().await;
}

/// The links of a facet: address, what is ticked or chosen, and the text of a value or the title of a bar.
fn facet(html: &str, label: &str) -> Vec<(String, bool, String)> {
    let section = between(html, &format!("<section class=\"facet\" aria-label=\"{label}\">"), "</section>").unwrap_or_default();
    let links = section.split("<a href=\"").skip(1);
    links
        .map(|link| {
            let (address, rest) = link.split_once('"').unwrap();
            let (tag, inner) = rest.split_once('>').unwrap();
            let on = tag.contains("class=\"ticked\"") || tag.contains("class=\"chosen\"");
            let title = between(inner, "<title>", "</title>");
            let value = || {
                let (value, count) = (between(inner, "class=\"value\">", "<")?, between(inner, "<small>", "<")?);
                Some(format!("{value} {count}"))
            };
            (unescape(address), on, unescape(&title.map(str::to_owned).or_else(value).unwrap_or_default()))
        })
        .collect()
}

fn total(html: &str) -> String {
    between(html, "role=\"status\"><strong>", "<").unwrap().split(' ').next().unwrap().to_owned()
}

#[tokio::test]
async fn facets_narrow_by_several_ticks_and_by_stretches() {
    let app = landmarks().await;
    let start = page(&app, "/search/landmarks?q=river", 200).await;
    let find = |facet: &[(String, bool, String)], value: &str| {
        facet
            .iter()
            .find(|(_, _, text)| text.starts_with(&format!("{value} ")))
            .unwrap_or_else(|| panic!("{value} in {facet:?}"))
            .clone()
    };
    let bridges = find(&facet(&start, "kind"), "bridge");
    assert!(!bridges.1 && bridges.0.ends_with("?q=river&t=kind:bridge"), "{bridges:?}");
    let one = page(&app, &bridges.0, 200).await;
    assert_eq!(format!("bridge {}", total(&one)), bridges.2);
    // the neighbours keep their counts, and a second tick adds to the first
    let dams = find(&facet(&one, "kind"), "dam");
    assert_eq!(dams.2, find(&facet(&start, "kind"), "dam").2);
    let two = page(&app, &dams.0, 200).await;
    let number = |text: &str| text.rsplit(' ').next().unwrap().parse::<u64>().unwrap();
    assert_eq!(total(&two).parse::<u64>().unwrap(), number(&bridges.2) + number(&dams.2));
    assert_eq!(facet(&two, "kind").iter().filter(|(_, ticked, _)| *ticked).count(), 2);
    assert!(two.contains("Remove the filter kind: bridge") && two.contains("name=\"t\" value=\"kind:dam\""), "{two}");
    // turned again it is as before
    assert_eq!(find(&facet(&two, "kind"), "dam").0, bridges.0);

    // a bar of a histogram says how many there are, and leads to them
    let bars = facet(&two, "year");
    let bar = bars.iter().max_by_key(|(_, _, title)| number(title)).unwrap();
    assert!(bar.0.contains("&r=year:"), "{bar:?}");
    let cut = page(&app, &bar.0, 200).await;
    assert_eq!(total(&cut), number(&bar.2).to_string());
    assert_eq!(facet(&cut, "year").iter().filter(|(_, chosen, _)| *chosen).count(), 1);
    assert_eq!(facet(&cut, "year").len(), bars.len(), "its own facet does not look at it");
    // dates by years, in the words of a date
    let opened = facet(&two, "opened");
    assert!(
        opened.len() > 3 && opened.iter().all(|(address, ..)| address.contains("r=opened:") && address.contains("-01-01~")),
        "{opened:?}"
    );
    let opened = page(&app, &opened[1].0, 200).await;
    assert!(!hits(&opened).is_empty());

    // the query beside the hits gives the same ones, and the same counts
    for html in [&start, &two, &cut, &opened] {
        let data = app.data(&query(html)).await;
        let same: Vec<&str> =
            data["landmarks"]["edges"].as_array().unwrap().iter().map(|edge| edge["node"]["_id"].as_str().unwrap()).collect();
        assert_eq!(hits(html), same);
        let values = data["landmarks"]["facets"]["kind"]["values"].as_array().unwrap();
        let told: Vec<String> =
            values.iter().map(|value| format!("{} {}", value["value"].as_str().unwrap(), value["count"])).collect();
        // a tick without a count is there to be taken away
        let shown = facet(html, "kind").into_iter().map(|(_, _, text)| text).filter(|text| !text.ends_with(' '));
        let shown: Vec<String> = shown.collect();
        assert_eq!(shown, told);
    }
    // what does not fit is told
    page(&app, "/search/landmarks?t=nothing:1", 400).await;
    page(&app, "/search/landmarks?r=year:1900", 400).await;
    page(&app, "/search/landmarks?r=year:a~b", 400).await;
    app.stop().await;
}

/// The rows of the chart: label, value, and where a click leads.
fn chart(html: &str) -> Vec<(String, String, Option<String>)> {
    let rows = between(html, "<section class=\"groups\"", "</section>").unwrap_or_default().split("<th scope=\"row\">").skip(1);
    rows.map(|row| {
        let (head, rest) = row.split_once("</th>").unwrap();
        let address = between(head, "<a href=\"", "\"").map(unescape);
        let label = between(head, ">", "<").unwrap_or(head);
        let value = rest.split("<td>").nth(2).and_then(|cell| cell.split_once('<')).unwrap().0;
        (unescape(label), value.to_owned(), address)
    })
    .collect()
}

#[tokio::test]
async fn hits_near_a_point_have_distances_and_rings() {
    let app = landmarks().await;
    let tower =
        DOCUMENTS.lines().map(|line| serde_json::from_str::<Json>(line).unwrap()).find(|one| one["slug"] == "tower-bridge");
    let at = &tower.unwrap()["location"];
    let near = format!("/search/landmarks?near=location:{},{}", at["lat"], at["lon"]);
    let start = page(&app, &near, 200).await;
    assert_eq!(hits(&start)[0], "tower-bridge");
    assert!(start.contains("<dt>distance</dt><dd>0 m</dd>") && start.contains("nearest first"), "{start}");
    assert_eq!(total(&start), "631");
    // every hit leads to what lies around it
    assert!(start.contains(&format!("href=\"/search/landmarks?near=location:{},{}\"", at["lat"], at["lon"])), "{start}");

    let rings = facet(&start, "location: distance");
    let number = |text: &str| text.rsplit(' ').next().unwrap().replace(',', "").parse::<u64>().unwrap();
    assert!(rings.len() > 2 && rings.windows(2).all(|pair| number(&pair[0].2) <= number(&pair[1].2)), "{rings:?}");
    let ring = rings.iter().find(|(_, _, text)| text.starts_with("within 1000km ")).unwrap();
    assert!(!ring.1 && ring.0.ends_with("~1000km"), "{ring:?}");
    let inside = page(&app, &ring.0, 200).await;
    assert_eq!(total(&inside), number(&ring.2).to_string());
    // its own facet does not look at it, and a second click takes it away
    let again = facet(&inside, "location: distance");
    assert_eq!(again.iter().map(|(.., text)| text).collect::<Vec<_>>(), rings.iter().map(|(.., text)| text).collect::<Vec<_>>());
    assert_eq!(again.iter().find(|(_, ticked, _)| *ticked).unwrap().0, near);

    // with words: the best first, or the nearest; with another order the distance is told too
    for (more, nearest) in
        [("&q=bridge", false), ("&q=bridge&sort=near", true), ("&sort=year:asc", false), ("~1000km&by=kind", true)]
    {
        let path = format!("{near}{more}");
        let html = page(&app, &path, 200).await;
        let data = app.data(&query(&html)).await;
        let edges = data["landmarks"]["edges"].as_array().unwrap();
        let same: Vec<&str> = edges.iter().map(|edge| edge["node"]["_id"].as_str().unwrap()).collect();
        assert_eq!(hits(&html), same, "{path}");
        let far: Vec<f64> = edges.iter().map(|edge| edge["distance"].as_f64().unwrap()).collect();
        assert_eq!(far.is_sorted(), nearest, "{path}: {far:?}");
        assert_eq!(html.matches("<dt>distance</dt>").count(), edges.len(), "{path}");
    }
    // page by page
    let next = page(&app, &link(&start, "rel=\"next\" href=\"").unwrap(), 200).await;
    assert!(hits(&next).iter().all(|hit| !hits(&start).contains(hit)));
    for path in ["near=kind:1,2", "near=location:91,0", "near=location:north", "near=location:1,2~far", "near=location:1,2~5"] {
        page(&app, &format!("/search/landmarks?{path}"), 400).await;
    }
    app.stop().await;
}

#[tokio::test]
async fn a_chart_shows_the_groups_of_the_hits() {
    let app = landmarks().await;
    let html = page(&app, "/search/landmarks?q=river&by=kind", 200).await;
    let bars = chart(&html);
    let counts: Vec<u64> = bars.iter().map(|(_, count, _)| count.parse().unwrap()).collect();
    assert!(counts.len() > 2 && counts.is_sorted_by(|a, b| a >= b), "{bars:?}");
    let data = app.data(&query(&html)).await;
    let told: Vec<(String, String)> = data["landmarks"]["groupBy"]["nodes"]
        .as_array()
        .unwrap()
        .iter()
        .map(|node| (node["key"]["kind"].as_str().unwrap().to_owned(), node["count"].to_string()))
        .collect();
    assert_eq!(bars.iter().map(|(label, count, _)| (label.clone(), count.clone())).collect::<Vec<_>>(), told);
    // a click narrows to the bar, and keeps the chart
    let narrowed = page(&app, bars[1].2.as_ref().unwrap(), 200).await;
    assert_eq!(total(&narrowed), bars[1].1);
    assert_eq!(chart(&narrowed).len(), 1);

    // numbers of groups, cut by years and by dates
    for (path, key) in
        [("by=year&of=height:avg", "year"), ("by=opened&of=span:max", "openedRange"), ("by=place.country", "place")]
    {
        let html = page(&app, &format!("/search/landmarks?{path}"), 200).await;
        let bars = chart(&html);
        assert!(bars.len() > 3, "{path}: {bars:?}");
        let groups = &app.data(&query(&html)).await["landmarks"]["groupBy"];
        let nodes = groups["nodes"].as_array().unwrap();
        assert_eq!(nodes.len(), bars.len(), "{path}");
        assert!(nodes.iter().all(|node| !node["key"][key].is_null()), "{path}: {groups}");
        let cut = page(&app, bars[2].2.as_ref().unwrap(), 200).await;
        assert_eq!(total(&cut), nodes[2]["count"].to_string(), "{path}");
    }
    let averages = page(&app, "/search/landmarks?by=kind&of=height:avg", 200).await;
    let data = app.data("{ landmarks { groupBy(keys: [{ field: KIND }], first: 1) { nodes { key { kind } aggregate { height { avg } } } } } }").await;
    let first = &data["landmarks"]["groupBy"]["nodes"][0];
    let bar = &chart(&averages)[0];
    assert_eq!(bar.0, first["key"]["kind"].as_str().unwrap());
    let shown: f64 = bar.1.replace(',', "").parse().unwrap();
    assert!((shown - first["aggregate"]["height"]["avg"].as_f64().unwrap()).abs() < 0.01, "{bar:?}");
    for path in ["by=description", "by=nothing", "by=kind&of=kind:avg", "by=kind&of=height:median"] {
        page(&app, &format!("/search/landmarks?{path}"), 400).await;
    }
    app.stop().await;
}

#[tokio::test]
async fn a_small_screen_holds_the_chart() {
    let app = landmarks().await;
    let Some(mut browser) = Browser::open(390, 844).await else {
        eprintln!("SKIPPED: there is no chromium");
        return;
    };
    browser.visit(&app.at("/search/landmarks?q=bridge&near=location:51.5,-0.1&by=kind")).await;
    assert_eq!(browser.evaluate("document.documentElement.scrollWidth <= innerWidth").await, true);
    assert_eq!(browser.evaluate("document.querySelectorAll('.groups rect').length > 2").await, true);
    // choosing what it shows sends the form, and the point stays
    browser.evaluate("(() => { const of = document.querySelector('[name=of]'); of.value = 'height:max'; of.dispatchEvent(new Event('change')); })()").await;
    browser.wait_for("location.search.includes('of=height') && document.readyState === 'complete'").await;
    assert_eq!(browser.evaluate("location.search.includes('near=location')").await, true);
    // typing another point
    browser.evaluate("document.querySelector('[name=\"near.at\"]').value = '48.86, 2.35'; document.querySelector('[name=\"near.within\"]').value = '500km'; document.querySelector('form.search').requestSubmit()").await;
    browser.wait_for("location.search.includes('48.86,2.35~500km') && document.readyState === 'complete'").await;
    assert_eq!(browser.evaluate("document.querySelectorAll('.distance').length > 0").await, true);
    assert_eq!(complaints(&browser), Vec::<&String>::new());
    app.stop().await;
}

#[tokio::test]
async fn the_way_to_other_pages_fits_on_a_small_screen() {
    let app = landmarks().await;
    let Some(mut browser) = Browser::open(390, 844).await else {
        eprintln!("SKIPPED: there is no chromium");
        return;
    };
    browser.resize(390, 844).await;
    for path in ["/", "/search/landmarks?q=bridge", "/jobs", "/status"] {
        browser.visit(&app.at(path)).await;
        let inside = "[innerWidth, document.documentElement.scrollWidth, [...document.querySelectorAll('.bar li')].every(place => place.getBoundingClientRect().right <= 390)]";
        assert_eq!(browser.evaluate(&format!("JSON.stringify({inside})")).await, "[390,390,true]", "{path}");
    }
    app.stop().await;
}

#[tokio::test]
async fn a_form_is_sent_on_to_the_one_address_of_its_state() {
    let app = landmarks().await;
    let http = reqwest::Client::builder().redirect(reqwest::redirect::Policy::none()).build().unwrap();
    for (form, settled) in [
        ("/search?collection=landmarks&q=old+bridge", "/search/landmarks?q=old%20bridge"),
        ("/search?collection=&q=x", "/"),
        (
            "/search/landmarks?q=&sort=&size=10&o.kind=eq&v.kind=bridge&o.year=gte&v.year=&o.inUse=yes&o.description=match&v.description=",
            "/search/landmarks?f=inUse:yes&f=kind:eq:bridge",
        ),
        ("/search/landmarks?q=x&f=kind:eq:dam&o.kind=eq&v.kind=dam", "/search/landmarks?q=x&f=kind:eq:dam"),
        ("/search/landmarks?v.name=tower&utm=1", "/search/landmarks?f=name:match:tower"),
        ("/search/landmarks?near.at=51.5,+-0.1&near.within=100+km", "/search/landmarks?near=location:51.5,-0.1~100%20km"),
        (
            "/search/landmarks?near=location:1,2&near.field=location&near.at=51.5,0&near.within=&sort=near",
            "/search/landmarks?near=location:51.5,0",
        ),
        ("/search/landmarks?sort=near&q=x&by=&of=height:avg", "/search/landmarks?q=x"),
    ] {
        let answer = http.get(app.at(form)).send().await.unwrap();
        assert_eq!(answer.status().as_u16(), 303, "{form}");
        assert_eq!(answer.headers()[header::LOCATION].to_str().unwrap(), settled, "{form}");
    }
    app.stop().await;
}

#[tokio::test]
async fn what_documents_hold_stays_text() {
    let app = TestApp::embedded().await;
    let mapping = json!({"properties": {
        "title": {"type": "text"}, "link": {"type": "keyword"}, "<b>odd</b>": {"type": "keyword"},
        "parts": {"type": "nested", "properties": {"n": {"type": "integer"}, "deep": {"type": "object", "enabled": false}}},
    }});
    let evil = json!({"title": "<script>alert(1)</script> wolves & \"sheep\"", "<b>odd</b>": "<img src=x onerror=alert(1)>",
        "parts": [{"n": 1, "deep": {"x": ["</pre><script>"]}}, {"n": 2}], "link": "javascript:alert(1)"});
    let id = "a/b?<i>#\"%2F";
    fill(&app, "odd-things", &mapping, [(id.to_owned(), object(evil))].into_iter()).await;
    let found = page(&app, "/search/odd-things?q=wolves", 200).await;
    assert!(found.contains("<mark>wolves</mark>"), "{found}");
    let address = format!("/documents/odd-things/{}", hits(&found)[0]);
    let shown = page(&app, &address, 200).await;
    for html in [&found, &shown] {
        assert!(
            !html.contains("<script>")
                && !html.contains("<img src=x")
                && !html.contains("<b>odd")
                && !html.contains("href=\"javascript"),
            "{html}"
        );
    }
    assert!(shown.contains("wolves &#38; &#34;sheep&#34;") || shown.contains("wolves &amp; &quot;sheep&quot;"), "{shown}");
    app.stop().await;
}

#[tokio::test]
async fn assets_are_kept_for_ever_under_their_hash() {
    let app = TestApp::embedded().await;
    let home = page(&app, "/", 200).await;
    let files: Vec<&str> = home.split('"').filter(|part| part.starts_with("/assets/")).collect();
    assert!(files.len() >= 3, "{home}");
    for file in files {
        let answer = app.get(file).await;
        assert_eq!(answer.status().as_u16(), 200, "{file}");
        assert!(answer.headers()[header::CACHE_CONTROL].to_str().unwrap().contains("immutable"));
        assert!(!answer.bytes().await.unwrap().is_empty(), "{file}");
    }
    app.stop().await;
}

/// Built without npm, pages ask for a style sheet from elsewhere, which this browser cannot reach.
fn complaints(browser: &Browser) -> Vec<&String> {
    browser.complaints.iter().filter(|complaint| !complaint.contains("/npm/bootstrap@")).collect()
}

#[tokio::test]
async fn a_browser_searches_and_runs_the_first_query_of_the_playground() {
    let app = landmarks().await;
    let Some(mut browser) = Browser::open(1280, 900).await else {
        eprintln!("SKIPPED: there is no chromium");
        return;
    };
    browser.visit(&app.at("/search/landmarks?q=lighthouse")).await;
    assert_eq!(browser.evaluate("document.querySelectorAll('.hit h2 a').length").await, 10);
    assert_eq!(browser.evaluate("document.querySelectorAll('.hit mark').length > 0").await, true);
    assert_eq!(browser.evaluate("document.documentElement.scrollWidth <= innerWidth").await, true);
    // typing a filter and sending the form leads to the address of that state
    browser.evaluate("document.querySelector('[name=\"v.kind\"]').value = 'lighthouse'; document.querySelector('form.search').requestSubmit()").await;
    browser.wait_for("location.search.includes('f=kind') && document.readyState === 'complete'").await;
    assert_eq!(browser.evaluate("document.querySelectorAll('.chips li').length").await, 1);
    assert_eq!(complaints(&browser), Vec::<&String>::new());

    browser.visit(&app.at("/playground")).await;
    let bundled = browser.evaluate("!!document.getElementById('playground')").await == true;
    if bundled {
        browser.wait_for("!!document.querySelector('.graphiql-execute-button') && document.querySelector('.graphiql-editors').innerText.includes('landmarks')").await;
        browser.evaluate("document.querySelector('.graphiql-execute-button').click()").await;
        browser
            .wait_for(
                "/\"value\":\\s*\\d+/.test(document.querySelector('.graphiql-response').innerText.replace(/\\u00a0/g, ' '))",
            )
            .await;
        assert_eq!(browser.evaluate("document.querySelector('.graphiql-response').innerText.includes('errors')").await, false);
    } else {
        browser.evaluate("document.getElementById('console').requestSubmit()").await;
        browser.wait_for("document.getElementById('answer').textContent.includes('\"edges\"')").await;
    }
    assert_eq!(complaints(&browser), Vec::<&String>::new());
    app.stop().await;
}

#[tokio::test]
async fn words_that_find_little_are_suggested_better_ones() {
    let app = landmarks().await;
    let link = |address: &str| format!("href=\"{address}\"");
    // a better spelling keeps the rest of the search, from the first page on
    let html = page(&app, "/search/landmarks?q=suspnsion%20brigde&all=1&f=kind:eq:bridge&size=20", 200).await;
    let html = unescape(&html);
    assert!(html.contains("Did you mean"), "{html}");
    assert!(html.contains(&link("/search/landmarks?q=suspension%20bridge&all=1&f=kind:eq:bridge&size=20")), "{html}");
    assert!(html.contains("<mark>suspension</mark> <mark>bridge</mark>"), "{html}");
    let better = page(&app, "/search/landmarks?q=suspension%20bridge&all=1&f=kind:eq:bridge&size=20", 200).await;
    assert!(!better.contains("Did you mean"), "{better}");
    // one word less
    let html = page(&app, "/search/landmarks?q=bridge%20zeppelinx&all=1", 200).await;
    let html = unescape(&html);
    assert!(html.contains(&link("/search/landmarks?q=bridge&all=1")) && html.contains("without “zeppelinx”"), "{html}");
    assert!(!page(&app, "/search/landmarks?q=bridge%20zeppelinx", 200).await.contains("without “"));
    // the box
    assert!(html.contains("data-complete=\"/search/landmarks/complete\"") && html.contains("<datalist id=\"completions\">"));
    let values: Json = app.get("/search/landmarks/complete?q=golden%20G").await.json().await.unwrap();
    assert_eq!(values, json!({ "values": [{ "text": "Golden Gate Bridge", "count": 1 }] }));
    for path in ["/search/landmarks/complete", "/search/landmarks/complete?q=", "/search/landmarks/complete?q=zzzz"] {
        let values: Json = app.get(path).await.json().await.unwrap();
        assert_eq!(values, json!({ "values": [] }), "{path}");
    }
    assert_eq!(app.get("/search/nothing/complete?q=a").await.status(), 404);
    app.stop().await;
}
