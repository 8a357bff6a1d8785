//! Better spellings, fewer words, and values that go on as typed; never of documents that are deleted or that the rule hides.

use hooke::search::{
    Action, Error, Filter, Fuzziness, Operator, PREFIX_MOST, Query, Rank, Suggest, Suggested, TextMatch, TotalRequest,
};
use serde_json::json;

use crate::ground::{Ground, Shelf, id};
use hooke::verify::Random;

conformance! {
    the_nearest_words_that_documents_have
    words_of_hidden_documents_are_not_known
    spellings_keep_what_stands_between_words
    nothing_is_spelled_where_enough_is_found
    one_word_less
    fewer_words_are_counted_as_the_query_counts
    values_come_by_count_and_then_by_value
    values_are_completed_case_apart
    signs_of_patterns_are_signs
    lowered_values_are_completed
    values_of_lists_and_of_texts
    hidden_and_deleted_documents_do_not_count
    values_of_what_a_query_finds
    what_cannot_be_completed_is_refused
    random_values_are_completed_as_counted_one_by_one
}

impl Shelf<'_> {
    async fn suggested(&self, query: Query, suggest: Suggest) -> Suggested {
        let page = self.page(Query { suggest: vec![(7, suggest)], ..query }).await;
        assert_eq!(page.suggested.len(), 1);
        assert_eq!(page.suggested[0].0, 7);
        page.suggested.into_iter().next().unwrap().1
    }

    /// The better text with what is changed in brackets; `-` for none.
    async fn spelled(&self, text: &str, paths: &[&str], rule: Filter) -> String {
        let fields: Vec<_> = paths.iter().map(|path| self.field(path)).collect();
        let weighed: Vec<_> = paths.iter().map(|path| (*path, 1.0)).collect();
        let rank = self.text(text, &weighed, Operator::And, Fuzziness::None);
        let query = Query { rank, rule, total: TotalRequest::UpTo(10), ..Query::new(self.name.clone()) };
        match self.suggested(query, Suggest::DidYouMean { text: text.into(), fields }).await {
            Suggested::DidYouMean(None) => "-".into(),
            Suggested::DidYouMean(Some(parts)) => {
                parts.into_iter().map(|(text, changed)| if changed { format!("[{text}]") } else { text }).collect()
            }
            other => panic!("{other:?}"),
        }
    }

    /// `text -dropped count, …`
    async fn relaxed(&self, query: Query) -> String {
        let Some(Rank::Text(text)) = query.rank.clone() else { panic!("no text") };
        let Suggested::Relaxed(all) = self.suggested(query, Suggest::Relaxed(text)).await else { panic!("another suggestion") };
        let told = all.iter().map(|one| format!("{} -{} {}", one.text, one.dropped.join("+"), one.total.value));
        told.collect::<Vec<_>>().join(", ")
    }

    /// `value count, …`
    async fn completed(&self, path: &str, prefix: &str, first: u32) -> String {
        self.completed_of(Query::completing(self.name.clone(), self.field(path), prefix.into(), first)).await
    }

    async fn completed_of(&self, query: Query) -> String {
        let page = self.page(query).await;
        let Some((_, Suggested::Complete(values))) = page.suggested.into_iter().next() else { panic!("no values") };
        values.iter().map(|value| format!("{} {}", value.text, value.count)).collect::<Vec<_>>().join(", ")
    }

    async fn delete(&self, name: &str) {
        let action = Action::Delete { id: id(name), precondition: Default::default() };
        for outcome in self.send(vec![self.write(action)]).await {
            outcome.unwrap();
        }
    }
}

async fn words(ground: &Ground) -> Shelf<'_> {
    let fields = json!({ "title": { "type": "text" }, "body": { "type": "text" }, "owner": { "type": "keyword" } });
    let shelf = ground.shelf(fields).await;
    shelf
        .fill([
            ("1", json!({ "title": "web server", "body": "serves pages", "owner": "a" })),
            ("2", json!({ "title": "web browser", "body": "shows pages, café", "owner": "a" })),
            ("3", json!({ "title": "secret servant", "body": "hidden wages", "owner": "b" })),
            ("4", json!({ "title": "secret servant web", "body": "Größe İstanbul наука", "owner": "b" })),
            ("5", json!({ "title": "secret server", "body": "e-mail l'eau", "owner": "b" })),
        ])
        .await;
    shelf
}

