//! The printed schema, held against its shape.

use apollo_compiler::Schema;

use super::{Face, print};
use crate::catalog::Catalog;
use crate::config::{Config, Writes};
use crate::graphql::fixture::catalog;
use crate::search::{Collection, CollectionName, mapping};

pub(super) fn printed(relay: bool) -> String {
    let mut config = Config::default();
    config.graphql.relay = relay;
    print(&catalog(&config), Face::of(&config)).unwrap()
}

/// The SDL of one type, blanks and descriptions apart.
fn of_type(sdl: &str, name: &str) -> String {
    let schema = Schema::parse_and_validate(sdl, "s").unwrap();
    let ty = schema.types.get(name).unwrap_or_else(|| panic!("no type {name}"));
    let text = ty.serialize().no_indent().to_string();
    let mut bare = String::new();
    for (at, part) in text.split('"').enumerate() {
        let default = bare.ends_with("= ");
        if at % 2 == 0 {
            bare.push_str(part);
        } else if default {
            bare.push_str(&format!("\"{part}\""));
        }
    }
    bare.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// Fields come in the order of the mapping, which Elasticsearch gives sorted: their order is not looked at.
fn sorted(text: &str) -> Vec<&str> {
    let mut words: Vec<&str> = text.split(' ').collect();
    words.sort_unstable();
    words
}

#[test]
fn types_have_their_fields_arguments_and_defaults() {
    let sdl = printed(false);
    for (name, text) in [
        (
            "KeywordFilter",
            "input KeywordFilter { eq: String ne: String in: [String!] nin: [String!] prefix: String wildcard: String regexp: String ignoreCase: Boolean = false exists: Boolean }",
        ),
        (
            "DateFilter",
            "input DateFilter { eq: DateMath ne: DateMath in: [DateMath!] nin: [DateMath!] gt: DateMath gte: DateMath lt: DateMath lte: DateMath timeZone: TimeZone = \"UTC\" exists: Boolean }",
        ),
        (
            "PackageConnection",
            "type PackageConnection { total(upTo: Int = 10000): Total! pageInfo: PageInfo! edges: [PackageEdge!]! nodes: [Package!]! facets: PackageFacets! aggregate: PackageAggregate! groupBy(keys: [PackageGroupKeyInput!]!, first: Int = 10, after: String, orderBy: [PackageGroupOrder!], having: PackageHaving): PackageGroupConnection suggestions: Suggestions! }",
        ),
        (
            "PackageEdge",
            "type PackageEdge { cursor: String! score: Float node: Package! explanation: Explanation highlights(fields: [PackageSearchField!]!, fragmentSize: Int = 100, first: Int = 5): [Highlight!]! }",
        ),
        (
            "PackageOrder",
            "input PackageOrder { score: Direction field: PackageOrderField direction: Direction = ASC missing: Missing = LAST }",
        ),
        (
            "PackageSearch",
            "input PackageSearch { query: String fields: [PackageSearchFieldBoost!] operator: SearchOperator = OR fuzziness: Fuzziness = NONE }",
        ),
        (
            "OrderShippingFilter",
            "input OrderShippingFilter { city: KeywordFilter street: TextFilter floor: IntFilter and: [OrderShippingFilter!] or: [OrderShippingFilter!] not: OrderShippingFilter }",
        ),
        ("OrderShippingFacetFilter", "input OrderShippingFacetFilter { city: KeywordFilter floor: IntFilter }"),
        (
            "OrderSearchField",
            "enum OrderSearchField { ORDER_NO CUSTOMER STATUS LABELS COUPON SHIPPING_CITY SHIPPING_STREET NOTES }",
        ),
        (
            "OrderOrderField",
            "enum OrderOrderField { ORDER_NO CUSTOMER STATUS GIFT PLACED_AT INVOICED_ON TOTAL WEIGHT LEDGER CLIENT_IP LABELS RATINGS COUPON SHIPPING_CITY SHIPPING_FLOOR }",
        ),
        ("OrderItem", "type OrderItem { sku: String qty: Int price: Float tags: [String!] parcels: [OrderItemParcel!] }"),
        ("Node", "interface Node { nodeId: ID! }"),
        (
            "OrderInput",
            "input OrderInput { orderNo: String customer: String status: String gift: Boolean placedAt: DateTime invoicedOn: DateTime total: Float weight: Float ledger: Long clientIp: IP labels: [String!] ratings: [Int!] coupon: [String!] shipping: OrderShippingInput items: [OrderItemInput!] notes: String attributes: JSON embedding: [Float!] }",
        ),
        ("OrderShippingInput", "input OrderShippingInput { city: String street: String floor: Int }"),
        (
            "OrderItemInput",
            "input OrderItemInput { sku: String qty: Int price: Float tags: [String!] parcels: [OrderItemParcelInput!] }",
        ),
        ("OrderItemParcelInput", "input OrderItemParcelInput { carrier: String weight: Float }"),
        (
            "PlacePatch",
            "input PlacePatch { cityId: Long name: String country: String population: Long location: GeoPointInput featureCode: String adminCode: String }",
        ),
        ("GeoPointInput", "input GeoPointInput { lat: Float! lon: Float! }"),
        ("PackagePayload", "type PackagePayload { package: Package version: String errors: [WriteError!]! }"),
        (
            "PackageOperation",
            "input PackageOperation @oneOf { create: PackageCreateOperation update: PackageUpdateOperation upsert: PackageUpsertOperation delete: PackageDeleteOperation }",
        ),
        ("PackageCreateOperation", "input PackageCreateOperation { input: PackageInput! id: ID }"),
        ("PackageUpdateOperation", "input PackageUpdateOperation { id: ID! patch: PackagePatch! ifVersion: String }"),
        ("PackageUpsertOperation", "input PackageUpsertOperation { id: ID! input: PackageInput! }"),
        ("PackageDeleteOperation", "input PackageDeleteOperation { id: ID! ifVersion: String }"),
        ("PackagesBulkPayload", "type PackagesBulkPayload { items: [PackagePayload!]! errors: [WriteError!]! }"),
        ("Refresh", "enum Refresh { NONE WAIT NOW }"),
        ("WriteError", "type WriteError { code: ErrorCode! message: String! path: [String!]! }"),
        (
            "ErrorCode",
            "enum ErrorCode { BAD_USER_INPUT NOT_FOUND CONFLICT UNAUTHENTICATED FORBIDDEN LIMIT_EXCEEDED BAD_CURSOR TIMEOUT BACKEND_UNAVAILABLE PARTIAL_RESULT UNSUPPORTED INTERNAL }",
        ),
        (
            "FieldKind",
            "enum FieldKind { KEYWORD TEXT LONG INTEGER SHORT BYTE DOUBLE FLOAT BOOLEAN DATE IP GEO_POINT VECTOR OBJECT NESTED }",
        ),
        (
            "FieldInput",
            "input FieldInput { path: String! kind: FieldKind! list: Boolean = false keyword: Boolean = false format: String dims: Int }",
        ),
        ("CollectionPayload", "type CollectionPayload { name: String errors: [WriteError!]! }"),
    ] {
        assert_eq!(sorted(&of_type(&sdl, name)), sorted(text), "{name}");
    }
    let order = of_type(&sdl, "Order");
    assert!(order.starts_with("type Order implements Node & Document { nodeId: ID! _id: ID! _version: String! "), "{order}");
    for field in
        ["attributes: JSON", "embedding: [Float!]", "items: [OrderItem!]", "shipping: OrderShipping ", "placedAt: DateTime"]
    {
        assert!(order.contains(field), "{field} in {order}");
    }
    let query = of_type(&sdl, "Query");
    assert!(query.contains("packages(search: PackageSearch, filter: PackageFilter, facetFilters: PackageFacetFilter, orderBy: [PackageOrder!], first: Int, after: String, last: Int, before: String, offset: Int, consistency: Consistency = LIVE): PackageConnection package(id: ID!): Package"), "{query}");
    assert!(query.contains("node(nodeId: ID!): Node nodes(nodeIds: [ID!]!): [Node] job(id: ID!): Job "), "{query}");
}

#[test]
fn mutations_are_there_as_far_as_the_settings_let_them() {
    let root = |writes| {
        let config = Config { writes: Some(writes), ..Config::default() };
        print(&catalog(&config), Face::of(&config)).unwrap()
    };
    let all = of_type(&root(Writes::All), "Mutation");
    for part in [
        "createPackage(input: PackageInput!, id: ID, refresh: Refresh = NONE): PackagePayload",
        "updatePackage(id: ID!, patch: PackagePatch!, ifVersion: String, refresh: Refresh = NONE): PackagePayload",
        "upsertPackage(id: ID!, input: PackageInput!, refresh: Refresh = NONE): PackagePayload",
        "deletePackage(id: ID!, ifVersion: String, refresh: Refresh = NONE): PackagePayload",
        "bulkPackages(operations: [PackageOperation!]!, refresh: Refresh = NONE): PackagesBulkPayload",
        "createCollection(name: String!, fields: [FieldInput!]!): CollectionPayload",
        "removeCollection(name: String!): CollectionPayload",
    ] {
        assert!(all.contains(part), "{part} in {all}");
    }
    let documents = root(Writes::Documents);
    assert!(of_type(&documents, "Mutation").contains("bulkOrders") && !documents.contains("createCollection"));
    let off = root(Writes::Off);
    for absent in ["Mutation", "PackageInput", "WriteError", "enum Refresh"] {
        assert!(!off.contains(absent), "{absent}");
    }
}

#[test]
fn a_collection_without_a_field_to_write_has_only_deletions() {
    let sdl = of_mapping(&serde_json::json!({ "properties": { "v": { "type": "version_of_another_plugin" } } }));
    let operation = of_type(&sdl, "ThingOperation");
    assert_eq!(operation, "input ThingOperation @oneOf { delete: ThingDeleteOperation }");
    assert!(!sdl.contains("createThing") && !sdl.contains("ThingInput"), "{sdl}");
}

#[test]
fn relay_renames_the_global_id() {
    let sdl = printed(true);
    assert_eq!(of_type(&sdl, "Node"), "interface Node { id: ID! }");
    assert!(of_type(&sdl, "Query").contains("node(id: ID!): Node nodes(ids: [ID!]!): [Node] "));
}

fn of_mapping(body: &serde_json::Value) -> String {
    let fields = mapping::read(body).fields;
    let collection = Collection::new(CollectionName::existing("things"), fields);
    let catalog = Catalog::of(&[std::sync::Arc::new(collection)], &Config::default());
    let sdl = print(&catalog, Face::of(&Config::default())).unwrap();
    Schema::parse_and_validate(&sdl, "s").unwrap();
    sdl
}

#[test]
fn what_would_be_empty_is_left_out() {
    let sdl = of_mapping(&serde_json::json!({ "properties": {} }));
    for absent in ["ThingFilter", "ThingSearch", "ThingOrder", "Highlight"] {
        assert!(!sdl.contains(absent), "{absent} in {sdl}");
    }
    let sdl = of_mapping(&serde_json::json!({ "properties": { "n": { "type": "byte" } } }));
    assert!(sdl.contains("n: IntFilter") && !sdl.contains("search:"), "{sdl}");
}

#[test]
fn nothing_at_all_is_a_schema_too() {
    let sdl = print(&Catalog::default(), Face::of(&Config::default())).unwrap();
    Schema::parse_and_validate(&sdl, "s").unwrap();
}

#[test]
#[ignore = "a measurement: cargo test --release -- --ignored --nocapture a_thousand"]
fn a_thousand_collections() {
    const KINDS: [&str; 5] = ["keyword", "long", "date", "text", "double"];
    let number = |n: usize| format!("field{n}");
    let properties: serde_json::Map<_, _> = (0..20).map(|n| (number(n), serde_json::json!({ "type": KINDS[n % 5] }))).collect();
    let fields = mapping::read(&serde_json::json!({ "properties": properties })).fields;
    let collections: Vec<_> = (0..1_000)
        .map(|n| {
            let name = CollectionName::existing(&format!("thing{n}-rows"));
            std::sync::Arc::new(Collection::new(name, fields.clone()))
        })
        .collect();
    let started = std::time::Instant::now();
    let catalog = Catalog::of(&collections, &Config::default());
    let named = started.elapsed();
    let sdl = print(&catalog, Face::of(&Config::default())).unwrap();
    let printed = started.elapsed();
    let version = crate::graphql::version::Version::build(std::sync::Arc::new(catalog), Face::of(&Config::default())).unwrap();
    let built = started.elapsed() - printed;
    println!("names {named:?}, printed {:?} ({} bytes), whole version {built:?}", printed - named, sdl.len());
    assert_eq!(version.catalog.collections.len(), 1_000);
}
