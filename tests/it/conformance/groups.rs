//! Groups: keys, order, conditions, pages, and what is computed inside.

use hooke::search::value::Value;
use hooke::search::{
    Calendar, Compute, Computed, Direction, Filter, GroupBy, GroupKey, GroupOrder, Having, Measure, Metric, Query, Range, Top,
};
use serde_json::json;

use super::computing::{BY_KEY, days, every, tell};
use crate::ground::{Ground, Shelf};

conformance! {
    groups_come_by_count_and_then_by_key
    groups_are_ordered
    several_keys
    keys_of_intervals_and_ranges
    what_has_no_key_is_a_group_where_asked
    conditions_on_groups
    pages_of_groups
    more_than_may_be_listed_is_said
    metrics_and_groups_inside
    first_documents_inside
    groups_follow_every_tick
    groups_that_make_no_sense_are_refused
}

async fn packages(ground: &Ground) -> Shelf<'_> {
    let shelf = ground
        .shelf(json!({
            "section": { "type": "keyword" }, "priority": { "type": "keyword" }, "size": { "type": "long" },
            "added": { "type": "date" }, "essential": { "type": "boolean" }, "text": { "type": "text" }
        }))
        .await;
    shelf
        .fill([
            ("a", json!({ "section": "net", "priority": "optional", "size": 10, "added": "2024-01-10", "essential": true, "text": "fast web server" })),
            ("b", json!({ "section": "net", "priority": "required", "size": 30, "added": "2024-01-20", "essential": false, "text": "web" })),
            ("c", json!({ "section": "web", "priority": "optional", "size": 20, "added": "2024-02-01", "text": "web web web" })),
            ("d", json!({ "section": "net", "priority": "optional", "size": [50, 70], "added": "2024-04-01" })),
            ("e", json!({ "section": ["web", "libs"], "priority": "optional" })),
            ("f", json!({ "priority": "extra", "size": 5 })),
        ])
        .await;
    shelf
}

async fn groups_come_by_count_and_then_by_key(ground: &Ground) {
    let shelf = packages(ground).await;
    assert_eq!(shelf.groups_told(shelf.groups(&["section"], 10)).await, "net 3, web 2, libs 1; other 0");
    assert_eq!(shelf.groups_told(shelf.groups(&["section"], 1)).await, "net 3, …; other 3");
    assert_eq!(shelf.groups_told(shelf.groups(&["section"], 0)).await, ", …; other 6");
    assert_eq!(shelf.groups_told(shelf.groups(&["size"], 3)).await, "5 1, 10 1, 20 1, …; other 3");
    assert_eq!(shelf.groups_told(shelf.groups(&["essential"], 3)).await, "false 1, true 1; other 0");
    assert_eq!(shelf.groups_told(shelf.groups(&["added"], 2)).await, "2024-01-10 1, 2024-01-20 1, …; other 2");
}