async fn the_nearest_words_that_documents_have(ground: &Ground) {
    let shelf = words(ground).await;
    for (text, meant) in [
        // one edit goes before two, though more documents have the other
        ("servan", "[servant]"),
        ("servr", "[server]"),
        // as near: the one in most documents; `pages` has two, `wages` one
        ("zages", "[pages]"),
        // capitals and transpositions
        ("SREVER Pgaes", "[server] [pages]"),
        // known, in either field; too short; nothing near
        ("web pages", "-"),
        ("wb", "-"),
        ("xylophone", "-"),
        ("xylophone servr", "xylophone [server]"),
        // no word at all
        ("!? ", "-"),
        // letters beyond ASCII count as one
        ("cafe", "[café]"),
        ("grösse", "[größe]"),
        ("größ", "[größe]"),
        ("istanbl", "[istanbul]"),
        ("наукк", "[наука]"),
    ] {
        assert_eq!(shelf.spelled(text, &["title", "body"], Filter::All).await, meant, "{text}");
    }
    // only of the fields asked
    assert_eq!(shelf.spelled("pagse", &["title"], Filter::All).await, "-");
    let long = "servr ".repeat(40);
    assert_eq!(shelf.spelled(&long, &["title"], Filter::All).await, "-", "that is a text, no search");
}

async fn words_of_hidden_documents_are_not_known(ground: &Ground) {
    let shelf = words(ground).await;
    let mine = || shelf.eq("owner", "a");
    for (text, meant) in [
        // known to others alone, and so is what would be nearest
        ("servant", "-"),
        ("servan", "[server]"),
        ("secret", "-"),
        ("wages", "[pages]"),
        ("hiden", "-"),
        ("servr wages", "[server] [pages]"),
        ("web server", "-"),
        ("browsr", "[browser]"),
    ] {
        assert_eq!(shelf.spelled(text, &["title", "body"], mine()).await, meant, "{text}");
    }
    // the same words as somebody sees them who may see all
    let all = || Filter::not(shelf.eq("owner", "nobody"));
    for (text, meant) in [("servan", "[servant]"), ("secrt", "[secret]"), ("hiden wages", "[hidden] wages"), ("zages", "[pages]")]
    {
        assert_eq!(shelf.spelled(text, &["title", "body"], all()).await, meant, "{text}");
    }
    assert_eq!(shelf.spelled("servr", &["title"], Filter::Nothing).await, "-");
}

async fn spellings_keep_what_stands_between_words(ground: &Ground) {
    let shelf = words(ground).await;
    for (text, meant) in [
        ("  Sevrer,\tpgaes! ", "  [server],\t[pages]! "),
        ("😀 servr", "😀 [server]"),
        ("(servr)", "([server])"),
        // of one piece only the words that nobody has
        ("e-mial", "e-[mail]"),
        ("web-servr", "web-[server]"),
        // each word is known, but no document has both
        ("mail-web", "-"),
    ] {
        assert_eq!(shelf.spelled(text, &["title", "body"], Filter::All).await, meant, "{text}");
    }
}

