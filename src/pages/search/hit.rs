//! A hit as people read it: a headline, the sentences that matched, and a few facts.

use serde_json::Value as Json;

use super::conditions::Spot;
use super::near;
use crate::catalog::{Exposed, ExposedField};
use crate::pages::shelf;
use crate::search::{Hit, Kind, Run, Source};

/// Names that documents give to what they are called, the best first.
pub(super) const HEADLINES: [&str; 8] = ["title", "name", "headline", "subject", "label", "displayname", "package", "product"];

/// And to what they are about.
const STORIES: [&str; 8] = ["description", "summary", "abstract", "body", "text", "content", "message", "synopsis"];

const MOST_FACTS: usize = 6;
/// Characters of a text without marks, and of a fact.
const STORY: usize = 240;
const FACT: usize = 60;

pub(in crate::pages) struct HitView {
    pub(in crate::pages) address: String,
    pub(in crate::pages) headline: Vec<Run>,
    /// Pieces of text, with the name of their field where it is not plain.
    pub(in crate::pages) pieces: Vec<Piece>,
    pub(in crate::pages) facts: Vec<(String, String)>,
    pub(in crate::pages) score: Option<String>,
    pub(in crate::pages) distance: Option<String>,
    /// Where it is, as the address of a search near it has it.
    pub(in crate::pages) whereabouts: Option<(String, String)>,
}

pub(in crate::pages) struct Piece {
    pub(in crate::pages) label: Option<String>,
    pub(in crate::pages) runs: Vec<Run>,
}

impl HitView {
    /// `telling` are the fields from [`telling`].
    pub(in crate::pages) fn new(on: &Exposed, hit: &Hit, telling: &[&Spot<'_>], spots: &[Spot<'_>]) -> Self {
        let source = &hit.document.source;
        let headline = headline(on, source);
        let story = story(on, headline.map(|(path, _)| path));
        let mut shown: Vec<&str> = headline.iter().map(|(path, _)| *path).collect();

        let mut runs = vec![plain(headline.map_or(hit.document.id.as_str(), |(_, text)| text))];
        let mut pieces = Vec::new();
        let called = headline.map(|(_, text)| text);
        for highlight in &hit.highlights {
            let is_headline = headline.is_some_and(|(path, _)| path == highlight.field);
            let story = Some(highlight.field.as_str()) == story;
            for fragment in &highlight.fragments {
                let text: String = fragment.runs.iter().map(|run| run.text.as_str()).collect();
                if Some(text.as_str()) == called {
                    // from end to end; a field that only repeats it adds nothing
                    runs.clone_from(&fragment.runs);
                } else if !is_headline {
                    let label = (!story).then(|| highlight.field.clone());
                    pieces.push(Piece { label, runs: fragment.runs.clone() });
                }
            }
            if !is_headline {
                shown.push(&highlight.field);
            }
        }
        if let Some(path) = story.filter(|path| !shown.contains(path)) {
            shown.push(path);
            if let Some(text) = at(source, path).and_then(Json::as_str) {
                pieces.insert(0, Piece { label: None, runs: vec![plain(&cut(text, STORY))] });
            }
        }
        HitView {
            address: shelf::document_address(on.collection.name.as_str(), hit.document.id.as_str()),
            headline: runs,
            pieces,
            facts: facts(telling, source, &shown, hit.document.id.as_str()),
            score: hit.score.map(|score| format!("{score:.2}")),
            distance: hit.distance.map(near::distance_text),
            whereabouts: near::whereabouts(spots, source).map(|(path, point)| (path.to_owned(), point)),
        }
    }
}

fn plain(text: &str) -> Run {
    Run { text: text.to_owned(), hit: false }
}

/// What a document is called: its path and its text.
pub(in crate::pages) fn headline<'a>(on: &'a Exposed, source: &'a Source) -> Option<(&'a str, &'a str)> {
    let short = |field: &&'a ExposedField| matches!(field.field.kind, Kind::Keyword(_) | Kind::Text { .. });
    let text = |field: &'a ExposedField| {
        let text =
            source.get(&field.field.path)?.as_str().filter(|text| !text.trim().is_empty() && text.chars().count() <= 200)?;
        Some((field.field.path.as_str(), text))
    };
    let named = HEADLINES
        .iter()
        .find_map(|name| on.fields.iter().filter(short).filter(|field| field.field.path.to_lowercase() == *name).find_map(text));
    named.or_else(|| on.fields.iter().filter(short).filter(|field| matches!(field.field.kind, Kind::Text { .. })).find_map(text))
}