async fn groups_are_ordered(ground: &Ground) {
    let shelf = packages(ground).await;
    let by = |order: Vec<GroupOrder>, first| GroupBy { order, ..shelf.groups(&["section"], first) };
    let told = async |order, first| shelf.groups_told(by(order, first)).await;
    assert_eq!(told(vec![BY_KEY], 2).await, "libs 1, net 3, …; other 2");
    assert_eq!(told(vec![GroupOrder::Key(Direction::Desc)], 2).await, "web 2, net 3, …; other 1");
    assert_eq!(told(vec![GroupOrder::Count(Direction::Asc)], 2).await, "libs 1, web 2, …; other 3");
    let size = |measure, direction| GroupOrder::Metric { field: shelf.field("size"), measure, direction };
    // no size: last both ways
    assert_eq!(told(vec![size(Measure::Max, Direction::Asc)], 9).await, "web 2, net 3, libs 1; other 0");
    assert_eq!(told(vec![size(Measure::Max, Direction::Desc)], 9).await, "net 3, web 2, libs 1; other 0");
    assert_eq!(told(vec![size(Measure::Avg, Direction::Desc)], 1).await, "net 3, …; other 3");
    assert_eq!(told(vec![size(Measure::Sum, Direction::Asc)], 9).await, "libs 1, web 2, net 3; other 0");
    assert_eq!(told(vec![size(Measure::Distinct, Direction::Desc)], 9).await, "net 3, web 2, libs 1; other 0");
    assert_eq!(told(vec![size(Measure::ValueCount, Direction::Asc)], 9).await, "libs 1, web 2, net 3; other 0");
    assert_eq!(told(vec![size(Measure::StdDev, Direction::Desc)], 9).await, "net 3, web 2, libs 1; other 0");
    let added = GroupOrder::Metric { field: shelf.field("added"), measure: Measure::Min, direction: Direction::Desc };
    assert_eq!(told(vec![added], 9).await, "web 2, net 3, libs 1; other 0");
    let priority = GroupOrder::Metric { field: shelf.field("priority"), measure: Measure::Distinct, direction: Direction::Asc };
    assert_eq!(told(vec![priority, GroupOrder::Key(Direction::Desc)], 9).await, "web 2, libs 1, net 3; other 0");
}

async fn several_keys(ground: &Ground) {
    let shelf = packages(ground).await;
    let keys = ["section", "priority"];
    assert_eq!(
        shelf.groups_told(shelf.groups(&keys, 9)).await,
        "net/optional 2, web/optional 2, libs/optional 1, net/required 1; other 0"
    );
    let by_key = GroupBy { order: vec![GroupOrder::Key(Direction::Desc)], ..shelf.groups(&keys, 2) };
    assert_eq!(shelf.groups_told(by_key).await, "web/optional 2, net/required 1, …; other 3");
    // a document is in the group of each of its combinations
    let three = shelf.groups(&["priority", "section", "size"], 9);
    assert_eq!(
        shelf.groups_told(three).await,
        "optional/net/10 1, optional/net/50 1, optional/net/70 1, optional/web/20 1, required/net/30 1; other 0"
    );
}

async fn keys_of_intervals_and_ranges(ground: &Ground) {
    let shelf = packages(ground).await;
    let with = |key: GroupKey, order: Vec<GroupOrder>| GroupBy { keys: vec![key], order, ..shelf.groups(&[], 9) };
    let sized = GroupKey { interval: Some(every(40.0)), ..shelf.key("size") };
    assert_eq!(shelf.groups_told(with(sized.clone(), vec![])).await, "[0..40) 4, [40..80) 1; other 0");
    assert_eq!(shelf.groups_told(with(sized, vec![GroupOrder::Key(Direction::Desc)])).await, "[40..80) 1, [0..40) 4; other 0");
    let months = GroupKey { interval: Some(days(Calendar::Month, "UTC")), ..shelf.key("added") };
    assert_eq!(
        shelf.groups_told(with(months, vec![BY_KEY])).await,
        "[2024-01-01..2024-02-01) 2, [2024-02-01..2024-03-01) 1, [2024-04-01..2024-05-01) 1; other 0"
    );
    let ranges = vec![shelf.range("size", 20, json!(null)), shelf.range("size", json!(null), 40), shelf.range("size", 500, 600)];
    let ranged = GroupKey { ranges, ..shelf.key("size") };
    // a group of no documents is none; one without an upper end is told by its lower
    assert_eq!(shelf.groups_told(with(ranged.clone(), vec![])).await, "[..40) 4, 20 3; other 0");
    assert_eq!(shelf.groups_told(with(ranged.clone(), vec![BY_KEY])).await, "[..40) 4, 20 3; other 0");
    let both = GroupBy { keys: vec![shelf.key("priority"), ranged], ..shelf.groups(&[], 9) };
    assert_eq!(
        shelf.groups_told(both).await,
        "optional/[..40) 2, optional/20 2, extra/[..40) 1, required/[..40) 1, required/20 1; other 0"
    );
}

