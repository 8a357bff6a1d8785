//! Points: filters by distance, box and polygon, and the order by distance.

use hooke::search::{Direction, Error, Filter, From, GeoPoint, Order, PageRequest, Query};
use serde_json::{Value as Json, json};

use crate::ground::{Ground, Shelf, ids};

conformance! {
    near_is_along_the_surface
    points_come_in_every_form
    a_box_may_cross_the_date_line
    a_polygon_has_its_edges
    a_polygon_may_cross_the_date_line
    a_list_has_some_point_inside
    without_a_point_nothing_is_near
    hits_are_ordered_by_distance
    distances_of_lists_and_of_none
    pages_go_on_by_distance_both_ways
    a_distance_stands_among_other_keys
    what_is_no_place_is_refused
}

fn at(lat: f64, lon: f64) -> GeoPoint {
    GeoPoint { lat, lon }
}

async fn cities(ground: &Ground) -> Shelf<'_> {
    let shelf = ground.shelf(json!({ "p": { "type": "geo_point" }, "k": { "type": "keyword" } })).await;
    let city = |lat: f64, lon: f64| json!({ "p": { "lat": lat, "lon": lon }, "k": if lat < 0.0 { "south" } else { "north" } });
    shelf
        .fill([
            ("berlin", city(52.520_008, 13.404_954)),
            ("potsdam", city(52.390_568, 13.064_473)),
            ("paris", city(48.856_613, 2.352_222)),
            ("suva", city(-18.141_6, 178.441_9)),
            ("apia", city(-13.833_3, -171.766_7)),
            ("nowhere", json!({ "k": "none" })),
            ("null", json!({ "p": null })),
        ])
        .await;
    shelf
}

fn near(shelf: &Shelf<'_>, center: GeoPoint, metres: f64) -> Filter {
    Filter::Near { field: shelf.field("p"), center, metres }
}

fn boxed(shelf: &Shelf<'_>, top: f64, left: f64, bottom: f64, right: f64) -> Filter {
    Filter::InBox { field: shelf.field("p"), top, left, bottom, right }
}

fn polygon(shelf: &Shelf<'_>, corners: &[(f64, f64)]) -> Filter {
    Filter::InPolygon { field: shelf.field("p"), points: corners.iter().map(|(lat, lon)| at(*lat, *lon)).collect() }
}

async fn near_is_along_the_surface(ground: &Ground) {
    let shelf = cities(ground).await;
    let gate = at(52.516_266, 13.377_775);
    assert_eq!(shelf.found(near(&shelf, gate, 1_000.0)).await, "");
    assert_eq!(shelf.found(near(&shelf, gate, 2_000.0)).await, "berlin");
    assert_eq!(shelf.found(near(&shelf, gate, 30_000.0)).await, "berlin potsdam");
    assert_eq!(shelf.found(near(&shelf, gate, 900_000.0)).await, "berlin potsdam paris");
    // over the date line, and round the whole earth
    assert_eq!(shelf.found(near(&shelf, at(-16.0, -179.0), 1_000_000.0)).await, "suva apia");
    assert_eq!(shelf.found(near(&shelf, gate, 1e9)).await, "berlin potsdam paris suva apia");
    // over the pole
    let shelf = ground.shelf(json!({ "p": { "type": "geo_point" } })).await;
    shelf
        .fill([("near", json!({ "p": [170.0, 89.0] })), ("pole", json!({ "p": [0, 90] })), ("far", json!({ "p": [10, 80] }))])
        .await;
    assert_eq!(shelf.found(near(&shelf, at(89.0, -10.0), 230_000.0)).await, "near pole");
    // the very point is there, though the index keeps a corner of its cell
    assert_eq!(shelf.found(near(&shelf, at(80.0, 10.0), 0.5)).await, "far");
}

