//! What is asked, by name.

use reqwest::Method;
use serde_json::json;

use super::world::World;
use crate::jobs;

pub(super) const ORDER: &str = "orderBy: [{ field: PRICE, direction: ASC }]";

/// Its name, what was told, and whether it would tell of hidden documents if there were no rule.
pub(super) type Told = (String, String, bool);

/// What is read, by name; what must be told the same whether there are hidden documents or not. `true`: without a rule it would differ.
fn queries() -> Vec<(&'static str, String, bool)> {
    let notes = |arguments: &str, selected: &str| format!("{{ notes({arguments}) {{ {selected} }} }}");
    let all = |selected: &str| format!("{{ notes {{ {selected} }} }}");
    vec![
        (
            "hits",
            notes(
                &format!("first: 50, {ORDER}"),
                "nodes { _id title price tags } pageInfo { hasNextPage hasPreviousPage startCursor endCursor }",
            ),
            true,
        ),
        (
            "edges",
            notes(&format!("first: 12, {ORDER}"), "edges { cursor score node { _id _version nodeId } } pageInfo { hasNextPage }"),
            true,
        ),
        ("total", all("total { value relation }"), true),
        ("total up to", all("total(upTo: 15) { value relation }"), true),
        (
            "search",
            notes(&format!("search: {{ query: \"plain\" }}, first: 50, {ORDER}"), "total { value } edges { score node { _id } }"),
            true,
        ),
        ("search for what is hidden", notes("search: { query: \"canary1\" }", "total { value } nodes { _id }"), true),
        (
            "search fuzzily",
            notes(&format!("search: {{ query: \"canery1\", fuzziness: AUTO }}, {ORDER}"), "total { value } nodes { _id }"),
            true,
        ),
        ("filter", notes("filter: { price: { gt: 1000 } }", "total { value } nodes { _id }"), true),
        ("filter by the rule's own field", notes("filter: { owner: { eq: \"other\" } }", "total { value } nodes { _id }"), true),
        ("filter by not", notes("filter: { not: { owner: { eq: \"me\" } } }", "total { value } nodes { _id }"), true),
        (
            "filter by or",
            notes(
                "filter: { or: [{ owner: { ne: \"me\" } }, { kind: { eq: \"canarykind\" } }] }",
                "total { value } nodes { _id }",
            ),
            true,
        ),
        ("filter by prefix", notes("filter: { kind: { prefix: \"can\" } }", "total { value }"), true),
        (
            "filter by an element",
            notes("filter: { lines: { some: { sku: { eq: \"canarysku\" } } } }", "total { value } nodes { _id }"),
            true,
        ),
        (
            "filter by place",
            notes("filter: { at: { near: { lat: 80, lon: 80, distance: \"100km\" } } }", "total { value }"),
            true,
        ),
        ("filter by network", notes("filter: { addr: { cidr: \"192.168.0.0/16\" } }", "total { value }"), true),
        (
            "facet filters",
            notes(
                "facetFilters: { kind: { in: [\"canarykind\", \"a\"] } }",
                "total { value } facets { kind { values { value count selected } } tags { values { value count } } }",
            ),
            true,
        ),
        (
            "facet of values",
            all(
                "facets { tags(first: 20) { values { value count } otherCount distinctCount } kind(first: 1) { values { value count } otherCount distinctCount } }",
            ),
            true,
        ),
        ("facet that asks for a value", all("facets { kind(query: \"can\") { values { value count } } }"), true),
        (
            "facet of numbers",
            all("facets { price(ranges: [{ to: 100 }, { from: 100 }]) { buckets { from to count } stats { min max } } }"),
            true,
        ),
        ("facet of dates", all("facets { when(interval: { calendar: YEAR }) { buckets { from to count } } }"), true),
        (
            "aggregate",
            all(
                "aggregate { count price { min max avg sum percentiles(at: [50, 99]) { at value } } tags { distinctCount valueCount } when { min max } }",
            ),
            true,
        ),
        ("aggregate elements", all("aggregate { lines { nestedCount cost { max sum } sku { distinctCount } } }"), true),
        (
            "groups",
            notes(
                "first: 0",
                "groupBy(keys: [{ field: KIND }], first: 10) { nodes { key { kind } count aggregate { price { max } } topHits(first: 2) { _id title } } otherCount }",
            ),
            true,
        ),
        (
            "groups on condition",
            all("groupBy(keys: [{ field: TAGS }], having: { count: { gte: 4 } }) { nodes { key { tags } count } otherCount }"),
            true,
        ),
        ("groups by owner", all("groupBy(keys: [{ field: OWNER }]) { nodes { key { owner } count } otherCount }"), true),
        (
            "highlights",
            notes(
                &format!("search: {{ query: \"plain canary1\" }}, first: 50, {ORDER}"),
                "edges { node { _id } highlights(fields: [TITLE]) { field fragments { html } } }",
            ),
            true,
        ),
        (
            "did you mean",
            notes("search: { query: \"vissble canarxx\" }", "suggestions { didYouMean { text parts { text changed } } }"),
            true,
        ),
        ("complete", "{ notesSuggest(field: KIND, prefix: \"\") { text count } }".into(), true),
        ("complete what is hidden", "{ notesSuggest(field: KIND, prefix: \"can\") { text count } }".into(), true),
        (
            "which word to drop",
            notes(
                "search: { query: \"number3 canary1 plain\", operator: AND }",
                "total { value } suggestions { relaxed { text dropped total { value } } }",
            ),
            true,
        ),
        ("the greatest", notes("first: 2, orderBy: [{ field: PRICE, direction: DESC }]", "nodes { _id price }"), true),
        ("the last", notes(&format!("last: 2, {ORDER}"), "nodes { _id } pageInfo { hasNextPage hasPreviousPage }"), true),
        (
            "an offset",
            notes(&format!("offset: 11, first: 5, {ORDER}"), "nodes { _id } pageInfo { hasNextPage hasPreviousPage }"),
            true,
        ),
        (
            "by distance",
            notes(
                "first: 3, orderBy: [{ distance: { field: AT, from: { lat: 80, lon: 80 } } }]",
                "edges { distance node { _id } }",
            ),
            true,
        ),
        ("by id", "{ note(id: \"h1\") { _id title owner } }".into(), true),
        ("related one", notes("filter: { price: { lte: 20 } }", "nodes { _id up { _id title } }"), true),
        (
            "related many",
            notes("filter: { price: { eq: 20 } }", "nodes { _id down(first: 20) { total { value } nodes { _id } } }"),
            true,
        ),
        ("no such field", all("nodes { secrt }"), false),
        ("the hidden field", all("nodes { secret }"), false),
        ("filter by the hidden field", notes("filter: { secret: { exists: true } }", "total { value }"), false),
        ("order by the hidden field", notes("orderBy: [{ field: SECRET, direction: ASC }]", "nodes { _id }"), false),
        (
            "elements of hits",
            notes(
                &format!("first: 50, {ORDER}, filter: {{ lines: {{ some: {{ sku: {{ eq: \"s9\" }} }} }} }}"),
                "total { value } edges { node { _id } innerHits { lines(first: 5) { total nodes { sku cost } } all: lines(filter: {}, first: 1) { total } } }",
            ),
            true,
        ),
        (
            "elements of hidden hits",
            notes(
                "filter: { lines: { some: { sku: { eq: \"canarysku\" } } } }",
                "edges { innerHits { lines { total nodes { sku cost } } } }",
            ),
            true,
        ),
        (
            "groups of elements",
            notes(
                "first: 0",
                "groupBy(keys: [{ field: LINES_SKU }], orderBy: [{ key: DESC }]) { nodes { key { lines { sku } } count nestedCount aggregate { lines { cost { max } } } topHits(first: 4, orderBy: [{ field: PRICE, direction: DESC }]) { _id title lines { sku cost } } groupBy(keys: [{ field: KIND }], first: 5) { nodes { key { kind } count topHits(first: 1) { _id } } otherCount } } otherCount pageInfo { hasNextPage endCursor } }",
            ),
            true,
        ),
        (
            "groups of several keys",
            notes(
                "first: 0",
                "groupBy(keys: [{ field: KIND }, { field: OWNER }], first: 2) { nodes { key { kind owner } count topHits(first: 1, orderBy: [{ field: PRICE, direction: DESC }]) { _id } } otherCount pageInfo { hasNextPage } }",
            ),
            true,
        ),
        ("facet of elements", all("facets { lines { sku(include: [MISSING]) { values { value count nestedCount } otherCount } } }"), true),
        (
            "the nearest",
            notes("search: { knn: { field: NEAR, vector: [1, 0], k: 3 } }", "total { value } edges { score node { _id } }"),
            true,
        ),
        (
            "words and the nearest together",
            notes(
                "search: { query: \"number3\", knn: { field: NEAR, vector: [1, 0], k: 3 }, fusion: RRF }",
                "total { value } edges { score node { _id } }",
            ),
            true,
        ),
        ("why", notes("search: { query: \"number3\" }", "edges { score explanation { value description } node { _id } }"), true),
        ("words of a hidden field", notes("search: { query: \"canarymurmur\" }", "total { value }"), false),
        (
            "several together",
            "{ search(collections: [NOTES, EXTRAS], search: { query: \"plain\" }, first: 50) { total { value relation } pageInfo { hasNextPage } edges { score collection node { __typename ... on Note { _id title price } ... on Extra { _id body level } } } } }".into(),
            true,
        ),
        (
            "several together for what is hidden",
            "{ search(collections: [NOTES, EXTRAS], search: { query: \"canary1\" }) { total { value } edges { node { ... on Note { _id } ... on Extra { _id } } } } }".into(),
            true,
        ),
        (
            "several together for words of a hidden field",
            "{ search(collections: [NOTES, EXTRAS], search: { query: \"canarymurmur\" }) { total { value } } }".into(),
            false,
        ),
        (
            "a page of several together",
            "{ search(collections: [EXTRAS], search: { query: \"plain\" }, first: 3) { total(upTo: 5) { value relation } pageInfo { hasNextPage } edges { score } } }".into(),
            true,
        ),
        ("the schema", "{ __schema { types { name fields { name } inputFields { name } enumValues { name } } } }".into(), false),
    ]
}