async fn what_has_no_key_is_a_group_where_asked(ground: &Ground) {
    let shelf = packages(ground).await;
    let missing = |path: &str| GroupKey { missing: true, ..shelf.key(path) };
    let with = |keys: Vec<GroupKey>, order: Vec<GroupOrder>, first| GroupBy { keys, order, ..shelf.groups(&[], first) };
    assert_eq!(shelf.groups_told(with(vec![missing("section")], vec![], 9)).await, "net 3, web 2, libs 1, ∅ 1; other 0");
    assert_eq!(shelf.groups_told(with(vec![missing("section")], vec![], 3)).await, "net 3, web 2, libs 1, …; other 1");
    assert_eq!(shelf.groups_told(with(vec![missing("essential")], vec![], 1)).await, "∅ 4, …; other 2");
    assert_eq!(shelf.groups_told(with(vec![missing("essential")], vec![BY_KEY], 9)).await, "false 1, true 1, ∅ 4; other 0");
    let down = vec![GroupOrder::Key(Direction::Desc)];
    assert_eq!(shelf.groups_told(with(vec![missing("essential")], down, 9)).await, "true 1, false 1, ∅ 4; other 0");
    let two = with(vec![missing("section"), missing("essential")], vec![], 9);
    assert_eq!(shelf.groups_told(two).await, "web/∅ 2, libs/∅ 1, net/false 1, net/true 1, net/∅ 1, ∅/∅ 1; other 0");
    // all have a priority: no group without
    assert_eq!(shelf.groups_told(with(vec![missing("priority")], vec![], 9)).await, "optional 4, extra 1, required 1; other 0");
    let ranges = vec![shelf.range("size", 0, 1)];
    let ranged = GroupKey { ranges, missing: true, ..shelf.key("size") };
    // a value outside of all ranges is a value
    assert_eq!(shelf.groups_told(with(vec![ranged], vec![], 9)).await, "∅ 1; other 0");
}

async fn conditions_on_groups(ground: &Ground) {
    let shelf = packages(ground).await;
    let told = async |having| {
        let groups = GroupBy { having: Some(having), ..shelf.groups(&["section"], 9) };
        shelf.groups_told(groups).await
    };
    let from = |value: Value| Range { lower: Some((value, true)), upper: None };
    let count = |range| Having::Count { under: None, elements: false, range };
    let size = |measure, range| Having::Metric { field: shelf.field("size"), measure, range };
    assert_eq!(told(count(from(Value::Long(2)))).await, "net 3, web 2; other 1");
    let at_most = Range { lower: None, upper: Some((Value::Long(3), false)) };
    assert_eq!(told(count(at_most)).await, "web 2, libs 1; other 3");
    assert_eq!(told(size(Measure::Avg, from(Value::Double(30.0)))).await, "net 3; other 3");
    let open = Range::default();
    assert_eq!(told(size(Measure::Min, open.clone())).await, "net 3, web 2; other 1");
    assert_eq!(told(Having::Not(Box::new(size(Measure::Min, open)))).await, "libs 1; other 5");
    let two =
        vec![count(from(Value::Long(3))), size(Measure::Sum, Range { lower: None, upper: Some((Value::Double(0.0), true)) })];
    assert_eq!(told(Having::Or(two.clone())).await, "net 3, libs 1; other 2");
    assert_eq!(told(Having::And(two)).await, "; other 6");
    assert_eq!(told(Having::Or(vec![])).await, "; other 6");
    assert_eq!(told(Having::And(vec![])).await, "net 3, web 2, libs 1; other 0");
    let added =
        Having::Metric { field: shelf.field("added"), measure: Measure::Max, range: from(shelf.value("added", "2024-02-01")) };
    assert_eq!(told(added).await, "net 3, web 2; other 1");
    let distinct = Having::Metric { field: shelf.field("priority"), measure: Measure::Distinct, range: from(Value::Long(2)) };
    assert_eq!(told(distinct).await, "net 3; other 3");
}