async fn points_come_in_every_form(ground: &Ground) {
    let shelf =
        ground.shelf(json!({ "p": { "type": "geo_point" }, "o": { "properties": { "p": { "type": "geo_point" } } } })).await;
    let forms: Vec<Json> = vec![
        json!({ "p": { "lat": 10, "lon": "20" } }),
        json!({ "p": "10, 20" }),
        json!({ "p": [20, 10] }),
        json!({ "p": [20, 10, 7] }),
        json!({ "p": "POINT (20 10)" }),
        json!({ "p": { "type": "Point", "coordinates": [20, 10] } }),
        json!({ "p": [[20, 10]] }),
        json!({ "o": [{ "p": "1,1" }, { "p": "10,20" }] }),
        json!({ "o.p": "10,20" }),
    ];
    let names: Vec<String> = (0..forms.len()).map(|at| at.to_string()).collect();
    shelf.fill(names.iter().map(String::as_str).zip(forms)).await;
    assert_eq!(shelf.found(near(&shelf, at(10.0, 20.0), 1.0)).await, "0 1 2 3 4 5 6");
    let inner = Filter::Near { field: shelf.field("o.p"), center: at(10.0, 20.0), metres: 1.0 };
    assert_eq!(shelf.found(inner).await, "7 8");
}

async fn a_box_may_cross_the_date_line(ground: &Ground) {
    let shelf = cities(ground).await;
    assert_eq!(shelf.found(boxed(&shelf, 53.0, 13.0, 52.0, 14.0)).await, "berlin potsdam");
    assert_eq!(shelf.found(boxed(&shelf, 53.0, -10.0, 40.0, 13.2)).await, "potsdam paris");
    assert_eq!(shelf.found(boxed(&shelf, 0.0, 170.0, -90.0, -170.0)).await, "suva apia");
    assert_eq!(shelf.found(boxed(&shelf, 0.0, -175.0, -90.0, -170.0)).await, "apia");
    assert_eq!(shelf.found(boxed(&shelf, 90.0, -180.0, -90.0, 180.0)).await, "berlin potsdam paris suva apia");
    assert_eq!(shelf.found(boxed(&shelf, 90.0, 14.0, -90.0, 13.2)).await, "potsdam paris suva apia");
    // the edges belong to it
    let shelf = ground.shelf(json!({ "p": { "type": "geo_point" } })).await;
    shelf
        .fill([
            ("corner", json!({ "p": "5,10" })),
            ("pole", json!({ "p": "90,0" })),
            ("line", json!({ "p": "0,180" })),
            ("other", json!({ "p": "0,-180" })),
        ])
        .await;
    assert_eq!(shelf.found(boxed(&shelf, 5.0, 10.0, 5.0, 10.0)).await, "corner");
    assert_eq!(shelf.found(boxed(&shelf, 90.0, -1.0, 90.0, 1.0)).await, "pole");
    assert_eq!(shelf.found(boxed(&shelf, 1.0, 180.0, -1.0, 180.0)).await, "line");
    assert_eq!(shelf.found(boxed(&shelf, 1.0, 180.0, -1.0, -180.0)).await, "line other");
    assert_eq!(shelf.found(boxed(&shelf, 1.0, 179.0, -1.0, -179.0)).await, "line other");
}

async fn a_polygon_has_its_edges(ground: &Ground) {
    let shelf = ground.shelf(json!({ "p": { "type": "geo_point" } })).await;
    shelf
        .fill([
            ("corner", json!({ "p": "0,0" })),
            ("edge", json!({ "p": "0,45" })),
            ("inside", json!({ "p": "10,20" })),
            ("outside", json!({ "p": "10,50" })),
            ("notch", json!({ "p": "30,22.5" })),
        ])
        .await;
    let square = [(0.0, 0.0), (0.0, 45.0), (45.0, 45.0), (45.0, 0.0)];
    assert_eq!(shelf.found(polygon(&shelf, &square)).await, "corner edge inside notch");
    let backwards: Vec<_> = square.iter().rev().copied().collect();
    assert_eq!(shelf.found(polygon(&shelf, &backwards)).await, "corner edge inside notch");
    // with a notch from above, and closed by hand
    let notched = [(0.0, 0.0), (0.0, 45.0), (45.0, 45.0), (22.5, 22.5), (45.0, 0.0), (0.0, 0.0)];
    assert_eq!(shelf.found(polygon(&shelf, &notched)).await, "corner edge inside");
    // a knot is inside where it is crossed an odd number of times
    let knot = [(0.0, 0.0), (45.0, 45.0), (0.0, 45.0), (45.0, 0.0)];
    assert_eq!(shelf.found(polygon(&shelf, &knot)).await, "corner edge");
    assert_eq!(shelf.found(polygon(&shelf, &[(0.0, 0.0), (0.0, 0.0), (20.0, 20.0), (0.0, 40.0)])).await, "corner inside");
}