async fn nothing_is_spelled_where_enough_is_found(ground: &Ground) {
    let shelf = ground.shelf(json!({ "t": { "type": "text" } })).await;
    let names: Vec<String> = (0..5).map(|n| n.to_string()).collect();
    shelf.fill(names.iter().map(|name| (name.as_str(), json!({ "t": "web server" })))).await;
    let rank = shelf.text("web servr", &[("t", 1.0)], Operator::Or, Fuzziness::None);
    let spelling = || Suggest::DidYouMean { text: "web servr".into(), fields: vec![shelf.field("t")] };
    let query = |total| Query { rank: rank.clone(), total, ..Query::new(shelf.name.clone()) };
    for total in [TotalRequest::All, TotalRequest::UpTo(5)] {
        assert_eq!(shelf.suggested(query(total), spelling()).await, Suggested::DidYouMean(None));
    }
    shelf.delete("3").await;
    let changed = vec![("web ".to_owned(), false), ("server".to_owned(), true)];
    assert_eq!(shelf.suggested(query(TotalRequest::All), spelling()).await, Suggested::DidYouMean(Some(changed)));
    // without a total nobody knows
    let fault = shelf.fault(Query { suggest: vec![(0, spelling())], ..query(TotalRequest::UpTo(4)) }).await;
    assert!(matches!(fault, Error::Invalid { .. }), "{fault:?}");
}

async fn one_word_less(ground: &Ground) {
    let shelf = words(ground).await;
    let query = |text: &str, operator, fuzziness| Query {
        rank: shelf.text(text, &[("title", 1.0), ("body", 1.0)], operator, fuzziness),
        ..shelf.query()
    };
    for (text, expected) in [
        ("web zebra", "web -zebra 3"),
        ("zebra web server", "web server -zebra 1"),
        // the query finds one: only what finds more
        ("web server", "web -server 3, server -web 2"),
        ("secret servant zebra", "secret servant -zebra 2"),
        ("zebra yak", ""),
        ("zebra", ""),
        // two words too many
        ("web zebra yak", ""),
        ("web & zebra", "web & -zebra 3"),
        ("Größe zebra", "Größe -zebra 1"),
        ("zebra zebra web", ""),
    ] {
        assert_eq!(shelf.relaxed(query(text, Operator::And, Fuzziness::None)).await, expected, "{text}");
    }
    // any word is enough: the fewer words, the fewer hits
    assert_eq!(shelf.relaxed(query("web zebra", Operator::Or, Fuzziness::None)).await, "");
    // words are as vague as in the query
    assert_eq!(shelf.relaxed(query("wev zebra", Operator::And, Fuzziness::None)).await, "");
    assert_eq!(shelf.relaxed(query("wev zebra", Operator::And, Fuzziness::Auto)).await, "wev -zebra 3");
}

async fn fewer_words_are_counted_as_the_query_counts(ground: &Ground) {
    let shelf = words(ground).await;
    let query = || Query { rank: shelf.text("web zebra", &[("title", 1.0)], Operator::And, Fuzziness::None), ..shelf.query() };
    let mine = shelf.eq("owner", "a");
    assert_eq!(shelf.relaxed(query()).await, "web -zebra 3");
    assert_eq!(shelf.relaxed(Query { rule: mine.clone(), ..query() }).await, "web -zebra 2");
    assert_eq!(shelf.relaxed(Query { filter: mine.clone(), ..query() }).await, "web -zebra 2");
    assert_eq!(shelf.relaxed(Query { ticks: vec![(shelf.field("owner"), mine)], ..query() }).await, "web -zebra 2");
    assert_eq!(shelf.relaxed(Query { rule: Filter::Nothing, ..query() }).await, "");
    shelf.delete("1").await;
    assert_eq!(shelf.relaxed(query()).await, "web -zebra 2");
    // a keyword is one word: without one of its words it is another
    let text = TextMatch {
        query: "b zebra".into(),
        fields: vec![(shelf.field("owner"), 1.0)],
        operator: Operator::And,
        fuzziness: Fuzziness::None,
    };
    assert_eq!(shelf.relaxed(Query { rank: Some(Rank::Text(text)), ..shelf.query() }).await, "b -zebra 3");
}