async fn pages_of_groups(ground: &Ground) {
    let shelf = ground
        .shelf(json!({ "k": { "type": "keyword" }, "n": { "type": "long" }, "x": { "type": "float" }, "b": { "type": "boolean" },
            "d": { "type": "date" }, "ns": { "type": "date_nanos" }, "ip": { "type": "ip" } }))
        .await;
    shelf
        .fill([
            ("a", json!({ "k": ["x", "y"], "n": [i64::MAX, 1], "x": 0.1, "b": true, "d": 1, "ns": "2024-01-01T00:00:00.000001Z", "ip": "10.0.0.1" })),
            ("b", json!({ "k": "z", "n": 9_007_199_254_740_993i64, "x": -0.5, "b": false, "d": -1, "ns": "2024-01-01T00:00:00.001Z", "ip": "::1" })),
            ("c", json!({ "k": ["x", "été"], "n": 9_007_199_254_740_992i64, "x": 1e30, "d": 1_700_000_000_000i64, "ns": "2024-01-02T00:00:00Z", "ip": "fe80::" })),
            ("d", json!({})),
        ])
        .await;
    for path in ["k", "n", "x", "b", "d", "ns", "ip"] {
        for missing in [false, true] {
            for direction in [Direction::Asc, Direction::Desc] {
                let keys = vec![GroupKey { missing, ..shelf.key(path) }];
                let all = GroupBy { keys, order: vec![GroupOrder::Key(direction)], ..shelf.groups(&[], 99) };
                let Computed::Groups(whole) = shelf.computed(Compute::Groups(all.clone())).await else { panic!("no groups") };
                assert!(!whole.more && whole.other == 0 && whole.groups.len() > 1);
                let total: u64 = whole.groups.iter().map(|group| group.count.documents).sum();
                let (mut after, mut seen) = (None, Vec::new());
                for _ in 0..20 {
                    let page = GroupBy { first: 2, after: after.clone(), ..all.clone() };
                    let Computed::Groups(page) = shelf.computed(Compute::Groups(page)).await else { panic!("no groups") };
                    let shown: u64 = page.groups.iter().map(|group| group.count.documents).sum();
                    assert_eq!(page.other, total - shown);
                    seen.extend(page.groups);
                    let last = seen.last().unwrap();
                    after = Some(last.key.iter().map(|part| part.as_ref().and_then(|part| part.lower.clone())).collect());
                    if !page.more {
                        break;
                    }
                }
                assert_eq!(seen, whole.groups, "{path} {missing} {direction:?}");
            }
        }
    }
    // several keys and intervals too
    let keys = vec![shelf.key("k"), GroupKey { interval: Some(every(0.5)), missing: true, ..shelf.key("x") }];
    let all = GroupBy { keys, order: vec![BY_KEY], ..shelf.groups(&[], 2) };
    let Computed::Groups(first) = shelf.computed(Compute::Groups(all.clone())).await else { panic!("no groups") };
    assert_eq!(tell(&Computed::Groups(first.clone())).split(", ").count(), 3);
    let after = first.groups[1].key.iter().map(|part| part.as_ref().and_then(|part| part.lower.clone())).collect();
    let told = shelf.groups_told(GroupBy { after: Some(after), ..all }).await;
    assert_eq!(told, "y/[0..0.5) 1, z/[-0.5..0) 1, …; other 3");
}

