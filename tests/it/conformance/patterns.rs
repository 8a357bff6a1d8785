//! Prefixes, wildcards and regular expressions on exact values.

use hooke::search::Filter;
use serde_json::json;

use crate::ground::{Ground, Shelf};

conformance! {
    prefixes
    wildcards
    signs_are_literal_behind_a_backslash
    regular_expressions
    signs_of_other_dialects_are_plain
    case_is_folded_by_unicode
    a_pattern_finds_every_value_however_many
    patterns_on_the_keyword_of_a_text
    patterns_on_values_that_are_lowered
    classes_that_begin_with_a_sign
}

async fn words<'g>(ground: &'g Ground, words: &[&str]) -> Shelf<'g> {
    let shelf = ground.shelf(json!({ "k": { "type": "keyword" } })).await;
    shelf.fill(words.iter().map(|word| (*word, json!({ "k": word })))).await;
    shelf
}

async fn prefixes(ground: &Ground) {
    let shelf = words(ground, &["net", "network", "Net", "inet", "ne"]).await;
    assert_eq!(shelf.found(shelf.prefix("k", "net", false)).await, "net network");
    assert_eq!(shelf.found(shelf.prefix("k", "net", true)).await, "net network Net");
    assert_eq!(shelf.found(Filter::not(shelf.prefix("k", "n", false))).await, "Net inet");
}

async fn wildcards(ground: &Ground) {
    let shelf = words(ground, &["libc6", "libc6-dev", "lib", "glibc", "l😀bc"]).await;
    assert_eq!(shelf.found(shelf.wildcard("k", "lib*", false)).await, "libc6 libc6-dev lib");
    assert_eq!(shelf.found(shelf.wildcard("k", "lib?6*", false)).await, "libc6 libc6-dev");
    assert_eq!(shelf.found(shelf.wildcard("k", "l*c*", false)).await, "libc6 libc6-dev l😀bc");
    assert_eq!(shelf.found(shelf.wildcard("k", "l?bc", false)).await, "l😀bc");
    assert_eq!(shelf.found(shelf.wildcard("k", "lib", false)).await, "lib");
    assert_eq!(shelf.found(shelf.wildcard("k", "LIB*", true)).await, "libc6 libc6-dev lib");
}

