//! Addresses and networks.

use hooke::search::Filter;
use hooke::search::value::Cidr;
use serde_json::json;

use crate::ground::Ground;

conformance! {
    addresses_are_equal_however_written
    networks
    addresses_have_an_order
}

async fn addresses_are_equal_however_written(ground: &Ground) {
    let shelf = ground.shelf(json!({ "ip": { "type": "ip" } })).await;
    shelf
        .fill([
            ("four", json!({ "ip": "10.0.0.1" })),
            ("mapped", json!({ "ip": "::ffff:10.0.0.1" })),
            ("six", json!({ "ip": "2001:db8::1" })),
            ("long", json!({ "ip": "2001:0db8:0000:0000:0000:0000:0000:0001" })),
            ("list", json!({ "ip": ["10.0.0.2", "10.0.0.1"] })),
        ])
        .await;
    assert_eq!(shelf.found(shelf.eq("ip", "10.0.0.1")).await, "four mapped list");
    assert_eq!(shelf.found(shelf.eq("ip", "::ffff:10.0.0.1")).await, "four mapped list");
    assert_eq!(shelf.found(shelf.one_of("ip", ["2001:db8::1", "10.0.0.2"])).await, "six long list");
    assert_eq!(shelf.by_id().await["mapped"], json!({ "ip": "::ffff:10.0.0.1" }));
}

async fn networks(ground: &Ground) {
    let shelf = ground.shelf(json!({ "ip": { "type": "ip" } })).await;
    shelf
        .fill([
            ("a", json!({ "ip": "10.0.0.1" })),
            ("b", json!({ "ip": "10.255.255.255" })),
            ("c", json!({ "ip": "11.0.0.0" })),
            ("six", json!({ "ip": "2001:db8::1" })),
            ("none", json!({})),
        ])
        .await;
    let within =
        |texts: &[&str]| Filter::Networks(shelf.field("ip"), texts.iter().map(|text| Cidr::parse(text).unwrap()).collect());
    assert_eq!(shelf.found(within(&["10.0.0.0/8"])).await, "a b");
    // host bits are let stand
    assert_eq!(shelf.found(within(&["10.1.2.3/8"])).await, "a b");
    assert_eq!(shelf.found(within(&["10.0.0.1/32", "2001:db8::/32"])).await, "a six");
    assert_eq!(shelf.found(within(&["0.0.0.0/0"])).await, "a b c");
    assert_eq!(shelf.found(within(&["::/0"])).await, "a b c six");
    assert_eq!(shelf.found(within(&[])).await, "");
    assert_eq!(shelf.found(Filter::not(within(&["10.0.0.0/8"]))).await, "c six none");
}

async fn addresses_have_an_order(ground: &Ground) {
    let shelf = ground.shelf(json!({ "ip": { "type": "ip" } })).await;
    shelf
        .fill([
            ("ten", json!({ "ip": "10.0.0.1" })),
            ("loop", json!({ "ip": "::1" })),
            ("six", json!({ "ip": "2001:db8::1" })),
            ("nine", json!({ "ip": "9.255.0.1" })),
            ("none", json!({})),
        ])
        .await;
    assert_eq!(shelf.ordered(vec![shelf.asc("ip")]).await, "loop nine ten six none");
    assert_eq!(shelf.ordered(vec![shelf.desc("ip")]).await, "six ten nine loop none");
    assert_eq!(shelf.found(shelf.gte("ip", "10.0.0.0")).await, "ten six");
    assert_eq!(shelf.found(shelf.between("ip", "9.0.0.0", "10.255.0.0")).await, "ten nine");
    assert_eq!(shelf.found(shelf.lt("ip", "9.0.0.0")).await, "loop");
}
