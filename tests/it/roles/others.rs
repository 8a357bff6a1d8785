//! What others have: their cursors, snapshots, jobs and names of fields, tried by somebody who may not see what they see; and what is
//! told over time, while documents change that are not seen.

use reqwest::Method;
use serde_json::{Value as Json, json};

use super::table::{ORDER, Told};
use super::world::{World, visible};
use crate::jobs;
use crate::live::socket::Socket;

/// Asked while others ask too.
pub(super) async fn beside(world: &World) -> Vec<Told> {
    let mut told = names(world).await;
    told.extend(cursors(world).await);
    told.extend(jobs_of_others(world).await);
    told.extend(sockets(world).await);
    told.extend(explained(world).await);
    told.extend(afterwards(world).await);
    told
}

/// What is told of something hidden must be what is told of something that is not there.
fn apart(name: String, hidden: String, unknown: String) -> Told {
    let text = match hidden == unknown {
        true => hidden,
        false => format!("a canary: told apart from what is not there: {hidden}\n{unknown}"),
    };
    (name, text, false)
}

/// Of a field, in small and in capital letters; of one in elements; of a collection: what is hidden, and a name nearby that nothing has.
const NAMES: [(&str, &str); 5] = [
    ("FIELD", "HUSHCANARY HUSHCANERY"),
    ("field", "hushcanary hushcanery"),
    ("Type", "CanaryHouse CaneryHouse"),
    ("ROOT", "canaryhouses caneryhouses"),
    ("INDEX", "other ather"),
];

fn filled(template: &str, unknown: bool) -> String {
    NAMES.iter().fold(template.to_owned(), |text, (place, names)| {
        let (hidden, other) = names.split_once(' ').unwrap();
        text.replace(&format!("‹{place}›"), if unknown { other } else { hidden })
    })
}

/// With every name of both kinds gone. One that was not asked for stays: it is told.
fn nameless(text: &str, unknown: bool) -> String {
    NAMES.iter().fold(text.to_owned(), |text, (_, names)| {
        let (hidden, other) = names.split_once(' ').unwrap();
        let asked = if unknown { other } else { hidden };
        let upper = asked.to_uppercase();
        let text = text.replace(&format!("NAME-{asked}"), "X");
        if asked.len() > 5 { text.replace(asked, "X").replace(&upper, "X") } else { text }
    })
}