async fn signs_are_literal_behind_a_backslash(ground: &Ground) {
    let shelf = words(ground, &["a*b", "a?b", r"a\b", "axb", "a.b", "a[b", "a|b", "a\"b"]).await;
    assert_eq!(shelf.found(shelf.wildcard("k", r"a\*b", false)).await, "a*b");
    assert_eq!(shelf.found(shelf.wildcard("k", r"a\?b", false)).await, "a?b");
    assert_eq!(shelf.found(shelf.wildcard("k", r"a\\b", false)).await, r"a\b");
    assert_eq!(shelf.found(shelf.wildcard("k", r"a\xb", false)).await, "axb");
    assert_eq!(shelf.found(shelf.wildcard("k", "a[b", false)).await, "a[b");
    for sign in ["*", "?", r"\", ".", "[", "|", "\""] {
        let escaped = format!(r"a\{sign}b");
        assert_eq!(shelf.found(shelf.regexp("k", &escaped, false)).await, format!("a{sign}b"), "{escaped}");
        assert_eq!(shelf.found(shelf.prefix("k", &format!("a{sign}"), false)).await, format!("a{sign}b"), "{sign}");
    }
}

async fn regular_expressions(ground: &Ground) {
    let shelf = words(ground, &["net", "nets", "neet", "neeet", "not", "n9t", "n😀t", "n-t"]).await;
    assert_eq!(shelf.found(shelf.regexp("k", "net", false)).await, "net");
    assert_eq!(shelf.found(shelf.regexp("k", "n.t", false)).await, "net not n9t n😀t n-t");
    assert_eq!(shelf.found(shelf.regexp("k", "ne+ts?", false)).await, "net nets neet neeet");
    assert_eq!(shelf.found(shelf.regexp("k", "ne{2,3}t", false)).await, "neet neeet");
    assert_eq!(shelf.found(shelf.regexp("k", "ne{2}t", false)).await, "neet");
    assert_eq!(shelf.found(shelf.regexp("k", "ne{2,}t", false)).await, "neet neeet");
    assert_eq!(shelf.found(shelf.regexp("k", "n[a-z]t", false)).await, "net not");
    assert_eq!(shelf.found(shelf.regexp("k", "n[^a-z]t", false)).await, "n9t n😀t n-t");
    assert_eq!(shelf.found(shelf.regexp("k", "n[e-]t", false)).await, "net n-t");
    assert_eq!(shelf.found(shelf.regexp("k", r"n\dt", false)).await, "n9t");
    assert_eq!(shelf.found(shelf.regexp("k", "n(e|o)t|neet", false)).await, "net neet not");
    assert_eq!(shelf.found(shelf.regexp("k", "(n(e|o|)*ts?)?", false)).await, "net nets neet neeet not");
    shelf.fill([("empty", json!({ "k": "" }))]).await;
    assert_eq!(shelf.found(shelf.regexp("k", "(net)?", false)).await, "net empty");
    assert_eq!(shelf.found(shelf.regexp("k", "", false)).await, "empty");
}

async fn signs_of_other_dialects_are_plain(ground: &Ground) {
    let shelf = words(ground, &["^net$", "net", "a~b", "a&b", "a@b", "a<1-3>b", "a#b", "a2b", "\"a\"", "ab", "a@"]).await;
    assert_eq!(shelf.found(shelf.regexp("k", "^net$", false)).await, "^net$");
    for word in ["a~b", "a&b", "a@b", "a<1-3>b", "a#b", "\"a\"", "a@"] {
        assert_eq!(shelf.found(shelf.regexp("k", word, false)).await, word);
    }
    assert_eq!(shelf.found(shelf.regexp("k", "a[~&@#]b", false)).await, "a~b a&b a@b a#b");
}

async fn case_is_folded_by_unicode(ground: &Ground) {
    let shelf = words(
        ground,
        &[
            "été",
            "ÉTÉ",
            "Été d'or",
            "ΣΊΣΥΦΟΣ",
            "straße",
            "STRAẞE",
            "STRASSE",
            "İstanbul",
            "istanbul",
            "ıstanbul",
            "\u{212a}elvin",
            "КИЕВ",
        ],
    )
    .await;
    assert_eq!(shelf.found(shelf.prefix("k", "éTé", true)).await, "été ÉTÉ Été d'or");
    assert_eq!(shelf.found(shelf.wildcard("k", "σίσυφος", true)).await, "ΣΊΣΥΦΟΣ");
    assert_eq!(shelf.found(shelf.regexp("k", "straße", true)).await, "straße STRAẞE");
    assert_eq!(shelf.found(shelf.prefix("k", "IST", true)).await, "istanbul");
    assert_eq!(shelf.found(shelf.regexp("k", "[ı]stanbul", true)).await, "ıstanbul");
    assert_eq!(shelf.found(shelf.prefix("k", "kel", true)).await, "\u{212a}elvin");
    assert_eq!(shelf.found(shelf.regexp("k", "[а-я]+", true)).await, "КИЕВ");
    assert_eq!(shelf.found(shelf.regexp("k", "К[^и].*", true)).await, "");
}

async fn a_pattern_finds_every_value_however_many(ground: &Ground) {
    let shelf = ground.shelf(json!({ "k": { "type": "keyword" } })).await;
    let names: Vec<String> = (0..1_500).map(|n| format!("v{n:04}")).collect();
    shelf.fill(names.iter().map(|name| (name.as_str(), json!({ "k": name })))).await;
    for filter in [shelf.prefix("k", "v", false), shelf.wildcard("k", "v*", true), shelf.regexp("k", "v[0-9]+", false)] {
        let page = shelf.page(hooke::search::Query { filter, ..shelf.query() }).await;
        assert_eq!((page.total.unwrap().value, page.hits.len(), page.has_next), (1_500, 1_000, true));
    }
}

async fn patterns_on_the_keyword_of_a_text(ground: &Ground) {
    let shelf = ground.shelf(json!({ "t": { "type": "text", "fields": { "keyword": { "type": "keyword" } } } })).await;
    shelf.fill([("1", json!({ "t": "Quick Brown Fox" })), ("2", json!({ "t": "quick" }))]).await;
    assert_eq!(shelf.found(shelf.prefix("t", "Quick B", false)).await, "1");
    assert_eq!(shelf.found(shelf.wildcard("t", "quick*", true)).await, "1 2");
    assert_eq!(shelf.found(shelf.regexp("t", "Quick .*", false)).await, "1");
}

async fn patterns_on_values_that_are_lowered(ground: &Ground) {
    let shelf = ground.shelf(json!({ "k": { "type": "keyword", "normalizer": "lowercase" } })).await;
    shelf.fill(["NET", "net", "ẞ", "été", "ÿ", "Z", "_", "ſ", "N_T"].map(|word| (word, json!({ "k": word })))).await;
    for (pattern, ignore_case, wanted) in [
        ("[A-Z]+", false, "NET net Z"),
        ("NE.", false, "NET net"),
        // not from é to ÿ, as it were with its ends lowered: ß is none of these
        ("[É-ÿ]*", false, "ẞ ÿ"),
        ("[É-ÿ]+", true, "ẞ ÿ"),
        // there z would stand before a
        ("[Z-a]", false, "Z _"),
        ("n[^A-Z]t", false, "N_T"),
        ("N[^D-F]T", true, "N_T"),
        ("S", true, "ſ"),
    ] {
        assert_eq!(shelf.found(shelf.regexp("k", pattern, ignore_case)).await, wanted, "{pattern} {ignore_case}");
    }
    assert_eq!(shelf.found(shelf.prefix("k", "É", false)).await, "été");
    assert_eq!(shelf.found(shelf.wildcard("k", "N?T", true)).await, "NET net N_T");
}

async fn classes_that_begin_with_a_sign(ground: &Ground) {
    let shelf = words(ground, &["!", "-", "0", "[", "_", "Z", "a", "b", "é", "~"]).await;
    assert_eq!(shelf.found(shelf.regexp("k", "[!-a]", false)).await, "! - 0 [ _ Z a");
    assert_eq!(shelf.found(shelf.regexp("k", r"[\[-b]", false)).await, "[ _ a b");
    assert_eq!(shelf.found(shelf.regexp("k", r"[\[-\~]", false)).await, "[ _ a b ~");
    assert_eq!(shelf.found(shelf.regexp("k", "[_-ÿ]", false)).await, "_ a b é ~");
}
