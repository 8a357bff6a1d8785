//! Facets, aggregates and groups: what is asked of an engine, and how made-up answers are shaped.

use serde_json::{Value as Json, json};

use super::fixture::{Told, document};
use super::tests::{Bench, bench};
use crate::search::date::Time;
use crate::search::value::Value;
use crate::search::{
    Bucket, Compute, Computed, Counts, Direction, Facet, Group, GroupBy, GroupOrder, Groups, Measure, Metric, MetricValue, Query,
    Scope, Slot, Stats, ValueCount,
};

fn counts(documents: u64) -> Counts {
    Counts { documents, elements: None }
}

fn value(value: Value, documents: u64) -> ValueCount {
    ValueCount { value: Some(value), count: counts(documents) }
}

fn text(text: &str) -> Value {
    Value::Text(text.into())
}

fn facet(values: Vec<ValueCount>) -> Computed {
    Computed::Facet { values, other: 7, distinct: Some((9, true)), buckets: Vec::new(), stats: None }
}

fn stats(count: u64, min: f64, max: f64, avg: f64, sum: f64) -> Stats {
    Stats { count, min: Some(min), max: Some(max), avg: Some(avg), sum }
}

fn key(value: Value) -> Option<Bucket> {
    Some(Bucket { lower: Some(value), upper: None, count: Counts::default() })
}

fn group(key: Vec<Option<Bucket>>, documents: u64, inside: Vec<(Slot, Computed)>) -> Group {
    Group { key, count: counts(documents), inside }
}

fn groups(groups: Vec<Group>) -> Computed {
    Computed::Groups(Groups { groups, more: true, other: 40, error_bound: Some(0) })
}

async fn told(computed: Vec<(Slot, Computed)>) -> Bench {
    bench(Told { computed, ..Told::default() }).await
}

fn asked(bench: &Bench) -> Query {
    let searches = bench.engine.searches.lock().unwrap();
    assert_eq!(searches.iter().map(Vec::len).collect::<Vec<_>>(), [1], "one search for everything");
    searches[0][0].clone()
}

fn facet_of(query: &Query, at: usize) -> &Facet {
    match &query.compute[at].1 {
        Compute::Facet(facet) => facet,
        other => panic!("{other:?} is no facet"),
    }
}

fn groups_of(level: &[(Slot, Compute)], at: usize) -> &GroupBy {
    match &level[at].1 {
        Compute::Groups(groups) => groups,
        other => panic!("{other:?} are no groups"),
    }
}