async fn tags(ground: &Ground) -> Shelf<'_> {
    let shelf = ground
        .shelf(json!({
            "tag": { "type": "keyword" }, "low": { "type": "keyword", "normalizer": "lowercase" }, "owner": { "type": "keyword" },
            "name": { "type": "text", "fields": { "keyword": { "type": "keyword", "ignore_above": 8 } } }, "plain": { "type": "text" },
            "n": { "type": "long" }, "parts": { "type": "nested", "properties": { "tag": { "type": "keyword" } } },
            "unseen": { "type": "keyword", "index": false },
        }))
        .await;
    shelf
        .fill([
            ("1", json!({ "tag": "libc", "owner": "a", "parts": [{ "tag": "libc" }, { "tag": "libd" }] })),
            ("2", json!({ "tag": ["libc", "libz", "zlib"], "owner": "a" })),
            ("3", json!({ "tag": ["libz", "libz"], "owner": "b" })),
            ("4", json!({ "tag": ["Libc", "LIBX"], "owner": "b" })),
            ("5", json!({ "tag": ["libzip", "li", ""], "owner": "b" })),
        ])
        .await;
    shelf
}

async fn values_come_by_count_and_then_by_value(ground: &Ground) {
    let shelf = tags(ground).await;
    assert_eq!(shelf.completed("tag", "libz", 10).await, "libz 2, libzip 1");
    assert_eq!(shelf.completed("tag", "zlib", 10).await, "zlib 1");
    assert_eq!(shelf.completed("tag", "zlibx", 10).await, "");
    assert_eq!(shelf.completed("tag", "", 3).await, "libc 2, libz 2,  1");
    assert_eq!(shelf.completed("tag", "li", 0).await, "");
    assert_eq!(shelf.completed("tag", "li", 3).await, "libc 2, libz 2, LIBX 1");
    // in other segments, and written again
    shelf.fill([("6", json!({ "tag": ["libzip", "li"] })), ("7", json!({ "tag": "libzip" }))]).await;
    shelf.fill([("1", json!({ "tag": "libzip" }))]).await;
    assert_eq!(shelf.completed("tag", "lib", 3).await, "libzip 4, libz 2, LIBX 1");
}

async fn values_are_completed_case_apart(ground: &Ground) {
    let shelf = tags(ground).await;
    assert_eq!(shelf.completed("tag", "LIBc", 10).await, "libc 2, Libc 1");
    shelf
        .fill([
            ("u", json!({ "tag": ["Élan", "éléphant", "elan", "ΣΊΣΥΦΟΣ", "σίσυφος", "straße", "STRASSE", "Kelvin"] })),
            ("v", json!({ "tag": ["👍🏽 up", "👍 up", "ไทย", "עברית", "İzmir", "ızgara", "izmir", "e\u{301}lan"] })),
        ])
        .await;
    for (prefix, values) in [
        ("É", "Élan 1, éléphant 1"),
        ("e", "elan 1, e\u{301}lan 1"),
        ("ÉL", "Élan 1, éléphant 1"),
        // the letter at the end of a word is the same letter
        ("σίσυφοσ", "ΣΊΣΥΦΟΣ 1, σίσυφος 1"),
        // letter by letter: one is not two
        ("strass", "STRASSE 1"),
        ("k", "Kelvin 1"),
        ("\u{212a}el", "Kelvin 1"),
        ("👍", "👍 up 1, 👍🏽 up 1"),
        ("ไท", "ไทย 1"),
        ("עב", "עברית 1"),
        ("İ", "İzmir 1"),
        ("I", "izmir 1"),
        ("ı", "ızgara 1"),
    ] {
        assert_eq!(shelf.completed("tag", prefix, 10).await, values, "{prefix}");
    }
}

async fn signs_of_patterns_are_signs(ground: &Ground) {
    let shelf = ground.shelf(json!({ "tag": { "type": "keyword" } })).await;
    let signs = [
        ".*",
        "a.b",
        "[x]",
        "(y)",
        "{2}",
        "a|b",
        "\\d",
        "\"q\"",
        "#&<1-3>@~",
        "^a$",
        "a?b",
        "a+",
        "-",
        "/path/x",
        " lead",
        "_",
        "%41",
        "*",
        "x\\",
        "tab\tbed",
        "new\nline",
    ];
    let names: Vec<String> = (0..signs.len()).map(|n| n.to_string()).collect();
    shelf.fill(names.iter().zip(signs).map(|(name, sign)| (name.as_str(), json!({ "tag": sign })))).await;
    for sign in signs {
        assert_eq!(shelf.completed("tag", sign, 10).await, format!("{sign} 1"), "{sign}");
    }
    assert_eq!(shelf.completed("tag", "a.", 10).await, "a.b 1");
    assert_eq!(shelf.completed("tag", "[", 10).await, "[x] 1");
    assert_eq!(shelf.completed("tag", "#&", 10).await, "#&<1-3>@~ 1");
    assert_eq!(shelf.completed("tag", "#@", 10).await, "");
}