fn paths() -> Vec<(&'static str, &'static str, bool)> {
    vec![
        ("collections", "/v1/collections", true),
        ("a collection", "/v1/collections/NAME", true),
        ("another collection by REST", "/v1/collections/NAME-other", false),
        ("a document", "/v1/collections/NAME/documents/v1", false),
        ("a hidden document", "/v1/collections/NAME/documents/h1", true),
        (
            "search by REST",
            "/v1/collections/NAME/search?q=plain&first=50&orderBy=[{\"field\":\"PRICE\",\"direction\":\"ASC\"}]",
            true,
        ),
        ("search by REST with a filter", "/v1/collections/NAME/search?filter={\"price\":{\"gt\":1000}}", true),
        ("a filter on the hidden field by REST", "/v1/collections/NAME/search?filter={\"secret\":{\"exists\":true}}", false),
        (
            "a snapshot by REST",
            "/v1/collections/NAME/search?consistency=SNAPSHOT&first=50&orderBy=[{\"field\":\"PRICE\",\"direction\":\"ASC\"}]",
            true,
        ),
        ("the page of all", "/", true),
        ("the page of a document", "/documents/NAME/v1", false),
        ("the page of a hidden document", "/documents/NAME/h1", true),
        ("the page of another collection", "/search/NAME-other", false),
        ("the schema as text", "/schema.graphql", false),
        ("the lab", "/lab", false),
        ("no job", "/v1/jobs/0", false),
        ("hashtags", "/v1/unique/hashtags", true),
        ("a page as Elasticsearch writes it", "/v1/content/search/NAME/0/50", true),
        ("the end of such pages", "/v1/content/search/NAME/12/50", true),
        ("completed on the page", "/search/NAME/complete?q=can", true),
        ("the page of facets", "/search/NAME?kind=canarykind", true),
        ("the description", "/openapi.json", false),
        ("the reference", "/docs", false),
        ("the playground", "/playground", false),
        ("signs of life", "/readyz", false),
        ("the page of jobs", "/jobs", false),
        ("who one is", "/v1/me", false),
        ("GraphQL by address", "/graphql?query={notes{total{value}nodes{_id}}}", true),
    ]
}