/// Names of what is hidden, and names near to them.
async fn names(world: &World) -> Vec<Told> {
    let graphql = [
        "{ notes { nodes { ‹field› } } }",
        "{ notes { nodes { lines { ‹field› } } } }",
        "{ notes { nodes { deep { ‹field› } } } }",
        "{ notes(filter: { ‹field›: { exists: true } }) { total { value } } }",
        "{ notes(filter: { lines: { some: { ‹field›: { exists: true } } } }) { total { value } } }",
        "{ notes(facetFilters: { ‹field›: { exists: true } }) { total { value } } }",
        "{ notes(orderBy: [{ field: ‹FIELD›, direction: ASC }]) { nodes { _id } } }",
        "{ notes(search: { query: \"x\", fields: [{ field: ‹FIELD› }] }) { nodes { _id } } }",
        "{ notes { edges { highlights(fields: [‹FIELD›]) { field } } } }",
        "{ notes { edges { innerHits { lines { nodes { ‹field› } } } } } }",
        "{ notes { facets { ‹field› { values { value } } } } }",
        "{ notes { facets { lines { ‹field› { values { value } } } } } }",
        "{ notes { aggregate { ‹field› { valueCount } } } }",
        "{ notes { groupBy(keys: [{ field: ‹FIELD› }]) { nodes { count } } } }",
        "{ notes { groupBy(keys: [{ field: KIND }]) { nodes { topHits { ‹field› } } } } }",
        "{ notesSuggest(field: ‹FIELD›, prefix: \"c\") { text } }",
        "mutation { createNote(input: { owner: \"me\", ‹field›: \"x\" }) { errors { code message path } } }",
        "mutation { updateNote(id: \"v1\", patch: { ‹field›: \"x\" }) { errors { code message path } } }",
        "mutation { bulkNotes(operations: [{ update: { id: \"v1\", patch: { ‹field›: \"x\" } } }]) { items { errors { message } } } }",
        "{ ‹ROOT› { total { value } } }",
        "{ search(collections: [‹ROOT›], search: { query: \"x\" }) { total { value } } }",
        "{ node(nodeId: \"x\") { ... on ‹Type› { _id } } }",
        "query($f: ‹Type›Filter) { notes { total { value } } }",
        "{ __type(name: \"‹Type›\") { name } }",
        "subscription { ‹ROOT› { total { value } } }",
    ];
    let json = "application/json";
    let rest = [
        (Method::GET, "/v1/collections/NAME/search?filter={\"‹field›\":{\"exists\":true}}", json, ""),
        (Method::GET, "/v1/collections/NAME/search?orderBy=[{\"field\":\"‹FIELD›\"}]", json, ""),
        (
            Method::POST,
            "/v1/collections/NAME/search",
            json,
            "{\"search\":{\"query\":\"x\",\"fields\":[{\"field\":\"‹FIELD›\"}]}}",
        ),
        (Method::POST, "/v1/collections/NAME/search", json, "{\"facetFilters\":{\"‹field›\":{\"exists\":true}}}"),
        (Method::PATCH, "/v1/collections/NAME/documents/v1", "application/merge-patch+json", "{\"‹field›\":\"x\"}"),
        (Method::PATCH, "/v1/collections/NAME/documents/v1", "application/merge-patch+json", "{\"deep\":{\"‹field›\":\"x\"}}"),
        (Method::POST, "/v1/collections/NAME/documents", json, "{\"owner\":\"me\",\"‹field›\":\"x\"}"),
        (
            Method::POST,
            "/v1/collections/NAME/bulk",
            "application/x-ndjson",
            "{\"update\":{\"id\":\"v1\",\"patch\":{\"‹field›\":1}}}\n",
        ),
        (Method::GET, "/v1/collections/NAME/export?filter={\"‹field›\":{\"exists\":true}}", json, ""),
        (Method::GET, "/search/NAME?sort=‹field›:asc", json, ""),
        (Method::GET, "/search/NAME?‹field›=x", json, ""),
        (
            Method::POST,
            "/v1/jobs",
            json,
            "{\"kind\":\"EXPORT\",\"collection\":\"NAME\",\"arguments\":{\"filter\":{\"‹field›\":{\"exists\":true}}}}",
        ),
        (Method::GET, "/v1/collections/NAME-‹INDEX›", json, ""),
        (Method::DELETE, "/v1/collections/NAME-‹INDEX›", json, ""),
        (Method::GET, "/v1/collections/NAME-‹INDEX›/search?q=x", json, ""),
        (Method::GET, "/v1/collections/NAME-‹INDEX›/documents/x", json, ""),
        (Method::PUT, "/v1/collections/NAME-‹INDEX›/documents/x", json, "{}"),
        (Method::PATCH, "/v1/collections/NAME-‹INDEX›/documents/x", "application/merge-patch+json", "{}"),
        (Method::DELETE, "/v1/collections/NAME-‹INDEX›/documents/x", json, ""),
        (Method::POST, "/v1/collections/NAME-‹INDEX›/documents", json, "{}"),
        (Method::POST, "/v1/collections/NAME-‹INDEX›/bulk", "application/x-ndjson", "{\"delete\":{\"id\":\"x\"}}\n"),
        (Method::POST, "/v1/collections/NAME-‹INDEX›/verify", json, "{}"),
        (Method::GET, "/v1/collections/NAME-‹INDEX›/export", json, ""),
        (Method::POST, "/v1/create/index/NAME-‹INDEX›", json, ""),
        (Method::POST, "/v1/content/load/NAME-‹INDEX›", json, "{\"hashtags\":[\"#abc\"]}"),
        (Method::GET, "/v1/content/search/NAME-‹INDEX›/0/1", json, ""),
        (Method::POST, "/v1/collections", json, "{\"name\":\"NAME-‹INDEX›\",\"mappings\":{\"properties\":{}}}"),
        (Method::POST, "/v1/jobs", json, "{\"kind\":\"EXPORT\",\"collection\":\"NAME-‹INDEX›\"}"),
        (Method::POST, "/v1/jobs", json, "{\"kind\":\"COPY\",\"collection\":\"NAME\",\"arguments\":{\"to\":\"NAME-‹INDEX›\"}}"),
        (Method::POST, "/v1/jobs/load?collection=NAME-‹INDEX›", "application/x-ndjson", "{}\n"),
        (Method::GET, "/search/NAME-‹INDEX›", json, ""),
        (Method::GET, "/search/NAME-‹INDEX›/complete?q=x", json, ""),
        (Method::GET, "/documents/NAME-‹INDEX›/x", json, ""),
    ];
    let mut told = Vec::new();
    let mut judge = |name: String, [hidden, unknown]: [String; 2]| {
        // of something near that is hidden nothing may be said
        let tells = unknown.to_lowercase().contains("canary");
        let unknown = nameless(&unknown, true);
        told.push(apart(name, nameless(&hidden, false), if tells { format!("{unknown} tells") } else { unknown }));
    };
    for template in graphql {
        let ask = async |unknown: bool| world.graphql(&filled(template, unknown)).await;
        judge(template.to_owned(), [ask(false).await, ask(true).await]);
    }
    let ask = async |unknown: bool| {
        let variables = json!({ "f": { filled("‹field›", unknown): { "exists": true } } });
        let query = "query($f: NoteFilter) { notes(filter: $f) { total { value } } }";
        world.settled(&world.test.graphql(query, variables).await.to_string())
    };
    judge("a variable".into(), [ask(false).await, ask(true).await]);
    for (method, path, kind, body) in rest {
        let ask = async |unknown: bool| world.send(method.clone(), &filled(path, unknown), kind, &filled(body, unknown)).await;
        judge(format!("{method} {path} {body}"), [ask(false).await, ask(true).await]);
    }
    told
}