async fn lowered_values_are_completed(ground: &Ground) {
    let shelf = tags(ground).await;
    shelf
        .fill([("x", json!({ "low": ["Web", "WEBER", "İstanbul", "ÉTÉ"] })), ("y", json!({ "low": ["web", "istanbul"] }))])
        .await;
    assert_eq!(shelf.completed("low", "WE", 10).await, "web 2, weber 1");
    assert_eq!(shelf.completed("low", "İs", 10).await, "istanbul 2");
    assert_eq!(shelf.completed("low", "éT", 10).await, "été 1");
    assert_eq!(
        shelf
            .completed_of(Query {
                rule: shelf.eq("low", "weber"),
                ..Query::completing(shelf.name.clone(), shelf.field("low"), "İS".into(), 5)
            })
            .await,
        "istanbul 1"
    );
}

async fn values_of_lists_and_of_texts(ground: &Ground) {
    let shelf = tags(ground).await;
    shelf
        .fill([
            ("x", json!({ "name": ["Web server", "web", "wide"], "plain": "web" })),
            ("y", json!({ "name": "web" })),
            // cut by ignore_above
            ("z", json!({ "name": "webmaster" })),
        ])
        .await;
    assert_eq!(shelf.completed("name", "WEB", 10).await, "web 2");
    assert_eq!(shelf.completed("name", "w", 10).await, "web 2, wide 1");
}

async fn hidden_and_deleted_documents_do_not_count(ground: &Ground) {
    let shelf = tags(ground).await;
    let ruled =
        |rule, prefix: &str| Query { rule, ..Query::completing(shelf.name.clone(), shelf.field("tag"), prefix.into(), 10) };
    assert_eq!(shelf.completed_of(ruled(shelf.eq("owner", "a"), "lib")).await, "libc 2, libz 1");
    assert_eq!(shelf.completed_of(ruled(shelf.eq("owner", "b"), "lib")).await, "LIBX 1, Libc 1, libz 1, libzip 1");
    assert_eq!(shelf.completed_of(ruled(Filter::Nothing, "lib")).await, "");
    assert_eq!(shelf.completed("tag", "lib", 2).await, "libc 2, libz 2");
    shelf.delete("2").await;
    shelf.delete("5").await;
    // what is gone is gone at once, also from what was asked before
    assert_eq!(shelf.completed("tag", "lib", 10).await, "LIBX 1, Libc 1, libc 1, libz 1");
    assert_eq!(shelf.completed("tag", "libzi", 10).await, "");
    assert_eq!(shelf.completed_of(ruled(shelf.eq("owner", "a"), "lib")).await, "libc 1");
}

async fn values_of_what_a_query_finds(ground: &Ground) {
    let shelf = tags(ground).await;
    let complete = || Suggest::Complete { field: shelf.field("tag"), prefix: "lib".into(), first: 2 };
    let query = Query { filter: shelf.eq("owner", "b"), suggest: vec![(0, complete())], ..shelf.query() };
    let page = shelf.page(query).await;
    assert_eq!(page.hits.len(), 3);
    let Suggested::Complete(values) = &page.suggested[0].1 else { panic!("no values") };
    assert_eq!(values.iter().map(|value| value.text.as_str()).collect::<Vec<_>>(), ["LIBX", "Libc"]);
    // beside hits of everything
    let page = shelf.page(Query { suggest: vec![(0, complete())], ..shelf.query() }).await;
    let Suggested::Complete(values) = &page.suggested[0].1 else { panic!("no values") };
    assert_eq!((page.hits.len(), values[0].count, values[1].text.as_str()), (5, 2, "libz"));
}