async fn more_than_may_be_listed_is_said(ground: &Ground) {
    let shelf = ground.shelf(json!({ "n": { "type": "long" }, "b": { "type": "boolean" } })).await;
    let lists: Vec<Vec<i64>> = (0..11).map(|at| (at * 1_000..(at + 1) * 1_000).collect()).collect();
    let names: Vec<String> = (0..11).map(|at| format!("d{at}")).collect();
    shelf.fill(names.iter().zip(lists).map(|(name, n)| (name.as_str(), json!({ "n": n, "b": true })))).await;
    let having =
        Having::Count { under: None, elements: false, range: Range { lower: Some((Value::Long(1), true)), upper: None } };
    let listed = GroupBy { having: Some(having), ..shelf.groups(&["n"], 2) };
    assert_eq!(shelf.groups_told(listed.clone()).await, "more than 10000");
    assert_eq!(shelf.groups_told(shelf.groups(&["b", "n"], 2)).await, "more than 10000");
    // by count or by key alone there may be any number
    assert_eq!(shelf.groups_told(shelf.groups(&["n"], 2)).await, "0 1, 1 1, …; other 10998");
    let paged = GroupBy { order: vec![BY_KEY], after: Some(vec![Some(Value::Long(10_997))]), ..shelf.groups(&["n"], 2) };
    assert_eq!(shelf.groups_told(paged).await, "10998 1, 10999 1; other 10998");
    let few = Query { filter: Filter::not(shelf.eq("n", 0)), ..shelf.query() };
    assert_eq!(tell(&shelf.computed_of(few, Compute::Groups(listed)).await), "1000 1, 1001 1, …; other 9998");
}

async fn metrics_and_groups_inside(ground: &Ground) {
    let shelf = packages(ground).await;
    let inner = GroupBy { inside: vec![(3, shelf.metrics(&[("size", Metric::Stats)]))], ..shelf.groups(&["priority"], 1) };
    let inside = vec![(1, shelf.metrics(&[("size", Metric::Stats), ("added", Metric::ValueCount)])), (2, Compute::Groups(inner))];
    let groups = GroupBy { inside: inside.clone(), ..shelf.groups(&["section"], 2) };
    let net = "(3 of: 4 values 10..70, avg 40, sum 160; 3 values) (optional 2 (2 of: 3 values 10..70, avg 43.333333333333336, sum 130), …; other 1)";
    let web = "(2 of: 1 values 20..20, avg 20, sum 20; 1 values) (optional 2 (2 of: 1 values 20..20, avg 20, sum 20); other 0)";
    assert_eq!(shelf.groups_told(groups.clone()).await, format!("net 3 {net}, web 2 {web}, …; other 1"));
    let by_key = GroupBy { order: vec![GroupOrder::Key(Direction::Desc)], ..groups.clone() };
    assert_eq!(shelf.groups_told(by_key).await, format!("web 2 {web}, net 3 {net}, …; other 1"));
    let by_size = GroupOrder::Metric { field: shelf.field("size"), measure: Measure::Sum, direction: Direction::Asc };
    let listed = GroupBy { order: vec![by_size], first: 9, ..groups };
    let libs = "(1 of: 0 values –..–, avg –, sum 0; 0 values) (optional 1 (1 of: 0 values –..–, avg –, sum 0); other 0)";
    assert_eq!(shelf.groups_told(listed).await, format!("libs 1 {libs}, web 2 {web}, net 3 {net}; other 0"));
    // inside, groups may be by several keys, by key, and under conditions, too
    let having =
        Having::Count { under: None, elements: false, range: Range { lower: Some((Value::Long(2), true)), upper: None } };
    let within = GroupBy { having: Some(having), ..shelf.groups(&["section", "priority"], 9) };
    let by_key = GroupBy { order: vec![GroupOrder::Key(Direction::Desc)], ..shelf.groups(&["size"], 2) };
    let missing = GroupKey { missing: true, ..shelf.key("essential") };
    let groups = GroupBy {
        keys: vec![missing],
        inside: vec![(1, Compute::Groups(within)), (2, Compute::Groups(by_key))],
        ..shelf.groups(&[], 9)
    };
    assert_eq!(
        shelf.groups_told(groups).await,
        "∅ 4 (web/optional 2; other 2) (70 1, 50 1, …; other 2), false 1 (; other 1) (30 1; other 0), true 1 (; other 1) (10 1; other 0); other 0"
    );
}