async fn a_polygon_may_cross_the_date_line(ground: &Ground) {
    let shelf = ground.shelf(json!({ "p": { "type": "geo_point" } })).await;
    shelf.fill([("west", json!({ "p": "0,179" })), ("east", json!({ "p": "0,-179" })), ("zero", json!({ "p": "0,0" }))]).await;
    // told clockwise on the plane it is the narrow one, told the other way the wide one
    let narrow = [(-1.0, 178.0), (-1.0, -178.0), (1.0, -178.0), (1.0, 178.0)];
    assert_eq!(shelf.found(polygon(&shelf, &narrow)).await, "west east");
    let wide: Vec<_> = narrow.iter().rev().copied().collect();
    assert_eq!(shelf.found(polygon(&shelf, &wide)).await, "zero");
    let belt = [(-1.0, -180.0), (1.0, -180.0), (1.0, 180.0), (-1.0, 180.0)];
    assert_eq!(shelf.found(polygon(&shelf, &belt)).await, "west east zero");
    let one_side = [(-1.0, 178.5), (-1.0, 180.0), (1.0, 180.0), (1.0, 178.5)];
    assert_eq!(shelf.found(polygon(&shelf, &one_side)).await, "west");
}

async fn a_list_has_some_point_inside(ground: &Ground) {
    let shelf = ground.shelf(json!({ "p": { "type": "geo_point" } })).await;
    shelf.fill([("two", json!({ "p": ["10,10", "50,50", null] })), ("none", json!({ "p": [] }))]).await;
    for center in [at(10.0, 10.0), at(50.0, 50.0)] {
        assert_eq!(shelf.found(near(&shelf, center, 1.0)).await, "two");
    }
    // one and the same point is meant: there is none at 10, 50
    assert_eq!(shelf.found(boxed(&shelf, 11.0, 49.0, 9.0, 51.0)).await, "");
    let both = Filter::And(vec![near(&shelf, at(10.0, 10.0), 1.0), near(&shelf, at(50.0, 50.0), 1.0)]);
    assert_eq!(shelf.found(both).await, "two");
}

async fn without_a_point_nothing_is_near(ground: &Ground) {
    let shelf = cities(ground).await;
    let away = Filter::not(near(&shelf, at(52.5, 13.4), 100_000.0));
    assert_eq!(shelf.found(away).await, "paris suva apia nowhere null");
    assert_eq!(shelf.found(Filter::Exists(shelf.field("p"))).await, "berlin potsdam paris suva apia");
    let north = Filter::And(vec![shelf.eq("k", "north"), Filter::not(boxed(&shelf, 90.0, 0.0, 0.0, 10.0))]);
    assert_eq!(shelf.found(north).await, "berlin potsdam");
}

fn by_distance(shelf: &Shelf<'_>, from: GeoPoint, direction: Direction) -> Query {
    Query { order: vec![Order::Distance { field: shelf.field("p"), from, direction }], ..shelf.query() }
}

async fn hits_are_ordered_by_distance(ground: &Ground) {
    let shelf = cities(ground).await;
    let gate = at(52.516_266, 13.377_775);
    let page = shelf.page(by_distance(&shelf, gate, Direction::Asc)).await;
    assert_eq!(ids(&page), "berlin potsdam paris apia suva nowhere null");
    let metres: Vec<Option<f64>> = page.hits.iter().map(|hit| hit.distance).collect();
    let wanted = [Some(1_885.51), Some(25_418.09), Some(875_606.14), Some(15_689_553.5), Some(15_977_629.9), None, None];
    for (found, wanted) in metres.iter().zip(wanted) {
        match (found, wanted) {
            (Some(found), Some(wanted)) => assert!((found - wanted).abs() < wanted * 1e-5, "{metres:?}"),
            (found, wanted) => assert_eq!((found.is_some(), wanted.is_some()), (false, false), "{metres:?}"),
        }
    }
    let page = shelf.page(by_distance(&shelf, gate, Direction::Desc)).await;
    assert_eq!(ids(&page), "nowhere null suva apia paris potsdam berlin", "what has no point is infinitely far");
}