/// Cursors and snapshots of others.
async fn cursors(world: &World) -> Vec<Told> {
    let mut told = Vec::new();
    let page = "pageInfo { endCursor } nodes { _id }";
    for (name, query, place) in [
        ("a cursor", format!("{{ notes(first: 1, ‹AFTER›{ORDER}) {{ {page} }} }}"), "/data/notes/pageInfo/endCursor"),
        (
            "a snapshot",
            format!("{{ notes(first: 1, ‹AFTER›consistency: SNAPSHOT, {ORDER}) {{ {page} }} }}"),
            "/data/notes/pageInfo/endCursor",
        ),
        (
            "a cursor of groups",
            "{ notes(first: 0) { groupBy(keys: [{ field: KIND }, { field: OWNER }], first: 1‹, AFTER›) { nodes { key { kind } } pageInfo { endCursor } } } }"
                .into(),
            "/data/notes/groupBy/pageInfo/endCursor",
        ),
        (
            "a cursor of several collections",
            "{ search(collections: [NOTES, EXTRAS], search: { query: \"plain\" }, first: 1‹, AFTER›) { pageInfo { endCursor } edges { collection } } }".into(),
            "/data/search/pageInfo/endCursor",
        ),
        ("a cursor of elements", format!("{{ notes(first: 1, ‹AFTER›{ORDER}) {{ nodes {{ down(first: 1) {{ total {{ value }} }} }} pageInfo {{ endCursor }} }} }}"), "/data/notes/pageInfo/endCursor"),
    ] {
        for role in ["boss", "stranger"] {
            let bare = query.replace("‹AFTER›", "").replace("‹, AFTER›", "");
            let others = world.as_other(role, &bare).await;
            let Some(cursor) = others.pointer(place).and_then(Json::as_str) else {
                // who sees nothing has no cursor
                told.push((format!("{name} of {role}"), "refused".into(), false));
                continue;
            };
            let after = query.replace("‹AFTER›", &format!("after: \"{cursor}\", ")).replace("‹, AFTER›", &format!(", after: \"{cursor}\""));
            let mine = world.graphql(&after).await;
            let fine = mine.contains("BAD_CURSOR");
            told.push((format!("{name} of {role}"), if fine { "refused".into() } else { format!("a canary: it was taken: {mine}") }, false));
        }
    }
    let page = world.test.graphql(&format!("{{ notes(first: 50, {ORDER}) {{ edges {{ cursor }} }} }}"), json!({})).await;
    let edges = page["data"]["notes"]["edges"].as_array().unwrap();
    // those of another world have other numbers
    let lengths: Vec<usize> = edges.iter().rev().take(12).map(|edge| edge["cursor"].as_str().unwrap().len()).collect();
    told.push(("how long cursors are".into(), format!("{lengths:?}"), false));
    let order = "orderBy=[{\"field\":\"PRICE\"}]";
    for extra in ["", "&consistency=SNAPSHOT"] {
        let path = format!("/v1/collections/NAME/search?first=1&{order}{extra}");
        let others: Json = world.get_as("boss", &path).await.json().await.unwrap();
        let cursor = others["pageInfo"]["endCursor"].as_str().unwrap();
        let mine = world.get(&format!("{path}&after={cursor}")).await;
        let fine = mine.contains("BAD_CURSOR");
        told.push((
            format!("a cursor by REST{extra}"),
            if fine { mine } else { format!("a canary: it was taken: {mine}") },
            false,
        ));
    }
    told
}