#[tokio::test]
async fn the_example_is_one_search_with_a_slot_for_each_part() {
    let answers = vec![
        (1, facet(vec![value(text("net"), 12), value(text("web"), 3), ValueCount { value: None, count: counts(1) }])),
        (
            2,
            Computed::Facet {
                values: Vec::new(),
                other: 0,
                distinct: None,
                buckets: vec![
                    Bucket { lower: None, upper: Some(Value::Long(100)), count: counts(4) },
                    Bucket { lower: Some(Value::Long(100)), upper: None, count: counts(9_007_199_254_740_993) },
                ],
                stats: Some(stats(8, 1.0, 5_000.0, 200.5, 1_604.0)),
            },
        ),
        (
            3,
            Computed::Metrics {
                count: counts(15),
                values: vec![
                    MetricValue::Stats(stats(15, 1.0, 9.0, 5.0, 75.0)),
                    MetricValue::Percentiles(vec![(50.0, Some(4.5)), (95.0, None)]),
                    MetricValue::Distinct { value: 11, exact: false },
                ],
            },
        ),
        (
            6,
            groups(vec![group(
                vec![key(text("net"))],
                12,
                vec![
                    (
                        4,
                        Computed::Metrics { count: counts(12), values: vec![MetricValue::Stats(stats(12, 1.0, 9.0, 2.5, 30.0))] },
                    ),
                    (5, groups(vec![group(vec![key(text("optional"))], 10, vec![])])),
                    (7, Computed::Top(vec![document("packages", "a", json!({ "name": "hello" }))])),
                ],
            )]),
        ),
    ];
    // the slots of a grouping come after what is inside it
    let answers = answers
        .into_iter()
        .map(|(slot, computed)| match (slot, computed) {
            (6, Computed::Groups(mut all)) => {
                all.groups[0].inside[2].0 = 6;
                (7, Computed::Groups(all))
            }
            other => other,
        })
        .collect();
    let bench = told(answers).await;
    let data = bench
        .data(
            r#"{ packages(facetFilters: { section: { in: ["net"] } }, first: 10) {
                facets { section(first: 10, include: [MISSING]) { values { value count selected } otherCount distinctCount }
                         installedSize(ranges: [{ to: 100 }, { from: 100 }]) { buckets { from to count } stats { min max } } }
                aggregate { count installedSize { min max avg sum percentiles(at: [50, 95]) { at value } } maintainer { distinctCount exactDistinct } }
                groupBy(keys: [{ field: SECTION }], first: 5, orderBy: [{ count: DESC }]) {
                  nodes { key { section priority } count aggregate { installedSize { avg } } groupBy(keys: [{ field: PRIORITY }]) { nodes { key { priority } count } } topHits(first: 1) { name } }
                  otherCount errorBound pageInfo { hasNextPage endCursor }
                } } }"#,
        )
        .await;
    assert_eq!(
        data["packages"],
        json!({
            "facets": {
                "section": {
                    "values": [
                        { "value": "net", "count": 12, "selected": true },
                        { "value": "web", "count": 3, "selected": false },
                        { "value": null, "count": 1, "selected": false },
                    ],
                    "otherCount": 7,
                    "distinctCount": 9,
                },
                "installedSize": {
                    "buckets": [
                        { "from": null, "to": 100, "count": 4 },
                        { "from": 100, "to": null, "count": "9007199254740993" },
                    ],
                    "stats": { "min": 1.0, "max": 5_000.0 },
                },
            },
            "aggregate": {
                "count": 15,
                "installedSize": {
                    "min": 1.0, "max": 9.0, "avg": 5.0, "sum": 75.0,
                    "percentiles": [{ "at": 50.0, "value": 4.5 }, { "at": 95.0, "value": null }],
                },
                "maintainer": { "distinctCount": 11, "exactDistinct": false },
            },
            "groupBy": {
                "nodes": [{
                    "key": { "section": "net", "priority": null },
                    "count": 12,
                    "aggregate": { "installedSize": { "avg": 2.5 } },
                    "groupBy": { "nodes": [{ "key": { "priority": "optional" }, "count": 10 }] },
                    "topHits": [{ "name": "hello" }],
                }],
                "otherCount": 40,
                "errorBound": 0,
                "pageInfo": { "hasNextPage": true, "endCursor": null },
            },
        })
    );
    let query = asked(&bench);
    assert_eq!(query.compute.iter().map(|(slot, _)| *slot).collect::<Vec<_>>(), [1, 2, 3, 7]);
    let (section, size) = (facet_of(&query, 0), facet_of(&query, 1));
    assert_eq!((section.values, section.missing, section.distinct, section.stats), (Some(10), true, true, false));
    assert_eq!((size.values, size.ranges.len(), size.distinct, size.stats), (None, 2, false, true));
    assert_eq!((section.scope, query.ticks.len()), (Scope::AllButOwnTick, 1));
    let Compute::Metrics { scope, under: None, of } = &query.compute[2].1 else { panic!("metrics") };
    let of: Vec<_> = of.iter().map(|(field, metric)| (field.path.as_str(), metric)).collect();
    let percentiles = Metric::Percentiles(vec![50.0, 95.0]);
    assert_eq!(of, [("installedSize", &Metric::Stats), ("installedSize", &percentiles), ("maintainer", &Metric::Distinct)]);
    assert_eq!(*scope, Scope::Matched);
    let grouping = groups_of(&query.compute, 3);
    assert_eq!((grouping.first, grouping.order.as_slice()), (5, [GroupOrder::Count(Direction::Desc)].as_slice()));
    assert_eq!(groups_of(&grouping.inside, 1).first, 10);
    let Compute::Top(top) = &grouping.inside[2].1 else { panic!("documents") };
    assert_eq!((top.size, top.fields.as_deref().unwrap()), (1, ["name".into()].as_slice()));
}