async fn first_documents_inside(ground: &Ground) {
    let shelf = packages(ground).await;
    let top = |size, order, fields| (1, Compute::Top(Top { size, order, fields }));
    let with = |inside, first| GroupBy { inside: vec![inside], ..shelf.groups(&["section"], first) };
    assert_eq!(shelf.groups_told(with(top(2, vec![], None), 9)).await, "net 3 (a b), web 2 (c e), libs 1 (e); other 0");
    let by_size = top(2, vec![shelf.desc("size")], None);
    assert_eq!(shelf.groups_told(with(by_size, 2)).await, "net 3 (d b), web 2 (c e), …; other 1");
    assert_eq!(shelf.groups_told(with(top(0, vec![], None), 1)).await, "net 3 (), …; other 3");
    let some = top(1, vec![], Some(vec!["size".into(), "section".into()]));
    let Computed::Groups(groups) = shelf.computed(Compute::Groups(with(some, 1))).await else { panic!("no groups") };
    let Computed::Top(documents) = &groups.groups[0].inside[0].1 else { panic!("no documents") };
    assert_eq!(json!(documents[0].source), json!({ "section": "net", "size": 10 }));
    assert_eq!(documents[0].version.primary_term, 1);
    // by score where something was searched
    let rank = shelf.text("web", &[("text", 1.0)], hooke::search::Operator::Or, hooke::search::Fuzziness::None);
    let query = Query { rank, ..shelf.query() };
    let told = tell(&shelf.computed_of(query, Compute::Groups(with(top(3, vec![], None), 9))).await);
    assert_eq!(told, "net 2 (b a), web 1 (c); other 0");
    let query = Query { compute: vec![(0, Compute::Groups(with(top(101, vec![], None), 1)))], ..shelf.query() };
    assert!(matches!(shelf.fault(query).await, hooke::search::Error::Limit(_)));
}

async fn groups_follow_every_tick(ground: &Ground) {
    let shelf = packages(ground).await;
    let query = Query {
        ticks: vec![(shelf.field("section"), shelf.eq("section", "net")), (shelf.field("size"), shelf.gte("size", 20))],
        compute: vec![
            (1, Compute::Groups(shelf.groups(&["section"], 9))),
            (2, Compute::Facet(shelf.facet("section", 9))),
            (3, shelf.metrics(&[("size", Metric::Stats)])),
        ],
        ..shelf.query()
    };
    let page = shelf.page(query).await;
    let told: Vec<String> = page.computed.iter().map(|(_, computed)| tell(computed)).collect();
    assert_eq!(told, ["net 2; other 0", "net 2, web 1; other 0", "2 of: 3 values 30..70, avg 50, sum 150"]);
}

async fn groups_that_make_no_sense_are_refused(ground: &Ground) {
    let shelf = packages(ground).await;
    let groups = |paths: &[&str]| shelf.groups(paths, 9);
    let after = Some(vec![Some(Value::Text("a".into()))]);
    let faults = [
        groups(&[]),
        groups(&["section", "section"]),
        groups(&["text"]),
        GroupBy { after: after.clone(), ..groups(&["section"]) },
        GroupBy { after, order: vec![BY_KEY], ..groups(&["section", "size"]) },
        GroupBy { inside: vec![(1, Compute::Facet(shelf.facet("size", 1)))], ..groups(&["section"]) },
        GroupBy {
            order: vec![GroupOrder::Metric { field: shelf.field("section"), measure: Measure::Max, direction: Direction::Asc }],
            ..groups(&["section"])
        },
    ];
    for group in faults {
        let query = Query { compute: vec![(0, Compute::Groups(group.clone()))], ..shelf.query() };
        assert!(matches!(shelf.fault(query).await, hooke::search::Error::Invalid { .. }), "{group:?}");
    }
}
