//! Writing systems: how texts are cut into words and lowered, how keywords compare.

use hooke::search::{Fuzziness, Operator};
use serde_json::json;

use crate::ground::Ground;

conformance! {
    words_are_cut_by_unicode
    letters_are_lowered_one_by_one
    marks_are_part_of_their_letter
    edits_are_counted_in_letters
    keywords_are_not_normalized
}

async fn words_are_cut_by_unicode(ground: &Ground) {
    let shelf = ground.shelf(json!({ "t": { "type": "text" } })).await;
    shelf
        .fill([
            ("thai", json!({ "t": "สวัสดีชาวโลก" })),
            ("han", json!({ "t": "東京都" })),
            ("kana", json!({ "t": "カタカナ ひらがな" })),
            ("hangul", json!({ "t": "안녕하세요 세계" })),
            ("hebrew", json!({ "t": "שלום עולם צה\"ל" })),
            ("arabic", json!({ "t": "مرحبا بالعالم" })),
            ("emoji", json!({ "t": "I ❤️ 👩‍👩‍👧 🇩🇪 coffee☕" })),
            ("power", json!({ "t": "x² m³ ½" })),
            ("dash", json!({ "t": "naïve—café" })),
        ])
        .await;
    for (name, words) in [
        ("han", vec!["東", "京", "都"]),
        ("kana", vec!["カタカナ", "ひ"]),
        ("hangul", vec!["안녕하세요", "세계"]),
        ("hebrew", vec!["שלום", "צה\"ל"]),
        ("arabic", vec!["مرحبا"]),
        ("emoji", vec!["❤️", "👩‍👩‍👧", "🇩🇪", "☕", "coffee"]),
        ("dash", vec!["naïve", "café"]),
        ("thai", vec!["สวัสดีชาวโลก"]),
    ] {
        for word in words {
            assert_eq!(shelf.found(shelf.phrase("t", word)).await, name, "{word}");
        }
    }
    assert_eq!(shelf.found(shelf.any_word("t", "x²")).await, "power");
    assert_eq!(shelf.found(shelf.any_word("t", "カタ")).await, "");
    assert_eq!(shelf.found(shelf.any_word("t", "สวัสดี")).await, "");
}

async fn letters_are_lowered_one_by_one(ground: &Ground) {
    let shelf = ground.shelf(json!({ "t": { "type": "text" } })).await;
    shelf
        .fill([
            ("turkish", json!({ "t": "İSTANBUL" })),
            ("greek", json!({ "t": "ΣΊΣΥΦΟΣ" })),
            ("final", json!({ "t": "σίσυφος" })),
            ("german", json!({ "t": "STRAẞE" })),
            ("dotless", json!({ "t": "ISPARTA ısparta" })),
            ("titlecase", json!({ "t": "ǅ" })),
        ])
        .await;
    assert_eq!(shelf.found(shelf.any_word("t", "istanbul")).await, "turkish");
    assert_eq!(shelf.found(shelf.any_word("t", "i̇stanbul")).await, "");
    assert_eq!(shelf.found(shelf.any_word("t", "σίσυφοσ")).await, "greek");
    assert_eq!(shelf.found(shelf.any_word("t", "ΣΊΣΥΦΟΣ")).await, "greek");
    assert_eq!(shelf.found(shelf.any_word("t", "σίσυφος")).await, "final");
    assert_eq!(shelf.found(shelf.any_word("t", "straße")).await, "german");
    assert_eq!(shelf.found(shelf.any_word("t", "strasse")).await, "");
    assert_eq!(shelf.found(shelf.any_word("t", "ısparta")).await, "dotless");
    assert_eq!(shelf.found(shelf.any_word("t", "ǆ")).await, "titlecase");
}

async fn marks_are_part_of_their_letter(ground: &Ground) {
    let shelf = ground.shelf(json!({ "t": { "type": "text" } })).await;
    shelf
        .fill([
            ("whole", json!({ "t": "caf\u{e9}" })),
            ("parts", json!({ "t": "cafe\u{301}" })),
            ("plain", json!({ "t": "cafe" })),
        ])
        .await;
    assert_eq!(shelf.found(shelf.any_word("t", "caf\u{e9}")).await, "whole");
    assert_eq!(shelf.found(shelf.any_word("t", "cafe\u{301}")).await, "parts");
    assert_eq!(shelf.found(shelf.any_word("t", "cafe")).await, "plain");
}

async fn edits_are_counted_in_letters(ground: &Ground) {
    let shelf = ground.shelf(json!({ "t": { "type": "text" } })).await;
    shelf.fill([("1", json!({ "t": "größe" })), ("2", json!({ "t": "москва" }))]).await;
    let found = async |query: &str, fuzziness| shelf.ranked(shelf.text(query, &[("t", 1.0)], Operator::Or, fuzziness)).await;
    assert_eq!(found("grosse", Fuzziness::Two).await, "");
    assert_eq!(found("groẞe", Fuzziness::One).await, "1");
    assert_eq!(found("мосва", Fuzziness::Auto).await, "2");
    // two letters of two bytes each are not four
    assert_eq!(found("гр", Fuzziness::Auto).await, "");
}

async fn keywords_are_not_normalized(ground: &Ground) {
    let shelf = ground.shelf(json!({ "k": { "type": "keyword" } })).await;
    shelf
        .fill([
            ("whole", json!({ "k": "caf\u{e9}" })),
            ("parts", json!({ "k": "cafe\u{301}" })),
            ("nul", json!({ "k": "a\u{0}b" })),
            ("mark", json!({ "k": "\u{e000}\u{e001}" })),
        ])
        .await;
    assert_eq!(shelf.found(shelf.eq("k", "caf\u{e9}")).await, "whole");
    assert_eq!(shelf.found(shelf.eq("k", "cafe\u{301}")).await, "parts");
    assert_eq!(shelf.found(shelf.eq("k", "a\u{0}b")).await, "nul");
    assert_eq!(shelf.found(shelf.prefix("k", "a\u{0}", false)).await, "nul");
    assert_eq!(shelf.found(shelf.eq("k", "\u{e000}\u{e001}")).await, "mark");
    assert_eq!(shelf.ordered(vec![shelf.asc("k")]).await, "nul parts whole mark");
}