#[tokio::test]
async fn what_is_not_selected_is_not_asked_for() {
    let bench = told(vec![(1, facet(Vec::new()))]).await;
    let query = r#"{ packages { facets { section(query: "n", include: [MISSING]) { distinctCount } size(interval: { size: 10 }) { __typename } }
        aggregate { __typename } } }"#;
    let data = bench.data(query).await;
    assert_eq!(
        data["packages"],
        json!({ "facets": { "section": { "distinctCount": 9 }, "size": { "__typename": "LongFacet" } }, "aggregate": { "__typename": "PackageAggregate" } })
    );
    let query = asked(&bench);
    assert_eq!((query.compute.len(), query.page.size), (1, 0));
    let facet = facet_of(&query, 0);
    assert_eq!((facet.values, facet.missing, facet.distinct, facet.containing.as_deref()), (None, false, true, Some("n")));
}

#[tokio::test]
async fn values_are_written_as_their_fields_are() {
    let facet = |values: Vec<Value>| facet(values.into_iter().map(|one| value(one, 1)).collect());
    let at = |millis| Value::Date(Time::from_millis(millis));
    let date = Computed::Facet {
        values: vec![value(at(0), 1)],
        other: 0,
        distinct: None,
        buckets: vec![Bucket {
            lower: Some(at(0)),
            upper: Some(at(86_400_000)),
            count: Counts { documents: 2, elements: Some(3) },
        }],
        stats: Some(Stats { count: 2, min: Some(0.0), max: Some(1_500.9), avg: Some(-0.5), sum: 1.0 }),
    };
    let bench = told(vec![
        (1, date),
        (2, facet(vec![Value::Double(f64::from(0.1_f32))])),
        (3, facet(vec![Value::Double(0.1)])),
        (4, facet(vec![Value::Long(i64::MIN)])),
        (5, facet(vec![Value::Ip("::ffff:10.0.0.1".parse().unwrap())])),
        (6, facet(vec![Value::Boolean(true)])),
        (7, facet(vec![Value::Long(3)])),
        (
            8,
            Computed::Facet {
                values: vec![ValueCount { value: Some(text("x")), count: Counts { documents: 2, elements: Some(5) } }],
                other: 0,
                distinct: None,
                buckets: vec![],
                stats: None,
            },
        ),
    ])
    .await;
    let data = bench
        .data(
            r#"{ orders { facets {
                placedAt(interval: { calendar: DAY }) { values { value } buckets { from to count nestedCount } stats { valueCount min max avg } }
                weight { values { value } } total { values { value } } ledger { values { value } } clientIp { values { value } }
                gift { values { value } } ratings { values { value } } items { sku { values { value count nestedCount } } } } } }"#,
        )
        .await;
    let one = |value: Json| json!({ "values": [{ "value": value }] });
    assert_eq!(
        data["orders"]["facets"],
        json!({
            "placedAt": {
                "values": [{ "value": "1970-01-01T00:00:00.000Z" }],
                "buckets": [{ "from": "1970-01-01T00:00:00.000Z", "to": "1970-01-02T00:00:00.000Z", "count": 2, "nestedCount": 3 }],
                "stats": { "valueCount": 2, "min": "1970-01-01T00:00:00.000Z", "max": "1970-01-01T00:00:01.500Z", "avg": "1969-12-31T23:59:59.999Z" },
            },
            "weight": one(json!(0.1)),
            "total": one(json!(0.1)),
            "ledger": one(json!("-9223372036854775808")),
            "clientIp": one(json!("10.0.0.1")),
            "gift": one(json!(true)),
            "ratings": one(json!(3)),
            "items": { "sku": { "values": [{ "value": "x", "count": 2, "nestedCount": 5 }] } },
        })
    );
}

