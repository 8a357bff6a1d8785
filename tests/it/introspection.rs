//! Who may ask for the schema and open the playground, and how much one may ask for at once.

use hooke::config::{Allowed, GrantConfig, RoleConfig};
use serde_json::json;

use crate::app::TestApp;
use crate::attack::target;

/// What tools ask, with every field that newer ones ask for too.
const TOOLS: &str = "query IntrospectionQuery {
  __schema {
    description queryType { name kind } mutationType { name kind } subscriptionType { name kind }
    types { ...FullType }
    directives { name description isRepeatable locations args(includeDeprecated: true) { ...InputValue } }
  }
}
fragment FullType on __Type {
  kind name description specifiedByURL
  fields(includeDeprecated: true) {
    name description args(includeDeprecated: true) { ...InputValue } type { ...TypeRef } isDeprecated deprecationReason
  }
  inputFields(includeDeprecated: true) { ...InputValue }
  interfaces { ...TypeRef }
  enumValues(includeDeprecated: true) { name description isDeprecated deprecationReason }
  possibleTypes { ...TypeRef }
}
fragment InputValue on __InputValue { name description type { ...TypeRef } defaultValue isDeprecated deprecationReason }
fragment TypeRef on __Type {
  kind name ofType { kind name ofType { kind name ofType { kind name ofType { kind name ofType { kind name ofType {
    kind name ofType { kind name ofType { kind name ofType { kind name } } } } } } } } }
}";

#[tokio::test]
async fn a_role_may_go_without_the_schema_and_the_playground() {
    let app = TestApp::open(|config| {
        let collections = [("*".to_owned(), GrantConfig::default())].into();
        let role = RoleConfig { introspection: Allowed(false), playground: Allowed(false), collections, ..RoleConfig::default() };
        config.roles.insert("anybody".into(), role);
    })
    .await;
    assert_eq!(app.data("{ __typename }").await["__typename"], "Query");
    for query in [
        TOOLS,
        "{ __schema { queryType { name } } }",
        "{ __typename __type(name: \"Query\") { name } }",
        "query($n: String!) { a: __type(name: $n) { name } ...f } fragment f on Query { __schema { types { name } } }",
    ] {
        let body = json!({ "query": query, "variables": { "n": "Query" } });
        let answer = app.http.post(app.at("/graphql")).json(&body).send().await.unwrap().text().await.unwrap();
        assert!(answer.contains("\"FORBIDDEN\"") && !answer.contains("\"name\"") && answer.len() < 300, "{answer}");
    }
    for path in ["/schema.graphql", "/playground"] {
        let answer = app.get(path).await;
        assert_eq!(answer.status().as_u16(), 403, "{path}");
        assert!(answer.text().await.unwrap().contains("your role may not"), "{path}");
    }
    app.stop().await;
}

#[tokio::test]
async fn what_tools_ask_is_answered() {
    let app = target(|_| {}).await;
    let schema = app.data(TOOLS).await;
    assert!(schema["__schema"]["types"].as_array().unwrap().len() > 30);
    app.data("query { __type(name: \"Landmark\") { fields { name type { ofType { fields { name } } } } } }").await;
    app.stop().await;
}