async fn what_cannot_be_completed_is_refused(ground: &Ground) {
    let shelf = tags(ground).await;
    for path in ["n", "plain", "parts.tag", "parts", "unseen"] {
        let fault = shelf.fault(Query::completing(shelf.name.clone(), shelf.field(path), "l".into(), 10)).await;
        assert!(matches!(fault, Error::Invalid { .. }), "{path}: {fault:?}");
    }
    let of = |prefix: String, first| Query::completing(shelf.name.clone(), shelf.field("tag"), prefix, first);
    for query in [of("k".repeat(PREFIX_MOST + 1), 1), of("l".into(), 10_001)] {
        let fault = shelf.fault(query).await;
        assert!(matches!(fault, Error::Limit(_)), "{fault:?}");
    }
    // letters that fold to most others, as many as may be
    for letter in ["ι", "k", "𐐀", "*"] {
        assert_eq!(shelf.completed("tag", &letter.repeat(PREFIX_MOST), 1).await, "");
    }
    let ticked = Query { ticks: vec![(shelf.field("owner"), shelf.eq("owner", "a"))], ..of("l".into(), 1) };
    assert!(matches!(shelf.fault(ticked).await, Error::Invalid { .. }));
}

/// Few letters, so that beginnings meet; documents are written again and deleted between the rounds.
async fn random_values_are_completed_as_counted_one_by_one(ground: &Ground) {
    let shelf = ground.shelf(json!({ "tag": { "type": "keyword" }, "owner": { "type": "keyword" } })).await;
    let mut random = Random::new(20_261_121);
    let letters = ["a", "A", "b", "é", "É", "k", "\u{212a}", ".", "ß", "\u{301}"];
    let mut known: std::collections::BTreeMap<String, (Vec<String>, &str)> = Default::default();
    for _ in 0..4 {
        let mut batch = Vec::new();
        for _ in 0..60 {
            let name = random.below(90).to_string();
            if random.below(5) == 0 {
                if known.remove(&name).is_some() {
                    batch.push(shelf.write(Action::Delete { id: id(&name), precondition: Default::default() }));
                }
                continue;
            }
            let mut value = || (0..=random.below(3)).map(|_| letters[random.below(letters.len())]).collect::<String>();
            let values: Vec<String> = vec![value(), value()];
            let owner = if random.below(2) == 0 { "x" } else { "y" };
            batch.push(shelf.index(&name, json!({ "tag": values, "owner": owner })));
            known.insert(name, (values, owner));
        }
        for outcome in shelf.send(batch).await {
            outcome.unwrap();
        }
        for at in 0..40 {
            let prefix: String = (0..random.below(3)).map(|_| letters[random.below(letters.len())]).collect();
            let (first, owner) = (1 + random.below(6), ["x", "y"][random.below(2)]);
            let begins = hooke::search::pattern::Pattern::prefix(&prefix, true).unwrap();
            let mut counts: std::collections::BTreeMap<&str, u64> = Default::default();
            for (values, of) in known.values() {
                let distinct: std::collections::BTreeSet<&str> = values.iter().map(String::as_str).collect();
                for value in distinct.into_iter().filter(|value| begins.matches(value)) {
                    *counts.entry(value).or_default() += u64::from(at % 2 == 0 || *of == owner);
                }
            }
            let mut expected: Vec<(&str, u64)> = counts.into_iter().filter(|(_, count)| *count > 0).collect();
            expected.sort_by_key(|(value, count)| (std::cmp::Reverse(*count), *value));
            let expected: Vec<String> = expected.iter().take(first).map(|(value, count)| format!("{value} {count}")).collect();
            let rule = if at % 2 == 0 { Filter::All } else { shelf.eq("owner", owner) };
            let query = Query::completing(shelf.name.clone(), shelf.field("tag"), prefix.clone(), u32::try_from(first).unwrap());
            let got = shelf.completed_of(Query { rule, ..query }).await;
            assert_eq!(got, expected.join(", "), "{prefix:?} {first} {at} {owner}");
        }
    }
}