#[tokio::test]
async fn aggregates_on_elements_have_both_counts() {
    let bench = told(vec![
        (
            1,
            Computed::Metrics { count: Counts { documents: 3, elements: Some(8) }, values: vec![MetricValue::Number(Some(1.5))] },
        ),
        (2, Computed::Metrics { count: Counts { documents: 2, elements: Some(4) }, values: vec![MetricValue::Count(6)] }),
        (3, Computed::Metrics { count: counts(9), values: vec![MetricValue::Distinct { value: 2, exact: true }] }),
    ])
    .await;
    let data = bench
        .data(
            "{ orders { aggregate { items { nestedCount count qty { stdDev } parcels { count nestedCount weight { valueCount } } }
                shipping { city { distinctCount } } count } } }",
        )
        .await;
    assert_eq!(
        data["orders"]["aggregate"],
        json!({
            "items": { "nestedCount": 8, "count": 3, "qty": { "stdDev": 1.5 }, "parcels": { "count": 2, "nestedCount": 4, "weight": { "valueCount": 6 } } },
            "shipping": { "city": { "distinctCount": 2 } },
            "count": 9,
        })
    );
    let under: Vec<_> = asked(&bench)
        .compute
        .iter()
        .map(|(_, compute)| match compute {
            Compute::Metrics { under, .. } => under.as_ref().map(|field| field.path.clone()),
            other => panic!("{other:?}"),
        })
        .collect();
    assert_eq!(under, [Some("items".into()), Some("items.parcels".into()), None]);
}

#[tokio::test]
async fn keys_are_values_lower_ends_or_ranges() {
    let at = |millis| Value::Date(Time::from_millis(millis));
    let range = Bucket { lower: None, upper: Some(Value::Double(5.0)), count: Counts::default() };
    let month = Bucket { lower: Some(at(0)), upper: Some(at(2_678_400_000)), count: Counts::default() };
    let bench = told(vec![(
        1,
        groups(vec![
            Group {
                key: vec![Some(range), Some(month), key(text("x"))],
                count: Counts { documents: 1, elements: Some(2) },
                inside: vec![],
            },
            group(vec![None, None, None], 3, vec![]),
        ]),
    )])
    .await;
    let data = bench
        .data(
            "{ orders { groupBy(keys: [{ field: TOTAL, ranges: [{ to: 5 }] }, { field: PLACED_AT, interval: { calendar: MONTH } }, { field: ITEMS_SKU, include: [MISSING] }],
                 orderBy: [{ field: ITEMS_PRICE, metric: MAX, direction: DESC }], having: { items: { nestedCount: { gt: 1 } } }) {
               nodes { key { total totalRange { from to } placedAt placedAtRange { to } items { sku qty parcels { carrier } } shipping { city } } count nestedCount } } } }",
        )
        .await;
    let sku = |sku: Json| json!({ "sku": sku, "qty": null, "parcels": null });
    assert_eq!(
        data["orders"]["groupBy"]["nodes"],
        json!([
            { "key": { "total": null, "totalRange": { "from": null, "to": 5.0 }, "placedAt": "1970-01-01T00:00:00.000Z", "placedAtRange": null, "items": sku(json!("x")), "shipping": null }, "count": 1, "nestedCount": 2 },
            { "key": { "total": null, "totalRange": null, "placedAt": null, "placedAtRange": null, "items": sku(json!(null)), "shipping": null }, "count": 3, "nestedCount": null },
        ])
    );
    let query = asked(&bench);
    let grouping = groups_of(&query.compute, 0);
    assert!(matches!(&grouping.order[..], [GroupOrder::Metric { measure: Measure::Max, direction: Direction::Desc, .. }]));
    assert!(grouping.having.is_some() && grouping.keys[2].missing && !grouping.keys[0].missing);
}

