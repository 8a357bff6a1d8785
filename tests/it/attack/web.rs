//! What is sent to HTTP itself, to the REST API, to pages and to sockets.

use hooke::config::Defence;
use serde_json::json;
use tokio_tungstenite::tungstenite::Message;

use super::bombs;
use super::table::{Attack, By};

const JSON: (&str, &str) = ("content-type", "application/json");
const TYPENAME: &str = r#"{"query":"{ __typename }"}"#;
const MUTATION: &str = "mutation%7BdeleteLandmark(id:%22x%22)%7Berrors%7Bcode%7D%7D%7D";
const PROTOCOL: (&str, &str) = ("sec-websocket-protocol", "graphql-transport-ws");

pub(super) fn requests() -> Vec<Attack> {
    let raw = |name, text: &str, statuses| Attack::raw(name, text.as_bytes().to_vec(), statuses);
    vec![
        Attack::http("a foreign Host", "GET", "/graphql?query=%7B__typename%7D", &[("host", "evil.example")], "", &[403]).by(By::Line(Defence::Host)),
        Attack::http("a Host that begins like ours", "GET", "/", &[("host", "localhost.evil.example")], "", &[403]).by(By::Line(Defence::Host)),
        Attack::http("an address of this machine by a foreign name", "GET", "/", &[("host", "127.0.0.1.evil.example")], "", &[403]).by(By::Line(Defence::Host)),
        raw("no Host", "GET /livez HTTP/1.1\r\nconnection: close\r\n\r\n", &[400, 403]),
        raw("two Hosts", "GET /livez HTTP/1.1\r\nhost: {host}\r\nhost: evil.example\r\nconnection: close\r\n\r\n", &[400, 403]),
        raw("a foreign host in the address", "GET http://evil.example/livez HTTP/1.1\r\nhost: {host}\r\nconnection: close\r\n\r\n", &[403]).by(By::Line(Defence::Host)),
        raw("another of our names in the address", "GET http://localhost/livez HTTP/1.1\r\nhost: {host}\r\nconnection: close\r\n\r\n", &[403]).by(By::Line(Defence::Host)),
        raw("a foreign host behind a user in the address", "GET http://{host}@evil.example/livez HTTP/1.1\r\nhost: {host}\r\nconnection: close\r\n\r\n", &[400, 403]).by(By::Line(Defence::Host)),
        Attack::http("a foreign Origin", "POST", "/graphql", &[JSON, ("origin", "http://evil.example")], TYPENAME, &[403]).by(By::Line(Defence::Origin)),
        Attack::http("the Origin null", "POST", "/graphql", &[JSON, ("origin", "null")], TYPENAME, &[403]).by(By::Line(Defence::Origin)),
        Attack::http("an Origin of another port", "POST", "/graphql", &[JSON, ("origin", "http://127.0.0.1:1")], TYPENAME, &[403]).by(By::Line(Defence::Origin)),
        Attack::http("an Origin that begins like ours", "POST", "/graphql", &[JSON, ("origin", "http://{host}.evil.example")], TYPENAME, &[403]).by(By::Line(Defence::Origin)),
        Attack::http("a preflight from elsewhere", "OPTIONS", "/graphql", &[("origin", "http://evil.example"), ("access-control-request-method", "POST")], "", &[403]).untold("access-control-allow").by(By::Line(Defence::Origin)),
        Attack::http("a mutation by GET", "GET", format!("/graphql?query={MUTATION}"), &[], "", &[405]).by(By::Line(Defence::GetWrites)),
        Attack::http("a mutation by GET behind a query", "GET", format!("/graphql?query=query%20A%7B__typename%7D{}&operationName=B", MUTATION.replacen("mutation", "mutation%20B", 1)), &[], "", &[405]).by(By::Line(Defence::GetWrites)),
        Attack::http("a mutation by GET behind a comment", "GET", format!("/graphql?query=%23query%0A{MUTATION}"), &[], "", &[405]).by(By::Line(Defence::GetWrites)),
        Attack::http("a mutation by HEAD", "HEAD", format!("/graphql?query={MUTATION}"), &[], "", &[405]).by(By::Line(Defence::GetWrites)),
        Attack::http("an operation by PUT", "PUT", "/graphql", &[JSON], TYPENAME, &[405]),
        Attack::http("a form of a foreign page", "POST", "/graphql", &[("content-type", "text/plain")], TYPENAME, &[415]).by(By::Line(Defence::ContentType)),
        Attack::http("a form of a foreign page, coded", "POST", "/graphql", &[("content-type", "application/x-www-form-urlencoded")], "query=%7B__typename%7D", &[415]),
        Attack::http("a form of a foreign page, in parts", "POST", "/graphql", &[("content-type", "multipart/form-data; boundary=x")], TYPENAME, &[415]).by(By::Line(Defence::ContentType)),
        Attack::http("a write of a foreign page", "POST", "/v1/collections", &[("content-type", "text/plain")], r#"{"name":"x","mappings":{}}"#, &[415]),
        Attack::http("a document of a foreign page", "POST", "/v1/collections/landmarks/documents", &[("content-type", "text/plain")], "{}", &[415]),
        Attack::http("a batch of operations", "POST", "/graphql", &[JSON], format!("[{}]", [TYPENAME; 1_000].join(",")), &[400]).told(r#""limit":"batch""#),
        raw("two lengths", "POST /graphql HTTP/1.1\r\nhost: {host}\r\ncontent-type: application/json\r\ncontent-length: 26\r\ncontent-length: 5\r\nconnection: close\r\n\r\n{\"query\":\"{ __typename }\"}", &[400]),
        raw("a length and chunks", "POST /graphql HTTP/1.1\r\nhost: {host}\r\ncontent-type: application/json\r\ncontent-length: 5\r\ntransfer-encoding: chunked\r\nconnection: close\r\n\r\n0\r\n\r\nGET /livez HTTP/1.1\r\n\r\n", &[400]).untold("\"OK\""),
        raw("a negative length", "POST /graphql HTTP/1.1\r\nhost: {host}\r\ncontent-length: -1\r\n\r\n", &[400]),
        raw("a length beyond all numbers", "POST /graphql HTTP/1.1\r\nhost: {host}\r\ncontent-length: 99999999999999999999999\r\n\r\n", &[400]),
        raw("a chunk beyond all numbers", "POST /graphql HTTP/1.1\r\nhost: {host}\r\ncontent-type: application/json\r\ntransfer-encoding: chunked\r\n\r\nfffffffffffffffffff\r\nx", &[0, 400]),
        raw("an unknown way of transfer", "POST /graphql HTTP/1.1\r\nhost: {host}\r\ntransfer-encoding: chunked, identity\r\n\r\n0\r\n\r\n", &[400]),
        raw("a folded header", "GET /livez HTTP/1.1\r\nhost: {host}\r\nx-a: b\r\n c: d\r\nconnection: close\r\n\r\n", &[400]),
        raw("a header without a name", "GET /livez HTTP/1.1\r\nhost: {host}\r\n: x\r\nconnection: close\r\n\r\n", &[400]),
        raw("a space before the colon", "GET /livez HTTP/1.1\r\nhost: {host}\r\nx-a : b\r\nconnection: close\r\n\r\n", &[400]),
        raw("a NUL in a header", "GET /livez HTTP/1.1\r\nhost: {host}\r\nx-a: b\0c\r\nconnection: close\r\n\r\n", &[400]),
        raw("a thousand headers", &format!("GET /livez HTTP/1.1\r\nhost: {{host}}\r\n{}\r\n", (0..1_000).map(|n| format!("x-{n}: y\r\n")).collect::<String>()), &[400, 431]),
        raw("a header of a megabyte", &format!("GET /livez HTTP/1.1\r\nhost: {{host}}\r\nx-a: {}\r\n\r\n", "y".repeat(1 << 20)), &[400, 431]),
        raw("an address of a megabyte", &format!("GET /graphql?query={} HTTP/1.1\r\nhost: {{host}}\r\n\r\n", "y".repeat(1 << 20)), &[400, 414, 431]),
        raw("another protocol", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", &[0, 400, 505]),
        raw("no protocol at all", "\x16\x03\x01\x02\0\x01\0\x01\u{1}\r\n\r\n", &[0, 400]),
        Attack::http("an id that is a script", "GET", "/nowhere", &[("x-request-id", "<script>alert(1)</script>")], "", &[404]).untold("<script>alert"),
        Attack::http("an id that is a second header", "GET", "/nowhere", &[("x-request-id", "a%0d%0aset-cookie: b=c")], "", &[404]).untold("set-cookie"),
        Attack::http("a line break in an address", "GET", "/nowhere%0d%0aset-cookie:%20a=b", &[], "", &[404]).untold("set-cookie"),
    ]
}

pub(super) fn addresses() -> Vec<Attack> {
    let get = |name, path: &str, statuses| Attack::http(name, "GET", path, &[], "", statuses);
    let search = |name, index: &str| {
        Attack::http(name, "GET", format!("/v1/collections/{index}/search"), &[], "", &[400, 404]).untold("edges").told("code")
    };
    let make = |name, index: &str| {
        let body = json!({ "name": index, "mappings": { "properties": {} } }).to_string();
        Attack::http(name, "POST", "/v1/collections", &[JSON], body, &[400])
    };
    vec![
        get("out of the assets", "/assets/../../../../etc/passwd", &[404]).untold("root:"),
        get("out of the assets, coded", "/assets/..%2f..%2f..%2f..%2fetc%2fpasswd", &[404]).untold("root:"),
        get("out of the assets, coded twice", "/assets/%252e%252e%252f%252e%252e%252fetc%252fpasswd", &[404]).untold("root:"),
        get("a redirect to elsewhere", "//evil.example/%2e%2e", &[404]).untold("location:"),
        get("a redirect to elsewhere by backslash", "/%5cevil.example", &[404]).untold("location:"),
        search("all collections", "_all"),
        search("a star for a collection", "*"),
        search("a pattern for a collection", "land*"),
        search("a list of collections", "landmarks,landmarks"),
        search("all but one collection", "*,-landmarks"),
        search("hooke's own state", ".hooke-jobs"),
        search("hooke's own state, by a pattern", ".hooke-%2a"),
        search("an index of Elasticsearch's own", ".security-7"),
        search("another cluster's index", "other:landmarks"),
        search("date math for a name", "%3Clandmarks-%7Bnow%2Fd%7D%3E"),
        search("out of the path", "..%2f_cluster%2fsettings"),
        search("an endpoint for a name", "_search"),
        search("a NUL in a name", "land%00marks"),
        search("a name of 256 bytes", &"a".repeat(256)),
        search("a collection as long as a book", &"a".repeat(30_000)),
        make("a new collection that is hidden", ".hooke-users"),
        make("a new collection that begins like an endpoint", "_cluster"),
        make("a new collection with a path", "../x"),
        make("a new collection with a star", "a*"),
        make("a new collection with capitals", "Landmarks"),
        make("a new collection of dots", ".."),
        get("a document outside of its collection", "/v1/collections/landmarks/documents/..%2f..%2f_cluster%2fhealth", &[404]),
        get("an id as long as a book", &format!("/v1/collections/landmarks/documents/{}", "a".repeat(30_000)), &[400, 404]),
        get("a page of 100,000 by REST", "/v1/collections/landmarks/search?first=100000", &[400]).by(By::Limit("first")),
        get("an offset beyond the window by REST", "/v1/collections/landmarks/search?first=10&offset=10000", &[400])
            .by(By::Limit("offset+first")),
        get("a page that is no number", "/v1/collections/landmarks/search?first=1e3", &[400]),
        get("a filter that is no JSON", "/v1/collections/landmarks/search?filter=%7B%7B", &[400]),
        get(
            "a deep filter by REST",
            &format!(
                "/v1/collections/landmarks/search?filter={}",
                urlencoded(&bombs::nested("{\"not\":", "{\"year\":{\"eq\":1}}", "}", 30))
            ),
            &[400],
        )
        .by(By::Limit("filter_depth")),
        get("a forged cursor by REST", "/v1/collections/landmarks/search?after=AAAA", &[400]),
        get("an unknown parameter", "/v1/collections/landmarks/search?script=1", &[400]),
        get("a result of no job", "/v1/jobs/..%2f..%2fsecret/result", &[400, 404]),
        Attack::http("a job of an unknown kind", "POST", "/v1/jobs", &[JSON], r#"{"kind":"SHELL","command":"id"}"#, &[400, 422]),
        Attack::http(
            "a job that asks an address of one's own",
            "POST",
            "/v1/jobs",
            &[JSON],
            r#"{"kind":"FETCH","upstream":"http://169.254.169.254/","collection":"x","count":1}"#,
            &[400, 404, 422],
        ),
        Attack::http(
            "a file outside of the folder",
            "POST",
            "/v1/jobs/load?collection=x&name=..%2f..%2fsecret",
            &[("content-type", "text/plain")],
            "x",
            &[400, 415, 422],
        ),
    ]
}

fn urlencoded(text: &str) -> String {
    text.bytes().map(|byte| format!("%{byte:02x}")).collect()
}

pub(super) fn bodies() -> Vec<Attack> {
    let long = |length: usize| format!(r#"{{"query":"{{ __typename }}","x":"{}"}}"#, "x".repeat(length));
    let packed = |name, path: &str| {
        let headers = [JSON, ("content-encoding", "gzip")];
        Attack::http(name, "POST", path, &headers, bombs::gzip_of_zeros(200_000), &[413]).by(By::Limit("body"))
    };
    vec![
        Attack::http("a body of 3 MB", "POST", "/graphql", &[JSON], long(3 << 20), &[413]).by(By::Limit("body")),
        Attack::http("a body of 3 MB to REST", "POST", "/v1/collections", &[JSON], long(3 << 20), &[413]).by(By::Limit("body")),
        Attack::raw("a body of 3 MB in chunks", {
            let mut all = String::from("POST /graphql HTTP/1.1\r\nhost: {host}\r\ncontent-type: application/json\r\ntransfer-encoding: chunked\r\nconnection: close\r\n\r\n");
            for _ in 0..48 {
                all += &format!("10000\r\n{}\r\n", " ".repeat(0x10000));
            }
            (all + "0\r\n\r\n").into_bytes()
        }, &[413]).by(By::Limit("body")),
        packed("50 MB packed into 300 kB", "/graphql"),
        packed("50 MB packed into 300 kB for REST", "/v1/collections"),
        Attack::http("a packing that nobody knows", "POST", "/graphql", &[JSON, ("content-encoding", "br")], TYPENAME, &[400, 415]),
        Attack::http("packed twice", "POST", "/graphql", &[JSON, ("content-encoding", "gzip, gzip")], TYPENAME, &[400, 415]),
        Attack::http("packed, and not so", "POST", "/graphql", &[JSON, ("content-encoding", "gzip")], TYPENAME, &[400]),
        Attack::http("JSON beyond the stack", "POST", "/graphql", &[JSON], format!(r#"{{"query":"{{ __typename }}","variables":{{"a":{}}}}}"#, bombs::nested("[", "1", "]", 100_000)), &[400]),
        Attack::http("JSON beyond the stack to REST", "POST", "/v1/collections/landmarks/search", &[JSON], format!(r#"{{"filter":{}}}"#, bombs::nested(r#"{"not":"#, "1", "}", 20_000)), &[400]),
        Attack::http("no UTF-8", "POST", "/graphql", &[JSON], [&br#"{"query":"{ __typename "#[..], &[0xff, 0xfe], br#" }"}"#].concat(), &[400]),
        Attack::http("another character set", "POST", "/graphql", &[("content-type", "application/json; charset=utf-7")], TYPENAME, &[415]).by(By::Line(Defence::ContentType)),
        Attack::http("a query that is a number", "POST", "/graphql", &[JSON], r#"{"query":5}"#, &[400]),
        Attack::http("a line of 3 MB", "POST", "/v1/collections/landmarks/bulk", &[("content-type", "application/x-ndjson")], format!(r#"{{"delete":{{"id":"{}"}}}}"#, "x".repeat(3 << 20)), &[200, 400, 413]).told("limits.body"),
        Attack::http("a line that is no operation", "POST", "/v1/collections/landmarks/bulk", &[("content-type", "application/x-ndjson")], "{\"script\":{}}\n", &[200, 400]).told("BAD_USER_INPUT"),
        Attack::http("a field of Elasticsearch's own in a document", "PUT", "/v1/collections/landmarks/documents/x", &[JSON], r#"{"_id":"y"}"#, &[400, 422]),
        Attack::http("a mapping with a script", "POST", "/v1/collections", &[JSON], r#"{"name":"scripted","mappings":{"properties":{"a":{"type":"long","script":"emit(1)"}}}}"#, &[400, 422]),
        Attack::http("a mapping beyond the stack", "POST", "/v1/collections", &[JSON], format!(r#"{{"name":"deep","mappings":{}}}"#, bombs::nested(r#"{"properties":{"a":"#, r#"{"type":"long"}"#, "}}", 5_000)), &[400, 422]),
        Attack::http("a mapping of ten thousand fields", "POST", "/v1/collections", &[JSON], json!({ "name": "wide", "mappings": { "properties": (0..10_000).map(|n| (format!("f{n}"), json!({ "type": "long" }))).collect::<serde_json::Map<_, _>>() } }).to_string(), &[400, 422]),
        // accounts bring more of these: tokens without a signature, of another key, over, changed by a bit
        Attack::http("a token that is none", "GET", "/v1/me", &[("authorization", "Bearer eyJhbGciOiJub25lIn0.eyJzdWIiOiIxIn0.")], "", &[401, 404]),
    ]
}

pub(super) fn sockets() -> Vec<Attack> {
    let text = |text: &str| Message::text(text.to_owned());
    let init = || Message::text(r#"{"type":"connection_init"}"#);
    let subscribe = |id: &str| {
        let payload = json!({ "query": "subscription { landmarks { total { value } } }" });
        Message::text(json!({ "type": "subscribe", "id": id, "payload": payload }).to_string())
    };
    let socket = |name, messages, statuses| Attack::socket(name, &[PROTOCOL], messages, statuses);
    vec![
        Attack::socket("a socket of a foreign page", &[PROTOCOL, ("origin", "http://evil.example")], vec![], &[403])
            .by(By::Line(Defence::Origin)),
        Attack::socket("a socket of the Origin null", &[PROTOCOL, ("origin", "null")], vec![], &[403])
            .by(By::Line(Defence::Origin)),
        Attack::socket("a socket of no protocol", &[], vec![init()], &[4406]),
        socket("a socket that says nothing", vec![], &[4408]),
        socket("a subscription before its time", vec![subscribe("a")], &[4401]),
        socket("two beginnings", vec![init(), init()], &[4429]),
        socket("two subscriptions of one id", vec![init(), subscribe("a"), subscribe("a")], &[4409]),
        socket("a message of no kind", vec![init(), text(r#"{"type":"shutdown"}"#)], &[4400]),
        socket("a message that is no JSON", vec![text("{")], &[4400]),
        socket("a binary message", vec![Message::binary(vec![0; 16])], &[4400]),
        socket("an id of 2,000 bytes", vec![init(), subscribe(&"x".repeat(2_000))], &[4400]),
        socket("a message of 3 MB", vec![init(), Message::text("x".repeat(3 << 20))], &[1009, 1]).by(By::Limit("body")),
        socket("101 subscriptions", std::iter::once(init()).chain((0..101).map(|n| subscribe(&n.to_string()))).collect(), &[2])
            .told("subscriptions")
            .by(By::Limit("subscriptions")),
        socket("messages beyond the stack", vec![init(), Message::text(bombs::nested("[", "", "]", 100_000))], &[4400]),
    ]
}

pub(super) fn slow() -> Vec<Attack> {
    let head = "POST /graphql HTTP/1.1\r\nhost: {host}\r\ncontent-type: application/json\r\n";
    vec![
        Attack::drip("a connection that says nothing", "", ""),
        Attack::drip("a head that never ends", "GET /livez HTTP/1.1\r\nhost: {host}\r\n", "x-a: b\r\n")
            .by(By::Limit("head_time")),
        Attack::drip("a first line that never ends", "GET /", "a").by(By::Limit("head_time")),
        Attack::drip("a second request that never comes", "GET /livez HTTP/1.1\r\nhost: {host}\r\n\r\n", ""),
        Attack::drip("a body that stops", format!("{head}content-length: 1000\r\n\r\n{{\"query\":"), "")
            .by(By::Limit("body_time")),
        Attack::drip("chunks that stop", format!("{head}transfer-encoding: chunked\r\n\r\n5\r\n{{\"que\r\n"), "")
            .by(By::Limit("body_time")),
        Attack::drip("a body that drips", format!("{head}content-length: 100000\r\n\r\n{{\"query\":"), " ").by(By::Limit("time")),
    ]
}