/// Jobs that somebody else has started, and what they made.
async fn jobs_of_others(world: &World) -> Vec<Told> {
    let start = async |job: Json| -> String {
        let request = world.test.http.post(world.test.at("/v1/jobs")).bearer_auth(world.token("boss"));
        let job: Json = request.json(&job).send().await.unwrap().json().await.unwrap();
        job["id"].as_str().unwrap_or_else(|| panic!("{job}")).to_owned()
    };
    let id = start(json!({ "kind": "EXPORT", "collection": world.name })).await;
    let from = std::time::Instant::now();
    loop {
        let job: Json = world.get_as("boss", &format!("/v1/jobs/{id}")).await.json().await.unwrap();
        if job["state"] == "SUCCEEDED" {
            break;
        }
        assert!(from.elapsed().as_secs() < 30, "{job}");
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
    let none = "01920000-0000-7000-8000-000000000000";
    let mut told = Vec::new();
    for path in ["/v1/jobs/ID", "/v1/jobs/ID/result", "/v1/jobs/ID/events", "/jobs/ID"] {
        let ask = async |id: &str| world.get(&path.replace("ID", id)).await.replace(id, "ID");
        told.push(apart(format!("of a job of somebody else {path}"), ask(&id).await, ask(none).await));
    }
    for action in ["cancel", "pause", "resume", "retry"] {
        let ask = async |id: &str| {
            let path = format!("/v1/jobs/{id}/{action}");
            world.send(Method::POST, &path, "application/json", "").await.replace(id, "ID")
        };
        told.push(apart(format!("{action} a job of somebody else"), ask(&id).await, ask(none).await));
    }
    for query in [
        "{ job(id: \"ID\") { state log result } }",
        "mutation { cancelJob(id: \"ID\") { job { state } errors { code message } } }",
        "mutation { retryJob(id: \"ID\") { job { state } errors { code message } } }",
    ] {
        let ask = async |id: &str| world.graphql(&query.replace("ID", id)).await.replace(id, "ID");
        told.push(apart(query.to_owned(), ask(&id).await, ask(none).await));
    }
    let ask = async |id: &str| {
        world.first_news(&format!("subscription {{ job(id: \"{id}\") {{ state log }} }}")).await.replace(id, "ID")
    };
    told.push(apart("a subscription to a job of somebody else".into(), ask(&id).await, ask(none).await));
    let list = world.test.get("/v1/jobs").await.text().await.unwrap() + &world.test.get("/jobs").await.text().await.unwrap();
    let fine = !list.contains(&id);
    told.push(("jobs of others in the list".into(), if fine { String::new() } else { "a canary".into() }, false));
    // its own one, watched to its end
    let own = jobs::start(&world.test, json!({ "kind": "EXPORT", "collection": world.name })).await;
    let done = jobs::await_state(&world.test, &own, "SUCCEEDED").await;
    let path = format!("/v1/jobs/{}", own["id"].as_str().unwrap());
    told.push(("events of a job".into(), world.get(&format!("{path}/events")).await, true));
    told.push(("an export of its own".into(), world.settled(&format!("{} {}", done["done"], done["of"])), true));
    told
}

async fn sockets(world: &World) -> Vec<Told> {
    let mut told = Vec::new();
    let selected = format!("notes(first: 50, {ORDER}) {{ total {{ value }} nodes {{ _id title }} }}");
    let mut socket = Socket::ready(&world.test.url).await;
    for (name, query) in [
        ("hits by a socket", format!("{{ {selected} }}")),
        ("a subscription by a socket", format!("subscription {{ {selected} }}")),
    ] {
        // the same is asked by somebody else at the same time
        let mut other = Socket::open(&world.test.url).await;
        other
            .send(json!({ "type": "connection_init", "payload": { "authorization": format!("Bearer {}", world.token("boss")) } }))
            .await;
        assert_eq!(other.message().await["type"], "connection_ack");
        other.subscribe("1", &query).await;
        assert!(other.message().await.to_string().contains("v12"));
        socket.subscribe(name, &query).await;
        told.push((name.to_owned(), world.settled(&socket.message().await.to_string()), true));
        if !query.starts_with("subscription") {
            assert_eq!(socket.message().await["type"], "complete");
        }
    }
    told
}

/// What `hooke-explain` tells.
async fn explained(world: &World) -> Vec<Told> {
    let mut told = Vec::new();
    for query in [
        format!("{{ notes(first: 50, {ORDER}) {{ nodes {{ _id up {{ _id }} }} }} }}"),
        "{ note(id: \"h1\") { _id } }".to_owned(),
        "{ notes(search: { query: \"canary1\" }) { suggestions { didYouMean { text } relaxed { text } } } }".to_owned(),
        "{ search(collections: [NOTES, EXTRAS], search: { query: \"plain\" }) { total { value } } }".to_owned(),
    ] {
        let request = world.test.http.post(world.test.at("/graphql")).header("hooke-explain", "1");
        let answer: Json = request.json(&json!({ "query": query })).send().await.unwrap().json().await.unwrap();
        let hooke = &answer["extensions"]["hooke"];
        assert!(hooke["roundTrips"].is_number(), "{answer}");
        let text = if hooke.get("requests").is_some() {
            "a canary: what is sent upstream is told".into()
        } else {
            world.settled(&hooke.to_string())
        };
        told.push((format!("what it cost: {query}"), text, false));
    }
    told
}

/// What is told when hidden documents change: nothing.
async fn afterwards(world: &World) -> Vec<Told> {
    let mut told = Vec::new();
    let paths = [
        "/v1/collections/NAME/documents/v1",
        "/v1/collections/NAME/documents/h9",
        "/v1/collections/NAME",
        "/v1/collections",
        "/v1/collections/NAME/search?filter={\"price\":{\"eq\":10}}",
        "/v1/unique/hashtags",
        "/documents/NAME/v1",
        "/schema.graphql",
        "/openapi.json",
    ];
    let mut tags = Vec::new();
    for path in paths {
        let answer = world.test.get(&path.replace("NAME", &world.name)).await;
        tags.push(answer.headers().get("etag").map(|tag| tag.to_str().unwrap().to_owned()));
    }
    // of a document that is not seen: neither any tag nor the one it has for others
    let others = world.get_as("boss", "/v1/collections/NAME/documents/h9").await;
    tags[1] = others.headers().get("etag").map(|tag| tag.to_str().unwrap().to_owned()).or(Some("\"7-1\"".into()));
    let live = format!("subscription {{ notes(first: 50, {ORDER}) {{ total {{ value }} nodes {{ _id price }} }} }}");
    let request = world.test.http.post(world.test.at("/graphql")).header("accept", "text/event-stream");
    let mut events = request.json(&json!({ "query": live })).send().await.unwrap();
    let mut heard = String::new();
    while !heard.contains("\n\n") {
        heard += &String::from_utf8_lossy(&events.chunk().await.unwrap().unwrap());
    }
    if world.with {
        world.put("", "h9", json!({ "owner": "other", "title": "canary9 changed", "kind": "canarykind", "price": 7_000_000, "content": "#canarynew" })).await;
    }
    for (path, tag) in paths.iter().zip(&tags) {
        let mut request = world.test.http.get(world.test.at(&path.replace("NAME", &world.name)));
        if let Some(tag) = tag {
            request = request.header("if-none-match", tag);
        }
        let again = world.told(request.send().await.unwrap()).await;
        told.push((format!("asked again: {path}"), format!("{} {again}", tag.is_some()), false));
    }
    let request = world.test.http.get(world.test.at(&format!("/v1/collections/{}/documents/h9", world.name)));
    let any = world.told(request.header("if-none-match", "*").send().await.unwrap()).await;
    told.push(("a hidden document, if there is none".into(), any, true));
    // and one that is seen
    let (id, mut source) = visible().pop().unwrap();
    source["price"] = json!(121);
    world.put("", &id, source).await;
    while !heard.contains("121") {
        heard += &String::from_utf8_lossy(&events.chunk().await.unwrap().unwrap());
    }
    let heard: Vec<&str> = heard.lines().filter(|line| line.starts_with("data:")).collect();
    told.push(("a subscription while others write".into(), world.settled(&heard.join("\n")), true));
    told
}