#[tokio::test]
async fn groups_have_pages_where_they_go_by_key_alone() {
    let bench = told(vec![(
        1,
        groups(vec![
            group(vec![key(text("net")), None], 1, vec![]),
            group(vec![key(text("web")), key(Value::Double(0.1))], 1, vec![]),
        ]),
    )])
    .await;
    let query = |keys: &str, rest: &str, filter: &str| {
        format!(
            "query($after: String) {{ orders{filter} {{ groupBy(keys: [{{ field: STATUS }}{keys}], orderBy: [{{ key: ASC }}], after: $after{rest}) {{
               pageInfo {{ hasNextPage hasPreviousPage startCursor endCursor }} nodes {{ count }} }} }} }}"
        )
    };
    let total = ", { field: TOTAL, include: [MISSING] }";
    let first = bench.json(&query(total, "", ""), json!({})).await;
    let page = &first["data"]["orders"]["groupBy"]["pageInfo"];
    assert_eq!((&page["hasNextPage"], &page["hasPreviousPage"]), (&json!(true), &json!(false)));
    let second = bench.json(&query(total, "", ""), json!({ "after": page["endCursor"] })).await;
    assert_eq!(second["data"]["orders"]["groupBy"]["pageInfo"]["hasPreviousPage"], true, "{second}");
    let asked = bench.engine.searches.lock().unwrap().last().unwrap()[0].clone();
    assert_eq!(groups_of(&asked.compute, 0).after, Some(vec![Some(text("web")), Some(Value::Double(0.1))]));
    bench.json(&query(total, "", ""), json!({ "after": page["startCursor"] })).await;
    let asked = bench.engine.searches.lock().unwrap().last().unwrap()[0].clone();
    assert_eq!(groups_of(&asked.compute, 0).after, Some(vec![Some(text("net")), None]));
    // of another grouping, condition or filter
    for other in [
        query("", "", ""),
        query(total, ", having: { count: { gt: 1 } }", ""),
        query(total, "", "(filter: { gift: { eq: true } })"),
    ] {
        let answer = bench.json(&other, json!({ "after": page["endCursor"] })).await;
        assert_eq!(answer["errors"][0]["extensions"]["code"], "BAD_CURSOR", "{other}");
        assert_eq!(answer["errors"][0]["path"], json!(["orders", "groupBy"]));
    }
}

