//! Relations between collections, declared in the settings: one round trip a level, on both engines.

use std::time::{Duration, Instant};

use hooke::config::{CollectionConfig, ElasticConfig, RelationConfig};
use serde_json::{Value as Json, json};

use crate::app::TestApp;
use crate::ground::{elasticsearch_url, unique};

struct Blog {
    test: TestApp,
    collections: [String; 2],
}

async fn each() -> Vec<Blog> {
    let mut all = vec![Blog::open(None).await];
    match elasticsearch_url() {
        Some(url) => all.push(Blog::open(Some(url)).await),
        None => eprintln!("SKIPPED on Elasticsearch: HOOKE_TEST_ELASTICSEARCH is not set"),
    }
    all
}

fn relation(to: &str, field: &str, by: &str, many: bool) -> RelationConfig {
    RelationConfig { to: to.into(), field: field.into(), by: by.into(), many }
}

impl Blog {
    async fn open(elasticsearch: Option<String>) -> Blog {
        let stem = unique("blog");
        let collections = [format!("{stem}-posts"), format!("{stem}-users")];
        let [posts, users] = &collections;
        let test = TestApp::open(|config| {
            config.elasticsearch = elasticsearch.map(|url| ElasticConfig { urls: vec![url], ..ElasticConfig::default() });
            config.catalog.include = vec![format!("{stem}*")];
            config.catalog.collections.insert(
                posts.clone(),
                CollectionConfig {
                    name: Some("posts".into()),
                    lists: [("readers".to_owned(), true), ("author_id".to_owned(), false)].into(),
                    relations: [
                        ("author".to_owned(), relation(users, "author_id", "_id", false)),
                        ("byNick".to_owned(), relation(users, "nick", "nick", false)),
                        ("readBy".to_owned(), relation(users, "readers", "_id", false)),
                    ]
                    .into(),
                    ..CollectionConfig::default()
                },
            );
            config.catalog.collections.insert(
                users.clone(),
                CollectionConfig {
                    name: Some("users".into()),
                    relations: [("posts".to_owned(), relation(posts, "_id", "author_id", true))].into(),
                    ..CollectionConfig::default()
                },
            );
        })
        .await;
        let blog = Blog { test, collections };
        let [posts, users] = &blog.collections;
        blog.make(
            posts,
            json!({ "title": { "type": "text" }, "author_id": { "type": "keyword" }, "nick": { "type": "keyword" },
                    "readers": { "type": "long" }, "year": { "type": "integer" } }),
            &[
                ("p1", json!({ "title": "One", "author_id": "1", "nick": "ann", "readers": [2, 3], "year": 2001 })),
                ("p2", json!({ "title": "Two", "author_id": "2", "nick": "twin", "year": 2002 })),
                ("p3", json!({ "title": "Three", "author_id": "1", "readers": [9, 1], "year": 2003 })),
                ("p4", json!({ "title": "Four", "author_id": "nobody", "nick": "nobody", "year": 2004 })),
                ("p5", json!({ "title": "Five", "author_id": ["1", "2"], "year": 2005 })),
                ("p6", json!({ "title": "Six", "year": 2006 })),
            ],
        )
        .await;
        blog.make(
            users,
            json!({ "name": { "type": "keyword" }, "nick": { "type": "keyword" } }),
            &[
                ("1", json!({ "name": "Ann", "nick": "ann" })),
                ("2", json!({ "name": "Bob", "nick": "twin" })),
                ("3", json!({ "name": "Cid", "nick": "twin" })),
            ],
        )
        .await;
        let from = Instant::now();
        loop {
            let sdl = blog.test.get("/schema.graphql").await.text().await.unwrap();
            if sdl.contains("  posts(") && sdl.contains("  users(") && sdl.contains("  author: User") {
                break;
            }
            assert!(from.elapsed() < Duration::from_secs(10), "the relations do not appear in\n{sdl}");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        blog
    }

    async fn make(&self, name: &str, properties: Json, documents: &[(&str, Json)]) {
        let body = json!({ "name": name, "mappings": { "properties": properties } });
        let made = self.test.http.post(self.test.at("/v1/collections")).json(&body).send().await.unwrap();
        assert!(made.status().is_success(), "{}", made.text().await.unwrap());
        let lines = documents.iter().map(|(id, input)| json!({ "create": { "id": id, "input": input } }).to_string() + "\n");
        let sent = self.test.http.post(self.test.at(&format!("/v1/collections/{name}/bulk?refresh=NOW")));
        let sent = sent.header("content-type", "application/x-ndjson").body(lines.collect::<String>()).send().await.unwrap();
        let text = sent.text().await.unwrap();
        assert!(!text.contains("\"code\""), "{text}");
    }

    async fn close(self) {
        for name in &self.collections {
            self.test.http.delete(self.test.at(&format!("/v1/collections/{name}"))).send().await.unwrap();
        }
        self.test.stop().await;
    }

    async fn trips(&self, query: &str) -> Json {
        let body = json!({ "query": query });
        let sent = self.test.http.post(self.test.at("/graphql")).json(&body);
        sent.send().await.unwrap().json().await.unwrap()
    }
}

#[tokio::test]
async fn documents_hold_those_they_name() {
    for blog in each().await {
        let answer =
            blog.trips(r#"{ posts(orderBy: [{ field: YEAR }]) { nodes { title author { name } readBy { _id name } } } }"#).await;
        let nodes = &answer["data"]["posts"]["nodes"];
        let author = |at: usize| nodes[at]["author"]["name"].clone();
        assert_eq!([author(0), author(1), author(2)], [json!("Ann"), json!("Bob"), json!("Ann")]);
        assert_eq!((&nodes[3]["author"], &nodes[5]["author"]), (&Json::Null, &Json::Null));
        assert_eq!(nodes[0]["readBy"], json!([{ "_id": "2", "name": "Bob" }, { "_id": "3", "name": "Cid" }]));
        // who is gone leaves a gap
        assert_eq!(nodes[2]["readBy"], json!([null, { "_id": "1", "name": "Ann" }]));
        assert_eq!(nodes[1]["readBy"], Json::Null);
        // several where one is declared
        assert_eq!(answer["errors"].as_array().unwrap().len(), 1, "{answer}");
        assert_eq!(answer["errors"][0]["path"], json!(["posts", "nodes", 4, "author"]));
        assert_eq!(answer["errors"][0]["extensions"]["code"], "PARTIAL_RESULT");
        assert!(answer["errors"][0]["message"].as_str().unwrap().contains("lists"), "{answer}");

        // by a field of the others, of which two have the same
        let answer = blog.trips(r#"{ posts(orderBy: [{ field: YEAR }], first: 2) { nodes { byNick { name } } } }"#).await;
        assert_eq!(answer["data"]["posts"]["nodes"], json!([{ "byNick": { "name": "Ann" } }, { "byNick": null }]));
        assert_eq!(answer["errors"][0]["extensions"]["code"], "CONFLICT", "{answer}");
        blog.close().await;
    }
}

#[tokio::test]
async fn those_that_name_a_document_are_a_connection_of_their_own() {
    for blog in each().await {
        let query = r#"{ user(id: "1") { name posts(first: 2, orderBy: [{ field: YEAR, direction: DESC }], filter: { year: { lt: 2005 } }) {
            total { value } pageInfo { hasNextPage endCursor } nodes { title author { name posts { total { value } } } } } } }"#;
        let data = blog.test.data(query).await;
        let posts = &data["user"]["posts"];
        assert_eq!(posts["total"]["value"], 2);
        assert_eq!(
            posts["nodes"][0],
            json!({ "title": "Three", "author": { "name": "Ann", "posts": { "total": { "value": 3 } } } })
        );

        let data = blog
            .test
            .data(
                r#"{ users(orderBy: [{ field: NAME }]) { nodes { name posts(first: 1, orderBy: [{ field: YEAR }]) {
            nodes { title } pageInfo { endCursor hasNextPage } aggregate { year { max } } } } } }"#,
            )
            .await;
        let users = &data["users"]["nodes"];
        assert_eq!(users[0]["posts"]["nodes"], json!([{ "title": "One" }]));
        assert_eq!(users[0]["posts"]["aggregate"]["year"]["max"], 2005.0);
        assert_eq!(users[1]["posts"]["nodes"], json!([{ "title": "Two" }]));
        assert_eq!((&users[2]["posts"]["nodes"], &users[2]["posts"]["aggregate"]["year"]["max"]), (&json!([]), &Json::Null));

        // the next page of one is not that of another
        let cursor = users[0]["posts"]["pageInfo"]["endCursor"].as_str().unwrap();
        let page = |id: &str| {
            format!(
                r#"{{ user(id: "{id}") {{ posts(first: 1, after: "{cursor}", orderBy: [{{ field: YEAR }}]) {{ nodes {{ title }} }} }} }}"#
            )
        };
        assert_eq!(blog.test.data(&page("1")).await["user"]["posts"]["nodes"], json!([{ "title": "Three" }]));
        let refused = blog.trips(&page("2")).await;
        assert_eq!(refused["errors"][0]["extensions"]["code"], "BAD_CURSOR", "{refused}");
        assert_eq!(refused["data"]["user"]["posts"], Json::Null);
        blog.close().await;
    }
}

#[tokio::test]
async fn what_would_be_too_much_is_refused_where_it_would_be() {
    let blog = Blog::open(None).await;
    let many = ["a", "b", "c", "d"].map(|alias| format!("{alias}: posts(first: 1000) {{ nodes {{ title }} }}")).join(" ");
    let answer = blog.trips(&format!("{{ users {{ nodes {{ name {many} }} }} }}")).await;
    let codes: Vec<&Json> = answer["errors"].as_array().unwrap().iter().map(|error| &error["extensions"]["code"]).collect();
    assert!(codes.iter().all(|code| **code == "LIMIT_EXCEEDED") && codes.len() == 12, "{answer}");
    assert_eq!(answer["data"]["users"]["nodes"][0]["name"], "Ann");
    assert_eq!(answer["data"]["users"]["nodes"][0]["a"], Json::Null);
    blog.close().await;
}