/// Everything that is asked, by name, with what was told.
pub(super) async fn ask(world: &World) -> Vec<Told> {
    let mut told = Vec::new();
    for (name, query, differs) in queries() {
        // what was told to others before is not told to this one
        world.as_other("boss", &query).await;
        world.as_other("stranger", &query).await;
        let answer = world.graphql(&query).await;
        told.push((name.to_owned(), if name.starts_with("several") { unordered(&answer) } else { answer }, differs));
    }
    for (name, path, differs) in paths() {
        world.get_as("boss", path).await;
        told.push((name.to_owned(), world.get(path).await, differs));
    }
    let mut lines: Vec<String> = world.get("/v1/collections/NAME/export").await.lines().map(str::to_owned).collect();
    lines.sort_unstable();
    told.push(("export".into(), lines.join("\n"), true));
    let body = json!({ "q": "plain", "first": 50, "facetFilters": { "kind": { "in": ["canarykind", "a"] } }, "orderBy": [{ "field": "PRICE", "direction": "ASC" }] });
    let path = "/v1/collections/NAME/search";
    told.push(("search by a body".into(), world.send(Method::POST, path, "application/json", &body.to_string()).await, true));
    // counts of requests and times apart
    let status: String = world.get("/status").await.chars().filter(|c| !c.is_ascii_digit()).collect();
    told.push((
        "the page of the state".into(),
        status.split("<tbody>").next().unwrap().split("Running for").next().unwrap().into(),
        false,
    ));
    let page = world.get("/search/NAME?q=plain&sort=price:asc").await;
    told.push(("the page of a search".into(), page, true));
    // they count what other tests do in this process too
    let metrics = world.get("/metrics").await;
    let tells = metrics.contains("NAME") || metrics.to_lowercase().contains("canar");
    told.push(("metrics".into(), if tells { format!("a canary: {metrics}") } else { String::new() }, false));
    told.push(("a node".into(), world.node("h1").await, true));
    told.push(("a walk in a snapshot".into(), world.walk().await, true));
    let live = format!("subscription {{ notes(first: 50, {ORDER}) {{ total {{ value }} nodes {{ _id }} }} }}");
    told.push(("a subscription".into(), world.first_news(&live).await, true));
    told.push(("an export by a job".into(), world.export_by_job().await, true));
    told
}