#[tokio::test]
async fn a_fault_in_one_part_is_an_error_of_that_part() {
    let bench = told(vec![
        (1, facet(vec![])),
        (2, Computed::Metrics { count: counts(1), values: vec![MetricValue::Stats(stats(1, 1.0, 1.0, 1.0, 1.0))] }),
        (3, Computed::TooMany(10_000)),
    ])
    .await;
    let answer = bench
        .json(
            "{ packages { facets { section { otherCount } bad: section(first: 2000) { otherCount } }
                aggregate { size { max percentiles(at: [101]) { value } } }
                groupBy(keys: [{ field: SECTION }, { field: PRIORITY }]) { otherCount }
                no: groupBy(keys: [{ field: SECTION }], after: \"x\") { otherCount } } }",
            json!({}),
        )
        .await;
    assert_eq!(
        answer["data"]["packages"],
        json!({ "facets": { "section": { "otherCount": 7 }, "bad": null }, "aggregate": { "size": null }, "groupBy": null, "no": null })
    );
    let errors: Vec<_> = answer["errors"]
        .as_array()
        .unwrap()
        .iter()
        .map(|error| (error["path"].to_string(), error["extensions"]["code"].as_str().unwrap()))
        .collect();
    assert_eq!(
        errors,
        [
            (r#"["packages","facets","bad"]"#.into(), "LIMIT_EXCEEDED"),
            (r#"["packages","aggregate","size","percentiles"]"#.into(), "BAD_USER_INPUT"),
            (r#"["packages","groupBy"]"#.into(), "LIMIT_EXCEEDED"),
            (r#"["packages","no"]"#.into(), "BAD_USER_INPUT"),
        ]
    );
}

#[tokio::test]
async fn what_costs_too_much_is_refused_before_it_is_asked() {
    let bench = told(vec![]).await;
    let nested = |inner: &str| format!("groupBy(keys: [{{ field: SECTION }}], first: 100) {{ nodes {{ count {inner} }} }}");
    let deep = (0..6).fold(String::new(), |inner, at| {
        format!("a{at}: groupBy(keys: [{{ field: SECTION }}], first: 1) {{ nodes {{ count {inner} }} }}")
    });
    for (part, code) in [
        (nested(&nested("topHits(first: 100) { name }")), "LIMIT_EXCEEDED"),
        (nested("topHits(first: 101) { name }"), "LIMIT_EXCEEDED"),
        ("groupBy(keys: [{ field: SECTION }], first: 10001) { otherCount }".into(), "LIMIT_EXCEEDED"),
        ("groupBy(keys: [{ field: SECTION }], first: 0) { otherCount }".into(), "BAD_USER_INPUT"),
        ("groupBy(keys: []) { otherCount }".into(), "BAD_USER_INPUT"),
        ("groupBy(keys: [{ field: SECTION }], having: null) { otherCount }".into(), "BAD_USER_INPUT"),
        ("groupBy(keys: [{ field: SECTION }], having: { count: {} }) { otherCount }".into(), "BAD_USER_INPUT"),
        (deep, "LIMIT_EXCEEDED"),
    ] {
        let query = format!("{{ packages {{ {part} }} }}");
        assert_eq!(bench.code(&query, json!({})).await, code, "{query}");
    }
    let missing =
        "query($n: Long) { packages { groupBy(keys: [{ field: SECTION }], having: { count: { gte: $n } }) { otherCount } } }";
    assert_eq!(bench.code(missing, json!({})).await, "BAD_USER_INPUT");
    let many: String = (0..11).map(|at| format!("r{at}: packages(first: 1000) {{ nodes {{ _id }} }} ")).collect();
    let refused = bench.json(&format!("{{ {many} }}"), json!({})).await;
    assert_eq!(
        refused["errors"][0]["extensions"],
        json!({ "code": "LIMIT_EXCEEDED", "limit": "cost", "value": 10_000, "asked": 11_000 })
    );
    assert_eq!(refused.get("data"), None);
}

#[tokio::test]
async fn selected_is_what_the_clause_of_the_field_asks_for() {
    let values = || vec![value(Value::Long(1), 1), value(Value::Long(5), 1), ValueCount { value: None, count: counts(1) }];
    let bench = told(vec![(1, facet(values()))]).await;
    for (clause, selected) in [
        ("{ in: [5, 7] }", [false, true, false]),
        ("{ gte: 1, lt: 5 }", [true, false, false]),
        ("{ ne: 1 }", [false, true, true]),
        ("{ exists: false }", [false, false, true]),
    ] {
        let query = format!(
            "{{ packages(facetFilters: {{ size: {clause} }}) {{ facets {{ size(include: [MISSING]) {{ values {{ selected }} }} }} }} }}"
        );
        let data = bench.data(&query).await;
        let got: Vec<bool> = data["packages"]["facets"]["size"]["values"]
            .as_array()
            .unwrap()
            .iter()
            .map(|value| value["selected"].as_bool().unwrap())
            .collect();
        assert_eq!(got, selected, "{clause}");
    }
}