async fn distances_of_lists_and_of_none(ground: &Ground) {
    let shelf = ground.shelf(json!({ "p": { "type": "geo_point" } })).await;
    shelf
        .fill([
            ("one", json!({ "p": "0,5" })),
            ("list", json!({ "p": ["0,1", "0,9"] })),
            ("none", json!({})),
            ("here", json!({ "p": "0,0" })),
        ])
        .await;
    let page = shelf.page(by_distance(&shelf, at(0.0, 0.0), Direction::Asc)).await;
    assert_eq!(ids(&page), "here list one none", "the nearest point counts");
    assert_eq!(page.hits[0].distance, Some(0.0));
    let page = shelf.page(by_distance(&shelf, at(0.0, 0.0), Direction::Desc)).await;
    assert_eq!(ids(&page), "none list one here", "the farthest point counts");
}

async fn pages_go_on_by_distance_both_ways(ground: &Ground) {
    let shelf = ground.shelf(json!({ "p": { "type": "geo_point" } })).await;
    let names: Vec<String> = (0..12).map(|at| format!("d{at}")).collect();
    let places = (0..12).map(|at: i32| if at % 5 == 4 { json!({}) } else { json!({ "p": [f64::from(at * 7 % 6) + 0.25, 3] }) });
    shelf.fill(names.iter().map(String::as_str).zip(places)).await;
    for direction in [Direction::Asc, Direction::Desc] {
        let whole = ids(&shelf.page(by_distance(&shelf, at(1.0, 2.0), direction)).await);
        for backward in [false, true] {
            let mut seen: Vec<String> = Vec::new();
            let mut from = From::Start;
            loop {
                let query = by_distance(&shelf, at(1.0, 2.0), direction);
                let page = shelf.page(Query { page: PageRequest { size: 5, backward, from }, ..query }).await;
                let names = page.hits.iter().map(|hit| hit.document.id.to_string());
                if backward {
                    seen.splice(0..0, names.collect::<Vec<_>>());
                } else {
                    seen.extend(names);
                }
                from = match backward {
                    true if page.has_previous => From::Before(page.hits[0].key.clone()),
                    false if page.has_next => From::After(page.hits[4].key.clone()),
                    _ => break,
                };
            }
            assert_eq!(seen.join(" "), whole, "{direction:?}, backward {backward}");
        }
    }
}

async fn a_distance_stands_among_other_keys(ground: &Ground) {
    let shelf = cities(ground).await;
    let first = Order::Field { field: shelf.field("k"), direction: Direction::Desc, missing: Default::default() };
    let second = Order::Distance { field: shelf.field("p"), from: at(48.0, 2.0), direction: Direction::Asc };
    let third = Order::Distance { field: shelf.field("p"), from: at(0.0, 0.0), direction: Direction::Asc };
    let page = shelf.page(Query { order: vec![first, second, third], ..shelf.query() }).await;
    assert_eq!(ids(&page), "apia suva paris potsdam berlin nowhere null");
    assert!(page.hits[2].distance.is_some_and(|metres| metres < 200_000.0), "{:?}", page.hits[2].distance);
}

async fn what_is_no_place_is_refused(ground: &Ground) {
    let shelf = cities(ground).await;
    let on_keyword = Filter::Near { field: shelf.field("k"), center: at(0.0, 0.0), metres: 1.0 };
    for filter in [
        on_keyword,
        polygon(&shelf, &[(0.0, 0.0), (1.0, 1.0), (0.0, 0.0)]),
        polygon(&shelf, &[(0.0, -170.0), (0.0, 0.0), (0.0, 170.0)]),
    ] {
        let fault = shelf.fault(Query { filter, ..shelf.query() }).await;
        assert!(matches!(fault, Error::Invalid { .. }), "{fault:?}");
    }
    let order = vec![Order::Distance { field: shelf.field("k"), from: at(0.0, 0.0), direction: Direction::Asc }];
    let fault = shelf.fault(Query { order, ..shelf.query() }).await;
    assert!(matches!(fault, Error::Invalid { .. }), "{fault:?}");
}