/// The field that tells most about a document.
fn story<'a>(on: &'a Exposed, headline: Option<&str>) -> Option<&'a str> {
    let texts = || {
        on.fields
            .iter()
            .filter(|field| matches!(field.field.kind, Kind::Text { .. }) && Some(field.field.path.as_str()) != headline)
    };
    let named = STORIES.iter().find_map(|name| texts().find(|field| field.field.path.to_lowercase() == *name));
    named
        .or_else(|| texts().find(|field| matches!(field.field.kind, Kind::Text { exact: None, .. })))
        .map(|field| field.field.path.as_str())
}

/// What tells one document from another comes first, then the order of the mapping. The value that gave the order is worth seeing.
pub(in crate::pages) fn telling<'s, 'a>(spots: &'s [Spot<'a>], sorted: Option<&str>) -> Vec<&'s Spot<'a>> {
    let mut telling: Vec<&Spot<'a>> = spots.iter().collect();
    telling.retain(|spot| !matches!(spot.exposed.field.kind, Kind::Vector { .. } | Kind::Json { .. } | Kind::GeoPoint));
    telling.sort_by_key(|spot| match &spot.exposed.field.kind {
        _ if Some(spot.exposed.field.path.as_str()) == sorted => 0,
        _ if spot.exposed.list => 3,
        Kind::Keyword(_) | Kind::Date(_) => 1,
        Kind::Boolean => 4,
        _ => 2,
    });
    telling
}

/// Short values of the fields that are not shown yet.
fn facts(telling: &[&Spot<'_>], source: &Source, shown: &[&str], id: &str) -> Vec<(String, String)> {
    let fact = |spot: &&Spot<'_>| {
        let path = spot.exposed.field.path.as_str();
        if shown.contains(&path) {
            return None;
        }
        let text = short_text(at(source, path)?).filter(|text| text != id)?;
        Some((spot.label.clone(), cut(&text, FACT)))
    };
    telling.iter().filter_map(fact).take(MOST_FACTS).collect()
}

fn short_text(json: &Json) -> Option<String> {
    match json {
        Json::String(text) if !text.is_empty() => Some(text.clone()),
        Json::Number(number) => Some(number.as_u64().map_or_else(|| number.to_string(), shelf::grouped)),
        Json::Bool(true) => Some("yes".to_owned()),
        Json::Bool(false) => Some("no".to_owned()),
        Json::Array(items) => {
            let parts: Vec<String> = items.iter().filter_map(short_text).collect();
            (!parts.is_empty()).then(|| parts.join(", "))
        }
        _ => None,
    }
}

/// The value at a dotted path; keys of the document may hold dots themselves.
pub(super) fn at<'a>(source: &'a Source, path: &str) -> Option<&'a Json> {
    if let Some(found) = source.get(path) {
        return Some(found);
    }
    path.match_indices('.').find_map(|(dot, _)| match source.get(&path[..dot]) {
        Some(Json::Object(inner)) => at(inner, &path[dot + 1..]),
        _ => None,
    })
}

/// The beginning of a text, to the end of a word.
fn cut(text: &str, most: usize) -> String {
    let Some((end, _)) = text.char_indices().nth(most) else { return text.to_owned() };
    let head = &text[..end];
    let head = head.rsplit_once(char::is_whitespace).map_or(head, |(whole, _)| whole);
    format!("{head} …")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn values_are_found_under_both_ways_to_write_a_path() {
        let source = json!({"a": {"b": {"c": 1}}, "x.y": 2, "p": {"q.r": 3}});
        let source = source.as_object().unwrap();
        for (path, value) in [("a.b.c", Some(1)), ("x.y", Some(2)), ("p.q.r", Some(3)), ("a.c", None)] {
            assert_eq!(at(source, path).and_then(Json::as_i64), value, "{path}");
        }
    }

    #[test]
    fn texts_are_cut_between_words() {
        assert_eq!(cut("one two three", 9), "one two …");
        assert_eq!(cut("one", 9), "one");
        assert_eq!(cut("äöüäöü", 3), "äöü …");
    }
}