/// Of a list that is in order of relevance, which statistics of the whole index decide, the lines in an order of their own.
fn unordered(answer: &str) -> String {
    let mut lines: Vec<&str> = answer.split("{\"collection\":").collect();
    lines[1..].sort_unstable();
    lines.join("\n").replace("}}]", "}},")
}

/// What is written, in this order; the last ones empty the collection.
pub(super) async fn write(world: &World) -> Vec<Told> {
    let json = "application/json";
    let mut told = Vec::new();
    for (name, mutation, differs) in [
        (
            "update",
            "mutation { updateNote(id: \"h1\", patch: { price: 1 }) { note { _id title } version errors { code message path } } }",
            true,
        ),
        ("delete", "mutation { deleteNote(id: \"h2\") { note { _id title } errors { code message path } } }", true),
        (
            "update out of sight",
            "mutation { updateNote(id: \"v3\", patch: { owner: \"other\" }) { note { _id } errors { code message path } } }",
            true,
        ),
        (
            "create out of sight",
            "mutation { createNote(input: { owner: \"other\" }, id: \"n1\") { note { _id } errors { code message path } } }",
            true,
        ),
        (
            "create",
            "mutation { createNote(input: { owner: \"me\", price: 7 }, id: \"n2\", refresh: NOW) { note { _id owner price } version errors { code message } } }",
            false,
        ),
        ("write the hidden field", "mutation { updateNote(id: \"v3\", patch: { secret: \"x\" }) { errors { code } } }", false),
        (
            "bulk",
            "mutation { bulkNotes(operations: [{ delete: { id: \"h3\" } }, { update: { id: \"h4\", patch: { price: 2 } } }, { update: { id: \"v4\", patch: { price: 41 } } }], refresh: NOW) { items { version errors { code message path } } errors { code } } }",
            true,
        ),
        (
            "make a collection",
            "mutation { createCollection(name: \"canaries\", fields: [{ name: \"a\", kind: KEYWORD }]) { name errors { code } } }",
            false,
        ),
    ] {
        told.push((name.to_owned(), world.graphql(mutation).await, differs));
    }
    for (name, method, path, kind, body, differs) in [
        (
            "patch by REST",
            Method::PATCH,
            "/v1/collections/NAME/documents/h5",
            "application/merge-patch+json",
            "{\"price\":1}",
            true,
        ),
        (
            "patch the hidden field by REST",
            Method::PATCH,
            "/v1/collections/NAME/documents/v5",
            "application/merge-patch+json",
            "{\"secret\":\"x\"}",
            false,
        ),
        (
            "patch no field by REST",
            Method::PATCH,
            "/v1/collections/NAME/documents/v5",
            "application/merge-patch+json",
            "{\"nosuch\":\"x\"}",
            false,
        ),
        (
            "patch by REST what is seen",
            Method::PATCH,
            "/v1/collections/NAME/documents/v5?refresh=NOW",
            "application/merge-patch+json",
            "{\"price\":51}",
            false,
        ),
        ("delete by REST", Method::DELETE, "/v1/collections/NAME/documents/h6", json, "", true),
        (
            "bulk by REST",
            Method::POST,
            "/v1/collections/NAME/bulk",
            "application/x-ndjson",
            "{\"delete\":{\"id\":\"h7\"}}\n{\"update\":{\"id\":\"h8\",\"patch\":{\"price\":1}}}\n",
            true,
        ),
        (
            "load hashtags out of sight",
            Method::POST,
            "/v1/content/load/NAME",
            json,
            "{\"hashtags\":[\"#all\",\"#canary1\"]}",
            false,
        ),
        (
            "load hashtags that are there",
            Method::POST,
            "/v1/content/load/NAME",
            json,
            "{\"hashtags\":[\"#all\",\"#tag3\"]}",
            false,
        ),
        ("make a collection for hashtags", Method::POST, "/v1/create/index/NAME-more", json, "", false),
        ("verify", Method::POST, "/v1/collections/NAME/verify", json, "{}", false),
        ("verify another collection", Method::POST, "/v1/collections/NAME-other/verify", json, "{}", false),
        ("remove a collection", Method::DELETE, "/v1/collections/NAME", json, "", false),
        ("remove another collection", Method::DELETE, "/v1/collections/NAME-other", json, "", false),
        ("start what calls others", Method::POST, "/v1/jobs", json, "{\"kind\":\"FETCH\",\"collection\":\"NAME\"}", false),
        (
            "copy to another collection",
            Method::POST,
            "/v1/jobs",
            json,
            "{\"kind\":\"COPY\",\"collection\":\"NAME\",\"arguments\":{\"to\":\"NAME-other\"}}",
            false,
        ),
    ] {
        told.push((name.to_owned(), world.send(method, path, kind, body).await, differs));
    }
    for query in [
        "mutation { updateNote(id: \"h9\", patch: { price: 3 }, ifVersion: \"7-1\") { errors { code message path } } }",
        "mutation { deleteNote(id: \"h9\", ifVersion: \"7-1\") { errors { code message path } } }",
    ] {
        told.push((format!("a hidden document of a version: {query}"), world.graphql(query).await, true));
    }
    for tags in ["\"1-1\", \"2-1\"", "\"7-1\"", "*"] {
        for method in [Method::PATCH, Method::DELETE] {
            let path = format!("/v1/collections/{}/documents/h9", world.name);
            let request = world.test.http.request(method.clone(), world.test.at(&path)).header("if-match", tags);
            let request = request.header("content-type", "application/merge-patch+json").body("{\"price\":1}");
            told.push((
                format!("{method} a hidden document if-match {tags}"),
                world.told(request.send().await.unwrap()).await,
                true,
            ));
        }
    }
    let job = json!({ "kind": "COPY", "collection": world.name, "arguments": { "to": format!("{}-extras", world.name) } });
    let job = jobs::start(&world.test, job).await;
    let done = jobs::await_that(&world.test, &job, "over", |job| job["state"] == "SUCCEEDED" || job["state"] == "FAILED").await;
    let copied = world.settled(&format!("{} {} {} {}", done["result"], done["done"], done["of"], done["error"]));
    told.push(("copy by a job".into(), copied, true));
    let job =
        json!({ "kind": "DELETE_BY_FILTER", "collection": world.name, "arguments": { "filter": { "price": { "gte": 0 } } } });
    let job = jobs::start(&world.test, job).await;
    let done = jobs::await_state(&world.test, &job, "SUCCEEDED").await;
    told.push(("delete by a job".into(), world.settled(&done["result"].to_string()), true));
    told
}
